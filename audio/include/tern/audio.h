/* Sound in: reading files of any kind, and turning samples into features (spectrograms, mel bands,
 * cepstra) with the definitions of librosa, torchaudio, Kaldi, YAMNet and Whisper.
 *
 * Samples are floats, mono, full scale -1..1, at one sample rate. Features are [rows][frames]
 * floats: row 0 is the lowest frequency, frame 0 the earliest. Data sets, networks and
 * classification are in audio_*.h. Order here: whole files, features, streams, options as text,
 * variations. */
#ifndef TERN_AUDIO_H
#define TERN_AUDIO_H

#include <tern/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Windows over n samples. Periodic ones (the cosine has period n) are for spectrograms, symmetric
 * ones (period n-1) are Kaldi's; see tern_audio_options.periodic. */
typedef enum tern_window {
    TERN_WINDOW_HANN,       /**< 0.5 - 0.5 cos */
    TERN_WINDOW_HAMMING,    /**< 0.54 - 0.46 cos */
    TERN_WINDOW_POVEY,      /**< Hann to the power 0.85 (Kaldi's default) */
    TERN_WINDOW_BLACKMAN,   /**< 0.42 - 0.5 cos + 0.08 cos of the double */
    TERN_WINDOW_RECTANGULAR /**< 1 */
} tern_window;

/** Where frames lie in a sound of n samples. */
typedef enum tern_framing {
    TERN_FRAMING_CENTER, /**< frame t is centred on sample t*hop, the sound is padded by n_fft/2 on
                            both sides with pad_mode: 1 + floor(n / hop) frames (librosa,
                            torchaudio) */
    TERN_FRAMING_FFT,    /**< n_fft samples, inside the sound: 1 + floor((n - n_fft) / hop)
                              (librosa's and torchaudio's center=False) */
    TERN_FRAMING_WINDOW, /**< win_length samples, inside the sound: 1 + floor((n - win_length) /
                            hop) (Kaldi's snip_edges=true, TensorFlow) */
    TERN_FRAMING_MIRROR  /**< win_length samples around t*hop + hop/2, mirrored at the ends:
                              floor((n + hop/2) / hop) (Kaldi's snip_edges=false) */
} tern_framing;

typedef enum tern_pad_mode {
    TERN_PAD_CONSTANT, /**< zeros (librosa since 0.9) */
    TERN_PAD_REFLECT, /**< mirrored without the end sample, again and again where the sound is short
                           (torchaudio, librosa until 0.8) */
    TERN_PAD_EDGE     /**< the end sample repeated */
} tern_pad_mode;

typedef enum tern_feature {
    TERN_FEATURE_SPECTROGRAM, /**< n_fft/2 + 1 rows */
    TERN_FEATURE_MEL,         /**< n_mels rows */
    TERN_FEATURE_MFCC, /**< n_mfcc rows: orthonormal DCT-II of the mel bands after the logarithm */
    TERN_FEATURE_PLP   /**< n_mfcc rows: Kaldi's perceptual linear prediction cepstra */
} tern_feature;

typedef enum tern_mel_scale {
    TERN_MEL_SLANEY, /**< f/(200/3) below 1000 Hz, 15 + ln(f/1000)/(ln(6.4)/27) above */
    TERN_MEL_HTK,    /**< 2595 log10(1 + f/700); triangles straight over Hz (librosa, torchaudio) */
    TERN_MEL_HTK_BANDS /**< the same scale; triangles straight over mel (Kaldi, HTK, TensorFlow) */
} tern_mel_scale;

typedef enum tern_mel_norm {
    TERN_MEL_NORM_NONE,  /**< peak 1 */
    TERN_MEL_NORM_SLANEY /**< area 1: x 2 / (width in Hz) */
} tern_mel_norm;

/** The compression of powers. S is |X|^power. */
typedef enum tern_log_kind {
    TERN_LOG_NONE,
    TERN_LOG_DB,      /**< (20/power) log10(max(amin, S) / max(amin, ref)), then top_db */
    TERN_LOG_NATURAL, /**< ln(max(amin, S) + log_offset), then top_db */
    TERN_LOG_10       /**< log10(max(amin, S) + log_offset), then top_db */
} tern_log_kind;

