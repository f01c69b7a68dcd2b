/* Measures a model of masks on pictures whose masks are known. */
#include "core/plan/session.h"
#include "core/task/measure.h"

#include <tern/vision_train.h>

typedef struct evaluation {
    tern_session *session;
    tern_vision_dataset *data;
    tern_mask_metrics *metrics;
    tern_vision_evaluate_options o;
    int64_t count;
} evaluation;

static tern_status measure_mask(void *evaluation_, int64_t picture, tern__outcome *outcome) {
    const evaluation *e = evaluation_;
    const char *file = tern_vision_dataset_file(e->data, picture);
    tern_image image = {0};
    tern_mask truth = {0}, mask = {0};
    tern_mask_scores scores;
    tern_status st = tern_vision_dataset_read(e->data, picture, &image, &truth);
    if (st == TERN_OK) st = tern_vision_segment(e->session, &image, &e->o.segment, &mask);
    if (st == TERN_OK) st = tern_mask_metrics_add(e->metrics, &mask, &truth, &scores);
    if (st != TERN_OK) tern__fail_in(tern__session_context(e->session), "%s", file);
    tern_image_free(&image);
    tern_mask_free(&truth);
    tern_mask_free(&mask);
    if (st == TERN_OK && e->o.on_picture)
        outcome->stop = !e->o.on_picture(e->o.user, file, &scores, picture + 1, e->count);
    return st;
}

tern_status tern_vision_evaluate(tern_mask_metrics **metrics, tern_session *session,
                                 const char *pictures,
                                 const tern_vision_evaluate_options *options) {
    tern_context *c = tern__session_context(session);
    tern_vision_dataset_options d = TERN_VISION_DATASET_OPTIONS_INIT;
    evaluation e = {.session = session, .o = TERN_VISION_EVALUATE_OPTIONS_INIT};
    tern_vision_evaluate_options *o = &e.o;
    tern_vision_model_info info;
    *metrics = NULL;
    if (options) *o = *options;
    if (o->size != sizeof *o || !o->masks)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "evaluation needs a folder of masks, and options that start from "
                          "TERN_VISION_EVALUATE_OPTIONS_INIT");
    tern_status st = tern_vision_describe(&info, session);
    if (st != TERN_OK) return st;
    d.masks = o->masks;
    d.fov = o->fov;
    d.coding = o->coding;
    d.classes = info.classes;
    d.channels = info.channels;
    d.crop_width = d.crop_height = 1; /* pictures are read whole, one by one */
    o->segment.probability = info.classes == 2;
    st = tern_vision_dataset_open(&e.data, c, pictures, &d);
    if (st == TERN_OK) st = tern_mask_metrics_create(metrics, c, info.classes);
    if (st == TERN_OK) {
        e.metrics = *metrics;
        e.count = tern_vision_dataset_pictures(e.data);
        tern_mask_metrics_measure(*metrics, o->rand, o->warping);
        st = tern__measure(&(tern__measuring){"pictures", e.count, measure_mask, &e}, c, NULL);
    }
    if (st != TERN_OK) {
        tern_mask_metrics_free(*metrics);
        *metrics = NULL;
    }
    tern_vision_dataset_free(e.data);
    return st;
}
