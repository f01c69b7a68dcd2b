/* Reads and writes the part of a model's metadata that turns a sound into the network's input and
 * its output into a label. Knows JSON and the front end; runs nothing. */
#include "pipeline.h"

#include "core/task/pipeline.h"

#include <math.h>
#include <string.h>

tern_audio_window tern__audio_pipeline_window(const tern_audio_options *audio,
                                              const tern_features *features, size_t samples) {
    return (tern_audio_window){(double)samples / audio->sample_rate, samples,
                               features ? tern_features_frames(features, samples) : samples,
                               features ? tern_features_rows(features) : 1};
}

/* A classifier keeps two windows and a window's features; making them takes as much once more, and
 * bands before they become cepstra. */
tern_status tern__audio_pipeline_check_window(tern_context *c, const tern_audio_window *w,
                                              const tern_features *features) {
    static const double most = 2e9; /* bytes: an hour at 48 kHz has room in it */
    const tern_audio_options *o = features ? tern_features_options(features) : NULL;
    const double bands = !o                                       ? 0
                         : o->feature == TERN_FEATURE_SPECTROGRAM ? o->n_fft / 2 + 1
                                                                  : o->n_mels,
                 bytes = sizeof(float) *
                         (2 * (double)w->samples +
                          (double)w->frames * (features ? 2 * (double)w->rows + bands : 1));
    if (bytes <= most) return TERN_OK;
    return tern__fail(
        c, TERN_ERR_LIMIT,
        "a window of %g seconds, %zu samples and %zu frames of %zu numbers, takes %.1f GB; "
        "at most %.1f GB are read at once",
        w->seconds, w->samples, w->frames, w->rows, bytes / 1e9, most / 1e9);
}

void tern__audio_pipeline_free(tern__audio_pipeline *p, tern_context *c) {
    tern__metadata_free_labels(p->labels, p->n_labels, c);
    tern_features_free(p->features);
    memset(p, 0, sizeof *p);
}

static bool read_input(void *pipeline, const json_t *root) {
    tern__audio_pipeline *p = pipeline;
    const char *kind = json_string_value(json_object_get(root, "kind"));
    p->window.seconds = json_number_value(json_object_get(root, "seconds"));
    p->waveform = kind && !strcmp(kind, "samples");
    return kind && (p->waveform || !strcmp(kind, "features")) && p->window.seconds > 0 &&
           p->window.seconds <= 3600;
}

static const tern__pipeline_key input_key = {
    "tern.input", "{\"kind\": \"features\" or \"samples\", \"seconds\": a number up to 3600}", 80,
    read_input};

/* The front end and the window of p->window.seconds. */
static tern_status make_window(tern__audio_pipeline *p, tern_context *c) {
    const double seconds = p->window.seconds;
    tern_status st = p->waveform ? TERN_OK : tern_features_create(&p->features, c, &p->audio);
    if (st != TERN_OK) return st;
    p->window = tern__audio_pipeline_window(&p->audio, p->features,
                                            (size_t)fmax(1, round(seconds * p->audio.sample_rate)));
    if (!p->window.frames)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the model's window of %g seconds is shorter than one frame", seconds);
    return tern__audio_pipeline_check_window(c, &p->window, p->features);
}

/* The network must take what the front end gives. */
static tern_status check_network(const tern__audio_pipeline *p, tern_context *c,
                                 const tern_graph *g) {
    char text[100], text2[100];
    const int rank = p->waveform ? 3 : 4;
    const tern__shape need = {TERN_FLOAT,
                              rank,
                              {-1, 1, (int64_t)(p->waveform ? p->window.samples : p->window.rows),
                               (int64_t)p->window.frames}};
    const tern_status st = tern__pipeline_one_input(c, g, "a sound classifier");
    if (st != TERN_OK) return st;
    const tern__shape *in = &g->values[g->inputs[0]].shape;
    if (in->type != TERN_FLOAT || !tern__shape_fits(in, &need))
        return tern__fail(
            c, TERN_ERR_FORMAT, "the network takes %s, but the model's front end gives %s",
            tern__shape_text(in, text, sizeof text), tern__shape_text(&need, text2, sizeof text2));
    return TERN_OK;
}

tern_status tern__audio_pipeline_check_labels(const tern__audio_pipeline *p, tern_context *c,
                                              const tern_model *model) {
    return tern__pipeline_gives_labels(c, tern_model_graph(model), p->n_labels, 2, "");
}

tern_status tern__audio_pipeline_read(tern__audio_pipeline *p, tern_context *c,
                                      const tern_model *model) {
    static const tern__pipeline_need need = {
        {"tern.audio", "tern.labels", "tern.input"}, "listens", "for sounds can classify them"};
    const char *texts[TERN__PIPELINE_KEYS];
    memset(p, 0, sizeof *p);
    tern_status st = tern__pipeline_find(texts, c, model, &need);
    if (st != TERN_OK) return st;
    st = tern_audio_options_parse(&p->audio, c, texts[0], strlen(texts[0]));
    if (st != TERN_OK) tern__fail_in(c, "the model's tern.audio");
    if (st == TERN_OK) st = tern__metadata_labels(&p->labels, &p->n_labels, c, model);
    if (st == TERN_OK) st = tern__pipeline_parse(p, c, texts[2], &input_key);
    if (st == TERN_OK) st = make_window(p, c);
    if (st == TERN_OK) st = check_network(p, c, tern_model_graph(model));
    if (st != TERN_OK) tern__audio_pipeline_free(p, c);
    return st;
}

tern_status tern__audio_pipeline_write(tern_model *model, tern_context *c,
                                       const tern_audio_dataset *data, bool waveform) {
    char *audio = NULL;
    tern_status st = tern_audio_options_text(&audio, c, tern_audio_dataset_options_in_use(data));
    if (st == TERN_OK) st = tern_model_set_metadata(model, "tern.audio", audio);
    tern_free(c, audio);
    if (st != TERN_OK) return st;
    json_t *input = json_pack("{s:s, s:f}", "kind", waveform ? "samples" : "features", "seconds",
                              tern_audio_dataset_window(data).seconds);
    return tern__metadata_set(model, c, "tern.input", input, 12);
}
