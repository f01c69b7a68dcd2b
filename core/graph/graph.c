/* The graph: values, nodes, names, the sticky first error. Nodes are added through one door
 * (tern__graph_node), which the public builders and the file reader share. */
#include "graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tern_status tern_graph_create(tern_graph **graph, tern_context *context) {
    *graph = tern__calloc(context, 1, sizeof **graph);
    if (!*graph) return TERN_ERR_MEMORY;
    (*graph)->context = context;
    return TERN_OK;
}

void tern_graph_free(tern_graph *g) {
    if (!g) return;
    tern_context *c = g->context;
    for (size_t i = 0; i < g->n_values; i++) {
        tern__free(c, g->values[i].name);
        tern__free(c, g->values[i].data);
    }
    for (size_t i = 0; i < g->n_nodes; i++) {
        tern__free(c, g->nodes[i].name);
        tern__free(c, g->nodes[i].attributes);
        tern__free(c, g->nodes[i].inputs);
    }
    tern__free(c, g->values);
    tern__free(c, g->nodes);
    tern__free(c, g->inputs);
    tern__free(c, g->outputs);
    tern__names_clear(&g->value_names, c);
    tern__names_clear(&g->node_names, c);
    tern__free(c, g);
}

void tern_graph_set_seed(tern_graph *g, uint64_t seed) { g->seed = seed; }

tern_status tern_graph_check(const tern_graph *g) {
    return g->status ? tern__fail(g->context, g->status, "%s", g->message) : TERN_OK;
}

int tern__graph_fail(tern_graph *g, tern_status status, const char *format, ...) {
    if (g->status) return -1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(g->message, sizeof g->message, format, arguments);
    va_end(arguments);
    g->status = status;
    return -1;
}

/* Sticks what the context has just recorded. */
static int stick(tern_graph *g) {
    return tern__graph_fail(g, g->context->status, "%s", g->context->message);
}

int tern__graph_find(const tern_graph *g, const char *name) {
    return tern__names_find(&g->value_names, name);
}

static bool node_exists(const tern_graph *g, const char *name) {
    return tern__names_find(&g->node_names, name) >= 0;
}

static bool node_or_value_exists(const tern_graph *g, const char *name) {
    return node_exists(g, name) || tern__graph_find(g, name) >= 0;
}

void tern__graph_unique(const tern_graph *g, const char *base, char *out, size_t size) {
    snprintf(out, size, "%s", base);
    for (int i = 2; node_or_value_exists(g, out); i++)
        snprintf(out, size, "%.*s_%d", (int)size - 12, base, i);
}

static int add_value(tern_graph *g, const char *name, tern__value_kind kind,
                     const tern__shape *shape, int producer) {
    if (!name || !*name) return tern__graph_fail(g, TERN_ERR_ARGUMENT, "a value needs a name");
    if (tern__graph_find(g, name) >= 0)
        return tern__graph_fail(g, TERN_ERR_ARGUMENT, "there is already a value named '%s'", name);
    tern__value *grown = tern__grow(g->context, g->values, g->n_values, &g->values_capacity,
                                    g->n_values + 1, sizeof *g->values);
    if (!grown) return stick(g);
    g->values = grown;
    char *copy = tern__strdup(g->context, name);
    if (!copy) return stick(g);
    if (tern__names_set(&g->value_names, g->context, copy, (int)g->n_values)) {
        tern__free(g->context, copy);
        return stick(g);
    }
    g->values[g->n_values] = (tern__value){copy, kind, *shape, producer, NULL, false};
    return (int)g->n_values++;
}

static bool append(tern_graph *g, int **list, size_t *count, size_t *capacity, int item) {
    int *grown = tern__grow(g->context, *list, *count, capacity, *count + 1, sizeof **list);
    if (!grown) return stick(g), false;
    *list = grown;
    (*list)[(*count)++] = item;
    return true;
}

