/* tern audio classify: prints what sounds are. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct request {
    int64_t top, threads;
    bool json;
} request;

static const cli_command command = {
    "tern audio classify", "MODEL FILE... [--top K] [--json]",
    "Says what each sound is: any file that libsndfile reads, any rate, any number of channels, any\n"
    "length.",
    "FILE - is standard input. With --json each file gives one line:\n"
    "  {\"file\":\"x.wav\",\"label\":\"dog_bark\",\"score\":0.97,\"top\":[{\"label\":\"dog_bark\",\"score\":0.97},...]}\n"
    "A file that cannot be read gives a sentence on stderr; the others are still classified, and the\n"
    "exit code is that of the first failure."};

static int print_json(const char *file, const tern_answer *a, size_t top) {
    json_t *list = json_array();
    for (size_t i = 0; i < top; i++)
        json_array_append_new(list, json_pack("{s:o, s:f}", "label", cli_json_text(a->top[i].label),
                                              "score", (double)a->top[i].score));
    return cli_print_json(json_pack("{s:o, s:o, s:f, s:o}", "file", cli_json_text(file), "label",
                                    cli_json_text(a->label), "score", (double)a->score, "top", list));
}

static void print_text(const char *file, const tern_answer *a, size_t top, bool named) {
    if (named) printf("%s: ", file);
    for (size_t i = 0; i < top; i++)
        printf("%s%s %.1f %%", i ? ", " : "", a->top[i].label, 100 * (double)a->top[i].score);
    printf("\n");
}

static int classify(const request *r, tern_session *session, char **files, int count) {
    int code = EXIT_OK;
    for (int i = 0; i < count; i++) {
        tern_answer answer;
        tern_status st = tern_audio_classify_file(session, files[i], &answer);
        if (st != TERN_OK) {
            cli_complain("%s", tern_session_message(session));
            if (code == EXIT_OK) code = cli_exit_code(st);
            continue;
        }
        size_t top = (size_t)r->top < answer.count ? (size_t)r->top : answer.count;
        if (r->json) {
            int printed = print_json(files[i], &answer, top);
            if (printed != EXIT_OK) return printed;
        } else {
            print_text(files[i], &answer, top, true);
        }
    }
    return code;
}

/* Models end in .onnx; a sound where the model should be is a common slip. */
static bool swapped(const char *model, const char *file) {
    size_t n = strlen(model), m = strlen(file);
    return !(n > 5 && !strcmp(model + n - 5, ".onnx")) && m > 5 && !strcmp(file + m - 5, ".onnx");
}

int cli_audio_classify(int argc, char **argv) {
    static const bool quiet = true;
    request r = {.top = 1};
    const cli_option options[] = {
        {"top", 'k', CLI_INT, &r.top, "K", "so many labels, the most probable first (1)", 1, 65536},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object a line", 0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&command, "a model and at least one sound are needed");
    if (argc - at < 2)
        return cli_usage(&command, "no sound is named after the model %s ('-': standard input)", argv[at]);
    if (swapped(argv[at], argv[at + 1]))
        return cli_usage(&command, "the model comes first: tern audio classify %s %s", argv[at + 1],
                         argv[at]);
    tern_context *c = NULL;
    tern_model *model = NULL;
    tern_session *session = NULL;
    int code;
    tern_status st = cli_context(&c, r.threads, &quiet);
    if (st == TERN_OK) st = tern_model_load(&model, c, argv[at]);
    if (st == TERN_OK) st = tern_session_create(&session, model);
    code = st == TERN_OK ? classify(&r, session, argv + at + 1, argc - at - 1) : cli_failed(c, st);
    tern_session_free(session);
    tern_model_free(model);
    tern_context_free(c);
    return code;
}
