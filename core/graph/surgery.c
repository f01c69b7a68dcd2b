/* Copies parts of a graph node by node, so that shapes are inferred anew; on the way weights are
 * frozen, made anew, or folded. Asks for operators' traits. */
#include "surgery.h"

#include "initialize.h"

#include <stdio.h>
#include <string.h>

/* ---- finding ---- */

void tern__graph_ancestors(const tern_graph *g, int value, int stop, bool *needed) {
    memset(needed, 0, g->n_nodes * sizeof *needed);
    if (value == stop || g->values[value].producer < 0) return;
    needed[g->values[value].producer] = true;
    for (size_t i = g->n_nodes; i-- > 0;) /* nodes are in topological order */
        for (int k = 0; needed[i] && k < g->nodes[i].n_inputs; k++) {
            const int v = g->nodes[i].inputs[k];
            if (v >= 0 && v != stop && g->values[v].producer >= 0)
                needed[g->values[v].producer] = true;
        }
}

/* Whose units can be counted, and with a weight of its own? */
static bool is_layer(const tern_graph *g, const tern__node *n) {
    const tern__layer *l = &n->op->traits.layer;
    return l->unit_axis && n->inputs[l->weight] >= 0 && g->values[n->inputs[l->weight]].data;
}

/* The only input that is computed; -1 if there are several or none. */
static int one_way(const tern_graph *g, const tern__node *n) {
    int way = -1;
    for (int k = 0; k < n->n_inputs; k++) {
        if (n->inputs[k] < 0 || g->values[n->inputs[k]].data) continue;
        if (way >= 0) return -1;
        way = n->inputs[k];
    }
    return way;
}

int tern__graph_logits(const tern_graph *g) {
    const int value = g->outputs[0], producer = g->values[value].producer;
    if (producer < 0) return value;
    const tern__node *n = &g->nodes[producer];
    return n->op->traits.of_logits ? n->inputs[0] : value;
}

int tern__graph_last_layer(const tern_graph *g, int value) {
    const tern__node *n = NULL;
    while (value >= 0 && g->values[value].producer >= 0) {
        n = &g->nodes[g->values[value].producer];
        if (is_layer(g, n)) return g->values[value].producer;
        value = one_way(g, n);
    }
    tern__fail(g->context, TERN_ERR_UNSUPPORTED,
               "the network has no last layer that could be replaced: going back from "
               "its output there is %s '%s' before any Conv, Gemm or MatMul by a weight",
               n ? n->op->name : "the input", n ? n->name : g->values[g->inputs[0]].name);
    return -1;
}

int tern__graph_layer(const tern_graph *g, const char *name) {
    const int node = tern__names_find(&g->node_names, name);
    if (node >= 0) return g->nodes[node].outputs[0];
    const int value = tern__graph_find(g, name);
    if (value >= 0 && !g->values[value].data) return value;
    tern__fail(g->context, TERN_ERR_ARGUMENT,
               "there is no node '%s' in the network; its nodes are '%s', '%s', ... '%s' "
               "('tern model info' lists them)",
               name, g->n_nodes ? g->nodes[0].name : "", g->n_nodes > 1 ? g->nodes[1].name : "",
               g->n_nodes ? g->nodes[g->n_nodes - 1].name : "");
    return -1;
}

static int readers(const tern_graph *g, int value) {
    int n = 0;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_inputs; k++) n += g->nodes[i].inputs[k] == value;
    for (size_t i = 0; i < g->n_outputs; i++) n += g->outputs[i] == value;
    return n;
}

/* ---- copying ---- */

typedef struct operation {
    const tern__surgery *s;
    const tern_graph *from;
    tern_graph *to;
    bool *needed; /* nodes */
    bool *after;  /* nodes that the new last layer's output flows through */
    int *map;     /* value of `from` -> value of `to`, -1 */
} operation;

static bool frozen(const operation *o, size_t node) { return o->s->frozen && o->s->frozen[node]; }

/* Attributes as the builders take them; the list must have room for all that the operator has. */
static size_t list_attributes(const tern__node *n, tern_attribute *list) {
    size_t count = 0;
    for (const tern__attribute *a = n->op->attributes; a && a->name; a++) {
        const char *at = (const char *)n->attributes + a->offset;
        tern_attribute *to = &list[count++];
        *to = (tern_attribute){.name = a->name};
        memcpy(&to->type, &a->type, sizeof to->type);
        if (a->type == TERN_ATTRIBUTE_INT) memcpy(&to->i, at, sizeof to->i);
        if (a->type == TERN_ATTRIBUTE_FLOAT) to->f = *(const float *)(const void *)at;
        if (a->type == TERN_ATTRIBUTE_STRING) to->s = ((const tern__string *)(const void *)at)->at;
        if (a->type == TERN_ATTRIBUTE_INTS) {
            const tern__ints *ints = (const tern__ints *)(const void *)at;
            to->ints = ints->at;
            to->count = (size_t)ints->count;
        }
    }
    return count;
}

