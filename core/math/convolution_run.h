/* What convolution.c and convolution_backward.c share: running one indirect product over threads.
 */
#ifndef TERN_CORE_CONVOLUTION_RUN_H
#define TERN_CORE_CONVOLUTION_RUN_H

#include "convolution_rows.h"

/* y = epilogue(sum over taps of x * w) for every output position of rows. */
typedef struct tern__convolution_run {
    tern__rows rows;
    bool depthwise;
    int64_t group, taps, depth, columns; /* depth and columns of one group */
    int64_t block_rows, block_columns;
    const float *x, *zeros; /* zeros: depth of them (depthwise: one per group) */
    const float *w;         /* packed */
    tern__epilogue epilogue;
    float *y;
    float *tables; /* [threads][tables_size] */
    size_t tables_size;
    /* Set by tern__convolution_run_rows. */
    const tern__gemm_kernels *kernels;
    int64_t positions, column_blocks;
} tern__convolution_run;

void tern__convolution_run_rows(const tern_context *c, tern__convolution_run *r);

/* Pieces of the workspace; each moves *workspace behind what it took. */
const float *tern__convolution_pad(const tern_context *c, const tern__convolution *v,
                                   const float *x, float **workspace);
const float *tern__convolution_zeros(int64_t depth, float **workspace);
size_t tern__convolution_tables_size(int64_t rows, int64_t taps);

/* Elements of the kernel, after prepare. */
static inline int64_t tern__convolution_elements(const tern__convolution *v) {
    return v->kernel[0] * v->kernel[1] * v->kernel[2];
}

/* Strips of taps and channels, as kernels/gemm.h counts them. */
static inline int64_t tern__convolution_strips(const tern__convolution *v) {
    return v->taps * ((v->depth + TERN__GEMM_STRIP - 1) / TERN__GEMM_STRIP);
}

/* Weights of one output channel are moved in blocks of at most this many, counted q = c * elements
 * + e. */
enum { TERN__WEIGHT_BLOCK = 16 };
/* row[j]: where weight first + j of every output channel is in a packed panel. */
static inline void tern__convolution_weight_rows(const tern__convolution *v, int64_t first,
                                                 int64_t count, int64_t row[TERN__WEIGHT_BLOCK]) {
    int64_t elements = tern__convolution_elements(v), c = first / elements, e = first % elements;
    for (int64_t j = 0; j < count; j++) {
        row[j] = e * (v->c / v->group) + c;
        if (++e == elements) e = 0, c++;
    }
}

#endif
