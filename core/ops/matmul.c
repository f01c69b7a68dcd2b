/* MatMul: ONNX MatMul-13, NumPy's matmul. A [..., M, K] times B [..., K, N] -> Y [..., M, N],
 * leading dimensions broadcast; a row A [K] counts as [1, K], a row B [K] as [K, 1], and that
 * dimension leaves the result. Gradients: A, B. One B for all is one product over all rows of A;
 * else one product after the other. */
#include "convolution_step.h"
#include "ops.h"

/* First member: what convolution_step.c takes the choice for. */
typedef struct choice {
    tern__convolution v;
    int64_t batches; /* products */
    int64_t
        a_step[TERN_MAX_RANK]; /* floats to the next along each leading axis of Y; 0: broadcast */
    int64_t b_step[TERN_MAX_RANK];
    int leading;
    int64_t lead[TERN_MAX_RANK]; /* leading dims of Y */
    bool a_shared, b_shared;     /* some product uses the same A (B) as another: gradients add up */
} choice;

/* The matrix part of a shape: dims for rank >= 2, with 1 for the missing one of a row. */
static void matrix(const int64_t *dims, int rank, bool right, int64_t *rows, int64_t *columns) {
    if (rank == 1) {
        *rows = right ? dims[0] : 1;
        *columns = right ? 1 : dims[0];
    } else {
        *rows = dims[rank - 2];
        *columns = dims[rank - 1];
    }
}

static tern_status infer(tern__infer *in) {
    const tern__shape *a = in->inputs[0], *b = in->inputs[1];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    tern_status st = tern__infer_type(in, 0, TERN_FLOAT);
    if (st == TERN_OK) st = tern__infer_type(in, 1, TERN_FLOAT);
    if (st != TERN_OK) return st;
    int64_t m = 0, k = -1, depth = -1, n = 0;
    if (a->rank > 0) matrix(a->dims, a->rank, false, &m, &k);
    if (b->rank > 0) matrix(b->dims, b->rank, true, &depth, &n);
    if (a->rank == 0 || b->rank == 0 || (k >= 0 && depth >= 0 && k != depth))
        return tern__infer_fail(
            in, TERN_ERR_SHAPE,
            "%s and %s do not fit: the last dimension of the first must be the one "
            "before the last of the second",
            tern__shape_text(a, text, sizeof text), tern__shape_text(b, other, sizeof other));
    int la = a->rank > 2 ? a->rank - 2 : 0, lb = b->rank > 2 ? b->rank - 2 : 0;
    tern__shape y = {.type = TERN_FLOAT, .rank = la > lb ? la : lb};
    for (int i = 0; i < y.rank; i++) {
        int64_t p = i < y.rank - la ? 1 : a->dims[i - (y.rank - la)];
        int64_t q = i < y.rank - lb ? 1 : b->dims[i - (y.rank - lb)];
        if (p >= 0 && q >= 0 && p != q && p != 1 && q != 1)
            return tern__infer_fail(
                in, TERN_ERR_SHAPE, "the leading dimensions of %s and %s cannot be broadcast",
                tern__shape_text(a, text, sizeof text), tern__shape_text(b, other, sizeof other));
        y.dims[i] = p == 1 ? q : q == 1 ? p : p < 0 ? q : p;
    }
    if (a->rank > 1) y.dims[y.rank++] = m;
    if (b->rank > 1) y.dims[y.rank++] = n;
    in->outputs[0] = y;
    return TERN_OK;
}

/* Steps of one input along Y's leading axes; true if it is broadcast along one longer than 1. */
static bool leading_steps(const tern__tensor *t, const choice *p, int64_t matrix_size,
                          int64_t *step) {
    bool shared = false;
    int own = t->rank > 2 ? t->rank - 2 : 0;
    int64_t size = matrix_size;
    for (int i = p->leading - 1; i >= 0; i--) {
        int axis = i - (p->leading - own);
        int64_t dim = axis >= 0 ? t->dims[axis] : 1;
        step[i] = dim == 1 ? 0 : size;
        if (dim == 1 && p->lead[i] > 1) shared = true;
        size *= dim;
    }
    return shared;
}

