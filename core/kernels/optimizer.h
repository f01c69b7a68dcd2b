/* Optimiser steps over flat arrays: one pass over weight, gradient and moments. Elementwise, so
 * that how arrays are cut into blocks does not change bits. */
#ifndef TERN_KERNELS_OPTIMIZER_H
#define TERN_KERNELS_OPTIMIZER_H

#include <stdint.h>

/* The scalars of one step of one weight. Every kernel takes d = clamp(g, -clip, clip) * scale +
 * decay * w for the gradient. */
typedef struct tern__update {
    float clip;            /* INFINITY: none */
    float scale;           /* 1: none */
    float decay;           /* weight decay through the gradient */
    float shrink;          /* decoupled decay: the weight is first multiplied by this */
    float rate;            /* Adam: divided by the bias correction of the first moment */
    float momentum, fresh; /* SGD, RMSprop: b = momentum b + fresh d. Adam: of the first moment */
    float smoothing, fresh_square; /* second moment: v = smoothing v + fresh_square d^2 */
    float root_scale;              /* Adam: 1 / sqrt of the bias correction of the second moment */
    float epsilon;
    int nesterov;
} tern__update;

/* What n steps with a gradient of zeros do to a row at once: w = shrink w - move a / (sqrt(b) +
 * epsilon) (root) or w - move a, then the moments times a and b. */
typedef struct tern__idle {
    float a, b, shrink, move, epsilon;
    float fresh; /* of the average: a += fresh (w - a) */
    int root;
} tern__idle;

/* a, b: the moments; NULL where the optimiser has none. g == NULL: a gradient of zeros. */
typedef void (*tern__update_kernel)(const tern__update *u, float *w, const float *g, float *a,
                                    float *b, int64_t n);

typedef struct tern__optimizer_kernels {
    tern__update_kernel sgd;      /* w -= rate d */
    tern__update_kernel momentum; /* a: velocity */
    tern__update_kernel adam;     /* a, b: first and second moment; AdamW through shrink */
    tern__update_kernel rmsprop;  /* b: mean square; a: velocity, NULL without momentum */
    tern__update_kernel adadelta; /* a: mean square of steps; b: of gradients */
    void (*idle)(const tern__idle *u, float *w, float *a, float *b, int64_t n);
    /* Sum of clamp(g)^2, in a fixed order. Not finite if an element is not, or if its square is too
     * large for a float. */
    double (*squares)(const float *g, float clip, int64_t n);
    /* a += fresh (w - a) */
    void (*average)(float *a, const float *w, float fresh, int64_t n);
    void (*scale)(float *w, float factor, int64_t n);
} tern__optimizer_kernels;

extern const struct tern__optimizer_kernels tern__optimizer_kernels_generic,
    tern__optimizer_kernels_avx2, tern__optimizer_kernels_avx512;

#endif
