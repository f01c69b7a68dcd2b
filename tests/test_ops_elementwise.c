/* Operators of one and two elements: see ops/harness.h for what each row goes through. */
#include "ops/harness.h"

#define UNARY(name, function, ...)                                                                 \
    {.title = #name,                                                                               \
     .op = #name,                                                                                  \
     .reference = function,                                                                        \
     .inputs = {OP_FLOAT_OF(OP_WIDE, 2, 3, 5, 4)},                                                 \
     __VA_ARGS__},                                                                                 \
    {                                                                                              \
        .title = #name "_row", .op = #name, .reference = function,                                 \
        .inputs = {OP_FLOAT_OF(OP_WIDE, 3, 19)}, __VA_ARGS__                                       \
    }

#define NUMBER(value)                                                                              \
    {                                                                                              \
        .kind = OP_CONSTANT, .data = (const double[]) { value }                                    \
    }
#define POSITIVE(name, function, ...)                                                              \
    {.title = #name,                                                                               \
     .op = #name,                                                                                  \
     .reference = function,                                                                        \
     .inputs = {OP_FLOAT_OF(OP_POSITIVE, 2, 3, 5, 4), __VA_ARGS__}},                               \
    {                                                                                              \
        .title = #name "_row", .op = #name, .reference = function, .inputs = {                     \
            OP_FLOAT_OF(OP_POSITIVE, 3, 19),                                                       \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

#define BINARY(name, function)                                                                     \
    {.title = #name "_same",                                                                       \
     .op = #name,                                                                                  \
     .reference = function,                                                                        \
     .inputs = {OP_FLOAT(2, 3, 5, 4), OP_FLOAT_OF(OP_POSITIVE, 2, 3, 5, 4)}},                      \
        {.title = #name "_channels",                                                               \
         .op = #name,                                                                              \
         .reference = function,                                                                    \
         .inputs = {OP_FLOAT(2, 3, 5, 4),                                                          \
                    {.kind = OP_FLOATS, .values = OP_POSITIVE, .whole = true, OP_DIMS(3, 1, 1)}}}, \
        {.title = #name "_gates",                                                                  \
         .op = #name,                                                                              \
         .reference = function,                                                                    \
         .inputs = {OP_FLOAT_OF(OP_POSITIVE, 2, 3, 1, 1), OP_FLOAT_OF(OP_POSITIVE, 2, 3, 5, 4)}},  \
        {.title = #name "_crossed",                                                                \
         .op = #name,                                                                              \
         .reference = function,                                                                    \
         .one_piece = true,                                                                        \
         .inputs = {OP_FLOAT(4, 1, 3), OP_FLOAT_OF(OP_POSITIVE, 5, 1)}},                           \
        {.title = #name "_scalar",                                                                 \
         .op = #name,                                                                              \
         .reference = function,                                                                    \
         .inputs = {OP_FLOAT(3, 7), {.kind = OP_CONSTANT, .values = OP_POSITIVE}}},                \
    {                                                                                              \
        .title = #name "_relu", .op = #name, .reference = function, .then = "Relu",                \
        .then_reference = reference_relu, .inputs = {                                              \
            OP_FLOAT(2, 3, 5, 4),                                                                  \
            OP_FLOAT_OF(OP_POSITIVE, 2, 3, 5, 4)                                                   \
        }                                                                                          \
    }

#define PRELU(name, slope, ...)                                                                    \
    {                                                                                              \
        .title = "PRelu_" #name, .op = "PRelu", .reference = reference_prelu, .inputs = {          \
            OP_FLOAT_OF(OP_WIDE, __VA_ARGS__),                                                     \
            slope                                                                                  \
        }                                                                                          \
    }

#define THEN(name, function, ...)                                                                  \
    {                                                                                              \
        .title = "Add_" #name, .op = "Add", .reference = reference_add, .then = #name,             \
        .then_reference = function,                                                                \
        .inputs = {OP_FLOAT(2, 3, 5, 4), OP_FLOAT_OF(OP_POSITIVE, 2, 3, 5, 4)}, __VA_ARGS__        \
    }

