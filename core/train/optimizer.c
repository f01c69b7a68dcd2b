/* Optimisers over weights cut into blocks: norms first, then one pass per block, then row norms.
 * Tables of which few rows have a gradient are optimizer_lazy.c's.
 * The arithmetic of an element is in kernels/optimizer.c. Sources: see tern_optimizer_kind. */
#include "optimizer.h"

#include "core/kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 16384 }; /* elements; blocks are cut by the weights alone, never by threads */

static const char *const kind_names[] = {"AdamW", "Adam", "SGD", "RMSprop", "Adadelta"};

static double with_default(double value, double fallback) {
    return value == 0 ? fallback : value < 0 ? 0 : value;
}

static tern_status check_range(tern_context *c, const char *name, double value, double high,
                               bool including_high) {
    if (value >= 0 && (value < high || (including_high && value == high))) return TERN_OK;
    return tern__fail(c, TERN_ERR_ARGUMENT, "optimizer: %s is %g; the range is 0 to %s%g", name,
                      value, including_high ? "" : "below ", high);
}

tern_status tern__optimizer_resolve(tern_context *c, tern_optimizer_options *o) {
    if ((int)o->kind < 0 || o->kind > TERN_OPTIMIZER_ADADELTA)
        return tern__fail(c, TERN_ERR_ARGUMENT, "optimizer: there is no kind %d", (int)o->kind);
    static const double rates[] = {1e-3, 1e-3, 1e-2, 1e-2, 1};
    bool adam = o->kind <= TERN_OPTIMIZER_ADAM, delta = o->kind == TERN_OPTIMIZER_ADADELTA;
    o->learning_rate = with_default(o->learning_rate, rates[o->kind]);
    o->beta1 = with_default(o->beta1, 0.9);
    o->beta2 = with_default(o->beta2, 0.999);
    o->smoothing = with_default(o->smoothing, delta ? 0.9 : 0.99);
    o->epsilon = with_default(o->epsilon, delta ? 1e-6 : 1e-8);
    o->weight_decay = with_default(o->weight_decay, o->kind == TERN_OPTIMIZER_ADAMW ? 0.01 : 0);
    if (o->nesterov && (o->kind != TERN_OPTIMIZER_SGD || o->momentum <= 0 || o->dampening != 0))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "optimizer: nesterov needs SGD with momentum and without dampening");
    if (o->momentum != 0 && (adam || delta))
        return tern__fail(c, TERN_ERR_ARGUMENT, "optimizer: %s has no momentum%s",
                          kind_names[o->kind], adam ? "; set beta1" : "");
    tern_status st;
    if ((st = check_range(c, "learning_rate", o->learning_rate, 1e6, true)) != TERN_OK ||
        (st = check_range(c, "momentum", o->momentum, 1, false)) != TERN_OK ||
        (st = check_range(c, "dampening", o->dampening, 1, true)) != TERN_OK ||
        (st = check_range(c, "beta1", o->beta1, 1, false)) != TERN_OK ||
        (st = check_range(c, "beta2", o->beta2, 1, false)) != TERN_OK ||
        (st = check_range(c, "smoothing", o->smoothing, 1, false)) != TERN_OK ||
        (st = check_range(c, "epsilon", o->epsilon, 1, true)) != TERN_OK ||
        (st = check_range(c, "weight_decay", o->weight_decay, 1e6, true)) != TERN_OK ||
        (st = check_range(c, "clip_value", o->clip_value, 1e30, true)) != TERN_OK ||
        (st = check_range(c, "clip_norm", o->clip_norm, 1e30, true)) != TERN_OK ||
        (st = check_range(c, "max_norm", o->max_norm, 1e30, true)) != TERN_OK)
        return st;
    return check_range(c, "ema", o->ema, 1, false);
}

/* Which moments a kind keeps, and its kernel. */
static void moments_of(const tern_optimizer_options *o, bool used[2]) {
    used[0] =
        o->kind <= TERN_OPTIMIZER_ADAM || o->kind == TERN_OPTIMIZER_ADADELTA || o->momentum > 0;
    used[1] = o->kind != TERN_OPTIMIZER_SGD;
}

static tern__update_kernel kernel_of(const tern__optimizer_kernels *k,
                                     const tern_optimizer_options *o) {
    switch (o->kind) {
    case TERN_OPTIMIZER_SGD:
        return o->momentum > 0 ? k->momentum : k->sgd;
    case TERN_OPTIMIZER_RMSPROP:
        return k->rmsprop;
    case TERN_OPTIMIZER_ADADELTA:
        return k->adadelta;
    default:
        return k->adam;
    }
}

