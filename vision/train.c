/* Trains a network of masks: reads the data, splits it, builds the network, fills in the recipe,
 * trains, chooses the threshold, and puts everything that a mask needs into the model. Knows its
 * parts' public headers only. */
#include "pipeline.h"
#include "recipe.h"

#include "core/dataset.h"
#include "core/session.h"
#include "core/training.h"

#include <math.h>
#include <string.h>

/* What one call works with. */
typedef struct run {
    tern_context *context;
    tern_vision_train_options o;
    const char *pictures;
    tern_vision_dataset *data, *other; /* other: validation pictures in a folder of their own */
    tern_dataset *training, *validation;
    tern_graph *graph;
    tern__vision_pipeline before; /* of the model to go on from */
    int64_t multiple;
    int classes;
} run;

/* ---- data ---- */

/* The file's name without folder and ending is `name`. */
static bool is_named(const char *file, const char *name) {
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file,
               *dot = strrchr(base, '.');
    const size_t length = dot ? (size_t)(dot - base) : strlen(base);
    return strlen(name) == length && !strncmp(base, name, length);
}

static bool is_chosen(const run *r, int64_t picture) {
    for (size_t i = 0; i < r->o.n_validate_names; i++)
        if (is_named(tern_vision_dataset_file(r->data, picture), r->o.validate_names[i]))
            return true;
    return false;
}

static tern_status check_names(const run *r) {
    for (size_t i = 0; i < r->o.n_validate_names; i++) {
        bool found = false;
        for (int64_t k = 0; !found && k < tern_vision_dataset_pictures(r->data); k++)
            found = is_named(tern_vision_dataset_file(r->data, k), r->o.validate_names[i]);
        if (!found)
            return tern__fail(r->context, TERN_ERR_ARGUMENT,
                              "no picture in %s is called '%s', which is to be validated "
                              "on (names are without ending)",
                              r->pictures, r->o.validate_names[i]);
    }
    return TERN_OK;
}

static bool is_validated_on(const void *user, int64_t sample) {
    const run *r = user;
    return is_chosen(r, tern_dataset_group(tern_vision_dataset_samples(r->data), sample));
}
static bool is_trained_on(const void *user, int64_t sample) {
    return !is_validated_on(user, sample);
}

static tern_status split(run *r) {
    const tern_vision_train_options *o = &r->o;
    tern_dataset *all = tern_vision_dataset_samples(r->data);
    if (o->validate != 0)
        return tern_dataset_split(&r->training, &r->validation, all, o->validate, o->train.seed);
    tern_status st = check_names(r);
    if (st == TERN_OK) st = tern__dataset_pick(&r->training, all, is_trained_on, r);
    if (st == TERN_OK && !r->training)
        return tern__fail(r->context, TERN_ERR_ARGUMENT,
                          "all pictures are to be validated on; none is left to train on");
    if (st == TERN_OK && o->n_validate_names)
        st = tern__dataset_pick(&r->validation, all, is_validated_on, r);
    return st;
}

/* Opens the pictures with a window that fits any of them, to see what they are; what the log has to
 * say of them comes when they are opened again. */
static tern_status look(run *r, int *width, int *height, int64_t *pictures) {
    tern_vision_dataset_options d = r->o.data;
    tern_vision_dataset *data = NULL;
    void (*const on_log)(void *user, tern_log_level level, const char *line) = r->context->on_log;
    d.crop_width = d.crop_height = (int)r->multiple;
    d.width = d.height = 0;
    d.crops = 1;
    d.border_weight = 0;
    r->context->on_log = NULL;
    tern_status st = tern_vision_dataset_open(&data, r->context, r->pictures, &d);
    r->context->on_log = on_log;
    if (st != TERN_OK) return st;
    r->classes = tern_vision_dataset_classes(data);
    *pictures = tern_vision_dataset_pictures(data);
    tern_vision_dataset_size(data, 0, width, height);
    for (int64_t i = 1; i < *pictures; i++) {
        int w, h;
        tern_vision_dataset_size(data, i, &w, &h);
        if (w != *width || h != *height) *width = *height = 0;
    }
    double shares[255];
    tern_vision_dataset_shares(data, shares);
    double rest = 0;
    for (int i = 1; i < r->classes; i++) rest += shares[i];
    if (!(rest > 0))
        st = tern__fail(r->context, TERN_ERR_FORMAT,
                        "all masks in %s are empty: there is nothing to learn", r->o.data.masks);
    tern_vision_dataset_free(data);
    return st;
}

