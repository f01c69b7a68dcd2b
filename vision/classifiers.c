/* The table of picture classifiers, and the older ones: LeNet, AlexNet, VGG, and a small residual
 * one for small pictures. ResNet and GoogLeNet have files of their own. Each stands with
 * its recipe. Builds graphs; knows nothing of data. */
#include "classifiers.h"

#include "core/graph/choices.h"
#include "core/graph/graph.h"

#include <math.h>

typedef tern_vision_classifier_options options;

int64_t tern__classifier_scaled(const options *o, int64_t channels) {
    return (int64_t)fmax(1, round((double)channels * o->scale));
}

tern_value tern__classifier_conv(tern_value x, int64_t channels, tern__conv_window w) {
    return tern_conv(x, channels,
                     (tern_conv_options){.kernel_shape = {w.kernel[0], w.kernel[1]},
                                         .strides = {w.stride, w.stride},
                                         .pads = {w.pad[0], w.pad[1], w.pad[0], w.pad[1]},
                                         .no_bias = w.no_bias});
}

tern_value tern__classifier_pool3(tern_value x, int64_t pad, bool ceil) {
    return tern_max_pool_with(x, (tern_pool_options){.kernel_shape = {3, 3},
                                                     .strides = {2, 2},
                                                     .pads = {pad, pad, pad, pad},
                                                     .ceil_mode = ceil});
}

static tern_value forget(tern_value x, const options *o) {
    return o->dropout > 0 ? tern_dropout(x, (float)o->dropout) : x;
}

static tern_value last_layer(tern_value x, int64_t classes) {
    return tern_dense_with(x, classes, (tern_dense_options){.name = "classes"});
}

/* ---- LeNet ---- */

/* LeCun et al. 1998 as the lectures draw it: 6 and 16 filters of 5x5, dense layers of 120, 84 and
 * the classes; 61,706 weights on grey pictures of 32x32, which smaller ones are padded to. ReLU
 * instead of tanh, maxima instead of means. */
static tern_value build_lenet(tern_value x, const options *o, const tern__classifier *n) {
    (void)n;
    const int64_t shorter = o->width < o->height ? o->width : o->height;
    const int64_t pad = shorter < 32 ? (33 - shorter) / 2 : 0;
    x = tern__classifier_conv(x, tern__classifier_scaled(o, 6),
                              (tern__conv_window){{5, 5}, 1, {pad, pad}, false});
    x = tern_max_pool(tern_relu(x), 2, 2);
    x = tern__classifier_conv(x, tern__classifier_scaled(o, 16),
                              (tern__conv_window){{5, 5}, 1, {0, 0}, false});
    x = tern_max_pool(tern_relu(x), 2, 2);
    x = tern_relu(tern_dense(x, tern__classifier_scaled(o, 120)));
    x = forget(tern_relu(tern_dense(x, tern__classifier_scaled(o, 84))), o);
    return last_layer(x, o->classes);
}

/* ---- AlexNet ---- */

typedef struct alexnet_layer {
    int64_t channels, kernel, stride, pad, group;
    bool pool;
} alexnet_layer;

/* Two dense layers with dropout before each, as AlexNet and VGG have them. */
static tern_value two_dense(tern_value x, const options *o, bool forget_first) {
    const int64_t units = tern__classifier_scaled(o, 4096);
    if (forget_first) x = forget(x, o);
    x = tern_relu(tern_dense(x, units));
    x = tern_relu(tern_dense(forget(x, o), units));
    return last_layer(forget_first ? x : forget(x, o), o->classes);
}

/* variant 0: one column, Krizhevsky 2014 ("One weird trick", 61,100,840 weights, as torchvision has
 * it). 1: that of Krizhevsky et al. 2012: two columns, i.e. groups (60,965,224 weights), and
 * response normalisation after the first two layers, which VGG's authors found to be of no use. */
static tern_value build_alexnet(tern_value x, const options *o, const tern__classifier *n) {
    static const alexnet_layer layers[2][5] = {{{64, 11, 4, 2, 1, true},
                                                {192, 5, 1, 2, 1, true},
                                                {384, 3, 1, 1, 1, false},
                                                {256, 3, 1, 1, 1, false},
                                                {256, 3, 1, 1, 1, true}},
                                               {{96, 11, 4, 2, 1, true},
                                                {256, 5, 1, 2, 2, true},
                                                {384, 3, 1, 1, 1, false},
                                                {384, 3, 1, 1, 2, false},
                                                {256, 3, 1, 1, 2, true}}};
    for (int i = 0; i < 5; i++) {
        const alexnet_layer *l = &layers[n->variant][i];
        /* an even number of channels, so that two columns are possible at every scale */
        const int64_t channels = 2 * (int64_t)fmax(1, round((double)l->channels * o->scale / 2));
        x = tern_relu(tern_conv(x, channels,
                                (tern_conv_options){.kernel_shape = {l->kernel, l->kernel},
                                                    .strides = {l->stride, l->stride},
                                                    .pads = {l->pad, l->pad, l->pad, l->pad},
                                                    .group = l->group}));
        if (n->variant && i < 2) x = tern_lrn(x, 5, 5e-4f, 0.75f, 2);
        if (l->pool) x = tern__classifier_pool3(x, 0, false);
    }
    return two_dense(x, o, true);
}

