/* tern vision train-classifier: options of a training run, and the test after it. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *data, *test, *validate, *labels, *size, *network, *augmentation, *init, *freeze_until;
    double scale, dropout, learning_rate, weight_decay, mixup, smoothing, memory;
    int64_t epochs, batch, seed, threads, patience, channels;
    bool no_augmentation;
    cli_training files;
    tern_vision_classifier_train_options options;
} request;

static const cli_command command = {
    "tern vision train-classifier", "--data DIR|IDX -o MODEL.onnx [OPTIONS]",
    "Trains a network that tells pictures apart, and writes it as one .onnx file that holds all that is\n"
    "needed to use it.",
    "DIR has a folder per label with the pictures inside (DIR/cat/1.jpg), or it holds the idx files of MNIST\n"
    "and its kin, gzipped or not, of which the set named train-... is taken; IDX names such a file of\n"
    "pictures, whose labels lie beside it. Beside MODEL.onnx a log MODEL.jsonl and, until training is done,\n"
    "the checkpoint MODEL.ckpt are written; the same command with --resume goes on after Ctrl-C.\n"
    "\n"
    "examples:\n"
    "  tern vision train-classifier --data mnist/ --network lenet --test mnist/ -o digits.onnx\n"
    "  tern vision train-classifier --data photos/ --size 96x96 --augment mirror=0.5 --validate 0.2 \\\n"
    "      --network resnet18 -o photos.onnx"};

/* A share such as 0.1, which is written without the locale, or a path. */
static bool is_share(const char *text, double *share) {
    json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);
    const bool yes = json_is_number(number);
    if (yes) *share = json_number_value(number);
    json_decref(number);
    return yes;
}

static int read_size(const request *r, tern_vision_dataset_options *d) {
    char rest;
    if (!r->size) return EXIT_OK;
    if (sscanf(r->size, "%dx%d%c", &d->width, &d->height, &rest) == 2 && d->width > 0 && d->height > 0)
        return EXIT_OK;
    return cli_usage(&command, "--size %s: write WIDTHxHEIGHT, e.g. 96x96", r->size);
}

static int fill(request *r, const char ***labels) {
    tern_vision_classifier_train_options *o = &r->options;
    tern_vision_dataset_options *d = &o->data;
    if (r->labels && !(*labels = cli_split(r->labels, &d->n_labels))) return EXIT_FAILED;
    d->labels = *labels;
    d->channels = (int)r->channels;
    d->memory = r->memory * 1e9;
    o->network = r->network;
    o->scale = r->scale;
    o->dropout = r->dropout;
    if (r->validate && !is_share(r->validate, &o->validate)) o->validate_path = r->validate;
    o->freeze_until = r->freeze_until;
    o->no_augmentation = r->no_augmentation;
    o->augmentation = r->augmentation;
    o->train.epochs = (int)r->epochs;
    o->train.batch = r->batch;
    o->train.seed = (uint64_t)r->seed;
    o->train.patience = (int)r->patience;
    o->train.optimizer.learning_rate = r->learning_rate;
    o->train.optimizer.weight_decay = r->weight_decay;
    o->train.loss.label_smoothing = r->smoothing;
    o->train.mixup = r->mixup;
    return read_size(r, d);
}

static tern_status train(void *user, tern_model **model, tern_context *c) {
    const request *r = user;
    return tern_vision_classifier_train(model, c, r->data, &r->options);
}

/* How often the model that was just written is right on other pictures. */
static int test(const request *r, tern_context *c) {
    tern_model *model = NULL;
    tern_session *session = NULL;
    tern_confusion *confusion = NULL;
    tern_status st = tern_model_load(&model, c, r->files.output);
    if (st == TERN_OK) st = tern_session_create(&session, model);
    if (st != TERN_OK) {
        tern_model_free(model);
        return cli_failed(c, st);
    }
    st = tern_vision_classifier_evaluate(&confusion, session, r->test, NULL, NULL, NULL);
    if (st == TERN_OK) {
        const tern_metrics m = tern_confusion_metrics(confusion);
        printf("test: accuracy %.2f %% of %lld pictures\n", 100 * m.accuracy, (long long)m.n);
    } else {
        cli_complain("%s", tern_session_message(session));
    }
    tern_confusion_free(confusion);
    tern_session_free(session);
    tern_model_free(model);
    return cli_exit_code(st);
}

static int check(const request *r, int operands, char **argv) {
    if (operands)
        return cli_usage(&command, "'%s' is not understood%s", argv[0],
                         r->data ? "" : "; data are named with --data");
    if (!r->data)
        return cli_usage(&command, "--data is missing: a folder with a folder per label, or idx files");
    if (!r->files.output) return cli_usage(&command, "-o is missing: where the model is to be written");
    return cli_check_output(r->files.output);
}

