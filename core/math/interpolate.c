/* See interpolate.h. A row of y reaches over the last axis that changes and all behind it. It is
 * made in two steps: the rows of x that the axes before ask for are summed, then the sum is spread
 * along the row. */
#include "interpolate.h"

#include "core/kernels/vector.h"

#include <string.h>

void tern__taps_transpose(const tern__taps *taps, tern__taps *back) {
    back->in = taps->out;
    back->out = taps->in;
    back->identity = taps->identity;
    back->outside = NULL;
    if (taps->identity) return;
    memset(back->start, 0, (size_t)(back->out + 1) * sizeof *back->start);
    for (int64_t k = 0; k < taps->start[taps->out]; k++) back->start[taps->index[k] + 1]++;
    for (int64_t i = 0; i < back->out; i++) back->start[i + 1] += back->start[i];
    for (int64_t j = 0; j < taps->out; j++) /* start[i] runs to where i's list ends */
        for (int64_t k = taps->start[j]; k < taps->start[j + 1]; k++) {
            int64_t to = back->start[taps->index[k]]++;
            back->index[to] = j;
            back->weight[to] = taps->weight[k];
        }
    memmove(back->start + 1, back->start, (size_t)back->out * sizeof *back->start);
    back->start[0] = 0;
}

typedef struct job {
    const tern__vector_kernels *kernels;
    const tern__taps *axes;
    int last;            /* the axis along which rows are spread */
    int64_t inner;       /* floats of one place of it */
    int64_t rows, group; /* of y; rows of an item */
    int64_t in_row, out_row;
    const float *x;
    float *y, fill;
    bool add;
    float *sums; /* [threads][in_row] */
} job;

static int last_axis(const tern__taps *axes, int rank) {
    int last = rank - 1;
    while (last > 0 && axes[last].identity) last--;
    return last;
}

static int64_t inner_of(const tern__taps *axes, int rank, int last) {
    int64_t inner = 1;
    for (int i = last + 1; i < rank; i++) inner *= axes[i].in;
    return inner;
}

static size_t sums_size(const tern__taps *axes, int rank) {
    int last = last_axis(axes, rank);
    size_t floats = (size_t)(axes[last].in * inner_of(axes, rank, last));
    return (floats * sizeof(float) + 63) / 64 * 64;
}

size_t tern__interpolate_workspace(const tern_context *c, const tern__taps *axes, int rank) {
    return rank ? (size_t)c->threads * sums_size(axes, rank) : 0;
}

/* A row of y and what is summed for it. */
typedef struct row {
    const job *j;
    int64_t place[TERN_MAX_RANK];
    float *sum;
    const float *only; /* a single row of x with weight 1: no sum is made */
    int terms;
} row;

static bool is_outside(const tern__taps *t, int64_t place) {
    return !t->identity && t->outside && t->outside[place];
}

/* Adds the rows of x that axis and those behind it ask for; at: their row number so far. */
static void gather(row *r, int axis, int64_t at, float weight) {
    const job *j = r->j;
    if (axis == j->last) {
        const float *from = j->x + at * j->in_row;
        if (r->terms == 0 && weight == 1) {
            r->only = from;
        } else {
            if (r->only) j->kernels->scale(r->only, 1, r->sum, j->in_row, false);
            r->only = NULL;
            j->kernels->scale(from, weight, r->sum, j->in_row, r->terms > 0);
        }
        r->terms++;
        return;
    }
    const tern__taps *t = &j->axes[axis];
    int64_t place = r->place[axis];
    if (t->identity) {
        gather(r, axis + 1, at * t->in + place, weight);
        return;
    }
    for (int64_t k = t->start[place]; k < t->start[place + 1]; k++)
        gather(r, axis + 1, at * t->in + t->index[k], weight * t->weight[k]);
}

