/* Conv: ONNX Conv-11. x [N, C, spatial...], W [K, C/group, kernel...], B [K] -> y [N, K, out...].
 * Gradients: x, W, B. Channels-last in memory; core/math/convolution.h does the work. */
#include "conv.h"
#include "inserted.h"
#include "ops.h"

typedef tern__conv_attributes attributes;

static const tern__attribute attribute_list[] = {
    {.name = "auto_pad",
     .type = TERN_ATTRIBUTE_STRING,
     .offset = offsetof(attributes, window.auto_pad),
     .s = "NOTSET"},
    {.name = "kernel_shape",
     .type = TERN_ATTRIBUTE_INTS,
     .offset = offsetof(attributes, window.kernel_shape)},
    {.name = "strides",
     .type = TERN_ATTRIBUTE_INTS,
     .offset = offsetof(attributes, window.strides)},
    {.name = "dilations",
     .type = TERN_ATTRIBUTE_INTS,
     .offset = offsetof(attributes, window.dilations)},
    {.name = "pads", .type = TERN_ATTRIBUTE_INTS, .offset = offsetof(attributes, window.pads)},
    {.name = "group", .type = TERN_ATTRIBUTE_INT, .offset = offsetof(attributes, group), .i = 1},
    {.name = NULL},
};

static tern_status infer(tern__infer *in) {
    const attributes *a = in->attributes;
    const tern__shape *x = in->inputs[0], *w = in->inputs[1];
    tern__window window;
    tern_status st = tern__convolution_check(in, a->group, &a->window.kernel_shape);
    if (st != TERN_OK) return st;
    int64_t channels = w->dims[1] * a->group;
    if (x->dims[1] >= 0 && x->dims[1] != channels) {
        char text[TERN__SHAPE_TEXT];
        return tern__infer_fail(
            in, TERN_ERR_SHAPE, "input has %lld channels but weight %s expects %lld (group=%lld)",
            (long long)x->dims[1], tern__sizes_text(w->dims, w->rank, text, sizeof text),
            (long long)channels, (long long)a->group);
    }
    if (w->dims[0] % a->group != 0)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "group %lld does not divide the weight's %lld output channels",
                                (long long)a->group, (long long)w->dims[0]);
    if ((st = tern__convolution_check_bias(in, w->dims[0])) != TERN_OK) return st;
    if ((st = tern__window_infer(in, &a->window, x, w->dims + 2, &window)) != TERN_OK) return st;
    in->outputs[0] =
        (tern__shape){.type = x->type, .rank = x->rank, .dims = {x->dims[0], w->dims[0]}};
    memcpy(in->outputs[0].dims + 2, window.out, (size_t)window.spatial * sizeof *window.out);
    return TERN_OK;
}

tern__convolution tern__conv_of_step(const tern__step *s) {
    const attributes *a = s->attributes;
    const tern__tensor *x = s->inputs[0], *w = s->inputs[1];
    tern__window window;
    tern__window_make(&a->window, x->dims + 2, x->rank - 2, w->dims + 2, &window);
    tern__convolution v = {.spatial = window.spatial,
                           .n = x->dims[0],
                           .c = x->dims[1],
                           .k = w->dims[0],
                           .group = a->group};
    size_t size = (size_t)window.spatial * sizeof(int64_t);
    memcpy(v.in, window.in, size);
    memcpy(v.out, window.out, size);
    memcpy(v.kernel, window.kernel, size);
    memcpy(v.stride, window.stride, size);
    memcpy(v.dilation, window.dilation, size);
    memcpy(v.pad_begin, window.pad_begin, size);
    return v;
}

static tern_status prepare(tern__step *s) {
    tern__convolution v = tern__conv_of_step(s), *choice = NULL;
    tern_status st = tern__convolution_choose(s, &v, &choice);
    if (st != TERN_OK) return st;
    return tern__convolution_size_step(s, choice->packed_size, choice->workspace_size,
                                       choice->packed_data_size, choice->data_workspace_size);
}

static void pack(tern__step *s) {
    tern__convolution_pack(s->context, s->choice, s->inputs[1]->data, s->state);
}

static tern_status forward(const tern__step *s) {
    const tern__convolution *v = s->choice;
    float *packed, *workspace;
    if (tern__convolution_place(s, v->packed_size, &packed, &workspace))
        tern__convolution_pack(s->context, v, s->inputs[1]->data, packed);
    tern__epilogue e = tern__step_epilogue(s);
    tern__convolution_forward(s->context, v, s->inputs[0]->data, packed, &e, s->outputs[0]->data,
                              workspace);
    return TERN_OK;
}

static void backward(const tern__step *s) {
    const tern__convolution *v = s->choice;
    const float *dy = s->output_grads[0]->data;
    float *workspace = s->workspace;
    if (s->input_grads[0]) {
        float *dx = s->input_grads[0]->data,
              *rest = workspace + tern__aligned_floats(v->packed_data_size);
        tern__epilogue e = {.start = s->accumulate[0] ? dx : NULL};
        tern__convolution_pack_data(s->context, v, s->inputs[1]->data, workspace);
        tern__convolution_backward_data(s->context, v, dy, workspace, &e, dx, rest);
    }
    if (s->input_grads[1])
        tern__convolution_backward_weights(s->context, v, s->inputs[0]->data, dy,
                                           s->input_grads[1]->data, s->accumulate[1], workspace);
    tern__convolution_bias_gradient(s);
}

static int unit_axis(const void *a) {
    (void)a;
    return 0;
}

static const tern__op *with_greatest(const void *a) {
    return ((const attributes *)a)->group == 1 ? &tern__op_conv_max : NULL;
}

static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    tern__window w;
    tern__window_make(&((const attributes *)in->attributes)->window, in->inputs[0]->dims + 2,
                      in->inputs[0]->rank - 2, in->inputs[1]->dims + 2, &w);
    tern__window_sees(&w, axis - 2, sight);
    return true;
}

static double flops(const tern__step *s) { return tern__convolution_flops(s->choice); }

const tern__op tern__op_conv = {
    .name = "Conv",
    .domain = "",
    .max_inputs = 3,
    .attribute_size = sizeof(attributes),
    .attributes = attribute_list,
    .layouts = TERN__ONLY_LAST,
    .infer = infer,
    TERN__CONVOLUTION_ROW,
    .traits = {.sees = sees,
               .layer = {TERN__FILTERS, .weight = 1, .bias = 2, .unit_axis = unit_axis},
               .with_greatest = with_greatest}};
