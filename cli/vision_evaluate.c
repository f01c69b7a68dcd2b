/* tern vision evaluate: prints how good a model's masks are. */
#include "cli.h"

#include <math.h>
#include <stdio.h>

typedef struct request {
    const char *images, *masks, *fov;
    double threshold, memory;
    int64_t threads;
    bool json, each, rand, warping, all_views, quiet;
} request;

static const cli_command command = {
    "tern vision evaluate", "MODEL --images DIR --masks DIR [OPTIONS]",
    "Makes the masks of all pictures of a folder and compares them with the true ones.",
    "IoU, Dice, precision and recall are of the foreground and over the pixels of all pictures "
    "(more than\n"
    "two classes: means over the classes). With --json one object is printed: iou, dice, "
    "accuracy,\n"
    "precision, recall, auc, boundary (F1 of the borders), mean_iou and mean_dice (means over "
    "pictures),\n"
    "offset_x and offset_y (pixels by which the true masks lie right of and below those of the "
    "model),\n"
    "n, pixels; with --rand and --warping also rand and warping."};

static json_t *scores_object(const tern_mask_scores *s) {
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "iou",
        tern__json_number(s->iou), "dice", tern__json_number(s->dice), "accuracy",
        tern__json_number(s->accuracy), "precision", tern__json_number(s->precision), "recall",
        tern__json_number(s->recall), "auc", tern__json_number(s->auc), "boundary",
        tern__json_number(s->boundary), "mean_iou", tern__json_number(s->mean_iou), "mean_dice",
        tern__json_number(s->mean_dice), "offset_x", tern__json_number(s->offset_x), "offset_y",
        tern__json_number(s->offset_y), "n", (json_int_t)s->n, "pixels", (json_int_t)s->pixels);
}

static bool on_picture(void *user, const char *file, const tern_mask_scores *s, int64_t done,
                       int64_t count) {
    const request *r = user;
    if (r->each) {
        cli_progress_clear();
        fprintf(r->json ? stderr : stdout, "%s: IoU %.3f, Dice %.3f, %.1f %% of the pixels right\n",
                file, s->iou, s->dice, 100 * s->accuracy);
    }
    if (!r->quiet) cli_progress_count("pictures", (size_t)done, (size_t)count);
    return !cli_stopped();
}

static int print(const request *r, const tern_mask_scores *s) {
    if (r->json) {
        json_t *root = scores_object(s);
        if (r->rand) tern__json_set(&root, "rand", tern__json_number(s->rand));
        if (r->warping) tern__json_set(&root, "warping", tern__json_number(s->warping));
        return cli_print_json(root);
    }
    printf("IoU        %.4f\nDice (F1)  %.4f\nprecision  %.4f\nrecall     %.4f\naccuracy   %.4f\n",
           s->iou, s->dice, s->precision, s->recall, s->accuracy);
    if (isfinite(s->auc)) printf("AUC        %.4f\n", s->auc);
    if (isfinite(s->offset_x) && isfinite(s->offset_y))
        printf("offset     %+.2f %+.2f (the true masks lie so many pixels right and below)\n",
               s->offset_x, s->offset_y);
    if (r->rand) printf("Rand error %.4f\n", s->rand);
    if (r->warping) printf("warping    %.6f\n", s->warping);
    printf(
        "borders    %.4f\n%lld pictures, %lld pixels; means over pictures: IoU %.4f, Dice %.4f\n",
        s->boundary, (long long)s->n, (long long)s->pixels, s->mean_iou, s->mean_dice);
    return EXIT_OK;
}

static int evaluate(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    (void)c;
    tern_vision_evaluate_options o = TERN_VISION_EVALUATE_OPTIONS_INIT;
    tern_mask_metrics *metrics = NULL;
    o.masks = r->masks;
    o.fov = r->fov;
    o.rand = r->rand;
    o.warping = r->warping;
    o.segment.threshold = r->threshold;
    o.segment.all_views = r->all_views;
    o.segment.memory = r->memory * 1e6;
    o.on_picture = on_picture;
    o.user = user;
    cli_catch_interrupts();
    const tern_status st = tern_vision_evaluate(&metrics, session, r->images, &o);
    cli_progress_clear();
    if (st != TERN_OK) return cli_session_failed(session, st);
    const tern_mask_scores scores = tern_mask_metrics_scores(metrics);
    const int code = print(r, &scores);
    tern_mask_metrics_free(metrics);
    return code;
}

int cli_vision_evaluate(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"images", 'i', CLI_TEXT, &r.images, "DIR", "the pictures", 0, 0},
        {"masks", 'm', CLI_TEXT, &r.masks, "DIR", "their masks", 0, 0},
        {"fov", 0, CLI_TEXT, &r.fov, "DIR", "fields of view: pixels that are 0 there do not count",
         0, 0},
        {"threshold", 0, CLI_REAL, &r.threshold, "P",
         "probability from which on a pixel is foreground (the\nmodel's)", 0, 1},
        {"tta", 0, CLI_FLAG, &r.all_views, NULL, "average over turned and mirrored pictures", 0, 0},
        {"memory", 0, CLI_REAL, &r.memory, "MB", "working memory (500)", 1, 1e6},
        {"rand", 0, CLI_FLAG, &r.rand, NULL,
         "the Rand error of ISBI 2012 too: are pixels of one cell\n"
         "in one, those of two in two? Mean over pictures",
         0, 0},
        {"warping", 0, CLI_FLAG, &r.warping, NULL,
         "the warping error too: pixels that join or part cells,\n"
         "wherever their borders are drawn",
         0, 0},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"each", 0, CLI_FLAG, &r.each, NULL, "a line for every picture as well", 0, 0},
        CLI_THREADS(&r.threads),
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "no progress", 0, 0},
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&command, "the model is missing");
    if (argc - at > 1) return cli_usage(&command, "'%s' is not understood", argv[at + 1]);
    if (!r.images) return cli_usage(&command, "--images is missing: the folder of the pictures");
    if (!r.masks) return cli_usage(&command, "--masks is missing: the folder of the true masks");
    return cli_with_model(argv[at], r.threads, true, evaluate, &r);
}
