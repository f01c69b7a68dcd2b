/* Gemm: ONNX Gemm-13. Y [M, N] = alpha * A' * B' + beta * C, A' [M, K] and B' [K, N] being A and B,
 * transposed where transA and transB say so, C broadcast to [M, N]. Gradients: A, B, C. The usual
 * dense layer (alpha, beta 1, transA 0, C [N]) is one call of core/math/convolution.h; the rest is
 * brought to that. */
#include "convolution_step.h"
#include "ops.h"

typedef struct attributes {
    float alpha, beta;
    int64_t trans_a, trans_b;
} attributes;

static const tern__attribute attribute_list[] = {
    {.name = "alpha", .type = TERN_ATTRIBUTE_FLOAT, .offset = offsetof(attributes, alpha), .f = 1},
    {.name = "beta", .type = TERN_ATTRIBUTE_FLOAT, .offset = offsetof(attributes, beta), .f = 1},
    {.name = "transA", .type = TERN_ATTRIBUTE_INT, .offset = offsetof(attributes, trans_a)},
    {.name = "transB", .type = TERN_ATTRIBUTE_INT, .offset = offsetof(attributes, trans_b)},
    {.name = NULL},
};

static tern_status infer(tern__infer *in) {
    const attributes *a = in->attributes;
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    int inputs = in->n_inputs > 2 && in->inputs[2] ? 3 : 2;
    for (int i = 0; i < inputs; i++) {
        tern_status st = tern__infer_type(in, i, TERN_FLOAT);
        if (st != TERN_OK) return st;
    }
    const tern__shape *x = in->inputs[0], *w = in->inputs[1];
    if (x->rank != 2 || w->rank != 2)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "A %s and B %s must be matrices",
                                tern__shape_text(x, text, sizeof text),
                                tern__shape_text(w, other, sizeof other));
    int64_t m = x->dims[a->trans_a ? 1 : 0], k = x->dims[a->trans_a ? 0 : 1];
    int64_t n = w->dims[a->trans_b ? 0 : 1], depth = w->dims[a->trans_b ? 1 : 0];
    if (k >= 0 && depth >= 0 && k != depth)
        return tern__infer_fail(
            in, TERN_ERR_SHAPE, "A %s%s and B %s%s do not fit: %lld columns against %lld rows",
            tern__shape_text(x, text, sizeof text), a->trans_a ? " transposed" : "",
            tern__shape_text(w, other, sizeof other), a->trans_b ? " transposed" : "", (long long)k,
            (long long)depth);
    in->outputs[0] = (tern__shape){.type = TERN_FLOAT, .rank = 2, .dims = {m, n}};
    if (inputs < 3) return TERN_OK;
    const tern__shape *c = in->inputs[2];
    bool fits = c->rank <= 2;
    for (int i = 0; i < c->rank && fits; i++) {
        int64_t size = c->dims[i], wanted = in->outputs[0].dims[2 - c->rank + i];
        fits = size == 1 || size < 0 || wanted < 0 || size == wanted;
    }
    if (fits) return TERN_OK;
    return tern__infer_fail(in, TERN_ERR_SHAPE, "C %s cannot be broadcast to %s",
                            tern__shape_text(c, text, sizeof text),
                            tern__shape_text(&in->outputs[0], other, sizeof other));
}

/* C as [rows, columns], each the size of Y's or 1. */
static void bias_dims(const tern__tensor *c, int64_t *rows, int64_t *columns) {
    *columns = c->rank > 0 ? c->dims[c->rank - 1] : 1;
    *rows = c->rank > 1 ? c->dims[0] : 1;
}

/* Whether C is one row that the kernels add on the way. */
static bool plain_bias(const tern__step *s) {
    const attributes *a = s->attributes;
    int64_t rows, columns;
    bias_dims(s->inputs[2], &rows, &columns);
    return a->beta == 1 && rows == 1 && columns == s->outputs[0]->dims[1];
}
static bool has_bias(const tern__step *s) { return s->n_inputs > 2 && s->inputs[2]; }

static tern_status prepare(tern__step *s) {
    const attributes *a = s->attributes;
    const tern__tensor *x = s->inputs[0], *w = s->inputs[1];
    int64_t depth = w->dims[a->trans_b ? 1 : 0];
    tern__convolution v = tern__convolution_dense(s->outputs[0]->dims[0], s->outputs[0]->dims[1],
                                                  depth, a->trans_b != 0, w->dims[1]);
    tern__convolution *choice = NULL;
    tern_status st = tern__convolution_choose(s, &v, &choice);
    if (st != TERN_OK) return st;
    size_t copy = a->trans_a ? tern__aligned_floats((size_t)x->count) : 0;
    st = tern__convolution_size_step(
        s, choice->packed_size, tern__aligned_floats(choice->workspace_size) + copy,
        choice->packed_data_size, tern__aligned_floats(choice->data_workspace_size) + copy);
    /* The gradient for B: A' and, for another alpha, the gradient before it is scaled. */
    size_t weights = tern__aligned_floats(choice->weights_workspace_size) + copy;
    if (a->alpha != 1) weights += (size_t)w->count;
    if (s->backward_workspace_size < weights * sizeof(float))
        s->backward_workspace_size = weights * sizeof(float);
    return st;
}

static void scale(float *values, size_t count, float by) {
    if (by == 1) return;
    for (size_t i = 0; i < count; i++) values[i] *= by;
}

