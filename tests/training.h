/* A small task and a small network for tests of training: which of three patterns is in a noisy 8x8
 * picture. */
#ifndef TERN_TESTS_TRAINING_H
#define TERN_TESTS_TRAINING_H

#include "context.h"

#include "core/base/base.h"
#include "core/graph/graph.h"
#include <tern/train.h>

enum { PICTURES = 90, SIDE = 8, CLASSES = 3 };

typedef struct task {
    float pictures[PICTURES * SIDE * SIDE];
    int64_t classes[PICTURES];
    tern_dataset *dataset;
} task;

/* Class 0: columns, 1: rows, 2: a chessboard; plus noise. */
static inline task *make_task(tern_context *c, uint64_t seed) {
    task *t = malloc(sizeof *t);
    tern__random r = tern__random_make(seed, 1);
    for (int i = 0; i < PICTURES; i++) {
        t->classes[i] = i % CLASSES;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int on = t->classes[i] == 0 ? x : t->classes[i] == 1 ? y : x + y;
                t->pictures[(i * SIDE + y) * SIDE + x] =
                    (float)((on & 1) + 0.7 * tern__random_normal(&r));
            }
    }
    tern_tensor input = {TERN_FLOAT, 4, {PICTURES, 1, SIDE, SIDE}, t->pictures};
    tern_tensor target = {TERN_INT64, 1, {PICTURES}, t->classes};
    check_ok(c, tern_dataset_arrays(&t->dataset, c, &input, 1, &target));
    return t;
}

static inline void free_task(task *t) {
    tern_dataset_free(t->dataset);
    free(t);
}

/* Convolutions with and without BatchNormalization, pooling, dropout, a dense layer. */
static inline tern_graph *make_network(tern_context *c, uint64_t seed) {
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_graph_set_seed(g, seed);
    tern_value x = tern_input(g, "picture", 4, (int64_t[]){-1, 1, SIDE, SIDE});
    tern_conv_options same = {.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}};
    x = tern_max_pool(tern_relu(tern_batch_normalization(tern_conv(x, 6, same))), 2, 2);
    x = tern_dropout(tern_relu(tern_conv(x, 10, same)), 0.2f);
    tern_output(g, "logits", tern_dense(tern_global_average_pool(x), CLASSES));
    check_ok(c, tern_graph_check(g));
    return g;
}

/* All weights, buffers and constants of a and b have the same bits. */
static inline bool same_weights(const tern_graph *a, const tern_graph *b) {
    if (a->n_values != b->n_values) return false;
    for (size_t i = 0; i < a->n_values; i++) {
        const tern__value *v = &a->values[i], *w = &b->values[i];
        if (!v->data != !w->data) return false;
        size_t bytes = (size_t)tern__shape_count(&v->shape) * tern__type_size(v->shape.type);
        if (v->data && memcmp(v->data, w->data, bytes) != 0) return false;
    }
    return true;
}

#endif
