/* What a network starts from: the vocabulary of the texts to train on, and, with a file of word
 * vectors, words of the file that they do not have and a table of vectors for all. */
#include "pipeline.h"
#include "train.h"

#include <string.h>

enum { DEFAULT_VECTOR_WORDS = 20000 };

void tern__text_start_free(tern__text_start *s, tern_context *c) {
    tern__free(c, s->table);
    tern_vocabulary_free(s->vocabulary);
    tern_vectors_free(s->vectors);
    *s = (tern__text_start){0};
}

/* The front end and the vocabulary of the model to go on from. */
static tern_status take_front_end(tern__text_start *s, tern_context *c,
                                  tern_text_train_options *o) {
    tern__text_pipeline before;
    tern_status st = tern__text_pipeline_read(&before, c, o->init);
    if (st != TERN_OK) return st;
    o->data.text = before.text;
    o->data.subwords = (int)before.subwords;
    s->vocabulary = before.vocabulary;
    before.vocabulary = NULL;
    tern__text_pipeline_free(&before, c);
    return TERN_OK;
}

tern_status tern__text_start_open(tern__text_start *s, tern_context *c,
                                  tern_text_train_options *o) {
    *s = (tern__text_start){0};
    if (o->init) return take_front_end(s, c, o);
    if (!o->vectors) return TERN_OK;
    tern_status st = tern_vectors_load(&s->vectors, c, o->vectors, NULL);
    if (st != TERN_OK) return st;
    const int64_t dimension = tern_vectors_dimension(s->vectors);
    if (o->dimension && o->dimension != dimension)
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "%s holds vectors of %lld numbers, %lld per word are asked for", o->vectors,
                        (long long)dimension, (long long)o->dimension);
    o->dimension = dimension;
    if (st != TERN_OK) tern__text_start_free(s, c);
    return st;
}

/* The words of `base`, then the first `most` words of the vectors that are not among them. */
static tern_status extend(tern_vocabulary **all, tern_context *c, const tern_vocabulary *base,
                          const tern_vectors *vectors, size_t most) {
    const size_t own = tern_vocabulary_rows(base) - TERN_FIRST_WORD;
    const size_t there = tern_vectors_count(vectors);
    const char **words = tern__calloc(c, own + most, sizeof *words);
    size_t *lengths = tern__calloc(c, own + most, sizeof *lengths), n = 0;
    tern_status st = words && lengths ? TERN_OK : TERN_ERR_MEMORY;
    for (; st == TERN_OK && n < own; n++)
        words[n] = tern_vocabulary_word(base, TERN_FIRST_WORD + (int64_t)n, &lengths[n]);
    for (size_t i = 0; st == TERN_OK && i < there && n < own + most; i++) {
        words[n] = tern_vectors_word(vectors, i, &lengths[n]);
        bool fits = lengths[n] > 0 && !memchr(words[n], '\n', lengths[n]);
        if (fits && tern_vocabulary_find(base, words[n], lengths[n]) == TERN_UNKNOWN) n++;
    }
    if (st == TERN_OK) st = tern_vocabulary_from_words(all, c, words, lengths, n);
    tern__free(c, lengths);
    tern__free(c, words);
    return st;
}

static tern_status fill_table(tern__text_start *s, tern_context *c, const tern_text_dataset *data,
                              uint64_t seed) {
    const tern_vocabulary *vocabulary = tern_text_dataset_vocabulary(data);
    const size_t rows = tern_text_rows(vocabulary, tern_text_dataset_options_in_use(data));
    const size_t words = tern_vocabulary_rows(vocabulary) - TERN_FIRST_WORD;
    size_t bytes, known;
    tern__free(c, s->table);
    s->table = NULL;
    if (!tern__mul((size_t)tern_vectors_dimension(s->vectors), sizeof *s->table, &bytes) ||
        !(s->table = tern__calloc(c, rows, bytes)))
        return TERN_ERR_MEMORY;
    tern_status st = tern_vectors_fill(s->table, &known, s->vectors, vocabulary, 0, seed);
    if (st == TERN_OK)
        tern__log(c, TERN_LOG_INFO, "vectors: for %zu of %zu words; %.1f %%", known, words,
                  100.0 * (double)known / (double)words);
    return st;
}

tern_status tern__text_start_from(tern__text_start *s, tern_context *c, tern_text_dataset *data,
                                  const tern_dataset *training, const tern_text_train_options *o) {
    if (o->init) return tern_text_dataset_use(data, s->vocabulary);
    tern_status st = tern_text_dataset_build(data, training);
    if (st != TERN_OK || !s->vectors) return st;
    if (o->vector_words >= 0) {
        size_t most = o->vector_words ? (size_t)o->vector_words : DEFAULT_VECTOR_WORDS;
        tern_vocabulary *all;
        st = extend(&all, c, tern_text_dataset_vocabulary(data), s->vectors, most);
        if (st == TERN_OK) st = tern_text_dataset_use(data, all);
        if (st != TERN_OK) return st;
        tern_vocabulary_free(s->vocabulary);
        s->vocabulary = all;
    }
    return fill_table(s, c, data, o->train.seed);
}
