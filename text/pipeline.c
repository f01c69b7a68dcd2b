/* Reads and writes the part of a model's metadata that turns a text into the network's input and
 * its output into a label. Knows JSON and the front end; runs nothing. */
#include "pipeline.h"

#include "core/task/pipeline.h"

#include <string.h>

void tern__text_pipeline_free(tern__text_pipeline *p, tern_context *c) {
    tern__metadata_free_labels(p->labels, p->n_labels, c);
    tern_vocabulary_free(p->vocabulary);
    memset(p, 0, sizeof *p);
}

static bool read_input(void *pipeline, const json_t *root) {
    tern__text_pipeline *p = pipeline;
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const json_t *subwords = json_object_get(root, "subwords");
    p->subwords = json_integer_value(subwords);
    p->tags = kind && !strcmp(kind, "tokens");
    return kind && (p->tags || !strcmp(kind, "text")) && (!subwords || json_is_integer(subwords)) &&
           p->subwords >= 0 && p->subwords <= 256;
}

static const tern__pipeline_key input_key = {
    "tern.input", "{\"kind\": \"text\" or \"tokens\", \"subwords\": 0..256}", 80, read_input};

/* The network must take what the front end gives. */
static tern_status check_inputs(const tern__text_pipeline *p, tern_context *c,
                                const tern_graph *g) {
    char text[TERN__SHAPE_TEXT];
    const size_t inputs = p->subwords ? 2 : 1;
    if (g->n_inputs != inputs || g->n_outputs < 1)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the network has %zu inputs and %zu outputs; its front end gives %zu",
                          g->n_inputs, g->n_outputs, inputs);
    if (p->subwords && p->text.max_n == 0)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the model's tern.input wants %lld sub-words a word; by max_n 0 of its "
                          "tern.text there are none",
                          (long long)p->subwords);
    for (size_t i = 0; i < inputs; i++) {
        const tern__shape *in = &g->values[g->inputs[i]].shape;
        const int rank = i ? 3 : 2;
        bool fits = in->type == TERN_INT64 && in->rank == rank;
        for (int k = 0; fits && k < 2; k++) fits = in->dims[k] < 0;
        if (!fits || (i && in->dims[2] >= 0 && in->dims[2] != p->subwords))
            return tern__fail(c, TERN_ERR_FORMAT,
                              "the network takes %s, but a text of any length is given to it as "
                              "int64 numbers [N, L]",
                              tern__shape_text(in, text, sizeof text));
    }
    return TERN_OK;
}

tern_status tern__text_pipeline_check_output(const tern__text_pipeline *p, tern_context *c,
                                             const tern_graph *g) {
    return tern__pipeline_gives_labels(c, g, p->n_labels, p->tags ? 3 : 2,
                                       p->tags ? " for every token" : "");
}

tern_status tern__text_pipeline_read(tern__text_pipeline *p, tern_context *c,
                                     const tern_model *model) {
    static const tern__pipeline_need need = {
        {"tern.text", "tern.vocabulary", "tern.labels", "tern.input"},
        "reads",
        "for text can read it"};
    const char *texts[TERN__PIPELINE_KEYS];
    memset(p, 0, sizeof *p);
    tern_status st = tern__pipeline_find(texts, c, model, &need);
    if (st != TERN_OK) return st;
    st = tern_text_options_parse(&p->text, c, texts[0], strlen(texts[0]));
    if (st != TERN_OK) tern__fail_in(c, "the model's tern.text");
    if (st == TERN_OK) st = tern__metadata_labels(&p->labels, &p->n_labels, c, model);
    if (st == TERN_OK) st = tern__pipeline_parse(p, c, texts[3], &input_key);
    if (st == TERN_OK) {
        st = tern_vocabulary_parse(&p->vocabulary, c, texts[1], strlen(texts[1]));
        if (st != TERN_OK) tern__fail_in(c, "the model's tern.vocabulary");
    }
    if (st == TERN_OK) st = check_inputs(p, c, tern_model_graph(model));
    if (st != TERN_OK) tern__text_pipeline_free(p, c);
    return st;
}

tern_status tern__text_pipeline_write(tern_model *model, tern_context *c,
                                      const tern_text_dataset *data, int64_t subwords) {
    char *text = NULL, *words = NULL;
    size_t length;
    tern_status st = tern_text_options_text(&text, c, tern_text_dataset_options_in_use(data));
    if (st == TERN_OK) st = tern_model_set_metadata(model, "tern.text", text);
    if (st == TERN_OK)
        st = tern_vocabulary_text(&words, &length, tern_text_dataset_vocabulary(data));
    if (st == TERN_OK) st = tern_model_set_metadata(model, "tern.vocabulary", words);
    tern_free(c, text);
    tern_free(c, words);
    if (st != TERN_OK) return st;
    const char *kind = tern_text_dataset_tagged(data) ? "tokens" : "text";
    json_t *input = json_pack("{s:s, s:I}", "kind", kind, "subwords", (json_int_t)subwords);
    return tern__metadata_set(model, c, "tern.input", input, 12);
}
