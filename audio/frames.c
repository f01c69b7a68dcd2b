/* From samples to the values of single frames: cutting, window, spectrum, mel bands, logarithm,
 * cepstra. LANES frames at a time; each lane's arithmetic is its own, so that a frame has the same
 * bits whichever frames are beside it. Knows nothing about the sound as a whole. */
#include "features.h"
#include "quad.h"

#include <float.h>
#include <math.h>
#include <string.h>

tern_status tern__feature_scratch_create(tern__feature_scratch *s, const tern_features *f,
                                         tern_context *c) {
    *s = (tern__feature_scratch){0};
    if (tern__fft_create(&s->fft, c, f->options.n_fft, false, f->options.kaldi_twiddles) != TERN_OK)
        return TERN_ERR_MEMORY;
    s->frame = tern__calloc(c, (size_t)f->options.n_fft, sizeof *s->frame);
    s->bins = tern__calloc(c, (size_t)f->bins * TERN__LANES, sizeof *s->bins);
    s->bands = tern__calloc(c, (size_t)f->bands * TERN__LANES, sizeof *s->bands);
    s->values = tern__calloc(c, (size_t)f->base_rows * TERN__LANES, sizeof *s->values);
    s->plp = tern__calloc(c, tern__plp_work(f), sizeof *s->plp);
    if (s->frame && s->bins && s->bands && s->values && s->plp) return TERN_OK;
    tern__feature_scratch_destroy(s, c);
    return TERN_ERR_MEMORY;
}

void tern__feature_scratch_destroy(tern__feature_scratch *s, tern_context *c) {
    tern__fft_destroy(&s->fft, c);
    tern__free(c, s->frame);
    tern__free(c, s->bins);
    tern__free(c, s->bands);
    tern__free(c, s->values);
    tern__free(c, s->plp);
    *s = (tern__feature_scratch){0};
}

int64_t tern__frame_begin(const tern_features *f, int64_t t) {
    const tern_audio_options *o = &f->options;
    const int64_t at = t * o->hop_length;
    switch (o->framing) {
    case TERN_FRAMING_CENTER:
        return at - o->n_fft / 2 + f->window_place;
    case TERN_FRAMING_FFT:
        return at + f->window_place;
    case TERN_FRAMING_MIRROR:
        return at + o->hop_length / 2 - o->win_length / 2;
    case TERN_FRAMING_WINDOW:
        break;
    }
    return at;
}

int64_t tern__frame_end(const tern_features *f, int64_t t) {
    /* Without padding librosa and torchaudio want the whole n_fft samples inside the sound. */
    if (f->options.framing == TERN_FRAMING_FFT) return t * f->options.hop_length + f->options.n_fft;
    return tern__frame_begin(f, t) + f->options.win_length;
}

int64_t tern__frame_count(const tern_features *f, int64_t samples) {
    const tern_audio_options *o = &f->options;
    if (samples <= 0) return 0;
    if (o->framing == TERN_FRAMING_CENTER) return 1 + samples / o->hop_length;
    if (o->framing == TERN_FRAMING_MIRROR) return (samples + o->hop_length / 2) / o->hop_length;
    const int length = o->framing == TERN_FRAMING_FFT ? o->n_fft : o->win_length;
    return samples < length ? 0 : 1 + (samples - length) / o->hop_length;
}

/* The sample after pre-emphasis over the sound; 0 <= i < count. */
static float sample_at(const tern_features *f, const tern__samples *sound, int64_t i) {
    const tern_audio_options *o = &f->options;
    const float *x = sound->x - sound->base, a = (float)o->preemphasis;
    if (a == 0 || o->preemphasis_kind == TERN_PREEMPHASIS_FRAME) return x[i];
    if (i > 0) return x[i] - a * x[i - 1];
    /* librosa starts its filter as if the sound had gone on in a straight line before it. */
    if (o->preemphasis_kind == TERN_PREEMPHASIS_LIBROSA && sound->count > 1)
        return x[0] + (2 * x[0] - x[1]);
    return x[0];
}

/* The sample at any place, padded. */
static float padded_at(const tern_features *f, const tern__samples *sound, int64_t i) {
    const int64_t n = sound->count;
    if (i >= 0 && i < n) return sample_at(f, sound, i);
    const bool mirror = f->options.framing == TERN_FRAMING_MIRROR; /* the end sample twice */
    if (mirror || (f->options.pad_mode == TERN_PAD_REFLECT && n > 1)) {
        const int64_t low = mirror ? -1 : 0, high = mirror ? 2 * n - 1 : 2 * n - 2;
        while (i < 0 || i >= n) i = i < 0 ? low - i : high - i;
        return sample_at(f, sound, i);
    }
    if (f->options.pad_mode == TERN_PAD_CONSTANT) return 0;
    return sample_at(f, sound, i < 0 ? 0 : n - 1);
}

