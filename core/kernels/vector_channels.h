/* Per-channel normalisation over rows of [rows, columns]; part of vector.c. All are bound by memory: rows go by
 * fours in one sweep over the columns, so that running sums are touched seldom. */

V_INLINE vf activation_value(tern__activation f, vf v, float alpha) {
    switch (f) {
    case TERN__NONE: return v;
    case TERN__RELU: return unary_value(TERN__UNARY_RELU, v, 0);
    case TERN__LEAKY_RELU: return unary_value(TERN__UNARY_LEAKY_RELU, v, alpha);
    case TERN__SIGMOID: return v_sigmoid(v);
    case TERN__TANH: return v_tanh(v);
    }
    return v;
}

/* dy activation'(v), v the value before the activation. */
V_INLINE vf activation_gradient(tern__activation f, vf v, vf dy, float alpha) {
    switch (f) {
    case TERN__NONE: return dy;
    case TERN__RELU: return v_select(v_gt(v, v_zero()), dy, v_zero());
    case TERN__LEAKY_RELU: return v_select(v_gt(v, v_zero()), dy, alpha * dy);
    case TERN__SIGMOID: return dy * unary_slope(TERN__UNARY_SIGMOID, v_sigmoid(v), 0);
    case TERN__TANH: return dy * unary_slope(TERN__UNARY_TANH, v_tanh(v), 0);
    }
    return dy;
}

/* Calls LOOP(ACTIVATION) with the activation as a constant, so that each gets its own loop. */
#define FOR_ACTIVATION(activation, LOOP)                                                           \
    switch (activation) {                                                                          \
    case TERN__NONE: LOOP(TERN__NONE); break;                                                      \
    case TERN__RELU: LOOP(TERN__RELU); break;                                                      \
    case TERN__LEAKY_RELU: LOOP(TERN__LEAKY_RELU); break;                                          \
    case TERN__SIGMOID: LOOP(TERN__SIGMOID); break;                                                \
    case TERN__TANH: LOOP(TERN__TANH); break;                                                      \
    }

/* ---- sums of x ---- */

