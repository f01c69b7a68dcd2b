/* See convolution_step.h. Knows no operator's attributes. */
#include "convolution_step.h"

#include <string.h>

_Static_assert((int)TERN__NONE == TERN__GEMM_NONE && (int)TERN__RELU == TERN__GEMM_RELU &&
                   (int)TERN__LEAKY_RELU == TERN__GEMM_LEAKY_RELU &&
                   (int)TERN__SIGMOID == TERN__GEMM_SIGMOID && (int)TERN__TANH == TERN__GEMM_TANH,
               "the kernels' activations are the steps'");

tern_status tern__convolution_check(const tern__infer *in, int64_t group,
                                    const tern__ints *kernel_shape) {
    const tern__shape *x = in->inputs[0], *w = in->inputs[1];
    char text[TERN__SHAPE_TEXT], sizes[TERN__SHAPE_TEXT];
    tern_status st = tern__infer_type(in, 0, TERN_FLOAT);
    if (st == TERN_OK) st = tern__infer_type(in, 1, TERN_FLOAT);
    if (st != TERN_OK) return st;
    if (x->rank < 3 || x->rank > 5 || w->rank != x->rank)
        return tern__infer_fail(
            in, TERN_ERR_SHAPE,
            "input %s and weight %s must be [N, C, spatial...] and [K, C/group, "
            "kernel...] with the same 1 to 3 spatial axes",
            tern__shape_text(x, text, sizeof text), tern__shape_text(w, sizes, sizeof sizes));
    for (int i = 0; i < w->rank; i++)
        if (w->dims[i] < 1)
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "weight %s must have known sizes of at least 1",
                                    tern__shape_text(w, sizes, sizeof sizes));
    if (group < 1 || group > w->dims[0])
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "group is %lld and must be from 1 to the weight's %lld channels",
                                (long long)group, (long long)w->dims[0]);
    if (kernel_shape->count &&
        (kernel_shape->count != w->rank - 2 ||
         memcmp(kernel_shape->at, w->dims + 2, (size_t)(w->rank - 2) * sizeof *w->dims) != 0))
        return tern__infer_fail(
            in, TERN_ERR_SHAPE, "kernel_shape %s is not that of weight %s",
            tern__sizes_text(kernel_shape->at, kernel_shape->count, text, sizeof text),
            tern__shape_text(w, sizes, sizeof sizes));
    return TERN_OK;
}

tern_status tern__convolution_check_bias(const tern__infer *in, int64_t channels) {
    if (in->n_inputs < 3 || !in->inputs[2]) return TERN_OK;
    tern_status st = tern__infer_type(in, 2, TERN_FLOAT);
    if (st != TERN_OK) return st;
    const tern__shape *b = in->inputs[2];
    char text[TERN__SHAPE_TEXT];
    if (b->rank != 1 || b->dims[0] != channels)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "bias is %s and must be [%lld]",
                                tern__shape_text(b, text, sizeof text), (long long)channels);
    return TERN_OK;
}

tern_status tern__convolution_choose(tern__step *s, const tern__convolution *v,
                                     tern__convolution **choice) {
    tern__convolution *own = tern__alloc(s->context, sizeof *own);
    if (!own) return TERN_ERR_MEMORY;
    s->choice = own;
    *own = *v;
    *choice = own;
    tern_status st = tern__convolution_prepare(s->context, own);
    return st == TERN_OK ? st : tern__fail_in(s->context, "%s '%s'", s->op->name, s->name);
}

static bool packs_once(const tern__step *s) { return s->constant_weights && !s->training; }

tern_status tern__convolution_size_step(tern__step *s, size_t packed, size_t workspace,
                                        size_t packed_back, size_t workspace_back) {
    const tern__convolution *v = s->choice;
    packed = tern__aligned_floats(packed);
    size_t back = tern__aligned_floats(packed_back) + workspace_back;
    if (v && back < v->weights_workspace_size) back = v->weights_workspace_size;
    if (s->n_inputs > 2 && s->inputs[2]) {
        size_t sums = tern__row_sums_size(s->outputs[0]->dims[1]);
        if (back < sums) back = sums;
    }
    s->state_size = packs_once(s) ? packed * sizeof(float) : 0;
    s->workspace_size = (packs_once(s) ? workspace : packed + workspace) * sizeof(float);
    s->backward_workspace_size = back * sizeof(float);
    return TERN_OK;
}

bool tern__convolution_place(const tern__step *s, size_t packed_size, float **packed,
                             float **workspace) {
    if (packs_once(s)) {
        *packed = s->state;
        *workspace = s->workspace;
        return false;
    }
    *packed = s->workspace;
    *workspace = *packed + tern__aligned_floats(packed_size);
    return true;
}

tern__epilogue tern__step_epilogue(const tern__step *s) {
    bool biased = s->n_inputs > 2 && s->inputs[2];
    return (tern__epilogue){.bias = biased ? s->inputs[2]->data : NULL,
                            .activation = (tern__gemm_activation)s->activation,
                            .alpha = s->activation_alpha};
}

void tern__convolution_bias_gradient(const tern__step *s) {
    if (s->n_inputs < 3 || !s->input_grads[2]) return;
    const tern__tensor *dy = s->output_grads[0];
    tern__row_sums(s->context, dy->count / dy->dims[1], dy->dims[1], dy->data,
                   s->input_grads[2]->data, s->accumulate[2], s->workspace);
}
