/* Reading word vectors: which format a file is in, and the ones of text: word2vec .txt and fastText
 * .vec, which begin with "count dimension", and GloVe's, which does not. */
#include "decimal.h"
#include "vectors_read.h"

#include "core/base/encoding.h"

#include <math.h>
#include <string.h>

#define LINE_LIMIT ((size_t)1 << 20)
#define FASTTEXT "\xBA\x16\x4F\x2F" /* 793712314, little-endian */

/* ---- what the formats share ---- */

tern_status tern__vectors_begin(tern__vectors_reading *r, size_t words, int64_t dimension,
                                size_t least) {
    const size_t left = tern__stream_left(r->stream);
    const size_t wanted = r->only ? tern_vocabulary_rows(r->only) : TERN_VOCABULARY_MAX;
    const char *name = tern__stream_name(r->stream);
    if (dimension < 1 || dimension > TERN_VECTORS_DIMENSION_MAX)
        return tern__fail(r->c, dimension < 1 ? TERN_ERR_FORMAT : TERN_ERR_LIMIT,
                          "%s: vectors of %lld numbers; the range is 1 to %d", name,
                          (long long)dimension, TERN_VECTORS_DIMENSION_MAX);
    if (words == 0) return tern__fail(r->c, TERN_ERR_FORMAT, "%s: holds no words", name);
    if (words != SIZE_MAX && !r->only && words > wanted)
        return tern__fail(r->c, TERN_ERR_LIMIT,
                          "%s: %zu words; the limit is %zu (a vocabulary to keep lifts it)", name,
                          words, wanted);
    if (words != SIZE_MAX && left != SIZE_MAX && words > left / least)
        return tern__fail(r->c, TERN_ERR_FORMAT,
                          "%s: cut short: %zu words with %lld numbers each take at least %zu bytes "
                          "each, but only %zu bytes follow",
                          name, words, (long long)dimension, least, left);
    r->v = tern__vectors_make(r->c, dimension);
    if (!r->v) return TERN_ERR_MEMORY;
    size_t room = words < wanted ? words : wanted;
    if ((words == SIZE_MAX || left == SIZE_MAX) && room > 1000) room = 1000;
    if ((double)room * (double)dimension * sizeof(float) > r->memory) room = 1;
    return tern__vectors_reserve(r->v, room);
}

tern_status tern__vectors_place(tern__vectors_reading *r, float **row, const char *word,
                                size_t length) {
    tern_vectors *v = r->v;
    const size_t count = v->words.count;
    bool is_new = false;
    *row = NULL;
    if (length == 0 || memchr(word, 0, length)) return TERN_OK;
    if (r->only && tern_vocabulary_find(r->only, word, length) == TERN_UNKNOWN) return TERN_OK;
    tern_status st = tern__vectors_add(v, word, length, row, &is_new);
    if (st != TERN_OK) return st;
    if (!is_new) {
        r->repeated++;
        *row = NULL;
        return TERN_OK;
    }
    if (count >= TERN_VOCABULARY_MAX)
        return tern__fail(r->c, TERN_ERR_LIMIT, "%s: more than %d words",
                          tern__stream_name(r->stream), TERN_VOCABULARY_MAX);
    if ((double)(count + 1) * (double)v->dimension * sizeof(float) > r->memory)
        return tern__fail(r->c, TERN_ERR_LIMIT,
                          "%s: the vectors are more than the %.0f bytes that may be held; a "
                          "vocabulary to keep makes them fewer",
                          tern__stream_name(r->stream), r->memory);
    return TERN_OK;
}

bool tern__vectors_finite(const float *row, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(row[i])) return false;
    return true;
}

/* ---- text ---- */

static bool is_space(char c) { return c == ' ' || c == '\t'; }

/* Where the last n fields of a line begin; NULL if there are not as many behind a word. *found is
 * how many there are at most n. */
static const char *last_fields(const char *line, const char *end, int64_t n, int64_t *found) {
    const char *s = end;
    for (*found = 0; *found < n; ++*found) {
        while (s > line && is_space(s[-1])) s--;
        const char *field = s;
        while (s > line && !is_space(s[-1])) s--;
        if (s == field || s == line) return NULL;
    }
    return s;
}

