/* Tagging: a label for every token of a text, and the names that BIO labels spell out. */
#ifndef TERN_TEXT_TAG_H
#define TERN_TEXT_TAG_H

#include <tern/text_classify.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A token and its label. */
typedef struct tern_text_tag {
    size_t begin, end; /**< bytes in the text */
    const char *label;
    float score; /**< its probability */
} tern_text_tag;

/** What labels B-type, I-type, I-type ... spell out together. An I- that follows no token of its
 * type begins one as well, as CoNLL's conlleval has it; labels without B- or I- stand for runs of
 * the same label; "O" is nothing. */
typedef struct tern_text_entity {
    size_t begin, end;  /**< bytes in the text */
    size_t first, last; /**< tokens, inclusive */
    const char *type;
    float score; /**< the least of its tokens' */
} tern_text_entity;

/** All of a text; valid until the session's next answer. */
typedef struct tern_text_tags {
    const tern_text_tag *tokens;
    const tern_text_entity *entities;
    size_t count, n_entities;
} tern_text_tags;

/** Tags a text (UTF-8, NUL-terminated). Errors: TERN_ERR_FORMAT for a model that does not tag.
 * *tags is untouched on failure; sentences are in tern_session_message. */
TERN_API tern_status tern_text_tag_text(tern_session *session, const char *text,
                                        tern_text_tags *tags);

/** Entities found, against those of the data: one is right if begin, end and type are. Ratios of
 * 0/0 are 0. Source: conlleval of CoNLL-2000. */
typedef struct tern_entity_metrics {
    const char *type; /**< belongs to the session; NULL: all together */
    int64_t support, predicted, correct;
    double precision, recall, f1;
} tern_entity_metrics;
typedef struct tern_tag_metrics {
    int64_t texts, tokens, tokens_correct;
    double accuracy; /**< of tokens */
    tern_entity_metrics all;
    tern_entity_metrics *types; /**< [n_types], in the order of the model's labels; free with
                                     tern_free */
    size_t n_types;
} tern_tag_metrics;

/** Tags the texts of a CoNLL file, whose tokens are taken as they are, and counts. Of the options
 *  reader is used; NULL: defaults. Errors: those of tern_text_dataset_open and of tagging. *metrics
 *  is untouched on failure. */
TERN_API tern_status tern_text_evaluate_tags(tern_tag_metrics *metrics, tern_session *session,
                                             const char *path,
                                             const tern_text_reader_options *options);

#ifdef __cplusplus
}
#endif
#endif
