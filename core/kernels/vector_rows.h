/* Reductions of rows and columns, softmax, row normalisation; part of vector.c. Every sum has one
 * fixed order for a given length. */

/* ---- narrow columns ---- */

/* Rows of a few columns that follow each other without a gap are taken k at a time as one wide row,
 * so that vectors are full: k columns is a multiple of VL and at least 4 VL. */
enum { NARROW = 64, WIDE = 1024 }; /* widest: 63 columns x 16 */

V_INLINE int64_t widening(int64_t columns, int64_t rows) {
    if (columns >= NARROW || (columns % VL == 0 && columns >= 4 * VL)) return 1;
    int64_t k = VL;
    while (k > 1 && columns * (k / 2) % VL == 0) k /= 2;
    int64_t step = k;
    while (k * columns < 4 * VL) k += step;
    return k <= rows ? k : 1;
}

static void repeat(const float *x, int64_t columns, int64_t k, float *wide) {
    for (int64_t i = 0; i < k; i++) memcpy(wide + i * columns, x, (size_t)columns * sizeof *x);
}

/* y[c] (+)= sum of wide[i columns + c] over i */
static void fold(const float *wide, int64_t columns, int64_t k, float *y, bool add) {
    for (int64_t c = 0; c < columns; c++) {
        float sum = add ? y[c] : 0;
        for (int64_t i = 0; i < k; i++) sum += wide[i * columns + c];
        y[c] = sum;
    }
}

/* ---- sums ---- */

static float row_sum(const float *x, int64_t n) {
    vf sum[8];
    for (int k = 0; k < 8; k++) sum[k] = v_zero();
    int64_t i = 0;
    for (; i + 8 * VL <= n; i += 8 * VL)
        for (int k = 0; k < 8; k++) sum[k] += v_load(x + i + k * VL);
    for (int k = 0; i < n; i += VL, k++)
        sum[k] += v_load_part(x + i, n - i < VL ? (int)(n - i) : VL);
    for (int half = 4; half > 0; half /= 2)
        for (int k = 0; k < half; k++) sum[k] += sum[k + half];
    return v_sum(sum[0]);
}

static float row_max(const float *x, int64_t n, int64_t *index) {
    int64_t i = 0;
    vf best = v_set1(-INFINITY);
    vi odd = vi_set1(0);
    for (; i + VL <= n; i += VL) {
        vf v = v_load(x + i);
        odd |= v_ne(v, v);
        best = v_max(best, v);
    }
    float largest = n ? x[0] : -INFINITY;
    if (i) {
        largest = v_reduce_max(best);
        int32_t marks[VL];
        vi_store(marks, odd);
        for (int k = 0; k < VL; k++)
            if (marks[k]) largest = NAN;
    }
    for (; i < n; i++)
        if (x[i] > largest || x[i] != x[i]) largest = x[i];
    if (index) {
        int64_t at = 0;
        if (largest != largest)
            while (x[at] == x[at]) at++;
        else
            while (at < n && x[at] != largest) at++;
        *index = at;
    }
    return largest;
}

