/* Data sets of sounds: reads the clips, holds them as features or samples, and serves them to training,
 * varied at random. Knows the list of clips (clips.h) and the front end; no network. */
#include "clips.h"
#include "features.h"
#include "vary.h"

#include "core/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WINDOW 10.0   /* seconds, where the data says how long */
#define SILENT_PEAK 1e-4f     /* of full scale: -80 dB */
#define CLIPPED_PEAK 0.9999f
#define CLIPPED_SHARE 1e-3
#define SHOWN 5               /* so many files are named in a warning */

/* One clip in memory, and what was noticed about it. */
typedef struct held {
    float *values; /* [rows][frames] */
    int64_t frames;
    double seconds;
    int sample_rate, channels;
    bool silent, clipped;
    tern_status status;
    char *message; /* why it could not be read, or a warning */
} held;

/* What the views of a data set share. */
typedef struct store {
    tern_context *context;
    tern__clips clips;
    held *held; /* [clips.count] */
    tern_audio_augmentation augmentation;
    tern_audio_options audio;
    bool waveform;
    tern_features *features; /* NULL: waveform */
    tern_audio_window window;
    tern__variation variation;
    char **scratch; /* [threads] */
} store;

struct tern_audio_dataset {
    tern_context *context;
    store *store;
    tern_dataset *samples;
};

/* ---- the source behind tern_dataset ---- */

static void close_store(void *self) {
    store *s = self;
    tern_context *c = s->context;
    for (size_t i = 0; s->held && i < s->clips.count; i++) {
        tern__free(c, s->held[i].values);
        tern__free(c, s->held[i].message);
    }
    for (int i = 0; s->scratch && i < c->threads; i++) tern__free(c, s->scratch[i]);
    tern__free(c, s->scratch);
    tern__free(c, s->held);
    tern_features_free(s->features);
    tern__clips_free(&s->clips);
    tern__free(c, s);
}

static int64_t class_of(void *self, int64_t i) { return ((store *)self)->clips.at[i].label; }
static int64_t fold_of(void *self, int64_t i) { return ((store *)self)->clips.at[i].fold; }
static int64_t group_of(void *self, int64_t i) {
    const tern__clips *clips = &((store *)self)->clips;
    /* Clips without a group are their own: numbers beyond those of the groups. */
    return clips->at[i].group >= 0 ? clips->at[i].group : (int64_t)clips->groups.count + i;
}

static void shapes(void *self, const int64_t *samples, int64_t count, bool training,
                   tern_tensor *inputs, tern_tensor *target) {
    const store *s = self;
    (void)samples, (void)count, (void)training;
    inputs[0].type = TERN_FLOAT;
    inputs[0].rank = s->waveform ? 3 : 4;
    inputs[0].dims[1] = 1;
    inputs[0].dims[2] = s->variation.rows;
    inputs[0].dims[s->waveform ? 2 : 3] = s->variation.frames;
    target->type = TERN_INT64;
    target->rank = 1;
}

static tern_status load(void *self, tern_load *l) {
    const store *s = self;
    const held *h = &s->held[l->sample];
    float *out = l->inputs[0].data;
    if (!l->training) {
        tern__vary_not(&s->variation, h->values, h->frames, out);
    } else {
        tern__random random = tern__random_make(l->random, 0);
        if (s->waveform) tern__vary_samples(&s->variation, &random, h->values, h->frames, out);
        else
            tern__vary_features(&s->variation, &random, h->values, h->frames, out,
                                s->scratch[l->worker]);
    }
    *(int64_t *)l->target.data = s->clips.at[l->sample].label;
    return TERN_OK;
}

/* FNV-1a over everything that makes this data set what it is. */
static uint64_t hash(uint64_t h, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++) h = (h ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return h;
}
static uint64_t fingerprint(const store *s) {
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < s->clips.count; i++) {
        const tern__clip *clip = &s->clips.at[i];
        const char *slash = strrchr(clip->path, '/'), *name = slash ? slash + 1 : clip->path;
        h = hash(h, name, strlen(name));
        h = hash(h, &clip->label, sizeof clip->label);
        h = hash(h, &s->held[i].frames, sizeof s->held[i].frames);
    }
    h = hash(h, &s->window.samples, sizeof s->window.samples);
    return hash(h, &s->augmentation, sizeof s->augmentation) | 1;
}