static int64_t count_fields(const char *s, const char *end) {
    int64_t n = 0;
    while (s < end) {
        while (s < end && is_space(*s)) s++;
        n += s < end;
        while (s < end && !is_space(*s)) s++;
    }
    return n;
}

/* Whether the last field before `end` is a number: then a line has too many of them. */
static bool number_before(const char *line, const char *end) {
    const char *s = end, *stop;
    float value;
    while (s > line && !is_space(s[-1])) s--;
    return s > line && tern__decimal_read(&value, s, end, &stop) && stop == end;
}

static tern_status read_numbers(const tern__vectors_reading *r, float *row, int64_t n,
                                const char *s, const char *end) {
    for (int64_t i = 0; i < n; i++) {
        const char *field = s, *stop;
        while (s < end && !is_space(*s)) s++;
        if (!tern__decimal_read(&row[i], field, s, &stop) || stop != s || !isfinite(row[i]))
            return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                     "number %lld of %lld is '%.*s'; a finite decimal is expected",
                                     (long long)i + 1, (long long)n,
                                     s - field > 40 ? 40 : (int)(s - field), field);
        while (s < end && is_space(*s)) s++;
    }
    return TERN_OK;
}

/* One line: the word is what stands before the last `dimension` fields (some of GloVe's words hold
 * spaces). */
static tern_status read_line(tern__vectors_reading *r, const char *line, size_t length) {
    const char *end = line + length;
    const int64_t n = r->v->dimension;
    int64_t found;
    float *row;
    while (end > line && is_space(end[-1])) end--;
    const char *numbers = last_fields(line, end, n, &found);
    if (!numbers)
        return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                 "%lld fields; a word and %lld numbers are expected",
                                 (long long)count_fields(line, end), (long long)n);
    const char *word_end = numbers;
    while (word_end > line && is_space(word_end[-1])) word_end--;
    if (number_before(line, word_end))
        return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                 "more than %lld numbers behind the word, %lld fields in all",
                                 (long long)n, (long long)count_fields(line, end));
    tern_status st = tern__vectors_place(r, &row, line, (size_t)(word_end - line));
    return st == TERN_OK && row ? read_numbers(r, row, n, numbers, end) : st;
}

tern_status tern__vectors_read_text(tern__vectors_reading *r, size_t words, int64_t dimension) {
    const bool header = words != SIZE_MAX;
    size_t length, count = 0;
    char *line;
    tern_status st = TERN_OK;
    if (header) st = tern__vectors_begin(r, words, dimension, 2 * (size_t)dimension + 1);
    while (st == TERN_OK) {
        st = tern__stream_next_line(r->stream, &line, &length, LINE_LIMIT);
        if (st != TERN_OK || !line) break;
        if (length == 0) continue;
        if (header && count == words)
            return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                     "more lines than the %zu words of the first line", words);
        if (!header && count == 0)
            st = tern__vectors_begin(r, SIZE_MAX, count_fields(line, line + length) - 1, 2);
        if (st == TERN_OK) st = read_line(r, line, length);
        count++;
    }
    if (st == TERN_OK && header && count < words)
        return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                 "cut short: the file ends after %zu of %zu words", count, words);
    return st;
}

/* ---- which format ---- */

static bool read_size(size_t *value, const char **at, const char *end) {
    const char *s = *at;
    size_t v = 0;
    for (; s < end && *s >= '0' && *s <= '9'; s++) {
        if (v > SIZE_MAX / 100) return false;
        v = 10 * v + (size_t)(*s - '0');
    }
    if (s == *at) return false;
    *at = s;
    *value = v;
    return true;
}

/* "count dimension" and nothing else on the line. */
static bool is_header(const char *s, const char *end, size_t *words, size_t *dimension) {
    if (!read_size(words, &s, end) || s == end || !is_space(*s)) return false;
    while (s < end && is_space(*s)) s++;
    if (!read_size(dimension, &s, end)) return false;
    while (s < end && (is_space(*s) || *s == '\r')) s++;
    return s == end;
}

