/* Parts of a graph as a graph of their own, with weights frozen or made anew. Internal. */
#ifndef TERN_CORE_SURGERY_H
#define TERN_CORE_SURGERY_H

#include "graph.h"

typedef struct tern__surgery {
    const tern_graph *from;
    int output;              /* value that becomes the only output, */
    const char *output_name; /* of this name; NULL: its own */
    int input; /* value that becomes an input, the last one, in place of what computes it; -1: none
                */
    const bool
        *frozen; /* nodes whose weights become constants and that run as at inference; NULL: none */
    int last;    /* node whose weights are made anew; -1: none */
    int64_t classes; /* that it then has */
    uint64_t seed;   /* of the new weights */
} tern__surgery;

/* Copies what the output depends on. All inputs of the graph are kept, unless `input` takes the
 * place of all that needed them. *to is NULL on failure. */
tern_status tern__graph_operate(tern_graph **to, const tern__surgery *s);

/* needed[node] = whether the value depends on it; needed has room for all nodes. `stop`: a value
 * whose producers do not count, -1: none. */
void tern__graph_ancestors(const tern_graph *g, int value, int stop, bool *needed);
/* What the first output is made of, before a softmax or sigmoid at the end. */
int tern__graph_logits(const tern_graph *g);
/* The last layer before a value: Conv, Gemm or MatMul by a weight, with nothing but one-way
 * operators after it. -1: there is none, and the sentence is in the context. */
int tern__graph_last_layer(const tern_graph *g, int value);
/* The value of a name: a node's first output, or a value's own; -1 with a sentence in the context.
 */
int tern__graph_layer(const tern_graph *g, const char *name);

#endif
