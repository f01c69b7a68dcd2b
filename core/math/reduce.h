/* Sums and maxima over some axes of a dense array, for ReduceX, global pooling and the gradients of
 * broadcasting. Knows strides and blocks, no operator. The work is cut by the shape alone, and
 * partial results are combined in index order, so that the bits do not depend on the number of
 * threads, nor on how many kept entries there are. */
#ifndef TERN_CORE_REDUCE_H
#define TERN_CORE_REDUCE_H

#include "core/base/base.h"
#include <tern/graph.h>

/* The array as [kept...][rows...][inner]: `inner` elements follow each other and are either all
 * reduced or all kept; the other axes, merged where they can be, are walked by their strides. */
typedef struct tern__reduction {
    int kept_rank, row_rank;
    int64_t kept_dims[TERN_MAX_RANK], kept_strides[TERN_MAX_RANK];
    int64_t row_dims[TERN_MAX_RANK], row_strides[TERN_MAX_RANK];
    int64_t kept, rows, inner; /* counts */
    bool inner_reduced;
    int64_t count;                        /* of x */
    int64_t output_count;                 /* of y: kept, times inner if it is kept */
    int64_t chunk, chunks, block, blocks; /* of inner, of rows */
} tern__reduction;

/* dims: as they lie in memory; reduced[i]: whether axis i is. */
void tern__reduction_make(tern__reduction *r, const int64_t *dims, int rank, const bool *reduced);
/* Bytes of workspace that any reduction of an array of so many elements needs. */
size_t tern__reduction_workspace(int64_t count);

/* y (+)= factor * sum */
void tern__reduce_sum(const tern_context *c, const tern__reduction *r, const float *x, float factor,
                      float *y, bool add, void *workspace);
/* y = maximum, at = number of its first element among the reduced ones of its group, in memory
 * order. */
void tern__reduce_max(const tern_context *c, const tern__reduction *r, const float *x, float *y,
                      int32_t *at, void *workspace);
/* dx (+)= factor * dy, spread over the reduced axes. */
void tern__reduce_sum_gradient(const tern_context *c, const tern__reduction *r, const float *dy,
                               float factor, float *dx, bool add);
/* dx (+)= dy at the elements that tern__reduce_max found. */
void tern__reduce_max_gradient(const tern_context *c, const tern__reduction *r, const float *dy,
                               const int32_t *at, float *dx, bool add);

#endif
