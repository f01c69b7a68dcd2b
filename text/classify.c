/* Classifies texts: bytes -> ids -> network or tables -> probabilities -> answer. Everything it
 * needs to know is in the model's metadata (pipeline.h). */
#include "classify.h"

#include "core/task/answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXTS_TOGETHER = 64,       /* in one run of the network, at most, */
    IDS_TOGETHER = 16384,      /* of so many ids with padding */
    CHUNK_TEXTS = 8192,        /* that are encoded together, at most, */
    CHUNK_BYTES = 16 << 20,    /* of so many bytes */
    DEFAULT_TABLES = 512 << 20 /* bytes */
};

/* ---- making ---- */

static void release(void *attachment, tern_context *c) {
    tern__text_classifier *k = attachment;
    for (int i = 0; i < k->n_workers; i++) tern_tokens_free(k->workers[i].tokens);
    tern__text_tables_free(k->tables, c);
    tern__text_tagger_free(k->tagger, c);
    tern__text_pipeline_free(&k->pipeline, c);
    tern__free(c, k->workers);
    tern__free(c, k->ids);
    tern__free(c, k->input);
    tern__free(c, k->scores);
    tern__free(c, k->probabilities);
    tern__free(c, k->weights);
}

static tern_status make_tables(tern__text_classifier *k, tern_session *session, size_t memory) {
    tern_context *c = tern__session_context(session);
    const tern_graph *g = tern__session_graph(session);
    tern__text_tables *tables = NULL;
    tern_status st = memory ? tern__text_tables_create(&tables, c, g, memory) : TERN_OK;
    if (st != TERN_OK) return st;
    int64_t rows = (int64_t)tern_text_rows(k->pipeline.vocabulary, &k->pipeline.text);
    const int64_t words = tables ? tern__text_tables_words(tables) : rows;
    if (words < rows) {
        tern__text_tables_free(tables, c);
        return tern__fail(c, TERN_ERR_FORMAT,
                          "the model has vectors for %lld words, its vocabulary gives %lld",
                          (long long)words, (long long)rows);
    }
    tern__text_tables_free(k->tables, c);
    k->tables = tables;
    return TERN_OK;
}

static tern_status make(void *attachment, tern_session *session) {
    tern__text_classifier *k = attachment;
    tern_context *c = tern__session_context(session);
    tern_status st = tern__text_pipeline_read(&k->pipeline, c, tern_session_model(session));
    if (st != TERN_OK) return st;
    k->workers = tern__calloc(c, (size_t)c->threads, sizeof *k->workers);
    k->scores = tern__calloc(c, k->pipeline.n_labels, sizeof *k->scores);
    k->probabilities = tern__calloc(c, k->pipeline.n_labels, sizeof *k->probabilities);
    if (!k->workers || !k->scores || !k->probabilities) return TERN_ERR_MEMORY;
    for (; st == TERN_OK && k->n_workers < c->threads; k->n_workers++) {
        tern__text_worker *w = &k->workers[k->n_workers];
        w->context = *c;
        st = tern_tokens_create(&w->tokens, &w->context);
    }
    if (st != TERN_OK) return tern__fail(c, st, "there was no memory to read texts");
    return k->pipeline.tags ? TERN_OK : make_tables(k, session, DEFAULT_TABLES);
}

static const tern__attachment_type classifiers = {sizeof(tern__text_classifier), make, release};

/* The session's classifier, whatever the network's output is. */
static tern_status get_any(tern__text_classifier **classifier, tern_session *session) {
    void *attachment;
    const tern_status st = tern__session_attachment(&attachment, session, &classifiers);
    *classifier = attachment;
    return st;
}

/* The same of a model that gives a label to every token (tags), or to a whole text. */
static tern_status get(tern__text_classifier **classifier, tern_session *session, bool tags) {
    tern_status st = get_any(classifier, session);
    if (st == TERN_OK && (*classifier)->pipeline.tags != tags)
        st = tern__fail(tern__session_context(session), TERN_ERR_FORMAT,
                        tags ? "the model gives a label to a whole text, not to every token"
                             : "the model gives a label to every token, not to a whole text");
    return st;
}

static tern_status check_output(const tern__text_classifier *k, tern_session *session) {
    return tern__text_pipeline_check_output(&k->pipeline, tern__session_context(session),
                                            tern__session_graph(session));
}

