/* tern audio classify: prints what sounds are. */
#include "cli.h"

#include <string.h>

typedef struct request {
    int64_t top, threads;
    bool json;
    char **files;
    int count;
} request;

static const cli_command command = {
    "tern audio classify", "MODEL FILE... [--top K] [--json]",
    "Says what each sound is: any file that libsndfile reads, any rate, any number of channels, any\n"
    "length.",
    "FILE - is standard input. With --json each file gives one line:\n"
    "  {\"file\":\"x.wav\",\"label\":\"dog_bark\",\"score\":0.97,\"top\":[{\"label\":\"dog_bark\",\"score\":0.97},...]}\n"
    "A file that cannot be read gives a sentence on stderr; the others are still classified, and the\n"
    "exit code is that of the first failure."};

static int classify(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    (void)c;
    return cli_classify_files(session, tern_audio_classify_file, r->files, r->count, r->top, r->json);
}

/* Models end in .onnx; a sound where the model should be is a common slip. */
static bool swapped(const char *model, const char *file) {
    size_t n = strlen(model), m = strlen(file);
    return !(n > 5 && !strcmp(model + n - 5, ".onnx")) && m > 5 && !strcmp(file + m - 5, ".onnx");
}

int cli_audio_classify(int argc, char **argv) {
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
    r.files = argv + at + 1;
    r.count = argc - at - 1;
    return cli_with_model(argv[at], r.threads, true, classify, &r);
}
