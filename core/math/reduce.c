/* Reductions: see reduce.h. */
#include "reduce.h"

#include "core/base/arithmetic.h"
#include "core/kernels/vector.h"
#include "strided.h"

#include <math.h>
#include <string.h>

enum {
    WORK = 32768,   /* floats that one item of work reads, about */
    CHUNK = 2048,   /* most kept columns of one item */
    LEAST_ROWS = 16 /* of a block, so that partial results are few */
};

static int64_t pieces(int64_t count, int64_t size) { return (count + size - 1) / size; }

/* Puts an axis in front of a list, merged with the one that is first so far where they lie
 * seamlessly. */
static void put_axis(int64_t *dims, int64_t *strides, int *rank, int64_t dim, int64_t stride) {
    if (*rank && strides[0] * dims[0] == stride) {
        dims[0] *= dim;
        return;
    }
    memmove(dims + 1, dims, (size_t)*rank * sizeof *dims);
    memmove(strides + 1, strides, (size_t)*rank * sizeof *strides);
    dims[0] = dim;
    strides[0] = stride;
    ++*rank;
}

void tern__reduction_make(tern__reduction *r, const int64_t *dims, int rank, const bool *reduced) {
    *r = (tern__reduction){.kept = 1, .rows = 1, .inner = 1};
    int axis = rank - 1;
    while (axis >= 0 && dims[axis] == 1) axis--;
    r->inner_reduced = axis >= 0 && reduced[axis];
    while (axis >= 0 && (dims[axis] == 1 || reduced[axis] == r->inner_reduced))
        r->inner *= dims[axis--];
    int64_t stride = r->inner;
    for (; axis >= 0; axis--) {
        if (dims[axis] == 1) continue;
        if (reduced[axis]) {
            put_axis(r->row_dims, r->row_strides, &r->row_rank, dims[axis], stride);
            r->rows *= dims[axis];
        } else {
            put_axis(r->kept_dims, r->kept_strides, &r->kept_rank, dims[axis], stride);
            r->kept *= dims[axis];
        }
        stride *= dims[axis];
    }
    r->count = stride;
    r->output_count = r->inner_reduced ? r->kept : r->kept * r->inner;
    r->chunk = tern__most(1, tern__least(r->inner, r->inner_reduced ? WORK : CHUNK));
    r->chunks = pieces(r->inner, r->chunk);
    r->block = tern__most(r->inner_reduced ? 1 : LEAST_ROWS, WORK / r->chunk);
    r->blocks = tern__most(1, pieces(r->rows, r->block));
}

size_t tern__reduction_workspace(int64_t count) {
    return ((size_t)count / 8 + 64) * (sizeof(float) + sizeof(int32_t));
}

static int64_t offset_of(int64_t index, int rank, const int64_t *dims, const int64_t *strides) {
    int64_t offset = 0;
    for (int i = rank - 1; i >= 0; i--) {
        offset += index % dims[i] * strides[i];
        index /= dims[i];
    }
    return offset;
}

typedef struct job {
    const tern__vector_kernels *kernels;
    const tern__reduction *r;
    const float *x;
    float *y;
    int32_t *at; /* NULL: sums */
    float factor;
    bool add;
    float *part; /* [kept][parts][width] */
    int32_t *part_at;
    int64_t parts, group; /* group: results per item where there are no parts */
} job;

/* Rows [row, end) of columns [column, column + columns) at x. The result goes to y and, for maxima,
 * to at. */
static void reduce_columns(const job *j, const float *x, int64_t row, int64_t end, int64_t column,
                           int64_t columns, float *y, int32_t *at) {
    const tern__reduction *r = j->r;
    int64_t run_length = r->row_rank ? r->row_dims[r->row_rank - 1] : 1;
    int64_t stride = r->row_rank ? r->row_strides[r->row_rank - 1] : r->inner;
    float more[CHUNK];
    int32_t more_at[CHUNK];
    for (int64_t first = row; row < end;) {
        int64_t run = tern__least(end - row, run_length - row % run_length);
        const float *p = x + offset_of(row, r->row_rank, r->row_dims, r->row_strides) + column;
        float *to = row == first ? y : more;
        if (at) {
            j->kernels->column_max(p, stride, run, columns, (int32_t)row, to,
                                   row == first ? at : more_at);
            for (int64_t c = 0; row > first && c < columns; c++)
                if (more[c] > y[c] || (more[c] != more[c] && y[c] == y[c])) {
                    y[c] = more[c];
                    at[c] = more_at[c];
                }
        } else {
            j->kernels->column_sum(p, stride, run, columns, to);
            if (row > first) j->kernels->binary(TERN__ADD, y, 1, more, 1, -INFINITY, y, columns);
        }
        row += run;
    }
}

