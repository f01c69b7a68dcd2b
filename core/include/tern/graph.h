/* Building networks: a graph of ONNX operators.
 *
 * Builders never return an error and never NULL: the first error sticks to the graph, later calls
 * do nothing, and tern_graph_check (or whatever uses the graph first) reports it. Values are
 * handles that cost nothing to copy; the graph owns everything behind them.
 *
 * Shapes are ONNX's (batch first, channels second: [N, C, spatial...]); a dimension of -1 is known
 * only when the network runs. Weights get their values when they are made, from the graph's seed.
 */
#ifndef TERN_GRAPH_H
#define TERN_GRAPH_H

#include <tern/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TERN_MAX_RANK 8

/** Element types, with the numbers of ONNX's TensorProto.DataType. */
typedef enum tern_type { TERN_FLOAT = 1, TERN_INT64 = 7 } tern_type;

/** A view of elements in row-major order; owns nothing. */
typedef struct tern_tensor {
    tern_type type;
    int rank;
    int64_t dims[TERN_MAX_RANK];
    void *data;
} tern_tensor;

typedef struct tern_graph tern_graph;

/** A value of a graph: an input, a weight or what an operator computes. */
typedef struct tern_value {
    tern_graph *graph;
    int id;
} tern_value;

/** Creates an empty graph. */
TERN_API tern_status tern_graph_create(tern_graph **graph, tern_context *context);
TERN_API void tern_graph_free(tern_graph *graph);
/** Copies a graph with all its weights. */
TERN_API tern_status tern_graph_clone(tern_graph **copy, const tern_graph *graph);
/** The seed from which weights made after this call are drawn (0 at first). A weight's values
 * depend on the seed and on its own name only. */
TERN_API void tern_graph_set_seed(tern_graph *graph, uint64_t seed);
/** TERN_OK, or the first error that a builder met. */
TERN_API tern_status tern_graph_check(const tern_graph *graph);

/** An input of float elements. dims[0] is the batch; -1: known at run time. */
TERN_API tern_value tern_input(tern_graph *graph, const char *name, int rank, const int64_t *dims);
/** An input of a given type, e.g. TERN_INT64 for word numbers. */
TERN_API tern_value tern_input_typed(tern_graph *graph, const char *name, tern_type type, int rank,
                                     const int64_t *dims);
/** Names a value as an output of the network. */
TERN_API void tern_output(tern_graph *graph, const char *name, tern_value value);

/** How a weight gets its first values. Sources: He et al. 2015 (Kaiming), Glorot & Bengio 2010
 *  (Xavier), Saxe et al. 2014 (orthogonal). */
typedef enum tern_initializer_kind {
    TERN_INIT_DEFAULT, /**< Kaiming normal for weights with fan-in, 0 for biases */
    TERN_INIT_KAIMING_NORMAL,
    TERN_INIT_KAIMING_UNIFORM,
    TERN_INIT_XAVIER_NORMAL,
    TERN_INIT_XAVIER_UNIFORM,
    TERN_INIT_UNIFORM,    /**< in [a, b) */
    TERN_INIT_NORMAL,     /**< mean a, standard deviation b */
    TERN_INIT_ORTHOGONAL, /**< rows (or columns, where there are fewer) orthonormal, times gain */
    TERN_INIT_CONSTANT    /**< all a */
} tern_initializer_kind;

typedef struct tern_initializer {
    tern_initializer_kind kind;
    double a, b;
    double gain; /**< 0: the kind's own (sqrt 2 for Kaiming, 1 for the others) */
} tern_initializer;

/** A trainable weight with the initializer's values. fan-in is the product of dims[1..], fan-out
 *  dims[0] times the product of dims[2..] (ONNX's Conv order; Gemm weights are [out, in]). */
TERN_API tern_value tern_parameter(tern_graph *graph, const char *name, int rank,
                                   const int64_t *dims, tern_initializer initializer);
/** A trainable weight with these values (copied). */
TERN_API tern_value tern_parameter_data(tern_graph *graph, const char *name, int rank,
                                        const int64_t *dims, const float *data);
/** A constant (copied): type float or int64. */
TERN_API tern_value tern_constant(tern_graph *graph, const char *name, tern_type type, int rank,
                                  const int64_t *dims, const void *data);
