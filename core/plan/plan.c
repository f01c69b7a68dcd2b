/* The plan: import, the passes in order, memory, running. */
#include "plan_build.h"

#include <math.h>
#include <string.h>

/* ---- import ---- */

static void set_shape(tern__tensor *t, const tern__shape *s) {
    t->type = s->type;
    t->rank = s->rank;
    memcpy(t->dims, s->dims, sizeof t->dims);
    t->count = tern__shape_count(s);
}

static tern_status import_values(tern__plan *p, const tern__shape *inputs) {
    const tern_graph *g = p->graph;
    for (size_t i = 0; i < g->n_values; i++) {
        tern__tensor t = {0};
        set_shape(&t, &g->values[i].shape);
        if (tern__plan_add_value(p, &t, g->values[i].kind) < 0) return TERN_ERR_MEMORY;
        p->values[i].tensor.data = g->values[i].data;
        p->values[i].constant =
            g->values[i].data && (!p->options.training || g->values[i].kind == TERN__CONSTANT);
    }
    p->inputs = tern__plan_own(p, g->n_inputs, sizeof *p->inputs);
    p->outputs = tern__plan_own(p, g->n_outputs, sizeof *p->outputs);
    if (!p->inputs || !p->outputs) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < g->n_outputs; i++) p->outputs[i] = g->outputs[i];
    for (size_t i = 0; i < g->n_inputs; i++) {
        const tern__value *v = &g->values[g->inputs[i]];
        bool fits = inputs[i].type == v->shape.type && inputs[i].rank == v->shape.rank;
        for (int k = 0; fits && k < v->shape.rank; k++)
            fits = inputs[i].dims[k] >= 0 &&
                   (v->shape.dims[k] < 0 || v->shape.dims[k] == inputs[i].dims[k]);
        char wanted[TERN__SHAPE_TEXT], got[TERN__SHAPE_TEXT];
        if (fits && tern__shape_count(&inputs[i]) < 1)
            return tern__fail(p->context, TERN_ERR_SHAPE,
                              "input '%s' is %s: there is nothing to compute", v->name,
                              tern__shape_text(&inputs[i], got, sizeof got));
        if (!fits)
            return tern__fail(p->context, TERN_ERR_SHAPE,
                              "input '%s' is %s but the network expects %s%s", v->name,
                              tern__shape_text(&inputs[i], got, sizeof got),
                              tern__shape_text(&v->shape, wanted, sizeof wanted),
                              inputs[i].type == v->shape.type ? "" : " of another element type");
        p->inputs[i] = g->inputs[i];
        set_shape(&p->values[p->inputs[i]].tensor, &inputs[i]);
    }
    return TERN_OK;
}

static tern_status import_node(tern__plan *p, const tern__node *from) {
    tern__plan_node *n =
        tern__plan_insert(p, p->n_nodes, from->op, from->name, from->n_inputs, from->n_outputs);
    tern__shape *shapes =
        tern__plan_own(p, (size_t)(from->n_inputs + from->n_outputs), sizeof *shapes);
    const tern__shape **inputs = tern__plan_own(p, (size_t)from->n_inputs, sizeof(tern__shape *));
    const void **constants = tern__plan_own(p, (size_t)from->n_inputs, sizeof(void *));
    if (!n || !shapes || !inputs || !constants) return TERN_ERR_MEMORY;
    n->attributes = from->attributes;
    n->number = (uint64_t)(from - p->graph->nodes);
    memcpy(n->inputs, from->inputs, (size_t)from->n_inputs * sizeof *from->inputs);
    memcpy(n->outputs, from->outputs, (size_t)from->n_outputs * sizeof *from->outputs);
    for (int i = 0; i < from->n_inputs; i++) {
        if (from->inputs[i] < 0) continue;
        const tern__tensor *t = &p->values[from->inputs[i]].tensor;
        shapes[i] = (tern__shape){.type = t->type, .rank = t->rank};
        memcpy(shapes[i].dims, t->dims, sizeof t->dims);
        inputs[i] = &shapes[i];
        constants[i] = t->data;
    }
    tern__shape *outputs = shapes + from->n_inputs;
    tern_status st = tern__graph_infer(p->context, from->op, from->name, from->attributes, inputs,
                                       constants, from->n_inputs, outputs, from->n_outputs);
    for (int i = 0; !st && i < from->n_outputs; i++) {
        if (from->outputs[i] < 0) continue;
        int64_t count = tern__shape_count(&outputs[i]);
        char text[128];
        if (count < 1) /* the shape rules have bounded it above */
            return tern__fail(p->context, TERN_ERR_SHAPE,
                              "%s '%s': output %d of shape %s cannot be planned", from->op->name,
                              from->name, i, tern__shape_text(&outputs[i], text, sizeof text));
        set_shape(&p->values[from->outputs[i]].tensor, &outputs[i]);
    }
    return st;
}

