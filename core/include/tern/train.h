/* Training: the loop that does everything (tern_train), and the trainer underneath it that does one
 * step at a time. Same binary, CPU level, seed and data give the same bits, for any number of
 * threads and however often a run was interrupted and resumed. */
#ifndef TERN_TRAIN_H
#define TERN_TRAIN_H

#include <tern/dataset.h>
#include <tern/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* In the option structs below 0 means the default, and a negative number means none, wherever a
 * default other than 0 exists; so an all-zero struct is valid. */

typedef enum tern_loss_kind {
    TERN_LOSS_SOFTMAX_CROSS_ENTROPY, /**< output: logits [N, C, ...]; target: int64 [N, ...] or
                                          float as output */
    TERN_LOSS_BINARY_CROSS_ENTROPY,  /**< output: logits; target: float 0..1 of its shape */
    TERN_LOSS_SQUARED_ERROR,         /**< (y - t)^2; target: float as output */
    TERN_LOSS_ABSOLUTE_ERROR,
    TERN_LOSS_HUBER, /**< d^2/2 where |d| <= delta, else delta (|d| - delta/2) */
    /* Of pictures and their masks. output: logits [N, C, ...]; target: class numbers, int64
     * [N, ...] (softmax over C), or float 0..1 of the output's shape (sigmoid, each channel). */
    TERN_LOSS_DICE, /**< mean over classes of 1 - (2 TP + smooth) / (2 TP + FP + FN + smooth),
                         sums over the whole batch; classes that no target has count as 0 */
    TERN_LOSS_CROSS_ENTROPY_DICE, /**< cross-entropy (softmax or binary) plus Dice */
    TERN_LOSS_TVERSKY, /**< (mean of 1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth))^gamma;
                            Salehi et al. 2017, Abraham & Khan 2019 */
    TERN_LOSS_FOCAL,   /**< mean of alpha' (1 - p)^gamma (-log p), p the probability of what is
                            true; alpha' (sigmoid only) alpha where the target is 1, else
                            1 - alpha; Lin et al. 2017 */
    TERN_LOSS_LOVASZ   /**< the Lovasz hinge or softmax, of the Jaccard loss; Berman et al. 2018 */
} tern_loss_kind;

/** The loss of the graph's first output: a mean over the batch (softmax: over all samples and
 *  places, weighted by class weights, as PyTorch; others: over all elements). */
typedef struct tern_loss_options {
    tern_loss_kind kind;
    bool sum;                   /**< a sum instead of a mean; not of regions and Lovasz */
    double label_smoothing;     /**< softmax cross-entropy: 0 <= e < 1 */
    const float *class_weights; /**< softmax cross-entropy: [C], copied; NULL: all 1 */
    size_t n_class_weights;
    bool ignore;            /**< class numbers: false: ignore_index is -100 */
    int64_t ignore_index;   /**< places of this number do not count */
    double positive_weight; /**< binary: weight of the term of target 1; 0: 1 */
    double delta;           /**< Huber; 0: 1 */
    /** Weights of places, as U-Net's map or a field of view: the target is float [N, 2, ...], what
     *  it would be (one logit: 0..1; more: the class number), then the weight. Cross-entropy and
     *  focal are then sum w loss / sum w, regions count w times, Lovasz where w is not 0. Not for
     *  the losses of numbers (squared to Huber), nor with class_weights or label_smoothing. */
    bool weighted;
    double smooth;  /**< Dice, Tversky: >= 0 */
    double alpha;   /**< Tversky, of FP: 0: 0.5; focal: 0: 0.25; negative: none */
    double beta;    /**< Tversky, of FN: 0: 0.5; negative: none */
    double gamma;   /**< Tversky: 0: 1; focal: 0: 2, negative: none */
    bool per_image; /**< Lovasz: a mean over pictures, not the batch as one */
    /** In training so many times the same loss of each of the other outputs is added, which must
     *  have the first one's shape: auxiliary classifiers (GoogLeNet: 0.3). 0: not looked at. */
    double auxiliary;
} tern_loss_options;