/** Sets whether training changes a weight (for freezing layers). */
TERN_API void tern_set_trainable(tern_value weight, bool trainable);
/** Row 0 of a table (an embedding's weight) stands for padding: it is set to zeros and training
 * leaves it so (it gets no gradient). Not part of a saved model: set it again to train a loaded
 * one. Errors (they stick): TERN_ERR_ARGUMENT for a value that is no weight of two or more
 * dimensions. */
TERN_API void tern_set_padding_row(tern_value table);
/** The weight of this name, or a value that sticks an error to the graph. */
TERN_API tern_value tern_find(tern_graph *graph, const char *name);
/** Rank and dims of a value as far as known (-1: at run time); dims has room for TERN_MAX_RANK.
 *  Returns the rank, or -1 when the graph holds an error. */
TERN_API int tern_value_shape(tern_value value, int64_t *dims);
/** The data of a weight or constant, NULL for others. Writing changes the network. */
TERN_API void *tern_value_data(tern_value value);

/** An attribute of an operator, by ONNX's name and type. */
typedef struct tern_attribute {
    const char *name;
    enum {
        TERN_ATTRIBUTE_INT,
        TERN_ATTRIBUTE_FLOAT,
        TERN_ATTRIBUTE_STRING,
        TERN_ATTRIBUTE_INTS
    } type;
    int64_t i;
    double f;
    const char *s;
    const int64_t *ints;
    size_t count;
} tern_attribute;
#define TERN_INT(name, value)                                                                      \
    ((tern_attribute){(name), TERN_ATTRIBUTE_INT, (value), 0, NULL, NULL, 0})
#define TERN_REAL(name, value)                                                                     \
    ((tern_attribute){(name), TERN_ATTRIBUTE_FLOAT, 0, (value), NULL, NULL, 0})
#define TERN_STRING(name, value)                                                                   \
    ((tern_attribute){(name), TERN_ATTRIBUTE_STRING, 0, 0, (value), NULL, 0})
#define TERN_INTS(name, values, n)                                                                 \
    ((tern_attribute){(name), TERN_ATTRIBUTE_INTS, 0, 0, NULL, (values), (n)})

/** Any operator by its ONNX name: what all builders below are made of. name NULL: one is made.
 * inputs with graph NULL are absent optional inputs. Fills outputs[0..n_outputs). Errors (they
 * stick): unknown operator or attribute, wrong type or count, shapes that do not fit. */
TERN_API void tern_apply(tern_graph *graph, const char *op, const char *name,
                         const tern_value *inputs, size_t n_inputs,
                         const tern_attribute *attributes, size_t n_attributes, tern_value *outputs,
                         size_t n_outputs);

typedef struct tern_conv_options {
    int64_t kernel_shape[3]; /**< as many as x has spatial axes */
    int64_t strides[3];      /**< 0: 1 */
    int64_t dilations[3];    /**< 0: 1 */
    int64_t pads[6];         /**< ONNX's order: all begins, then all ends */
    const char *auto_pad;    /**< NULL, "SAME_UPPER", "SAME_LOWER", "VALID": instead of pads */
    int64_t group;           /**< 0: 1 */
    bool no_bias;
    const char *name; /**< of the node; weights are name.weight and name.bias. NULL: one is made */
    tern_initializer initializer;
} tern_conv_options;

/** Convolution in 1, 2 or 3 dimensions (cross-correlation, as ONNX Conv-11), with new weights.
 *  x [N, C, spatial...], weight [channels, C/group, kernel...], bias [channels] -> [N, channels,
 * out...], out = floor((in + pad_begin + pad_end - dilation*(kernel-1) - 1) / stride) + 1. Errors
 * (they stick): TERN_ERR_SHAPE if group does not divide C or channels, or out < 1. Gradient: x,
 * weight, bias. Source: ONNX Conv-11; Dumoulin & Visin 2016, section 4. */
TERN_API tern_value tern_conv(tern_value x, int64_t channels, tern_conv_options options);
/** The same with weights of your own; bias.graph NULL: none. */
TERN_API tern_value tern_conv_with(tern_value x, tern_value weight, tern_value bias,
                                   tern_conv_options options);

