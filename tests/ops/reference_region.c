/* The losses of pictures in double precision: sums and sorts as the papers write them. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct places {
    const reference_call *call;
    int64_t batch, classes, size;
} places;

static places places_of(const reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    places p = {call, x->dims[0], x->dims[1], 1};
    for (int i = 2; i < x->rank; i++) p.size *= x->dims[i];
    return p;
}

static double logit(const places *p, int64_t n, int64_t c, int64_t s) {
    return p->call->inputs[0].data[(n * p->classes + c) * p->size + s];
}

static double weight(const places *p, int64_t n, int64_t s) {
    const reference_call *call = p->call;
    if (call->integer_target &&
        (int64_t)call->inputs[1].data[n * p->size + s] == reference_int(call, "ignore_index", -100))
        return 0;
    return call->n_inputs > 2 && call->inputs[2].data ? call->inputs[2].data[n * p->size + s] : 1;
}

static double truth(const places *p, int64_t n, int64_t c, int64_t s) {
    const double *t = p->call->inputs[1].data;
    if (p->call->integer_target) return (int64_t)t[n * p->size + s] == c;
    return t[(n * p->classes + c) * p->size + s];
}

static double probability(const places *p, int64_t n, int64_t c, int64_t s) {
    double sum = 0, x = logit(p, n, c, s);
    if (!p->call->integer_target) return 1 / (1 + exp(-x));
    for (int64_t k = 0; k < p->classes; k++) sum += exp(logit(p, n, k, s) - x);
    return 1 / sum;
}

void reference_tversky(reference_call *call) {
    places p = places_of(call);
    double alpha = reference_float(call, "alpha", 0.5), beta = reference_float(call, "beta", 0.5);
    double smooth = reference_float(call, "smooth", 0), loss = 0;
    for (int64_t c = 0; c < p.classes; c++) {
        double tp = 0, fp = 0, fn = 0, there = 0;
        for (int64_t n = 0; n < p.batch; n++)
            for (int64_t s = 0; s < p.size; s++) {
                double w = weight(&p, n, s), t = truth(&p, n, c, s), q = probability(&p, n, c, s);
                if (w == 0) continue;
                tp += w * q * t;
                fp += w * q * (1 - t);
                fn += w * (1 - q) * t;
                there += w * t;
            }
        if (there > 0) loss += 1 - (tp + smooth) / (tp + alpha * fp + beta * fn + smooth);
    }
    double *y = reference_output(call, 0, 0, NULL);
    *y = pow(loss / (double)p.classes, reference_float(call, "gamma", 1));
}

void reference_focal(reference_call *call) {
    places p = places_of(call);
    double alpha = reference_float(call, "alpha", -1), gamma = reference_float(call, "gamma", 2);
    double positive = reference_float(call, "positive_weight", 1), sum = 0, divisor = 0;
    bool softmax = call->integer_target;
    for (int64_t n = 0; n < p.batch; n++)
        for (int64_t s = 0; s < p.size; s++)
            for (int64_t c = 0; c < p.classes; c++) {
                double w = weight(&p, n, s), t = truth(&p, n, c, s), q = probability(&p, n, c, s);
                if (w == 0 || (softmax && t == 0)) continue;
                double l = softmax ? -log(q) : -positive * t * log(q) - (1 - t) * log1p(-q);
                double a = softmax || alpha < 0 ? 1 : alpha * t + (1 - alpha) * (1 - t);
                sum += w * a * pow(1 - exp(-l), gamma) * l;
                divisor += w;
            }
    double *y = reference_output(call, 0, 0, NULL);
    bool total = strcmp(reference_string(call, "reduction", "mean"), "sum") == 0;
    *y = total ? sum : divisor != 0 ? sum / divisor : 0;
}

typedef struct place_error {
    double error;
    int64_t number;
    bool there;
} place_error;

static int by_error(const void *a, const void *b) {
    const place_error *p = a, *q = b;
    if (p->error != q->error) return p->error < q->error ? 1 : -1;
    return p->number < q->number ? -1 : 1;
}

/* Jaccard loss when the first k of the sorted places are wrong. */
static double jaccard(const place_error *e, int64_t count, int64_t k) {
    double all = 0, intersection, joined;
    for (int64_t i = 0; i < count; i++) all += e[i].there;
    intersection = joined = all;
    for (int64_t i = 0; i < k; i++) {
        if (e[i].there)
            intersection--;
        else
            joined++;
    }
    return joined > 0 ? 1 - intersection / joined : 0;
}

static double extension(place_error *e, int64_t count) {
    double sum = 0;
    qsort(e, (size_t)count, sizeof *e, by_error);
    for (int64_t k = 0; k < count; k++)
        sum += fmax(e[k].error, 0) * (jaccard(e, count, k + 1) - jaccard(e, count, k));
    return sum;
}

/* Errors of classes [first, last) of pictures [from, to); returns how many. */
static int64_t collect(const places *p, place_error *e, int64_t from, int64_t to, int64_t first,
                       int64_t last, bool *present) {
    int64_t count = 0;
    *present = false;
    for (int64_t n = from; n < to; n++)
        for (int64_t c = first; c < last; c++)
            for (int64_t s = 0; s < p->size; s++) {
                if (weight(p, n, s) == 0) continue;
                bool there = truth(p, n, c, s) > 0.5;
                double error = p->call->integer_target
                                   ? fabs((double)there - probability(p, n, c, s))
                                   : 1 - logit(p, n, c, s) * (there ? 1 : -1);
                *present |= there;
                e[count] = (place_error){error, count, there};
                count++;
            }
    return count;
}

void reference_lovasz(reference_call *call) {
    places p = places_of(call);
    int64_t images = reference_int(call, "per_image", 0) ? p.batch : 1, each = p.batch / images;
    place_error *e = malloc((size_t)reference_count(&call->inputs[0]) * sizeof *e);
    if (!e) abort();
    double loss = 0;
    for (int64_t n = 0; n < images; n++) {
        double sum = 0, classes = 0;
        bool present;
        for (int64_t c = 0; call->integer_target && c < p.classes; c++) {
            int64_t count = collect(&p, e, n * each, (n + 1) * each, c, c + 1, &present);
            if (!present) continue;
            sum += extension(e, count);
            classes++;
        }
        if (!call->integer_target) {
            sum = extension(e, collect(&p, e, n * each, (n + 1) * each, 0, p.classes, &present));
            classes = 1;
        }
        if (classes > 0) loss += sum / classes / (double)images;
    }
    free(e);
    double *y = reference_output(call, 0, 0, NULL);
    *y = loss;
}
