/* One training step at a time: a network with its loss, a plan per shape, gradients, an
 * optimiser. What a step of the optimiser does is optimizer.c's. */
#include "trainer.h"

#include "core/graph/model.h"

#include <math.h>
#include <string.h>

/* ---- which weights ---- */

/* How a parameter is used; decides decay, row norms and the form of its gradient. */
typedef struct use {
    int readers; /* nodes and outputs that read it */
    bool bias;   /* bias of a layer, scale or shift of a normalisation, slope of an activation */
    bool dense;  /* weight of a dense layer, a row per unit */
    int tables;  /* how many of them are Gather along axis 0 */
    bool given;  /* those take inputs of the network as they are for numbers */
} use;

static int64_t int_attribute(const tern__node *n, const char *name) {
    const int64_t *value = tern__attribute_at(n->op, n->attributes, name);
    return value ? *value : 0;
}

static int input_number(const tern_graph *g, int value) {
    for (size_t i = 0; i < g->n_inputs; i++)
        if (g->inputs[i] == value) return (int)i;
    return -1;
}

static use use_of(const tern_graph *g, int value) {
    use u = {.given = true};
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        const tern__traits *of = &n->op->traits;
        const tern__layer *l = &of->layer;
        bool dense = l->kind == TERN__DENSE && l->unit_axis(n->attributes) == 0;
        for (int k = 0; k < n->n_inputs; k++) {
            if (n->inputs[k] != value) continue;
            u.readers++;
            u.bias |= (of->normalisation && (k == 1 || k == 2)) || (l->bias && k == l->bias) ||
                      (of->activation && k > 0);
            u.dense |= dense && k == l->weight;
            if (!of->looks_up || k != 0 || int_attribute(n, "axis") != 0) continue;
            u.tables++;
            u.given &= input_number(g, n->inputs[1]) >= 0;
        }
    }
    for (size_t i = 0; i < g->n_outputs; i++) u.readers += g->outputs[i] == value;
    return u;
}

static size_t count_kind(const tern_graph *g, tern__value_kind kind) {
    size_t n = 0;
    for (size_t i = 0; i < g->n_values; i++)
        n += g->values[i].kind == kind && g->values[i].shape.type == TERN_FLOAT;
    return n;
}

static tern_status make_gradient(tern_context *c, tern__tensor *t, const tern__shape *shape,
                                 bool sparse) {
    *t = (tern__tensor){.type = TERN_FLOAT, .rank = shape->rank, .count = tern__shape_count(shape)};
    memcpy(t->dims, shape->dims, sizeof t->dims);
    if (!sparse) {
        /* Zero: a weight that the loss does not depend on has no step that writes here. */
        t->data = tern__calloc(c, (size_t)t->count, sizeof(float));
        return t->data ? TERN_OK : TERN_ERR_MEMORY;
    }
    t->rows_capacity = 1; /* fit_tables makes it what a plan needs */
    t->rows = tern__calloc(c, 1, sizeof *t->rows);
    t->data = tern__calloc(c, (size_t)(t->count / t->dims[0]), sizeof(float));
    return t->rows && t->data ? TERN_OK : TERN_ERR_MEMORY;
}

static tern_status describe_weight(tern_trainer *t, const tern_optimizer_options *o, int value,
                                   size_t number, tern__weight *w) {
    const tern__value *v = &t->graph->values[value];
    use u = use_of(t->graph, value);
    int64_t count = tern__shape_count(&v->shape), rows = v->shape.rank ? v->shape.dims[0] : 1;
    bool named = o->max_norm_weight && strcmp(o->max_norm_weight, v->name) == 0;
    if (count < 1)
        return tern__fail(t->context, TERN_ERR_SHAPE, "weight '%s' has no elements", v->name);
    t->weight_values[number] = value;
    t->gradient_of[value] = &t->gradients[number];
    *w = (tern__weight){
        .name = v->name,
        .data = v->data,
        .rows = rows,
        .row = count / rows,
        .decays = !o->decay_matrices_only || !(u.bias || v->shape.rank < 2),
        .capped = o->max_norm > 0 && (o->max_norm_weight ? named : u.dense),
        .gradient = &t->gradients[number],
        .lazy = u.given, /* the rows are known before forward */
    };
    return make_gradient(t->context, &t->gradients[number], &v->shape,
                         u.tables && u.tables == u.readers && v->shape.rank > 1);
}

