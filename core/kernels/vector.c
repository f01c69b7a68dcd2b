/* The vector kernels of one instruction set level; see vector.h. Knows plain memory only. */
#include "simd.h"

#include "vector.h"

#include "vector_elementwise.h"
#include "vector_rows.h"
#include "vector_channels.h"
#include "vector_pool.h"

#include "vector_dropout.h" /* uses what pooling has for bytes */

const tern__vector_kernels V_NAME(tern__vector_kernels) = {
    .unary = unary,
    .unary_gradient = unary_gradient,
    .binary = binary,
    .product = product,
    .scale = scale,
    .row_sum = row_sum,
    .row_max = row_max,
    .column_sum = column_sum,
    .column_max = column_max,
    .channel_sums = channel_sums,
    .channel_apply = channel_apply,
    .channel_gradient_sums = channel_gradient_sums,
    .channel_gradient_apply = channel_gradient_apply,
    .row_moments = row_moments,
    .row_normalise = row_normalise,
    .row_normalise_gradient = row_normalise_gradient,
    .softmax_rows = softmax_rows,
    .softmax_rows_gradient = softmax_rows_gradient,
    .softmax_columns = softmax_columns,
    .softmax_columns_gradient = softmax_columns_gradient,
    .log_sum_exp = log_sum_exp,
    .max_pool = max_pool,
    .sum_pool = sum_pool,
    .max_pool_gradient = max_pool_gradient,
    .loss = loss,
    .loss_gradient = loss_gradient,
    .dropout_mask = dropout_mask,
    .dropout_apply = dropout_apply,
    .transpose = transpose,
};
