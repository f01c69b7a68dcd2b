/* Training a text classifier or tagger in one call: data, vocabulary, network, recipe, and a model
 * file that holds all that is needed to use it; and cross-validation. */
#ifndef TERN_TEXT_TRAIN_H
#define TERN_TEXT_TRAIN_H

#include <tern/metrics.h>
#include <tern/text_dataset.h>
#include <tern/text_network.h>
#include <tern/train.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_text_train_options {
    size_t size;                    /**< sizeof(tern_text_train_options), set by the _INIT macro */
    tern_text_dataset_options data; /**< reader and front end; labels, n_labels, vocabulary and
                                         min_length are set here */
    const char *network; /**< tern_text_network_name; NULL: textcnn, tagger for tagged data */
    int64_t dimension;   /**< tern_text_network_options; 0: the network's, or the vectors' */
    tern_text_channels channels;
    int64_t widths[TERN_TEXT_MAX_WIDTHS];
    int64_t filters;
    double width, dropout;
    const char *vectors;  /**< a file of word vectors to start from; NULL: random */
    int64_t vector_words; /**< also know so many of the file's first words that the texts do
                               not have; 0: 20000; negative: none */
    /** Go on from this model of texts instead of a new network: its last layer is made anew for the
     *  labels of the data; front end and vocabulary are the model's. NULL: none. network,
     * dimension, filters, width, dropout and vectors are not for it. */
    const tern_model *init;
    const char *freeze_until;  /**< with init: tern_transfer_options */
    const char *validate_path; /**< validate on this file */
    double validate;           /**< or on about this share of each class; 0: none. Equal texts are
                                    never parted. */
    bool own_recipe;           /**< take train and data as they are given; otherwise the network's
                                    recipe fills in what is 0 */
    tern_train_options train;  /**< epochs 0, batch 0: the recipe's; train.validation is set here */
} tern_text_train_options;
#define TERN_TEXT_TRAIN_OPTIONS_INIT                                                               \
    {                                                                                              \
        .size = sizeof(tern_text_train_options), .data = TERN_TEXT_DATASET_OPTIONS_INIT,           \
        .train = {                                                                                 \
            .size = sizeof(tern_train_options)                                                     \
        }                                                                                          \
    }

/** Trains on a file of texts (see tern_text_dataset_open) and gives a model that tern_text_classify
 *  (or, for tagged texts, tern_text_tag) can use: its metadata hold front end, vocabulary, labels
 *  and how it was trained. The vocabulary is made from the training part only. options may be NULL.
 *  Errors: those of tern_text_dataset_open, of reading vectors, of tern_text_network_build and of
 *  tern_train; TERN_ERR_ARGUMENT where network and data do not fit together. *model is NULL on
 *  failure. */
TERN_API tern_status tern_text_train(tern_model **model, tern_context *context, const char *path,
                                     const tern_text_train_options *options);

/** Gets the accuracy of every fold when it is done. false: stop, TERN_ERR_INTERRUPTED. */
typedef bool (*tern_on_fold)(void *user, int fold, int folds, double accuracy, int64_t n);

/** Cuts the texts into 2..1000 folds of about equal shares of each class (equal texts stay in one),
 *  trains on all but one and predicts that one, for each; *confusion counts all texts. Nothing is
 *  chosen by looking at the fold that is predicted: a share to stop early by is taken from the
 *  others by options->validate. Checkpoint and log are refused, tagged texts too. on_fold may be
 *  NULL. *confusion is NULL on failure, otherwise the caller's. */
TERN_API tern_status tern_text_cross_validate(tern_confusion **confusion, tern_context *context,
                                              const char *path, int folds,
                                              const tern_text_train_options *options,
                                              tern_on_fold on_fold, void *user);

#ifdef __cplusplus
}
#endif
#endif
