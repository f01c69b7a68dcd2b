/* Reference: training losses, as PyTorch's documentation defines them. */
#include "reference.h"

#include <math.h>
#include <string.h>

static bool is_sum(const reference_call *call) {
    return strcmp(reference_string(call, "reduction", "mean"), "sum") == 0;
}

void reference_softmax_cross_entropy(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *t = &call->inputs[1];
    const double *weights = call->n_inputs > 2 ? call->inputs[2].data : NULL;
    double e = reference_float(call, "label_smoothing", 0), total = 0, divisor = 0;
    int64_t ignore = reference_int(call, "ignore_index", -100);
    int64_t classes = x->dims[1], spatial = reference_count(x) / x->dims[0] / classes;
    for (int64_t n = 0; n < x->dims[0]; n++)
        for (int64_t s = 0; s < spatial; s++) {
            const double *p = x->data + n * classes * spatial + s;
            double sum = 0, largest = -INFINITY;
            for (int64_t c = 0; c < classes; c++) largest = fmax(largest, p[c * spatial]);
            for (int64_t c = 0; c < classes; c++) sum += exp(p[c * spatial] - largest);
            int64_t number = call->integer_target ? (int64_t)t->data[n * spatial + s] : -1;
            if (call->integer_target && number == ignore) continue;
            divisor += !call->integer_target ? 1 : weights ? weights[number] : 1;
            for (int64_t c = 0; c < classes; c++) {
                double hard =
                    call->integer_target ? c == number : t->data[(n * classes + c) * spatial + s];
                double q = hard * (1 - e) + e / (double)classes;
                total -= q * (weights ? weights[c] : 1) * (p[c * spatial] - largest - log(sum));
            }
        }
    double *y = reference_output(call, 0, 0, NULL);
    *y = is_sum(call) ? total : divisor != 0 ? total / divisor : 0;
}

static void pointwise(reference_call *call, double (*f)(double x, double t, double p), double p) {
    const reference_tensor *x = &call->inputs[0], *t = &call->inputs[1];
    double sum = 0;
    for (int64_t i = 0; i < reference_count(x); i++) sum += f(x->data[i], t->data[i], p);
    double *y = reference_output(call, 0, 0, NULL);
    *y = is_sum(call) ? sum : sum / (double)reference_count(x);
}

/* -(w t log s(x) + (1 - t) log(1 - s(x))), s the logistic function */
static double binary(double x, double t, double w) {
    double log_s = x > 0 ? -log1p(exp(-x)) : x - log1p(exp(x));
    double log_not_s = x > 0 ? -x - log1p(exp(-x)) : -log1p(exp(x));
    return -(w * t * log_s + (1 - t) * log_not_s);
}
static double squared(double x, double t, double p) { return (void)p, (x - t) * (x - t); }
static double absolute(double x, double t, double p) { return (void)p, fabs(x - t); }
static double huber(double x, double t, double delta) {
    double d = fabs(x - t);
    return d <= delta ? 0.5 * d * d : delta * (d - 0.5 * delta);
}

void reference_binary_cross_entropy(reference_call *call) {
    pointwise(call, binary, reference_float(call, "positive_weight", 1));
}
void reference_squared_error(reference_call *call) { pointwise(call, squared, 0); }
void reference_absolute_error(reference_call *call) { pointwise(call, absolute, 0); }
void reference_huber(reference_call *call) {
    pointwise(call, huber, reference_float(call, "delta", 1));
}