static tern_status make_weight(tern__optimizer *o, tern__weight *w) {
    tern_context *c = o->context;
    bool used[2];
    moments_of(&o->options, used);
    size_t count = (size_t)(w->rows * w->row);
    for (int i = 0; i < 2; i++)
        if (used[i] && !(w->moments[i] = tern__calloc(c, count, sizeof(float))))
            return TERN_ERR_MEMORY;
    if (o->options.ema > 0) {
        if (!(w->average = tern__alloc(c, count * sizeof(float)))) return TERN_ERR_MEMORY;
        memcpy(w->average, w->data, count * sizeof(float));
    }
    if (w->gradient->rows && !(w->alive = tern__calloc(c, (size_t)w->rows, 1)))
        return TERN_ERR_MEMORY;
    w->lazy = w->lazy && w->gradient->rows && tern__lazy_possible(&o->options, w);
    if (!w->lazy) return TERN_OK;
    o->any_lazy = true;
    w->done = tern__calloc(c, (size_t)w->rows, sizeof *w->done);
    w->behind = tern__calloc(c, (size_t)w->rows, sizeof *w->behind);
    return w->done && w->behind ? TERN_OK : TERN_ERR_MEMORY;
}

static int64_t block_of(const tern__weight *w) {
    if (!w->alive || w->row >= BLOCK) return w->alive ? w->row : BLOCK;
    return BLOCK / w->row * w->row;
}

static tern_status make_blocks(tern__optimizer *o) {
    for (int pass = 0; pass < 2; pass++) {
        size_t n = 0;
        for (size_t i = 0; i < o->n_weights; i++) {
            const tern__weight *w = &o->weights[i];
            int64_t count = w->rows * w->row, block = block_of(w);
            for (int64_t at = 0; at < count; at += block, n++)
                if (pass)
                    o->blocks[n] =
                        (tern__block){(int)i, at, at + block < count ? at + block : count};
        }
        o->n_blocks = n;
        if (!pass && (!(o->blocks = tern__calloc(o->context, n, sizeof *o->blocks)) ||
                      !(o->partials = tern__calloc(o->context, n, sizeof *o->partials))))
            return TERN_ERR_MEMORY;
    }
    return TERN_OK;
}

tern_status tern__optimizer_create(tern__optimizer **optimizer, tern_context *c,
                                   const tern_optimizer_options *options,
                                   const tern__weight *weights, size_t n_weights,
                                   const tern__buffer *buffers, size_t n_buffers) {
    *optimizer = NULL;
    tern__optimizer *o = tern__calloc(c, 1, sizeof *o);
    if (!o) return TERN_ERR_MEMORY;
    o->context = c;
    o->options = *options;
    o->options.max_norm_weight = NULL; /* the caller's string; see weights[].capped */
    o->learning_rate = options->learning_rate;
    o->momentum = options->kind <= TERN_OPTIMIZER_ADAM ? options->beta1 : options->momentum;
    tern_status st = TERN_ERR_MEMORY;
    if (!(o->weights = tern__calloc(c, n_weights, sizeof *o->weights)) ||
        !(o->buffers = tern__calloc(c, n_buffers, sizeof *o->buffers)))
        goto fail;
    for (size_t i = 0; i < n_weights; i++) {
        o->weights[o->n_weights++] = weights[i];
        if ((st = make_weight(o, &o->weights[i])) != TERN_OK) goto fail;
        o->elements += weights[i].rows * weights[i].row;
    }
    for (size_t i = 0; i < n_buffers; i++) {
        tern__buffer *b = &o->buffers[o->n_buffers++];
        *b = buffers[i];
        if (!(options->ema > 0)) continue;
        st = TERN_ERR_MEMORY;
        if (!(b->average = tern__alloc(c, (size_t)b->count * sizeof(float)))) goto fail;
        memcpy(b->average, b->data, (size_t)b->count * sizeof(float));
    }
    if ((st = make_blocks(o)) != TERN_OK) goto fail;
    *optimizer = o;
    return TERN_OK;
fail:
    tern__optimizer_free(o);
    return st;
}

