/* Telling pictures apart: training a classifier in one call, and using one. The model file holds
 * all that is needed: size, normalisation, labels. Order here: using, training, measuring. */
#ifndef TERN_VISION_CLASSIFY_H
#define TERN_VISION_CLASSIFY_H

#include <tern/answer.h>
#include <tern/metrics.h>
#include <tern/session.h>
#include <tern/train.h>
#include <tern/vision_classifier.h>
#include <tern/vision_dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Says what a picture file shows ("-": standard input). It is brought to the size and the channels
 * that the network was trained with; alpha is laid on white. Errors: those of tern_image_load;
 * TERN_ERR_FORMAT for a model that carries no labels or does not say how it sees. Sentences are in
 * tern_session_message. *answer is untouched on failure. */
TERN_API tern_status tern_vision_classify_file(tern_session *session, const char *path,
                                               tern_answer *answer);
/** The same for a picture in memory. */
TERN_API tern_status tern_vision_classify(tern_session *session, const tern_image *image,
                                          tern_answer *answer);

/** How a classifier sees: what a program needs to feed it itself. */
typedef struct tern_vision_classifier_info {
    size_t n_labels;
    const char *const
        *labels;       /**< the model's, in the order of the logits; valid as long as the session */
    int width, height; /**< pictures are brought to this size */
    tern_normalization normalization;
} tern_vision_classifier_info;
/** Errors: TERN_ERR_FORMAT if the model is no classifier of pictures. */
TERN_API tern_status tern_vision_classifier_describe(tern_vision_classifier_info *info,
                                                     tern_session *session);

/** A picture as the network of a session takes it: floats [channels][height][width]
 * (tern_vision_classifier_info), which the caller provides. Works for every model that says how it
 * sees, whatever its output is (a layer, say: tern_model_cut). */
TERN_API tern_status tern_vision_classifier_input(tern_session *session, const tern_image *image,
                                                  float *input);

/** The first output of the session's model for a picture file, whatever it is, as one vector: of a
 * layer, where the model is one of tern_model_cut. It belongs to the session and is valid until its
 * next run. */
TERN_API tern_status tern_vision_embed_file(tern_session *session, const char *path,
                                            const float **vector, int64_t *length);

/* ---- training ---- */

typedef struct tern_vision_classifier_train_options {
    size_t size;                      /**< sizeof of this struct, set by the _INIT macro */
    tern_vision_dataset_options data; /**< width, height 0: pictures of idx files as they are, those
                                         of folders brought to 64 x 64. masks, crops and multiple
                                         are not used; augmentation is set here. */
    const char *network;              /**< tern_vision_classifier_name; NULL: the default */
    double scale, dropout;            /**< tern_vision_classifier_options */
    /** Go on from this model of pictures instead of a new network: its last layer is made anew for
     *  the labels of the data; size and channels are the model's, mean and deviation those of the
     *  data. NULL: none. */
    const tern_model *init;
    /* Without augmentation what is frozen runs once for every picture (tern_transfer_train). */
    const char *freeze_until;  /**< with init: tern_transfer_options */
    const char *validate_path; /**< validate on the pictures there, */
    double validate;           /**< or on about this share of each class; 0: none */
    bool own_recipe;      /**< take train as it is given; otherwise what is 0 in it is filled in */
    bool no_augmentation; /**< pictures as they are, no mixing */
    const char *augmentation; /**< changes to the recipe's: tern_vision_augmentation_parse */
    tern_train_options train; /**< epochs 0, batch 0: the recipe's; train.validation is set here */
} tern_vision_classifier_train_options;
#define TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT                                                  \
    {                                                                                              \
        .size = sizeof(tern_vision_classifier_train_options),                                      \
        .data = TERN_VISION_DATASET_OPTIONS_INIT, .train = {                                       \
            .size = sizeof(tern_train_options)                                                     \
        }                                                                                          \
    }

/** Trains on a folder per class or on idx files (tern_vision_dataset_open_labels), and gives a
 * model that tern_vision_classify_file can use. options may be NULL. Errors: those of reading, of
 *  tern_vision_classifier_build and of tern_train. *model is NULL on failure. */
TERN_API tern_status
tern_vision_classifier_train(tern_model **model, tern_context *context, const char *path,
                             const tern_vision_classifier_train_options *options);

/* ---- measuring ---- */

/** Gets every picture that was taken for something else; false stops with TERN_ERR_INTERRUPTED. */
typedef bool (*tern_on_mistake)(void *user, const char *file, const char *truth,
                                const char *taken_for);

/** Classifies all pictures of a folder per class or of idx files and counts. Of options memory and
 * held_out are used (NULL: held_out); on_mistake may be NULL. Errors: those of reading and of
 * classifying; a label that the model does not know. Free *confusion before the session; NULL on
 * failure. */
TERN_API tern_status tern_vision_classifier_evaluate(tern_confusion **confusion,
                                                     tern_session *session, const char *path,
                                                     const tern_vision_dataset_options *options,
                                                     tern_on_mistake on_mistake, void *user);
/** The confusion matrix as a picture (PNG): a row a true label, a column what it was taken for, the
 * lighter the greater the share of its row; up to 100 labels. */
TERN_API tern_status tern_confusion_picture(const tern_confusion *confusion, tern_context *context,
                                            const char *path, size_t n_labels,
                                            const char *const *labels);

#ifdef __cplusplus
}
#endif
#endif
