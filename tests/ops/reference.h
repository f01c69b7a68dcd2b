/* Operators in double precision, written from ONNX's text as plain loops over logical indices. They
 * share nothing with the library: what they compute, shapes included, is what the library must
 * give. */
#ifndef TERN_TESTS_OPS_REFERENCE_H
#define TERN_TESTS_OPS_REFERENCE_H

#include <tern/graph.h>

/* data NULL: absent. Integers are held as doubles. */
typedef struct reference_tensor {
    int rank;
    int64_t dims[TERN_MAX_RANK];
    double *data;
} reference_tensor;

typedef struct reference_call {
    const tern_attribute *attributes;
    size_t n_attributes;
    int n_inputs, n_outputs;
    const reference_tensor *inputs;
    reference_tensor outputs[4]; /* made by the function with reference_output */
    bool training;
    bool integer_target; /* losses: input 1 holds class numbers */
} reference_call;

typedef void reference_function(reference_call *call);

int64_t reference_count(const reference_tensor *t);
/* Output i of this shape, all zeros; returns its data. */
double *reference_output(reference_call *call, int i, int rank, const int64_t *dims);
/* The offset of an index, which is counted up in row-major order by reference_next (false at the
 * end). */
int64_t reference_at(const reference_tensor *t, const int64_t *index);
bool reference_next(const reference_tensor *t, int64_t *index);

int64_t reference_int(const reference_call *call, const char *name, int64_t standard);
double reference_float(const reference_call *call, const char *name, double standard);
const char *reference_string(const reference_call *call, const char *name, const char *standard);
/* item i of a list, or the standard value where the list is not given */
int64_t reference_item(const reference_call *call, const char *name, int i, int64_t standard);
int reference_items(const reference_call *call, const char *name); /* 0: not given */

reference_function reference_relu, reference_leaky_relu, reference_elu, reference_sigmoid,
    reference_tanh, reference_softplus, reference_hard_swish, reference_gelu, reference_erf,
    reference_neg, reference_identity, reference_cast;
reference_function reference_clip, reference_hard_sigmoid, reference_sqrt, reference_exp,
    reference_log, reference_pow, reference_selu, reference_softsign, reference_abs,
    reference_reciprocal;
reference_function reference_add, reference_sub, reference_mul, reference_div, reference_prelu;
reference_function reference_conv, reference_conv_transpose, reference_max_pool,
    reference_average_pool, reference_global_average_pool, reference_global_max_pool, reference_pad;
reference_function reference_gemm, reference_matmul;
reference_function reference_batch_normalization, reference_layer_normalization, reference_lrn,
    reference_softmax, reference_log_softmax, reference_reduce_mean, reference_reduce_sum,
    reference_reduce_max;
reference_function reference_concat, reference_split, reference_slice, reference_reshape,
    reference_flatten, reference_squeeze, reference_unsqueeze, reference_transpose,
    reference_gather;
reference_function reference_lstm, reference_gru, reference_resize;
reference_function reference_softmax_cross_entropy, reference_binary_cross_entropy,
    reference_squared_error, reference_absolute_error, reference_huber;
reference_function reference_tversky, reference_focal, reference_lovasz;

#endif
