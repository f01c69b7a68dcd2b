/* Probabilities, answers, labels. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

tern__softmax tern__softmax_of(const float *z, int64_t n, int64_t stride) {
    tern__softmax s = {0, -INFINITY, 0};
    for (int64_t i = 0; i < n; i++)
        if (z[i * stride] > s.greatest) {
            s.greatest = z[i * stride];
            s.best = i;
        }
    for (int64_t i = 0; i < n; i++) s.total += exp(z[i * stride] - s.greatest);
    return s;
}

tern_status tern__softmax_get(tern__softmax *s, tern_context *c, const float *z, int64_t n,
                              int64_t stride) {
    *s = tern__softmax_of(z, n, stride);
    if (isfinite(s->total) && isfinite(s->greatest)) return TERN_OK;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "the network's output is not finite: the model file is damaged or was never "
                      "trained");
}

static int by_score(const void *a, const void *b) {
    const tern_score *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return strcmp(x->label, y->label);
}

void tern__answer_of(tern_answer *answer, tern_score *scores, size_t n) {
    qsort(scores, n, sizeof *scores, by_score);
    *answer = (tern_answer){scores[0].label, scores[0].score, n, scores};
}

tern_status tern__vector_of(const float **vector, int64_t *length, tern_context *c,
                            const tern_tensor *y) {
    if (y->type != TERN_FLOAT)
        return tern__fail(c, TERN_ERR_UNSUPPORTED, "the layer's output is not of floats");
    *vector = y->data;
    *length = 1;
    for (int i = 0; i < y->rank; i++) *length *= y->dims[i];
    return TERN_OK;
}

int64_t tern__label_find(const char *const *labels, size_t n, const char *label) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(labels[i], label)) return (int64_t)i;
    return -1;
}

tern_status tern__label_asked(int64_t *number, tern_context *c, const char *const *labels, size_t n,
                              const char *label) {
    *number = label ? tern__label_find(labels, n, label) : -1;
    if (!label || *number >= 0) return TERN_OK;
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      "the model knows no label '%s'; of its %zu the first is '%s'", label, n,
                      labels[0]);
}
