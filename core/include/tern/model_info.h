/* Looking into a model: its nodes with shapes, weights and work, what it takes and gives, its
 * metadata. */
#ifndef TERN_MODEL_INFO_H
#define TERN_MODEL_INFO_H

#include <tern/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An input or output; data is NULL. */
typedef struct tern_port_info {
    const char *name;
    tern_tensor shape;
} tern_port_info;

typedef struct tern_node_info {
    const char *name, *op; /**< op: ONNX's name */
    tern_tensor shape;     /**< of the first output; data is NULL */
    int64_t parameters;    /**< trainable elements that this node is the first to use */
    double flops;          /**< a multiply-add is 2; 0 where nobody counts them (copies) */
} tern_node_info;

typedef struct tern_model_info {
    const tern_port_info *inputs, *outputs;
    const tern_node_info *nodes;
    const char *const *metadata_keys;
    size_t n_inputs, n_outputs, n_nodes, n_metadata;
    int64_t parameters;  /**< trainable elements */
    double flops;        /**< of all nodes */
    size_t weight_bytes; /**< of all weights and constants, as in the file */
    size_t
        memory_bytes; /**< that a session needs while it runs: packed weights and working memory */
} tern_model_info;

/** Inputs of the model, and what input i of them is declared as: dimensions that are only known
 * when it runs are -1, data is NULL. The name belongs to the model. */
TERN_API size_t tern_model_input_count(const tern_model *model);
TERN_API tern_port_info tern_model_input(const tern_model *model, size_t i);

/** Describes a model for inputs of these shapes (one per input of the model, data ignored); NULL:
 * those of the model with 1 for the batch. Errors: TERN_ERR_SHAPE if a dimension is still unknown,
 * or the network does not take the shapes. *info is NULL on failure; strings belong to the model.
 */
TERN_API tern_status tern_model_describe(tern_model_info **info, const tern_model *model,
                                         const tern_tensor *inputs);
TERN_API void tern_model_info_free(tern_model_info *info, const tern_model *model);

#ifdef __cplusplus
}
#endif
#endif
