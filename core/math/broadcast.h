/* Elementwise work on two operands that NumPy's rules bring to one shape. Knows strides, no
 * operator. */
#ifndef TERN_CORE_BROADCAST_H
#define TERN_CORE_BROADCAST_H

#include "core/kernels/vector.h"
#include <tern/graph.h>

/* The output as `rows` rows of `inner` elements; in a row an operand steps by 1 or repeats one
 * element. */
typedef struct tern__broadcast {
    int rank; /* of the rows, after merging */
    int64_t dims[TERN_MAX_RANK], a_strides[TERN_MAX_RANK], b_strides[TERN_MAX_RANK];
    int64_t rows, inner;
    int a_step, b_step;
} tern__broadcast;

/* dims: of a, b and y as they lie in memory, aligned at the right. */
void tern__broadcast_make(tern__broadcast *s, const int64_t *a, int a_rank, const int64_t *b,
                          int b_rank, const int64_t *y, int y_rank);
/* y = max(floor, a op b) */
void tern__broadcast_binary(const tern_context *c, const tern__broadcast *s, tern__binary op,
                            const float *a, const float *b, float floor, float *y);
/* y (+)= what `kind` says of g (of y's shape), a and b */
void tern__broadcast_product(const tern_context *c, const tern__broadcast *s, tern__product kind,
                             const float *g, const float *a, const float *b, float *y, bool add);

#endif