/* ---- reading ---- */

/* A context for one worker: its own sentence; warnings are kept with the clip. */
typedef struct worker {
    tern_context context;
    held *clip;
} worker;

typedef struct reading {
    store *store;
    worker *workers; /* [threads] */
} reading;

static void keep_warning(void *user, tern_log_level level, const char *line) {
    worker *w = user;
    if (level == TERN_LOG_WARNING && !w->clip->message)
        w->clip->message = tern__strdup(&w->context, line);
}

static worker *start(const reading *r, int number, held *clip) {
    worker *w = &r->workers[number];
    w->context = *r->store->context;
    w->context.threads = 1;
    w->context.on_log = keep_warning;
    w->context.user = w;
    w->clip = clip;
    return w;
}

static void finish(worker *w, tern_status status) {
    if (status == TERN_OK) return;
    w->clip->status = status;
    tern__free(&w->context, w->clip->message);
    w->clip->message = tern__strdup(&w->context, tern_context_message(&w->context));
}

/* Opens a clip and notes length and rate. */
static void probe(void *argument, int64_t i, int number) {
    const reading *r = argument;
    worker *w = start(r, number, &r->store->held[i]);
    tern_sound *sound = NULL;
    tern_sound_options options = TERN_SOUND_OPTIONS_INIT;
    options.sample_rate = 0;
    tern_status st = tern_sound_open(&sound, &w->context, r->store->clips.at[i].path, &options);
    if (st == TERN_OK) {
        const tern_sound_info *info = tern_sound_describe(sound);
        w->clip->seconds = info->seconds;
        w->clip->sample_rate = info->sample_rate;
        w->clip->channels = info->channels;
    }
    tern_sound_close(sound);
    tern__free(&w->context, w->clip->message); /* warnings come again when it is read */
    w->clip->message = NULL;
    finish(w, st);
}

static void examine(held *h, const float *samples, size_t count) {
    size_t full = 0;
    float peak = 0;
    for (size_t i = 0; i < count; i++) {
        float x = fabsf(samples[i]);
        if (x > peak) peak = x;
        full += x >= CLIPPED_PEAK;
    }
    h->silent = peak < SILENT_PEAK;
    h->clipped = (double)full > CLIPPED_SHARE * (double)count && full > 2;
}

/* Reads a clip, sets it between silence if it is short, computes its features. */
static void read_clip(void *argument, int64_t i, int number) {
    const reading *r = argument;
    store *s = r->store;
    worker *w = start(r, number, &s->held[i]);
    tern_context *c = &w->context;
    float *samples = NULL, *padded = NULL;
    size_t count = 0;
    tern_sound_options options = TERN_SOUND_OPTIONS_INIT;
    options.sample_rate = s->audio.sample_rate;
    options.resampler = s->audio.resampler;
    tern_status st = tern_sound_load(&samples, &count, c, s->clips.at[i].path, &options);
    if (st != TERN_OK) goto done;
    examine(w->clip, samples, count);
    if (count < s->window.samples) {
        st = TERN_ERR_MEMORY;
        if (!(padded = tern__calloc(c, s->window.samples, sizeof *padded))) goto done;
        memcpy(padded + (s->window.samples - count) / 2, samples, count * sizeof *samples);
        tern__free(c, samples);
        samples = padded;
        count = s->window.samples;
    }
    st = TERN_OK;
    if (s->waveform) {
        w->clip->values = samples;
        w->clip->frames = (int64_t)count;
        samples = NULL;
        goto done;
    }
    w->clip->frames = (int64_t)tern_features_frames(s->features, count);
    st = TERN_ERR_MEMORY;
    size_t size = (size_t)w->clip->frames * s->window.rows * sizeof(float);
    if ((w->clip->values = tern__alloc(c, size)))
        st = tern__features_compute(s->features, c, samples, count, w->clip->values);
done:
    tern__free(c, samples);
    finish(w, st);
}

