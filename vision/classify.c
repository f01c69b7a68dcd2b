/* Says what pictures show: file -> size and normalisation of the model -> network -> probabilities
 * -> answer; and counts how often that is right. */
#include "classify.h"
#include "pixels.h"

#include "core/plan/session.h"
#include "core/task/answer.h"
#include "core/task/measure.h"

#include <string.h>

/* What a session keeps between pictures. */
typedef struct classifier {
    tern__class_pipeline pipeline;
    float *input;       /* [channels][height][width] */
    tern_score *scores; /* [n_labels] */
} classifier;

static void release(void *attachment, tern_context *c) {
    classifier *k = attachment;
    tern__class_pipeline_free(&k->pipeline, c);
    tern__free(c, k->input);
    tern__free(c, k->scores);
}

static tern_status make(void *attachment, tern_session *session) {
    tern_context *c = tern__session_context(session);
    classifier *k = attachment;
    const tern__class_pipeline *p = &k->pipeline;
    tern_status st = tern__class_pipeline_read(&k->pipeline, c, tern_session_model(session));
    if (st != TERN_OK) return st;
    k->input = tern__alloc(c, (size_t)p->width * (size_t)p->height * 3 * sizeof *k->input);
    k->scores = tern__alloc(c, p->n_labels * sizeof *k->scores);
    return k->input && k->scores ? TERN_OK : TERN_ERR_MEMORY;
}

static const tern__attachment_type classifiers = {sizeof(classifier), make, release};

/* The session's classifier, made at its first picture. */
static tern_status prepare(classifier **classifier_, tern_session *session) {
    void *attachment;
    const tern_status st = tern__session_attachment(&attachment, session, &classifiers);
    *classifier_ = attachment;
    return st;
}

/* As the data set does it: channels first, then the size, then floats. */
static tern_status make_input(const tern__class_pipeline *p, tern_context *c,
                              const tern_image *image, float *input) {
    tern_image grey = {0}, fitting = {0}, own = *image;
    own.context = c; /* sentences and memory are the session's */
    tern_status st = tern_image_convert(&grey, &own, p->normalization.channels, 0);
    if (st == TERN_OK)
        st = tern_image_resize(&fitting, &grey, p->width, p->height, TERN_FILTER_BILINEAR, true);
    if (st == TERN_OK)
        st = tern_image_floats(&fitting, 0, 0, p->width, p->height, TERN_BORDER_EDGE,
                               &p->normalization, input);
    tern_image_free(&grey);
    tern_image_free(&fitting);
    return st;
}

tern_status tern_vision_classifier_input(tern_session *session, const tern_image *image,
                                         float *input) {
    classifier *k;
    tern_status st = prepare(&k, session);
    return st == TERN_OK ? make_input(&k->pipeline, tern__session_context(session), image, input)
                         : st;
}

/* Probabilities of the logits as an answer. */
static tern_status give_answer(tern_answer *answer, classifier *k, tern_context *c,
                               const float *z) {
    const size_t n = k->pipeline.n_labels;
    tern__softmax s;
    const tern_status st = tern__softmax_get(&s, c, z, (int64_t)n, 1);
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < n; i++)
        k->scores[i] = (tern_score){k->pipeline.labels[i], (float)tern__softmax_share(&s, z[i])};
    tern__answer_of(answer, k->scores, n);
    return TERN_OK;
}

tern_status tern_vision_classify(tern_session *session, const tern_image *image,
                                 tern_answer *answer) {
    classifier *k;
    tern_context *c = tern__session_context(session);
    tern_tensor logits;
    tern_status st = prepare(&k, session);
    if (st != TERN_OK) return st;
    const tern__class_pipeline *p = &k->pipeline;
    const tern_tensor x = {
        TERN_FLOAT, 4, {1, p->normalization.channels, p->height, p->width}, k->input};
    st = tern__class_pipeline_check(p, c, tern_session_model(session));
    if (st == TERN_OK) st = make_input(p, c, image, k->input);
    if (st == TERN_OK) st = tern_session_run(session, &x, 1, &logits, 1);
    if (st == TERN_OK)
        st = tern__session_expect(session, &logits, 2, (int64_t[]){1, (int64_t)p->n_labels});
    return st == TERN_OK ? give_answer(answer, k, c, logits.data) : st;
}

tern_status tern_vision_classify_file(tern_session *session, const char *path,
                                      tern_answer *answer) {
    classifier *k;
    tern_image image;
    tern_status st = prepare(&k, session);
    if (st != TERN_OK) return st;
    if ((st = tern_image_load(&image, tern__session_context(session), path, NULL)) != TERN_OK)
        return st;
    st = tern_vision_classify(session, &image, answer);
    tern_image_free(&image);
    return st;
}

