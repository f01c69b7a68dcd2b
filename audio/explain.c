/* Draws what a network heard: the window of a sound that speaks most for a label, and in it
 * Grad-CAM. Gradients are core's, the picture is picture.c's. */
#include "features.h"
#include "windows.h"

#include "core/plan/session.h"
#include "core/task/answer.h"

#include <tern/audio_export.h>

#include <math.h>
#include <string.h>

/* What is sought: the window that speaks most for the answer (-1: for any). */
typedef struct heard {
    const tern__audio_pipeline *pipeline;
    tern_context *context;
    tern_explainer *explainer;
    int64_t answer;
    double most;
    bool heard;          /* a window at least */
    float *input, *best; /* features [rows][frames] of the window at hand, and of the best one */
} heard;

/* The logit that is explained, less the logarithm of the sum of all: log of the probability. */
static double log_probability(const tern_explanation *x, int64_t answer) {
    const float *z = x->logits.data;
    const tern__softmax s = tern__softmax_of(z, x->logits.dims[1], 1);
    return (double)z[answer] - s.greatest - log(s.total);
}

/* Explains a window by its features; the network must give a logit a label. */
static tern_status run(tern_explanation *x, const heard *h, float *features) {
    const int64_t labels = (int64_t)h->pipeline->n_labels;
    const tern_audio_window *w = &h->pipeline->window;
    const tern_tensor input = {
        TERN_FLOAT, 4, {1, 1, (int64_t)w->rows, (int64_t)w->frames}, features};
    tern_status st = tern_explainer_run(h->explainer, &input, h->answer, x);
    if (st != TERN_OK || (x->logits.rank == 2 && x->logits.dims[1] == labels)) return st;
    return tern__fail(h->context, TERN_ERR_SHAPE, "the network gives %lld numbers for %lld labels",
                      (long long)(x->logits.rank > 1 ? x->logits.dims[1] : 1), (long long)labels);
}

/* Keeps the features of a window that speaks more for the answer than those before. */
static tern_status listen(void *user, const float *samples) {
    heard *h = user;
    tern_explanation x;
    tern_status st = tern__features_compute(h->pipeline->features, h->context, samples,
                                            h->pipeline->window.samples, h->input);
    if (st == TERN_OK) st = run(&x, h, h->input);
    if (st != TERN_OK) return st;
    const double said = log_probability(&x, x.answer);
    const bool first = !h->heard, more = said > h->most;
    h->heard = true;
    if (more) h->most = said;
    if (!first && !more) return TERN_OK;
    float *worse = h->best;
    h->best = h->input;
    h->input = worse;
    return TERN_OK;
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
                                            strcmp(sound, "-") ? sound : "standard input", h->best,
                                            h->pipeline->window.frames, &map);
    tern__free(c, values);
    return st;
}

static tern_status explain(char **explained, heard *h, float *room, const char *sound,
                           const char *output) {
    tern_context *c = h->context;
    const tern__audio_pipeline *p = h->pipeline;
    tern_explanation x;
    tern__sample_source source;
    tern_sound *opened = NULL;
    size_t windows;
    tern_status st = tern__windows_open(&source, &opened, c, p, sound);
    if (st == TERN_OK)
        st = tern__windows_cut(&windows, c, &source, p->window.samples, room, listen, h);
    tern_sound_close(opened);
    if (st == TERN_OK) st = run(&x, h, h->best);
    if (st == TERN_OK) st = draw(&x, h, sound, output);
    if (st == TERN_OK && explained && !(*explained = tern__strdup(c, p->labels[x.answer])))
        st = TERN_ERR_MEMORY;
    return st;
}

tern_status tern_audio_explain_file(char **explained, tern_session *session, const char *sound,
                                    const char *output, const char *label, const char *layer) {
    tern_context *c = tern__session_context(session);
    tern__audio_pipeline p;
    heard h = {.pipeline = &p, .context = c, .most = -INFINITY};
    if (explained) *explained = NULL;
    tern_status st = tern_file_check(c, output, &sound, 1);
    if (st == TERN_OK) st = tern__audio_pipeline_read(&p, c, tern_session_model(session));
    if (st != TERN_OK) return st;
    if (p.waveform)
        st = tern__fail(c, TERN_ERR_UNSUPPORTED,
                        "the network reads samples; there are no bands and frames to draw");
    if (st == TERN_OK) st = tern__audio_pipeline_check_labels(&p, c, tern_session_model(session));
    if (st == TERN_OK) st = tern__label_asked(&h.answer, c, p.labels, p.n_labels, label);
    float *room = tern__calloc(c, p.window.samples, 2 * sizeof *room);
    h.input = tern__alloc(c, p.window.rows * p.window.frames * sizeof *h.input);
    h.best = tern__alloc(c, p.window.rows * p.window.frames * sizeof *h.best);
    if (st == TERN_OK && !(room && h.input && h.best)) st = TERN_ERR_MEMORY;
    if (st == TERN_OK) st = tern__session_explainer(&h.explainer, session, layer);
    if (st == TERN_OK) st = explain(explained, &h, room, sound, output);
    tern_explainer_free(h.explainer);
    tern__free(c, h.best);
    tern__free(c, h.input);
    tern__free(c, room);
    tern__audio_pipeline_free(&p, c);
    return st;
}