/* Elements [begin, begin + length) of each of the rows [row, end) at x. */
static float reduce_rows(const job *j, const float *x, int64_t row, int64_t end, int64_t begin,
                         int64_t length, int32_t *at) {
    const tern__reduction *r = j->r;
    double sum = 0;
    float largest = 0;
    for (int64_t first = row; row < end; row++) {
        const float *p = x + offset_of(row, r->row_rank, r->row_dims, r->row_strides) + begin;
        if (!at) {
            sum += j->kernels->row_sum(p, length);
            continue;
        }
        int64_t index;
        float value = j->kernels->row_max(p, length, &index);
        if (row == first || value > largest || (value != value && largest == largest)) {
            largest = value;
            *at = (int32_t)(row * r->inner + begin + index);
        }
    }
    return at ? largest : (float)sum;
}

/* Part `part` of kept entry `kept`, into y (and at). */
static void reduce_part(const job *j, int64_t kept, int64_t part, float *y, int32_t *at) {
    const tern__reduction *r = j->r;
    const float *x = j->x + offset_of(kept, r->kept_rank, r->kept_dims, r->kept_strides);
    int64_t row = part / r->chunks * r->block, begin = part % r->chunks * r->chunk;
    int64_t end = tern__least(row + r->block, r->rows),
            length = tern__least(r->chunk, r->inner - begin);
    if (r->inner_reduced)
        *y = reduce_rows(j, x, row, end, begin, length, at);
    else
        reduce_columns(j, x, row, end, begin, length, y, at);
}

/* Chunks of kept entries that need no partial results. */
static void whole_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    const tern__reduction *r = j->r;
    int64_t end = tern__least((item + 1) * j->group, r->kept * r->chunks);
    for (int64_t i = item * j->group; i < end; i++) {
        int64_t kept = i / r->chunks, part = i % r->chunks;
        int64_t to = r->inner_reduced ? kept : kept * r->inner + part * r->chunk;
        int64_t n = r->inner_reduced ? 1 : tern__least(r->chunk, r->inner - part * r->chunk);
        float sums[CHUNK];
        float *y = j->add ? sums : j->y + to;
        reduce_part(j, kept, part, y, j->at ? j->at + to : NULL);
        if (!j->at && (j->add || j->factor != 1))
            j->kernels->scale(y, j->factor, j->y + to, n, j->add);
    }
}

static void part_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    const tern__reduction *r = j->r;
    int64_t kept = item / j->parts, part = item % j->parts;
    int64_t to = r->inner_reduced ? item
                                  : (kept * r->blocks + part / r->chunks) * r->inner +
                                        part % r->chunks * r->chunk;
    reduce_part(j, kept, part, j->part + to, j->at ? j->part_at + to : NULL);
}

/* Combines the partial results of one output, in order: they lie `stride` apart. */
static void combine(const job *j, const float *part, const int32_t *part_at, int64_t count,
                    int64_t stride, int64_t to) {
    if (!j->at) {
        double sum = 0;
        for (int64_t i = 0; i < count; i++) sum += part[i * stride];
        float value = j->factor * (float)sum;
        j->y[to] = j->add ? j->y[to] + value : value;
        return;
    }
    int64_t best = 0;
    for (int64_t i = 1; i < count; i++) {
        float value = part[i * stride], so_far = part[best * stride];
        if (value > so_far || (value != value && so_far == so_far)) best = i;
    }
    j->y[to] = part[best * stride];
    j->at[to] = part_at[best * stride];
}

