/* Matrix products, normalisation, softmax, reductions: see ops/harness.h for what each row goes
 * through. */
#include "ops/harness.h"

#define GEMM(name, ...)                                                                            \
    { .title = "Gemm_" name, .op = "Gemm", .reference = reference_gemm, __VA_ARGS__ }
#define MATMUL(name, ...)                                                                          \
    { .title = "MatMul_" name, .op = "MatMul", .reference = reference_matmul, __VA_ARGS__ }

static const op_row products[] = {
    GEMM("dense", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(9, 7), OP_WEIGHT(9)},
         .attributes = {OP_INT_ATTRIBUTE("transB", 1)}),
    GEMM("one_row", .inputs = {OP_FLOAT(1, 37), OP_WEIGHT(5, 37), OP_WEIGHT(5)},
         .attributes = {OP_INT_ATTRIBUTE("transB", 1)}),
    GEMM("relu", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(9, 7), OP_WEIGHT(9)}, .then = "Relu",
         .then_reference = reference_relu, .attributes = {OP_INT_ATTRIBUTE("transB", 1)}),
    GEMM("sigmoid", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(9, 7), OP_WEIGHT(9)}, .then = "Sigmoid",
         .then_reference = reference_sigmoid, .attributes = {OP_INT_ATTRIBUTE("transB", 1)}),
    GEMM("plain", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(7, 4)}),
    GEMM("scaled", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(7, 4), OP_WEIGHT(4)},
         .attributes = {OP_REAL_ATTRIBUTE("alpha", 0.5), OP_REAL_ATTRIBUTE("beta", -2)}),
    GEMM("transposed", .inputs = {OP_FLOAT(7, 5), OP_WEIGHT(4, 7), OP_WEIGHT(5, 4)},
         .attributes = {OP_INT_ATTRIBUTE("transA", 1), OP_INT_ATTRIBUTE("transB", 1)},
         .one_piece = true),
    GEMM("column_bias", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(7, 4), OP_WEIGHT(5, 1)},
         .one_piece = true),
    MATMUL("matrices", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(7, 4)}),
    MATMUL("batches", .inputs = {OP_FLOAT(2, 3, 4, 5), OP_FLOAT(2, 3, 5, 6)}),
    MATMUL("shared", .inputs = {OP_FLOAT(2, 3, 4, 5), OP_WEIGHT(5, 6)}),
    MATMUL("broadcast", .inputs = {OP_FLOAT(2, 1, 4, 5), OP_WEIGHT(3, 5, 2)}),
    MATMUL("vector", .inputs = {OP_FLOAT(2, 4, 5), OP_WEIGHT(5)}),
};

#define STATISTICS(channels)                                                                       \
    OP_WEIGHT(channels), OP_WEIGHT(channels), {.kind = OP_BUFFER, OP_DIMS(channels)}, {            \
        .kind = OP_BUFFER, .values = OP_POSITIVE, OP_DIMS(channels)                                \
    }
#define BN(name, ...)                                                                              \
    {                                                                                              \
        .title = "BatchNormalization_" name, .op = "BatchNormalization",                           \
        .reference = reference_batch_normalization, __VA_ARGS__                                    \
    }
#define LN(name, ...)                                                                              \
    {                                                                                              \
        .title = "LayerNormalization_" name, .op = "LayerNormalization",                           \
        .reference = reference_layer_normalization, __VA_ARGS__                                    \
    }

#define LRN(name, size, ...)                                                                       \
    {                                                                                              \
        .title = "LRN_" name, .op = "LRN", .reference = reference_lrn,                             \
        .attributes = {OP_INT_ATTRIBUTE("size", size), OP_REAL_ATTRIBUTE("alpha", 2.5),            \
                       OP_REAL_ATTRIBUTE("bias", 0.75)},                                           \
        __VA_ARGS__                                                                                \
    }

