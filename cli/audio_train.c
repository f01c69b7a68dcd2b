/* tern audio train: its options. What happens then is training.c's. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>

typedef struct request {
    const char *data, *root, *file_column, *label_column, *fold_column, *group_column;
    const char *folds, *validate_folds, *preset, *augmentation;
    double validate, hop, seconds, width, dropout, memory;
    int64_t sample_rate, mels;
    bool no_augmentation, no_header;
    const char **fold_names, **validate_names; /* what options refers to */
    cli_training training;
    tern_audio_train_options options;
} request;

static const cli_command command = {
    "tern audio train", "--data DIR|CSV -o MODEL.onnx [OPTIONS]",
    "Trains a network that tells sounds apart, and writes it as one .onnx file that holds all that is\n"
    "needed to use it.",
    "DIR has a folder per label with the sounds inside (DIR/dog/1.wav); folders below that are groups.\n"
    "A CSV has a header; its columns are named with the options above. Beside MODEL.onnx a log\n"
    "MODEL.jsonl (one JSON object an epoch) and, until training is done, the checkpoint MODEL.ckpt are\n"
    "written. Ctrl-C saves the checkpoint; the same command with --resume goes on from there and ends\n"
    "with the same weights as if it had never stopped.\n"
    "\n"
    "examples:\n"
    "  tern audio train --data drums/ --validate 0.2 -o drums.onnx\n"
    "  tern audio train --data esc10.csv --root ogg --group-column src_file --folds 1,2,3 \\\n"
    "      --validate-folds 4 -o esc10.onnx"};

static int check(const request *r, int operands, char **argv) {
    int code = cli_check_data(&command, r->data, "a folder with a folder per label, or a CSV",
                              operands, argv);
    if (code == EXIT_OK) code = cli_check_model_name(&command, r->training.output, ".wav");
    if (code == EXIT_OK && r->validate_folds && r->validate != 0)
        code = cli_usage(&command, "--validate and --validate-folds exclude each other");
    return code == EXIT_OK ? cli_check_output(r->training.output) : code;
}

static int fill(request *r, tern_context *c) {
    tern_audio_train_options *o = &r->options;
    tern_audio_dataset_options *d = &o->data;
    tern_status st = cli_front_end(&d->audio, c, r->preset, r->sample_rate, r->mels);
    if (st != TERN_OK) return cli_failed(c, st);
    if (r->hop > 0) d->audio.hop_length = (int)fmax(1, round(r->hop * d->audio.sample_rate / 1000));
    d->root = r->root;
    d->file_column = r->file_column;
    d->label_column = r->label_column;
    d->no_header = r->no_header;
    d->fold_column = r->fold_column;
    d->group_column = r->group_column;
    d->seconds = r->seconds;
    d->memory = r->memory * 1e9;
    o->network = r->training.network;
    o->freeze_until = r->training.freeze_until;
    o->width = r->width;
    o->dropout = r->dropout;
    o->validate = r->validate;
    o->no_augmentation = r->no_augmentation;
    o->augmentation = r->augmentation;
    d->adapt = !r->preset && r->hop == 0;
    if (r->folds && !(r->fold_names = cli_split(r->folds, &d->n_folds))) return EXIT_FAILED;
    d->folds = r->fold_names;
    if (r->validate_folds &&
        !(r->validate_names = cli_split(r->validate_folds, &o->n_validate_folds)))
        return EXIT_FAILED;
    o->validate_folds = r->validate_names;
    return EXIT_OK;
}

static tern_status train(void *user, tern_model **model, tern_context *c) {
    const request *r = user;
    return tern_audio_train(model, c, r->data, &r->options);
}

static int work(void *user, tern_context *c) {
    request *r = user;
    const int code = fill(r, c);
    return code == EXIT_OK ? cli_train(&r->training, c, &r->options.train, train, r) : code;
}

