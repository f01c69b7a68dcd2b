/* Kernels that walk vectors and rows: elementwise functions, reductions, normalisation, softmax,
 * pooling, dropout. Each works on one stretch of memory by one thread; cutting the work and
 * combining partial results is the caller's (core/math/reduce.h, core/ops). Arrays may lie at any
 * float's address and have any length; an output may be the same array as an input where elements
 * correspond. `add`: add to the destination instead of writing it. NaN goes through everything. */
#ifndef TERN_KERNELS_VECTOR_H
#define TERN_KERNELS_VECTOR_H

#include "core/base/base.h"
#include "activation.h"
#include "kernels.h"

typedef enum tern__unary {
    TERN__UNARY_RELU,
    TERN__UNARY_LEAKY_RELU, /* a: slope below 0 */
    TERN__UNARY_ELU,        /* a: limit is -a */
    TERN__UNARY_SIGMOID,
    TERN__UNARY_TANH,
    TERN__UNARY_SOFTPLUS,
    TERN__UNARY_HARD_SWISH,
    TERN__UNARY_GELU,      /* x/2 (1 + erf(x / sqrt 2)) */
    TERN__UNARY_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    TERN__UNARY_ERF,
    TERN__UNARY_NEG,
    TERN__UNARY_EXP, /* no gradient */
    TERN__UNARY_LOG  /* no gradient */
} tern__unary;

typedef enum tern__binary {
    TERN__ADD,
    TERN__SUB,
    TERN__MUL,
    TERN__DIV,
    TERN__PRELU /* a, below 0 a b */
} tern__binary;

/* What the gradients of the binary operators are made of; g is dy. */
typedef enum tern__product {
    TERN__G,                 /* g */
    TERN__MINUS_G,           /* -g */
    TERN__G_TIMES_A,         /* g a */
    TERN__G_OVER_B,          /* g / b */
    TERN__MINUS_G_A_OVER_BB, /* -g a / b^2 */
    TERN__G_SLOPED,          /* g where a > 0, else g b */
    TERN__G_TIMES_NEGATIVE_A /* 0 where a > 0, else g a */
} tern__product;

/* Elementwise losses of prediction x and target t, and their derivatives by x. */
typedef enum tern__pointwise_loss {
    TERN__LOSS_SQUARED,  /* (x - t)^2 */
    TERN__LOSS_ABSOLUTE, /* |x - t|, derivative 0 at 0 */
    TERN__LOSS_HUBER,    /* d^2 / 2 where |d| <= p, else p (|d| - p / 2) */
    TERN__LOSS_BCE       /* (1 - t) x + (1 + (p - 1) t) log(1 + e^-x); p: weight of the positives */
} tern__pointwise_loss;

/* Constants of a per-channel normalisation y = activation(x scale + shift). */
typedef struct tern__channels {
    const float *scale, *shift, *mean; /* [columns] */
    tern__activation activation;
    float alpha;
} tern__channels;

/* One run of pooling windows along the innermost spatial axis, channels-last: output p of `count`
 * reads the rows taps[t] + p * step (in floats) of `columns` channels. */
typedef struct tern__pool_run {
    const float *const *taps;
    const int32_t *numbers; /* of the taps: their place in the window */
    int n_taps;
    int64_t step, count, columns;
} tern__pool_run;