/* The samples of frame t, scaled -> x [win_length]. */
static void cut(const tern_features *f, const tern__samples *sound, int64_t t, float *x) {
    const tern_audio_options *o = &f->options;
    const int64_t begin = tern__frame_begin(f, t), length = o->win_length;
    const bool inside = begin > 0 && begin + length <= sound->count;
    if (!inside) {
        for (int64_t i = 0; i < length; i++) x[i] = padded_at(f, sound, begin + i);
    } else {
        const float *from = sound->x + (begin - sound->base);
        const float a = (float)o->preemphasis;
        if (a != 0 && o->preemphasis_kind != TERN_PREEMPHASIS_FRAME)
            for (int64_t i = 0; i < length; i++) x[i] = from[i] - a * from[i - 1];
        else
            memcpy(x, from, sizeof *x * (size_t)length);
    }
    const float scale = (float)o->sample_scale;
    if (scale != 1)
        for (int64_t i = 0; i < length; i++) x[i] *= scale;
}

static float log_energy(const float *x, int length) {
    double sum = 0;
    for (int i = 0; i < length; i++) sum += (double)x[i] * x[i];
    return (float)log(sum > FLT_EPSILON ? sum : FLT_EPSILON);
}

/* Kaldi's order: mean removed, energy, pre-emphasis, window, energy. */
static void prepare(const tern_features *f, float *x, float *energy) {
    const tern_audio_options *o = &f->options;
    const int length = o->win_length;
    if (o->remove_dc) {
        double sum = 0;
        for (int i = 0; i < length; i++) sum += x[i];
        const float mean = (float)(sum / length);
        for (int i = 0; i < length; i++) x[i] -= mean;
    }
    if (o->use_energy && o->raw_energy) *energy = log_energy(x, length);
    if (o->preemphasis != 0 && o->preemphasis_kind == TERN_PREEMPHASIS_FRAME) {
        const float a = (float)o->preemphasis;
        for (int i = length - 1; i > 0; i--) x[i] -= a * x[i - 1];
        x[0] -= a * x[0];
    }
    for (int i = 0; i < length; i++) x[i] *= f->window[i];
    if (o->use_energy && !o->raw_energy) *energy = log_energy(x, length);
}

/* x [count][LANES]: |X|^2 -> |X|^power */
static void raise_power(float *x, size_t count, double power) {
    if (power == 2) return;
    if (power == 1)
        for (size_t i = 0; i < count; i++) x[i] = sqrtf(x[i]);
    else
        for (size_t i = 0; i < count; i++) x[i] = powf(x[i], (float)(power / 2));
}

/* bins [bins][LANES] -> bands [bands][LANES] */
static void filter(const tern__filter_bank *bank, const float *bins, float *bands) {
    const float *w = bank->weights;
    for (int b = 0; b < bank->bands; b++, bands += TERN__LANES) {
        tern__quad low = {0}, high = {0};
        const float *x = bins + (size_t)bank->first[b] * TERN__LANES;
        for (int k = 0; k < bank->count[b]; k++, w++, x += TERN__LANES) {
            low += *w * tern__quad_load(x);
            high += *w * tern__quad_load(x + 4);
        }
        tern__quad_store(bands, low);
        tern__quad_store(bands + 4, high);
    }
}

/* x [count][LANES]: the logarithm without what depends on the whole sound (top_db, ref 0):
 * scale ln(max(x, amin) + offset) - shift */
static void compress(const tern_audio_options *o, float *x, size_t count) {
    if (o->log == TERN_LOG_NONE) return;
    const bool db = o->log == TERN_LOG_DB;
    const float amin = (float)o->amin, offset = db ? 0 : (float)o->log_offset;
    const double ref = o->ref > o->amin ? o->ref : o->amin;
    const float shift = db && o->ref > 0 ? (float)(20 / o->power * log10(ref)) : 0;
    const float scale = db                      ? (float)(20 / o->power / log(10))
                        : o->log == TERN_LOG_10 ? (float)(1 / log(10))
                                                : 1;
    for (size_t i = 0; i < count; i += 4) {
        tern__quad v = tern__quad_load(x + i);
        v = tern__quad_select(v < amin, (tern__quad){amin, amin, amin, amin}, v) + offset;
        tern__quad_store(x + i, scale * tern__quad_ln(v) - shift);
    }
}

