/* One float vector, as wide as the instruction set level has it: the only file that names
 * instructions. A kernel source includes it and is compiled once per level with -DTERN__LEVEL=name
 * and -DTERN__LEVEL_NAME. Knows no tensor.
 *
 *   generic  16 lanes of compiler vectors: the geometry of AVX-512 on any CPU; slow
 *   avx2      8 lanes, fused multiply-add
 *   avx512   16 lanes, fused multiply-add
 *
 * Rules: NaN goes through everything except v_min/v_max, which return b if either is NaN; masks are
 * vi lanes of all ones or zero; v_fma is fused at avx2 and avx512 and rounds twice at generic,
 * where a fused one would be a library call per lane. */
#ifndef TERN_KERNELS_SIMD_H
#define TERN_KERNELS_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(TERN__LEVEL_AVX2) || defined(TERN__LEVEL_AVX512)
#include <immintrin.h>
#elif !defined(TERN__LEVEL_GENERIC)
#error "kernel sources are compiled with -DTERN__LEVEL=... and -DTERN__LEVEL_..., see meson.build"
#endif

#pragma GCC diagnostic ignored "-Wpsabi" /* wide vectors never cross an object file */

#ifdef TERN__LEVEL_AVX2
enum { VL = 8 };
#define V_BYTES 32
#else
enum { VL = 16 };
#define V_BYTES 64
#endif

/* name_level, for the table that a family exports: V_NAME(tern__gemm_kernels). */
#define V_PASTE2(a, b) a##_##b
#define V_PASTE(a, b) V_PASTE2(a, b)
#define V_NAME(name) V_PASTE(name, TERN__LEVEL)

#define V_INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(V_BYTES), may_alias));
typedef int32_t vi __attribute__((vector_size(V_BYTES), may_alias));
typedef uint32_t vu __attribute__((vector_size(V_BYTES), may_alias));
typedef float vf_unaligned __attribute__((vector_size(V_BYTES), aligned(4), may_alias));
typedef int32_t vi_unaligned __attribute__((vector_size(V_BYTES), aligned(4), may_alias));

V_INLINE vf v_set1(float x) {
#if defined(TERN__LEVEL_AVX2)
    return (vf)_mm256_set1_ps(x);
#elif defined(TERN__LEVEL_AVX512)
    return (vf)_mm512_set1_ps(x);
#else
    return (vf){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
#endif
}
V_INLINE vf v_zero(void) { return (vf){0}; }
V_INLINE vi vi_set1(int32_t x) { return (vi){0} + x; }
V_INLINE vf v_load(const float *p) { return (vf) * (const vf_unaligned *)p; }
V_INLINE void v_store(float *p, vf v) { *(vf_unaligned *)p = (vf_unaligned)v; }
V_INLINE vi vi_load(const int32_t *p) { return (vi) * (const vi_unaligned *)p; }
V_INLINE void vi_store(int32_t *p, vi v) { *(vi_unaligned *)p = (vi_unaligned)v; }

/* The first n lanes, 0 <= n <= VL; lanes beyond are 0 (load) or leave memory untouched (store). No
 * byte past n is read or written. */
#ifdef TERN__LEVEL_AVX2
V_INLINE __m256i v_part_mask(int n) {
    static const int32_t ones_then_zeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones_then_zeros + 8 - n));
}
#endif
V_INLINE vf v_load_part(const float *p, int n) {
#if defined(TERN__LEVEL_AVX2)
    return (vf)_mm256_maskload_ps(p, v_part_mask(n));
#elif defined(TERN__LEVEL_AVX512)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
    float lanes[VL] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *lanes);
    return v_load(lanes);
#endif
}
V_INLINE void v_store_part(float *p, vf v, int n) {
#if defined(TERN__LEVEL_AVX2)
    /* Not maskstore: tens of micro-operations on AMD. */
    __m128 low = _mm256_castps256_ps128((__m256)v);
    if (n & 8) {
        _mm256_storeu_ps(p, (__m256)v);
        return;
    }
    if (n & 4) {
        _mm_storeu_ps(p, low);
        low = _mm256_extractf128_ps((__m256)v, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, low);
        low = _mm_movehl_ps(low, low);
        p += 2;
    }
    if (n & 1) _mm_store_ss(p, low);
#elif defined(TERN__LEVEL_AVX512)
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
    float lanes[VL];
    v_store(lanes, v);
    memcpy(p, lanes, (size_t)n * sizeof *lanes);
#endif
}

V_INLINE vf v_add(vf a, vf b) { return a + b; }
V_INLINE vf v_sub(vf a, vf b) { return a - b; }
V_INLINE vf v_mul(vf a, vf b) { return a * b; }
V_INLINE vf v_div(vf a, vf b) { return a / b; }
V_INLINE vf v_neg(vf a) { return -a; }
/* a * b + c */
V_INLINE vf v_fma(vf a, vf b, vf c) {
#if defined(TERN__LEVEL_AVX2)
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(TERN__LEVEL_AVX512)
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#else
    return a * b + c;
#endif
}
/* c - a * b */
V_INLINE vf v_fnma(vf a, vf b, vf c) { return v_fma(-a, b, c); }