static void pack_into(const tern__step *s, float *packed) {
    const tern__convolution *v = s->choice;
    tern__convolution_pack(s->context, v, s->inputs[1]->data, packed);
    scale(packed, v->packed_size, ((const attributes *)s->attributes)->alpha);
}
static void pack(tern__step *s) { pack_into(s, s->state); }

static void transpose(const float *from, int64_t rows, int64_t columns, float *to, bool add) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            float *t = to + c * rows + r;
            *t = add ? *t + from[r * columns + c] : from[r * columns + c];
        }
}

/* A' [M, K]: A itself, or a transposed copy at the front of *workspace, which moves on. */
static const float *matrix_a(const tern__step *s, float **workspace) {
    const tern__tensor *x = s->inputs[0];
    if (!((const attributes *)s->attributes)->trans_a) return x->data;
    float *copy = *workspace;
    transpose(x->data, x->dims[0], x->dims[1], copy, false);
    *workspace += tern__aligned_floats((size_t)x->count);
    return copy;
}

/* y = beta * C, broadcast. */
static void spread_bias(const tern__step *s) {
    const float *c = s->inputs[2]->data;
    float *y = s->outputs[0]->data, beta = ((const attributes *)s->attributes)->beta;
    int64_t rows, columns, m = s->outputs[0]->dims[0], n = s->outputs[0]->dims[1];
    bias_dims(s->inputs[2], &rows, &columns);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++)
            y[i * n + j] = beta * c[(rows > 1 ? i : 0) * columns + (columns > 1 ? j : 0)];
}

static tern_status forward(const tern__step *s) {
    const tern__convolution *v = s->choice;
    float *packed, *workspace, *y = s->outputs[0]->data;
    if (tern__convolution_place(s, v->packed_size, &packed, &workspace)) pack_into(s, packed);
    tern__epilogue e = tern__step_epilogue(s);
    if (has_bias(s) && !plain_bias(s)) {
        spread_bias(s);
        e.bias = NULL;
        e.start = y;
    }
    const float *x = matrix_a(s, &workspace);
    tern__convolution_forward(s->context, v, x, packed, &e, y, workspace);
    return TERN_OK;
}

static void gradient_a(const tern__step *s, const float *dy) {
    const attributes *a = s->attributes;
    const tern__convolution *v = s->choice;
    float *packed = s->workspace, *workspace = packed + tern__aligned_floats(v->packed_data_size);
    float *da = s->input_grads[0]->data, *to = da;
    if (a->trans_a) {
        to = workspace;
        workspace += tern__aligned_floats((size_t)s->inputs[0]->count);
    }
    tern__convolution_pack_data(s->context, v, s->inputs[1]->data, packed);
    scale(packed, v->packed_data_size, a->alpha);
    tern__epilogue e = {.start = s->accumulate[0] && !a->trans_a ? da : NULL};
    tern__convolution_backward_data(s->context, v, dy, packed, &e, to, workspace);
    if (a->trans_a) transpose(to, v->n, v->c, da, s->accumulate[0]);
}

static void gradient_b(const tern__step *s, const float *dy) {
    const attributes *a = s->attributes;
    const tern__convolution *v = s->choice;
    float *workspace = s->workspace, *db = s->input_grads[1]->data;
    const float *x = matrix_a(s, &workspace);
    if (a->alpha == 1) {
        tern__convolution_backward_weights(s->context, v, x, dy, db, s->accumulate[1], workspace);
        return;
    }
    float *own = workspace + tern__aligned_floats(v->weights_workspace_size);
    tern__convolution_backward_weights(s->context, v, x, dy, own, false, workspace);
    for (int64_t i = 0; i < s->inputs[1]->count; i++)
        db[i] = (s->accumulate[1] ? db[i] : 0) + a->alpha * own[i];
}

static void gradient_c(const tern__step *s, const float *dy) {
    const attributes *a = s->attributes;
    float *dc = s->input_grads[2]->data;
    int64_t rows, columns, m = s->outputs[0]->dims[0], n = s->outputs[0]->dims[1];
    bias_dims(s->inputs[2], &rows, &columns);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = 0;
            for (int64_t p = rows > 1 ? i : 0; p < (rows > 1 ? i + 1 : m); p++)
                for (int64_t q = columns > 1 ? j : 0; q < (columns > 1 ? j + 1 : n); q++)
                    sum += dy[p * n + q];
            float *to = dc + i * columns + j;
            *to = (float)((s->accumulate[2] ? *to : 0) + a->beta * sum);
        }
}

static void backward(const tern__step *s) {
    const float *dy = s->output_grads[0]->data;
    if (s->input_grads[0]) gradient_a(s, dy);
    if (s->input_grads[1]) gradient_b(s, dy);
    if (!has_bias(s) || !s->input_grads[2]) return;
    if (plain_bias(s))
        tern__convolution_bias_gradient(s);
    else
        gradient_c(s, dy);
}

static double flops(const tern__step *s) { return tern__convolution_flops(s->choice); }

static int unit_axis(const void *a) { return ((const attributes *)a)->trans_b ? 0 : 1; }
static bool scales(const void *a) {
    return ((const attributes *)a)->alpha == 1 && ((const attributes *)a)->beta == 1;
}

const tern__op tern__op_gemm = {.name = "Gemm",
                                .domain = "",
                                .max_inputs = 3,
                                .attribute_size = sizeof(attributes),
                                .attributes = attribute_list,
                                .layouts = TERN__ONLY_PLAIN,
                                .infer = infer,
                                TERN__CONVOLUTION_ROW,
                                .traits.layer = {TERN__DENSE, .weight = 1, .bias = 2,
                                                 .unit_axis = unit_axis, .scales = scales}};
