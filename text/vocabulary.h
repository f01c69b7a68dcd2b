/* The vocabulary from the inside. Internal to text. */
#ifndef TERN_TEXT_VOCABULARY_H
#define TERN_TEXT_VOCABULARY_H

#include "words.h"
#include <tern/text.h>

struct tern_vocabulary {
    tern__words words; /* number i has row TERN_FIRST_WORD + i */
    int64_t *counts;   /* [words.count]; NULL: not known */
};

struct tern_word_counts {
    tern__words words;
    int64_t *counts;
    size_t capacity;
};

static inline int64_t tern__vocabulary_row(const tern_vocabulary *v, const char *word,
                                           size_t length, uint32_t hash) {
    const int64_t found = tern__words_find(&v->words, word, length, hash);
    return found < 0 ? TERN_UNKNOWN : TERN_FIRST_WORD + found;
}

#endif
