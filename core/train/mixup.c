/* Mixup and cutmix: each sample of a batch is mixed with another one of it, as a whole or by a box
 * of the other one, and targets by the same shares. Sources: Zhang, Cisse, Dauphin, Lopez-Paz,
 * "mixup: Beyond Empirical Risk Minimization", ICLR 2018; Yun, Han, Oh, Chun, Choe, Yoo, "CutMix:
 * Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019. */
#include "train_run.h"

#include "core/graph/shape.h"

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

/* Places begin <= i < end of dimensions 2, 3, ... of an input. */
typedef struct box {
    int64_t begin[TERN_MAX_RANK], end[TERN_MAX_RANK];
} box;

/* Of each sample: who it is mixed with, and how much of itself is kept. */
typedef struct pairing {
    int64_t *partner;
    float *share;
    box *boxes; /* cutmix: what comes from the partner; mixup: NULL */
} pairing;

typedef struct mixing {
    const pairing *pairs;
    const tern_tensor *from;
    float *to;
    int64_t row; /* elements of a sample */
} mixing;

static void mix_row(void *arg, int64_t i, int worker) {
    (void)worker;
    const mixing *m = arg;
    const float *from = m->from->data, *a = from + i * m->row,
                *b = from + m->pairs->partner[i] * m->row;
    float *to = m->to + i * m->row, share = m->pairs->share[i];
    for (int64_t k = 0; k < m->row; k++) to[k] = share * a[k] + (1 - share) * b[k];
}

static void cut_row(void *arg, int64_t i, int worker) {
    (void)worker;
    const mixing *m = arg;
    const box *b = &m->pairs->boxes[i];
    const int last = m->from->rank - 1;
    const int64_t *dims = m->from->dims, width = dims[last];
    const float *from = m->from->data, *partner = from + m->pairs->partner[i] * m->row;
    float *to = m->to + i * m->row;
    memcpy(to, from + i * m->row, (size_t)m->row * sizeof *to);
    for (int64_t line = 0; line < m->row / width; line++) {
        bool inside = b->end[last] > b->begin[last];
        for (int64_t k = last - 1, rest = line; k >= 2; rest /= dims[k--])
            inside &= rest % dims[k] >= b->begin[k] && rest % dims[k] < b->end[k];
        const int64_t at = line * width + b->begin[last];
        if (inside)
            memcpy(to + at, partner + at, (size_t)(b->end[last] - b->begin[last]) * sizeof *to);
    }
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
static tern_status mix_tensor(tern__run *r, tern_tensor *t, size_t *capacity, const pairing *pairs,
                              bool cut) {
    size_t bytes;
    tern__tensor_bytes(t, &bytes);
    int64_t count = (int64_t)(bytes / sizeof(float));
    tern_status st = fit(r->context, &r->mixed, &r->mixed_capacity, count);
    if (st != TERN_OK) return st;
    mixing m = {pairs, t, r->mixed, count / t->dims[0]};
    tern__parallel(r->context, t->dims[0], 2 * m.row, cut ? cut_row : mix_row, &m);
    size_t old = *capacity;
    *capacity = r->mixed_capacity;
    r->mixed_capacity = old;
    r->mixed = t->data;
    t->data = m.to;
    return TERN_OK;
}

/* int64 class numbers [N] -> [N, classes] of ones and zeros, mixed. */
static tern_status soften(tern__run *r, int64_t classes, const pairing *pairs) {
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
                              "mixing: sample %lld has class %lld; the network's "
                              "classes are 0 to %lld",
                              (long long)r->batch.samples[i], (long long)numbers[i],
                              (long long)classes - 1);
    for (int64_t i = 0; i < n; i++) {
        soft[i * classes + numbers[i]] += pairs->share[i];
        soft[i * classes + numbers[pairs->partner[i]]] += 1 - pairs->share[i];
    }
    return TERN_OK;
}

/* A box of about 1 - kept of all places around a random one of them, cut at the edges. Returns the
 * share of the places that are outside. */
static float draw_box(box *b, tern__random *random, const tern_tensor *input, double kept) {
    const double side = pow(1 - kept, 1.0 / (input->rank - 2));
    int64_t inside = 1, all = 1;
    for (int k = 2; k < input->rank; k++) {
        const int64_t size = input->dims[k], length = (int64_t)(side * (double)size);
        const int64_t begin = tern__random_below(random, size) - length / 2, end = begin + length;
        b->begin[k] = begin > 0 ? begin : 0;
        b->end[k] = end < size ? end : size;
        inside *= b->end[k] - b->begin[k];
        all *= size;
    }
    return (float)((double)(all - inside) / (double)all);
}

