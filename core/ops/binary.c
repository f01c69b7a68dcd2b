/* Add, Sub, Mul, Div with NumPy's broadcasting, and PRelu (ONNX 16), whose slope is brought to x's
 * shape. The gradient of an operand that was repeated is summed over the axes along which it was.
 */
#include "ops.h"

#include "core/math/broadcast.h"
#include "core/math/reduce.h"

#include <math.h>

static tern_status infer(tern__infer *in) {
    tern_status status;
    if ((status = tern__infer_type(in, 0, TERN_FLOAT)) ||
        (status = tern__infer_type(in, 1, TERN_FLOAT)))
        return status;
    return tern__infer_broadcast(in, 0, 1, &in->outputs[0]);
}

static void make_broadcast(const tern__step *step, const tern__tensor *left,
                           const tern__tensor *right, tern__broadcast *s) {
    int64_t a[TERN_MAX_RANK], b[TERN_MAX_RANK], y[TERN_MAX_RANK];
    tern__physical(left, a);
    tern__physical(right, b);
    tern__physical(step->outputs[0], y);
    tern__broadcast_make(s, a, left->rank, b, right->rank, y, step->outputs[0]->rank);
}

static tern_status forward(const tern__step *step, tern__binary op) {
    tern__broadcast s;
    make_broadcast(step, step->inputs[0], step->inputs[1], &s);
    bool relu = step->activation == TERN__RELU;
    tern__tensor *y = step->outputs[0];
    tern__broadcast_binary(step->context, &s, op, step->inputs[0]->data, step->inputs[1]->data,
                           relu ? 0 : -INFINITY, y->data);
    if (!relu)
        tern__activation_apply(step->context, step->activation, step->activation_alpha, y->data,
                               y->count);
    return TERN_OK;
}

/* Room for a product of y's shape, and for summing it, where an operand is repeated. */
static tern_status prepare(tern__step *step) {
    int64_t count = step->outputs[0]->count;
    if (step->inputs[0]->count != count || step->inputs[1]->count != count)
        step->backward_workspace_size =
            ((size_t)count + 16) * sizeof(float) + tern__reduction_workspace(count);
    return TERN_OK;
}

/* Sums g, of y's shape, over the axes along which input `i` was repeated. */
static void sum_to_input(const tern__step *step, int i, const float *g, float factor) {
    const tern__tensor *x = step->inputs[i], *y = step->outputs[0];
    int64_t from[TERN_MAX_RANK], dims[TERN_MAX_RANK];
    bool reduced[TERN_MAX_RANK];
    tern__physical(x, from);
    tern__physical(y, dims);
    for (int k = 0; k < y->rank; k++) {
        int own = k - (y->rank - x->rank);
        reduced[k] = dims[k] != 1 && (own < 0 || from[own] == 1);
    }
    tern__reduction r;
    tern__reduction_make(&r, dims, y->rank, reduced);
    size_t product = ((size_t)y->count + 16) / 16 * 16;
    tern__reduce_sum(step->context, &r, g, factor, step->input_grads[i]->data, step->accumulate[i],
                     (float *)step->workspace + product);
}

/* The gradient of input i is what `kind` makes of dy, a and b, where a is the left operand, or for
 * Mul the other one. */
static void gradient(const tern__step *step, int i, tern__product kind) {
    if (!step->input_grads[i]) return;
    const tern__tensor *left = step->inputs[kind == TERN__G_TIMES_A ? 1 - i : 0];
    const tern__tensor *right = step->inputs[1];
    const float *dy = step->output_grads[0]->data;
    bool repeated = step->inputs[i]->count != step->outputs[0]->count;
    if (repeated && (kind == TERN__G || kind == TERN__MINUS_G)) {
        sum_to_input(step, i, dy, kind == TERN__G ? 1.0f : -1.0f);
        return;
    }
    tern__broadcast s;
    make_broadcast(step, left, right, &s);
    tern__broadcast_product(step->context, &s, kind, dy, left->data, right->data,
                            repeated ? step->workspace : step->input_grads[i]->data,
                            !repeated && step->accumulate[i]);
    if (repeated) sum_to_input(step, i, step->workspace, 1);
}

#define ROW                                                                                        \
    .domain = "", .min_inputs = 2, .max_inputs = 2, .min_outputs = 1, .max_outputs = 1,            \
    .layouts = TERN__ANY_LAYOUT, .fuses = true, .infer = infer, .prepare = prepare,                \
    .traits.locality = TERN__BY_ELEMENT, .traits.broadcast_flag = true

#define BINARY(symbol, title, op, first, second, ...)                                              \
    static tern_status forward_##symbol(const tern__step *step) { return forward(step, op); }      \
    static void backward_##symbol(const tern__step *step) {                                        \
        gradient(step, 0, first);                                                                  \
        gradient(step, 1, second);                                                                 \
    }                                                                                              \
    const tern__op tern__op_##symbol = {.name = title,                                             \
                                        ROW,                                                       \
                                        .forward = forward_##symbol,                               \
                                        .backward = backward_##symbol,                             \
                                        __VA_ARGS__};

/* The gradient of Add and Sub may lie over dy: what is then read as dy is still dy. */
BINARY(add, "Add", TERN__ADD, TERN__G, TERN__G, .in_place = true, .traits.adds = true)
BINARY(sub, "Sub", TERN__SUB, TERN__G, TERN__MINUS_G, .in_place = true)
BINARY(mul, "Mul", TERN__MUL, TERN__G_TIMES_A, TERN__G_TIMES_A,
       .needs = TERN__NEEDS_INPUT(0) | TERN__NEEDS_INPUT(1))
BINARY(div, "Div", TERN__DIV, TERN__G_OVER_B, TERN__MINUS_G_A_OVER_BB,
       .needs = TERN__NEEDS_INPUT(0) | TERN__NEEDS_INPUT(1))

/* ---- PRelu: x, below 0 slope x (He et al. 2015) ---- */

static tern_status infer_prelu(tern__infer *in) {
    tern_status status = infer(in);
    const tern__shape *x = in->inputs[0], *slope = in->inputs[1];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    if (status) return status;
    bool fits = slope->rank <= x->rank;
    for (int i = 1; fits && i <= slope->rank; i++)
        fits = x->dims[x->rank - i] != 1 || slope->dims[slope->rank - i] == 1;
    if (!fits)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "slope %s cannot be broadcast to input %s",
                                tern__shape_text(slope, text, sizeof text),
                                tern__shape_text(x, other, sizeof other));
    return tern__infer_same(in);
}

static tern_status forward_prelu(const tern__step *step) { return forward(step, TERN__PRELU); }
static void backward_prelu(const tern__step *step) {
    gradient(step, 1, TERN__G_TIMES_NEGATIVE_A);
    gradient(step, 0, TERN__G_SLOPED);
}
const tern__op tern__op_prelu = {
    .name = "PRelu",
    .domain = "",
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 1,
    .layouts = TERN__ANY_LAYOUT,
    .fuses = true,
    .needs = TERN__NEEDS_INPUT(0) | TERN__NEEDS_INPUT(1),
    .infer = infer_prelu,
    .prepare = prepare,
    .forward = forward_prelu,
    .backward = backward_prelu,
    .traits = {.locality = TERN__BY_ELEMENT, .activation = true, .channels_once = true}};
