/* What the losses of pictures share (loss_focal.c, loss_tversky.c, loss_lovasz.c): logits x [N, C,
 * spatial...]; a target that is either float of x's shape, each class on its own (sigmoid), or
 * class numbers, int64 [N, spatial...] (softmax); optional weights of the places, float [N, 1,
 * spatial...]. Places of weight 0 and those whose number is ignore_index count nowhere. Work is cut
 * into items of neighbouring places; sums of items are added in order. */
#ifndef TERN_OPS_LOSS_PLACES_H
#define TERN_OPS_LOSS_PLACES_H

#include "ops.h"

enum { TERN__PLACES_X, TERN__PLACES_TARGET, TERN__PLACES_WEIGHTS };
#define TERN__PLACES_NEEDS                                                                         \
    (TERN__NEEDS_INPUT(TERN__PLACES_X) | TERN__NEEDS_INPUT(TERN__PLACES_TARGET) |                  \
     TERN__NEEDS_INPUT(TERN__PLACES_WEIGHTS))

/* What the rows of these operators have alike; the file has attributes, prepare, forward, backward.
 */
#define TERN__PLACES_ROW                                                                           \
    .domain = "tern", .min_inputs = 2, .max_inputs = 3, .min_outputs = 1, .max_outputs = 1,        \
    .attributes = attributes, .layouts = TERN__ONLY_PLAIN, .needs = TERN__PLACES_NEEDS,            \
    .prepare = prepare, .forward = forward, .backward = backward

typedef struct tern__places {
    const tern__step *step;
    const tern__vector_kernels *kernels;
    int64_t batch, classes, size; /* x is [batch, classes, size] */
    int64_t block, blocks, items; /* places of an item, items of a batch entry, of all */
    const float *x, *target, *weights;
    const int64_t *numbers; /* NULL: target */
    int64_t ignore;
} tern__places;

/* Types and shapes; the output is a scalar. */
tern_status tern__places_infer(tern__infer *in);
tern__places tern__places_make(const tern__step *step, int64_t ignore);
/* Fails where a class number is none. */
tern_status tern__places_check(const tern__places *p);

/* Work of an item, as tern__parallel counts it. */
static inline int64_t tern__places_work(const tern__places *p) {
    return TERN__WORK_EXPONENTIAL * p->block * p->classes;
}

/* Some places of one batch entry. */
typedef struct tern__places_item {
    const tern__places *p;
    int64_t entry, first, count;
} tern__places_item;
tern__places_item tern__places_item_at(const tern__places *p, int64_t number);

/* Where class c of the item begins in x, in the target, in dx. */
static inline int64_t tern__places_class(const tern__places_item *i, int64_t c) {
    return (i->entry * i->p->classes + c) * i->p->size + i->first;
}
/* Weights [count] of the item: ones where none are given, 0 where ignored. */
void tern__places_weights(const tern__places_item *i, float *weights);
/* Target of class c [count]: the target itself, or 0 and 1 in `buffer`. */
const float *tern__places_target(const tern__places_item *i, int64_t c, float *buffer);
/* Probabilities [classes][count], or their logarithms (softmax only). */
void tern__places_probabilities(const tern__places_item *i, bool logarithm, float *p);
/* From g = dL/dp [classes][count] to dx: dx (+)= dL/dx. dots: [count]. */
void tern__places_gradient(const tern__places_item *i, const float *p, const float *g, float *dots,
                           float *dx, bool add);

static inline size_t tern__padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

#endif
