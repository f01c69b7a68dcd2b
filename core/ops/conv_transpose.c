/* ConvTranspose: ONNX ConvTranspose-11. x [N, C, in...], W [C, M/group, kernel...], B [M] -> y [N,
 * M, out...], out = stride * (in - 1) + output_padding + dilation * (kernel - 1) + 1 - pad_begin -
 * pad_end. It is the data gradient of the convolution that leads from y's shape to x's, with the
 * same weights; so its own gradient for x is that convolution. Gradients: x, W, B. */
#include "core/base/arithmetic.h"
#include "convolution_step.h"
#include "ops.h"

typedef struct attributes {
    tern__window_attributes window;
    tern__ints output_padding, output_shape;
    int64_t group;
} attributes;

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
    {.name = "output_padding",
     .type = TERN_ATTRIBUTE_INTS,
     .offset = offsetof(attributes, output_padding)},
    {.name = "output_shape",
     .type = TERN_ATTRIBUTE_INTS,
     .offset = offsetof(attributes, output_shape)},
    {.name = "group", .type = TERN_ATTRIBUTE_INT, .offset = offsetof(attributes, group), .i = 1},
    {.name = NULL},
};

/* Sizes along one axis: *out (-1 for an unknown input) and the padding before. */
static void axis_sizes(const attributes *a, int axis, int spatial, int64_t in, int64_t kernel,
                       int64_t *out, int64_t *pad_begin) {
    const tern__window_attributes *w = &a->window;
    int64_t stride = w->strides.count ? w->strides.at[axis] : 1;
    int64_t dilation = w->dilations.count ? w->dilations.at[axis] : 1;
    int64_t more = a->output_padding.count ? a->output_padding.at[axis] : 0;
    int64_t full = stride * (in - 1) + more + dilation * (kernel - 1) + 1;
    bool upper = strcmp(w->auto_pad.at, "SAME_UPPER") == 0;
    bool same = upper || strcmp(w->auto_pad.at, "SAME_LOWER") == 0;
    if (in >= 0 && (same || a->output_shape.count)) {
        /* output_shape may hold N and C in front */
        *out = a->output_shape.count ? a->output_shape.at[a->output_shape.count - spatial + axis]
                                     : in * stride;
        int64_t total = full > *out ? full - *out : 0;
        *pad_begin = upper ? total / 2 : total - total / 2;
        return;
    }
    bool padded = w->pads.count && (!*w->auto_pad.at || strcmp(w->auto_pad.at, "NOTSET") == 0);
    *pad_begin = padded ? w->pads.at[axis] : 0;
    *out = in < 0 ? -1 : full - *pad_begin - (padded ? w->pads.at[spatial + axis] : 0);
}

/* Each phase of the strides has its own part of the kernel, packed when the plan is made; no
 * network enlarges a picture more than 1024 times each way in one step. */
enum { MOST_PHASES = 1 << 20 };

static tern_status check_attributes(const tern__infer *in, const attributes *a, int spatial,
                                    const int64_t *kernel) {
    int whole = a->output_shape.count == spatial + 2 ? spatial + 2 : spatial;
    tern_status st = tern__window_check(in, &a->window, spatial, kernel);
    if (!st) st = tern__infer_ints(in, "output_padding", &a->output_padding, spatial, 0);
    if (!st) st = tern__infer_ints(in, "output_shape", &a->output_shape, whole, 1);
    return st;
}

static tern_status infer(tern__infer *in) {
    const attributes *a = in->attributes;
    const tern__shape *x = in->inputs[0], *w = in->inputs[1];
    char text[TERN__SHAPE_TEXT];
    tern_status st = tern__convolution_check(in, a->group, &a->window.kernel_shape);
    if (st != TERN_OK) return st;
    if ((x->dims[1] >= 0 && x->dims[1] != w->dims[0]) || w->dims[0] % a->group != 0)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "input has %lld channels but weight %s expects %lld in %lld groups",
                                (long long)x->dims[1], tern__shape_text(w, text, sizeof text),
                                (long long)w->dims[0], (long long)a->group);
    int64_t channels = w->dims[1] * a->group;
    int spatial = x->rank - 2;
    if ((st = tern__convolution_check_bias(in, channels)) != TERN_OK) return st;
    if ((st = check_attributes(in, a, spatial, w->dims + 2)) != TERN_OK) return st;
    tern__shape y = {.type = x->type, .rank = x->rank, .dims = {x->dims[0], channels}};
    for (int i = 0; i < spatial; i++) {
        int64_t pad;
        axis_sizes(a, i, spatial, x->dims[2 + i], w->dims[2 + i], &y.dims[2 + i], &pad);
        if (x->dims[2 + i] >= 0 && y.dims[2 + i] < 1)
            return tern__infer_fail(
                in, TERN_ERR_SHAPE, "pads leave nothing of axis %d of an input %s with kernel %s",
                2 + i, tern__shape_text(x, text, sizeof text),
                tern__sizes_text(w->dims + 2, spatial, (char[TERN__SHAPE_TEXT]){0},
                                 TERN__SHAPE_TEXT));
    }
    in->outputs[0] = y;
    return TERN_OK;
}

