/* Data sets: what training and evaluation read samples from. A domain (sound, text, pictures) or a
 * program of your own fills a tern_dataset_source; everything else (order, batches, threads,
 * splits) is done here, so that a run depends on the seed only.
 *
 * Order here: arrays in memory, splitting, then how to write a data set of one's own. */
#ifndef TERN_DATASET_H
#define TERN_DATASET_H

#include <tern/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_dataset tern_dataset;

/** A data set of plain arrays, which must outlive it. inputs[i] and target have the sample as first
 *  dimension, the same number in each; target is int64 [n, ...] (class numbers) or float. Classes
 *  (for splitting) are the values of an int64 target [n]; each sample is a group of its own.
 *  Errors: TERN_ERR_SHAPE if the first dimensions differ. *dataset is NULL on failure. */
TERN_API tern_status tern_dataset_arrays(tern_dataset **dataset, tern_context *context,
                                         const tern_tensor *inputs, size_t n_inputs,
                                         const tern_tensor *target);
/** Frees the data set; views of it (subsets) stay valid. NULL is allowed. */
TERN_API void tern_dataset_free(tern_dataset *dataset);

TERN_API int64_t tern_dataset_count(const tern_dataset *dataset);
/** Facts of one sample, 0 <= sample < count: its class (-1: none), its group (recording, speaker,
 *  patient: splits never part one), its fold (-1: none). */
TERN_API int64_t tern_dataset_class(const tern_dataset *dataset, int64_t sample);
TERN_API int64_t tern_dataset_group(const tern_dataset *dataset, int64_t sample);
TERN_API int64_t tern_dataset_fold(const tern_dataset *dataset, int64_t sample);
/** The number of a sample of a subset in the data set that it was taken from at first (itself where
 *  the data set is no subset): what the source's functions were given. */
TERN_API int64_t tern_dataset_source_sample(const tern_dataset *dataset, int64_t sample);

/** A view of some samples (copied numbers; a sample may occur more than once). Keeps the data set
 *  behind it alive. Errors: TERN_ERR_ARGUMENT for a number outside 0..count-1. */
TERN_API tern_status tern_dataset_subset(tern_dataset **subset, tern_dataset *dataset,
                                         const int64_t *samples, int64_t count);
/** Cuts into two views: about `fraction` of each class goes to *second, the rest to *first; groups
 *  stay whole, and no class loses its last group from *first. Depends on the seed only. Errors:
 *  TERN_ERR_ARGUMENT if the fraction is outside ]0, 1[ or one part would be empty. */
TERN_API tern_status tern_dataset_split(tern_dataset **first, tern_dataset **second,
                                        tern_dataset *dataset, double fraction, uint64_t seed);
/** The samples whose fold is one of these. Errors: TERN_ERR_ARGUMENT naming a fold that has no
 *  samples and the folds that there are. */
TERN_API tern_status tern_dataset_folds(tern_dataset **subset, tern_dataset *dataset,
                                        const int64_t *folds, size_t n_folds);

/* ---- a data set of one's own ---- */

#define TERN_DATASET_MAX_INPUTS 8
#define TERN_DATASET_MESSAGE 400

/** What a sample is loaded for, and where to. */
typedef struct tern_load {
    int64_t sample;       /**< its number in the source */
    int64_t row;          /**< its place in the batch */
    const int64_t *batch; /**< the source numbers of the whole batch (for mixing samples) */
    int64_t batch_count;
    bool training; /**< false: no augmentation; the result must then depend on the sample
                        only */
    uint64_t seed, epoch;
    uint64_t random; /**< mixed from seed, epoch and sample: to seed augmentation with */
    int worker;      /**< in [0, threads): for scratch memory of one's own */
    /** The sample's part of the batch, dims[0] == 1, to be filled completely (the memory holds
     *  whatever it held before); the other dims are those that `shapes` gave. */
    tern_tensor inputs[TERN_DATASET_MAX_INPUTS];
    tern_tensor target;
    char message[TERN_DATASET_MESSAGE]; /**< on failure: the sentence */
} tern_load;

/** What a data set consists of. Functions marked optional may be NULL. */
typedef struct tern_dataset_source {
    size_t size; /**< sizeof(tern_dataset_source) */
    void *self;  /**< handed to every function */
    int64_t count;
    size_t n_inputs;
    /** Optional: called when the last view is freed. */
    void (*close)(void *self);
    /** Optional (-1; the sample itself; -1). See tern_dataset_class. */
    int64_t (*class_of)(void *self, int64_t sample);
    int64_t (*group_of)(void *self, int64_t sample);
    int64_t (*fold_of)(void *self, int64_t sample);
    /** Optional: how long a sample is (tokens, frames). Training and evaluation then make batches
     * of samples of about one length, so that little is padded: training shuffles, sorts some 50
     *  batches at a time by length, and shuffles the batches. */
    int64_t (*length_of)(void *self, int64_t sample);
    /** Type, rank and dims of the inputs and of the target of one batch (dims[0] is set by the
     *  caller). They may differ from batch to batch, so that text is padded to the longest of the
     *  batch only. */
    void (*shapes)(void *self, const int64_t *samples, int64_t count, bool training,
                   tern_tensor *inputs, tern_tensor *target);
    /** Fills one sample's row. Called for several rows at once from several threads; the result
     *  must depend on sample, seed, epoch and batch only. On failure: a status, and a sentence in
     *  message. */
    tern_status (*load)(void *self, tern_load *load);
    /** A number that tells this data set (names, sizes, options) from another one, so that a run is
     *  not resumed with other data; 0: do not tell. */
    uint64_t fingerprint;
    /** Optional: the files that the samples come from, one by one from 0 until NULL. A training
     *  writes over none of them. */
    const char *(*file)(void *self, size_t index);
} tern_dataset_source;

/** Makes a data set. On success it owns source->self (close is called in the end); on failure the
 *  caller still does, and *dataset is NULL. */
TERN_API tern_status tern_dataset_create(tern_dataset **dataset, tern_context *context,
                                         const tern_dataset_source *source);

#ifdef __cplusplus
}
#endif
#endif