int cli_vision_train_classifier(int argc, char **argv) {
    request r = {.options = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT, .files = {.unit = "pictures"}};
    char networks[2048] = "";
    for (size_t i = 0; tern_vision_classifier_name(i); i++)
        snprintf(networks + strlen(networks), sizeof networks - strlen(networks), "%s%s: %s", i ? "\n" : "",
                 tern_vision_classifier_name(i), tern_vision_classifier_summary(i));
    const cli_option options[] = {
        CLI_TITLE("data"),
        {"data", 'd', CLI_TEXT, &r.data, "DIR|IDX", "the pictures", 0, 0},
        {"validate", 0, CLI_TEXT, &r.validate, "SHARE|DIR|IDX", "validate on a share such as 0.1, or on other pictures.\nWithout validation the last weights are kept.", 0, 0},
        {"test", 0, CLI_TEXT, &r.test, "DIR|IDX", "in the end, print how often the model is right on these", 0, 0},
        {"labels", 0, CLI_TEXT, &r.labels, "A,B,...", "names of the labels (those of the folders; of idx\nfiles: numbers)", 0, 0},
        {"size", 0, CLI_TEXT, &r.size, "WxH", "bring pictures to this size (idx files: as they are;\nfolders: 64x64)", 0, 0},
        {"channels", 0, CLI_INT, &r.channels, "N", "1: grey, 3: colour (as most pictures have)", 1, 3},
        {"memory", 0, CLI_REAL, &r.memory, "GB", "what the pictures may take (4)", 0.001, 1e6},
        CLI_TITLE("network and training"),
        {"network", 'n', CLI_TEXT, &r.network, "NAME", networks, 0, 0},
        {"init", 0, CLI_TEXT, &r.init, "MODEL", "go on from a trained model, with a new last layer", 0, 0},
        {"freeze-until", 0, CLI_TEXT, &r.freeze_until, "NODE", "with --init: train only what comes after this node;\nall-but-last: only the new layer", 0, 0},
        {"scale", 0, CLI_REAL, &r.scale, "X", "channels times this (1)", 0.05, 16},
        {"dropout", 0, CLI_REAL, &r.dropout, "P", "before the last layer", 0, 0.99},
        {"epochs", 'e', CLI_INT, &r.epochs, "N", "passes over the data (by the number of pictures)", 1, 100000},
        {"batch", 'b', CLI_INT, &r.batch, "N", "pictures a step", 1, 65536},
        {"lr", 0, CLI_REAL, &r.learning_rate, "X", "the highest learning rate", 1e-9, 100},
        {"weight-decay", 0, CLI_REAL, &r.weight_decay, "X", "of AdamW", 0, 10},
        {"mixup", 0, CLI_REAL, &r.mixup, "A", "strength of mixing pictures", 0, 10},
        {"label-smoothing", 0, CLI_REAL, &r.smoothing, "X", "", 0, 0.99},
        {"no-augmentation", 0, CLI_FLAG, &r.no_augmentation, NULL, "pictures as they are", 0, 0},
        {"augment", 0, CLI_TEXT, &r.augmentation, "NAME=X,...", "other numbers for their variation: mirror, rotate, shift,\nscale, cutout, brightness, ... (a little of each but\nmirror, which digits do not bear)", 0, 0},
        {"patience", 0, CLI_INT, &r.patience, "N", "stop after N epochs without a better validation", 1, 100000},
        {"seed", 's', CLI_INT, &r.seed, "N", "of all random numbers (0)", 0, 9e18},
        {"threads", 't', CLI_INT, &r.threads, "N", "the result does not depend on it (all processors)", 1, 256},
        CLI_TITLE("files"),
        {"output", 'o', CLI_TEXT, &r.files.output, "FILE", "the model", 0, 0},
        {"resume", 0, CLI_FLAG, &r.files.resume, NULL, "go on from the checkpoint", 0, 0},
        {"checkpoint", 0, CLI_TEXT, &r.files.checkpoint, "FILE", "(MODEL.ckpt; removed when training is done)", 0, 0},
        {"log", 0, CLI_TEXT, &r.files.log, "FILE", "(MODEL.jsonl)", 0, 0},
        {"quiet", 'q', CLI_FLAG, &r.files.quiet, NULL, "no progress; warnings and errors only", 0, 0},
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code != EXIT_OK) return code;
    tern_context *c = NULL;
    tern_model *init = NULL;
    const char **labels = NULL;
    tern_status st = cli_context(&c, r.threads, &r.files.quiet);
    if (st == TERN_OK && r.init) st = tern_model_load(&init, c, r.init);
    r.options.init = init;
    code = st == TERN_OK ? fill(&r, &labels) : cli_failed(c, st);
    if (code == EXIT_OK) code = cli_train(&r.files, c, &r.options.train, train, &r);
    if (code == EXIT_OK && r.test) code = test(&r, c);
    tern_model_free(init);
    tern_context_free(c);
    free(labels);
    return code;
}
