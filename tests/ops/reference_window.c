/* Reference: convolution, pooling, padding. Indices run over [n, c, d, h, w]; missing spatial axes
 * are leading 1s. */
#include "reference.h"

#include <math.h>
#include <string.h>

typedef struct window {
    int spatial;
    int64_t n, c, in[3], out[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
} window;

/* ONNX's formulas; a last ceil_mode window that would begin behind the input is dropped. */
static window make_window(const reference_call *call, const int64_t *kernel) {
    const reference_tensor *x = &call->inputs[0];
    const char *mode = reference_string(call, "auto_pad", "NOTSET");
    window w = {.spatial = x->rank - 2, .n = x->dims[0], .c = x->dims[1]};
    for (int i = 0; i < 3; i++) {
        int k = i - (3 - w.spatial);
        w.in[i] = k < 0 ? 1 : x->dims[2 + k];
        w.kernel[i] = k < 0 ? 1 : kernel ? kernel[k] : reference_item(call, "kernel_shape", k, 1);
        w.stride[i] = k < 0 ? 1 : reference_item(call, "strides", k, 1);
        w.dilation[i] = k < 0 ? 1 : reference_item(call, "dilations", k, 1);
        w.begin[i] = k < 0 ? 0 : reference_item(call, "pads", k, 0);
        w.end[i] = k < 0 ? 0 : reference_item(call, "pads", w.spatial + k, 0);
        int64_t extent = (w.kernel[i] - 1) * w.dilation[i] + 1;
        if (k >= 0 && strncmp(mode, "SAME", 4) == 0) {
            w.out[i] = (int64_t)ceil((double)w.in[i] / (double)w.stride[i]);
            int64_t pad = (w.out[i] - 1) * w.stride[i] + extent - w.in[i];
            if (pad < 0) pad = 0;
            w.begin[i] = strcmp(mode, "SAME_UPPER") == 0 ? pad / 2 : pad - pad / 2;
            w.end[i] = pad - w.begin[i];
            continue;
        }
        double steps = (double)(w.in[i] + w.begin[i] + w.end[i] - extent) / (double)w.stride[i];
        bool up = reference_int(call, "ceil_mode", 0) != 0;
        w.out[i] = (int64_t)(up ? ceil(steps) : floor(steps)) + 1;
        if (up && (w.out[i] - 1) * w.stride[i] >= w.in[i] + w.begin[i]) w.out[i]--;
    }
    return w;
}

/* Place in the input of tap k of output o along an axis; false outside. */
static bool place(const window *w, int axis, int64_t o, int64_t k, int64_t *i) {
    *i = o * w->stride[axis] - w->begin[axis] + k * w->dilation[axis];
    return *i >= 0 && *i < w->in[axis];
}

static int64_t at(const int64_t *dims, int64_t n, int64_t channels, int64_t c, const int64_t *i) {
    return (((n * channels + c) * dims[0] + i[0]) * dims[1] + i[1]) * dims[2] + i[2];
}

/* Counts an index of three up to the limits. */
static bool next(int64_t *index, const int64_t *limits) {
    for (int i = 2; i >= 0; i--) {
        if (++index[i] < limits[i]) return true;
        index[i] = 0;
    }
    return false;
}

static double *window_output(reference_call *call, const window *w, int64_t channels,
                             const int64_t *out) {
    int64_t dims[TERN_MAX_RANK] = {w->n, channels};
    for (int i = 0; i < w->spatial; i++) dims[2 + i] = out[3 - w->spatial + i];
    return reference_output(call, 0, 2 + w->spatial, dims);
}

void reference_conv(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *weight = &call->inputs[1];
    const double *bias = call->n_inputs > 2 ? call->inputs[2].data : NULL;
    window w = make_window(call, weight->dims + 2);
    int64_t group = reference_int(call, "group", 1), channels = weight->dims[0];
    int64_t each = weight->dims[1], per_group = channels / group;
    double *y = window_output(call, &w, channels, w.out);
    for (int64_t n = 0; n < w.n; n++)
        for (int64_t k = 0; k < channels; k++) {
            int64_t o[3] = {0};
            do {
                double sum = bias ? bias[k] : 0;
                for (int64_t c = 0; c < each; c++) {
                    int64_t t[3] = {0}, i[3];
                    do {
                        if (!place(&w, 0, o[0], t[0], &i[0]) || !place(&w, 1, o[1], t[1], &i[1]) ||
                            !place(&w, 2, o[2], t[2], &i[2]))
                            continue;
                        sum += x->data[at(w.in, n, w.c, k / per_group * each + c, i)] *
                               weight->data[at(w.kernel, k, each, c, t)];
                    } while (next(t, w.kernel));
                }
                y[at(w.out, n, channels, k, o)] = sum;
            } while (next(o, w.out));
        }
}

/* Each input element adds its multiple of the kernel to the output: out = stride (in - 1) +
 * output_padding + (kernel - 1) dilation + 1 - pads. */
void reference_conv_transpose(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *weight = &call->inputs[1];
    const double *bias = call->n_inputs > 2 ? call->inputs[2].data : NULL;
    window w = make_window(call, weight->dims + 2);
    int64_t group = reference_int(call, "group", 1), each = weight->dims[1], out[3];
    int64_t channels = each * group, per_group = w.c / group;
    for (int i = 0; i < 3; i++) {
        int k = i - (3 - w.spatial);
        int64_t more = k < 0 ? 0 : reference_item(call, "output_padding", k, 0);
        out[i] = w.stride[i] * (w.in[i] - 1) + more + (w.kernel[i] - 1) * w.dilation[i] + 1 -
                 w.begin[i] - w.end[i];
    }
    double *y = window_output(call, &w, channels, out);
    for (int64_t n = 0; n < w.n; n++)
        for (int64_t k = 0; k < channels; k++) {
            int64_t o[3] = {0};
            do y[at(out, n, channels, k, o)] = bias ? bias[k] : 0;
            while (next(o, out));
        }
    for (int64_t n = 0; n < w.n; n++)
        for (int64_t c = 0; c < w.c; c++)
            for (int64_t k = 0; k < each; k++) {
                int64_t i[3] = {0};
                do {
                    int64_t t[3] = {0}, o[3];
                    do {
                        bool inside = true;
                        for (int a = 0; a < 3; a++) {
                            o[a] = i[a] * w.stride[a] + t[a] * w.dilation[a] - w.begin[a];
                            inside = inside && o[a] >= 0 && o[a] < out[a];
                        }
                        if (inside)
                            y[at(out, n, channels, c / per_group * each + k, o)] +=
                                x->data[at(w.in, n, w.c, c, i)] *
                                weight->data[at(w.kernel, c, each, k, t)];
                    } while (next(t, w.kernel));
                } while (next(i, w.in));
            }
}

static void pool(reference_call *call, bool average) {
    const reference_tensor *x = &call->inputs[0];
    window w = make_window(call, NULL);
    bool with_pads = reference_int(call, "count_include_pad", 0) != 0;
    double *y = window_output(call, &w, w.c, w.out);
    for (int64_t n = 0; n < w.n; n++)
        for (int64_t c = 0; c < w.c; c++) {
            int64_t o[3] = {0};
            do {
                double sum = 0, largest = -INFINITY, count = 0;
                int64_t t[3] = {0}, i[3];
                do {
                    bool inside = true, padded = true;
                    for (int a = 0; a < 3; a++) {
                        inside = place(&w, a, o[a], t[a], &i[a]) && inside;
                        padded = padded && i[a] < w.in[a] + w.end[a];
                    }
                    count += with_pads ? padded : inside;
                    if (!inside) continue;
                    double v = x->data[at(w.in, n, w.c, c, i)];
                    sum += v;
                    if (v > largest) largest = v;
                } while (next(t, w.kernel));
                y[at(w.out, n, w.c, c, o)] = average ? sum / count : largest;
            } while (next(o, w.out));
        }
}

void reference_max_pool(reference_call *call) { pool(call, false); }
void reference_average_pool(reference_call *call) { pool(call, true); }

static void global_pool(reference_call *call, bool average) {
    const reference_tensor *x = &call->inputs[0];
    int64_t dims[TERN_MAX_RANK] = {x->dims[0], x->dims[1], 1, 1, 1, 1, 1, 1}, spatial = 1;
    for (int i = 2; i < x->rank; i++) spatial *= x->dims[i];
    double *y = reference_output(call, 0, x->rank, dims);
    for (int64_t k = 0; k < x->dims[0] * x->dims[1]; k++) {
        double sum = 0, largest = -INFINITY;
        for (int64_t i = 0; i < spatial; i++) {
            sum += x->data[k * spatial + i];
            largest = fmax(largest, x->data[k * spatial + i]);
        }
        y[k] = average ? sum / (double)spatial : largest;
    }
}

void reference_global_average_pool(reference_call *call) { global_pool(call, true); }
void reference_global_max_pool(reference_call *call) { global_pool(call, false); }

void reference_pad(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *pads = &call->inputs[1];
    const char *mode = reference_string(call, "mode", "constant");
    double value = call->n_inputs > 2 && call->inputs[2].data ? call->inputs[2].data[0] : 0;
    int64_t dims[TERN_MAX_RANK], begin[TERN_MAX_RANK] = {0}, index[TERN_MAX_RANK] = {0};
    memcpy(dims, x->dims, sizeof dims);
    bool partly = call->n_inputs > 3 && call->inputs[3].data;
    int count = partly ? (int)call->inputs[3].dims[0] : x->rank;
    for (int i = 0; i < count; i++) {
        int axis = partly ? (int)call->inputs[3].data[i] : i;
        if (axis < 0) axis += x->rank;
        begin[axis] = (int64_t)pads->data[i];
        dims[axis] += begin[axis] + (int64_t)pads->data[count + i];
    }
    double *y = reference_output(call, 0, x->rank, dims);
    do {
        int64_t from[TERN_MAX_RANK];
        bool inside = true;
        for (int i = 0; i < x->rank; i++) {
            int64_t n = x->dims[i], k = index[i] - begin[i];
            if (k < 0 || k >= n) {
                if (strcmp(mode, "constant") == 0) inside = false;
                if (strcmp(mode, "edge") == 0) k = k < 0 ? 0 : n - 1;
                while (strcmp(mode, "wrap") == 0 && (k < 0 || k >= n)) k += k < 0 ? n : -n;
                while (strcmp(mode, "reflect") == 0 && n > 1 && (k < 0 || k >= n))
                    k = k < 0 ? -k : 2 * (n - 1) - k;
                if (n == 1) k = 0;
            }
            from[i] = k;
        }
        y[reference_at(&call->outputs[0], index)] = inside ? x->data[reference_at(x, from)] : value;
    } while (reference_next(&call->outputs[0], index));
}
