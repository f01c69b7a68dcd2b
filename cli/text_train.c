/* tern text train and tern text cross-validate: their options, most of which they share. What
 * happens in training is training.c's. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *data, *validate, *text_column, *label_column, *vectors, *vector_use, *network;
    const char *tokenizer, *widths, *optimizer, *output, *log, *checkpoint;
    double validate_share, learning_rate, weight_decay, dropout, word_dropout, max_norm, smoothing;
    double width;
    int64_t epochs, batch, seed, threads, patience, dimension, filters, max_length, min_count;
    int64_t max_words, vector_words, word_ngrams, buckets, line_limit, folds;
    const char *init, *freeze_until;
    bool resume, quiet, keep_case, json;
} request;

static const cli_command train_command = {
    "tern text train", "--data FILE -o MODEL.onnx [OPTIONS]",
    "Trains a network that tells texts apart, and writes it as one .onnx file that holds all that is\n"
    "needed to use it.",
    "FILE is TSV (label TAB text), CSV with a header (.csv), or CoNLL (.conll: token TAB tag, a blank\n"
    "line after each sentence), which trains a tagger; any of them gzipped; - is standard input. UTF-8.\n"
    "Beside MODEL.onnx a log MODEL.jsonl (one JSON object an epoch) and, until training is done, the\n"
    "checkpoint MODEL.ckpt are written. Ctrl-C saves the checkpoint; the same command with --resume\n"
    "goes on from there and ends with the same weights as if it had never stopped.\n"
    "\n"
    "examples:\n"
    "  tern text train --data reviews.tsv --validate 0.1 -o reviews.onnx\n"
    "  tern text train --data news.csv --text-column body --label-column topic -o news.onnx"};

static const cli_command validate_command = {
    "tern text cross-validate", "--data FILE [--folds K] [OPTIONS]",
    "Cuts the texts into folds, trains K times without one of them and measures on that one.",
    "FILE is as for 'tern text train'. Equal texts are in one fold. Prints the accuracy of each fold and\n"
    "that of all texts with the confusion matrix; with --json one object: folds (the accuracies),\n"
    "accuracy, n, macro_f1, per_class, confusion."};

/* ---- from options to the library's ---- */

static int fill_widths(tern_text_train_options *o, const cli_command *command, const char *text) {
    size_t count;
    const char **parts = cli_split(text, &count);
    int code = parts ? EXIT_OK : EXIT_FAILED;
    for (size_t i = 0; code == EXIT_OK && i < count; i++) {
        char *end;
        long width = strtol(parts[i], &end, 10);
        if (end == parts[i] || *end || width < 1 || width > 64 || count > TERN_TEXT_MAX_WIDTHS)
            code = cli_usage(command, "--widths takes up to %d whole numbers from 1 to 64, not '%s'",
                             TERN_TEXT_MAX_WIDTHS, text);
        else o->widths[i] = width;
    }
    free(parts);
    return code;
}

static int fill_vector_use(tern_text_train_options *o, const cli_command *command,
                           const char *name) {
    static const char *const names[] = {"tuned", "static", "both"};
    for (int i = 0; name && i < 3; i++)
        if (!strcmp(name, names[i])) {
            o->channels = (tern_text_channels)i;
            return EXIT_OK;
        }
    if (!name) return EXIT_OK;
    return cli_usage(command, "--vector-use is tuned, static or both, not '%s'", name);
}

static int fill_optimizer(tern_text_train_options *o, const cli_command *command,
                          const char *name) {
    static const char *const names[] = {"adamw", "adam", "sgd", "rmsprop", "adadelta"};
    static const double rates[] = {1e-3, 1e-3, 1e-2, 1e-2, 1};
    for (int i = 0; name && i < 5; i++)
        if (!strcmp(name, names[i])) {
            o->train.optimizer.kind = (tern_optimizer_kind)i;
            if (o->train.optimizer.learning_rate == 0) o->train.optimizer.learning_rate = rates[i];
            return EXIT_OK;
        }
    if (!name) return EXIT_OK;
    return cli_usage(command, "--optimizer is adamw, adam, sgd, rmsprop or adadelta, not '%s'",
                     name);
}

/* --validate takes a file or a share. */
static void fill_validate(tern_text_train_options *o, const char *text) {
    char *end;
    double share = text ? strtod(text, &end) : 0;
    if (text && end != text && !*end && share > 0 && share < 1) o->validate = share;
    else o->validate_path = text;
}

