/* Random small networks of the operators that the plan rewrites, each value with what it must be: a
 * double-precision reference (ops/reference.h) of every node on its own, at inference and in
 * training, and a bound of the error that float arithmetic may make, whatever is fused.
 *
 * The bound follows from the arithmetic: e = 2^-24 a rounding, terms of a sum times e times the sum
 * of magnitudes, and what errors of the inputs become. Where all numbers are dyadic and the sums
 * fit into 24 bits the bound is 0: most networks must come out exactly. */
#ifndef TERN_TESTS_RANDOM_NETWORK_H
#define TERN_TESTS_RANDOM_NETWORK_H

#include "core/plan/plan.h"
#include "ops/reference.h"

enum { INFERENCE, TRAINING, MODES };
enum { MOST_ITEMS = 160, MOST_NODES = 10, MOST_ELEMENTS = 2000 };

/* A value of the network. */
typedef struct item {
    int value;  /* of the graph */
    bool given; /* a constant or a parameter: what operators get as a weight */
    bool read, whole_numbers;
    reference_tensor is[MODES];
    double error[MODES]; /* at most, of any element */
    double mass[MODES];  /* greatest sum of magnitudes of which an element was made */
    double terms;        /* of that sum */
    double unit[MODES];  /* all of its addends are multiples of this power of two */
} item;

typedef struct network {
    tern_graph *graph;
    tern__random random;
    bool rough;     /* any floats, instead of dyadic ones */
    bool linear;    /* no BatchNormalization, so that training is exact as well */
    bool is_random; /* a Dropout draws: training has no reference */
    bool by_batch;  /* a BatchNormalization: its gradient is not exact */
    item items[MOST_ITEMS];
    int n_items;
    int inputs[4], n_inputs; /* items */
    float *given[4];         /* the inputs' elements */
    int outputs[MOST_ITEMS], n_outputs;
    char text[4096]; /* the nodes, for who looks for a fault */
} network;

/* Network `number`, in the graph, which must be empty. */
void random_network_make(network *n, tern_graph *g, uint64_t number);
void random_network_free(network *n);

/* ---- for random_network.c's two halves ---- */
bool random_network_apply(network *n, const char *op, const int *inputs, int n_inputs,
                          const tern_attribute *attributes, size_t n_attributes, int n_outputs,
                          int *outputs);
/* A weight of this shape with random elements. */
int random_network_weight(network *n, int rank, const int64_t *dims);
int random_network_statistics(network *n, int64_t channels);
int random_network_numbers(network *n, const int64_t *numbers, int count); /* int64 constant */
bool random_network_grow(network *n);                                      /* tries to add a node */

#endif
