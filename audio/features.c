/* tern_features: tables from options, and the features of a whole sound. Owns the order of the
 * steps; the steps are in frames.c and rows.c. */
#include "features.h"

#include <math.h>
#include <string.h>

/* Orthonormal DCT-II, rows scaled by the lifter. */
static tern_status make_dct(tern_features *f, tern_context *c) {
    const tern_audio_options *o = &f->options;
    const int bands = o->n_mels;
    f->dct = tern__alloc(c, sizeof *f->dct * (size_t)o->n_mfcc * (size_t)bands);
    if (!f->dct) return TERN_ERR_MEMORY;
    for (int n = 0; n < o->n_mfcc; n++)
        for (int b = 0; b < bands; b++)
            f->dct[(size_t)n * (size_t)bands + (size_t)b] =
                (float)(tern__lifter(o, n) * sqrt((n == 0 ? 1.0 : 2.0) / bands) *
                        cos(TERN__PI / bands * (b + 0.5) * n));
    return TERN_OK;
}

static tern_status make_window(tern_features *f, tern_context *c) {
    const tern_audio_options *o = &f->options;
    const size_t length = (size_t)o->win_length;
    double *w = tern__alloc(c, sizeof *w * length);
    f->window = tern__alloc(c, sizeof *f->window * length);
    if (w && f->window) {
        tern__window(w, o->win_length, o->window, o->periodic);
        for (size_t i = 0; i < length; i++) f->window[i] = (float)w[i];
    }
    tern__free(c, w);
    return w && f->window ? TERN_OK : TERN_ERR_MEMORY;
}

static tern_status make_tables(tern_features *f, tern_context *c) {
    const tern_audio_options *o = &f->options;
    tern_status status = make_window(f, c);
    if (status == TERN_OK && o->feature != TERN_FEATURE_SPECTROGRAM)
        status = tern__filter_bank_create(&f->bank, c, o);
    if (status == TERN_OK && o->feature == TERN_FEATURE_MFCC) status = make_dct(f, c);
    if (status == TERN_OK && o->feature == TERN_FEATURE_PLP) status = tern__plp_tables(f, c);
    return status;
}

tern_status tern_features_create(tern_features **features, tern_context *c,
                                 const tern_audio_options *options) {
    *features = NULL;
    tern_features *f = tern__calloc(c, 1, sizeof *f);
    if (!f) return TERN_ERR_MEMORY;
    f->context = c;
    tern_audio_options *o = &f->options;
    tern_status status = tern__audio_options_resolve(o, c, options);
    if (status != TERN_OK) goto failed;
    const bool spectrogram = o->feature == TERN_FEATURE_SPECTROGRAM;
    const bool cepstra = o->feature == TERN_FEATURE_MFCC || o->feature == TERN_FEATURE_PLP;
    const bool center = o->framing == TERN_FRAMING_CENTER || o->framing == TERN_FRAMING_FFT;
    f->bins = o->n_fft / 2 + 1;
    f->bands = spectrogram ? f->bins : o->n_mels;
    f->base_rows = cepstra ? o->n_mfcc : f->bands;
    if (o->feature == TERN_FEATURE_MEL && o->use_energy) f->base_rows++;
    f->window_place = center ? (o->n_fft - o->win_length) / 2 : 0;
    f->whole = o->log != TERN_LOG_NONE && !o->pcen && (o->top_db > 0 || o->ref == 0);
    /* librosa's smoothing coefficient for a time constant of T frames */
    const double frames = o->pcen_time_constant * o->sample_rate / o->hop_length;
    f->pcen_b = (sqrt(1 + 4 * frames * frames) - 1) / (2 * frames * frames);
    status = make_tables(f, c);
    if (status != TERN_OK) goto failed;
    *features = f;
    return TERN_OK;
failed:
    tern_features_free(f);
    return status;
}

void tern_features_free(tern_features *f) {
    if (!f) return;
    tern_context *c = f->context;
    tern__free(c, f->window);
    tern__filter_bank_destroy(&f->bank, c);
    tern__free(c, f->dct);
    tern__free(c, f->plp_loudness);
    tern__free(c, f->plp_cosines);
    tern__free(c, f);
}

const tern_audio_options *tern_features_options(const tern_features *f) { return &f->options; }

size_t tern_features_rows(const tern_features *f) {
    return (size_t)f->base_rows * (size_t)(1 + f->options.deltas);
}

size_t tern_features_frames(const tern_features *f, size_t count) {
    return count > INT64_MAX / 2 ? 0 : (size_t)tern__frame_count(f, (int64_t)count);
}

double tern_features_frequency(const tern_features *f, size_t row) {
    const tern_audio_options *o = &f->options;
    if (o->feature == TERN_FEATURE_SPECTROGRAM && row < (size_t)f->bins)
        return (double)row * o->sample_rate / o->n_fft;
    if (o->feature != TERN_FEATURE_MEL) return -1;
    const size_t first = o->use_energy && !o->htk_compat; /* the row of band 0 */
    if (row < first || row >= first + (size_t)o->n_mels) return -1;
    const double low = tern__hz_to_mel(o->fmin, o->mel_scale);
    const double step = (tern__hz_to_mel(o->fmax, o->mel_scale) - low) / (o->n_mels + 1);
    return tern__mel_to_hz(low + step * (double)(row - first + 1), o->mel_scale);
}

/* After the frames: normalisation and derivatives of rows [base_rows][frames]. */
static void finish_rows(const tern_features *f, tern_context *c, float *out, int64_t frames) {
    const tern_audio_options *o = &f->options;
    const int64_t rows = f->base_rows, part = rows * frames;
    if (o->normalize != TERN_NORMALIZE_NONE)
        tern__normalize_rows(c, out, rows, frames, o->normalize == TERN_NORMALIZE_MEAN_VARIANCE);
    if (o->deltas >= 1)
        tern__delta(c, out, out + part, rows, frames, o->delta_width, 1, o->delta_kind);
    if (o->deltas < 2) return;
    if (o->delta_kind == TERN_DELTA_LIBROSA)
        tern__delta(c, out, out + 2 * part, rows, frames, o->delta_width, 2, o->delta_kind);
    else
        tern__delta(c, out + part, out + 2 * part, rows, frames, o->delta_width, 1, o->delta_kind);
}

tern_status tern__features_compute(const tern_features *f, tern_context *c, const float *samples,
                                   size_t count, float *out) {
    const tern_audio_options *o = &f->options;
    const int64_t frames = (int64_t)tern_features_frames(f, count);
    if (frames == 0)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "features: %zu samples are too few for a frame of %d", count,
                          o->framing == TERN_FRAMING_FFT ? o->n_fft : o->win_length);
    if (o->deltas && o->delta_kind == TERN_DELTA_LIBROSA && frames < o->delta_width)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "features: delta_width %d wants as many frames, and the sound has %lld; "
                          "take a smaller delta_width or delta_kind torchaudio",
                          o->delta_width, (long long)frames);
    const tern__samples sound = {samples, 0, (int64_t)count};
    tern__feature_block block;
    if (tern__feature_block_create(&block, f, c, frames) != TERN_OK) return TERN_ERR_MEMORY;
    tern__feature_block_compute(&block, f, c, &sound, 0, frames, out, frames, 1);
    tern__feature_block_destroy(&block, c);
    finish_rows(f, c, out, frames);
    return TERN_OK;
}

tern_status tern_features_compute(const tern_features *f, const float *samples, size_t count,
                                  float *out) {
    return tern__features_compute(f, f->context, samples, count, out);
}
