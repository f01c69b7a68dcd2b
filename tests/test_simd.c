/* The vector functions of core/kernels/simd.h at every level of this CPU, against double precision.
 */
#include "check.h"
#include "simd_functions.h"

#include "core/kernels/kernels.h"

extern const simd_functions simd_functions_generic;
#if defined(__x86_64__)
extern const simd_functions simd_functions_avx2, simd_functions_avx512;
#endif

static const struct {
    const char *name;
    const simd_functions *functions;
} levels[] = {
    {"generic", &simd_functions_generic},
#if defined(__x86_64__)
    {"avx2", &simd_functions_avx2},
    {"avx512", &simd_functions_avx512},
#endif
};
enum { LEVELS = sizeof levels / sizeof *levels, MOST_LANES = 16 };

static bool here(const char *level) {
    tern_context *c;
    check_ok(c, tern_context_create(&c, NULL));
    bool yes = tern__kernels_select(c, level) == TERN_OK;
    tern_context_free(c);
    return yes;
}

/* The distance in units of the last place of the true value, denormals included. */
static double distance(float value, double truth) {
    if (isnan(truth) || isnan(value)) return isnan(truth) && isnan(value) ? 0 : INFINITY;
    float rounded = (float)truth;
    if (isinf(rounded) || isinf(value)) return value == rounded ? 0 : INFINITY;
    int exponent = fabs(truth) < 0x1p-126 ? -126 : ilogb(truth);
    return fabs(value - truth) / ldexp(1, exponent - 23);
}

typedef void (*array_function)(float *y, const float *x, int count);

/* Every 1021st float there is, of both signs, infinities and NaN among them, and some special ones.
 */
static void sweep(const char *level, const char *name, array_function f, double (*truth)(double),
                  double bound) {
    static const float special[16] = {0.0f,   -0.0f,     1,          -1,        INFINITY, -INFINITY,
                                      NAN,    0x1p-149f, -0x1p-149f, 0x1p-126f, 88.72f,   88.73f,
                                      -87.4f, -103.9f,   -104,       9.1f};
    float x[MOST_LANES], y[MOST_LANES];
    uint64_t bits = 0;
    for (bool first = true; bits <= UINT32_MAX; first = false) {
        for (int i = 0; i < MOST_LANES; i++, bits += first ? 0 : 1021) {
            uint32_t b = (uint32_t)bits;
            memcpy(&x[i], &b, sizeof b);
            if (first) x[i] = special[i];
        }
        f(y, x, MOST_LANES);
        for (int i = 0; i < MOST_LANES; i++) {
            double expected = truth(x[i]);
            if (!(distance(y[i], expected) <= bound))
                fail_msg("%s: %s(%.9g) is %.9g, expected %.9g", level, name, (double)x[i],
                         (double)y[i], expected);
            if (expected == 0 && (!signbit(expected) != !signbit(y[i])))
                fail_msg("%s: %s(%.9g) has the wrong sign", level, name, (double)x[i]);
        }
    }
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void functions_are_exact_to_ulps(void **state) {
    (void)state;
    for (int i = 0; i < LEVELS; i++) {
        if (!here(levels[i].name)) continue;
        const simd_functions *f = levels[i].functions;
        sweep(levels[i].name, "exp", f->exp, exp, 1.05);
        sweep(levels[i].name, "log", f->log, log, 1.05);
        sweep(levels[i].name, "tanh", f->tanh, tanh, 2.6);
        sweep(levels[i].name, "sigmoid", f->sigmoid, sigmoid, 2.6);
        sweep(levels[i].name, "erf", f->erf, erf, 2.6);
        sweep(levels[i].name, "sqrt", f->sqrt, sqrt, 0.5);
    }
}

/* The source ends where the allocation ends: AddressSanitizer sees a read beyond. */
static void parts_touch_nothing_else(void **state) {
    (void)state;
    for (int i = 0; i < LEVELS; i++) {
        if (!here(levels[i].name)) continue;
        const simd_functions *f = levels[i].functions;
        for (int n = 0; n <= f->lanes; n++) {
            float *x = malloc(n ? (size_t)n * sizeof *x : 1), all[MOST_LANES], y[2 * MOST_LANES];
            for (int k = 0; k < n; k++) x[k] = (float)(k + 1);
            for (int k = 0; k < 2 * MOST_LANES; k++) y[k] = -5;
            f->copy_part(y, all, x, n);
            for (int k = 0; k < 2 * MOST_LANES; k++)
                assert_true(y[k] == (k < n ? (float)(k + 1) : -5));
            for (int k = 0; k < f->lanes; k++) assert_true(all[k] == (k < n ? (float)(k + 1) : 0));
            free(x);
        }
    }
}

static void arithmetic_follows_the_rules(void **state) {
    (void)state;
    for (int i = 0; i < LEVELS; i++) {
        if (!here(levels[i].name)) continue;
        const simd_functions *f = levels[i].functions;
        int n = f->lanes;
        float a[MOST_LANES], b[MOST_LANES], c[MOST_LANES], y[8 * MOST_LANES];
        for (int k = 0; k < n; k++)
            a[k] = (float)k - 6.5f, b[k] = (float)(k % 5) - 2, c[k] = (float)(k * k);
        a[1] = NAN, b[2] = NAN;
        f->arithmetic(y, a, b, c);
        for (int k = 0; k < n; k++) {
            bool number = k != 1 && k != 2;
            double expected[8] = {a[k] + b[k],
                                  a[k] * b[k] + c[k],
                                  c[k] - a[k] * b[k],
                                  number && a[k] < b[k] ? a[k] : b[k],
                                  number && a[k] > b[k] ? a[k] : b[k],
                                  number && a[k] < b[k] ? a[k] : b[k],
                                  fabsf(a[k]),
                                  rintf(a[k])};
            for (int r = 0; r < 8; r++) check_close(y[r * n + k], expected[r], 0, 0);
        }
        check_close(f->sum(c), n == 8 ? 140 : 1240, 0, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_exact_to_ulps),
        cmocka_unit_test(parts_touch_nothing_else),
        cmocka_unit_test(arithmetic_follows_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