tern_status tern_vision_embed_file(tern_session *session, const char *path, const float **vector,
                                   int64_t *length) {
    classifier *k;
    tern_context *c = tern__session_context(session);
    tern_image image;
    tern_tensor y;
    tern_status st = prepare(&k, session);
    if (st == TERN_OK) st = tern_image_load(&image, c, path, NULL);
    if (st != TERN_OK) return st;
    const tern__class_pipeline *p = &k->pipeline;
    const tern_tensor x = {
        TERN_FLOAT, 4, {1, p->normalization.channels, p->height, p->width}, k->input};
    st = make_input(p, c, &image, k->input);
    tern_image_free(&image);
    if (st == TERN_OK) st = tern_session_run(session, &x, 1, &y, 1);
    return st == TERN_OK ? tern__vector_of(vector, length, c, &y) : st;
}

tern_status tern_vision_classifier_describe(tern_vision_classifier_info *info,
                                            tern_session *session) {
    classifier *k;
    tern_status st = prepare(&k, session);
    if (st != TERN_OK) return st;
    *info =
        (tern_vision_classifier_info){k->pipeline.n_labels, k->pipeline.labels, k->pipeline.width,
                                      k->pipeline.height, k->pipeline.normalization};
    return TERN_OK;
}

/* ---- measuring ---- */

tern_status tern__class_data_open(tern_vision_dataset **data, tern_context *c, const char *path,
                                  const tern__class_pipeline *p,
                                  const tern_vision_dataset_options *options) {
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    o.held_out = true;
    if (options) {
        o.held_out = options->held_out;
        o.memory = options->memory;
    }
    o.channels = p->normalization.channels;
    o.width = p->width;
    o.height = p->height;
    o.labels = p->labels;
    o.n_labels = p->n_labels;
    tern_status st = tern_vision_dataset_open_labels(data, c, path, &o);
    return st == TERN_OK ? tern_vision_dataset_set_normalization(*data, &p->normalization) : st;
}

typedef struct evaluation {
    tern_context *context;
    const tern_vision_dataset *data;
    const tern_dataset *samples;
    int64_t *predictions; /* of the samples */
    tern_on_mistake on_mistake;
    void *user;
} evaluation;

static tern_status measure_picture(void *evaluation_, int64_t i, tern__outcome *o) {
    const evaluation *e = evaluation_;
    o->truth = tern_dataset_class(e->samples, i);
    o->predicted = e->predictions[i];
    if (!e->on_mistake || o->truth == o->predicted ||
        e->on_mistake(e->user, tern_vision_dataset_file(e->data, tern_dataset_group(e->samples, i)),
                      tern_vision_dataset_label(e->data, (int)o->truth),
                      tern_vision_dataset_label(e->data, (int)o->predicted)))
        return TERN_OK;
    return tern__fail(e->context, TERN_ERR_INTERRUPTED, "stopped while listing mistakes");
}

tern_status tern_vision_classifier_evaluate(tern_confusion **confusion, tern_session *session,
                                            const char *path,
                                            const tern_vision_dataset_options *options,
                                            tern_on_mistake on_mistake, void *user) {
    tern_context *c = tern__session_context(session);
    evaluation e = {.context = c, .on_mistake = on_mistake, .user = user};
    tern_vision_dataset *data = NULL;
    classifier *k;
    *confusion = NULL;
    tern_status st = prepare(&k, session);
    if (st == TERN_OK)
        st = tern__class_pipeline_check(&k->pipeline, c, tern_session_model(session));
    if (st == TERN_OK) st = tern__class_data_open(&data, c, path, &k->pipeline, options);
    if (st == TERN_OK) {
        const int64_t count = tern_dataset_count(tern_vision_dataset_samples(data));
        e.data = data;
        e.samples = tern_vision_dataset_samples(data);
        e.predictions = tern__calloc(c, (size_t)count, sizeof *e.predictions);
        st = e.predictions ? tern__session_predict(e.predictions, session, e.samples, 64)
                           : TERN_ERR_MEMORY;
        const tern__measuring m = {"pictures", count, measure_picture, &e};
        if (st == TERN_OK)
            st = tern__measure_labels(confusion, &m, c, k->pipeline.labels, k->pipeline.n_labels);
    }
    tern__free(c, e.predictions);
    tern_vision_dataset_free(data);
    return st;
}