typedef struct tern__vector_kernels {
    /* y = f(x) */
    void (*unary)(tern__unary f, float a, const float *x, float *y, int64_t n);
    /* dx (+)= dy f', from x for HARD_SWISH, GELU and ERF, from the output y for the others. */
    void (*unary_gradient)(tern__unary f, float a, const float *from, const float *dy, float *dx,
                           int64_t n, bool add);
    /* y = max(floor, a op b); a step of 0 repeats one number. */
    void (*binary)(tern__binary op, const float *a, int a_step, const float *b, int b_step,
                   float floor, float *y, int64_t n);
    void (*product)(tern__product kind, const float *g, const float *a, int a_step, const float *b,
                    int b_step, float *y, int64_t n, bool add);
    /* y (+)= factor x */
    void (*scale)(const float *x, float factor, float *y, int64_t n, bool add);

    /* Sum of n numbers: eight running vectors, then a fixed tree. */
    float (*row_sum)(const float *x, int64_t n);
    /* Largest number (NaN if there is one) and the index of its first occurrence. */
    float (*row_max)(const float *x, int64_t n, int64_t *index);
    /* y[c] = sum of x[r stride + c] over r */
    void (*column_sum)(const float *x, int64_t stride, int64_t rows, int64_t columns, float *y);
    /* y[c] = max, rows_at[c] = first + number of the row that holds it first */
    void (*column_max)(const float *x, int64_t stride, int64_t rows, int64_t columns, int32_t first,
                       float *y, int32_t *rows_at);

    /* Per channel: sums of x - shift and of its square over rows. */
    void (*channel_sums)(const float *x, int64_t rows, int64_t columns, const float *shift,
                         float *sum, float *square);
    /* y = activation(x scale + shift) */
    void (*channel_apply)(const float *x, int64_t rows, int64_t columns, const tern__channels *c,
                          float *y);
    /* Per channel: sums of g and of g (x - mean), where g = dy activation'(...). */
    void (*channel_gradient_sums)(const float *x, const float *dy, int64_t rows, int64_t columns,
                                  const tern__channels *c, float *sum_g, float *sum_gx);
    /* dx (+)= scale g + slope (x - mean) + offset */
    void (*channel_gradient_apply)(const float *x, const float *dy, int64_t rows, int64_t columns,
                                   const tern__channels *c, const float *slope, const float *offset,
                                   float *dx, bool add);

    /* mean and 1 / sqrt(variance + epsilon) of a row. */
    void (*row_moments)(const float *x, int64_t n, float epsilon, float *mean, float *inverse);
    /* y = (x - mean) inverse scale + bias; bias may be NULL. */
    void (*row_normalise)(const float *x, int64_t n, float mean, float inverse, const float *scale,
                          const float *bias, float *y);
    /* dx (+)= gradient of the above; dscale and dbias, where wanted, are added to. */
    void (*row_normalise_gradient)(const float *x, const float *dy, int64_t n, float mean,
                                   float inverse, const float *scale, float *dx, bool add,
                                   float *dscale, float *dbias);

    /* Softmax (or its logarithm) of each row of `length` numbers. */
    void (*softmax_rows)(const float *x, int64_t rows, int64_t length, bool logarithm, float *y);
    void (*softmax_rows_gradient)(const float *y, const float *dy, int64_t rows, int64_t length,
                                  bool logarithm, float *dx, bool add);
    /* The same down each of `columns` columns of numbers that lie `stride` apart. */
    void (*softmax_columns)(const float *x, int64_t length, int64_t stride, int64_t columns,
                            bool logarithm, float *y);
    void (*softmax_columns_gradient)(const float *y, const float *dy, int64_t length,
                                     int64_t stride, int64_t columns, bool logarithm, float *dx,
                                     bool add);
    /* log sum e^x of each of `rows` rows. buffer: rows + rows * columns floats. */
    void (*log_sum_exp)(const float *x, int64_t rows, int64_t columns, float *buffer, float *y);

    /* Largest of the taps, and (numbers_at not NULL) the number of the first tap that holds it.
     * size: bytes of a number, 1, 2 or 4. */
    void (*max_pool)(const tern__pool_run *run, float *y, void *numbers_at, int size);
    /* y = factor sum of the taps */
    void (*sum_pool)(const tern__pool_run *run, float factor, float *y);
    /* dx[c] (+)= dy[c] where numbers_at[c] == number, else 0, for count rows: dx rows step apart,
     * dy rows dense. */
    void (*max_pool_gradient)(const float *dy, const void *numbers_at, int size, int32_t number,
                              int64_t count, int64_t columns, float *dx, int64_t step, bool add);

    /* Sum of losses of n elements. */
    float (*loss)(tern__pointwise_loss kind, float p, const float *x, const float *t, int64_t n);
    /* dx (+)= factor loss'(x) */
    void (*loss_gradient)(tern__pointwise_loss kind, float p, const float *x, const float *t,
                          float factor, float *dx, int64_t n, bool add);

    /* keep[i] = whether element first + i stays: Philox word first + i of (seed, stream) is >=
     * threshold. first is a multiple of 4. */
    void (*dropout_mask)(uint64_t seed, uint64_t stream, uint64_t first, uint32_t threshold,
                         uint8_t *keep, int64_t n);
    /* y (+)= keep ? factor x : 0 */
    void (*dropout_apply)(const float *x, const uint8_t *keep, float factor, float *y, int64_t n,
                          bool add);

    /* dst[j][i] (+)= src[i][j] for i < rows, j < columns; strides in floats. */
    void (*transpose)(const float *src, int64_t src_stride, int64_t rows, int64_t columns,
                      float *dst, int64_t dst_stride, bool add);
} tern__vector_kernels;

extern const tern__vector_kernels tern__vector_kernels_generic, tern__vector_kernels_avx2,
    tern__vector_kernels_avx512;

static inline const tern__vector_kernels *tern__vector(const tern_context *c) {
    return c->kernels->vector;
}

#endif
