/* A model from the inside: a graph nobody changes any more, and its metadata. */
#ifndef TERN_CORE_MODEL_H
#define TERN_CORE_MODEL_H

#include "graph.h"
#include <tern/model.h>

typedef struct tern__entry {
    char *key, *value;
} tern__entry;

struct tern_model {
    tern_context *context;
    char *path; /* of the file that it was read from, or NULL */
    tern_graph *graph;
    tern__entry *metadata; /* in the order they were first set */
    size_t n_metadata, metadata_capacity;
};

/* Makes a model that owns this graph; on failure the graph is freed as well. */
tern_status tern__model_take(tern_model **model, tern_graph *graph);
tern_status tern__model_copy_metadata(tern_model *to, const tern_model *from);

#endif