static bool good_shape(tern_graph *g, const char *name, const tern__shape *s, bool unknown) {
    if (s->type != TERN_FLOAT && s->type != TERN_INT64)
        tern__graph_fail(g, TERN_ERR_ARGUMENT, "'%s': type %d is neither float nor int64", name,
                         (int)s->type);
    else if (s->rank < 0 || s->rank > TERN_MAX_RANK)
        tern__graph_fail(g, TERN_ERR_LIMIT, "'%s': rank %d is outside 0 to %d", name, s->rank,
                         TERN_MAX_RANK);
    else {
        for (int i = 0; i < s->rank; i++)
            if (s->dims[i] < (unknown ? -1 : 0) || s->dims[i] > TERN__MOST_DIMENSION)
                tern__graph_fail(g, TERN_ERR_SHAPE, "'%s': dimension %d is %lld", name, i,
                                 (long long)s->dims[i]);
        char text[TERN__SHAPE_TEXT];
        if (!g->status && !tern__shape_sane(s))
            tern__graph_fail(g, TERN_ERR_SHAPE, "'%s': %s has more than 2^48 elements", name,
                             tern__shape_text(s, text, sizeof text));
    }
    return !g->status;
}

int tern__graph_input(tern_graph *g, const char *name, const tern__shape *shape) {
    if (g->status || !good_shape(g, name ? name : "", shape, true)) return -1;
    int v = add_value(g, name, TERN__INPUT, shape, -1);
    if (v < 0 || !append(g, &g->inputs, &g->n_inputs, &g->inputs_capacity, v)) return -1;
    return v;
}

int tern__graph_initializer(tern_graph *g, const char *name, tern__value_kind kind,
                            const tern__shape *shape, const void *data) {
    if (g->status || !good_shape(g, name ? name : "", shape, false)) return -1;
    size_t bytes = (size_t)tern__shape_count(shape) * tern__type_size(shape->type);
    void *copy = tern__alloc(g->context, bytes);
    if (!copy) return stick(g);
    int v = add_value(g, name, kind, shape, -1);
    if (v < 0) {
        tern__free(g->context, copy);
        return -1;
    }
    if (data)
        memcpy(copy, data, bytes);
    else
        memset(copy, 0, bytes);
    g->values[v].data = copy;
    return v;
}

/* ---- attributes ---- */

static tern_status set_attribute(tern_context *c, const tern__op *op, const char *node,
                                 void *attributes, const tern_attribute *a) {
    const tern__attribute *spec = op->attributes;
    while (spec && spec->name && strcmp(spec->name, a->name) != 0) spec++;
    if (!spec || !spec->name)
        return tern__fail(c, TERN_ERR_UNSUPPORTED, "%s '%s': there is no attribute '%s'", op->name,
                          node, a->name);
    static const char *const type_names[] = {"int", "float", "string", "ints"};
    if (spec->type != (int)a->type)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s '%s': attribute '%s' is of type %s, not %s",
                          op->name, node, a->name, type_names[a->type], type_names[spec->type]);
    char *at = (char *)attributes + spec->offset;
    switch (spec->type) {
    case TERN_ATTRIBUTE_INT:
        memcpy(at, &a->i, sizeof a->i);
        break;
    case TERN_ATTRIBUTE_FLOAT: {
        float f = (float)a->f;
        memcpy(at, &f, sizeof f);
        break;
    }
    case TERN_ATTRIBUTE_STRING: {
        tern__string *s = (tern__string *)(void *)at;
        if (!a->s || strlen(a->s) >= sizeof s->at)
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "%s '%s': attribute '%s' has an impossible value", op->name, node,
                              a->name);
        memset(s, 0, sizeof *s);
        strcpy(s->at, a->s);
        break;
    }
    default: {
        tern__ints *list = (tern__ints *)(void *)at;
        if (a->count > sizeof list->at / sizeof *list->at)
            return tern__fail(c, TERN_ERR_LIMIT,
                              "%s '%s': attribute '%s' has %zu numbers, %zu at most", op->name,
                              node, a->name, a->count, sizeof list->at / sizeof *list->at);
        memset(list, 0, sizeof *list);
        list->count = (int)a->count;
        if (a->count) memcpy(list->at, a->ints, a->count * sizeof *a->ints);
    }
    }
    return TERN_OK;
}

