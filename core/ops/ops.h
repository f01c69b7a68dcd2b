/* The operators' rows, one file or family each, and how a row writes down its attributes. */
#ifndef TERN_CORE_OPS_OPS_H
#define TERN_CORE_OPS_OPS_H

#include "core/kernels/vector.h"
#include "core/graph/op.h"
#include "core/graph/shape.h"

#include <stddef.h>
#include <string.h>

/* Entries of a tern__attribute list; the field carries ONNX's name. The list ends with {0}. */
#define TERN__A_INT(type_, field, value)                                                           \
    { .name = #field, .type = TERN_ATTRIBUTE_INT, .offset = offsetof(type_, field), .i = (value) }
#define TERN__A_FLOAT(type_, field, value)                                                         \
    { .name = #field, .type = TERN_ATTRIBUTE_FLOAT, .offset = offsetof(type_, field), .f = (value) }
#define TERN__A_STRING(type_, field, value)                                                        \
    {                                                                                              \
        .name = #field, .type = TERN_ATTRIBUTE_STRING, .offset = offsetof(type_, field),           \
        .s = (value)                                                                               \
    }
#define TERN__SOME_INTS(type_, field)                                                              \
    { .name = #field, .type = TERN_ATTRIBUTE_INTS, .offset = offsetof(type_, field) }

/* Elementwise work goes in blocks of this many floats: 64 KB, which stays in the second cache. */
enum { TERN__BLOCK = 16384 };
/* Work of one element, as tern__parallel counts it: copied or computed with a few products; with an
 * exponential. */
enum { TERN__WORK_PLAIN = 2, TERN__WORK_EXPONENTIAL = 8 };

/* y = activation(y) in place, for operators whose kernels do not know the activation. */
void tern__activation_apply(const tern_context *c, tern__activation activation, float alpha,
                            float *y, int64_t count);
/* Whether an axis of input 0 [N, C, ...] is that of the channels: all places are then kept. */
static inline bool tern__is_channel_axis(const tern__infer *in, int64_t axis) {
    return axis == 1 || axis == 1 - in->inputs[0]->rank;
}

/* The output of input 0's type and shape. */
tern_status tern__infer_same(tern__infer *in);

extern const tern__op tern__op_relu, tern__op_leaky_relu, tern__op_elu, tern__op_sigmoid,
    tern__op_tanh, tern__op_softplus, tern__op_hard_swish, tern__op_gelu, tern__op_erf,
    tern__op_neg;
extern const tern__op tern__op_add, tern__op_sub, tern__op_mul, tern__op_div, tern__op_prelu;
extern const tern__op tern__op_conv, tern__op_conv_transpose, tern__op_gemm, tern__op_matmul;
extern const tern__op tern__op_max_pool, tern__op_average_pool, tern__op_global_average_pool,
    tern__op_global_max_pool;
extern const tern__op tern__op_lstm, tern__op_gru;
extern const tern__op tern__op_batch_normalization, tern__op_layer_normalization, tern__op_lrn;
extern const tern__op tern__op_softmax, tern__op_log_softmax;
extern const tern__op tern__op_reduce_mean, tern__op_reduce_sum, tern__op_reduce_max;
extern const tern__op tern__op_concat, tern__op_split, tern__op_slice, tern__op_pad;
extern const tern__op tern__op_reshape, tern__op_flatten, tern__op_squeeze, tern__op_unsqueeze,
    tern__op_identity;
extern const tern__op tern__op_resize;
extern const tern__op tern__op_clip, tern__op_hard_sigmoid, tern__op_sqrt, tern__op_exp,
    tern__op_log, tern__op_pow, tern__op_selu, tern__op_softsign, tern__op_abs, tern__op_reciprocal;
extern const tern__op tern__op_transpose, tern__op_gather, tern__op_cast, tern__op_dropout;
extern const tern__op tern__op_softmax_cross_entropy, tern__op_binary_cross_entropy,
    tern__op_squared_error, tern__op_absolute_error, tern__op_huber;
extern const tern__op tern__op_focal, tern__op_tversky, tern__op_lovasz;

#endif
