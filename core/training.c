/* Numbers of recipes and networks of trained models, for the trainings of every domain. Knows no
 * data set and no domain. */
#include "training.h"

#include "dataset.h"
#include "model.h"

#include <tern/transfer.h>

#include <math.h>

void tern__recipe_fill(tern_train_options *o, const tern__recipe *r, int64_t samples) {
    tern_optimizer_options *p = &o->optimizer;
    if (!o->epochs)
        o->epochs = (int)fmin(r->most_epochs,
                              fmax(r->fewest_epochs, round(r->samples_seen / (double)samples)));
    if (!o->batch) o->batch = samples < 4 * r->batch ? (samples + 3) / 4 : r->batch;
    if (r->drop_short) o->drop_last = samples > o->batch && samples % o->batch < o->batch / 2;
    if (p->kind == TERN_OPTIMIZER_ADAMW && p->learning_rate == 0)
        p->learning_rate = r->learning_rate;
    if (p->weight_decay == 0) p->weight_decay = r->weight_decay;
    p->decay_matrices_only = true;
    if (p->ema == 0) p->ema = r->ema;
    if (o->schedule.kind == TERN_SCHEDULE_CONSTANT) o->schedule.kind = r->schedule;
    if (o->loss.label_smoothing == 0) o->loss.label_smoothing = r->label_smoothing;
}

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
                                 i < n_inputs ? inputs[i] : init ? init->path : NULL);
    return st;
}

tern_status tern__training_check_freeze(tern_context *c, const tern_model *init,
                                        const char *freeze_until) {
    if (init || !freeze_until) return TERN_OK;
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      "freezing until '%s' needs a trained model to go on from", freeze_until);
}

tern_status tern__training_go_on(tern_graph **graph, const tern_model *init, int64_t classes,
                                 const char *freeze_until, uint64_t seed) {
    tern_transfer_options t = TERN_TRANSFER_OPTIONS_INIT;
    t.classes = classes;
    t.freeze_until = freeze_until;
    t.seed = seed;
    return tern_transfer(graph, tern_model_graph(init), &t);
}
