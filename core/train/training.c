/* The files of a training: what it writes is nothing that it reads, and nothing else is written
 * over. Knows no domain. */
#include "training.h"

#include "dataset.h"
#include "core/graph/model.h"

tern_status tern__training_files_look(tern__training_files *files, tern_context *c,
                                      const tern_train_options *o) {
    *files = (tern__training_files){{{.what = "the model", .path = o->output},
                                     {.what = "the checkpoint", .path = o->checkpoint},
                                     {.what = "the log", .path = o->log}}};
    tern_status st = tern__outputs_look(c, files->at, TERN__TRAINING_FILES);
    if (st == TERN_OK && !o->resume) /* else it is read, and must be one */
        st = tern__output_keeps(c, &files->at[1], "\"tern.checkpoint\"", -1);
    return st == TERN_OK ? tern__output_keeps(c, &files->at[2], "{\"epoch\":", 0) : st;
}

tern_status tern__training_spare_data(tern_context *c, const tern_train_options *o,
                                      const tern_dataset *data) {
    const tern_dataset *const sets[] = {data, o->validation};
    tern__training_files files;
    const char *path;
    tern_status st = tern__training_files_look(&files, c, o);
    for (int k = 0; k < 2 && sets[k]; k++)
        for (size_t i = 0; st == TERN_OK && (path = tern__dataset_file(sets[k], i)); i++)
            st = tern__outputs_spare(c, files.at, TERN__TRAINING_FILES, path);
    return st;
}

tern_status tern__training_check_files(tern_context *c, const tern_train_options *o,
                                       const tern_model *init, const char *const *inputs,
                                       size_t n_inputs) {
    tern__training_files files;
    tern_status st = tern__training_files_look(&files, c, o);
    for (size_t i = 0; st == TERN_OK && i <= n_inputs; i++)
        st = tern__outputs_spare(c, files.at, TERN__TRAINING_FILES,
                                 i < n_inputs ? inputs[i]
                                 : init       ? init->path
                                              : NULL);
    return st;
}