/* Comparisons: false on NaN, except v_ne. */
V_INLINE vi v_lt(vf a, vf b) { return (vi)(a < b); }
V_INLINE vi v_le(vf a, vf b) { return (vi)(a <= b); }
V_INLINE vi v_gt(vf a, vf b) { return (vi)(a > b); }
V_INLINE vi v_ge(vf a, vf b) { return (vi)(a >= b); }
V_INLINE vi v_eq(vf a, vf b) { return (vi)(a == b); }
V_INLINE vi v_ne(vf a, vf b) { return (vi)(a != b); }
/* mask ? a : b, by lane */
V_INLINE vf v_select(vi mask, vf a, vf b) {
#if defined(TERN__LEVEL_AVX2)
    return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
#endif
}
V_INLINE vi vi_select(vi mask, vi a, vi b) { return (mask & a) | (~mask & b); }
/* a < b ? a : b and a > b ? a : b: b if either is NaN. For a maximum that keeps a NaN of x:
 * v_max(limit, x). */
V_INLINE vf v_min(vf a, vf b) {
#if defined(TERN__LEVEL_AVX2)
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(TERN__LEVEL_AVX512)
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#else
    return v_select(v_lt(a, b), a, b);
#endif
}
V_INLINE vf v_max(vf a, vf b) {
#if defined(TERN__LEVEL_AVX2)
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(TERN__LEVEL_AVX512)
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return v_select(v_gt(a, b), a, b);
#endif
}
V_INLINE vf v_sqrt(vf a) {
#if defined(TERN__LEVEL_AVX2)
    return (vf)_mm256_sqrt_ps((__m256)a);
#elif defined(TERN__LEVEL_AVX512)
    return (vf)_mm512_sqrt_ps((__m512)a);
#else
    for (int i = 0; i < VL; i++) a[i] = sqrtf(a[i]);
    return a;
#endif
}
V_INLINE vf v_abs(vf a) { return (vf)((vi)a & 0x7fffffff); }
/* |magnitude| with the sign bit of sign */
V_INLINE vf v_copysign(vf magnitude, vf sign) {
    return (vf)(((vi)magnitude & 0x7fffffff) | ((vi)sign & INT32_MIN));
}
V_INLINE vf v_from_int(vi a) { return __builtin_convertvector(a, vf); }
V_INLINE vi v_to_int(vf a) { return __builtin_convertvector(a, vi); } /* towards zero, |a| < 2^31 */
/* To the nearest integer, ties to even, for |a| < 2^22. */
V_INLINE vf v_round(vf a) { return (a + 12582912.0f) - 12582912.0f; }

/* Unsigned products of the even lanes of a with b: low words in the even lanes, high words in the
 * odd ones. */
V_INLINE vi vi_multiply_even(vi a, uint32_t b) {
#if defined(TERN__LEVEL_AVX2)
    return (vi)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi32((int)b));
#elif defined(TERN__LEVEL_AVX512)
    return (vi)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi32((int)b));
#else
    typedef uint64_t pairs __attribute__((vector_size(V_BYTES)));
    return (vi)(((pairs)a & 0xffffffffu) * b);
#endif
}

