/* tern vision classify and evaluate-classifier: prints what pictures show, and how often that is right. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *data, *picture;
    int64_t top, threads;
    bool json, errors, quiet;
} request;

static const cli_command classify_command = {
    "tern vision classify", "MODEL IMAGE... [--top K] [--json]",
    "Says what each picture shows: PNG, JPEG or PNM, of any size.",
    "IMAGE - is standard input. With --json each picture gives one line:\n"
    "  {\"file\":\"x.png\",\"label\":\"cat\",\"score\":0.97,\"top\":[{\"label\":\"cat\",\"score\":0.97},...]}\n"
    "A file that cannot be read gives a sentence on stderr; the others are still classified, and the\n"
    "exit code is that of the first failure."};

static const cli_command evaluate_command = {
    "tern vision evaluate-classifier", "MODEL --data DIR|IDX [OPTIONS]",
    "Classifies all pictures of a data set and prints accuracy, precision, recall and F1 of each label,\n"
    "and the confusion matrix.",
    "DIR and IDX are as for 'tern vision train-classifier', but of several sets of idx files in DIR the one is\n"
    "taken that is not named train-... With --json one object is printed: accuracy, n, macro_f1, per_class\n"
    "(label, support, precision, recall, f1), confusion (a row per true label)."};

static int print_json(const char *file, const tern_answer *a, size_t top) {
    json_t *list = json_array();
    for (size_t i = 0; i < top; i++)
        json_array_append_new(list, json_pack("{s:o, s:f}", "label", cli_json_text(a->top[i].label), "score",
                                              (double)a->top[i].score));
    return cli_print_json(json_pack("{s:o, s:o, s:f, s:o}", "file", cli_json_text(file), "label",
                                    cli_json_text(a->label), "score", (double)a->score, "top", list));
}

static int classify(const request *r, tern_session *session, char **files, int count) {
    int code = EXIT_OK;
    for (int i = 0; i < count; i++) {
        tern_answer answer;
        tern_status st = tern_vision_classify_file(session, files[i], &answer);
        if (st != TERN_OK) {
            cli_complain("%s", tern_session_message(session));
            if (code == EXIT_OK) code = cli_exit_code(st);
            continue;
        }
        const size_t top = (size_t)r->top < answer.count ? (size_t)r->top : answer.count;
        if (r->json) {
            const int printed = print_json(files[i], &answer, top);
            if (printed != EXIT_OK) return printed;
            continue;
        }
        printf("%s: ", files[i]);
        for (size_t k = 0; k < top; k++)
            printf("%s%s %.1f %%", k ? ", " : "", answer.top[k].label, 100 * (double)answer.top[k].score);
        printf("\n");
    }
    return code;
}

static bool on_mistake(void *user, const char *file, const char *truth, const char *taken_for) {
    const request *r = user;
    fprintf(r->json ? stderr : stdout, "%s: %s, taken for %s\n", file, truth, taken_for);
    return !cli_stopped();
}

static int evaluate(const request *r, tern_context *c, tern_session *session) {
    tern_confusion *confusion = NULL;
    tern_vision_classifier_info info;
    char *text = NULL;
    cli_catch_interrupts();
    tern_status st = tern_vision_classifier_evaluate(&confusion, session, r->data, NULL,
                                                     r->errors ? on_mistake : NULL, (void *)(uintptr_t)r);
    if (st == TERN_OK) st = r->json ? tern_confusion_json(&text, confusion) : tern_confusion_text(&text, confusion);
    if (st == TERN_OK) printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
    if (st == TERN_OK && r->picture && (st = tern_vision_classifier_describe(&info, session)) == TERN_OK &&
        (st = tern_confusion_picture(confusion, c, r->picture, info.n_labels, info.labels)) != TERN_OK)
        cli_complain("%s", tern_context_message(c));
    else if (st != TERN_OK)
        cli_complain("%s", tern_session_message(session));
    tern_free(c, text);
    tern_confusion_free(confusion);
    return cli_exit_code(st);
}

/* Loads the model and does `work` with a session of it. */
static int with_session(const request *r, const char *path, bool classifies, char **files, int count) {
    tern_context *c = NULL;
    tern_model *model = NULL;
    tern_session *session = NULL;
    int code;
    tern_status st = cli_context(&c, r->threads, &r->quiet);
    if (st == TERN_OK) st = tern_model_load(&model, c, path);
    if (st == TERN_OK) st = tern_session_create(&session, model);
    if (st != TERN_OK) code = cli_failed(c, st);
    else code = classifies ? classify(r, session, files, count) : evaluate(r, c, session);
    tern_session_free(session);
    tern_model_free(model);
    tern_context_free(c);
    return code;
}

int cli_vision_classify(int argc, char **argv) {
    request r = {.top = 1, .quiet = true};
    const cli_option options[] = {
        {"top", 'k', CLI_INT, &r.top, "K", "so many labels, the most probable first (1)", 1, 65536},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object a line", 0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&classify_command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 2)
        return cli_usage(&classify_command, "a model and at least one picture are needed ('-': standard input)");
    return with_session(&r, argv[at], true, argv + at + 1, argc - at - 1);
}

int cli_vision_evaluate_classifier(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"data", 'd', CLI_TEXT, &r.data, "DIR|IDX", "the pictures", 0, 0},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"confusion", 0, CLI_TEXT, &r.picture, "FILE.png", "write the confusion matrix as a picture", 0, 0},
        {"errors", 0, CLI_FLAG, &r.errors, NULL, "a line for every picture taken for something else", 0, 0},
        CLI_THREADS(&r.threads),
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "warnings and errors only", 0, 0},
        CLI_END};
    int at = cli_parse(&evaluate_command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&evaluate_command, "the model is missing");
    if (argc - at > 1) return cli_usage(&evaluate_command, "'%s' is not understood%s", argv[at + 1],
                                        r.data ? "" : "; data are named with --data");
    if (!r.data) return cli_usage(&evaluate_command, "--data is missing: a folder with a folder per label, or idx "
                                  "files");
    return with_session(&r, argv[at], false, NULL, 0);
}
