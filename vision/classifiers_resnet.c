/* Residual networks (He et al. 2016, "Deep residual learning"; 2016b, "Identity mappings"): y =
 * F(x) + x, so that dy/dx = dF/dx + 1. Plain, with BatchNormalization (which is torchvision's,
 * version 1.5: a bottleneck's stride is in its 3x3 convolution), and with normalisation and ReLU
 * before the convolutions. */
#include "classifiers.h"

typedef struct block {
    int64_t channels, stride; /* channels: of the 3x3 convolutions */
    bool bottleneck;          /* 1x1, 3x3, 1x1 to four times the channels; else two of 3x3 */
    int variant;
} block;

static int64_t channels_of(tern_value x) {
    int64_t dims[TERN_MAX_RANK] = {0};
    tern_value_shape(x, dims);
    return dims[1];
}

static tern_value conv(tern_value x, int64_t channels, int64_t kernel, int64_t stride,
                       int variant) {
    return tern__classifier_conv(
        x, channels,
        (tern__conv_window){
            {kernel, kernel}, stride, {kernel / 2, kernel / 2}, variant != TERN__RESNET_PLAIN});
}

/* What precedes the sum: convolution -> (normalisation). */
static tern_value step(tern_value x, int64_t channels, int64_t kernel, int64_t stride,
                       int variant) {
    x = conv(x, channels, kernel, stride, variant);
    return variant == TERN__RESNET_BN ? tern_batch_normalization(x) : x;
}

/* Before a convolution that is not the first: ReLU, preactivation normalises as well. */
static tern_value ready(tern_value x, int variant) {
    return tern_relu(variant == TERN__RESNET_PREACTIVATION ? tern_batch_normalization(x) : x);
}

static tern_value residual(tern_value x, block b) {
    const int64_t out = b.bottleneck ? 4 * b.channels : b.channels;
    const bool before = b.variant == TERN__RESNET_PREACTIVATION;
    const bool changes = b.stride != 1 || channels_of(x) != out;
    tern_value y = before ? ready(x, b.variant) : x;
    /* Where the shape changes the shortcut is a convolution of 1x1, after the preactivation. */
    tern_value shortcut = changes ? step(y, out, 1, b.stride, b.variant) : x;
    if (b.bottleneck) {
        y = ready(step(y, b.channels, 1, 1, b.variant), b.variant);
        y = ready(step(y, b.channels, 3, b.stride, b.variant), b.variant);
        y = step(y, out, 1, 1, b.variant);
    } else {
        y = ready(step(y, b.channels, 3, b.stride, b.variant), b.variant);
        y = step(y, b.channels, 3, 1, b.variant);
    }
    y = tern_add(y, shortcut);
    return before ? y : tern_relu(y);
}

tern_value tern__build_resnet(tern_value x, const tern_vision_classifier_options *o,
                              const tern__classifier *n) {
    static const struct {
        int layers, blocks[4];
    } shapes[] = {{18, {2, 2, 2, 2}},
                  {34, {3, 4, 6, 3}},
                  {50, {3, 4, 6, 3}},
                  {101, {3, 4, 23, 3}},
                  {152, {3, 8, 36, 3}}};
    const int64_t base = tern__classifier_scaled(o, 64);
    const bool little = o->width < 65 && o->height < 65;
    int which = 0;
    while (shapes[which].layers != n->layers) which++;
    x = step(x, base, little ? 3 : 7, little ? 1 : 2, n->variant);
    if (n->variant != TERN__RESNET_PREACTIVATION) x = tern_relu(x);
    if (!little) x = tern__classifier_pool3(x, 1, false);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < shapes[which].blocks[stage]; i++)
            x = residual(x,
                         (block){base << stage, stage && !i ? 2 : 1, n->layers >= 50, n->variant});
    if (n->variant == TERN__RESNET_PREACTIVATION) x = ready(x, n->variant);
    x = tern_global_average_pool(x);
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout);
    return tern_dense_with(x, o->classes, (tern_dense_options){.name = "classes"});
}
