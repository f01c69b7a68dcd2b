/* Gather (ONNX 13): slices of data along an axis by their numbers, as an embedding takes rows of a
 * table. Negative numbers count from the end; a number outside is an error when the network runs.
 *
 * Backward adds up the slices that each number got, in the order in which they stand. The numbers
 * are sorted first, so that threads share out numbers; with a sparse gradient only the rows that
 * occur are written. */
#include "ops.h"

#include "core/math/strided.h"

typedef struct gather {
    int64_t axis;
} gather;

static const tern__attribute attributes[] = {TERN__A_INT(gather, axis, 0), {0}};

enum { DATA, IDS };

static tern_status infer(tern__infer *in) {
    const tern__shape *data = in->inputs[DATA], *ids = in->inputs[IDS];
    int axis;
    tern_status status;
    if ((status = tern__infer_type(in, IDS, TERN_INT64)) ||
        (status = tern__infer_axis(in, ((const gather *)in->attributes)->axis, data->rank, &axis)))
        return status;
    if (data->rank - 1 + ids->rank > TERN_MAX_RANK)
        return tern__infer_fail(in, TERN_ERR_LIMIT,
                                "the output would have %d dimensions; at most %d",
                                data->rank - 1 + ids->rank, TERN_MAX_RANK);
    tern__shape y = {.type = data->type};
    for (int i = 0; i < axis; i++) y.dims[y.rank++] = data->dims[i];
    for (int i = 0; i < ids->rank; i++) y.dims[y.rank++] = ids->dims[i];
    for (int i = axis + 1; i < data->rank; i++) y.dims[y.rank++] = data->dims[i];
    in->outputs[0] = y;
    return TERN_OK;
}

typedef struct place {
    int64_t number, position;
} place;

typedef struct job {
    const tern__vector_kernels *kernels;
    int64_t outer, length, inner, n_ids, group;
    const int64_t *ids;
    size_t size;
    const char *data;
    char *y;
    /* backward */
    const float *dy;
    float *dx;
    const place *places;  /* sorted by number, then by position */
    const int64_t *runs;  /* where in places each different number begins; one more at the end */
    const int64_t *slots; /* the row of the gradient that each goes to; NULL: its number */
    const bool *fresh;    /* whether that row holds nothing yet */
    int64_t n_runs;
} job;

static job make_job(const tern__step *step) {
    const tern__tensor *data = step->inputs[DATA], *ids = step->inputs[IDS];
    int64_t axis = ((const gather *)step->attributes)->axis;
    job j = {.kernels = tern__vector(step->context),
             .n_ids = ids->count,
             .ids = ids->data,
             .size = tern__type_size(data->type),
             .data = data->data};
    tern__around_axis(data, (int)(axis < 0 ? axis + data->rank : axis), &j.outer, &j.length,
                      &j.inner);
    return j;
}

static int64_t row_of(const job *j, int64_t id) { return id < 0 ? id + j->length : id; }

static void forward_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t end = (item + 1) * j->group, all = j->outer * j->n_ids;
    size_t bytes = (size_t)j->inner * j->size;
    for (int64_t i = item * j->group; i < (end < all ? end : all); i++) {
        int64_t from = i / j->n_ids * j->length + row_of(j, j->ids[i % j->n_ids]);
        memcpy(j->y + (size_t)i * bytes, j->data + (size_t)from * bytes, bytes);
    }
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    for (int64_t i = 0; i < j.n_ids; i++)
        if (j.ids[i] < -j.length || j.ids[i] >= j.length)
            return tern__fail(step->context, TERN_ERR_ARGUMENT,
                              "Gather '%s': number %lld at position %lld is outside of %lld..%lld",
                              step->name ? step->name : "", (long long)j.ids[i], (long long)i,
                              (long long)-j.length, (long long)j.length - 1);
    j.y = step->outputs[0]->data;
    j.group = j.inner < TERN__BLOCK ? TERN__BLOCK / (j.inner ? j.inner : 1) : 1;
    tern__parallel(step->context, (j.outer * j.n_ids + j.group - 1) / j.group, j.group * j.inner,
                   forward_item, &j);
    return TERN_OK;
}

/* ---- backward ---- */

/* places [2][n], runs [n + 1], slots [n], fresh [n] */
static tern_status prepare(tern__step *step) {
    size_t n = (size_t)step->inputs[IDS]->count;
    step->backward_workspace_size = 2 * n * sizeof(place) + (2 * n + 1) * sizeof(int64_t) + n;
    return TERN_OK;
}

static bool in_order(place a, place b) {
    return a.number != b.number ? a.number < b.number : a.position < b.position;
}

