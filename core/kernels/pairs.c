/* The kernels of pairs of one instruction set level; see pairs.h. Knows plain memory only. */
#include "simd.h"

#include "pairs.h"

enum { GROUP = 8 }; /* right rows whose sums are held in registers at once */

/* out[k] = x . t[k] */
V_INLINE void dots(const float *x, float *const *t, const int n, int64_t stride, float *out) {
    vf sums[GROUP];
    for (int k = 0; k < n; k++) sums[k] = v_zero();
    for (int64_t i = 0; i < stride; i += VL) {
        const vf a = v_load(x + i);
        for (int k = 0; k < n; k++) sums[k] = v_fma(a, v_load(t[k] + i), sums[k]);
    }
    for (int k = 0; k < n; k++) out[k] = v_sum(sums[k]);
}

/* t[k] += g[k] old, x += sum of g[k] t[k]; old may be x. */
V_INLINE void move(float *x, const float *old, float *const *t, const int n, int64_t stride,
                   const float *g) {
    vf factor[GROUP];
    for (int k = 0; k < n; k++) factor[k] = v_set1(g[k]);
    for (int64_t i = 0; i < stride; i += VL) {
        const vf a = v_load(old + i);
        vf sum = v_load(x + i);
        for (int k = 0; k < n; k++) {
            const vf b = v_load(t[k] + i);
            sum = v_fma(factor[k], b, sum);
            v_store(t[k] + i, v_fma(factor[k], a, b));
        }
        v_store(x + i, sum);
    }
}

/* A loop of its own for each number of right rows. */
#define EACH_COUNT(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#define CASE(N)                                                                                    \
    static void dots_##N(const float *x, float *const *t, int64_t stride, float *out) {            \
        dots(x, t, N, stride, out);                                                                \
    }                                                                                              \
    static void move_##N(float *x, const float *old, float *const *t, int64_t stride,              \
                         const float *g) {                                                         \
        move(x, old, t, N, stride, g);                                                             \
    }
EACH_COUNT(CASE)
#undef CASE

#define CASE(N) dots_##N,
static void (*const dots_of[GROUP])(const float *, float *const *, int64_t,
                                    float *) = {EACH_COUNT(CASE)};
#undef CASE
#define CASE(N) move_##N,
static void (*const move_of[GROUP])(float *, const float *, float *const *, int64_t,
                                    const float *) = {EACH_COUNT(CASE)};
#undef CASE

/* The rows of an item; returns how many there are. */
V_INLINE int rows_of(const tern__pair_steps *s, const int32_t *item, float **t) {
    int n = 0;
    for (int k = 1; k <= s->targets; k++)
        if (item[k] >= 0) t[n++] = s->right + item[k] * s->stride;
    return n;
}

/* -log of the probability of each label, added up; products[0] is the one of label 1. */
static double loss_of(const float *products, int n) {
    double sum = 0;
    for (int k = 0; k < n; k++) {
        const double x = k ? products[k] : -products[k];
        sum += x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    }
    return sum;
}

static double steps(const tern__pair_steps *s) {
    float products[TERN__PAIRS_TARGETS + VL], g[TERN__PAIRS_TARGETS + VL];
    float old[TERN__PAIRS_WIDTH], *t[TERN__PAIRS_TARGETS];
    double loss = 0;
    for (int k = 0; k < TERN__PAIRS_TARGETS + VL; k++) products[k] = 0;
    for (int64_t i = 0; i < s->count; i++) {
        const int32_t *item = s->items + i * (1 + s->targets);
        float *x = s->left + item[0] * s->stride;
        const int n = rows_of(s, item, t);
        for (int k = 0; k < n; k += GROUP)
            dots_of[(n - k < GROUP ? n - k : GROUP) - 1](x, t + k, s->stride, products + k);
        for (int k = 0; k < n; k += VL) v_store(g + k, -s->rate * v_sigmoid(v_load(products + k)));
        g[0] += s->rate;
        const float *from = x;
        if (n > GROUP) {
            memcpy(old, x, (size_t)s->stride * sizeof *old);
            from = old;
        }
        for (int k = 0; k < n; k += GROUP)
            move_of[(n - k < GROUP ? n - k : GROUP) - 1](x, from, t + k, s->stride, g + k);
        if (i % TERN__PAIRS_LOSS_EVERY == 0) loss += loss_of(products, n);
    }
    return loss;
}

const tern__pairs_kernels V_NAME(tern__pairs_kernels) = {.steps = steps};
