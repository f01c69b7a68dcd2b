/* Products of rows with packed weights: the kernels under convolutions, dense layers, matrix
 * products and all their gradients. One call computes a block; cutting problems into blocks,
 * packing and threads are core/math/convolution.c's business.
 *
 * Bits: one output element is one chain of multiply-adds in the order (tap, channel), whatever
 * tile, block, thread or batch it falls in. */
#ifndef TERN_KERNELS_GEMM_H
#define TERN_KERNELS_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* Largest tile of any level: for pointer tables on the stack. */
enum { TERN__GEMM_MAX_MR = 12, TERN__GEMM_MAX_NR = 32 };

typedef enum tern__gemm_activation {
    TERN__GEMM_NONE,
    TERN__GEMM_RELU,
    TERN__GEMM_LEAKY_RELU,
    TERN__GEMM_SIGMOID,
    TERN__GEMM_TANH
} tern__gemm_activation;

/* y[m][n] = activation(start[m][n] + bias[n] + sum over t, c of x(m, t)[c] * w[t][c][n]) */
typedef struct tern__gemm_block {
    int64_t rows, columns, taps, depth;
    const float *const *x;     /* [ceil(rows / mr)][taps][mr] pointers to depth floats each; unused
                                  entries of the last tile are never followed */
    const float *w;            /* panels [ceil(columns / nr)][taps][depth][nr], padded with zeros */
    const float *const *start; /* [rows] pointers to columns floats; NULL: 0. May be y */
    const float *bias;         /* [columns]; NULL: 0 */
    float *const *y;           /* [rows] pointers to columns floats */
    tern__gemm_activation activation;
    float alpha; /* of LEAKY_RELU */
} tern__gemm_block;

/* The weight gradient: dw[t][c][n] = or += sum over m of x(m, t)[c] * dy[m][n], for strips [first,
 * last): strip s is tap s / per, channels from s % per * TERN__GEMM_STRIP on, per = ceil(depth /
 * TERN__GEMM_STRIP). */
enum { TERN__GEMM_STRIP = 24, TERN__GEMM_OUTER_ROWS = 192 /* most rows of one call */ };
typedef struct tern__gemm_outer {
    int64_t rows, columns, taps, depth, first, last;
    const float *const *x; /* [taps][rows] pointers to depth floats each */
    const float *dy;       /* panels [ceil(columns / nr)][rows][nr], padded with zeros */
    float *dw;             /* panels [ceil(columns / nr)][taps][depth][nr] */
    bool add;
} tern__gemm_outer;

/* Depthwise: y[m][c] = activation(start + bias[c] + sum over t of x(m, t)[c] * w[t][c]), and the
 * weight gradient dw[t][c] += sum over m of x(m, t)[c] * dy[m][c]. x is [taps][rows] pointers. */
typedef struct tern__gemm_depthwise {
    int64_t rows, taps, channels;
    const float *const *x;
    const float *w; /* [taps][w_pitch] */
    int64_t w_pitch;
    const float *const *start;
    const float *bias;
    float *const *y;
    tern__gemm_activation activation;
    float alpha;
    const float *const *dy; /* [rows] */
    float *dw;              /* [taps][w_pitch] */
} tern__gemm_depthwise;

typedef struct tern__gemm_kernels {
    int mr, nr; /* rows and columns of the tile */
    void (*block)(const tern__gemm_block *b);
    void (*outer)(const tern__gemm_outer *b);
    void (*depthwise)(const tern__gemm_depthwise *b);
    void (*depthwise_outer)(const tern__gemm_depthwise *b);
    /* sum[n] += the rows of dy [count, columns] in ascending order, in double */
    void (*column_sums)(double *sum, const float *dy, int64_t count, int64_t columns);
} tern__gemm_kernels;

#endif
