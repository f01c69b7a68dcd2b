/* Elementwise kernels; part of vector.c, which says what they do in vector.h. */

/* Runs BODY for every vector of n elements, i its first element and `lanes` how many count. LOAD
 * and STORE inside BODY touch the counted lanes only. */
#define EACH_VECTOR(n, BODY)                                                                       \
    do {                                                                                           \
        int64_t i = 0;                                                                             \
        for (; i + VL <= (n); i += VL) {                                                           \
            BODY(v_load, v_store)                                                                  \
        }                                                                                          \
        if (i < (n)) {                                                                             \
            const int lanes = (int)((n)-i);                                                        \
            BODY(LOAD_PART, STORE_PART)                                                            \
        }                                                                                          \
    } while (0)
#define LOAD_PART(p) v_load_part((p), lanes)
#define STORE_PART(p, v) v_store_part((p), (v), lanes)

/* log(1 + t) for t in [0, 1]; the second term is what rounding 1 + t lost. */
V_INLINE vf v_log1p(vf t) {
    vf u = 1.0f + t;
    return v_log(u) + (t - (u - 1.0f)) / u;
}

/* log(1 + e^x) */
V_INLINE vf v_softplus(vf x) { return v_max(v_zero(), x) + v_log1p(v_exp(-v_abs(x))); }

/* e^x - 1 for x <= 0 */
V_INLINE vf v_expm1_negative(vf x) {
    vf n, p = v_exp_reduced(v_max(v_set1(-20.0f), x), &n);
    vf scale = v_power_of_two(v_to_int(v_select(v_eq(n, n), n, v_zero())));
    return v_fma(scale, p, scale - 1.0f);
}

/* sqrt(2 / pi) (x + 0.044715 x^3) */
V_INLINE vf gelu_inner(vf x) {
    return 0.797884560802865356f * v_fma(x * x * x, v_set1(0.044715f), x);
}

V_INLINE vf unary_value(tern__unary f, vf x, float a) {
    switch (f) {
    case TERN__UNARY_RELU:
        return v_max(v_zero(), x);
    case TERN__UNARY_LEAKY_RELU:
        return v_select(v_lt(x, v_zero()), a * x, x);
    case TERN__UNARY_ELU:
        return v_select(v_lt(x, v_zero()), a * v_expm1_negative(x), x);
    case TERN__UNARY_SIGMOID:
        return v_sigmoid(x);
    case TERN__UNARY_TANH:
        return v_tanh(x);
    case TERN__UNARY_SOFTPLUS:
        return v_softplus(x);
    case TERN__UNARY_HARD_SWISH:
        return x * v_max(v_zero(), v_min(v_set1(1.0f), v_fma(x, v_set1(1.0f / 6), v_set1(0.5f))));
    case TERN__UNARY_GELU:
        return 0.5f * x * (1.0f + v_erf(x * 0.707106781186547524f));
    case TERN__UNARY_GELU_TANH:
        return 0.5f * x * (1.0f + v_tanh(gelu_inner(x)));
    case TERN__UNARY_ERF:
        return v_erf(x);
    case TERN__UNARY_NEG:
        return -x;
    case TERN__UNARY_EXP:
        return v_exp(x);
    case TERN__UNARY_LOG:
        return v_log(x);
    }
    return x;
}

