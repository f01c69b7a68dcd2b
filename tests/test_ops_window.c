/* Convolution, pooling, padding: see ops/harness.h for what each row goes through. */
#include "ops/harness.h"

#define CONV(name, ...)                                                                            \
    { .title = "Conv_" name, .op = "Conv", .reference = reference_conv, __VA_ARGS__ }
#define TRANSPOSE(name, ...)                                                                       \
    {                                                                                              \
        .title = "ConvTranspose_" name, .op = "ConvTranspose",                                     \
        .reference = reference_conv_transpose, __VA_ARGS__                                         \
    }
#define MAX(name, ...)                                                                             \
    { .title = "MaxPool_" name, .op = "MaxPool", .reference = reference_max_pool, __VA_ARGS__ }
#define AVERAGE(name, ...)                                                                         \
    {                                                                                              \
        .title = "AveragePool_" name, .op = "AveragePool", .reference = reference_average_pool,    \
        __VA_ARGS__                                                                                \
    }
#define PAD(name, ...)                                                                             \
    { .title = "Pad_" name, .op = "Pad", .reference = reference_pad, __VA_ARGS__ }
#define KERNEL(...) OP_INTS_ATTRIBUTE("kernel_shape", __VA_ARGS__)
#define STRIDES(...) OP_INTS_ATTRIBUTE("strides", __VA_ARGS__)
#define PADS(...) OP_INTS_ATTRIBUTE("pads", __VA_ARGS__)
#define DILATIONS(...) OP_INTS_ATTRIBUTE("dilations", __VA_ARGS__)

static const op_row convolutions[] = {
    CONV("1d", .inputs = {OP_FLOAT(2, 3, 9), OP_WEIGHT(4, 3, 3), OP_WEIGHT(4)}),
    CONV("1d_from_one_channel", .inputs = {OP_FLOAT(2, 1, 24), OP_WEIGHT(5, 1, 8)},
         .attributes = {STRIDES(4)}),
    CONV("2d_padded", .inputs = {OP_FLOAT(2, 3, 5, 6), OP_WEIGHT(4, 3, 3, 3), OP_WEIGHT(4)},
         .attributes = {PADS(1, 1, 1, 1)}),
    CONV("2d_no_bias", .inputs = {OP_FLOAT(2, 2, 5, 6), OP_WEIGHT(3, 2, 3, 2)}),
    CONV("2d_wide", .inputs = {OP_FLOAT(1, 5, 4, 5), OP_WEIGHT(19, 5, 3, 3), OP_WEIGHT(19)},
         .attributes = {PADS(1, 1, 1, 1)}),
    CONV("2d_strides", .inputs = {OP_FLOAT(2, 3, 7, 8), OP_WEIGHT(4, 3, 3, 3), OP_WEIGHT(4)},
         .attributes = {STRIDES(2, 3), PADS(1, 0, 0, 2)}),
    CONV("2d_dilated", .inputs = {OP_FLOAT(2, 2, 7, 9), OP_WEIGHT(3, 2, 3, 3), OP_WEIGHT(3)},
         .attributes = {DILATIONS(2, 3), PADS(1, 2, 0, 1)}),
    CONV("2d_same_upper", .inputs = {OP_FLOAT(2, 2, 5, 6), OP_WEIGHT(3, 2, 3, 2), OP_WEIGHT(3)},
         .attributes = {STRIDES(2, 2), OP_TEXT_ATTRIBUTE("auto_pad", "SAME_UPPER")}),
    CONV("2d_same_lower", .inputs = {OP_FLOAT(2, 2, 5, 6), OP_WEIGHT(3, 2, 3, 2), OP_WEIGHT(3)},
         .attributes = {OP_TEXT_ATTRIBUTE("auto_pad", "SAME_LOWER")}),
    CONV("2d_valid", .inputs = {OP_FLOAT(2, 2, 5, 6), OP_WEIGHT(3, 2, 3, 2), OP_WEIGHT(3)},
         .attributes = {OP_TEXT_ATTRIBUTE("auto_pad", "VALID")}),
    CONV("2d_grouped", .inputs = {OP_FLOAT(2, 4, 5, 5), OP_WEIGHT(6, 2, 3, 3), OP_WEIGHT(6)},
         .attributes = {OP_INT_ATTRIBUTE("group", 2), PADS(1, 1, 1, 1)}),
    CONV("2d_depthwise", .inputs = {OP_FLOAT(2, 5, 6, 5), OP_WEIGHT(5, 1, 3, 3), OP_WEIGHT(5)},
         .attributes = {OP_INT_ATTRIBUTE("group", 5), PADS(1, 1, 1, 1), STRIDES(2, 1)}),
    CONV("2d_depthwise_many", .inputs = {OP_FLOAT(1, 3, 4, 5), OP_WEIGHT(6, 1, 3, 3), OP_WEIGHT(6)},
         .attributes = {OP_INT_ATTRIBUTE("group", 3)}),
    CONV("1x1", .inputs = {OP_FLOAT(2, 7, 3, 4), OP_WEIGHT(5, 7, 1, 1), OP_WEIGHT(5)}),
    CONV("3d", .inputs = {OP_FLOAT(2, 2, 3, 4, 5), OP_WEIGHT(3, 2, 2, 3, 2), OP_WEIGHT(3)},
         .attributes = {PADS(0, 1, 1, 1, 1, 0), STRIDES(1, 2, 1)}),
    CONV("relu", .inputs = {OP_FLOAT(2, 3, 5, 6), OP_WEIGHT(4, 3, 3, 3), OP_WEIGHT(4)},
         .then = "Relu", .then_reference = reference_relu),
    CONV("tanh", .inputs = {OP_FLOAT(2, 3, 5, 6), OP_WEIGHT(4, 3, 3, 3), OP_WEIGHT(4)},
         .then = "Tanh", .then_reference = reference_tanh),
    CONV("leaky", .inputs = {OP_FLOAT(2, 3, 5, 6), OP_WEIGHT(4, 3, 3, 3), OP_WEIGHT(4)},
         .then = "LeakyRelu", .then_reference = reference_leaky_relu),
    TRANSPOSE("2x2", .inputs = {OP_FLOAT(2, 3, 3, 4), OP_WEIGHT(3, 4, 2, 2), OP_WEIGHT(4)},
              .attributes = {STRIDES(2, 2)}),
    TRANSPOSE("overlapping", .inputs = {OP_FLOAT(2, 3, 3, 4), OP_WEIGHT(3, 2, 3, 3), OP_WEIGHT(2)},
              .attributes = {STRIDES(2, 1), PADS(1, 0, 0, 1)}),
    TRANSPOSE(
        "output_padding", .inputs = {OP_FLOAT(1, 2, 3, 3), OP_WEIGHT(2, 3, 3, 3)},
        .attributes = {STRIDES(2, 2), PADS(1, 1, 1, 1), OP_INTS_ATTRIBUTE("output_padding", 1, 1)}),
    TRANSPOSE("dilated_1d", .inputs = {OP_FLOAT(2, 3, 5), OP_WEIGHT(3, 2, 3), OP_WEIGHT(2)},
              .attributes = {DILATIONS(2)}),
    TRANSPOSE("grouped", .inputs = {OP_FLOAT(2, 4, 3, 3), OP_WEIGHT(4, 3, 2, 2), OP_WEIGHT(6)},
              .attributes = {OP_INT_ATTRIBUTE("group", 2)}),
};