static const op_row rows[] = {
    UNARY(Relu, reference_relu),
    UNARY(LeakyRelu, reference_leaky_relu, .attributes = {OP_REAL_ATTRIBUTE("alpha", 0.2)}),
    UNARY(Elu, reference_elu, .attributes = {OP_REAL_ATTRIBUTE("alpha", 1.5)}),
    UNARY(Sigmoid, reference_sigmoid),
    UNARY(Tanh, reference_tanh),
    UNARY(Softplus, reference_softplus),
    UNARY(HardSwish, reference_hard_swish),
    UNARY(Gelu, reference_gelu),
    UNARY(Erf, reference_erf),
    UNARY(Neg, reference_neg),
    UNARY(Identity, reference_identity, .alias = true),
    UNARY(HardSigmoid, reference_hard_sigmoid, .attributes = {OP_REAL_ATTRIBUTE("alpha", 0.21)}),
    UNARY(Selu, reference_selu),
    {.title = "Selu_given",
     .op = "Selu",
     .reference = reference_selu,
     .inputs = {OP_FLOAT_OF(OP_WIDE, 3, 19)},
     .attributes = {OP_REAL_ATTRIBUTE("alpha", 1.5), OP_REAL_ATTRIBUTE("gamma", -0.75)}},
    UNARY(Softsign, reference_softsign),
    UNARY(Abs, reference_abs),
    UNARY(Reciprocal, reference_reciprocal),
    UNARY(Exp, reference_exp),
    POSITIVE(Sqrt, reference_sqrt),
    POSITIVE(Log, reference_log),
    POSITIVE(Pow, reference_pow, NUMBER(1.7)),
    {.title = "Pow_square",
     .op = "Pow",
     .reference = reference_pow,
     .inputs = {OP_FLOAT(2, 3, 5, 4), NUMBER(2)}},
    {.title = "Pow_root",
     .op = "Pow",
     .reference = reference_pow,
     .inputs = {OP_FLOAT_OF(OP_POSITIVE, 3, 19), NUMBER(0.5)}},
    {.title = "Pow_of_integer",
     .op = "Pow",
     .reference = reference_pow,
     .inputs = {OP_FLOAT(3, 19), OP_NUMBERS(3)}},
    {.title = "Clip",
     .op = "Clip",
     .reference = reference_clip,
     .inputs = {OP_FLOAT(2, 3, 5, 4), NUMBER(-0.65), NUMBER(1.1)}},
    {.title = "Clip_below",
     .op = "Clip",
     .reference = reference_clip,
     .inputs = {OP_FLOAT(3, 19), NUMBER(0.3)}},
    {.title = "Clip_above",
     .op = "Clip",
     .reference = reference_clip,
     .inputs = {OP_FLOAT(3, 19), {.kind = OP_NONE}, NUMBER(0.3)}},
    {.title = "Clip_nothing",
     .op = "Clip",
     .reference = reference_clip,
     .inputs = {OP_FLOAT(3, 19)}},
    {.title = "Gelu_tanh",
     .op = "Gelu",
     .reference = reference_gelu,
     .inputs = {OP_FLOAT_OF(OP_WIDE, 3, 19)},
     .attributes = {OP_TEXT_ATTRIBUTE("approximate", "tanh")}},
    {.title = "Relu_scalar",
     .op = "Relu",
     .reference = reference_relu,
     .one_piece = true,
     .inputs = {{.kind = OP_FLOATS}}},
    {.title = "Relu_long",
     .op = "Relu",
     .reference = reference_relu,
     .no_gradient = true,
     .inputs = {OP_FLOAT(2, 40001)}},
    {.title = "Cast_to_int",
     .op = "Cast",
     .reference = reference_cast,
     .no_gradient = true,
     .inputs = {OP_FLOAT_OF(OP_WIDE, 2, 3, 5)},
     .attributes = {OP_INT_ATTRIBUTE("to", 7)}},
    {.title = "Cast_to_float",
     .op = "Cast",
     .reference = reference_cast,
     .inputs = {OP_FLOAT_OF(OP_WIDE, 2, 3, 5)},
     .attributes = {OP_INT_ATTRIBUTE("to", 1)}},
    PRELU(same, OP_FLOAT(2, 3, 5, 4), 2, 3, 5, 4),
    PRELU(channels, OP_WEIGHT(3, 1, 1), 2, 3, 5, 4),
    PRELU(places, OP_WEIGHT(5, 1), 2, 3, 5, 4),
    PRELU(number, OP_WEIGHT(1), 2, 3, 5, 4),
    PRELU(row, OP_WEIGHT(19), 3, 19),
    PRELU(channels_1d, OP_WEIGHT(3, 1), 2, 3, 37),
    {.title = "PRelu_relu",
     .op = "PRelu",
     .reference = reference_prelu,
     .then = "Relu",
     .then_reference = reference_relu,
     .inputs = {OP_FLOAT(2, 3, 5, 4), OP_WEIGHT(3, 1, 1)}},
    BINARY(Add, reference_add),
    BINARY(Sub, reference_sub),
    BINARY(Mul, reference_mul),
    BINARY(Div, reference_div),
    THEN(LeakyRelu, reference_leaky_relu, .then_attribute = OP_REAL_ATTRIBUTE("alpha", 0.3)),
    THEN(Sigmoid, reference_sigmoid),
    THEN(Tanh, reference_tanh),
    {.title = "Mul_many_rows",
     .op = "Mul",
     .reference = reference_mul,
     .no_gradient = true,
     .inputs = {OP_FLOAT(3, 7001, 5), OP_WEIGHT(5)}},
};

int main(void) { return op_rows_run("elementwise operators", rows, sizeof rows / sizeof *rows); }
