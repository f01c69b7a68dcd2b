/* Data sets of sounds: serves the clips that dataset_read.c has read to training, varied at random,
 * and to evaluation, as they are. Knows no sound file and no network. */
#include "store.h"

#include "core/base/arithmetic.h"
#include "core/train/dataset.h"

#include <math.h>
#include <string.h>

typedef tern__store store;

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
    tern__free(c, s->hertz);
    tern__free(c, s->bands);
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
    target->type = s->members ? TERN_FLOAT : TERN_INT64;
    target->rank = s->members ? 3 : 1;
    target->dims[1] = (int64_t)s->clips.labels.count;
    target->dims[2] = s->members;
}

static void write_target(const store *s, int64_t sample, void *target) {
    const int64_t label = s->clips.at[sample].label;
    if (!s->members) {
        *(int64_t *)target = label;
        return;
    }
    float *probabilities = target;
    for (int64_t i = 0; i < (int64_t)s->clips.labels.count * s->members; i++)
        probabilities[i] = i / s->members == label;
}

static tern_status load(void *self, tern_load *l) {
    const store *s = self;
    const tern__held *h = &s->held[l->sample];
    float *out = l->inputs[0].data;
    if (!l->training) {
        tern__vary_not(&s->variation, h->values, h->frames, out);
    } else {
        tern__random random = tern__random_make(l->random, 0);
        if (s->waveform)
            tern__vary_samples(&s->variation, &random, h->values, h->frames, out);
        else
            tern__vary_features(&s->variation, &random, h->values, h->frames, h->bands, out,
                                s->scratch[l->worker]);
    }
    write_target(s, l->sample, l->target.data);
    return TERN_OK;
}

/* A hash of everything that makes this data set what it is. */
static uint64_t fingerprint(const store *s) {
    uint64_t h = TERN__HASH_START;
    for (size_t i = 0; i < s->clips.count; i++) {
        const tern__clip *clip = &s->clips.at[i];
        const char *slash = strrchr(clip->path, '/'), *name = slash ? slash + 1 : clip->path;
        h = tern__hash(h, name, strlen(name));
        h = tern__hash(h, &clip->label, sizeof clip->label);
        h = tern__hash(h, &s->held[i].frames, sizeof s->held[i].frames);
    }
    h = tern__hash(h, &s->window.samples, sizeof s->window.samples);
    return tern__options_hash(&tern__audio_augmentation, h, &s->augmentation) | 1;
}

/* ---- opening ---- */

static tern_status check_labels(const store *s, const tern_audio_dataset_options *options) {
    if (options->n_labels || s->clips.labels.count > 1) return TERN_OK;
    return tern__fail(s->context, TERN_ERR_FORMAT,
                      "%s: all %zu clips have the label '%s'; to tell sounds "
                      "apart at least two labels are needed",
                      s->clips.path, s->clips.count, s->clips.labels.at[0]);
}

static double decibel_of(const tern_audio_options *o) {
    bool bands = o->feature == TERN_FEATURE_MEL || o->feature == TERN_FEATURE_SPECTROGRAM;
    if (!bands || o->pcen || o->deltas || o->normalize != TERN_NORMALIZE_NONE) return 0;
    switch (o->log) {
    case TERN_LOG_NATURAL:
        return log(10) / 20 * o->power;
    case TERN_LOG_10:
        return o->power / 20;
    case TERN_LOG_DB:
        return 1;
    default:
        return 0;
    }
}

static bool has_bands(const store *s) {
    return !s->waveform && !s->audio.deltas && !s->audio.use_energy &&
           (s->audio.feature == TERN_FEATURE_MEL || s->audio.feature == TERN_FEATURE_SPECTROGRAM);
}

static tern_status prepare_variation(store *s) {
    tern_context *c = s->context;
    tern__variation *v = &s->variation;
    v->how = &s->augmentation;
    v->rows = (int64_t)s->window.rows;
    v->frames = (int64_t)s->window.frames;
    v->decibel = s->waveform ? 0 : decibel_of(&s->audio);
    if (has_bands(s)) {
        if (!(s->hertz = tern__alloc(c, s->window.rows * sizeof *s->hertz))) return TERN_ERR_MEMORY;
        for (size_t i = 0; i < s->window.rows; i++)
            s->hertz[i] = tern_features_frequency(s->features, i);
    }
    v->hertz = s->hertz;
    v->mean = 0;
    v->scale = 1;
    if (!(s->scratch = tern__calloc(c, (size_t)c->threads, sizeof *s->scratch)))
        return TERN_ERR_MEMORY;
    for (int i = 0; i < c->threads; i++)
        if (!(s->scratch[i] = tern__alloc(c, tern__vary_scratch(v)))) return TERN_ERR_MEMORY;
    return TERN_OK;
}

static tern_status fill(store *s, const char *path, const tern_audio_dataset_options *options) {
    tern_context *c = s->context;
    tern_status st = tern__options_check(&tern__audio_augmentation, c, &options->augmentation);
    s->augmentation = options->augmentation;
    s->waveform = options->waveform;
    if (st != TERN_OK) return st;
    if ((st = tern__clips_read(&s->clips, c, path, options)) != TERN_OK) return st;
    if ((st = check_labels(s, options)) != TERN_OK) return st;
    if (!(s->held = tern__calloc(c, s->clips.count, sizeof *s->held))) return TERN_ERR_MEMORY;
    if ((st = tern__store_read(s, options)) != TERN_OK) return st;
    if ((st = tern__store_report(s)) != TERN_OK) return st;
    return prepare_variation(s);
}

