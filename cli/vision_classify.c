/* tern vision classify and evaluate-classifier: prints what pictures show, and how often that is
 * right. */
#include "cli.h"

#include <stdio.h>

static const cli_command classify_command = {
    "tern vision classify", "MODEL IMAGE... [--top K] [--json]",
    "Says what each picture shows: PNG, JPEG or PNM, of any size.",
    "IMAGE - is standard input. With --json each picture gives one line:\n"
    "  "
    "{\"file\":\"x.png\",\"label\":\"cat\",\"score\":0.97,\"top\":[{\"label\":\"cat\",\"score\":0."
    "97},...]}\n"
    "A file that cannot be read gives a sentence on stderr; the others are still classified, and "
    "the\n"
    "exit code is that of the first failure."};

static int check(int operands, char **argv) {
    (void)argv;
    if (operands >= 2) return EXIT_OK;
    return cli_usage(&classify_command,
                     "a model and at least one picture are needed ('-': standard input)");
}

int cli_vision_classify(int argc, char **argv) {
    return cli_classify_command(&classify_command, check, tern_vision_classify_file, argc, argv);
}

/* ---- evaluate-classifier ---- */

typedef struct request {
    const char *data, *picture;
    int64_t threads;
    bool json, errors, quiet;
} request;

static const cli_command evaluate_command = {
    "tern vision evaluate-classifier", "MODEL --data DIR|IDX [OPTIONS]",
    "Classifies all pictures of a data set and prints accuracy, precision, recall and F1 of each "
    "label,\n"
    "and the confusion matrix.",
    "DIR and IDX are as for 'tern vision train-classifier', but of several sets of idx files in "
    "DIR the one is\n"
    "taken that is not named train-... With --json one object is printed: accuracy, n, macro_f1, "
    "per_class\n"
    "(label, support, precision, recall, f1), confusion (a row per true label)."};

static bool on_mistake(void *user, const char *file, const char *truth, const char *taken_for) {
    const request *r = user;
    fprintf(r->json ? stderr : stdout, "%s: %s, taken for %s\n", file, truth, taken_for);
    return !cli_stopped();
}

static int draw(const request *r, tern_context *c, tern_session *session,
                const tern_confusion *confusion) {
    tern_vision_classifier_info info;
    tern_status st = tern_vision_classifier_describe(&info, session);
    if (st != TERN_OK) return cli_session_failed(session, st);
    st = tern_confusion_picture(confusion, c, r->picture, info.n_labels, info.labels);
    return st == TERN_OK ? EXIT_OK : cli_failed(c, st);
}

static int evaluate(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    tern_confusion *confusion = NULL;
    cli_catch_interrupts();
    const tern_status st = tern_vision_classifier_evaluate(&confusion, session, r->data, NULL,
                                                           r->errors ? on_mistake : NULL, user);
    int code = cli_print_confusion(c, session, st, confusion, r->json);
    if (code == EXIT_OK && r->picture) code = draw(r, c, session, confusion);
    tern_confusion_free(confusion);
    return code;
}

int cli_vision_evaluate_classifier(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"data", 'd', CLI_TEXT, &r.data, "DIR|IDX", "the pictures", 0, 0},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"confusion", 0, CLI_TEXT, &r.picture, "FILE.png",
         "write the confusion matrix as a picture", 0, 0},
        {"errors", 0, CLI_FLAG, &r.errors, NULL,
         "a line for every picture taken for something else", 0, 0},
        CLI_THREADS(&r.threads),
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "warnings and errors only", 0, 0},
        CLI_END};
    int at = cli_parse(&evaluate_command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&evaluate_command, "the model is missing");
    const int code =
        cli_check_data(&evaluate_command, r.data, "a folder with a folder per label, or idx files",
                       argc - at - 1, argv + at + 1);
    return code == EXIT_OK ? cli_with_model(argv[at], r.threads, r.quiet, evaluate, &r) : code;
}
