/* tern vision explain and filter: pictures of what a network looks at, and filtered ones. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *model, *picture, *output, *view, *layer, *label, *kernel;
    int64_t threads;
} request;

static const cli_command explain_command = {
    "tern vision explain", "MODEL IMAGE -o FILE.png [--view NAME]",
    "Draws what a network of 'tern vision train-classifier' looks at.",
    "cam: what in the picture speaks for the label (Grad-CAM); saliency: which pixels would change "
    "the answer;\n"
    "filters: the weights of the first convolution; maps: what a layer makes of the picture, "
    "channel by channel."};

static const cli_command filter_command = {
    "tern vision filter", "IMAGE --kernel NAME -o FILE.png",
    "Filters a picture with a kernel of 3x3, through the same convolution that networks are made "
    "of.",
    "Kernels: edge, edge-cross, edge-diagonal, sharpen, box, gaussian, or nine numbers "
    "\"0,-1,0,-1,5,-1,0,-1,0\".\n"
    "The edge is repeated beyond the borders; where the numbers add up to 0 the absolute value is "
    "shown."};

static const char *const views[] = {"cam", "saliency", "filters", "maps", NULL};

static bool find_view(const char *name, tern_vision_view *view) {
    for (int i = 0; views[i]; i++)
        if (!name || !strcmp(name, views[i])) {
            *view = (tern_vision_view)i;
            return true;
        }
    return false;
}

static int explain(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    tern_vision_explain_options o = TERN_VISION_EXPLAIN_OPTIONS_INIT;
    tern_image image = {0}, out = {0};
    const char *label = "";
    find_view(r->view, &o.view);
    o.layer = r->layer;
    o.label = r->label;
    tern_status st = tern_file_check(c, r->output, (const char *const[]){r->model, r->picture}, 2);
    if (st == TERN_OK) st = tern_image_load(&image, c, r->picture, NULL);
    if (st != TERN_OK) return cli_failed(c, st);
    st = tern_vision_explain(&out, &label, session, &image, &o);
    if (st == TERN_OK) st = tern_image_save(&out, r->output, 0);
    const int code = st == TERN_OK ? EXIT_OK : cli_session_failed(session, st);
    if (st == TERN_OK && *label)
        printf("%s: %s of '%s', %d x %d pixels\n", r->output, r->view ? r->view : "cam", label,
               out.width, out.height);
    tern_image_free(&out);
    tern_image_free(&image);
    return code;
}

int cli_vision_explain(int argc, char **argv) {
    request r = {0};
    tern_vision_view view;
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &r.output, "FILE.png", "where to draw it", 0, 0},
        {"view", 0, CLI_TEXT, &r.view, "NAME", "cam, saliency, filters or maps (cam)", 0, 0},
        {"layer", 'l', CLI_TEXT, &r.layer, "NODE", "cam, maps: of this node (the last convolution)",
         0, 0},
        {"label", 0, CLI_TEXT, &r.label, "NAME", "explain this label (the most probable)", 0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&explain_command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at != 2) return cli_usage(&explain_command, "a model and one picture are needed");
    if (!r.output) return cli_usage(&explain_command, "-o is missing: where to draw it");
    if (!find_view(r.view, &view))
        return cli_usage(&explain_command, "--view %s: there are cam, saliency, filters and maps",
                         r.view);
    r.model = argv[at];
    r.picture = argv[at + 1];
    return cli_with_model(argv[at], r.threads, true, explain, &r);
}

int cli_vision_filter(int argc, char **argv) {
    static const bool quiet = true;
    request r = {0};
    const cli_option options[] = {
        {"kernel", 'k', CLI_TEXT, &r.kernel, "NAME", "which filter", 0, 0},
        {"output", 'o', CLI_TEXT, &r.output, "FILE.png", "the filtered picture", 0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&filter_command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at != 1)
        return cli_usage(&filter_command, "one picture is needed ('-': standard input)");
    if (!r.kernel) return cli_usage(&filter_command, "--kernel is missing");
    if (!r.output)
        return cli_usage(&filter_command, "-o is missing: where the picture is to be written");
    tern_context *c = NULL;
    tern_image image = {0}, out = {0};
    tern_status st = cli_context(&c, r.threads, &quiet);
    if (st == TERN_OK) st = tern_file_check(c, r.output, (const char *const *)argv + at, 1);
    if (st == TERN_OK) st = tern_image_load(&image, c, argv[at], NULL);
    if (st == TERN_OK) st = tern_vision_filter(&out, &image, r.kernel);
    if (st == TERN_OK) st = tern_image_save(&out, r.output, 0);
    const int code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    tern_image_free(&out);
    tern_image_free(&image);
    tern_context_free(c);
    return code;
}
