/* Describes a model node by node. Shapes come from the operators' own inference, work and memory
 * from plans; prints nothing. */
#include "core/graph/model.h"
#include "plan.h"

#include <tern/model_info.h>

#include <string.h>

typedef struct report {
    tern_model_info info; /* first: the public face */
    tern_port_info *inputs, *outputs;
    tern_node_info *nodes;
    const char **keys;
    tern__shape *shapes;             /* [graph values] */
    bool *counted;                   /* [graph values] */
    const tern__shape **node_inputs; /* of one node */
    const void **node_constants;
    tern__shape *node_outputs;
} report;

void tern_model_info_free(tern_model_info *info, const tern_model *m) {
    report *r = (report *)info;
    if (!r) return;
    tern__free(m->context, r->inputs);
    tern__free(m->context, r->outputs);
    tern__free(m->context, r->nodes);
    tern__free(m->context, r->keys);
    tern__free(m->context, r->shapes);
    tern__free(m->context, r->counted);
    tern__free(m->context, r->node_inputs);
    tern__free(m->context, r->node_constants);
    tern__free(m->context, r->node_outputs);
    tern__free(m->context, r);
}

static bool is_weight(const tern__value *v) {
    return v->kind == TERN__PARAMETER || v->kind == TERN__BUFFER || v->kind == TERN__CONSTANT;
}

static tern_tensor view(const tern__shape *s) {
    tern_tensor t = {.type = s->type, .rank = s->rank};
    memcpy(t.dims, s->dims, sizeof t.dims);
    return t;
}

size_t tern_model_input_count(const tern_model *m) { return m->graph->n_inputs; }

tern_port_info tern_model_input(const tern_model *m, size_t i) {
    const tern__value *v = &m->graph->values[m->graph->inputs[i]];
    return (tern_port_info){v->name, view(&v->shape)};
}

static tern_status allocate(report *r, tern_context *c, const tern_model *m) {
    const tern_graph *g = m->graph;
    size_t widest = 1;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        const size_t most = (size_t)(n->n_inputs > n->n_outputs ? n->n_inputs : n->n_outputs);
        if (most > widest) widest = most;
    }
    r->inputs = tern__calloc(c, g->n_inputs, sizeof *r->inputs);
    r->outputs = tern__calloc(c, g->n_outputs, sizeof *r->outputs);
    r->nodes = tern__calloc(c, g->n_nodes, sizeof *r->nodes);
    r->keys = tern__calloc(c, m->n_metadata, sizeof *r->keys);
    r->shapes = tern__calloc(c, g->n_values, sizeof *r->shapes);
    r->counted = tern__calloc(c, g->n_values, sizeof *r->counted);
    r->node_inputs = tern__calloc(c, widest, sizeof *r->node_inputs);
    r->node_constants = tern__calloc(c, widest, sizeof *r->node_constants);
    r->node_outputs = tern__calloc(c, widest, sizeof *r->node_outputs);
    return r->inputs && r->outputs && r->nodes && r->keys && r->shapes && r->counted &&
                   r->node_inputs && r->node_constants && r->node_outputs
               ? TERN_OK
               : TERN_ERR_MEMORY;
}

/* Shapes of all values, node by node. */
static tern_status infer(report *r, tern_context *c, const tern_graph *g) {
    char text[120];
    for (size_t i = 0; i < g->n_inputs; i++)
        if (tern__shape_count(&r->shapes[g->inputs[i]]) < 0)
            return tern__fail(c, TERN_ERR_SHAPE, "input '%s' is %s: give its unknown dimensions",
                              g->values[g->inputs[i]].name,
                              tern__shape_text(&r->shapes[g->inputs[i]], text, sizeof text));
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        for (int k = 0; k < n->n_inputs; k++) {
            const int id = n->inputs[k];
            r->node_inputs[k] = id < 0 ? NULL : &r->shapes[id];
            r->node_constants[k] = id < 0 || !is_weight(&g->values[id]) ? NULL : g->values[id].data;
        }
        tern_status st =
            tern__graph_infer(c, n->op, n->name, n->attributes, r->node_inputs, r->node_constants,
                              n->n_inputs, r->node_outputs, n->n_outputs);
        if (st != TERN_OK) return st;
        for (int k = 0; k < n->n_outputs; k++)
            if (n->outputs[k] >= 0) r->shapes[n->outputs[k]] = r->node_outputs[k];
    }
    return TERN_OK;
}