typedef enum tern_preemphasis {
    TERN_PREEMPHASIS_SOUND, /**< over the sound: y[0] = x[0], y[n] = x[n] - a x[n-1] (torchaudio) */
    TERN_PREEMPHASIS_LIBROSA, /**< the same, but y[0] = 3 x[0] - x[1] for a = 0.97: librosa's start
                               */
    TERN_PREEMPHASIS_FRAME    /**< in each frame: y[0] = x[0] - a x[0] (Kaldi) */
} tern_preemphasis;

typedef enum tern_delta_kind {
    TERN_DELTA_LIBROSA,   /**< Savitzky-Golay of polynomial order = delta order, mode "interp" */
    TERN_DELTA_TORCHAUDIO /**< sum n (c[t+n] - c[t-n]) / (2 sum n^2), ends repeated; the second
                             order is the first applied twice */
} tern_delta_kind;

typedef enum tern_normalize {
    TERN_NORMALIZE_NONE,
    TERN_NORMALIZE_MEAN,         /**< each row minus its mean over the frames (CMN) */
    TERN_NORMALIZE_MEAN_VARIANCE /**< and divided by its standard deviation (CMVN) */
} tern_normalize;

typedef enum tern_resampler {
    TERN_RESAMPLE_SINC_HANN,   /**< Hann-windowed sinc, 6 zero crossings, rolloff 0.99: torchaudio's
                                    default, bit-close and fast */
    TERN_RESAMPLE_SINC_MEDIUM, /**< libsamplerate, 121 dB */
    TERN_RESAMPLE_SINC_BEST,   /**< libsamplerate, 144 dB */
    TERN_RESAMPLE_SINC_FASTEST /**< libsamplerate, 97 dB */
} tern_resampler;

/** How a sound becomes features. TERN_AUDIO_OPTIONS_INIT is tern's own default for recognising
 * sounds: 16 kHz, 25 ms Hann windows every 10 ms, 64 slaney mel bands 0..8000 Hz, ln(S + 1e-6).
 * Presets: tern_audio_options_preset. All of it travels inside a model file as text
 * (tern_audio_options_text). Names are librosa's where it has one. */
