/* tern text train and tern text cross-validate: their options, most of which they share. What
 * happens in training is training.c's. */
#include "cli.h"
#include "text/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *data, *validate, *widths, *optimizer;
    int64_t folds;
    bool keep_case, json;
    const cli_command *command;
    cli_training training;
    tern_text_train_options options;
} request;

static const cli_command train_command = {
    "tern text train", "--data FILE -o MODEL.onnx [OPTIONS]",
    "Trains a network that tells texts apart, and writes it as one .onnx file that holds all that "
    "is\n"
    "needed to use it.",
    "FILE is TSV (label TAB text), CSV with a header (.csv), or CoNLL (.conll: token TAB tag, a "
    "blank\n"
    "line after each sentence), which trains a tagger; any of them gzipped; - is standard input. "
    "UTF-8.\n"
    "Beside MODEL.onnx a log MODEL.jsonl (one JSON object an epoch) and, until training is done, "
    "the\n"
    "checkpoint MODEL.ckpt are written. Ctrl-C saves the checkpoint; the same command with "
    "--resume\n"
    "goes on from there and ends with the same weights as if it had never stopped.\n"
    "\n"
    "examples:\n"
    "  tern text train --data reviews.tsv --validate 0.1 -o reviews.onnx\n"
    "  tern text train --data news.csv --text-column body --label-column topic -o news.onnx"};

static const cli_command validate_command = {
    "tern text cross-validate", "--data FILE [--folds K] [OPTIONS]",
    "Cuts the texts into folds, trains K times without one of them and measures on that one.",
    "FILE is as for 'tern text train'. Equal texts are in one fold. Prints the accuracy of each "
    "fold and\n"
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
        else
            o->widths[i] = width;
    }
    free(parts);
    return code;
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
    if (text && end != text && !*end && share > 0 && share < 1)
        o->validate = share;
    else
        o->validate_path = text;
}

static int fill(request *r) {
    tern_text_train_options *o = &r->options;
    o->data.text.lower = !r->keep_case;
    fill_validate(o, r->validate);
    const int code = r->widths ? fill_widths(o, r->command, r->widths) : EXIT_OK;
    return code == EXIT_OK ? fill_optimizer(o, r->command, r->optimizer) : code;
}

/* ---- train ---- */

static tern_status train(void *user, tern_model **model, tern_context *c) {
    const request *r = user;
    return tern_text_train(model, c, r->data, &r->options);
}

static int work_train(void *user, tern_context *c) {
    request *r = user;
    const int code = fill(r);
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
    tern_status st =
        f->json ? tern_confusion_json(&text, confusion) : tern_confusion_text(&text, confusion);
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
    int code = fill(r);
    if (code != EXIT_OK) return code;
    f.accuracies = json_array();
    o->train.on_progress = cli_progress_train; /* so that Ctrl-C is seen */
    o->train.user = (void *)(uintptr_t)&bar;
    cli_catch_interrupts();
    tern_status st = tern_text_cross_validate(&confusion, c, r->data, r->folds ? (int)r->folds : 10,
                                              o, on_fold, &f);
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
    return cli_training_run(&r->training, &r->options.init, trains ? work_train : work_validate, r);
}

/* Rows of the tables of both commands. */
#define TEXT_ROW(name) CLI_ROW(tern__text_options, &r.options.data.text, name)
#define ROWS(from, to) CLI_ROWS(tern__text_training, &r.options, from, to)
#define DATA_OPTIONS                                                                               \
    CLI_TITLE("data"), {"data", 'd', CLI_TEXT, &r.data, "FILE", "the texts", 0, 0},                \
        ROWS("text-column", "line-limit")
#define TEXT_OPTIONS                                                                               \
    CLI_TITLE("words"), TEXT_ROW("tokenizer"),                                                     \
        {"keep-case", 0, CLI_FLAG, &r.keep_case, NULL, "do not fold capital letters", 0, 0},       \
        TEXT_ROW("min-count"), TEXT_ROW("max-words"), TEXT_ROW("max-length"),                      \
        TEXT_ROW("word-ngrams"), TEXT_ROW("buckets"), ROWS("vectors", "vector-use")
#define NETWORK_OPTIONS                                                                            \
    CLI_TITLE("network and training"),                                                             \
        CLI_ROW_SAYS(tern__text_training, &r.options, "network", networks),                        \
        ROWS("dimension", "dimension"),                                                            \
        {"widths", 0, CLI_TEXT, &r.widths, "A,B,...", "textcnn: words that filters see (3,4,5)",   \
         0,        0},                                                                             \
        ROWS("filters", "batch"),                                                                  \
        {"optimizer", 0, CLI_TEXT, &r.optimizer, "NAME", "adadelta, adamw, adam, sgd or rmsprop",  \
         0,           0},                                                                          \
        ROWS("lr", "seed"), CLI_TRAINING_THREADS(r.training)

int cli_text_train(int argc, char **argv) {
    request r = {.command = &train_command,
                 .training = {.unit = "texts"},
                 .options = TERN_TEXT_TRAIN_OPTIONS_INIT};
    char networks[CLI_NETWORKS_TEXT];
    cli_list_networks(networks, tern_text_network_name, tern_text_network_summary);
    const cli_option options[] = {DATA_OPTIONS,
                                  {"validate", 0, CLI_TEXT, &r.validate, "FILE|SHARE",
                                   "validate on a file, or on a share such as 0.1. "
                                   "Without\nvalidation the last weights are kept.",
                                   0, 0},
                                  TEXT_OPTIONS,
                                  NETWORK_OPTIONS,
                                  CLI_INIT_OPTION(r.training, ", with a new last layer"),
                                  ROWS("freeze-until", "freeze-until"),
                                  CLI_FILE_OPTIONS(r.training),
                                  CLI_END};
    return run(options, &r, argc, argv);
}

int cli_text_cross_validate(int argc, char **argv) {
    request r = {.command = &validate_command,
                 .training = {.unit = "texts"},
                 .options = TERN_TEXT_TRAIN_OPTIONS_INIT};
    char networks[CLI_NETWORKS_TEXT];
    cli_list_networks(networks, tern_text_network_name, tern_text_network_summary);
    const cli_option options[] = {
        DATA_OPTIONS,
        {"folds", 'k', CLI_INT, &r.folds, "K", "(10)", 2, 1000},
        {"validate", 0, CLI_TEXT, &r.validate, "SHARE",
         "of the texts to train on, to stop early by", 0, 0},
        TEXT_OPTIONS,
        NETWORK_OPTIONS,
        CLI_TITLE("output"),
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"quiet", 'q', CLI_FLAG, &r.training.quiet, NULL, "no line for each fold", 0, 0},
        CLI_END};
    return run(options, &r, argc, argv);
}
