/* Binary files of word vectors: word2vec's and fastText's. Little-endian, as their writers are.
 * Source: word2vec.c; fastText, FastText::saveModel and Dictionary::save, version 12. */
#include "vectors_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORD_LIMIT = 4000 /* bytes; what one look ahead holds */ };

tern_status tern__vectors_fail(const tern__vectors_reading *r, tern_status status,
                               const char *format, ...) {
    char text[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return tern__fail(r->c, status, "%s, byte %zu: %s", tern__stream_name(r->stream), r->at, text);
}

tern_status tern__vectors_bytes(tern__vectors_reading *r, void *bytes, size_t size,
                                const char *what) {
    size_t got;
    tern_status st = tern__stream_read(r->stream, bytes, size, &got);
    if (st == TERN_OK && got < size)
        return tern__vectors_fail(r, TERN_ERR_FORMAT, "cut short: the file ends in %s", what);
    r->at += got;
    return st;
}

/* Takes the bytes up to `stop`, which is taken too; out [WORD_LIMIT + 1]. */
static tern_status read_word(tern__vectors_reading *r, char *out, size_t *length, char stop) {
    const unsigned char *bytes;
    size_t size;
    tern_status st = tern__stream_peek(r->stream, &bytes, WORD_LIMIT + 1, &size);
    if (st != TERN_OK) return st;
    if (size > WORD_LIMIT + 1) size = WORD_LIMIT + 1;
    const unsigned char *end = size ? memchr(bytes, stop, size) : NULL;
    if (!end && size <= WORD_LIMIT)
        return tern__vectors_fail(r, TERN_ERR_FORMAT, "cut short: the file ends in a word");
    if (!end)
        return tern__vectors_fail(r, TERN_ERR_FORMAT, "a word of more than %d bytes", WORD_LIMIT);
    *length = (size_t)(end - bytes);
    st = tern__vectors_bytes(r, out, *length + 1, "a word");
    out[*length] = 0;
    return st;
}

/* ---- word2vec ---- */

tern_status tern__vectors_read_word2vec(tern__vectors_reading *r, size_t words, int64_t dimension) {
    float unused[TERN_VECTORS_DIMENSION_MAX];
    char word[WORD_LIMIT + 1];
    const size_t bytes = (size_t)dimension * sizeof(float);
    tern_status st = tern__vectors_begin(r, words, dimension, bytes + 1);
    for (size_t i = 0; i < words && st == TERN_OK; i++) {
        size_t length = 0;
        float *row = NULL;
        st = read_word(r, word, &length, ' ');
        const size_t skip = length > 0 && word[0] == '\n'; /* some writers end each vector so */
        if (st == TERN_OK) st = tern__vectors_place(r, &row, word + skip, length - skip);
        if (st == TERN_OK) st = tern__vectors_bytes(r, row ? row : unused, bytes, "a vector");
        if (st == TERN_OK && row && !tern__vectors_finite(row, dimension))
            return tern__vectors_fail(r, TERN_ERR_FORMAT,
                                      "the vector of word %zu holds a number that is not finite",
                                      i + 1);
    }
    const unsigned char *rest;
    size_t size = 0;
    if (st == TERN_OK) st = tern__stream_peek(r->stream, &rest, 2, &size);
    if (st == TERN_OK && size > 0 && !(size == 1 && rest[0] == '\n'))
        return tern__vectors_fail(r, TERN_ERR_FORMAT, "more bytes follow the %zu words", words);
    return st;
}

/* ---- fastText ---- */

typedef struct fasttext {
    int32_t dimension, bucket, min_n, max_n;
    int32_t words, labels;
    int64_t *row_of; /* [words] the row a word of the file has here, -1: none */
    int64_t pruned;
    bool grams;  /* words are made of n-grams */
    size_t rest; /* bytes of the matrix behind the rows that count */
    /* what is made of n-grams while the file goes by: rows of n-gram b are users[begins[b]..] */
    size_t *begins;
    uint32_t *users, *parts; /* parts [rows]: rows of the file that a row here is the mean of */
} fasttext;

static tern_status read_i32(tern__vectors_reading *r, int32_t *value) {
    return tern__vectors_bytes(r, value, sizeof *value, "the header");
}
static tern_status read_i64(tern__vectors_reading *r, int64_t *value) {
    return tern__vectors_bytes(r, value, sizeof *value, "the header");
}

/* Magic, version, the arguments of training. */
static tern_status read_arguments(tern__vectors_reading *r, fasttext *f) {
    int32_t head[14];
    double t;
    tern_status st = tern__vectors_bytes(r, head, sizeof head, "the header");
    if (st == TERN_OK) st = tern__vectors_bytes(r, &t, sizeof t, "the header");
    if (st != TERN_OK) return st;
    if (head[1] != 11 && head[1] != 12)
        return tern__vectors_fail(r, TERN_ERR_UNSUPPORTED,
                                  "version %d of fastText's files; 11 and 12 can be read", head[1]);
    f->dimension = head[2];
    f->bucket = head[10];
    f->min_n = head[11];
    f->max_n = head[12];
    const bool supervised = head[9] == 3;
    if (head[1] == 11 && supervised) f->max_n = 0; /* as fastText itself reads them */
    if (f->bucket < 0 || f->max_n < 0 || f->max_n > 100 || (f->max_n > 0 && f->min_n < 1))
        return tern__vectors_fail(r, TERN_ERR_FORMAT,
                                  "%d buckets for n-grams of %d to %d characters make no sense",
                                  f->bucket, f->min_n, f->max_n);
    return TERN_OK;
}

static tern_status read_dictionary(tern__vectors_reading *r, fasttext *f) {
    int32_t size;
    int64_t tokens;
    char word[WORD_LIMIT + 1];
    tern_status st = read_i32(r, &size);
    if (st == TERN_OK) st = read_i32(r, &f->words);
    if (st == TERN_OK) st = read_i32(r, &f->labels);
    if (st == TERN_OK) st = read_i64(r, &tokens);
    if (st == TERN_OK) st = read_i64(r, &f->pruned);
    if (st != TERN_OK) return st;
    if (f->words < 0 || f->labels < 0 || size != (int64_t)f->words + f->labels)
        return tern__vectors_fail(r, TERN_ERR_FORMAT, "%d entries are not %d words and %d labels",
                                  size, f->words, f->labels);
    const size_t least = 10 + sizeof(float) * (f->dimension > 0 ? (size_t)f->dimension : 1);
    st = tern__vectors_begin(r, (size_t)f->words, f->dimension, least);
    if (st != TERN_OK) return st;
    size_t capacity = 0;
    for (int32_t i = 0; i < size && st == TERN_OK; i++) {
        size_t length = 0;
        int64_t count;
        int8_t type = 0;
        float *row = NULL;
        st = read_word(r, word, &length, 0);
        if (st == TERN_OK) st = tern__vectors_bytes(r, &count, sizeof count, "the words");
        if (st == TERN_OK) st = tern__vectors_bytes(r, &type, sizeof type, "the words");
        if (st == TERN_OK && type != (i >= f->words))
            return tern__vectors_fail(r, TERN_ERR_FORMAT, "entry %d is of type %d", i + 1, type);
        if (st != TERN_OK || i >= f->words) continue;
        int64_t *grown =
            tern__grow(r->c, f->row_of, (size_t)i, &capacity, (size_t)i + 1, sizeof *grown);
        if (!grown) return TERN_ERR_MEMORY;
        f->row_of = grown;
        st = tern__vectors_place(r, &row, word, length);
        f->row_of[i] = row ? (row - r->v->rows) / f->dimension : -1;
    }
    return st;
}

/* Refuses what is quantised or pruned, and reads the size of the matrix of rows. */
static tern_status read_matrix_size(tern__vectors_reading *r, fasttext *f) {
    uint8_t quantised;
    int64_t m, n;
    if (f->pruned > 0)
        return tern__vectors_fail(r, TERN_ERR_UNSUPPORTED,
                                  "the file is pruned and quantised; its vectors cannot be read");
    tern_status st = tern__vectors_bytes(r, &quantised, 1, "the header");
    if (st == TERN_OK && quantised)
        return tern__vectors_fail(r, TERN_ERR_UNSUPPORTED,
                                  "the file is quantised (.ftz); its vectors cannot be read");
    if (st == TERN_OK) st = read_i64(r, &m);
    if (st == TERN_OK) st = read_i64(r, &n);
    if (st != TERN_OK) return st;
    f->grams = f->max_n > 0 && f->pruned != 0 && f->bucket > 0;
    if (n != f->dimension || m < f->words || (f->grams && m != (int64_t)f->words + f->bucket))
        return tern__vectors_fail(r, TERN_ERR_FORMAT,
                                  "a matrix of %lld x %lld; %lld x %d is expected", (long long)m,
                                  (long long)n, (long long)f->words + f->bucket, f->dimension);
    const size_t left = tern__stream_left(r->stream), row = (size_t)n * sizeof(float);
    if (left != SIZE_MAX && (uint64_t)m > left / row)
        return tern__vectors_fail(r, TERN_ERR_FORMAT,
                                  "cut short: %lld rows of %zu bytes are to follow, %zu bytes are "
                                  "left",
                                  (long long)m, row, left);
    if ((f->grams ? (double)f->bucket * sizeof *f->begins : 0) > r->memory)
        return tern__vectors_fail(r, TERN_ERR_LIMIT,
                                  "%d buckets are more than fit the %.0f bytes that may be held",
                                  f->bucket, r->memory);
    f->rest = (size_t)(m - f->words - (f->grams ? f->bucket : 0)) * row;
    return TERN_OK;
}

static tern_status read_row(tern__vectors_reading *r, float *row, int64_t n, size_t number) {
    tern_status st = tern__vectors_bytes(r, row, (size_t)n * sizeof *row, "the matrix");
    if (st == TERN_OK && !tern__vectors_finite(row, n))
        return tern__vectors_fail(r, TERN_ERR_FORMAT, "row %zu holds a number that is not finite",
                                  number + 1);
    return st;
}

/* Words of the vocabulary that the file lacks get a row of zeros, to be made of n-grams. */
static tern_status add_unknown(tern__vectors_reading *r, size_t *first) {
    *first = r->v->words.count;
    for (size_t i = TERN_FIRST_WORD; r->only && i < tern_vocabulary_rows(r->only); i++) {
        size_t length;
        float *row;
        const char *word = tern_vocabulary_word(r->only, (int64_t)i, &length);
        if (tern_vectors_find(r->v, word, length)) continue;
        tern_status st = tern__vectors_place(r, &row, word, length);
        if (st != TERN_OK) return st;
        if (row) memset(row, 0, (size_t)r->v->dimension * sizeof *row);
    }
    return TERN_OK;
}

static size_t grams_of(const tern__vectors_reading *r, const fasttext *f, size_t row,
                       int64_t *out) {
    size_t length;
    const char *word = tern_vectors_word(r->v, row, &length);
    return tern__vectors_grams(out, TERN__VECTORS_GRAMS, word, length, f->min_n, f->max_n,
                               f->bucket);
}

/* Which rows each n-gram goes into: [begins[b], begins[b + 1]) of users. */
static tern_status list_users(tern__vectors_reading *r, fasttext *f, size_t known) {
    const size_t count = r->v->words.count, buckets = (size_t)f->bucket;
    int64_t grams[TERN__VECTORS_GRAMS];
    f->begins = tern__calloc(r->c, buckets + 2, sizeof *f->begins);
    f->parts = tern__alloc(r->c, count * sizeof *f->parts);
    if (!f->begins || !f->parts) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const size_t n = grams_of(r, f, i, grams);
        for (size_t k = 0; k < n; k++) f->begins[grams[k] + 2]++;
        f->parts[i] = (uint32_t)n + (i < known);
    }
    for (size_t b = 0; b < buckets; b++) f->begins[b + 2] += f->begins[b + 1];
    f->users = tern__alloc(r->c, f->begins[buckets + 1] * sizeof *f->users);
    if (!f->users) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const size_t n = grams_of(r, f, i, grams);
        for (size_t k = 0; k < n; k++) f->users[f->begins[grams[k] + 1]++] = (uint32_t)i;
    }
    return TERN_OK;
}

