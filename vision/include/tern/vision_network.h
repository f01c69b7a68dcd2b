/* Networks that give every pixel its class, by name. */
#ifndef TERN_VISION_NETWORK_H
#define TERN_VISION_NETWORK_H

#include <tern/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_vision_network_options {
    size_t size;      /**< sizeof(tern_vision_network_options), set by the _INIT macro */
    int64_t channels; /**< of the picture: 1..64 */
    int64_t classes;  /**< 1: a mask, one logit a pixel (above 0: inside); 2..: a logit a class */
    int64_t width;    /**< channels of the first layer, 1..512; 0: the network's own */
    int64_t depth; /**< how often the picture is halved, 1..7 (fcn: number of dilated layers, 1..7);
                        0: the network's own */
    double dropout;        /**< before the deepest layers, 0 <= p < 1; 0: none */
    bool no_normalization; /**< biases instead of BatchNormalization */
    bool resize;  /**< decoders enlarge by bilinear Resize instead of transposed convolutions */
    bool reflect; /**< borders are mirrored instead of padded with zeros */
} tern_vision_network_options;
#define TERN_VISION_NETWORK_OPTIONS_INIT                                                           \
    { .size = sizeof(tern_vision_network_options), .channels = 3, .classes = 1 }

/** Adds a network with its input ("picture" [N, channels, H, W]) and its output ("logits" [N,
 * classes, H, W]) to an empty graph and returns the logits. H and W are multiples of what
 * tern_vision_reach says. name NULL: the default, "unet". Errors (they stick to the graph):
 * TERN_ERR_ARGUMENT for an unknown name, naming all, and for options out of range. */
TERN_API tern_value tern_vision_network_build(tern_graph *graph, const char *name,
                                              const tern_vision_network_options *options);
/** The names one by one: index 0.. until NULL. Static storage. */
TERN_API const char *tern_vision_network_name(size_t index);
/** One line about a network of that list. Static storage. */
TERN_API const char *tern_vision_network_summary(size_t index);

/** How far a network looks. Along each axis (0: rows, 1: columns) pixels [a, b) of the output, a
 * and b multiples of `multiple`, follow from pixels [a - before, b + after) of the input, and from
 * no others; and moving the input by `multiple` pixels moves the output by as many. */
typedef struct tern_vision_reach {
    int64_t multiple[2];
    int64_t before[2], after[2];
    bool whole;      /**< some operator looks at the whole picture: before and after mean nothing */
    const char *why; /**< whole: the name of that node (the graph's); else NULL */
} tern_vision_reach;

/** Computes the reach of the first output from the graph: kernels, strides, dilations, padding,
 * ConvTranspose, Resize, slices. Errors: TERN_ERR_UNSUPPORTED if input or output is no picture [N,
 * C, H, W], or the output has not the input's size. */
TERN_API tern_status tern_vision_network_reach(tern_vision_reach *reach, const tern_graph *graph);

#ifdef __cplusplus
}
#endif
#endif
