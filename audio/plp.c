/* Perceptual linear prediction cepstra as Kaldi computes them: equal-loudness weights, cube root,
 * autocorrelation by a cosine transform, Levinson-Durbin, cepstrum of the all-pole model.
 * Source: Hermansky 1990, "Perceptual linear predictive (PLP) analysis of speech". */
#include "features.h"

#include <float.h>
#include <math.h>

/* Compressed bands [n_mels + 2], autocorrelation [order + 1], predictor twice [order], cepstrum
 * [order]. */
size_t tern__plp_work(const tern_features *f) {
    const tern_audio_options *o = &f->options;
    if (o->feature != TERN_FEATURE_PLP) return 0;
    return (size_t)(o->n_mels + 2) + 4 * (size_t)(o->lpc_order + 1);
}

tern_status tern__plp_tables(tern_features *f, tern_context *c) {
    const tern_audio_options *o = &f->options;
    const int points = o->n_mels + 2;
    f->plp_loudness = tern__alloc(c, sizeof(double) * (size_t)o->n_mels);
    f->plp_cosines = tern__alloc(c, sizeof(double) * (size_t)(o->lpc_order + 1) * (size_t)points);
    if (!f->plp_loudness || !f->plp_cosines) return TERN_ERR_MEMORY;
    const double low = tern__hz_to_mel(o->fmin, o->mel_scale);
    const double step = (tern__hz_to_mel(o->fmax, o->mel_scale) - low) / (o->n_mels + 1);
    for (int b = 0; b < o->n_mels; b++) {
        const double hz = tern__mel_to_hz(low + step * (b + 1), o->mel_scale), square = hz * hz;
        const double slope = square / (square + 1.6e5);
        f->plp_loudness[b] = slope * slope * (square + 1.44e6) / (square + 9.61e6);
    }
    double *at = f->plp_cosines;
    for (int i = 0; i <= o->lpc_order; i++)
        for (int j = 0; j < points; j++) {
            const bool end = j == 0 || j == points - 1;
            *at++ = (end ? 0.5 : 1) / (points - 1) * cos(TERN__PI * i * j / (points - 1));
        }
    return TERN_OK;
}

/* r [order + 1] -> predictor a [order] of the error filter 1 + sum a_j z^-(j+1); the error's power.
 */
static double durbin(const double *r, int order, double *a, double *work) {
    double error = r[0];
    for (int i = 0; i < order; i++) {
        double k = r[i + 1];
        for (int j = 0; j < i; j++) k += a[j] * r[i - j];
        k = error > 0 ? k / error : 0;
        error *= fmax(1 - k * k, 1e-5);
        for (int j = 0; j < i; j++) work[j] = a[j] - k * a[i - j - 1];
        for (int j = 0; j < i; j++) a[j] = work[j];
        a[i] = -k;
    }
    return error;
}

void tern__plp(const tern_features *f, const float *bands, double *work, float *values, int lane) {
    const tern_audio_options *o = &f->options;
    const int order = o->lpc_order, points = o->n_mels + 2;
    double *x = work, *r = x + points, *a = r + order + 1, *cepstrum = a + order + 1;
    for (int b = 0; b < o->n_mels; b++) {
        const double power = bands[(size_t)b * TERN__LANES + (size_t)lane];
        x[b + 1] = cbrt(fmax(power, 0) * f->plp_loudness[b]);
    }
    x[0] = x[1];
    x[points - 1] = x[points - 2];
    for (int i = 0; i <= order; i++) {
        r[i] = 0;
        for (int j = 0; j < points; j++) r[i] += f->plp_cosines[i * points + j] * x[j];
    }
    const double error = durbin(r, order, a, cepstrum);
    for (int n = 0; n < order; n++) {
        double sum = 0;
        for (int j = 0; j < n; j++) sum += (n - j) * a[j] * cepstrum[n - j - 1];
        cepstrum[n] = -a[n] - sum / (n + 1);
    }
    for (int n = 0; n < o->n_mfcc; n++) {
        const double value = n == 0 ? log(fmax(error, FLT_EPSILON)) : cepstrum[n - 1];
        values[(size_t)n * TERN__LANES + (size_t)lane] = (float)(value * tern__lifter(o, n));
    }
}