/* Adds each row of an n-gram to the words that have it. */
static tern_status add_grams(tern__vectors_reading *r, const fasttext *f) {
    const int64_t n = f->dimension;
    float unused[TERN_VECTORS_DIMENSION_MAX];
    tern_status st = TERN_OK;
    for (size_t b = 0; b < (size_t)f->bucket && st == TERN_OK; b++) {
        float *gram = r->v->grams ? r->v->grams + b * (size_t)n : unused;
        st = read_row(r, gram, n, (size_t)f->words + b);
        for (size_t k = f->begins[b]; k < f->begins[b + 1] && st == TERN_OK; k++) {
            float *row = r->v->rows + f->users[k] * n;
            for (int64_t i = 0; i < n; i++) row[i] += gram[i];
        }
    }
    for (size_t w = 0; w < r->v->words.count && st == TERN_OK; w++)
        for (int64_t i = 0; i < n && f->parts[w] > 1; i++)
            r->v->rows[(int64_t)w * n + i] /= (float)f->parts[w];
    return st;
}

static tern_status read_matrix(tern__vectors_reading *r, fasttext *f) {
    float unused[TERN_VECTORS_DIMENSION_MAX];
    size_t known = r->v->words.count;
    const int64_t n = f->dimension;
    tern_status st = read_matrix_size(r, f);
    if (st == TERN_OK && f->grams) st = add_unknown(r, &known);
    if (st == TERN_OK && f->grams) st = list_users(r, f, known);
    if (st == TERN_OK && f->grams && !r->only && !r->no_subwords) {
        const double bytes = ((double)f->bucket + (double)known) * (double)n * sizeof(float);
        if (bytes > r->memory)
            return tern__vectors_fail(r, TERN_ERR_LIMIT,
                                      "%d rows of n-grams with the words are more than the %.0f "
                                      "bytes that may be held; without sub-words it is less",
                                      f->bucket, r->memory);
        r->v->grams = tern__alloc(r->c, (size_t)f->bucket * (size_t)n * sizeof(float));
        if (!r->v->grams) return TERN_ERR_MEMORY;
        r->v->min_n = f->min_n;
        r->v->max_n = f->max_n;
        r->v->buckets = f->bucket;
    }
    for (int32_t i = 0; i < f->words && st == TERN_OK; i++) {
        const int64_t row = f->row_of[i];
        st = read_row(r, row < 0 ? unused : r->v->rows + row * n, n, (size_t)i);
    }
    return st == TERN_OK && f->grams ? add_grams(r, f) : st;
}

