/* Cutting text from the inside: what the tokenizers put their tokens into. Internal to text. */
#ifndef TERN_TEXT_TOKENIZE_H
#define TERN_TEXT_TOKENIZE_H

#include "unicode.h"
#include <tern/text.h>

/* Checks the options (NULL: the defaults) and sets what 0 stands for. TERN_ERR_ARGUMENT. */
tern_status tern__text_options_resolve(tern_text_options *resolved, tern_context *c,
                                       const tern_text_options *options);

/* Texts of tokens, one behind the other. */
typedef struct tern__token_texts {
    char *bytes;
    size_t used, capacity;
} tern__token_texts;

typedef struct tern__tokens_memory {
    tern_tokens face; /* what the caller sees; face.at is tokens */
    tern_context *context;
    tern_token *tokens;
    size_t tokens_capacity;
    tern__token_texts texts;
    tern__token_texts written; /* before case folding; filled where written_kept */
    size_t *written_lengths;   /* of the tokens, likewise */
    size_t written_lengths_capacity;
    tern__normalizer normalizer;
    /* of the text being cut */
    const char *text, *end;
    bool lower, written_kept;
    size_t most; /* tokens */
    tern_status status;
} tern__tokens_memory;

/* Adds the token of the bytes [begin, end), normalised; nothing where nothing is left of it.
 * straight: ' for U+2019. keep: so many of its first bytes only, where it is ASCII (0: all). False:
 * stop, there are enough, or status is a failure. */
bool tern__token_add(tern__tokens_memory *m, const char *begin, const char *end, bool straight,
                     size_t keep);
/* Adds a token of given text as it is. */
bool tern__token_add_as(tern__tokens_memory *m, const char *begin, const char *end,
                        const char *text, size_t length);

/* The Unicode words of m->text. */
void tern__cut_words(tern__tokens_memory *m);

/* Normalises tokens that are given already, [count] with begin and end set, as if they had been cut
 * from text; one that vanishes becomes U+FFFD, so that count stays (but max_length applies). */
tern_status tern__tokens_take(tern_tokens *tokens, const tern_text_options *resolved,
                              const char *text, size_t length, const tern_token *given,
                              size_t count);

/* Token i before case folding (its text itself where options do not ask for it). */
typedef struct tern__written {
    const char *text;
    size_t length;
} tern__written;
/* Goes through them in order: start with *at = 0. */
tern__written tern__token_written(const tern_tokens *tokens, size_t i, size_t *at);

/* Sub-words of one word as rows 1 + hash % buckets, at most capacity and at most so many of them
 * (those of a word of some 70 characters); returns how many it wrote. */
#define TERN__WORD_SUBWORDS 256
size_t tern__subword_rows(int64_t *rows, size_t capacity, const char *word, size_t length,
                          const tern_text_options *resolved);

#endif
