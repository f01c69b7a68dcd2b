/* What the builders of picture classifiers share. Internal. */
#ifndef TERN_VISION_CLASSIFIERS_H
#define TERN_VISION_CLASSIFIERS_H

#include "core/task/train.h"
#include <tern/vision_classifier.h>

/* A network of the table. Its builder gets the picture and gives the logits. */
typedef struct tern__classifier tern__classifier;
struct tern__classifier {
    const char *name, *summary;
    int64_t least;  /* pixels of the shorter side */
    double dropout; /* of its own */
    tern_value (*build)(tern_value x, const tern_vision_classifier_options *o,
                        const tern__classifier *n);
    int layers;  /* ResNet: 18 to 152; VGG: 16 or 19 */
    int variant; /* the builder's own */
    const tern__recipe *recipe;
};
/* The network of this name; the first for NULL and names that there are not. */
const tern__classifier *tern__classifier_row(const char *name);

/* Channels or units times options->scale, at least 1. */
int64_t tern__classifier_scaled(const tern_vision_classifier_options *o, int64_t channels);
/* A convolution: kernel height x width, padded on each side by (pad_height, pad_width). */
typedef struct tern__conv_window {
    int64_t kernel[2], stride, pad[2];
    bool no_bias;
} tern__conv_window;
tern_value tern__classifier_conv(tern_value x, int64_t channels, tern__conv_window w);
/* Max pooling 3x3 of stride 2, padded as said. ceil: a last window may reach over the edge. */
tern_value tern__classifier_pool3(tern_value x, int64_t pad, bool ceil);

enum { TERN__RESNET_BN, TERN__RESNET_PLAIN, TERN__RESNET_PREACTIVATION };
tern_value tern__build_resnet(tern_value x, const tern_vision_classifier_options *o,
                              const tern__classifier *n);
/* variant: factored into n x 1 and 1 x n, with BatchNormalization. */
tern_value tern__build_googlenet(tern_value x, const tern_vision_classifier_options *o,
                                 const tern__classifier *n);

#endif