/* Merge sort of n places at a, with b as room; returns where the sorted ones are. */
static place *sort(place *a, place *b, int64_t n) {
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            int64_t middle = begin + width < n ? begin + width : n;
            int64_t end = begin + 2 * width < n ? begin + 2 * width : n;
            for (int64_t i = begin, k = middle, to = begin; to < end; to++)
                b[to] = k >= end || (i < middle && in_order(a[i], a[k])) ? a[i++] : a[k++];
        }
        place *swap = a;
        a = b;
        b = swap;
    }
    return a;
}

/* Makes room in a sparse gradient for the numbers of this call: rows stay ascending and move from
 * the back. slots and fresh say where each number's row is. */
static void merge_rows(tern__tensor *g, const job *j, int64_t *slots, bool *fresh, bool keep) {
    size_t row_bytes = (size_t)j->inner * sizeof(float);
    float *data = g->data;
    int64_t old = keep ? g->rows_used : 0, both = 0;
    for (int64_t i = 0, k = 0; i < old && k < j->n_runs;) {
        int64_t number = j->places[j->runs[k]].number;
        both += g->rows[i] == number;
        if (g->rows[i] <= number)
            i++;
        else
            k++;
    }
    int64_t total = old + j->n_runs - both, i = old - 1, k = j->n_runs - 1;
    g->rows_used = total;
    for (int64_t to = total - 1; k >= 0; to--) {
        int64_t number = j->places[j->runs[k]].number;
        bool here = i >= 0 && g->rows[i] == number, other = i >= 0 && g->rows[i] > number;
        if ((here || other) && to != i) {
            g->rows[to] = g->rows[i];
            memcpy(data + to * j->inner, data + i * j->inner, row_bytes);
        }
        if (here || other) i--;
        if (other) continue;
        g->rows[to] = number;
        slots[k] = to;
        fresh[k] = !here;
        k--;
    }
}

static void backward_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t end = (item + 1) * j->group < j->n_runs ? (item + 1) * j->group : j->n_runs;
    for (int64_t run = item * j->group; run < end; run++)
        for (int64_t outer = 0; outer < j->outer; outer++) {
            int64_t number = j->places[j->runs[run]].number;
            int64_t row = j->slots ? j->slots[run] : outer * j->length + number;
            bool fresh = j->slots && j->fresh[run];
            for (int64_t i = j->runs[run]; i < j->runs[run + 1]; i++) {
                const float *dy = j->dy + (outer * j->n_ids + j->places[i].position) * j->inner;
                j->kernels->scale(dy, 1, j->dx + row * j->inner, j->inner, !fresh);
                fresh = false;
            }
        }
}

static void backward(const tern__step *step) {
    tern__tensor *g = step->input_grads[DATA];
    if (!g) return;
    job j = make_job(step);
    place *places = step->workspace, *spare = places + j.n_ids;
    int64_t *runs = (int64_t *)(spare + j.n_ids), *slots = runs + j.n_ids + 1;
    bool *fresh = (bool *)(slots + j.n_ids);
    for (int64_t i = 0; i < j.n_ids; i++) places[i] = (place){row_of(&j, j.ids[i]), i};
    j.places = sort(places, spare, j.n_ids);
    for (int64_t i = 0; i < j.n_ids; i++)
        if (i == 0 || j.places[i].number != j.places[i - 1].number) runs[j.n_runs++] = i;
    runs[j.n_runs] = j.n_ids;
    j.runs = runs;
    j.dy = step->output_grads[0]->data;
    j.dx = g->data;
    if (g->rows) {
        merge_rows(g, &j, slots, fresh, step->accumulate[DATA]);
        j.slots = slots;
        j.fresh = fresh;
    } else if (!step->accumulate[DATA]) {
        tern__clear(step->context, j.dx, (size_t)step->inputs[DATA]->count * sizeof(float));
    }
    j.group = 16;
    tern__parallel(step->context, (j.n_runs + j.group - 1) / j.group, j.group * j.inner,
                   backward_item, &j);
}

/* Channels by a list of numbers. */
static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    (void)axis;
    sight->all_inputs = true;
    return tern__is_channel_axis(in, ((const gather *)in->attributes)->axis) &&
           in->inputs[IDS]->rank == 1;
}

const tern__op tern__op_gather = {.name = "Gather",
                                  .domain = "",
                                  .min_inputs = 2,
                                  .max_inputs = 2,
                                  .min_outputs = 1,
                                  .max_outputs = 1,
                                  .attribute_size = sizeof(gather),
                                  .attributes = attributes,
                                  .layouts = TERN__ONLY_PLAIN,
                                  .needs = TERN__NEEDS_INPUT(IDS),
                                  .infer = infer,
                                  .prepare = prepare,
                                  .forward = forward,
                                  .backward = backward,
                                  .traits.sees = sees,
                                  .traits.looks_up = true};