/* ---- VGG ---- */

/* Simonyan & Zisserman 2015, configurations D and E: 3x3 convolutions, halved five times. variant
 * 1: with BatchNormalization, without which so deep a stack hardly learns from scratch. */
static tern_value build_vgg(tern_value x, const options *o, const tern__classifier *n) {
    static const int64_t channels[5] = {64, 128, 256, 512, 512};
    for (int stage = 0; stage < 5; stage++) {
        const int count = stage < 2 ? 2 : n->layers == 16 ? 3 : 4;
        for (int i = 0; i < count; i++) {
            x = tern__classifier_conv(x, tern__classifier_scaled(o, channels[stage]),
                                      (tern__conv_window){{3, 3}, 1, {1, 1}, false});
            x = tern_relu(n->variant ? tern_batch_normalization(x) : x);
        }
        x = tern_max_pool(x, 2, 2);
    }
    return two_dense(x, o, false);
}

/* ---- small pictures ---- */

static tern_value conv3(tern_value x, int64_t channels, int64_t stride) {
    x = tern__classifier_conv(x, channels, (tern__conv_window){{3, 3}, stride, {1, 1}, true});
    return tern_relu(tern_batch_normalization(x));
}

/* Halved by a convolution's stride, then a residual pair. Pictures of 28 to 64 pixels, quickly. */
static tern_value build_small(tern_value x, const options *o, const tern__classifier *n) {
    static const int64_t channels[] = {32, 64, 128};
    (void)n;
    int64_t shorter = o->width < o->height ? o->width : o->height;
    x = conv3(x, tern__classifier_scaled(o, 16), 1);
    for (int i = 0; i < 3; i++) {
        x = conv3(x, tern__classifier_scaled(o, channels[i]), shorter >= 4 ? 2 : 1);
        shorter = (shorter + 1) / 2;
        x = tern_add(x, conv3(conv3(x, tern__classifier_scaled(o, channels[i]), 1),
                              tern__classifier_scaled(o, channels[i]), 1));
    }
    for (; shorter >= 12;
         shorter = (shorter + 1) / 2) /* larger pictures: on until few places are left */
        x = conv3(x, tern__classifier_scaled(o, channels[2]), 2);
    x = tern_global_max_pool(x);
    return last_layer(forget(x, o), o->classes);
}

/* ---- the table ---- */

/* The auxiliary loss is that of Szegedy et al. 2015; other networks have no such outputs. */
static const tern__recipe classic = {.samples_seen = 480000,
                                     .fewest_epochs = 8,
                                     .most_epochs = 100,
                                     .batch = 64,
                                     .learning_rate = 3e-3,
                                     .weight_decay = 0.01,
                                     .ema = 0.999,
                                     .short_ema = true,
                                     .schedule = TERN_SCHEDULE_ONE_CYCLE,
                                     .drop_short = true,
                                     .auxiliary = 0.3};
#define RESIDUAL(rate)                                                                             \
    {                                                                                              \
        .samples_seen = 600000, .fewest_epochs = 10, .most_epochs = 100, .batch = 64,              \
        .learning_rate = (rate), .weight_decay = 0.02, .label_smoothing = 0.05, .ema = 0.999,      \
        .short_ema = true, .schedule = TERN_SCHEDULE_ONE_CYCLE, .drop_short = true,                \
        .auxiliary = 0.3                                                                           \
    }
static const tern__recipe normalized = RESIDUAL(6e-3);
/* Deep stacks without normalisation bear a tenth of the rate. */
static const tern__recipe plain = RESIDUAL(6e-3 / 10);

#define RESNET(layers)                                                                             \
    {"resnet" #layers,                                                                             \
     "He et al. 2016, " #layers " layers, BatchNormalization",                                     \
     8,                                                                                            \
     -1,                                                                                           \
     tern__build_resnet,                                                                           \
     layers,                                                                                       \
     TERN__RESNET_BN,                                                                              \
     &normalized},                                                                                 \
        {"resnet" #layers "-plain",                                                                \
         "the same without normalisation: 3x3, ReLU, 3x3",                                         \
         8,                                                                                        \
         -1,                                                                                       \
         tern__build_resnet,                                                                       \
         layers,                                                                                   \
         TERN__RESNET_PLAIN,                                                                       \
         &plain},                                                                                  \
    {                                                                                              \
        "resnet" #layers "-preactivation", "BatchNormalization and ReLU before each convolution",  \
            8, -1, tern__build_resnet, layers, TERN__RESNET_PREACTIVATION, &normalized             \
    }

