/* Lifetimes: from when to when the bytes of each value, state and workspace are needed, and which
 * outputs may be written over inputs. */
#include "plan_build.h"

static int forward_time(size_t node) { return (int)node; }
static int backward_time(const tern__plan *p, size_t node) {
    return (int)(2 * p->n_nodes - 1 - node);
}
static int end_of_time(const tern__plan *p) { return (int)(2 * p->n_nodes); }

static size_t bytes_of(const tern__tensor *t) {
    size_t bytes = (size_t)t->count * tern__type_size(t->type);
    return (bytes + 63) & ~(size_t)63;
}

static int add_storage(tern__plan *p, size_t size, int time) {
    tern__storage *grown = tern__grow(p->context, p->storages, p->n_storages, &p->storages_capacity,
                                      p->n_storages + 1, sizeof *p->storages);
    if (!grown) return -1;
    p->storages = grown;
    p->storages[p->n_storages] = (tern__storage){size, 0, time, time};
    return (int)p->n_storages++;
}

/* Does the root of this value live in the arena at all? */
static bool in_arena(const tern__plan *p, int root) {
    const tern__plan_value *v = &p->values[root];
    return v->kind == TERN__COMPUTED && !v->external && !v->tensor.data;
}

/* Records that a value's bytes are needed at a time. */
static tern_status touch(tern__plan *p, int value, int time) {
    if (value < 0) return TERN_OK;
    int root = tern__plan_root(p, value);
    if (!in_arena(p, root)) return TERN_OK;
    tern__plan_value *v = &p->values[root];
    if (v->storage < 0 && (v->storage = add_storage(p, bytes_of(&v->tensor), time)) < 0)
        return TERN_ERR_MEMORY;
    tern__storage *s = &p->storages[v->storage];
    if (time < s->first) s->first = time;
    if (time > s->last) s->last = time;
    return TERN_OK;
}

static tern_status touch_list(tern__plan *p, const int *values, int count, int time) {
    tern_status st = TERN_OK;
    for (int i = 0; !st && i < count; i++) st = touch(p, values[i], time);
    return st;
}

static tern_status touch_backward(tern__plan *p, size_t i) {
    tern__plan_node *n = &p->nodes[i];
    int time = backward_time(p, i);
    tern_status st = touch_list(p, n->output_gradients, n->n_outputs, time);
    if (!st) st = touch_list(p, n->input_gradients, n->n_inputs, time);
    for (int k = 0; !st && k < n->n_inputs; k++)
        if (n->op->needs & TERN__NEEDS_INPUT(k < 15 ? k : 15)) st = touch(p, n->inputs[k], time);
    for (int k = 0; !st && k < n->n_outputs; k++) {
        bool needed = n->op->needs & TERN__NEEDS_OUTPUT(k < 15 ? k : 15);
        if (n->activation && k == 0 && !n->op->own_activation_gradient) needed = true;
        if (needed) st = touch(p, n->outputs[k], time);
    }
    return st;
}

static tern_status lifetimes(tern__plan *p) {
    tern_status st = TERN_OK;
    for (size_t i = 0; !st && i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        if (n->dead) continue;
        st = touch_list(p, n->inputs, n->n_inputs, forward_time(i));
        if (!st) st = touch_list(p, n->outputs, n->n_outputs, forward_time(i));
        if (!st && n->backward) st = touch_backward(p, i);
    }
    for (size_t i = 0; !st && i < p->graph->n_outputs; i++) {
        st = touch(p, p->outputs[i], end_of_time(p));
        int root = tern__plan_root(p, p->outputs[i]), g = p->values[root].gradient;
        if (!st && g >= 0 && p->options.seeded && p->options.seeded[i])
            st = touch(p, g, (int)p->n_nodes - 1);
    }
    for (size_t i = 0; !st && p->options.input_gradients && i < p->graph->n_inputs; i++)
        if (p->values[p->inputs[i]].gradient >= 0)
            st = touch(p, p->values[p->inputs[i]].gradient, end_of_time(p));
    return st;
}

static void share(tern__plan *p, int from, int to, int time) {
    from = from < 0 ? -1 : tern__plan_root(p, from);
    to = to < 0 ? -1 : tern__plan_root(p, to);
    if (from < 0 || to < 0 || from == to || !in_arena(p, from) || !in_arena(p, to)) return;
    tern__plan_value *a = &p->values[from], *b = &p->values[to];
    if (a->storage < 0 || b->storage < 0 || a->storage == b->storage) return;
    if (a->tensor.count != b->tensor.count) return; /* repeated: read again after it is written */
    tern__storage *s = &p->storages[a->storage], *t = &p->storages[b->storage];
    if (s->last != time || t->first != time || s->size != t->size) return;
    s->last = t->last; /* b moves in; its own storage becomes empty */
    t->size = 0;
    b->storage = a->storage;
}

/* An elementwise operator writes over its input where nobody needs that any more. */
static void in_place(tern__plan *p) {
    if (p->options.unfused) return;
    for (size_t i = 0; i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        if (!n->dead && n->op->in_place && n->outputs[0] >= 0)
            share(p, n->inputs[0], n->outputs[0], forward_time(i));
    }
    for (size_t i = p->n_nodes; i-- > 0;) {
        tern__plan_node *n = &p->nodes[i];
        if (!n->dead && n->backward && n->op->in_place && n->input_gradients[0] >= 0 &&
            !n->accumulate[0])
            share(p, n->output_gradients[0], n->input_gradients[0], backward_time(p, i));
    }
}

static tern_status add_scratch(tern__plan *p, size_t size, int first, int last, int *storage) {
    *storage = -1;
    if (!size) return TERN_OK;
    if ((*storage = add_storage(p, (size + 63) & ~(size_t)63, first)) < 0) return TERN_ERR_MEMORY;
    p->storages[*storage].last = last;
    return TERN_OK;
}

/* State and workspaces as prepare() asked for them. At inference the state is no part of the arena:
 * it stays. */
static tern_status scratch(tern__plan *p) {
    tern_status st = TERN_OK;
    for (size_t i = 0; !st && i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        const tern__step *s = &p->steps[i];
        n->state = n->workspace = n->backward_workspace = -1;
        if (n->dead) continue;
        int now = forward_time(i), then = n->backward ? backward_time(p, i) : now;
        st = add_scratch(p, s->workspace_size, now, now, &n->workspace);
        if (!st && n->backward)
            st = add_scratch(p, s->backward_workspace_size, then, then, &n->backward_workspace);
        if (!st && p->options.training) st = add_scratch(p, s->state_size, now, then, &n->state);
    }
    return st;
}

tern_status tern__plan_storages(tern__plan *p) {
    tern_status st = lifetimes(p);
    if (st) return st;
    in_place(p);
    return scratch(p);
}