static tern_status fill_attributes(tern_context *c, const tern__op *op, const char *node,
                                   void *attributes, const tern_attribute *given, size_t n_given) {
    for (const tern__attribute *spec = op->attributes; spec && spec->name; spec++) {
        tern_attribute standard = {
            .name = spec->name, .i = spec->i, .f = spec->f, .s = spec->s ? spec->s : ""};
        memcpy(&standard.type, &spec->type, sizeof standard.type);
        tern_status st = set_attribute(c, op, node, attributes, &standard);
        if (st) return st;
    }
    for (size_t i = 0; i < n_given; i++) {
        tern_status st = set_attribute(c, op, node, attributes, &given[i]);
        if (st) return st;
    }
    for (const tern__attribute *spec = op->attributes; spec && spec->name; spec++) {
        bool there = !spec->required;
        for (size_t i = 0; i < n_given; i++) there |= strcmp(given[i].name, spec->name) == 0;
        if (!there)
            return tern__fail(c, TERN_ERR_ARGUMENT, "%s '%s': attribute '%s' is required", op->name,
                              node, spec->name);
    }
    return TERN_OK;
}

const void *tern__attribute_at(const tern__op *op, const void *attributes, const char *name) {
    for (const tern__attribute *spec = op->attributes; spec && spec->name; spec++)
        if (strcmp(spec->name, name) == 0) return (const char *)attributes + spec->offset;
    return NULL;
}

/* ---- nodes ---- */

static tern_status check_sane(tern_context *c, const tern__infer *in, const char *what, int i,
                              const tern__shape *s) {
    char text[TERN__SHAPE_TEXT];
    if (!s || tern__shape_sane(s)) return TERN_OK;
    return tern__fail(c, TERN_ERR_SHAPE,
                      "%s '%s': %s %d would be %s; a dimension is at most 2^32, and all together "
                      "2^48",
                      in->op, in->name ? in->name : "", what, i,
                      tern__shape_text(s, text, sizeof text));
}

tern_status tern__graph_infer(tern_context *c, const tern__op *op, const char *node_name,
                              const void *attributes, const tern__shape *const *inputs,
                              const void *const *constants, int n_inputs, tern__shape *outputs,
                              int n_outputs) {
    tern__infer in = {c,         op->name, node_name, attributes, n_inputs,
                      n_outputs, inputs,   constants, outputs};
    tern_status st = TERN_OK;
    for (int i = 0; i < n_outputs; i++) outputs[i] = (tern__shape){.type = TERN_FLOAT};
    for (int i = 0; !st && i < n_inputs; i++) st = check_sane(c, &in, "input", i, inputs[i]);
    if (!st) st = op->infer(&in);
    for (int i = 0; !st && i < n_outputs; i++) st = check_sane(c, &in, "output", i, &outputs[i]);
    return st;
}

static tern_status check_arity(tern_context *c, const tern__op *op, const char *name, int n_inputs,
                               int n_outputs, const int *inputs) {
    if (n_inputs < op->min_inputs || (op->max_inputs >= 0 && n_inputs > op->max_inputs))
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s '%s': %d inputs given, it takes %d to %d",
                          op->name, name, n_inputs, op->min_inputs, op->max_inputs);
    if (n_outputs < op->min_outputs || (op->max_outputs >= 0 && n_outputs > op->max_outputs))
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s '%s': %d outputs wanted, it has %d to %d",
                          op->name, name, n_outputs, op->min_outputs, op->max_outputs);
    for (int i = 0; i < op->min_inputs; i++)
        if (inputs[i] < 0)
            return tern__fail(c, TERN_ERR_ARGUMENT, "%s '%s': input %d is missing", op->name, name,
                              i);
    return TERN_OK;
}

static tern_status infer_node(tern_graph *g, const tern__node *node, tern__shape *shapes) {
    tern_context *c = g->context;
    size_t n = (size_t)node->n_inputs;
    const tern__shape **inputs = tern__calloc(c, n + 1, sizeof *inputs);
    const void **constants = tern__calloc(c, n + 1, sizeof *constants);
    tern_status st = inputs && constants ? TERN_OK : TERN_ERR_MEMORY;
    for (size_t i = 0; !st && i < n; i++)
        if (node->inputs[i] >= 0) {
            const tern__value *v = &g->values[node->inputs[i]];
            inputs[i] = &v->shape;
            constants[i] = v->data;
        }
    if (!st)
        st = tern__graph_infer(c, node->op, node->name, node->attributes, inputs, constants,
                               node->n_inputs, shapes, node->n_outputs);
    tern__free(c, (void *)inputs);
    tern__free(c, (void *)constants);
    return st;
}