static void combine_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    const tern__reduction *r = j->r;
    for (int64_t to = begin; to < end; to++) {
        if (r->inner_reduced) {
            combine(j, j->part + to * j->parts, j->part_at + to * j->parts, j->parts, 1, to);
        } else {
            int64_t from = to / r->inner * r->blocks * r->inner + to % r->inner;
            combine(j, j->part + from, j->part_at + from, r->blocks, r->inner, to);
        }
    }
}

static void reduce(const tern_context *c, job *j, void *workspace) {
    const tern__reduction *r = j->r;
    j->kernels = tern__vector(c);
    j->parts = r->chunks * r->blocks;
    if (r->count == 0) return;
    if (r->blocks == 1 && (r->chunks == 1 || !r->inner_reduced)) {
        j->group = tern__most(1, WORK / tern__most(1, r->rows * r->chunk));
        tern__parallel(c, pieces(r->kept * r->chunks, j->group), j->group * r->rows * r->chunk,
                       whole_item, j);
        return;
    }
    size_t partials = (size_t)r->count / 8 + 64;
    j->part = workspace;
    j->part_at = (int32_t *)(j->part + partials);
    tern__parallel(c, r->kept * j->parts, r->block * r->chunk, part_item, j);
    tern__parallel_range(c, r->output_count, CHUNK, r->blocks, combine_range, j);
}

void tern__reduce_sum(const tern_context *c, const tern__reduction *r, const float *x, float factor,
                      float *y, bool add, void *workspace) {
    job j = {.r = r, .x = x, .y = y, .factor = factor, .add = add};
    reduce(c, &j, workspace);
}

void tern__reduce_max(const tern_context *c, const tern__reduction *r, const float *x, float *y,
                      int32_t *at, void *workspace) {
    job j = {.r = r, .x = x, .y = y, .at = at};
    reduce(c, &j, workspace);
}

/* ---- gradients: x is dy, y is dx ---- */

static void spread_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    const tern__reduction *r = j->r;
    int64_t begin = item * j->group, end = tern__least(begin + j->group, r->kept * r->rows);
    for (int64_t i = begin; i < end; i++) {
        int64_t kept = i / r->rows, row = i % r->rows;
        float *to = j->y + offset_of(kept, r->kept_rank, r->kept_dims, r->kept_strides) +
                    offset_of(row, r->row_rank, r->row_dims, r->row_strides);
        if (!r->inner_reduced) {
            j->kernels->scale(j->x + kept * r->inner, j->factor, to, r->inner, j->add);
            continue;
        }
        float value = j->factor * j->x[kept], zero = 0;
        if (j->add)
            j->kernels->binary(TERN__ADD, to, 1, &value, 0, -INFINITY, to, r->inner);
        else
            j->kernels->binary(TERN__ADD, &value, 0, &zero, 0, -INFINITY, to, r->inner);
    }
}

void tern__reduce_sum_gradient(const tern_context *c, const tern__reduction *r, const float *dy,
                               float factor, float *dx, bool add) {
    job j = {.kernels = tern__vector(c), .r = r, .x = dy, .y = dx, .factor = factor, .add = add};
    j.group = tern__most(1, WORK / tern__most(1, r->inner));
    tern__parallel(c, pieces(r->kept * r->rows, j.group), j.group * r->inner, spread_item, &j);
}

static void scatter_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    const tern__reduction *r = j->r;
    for (int64_t i = begin; i < end; i++) {
        int64_t kept = r->inner_reduced ? i : i / r->inner;
        int64_t row = r->inner_reduced ? j->at[i] / r->inner : j->at[i];
        int64_t place = r->inner_reduced ? j->at[i] % r->inner : i % r->inner;
        j->y[offset_of(kept, r->kept_rank, r->kept_dims, r->kept_strides) +
             offset_of(row, r->row_rank, r->row_dims, r->row_strides) + place] += j->x[i];
    }
}

void tern__reduce_max_gradient(const tern_context *c, const tern__reduction *r, const float *dy,
                               const int32_t *at, float *dx, bool add) {
    job j = {.r = r, .x = dy, .y = dx, .at = (int32_t *)(uintptr_t)at};
    if (!add) tern__clear(c, dx, (size_t)r->count * sizeof *dx);
    tern__parallel_range(c, r->output_count, CHUNK, 8, scatter_range, &j);
}
