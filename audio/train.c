/* Trains a sound classifier: reads the data, splits it, builds the network, fills in the recipe, trains,
 * and puts front end, labels and provenance into the model. Knows its parts' public headers only. */
#include "networks.h"
#include "pipeline.h"
#include "recipe.h"
#include "store.h"

#include "core/dataset.h"
#include "core/training.h"
#include <tern/audio_train.h>

#include <string.h>

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

/* All clips into those to train on and those to validate on (*validation NULL: none). */
static tern_status split(tern_dataset **training, tern_dataset **validation,
                         const tern_audio_dataset *data, tern_context *c,
                         const tern_audio_train_options *o) {
    tern_dataset *all = tern_audio_dataset_samples(data);
    tern_status st = TERN_OK;
    *training = *validation = NULL;
    if (!o->n_validate_folds && o->validate != 0)
        return tern_dataset_split(training, validation, all, o->validate, o->train.seed);
    if (o->n_validate_folds)
        st = tern_audio_dataset_folds(validation, data, o->validate_folds, o->n_validate_folds);
    return st == TERN_OK ? rest(training, all, *validation, c) : st;
}

/* The folds to read: those to train on and those to validate on; all where those to train on are not
 * named. *folds is the caller's to free. */
static tern_status folds_to_read(const char ***folds, size_t *count, tern_context *c,
                                 const tern_audio_train_options *o) {
    const size_t n = o->data.n_folds + o->n_validate_folds;
    for (size_t i = 0; i < o->data.n_folds; i++)
        for (size_t k = 0; k < o->n_validate_folds; k++)
            if (!strcmp(o->data.folds[i], o->validate_folds[k]))
                return tern__fail(c, TERN_ERR_ARGUMENT, "fold '%s' is both to be trained on and to be "
                                  "validated on", o->validate_folds[k]);
    if (!(*folds = tern__alloc(c, (n + 1) * sizeof **folds))) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        (*folds)[i] = i < o->data.n_folds ? o->data.folds[i] : o->validate_folds[i - o->data.n_folds];
    *count = o->data.n_folds ? n : 0;
    return TERN_OK;
}

static tern_status build(tern_graph **graph, tern_context *c, const tern_audio_dataset *data,
                         const tern_audio_train_options *o) {
    if (o->init)
        return tern__training_go_on(graph, o->init, (int64_t)tern_audio_dataset_label_count(data), o->freeze_until,
                                    o->train.seed);
    tern_status st = tern_graph_create(graph, c);
    if (st != TERN_OK) return st;
    const tern_audio_window w = tern_audio_dataset_window(data);
    tern_audio_network_options n = TERN_AUDIO_NETWORK_OPTIONS_INIT;
    n.classes = (int64_t)tern_audio_dataset_label_count(data);
    n.rows = (int64_t)w.rows;
    n.frames = (int64_t)w.frames;
    n.width = o->width;
    n.dropout = o->dropout;
    n.apart = true;
    tern_graph_set_seed(*graph, o->train.seed);
    tern_audio_network_build(*graph, o->network, &n);
    return tern_graph_check(*graph);
}

/* Members were trained each on its own: from now on the model gives their mean, and its validation is that
 * of the mean. */
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

/* The recipe depends on what the data turned out to be. */
static tern_status prepare(tern_audio_dataset *data, tern_context *c, tern_audio_train_options *o,
                           int64_t clips) {
    tern_audio_augmentation a;
    const double seconds = tern_audio_dataset_window(data).seconds;
    if (!o->init) o->network = tern__recipe_network(o, seconds);
    const int members = o->init ? 1 : tern_audio_network_members(o->network);
    tern__audio_dataset_members(data, members > 1 ? members : 0);
    if (o->own_recipe) return TERN_OK;
    tern__recipe_train(o, seconds, clips);
    tern_status st = tern__recipe_augmentation(&a, c, o, seconds);
    return st == TERN_OK ? tern_audio_dataset_vary(data, &a) : st;
}