typedef struct tern_audio_options {
    size_t size;     /**< sizeof(tern_audio_options), set by the _INIT macro */
    int sample_rate; /**< Hz, 1..768000; sounds of other rates are resampled to it */
    tern_resampler resampler;
    tern_feature feature;
    int n_fft;      /**< even, 2..65536 */
    int win_length; /**< samples, 1..n_fft; 0: n_fft */
    int hop_length; /**< samples, 1..; 0: win_length / 4 */
    tern_window window;
    bool periodic; /**< false: symmetric */
    tern_framing framing;
    tern_pad_mode pad_mode; /**< for TERN_FRAMING_CENTER */
    double sample_scale;    /**< samples are multiplied by it first (Kaldi 32768, PCEN 2^31) */
    bool remove_dc;         /**< each frame minus its mean (Kaldi) */
    double preemphasis;     /**< 0 (off) up to 1 */
    tern_preemphasis preemphasis_kind;
    double power;      /**< exponent of the magnitude: 1, 2 or any other > 0 */
    int n_mels;        /**< 1..4096 */
    double fmin, fmax; /**< Hz; fmax 0: sample_rate / 2, below 0: that much under it */
    tern_mel_scale mel_scale;
    tern_mel_norm mel_norm;
    tern_log_kind log;
    double amin;       /**< the smallest S, >= 0; with a logarithm amin + log_offset >= 1e-30 */
    double ref;        /**< the power of 0 dB, > 0; 0: the largest of the sound */
    double top_db;     /**< keep this many dB below the largest value of the sound; 0: all */
    double log_offset; /**< added inside the logarithm, >= 0 */
    bool pcen; /**< per-channel energy normalisation (after the mel bands, instead of log) */
    double pcen_gain, pcen_bias, pcen_power, pcen_time_constant, pcen_eps;
    int n_mfcc;       /**< 1..n_mels */
    int lpc_order;    /**< PLP: n_mfcc - 1..n_mels */
    double lifter;    /**< 0: off; else coefficient n x (1 + lifter/2 sin(pi (n + s) / lifter)) */
    int lifter_start; /**< s: 1 librosa, 0 Kaldi */
    bool use_energy;  /**< Kaldi: ln of the frame's energy as first row (mel: one more row; MFCC,
                           PLP: instead of row 0) */
    bool raw_energy;  /**< ... before pre-emphasis and window */
    bool htk_compat;  /**< Kaldi: the energy (or C0 times sqrt 2) comes last */
    bool kaldi_twiddles; /**< repeat the rounding errors of Kaldi's transform: bands 90 dB under the
                              frame's loudest then agree with Kaldi's to 0.1 % instead of 0.2 % */
    int deltas;          /**< 0, 1: rows of first derivatives follow, 2: and of second ones */
    tern_delta_kind delta_kind;
    int delta_width;          /**< odd, >= 3 */
    tern_normalize normalize; /**< before deltas */
    double mean, std;         /**< (value - mean) / std, before normalize and deltas */
} tern_audio_options;
/* clang-format off */
#define TERN_AUDIO_OPTIONS_INIT                                                                    \
    {.size = sizeof(tern_audio_options), .sample_rate = 16000,                                     \
     .resampler = TERN_RESAMPLE_SINC_HANN, .feature = TERN_FEATURE_MEL, .n_fft = 512,              \
     .win_length = 400, .hop_length = 160, .window = TERN_WINDOW_HANN, .periodic = true,           \
     .framing = TERN_FRAMING_CENTER, .pad_mode = TERN_PAD_REFLECT, .sample_scale = 1,              \
     .remove_dc = false, .preemphasis = 0, .preemphasis_kind = TERN_PREEMPHASIS_SOUND,             \
     .power = 2, .n_mels = 64, .fmin = 0, .fmax = 0, .mel_scale = TERN_MEL_SLANEY,                 \
     .mel_norm = TERN_MEL_NORM_SLANEY, .log = TERN_LOG_NATURAL, .amin = 0, .ref = 1,               \
     .top_db = 0, .log_offset = 1e-6, .pcen = false, .pcen_gain = 0.98, .pcen_bias = 2,            \
     .pcen_power = 0.5, .pcen_time_constant = 0.4, .pcen_eps = 1e-6, .n_mfcc = 20,                 \
     .lpc_order = 12, .lifter = 0, .lifter_start = 1, .use_energy = false,                         \
     .raw_energy = true, .htk_compat = false, .kaldi_twiddles = false, .deltas = 0,                \
     .delta_kind = TERN_DELTA_LIBROSA, .delta_width = 9,                                           \
     .normalize = TERN_NORMALIZE_NONE, .mean = 0, .std = 1}
/* clang-format on */

/* ---- Whole files ---- */

/** How a file is read. */
typedef struct tern_sound_options {
    size_t size;     /**< sizeof(tern_sound_options), set by the _INIT macro */
    int sample_rate; /**< Hz of the samples wanted; 0: the file's own */
    tern_resampler resampler;
    double max_seconds; /**< tern_sound_load refuses longer sounds: TERN_ERR_LIMIT */
} tern_sound_options;
#define TERN_SOUND_OPTIONS_INIT                                                                    \
    {                                                                                              \
        .size = sizeof(tern_sound_options), .sample_rate = 16000,                                  \
        .resampler = TERN_RESAMPLE_SINC_HANN, .max_seconds = 3600                                  \
    }

/** Reads a whole sound file (any that libsndfile reads; "-": standard input) as mono samples
 * [count] at options->sample_rate; channels are averaged. options may be NULL for the defaults.
 *  Errors: TERN_ERR_IO if it cannot be opened or read; TERN_ERR_FORMAT if it is not a sound file,
 * holds no samples, or a sample that is NaN or infinite; TERN_ERR_LIMIT beyond 64 channels, 768000
 * Hz or max_seconds. A file shorter than its header says is used as far as it goes, with a warning.
 *  On success the caller frees *samples with tern_free; on failure it is NULL. */
TERN_API tern_status tern_sound_load(float **samples, size_t *count, tern_context *context,
                                     const char *path, const tern_sound_options *options);

/* ---- Features ---- */

/** Computes features of sounds; immutable. */
typedef struct tern_features tern_features;

/** Makes the tables (window, filter bank, DCT) for the options. Errors: TERN_ERR_ARGUMENT with the
 *  option's name, value and range. On failure *features is NULL. */
