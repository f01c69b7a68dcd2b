/* What the options of every training are called, the files that a training writes and those that it
 * must not write over. Internal. */
#ifndef TERN_CORE_TRAINING_H
#define TERN_CORE_TRAINING_H

#include "core/base/base.h"
#include "core/graph/options.h"
#include "core/base/outputs.h"
#include <tern/model.h>
#include <tern/train.h>

/* Rows of the tables of structs that have a tern_train_options, train: ranges are the command's.
 * What an epoch, a batch and the decay are is the domain's to say. */
#define TERN__TRAINING_STEPS(type, epoch, batch_)                                                  \
    TERN__ROW("epochs", INT, type, train.epochs, 1, 100000, "N", epoch, .letter = 'e'),            \
        TERN__ROW("batch", INT64, type, train.batch, 1, 65536, "N", batch_, .letter = 'b')
#define TERN__TRAINING_RATES(type, decay)                                                          \
    TERN__ROW("lr", REAL, type, train.optimizer.learning_rate, 1e-9, 100, "X",                     \
              "the highest learning rate"),                                                        \
        TERN__ROW("weight-decay", REAL, type, train.optimizer.weight_decay, 0, 10, "X", decay),    \
        TERN__ROW("ema", REAL, type, train.optimizer.ema, 0, 0.999999, "X",                        \
                  "the model is a moving average of the weights over\nabout 1 / (1 - X) steps")
#define TERN__TRAINING_SMOOTHING(type)                                                             \
    TERN__ROW("label-smoothing", REAL, type, train.loss.label_smoothing, 0, 0.99, "X",             \
              "share of a label that goes to all of them alike")
#define TERN__TRAINING_MIXING(type, samples)                                                       \
    TERN__ROW("mixup", REAL, type, train.mixup, 0, 10, "A", "strength of mixing " samples),        \
        TERN__TRAINING_SMOOTHING(type)
#define TERN__TRAINING_FREEZE(type)                                                                \
    TERN__TEXT_ROW("freeze-until", type, freeze_until, "NODE",                                     \
                   "with --init: train only what comes after this node;\n"                         \
                   "all-but-last: only the last layer")
#define TERN__TRAINING_END(type)                                                                   \
    TERN__ROW("patience", INT, type, train.patience, 1, 100000, "N",                               \
              "stop after N epochs without a better validation"),                                  \
        TERN__ROW("seed", SEED, type, train.seed, 0, 9e18, "N", "of all random numbers (0)",       \
                  .letter = 's')

/* What a training writes. */
enum { TERN__TRAINING_FILES = 3 };
typedef struct tern__training_files {
    tern__output at[TERN__TRAINING_FILES];
} tern__training_files;
/* Refuses two that are the same, and to write over a checkpoint or a log that is none. */
tern_status tern__training_files_look(tern__training_files *files, tern_context *c,
                                      const tern_train_options *o);
/* The same, and refuses to write over a file that the data, or those to validate on, come from. */
tern_status tern__training_spare_data(tern_context *c, const tern_train_options *o,
                                      const tern_dataset *data);
/* Refuses to write over these inputs (NULL: none) and the file of init, which tern_train does not
 * see, or not before all data are read. */
tern_status tern__training_check_files(tern_context *c, const tern_train_options *o,
                                       const tern_model *init, const char *const *inputs,
                                       size_t n_inputs);

#endif