/* The failure of the first clip that could not be read, with its file and line. */
static tern_status first_failure(store *s) {
    char text[700];
    size_t failures = 0, first = 0;
    for (size_t i = s->clips.count; i-- > 0;)
        if (s->held[i].status != TERN_OK) failures++, first = i;
    if (!failures) return TERN_OK;
    const held *h = &s->held[first];
    if (!h->message) return tern__fail(s->context, TERN_ERR_MEMORY, "%s: out of memory", s->clips.path);
    if (s->clips.at[first].line)
        snprintf(text, sizeof text, "%s, line %zu: %.500s", s->clips.path, s->clips.at[first].line,
                 h->message);
    else snprintf(text, sizeof text, "%.600s", h->message);
    if (failures == 1) return tern__fail(s->context, h->status, "%s", text);
    return tern__fail(s->context, h->status, "%s (and %zu more of the %zu clips cannot be read)", text,
                      failures - 1, s->clips.count);
}

static int compare_seconds(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorted lengths [count]; the caller frees them. NULL: no memory. */
static double *sorted_lengths(const store *s) {
    double *lengths = tern__alloc(s->context, s->clips.count * sizeof *lengths);
    if (!lengths) return NULL;
    for (size_t i = 0; i < s->clips.count; i++) lengths[i] = s->held[i].seconds;
    qsort(lengths, s->clips.count, sizeof *lengths, compare_seconds);
    return lengths;
}

/* The window: as asked for, or from the lengths of the clips. */
static tern_status choose_window(store *s, double seconds) {
    tern_context *c = s->context;
    if (seconds == 0) {
        double *lengths = sorted_lengths(s);
        if (!lengths) return TERN_ERR_MEMORY;
        seconds = lengths[(s->clips.count - 1) * 95 / 100];
        if (seconds > LONGEST_WINDOW) seconds = LONGEST_WINDOW;
        tern__free(c, lengths);
    }
    if (!(seconds > 0) || seconds > 3600)
        return tern__fail(c, TERN_ERR_ARGUMENT, "a window of %g seconds; it must be above 0 and at most "
                          "3600", seconds);
    s->window.samples = (size_t)fmax(1, round(seconds * s->audio.sample_rate));
    s->window.seconds = (double)s->window.samples / s->audio.sample_rate;
    s->window.rows = s->waveform ? 1 : tern_features_rows(s->features);
    s->window.frames = s->waveform ? s->window.samples
                                   : tern_features_frames(s->features, s->window.samples);
    if (!s->window.frames)
        return tern__fail(c, TERN_ERR_ARGUMENT, "a window of %g seconds is shorter than one frame of %d "
                          "samples at %d Hz", seconds, s->audio.n_fft, s->audio.sample_rate);
    return TERN_OK;
}

static tern_status check_memory(const store *s, double limit) {
    double bytes = 0;
    for (size_t i = 0; i < s->clips.count; i++) {
        double samples = fmax(s->held[i].seconds * s->audio.sample_rate, (double)s->window.samples);
        bytes += s->waveform ? samples * sizeof(float)
                             : samples / s->audio.hop_length * (double)s->window.rows * sizeof(float);
    }
    if (bytes <= limit) return TERN_OK;
    return tern__fail(s->context, TERN_ERR_LIMIT, "%s: %zu clips would take %.1f GB of memory, more than "
                      "the %.1f GB that are allowed (--memory)", s->clips.path, s->clips.count,
                      bytes / 1e9, limit / 1e9);
}

/* The front end; at the rate of the clips if they are all slower and that is wanted. */
static tern_status make_features(store *s, const tern_audio_dataset_options *options) {
    tern_audio_options *o = &s->audio;
    int highest = 0;
    *o = options->audio;
    o->mean = 0;
    o->std = 1;
    for (size_t i = 0; i < s->clips.count; i++)
        if (s->held[i].sample_rate > highest) highest = s->held[i].sample_rate;
    if (options->adapt_rate && highest < o->sample_rate) {
        const double ratio = (double)highest / o->sample_rate;
        o->win_length = (int)round(o->win_length * ratio);
        o->hop_length = (int)round(o->hop_length * ratio);
        while (o->n_fft / 2 >= o->win_length && o->n_fft / 2 >= o->n_fft * ratio && o->n_fft % 4 == 0)
            o->n_fft /= 2;
        if (o->fmax > highest / 2.0) o->fmax = 0;
        o->sample_rate = highest;
    }
    tern_status st = tern_features_create(&s->features, s->context, o);
    if (st == TERN_OK) *o = *tern_features_options(s->features);
    return st;
}

static tern_status read_all(store *s, const tern_audio_dataset_options *options) {
    tern_context *c = s->context;
    reading r = {s, tern__calloc(c, (size_t)c->threads, sizeof(worker))};
    if (!r.workers) return TERN_ERR_MEMORY;
    tern__parallel(c, (int64_t)s->clips.count, probe, &r);
    tern_status st = first_failure(s);
    if (st == TERN_OK) st = make_features(s, options);
    if (st == TERN_OK) st = choose_window(s, options->seconds);
    if (st == TERN_OK) st = check_memory(s, options->memory > 0 ? options->memory : 4e9);
    if (st == TERN_OK) {
        tern__parallel(c, (int64_t)s->clips.count, read_clip, &r);
        st = first_failure(s);
    }
    tern__free(c, r.workers);
    return st;
}

/* ---- what is in the data ---- */

/* "3 clips are silent: a.wav, b.wav, ..." */
static void report_flag(const store *s, size_t offset, const char *what) {
    char text[700];
    size_t used = 0, n = 0;
    text[0] = 0;
    for (size_t i = 0; i < s->clips.count; i++) {
        if (!*((const bool *)&s->held[i] + offset)) continue;
        if (n++ < SHOWN && used + strlen(s->clips.at[i].path) + 3 < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
                                     s->clips.at[i].path);
    }
    if (n)
        tern__log(s->context, TERN_LOG_WARNING, "%zu clip%s %s: %s%s", n, n == 1 ? " is" : "s are", what,
                  text, n > SHOWN ? ", ..." : "");
}

static void report(const store *s) {
    tern_context *c = s->context;
    char text[700];
    size_t used = 0, shown = 0;
    double total = 0;
    double *lengths = sorted_lengths(s);
    for (size_t i = 0; i < s->clips.count; i++) total += s->held[i].seconds;
    tern__log(c, TERN_LOG_INFO, "%s: %zu clips of %zu labels, %.1f minutes", s->clips.path,
              s->clips.count, s->clips.labels.count, total / 60);
    text[0] = 0;
    for (size_t k = 0; k < s->clips.labels.count; k++) {
        size_t n = 0;
        for (size_t i = 0; i < s->clips.count; i++) n += s->clips.at[i].label == (int64_t)k;
        if (used + strlen(s->clips.labels.at[k]) + 32 > sizeof text) break;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %zu", k ? ", " : "",
                                 s->clips.labels.at[k], n);
    }
    tern__log(c, TERN_LOG_INFO, "clips per label: %s", text);
    if (lengths)
        tern__log(c, TERN_LOG_INFO, "lengths: %.2f to %.2f s, median %.2f s; the network sees %.2f s",
                  lengths[0], lengths[s->clips.count - 1], lengths[s->clips.count / 2],
                  s->window.seconds);
    tern__free(c, lengths);
    report_flag(s, offsetof(held, silent), "silent");
    report_flag(s, offsetof(held, clipped), "clipped");
    for (size_t i = 0; i < s->clips.count; i++)
        if (s->held[i].message && shown++ < SHOWN)
            tern__log(c, TERN_LOG_WARNING, "%s", s->held[i].message);
    if (shown > SHOWN)
        tern__log(c, TERN_LOG_WARNING, "... and %zu more warnings of that kind", shown - SHOWN);
}