/* Rows by eights in one sweep over the columns: eight streams, and y is touched seldom. */
static void column_sum_strided(const float *x, int64_t stride, int64_t rows, int64_t columns,
                               float *y, bool add) {
    if (!add) memset(y, 0, (size_t)columns * sizeof *y);
    int64_t r = 0;
    for (; r + 8 <= rows; r += 8) {
        const float *p = x + r * stride;
#define BODY(LOAD, STORE)                                                                          \
    vf a = LOAD(p + i) + LOAD(p + stride + i),                                                     \
       b = LOAD(p + 2 * stride + i) + LOAD(p + 3 * stride + i);                                    \
    vf c = LOAD(p + 4 * stride + i) + LOAD(p + 5 * stride + i);                                    \
    vf d = LOAD(p + 6 * stride + i) + LOAD(p + 7 * stride + i);                                    \
    STORE(y + i, LOAD(y + i) + ((a + b) + (c + d)));
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
    for (; r < rows; r++) {
        const float *p = x + r * stride;
#define BODY(LOAD, STORE) STORE(y + i, LOAD(y + i) + LOAD(p + i));
        EACH_VECTOR(columns, BODY);
#undef BODY
    }
}

static void column_sum(const float *x, int64_t stride, int64_t rows, int64_t columns, float *y) {
    int64_t k = stride == columns ? widening(columns, rows) : 1;
    if (k == 1) {
        column_sum_strided(x, stride, rows, columns, y, false);
        return;
    }
    float wide[WIDE];
    int64_t whole = rows / k;
    column_sum_strided(x, k * columns, whole, k * columns, wide, false);
    fold(wide, columns, k, y, false);
    column_sum_strided(x + whole * k * columns, columns, rows - whole * k, columns, y, true);
}

static void column_max(const float *x, int64_t stride, int64_t rows, int64_t columns, int32_t first,
                       float *y, int32_t *rows_at) {
    for (int64_t i = 0; i < columns; i += VL) {
        int lanes = columns - i < VL ? (int)(columns - i) : VL;
        vf best = v_load_part(x + i, lanes);
        vi at = vi_set1(first);
        for (int64_t r = 1; r < rows; r++) {
            const float *p = x + r * stride + i;
            vf v = lanes == VL ? v_load(p) : v_load_part(p, lanes);
            /* A number that is larger, or the first NaN. */
            vi better = v_gt(v, best) | (v_ne(v, v) & v_eq(best, best));
            best = v_select(better, v, best);
            at = vi_select(better, vi_set1(first + (int32_t)r), at);
        }
        v_store_part(y + i, best, lanes);
        v_store_part((float *)(rows_at + i), (vf)at, lanes);
    }
}

/* ---- row normalisation ---- */

static void row_moments(const float *x, int64_t n, float epsilon, float *mean, float *inverse) {
    float m = row_sum(x, n) / (float)n;
    vf sum[4];
    for (int k = 0; k < 4; k++) sum[k] = v_zero();
    int64_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL)
        for (int k = 0; k < 4; k++) {
            vf d = v_load(x + i + k * VL) - m;
            sum[k] = v_fma(d, d, sum[k]);
        }
    float tail = 0;
    for (; i < n; i++) tail += (x[i] - m) * (x[i] - m);
    float square = v_sum((sum[0] + sum[1]) + (sum[2] + sum[3])) + tail;
    *mean = m;
    *inverse = 1.0f / sqrtf(square / (float)n + epsilon);
}

static void row_normalise(const float *x, int64_t n, float mean, float inverse, const float *scale_,
                          const float *bias, float *y) {
#define BODY(LOAD, STORE)                                                                          \
    vf normal = (LOAD(x + i) - mean) * inverse;                                                    \
    STORE(y + i, bias ? v_fma(normal, LOAD(scale_ + i), LOAD(bias + i))                            \
                      : v_mul(normal, LOAD(scale_ + i)));
    EACH_VECTOR(n, BODY);
#undef BODY
}

static void row_normalise_gradient(const float *x, const float *dy, int64_t n, float mean,
                                   float inverse, const float *scale_, float *dx, bool add,
                                   float *dscale, float *dbias) {
    vf sum = v_zero(), product_sum = v_zero();
#define BODY(LOAD, STORE)                                                                          \
    vf normal = (LOAD(x + i) - mean) * inverse, g = LOAD(dy + i) * LOAD(scale_ + i);               \
    sum += g;                                                                                      \
    product_sum = v_fma(g, normal, product_sum);
    EACH_VECTOR(n, BODY);
#undef BODY
    float m = v_sum(sum) / (float)n, slope = v_sum(product_sum) / (float)n;
#define BODY(LOAD, STORE)                                                                          \
    vf normal = (LOAD(x + i) - mean) * inverse, d = LOAD(dy + i);                                  \
    if (dscale) STORE(dscale + i, v_fma(d, normal, LOAD(dscale + i)));                             \
    if (dbias) STORE(dbias + i, LOAD(dbias + i) + d);                                              \
    if (dx) {                                                                                      \
        vf value = inverse * v_fnma(normal, v_set1(slope), d * LOAD(scale_ + i) - m);              \
        STORE(dx + i, add ? v_add(LOAD(dx + i), value) : value);                                   \
    }
    EACH_VECTOR(n, BODY);
#undef BODY
}

