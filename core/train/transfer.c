/* Transfer learning, layers as vectors, distances: what a program says, in terms of surgery.c's
 * parts. */
#include "dataset.h"
#include "core/graph/model.h"
#include "core/base/npy.h"
#include "core/plan/session.h"
#include "core/graph/surgery.h"

#include <tern/transfer.h>

#include <math.h>
#include <string.h>

/* ---- transfer ---- */

/* Which nodes are frozen: the ancestors of the layer that is named. */
static tern_status freeze(bool *frozen, const tern_graph *g, const char *until, int last,
                          int output) {
    const bool but_last = !strcmp(until, "all-but-last");
    const int value = but_last ? g->nodes[last].inputs[0] : tern__graph_layer(g, until);
    if (value < 0) return TERN_ERR_ARGUMENT;
    tern__graph_ancestors(g, value, -1, frozen);
    if (!frozen[last]) return TERN_OK;
    return tern__fail(g->context, TERN_ERR_ARGUMENT,
                      "frozen until '%s' nothing would be left to train: the last layer "
                      "of weights is '%s', and the output '%s'",
                      until, g->nodes[last].name, g->values[output].name);
}

static tern_status check_new_layer(const tern_graph *g, const tern__node *n, int64_t classes) {
    const int64_t *group = tern__attribute_at(n->op, n->attributes, "group");
    if (classes < 0 || classes > 1 << 24)
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "a last layer of %lld classes",
                          (long long)classes);
    if (group && *group > 1)
        return tern__fail(g->context, TERN_ERR_UNSUPPORTED,
                          "the last layer, %s '%s', has %lld groups and cannot be "
                          "replaced",
                          n->op->name, n->name, (long long)*group);
    return TERN_OK;
}

tern_status tern_transfer(tern_graph **graph, const tern_graph *g, const tern_transfer_options *o) {
    const tern_transfer_options defaults = TERN_TRANSFER_OPTIONS_INIT;
    tern_context *c = g->context;
    *graph = NULL;
    if (!o) o = &defaults;
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "transfer options of size %zu, expected %zu: start from "
                          "TERN_TRANSFER_OPTIONS_INIT",
                          o->size, sizeof *o);
    tern_status st = tern_graph_check(g);
    if (st != TERN_OK) return st;
    if (!g->n_outputs) return tern__fail(c, TERN_ERR_ARGUMENT, "the network has no output");
    const int output = tern__graph_logits(g), last = tern__graph_last_layer(g, output);
    if (last < 0) return TERN_ERR_UNSUPPORTED;
    if ((st = check_new_layer(g, &g->nodes[last], o->classes)) != TERN_OK) return st;
    bool *frozen = tern__calloc(c, g->n_nodes, sizeof *frozen);
    if (!frozen) return TERN_ERR_MEMORY;
    if (o->freeze_until) st = freeze(frozen, g, o->freeze_until, last, output);
    if (st == TERN_OK)
        st = tern__graph_operate(graph,
                                 &(tern__surgery){.from = g,
                                                  .output = output,
                                                  .output_name = g->values[g->outputs[0]].name,
                                                  .input = -1,
                                                  .frozen = frozen,
                                                  .last = o->classes ? last : -1,
                                                  .classes = o->classes,
                                                  .seed = o->seed});
    tern__free(c, frozen);
    return st;
}

/* ---- a layer's output ---- */

tern_status tern_model_cut(tern_model **cut, const tern_model *model, const char *layer) {
    const tern_graph *g = model->graph;
    tern_graph *part;
    *cut = NULL;
    int value;
    if (layer) {
        value = tern__graph_layer(g, layer);
        if (value < 0) return TERN_ERR_ARGUMENT;
    } else {
        const int last = tern__graph_last_layer(g, tern__graph_logits(g));
        if (last < 0) return TERN_ERR_UNSUPPORTED;
        value = g->nodes[last].inputs[0];
    }
    tern_status st = tern__graph_operate(
        &part,
        &(tern__surgery){
            .from = g, .output = value, .output_name = "embedding", .input = -1, .last = -1});
    if (st == TERN_OK) st = tern__model_take(cut, part);
    if (st == TERN_OK && (st = tern__model_copy_metadata(*cut, model)) != TERN_OK) {
        tern_model_free(*cut);
        *cut = NULL;
    }
    return st;
}

/* ---- over a data set ---- */

