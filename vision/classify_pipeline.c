/* Reads and writes what a classifier's metadata say about pictures and labels. Knows JSON; runs
 * nothing. */
#include "classify.h"

#include "core/graph.h"

#include <string.h>

void tern__class_pipeline_free(tern__class_pipeline *p, tern_context *c) {
    tern__metadata_free_labels(p->labels, p->n_labels, c);
    *p = (tern__class_pipeline){0};
}

static bool read_vision(tern__class_pipeline *p, const json_t *root) {
    const char *task = json_string_value(json_object_get(root, "task"));
    const json_t *size = json_object_get(root, "size");
    return tern__normalization_read(&p->normalization, root) && task && !strcmp(task, "class") &&
           tern__metadata_int(&p->width, json_array_get(size, 0), 1, 8192) &&
           tern__metadata_int(&p->height, json_array_get(size, 1), 1, 8192);
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
                          "the model does not say how it sees: its metadata have no %s%s; only "
                          "models that were trained by tern to name pictures can name them",
                          vision ? "tern.labels" : "tern.vision",
                          vision ? "" : tern__metadata_front_end(model));
    json_t *root;
    tern_status st = tern__json_read(&root, c, "the model's tern.vision", vision, strlen(vision));
    if (st == TERN_ERR_MEMORY) return st;
    const bool known = read_vision(p, root);
    json_decref(root);
    if (!known)
        st = tern__fail(c, TERN_ERR_FORMAT,
                        "the model's tern.vision is \"%.200s\"; expected {\"task\": \"class\", "
                        "\"size\": [width, height], \"mean\", \"std\"}",
                        vision);
    if (st == TERN_OK) st = tern__metadata_labels(&p->labels, &p->n_labels, c, model);
    if (st == TERN_OK) st = check_input(p, c, tern_model_graph(model));
    if (st != TERN_OK) tern__class_pipeline_free(p, c);
    return st;
}

static const char *label_of(const void *pipeline, size_t i) {
    const tern__class_pipeline *p = pipeline;
    return p->labels[i];
}

tern_status tern__class_pipeline_check_labels(const tern__class_pipeline *p, tern_context *c) {
    return tern__metadata_check_labels(c, label_of, p, p->n_labels);
}

tern_status tern__class_pipeline_write(tern_model *model, tern_context *c,
                                       const tern__class_pipeline *p) {
    const tern_normalization *n = &p->normalization;
    tern_status st = tern__metadata_set_labels(model, c, label_of, p, p->n_labels);
    if (st != TERN_OK) return st;
    json_t *vision = json_pack("{s:s, s:[i, i], s:o, s:o}", "task", "class", "size", p->width,
                               p->height, "mean", tern__channels_json(n->mean, n->channels), "std",
                               tern__channels_json(n->std, n->channels));
    return tern__metadata_set(model, c, "tern.vision", vision, 9);
}
