/* Which words decided: every token is left out in turn, and what that does to the answer's
 * probability is its weight (leave-one-out). True of any network, whatever is in it. Leaving out is
 * done in the text, by spaces, so that n-grams and sub-words of the token go with it. */
#include "classify.h"

#include "core/task/answer.h"

#include <string.h>

enum { BYTES_TOGETHER = 8 << 20 };

/* Copies of the text without tokens [from, from + n), one after the other in `room`. */
static void leave_out(const char *text, size_t length, const tern_text_weight *tokens, size_t n,
                      char *room, const char **copies, size_t *lengths) {
    for (size_t i = 0; i < n; i++) {
        char *copy = room + i * (length + 1);
        memcpy(copy, text, length + 1);
        memset(copy + tokens[i].begin, ' ', tokens[i].end - tokens[i].begin);
        copies[i] = copy;
        lengths[i] = length;
    }
}

static tern_status weigh(tern__text_classifier *k, tern_session *session, const char *text,
                         size_t count, int64_t label, float probability) {
    tern_context *c = tern__session_context(session);
    const size_t length = strlen(text), labels = k->pipeline.n_labels;
    size_t together = BYTES_TOGETHER / (length + 1) + 1;
    if (together > count) together = count;
    char *room = tern__calloc(c, together, length + 1);
    const char **copies = tern__calloc(c, together, sizeof *copies);
    size_t *lengths = tern__calloc(c, together, sizeof *lengths);
    float *scores = tern__calloc(c, together, labels * sizeof *scores);
    tern_status st = room && copies && lengths && scores ? TERN_OK : TERN_ERR_MEMORY;
    for (size_t at = 0; st == TERN_OK && at < count; at += together) {
        size_t n = count - at < together ? count - at : together;
        leave_out(text, length, k->weights + at, n, room, copies, lengths);
        st = tern_text_classify_batch(session, copies, lengths, n, scores, NULL);
        for (size_t i = 0; st == TERN_OK && i < n; i++)
            k->weights[at + i].weight = probability - scores[i * labels + (size_t)label];
    }
    tern__free(c, scores);
    tern__free(c, lengths);
    tern__free(c, copies);
    tern__free(c, room);
    return st;
}

tern_status tern_text_explain(tern_session *session, const char *text, tern_answer *answer,
                              const tern_text_weight **weights, size_t *count) {
    tern__text_classifier *k = NULL;
    tern_context *c = tern__session_context(session);
    tern_answer found;
    tern_status st = tern__text_classifier_get(&k, session, false);
    if (st == TERN_OK) st = tern_text_classify(session, text, &found);
    if (st != TERN_OK) return st;
    tern_tokens *tokens = k->workers[0].tokens;
    if ((st = tern_text_tokenize(tokens, &k->pipeline.text, text, strlen(text))) != TERN_OK)
        return tern__fail(c, st, "%s", tern_context_message(&k->workers[0].context));
    const size_t n = tokens->count;
    tern_text_weight *grown =
        tern__grow(c, k->weights, 0, &k->weights_capacity, n ? n : 1, sizeof *grown);
    if (!grown) return TERN_ERR_MEMORY;
    k->weights = grown;
    for (size_t i = 0; i < n; i++)
        k->weights[i] = (tern_text_weight){tokens->at[i].begin, tokens->at[i].end, 0};
    int64_t label = tern__label_find(k->pipeline.labels, k->pipeline.n_labels, found.label);
    if (n && (st = weigh(k, session, text, n, label, found.score)) != TERN_OK) return st;
    *answer = found;
    *weights = k->weights;
    *count = n;
    return TERN_OK;
}
