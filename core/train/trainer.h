/* The trainer from the inside, for the training loop and for checkpoints. */
#ifndef TERN_CORE_TRAINER_H
#define TERN_CORE_TRAINER_H

#include "loss.h"
#include "optimizer.h"
#include "core/plan/plan_cache.h"

struct tern_trainer {
    tern_context *context;
    tern_graph *graph;        /* the network and its loss */
    tern__graph_size network; /* without the loss */
    tern_loss_options loss;   /* class_weights: a copy */
    float *class_weights;
    tern_type target;
    tern__optimizer *optimizer; /* its weights and buffers are the graph's, in order of values */
    int *weight_values, *buffer_values; /* value numbers of optimizer->weights and ->buffers */
    tern__tensor *gradients;            /* one per weight */
    tern__tensor **gradient_of;         /* one per value of the graph, or NULL */
    float *kept_buffers;                /* all buffers before the step, to undo it */
    bool *seeded;                       /* one per output of the graph: the loss */
    tern__plan_cache plans;
    tern__plan *last; /* the plan of the last step, NULL before the first */
    uint64_t seed;
    int64_t draws; /* steps tried, skipped ones as well: numbers dropout's masks */
};

/* A copy of the network without loss, with the weights as they are or with their averages. */
tern_status tern__trainer_network(tern_graph **graph, const tern_trainer *t, bool averaged);
bool tern__trainer_finite(const tern_trainer *t); /* are weights, averages and moments? */

#endif
