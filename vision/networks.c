/* The networks for pixels, each with its recipe. Builds graphs; knows nothing of data. */
#include "networks.h"

#include "core/graph/choices.h"
#include "core/graph/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A convolution of an odd kernel that keeps the size (stride 1) -> BatchNormalization -> Relu.
 * group 0: one; -1: depthwise. channels 0: as many as x has. */
typedef struct layer {
    int64_t channels, kernel, stride, dilation, group;
} layer;

static tern_value convolve(tern_value x, layer l, const tern_vision_network_options *o) {
    int64_t dims[TERN_MAX_RANK] = {0}, pad = l.kernel / 2 * (l.dilation ? l.dilation : 1);
    tern_value_shape(x, dims);
    tern_conv_options c = {.kernel_shape = {l.kernel, l.kernel},
                           .strides = {l.stride, l.stride},
                           .dilations = {l.dilation, l.dilation},
                           .group = l.group < 0 ? dims[1] : l.group,
                           .no_bias = !o->no_normalization};
    if (pad && o->reflect)
        x = tern_pad(x, (int64_t[]){0, 0, pad, pad, 0, 0, pad, pad}, "reflect");
    else
        for (int i = 0; i < 4; i++) c.pads[i] = pad;
    x = tern_conv(x, l.channels ? l.channels : dims[1], c);
    return tern_relu(o->no_normalization ? x : tern_batch_normalization(x));
}

/* `factor` times as large by a transposed convolution whose windows do not overlap (or by Resize).
 * Every output has `in` inputs and not the weight's fan-in, so that the values are drawn for that.
 */
static tern_value enlarge(tern_value x, int64_t channels, int64_t factor,
                          const tern_vision_network_options *o) {
    if (o->resize) {
        x = convolve(x, (layer){.channels = channels, .kernel = 1}, o);
        return tern_resize(
            x, (tern_resize_options){.scales = {(double)factor, (double)factor}, .mode = "linear"});
    }
    char name[96], weight[80], bias[80];
    int64_t in[TERN_MAX_RANK] = {0};
    tern_value y = {0};
    if (tern_value_shape(x, in) < 0) return x;
    tern__graph_unique(x.graph, "enlarge.weight", weight, sizeof weight);
    tern__graph_unique(x.graph, "enlarge.bias", bias, sizeof bias);
    snprintf(name, sizeof name, "enlarge%s", weight + strlen("enlarge.weight"));
    const tern_value inputs[] = {x,
                                 tern_parameter(x.graph, weight, 4,
                                                (int64_t[]){in[1], channels, factor, factor},
                                                (tern_initializer){.kind = TERN_INIT_NORMAL,
                                                                   .b = sqrt(1.0 / (double)in[1])}),
                                 tern_parameter(x.graph, bias, 1, &channels,
                                                (tern_initializer){.kind = TERN_INIT_CONSTANT})};
    const int64_t sizes[] = {factor, factor};
    const tern_attribute attributes[] = {TERN_INTS("kernel_shape", sizes, 2),
                                         TERN_INTS("strides", sizes, 2)};
    tern_apply(x.graph, "ConvTranspose", name, inputs, 3, attributes, 2, &y, 1);
    return y;
}

static tern_value beside(tern_value a, tern_value b) {
    return tern_concat((tern_value[]){a, b}, 2, 1);
}

static tern_value forget(tern_value x, const tern_vision_network_options *o) {
    return o->dropout > 0 ? tern_dropout(x, (float)o->dropout) : x;
}

/* Ronneberger et al. 2015 with BatchNormalization and borders that are padded, so that the mask is
 * as large as the picture. */
static tern_value build_unet(tern_value x, const tern_vision_network_options *o) {
    tern_value skip[8];
    for (int i = 0; i <= o->depth; i++) {
        const int64_t channels = o->width << i;
        if (i) x = tern_max_pool(x, 2, 2);
        if (i == o->depth) x = forget(x, o);
        x = convolve(x, (layer){.channels = channels, .kernel = 3}, o);
        x = convolve(x, (layer){.channels = channels, .kernel = 3}, o);
        skip[i] = x;
    }
    for (int64_t i = o->depth - 1; i >= 0; i--) {
        const int64_t channels = o->width << i;
        x = beside(skip[i], enlarge(x, channels, 2, o));
        x = convolve(x, (layer){.channels = channels, .kernel = 3}, o);
        x = convolve(x, (layer){.channels = channels, .kernel = 3}, o);
    }
    return x;
}

/* A depthwise convolution and one of 1x1 (Howard et al. 2017, MobileNet). */
static tern_value separable(tern_value x, int64_t channels, int64_t kernel, int64_t stride,
                            const tern_vision_network_options *o) {
    x = convolve(x, (layer){.kernel = kernel, .stride = stride, .group = -1}, o);
    return convolve(x, (layer){.channels = channels, .kernel = 1}, o);
}

/* Encoder and decoder of separable convolutions; skips are added, not put side by side. */
static tern_value build_light(tern_value x, const tern_vision_network_options *o) {
    tern_value skip[8];
    x = convolve(x, (layer){.channels = o->width, .kernel = 3}, o);
    for (int i = 0; i <= o->depth; i++) {
        const int64_t channels = o->width << i;
        if (i) x = separable(x, channels, 3, 2, o);
        if (i == o->depth) x = forget(x, o);
        x = separable(x, channels, i ? 5 : 3, 1, o);
        skip[i] = x;
    }
    for (int64_t i = o->depth - 1; i >= 0; i--) {
        const int64_t channels = o->width << i;
        x = tern_add(skip[i], enlarge(x, channels, 2, o));
        x = separable(x, channels, i ? 5 : 3, 1, o);
    }
    return x;
}