/* ---- steps ---- */

static tern__tensor *tensor_at(tern__plan *p, int value) {
    if (value < 0) return NULL;
    return p->values[value].external ? p->values[value].external : &p->values[value].tensor;
}

static tern__tensor **tensor_list(tern__plan *p, const int *values, int count) {
    tern__tensor **list = tern__plan_own(p, (size_t)count, sizeof(tern__tensor *));
    for (int i = 0; list && i < count; i++) list[i] = tensor_at(p, values ? values[i] : -1);
    return list;
}

static tern_status make_step(tern__plan *p, size_t i) {
    tern__plan_node *n = &p->nodes[i];
    tern__step *s = &p->steps[i];
    s->op = n->op;
    s->name = n->name;
    s->attributes = n->attributes;
    s->context = p->context;
    s->training = p->options.training;
    s->n_inputs = n->n_inputs;
    s->n_outputs = n->n_outputs;
    s->number = n->number;
    s->activation = n->activation;
    s->activation_alpha = n->activation_alpha;
    s->inputs = tensor_list(p, n->inputs, n->n_inputs);
    s->outputs = tensor_list(p, n->outputs, n->n_outputs);
    s->input_grads = tensor_list(p, n->backward ? n->input_gradients : NULL, n->n_inputs);
    s->output_grads = tensor_list(p, n->backward ? n->output_gradients : NULL, n->n_outputs);
    s->accumulate = n->accumulate;
    if (!s->inputs || !s->outputs || !s->input_grads || !s->output_grads) return TERN_ERR_MEMORY;
    s->constant_weights = n->n_inputs > 1;
    for (int k = 1; k < n->n_inputs; k++)
        if (n->inputs[k] >= 0 && !p->values[n->inputs[k]].constant) s->constant_weights = false;
    return s->op->prepare ? s->op->prepare(s) : TERN_OK;
}

/* Every value that no longer changes; called once the lists have their final size. */
static tern_status make_steps(tern__plan *p) {
    p->steps = tern__plan_own(p, p->n_nodes, sizeof *p->steps);
    p->live = tern__plan_own(p, p->n_nodes, sizeof *p->live);
    p->live_node = tern__plan_own(p, p->n_nodes, sizeof *p->live_node);
    if (!p->steps || !p->live || !p->live_node) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < p->n_nodes; i++) {
        if (p->nodes[i].dead) continue;
        tern_status st = make_step(p, i);
        if (st) return st;
    }
    return TERN_OK;
}

/* ---- memory ---- */

static void fill_with_nan(void *memory, size_t bytes) {
    uint32_t *words = memory;
    for (size_t i = 0; i < bytes / 4; i++) words[i] = 0x7fc0dead;
}

static void set_pointers(tern__plan *p) {
    for (size_t v = 0; v < p->n_values; v++)
        if (p->values[v].storage >= 0)
            p->values[v].tensor.data = p->arena + p->storages[p->values[v].storage].offset;
    for (size_t v = 0; v < p->n_values; v++) {
        int root = tern__plan_root(p, (int)v);
        if (root != (int)v) p->values[v].tensor.data = tensor_at(p, root)->data;
    }
}

static tern_status allocate(tern__plan *p) {
    tern_status st = tern__plan_place(p->context, p->storages, p->n_storages, &p->arena_size);
    if (st) return st;
    if (p->options.limit && p->arena_size > p->options.limit)
        return tern__fail(p->context, TERN_ERR_LIMIT,
                          "a run of the network takes %.0f MB; at most %.0f MB are allowed",
                          ceil((double)p->arena_size / 1e6), floor((double)p->options.limit / 1e6));
    p->arena = tern__alloc(p->context, p->arena_size);
    if (!p->arena) return TERN_ERR_MEMORY;
    if (p->options.poison) fill_with_nan(p->arena, p->arena_size);
    set_pointers(p);
    for (size_t i = 0; i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        tern__step *s = &p->steps[i];
        if (n->dead) continue;
        if (n->workspace >= 0) s->workspace = p->arena + p->storages[n->workspace].offset;
        if (n->state >= 0) s->state = p->arena + p->storages[n->state].offset;
        if (!p->options.training && s->state_size) {
            s->state = tern__plan_own(p, 1, s->state_size);
            if (!s->state) return TERN_ERR_MEMORY;
            p->state_bytes += s->state_size;
        }
        if (!p->options.training && s->constant_weights && s->op->pack) s->op->pack(s);
        p->live[p->n_live] = *s;
        p->live_node[p->n_live++] = (int)i;
    }
    return TERN_OK;
}

