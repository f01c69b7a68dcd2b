/* Counts of words and vocabularies made from them. Knows no text and no file. */
#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* ---- counts ---- */

tern_status tern_word_counts_create(tern_word_counts **counts, tern_context *c) {
    *counts = tern__calloc(c, 1, sizeof **counts);
    if (!*counts) return TERN_ERR_MEMORY;
    (*counts)->words.context = c;
    return TERN_OK;
}

void tern_word_counts_free(tern_word_counts *counts) {
    if (!counts) return;
    tern_context *c = counts->words.context;
    tern__words_clear(&counts->words);
    tern__free(c, counts->counts);
    tern__free(c, counts);
}

tern_status tern_word_counts_add(tern_word_counts *counts, const char *word, size_t length,
                                 int64_t times) {
    tern__words *w = &counts->words;
    int64_t *values = tern__grow(w->context, counts->counts, w->count, &counts->capacity,
                                 w->count + 1, sizeof *values);
    if (!values) return TERN_ERR_MEMORY;
    counts->counts = values;
    const size_t before = w->count;
    int64_t number;
    tern_status st = tern__words_add(w, &number, word, length, tern_text_hash(word, length));
    if (st != TERN_OK) return st;
    if (w->count > before) values[number] = 0;
    values[number] += times;
    return TERN_OK;
}

size_t tern_word_counts_size(const tern_word_counts *counts) { return counts->words.count; }

/* ---- making a vocabulary ---- */

typedef struct entry {
    const char *word;
    size_t length;
    int64_t count;
    uint32_t hash;
} entry;

/* The most frequent first, then by bytes; a word that begins another one comes before it. */
static int by_count(const void *left, const void *right) {
    const entry *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    const size_t common = a->length < b->length ? a->length : b->length;
    const int order = memcmp(a->word, b->word, common);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static tern_status start(tern_vocabulary **vocabulary, tern_context *c, size_t count, size_t bytes,
                         bool counted) {
    *vocabulary = NULL;
    if (count > TERN_VOCABULARY_MAX)
        return tern__fail(c, TERN_ERR_LIMIT, "vocabulary: %zu words; at most %d are possible",
                          count, TERN_VOCABULARY_MAX);
    tern_vocabulary *v = tern__calloc(c, 1, sizeof *v);
    if (!v) return TERN_ERR_MEMORY;
    v->words.context = c;
    tern_status st = tern__words_reserve(&v->words, count, bytes);
    if (st == TERN_OK && counted && !(v->counts = tern__calloc(c, count, sizeof *v->counts)))
        st = TERN_ERR_MEMORY;
    if (st == TERN_OK)
        *vocabulary = v;
    else
        tern_vocabulary_free(v);
    return st;
}

/* The words that may enter, unsorted. */
static size_t collect(entry *entries, const tern_word_counts *counts, int64_t min_count) {
    size_t n = 0;
    for (size_t i = 0; i < counts->words.count; i++) {
        entry e = {.count = counts->counts[i], .hash = counts->words.hashes[i]};
        e.word = tern__words_at(&counts->words, i, &e.length);
        if (e.count < min_count || e.count < 1 || !e.length || memchr(e.word, '\n', e.length))
            continue;
        entries[n++] = e;
    }
    return n;
}

tern_status tern_vocabulary_create(tern_vocabulary **vocabulary, tern_context *c,
                                   const tern_word_counts *counts, int64_t min_count,
                                   size_t max_words) {
    *vocabulary = NULL;
    if (max_words == 0 || max_words > TERN_VOCABULARY_MAX) max_words = TERN_VOCABULARY_MAX;
    entry *entries = tern__calloc(c, counts->words.count, sizeof *entries);
    if (!entries) return TERN_ERR_MEMORY;
    size_t n = collect(entries, counts, min_count), bytes = 0;
    tern_status st = TERN_OK;
    if (!counts->words.count)
        st = tern__fail(c, TERN_ERR_FORMAT, "vocabulary: the texts hold no words");
    else if (!n)
        st = tern__fail(c, TERN_ERR_FORMAT,
                        "vocabulary: it would be empty; none of the %zu different words occurs "
                        "%lld times or more",
                        counts->words.count, (long long)min_count);
    if (st != TERN_OK) goto done;
    qsort(entries, n, sizeof *entries, by_count);
    if (n > max_words) n = max_words;
    for (size_t i = 0; i < n; i++) bytes += entries[i].length;
    st = start(vocabulary, c, n, bytes, true);
    for (size_t i = 0; st == TERN_OK && i < n; i++) {
        int64_t number;
        st = tern__words_add(&(*vocabulary)->words, &number, entries[i].word, entries[i].length,
                             entries[i].hash);
        if (st == TERN_OK) (*vocabulary)->counts[number] = entries[i].count;
    }
    if (st != TERN_OK) tern_vocabulary_free(*vocabulary), *vocabulary = NULL;
done:
    tern__free(c, entries);
    return st;
}

/* One word more, at the end. */
static tern_status append(tern_vocabulary *v, const char *word, size_t length) {
    tern_context *c = v->words.context;
    const size_t before = v->words.count;
    const int shown = length < 60 ? (int)length : 60;
    int64_t number;
    if (length == 0)
        return tern__fail(c, TERN_ERR_FORMAT, "vocabulary: word %zu is empty", before + 1);
    if (memchr(word, '\n', length))
        return tern__fail(c, TERN_ERR_FORMAT, "vocabulary: word %zu holds a newline", before + 1);
    tern_status st =
        tern__words_add(&v->words, &number, word, length, tern_text_hash(word, length));
    if (st == TERN_OK && v->words.count == before)
        st = tern__fail(c, TERN_ERR_FORMAT,
                        "vocabulary: the word '%.*s' is there twice, as %lld and "
                        "%zu",
                        shown, word, (long long)number + 1, before + 1);
    return st;
}

/* st, or that of an empty vocabulary; frees it on failure. */
static tern_status finish(tern_vocabulary **vocabulary, tern_context *c, tern_status st) {
    if (st == TERN_OK && (*vocabulary)->words.count == 0)
        st = tern__fail(c, TERN_ERR_FORMAT, "vocabulary: it is empty");
    if (st != TERN_OK) {
        tern_vocabulary_free(*vocabulary);
        *vocabulary = NULL;
    }
    return st;
}

tern_status tern_vocabulary_from_words(tern_vocabulary **vocabulary, tern_context *c,
                                       const char *const *words, const size_t *lengths,
                                       size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += lengths[i];
    tern_status st = start(vocabulary, c, count, bytes, false);
    for (size_t i = 0; st == TERN_OK && i < count; i++)
        st = append(*vocabulary, words[i], lengths[i]);
    return finish(vocabulary, c, st);
}

void tern_vocabulary_free(tern_vocabulary *v) {
    if (!v) return;
    tern_context *c = v->words.context;
    tern__words_clear(&v->words);
    tern__free(c, v->counts);
    tern__free(c, v);
}

/* ---- as text ---- */

tern_status tern_vocabulary_text(char **text, size_t *length, const tern_vocabulary *v) {
    *text = tern__strndup(v->words.context, v->words.bytes, v->words.used);
    if (!*text) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < v->words.count; i++) (*text)[v->words.begins[i + 1] - 1] = '\n';
    *length = v->words.used;
    return TERN_OK;
}

