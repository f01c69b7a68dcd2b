/* Data sets from the inside: a shared source and views of it; and batches, which are loaded in
 * parallel. Knows no network. */
#ifndef TERN_CORE_DATASET_H
#define TERN_CORE_DATASET_H

#include "core/base/base.h"
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

/* The files that it comes from, one by one; NULL: there are no more. */
const char *tern__dataset_file(const tern_dataset *d, size_t index);

/* A number that tells the samples of a data set (count, classes, groups, source) from others. */
uint64_t tern__dataset_fingerprint(const tern_dataset *d);

/* The samples that keep(user, sample) says yes to; *subset is NULL where there are none. */
tern_status tern__dataset_pick(tern_dataset **subset, tern_dataset *d,
                               bool (*keep)(const void *user, int64_t sample), const void *user);

/* The samples of an epoch of training, in the order in which batches of `batch` are cut from it;
 * from seed and epoch alone. order [count]. Where the source knows lengths, the samples of a batch
 * are about equally long, and the short last batch is of any. */
tern_status tern__dataset_order(const tern_dataset *d, int64_t batch, uint64_t seed, uint64_t epoch,
                                int64_t *order);
/* All samples as evaluation reads them: by length where the source knows it, else as they are. */
tern_status tern__dataset_sorted(const tern_dataset *d, int64_t *order);

/* The memory of one batch, grown as needed and used again. Zero-initialise, set the context. */
typedef struct tern__batch {
    tern_context *context;
    int64_t count;
    size_t n_inputs;
    tern_tensor inputs[TERN_DATASET_MAX_INPUTS], target; /* dims[0] == count */
    size_t capacities[TERN_DATASET_MAX_INPUTS + 1];      /* in bytes; last: of the target */
    int64_t *samples;                                    /* numbers in the source */
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