static tern_status build(tern__plan *p, const tern__shape *inputs) {
    tern_status st = import_values(p, inputs);
    for (size_t i = 0; !st && i < p->graph->n_nodes; i++) st = import_node(p, &p->graph->nodes[i]);
    if (!st) st = tern__plan_fuse(p);
    if (!st) st = tern__plan_layouts(p);
    if (!st && p->options.training) st = tern__plan_gradients(p);
    if (!st) st = make_steps(p);
    if (!st) st = tern__plan_storages(p);
    if (!st) st = allocate(p);
    return st;
}

tern_status tern__plan_create(tern__plan **plan, tern_graph *g, const tern__shape *inputs,
                              const tern__plan_options *options) {
    *plan = NULL;
    tern_status st = tern_graph_check(g);
    if (st) return st;
    if (!g->n_outputs)
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "the network has no output");
    tern__plan *p = tern__calloc(g->context, 1, sizeof *p);
    if (!p) return TERN_ERR_MEMORY;
    p->context = g->context;
    p->graph = g;
    p->options = *options;
    if ((st = build(p, inputs)))
        tern__plan_free(p);
    else
        *plan = p;
    return st;
}

void tern__plan_free(tern__plan *p) {
    if (!p) return;
    tern_context *c = p->context;
    for (size_t i = 0; p->steps && i < p->n_nodes; i++) tern__free(c, p->steps[i].choice);
    for (size_t i = 0; i < p->n_owned; i++) tern__free(c, p->owned[i]);
    tern__free(c, p->owned);
    tern__free(c, p->arena);
    tern__free(c, p->values);
    tern__free(c, p->nodes);
    tern__free(c, p->storages);
    tern__free(c, p);
}

/* ---- running ---- */

static void set_inputs(tern__plan *p, const tern_tensor *inputs) {
    for (size_t i = 0; i < p->graph->n_inputs; i++)
        p->values[p->inputs[i]].tensor.data = inputs[i].data;
    for (size_t v = p->graph->n_values ? 0 : p->n_values; v < p->n_values; v++) {
        int root = tern__plan_root(p, (int)v);
        if (p->values[root].kind == TERN__INPUT)
            p->values[v].tensor.data = p->values[root].tensor.data;
    }
}

tern_status tern__plan_forward(tern__plan *p, const tern_tensor *inputs, uint64_t seed,
                               uint64_t draw) {
    set_inputs(p, inputs);
    for (int i = 0; i < p->n_live; i++) {
        tern__step *s = &p->live[i];
        s->seed = seed;
        s->draw = draw;
        tern_status st = s->op->forward(s);
        if (st) return st;
    }
    return TERN_OK;
}

void tern__plan_backward(tern__plan *p) {
    for (int i = p->n_live; i-- > 0;) {
        tern__step *s = &p->live[i];
        const tern__plan_node *n = &p->nodes[p->live_node[i]];
        if (!n->backward) continue;
        if (s->activation && s->output_grads[0] && !s->op->own_activation_gradient)
            tern__activation_gradient(s->context, s->activation, s->activation_alpha,
                                      s->outputs[0]->data, s->output_grads[0]->data,
                                      s->outputs[0]->count);
        void *forward_workspace = s->workspace;
        s->workspace = n->backward_workspace >= 0
                           ? p->arena + p->storages[n->backward_workspace].offset
                           : NULL;
        s->op->backward(s);
        s->workspace = forward_workspace;
    }
}

const tern__tensor *tern__plan_output(const tern__plan *p, int output) {
    return &p->values[p->outputs[output]].tensor;
}

float *tern__plan_output_gradient(tern__plan *p, int output) {
    int g = p->values[p->outputs[output]].gradient;
    return g < 0 ? NULL : p->values[g].tensor.data;
}

const tern__tensor *tern__plan_input_gradient(const tern__plan *p, int input) {
    int g = p->values[p->inputs[input]].gradient;
    return g < 0 ? NULL : &p->values[g].tensor;
}

size_t tern__plan_memory(const tern__plan *p) { return p->arena_size + p->state_bytes; }

double tern__plan_flops(const tern__plan *p) {
    double flops = 0;
    for (int i = 0; i < p->n_live; i++)
        if (p->live[i].op->flops) flops += p->live[i].op->flops(&p->live[i]);
    return flops;
}

const tern__step *tern__plan_steps(const tern__plan *p, int *count) {
    *count = p->n_live;
    return p->live;
}
