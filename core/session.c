/* Sessions: an inference plan per input shape, the last few kept. A session has a context of its own (a copy of
 * the model's with its own error sentence), so that sessions on several threads never meet. */
#include "model.h"
#include "plan.h"
#include "session.h"

#include <string.h>

enum { PLANS = 4, MAX_INPUTS = 16 };

typedef struct kept_plan {
    tern__plan *plan;
    tern__shape shapes[MAX_INPUTS];
    uint64_t used; /* when, for dropping the one unused longest */
} kept_plan;

struct tern_session {
    tern_context context;
    const tern_model *model;
    tern_graph graph; /* the model's, seen through the session's context; owns nothing */
    kept_plan plans[PLANS];
    kept_plan *last;
    uint64_t clock;
    size_t limit; /* bytes of a plan; 0: any */
    void *attachment; /* session.h */
    void (*release)(tern_context *context, void *attachment);
};

tern_status tern_session_create(tern_session **session, const tern_model *model) {
    *session = NULL;
    tern_context *c = model->context;
    if (model->graph->n_inputs > MAX_INPUTS)
        return tern__fail(c, TERN_ERR_LIMIT, "the network has %zu inputs, a session takes %d at most",
                          model->graph->n_inputs, MAX_INPUTS);
    tern_session *s = tern__calloc(c, 1, sizeof *s);
    if (!s) return TERN_ERR_MEMORY;
    s->context = *c;
    s->context.status = TERN_OK;
    s->context.message[0] = 0;
    s->model = model;
    s->graph = *model->graph;
    s->graph.context = &s->context;
    *session = s;
    return TERN_OK;
}

void tern_session_free(tern_session *s) {
    if (!s) return;
    if (s->attachment) s->release(&s->context, s->attachment);
    for (int i = 0; i < PLANS; i++) tern__plan_free(s->plans[i].plan);
    tern__free(s->model->context, s);
}

static bool same_shapes(const kept_plan *k, const tern_tensor *inputs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const tern__shape *s = &k->shapes[i];
        if (s->type != inputs[i].type || s->rank != inputs[i].rank) return false;
        if (memcmp(s->dims, inputs[i].dims, (size_t)s->rank * sizeof *s->dims) != 0) return false;
    }
    return true;
}

static tern_status check_inputs(tern_session *s, const tern_tensor *inputs, size_t count) {
    if (count != s->graph.n_inputs)
        return tern__fail(&s->context, TERN_ERR_ARGUMENT, "%zu inputs were given, the network has %zu",
                          count, s->graph.n_inputs);
    for (size_t i = 0; i < count; i++)
        if (inputs[i].rank < 0 || inputs[i].rank > TERN_MAX_RANK)
            return tern__fail(&s->context, TERN_ERR_ARGUMENT, "input %zu has rank %d; 0 to %d is allowed",
                              i, inputs[i].rank, TERN_MAX_RANK);
    return TERN_OK;
}

tern_status tern_session_prepare(tern_session *s, const tern_tensor *inputs, size_t count) {
    tern_status st = check_inputs(s, inputs, count);
    if (st) return st;
    kept_plan *oldest = &s->plans[0];
    for (int i = 0; i < PLANS; i++) {
        kept_plan *k = &s->plans[i];
        if (k->plan && same_shapes(k, inputs, count)) {
            k->used = ++s->clock;
            s->last = k;
            return TERN_OK;
        }
        if (!k->plan || (oldest->plan && k->used < oldest->used)) oldest = k;
    }
    tern__shape shapes[MAX_INPUTS];
    for (size_t i = 0; i < count; i++) {
        shapes[i] = (tern__shape){.type = inputs[i].type, .rank = inputs[i].rank};
        memcpy(shapes[i].dims, inputs[i].dims, sizeof shapes[i].dims);
    }
    tern__plan *plan;
    if ((st = tern__plan_create(&plan, &s->graph, shapes, &(tern__plan_options){.limit = s->limit})))
        return st;
    tern__plan_free(oldest->plan);
    oldest->plan = plan;
    memcpy(oldest->shapes, shapes, sizeof shapes);
    oldest->used = ++s->clock;
    s->last = oldest;
    return TERN_OK;
}

static tern_tensor output_of(const tern_session *s, size_t i) {
    const tern__tensor *t = tern__plan_output(s->last->plan, (int)i);
    tern_tensor y = {.type = t->type, .rank = t->rank, .data = t->data};
    memcpy(y.dims, t->dims, sizeof y.dims);
    return y;
}

tern_status tern_session_run(tern_session *s, const tern_tensor *inputs, size_t n_inputs,
                             tern_tensor *outputs, size_t n_outputs) {
    if (n_outputs > s->graph.n_outputs)
        return tern__fail(&s->context, TERN_ERR_ARGUMENT, "%zu outputs are wanted, the network has %zu",
                          n_outputs, s->graph.n_outputs);
    tern_status st = tern_session_prepare(s, inputs, n_inputs);
    if (!st) st = tern__plan_forward(s->last->plan, inputs, 0, 0);
    for (size_t i = 0; !st && i < n_outputs; i++) outputs[i] = output_of(s, i);
    return st;
}

tern_tensor tern__session_output(const tern_session *s) {
    tern_tensor y = output_of(s, 0);
    y.data = NULL;
    return y;
}

tern_status tern__session_expect(tern_session *s, const tern_tensor *y, int rank,
                                 const int64_t *dims) {
    char got[TERN__SHAPE_TEXT], wanted[TERN__SHAPE_TEXT];
    tern__shape shape = {.type = y->type, .rank = y->rank}, want = {.type = TERN_FLOAT, .rank = rank};
    memcpy(shape.dims, y->dims, sizeof shape.dims);
    memcpy(want.dims, dims, (size_t)rank * sizeof *dims);
    if (y->type == TERN_FLOAT && tern__shape_fits(&shape, &want)) return TERN_OK;
    return tern__fail(&s->context, TERN_ERR_SHAPE,
                      "the network gives %s%s where %s is needed: the model file is damaged, or its "
                      "network does not fit its metadata",
                      tern__shape_text(&shape, got, sizeof got),
                      y->type == TERN_FLOAT ? "" : " of whole numbers",
                      tern__shape_text(&want, wanted, sizeof wanted));
}

void tern__session_set_limit(tern_session *s, size_t bytes) { s->limit = bytes; }

const char *tern_session_message(const tern_session *s) { return s->context.message; }

const tern_model *tern_session_model(const tern_session *s) { return s->model; }

size_t tern_session_memory(const tern_session *s) {
    return s->last ? tern__plan_memory(s->last->plan) : 0;
}

tern_context *tern__session_context(tern_session *s) { return &s->context; }

tern_context *tern__session_model_context(const tern_session *s) { return s->model->context; }

void *tern__session_attachment(const tern_session *s) { return s->attachment; }

void tern__session_attach(tern_session *s, void *attachment,
                          void (*release)(tern_context *context, void *attachment)) {
    if (s->attachment) s->release(&s->context, s->attachment);
    s->attachment = attachment;
    s->release = release;
}
