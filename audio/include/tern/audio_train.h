/* Training a sound classifier in one call: data, network, recipe, and a model file that holds all
 * that is needed to use it. */
#ifndef TERN_AUDIO_TRAIN_H
#define TERN_AUDIO_TRAIN_H

#include <tern/audio_dataset.h>
#include <tern/audio_network.h>
#include <tern/train.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_audio_train_options {
    size_t size; /**< sizeof(tern_audio_train_options), set by the _INIT macro */
    tern_audio_dataset_options data; /**< data.waveform follows from the network; data.folds: those
                                        to train on (with validate_folds those are read as well) */
    const char *network;   /**< tern_audio_network_name; NULL: "pair" for windows below 1.5 s, "cnn"
                                for longer ones */
    double width, dropout; /**< tern_audio_network_options */
    const tern_model *init; /**< go on from this model of sounds instead of a new network: its last
                               layer is made anew for the labels of the data; its front end and its
                               window are taken. NULL: none */
    const char *freeze_until;          /**< with init: tern_transfer_options */
    const char *const *validate_folds; /**< validate on clips of these folds */
    size_t n_validate_folds;
    double validate;      /**< or on about this share of each class; 0: none. Groups stay whole. */
    bool own_recipe;      /**< take train and data.augmentation as they are given; otherwise the
                               network's recipe fills in what is 0 in train and replaces
                               data.augmentation */
    bool no_augmentation; /**< of the recipe: clips as they are, no mixup */
    const char *augmentation; /**< changes to the recipe's augmentation, by the names of
                                   tern_audio_augmentation: "gain=6,pitch=0.1"; NULL: none */
    tern_train_options train; /**< epochs 0, batch 0: the recipe's; train.validation is set here */
} tern_audio_train_options;
#define TERN_AUDIO_TRAIN_OPTIONS_INIT                                                              \
    {                                                                                              \
        .size = sizeof(tern_audio_train_options), .data = TERN_AUDIO_DATASET_OPTIONS_INIT,         \
        .train = {                                                                                 \
            .size = sizeof(tern_train_options)                                                     \
        }                                                                                          \
    }

/** Trains a classifier on a data set (see tern_audio_dataset_open) and gives a model that
 *  tern_audio_classify_file can use: its metadata hold front end, labels and how it was trained.
 * Where a network has several members each is trained on its own (progress shows the mean of their
 * losses and accuracies), and the model, and what the result says of validation, is their mean.
 *  options may be NULL. Errors: those of tern_audio_dataset_open, tern_audio_network_build and
 *  tern_train. *model is NULL on failure. */
TERN_API tern_status tern_audio_train(tern_model **model, tern_context *context, const char *path,
                                      const tern_audio_train_options *options);

#ifdef __cplusplus
}
#endif
#endif
