/* Constant tables of the front end, computed in double: windows, mel scales, filter banks.
 * Knows options, no samples. */
#include "features.h"

#include <math.h>
#include <string.h>

void tern__window(double *w, int n, tern_window kind, bool periodic) {
    const double period = periodic ? n : n - 1;
    for (int i = 0; i < n; i++) {
        /* A symmetric window of one sample is 1. */
        double angle = period > 0 ? 2 * TERN__PI * i / period : TERN__PI;
        switch (kind) {
        case TERN_WINDOW_HANN:
            w[i] = 0.5 - 0.5 * cos(angle);
            break;
        case TERN_WINDOW_HAMMING:
            w[i] = 0.54 - 0.46 * cos(angle);
            break;
        case TERN_WINDOW_POVEY:
            w[i] = pow(0.5 - 0.5 * cos(angle), 0.85);
            break;
        case TERN_WINDOW_BLACKMAN:
            w[i] = 0.42 - 0.5 * cos(angle) + 0.08 * cos(2 * angle);
            break;
        case TERN_WINDOW_RECTANGULAR:
            w[i] = 1;
            break;
        }
    }
}

/* Slaney's scale (Auditory Toolbox, 1998): linear below 1000 Hz, 27 steps to 6400 Hz above. */
static const double slaney_hz_per_mel = 200.0 / 3, slaney_corner_hz = 1000, slaney_corner_mel = 15;

double tern__hz_to_mel(double hz, tern_mel_scale scale) {
    if (scale != TERN_MEL_SLANEY) return 2595 * log10(1 + hz / 700);
    if (hz < slaney_corner_hz) return hz / slaney_hz_per_mel;
    return slaney_corner_mel + log(hz / slaney_corner_hz) / (log(6.4) / 27);
}

double tern__mel_to_hz(double mel, tern_mel_scale scale) {
    if (scale != TERN_MEL_SLANEY) return 700 * (pow(10, mel / 2595) - 1);
    if (mel < slaney_corner_mel) return mel * slaney_hz_per_mel;
    return slaney_corner_hz * exp((mel - slaney_corner_mel) * (log(6.4) / 27));
}

void tern__mel_row(double *row, const tern_audio_options *o, int band) {
    const double low = tern__hz_to_mel(o->fmin, o->mel_scale);
    const double step = (tern__hz_to_mel(o->fmax, o->mel_scale) - low) / (o->n_mels + 1);
    const bool over_mel = o->mel_scale == TERN_MEL_HTK_BANDS;
    double hz[3], edge[3]; /* left, centre, right of the triangle; in Hz, or in mel */
    for (int i = 0; i < 3; i++) {
        hz[i] = tern__mel_to_hz(low + step * (band + i), o->mel_scale);
        edge[i] = over_mel ? low + step * (band + i) : hz[i];
    }
    const double scale = o->mel_norm == TERN_MEL_NORM_SLANEY ? 2 / (hz[2] - hz[0]) : 1;
    for (int k = 0; k <= o->n_fft / 2; k++) {
        double f = (double)k * o->sample_rate / o->n_fft;
        if (over_mel) f = tern__hz_to_mel(f, o->mel_scale);
        double rise = (f - edge[0]) / (edge[1] - edge[0]);
        double fall = (edge[2] - f) / (edge[2] - edge[1]);
        double v = rise < fall ? rise : fall;
        row[k] = v > 0 ? v * scale : 0;
    }
}

/* The bins of a row that are not 0: *first and how many. */
static int run_of_weights(const double *row, int bins, int *first) {
    int begin = 0, end = bins;
    while (begin < bins && row[begin] == 0) begin++;
    while (end > begin && row[end - 1] == 0) end--;
    *first = begin < bins ? begin : 0;
    return end - begin;
}

tern_status tern__filter_bank_create(tern__filter_bank *bank, tern_context *c,
                                     const tern_audio_options *o) {
    const int bins = o->n_fft / 2 + 1, bands = o->n_mels;
    size_t total = 0;
    *bank = (tern__filter_bank){.bands = bands};
    double *row = tern__alloc(c, sizeof *row * (size_t)bins);
    bank->first = tern__calloc(c, (size_t)bands, sizeof *bank->first);
    bank->count = tern__calloc(c, (size_t)bands, sizeof *bank->count);
    if (!row || !bank->first || !bank->count) goto failed;
    for (int b = 0; b < bands; b++) {
        tern__mel_row(row, o, b);
        bank->count[b] = run_of_weights(row, bins, &bank->first[b]);
        total += (size_t)bank->count[b];
    }
    bank->weights = tern__alloc(c, total * sizeof *bank->weights);
    if (!bank->weights) goto failed;
    float *at = bank->weights;
    for (int b = 0; b < bands; b++) {
        tern__mel_row(row, o, b);
        for (int i = 0; i < bank->count[b]; i++) *at++ = (float)row[bank->first[b] + i];
    }
    tern__free(c, row);
    return TERN_OK;
failed:
    tern__free(c, row);
    tern__filter_bank_destroy(bank, c);
    return TERN_ERR_MEMORY;
}

void tern__filter_bank_destroy(tern__filter_bank *bank, tern_context *c) {
    tern__free(c, bank->first);
    tern__free(c, bank->count);
    tern__free(c, bank->weights);
    *bank = (tern__filter_bank){0};
}

double tern__lifter(const tern_audio_options *o, int n) {
    return o->lifter > 0 ? 1 + o->lifter / 2 * sin(TERN__PI * (n + o->lifter_start) / o->lifter)
                         : 1;
}
