/* Training losses: see ops/harness.h for what each row goes through. */
#include "ops/harness.h"

#define ROW(name, function, ...)                                                                   \
    {                                                                                              \
        .title = name, .domain = "tern", .reference = function, .one_piece = true,                 \
        .train_only = true, __VA_ARGS__                                                            \
    }
#define CE(name, ...)                                                                              \
    ROW("SoftmaxCrossEntropy_" name, reference_softmax_cross_entropy, .op = "SoftmaxCrossEntropy", \
        __VA_ARGS__)
#define CLASSES(shape, ...)                                                                        \
    { .kind = OP_INTS, .data = (const double[]){__VA_ARGS__}, OP_DIMS shape }
#define CLASS_WEIGHTS(n)                                                                           \
    { .kind = OP_CONSTANT, .values = OP_POSITIVE, OP_DIMS(n) }
#define SMOOTH OP_REAL_ATTRIBUTE("label_smoothing", 0.1)
#define SUM OP_TEXT_ATTRIBUTE("reduction", "sum")
#define PAIR .inputs = {OP_FLOAT(3, 5, 7), OP_FLOAT_OF(OP_PROBABILITY, 3, 5, 7)}
#define POINTWISE(op_name, function, ...)                                                          \
    ROW(op_name "_mean", function, .op = op_name, PAIR, .attributes = {__VA_ARGS__}),              \
        ROW(op_name "_sum", function, .op = op_name, PAIR, .attributes = {SUM, __VA_ARGS__}),      \
        ROW(op_name "_long", function, .op = op_name, .no_gradient = true,                         \
            .inputs = {OP_FLOAT(3, 12345), OP_FLOAT_OF(OP_PROBABILITY, 3, 12345)})

static const op_row rows[] = {
    CE("numbers", .inputs = {OP_FLOAT(4, 5), CLASSES((4), 0, 4, 2, 2)}),
    CE("many_classes", .inputs = {OP_FLOAT(3, 37), CLASSES((3), 36, 0, 17)}),
    CE("weights", .inputs = {OP_FLOAT(4, 5), CLASSES((4), 0, 4, 2, 2), CLASS_WEIGHTS(5)}),
    CE("smoothed", .inputs = {OP_FLOAT(4, 5), CLASSES((4), 0, 4, 2, 2)}, .attributes = {SMOOTH}),
    CE("smoothed_weights", .inputs = {OP_FLOAT(4, 5), CLASSES((4), 0, 4, 2, 2), CLASS_WEIGHTS(5)},
       .attributes = {SMOOTH}),
    CE("ignored", .inputs = {OP_FLOAT(4, 5), CLASSES((4), -100, 4, 2, -100)}),
    CE("ignored_class", .inputs = {OP_FLOAT(4, 5), CLASSES((4), 1, 4, 1, 2), CLASS_WEIGHTS(5)},
       .attributes = {OP_INT_ATTRIBUTE("ignore_index", 1), SMOOTH}),
    CE("all_ignored", .inputs = {OP_FLOAT(2, 3), CLASSES((2), 7, 7)},
       .attributes = {OP_INT_ATTRIBUTE("ignore_index", 7)}),
    CE("sum", .inputs = {OP_FLOAT(4, 5), CLASSES((4), 0, 4, 2, 2)}, .attributes = {SUM}),
    CE("pixels", .inputs = {OP_FLOAT(2, 3, 2, 4),
                            CLASSES((2, 2, 4), 0, 1, 2, 1, 0, 0, 2, 1, 1, 1, 2, 0, 2, 2, 0, 1)}),
    CE("soft", .inputs = {OP_FLOAT(4, 5), OP_FLOAT_OF(OP_PROBABILITY, 4, 5)}),
    CE("soft_everything",
       .inputs = {OP_FLOAT(4, 5), OP_FLOAT_OF(OP_PROBABILITY, 4, 5), CLASS_WEIGHTS(5)},
       .attributes = {SMOOTH}),
    CE("soft_pixels", .inputs = {OP_FLOAT(2, 3, 2, 4), OP_FLOAT_OF(OP_PROBABILITY, 2, 3, 2, 4)}),
    CE("large",
       .inputs = {{.kind = OP_FLOATS, .offset = 500, OP_DIMS(4, 5)}, CLASSES((4), 0, 4, 2, 2)},
       .tolerance = 1e-4, .gradient_tolerance = 1e-4),
    CE("many_rows", .no_gradient = true,
       .inputs = {OP_FLOAT(9001, 2),
                  {.kind = OP_INTS, .data = (const double[9001]){1, 0, 1, 1}, OP_DIMS(9001)}}),
    POINTWISE("SquaredError", reference_squared_error),
    POINTWISE("AbsoluteError", reference_absolute_error),
    POINTWISE("Huber", reference_huber, OP_REAL_ATTRIBUTE("delta", 0.75)),
    POINTWISE("BinaryCrossEntropyWithLogits", reference_binary_cross_entropy,
              OP_REAL_ATTRIBUTE("positive_weight", 2.5)),
    ROW("BinaryCrossEntropyWithLogits_large", reference_binary_cross_entropy,
        .op = "BinaryCrossEntropyWithLogits",
        .inputs = {{.kind = OP_FLOATS, .offset = 60, OP_DIMS(3, 5)},
                   OP_FLOAT_OF(OP_PROBABILITY, 3, 5)}),
};

int main(void) { return op_rows_run("losses", rows, sizeof rows / sizeof *rows); }