void tern__optimizer_free(tern__optimizer *o) {
    if (!o) return;
    tern_context *c = o->context;
    for (size_t i = 0; i < o->n_weights; i++) {
        tern__free(c, o->weights[i].moments[0]);
        tern__free(c, o->weights[i].moments[1]);
        tern__free(c, o->weights[i].average);
        tern__free(c, o->weights[i].alive);
        tern__free(c, o->weights[i].done);
        tern__free(c, o->weights[i].behind);
    }
    for (size_t i = 0; i < o->n_buffers; i++) tern__free(c, o->buffers[i].average);
    tern__free(c, o->weights);
    tern__free(c, o->buffers);
    tern__free(c, o->blocks);
    tern__free(c, o->partials);
    tern__free(c, o);
}

/* ---- a step ---- */

typedef struct step {
    const tern__optimizer *o;
    const tern__optimizer_kernels *kernels;
    tern__update_kernel update;
    tern__update scalars;
    float average;              /* share of the new weight in its average */
    const tern__weight *weight; /* of cap_rows */
} step;

static void sum_squares(void *arg, int64_t i, int worker) {
    (void)worker;
    const step *s = arg;
    const tern__block *b = &s->o->blocks[i];
    const tern__tensor *g = s->o->weights[b->weight].gradient;
    /* A sparse gradient is used_rows rows one after the other: blocks beyond them hold nothing. */
    int64_t end = g->rows ? g->rows_used * s->o->weights[b->weight].row : b->end;
    if (end > b->end) end = b->end;
    s->o->partials[i] = end <= b->begin ? 0
                                        : s->kernels->squares((const float *)g->data + b->begin,
                                                              s->scalars.clip, end - b->begin);
}

static float *at(float *p, int64_t i) { return p ? p + i : NULL; }

static void update_range(const step *s, const tern__weight *w, const tern__update *u,
                         const float *g, int64_t begin, int64_t count) {
    s->update(u, w->data + begin, g, at(w->moments[0], begin), at(w->moments[1], begin), count);
    if (w->average && !w->capped)
        s->kernels->average(w->average + begin, w->data + begin, s->average, count);
}

