/* What commands do with a model: load it, make a session, print its answers and how often they are
 * right. Knows nothing of sounds, texts and pictures. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

int cli_session_failed(const tern_session *session, tern_status status) {
    cli_complain("%s", tern_session_message(session));
    return cli_exit_code(status);
}

int cli_use_model(tern_context *c, const char *path, cli_model_work *work, void *user) {
    tern_model *model = NULL;
    tern_session *session = NULL;
    tern_status st = tern_model_load(&model, c, path);
    int code = EXIT_OK;
    if (st != TERN_OK)
        code = cli_failed(c, st);
    else if ((st = tern_session_create(&session, model)) != TERN_OK)
        code = cli_session_failed(NULL, st);
    else
        code = work(user, c, session);
    tern_session_free(session);
    tern_model_free(model);
    return code;
}

int cli_with_model(const char *path, int64_t threads, bool quiet, cli_model_work *work,
                   void *user) {
    tern_context *c = NULL;
    const tern_status st = cli_context(&c, threads, &quiet);
    const int code = st == TERN_OK ? cli_use_model(c, path, work, user) : cli_failed(c, st);
    tern_context_free(c);
    return code;
}

/* ---- answers ---- */

json_t *cli_answer_json(const char *key, const char *value, const tern_score *top, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        tern__json_append(&list, json_pack("{s:o, s:f}", "label", tern__json_text(top[i].label),
                                           "score", (double)top[i].score));
    return json_pack("{s:o, s:o, s:f, s:o}", key, tern__json_text(value), "label",
                     tern__json_text(top[0].label), "score", (double)top[0].score, "top", list);
}

void cli_print_scores(const tern_score *top, size_t n) {
    for (size_t i = 0; i < n; i++)
        printf("%s%s %.1f %%", i ? ", " : "", top[i].label, 100 * (double)top[i].score);
}

typedef struct request {
    int64_t top, threads;
    bool json;
    cli_classify_file *classify;
    char **files;
    int count;
} request;

static int classify_files(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    int code = EXIT_OK;
    (void)c;
    for (int i = 0; i < r->count; i++) {
        tern_answer answer;
        const tern_status st = r->classify(session, r->files[i], &answer);
        if (st != TERN_OK) {
            const int failed = cli_session_failed(session, st);
            if (code == EXIT_OK) code = failed;
            continue;
        }
        const size_t n = (size_t)r->top < answer.count ? (size_t)r->top : answer.count;
        if (r->json) {
            const int printed = cli_print_json(cli_answer_json("file", r->files[i], answer.top, n));
            if (printed != EXIT_OK) return printed;
            continue;
        }
        printf("%s: ", r->files[i]);
        cli_print_scores(answer.top, n);
        printf("\n");
    }
    return code;
}

int cli_classify_command(const cli_command *command, int (*check)(int operands, char **argv),
                         cli_classify_file *classify, int argc, char **argv) {
    request r = {.top = 1, .classify = classify};
    const cli_option options[] = {
        {"top", 'k', CLI_INT, &r.top, "K", "so many labels, the most probable first (1)", 1, 65536},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object a line", 0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    const int code = check(argc - at, argv + at);
    if (code != EXIT_OK) return code;
    r.files = argv + at + 1;
    r.count = argc - at - 1;
    return cli_with_model(argv[at], r.threads, true, classify_files, &r);
}

/* ---- evaluation ---- */

int cli_check_evaluation(const cli_command *command, const char *data, const char *what,
                         int operands, char **argv) {
    if (operands < 1) return cli_usage(command, "the model is missing");
    if (operands > 1 && !data)
        return cli_usage(command, "'%s': data are named with --data", argv[1]);
    if (operands > 1) return cli_usage(command, "'%s' is not understood", argv[1]);
    return data ? EXIT_OK : cli_usage(command, "--data is missing: %s", what);
}

int cli_print_confusion(tern_context *c, const tern_session *session, tern_status evaluated,
                        const tern_confusion *confusion, bool json) {
    char *text = NULL;
    tern_status st = evaluated;
    if (st == TERN_OK)
        st = json ? tern_confusion_json(&text, confusion) : tern_confusion_text(&text, confusion);
    if (st != TERN_OK) return cli_session_failed(session, st);
    printf("%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
    tern_free(c, text);
    return EXIT_OK;
}
