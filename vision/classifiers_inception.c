/* GoogLeNet (Szegedy et al. 2015, "Going deeper with convolutions"): nine Inception blocks, each of
 * four ways side by side (1x1 | 1x1, 3x3 | 1x1, 5x5 | max pooling, 1x1), and two auxiliary
 * classifiers that bring gradients to its middle. Local response normalisation is left out. The
 * factored variant has n x 1 and 1 x n in place of n x n (Szegedy et al. 2016) and
 * BatchNormalization after each convolution. */
#include "classifiers.h"

/* Channels of the ways: 1x1; 3x3 and the 1x1 before it; 5x5 likewise; after pooling. Table 1 of the
 * paper. */
typedef struct inception {
    int64_t one, before_three, three, before_five, five, pooled;
} inception;

static tern_value conv(tern_value x, int64_t channels, int64_t kernel, int64_t stride,
                       const tern_vision_classifier_options *o, bool factored) {
    const int64_t k = kernel, p = kernel / 2;
    channels = tern__classifier_scaled(o, channels);
    if (!factored)
        return tern_relu(
            tern__classifier_conv(x, channels, (tern__conv_window){{k, k}, stride, {p, p}, false}));
    if (k > 1 && stride == 1) {
        x = tern__classifier_conv(x, channels, (tern__conv_window){{k, 1}, 1, {p, 0}, true});
        x = tern_relu(tern_batch_normalization(x));
        x = tern__classifier_conv(x, channels, (tern__conv_window){{1, k}, 1, {0, p}, true});
    } else {
        x = tern__classifier_conv(x, channels, (tern__conv_window){{k, k}, stride, {p, p}, true});
    }
    return tern_relu(tern_batch_normalization(x));
}

static tern_value ways(tern_value x, inception i, const tern_vision_classifier_options *o,
                       bool factored) {
    const tern_pool_options same = {
        .kernel_shape = {3, 3}, .strides = {1, 1}, .pads = {1, 1, 1, 1}};
    const tern_value parts[4] = {
        conv(x, i.one, 1, 1, o, factored),
        conv(conv(x, i.before_three, 1, 1, o, factored), i.three, 3, 1, o, factored),
        conv(conv(x, i.before_five, 1, 1, o, factored), i.five, 5, 1, o, factored),
        conv(tern_max_pool_with(x, same), i.pooled, 1, 1, o, factored),
    };
    return tern_concat(parts, 4, 1);
}

/* Means of 5x5, 128 filters of 1x1, a dense layer of 1024. */
static void auxiliary(tern_value x, const char *name, const tern_vision_classifier_options *o,
                      bool factored) {
    int64_t dims[TERN_MAX_RANK] = {0};
    if (tern_value_shape(x, dims) < 0) return;
    tern_pool_options mean = {.strides = {3, 3}};
    for (int axis = 0; axis < 2; axis++)
        mean.kernel_shape[axis] = dims[2 + axis] < 5 ? dims[2 + axis] : 5;
    x = conv(tern_average_pool_with(x, mean), 128, 1, 1, o, factored);
    x = tern_relu(tern_dense(x, tern__classifier_scaled(o, 1024)));
    if (o->dropout > 0) x = tern_dropout(x, 0.7f);
    tern_output(x.graph, name, tern_dense_with(x, o->classes, (tern_dense_options){.name = name}));
}

tern_value tern__build_googlenet(tern_value x, const tern_vision_classifier_options *o,
                                 const tern__classifier *n) {
    static const inception blocks[9] = {
        {64, 96, 128, 16, 32, 32},     {128, 128, 192, 32, 96, 64},
        {192, 96, 208, 16, 48, 64},    {160, 112, 224, 24, 64, 64},
        {128, 128, 256, 24, 64, 64},   {112, 144, 288, 32, 64, 64},
        {256, 160, 320, 32, 128, 128}, {256, 160, 320, 32, 128, 128},
        {384, 192, 384, 48, 128, 128}};
    const bool factored = n->variant;
    x = tern__classifier_pool3(conv(x, 64, 7, 2, o, factored), 0, true);
    x = conv(conv(x, 64, 1, 1, o, factored), 192, 3, 1, o, factored);
    x = tern__classifier_pool3(x, 0, true);
    for (int i = 0; i < 9; i++) {
        if (i == 2 || i == 7) x = tern__classifier_pool3(x, 0, true);
        x = ways(x, blocks[i], o, factored);
        if (i == 2 && !o->no_auxiliary) auxiliary(x, "auxiliary_1", o, factored);
        if (i == 5 && !o->no_auxiliary) auxiliary(x, "auxiliary_2", o, factored);
    }
    x = tern_global_average_pool(x);
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout);
    return tern_dense_with(x, o->classes, (tern_dense_options){.name = "classes"});
}
