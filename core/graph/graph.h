/* The graph from the inside: values, nodes, and how nodes are added. Knows the table of operators
 * (op.h), not how they run. */
#ifndef TERN_CORE_GRAPH_H
#define TERN_CORE_GRAPH_H

#include "core/base/base.h"
#include "core/base/names.h"
#include "op.h"
#include "shape.h"

typedef enum tern__value_kind {
    TERN__INPUT,     /* given at each run */
    TERN__PARAMETER, /* changed by training through its gradient */
    TERN__BUFFER,    /* changed by training, not through a gradient: running statistics */
    TERN__CONSTANT,  /* never changed (also a frozen parameter) */
    TERN__COMPUTED   /* the output of a node */
} tern__value_kind;

typedef struct tern__value {
    char *name; /* unique in the graph, never empty */
    tern__value_kind kind;
    tern__shape shape;
    int producer; /* node number, or -1 */
    void *data;   /* row-major elements of PARAMETER, BUFFER and CONSTANT; NULL for the others */
    bool padding_row; /* of a table: row 0 is all zeros and gets no gradient */
} tern__value;

typedef struct tern__node {
    const tern__op *op;
    char *name;       /* unique among nodes */
    void *attributes; /* the operator's own struct, op->attribute_size bytes */
    int n_inputs, n_outputs;
    int *inputs;  /* value numbers; -1: absent optional input */
    int *outputs; /* value numbers; -1: output not wanted */
} tern__node;

struct tern_graph {
    tern_context *context;
    tern_status status; /* of the first builder error; its sentence is in message */
    char message[1024];
    uint64_t seed;
    tern__value *values;
    tern__node *nodes;     /* in topological order */
    int *inputs, *outputs; /* value numbers */
    size_t n_values, values_capacity, n_nodes, nodes_capacity;
    size_t n_inputs, inputs_capacity, n_outputs, outputs_capacity;
    tern__names value_names, node_names;
};

/* All return a value or node number, or -1 with the error stuck to the graph. */
int tern__graph_input(tern_graph *g, const char *name, const tern__shape *shape);
/* kind PARAMETER, BUFFER or CONSTANT; data copied, or zeros when NULL. */
int tern__graph_initializer(tern_graph *g, const char *name, tern__value_kind kind,
                            const tern__shape *shape, const void *data);
/* Adds a node and the values of its outputs. inputs: value numbers or -1. output_names may be NULL,
 * or hold NULLs or "" (names are then made; an optional output named "" is not wanted). Fills
 * outputs[0..n_outputs). */
int tern__graph_node(tern_graph *g, const char *domain, const char *op, const char *name,
                     const int *inputs, int n_inputs, const tern_attribute *attributes,
                     size_t n_attributes, const char *const *output_names, int n_outputs,
                     int *outputs);
void tern__graph_output(tern_graph *g, const char *name, int value);
/* Gives a value another name; an error if the name is taken. */
tern_status tern__graph_rename(tern_graph *g, int value, const char *name);
int tern__graph_find(const tern_graph *g, const char *name); /* value number or -1 */
/* A name that is not taken yet: "base", "base_2", ... (in a buffer of the caller). */
void tern__graph_unique(const tern_graph *g, const char *base, char *out, size_t size);
/* Sticks an error to the graph (the first one wins). Returns -1. */
int tern__graph_fail(tern_graph *g, tern_status status, const char *format, ...) TERN_PRINTF(3, 4);
/* Runs shape inference of one node on given input shapes. */
tern_status tern__graph_infer(tern_context *c, const tern__op *op, const char *node_name,
                              const void *attributes, const tern__shape *const *inputs,
                              const void *const *constants, int n_inputs, tern__shape *outputs,
                              int n_outputs);
/* An attribute in an operator's struct by its name; NULL if there is none of that name. */
const void *tern__attribute_at(const tern__op *op, const void *attributes, const char *name);

#endif
