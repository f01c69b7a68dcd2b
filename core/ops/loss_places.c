/* See loss_places.h. */
#include "loss_places.h"

tern_status tern__places_infer(tern__infer *in) {
    const tern__shape *x = in->inputs[TERN__PLACES_X], *t = in->inputs[TERN__PLACES_TARGET];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    tern_status status = tern__infer_type(in, TERN__PLACES_X, TERN_FLOAT);
    if (status) return status;
    tern__shape_text(x, text, sizeof text);
    if (x->rank < 2)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "logits %s must be [N, C, ...]", text);
    tern__shape numbers = *x, weights = *x;
    numbers.type = TERN_INT64;
    numbers.rank--;
    memmove(numbers.dims + 1, x->dims + 2, (size_t)(x->rank - 2) * sizeof *x->dims);
    weights.dims[1] = 1;
    if (!tern__shape_fits(t, t->type == TERN_INT64 ? &numbers : x))
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "target %s does not fit logits %s: class numbers are [N, ...], "
                                "other targets of the logits' shape",
                                tern__shape_text(t, other, sizeof other), text);
    if (in->n_inputs > TERN__PLACES_WEIGHTS && in->inputs[TERN__PLACES_WEIGHTS] &&
        !tern__shape_fits(in->inputs[TERN__PLACES_WEIGHTS], &weights))
        return tern__infer_fail(
            in, TERN_ERR_SHAPE, "weights %s do not fit logits %s: they are [N, 1, ...]",
            tern__shape_text(in->inputs[TERN__PLACES_WEIGHTS], other, sizeof other), text);
    in->outputs[0] = (tern__shape){.type = TERN_FLOAT};
    return TERN_OK;
}

tern__places tern__places_make(const tern__step *step, int64_t ignore) {
    const tern__tensor *x = step->inputs[TERN__PLACES_X], *t = step->inputs[TERN__PLACES_TARGET];
    bool weighted =
        step->n_inputs > TERN__PLACES_WEIGHTS && step->inputs[TERN__PLACES_WEIGHTS] != NULL;
    tern__places p = {
        .step = step, .kernels = tern__vector(step->context), .x = x->data, .ignore = ignore};
    if (t->type == TERN_INT64)
        p.numbers = t->data;
    else
        p.target = t->data;
    if (weighted) p.weights = step->inputs[TERN__PLACES_WEIGHTS]->data;
    p.batch = x->dims[0];
    p.classes = x->dims[1];
    p.size = x->count / (p.batch * p.classes);
    if (p.classes == 1) { /* one row of places */
        p.size *= p.batch;
        p.batch = 1;
    }
    p.block = p.classes < TERN__BLOCK ? TERN__BLOCK / p.classes : 1;
    p.blocks = (p.size + p.block - 1) / p.block;
    p.items = p.batch * p.blocks;
    return p;
}

tern_status tern__places_check(const tern__places *p) {
    for (int64_t i = 0; p->numbers && i < p->batch * p->size; i++) {
        int64_t number = p->numbers[i];
        if ((number < 0 || number >= p->classes) && number != p->ignore)
            return tern__fail(p->step->context, TERN_ERR_ARGUMENT,
                              "%s '%s': target %lld at position %lld is not a class number 0..%lld",
                              p->step->op->name, p->step->name, (long long)number, (long long)i,
                              (long long)p->classes - 1);
    }
    return TERN_OK;
}

tern__places_item tern__places_item_at(const tern__places *p, int64_t number) {
    tern__places_item i = {p, number / p->blocks, number % p->blocks * p->block, p->block};
    if (i.first + i.count > p->size) i.count = p->size - i.first;
    return i;
}

void tern__places_weights(const tern__places_item *i, float *weights) {
    const tern__places *p = i->p;
    int64_t at = i->entry * p->size + i->first;
    for (int64_t k = 0; k < i->count; k++) {
        bool counts = !p->numbers || p->numbers[at + k] != p->ignore;
        weights[k] = counts ? p->weights ? p->weights[at + k] : 1 : 0;
    }
}

const float *tern__places_target(const tern__places_item *i, int64_t c, float *buffer) {
    const tern__places *p = i->p;
    if (!p->numbers) return p->target + tern__places_class(i, c);
    const int64_t *numbers = p->numbers + i->entry * p->size + i->first;
    for (int64_t k = 0; k < i->count; k++) buffer[k] = numbers[k] == c ? 1.0f : 0.0f;
    return buffer;
}

void tern__places_probabilities(const tern__places_item *i, bool logarithm, float *y) {
    const tern__places *p = i->p;
    int64_t n = i->count;
    for (int64_t c = 0; c < p->classes; c++) {
        const float *x = p->x + tern__places_class(i, c);
        if (p->numbers)
            memcpy(y + c * n, x, (size_t)n * sizeof *y);
        else
            p->kernels->unary(TERN__UNARY_SIGMOID, 0, x, y + c * n, n);
    }
    if (p->numbers) p->kernels->softmax_columns(y, p->classes, n, n, logarithm, y);
}

void tern__places_gradient(const tern__places_item *i, const float *p, const float *g, float *dots,
                           float *dx, bool add) {
    int64_t n = i->count, classes = i->p->classes;
    bool softmax = i->p->numbers != NULL;
    memset(dots, 0, (size_t)n * sizeof *dots);
    for (int64_t c = 0; softmax && c < classes; c++)
        for (int64_t k = 0; k < n; k++) dots[k] += p[c * n + k] * g[c * n + k];
    for (int64_t c = 0; c < classes; c++, p += n, g += n) {
        float *to = dx + tern__places_class(i, c);
        for (int64_t k = 0; k < n; k++) {
            float value = softmax ? p[k] * (g[k] - dots[k]) : p[k] * (1 - p[k]) * g[k];
            to[k] = add ? to[k] + value : value;
        }
    }
}
