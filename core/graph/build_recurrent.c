/* The builders of LSTM and GRU over ONNX's operators in their form of layout 0, which everybody
 * has; Transposes bring sequences in tern's order, batch first, to it and back. */
#include "graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct maker {
    tern_graph *g;
    const tern_recurrent_options *options;
    char name[200];
    int64_t directions;
} maker;

static tern_value weight(const maker *m, const char *suffix, int rank, int64_t rows,
                         int64_t columns, tern_initializer how) {
    char name[256];
    snprintf(name, sizeof name, "%.200s.%s", m->name, suffix);
    int64_t dims[3] = {m->directions, rows, columns};
    return tern_parameter(m->g, name, rank, dims, how);
}

/* LSTM's forget gate starts open: its bias is 1 (Jozefowicz et al. 2015). */
static void open_forget_gates(tern_value bias, int64_t directions, int64_t hidden) {
    float *data = tern_value_data(bias);
    for (int64_t d = 0; data && d < directions; d++)
        for (int64_t j = 0; j < hidden; j++) data[(d * 8 + 2) * hidden + j] = 1;
}

/* What the caller wants of the node's outputs, batch first: [N, L, D * hidden] or, of the last
 * state, [N, D * hidden]. */
static tern_value arrange(const maker *m, tern_value y, int64_t hidden) {
    if (m->options->last) {
        tern_value h = tern_transpose(y, (int64_t[]){1, 0, 2});
        return tern_reshape(h, 2, (int64_t[]){0, m->directions * hidden});
    }
    tern_value all = tern_transpose(y, (int64_t[]){2, 0, 1, 3});
    return tern_reshape(all, 3, (int64_t[]){0, 0, m->directions * hidden});
}

static tern_value fail(tern_graph *g, tern_status status, const char *op, const char *what) {
    tern__graph_fail(g, status, "%s: %s", op, what);
    return (tern_value){g, -1};
}

static tern_value build(const char *op, int64_t gates, tern_value x, int64_t hidden,
                        const tern_recurrent_options *o) {
    int64_t dims[TERN_MAX_RANK];
    int rank = x.graph ? tern_value_shape(x, dims) : -1;
    if (rank < 0) return x;
    maker m = {.g = x.graph, .options = o, .directions = 1};
    if (rank != 3 || dims[2] < 1)
        return fail(m.g, TERN_ERR_SHAPE, op, "x must be [N, L, I] with a known number of inputs I");
    if (hidden < 1 || hidden > INT32_MAX)
        return fail(m.g, TERN_ERR_ARGUMENT, op, "there must be 1 to 2147483647 hidden units");
    if (o->lengths.graph && (o->lengths.graph != m.g || o->lengths.id < 0))
        return fail(m.g, TERN_ERR_ARGUMENT, op, "the lengths belong to another graph");
    if (o->name)
        snprintf(m.name, sizeof m.name, "%s", o->name);
    else
        tern__graph_unique(m.g, gates == 4 ? "lstm" : "gru", m.name, sizeof m.name);
    const char *direction = o->direction ? o->direction : "forward";
    if (strcmp(direction, "bidirectional") == 0) m.directions = 2;
    double bound = 1 / sqrt((double)hidden);
    tern_initializer how = o->initializer, zeros = {.kind = TERN_INIT_CONSTANT};
    if (how.kind == TERN_INIT_DEFAULT)
        how = (tern_initializer){.kind = TERN_INIT_UNIFORM, .a = -bound, .b = bound};
    tern_value steps = tern_transpose(x, (int64_t[]){1, 0, 2});
    tern_value w = weight(&m, "W", 3, gates * hidden, dims[2], how);
    tern_value r = weight(&m, "R", 3, gates * hidden, hidden, how);
    tern_value b = weight(&m, "B", 2, 2 * gates * hidden, 0, zeros);
    if (tern_graph_check(m.g) != TERN_OK) return b;
    if (gates == 4) open_forget_gates(b, m.directions, hidden);
    int inputs[5] = {steps.id, w.id, r.id, b.id, o->lengths.graph ? o->lengths.id : -1};
    /* The new gate as PyTorch has it. */
    tern_attribute attributes[3] = {TERN_STRING("direction", direction),
                                    TERN_INT("hidden_size", hidden),
                                    TERN_INT("linear_before_reset", 1)};
    const char *names[2] = {o->last ? "" : NULL, NULL};
    int outputs[2];
    tern__graph_node(m.g, "", op, m.name, inputs, o->lengths.graph ? 5 : 4, attributes,
                     gates == 4 ? 2 : 3, names, o->last ? 2 : 1, outputs);
    return arrange(&m, (tern_value){m.g, outputs[o->last ? 1 : 0]}, hidden);
}

tern_value tern_lstm(tern_value x, int64_t hidden, tern_recurrent_options options) {
    return build("LSTM", 4, x, hidden, &options);
}

tern_value tern_gru(tern_value x, int64_t hidden, tern_recurrent_options options) {
    return build("GRU", 3, x, hidden, &options);
}
