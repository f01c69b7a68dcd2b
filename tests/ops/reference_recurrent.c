/* LSTM and GRU in double precision, sequence by sequence, as ONNX's text has them. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct recurrence {
    const reference_call *call;
    int64_t steps, batch, inputs, hidden, directions, gates;
    bool batch_first;
    double *y, *y_h, *y_c;
} recurrence;

static const reference_tensor *optional(const reference_call *call, int i) {
    return i < call->n_inputs && call->inputs[i].data ? &call->inputs[i] : NULL;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Element [d][n][j], or [n][d][j] for layout 1, of an initial or last state. */
static int64_t state_at(const recurrence *r, int64_t d, int64_t n, int64_t j) {
    return r->batch_first ? (n * r->directions + d) * r->hidden + j
                          : (d * r->batch + n) * r->hidden + j;
}

/* sum of W[d][row][:] x */
static double product(const reference_tensor *w, int64_t d, int64_t row, const double *x) {
    int64_t columns = w->dims[2];
    double sum = 0;
    for (int64_t i = 0; i < columns; i++)
        sum += w->data[(d * w->dims[1] + row) * columns + i] * x[i];
    return sum;
}

/* Wb (which 0) or Rb (1) of a gate's row */
static double bias(const recurrence *r, int64_t d, int which, int64_t row) {
    const reference_tensor *b = optional(r->call, 3);
    int64_t width = r->gates * r->hidden;
    return b ? b->data[d * 2 * width + which * width + row] : 0;
}

static double peephole(const recurrence *r, int64_t d, int which, int64_t j) {
    const reference_tensor *p = optional(r->call, 7);
    return p ? p->data[(d * 3 + which) * r->hidden + j] : 0;
}

static double from_input(const recurrence *r, int64_t d, int64_t row, const double *x) {
    return product(&r->call->inputs[1], d, row, x) + bias(r, d, 0, row);
}
static double from_state(const recurrence *r, int64_t d, int64_t row, const double *h) {
    return product(&r->call->inputs[2], d, row, h) + bias(r, d, 1, row);
}

static void lstm_step(const recurrence *r, int64_t d, const double *x, double *h, double *c) {
    int64_t hidden = r->hidden;
    double *gate = malloc((size_t)(4 * hidden) * sizeof *gate);
    if (!gate) abort();
    for (int64_t row = 0; row < 4 * hidden; row++)
        gate[row] = from_input(r, d, row, x) + from_state(r, d, row, h);
    for (int64_t j = 0; j < hidden; j++) {
        double i = sigmoid(gate[j] + peephole(r, d, 0, j) * c[j]);
        double f = sigmoid(gate[2 * hidden + j] + peephole(r, d, 2, j) * c[j]);
        c[j] = f * c[j] + i * tanh(gate[3 * hidden + j]);
        h[j] = sigmoid(gate[hidden + j] + peephole(r, d, 1, j) * c[j]) * tanh(c[j]);
    }
    free(gate);
}

static void gru_step(const recurrence *r, int64_t d, const double *x, double *h, double *unused) {
    (void)unused;
    int64_t hidden = r->hidden;
    double *memory = calloc((size_t)(3 * hidden), sizeof *memory);
    if (!memory) abort();
    double *reset = memory, *reset_h = memory + hidden, *next = memory + 2 * hidden;
    for (int64_t j = 0; j < hidden; j++) {
        reset[j] = sigmoid(from_input(r, d, hidden + j, x) + from_state(r, d, hidden + j, h));
        reset_h[j] = reset[j] * h[j];
    }
    for (int64_t j = 0; j < hidden; j++) {
        int64_t row = 2 * hidden + j;
        double z = sigmoid(from_input(r, d, j, x) + from_state(r, d, j, h));
        double inner = reference_int(r->call, "linear_before_reset", 0)
                           ? reset[j] * from_state(r, d, row, h)
                           : from_state(r, d, row, reset_h);
        next[j] = (1 - z) * tanh(from_input(r, d, row, x) + inner) + z * h[j];
    }
    memcpy(h, next, (size_t)hidden * sizeof *h);
    free(memory);
}

typedef void step_function(const recurrence *r, int64_t d, const double *x, double *h, double *c);

static void run_sequence(const recurrence *r, step_function *step, int64_t d, int64_t n) {
    const reference_call *call = r->call;
    const reference_tensor *h0 = optional(call, 5), *c0 = optional(call, 6);
    const reference_tensor *lengths = optional(call, 4);
    int64_t length = lengths ? (int64_t)lengths->data[n] : r->steps, hidden = r->hidden;
    bool reverse = d == 1 || strcmp(reference_string(call, "direction", "forward"), "reverse") == 0;
    double *h = calloc((size_t)(2 * hidden), sizeof *h), *c = h + hidden;
    if (!h) abort();
    for (int64_t j = 0; j < hidden; j++) {
        if (h0) h[j] = h0->data[state_at(r, d, n, j)];
        if (c0) c[j] = c0->data[state_at(r, d, n, j)];
    }
    for (int64_t s = 0; s < length; s++) {
        int64_t t = reverse ? length - 1 - s : s;
        int64_t place = r->batch_first ? n * r->steps + t : t * r->batch + n;
        int64_t out =
            r->batch_first ? place * r->directions + d : (t * r->directions + d) * r->batch + n;
        step(r, d, call->inputs[0].data + place * r->inputs, h, c);
        memcpy(r->y + out * hidden, h, (size_t)hidden * sizeof *h);
    }
    for (int64_t j = 0; j < hidden; j++) {
        r->y_h[state_at(r, d, n, j)] = h[j];
        if (r->y_c) r->y_c[state_at(r, d, n, j)] = c[j];
    }
    free(h);
}

static void run(reference_call *call, int64_t gates, step_function *step) {
    const reference_tensor *x = &call->inputs[0], *w = &call->inputs[1];
    recurrence r = {.call = call,
                    .inputs = x->dims[2],
                    .directions = w->dims[0],
                    .gates = gates,
                    .hidden = w->dims[1] / gates,
                    .batch_first = reference_int(call, "layout", 0) == 1};
    r.batch = x->dims[r.batch_first ? 0 : 1];
    r.steps = x->dims[r.batch_first ? 1 : 0];
    int64_t wanted = call->n_outputs, d = r.directions, n = r.batch, hidden = r.hidden;
    int64_t plain[] = {r.steps, d, n, hidden}, first[] = {n, r.steps, d, hidden};
    int64_t state[] = {d, n, hidden}, state_first[] = {n, d, hidden};
    r.y = reference_output(call, 0, 4, r.batch_first ? first : plain);
    r.y_h = reference_output(call, 1, 3, r.batch_first ? state_first : state);
    if (gates == 4) r.y_c = reference_output(call, 2, 3, r.batch_first ? state_first : state);
    for (d = 0; d < r.directions; d++)
        for (n = 0; n < r.batch; n++) run_sequence(&r, step, d, n);
    for (int64_t i = wanted; i < call->n_outputs; i++) {
        free(call->outputs[i].data);
        call->outputs[i].data = NULL;
    }
    call->n_outputs = (int)wanted;
}

void reference_lstm(reference_call *call) { run(call, 4, lstm_step); }
void reference_gru(reference_call *call) { run(call, 3, gru_step); }
