/* tern text train and tern text cross-validate: their options, most of which they share. What
 * happens in training is training.c's. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *data, *validate, *text_column, *label_column, *vectors, *vector_use;
    const char *tokenizer, *widths, *optimizer;
    double dropout, word_dropout, max_norm, width;
    int64_t dimension, filters, max_length, min_count, max_words, vector_words;
    int64_t word_ngrams, buckets, line_limit, folds;
    bool keep_case, json, no_header;
    const cli_command *command;
    cli_training training;
    tern_text_train_options options;
} request;

static const cli_command train_command = {
    "tern text train", "--data FILE -o MODEL.onnx [OPTIONS]",
    "Trains a network that tells texts apart, and writes it as one .onnx file that holds all that is\n"
    "needed to use it.",
    "FILE is TSV (label TAB text; fastText's __label__x text; or a table), CSV with a header (.csv), or CoNLL (.conll: token TAB tag, a blank\n"
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
            code =
                cli_usage(command, "--widths takes up to %d whole numbers from 1 to 64, not '%s'",
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

static int fill(request *r, tern_context *c) {
    tern_text_train_options *o = &r->options;
    tern_text_options *t = &o->data.text;
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
    o->data.reader.no_header = r->no_header;
    o->data.reader.line_limit = (size_t)r->line_limit << 20;
    o->data.word_dropout = r->word_dropout;
    o->network = r->training.network;
    o->dimension = r->dimension;
    o->filters = r->filters;
    o->width = r->width;
    o->dropout = r->dropout;
    o->vectors = r->vectors;
    o->vector_words = r->vector_words;
    o->freeze_until = r->training.freeze_until;
    o->train.optimizer.max_norm = r->max_norm;
    fill_validate(o, r->validate);
    int code = r->widths ? fill_widths(o, r->command, r->widths) : EXIT_OK;
    if (code == EXIT_OK) code = fill_optimizer(o, r->command, r->optimizer);
    return code == EXIT_OK ? fill_vector_use(o, r->command, r->vector_use) : code;
}

/* ---- train ---- */

static tern_status train(void *user, tern_model **model, tern_context *c) {
    const request *r = user;
    return tern_text_train(model, c, r->data, &r->options);
}

static int work_train(void *user, tern_context *c) {
    request *r = user;
    const int code = fill(r, c);
    return code == EXIT_OK ? cli_train(&r->training, c, &r->options.train, train, r) : code;
}

/* ---- cross-validate ---- */

typedef struct folds {
    json_t *accuracies;
    double sum, squares;
    int count;
    bool quiet, json;
} folds;

static bool on_fold(void *user, int fold, int count, double accuracy, int64_t n) {
    folds *f = user;
    cli_progress_clear();
    tern__json_append(&f->accuracies, json_real(accuracy));
    f->sum += accuracy;
    f->count++;
    f->squares += accuracy * accuracy;
    if (!f->quiet)
        fprintf(f->json ? stderr : stdout, "fold %d of %d: %.2f %% of %lld texts\n", fold, count,
                100 * accuracy, (long long)n);
    fflush(stdout);
    return !cli_stopped();
}

static int print_folds(const folds *f, tern_context *c, const tern_confusion *confusion) {
    char *text = NULL;
    const double n = f->count, mean = f->sum / n;
    tern_status st = f->json ? tern_confusion_json(&text, confusion)
                             : tern_confusion_text(&text, confusion);
    if (st != TERN_OK) return cli_failed(c, st);
    int code = EXIT_OK;
    if (f->json) {
        json_t *all;
        st = tern__json_read(&all, c, "the confusion matrix", text, strlen(text));
        tern__json_set(&all, "folds", json_incref(f->accuracies));
        code = st == TERN_OK ? cli_print_json(all) : cli_failed(c, st);
    } else {
        printf("mean of %.0f folds: %.2f %%, standard deviation %.2f\n\n%s", n, 100 * mean,
               100 * sqrt(fmax(0, f->squares / n - mean * mean)), text);
    }
    tern_free(c, text);
    return code;
}

static int work_validate(void *user, tern_context *c) {
    request *r = user;
    tern_text_train_options *o = &r->options;
    tern_confusion *confusion = NULL;
    folds f = {.quiet = r->training.quiet, .json = r->json};
    const cli_training bar = {.unit = "texts", .quiet = true};
    int code = fill(r, c);
    if (code != EXIT_OK) return code;
    f.accuracies = json_array();
    o->train.on_progress = cli_progress_train; /* so that Ctrl-C is seen */
    o->train.user = (void *)(uintptr_t)&bar;
    cli_catch_interrupts();
    tern_status st = tern_text_cross_validate(&confusion, c, r->data,
                                              r->folds ? (int)r->folds : 10, o, on_fold, &f);
    code = st == TERN_OK ? print_folds(&f, c, confusion) : cli_failed(c, st);
    json_decref(f.accuracies);
    tern_confusion_free(confusion);
    return code;
}

/* ---- both ---- */

