/* tern vision train: its options; what happens around training is training.c's. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct request {
    const char *images, *masks, *fov, *validate, *validate_masks, *validate_fov;
    const char *coding, *loss, *size, *augmentation;
    double dropout, foreground, memory, border_weight, border_sigma;
    int64_t channels, classes, crop, crops, width, depth;
    bool resize, reflect, no_normalization, no_augmentation;
    const char **names; /* of pictures to validate on: what options refers to */
    cli_training training;
    tern_vision_train_options options;
    tern_vision_train_result result;
} request;

static const cli_command command = {
    "tern vision train", "--images DIR --masks DIR -o MODEL.onnx [OPTIONS]",
    "Trains a network that makes masks of pictures, and writes it as one .onnx file that holds all that is\n"
    "needed to use it.",
    "Pictures are PNG, JPEG or PNM; each has a mask of the same size whose file has the same name but for\n"
    "the ending: 0/255, 0/1, or class numbers (a palette PNG, or grey 0, 1, 2, ...; 255 does not count).\n"
    "Pictures of one size are cropped at random (128x128); pictures of several sizes are brought to one\n"
    "(192x192), unless --crop or --size says otherwise. Beside MODEL.onnx a log MODEL.jsonl (one JSON\n"
    "object an epoch) and, until training is done, the checkpoint MODEL.ckpt are written. Ctrl-C saves the\n"
    "checkpoint; the same command with --resume goes on from there and ends with the same weights as if it\n"
    "had never stopped.\n"
    "\n"
    "examples:\n"
    "  tern vision train --images cells/image --masks cells/label --validate 0.2 -o cells.onnx\n"
    "  tern vision train --images eyes --masks vessels --fov fields --validate 24,28 -o vessels.onnx"};

