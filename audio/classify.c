/* Classifies sounds: file -> windows -> front end -> network -> probabilities -> answer. Everything
 * it needs to know is in the model's metadata (pipeline.h). */
#include "clips.h"
#include "resample.h"
#include "windows.h"

#include "core/plan/session.h"
#include "core/task/answer.h"
#include "core/task/measure.h"

#include <math.h>
#include <string.h>

/* What a session keeps between sounds. */
typedef struct classifier {
    tern__audio_pipeline pipeline;
    float *samples;     /* [window.samples * 2]: a window, and room for the next samples */
    float *input;       /* [rows][frames]; waveform: samples, normalised */
    double *sum;        /* [n_labels] probabilities of the windows so far */
    tern_score *scores; /* [n_labels] */
    float *vector;      /* [length] sum of the outputs of the windows so far */
    int64_t length;
} classifier;

static void release(void *attachment, tern_context *c) {
    classifier *k = attachment;
    tern__audio_pipeline_free(&k->pipeline, c);
    tern__free(c, k->samples);
    tern__free(c, k->input);
    tern__free(c, k->sum);
    tern__free(c, k->scores);
    tern__free(c, k->vector);
}

static tern_status make(void *attachment, tern_session *session) {
    tern_context *c = tern__session_context(session);
    classifier *k = attachment;
    const tern__audio_pipeline *p = &k->pipeline;
    tern_status st = tern__audio_pipeline_read(&k->pipeline, c, tern_session_model(session));
    if (st != TERN_OK) return st;
    k->samples = tern__calloc(c, p->window.samples, 2 * sizeof *k->samples);
    k->input = tern__alloc(c, p->window.rows * p->window.frames * sizeof *k->input);
    k->sum = tern__alloc(c, p->n_labels * sizeof *k->sum);
    k->scores = tern__alloc(c, p->n_labels * sizeof *k->scores);
    return k->samples && k->input && k->sum && k->scores ? TERN_OK : TERN_ERR_MEMORY;
}

static const tern__attachment_type classifiers = {sizeof(classifier), make, release};

/* The session's classifier, made at its first sound. */
static tern_status prepare_any(classifier **classifier_, tern_session *session) {
    void *attachment;
    const tern_status st = tern__session_attachment(&attachment, session, &classifiers);
    *classifier_ = attachment;
    return st;
}

/* The same for a model that gives a number per label. */
static tern_status prepare(classifier **classifier_, tern_session *session) {
    tern_status st = prepare_any(classifier_, session);
    if (st != TERN_OK) return st;
    return tern__audio_pipeline_check_labels(
        &(*classifier_)->pipeline, tern__session_context(session), tern_session_model(session));
}

/* ---- one window ---- */

/* What hears window after window. */
typedef struct listener {
    classifier *k;
    tern_session *session;
} listener;

/* Runs the network on a window of samples. */
static tern_status run_window(const listener *l, const float *samples, tern_tensor *output) {
    classifier *k = l->k;
    const tern__audio_pipeline *p = &k->pipeline;
    const tern_audio_window *w = &p->window;
    tern_status st = TERN_OK;
    tern_tensor x = {TERN_FLOAT, 4, {1, 1, (int64_t)w->rows, (int64_t)w->frames}, k->input};
    if (p->waveform) {
        x.rank = 3;
        x.dims[2] = (int64_t)w->samples;
        const double scale = 1 / p->audio.std;
        for (size_t i = 0; i < w->samples; i++)
            k->input[i] = (float)((samples[i] - p->audio.mean) * scale);
    } else {
        st = tern_features_compute(p->features, samples, w->samples, k->input);
    }
    return st == TERN_OK ? tern_session_run(l->session, &x, 1, output, 1) : st;
}

