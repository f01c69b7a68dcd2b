/* Models: ownership and metadata. Reading and writing files is onnx_read.c's and onnx_write.c's. */
#include "model.h"

#include <string.h>

tern_status tern__model_take(tern_model **model, tern_graph *graph) {
    *model = NULL;
    tern_status st = tern_graph_check(graph);
    tern_model *m = st ? NULL : tern__calloc(graph->context, 1, sizeof *m);
    if (!m) {
        tern_status failed = st ? st : TERN_ERR_MEMORY;
        tern_graph_free(graph);
        return failed;
    }
    m->context = graph->context;
    m->graph = graph;
    *model = m;
    return TERN_OK;
}

tern_status tern_model_create(tern_model **model, const tern_graph *graph) {
    *model = NULL;
    tern_graph *copy;
    tern_status st = tern_graph_clone(&copy, graph);
    return st ? st : tern__model_take(model, copy);
}

static void free_entry(tern_context *c, tern__entry *e) {
    tern__free(c, e->key);
    tern__free(c, e->value);
}

void tern_model_free(tern_model *m) {
    if (!m) return;
    for (size_t i = 0; i < m->n_metadata; i++) free_entry(m->context, &m->metadata[i]);
    tern__free(m->context, m->metadata);
    tern__free(m->context, m->path);
    tern_graph_free(m->graph);
    tern__free(m->context, m);
}

static tern__entry *find(const tern_model *m, const char *key) {
    for (size_t i = 0; i < m->n_metadata; i++)
        if (strcmp(m->metadata[i].key, key) == 0) return &m->metadata[i];
    return NULL;
}

const char *tern_model_metadata(const tern_model *m, const char *key) {
    const tern__entry *e = find(m, key);
    return e ? e->value : NULL;
}

tern_status tern_model_set_metadata(tern_model *m, const char *key, const char *value) {
    tern_context *c = m->context;
    tern__entry *e = find(m, key);
    if (!value) {
        if (!e) return TERN_OK;
        free_entry(c, e);
        memmove(e, e + 1, (size_t)(m->metadata + m->n_metadata - e - 1) * sizeof *e);
        m->n_metadata--;
        return TERN_OK;
    }
    tern__entry made = {e ? NULL : tern__strdup(c, key), tern__strdup(c, value)};
    if (!made.value || (!e && !made.key)) {
        free_entry(c, &made);
        return TERN_ERR_MEMORY;
    }
    if (e) {
        tern__free(c, e->value);
        e->value = made.value;
        return TERN_OK;
    }
    tern__entry *grown = tern__grow(c, m->metadata, m->n_metadata, &m->metadata_capacity,
                                    m->n_metadata + 1, sizeof *m->metadata);
    if (!grown) {
        free_entry(c, &made);
        return TERN_ERR_MEMORY;
    }
    m->metadata = grown;
    m->metadata[m->n_metadata++] = made;
    return TERN_OK;
}

const tern_graph *tern_model_graph(const tern_model *m) { return m->graph; }

tern_status tern__model_copy_metadata(tern_model *to, const tern_model *from) {
    tern_status st = TERN_OK;
    for (size_t i = 0; st == TERN_OK && i < from->n_metadata; i++)
        st = tern_model_set_metadata(to, from->metadata[i].key, from->metadata[i].value);
    return st;
}
