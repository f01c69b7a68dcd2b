/* Trains a network of masks: what core/task/train.c asks of pictures and masks. The threshold is
 * chosen when the network is there. */
#include "networks.h"
#include "pipeline.h"

#include "core/base/arithmetic.h"
#include "core/graph/choices.h"
#include "core/train/dataset.h"
#include "core/plan/session.h"

#include <tern/vision_train.h>

#include <math.h>
#include <string.h>

enum {
    CROP = 128,          /* side of a crop */
    SIZE = 192,          /* side that pictures of several sizes are brought to */
    EPOCH_SAMPLES = 160, /* an epoch of crops has about so many */
};

/* What one call works with. */
typedef struct run {
    tern__job job;
    tern_vision_train_options o;
    tern_vision_dataset *data, *other; /* other: validation pictures in a folder of their own */
    tern__vision_pipeline before;      /* of the model to go on from */
    int64_t multiple;
    int classes;
    tern_vision_train_result *result;
} run;

static const tern__vision_recipe *recipe_of(const run *r) {
    const tern__vision_network *n = tern__vision_network_row(r->job.network);
    return r->o.data.width ? n->photos : n->crops;
}

/* ---- losses ---- */

/* Cross-entropy is a kind for one logit and another for one a class; the others are told by the
 * target. */
static const struct named_loss {
    const char *name;
    tern_loss_kind kind;
} losses[] = {
    {"ce+dice", TERN_LOSS_CROSS_ENTROPY_DICE}, /* the default */
    {"ce", TERN_LOSS_SOFTMAX_CROSS_ENTROPY},
    {"dice", TERN_LOSS_DICE},
    {"focal", TERN_LOSS_FOCAL},
    {"tversky", TERN_LOSS_TVERSKY},
    {"lovasz", TERN_LOSS_LOVASZ},
};
enum { LOSSES = sizeof losses / sizeof *losses };

const char *tern_vision_loss_name(size_t index) {
    return index < LOSSES ? losses[index].name : NULL;
}

/* The loss of this name (NULL: the default), and the target that it needs. borders: pixels have
 * weights besides whether they count. */
static tern_status find_loss(tern_loss_options *loss, tern_vision_target *target, tern_context *c,
                             const char *name, int classes, bool borders) {
    const struct named_loss *found = tern__choice_find(TERN__CHOICES(losses), name);
    char names[200];
    if (!found)
        return tern__fail(c, TERN_ERR_ARGUMENT, "there is no loss '%s'; there are %s", name,
                          tern__choice_names(TERN__CHOICES(losses), names, sizeof names));
    if (borders && found->kind == TERN_LOSS_LOVASZ)
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "border_weight has no part in the loss 'lovasz', which knows only whether "
            "a pixel counts; take another loss");
    loss->kind = found->kind;
    loss->weighted = classes == 2 || borders; /* one logit: 0 where a pixel does not count */
    if (classes == 2 && loss->kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY)
        loss->kind = TERN_LOSS_BINARY_CROSS_ENTROPY;
    *target = loss->weighted ? TERN_VISION_TARGET_WEIGHTED : TERN_VISION_TARGET_CLASSES;
    return TERN_OK;
}

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
            return tern__fail(r->job.context, TERN_ERR_ARGUMENT,
                              "no picture in %s is called '%s', which is to be validated "
                              "on (names are without ending)",
                              r->job.path, r->o.validate_names[i]);
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

static tern_status split(tern__job *j) {
    run *r = (run *)j;
    tern_status st = check_names(r);
    if (st == TERN_OK) st = tern__dataset_pick(&j->training, j->all, is_trained_on, r);
    if (st == TERN_OK && !j->training)
        return tern__fail(j->context, TERN_ERR_ARGUMENT,
                          "all pictures are to be validated on; none is left to train on");
    if (st == TERN_OK && r->o.n_validate_names)
        st = tern__dataset_pick(&j->validation, j->all, is_validated_on, r);
    return st;
}

/* Are the pictures brought to one size (else cropped)? Fills in o->data's crop or size, for
 * pictures of one size width x height (0: of several). */
