/* Per-channel normalisation over rows of [rows, columns]; part of vector.c. All are bound by
 * memory. Sums of short rows go by fours in one sweep over the columns, so that they are touched
 * seldom; of long rows one by one, for lines that four rows take in turn are not foreseen by the
 * hardware. */

enum { BY_FOURS = 96 }; /* columns */

/* Sigmoid and tanh, which normalised values seldom go through, share a call per vector. */
static __attribute__((noinline)) vf curve_value(tern__activation f, vf v) {
    return f == TERN__SIGMOID ? v_sigmoid(v) : v_tanh(v);
}
static __attribute__((noinline)) vf curve_gradient(tern__activation f, vf v, vf dy) {
    vf y = curve_value(f, v);
    return dy * unary_slope(f == TERN__SIGMOID ? TERN__UNARY_SIGMOID : TERN__UNARY_TANH, y, 0);
}

V_INLINE vf activation_value(tern__activation f, vf v, float alpha) {
    if (f == TERN__NONE) return v;
    if (f == TERN__RELU) return unary_value(TERN__UNARY_RELU, v, 0);
    if (f == TERN__LEAKY_RELU) return unary_value(TERN__UNARY_LEAKY_RELU, v, alpha);
    return curve_value(f, v);
}

/* dy activation'(v), v the value before the activation. */
V_INLINE vf activation_gradient(tern__activation f, vf v, vf dy, float alpha) {
    if (f == TERN__NONE) return dy;
    if (f == TERN__RELU) return v_select(v_gt(v, v_zero()), dy, v_zero());
    if (f == TERN__LEAKY_RELU) return v_select(v_gt(v, v_zero()), dy, alpha * dy);
    return curve_gradient(f, v, dy);
}

/* Runs LOOP(F) with the common activations as constants, so that each gets its own loop. */
#define FOR_ACTIVATION(activation, LOOP)                                                           \
    switch (activation) {                                                                          \
    case TERN__NONE:                                                                               \
        LOOP(TERN__NONE) break;                                                                    \
    case TERN__RELU:                                                                               \
        LOOP(TERN__RELU) break;                                                                    \
    case TERN__LEAKY_RELU:                                                                         \
        LOOP(TERN__LEAKY_RELU) break;                                                              \
    case TERN__SIGMOID:                                                                            \
    case TERN__TANH:                                                                               \
        LOOP(activation) break;                                                                    \
    }

/* ---- sums of x ---- */

