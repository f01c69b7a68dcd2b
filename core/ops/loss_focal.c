/* Focal, a training loss in tern's own domain: cross-entropy in which what is right already counts
 * less (Lin et al. 2017), with weights of places. Of a place and, for sigmoids, a class:
 *   L = -(positive_weight t log s(x) + (1 - t) log(1 - s(x))), or -log softmax(x)[number],
 *   loss = a (1 - e^-L)^gamma L, a = alpha t + (1 - alpha)(1 - t) for sigmoids with alpha >= 0,
 *   else 1.
 * mean: sum of w loss / sum of w; sum: sum of w loss. With gamma 0 it is cross-entropy with
 * weights, as U-Net's (Ronneberger et al. 2015). See loss_places.h for inputs. Gradient: logits. */
#include "loss_places.h"

#include <math.h>

typedef struct focal {
    float alpha, gamma, positive_weight;
    int64_t ignore_index;
    tern__string reduction;
} focal;

static const tern__attribute attributes[] = {
    TERN__A_FLOAT(focal, alpha, -1),          TERN__A_FLOAT(focal, gamma, 2),
    TERN__A_FLOAT(focal, positive_weight, 1), TERN__A_INT(focal, ignore_index, -100),
    TERN__A_STRING(focal, reduction, "mean"), {0}};

static tern_status infer(tern__infer *in) {
    const focal *a = in->attributes;
    if (!(a->alpha <= 1 && a->gamma >= 0 && a->positive_weight >= 0))
        return tern__infer_fail(in, TERN_ERR_ARGUMENT,
                                "alpha %g must be at most 1, gamma %g and positive_weight %g not "
                                "negative",
                                (double)a->alpha, (double)a->gamma, (double)a->positive_weight);
    if (strcmp(a->reduction.at, "mean") != 0 && strcmp(a->reduction.at, "sum") != 0)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "reduction '%s' is neither mean nor sum",
                                a->reduction.at);
    return tern__places_infer(in);
}

typedef struct job {
    tern__places p;
    const focal *a;
    double *divisor; /* state */
    double *partial; /* [items][2]: sums of w loss and of w */
    char *scratch;
    size_t scratch_each;
    float *dx, factor;
} job;

static job make_job(const tern__step *step) {
    const focal *a = step->attributes;
    job j = {.p = tern__places_make(step, a->ignore_index), .a = a};
    j.divisor = step->state;
    j.partial = step->workspace;
    j.scratch = step->workspace;
    j.scratch_each = tern__padded((size_t)((j.p.classes + 5) * j.p.block) * sizeof(float));
    return j;
}

static size_t partial_size(const job *j) {
    return tern__padded((size_t)j->p.items * 2 * sizeof *j->partial);
}

static tern_status prepare(tern__step *step) {
    job j = make_job(step);
    size_t workers = (size_t)step->context->threads * j.scratch_each;
    step->state_size = tern__padded(sizeof *j.divisor);
    step->workspace_size = partial_size(&j) + workers;
    step->backward_workspace_size = workers;
    return TERN_OK;
}

/* value = (1 - e^-L)^gamma L, in place of L; slope, where wanted, its derivative. e: [n] room. */
static void modulate(const job *j, float *value, float *slope, float *e, int64_t n) {
    float gamma = j->a->gamma;
    if (gamma == 0) {
        for (int64_t k = 0; slope && k < n; k++) slope[k] = 1;
        return;
    }
    for (int64_t k = 0; k < n; k++) e[k] = -value[k];
    j->p.kernels->unary(TERN__UNARY_EXP, 0, e, e, n);
    for (int64_t k = 0; k < n; k++) {
        float wrong = 1 - e[k], l = value[k];
        if (wrong < 1e-12f) wrong = 1e-12f;
        float less = gamma == 2 ? wrong : powf(wrong, gamma - 1);
        value[k] = less * wrong * l;
        if (slope) slope[k] = less * wrong + gamma * less * e[k] * l;
    }
}

/* -log of the probability of what is there: class c's for sigmoids. logs: [classes][n] for
 * softmax. */
static void cross_entropy(const job *j, const tern__places_item *i, int64_t c, const float *t,
                          const float *logs, float *l) {
    int64_t n = i->count;
    if (j->p.numbers) {
        const int64_t *numbers = j->p.numbers + i->entry * j->p.size + i->first;
        for (int64_t k = 0; k < n; k++)
            l[k] = numbers[k] == j->p.ignore ? 0 : -logs[numbers[k] * n + k];
        return;
    }
    const float *x = j->p.x + tern__places_class(i, c);
    for (int64_t k = 0; k < n; k++) l[k] = -x[k];
    j->p.kernels->unary(TERN__UNARY_SOFTPLUS, 0, l, l, n);
    for (int64_t k = 0; k < n; k++)
        l[k] = j->a->positive_weight * t[k] * l[k] + (1 - t[k]) * (l[k] + x[k]);
}

/* w a, for sigmoids. */
static float share(const focal *a, float weight, float t) {
    return a->alpha >= 0 ? weight * (a->alpha * t + (1 - a->alpha) * (1 - t)) : weight;
}