/* A fully convolutional network (Long et al. 2015) that sees far by dilation (Yu & Koltun 2016)
 * instead of by more halving: a quarter of the size, dilations 1, 2, 4, ... each added to what it
 * came from. */
static tern_value build_fcn(tern_value x, const tern_vision_network_options *o) {
    tern_value fine = convolve(x, (layer){.channels = o->width, .kernel = 3}, o);
    x = convolve(fine, (layer){.channels = 2 * o->width, .kernel = 3, .stride = 2}, o);
    x = convolve(x, (layer){.channels = 4 * o->width, .kernel = 3, .stride = 2}, o);
    for (int i = 0; i < o->depth; i++)
        x = tern_add(x, convolve(x, (layer){.kernel = 3, .dilation = (int64_t)1 << i}, o));
    x = forget(x, o);
    x = tern_add(fine, enlarge(x, o->width, 4, o));
    return convolve(x, (layer){.channels = o->width, .kernel = 3}, o);
}

#define TRAIN(seen)                                                                                \
    {                                                                                              \
        .samples_seen = (seen), .fewest_epochs = 10, .most_epochs = 200, .batch = 8,               \
        .learning_rate = 4e-3, .weight_decay = 0.01, .ema = 0.99,                                  \
        .schedule = TERN_SCHEDULE_ONE_CYCLE, .drop_short = true                                    \
    }
/* Crops of pictures of one scale without an up and down: microscopy, retinas, aerial views. */
static const tern__vision_recipe crops = {TRAIN(8000),
                                          {.mirror = 0.5,
                                           .flip = 0.5,
                                           .turn = 0.75,
                                           .scale = 0.1,
                                           .rotate = 10,
                                           .brightness = 0.05,
                                           .contrast = 0.15,
                                           .gamma = 0.1}};
/* Whole photos of things. */
static const tern__vision_recipe photos = {TRAIN(9000),
                                           {.mirror = 0.5,
                                            .rotate = 10,
                                            .shift = 0.08,
                                            .scale = 0.2,
                                            .stretch = 0.1,
                                            .brightness = 0.1,
                                            .contrast = 0.2,
                                            .saturation = 0.3,
                                            .hue = 15}};

static const tern__vision_network networks[] = {
    {"unet", "encoder and decoder with skips side by side, 1.9 M weights (the default)", 16, 4,
     build_unet, &crops, &photos},
    {"light", "the same of separable convolutions, 0.2 M weights", 16, 4, build_light, &crops,
     &photos},
    {"fcn", "dilated convolutions at a quarter of the size, 0.2 M weights", 16, 5, build_fcn,
     &crops, &photos},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

const tern__vision_network *tern__vision_network_row(const char *name) {
    const tern__vision_network *n = tern__choice_find(TERN__CHOICES(networks), name);
    return n ? n : &networks[0];
}
const char *tern_vision_network_name(size_t index) {
    return index < NETWORKS ? networks[index].name : NULL;
}
const char *tern_vision_network_summary(size_t index) {
    return index < NETWORKS ? networks[index].summary : NULL;
}

static tern_value refuse(tern_graph *g, const tern__vision_network *n, const char *what,
                         double value, const char *range) {
    tern__graph_fail(g, TERN_ERR_ARGUMENT, "network %s: %s %g; it must be in %s", n->name, what,
                     value, range);
    return (tern_value){g, -1};
}

tern_value tern_vision_network_build(tern_graph *g, const char *name,
                                     const tern_vision_network_options *options) {
    tern_vision_network_options o = TERN_VISION_NETWORK_OPTIONS_INIT;
    if (options) o = *options;
    const tern__vision_network *n = tern__choice_find(TERN__CHOICES(networks), name);
    if (!n) return tern__choice_refuse(g, "network", name, TERN__CHOICES(networks));
    if (o.size != sizeof o)
        return refuse(g, n, "options of size", (double)o.size,
                      "what TERN_VISION_NETWORK_OPTIONS_INIT says");
    if (!o.width) o.width = n->width;
    if (!o.depth) o.depth = n->depth;
    if (o.channels < 1 || o.channels > 64)
        return refuse(g, n, "channels", (double)o.channels, "1..64");
    if (o.classes < 1 || o.classes > 255)
        return refuse(g, n, "classes", (double)o.classes, "1..255");
    if (o.width < 1 || o.width > 512) return refuse(g, n, "width", (double)o.width, "1..512");
    if (o.depth < 1 || o.depth > 7) return refuse(g, n, "depth", (double)o.depth, "1..7");
    if (!(o.dropout >= 0 && o.dropout < 1))
        return refuse(g, n, "dropout", o.dropout, "0..1, without 1");
    tern_value x = tern_input(g, "picture", 4, (int64_t[]){-1, o.channels, -1, -1});
    x = n->build(x, &o);
    x = tern_conv(x, o.classes, (tern_conv_options){.kernel_shape = {1, 1}, .name = "logits"});
    tern_output(g, "logits", x);
    return x;
}
