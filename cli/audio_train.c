/* tern audio train: its options. What happens then is training.c's. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *data, *root, *file_column, *label_column, *fold_column, *group_column;
    const char *folds, *validate_folds, *network, *preset, *augmentation, *output, *log, *checkpoint;
    const char *init, *freeze_until;
    double validate, hop, learning_rate, seconds, width, dropout, weight_decay, mixup, smoothing, memory;
    int64_t epochs, batch, seed, threads, patience, sample_rate, mels;
    bool resume, quiet, no_augmentation, help;
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
    size_t n = r->output ? strlen(r->output) : 0;
    if (operands)
        return cli_usage(&command, "'%s' is not understood%s", argv[0],
                         r->data ? "" : "; data are named with --data");
    if (!r->data) return cli_usage(&command, "--data is missing: a folder with a folder per label, or a CSV");
    if (!r->output) return cli_usage(&command, "-o is missing: where the model is to be written");
    if (n > 4 && (!strcmp(r->output + n - 4, ".csv") || !strcmp(r->output + n - 4, ".wav")))
        return cli_usage(&command, "-o %s: that is the name of data; a model is called MODEL.onnx",
                         r->output);
    if (r->validate_folds && r->validate != 0)
        return cli_usage(&command, "--validate and --validate-folds exclude each other");
    return cli_check_output(r->output);
}

static int fill(tern_audio_train_options *o, const request *r, tern_context *c, const char ***folds,
                const char ***validate_folds) {
    tern_audio_dataset_options *d = &o->data;
    if (r->preset) {
        tern_status st = tern_audio_options_preset(&d->audio, c, r->preset);
        if (st != TERN_OK) return cli_failed(c, st);
    }
    if (r->sample_rate) d->audio.sample_rate = (int)r->sample_rate;
    if (r->mels) d->audio.n_mels = (int)r->mels;
    if (r->hop > 0) d->audio.hop_length = (int)fmax(1, round(r->hop * d->audio.sample_rate / 1000));
    d->root = r->root;
    d->file_column = r->file_column;
    d->label_column = r->label_column;
    d->fold_column = r->fold_column;
    d->group_column = r->group_column;
    d->seconds = r->seconds;
    d->memory = r->memory * 1e9;
    o->network = r->network;
    o->freeze_until = r->freeze_until;
    o->width = r->width;
    o->dropout = r->dropout;
    o->validate = r->validate;
    o->no_augmentation = r->no_augmentation;
    o->augmentation = r->augmentation;
    d->adapt = !r->sample_rate && !r->preset && r->hop == 0;
    if (r->folds && !(*folds = cli_split(r->folds, &d->n_folds))) return EXIT_FAILED;
    d->folds = *folds;
    if (r->validate_folds && !(*validate_folds = cli_split(r->validate_folds, &o->n_validate_folds)))
        return EXIT_FAILED;
    o->validate_folds = *validate_folds;
    o->train.epochs = (int)r->epochs;
    o->train.batch = r->batch;
    o->train.seed = (uint64_t)r->seed;
    o->train.patience = (int)r->patience;
    o->train.optimizer.learning_rate = r->learning_rate;
    o->train.optimizer.weight_decay = r->weight_decay;
    o->train.loss.label_smoothing = r->smoothing;
    o->train.mixup = r->mixup;
    return EXIT_OK;
}

typedef struct call {
    const char *data;
    tern_audio_train_options *options;
} call;

static tern_status train(void *user, tern_model **model, tern_context *c) {
    const call *k = user;
    return tern_audio_train(model, c, k->data, k->options);
}

int cli_audio_train(int argc, char **argv) {
    request r = {0};
    char networks[300] = "";
    for (size_t i = 0; tern_audio_network_name(i); i++)
        snprintf(networks + strlen(networks), sizeof networks - strlen(networks), "%s%s: %s",
                 i ? "\n" : "", tern_audio_network_name(i), tern_audio_network_summary(i));
    const cli_option options[] = {
        CLI_TITLE("data"),
        {"data", 'd', CLI_TEXT, &r.data, "DIR|CSV", "the sounds", 0, 0},
        {"root", 0, CLI_TEXT, &r.root, "DIR", "where a CSV's files are (the CSV's own folder)", 0, 0},
        {"file-column", 0, CLI_TEXT, &r.file_column, "NAME", "column of file names (filename)", 0, 0},
        {"label-column", 0, CLI_TEXT, &r.label_column, "NAME", "column of labels (category)", 0, 0},
        {"fold-column", 0, CLI_TEXT, &r.fold_column, "NAME", "column of folds (fold, if there is one)", 0, 0},
        {"group-column", 0, CLI_TEXT, &r.group_column, "NAME", "column of recordings, speakers, ...: --validate\nnever parts clips of one", 0, 0},
        {"folds", 0, CLI_TEXT, &r.folds, "A,B,...", "train on these folds (all but those to validate on)", 0, 0},
        {"validate-folds", 0, CLI_TEXT, &r.validate_folds, "A,...", "validate on these folds", 0, 0},
        {"validate", 0, CLI_REAL, &r.validate, "SHARE", "or on this share of the clips, e.g. 0.2. Without\nvalidation the last weights are kept.", 0.001, 0.999},
        CLI_TITLE("sounds"),
        {"seconds", 0, CLI_REAL, &r.seconds, "S", "length that the network sees (that of the clips,\nat most 10)", 0.001, 3600},
        {"sample-rate", 0, CLI_INT, &r.sample_rate, "HZ", "(16000, or that of the clips if it is lower)", 100, 768000},
        {"preset", 0, CLI_TEXT, &r.preset, "NAME", "features of tern, librosa, kaldi, ... (tern)", 0, 0},
        {"hop", 0, CLI_REAL, &r.hop, "MS", "from frame to frame (10, or 20 for long windows)", 0.1, 1000},
        {"mels", 0, CLI_INT, &r.mels, "N", "mel bands", 1, 4096},
        {"memory", 0, CLI_REAL, &r.memory, "GB", "what the clips may take (4)", 0.001, 1e6},
        CLI_TITLE("network and training"),
        {"network", 'n', CLI_TEXT, &r.network, "NAME", networks, 0, 0},
        {"init", 0, CLI_TEXT, &r.init, "MODEL", "go on from a trained model, with a new last layer", 0, 0},
        {"freeze-until", 0, CLI_TEXT, &r.freeze_until, "NODE", "with --init: train only what comes after this node;\nall-but-last: only the new layer", 0, 0},
        {"width", 0, CLI_REAL, &r.width, "X", "channels times this (1)", 0.05, 16},
        {"dropout", 0, CLI_REAL, &r.dropout, "P", "before the last layer", 0, 0.99},
        {"epochs", 'e', CLI_INT, &r.epochs, "N", "passes over the data (by the number of clips)", 1, 100000},
        {"batch", 'b', CLI_INT, &r.batch, "N", "clips a step", 1, 65536},
        {"lr", 0, CLI_REAL, &r.learning_rate, "X", "the highest learning rate", 1e-9, 100},
        {"weight-decay", 0, CLI_REAL, &r.weight_decay, "X", "of AdamW", 0, 10},
        {"mixup", 0, CLI_REAL, &r.mixup, "A", "strength of mixing clips", 0, 10},
        {"label-smoothing", 0, CLI_REAL, &r.smoothing, "X", "", 0, 0.99},
        {"no-augmentation", 0, CLI_FLAG, &r.no_augmentation, NULL, "clips as they are: no shifts, masks, mixing", 0, 0},
        {"augment", 0, CLI_TEXT, &r.augmentation, "NAME=X,...", "other numbers for the variation of clips: time_shift,\ngain, noise, speed, pitch, tilt, time_masks, ...", 0, 0},
        {"patience", 0, CLI_INT, &r.patience, "N", "stop after N epochs without a better validation", 1, 100000},
        {"seed", 's', CLI_INT, &r.seed, "N", "of all random numbers (0)", 0, 9e18},
        {"threads", 't', CLI_INT, &r.threads, "N", "the result does not depend on it (all processors)", 1, 256},
        CLI_TITLE("files"),
        {"output", 'o', CLI_TEXT, &r.output, "FILE", "the model", 0, 0},
        {"resume", 0, CLI_FLAG, &r.resume, NULL, "go on from the checkpoint", 0, 0},
        {"checkpoint", 0, CLI_TEXT, &r.checkpoint, "FILE", "(MODEL.ckpt; removed when training is done)", 0, 0},
        {"log", 0, CLI_TEXT, &r.log, "FILE", "(MODEL.jsonl)", 0, 0},
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "no progress; warnings and errors only", 0, 0},
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code != EXIT_OK) return code;
    tern_context *c = NULL;
    const char **folds = NULL, **validate_folds = NULL;
    tern_audio_train_options o = TERN_AUDIO_TRAIN_OPTIONS_INIT;
    tern_status st = cli_context(&c, r.threads, &r.quiet);
    tern_model *init = NULL;
    if (st == TERN_OK && r.init) st = tern_model_load(&init, c, r.init);
    o.init = init;
    if (st != TERN_OK) code = cli_failed(c, st);
    else code = fill(&o, &r, c, &folds, &validate_folds);
    const cli_training files = {r.output, r.checkpoint, r.log, "clips", r.resume, r.quiet};
    if (code == EXIT_OK) code = cli_train(&files, c, &o.train, train, &(call){r.data, &o});
    tern_model_free(init);
    tern_context_free(c);
    free(folds);
    free(validate_folds);
    return code;
}
