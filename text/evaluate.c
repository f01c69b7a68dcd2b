/* Classifies the texts of a file and counts how often the answer is the label. Texts are read and
 * classified some thousand at a time. */
#include "classify.h"

#include "core/task/answer.h"
#include "core/task/measure.h"

#include <string.h>

enum { TOGETHER = 4096, BYTES_TOGETHER = 8 << 20 };

/* Texts waiting for their answers, copied out of the reader. */
typedef struct waiting {
    tern_context *context;
    char *bytes; /* texts, each NUL-terminated */
    size_t bytes_used, bytes_capacity, count;
    size_t next; /* to be counted */
    size_t at[TOGETHER], lengths[TOGETHER], lines[TOGETHER];
    int64_t truth[TOGETHER];
    const char *texts[TOGETHER];
    float *scores; /* [TOGETHER][n_labels] */
} waiting;

static tern_status keep(waiting *w, const tern_text_record *r, int64_t truth) {
    char *grown = tern__grow(w->context, w->bytes, w->bytes_used, &w->bytes_capacity,
                             w->bytes_used + r->length + 1, 1);
    if (!grown) return TERN_ERR_MEMORY;
    w->bytes = grown;
    memcpy(w->bytes + w->bytes_used, r->text, r->length + 1);
    w->at[w->count] = w->bytes_used;
    w->lengths[w->count] = r->length;
    w->lines[w->count] = r->line;
    w->truth[w->count++] = truth;
    w->bytes_used += r->length + 1;
    return TERN_OK;
}

typedef struct evaluation {
    tern_session *session;
    tern__text_classifier *k;
    tern_text_reader *reader;
    waiting *waiting;
    tern_on_text on_text;
    void *user;
} evaluation;

/* Reads the next texts, none at the end, and classifies them. */
static tern_status fill(const evaluation *e) {
    const tern__text_pipeline *p = &e->k->pipeline;
    waiting *w = e->waiting;
    w->next = w->count = w->bytes_used = 0;
    while (w->count < TOGETHER && w->bytes_used <= BYTES_TOGETHER) {
        tern_text_record r;
        bool got;
        tern_status st = tern_text_reader_next(e->reader, &r, &got);
        if (st != TERN_OK) return st;
        if (!got) break;
        const int64_t truth = r.label ? tern__label_find(p->labels, p->n_labels, r.label) : -1;
        if (truth < 0)
            return tern__fail(w->context, TERN_ERR_FORMAT,
                              "%s, line %zu: label '%.100s' is none of the model's %zu ('%s', "
                              "...)",
                              tern_text_reader_name(e->reader), r.line, r.label ? r.label : "",
                              p->n_labels, p->labels[0]);
        if ((st = keep(w, &r, truth)) != TERN_OK) return st;
    }
    for (size_t i = 0; i < w->count; i++) w->texts[i] = w->bytes + w->at[i];
    return tern_text_classify_batch(e->session, w->texts, w->lengths, w->count, w->scores, NULL);
}

static tern_status measure_text(void *evaluation_, int64_t number, tern__outcome *o) {
    const evaluation *e = evaluation_;
    const tern__text_pipeline *p = &e->k->pipeline;
    waiting *w = e->waiting;
    tern_status st = w->next == w->count ? fill(e) : TERN_OK;
    if (st != TERN_OK) return st;
    o->end = !w->count;
    if (o->end && !number)
        return tern__fail(w->context, TERN_ERR_FORMAT, "%s holds no texts",
                          tern_text_reader_name(e->reader));
    if (o->end) return TERN_OK;
    const size_t i = w->next++;
    tern_answer answer;
    tern__text_answer(e->k, w->scores + i * p->n_labels, &answer);
    o->truth = w->truth[i];
    o->predicted = tern__label_find(p->labels, p->n_labels, answer.label);
    const tern_text_record r = {.text = w->texts[i],
                                .length = w->lengths[i],
                                .label = p->labels[w->truth[i]],
                                .line = w->lines[i]};
    o->stop = e->on_text && !e->on_text(e->user, &r, &answer, (size_t)number + 1);
    return TERN_OK;
}

tern_status tern_text_evaluate(tern_confusion **confusion, tern_session *session, const char *path,
                               const tern_text_reader_options *options, tern_on_text on_text,
                               void *user) {
    tern_context *c = tern__session_context(session);
    evaluation e = {.session = session, .on_text = on_text, .user = user};
    *confusion = NULL;
    tern_status st = tern__text_classifier_get(&e.k, session, false);
    if (st != TERN_OK) return st;
    const tern__text_pipeline *p = &e.k->pipeline;
    const tern__measuring m = {"texts", -1, measure_text, &e};
    waiting *w = tern__calloc(c, 1, sizeof *w);
    if (!w) return TERN_ERR_MEMORY;
    e.waiting = w;
    w->context = c;
    w->scores = tern__calloc(c, TOGETHER, p->n_labels * sizeof *w->scores);
    st = w->scores ? tern_text_reader_open(&e.reader, c, path, options) : TERN_ERR_MEMORY;
    if (st == TERN_OK) st = tern__measure_labels(confusion, &m, c, p->labels, p->n_labels);
    tern_text_reader_close(e.reader);
    tern__free(c, w->scores);
    tern__free(c, w->bytes);
    tern__free(c, w);
    return st;
}
