/* Reverse-mode differentiation: which nodes run backward, where gradients go, and who writes first.
 * A gradient has the shape and layout of its value; aliases of a value share its gradient's bytes.
 */
#include "plan_build.h"

static bool node_needs_gradient(const tern__plan *p, const tern__plan_node *n) {
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] >= 0 && p->values[tern__plan_root(p, n->inputs[i])].needs_gradient)
            return true;
    return false;
}

static void mark_needs(tern__plan *p) {
    for (size_t v = 0; v < p->graph->n_values; v++)
        p->values[v].needs_gradient = p->options.weight_gradients && p->options.weight_gradients[v];
    if (p->options.input_gradients)
        for (size_t i = 0; i < p->graph->n_inputs; i++)
            p->values[p->inputs[i]].needs_gradient =
                p->values[p->inputs[i]].tensor.type == TERN_FLOAT;
    for (size_t i = 0; i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        if (n->dead || !n->op->backward || !node_needs_gradient(p, n)) continue;
        for (int k = 0; k < n->n_outputs; k++)
            if (n->outputs[k] >= 0 && p->values[n->outputs[k]].tensor.type == TERN_FLOAT)
                p->values[n->outputs[k]].needs_gradient = true;
    }
}

/* The gradient of a value seen in the value's own shape, made on demand; the bytes belong to the
 * root's. */
static int gradient_of(tern__plan *p, int value) {
    if (p->values[value].gradient >= 0) return p->values[value].gradient;
    int root = tern__plan_root(p, value), root_gradient = -1;
    if (root != value && (root_gradient = gradient_of(p, root)) < 0) return -1;
    tern__tensor t = p->values[value].tensor;
    t.data = NULL;
    int g = tern__plan_add_value(p, &t, TERN__COMPUTED);
    if (g < 0) return -1;
    p->values[g].alias = root_gradient;
    p->values[value].gradient = g;
    if (root == value && (size_t)value < p->graph->n_values && p->options.weight_gradients)
        p->values[g].external = p->options.weight_gradients[value];
    return g;
}

static tern_status backward_of(tern__plan *p, tern__plan_node *n) {
    bool flows = false;
    n->output_gradients = tern__plan_own(p, (size_t)(n->n_inputs + n->n_outputs), sizeof(int));
    n->accumulate = tern__plan_own(p, (size_t)n->n_inputs, sizeof(bool));
    if (!n->output_gradients || !n->accumulate) return TERN_ERR_MEMORY;
    n->input_gradients = n->output_gradients + n->n_outputs;
    for (int k = 0; k < n->n_outputs; k++) {
        int v = n->outputs[k], root = v < 0 ? -1 : tern__plan_root(p, v);
        int g = root < 0 ? -1 : p->values[root].gradient;
        bool there = g >= 0 && p->values[g].written;
        n->output_gradients[k] = there ? gradient_of(p, v) : -1;
        flows |= there;
    }
    for (int i = 0; i < n->n_inputs; i++) n->input_gradients[i] = -1;
    if (!flows || !n->op->backward || !node_needs_gradient(p, n)) return TERN_OK;
    n->backward = true;
    for (int i = 0; i < n->n_inputs; i++) {
        int v = n->inputs[i];
        if (v < 0 || !p->values[tern__plan_root(p, v)].needs_gradient) continue;
        int g = gradient_of(p, v);
        if (g < 0) return TERN_ERR_MEMORY;
        tern__plan_value *root = &p->values[tern__plan_root(p, g)];
        n->input_gradients[i] = g;
        n->accumulate[i] = root->written;
        root->written = true;
    }
    return TERN_OK;
}

tern_status tern__plan_gradients(tern__plan *p) {
    mark_needs(p);
    for (size_t i = 0; i < p->graph->n_outputs; i++) {
        if (!p->options.seeded || !p->options.seeded[i]) continue;
        int g = gradient_of(p, p->outputs[i]);
        if (g < 0) return TERN_ERR_MEMORY;
        p->values[tern__plan_root(p, g)].written = true;
    }
    for (size_t i = p->n_nodes; i-- > 0;)
        if (!p->nodes[i].dead) {
            tern_status st = backward_of(p, &p->nodes[i]);
            if (st) return st;
        }
    return TERN_OK;
}
