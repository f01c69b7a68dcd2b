/* Real Fourier transforms around KissFFT's complex one. Owns the packing of a real signal of even
 * length n into n/2 complex numbers and back; knows no window and no hop. */
#include "features.h"
#include "quad.h"

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
static void make_twiddles(float *r, float *i, int n, bool kaldi) {
    const float step_r = (float)cos(2 * TERN__PI / n), step_i = -(float)sin(2 * TERN__PI / n);
    r[0] = 1;
    i[0] = 0;
    for (int k = 1; k <= n / 4; k++) {
        const double angle = -2 * TERN__PI * k / n;
        r[k] = kaldi ? r[k - 1] * step_r - i[k - 1] * step_i : (float)cos(angle);
        i[k] = kaldi ? r[k - 1] * step_i + i[k - 1] * step_r : (float)sin(angle);
    }
}

tern_status tern__fft_create(tern__fft *fft, tern_context *c, int n, bool with_inverse,
                             bool kaldi) {
    *fft = (tern__fft){.n = n};
    fft->forward = make_state(c, n / 2, 0);
    if (with_inverse) fft->inverse = make_state(c, n / 2, 1);
    fft->twiddle_r = tern__alloc(c, sizeof *fft->twiddle_r * (size_t)(n / 4 + 1));
    fft->twiddle_i = tern__alloc(c, sizeof *fft->twiddle_i * (size_t)(n / 4 + 1));
    fft->half = tern__alloc(c, sizeof *fft->half * (size_t)(n / 2));
    if (!fft->forward || (with_inverse && !fft->inverse) || !fft->twiddle_r || !fft->twiddle_i ||
        !fft->half) {
        tern__fft_destroy(fft, c);
        return TERN_ERR_MEMORY;
    }
    make_twiddles(fft->twiddle_r, fft->twiddle_i, n, kaldi);
    return TERN_OK;
}

void tern__fft_destroy(tern__fft *fft, tern_context *c) {
    tern__free(c, fft->forward);
    tern__free(c, fft->inverse);
    tern__free(c, fft->twiddle_r);
    tern__free(c, fft->twiddle_i);
    tern__free(c, fft->half);
    *fft = (tern__fft){0};
}

/* With z[t] = x[2t] + i x[2t+1] and m = n/2: E = (Z[k] + conj Z[m-k]) / 2 is the transform of the
 * even samples, O = (Z[k] - conj Z[m-k]) / 2i that of the odd ones; X[k] = E + w O and X[m-k] =
 * conj(E - w O), w = exp(-2 pi i k / n). */
static inline void split(const tern__fft *fft, int k, kiss_fft_cpx *low, kiss_fft_cpx *high) {
    const kiss_fft_cpx a = fft->half[k], b = fft->half[fft->n / 2 - k];
    const float w_r = fft->twiddle_r[k], w_i = fft->twiddle_i[k];
    const float even_r = 0.5f * (a.r + b.r), even_i = 0.5f * (a.i - b.i);
    const float odd_r = 0.5f * (a.i + b.i), odd_i = 0.5f * (b.r - a.r);
    const float t_r = w_r * odd_r - w_i * odd_i, t_i = w_r * odd_i + w_i * odd_r;
    *low = (kiss_fft_cpx){even_r + t_r, even_i + t_i};
    *high = (kiss_fft_cpx){even_r - t_r, t_i - even_i};
}

/* The powers of four such pairs: low[j] = |X[k+j]|^2, high[j] = |X[m-k-j]|^2. */
static inline void split_powers(const tern__fft *fft, int k, float low[4], float high[4]) {
    const float *z = (const float *)(fft->half + k);
    const float *y = (const float *)(fft->half + fft->n / 2 - k - 3);
    const tern__quad a0 = tern__quad_load(z), a1 = tern__quad_load(z + 4);
    const tern__quad b0 = tern__quad_load(y), b1 = tern__quad_load(y + 4);
    const tern__quad a_r = __builtin_shufflevector(a0, a1, 0, 2, 4, 6);
    const tern__quad a_i = __builtin_shufflevector(a0, a1, 1, 3, 5, 7);
    const tern__quad b_r = __builtin_shufflevector(b0, b1, 6, 4, 2, 0);
    const tern__quad b_i = __builtin_shufflevector(b0, b1, 7, 5, 3, 1);
    const tern__quad w_r = tern__quad_load(fft->twiddle_r + k);
    const tern__quad w_i = tern__quad_load(fft->twiddle_i + k);
    const tern__quad even_r = 0.5f * (a_r + b_r), even_i = 0.5f * (a_i - b_i);
    const tern__quad odd_r = 0.5f * (a_i + b_i), odd_i = 0.5f * (b_r - a_r);
    const tern__quad t_r = w_r * odd_r - w_i * odd_i, t_i = w_r * odd_i + w_i * odd_r;
    const tern__quad low_r = even_r + t_r, low_i = even_i + t_i;
    const tern__quad high_r = even_r - t_r, high_i = t_i - even_i;
    tern__quad_store(low, low_r * low_r + low_i * low_i);
    tern__quad_store(high, high_r * high_r + high_i * high_i);
}

void tern__fft_forward(const tern__fft *fft, const float *x, kiss_fft_cpx *y) {
    const int m = fft->n / 2;
    kiss_fft_cpx *z = fft->half;
    kiss_fft(fft->forward, (const kiss_fft_cpx *)x, z);
    y[0] = (kiss_fft_cpx){z[0].r + z[0].i, 0};
    y[m] = (kiss_fft_cpx){z[0].r - z[0].i, 0};
    for (int k = 1; k <= m / 2; k++) split(fft, k, &y[k], &y[m - k]);
}

void tern__fft_power(const tern__fft *fft, const float *x, float *y, size_t stride) {
    const int m = fft->n / 2;
    kiss_fft_cpx *z = fft->half;
    kiss_fft(fft->forward, (const kiss_fft_cpx *)x, z);
    y[0] = (z[0].r + z[0].i) * (z[0].r + z[0].i);
    y[(size_t)m * stride] = (z[0].r - z[0].i) * (z[0].r - z[0].i);
    int k = 1;
    for (; k + 3 <= m / 2; k += 4) {
        float low[4], high[4];
        split_powers(fft, k, low, high);
        for (int j = 0; j < 4; j++) {
            y[(size_t)(k + j) * stride] = low[j];
            y[(size_t)(m - k - j) * stride] = high[j];
        }
    }
    for (; k <= m / 2; k++) {
        kiss_fft_cpx low, high;
        split(fft, k, &low, &high);
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
        const kiss_fft_cpx a = y[k], b = y[m - k];
        const float w_r = fft->twiddle_r[k], w_i = fft->twiddle_i[k];
        float even_r = 0.5f * (a.r + b.r), even_i = 0.5f * (a.i - b.i);
        float t_r = 0.5f * (a.r - b.r), t_i = 0.5f * (a.i + b.i);
        float odd_r = w_r * t_r + w_i * t_i, odd_i = w_r * t_i - w_i * t_r;
        z[k] = (kiss_fft_cpx){even_r - odd_i, even_i + odd_r};
        z[m - k] = (kiss_fft_cpx){even_r + odd_i, odd_r - even_i};
    }
    kiss_fft(fft->inverse, z, (kiss_fft_cpx *)x);
    for (int i = 0; i < fft->n; i++) x[i] *= scale;
}
