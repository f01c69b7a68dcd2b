/* The recipes: how long, how fast and with which variation of the clips a network is trained. Numbers
 * only; found by cross-validation on ESC-10 and on spoken digits with one speaker left out. */
#include "recipe.h"
#include "store.h"

#include "core/training.h"

#include <math.h>

typedef struct recipe {
    tern__recipe train;
    double mixup;
    tern_audio_augmentation augmentation;
} recipe;

static const recipe long_features = {
    .train = {.samples_seen = 70000, .fewest_epochs = 15, .most_epochs = 400, .batch = 8,
              .learning_rate = 3e-3, .weight_decay = 0.01, .label_smoothing = 0.1, .ema = 0.995,
              .schedule = TERN_SCHEDULE_ONE_CYCLE, .drop_short = true},
    .mixup = 1,
    .augmentation = {.time_shift = 1, .gain = 3, .style = 0.5, .time_masks = 2, .time_mask = 0.15,
                     .frequency_masks = 2, .frequency_mask = 0.2}};
static const recipe short_features = {
    .train = {.samples_seen = 120000, .fewest_epochs = 15, .most_epochs = 100, .batch = 32,
              .learning_rate = 3e-3, .weight_decay = 0.01, .label_smoothing = 0.1, .ema = 0.995,
              .schedule = TERN_SCHEDULE_ONE_CYCLE, .drop_short = true},
    .mixup = 0.2,
    .augmentation = {.time_shift = 0.1, .noise = 0.3, .noise_snr_low = 5,
                     .noise_snr_high = 30, .speed = 0.15, .pitch = 0.12, .tilt = 6, .time_masks = 1,
                     .time_mask = 0.15, .frequency_masks = 2, .frequency_mask = 0.15}};
static const recipe samples = {
    .train = {.samples_seen = 20000, .fewest_epochs = 15, .most_epochs = 100, .batch = 16,
              .learning_rate = 3e-3, .weight_decay = 0.01, .label_smoothing = 0.1, .ema = 0.995,
              .schedule = TERN_SCHEDULE_ONE_CYCLE, .drop_short = true},
    .mixup = 0.5,
    .augmentation = {.time_shift = 0.3, .gain = 3, .noise = 0.3, .noise_snr_low = 5,
                     .noise_snr_high = 30, .speed = 0.15, .time_masks = 1, .time_mask = 0.15}};

static const recipe *choose(const tern_audio_train_options *o, double seconds) {
    if (o->data.waveform) return &samples;
    return seconds < TERN__SHORT_SECONDS ? &short_features : &long_features;
}

const char *tern__recipe_network(const tern_audio_train_options *o, double seconds) {
    if (o->network) return o->network;
    return seconds < TERN__SHORT_SECONDS ? "pair" : "cnn";
}

void tern__recipe_train(tern_audio_train_options *o, double seconds, int64_t clips) {
    const recipe *r = choose(o, seconds);
    tern__recipe_fill(&o->train, &r->train, clips);
    if (!o->no_augmentation && o->train.mixup == 0) o->train.mixup = r->mixup;
}

/* ---- augmentation as text ---- */

#define PART(name, most) TERN__REAL_OPTION(tern_audio_augmentation, name, 0, most)
#define DECIBELS(name) TERN__REAL_OPTION(tern_audio_augmentation, name, -1000, 1000)
#define COUNT(name) TERN__INT_OPTION(tern_audio_augmentation, name, 0, 100)
static const tern__option parts[] = {
    PART(time_shift, 1), PART(gain, 60), PART(noise, 1), DECIBELS(noise_snr_low),
    DECIBELS(noise_snr_high), PART(speed, 1), PART(pitch, 1), PART(tilt, 60), PART(style, 1),
    COUNT(time_masks), PART(time_mask, 1), COUNT(frequency_masks), PART(frequency_mask, 1)};
const tern__options tern__audio_augmentation =
    TERN__OPTIONS("augmentation", tern_audio_augmentation, parts, NULL, NULL);

tern_status tern__recipe_augmentation(tern_audio_augmentation *a, tern_context *c,
                                      const tern_audio_train_options *o, double seconds) {
    *a = (tern_audio_augmentation){0};
    if (!o->no_augmentation) *a = choose(o, seconds)->augmentation;
    return tern__options_from_text(&tern__audio_augmentation, a, c, o->augmentation);
}
