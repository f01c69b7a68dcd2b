/* The options of the sound front end, as a table and what no table can say of them, and its
 * presets; those of training as a table. Knows no samples. */
#include "options.h"
#include "features.h"

#include "core/train/training.h"
#include <tern/audio_train.h>

#include <float.h>
#include <math.h>
#include <string.h>

static const char *const resamplers[] = {"sinc_hann", "sinc_medium", "sinc_best", "sinc_fastest",
                                         NULL};
static const char *const kinds[] = {"spectrogram", "mel", "mfcc", "plp", NULL};
static const char *const windows[] = {"hann", "hamming", "povey", "blackman", "rectangular", NULL};
static const char *const framings[] = {"center", "fft", "window", "mirror", NULL};
static const char *const pad_modes[] = {"constant", "reflect", "edge", NULL};
static const char *const preemphases[] = {"sound", "librosa", "frame", NULL};
static const char *const mel_scales[] = {"slaney", "htk", "htk_bands", NULL};
static const char *const mel_norms[] = {"none", "slaney", NULL};
static const char *const logs[] = {"none", "db", "natural", "log10", NULL};
static const char *const delta_kinds[] = {"librosa", "torchaudio", NULL};
static const char *const normalizations[] = {"none", "mean", "mean_variance", NULL};

#define INTEGER_OPTION(member, low, high) TERN__INT_OPTION(tern_audio_options, member, low, high)
#define NUMBER_OPTION(member, low, high) TERN__REAL_OPTION(tern_audio_options, member, low, high)
#define BOOLEAN_OPTION(member) TERN__FLAG_OPTION(tern_audio_options, member)
#define CHOICE_OPTION(member, names) TERN__CHOICE_OPTION(tern_audio_options, member, names)
static const tern__option rows[] = {
    INTEGER_OPTION(sample_rate, 1, 768000),
    CHOICE_OPTION(resampler, resamplers),
    CHOICE_OPTION(feature, kinds),
    INTEGER_OPTION(n_fft, 2, 65536),
    INTEGER_OPTION(win_length, 0, 65536),
    INTEGER_OPTION(hop_length, 0, 1 << 20),
    CHOICE_OPTION(window, windows),
    BOOLEAN_OPTION(periodic),
    CHOICE_OPTION(framing, framings),
    CHOICE_OPTION(pad_mode, pad_modes),
    NUMBER_OPTION(sample_scale, 1e-12, 1e12),
    BOOLEAN_OPTION(remove_dc),
    NUMBER_OPTION(preemphasis, 0, 1),
    CHOICE_OPTION(preemphasis_kind, preemphases),
    NUMBER_OPTION(power, 0.01, 8),
    INTEGER_OPTION(n_mels, 1, 4096),
    NUMBER_OPTION(fmin, 0, 384000),
    NUMBER_OPTION(fmax, -384000, 384000),
    CHOICE_OPTION(mel_scale, mel_scales),
    CHOICE_OPTION(mel_norm, mel_norms),
    CHOICE_OPTION(log, logs),
    NUMBER_OPTION(amin, 0, 1e12),
    NUMBER_OPTION(ref, 0, 1e30),
    NUMBER_OPTION(top_db, 0, 1000),
    NUMBER_OPTION(log_offset, 0, 1e12),
    BOOLEAN_OPTION(pcen),
    NUMBER_OPTION(pcen_gain, 0, 100),
    NUMBER_OPTION(pcen_bias, 0, 1e12),
    NUMBER_OPTION(pcen_power, 1e-3, 100),
    NUMBER_OPTION(pcen_time_constant, 1e-4, 1e4),
    NUMBER_OPTION(pcen_eps, 1e-30, 1e6),
    INTEGER_OPTION(n_mfcc, 1, 4096),
    INTEGER_OPTION(lpc_order, 1, 4096),
    NUMBER_OPTION(lifter, 0, 1e6),
    INTEGER_OPTION(lifter_start, 0, 1),
    BOOLEAN_OPTION(use_energy),
    BOOLEAN_OPTION(raw_energy),
    BOOLEAN_OPTION(htk_compat),
    BOOLEAN_OPTION(kaldi_twiddles),
    INTEGER_OPTION(deltas, 0, 2),
    CHOICE_OPTION(delta_kind, delta_kinds),
    INTEGER_OPTION(delta_width, 3, 999),
    CHOICE_OPTION(normalize, normalizations),
    NUMBER_OPTION(mean, -1e12, 1e12),
    NUMBER_OPTION(std, 1e-12, 1e12),
};
static const tern_audio_options defaults = TERN_AUDIO_OPTIONS_INIT;
const tern__options tern__audio_options =
    TERN__OPTIONS("audio options", tern_audio_options, rows, &defaults, "TERN_AUDIO_OPTIONS_INIT");

