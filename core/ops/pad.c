/* Pad (ONNX 19): constant, reflect (without the edge), edge, wrap. pads as constant input 1
 * (begins, then ends; negative ones cut), an optional value as input 2, axes as input 3. With the
 * lectures' (1, 2, 3) and two each way:
 * constant 0 0 1 2 3 0 0, reflect 3 2 1 2 3 2 1, edge 1 1 1 2 3 3 3, wrap 2 3 1 2 3 1 2. */
#include "ops.h"

#include "core/math/strided.h"

typedef struct pad {
    tern__string mode;
} pad;

static const tern__attribute attributes[] = {TERN__A_STRING(pad, mode, "constant"), {0}};

enum { X, PADS, VALUE, AXES };

static tern_status infer(tern__infer *in) {
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    const char *mode = ((const pad *)in->attributes)->mode.at;
    const tern__shape *x = in->inputs[X];
    tern__ints pads, axes = {0};
    int known = 0;
    for (int i = 0; i < 4; i++) known |= strcmp(mode, modes[i]) == 0;
    if (!known)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT,
                                "mode '%s' is none of constant, reflect, edge, wrap", mode);
    tern_status status = tern__infer_constant(in, PADS, "pads", &pads);
    if (status) return status;
    bool partly = in->n_inputs > AXES && in->inputs[AXES];
    if (partly && (status = tern__infer_constant(in, AXES, "axes", &axes))) return status;
    if (in->n_inputs > VALUE && in->inputs[VALUE] &&
        (status = tern__infer_type(in, VALUE, x->type)))
        return status;
    int count = partly ? axes.count : x->rank;
    if (pads.count != 2 * count)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "%d pads for %d axes: there must be two for each", pads.count,
                                count);
    in->outputs[0] = *x;
    for (int i = 0; i < count; i++) {
        int axis = i;
        if (partly && (status = tern__infer_axis(in, axes.at[i], x->rank, &axis))) return status;
        int64_t begin = pads.at[i], end = pads.at[count + i], dim = x->dims[axis];
        if (begin < -TERN__MOST_ATTRIBUTE || begin > TERN__MOST_ATTRIBUTE ||
            end < -TERN__MOST_ATTRIBUTE || end > TERN__MOST_ATTRIBUTE)
            return tern__infer_fail(in, TERN_ERR_LIMIT, "pads beyond 2^30");
        if (dim < 0 && begin + end != 0) in->outputs[0].dims[axis] = -1;
        if (dim < 0) continue;
        if (dim + begin + end < 1)
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "pads %lld and %lld leave nothing of axis %d of size %lld",
                                    (long long)begin, (long long)end, axis, (long long)dim);
        if (dim == 0) return tern__infer_fail(in, TERN_ERR_SHAPE, "axis %d is empty", axis);
        in->outputs[0].dims[axis] = dim + begin + end;
    }
    return TERN_OK;
}

/* ---- which element of x is seen at a place of y ---- */

typedef struct job {
    const tern__step *step;
    char mode;
    int rank;
    size_t size;
    int64_t x_dims[TERN_MAX_RANK], y_dims[TERN_MAX_RANK], x_strides[TERN_MAX_RANK];
    int64_t begin[TERN_MAX_RANK];
    const char *x, *value;
    char *y;
    const float *dy;
    float *dx;
    int64_t rows, group; /* all but the last axis of y */
} job;

/* The index along an axis of length n, or -1 for the constant. */
static int64_t source(char mode, int64_t i, int64_t n) {
    if (i >= 0 && i < n) return i;
    if (mode == 'c') return -1;
    if (mode == 'e') return i < 0 ? 0 : n - 1;
    if (mode == 'w') return (i % n + n) % n;
    if (n == 1) return 0;
    int64_t period = 2 * (n - 1), place = (i % period + period) % period;
    return place < n ? place : period - place;
}

static job make_job(const tern__step *step) {
    const tern__tensor *x = step->inputs[X], *y = step->outputs[0];
    job j = {.step = step, .rank = x->rank, .size = tern__type_size(x->type), .rows = 1};
    j.mode = ((const pad *)step->attributes)->mode.at[0];
    tern__physical(x, j.x_dims);
    tern__physical(y, j.y_dims);
    tern__dense_strides(j.x_dims, j.rank, j.x_strides);
    const int64_t *pads = step->inputs[PADS]->data;
    bool partly = step->n_inputs > AXES && step->inputs[AXES];
    const int64_t *axes = partly ? step->inputs[AXES]->data : NULL;
    int count = partly ? (int)step->inputs[AXES]->count : x->rank;
    for (int i = 0; i < count; i++) {
        int64_t axis = axes ? (axes[i] < 0 ? axes[i] + x->rank : axes[i]) : i;
        j.begin[tern__physical_axis(x, (int)axis)] = pads[i];
    }
    for (int i = 0; i + 1 < j.rank; i++) j.rows *= j.y_dims[i];
    static const int64_t zero = 0;
    bool given = step->n_inputs > VALUE && step->inputs[VALUE];
    j.value = given ? step->inputs[VALUE]->data : (const char *)&zero;
    int64_t length = j.rank ? j.y_dims[j.rank - 1] : 1;
    j.group = length < TERN__BLOCK ? TERN__BLOCK / length : 1;
    return j;
}