static int check(const request *r, int operands, char **argv) {
    if (operands)
        return cli_usage(&command, "'%s' is not understood%s", argv[0],
                         r->images ? "" : "; pictures are named with --images, masks with --masks");
    if (!r->images) return cli_usage(&command, "--images is missing: the folder of the pictures");
    if (!r->masks) return cli_usage(&command, "--masks is missing: the folder of the masks");
    const int code = cli_check_model_name(&command, r->training.output, NULL);
    if (code != EXIT_OK) return code;
    if (r->crop && r->size) return cli_usage(&command, "--crop and --size exclude each other");
    if (r->border_sigma > 0 && !(r->border_weight > 0))
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

static int fill_coding(tern_mask_coding *coding, const char *name) {
    static const char *const names[] = {"auto", "binary", "numbers"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(name, names[i])) {
            *coding = (tern_mask_coding)i;
            return EXIT_OK;
        }
    return cli_usage(&command, "--coding is auto, binary or numbers, not '%s'", name);
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
    tern_vision_train_options *o = &r->options;
    tern_vision_dataset_options *d = &o->data;
    int code = EXIT_OK;
    d->masks = r->masks;
    d->fov = r->fov;
    d->channels = (int)r->channels;
    d->classes = (int)r->classes;
    d->crop_width = d->crop_height = (int)r->crop;
    d->crops = (int)r->crops;
    d->foreground = r->foreground;
    d->memory = r->memory * 1e9;
    d->border_weight = r->border_weight;
    d->border_sigma = r->border_sigma;
    o->network = r->training.network;
    o->freeze_until = r->training.freeze_until;
    o->width = r->width;
    o->depth = r->depth;
    o->dropout = r->dropout;
    o->resize = r->resize;
    o->reflect = r->reflect;
    o->no_normalization = r->no_normalization;
    o->loss = r->loss;
    o->no_augmentation = r->no_augmentation;
    o->augmentation = r->augmentation;
    if (r->size) code = fill_size(d, r->size);
    if (r->coding && code == EXIT_OK) code = fill_coding(&d->coding, r->coding);
    if (r->validate && code == EXIT_OK) code = fill_validate(r);
    return code;
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
        {"masks", 'm', CLI_TEXT, &r.masks, "DIR", "their masks", 0, 0},
        {"fov", 0, CLI_TEXT, &r.fov, "DIR", "fields of view: pixels that are 0 there do not count", 0, 0},
        {"coding", 0, CLI_TEXT, &r.coding, "KIND", "of the masks: binary or numbers (auto)", 0, 0},
        {"classes", 0, CLI_INT, &r.classes, "N", "with the background (as many as the masks have)", 2, 255},
        {"channels", 0, CLI_INT, &r.channels, "N", "1: grey, 3: colour (as the pictures are)", 1, 3},
        {"validate", 0, CLI_TEXT, &r.validate, "SHARE|NAMES|DIR", "validate on a share of the pictures (0.2), on those of\nthese names (3,7,horse012), or on those in a folder.\nWithout validation the last weights are kept.", 0, 0},
        {"validate-masks", 0, CLI_TEXT, &r.validate_masks, "DIR", "of the pictures in --validate DIR", 0, 0},
        {"validate-fov", 0, CLI_TEXT, &r.validate_fov, "DIR", "", 0, 0},
        {"memory", 0, CLI_REAL, &r.memory, "GB", "what the pictures may take (4)", 0.001, 1e6},
        CLI_TITLE("what the network sees"),
        {"crop", 0, CLI_INT, &r.crop, "N", "random crops of NxN pixels", 8, 8192},
        {"crops", 0, CLI_INT, &r.crops, "N", "so many of each picture an epoch", 1, 100000},
        {"foreground", 0, CLI_REAL, &r.foreground, "SHARE", "of the crops are laid around a foreground pixel (0)", 0, 1},
        {"size", 0, CLI_TEXT, &r.size, "WxH", "or whole pictures, brought to this size", 0, 0},
        {"no-augmentation", 0, CLI_FLAG, &r.no_augmentation, NULL, "pictures as they are", 0, 0},
        {"augment", 0, CLI_TEXT, &r.augmentation, "NAME=X,...", "other numbers for the variation of pictures: mirror,\nflip, turn, rotate, scale, elastic, contrast, hue, ...; mask_x,\nmask_y: the masks lie so many pixels right and below", 0, 0},
        CLI_NETWORK_OPTION(r.training, networks),
        CLI_INIT_OPTIONS(r.training, "; its last layer\nis kept if it has as many classes"),
        {"width", 0, CLI_INT, &r.width, "N", "channels of the first layer (16)", 1, 512},
        {"depth", 0, CLI_INT, &r.depth, "N", "how often the picture is halved (4); fcn: dilated\nlayers (5)", 1, 7},
        {"dropout", 0, CLI_REAL, &r.dropout, "P", "before the deepest layers (0)", 0, 0.99},
        {"resize", 0, CLI_FLAG, &r.resize, NULL, "enlarge by bilinear Resize, not by learnt convolutions", 0, 0},
        {"reflect", 0, CLI_FLAG, &r.reflect, NULL, "borders are mirrored instead of padded with zeros", 0, 0},
        {"no-normalization", 0, CLI_FLAG, &r.no_normalization, NULL, "biases instead of BatchNormalization", 0, 0},
        {"loss", 0, CLI_TEXT, &r.loss, "NAME", losses, 0, 0},
        {"border-weight", 0, CLI_REAL, &r.border_weight, "W", "the background between two objects counts up to W times\nmore, as U-Net's weight map has it (0; there: 10)", 0, 1e6},
        {"border-sigma", 0, CLI_REAL, &r.border_sigma, "S", "how far apart they may be, in pixels (5)", 0.1, 50},
        CLI_STEP_OPTIONS(r.training, "passes over the pictures (by their number)", "pictures a step (8)"),
        CLI_RATE_OPTIONS(r.training, "of AdamW"),
        CLI_RUN_OPTIONS(r.training),
        CLI_FILE_OPTIONS(r.training),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code == EXIT_OK) code = cli_training_run(&r.training, &r.options.train, &r.options.init, work, &r);
    free(r.names);
    return code;
}
