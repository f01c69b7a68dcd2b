/* Trains a text classifier or tagger: reads the data, splits it, makes the vocabulary, builds the
 * network, fills in the recipe, trains, and puts front end, vocabulary, labels and provenance into
 * the model. */
#include "train.h"

#include "pipeline.h"
#include "recipe.h"

#include "core/graph.h"
#include "core/training.h"

#include <string.h>

/* ---- what cross-validation does as well ---- */

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

tern_status tern__text_train_prepare(tern_text_train_options *o, tern_context *c,
                                     const char *path) {
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "text training options of size %zu, expected %zu: start from "
                          "TERN_TEXT_TRAIN_OPTIONS_INIT",
                          o->size, sizeof *o);
    if (o->validate_path && o->validate != 0)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "validation is asked for twice: by a file and by a share");
    if (o->init && (o->network || o->width != 0 || o->dropout != 0 || o->vectors))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the network is that of the model to go on from; name, width, dropout and "
                          "vectors of another one are not for it");
    tern_status st = tern__training_check_freeze(c, o->init, o->freeze_until);
    const char *const inputs[] = {path, o->validate_path, o->vectors};
    if (st == TERN_OK) st = tern__training_check_files(c, &o->train, o->init, inputs, 3);
    if (st != TERN_OK) return st;
    /* The recipe is that of the network that is trained, whoever made it. */
    if (o->init) o->network = tern__metadata_network(o->init, tern_text_network_name);
    if (!o->network)
        o->network = tagged_file(path, &o->data.reader) ? "tagger" : tern_text_network_name(0);
    o->data.labels = NULL;
    o->data.n_labels = 0;
    o->data.vocabulary = NULL;
    if (!o->own_recipe) tern__text_recipe_front_end(o);
    return TERN_OK;
}

/* The trained network with a new last layer. That row 0 of its tables stands for padding is not in
 * the file. */
static tern_status take_network(tern_graph **graph, const tern_text_dataset *data,
                                const tern_text_train_options *o) {
    const int64_t classes = (int64_t)tern_text_dataset_label_count(data);
    tern_status st =
        tern__training_go_on(graph, o->init, classes, o->freeze_until, o->train.seed);
    for (size_t i = 0; st == TERN_OK && i < (*graph)->n_nodes; i++) {
        const tern__node *n = &(*graph)->nodes[i];
        if (n->op->traits.looks_up && (*graph)->values[n->inputs[0]].data &&
            (*graph)->values[n->inputs[0]].shape.type == TERN_FLOAT)
            tern_set_padding_row((tern_value){*graph, n->inputs[0]});
    }
    return st == TERN_OK ? tern_graph_check(*graph) : st;
}

static tern_status build(tern_graph **graph, tern_context *c, const tern_text_dataset *data,
                         const float *vectors, const tern_text_train_options *o) {
    if (o->init) return take_network(graph, data, o);
    tern_status st = tern_graph_create(graph, c);
    if (st != TERN_OK) return st;
    const tern_text_options *text = tern_text_dataset_options_in_use(data);
    tern_text_network_options n = TERN_TEXT_NETWORK_OPTIONS_INIT;
    n.classes = (int64_t)tern_text_dataset_label_count(data);
    n.rows = (int64_t)tern_text_rows(tern_text_dataset_vocabulary(data), text);
    n.dimension = o->dimension;
    n.vectors = vectors;
    n.channels = o->channels;
    memcpy(n.widths, o->widths, sizeof n.widths);
    n.filters = o->filters;
    n.width = o->width;
    n.dropout = o->dropout;
    n.subwords = o->data.subwords;
    n.subword_rows = o->data.subwords ? text->buckets + 1 : 0;
    tern_graph_set_seed(*graph, o->train.seed);
    tern_text_network_build(*graph, o->network, &n);
    return tern_graph_check(*graph);
}

