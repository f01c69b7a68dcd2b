/* Shapes: see shape.h. */
#include "shape.h"

#include "core/base/arithmetic.h"

#include <stdio.h>
#include <string.h>

int64_t tern__shape_count(const tern__shape *s) {
    int64_t count = 1;
    for (int i = 0; i < s->rank; i++)
        if (!tern__mul_i64(count, s->dims[i], &count)) return -1;
    return count;
}

bool tern__shape_sane(const tern__shape *s) {
    int64_t count = 1;
    for (int i = 0; i < s->rank; i++) {
        if (s->dims[i] < -1 || s->dims[i] > TERN__MOST_DIMENSION) return false;
        if (s->dims[i] >= 0 && !tern__mul_i64(count, s->dims[i], &count)) return false;
    }
    return count <= TERN__MOST_ELEMENTS;
}

size_t tern__type_size(tern_type type) {
    return type == TERN_INT64 ? sizeof(int64_t) : sizeof(float);
}

const char *tern__type_name(tern_type type) { return type == TERN_INT64 ? "int64" : "float"; }

static const char *dims_text(const int64_t *dims, int rank, const char *separator, char *out,
                             size_t size) {
    size_t used = 0;
    for (int i = 0; i < rank && used < size; i++) {
        const char *gap = i ? separator : "";
        int n = dims[i] < 0 ? snprintf(out + used, size - used, "%s?", gap)
                            : snprintf(out + used, size - used, "%s%lld", gap, (long long)dims[i]);
        used += (size_t)n;
    }
    return out;
}

const char *tern__shape_text(const tern__shape *s, char *out, size_t size) {
    char inner[TERN__SHAPE_TEXT] = "";
    snprintf(out, size, "[%s]", dims_text(s->dims, s->rank, ", ", inner, sizeof inner));
    return out;
}

const char *tern__sizes_text(const int64_t *sizes, int count, char *out, size_t size) {
    if (size) *out = 0;
    return dims_text(sizes, count, "x", out, size);
}

tern_status tern__infer_fail(const tern__infer *in, tern_status status, const char *format, ...) {
    char sentence[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return tern__fail(in->context, status, "%s '%s': %s", in->op, in->name ? in->name : "",
                      sentence);
}

tern_status tern__infer_type(const tern__infer *in, int input, tern_type type) {
    if (in->inputs[input]->type == type) return TERN_OK;
    return tern__infer_fail(in, TERN_ERR_SHAPE, "input %d has %s elements and must have %s", input,
                            tern__type_name(in->inputs[input]->type), tern__type_name(type));
}

tern_status tern__infer_axis(const tern__infer *in, int64_t axis, int rank, int *result) {
    if (axis < -rank || axis >= rank)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "axis %lld is outside of -%d..%d of an input with %d dimensions",
                                (long long)axis, rank, rank - 1, rank);
    *result = (int)(axis < 0 ? axis + rank : axis);
    return TERN_OK;
}

tern_status tern__infer_constant(const tern__infer *in, int input, const char *what,
                                 tern__ints *values) {
    const tern__shape *s = in->inputs[input];
    tern_status status = tern__infer_type(in, input, TERN_INT64);
    if (status != TERN_OK) return status;
    if (!in->constants[input])
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED,
                                "input %d (%s) is computed while the network runs; tern needs it "
                                "to be a constant",
                                input, what);
    int64_t count = tern__shape_count(s);
    if (s->rank > 1 || count < 0 || count > 2 * TERN_MAX_RANK)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "%s must be one row of at most %d numbers, not of rank %d with "
                                "%lld",
                                what, 2 * TERN_MAX_RANK, s->rank, (long long)count);
    values->count = (int)count;
    memcpy(values->at, in->constants[input], (size_t)count * sizeof *values->at);
    return TERN_OK;
}

tern_status tern__infer_broadcast(const tern__infer *in, int a, int b, tern__shape *result) {
    const tern__shape *s = in->inputs[a], *t = in->inputs[b];
    int rank = s->rank > t->rank ? s->rank : t->rank;
    tern__shape r = {.type = s->type, .rank = rank};
    for (int i = 0; i < rank; i++) {
        int64_t m = i < rank - s->rank ? 1 : s->dims[i - (rank - s->rank)];
        int64_t n = i < rank - t->rank ? 1 : t->dims[i - (rank - t->rank)];
        if (m >= 0 && n >= 0 && m != n && m != 1 && n != 1) {
            char left[TERN__SHAPE_TEXT], right[TERN__SHAPE_TEXT];
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "%s and %s cannot be broadcast: aligned at the right, each "
                                    "pair of dimensions must be equal or hold a 1",
                                    tern__shape_text(s, left, sizeof left),
                                    tern__shape_text(t, right, sizeof right));
        }
        r.dims[i] = m == 1 ? n : n == 1 ? m : m < 0 ? n : m;
    }
    *result = r;
    return TERN_OK;
}

