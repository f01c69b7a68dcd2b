/* Reads and writes the part of a model's metadata that turns a sound into the network's input and its
 * output into a label. Knows JSON and the front end; runs nothing. */
#include "pipeline.h"

#include "core/graph.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

tern_audio_window tern__pipeline_window(const tern_audio_options *audio,
                                        const tern_features *features, size_t samples) {
    return (tern_audio_window){(double)samples / audio->sample_rate, samples,
                               features ? tern_features_frames(features, samples) : samples,
                               features ? tern_features_rows(features) : 1};
}

void tern__pipeline_free(tern__pipeline *p, tern_context *c) {
    for (size_t i = 0; i < p->n_labels; i++) tern__free(c, p->labels[i]);
    tern__free(c, p->labels);
    tern_features_free(p->features);
    memset(p, 0, sizeof *p);
}

static tern_status read_labels(tern__pipeline *p, tern_context *c, const char *text) {
    json_error_t error;
    json_t *array = json_loads(text, 0, &error), *label;
    tern_status st = TERN_OK;
    size_t i, n = json_array_size(array);
    if (!n) {
        json_decref(array);
        return tern__fail(c, TERN_ERR_FORMAT, "the model's tern.labels is not a JSON array of names");
    }
    if (!(p->labels = tern__calloc(c, n, sizeof *p->labels))) st = TERN_ERR_MEMORY;
    if (st == TERN_OK) p->n_labels = n;
    if (st == TERN_OK) json_array_foreach(array, i, label) {
        const char *name = json_string_value(label);
        if (!name) st = tern__fail(c, TERN_ERR_FORMAT, "the model's tern.labels: label %zu is no text", i);
        else if (!(p->labels[i] = tern__strdup(c, name))) st = TERN_ERR_MEMORY;
        if (st != TERN_OK) break;
    }
    json_decref(array);
    return st;
}

static tern_status read_window(tern__pipeline *p, tern_context *c, const char *text) {
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const double seconds = json_number_value(json_object_get(root, "seconds"));
    tern_status st = TERN_OK;
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
    return TERN_OK;
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
                          "%s; only models that were trained by tern for sounds can classify them",
                          !audio ? "tern.audio" : !labels ? "tern.labels" : "tern.input");
    tern_status st = tern_audio_options_parse(&p->audio, c, audio, strlen(audio));
    if (st != TERN_OK) tern__fail_in(c, "the model's tern.audio");
    if (st == TERN_OK) st = read_labels(p, c, labels);
    if (st == TERN_OK) st = read_window(p, c, input);
    if (st == TERN_OK) st = check_network(p, c, tern_model_graph(model));
    if (st != TERN_OK) tern__pipeline_free(p, c);
    return st;
}

/* Sets a key to a JSON value, which is freed. */
static tern_status set_json(tern_model *model, tern_context *c, const char *key, json_t *value) {
    char *text = value ? json_dumps(value, JSON_REAL_PRECISION(12)) : NULL;
    json_decref(value);
    if (!text) return tern__fail(c, TERN_ERR_MEMORY, "%s: out of memory, or a name that is not UTF-8", key);
    tern_status st = tern_model_set_metadata(model, key, text);
    free(text);
    return st;
}

tern_status tern__pipeline_write(tern_model *model, tern_context *c, const tern_audio_dataset *data,
                                 bool waveform) {
    char *audio = NULL;
    json_t *labels = json_array();
    for (size_t i = 0; i < tern_audio_dataset_label_count(data); i++)
        if (json_array_append_new(labels, json_string(tern_audio_dataset_label(data, i)))) {
            json_decref(labels);
            return tern__fail(c, TERN_ERR_FORMAT, "the name of label %zu is not UTF-8", i);
        }
    tern_status st = set_json(model, c, "tern.labels", labels);
    if (st == TERN_OK)
        st = tern_audio_options_text(&audio, c, tern_audio_dataset_options_in_use(data));
    if (st == TERN_OK) st = tern_model_set_metadata(model, "tern.audio", audio);
    tern_free(c, audio);
    if (st != TERN_OK) return st;
    return set_json(model, c, "tern.input",
                    json_pack("{s:s, s:f}", "kind", waveform ? "samples" : "features", "seconds",
                              tern_audio_dataset_window(data).seconds));
}