typedef struct tern_pool_options {
    int64_t kernel_shape[3];
    int64_t strides[3];   /**< 0: as kernel_shape */
    int64_t dilations[3]; /**< 0: 1; MaxPool only */
    int64_t pads[6];
    const char *auto_pad;
    bool ceil_mode;
    bool count_include_pad; /**< AveragePool: padding counts as zeros */
} tern_pool_options;

/** Max pooling with a square window over all spatial axes. Gradient: to the first maximum only. */
TERN_API tern_value tern_max_pool(tern_value x, int64_t kernel, int64_t stride);
TERN_API tern_value tern_max_pool_with(tern_value x, tern_pool_options options);
TERN_API tern_value tern_average_pool(tern_value x, int64_t kernel, int64_t stride);
TERN_API tern_value tern_average_pool_with(tern_value x, tern_pool_options options);
/** Minimum and sum over windows, which ONNX lacks: composed of Neg/MaxPool/Neg and AveragePool/Mul.
 */
TERN_API tern_value tern_min_pool(tern_value x, int64_t kernel, int64_t stride);
TERN_API tern_value tern_sum_pool(tern_value x, int64_t kernel, int64_t stride);
/** [N, C, spatial...] -> [N, C, 1...]. */
TERN_API tern_value tern_global_average_pool(tern_value x);
TERN_API tern_value tern_global_max_pool(tern_value x);

/** Padding of spatial axes (or any): mode "constant" (zeros), "reflect", "edge" or "wrap";
 *  pads: rank begins, then rank ends. */
TERN_API tern_value tern_pad(tern_value x, const int64_t *pads, const char *mode);

typedef struct tern_resize_options {
    double scales[3];        /**< of the spatial axes; 0: 1 */
    int64_t sizes[3];        /**< new sizes instead; 0: by scale */
    const char *mode;        /**< NULL: "nearest"; "linear" (bilinear, trilinear); "cubic" */
    const char *coordinates; /**< NULL: "half_pixel" (pixels are areas; bilinear is PyTorch's
                                without align_corners, OpenCV's and Pillow's); "align_corners",
                                  "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric" */
    const char *nearest;  /**< NULL: "round_prefer_floor"; "round_prefer_ceil", "floor", "ceil" */
    bool exclude_outside; /**< places outside do not count, instead of being the border's */
    double cubic;         /**< Keys' a; 0: -0.75 */
} tern_resize_options;

/** Resampling of the spatial axes: x [N, C, spatial...] -> [N, C, floor(size * scale)...]. No
 * filter when it gets smaller. Errors (they stick): TERN_ERR_SHAPE if nothing is left of an axis,
 * or a size is given for an axis of unknown size. Gradient: x. Source: ONNX Resize-13; Keys 1981.
 */
TERN_API tern_value tern_resize(tern_value x, tern_resize_options options);

/** Per-channel normalisation with learnt scale and shift and running statistics.
 *  Source: Ioffe & Szegedy 2015; ONNX BatchNormalization-15 (epsilon 1e-5, momentum 0.9). */
TERN_API tern_value tern_batch_normalization(tern_value x);
/** Local response normalisation: y_c = x_c / (bias + alpha / size * sum of x_j^2)^beta over the
 * `size` channels j around c, x [N, C, ...]. AlexNet's is size 5, alpha 5e-4 (1e-4 a channel), beta
 * 0.75, bias 2. Errors (they stick): TERN_ERR_ARGUMENT for size below 1. Gradient: x. Source:
 * Krizhevsky et al. 2012; ONNX LRN-13. */
TERN_API tern_value tern_lrn(tern_value x, int64_t size, float alpha, float beta, float bias);
/** Normalisation over the axes from `axis` on (negative: from the end). ONNX LayerNormalization-17.
 */
TERN_API tern_value tern_layer_normalization(tern_value x, int axis);

TERN_API tern_value tern_relu(tern_value x);
TERN_API tern_value tern_leaky_relu(tern_value x, float alpha);
TERN_API tern_value tern_elu(tern_value x, float alpha);
TERN_API tern_value tern_sigmoid(tern_value x);
TERN_API tern_value tern_tanh(tern_value x);
TERN_API tern_value tern_softplus(tern_value x);
TERN_API tern_value tern_hard_swish(tern_value x);
TERN_API tern_value tern_gelu(tern_value x); /**< with erf */
TERN_API tern_value tern_softmax(tern_value x, int axis);
TERN_API tern_value tern_log_softmax(tern_value x, int axis);
TERN_API tern_value tern_dropout(tern_value x, float ratio);