void tern__frame_cut(const tern_features *f, tern__feature_scratch *s, const tern__samples *sound,
                     int64_t t, float *energy) {
    float *x = s->frame + f->window_place; /* the rest of the frame stays 0 */
    cut(f, sound, t, x);
    prepare(f, x, energy);
}

void tern__frames_bands(const tern_features *f, tern__feature_scratch *s,
                        const tern__samples *sound, int64_t first, int frames, float *bands,
                        float *energy) {
    const tern_audio_options *o = &f->options;
    if (frames < TERN__LANES) memset(s->bins, 0, sizeof *s->bins * (size_t)f->bins * TERN__LANES);
    for (int l = 0; l < frames; l++) {
        tern__frame_cut(f, s, sound, first + l, &energy[l]);
        tern__fft_power(&s->fft, s->frame, s->bins + l, TERN__LANES);
    }
    raise_power(s->bins, (size_t)f->bins * TERN__LANES, o->power);
    const size_t count = (size_t)f->bands * TERN__LANES;
    if (o->feature == TERN_FEATURE_SPECTROGRAM)
        memcpy(bands, s->bins, sizeof *bands * count);
    else
        filter(&f->bank, s->bins, bands);
    if (!o->pcen) compress(o, bands, count);
}

/* Cepstra of all lanes: dct [n_mfcc][bands] x bands [bands][LANES]. */
static void cepstra(const tern_features *f, const float *bands, float *values) {
    const float *d = f->dct;
    for (int n = 0; n < f->options.n_mfcc; n++, values += TERN__LANES) {
        double sum[TERN__LANES] = {0};
        for (int b = 0; b < f->bands; b++) {
            const float weight = *d++, *x = bands + (size_t)b * TERN__LANES;
            for (int l = 0; l < TERN__LANES; l++) sum[l] += weight * x[l];
        }
        for (int l = 0; l < TERN__LANES; l++) values[l] = (float)sum[l];
    }
}

/* Kaldi's energy: instead of row 0 of cepstra and spectrograms, one more row of mel bands;
 * htk_compat moves it (or C0, times sqrt 2) to the end. */
static void place_energy(const tern_features *f, float *v, const float *energy) {
    const tern_audio_options *o = &f->options;
    const size_t lanes = TERN__LANES * sizeof *v;
    const size_t last = (size_t)(f->base_rows - 1) * TERN__LANES;
    if (o->feature == TERN_FEATURE_MEL) {
        if (o->use_energy && !o->htk_compat) memmove(v + TERN__LANES, v, last * sizeof *v);
        if (o->use_energy) memcpy(o->htk_compat ? v + last : v, energy, lanes);
        return;
    }
    if (o->use_energy) memcpy(v, energy, lanes);
    if (!o->htk_compat || o->feature == TERN_FEATURE_SPECTROGRAM) return;
    float zeroth[TERN__LANES];
    memcpy(zeroth, v, lanes);
    if (!o->use_energy && o->feature == TERN_FEATURE_MFCC)
        for (int l = 0; l < TERN__LANES; l++) zeroth[l] *= (float)sqrt(2);
    memmove(v, v + TERN__LANES, last * sizeof *v);
    memcpy(v + last, zeroth, lanes);
}

void tern__frames_finish(const tern_features *f, tern__feature_scratch *s, const float *bands,
                         const float *energy) {
    const tern_audio_options *o = &f->options;
    const size_t count = (size_t)f->base_rows * TERN__LANES;
    if (o->feature == TERN_FEATURE_MFCC)
        cepstra(f, bands, s->values);
    else if (o->feature == TERN_FEATURE_PLP)
        for (int l = 0; l < TERN__LANES; l++) tern__plp(f, bands, s->plp, s->values, l);
    else
        memcpy(s->values, bands, sizeof *bands * (size_t)f->bands * TERN__LANES);
    if (o->use_energy || o->htk_compat) place_energy(f, s->values, energy);
    const float mean = (float)o->mean, scale = (float)(1 / o->std);
    if (mean != 0 || scale != 1)
        for (size_t i = 0; i < count; i++) s->values[i] = (s->values[i] - mean) * scale;
}