TERN_API tern_status tern_features_create(tern_features **features, tern_context *context,
                                          const tern_audio_options *options);
/** NULL is allowed. */
TERN_API void tern_features_free(tern_features *features);
/** The options with 0 replaced by what it stands for (win_length, hop_length, fmax). */
TERN_API const tern_audio_options *tern_features_options(const tern_features *features);
/** Rows of the output. */
TERN_API size_t tern_features_rows(const tern_features *features);
/** Frames of the output for that many samples; may be 0 (shorter than one frame). */
TERN_API size_t tern_features_frames(const tern_features *features, size_t sample_count);
/** The frequency in Hz at a row's centre (spectrogram, mel), or -1 for rows without one. */
TERN_API double tern_features_frequency(const tern_features *features, size_t row);

/** samples [count] at the options' sample rate -> out [rows][frames]. The bits do not depend on the
 *  number of threads. Errors: TERN_ERR_ARGUMENT if there is no frame, or fewer frames than
 * librosa's deltas need (delta_width); then out is untouched. */
TERN_API tern_status tern_features_compute(const tern_features *features, const float *samples,
                                           size_t count, float *out);

/** Writes features [rows][frames] as a NumPy array (.npy, float32). The old file stays if that
 * fails: TERN_ERR_IO. */
TERN_API tern_status tern_features_save_array(const tern_features *features, const char *path,
                                              const float *values, size_t frames);
/** Draws features [rows][frames] as a picture (PNG): seconds across, Hz upwards, colours in dB over
 * 80 dB at most; name is its title, without its folders. Errors as above. */
TERN_API tern_status tern_features_save_picture(const tern_features *features, const char *path,
                                                const char *name, const float *values,
                                                size_t frames);

/** Short-time Fourier transform with the options' window and framing: samples [count] -> spectrum
 *  [n_fft/2 + 1][frames] of complex numbers as pairs (real, imaginary). Pre-emphasis and
 * sample_scale apply, nothing after the spectrum does. Errors as tern_features_compute. */
TERN_API tern_status tern_features_stft(const tern_features *features, const float *samples,
                                        size_t count, float *spectrum);
/** The inverse: overlap-add of the windowed inverse transforms, divided by the sum of the squared
 *  windows: spectrum [n_fft/2 + 1][frames] pairs -> samples [count], zeros beyond the last frame.
 *  Gives the samples back wherever windows overlap. Errors: TERN_ERR_UNSUPPORTED for framing
 * mirror. Source: Griffin & Lim 1984. */
TERN_API tern_status tern_features_istft(const tern_features *features, const float *spectrum,
                                         size_t frames, float *samples, size_t count);

/* ---- Streams ---- */

/** A sound file being read block by block; memory does not grow with its length. */
typedef struct tern_sound tern_sound;

typedef struct tern_sound_info {
    int sample_rate; /**< Hz, of the file */
    int channels;    /**< of the file, 1..64 */
    int64_t frames;  /**< samples per channel in the file, as far as its header can be trusted */
    double seconds;  /**< frames / sample_rate */
    char format[80]; /**< for people, e.g. "WAV (Microsoft), Signed 16 bit PCM" */
} tern_sound_info;

/** Opens a sound for reading. Errors and warnings as tern_sound_load. On failure *sound is NULL. */
TERN_API tern_status tern_sound_open(tern_sound **sound, tern_context *context, const char *path,
                                     const tern_sound_options *options);
TERN_API const tern_sound_info *tern_sound_describe(const tern_sound *sound);
/** Reads the next mono samples at the wanted rate: *got <= count; *got < count only at the end,
 * then 0. The samples do not depend on the sizes asked for. */
TERN_API tern_status tern_sound_read(tern_sound *sound, float *samples, size_t count, size_t *got);
/** Closes the file and frees the sound. NULL is allowed. */
TERN_API void tern_sound_close(tern_sound *sound);

/** Features of a sound that arrives in pieces: push samples, get frames, equal bit for bit to
 *  tern_features_compute of the whole. */
typedef struct tern_feature_stream tern_feature_stream;

/** Gets `frames` new frames, the first of which has the index first_frame: values
 *  [frames][rows] (frame after frame, unlike tern_features_compute). Returns false to stop, which
 *  makes the push fail with TERN_ERR_INTERRUPTED. */
