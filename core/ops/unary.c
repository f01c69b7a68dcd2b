/* Functions of one element: Relu, LeakyRelu, Elu, Sigmoid, Tanh, Softplus, HardSwish, Gelu, Erf,
 * Neg; and the activations that other operators apply to their outputs. The functions themselves
 * are in kernels/vector.h. */
#include "ops.h"

tern_status tern__infer_same(tern__infer *in) {
    in->outputs[0] = *in->inputs[0];
    return TERN_OK;
}

static tern_status infer(tern__infer *in) {
    tern_status status = tern__infer_type(in, 0, TERN_FLOAT);
    return status ? status : tern__infer_same(in);
}

typedef struct job {
    const tern__vector_kernels *kernels;
    tern__unary function;
    float a;
    bool add;
    const float *from, *dy;
    float *to;
} job;

static void forward_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->unary(j->function, j->a, j->from + begin, j->to + begin, end - begin);
}

static void backward_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->unary_gradient(j->function, j->a, j->from + begin, j->dy + begin, j->to + begin,
                               end - begin, j->add);
}

static tern_status forward(const tern__step *step, tern__unary function, float a) {
    job j = {.kernels = tern__vector(step->context), .function = function, .a = a};
    j.from = step->inputs[0]->data;
    j.to = step->outputs[0]->data;
    tern__parallel_range(step->context, step->inputs[0]->count, TERN__BLOCK, TERN__WORK_EXPONENTIAL,
                         forward_range, &j);
    return TERN_OK;
}

/* from: the input or output that the derivative follows from. */
static void backward(const tern__step *step, tern__unary function, float a,
                     const tern__tensor *from) {
    job j = {.kernels = tern__vector(step->context), .function = function, .a = a};
    j.from = from ? from->data : step->output_grads[0]->data; /* Neg reads neither */
    j.dy = step->output_grads[0]->data;
    j.to = step->input_grads[0]->data;
    j.add = step->accumulate[0];
    tern__parallel_range(step->context, step->input_grads[0]->count, TERN__BLOCK, TERN__WORK_PLAIN,
                         backward_range, &j);
}

/* ---- fused activations ---- */

static tern__unary function_of(tern__activation activation) {
    switch (activation) {
    case TERN__LEAKY_RELU:
        return TERN__UNARY_LEAKY_RELU;
    case TERN__SIGMOID:
        return TERN__UNARY_SIGMOID;
    case TERN__TANH:
        return TERN__UNARY_TANH;
    case TERN__RELU:
    case TERN__NONE:
        break;
    }
    return TERN__UNARY_RELU;
}

void tern__activation_apply(const tern_context *c, tern__activation activation, float alpha,
                            float *y, int64_t count) {
    if (activation == TERN__NONE) return;
    job j = {tern__vector(c), function_of(activation), alpha, false, y, NULL, y};
    tern__parallel_range(c, count, TERN__BLOCK, TERN__WORK_PLAIN, forward_range, &j);
}

void tern__activation_gradient(const tern_context *c, tern__activation activation, float alpha,
                               const float *y, float *dy, int64_t count) {
    if (activation == TERN__NONE) return;
    job j = {tern__vector(c), function_of(activation), alpha, false, y, dy, dy};
    tern__parallel_range(c, count, TERN__BLOCK, TERN__WORK_PLAIN, backward_range, &j);
}

/* ---- the rows ---- */

#define ROW                                                                                        \
    .min_inputs = 1, .max_inputs = 1, .min_outputs = 1, .max_outputs = 1,                          \
    .layouts = TERN__ANY_LAYOUT, .in_place = true, .traits.locality = TERN__BY_ELEMENT

/* An operator without attributes whose derivative follows from its output. */
#define FROM_OUTPUT(symbol, title, function, ...)                                                  \
    static tern_status forward_##symbol(const tern__step *step) {                                  \
        return forward(step, function, 0);                                                         \
    }                                                                                              \
    static void backward_##symbol(const tern__step *step) {                                        \
        backward(step, function, 0, step->outputs[0]);                                             \
    }                                                                                              \
    const tern__op tern__op_##symbol = {.name = title,                                             \
                                        .domain = "",                                              \
                                        ROW,                                                       \
                                        .needs = TERN__NEEDS_OUTPUT(0),                            \
                                        .infer = infer,                                            \
                                        .forward = forward_##symbol,                               \
                                        .backward = backward_##symbol,                             \
                                        .traits.activation = true,                                 \
                                        __VA_ARGS__};

FROM_OUTPUT(relu, "Relu", TERN__UNARY_RELU, .traits.fused_as = TERN__RELU)
FROM_OUTPUT(sigmoid, "Sigmoid", TERN__UNARY_SIGMOID, .traits.fused_as = TERN__SIGMOID,
            .traits.of_logits = true)
FROM_OUTPUT(tanh, "Tanh", TERN__UNARY_TANH, .traits.fused_as = TERN__TANH)
FROM_OUTPUT(softplus, "Softplus", TERN__UNARY_SOFTPLUS)

