/* One model of several that were trained from one: each weight the mean of theirs. Source: Wortsman
 * et al. 2022, "Model soups". */
#include "core/graph/model.h"

#include <tern/transfer.h>

#include <string.h>

static bool same_value(const tern__value *a, const tern__value *b) {
    return !strcmp(a->name, b->name) && !a->data == !b->data && a->shape.type == b->shape.type &&
           tern__shape_fits(&a->shape, &b->shape);
}

static bool same_attribute(const tern__attribute *attribute, const tern__node *a,
                           const tern__node *b) {
    const void *at = (const char *)a->attributes + attribute->offset;
    const void *bt = (const char *)b->attributes + attribute->offset;
    switch (attribute->type) {
    case TERN_ATTRIBUTE_INT:
        return *(const int64_t *)at == *(const int64_t *)bt;
    case TERN_ATTRIBUTE_FLOAT:
        return *(const float *)at == *(const float *)bt;
    case TERN_ATTRIBUTE_STRING:
        return !strcmp(((const tern__string *)at)->at, ((const tern__string *)bt)->at);
    default: {
        const tern__ints *ai = at, *bi = bt;
        return ai->count == bi->count &&
               !memcmp(ai->at, bi->at, (size_t)ai->count * sizeof *ai->at);
    }
    }
}

static bool same_node(const tern__node *a, const tern__node *b) {
    if (a->op != b->op || a->n_inputs != b->n_inputs || a->n_outputs != b->n_outputs ||
        memcmp(a->inputs, b->inputs, (size_t)a->n_inputs * sizeof *a->inputs))
        return false;
    for (const tern__attribute *t = a->op->attributes; t && t->name; t++)
        if (!same_attribute(t, a, b)) return false;
    return true;
}

static bool same_network(const tern_graph *a, const tern_graph *b) {
    if (a->n_values != b->n_values || a->n_nodes != b->n_nodes || a->n_outputs != b->n_outputs)
        return false;
    for (size_t i = 0; i < a->n_values; i++)
        if (!same_value(&a->values[i], &b->values[i])) return false;
    for (size_t i = 0; i < a->n_nodes; i++)
        if (!same_node(&a->nodes[i], &b->nodes[i])) return false;
    return true;
}

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

static tern_status check_models(const tern_model *const *models, size_t count) {
    tern_context *c = models[0]->context;
    const char *labels = tern_model_metadata(models[0], "tern.labels");
    if (count < 2)
        return tern__fail(c, TERN_ERR_ARGUMENT, "the mean of %zu models; it takes two or more",
                          count);
    for (size_t k = 1; k < count; k++) {
        if (!same_network(models[0]->graph, models[k]->graph))
            return tern__fail(
                c, TERN_ERR_ARGUMENT,
                "model %zu is another network than model 1: only weights of one network have "
                "a mean",
                k + 1);
        if (!same_text(labels, tern_model_metadata(models[k], "tern.labels")))
            return tern__fail(c, TERN_ERR_ARGUMENT, "model %zu has other labels than model 1",
                              k + 1);
    }
    return TERN_OK;
}

tern_status tern_model_average(tern_model **average, const tern_model *const *models,
                               size_t count) {
    tern_graph *graph;
    *average = NULL;
    tern_status st = check_models(models, count);
    if (st == TERN_OK) st = tern_graph_clone(&graph, models[0]->graph);
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < graph->n_values; i++) {
        const tern__value *v = &graph->values[i];
        if (!v->data || v->shape.type != TERN_FLOAT) continue;
        float *mean = v->data;
        for (int64_t n = 0; n < tern__shape_count(&v->shape); n++) {
            double sum = 0;
            for (size_t k = 0; k < count; k++)
                sum += ((const float *)models[k]->graph->values[i].data)[n];
            mean[n] = (float)(sum / (double)count);
        }
    }
    if ((st = tern__model_take(average, graph)) != TERN_OK) return st;
    if ((st = tern__model_copy_metadata(*average, models[0])) != TERN_OK) {
        tern_model_free(*average);
        *average = NULL;
    }
    return st;
}
