/* Training what comes after a frozen beginning: that is run once over the data, and its outputs are
 * what the rest is trained on. */
#include "dataset.h"
#include "core/graph/surgery.h"
#include "training.h"

#include <tern/transfer.h>

#include <string.h>

#define MOST_BYTES 4e9 /* of kept outputs */

/* Whether a node, or one that it depends on, has weights that training changes. */
static void mark_trained(const tern_graph *g, bool *trained) {
    for (size_t i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_inputs; k++) {
            const int v = g->nodes[i].inputs[k];
            const tern__value *w = v < 0 ? NULL : &g->values[v];
            if (!w) continue;
            trained[i] |= w->kind == TERN__PARAMETER || w->kind == TERN__BUFFER ||
                          (w->producer >= 0 && trained[w->producer]);
        }
}

/* The only value that the frozen beginning gives to the rest; -1: there is none, or several. */
static int find_border(const tern_graph *g, const bool *trained) {
    int border = -1;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (int k = 0; trained[i] && k < g->nodes[i].n_inputs; k++) {
            const int v = g->nodes[i].inputs[k];
            if (v < 0 || g->values[v].data) continue;
            const int producer = g->values[v].producer;
            if (producer >= 0 && trained[producer]) continue;
            if (producer < 0 || (border >= 0 && border != v)) return -1;
            border = v;
        }
    return border;
}

/* The border's values for all samples, as a data set of arrays. */
typedef struct kept {
    tern_context *context;
    float *vectors;
    int64_t *classes;
    tern_dataset *dataset;
} kept;

static void release(kept *k) {
    tern_dataset_free(k->dataset);
    tern__free(k->context, k->vectors);
    tern__free(k->context, k->classes);
}

/* shape: of the border, without the batch all known. */
static tern_status run_beginning(kept *k, const tern_model *beginning, const tern_dataset *data,
                                 const tern__shape *shape) {
    int64_t length;
    tern_status st = tern_model_run(&k->vectors, &length, beginning, data, 64);
    if (st != TERN_OK) return st;
    const int64_t n = tern_dataset_count(data);
    if (!(k->classes = tern__calloc(k->context, (size_t)n, sizeof *k->classes)))
        return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) k->classes[i] = tern_dataset_class(data, i);
    tern_tensor input = {.type = TERN_FLOAT, .rank = shape->rank, .data = k->vectors};
    memcpy(input.dims, shape->dims, sizeof input.dims);
    input.dims[0] = n;
    const tern_tensor target = {TERN_INT64, 1, {n}, k->classes};
    return tern_dataset_arrays(&k->dataset, k->context, &input, 1, &target);
}

/* Known but for the batch, and small enough for all samples. */
static bool can_be_kept(const tern__shape *s, const tern_dataset *data,
                        const tern_dataset *validation) {
    double bytes = sizeof(float);
    for (int i = 1; i < s->rank; i++) {
        if (s->dims[i] < 1) return false;
        bytes *= (double)s->dims[i];
    }
    bytes *= (double)(tern_dataset_count(data) + (validation ? tern_dataset_count(validation) : 0));
    return s->type == TERN_FLOAT && s->rank >= 2 && bytes <= MOST_BYTES &&
           tern_dataset_class(data, 0) >= 0;
}

/* The whole network with the weights of the trained rest, which have the same names. */
static tern_status join(tern_model **model, const tern_graph *graph, const tern_graph *rest) {
    tern_graph *whole;
    tern_status st = tern_graph_clone(&whole, graph);
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < rest->n_values; i++) {
        const tern__value *from = &rest->values[i];
        const int to = from->data ? tern__graph_find(whole, from->name) : -1;
        if (to >= 0)
            memcpy(whole->values[to].data, from->data,
                   (size_t)tern__shape_count(&from->shape) * tern__type_size(from->shape.type));
    }
    st = tern_model_create(model, whole);
    tern_graph_free(whole);
    return st;
}

static tern_status train_rest(tern_model **model, const tern_graph *graph, int border,
                              tern_dataset *data, const tern_train_options *options) {
    tern_context *c = graph->context;
    tern_graph *parts[2] = {NULL, NULL};
    tern_model *beginning = NULL, *rest = NULL;
    kept kept_data = {.context = c}, kept_validation = {.context = c};
    tern_train_options o = *options;
    const tern__shape *shape = &graph->values[border].shape;
    const int ends[2] = {border, graph->outputs[0]};
    tern_status st = tern__training_spare_data(c, options, data);
    for (int i = 0; st == TERN_OK && i < 2; i++)
        st = tern__graph_operate(
            &parts[i], &(tern__surgery){
                           .from = graph, .output = ends[i], .input = i ? border : -1, .last = -1});
    if (st == TERN_OK) st = tern_model_create(&beginning, parts[0]);
    if (st == TERN_OK) st = run_beginning(&kept_data, beginning, data, shape);
    if (st == TERN_OK && o.validation) {
        st = run_beginning(&kept_validation, beginning, o.validation, shape);
        o.validation = kept_validation.dataset;
    }
    if (st == TERN_OK) st = tern_train(&rest, parts[1], kept_data.dataset, &o);
    if (st == TERN_OK) st = join(model, graph, tern_model_graph(rest));
    tern_model_free(rest);
    tern_model_free(beginning);
    release(&kept_validation);
    release(&kept_data);
    tern_graph_free(parts[1]);
    tern_graph_free(parts[0]);
    return st;
}

tern_status tern_transfer_train(tern_model **model, const tern_graph *graph, tern_dataset *data,
                                const tern_train_options *options) {
    const tern_train_options defaults = TERN_TRAIN_OPTIONS_INIT;
    *model = NULL;
    tern_status st = tern_graph_check(graph);
    if (st != TERN_OK) return st;
    if (!options) options = &defaults;
    bool *trained = tern__calloc(graph->context, graph->n_nodes, sizeof *trained);
    if (!trained) return TERN_ERR_MEMORY;
    mark_trained(graph, trained);
    const int border = graph->n_outputs == 1 ? find_border(graph, trained) : -1;
    tern__free(graph->context, trained);
    if (border < 0 || !can_be_kept(&graph->values[border].shape, data, options->validation))
        return tern_train(model, graph, data, options);
    return train_rest(model, graph, border, data, options);
}