/* Flattens the output of one batch into its rows of all vectors, which are made with the first. */
static tern_status keep(float **vectors, int64_t *length, tern_context *c, const tern_tensor *y,
                        int64_t at, int64_t batch, int64_t count) {
    int64_t each = 1;
    size_t bytes;
    for (int i = 1; i < y->rank; i++) each *= y->dims[i];
    if (y->type != TERN_FLOAT || y->rank < 1 || y->dims[0] != batch)
        return tern__fail(c, TERN_ERR_SHAPE,
                          "the network's output is not one of floats with a row a sample");
    if (!*vectors) {
        *length = each;
        if (!tern__mul((size_t)each * sizeof(float), (size_t)count, &bytes))
            return tern__fail(c, TERN_ERR_LIMIT, "%lld vectors of %lld numbers are too many",
                              (long long)count, (long long)each);
        if (!(*vectors = tern__alloc(c, bytes))) return TERN_ERR_MEMORY;
    }
    if (each != *length)
        return tern__fail(
            c, TERN_ERR_SHAPE,
            "sample %lld gives %lld numbers, those before it %lld: vectors can only be "
            "compared if all inputs have one size",
            (long long)at, (long long)each, (long long)*length);
    memcpy(*vectors + at * each, y->data, (size_t)(batch * each) * sizeof(float));
    return TERN_OK;
}

tern_status tern_model_run(float **vectors, int64_t *length, const tern_model *model,
                           const tern_dataset *dataset, int64_t batch) {
    tern_context *c = model->context;
    tern_session *session;
    tern__batch b = {.context = c};
    *vectors = NULL;
    *length = 0;
    if (batch < 1)
        return tern__fail(c, TERN_ERR_ARGUMENT, "batches of %lld samples", (long long)batch);
    tern_status st = tern__session_create(&session, model, c);
    if (st != TERN_OK) return st;
    int64_t *order = tern__calloc(c, (size_t)dataset->count, sizeof *order);
    if (!order) st = TERN_ERR_MEMORY;
    for (int64_t i = 0; order && i < dataset->count; i++) order[i] = i;
    for (int64_t at = 0; st == TERN_OK && at < dataset->count; at += b.count) {
        const int64_t left = dataset->count - at;
        tern_tensor y;
        st = tern__batch_load(&b, dataset, order + at, left < batch ? left : batch, false, 0, 0);
        if (st != TERN_OK) break;
        if ((st = tern_session_run(session, b.inputs, b.n_inputs, &y, 1)) != TERN_OK)
            tern__fail(c, st, "%s", tern_session_message(session));
        else
            st = keep(vectors, length, c, &y, at, b.count, dataset->count);
    }
    tern__free(c, order);
    tern__batch_free(&b);
    tern_session_free(session);
    if (st != TERN_OK) {
        tern__free(c, *vectors);
        *vectors = NULL;
    }
    return st;
}

/* ---- distances ---- */

double tern_distance(tern_distance_kind kind, const float *a, const float *b, int64_t n) {
    double sum = 0, most = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        const double x = a[i], y = b[i], d = fabs(x - y);
        if (kind == TERN_DISTANCE_EUCLIDEAN)
            sum += d * d;
        else if (kind == TERN_DISTANCE_COSINE)
            sum += x * y, aa += x * x, bb += y * y;
        else if (d > most || isnan(d))
            most = d;
    }
    if (kind == TERN_DISTANCE_MAXIMUM) return most;
    if (kind == TERN_DISTANCE_EUCLIDEAN) return sqrt(sum);
    return aa > 0 && bb > 0 ? fmax(0, 1 - sum / (sqrt(aa) * sqrt(bb))) : 1;
}

typedef struct search {
    const float *vectors;
    const int64_t *classes;
    int64_t count, length;
    tern_distance_kind kind;
    bool *agrees; /* [count] */
} search;

static void find_nearest(void *arg, int64_t i, int worker) {
    (void)worker;
    const search *s = arg;
    double least = INFINITY;
    for (int64_t k = 0; k < s->count; k++) {
        if (k == i) continue;
        const double d = tern_distance(s->kind, s->vectors + i * s->length,
                                       s->vectors + k * s->length, s->length);
        if (d < least) {
            least = d;
            s->agrees[i] = s->classes[k] == s->classes[i];
        }
    }
}

tern_status tern_nearest_agreement(double *share, tern_context *c, const float *vectors,
                                   int64_t count, int64_t length, const int64_t *classes,
                                   tern_distance_kind kind) {
    int64_t agreeing = 0;
    if (count < 2)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "%lld vectors have no neighbours; at least two are needed",
                          (long long)count);
    search s = {vectors, classes, count,
                length,  kind,    tern__calloc(c, (size_t)count, sizeof(bool))};
    if (!s.agrees) return TERN_ERR_MEMORY;
    tern__parallel(c, count, count * length, find_nearest, &s);
    for (int64_t i = 0; i < count; i++) agreeing += s.agrees[i];
    *share = (double)agreeing / (double)count;
    tern__free(c, s.agrees);
    return TERN_OK;
}

tern_status tern_tensor_save(const tern_tensor *t, tern_context *c, const char *path) {
    if (t->type != TERN_FLOAT || t->rank < 0 || t->rank > TERN__NPY_RANK)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "%s: only floats of up to %d dimensions are written", path,
                          TERN__NPY_RANK);
    return tern__npy_write(c, path, TERN__NPY_FLOAT32, t->rank, t->dims, t->data);
}
