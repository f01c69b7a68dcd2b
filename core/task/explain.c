/* Gradients of an answer: the network is cut at a layer into two frozen parts; the first runs
 * forward, the second forward and back. Knows plans; draws nothing. */
#include "core/graph/graph.h"
#include "core/graph/model.h"
#include "core/plan/plan_cache.h"
#include "core/plan/session.h"
#include "core/graph/surgery.h"

#include <tern/explain.h>

#include <string.h>

struct tern_explainer {
    tern_context *context;
    tern_model *head;      /* input -> layer; NULL: the layer is the input */
    tern_session *session; /* of head */
    tern_graph *tail;      /* (input,) layer -> logits */
    tern__plan_cache plans;
    bool seeded; /* the logits */
};

/* What usually follows a convolution and belongs to it: normalisation, activation, a skip
 * connection, and what does nothing. */
static bool belongs(const tern__traits *t) {
    return t->locality != TERN__ANYWHERE &&
           (t->normalisation || t->activation || t->adds || t->nothing);
}

/* The node that alone reads a value; -1. */
static int only_reader(const tern_graph *g, int value) {
    int reader = -1;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < g->nodes[i].n_inputs; k++) {
            if (g->nodes[i].inputs[k] != value) continue;
            if (reader >= 0 && reader != (int)i) return -1;
            reader = (int)i;
        }
    return reader;
}

/* The last convolution whose output has more than one place, and what belongs to it. */
static int last_places(const tern_graph *g) {
    int value = -1;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        const tern__shape *s = &g->values[n->outputs[0]].shape;
        bool places = false;
        for (int k = 2; k < s->rank; k++) places |= s->dims[k] != 1;
        /* A 1x1 convolution that makes the logits of every place comes too late to tell channels
         * apart. */
        if (n->op->traits.layer.kind != TERN__FILTERS || !places ||
            (int)i == tern__graph_last_layer(g, tern__graph_logits(g)))
            continue;
        value = n->outputs[0];
    }
    for (int reader; value >= 0 && (reader = only_reader(g, value)) >= 0;) {
        const tern__node *n = &g->nodes[reader];
        if (!belongs(&n->op->traits) || n->outputs[0] == g->outputs[0]) break;
        value = n->outputs[0];
    }
    if (value < 0)
        tern__fail(g->context, TERN_ERR_UNSUPPORTED,
                   "the network has no convolution with places before its last layer; "
                   "name a layer");
    return value;
}

static tern_status find_layer(int *value, const tern_graph *g, const char *layer) {
    if (g->n_inputs != 1 || g->values[g->inputs[0]].shape.type != TERN_FLOAT)
        return tern__fail(g->context, TERN_ERR_UNSUPPORTED,
                          "the network has %zu inputs; one of floats can be explained%s",
                          g->n_inputs, g->n_inputs == 1 ? ", this one is of whole numbers" : "");
    *value = !layer ? last_places(g) : !*layer ? g->inputs[0] : tern__graph_layer(g, layer);
    return *value >= 0 ? TERN_OK : layer ? TERN_ERR_ARGUMENT : TERN_ERR_UNSUPPORTED;
}

/* Whether the logits depend on the layer: it is an input of the tail that some node reads. */
static tern_status check_tail(const tern_graph *tail, const char *layer) {
    const int input = tail->inputs[tail->n_inputs - 1];
    for (size_t i = 0; i < tail->n_nodes; i++)
        for (int k = 0; k < tail->nodes[i].n_inputs; k++)
            if (tail->nodes[i].inputs[k] == input) return TERN_OK;
    return tern__fail(tail->context, TERN_ERR_ARGUMENT,
                      "the network's answer does not depend on '%s'",
                      layer ? layer : "its last convolution");
}

static tern_status cut(tern_explainer *e, const tern_graph *g, const char *layer) {
    int value = -1;
    tern_graph *head = NULL;
    tern_status st = find_layer(&value, g, layer);
    if (st != TERN_OK) return st;
    bool *frozen = tern__alloc(e->context, g->n_nodes * sizeof *frozen);
    if (!frozen) return TERN_ERR_MEMORY;
    memset(frozen, true, g->n_nodes * sizeof *frozen);
    tern__surgery s = {.from = g,
                       .output = tern__graph_logits(g),
                       .output_name = "logits",
                       .input = value,
                       .frozen = frozen,
                       .last = -1};
    st = tern__graph_operate(&e->tail, &s);
    if (st == TERN_OK) st = check_tail(e->tail, layer);
    if (st == TERN_OK && value != g->inputs[0]) {
        s.output = value;
        s.output_name = "layer";
        s.input = -1;
        st = tern__graph_operate(&head, &s);
        if (st == TERN_OK) st = tern__model_take(&e->head, head);
        if (st == TERN_OK) st = tern__session_create(&e->session, e->head, e->context);
    }
    tern__free(e->context, frozen);
    return st;
}