static tern_status pair(pairing *p, const tern__run *r) {
    const tern_train_options *o = &r->options;
    const int64_t n = r->batch.count;
    const uint64_t stream = tern__random_stream((uint64_t)r->state.epoch,
                                                (uint64_t)r->state.position, 0x6d6978 /* "mix" */);
    tern__random random = tern__random_make(o->seed, stream);
    const bool off = (double)r->state.epoch >= o->epochs - o->mixup_off_epochs;
    const bool both = o->mixup > 0 && o->cutmix > 0;
    const bool cut = both ? tern__random_uniform(&random) < 0.5 : o->cutmix > 0;
    *p = (pairing){.partner = tern__calloc(r->context, (size_t)n, sizeof *p->partner),
                   .share = tern__calloc(r->context, (size_t)n, sizeof *p->share)};
    if (cut) p->boxes = tern__calloc(r->context, (size_t)n, sizeof *p->boxes);
    if (!p->partner || !p->share || (cut && !p->boxes)) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) p->partner[i] = i;
    if (!off) tern__random_shuffle(&random, p->partner, n);
    for (int64_t i = 0; i < n; i++) {
        const double kept = off ? 1 : beta_variate(&random, cut ? o->cutmix : o->mixup);
        p->share[i] =
            cut && !off ? draw_box(&p->boxes[i], &random, &r->batch.inputs[0], kept) : (float)kept;
    }
    return TERN_OK;
}

/* Boxes are of the same places in all inputs, and a target has no places. */
static tern_status check_places(const tern__run *r) {
    const tern__batch *b = &r->batch;
    const tern_tensor *first = &b->inputs[0];
    for (size_t k = 0; k < b->n_inputs; k++) {
        const tern_tensor *t = &b->inputs[k];
        if (t->rank < 3)
            return tern__fail(r->context, TERN_ERR_SHAPE,
                              "cutmix cuts boxes out of inputs [N, C, ...] with at least one "
                              "dimension after C; input %zu has rank %d",
                              k, t->rank);
        bool same = t->rank == first->rank;
        for (int i = 2; same && i < t->rank; i++) same = t->dims[i] == first->dims[i];
        if (!same)
            return tern__fail(r->context, TERN_ERR_SHAPE,
                              "cutmix: input %zu has other dimensions after C than input 0", k);
    }
    if (b->target.rank > 2)
        return tern__fail(r->context, TERN_ERR_SHAPE,
                          "cutmix needs a target a sample, [N] or [N, classes], not one of rank %d",
                          b->target.rank);
    return TERN_OK;
}

tern_status tern__run_mix(tern__run *r, const tern__shape *logits, tern_tensor *target) {
    tern_context *c = r->context;
    tern__batch *b = &r->batch;
    const tern_train_options *o = &r->options;
    const char *name = o->mixup > 0 ? "mixup" : "cutmix";
    for (size_t k = 0; k < b->n_inputs; k++)
        if (b->inputs[k].type != TERN_FLOAT)
            return tern__fail(c, TERN_ERR_ARGUMENT, "%s needs inputs of floats; input %zu is not",
                              name, k);
    bool soft = b->target.type == TERN_FLOAT;
    if (!soft && (b->target.rank != 1 || logits->rank != 2 || logits->dims[1] < 1))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "%s needs one class a sample and a network whose output is "
                          "[N, classes], or targets of floats",
                          name);
    tern_status st = o->cutmix > 0 ? check_places(r) : TERN_OK;
    if (st != TERN_OK) return st;
    pairing pairs;
    st = pair(&pairs, r);
    for (size_t k = 0; st == TERN_OK && k < b->n_inputs; k++)
        st = mix_tensor(r, &b->inputs[k], &b->capacities[k], &pairs, pairs.boxes != NULL);
    if (st == TERN_OK)
        st = soft
                 ? mix_tensor(r, &b->target, &b->capacities[TERN_DATASET_MAX_INPUTS], &pairs, false)
                 : soften(r, logits->dims[1], &pairs);
    *target = soft ? b->target : r->soft_target;
    tern__free(c, pairs.boxes);
    tern__free(c, pairs.share);
    tern__free(c, pairs.partner);
    return st;
}