/* A node's own memory: inputs and outputs lie in one block. */
static tern_status make_node(tern_graph *g, tern__node *node, const tern__op *op, const char *name,
                             const int *inputs, int n_inputs, int n_outputs) {
    tern_context *c = g->context;
    *node = (tern__node){.op = op, .n_inputs = n_inputs, .n_outputs = n_outputs};
    node->name = tern__strdup(c, name);
    node->attributes = tern__calloc(c, 1, op->attribute_size);
    node->inputs = tern__calloc(c, (size_t)(n_inputs + n_outputs), sizeof *node->inputs);
    if (!node->name || !node->attributes || !node->inputs) return TERN_ERR_MEMORY;
    node->outputs = node->inputs + n_inputs;
    if (n_inputs) memcpy(node->inputs, inputs, (size_t)n_inputs * sizeof *inputs);
    return TERN_OK;
}

static void drop_node(tern_context *c, tern__node *node) {
    tern__free(c, node->name);
    tern__free(c, node->attributes);
    tern__free(c, node->inputs);
}

static int add_outputs(tern_graph *g, tern__node *node, const tern__shape *shapes,
                       const char *const *names) {
    for (int i = 0; i < node->n_outputs; i++) {
        char made[256];
        const char *name = names ? names[i] : NULL;
        if (name && !*name && i >= node->op->min_outputs) {
            node->outputs[i] = -1;
            continue;
        }
        if (!name || !*name) {
            char base[200];
            if (i == 0)
                snprintf(base, sizeof base, "%s.output", node->name);
            else
                snprintf(base, sizeof base, "%s.output%d", node->name, i);
            tern__graph_unique(g, base, made, sizeof made);
            name = made;
        }
        node->outputs[i] = add_value(g, name, TERN__COMPUTED, &shapes[i], (int)g->n_nodes);
        if (node->outputs[i] < 0) return -1;
    }
    return 0;
}

int tern__graph_node(tern_graph *g, const char *domain, const char *op_name, const char *name,
                     const int *inputs, int n_inputs, const tern_attribute *attributes,
                     size_t n_attributes, const char *const *output_names, int n_outputs,
                     int *outputs) {
    for (int i = 0; i < n_outputs; i++) outputs[i] = -1;
    if (g->status) return -1;
    const tern__op *op = tern__op_find(domain, op_name);
    if (!op)
        return tern__graph_fail(g, TERN_ERR_UNSUPPORTED, "there is no operator '%s%s%s'", domain,
                                *domain ? "." : "", op_name);
    char made[256];
    if (!name || !*name || node_exists(g, name)) {
        char base[128];
        snprintf(base, sizeof base, "%s", name && *name ? name : op->name);
        if (!name || !*name)
            for (char *p = base; *p; p++)
                if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
        tern__graph_unique(g, base, made, sizeof made);
        name = made;
    }
    tern__shape *shapes = tern__calloc(g->context, (size_t)n_outputs, sizeof *shapes);
    tern__node *grown = shapes ? tern__grow(g->context, g->nodes, g->n_nodes, &g->nodes_capacity,
                                            g->n_nodes + 1, sizeof *g->nodes)
                               : NULL;
    if (!grown) {
        tern__free(g->context, shapes);
        return stick(g);
    }
    g->nodes = grown;
    tern__node node = {0};
    tern_status st = check_arity(g->context, op, name, n_inputs, n_outputs, inputs);
    if (!st) st = make_node(g, &node, op, name, inputs, n_inputs, n_outputs);
    if (!st) st = fill_attributes(g->context, op, name, node.attributes, attributes, n_attributes);
    if (!st) st = infer_node(g, &node, shapes);
    if (!st) st = tern__names_set(&g->node_names, g->context, node.name, (int)g->n_nodes);
    if (st)
        stick(g);
    else if (add_outputs(g, &node, shapes, output_names)) {
        tern__names_remove(&g->node_names, node.name);
        st = g->status;
    }
    tern__free(g->context, shapes);
    if (st) {
        drop_node(g->context, &node);
        return -1;
    }
    memcpy(outputs, node.outputs, (size_t)n_outputs * sizeof *outputs);
    g->nodes[g->n_nodes] = node;
    return (int)g->n_nodes++;
}

