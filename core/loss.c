/* Losses as nodes of the graph, and counting right answers. The arithmetic is in ops/. */
#include "loss.h"

#include <string.h>

static const char *const op_names[] = {"SoftmaxCrossEntropy", "BinaryCrossEntropyWithLogits",
                                       "SquaredError", "AbsoluteError", "Huber"};

tern_status tern__loss_check(tern_context *c, const tern_loss_options *o) {
    if ((int)o->kind < 0 || o->kind > TERN_LOSS_HUBER)
        return tern__fail(c, TERN_ERR_ARGUMENT, "loss: there is no kind %d", (int)o->kind);
    bool softmax = o->kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY;
    if (!softmax && (o->class_weights || o->label_smoothing != 0 || o->ignore))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: class_weights, label_smoothing and ignore are softmax "
                          "cross-entropy's, not %s's",
                          op_names[o->kind]);
    if (!(o->label_smoothing >= 0 && o->label_smoothing < 1))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: label_smoothing is %g; the range is 0 to below 1",
                          o->label_smoothing);
    if (!(o->positive_weight >= 0) || !(o->delta >= 0))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: positive_weight is %g and delta %g; both must be positive, or 0 "
                          "for 1",
                          o->positive_weight, o->delta);
    return TERN_OK;
}

static int add_constant(tern_graph *g, const char *name, int64_t count, const float *data) {
    char unique[128];
    tern__graph_unique(g, name, unique, sizeof unique);
    tern__shape shape = {.type = TERN_FLOAT, .rank = 1, .dims = {count}};
    return tern__graph_initializer(g, unique, TERN__CONSTANT, &shape, data);
}

static tern_status target_shape(tern_graph *g, const tern_loss_options *o, tern_type type,
                                tern__shape *shape) {
    *shape = g->values[g->outputs[0]].shape;
    char text[128];
    if (shape->type != TERN_FLOAT)
        return tern__fail(g->context, TERN_ERR_SHAPE,
                          "the network's first output is not of floats and has no loss");
    if (type != TERN_FLOAT && type != TERN_INT64)
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "loss: a target cannot be of type %d",
                          (int)type);
    shape->type = type;
    if (o->kind != TERN_LOSS_SOFTMAX_CROSS_ENTROPY) {
        if (type == TERN_FLOAT) return TERN_OK;
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "loss: %s needs a target of floats",
                          op_names[o->kind]);
    }
    if (shape->rank < 2)
        return tern__fail(g->context, TERN_ERR_SHAPE,
                          "the network's first output is %s; softmax cross-entropy needs "
                          "[N, classes, ...]",
                          tern__shape_text(shape, text, sizeof text));
    if (o->class_weights && shape->dims[1] != (int64_t)o->n_class_weights)
        return tern__fail(g->context, TERN_ERR_SHAPE,
                          "loss: %zu class weights were given, the network's first output is %s",
                          o->n_class_weights, tern__shape_text(shape, text, sizeof text));
    if (type == TERN_INT64) {
        memmove(shape->dims + 1, shape->dims + 2, (size_t)(shape->rank - 2) * sizeof *shape->dims);
        shape->rank--;
    }
    return TERN_OK;
}

tern_status tern__loss_append(tern_graph *g, const tern_loss_options *o, tern_type type,
                              bool smoothing, tern__graph_size *before) {
    *before = (tern__graph_size){g->n_values, g->n_nodes, g->n_inputs, g->n_outputs};
    if (!g->n_outputs)
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "the network has no output");
    tern__shape shape;
    tern_status st = target_shape(g, o, type, &shape);
    if (st != TERN_OK) return st;
    char name[128];
    tern__graph_unique(g, "target", name, sizeof name);
    int inputs[3] = {g->outputs[0], tern__graph_input(g, name, &shape)}, n_inputs = 2;
    tern_attribute attributes[3];
    size_t n = 0;
    attributes[n++] = TERN_STRING("reduction", o->sum ? "sum" : "mean");
    if (o->kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY) {
        if (smoothing && o->label_smoothing > 0)
            attributes[n++] = TERN_REAL("label_smoothing", o->label_smoothing);
        if (o->ignore) attributes[n++] = TERN_INT("ignore_index", o->ignore_index);
        if (o->class_weights)
            inputs[n_inputs++] =
                add_constant(g, "class_weights", (int64_t)o->n_class_weights, o->class_weights);
    } else {
        if (o->kind == TERN_LOSS_HUBER && o->delta > 0)
            attributes[n++] = TERN_REAL("delta", o->delta);
        if (o->kind == TERN_LOSS_BINARY_CROSS_ENTROPY && o->positive_weight > 0)
            attributes[n++] = TERN_REAL("positive_weight", o->positive_weight);
    }
    int loss = -1;
    tern__graph_node(g, "tern", op_names[o->kind], NULL, inputs, n_inputs, attributes, n, NULL, 1,
                     &loss);
    tern__graph_unique(g, "loss", name, sizeof name);
    tern__graph_output(g, name, loss);
    return tern_graph_check(g);
}

void tern__graph_truncate(tern_graph *g, const tern__graph_size *size) {
    tern_context *c = g->context;
    while (g->n_nodes > size->nodes) {
        tern__node *n = &g->nodes[--g->n_nodes];
        tern__names_remove(&g->node_names, n->name);
        tern__free(c, n->name);
        tern__free(c, n->attributes);
        tern__free(c, n->inputs);
    }
    while (g->n_values > size->values) {
        tern__value *v = &g->values[--g->n_values];
        tern__names_remove(&g->value_names, v->name);
        tern__free(c, v->name);
        tern__free(c, v->data);
    }
    g->n_inputs = size->inputs;
    g->n_outputs = size->outputs;
}

int64_t tern__greatest(const float *x, int64_t n, int64_t stride) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i * stride] > x[best * stride]) best = i;
    return best;
}

void tern__loss_count(const tern_loss_options *o, const tern__tensor *output,
                      const tern_tensor *target, int64_t *correct, int64_t *counted) {
    const float *y = output->data;
    if (o->kind == TERN_LOSS_BINARY_CROSS_ENTROPY) {
        const float *t = target->data;
        for (int64_t i = 0; i < output->count; i++) *correct += (y[i] > 0) == (t[i] > 0.5f);
        *counted += output->count;
        return;
    }
    if (o->kind != TERN_LOSS_SOFTMAX_CROSS_ENTROPY) return;
    int64_t ignored = o->ignore ? o->ignore_index : -100; /* the operator's default */
    int64_t classes = output->dims[1], places = output->count / (output->dims[0] * classes);
    for (int64_t i = 0; i < output->dims[0] * places; i++) {
        /* [N, C, places]: sample i / places, place i % places */
        int64_t at = i / places * classes * places + i % places, truth;
        if (target->type == TERN_INT64) {
            truth = ((const int64_t *)target->data)[i];
            if (truth == ignored) continue;
        } else {
            truth = tern__greatest((const float *)target->data + at, classes, places);
        }
        *correct += tern__greatest(y + at, classes, places) == truth;
        ++*counted;
    }
}
