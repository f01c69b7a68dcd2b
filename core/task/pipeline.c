/* A domain's settings in a model's metadata. */
#include "pipeline.h"

#include <stdio.h>
#include <string.h>

tern_status tern__pipeline_find(const char *texts[TERN__PIPELINE_KEYS], tern_context *c,
                                const tern_model *model, const tern__pipeline_need *need) {
    for (int i = 0; i < TERN__PIPELINE_KEYS && need->keys[i]; i++)
        if (!(texts[i] = tern_model_metadata(model, need->keys[i])))
            return tern__fail(c, TERN_ERR_FORMAT,
                              "the model does not say how it %s: its metadata have no %s%s; only "
                              "models that were trained by tern %s",
                              need->sense, need->keys[i], i ? "" : tern__metadata_front_end(model),
                              need->made);
    return TERN_OK;
}

tern_status tern__pipeline_parse(void *pipeline, tern_context *c, const char *text,
                                 const tern__pipeline_key *key) {
    char what[64];
    json_t *root;
    snprintf(what, sizeof what, "the model's %s", key->key);
    tern_status st = tern__json_read(&root, c, what, text, strlen(text));
    if (st == TERN_ERR_MEMORY) return st;
    const bool known = key->read(pipeline, root);
    json_decref(root);
    if (known) return TERN_OK;
    return tern__fail(c, TERN_ERR_FORMAT, "%s is \"%.*s\"; expected %s", what, key->shown, text,
                      key->expected);
}

tern_status tern__pipeline_one_input(tern_context *c, const tern_graph *g, const char *who) {
    if (g->n_inputs == 1 && g->n_outputs >= 1) return TERN_OK;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "the network has %zu inputs and %zu outputs; %s has one input", g->n_inputs,
                      g->n_outputs, who);
}

tern_status tern__pipeline_gives_labels(tern_context *c, const tern_graph *g, size_t n_labels,
                                        int rank, const char *each) {
    char text[TERN__SHAPE_TEXT];
    const tern__shape *y = &g->values[g->outputs[0]].shape;
    if (y->rank == rank && (y->dims[1] < 0 || y->dims[1] == (int64_t)n_labels)) return TERN_OK;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "the network's output is %s, but the model has %zu labels%s",
                      tern__shape_text(y, text, sizeof text), n_labels, each);
}
