/* Optimisers: from gradients to new weights, with clipping, row norms and moving averages. Knows
 * arrays, not the graph nor how gradients come about. */
#ifndef TERN_CORE_OPTIMIZER_H
#define TERN_CORE_OPTIMIZER_H

#include "op.h"
#include "kernels/optimizer.h"
#include <tern/train.h>

/* One trainable weight and what belongs to it. The first part is the caller's to fill. */
typedef struct tern__weight {
    const char *name;
    float *data;
    int64_t rows, row; /* a row is what shares an index of the first axis; rows * row elements */
    bool decays;       /* weight decay applies */
    bool capped;       /* max_norm applies */
    const tern__tensor *gradient; /* rows != NULL: sparse */

    float *moments[2]; /* NULL where the optimiser has none; see optimizer_kernels */
    float *average;    /* NULL without ema */
    /* Sparse only: rows that have had a gradient. The moments of the others are zero, so that
     * without decay a step leaves them as they are. */
    uint8_t *alive;
} tern__weight;

/* Running statistics are averaged along with the weights. */
typedef struct tern__buffer {
    const char *name;
    float *data, *average;
    int64_t count;
} tern__buffer;

typedef struct tern__block { /* elements [begin, end) of a weight; of a sparse one: whole rows */
    int weight;
    int64_t begin, end;
} tern__block;

typedef struct tern__optimizer {
    tern_context *context;
    tern_optimizer_options options; /* complete: every default is filled in */
    tern__weight *weights;
    tern__buffer *buffers;
    size_t n_weights, n_buffers;
    double learning_rate, momentum; /* in use now; momentum is beta1 for Adam */
    int64_t steps;                  /* updates done */
    double norm;                    /* of the last step's gradients, after clip_value */
    tern__block *blocks;
    double *partials; /* a sum of squares per block */
    size_t n_blocks;
    int64_t elements;
} tern__optimizer;

/* Fills in every default; refuses what is out of range. */
tern_status tern__optimizer_resolve(tern_context *c, tern_optimizer_options *options);
/* Copies the weights' and buffers' descriptions, makes moments (zero) and averages (as the weights
 * are now). options: resolved. *optimizer is NULL on failure. */
tern_status tern__optimizer_create(tern__optimizer **optimizer, tern_context *c,
                                   const tern_optimizer_options *options,
                                   const tern__weight *weights, size_t n_weights,
                                   const tern__buffer *buffers, size_t n_buffers);
void tern__optimizer_free(tern__optimizer *o);
/* One step. false: a gradient is not finite (or its square too large), and nothing was changed. */
bool tern__optimizer_step(tern__optimizer *o);
/* After moments were read from a file. */
void tern__optimizer_restored(tern__optimizer *o);
size_t tern__optimizer_memory(const tern__optimizer *o); /* bytes of moments and averages */

#endif