/** Fully connected layer with new weights: x [N, in] (anything else is flattened to that first) ->
 *  [N, units]; weight [units, in], bias [units]. */
TERN_API tern_value tern_dense(tern_value x, int64_t units);
typedef struct tern_dense_options {
    bool no_bias;
    const char *name;
    tern_initializer initializer;
} tern_dense_options;
TERN_API tern_value tern_dense_with(tern_value x, int64_t units, tern_dense_options options);
TERN_API tern_value tern_matmul(tern_value a, tern_value b);

TERN_API tern_value tern_add(tern_value a, tern_value b);
TERN_API tern_value tern_sub(tern_value a, tern_value b);
TERN_API tern_value tern_mul(tern_value a, tern_value b);
TERN_API tern_value tern_div(tern_value a, tern_value b);

TERN_API tern_value tern_concat(const tern_value *parts, size_t count, int axis);
/** Cuts x into `count` parts of these sizes along axis. */
TERN_API void tern_split(tern_value x, int axis, const int64_t *sizes, size_t count,
                         tern_value *parts);
/** x[..., begin:end:1, ...] along one axis; end may be INT64_MAX. */
TERN_API tern_value tern_slice(tern_value x, int axis, int64_t begin, int64_t end);
/** ONNX's rules: 0 keeps a dimension, one -1 is what is left. */
TERN_API tern_value tern_reshape(tern_value x, int rank, const int64_t *dims);
TERN_API tern_value tern_flatten(tern_value x);
TERN_API tern_value tern_transpose(tern_value x, const int64_t *permutation);
TERN_API tern_value tern_squeeze(tern_value x, const int64_t *axes, size_t count);
TERN_API tern_value tern_unsqueeze(tern_value x, const int64_t *axes, size_t count);
/** Rows of a new table by number: ids [...] (int64) -> [..., size]; ids outside 0..rows-1 are an
 * error when the network runs. Gradient: the touched rows of the table only. */
TERN_API tern_value tern_embedding(tern_value ids, int64_t rows, int64_t size);
TERN_API tern_value tern_gather(tern_value table, tern_value ids, int axis);

typedef struct tern_recurrent_options {
    const char *direction; /**< NULL: "forward"; "reverse"; "bidirectional": both, side by side */
    tern_value lengths;    /**< int64 [N]: steps of each sequence that are there, 0..L; graph NULL:
                                all. What lies behind is not read, costs nothing, and comes out as 0 */
    bool last;             /**< the state after the last step (read in reverse: the first) only */
    const char *name;      /**< of the node; weights are name.W, .R, .B. NULL: one is made */
    tern_initializer initializer; /**< of W and R; default: uniform within 1 / sqrt(hidden) of 0 */
} tern_recurrent_options;

/** Long short-term memory over sequences x [N, L, I], with new weights -> [N, L, D*hidden], D = 2
 * if bidirectional, else 1; with options.last [N, D*hidden]. Biases start as 0, the forget gate's
 * as 1. Errors (they stick): TERN_ERR_SHAPE if x is not [N, L, I] with I known; lengths outside
 * 0..L fail when the network runs. Gradient: x, weights. Source: ONNX LSTM-14; Hochreiter &
 * Schmidhuber 1997. */
TERN_API tern_value tern_lstm(tern_value x, int64_t hidden, tern_recurrent_options options);
/** Gated recurrent unit, as tern_lstm; the reset gate acts after the product, as in PyTorch.
 *  Source: ONNX GRU-14 with linear_before_reset; Cho et al. 2014. */
TERN_API tern_value tern_gru(tern_value x, int64_t hidden, tern_recurrent_options options);

TERN_API tern_value tern_reduce_mean(tern_value x, const int64_t *axes, size_t count, bool keep);
TERN_API tern_value tern_reduce_max(tern_value x, const int64_t *axes, size_t count, bool keep);
TERN_API tern_value tern_reduce_sum(tern_value x, const int64_t *axes, size_t count, bool keep);

#ifdef __cplusplus
}
#endif
#endif