static tern_status prepare(tern__step *s) {
    const tern__tensor *a = s->inputs[0], *b = s->inputs[1], *y = s->outputs[0];
    choice *p = tern__calloc(s->context, 1, sizeof *p);
    if (!p) return TERN_ERR_MEMORY;
    s->choice = p;
    int64_t m, k, depth, n;
    matrix(a->dims, a->rank, false, &m, &k);
    matrix(b->dims, b->rank, true, &depth, &n);
    p->leading = y->rank - (a->rank > 1) - (b->rank > 1);
    memcpy(p->lead, y->dims, (size_t)p->leading * sizeof *p->lead);
    p->batches = 1;
    for (int i = 0; i < p->leading; i++) p->batches *= p->lead[i];
    p->a_shared = leading_steps(a, p, m * k, p->a_step);
    p->b_shared = leading_steps(b, p, k * n, p->b_step);
    if (b->count == k * n && !p->a_shared) { /* one B: one product */
        m *= p->batches;
        p->batches = 1;
        p->leading = 0;
        p->b_shared = false;
    }
    p->v = tern__convolution_dense(m, n, k, false, n);
    tern_status st = tern__convolution_prepare(s->context, &p->v);
    if (st != TERN_OK) return tern__fail_in(s->context, "MatMul '%s'", s->name);
    size_t packed = p->v.packed_size;
    if (p->batches > 1 && s->constant_weights && !s->training)
        packed = tern__aligned_floats(packed) * (size_t)p->batches;
    return tern__convolution_size_step(s, packed, p->v.workspace_size, p->v.packed_data_size,
                                       p->v.data_workspace_size);
}

/* Where product i finds its matrix. */
static int64_t offset(const choice *p, const int64_t *step, int64_t i) {
    int64_t result = 0;
    for (int axis = p->leading - 1; axis >= 0; axis--) {
        result += i % p->lead[axis] * step[axis];
        i /= p->lead[axis];
    }
    return result;
}

static void pack(tern__step *s) {
    const choice *p = s->choice;
    const float *b = s->inputs[1]->data;
    float *packed = s->state;
    for (int64_t i = 0; i < p->batches; i++, packed += tern__aligned_floats(p->v.packed_size))
        tern__convolution_pack(s->context, &p->v, b + offset(p, p->b_step, i), packed);
}

static tern_status forward(const tern__step *s) {
    const choice *p = s->choice;
    const float *a = s->inputs[0]->data, *b = s->inputs[1]->data;
    float *y = s->outputs[0]->data, *packed, *workspace;
    bool pack_now = tern__convolution_place(s, p->v.packed_size, &packed, &workspace);
    tern__epilogue e = {.activation = (tern__gemm_activation)s->activation,
                        .alpha = s->activation_alpha};
    for (int64_t i = 0; i < p->batches; i++) {
        if (pack_now)
            tern__convolution_pack(s->context, &p->v, b + offset(p, p->b_step, i), packed);
        tern__convolution_forward(s->context, &p->v, a + offset(p, p->a_step, i), packed, &e,
                                  y + i * p->v.n * p->v.k, workspace);
        if (!pack_now) packed += tern__aligned_floats(p->v.packed_size);
    }
    return TERN_OK;
}

/* Prepares a gradient that several products add to; true if product i must add. */
static bool start_adding(const tern__step *s, int input, bool shared) {
    const tern__tensor *gradient = s->input_grads[input];
    if (gradient && shared && !s->accumulate[input])
        memset(gradient->data, 0, (size_t)gradient->count * sizeof(float));
    return s->accumulate[input] || shared;
}

static void backward(const tern__step *s) {
    const choice *p = s->choice;
    const float *a = s->inputs[0]->data, *b = s->inputs[1]->data;
    bool add_a = start_adding(s, 0, p->a_shared), add_b = start_adding(s, 1, p->b_shared);
    float *packed = s->workspace, *rest = packed + tern__aligned_floats(p->v.packed_data_size);
    for (int64_t i = 0; i < p->batches; i++) {
        const float *dy = (const float *)s->output_grads[0]->data + i * p->v.n * p->v.k;
        int64_t at_a = offset(p, p->a_step, i), at_b = offset(p, p->b_step, i);
        if (s->input_grads[0]) {
            float *da = (float *)s->input_grads[0]->data + at_a;
            tern__epilogue e = {.start = add_a ? da : NULL};
            tern__convolution_pack_data(s->context, &p->v, b + at_b, packed);
            tern__convolution_backward_data(s->context, &p->v, dy, packed, &e, da, rest);
        }
        if (s->input_grads[1])
            tern__convolution_backward_weights(s->context, &p->v, a + at_a, dy,
                                               (float *)s->input_grads[1]->data + at_b, add_b,
                                               s->workspace);
    }
}

static double flops(const tern__step *s) {
    const choice *p = s->choice;
    return (double)p->batches * tern__convolution_flops(&p->v);
}

static int unit_axis(const void *a) {
    (void)a;
    return 1;
}

const tern__op tern__op_matmul = {
    .name = "MatMul",
    .domain = "",
    .max_inputs = 2,
    .layouts = TERN__ONLY_PLAIN,
    .infer = infer,
    TERN__CONVOLUTION_ROW,
    .traits.layer = {TERN__DENSE, .weight = 1, .unit_axis = unit_axis}};
