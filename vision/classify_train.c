/* Trains a classifier of pictures: what core/task/train.c asks of pictures with labels. */
#include "classifiers.h"
#include "classify.h"
#include "idx.h"
#include "vary.h"

#include "core/graph/graph.h"

#include <tern/transfer.h>

typedef struct run {
    tern__job job;
    tern_vision_classifier_train_options o;
    tern_vision_dataset *data, *held;      /* held: the place to validate on */
    tern__class_pipeline before, pipeline; /* of the model to go on from; of the new one */
} run;

enum {
    FOLDER_SIDE = 64
}; /* pictures of folders are brought to this, unless the caller says otherwise */

/* What digits, things and photos bear alike; mirroring is not among it, since a mirrored 2 is no 2.
 */
static const tern_vision_augmentation gentle = {.rotate = 8,
                                                .shift = 0.07,
                                                .scale = 0.1,
                                                .stretch = 0.05,
                                                .shear = 5,
                                                .border = TERN_BORDER_EDGE};

/* ---- data ---- */

/* Every label needs two pictures, one of which may be validated on. */
static tern_status check_counts(tern_context *c, const tern_vision_dataset *data,
                                const char *path) {
    const tern_dataset *samples = tern_vision_dataset_samples(data);
    const int classes = tern_vision_dataset_classes(data);
    int64_t *counts = tern__calloc(c, (size_t)classes, sizeof *counts);
    tern_status st = counts ? TERN_OK : TERN_ERR_MEMORY;
    for (int64_t i = 0; counts && i < tern_dataset_count(samples); i++)
        counts[tern_dataset_class(samples, i)]++;
    for (int i = 0; st == TERN_OK && i < classes; i++)
        if (counts[i] < 2)
            st = tern__fail(c, TERN_ERR_FORMAT,
                            "%s: there %s of label '%s'; at least two are needed to learn what "
                            "it looks like",
                            path, counts[i] ? "is one picture" : "are no pictures",
                            tern_vision_dataset_label(data, i));
    tern__free(c, counts);
    return st;
}

/* The pictures to train on, of one size: that which the model to go on from takes (before) or that
 * of options. */
static tern_status open_pictures(tern__job *j) {
    run *r = (run *)j;
    tern_context *c = j->context;
    const tern_vision_classifier_train_options *o = &r->o;
    const tern__class_pipeline *before = &r->before;
    tern_vision_dataset_options d = o->data;
    tern_status st = o->init ? tern__class_pipeline_read(&r->before, c, o->init) : TERN_OK;
    if (st != TERN_OK) return st;
    if (o->init && ((d.width && (d.width != before->width || d.height != before->height)) ||
                    (d.channels && d.channels != before->normalization.channels)))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the model to go on from sees %d x %d pixels of %d channels; size and "
                          "channels asked for are %d x %d and %d (0: the model's)",
                          before->width, before->height, before->normalization.channels, d.width,
                          d.height, d.channels);
    if (o->init) {
        d.width = before->width;
        d.height = before->height;
        d.channels = before->normalization.channels;
    }
    d.crop_width = d.crop_height = d.crops = d.multiple = 0;
    d.whole = false;
    d.augmentation = (tern_vision_augmentation){0};
    if (!d.width && !tern__idx_is(j->path)) d.width = d.height = FOLDER_SIDE;
    st = tern_vision_dataset_open_labels(&r->data, c, j->path, &d);
    if (st == TERN_OK) st = check_counts(c, r->data, j->path);
    if (st != TERN_OK) return st;
    j->all = tern_vision_dataset_samples(r->data);
    j->classes = tern_vision_dataset_classes(r->data);
    return TERN_OK;
}

/* What the model will say about itself; labels are borrowed from the data, only the list is the
 * caller's. */
static tern_status describe(tern__class_pipeline *p, tern_context *c,
                            const tern_vision_dataset *data) {
    *p = (tern__class_pipeline){.normalization = *tern_vision_dataset_normalization(data),
                                .n_labels = (size_t)tern_vision_dataset_classes(data)};
    tern_vision_dataset_window(data, &p->width, &p->height);
    if (!(p->labels = tern__calloc(c, p->n_labels, sizeof *p->labels))) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < p->n_labels; i++) p->labels[i] = tern_vision_dataset_label(data, (int)i);
    return TERN_OK;
}

