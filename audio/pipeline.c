/* Reads and writes the part of a model's metadata that turns a sound into the network's input and its
 * output into a label. Knows JSON and the front end; runs nothing. */
#include "pipeline.h"

#include "core/graph.h"

#include <math.h>
#include <string.h>

tern_audio_window tern__pipeline_window(const tern_audio_options *audio,
                                        const tern_features *features, size_t samples) {
    return (tern_audio_window){(double)samples / audio->sample_rate, samples,
                               features ? tern_features_frames(features, samples) : samples,
                               features ? tern_features_rows(features) : 1};
}

/* A classifier keeps two windows and a window's features; making them takes as much once more, and
 * bands before they become cepstra. */
tern_status tern__pipeline_check_window(tern_context *c, const tern_audio_window *w,
                                        const tern_features *features) {
    static const double most = 2e9; /* bytes: an hour at 48 kHz has room in it */
    const tern_audio_options *o = features ? tern_features_options(features) : NULL;
    const double bands = !o                                          ? 0
                         : o->feature == TERN_FEATURE_SPECTROGRAM ? o->n_fft / 2 + 1
                                                                     : o->n_mels,
                 bytes = sizeof(float) * (2 * (double)w->samples +
                                          (double)w->frames * (features ? 2 * (double)w->rows + bands : 1));
    if (bytes <= most) return TERN_OK;
    return tern__fail(c, TERN_ERR_LIMIT,
                      "a window of %g seconds, %zu samples and %zu frames of %zu numbers, takes %.1f GB; "
                      "at most %.1f GB are read at once", w->seconds, w->samples, w->frames, w->rows,
                      bytes / 1e9, most / 1e9);
}

void tern__pipeline_free(tern__pipeline *p, tern_context *c) {
    tern__metadata_free_labels(p->labels, p->n_labels, c);
    tern_features_free(p->features);
    memset(p, 0, sizeof *p);
}

static tern_status read_window(tern__pipeline *p, tern_context *c, const char *text) {
    json_t *root;
    tern_status st = tern__json_read(&root, c, "the model's tern.input", text, strlen(text));
    if (st == TERN_ERR_MEMORY) return st;
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const double seconds = json_number_value(json_object_get(root, "seconds"));
    if (!kind || (strcmp(kind, "features") && strcmp(kind, "samples")) ||
        !(seconds > 0 && seconds <= 3600))
        st = tern__fail(c, TERN_ERR_FORMAT, "the model's tern.input is \"%.80s\"; expected {\"kind\": "
                        "\"features\" or \"samples\", \"seconds\": a number up to 3600}", text);
    else p->waveform = !strcmp(kind, "samples");
    json_decref(root);
    if (st == TERN_OK && !p->waveform) st = tern_features_create(&p->features, c, &p->audio);
    if (st != TERN_OK) return st;
    p->window = tern__pipeline_window(&p->audio, p->features,
                                      (size_t)fmax(1, round(seconds * p->audio.sample_rate)));
    if (!p->window.frames)
        return tern__fail(c, TERN_ERR_FORMAT, "the model's window of %g seconds is shorter than one frame",
                          seconds);
    return tern__pipeline_check_window(c, &p->window, p->features);
}

/* The network must take what the front end gives. */
static tern_status check_network(const tern__pipeline *p, tern_context *c, const tern_graph *g) {
    char text[100], text2[100];
    const int rank = p->waveform ? 3 : 4;
    const tern__shape need = {TERN_FLOAT, rank,
                              {-1, 1, (int64_t)(p->waveform ? p->window.samples : p->window.rows),
                               (int64_t)p->window.frames}};
    if (g->n_inputs != 1 || g->n_outputs < 1)
        return tern__fail(c, TERN_ERR_FORMAT, "the network has %zu inputs and %zu outputs; a sound "
                          "classifier has one input", g->n_inputs, g->n_outputs);
    const tern__shape *in = &g->values[g->inputs[0]].shape;
    bool fits = in->type == TERN_FLOAT && in->rank == rank;
    for (int i = 1; fits && i < rank; i++) fits = in->dims[i] < 0 || in->dims[i] == need.dims[i];
    if (!fits)
        return tern__fail(c, TERN_ERR_FORMAT, "the network takes %s, but the model's front end gives %s",
                          tern__shape_text(in, text, sizeof text),
                          tern__shape_text(&need, text2, sizeof text2));
    return TERN_OK;
}

tern_status tern__pipeline_check_labels(const tern__pipeline *p, tern_context *c, const tern_model *model) {
    char text[100];
    const tern_graph *g = tern_model_graph(model);
    const tern__shape *out = &g->values[g->outputs[0]].shape;
    if (out->rank != 2 || (out->dims[1] >= 0 && out->dims[1] != (int64_t)p->n_labels))
        return tern__fail(c, TERN_ERR_FORMAT, "the network's output is %s, but the model has %zu labels",
                          tern__shape_text(out, text, sizeof text), p->n_labels);
    return TERN_OK;
}

tern_status tern__pipeline_read(tern__pipeline *p, tern_context *c, const tern_model *model) {
    const char *labels = tern_model_metadata(model, "tern.labels");
    const char *audio = tern_model_metadata(model, "tern.audio");
    const char *input = tern_model_metadata(model, "tern.input");
    memset(p, 0, sizeof *p);
    if (!labels || !audio || !input)
        return tern__fail(c, TERN_ERR_FORMAT, "the model does not say how it listens: its metadata have no "
                          "%s%s; only models that were trained by tern for sounds can classify them",
                          !audio ? "tern.audio" : !labels ? "tern.labels" : "tern.input",
                          audio ? "" : tern__metadata_front_end(model));
    tern_status st = tern_audio_options_parse(&p->audio, c, audio, strlen(audio));
    if (st != TERN_OK) tern__fail_in(c, "the model's tern.audio");
    if (st == TERN_OK) st = tern__metadata_labels(&p->labels, &p->n_labels, c, model);
    if (st == TERN_OK) st = read_window(p, c, input);
    if (st == TERN_OK) st = check_network(p, c, tern_model_graph(model));
    if (st != TERN_OK) tern__pipeline_free(p, c);
    return st;
}

static const char *label_of(const void *data, size_t i) { return tern_audio_dataset_label(data, i); }

tern_status tern__pipeline_check_data(tern_context *c, const tern_audio_dataset *data) {
    return tern__metadata_check_labels(c, label_of, data, tern_audio_dataset_label_count(data));
}

tern_status tern__pipeline_write(tern_model *model, tern_context *c, const tern_audio_dataset *data,
                                 bool waveform) {
    char *audio = NULL;
    tern_status st = tern__metadata_set_labels(model, c, label_of, data, tern_audio_dataset_label_count(data));
    if (st == TERN_OK)
        st = tern_audio_options_text(&audio, c, tern_audio_dataset_options_in_use(data));
    if (st == TERN_OK) st = tern_model_set_metadata(model, "tern.audio", audio);
    tern_free(c, audio);
    if (st != TERN_OK) return st;
    json_t *input = json_pack("{s:s, s:f}", "kind", waveform ? "samples" : "features", "seconds",
                              tern_audio_dataset_window(data).seconds);
    return tern__metadata_set(model, c, "tern.input", input, 12);
}