void tern__graph_output(tern_graph *g, const char *name, int value) {
    if (g->status) return;
    bool taken = g->values[value].kind != TERN__COMPUTED;
    for (size_t i = 0; i < g->n_outputs; i++) taken |= g->outputs[i] == value;
    if (taken) { /* a value has one name, so a second output of it is a copy */
        int source = value;
        if (tern__graph_node(g, "", "Identity", NULL, &source, 1, NULL, 0, &name, 1, &value) < 0)
            return;
    } else if (tern__graph_rename(g, value, name)) {
        stick(g);
        return;
    }
    append(g, &g->outputs, &g->n_outputs, &g->outputs_capacity, value);
}

tern_status tern__graph_rename(tern_graph *g, int value, const char *name) {
    if (strcmp(g->values[value].name, name) == 0) return TERN_OK;
    if (tern__graph_find(g, name) >= 0)
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "there is already a value named '%s'",
                          name);
    char *copy = tern__strdup(g->context, name);
    tern_status st =
        copy ? tern__names_set(&g->value_names, g->context, copy, value) : TERN_ERR_MEMORY;
    if (st) {
        tern__free(g->context, copy);
        return st;
    }
    tern__names_remove(&g->value_names, g->values[value].name);
    tern__free(g->context, g->values[value].name);
    g->values[value].name = copy;
    return TERN_OK;
}

/* ---- copying ---- */

static tern_status copy_node(tern_graph *g, const tern__node *from) {
    tern__node node;
    tern_status st =
        make_node(g, &node, from->op, from->name, from->inputs, from->n_inputs, from->n_outputs);
    if (!st) st = tern__names_set(&g->node_names, g->context, node.name, (int)g->n_nodes);
    if (st) {
        drop_node(g->context, &node);
        return st;
    }
    memcpy(node.attributes, from->attributes, from->op->attribute_size);
    memcpy(node.outputs, from->outputs, (size_t)from->n_outputs * sizeof *from->outputs);
    g->nodes[g->n_nodes++] = node;
    return TERN_OK;
}

tern_status tern_graph_clone(tern_graph **copy, const tern_graph *from) {
    *copy = NULL;
    tern_status st = tern_graph_check(from);
    if (st) return st;
    tern_graph *g;
    if ((st = tern_graph_create(&g, from->context))) return st;
    g->seed = from->seed;
    g->nodes_capacity = from->n_nodes;
    g->nodes = tern__calloc(g->context, from->n_nodes, sizeof *g->nodes);
    if (!g->nodes) st = TERN_ERR_MEMORY;
    for (size_t i = 0; !st && i < from->n_values; i++) {
        const tern__value *v = &from->values[i];
        int added = v->data ? tern__graph_initializer(g, v->name, v->kind, &v->shape, v->data)
                            : add_value(g, v->name, v->kind, &v->shape, v->producer);
        if (added < 0)
            st = tern_graph_check(g);
        else
            g->values[added].padding_row = v->padding_row;
    }
    for (size_t i = 0; !st && i < from->n_nodes; i++) st = copy_node(g, &from->nodes[i]);
    for (size_t i = 0; !st && i < from->n_inputs; i++)
        if (!append(g, &g->inputs, &g->n_inputs, &g->inputs_capacity, from->inputs[i]))
            st = TERN_ERR_MEMORY;
    for (size_t i = 0; !st && i < from->n_outputs; i++)
        if (!append(g, &g->outputs, &g->n_outputs, &g->outputs_capacity, from->outputs[i]))
            st = TERN_ERR_MEMORY;
    if (st)
        tern_graph_free(g);
    else
        *copy = g;
    return st;
}