static void choose_window(tern_vision_train_options *o, int width, int height, int64_t multiple) {
    tern_vision_dataset_options *d = &o->data;
    d->multiple = (int)multiple;
    if (d->width && !d->crop_width) return;
    if (!d->width && !d->crop_width && !width) {
        d->width = d->height = (int)tern__round_up(SIZE, multiple);
        return;
    }
    if (!d->crop_width) {
        d->crop_width = width < CROP ? width : CROP;
        d->crop_height = height < CROP ? height : CROP;
    }
    d->crop_width = (int)tern__round_up(d->crop_width, multiple);
    d->crop_height = (int)tern__round_up(d->crop_height, multiple);
}

/* How many crops of each picture make an epoch, where o->data does not say. */
static void choose_crops(tern_vision_train_options *o, int64_t pictures) {
    if (o->data.crops) return;
    o->data.crops =
        o->data.crop_width ? (int)fmax(1, round((double)EPOCH_SAMPLES / (double)pictures)) : 1;
}

/* Opens the pictures with a window that fits any of them, to see what they are; what the log has to
 * say of them comes when they are opened again. */
static tern_status look(run *r, int *width, int *height, int64_t *pictures) {
    tern_vision_dataset_options d = r->o.data;
    tern_vision_dataset *data = NULL;
    void (*const on_log)(void *user, tern_log_level level, const char *line) =
        r->job.context->on_log;
    d.crop_width = d.crop_height = (int)r->multiple;
    d.width = d.height = 0;
    d.crops = 1;
    d.border_weight = 0;
    r->job.context->on_log = NULL;
    tern_status st = tern_vision_dataset_open(&data, r->job.context, r->job.path, &d);
    r->job.context->on_log = on_log;
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
        st = tern__fail(r->job.context, TERN_ERR_FORMAT,
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
    tern_status st =
        tern_vision_dataset_open(&r->other, r->job.context, r->o.validate_pictures, &d);
    if (st == TERN_OK)
        st = tern_vision_dataset_set_normalization(r->other,
                                                   tern_vision_dataset_normalization(r->data));
    if (st == TERN_OK) r->job.held = tern_vision_dataset_samples(r->other);
    return st;
}

/* What the model to go on from takes is what it will take. */
static tern_status take_window(run *r) {
    tern_vision_dataset_options *d = &r->o.data;
    const int channels = r->before.normalization.channels;
    if (d->channels && d->channels != channels)
        return tern__fail(r->job.context, TERN_ERR_ARGUMENT,
                          "the model to go on from sees pictures of %d channels, not of %d",
                          channels, d->channels);
    d->channels = channels;
    if (!d->crop_width && !d->width) d->width = r->before.width, d->height = r->before.height;
    return TERN_OK;
}

static void build_for(tern_graph *g, const run *r, int channels, int classes) {
    const tern_vision_train_options *o = &r->o;
    tern_vision_network_options n = TERN_VISION_NETWORK_OPTIONS_INIT;
    n.channels = channels;
    n.classes = classes;
    n.width = o->width;
    n.depth = o->depth;
    n.dropout = o->dropout;
    n.no_normalization = o->no_normalization;
    n.resize = o->resize;
    n.reflect = o->reflect;
    tern_vision_network_build(g, r->job.network, &n);
}

/* What sides must be multiples of; the same for any number of channels and classes. */
static tern_status find_multiple(run *r) {
    tern_graph *graph = NULL;
    tern_vision_reach reach;
    tern_status st = r->o.init ? TERN_OK : tern_graph_create(&graph, r->job.context);
    if (graph) {
        build_for(graph, r, 1, 1);
        st = tern_graph_check(graph);
    }
    if (st == TERN_OK)
        st = tern_vision_network_reach(&reach, graph ? graph : tern_model_graph(r->o.init));
    if (st == TERN_OK)
        r->multiple = reach.multiple[0] > reach.multiple[1] ? reach.multiple[0] : reach.multiple[1];
    tern_graph_free(graph);
    return st;
}

static tern_status open_pictures(tern__job *j) {
    run *r = (run *)j;
    tern_vision_dataset_options *d = &r->o.data;
    int64_t pictures;
    int width, height;
    tern_status st =
        r->o.init ? tern__vision_pipeline_read(&r->before, j->context, r->o.init) : TERN_OK;
    if (st == TERN_OK) st = find_multiple(r);
    if (st == TERN_OK && r->o.init) st = take_window(r);
    if (st == TERN_OK) st = look(r, &width, &height, &pictures);
    if (st != TERN_OK) return st;
    choose_window(&r->o, width, height, r->multiple);
    choose_crops(&r->o, pictures);
    d->classes = r->classes;
    st = find_loss(&r->o.train.loss, &d->target, j->context, r->o.loss, r->classes,
                   d->border_weight > 0);
    d->augmentation = (tern_vision_augmentation){0};
    if (!r->o.no_augmentation) d->augmentation = recipe_of(r)->augmentation;
    if (st == TERN_OK && r->o.augmentation)
        st = tern_vision_augmentation_parse(&d->augmentation, j->context, r->o.augmentation);
    if (st == TERN_OK) st = tern_vision_dataset_open(&r->data, j->context, j->path, d);
    if (st == TERN_OK) j->all = tern_vision_dataset_samples(r->data);
    return st;
}

static int outputs(const run *r) { return r->classes > 2 ? r->classes : 1; }

static tern_status fit(tern__job *j) {
    run *r = (run *)j;
    j->classes = r->o.init && r->classes == r->before.classes ? 0 : outputs(r);
    tern_status st = tern_vision_dataset_normalize(r->data, j->training);
    if (st == TERN_OK) st = open_other(r);
    j->train->monitor = tern__job_validation(j) ? TERN_MONITOR_LOSS : TERN_MONITOR_AUTO;
    return st;
}

/* ---- network ---- */

static void recipe(tern__job *j, tern__recipe *recipe_) { *recipe_ = recipe_of((run *)j)->train; }

static void build(tern_graph *g, tern__job *j) {
    const run *r = (const run *)j;
    build_for(g, r, tern_vision_dataset_channels(r->data), outputs(r));
}

/* ---- the model ---- */

static tern_status find_bits(int *bits, const run *r) {
    tern_image image;
    const char *first = tern_vision_dataset_file(r->data, 0);
    const tern_status st = tern_image_probe(&image, r->job.context, first, NULL);
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
    return tern__vision_pipeline_write(model, r->job.context, &p);
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
    const tern_dataset *validation = tern__job_validation(&r->job);
    const tern_dataset *samples = validation ? validation : r->job.training;
    tern_vision_segment_options so = TERN_VISION_SEGMENT_OPTIONS_INIT;
    tern_session *session = NULL;
    int64_t left = validation ? INT64_MAX : MOST_TRAINED;
    so.probability = r->classes == 2;
    so.memory = 2e9;
    tern_status st = tern_mask_metrics_create(metrics, r->job.context, r->classes);
    if (st == TERN_OK) st = tern__session_create(&session, model, r->job.context);
    for (int64_t i = 0; st == TERN_OK && i < tern_vision_dataset_pictures(data) && left > 0; i++) {
        tern_image image = {0};
        tern_mask truth = {0}, mask = {0};
        if (!holds(samples, i)) continue;
        left--;
        st = tern_vision_dataset_read(data, i, &image, &truth);
        if (st == TERN_OK && (st = tern_vision_segment(session, &image, &so, &mask)) != TERN_OK)
            tern__fail(r->job.context, st, "%s: %s", tern_vision_dataset_file(data, i),
                       tern_session_message(session));
        if (st == TERN_OK) st = tern_mask_metrics_add(*metrics, &mask, &truth, NULL);
        tern_image_free(&image);
        tern_mask_free(&truth);
        tern_mask_free(&mask);
    }
    tern_session_free(session);
    return st;
}

static void count_pictures(const run *r) {
    const int64_t all = tern_vision_dataset_pictures(r->data);
    r->result->validated = tern__job_validation(&r->job) != NULL;
    for (int64_t i = 0; i < all; i++) r->result->pictures += holds(r->job.training, i);
    r->result->validation_pictures =
        r->other ? tern_vision_dataset_pictures(r->other) : all - r->result->pictures;
}

/* The threshold is the one with the best Dice. */
static tern_status write_model(tern_model *model, tern__job *j) {
    const run *r = (const run *)j;
    tern_vision_train_result *result = r->result;
    tern_mask_metrics *metrics = NULL;
    result->train = j->result;
    result->threshold = NAN;
    count_pictures(r);
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

static json_t *facts(const tern__job *j) {
    const run *r = (const run *)j;
    const tern_vision_train_options *o = &r->o;
    const tern_vision_train_result *result = r->result;
    const tern_mask_scores *scores = &result->scores;
    char *varied = NULL;
    if (tern_vision_augmentation_text(&varied, j->context, &o->data.augmentation) != TERN_OK)
        return NULL;
    json_t *object = json_pack(
        "{s:I, s:I, s:i, s:i, s:I, s:i, s:i, s:f, s:s, s:o, s:s, s:o, s:o, s:o}", "pictures",
        (json_int_t)result->pictures, "validation_pictures",
        (json_int_t)result->validation_pictures, "epochs", result->train.epochs, "epoch",
        result->train.epoch, "batch", (json_int_t)o->train.batch, "crop", o->data.crop_width,
        "crops", o->data.crops, "learning_rate", o->train.optimizer.learning_rate, "augmentation",
        varied, "loss", tern__json_number(result->train.loss), "scored",
        result->validated ? "validation" : "training", "iou", tern__json_number(scores->iou),
        "dice", tern__json_number(scores->dice), "accuracy", tern__json_number(scores->accuracy));
    tern_free(j->context, varied);
    return object;
}

/* ---- the call ---- */

static tern_status check(tern__job *j) {
    const tern_vision_train_options *o = &((const run *)j)->o;
    tern_context *c = j->context;
    const int ways =
        (o->validate != 0) + (o->n_validate_names > 0) + (o->validate_pictures != NULL);
    if (!o->data.masks)
        return tern__fail(c, TERN_ERR_ARGUMENT, "there is no folder of masks to train with");
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
    return TERN_OK;
}

static void close_pictures(tern__job *j) {
    tern_vision_dataset_free(((run *)j)->other);
    tern_vision_dataset_free(((run *)j)->data);
}

static const tern__task task = {.samples = "pictures",
                                .options = "vision training options",
                                .initializer = "TERN_VISION_TRAIN_OPTIONS_INIT",
                                .options_size = sizeof(tern_vision_train_options),
                                .own = "name, width, depth and so on",
                                .network_name = tern_vision_network_name,
                                .check = check,
                                .open = open_pictures,
                                .split = split,
                                .fit = fit,
                                .recipe = recipe,
                                .build = build,
                                .write = write_model,
                                .facts = facts,
                                .close = close_pictures};

tern_status tern_vision_train(tern_model **model, tern_context *c, const char *pictures,
                              const tern_vision_train_options *options,
                              tern_vision_train_result *result) {
    tern_vision_train_result own;
    run r = {.o = TERN_VISION_TRAIN_OPTIONS_INIT, .result = result ? result : &own};
    const tern_vision_train_options *o = &r.o;
    if (options) r.o = *options;
    memset(r.result, 0, sizeof *r.result);
    r.job = (tern__job){
        .task = &task,
        .context = c,
        .path = pictures,
        .network = o->network,
        .train = &r.o.train,
        .given = {.size = o->size,
                  .init = o->init,
                  .freeze_until = o->freeze_until,
                  .own_recipe = o->own_recipe,
                  .validate = o->validate,
                  .owns = o->network || o->width || o->depth || o->dropout != 0 ||
                          o->no_normalization || o->resize || o->reflect,
                  .inputs = {o->data.masks, o->data.fov, o->validate_pictures, o->validate_masks}}};
    return tern__job_train(model, &r.job);
}