static tern_status forward_hard_swish(const tern__step *step) {
    return forward(step, TERN__UNARY_HARD_SWISH, 0);
}
static void backward_hard_swish(const tern__step *step) {
    backward(step, TERN__UNARY_HARD_SWISH, 0, step->inputs[0]);
}
const tern__op tern__op_hard_swish = {.name = "HardSwish",
                                      .domain = "",
                                      ROW,
                                      .needs = TERN__NEEDS_INPUT(0),
                                      .infer = infer,
                                      .forward = forward_hard_swish,
                                      .backward = backward_hard_swish,
                                      .traits.activation = true};

static tern_status forward_erf(const tern__step *step) { return forward(step, TERN__UNARY_ERF, 0); }
static void backward_erf(const tern__step *step) {
    backward(step, TERN__UNARY_ERF, 0, step->inputs[0]);
}
const tern__op tern__op_erf = {.name = "Erf",
                               .domain = "",
                               ROW,
                               .needs = TERN__NEEDS_INPUT(0),
                               .infer = infer,
                               .forward = forward_erf,
                               .backward = backward_erf};

static tern_status forward_neg(const tern__step *step) { return forward(step, TERN__UNARY_NEG, 0); }
static void backward_neg(const tern__step *step) { backward(step, TERN__UNARY_NEG, 0, NULL); }
const tern__op tern__op_neg = {.name = "Neg",
                               .domain = "",
                               ROW,
                               .infer = infer,
                               .forward = forward_neg,
                               .backward = backward_neg};

/* ---- with a slope ---- */

typedef struct slope {
    float alpha;
} slope;

static const tern__attribute leaky_attributes[] = {TERN__A_FLOAT(slope, alpha, 0.01f), {0}};
static const tern__attribute elu_attributes[] = {TERN__A_FLOAT(slope, alpha, 1.0f), {0}};

/* With alpha < 0 the derivative would not follow from the output. */
static tern_status infer_slope(tern__infer *in) {
    float alpha = ((const slope *)in->attributes)->alpha;
    if (!(alpha >= 0))
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED, "alpha %g must not be negative",
                                (double)alpha);
    return infer(in);
}

#define WITH_SLOPE(symbol, title, function, list, fused)                                           \
    static tern_status forward_##symbol(const tern__step *step) {                                  \
        return forward(step, function, ((const slope *)step->attributes)->alpha);                  \
    }                                                                                              \
    static void backward_##symbol(const tern__step *step) {                                        \
        backward(step, function, ((const slope *)step->attributes)->alpha, step->outputs[0]);      \
    }                                                                                              \
    const tern__op tern__op_##symbol = {.name = title,                                             \
                                        .domain = "",                                              \
                                        ROW,                                                       \
                                        .attribute_size = sizeof(slope),                           \
                                        .attributes = list,                                        \
                                        .needs = TERN__NEEDS_OUTPUT(0),                            \
                                        .infer = infer_slope,                                      \
                                        .forward = forward_##symbol,                               \
                                        .backward = backward_##symbol,                             \
                                        .traits.activation = true,                                 \
                                        .traits.fused_as = fused};

WITH_SLOPE(leaky_relu, "LeakyRelu", TERN__UNARY_LEAKY_RELU, leaky_attributes, TERN__LEAKY_RELU)
WITH_SLOPE(elu, "Elu", TERN__UNARY_ELU, elu_attributes, TERN__NONE)

/* ---- Gelu: an operator since opset 20 only; a file of an older opset spells it out with Erf or
 * Tanh ---- */

typedef struct gelu {
    tern__string approximate;
} gelu;

static const tern__attribute gelu_attributes[] = {TERN__A_STRING(gelu, approximate, "none"), {0}};

static tern_status infer_gelu(tern__infer *in) {
    const char *approximate = ((const gelu *)in->attributes)->approximate.at;
    if (strcmp(approximate, "none") != 0 && strcmp(approximate, "tanh") != 0)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "approximate '%s' is neither none nor tanh",
                                approximate);
    return infer(in);
}

static tern__unary gelu_function(const tern__step *step) {
    bool by_tanh = ((const gelu *)step->attributes)->approximate.at[0] == 't';
    return by_tanh ? TERN__UNARY_GELU_TANH : TERN__UNARY_GELU;
}

static tern_status forward_gelu(const tern__step *step) {
    return forward(step, gelu_function(step), 0);
}
static void backward_gelu(const tern__step *step) {
    backward(step, gelu_function(step), 0, step->inputs[0]);
}
const tern__op tern__op_gelu = {.name = "Gelu",
                                .domain = "",
                                ROW,
                                .attribute_size = sizeof(gelu),
                                .attributes = gelu_attributes,
                                .needs = TERN__NEEDS_INPUT(0),
                                .infer = infer_gelu,
                                .forward = forward_gelu,
                                .backward = backward_gelu,
                                .traits.activation = true};