/* ---- softmax ---- */

/* y = e^(x - largest), where y is wanted; returns the sum. */
static float exp_row(const float *x, int64_t n, float largest, float *y) {
    vf sum = v_zero();
    int64_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf e = v_exp(v_load(x + i) - largest);
        sum += e;
        if (y) v_store(y + i, e);
    }
    float tail = 0;
    if (i < n) {
        int lanes = (int)(n - i);
        vf e = v_exp(v_load_part(x + i, lanes) - largest);
        if (y) v_store_part(y + i, e, lanes);
        for (int k = 0; k < lanes; k++) tail += e[k];
    }
    return v_sum(sum) + tail;
}

/* Rows too short for a vector each: the maximum is taken off in plain code and e^x over many rows
 * at once. */
static void subtract_maxima(const float *x, int64_t rows, int64_t n, float *y, float *maxima) {
    for (int64_t r = 0; r < rows; r++) {
        const float *p = x + r * n;
        float largest = p[0];
        for (int64_t i = 1; i < n; i++)
            if (p[i] > largest || p[i] != p[i]) largest = p[i];
        for (int64_t i = 0; i < n; i++) y[r * n + i] = p[i] - largest;
        if (maxima) maxima[r] = largest;
    }
}

static void softmax_short_rows(const float *x, int64_t rows, int64_t n, bool logarithm, float *y) {
    enum { BLOCK = 256 };
    float sums[BLOCK], exponentials[BLOCK * VL];
    for (int64_t r0 = 0; r0 < rows; r0 += BLOCK) {
        int64_t count = rows - r0 < BLOCK ? rows - r0 : BLOCK;
        float *out = y + r0 * n;
        subtract_maxima(x + r0 * n, count, n, out, NULL);
        unary(TERN__UNARY_EXP, 0, out, exponentials, count * n);
        for (int64_t r = 0; r < count; r++) {
            float sum = 0;
            for (int64_t i = 0; i < n; i++) sum += exponentials[r * n + i];
            sums[r] = logarithm ? sum : 1.0f / sum;
        }
        if (logarithm) unary(TERN__UNARY_LOG, 0, sums, sums, count);
        for (int64_t r = 0; r < count; r++)
            for (int64_t i = r * n; i < (r + 1) * n; i++)
                out[i] = logarithm ? out[i] - sums[r] : exponentials[i] * sums[r];
    }
}

static void softmax_rows(const float *x, int64_t rows, int64_t length, bool logarithm, float *y) {
    if (length <= VL) {
        softmax_short_rows(x, rows, length, logarithm, y);
        return;
    }
    for (int64_t r = 0; r < rows; r++, x += length, y += length) {
        float largest = row_max(x, length, NULL);
        if (!logarithm) {
            scale(y, 1.0f / exp_row(x, length, largest, y), y, length, false);
            continue;
        }
        vf log_sum = v_log(v_set1(exp_row(x, length, largest, NULL)));
#define BODY(LOAD, STORE) STORE(y + i, (LOAD(x + i) - largest) - log_sum);
        EACH_VECTOR(length, BODY);
#undef BODY
    }
}

/* dx = y (dy - sum dy y), or dx = dy - e^y sum dy for the logarithm. */
V_INLINE vf softmax_slope(vf y, vf dy, vf sum, bool logarithm) {
    return logarithm ? v_fnma(v_exp(y), sum, dy) : v_mul(y, v_sub(dy, sum));
}

