/* Real Fourier transforms around KissFFT's complex one. Owns the packing of a real signal of even
 * length n into n/2 complex numbers and back; knows no window and no hop. */
#include "features.h"

#include <math.h>

/* KissFFT's state in our own memory. */
static kiss_fft_cfg make_state(tern_context *c, int n, int inverse) {
    size_t bytes = 0;
    kiss_fft_alloc(n, inverse, NULL, &bytes);
    void *memory = tern__alloc(c, bytes);
    return memory ? kiss_fft_alloc(n, inverse, memory, &bytes) : NULL;
}

/* exp(-2 pi i k / n), or, as Kaldi has it, by repeated multiplication in float, which ends 1e-5
 * off. */
static void make_twiddles(kiss_fft_cpx *w, int n, bool kaldi) {
    const float step_r = (float)cos(2 * TERN__PI / n), step_i = -(float)sin(2 * TERN__PI / n);
    w[0] = (kiss_fft_cpx){1, 0};
    for (int k = 1; k <= n / 4; k++) {
        const kiss_fft_cpx last = w[k - 1];
        const double angle = -2 * TERN__PI * k / n;
        w[k].r = kaldi ? last.r * step_r - last.i * step_i : (float)cos(angle);
        w[k].i = kaldi ? last.r * step_i + last.i * step_r : (float)sin(angle);
    }
}

tern_status tern__fft_create(tern__fft *fft, tern_context *c, int n, bool with_inverse,
                             bool kaldi) {
    *fft = (tern__fft){.n = n};
    fft->forward = make_state(c, n / 2, 0);
    if (with_inverse) fft->inverse = make_state(c, n / 2, 1);
    fft->twiddle = tern__alloc(c, sizeof *fft->twiddle * (size_t)(n / 4 + 1));
    fft->half = tern__alloc(c, sizeof *fft->half * (size_t)(n / 2));
    if (!fft->forward || (with_inverse && !fft->inverse) || !fft->twiddle || !fft->half) {
        tern__fft_destroy(fft, c);
        return TERN_ERR_MEMORY;
    }
    make_twiddles(fft->twiddle, n, kaldi);
    return TERN_OK;
}

void tern__fft_destroy(tern__fft *fft, tern_context *c) {
    tern__free(c, fft->forward);
    tern__free(c, fft->inverse);
    tern__free(c, fft->twiddle);
    tern__free(c, fft->half);
    *fft = (tern__fft){0};
}

/* With z[t] = x[2t] + i x[2t+1] and m = n/2: E = (Z[k] + conj Z[m-k]) / 2 is the transform of the
 * even samples, O = (Z[k] - conj Z[m-k]) / 2i that of the odd ones; X[k] = E + w O and X[m-k] =
 * conj(E - w O), w = exp(-2 pi i k / n). */
static inline void split(const kiss_fft_cpx *z, const kiss_fft_cpx *w, int m, int k,
                         kiss_fft_cpx *low, kiss_fft_cpx *high) {
    kiss_fft_cpx a = z[k], b = z[m - k];
    float even_r = 0.5f * (a.r + b.r), even_i = 0.5f * (a.i - b.i);
    float odd_r = 0.5f * (a.i + b.i), odd_i = 0.5f * (b.r - a.r);
    float t_r = w[k].r * odd_r - w[k].i * odd_i, t_i = w[k].r * odd_i + w[k].i * odd_r;
    *low = (kiss_fft_cpx){even_r + t_r, even_i + t_i};
    *high = (kiss_fft_cpx){even_r - t_r, t_i - even_i};
}

void tern__fft_forward(const tern__fft *fft, const float *x, kiss_fft_cpx *y) {
    const int m = fft->n / 2;
    kiss_fft_cpx *z = fft->half;
    kiss_fft(fft->forward, (const kiss_fft_cpx *)x, z);
    y[0] = (kiss_fft_cpx){z[0].r + z[0].i, 0};
    y[m] = (kiss_fft_cpx){z[0].r - z[0].i, 0};
    for (int k = 1; k <= m / 2; k++) split(z, fft->twiddle, m, k, &y[k], &y[m - k]);
}

void tern__fft_power(const tern__fft *fft, const float *x, float *y, size_t stride) {
    const int m = fft->n / 2;
    kiss_fft_cpx *z = fft->half;
    kiss_fft(fft->forward, (const kiss_fft_cpx *)x, z);
    y[0] = (z[0].r + z[0].i) * (z[0].r + z[0].i);
    y[(size_t)m * stride] = (z[0].r - z[0].i) * (z[0].r - z[0].i);
    for (int k = 1; k <= m / 2; k++) {
        kiss_fft_cpx low, high;
        split(z, fft->twiddle, m, k, &low, &high);
        y[(size_t)k * stride] = low.r * low.r + low.i * low.i;
        y[(size_t)(m - k) * stride] = high.r * high.r + high.i * high.i;
    }
}

void tern__fft_inverse(const tern__fft *fft, const kiss_fft_cpx *y, float *x) {
    const int m = fft->n / 2;
    const float scale = 1.0f / (float)m;
    kiss_fft_cpx *z = fft->half;
    z[0] = (kiss_fft_cpx){0.5f * (y[0].r + y[m].r), 0.5f * (y[0].r - y[m].r)};
    for (int k = 1; k <= m / 2; k++) {
        kiss_fft_cpx a = y[k], b = y[m - k], w = fft->twiddle[k];
        float even_r = 0.5f * (a.r + b.r), even_i = 0.5f * (a.i - b.i);
        float t_r = 0.5f * (a.r - b.r), t_i = 0.5f * (a.i + b.i);
        float odd_r = w.r * t_r + w.i * t_i, odd_i = w.r * t_i - w.i * t_r;
        z[k] = (kiss_fft_cpx){even_r - odd_i, even_i + odd_r};
        z[m - k] = (kiss_fft_cpx){even_r + odd_i, odd_r - even_i};
    }
    kiss_fft(fft->inverse, z, (kiss_fft_cpx *)x);
    for (int i = 0; i < fft->n; i++) x[i] *= scale;
}
