/* The plan while it is being built: what plan.c, fuse.c, layout.c, gradient.c and arena.c share.
 *
 * The passes run in this order: import (a copy of the graph with known shapes), fuse, layouts,
 * steps, gradients, lifetimes and storage, memory. Plan values 0..graph->n_values-1 are the graph's
 * own; passes add more. */
#ifndef TERN_CORE_PLAN_BUILD_H
#define TERN_CORE_PLAN_BUILD_H

#include "core/ops/inserted.h"
#include "plan.h"

typedef struct tern__plan_value {
    tern__tensor tensor;
    tern__value_kind kind; /* INPUT, COMPUTED, or one of the weights' (data known) */
    int alias; /* the value whose bytes these are, seen in another shape or layout; -1: own bytes */
    int other; /* this value in the other layout, once somebody asked for it; -1 */
    int gradient;           /* the value that holds d/d(this); -1: none */
    bool needs_gradient;    /* a wanted weight (or input) lies behind it */
    bool written;           /* gradients: somebody has written already, the next one adds */
    bool constant;          /* never changes between runs, so it may be prepared once */
    tern__tensor *external; /* gradients of weights: the caller's tensor */
    int storage;            /* the storage that holds its bytes; -1: not in the arena */
} tern__plan_value;

typedef struct tern__plan_node {
    const tern__op *op;
    const char *name;
    const void *attributes;
    uint64_t number; /* of the node in the graph */
    int n_inputs, n_outputs;
    int *inputs, *outputs; /* plan values; -1: absent */
    tern__activation activation;
    float activation_alpha;
    bool dead; /* fused away or an alias: taken out by the next tern__plan_bury */
    bool backward;
    int *input_gradients, *output_gradients; /* plan values; -1: none */
    bool *accumulate;
    int state, workspace, backward_workspace; /* storages; -1: none */
} tern__plan_node;

/* A stretch of the arena: which bytes are alive from which time to which. Forward of node i happens
 * at time i, backward at 2n - 1 - i. */
typedef struct tern__storage {
    size_t size, offset;
    int first, last; /* inclusive */
} tern__storage;

struct tern__plan {
    tern_context *context;
    tern_graph *graph;
    tern__plan_options options;
    tern__plan_value *values;
    tern__plan_node *nodes;
    tern__storage *storages;
    tern__step *steps; /* one per node; dead nodes' are empty */
    tern__step *live;  /* the forward steps that run, in order */
    int *live_node;    /* their nodes */
    int n_live;
    int *inputs, *outputs; /* plan values */
    void **owned;          /* everything allocated on the way */
    size_t n_values, values_capacity, n_nodes, nodes_capacity, n_storages, storages_capacity;
    size_t n_owned, owned_capacity;
    char *arena;
    size_t arena_size, state_bytes;
};

/* Memory that lives as long as the plan (zeroed). */
void *tern__plan_own(tern__plan *p, size_t count, size_t size);
/* Adds a value like an existing one's shape; returns its number or -1. */
int tern__plan_add_value(tern__plan *p, const tern__tensor *like, tern__value_kind kind);
/* Inserts a node before position `at` and returns it, NULL on failure. */
tern__plan_node *tern__plan_insert(tern__plan *p, size_t at, const tern__op *op, const char *name,
                                   int n_inputs, int n_outputs);
int tern__plan_root(const tern__plan *p, int value); /* follows aliases */
void tern__plan_bury(tern__plan *p);                 /* takes the dead nodes out of the list */

tern_status tern__plan_fuse(tern__plan *p);
tern_status tern__plan_layouts(tern__plan *p);
tern_status tern__plan_gradients(tern__plan *p);
tern_status tern__plan_storages(tern__plan *p);
/* Places storages; returns the arena's size. Greedy by size, best-fitting gap. */
tern_status tern__plan_place(tern_context *c, tern__storage *storages, size_t count, size_t *size);

#endif
