/* The plan: a graph made ready to run for given input shapes. Chooses layouts, fuses, orders
 * forward and backward steps, and places every intermediate value in one arena. After creation,
 * running allocates nothing. Knows operators only through op.h. */
#ifndef TERN_CORE_PLAN_H
#define TERN_CORE_PLAN_H

#include "core/graph/graph.h"

typedef struct tern__plan tern__plan;

typedef struct tern__plan_options {
    /* false: inference (BatchNormalization folded, Dropout dropped, weights packed once; the
     * graph's weights must not change afterwards). true: training; weights are read from the
     * graph's values at every run, and running statistics are written to them. */
    bool training;
    /* Training only. seeded[i]: the caller will give the gradient of graph output i before backward
     * (tern__plan_output_gradient). */
    const bool *seeded;
    /* Training only. One entry per graph value: where the gradient of that weight goes (written,
     * not added to), or NULL where none is wanted. Dense: the weight's shape, PLAIN. An embedding
     * table that only Gather with axis 0 reads may get a sparse one (tern__tensor.rows). The caller
     * owns them. */
    tern__tensor *const *weight_gradients;
    bool input_gradients; /* also d/d(graph inputs), for tests and for looking inside */
    bool unfused;         /* no rewriting: for tests that compare with the fused plan */
    size_t limit;         /* bytes of working memory beyond which the plan is refused; 0: any */
    bool poison;          /* fill all working memory with NaN first: for tests */
} tern__plan_options;

/* Plans g for these input shapes (all dims known, one per graph input). The plan points into g,
 * which must outlive it. Errors: TERN_ERR_SHAPE with the operator's own sentence. */
tern_status tern__plan_create(tern__plan **plan, tern_graph *g, const tern__shape *inputs,
                              const tern__plan_options *options);
void tern__plan_free(tern__plan *plan);

/* Runs forward. inputs[i].data is read in place during the call and, in training, until backward is
 * done. draw numbers the training step for random operators. */
tern_status tern__plan_forward(tern__plan *plan, const tern_tensor *inputs, uint64_t seed,
                               uint64_t draw);
/* Training: backward through what forward just ran. */
void tern__plan_backward(tern__plan *plan);

/* All PLAIN. Outputs and input gradients are valid until the next run. */
const tern__tensor *tern__plan_output(const tern__plan *plan, int output);
float *tern__plan_output_gradient(tern__plan *plan, int output);
const tern__tensor *tern__plan_input_gradient(const tern__plan *plan, int input);

size_t tern__plan_memory(const tern__plan *plan); /* bytes: arena, states, packed weights */
double tern__plan_flops(const tern__plan *plan);  /* of forward */
/* The forward steps in order, for reports and tests. */
const tern__step *tern__plan_steps(const tern__plan *plan, int *count);

#endif
