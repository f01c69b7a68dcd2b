/* Trains a text classifier or tagger: what core/task/train.c asks of texts. */
#include "train.h"

#include "networks.h"
#include "pipeline.h"

#include "core/graph/graph.h"

#include <string.h>

/* ---- data ---- */

/* Whether the file has a label for every token, from its name or format (tern_text_format). */
static bool tagged_file(const char *path, const tern_text_reader_options *o) {
    static const char *const endings[] = {".conll", ".bio", ".iob"};
    size_t length = strlen(path);
    if (o->format != TERN_TEXT_FORMAT_AUTO) return o->format == TERN_TEXT_FORMAT_CONLL;
    if (length > 3 && !strcmp(path + length - 3, ".gz")) length -= 3;
    for (size_t i = 0; i < 3; i++) {
        const size_t n = strlen(endings[i]);
        if (length > n && !strncmp(path + length - n, endings[i], n)) return true;
    }
    return false;
}

/* What is at its default in o->data becomes what the network's recipe says. */
static void fill_front_end(tern_text_train_options *o, const tern__text_recipe *r) {
    tern_text_options *t = &o->data.text;
    const tern_text_options defaults = TERN_TEXT_OPTIONS_INIT;
    if (r->word_ngrams && t->word_ngrams == defaults.word_ngrams) t->word_ngrams = r->word_ngrams;
    if (r->buckets && t->buckets == defaults.buckets) t->buckets = r->buckets;
    if (r->subwords && !o->data.subwords) {
        o->data.subwords = r->subwords;
        t->subword_case = true; /* names begin with capital letters */
        if (!t->max_n) t->min_n = 1, t->max_n = 4;
    }
    if (o->data.word_dropout == 0) o->data.word_dropout = r->word_dropout;
}

tern_status tern__text_labels(const char ***labels, size_t *count, tern_context *c,
                              const tern_text_dataset *data) {
    *count = tern_text_dataset_label_count(data);
    if (!(*labels = tern__calloc(c, *count, sizeof **labels))) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < *count; i++) (*labels)[i] = tern_text_dataset_label(data, i);
    return TERN_OK;
}

static tern_status check_tags(tern_context *c, const tern_text_dataset *data, const char *network) {
    bool tagged = tern_text_dataset_tagged(data);
    if (tagged == tern_text_network_tags(network)) return TERN_OK;
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      tagged ? "every token of the data has a label; network %s gives a label to a "
                               "whole text"
                             : "every text of the data has one label; network %s gives a label to "
                               "every token",
                      network);
}

tern_status tern__text_job_open(tern__job *j) {
    tern__text_job *t = (tern__text_job *)j;
    tern_text_train_options *o = &t->o;
    tern_context *c = j->context;
    if (!j->network)
        j->network = tagged_file(j->path, &o->data.reader) ? "tagger" : tern_text_network_name(0);
    o->data.labels = NULL;
    o->data.n_labels = 0;
    o->data.vocabulary = NULL;
    if (!o->own_recipe) fill_front_end(o, &tern__text_network_row(j->network)->recipe);
    tern_status st = tern__text_start_open(&t->start, c, o);
    if (st == TERN_OK) st = tern_text_dataset_open(&t->data, c, j->path, &o->data);
    if (st != TERN_OK) return st;
    j->all = tern_text_dataset_samples(t->data);
    j->classes = (int64_t)tern_text_dataset_label_count(t->data);
    return TERN_OK;
}

static tern_status open_texts(tern__job *j) {
    const tern__text_job *t = (const tern__text_job *)j;
    tern_status st = tern__text_job_open(j);
    return st == TERN_OK ? check_tags(j->context, t->data, j->network) : st;
}

/* The file to validate on, with the labels of the training data. Its vocabulary comes later. */
static tern_status open_validation(tern_text_dataset **held, tern_context *c,
                                   const tern_text_dataset *data,
                                   const tern_text_train_options *o) {
    tern_text_dataset_options d = o->data;
    const char **labels = NULL;
    tern_status st = tern__text_labels(&labels, &d.n_labels, c, data);
    d.labels = labels;
    if (st == TERN_OK) st = tern_text_dataset_open(held, c, o->validate_path, &d);
    if (st == TERN_OK && tern_text_dataset_tagged(data) != tern_text_dataset_tagged(*held))
        st = tern__fail(c, TERN_ERR_FORMAT, "%s: %s", o->validate_path,
                        tern_text_dataset_tagged(data)
                            ? "its tokens have no labels, those to train on have"
                            : "its tokens have labels, those to train on have none");
    tern__free(c, labels);
    return st;
}

