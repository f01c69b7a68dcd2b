/* tern audio features: writes features of a sound as an array or a picture. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *output, *preset, *model;
    int64_t sample_rate, mels, threads;
} request;

static const cli_command command = {"tern audio features",
                                    "FILE -o OUT.npy|OUT.png [--preset NAME]",
                                    "Computes the features of a sound (its log-mel spectrogram "
                                    "unless asked otherwise) and writes them\n"
                                    "as a NumPy array [rows][frames] or as a picture.",
                                    "FILE - is standard input."};

tern_status cli_front_end(tern_audio_options *o, tern_context *c, const char *preset,
                          int64_t sample_rate, int64_t mels) {
    tern_status st = preset ? tern_audio_options_preset(o, c, preset) : TERN_OK;
    if (st != TERN_OK) return st;
    if (sample_rate && preset)
        o->sample_rate = (int)sample_rate;
    else if (sample_rate)
        tern_audio_options_at_rate(o, (int)sample_rate);
    if (mels) o->n_mels = (int)mels;
    return TERN_OK;
}

static int export(const request *r, const char *sound) {
    static const bool quiet = false;
    tern_context *c = NULL;
    size_t rows, frames;
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    tern_status st = cli_context(&c, r->threads, &quiet);
    if (st == TERN_OK) st = cli_front_end(&o, c, r->preset, r->sample_rate, r->mels);
    if (st == TERN_OK) st = tern_audio_export(c, sound, r->output, &o, &rows, &frames);
    int code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    if (st == TERN_OK) printf("%s: %zu rows, %zu frames\n", r->output, rows, frames);
    tern_context_free(c);
    return code;
}

int cli_audio_features(int argc, char **argv) {
    request r = {0};
    char presets[400] = "";
    for (size_t i = 0; tern_audio_preset_name(i); i++)
        snprintf(presets + strlen(presets), sizeof presets - strlen(presets), "%s%s",
                 i == 0       ? ""
                 : i % 5 == 0 ? ",\n"
                              : ", ",
                 tern_audio_preset_name(i));
    const cli_option options[] = {
        {"output", 'o', CLI_TEXT, &r.output, "FILE", "ends in .npy or .png", 0, 0},
        {"preset", 'p', CLI_TEXT, &r.preset, "NAME", presets, 0, 0},
        {"sample-rate", 0, CLI_INT, &r.sample_rate, "HZ", "(the preset's)", 1, 768000},
        {"mels", 0, CLI_INT, &r.mels, "N", "mel bands (the preset's)", 1, 4096},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&command, "the sound file is missing");
    if (argc - at > 1)
        return cli_usage(&command, "one sound at a time; '%s' is too much", argv[at + 1]);
    if (!r.output) return cli_usage(&command, "-o is missing: OUT.npy or OUT.png");
    return export(&r, argv[at]);
}
