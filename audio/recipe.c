/* The recipes: how long, how fast and with which variation of the clips a network is trained. Numbers
 * only; found by cross-validation on ESC-10 and on spoken digits with one speaker left out. */
#include "recipe.h"
#include "store.h"

#include "core/arithmetic.h"
#include "core/choices.h"
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

#define PART(name, whole) TERN__SETTING(tern_audio_augmentation, name, whole)
static const tern__setting parts[] = {
    PART(time_shift, false), PART(gain, false), PART(noise, false), PART(noise_snr_low, false),
    PART(noise_snr_high, false), PART(speed, false), PART(pitch, false), PART(tilt, false), PART(style, false),
    PART(time_masks, true), PART(time_mask, false), PART(frequency_masks, true),
    PART(frequency_mask, false)};

uint64_t tern__audio_augmentation_hash(uint64_t h, const tern_audio_augmentation *a) {
    unsigned char bytes[sizeof *a] = {0};
    tern__settings_copy(bytes, a, TERN__CHOICES(parts));
    return tern__hash(h, bytes, sizeof bytes);
}

tern_status tern__recipe_augmentation(tern_audio_augmentation *a, tern_context *c,
                                      const tern_audio_train_options *o, double seconds) {
    *a = (tern_audio_augmentation){0};
    if (!o->no_augmentation) *a = choose(o, seconds)->augmentation;
    char item[TERN__SETTING_ITEM];
    for (const char *text = o->augmentation; tern__settings_next(&text, item);) {
        const tern__setting *s;
        double value;
        tern_status st =
            tern__settings_read(&s, &value, c, "augmentation", TERN__CHOICES(parts), NULL, item);
        if (st != TERN_OK) return st;
        tern__setting_set(a, s, s->whole ? fmax(-1, fmin(value, 1000)) : value);
    }
    return TERN_OK;
}
