/* Which input position each tap of each output position reads: the geometry under convolution.c and
 * convolution_backward.c. Output position o of an axis and tap j read input o * step + first + j *
 * increment, or zeros if that is outside. Forward: step = stride, increment = dilation. The data
 * gradient: one such problem per stride phase, with step 1 and a negative increment. */
#ifndef TERN_CORE_CONVOLUTION_ROWS_H
#define TERN_CORE_CONVOLUTION_ROWS_H

#include "convolution.h"

typedef struct tern__rows_axis {
    int64_t count, taps;            /* output positions, taps */
    int64_t step, first, increment; /* in input positions */
    int64_t size;                   /* input positions */
    int64_t source, target;         /* floats from one input (output) position to the next */
} tern__rows_axis;

typedef struct tern__rows {
    int64_t n, source, target; /* images; floats from one to the next */
    int64_t origin;            /* floats from the output's first position to position 0 */
    tern__rows_axis axes[3];
} tern__rows;

int64_t tern__rows_count(const tern__rows *r); /* output positions of all images */
int64_t tern__rows_taps(const tern__rows *r);

/* For output positions [begin, end): sources[((i / width) * taps + t) * width + i % width] points
 * to what tap t of position begin + i reads (x + ..., or zeros), and targets[i] = y + origin + ....
 * targets may be NULL. */
void tern__rows_fill(const tern__rows *r, int64_t begin, int64_t end, int64_t width, const float *x,
                     const float *zeros, const float **sources, const float *y,
                     const float **targets);

/* Phases of an axis for the data gradient: its stride, or less where the input is shorter. */
int64_t tern__rows_phases(const tern__convolution *v, int axis);
/* Forward's geometry, and the data gradient's for one phase, which counts to the product of the
 * axes' phases; element [a] and element_step[a] say which of the kernel's elements
 * tap 0 and the next ones of axis a are. */
tern__rows tern__rows_forward(const tern__convolution *v);
tern__rows tern__rows_data(const tern__convolution *v, int64_t phase, int64_t element[3],
                           int64_t element_step[3]);

#endif