/* The derivative; v is x or y, as vector.h says. */
V_INLINE vf unary_slope(tern__unary f, vf v, float a) {
    vf one = v_set1(1.0f), zero = v_zero();
    switch (f) {
    case TERN__UNARY_RELU:
        return v_select(v_gt(v, zero), one, zero);
    case TERN__UNARY_LEAKY_RELU:
        return v_select(v_gt(v, zero), one, v_set1(a));
    case TERN__UNARY_ELU:
        return v_select(v_gt(v, zero), one, v + a);
    case TERN__UNARY_SIGMOID:
        return v * (1.0f - v);
    case TERN__UNARY_TANH:
        return v_fnma(v, v, one);
    case TERN__UNARY_SOFTPLUS:
        return -v_expm1_negative(-v); /* 1 - e^-y */
    case TERN__UNARY_HARD_SWISH: {
        vf inside = v_fma(v, v_set1(1.0f / 3), v_set1(0.5f));
        vf slope = v_select(v_lt(v, v_set1(3.0f)), inside, one);
        return v_select(v_gt(v, v_set1(-3.0f)), slope, zero);
    }
    case TERN__UNARY_GELU: {
        vf density = 0.398942280401432678f * v_exp(-0.5f * v * v);
        return v_fma(v, density, 0.5f * (1.0f + v_erf(v * 0.707106781186547524f)));
    }
    case TERN__UNARY_GELU_TANH: {
        vf t = v_tanh(gelu_inner(v));
        vf inner = 0.797884560802865356f * v_fma(v * v, v_set1(3 * 0.044715f), one);
        return v_fma(0.5f * v * v_fnma(t, t, one), inner, 0.5f * (1.0f + t));
    }
    case TERN__UNARY_ERF:
        return 1.12837916709551257f * v_exp(-v * v); /* 2 / sqrt(pi) */
    case TERN__UNARY_NEG:
        return v_set1(-1.0f);
    case TERN__UNARY_EXP:
    case TERN__UNARY_LOG:
        break;
    }
    return zero;
}

#define EACH_UNARY(CASE)                                                                           \
    CASE(TERN__UNARY_RELU)                                                                         \
    CASE(TERN__UNARY_LEAKY_RELU)                                                                   \
    CASE(TERN__UNARY_ELU)                                                                          \
    CASE(TERN__UNARY_SIGMOID)                                                                      \
    CASE(TERN__UNARY_TANH)                                                                         \
    CASE(TERN__UNARY_SOFTPLUS)                                                                     \
    CASE(TERN__UNARY_HARD_SWISH)                                                                   \
    CASE(TERN__UNARY_GELU)                                                                         \
    CASE(TERN__UNARY_GELU_TANH)                                                                    \
    CASE(TERN__UNARY_ERF)                                                                          \
    CASE(TERN__UNARY_NEG)                                                                          \
    CASE(TERN__UNARY_EXP)                                                                          \
    CASE(TERN__UNARY_LOG)

/* A loop of its own for each function, over whole vectors; what is left over goes through them in a
 * buffer. `old` is what a gradient is added to: dx itself, or zeros, which then do not step. */
#define CASE(F)                                                                                    \
    static void whole_##F(float a, const float *x, float *y, int64_t n) {                          \
        for (int64_t i = 0; i < n; i += VL) v_store(y + i, unary_value(F, v_load(x + i), a));      \
    }                                                                                              \
    static void gradient_##F(float a, const float *from, const float *dy, const float *old,        \
                             int64_t old_step, float *dx, int64_t n) {                             \
        for (int64_t i = 0; i < n; i += VL)                                                        \
            v_store(dx + i, v_fma(unary_slope(F, v_load(from + i), a), v_load(dy + i),             \
                                  v_load(old + i * old_step)));                                    \
    }
EACH_UNARY(CASE)
#undef CASE

static void unary(tern__unary f, float a, const float *x, float *y, int64_t n) {
    static void (*const loops[])(float, const float *, float *, int64_t) = {
#define CASE(F) [F] = whole_##F,
        EACH_UNARY(CASE)
#undef CASE
    };
    int64_t whole = n - n % VL;
    int lanes = (int)(n % VL);
    loops[f](a, x, y, whole);
    if (!lanes) return;
    float in[VL], out[VL];
    v_store(in, v_load_part(x + whole, lanes));
    loops[f](a, in, out, VL);
    v_store_part(y + whole, v_load(out), lanes);
}

static void unary_gradient(tern__unary f, float a, const float *from, const float *dy, float *dx,
                           int64_t n, bool add) {
    static void (*const loops[])(float, const float *, const float *, const float *, int64_t,
                                 float *, int64_t) = {
#define CASE(F) [F] = gradient_##F,
        EACH_UNARY(CASE)
#undef CASE
    };
    static const float zeros[VL];
    int64_t whole = n - n % VL;
    int lanes = (int)(n % VL);
    loops[f](a, from, dy, add ? dx : zeros, add, dx, whole);
    if (!lanes) return;
    float x[VL], g[VL], old[VL], out[VL];
    v_store(x, v_load_part(from + whole, lanes));
    v_store(g, v_load_part(dy + whole, lanes));
    v_store(old, add ? v_load_part(dx + whole, lanes) : v_zero());
    loops[f](a, x, g, old, 1, out, VL);
    v_store_part(dx + whole, v_load(out), lanes);
}