static tern_status check_labels(const store *s, const tern_audio_dataset_options *options) {
    if (options->n_labels || s->clips.labels.count > 1) return TERN_OK;
    return tern__fail(s->context, TERN_ERR_FORMAT, "%s: all %zu clips have the label '%s'; to tell sounds "
                      "apart at least two labels are needed", s->clips.path, s->clips.count,
                      s->clips.labels.at[0]);
}

/* ---- opening ---- */

static double decibel_of(const tern_audio_options *o) {
    bool bands = o->feature == TERN_FEATURE_MEL || o->feature == TERN_FEATURE_SPECTROGRAM;
    if (!bands || o->pcen || o->deltas || o->normalize != TERN_NORMALIZE_NONE) return 0;
    switch (o->log) {
    case TERN_LOG_NATURAL: return log(10) / 20 * o->power;
    case TERN_LOG_10: return o->power / 20;
    case TERN_LOG_DB: return 1;
    default: return 0;
    }
}

static tern_status prepare_variation(store *s) {
    tern_context *c = s->context;
    tern__variation *v = &s->variation;
    v->how = &s->augmentation;
    v->rows = (int64_t)s->window.rows;
    v->frames = (int64_t)s->window.frames;
    v->decibel = s->waveform ? 0 : decibel_of(&s->audio);
    v->bands = !s->waveform && !s->audio.deltas && !s->audio.use_energy &&
               (s->audio.feature == TERN_FEATURE_MEL || s->audio.feature == TERN_FEATURE_SPECTROGRAM);
    v->mean = 0;
    v->scale = 1;
    if (!(s->scratch = tern__calloc(c, (size_t)c->threads, sizeof *s->scratch))) return TERN_ERR_MEMORY;
    for (int i = 0; i < c->threads; i++)
        if (!(s->scratch[i] = tern__alloc(c, tern__vary_scratch(v)))) return TERN_ERR_MEMORY;
    return TERN_OK;
}

