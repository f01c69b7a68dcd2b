/* Steps of tables of which few rows have a gradient (embeddings): a step costs what the touched
 * rows cost. A row without a gradient misses the step; before it is used again, and every
 * TERN__LAZY_STEPS steps in any case, what the missed steps would have done to it (with a gradient
 * of zeros) is done at once, in closed form:
 *
 *   SGD        nothing; with momentum m, w -= a sum of rate m^i, a *= m^n
 *   RMSprop    b *= smoothing^n (and as SGD with momentum)
 *   Adadelta   a, b *= smoothing^n
 *   Adam(W)    a *= beta1^n, b *= beta2^n; the i-th missed step moves w by
 *              rate_i a beta1^i / (sqrt(b) s_i + epsilon), s_i = beta2^(i/2) times the bias
 *              correction. The sum of them is taken as M a / (sqrt(b) + epsilon E), with M the sum
 *              of rate_i beta1^i / s_i and E the mean of 1 / s_i weighted with its terms: right to
 *              the first order in epsilon / sqrt(b). AdamW's shrinking of w between them is in it.
 *   averages   of rows that do not move: a += (1 - product of (1 - share)) (w - a)
 *
 * Up to rounding that is what the same steps do one by one. Weight decay through the gradient, and
 * averages or row norms of rows that move, have no such form: those tables get every step. */
#include "optimizer.h"

#include "core/kernels/kernels.h"

#include <math.h>
#include <string.h>

enum { ROWS_TOGETHER = 32, BLOCK_ROWS = 256 };

static bool is_adam(const tern_optimizer_options *o) { return o->kind <= TERN_OPTIMIZER_ADAM; }

bool tern__lazy_possible(const tern_optimizer_options *o, const tern__weight *w) {
    bool decays = o->weight_decay != 0 && w->decays;
    bool moves = is_adam(o) || o->momentum > 0;
    if (decays && o->kind != TERN_OPTIMIZER_ADAMW) return false;
    return !w->capped && !(moves && o->ema > 0);
}

/* What n steps come to: factors of a, b and w; what of a goes to w, the same over s_i; what stays
 * of an average. */
enum { A, B, SHRINK, MOVE, MOVE_EPSILON, KEPT, PARTS };

/* Of n steps, the last of which is o->steps, from that of the n - 1 last ones: the earliest comes
 * first. */
static void add_step(const tern__optimizer *o, double smoothing, const tern__past *p,
                     const double later[PARTS], double all[PARTS]) {
    const tern_optimizer_options *options = &o->options;
    const bool adam = is_adam(options);
    const double momentum = options->kind == TERN_OPTIMIZER_ADADELTA ? smoothing : p->momentum;
    double ratio = momentum, move = p->rate; /* of a from step to step; of w by a */
    if (adam) {
        ratio = momentum / sqrt(smoothing);
        move = p->rate / p->root_scale;
        all[MOVE_EPSILON] =
            momentum / smoothing * (move / p->root_scale * later[SHRINK] + later[MOVE_EPSILON]);
    } else if (options->kind == TERN_OPTIMIZER_SGD && options->nesterov) {
        move *= momentum;
    } else if (options->kind == TERN_OPTIMIZER_ADADELTA) {
        move = 0;
    }
    all[A] = momentum * later[A];
    all[B] = smoothing * later[B];
    all[MOVE] = ratio * (move * later[SHRINK] + later[MOVE]);
    all[SHRINK] = p->shrink * later[SHRINK];
    all[KEPT] = (1 - (double)p->average) * later[KEPT];
}

void tern__lazy_table(tern__optimizer *o) {
    const bool adam = is_adam(&o->options);
    const double smoothing = adam ? o->options.beta2 : o->options.smoothing;
    double before[PARTS] = {1, 1, 1, 0, 0, 1}, now[PARTS] = {0};
    o->idle[0] = (tern__idle){.a = 1, .b = 1, .shrink = 1};
    for (int64_t n = 1; n <= TERN__LAZY_STEPS && n <= o->steps; n++) {
        const tern__past *p = &o->past[(o->steps - n + 1) % TERN__LAZY_STEPS];
        add_step(o, smoothing, p, before, now);
        memcpy(before, now, sizeof before);
        const double spread = now[MOVE] > 0 ? now[MOVE_EPSILON] / now[MOVE] : 0;
        o->idle[n] = (tern__idle){.a = (float)now[A],
                                  .b = (float)now[B],
                                  .shrink = (float)now[SHRINK],
                                  .move = (float)now[MOVE],
                                  .epsilon = (float)(o->options.epsilon * spread),
                                  .fresh = (float)(1 - now[KEPT]),
                                  .root = adam};
    }
}

static float *at(float *p, int64_t i) { return p ? p + i : NULL; }

/* Row r as after step `now`; o->idle is that of this step. */
static void catch_up(const tern__optimizer *o, const tern__weight *w, int64_t r, int64_t now) {
    const tern__optimizer_kernels *kernels = o->context->kernels->optimizer;
    int64_t missed = now - w->done[r], begin = r * w->row;
    if (missed <= 0) return;
    w->done[r] = now;
    tern__idle idle = o->idle[missed];
    if (!w->decays) idle.shrink = 1;
    if (!w->alive[r] && idle.shrink == 1) return; /* moments and steps of zeros */
    kernels->idle(&idle, w->data + begin, at(w->moments[0], begin), at(w->moments[1], begin),
                  w->row);
    if (w->average) kernels->average(w->average + begin, w->data + begin, idle.fresh, w->row);
}