V_INLINE vf binary_value(tern__binary op, vf a, vf b) {
    switch (op) {
    case TERN__ADD:
        return a + b;
    case TERN__SUB:
        return a - b;
    case TERN__MUL:
        return a * b;
    case TERN__DIV:
        return a / b;
    case TERN__PRELU:
        return v_select(v_lt(a, v_zero()), a * b, a);
    }
    return a;
}

V_INLINE void binary_loop(tern__binary op, const float *a, int a_step, const float *b, int b_step,
                          float floor_, float *y, int64_t n) {
    vf low = v_set1(floor_), a0 = v_set1(a_step ? 0 : *a), b0 = v_set1(b_step ? 0 : *b);
#define BODY(LOAD, STORE)                                                                          \
    vf left = a_step ? LOAD(a + i) : a0, right = b_step ? LOAD(b + i) : b0;                        \
    STORE(y + i, v_max(low, binary_value(op, left, right)));
    EACH_VECTOR(n, BODY);
#undef BODY
}

V_INLINE void binary_steps(tern__binary op, const float *a, int a_step, const float *b, int b_step,
                           float floor_, float *y, int64_t n) {
    if (a_step && b_step)
        binary_loop(op, a, 1, b, 1, floor_, y, n);
    else if (a_step)
        binary_loop(op, a, 1, b, 0, floor_, y, n);
    else
        binary_loop(op, a, 0, b, b_step, floor_, y, n);
}

static void binary(tern__binary op, const float *a, int a_step, const float *b, int b_step,
                   float floor_, float *y, int64_t n) {
    if (n <= 0) return;
    switch (op) {
    case TERN__ADD:
        binary_steps(TERN__ADD, a, a_step, b, b_step, floor_, y, n);
        break;
    case TERN__SUB:
        binary_steps(TERN__SUB, a, a_step, b, b_step, floor_, y, n);
        break;
    case TERN__MUL:
        binary_steps(TERN__MUL, a, a_step, b, b_step, floor_, y, n);
        break;
    case TERN__DIV:
        binary_steps(TERN__DIV, a, a_step, b, b_step, floor_, y, n);
        break;
    case TERN__PRELU:
        binary_steps(TERN__PRELU, a, a_step, b, b_step, floor_, y, n);
        break;
    }
}

V_INLINE vf product_value(tern__product kind, vf g, vf a, vf b) {
    switch (kind) {
    case TERN__G:
        return g;
    case TERN__MINUS_G:
        return -g;
    case TERN__G_TIMES_A:
        return g * a;
    case TERN__G_OVER_B:
        return g / b;
    case TERN__MINUS_G_A_OVER_BB:
        return -(g / b) * (a / b);
    case TERN__G_SLOPED:
        return v_select(v_gt(a, v_zero()), g, g * b);
    case TERN__G_TIMES_NEGATIVE_A:
        return v_select(v_gt(a, v_zero()), v_zero(), g * a);
    }
    return g;
}

V_INLINE void product_loop(tern__product kind, const float *g, const float *a, int a_step,
                           const float *b, int b_step, float *y, int64_t n, bool add) {
    bool uses_a = kind != TERN__G && kind != TERN__MINUS_G && kind != TERN__G_OVER_B;
    bool uses_b =
        kind == TERN__G_OVER_B || kind == TERN__MINUS_G_A_OVER_BB || kind == TERN__G_SLOPED;
    vf a0 = v_set1(uses_a && !a_step ? *a : 0), b0 = v_set1(uses_b && !b_step ? *b : 0);
#define BODY(LOAD, STORE)                                                                          \
    vf left = uses_a && a_step ? LOAD(a + i) : a0, right = uses_b && b_step ? LOAD(b + i) : b0;    \
    vf value = product_value(kind, LOAD(g + i), left, right);                                      \
    STORE(y + i, add ? v_add(LOAD(y + i), value) : value);
    EACH_VECTOR(n, BODY);
#undef BODY
}

