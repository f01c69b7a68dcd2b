/* Shapes: sizes, sentences, axes, broadcasting, sliding windows. What operators need to infer with
 * and to walk values with. Knows no particular operator. */
#ifndef TERN_CORE_SHAPE_H
#define TERN_CORE_SHAPE_H

#include "op.h"

int64_t tern__shape_count(const tern__shape *s); /* product of dims; -1 if one is unknown */
size_t tern__type_size(tern_type type);
const char *tern__type_name(tern_type type);
/* "[1, 64, ?, 100]" in a buffer of the caller; returns the buffer. */
const char *tern__shape_text(const tern__shape *s, char *out, size_t size);
/* "2x3x?" for windows and the like. */
const char *tern__sizes_text(const int64_t *sizes, int count, char *out, size_t size);
enum { TERN__SHAPE_TEXT = 192 }; /* holds any shape */

/* Far beyond any network, and small enough that a shape rule may multiply a dimension by an
 * attribute and add another such product, and a workspace be a few hundred times a value, without
 * overflow. */
#define TERN__MOST_ATTRIBUTE ((int64_t)1 << 30)
#define TERN__MOST_DIMENSION ((int64_t)1 << 32)
#define TERN__MOST_ELEMENTS ((int64_t)1 << 48)
/* Whether a shape keeps to them; dims that are unknown count as 1. */
bool tern__shape_sane(const tern__shape *s);

/* For infer functions; all failures are TERN_ERR_SHAPE sentences that name the operator. */
tern_status tern__infer_type(const tern__infer *in, int input, tern_type type);
/* 0 <= *result < rank from an ONNX axis, which may be negative. */
tern_status tern__infer_axis(const tern__infer *in, int64_t axis, int rank, int *result);
/* The elements of a one-dimensional int64 input that is known when the network is built. */
tern_status tern__infer_constant(const tern__infer *in, int input, const char *what,
                                 tern__ints *values);
/* A list attribute that holds nothing or `count` numbers from `least` to TERN__MOST_ATTRIBUTE. */
tern_status tern__infer_ints(const tern__infer *in, const char *name, const tern__ints *values,
                             int count, int64_t least);
/* NumPy's broadcasting of inputs a and b. */
tern_status tern__infer_broadcast(const tern__infer *in, int a, int b, tern__shape *result);
/* Whether two shapes may be equal: unknown dims equal everything. */
bool tern__shape_fits(const tern__shape *a, const tern__shape *b);
/* The shape of a tensor, whose dims are all known. */
tern__shape tern__tensor_shape(const tern__tensor *t);

/* Rank and dims as they lie in memory with `axis` cut out: the value is [outer][axis][inner]. */
void tern__around_axis(const tern__tensor *t, int logical_axis, int64_t *outer, int64_t *length,
                       int64_t *inner);

/* Sliding windows of Conv and the pools: 1 to 3 spatial axes. */
typedef struct tern__window_attributes {
    tern__string auto_pad; /* "" and "NOTSET": pads count */
    tern__ints kernel_shape, strides, dilations, pads;
    int64_t ceil_mode;
} tern__window_attributes;
typedef struct tern__window {
    int spatial;
    int64_t kernel[3], stride[3], dilation[3], pad_begin[3], pad_end[3];
    int64_t in[3], out[3]; /* -1: unknown */
} tern__window;
/* Checks the attributes, for a kernel of these sizes (NULL: kernel_shape's). */
tern_status tern__window_check(const tern__infer *in, const tern__window_attributes *attributes,
                               int spatial, const int64_t *kernel);
/* What a window sees along one of its axes (op.h). */
void tern__window_sees(const tern__window *w, int axis, tern__sight *sight);
/* Fills w for input x [N, C, spatial...]; kernel NULL: from the attributes. Fails where the window
 * does not fit. */
tern_status tern__window_infer(const tern__infer *in, const tern__window_attributes *attributes,
                               const tern__shape *x, const int64_t *kernel, tern__window *w);
/* The same for shapes that have been checked. in: the spatial dims of x. */
void tern__window_make(const tern__window_attributes *attributes, const int64_t *in, int spatial,
                       const int64_t *kernel, tern__window *w);

#endif