static tern_status open_other(run *r) {
    tern_vision_dataset_options d = r->o.data;
    if (!r->o.validate_pictures) return TERN_OK;
    d.masks = r->o.validate_masks;
    d.fov = r->o.validate_fov;
    d.classes = r->classes;
    d.channels = tern_vision_dataset_channels(r->data);
    tern_status st = tern_vision_dataset_open(&r->other, r->context, r->o.validate_pictures, &d);
    if (st == TERN_OK)
        st = tern_vision_dataset_set_normalization(r->other,
                                                   tern_vision_dataset_normalization(r->data));
    if (st == TERN_OK) r->validation = tern_vision_dataset_samples(r->other);
    return st;
}

/* What the model to go on from takes is what it will take. */
static tern_status take_window(run *r) {
    tern_vision_dataset_options *d = &r->o.data;
    const int channels = r->before.normalization.channels;
    if (d->channels && d->channels != channels)
        return tern__fail(r->context, TERN_ERR_ARGUMENT,
                          "the model to go on from sees pictures of %d channels, not of %d", channels,
                          d->channels);
    d->channels = channels;
    if (!d->crop_width && !d->width) d->width = r->before.width, d->height = r->before.height;
    return TERN_OK;
}

/* Everything about the data; needs the network's multiple. */
static tern_status open_data(run *r) {
    tern_vision_dataset_options *d = &r->o.data;
    tern_vision_augmentation augmentation;
    int64_t pictures;
    int width, height;
    tern_status st = r->o.init ? take_window(r) : TERN_OK;
    if (st == TERN_OK) st = look(r, &width, &height, &pictures);
    if (st != TERN_OK) return st;
    tern__vision_recipe_window(&r->o, width, height, r->multiple);
    tern__vision_recipe_crops(&r->o, pictures);
    d->classes = r->classes;
    if ((st = tern__vision_recipe_loss(&r->o.train.loss, &d->target, r->context, r->o.loss,
                                       r->classes, d->border_weight > 0)) != TERN_OK ||
        (st = tern__vision_recipe_augmentation(&augmentation, r->context, &r->o)) != TERN_OK)
        return st;
    d->augmentation = augmentation;
    st = tern_vision_dataset_open(&r->data, r->context, r->pictures, d);
    if (st == TERN_OK) st = split(r);
    if (st == TERN_OK) st = tern_vision_dataset_normalize(r->data, r->training);
    return st == TERN_OK ? open_other(r) : st;
}

/* ---- network ---- */

static int outputs(const run *r) { return r->classes > 2 ? r->classes : 1; }

static tern_status build(tern_graph **graph, const run *r, int channels, int classes) {
    const tern_vision_train_options *o = &r->o;
    tern_vision_network_options n = TERN_VISION_NETWORK_OPTIONS_INIT;
    tern_status st = tern_graph_create(graph, r->context);
    if (st != TERN_OK) return st;
    n.channels = channels;
    n.classes = classes;
    n.width = o->width;
    n.depth = o->depth;
    n.dropout = o->dropout;
    n.no_normalization = o->no_normalization;
    n.resize = o->resize;
    n.reflect = o->reflect;
    tern_graph_set_seed(*graph, o->train.seed);
    tern_vision_network_build(*graph, o->network, &n);
    return tern_graph_check(*graph);
}

static tern_status go_on(tern_graph **graph, const run *r) {
    return tern__training_go_on(graph, r->o.init, r->classes == r->before.classes ? 0 : outputs(r),
                                r->o.freeze_until, r->o.train.seed);
}

/* What sides must be multiples of; the same for any number of channels and classes. */
static tern_status find_multiple(run *r) {
    tern_graph *graph = NULL;
    tern_vision_reach reach;
    tern_status st = r->o.init ? TERN_OK : build(&graph, r, 1, 1);
    if (st == TERN_OK)
        st = tern_vision_network_reach(&reach, r->o.init ? tern_model_graph(r->o.init) : graph);
    if (st == TERN_OK)
        r->multiple = reach.multiple[0] > reach.multiple[1] ? reach.multiple[0] : reach.multiple[1];
    tern_graph_free(graph);
    return st;
}

/* ---- the model ---- */

