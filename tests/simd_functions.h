/* The functions of core/kernels/simd.h over arrays, compiled once per instruction set level for
 * test_simd.c. */
#ifndef TERN_TESTS_SIMD_FUNCTIONS_H
#define TERN_TESTS_SIMD_FUNCTIONS_H

typedef struct simd_functions {
    int lanes;
    void (*exp)(float *y, const float *x, int count); /* count is a multiple of lanes */
    void (*log)(float *y, const float *x, int count);
    void (*tanh)(float *y, const float *x, int count);
    void (*sigmoid)(float *y, const float *x, int count);
    void (*erf)(float *y, const float *x, int count);
    void (*sqrt)(float *y, const float *x, int count);
    /* One vector: y[0..n) = x[0..n), and all lanes of what was loaded into all. */
    void (*copy_part)(float *y, float *all, const float *x, int n);
    /* One vector each of a + b, a * b + c, c - a * b, min, max, a < b ? a : b, |a|, round(a). */
    void (*arithmetic)(float *y, const float *a, const float *b, const float *c);
    float (*sum)(const float *x); /* of one vector */
} simd_functions;

#endif
