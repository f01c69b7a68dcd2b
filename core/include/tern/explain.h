/* What a network looked at: the gradient of one of its answers with respect to a layer or to its
 * input. */
#ifndef TERN_EXPLAIN_H
#define TERN_EXPLAIN_H

#include <tern/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_explainer tern_explainer;

/** What the last run found; views of the explainer's memory, valid until the next run. */
typedef struct tern_explanation {
    int64_t answer;     /**< which logit was asked about */
    tern_tensor logits; /**< [1, classes, ...] of the network as it is at inference */
    tern_tensor layer;  /**< the layer's output, [1, C, ...] */
    tern_tensor
        gradient; /**< d(logit)/d(layer), of its shape; logits of many places: of their sum */
} tern_explanation;

/** Makes an explainer of a model, which must outlive it. layer: the name of a node ("" is the
 * network's input); NULL: the last convolution that still has places, with the activation after it.
 *  Errors: TERN_ERR_ARGUMENT for a name that is not there, or a layer that the output does not
 * depend on; TERN_ERR_UNSUPPORTED if there is no convolution, or the network has several inputs or
 * no input of floats. */
TERN_API tern_status tern_explainer_create(tern_explainer **explainer, const tern_model *model,
                                           const char *layer);
TERN_API void tern_explainer_free(tern_explainer *explainer);
/** Runs forward and back. input: one sample, [1, ...]; answer: which logit, -1: the greatest. */
TERN_API tern_status tern_explainer_run(tern_explainer *explainer, const tern_tensor *input,
                                        int64_t answer, tern_explanation *explanation);

/** Grad-CAM: where in the layer [1, C, places...] that speaks for the answer is. map [places...],
 * the caller's: relu of the sum over channels of (mean gradient of the channel) x (its activation),
 * divided by the greatest, 0..1 (all 0 where nothing speaks for it). Source: Selvaraju et al. 2017.
 */
TERN_API void tern_grad_cam(const tern_explanation *explanation, float *map);

#ifdef __cplusplus
}
#endif
#endif