/* A model to go on from was trained on numbers of mean 0 and deviation 1: it gets such ones of
 * these pictures. */
static tern_status fit(tern__job *j) {
    run *r = (run *)j;
    tern_context *c = j->context;
    tern_vision_augmentation a = {0};
    tern_status st = tern_vision_dataset_normalize(r->data, j->training);
    if (st == TERN_OK) st = describe(&r->pipeline, c, r->data);
    if (st == TERN_OK && r->o.validate_path) {
        st = tern__class_data_open(&r->held, c, r->o.validate_path, &r->pipeline, NULL);
        if (st == TERN_OK) j->held = tern_vision_dataset_samples(r->held);
    }
    if (!r->o.no_augmentation) a = gentle;
    if (st == TERN_OK && r->o.augmentation)
        st = tern_vision_augmentation_parse(&a, c, r->o.augmentation);
    j->constant = !tern__vision_augmentation_varies(&a);
    return st == TERN_OK ? tern_vision_dataset_vary(r->data, &a) : st;
}

/* ---- network ---- */

static void recipe(tern__job *j, tern__recipe *recipe_) {
    *recipe_ = *tern__classifier_row(j->network)->recipe;
}

static void build(tern_graph *g, tern__job *j) {
    const run *r = (const run *)j;
    tern_vision_classifier_options n = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
    n.channels = r->pipeline.normalization.channels;
    n.classes = j->classes;
    n.width = r->pipeline.width;
    n.height = r->pipeline.height;
    n.scale = r->o.scale;
    n.dropout = r->o.dropout;
    tern_vision_classifier_build(g, j->network, &n);
}

/* Without the auxiliary classifiers, which have done their work. */
static tern_status keep_first_output(tern_model **model, tern__job *j) {
    (void)j;
    const tern_transfer_options as_it_is = TERN_TRANSFER_OPTIONS_INIT;
    tern_graph *graph;
    if (tern_model_graph(*model)->n_outputs < 2) return TERN_OK;
    tern_status st = tern_transfer(&graph, tern_model_graph(*model), &as_it_is);
    if (st != TERN_OK) return st;
    tern_model_free(*model);
    st = tern_model_create(model, graph);
    tern_graph_free(graph);
    return st;
}

static const char *label(const tern__job *j, int64_t i) {
    return tern_vision_dataset_label(((const run *)j)->data, (int)i);
}

static tern_status write_pipeline(tern_model *model, tern__job *j) {
    return tern__class_pipeline_write(model, j->context, &((run *)j)->pipeline);
}

static void close_pictures(tern__job *j) {
    run *r = (run *)j;
    tern__class_pipeline_free(&r->before, j->context);
    tern__free(j->context, r->pipeline.labels);
    tern_vision_dataset_free(r->held);
    tern_vision_dataset_free(r->data);
}

static const tern__task task = {.samples = "pictures",
                                .options = "training options",
                                .initializer = "TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT",
                                .options_size = sizeof(tern_vision_classifier_train_options),
                                .own = "name, scale and dropout",
                                .network_name = tern_vision_classifier_name,
                                .open = open_pictures,
                                .fit = fit,
                                .recipe = recipe,
                                .build = build,
                                .finish = keep_first_output,
                                .label = label,
                                .write = write_pipeline,
                                .close = close_pictures};

tern_status tern_vision_classifier_train(tern_model **model, tern_context *c, const char *path,
                                         const tern_vision_classifier_train_options *options) {
    run r = {.o = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT};
    const tern_vision_classifier_train_options *o = &r.o;
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
                                  .owns = o->network || o->scale != 0 || o->dropout != 0,
                                  .validated = o->validate_path ? "a folder" : NULL,
                                  .inputs = {o->validate_path}}};
    return tern__job_train(model, &r.job);
}
