/* Sessions: an inference plan per input shape, the last few kept. A session has a context of its
 * own (a copy of the model's with its own error sentence), so that sessions on several threads
 * never meet. */
#include "session.h"
#include "core/graph/model.h"
#include "plan_cache.h"

#include <stdatomic.h>
#include <string.h>

enum { PLANS = 4 };

typedef struct kept_plan {
    tern__plan *plan;
    tern__shape *shapes; /* [inputs] */
    uint64_t used;       /* when, for dropping the one unused longest */
} kept_plan;

typedef struct attached {
    struct attached *next;
    const tern__attachment_type *type;
    max_align_t content[];
} attached;

typedef struct shared_context {
    tern_context context; /* first: what the others see of it */
    atomic_int holders;   /* the session, and what outlives it */
} shared_context;

struct tern_session {
    shared_context *own;
    const tern_model *model;
    tern_graph graph; /* the model's, seen through the session's context; owns nothing */
    kept_plan plans[PLANS];
    kept_plan *last;
    tern__shape *shapes; /* [PLANS + 1][inputs]: of each plan, and of one that is being made, */
    tern__shape *wanted; /* which changes places with the one that it takes over from */
    uint64_t clock;
    size_t limit;       /* bytes of a plan; 0: any */
    attached *attached; /* one a type */
};

void tern__session_context_let_go(tern_context *held) {
    shared_context *shared = (shared_context *)held;
    if (!shared || atomic_fetch_sub(&shared->holders, 1) > 1) return;
    tern_context last = shared->context; /* which frees itself */
    tern__free(&last, shared);
}

tern_context *tern__session_context_hold(tern_session *s) {
    atomic_fetch_add(&s->own->holders, 1);
    return &s->own->context;
}

/* Writes nothing that another thread may read: what fails, fails in a context of the stack. */
tern_status tern_session_create(tern_session **session, const tern_model *model) {
    *session = NULL;
    tern_context c = *model->context;
    const size_t inputs = model->graph->n_inputs;
    c.status = TERN_OK;
    c.message[0] = 0;
    shared_context *own = tern__calloc(&c, 1, sizeof *own);
    tern_session *s = tern__calloc(&c, 1, sizeof *s);
    tern__shape *shapes = tern__calloc(&c, (PLANS + 1) * inputs, sizeof *shapes);
    if (!own || !s || !shapes) {
        tern__free(&c, shapes);
        tern__free(&c, s);
        tern__free(&c, own);
        return TERN_ERR_MEMORY;
    }
    own->context = c;
    atomic_init(&own->holders, 1);
    s->own = own;
    s->model = model;
    s->graph = *model->graph;
    s->graph.context = &own->context;
    for (size_t i = 0; i < PLANS; i++) s->plans[i].shapes = shapes + (i + 1) * inputs;
    s->shapes = s->wanted = shapes;
    *session = s;
    return TERN_OK;
}

tern_status tern__session_create(tern_session **session, const tern_model *model, tern_context *c) {
    const tern_status st = tern_session_create(session, model);
    return st == TERN_OK ? st : tern__fail(c, st, "%s", tern_session_message(NULL));
}

void tern_session_free(tern_session *s) {
    if (!s) return;
    tern_context *c = &s->own->context;
    while (s->attached) {
        attached *a = s->attached;
        s->attached = a->next;
        a->type->release(a->content, c);
        tern__free(c, a);
    }
    for (int i = 0; i < PLANS; i++) tern__plan_free(s->plans[i].plan);
    tern__free(c, s->shapes);
    tern__free(c, s);
    tern__session_context_let_go(c);
}

static tern_status check_inputs(tern_session *s, const tern_tensor *inputs, size_t count) {
    tern_context *c = &s->own->context;
    if (count != s->graph.n_inputs)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%zu inputs were given, the network has %zu", count,
                          s->graph.n_inputs);
    for (size_t i = 0; i < count; i++)
        if (inputs[i].rank < 0 || inputs[i].rank > TERN_MAX_RANK)
            return tern__fail(c, TERN_ERR_ARGUMENT, "input %zu has rank %d; 0 to %d is allowed", i,
                              inputs[i].rank, TERN_MAX_RANK);
    return TERN_OK;
}

tern_status tern_session_prepare(tern_session *s, const tern_tensor *inputs, size_t count) {
    tern_status st = check_inputs(s, inputs, count);
    if (st) return st;
    kept_plan *oldest = &s->plans[0];
    for (int i = 0; i < PLANS; i++) {
        kept_plan *k = &s->plans[i];
        if (k->plan && tern__inputs_have(k->shapes, inputs, count)) {
            k->used = ++s->clock;
            s->last = k;
            return TERN_OK;
        }
        if (!k->plan || (oldest->plan && k->used < oldest->used)) oldest = k;
    }
    tern__shape *shapes = s->wanted;
    tern__inputs_shapes(shapes, inputs, count);
    tern__plan *plan;
    if ((st =
             tern__plan_create(&plan, &s->graph, shapes, &(tern__plan_options){.limit = s->limit})))
        return st;
    tern__plan_free(oldest->plan);
    oldest->plan = plan;
    s->wanted = oldest->shapes;
    oldest->shapes = shapes;
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
        return tern__fail(&s->own->context, TERN_ERR_ARGUMENT,
                          "%zu outputs are wanted, the network has %zu", n_outputs,
                          s->graph.n_outputs);
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
    tern__shape shape = {.type = y->type, .rank = y->rank},
                want = {.type = TERN_FLOAT, .rank = rank};
    memcpy(shape.dims, y->dims, sizeof shape.dims);
    memcpy(want.dims, dims, (size_t)rank * sizeof *dims);
    if (y->type == TERN_FLOAT && tern__shape_fits(&shape, &want)) return TERN_OK;
    return tern__fail(
        &s->own->context, TERN_ERR_SHAPE,
        "the network gives %s%s where %s is needed: the model file is damaged, or its "
        "network does not fit its metadata",
        tern__shape_text(&shape, got, sizeof got), y->type == TERN_FLOAT ? "" : " of whole numbers",
        tern__shape_text(&want, wanted, sizeof wanted));
}

void tern__session_set_limit(tern_session *s, size_t bytes) { s->limit = bytes; }

const char *tern_session_message(const tern_session *s) {
    return s ? s->own->context.message : "there was no memory for a session";
}

const tern_model *tern_session_model(const tern_session *s) { return s->model; }

size_t tern_session_memory(const tern_session *s) {
    return s->last ? tern__plan_memory(s->last->plan) : 0;
}

tern_context *tern__session_context(tern_session *s) { return &s->own->context; }

const tern_graph *tern__session_graph(const tern_session *s) { return &s->graph; }

/* ---- attachments ---- */

tern_status tern__session_attachment(void **attachment, tern_session *s,
                                     const tern__attachment_type *type) {
    tern_context *c = &s->own->context;
    attached *a = s->attached;
    while (a && a->type != type) a = a->next;
    *attachment = a ? a->content : NULL;
    if (a) return TERN_OK;
    if (!(a = tern__calloc(c, 1, sizeof *a + type->size))) return TERN_ERR_MEMORY;
    const tern_status st = type->make(a->content, s);
    if (st != TERN_OK) {
        type->release(a->content, c);
        tern__free(c, a);
        return st;
    }
    a->type = type;
    a->next = s->attached;
    s->attached = a;
    *attachment = a->content;
    return TERN_OK;
}
