/* tern audio evaluate: prints how often a model is right. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *data, *root, *file_column, *label_column, *fold_column, *folds;
    int64_t threads;
    bool no_header, json, errors, quiet;
} request;

static const cli_command command = {
    "tern audio evaluate", "MODEL --data DIR|CSV [OPTIONS]",
    "Classifies all sounds of a data set and prints accuracy, precision, recall and F1 of each "
    "label,\n"
    "and the confusion matrix.",
    "DIR and CSV are as for 'tern audio train'. With --json one object is printed: accuracy, n, "
    "macro_f1,\n"
    "per_class (label, support, precision, recall, f1), confusion (a row per true label)."};

static bool on_clip(void *user, const char *file, const char *truth, const tern_answer *answer,
                    size_t done, size_t count) {
    const request *r = user;
    if (r->errors && strcmp(truth, answer->label)) {
        cli_progress_clear();
        fprintf(r->json ? stderr : stdout, "%s: %s, taken for %s (%.1f %%)\n", file, truth,
                answer->label, 100 * (double)answer->score);
    }
    if (!r->quiet) cli_progress_count("clips", done, count);
    return !cli_stopped();
}

static int evaluate(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    tern_audio_dataset_options o = TERN_AUDIO_DATASET_OPTIONS_INIT;
    tern_confusion *confusion = NULL;
    const char **folds = NULL;
    o.root = r->root;
    o.file_column = r->file_column;
    o.label_column = r->label_column;
    o.no_header = r->no_header;
    o.fold_column = r->fold_column;
    if (r->folds && !(folds = cli_split(r->folds, &o.n_folds))) return EXIT_FAILED;
    o.folds = folds;
    cli_catch_interrupts();
    const tern_status st = tern_audio_evaluate(&confusion, session, r->data, &o, on_clip, user);
    cli_progress_clear();
    const int code = cli_print_confusion(c, session, st, confusion, r->json);
    tern_confusion_free(confusion);
    free(folds);
    return code;
}

int cli_audio_evaluate(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"data", 'd', CLI_TEXT, &r.data, "DIR|CSV", "the sounds", 0, 0},
        {"root", 0, CLI_TEXT, &r.root, "DIR", "where a CSV's files are (the CSV's own folder)", 0,
         0},
        {"file-column", 0, CLI_TEXT, &r.file_column, "NAME", "column of file names (filename)", 0,
         0},
        {"label-column", 0, CLI_TEXT, &r.label_column, "NAME", "column of labels (category)", 0, 0},
        {"no-header", 0, CLI_FLAG, &r.no_header, NULL,
         "a CSV has none: columns are numbers (file 1, label 2)", 0, 0},
        {"fold-column", 0, CLI_TEXT, &r.fold_column, "NAME",
         "column of folds (fold, if there is one)", 0, 0},
        {"folds", 0, CLI_TEXT, &r.folds, "A,B,...", "only these folds", 0, 0},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"errors", 0, CLI_FLAG, &r.errors, NULL, "a line for every clip taken for something else",
         0, 0},
        CLI_THREADS(&r.threads),
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "no progress", 0, 0},
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    const int code = cli_check_evaluation(
        &command, r.data, "a folder with a folder per label, or a CSV", argc - at, argv + at);
    return code == EXIT_OK ? cli_with_model(argv[at], r.threads, r.quiet, evaluate, &r) : code;
}
