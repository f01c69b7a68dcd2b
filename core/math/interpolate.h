/* Linear maps that work axis by axis, each place of an axis being a sum of few weighted places of
 * the input: resizing of any kind, and its gradient, which is such a map too. Knows no operator. */
#ifndef TERN_CORE_INTERPOLATE_H
#define TERN_CORE_INTERPOLATE_H

#include "core/base/base.h"
#include <tern/graph.h>

/* y[j] = sum over k in start[j]..start[j + 1] of weight[k] x[index[k]] */
typedef struct tern__taps {
    int64_t in, out;
    bool identity; /* y is x: the rest does not count */
    int64_t *start, *index;
    float *weight;
    bool *outside; /* [out]: y is a given number there instead; NULL: nowhere */
} tern__taps;

/* The map of the gradient: what y got from x goes back. Memory of back: start [in + 1], index and
 * weight [start[out]]. */
void tern__taps_transpose(const tern__taps *taps, tern__taps *back);

/* y = or += the map of x along all axes at once; fill goes where an axis is outside. x and y are
 * dense and row-major with the sizes that the taps say. workspace: tern__interpolate_workspace
 * bytes. */
void tern__interpolate(const tern_context *c, const tern__taps *axes, int rank, const float *x,
                       float *y, bool add, float fill, void *workspace);
size_t tern__interpolate_workspace(const tern_context *c, const tern__taps *axes, int rank);

#endif
