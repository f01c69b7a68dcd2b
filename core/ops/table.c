/* The table of operators: all that a graph may hold. */
#include "ops.h"

const tern__op *const tern__ops[] = {
    &tern__op_relu, &tern__op_leaky_relu, &tern__op_elu, &tern__op_sigmoid, &tern__op_tanh,
    &tern__op_softplus, &tern__op_hard_swish, &tern__op_gelu, &tern__op_erf, &tern__op_neg,
    &tern__op_add, &tern__op_sub, &tern__op_mul, &tern__op_div,
    &tern__op_conv, &tern__op_conv_transpose, &tern__op_gemm, &tern__op_matmul,
    &tern__op_lstm, &tern__op_gru,
    &tern__op_batch_normalization,
    &tern__op_max_pool, &tern__op_average_pool, &tern__op_global_average_pool,
    &tern__op_global_max_pool,
    &tern__op_reduce_mean, &tern__op_reduce_sum, &tern__op_reduce_max,
    &tern__op_reshape, &tern__op_flatten, &tern__op_squeeze, &tern__op_unsqueeze,
    &tern__op_identity, &tern__op_dropout,
    &tern__op_softmax_cross_entropy, &tern__op_binary_cross_entropy, &tern__op_squared_error,
    &tern__op_absolute_error, &tern__op_huber, &tern__op_focal, &tern__op_tversky,
    &tern__op_lovasz,
    &tern__op_layer_normalization, &tern__op_lrn, &tern__op_softmax, &tern__op_log_softmax,
    &tern__op_concat, &tern__op_split, &tern__op_slice, &tern__op_pad, &tern__op_transpose,
    &tern__op_gather, &tern__op_cast, &tern__op_resize,
    &tern__op_clip, &tern__op_hard_sigmoid, &tern__op_sqrt, &tern__op_exp, &tern__op_log,
    &tern__op_pow, &tern__op_selu, &tern__op_softsign, &tern__op_abs, &tern__op_reciprocal,
    &tern__op_prelu,
    NULL};

const tern__op *tern__op_find(const char *domain, const char *name) {
    if (strcmp(domain, "ai.onnx") == 0) domain = "";
    for (const tern__op *const *op = tern__ops; *op; op++)
        if (strcmp((*op)->name, name) == 0 && strcmp((*op)->domain, domain) == 0) return *op;
    return NULL;
}
