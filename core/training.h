/* What the trainings of every domain do around tern_train: fill in the numbers of a recipe, go on
 * from a trained model. Internal. */
#ifndef TERN_CORE_TRAINING_H
#define TERN_CORE_TRAINING_H

#include "base.h"
#include "outputs.h"
#include <tern/model.h>
#include <tern/train.h>

/* How long and how fast a kind of network is trained, unless the caller says otherwise. */
typedef struct tern__recipe {
    double samples_seen; /* in all: the epochs follow from the number of samples */
    int fewest_epochs, most_epochs;
    int64_t batch;
    double learning_rate, weight_decay, label_smoothing, ema;
    tern_schedule_kind schedule;
    bool drop_short; /* a short last batch has poor statistics for BatchNormalization */
} tern__recipe;

/* Fills in what is 0 (of AdamW, the rate; of the schedule, constant) for so many samples an epoch;
 * only matrices decay. */
void tern__recipe_fill(tern_train_options *o, const tern__recipe *r, int64_t samples);

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

/* Freezing needs a trained model (init): TERN_ERR_ARGUMENT without one. */
tern_status tern__training_check_freeze(tern_context *c, const tern_model *init,
                                        const char *freeze_until);
/* The network of a trained model with a new last layer for so many classes. */
tern_status tern__training_go_on(tern_graph **graph, const tern_model *init, int64_t classes,
                                 const char *freeze_until, uint64_t seed);

#endif