static void channel_sums_rows(const float *x, int64_t rows, int64_t columns, const float *shift,
                              float *sum, float *square, bool add) {
    if (!add) {
        memset(sum, 0, (size_t)columns * sizeof *sum);
        memset(square, 0, (size_t)columns * sizeof *square);
    }
    int64_t r = 0;
    for (; columns <= BY_FOURS && r + 4 <= rows; r += 4) {
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
    channel_sums_rows(x + whole * wide_columns, rows - whole * k, columns, shift, sum, square,
                      true);
}

/* ---- y ---- */

static void channel_apply_rows(const tern__channels *c, const float *x, int64_t rows,
                               int64_t columns, float *y) {
    const float *scale_ = c->scale, *shift = c->shift, alpha = c->alpha;
    for (int64_t r = 0; r < rows; r++) {
        const float *p = x + r * columns;
        float *q = y + r * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf v = v_fma(LOAD(p + i), LOAD(scale_ + i), LOAD(shift + i));                                  \
    STORE(q + i, activation_value(f, v, alpha));
#define LOOP(F)                                                                                    \
    {                                                                                              \
        const tern__activation f = F;                                                              \
        EACH_VECTOR(columns, BODY);                                                                \
    }
        FOR_ACTIVATION(c->activation, LOOP)
#undef LOOP
#undef BODY
    }
}

/* The constants repeated for a wide row, in buffers of WIDE. */
typedef struct wide_channels {
    tern__channels channels;
    float scale[WIDE], shift[WIDE], mean[WIDE];
} wide_channels;

static const tern__channels *widen(const tern__channels *c, int64_t columns, int64_t k,
                                   wide_channels *wide) {
    if (k == 1) return c;
    wide->channels = *c;
    repeat(c->scale, columns, k, wide->scale);
    repeat(c->shift, columns, k, wide->shift);
    if (c->mean) repeat(c->mean, columns, k, wide->mean);
    wide->channels.scale = wide->scale;
    wide->channels.shift = wide->shift;
    wide->channels.mean = wide->mean;
    return &wide->channels;
}

static void channel_apply(const float *x, int64_t rows, int64_t columns, const tern__channels *c,
                          float *y) {
    wide_channels wide;
    int64_t k = widening(columns, rows), whole = rows / k, done = whole * k * columns;
    channel_apply_rows(widen(c, columns, k, &wide), x, whole, k * columns, y);
    channel_apply_rows(c, x + done, rows - whole * k, columns, y + done);
}

/* ---- gradients ---- */

/* g and g (x - mean) at one vector of one row. */
#define GRADIENT_TERMS(LOAD, row, gradient_row, g, gx)                                             \
    vf g##_x = LOAD((row) + i);                                                                    \
    vf g = activation_gradient(f, v_fma(g##_x, s, h), LOAD((gradient_row) + i), alpha);            \
    vf gx = g * (g##_x - m);

static void channel_gradient_sums_rows(const tern__channels *c, const float *x, const float *dy,
                                       int64_t rows, int64_t columns, float *sum_g, float *sum_gx,
                                       bool add) {
    const float *scale_ = c->scale, *shift = c->shift, *mean = c->mean, alpha = c->alpha;
    if (!add) {
        memset(sum_g, 0, (size_t)columns * sizeof *sum_g);
        memset(sum_gx, 0, (size_t)columns * sizeof *sum_gx);
    }
#define LOOP(F)                                                                                    \
    {                                                                                              \
        const tern__activation f = F;                                                              \
        EACH_VECTOR(columns, BODY);                                                                \
    }
    int64_t r = 0;
    for (; columns <= BY_FOURS && r + 4 <= rows; r += 4) {
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
        FOR_ACTIVATION(c->activation, LOOP)
#undef BODY
    }
    for (; r < rows; r++) {
        const float *p = x + r * columns, *d = dy + r * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf s = LOAD(scale_ + i), h = LOAD(shift + i), m = LOAD(mean + i);                              \
    GRADIENT_TERMS(LOAD, p, d, g, gx)                                                              \
    STORE(sum_g + i, LOAD(sum_g + i) + g);                                                         \
    STORE(sum_gx + i, LOAD(sum_gx + i) + gx);
        FOR_ACTIVATION(c->activation, LOOP)
#undef BODY
    }
#undef LOOP
}

static void channel_gradient_sums(const float *x, const float *dy, int64_t rows, int64_t columns,
                                  const tern__channels *c, float *sum_g, float *sum_gx) {
    int64_t k = widening(columns, rows), whole = rows / k, done = whole * k * columns;
    if (k == 1) {
        channel_gradient_sums_rows(c, x, dy, rows, columns, sum_g, sum_gx, false);
        return;
    }
    wide_channels wide;
    float wide_g[WIDE], wide_gx[WIDE];
    channel_gradient_sums_rows(widen(c, columns, k, &wide), x, dy, whole, k * columns, wide_g,
                               wide_gx, false);
    fold(wide_g, columns, k, sum_g, false);
    fold(wide_gx, columns, k, sum_gx, false);
    channel_gradient_sums_rows(c, x + done, dy + done, rows - whole * k, columns, sum_g, sum_gx,
                               true);
}

static void channel_gradient_apply_rows(const tern__channels *c, const float *slope,
                                        const float *offset, const float *x, const float *dy,
                                        int64_t rows, int64_t columns, float *dx, bool add) {
    const float *scale_ = c->scale, *shift = c->shift, *mean = c->mean, alpha = c->alpha;
    for (int64_t r = 0; r < rows; r++) {
        const float *p = x + r * columns, *d = dy + r * columns;
        float *q = dx + r * columns;
#define BODY(LOAD, STORE)                                                                          \
    vf s = LOAD(scale_ + i), v = LOAD(p + i);                                                      \
    vf g = activation_gradient(f, v_fma(v, s, LOAD(shift + i)), LOAD(d + i), alpha);               \
    vf value = v_fma(s, g, v_fma(LOAD(slope + i), v - LOAD(mean + i), LOAD(offset + i)));          \
    STORE(q + i, add ? v_add(LOAD(q + i), value) : value);
#define LOOP(F)                                                                                    \
    {                                                                                              \
        const tern__activation f = F;                                                              \
        EACH_VECTOR(columns, BODY);                                                                \
    }
        FOR_ACTIVATION(c->activation, LOOP)
#undef LOOP
#undef BODY
    }
}

static void channel_gradient_apply(const float *x, const float *dy, int64_t rows, int64_t columns,
                                   const tern__channels *c, const float *slope, const float *offset,
                                   float *dx, bool add) {
    wide_channels wide;
    float wide_slope[WIDE], wide_offset[WIDE];
    int64_t k = widening(columns, rows), whole = rows / k, done = whole * k * columns;
    if (k > 1) {
        repeat(slope, columns, k, wide_slope);
        repeat(offset, columns, k, wide_offset);
    }
    channel_gradient_apply_rows(widen(c, columns, k, &wide), k > 1 ? wide_slope : slope,
                                k > 1 ? wide_offset : offset, x, dy, whole, k * columns, dx, add);
    channel_gradient_apply_rows(c, slope, offset, x + done, dy + done, rows - whole * k, columns,
                                dx + done, add);
}
