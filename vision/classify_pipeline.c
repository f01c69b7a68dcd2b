/* Reads and writes what a classifier's metadata say about pictures and labels. Knows JSON; runs
 * nothing. */
#include "classify.h"

#include "core/graph.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void tern__class_pipeline_free(tern__class_pipeline *p, tern_context *c) {
    for (size_t i = 0; p->labels && i < p->n_labels; i++) tern__free(c, p->labels[i]);
    tern__free(c, p->labels);
    *p = (tern__class_pipeline){0};
}

static tern_status read_labels(tern__class_pipeline *p, tern_context *c, const char *text) {
    json_error_t error;
    json_t *array = json_loads(text, 0, &error), *label;
    const size_t n = json_array_size(array);
    tern_status st = TERN_OK;
    size_t i;
    if (!n)
        st = tern__fail(c, TERN_ERR_FORMAT, "the model's tern.labels is not a JSON array of names");
    else if (!(p->labels = tern__calloc(c, n, sizeof *p->labels)))
        st = TERN_ERR_MEMORY;
    if (st == TERN_OK) p->n_labels = n;
    if (st == TERN_OK) json_array_foreach(array, i, label) {
            const char *name = json_string_value(label);
            if (!name)
                st = tern__fail(c, TERN_ERR_FORMAT, "the model's tern.labels: label %zu is no text",
                                i);
            else if (!(p->labels[i] = tern__strdup(c, name)))
                st = TERN_ERR_MEMORY;
            if (st != TERN_OK) break;
        }
    json_decref(array);
    return st;
}

/* A list of one number a channel; how many there are, 0 where it is no such list. */
static int read_numbers(const json_t *list, float out[3]) {
    const size_t n = json_array_size(list);
    if (n != 1 && n != 3) return 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_number(number)) return 0;
        out[i] = (float)json_number_value(number);
    }
    return (int)n;
}

static bool read_vision(tern__class_pipeline *p, const json_t *root) {
    const char *task = json_string_value(json_object_get(root, "task"));
    const json_t *size = json_object_get(root, "size");
    tern_normalization *n = &p->normalization;
    const json_int_t width = json_integer_value(json_array_get(size, 0));
    const json_int_t height = json_integer_value(json_array_get(size, 1));
    n->channels = read_numbers(json_object_get(root, "mean"), n->mean);
    if (read_numbers(json_object_get(root, "std"), n->std) != n->channels) return false;
    for (int i = 0; i < n->channels; i++)
        if (!isfinite(n->mean[i]) || !(n->std[i] > 0)) return false;
    p->width = (int)width;
    p->height = (int)height;
    return task && !strcmp(task, "class") && n->channels && width >= 1 && width <= 8192 &&
           height >= 1 && height <= 8192;
}

/* The network must take such pictures. */
static tern_status check_input(const tern__class_pipeline *p, tern_context *c,
                               const tern_graph *g) {
    char text[TERN__SHAPE_TEXT];
    const int64_t need[4] = {-1, p->normalization.channels, p->height, p->width};
    if (g->n_inputs != 1 || g->n_outputs < 1)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the network has %zu inputs and %zu outputs; one of pictures has one "
                          "input",
                          g->n_inputs, g->n_outputs);
    const tern__shape *x = &g->values[g->inputs[0]].shape;
    bool fits = x->type == TERN_FLOAT && x->rank == 4;
    for (int i = 1; fits && i < 4; i++) fits = x->dims[i] < 0 || x->dims[i] == need[i];
    if (fits) return TERN_OK;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "the network takes %s, but the model's pictures are %d x %d pixels with %d "
                      "channel%s",
                      tern__shape_text(x, text, sizeof text), p->width, p->height,
                      p->normalization.channels, p->normalization.channels == 1 ? "" : "s");
}

tern_status tern__class_pipeline_check(const tern__class_pipeline *p, tern_context *c,
                                       const tern_model *model) {
    char text[TERN__SHAPE_TEXT];
    const tern_graph *g = tern_model_graph(model);
    const tern__shape *y = &g->values[g->outputs[0]].shape;
    if (y->rank == 2 && (y->dims[1] < 0 || y->dims[1] == (int64_t)p->n_labels)) return TERN_OK;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "the network's output is %s, but the model has %zu labels",
                      tern__shape_text(y, text, sizeof text), p->n_labels);
}

tern_status tern__class_pipeline_read(tern__class_pipeline *p, tern_context *c,
                                      const tern_model *model) {
    const char *vision = tern_model_metadata(model, "tern.vision");
    const char *labels = tern_model_metadata(model, "tern.labels");
    *p = (tern__class_pipeline){0};
    if (!vision || !labels)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the model does not say how it sees: its metadata have no %s; only "
                          "models that were trained by tern to name pictures can name them",
                          vision ? "tern.labels" : "tern.vision");
    json_error_t error;
    json_t *root = json_loads(vision, JSON_REJECT_DUPLICATES, &error);
    const bool known = read_vision(p, root);
    json_decref(root);
    tern_status st = TERN_OK;
    if (!known)
        st = tern__fail(c, TERN_ERR_FORMAT,
                        "the model's tern.vision is \"%.200s\"; expected {\"task\": \"class\", "
                        "\"size\": [width, height], \"mean\", \"std\"}",
                        vision);
    if (st == TERN_OK) st = read_labels(p, c, labels);
    if (st == TERN_OK) st = check_input(p, c, tern_model_graph(model));
    if (st != TERN_OK) tern__class_pipeline_free(p, c);
    return st;
}

static json_t *numbers(const float *x, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_real((double)x[i]));
    return list;
}

/* Sets a key to a JSON value, which is freed. */
static tern_status set_json(tern_model *model, tern_context *c, const char *key, json_t *value) {
    char *text = value ? json_dumps(value, JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!text) return tern__fail(c, TERN_ERR_MEMORY, "%s: out of memory", key);
    tern_status st = tern_model_set_metadata(model, key, text);
    free(text);
    return st;
}

tern_status tern__class_pipeline_write(tern_model *model, tern_context *c,
                                       const tern__class_pipeline *p) {
    const tern_normalization *n = &p->normalization;
    json_t *labels = json_array();
    for (size_t i = 0; i < p->n_labels; i++)
        if (json_array_append_new(labels, json_string(p->labels[i]))) {
            json_decref(labels);
            return tern__fail(c, TERN_ERR_FORMAT, "the name of label %zu is not UTF-8", i);
        }
    tern_status st = set_json(model, c, "tern.labels", labels);
    if (st != TERN_OK) return st;
    return set_json(model, c, "tern.vision",
                    json_pack("{s:s, s:[i, i], s:o, s:o}", "task", "class", "size", p->width,
                              p->height, "mean", numbers(n->mean, n->channels), "std",
                              numbers(n->std, n->channels)));
}
