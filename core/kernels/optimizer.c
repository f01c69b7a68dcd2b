/* Optimiser steps. The loops are plain C that compilers vectorise at -O3; sqrt and division are
 * exact in IEEE arithmetic, so that every level gives the same weights from the same gradients. */
#include "optimizer.h"
#include "simd.h"

/* Long enough to hide the loop's ends, short enough for the first-level cache. */
enum { ZEROS = 1024 };
static const float zeros[ZEROS];

static inline float gradient(const tern__update *u, float w, float g) {
    g = g < -u->clip ? -u->clip : g;
    g = g > u->clip ? u->clip : g;
    return g * u->scale + u->decay * w;
}

/* Runs the body over the array, or, without a gradient, piece by piece over zeros. */
#define OVER_ZEROS(kernel)                                                                         \
    if (!g) {                                                                                      \
        for (int64_t at = 0; at < n; at += ZEROS) {                                                \
            int64_t m = n - at < ZEROS ? n - at : ZEROS;                                           \
            kernel(u, w + at, zeros, a ? a + at : NULL, b ? b + at : NULL, m);                     \
        }                                                                                          \
        return;                                                                                    \
    }

static void sgd(const tern__update *u, float *restrict w, const float *restrict g,
                float *restrict a, float *restrict b, int64_t n) {
    OVER_ZEROS(sgd)
    const tern__update c = *u;
    for (int64_t i = 0; i < n; i++) w[i] -= c.rate * gradient(&c, w[i], g[i]);
}

static void momentum(const tern__update *u, float *restrict w, const float *restrict g,
                     float *restrict a, float *restrict b, int64_t n) {
    OVER_ZEROS(momentum)
    const tern__update c = *u;
    if (c.nesterov) {
        for (int64_t i = 0; i < n; i++) {
            float d = gradient(&c, w[i], g[i]);
            a[i] = c.momentum * a[i] + c.fresh * d;
            w[i] -= c.rate * (d + c.momentum * a[i]);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            a[i] = c.momentum * a[i] + c.fresh * gradient(&c, w[i], g[i]);
            w[i] -= c.rate * a[i];
        }
    }
}

static void adam(const tern__update *u, float *restrict w, const float *restrict g,
                 float *restrict a, float *restrict b, int64_t n) {
    OVER_ZEROS(adam)
    const tern__update c = *u;
    for (int64_t i = 0; i < n; i++) {
        float d = gradient(&c, w[i], g[i]);
        a[i] = c.momentum * a[i] + c.fresh * d;
        b[i] = c.smoothing * b[i] + c.fresh_square * (d * d);
        w[i] = c.shrink * w[i] - c.rate * (a[i] / (sqrtf(b[i]) * c.root_scale + c.epsilon));
    }
}

static void rmsprop(const tern__update *u, float *restrict w, const float *restrict g,
                    float *restrict a, float *restrict b, int64_t n) {
    OVER_ZEROS(rmsprop)
    const tern__update c = *u;
    if (a) {
        for (int64_t i = 0; i < n; i++) {
            float d = gradient(&c, w[i], g[i]);
            b[i] = c.smoothing * b[i] + c.fresh_square * (d * d);
            a[i] = c.momentum * a[i] + d / (sqrtf(b[i]) + c.epsilon);
            w[i] -= c.rate * a[i];
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            float d = gradient(&c, w[i], g[i]);
            b[i] = c.smoothing * b[i] + c.fresh_square * (d * d);
            w[i] -= c.rate * (d / (sqrtf(b[i]) + c.epsilon));
        }
    }
}

static void adadelta(const tern__update *u, float *restrict w, const float *restrict g,
                     float *restrict a, float *restrict b, int64_t n) {
    OVER_ZEROS(adadelta)
    const tern__update c = *u;
    for (int64_t i = 0; i < n; i++) {
        float d = gradient(&c, w[i], g[i]);
        b[i] = c.smoothing * b[i] + c.fresh_square * (d * d);
        float step = sqrtf(a[i] + c.epsilon) / sqrtf(b[i] + c.epsilon) * d;
        a[i] = c.smoothing * a[i] + c.fresh_square * (step * step);
        w[i] -= c.rate * step;
    }
}

static void idle(const tern__idle *u, float *restrict w, float *restrict a, float *restrict b,
                 int64_t n) {
    const tern__idle c = *u;
    if (c.root)
        for (int64_t i = 0; i < n; i++)
            w[i] = c.shrink * w[i] - c.move * (a[i] / (sqrtf(b[i]) + c.epsilon));
    else if (a && c.move != 0)
        for (int64_t i = 0; i < n; i++) w[i] -= c.move * a[i];
    for (int64_t i = 0; a && i < n; i++) a[i] *= c.a;
    for (int64_t i = 0; b && i < n; i++) b[i] *= c.b;
}

static double squares(const float *g, float clip, int64_t n) {
    vf sums[4] = {v_zero(), v_zero(), v_zero(), v_zero()}, high = v_set1(clip), low = v_neg(high);
    int64_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL)
        for (int k = 0; k < 4; k++) {
            vf x = v_min(high, v_max(low, v_load(g + i + k * VL)));
            sums[k] = v_fma(x, x, sums[k]);
        }
    for (; i < n; i += VL) {
        vf x = v_load_part(g + i, n - i < VL ? (int)(n - i) : VL);
        x = v_min(high, v_max(low, x));
        sums[0] = v_fma(x, x, sums[0]);
    }
    return (double)v_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

static void average(float *restrict a, const float *restrict w, float fresh, int64_t n) {
    for (int64_t i = 0; i < n; i++) a[i] += fresh * (w[i] - a[i]);
}

static void scale(float *w, float factor, int64_t n) {
    for (int64_t i = 0; i < n; i++) w[i] *= factor;
}

const tern__optimizer_kernels V_NAME(tern__optimizer_kernels) = {
    sgd, momentum, adam, rmsprop, adadelta, idle, squares, average, scale,
};
