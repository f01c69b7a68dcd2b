/* What a session keeps for text: pipeline, workers, memory. Internal to classify.c, evaluate.c,
 * explain.c and tag.c. */
#ifndef TERN_TEXT_CLASSIFY_INTERNAL_H
#define TERN_TEXT_CLASSIFY_INTERNAL_H

#include "pipeline.h"
#include "tables.h"

#include "core/plan/session.h"
#include <tern/text_classify.h>

/* Each thread has a context of its own, so that sentences do not meet. */
typedef struct tern__text_worker {
    tern_context context;
    tern_tokens *tokens;
} tern__text_worker;

typedef struct tern__text_tagger tern__text_tagger; /* tag.c */
void tern__text_tagger_free(tern__text_tagger *tagger, tern_context *c);

typedef struct tern__text_classifier {
    tern__text_pipeline pipeline;
    tern__text_worker *workers; /* [threads] */
    int n_workers;
    tern__text_tables *tables; /* NULL: the network has none */
    int64_t *ids;              /* of all texts of a batch */
    size_t ids_capacity;
    int64_t *input; /* [N, L] */
    size_t input_capacity;
    tern_score *scores;        /* [n_labels], of an answer */
    float *probabilities;      /* [n_labels] */
    tern_text_weight *weights; /* of explain */
    size_t weights_capacity;
    tern__text_tagger *tagger; /* NULL before the first text that is tagged */
} tern__text_classifier;

/* The session's classifier, made at its first text. tags: what the caller can use; a model of the
 * other kind is refused. */
tern_status tern__text_classifier_get(tern__text_classifier **classifier, tern_session *session,
                                      bool tags);
/* Probabilities of one text into an answer, the most probable first. */
void tern__text_answer(tern__text_classifier *k, const float *probabilities, tern_answer *answer);

#endif
