/* Mixup: each sample of a batch is mixed with another one of it, targets likewise. Source: Zhang,
 * Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018. */
#include "train_run.h"

#include "shape.h"

#include <math.h>
#include <string.h>

/* Gamma(shape, 1) by Marsaglia & Tsang 2000; below 1 through Gamma(shape + 1). */
static double gamma_variate(tern__random *random, double shape) {
    if (shape < 1) {
        double u = 1 - tern__random_uniform(random);
        return gamma_variate(random, shape + 1) * pow(u, 1 / shape);
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = tern__random_normal(random), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        double u = 1 - tern__random_uniform(random);
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}

static double beta_variate(tern__random *random, double shape) {
    double a = gamma_variate(random, shape), b = gamma_variate(random, shape);
    return a + b > 0 ? a / (a + b) : 1;
}

typedef struct mixing {
    const float *from;
    float *to;
    const int64_t *partner;
    const float *share; /* of the sample itself */
    int64_t row;        /* elements of a sample */
} mixing;

static void mix_row(void *arg, int64_t i, int worker) {
    (void)worker;
    const mixing *m = arg;
    const float *a = m->from + i * m->row, *b = m->from + m->partner[i] * m->row;
    float *to = m->to + i * m->row, share = m->share[i];
    for (int64_t k = 0; k < m->row; k++) to[k] = share * a[k] + (1 - share) * b[k];
}

static tern_status fit(tern_context *c, float **memory, size_t *capacity, int64_t count) {
    size_t bytes;
    if (!tern__mul((size_t)count, sizeof(float), &bytes)) bytes = SIZE_MAX;
    if (bytes <= *capacity) return TERN_OK;
    tern__free(c, *memory);
    *capacity = 0;
    if (!(*memory = tern__alloc(c, bytes))) return TERN_ERR_MEMORY;
    *capacity = bytes;
    return TERN_OK;
}

/* Swaps a float tensor of the batch for its mixture; the old memory is room for the next one. */
static tern_status mix_tensor(tern__run *r, tern_tensor *t, size_t *capacity,
                              const int64_t *partner, const float *share) {
    size_t bytes;
    tern__tensor_bytes(t, &bytes);
    int64_t count = (int64_t)(bytes / sizeof(float));
    tern_status st = fit(r->context, &r->mixed, &r->mixed_capacity, count);
    if (st != TERN_OK) return st;
    mixing m = {t->data, r->mixed, partner, share, count / t->dims[0]};
    tern__parallel(r->context, t->dims[0], mix_row, &m);
    size_t old = *capacity;
    *capacity = r->mixed_capacity;
    r->mixed_capacity = old;
    r->mixed = t->data;
    t->data = m.to;
    return TERN_OK;
}

/* int64 class numbers [N] -> [N, classes] of ones and zeros, mixed. */
static tern_status soften(tern__run *r, int64_t classes, const int64_t *partner,
                          const float *share) {
    tern_context *c = r->context;
    const tern_tensor *target = &r->batch.target;
    int64_t n = target->dims[0];
    const int64_t *numbers = target->data;
    float *soft = r->soft_target.data;
    tern_status st = fit(c, &soft, &r->soft_capacity, n * classes);
    r->soft_target =
        (tern_tensor){.type = TERN_FLOAT, .rank = 2, .dims = {n, classes}, .data = soft};
    if (st != TERN_OK) return st;
    memset(soft, 0, (size_t)(n * classes) * sizeof *soft);
    for (int64_t i = 0; i < n; i++)
        if (numbers[i] < 0 || numbers[i] >= classes)
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "mixup: sample %lld has class %lld; the network's "
                              "classes are 0 to %lld",
                              (long long)r->batch.samples[i], (long long)numbers[i],
                              (long long)classes - 1);
    for (int64_t i = 0; i < n; i++) {
        soft[i * classes + numbers[i]] += share[i];
        soft[i * classes + numbers[partner[i]]] += 1 - share[i];
    }
    return TERN_OK;
}

tern_status tern__run_mix(tern__run *r, const tern__shape *logits, tern_tensor *target) {
    tern_context *c = r->context;
    tern__batch *b = &r->batch;
    const tern_train_options *o = &r->options;
    for (size_t k = 0; k < b->n_inputs; k++)
        if (b->inputs[k].type != TERN_FLOAT)
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "mixup needs inputs of floats; input %zu is not", k);
    bool soft = b->target.type == TERN_FLOAT;
    if (!soft && (b->target.rank != 1 || logits->rank != 2 || logits->dims[1] < 1))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "mixup needs one class a sample and a network whose output is "
                          "[N, classes], or targets of floats");
    int64_t *partner = tern__calloc(c, (size_t)b->count, sizeof *partner);
    float *share = tern__calloc(c, (size_t)b->count, sizeof *share);
    tern_status st = partner && share ? TERN_OK : TERN_ERR_MEMORY;
    if (st == TERN_OK) {
        uint64_t stream = tern__random_stream((uint64_t)r->state.epoch, (uint64_t)r->state.position,
                                              0x6d6978 /* "mix" */);
        tern__random random = tern__random_make(o->seed, stream);
        bool off = (double)r->state.epoch >= o->epochs - o->mixup_off_epochs;
        for (int64_t i = 0; i < b->count; i++) partner[i] = i;
        if (!off) tern__random_shuffle(&random, partner, b->count);
        for (int64_t i = 0; i < b->count; i++)
            share[i] = off ? 1 : (float)beta_variate(&random, o->mixup);
    }
    for (size_t k = 0; st == TERN_OK && k < b->n_inputs; k++)
        st = mix_tensor(r, &b->inputs[k], &b->capacities[k], partner, share);
    if (st == TERN_OK)
        st = soft ? mix_tensor(r, &b->target, &b->capacities[TERN_DATASET_MAX_INPUTS], partner,
                               share)
                  : soften(r, logits->dims[1], partner, share);
    *target = soft ? b->target : r->soft_target;
    tern__free(c, share);
    tern__free(c, partner);
    return st;
}