static tern_status find_bits(int *bits, const run *r) {
    tern_image image;
    const char *first = tern_vision_dataset_file(r->data, 0);
    const tern_status st = tern_image_probe(&image, r->context, first, NULL);
    *bits = st == TERN_OK && image.bits == 16 ? 16 : 8;
    return st;
}

static tern_status write_pipeline(const run *r, tern_model *model, double threshold) {
    tern__vision_pipeline p = {.classes = r->classes,
                               .threshold = threshold,
                               .normalization = *tern_vision_dataset_normalization(r->data)};
    const tern_status st = find_bits(&p.bits, r);
    if (st != TERN_OK) return st;
    if (r->o.data.width && !r->o.data.crop_width) {
        p.width = r->o.data.width;
        p.height = r->o.data.height;
    }
    return tern__vision_pipeline_write(model, r->context, &p);
}

/* Is a picture one of those that the scores are of? */
static bool holds(const tern_dataset *samples, int64_t picture) {
    for (int64_t i = 0; i < tern_dataset_count(samples); i++)
        if (tern_dataset_group(samples, i) == picture) return true;
    return false;
}

/* Masks of whole pictures against the true ones. */
static tern_status score(tern_mask_metrics **metrics, const run *r, const tern_model *model) {
    enum { MOST_TRAINED = 32 };
    const tern_vision_dataset *data = r->other ? r->other : r->data;
    const tern_dataset *samples = r->validation ? r->validation : r->training;
    tern_vision_segment_options so = TERN_VISION_SEGMENT_OPTIONS_INIT;
    tern_session *session = NULL;
    int64_t left = r->validation ? INT64_MAX : MOST_TRAINED;
    so.probability = r->classes == 2;
    so.memory = 2e9;
    tern_status st = tern_mask_metrics_create(metrics, r->context, r->classes);
    if (st == TERN_OK) st = tern__session_create(&session, model, r->context);
    for (int64_t i = 0; st == TERN_OK && i < tern_vision_dataset_pictures(data) && left > 0; i++) {
        tern_image image = {0};
        tern_mask truth = {0}, mask = {0};
        if (!holds(samples, i)) continue;
        left--;
        st = tern_vision_dataset_read(data, i, &image, &truth);
        if (st == TERN_OK && (st = tern_vision_segment(session, &image, &so, &mask)) != TERN_OK)
            tern__fail(r->context, st, "%s: %s", tern_vision_dataset_file(data, i),
                       tern_session_message(session));
        if (st == TERN_OK) st = tern_mask_metrics_add(*metrics, &mask, &truth, NULL);
        tern_image_free(&image);
        tern_mask_free(&truth);
        tern_mask_free(&mask);
    }
    tern_session_free(session);
    return st;
}

/* The threshold is the one with the best Dice. */
static tern_status finish(const run *r, tern_model *model, tern_vision_train_result *result) {
    tern_mask_metrics *metrics = NULL;
    result->threshold = NAN;
    tern_status st = write_pipeline(r, model, 0.5);
    if (st == TERN_OK) st = score(&metrics, r, model);
    if (st == TERN_OK && r->classes == 2) {
        result->threshold = tern_mask_metrics_best_threshold(metrics, NULL);
        result->scores = tern_mask_metrics_scores_at(metrics, result->threshold);
        st = write_pipeline(r, model, result->threshold);
    } else if (st == TERN_OK) {
        result->scores = tern_mask_metrics_scores(metrics);
    }
    tern_mask_metrics_free(metrics);
    return st;
}

static tern_status write_provenance(const run *r, tern_model *model,
                                    const tern_vision_train_result *result) {
    const tern_vision_train_options *o = &r->o;
    const tern_mask_scores *scores = &result->scores;
    const char *network = tern__metadata_network_of(o->init, o->network, tern_vision_network_name);
    char *varied = NULL;
    tern_status st = tern_vision_augmentation_text(&varied, r->context, &o->data.augmentation);
    if (st != TERN_OK) return st;
    json_t *facts = json_pack(
        "{s:I, s:I, s:i, s:i, s:I, s:i, s:i, s:f, s:s, s:o, s:s, s:o, s:o, s:o}", "pictures",
        (json_int_t)result->pictures, "validation_pictures",
        (json_int_t)result->validation_pictures, "epochs", result->train.epochs, "epoch",
        result->train.epoch, "batch", (json_int_t)o->train.batch, "crop", o->data.crop_width,
        "crops", o->data.crops, "learning_rate", o->train.optimizer.learning_rate, "augmentation",
        varied, "loss", tern__json_number(result->train.loss), "scored",
        result->validated ? "validation" : "training", "iou", tern__json_number(scores->iou),
        "dice", tern__json_number(scores->dice), "accuracy", tern__json_number(scores->accuracy));
    tern_free(r->context, varied);
    return tern__metadata_set_training(model, r->context, network, o->train.seed, facts,
                                       r->pictures);
}

