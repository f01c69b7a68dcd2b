/* Gives every token of a text a label: tokens -> ids and sub-words -> network -> labels ->
 * entities; and counts how many entities are found. */
#include "classify.h"
#include "spans.h"

#include "core/train/dataset.h"
#include "core/task/answer.h"

#include <math.h>
#include <string.h>
#include <tern/text_tag.h>

/* What a session keeps for tagging, grown as needed; owned by the classifier. */
struct tern__text_tagger {
    int64_t *ids, *subwords;
    int32_t *tags;
    float *scores;
    tern_text_tag *tokens;
    tern__span *spans;
    tern_text_entity *entities;
    size_t capacity; /* tokens there is room for */
};

void tern__text_tagger_free(tern__text_tagger *t, tern_context *c) {
    if (!t) return;
    tern__free(c, t->ids);
    tern__free(c, t->subwords);
    tern__free(c, t->tags);
    tern__free(c, t->scores);
    tern__free(c, t->tokens);
    tern__free(c, t->spans);
    tern__free(c, t->entities);
    tern__free(c, t);
}

static tern_status make_room(tern__text_classifier *k, tern_context *c, size_t count) {
    tern__text_tagger *t = k->tagger;
    if (t && t->capacity >= count) return TERN_OK;
    tern__text_tagger_free(t, c);
    k->tagger = NULL;
    if (!(t = tern__calloc(c, 1, sizeof *t))) return TERN_ERR_MEMORY;
    count = count + count / 2 + 16;
    t->ids = tern__calloc(c, count, sizeof *t->ids);
    t->subwords = tern__calloc(c, count, (size_t)(k->pipeline.subwords + 1) * sizeof *t->subwords);
    t->tags = tern__calloc(c, count, sizeof *t->tags);
    t->scores = tern__calloc(c, count, sizeof *t->scores);
    t->tokens = tern__calloc(c, count, sizeof *t->tokens);
    t->spans = tern__calloc(c, count, sizeof *t->spans);
    t->entities = tern__calloc(c, count, sizeof *t->entities);
    t->capacity = count;
    if (!t->ids || !t->subwords || !t->tags || !t->scores || !t->tokens || !t->spans ||
        !t->entities) {
        tern__text_tagger_free(t, c);
        return TERN_ERR_MEMORY;
    }
    k->tagger = t;
    return TERN_OK;
}

/* The most probable label of the first `count` places of text n of y [N, C, L], and (scores not
 * NULL) its probability. */
static tern_status read_places(const tern__text_pipeline *p, tern_context *c, const tern_tensor *y,
                               int64_t n, size_t count, int32_t *tags, float *scores) {
    const int64_t labels = (int64_t)p->n_labels, length = y->rank == 3 ? y->dims[2] : 0;
    if (y->type != TERN_FLOAT || y->rank != 3 || y->dims[0] <= n || y->dims[1] != labels ||
        (size_t)length < count)
        return tern__fail(c, TERN_ERR_SHAPE,
                          "the network gave %lld numbers for each of %lld tokens; %lld labels and "
                          "%zu tokens were expected",
                          (long long)y->dims[1], (long long)length, (long long)labels, count);
    const float *z = (const float *)y->data + n * labels * length;
    for (size_t i = 0; i < count; i++) {
        tern__softmax s;
        const tern_status st = tern__softmax_get(&s, c, z + i, labels, length);
        if (st != TERN_OK) return st;
        tags[i] = (int32_t)s.best;
        if (scores) scores[i] = (float)(1 / s.total);
    }
    return TERN_OK;
}