enum { MOST_ATTRIBUTES = 32 };

/* A weight or constant as it is, but constant where its reader is frozen. */
static int copy_weight(operation *o, int v, bool freeze) {
    const tern__value *w = &o->from->values[v];
    const bool fix = freeze && (w->kind == TERN__PARAMETER || w->kind == TERN__BUFFER);
    const int id =
        tern__graph_initializer(o->to, w->name, fix ? TERN__CONSTANT : w->kind, &w->shape, w->data);
    if (id >= 0) o->to->values[id].padding_row = w->padding_row;
    return id;
}

/* Which dimension of a layer's weight counts its classes. */
static int class_axis(const tern__node *n) { return n->op->traits.layer.unit_axis(n->attributes); }

static int64_t old_classes(const operation *o) {
    const tern__node *last = &o->from->nodes[o->s->last];
    const tern__shape *s = &o->from->values[last->inputs[1]].shape;
    return s->dims[s->rank < 2 ? 0 : class_axis(last)];
}

/* New weights: drawn as when a network is built; a bias, and one that is added after the layer,
 * begins at 0. */
static int renew_weight(operation *o, const tern__node *n, int input) {
    const tern__value *w = &o->from->values[n->inputs[input]];
    tern__shape shape = w->shape;
    const int axis =
        n == &o->from->nodes[o->s->last] && input == 1 ? class_axis(n) : shape.rank - 1;
    shape.dims[axis] = o->s->classes;
    const int id = tern__graph_initializer(o->to, w->name, TERN__PARAMETER, &shape, NULL);
    if (id < 0 || shape.rank < 2 || input != 1) return id;
    const tern_initializer standard = {0};
    if (tern__initialize(o->to->context, o->to->values[id].data, &shape, w->name, o->s->seed,
                         standard))
        return tern__graph_fail(o->to, o->to->context->status, "%s", o->to->context->message);
    return id;
}

/* A shape that Reshape goes by, with the new number of classes. */
static int renew_shape(operation *o, int v) {
    const int id = copy_weight(o, v, false);
    int64_t *dims = id < 0 ? NULL : o->to->values[id].data;
    for (int64_t i = 0; dims && i < tern__shape_count(&o->to->values[id].shape); i++)
        if (dims[i] == old_classes(o)) dims[i] = o->s->classes;
    return id;
}

/* The value of `to` for an input of a node. */
static int input_of(operation *o, size_t node, int k) {
    const tern__node *n = &o->from->nodes[node];
    const int v = n->inputs[k];
    if (v < 0 || o->map[v] >= 0) return v < 0 ? -1 : o->map[v];
    const tern__value *w = &o->from->values[v];
    int id;
    const bool per_class = o->s->last >= 0 && w->data && w->shape.type == TERN_FLOAT &&
                           w->shape.rank == 1 && w->shape.dims[0] == old_classes(o);
    if (o->s->last == (int)node && k >= 1)
        id = renew_weight(o, n, k);
    else if (o->s->last >= 0 && o->after[node] && per_class && n->op->traits.adds)
        id = renew_weight(o, n, k);
    else if (o->s->last >= 0 && o->after[node] && w->shape.type == TERN_INT64 && k >= 1 &&
             n->op->traits.shape_input == k)
        id = renew_shape(o, v);
    else
        id = copy_weight(o, v, frozen(o, node));
    return o->map[v] = id;
}

/* ---- what BatchNormalization is at inference ---- */

/* y = x * scale + shift. */
static void scale_and_shift(const tern_graph *g, const tern__node *n, int64_t c, double *scale,
                            double *shift) {
    const float *weights[TERN__AFFINE_INPUTS] = {NULL};
    for (int k = 1; k < n->n_inputs; k++) weights[k] = g->values[n->inputs[k]].data;
    const tern__affine a = n->op->traits.affine(n->attributes, weights, c);
    *scale = a.factor;
    *shift = a.shift - a.centre * a.factor;
}

static bool normalises(const operation *o, size_t node) {
    const tern__node *n = &o->from->nodes[node];
    if (!frozen(o, node) || !n->op->traits.affine) return false;
    for (int k = 1; k < n->n_inputs; k++)
        if (!o->from->values[n->inputs[k]].data) return false;
    return true;
}

/* The frozen normalisation that alone reads a frozen convolution of weights of its own; -1: none.
 */
