/* Reads and writes what a classifier's metadata say about pictures and labels. Knows JSON; runs
 * nothing. */
#include "classify.h"

#include "core/task/pipeline.h"

#include <string.h>

void tern__class_pipeline_free(tern__class_pipeline *p, tern_context *c) {
    tern__metadata_free_labels(p->labels, p->n_labels, c);
    *p = (tern__class_pipeline){0};
}

static bool read_vision(void *pipeline, const json_t *root) {
    tern__class_pipeline *p = pipeline;
    const char *task = json_string_value(json_object_get(root, "task"));
    const json_t *size = json_object_get(root, "size");
    return tern__normalization_read(&p->normalization, root) && task && !strcmp(task, "class") &&
           tern__metadata_int(&p->width, json_array_get(size, 0), 1, 8192) &&
           tern__metadata_int(&p->height, json_array_get(size, 1), 1, 8192);
}

static const tern__pipeline_key vision_key = {
    "tern.vision", "{\"task\": \"class\", \"size\": [width, height], \"mean\", \"std\"}", 200,
    read_vision};

/* The network must take such pictures. */
static tern_status check_input(const tern__class_pipeline *p, tern_context *c,
                               const tern_graph *g) {
    char text[TERN__SHAPE_TEXT];
    const tern__shape need = {TERN_FLOAT, 4, {-1, p->normalization.channels, p->height, p->width}};
    const tern_status st = tern__pipeline_one_input(c, g, "one of pictures");
    if (st != TERN_OK) return st;
    const tern__shape *x = &g->values[g->inputs[0]].shape;
    if (x->type == TERN_FLOAT && tern__shape_fits(x, &need)) return TERN_OK;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "the network takes %s, but the model's pictures are %d x %d pixels with %d "
                      "channel%s",
                      tern__shape_text(x, text, sizeof text), p->width, p->height,
                      p->normalization.channels, p->normalization.channels == 1 ? "" : "s");
}

tern_status tern__class_pipeline_check(const tern__class_pipeline *p, tern_context *c,
                                       const tern_model *model) {
    return tern__pipeline_gives_labels(c, tern_model_graph(model), p->n_labels, 2, "");
}

tern_status tern__class_pipeline_read(tern__class_pipeline *p, tern_context *c,
                                      const tern_model *model) {
    static const tern__pipeline_need need = {
        {"tern.vision", "tern.labels"}, "sees", "to name pictures can name them"};
    const char *texts[TERN__PIPELINE_KEYS];
    *p = (tern__class_pipeline){0};
    tern_status st = tern__pipeline_find(texts, c, model, &need);
    if (st == TERN_OK) st = tern__pipeline_parse(p, c, texts[0], &vision_key);
    if (st == TERN_OK) st = tern__metadata_labels(&p->labels, &p->n_labels, c, model);
    if (st == TERN_OK) st = check_input(p, c, tern_model_graph(model));
    if (st != TERN_OK) tern__class_pipeline_free(p, c);
    return st;
}

tern_status tern__class_pipeline_write(tern_model *model, tern_context *c,
                                       const tern__class_pipeline *p) {
    const tern_normalization *n = &p->normalization;
    json_t *vision = json_pack("{s:s, s:[i, i], s:o, s:o}", "task", "class", "size", p->width,
                               p->height, "mean", tern__channels_json(n->mean, n->channels), "std",
                               tern__channels_json(n->std, n->channels));
    return tern__metadata_set(model, c, "tern.vision", vision, 9);
}