static tern_status make_optimizer(tern_trainer *t, const tern_optimizer_options *o) {
    tern_context *c = t->context;
    tern_graph *g = t->graph;
    size_t n_weights = count_kind(g, TERN__PARAMETER), n_buffers = count_kind(g, TERN__BUFFER);
    tern__weight *weights = tern__calloc(c, n_weights, sizeof *weights);
    tern__buffer *buffers = tern__calloc(c, n_buffers, sizeof *buffers);
    t->weight_values = tern__calloc(c, n_weights, sizeof *t->weight_values);
    t->buffer_values = tern__calloc(c, n_buffers, sizeof *t->buffer_values);
    t->gradients = tern__calloc(c, n_weights, sizeof *t->gradients);
    t->gradient_of = tern__calloc(c, g->n_values, sizeof *t->gradient_of);
    t->seeded = tern__calloc(c, g->n_outputs, sizeof *t->seeded);
    bool allocated = weights && buffers && t->weight_values && t->buffer_values && t->gradients &&
                     t->gradient_of && t->seeded;
    if (allocated) t->seeded[t->network.outputs] = true; /* only the loss */
    tern_status st = allocated ? TERN_OK : TERN_ERR_MEMORY;
    size_t w = 0, b = 0;
    int64_t buffered = 0;
    bool capped = false;
    for (size_t i = 0; st == TERN_OK && i < g->n_values; i++) {
        const tern__value *v = &g->values[i];
        if (v->shape.type != TERN_FLOAT) continue;
        if (v->kind == TERN__PARAMETER) {
            st = describe_weight(t, o, (int)i, w, &weights[w]);
            capped |= weights[w++].capped;
        } else if (v->kind == TERN__BUFFER) {
            t->buffer_values[b] = (int)i;
            buffers[b] = (tern__buffer){v->name, v->data, NULL, tern__shape_count(&v->shape)};
            buffered += buffers[b++].count;
        }
    }
    if (st == TERN_OK && !n_weights)
        st = tern__fail(c, TERN_ERR_ARGUMENT, "the network has no weights that can be trained");
    if (st == TERN_OK && o->max_norm > 0 && !capped)
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "optimizer: max_norm is set, but the network has no %s%s",
                        o->max_norm_weight ? "trainable weight " : "dense layer",
                        o->max_norm_weight ? o->max_norm_weight : "");
    if (st == TERN_OK && !(t->kept_buffers = tern__calloc(c, (size_t)buffered, sizeof(float))))
        st = TERN_ERR_MEMORY;
    if (st == TERN_OK)
        st = tern__optimizer_create(&t->optimizer, c, o, weights, n_weights, buffers, n_buffers);
    tern__free(c, weights);
    tern__free(c, buffers);
    return st;
}

/* ---- making and freeing ---- */

static tern_status keep_loss(tern_trainer *t, const tern_loss_options *o) {
    tern_status st = tern__loss_check(t->context, o);
    if (st != TERN_OK) return st;
    t->loss = *o;
    if (!o->class_weights) return TERN_OK;
    size_t bytes = o->n_class_weights * sizeof(float);
    if (!(t->class_weights = tern__alloc(t->context, bytes))) return TERN_ERR_MEMORY;
    memcpy(t->class_weights, o->class_weights, bytes);
    t->loss.class_weights = t->class_weights;
    return TERN_OK;
}

tern_status tern_trainer_create(tern_trainer **trainer, const tern_graph *graph,
                                const tern_trainer_options *options) {
    *trainer = NULL;
    tern_context *c = graph->context;
    tern_status st = tern_graph_check(graph);
    if (st != TERN_OK) return st;
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    if (options && options->size != sizeof o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "trainer: options.size is %zu, this library expects %zu", options->size,
                          sizeof o);
    if (options) o = *options;
    if (graph->n_inputs >= TERN__CACHED_INPUTS)
        return tern__fail(c, TERN_ERR_LIMIT,
                          "the network has %zu inputs, a trainer takes %d at most", graph->n_inputs,
                          TERN__CACHED_INPUTS - 1);
    if ((st = tern__optimizer_resolve(c, &o.optimizer)) != TERN_OK) return st;
    tern_trainer *t = tern__calloc(c, 1, sizeof *t);
    if (!t) return TERN_ERR_MEMORY;
    t->context = c;
    t->seed = o.seed;
    t->target = o.loss.kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY ? TERN_INT64 : TERN_FLOAT;
    if (o.target) t->target = o.target;
    if ((st = keep_loss(t, &o.loss)) != TERN_OK ||
        (st = tern_graph_clone(&t->graph, graph)) != TERN_OK ||
        (st = tern__loss_append(t->graph, &t->loss, t->target, true, &t->network)) != TERN_OK ||
        (st = make_optimizer(t, &o.optimizer)) != TERN_OK)
        goto fail;
    t->plans = (tern__plan_cache){
        .graph = t->graph,
        .options = {.training = true, .seeded = t->seeded, .weight_gradients = t->gradient_of}};
    *trainer = t;
    return TERN_OK;
fail:
    tern_trainer_free(t);
    return st;
}

