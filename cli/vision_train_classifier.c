/* tern vision train-classifier: options of a training run, and the test after it. */
#include "cli.h"
#include "vision/options.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct request {
    const char *data, *test, *validate, *labels, *size;
    const char **label_names; /* what options refers to */
    cli_training training;
    tern_vision_classifier_train_options options;
} request;

static const cli_command command = {
    "tern vision train-classifier", "--data DIR|IDX -o MODEL.onnx [OPTIONS]",
    "Trains a network that tells pictures apart, and writes it as one .onnx file that holds all "
    "that is\n"
    "needed to use it.",
    "DIR has a folder per label with the pictures inside (DIR/cat/1.jpg), or it holds the idx "
    "files of MNIST\n"
    "and its kin, gzipped or not, of which the set named train-... is taken; IDX names such a file "
    "of\n"
    "pictures, whose labels lie beside it. Beside MODEL.onnx a log MODEL.jsonl and, until training "
    "is done,\n"
    "the checkpoint MODEL.ckpt are written; the same command with --resume goes on after Ctrl-C.\n"
    "\n"
    "examples:\n"
    "  tern vision train-classifier --data mnist/ --network lenet --test mnist/ -o digits.onnx\n"
    "  tern vision train-classifier --data photos/ --size 96x96 --augment mirror=0.5 --validate "
    "0.2 \\\n"
    "      --network resnet18 -o photos.onnx"};

static int read_size(const request *r, tern_vision_dataset_options *d) {
    char rest;
    if (!r->size) return EXIT_OK;
    if (sscanf(r->size, "%dx%d%c", &d->width, &d->height, &rest) == 2 && d->width > 0 &&
        d->height > 0)
        return EXIT_OK;
    return cli_usage(&command, "--size %s: write WIDTHxHEIGHT, e.g. 96x96", r->size);
}

static int fill(request *r) {
    tern_vision_classifier_train_options *o = &r->options;
    tern_vision_dataset_options *d = &o->data;
    if (r->labels && !(r->label_names = cli_split(r->labels, &d->n_labels))) return EXIT_FAILED;
    d->labels = r->label_names;
    if (r->validate && !tern__json_read_number(r->validate, &o->validate))
        o->validate_path = r->validate;
    return read_size(r, d);
}

static tern_status train(void *user, tern_model **model, tern_context *c) {
    const request *r = user;
    return tern_vision_classifier_train(model, c, r->data, &r->options);
}

/* How often the model that was just written is right on other pictures. */
static int test(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    tern_confusion *confusion = NULL;
    (void)c;
    const tern_status st =
        tern_vision_classifier_evaluate(&confusion, session, r->test, NULL, NULL, NULL);
    if (st != TERN_OK) return cli_session_failed(session, st);
    const tern_metrics m = tern_confusion_metrics(confusion);
    printf("test: accuracy %.2f %% of %lld pictures\n", 100 * m.accuracy, (long long)m.n);
    tern_confusion_free(confusion);
    return EXIT_OK;
}

static int work(void *user, tern_context *c) {
    request *r = user;
    int code = fill(r);
    const tern_status st = tern_file_check(c, r->training.output, &r->test, 1);
    if (st != TERN_OK) return cli_failed(c, st);
    if (code == EXIT_OK) code = cli_train(&r->training, c, &r->options.train, train, r);
    if (code != EXIT_OK || !r->test) return code;
    return cli_use_model(c, r->training.output, test, r);
}

static int check(const request *r, int operands, char **argv) {
    int code = cli_check_data(&command, r->data, "a folder with a folder per label, or idx files",
                              operands, argv);
    if (code == EXIT_OK) code = cli_check_model_name(&command, r->training.output, NULL);
    return code == EXIT_OK ? cli_check_output(r->training.output) : code;
}

#define ROWS(from, to) CLI_ROWS(tern__vision_classifier_training, &r.options, from, to)

int cli_vision_train_classifier(int argc, char **argv) {
    request r = {.training = {.unit = "pictures"},
                 .options = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT};
    char networks[CLI_NETWORKS_TEXT];
    cli_list_networks(networks, tern_vision_classifier_name, tern_vision_classifier_summary);
    const cli_option options[] = {
        CLI_TITLE("data"),
        {"data", 'd', CLI_TEXT, &r.data, "DIR|IDX", "the pictures", 0, 0},
        {"validate", 0, CLI_TEXT, &r.validate, "SHARE|DIR|IDX",
         "validate on a share such as 0.1, or on other pictures.\nWithout validation the last "
         "weights are kept.",
         0, 0},
        {"test", 0, CLI_TEXT, &r.test, "DIR|IDX",
         "in the end, print how often the model is right on these", 0, 0},
        {"labels", 0, CLI_TEXT, &r.labels, "A,B,...",
         "names of the labels (those of the folders; of idx\nfiles: numbers)", 0, 0},
        {"size", 0, CLI_TEXT, &r.size, "WxH",
         "bring pictures to this size (idx files: as they are;\nfolders: 64x64)", 0, 0},
        ROWS("channels", "memory"),
        CLI_TITLE("network and training"),
        CLI_ROW_SAYS(tern__vision_classifier_training, &r.options, "network", networks),
        CLI_INIT_OPTION(r.training, ", with a new last layer"),
        ROWS("freeze-until", "seed"),
        CLI_TRAINING_THREADS(r.training),
        CLI_FILE_OPTIONS(r.training),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code == EXIT_OK) code = cli_training_run(&r.training, &r.options.init, work, &r);
    free(r.label_names);
    return code;
}