/* The folder or table, then the clips. */
static const char *file(void *self, size_t index) {
    const tern__clips *clips = &((const store *)self)->clips;
    return index == 0 ? clips->path : index <= clips->count ? clips->at[index - 1].path : NULL;
}

tern_status tern_audio_dataset_open(tern_audio_dataset **data, tern_context *c, const char *path,
                                    const tern_audio_dataset_options *options) {
    const tern_audio_dataset_options defaults = TERN_AUDIO_DATASET_OPTIONS_INIT;
    if (!options) options = &defaults;
    *data = NULL;
    if (options->size != sizeof *options)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "audio data set options of size %zu, expected %zu: start "
                          "from TERN_AUDIO_DATASET_OPTIONS_INIT",
                          options->size, sizeof *options);
    tern_audio_dataset *d = tern__calloc(c, 1, sizeof *d);
    store *s = tern__calloc(c, 1, sizeof *s);
    tern_status st = TERN_ERR_MEMORY;
    if (!d || !s) goto failed;
    s->context = c;
    if ((st = fill(s, path, options)) != TERN_OK) goto failed;
    const tern_dataset_source source = {.size = sizeof source,
                                        .self = s,
                                        .count = (int64_t)s->clips.count,
                                        .n_inputs = 1,
                                        .close = close_store,
                                        .class_of = class_of,
                                        .group_of = group_of,
                                        .fold_of = fold_of,
                                        .shapes = shapes,
                                        .load = load,
                                        .fingerprint = fingerprint(s),
                                        .file = file};
    if ((st = tern_dataset_create(&d->samples, c, &source)) != TERN_OK) goto failed;
    d->context = c;
    d->store = s;
    *data = d;
    return TERN_OK;
failed:
    if (s && s->context)
        close_store(s);
    else
        tern__free(c, s);
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
    const tern_audio_augmentation none = {0};
    if (!augmentation) augmentation = &none;
    tern_status st = tern__options_check(&tern__audio_augmentation, data->context, augmentation);
    if (st != TERN_OK) return st;
    data->store->augmentation = *augmentation;
    data->samples->shared->source.fingerprint = fingerprint(data->store);
    return TERN_OK;
}

void tern__audio_dataset_members(tern_audio_dataset *data, int members) {
    data->store->members = members;
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
                     ? tern__fail(c, TERN_ERR_ARGUMENT,
                                  "%s: there is no fold '%s'; the folds are %s", clips->path,
                                  folds[i], tern__name_list_text(&clips->folds, text, sizeof text))
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
    tern__band *bands;    /* [clips][rows] */
} sums;

static void sum_clip(void *argument, int64_t i, int number) {
    const sums *m = argument;
    const tern__held *h = &m->store->held[tern_dataset_source_sample(m->clips, i)];
    const int64_t rows = (int64_t)m->store->window.rows, n = h->frames * rows;
    double sum = 0, square = 0;
    (void)number;
    for (int64_t k = 0; k < n; k++)
        sum += h->values[k], square += (double)h->values[k] * h->values[k];
    m->sum[i] = sum;
    m->square[i] = square;
    tern__vary_measure(m->bands + i * rows, h->values, rows, h->frames);
}

/* From now on these clips may take on one another's style. */
static void keep_bands(store *s, const tern_dataset *clips, tern__band *bands) {
    const int64_t n = tern_dataset_count(clips), rows = (int64_t)s->window.rows;
    tern__free(s->context, s->bands);
    s->variation.bands = s->bands = bands;
    s->variation.styles = n;
    for (size_t i = 0; i < s->clips.count; i++) s->held[i].bands = NULL;
    for (int64_t i = 0; i < n; i++)
        s->held[tern_dataset_source_sample(clips, i)].bands = bands + i * rows;
}

tern_status tern_audio_dataset_normalize(tern_audio_dataset *data, const tern_dataset *clips) {
    store *s = data->store;
    tern_context *c = data->context;
    const int64_t n = tern_dataset_count(clips);
    /* Before deltas and normalisation of rows, mean and std are not those of the rows we hold. */
    if (s->audio.deltas || s->audio.normalize != TERN_NORMALIZE_NONE) return TERN_OK;
    double sum = 0, square = 0, count = 0;
    double *parts = tern__alloc(c, 2 * (size_t)n * sizeof *parts);
    tern__band *bands = tern__alloc(c, (size_t)n * s->window.rows * sizeof *bands);
    if (!parts || !bands) {
        tern__free(c, parts);
        tern__free(c, bands);
        return TERN_ERR_MEMORY;
    }
    sums m = {s, clips, parts, parts + n, bands};
    tern__parallel(c, n, TERN__WORTH_A_THREAD, sum_clip, &m);
    for (int64_t i = 0; i < n; i++) {
        sum += m.sum[i];
        square += m.square[i];
        count +=
            (double)s->held[tern_dataset_source_sample(clips, i)].frames * (double)s->window.rows;
    }
    tern__free(c, parts);
    keep_bands(s, clips, bands);
    const double mean = sum / count, variance = square / count - mean * mean;
    s->audio.mean = mean;
    s->audio.std = variance > 1e-12 ? sqrt(variance) : 1;
    s->variation.mean = s->audio.mean;
    s->variation.scale = 1 / s->audio.std;
    return TERN_OK;
}
