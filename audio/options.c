/* The options of the sound front end: one table that knows every option's name, type and range, for
 * checking, for writing as JSON and for reading it; and the presets. Knows no samples. */
#include "features.h"

#include "core/json.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef enum field_kind { INTEGER, NUMBER, BOOLEAN, CHOICE } field_kind;

typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset;
    double low, high;           /* inclusive */
    const char *const *choices; /* names of the enum's values, NULL at the end */
} field;

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

/* clang-format off */
#define INTEGER_OPTION(member, low, high)                                                          \
    {#member, INTEGER, offsetof(tern_audio_options, member), low, high, NULL}
#define NUMBER_OPTION(member, low, high)                                                           \
    {#member, NUMBER, offsetof(tern_audio_options, member), low, high, NULL}
#define BOOLEAN_OPTION(member) {#member, BOOLEAN, offsetof(tern_audio_options, member), 0, 1, NULL}
#define CHOICE_OPTION(member, choices)                                                             \
    {#member, CHOICE, offsetof(tern_audio_options, member), 0,                                     \
     (double)(sizeof(choices) / sizeof *(choices)) - 2, choices}
/* clang-format on */

static const field fields[] = {
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
static const size_t field_count = sizeof fields / sizeof *fields;

/* Enums are read and written as the unsigned ints they are in C. */
_Static_assert(sizeof(tern_window) == sizeof(int), "an option's enum is not an int");

static double get(const tern_audio_options *o, const field *f) {
    const char *at = (const char *)o + f->offset;
    if (f->kind == NUMBER) return *(const double *)at;
    if (f->kind == BOOLEAN) return *(const bool *)at;
    return *(const int *)at;
}

static void set(tern_audio_options *o, const field *f, double value) {
    char *at = (char *)o + f->offset;
    if (f->kind == NUMBER)
        *(double *)at = value;
    else if (f->kind == BOOLEAN)
        *(bool *)at = value != 0;
    else
        *(int *)at = (int)value;
}

/* Also false for NaN. */
static bool in_range(const field *f, double value) { return value >= f->low && value <= f->high; }

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
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    if (options && (options->size < sizeof options->size || options->size > sizeof o))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "audio options: size is %zu; start from TERN_AUDIO_OPTIONS_INIT",
                          options->size);
    if (options) memcpy(&o, options, options->size);
    o.size = sizeof o;
    for (const field *f = fields; f < fields + field_count; f++)
        if (!in_range(f, get(&o, f)))
            return tern__fail(c, TERN_ERR_ARGUMENT, "audio options: %s is %g and must be %g..%g",
                              f->name, get(&o, f), f->low, f->high);
    if (o.win_length == 0) o.win_length = o.n_fft;
    if (o.hop_length == 0) o.hop_length = o.win_length / 4 > 0 ? o.win_length / 4 : 1;
    if (o.fmax <= 0) o.fmax += o.sample_rate / 2.0;
    tern_status status = check_together(c, &o);
    if (status == TERN_OK) *resolved = o;
    return status;
}

tern_status tern_audio_options_text(char **text, tern_context *c,
                                    const tern_audio_options *options) {
    *text = NULL;
    tern_audio_options o;
    tern_status status = tern__audio_options_resolve(&o, c, options);
    if (status != TERN_OK) return status;
    json_t *object = json_object();
    for (const field *f = fields; f < fields + field_count; f++) {
        const double value = get(&o, f);
        json_t *item = f->kind == INTEGER   ? json_integer((json_int_t)value)
                       : f->kind == NUMBER  ? json_real(value)
                       : f->kind == BOOLEAN ? json_boolean(value != 0)
                                            : json_string(f->choices[(int)value]);
        tern__json_set(&object, f->name, item);
    }
    return tern__json_write(text, c, "audio options", object);
}

/* One key of the object -> *o. */
static tern_status parse_field(tern_audio_options *o, tern_context *c, const char *key,
                               const json_t *item) {
    const field *f = fields;
    while (f < fields + field_count && strcmp(f->name, key) != 0) f++;
    if (f == fields + field_count)
        return tern__fail(c, TERN_ERR_FORMAT, "audio options: no option is called '%.64s'", key);
    static const char *const wants[] = {"an integer", "a number", "true or false", "a name"};
    const bool fits = f->kind == INTEGER   ? json_is_integer(item)
                      : f->kind == NUMBER  ? json_is_number(item)
                      : f->kind == BOOLEAN ? json_is_boolean(item)
                                           : json_is_string(item);
    if (!fits)
        return tern__fail(c, TERN_ERR_FORMAT, "audio options: %s must be %s", key, wants[f->kind]);
    double value = json_is_boolean(item) ? json_is_true(item) : json_number_value(item);
    if (f->kind == CHOICE) {
        const char *name = json_string_value(item);
        int i = 0;
        while (f->choices[i] && strcmp(f->choices[i], name) != 0) i++;
        if (!f->choices[i])
            return tern__fail(c, TERN_ERR_FORMAT, "audio options: %s cannot be '%.64s'", key, name);
        value = i;
    }
    if (!in_range(f, value))
        return tern__fail(c, TERN_ERR_FORMAT, "audio options: %s is %g and must be %g..%g", key,
                          value, f->low, f->high);
    set(o, f, value);
    return TERN_OK;
}

tern_status tern_audio_options_parse(tern_audio_options *options, tern_context *c, const char *text,
                                     size_t length) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT, resolved;
    const char *key;
    json_t *object, *item;
    tern_status status = tern__json_read_object(&object, c, "audio options", text, length);
    if (status != TERN_OK) return status;
    json_object_foreach(object, key, item) {
        if (status == TERN_OK) status = parse_field(&o, c, key, item);
    }
    json_decref(object);
    if (status == TERN_OK) {
        status = tern__audio_options_resolve(&resolved, c, &o);
        if (status == TERN_ERR_ARGUMENT) status = c->status = TERN_ERR_FORMAT;
    }
    if (status == TERN_OK) *options = o;
    return status;
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

/* A length at another rate: 0 (as long as another length) stays 0, the rest becomes no 0; those beyond any
 * option's range are refused where options are checked. */
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