static tern_status check_augmentation(tern_context *c, const tern_audio_augmentation *a) {
    const struct { const char *name; double value, max; } parts[] = {
        {"time_shift", a->time_shift, 1}, {"gain", a->gain, 60}, {"noise", a->noise, 1},
        {"speed", a->speed, 1}, {"pitch", a->pitch, 1}, {"tilt", a->tilt, 60},
        {"time_masks", a->time_masks, 100}, {"time_mask", a->time_mask, 1},
        {"frequency_masks", a->frequency_masks, 100}, {"frequency_mask", a->frequency_mask, 1}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!(parts[i].value >= 0 && parts[i].value <= parts[i].max))
            return tern__fail(c, TERN_ERR_ARGUMENT, "augmentation: %s is %g; it must be in 0..%g",
                              parts[i].name, parts[i].value, parts[i].max);
    return TERN_OK;
}

static tern_status fill(store *s, const char *path, const tern_audio_dataset_options *options) {
    tern_context *c = s->context;
    tern_status st = check_augmentation(c, &options->augmentation);
    s->augmentation = options->augmentation;
    s->waveform = options->waveform;
    if (st != TERN_OK) return st;
    if ((st = tern__clips_read(&s->clips, c, path, options)) != TERN_OK) return st;
    if ((st = check_labels(s, options)) != TERN_OK) return st;
    if (!(s->held = tern__calloc(c, s->clips.count, sizeof *s->held))) return TERN_ERR_MEMORY;
    if ((st = read_all(s, options)) != TERN_OK) return st;
    report(s);
    return prepare_variation(s);
}

tern_status tern_audio_dataset_open(tern_audio_dataset **data, tern_context *c, const char *path,
                                    const tern_audio_dataset_options *options) {
    const tern_audio_dataset_options defaults = TERN_AUDIO_DATASET_OPTIONS_INIT;
    if (!options) options = &defaults;
    *data = NULL;
    if (options->size != sizeof *options)
        return tern__fail(c, TERN_ERR_ARGUMENT, "audio data set options of size %zu, expected %zu: start "
                          "from TERN_AUDIO_DATASET_OPTIONS_INIT", options->size, sizeof *options);
    tern_audio_dataset *d = tern__calloc(c, 1, sizeof *d);
    store *s = tern__calloc(c, 1, sizeof *s);
    tern_status st = TERN_ERR_MEMORY;
    if (!d || !s) goto failed;
    s->context = c;
    if ((st = fill(s, path, options)) != TERN_OK) goto failed;
    const tern_dataset_source source = {
        .size = sizeof source, .self = s, .count = (int64_t)s->clips.count, .n_inputs = 1,
        .close = close_store, .class_of = class_of, .group_of = group_of, .fold_of = fold_of,
        .shapes = shapes, .load = load, .fingerprint = fingerprint(s)};
    if ((st = tern_dataset_create(&d->samples, c, &source)) != TERN_OK) goto failed;
    d->context = c;
    d->store = s;
    *data = d;
    return TERN_OK;
failed:
    if (s && s->context) close_store(s);
    else tern__free(c, s);
    tern__free(c, d);
    return st;
}

void tern_audio_dataset_free(tern_audio_dataset *data) {
    if (!data) return;
    tern_dataset_free(data->samples); /* closes the store with the last view */
    tern__free(data->context, data);
}

