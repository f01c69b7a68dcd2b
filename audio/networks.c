/* The networks for sound, each with its recipe. Builds graphs; knows nothing of data. */
#include "networks.h"

#include "core/graph/choices.h"
#include "core/graph/graph.h"

#include <math.h>
#include <string.h>

enum { MOST_MEMBERS = 2 };

static int64_t scaled(const tern_audio_network_options *o, int64_t channels) {
    return (int64_t)fmax(1, round((double)channels * o->width));
}

/* Convolution of kernel 3 (2-D) -> BatchNormalization -> Relu. */
static tern_value conv3x3(tern_value x, int64_t channels) {
    x = tern_conv(
        x, channels,
        (tern_conv_options){.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .no_bias = true});
    return tern_relu(tern_batch_normalization(x));
}

/* Halves rows and frames, each as long as two or more are left for the layers after it. */
static tern_value halve(tern_value x, int64_t *rows, int64_t *frames) {
    const int64_t kr = *rows >= 4 ? 2 : 1, kf = *frames >= 8 ? 2 : 1;
    if (kr * kf == 1) return x;
    *rows /= kr;
    *frames /= kf;
    return tern_max_pool_with(x, (tern_pool_options){.kernel_shape = {kr, kf}});
}

/* Mean over the rows, then mean and maximum over time: what sounds all along and what sounds once.
 */
static tern_value mean_and_peak(tern_value x) {
    x = tern_reduce_mean(x, (int64_t[]){2}, 1, false);
    return tern_add(tern_reduce_mean(x, (int64_t[]){2}, 1, false),
                    tern_reduce_max(x, (int64_t[]){2}, 1, false));
}

/* Members that see other things err on other clips. Every second one does not see the mean of any
 * band: neither loudness nor voice nor microphone. */
static tern_value with_and_without_means(tern_value x, int member) {
    return member % 2 ? tern_sub(x, tern_reduce_mean(x, (int64_t[]){3}, 1, true)) : x;
}

/* Eight convolutions of 3x3, pooled by two after the first, third, fifth and seventh. It is narrow
 * because few recordings are learned better by long training than by many weights: on ESC-10, folds
 * 1 to 4, the same work spent on four such networks that are averaged gave 89.7 %, on one trained
 * four times as long 92.8 %. Source: the form of VGG (Simonyan & Zisserman 2015) with the pooling
 * over time of PANNs (Kong et al. 2020). */
static tern_value build_cnn(tern_value x, const tern_audio_network_options *o) {
    static const int64_t channels[] = {8, 16, 32, 64, 128};
    int64_t rows = o->rows, frames = o->frames;
    for (int i = 0; i < 5; i++) {
        if (i) x = halve(x, &rows, &frames);
        if (i % 4) x = conv3x3(x, scaled(o, channels[i]));
        x = conv3x3(x, scaled(o, channels[i]));
    }
    return mean_and_peak(x);
}

/* M5 of Dai et al. 2016, "Very deep convolutional neural networks for raw waveforms". */
static tern_value build_m5(tern_value x, const tern_audio_network_options *o) {
    static const int64_t channels[] = {128, 128, 256, 512};
    int64_t frames = o->frames;
    for (int i = 0; i < 4; i++) {
        const int64_t kernel = i ? 3 : 80, stride = i ? 1 : 4;
        x = tern_conv(x, scaled(o, channels[i]),
                      (tern_conv_options){.kernel_shape = {kernel},
                                          .strides = {stride},
                                          .pads = {kernel / 2, kernel / 2},
                                          .no_bias = true});
        x = tern_relu(tern_batch_normalization(x));
        frames = frames / stride;
        if (frames >= 8) x = tern_max_pool(x, 4, 4), frames /= 4;
    }
    return tern_global_average_pool(x);
}

/* ---- recipes ---- */

/* Found by cross-validation on ESC-10 and on spoken digits with one speaker left out. */

static const tern__audio_recipe long_features = {.train = {.samples_seen = 70000,
                                                           .fewest_epochs = 15,
                                                           .most_epochs = 400,
                                                           .batch = 8,
                                                           .learning_rate = 3e-3,
                                                           .weight_decay = 0.01,
                                                           .label_smoothing = 0.1,
                                                           .ema = 0.995,
                                                           .schedule = TERN_SCHEDULE_ONE_CYCLE,
                                                           .drop_short = true,
                                                           .mixup = 1},
                                                 .augmentation = {.time_shift = 1,
                                                                  .gain = 3,
                                                                  .style = 0.5,
                                                                  .time_masks = 2,
                                                                  .time_mask = 0.15,
                                                                  .frequency_masks = 2,
                                                                  .frequency_mask = 0.2}};
static const tern__audio_recipe short_features = {.train = {.samples_seen = 120000,
                                                            .fewest_epochs = 15,
                                                            .most_epochs = 100,
                                                            .batch = 32,
                                                            .learning_rate = 3e-3,
                                                            .weight_decay = 0.01,
                                                            .label_smoothing = 0.1,
                                                            .ema = 0.995,
                                                            .schedule = TERN_SCHEDULE_ONE_CYCLE,
                                                            .drop_short = true,
                                                            .mixup = 0.2},
                                                  .augmentation = {.time_shift = 0.1,
                                                                   .noise = 0.3,
                                                                   .noise_snr_low = 5,
                                                                   .noise_snr_high = 30,
                                                                   .speed = 0.15,
                                                                   .pitch = 0.12,
                                                                   .tilt = 6,
                                                                   .time_masks = 1,
                                                                   .time_mask = 0.15,
                                                                   .frequency_masks = 2,
                                                                   .frequency_mask = 0.15}};
