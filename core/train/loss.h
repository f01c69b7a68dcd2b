/* The loss as part of a graph, and how often a network is right. Knows the loss operators by
 * name. */
#ifndef TERN_CORE_LOSS_H
#define TERN_CORE_LOSS_H

#include "core/graph/graph.h"
#include <tern/train.h>

/* How large a graph was before a loss was added. */
typedef struct tern__graph_size {
    size_t values, nodes, inputs, outputs;
} tern__graph_size;

/* TERN_ERR_ARGUMENT for options that are out of range or do not fit the kind. */
tern_status tern__loss_check(tern_context *c, const tern_loss_options *options);
/* Adds a target input (last of the inputs) of this type and the loss of output 0 (last of the
 * outputs, a scalar). smoothing: whether label_smoothing and auxiliary count. */
tern_status tern__loss_append(tern_graph *g, const tern_loss_options *options, tern_type target,
                              bool smoothing, tern__graph_size *before);
/* Takes away what was added since. */
void tern__graph_truncate(tern_graph *g, const tern__graph_size *size);

/* Adds to *counted the places that count (a class, a weight), and to *correct those where the
 * network is right: softmax by the greatest logit, sigmoids by sign. Losses of numbers: nothing. */
void tern__loss_count(const tern_loss_options *options, const tern__tensor *output,
                      const tern_tensor *target, int64_t *correct, int64_t *counted);
/* The first greatest of n numbers that lie `stride` apart. */
int64_t tern__greatest(const float *x, int64_t n, int64_t stride);

#endif
