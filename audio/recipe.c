/* The recipes: how long, how fast and with which variation of the clips a network is trained. Numbers
 * only; found by cross-validation on ESC-10 and on spoken digits with one speaker left out. */
#include "recipe.h"
#include "store.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

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

typedef struct part {
    const char *name;
    size_t offset;
    bool whole; /* an int, not a double */
} part;

#define PART(name, whole) {#name, offsetof(tern_audio_augmentation, name), whole}
static const part parts[] = {
    PART(time_shift, false), PART(gain, false), PART(noise, false), PART(noise_snr_low, false),
    PART(noise_snr_high, false), PART(speed, false), PART(pitch, false), PART(tilt, false),
    PART(time_masks, true), PART(time_mask, false), PART(frequency_masks, true),
    PART(frequency_mask, false)};
enum { PARTS = sizeof parts / sizeof *parts };

/* A number as JSON writes it: strtod would read "0.5" as 0 where the locale writes 0,5. */
static bool read_number(const char *text, double *value) {
    json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);
    const bool is_number = json_is_number(number);
    if (is_number) *value = json_number_value(number);
    json_decref(number);
    return is_number;
}

/* One "name=value" of `length` bytes. */
static tern_status set_part(tern_audio_augmentation *a, tern_context *c, const char *text,
                            size_t length) {
    char names[300] = "", item[64];
    snprintf(item, sizeof item, "%.*s", (int)length, text);
    char *equals = strchr(item, '=');
    double value;
    if (!equals || !read_number(equals + 1, &value))
        return tern__fail(c, TERN_ERR_ARGUMENT, "augmentation '%s': write name=number", item);
    *equals = 0;
    for (size_t i = 0; i < PARTS; i++) {
        if (!strcmp(item, parts[i].name)) {
            char *field = (char *)a + parts[i].offset;
            if (parts[i].whole) *(int *)field = (int)fmax(-1, fmin(value, 1000));
            else *(double *)field = value;
            return TERN_OK;
        }
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
                 parts[i].name);
    }
    return tern__fail(c, TERN_ERR_ARGUMENT, "augmentation: there is no '%s'; there are %s", item, names);
}

tern_status tern__recipe_augmentation(tern_audio_augmentation *a, tern_context *c,
                                      const tern_audio_train_options *o, double seconds) {
    *a = (tern_audio_augmentation){0};
    if (!o->no_augmentation) *a = choose(o, seconds)->augmentation;
    for (const char *text = o->augmentation; text && *text;) {
        const size_t length = strcspn(text, ",");
        tern_status st = set_part(a, c, text, length);
        if (st != TERN_OK) return st;
        text += length + (text[length] == ',');
    }
    return TERN_OK;
}
