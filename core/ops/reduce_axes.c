/* ReduceMean, ReduceSum and ReduceMax (ONNX 13 to 18: axes as an attribute or as the second input,
 * constant). The gradient of ReduceMax goes to the first maximum in memory order. */
#include "ops.h"

#include "core/math/reduce.h"

typedef struct reduce_axes {
    tern__ints axes;
    int64_t keepdims, noop_with_empty_axes;
} reduce_axes;

static const tern__attribute attributes[] = {TERN__SOME_INTS(reduce_axes, axes),
                                             TERN__A_INT(reduce_axes, keepdims, 1),
                                             TERN__A_INT(reduce_axes, noop_with_empty_axes, 0),
                                             {0}};

/* Marks the reduced logical axes; axes are valid. */
static void mark(const reduce_axes *a, const int64_t *axes, int count, int rank, bool *reduced) {
    bool all = count == 0 && !a->noop_with_empty_axes;
    for (int i = 0; i < rank; i++) reduced[i] = all;
    for (int i = 0; i < count; i++) reduced[axes[i] < 0 ? axes[i] + rank : axes[i]] = true;
}

static tern_status infer(tern__infer *in) {
    const reduce_axes *a = in->attributes;
    const tern__shape *x = in->inputs[0];
    tern__ints axes = a->axes;
    tern_status status = tern__infer_type(in, 0, TERN_FLOAT);
    if (status) return status;
    if (in->n_inputs > 1 && in->inputs[1]) {
        if (axes.count) return tern__infer_fail(in, TERN_ERR_ARGUMENT, "axes are given twice");
        if ((status = tern__infer_constant(in, 1, "axes", &axes))) return status;
    }
    for (int i = 0; i < axes.count; i++) {
        int axis;
        if ((status = tern__infer_axis(in, axes.at[i], x->rank, &axis))) return status;
    }
    bool reduced[TERN_MAX_RANK];
    mark(a, axes.at, axes.count, x->rank, reduced);
    tern__shape *y = &in->outputs[0];
    *y = (tern__shape){.type = TERN_FLOAT};
    for (int i = 0; i < x->rank; i++) {
        if (!reduced[i])
            y->dims[y->rank++] = x->dims[i];
        else if (a->keepdims)
            y->dims[y->rank++] = 1;
    }
    return TERN_OK;
}

/* Dropping dimensions leaves [N, C] in order from a channels-last input too. */
static tern__layouts choose_layouts(const void *attributes_, const tern__shape *x,
                                    const tern__shape *y) {
    const reduce_axes *a = attributes_;
    if (a->keepdims) return TERN__ANY_LAYOUT;
    bool spatial = a->axes.count == x->rank - 2 && x->rank > 2 && y->rank == 2;
    for (int i = 0; i < a->axes.count; i++) {
        int64_t axis = a->axes.at[i] < 0 ? a->axes.at[i] + x->rank : a->axes.at[i];
        spatial = spatial && axis >= 2;
    }
    return spatial ? TERN__ONLY_LAST : TERN__ONLY_PLAIN;
}

static tern__reduction make_reduction(const tern__step *step) {
    const reduce_axes *a = step->attributes;
    const tern__tensor *x = step->inputs[0];
    const int64_t *axes = a->axes.at;
    int count = a->axes.count;
    if (step->n_inputs > 1 && step->inputs[1]) {
        axes = step->inputs[1]->data;
        count = (int)step->inputs[1]->count;
    }
    bool logical[TERN_MAX_RANK], reduced[TERN_MAX_RANK];
    mark(a, axes, count, x->rank, logical);
    for (int i = 0; i < x->rank; i++) reduced[tern__physical_axis(x, i)] = logical[i];
    int64_t dims[TERN_MAX_RANK];
    tern__physical(x, dims);
    tern__reduction r;
    tern__reduction_make(&r, dims, x->rank, reduced);
    return r;
}

static size_t places(const tern__step *step) {
    return ((size_t)step->outputs[0]->count * sizeof(int32_t) + 63) / 64 * 64;
}

static tern_status prepare(tern__step *step) {
    step->workspace_size = places(step) + tern__reduction_workspace(step->inputs[0]->count);
    if (step->training && step->op == &tern__op_reduce_max) step->state_size = places(step);
    return TERN_OK;
}

static float share(const tern__step *step, const tern__reduction *r) {
    bool mean = step->op == &tern__op_reduce_mean;
    return mean ? (float)((double)r->output_count / (double)r->count) : 1;
}

static tern_status forward(const tern__step *step) {
    tern__reduction r = make_reduction(step);
    const float *x = step->inputs[0]->data;
    float *y = step->outputs[0]->data;
    void *workspace = (char *)step->workspace + places(step);
    if (step->op == &tern__op_reduce_max)
        tern__reduce_max(step->context, &r, x, y, step->training ? step->state : step->workspace,
                         workspace);
    else
        tern__reduce_sum(step->context, &r, x, share(step, &r), y, false, workspace);
    return TERN_OK;
}

static void backward(const tern__step *step) {
    tern__reduction r = make_reduction(step);
    const float *dy = step->output_grads[0]->data;
    float *dx = step->input_grads[0]->data;
    if (step->op == &tern__op_reduce_max)
        tern__reduce_max_gradient(step->context, &r, dy, step->state, dx, step->accumulate[0]);
    else
        tern__reduce_sum_gradient(step->context, &r, dy, share(step, &r), dx, step->accumulate[0]);
}

static double flops(const tern__step *step) { return (double)step->inputs[0]->count; }

/* Over the channels alone, which stay an axis. */
static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    const reduce_axes *a = in->attributes;
    tern__ints axes = a->axes;
    (void)axis, (void)sight;
    if (in->n_inputs > 1 && in->inputs[1] && tern__infer_constant(in, 1, "axes", &axes))
        return false;
    return axes.count == 1 && tern__is_channel_axis(in, axes.at[0]) && a->keepdims;
}

static bool greatest(const void *attributes_, int n_inputs) {
    const tern__ints *axes = &((const reduce_axes *)attributes_)->axes;
    return n_inputs == 1 && axes->count == 1 && (axes->at[0] == 2 || axes->at[0] == -1);
}

static const tern__harmless harmless[] = {{"noop_with_empty_axes", 0}, {0}};

#define ROW                                                                                        \
    .domain = "", .min_inputs = 1, .max_inputs = 2, .min_outputs = 1, .max_outputs = 1,            \
    .attribute_size = sizeof(reduce_axes), .attributes = attributes, .layouts = TERN__ANY_LAYOUT,  \
    .choose_layouts = choose_layouts, .infer = infer, .needs = TERN__NEEDS_INPUT(1),               \
    .prepare = prepare, .forward = forward, .backward = backward, .flops = flops,                  \
    .traits.sees = sees, .traits.harmless = harmless

const tern__op tern__op_reduce_mean = {.name = "ReduceMean", ROW};
const tern__op tern__op_reduce_sum = {
    .name = "ReduceSum", ROW, .traits.moved = (const tern__moved[]){{"axes", 1, false}, {0}}};
const tern__op tern__op_reduce_max = {.name = "ReduceMax", ROW, .traits.greatest = greatest};