tern_status tern__text_classifier_get(tern__text_classifier **classifier, tern_session *session,
                                      bool tags) {
    const tern_status st = get(classifier, session, tags);
    return st == TERN_OK ? check_output(*classifier, session) : st;
}

tern_status tern_text_set_table_memory(tern_session *session, size_t bytes) {
    tern__text_classifier *k = NULL;
    tern_status st = tern__text_classifier_get(&k, session, false);
    return st == TERN_OK ? make_tables(k, session, bytes) : st;
}

tern_status tern_text_describe(tern_text_model_info *info, tern_session *session) {
    tern__text_classifier *k = NULL;
    tern_status st = get_any(&k, session);
    if (st == TERN_OK) st = check_output(k, session);
    if (st != TERN_OK) return st;
    const tern__text_pipeline *p = &k->pipeline;
    *info = (tern_text_model_info){p->n_labels, p->labels, p->tags,
                                   tern_vocabulary_rows(p->vocabulary) - TERN_FIRST_WORD, p->text};
    return TERN_OK;
}

/* ---- texts to ids ---- */

typedef struct encoding {
    tern__text_classifier *k;
    const char *const *texts;
    const size_t *lengths;
    size_t *begin; /* [count + 1] where each text's ids are in k->ids */
    tern__text_ids *ids;
    tern_status *statuses;
} encoding;

/* Ids that a byte of text can give at most: a token, its n-grams, its sub-words ("<" and ">" around
 * it add two characters). */
static size_t ids_per_byte(const tern_text_options *o) {
    size_t subwords = o->max_n > 0 ? (size_t)(o->max_n - o->min_n + 1) * 3 : 0;
    return (size_t)o->word_ngrams + subwords;
}

static void encode_item(void *arg, int64_t i, int worker) {
    const encoding *e = arg;
    const tern__text_pipeline *p = &e->k->pipeline;
    int64_t *ids = e->k->ids + e->begin[i];
    size_t count;
    e->statuses[i] =
        tern_text_encode(ids, e->begin[i + 1] - e->begin[i], &count, e->k->workers[worker].tokens,
                         p->vocabulary, &p->text, e->texts[i], e->lengths[i]);
    e->ids[i] = (tern__text_ids){ids, (int64_t)count};
}

static tern_status encode(encoding *e, tern_context *c, size_t count, size_t first) {
    tern__text_classifier *k = e->k;
    size_t each = ids_per_byte(&k->pipeline.text), total = 0;
    for (size_t i = 0; i < count; i++) {
        e->begin[i] = total;
        total += (e->lengths[i] + 1) * each;
    }
    e->begin[count] = total;
    int64_t *grown = tern__grow(c, k->ids, 0, &k->ids_capacity, total, sizeof *grown);
    if (!grown) return TERN_ERR_MEMORY;
    k->ids = grown;
    tern__parallel(c, (int64_t)count, (int64_t)(8 * total / (count ? count : 1)), encode_item, e);
    for (size_t i = 0; i < count; i++)
        if (e->statuses[i] != TERN_OK) { /* once more, for the sentence; there may be memory now */
            const tern_status st = e->statuses[i];
            encode_item(e, (int64_t)i, 0);
            return tern__fail(c, st, "text %zu: %s", first + i + 1,
                              e->statuses[i] == st ? tern_context_message(&k->workers[0].context)
                                                   : "out of memory");
        }
    return TERN_OK;
}

/* ---- ids to logits ---- */

typedef struct order_entry {
    int64_t length;
    size_t text;
} order_entry;

static int by_length(const void *a, const void *b) {
    const order_entry *x = a, *y = b;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return x->text < y->text ? -1 : 1;
}

/* What the network sees of a text of so many ids: zeros follow, to a few lengths in all. */
static int64_t padded(int64_t count) { return count > 0 ? (count + 3) / 4 * 4 : 4; }