static int run(const cli_option *options, request *r, int argc, char **argv) {
    const bool trains = r->command == &train_command;
    int at = cli_parse(r->command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code =
        cli_check_data(r->command, r->data, "a file of labelled texts", argc - at, argv + at);
    if (code == EXIT_OK && trains)
        code = cli_check_model_name(r->command, r->training.output, ".tsv");
    if (code == EXIT_OK && trains) code = cli_check_output(r->training.output);
    if (code != EXIT_OK) return code;
    return cli_training_run(&r->training, &r->options.train, &r->options.init,
                            trains ? work_train : work_validate, r);
}

/* Rows of the tables of both commands. */
#define DATA_OPTIONS                                                                               \
    CLI_TITLE("data"),                                                                             \
    {"data", 'd', CLI_TEXT, &r.data, "FILE", "the texts", 0, 0},                                   \
    {"text-column", 0, CLI_TEXT, &r.text_column, "NAME", "of a CSV or TSV with a header (text)", 0, 0}, \
    {"label-column", 0, CLI_TEXT, &r.label_column, "NAME", "of a CSV or TSV with a header (label)", 0, 0}, \
    {"no-header", 0, CLI_FLAG, &r.no_header, NULL, "the table has none: columns are numbers (label 1,\ntext 2)", 0, 0}, \
    {"line-limit", 0, CLI_INT, &r.line_limit, "MB", "the longest line (1)", 1, 4096}
#define TEXT_OPTIONS                                                                               \
    CLI_TITLE("words"),                                                                            \
    {"tokenizer", 0, CLI_TEXT, &r.tokenizer, "NAME", "words, kim, spaces or characters (words)",   \
     0, 0},                                                                                        \
    {"keep-case", 0, CLI_FLAG, &r.keep_case, NULL, "do not fold capital letters", 0, 0},           \
    {"min-count", 0, CLI_INT, &r.min_count, "N", "rarer words are unknown (1)", 1, 1e9},           \
    {"max-words", 0, CLI_INT, &r.max_words, "N", "size of the vocabulary", 1, 5e6},                \
    {"max-length", 0, CLI_INT, &r.max_length, "N", "words of a text that are read (all)", 1, 1e6}, \
    {"word-ngrams", 0, CLI_INT, &r.word_ngrams, "N", "ngrams: runs of up to N words (2)", 1, 5},   \
    {"buckets", 0, CLI_INT, &r.buckets, "N", "rows for hashed runs of words", 1, 1e8},             \
    {"vectors", 0, CLI_TEXT, &r.vectors, "FILE", "word vectors to start from", 0, 0},              \
    {"vector-words", 0, CLI_INT, &r.vector_words, "N", "so many words of them that the texts lack\n(20000; -1: none)", -1, 5e6}, \
    {"vector-use", 0, CLI_TEXT, &r.vector_use, "NAME", "tuned, static or both (tuned)", 0, 0}
#define NETWORK_OPTIONS                                                                            \
    CLI_NETWORK_OPTION(r.training, networks),                                                      \
    {"dimension", 0, CLI_INT, &r.dimension, "N", "numbers per word (the network's own)", 1, 4096}, \
    {"widths", 0, CLI_TEXT, &r.widths, "A,B,...", "textcnn: words that filters see (3,4,5)", 0, 0}, \
    {"filters", 0, CLI_INT, &r.filters, "N", "textcnn: of each width (100)", 1, 65536},            \
    {"width", 0, CLI_REAL, &r.width, "X", "other networks: layers times this (1)", 0.05, 16},      \
    {"dropout", 0, CLI_REAL, &r.dropout, "P", "before the last layer", 0, 0.99},                   \
    {"word-dropout", 0, CLI_REAL, &r.word_dropout, "P", "share of words made unknown", 0, 1},      \
    CLI_STEP_OPTIONS(r.training, "passes over the data (by their number)", "texts a step"),        \
    {"optimizer", 0, CLI_TEXT, &r.optimizer, "NAME", "adadelta, adamw, adam, sgd or rmsprop", 0,   \
     0},                                                                                           \
    CLI_RATE_OPTIONS(r.training, ""),                                                              \
    {"max-norm", 0, CLI_REAL, &r.max_norm, "X", "of each row of the last layer", 1e-6, 1e6},       \
    CLI_SMOOTHING_OPTION(r.training),                                                              \
    CLI_RUN_OPTIONS(r.training)

int cli_text_train(int argc, char **argv) {
    request r = {.command = &train_command, .training = {.unit = "texts"},
                 .options = TERN_TEXT_TRAIN_OPTIONS_INIT};
    char networks[CLI_NETWORKS_TEXT];
    cli_list_networks(networks, tern_text_network_name, tern_text_network_summary);
    const cli_option options[] = {
        DATA_OPTIONS,
        {"validate", 0, CLI_TEXT, &r.validate, "FILE|SHARE", "validate on a file, or on a share such as 0.1. Without\nvalidation the last weights are kept.", 0, 0},
        TEXT_OPTIONS,
        NETWORK_OPTIONS,
        CLI_INIT_OPTIONS(r.training, ", with a new last layer"),
        CLI_FILE_OPTIONS(r.training),
        CLI_END};
    return run(options, &r, argc, argv);
}

int cli_text_cross_validate(int argc, char **argv) {
    request r = {.command = &validate_command, .training = {.unit = "texts"},
                 .options = TERN_TEXT_TRAIN_OPTIONS_INIT};
    char networks[CLI_NETWORKS_TEXT];
    cli_list_networks(networks, tern_text_network_name, tern_text_network_summary);
    const cli_option options[] = {
        DATA_OPTIONS,
        {"folds", 'k', CLI_INT, &r.folds, "K", "(10)", 2, 1000},
        {"validate", 0, CLI_TEXT, &r.validate, "SHARE", "of the texts to train on, to stop early by", 0, 0},
        TEXT_OPTIONS,
        NETWORK_OPTIONS,
        CLI_TITLE("output"),
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &r.training.quiet, NULL, "no line for each fold", 0, 0},
        CLI_END};
    return run(options, &r, argc, argv);
}
