/* Rewriting before layouts are chosen: drops what does nothing at inference, folds
 * BatchNormalization into the layer before it, lets operators apply the activation that follows
 * them, and makes one operator of a convolution and the maximum over time of it. */
#include "plan_build.h"

/* Who computes and how many read each plan value, kept up to date while rewriting. */
typedef struct flow {
    tern__plan *p;
    int *producer; /* node number; -1: none */
    int *uses;     /* reads by live nodes and by the graph's outputs */
} flow;

static tern__plan_node *producer(const flow *f, int value) {
    return f->producer[value] < 0 ? NULL : &f->p->nodes[f->producer[value]];
}

static tern_status trace(tern__plan *p, flow *f) {
    f->p = p;
    f->producer = tern__plan_own(p, p->n_values, sizeof *f->producer);
    f->uses = tern__plan_own(p, p->n_values, sizeof *f->uses);
    if (!f->producer || !f->uses) return TERN_ERR_MEMORY;
    for (size_t v = 0; v < p->n_values; v++) f->producer[v] = -1;
    for (size_t i = 0; i < p->n_nodes; i++) {
        const tern__plan_node *n = &p->nodes[i];
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] >= 0) f->uses[n->inputs[k]]++;
        for (int k = 0; k < n->n_outputs; k++)
            if (n->outputs[k] >= 0) f->producer[n->outputs[k]] = (int)i;
    }
    for (size_t i = 0; i < p->graph->n_outputs; i++) f->uses[p->outputs[i]]++;
    return TERN_OK;
}

static bool is_output(const tern__plan *p, int value) {
    for (size_t i = 0; i < p->graph->n_outputs; i++)
        if (p->outputs[i] == value) return true;
    return false;
}

/* What never does anything, and what does nothing at inference: readers of the output read the
 * input. */
static tern_status drop_nothings(tern__plan *p) {
    int *by = tern__plan_own(p, p->n_values, sizeof *by); /* who is read instead of a value */
    if (!by) return TERN_ERR_MEMORY;
    for (size_t v = 0; v < p->n_values; v++) by[v] = (int)v;
    for (size_t i = 0; i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] >= 0) n->inputs[k] = by[n->inputs[k]];
        bool nothing = n->op->traits.nothing == TERN__NOTHING_EVER ||
                       (n->op->traits.nothing == TERN__NOTHING_AT_INFERENCE &&
                        !p->options.training && (n->n_outputs < 2 || n->outputs[1] < 0));
        if (!nothing || is_output(p, n->outputs[0])) continue;
        by[n->outputs[0]] = n->inputs[0];
        n->dead = true;
    }
    return TERN_OK;
}

static float *weight(tern__plan *p, const tern__plan_node *n, int input) {
    if (input >= n->n_inputs || n->inputs[input] < 0) return NULL;
    tern__plan_value *v = &p->values[n->inputs[input]];
    return v->constant && v->tensor.type == TERN_FLOAT ? v->tensor.data : NULL;
}

static int new_weight(tern__plan *p, const tern__tensor *like) {
    int v = tern__plan_add_value(p, like, TERN__CONSTANT);
    if (v < 0) return -1;
    p->values[v].constant = true;
    p->values[v].tensor.data = tern__plan_own(p, (size_t)like->count, sizeof(float));
    return p->values[v].tensor.data ? v : -1;
}

/* Does anybody read what the node gives besides its first output? */
static bool gives_more(const flow *f, const tern__plan_node *n) {
    for (int k = 1; k < n->n_outputs; k++)
        if (n->outputs[k] >= 0 && f->uses[n->outputs[k]] > 0) return true;
    return false;
}

/* Is the bias one number for each of the channels, which are the last axis where it has several (a
 * Gemm's C may also be one number for each row)? */
static bool is_per_channel(const tern__tensor *bias, int64_t channels) {
    return bias->count == channels && (channels == 1 || bias->dims[bias->rank - 1] == channels);
}

/* May the layer take a factor and a shift for each unit into its weights, whose rows the units are?
 */
static bool takes_factors(const tern__plan_node *n) {
    const tern__layer *l = &n->op->traits.layer;
    return l->unit_axis && l->unit_axis(n->attributes) == 0 &&
           (!l->scales || l->scales(n->attributes));
}

static bool by_batch(const tern__plan_node *bn) {
    const int64_t *mode = tern__attribute_at(bn->op, bn->attributes, "training_mode");
    return mode && *mode;
}

