/* Steps of logistic regression on pairs of rows of two tables: what learning word vectors by
 * negative sampling spends its time on. One thread works on rows that are its own; who owns which
 * is the caller's business. */
#ifndef TERN_KERNELS_PAIRS_H
#define TERN_KERNELS_PAIRS_H

#include <stdint.h>

#include "../pairs.h"

typedef struct tern__pairs_kernels {
    /* See core/pairs.h. */
    double (*steps)(const tern__pair_steps *s);
} tern__pairs_kernels;

#endif
