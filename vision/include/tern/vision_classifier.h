/* Networks that give a picture its class, by name: those that the field grew up with. */
#ifndef TERN_VISION_CLASSIFIER_H
#define TERN_VISION_CLASSIFIER_H

#include <tern/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_vision_classifier_options {
    size_t size;           /**< sizeof(tern_vision_classifier_options), set by the _INIT macro */
    int64_t channels;      /**< of the picture: 1..64 */
    int64_t classes;       /**< 1..65536 */
    int64_t width, height; /**< of the picture, pixels; each network has a least size */
    double scale;          /**< channels and units times this, 0.05..16; 0: 1 */
    double dropout; /**< before the last layers, 0 <= p < 1; 0: the network's own; negative: none */
    bool no_auxiliary; /**< GoogLeNet without its two auxiliary classifiers */
} tern_vision_classifier_options;
#define TERN_VISION_CLASSIFIER_OPTIONS_INIT                                                        \
    {                                                                                              \
        .size = sizeof(tern_vision_classifier_options), .channels = 3, .classes = 1000,            \
        .width = 224, .height = 224                                                                \
    }

/** Adds a network with its input ("picture" [N, channels, height, width]) and its output ("logits"
 *  [N, classes]) to an empty graph and returns the logits; GoogLeNet's auxiliary classifiers are
 * the outputs "auxiliary_1" and "auxiliary_2". name NULL: the default, "small". ResNets of pictures
 * below 65 pixels begin with a 3x3 convolution of stride 1 instead of 7x7, stride 2, and pooling
 * (He et al. 2016, section 4.2). Errors (they stick to the graph): TERN_ERR_ARGUMENT for an unknown
 * name, naming all, for options out of range, and for pictures that are smaller than the network
 * can halve them. */
TERN_API tern_value tern_vision_classifier_build(tern_graph *graph, const char *name,
                                                 const tern_vision_classifier_options *options);
/** The names one by one: index 0.. until NULL. Static storage. */
TERN_API const char *tern_vision_classifier_name(size_t index);
/** One line about a network of that list. Static storage. */
TERN_API const char *tern_vision_classifier_summary(size_t index);

#ifdef __cplusplus
}
#endif
#endif