/* Adds the output itself, flattened. */
static tern_status add_vector(void *listener_, const float *samples) {
    const listener *l = listener_;
    classifier *k = l->k;
    tern_context *c = tern__session_context(l->session);
    const float *values;
    int64_t length;
    tern_tensor y;
    tern_status st = run_window(l, samples, &y);
    if (st == TERN_OK) st = tern__vector_of(&values, &length, c, &y);
    if (st != TERN_OK) return st;
    if (length != k->length) {
        tern__free(c, k->vector);
        k->length = 0;
        if (!(k->vector = tern__calloc(c, (size_t)length, sizeof *k->vector)))
            return TERN_ERR_MEMORY;
        k->length = length;
    }
    for (int64_t i = 0; i < length; i++) k->vector[i] += values[i];
    return TERN_OK;
}

/* Adds the probabilities. */
static tern_status add_probabilities(void *listener_, const float *samples) {
    const listener *l = listener_;
    const tern__audio_pipeline *p = &l->k->pipeline;
    tern_tensor logits;
    tern_status st = run_window(l, samples, &logits);
    if (st == TERN_OK)
        st = tern__session_expect(l->session, &logits, 2, (int64_t[]){1, (int64_t)p->n_labels});
    if (st != TERN_OK) return st;
    const float *z = logits.data;
    tern__softmax s;
    st = tern__softmax_get(&s, tern__session_context(l->session), z, (int64_t)p->n_labels, 1);
    for (size_t i = 0; st == TERN_OK && i < p->n_labels; i++)
        l->k->sum[i] += tern__softmax_share(&s, z[i]);
    return st;
}

/* ---- sounds ---- */

static tern_status classify(tern_session *session, classifier *k, const tern__sample_source *source,
                            tern_answer *answer) {
    const size_t n = k->pipeline.n_labels;
    size_t windows;
    memset(k->sum, 0, n * sizeof *k->sum);
    tern_status st = tern__windows_cut(&windows, tern__session_context(session), source,
                                       k->pipeline.window.samples, k->samples, add_probabilities,
                                       &(listener){k, session});
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < n; i++)
        k->scores[i] = (tern_score){k->pipeline.labels[i], (float)(k->sum[i] / (double)windows)};
    tern__answer_of(answer, k->scores, n);
    return TERN_OK;
}

tern_status tern_audio_classify_file(tern_session *session, const char *path, tern_answer *answer) {
    classifier *k;
    tern_sound *sound = NULL;
    tern__sample_source source;
    tern_status st = prepare(&k, session);
    if (st == TERN_OK)
        st =
            tern__windows_open(&source, &sound, tern__session_context(session), &k->pipeline, path);
    if (st == TERN_OK) st = classify(session, k, &source, answer);
    tern_sound_close(sound);
    return st;
}

tern_status tern_audio_embed_file(tern_session *session, const char *path, const float **vector,
                                  int64_t *length) {
    classifier *k;
    size_t windows = 0;
    tern_context *c = tern__session_context(session);
    tern_sound *sound = NULL;
    tern__sample_source source;
    tern_status st = prepare_any(&k, session);
    if (st == TERN_OK) st = tern__windows_open(&source, &sound, c, &k->pipeline, path);
    if (st != TERN_OK) return st;
    if (k->vector) memset(k->vector, 0, (size_t)k->length * sizeof *k->vector);
    st = tern__windows_cut(&windows, c, &source, k->pipeline.window.samples, k->samples, add_vector,
                           &(listener){k, session});
    tern_sound_close(sound);
    if (st != TERN_OK) return st;
    for (int64_t i = 0; i < k->length; i++) k->vector[i] /= (float)windows;
    *vector = k->vector;
    *length = k->length;
    return TERN_OK;
}

typedef struct memory_source {
    const float *samples;
    size_t left;
} memory_source;

static tern_status read_memory(void *source, float *samples, size_t count, size_t *got) {
    memory_source *m = source;
    *got = count < m->left ? count : m->left;
    memcpy(samples, m->samples, *got * sizeof *samples);
    m->samples += *got;
    m->left -= *got;
    return TERN_OK;
}

