/* Reading files of word vectors: what the readers of the formats share. Internal to text. */
#ifndef TERN_TEXT_VECTORS_READ_H
#define TERN_TEXT_VECTORS_READ_H

#include "stream.h"
#include "vectors.h"

typedef struct tern__vectors_reading {
    tern_context *c;
    tern__stream *stream;
    const tern_vocabulary *only; /* NULL: all words */
    bool no_subwords;
    double memory;
    size_t at;       /* bytes read so far, by the binary readers */
    size_t repeated; /* words that were there before */
    tern_vectors *v;
} tern__vectors_reading;

/* Reads what the stream holds; the path is for sentences only. */
tern_status tern__vectors_read(tern_vectors **vectors, tern__stream *stream, tern_context *c,
                               const tern_vectors_load_options *options);

/* The number of words and the dimension are known: checks limits and that the file can hold them
 * (at least `least` bytes a word), makes reading->v with room. words SIZE_MAX: not known. */
tern_status tern__vectors_begin(tern__vectors_reading *reading, size_t words, int64_t dimension,
                                size_t least);
/* Where to put the vector of a word; NULL if it is not wanted or was there before. */
tern_status tern__vectors_place(tern__vectors_reading *reading, float **row, const char *word,
                                size_t length);
/* Fails if a number of the row is not finite. */
bool tern__vectors_finite(const float *row, int64_t n);

/* Exactly size bytes; TERN_ERR_FORMAT saying that the file is cut short while reading `what`. */
tern_status tern__vectors_bytes(tern__vectors_reading *reading, void *bytes, size_t size,
                                const char *what);
/* tern__fail with "FILE, byte N: " before the sentence. */
tern_status tern__vectors_fail(const tern__vectors_reading *reading, tern_status status,
                               const char *format, ...) TERN_PRINTF(3, 4);

/* The formats. text: words SIZE_MAX and dimension 0: no header line (GloVe). */
tern_status tern__vectors_read_text(tern__vectors_reading *reading, size_t words,
                                    int64_t dimension);
tern_status tern__vectors_read_word2vec(tern__vectors_reading *reading, size_t words,
                                        int64_t dimension);
tern_status tern__vectors_read_fasttext(tern__vectors_reading *reading);

#endif