static const op_row normalisations[] = {
    BN("2d", .inputs = {OP_FLOAT(3, 4, 5, 3), STATISTICS(4)}),
    BN("one_channel", .inputs = {OP_FLOAT(3, 1, 5, 7), STATISTICS(1)}),
    BN("six_channels", .inputs = {OP_FLOAT(2, 6, 5, 7), STATISTICS(6)}),
    BN("odd_wide", .inputs = {OP_FLOAT(2, 67, 3, 2), STATISTICS(67)}),
    BN("64_channels", .inputs = {OP_FLOAT(2, 64, 3), STATISTICS(64)}),
    BN("1d", .inputs = {OP_FLOAT(3, 5, 11), STATISTICS(5)}),
    BN("dense", .inputs = {OP_FLOAT(9, 7), STATISTICS(7)}),
    BN("3d", .inputs = {OP_FLOAT(2, 3, 2, 3, 4), STATISTICS(3)}),
    BN("attributes", .inputs = {OP_FLOAT(3, 4, 5, 3), STATISTICS(4)},
       .attributes = {OP_REAL_ATTRIBUTE("epsilon", 0.1), OP_REAL_ATTRIBUTE("momentum", 0.7)}),
    /* Mean 100 times the deviation: the float inputs themselves carry 7 digits. */
    BN("large_mean",
       .inputs = {{.kind = OP_FLOATS, .offset = 100, OP_DIMS(3, 4, 5, 7)}, STATISTICS(4)},
       .tolerance = 2e-5, .gradient_tolerance = 1e-4),
    BN("many_blocks", .inputs = {OP_FLOAT(2, 3, 131, 127), STATISTICS(3)}, .no_gradient = true),
    BN("relu", .inputs = {OP_FLOAT(3, 6, 5, 3), STATISTICS(6)}, .then = "Relu",
       .then_reference = reference_relu),
    BN("leaky", .inputs = {OP_FLOAT(3, 6, 5, 3), STATISTICS(6)}, .then = "LeakyRelu",
       .then_reference = reference_leaky_relu, .then_attribute = OP_REAL_ATTRIBUTE("alpha", 0.3)),
    BN("sigmoid", .inputs = {OP_FLOAT(3, 6, 5, 3), STATISTICS(6)}, .then = "Sigmoid",
       .then_reference = reference_sigmoid),
    BN("tanh", .inputs = {OP_FLOAT(3, 6, 5, 3), STATISTICS(6)}, .then = "Tanh",
       .then_reference = reference_tanh),
    LN("last", .inputs = {OP_FLOAT(3, 4, 21), OP_WEIGHT(21), OP_WEIGHT(21)}),
    LN("no_bias", .inputs = {OP_FLOAT(5, 6), OP_WEIGHT(6)}),
    LN("two_axes", .inputs = {OP_FLOAT(3, 2, 5, 7), OP_WEIGHT(5, 7), OP_WEIGHT(5, 7)},
       .attributes = {OP_INT_ATTRIBUTE("axis", 2), OP_REAL_ATTRIBUTE("epsilon", 0.01)}),
    LRN("2d", 5, .inputs = {OP_FLOAT(3, 8, 5, 3)}),
    LRN("even", 4, .inputs = {OP_FLOAT(2, 7, 11)}),
    LRN("one", 1, .inputs = {OP_FLOAT(2, 3, 4, 5)}),
    LRN("wider_than_all", 9, .inputs = {OP_FLOAT(3, 3, 2, 3, 2)}),
    LRN("dense", 3, .inputs = {OP_FLOAT(5, 37)}),
    LRN("pieces", 3, .inputs = {OP_FLOAT(2, 5, 63, 61)}, .no_gradient = true),
    LRN("rows_of_many", 5, .inputs = {OP_FLOAT(2, 1100, 5, 4)}, .no_gradient = true),
    {.title = "LRN_defaults",
     .op = "LRN",
     .reference = reference_lrn,
     .attributes = {OP_INT_ATTRIBUTE("size", 3)},
     .inputs = {OP_FLOAT(2, 6, 4, 4)}},
    {.title = "LRN_beta",
     .op = "LRN",
     .reference = reference_lrn,
     .attributes = {OP_INT_ATTRIBUTE("size", 3), OP_REAL_ATTRIBUTE("beta", 1.5),
                    OP_REAL_ATTRIBUTE("alpha", 1)},
     .inputs = {OP_FLOAT(2, 6, 4, 4)}},
    LN("many_rows", .inputs = {OP_FLOAT(3, 33, 3), OP_WEIGHT(3), OP_WEIGHT(3)}),
};

#define SOFTMAX(name, ...)                                                                         \
    {.title = "Softmax_" name, .op = "Softmax", .reference = reference_softmax, __VA_ARGS__}, {    \
        .title = "LogSoftmax_" name, .op = "LogSoftmax", .reference = reference_log_softmax,       \
        __VA_ARGS__                                                                                \
    }