/* Scratch of an item. */
typedef struct room {
    float *logs, *w, *t, *l, *slope, *e;
} room;
static room room_of(const job *j, const tern__places_item *i, int worker) {
    float *s = (float *)(void *)(j->scratch + (size_t)worker * j->scratch_each);
    float *w = s + j->p.classes * i->count;
    int64_t n = i->count;
    return (room){s, w, w + n, w + 2 * n, w + 3 * n, w + 4 * n};
}

static void forward_item(void *arg, int64_t number, int worker) {
    const job *j = arg;
    tern__places_item i = tern__places_item_at(&j->p, number);
    room r = room_of(j, &i, worker);
    bool softmax = j->p.numbers != NULL;
    double sum = 0, divisor = 0;
    tern__places_weights(&i, r.w);
    if (softmax) tern__places_probabilities(&i, true, r.logs);
    for (int64_t c = 0; c < (softmax ? 1 : j->p.classes); c++) {
        const float *t = tern__places_target(&i, c, r.t);
        cross_entropy(j, &i, c, t, r.logs, r.l);
        modulate(j, r.l, NULL, r.e, i.count);
        for (int64_t k = 0; k < i.count; k++) {
            if (r.w[k] == 0) continue; /* whatever the target holds there */
            sum += (double)((softmax ? r.w[k] : share(j->a, r.w[k], t[k])) * r.l[k]);
            divisor += (double)r.w[k];
        }
    }
    j->partial[2 * number] = sum;
    j->partial[2 * number + 1] = divisor;
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    tern_status status = tern__places_check(&j.p);
    if (status) return status;
    j.scratch += partial_size(&j);
    tern__parallel(step->context, j.p.items, tern__places_work(&j.p), forward_item, &j);
    double sum = 0, divisor = 0;
    for (int64_t i = 0; i < j.p.items; i++) {
        sum += j.partial[2 * i];
        divisor += j.partial[2 * i + 1];
    }
    if (j.a->reduction.at[0] == 's') divisor = 1;
    *j.divisor = divisor;
    *(float *)step->outputs[0]->data = divisor != 0 ? (float)(sum / divisor) : 0;
    return TERN_OK;
}

/* dx[c] (+)= factor w slope (p[c] - (c is the number)) */
static void backward_softmax(const job *j, const tern__places_item *i, const room *r, bool add) {
    int64_t n = i->count;
    j->p.kernels->unary(TERN__UNARY_EXP, 0, r->logs, r->logs, j->p.classes * n);
    for (int64_t k = 0; k < n; k++) r->slope[k] *= r->w[k] != 0 ? j->factor * r->w[k] : 0;
    for (int64_t c = 0; c < j->p.classes; c++) {
        const float *t = tern__places_target(i, c, r->t), *p = r->logs + c * n;
        float *dx = j->dx + tern__places_class(i, c);
        for (int64_t k = 0; k < n; k++) {
            float value = r->slope[k] * (p[k] - t[k]);
            dx[k] = add ? dx[k] + value : value;
        }
    }
}

/* dL/dx = (1 - t) s - positive_weight t (1 - s) */
static void backward_sigmoid(const job *j, const tern__places_item *i, const room *r, int64_t c,
                             const float *t, bool add) {
    int64_t at = tern__places_class(i, c);
    float *dx = j->dx + at, *s = r->e;
    j->p.kernels->unary(TERN__UNARY_SIGMOID, 0, j->p.x + at, s, i->count);
    for (int64_t k = 0; k < i->count; k++) {
        float to_x = (1 - t[k]) * s[k] - j->a->positive_weight * t[k] * (1 - s[k]);
        float value =
            r->w[k] != 0 ? j->factor * share(j->a, r->w[k], t[k]) * r->slope[k] * to_x : 0;
        dx[k] = add ? dx[k] + value : value;
    }
}

static void backward_item(void *arg, int64_t number, int worker) {
    const job *j = arg;
    tern__places_item i = tern__places_item_at(&j->p, number);
    room r = room_of(j, &i, worker);
    bool softmax = j->p.numbers != NULL, add = j->p.step->accumulate[TERN__PLACES_X];
    tern__places_weights(&i, r.w);
    if (softmax) tern__places_probabilities(&i, true, r.logs);
    for (int64_t c = 0; c < (softmax ? 1 : j->p.classes); c++) {
        const float *t = tern__places_target(&i, c, r.t);
        cross_entropy(j, &i, c, t, r.logs, r.l);
        modulate(j, r.l, r.slope, r.e, i.count);
        if (softmax)
            backward_softmax(j, &i, &r, add);
        else
            backward_sigmoid(j, &i, &r, c, t, add);
    }
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    if (!step->input_grads[TERN__PLACES_X]) return;
    float dy = *(const float *)step->output_grads[0]->data;
    j.factor = *j.divisor != 0 ? (float)(dy / *j.divisor) : 0;
    j.dx = step->input_grads[TERN__PLACES_X]->data;
    tern__parallel(step->context, j.p.items, tern__places_work(&j.p), backward_item, &j);
}

const tern__op tern__op_focal = {
    .name = "Focal", .attribute_size = sizeof(focal), .infer = infer, TERN__PLACES_ROW};