void tern__optimizer_refresh(tern__optimizer *o, size_t weight, const int64_t *rows,
                             int64_t count) {
    const tern__weight *w = &o->weights[weight];
    for (int64_t i = 0; w->lazy && i < count; i++) {
        int64_t r = rows[i] < 0 ? rows[i] + w->rows : rows[i];
        if (r >= 0 && r < w->rows) catch_up(o, w, r, o->steps);
    }
}

/* ---- a step ---- */

typedef struct step {
    const tern__optimizer *o;
    const tern__weight *w;
    const tern__update *u;
    tern__update_kernel update;
    float average;
    int64_t now;
} step;

static void step_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const step *s = arg;
    const tern__weight *w = s->w;
    const tern__tensor *g = w->gradient;
    int64_t end =
        (item + 1) * ROWS_TOGETHER < g->rows_used ? (item + 1) * ROWS_TOGETHER : g->rows_used;
    for (int64_t i = item * ROWS_TOGETHER; i < end; i++) {
        int64_t r = g->rows[i], begin = r * w->row;
        catch_up(s->o, w, r, s->now - 1);
        s->update(s->u, w->data + begin, (const float *)g->data + i * w->row,
                  at(w->moments[0], begin), at(w->moments[1], begin), w->row);
        if (w->average)
            s->o->context->kernels->optimizer->average(w->average + begin, w->data + begin,
                                                       s->average, w->row);
        w->alive[r] = 1;
        w->done[r] = s->now;
    }
}

void tern__lazy_step(tern__optimizer *o, tern__weight *w, const tern__update *u,
                     tern__update_kernel update, float average) {
    step s = {o, w, u, update, average, o->steps};
    int64_t items = (w->gradient->rows_used + ROWS_TOGETHER - 1) / ROWS_TOGETHER;
    tern__parallel(o->context, items, 4 * ROWS_TOGETHER * w->row, step_item, &s);
}

static void settle_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const step *s = arg;
    int64_t end = (item + 1) * BLOCK_ROWS < s->w->rows ? (item + 1) * BLOCK_ROWS : s->w->rows;
    for (int64_t r = item * BLOCK_ROWS; r < end; r++) catch_up(s->o, s->w, r, s->now);
}

static void settle_all(const tern__optimizer *o) {
    for (size_t i = 0; i < o->n_weights; i++) {
        step s = {.o = o, .w = &o->weights[i], .now = o->steps};
        if (s.w->lazy)
            tern__parallel(o->context, (s.w->rows + BLOCK_ROWS - 1) / BLOCK_ROWS,
                           4 * BLOCK_ROWS * s.w->row, settle_item, &s);
    }
}

/* The table is that after this step from now on. */
void tern__lazy_note(tern__optimizer *o, const tern__update *u, float average) {
    o->past[o->steps % TERN__LAZY_STEPS] =
        (tern__past){u->rate, u->momentum, u->root_scale, u->shrink, average};
    tern__lazy_table(o);
    if (o->steps % TERN__LAZY_STEPS == 0) settle_all(o);
}

/* ---- out of it ---- */

void tern__optimizer_saving(tern__optimizer *o) {
    for (size_t i = 0; i < o->n_weights; i++)
        for (int64_t r = 0; o->weights[i].lazy && r < o->weights[i].rows; r++)
            o->weights[i].behind[r] = (float)(o->steps - o->weights[i].done[r]);
}

/* A row of a lazy weight as it is now: what it has missed, on copies. The average of a row that
 * moves is not kept (tern__lazy_possible), so that either w or the average changes. */
static void copy_row(const tern__optimizer *o, const tern__weight *w, int64_t r, bool averaged,
                     float *to) {
    const tern__optimizer_kernels *kernels = o->context->kernels->optimizer;
    tern__idle idle = o->idle[o->steps - w->done[r]];
    enum { PIECE = 256 };
    float a[PIECE], b[PIECE];
    if (!w->decays) idle.shrink = 1;
    if (!w->alive[r] && idle.shrink == 1) return;
    if (averaged) {
        kernels->average(to, w->data + r * w->row, idle.fresh, w->row);
        return;
    }
    for (int64_t i = 0; i < w->row; i += PIECE) {
        int64_t n = w->row - i < PIECE ? w->row - i : PIECE;
        size_t bytes = (size_t)n * sizeof *a;
        if (w->moments[0]) memcpy(a, w->moments[0] + r * w->row + i, bytes);
        if (w->moments[1]) memcpy(b, w->moments[1] + r * w->row + i, bytes);
        kernels->idle(&idle, to + i, w->moments[0] ? a : NULL, w->moments[1] ? b : NULL, n);
    }
}

void tern__optimizer_copy(const tern__optimizer *o, size_t i, bool averaged, float *to) {
    const tern__weight *w = &o->weights[i];
    averaged = averaged && w->average;
    memcpy(to, averaged ? w->average : w->data, (size_t)(w->rows * w->row) * sizeof *to);
    for (int64_t r = 0; w->lazy && r < w->rows; r++)
        if (w->done[r] < o->steps) copy_row(o, w, r, averaged, to + r * w->row);
}