void tern_trainer_free(tern_trainer *t) {
    if (!t) return;
    tern_context *c = t->context;
    tern__plan_cache_clear(&t->plans);
    size_t n_weights = t->gradients ? count_kind(t->graph, TERN__PARAMETER) : 0;
    for (size_t i = 0; i < n_weights; i++) {
        tern__free(c, t->gradients[i].data);
        tern__free(c, t->gradients[i].rows);
    }
    tern__optimizer_free(t->optimizer);
    tern__free(c, t->kept_buffers);
    tern__free(c, t->seeded);
    tern__free(c, t->gradient_of);
    tern__free(c, t->gradients);
    tern__free(c, t->buffer_values);
    tern__free(c, t->weight_values);
    tern__free(c, t->class_weights);
    tern_graph_free(t->graph);
    tern__free(c, t);
}

static tern_status fit_table(tern_context *c, tern__tensor *g, int64_t rows) {
    if (rows > g->dims[0]) rows = g->dims[0];
    if (rows <= g->rows_capacity) return TERN_OK;
    int64_t *numbers = tern__calloc(c, (size_t)rows, sizeof *numbers);
    float *data = tern__calloc(c, (size_t)(g->count / g->dims[0] * rows), sizeof *data);
    if (!numbers || !data) {
        tern__free(c, numbers);
        tern__free(c, data);
        return TERN_ERR_MEMORY;
    }
    tern__free(c, g->rows);
    tern__free(c, g->data);
    g->rows = numbers;
    g->data = data;
    g->rows_capacity = rows;
    g->rows_used = 0;
    return TERN_OK;
}

/* A sparse gradient has room for as many rows as one run of the plan can touch. */
static tern_status fit_tables(tern_trainer *t, const tern__plan *plan) {
    int n_steps;
    const tern__step *steps = tern__plan_steps(plan, &n_steps);
    tern_status st = TERN_OK;
    for (size_t i = 0; st == TERN_OK && i < t->optimizer->n_weights; i++) {
        tern__tensor *g = &t->gradients[i];
        int64_t ids = 0;
        for (int k = 0; g->rows && k < n_steps; k++)
            if (steps[k].n_inputs > 1 && steps[k].input_grads[0] == g)
                ids += steps[k].inputs[1]->count;
        if (g->rows) st = fit_table(t->context, g, ids);
    }
    return st;
}

/* ---- a step ---- */

/* Makes up for what the rows that this run reads have missed (see optimizer_lazy.c). */
static void refresh_tables(tern_trainer *t, const tern_tensor *inputs) {
    const tern_graph *g = t->graph;
    for (size_t i = 0; t->optimizer->any_lazy && i < t->optimizer->n_weights; i++)
        for (size_t k = 0; t->optimizer->weights[i].lazy && k < g->n_nodes; k++) {
            const tern__node *n = &g->nodes[k];
            if (n->n_inputs < 2 || n->inputs[0] != t->weight_values[i]) continue;
            const tern_tensor *ids = &inputs[input_number(g, n->inputs[1])];
            int64_t count = 1;
            for (int d = 0; d < ids->rank; d++) count *= ids->dims[d];
            tern__optimizer_refresh(t->optimizer, i, ids->data, count);
        }
}

static void clear_padding(tern_trainer *t) {
    for (size_t i = 0; i < t->optimizer->n_weights; i++) {
        tern__tensor *g = &t->gradients[i];
        bool there = !g->rows || (g->rows_used && g->rows[0] == 0);
        if (t->graph->values[t->weight_values[i]].padding_row && there)
            memset(g->data, 0, (size_t)(g->count / g->dims[0]) * sizeof(float));
    }
}

static void copy_buffers(tern_trainer *t, bool back) {
    float *kept = t->kept_buffers;
    for (size_t i = 0; i < t->optimizer->n_buffers; i++) {
        tern__buffer *b = &t->optimizer->buffers[i];
        size_t bytes = (size_t)b->count * sizeof(float);
        if (back)
            memcpy(b->data, kept, bytes);
        else
            memcpy(kept, b->data, bytes);
        kept += b->count;
    }
}