#define REDUCE(name, ...)                                                                          \
    {.title = "ReduceMean_" name,                                                                  \
     .op = "ReduceMean",                                                                           \
     .reference = reference_reduce_mean,                                                           \
     __VA_ARGS__},                                                                                 \
        {.title = "ReduceSum_" name,                                                               \
         .op = "ReduceSum",                                                                        \
         .reference = reference_reduce_sum,                                                        \
         __VA_ARGS__},                                                                             \
    {                                                                                              \
        .title = "ReduceMax_" name, .op = "ReduceMax", .reference = reference_reduce_max,          \
        __VA_ARGS__                                                                                \
    }
#define AXES(...) OP_INTS_ATTRIBUTE("axes", __VA_ARGS__)
#define KEEP OP_INT_ATTRIBUTE("keepdims", 1)
#define DROP OP_INT_ATTRIBUTE("keepdims", 0)
#define X OP_FLOAT_OF(OP_DISTINCT, 3, 5, 4, 6)

static const op_row reductions[] = {
    SOFTMAX("rows", .inputs = {OP_FLOAT(5, 23)}),
    SOFTMAX("short_rows", .inputs = {OP_FLOAT(300, 2)}, .one_piece = true),
    SOFTMAX("channels", .inputs = {OP_FLOAT(2, 5, 3, 6)},
            .attributes = {OP_INT_ATTRIBUTE("axis", 1)}),
    SOFTMAX("many_channels", .inputs = {OP_FLOAT(2, 19, 5)},
            .attributes = {OP_INT_ATTRIBUTE("axis", -2)}),
    SOFTMAX("batch", .inputs = {OP_FLOAT(4, 7)}, .attributes = {OP_INT_ATTRIBUTE("axis", 0)},
            .one_piece = true),
    SOFTMAX("large", .inputs = {{.kind = OP_FLOATS, .offset = 1000, OP_DIMS(3, 11)}},
            .tolerance = 1e-4, .gradient_tolerance = 1e-4),
    REDUCE("spatial", .inputs = {X}, .attributes = {AXES(2, 3), KEEP}),
    REDUCE("spatial_dropped", .inputs = {X}, .attributes = {AXES(-1, -2), DROP}),
    REDUCE("channels", .inputs = {X}, .attributes = {AXES(1), KEEP}),
    REDUCE("channels_dropped", .inputs = {X}, .attributes = {AXES(1), DROP}),
    REDUCE("last", .inputs = {X}, .attributes = {AXES(3), DROP}),
    REDUCE("alternating", .inputs = {X}, .attributes = {AXES(1, 3), KEEP}),
    REDUCE("all", .inputs = {X}, .attributes = {KEEP}, .one_piece = true),
    REDUCE("to_scalar", .inputs = {X}, .attributes = {DROP}, .one_piece = true),
    REDUCE("nothing", .inputs = {X}, .attributes = {OP_INT_ATTRIBUTE("noop_with_empty_axes", 1)}),
    REDUCE("axes_as_input", .inputs = {X, OP_NUMBERS(0, 2)}, .attributes = {KEEP},
           .one_piece = true),
    REDUCE("over_time", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 5, 9)},
           .attributes = {AXES(2), DROP}),
    REDUCE("long_row", .inputs = {OP_FLOAT(2, 70001)}, .attributes = {AXES(1), DROP},
           .no_gradient = true),
    REDUCE("long_column", .inputs = {OP_FLOAT(9001, 7)}, .attributes = {AXES(0), DROP},
           .no_gradient = true, .one_piece = true),
    REDUCE("wide_column", .inputs = {OP_FLOAT(41, 2500)}, .attributes = {AXES(0), DROP},
           .no_gradient = true, .one_piece = true),
    REDUCE("long_rows_of_rows", .inputs = {OP_FLOAT(30, 3, 1201)}, .attributes = {AXES(0, 2), DROP},
           .no_gradient = true, .one_piece = true),
};

int main(void) {
    return op_rows_run("products", products, sizeof products / sizeof *products) +
           op_rows_run("normalisation", normalisations,
                       sizeof normalisations / sizeof *normalisations) +
           op_rows_run("reductions", reductions, sizeof reductions / sizeof *reductions);
}