tern_status tern_vocabulary_parse(tern_vocabulary **vocabulary, tern_context *c, const char *text,
                                  size_t length) {
    const char *end = text + length;
    size_t count = 0;
    for (const char *p = text; p < end; count++) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        p = line_end ? line_end + 1 : end;
    }
    tern_status st = start(vocabulary, c, count, length, false);
    for (const char *p = text; st == TERN_OK && p < end;) {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        if (!line_end) line_end = end;
        st = append(*vocabulary, p, (size_t)(line_end - p));
        p = line_end < end ? line_end + 1 : end;
    }
    return finish(vocabulary, c, st);
}

/* ---- looking ---- */

size_t tern_vocabulary_rows(const tern_vocabulary *v) { return TERN_FIRST_WORD + v->words.count; }

int64_t tern_vocabulary_find(const tern_vocabulary *v, const char *word, size_t length) {
    return tern__vocabulary_row(v, word, length, tern_text_hash(word, length));
}

const char *tern_vocabulary_word(const tern_vocabulary *v, int64_t row, size_t *length) {
    size_t unused;
    if (!length) length = &unused;
    if (row >= TERN_FIRST_WORD)
        return tern__words_at(&v->words, (size_t)(row - TERN_FIRST_WORD), length);
    const char *word = row == TERN_UNKNOWN ? "<unknown>" : "";
    *length = strlen(word);
    return word;
}

int64_t tern_vocabulary_count(const tern_vocabulary *v, int64_t row) {
    return v->counts && row >= TERN_FIRST_WORD ? v->counts[row - TERN_FIRST_WORD] : 0;
}