/* Sources: SGD with momentum, Sutskever et al. 2013; Adam, Kingma & Ba 2015; AdamW, Loshchilov &
 * Hutter 2019; RMSprop, Hinton's lecture 6e; Adadelta, Zeiler 2012. Semantics and defaults are
 * PyTorch's. */
typedef enum tern_optimizer_kind {
    TERN_OPTIMIZER_ADAMW,   /**< learning rate 1e-3, weight decay 0.01, decoupled */
    TERN_OPTIMIZER_ADAM,    /**< learning rate 1e-3 */
    TERN_OPTIMIZER_SGD,     /**< learning rate 1e-2 */
    TERN_OPTIMIZER_RMSPROP, /**< learning rate 1e-2, smoothing 0.99 */
    TERN_OPTIMIZER_ADADELTA /**< learning rate 1, smoothing 0.9, epsilon 1e-6 */
} tern_optimizer_kind;

typedef struct tern_optimizer_options {
    tern_optimizer_kind kind;
    double learning_rate;
    double momentum;          /**< SGD, RMSprop: 0 (none) <= m < 1 */
    double dampening;         /**< SGD */
    bool nesterov;            /**< SGD */
    double beta1, beta2;      /**< Adam, AdamW: 0.9, 0.999 */
    double smoothing;         /**< RMSprop (PyTorch's alpha), Adadelta (rho) */
    double epsilon;           /**< 1e-8 (Adadelta 1e-6) */
    double weight_decay;      /**< added to the gradient; AdamW: decoupled from it */
    bool decay_matrices_only; /**< no decay of biases, of normalisations' scale and shift,
                                   and of activations' slopes */
    double clip_value;        /**< gradients are cut to [-clip_value, clip_value] first; 0: no */
    double clip_norm; /**< then scaled so that the norm of all together is at most this; 0: no */
    double max_norm;  /**< after a step rows of weights are scaled to at most this norm; 0: no
                           (Kim 2014: 3) */
    const char *max_norm_weight; /**< which weight; NULL: those of all dense (Gemm) layers */
    double ema;                  /**< averages of the weights: a += (1 - d)(w - a), d = min(ema,
                                      (1+n)/(10+n)); 0: no */
} tern_optimizer_options;

typedef enum tern_schedule_kind {
    TERN_SCHEDULE_CONSTANT,
    TERN_SCHEDULE_STEP,      /**< times gamma every step_epochs epochs */
    TERN_SCHEDULE_COSINE,    /**< half a cosine from the learning rate down to minimum */
    TERN_SCHEDULE_ONE_CYCLE, /**< Smith & Topin 2018; PyTorch's OneCycleLR with cosines, the rate
                                  being its max_lr */
    TERN_SCHEDULE_PLATEAU    /**< times gamma when the validation loss has not fallen for
                                  plateau_patience epochs */
} tern_schedule_kind;

/** The learning rate over training, step by step. */
typedef struct tern_schedule_options {
    tern_schedule_kind kind;
    double warmup_epochs; /**< linear from warmup_start times the rate; not for one-cycle */
    double warmup_start;  /**< 0: 0.01; negative: from 0 */
    double gamma;         /**< step, plateau; 0: 0.1 */
    int step_epochs;      /**< step; 0: 30 */
    double minimum;       /**< cosine, plateau: the least learning rate */
    double rise;          /**< one-cycle: share of steps before the peak; 0: 0.3 */
    double start_divisor; /**< one-cycle: starts at the rate / this; 0: 25 */
    double end_divisor;   /**< one-cycle: ends at its start / this; 0: 1e4 */
    bool cycle_momentum;  /**< one-cycle: momentum (Adam: beta1) goes the other way */
    double base_momentum, maximum_momentum; /**< 0: 0.85, 0.95 */
    int plateau_patience;                   /**< 0: 10 */
    int plateau_cooldown;                   /**< epochs after a reduction that are not counted */
    double plateau_threshold;               /**< relative fall that counts; 0: 1e-4 */
} tern_schedule_options;

/* ---- the loop ---- */

