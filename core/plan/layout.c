/* Choosing layouts: convolutions and pooling want channels last, everything elementwise follows its
 * input, and where two neighbours disagree a Relayout node goes between them, or, where both
 * layouts are the same bytes, an alias. Also makes aliases of operators that only rename dimensions
 * (Reshape and its kin). */
#include "plan_build.h"

#include <string.h>

/* Are both layouts of this shape the same bytes? */
static bool same_bytes(const tern__tensor *t) {
    int64_t spatial = 1;
    for (int i = 2; i < t->rank; i++) spatial *= t->dims[i];
    return t->rank < 3 || t->dims[1] == 1 || spatial == 1;
}

static int add_alias(tern__plan *p, int of, const tern__tensor *shape) {
    int v = tern__plan_add_value(p, shape, p->values[of].kind);
    if (v < 0) return -1;
    p->values[v].alias = of;
    p->values[v].constant = p->values[of].constant;
    p->values[v].tensor.data = p->values[of].tensor.data;
    return v;
}

static int relayout_now(tern__plan *p, int value, const tern__tensor *wanted) {
    int v = tern__plan_add_value(p, wanted, TERN__CONSTANT);
    if (v < 0) return -1;
    p->values[v].constant = true;
    p->values[v].tensor.data =
        tern__plan_own(p, (size_t)wanted->count, tern__type_size(wanted->type));
    if (!p->values[v].tensor.data) return -1;
    tern__tensor *in[1] = {&p->values[value].tensor}, *out[1] = {&p->values[v].tensor};
    tern__step step = {.op = &tern__op_relayout,
                       .context = p->context,
                       .inputs = in,
                       .outputs = out,
                       .n_inputs = 1,
                       .n_outputs = 1};
    return tern__op_relayout.forward(&step) ? -1 : v;
}

/* The value in a layout: itself, an alias, or what a Relayout inserted before node *at computes
 * (*at moves on). */
static int in_layout(tern__plan *p, int value, tern__layout layout, size_t *at) {
    tern__tensor t = p->values[value].tensor;
    if (t.layout == layout || t.rank < 3 || t.type != TERN_FLOAT) return value;
    if (p->values[value].other >= 0) return p->values[value].other;
    t.layout = layout;
    int v;
    if (same_bytes(&t))
        v = add_alias(p, value, &t);
    else if (p->values[value].constant)
        v = relayout_now(p, value, &t);
    else {
        v = tern__plan_add_value(p, &t, TERN__COMPUTED);
        tern__plan_node *n =
            v < 0 ? NULL : tern__plan_insert(p, *at, &tern__op_relayout, "relayout", 1, 1);
        if (!n) return -1;
        n->inputs[0] = value;
        n->outputs[0] = v;
        ++*at;
    }
    if (v >= 0) {
        p->values[value].other = v;
        p->values[v].other = value;
    }
    return v;
}

/* The value with leading 1s up to a rank: plain, for channels are another axis then. */
static int in_rank(tern__plan *p, int value, int rank, size_t *at) {
    tern__tensor t = p->values[value].tensor;
    if (t.rank >= rank || t.type != TERN_FLOAT) return value;
    if ((value = in_layout(p, value, TERN__PLAIN, at)) < 0) return -1;
    t.layout = TERN__PLAIN;
    int missing = rank - t.rank;
    memmove(t.dims + missing, t.dims, (size_t)t.rank * sizeof *t.dims);
    for (int i = 0; i < missing; i++) t.dims[i] = 1;
    t.rank = rank;
    return add_alias(p, value, &t);
}

/* A Transpose that only moves between "plain" and "channels last" moves no byte: [N, L, D] seen as
 * [N, D, L] channels-last. Gives the layout that the output then has. */
static bool transpose_is_alias(const tern__plan *p, const tern__plan_node *n,
                               tern__layout *layout) {
    if (!n->op->traits.permutation) return false;
    const tern__tensor *x = &p->values[n->inputs[0]].tensor;
    const tern__ints *perm = n->op->traits.permutation(n->attributes);
    int r = x->rank;
    if (r < 3 || perm->count != r || x->type != TERN_FLOAT) return false;
    /* order[i]: the axis of x that physical axis i of y holds, for y in each layout; the same for
     * x. */
    bool to_last = true, to_plain = true;
    for (int i = 0; i < r; i++) {
        int x_axis = x->layout == TERN__PLAIN || i == 0 ? i : i == r - 1 ? 1 : i + 1;
        int y_last = i == 0 ? 0 : i == r - 1 ? 1 : i + 1;
        to_last &= perm->at[y_last] == x_axis;
        to_plain &= perm->at[i] == x_axis;
    }
    *layout = to_last ? TERN__LAST : TERN__PLAIN;
    return to_last || to_plain;
}