static void describe_nodes(report *r, const tern_graph *g) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        tern_node_info *out = &r->nodes[i];
        out->name = n->name;
        out->op = n->op->name;
        if (n->n_outputs > 0 && n->outputs[0] >= 0) out->shape = view(&r->shapes[n->outputs[0]]);
        for (int k = 0; k < n->n_inputs; k++) {
            const int id = n->inputs[k];
            if (id < 0 || r->counted[id] || g->values[id].kind != TERN__PARAMETER) continue;
            r->counted[id] = true;
            out->parameters += tern__shape_count(&g->values[id].shape);
        }
        r->info.parameters += out->parameters;
    }
    for (size_t i = 0; i < g->n_values; i++)
        if (is_weight(&g->values[i]))
            r->info.weight_bytes += (size_t)tern__shape_count(&g->values[i].shape) *
                                    tern__type_size(g->values[i].shape.type);
}

/* Work of each node from a plan that fuses nothing, memory from the one that sessions use. */
static tern_status measure(report *r, tern_graph *g, const tern__shape *inputs) {
    tern__plan *plan;
    int count;
    tern_status st = tern__plan_create(&plan, g, inputs, &(tern__plan_options){.unfused = true});
    if (st != TERN_OK) return st;
    const tern__step *steps = tern__plan_steps(plan, &count);
    size_t node = 0;
    for (int i = 0; i < count; i++) {
        if (!steps[i].op->flops) continue;
        size_t at = node; /* steps come in the order of the nodes; some nodes have none */
        while (at < r->info.n_nodes && (strcmp(r->nodes[at].name, steps[i].name) != 0)) at++;
        if (at == r->info.n_nodes) continue;
        r->nodes[at].flops = steps[i].op->flops(&steps[i]);
        r->info.flops += r->nodes[at].flops;
        node = at + 1;
    }
    tern__plan_free(plan);
    st = tern__plan_create(&plan, g, inputs, &(tern__plan_options){0});
    if (st != TERN_OK) return st;
    r->info.memory_bytes = tern__plan_memory(plan);
    tern__plan_free(plan);
    return TERN_OK;
}

tern_status tern_model_describe(tern_model_info **info, const tern_model *m,
                                const tern_tensor *inputs) {
    tern_context *c = m->context;
    const tern_graph *g = m->graph;
    *info = NULL;
    report *r = tern__calloc(c, 1, sizeof *r);
    tern__shape *given = tern__calloc(c, g->n_inputs, sizeof *given);
    tern_status st = r && given ? allocate(r, c, m) : TERN_ERR_MEMORY;
    if (st != TERN_OK) goto done;
    for (size_t i = 0; i < g->n_values; i++) r->shapes[i] = g->values[i].shape;
    for (size_t i = 0; i < g->n_inputs; i++) {
        tern__shape *s = &r->shapes[g->inputs[i]];
        if (inputs) {
            if (inputs[i].rank != s->rank) {
                st = tern__fail(c, TERN_ERR_SHAPE, "input '%s' has %d dimensions, not %d",
                                g->values[g->inputs[i]].name, s->rank, inputs[i].rank);
                goto done;
            }
            memcpy(s->dims, inputs[i].dims, sizeof s->dims);
        } else if (s->rank > 0 && s->dims[0] < 0) {
            s->dims[0] = 1;
        }
        given[i] = *s;
    }
    r->info.n_nodes = g->n_nodes;
    if ((st = infer(r, c, g)) != TERN_OK) goto done;
    describe_nodes(r, g);
    if ((st = measure(r, m->graph, given)) != TERN_OK) goto done;
    for (size_t i = 0; i < g->n_inputs; i++)
        r->inputs[i] =
            (tern_port_info){g->values[g->inputs[i]].name, view(&r->shapes[g->inputs[i]])};
    for (size_t i = 0; i < g->n_outputs; i++)
        r->outputs[i] =
            (tern_port_info){g->values[g->outputs[i]].name, view(&r->shapes[g->outputs[i]])};
    for (size_t i = 0; i < m->n_metadata; i++) r->keys[i] = m->metadata[i].key;
    r->info.inputs = r->inputs;
    r->info.outputs = r->outputs;
    r->info.nodes = r->nodes;
    r->info.metadata_keys = r->keys;
    r->info.n_inputs = g->n_inputs;
    r->info.n_outputs = g->n_outputs;
    r->info.n_metadata = m->n_metadata;
    *info = &r->info;
    r = NULL;
done:
    tern__free(c, given);
    if (r) tern_model_info_free(&r->info, m);
    return st;
}
