/* The recipes: how long, how fast and with which variation of the clips a network is trained. Numbers
 * only; found by cross-validation on ESC-10 and on spoken digits with one speaker left out. */
#include "recipe.h"
#include "store.h"

#include "core/choices.h"

#include <math.h>

typedef struct recipe {
    double clips_seen; /* clips trained on in all: the epochs follow from the number of clips */
    int fewest_epochs, most_epochs;
    int64_t batch;
    double learning_rate, weight_decay, label_smoothing, mixup, ema;
    tern_audio_augmentation augmentation;
} recipe;

static const recipe long_features = {
    .clips_seen = 20000, .fewest_epochs = 15, .most_epochs = 100, .batch = 8,
    .learning_rate = 3e-3, .weight_decay = 0.01, .label_smoothing = 0.1, .mixup = 1, .ema = 0.995,
    .augmentation = {.time_shift = 1, .gain = 3, .time_masks = 2, .time_mask = 0.15,
                     .frequency_masks = 2, .frequency_mask = 0.2}};
static const recipe short_features = {
    .clips_seen = 40000, .fewest_epochs = 15, .most_epochs = 100, .batch = 32,
    .learning_rate = 3e-3, .weight_decay = 0.01, .label_smoothing = 0.1, .mixup = 0.2, .ema = 0.995,
    .augmentation = {.time_shift = 0.1, .noise = 0.3, .noise_snr_low = 5,
                     .noise_snr_high = 30, .speed = 0.15, .pitch = 0.12, .tilt = 6, .time_masks = 1,
                     .time_mask = 0.15, .frequency_masks = 2, .frequency_mask = 0.15}};
static const recipe samples = {
    .clips_seen = 20000, .fewest_epochs = 15, .most_epochs = 100, .batch = 16,
    .learning_rate = 3e-3, .weight_decay = 0.01, .label_smoothing = 0.1, .mixup = 0.5, .ema = 0.995,
    .augmentation = {.time_shift = 0.3, .gain = 3, .noise = 0.3, .noise_snr_low = 5,
                     .noise_snr_high = 30, .speed = 0.15, .time_masks = 1, .time_mask = 0.15}};

static const recipe *choose(const tern_audio_train_options *o, double seconds) {
    if (tern_audio_network_waveform(o->network)) return &samples;
    return seconds < TERN__SHORT_SECONDS ? &short_features : &long_features;
}

const char *tern__recipe_network(const tern_audio_train_options *o, double seconds) {
    if (o->network) return o->network;
    return seconds < TERN__SHORT_SECONDS ? "pair" : "four";
}

void tern__recipe_train(tern_audio_train_options *o, double seconds, int64_t clips) {
    const recipe *r = choose(o, seconds);
    tern_train_options *t = &o->train;
    tern_optimizer_options *p = &t->optimizer;
    if (!t->epochs)
        t->epochs = (int)fmin(r->most_epochs,
                              fmax(r->fewest_epochs, round(r->clips_seen / (double)clips)));
    if (!t->batch) t->batch = clips < 4 * r->batch ? (clips + 3) / 4 : r->batch;
    /* A short last batch has poor statistics for BatchNormalization. */
    t->drop_last = clips > t->batch && clips % t->batch < t->batch / 2;
    if (p->kind == TERN_OPTIMIZER_ADAMW && p->learning_rate == 0) p->learning_rate = r->learning_rate;
    if (p->weight_decay == 0) p->weight_decay = r->weight_decay;
    p->decay_matrices_only = true;
    if (p->ema == 0) p->ema = r->ema;
    if (t->schedule.kind == TERN_SCHEDULE_CONSTANT) t->schedule.kind = TERN_SCHEDULE_ONE_CYCLE;
    if (t->loss.label_smoothing == 0) t->loss.label_smoothing = r->label_smoothing;
    if (!o->no_augmentation && t->mixup == 0) t->mixup = r->mixup;
}

/* ---- augmentation as text ---- */

#define PART(name, whole) TERN__SETTING(tern_audio_augmentation, name, whole)
static const tern__setting parts[] = {
    PART(time_shift, false), PART(gain, false), PART(noise, false), PART(noise_snr_low, false),
    PART(noise_snr_high, false), PART(speed, false), PART(pitch, false), PART(tilt, false),
    PART(time_masks, true), PART(time_mask, false), PART(frequency_masks, true),
    PART(frequency_mask, false)};

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