bool tern__shape_fits(const tern__shape *a, const tern__shape *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] >= 0 && b->dims[i] >= 0 && a->dims[i] != b->dims[i]) return false;
    return true;
}

tern__shape tern__tensor_shape(const tern__tensor *t) {
    tern__shape s = {.type = t->type, .rank = t->rank};
    memcpy(s.dims, t->dims, sizeof s.dims);
    return s;
}

static bool is_last(const tern__tensor *t) { return t->layout == TERN__LAST && t->rank >= 3; }

void tern__physical(const tern__tensor *t, int64_t dims[TERN_MAX_RANK]) {
    memcpy(dims, t->dims, TERN_MAX_RANK * sizeof *dims);
    if (!is_last(t)) return;
    for (int i = 1; i + 1 < t->rank; i++) dims[i] = t->dims[i + 1];
    dims[t->rank - 1] = t->dims[1];
}

int tern__physical_axis(const tern__tensor *t, int logical_axis) {
    if (!is_last(t) || logical_axis == 0) return logical_axis;
    return logical_axis == 1 ? t->rank - 1 : logical_axis - 1;
}

void tern__around_axis(const tern__tensor *t, int logical_axis, int64_t *outer, int64_t *length,
                       int64_t *inner) {
    int64_t dims[TERN_MAX_RANK];
    tern__physical(t, dims);
    int axis = tern__physical_axis(t, logical_axis);
    *outer = *inner = 1;
    for (int i = 0; i < axis; i++) *outer *= dims[i];
    for (int i = axis + 1; i < t->rank; i++) *inner *= dims[i];
    *length = dims[axis];
}

/* ---- windows ---- */

/* ONNX Conv-11, MaxPool-12, AveragePool-11. With ceil_mode a last window that would start in the
 * end padding is left out (as PyTorch does and ONNX since opset 22 says): it would hold nothing. */
static void window_axis(const tern__window_attributes *a, int axis, tern__window *w) {
    int64_t in = w->in[axis], stride = w->stride[axis];
    int64_t extent = (w->kernel[axis] - 1) * w->dilation[axis] + 1;
    const char *mode = a->auto_pad.at;
    if (in < 0) {
        w->out[axis] = -1;
    } else if (strcmp(mode, "SAME_UPPER") == 0 || strcmp(mode, "SAME_LOWER") == 0) {
        int64_t out = tern__ceil_div(in, stride), pad = (out - 1) * stride + extent - in;
        if (pad < 0) pad = 0;
        w->out[axis] = out;
        w->pad_begin[axis] = mode[5] == 'U' ? pad / 2 : pad - pad / 2;
        w->pad_end[axis] = pad - w->pad_begin[axis];
    } else {
        int64_t begin = w->pad_begin[axis], room = in + begin + w->pad_end[axis] - extent;
        int64_t out =
            room < 0 ? 0 : (a->ceil_mode ? tern__ceil_div(room, stride) : room / stride) + 1;
        if (a->ceil_mode && out > 1 && (out - 1) * stride >= in + begin) out--;
        w->out[axis] = out;
    }
}

void tern__window_make(const tern__window_attributes *a, const int64_t *in, int spatial,
                       const int64_t *kernel, tern__window *w) {
    *w = (tern__window){.spatial = spatial};
    bool padded = a->auto_pad.at[0] == 0 || strcmp(a->auto_pad.at, "NOTSET") == 0;
    for (int i = 0; i < spatial; i++) {
        w->in[i] = in[i];
        w->kernel[i] = kernel ? kernel[i] : a->kernel_shape.at[i];
        w->stride[i] = a->strides.count ? a->strides.at[i] : 1;
        w->dilation[i] = a->dilations.count ? a->dilations.at[i] : 1;
        if (padded && a->pads.count) {
            w->pad_begin[i] = a->pads.at[i];
            w->pad_end[i] = a->pads.at[spatial + i];
        }
        window_axis(a, i, w);
    }
}

