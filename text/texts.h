/* What the views of a data set of texts share: the texts in memory as numbers of their words.
 * Internal to dataset.c and dataset_read.c. */
#ifndef TERN_TEXT_TEXTS_H
#define TERN_TEXT_TEXTS_H

#include "tokenize.h"
#include "vocabulary.h"
#include <tern/text_dataset.h>

/* Words are as the vocabulary will know them; spellings are words before case folding, which are
 * kept apart only where sub-words want them (otherwise a spelling is its word). */
typedef struct tern__texts {
    tern_context *context;
    char *name; /* of the file, for sentences */
    tern_text_options text;
    bool tagged;
    size_t count;
    size_t *begins;  /* [count + 1] in tokens */
    int32_t *tokens; /* spellings, text after text */
    int32_t *tags;   /* of the tokens, where tagged */
    int32_t *labels; /* [count], where not tagged */
    int32_t *groups; /* [count] texts with the same words have the same number */
    uint32_t *lines; /* [count] */
    size_t begins_capacity, tokens_capacity, tags_capacity, labels_capacity, lines_capacity;
    tern__words label_names, words, spellings;
    int32_t *word_of; /* [spellings.count]; NULL: spellings are words */
    size_t word_of_capacity;
    /* sub-words of the spellings as rows 1 + hash % buckets, where text.max_n */
    size_t *subword_begins; /* [spellings.count + 1] */
    int32_t *subwords;
    /* how training and evaluation see it */
    const tern_vocabulary *vocabulary;
    tern_vocabulary *own; /* the vocabulary, if it was built here */
    int32_t *rows;        /* [words.count] in the vocabulary; NULL: there is none yet */
    int64_t min_length;
    double word_dropout;
    int per_token; /* sub-words of each token in an input of their own; 0: none */
} tern__texts;

static inline size_t tern__texts_length(const tern__texts *t, int64_t i) {
    return t->begins[i + 1] - t->begins[i];
}
static inline int32_t tern__texts_word(const tern__texts *t, int32_t spelling) {
    return t->word_of ? t->word_of[spelling] : spelling;
}
/* The distinct spellings: those of word_of, or the words. */
static inline const tern__words *tern__texts_spellings(const tern__texts *t) {
    return t->word_of ? &t->spellings : &t->words;
}

/* Reads a file into texts (context and text are set) and says in the log what is in it. On failure
 * what was made is freed by tern__texts_clear. */
tern_status tern__texts_read(tern__texts *texts, const char *path,
                             const tern_text_dataset_options *options);
void tern__texts_clear(tern__texts *texts);

#endif