static void product(tern__product kind, const float *g, const float *a, int a_step, const float *b,
                    int b_step, float *y, int64_t n, bool add) {
    if (n <= 0) return;
    switch (kind) {
    case TERN__G:
        product_loop(TERN__G, g, a, a_step, b, b_step, y, n, add);
        break;
    case TERN__MINUS_G:
        product_loop(TERN__MINUS_G, g, a, a_step, b, b_step, y, n, add);
        break;
    case TERN__G_TIMES_A:
        product_loop(TERN__G_TIMES_A, g, a, a_step, b, b_step, y, n, add);
        break;
    case TERN__G_OVER_B:
        product_loop(TERN__G_OVER_B, g, a, a_step, b, b_step, y, n, add);
        break;
    case TERN__MINUS_G_A_OVER_BB:
        product_loop(TERN__MINUS_G_A_OVER_BB, g, a, a_step, b, b_step, y, n, add);
        break;
    case TERN__G_SLOPED:
        product_loop(TERN__G_SLOPED, g, a, a_step, b, b_step, y, n, add);
        break;
    case TERN__G_TIMES_NEGATIVE_A:
        product_loop(TERN__G_TIMES_NEGATIVE_A, g, a, a_step, b, b_step, y, n, add);
        break;
    }
}

static void scale(const float *x, float factor, float *y, int64_t n, bool add) {
    if (add) {
#define BODY(LOAD, STORE) STORE(y + i, v_fma(LOAD(x + i), v_set1(factor), LOAD(y + i)));
        EACH_VECTOR(n, BODY);
#undef BODY
    } else {
#define BODY(LOAD, STORE) STORE(y + i, LOAD(x + i) * factor);
        EACH_VECTOR(n, BODY);
#undef BODY
    }
}

/* ---- losses ---- */

V_INLINE vf loss_value(tern__pointwise_loss kind, float p, vf x, vf t) {
    vf d = x - t, size = v_abs(d);
    switch (kind) {
    case TERN__LOSS_SQUARED:
        return d * d;
    case TERN__LOSS_ABSOLUTE:
        return size;
    case TERN__LOSS_HUBER:
        return v_select(v_gt(size, v_set1(p)), p * (size - 0.5f * p), 0.5f * d * d);
    case TERN__LOSS_BCE:
        return v_fma(1.0f - t, x, v_fma(v_set1(p - 1.0f), t, v_set1(1.0f)) * v_softplus(-x));
    }
    return d;
}

V_INLINE vf loss_slope(tern__pointwise_loss kind, float p, vf x, vf t) {
    vf d = x - t;
    switch (kind) {
    case TERN__LOSS_SQUARED:
        return 2.0f * d;
    case TERN__LOSS_ABSOLUTE:
        return v_select(v_eq(d, v_zero()), v_zero(), v_copysign(v_set1(1), d));
    case TERN__LOSS_HUBER:
        return v_max(v_set1(-p), v_select(v_gt(d, v_set1(p)), v_set1(p), d));
    case TERN__LOSS_BCE:
        return v_fnma(v_fma(v_set1(p - 1.0f), t, v_set1(1.0f)), v_sigmoid(-x), 1.0f - t);
    }
    return d;
}

V_INLINE float loss_loop(tern__pointwise_loss kind, float p, const float *x, const float *t,
                         int64_t n) {
    vf sum = v_zero();
    int64_t i = 0;
    for (; i + VL <= n; i += VL) sum += loss_value(kind, p, v_load(x + i), v_load(t + i));
    float tail = 0;
    if (i < n) { /* lanes past the end would count: the loss of 0 and 0 need not be 0 */
        int lanes = (int)(n - i);
        vf each = loss_value(kind, p, v_load_part(x + i, lanes), v_load_part(t + i, lanes));
        for (int k = 0; k < lanes; k++) tail += each[k];
    }
    return v_sum(sum) + tail;
}

V_INLINE void loss_gradient_loop(tern__pointwise_loss kind, float p, const float *x, const float *t,
                                 float factor, float *dx, int64_t n, bool add) {
#define BODY(LOAD, STORE)                                                                          \
    vf slope = loss_slope(kind, p, LOAD(x + i), LOAD(t + i));                                      \
    STORE(dx + i, add ? v_fma(slope, v_set1(factor), LOAD(dx + i)) : v_mul(slope, v_set1(factor)));
    EACH_VECTOR(n, BODY);
#undef BODY
}