static const op_row pools[] = {
    MAX("1d", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 13)},
        .attributes = {KERNEL(4), STRIDES(4)}),
    MAX("2x2", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 9, 6, 8)},
        .attributes = {KERNEL(2, 2), STRIDES(2, 2)}),
    MAX("2x2_shifted", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 6, 8)},
        .attributes = {KERNEL(2, 2), STRIDES(2, 2), PADS(1, 1, 0, 0)}),
    MAX("overlapping", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 7, 8)},
        .attributes = {KERNEL(3, 3), STRIDES(2, 2), PADS(1, 1, 1, 1)}),
    MAX("stride_1", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 5, 6)}, .attributes = {KERNEL(3, 2)}),
    MAX("dilated", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 2, 8, 9)},
        .attributes = {KERNEL(2, 3), DILATIONS(3, 2), PADS(1, 2, 0, 1)}),
    MAX("ceil_mode", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 6, 7)},
        .attributes = {KERNEL(3, 3), STRIDES(2, 2), OP_INT_ATTRIBUTE("ceil_mode", 1)}),
    MAX("ceil_mode_padded", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 5, 6)},
        .attributes = {KERNEL(2, 2), STRIDES(3, 3), PADS(0, 1, 1, 1),
                       OP_INT_ATTRIBUTE("ceil_mode", 1)}),
    MAX("same_upper", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 5, 6)},
        .attributes = {KERNEL(3, 2), STRIDES(2, 2), OP_TEXT_ATTRIBUTE("auto_pad", "SAME_UPPER")}),
    MAX("same_lower", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 5, 6)},
        .attributes = {KERNEL(2, 2), OP_TEXT_ATTRIBUTE("auto_pad", "SAME_LOWER")}),
    MAX("3d", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 2, 4, 5, 4)},
        .attributes = {KERNEL(2, 3, 2), STRIDES(2, 1, 2), PADS(0, 1, 0, 1, 1, 0)}),
    MAX("whole_row_window", .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 17, 17)},
        .attributes = {KERNEL(17, 17)}),
    AVERAGE("2x2", .inputs = {OP_FLOAT(2, 9, 6, 8)}, .attributes = {KERNEL(2, 2), STRIDES(2, 2)}),
    AVERAGE("2x2_shifted", .inputs = {OP_FLOAT(2, 3, 6, 8)},
            .attributes = {KERNEL(2, 2), STRIDES(2, 2), PADS(0, 1, 0, 0)}),
    AVERAGE("padded", .inputs = {OP_FLOAT(2, 3, 7, 8)},
            .attributes = {KERNEL(3, 3), STRIDES(2, 2), PADS(1, 1, 1, 1)}),
    AVERAGE("counting_pads", .inputs = {OP_FLOAT(2, 3, 7, 8)},
            .attributes = {KERNEL(3, 3), STRIDES(2, 2), PADS(1, 1, 0, 1),
                           OP_INT_ATTRIBUTE("count_include_pad", 1)}),
    AVERAGE("ceil_mode", .inputs = {OP_FLOAT(2, 3, 6, 7)},
            .attributes = {KERNEL(3, 3), STRIDES(2, 2), OP_INT_ATTRIBUTE("ceil_mode", 1)}),
    AVERAGE("ceil_mode_counting_pads", .inputs = {OP_FLOAT(2, 3, 6, 7)},
            .attributes = {KERNEL(3, 3), STRIDES(2, 2), PADS(1, 0, 1, 1),
                           OP_INT_ATTRIBUTE("ceil_mode", 1),
                           OP_INT_ATTRIBUTE("count_include_pad", 1)}),
    AVERAGE("dilated", .inputs = {OP_FLOAT(2, 3, 6, 7)},
            .attributes = {KERNEL(2, 2), DILATIONS(2, 3)}),
    AVERAGE("1d_same", .inputs = {OP_FLOAT(2, 3, 10)},
            .attributes = {KERNEL(4), STRIDES(3), OP_TEXT_ATTRIBUTE("auto_pad", "SAME_UPPER")}),
    AVERAGE("3d", .inputs = {OP_FLOAT(2, 2, 4, 5, 4)},
            .attributes = {KERNEL(2, 3, 2), STRIDES(2, 1, 2)}),
    {.title = "GlobalAveragePool",
     .op = "GlobalAveragePool",
     .reference = reference_global_average_pool,
     .inputs = {OP_FLOAT(2, 5, 6, 7)}},
    {.title = "GlobalAveragePool_long",
     .op = "GlobalAveragePool",
     .no_gradient = true,
     .reference = reference_global_average_pool,
     .inputs = {OP_FLOAT(2, 3, 30011)}},
    {.title = "GlobalMaxPool",
     .op = "GlobalMaxPool",
     .reference = reference_global_max_pool,
     .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 5, 6, 7)}},
    {.title = "GlobalMaxPool_1d",
     .op = "GlobalMaxPool",
     .reference = reference_global_max_pool,
     .inputs = {OP_FLOAT_OF(OP_DISTINCT, 3, 9, 11)}},
    {.title = "GlobalMaxPool_long",
     .op = "GlobalMaxPool",
     .no_gradient = true,
     .reference = reference_global_max_pool,
     .inputs = {OP_FLOAT_OF(OP_DISTINCT, 2, 3, 30011)}},
};