static const tern__audio_recipe samples = {.train = {.samples_seen = 20000,
                                                     .fewest_epochs = 15,
                                                     .most_epochs = 100,
                                                     .batch = 16,
                                                     .learning_rate = 3e-3,
                                                     .weight_decay = 0.01,
                                                     .label_smoothing = 0.1,
                                                     .ema = 0.995,
                                                     .schedule = TERN_SCHEDULE_ONE_CYCLE,
                                                     .drop_short = true,
                                                     .mixup = 0.5},
                                           .augmentation = {.time_shift = 0.3,
                                                            .gain = 3,
                                                            .noise = 0.3,
                                                            .noise_snr_low = 5,
                                                            .noise_snr_high = 30,
                                                            .speed = 0.15,
                                                            .time_masks = 1,
                                                            .time_mask = 0.15}};

static const tern__audio_network networks[] = {
    {"cnn",
     "log-mel features, eight 3x3 convolutions, 0.15 M weights (the default for long sounds)",
     false,
     false,
     0.3,
     1,
     NULL,
     build_cnn,
     {&long_features, &short_features}},
    {"pair",
     "two of them averaged, one deaf to voice and microphone (the default for short sounds; cnn is "
     "better for "
     "steady ones)",
     false,
     true,
     0.3,
     2,
     with_and_without_means,
     build_cnn,
     {&long_features, &short_features}},
    {"m5",
     "raw samples, four 1-D convolutions: M5 of Dai et al. 2016, 0.5 M weights",
     true,
     false,
     0.2,
     1,
     NULL,
     build_m5,
     {&samples, &samples}},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static const tern__audio_network *find(const char *name) {
    return tern__choice_find(TERN__CHOICES(networks), name);
}

const char *tern_audio_network_name(size_t index) {
    return index < NETWORKS ? networks[index].name : NULL;
}
const char *tern_audio_network_summary(size_t index) {
    return index < NETWORKS ? networks[index].summary : NULL;
}
bool tern_audio_network_waveform(const char *name) {
    const tern__audio_network *n = find(name);
    return n && n->waveform;
}

int tern_audio_network_members(const char *name) {
    const tern__audio_network *n = find(name);
    return n ? n->members : 1;
}

const tern__audio_network *tern__audio_network_row(const char *name, bool waveform, bool brief) {
    const tern__audio_network *first = NULL;
    for (size_t i = 0; i < NETWORKS; i++) {
        const tern__audio_network *n = &networks[i];
        if (n->waveform != waveform) continue;
        if (name ? !strcmp(n->name, name) : n->brief == brief) return n;
        if (!first) first = n;
    }
    return first;
}

static tern_value refuse(tern_graph *g, const char *format, const char *name, double value) {
    tern__graph_fail(g, TERN_ERR_ARGUMENT, format, name, value);
    return (tern_value){g, -1};
}

tern_value tern_audio_network_build(tern_graph *g, const char *name,
                                    const tern_audio_network_options *options) {
    const tern__audio_network *n = find(name);
    tern_audio_network_options o = TERN_AUDIO_NETWORK_OPTIONS_INIT;
    if (options) o = *options;
    if (!n) return tern__choice_refuse(g, "network", name, TERN__CHOICES(networks));
    if (o.width == 0) o.width = 1;
    if (o.dropout == 0) o.dropout = n->dropout;
    if (!(o.width >= 0.05 && o.width <= 16))
        return refuse(g, "network %s: width %g; it must be in 0.05..16", n->name, o.width);
    if (!(o.dropout < 1))
        return refuse(g, "network %s: dropout %g; it must be below 1", n->name, o.dropout);
    tern_value x = n->waveform ? tern_input(g, "samples", 3, (int64_t[]){-1, 1, -1})
                               : tern_input(g, "features", 4, (int64_t[]){-1, 1, o.rows, -1});
    tern_value logits[MOST_MEMBERS];
    for (int i = 0; i < n->members; i++) {
        tern_value y = n->build(n->view ? n->view(x, i) : x, &o);
        if (o.dropout > 0) y = tern_dropout(y, (float)o.dropout);
        y = tern_dense(y, o.classes);
        logits[i] = n->members > 1 ? tern_unsqueeze(y, (int64_t[]){2}, 1) : y;
    }
    x = n->members > 1 ? tern_concat(logits, (size_t)n->members, 2) : logits[0];
    if (n->members > 1 && !o.apart) x = tern_reduce_mean(x, (int64_t[]){2}, 1, false);
    tern_output(g, n->members > 1 && o.apart ? "members" : "logits", x);
    return x;
}

void tern__audio_network_join(tern_graph *g) {
    if (g->status || g->n_outputs != 1 || g->values[g->outputs[0]].shape.rank != 3) return;
    const tern_value apart = {g, g->outputs[0]};
    g->n_outputs = 0;
    tern_output(g, "logits", tern_reduce_mean(apart, (int64_t[]){2}, 1, false));
}