/* Where in x (in elements) the row begins that row `row` of y shows, or -1 for the constant. */
static int64_t row_source(const job *j, int64_t row) {
    int64_t offset = 0;
    for (int i = j->rank - 2; i >= 0; i--) {
        int64_t at = source(j->mode, row % j->y_dims[i] - j->begin[i], j->x_dims[i]);
        if (at < 0) return -1;
        offset += at * j->x_strides[i];
        row /= j->y_dims[i];
    }
    return offset;
}

static void fill(const job *j, char *to, int64_t count) {
    for (int64_t i = 0; i < count; i++) memcpy(to + (size_t)i * j->size, j->value, j->size);
}

static void forward_row(const job *j, int64_t row) {
    int last = j->rank - 1;
    int64_t length = j->rank ? j->y_dims[last] : 1, n = j->rank ? j->x_dims[last] : 1;
    int64_t begin = j->rank ? j->begin[last] : 0, from = row_source(j, row);
    char *to = j->y + (size_t)(row * length) * j->size;
    if (from < 0) {
        fill(j, to, length);
        return;
    }
    const char *x = j->x + (size_t)from * j->size;
    for (int64_t i = 0; i < length;) {
        if (i >= begin && i - begin < n) { /* the row itself */
            int64_t run = n - (i - begin) < length - i ? n - (i - begin) : length - i;
            memcpy(to + (size_t)i * j->size, x + (size_t)(i - begin) * j->size,
                   (size_t)run * j->size);
            i += run;
            continue;
        }
        int64_t at = source(j->mode, i - begin, n);
        memcpy(to + (size_t)i * j->size, at < 0 ? j->value : x + (size_t)at * j->size, j->size);
        i++;
    }
}

static void forward_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t end = (item + 1) * j->group < j->rows ? (item + 1) * j->group : j->rows;
    for (int64_t row = item * j->group; row < end; row++) forward_row(j, row);
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    j.x = step->inputs[X]->data;
    j.y = step->outputs[0]->data;
    tern__parallel(step->context, (j.rows + j.group - 1) / j.group,
                   j.rows ? 2 * step->outputs[0]->count / j.rows * j.group : 0, forward_item, &j);
    return TERN_OK;
}

/* ---- backward: each element of y gives to the one it shows ---- */

/* The rows of y with one index along axis 0; they only touch x's rows with one index where axis 0
 * is not padded, which is then what threads share out. */
static void backward_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int last = j->rank - 1;
    int64_t end = (item + 1) * j->group, length = j->y_dims[last];
    for (int64_t row = item * j->group; row < end; row++) {
        int64_t from = row_source(j, row);
        if (from < 0) continue;
        const float *dy = j->dy + row * length;
        float *dx = j->dx + from;
        bool same = j->begin[last] == 0 && length == j->x_dims[last];
        if (same) {
            tern__vector(j->step->context)->scale(dy, 1, dx, length, true);
            continue;
        }
        for (int64_t i = 0; i < length; i++) {
            int64_t at = source(j->mode, i - j->begin[last], j->x_dims[last]);
            if (at >= 0) dx[at] += dy[i];
        }
    }
}

static void backward(const tern__step *step) {
    const tern__tensor *x = step->inputs[X];
    job j = make_job(step);
    if (!step->input_grads[X]) return;
    j.dy = step->output_grads[0]->data;
    j.dx = step->input_grads[X]->data;
    if (!step->accumulate[X]) tern__clear(step->context, j.dx, (size_t)x->count * sizeof(float));
    bool free_axis = j.rank > 1 && j.begin[0] == 0 && j.y_dims[0] == j.x_dims[0];
    j.group = free_axis ? j.rows / j.y_dims[0] : j.rows;
    tern__parallel(step->context, j.rows / j.group, 2 * x->count / (j.rows / j.group),
                   backward_item, &j);
}

static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    const int64_t *pads = in->constants[PADS];
    if (strcmp(((const pad *)in->attributes)->mode.at, "wrap") == 0 || !pads ||
        in->inputs[PADS]->dims[0] != 2 * in->inputs[X]->rank)
        return false;
    sight->low -= pads[axis];
    sight->high -= pads[axis];
    return true;
}

const tern__op tern__op_pad = {
    .name = "Pad",
    .domain = "",
    .min_inputs = 2,
    .max_inputs = 4,
    .min_outputs = 1,
    .max_outputs = 1,
    .attribute_size = sizeof(pad),
    .attributes = attributes,
    .layouts = TERN__ANY_LAYOUT,
    .needs = TERN__NEEDS_INPUT(PADS) | TERN__NEEDS_INPUT(AXES),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .traits = {.sees = sees,
               .moved = (const tern__moved[]){{"pads", PADS, false}, {"value", VALUE, true}, {0}}}};
