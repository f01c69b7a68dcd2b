/* GlobalAveragePool and GlobalMaxPool: reductions over all spatial axes. */
#include "ops.h"

#include "core/math/reduce.h"

static tern_status infer(tern__infer *in) {
    const tern__shape *x = in->inputs[0];
    char text[TERN__SHAPE_TEXT];
    tern_status status = tern__infer_type(in, 0, TERN_FLOAT);
    if (status) return status;
    if (x->rank < 3)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "input %s must be [N, C, spatial...]",
                                tern__shape_text(x, text, sizeof text));
    in->outputs[0] = *x;
    for (int i = 2; i < x->rank; i++) in->outputs[0].dims[i] = 1;
    return TERN_OK;
}

static tern__reduction spatial_reduction(const tern__step *step) {
    const tern__tensor *x = step->inputs[0];
    int64_t dims[TERN_MAX_RANK];
    bool reduced[TERN_MAX_RANK] = {false};
    tern__physical(x, dims);
    for (int i = 2; i < x->rank; i++) reduced[tern__physical_axis(x, i)] = true;
    tern__reduction r;
    tern__reduction_make(&r, dims, x->rank, reduced);
    return r;
}

static tern_status prepare(tern__step *step) {
    step->workspace_size = tern__reduction_workspace(step->inputs[0]->count);
    return TERN_OK;
}

/* Which element was the largest is kept for backward, or, at inference, forgotten with the
 * workspace. */
static tern_status prepare_max(tern__step *step) {
    size_t at = ((size_t)step->outputs[0]->count * sizeof(int32_t) + 63) / 64 * 64;
    step->workspace_size = at + tern__reduction_workspace(step->inputs[0]->count);
    if (step->training) step->state_size = at;
    return TERN_OK;
}

static float share(const tern__reduction *r) {
    return (float)((double)r->output_count / (double)r->count);
}

static tern_status forward_average(const tern__step *step) {
    tern__reduction r = spatial_reduction(step);
    tern__reduce_sum(step->context, &r, step->inputs[0]->data, share(&r), step->outputs[0]->data,
                     false, step->workspace);
    return TERN_OK;
}

static void backward_average(const tern__step *step) {
    tern__reduction r = spatial_reduction(step);
    tern__reduce_sum_gradient(step->context, &r, step->output_grads[0]->data, share(&r),
                              step->input_grads[0]->data, step->accumulate[0]);
}

static tern_status forward_max(const tern__step *step) {
    tern__reduction r = spatial_reduction(step);
    size_t at = ((size_t)step->outputs[0]->count * sizeof(int32_t) + 63) / 64 * 64;
    tern__reduce_max(step->context, &r, step->inputs[0]->data, step->outputs[0]->data,
                     step->training ? step->state : step->workspace, (char *)step->workspace + at);
    return TERN_OK;
}

static void backward_max(const tern__step *step) {
    tern__reduction r = spatial_reduction(step);
    tern__reduce_max_gradient(step->context, &r, step->output_grads[0]->data, step->state,
                              step->input_grads[0]->data, step->accumulate[0]);
}

static double flops(const tern__step *step) { return (double)step->inputs[0]->count; }

static bool greatest(const void *attributes, int n_inputs) {
    (void)attributes, (void)n_inputs;
    return true;
}

#define ROW                                                                                        \
    .domain = "", .min_inputs = 1, .max_inputs = 1, .min_outputs = 1, .max_outputs = 1,            \
    .layouts = TERN__ONLY_LAST, .infer = infer, .flops = flops

const tern__op tern__op_global_average_pool = {.name = "GlobalAveragePool",
                                               ROW,
                                               .prepare = prepare,
                                               .forward = forward_average,
                                               .backward = backward_average};
const tern__op tern__op_global_max_pool = {.name = "GlobalMaxPool",
                                           ROW,
                                           .prepare = prepare_max,
                                           .forward = forward_max,
                                           .backward = backward_max,
                                           .traits.greatest = greatest};
