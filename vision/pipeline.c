/* Reads and writes "tern.vision" of a model of masks, and the numbers that models of labels have in
 * it as well. Knows JSON; runs nothing. */
#include "pipeline.h"

#include "core/task/pipeline.h"

#include <math.h>
#include <string.h>

/* A list of one number a channel; the number of channels, 0 where it is none. */
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

bool tern__normalization_read(tern_normalization *n, const json_t *root) {
    n->channels = read_numbers(json_object_get(root, "mean"), n->mean);
    if (read_numbers(json_object_get(root, "std"), n->std) != n->channels) return false;
    for (int i = 0; i < n->channels; i++)
        if (!isfinite(n->mean[i]) || !(n->std[i] > 0) || !isfinite(n->std[i])) return false;
    return n->channels > 0;
}

static bool read_size(tern__vision_pipeline *p, const json_t *size) {
    if (!size) return true;
    return json_array_size(size) == 2 &&
           tern__metadata_int(&p->width, json_array_get(size, 0), 1, 8192) &&
           tern__metadata_int(&p->height, json_array_get(size, 1), 1, 8192);
}

static bool read(void *pipeline, const json_t *root) {
    tern__vision_pipeline *p = pipeline;
    const char *task = json_string_value(json_object_get(root, "task"));
    const json_t *threshold = json_object_get(root, "threshold");
    memset(p, 0, sizeof *p);
    p->threshold = threshold ? json_number_value(threshold) : 0.5;
    if (!tern__normalization_read(&p->normalization, root)) return false;
    return task && !strcmp(task, "mask") &&
           tern__metadata_int(&p->classes, json_object_get(root, "classes"), 2, 255) &&
           tern__metadata_int(&p->bits, json_object_get(root, "bits"), 8, 16) && p->bits % 8 == 0 &&
           p->threshold >= 0 && p->threshold <= 1 && read_size(p, json_object_get(root, "size"));
}

static const tern__pipeline_key vision_key = {
    "tern.vision",
    "{\"task\": \"mask\", \"classes\", \"bits\", \"mean\", \"std\", perhaps \"size\" and "
    "\"threshold\"}",
    200, read};

/* The network must take such pictures and give a logit a class. */
static tern_status check_network(const tern__vision_pipeline *p, tern_context *c,
                                 const tern_graph *g) {
    char text[TERN__SHAPE_TEXT];
    const tern_status st = tern__pipeline_one_input(c, g, "one of masks");
    if (st != TERN_OK) return st;
    const tern__shape *x = &g->values[g->inputs[0]].shape, *y = &g->values[g->outputs[0]].shape;
    if (x->type != TERN_FLOAT || x->rank != 4 || x->dims[1] != p->normalization.channels)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the network takes %s, but the model's pictures have %d channels",
                          tern__shape_text(x, text, sizeof text), p->normalization.channels);
    if (y->rank != 4 || (y->dims[1] != p->classes && !(p->classes == 2 && y->dims[1] == 1)))
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the network's output is %s, but the model has %d classes",
                          tern__shape_text(y, text, sizeof text), p->classes);
    return TERN_OK;
}

tern_status tern__vision_pipeline_read(tern__vision_pipeline *p, tern_context *c,
                                       const tern_model *model) {
    static const tern__pipeline_need need = {{"tern.vision"}, "sees", "for masks can make them"};
    const char *texts[TERN__PIPELINE_KEYS];
    tern_status st = tern__pipeline_find(texts, c, model, &need);
    if (st == TERN_OK) st = tern__pipeline_parse(p, c, texts[0], &vision_key);
    if (st != TERN_OK) return st;
    return check_network(p, c, tern_model_graph(model));
}

json_t *tern__channels_json(const float *values, int channels) {
    json_t *list = json_array();
    for (int i = 0; i < channels; i++) tern__json_append(&list, json_real((double)values[i]));
    return list;
}

tern_status tern__vision_pipeline_write(tern_model *model, tern_context *c,
                                        const tern__vision_pipeline *p) {
    const tern_normalization *n = &p->normalization;
    json_t *root = json_pack("{s:s, s:i, s:i, s:o, s:o}", "task", "mask", "classes", p->classes,
                             "bits", p->bits, "mean", tern__channels_json(n->mean, n->channels),
                             "std", tern__channels_json(n->std, n->channels));
    if (p->width) tern__json_set(&root, "size", json_pack("[i, i]", p->width, p->height));
    if (p->classes == 2) tern__json_set(&root, "threshold", json_real(p->threshold));
    return tern__metadata_set(model, c, "tern.vision", root, 9);
}
