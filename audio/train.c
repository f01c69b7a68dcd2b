/* Trains a sound classifier: what core/task/train.c asks of sounds. */
#include "networks.h"
#include "options.h"
#include "pipeline.h"
#include "store.h"

#include "core/train/dataset.h"
#include <tern/audio_train.h>

#include <string.h>

typedef struct run {
    tern__job job;
    tern_audio_train_options o;
    tern_audio_dataset *data;
    const tern__audio_network *network; /* of the recipe */
    bool waveform;
} run;

/* ---- data ---- */

static bool is_left(const void *taken, int64_t clip) { return !((const bool *)taken)[clip]; }

/* The clips that are not in `without`. */
static tern_status rest(tern_dataset **subset, tern_dataset *all, const tern_dataset *without,
                        tern_context *c) {
    bool *taken = tern__calloc(c, (size_t)tern_dataset_count(all), sizeof *taken);
    if (!taken) return TERN_ERR_MEMORY;
    for (int64_t i = 0; without && i < tern_dataset_count(without); i++)
        taken[tern_dataset_source_sample(without, i)] = true;
    tern_status st = tern__dataset_pick(subset, all, is_left, taken);
    tern__free(c, taken);
    if (st == TERN_OK && !*subset)
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "all clips are to be validated on; none is left to train on");
    return st;
}

static tern_status split(tern__job *j) {
    const run *r = (const run *)j;
    tern_status st = TERN_OK;
    if (r->o.n_validate_folds)
        st = tern_audio_dataset_folds(&j->validation, r->data, r->o.validate_folds,
                                      r->o.n_validate_folds);
    return st == TERN_OK ? rest(&j->training, j->all, j->validation, j->context) : st;
}

/* The folds to read: those to train on and those to validate on; all where those to train on are
 * not named. *folds is the caller's to free. */
static tern_status folds_to_read(const char ***folds, size_t *count, tern_context *c,
                                 const tern_audio_train_options *o) {
    const size_t n = o->data.n_folds + o->n_validate_folds;
    for (size_t i = 0; i < o->data.n_folds; i++)
        for (size_t k = 0; k < o->n_validate_folds; k++)
            if (!strcmp(o->data.folds[i], o->validate_folds[k]))
                return tern__fail(c, TERN_ERR_ARGUMENT,
                                  "fold '%s' is both to be trained on and to be "
                                  "validated on",
                                  o->validate_folds[k]);
    if (!(*folds = tern__alloc(c, (n + 1) * sizeof **folds))) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        (*folds)[i] =
            i < o->data.n_folds ? o->data.folds[i] : o->validate_folds[i - o->data.n_folds];
    *count = o->data.n_folds ? n : 0;
    return TERN_OK;
}

/* The front end and the window of the model to go on from. */
static tern_status take_front_end(tern_audio_dataset_options *d, tern_context *c,
                                  const tern_model *init) {
    tern__audio_pipeline before;
    tern_status st = tern__audio_pipeline_read(&before, c, init);
    if (st != TERN_OK) return st;
    d->audio = before.audio;
    d->seconds = before.window.seconds;
    d->waveform = before.waveform;
    d->adapt = false;
    tern__audio_pipeline_free(&before, c);
    return TERN_OK;
}

static tern_status open_clips(tern__job *j) {
    run *r = (run *)j;
    tern_context *c = j->context;
    const char **folds = NULL;
    tern_audio_dataset_options d = r->o.data;
    d.waveform = tern_audio_network_waveform(j->network);
    tern_status st = r->o.init ? take_front_end(&d, c, r->o.init) : TERN_OK;
    r->waveform = d.waveform;
    if (st == TERN_OK) st = folds_to_read(&folds, &d.n_folds, c, &r->o);
    d.folds = folds;
    if (st == TERN_OK) st = tern_audio_dataset_open(&r->data, c, j->path, &d);
    tern__free(c, folds);
    if (st != TERN_OK) return st;
    j->all = tern_audio_dataset_samples(r->data);
    j->classes = (int64_t)tern_audio_dataset_label_count(r->data);
    return TERN_OK;
}

