/* Models: a network with its weights and with everything that turns a file into its answer (front
 * end, labels, provenance), in one .onnx file. A model never changes once it is made. */
#ifndef TERN_MODEL_H
#define TERN_MODEL_H

#include <tern/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_model tern_model;

/** Makes a model of a graph (copied) and no metadata. */
TERN_API tern_status tern_model_create(tern_model **model, const tern_graph *graph);
/** Loads an .onnx file ("-": standard input). A name without a slash that is no file here is
 * searched for, with ".onnx" after it unless it ends so: "esc10" first in the folder that the
 * environment's TERN_MODELS names, then in the models installed with this library
 * (share/tern/models). Errors: TERN_ERR_IO (of a name: with the names that are there),
 * TERN_ERR_FORMAT (malformed), TERN_ERR_UNSUPPORTED (operators tern has not: all are named),
 * TERN_ERR_LIMIT. *model is NULL on failure. */
TERN_API tern_status tern_model_load(tern_model **model, tern_context *context, const char *path);
/** The same from memory; the bytes are not kept. */
TERN_API tern_status tern_model_load_memory(tern_model **model, tern_context *context,
                                            const void *bytes, size_t size);
/** Saves as .onnx, atomically: on failure whatever was at `path` is still there. The same model
 * gives the same bytes. */
TERN_API tern_status tern_model_save(const tern_model *model, const char *path);
TERN_API void tern_model_free(tern_model *model);

/** The value of a metadata key, or NULL. Valid as long as the model. */
TERN_API const char *tern_model_metadata(const tern_model *model, const char *key);
/** Sets a key before the model is shared (copies both); value NULL removes it. */
TERN_API tern_status tern_model_set_metadata(tern_model *model, const char *key, const char *value);

/** The network. Read only; clone it to change it. */
TERN_API const tern_graph *tern_model_graph(const tern_model *model);

#ifdef __cplusplus
}
#endif
#endif
