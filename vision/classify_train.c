/* Trains a classifier of pictures: reads the data, splits it, builds the network, fills in the
 * recipe, trains, and puts size, normalisation, labels and provenance into the model. */
#include "classify.h"
#include "idx.h"
#include "vary.h"

#include "core/graph.h"
#include "core/training.h"

#include <tern/transfer.h>


typedef tern_vision_classifier_train_options train_options;

enum {
    FOLDER_SIDE = 64
}; /* pictures of folders are brought to this, unless the caller says otherwise */

static tern_status write_training(tern_model *model, tern_context *c, const char *path,
                                  const train_options *o, const tern_train_result *r,
                                  int64_t pictures) {
    const char *network =
        tern__metadata_network_of(o->init, o->network, tern_vision_classifier_name);
    return tern__metadata_set_training(model, c, network, o->train.seed,
                                       tern__metadata_facts("pictures", pictures, &o->train, r),
                                       path);
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
    return tern__class_pipeline_check_labels(p, c);
}

static tern_status build(tern_graph **graph, tern_context *c, const tern__class_pipeline *p,
                         const train_options *o) {
    tern_vision_classifier_options n = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
    if (o->init)
        return tern__training_go_on(graph, o->init, (int64_t)p->n_labels, o->freeze_until,
                                    o->train.seed);
    tern_status st = tern_graph_create(graph, c);
    if (st != TERN_OK) return st;
    n.channels = p->normalization.channels;
    n.classes = (int64_t)p->n_labels;
    n.width = p->width;
    n.height = p->height;
    n.scale = o->scale;
    n.dropout = o->dropout;
    tern_graph_set_seed(*graph, o->train.seed);
    tern_vision_classifier_build(*graph, o->network, &n);
    return tern_graph_check(*graph);
}

static tern_status check_options(tern_context *c, const train_options *o) {
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "training options of size %zu, expected %zu: start from "
                          "TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT",
                          o->size, sizeof *o);
    if (o->validate_path && o->validate != 0)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "validation is asked for twice: by a folder and by a share");
    if (o->init && (o->network || o->scale != 0 || o->dropout != 0))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the network is that of the model to go on from; name, scale and dropout "
                          "of another one are not for it");
    tern_status st = tern__training_check_files(c, &o->train, o->init, &o->validate_path, 1);
    return st == TERN_OK ? tern__training_check_freeze(c, o->init, o->freeze_until) : st;
}

/* Without the auxiliary classifiers, which have done their work. */
static tern_status keep_first_output(tern_model **model) {
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

/* The pictures to train on, of one size: that which the model to go on from takes (before) or that
 * of options. */
static tern_status open_data(tern_vision_dataset **data, tern_context *c, const char *path,
                             const train_options *o, const tern__class_pipeline *before) {
    tern_vision_dataset_options d = o->data;
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
    if (!d.width && !tern__idx_is(path)) d.width = d.height = FOLDER_SIDE;
    return tern_vision_dataset_open_labels(data, c, path, &d);
}

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

/* Pictures that do not vary need the frozen layers only once. */
static tern_status train(tern_model **model, const tern_graph *graph, tern_dataset *training,
                         const train_options *o, const tern_vision_augmentation *augmentation) {
    const bool varied = tern__vision_augmentation_varies(augmentation) || o->train.mixup > 0 ||
                        o->train.cutmix > 0;
    return o->freeze_until && !varied ? tern_transfer_train(model, graph, training, &o->train)
                                      : tern_train(model, graph, training, &o->train);
}

tern_status tern_vision_classifier_train(tern_model **model, tern_context *c, const char *path,
                                         const train_options *options) {
    train_options o = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT;
    tern_vision_dataset *data = NULL, *held = NULL;
    tern_dataset *first = NULL, *second = NULL, *training = NULL;
    tern__class_pipeline pipeline = {0}, before = {0};
    tern_vision_augmentation augmentation;
    tern_graph *graph = NULL;
    tern_train_result result;
    if (options) o = *options;
    *model = NULL;
    tern_status st = check_options(c, &o);
    if (st != TERN_OK) return st;
    if (o.init && (st = tern__class_pipeline_read(&before, c, o.init)) != TERN_OK) goto done;
    if ((st = open_data(&data, c, path, &o, &before)) != TERN_OK) goto done;
    if ((st = check_counts(c, data, path)) != TERN_OK) goto done;
    training = tern_vision_dataset_samples(data);
    if (o.validate != 0) {
        if ((st = tern_dataset_split(&first, &second, training, o.validate, o.train.seed)) !=
            TERN_OK)
            goto done;
        training = first;
    }
    /* A model to go on from was trained on numbers of mean 0 and deviation 1: it gets such ones of
     * these pictures. */
    if ((st = tern_vision_dataset_normalize(data, training)) != TERN_OK) goto done;
    if ((st = describe(&pipeline, c, data)) != TERN_OK) goto done;
    if (o.validate_path) {
        if ((st = tern__class_data_open(&held, c, o.validate_path, &pipeline, NULL)) != TERN_OK)
            goto done;
        o.train.validation = tern_vision_dataset_samples(held);
    } else {
        o.train.validation = second;
    }
    /* The recipe is that of the network that is trained, whoever made it. */
    if (o.init) o.network = tern__metadata_network(o.init, tern_vision_classifier_name);
    if (!o.own_recipe) tern__class_recipe(&o, tern_dataset_count(training));
    if ((st = tern__class_recipe_augmentation(&augmentation, c, &o)) != TERN_OK) goto done;
    if ((st = tern_vision_dataset_vary(data, &augmentation)) != TERN_OK) goto done;
    if ((st = build(&graph, c, &pipeline, &o)) != TERN_OK) goto done;
    tern_train_result *wanted = o.train.result;
    o.train.result = &result;
    if ((st = train(model, graph, training, &o, &augmentation)) != TERN_OK) goto done;
    if (wanted) *wanted = result;
    st = keep_first_output(model);
    if (st == TERN_OK) st = tern__class_pipeline_write(*model, c, &pipeline);
    if (st == TERN_OK)
        st = write_training(*model, c, path, &o, &result, tern_dataset_count(training));
done:
    if (st != TERN_OK) {
        tern_model_free(*model);
        *model = NULL;
    }
    tern__class_pipeline_free(&before, c);
    tern__free(c, pipeline.labels);
    tern_graph_free(graph);
    tern_dataset_free(second);
    tern_dataset_free(first);
    tern_vision_dataset_free(held);
    tern_vision_dataset_free(data);
    return st;
}
