/* Draws what a network heard: the window of a sound that speaks most for a label, and in it
 * Grad-CAM. Gradients are core's, the picture is picture.c's. */
#include "features.h"
#include "pipeline.h"

#include "core/session.h"

#include <tern/audio_export.h>

#include <math.h>
#include <string.h>

/* A sound and its windows, half a window apart, the last one at its end. */
typedef struct heard {
    const tern__pipeline *pipeline;
    tern_context *context;
    float *samples; /* the whole sound, at least a window of it */
    size_t count;
    float *input; /* features of a window, [rows][frames] */
} heard;

static size_t windows_of(const heard *h) {
    const size_t n = h->pipeline->window.samples, hop = n > 1 ? n / 2 : 1;
    return 1 + (h->count - n + hop - 1) / hop;
}

static tern_status compute(const heard *h, size_t window) {
    const size_t n = h->pipeline->window.samples, hop = n > 1 ? n / 2 : 1;
    size_t begin = window * hop;
    if (begin + n > h->count) begin = h->count - n;
    return tern__features_compute(h->pipeline->features, h->context, h->samples + begin, n,
                                  h->input);
}

/* A sound that is shorter than the window is set in its middle. */
static tern_status load(heard *h, const char *path) {
    const size_t n = h->pipeline->window.samples;
    tern_sound_options o = TERN_SOUND_OPTIONS_INIT;
    float *samples;
    o.sample_rate = h->pipeline->audio.sample_rate;
    o.resampler = h->pipeline->audio.resampler;
    tern_status st = tern_sound_load(&samples, &h->count, h->context, path, &o);
    if (st != TERN_OK) return st;
    if (h->count >= n) {
        h->samples = samples;
        return TERN_OK;
    }
    h->samples = tern__calloc(h->context, n, sizeof *samples);
    if (h->samples) memcpy(h->samples + (n - h->count) / 2, samples, h->count * sizeof *samples);
    tern_free(h->context, samples);
    h->count = n;
    return h->samples ? TERN_OK : TERN_ERR_MEMORY;
}

/* The logit that is explained, less the logarithm of the sum of all: log of the probability. */
static double log_probability(const tern_explanation *x, int64_t answer) {
    const float *z = x->logits.data;
    double greatest = -INFINITY, sum = 0;
    for (int64_t i = 0; i < x->logits.dims[1]; i++) /* gcc 12 for aarch64 fails on fmax here */
        if ((double)z[i] > greatest) greatest = (double)z[i];
    for (int64_t i = 0; i < x->logits.dims[1]; i++) sum += exp((double)z[i] - greatest);
    return (double)z[answer] - greatest - log(sum);
}

/* Explains a window; the network must give a logit a label. */
static tern_status run(tern_explanation *x, tern_explainer *e, const heard *h,
                       const tern_tensor *input, int64_t answer) {
    const int64_t labels = (int64_t)h->pipeline->n_labels;
    tern_status st = tern_explainer_run(e, input, answer, x);
    if (st != TERN_OK || (x->logits.rank == 2 && x->logits.dims[1] == labels)) return st;
    return tern__fail(h->context, TERN_ERR_SHAPE, "the network gives %lld numbers for %lld labels",
                      (long long)(x->logits.rank > 1 ? x->logits.dims[1] : 1), (long long)labels);
}

/* Finds the window that speaks most for the answer (-1: for any), and leaves its explanation in *x.
 */
static tern_status find_window(tern_explanation *x, tern_explainer *e, const heard *h,
                               int64_t answer) {
    const tern_audio_window *w = &h->pipeline->window;
    const tern_tensor input = {
        TERN_FLOAT, 4, {1, 1, (int64_t)w->rows, (int64_t)w->frames}, h->input};
    const size_t count = windows_of(h);
    size_t best = 0;
    double most = -INFINITY;
    tern_status st = TERN_OK;
    for (size_t i = 0; st == TERN_OK && i < count; i++) {
        if ((st = compute(h, i)) == TERN_OK) st = run(x, e, h, &input, answer);
        if (st != TERN_OK || !(log_probability(x, x->answer) > most)) continue;
        most = log_probability(x, x->answer);
        best = i;
    }
    if (st == TERN_OK) st = compute(h, best);
    return st == TERN_OK ? run(x, e, h, &input, answer) : st;
}

static tern_status draw(const tern_explanation *x, const heard *h, const char *sound,
                        const char *output) {
    tern_context *c = h->context;
    if (x->layer.rank != 4)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the layer's output has %d dimensions; a map needs [N, channels, bands, "
                          "frames]",
                          x->layer.rank);
    tern__picture_map map = {x->layer.dims[2], x->layer.dims[3], NULL};
    float *values = tern__calloc(c, (size_t)(map.rows * map.columns), sizeof *values);
    if (!values) return TERN_ERR_MEMORY;
    tern_grad_cam(x, values);
    map.values = values;
    tern_status st = tern__features_picture(h->pipeline->features, c, output,
                                            strcmp(sound, "-") ? sound : "standard input", h->input,
                                            h->pipeline->window.frames, &map);
    tern__free(c, values);
    return st;
}

static tern_status find_label(int64_t *answer, tern_context *c, const tern__pipeline *p,
                              const char *label) {
    *answer = -1;
    for (size_t i = 0; label && i < p->n_labels; i++)
        if (!strcmp(p->labels[i], label)) *answer = (int64_t)i;
    if (!label || *answer >= 0) return TERN_OK;
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      "the model knows no label '%s'; of its %zu the first is '%s'", label,
                      p->n_labels, p->labels[0]);
}

static tern_status explain(char **explained, tern_session *session, heard *h, const char *sound,
                           const char *output, const char *label, const char *layer) {
    tern_context *c = h->context;
    tern_explainer *explainer = NULL;
    tern_explanation x;
    int64_t answer;
    tern_status st = find_label(&answer, c, h->pipeline, label);
    if (st == TERN_OK) st = load(h, sound);
    if (st == TERN_OK)
        st = tern__session_explainer(&explainer, session, layer);
    if (st == TERN_OK) st = find_window(&x, explainer, h, answer);
    if (st == TERN_OK) st = draw(&x, h, sound, output);
    if (st == TERN_OK && explained &&
        !(*explained = tern__strdup(c, h->pipeline->labels[x.answer])))
        st = TERN_ERR_MEMORY;
    tern_explainer_free(explainer);
    return st;
}

tern_status tern_audio_explain_file(char **explained, tern_session *session, const char *sound,
                                    const char *output, const char *label, const char *layer) {
    tern_context *c = tern__session_context(session);
    tern__pipeline pipeline;
    heard h = {.pipeline = &pipeline, .context = c};
    if (explained) *explained = NULL;
    tern_status st = tern_file_check(c, output, &sound, 1);
    if (st == TERN_OK) st = tern__pipeline_read(&pipeline, c, tern_session_model(session));
    if (st != TERN_OK) return st;
    if (pipeline.waveform)
        st = tern__fail(c, TERN_ERR_UNSUPPORTED,
                        "the network reads samples; there are no bands and frames to draw");
    if (st == TERN_OK) st = tern__pipeline_check_labels(&pipeline, c, tern_session_model(session));
    h.input = tern__alloc(c, pipeline.window.rows * pipeline.window.frames * sizeof *h.input);
    if (st == TERN_OK)
        st = h.input ? explain(explained, session, &h, sound, output, label, layer)
                     : TERN_ERR_MEMORY;
    tern__free(c, h.input);
    tern_free(c, h.samples);
    tern__pipeline_free(&pipeline, c);
    return st;
}