static void softmax_rows_gradient(const float *y, const float *dy, int64_t rows, int64_t length,
                                  bool logarithm, float *dx, bool add) {
    for (int64_t r = 0; r < rows; r++, y += length, dy += length, dx += length) {
        vf lanes_sum = v_zero();
#define BODY(LOAD, STORE)                                                                          \
    lanes_sum =                                                                                    \
        logarithm ? v_add(lanes_sum, LOAD(dy + i)) : v_fma(LOAD(dy + i), LOAD(y + i), lanes_sum);
        EACH_VECTOR(length, BODY);
#undef BODY
        vf sum = v_set1(v_sum(lanes_sum));
#define BODY(LOAD, STORE)                                                                          \
    vf value = softmax_slope(LOAD(y + i), LOAD(dy + i), sum, logarithm);                           \
    STORE(dx + i, add ? v_add(LOAD(dx + i), value) : value);
        EACH_VECTOR(length, BODY);
#undef BODY
    }
}

static void softmax_columns(const float *x, int64_t length, int64_t stride, int64_t columns,
                            bool logarithm, float *y) {
    for (int64_t c = 0; c < columns; c += VL) {
        int lanes = columns - c < VL ? (int)(columns - c) : VL;
        vf largest = v_set1(-INFINITY), sum = v_zero();
        for (int64_t r = 0; r < length; r++)
            largest = v_max(largest, v_load_part(x + r * stride + c, lanes));
        for (int64_t r = 0; r < length; r++) {
            vf e = v_exp(v_load_part(x + r * stride + c, lanes) - largest);
            sum += e;
            if (!logarithm) v_store_part(y + r * stride + c, e, lanes);
        }
        vf log_sum = logarithm ? v_log(sum) : sum, inverse = 1.0f / sum;
        for (int64_t r = 0; r < length; r++) {
            float *out = y + r * stride + c;
            vf value = logarithm ? (v_load_part(x + r * stride + c, lanes) - largest) - log_sum
                                 : v_load_part(out, lanes) * inverse;
            v_store_part(out, value, lanes);
        }
    }
}

static void softmax_columns_gradient(const float *y, const float *dy, int64_t length,
                                     int64_t stride, int64_t columns, bool logarithm, float *dx,
                                     bool add) {
    for (int64_t c = 0; c < columns; c += VL) {
        int lanes = columns - c < VL ? (int)(columns - c) : VL;
        vf sum = v_zero();
        for (int64_t r = 0; r < length; r++) {
            vf g = v_load_part(dy + r * stride + c, lanes);
            sum = logarithm ? v_add(sum, g) : v_fma(g, v_load_part(y + r * stride + c, lanes), sum);
        }
        for (int64_t r = 0; r < length; r++) {
            int64_t at = r * stride + c;
            vf value = softmax_slope(v_load_part(y + at, lanes), v_load_part(dy + at, lanes), sum,
                                     logarithm);
            v_store_part(dx + at, add ? v_add(v_load_part(dx + at, lanes), value) : value, lanes);
        }
    }
}

static void log_sum_exp(const float *x, int64_t rows, int64_t columns, float *buffer, float *y) {
    if (columns > VL) {
        for (int64_t r = 0; r < rows; r++) {
            const float *p = x + r * columns;
            float largest = row_max(p, columns, NULL);
            buffer[r] = largest;
            y[r] = exp_row(p, columns, largest, NULL);
        }
    } else {
        float *differences = buffer + rows;
        subtract_maxima(x, rows, columns, differences, buffer);
        unary(TERN__UNARY_EXP, 0, differences, differences, rows * columns);
        for (int64_t r = 0; r < rows; r++) {
            float sum = 0;
            for (int64_t i = 0; i < columns; i++) sum += differences[r * columns + i];
            y[r] = sum;
        }
    }
    unary(TERN__UNARY_LOG, 0, y, y, rows);
    binary_loop(TERN__ADD, y, 1, buffer, 1, -INFINITY, y, rows);
}
