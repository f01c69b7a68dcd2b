/* The table of functions that know the CPU. One table per instruction set level; each family of
 * kernels (one header, one source compiled once per level over simd.h) adds one pointer. */
#ifndef TERN_CORE_KERNELS_H
#define TERN_CORE_KERNELS_H

#include "core/base/base.h"

typedef struct tern__kernels {
    const char *name;                      /* "generic", "avx2", "avx512" */
    const struct tern__gemm_kernels *gemm; /* gemm.h: matrix products, convolutions, gradients */
    const struct tern__vector_kernels
        *vector; /* vector.h: elementwise, reductions, norms, pooling */
    const struct tern__optimizer_kernels *optimizer; /* optimizer.h: steps of training */
    const struct tern__pairs_kernels *pairs; /* pairs.h: steps on pairs of rows of two tables */
} tern__kernels;

/* Chooses the level: the CPU's best, or the one asked for by name (NULL or "": the best). Fails
 * with TERN_ERR_UNSUPPORTED, naming the levels this CPU has, if there is no such level here. */
tern_status tern__kernels_select(tern_context *c, const char *name);

#endif
