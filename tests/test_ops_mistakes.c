/* Wrong uses of operators: each is refused with a sentence that gives the values and the rule. */
#include "ops/harness.h"

#define WRONG(op_name, what, fragment, ...)                                                        \
    {                                                                                              \
        .row = {.title = op_name "_" what, .op = op_name, __VA_ARGS__}, .status = TERN_ERR_SHAPE,  \
        .text = fragment                                                                           \
    }
#define WRONG_STATUS(code, op_name, what, fragment, ...)                                           \
    {                                                                                              \
        .row = {.title = op_name "_" what, .op = op_name, __VA_ARGS__}, .status = code,            \
        .text = fragment                                                                           \
    }
#define KERNEL(...) OP_INTS_ATTRIBUTE("kernel_shape", __VA_ARGS__)
#define X4 OP_FLOAT(2, 3, 4, 5)
#define FIVE(n) OP_WEIGHT(n), OP_WEIGHT(n), OP_WEIGHT(n), OP_WEIGHT(n)
#define CLASSES(...)                                                                               \
    { .kind = OP_INTS, .data = (const double[64]){0}, OP_DIMS(__VA_ARGS__) }

static const op_mistake mistakes[] = {
    WRONG("Relu", "integers", "int64",
          .inputs = {{.kind = OP_INTS, .data = (const double[4]){0}, OP_DIMS(4)}}),
    WRONG_STATUS(TERN_ERR_UNSUPPORTED, "LeakyRelu", "negative", "must not be negative",
                 .inputs = {X4}, .attributes = {OP_REAL_ATTRIBUTE("alpha", -1)}),
    WRONG_STATUS(TERN_ERR_ARGUMENT, "Gelu", "mode", "'erf' is neither none nor tanh",
                 .inputs = {X4}, .attributes = {OP_TEXT_ATTRIBUTE("approximate", "erf")}),
    WRONG_STATUS(TERN_ERR_UNSUPPORTED, "Relu", "attribute", "no attribute 'beta'", .inputs = {X4},
                 .attributes = {OP_INT_ATTRIBUTE("beta", 1)}),
    WRONG("Add", "shapes", "[2, 3] and [4, 3] cannot be broadcast",
          .inputs = {OP_FLOAT(2, 3), OP_FLOAT(4, 3)}),
    WRONG("PRelu", "rank", "slope [1, 2, 3] cannot be broadcast to input [2, 3]",
          .inputs = {OP_FLOAT(2, 3), OP_WEIGHT(1, 2, 3)}),
    WRONG("PRelu", "larger", "slope [3] cannot be broadcast to input [2, 1]",
          .inputs = {OP_FLOAT(2, 1), OP_WEIGHT(3)}),
    WRONG("MaxPool", "window", "window 3x3 does not fit into input 2x2 with pads 0",
          .inputs = {OP_FLOAT(1, 1, 2, 2)}, .attributes = {KERNEL(3, 3)}),
    WRONG("MaxPool", "dilated_window", "dilated by 4x1", .inputs = {X4},
          .attributes = {KERNEL(2, 2), OP_INTS_ATTRIBUTE("dilations", 4, 1)}),
    WRONG("MaxPool", "rank", "[N, C, spatial...]", .inputs = {OP_FLOAT(2, 3)},
          .attributes = {KERNEL(2, 2)}),
    WRONG("MaxPool", "kernel", "kernel_shape has 1 numbers and needs 2", .inputs = {X4},
          .attributes = {KERNEL(2)}),
    WRONG("MaxPool", "stride", "strides has 0", .inputs = {X4},
          .attributes = {KERNEL(2, 2), OP_INTS_ATTRIBUTE("strides", 0, 1)}),
    WRONG("MaxPool", "pads", "pads has -1", .inputs = {X4},
          .attributes = {KERNEL(2, 2), OP_INTS_ATTRIBUTE("pads", -1, 0, 0, 0)}),
    WRONG("AveragePool", "auto_pad", "'SAME' is none of", .inputs = {X4},
          .attributes = {KERNEL(2, 2), OP_TEXT_ATTRIBUTE("auto_pad", "SAME")}),
    WRONG_STATUS(TERN_ERR_LIMIT, "AveragePool", "huge", "at most", .inputs = {X4},
                 .attributes = {KERNEL(100000, 100000),
                                OP_INTS_ATTRIBUTE("pads", 99999, 99999, 99999, 99999)}),
    WRONG("GlobalAveragePool", "rank", "[N, C, spatial...]", .inputs = {OP_FLOAT(2, 3)}),
    WRONG("BatchNormalization", "channels", "each of the 3 channels", .inputs = {X4, FIVE(4)}),
    WRONG("BatchNormalization", "rank", "[N, C, ...]", .inputs = {OP_FLOAT(2), FIVE(2)}),
    WRONG("LayerNormalization", "scale", "must be [5]", .inputs = {X4, OP_WEIGHT(4)}),
    WRONG("LayerNormalization", "axis", "axis 4 is outside of -4..3", .inputs = {X4, OP_WEIGHT(5)},
          .attributes = {OP_INT_ATTRIBUTE("axis", 4)}),
    WRONG("LRN", "rank", "must be [N, C, ...]", .inputs = {OP_FLOAT(3)},
          .attributes = {OP_INT_ATTRIBUTE("size", 3)}),
    WRONG_STATUS(TERN_ERR_ARGUMENT, "LRN", "size", "size is 0", .inputs = {X4},
                 .attributes = {OP_INT_ATTRIBUTE("size", 0)}),
    WRONG("Softmax", "axis", "axis -5 is outside", .inputs = {X4},
          .attributes = {OP_INT_ATTRIBUTE("axis", -5)}),
    WRONG("ReduceMean", "axis", "axis 4 is outside", .inputs = {X4},
          .attributes = {OP_INTS_ATTRIBUTE("axes", 4)}),
    WRONG("Concat", "shapes", "may only differ along axis 1", .inputs = {X4, OP_FLOAT(2, 3, 4, 6)},
          .attributes = {OP_INT_ATTRIBUTE("axis", 1)}),
    WRONG("Split", "equal", "3 along axis 1 cannot be cut into 2 equal parts", .inputs = {X4},
          .outputs = 2, .attributes = {OP_INT_ATTRIBUTE("axis", 1)}),
    WRONG("Split", "sizes", "add up to 4, and axis 1 has 3", .inputs = {X4, OP_NUMBERS(2, 2)},
          .outputs = 2, .attributes = {OP_INT_ATTRIBUTE("axis", 1)}),
    WRONG("Slice", "nothing", "takes nothing from axis 1 of size 3",
          .inputs = {X4, OP_NUMBERS(2), OP_NUMBERS(2), OP_NUMBERS(1)}),
    WRONG("Slice", "step", "step 0 along axis 1",
          .inputs = {X4, OP_NUMBERS(0), OP_NUMBERS(2), OP_NUMBERS(1), OP_NUMBERS(0)}),
    WRONG_STATUS(TERN_ERR_UNSUPPORTED, "Slice", "computed", "needs it to be a constant",
                 .inputs = {X4, CLASSES(1), OP_NUMBERS(2)}),
    WRONG("Pad", "count", "6 pads for 4 axes", .inputs = {X4, OP_NUMBERS(0, 0, 0, 0, 0, 0)}),
    WRONG_STATUS(TERN_ERR_ARGUMENT, "Pad", "mode", "'mirror' is none of",
                 .attributes = {OP_TEXT_ATTRIBUTE("mode", "mirror")},
                 .inputs = {X4, OP_NUMBERS(0, 0, 0, 0, 0, 0, 0, 0)}),
    WRONG("Pad", "cut_away", "leave nothing of axis 2",
          .inputs = {X4, OP_NUMBERS(0, 0, -2, 0, 0, 0, -2, 0)}),
    WRONG("Transpose", "perm", "each axis of input [2, 3, 4, 5] once", .inputs = {X4},
          .attributes = {OP_INTS_ATTRIBUTE("perm", 0, 1, 1, 2)}),
    WRONG("Reshape", "count", "[2, 3, 4, 5] cannot become 7x2", .inputs = {X4, OP_NUMBERS(7, 2)}),
    WRONG("Reshape", "two_rests", "one dimension may be -1", .inputs = {X4, OP_NUMBERS(-1, -1)}),
    WRONG("Reshape", "keep", "dimension 4 is to be kept",
          .inputs = {X4, OP_NUMBERS(0, 0, 0, 0, 0)}),
    WRONG("Flatten", "axis", "axis 5 is outside", .inputs = {X4},
          .attributes = {OP_INT_ATTRIBUTE("axis", 5)}),
    WRONG("Squeeze", "size", "dimension 1 of input [2, 3, 4, 5] is not 1",
          .inputs = {X4, OP_NUMBERS(1)}),
    WRONG("Unsqueeze", "twice", "given twice", .inputs = {X4, OP_NUMBERS(1, 1)}),
    WRONG("Gather", "type", "input 1 has float", .inputs = {X4, OP_WEIGHT(2)}),
    WRONG_STATUS(TERN_ERR_UNSUPPORTED, "Cast", "type", "element type 10", .inputs = {X4},
                 .attributes = {OP_INT_ATTRIBUTE("to", 10)}),
    WRONG_STATUS(TERN_ERR_ARGUMENT, "Dropout", "ratio", "ratio 1 must be",
                 .inputs = {X4, {.kind = OP_CONSTANT, .data = (const double[]){1}}}),
    WRONG("Conv", "channels", "3", .inputs = {X4, OP_WEIGHT(8, 2, 3, 3)}),
    WRONG("Gemm", "inner", "7", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(6, 4)}),
    WRONG("MatMul", "inner", "7", .inputs = {OP_FLOAT(5, 7), OP_WEIGHT(6, 4)}),
    WRONG("SoftmaxCrossEntropy", "target", "target [5] does not fit logits [4, 3]",
          .domain = "tern", .inputs = {OP_FLOAT(4, 3), CLASSES(5)}),
    WRONG("SoftmaxCrossEntropy", "weights", "weights [4] for the 3 classes", .domain = "tern",
          .inputs = {OP_FLOAT(4, 3), CLASSES(4), OP_WEIGHT(4)}),
    WRONG_STATUS(TERN_ERR_ARGUMENT, "SoftmaxCrossEntropy", "smoothing", "label_smoothing 2",
                 .domain = "tern", .inputs = {OP_FLOAT(4, 3), CLASSES(4)},
                 .attributes = {OP_REAL_ATTRIBUTE("label_smoothing", 2)}),
    WRONG("SquaredError", "target", "must have the shape of input [4, 3]", .domain = "tern",
          .inputs = {OP_FLOAT(4, 3), OP_FLOAT(3, 4)}),
    WRONG_STATUS(TERN_ERR_ARGUMENT, "Huber", "reduction", "'max' is neither mean nor sum",
                 .domain = "tern", .inputs = {OP_FLOAT(4, 3), OP_FLOAT(4, 3)},
                 .attributes = {OP_TEXT_ATTRIBUTE("reduction", "max")}),
};

int main(void) {
    return op_mistakes_run("wrong uses", mistakes, sizeof mistakes / sizeof *mistakes);
}
