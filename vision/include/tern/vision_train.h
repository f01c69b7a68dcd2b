/* Training a network of masks in one call, and measuring one: pictures and masks in, a model file
 * that holds all that is needed to use it. */
#ifndef TERN_VISION_TRAIN_H
#define TERN_VISION_TRAIN_H

#include <tern/train.h>
#include <tern/transfer.h>
#include <tern/vision_dataset.h>
#include <tern/vision_metrics.h>
#include <tern/vision_segment.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_vision_train_options {
    size_t size; /**< sizeof(tern_vision_train_options), set by the _INIT macro */
    tern_vision_dataset_options
        data; /**< masks must be named; what of crop_*, width, height, crops is 0 follows from
        the pictures: of one size they are cropped at random, of several they are brought to
        192x192. border_weight works with any number of classes and every loss but lovasz, in
        validation too. target, whole, multiple and augmentation are set here. */
    const char *network;  /**< tern_vision_network_name; NULL: the default */
    int64_t width, depth; /**< tern_vision_network_options */
    double dropout;
    bool no_normalization, resize, reflect;
    /** Go on from this model of masks instead of a new network: its last layer is kept if it was
     *  trained for as many classes, else made anew; channels (and the size of whole pictures,
     * unless another one is asked for) are the model's, mean and deviation those of the data. NULL:
     * none. */
    const tern_model *init;
    const char *freeze_until; /**< with init: tern_transfer_options */
    const char *loss; /**< tern_vision_loss_name; NULL: the default of that number of classes */
    const char *const
        *validate_names; /**< validate on the pictures of these names (without ending) */
    size_t n_validate_names;
    const char *validate_pictures; /**< or on those of another folder, with its masks, */
    const char *validate_masks, *validate_fov;
    double validate;      /**< or on about this share of the pictures; 0: none */
    bool own_recipe;      /**< take train as it is given; otherwise what is 0 in it is filled in */
    bool no_augmentation; /**< pictures as they are (crops are still at random places) */
    const char
        *augmentation; /**< changes to the recipe's, as tern_vision_augmentation_parse reads them */
    tern_train_options
        train; /**< epochs 0, batch 0: the recipe's; train.validation and train.loss are set here */
} tern_vision_train_options;
#define TERN_VISION_TRAIN_OPTIONS_INIT                                                             \
    {                                                                                              \
        .size = sizeof(tern_vision_train_options), .data = TERN_VISION_DATASET_OPTIONS_INIT,       \
        .train = {                                                                                 \
            .size = sizeof(tern_train_options)                                                     \
        }                                                                                          \
    }

/** What is known after training. */
typedef struct tern_vision_train_result {
    tern_train_result train;
    int64_t pictures, validation_pictures;
    bool validated; /**< scores are of the validation pictures, else of pictures trained on */
    tern_mask_scores scores; /**< whole pictures, with the threshold that the model got */
    double threshold;        /**< NaN for more than two classes */
} tern_vision_train_result;

/** Trains on pictures with a mask each (see tern_vision_dataset_open) and gives a model that
 * tern_vision_segment can use: its metadata hold normalisation, size, classes, threshold and how it
 * was trained. The threshold is the one with the best Dice on the validation pictures (without: on
 * up to 32 of those trained on). result and options->train.result may be NULL. Errors: those of
 * tern_vision_dataset_open, tern_vision_network_build and tern_train; TERN_ERR_ARGUMENT;
 * TERN_ERR_FORMAT if all masks are empty. *model is NULL on failure. */
TERN_API tern_status tern_vision_train(tern_model **model, tern_context *context,
                                       const char *pictures,
                                       const tern_vision_train_options *options,
                                       tern_vision_train_result *result);
/** The names of losses one by one: index 0.. until NULL. Static storage. */
TERN_API const char *tern_vision_loss_name(size_t index);

/** Called after every picture; false stops with TERN_ERR_INTERRUPTED. */
typedef bool (*tern_on_picture)(void *user, const char *file, const tern_mask_scores *scores,
                                int64_t done, int64_t count);

typedef struct tern_vision_evaluate_options {
    size_t size;       /**< sizeof(tern_vision_evaluate_options), set by the _INIT macro */
    const char *masks; /**< folder of the masks */
    const char *fov;   /**< folder of fields of view; NULL: all pixels count */
    tern_mask_coding coding;
    bool rand, warping; /**< measure tern_mask_rand_error, tern_mask_warping_error too */
    tern_vision_segment_options segment;
    tern_on_picture on_picture; /**< may be NULL */
    void *user;
} tern_vision_evaluate_options;
#define TERN_VISION_EVALUATE_OPTIONS_INIT                                                          \
    { .size = sizeof(tern_vision_evaluate_options), .segment = TERN_VISION_SEGMENT_OPTIONS_INIT }

/** Makes the masks of all pictures of a folder and compares them with the true ones. *metrics is
 * the caller's, to be freed before the session (tern_mask_metrics_free), and NULL on failure. */
TERN_API tern_status tern_vision_evaluate(tern_mask_metrics **metrics, tern_session *session,
                                          const char *pictures,
                                          const tern_vision_evaluate_options *options);

#ifdef __cplusplus
}
#endif
#endif
