/* Short-time Fourier transform of a whole sound and its inverse. Frames and window are
 * features.c's. */
#include "features.h"

#include <string.h>

typedef struct stft_job {
    const tern_features *features;
    tern__feature_scratch *workers;
    kiss_fft_cpx *bins; /* [workers][bins] */
    tern__samples sound;
    int64_t frames;
    float *spectrum;
} stft_job;

static void transform(void *arg, int64_t t, int worker) {
    stft_job *j = arg;
    const int bins = j->features->bins;
    float energy;
    kiss_fft_cpx *y = j->bins + (int64_t)worker * bins;
    tern__frame_cut(j->features, &j->workers[worker], &j->sound, t, &energy);
    tern__fft_forward(&j->workers[worker].fft, j->workers[worker].frame, y);
    for (int k = 0; k < bins; k++) memcpy(j->spectrum + 2 * (k * j->frames + t), &y[k], sizeof *y);
}

tern_status tern_features_stft(const tern_features *f, const float *samples, size_t count,
                               float *spectrum) {
    tern_context *c = f->context;
    const int64_t frames = (int64_t)tern_features_frames(f, count);
    if (frames == 0)
        return tern__fail(c, TERN_ERR_ARGUMENT, "stft: %zu samples are too few for a frame", count);
    tern__feature_block block; /* for its workers */
    if (tern__feature_block_create(&block, f, c, TERN__LANES * (int64_t)c->threads) != TERN_OK)
        return TERN_ERR_MEMORY;
    stft_job j = {f, block.workers, NULL, {samples, 0, (int64_t)count}, frames, spectrum};
    j.bins = tern__alloc(c, sizeof *j.bins * (size_t)block.worker_count * (size_t)f->bins);
    if (j.bins) tern__parallel(c, frames, 8 * f->bins, transform, &j);
    tern_status status = j.bins ? TERN_OK : TERN_ERR_MEMORY;
    tern__free(c, j.bins);
    tern__feature_block_destroy(&block, c);
    return status;
}

/* Adds frame t, x [n_fft], times the window; sums the squared windows. */
static void overlap_add(const tern_features *f, const float *x, int64_t begin, float *samples,
                        float *weights, int64_t count) {
    for (int i = 0; i < f->options.win_length; i++) {
        const int64_t at = begin + i;
        if (at < 0 || at >= count) continue;
        samples[at] += x[f->window_place + i] * f->window[i];
        weights[at] += f->window[i] * f->window[i];
    }
}

tern_status tern_features_istft(const tern_features *f, const float *spectrum, size_t frames,
                                float *samples, size_t count) {
    tern_context *c = f->context;
    if (f->options.framing == TERN_FRAMING_MIRROR)
        return tern__fail(c, TERN_ERR_UNSUPPORTED, "istft: framing mirror has no inverse");
    tern__fft fft;
    if (tern__fft_create(&fft, c, f->options.n_fft, true, f->options.kaldi_twiddles) != TERN_OK)
        return TERN_ERR_MEMORY;
    kiss_fft_cpx *bins = tern__alloc(c, sizeof *bins * (size_t)f->bins);
    float *x = tern__alloc(c, sizeof *x * (size_t)f->options.n_fft);
    float *weights = tern__calloc(c, count, sizeof *weights);
    const bool complete = bins && x && weights;
    if (complete) memset(samples, 0, sizeof *samples * count);
    for (size_t t = 0; complete && t < frames; t++) {
        for (int k = 0; k < f->bins; k++)
            memcpy(&bins[k], spectrum + 2 * ((size_t)k * frames + t), sizeof *bins);
        tern__fft_inverse(&fft, bins, x);
        overlap_add(f, x, tern__frame_begin(f, (int64_t)t), samples, weights, (int64_t)count);
    }
    for (size_t i = 0; complete && i < count; i++)
        if (weights[i] > 1e-30f) samples[i] /= weights[i];
    tern__free(c, bins);
    tern__free(c, x);
    tern__free(c, weights);
    tern__fft_destroy(&fft, c);
    return complete ? TERN_OK : TERN_ERR_MEMORY;
}