tern_status tern_trainer_step(tern_trainer *t, const tern_tensor *inputs, size_t n_inputs,
                              const tern_tensor *target, double *loss) {
    if (n_inputs != t->network.inputs)
        return tern__fail(t->context, TERN_ERR_ARGUMENT,
                          "%zu inputs were given, the network has %zu", n_inputs,
                          t->network.inputs);
    tern_tensor all[TERN__CACHED_INPUTS];
    memcpy(all, inputs, n_inputs * sizeof *all);
    all[n_inputs] = *target;
    tern__plan *plan;
    bool made;
    t->last = NULL;
    tern_status st = tern__plan_cache_get(&t->plans, all, &plan, &made);
    if (st == TERN_OK && made && (st = fit_tables(t, plan)) != TERN_OK)
        tern__plan_cache_clear(&t->plans);
    if (st != TERN_OK) return st;
    t->last = plan;
    int loss_output = (int)t->network.outputs;
    copy_buffers(t, false);
    refresh_tables(t, all);
    st = tern__plan_forward(plan, all, t->seed, (uint64_t)t->draws);
    t->draws++;
    if (st != TERN_OK) {
        copy_buffers(t, true);
        return st;
    }
    double value = ((const float *)tern__plan_output(plan, loss_output)->data)[0];
    if (isfinite(value)) {
        tern__plan_output_gradient(plan, loss_output)[0] = 1;
        tern__plan_backward(plan);
        clear_padding(t);
        if (!tern__optimizer_step(t->optimizer)) value = NAN;
    }
    if (!isfinite(value)) copy_buffers(t, true);
    if (loss) *loss = value;
    return TERN_OK;
}

tern_status tern_trainer_output(const tern_trainer *t, size_t output, tern_tensor *view) {
    if (!t->last || output >= t->network.outputs)
        return tern__fail(t->context, TERN_ERR_ARGUMENT, "trainer: output %zu of %zu%s", output,
                          t->network.outputs, t->last ? "" : ", before the first step");
    const tern__tensor *o = tern__plan_output(t->last, (int)output);
    *view = (tern_tensor){.type = o->type, .rank = o->rank, .data = o->data};
    memcpy(view->dims, o->dims, sizeof view->dims);
    return TERN_OK;
}

void tern_trainer_set_learning_rate(tern_trainer *t, double learning_rate) {
    t->optimizer->learning_rate = learning_rate;
}

void tern_trainer_set_momentum(tern_trainer *t, double momentum) {
    t->optimizer->momentum = momentum;
}

double tern_trainer_gradient_norm(const tern_trainer *t) { return t->optimizer->norm; }

int64_t tern_trainer_steps(const tern_trainer *t) { return t->optimizer->steps; }

size_t tern_trainer_memory(const tern_trainer *t) {
    size_t bytes = tern__optimizer_memory(t->optimizer);
    for (size_t i = 0; i < t->optimizer->n_weights; i++) {
        const tern__tensor *g = &t->gradients[i];
        int64_t count = g->rows ? g->rows_capacity * (g->count / g->dims[0]) : g->count;
        bytes += (size_t)count * sizeof(float);
    }
    return bytes + tern__plan_cache_memory(&t->plans);
}

/* ---- out of it ---- */

static void take_average(tern_graph *g, int value, const float *average, int64_t count) {
    if (average) memcpy(g->values[value].data, average, (size_t)count * sizeof(float));
}

tern_status tern__trainer_network(tern_graph **graph, const tern_trainer *t, bool averaged) {
    tern_status st = tern_graph_clone(graph, t->graph);
    if (st != TERN_OK) return st;
    tern__graph_truncate(*graph, &t->network);
    const tern__optimizer *o = t->optimizer;
    for (size_t i = 0; i < o->n_weights; i++)
        if (o->weights[i].lazy || (averaged && o->weights[i].average))
            tern__optimizer_copy(o, i, averaged, (*graph)->values[t->weight_values[i]].data);
    for (size_t i = 0; averaged && i < o->n_buffers; i++)
        take_average(*graph, t->buffer_values[i], o->buffers[i].average, o->buffers[i].count);
    return TERN_OK;
}

tern_status tern_trainer_model(tern_model **model, const tern_trainer *t, bool averaged) {
    *model = NULL;
    tern_graph *graph;
    tern_status st = tern__trainer_network(&graph, t, averaged);
    return st != TERN_OK ? st : tern__model_take(model, graph);
}

static bool all_finite(const float *x, int64_t n) {
    bool finite = true;
    for (int64_t i = 0; x && i < n; i++) finite &= isfinite(x[i]) != 0;
    return finite;
}

bool tern__trainer_finite(const tern_trainer *t) {
    const tern__optimizer *o = t->optimizer;
    for (size_t i = 0; i < o->n_weights; i++) {
        const tern__weight *w = &o->weights[i];
        int64_t n = w->rows * w->row;
        if (!all_finite(w->data, n) || !all_finite(w->average, n) ||
            !all_finite(w->moments[0], n) || !all_finite(w->moments[1], n))
            return false;
    }
    for (size_t i = 0; i < o->n_buffers; i++)
        if (!all_finite(o->buffers[i].data, o->buffers[i].count)) return false;
    return true;
}
