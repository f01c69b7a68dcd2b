/* LSTM: ONNX LSTM-14 (Hochreiter & Schmidhuber 1997; Gers et al. 2000; peepholes: Gers &
 * Schmidhuber 2000). X [steps, N, I] (layout 1: [N, steps, I]), W [D, 4 H, I], R [D, 4 H, H], B
 * [D, 8 H], sequence_lens [N], initial_h and initial_c [D, N, H] (layout 1: [N, D, H]), P [D, 3 H]
 * -> Y [steps, D, N, H] (layout 1: [N, steps, D, H]), Y_h, Y_c as the initial states; D directions.
 *
 * i, f, o = sigmoid(x W' + h R' + Wb + Rb + p c), c' = tanh(x W' + h R' + Wb + Rb),
 * c := f c + i c', h := o tanh(c); i and f peep at the c before, o at the one after. Behind the end
 * of a sequence Y is 0; Y_h and Y_c are those of its end. Gradients: all but the lengths. */
#include "ops.h"
#include "recurrent.h"

enum { I, O, F, C, GATES }; /* ONNX's order; peepholes are i, o, f too */

static const tern__attribute attributes[] = {
    TERN__A_FLOAT(tern__recurrent_attributes, clip, 0),
    TERN__A_STRING(tern__recurrent_attributes, direction, "forward"),
    TERN__A_INT(tern__recurrent_attributes, hidden_size, 0),
    TERN__A_INT(tern__recurrent_attributes, input_forget, 0),
    TERN__A_INT(tern__recurrent_attributes, layout, 0),
    {0}};

/* gates += p c */
static void peep(float *gates, const float *p, const float *c, int64_t hidden) {
    for (int64_t j = 0; j < hidden; j++) gates[j] += p[j] * c[j];
}

static void forward_row(const tern__recurrent_item *item, int64_t k, const float *p) {
    const tern__vector_kernels *v = item->run->vector;
    int64_t n = item->run->r->hidden;
    float *i = item->gates[k], *o = i + O * n, *f = i + F * n, *g = i + C * n;
    float *c = item->extra[k], *h = item->after[k];
    const float *c_before = item->cell_before[k];
    if (p) {
        peep(i, p + I * n, c_before, n);
        peep(f, p + F * n, c_before, n);
        v->unary(TERN__UNARY_SIGMOID, 0, i, i, n);
        v->unary(TERN__UNARY_SIGMOID, 0, f, f, n);
    } else {
        v->unary(TERN__UNARY_SIGMOID, 0, i, i, 3 * n);
    }
    v->unary(TERN__UNARY_TANH, 0, g, g, n);
    for (int64_t j = 0; j < n; j++) c[j] = f[j] * c_before[j] + i[j] * g[j];
    if (p) {
        peep(o, p + O * n, c, n);
        v->unary(TERN__UNARY_SIGMOID, 0, o, o, n);
    }
    v->unary(TERN__UNARY_TANH, 0, c, h, n);
    for (int64_t j = 0; j < n; j++) h[j] *= o[j];
}

static void forward_step(tern__recurrent_item *item) {
    int64_t hidden = item->run->r->hidden;
    const float *p = tern__recurrent_peepholes(item);
    tern__recurrent_multiply(item, tern__recurrent_weights(item, 0), hidden, GATES * hidden,
                             item->before, 0, item->gates, 0, true, NULL);
    for (int64_t k = 0; k < item->active; k++) forward_row(item, k, p);
}