static tern_status create(tern_explainer **explainer, const tern_graph *network,
                          const char *layer) {
    tern_context *c = network->context;
    *explainer = NULL;
    tern_explainer *e = tern__calloc(c, 1, sizeof *e);
    if (!e) return TERN_ERR_MEMORY;
    e->context = c;
    e->seeded = true;
    tern_status st = cut(e, network, layer);
    if (st != TERN_OK) {
        tern_explainer_free(e);
        return st;
    }
    e->plans = (tern__plan_cache){
        .graph = e->tail,
        .options = {.training = true, .seeded = &e->seeded, .input_gradients = true}};
    *explainer = e;
    return TERN_OK;
}

tern_status tern_explainer_create(tern_explainer **explainer, const tern_model *model,
                                  const char *layer) {
    return create(explainer, model->graph, layer);
}

tern_status tern__session_explainer(tern_explainer **explainer, const tern_session *session,
                                    const char *layer) {
    return create(explainer, tern__session_graph(session), layer);
}

void tern_explainer_free(tern_explainer *e) {
    if (!e) return;
    tern__plan_cache_clear(&e->plans);
    tern_session_free(e->session);
    tern_model_free(e->head);
    tern_graph_free(e->tail);
    tern__free(e->context, e);
}

static tern_tensor view(const tern__tensor *t) {
    tern_tensor v = {.type = t->type, .rank = t->rank, .data = t->data};
    memcpy(v.dims, t->dims, sizeof v.dims);
    return v;
}

/* Seeds the gradient with 1 at all places of the answer, and runs back. */
static tern_status go_back(tern__plan *plan, tern_context *c, int64_t *answer) {
    const tern__tensor *y = tern__plan_output(plan, 0);
    const int64_t classes = y->rank > 1 ? y->dims[1] : y->count;
    const int64_t places = classes ? y->count / classes : 0;
    const float *logits = y->data;
    if (!places || *answer >= classes)
        return tern__fail(c, TERN_ERR_ARGUMENT, "answer %lld; the network gives %lld",
                          (long long)*answer, (long long)classes);
    if (*answer < 0) { /* the greatest sum over the places */
        double best = 0;
        for (int64_t k = 0; k < classes; k++) {
            double sum = 0;
            for (int64_t i = 0; i < places; i++) sum += logits[k * places + i];
            if (k == 0 || sum > best) best = sum, *answer = k;
        }
    }
    float *seed = tern__plan_output_gradient(plan, 0);
    if (!seed || y->type != TERN_FLOAT)
        return tern__fail(c, TERN_ERR_UNSUPPORTED, "the network's answer has no gradient");
    for (int64_t i = 0; i < y->count; i++) seed[i] = i / places == *answer;
    tern__plan_backward(plan);
    return TERN_OK;
}

tern_status tern_explainer_run(tern_explainer *e, const tern_tensor *input, int64_t answer,
                               tern_explanation *explanation) {
    tern_context *c = e->context;
    tern_tensor inputs[2] = {*input, *input};
    tern__plan *plan;
    bool made;
    if (input->rank < 1 || input->dims[0] != 1)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "one sample is explained at a time; the input's first dimension is %lld",
                          (long long)(input->rank ? input->dims[0] : 0));
    tern_tensor *layer = &inputs[e->tail->n_inputs - 1];
    tern_status st = TERN_OK;
    if (e->session && (st = tern_session_run(e->session, input, 1, layer, 1)) != TERN_OK)
        return tern__fail(c, st, "%s", tern_session_message(e->session));
    st = tern__plan_cache_get(&e->plans, inputs, &plan, &made);
    if (st == TERN_OK) st = tern__plan_forward(plan, inputs, 0, 0);
    if (st == TERN_OK) st = go_back(plan, c, &answer);
    if (st != TERN_OK) return st;
    const tern__tensor *gradient = tern__plan_input_gradient(plan, (int)e->tail->n_inputs - 1);
    if (!gradient)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "no gradient reaches the layer: an operator on the way has none");
    *explanation =
        (tern_explanation){answer, view(tern__plan_output(plan, 0)), *layer, view(gradient)};
    return TERN_OK;
}

void tern_grad_cam(const tern_explanation *x, float *map) {
    const int64_t channels = x->layer.rank > 1 ? x->layer.dims[1] : 1;
    int64_t places = 1;
    float greatest = 0;
    for (int i = 2; i < x->layer.rank; i++) places *= x->layer.dims[i];
    const float *a = x->layer.data, *g = x->gradient.data;
    memset(map, 0, (size_t)places * sizeof *map);
    for (int64_t k = 0; k < channels; k++) {
        double mean = 0;
        for (int64_t i = 0; i < places; i++) mean += g[k * places + i];
        const float weight = (float)(mean / (double)places);
        for (int64_t i = 0; i < places; i++) map[i] += weight * a[k * places + i];
    }
    for (int64_t i = 0; i < places; i++) {
        if (!(map[i] > 0)) map[i] = 0;
        if (map[i] > greatest) greatest = map[i];
    }
    for (int64_t i = 0; greatest > 0 && i < places; i++) map[i] /= greatest;
}
