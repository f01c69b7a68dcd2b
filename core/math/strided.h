/* Copying between arrays whose axes lie differently: what Transpose, Slice, Concat, Split and Pad
 * are made of. Knows strides and element sizes, no operator. */
#ifndef TERN_CORE_STRIDED_H
#define TERN_CORE_STRIDED_H

#include "core/base/base.h"
#include <tern/graph.h>

/* Axes from the outermost of the destination on; strides in elements, of the source possibly
 * negative. */
typedef struct tern__strided {
    int rank;
    int64_t dims[TERN_MAX_RANK], from[TERN_MAX_RANK], to[TERN_MAX_RANK];
} tern__strided;

void tern__strided_axis(tern__strided *s, int64_t dim, int64_t from, int64_t to);
/* to[...] = from[...], or += for floats with add. size: bytes of an element, 4 or 8. */
void tern__strided_copy(const tern_context *c, const tern__strided *s, const void *from, void *to,
                        size_t size, bool add);
/* Strides of a dense row-major array. */
void tern__dense_strides(const int64_t *dims, int rank, int64_t *strides);
/* Zeros. */
void tern__clear(const tern_context *c, void *memory, size_t bytes);

#endif