/* Whether what follows the first word are decimals, as far as bytes are at hand. */
static bool is_text(const char *s, const char *end) {
    while (s < end && !is_space(*s)) s++;
    for (; s < end && *s != '\n'; s++)
        if (!strchr("0123456789+-.eEinfaNIFA \t\r", *s) || !*s) return false;
    return true;
}

/* Text of editors begins with a byte-order mark. */
static tern_status skip_mark(tern__vectors_reading *r) {
    const unsigned char *bytes;
    size_t size, mark = 0;
    char taken[3];
    tern_status st = tern__stream_peek(r->stream, &bytes, 64, &size);
    if (st != TERN_OK || !size || (size >= 4 && !memcmp(bytes, FASTTEXT, 4))) return st;
    st = tern__text_begin(&mark, r->c, tern__stream_name(r->stream), bytes, size);
    if (st != TERN_OK || !mark) return st;
    return tern__stream_read(r->stream, taken, mark, &size);
}

static tern_status read_any(tern__vectors_reading *r) {
    const unsigned char *bytes;
    size_t size = 0, words = 0, dimension = 0, length;
    char *line;
    tern_status st = skip_mark(r);
    if (st == TERN_OK) st = tern__stream_peek(r->stream, &bytes, 4096, &size);
    if (st != TERN_OK) return st;
    if (size > 4096) size = 4096;
    const char *s = (const char *)bytes, *end = s + size;
    if (size == 0)
        return tern__fail(r->c, TERN_ERR_FORMAT, "%s: is empty", tern__stream_name(r->stream));
    if (size >= 4 && !memcmp(s, FASTTEXT, 4)) return tern__vectors_read_fasttext(r);
    const char *newline = memchr(s, '\n', size);
    if (newline && is_header(s, newline, &words, &dimension)) {
        const bool text = is_text(newline + 1, end);
        r->at = (size_t)(newline + 1 - s);
        st = tern__stream_next_line(r->stream, &line, &length, LINE_LIMIT);
        if (st != TERN_OK) return st;
        const int64_t n = dimension > INT32_MAX ? INT32_MAX : (int64_t)dimension;
        return text ? tern__vectors_read_text(r, words, n)
                    : tern__vectors_read_word2vec(r, words, n);
    }
    if (memchr(s, 0, newline ? (size_t)(newline - s) : size))
        return tern__fail(r->c, TERN_ERR_FORMAT,
                          "%s: holds no word vectors: neither text nor a binary file of word2vec "
                          "or fastText",
                          tern__stream_name(r->stream));
    return tern__vectors_read_text(r, SIZE_MAX, 0);
}

tern_status tern__vectors_read(tern_vectors **vectors, tern__stream *stream, tern_context *c,
                               const tern_vectors_load_options *options) {
    tern_vectors_load_options o = TERN_VECTORS_LOAD_OPTIONS_INIT;
    if (options) o = *options;
    *vectors = NULL;
    tern__vectors_reading r = {.c = c,
                               .stream = stream,
                               .only = o.only,
                               .no_subwords = o.no_subwords,
                               .memory = o.memory > 0 ? o.memory : 4e9};
    tern_status st = read_any(&r);
    if (st == TERN_OK && (!r.v || r.v->words.count == 0))
        st = tern__fail(c, TERN_ERR_FORMAT, "%s: holds %s", tern__stream_name(stream),
                        o.only ? "no word of the vocabulary" : "no words");
    if (st != TERN_OK) {
        tern_vectors_free(r.v);
        return st;
    }
    if (r.repeated)
        tern__log(c, TERN_LOG_WARNING, "%s: %zu words are there several times; the first counts",
                  tern__stream_name(stream), r.repeated);
    *vectors = r.v;
    return TERN_OK;
}

tern_status tern_vectors_load(tern_vectors **vectors, tern_context *c, const char *path,
                              const tern_vectors_load_options *options) {
    tern__stream *stream;
    *vectors = NULL;
    tern_status st = tern__stream_open(&stream, c, path);
    if (st != TERN_OK) return st;
    st = tern__vectors_read(vectors, stream, c, options);
    tern__stream_close(stream);
    return st;
}