/* One run of the network on texts order[0..n); L: of the longest. */
static tern_status run_network(tern__text_classifier *k, tern_session *session,
                               const tern__text_ids *ids, const order_entry *order, size_t n,
                               int64_t length, float *logits) {
    tern_context *c = tern__session_context(session);
    const size_t labels = k->pipeline.n_labels, total = n * (size_t)length;
    int64_t *grown = tern__grow(c, k->input, 0, &k->input_capacity, total, sizeof *grown);
    if (!grown) return TERN_ERR_MEMORY;
    k->input = grown;
    for (size_t i = 0; i < n; i++) {
        const tern__text_ids *text = &ids[order[i].text];
        int64_t *row = k->input + i * (size_t)length;
        memcpy(row, text->at, (size_t)text->count * sizeof *row);
        memset(row + text->count, 0, (size_t)(length - text->count) * sizeof *row);
    }
    tern_tensor x = {TERN_INT64, 2, {(int64_t)n, length}, k->input}, y;
    tern_status st = tern_session_run(session, &x, 1, &y, 1);
    if (st == TERN_OK)
        st = tern__session_expect(session, &y, 2, (int64_t[]){(int64_t)n, (int64_t)labels});
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < n; i++)
        memcpy(logits + order[i].text * labels, (const float *)y.data + i * labels,
               labels * sizeof *logits);
    return TERN_OK;
}

/* Texts of about one length together. */
static tern_status run_texts(tern__text_classifier *k, tern_session *session,
                             const tern__text_ids *ids, size_t count, float *logits) {
    tern_context *c = tern__session_context(session);
    order_entry *order = tern__calloc(c, count, sizeof *order);
    if (!order) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < count; i++) order[i] = (order_entry){padded(ids[i].count), i};
    qsort(order, count, sizeof *order, by_length);
    tern_status st = TERN_OK;
    for (size_t at = 0, n; st == TERN_OK && at < count; at += n) {
        n = 1;
        while (at + n < count && n < TEXTS_TOGETHER &&
               (int64_t)(n + 1) * order[at + n].length <= IDS_TOGETHER)
            n++;
        st = run_network(k, session, ids, order + at, n, order[at + n - 1].length, logits);
    }
    tern__free(c, order);
    return st;
}

static tern_status run(tern__text_classifier *k, tern_session *session, const tern__text_ids *ids,
                       size_t count, float *logits) {
    const size_t labels = k->pipeline.n_labels;
    tern_context *c = tern__session_context(session);
    if (!k->tables) return run_texts(k, session, ids, count, logits);
    tern_status st = TERN_OK;
    for (size_t at = 0; st == TERN_OK && at < count;) {
        at += tern__text_tables_run(k->tables, c, ids + at, count - at, logits + at * labels);
        if (at == count) break;
        st = run_texts(k, session, ids + at, 1, logits + at * labels); /* too long for them */
        at++;
    }
    return st;
}

/* Softmax of each row in place. */
static tern_status probabilities(tern_context *c, float *logits, size_t count, size_t labels) {
    for (size_t i = 0; i < count; i++) {
        float *z = logits + i * labels;
        tern__softmax s;
        const tern_status st = tern__softmax_get(&s, c, z, (int64_t)labels, 1);
        if (st != TERN_OK) return st;
        for (size_t k = 0; k < labels; k++) z[k] = (float)tern__softmax_share(&s, z[k]);
    }
    return TERN_OK;
}

/* ---- answers ---- */

/* A chunk: scores [count, labels]. first: number of its first text, for sentences. */
static tern_status classify_chunk(tern__text_classifier *k, tern_session *session,
                                  const char *const *texts, const size_t *lengths, size_t count,
                                  size_t first, float *scores) {
    tern_context *c = tern__session_context(session);
    encoding e = {.k = k, .texts = texts, .lengths = lengths};
    e.begin = tern__calloc(c, count + 1, sizeof *e.begin);
    e.ids = tern__calloc(c, count, sizeof *e.ids);
    e.statuses = tern__calloc(c, count, sizeof *e.statuses);
    tern_status st = e.begin && e.ids && e.statuses ? TERN_OK : TERN_ERR_MEMORY;
    if (st == TERN_OK) st = encode(&e, c, count, first);
    if (st == TERN_OK) st = run(k, session, e.ids, count, scores);
    if (st == TERN_OK) st = probabilities(c, scores, count, k->pipeline.n_labels);
    tern__free(c, e.statuses);
    tern__free(c, e.ids);
    tern__free(c, e.begin);
    return st;
}

