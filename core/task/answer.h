/* What every classifier makes of its network's numbers: probabilities, and an answer whose labels
 * stand in the order of theirs. Knows no domain. Internal. */
#ifndef TERN_TASK_ANSWER_H
#define TERN_TASK_ANSWER_H

#include "core/base/base.h"
#include <tern/answer.h>
#include <tern/session.h>

#include <math.h>

/* Of logits z: the greatest (the first of equals) and the sum of exp(z - greatest) over all. */
typedef struct tern__softmax {
    int64_t best;
    double greatest, total;
} tern__softmax;

/* Of n logits, `stride` apart. */
tern__softmax tern__softmax_of(const float *z, int64_t n, int64_t stride);
/* The same, and TERN_ERR_FORMAT where one is not finite. */
tern_status tern__softmax_get(tern__softmax *s, tern_context *c, const float *z, int64_t n,
                              int64_t stride);
/* The probability of a logit. */
static inline double tern__softmax_share(const tern__softmax *s, float z) {
    return exp(z - s->greatest) / s->total;
}

/* Orders scores [n] by probability, equal ones by label, and makes them the answer. */
void tern__answer_of(tern_answer *answer, tern_score *scores, size_t n);

/* A layer's output as a vector, which it stays in; TERN_ERR_UNSUPPORTED unless it is of floats. */
tern_status tern__vector_of(const float **vector, int64_t *length, tern_context *c,
                            const tern_tensor *y);

/* The number of a label, or -1. */
int64_t tern__label_find(const char *const *labels, size_t n, const char *label);
/* The number of the label that is asked for, -1 for NULL (any). TERN_ERR_ARGUMENT: there is none.
 */
tern_status tern__label_asked(int64_t *number, tern_context *c, const char *const *labels, size_t n,
                              const char *label);

#endif