static tern_status check_options(tern_context *c, const tern_audio_train_options *o) {
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT, "audio training options of size %zu, expected %zu: start "
                          "from TERN_AUDIO_TRAIN_OPTIONS_INIT", o->size, sizeof *o);
    if (o->n_validate_folds && o->validate != 0)
        return tern__fail(c, TERN_ERR_ARGUMENT, "validation is asked for twice: by folds and by a share");
    if (o->init && (o->network || o->width != 0 || o->dropout != 0))
        return tern__fail(c, TERN_ERR_ARGUMENT, "the network is that of the model to go on from; name, width and dropout "
                          "of another one are not for it");
    return tern__training_check_freeze(c, o->init, o->freeze_until);
}

/* The front end and the window of the model to go on from. */
static tern_status take_front_end(tern_audio_dataset_options *d, tern_context *c, const tern_model *init) {
    tern__pipeline before;
    tern_status st = tern__pipeline_read(&before, c, init);
    if (st != TERN_OK) return st;
    d->audio = before.audio;
    d->seconds = before.window.seconds;
    d->waveform = before.waveform;
    d->adapt = false;
    tern__pipeline_free(&before, c);
    return TERN_OK;
}

tern_status tern_audio_train(tern_model **model, tern_context *c, const char *path,
                             const tern_audio_train_options *options) {
    tern_audio_train_options o = TERN_AUDIO_TRAIN_OPTIONS_INIT;
    tern_audio_dataset *data = NULL;
    tern_dataset *training = NULL, *validation = NULL;
    tern_graph *graph = NULL;
    tern_train_result result;
    const char **folds = NULL;
    if (options) o = *options;
    *model = NULL;
    tern_status st = check_options(c, &o);
    if (st == TERN_OK) st = tern__training_check_files(c, &o.train, o.init, &path, 1);
    if (st != TERN_OK) return st;
    tern_audio_dataset_options d = o.data;
    d.waveform = tern_audio_network_waveform(o.network);
    if (o.init && (st = take_front_end(&d, c, o.init)) != TERN_OK) return st;
    const bool waveform = o.data.waveform = d.waveform; /* for the recipe */
    if ((st = folds_to_read(&folds, &d.n_folds, c, &o)) != TERN_OK) goto done;
    d.folds = folds;
    if ((st = tern_audio_dataset_open(&data, c, path, &d)) != TERN_OK) goto done;
    if ((st = tern__pipeline_check_data(c, data)) != TERN_OK) goto done;
    if ((st = split(&training, &validation, data, c, &o)) != TERN_OK) goto done;
    if ((st = tern_audio_dataset_normalize(data, training)) != TERN_OK) goto done;
    if ((st = prepare(data, c, &o, tern_dataset_count(training))) != TERN_OK) goto done;
    if ((st = build(&graph, c, data, &o)) != TERN_OK) goto done;
    tern_train_result *wanted = o.train.result;
    o.train.validation = validation;
    o.train.result = &result;
    if ((st = tern_train(model, graph, training, &o.train)) != TERN_OK) goto done;
    if (!o.init && tern_audio_network_members(o.network) > 1 &&
        (st = join(model, data, validation, &o.train.loss, &result)) != TERN_OK) goto done;
    if (wanted) *wanted = result;
    st = tern__pipeline_write(*model, c, data, waveform);
    if (st == TERN_OK)
        st = tern__metadata_set_training(*model, c, tern__metadata_network_of(o.init, o.network, tern_audio_network_name),
                                         o.train.seed, tern__metadata_facts("clips", tern_dataset_count(training),
                                                              &o.train, &result), path);
done:
    if (st != TERN_OK) {
        tern_model_free(*model);
        *model = NULL;
    }
    tern_graph_free(graph);
    tern_dataset_free(validation);
    tern_dataset_free(training);
    tern_audio_dataset_free(data);
    tern__free(c, folds);
    return st;
}