/* Sum of all lanes in a fixed order: halves onto each other, log2(VL) times. */
V_INLINE float v_sum(vf a) {
    float lanes[VL];
    v_store(lanes, a);
    for (int half = VL / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}
/* Largest lane; no rule for NaN. */
V_INLINE float v_reduce_max(vf a) {
    float lanes[VL];
    v_store(lanes, a);
    for (int half = VL / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] = lanes[i] > lanes[i + half] ? lanes[i] : lanes[i + half];
    return lanes[0];
}

/* x = n ln2 + r, |r| <= ln2 / 2; returns e^r - 1 (Taylor to r^8/8!, remainder < 2e-10 of r) and n.
 * The upper part of ln2 has 9 bits, so that n times it is exact for |n| < 2^15. */
V_INLINE vf v_exp_reduced(vf x, vf *n) {
    *n = v_round(x * 1.44269504088896341f);
    vf r = v_fnma(*n, v_set1(0.693359375f), x);
    r = v_fnma(*n, v_set1(-2.12194440054690583e-4f), r);
    vf p = v_fma(r, v_set1(1.0f / 40320), v_set1(1.0f / 5040));
    p = v_fma(p, r, v_set1(1.0f / 720));
    p = v_fma(p, r, v_set1(1.0f / 120));
    p = v_fma(p, r, v_set1(1.0f / 24));
    p = v_fma(p, r, v_set1(1.0f / 6));
    p = v_fma(p, r, v_set1(0.5f));
    return v_fma(p, r * r, r);
}
/* 2^n for an integral n in [-126, 127] */
V_INLINE vf v_power_of_two(vi n) { return (vf)((n + 127) << 23); }

/* e^x: 1 ulp, denormal results included; 0 below -104, infinity above 88.73. */
V_INLINE vf v_exp(vf x) {
    x = v_min(v_set1(89.0f), v_max(v_set1(-105.0f), x));
    vf n, p = v_exp_reduced(x, &n);
    vi whole = v_to_int(v_select(v_eq(n, n), n, v_zero())), half = whole >> 1;
    return (1.0f + p) * v_power_of_two(half) * v_power_of_two(whole - half);
}

/* Natural logarithm: 1 ulp, denormals included; log 0 = -infinity, NaN below 0. With m in
 * [sqrt(1/2), sqrt 2) and f = m - 1, s = f / (2 + f): log m = 2 atanh s. */
V_INLINE vf v_log(vf x) {
    vi tiny = v_lt(x, v_set1(1.17549435e-38f));
    vf scaled = v_select(tiny, x * 8388608.0f, x);
    vi bits = (vi)((vu)scaled - 0x3f3504f3u); /* exponent counts from sqrt(1/2); wraps below 0 */
    vf k = v_from_int((bits >> 23) - (tiny & 23));
    vf f = (vf)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
    vf s = f / (2.0f + f), z = s * s;
    vf r = v_fma(z, v_set1(2.0f / 11), v_set1(2.0f / 9));
    r = v_fma(r, z, v_set1(2.0f / 7));
    r = v_fma(r, z, v_set1(2.0f / 5));
    r = v_fma(r, z, v_set1(2.0f / 3));
    r = r * z;
    vf h = 0.5f * f * f;
    vf y = v_fma(s, h + r, k * -2.12194440054690583e-4f); /* log m = f - h + s (h + r) */
    y = (y - h) + f;
    y = v_fma(k, v_set1(0.693359375f), y);
    y = v_select(v_eq(x, v_set1(INFINITY)), x, y);
    y = v_select(v_eq(x, v_zero()), v_set1(-INFINITY), y);
    return v_select(v_ge(x, v_zero()), y, v_set1(NAN));
}

/* tanh x = t / (t + 2), t = e^2|x| - 1: 3 ulp, exact sign and zero. */
V_INLINE vf v_tanh(vf x) {
    vf a = v_min(v_set1(20.0f), 2.0f * v_abs(x)); /* 1 in float from 9.02 on */
    vf n, p = v_exp_reduced(a, &n);
    vf scale = v_power_of_two(v_to_int(v_select(v_eq(n, n), n, v_zero())));
    vf t = v_fma(scale, p, scale - 1.0f);
    return v_select(v_eq(x, x), v_copysign(t / (t + 2.0f), x), x);
}

/* 1 / (1 + e^-x): 3 ulp, small results included. */
V_INLINE vf v_sigmoid(vf x) {
    vf e = v_exp(-v_abs(x));
    return v_select(v_ge(x, v_zero()), v_set1(1.0f), e) / (1.0f + e);
}

/* Error function: 3 ulp. Below 0.9 the Taylor series; above 1 - e^(q(x) - x^2) with q the Chebyshev
 * interpolation of log erfc(x) + x^2 of degree 8 over [0.9, 4]. */
V_INLINE vf v_erf(vf x) {
    vf a = v_min(v_set1(4.0f), v_abs(x)), z = a * a;
    vf p = v_set1(-1.0f / (362880.0f * 19));
    p = v_fma(p, z, v_set1(1.0f / (40320.0f * 17)));
    p = v_fma(p, z, v_set1(-1.0f / (5040.0f * 15)));
    p = v_fma(p, z, v_set1(1.0f / (720.0f * 13)));
    p = v_fma(p, z, v_set1(-1.0f / (120.0f * 11)));
    p = v_fma(p, z, v_set1(1.0f / (24.0f * 9)));
    p = v_fma(p, z, v_set1(-1.0f / (6.0f * 7)));
    p = v_fma(p, z, v_set1(1.0f / 10));
    p = v_fma(p, z, v_set1(-1.0f / 3));
    p = v_fma(p * z, a, a) * 1.12837916709551257f;
    vf u = (a - 2.45f) * (1.0f / 1.55f);
    vf q = v_fma(u, v_set1(5.474040093e-05f), v_set1(-3.000553847e-04f));
    q = v_fma(q, u, v_set1(1.137464980e-03f));
    q = v_fma(q, u, v_set1(-3.972753012e-03f));
    q = v_fma(q, u, v_set1(1.312190249e-02f));
    q = v_fma(q, u, v_set1(-4.208826689e-02f));
    q = v_fma(q, u, v_set1(1.387877295e-01f));
    q = v_fma(q, u, v_set1(-5.554794565e-01f));
    q = v_fma(q, u, v_set1(-1.539039599f));
    vf y = v_select(v_lt(a, v_set1(0.9f)), p, 1.0f - v_exp(q - z));
    return v_select(v_eq(x, x), v_copysign(y, x), x);
}

#endif