/* One place of the last axis. */
static void mix(const tern__taps *t, int64_t place, const float *x, int64_t inner, float *y,
                bool add) {
    int64_t k = t->start[place], end = t->start[place + 1];
    if (!add && end - k == 1 && t->weight[k] == 1) {
        memcpy(y, x + t->index[k] * inner, (size_t)inner * sizeof *y);
        return;
    }
    if (!add && end - k >= 2) {
        const float *a = x + t->index[k] * inner, *b = x + t->index[k + 1] * inner;
        float wa = t->weight[k], wb = t->weight[k + 1];
        for (int64_t i = 0; i < inner; i++) y[i] = wa * a[i] + wb * b[i];
        k += 2;
    } else if (!add) {
        memset(y, 0, (size_t)inner * sizeof *y);
    }
    for (; k < end; k++) {
        const float *a = x + t->index[k] * inner;
        for (int64_t i = 0; i < inner; i++) y[i] += t->weight[k] * a[i];
    }
}

/* The same where a place is one number. */
static void mix_numbers(const tern__taps *t, const float *x, float *y, bool add) {
    for (int64_t place = 0; place < t->out; place++) {
        float sum = add ? y[place] : 0;
        for (int64_t k = t->start[place]; k < t->start[place + 1]; k++)
            sum += t->weight[k] * x[t->index[k]];
        y[place] = sum;
    }
}

static void fill_floats(float *y, int64_t count, float value) {
    for (int64_t i = 0; i < count; i++) y[i] = value;
}

static void make_row(const job *j, int64_t number, float *sum) {
    row r = {.j = j, .sum = sum};
    float *y = j->y + number * j->out_row;
    const tern__taps *t = &j->axes[j->last];
    bool outside = false;
    for (int axis = j->last - 1; axis >= 0; axis--) {
        r.place[axis] = number % j->axes[axis].out;
        number /= j->axes[axis].out;
        outside |= is_outside(&j->axes[axis], r.place[axis]);
    }
    if (outside) {
        fill_floats(y, j->out_row, j->fill);
        return;
    }
    gather(&r, 0, 0, 1);
    if (!r.terms) memset(sum, 0, (size_t)j->in_row * sizeof *sum);
    const float *x = r.only ? r.only : sum;
    if (t->identity)
        j->kernels->scale(x, 1, y, j->out_row, j->add);
    else if (j->inner == 1)
        mix_numbers(t, x, y, j->add);
    else
        for (int64_t i = 0; i < t->out; i++) mix(t, i, x, j->inner, y + i * j->inner, j->add);
    for (int64_t i = 0; !t->identity && t->outside && i < t->out; i++)
        if (t->outside[i]) fill_floats(y + i * j->inner, j->inner, j->fill);
}

static void run_item(void *arg, int64_t item, int worker) {
    const job *j = arg;
    int64_t begin = item * j->group, end = begin + j->group < j->rows ? begin + j->group : j->rows;
    size_t each = ((size_t)j->in_row * sizeof(float) + 63) / 64 * 16;
    for (int64_t i = begin; i < end; i++) make_row(j, i, j->sums + (size_t)worker * each);
}

void tern__interpolate(const tern_context *c, const tern__taps *axes, int rank, const float *x,
                       float *y, bool add, float fill, void *workspace) {
    if (!rank) {
        *y = add ? *y + *x : *x;
        return;
    }
    job j = {.kernels = tern__vector(c),
             .axes = axes,
             .last = last_axis(axes, rank),
             .rows = 1,
             .x = x,
             .y = y,
             .fill = fill,
             .add = add,
             .sums = workspace};
    j.inner = inner_of(axes, rank, j.last);
    for (int i = 0; i < j.last; i++) j.rows *= axes[i].out;
    j.in_row = axes[j.last].in * j.inner;
    j.out_row = axes[j.last].out * j.inner;
    int64_t longer = j.in_row > j.out_row ? j.in_row : j.out_row;
    j.group = longer < 16384 ? 16384 / (longer ? longer : 1) : 1;
    tern__parallel(c, (j.rows + j.group - 1) / j.group, 2 * j.group * longer, run_item, &j);
}
