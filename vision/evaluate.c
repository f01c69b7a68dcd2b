/* Measures a model of masks on pictures whose masks are known. */
#include "core/session.h"

#include <tern/vision_train.h>

static tern_status evaluate_picture(tern_mask_metrics *metrics, tern_mask_scores *scores,
                                    tern_session *session, const tern_vision_dataset *data,
                                    int64_t picture, const tern_vision_segment_options *options) {
    tern_context *c = tern__session_context(session);
    tern_image image = {0};
    tern_mask truth = {0}, mask = {0};
    tern_status st = tern_vision_dataset_read(data, picture, &image, &truth);
    if (st == TERN_OK) st = tern_vision_segment(session, &image, options, &mask);
    if (st == TERN_OK) st = tern_mask_metrics_add(metrics, &mask, &truth, scores);
    if (st != TERN_OK) tern__fail_in(c, "%s", tern_vision_dataset_file(data, picture));
    tern_image_free(&image);
    tern_mask_free(&truth);
    tern_mask_free(&mask);
    return st;
}

tern_status tern_vision_evaluate(tern_mask_metrics **metrics, tern_session *session,
                                 const char *pictures,
                                 const tern_vision_evaluate_options *options) {
    tern_context *c = tern__session_context(session);
    tern_vision_dataset_options d = TERN_VISION_DATASET_OPTIONS_INIT;
    tern_vision_evaluate_options o = TERN_VISION_EVALUATE_OPTIONS_INIT;
    tern_vision_dataset *data = NULL;
    tern_vision_model_info info;
    *metrics = NULL;
    if (options) o = *options;
    if (o.size != sizeof o || !o.masks)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "evaluation needs a folder of masks, and options that start from "
                          "TERN_VISION_EVALUATE_OPTIONS_INIT");
    tern_status st = tern_vision_describe(&info, session);
    if (st != TERN_OK) return st;
    d.masks = o.masks;
    d.fov = o.fov;
    d.coding = o.coding;
    d.classes = info.classes;
    d.channels = info.channels;
    d.crop_width = d.crop_height = 1; /* pictures are read whole, one by one */
    o.segment.probability = info.classes == 2;
    st = tern_vision_dataset_open(&data, c, pictures, &d);
    if (st == TERN_OK) st = tern_mask_metrics_create(metrics, c, info.classes);
    if (st == TERN_OK) tern_mask_metrics_measure(*metrics, o.rand, o.warping);
    const int64_t count = st == TERN_OK ? tern_vision_dataset_pictures(data) : 0;
    for (int64_t i = 0; st == TERN_OK && i < count; i++) {
        tern_mask_scores scores;
        st = evaluate_picture(*metrics, &scores, session, data, i, &o.segment);
        if (st == TERN_OK && o.on_picture &&
            !o.on_picture(o.user, tern_vision_dataset_file(data, i), &scores, i + 1, count))
            st = tern__fail(c, TERN_ERR_INTERRUPTED, "stopped after %lld of %lld pictures",
                            (long long)i + 1, (long long)count);
    }
    if (st != TERN_OK) {
        tern_mask_metrics_free(*metrics);
        *metrics = NULL;
    }
    tern_vision_dataset_free(data);
    return st;
}