#define MODE(text) .attributes = {OP_TEXT_ATTRIBUTE("mode", text)}
#define FOUR_WAYS(name, mode)                                                                      \
    PAD(name "_2d", .inputs = {OP_FLOAT(2, 3, 4, 5), OP_NUMBERS(0, 0, 2, 1, 0, 0, 1, 3)},          \
        MODE(mode)),                                                                               \
        PAD(name "_all_axes", .inputs = {OP_FLOAT(2, 3, 4), OP_NUMBERS(1, 1, 2, 1, 2, 0)},         \
            MODE(mode), .one_piece = true)

static const op_row paddings[] = {
    FOUR_WAYS("constant", "constant"),
    FOUR_WAYS("reflect", "reflect"),
    FOUR_WAYS("edge", "edge"),
    FOUR_WAYS("wrap", "wrap"),
    PAD("value", .inputs = {OP_FLOAT(2, 3, 4),
                            OP_NUMBERS(0, 0, 2, 0, 0, 1),
                            {.kind = OP_CONSTANT, .data = (const double[]){-1.5}}}),
    PAD("axes",
        .inputs =
            {OP_FLOAT(2, 3, 4, 5), OP_NUMBERS(1, 2, 0, 1), {.kind = OP_NONE}, OP_NUMBERS(-1, 2)},
        MODE("edge")),
    PAD("cut", .inputs = {OP_FLOAT(2, 3, 5, 6), OP_NUMBERS(0, 0, -1, 1, 0, 0, 2, -2)}),
    PAD("reflect_one", .inputs = {OP_FLOAT(2, 3, 1), OP_NUMBERS(0, 0, 2, 0, 0, 1)},
        MODE("reflect")),
    PAD("wrap_often", .inputs = {OP_FLOAT(2, 3, 2), OP_NUMBERS(0, 0, 5, 0, 0, 3)}, MODE("wrap")),
};

int main(void) {
    return op_rows_run("convolution", convolutions, sizeof convolutions / sizeof *convolutions) +
           op_rows_run("pooling", pools, sizeof pools / sizeof *pools) +
           op_rows_run("padding", paddings, sizeof paddings / sizeof *paddings);
}