/* The first of the gradient's rows that is not before `row`. */
static int64_t find_row(const tern__tensor *g, int64_t row) {
    int64_t low = 0, high = g->rows_used;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (g->rows[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Rows without a gradient get the step that a gradient of zeros gives. Where that changes nothing
 * (no decay, moments all zero) they are left alone; their averages go on following. */
static void update_rows(const step *s, const tern__weight *w, const tern__update *u, int64_t begin,
                        int64_t end) {
    const tern__tensor *g = w->gradient;
    bool decays = u->decay != 0 || u->shrink != 1;
    bool moments = w->moments[0] || w->moments[1];
    int64_t next = find_row(g, begin / w->row);
    for (int64_t r = begin / w->row; r < end / w->row; r++) {
        if (next < g->rows_used && g->rows[next] == r) {
            w->alive[r] = 1;
            update_range(s, w, u, (const float *)g->data + next * w->row, r * w->row, w->row);
            next++;
        } else if (decays || (moments && w->alive[r])) {
            update_range(s, w, u, NULL, r * w->row, w->row);
        } else if (w->average && !w->capped && w->alive[r]) {
            s->kernels->average(w->average + r * w->row, w->data + r * w->row, s->average, w->row);
        }
    }
}

static tern__update scalars_for(const step *s, const tern__weight *w) {
    tern__update u = s->scalars;
    if (!w->decays) {
        u.decay = 0;
        u.shrink = 1;
    }
    return u;
}

static void update_block(void *arg, int64_t i, int worker) {
    (void)worker;
    const step *s = arg;
    const tern__block *b = &s->o->blocks[i];
    const tern__weight *w = &s->o->weights[b->weight];
    if (w->lazy) return;
    const tern__update u = scalars_for(s, w);
    if (w->gradient->rows)
        update_rows(s, w, &u, b->begin, b->end);
    else
        update_range(s, w, &u, (const float *)w->gradient->data + b->begin, b->begin,
                     b->end - b->begin);
}

static void cap_rows(void *arg, int64_t begin, int64_t end) {
    const step *s = arg;
    const tern__weight *w = s->weight;
    for (int64_t r = begin; r < end; r++) {
        float *row = w->data + r * w->row;
        double norm = sqrt(s->kernels->squares(row, INFINITY, w->row));
        if (norm > s->o->options.max_norm)
            s->kernels->scale(row, (float)(s->o->options.max_norm / norm), w->row);
        if (w->average) s->kernels->average(w->average + r * w->row, row, s->average, w->row);
    }
}

static tern__update scalars_of(const tern__optimizer *o) {
    const tern_optimizer_options *p = &o->options;
    double t = (double)(o->steps + 1), rate = o->learning_rate;
    tern__update u = {.clip = p->clip_value > 0 ? (float)p->clip_value : INFINITY,
                      .scale = 1,
                      .shrink = 1,
                      .epsilon = (float)p->epsilon,
                      .momentum = (float)o->momentum,
                      .nesterov = p->nesterov};
    double smoothing = p->smoothing;
    if (p->kind == TERN_OPTIMIZER_ADAMW)
        u.shrink = (float)(1 - rate * p->weight_decay);
    else
        u.decay = (float)p->weight_decay;
    if (p->kind <= TERN_OPTIMIZER_ADAM) {
        smoothing = p->beta2;
        u.fresh = (float)(1 - o->momentum);
        rate /= 1 - pow(o->momentum, t);
        u.root_scale = (float)(1 / sqrt(1 - pow(p->beta2, t)));
    } else {
        u.fresh = o->steps ? (float)(1 - p->dampening) : 1; /* the first velocity is the gradient */
    }
    u.smoothing = (float)smoothing;
    u.fresh_square = (float)(1 - smoothing);
    u.rate = (float)rate;
    return u;
}

static void each_block(const tern__optimizer *o, tern__parallel_body body, step *s) {
    if (o->elements > BLOCK)
        tern__parallel(o->context, (int64_t)o->n_blocks, 4 * o->elements / (int64_t)o->n_blocks,
                       body, s);
    else
        for (size_t i = 0; i < o->n_blocks; i++) body(s, (int64_t)i, 0);
}

static void update_lazy(tern__optimizer *o, const step *s) {
    if (!o->any_lazy) return;
    for (size_t i = 0; i < o->n_weights; i++) {
        const tern__update u = scalars_for(s, &o->weights[i]);
        if (o->weights[i].lazy) tern__lazy_step(o, &o->weights[i], &u, s->update, s->average);
    }
    tern__lazy_note(o, &s->scalars, s->average);
}

bool tern__optimizer_step(tern__optimizer *o) {
    const tern_optimizer_options *p = &o->options;
    step s = {.o = o, .kernels = o->context->kernels->optimizer, .scalars = scalars_of(o)};
    s.update = kernel_of(s.kernels, p);
    each_block(o, sum_squares, &s);
    double sum = 0;
    for (size_t i = 0; i < o->n_blocks; i++) sum += o->partials[i];
    if (!isfinite(sum)) return false;
    o->norm = sqrt(sum);
    /* PyTorch's clip_grad_norm_ */
    if (p->clip_norm > 0 && o->norm + 1e-6 > p->clip_norm)
        s.scalars.scale = (float)(p->clip_norm / (o->norm + 1e-6));
    o->steps++;
    double n = (double)o->steps, ramp = (1 + n) / (10 + n);
    s.average = (float)(1 - (p->ema < ramp ? p->ema : ramp));
    each_block(o, update_block, &s);
    update_lazy(o, &s);
    for (size_t i = 0; i < o->n_weights; i++) {
        s.weight = &o->weights[i];
        int64_t rows = s.weight->row < BLOCK ? BLOCK / s.weight->row : 1;
        if (s.weight->capped)
            tern__parallel_range(o->context, s.weight->rows, rows, 2 * s.weight->row, cap_rows, &s);
    }
    for (size_t i = 0; i < o->n_buffers; i++)
        if (o->buffers[i].average)
            s.kernels->average(o->buffers[i].average, o->buffers[i].data, s.average,
                               o->buffers[i].count);
    return true;
}

void tern__optimizer_restored(tern__optimizer *o) {
    for (size_t i = 0; i < o->n_weights; i++) {
        tern__weight *w = &o->weights[i];
        for (int64_t r = 0; w->alive && r < w->rows; r++) {
            w->alive[r] = 0;
            for (int64_t j = r * w->row; !w->alive[r] && j < (r + 1) * w->row; j++)
                w->alive[r] = (w->moments[0] && w->moments[0][j] != 0) ||
                              (w->moments[1] && w->moments[1][j] != 0) ||
                              (w->average && w->average[j] != w->data[j]);
        }
        for (int64_t r = 0; w->lazy && r < w->rows; r++)
            w->done[r] = o->steps - (int64_t)w->behind[r];
    }
    if (o->any_lazy) tern__lazy_table(o);
}

size_t tern__optimizer_memory(const tern__optimizer *o) {
    bool used[2];
    moments_of(&o->options, used);
    size_t arrays = (size_t)used[0] + used[1] + (o->options.ema > 0);
    return arrays * (size_t)o->elements * sizeof(float);
}
