/* Looking inside a network of pictures: what it looked at, what its filters are, what its layers
 * make of a picture; and the classical filters, run through the same convolution. */
#ifndef TERN_VISION_EXPLAIN_H
#define TERN_VISION_EXPLAIN_H

#include <tern/vision_classify.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tern_vision_view {
    TERN_VISION_VIEW_CAM, /**< Grad-CAM (Selvaraju et al. 2017): the picture, and over it in colour
                             what speaks for the label */
    TERN_VISION_VIEW_SALIENCY, /**< |d(logit)/d(pixel)|, the greatest of the channels (Simonyan et
                                  al. 2014); white: 99.5 % of the pixels have less */
    TERN_VISION_VIEW_FILTERS,  /**< weights of the first convolution of the picture, each filter for
                                  itself from its  least to its greatest weight; the picture is not
                                  looked at and may be NULL */
    TERN_VISION_VIEW_MAPS /**< the channels of a layer, all on one scale, black to pale yellow */
} tern_vision_view;

typedef struct tern_vision_explain_options {
    size_t size; /**< sizeof(tern_vision_explain_options), set by the _INIT macro */
    tern_vision_view view;
    const char
        *layer; /**< for CAM and maps: a node; NULL: the last convolution that still has places */
    const char *label; /**< which one is explained; NULL: the most probable */
} tern_vision_explain_options;
#define TERN_VISION_EXPLAIN_OPTIONS_INIT                                                           \
    { .size = sizeof(tern_vision_explain_options) }

/** Draws a view as an RGB picture, which is the caller's. A picture below 224 pixels is shown in
 * whole multiples of its size. options may be NULL; label (may be NULL) gets the name of the label
 * that was explained, which belongs to the session. Errors: those of tern_explainer_create;
 * TERN_ERR_ARGUMENT for a label that the model does not know. Sentences are the session's. *out is
 * all zero on failure. */
TERN_API tern_status tern_vision_explain(tern_image *out, const char **label, tern_session *session,
                                         const tern_image *image,
                                         const tern_vision_explain_options *options);

/** Filters each colour of a picture with a kernel of 3x3 through Conv, the edge repeated beyond the
 * borders. kernel: a name (tern_vision_kernel_name), or nine numbers in rows,
 * "0,-1,0,-1,5,-1,0,-1,0". Where the kernel's sum is 0 the absolute value is shown; all is cut to
 * 0..1. Alpha is laid on white. *out has 8 bits and is the caller's. Errors: TERN_ERR_ARGUMENT for
 * another name. */
TERN_API tern_status tern_vision_filter(tern_image *out, const tern_image *image,
                                        const char *kernel);
/** The names one by one: index 0.. until NULL; *values (may be NULL) gets the nine numbers. Static
 * storage. */
TERN_API const char *tern_vision_kernel_name(size_t index, const float **values);

#ifdef __cplusplus
}
#endif
#endif
