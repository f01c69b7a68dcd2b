/* tern vision train: its options; what happens around training is training.c's. */
#include "cli.h"
#include "vision/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct request {
    const char *images, *validate, *validate_masks, *validate_fov, *size;
    const char **names; /* of pictures to validate on: what options refers to */
    cli_training training;
    tern_vision_train_options options;
    tern_vision_train_result result;
} request;

static const cli_command command = {
    "tern vision train", "--images DIR --masks DIR -o MODEL.onnx [OPTIONS]",
    "Trains a network that makes masks of pictures, and writes it as one .onnx file that holds all "
    "that is\n"
    "needed to use it.",
    "Pictures are PNG, JPEG or PNM; each has a mask of the same size whose file has the same name "
    "but for\n"
    "the ending: 0/255, 0/1, or class numbers (a palette PNG, or grey 0, 1, 2, ...; 255 does not "
    "count).\n"
    "Pictures of one size are cropped at random (128x128); pictures of several sizes are brought "
    "to one\n"
    "(192x192), unless --crop or --size says otherwise. Beside MODEL.onnx a log MODEL.jsonl (one "
    "JSON\n"
    "object an epoch) and, until training is done, the checkpoint MODEL.ckpt are written. Ctrl-C "
    "saves the\n"
    "checkpoint; the same command with --resume goes on from there and ends with the same weights "
    "as if it\n"
    "had never stopped.\n"
    "\n"
    "examples:\n"
    "  tern vision train --images cells/image --masks cells/label --validate 0.2 -o cells.onnx\n"
    "  tern vision train --images eyes --masks vessels --fov fields --validate 24,28 -o "
    "vessels.onnx"};

static int check(const request *r, int operands, char **argv) {
    const tern_vision_dataset_options *d = &r->options.data;
    if (operands)
        return cli_usage(&command, "'%s' is not understood%s", argv[0],
                         r->images ? "" : "; pictures are named with --images, masks with --masks");
    if (!r->images) return cli_usage(&command, "--images is missing: the folder of the pictures");
    if (!d->masks) return cli_usage(&command, "--masks is missing: the folder of the masks");
    const int code = cli_check_model_name(&command, r->training.output, NULL);
    if (code != EXIT_OK) return code;
    if (d->crop_width && r->size)
        return cli_usage(&command, "--crop and --size exclude each other");
    if (d->border_sigma > 0 && !(d->border_weight > 0))
        return cli_usage(&command, "--border-sigma needs --border-weight");
    if (r->validate_masks && !r->validate)
        return cli_usage(&command, "--validate-masks needs --validate DIR, the pictures");
    return cli_check_output(r->training.output);
}

static int fill_size(tern_vision_dataset_options *d, const char *text) {
    char *end;
    const long width = strtol(text, &end, 10),
               height = *end == 'x' ? strtol(end + 1, &end, 10) : width;
    if (*end || width < 8 || height < 8 || width > 8192 || height > 8192)
        return cli_usage(&command, "--size takes WxH or one side, 8 to 8192, not '%s'", text);
    d->width = (int)width;
    d->height = (int)height;
    return EXIT_OK;
}

/* --validate takes a share, a folder, or names of pictures. */
static int fill_validate(request *r) {
    tern_vision_train_options *o = &r->options;
    struct stat info;
    char *end;
    const double share = strtod(r->validate, &end);
    if (!strncmp(r->validate, "0.", 2) && !*end && share > 0 && share < 1) {
        o->validate = share;
    } else if (!stat(r->validate, &info) && S_ISDIR(info.st_mode)) {
        if (!r->validate_masks)
            return cli_usage(&command, "--validate %s: --validate-masks is missing", r->validate);
        o->validate_pictures = r->validate;
        o->validate_masks = r->validate_masks;
        o->validate_fov = r->validate_fov;
    } else {
        if (!(r->names = cli_split(r->validate, &o->n_validate_names))) return EXIT_FAILED;
        o->validate_names = r->names;
    }
    return EXIT_OK;
}

static int fill(request *r) {
    tern_vision_dataset_options *d = &r->options.data;
    d->crop_height = d->crop_width;
    const int code = r->size ? fill_size(d, r->size) : EXIT_OK;
    return r->validate && code == EXIT_OK ? fill_validate(r) : code;
}

static tern_status train(void *user, tern_model **model, tern_context *c) {
    request *r = user;
    return tern_vision_train(model, c, r->images, &r->options, &r->result);
}

static void report(const tern_vision_train_result *r) {
    const tern_mask_scores *s = &r->scores;
    printf("masks of %lld %s: IoU %.3f, Dice %.3f, %.1f %% of the pixels right", (long long)s->n,
           r->validated ? "validation pictures" : "of the pictures trained on", s->iou, s->dice,
           100 * s->accuracy);
    if (isfinite(s->auc)) printf(", AUC %.3f", s->auc);
    if (isfinite(r->threshold)) printf("; threshold %.2f", r->threshold);
    printf("\n");
}

static int work(void *user, tern_context *c) {
    request *r = user;
    int code = fill(r);
    if (code == EXIT_OK) code = cli_train(&r->training, c, &r->options.train, train, r);
    if (code == EXIT_OK) report(&r->result);
    return code;
}

#define ROWS(from, to) CLI_ROWS(tern__vision_training, &r.options, from, to)

int cli_vision_train(int argc, char **argv) {
    request r = {.training = {.unit = "pictures"}, .options = TERN_VISION_TRAIN_OPTIONS_INIT};
    char networks[CLI_NETWORKS_TEXT], losses[200] = "";
    cli_list_networks(networks, tern_vision_network_name, tern_vision_network_summary);
    for (size_t i = 0; tern_vision_loss_name(i); i++)
        snprintf(losses + strlen(losses), sizeof losses - strlen(losses), "%s%s", i ? ", " : "",
                 tern_vision_loss_name(i));
    const cli_option options[] = {
        CLI_TITLE("data"),
        {"images", 'i', CLI_TEXT, &r.images, "DIR", "the pictures", 0, 0},
        ROWS("masks", "channels"),
        {"validate", 0, CLI_TEXT, &r.validate, "SHARE|NAMES|DIR",
         "validate on a share of the pictures (0.2), on those of\nthese names (3,7,horse012), or "
         "on those in a folder.\nWithout validation the last weights are kept.",
         0, 0},
        {"validate-masks", 0, CLI_TEXT, &r.validate_masks, "DIR",
         "of the pictures in --validate DIR", 0, 0},
        {"validate-fov", 0, CLI_TEXT, &r.validate_fov, "DIR", "likewise their fields of view", 0,
         0},
        ROWS("memory", "memory"),
        CLI_TITLE("what the network sees"),
        ROWS("crop", "foreground"),
        {"size", 0, CLI_TEXT, &r.size, "WxH", "or whole pictures, brought to this size", 0, 0},
        ROWS("no-augmentation", "augment"),
        CLI_TITLE("network and training"),
        CLI_ROW_SAYS(tern__vision_training, &r.options, "network", networks),
        CLI_INIT_OPTION(r.training, "; its last layer\nis kept if it has as many classes"),
        ROWS("freeze-until", "no-normalization"),
        CLI_ROW_SAYS(tern__vision_training, &r.options, "loss", losses),
        ROWS("border-weight", "seed"),
        CLI_TRAINING_THREADS(r.training),
        CLI_FILE_OPTIONS(r.training),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code == EXIT_OK) code = cli_training_run(&r.training, &r.options.init, work, &r);
    free(r.names);
    return code;
}