/** Where a run is. Loss and accuracy are means over the epoch so far; accuracy is the share of
 *  samples (for pictures: of places that count) whose greatest logit is the target's class, for
 *  sigmoids of elements on the right side of 0; NaN for losses of numbers (squared to Huber). */
typedef struct tern_train_progress {
    int epoch, epochs;      /**< from 1 */
    int64_t batch, batches; /**< from 1; of this epoch */
    bool epoch_done;        /**< validation_* are of this epoch */
    double loss, accuracy;
    double validation_loss, validation_accuracy; /**< of the last epoch done; NaN before */
    bool best;      /**< with epoch_done: this epoch's weights are the best so far */
    int best_epoch; /**< 0: none yet */
    double best_validation_loss, best_validation_accuracy;
    double learning_rate;
    double items_per_second; /**< samples trained on per second, smoothed */
    double seconds, eta;     /**< spent and still to go (if no early stop) */
    int skipped;             /**< steps of the epoch left out because the loss was not finite */
} tern_train_progress;

typedef struct tern_train_result {
    int epochs; /**< done */
    int epoch;  /**< whose weights were taken, from 1 */
    bool stopped_early;
    double loss, accuracy;                       /**< of training, in that epoch */
    double validation_loss, validation_accuracy; /**< of those weights; NaN without validation */
    double seconds;                              /**< all sittings together */
    int64_t steps;
} tern_train_result;

/** What decides which epoch is the best one. */
typedef enum tern_monitor {
    TERN_MONITOR_AUTO, /**< accuracy where there are classes, else loss */
    TERN_MONITOR_LOSS,
    TERN_MONITOR_ACCURACY /**< equal accuracies: the lower loss */
} tern_monitor;

typedef struct tern_train_options {
    size_t size; /**< sizeof(tern_train_options), set by the _INIT macro */
    int epochs;
    int64_t batch;
    bool drop_last; /**< leave out the last batch of an epoch when it is short */
    uint64_t seed;  /**< of the order of samples, augmentation, dropout, mixing */
    tern_loss_options loss;
    tern_optimizer_options optimizer;
    tern_schedule_options schedule;
    tern_dataset *validation; /**< NULL: none */
    tern_monitor monitor;
    int patience;   /**< stop after this many epochs without a better one; 0: never */
    bool keep_last; /**< the model gets the last weights instead of the best ones */
    /** Mixup (Zhang et al. 2018): samples of a batch are mixed pairwise, weights from Beta(mixup,
     *  mixup); int64 targets [N] become soft ones. 0: no. */
    double mixup;
    /** Cutmix (Yun et al. 2019): a box of each sample is replaced by that of another one of the
     * batch and targets are mixed by the share of places; its sides are as long as sqrt(1 - k) of
     * the input's (of D dimensions: the D-th root), k from Beta(cutmix, cutmix), around any place,
     * cut at the edges. Inputs [N, C, ...] of rank 3 or more and the same places; targets [N] or
     *  [N, classes]. With mixup too, each batch is mixed in one of the two ways, drawn evenly.
     *  0: no. */
    double cutmix;
    double mixup_off_epochs; /**< the last so many epochs are without mixing */
    /** A file that is written after every epoch, every checkpoint_seconds within one and when
     *  stopped (atomically: there is a whole one at any time after the first). NULL: none. */
    const char *checkpoint;
    double checkpoint_seconds; /**< 0: 300 */
    bool resume;     /**< go on from the checkpoint if it is there; refused if data or options are
                          others */
    const char *log; /**< a file with one JSON object an epoch; NULL: none */
    /** Where the caller will write the model, so that checkpoint and log are not the same file and
     *  it is none of those that are read; NULL: not said. */
    const char *output;
    /** Called after every batch and at the end of every epoch, from the thread that called
     *  tern_train. false: stop after saving the checkpoint. NULL: never called. */
    bool (*on_progress)(void *user, const tern_train_progress *progress);
    void *user;
    tern_train_result *result; /**< filled on success; may be NULL */
} tern_train_options;
#define TERN_TRAIN_OPTIONS_INIT                                                                    \
    { .size = sizeof(tern_train_options), .epochs = 30, .batch = 32 }

