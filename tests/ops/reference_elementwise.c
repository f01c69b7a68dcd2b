/* Reference: functions of one and two elements. */
#include "reference.h"

#include <math.h>
#include <string.h>

static void each(reference_call *call, double (*f)(double, double), double a) {
    const reference_tensor *x = &call->inputs[0];
    double *y = reference_output(call, 0, x->rank, x->dims);
    for (int64_t i = 0; i < reference_count(x); i++) y[i] = f(x->data[i], a);
}

static double relu(double x, double a) { return (void)a, x > 0 ? x : 0; }
static double leaky(double x, double a) { return x < 0 ? a * x : x; }
static double elu(double x, double a) { return x < 0 ? a * (exp(x) - 1) : x; }
static double sigmoid(double x, double a) { return (void)a, 1 / (1 + exp(-x)); }
static double hyperbolic(double x, double a) { return (void)a, tanh(x); }
static double softplus(double x, double a) { return (void)a, x > 30 ? x + exp(-x) : log1p(exp(x)); }
static double hard_swish(double x, double a) { return (void)a, x * fmax(0, fmin(1, x / 6 + 0.5)); }
static double gelu(double x, double a) { return (void)a, 0.5 * x * (1 + erf(x / sqrt(2))); }
static double gelu_tanh(double x, double a) {
    return (void)a, 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}
static double error_function(double x, double a) { return (void)a, erf(x); }
static double negative(double x, double a) { return (void)a, -x; }
static double same(double x, double a) { return (void)a, x; }
static double whole(double x, double a) { return (void)a, trunc(x); }

void reference_relu(reference_call *call) { each(call, relu, 0); }
void reference_leaky_relu(reference_call *call) {
    each(call, leaky, reference_float(call, "alpha", 0.01));
}
void reference_elu(reference_call *call) { each(call, elu, reference_float(call, "alpha", 1)); }
void reference_sigmoid(reference_call *call) { each(call, sigmoid, 0); }
void reference_tanh(reference_call *call) { each(call, hyperbolic, 0); }
void reference_softplus(reference_call *call) { each(call, softplus, 0); }
void reference_hard_swish(reference_call *call) { each(call, hard_swish, 0); }
void reference_gelu(reference_call *call) {
    bool by_tanh = strcmp(reference_string(call, "approximate", "none"), "tanh") == 0;
    each(call, by_tanh ? gelu_tanh : gelu, 0);
}
void reference_erf(reference_call *call) { each(call, error_function, 0); }
void reference_neg(reference_call *call) { each(call, negative, 0); }
void reference_identity(reference_call *call) { each(call, same, 0); }
void reference_cast(reference_call *call) {
    each(call, reference_int(call, "to", 1) == 7 ? whole : same, 0);
}

static double hard_sigmoid(double x, double a) { return fmax(0, fmin(1, a * x + 0.5)); }
static double square_root(double x, double a) { return (void)a, sqrt(x); }
static double exponential(double x, double a) { return (void)a, exp(x); }
static double logarithm(double x, double a) { return (void)a, log(x); }
static double at_least(double x, double a) { return x < a ? a : x; }
static double at_most(double x, double a) { return x > a ? a : x; }

void reference_hard_sigmoid(reference_call *call) {
    each(call, hard_sigmoid, reference_float(call, "alpha", 0.2));
}
static double softsign(double x, double a) { return (void)a, x / (1 + fabs(x)); }
static double magnitude(double x, double a) { return (void)a, fabs(x); }
static double reciprocal(double x, double a) { return (void)a, 1 / x; }

void reference_selu(reference_call *call) {
    each(call, elu, reference_float(call, "alpha", 1.67326319217681884765625));
    const double gamma = reference_float(call, "gamma", 1.05070102214813232421875);
    for (int64_t i = 0; i < reference_count(&call->outputs[0]); i++)
        call->outputs[0].data[i] *= gamma;
}
void reference_softsign(reference_call *call) { each(call, softsign, 0); }
void reference_abs(reference_call *call) { each(call, magnitude, 0); }
void reference_reciprocal(reference_call *call) { each(call, reciprocal, 0); }
void reference_sqrt(reference_call *call) { each(call, square_root, 0); }
void reference_exp(reference_call *call) { each(call, exponential, 0); }
void reference_log(reference_call *call) { each(call, logarithm, 0); }
void reference_pow(reference_call *call) { each(call, pow, call->inputs[1].data[0]); }
void reference_clip(reference_call *call) {
    const reference_tensor *low = &call->inputs[1], *high = &call->inputs[2];
    bool two = call->n_inputs > 2 && high->data;
    each(call, at_least, call->n_inputs > 1 && low->data ? low->data[0] : -INFINITY);
    double *y = call->outputs[0].data;
    for (int64_t i = 0; two && i < reference_count(&call->outputs[0]); i++)
        y[i] = at_most(y[i], high->data[0]);
}

/* ---- two operands, NumPy's broadcasting ---- */

static double operand(const reference_tensor *t, int rank, const int64_t *index) {
    int64_t own[TERN_MAX_RANK] = {0};
    for (int i = 0; i < t->rank; i++) own[i] = t->dims[i] == 1 ? 0 : index[i + rank - t->rank];
    return t->data[reference_at(t, own)];
}

static void both(reference_call *call, double (*f)(double, double)) {
    const reference_tensor *a = &call->inputs[0], *b = &call->inputs[1];
    int rank = a->rank > b->rank ? a->rank : b->rank;
    int64_t dims[TERN_MAX_RANK], index[TERN_MAX_RANK] = {0};
    for (int i = 0; i < rank; i++) {
        int64_t m = i < rank - a->rank ? 1 : a->dims[i - rank + a->rank];
        int64_t n = i < rank - b->rank ? 1 : b->dims[i - rank + b->rank];
        dims[i] = m > n ? m : n;
    }
    double *y = reference_output(call, 0, rank, dims);
    do {
        y[reference_at(&call->outputs[0], index)] =
            f(operand(a, rank, index), operand(b, rank, index));
    } while (reference_next(&call->outputs[0], index));
}

static double sum(double a, double b) { return a + b; }
static double difference(double a, double b) { return a - b; }
static double product(double a, double b) { return a * b; }
static double quotient(double a, double b) { return a / b; }
void reference_add(reference_call *call) { both(call, sum); }
void reference_sub(reference_call *call) { both(call, difference); }
void reference_mul(reference_call *call) { both(call, product); }
void reference_div(reference_call *call) { both(call, quotient); }

static double sloped(double x, double slope) { return x < 0 ? slope * x : x; }
void reference_prelu(reference_call *call) { both(call, sloped); }
