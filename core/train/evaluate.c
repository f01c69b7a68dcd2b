/* Evaluation: the inference plan with a loss at its end, batch by batch. */
#include "evaluate.h"

#include "core/graph/model.h"
#include "core/plan/plan_cache.h"
#include "core/plan/session.h"

#include <math.h>
#include <string.h>

enum { DEFAULT_BATCH = 32 };

double tern__score_accuracy(const tern__score *s) {
    return s->counted ? (double)s->correct / (double)s->counted : NAN;
}

typedef struct evaluation {
    tern_graph *graph;
    tern__graph_size network;
    const tern_loss_options *loss;
    tern__plan_cache plans;
    tern__batch batch;
    int64_t *order; /* all samples, in the order in which batches are cut */
} evaluation;

static tern_status predict(const evaluation *e, const tern__tensor *output, int64_t at,
                           int64_t *predictions) {
    char text[TERN__SHAPE_TEXT];
    const tern__shape shape = tern__tensor_shape(output);
    if (output->rank != 2 || output->dims[0] != e->batch.count || output->type != TERN_FLOAT)
        return tern__fail(
            e->graph->context, TERN_ERR_SHAPE,
            "predictions need an output [N, classes], this one is %s for %lld samples",
            tern__shape_text(&shape, text, sizeof text), (long long)e->batch.count);
    const float *y = output->data;
    for (int64_t i = 0; i < output->dims[0]; i++)
        predictions[e->order[at + i]] = tern__greatest(y + i * output->dims[1], output->dims[1], 1);
    return TERN_OK;
}

/* at: of the batch's first sample in the order */
static tern_status run_batch(evaluation *e, tern__score *score, int64_t at, int64_t *predictions) {
    tern_context *c = e->graph->context;
    tern__batch *b = &e->batch;
    if (b->n_inputs + 1 != e->graph->n_inputs)
        return tern__fail(c, TERN_ERR_SHAPE, "the data set has %zu inputs, the network %zu",
                          b->n_inputs, e->graph->n_inputs - 1);
    tern_tensor inputs[TERN_DATASET_MAX_INPUTS + 1];
    memcpy(inputs, b->inputs, b->n_inputs * sizeof *inputs);
    inputs[b->n_inputs] = b->target;
    tern__plan *plan;
    bool made;
    tern_status st = tern__plan_cache_get(&e->plans, inputs, &plan, &made);
    if (st == TERN_OK) st = tern__plan_forward(plan, inputs, 0, 0);
    if (st != TERN_OK) return st;
    const tern__tensor *output = tern__plan_output(plan, 0);
    const tern__tensor *loss = tern__plan_output(plan, (int)e->network.outputs);
    double value = ((const float *)loss->data)[0];
    score->loss += e->loss->sum ? value : value * (double)b->count;
    tern__loss_count(e->loss, output, &b->target, &score->correct, &score->counted);
    return predictions ? predict(e, output, at, predictions) : TERN_OK;
}

tern_status tern__evaluate(tern__score *score, tern_graph *network, const tern_dataset *d,
                           int64_t batch, const tern_loss_options *loss, int64_t *predictions) {
    tern_context *c = network->context;
    evaluation e = {
        .graph = network, .loss = loss, .batch = {.context = c}, .plans = {.graph = network}};
    *score = (tern__score){0};
    if (!(e.order = tern__calloc(c, (size_t)d->count, sizeof *e.order))) return TERN_ERR_MEMORY;
    tern_status st = tern__dataset_sorted(d, e.order);
    for (int64_t at = 0; st == TERN_OK && at < d->count; at += batch) {
        int64_t count = d->count - at < batch ? d->count - at : batch;
        st = tern__batch_load(&e.batch, d, e.order + at, count, false, 0, 0);
        if (st == TERN_OK && at == 0) /* only now is the type of the target known */
            st = tern__loss_append(network, loss, e.batch.target.type, false, &e.network);
        if (st == TERN_OK) st = run_batch(&e, score, at, predictions);
    }
    score->loss /= (double)d->count;
    tern__plan_cache_clear(&e.plans);
    if (e.network.values) tern__graph_truncate(network, &e.network);
    tern__batch_free(&e.batch);
    tern__free(c, e.order);
    return st;
}

/* On a copy, with the network's context. */
static tern_status evaluate(const tern_graph *network, const tern_dataset *d, int64_t batch,
                            const tern_loss_options *loss_options, double *loss, double *accuracy,
                            int64_t *predictions) {
    tern_loss_options options = {0};
    if (loss_options) options = *loss_options;
    tern_status st = tern__loss_check(network->context, &options);
    if (st != TERN_OK) return st;
    if (batch < 0)
        return tern__fail(network->context, TERN_ERR_ARGUMENT, "evaluation: the batch is %lld",
                          (long long)batch);
    tern_graph *copy;
    if ((st = tern_graph_clone(&copy, network)) != TERN_OK) return st;
    tern__score score;
    st = tern__evaluate(&score, copy, d, batch ? batch : DEFAULT_BATCH, &options, predictions);
    if (st == TERN_OK && loss) *loss = score.loss;
    if (st == TERN_OK && accuracy) *accuracy = tern__score_accuracy(&score);
    tern_graph_free(copy);
    return st;
}

tern_status tern_evaluate(const tern_model *model, tern_dataset *d, int64_t batch,
                          const tern_loss_options *loss_options, double *loss, double *accuracy,
                          int64_t *predictions) {
    return evaluate(model->graph, d, batch, loss_options, loss, accuracy, predictions);
}

tern_status tern__session_predict(int64_t *predictions, const tern_session *session,
                                  const tern_dataset *dataset, int64_t batch) {
    return evaluate(tern__session_graph(session), dataset, batch, NULL, NULL, NULL, predictions);
}