static tern_status run(tern__text_classifier *k, tern_session *session, const tern_tokens *tokens) {
    tern__text_tagger *t = k->tagger;
    const tern__text_pipeline *p = &k->pipeline;
    tern_context *c = tern__session_context(session);
    const int64_t n = (int64_t)tokens->count;
    for (int64_t i = 0; i < n; i++)
        t->ids[i] = tern_vocabulary_find(p->vocabulary, tokens->at[i].text, tokens->at[i].length);
    tern_tensor inputs[2] = {{TERN_INT64, 2, {1, n}, t->ids},
                             {TERN_INT64, 3, {1, n, p->subwords}, t->subwords}};
    tern_tensor y;
    tern_status st = TERN_OK;
    if (p->subwords)
        st = tern_text_encode_subwords(t->subwords, (size_t)p->subwords, tokens, &p->text);
    if (st != TERN_OK) return tern__fail(c, st, "%s", tern_context_message(&k->workers[0].context));
    st = tern_session_run(session, inputs, p->subwords ? 2 : 1, &y, 1);
    return st == TERN_OK ? read_places(p, c, &y, 0, tokens->count, t->tags, t->scores) : st;
}

tern_status tern_text_tag_text(tern_session *session, const char *text, tern_text_tags *tags) {
    tern__text_classifier *k = NULL;
    tern_context *c = tern__session_context(session);
    tern_status st = tern__text_classifier_get(&k, session, true);
    if (st != TERN_OK) return st;
    const tern__text_pipeline *p = &k->pipeline;
    tern_tokens *tokens = k->workers[0].tokens;
    if ((st = tern_text_tokenize(tokens, &p->text, text, strlen(text))) != TERN_OK)
        return tern__fail(c, st, "%s", tern_context_message(&k->workers[0].context));
    const size_t n = tokens->count;
    if ((st = make_room(k, c, n)) != TERN_OK) return st;
    tern__text_tagger *t = k->tagger;
    if (n && (st = run(k, session, tokens)) != TERN_OK) return st;
    for (size_t i = 0; i < n; i++)
        t->tokens[i] = (tern_text_tag){tokens->at[i].begin, tokens->at[i].end,
                                       p->labels[t->tags[i]], t->scores[i]};
    const size_t spans =
        tern__spans(t->spans, p->labels, t->tags, n, tern__span_ends(p->labels, p->n_labels));
    for (size_t i = 0; i < spans; i++) {
        const tern__span *s = &t->spans[i];
        tern_text_entity *e = &t->entities[i];
        *e = (tern_text_entity){
            t->tokens[s->first].begin, t->tokens[s->last].end, s->first, s->last, s->type, 1};
        for (size_t w = s->first; w <= s->last; w++)
            if (t->scores[w] < e->score) e->score = t->scores[w];
    }
    *tags = (tern_text_tags){t->tokens, t->entities, n, spans};
    return TERN_OK;
}

/* ---- evaluation ---- */

enum { TEXTS_TOGETHER = 16 };

static tern_entity_metrics *type_of(tern_tag_metrics *m, const char *type) {
    for (size_t i = 0; i < m->n_types; i++)
        if (!strcmp(m->types[i].type, type)) return &m->types[i];
    return NULL;
}

static void complete(tern_entity_metrics *m) {
    const double both = (double)(m->support + m->predicted);
    m->precision = m->predicted ? (double)m->correct / (double)m->predicted : 0;
    m->recall = m->support ? (double)m->correct / (double)m->support : 0;
    m->f1 = both > 0 ? 2 * (double)m->correct / both : 0;
}

/* Spans of both sides; truth and found have `count` tokens. */
static void count_text(tern_tag_metrics *m, const tern__text_pipeline *p, const int32_t *truth,
                       const int32_t *found, size_t count, tern__span *a, tern__span *b) {
    const bool ends = tern__span_ends(p->labels, p->n_labels);
    const size_t n = tern__spans(a, p->labels, truth, count, ends);
    const size_t k = tern__spans(b, p->labels, found, count, ends);
    for (size_t i = 0; i < count; i++) m->tokens_correct += truth[i] == found[i];
    m->tokens += (int64_t)count;
    m->texts++;
    for (size_t i = 0; i < n; i++) type_of(m, a[i].type)->support++;
    for (size_t i = 0; i < k; i++) type_of(m, b[i].type)->predicted++;
    for (size_t i = 0, j = 0; i < n && j < k;) {
        if (a[i].first == b[j].first && a[i].last == b[j].last && !strcmp(a[i].type, b[j].type))
            type_of(m, a[i].type)->correct++;
        if (a[i].first <= b[j].first)
            i++;
        else
            j++;
    }
}