static int folds_into(const operation *o, size_t conv) {
    const tern__node *n = &o->from->nodes[conv];
    if (!frozen(o, conv) || n->op->traits.layer.kind != TERN__FILTERS ||
        readers(o->from, n->outputs[0]) != 1 || (int)conv == o->s->last ||
        n->outputs[0] == o->s->output || n->outputs[0] == o->s->input)
        return -1;
    for (int k = 1; k < n->n_inputs; k++)
        if (n->inputs[k] >= 0 &&
            (!o->from->values[n->inputs[k]].data || readers(o->from, n->inputs[k]) != 1))
            return -1;
    for (size_t i = conv + 1; i < o->from->n_nodes; i++)
        if (o->from->nodes[i].inputs[0] == n->outputs[0])
            return o->needed[i] && normalises(o, i) ? (int)i : -1;
    return -1;
}

static int constant(operation *o, const char *base, const tern__shape *shape) {
    char name[256];
    tern__graph_unique(o->to, base, name, sizeof name);
    return tern__graph_initializer(o->to, name, TERN__CONSTANT, shape, NULL);
}

/* Conv and BatchNormalization as one Conv: w * scale, b * scale + shift. inputs: its three in `to`.
 */
static void fold(operation *o, size_t conv, int normalisation, int inputs[3]) {
    const tern__node *n = &o->from->nodes[conv], *bn = &o->from->nodes[normalisation];
    const tern__shape *shape = &o->from->values[n->inputs[1]].shape;
    const tern__shape channels = {TERN_FLOAT, 1, {shape->dims[0]}};
    const int old = n->n_inputs > 2 ? n->inputs[2] : -1;
    char name[256];
    snprintf(name, sizeof name, "%.200s.folded_bias", n->name);
    inputs[0] = input_of(o, conv, 0);
    inputs[1] = input_of(o, conv, 1);
    inputs[2] = constant(o, name, &channels);
    if (o->to->status) return;
    float *w = o->to->values[inputs[1]].data, *b = o->to->values[inputs[2]].data;
    const int64_t row = shape->dims[0] ? tern__shape_count(shape) / shape->dims[0] : 0;
    for (int64_t c = 0; c < shape->dims[0]; c++) {
        double scale, shift;
        scale_and_shift(o->from, bn, c, &scale, &shift);
        for (int64_t i = 0; i < row; i++) w[c * row + i] = (float)(w[c * row + i] * scale);
        b[c] =
            (float)((old >= 0 ? ((const float *)o->from->values[old].data)[c] : 0) * scale + shift);
    }
}

/* BatchNormalization of its own: Mul and Add by constants [C, 1, ...]. */
static void apply_normalisation(operation *o, size_t node) {
    const tern__node *n = &o->from->nodes[node];
    const tern__value *x = &o->from->values[n->inputs[0]];
    tern__shape shape = {.type = TERN_FLOAT, .rank = x->shape.rank - 1};
    const int64_t channels = o->from->values[n->inputs[1]].shape.dims[0];
    for (int i = 0; i < shape.rank; i++) shape.dims[i] = i ? 1 : channels;
    char base[2][256];
    snprintf(base[0], sizeof base[0], "%.200s.factor", n->name);
    snprintf(base[1], sizeof base[1], "%.200s.shift", n->name);
    const int factor = constant(o, base[0], &shape), shift = constant(o, base[1], &shape);
    int inputs[2] = {input_of(o, node, 0), factor}, product, sum;
    for (int64_t c = 0; !o->to->status && c < channels; c++) {
        double scale, offset;
        scale_and_shift(o->from, n, c, &scale, &offset);
        ((float *)o->to->values[factor].data)[c] = (float)scale;
        ((float *)o->to->values[shift].data)[c] = (float)offset;
    }
    if (tern__graph_node(o->to, "", "Mul", NULL, inputs, 2, NULL, 0, NULL, 1, &product) < 0) return;
    inputs[0] = product;
    inputs[1] = shift;
    const char *name = o->from->values[n->outputs[0]].name;
    if (tern__graph_node(o->to, "", "Add", n->name, inputs, 2, NULL, 0, &name, 1, &sum) >= 0)
        o->map[n->outputs[0]] = sum;
}

/* ---- nodes ---- */

static tern_status copy_as_it_is(operation *o, size_t node, const int *inputs, int n_inputs) {
    tern_context *c = o->to->context;
    const tern__node *n = &o->from->nodes[node];
    tern_attribute attributes[MOST_ATTRIBUTES];
    const char **names = tern__calloc(c, (size_t)n->n_outputs, sizeof *names);
    int *outputs = tern__calloc(c, (size_t)n->n_outputs, sizeof *outputs);
    tern_status st = names && outputs ? TERN_OK : TERN_ERR_MEMORY;
    for (int k = 0; st == TERN_OK && k < n->n_outputs; k++)
        names[k] = n->outputs[k] < 0 ? "" : o->from->values[n->outputs[k]].name;
    if (st == TERN_OK &&
        tern__graph_node(o->to, n->op->domain, n->op->name, n->name, inputs, n_inputs, attributes,
                         list_attributes(n, attributes), names, n->n_outputs, outputs) < 0)
        st = tern_graph_check(o->to);
    for (int k = 0; st == TERN_OK && k < n->n_outputs; k++)
        if (n->outputs[k] >= 0) o->map[n->outputs[k]] = outputs[k];
    tern__free(c, outputs);
    tern__free(c, names);
    return st;
}