int cli_audio_train(int argc, char **argv) {
    request r = {.training = {.unit = "clips"}, .options = TERN_AUDIO_TRAIN_OPTIONS_INIT};
    char networks[CLI_NETWORKS_TEXT];
    cli_list_networks(networks, tern_audio_network_name, tern_audio_network_summary);
    const cli_option options[] = {
        CLI_TITLE("data"),
        {"data", 'd', CLI_TEXT, &r.data, "DIR|CSV", "the sounds", 0, 0},
        {"root", 0, CLI_TEXT, &r.root, "DIR", "where a CSV's files are (the CSV's own folder)", 0, 0},
        {"file-column", 0, CLI_TEXT, &r.file_column, "NAME", "column of file names (filename)", 0, 0},
        {"label-column", 0, CLI_TEXT, &r.label_column, "NAME", "column of labels (category)", 0, 0},
        {"no-header", 0, CLI_FLAG, &r.no_header, NULL, "a CSV has none: columns are numbers (file 1, label 2)", 0, 0},
        {"fold-column", 0, CLI_TEXT, &r.fold_column, "NAME", "column of folds (fold, if there is one)", 0, 0},
        {"group-column", 0, CLI_TEXT, &r.group_column, "NAME", "column of recordings, speakers, ...: --validate\nnever parts clips of one", 0, 0},
        {"folds", 0, CLI_TEXT, &r.folds, "A,B,...", "train on these folds (all but those to validate on)", 0, 0},
        {"validate-folds", 0, CLI_TEXT, &r.validate_folds, "A,...", "validate on these folds", 0, 0},
        {"validate", 0, CLI_REAL, &r.validate, "SHARE", "or on this share of the clips, e.g. 0.2. Without\nvalidation the last weights are kept.", 0.001, 0.999},
        CLI_TITLE("sounds"),
        {"seconds", 0, CLI_REAL, &r.seconds, "S", "length that the network sees (that of the clips,\nat most 10)", 0.001, 3600},
        {"sample-rate", 0, CLI_INT, &r.sample_rate, "HZ", "(16000, or that of the clips if it is lower);\nframes are as long at any rate, with --preset as\nmany samples", 100, 768000},
        {"preset", 0, CLI_TEXT, &r.preset, "NAME", "features of tern, librosa, kaldi, ... (tern)", 0, 0},
        {"hop", 0, CLI_REAL, &r.hop, "MS", "from frame to frame (10, or 20 for long windows)", 0.1, 1000},
        {"mels", 0, CLI_INT, &r.mels, "N", "mel bands", 1, 4096},
        {"memory", 0, CLI_REAL, &r.memory, "GB", "what the clips may take (4)", 0.001, 1e6},
        CLI_NETWORK_OPTION(r.training, networks),
        CLI_INIT_OPTIONS(r.training, ", with a new last layer"),
        {"width", 0, CLI_REAL, &r.width, "X", "channels times this (1)", 0.05, 16},
        {"dropout", 0, CLI_REAL, &r.dropout, "P", "before the last layer", 0, 0.99},
        CLI_STEP_OPTIONS(r.training, "passes over the data (by the number of clips)", "clips a step"),
        CLI_RATE_OPTIONS(r.training, "of AdamW"),
        CLI_MIXING_OPTIONS(r.training, "clips"),
        {"no-augmentation", 0, CLI_FLAG, &r.no_augmentation, NULL, "clips as they are: no shifts, masks, mixing", 0, 0},
        {"augment", 0, CLI_TEXT, &r.augmentation, "NAME=X,...", "other numbers for the variation of clips: time_shift,\ngain, noise, speed, pitch, tilt, style, time_masks, ...", 0, 0},
        CLI_RUN_OPTIONS(r.training),
        CLI_FILE_OPTIONS(r.training),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code == EXIT_OK)
        code = cli_training_run(&r.training, &r.options.train, &r.options.init, work, &r);
    free(r.fold_names);
    free(r.validate_names);
    return code;
}
