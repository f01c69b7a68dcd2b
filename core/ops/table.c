/* The table of operators: all that a graph may hold. */
#include "ops.h"

const tern__op *const tern__ops[] = {
    &tern__op_relu, &tern__op_leaky_relu, &tern__op_elu, &tern__op_sigmoid, &tern__op_tanh,
    &tern__op_softplus, &tern__op_hard_swish, &tern__op_gelu, &tern__op_neg,
    &tern__op_add, &tern__op_sub, &tern__op_mul, &tern__op_div,
    &tern__op_conv, &tern__op_conv_transpose, &tern__op_gemm, &tern__op_matmul,
    NULL};

const tern__op *tern__op_find(const char *domain, const char *name) {
    if (strcmp(domain, "ai.onnx") == 0) domain = "";
    for (const tern__op *const *op = tern__ops; *op; op++)
        if (strcmp((*op)->name, name) == 0 && strcmp((*op)->domain, domain) == 0) return *op;
    return NULL;
}