/* The matrix of outputs is of no use here, but a file without it is cut short. */
static tern_status check_output(tern__vectors_reading *r, const fasttext *f) {
    uint8_t quantised, unused[4096];
    int64_t m, n;
    tern_status st = TERN_OK;
    for (size_t skip = f->rest, part; skip > 0 && st == TERN_OK; skip -= part) {
        part = skip < sizeof unused ? skip : sizeof unused;
        st = tern__vectors_bytes(r, unused, part, "the matrix");
    }
    if (st == TERN_OK) st = tern__vectors_bytes(r, &quantised, 1, "the matrix of outputs");
    if (st == TERN_OK) st = read_i64(r, &m);
    if (st == TERN_OK) st = read_i64(r, &n);
    if (st != TERN_OK) return st;
    const size_t left = tern__stream_left(r->stream);
    if (m < 0 || n != f->dimension || (left != SIZE_MAX && (uint64_t)m > left / (4 * (uint64_t)n)))
        return tern__vectors_fail(r, TERN_ERR_FORMAT,
                                  "cut short: the matrix of outputs is said to be %lld x %lld, %zu "
                                  "bytes are left",
                                  (long long)m, (long long)n, left);
    return TERN_OK;
}

tern_status tern__vectors_read_fasttext(tern__vectors_reading *r) {
    fasttext f = {0};
    tern_status st = read_arguments(r, &f);
    if (st == TERN_OK) st = read_dictionary(r, &f);
    if (st == TERN_OK) st = read_matrix(r, &f);
    if (st == TERN_OK) st = check_output(r, &f);
    tern__free(r->c, f.row_of);
    tern__free(r->c, f.begins);
    tern__free(r->c, f.users);
    tern__free(r->c, f.parts);
    return st;
}