#define EACH_LOSS(CASE)                                                                            \
    CASE(TERN__LOSS_SQUARED)                                                                       \
    CASE(TERN__LOSS_ABSOLUTE)                                                                      \
    CASE(TERN__LOSS_HUBER)                                                                         \
    CASE(TERN__LOSS_BCE)

static float loss(tern__pointwise_loss kind, float p, const float *x, const float *t, int64_t n) {
    switch (kind) {
#define CASE(KIND)                                                                                 \
    case KIND:                                                                                     \
        return loss_loop(KIND, p, x, t, n);
        EACH_LOSS(CASE)
#undef CASE
    }
    return 0;
}

static void loss_gradient(tern__pointwise_loss kind, float p, const float *x, const float *t,
                          float factor, float *dx, int64_t n, bool add) {
    switch (kind) {
#define CASE(KIND)                                                                                 \
    case KIND:                                                                                     \
        loss_gradient_loop(KIND, p, x, t, factor, dx, n, add);                                     \
        break;
        EACH_LOSS(CASE)
#undef CASE
    }
}

/* ---- transposition ---- */

typedef float v4 __attribute__((vector_size(16), may_alias));
typedef float v4_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

V_INLINE void store_4(float *p, v4 v, bool add) {
    if (add) v += *(const v4_unaligned *)p;
    *(v4_unaligned *)p = (v4_unaligned)v;
}

V_INLINE void transpose_4x4(const float *src, int64_t src_stride, float *dst, int64_t dst_stride,
                            bool add) {
    v4 r0 = *(const v4_unaligned *)src, r1 = *(const v4_unaligned *)(src + src_stride);
    v4 r2 = *(const v4_unaligned *)(src + 2 * src_stride);
    v4 r3 = *(const v4_unaligned *)(src + 3 * src_stride);
    v4 a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5),
       b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    v4 c = __builtin_shufflevector(r0, r1, 2, 6, 3, 7),
       d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    store_4(dst, __builtin_shufflevector(a, b, 0, 1, 4, 5), add);
    store_4(dst + dst_stride, __builtin_shufflevector(a, b, 2, 3, 6, 7), add);
    store_4(dst + 2 * dst_stride, __builtin_shufflevector(c, d, 0, 1, 4, 5), add);
    store_4(dst + 3 * dst_stride, __builtin_shufflevector(c, d, 2, 3, 6, 7), add);
}

/* Tiles of 32 x 32, so that the lines of both sides stay in the first cache. */
V_INLINE void transpose_tiles(const float *src, int64_t src_stride, int64_t rows, int64_t columns,
                              float *dst, int64_t dst_stride, bool add) {
    enum { TILE = 32 };
    for (int64_t i0 = 0; i0 < rows; i0 += TILE)
        for (int64_t j0 = 0; j0 < columns; j0 += TILE) {
            int64_t i1 = i0 + TILE < rows ? i0 + TILE : rows;
            int64_t j1 = j0 + TILE < columns ? j0 + TILE : columns;
            int64_t i4 = i0 + (i1 - i0) / 4 * 4, j4 = j0 + (j1 - j0) / 4 * 4;
            for (int64_t j = j0; j < j4; j += 4)
                for (int64_t i = i0; i < i4; i += 4)
                    transpose_4x4(src + i * src_stride + j, src_stride, dst + j * dst_stride + i,
                                  dst_stride, add);
            for (int64_t j = j0; j < j1; j++)
                for (int64_t i = j < j4 ? i4 : i0; i < i1; i++) {
                    float x = src[i * src_stride + j], *to = dst + j * dst_stride + i;
                    *to = add ? *to + x : x;
                }
        }
}

static void transpose(const float *src, int64_t src_stride, int64_t rows, int64_t columns,
                      float *dst, int64_t dst_stride, bool add) {
    if (add)
        transpose_tiles(src, src_stride, rows, columns, dst, dst_stride, true);
    else
        transpose_tiles(src, src_stride, rows, columns, dst, dst_stride, false);
}