/* ---- looking at it ---- */

tern_dataset *tern_audio_dataset_samples(const tern_audio_dataset *data) { return data->samples; }
size_t tern_audio_dataset_label_count(const tern_audio_dataset *data) {
    return data->store->clips.labels.count;
}
const char *tern_audio_dataset_label(const tern_audio_dataset *data, size_t index) {
    return data->store->clips.labels.at[index];
}
const char *tern_audio_dataset_file(const tern_audio_dataset *data, int64_t clip) {
    return data->store->clips.at[clip].path;
}
const tern_audio_options *tern_audio_dataset_options_in_use(const tern_audio_dataset *data) {
    return &data->store->audio;
}
tern_audio_window tern_audio_dataset_window(const tern_audio_dataset *data) {
    return data->store->window;
}

tern_status tern_audio_dataset_vary(tern_audio_dataset *data,
                                    const tern_audio_augmentation *augmentation) {
    tern_status st = check_augmentation(data->context, augmentation);
    if (st != TERN_OK) return st;
    data->store->augmentation = *augmentation;
    data->samples->shared->source.fingerprint = fingerprint(data->store);
    return TERN_OK;
}

tern_status tern_audio_dataset_folds(tern_dataset **subset, const tern_audio_dataset *data,
                                     const char *const *folds, size_t n_folds) {
    const tern__clips *clips = &data->store->clips;
    tern_context *c = data->context;
    char text[300];
    *subset = NULL;
    int64_t *numbers = tern__alloc(c, n_folds * sizeof *numbers);
    if (!numbers) return TERN_ERR_MEMORY;
    tern_status st = TERN_OK;
    for (size_t i = 0; i < n_folds && st == TERN_OK; i++)
        if ((numbers[i] = tern__names_find(&clips->folds.numbers, folds[i])) < 0)
            st = clips->folds.count
                     ? tern__fail(c, TERN_ERR_ARGUMENT, "%s: there is no fold '%s'; the folds are %s",
                                  clips->path, folds[i], tern__name_list_text(&clips->folds, text, sizeof text))
                     : tern__fail(c, TERN_ERR_ARGUMENT, "%s: it has no folds", clips->path);
    if (st == TERN_OK) st = tern_dataset_folds(subset, data->samples, numbers, n_folds);
    tern__free(c, numbers);
    return st;
}

/* ---- mean and standard deviation ---- */

typedef struct sums {
    const store *store;
    const tern_dataset *clips;
    double *sum, *square; /* [clips] */
} sums;

static void sum_clip(void *argument, int64_t i, int number) {
    const sums *m = argument;
    const held *h = &m->store->held[tern_dataset_source_sample(m->clips, i)];
    const int64_t n = h->frames * (int64_t)m->store->window.rows;
    double sum = 0, square = 0;
    (void)number;
    for (int64_t k = 0; k < n; k++) sum += h->values[k], square += (double)h->values[k] * h->values[k];
    m->sum[i] = sum;
    m->square[i] = square;
}

tern_status tern_audio_dataset_normalize(tern_audio_dataset *data, const tern_dataset *clips) {
    store *s = data->store;
    tern_context *c = data->context;
    const int64_t n = tern_dataset_count(clips);
    /* Before deltas and normalisation of rows, mean and std are not those of the rows we hold. */
    if (s->audio.deltas || s->audio.normalize != TERN_NORMALIZE_NONE) return TERN_OK;
    double sum = 0, square = 0, count = 0;
    double *parts = tern__alloc(c, 2 * (size_t)n * sizeof *parts);
    if (!parts) return TERN_ERR_MEMORY;
    sums m = {s, clips, parts, parts + n};
    tern__parallel(c, n, sum_clip, &m);
    for (int64_t i = 0; i < n; i++) {
        sum += m.sum[i];
        square += m.square[i];
        count += (double)s->held[tern_dataset_source_sample(clips, i)].frames *
                 (double)s->window.rows;
    }
    tern__free(c, parts);
    const double mean = sum / count, variance = square / count - mean * mean;
    s->audio.mean = mean;
    s->audio.std = variance > 1e-12 ? sqrt(variance) : 1;
    s->variation.mean = s->audio.mean;
    s->variation.scale = 1 / s->audio.std;
    return TERN_OK;
}
