/* Data sets from the inside: a shared source and views of it; and batches, which are loaded in
 * parallel. Knows no network. */
#ifndef TERN_CORE_DATASET_H
#define TERN_CORE_DATASET_H

#include "base.h"
#include <tern/dataset.h>

typedef struct tern__shared_source {
    tern_dataset_source source;
    int64_t views; /* how many data sets point here */
} tern__shared_source;

struct tern_dataset {
    tern_context *context;
    tern__shared_source *shared;
    int64_t count;
    int64_t *samples; /* source numbers; NULL: all, in order */
};

/* A number that tells the samples of a data set (count, classes, groups, source) from others. */
uint64_t tern__dataset_fingerprint(const tern_dataset *d);

/* The memory of one batch, grown as needed and used again. Zero-initialise, set the context. */
typedef struct tern__batch {
    tern_context *context;
    int64_t count;
    size_t n_inputs;
    tern_tensor inputs[TERN_DATASET_MAX_INPUTS], target; /* dims[0] == count */
    size_t capacities[TERN_DATASET_MAX_INPUTS + 1];      /* in bytes; last: of the target */
    int64_t *samples; /* numbers in the source */
    tern_load *loads;
    tern_status *statuses;
    size_t samples_capacity;
} tern__batch;

/* Loads these samples of the data set. The first failing row's sentence is the error. */
tern_status tern__batch_load(tern__batch *b, const tern_dataset *d, const int64_t *samples,
                             int64_t count, bool training, uint64_t seed, uint64_t epoch);
void tern__batch_free(tern__batch *b);
/* Bytes of the elements of t; false if dims are not all positive or their product overflows. */
bool tern__tensor_bytes(const tern_tensor *t, size_t *bytes);

#endif
