/* tern audio train: its options. What happens then is training.c's. */
#include "audio/options.h"
#include "cli.h"

#include <math.h>
#include <stdlib.h>

typedef struct request {
    const char *data, *folds, *validate_folds, *preset;
    double hop;
    int64_t sample_rate, mels;
    const char **fold_names, **validate_names; /* what options refers to */
    cli_training training;
    tern_audio_train_options options;
} request;

static const cli_command command = {
    "tern audio train", "--data DIR|CSV -o MODEL.onnx [OPTIONS]",
    "Trains a network that tells sounds apart, and writes it as one .onnx file that holds all that "
    "is\n"
    "needed to use it.",
    "DIR has a folder per label with the sounds inside (DIR/dog/1.wav); folders below that are "
    "groups.\n"
    "A CSV has a header; its columns are named with the options above. Beside MODEL.onnx a log\n"
    "MODEL.jsonl (one JSON object an epoch) and, until training is done, the checkpoint MODEL.ckpt "
    "are\n"
    "written. Ctrl-C saves the checkpoint; the same command with --resume goes on from there and "
    "ends\n"
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
    if (code == EXIT_OK && r->validate_folds && r->options.validate != 0)
        code = cli_usage(&command, "--validate and --validate-folds exclude each other");
    return code == EXIT_OK ? cli_check_output(r->training.output) : code;
}

static int fill(request *r, tern_context *c) {
    tern_audio_train_options *o = &r->options;
    tern_audio_dataset_options *d = &o->data;
    tern_status st = cli_front_end(&d->audio, c, r->preset, r->sample_rate, r->mels);
    if (st != TERN_OK) return cli_failed(c, st);
    if (r->hop > 0) d->audio.hop_length = (int)fmax(1, round(r->hop * d->audio.sample_rate / 1000));
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
        CLI_ROWS(tern__audio_training, &r.options, "root", "group-column"),
        {"folds", 0, CLI_TEXT, &r.folds, "A,B,...",
         "train on these folds (all but those to validate on)", 0, 0},
        {"validate-folds", 0, CLI_TEXT, &r.validate_folds, "A,...", "validate on these folds", 0,
         0},
        CLI_ROW(tern__audio_training, &r.options, "validate"),
        CLI_TITLE("sounds"),
        CLI_ROW(tern__audio_training, &r.options, "seconds"),
        {"sample-rate", 0, CLI_INT, &r.sample_rate, "HZ",
         "(16000, or that of the clips if it is lower);\nframes are as long at any rate, with "
         "--preset as\nmany samples",
         100, 768000},
        {"preset", 0, CLI_TEXT, &r.preset, "NAME", "features of tern, librosa, kaldi, ... (tern)",
         0, 0},
        {"hop", 0, CLI_REAL, &r.hop, "MS", "from frame to frame (10, or 20 for long windows)", 0.1,
         1000},
        {"mels", 0, CLI_INT, &r.mels, "N", "mel bands", 1, 4096},
        CLI_ROW(tern__audio_training, &r.options, "memory"),
        CLI_TITLE("network and training"),
        CLI_ROW_SAYS(tern__audio_training, &r.options, "network", networks),
        CLI_INIT_OPTION(r.training, ", with a new last layer"),
        CLI_ROWS(tern__audio_training, &r.options, "freeze-until", "seed"),
        CLI_TRAINING_THREADS(r.training),
        CLI_FILE_OPTIONS(r.training),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    int code = check(&r, argc - at, argv + at);
    if (code == EXIT_OK) code = cli_training_run(&r.training, &r.options.init, work, &r);
    free(r.fold_names);
    free(r.validate_names);
    return code;
}
