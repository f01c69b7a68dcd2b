/* Reads the texts that word vectors are learnt from, once, into numbers of words. Knows no vectors.
 */
#include "vectors.h"

#include <string.h>

/* Words numbered as they come, before it is known which are frequent. */
typedef struct gathering {
    tern_context *c;
    const tern_vectors_train_options *o;
    tern__corpus *corpus;
    tern__words words;
    int64_t *counts;
    size_t counts_capacity, ids_capacity;
    size_t texts;
    tern_tokens *tokens;
} gathering;

static tern_status add_id(gathering *g, int32_t id) {
    tern__corpus *k = g->corpus;
    int32_t *ids = tern__grow(g->c, k->ids, k->n_ids, &g->ids_capacity, k->n_ids + 1, sizeof *ids);
    if (!ids) return TERN_ERR_MEMORY;
    k->ids = ids;
    ids[k->n_ids++] = id;
    return TERN_OK;
}

static tern_status add_word(gathering *g, const tern_token *token) {
    const size_t before = g->words.count;
    const uint32_t hash = tern_text_hash(token->text, token->length);
    int64_t number;
    tern_status st = tern__words_add(&g->words, &number, token->text, token->length, hash);
    if (st != TERN_OK) return st;
    if (g->words.count > before) {
        int64_t *counts =
            tern__grow(g->c, g->counts, before, &g->counts_capacity, before + 1, sizeof *counts);
        if (!counts) return TERN_ERR_MEMORY;
        g->counts = counts;
        counts[before] = 0;
    }
    g->counts[number]++;
    return add_id(g, (int32_t)number);
}

static tern_status add_text(gathering *g, const tern_text_reader *reader,
                            const tern_text_record *record) {
    const double memory = g->o->memory > 0 ? g->o->memory : 4e9;
    tern_status st = tern_text_tokenize(g->tokens, &g->o->text, record->text, record->length);
    if (st != TERN_OK)
        return tern__fail_in(g->c, "%s, line %zu", tern_text_reader_name(reader), record->line);
    for (size_t i = 0; i < g->tokens->count && st == TERN_OK; i++)
        st = add_word(g, &g->tokens->at[i]);
    if (st == TERN_OK &&
        (double)g->corpus->n_ids * sizeof(int32_t) + (double)g->words.used > memory)
        return tern__fail(g->c, TERN_ERR_LIMIT,
                          "%s, line %zu: the texts so far are more than the %.0f bytes that may be "
                          "held",
                          tern_text_reader_name(reader), record->line, memory);
    g->texts++;
    return st == TERN_OK ? add_id(g, -1) : st;
}

static tern_status read_file(gathering *g, const char *path) {
    tern_text_reader *reader = NULL;
    tern_text_record record;
    bool got = true;
    tern_status st = tern_text_reader_open(&reader, g->c, path, &g->o->reader);
    while (st == TERN_OK && (st = tern_text_reader_next(reader, &record, &got)) == TERN_OK && got)
        st = add_text(g, reader, &record);
    tern_text_reader_close(reader);
    return st;
}

/* The vocabulary of frequent words, the most frequent first. */
static tern_status choose(gathering *g) {
    tern_word_counts *counts;
    tern_status st = tern_word_counts_create(&counts, g->c);
    for (size_t i = 0; i < g->words.count && st == TERN_OK; i++) {
        size_t length;
        const char *word = tern__words_at(&g->words, i, &length);
        st = tern_word_counts_add(counts, word, length, g->counts[i]);
    }
    if (st == TERN_OK)
        st = tern_vocabulary_create(&g->corpus->vocabulary, g->c, counts, g->o->min_count,
                                    (size_t)g->o->max_words);
    tern_word_counts_free(counts);
    return st;
}

/* From numbers in the order of coming to numbers of the vocabulary; other words disappear. */
static tern_status renumber(gathering *g) {
    tern__corpus *k = g->corpus;
    const size_t n = tern_vocabulary_rows(k->vocabulary) - TERN_FIRST_WORD;
    int32_t *number = tern__alloc(g->c, (g->words.count + 1) * sizeof *number);
    k->counts = tern__alloc(g->c, n * sizeof *k->counts);
    k->n_words = n;
    if (!number || !k->counts) {
        tern__free(g->c, number);
        return TERN_ERR_MEMORY;
    }
    for (size_t i = 0; i < g->words.count; i++) {
        size_t length;
        const char *word = tern__words_at(&g->words, i, &length);
        const int64_t row = tern_vocabulary_find(k->vocabulary, word, length);
        number[i] = row == TERN_UNKNOWN ? -1 : (int32_t)(row - TERN_FIRST_WORD);
        if (number[i] >= 0) k->counts[number[i]] = g->counts[i];
    }
    size_t kept = 0;
    for (size_t i = 0; i < k->n_ids; i++) {
        const int32_t id = k->ids[i] < 0 ? -1 : number[k->ids[i]];
        if (k->ids[i] >= 0 && id < 0) continue;
        k->tokens += id >= 0;
        k->ids[kept++] = id;
    }
    tern__log(g->c, TERN_LOG_INFO,
              "%zu texts, %zu words; %zu different ones, %zu of them at least %d times", g->texts,
              k->n_ids - g->texts, g->words.count, n, g->o->min_count);
    k->n_ids = kept;
    tern__free(g->c, number);
    return TERN_OK;
}

tern_status tern__corpus_read(tern__corpus *corpus, tern_context *c, const char *const *paths,
                              size_t n_paths, const tern_vectors_train_options *o) {
    *corpus = (tern__corpus){0};
    gathering g = {.c = c, .o = o, .corpus = corpus, .words = {.context = c}};
    tern_status st = tern_tokens_create(&g.tokens, c);
    for (size_t i = 0; i < n_paths && st == TERN_OK; i++) st = read_file(&g, paths[i]);
    if (st == TERN_OK) st = choose(&g);
    if (st == TERN_OK) st = renumber(&g);
    tern_tokens_free(g.tokens);
    tern__words_clear(&g.words);
    tern__free(c, g.counts);
    return st;
}

void tern__corpus_clear(tern__corpus *corpus, tern_context *c) {
    tern_vocabulary_free(corpus->vocabulary);
    tern__free(c, corpus->counts);
    tern__free(c, corpus->ids);
    *corpus = (tern__corpus){0};
}