static void channel_sums_rows(const float *x, int64_t rows, int64_t columns, const float *shift,
                              float *sum, float *square, bool add) {
    if (!add) {
        memset(sum, 0, (size_t)columns * sizeof *sum);
        memset(square, 0, (size_t)columns * sizeof *square);
    }
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const float *p = x + r * columns, *q = p + 2 * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf s = LOAD(shift + i);                                                                        \
    vf a = LOAD(p + i) - s, b = LOAD(p + columns + i) - s;                                         \
    vf c = LOAD(q + i) - s, d = LOAD(q + columns + i) - s;                                         \
    STORE(sum + i, LOAD(sum + i) + ((a + b) + (c + d)));                                           \
    STORE(square + i, LOAD(square + i) + (v_fma(a, a, b * b) + v_fma(c, c, d * d)));
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
    for (; r < rows; r++) {
        const float *p = x + r * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf a = LOAD(p + i) - LOAD(shift + i);                                                          \
    STORE(sum + i, LOAD(sum + i) + a);                                                             \
    STORE(square + i, v_fma(a, a, LOAD(square + i)));
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
}

static void channel_sums(const float *x, int64_t rows, int64_t columns, const float *shift,
                         float *sum, float *square) {
    int64_t k = widening(columns, rows), whole = rows / k, wide_columns = k * columns;
    if (k == 1) {
        channel_sums_rows(x, rows, columns, shift, sum, square, false);
        return;
    }
    float wide_shift[WIDE], wide_sum[WIDE], wide_square[WIDE];
    repeat(shift, columns, k, wide_shift);
    channel_sums_rows(x, whole, wide_columns, wide_shift, wide_sum, wide_square, false);
    fold(wide_sum, columns, k, sum, false);
    fold(wide_square, columns, k, square, false);
    channel_sums_rows(x + whole * wide_columns, rows - whole * k, columns, shift, sum, square, true);
}

/* ---- y ---- */

V_INLINE void channel_apply_rows(tern__activation f, float alpha, const float *x, int64_t rows,
                                 int64_t columns, const float *scale_, const float *shift, float *y) {
    for (int64_t r = 0; r < rows; r++) {
        const float *p = x + r * columns;
        float *q = y + r * columns;
#define BODY(LOAD, STORE)                                                                          \
    STORE(q + i, activation_value(f, v_fma(LOAD(p + i), LOAD(scale_ + i), LOAD(shift + i)), alpha));
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
}

static void channel_apply(const float *x, int64_t rows, int64_t columns, const tern__channels *c,
                          float *y) {
    int64_t k = widening(columns, rows), whole = rows / k, wide_columns = k * columns;
    const float *scale_ = c->scale, *shift = c->shift;
    float wide_scale[WIDE], wide_shift[WIDE];
    if (k > 1) {
        repeat(c->scale, columns, k, wide_scale);
        repeat(c->shift, columns, k, wide_shift);
        scale_ = wide_scale;
        shift = wide_shift;
    }
    int64_t done = whole * wide_columns, left = rows - whole * k;
#define LOOP(F)                                                                                    \
    channel_apply_rows(F, c->alpha, x, whole, wide_columns, scale_, shift, y);                     \
    if (left) channel_apply_rows(F, c->alpha, x + done, left, columns, c->scale, c->shift, y + done)
    FOR_ACTIVATION(c->activation, LOOP)
#undef LOOP
}

/* ---- gradients ---- */

/* g and g (x - mean) at one vector of one row. */
#define GRADIENT_TERMS(LOAD, row, gradient_row, g, gx)                                             \
    vf g##_x = LOAD((row) + i);                                                                    \
    vf g = activation_gradient(f, v_fma(g##_x, s, h), LOAD((gradient_row) + i), alpha);            \
    vf gx = g * (g##_x - m);

V_INLINE void channel_gradient_sums_rows(tern__activation f, float alpha, const float *x,
                                         const float *dy, int64_t rows, int64_t columns,
                                         const float *scale_, const float *shift, const float *mean,
                                         float *sum_g, float *sum_gx, bool add) {
    if (!add) {
        memset(sum_g, 0, (size_t)columns * sizeof *sum_g);
        memset(sum_gx, 0, (size_t)columns * sizeof *sum_gx);
    }
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const float *p = x + r * columns, *d = dy + r * columns;
        const float *p2 = p + 2 * columns, *d2 = d + 2 * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf s = LOAD(scale_ + i), h = LOAD(shift + i), m = LOAD(mean + i);                              \
    GRADIENT_TERMS(LOAD, p, d, g0, gx0)                                                            \
    GRADIENT_TERMS(LOAD, p + columns, d + columns, g1, gx1)                                        \
    GRADIENT_TERMS(LOAD, p2, d2, g2, gx2)                                                          \
    GRADIENT_TERMS(LOAD, p2 + columns, d2 + columns, g3, gx3)                                      \
    STORE(sum_g + i, LOAD(sum_g + i) + ((g0 + g1) + (g2 + g3)));                                   \
    STORE(sum_gx + i, LOAD(sum_gx + i) + ((gx0 + gx1) + (gx2 + gx3)));
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
    for (; r < rows; r++) {
        const float *p = x + r * columns, *d = dy + r * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf s = LOAD(scale_ + i), h = LOAD(shift + i), m = LOAD(mean + i);                              \
    GRADIENT_TERMS(LOAD, p, d, g, gx)                                                              \
    STORE(sum_g + i, LOAD(sum_g + i) + g);                                                         \
    STORE(sum_gx + i, LOAD(sum_gx + i) + gx);
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
}

static void channel_gradient_sums(const float *x, const float *dy, int64_t rows, int64_t columns,
                                  const tern__channels *c, float *sum_g, float *sum_gx) {
    int64_t k = widening(columns, rows), whole = rows / k, wide_columns = k * columns;
    float wide_scale[WIDE], wide_shift[WIDE], wide_mean[WIDE], wide_g[WIDE], wide_gx[WIDE];
    const float *scale_ = c->scale, *shift = c->shift, *mean = c->mean;
    float *g = sum_g, *gx = sum_gx;
    if (k > 1) {
        repeat(c->scale, columns, k, wide_scale);
        repeat(c->shift, columns, k, wide_shift);
        repeat(c->mean, columns, k, wide_mean);
        scale_ = wide_scale;
        shift = wide_shift;
        mean = wide_mean;
        g = wide_g;
        gx = wide_gx;
    }
#define LOOP(F)                                                                                    \
    channel_gradient_sums_rows(F, c->alpha, x, dy, whole, wide_columns, scale_, shift, mean, g, gx, \
                               false)
    FOR_ACTIVATION(c->activation, LOOP)
#undef LOOP
    if (k == 1) return;
    fold(wide_g, columns, k, sum_g, false);
    fold(wide_gx, columns, k, sum_gx, false);
    int64_t done = whole * wide_columns, left = rows - whole * k;
#define LOOP(F)                                                                                    \
    channel_gradient_sums_rows(F, c->alpha, x + done, dy + done, left, columns, c->scale, c->shift, \
                               c->mean, sum_g, sum_gx, true)
    FOR_ACTIVATION(c->activation, LOOP)
#undef LOOP
}

V_INLINE void channel_gradient_apply_rows(tern__activation f, float alpha, const float *x,
                                          const float *dy, int64_t rows, int64_t columns,
                                          const float *scale_, const float *shift, const float *mean,
                                          const float *slope, const float *offset, float *dx,
                                          bool add) {
    for (int64_t r = 0; r < rows; r++) {
        const float *p = x + r * columns, *d = dy + r * columns;
        float *q = dx + r * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf s = LOAD(scale_ + i), v = LOAD(p + i);                                                      \
    vf g = activation_gradient(f, v_fma(v, s, LOAD(shift + i)), LOAD(d + i), alpha);               \
    vf value = v_fma(s, g, v_fma(LOAD(slope + i), v - LOAD(mean + i), LOAD(offset + i)));          \
    STORE(q + i, add ? v_add(LOAD(q + i), value) : value);
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
}

static void channel_gradient_apply(const float *x, const float *dy, int64_t rows, int64_t columns,
                                   const tern__channels *c, const float *slope, const float *offset,
                                   float *dx, bool add) {
    int64_t k = widening(columns, rows), whole = rows / k, wide_columns = k * columns;
    float wide[5][WIDE];
    const float *narrow[5] = {c->scale, c->shift, c->mean, slope, offset}, *use[5];
    for (int i = 0; i < 5; i++) {
        if (k > 1) repeat(narrow[i], columns, k, wide[i]);
        use[i] = k > 1 ? wide[i] : narrow[i];
    }
    int64_t done = whole * wide_columns, left = rows - whole * k;
#define LOOP(F)                                                                                    \
    if (add)                                                                                       \
        channel_gradient_apply_rows(F, c->alpha, x, dy, whole, wide_columns, use[0], use[1], use[2], \
                                    use[3], use[4], dx, true);                                     \
    else                                                                                           \
        channel_gradient_apply_rows(F, c->alpha, x, dy, whole, wide_columns, use[0], use[1], use[2], \
                                    use[3], use[4], dx, false);                                    \
    if (left)                                                                                      \
    channel_gradient_apply_rows(F, c->alpha, x + done, dy + done, left, columns, c->scale, c->shift, \
                                c->mean, slope, offset, dx + done, add)
    FOR_ACTIVATION(c->activation, LOOP)
#undef LOOP
}
