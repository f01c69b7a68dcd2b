/* Four floats at once, by the compilers' own vectors, which are the same on every CPU: for loops
 * that a compiler does not turn into vector code by itself. Knows no CPU and no sound. */
#ifndef TERN_AUDIO_QUAD_H
#define TERN_AUDIO_QUAD_H

#include <stdint.h>
#include <string.h>

typedef float tern__quad __attribute__((vector_size(16)));
typedef int32_t tern__quad_int __attribute__((vector_size(16)));

static inline tern__quad tern__quad_load(const float *p) {
    tern__quad v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void tern__quad_store(float *p, tern__quad v) { memcpy(p, &v, sizeof v); }

/* mask ? a : b, by lane */
static inline tern__quad tern__quad_select(tern__quad_int mask, tern__quad a, tern__quad b) {
    return (tern__quad)((mask & (tern__quad_int)a) | (~mask & (tern__quad_int)b));
}

/* ln x for normal positive x, to one unit in the last place. Infinity and NaN stay what they are.
 * x = 2^e (1 + f), 1 + f in [sqrt 1/2, sqrt 2); ln(1 + f) = f - f^2/2 + f^3 P(f), P fitted for the
 * smallest relative error (6e-9). */
static inline tern__quad tern__quad_ln(tern__quad x) {
    const int32_t root = 0x3f3504f3; /* sqrt 1/2 */
    const tern__quad_int shifted = (tern__quad_int)x - root;
    const tern__quad f = (tern__quad)((shifted & 0x007fffff) + root) - 1;
    const tern__quad e = __builtin_convertvector(shifted >> 23, tern__quad);
    const tern__quad f2 = f * f, f4 = f2 * f2;
    const tern__quad low =
        (0.333333313f - 0.250008225f * f) + (0.200012267f - 0.166233554f * f) * f2;
    const tern__quad high =
        (0.142017648f - 0.131602019f * f) + (0.127615362f - 0.0763439387f * f) * f2;
    const tern__quad p = low + high * f4;
    /* ln 2 = 0.693359375 - 2.12194440e-4, the first of which times e is exact */
    const tern__quad small = f2 * f * p - e * 2.12194440e-4f;
    const tern__quad ln = f + (small - 0.5f * f2) + e * 0.693359375f;
    return tern__quad_select(x <= 3.402823466e38f, ln, x);
}

#endif