/** Trains a copy of the graph on a data set; *model gets the weights of the best epoch (of the last
 *  one without validation, or with keep_last; with optimizer.ema the averaged weights are what is
 *  validated and kept). options may be NULL. The graph's first output is what the loss is of;
 *  inputs go to its inputs in order. Checkpoint, log and output must be three files and none that
 *  the data sets come from (TERN_ERR_ARGUMENT); only what is a checkpoint, or a log, is replaced by
 *  one. Errors: the graph's own; TERN_ERR_SHAPE if data and graph do
 *  not fit; TERN_ERR_DIVERGED after 5 non-finite losses in a row; TERN_ERR_INTERRUPTED when
 *  on_progress stopped it (the checkpoint is saved); TERN_ERR_IO; what the data set says. *model is
 *  NULL on failure. */
TERN_API tern_status tern_train(tern_model **model, const tern_graph *graph, tern_dataset *dataset,
                                const tern_train_options *options);

/** Mean loss (without label smoothing) and accuracy of a model on a data set, without augmentation;
 *  loss_options NULL: softmax cross-entropy. predictions: NULL, or room for the class of the
 *  greatest logit of each sample [count], for outputs [N, C]. loss and accuracy may be NULL. */
TERN_API tern_status tern_evaluate(const tern_model *model, tern_dataset *dataset, int64_t batch,
                                   const tern_loss_options *loss_options, double *loss,
                                   double *accuracy, int64_t *predictions);

/* ---- one step at a time ---- */

typedef struct tern_trainer tern_trainer;

typedef struct tern_trainer_options {
    size_t size;
    tern_loss_options loss;
    tern_optimizer_options optimizer;
    tern_type target; /**< 0: int64 for softmax, float otherwise; TERN_FLOAT with softmax: soft
                           targets */
    uint64_t seed;    /**< of dropout */
} tern_trainer_options;
#define TERN_TRAINER_OPTIONS_INIT                                                                  \
    { .size = sizeof(tern_trainer_options) }

/** Makes a trainer of a copy of the graph. options may be NULL. */
TERN_API tern_status tern_trainer_create(tern_trainer **trainer, const tern_graph *graph,
                                         const tern_trainer_options *options);
TERN_API void tern_trainer_free(tern_trainer *trainer);
/** Forward, loss, backward, update. inputs: in the order of the graph's inputs; target: see
 *  tern_loss_kind; both are read during the call only. *loss (may be NULL) is the loss before the
 *  update. If the loss or a gradient is not finite nothing changes and *loss is not finite. New
 *  shapes are planned first; with shapes seen before nothing is allocated. Errors: TERN_ERR_SHAPE,
 *  TERN_ERR_ARGUMENT (a class or id out of range). */
TERN_API tern_status tern_trainer_step(tern_trainer *trainer, const tern_tensor *inputs,
                                       size_t n_inputs, const tern_tensor *target, double *loss);
/** The network's output number `output` in the last step, before the update; valid until the
 *  next. */
TERN_API tern_status tern_trainer_output(const tern_trainer *trainer, size_t output,
                                         tern_tensor *view);
/** Sets the learning rate from the next step on. */
TERN_API void tern_trainer_set_learning_rate(tern_trainer *trainer, double learning_rate);
/** Sets momentum (Adam, AdamW: beta1) from the next step on. */
TERN_API void tern_trainer_set_momentum(tern_trainer *trainer, double momentum);
/** A model of the weights as they are now (averaged: the moving averages, if optimizer.ema is on).
 *  The loss is not part of it. */
TERN_API tern_status tern_trainer_model(tern_model **model, const tern_trainer *trainer,
                                        bool averaged);
/** The norm of all gradients of the last step, before clipping. */
TERN_API double tern_trainer_gradient_norm(const tern_trainer *trainer);
/** Updates done so far. */
TERN_API int64_t tern_trainer_steps(const tern_trainer *trainer);
/** Bytes of the plans that are kept, gradients and optimiser state. */
TERN_API size_t tern_trainer_memory(const tern_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