/* Network and variation depend on what the data turned out to be. */
static tern_status fit(tern__job *j) {
    run *r = (run *)j;
    const bool brief = tern_audio_dataset_window(r->data).seconds < TERN__SHORT_SECONDS;
    tern_status st = tern_audio_dataset_normalize(r->data, j->training);
    if (st != TERN_OK) return st;
    r->network = tern__audio_network_row(j->network, r->waveform, brief);
    if (!r->o.init && !j->network) j->network = r->network->name;
    const int members = r->o.init ? 1 : tern_audio_network_members(j->network);
    tern__audio_dataset_members(r->data, members > 1 ? members : 0);
    if (r->o.own_recipe) return TERN_OK;
    tern_audio_augmentation a = {0};
    if (!r->o.no_augmentation) a = r->network->recipes[brief]->augmentation;
    st = tern__options_from_text(&tern__audio_augmentation, &a, j->context, r->o.augmentation);
    return st == TERN_OK ? tern_audio_dataset_vary(r->data, &a) : st;
}

/* ---- network ---- */

static void recipe(tern__job *j, tern__recipe *recipe_) {
    const run *r = (const run *)j;
    *recipe_ = r->network->recipes[tern_audio_dataset_window(r->data).seconds < TERN__SHORT_SECONDS]
                   ->train;
    if (r->o.no_augmentation) recipe_->mixup = 0;
}

static void build(tern_graph *g, tern__job *j) {
    const run *r = (const run *)j;
    const tern_audio_window w = tern_audio_dataset_window(r->data);
    tern_audio_network_options n = TERN_AUDIO_NETWORK_OPTIONS_INIT;
    n.classes = j->classes;
    n.rows = (int64_t)w.rows;
    n.frames = (int64_t)w.frames;
    n.width = r->o.width;
    n.dropout = r->o.dropout;
    n.apart = true;
    tern_audio_network_build(g, j->network, &n);
}

/* Members were trained each on its own: from now on the model gives their mean, and its validation
 * is that of the mean. */
static tern_status join(tern_model **model, tern_audio_dataset *data, tern_dataset *validation,
                        const tern_loss_options *loss, tern_train_result *result) {
    tern_graph *graph;
    tern_status st = tern_graph_clone(&graph, tern_model_graph(*model));
    if (st != TERN_OK) return st;
    tern_model_free(*model);
    tern__audio_network_join(graph);
    st = tern_model_create(model, graph);
    tern_graph_free(graph);
    if (st != TERN_OK || !validation) return st;
    tern__audio_dataset_members(data, 0);
    return tern_evaluate(*model, validation, 0, loss, &result->validation_loss,
                         &result->validation_accuracy, NULL);
}

static tern_status finish(tern_model **model, tern__job *j) {
    const run *r = (const run *)j;
    if (r->o.init || tern_audio_network_members(j->network) < 2) return TERN_OK;
    return join(model, r->data, j->validation, &j->train->loss, &j->result);
}

static const char *label(const tern__job *j, int64_t i) {
    return tern_audio_dataset_label(((const run *)j)->data, (size_t)i);
}

static tern_status write_pipeline(tern_model *model, tern__job *j) {
    return tern__audio_pipeline_write(model, j->context, ((run *)j)->data, ((run *)j)->waveform);
}

static void close_clips(tern__job *j) { tern_audio_dataset_free(((run *)j)->data); }

static const tern__task task = {.samples = "clips",
                                .options = "audio training options",
                                .initializer = "TERN_AUDIO_TRAIN_OPTIONS_INIT",
                                .options_size = sizeof(tern_audio_train_options),
                                .own = "name, width and dropout",
                                .network_name = tern_audio_network_name,
                                .open = open_clips,
                                .split = split,
                                .fit = fit,
                                .recipe = recipe,
                                .build = build,
                                .finish = finish,
                                .label = label,
                                .write = write_pipeline,
                                .close = close_clips};

tern_status tern_audio_train(tern_model **model, tern_context *c, const char *path,
                             const tern_audio_train_options *options) {
    run r = {.o = TERN_AUDIO_TRAIN_OPTIONS_INIT};
    const tern_audio_train_options *o = &r.o;
    if (options) r.o = *options;
    r.job = (tern__job){.task = &task,
                        .context = c,
                        .path = path,
                        .network = o->network,
                        .train = &r.o.train,
                        .given = {.size = o->size,
                                  .init = o->init,
                                  .freeze_until = o->freeze_until,
                                  .own_recipe = o->own_recipe,
                                  .validate = o->validate,
                                  .owns = o->network || o->width != 0 || o->dropout != 0,
                                  .validated = o->n_validate_folds ? "folds" : NULL,
                                  .inputs = {path}}};
    return tern__job_train(model, &r.job);
}
