/* Steps of logistic regression on pairs of rows of two tables: what learning word vectors by
 * negative sampling spends its time on. One thread works on rows that are its own; who owns which
 * is the caller's business. */
#ifndef TERN_KERNELS_PAIRS_H
#define TERN_KERNELS_PAIRS_H

#include "core/base/base.h"

enum { TERN__PAIRS_STRIDE = 16 /* rows are a multiple of so many floats apart */ };
enum { TERN__PAIRS_TARGETS = 32, TERN__PAIRS_WIDTH = 2048 };

/* Item i is [left row, right row that goes with it, right rows that do not]; a right row below 0 is
 * none, the rows of one item are different ones. For each item in order, with x the left row and t
 * each of its right rows (label 1 for the first, 0 for the others), all products being taken before
 * the item's first change:
 *     g = rate (label - 1 / (1 + e^-(x t)));  t += g x;  x += sum of g t(old)
 * Floats between a row's numbers and the next row are 0 and stay so. Returns the sum of
 * log(1 + e^-(x t)) and log(1 + e^(x t)) over the right rows of every 16th item, from the first. */
typedef struct tern__pair_steps {
    float *left, *right;  /* tables, aligned to 64 bytes */
    int64_t stride;       /* floats of a row, a multiple of TERN__PAIRS_STRIDE, at most _WIDTH */
    const int32_t *items; /* [count][1 + targets] */
    int64_t count;
    int targets; /* 1..TERN__PAIRS_TARGETS */
    float rate;
} tern__pair_steps;
enum { TERN__PAIRS_LOSS_EVERY = 16 };

typedef struct tern__pairs_kernels {
    double (*steps)(const tern__pair_steps *s);
} tern__pairs_kernels;

#endif
