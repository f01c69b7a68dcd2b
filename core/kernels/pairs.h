/* Steps of logistic regression on pairs of rows of two tables, and products of rows: what learning
 * word vectors by negative sampling spends its time on. One thread works on rows that are its own;
 * who owns which is the caller's business. */
#ifndef TERN_KERNELS_PAIRS_H
#define TERN_KERNELS_PAIRS_H

#include <stdint.h>

#include "../pairs.h"

typedef struct tern__pairs_kernels {
    /* See core/pairs.h. */
    double (*steps)(const tern__pair_steps *s);
    /* y[i] = sum over k of x[k] rows[i][k], i < count, k < n; rows lie `stride` floats apart. */
    void (*products)(const float *x, const float *rows, int64_t stride, int64_t count, int64_t n,
                     float *y);
} tern__pairs_kernels;

#endif