typedef bool (*tern_on_frames)(void *user, const float *values, size_t frames, int64_t first_frame);

/** Errors: TERN_ERR_UNSUPPORTED for options that need the whole sound at once: top_db, ref 0,
 *  deltas, normalize. features must outlive the stream. On failure *stream is NULL. */
TERN_API tern_status tern_feature_stream_create(tern_feature_stream **stream,
                                                const tern_features *features,
                                                tern_on_frames on_frames, void *user);
/** The next samples [count], any count. */
TERN_API tern_status tern_feature_stream_push(tern_feature_stream *stream, const float *samples,
                                              size_t count);
/** The sound has ended: delivers the last frames. Errors as tern_features_compute for a sound that
 * is too short. */
TERN_API tern_status tern_feature_stream_finish(tern_feature_stream *stream);
TERN_API void tern_feature_stream_free(tern_feature_stream *stream);

/* ---- Options as text, presets ---- */

/** Options as another program's: "tern" (the _INIT), "librosa" (feature.melspectrogram and
 * power_to_db, 22.05 kHz), "librosa-mfcc", "torchaudio" (MelSpectrogram and AmplitudeToDB),
 * "torchaudio-mfcc", "kaldi" (compute-fbank-feats without dither: 23 bands), "kaldi-mfcc",
 * "kaldi-plp", "yamnet" (and VGGish), "whisper" (80 bands; its last frame is not dropped), "pann",
 * "ast", "pcen" (librosa's). Errors: TERN_ERR_ARGUMENT naming all presets; *options is untouched.
 */
TERN_API tern_status tern_audio_options_preset(tern_audio_options *options, tern_context *context,
                                               const char *name);
/** The names above one by one: index 0.. until NULL. Static storage. */
TERN_API const char *tern_audio_preset_name(size_t index);
/** Another sample rate (in Hz, 1..768000) with frames as long and as far apart in seconds as
 * before: win_length and hop_length follow, n_fft is halved or doubled as the window needs. The
 * number of bands stays; an fmax that is above half the new rate becomes 0, which is half the rate.
 */
TERN_API void tern_audio_options_at_rate(tern_audio_options *options, int sample_rate);
/** The options as one JSON object, complete. On success the caller frees *text with tern_free. */
TERN_API tern_status tern_audio_options_text(char **text, tern_context *context,
                                             const tern_audio_options *options);
/** Reads what tern_audio_options_text wrote; keys that are absent keep the _INIT value. Errors:
 *  TERN_ERR_FORMAT for text that is not JSON, an unknown key, a wrong type or a value out of range;
 *  *options is untouched. */
TERN_API tern_status tern_audio_options_parse(tern_audio_options *options, tern_context *context,
                                              const char *text, size_t length);

/* ---- Variations, in place; the same seed gives the same result ---- */

/** Later (by > 0) or earlier (by < 0) by that many samples; silence moves in. */
TERN_API void tern_samples_shift(float *samples, size_t count, int64_t by);
/** Times 10^(db/20). */
TERN_API void tern_samples_gain(float *samples, size_t count, double db);
/** Adds noise snr_db below the sound's mean power (above, where it is negative). noise NULL: white,
 *  normally distributed. Otherwise the recording noise [noise_count], from a random place and round
 * its end; nothing is added where it is silent. */
TERN_API void tern_samples_add_noise(float *samples, size_t count, const float *noise,
                                     size_t noise_count, double snr_db, uint64_t seed);
/** Sets frames [start, start + width) of features [rows][frames] to value: width = floor(U
 * max_width), start = floor(U (frames - width)), as SpecAugment (Park et al. 2019) and torchaudio
 * have it. */
TERN_API void tern_features_mask_frames(float *features, size_t rows, size_t frames,
                                        size_t max_width, float value, uint64_t seed);
/** The same for rows (frequencies). */
TERN_API void tern_features_mask_rows(float *features, size_t rows, size_t frames, size_t max_width,
                                      float value, uint64_t seed);
/** Mixup (Zhang et al. 2018) of two examples, features or samples or label probabilities alike:
 *  values = weight values + (1 - weight) other. */
TERN_API void tern_features_mix(float *values, const float *other, size_t count, double weight);

#ifdef __cplusplus
}
#endif
#endif