static tern_status read_resampled(void *source, float *samples, size_t count, size_t *got) {
    return tern__resample_read(source, samples, count, got);
}

tern_status tern_audio_classify_samples(tern_session *session, const float *samples, size_t count,
                                        int sample_rate, tern_answer *answer) {
    classifier *k;
    tern_context *c = tern__session_context(session);
    tern_status st = prepare(&k, session);
    if (st != TERN_OK) return st;
    if (sample_rate < 1 || sample_rate > 768000)
        return tern__fail(c, TERN_ERR_ARGUMENT, "a sample rate of %d Hz; it must be in 1..768000",
                          sample_rate);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(samples[i]))
            return tern__fail(c, TERN_ERR_FORMAT, "sample %zu is not a finite number", i);
    const tern_audio_options *audio = &k->pipeline.audio;
    memory_source memory = {samples, count};
    tern__sample_source source = {read_memory, &memory};
    if (sample_rate == audio->sample_rate) return classify(session, k, &source, answer);
    tern__resample *resample;
    st = tern__resample_create(&resample, c, sample_rate, audio->sample_rate, audio->resampler,
                               read_memory, &memory);
    if (st != TERN_OK) return st;
    source = (tern__sample_source){read_resampled, resample};
    st = classify(session, k, &source, answer);
    tern__resample_free(resample);
    return st;
}

tern_status tern_audio_describe(tern_audio_model_info *info, tern_session *session) {
    classifier *k;
    tern_status st = prepare(&k, session);
    if (st != TERN_OK) return st;
    *info = (tern_audio_model_info){k->pipeline.n_labels, k->pipeline.waveform, k->pipeline.window,
                                    k->pipeline.audio};
    return TERN_OK;
}

/* ---- evaluation ---- */

typedef struct evaluation {
    tern_session *session;
    const classifier *k;
    tern__clips clips;
    tern_on_clip on_clip;
    void *user;
} evaluation;

static tern_status measure_clip(void *evaluation_, int64_t i, tern__outcome *o) {
    const evaluation *e = evaluation_;
    const tern__clip *clip = &e->clips.at[i];
    const tern__audio_pipeline *p = &e->k->pipeline;
    tern_answer answer;
    tern_status st = tern_audio_classify_file(e->session, clip->path, &answer);
    if (st != TERN_OK)
        return clip->line ? tern__fail_in(tern__session_context(e->session), "%s, line %zu",
                                          e->clips.path, clip->line)
                          : st;
    o->truth = clip->label;
    o->predicted = tern__label_find(p->labels, p->n_labels, answer.label);
    o->stop = e->on_clip && !e->on_clip(e->user, clip->path, e->clips.labels.at[clip->label],
                                        &answer, (size_t)i + 1, e->clips.count);
    return TERN_OK;
}

tern_status tern_audio_evaluate(tern_confusion **confusion, tern_session *session, const char *path,
                                const tern_audio_dataset_options *options, tern_on_clip on_clip,
                                void *user) {
    tern_context *c = tern__session_context(session);
    tern_audio_dataset_options o = TERN_AUDIO_DATASET_OPTIONS_INIT;
    evaluation e = {.session = session, .on_clip = on_clip, .user = user};
    classifier *k;
    *confusion = NULL;
    tern_status st = prepare(&k, session);
    if (st != TERN_OK) return st;
    if (options) o = *options;
    e.k = k;
    o.labels = k->pipeline.labels;
    o.n_labels = k->pipeline.n_labels;
    st = tern__clips_read(&e.clips, c, path, &o);
    const tern__measuring m = {"clips", (int64_t)e.clips.count, measure_clip, &e};
    if (st == TERN_OK) st = tern__measure_labels(confusion, &m, c, o.labels, o.n_labels);
    tern__clips_free(&e.clips);
    return st;
}
