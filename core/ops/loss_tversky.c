/* Tversky, a training loss in tern's own domain: overlap of regions (Salehi et al. 2017; gamma:
 * Abraham & Khan 2019). Sums over all places of the batch, w their weights, t the target, p the
 * probability of class c:
 *   TP = sum w p t, FP = sum w p (1 - t), FN = sum w (1 - p) t,
 *   score[c] = (TP + smooth) / max(TP + alpha FP + beta FN + smooth, 1e-7),
 *   loss = (mean over c of (1 - score[c], or 0 where the target has nothing of c))^gamma.
 * With alpha = beta = 1/2 it is Dice's, 1 - 2 TP / (2 TP + FP + FN); for a smooth term s there use
 * s / 2. The definitions are segmentation_models.pytorch's. See loss_places.h for inputs.
 * Gradient: logits. */
#include "loss_places.h"

#include <math.h>

typedef struct tversky {
    float alpha, beta, gamma, smooth;
    int64_t ignore_index;
} tversky;

static const tern__attribute attributes[] = {
    TERN__A_FLOAT(tversky, alpha, 0.5f),      TERN__A_FLOAT(tversky, beta, 0.5f),
    TERN__A_FLOAT(tversky, gamma, 1),         TERN__A_FLOAT(tversky, smooth, 0),
    TERN__A_INT(tversky, ignore_index, -100), {0}};

static tern_status infer(tern__infer *in) {
    const tversky *a = in->attributes;
    if (!(a->alpha >= 0 && a->beta >= 0 && a->gamma > 0 && a->smooth >= 0))
        return tern__infer_fail(in, TERN_ERR_ARGUMENT,
                                "alpha %g, beta %g and smooth %g must not be negative, gamma %g "
                                "must be positive",
                                (double)a->alpha, (double)a->beta, (double)a->smooth,
                                (double)a->gamma);
    return tern__places_infer(in);
}

enum { OVERLAP, PREDICTED, TRUE, SUMS }; /* sum w p t, sum w p, sum w t */

typedef struct job {
    tern__places p;
    const tversky *a;
    double *slopes;  /* state: [classes][2], d loss / d OVERLAP and PREDICTED */
    double *partial; /* [items][classes][SUMS] */
    char *scratch;   /* per worker */
    size_t scratch_each;
    float *dx, factor;
} job;

static job make_job(const tern__step *step) {
    const tversky *a = step->attributes;
    job j = {.p = tern__places_make(step, a->ignore_index), .a = a};
    size_t floats = (size_t)((2 * j.p.classes + 3) * j.p.block);
    j.slopes = step->state;
    j.partial = step->workspace;
    j.scratch = step->workspace;
    j.scratch_each = tern__padded(floats * sizeof(float));
    return j;
}

static size_t partial_size(const job *j) {
    return tern__padded((size_t)(j->p.items * j->p.classes) * SUMS * sizeof *j->partial);
}

static tern_status prepare(tern__step *step) {
    job j = make_job(step);
    size_t workers = (size_t)step->context->threads * j.scratch_each;
    step->state_size = tern__padded((size_t)j.p.classes * 2 * sizeof *j.slopes);
    step->workspace_size = partial_size(&j) + workers;
    step->backward_workspace_size = workers;
    return TERN_OK;
}

static float *scratch_of(const job *j, int worker) {
    return (float *)(void *)(j->scratch + (size_t)worker * j->scratch_each);
}

static void forward_item(void *arg, int64_t number, int worker) {
    const job *j = arg;
    tern__places_item i = tern__places_item_at(&j->p, number);
    int64_t classes = j->p.classes, n = i.count;
    float *p = scratch_of(j, worker), *w = p + classes * n, *buffer = w + n;
    tern__places_probabilities(&i, false, p);
    tern__places_weights(&i, w);
    for (int64_t c = 0; c < classes; c++, p += n) {
        const float *t = tern__places_target(&i, c, buffer);
        double *sum = j->partial + (number * classes + c) * SUMS;
        sum[OVERLAP] = sum[PREDICTED] = sum[TRUE] = 0;
        for (int64_t k = 0; k < n; k++) {
            if (w[k] == 0) continue; /* whatever the target holds there */
            sum[OVERLAP] += (double)(w[k] * p[k] * t[k]);
            sum[PREDICTED] += (double)(w[k] * p[k]);
            sum[TRUE] += (double)(w[k] * t[k]);
        }
    }
}

/* 1 - score of a class and its derivatives. */
static double class_loss(const tversky *a, const double sum[SUMS], double slope[2]) {
    slope[0] = slope[1] = 0;
    if (!(sum[TRUE] > 0)) return 0;
    double shared = 1 - (double)a->alpha - (double)a->beta, top = sum[OVERLAP] + (double)a->smooth;
    double below = shared * sum[OVERLAP] + (double)a->alpha * sum[PREDICTED] +
                   (double)a->beta * sum[TRUE] + (double)a->smooth;
    if (below < 1e-7) below = 1e-7;
    slope[0] = -(below - top * shared) / (below * below);
    slope[1] = top * (double)a->alpha / (below * below);
    return 1 - top / below;
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    tern_status status = tern__places_check(&j.p);
    if (status) return status;
    j.scratch += partial_size(&j);
    tern__parallel(step->context, j.p.items, tern__places_work(&j.p), forward_item, &j);
    double loss = 0, classes = (double)j.p.classes, gamma = (double)j.a->gamma;
    for (int64_t c = 0; c < j.p.classes; c++) {
        double sum[SUMS] = {0};
        for (int64_t i = 0; i < j.p.items; i++)
            for (int k = 0; k < SUMS; k++) sum[k] += j.partial[(i * j.p.classes + c) * SUMS + k];
        loss += class_loss(j.a, sum, j.slopes + 2 * c) / classes;
    }
    double power = loss > 0 ? pow(loss, gamma) : 0;
    double outer = loss > 0 ? gamma * power / loss / classes : 0;
    for (int64_t c = 0; c < 2 * j.p.classes; c++) j.slopes[c] *= outer;
    *(float *)step->outputs[0]->data = (float)power;
    return TERN_OK;
}

static void backward_item(void *arg, int64_t number, int worker) {
    const job *j = arg;
    tern__places_item i = tern__places_item_at(&j->p, number);
    int64_t classes = j->p.classes, n = i.count;
    float *p = scratch_of(j, worker), *g = p + classes * n, *w = g + classes * n, *buffer = w + n;
    tern__places_probabilities(&i, false, p);
    tern__places_weights(&i, w);
    for (int64_t c = 0; c < classes; c++) {
        const float *t = tern__places_target(&i, c, buffer);
        float overlap = (float)(j->factor * j->slopes[2 * c]);
        float predicted = (float)(j->factor * j->slopes[2 * c + 1]);
        for (int64_t k = 0; k < n; k++)
            g[c * n + k] = w[k] != 0 ? w[k] * (overlap * t[k] + predicted) : 0;
    }
    tern__places_gradient(&i, p, g, buffer + n, j->dx, j->p.step->accumulate[TERN__PLACES_X]);
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    if (!step->input_grads[TERN__PLACES_X]) return;
    j.factor = *(const float *)step->output_grads[0]->data;
    j.dx = step->input_grads[TERN__PLACES_X]->data;
    tern__parallel(step->context, j.p.items, tern__places_work(&j.p), backward_item, &j);
}

const tern__op tern__op_tversky = {
    .name = "Tversky", .attribute_size = sizeof(tversky), .infer = infer, TERN__PLACES_ROW};