static int fill(tern_text_train_options *o, const cli_command *command, const request *r,
                tern_context *c) {
    tern_text_options *t = &o->data.text;
    tern_train_options *train = &o->train;
    if (r->tokenizer) {
        tern_status st = tern_tokenizer_parse(&t->tokenizer, c, r->tokenizer);
        if (st != TERN_OK) return cli_failed(c, st);
    }
    t->lower = !r->keep_case;
    t->max_length = (int)r->max_length;
    if (r->min_count) t->min_count = (int)r->min_count;
    t->max_words = (int)r->max_words;
    if (r->word_ngrams) t->word_ngrams = (int)r->word_ngrams;
    if (r->buckets) t->buckets = (int)r->buckets;
    o->data.reader.text_column = r->text_column;
    o->data.reader.label_column = r->label_column;
    o->data.reader.line_limit = (size_t)r->line_limit << 20;
    o->data.word_dropout = r->word_dropout;
    o->network = r->network;
    o->dimension = r->dimension;
    o->filters = r->filters;
    o->width = r->width;
    o->dropout = r->dropout;
    o->vectors = r->vectors;
    o->vector_words = r->vector_words;
    train->epochs = (int)r->epochs;
    train->batch = r->batch;
    train->seed = (uint64_t)r->seed;
    train->patience = (int)r->patience;
    train->optimizer.learning_rate = r->learning_rate;
    train->optimizer.weight_decay = r->weight_decay;
    train->optimizer.max_norm = r->max_norm;
    train->loss.label_smoothing = r->smoothing;
    fill_validate(o, r->validate);
    int code = r->widths ? fill_widths(o, command, r->widths) : EXIT_OK;
    if (code == EXIT_OK) code = fill_optimizer(o, command, r->optimizer);
    return code == EXIT_OK ? fill_vector_use(o, command, r->vector_use) : code;
}

/* ---- train ---- */

static int check(const cli_command *command, const request *r, int operands, char **argv) {
    size_t n = r->output ? strlen(r->output) : 0;
    if (operands)
        return cli_usage(command, "'%s' is not understood%s", argv[0],
                         r->data ? "" : "; data are named with --data");
    if (!r->data) return cli_usage(command, "--data is missing: a file of labelled texts");
    if (command != &train_command) return EXIT_OK;
    if (!r->output) return cli_usage(command, "-o is missing: where the model is to be written");
    if (n > 4 && (!strcmp(r->output + n - 4, ".csv") || !strcmp(r->output + n - 4, ".tsv")))
        return cli_usage(command, "-o %s: that is the name of data; a model is called MODEL.onnx",
                         r->output);
    return cli_check_output(r->output);
}

typedef struct call {
    const char *data;
    tern_text_train_options *options;
} call;

static tern_status train(void *user, tern_model **model, tern_context *c) {
    const call *k = user;
    return tern_text_train(model, c, k->data, k->options);
}

/* ---- cross-validate ---- */

typedef struct folds {
    json_t *accuracies;
    double sum, squares;
    bool quiet, json;
} folds;

static bool on_fold(void *user, int fold, int count, double accuracy, int64_t n) {
    folds *f = user;
    cli_progress_clear();
    json_array_append_new(f->accuracies, json_real(accuracy));
    f->sum += accuracy;
    f->squares += accuracy * accuracy;
    if (!f->quiet)
        fprintf(f->json ? stderr : stdout, "fold %d of %d: %.2f %% of %lld texts\n", fold, count,
                100 * accuracy, (long long)n);
    fflush(stdout);
    return !cli_stopped();
}

static int print_folds(const folds *f, tern_context *c, const tern_confusion *confusion) {
    char *text = NULL;
    const double n = (double)json_array_size(f->accuracies), mean = f->sum / n;
    tern_status st = f->json ? tern_confusion_json(&text, confusion)
                             : tern_confusion_text(&text, confusion);
    if (st != TERN_OK) return cli_failed(c, st);
    int code = EXIT_OK;
    if (f->json) {
        json_t *all = json_loads(text, 0, NULL);
        json_object_set(all, "folds", f->accuracies);
        code = cli_print_json(all);
    } else {
        printf("mean of %.0f folds: %.2f %%, standard deviation %.2f\n\n%s", n, 100 * mean,
               100 * sqrt(fmax(0, f->squares / n - mean * mean)), text);
    }
    tern_free(c, text);
    return code;
}

