/* tern audio explain: a picture of what a network heard in a sound. */
#include "cli.h"

#include <stdio.h>

static const cli_command command = {
    "tern audio explain", "MODEL SOUND -o FILE.png [--label NAME]",
    "Draws the features of a sound, in which only what speaks for its label keeps its colour.",
    "Of a sound that is longer than the network's window the window is drawn that speaks most for the label.\n"
    "Which moments and bands count is found by Grad-CAM, as finely as the layer has places."};

int cli_audio_explain(int argc, char **argv) {
    static const bool quiet = true;
    const char *output = NULL, *label = NULL, *layer = NULL;
    int64_t threads = 0;
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &output, "FILE.png", "where to draw it", 0, 0},
        {"label", 0, CLI_TEXT, &label, "NAME", "explain this label (the most probable)", 0, 0},
        {"layer", 'l', CLI_TEXT, &layer, "NODE", "by this node's output (the last convolution's)", 0, 0},
        CLI_THREADS(&threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at != 2) return cli_usage(&command, "a model and one sound are needed ('-': standard input)");
    if (!output) return cli_usage(&command, "-o is missing: where to draw it");
    tern_context *c = NULL;
    tern_model *model = NULL;
    tern_session *session = NULL;
    char *explained = NULL;
    tern_status st = cli_context(&c, threads, &quiet);
    if (st == TERN_OK) st = tern_model_load(&model, c, argv[at]);
    if (st == TERN_OK) st = tern_session_create(&session, model);
    int code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    if (st == TERN_OK) {
        st = tern_audio_explain_file(&explained, session, argv[at + 1], output, label, layer);
        if (st == TERN_OK) printf("%s: what speaks for '%s'\n", output, explained);
        else cli_complain("%s", tern_session_message(session));
        code = cli_exit_code(st);
    }
    tern_free(c, explained);
    tern_session_free(session);
    tern_model_free(model);
    tern_context_free(c);
    return code;
}