typedef tern_audio_train_options training;
#define ROW(name, kind, ...) TERN__ROW(name, kind, training, __VA_ARGS__)
#define TEXT(name, member, argument, sentence)                                                     \
    TERN__TEXT_ROW(name, training, member, argument, sentence)
static const tern__option training_rows[] = {
    TEXT("root", data.root, "DIR", "where a CSV's files are (the CSV's own folder)"),
    TEXT("file-column", data.file_column, "NAME", "column of file names (filename)"),
    TEXT("label-column", data.label_column, "NAME", "column of labels (category)"),
    TERN__FLAG_ROW("no-header", training, data.no_header,
                   "a CSV has none: columns are numbers (file 1, label 2)"),
    TEXT("fold-column", data.fold_column, "NAME", "column of folds (fold, if there is one)"),
    TEXT("group-column", data.group_column, "NAME",
         "column of recordings, speakers, ...: --validate\nnever parts clips of one"),
    ROW("validate", REAL, validate, 0.001, 0.999, "SHARE",
        "or on this share of the clips, e.g. 0.2. Without\n"
        "validation the last weights are kept."),
    ROW("seconds", REAL, data.seconds, 0.001, 3600, "S",
        "length that the network sees (that of the clips,\nat most 10)"),
    ROW("memory", REAL, data.memory, 0.001, 1e6, "GB", "what the clips may take (4)", .unit = 1e9),
    TERN__TEXT_ROW("network", training, network, "NAME", "the kind of network", .letter = 'n'),
    TERN__TRAINING_FREEZE(training),
    ROW("width", REAL, width, 0.05, 16, "X", "channels times this (1)"),
    ROW("dropout", REAL, dropout, 0, 0.99, "P", "before the last layer"),
    TERN__TRAINING_STEPS(training, "passes over the data (by the number of clips)", "clips a step"),
    TERN__TRAINING_RATES(training, "of AdamW"),
    TERN__TRAINING_MIXING(training, "clips"),
    TERN__FLAG_ROW("no-augmentation", training, no_augmentation,
                   "clips as they are: no shifts, masks, mixing"),
    TEXT("augment", augmentation, "NAME=X,...",
         "other numbers for the variation of clips: time_shift,\n"
         "gain, noise, speed, pitch, tilt, style, time_masks, ..."),
    TERN__TRAINING_END(training)};
static const tern_audio_train_options training_defaults = TERN_AUDIO_TRAIN_OPTIONS_INIT;
const tern__options tern__audio_training =
    TERN__OPTIONS("training options of sounds", tern_audio_train_options, training_rows,
                  &training_defaults, "TERN_AUDIO_TRAIN_OPTIONS_INIT");

/* What one option's range cannot say. */
static tern_status check_together(tern_context *c, const tern_audio_options *o) {
    if (o->n_fft % 2)
        return tern__fail(c, TERN_ERR_ARGUMENT, "audio options: n_fft is %d and must be even",
                          o->n_fft);
    if (o->win_length > o->n_fft)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "audio options: win_length is %d and must not be more than n_fft, %d",
                          o->win_length, o->n_fft);
    if (o->fmax > o->sample_rate / 2.0 || o->fmin >= o->fmax)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "audio options: fmin %g and fmax %g Hz must be in order and at most half "
                          "the sample rate, %g Hz",
                          o->fmin, o->fmax, o->sample_rate / 2.0);
    if (o->log != TERN_LOG_NONE && !o->pcen &&
        o->amin + (o->log == TERN_LOG_DB ? 0 : o->log_offset) < 1e-30)
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "audio options: amin %g and log_offset %g give silence no logarithm; with "
            "log their sum must be at least 1e-30 (for db, amin)",
            o->amin, o->log_offset);
    const bool cepstra = o->feature == TERN_FEATURE_MFCC || o->feature == TERN_FEATURE_PLP;
    if (cepstra && o->n_mfcc > o->n_mels)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "audio options: n_mfcc is %d and must not be more than n_mels, %d",
                          o->n_mfcc, o->n_mels);
    if (o->feature == TERN_FEATURE_PLP && (o->log != TERN_LOG_NONE || o->pcen))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "audio options: feature plp takes powers: log must be none, pcen false");
    if (o->feature == TERN_FEATURE_PLP &&
        (o->lpc_order < o->n_mfcc - 1 || o->lpc_order > o->n_mels))
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "audio options: lpc_order is %d and must be n_mfcc - 1 = %d up to n_mels = "
            "%d",
            o->lpc_order, o->n_mfcc - 1, o->n_mels);
    if (o->delta_width % 2 == 0)
        return tern__fail(c, TERN_ERR_ARGUMENT, "audio options: delta_width is %d and must be odd",
                          o->delta_width);
    return TERN_OK;
}

