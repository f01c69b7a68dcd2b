/* Using a trained text model: the model file says how a text is read. Sentences of failures are in
 * tern_session_message. */
#ifndef TERN_TEXT_CLASSIFY_H
#define TERN_TEXT_CLASSIFY_H

#include <tern/answer.h>
#include <tern/metrics.h>
#include <tern/session.h>
#include <tern/text_dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Says what a text is (UTF-8, NUL-terminated; invalid bytes are replaced). A text without words
 * gets the answer that the network has for none. Errors: TERN_ERR_FORMAT for a model that carries
 * no text front end, or that tags. *answer is untouched on failure. */
TERN_API tern_status tern_text_classify(tern_session *session, const char *text,
                                        tern_answer *answer);

/** The same for many texts at once, on all threads, which is much faster. scores
 *  [count, n_labels] (tern_text_describe): the probability of each label of each text; labels
 *  [count]: the most probable one's number (either may be NULL). lengths: in bytes; NULL:
 *  NUL-terminated texts. Errors: as above, naming the text (from 1) for one with a NUL byte inside.
 */
TERN_API tern_status tern_text_classify_batch(tern_session *session, const char *const *texts,
                                              const size_t *lengths, size_t count, float *scores,
                                              int64_t *labels);

/** The first output of the session's model for a text, whatever it is, as one vector: of a layer,
 * where the model is one of tern_model_cut. It belongs to the session and is valid until its next
 * run. Errors: as tern_text_classify; TERN_ERR_UNSUPPORTED for an output whose size follows that of
 * the text (a layer before the pooling), or that is not of floats. */
TERN_API tern_status tern_text_embed(tern_session *session, const char *text, const float **vector,
                                     int64_t *length);

/** Bytes that tern_text_classify and its kin may keep as tables of what the filters of a textcnn
 *  make of each word, so that a word that has been seen before costs additions only. The answers
 *  are the same within rounding (1e-5 of the logits). 0: no tables. Other networks have none.
 * Without this call: 512 MB. */
TERN_API tern_status tern_text_set_table_memory(tern_session *session, size_t bytes);

/** How much a word of a text counts for its answer. */
typedef struct tern_text_weight {
    size_t begin, end; /**< its bytes in the text */
    float weight;      /**< the answer's probability minus what it is without the word: above 0 it
                            speaks for the answer, below 0 against it */
} tern_text_weight;

/** Classifies, and leaves out every token in turn. *weights: tokens in order, valid until the
 *  session's next answer. Cost: that of as many texts as there are tokens. */
TERN_API tern_status tern_text_explain(tern_session *session, const char *text, tern_answer *answer,
                                       const tern_text_weight **weights, size_t *count);

/** Gets every text of an evaluation in the order of the file; truth is its label. false: stop,
 *  TERN_ERR_INTERRUPTED. */
typedef bool (*tern_on_text)(void *user, const tern_text_record *record, const tern_answer *answer,
                             size_t done);

/** Classifies all texts of a file and counts. Of the options reader is used; NULL: defaults.
 * on_text may be NULL. Free *confusion before the session. Errors: those of the reader and of
 * classifying; TERN_ERR_FORMAT for a label that the model does not know, with file and line. On
 * failure *confusion is NULL. */
TERN_API tern_status tern_text_evaluate(tern_confusion **confusion, tern_session *session,
                                        const char *path, const tern_text_reader_options *options,
                                        tern_on_text on_text, void *user);

/** What a model reads. */
typedef struct tern_text_model_info {
    size_t n_labels;
    const char *const *labels; /**< valid as long as the session */
    bool tags;                 /**< it gives every token a label: tern_text_tag */
    size_t words;              /**< that it knows */
    tern_text_options text;
} tern_text_model_info;
/** Errors: TERN_ERR_FORMAT for a model without a text front end or with one that makes no sense. */
TERN_API tern_status tern_text_describe(tern_text_model_info *info, tern_session *session);

#ifdef __cplusplus
}
#endif
#endif