static tern_status copy_node(operation *o, size_t node) {
    tern_context *c = o->to->context;
    const tern__node *n = &o->from->nodes[node];
    const int normalisation = folds_into(o, node);
    if (normalisation >= 0) {
        int inputs[3];
        fold(o, node, normalisation, inputs);
        tern_status st = tern_graph_check(o->to);
        if (st == TERN_OK) st = copy_as_it_is(o, node, inputs, 3);
        if (st == TERN_OK) o->map[o->from->nodes[normalisation].outputs[0]] = o->map[n->outputs[0]];
        return st;
    }
    if (n->outputs[0] >= 0 && o->map[n->outputs[0]] >= 0) return TERN_OK; /* folded */
    if (frozen(o, node) && n->op->traits.nothing == TERN__NOTHING_AT_INFERENCE) {
        o->map[n->outputs[0]] = input_of(o, node, 0);
        return tern_graph_check(o->to);
    }
    if (normalises(o, node)) {
        apply_normalisation(o, node);
        return tern_graph_check(o->to);
    }
    int *inputs = tern__calloc(c, (size_t)n->n_inputs, sizeof *inputs);
    if (!inputs) return TERN_ERR_MEMORY;
    for (int k = 0; k < n->n_inputs; k++) inputs[k] = input_of(o, node, k);
    tern_status st = tern_graph_check(o->to);
    if (st == TERN_OK) st = copy_as_it_is(o, node, inputs, n->n_inputs);
    tern__free(c, inputs);
    return st;
}

static void copy_inputs(operation *o) {
    const tern_graph *from = o->from;
    for (size_t i = 0; i < from->n_inputs; i++) {
        const int v = from->inputs[i];
        bool read = o->s->input < 0;
        for (size_t k = 0; k < from->n_nodes && !read; k++)
            for (int j = 0; o->needed[k] && j < from->nodes[k].n_inputs; j++)
                read |= from->nodes[k].inputs[j] == v;
        if (read && v != o->s->input)
            o->map[v] = tern__graph_input(o->to, from->values[v].name, &from->values[v].shape);
    }
    if (o->s->input >= 0)
        o->map[o->s->input] = tern__graph_input(o->to, from->values[o->s->input].name,
                                                &from->values[o->s->input].shape);
}

/* Nodes that the last layer's output flows through. */
static void mark_after(operation *o) {
    const tern_graph *g = o->from;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_inputs; k++) {
            const int v = g->nodes[i].inputs[k], producer = v < 0 ? -1 : g->values[v].producer;
            if (producer >= 0 && (producer == o->s->last || o->after[producer])) o->after[i] = true;
        }
}

static tern_status operate(operation *o) {
    const tern__surgery *s = o->s;
    tern_status st = TERN_OK;
    for (size_t i = 0; i < o->from->n_values; i++) o->map[i] = -1;
    tern__graph_ancestors(o->from, s->output, s->input, o->needed);
    if (s->last >= 0) mark_after(o);
    copy_inputs(o);
    for (size_t i = 0; st == TERN_OK && i < o->from->n_nodes; i++)
        if (o->needed[i]) st = copy_node(o, i);
    if (st != TERN_OK) return st;
    if (o->map[s->output] < 0)
        return tern__fail(o->to->context, TERN_ERR_ARGUMENT,
                          "'%s' is computed from no input of the network",
                          o->from->values[s->output].name);
    tern__graph_output(o->to, s->output_name ? s->output_name : o->from->values[s->output].name,
                       o->map[s->output]);
    return tern_graph_check(o->to);
}

tern_status tern__graph_operate(tern_graph **to, const tern__surgery *s) {
    tern_context *c = s->from->context;
    operation o = {.s = s, .from = s->from};
    *to = NULL;
    tern_status st = tern_graph_check(s->from);
    if (st == TERN_OK) st = tern_graph_create(&o.to, c);
    if (st != TERN_OK) return st;
    o.to->seed = s->seed;
    o.needed = tern__calloc(c, s->from->n_nodes, sizeof *o.needed);
    o.after = tern__calloc(c, s->from->n_nodes, sizeof *o.after);
    o.map = tern__calloc(c, s->from->n_values, sizeof *o.map);
    st = o.needed && o.after && o.map ? operate(&o) : TERN_ERR_MEMORY;
    tern__free(c, o.map);
    tern__free(c, o.after);
    tern__free(c, o.needed);
    if (st == TERN_OK)
        *to = o.to;
    else
        tern_graph_free(o.to);
    return st;
}