/* ---- the call ---- */

static tern_status check_options(tern_context *c, const tern_vision_train_options *o) {
    const int ways =
        (o->validate != 0) + (o->n_validate_names > 0) + (o->validate_pictures != NULL);
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "vision training options of size %zu, expected %zu: start from "
                          "TERN_VISION_TRAIN_OPTIONS_INIT",
                          o->size, sizeof *o);
    if (!o->data.masks)
        return tern__fail(c, TERN_ERR_ARGUMENT, "there is no folder of masks to train with");
    if (o->init && (o->network || o->width || o->depth || o->dropout != 0 || o->no_normalization ||
                    o->resize || o->reflect))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the network is that of the model to go on from; name, width, depth and so on "
                          "of another one are not for it");
    if (o->data.border_sigma > 0 && !(o->data.border_weight > 0))
        return tern__fail(c, TERN_ERR_ARGUMENT, "border_sigma is %g, but border_weight is 0",
                          o->data.border_sigma);
    if (ways > 1)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "validation is asked for in %d ways; one of share, names, folder is "
                          "possible",
                          ways);
    if (o->validate_pictures && !o->validate_masks)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the pictures to validate on, %s, have no folder of masks",
                          o->validate_pictures);
    const char *const inputs[] = {o->data.masks, o->data.fov, o->validate_pictures, o->validate_masks};
    tern_status st = tern__training_check_files(c, &o->train, o->init, inputs, 4);
    return st == TERN_OK ? tern__training_check_freeze(c, o->init, o->freeze_until) : st;
}

static void count_pictures(const run *r, tern_vision_train_result *result) {
    const int64_t all = tern_vision_dataset_pictures(r->data);
    result->validated = r->validation != NULL;
    for (int64_t i = 0; i < all; i++) result->pictures += holds(r->training, i);
    result->validation_pictures =
        r->other ? tern_vision_dataset_pictures(r->other) : all - result->pictures;
}

static tern_status train(run *r, tern_model **model, tern_vision_train_result *result) {
    tern_status st = r->o.init ? tern__vision_pipeline_read(&r->before, r->context, r->o.init) : TERN_OK;
    if (st == TERN_OK) st = find_multiple(r);
    if (st == TERN_OK) st = open_data(r);
    if (st != TERN_OK) return st;
    if (!r->o.own_recipe) tern__vision_recipe_train(&r->o, tern_dataset_count(r->training));
    st = r->o.init ? go_on(&r->graph, r)
                   : build(&r->graph, r, tern_vision_dataset_channels(r->data), outputs(r));
    if (st != TERN_OK) return st;
    tern_train_result *wanted = r->o.train.result;
    r->o.train.validation = r->validation;
    r->o.train.monitor = r->validation ? TERN_MONITOR_LOSS : TERN_MONITOR_AUTO;
    r->o.train.result = &result->train;
    st = tern_train(model, r->graph, r->training, &r->o.train);
    if (st != TERN_OK) return st;
    if (wanted) *wanted = result->train;
    count_pictures(r, result);
    st = finish(r, *model, result);
    return st == TERN_OK ? write_provenance(r, *model, result) : st;
}

tern_status tern_vision_train(tern_model **model, tern_context *c, const char *pictures,
                              const tern_vision_train_options *options,
                              tern_vision_train_result *result) {
    tern_vision_train_result own;
    run r = {.context = c, .pictures = pictures, .o = TERN_VISION_TRAIN_OPTIONS_INIT};
    *model = NULL;
    if (options) r.o = *options;
    if (!result) result = &own;
    memset(result, 0, sizeof *result);
    tern_status st = check_options(c, &r.o);
    if (st == TERN_OK) st = train(&r, model, result);
    if (st != TERN_OK) {
        tern_model_free(*model);
        *model = NULL;
    }
    tern_graph_free(r.graph);
    if (!r.other) tern_dataset_free(r.validation);
    tern_dataset_free(r.training);
    tern_vision_dataset_free(r.other);
    tern_vision_dataset_free(r.data);
    return st;
}