static tern_status prepare(tern__step *s) {
    const attributes *a = s->attributes;
    const tern__tensor *x = s->inputs[0], *w = s->inputs[1], *y = s->outputs[0];
    int spatial = x->rank - 2;
    tern__convolution v = {
        .spatial = spatial, .n = x->dims[0], .c = y->dims[1], .k = x->dims[1], .group = a->group};
    for (int i = 0; i < spatial; i++) {
        v.in[i] = y->dims[2 + i];
        v.out[i] = x->dims[2 + i];
        v.kernel[i] = w->dims[2 + i];
        v.stride[i] = a->window.strides.count ? a->window.strides.at[i] : 1;
        v.dilation[i] = a->window.dilations.count ? a->window.dilations.at[i] : 1;
        int64_t out;
        axis_sizes(a, i, spatial, v.out[i], v.kernel[i], &out, &v.pad_begin[i]);
    }
    tern__convolution *choice = NULL;
    tern_status st = tern__convolution_choose(s, &v, &choice);
    if (st != TERN_OK) return st;
    if (choice->phases > MOST_PHASES)
        return tern__fail(s->context, TERN_ERR_LIMIT,
                          "%s '%s': strides that put %lld places between four of the input; at "
                          "most %d",
                          s->op->name, s->name, (long long)choice->phases, MOST_PHASES);
    return tern__convolution_size_step(s, choice->packed_data_size, choice->data_workspace_size,
                                       choice->packed_size, choice->workspace_size);
}

static void pack(tern__step *s) {
    tern__convolution_pack_data(s->context, s->choice, s->inputs[1]->data, s->state);
}

static tern_status forward(const tern__step *s) {
    const tern__convolution *v = s->choice;
    float *packed, *workspace;
    if (tern__convolution_place(s, v->packed_data_size, &packed, &workspace))
        tern__convolution_pack_data(s->context, v, s->inputs[1]->data, packed);
    tern__epilogue e = tern__step_epilogue(s);
    tern__convolution_backward_data(s->context, v, s->inputs[0]->data, packed, &e,
                                    s->outputs[0]->data, workspace);
    return TERN_OK;
}

static void backward(const tern__step *s) {
    const tern__convolution *v = s->choice;
    const float *dy = s->output_grads[0]->data;
    float *workspace = s->workspace;
    if (s->input_grads[0]) {
        float *dx = s->input_grads[0]->data;
        tern__epilogue e = {.start = s->accumulate[0] ? dx : NULL};
        tern__convolution_pack(s->context, v, s->inputs[1]->data, workspace);
        tern__convolution_forward(s->context, v, dy, workspace, &e, dx,
                                  workspace + tern__aligned_floats(v->packed_size));
    }
    if (s->input_grads[1])
        tern__convolution_backward_weights(s->context, v, dy, s->inputs[0]->data,
                                           s->input_grads[1]->data, s->accumulate[1], workspace);
    tern__convolution_bias_gradient(s);
}

static double flops(const tern__step *s) { return tern__convolution_flops(s->choice); }

/* Along an axis whose output is not fitted to a size that is asked for. */
static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    const attributes *a = in->attributes;
    const tern__window_attributes *w = &a->window;
    const int at = axis - 2;
    if ((*w->auto_pad.at && strcmp(w->auto_pad.at, "NOTSET") != 0) || a->output_shape.count)
        return false;
    const int64_t stride = w->strides.count ? w->strides.at[at] : 1,
                  dilation = w->dilations.count ? w->dilations.at[at] : 1,
                  before = w->pads.count ? w->pads.at[at] : 0;
    sight->per = stride;
    sight->low =
        tern__ceil_div(sight->low + before - (in->inputs[1]->dims[axis] - 1) * dilation, stride);
    sight->high = tern__floor_div(sight->high + before, stride);
    return true;
}

const tern__op tern__op_conv_transpose = {
    .name = "ConvTranspose",
    .domain = "",
    .max_inputs = 3,
    .attribute_size = sizeof(attributes),
    .attributes = attribute_list,
    .layouts = TERN__ONLY_LAST,
    .infer = infer,
    TERN__CONVOLUTION_ROW,
    .traits = {.sees = sees, .layer = {TERN__SPREADS, .weight = 1, .bias = 2}}};
