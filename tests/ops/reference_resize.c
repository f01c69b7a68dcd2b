/* Resize in double precision: every axis is a matrix, made as ONNX's text says: the places nearest
 * to the coordinate among those of the axis and its border repeated, and their coefficients. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BORDER = 4 };

static double coordinate(const reference_call *call, const char *mode, double scale, int axis,
                         int64_t j, int64_t in, int64_t out) {
    const reference_tensor *roi = &call->inputs[1];
    double size = scale * (double)in;
    if (!strcmp(mode, "align_corners"))
        return size == 1 ? 0 : (double)j * (double)(in - 1) / (size - 1);
    if (!strcmp(mode, "asymmetric")) return (double)j / scale;
    if (!strcmp(mode, "tf_half_pixel_for_nn")) return ((double)j + 0.5) / scale;
    if (!strcmp(mode, "pytorch_half_pixel") && out == 1) return 0;
    if (!strcmp(mode, "tf_crop_and_resize")) {
        double from = roi->data[axis], to = roi->data[roi->dims[0] / 2 + axis];
        if (out == 1) return (from + to) / 2 * (double)(in - 1);
        return from * (double)(in - 1) + (double)j * (to - from) * (double)(in - 1) / (size - 1);
    }
    if (!strcmp(mode, "half_pixel_symmetric")) {
        double adjustment = (double)out / size, centre = (double)in / 2;
        return centre * (1 - adjustment) + ((double)j + 0.5) / scale - 0.5;
    }
    return ((double)j + 0.5) / scale - 0.5;
}

/* Coefficients for the n nearest places of a coordinate that lies `ratio`, in (0, 1], behind the
 * one on its left. */
static int coefficients(const reference_call *call, double ratio, double *c) {
    const char *mode = reference_string(call, "mode", "nearest");
    const char *nearest = reference_string(call, "nearest_mode", "round_prefer_floor");
    double a = reference_float(call, "cubic_coeff_a", -0.75), rest = 1 - ratio;
    if (!strcmp(mode, "linear")) {
        c[0] = 1 - ratio;
        c[1] = ratio;
        return 2;
    }
    if (!strcmp(mode, "cubic")) {
        c[0] = ((a * (ratio + 1) - 5 * a) * (ratio + 1) + 8 * a) * (ratio + 1) - 4 * a;
        c[1] = ((a + 2) * ratio - (a + 3)) * ratio * ratio + 1;
        c[2] = ((a + 2) * rest - (a + 3)) * rest * rest + 1;
        c[3] = ((a * (rest + 1) - 5 * a) * (rest + 1) + 8 * a) * (rest + 1) - 4 * a;
        return 4;
    }
    double right = !strcmp(nearest, "ceil")                ? 1
                   : !strcmp(nearest, "floor")             ? ratio == 1
                   : !strcmp(nearest, "round_prefer_ceil") ? ratio >= 0.5
                                                           : ratio > 0.5;
    c[0] = 1 - right;
    c[1] = right;
    return 2;
}

/* The row of the matrix for coordinate x. */
static void matrix_row(const reference_call *call, double x, int64_t in, double *row) {
    memset(row, 0, (size_t)in * sizeof *row);
    double ratio = x - floor(x), c[4], sum = 0;
    int n = coefficients(call, ratio == 0 ? 1 : ratio, c);
    bool chosen[4096] = {false};
    int64_t places[4];
    for (int k = 0; k < n; k++) { /* the nearest that is left; of two the lower */
        int64_t best = INT64_MAX;
        for (int64_t i = -BORDER; i < in + BORDER; i++)
            if (!chosen[i + BORDER] &&
                (best == INT64_MAX || fabs(x - (double)i) < fabs(x - (double)best)))
                best = i;
        chosen[best + BORDER] = true;
    }
    for (int64_t i = -BORDER, k = 0; i < in + BORDER; i++)
        if (chosen[i + BORDER]) places[k++] = i;
    for (int k = 0; k < n; k++) {
        bool outside = places[k] < 0 || places[k] >= in;
        if (reference_int(call, "exclude_outside", 0) && outside) c[k] = 0;
        sum += c[k];
    }
    for (int k = 0; k < n; k++) {
        int64_t i = places[k] < 0 ? 0 : places[k] >= in ? in - 1 : places[k];
        row[i] += reference_int(call, "exclude_outside", 0) ? c[k] / sum : c[k];
    }
}

/* One axis of *t. */
static void resize_axis(const reference_call *call, reference_tensor *t, int axis, int64_t out,
                        double scale) {
    const char *mode = reference_string(call, "coordinate_transformation_mode", "half_pixel");
    double value = reference_float(call, "extrapolation_value", 0);
    int64_t in = t->dims[axis], outer = 1, inner = 1;
    for (int i = 0; i < axis; i++) outer *= t->dims[i];
    for (int i = axis + 1; i < t->rank; i++) inner *= t->dims[i];
    double *y = calloc((size_t)(outer * out * inner) + 1, sizeof *y);
    double *row = calloc((size_t)in + 1, sizeof *row);
    if (!y || !row) abort();
    for (int64_t j = 0; j < out; j++) {
        double x = coordinate(call, mode, scale, axis, j, in, out);
        bool outside = !strcmp(mode, "tf_crop_and_resize") && (x < 0 || x > (double)(in - 1));
        if (!outside) matrix_row(call, x, in, row);
        for (int64_t o = 0; o < outer; o++)
            for (int64_t k = 0; k < inner; k++) {
                double *to = &y[(o * out + j) * inner + k];
                if (outside) *to = value;
                for (int64_t i = 0; !outside && i < in; i++)
                    *to += row[i] * t->data[(o * in + i) * inner + k];
            }
    }
    free(t->data);
    free(row);
    t->data = y;
    t->dims[axis] = out;
}

void reference_resize(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    const reference_tensor *scales =
        call->n_inputs > 2 && call->inputs[2].data ? &call->inputs[2] : NULL;
    reference_tensor t = *x;
    t.data = malloc((size_t)(reference_count(x) + 1) * sizeof *t.data);
    if (!t.data) abort();
    memcpy(t.data, x->data, (size_t)reference_count(x) * sizeof *t.data);
    for (int i = x->rank - 1; i >= 0; i--) { /* the outermost last: its extrapolation wins */
        int64_t in = x->dims[i];
        int64_t out = scales ? (int64_t)floorf((float)in * (float)scales->data[i])
                             : (int64_t)call->inputs[3].data[i];
        resize_axis(call, &t, i, out, scales ? scales->data[i] : (double)out / (double)in);
    }
    double *y = reference_output(call, 0, t.rank, t.dims);
    memcpy(y, t.data, (size_t)reference_count(&t) * sizeof *y);
    free(t.data);
}
