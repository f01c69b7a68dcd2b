/* Conv over x [N, C, L] and the maximum over all of its places: y [N, K] = max over l of conv(x).
 * Only the plan makes it (fuse.c); it never reaches a file. Where each maximum was is all that
 * backward needs: a filter's gradient comes from one window of x per image, so that data and weight
 * gradients are N * K sums of a window or a filter instead of matrix products over every place.
 * Weights are held as windows are, [K, kernel, C], while that is done. */
#include "inserted.h"
#include "conv.h"
#include "ops.h"

enum { FILTERS = 4 }; /* that one item of the weight gradient does */

/* Floats. Training keeps the places, int32 [N, K]. */
static size_t pooled_floats(const tern__convolution *v) {
    return tern__aligned_floats((size_t)(v->n * v->k));
}
static size_t dense_floats(const tern__convolution *v) {
    return tern__aligned_floats((size_t)(v->n * v->out[2] * v->k));
}
static size_t weight_floats(const tern__convolution *v) {
    return tern__aligned_floats((size_t)(v->k * v->kernel[2] * v->c));
}

static tern_status prepare(tern__step *s) {
    tern__convolution v = tern__conv_of_step(s), *choice = NULL;
    tern_status st = tern__convolution_choose(s, &v, &choice);
    if (st == TERN_OK)
        st = tern__convolution_size_step(s, choice->packed_size,
                                         pooled_floats(choice) + dense_floats(choice) +
                                             tern__aligned_floats(choice->workspace_size),
                                         0, 0);
    if (st != TERN_OK) return st;
    size_t sums = tern__row_sums_size(choice->k) * sizeof(float);
    s->backward_workspace_size = 2 * weight_floats(choice) * sizeof(float);
    if (s->backward_workspace_size < sums) s->backward_workspace_size = sums;
    if (s->training) s->state_size = pooled_floats(choice) * sizeof(int32_t);
    return TERN_OK;
}

static void pack(tern__step *s) {
    tern__convolution_pack(s->context, s->choice, s->inputs[1]->data, s->state);
}

typedef struct job {
    const tern__convolution *v;
    const tern__vector_kernels *kernels;
    const float *dense; /* [N, L', K] */
    float *y;
    int32_t *places; /* [N, K] */
    /* backward */
    const float *x, *dy, *filters; /* [N, L, C], [N, K], [K, kernel, C] */
    float *dx, *sums, *dw;         /* sums: as filters; dw: [K, C, kernel] */
    const float *w;                /* [K, C, kernel] */
    bool accumulate;
} job;

static void maximum_item(void *arg, int64_t n, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t rows = j->v->out[2], k = j->v->k;
    j->kernels->column_max(j->dense + n * rows * k, k, rows, k, 0, j->y + n * k, j->places + n * k);
}

static tern_status forward(const tern__step *s) {
    const tern__convolution *v = s->choice;
    float *packed, *workspace, *y = s->outputs[0]->data;
    if (tern__convolution_place(s, v->packed_size, &packed, &workspace))
        tern__convolution_pack(s->context, v, s->inputs[1]->data, packed);
    float *dense = workspace + pooled_floats(v);
    tern__epilogue e = tern__step_epilogue(s);
    e.activation = TERN__GEMM_NONE; /* the maximum first */
    tern__convolution_forward(s->context, v, s->inputs[0]->data, packed, &e, dense,
                              dense + dense_floats(v));
    job j = {.v = v,
             .kernels = tern__vector(s->context),
             .dense = dense,
             .y = y,
             .places = s->training ? s->state : (int32_t *)(void *)workspace};
    tern__parallel(s->context, v->n, v->out[2] * v->k, maximum_item, &j);
    if (s->activation)
        tern__activation_apply(s->context, s->activation, s->activation_alpha, y, v->n * v->k);
    return TERN_OK;
}

/* ---- backward ---- */

/* to += factor from, for the taps of the window at `place` that lie inside of x's L positions: a
 * position of the line (of image n) and a tap of the filter correspond. Either may be the source.
 */
