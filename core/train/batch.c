/* Batches: the rows of one are loaded in parallel, each into its own part of one array. */
#include "dataset.h"

#include "core/graph/shape.h"

#include <string.h>

static tern_status fit_tensor(tern__batch *b, tern_tensor *t, size_t *capacity, void *memory,
                              const char *what) {
    size_t bytes;
    t->data = memory;
    t->dims[0] = b->count;
    if (!tern__tensor_bytes(t, &bytes))
        return tern__fail(b->context, TERN_ERR_SHAPE,
                          "data set: its shapes give %s of type %d and rank %d without elements",
                          what, (int)t->type, t->rank);
    if (bytes <= *capacity) return TERN_OK;
    tern__free(b->context, memory);
    *capacity = 0;
    if (!(t->data = tern__alloc(b->context, bytes))) return TERN_ERR_MEMORY;
    *capacity = bytes;
    return TERN_OK;
}

static tern_status fit_rows(tern__batch *b, int64_t count) {
    if ((size_t)count <= b->samples_capacity) return TERN_OK;
    tern__free(b->context, b->samples);
    tern__free(b->context, b->loads);
    tern__free(b->context, b->statuses);
    b->samples_capacity = 0;
    b->samples = tern__calloc(b->context, (size_t)count, sizeof *b->samples);
    b->loads = tern__calloc(b->context, (size_t)count, sizeof *b->loads);
    b->statuses = tern__calloc(b->context, (size_t)count, sizeof *b->statuses);
    if (!b->samples || !b->loads || !b->statuses) return TERN_ERR_MEMORY;
    b->samples_capacity = (size_t)count;
    return TERN_OK;
}

/* Row i of t as a tensor of its own. */
static tern_tensor row_of(const tern_tensor *t, int64_t i) {
    tern_tensor row = *t;
    size_t bytes = tern__type_size(t->type);
    for (int k = 1; k < t->rank; k++) bytes *= (size_t)t->dims[k];
    row.dims[0] = 1;
    row.data = (char *)t->data + (size_t)i * bytes;
    return row;
}

typedef struct job {
    tern__batch *batch;
    const tern_dataset_source *source;
    tern_load common;
} job;

static void load_row(void *arg, int64_t i, int worker) {
    const job *j = arg;
    tern__batch *b = j->batch;
    tern_load *load = &b->loads[i];
    *load = j->common;
    load->sample = b->samples[i];
    load->row = i;
    load->worker = worker;
    load->random = tern__random_stream(load->seed, load->epoch, (uint64_t)load->sample);
    for (size_t k = 0; k < b->n_inputs; k++) load->inputs[k] = row_of(&b->inputs[k], i);
    load->target = row_of(&b->target, i);
    b->statuses[i] = j->source->load(j->source->self, load);
}

tern_status tern__batch_load(tern__batch *b, const tern_dataset *d, const int64_t *samples,
                             int64_t count, bool training, uint64_t seed, uint64_t epoch) {
    const tern_dataset_source *source = &d->shared->source;
    tern_status st = fit_rows(b, count);
    if (st != TERN_OK) return st;
    b->count = count;
    b->n_inputs = source->n_inputs;
    for (int64_t i = 0; i < count; i++) b->samples[i] = tern_dataset_source_sample(d, samples[i]);
    tern_tensor inputs[TERN_DATASET_MAX_INPUTS] = {0}, target = {0};
    for (size_t k = 0; k < b->n_inputs; k++) inputs[k].dims[0] = count;
    target.dims[0] = count;
    source->shapes(source->self, b->samples, count, training, inputs, &target);
    for (size_t k = 0; st == TERN_OK && k <= b->n_inputs; k++) {
        bool is_target = k == b->n_inputs;
        tern_tensor *to = is_target ? &b->target : &b->inputs[k];
        size_t *capacity = &b->capacities[is_target ? TERN_DATASET_MAX_INPUTS : k];
        void *memory = to->data;
        *to = is_target ? target : inputs[k];
        st = fit_tensor(b, to, capacity, memory, is_target ? "a target" : "an input");
    }
    if (st != TERN_OK) return st;
    job j = {b,
             source,
             {.batch = b->samples,
              .batch_count = count,
              .training = training,
              .seed = seed,
              .epoch = epoch}};
    tern__parallel(b->context, count, TERN__WORTH_A_THREAD, load_row, &j);
    for (int64_t i = 0; i < count; i++)
        if (b->statuses[i] != TERN_OK)
            return tern__fail(b->context, b->statuses[i], "%.*s", TERN_DATASET_MESSAGE,
                              b->loads[i].message[0] ? b->loads[i].message
                                                     : "data set: a sample could not be loaded");
    return TERN_OK;
}

void tern__batch_free(tern__batch *b) {
    if (!b->context) return;
    for (size_t k = 0; k < TERN_DATASET_MAX_INPUTS; k++) tern__free(b->context, b->inputs[k].data);
    tern__free(b->context, b->target.data);
    tern__free(b->context, b->samples);
    tern__free(b->context, b->loads);
    tern__free(b->context, b->statuses);
    *b = (tern__batch){0};
}