tern_status tern__infer_ints(const tern__infer *in, const char *name, const tern__ints *values,
                             int count, int64_t least) {
    if (values->count && values->count != count)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "%s has %d numbers and needs %d", name,
                                values->count, count);
    for (int i = 0; i < values->count; i++)
        if (values->at[i] < least || values->at[i] > TERN__MOST_ATTRIBUTE)
            return tern__infer_fail(in, TERN_ERR_SHAPE, "%s has %lld and must be %lld to %lld",
                                    name, (long long)values->at[i], (long long)least,
                                    (long long)TERN__MOST_ATTRIBUTE);
    return TERN_OK;
}

tern_status tern__window_check(const tern__infer *in, const tern__window_attributes *a, int spatial,
                               const int64_t *kernel) {
    static const char *const modes[] = {"", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    tern_status status;
    if ((status = tern__infer_ints(in, "kernel_shape", &a->kernel_shape, spatial, 1)) ||
        (status = tern__infer_ints(in, "strides", &a->strides, spatial, 1)) ||
        (status = tern__infer_ints(in, "dilations", &a->dilations, spatial, 1)) ||
        (status = tern__infer_ints(in, "pads", &a->pads, 2 * spatial, 0)))
        return status;
    size_t mode = 0;
    while (mode < 5 && strcmp(modes[mode], a->auto_pad.at) != 0) mode++;
    if (mode == 5)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "auto_pad '%s' is none of NOTSET, SAME_UPPER, SAME_LOWER, VALID",
                                a->auto_pad.at);
    for (int i = 0; i < spatial; i++) {
        int64_t size = kernel ? kernel[i] : a->kernel_shape.at[i];
        int64_t dilation = a->dilations.count ? a->dilations.at[i] : 1;
        if (size - 1 >= TERN__MOST_DIMENSION / dilation)
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "a kernel of %lld dilated by %lld is longer than 2^32",
                                    (long long)size, (long long)dilation);
    }
    return TERN_OK;
}

void tern__window_sees(const tern__window *w, int axis, tern__sight *sight) {
    sight->step = w->stride[axis];
    sight->low = sight->low * w->stride[axis] - w->pad_begin[axis];
    sight->high = sight->high * w->stride[axis] - w->pad_begin[axis] +
                  (w->kernel[axis] - 1) * w->dilation[axis];
}

/* For the sentence of a window that does not fit. */
static tern_status fail_to_fit(const tern__infer *in, const tern__window_attributes *a,
                               const tern__window *w) {
    char dilations[TERN__SHAPE_TEXT + 16] = "", pads[TERN__SHAPE_TEXT] = "0",
                                      text[TERN__SHAPE_TEXT], sizes[TERN__SHAPE_TEXT],
                                      input[TERN__SHAPE_TEXT];
    bool padded = false, dilated = false;
    for (int i = 0; i < a->pads.count; i++) padded = padded || a->pads.at[i];
    for (int i = 0; i < w->spatial; i++) dilated = dilated || w->dilation[i] > 1;
    if (padded && (!a->auto_pad.at[0] || strcmp(a->auto_pad.at, "NOTSET") == 0))
        tern__sizes_text(a->pads.at, 2 * w->spatial, pads, sizeof pads);
    if (dilated)
        snprintf(dilations, sizeof dilations, " dilated by %s",
                 tern__sizes_text(w->dilation, w->spatial, text, sizeof text));
    return tern__infer_fail(in, TERN_ERR_SHAPE,
                            "window %s%s does not fit into input %s with pads %s",
                            tern__sizes_text(w->kernel, w->spatial, sizes, sizeof sizes), dilations,
                            tern__sizes_text(w->in, w->spatial, input, sizeof input), pads);
}

tern_status tern__window_infer(const tern__infer *in, const tern__window_attributes *a,
                               const tern__shape *x, const int64_t *kernel, tern__window *w) {
    char text[TERN__SHAPE_TEXT];
    if (x->rank < 3 || x->rank > 5)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "input %s must be [N, C, spatial...] with 1 to 3 spatial axes",
                                tern__shape_text(x, text, sizeof text));
    int spatial = x->rank - 2;
    if (!kernel && a->kernel_shape.count == 0)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "kernel_shape is missing");
    tern_status status = tern__window_check(in, a, spatial, kernel);
    if (status) return status;
    tern__window_make(a, x->dims + 2, spatial, kernel, w);
    for (int i = 0; i < spatial; i++)
        if (w->out[i] == 0) return fail_to_fit(in, a, w);
    return TERN_OK;
}
