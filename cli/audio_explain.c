/* tern audio explain: a picture of what a network heard in a sound. */
#include "cli.h"

#include <stdio.h>

static const cli_command command = {
    "tern audio explain", "MODEL SOUND -o FILE.png [--label NAME]",
    "Draws the features of a sound, in which only what speaks for its label keeps its colour.",
    "Of a sound that is longer than the network's window the window is drawn that speaks most for "
    "the label.\n"
    "Which moments and bands count is found by Grad-CAM, as finely as the layer has places."};

typedef struct request {
    const char *model, *sound, *output, *label, *layer;
    int64_t threads;
} request;

static int explain(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    char *explained = NULL;
    tern_status st = tern_file_check(c, r->output, &r->model, 1);
    if (st != TERN_OK) return cli_failed(c, st);
    st = tern_audio_explain_file(&explained, session, r->sound, r->output, r->label, r->layer);
    if (st != TERN_OK) return cli_session_failed(session, st);
    printf("%s: what speaks for '%s'\n", r->output, explained);
    tern_free(c, explained);
    return EXIT_OK;
}

int cli_audio_explain(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &r.output, "FILE.png", "where to draw it", 0, 0},
        {"label", 0, CLI_TEXT, &r.label, "NAME", "explain this label (the most probable)", 0, 0},
        {"layer", 'l', CLI_TEXT, &r.layer, "NODE", "by this node's output (the last convolution's)",
         0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at != 2)
        return cli_usage(&command, "a model and one sound are needed ('-': standard input)");
    if (!r.output) return cli_usage(&command, "-o is missing: where to draw it");
    r.model = argv[at];
    r.sound = argv[at + 1];
    return cli_with_model(argv[at], r.threads, true, explain, &r);
}
