/* The files that a training writes and those that it must not write over. Internal. */
#ifndef TERN_CORE_TRAINING_H
#define TERN_CORE_TRAINING_H

#include "base.h"
#include "outputs.h"
#include <tern/model.h>
#include <tern/train.h>

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
