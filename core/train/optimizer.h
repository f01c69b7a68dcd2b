/* Optimisers: from gradients to new weights, with clipping, row norms and moving averages. Knows
 * arrays, not the graph nor how gradients come about. */
#ifndef TERN_CORE_OPTIMIZER_H
#define TERN_CORE_OPTIMIZER_H

#include "core/graph/op.h"
#include "core/kernels/optimizer.h"
#include <tern/train.h>

/* One trainable weight and what belongs to it. The first part is the caller's to fill. */
typedef struct tern__weight {
    const char *name;
    float *data;
    int64_t rows, row; /* a row is what shares an index of the first axis; rows * row elements */
    bool decays;       /* weight decay applies */
    bool capped;       /* max_norm applies */
    const tern__tensor *gradient; /* rows != NULL: sparse */
    /* Rows of a sparse one may miss steps (optimizer_lazy.c) if this is set: the caller then calls
     * tern__optimizer_refresh before rows are read. Stays set where there is a closed form. */
    bool lazy;

    float *moments[2]; /* NULL where the optimiser has none; see optimizer_kernels */
    float *average;    /* NULL without ema */
    /* Sparse only: rows that have had a gradient. The moments of the others are zero, so that
     * without decay a step leaves them as they are. */
    uint8_t *alive;
    int64_t *done; /* lazy: the number of steps that each row has had */
    float *behind; /* [rows] steps missed, for checkpoints */
} tern__weight;

/* The scalars of a step that is done, as the kernels had them. */
typedef struct tern__past {
    float rate, momentum, root_scale, shrink, average;
} tern__past;
enum { TERN__LAZY_STEPS = 64 }; /* no row is further behind */

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
    bool any_lazy;
    tern__past past[TERN__LAZY_STEPS];     /* step s is at s % TERN__LAZY_STEPS */
    tern__idle idle[TERN__LAZY_STEPS + 1]; /* what missing so many steps comes to; of this moment */
    double learning_rate, momentum;        /* in use now; momentum is beta1 for Adam */
    int64_t steps;                         /* updates done */
    double norm;                           /* of the last step's gradients, after clip_value */
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
/* Before weights are saved: fills in `behind`. */
void tern__optimizer_saving(tern__optimizer *o);
/* Makes up for what these rows (negative: from the end; others than there are: ignored) of a lazy
 * weight have missed, so that forward sees them as they are. */
void tern__optimizer_refresh(tern__optimizer *o, size_t weight, const int64_t *rows, int64_t count);
/* Copies weight i as it is now, or its average; changes nothing. */
void tern__optimizer_copy(const tern__optimizer *o, size_t i, bool averaged, float *to);

/* optimizer_lazy.c, for optimizer.c: whether a weight with a sparse gradient can be lazy; the table
 * o->idle; one lazy weight's part of a step (after o->steps was counted); what the step was. */
bool tern__lazy_possible(const tern_optimizer_options *o, const tern__weight *w);
void tern__lazy_table(tern__optimizer *o);
void tern__lazy_step(tern__optimizer *o, tern__weight *w, const tern__update *u,
                     tern__update_kernel update, float average);
void tern__lazy_note(tern__optimizer *o, const tern__update *u, float average);

size_t tern__optimizer_memory(const tern__optimizer *o); /* bytes of moments and averages */

#endif
