/* GRU: ONNX GRU-14 (Cho et al. 2014). X [steps, N, I] (layout 1: [N, steps, I]), W [D, 3 H, I],
 * R [D, 3 H, H], B [D, 6 H], sequence_lens [N], initial_h [D, N, H] (layout 1: [N, D, H]) -> Y
 * [steps, D, N, H] (layout 1: [N, steps, D, H]), Y_h as initial_h; D directions.
 *
 * z, r = sigmoid(x W' + h R' + Wb + Rb); n = tanh(x W' + (r h) R' + Wb + Rb) or, with
 * linear_before_reset, tanh(x W' + Wb + r (h R' + Rb)), which is PyTorch's; h := (1 - z) n + z h.
 * Behind the end of a sequence Y is 0; Y_h is that of its end. Gradients: all but the lengths. */
#include "ops.h"
#include "recurrent.h"

enum { Z, R, N, GATES }; /* ONNX's order */

static const tern__attribute attributes[] = {
    TERN__A_FLOAT(tern__recurrent_attributes, clip, 0),
    TERN__A_STRING(tern__recurrent_attributes, direction, "forward"),
    TERN__A_INT(tern__recurrent_attributes, hidden_size, 0),
    TERN__A_INT(tern__recurrent_attributes, layout, 0),
    TERN__A_INT(tern__recurrent_attributes, linear_before_reset, 0),
    {0}};

/* R's bias of n, or NULL. */
static const float *reset_bias(const tern__recurrent_item *item) {
    const tern__step *s = item->run->step;
    const tern__recurrent *r = item->run->r;
    if (s->n_inputs <= TERN__RECURRENT_B || !s->inputs[TERN__RECURRENT_B]) return NULL;
    return (const float *)s->inputs[TERN__RECURRENT_B]->data + item->direction * 2 * r->width +
           r->width + N * r->hidden;
}

/* h of row k from its three gates. */
static void finish_row(const tern__recurrent_item *item, int64_t k) {
    int64_t hidden = item->run->r->hidden;
    const float *z = item->gates[k], *before = item->before[k];
    float *n = item->gates[k] + N * hidden, *h = item->after[k];
    if (item->run->r->reset_after)
        for (int64_t j = 0; j < hidden; j++) n[j] += z[R * hidden + j] * item->extra[k][j];
    item->run->vector->unary(TERN__UNARY_TANH, 0, n, n, hidden);
    for (int64_t j = 0; j < hidden; j++) h[j] = (1 - z[j]) * n[j] + z[j] * before[j];
}

static void forward_step(tern__recurrent_item *item) {
    int64_t hidden = item->run->r->hidden;
    bool after = item->run->r->reset_after;
    tern__recurrent_multiply(item, tern__recurrent_weights(item, 0), hidden, N * hidden,
                             item->before, 0, item->gates, 0, true, NULL);
    for (int64_t k = 0; k < item->active; k++) {
        float *z = item->gates[k], *r = z + R * hidden, *reset = item->extra[k];
        item->run->vector->unary(TERN__UNARY_SIGMOID, 0, z, z, N * hidden);
        for (int64_t j = 0; !after && j < hidden; j++) reset[j] = r[j] * item->before[k][j];
    }
    if (after)
        tern__recurrent_multiply(item, tern__recurrent_weights(item, 1), hidden, hidden,
                                 item->before, 0, item->extra, 0, false, reset_bias(item));
    else
        tern__recurrent_multiply(item, tern__recurrent_weights(item, 1), hidden, hidden,
                                 item->extra, 0, item->gates, N * hidden, true, NULL);
    for (int64_t k = 0; k < item->active; k++) finish_row(item, k);
}

/* Up to n: gates of z and n become their gradients before the activation, dh what goes straight to
 * the h before; with reset_after also r's and extra's. */
static void backward_first(const tern__recurrent_item *item, int64_t k) {
    int64_t hidden = item->run->r->hidden;
    bool after = item->run->r->reset_after;
    float *z = item->gates[k], *r = z + R * hidden, *n = z + N * hidden;
    float *dh = item->gradient[k], *extra = item->extra[k];
    const float *before = item->before[k];
    for (int64_t j = 0; j < hidden; j++) {
        float d_z = dh[j] * (before[j] - n[j]) * z[j] * (1 - z[j]);
        float d_n = dh[j] * (1 - z[j]) * (1 - n[j] * n[j]);
        dh[j] *= z[j];
        z[j] = d_z;
        n[j] = d_n;
        if (!after) continue;
        float d_extra = d_n * r[j];
        r[j] = d_n * extra[j] * r[j] * (1 - r[j]);
        extra[j] = d_extra;
    }
}

/* spare [block][hidden]: d(r h). */
static void backward_reset(tern__recurrent_item *item) {
    int64_t hidden = item->run->r->hidden;
    /* The list of rows that only forward uses. */
    for (int64_t k = 0; k < item->active; k++) item->after[k] = item->spare + k * hidden;
    tern__recurrent_multiply(item, tern__recurrent_weights(item, 1), hidden, hidden, item->gates,
                             N * hidden, item->after, 0, false, NULL);
    for (int64_t k = 0; k < item->active; k++) {
        float *r = item->gates[k] + R * hidden, *dh = item->gradient[k];
        const float *d = item->after[k], *before = item->before[k];
        for (int64_t j = 0; j < hidden; j++) {
            dh[j] += d[j] * r[j];
            r[j] = d[j] * before[j] * r[j] * (1 - r[j]);
        }
    }
}

static void backward_step(tern__recurrent_item *item) {
    int64_t hidden = item->run->r->hidden;
    for (int64_t k = 0; k < item->active; k++) backward_first(item, k);
    if (item->run->r->reset_after)
        tern__recurrent_multiply(item, tern__recurrent_weights(item, 1), hidden, hidden,
                                 item->extra, 0, item->gradient, 0, true, NULL);
    else
        backward_reset(item);
    tern__recurrent_multiply(item, tern__recurrent_weights(item, 0), N * hidden, hidden,
                             item->gates, 0, item->gradient, 0, true, NULL);
}

static const tern__recurrent_cell cell = {.gates = GATES,
                                          .parts = 2,
                                          .part_gates = {2, 1},
                                          .forward = forward_step,
                                          .backward = backward_step};

static tern_status infer(tern__infer *in) { return tern__recurrent_infer(in, &cell); }
static tern_status prepare(tern__step *s) { return tern__recurrent_prepare(s, &cell); }

static void backward(const tern__step *s) {
    tern__recurrent_run u;
    tern__recurrent_backward(s, &u);
}

#define NEEDS(name) TERN__NEEDS_INPUT(TERN__RECURRENT_##name)
const tern__op tern__op_gru = {.name = "GRU",
                               .domain = "",
                               .min_inputs = 3,
                               .max_inputs = 6,
                               .min_outputs = 0,
                               .max_outputs = 2,
                               .attribute_size = sizeof(tern__recurrent_attributes),
                               .attributes = attributes,
                               .layouts = TERN__ONLY_PLAIN,
                               .needs = NEEDS(X) | NEEDS(W) | NEEDS(R) | NEEDS(LENGTHS),
                               .infer = infer,
                               .prepare = prepare,
                               .pack = tern__recurrent_pack,
                               .forward = tern__recurrent_forward,
                               .backward = backward,
                               .flops = tern__recurrent_flops};