static void add_window(const job *j, float factor, int64_t place, const float *line, float *d_line,
                       const float *filter, float *d_filter) {
    const tern__convolution *v = j->v;
    int64_t first = place * v->stride[2] - v->pad_begin[2], dilation = v->dilation[2], c = v->c;
    int64_t taps = v->kernel[2];
    int64_t run = dilation == 1 ? taps : 1; /* taps that lie side by side in x as well */
    for (int64_t e = 0; e < taps; e += run) {
        int64_t at = first + e * dilation, begin = at < 0 ? -at : 0;
        int64_t end = at + run > v->in[2] ? v->in[2] - at : run;
        if (begin >= end) continue;
        int64_t count = (end - begin) * c, in_line = (at + begin) * c, in_filter = (e + begin) * c;
        if (d_line)
            j->kernels->scale(filter + in_filter, factor, d_line + in_line, count, true);
        else
            j->kernels->scale(line + in_line, factor, d_filter + in_filter, count, true);
    }
}

/* Filters of one item, every image in order. */
static void weights_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    const tern__convolution *v = j->v;
    int64_t size = v->kernel[2] * v->c, line = v->in[2] * v->c;
    int64_t end = (item + 1) * FILTERS < v->k ? (item + 1) * FILTERS : v->k;
    for (int64_t k = item * FILTERS; k < end; k++) {
        float *sum = j->sums + k * size;
        memset(sum, 0, (size_t)size * sizeof *sum);
        for (int64_t n = 0; n < v->n; n++) {
            float g = j->dy[n * v->k + k];
            if (g != 0) add_window(j, g, j->places[n * v->k + k], j->x + n * line, NULL, NULL, sum);
        }
        j->kernels->transpose(sum, v->c, v->kernel[2], v->c, j->dw + k * size, v->kernel[2],
                              j->accumulate);
    }
}

static void filters_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    const tern__convolution *v = j->v;
    int64_t size = v->kernel[2] * v->c;
    int64_t end = (item + 1) * FILTERS < v->k ? (item + 1) * FILTERS : v->k;
    for (int64_t k = item * FILTERS; k < end; k++)
        j->kernels->transpose(j->w + k * size, v->kernel[2], v->c, v->kernel[2], j->sums + k * size,
                              v->c, false);
}

static void data_item(void *arg, int64_t n, int worker) {
    (void)worker;
    const job *j = arg;
    const tern__convolution *v = j->v;
    int64_t size = v->kernel[2] * v->c, line = v->in[2] * v->c;
    float *dx = j->dx + n * line;
    if (!j->accumulate) memset(dx, 0, (size_t)line * sizeof *dx);
    for (int64_t k = 0; k < v->k; k++) {
        float g = j->dy[n * v->k + k];
        if (g != 0)
            add_window(j, g, j->places[n * v->k + k], NULL, dx, j->filters + k * size, NULL);
    }
}

static void backward(const tern__step *s) {
    const tern__convolution *v = s->choice;
    int64_t items = (v->k + FILTERS - 1) / FILTERS;
    float *workspace = s->workspace;
    job j = {.v = v,
             .kernels = tern__vector(s->context),
             .places = s->state,
             .x = s->inputs[0]->data,
             .dy = s->output_grads[0]->data,
             .w = s->inputs[1]->data};
    if (s->input_grads[0]) {
        j.sums = workspace;
        tern__parallel(s->context, items, 2 * FILTERS * v->kernel[2] * v->c, filters_item, &j);
        j.filters = workspace;
        j.dx = s->input_grads[0]->data;
        j.accumulate = s->accumulate[0];
        tern__parallel(s->context, v->n, v->k * v->kernel[2] * v->c / 4, data_item, &j);
    }
    if (s->input_grads[1]) {
        j.sums = workspace + weight_floats(v);
        j.dw = s->input_grads[1]->data;
        j.accumulate = s->accumulate[1];
        tern__parallel(s->context, items, FILTERS * v->n * v->kernel[2] * v->c / 4, weights_item,
                       &j);
    }
    tern__convolution_bias_gradient(s);
}

static double flops(const tern__step *s) { return tern__convolution_flops(s->choice); }

const tern__op tern__op_conv_max = {.name = "ConvMax",
                                    .domain = "tern",
                                    .max_inputs = 3,
                                    .attribute_size = sizeof(tern__conv_attributes),
                                    .layouts = TERN__ONLY_LAST,
                                    TERN__CONVOLUTION_ROW};
