/* The FMA peak: chains of multiply-adds that need no memory, enough of them to hide the latency. */
#include "peak.h"

#include "core/kernels/kernels.h"

#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

double bench_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

enum { LOOPS = 400000 };

/* Each returns a value that depends on all chains, and the multiply-adds that it did. */
static float chains_scalar(double *flops) {
    float a[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int k = 0; k < LOOPS; k++)
        for (int i = 0; i < 8; i++) a[i] = a[i] * 0.9999f + 1e-6f;
    *flops = 2.0 * 8 * LOOPS;
    return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}

#if defined(__x86_64__)
#define START256(i) a##i = _mm256_set1_ps(0.1f * i),
#define STEP256(i) a##i = _mm256_fmadd_ps(a##i, b, d);
#define START512(i) a##i = _mm512_set1_ps(0.1f * i),
#define STEP512(i) a##i = _mm512_fmadd_ps(a##i, b, d);
#define TWELVE(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)
__attribute__((target("avx2,fma"))) static float chains_avx2(double *flops) {
    __m256 b = _mm256_set1_ps(0.9999f), d = _mm256_set1_ps(1e-6f);
    __m256 TWELVE(START256) last = d; /* different values: equal chains would be computed once */
    for (int k = 0; k < LOOPS; k++) {
        TWELVE(STEP256)
    }
    *flops = 2.0 * 12 * 8 * LOOPS;
    __m256 s = last + a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return s[0];
}
__attribute__((target("avx512f"))) static float chains_avx512(double *flops) {
    __m512 b = _mm512_set1_ps(0.9999f), d = _mm512_set1_ps(1e-6f);
    __m512 TWELVE(START512) last = d; /* different values: equal chains would be computed once */
    for (int k = 0; k < LOOPS; k++) {
        TWELVE(STEP512)
    }
    *flops = 2.0 * 12 * 16 * LOOPS;
    __m512 s = last + a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return s[0];
}
#endif

typedef struct run {
    float (*chains)(double *flops);
    double flops[256];
    volatile float sink[256];
} run;

static void run_chains(void *arg, int64_t i, int worker) {
    (void)worker;
    run *r = arg;
    r->sink[i] = r->chains(&r->flops[i]);
}

double bench_peak(const tern_context *c) {
    static run r;
    r.chains = chains_scalar;
#if defined(__x86_64__)
    if (strcmp(c->kernels->name, "avx2") == 0) r.chains = chains_avx2;
    if (strcmp(c->kernels->name, "avx512") == 0) r.chains = chains_avx512;
#endif
    double best = 0;
    for (int repeat = 0; repeat < 40; repeat++) {
        double begin = bench_now();
        tern__parallel(c, c->threads, run_chains, &r);
        double speed = r.flops[0] * c->threads / (bench_now() - begin) / 1e9;
        if (speed > best) best = speed;
    }
    return best;
}
