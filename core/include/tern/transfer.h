/* Trained networks taken further: another last layer, frozen layers, the output of a layer as a
 * vector, and how near two such vectors are. */
#ifndef TERN_TRANSFER_H
#define TERN_TRANSFER_H

#include <tern/dataset.h>
#include <tern/model.h>
#include <tern/train.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_transfer_options {
    size_t size;     /**< sizeof(tern_transfer_options), set by the _INIT macro */
    int64_t classes; /**< of the new last layer; 0: the last layer stays */
    const char
        *freeze_until; /**< "all-but-last", or the name of a node (tern model info lists them): it
                          and all that it depends on are not trained; NULL: everything is */
    uint64_t seed;     /**< of the new layer's first weights */
} tern_transfer_options;
#define TERN_TRANSFER_OPTIONS_INIT                                                                 \
    { .size = sizeof(tern_transfer_options) }

/** Makes a graph to be trained of one that was: the last Conv, Gemm or MatMul before the first
 * output gets new weights for so many classes, a softmax at the end is left out (losses take
 * logits), and what is frozen runs as it will when the model is used: BatchNormalization with its
 * running statistics (folded into the convolution before it or a scale and a shift), Dropout as
 * nothing. Other outputs (auxiliary classifiers) are left out. Errors: TERN_ERR_ARGUMENT for a node
 * that is not there or that would leave nothing to train; TERN_ERR_UNSUPPORTED if the network does
 * not end in such a layer. *graph is NULL on failure. */
TERN_API tern_status tern_transfer(tern_graph **graph, const tern_graph *trained,
                                   const tern_transfer_options *options);

/** As tern_train, but what is frozen at the beginning of the network runs once for every sample
 *  instead of once every epoch: its outputs are kept (4 bytes a number), and only what comes after
 * it is trained. So samples are not varied: no augmentation. Where that is not possible (nothing is
 *  frozen, or the frozen part feeds the rest in several places or would take more than 4e9 bytes)
 *  it is tern_train. Targets must be class numbers [N] (tern_dataset_class). */
TERN_API tern_status tern_transfer_train(tern_model **model, const tern_graph *graph,
                                         tern_dataset *dataset, const tern_train_options *options);

/** A model that ends in a layer: its only output, "embedding", is the first output of the node (or
 * the value) of this name; NULL: what goes into the last Conv, Gemm or MatMul. Metadata are copied.
 * Errors: TERN_ERR_ARGUMENT for a name that is not there. *cut is NULL on failure. */
TERN_API tern_status tern_model_cut(tern_model **cut, const tern_model *model, const char *layer);

/** The first output of a model for all samples of a data set, in order, each flattened: *vectors
 * [count][*length], the caller's (tern_free). Runs batches of `batch` samples, without
 * augmentation. Errors: TERN_ERR_SHAPE if samples give outputs of different sizes, or other shapes
 * than the network takes. */
TERN_API tern_status tern_model_run(float **vectors, int64_t *length, const tern_model *model,
                                    const tern_dataset *dataset, int64_t batch);

/** One model whose weights are the means of those of `count` models of one network, 2 or more:
 * models that went on from one model are often better averaged than each ("model soups", Wortsman
 * et al. 2022); models trained apart are not. Metadata are the first's. Errors: TERN_ERR_ARGUMENT
 * if networks or labels differ. *average is NULL on failure. */
TERN_API tern_status tern_model_average(tern_model **average, const tern_model *const *models,
                                        size_t count);

typedef enum tern_distance_kind {
    TERN_DISTANCE_EUCLIDEAN, /**< root of the sum of (a - b)^2 */
    TERN_DISTANCE_MAXIMUM,   /**< greatest |a - b| (Chebyshev) */
    TERN_DISTANCE_COSINE     /**< 1 - (a . b) / (|a| |b|), 0..2: ignores length, and is no metric; 1
                                where a or b is 0 */
} tern_distance_kind;

/** How far apart two vectors of n numbers are; summed in double precision. */
TERN_API double tern_distance(tern_distance_kind kind, const float *a, const float *b, int64_t n);

/** For how many of the vectors [count][length] the nearest of the others (the first, if several
 * are) has the same class, as a share of count, 0..1: how well distances tell classes apart. count:
 * 2 or more. */
TERN_API tern_status tern_nearest_agreement(double *share, tern_context *context,
                                            const float *vectors, int64_t count, int64_t length,
                                            const int64_t *classes, tern_distance_kind kind);

/** Writes floats as a NumPy array (.npy), the old file staying until the new one is complete.
 * Errors: TERN_ERR_IO. */
TERN_API tern_status tern_tensor_save(const tern_tensor *tensor, tern_context *context,
                                      const char *path);

#ifdef __cplusplus
}
#endif
#endif
