/* A run of the training loop: what it consists of, and the parts of it in files of their own. */
#ifndef TERN_CORE_TRAIN_RUN_H
#define TERN_CORE_TRAIN_RUN_H

#include "checkpoint.h"
#include "dataset.h"
#include "evaluate.h"
#include "schedule.h"

/* What a run remembers besides weights: all of it is in a checkpoint. */
typedef struct tern__run_state {
    int64_t epoch;    /* epochs done */
    int64_t position; /* batches done of the epoch under way */
    double loss_sum;  /* over the samples of this epoch's steps that counted */
    int64_t samples, correct, counted;
    int64_t skipped, skipped_in_a_row; /* steps with non-finite loss: in this epoch; up to now */
    double seconds, epoch_seconds;     /* spent training, all sittings together; in this epoch */
    double validation_loss, validation_accuracy; /* of the last epoch that has them */
    int64_t best_epoch;                          /* from 1; 0: none */
    double best_loss, best_accuracy;             /* of validation */
    double best_train_loss, best_train_accuracy;
    double plateau_factor, plateau_best;
    int64_t plateau_bad_epochs, plateau_cooldown;
    int64_t finished, stopped_early; /* as bools */
} tern__run_state;

typedef struct tern__run {
    tern_context *context;
    tern_train_options options; /* complete */
    tern_dataset *dataset;
    tern_trainer *trainer;
    tern__schedule schedule;
    tern__run_state state;
    json_t *settings, *history;
    float *best;     /* weights and buffers of the best epoch; NULL without validation */
    int64_t batches; /* in an epoch */
    int64_t *order;  /* samples of the epoch */
    tern__batch batch;
    float *mixed; /* room for one mixed input */
    size_t mixed_capacity;
    tern_tensor soft_target; /* of mixed samples; data is owned */
    size_t soft_capacity;
    /* Of this sitting only. */
    double saved;                             /* when, by the clock: the last checkpoint */
    double batch_seconds, validation_seconds; /* smoothed; last */
} tern__run;

/* train_state.c: the state as JSON, and what must be the same for a run to be resumed. */
json_t *tern__run_state_to_json(const tern__run_state *state, bool has_best); /* NULL: no memory */
tern_status tern__run_state_from_json(tern_context *c, tern__run_state *state, const json_t *json);
tern_status tern__run_settings(tern__run *r, const tern_graph *network);

/* Are samples mixed? Then targets are of floats. */
static inline bool tern__run_mixes(const tern_train_options *o) {
    return o->mixup > 0 || o->cutmix > 0;
}
/* mixup.c: mixes the samples of run->batch pairwise, and gives the target to train on. logits: the
 * shape of the network's first output. */
tern_status tern__run_mix(tern__run *r, const tern__shape *logits, tern_tensor *target);

/* log.c: the file with a JSON object an epoch. Start writes what the history holds, in place of
 * what was there. */
tern_status tern__log_start(tern_context *c, const char *path, const json_t *history);
tern_status tern__log_append(tern_context *c, const char *path, const json_t *line);
/* The line of the epoch that has just been done. NULL: no memory. */
json_t *tern__log_line(const tern__run *r, bool best, double learning_rate);

#endif