static const tern__classifier networks[] = {
    {"small", "residual, for small pictures, 0.6 M weights (the default)", 8, 0.2, build_small, 0,
     0, &normalized},
    {"lenet", "LeCun et al. 1998, 62 thousand weights", 8, -1, build_lenet, 0, 0, &classic},
    {"alexnet", "Krizhevsky 2014, 61 M weights", 63, 0.5, build_alexnet, 8, 0, &plain},
    {"alexnet-groups", "Krizhevsky et al. 2012 in two columns, 61 M weights", 63, 0.5,
     build_alexnet, 8, 1, &plain},
    {"vgg16", "Simonyan & Zisserman 2015, 138 M weights", 32, 0.5, build_vgg, 16, 0, &plain},
    {"vgg19", "19 layers, 144 M weights", 32, 0.5, build_vgg, 19, 0, &plain},
    {"vgg16-bn", "vgg16 with BatchNormalization", 32, 0.5, build_vgg, 16, 1, &normalized},
    {"vgg19-bn", "vgg19 with BatchNormalization", 32, 0.5, build_vgg, 19, 1, &normalized},
    {"googlenet", "Szegedy et al. 2015, 7 M weights and two auxiliary classifiers", 48, 0.4,
     tern__build_googlenet, 22, 0, &plain},
    {"googlenet-factored", "n x n as n x 1 and 1 x n, BatchNormalization", 48, 0.4,
     tern__build_googlenet, 22, 1, &normalized},
    RESNET(18),
    RESNET(34),
    RESNET(50),
    RESNET(101),
    RESNET(152),
};
enum { NETWORKS = sizeof networks / sizeof *networks };

const tern__classifier *tern__classifier_row(const char *name) {
    const tern__classifier *n = tern__choice_find(TERN__CHOICES(networks), name);
    return n ? n : &networks[0];
}
const char *tern_vision_classifier_name(size_t index) {
    return index < NETWORKS ? networks[index].name : NULL;
}
const char *tern_vision_classifier_summary(size_t index) {
    return index < NETWORKS ? networks[index].summary : NULL;
}

/* Sticks an error to the graph if an option is out of range. */
static bool check(tern_graph *g, const tern__classifier *n, const options *o) {
    const int64_t shorter = o->width < o->height ? o->width : o->height;
    const struct {
        const char *what;
        double value, least, most;
    } ranges[] = {{"channels", (double)o->channels, 1, 64},
                  {"classes", (double)o->classes, 1, 65536},
                  {"scale", o->scale, 0.05, 16}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].least && ranges[i].value <= ranges[i].most))
            tern__graph_fail(g, TERN_ERR_ARGUMENT, "network %s: %s %g; the range is %g to %g",
                             n->name, ranges[i].what, ranges[i].value, ranges[i].least,
                             ranges[i].most);
    if (!(o->dropout < 1))
        tern__graph_fail(g, TERN_ERR_ARGUMENT, "network %s: dropout %g; it must be below 1",
                         n->name, o->dropout);
    if (shorter < n->least || o->width > 8192 || o->height > 8192)
        tern__graph_fail(g, TERN_ERR_ARGUMENT,
                         "network %s: pictures of %lld x %lld; it takes %lld to 8192 "
                         "pixels a side",
                         n->name, (long long)o->width, (long long)o->height, (long long)n->least);
    return g->status == TERN_OK;
}

tern_value tern_vision_classifier_build(tern_graph *g, const char *name, const options *given) {
    options o = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
    if (given) o = *given;
    const tern__classifier *n = tern__choice_find(TERN__CHOICES(networks), name);
    if (!n) return tern__choice_refuse(g, "network", name, TERN__CHOICES(networks));
    if (o.size != sizeof o) {
        tern__graph_fail(g, TERN_ERR_ARGUMENT,
                         "network options of size %zu, expected %zu: start from "
                         "TERN_VISION_CLASSIFIER_OPTIONS_INIT",
                         o.size, sizeof o);
        return (tern_value){g, -1};
    }
    if (o.scale == 0) o.scale = 1;
    if (o.dropout == 0) o.dropout = n->dropout;
    if (!check(g, n, &o)) return (tern_value){g, -1};
    tern_value x = tern_input(g, "picture", 4, (int64_t[]){-1, o.channels, o.height, o.width});
    x = n->build(x, &o, n);
    /* The logits come first, whatever auxiliary outputs the builder has named. */
    tern_output(g, "logits", x);
    for (size_t i = g->n_outputs; g->status == TERN_OK && i-- > 1;) {
        const int kept = g->outputs[i];
        g->outputs[i] = g->outputs[i - 1];
        g->outputs[i - 1] = kept;
    }
    return x;
}