tern_status tern__audio_options_resolve(tern_audio_options *resolved, tern_context *c,
                                        const tern_audio_options *options) {
    tern_audio_options o;
    tern_status status = tern__options_resolve(&tern__audio_options, &o, c, options);
    if (status != TERN_OK) return status;
    if (o.win_length == 0) o.win_length = o.n_fft;
    if (o.hop_length == 0) o.hop_length = o.win_length / 4 > 0 ? o.win_length / 4 : 1;
    if (o.fmax <= 0) o.fmax += o.sample_rate / 2.0;
    status = check_together(c, &o);
    if (status == TERN_OK) *resolved = o;
    return status;
}

tern_status tern_audio_options_text(char **text, tern_context *c,
                                    const tern_audio_options *options) {
    *text = NULL;
    tern_audio_options o;
    const tern_status status = tern__audio_options_resolve(&o, c, options);
    return status == TERN_OK ? tern__options_to_json(&tern__audio_options, text, c, &o) : status;
}

tern_status tern_audio_options_parse(tern_audio_options *options, tern_context *c, const char *text,
                                     size_t length) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT, resolved;
    tern_status status = tern__options_from_json(&tern__audio_options, &o, c, text, length);
    if (status != TERN_OK) return status;
    status = tern__audio_options_resolve(&resolved, c, &o);
    if (status == TERN_OK) *options = o;
    return status == TERN_ERR_ARGUMENT ? (c->status = TERN_ERR_FORMAT) : status;
}

static tern_audio_options librosa(void) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    o.sample_rate = 22050;
    o.n_fft = o.win_length = 2048;
    o.hop_length = 512;
    o.pad_mode = TERN_PAD_CONSTANT;
    o.n_mels = 128;
    o.log = TERN_LOG_DB;
    o.log_offset = 0;
    o.amin = 1e-10;
    o.top_db = 80;
    return o;
}

static tern_audio_options torchaudio(void) {
    tern_audio_options o = librosa();
    o.sample_rate = 16000;
    o.n_fft = o.win_length = 400;
    o.hop_length = 200;
    o.pad_mode = TERN_PAD_REFLECT;
    o.mel_scale = TERN_MEL_HTK;
    o.mel_norm = TERN_MEL_NORM_NONE;
    o.top_db = 0;
    o.delta_kind = TERN_DELTA_TORCHAUDIO;
    o.delta_width = 5;
    return o;
}

static tern_audio_options kaldi(void) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    o.window = TERN_WINDOW_POVEY;
    o.periodic = false;
    o.framing = TERN_FRAMING_WINDOW;
    o.sample_scale = 32768;
    o.remove_dc = true;
    o.preemphasis = 0.97;
    o.preemphasis_kind = TERN_PREEMPHASIS_FRAME;
    o.n_mels = 23;
    o.fmin = 20;
    o.mel_scale = TERN_MEL_HTK_BANDS;
    o.mel_norm = TERN_MEL_NORM_NONE;
    o.log_offset = 0;
    o.amin = FLT_EPSILON;
    o.kaldi_twiddles = true;
    o.n_mfcc = 13;
    o.lifter = 22;
    o.lifter_start = 0;
    o.delta_kind = TERN_DELTA_TORCHAUDIO;
    o.delta_width = 5;
    return o;
}

/* A length at another rate: 0 (as long as another length) stays 0, the rest becomes no 0; those
 * beyond any option's range are refused where options are checked. */
