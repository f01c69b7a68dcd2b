/* Checkpoints: one safetensors file with all that a run needs to go on with the same bits. Knows
 * the trainer's arrays; what a run remembers besides them is JSON that it does not look into. */
#ifndef TERN_CORE_CHECKPOINT_H
#define TERN_CORE_CHECKPOINT_H

#include "trainer.h"

#include <jansson.h>

/* What a run remembers besides the trainer's arrays. */
typedef struct tern__checkpoint {
    json_t *settings; /* object: what must be the same when resuming */
    json_t *state;    /* object */
    json_t *history;  /* array */
    float *best;      /* all weights, then all buffers, of the best epoch; NULL: none */
} tern__checkpoint;

/* Elements of `best`: of all weights and buffers. */
int64_t tern__checkpoint_elements(const tern_trainer *t);

/* Writes atomically. TERN_ERR_DIVERGED, and no file, if a number is not finite. */
tern_status tern__checkpoint_save(const char *path, const tern_trainer *t,
                                  const tern__checkpoint *checkpoint);
/* Reads into the trainer; checks that the settings are those of checkpoint->settings and names the
 * first one that is not. Sets state and history (to be given back with json_decref); fills best,
 * which has room, if the file has it (*has_best). On failure the trainer's weights are not to be
 * used. */
tern_status tern__checkpoint_load(const char *path, tern_trainer *t, tern__checkpoint *checkpoint,
                                  bool *has_best);

#endif
