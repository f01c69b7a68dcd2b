/* Word vectors from the inside. Internal to text. */
#ifndef TERN_TEXT_VECTORS_INTERNAL_H
#define TERN_TEXT_VECTORS_INTERNAL_H

#include "core/base/base.h"
#include "words.h"
#include <tern/text_vectors.h>

struct tern_vectors {
    tern_context *context;
    tern__words words;
    int64_t dimension;
    float *rows;     /* [words.count][dimension]; with n-grams the means of a word's rows */
    size_t capacity; /* rows that there is room for */
    int64_t *counts; /* [words.count]; NULL: not known */
    int min_n, max_n;
    int64_t buckets;
    float *grams; /* [buckets][dimension]; NULL: no sub-words */
};

/* Empty vectors of this dimension, to which rows are added. NULL without memory. */
tern_vectors *tern__vectors_make(tern_context *c, int64_t dimension);
/* Room for so many rows in all. */
tern_status tern__vectors_reserve(tern_vectors *v, size_t rows);
/* Adds a word, or finds it: *is_new, and *row is its place. */
tern_status tern__vectors_add(tern_vectors *v, const char *word, size_t length, float **row,
                              bool *is_new);
/* The rows of n-grams of a word: hash % buckets. Returns how many there are; writes at most
 * capacity. fastText's end of a sentence "</s>" has none. */
size_t tern__vectors_grams(int64_t *grams, size_t capacity, const char *word, size_t length,
                           int min_n, int max_n, int64_t buckets);
enum { TERN__VECTORS_GRAMS = 1024 /* most n-grams of one word that count */ };

/* Texts to learn from: numbers of words, the most frequent word being 0. */
typedef struct tern__corpus {
    tern_vocabulary *vocabulary; /* word i has row TERN_FIRST_WORD + i */
    size_t n_words;
    int64_t *counts; /* [n_words] */
    int32_t *ids;    /* [n_ids]; -1 ends a text */
    size_t n_ids;
    int64_t tokens; /* ids that are words */
} tern__corpus;

/* Reads files; clear what was read with tern__corpus_clear, also after a failure. */
tern_status tern__corpus_read(tern__corpus *corpus, tern_context *c, const char *const *paths,
                              size_t n_paths, const tern_vectors_train_options *options);
void tern__corpus_clear(tern__corpus *corpus, tern_context *c);

/* Learns from the corpus; options are complete and in range. */
tern_status tern__vectors_learn(tern_vectors **vectors, tern_context *c, const tern__corpus *corpus,
                                const tern_vectors_train_options *options);

#endif