static int at_rate(int length, double ratio) {
    return length ? (int)fmax(1, fmin(round(length * ratio), 1 << 20)) : 0;
}

void tern_audio_options_at_rate(tern_audio_options *o, int sample_rate) {
    const double ratio = (double)sample_rate / o->sample_rate, wanted = at_rate(o->n_fft, ratio);
    o->win_length = at_rate(o->win_length, ratio);
    o->hop_length = at_rate(o->hop_length, ratio);
    const double least = o->win_length ? o->win_length : wanted;
    while (o->n_fft % 4 == 0 && o->n_fft / 2 >= fmax(least, wanted)) o->n_fft /= 2;
    while (o->n_fft > 0 && o->n_fft < least) o->n_fft *= 2;
    if (o->fmax > sample_rate / 2.0) o->fmax = 0;
    o->sample_rate = sample_rate;
}

static const char *const preset_names[] = {
    "tern",  "librosa",    "librosa-mfcc", "torchaudio", "torchaudio-mfcc",
    "kaldi", "kaldi-mfcc", "kaldi-plp",    "yamnet",     "whisper",
    "pann",  "ast",        "pcen",         NULL};

const char *tern_audio_preset_name(size_t index) {
    return index < sizeof preset_names / sizeof *preset_names ? preset_names[index] : NULL;
}

tern_status tern_audio_options_preset(tern_audio_options *options, tern_context *c,
                                      const char *name) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    if (!strcmp(name, "tern")) {
    } else if (!strcmp(name, "librosa")) {
        o = librosa();
    } else if (!strcmp(name, "librosa-mfcc")) {
        o = librosa();
        o.feature = TERN_FEATURE_MFCC;
    } else if (!strcmp(name, "torchaudio")) {
        o = torchaudio();
    } else if (!strcmp(name, "torchaudio-mfcc")) {
        o = torchaudio();
        o.feature = TERN_FEATURE_MFCC;
        o.n_mfcc = 40;
        o.top_db = 80;
    } else if (!strcmp(name, "kaldi")) {
        o = kaldi();
    } else if (!strcmp(name, "kaldi-mfcc")) {
        o = kaldi();
        o.feature = TERN_FEATURE_MFCC;
        o.use_energy = true;
    } else if (!strcmp(name, "kaldi-plp")) {
        o = kaldi();
        o.feature = TERN_FEATURE_PLP;
        o.use_energy = true;
        o.log = TERN_LOG_NONE;
    } else if (!strcmp(name, "yamnet")) {
        o.framing = TERN_FRAMING_WINDOW;
        o.power = 1;
        o.fmin = 125;
        o.fmax = 7500;
        o.mel_scale = TERN_MEL_HTK_BANDS;
        o.mel_norm = TERN_MEL_NORM_NONE;
        o.log_offset = 0.001;
    } else if (!strcmp(name, "whisper")) {
        o.n_fft = 400;
        o.n_mels = 80;
        o.log = TERN_LOG_10;
        o.log_offset = 0;
        o.amin = 1e-10;
        o.top_db = 80; /* max - 8 in log10 */
        o.mean = -4;
        o.std = 4;
    } else if (!strcmp(name, "pann")) {
        o.sample_rate = 32000;
        o.n_fft = o.win_length = 1024;
        o.hop_length = 320;
        o.fmin = 50;
        o.fmax = 14000;
        o.log = TERN_LOG_DB;
        o.log_offset = 0;
        o.amin = 1e-10;
    } else if (!strcmp(name, "ast")) {
        o = kaldi();
        o.window = TERN_WINDOW_HANN;
        o.sample_scale = 1;
        o.kaldi_twiddles = false; /* made by torchaudio */
        o.n_mels = 128;
        o.mean = -4.2677393;
        o.std = 2 * 4.5689974;
    } else if (!strcmp(name, "pcen")) {
        o = librosa();
        o.log = TERN_LOG_NONE;
        o.power = 1;
        o.sample_scale = 2147483648.0;
        o.pcen = true;
    } else {
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "audio options: no preset is called '%.64s'; there are tern, librosa, "
            "librosa-mfcc, torchaudio, torchaudio-mfcc, kaldi, kaldi-mfcc, kaldi-plp, "
            "yamnet, whisper, pann, ast, pcen",
            name);
    }
    *options = o;
    return TERN_OK;
}
