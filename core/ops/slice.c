/* Slice (ONNX 13): starts, ends, axes and steps as constant inputs 1 to 4. */
#include "ops.h"

#include "core/math/strided.h"

enum { X, STARTS, ENDS, AXES, STEPS };

typedef struct cut {
    int64_t start, step, length;
} cut;

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* ONNX's rule: negative starts and ends count from the end, both are clamped to the axis. */
static cut cut_of(int64_t dim, int64_t start, int64_t end, int64_t step) {
    if (start < 0) start += dim;
    if (end < 0) end += dim;
    cut c = {.step = step};
    if (step > 0) {
        c.start = clamp(start, 0, dim);
        int64_t stop = clamp(end, 0, dim);
        c.length = stop > c.start ? (stop - c.start - 1) / step + 1 : 0;
    } else {
        c.start = clamp(start, -1, dim - 1);
        int64_t stop = clamp(end, -1, dim - 1);
        c.length = c.start > stop ? (c.start - stop - 1) / -step + 1 : 0;
    }
    if (c.length < 2) c.step = 1; /* never taken, and multiplied with strides */
    return c;
}

static tern_status infer(tern__infer *in) {
    static const char *const names[] = {"", "starts", "ends", "axes", "steps"};
    const tern__shape *x = in->inputs[X];
    tern__ints lists[5] = {{0}};
    tern_status status;
    for (int i = STARTS; i <= STEPS; i++)
        if (i < in->n_inputs && in->inputs[i]) {
            if ((status = tern__infer_constant(in, i, names[i], &lists[i]))) return status;
            if (lists[i].count != lists[STARTS].count)
                return tern__infer_fail(in, TERN_ERR_SHAPE, "%d starts and %d %s",
                                        lists[STARTS].count, lists[i].count, names[i]);
        }
    if (lists[STARTS].count > x->rank)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "%d starts for an input of rank %d",
                                lists[STARTS].count, x->rank);
    in->outputs[0] = *x;
    bool seen[TERN_MAX_RANK] = {false};
    for (int i = 0; i < lists[STARTS].count; i++) {
        int axis = i;
        if (lists[AXES].count && (status = tern__infer_axis(in, lists[AXES].at[i], x->rank, &axis)))
            return status;
        int64_t step = lists[STEPS].count ? lists[STEPS].at[i] : 1;
        if (step == 0 || step == INT64_MIN || seen[axis])
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    step ? "axis %d is given twice" : "step 0 along axis %d", axis);
        seen[axis] = true;
        int64_t start = lists[STARTS].at[i], end = lists[ENDS].at[i], dim = x->dims[axis];
        bool all = start == 0 && step == 1 && end == INT64_MAX;
        in->outputs[0].dims[axis] = all || dim < 0 ? dim : cut_of(dim, start, end, step).length;
        if (in->outputs[0].dims[axis] == 0)
            return tern__infer_fail(
                in, TERN_ERR_SHAPE, "%lld:%lld:%lld takes nothing from axis %d of size %lld",
                (long long)start, (long long)end, (long long)step, axis, (long long)dim);
    }
    return TERN_OK;
}

static const int64_t *list(const tern__step *step, int input) {
    return step->n_inputs > input && step->inputs[input] ? step->inputs[input]->data : NULL;
}

/* The copy from x to y, and where in x it starts. */
static tern__strided make_copy(const tern__step *step, int64_t *offset) {
    const tern__tensor *x = step->inputs[X], *y = step->outputs[0];
    int64_t x_dims[TERN_MAX_RANK], y_dims[TERN_MAX_RANK], from[TERN_MAX_RANK], to[TERN_MAX_RANK];
    tern__physical(x, x_dims);
    tern__physical(y, y_dims);
    tern__dense_strides(x_dims, x->rank, from);
    tern__dense_strides(y_dims, y->rank, to);
    *offset = 0;
    const int64_t *starts = list(step, STARTS), *ends = list(step, ENDS);
    const int64_t *axes = list(step, AXES), *steps = list(step, STEPS);
    for (int i = 0; i < step->inputs[STARTS]->count; i++) {
        int64_t logical = axes ? axes[i] : i;
        int axis = tern__physical_axis(x, (int)(logical < 0 ? logical + x->rank : logical));
        cut c = cut_of(x_dims[axis], starts[i], ends[i], steps ? steps[i] : 1);
        *offset += c.start * from[axis];
        from[axis] *= c.step;
    }
    tern__strided s = {0};
    for (int i = 0; i < y->rank; i++) tern__strided_axis(&s, y_dims[i], from[i], to[i]);
    return s;
}

static tern_status forward(const tern__step *step) {
    int64_t offset;
    tern__strided s = make_copy(step, &offset);
    size_t size = tern__type_size(step->inputs[X]->type);
    tern__strided_copy(step->context, &s,
                       (const char *)step->inputs[X]->data + offset * (int64_t)size,
                       step->outputs[0]->data, size, false);
    return TERN_OK;
}

static void backward(const tern__step *step) {
    int64_t offset;
    tern__strided s = make_copy(step, &offset), back = s;
    float *dx = step->input_grads[X]->data;
    if (!step->accumulate[X])
        tern__clear(step->context, dx, (size_t)step->inputs[X]->count * sizeof(float));
    memcpy(back.from, s.to, sizeof s.to);
    memcpy(back.to, s.from, sizeof s.from);
    tern__strided_copy(step->context, &back, step->output_grads[0]->data, dx + offset,
                       sizeof(float), true);
}

static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    tern__ints axes;
    (void)axis;
    sight->all_inputs = true;
    return in->n_inputs > AXES && in->inputs[AXES] &&
           !tern__infer_constant(in, AXES, "axes", &axes) && axes.count == 1 &&
           tern__is_channel_axis(in, axes.at[0]);
}

const tern__op tern__op_slice = {
    .name = "Slice",
    .domain = "",
    .min_inputs = 3,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 1,
    .layouts = TERN__ANY_LAYOUT,
    .needs = TERN__NEEDS_INPUT(STARTS) | TERN__NEEDS_INPUT(ENDS) | TERN__NEEDS_INPUT(AXES) |
             TERN__NEEDS_INPUT(STEPS),
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .traits = {.sees = sees,
               .moved = (const tern__moved[]){
                   {"starts", STARTS, false}, {"ends", ENDS, false}, {"axes", AXES, false}, {0}}}};