tern_status tern__text_job_fit(tern__job *j) {
    tern__text_job *t = (tern__text_job *)j;
    tern_context *c = j->context;
    tern_status st = t->o.validate_path ? open_validation(&t->held, c, t->data, &t->o) : TERN_OK;
    if (st == TERN_OK) st = tern__text_start_from(&t->start, c, t->data, j->training, &t->o);
    if (st == TERN_OK && t->held) {
        st = tern_text_dataset_use(t->held, tern_text_dataset_vocabulary(t->data));
        j->held = tern_text_dataset_samples(t->held);
    }
    if (st == TERN_OK && !t->o.own_recipe)
        st = tern_text_dataset_vary(t->data, t->o.data.word_dropout);
    return st;
}

void tern__text_job_close(tern__job *j) {
    tern__text_job *t = (tern__text_job *)j;
    tern_text_dataset_free(t->held);
    tern_text_dataset_free(t->data);
    tern__text_start_free(&t->start, j->context);
}

/* ---- network ---- */

static void recipe(tern__job *j, tern__recipe *recipe_) {
    const tern__text_recipe *r = &tern__text_network_row(j->network)->recipe;
    *recipe_ = r->train;
    if (((const tern__text_job *)j)->o.vectors) recipe_->learning_rate *= r->with_vectors;
}

/* That row 0 of the tables stands for padding is not in a file. */
static void renew(tern_graph *g, tern__job *j) {
    (void)j;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        if (n->op->traits.looks_up && g->values[n->inputs[0]].data &&
            g->values[n->inputs[0]].shape.type == TERN_FLOAT)
            tern_set_padding_row((tern_value){g, n->inputs[0]});
    }
}

static void build(tern_graph *g, tern__job *j) {
    const tern__text_job *t = (const tern__text_job *)j;
    const tern_text_train_options *o = &t->o;
    const tern_text_options *text = tern_text_dataset_options_in_use(t->data);
    tern_text_network_options n = TERN_TEXT_NETWORK_OPTIONS_INIT;
    n.classes = j->classes;
    n.rows = (int64_t)tern_text_rows(tern_text_dataset_vocabulary(t->data), text);
    n.dimension = o->dimension;
    n.vectors = t->start.table;
    n.channels = o->channels;
    memcpy(n.widths, o->widths, sizeof n.widths);
    n.filters = o->filters;
    n.width = o->width;
    n.dropout = o->dropout;
    n.subwords = o->data.subwords;
    n.subword_rows = o->data.subwords ? text->buckets + 1 : 0;
    tern_text_network_build(g, j->network, &n);
}

static const char *label(const tern__job *j, int64_t i) {
    return tern_text_dataset_label(((const tern__text_job *)j)->data, (size_t)i);
}

static tern_status write_pipeline(tern_model *model, tern__job *j) {
    const tern__text_job *t = (const tern__text_job *)j;
    return tern__text_pipeline_write(model, j->context, t->data, t->o.data.subwords);
}

static const tern__task task = {.samples = "texts",
                                .options = "text training options",
                                .initializer = "TERN_TEXT_TRAIN_OPTIONS_INIT",
                                .options_size = sizeof(tern_text_train_options),
                                .own = "name, width, dropout and vectors",
                                .network_name = tern_text_network_name,
                                .open = open_texts,
                                .fit = tern__text_job_fit,
                                .recipe = recipe,
                                .build = build,
                                .renew = renew,
                                .label = label,
                                .write = write_pipeline,
                                .close = tern__text_job_close};

void tern__text_job_begin(tern__text_job *t, tern_context *c, const char *path,
                          const tern_text_train_options *options) {
    *t = (tern__text_job){.o = TERN_TEXT_TRAIN_OPTIONS_INIT};
    const tern_text_train_options *o = &t->o;
    if (options) t->o = *options;
    t->job =
        (tern__job){.task = &task,
                    .context = c,
                    .path = path,
                    .network = o->network,
                    .train = &t->o.train,
                    .given = {.size = o->size,
                              .init = o->init,
                              .freeze_until = o->freeze_until,
                              .own_recipe = o->own_recipe,
                              .validate = o->validate,
                              .owns = o->network || o->width != 0 || o->dropout != 0 || o->vectors,
                              .validated = o->validate_path ? "a file" : NULL,
                              .inputs = {path, o->validate_path, o->vectors}}};
}

tern_status tern_text_train(tern_model **model, tern_context *c, const char *path,
                            const tern_text_train_options *options) {
    tern__text_job t;
    tern__text_job_begin(&t, c, path, options);
    return tern__job_train(model, &t.job);
}