/* y = (layer(x) - centre) * factor + shift, with the per-channel factor moved into the weights. */
static tern_status fold_affine(flow *f, tern__plan_node *bn) {
    tern__plan *p = f->p;
    tern__plan_node *layer = producer(f, bn->inputs[0]);
    if (by_batch(bn) || gives_more(f, bn)) return TERN_OK;
    if (!layer || layer->activation || f->uses[bn->inputs[0]] != 1) return TERN_OK;
    if (!takes_factors(layer)) return TERN_OK;
    const float *w = weight(p, layer, 1), *b = weight(p, layer, 2);
    const float *weights_of_bn[TERN__AFFINE_INPUTS] = {NULL};
    bool has_bias = layer->n_inputs > 2 && layer->inputs[2] >= 0;
    if (!w || (has_bias && !b)) return TERN_OK;
    for (int k = 1; k < bn->n_inputs; k++)
        if (!(weights_of_bn[k] = weight(p, bn, k))) return TERN_OK;
    tern__tensor weights = p->values[layer->inputs[1]].tensor,
                 channel = p->values[bn->inputs[1]].tensor;
    if (weights.dims[0] != channel.dims[0]) return TERN_OK;
    if (has_bias && !is_per_channel(&p->values[layer->inputs[2]].tensor, channel.count))
        return TERN_OK;
    int new_w = new_weight(p, &weights), new_b = new_weight(p, &channel);
    int *inputs = tern__plan_own(p, 3, sizeof *inputs);
    if (new_w < 0 || new_b < 0 || !inputs) return TERN_ERR_MEMORY;
    float *dw = p->values[new_w].tensor.data, *db = p->values[new_b].tensor.data;
    int64_t channels = weights.dims[0], each = channels ? weights.count / channels : 0;
    for (int64_t k = 0; k < channels; k++) {
        tern__affine a = bn->op->traits.affine(bn->attributes, weights_of_bn, k);
        for (int64_t i = 0; i < each; i++) dw[k * each + i] = (float)(w[k * each + i] * a.factor);
        db[k] = (float)(((b ? b[k] : 0.0) - a.centre) * a.factor + a.shift);
    }
    inputs[0] = layer->inputs[0];
    inputs[1] = new_w;
    inputs[2] = new_b;
    layer->inputs = inputs;
    layer->n_inputs = 3;
    f->producer[bn->outputs[0]] = f->producer[layer->outputs[0]];
    layer->outputs[0] = bn->outputs[0];
    bn->dead = true;
    return TERN_OK;
}

static void fuse_activations(flow *f) {
    tern__plan *p = f->p;
    for (size_t i = 0; i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        tern__activation activation = n->dead ? TERN__NONE : n->op->traits.fused_as;
        if (!activation || f->uses[n->inputs[0]] != 1) continue;
        tern__plan_node *before = producer(f, n->inputs[0]);
        if (!before || !before->op->fuses || before->activation ||
            before->outputs[0] != n->inputs[0])
            continue;
        const float *alpha = tern__attribute_at(n->op, n->attributes, "alpha");
        before->activation = activation;
        before->activation_alpha = alpha ? *alpha : 0;
        f->producer[n->outputs[0]] = f->producer[n->inputs[0]];
        before->outputs[0] = n->outputs[0];
        n->dead = true;
    }
}

/* Is y the greatest of all places of x [N, C, L], and nothing else? */
static bool is_global_maximum(const tern__plan *p, const tern__plan_node *n) {
    return n->op->traits.greatest && p->values[n->inputs[0]].tensor.rank == 3 &&
           n->op->traits.greatest(n->attributes, n->n_inputs);
}

/* Max over time of a convolution: one operator, which need not keep what the maximum is of, and
 * whose gradient only flows to the places of the maxima. The activation between them commutes with
 * the maximum because it never falls. */
static void fuse_maxima(flow *f) {
    tern__plan *p = f->p;
    for (size_t i = 0; i < p->n_nodes; i++) {
        tern__plan_node *n = &p->nodes[i];
        if (n->dead || !n->n_inputs || n->inputs[0] < 0 || !is_global_maximum(p, n)) continue;
        tern__plan_node *conv = producer(f, n->inputs[0]);
        const tern__op *both = conv && conv->op->traits.with_greatest
                                   ? conv->op->traits.with_greatest(conv->attributes)
                                   : NULL;
        if (!both || f->uses[n->inputs[0]] != 1) continue;
        conv->op = both;
        f->producer[n->outputs[0]] = f->producer[n->inputs[0]];
        conv->outputs[0] = n->outputs[0];
        n->dead = true;
    }
}

/* Nodes whose outputs nobody reads. */
static tern_status drop_unread(tern__plan *p) {
    flow f;
    tern_status st = trace(p, &f);
    for (size_t i = p->n_nodes; !st && i-- > 0;) {
        tern__plan_node *n = &p->nodes[i];
        bool read = false;
        for (int k = 0; k < n->n_outputs; k++)
            read |= n->outputs[k] >= 0 && f.uses[n->outputs[k]] > 0;
        if (read) continue;
        n->dead = true;
        for (int k = 0; k < n->n_inputs; k++)
            if (n->inputs[k] >= 0) f.uses[n->inputs[k]]--;
    }
    tern__plan_bury(p);
    return st;
}

tern_status tern__plan_fuse(tern__plan *p) {
    tern_status st = drop_unread(p);
    if (st || p->options.unfused) return st;
    if ((st = drop_nothings(p))) return st;
    tern__plan_bury(p);
    size_t before = p->n_nodes;
    flow f;
    st = trace(p, &f);
    for (size_t i = 0; !st && !p->options.training && i < before; i++)
        if (!p->nodes[i].dead && p->nodes[i].op->traits.affine) st = fold_affine(&f, &p->nodes[i]);
    if (st) return st;
    fuse_activations(&f);
    fuse_maxima(&f);
    tern__plan_bury(p);
    return TERN_OK;
}
