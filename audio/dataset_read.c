/* Reads the clips of a data set into memory, in parallel, and notes what is worth knowing about
 * them. Knows sound files and the front end; serves nothing. */
#include "pipeline.h"
#include "store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WINDOW 10.0 /* seconds, where the data says how long */
#define MOST_FRAMES 320     /* of a window, where the front end may be adapted */
#define SHORT_TOP_DB 60.0   /* what is kept of short sounds below their loudest place */
#define SILENT_PEAK 1e-4f   /* of full scale: -80 dB */
#define CLIPPED_PEAK 0.9999f
#define CLIPPED_SHARE 1e-3
#define SHOWN 5 /* so many files are named in a warning */

/* ---- reading ---- */

/* A context for one worker: its own sentence; warnings are kept with the clip. */
typedef struct worker {
    tern_context context;
    tern__held *clip;
} worker;

typedef struct reading {
    tern__store *store;
    worker *workers; /* [threads] */
} reading;

static void keep_warning(void *user, tern_log_level level, const char *line) {
    worker *w = user;
    if (level == TERN_LOG_WARNING && !w->clip->message)
        w->clip->message = tern__strdup(&w->context, line);
}

static worker *start(const reading *r, int number, tern__held *clip) {
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

static void examine(tern__held *h, const float *samples, size_t count) {
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
    tern__store *s = r->store;
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
static tern_status first_failure(tern__store *s) {
    char text[700];
    size_t failures = 0, first = 0;
    for (size_t i = s->clips.count; i-- > 0;)
        if (s->held[i].status != TERN_OK) failures++, first = i;
    if (!failures) return TERN_OK;
    const tern__held *h = &s->held[first];
    if (!h->message)
        return tern__fail(s->context, TERN_ERR_MEMORY, "%s: out of memory", s->clips.path);
    if (s->clips.at[first].line)
        snprintf(text, sizeof text, "%s, line %zu: %.500s", s->clips.path, s->clips.at[first].line,
                 h->message);
    else
        snprintf(text, sizeof text, "%.600s", h->message);
    if (failures == 1) return tern__fail(s->context, h->status, "%s", text);
    return tern__fail(s->context, h->status, "%s (and %zu more of the %zu clips cannot be read)",
                      text, failures - 1, s->clips.count);
}

static int compare_seconds(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorted lengths [count]; the caller frees them. NULL: no memory. */
static double *sorted_lengths(const tern__store *s) {
    double *lengths = tern__alloc(s->context, s->clips.count * sizeof *lengths);
    if (!lengths) return NULL;
    for (size_t i = 0; i < s->clips.count; i++) lengths[i] = s->held[i].seconds;
    qsort(lengths, s->clips.count, sizeof *lengths, compare_seconds);
    return lengths;
}

static tern_status check_memory(const tern__store *s, double limit) {
    double bytes = 0;
    for (size_t i = 0; i < s->clips.count; i++) {
        double samples = fmax(s->held[i].seconds * s->audio.sample_rate, (double)s->window.samples);
        bytes += s->waveform
                     ? samples * sizeof(float)
                     : samples / s->audio.hop_length * (double)s->window.rows * sizeof(float);
    }
    if (bytes <= limit) return TERN_OK;
    return tern__fail(s->context, TERN_ERR_LIMIT,
                      "%s: %zu clips would take %.1f GB of memory, more than "
                      "the %.1f GB that are allowed (--memory)",
                      s->clips.path, s->clips.count, bytes / 1e9, limit / 1e9);
}

/* Seconds of the window: as asked for, or from the lengths of the clips. */
static tern_status choose_seconds(tern__store *s, double seconds) {
    tern_context *c = s->context;
    if (seconds == 0) {
        double *lengths = sorted_lengths(s);
        if (!lengths) return TERN_ERR_MEMORY;
        seconds = lengths[(s->clips.count - 1) * 95 / 100];
        if (seconds > LONGEST_WINDOW) seconds = LONGEST_WINDOW;
        tern__free(c, lengths);
    }
    if (!(seconds > 0) || seconds > 3600)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "a window of %g seconds; it must be above 0 and at most "
                          "3600",
                          seconds);
    s->window.seconds = seconds;
    return TERN_OK;
}

/* Fits the front end to rates and window. */
static void adapt(const tern__store *s, tern_audio_options *o) {
    int highest = 0;
    for (size_t i = 0; i < s->clips.count; i++)
        if (s->held[i].sample_rate > highest) highest = s->held[i].sample_rate;
    if (highest < o->sample_rate) {
        const double ratio = (double)highest / o->sample_rate;
        tern_audio_options_at_rate(o, highest);
        if (o->n_mels > 8)
            o->n_mels = (int)fmax(8, round(o->n_mels * ratio)); /* bands stay as wide */
    }
    if (s->window.seconds * o->sample_rate > (double)MOST_FRAMES * o->hop_length &&
        2 * o->hop_length <= o->win_length)
        o->hop_length *= 2;
    if (s->window.seconds < TERN__SHORT_SECONDS && o->feature == TERN_FEATURE_MEL && !o->pcen) {
        o->log = TERN_LOG_DB;
        o->amin = 1e-10;
        o->log_offset = 0;
        o->ref = 0;
        o->top_db = SHORT_TOP_DB;
    }
}

/* The front end and the window in samples and frames. */
static tern_status make_features(tern__store *s, const tern_audio_dataset_options *options) {
    tern_audio_options o = options->audio;
    o.mean = 0;
    o.std = 1;
    if (options->adapt) adapt(s, &o);
    tern_status st = tern_features_create(&s->features, s->context, &o);
    if (st != TERN_OK) return st;
    s->audio = *tern_features_options(s->features);
    s->window =
        tern__audio_pipeline_window(&s->audio, s->waveform ? NULL : s->features,
                                    (size_t)fmax(1, round(s->window.seconds * o.sample_rate)));
    if (!s->window.frames)
        return tern__fail(s->context, TERN_ERR_ARGUMENT,
                          "a window of %g seconds is shorter than one frame "
                          "of %d samples at %d Hz",
                          s->window.seconds, o.n_fft, o.sample_rate);
    return tern__audio_pipeline_check_window(s->context, &s->window,
                                             s->waveform ? NULL : s->features);
}

tern_status tern__store_read(tern__store *s, const tern_audio_dataset_options *options) {
    tern_context *c = s->context;
    reading r = {s, tern__calloc(c, (size_t)c->threads, sizeof(worker))};
    if (!r.workers) return TERN_ERR_MEMORY;
    tern__parallel(c, (int64_t)s->clips.count, TERN__WORTH_A_THREAD, probe, &r);
    tern_status st = first_failure(s);
    if (st == TERN_OK) st = choose_seconds(s, options->seconds);
    if (st == TERN_OK) st = make_features(s, options);
    if (st == TERN_OK) st = check_memory(s, options->memory > 0 ? options->memory : 4e9);
    if (st == TERN_OK) {
        tern__parallel(c, (int64_t)s->clips.count, TERN__WORTH_A_THREAD, read_clip, &r);
        st = first_failure(s);
    }
    tern__free(c, r.workers);
    return st;
}

/* ---- what is in the data ---- */

/* "3 clips are silent: a.wav, b.wav, ..." */
static void report_flag(const tern__store *s, size_t offset, const char *what) {
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
        tern__log(s->context, TERN_LOG_WARNING, "%zu clip%s %s: %s%s", n, n == 1 ? " is" : "s are",
                  what, text, n > SHOWN ? ", ..." : "");
}

tern_status tern__store_report(const tern__store *s) {
    tern_context *c = s->context;
    char text[700];
    size_t used = 0, shown = 0;
    double total = 0;
    double *lengths = sorted_lengths(s);
    if (!lengths) return TERN_ERR_MEMORY;
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
    tern__log(c, TERN_LOG_INFO, "lengths: %.2f to %.2f s, median %.2f s; the network sees %.2f s",
              lengths[0], lengths[s->clips.count - 1], lengths[s->clips.count / 2],
              s->window.seconds);
    tern__free(c, lengths);
    report_flag(s, offsetof(tern__held, silent), "silent");
    report_flag(s, offsetof(tern__held, clipped), "clipped");
    for (size_t i = 0; i < s->clips.count; i++)
        if (s->held[i].message && shown++ < SHOWN)
            tern__log(c, TERN_LOG_WARNING, "%s", s->held[i].message);
    if (shown > SHOWN)
        tern__log(c, TERN_LOG_WARNING, "... and %zu more warnings of that kind", shown - SHOWN);
    return TERN_OK;
}