static tern_status classify_chunks(tern__text_classifier *k, tern_session *session,
                                   const char *const *texts, const size_t *lengths, size_t count,
                                   float *scores, int64_t *labels, float *room) {
    const size_t n_labels = k->pipeline.n_labels;
    tern_status st = TERN_OK;
    for (size_t at = 0, n; st == TERN_OK && at < count; at += n) {
        size_t bytes = lengths[at];
        for (n = 1; at + n < count && n < CHUNK_TEXTS; n++)
            if ((bytes += lengths[at + n]) > CHUNK_BYTES) break;
        float *to = scores ? scores + at * n_labels : room;
        st = classify_chunk(k, session, texts + at, lengths + at, n, at, to);
        for (size_t i = 0; st == TERN_OK && labels && i < n; i++) {
            const float *p = to + i * n_labels;
            labels[at + i] = 0;
            for (size_t l = 1; l < n_labels; l++)
                if (p[l] > p[labels[at + i]]) labels[at + i] = (int64_t)l;
        }
    }
    return st;
}

tern_status tern_text_classify_batch(tern_session *session, const char *const *texts,
                                     const size_t *lengths, size_t count, float *scores,
                                     int64_t *labels) {
    tern__text_classifier *k = NULL;
    tern_status st = tern__text_classifier_get(&k, session, false);
    if (st != TERN_OK || !count) return st;
    tern_context *c = tern__session_context(session);
    size_t *own = lengths ? NULL : tern__calloc(c, count, sizeof *own), texts_together = count;
    if (texts_together > CHUNK_TEXTS) texts_together = CHUNK_TEXTS;
    float *room =
        scores ? NULL : tern__calloc(c, texts_together, k->pipeline.n_labels * sizeof *room);
    if ((!lengths && !own) || (!scores && !room)) st = TERN_ERR_MEMORY;
    for (size_t i = 0; st == TERN_OK && own && i < count; i++) own[i] = strlen(texts[i]);
    if (st == TERN_OK)
        st = classify_chunks(k, session, texts, own ? own : lengths, count, scores, labels, room);
    tern__free(c, room);
    tern__free(c, own);
    return st;
}

void tern__text_answer(tern__text_classifier *k, const float *p, tern_answer *answer) {
    const size_t n = k->pipeline.n_labels;
    for (size_t i = 0; i < n; i++) k->scores[i] = (tern_score){k->pipeline.labels[i], p[i]};
    tern__answer_of(answer, k->scores, n);
}

tern_status tern_text_classify(tern_session *session, const char *text, tern_answer *answer) {
    tern__text_classifier *k = NULL;
    tern_status st = tern__text_classifier_get(&k, session, false);
    const size_t length = strlen(text);
    if (st == TERN_OK) st = classify_chunk(k, session, &text, &length, 1, 0, k->probabilities);
    if (st == TERN_OK) tern__text_answer(k, k->probabilities, answer);
    return st;
}

/* ---- layers ---- */

static tern_status check_layer(tern_session *session) {
    const tern_graph *g = tern__session_graph(session);
    const tern__value *y = &g->values[g->outputs[0]];
    bool fixed = true;
    for (int i = 1; i < y->shape.rank; i++) fixed &= y->shape.dims[i] > 0;
    if (fixed && y->shape.type == TERN_FLOAT) return TERN_OK;
    return tern__fail(tern__session_context(session), TERN_ERR_UNSUPPORTED,
                      "the layer's output '%s' %s; a vector needs %s", y->name,
                      fixed ? "is not of floats" : "is as long as the text",
                      fixed ? "floats" : "a layer behind the pooling");
}

tern_status tern_text_embed(tern_session *session, const char *text, const float **vector,
                            int64_t *length) {
    tern__text_classifier *k = NULL;
    tern_context *c = tern__session_context(session);
    const size_t bytes = strlen(text);
    size_t begin[2];
    tern__text_ids ids;
    tern_status st = get(&k, session, false), encoded;
    encoding e = {k, &text, &bytes, begin, &ids, &encoded};
    if (st == TERN_OK) st = check_layer(session);
    if (st == TERN_OK) st = encode(&e, c, 1, 0);
    if (st != TERN_OK) return st;
    const int64_t n = padded(ids.count);
    int64_t *grown = tern__grow(c, k->input, 0, &k->input_capacity, (size_t)n, sizeof *grown);
    if (!grown) return TERN_ERR_MEMORY;
    k->input = grown;
    memset(k->input, 0, (size_t)n * sizeof *k->input);
    memcpy(k->input, ids.at, (size_t)ids.count * sizeof *k->input);
    const tern_tensor x = {TERN_INT64, 2, {1, n}, k->input};
    tern_tensor y;
    st = tern_session_run(session, &x, 1, &y, 1);
    return st == TERN_OK ? tern__vector_of(vector, length, c, &y) : st;
}