static tern__layouts wanted_layouts(const tern__plan *p, const tern__plan_node *n) {
    const tern__tensor *x =
        n->n_inputs && n->inputs[0] >= 0 ? &p->values[n->inputs[0]].tensor : NULL;
    if (!x || x->type != TERN_FLOAT) return TERN__ONLY_PLAIN;
    if (!n->op->choose_layouts) return n->op->layouts;
    const tern__tensor *y = &p->values[n->outputs[0]].tensor;
    tern__shape xs = {x->type, x->rank, {0}}, ys = {y->type, y->rank, {0}};
    memcpy(xs.dims, x->dims, sizeof xs.dims);
    memcpy(ys.dims, y->dims, sizeof ys.dims);
    return n->op->choose_layouts(n->attributes, &xs, &ys);
}

/* An operator of any layout goes with the first input of full rank that is channels-last. */
static tern__layout follow(const tern__plan *p, const tern__plan_node *n) {
    int rank = p->values[n->outputs[0]].tensor.rank;
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] >= 0 && !p->values[n->inputs[i]].constant) {
            const tern__tensor *t = &p->values[n->inputs[i]].tensor;
            if (t->rank == rank && t->layout == TERN__LAST) return TERN__LAST;
        }
    return TERN__PLAIN;
}

/* The node's output becomes its input's bytes under another shape or layout. */
static void make_alias(tern__plan *p, tern__plan_node *n) {
    const tern__plan_value *x = &p->values[n->inputs[0]];
    tern__plan_value *y = &p->values[n->outputs[0]];
    y->alias = n->inputs[0];
    y->constant = x->constant;
    y->tensor.data = x->tensor.data;
    n->dead = true;
}

static tern_status settle(tern__plan *p, size_t *at) {
    tern__layout alias_layout;
    if (transpose_is_alias(p, &p->nodes[*at], &alias_layout)) {
        p->values[p->nodes[*at].outputs[0]].tensor.layout = alias_layout;
        make_alias(p, &p->nodes[*at]);
        return TERN_OK;
    }
    tern__layouts wanted = wanted_layouts(p, &p->nodes[*at]);
    tern__layout layout = wanted == TERN__ONLY_LAST    ? TERN__LAST
                          : wanted == TERN__ANY_LAYOUT ? follow(p, &p->nodes[*at])
                                                       : TERN__PLAIN;
    int inputs = p->nodes[*at].n_inputs;
    for (int i = 0; i < inputs; i++) {
        int v = p->nodes[*at].inputs[i];
        if (v < 0) continue;
        if (layout == TERN__LAST && wanted == TERN__ANY_LAYOUT)
            v = in_rank(p, v, p->values[p->nodes[*at].outputs[0]].tensor.rank, at);
        tern__layout input_layout = wanted == TERN__ONLY_LAST && i > 0 ? TERN__PLAIN : layout;
        if (v >= 0) v = in_layout(p, v, input_layout, at);
        if (v < 0) return TERN_ERR_MEMORY;
        p->nodes[*at].inputs[i] = v;
    }
    tern__plan_node *n = &p->nodes[*at];
    for (int i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] < 0) continue;
        tern__tensor *t = &p->values[n->outputs[i]].tensor;
        t->layout = t->rank < 3 || t->type != TERN_FLOAT ? TERN__PLAIN : layout;
    }
    if (n->op->same_bytes) make_alias(p, n);
    return TERN_OK;
}

tern_status tern__plan_layouts(tern__plan *p) {
    for (size_t at = 0; at < p->n_nodes; at++)
        if (!p->nodes[at].dead) {
            tern_status st = settle(p, &at);
            if (st) return st;
        }
    for (size_t i = 0; i < p->graph->n_outputs; i++) {
        size_t end = p->n_nodes;
        p->outputs[i] = in_layout(p, p->outputs[i], TERN__PLAIN, &end);
        if (p->outputs[i] < 0) return TERN_ERR_MEMORY;
    }
    return TERN_OK;
}