tern_status tern__text_labels(const char ***labels, size_t *count, tern_context *c,
                              const tern_text_dataset *data) {
    *count = tern_text_dataset_label_count(data);
    if (!(*labels = tern__calloc(c, *count, sizeof **labels))) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < *count; i++) (*labels)[i] = tern_text_dataset_label(data, i);
    return TERN_OK;
}

static tern_status check_tags(tern_context *c, const tern_text_dataset *data,
                              const tern_text_train_options *o) {
    bool tagged = tern_text_dataset_tagged(data);
    if (tagged == tern_text_network_tags(o->network)) return TERN_OK;
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      tagged ? "every token of the data has a label; network %s gives a label to a "
                               "whole text"
                             : "every text of the data has one label; network %s gives a label to "
                               "every token",
                      o->network);
}

tern_status tern__text_train_on(tern_model **model, tern_context *c, tern_text_dataset *data,
                                tern_dataset *training, const tern__text_start *start,
                                tern_text_train_options *o) {
    tern_graph *graph = NULL;
    tern_status st = TERN_OK;
    *model = NULL;
    if (!o->own_recipe) {
        tern__text_recipe_train(o, tern_dataset_count(training));
        st = tern_text_dataset_vary(data, o->data.word_dropout);
    }
    if (st == TERN_OK) st = build(&graph, c, data, start->table, o);
    if (st == TERN_OK) st = tern_train(model, graph, training, &o->train);
    tern_graph_free(graph);
    return st;
}

/* ---- training once ---- */

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

tern_status tern_text_train(tern_model **model, tern_context *c, const char *path,
                            const tern_text_train_options *options) {
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    tern_text_dataset *data = NULL, *held = NULL;
    tern_dataset *first = NULL, *second = NULL;
    tern__text_start start = {0};
    tern_train_result result, *wanted;
    if (options) o = *options;
    *model = NULL;
    tern_status st = tern__text_train_prepare(&o, c, path);
    if (st != TERN_OK) return st;
    if ((st = tern__text_start_open(&start, c, &o)) != TERN_OK) return st;
    if ((st = tern_text_dataset_open(&data, c, path, &o.data)) != TERN_OK) goto done;
    if ((st = check_tags(c, data, &o)) != TERN_OK) goto done;
    if ((st = tern__text_pipeline_check_data(c, data)) != TERN_OK) goto done;
    tern_dataset *training = tern_text_dataset_samples(data);
    o.train.validation = NULL;
    if (o.validate != 0) {
        st = tern_dataset_split(&first, &second, training, o.validate, o.train.seed);
        training = first;
        o.train.validation = second;
    } else if (o.validate_path) {
        st = open_validation(&held, c, data, &o);
        if (st == TERN_OK) o.train.validation = tern_text_dataset_samples(held);
    }
    if (st == TERN_OK) st = tern__text_start_from(&start, c, data, training, &o);
    if (st == TERN_OK && held)
        st = tern_text_dataset_use(held, tern_text_dataset_vocabulary(data));
    if (st != TERN_OK) goto done;
    wanted = o.train.result;
    o.train.result = &result;
    if ((st = tern__text_train_on(model, c, data, training, &start, &o)) != TERN_OK) goto done;
    if (wanted) *wanted = result;
    st = tern__text_pipeline_write(*model, c, data, o.data.subwords);
    if (st == TERN_OK)
        st = tern__metadata_set_training(
            *model, c, tern__metadata_network_of(o.init, o.network, tern_text_network_name),
            o.train.seed,
            tern__metadata_facts("texts", tern_dataset_count(training), &o.train, &result), path);
done:
    if (st != TERN_OK) {
        tern_model_free(*model);
        *model = NULL;
    }
    tern_dataset_free(second);
    tern_dataset_free(first);
    tern_text_dataset_free(held);
    tern_text_dataset_free(data);
    tern__text_start_free(&start, c);
    return st;
}
