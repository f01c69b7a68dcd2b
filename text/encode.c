/* Numbers of a text: the rows of its words, of their sub-words and of its word n-grams. */
#include "tokenize.h"
#include "vocabulary.h"

#include <string.h>

static bool has_buckets(const tern_text_options *o) { return o->word_ngrams > 1 || o->max_n > 0; }

size_t tern_text_rows(const tern_vocabulary *vocabulary, const tern_text_options *options) {
    const tern_text_options defaults = TERN_TEXT_OPTIONS_INIT, *o = options ? options : &defaults;
    return tern_vocabulary_rows(vocabulary) + (has_buckets(o) ? (size_t)o->buckets : 0);
}

size_t tern__subword_rows(int64_t *rows, size_t capacity, const char *word, size_t length,
                          const tern_text_options *o) {
    uint32_t hashes[TERN__WORD_SUBWORDS];
    if (capacity > TERN__WORD_SUBWORDS) capacity = TERN__WORD_SUBWORDS;
    size_t count = tern_text_subwords(hashes, capacity, word, length, o->min_n, o->max_n);
    if (count > capacity) count = capacity;
    for (size_t i = 0; i < count; i++) rows[i] = 1 + (int64_t)(hashes[i] % (uint32_t)o->buckets);
    return count;
}

tern_status tern_text_encode_subwords(int64_t *rows, size_t per_token, const tern_tokens *tokens,
                                      const tern_text_options *options) {
    tern_text_options o;
    size_t at = 0;
    tern_status st = tern__text_options_resolve(&o, tokens->memory->context, options);
    if (st != TERN_OK) return st;
    if (o.max_n == 0)
        return tern__fail(tokens->memory->context, TERN_ERR_ARGUMENT,
                          "text options: max_n is 0: there are no sub-words");
    memset(rows, 0, tokens->count * per_token * sizeof *rows);
    for (size_t i = 0; i < tokens->count; i++) {
        const tern__written w = tern__token_written(tokens, i, &at);
        tern__subword_rows(rows + i * per_token, per_token, w.text, w.length, &o);
    }
    return TERN_OK;
}

/* ids with a limit; count goes on beyond it. */
typedef struct list {
    int64_t *ids;
    size_t capacity, count;
} list;

static inline void put(list *l, int64_t id) {
    if (l->count < l->capacity) l->ids[l->count] = id;
    l->count++;
}

static void put_subwords(list *l, const tern_tokens *tokens, int64_t first,
                         const tern_text_options *o) {
    int64_t rows[TERN__WORD_SUBWORDS];
    size_t at = 0;
    for (size_t i = 0; i < tokens->count; i++) {
        const tern__written w = tern__token_written(tokens, i, &at);
        const size_t n = tern__subword_rows(rows, TERN__WORD_SUBWORDS, w.text, w.length, o);
        for (size_t k = 0; k < n; k++) put(l, first + rows[k] - 1);
    }
}

tern_status tern_text_encode(int64_t *ids, size_t capacity, size_t *count, tern_tokens *tokens,
                             const tern_vocabulary *vocabulary, const tern_text_options *options,
                             const char *text, size_t length) {
    tern_text_options o;
    list l = {ids, capacity, 0};
    *count = 0;
    tern_status st = tern__text_options_resolve(&o, tokens->memory->context, options);
    if (st == TERN_OK) st = tern_text_tokenize(tokens, &o, text, length);
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < tokens->count; i++)
        put(&l, tern_vocabulary_find(vocabulary, tokens->at[i].text, tokens->at[i].length));
    const int64_t first = (int64_t)tern_vocabulary_rows(vocabulary);
    if (o.max_n > 0) put_subwords(&l, tokens, first, &o);
    for (size_t i = 0; o.word_ngrams > 1 && i < tokens->count; i++) {
        const tern_token *t = &tokens->at[i];
        uint64_t h = tern_text_ngram_begin(tern_text_hash(t->text, t->length));
        for (size_t k = i + 1; k < tokens->count && k < i + (size_t)o.word_ngrams; k++) {
            h = tern_text_ngram_extend(h, tern_text_hash(tokens->at[k].text, tokens->at[k].length));
            put(&l, first + (int64_t)(h % (uint64_t)o.buckets));
        }
    }
    *count = l.count;
    return TERN_OK;
}