static tern_status list_types(tern_tag_metrics *m, const tern__text_pipeline *p, tern_context *c) {
    const bool ends = tern__span_ends(p->labels, p->n_labels);
    if (!(m->types = tern__calloc(c, p->n_labels, sizeof *m->types))) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < p->n_labels; i++) {
        const char *type = tern__span_type(p->labels[i], ends);
        if (type && !type_of(m, type)) m->types[m->n_types++].type = type;
    }
    return TERN_OK;
}

static tern_status count_all(tern_tag_metrics *m, tern__text_classifier *k, tern_session *session,
                             const tern_text_dataset *data) {
    tern_context *c = tern__session_context(session);
    const tern_dataset *texts = tern_text_dataset_samples(data);
    tern__batch batch = {.context = c};
    tern__span *spare = NULL;
    size_t spare_capacity = 0;
    tern_status st = TERN_OK;
    for (int64_t at = 0; st == TERN_OK && at < tern_dataset_count(texts); at += TEXTS_TOGETHER) {
        int64_t samples[TEXTS_TOGETHER], n = 0;
        while (n < TEXTS_TOGETHER && at + n < tern_dataset_count(texts)) {
            samples[n] = at + n;
            n++;
        }
        tern_tensor y;
        st = tern__batch_load(&batch, texts, samples, n, false, 0, 0);
        if (st == TERN_OK) st = tern_session_run(session, batch.inputs, batch.n_inputs, &y, 1);
        for (int64_t i = 0; st == TERN_OK && i < n; i++) {
            const size_t count = tern_text_dataset_length(data, samples[i]);
            tern__span *grown = tern__grow(c, spare, 0, &spare_capacity, count + 1, sizeof *grown);
            if (!grown)
                st = TERN_ERR_MEMORY;
            else
                spare = grown;
            if (st == TERN_OK) st = make_room(k, c, count);
            if (st == TERN_OK)
                st = read_places(&k->pipeline, c, &y, i, count, k->tagger->tags, NULL);
            if (st == TERN_OK)
                count_text(m, &k->pipeline, tern_text_dataset_tags(data, samples[i]),
                           k->tagger->tags, count, k->tagger->spans, spare);
        }
    }
    tern__free(c, spare);
    tern__batch_free(&batch);
    return st;
}

tern_status tern_text_evaluate_tags(tern_tag_metrics *metrics, tern_session *session,
                                    const char *path, const tern_text_reader_options *options) {
    tern__text_classifier *k = NULL;
    tern_context *c = tern__session_context(session);
    tern_text_dataset *data = NULL;
    tern_tag_metrics m = {0};
    tern_status st = tern__text_classifier_get(&k, session, true);
    if (st != TERN_OK) return st;
    tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
    if (options) o.reader = *options;
    if (o.reader.format == TERN_TEXT_FORMAT_AUTO) o.reader.format = TERN_TEXT_FORMAT_CONLL;
    o.labels = k->pipeline.labels;
    o.n_labels = k->pipeline.n_labels;
    o.vocabulary = k->pipeline.vocabulary;
    o.text = k->pipeline.text;
    o.subwords = (int)k->pipeline.subwords;
    st = tern_text_dataset_open(&data, c, path, &o);
    if (st == TERN_OK) st = list_types(&m, &k->pipeline, c);
    if (st == TERN_OK) st = count_all(&m, k, session, data);
    tern_text_dataset_free(data);
    if (st != TERN_OK) {
        tern__free(c, m.types);
        return st;
    }
    for (size_t i = 0; i < m.n_types; i++) {
        complete(&m.types[i]);
        m.all.support += m.types[i].support;
        m.all.predicted += m.types[i].predicted;
        m.all.correct += m.types[i].correct;
    }
    complete(&m.all);
    m.accuracy = m.tokens ? (double)m.tokens_correct / (double)m.tokens : NAN;
    *metrics = m;
    return TERN_OK;
}