/* The gates become their gradients before the activation; dc that of the c before. */
static void backward_row(const tern__recurrent_item *item, int64_t k, const float *p) {
    int64_t n = item->run->r->hidden;
    float *i = item->gates[k], *o = i + O * n, *f = i + F * n, *g = i + C * n;
    float *dc = item->cell_gradient[k], *tanh_c = item->spare;
    const float *dh = item->gradient[k], *c_before = item->cell_before[k];
    item->run->vector->unary(TERN__UNARY_TANH, 0, item->extra[k], tanh_c, n);
    for (int64_t j = 0; j < n; j++) {
        float d_o = dh[j] * tanh_c[j] * o[j] * (1 - o[j]);
        float d = dc[j] + dh[j] * o[j] * (1 - tanh_c[j] * tanh_c[j]);
        if (p) d += d_o * p[O * n + j];
        float d_i = d * g[j] * i[j] * (1 - i[j]), d_f = d * c_before[j] * f[j] * (1 - f[j]);
        dc[j] = d * f[j];
        if (p) dc[j] += d_i * p[I * n + j] + d_f * p[F * n + j];
        g[j] = d * i[j] * (1 - g[j] * g[j]);
        i[j] = d_i;
        f[j] = d_f;
        o[j] = d_o;
    }
}

static void backward_step(tern__recurrent_item *item) {
    int64_t hidden = item->run->r->hidden;
    const float *p = tern__recurrent_peepholes(item);
    for (int64_t k = 0; k < item->active; k++) backward_row(item, k, p);
    tern__recurrent_multiply(item, tern__recurrent_weights(item, 0), GATES * hidden, hidden,
                             item->gates, 0, item->gradient, 0, false, NULL);
}

static const tern__recurrent_cell cell = {.gates = GATES,
                                          .has_cell = true,
                                          .parts = 1,
                                          .part_gates = {GATES},
                                          .forward = forward_step,
                                          .backward = backward_step};

static tern_status infer(tern__infer *in) { return tern__recurrent_infer(in, &cell); }
static tern_status prepare(tern__step *s) { return tern__recurrent_prepare(s, &cell); }

/* d/dp of unit j of a gate: the sum over all that is there of the gate's gradient times c. */
static float peephole_gradient(const tern__recurrent_run *u, int64_t d, int gate, int64_t j) {
    const tern__recurrent *r = u->r;
    double sum = 0;
    for (int64_t n = 0; n < r->batch; n++)
        for (int64_t t = 0; t < u->length[n]; t++) {
            int64_t row = d * r->positions + u->first[n] + t * u->stride;
            const float *c =
                gate == O ? u->extra + row * r->hidden : tern__recurrent_cell_before(u, d, n, t);
            sum += (double)u->gates[row * r->width + gate * r->hidden + j] * (double)c[j];
        }
    return (float)sum;
}

static void backward(const tern__step *s) {
    tern__recurrent_run u;
    tern__recurrent_backward(s, &u);
    if (s->n_inputs <= TERN__RECURRENT_P || !s->input_grads[TERN__RECURRENT_P]) return;
    float *dp = s->input_grads[TERN__RECURRENT_P]->data;
    for (int64_t d = 0; d < u.r->directions; d++)
        for (int gate = I; gate <= F; gate++)
            for (int64_t j = 0; j < u.r->hidden; j++, dp++)
                *dp = peephole_gradient(&u, d, gate, j) +
                      (s->accumulate[TERN__RECURRENT_P] ? *dp : 0);
}

#define NEEDS(name) TERN__NEEDS_INPUT(TERN__RECURRENT_##name)
const tern__op tern__op_lstm = {.name = "LSTM",
                                .domain = "",
                                .min_inputs = 3,
                                .max_inputs = 8,
                                .min_outputs = 0,
                                .max_outputs = 3,
                                .attribute_size = sizeof(tern__recurrent_attributes),
                                .attributes = attributes,
                                .layouts = TERN__ONLY_PLAIN,
                                .needs = NEEDS(X) | NEEDS(W) | NEEDS(R) | NEEDS(LENGTHS) |
                                         NEEDS(C) | NEEDS(P),
                                .infer = infer,
                                .prepare = prepare,
                                .pack = tern__recurrent_pack,
                                .forward = tern__recurrent_forward,
                                .backward = backward,
                                .flops = tern__recurrent_flops};
