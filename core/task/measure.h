/* Measures a model: the one loop over samples whose truth is known, with one step for each. Knows
 * no domain. Internal. */
#ifndef TERN_TASK_MEASURE_H
#define TERN_TASK_MEASURE_H

#include "core/base/base.h"
#include <tern/metrics.h>

/* What came of a sample. */
typedef struct tern__outcome {
    int64_t truth, predicted; /* class numbers, for the confusion matrix; unused without one */
    bool stop;                /* whoever asked wants no more */
    bool end;                 /* there was no such sample: the data are at their end */
} tern__outcome;

typedef struct tern__measuring {
    const char *samples; /* what they are called: "clips" */
    int64_t count;       /* -1: until a step says that the data are at their end */
    tern_status (*step)(void *user, int64_t sample, tern__outcome *outcome);
    void *user;
} tern__measuring;

/* Step after step; confusion (NULL: none) counts them. TERN_ERR_INTERRUPTED: stopped. */
tern_status tern__measure(const tern__measuring *m, tern_context *c, tern_confusion *confusion);
/* The same with a confusion matrix of these labels, which is NULL on failure. */
tern_status tern__measure_labels(tern_confusion **confusion, const tern__measuring *m,
                                 tern_context *c, const char *const *labels, size_t n_labels);

#endif