static int cross_validate(const request *r, tern_context *c, tern_text_train_options *o) {
    tern_confusion *confusion = NULL;
    folds f = {.accuracies = json_array(), .quiet = r->quiet, .json = r->json};
    const cli_training bar = {.unit = "texts", .quiet = true};
    o->train.on_progress = cli_progress_train; /* so that Ctrl-C is seen */
    o->train.user = (void *)(uintptr_t)&bar;
    cli_catch_interrupts();
    tern_status st = tern_text_cross_validate(&confusion, c, r->data,
                                              r->folds ? (int)r->folds : 10, o, on_fold, &f);
    int code = st == TERN_OK ? print_folds(&f, c, confusion) : cli_failed(c, st);
    json_decref(f.accuracies);
    tern_confusion_free(confusion);
    return code;
}

/* ---- both ---- */

static int run(const cli_command *command, const cli_option *options, request *r, int argc,
               char **argv) {
    int at = cli_parse(command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(command, r, argc - at, argv + at);
    if (code != EXIT_OK) return code;
    tern_context *c = NULL;
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    tern_status st = cli_context(&c, r->threads, &r->quiet);
    tern_model *init = NULL;
    if (st == TERN_OK && r->init) st = tern_model_load(&init, c, r->init);
    o.init = init;
    o.freeze_until = r->freeze_until;
    if (st != TERN_OK) code = cli_failed(c, st);
    else code = fill(&o, command, r, c);
    const cli_training files = {r->output, r->checkpoint, r->log, "texts", r->resume, r->quiet};
    if (code == EXIT_OK)
        code = command == &train_command
                   ? cli_train(&files, c, &o.train, train, &(call){r->data, &o})
                   : cross_validate(r, c, &o);
    tern_model_free(init);
    tern_context_free(c);
    return code;
}

static void list_networks(char *text, size_t size) {
    *text = 0;
    for (size_t i = 0; tern_text_network_name(i); i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%s: %s", i ? "\n" : "",
                 tern_text_network_name(i), tern_text_network_summary(i));
}

/* Rows of the tables of both commands. */
#define DATA_OPTIONS                                                                               \
    CLI_TITLE("data"),                                        \
    {"data", 'd', CLI_TEXT, &r.data, "FILE", "the texts", 0, 0},                             \
    {"text-column", 0, CLI_TEXT, &r.text_column, "NAME", "of a CSV (text)", 0, 0},           \
    {"label-column", 0, CLI_TEXT, &r.label_column, "NAME", "of a CSV (label)", 0, 0},        \
    {"line-limit", 0, CLI_INT, &r.line_limit, "MB", "the longest line (1)", 1, 4096}
#define TEXT_OPTIONS                                                                               \
    CLI_TITLE("words"),                                       \
    {"tokenizer", 0, CLI_TEXT, &r.tokenizer, "NAME", "words, kim, spaces or characters (words)",   \
     0, 0},                                                                                  \
    {"keep-case", 0, CLI_FLAG, &r.keep_case, NULL, "do not fold capital letters", 0, 0},     \
    {"min-count", 0, CLI_INT, &r.min_count, "N", "rarer words are unknown (1)", 1, 1e9},     \
    {"max-words", 0, CLI_INT, &r.max_words, "N", "size of the vocabulary", 1, 5e6},          \
    {"max-length", 0, CLI_INT, &r.max_length, "N", "words of a text that are read (all)", 1, 1e6},                                                                                        \
    {"word-ngrams", 0, CLI_INT, &r.word_ngrams, "N", "ngrams: runs of up to N words (2)", 1, 5},                                                                                        \
    {"buckets", 0, CLI_INT, &r.buckets, "N", "rows for hashed runs of words", 1, 1e8},       \
    {"vectors", 0, CLI_TEXT, &r.vectors, "FILE", "word vectors to start from", 0, 0},        \
    {"vector-words", 0, CLI_INT, &r.vector_words, "N", "so many words of them that the texts lack\n(20000; -1: none)", -1, 5e6}, \
    {"vector-use", 0, CLI_TEXT, &r.vector_use, "NAME", "tuned, static or both (tuned)", 0, 0}
#define NETWORK_OPTIONS                                                                            \
    CLI_TITLE("network and training"),                        \
    {"network", 'n', CLI_TEXT, &r.network, "NAME", networks, 0, 0},                          \
    {"dimension", 0, CLI_INT, &r.dimension, "N", "numbers per word (the network's own)", 1, 4096},                                                                                        \
    {"widths", 0, CLI_TEXT, &r.widths, "A,B,...", "textcnn: words that filters see (3,4,5)", 0, 0},                                                                                        \
    {"filters", 0, CLI_INT, &r.filters, "N", "textcnn: of each width (100)", 1, 65536},      \
    {"width", 0, CLI_REAL, &r.width, "X", "other networks: layers times this (1)", 0.05, 16},                                                                                        \
    {"dropout", 0, CLI_REAL, &r.dropout, "P", "before the last layer", 0, 0.99},             \
    {"word-dropout", 0, CLI_REAL, &r.word_dropout, "P", "share of words made unknown", 0, 1},                                                                                        \
    {"epochs", 'e', CLI_INT, &r.epochs, "N", "passes over the data (by their number)", 1, 100000},                                                                                        \
    {"batch", 'b', CLI_INT, &r.batch, "N", "texts a step", 1, 65536},                        \
    {"optimizer", 0, CLI_TEXT, &r.optimizer, "NAME", "adadelta, adamw, adam, sgd or rmsprop", 0,   \
     0},                                                                                     \
    {"lr", 0, CLI_REAL, &r.learning_rate, "X", "the highest learning rate", 1e-9, 100},      \
    {"weight-decay", 0, CLI_REAL, &r.weight_decay, "X", "", 0, 10},                          \
    {"max-norm", 0, CLI_REAL, &r.max_norm, "X", "of each row of the last layer", 1e-6, 1e6}, \
    {"label-smoothing", 0, CLI_REAL, &r.smoothing, "X", "", 0, 0.99},                        \
    {"patience", 0, CLI_INT, &r.patience, "N", "stop after N epochs without a better validation",  \
     1, 100000},                                                                             \
    {"seed", 's', CLI_INT, &r.seed, "N", "of all random numbers (0)", 0, 9e18},              \
    {"threads", 't', CLI_INT, &r.threads, "N", "the result does not depend on it (all processors)", \
     1, 256}

int cli_text_train(int argc, char **argv) {
    request r = {0};
    char networks[600];
    list_networks(networks, sizeof networks);
    const cli_option options[] = {
        DATA_OPTIONS,
        {"validate", 0, CLI_TEXT, &r.validate, "FILE|SHARE", "validate on a file, or on a share such as 0.1. Without\nvalidation the last weights are kept.", 0, 0},
        TEXT_OPTIONS,
        NETWORK_OPTIONS,
        {"init", 0, CLI_TEXT, &r.init, "MODEL", "go on from a trained model, with a new last layer", 0, 0},
        {"freeze-until", 0, CLI_TEXT, &r.freeze_until, "NODE", "with --init: train only what comes after this node;\nall-but-last: only the new layer", 0, 0},
        CLI_TITLE("files"),
        {"output", 'o', CLI_TEXT, &r.output, "FILE", "the model", 0, 0},
        {"resume", 0, CLI_FLAG, &r.resume, NULL, "go on from the checkpoint", 0, 0},
        {"checkpoint", 0, CLI_TEXT, &r.checkpoint, "FILE", "(MODEL.ckpt; removed when training is done)", 0, 0},
        {"log", 0, CLI_TEXT, &r.log, "FILE", "(MODEL.jsonl)", 0, 0},
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "no progress; warnings and errors only", 0, 0},
        CLI_END};
    return run(&train_command, options, &r, argc, argv);
}

int cli_text_cross_validate(int argc, char **argv) {
    request r = {0};
    char networks[600];
    list_networks(networks, sizeof networks);
    const cli_option options[] = {
        DATA_OPTIONS,
        {"folds", 'k', CLI_INT, &r.folds, "K", "(10)", 2, 1000},
        {"validate", 0, CLI_TEXT, &r.validate, "SHARE", "of the texts to train on, to stop early by", 0, 0},
        TEXT_OPTIONS,
        NETWORK_OPTIONS,
        CLI_TITLE("output"),
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "no line for each fold", 0, 0},
        CLI_END};
    return run(&validate_command, options, &r, argc, argv);
}
