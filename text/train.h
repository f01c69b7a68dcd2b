/* What training once and training fold by fold share. Internal to train.c, start.c and
 * cross_validate.c. */
#ifndef TERN_TEXT_TRAIN_INTERNAL_H
#define TERN_TEXT_TRAIN_INTERNAL_H

#include "core/task/train.h"
#include <tern/text_train.h>
#include <tern/text_vectors.h>

/* start.c: what a network starts from. The data set uses the vocabulary: free it first. */
typedef struct tern__text_start {
    tern_vectors *vectors;       /* of o->vectors; NULL: random */
    tern_vocabulary *vocabulary; /* with words of the vectors; NULL: the data's own */
    float *table;                /* [rows, dimension]; NULL: random */
} tern__text_start;
/* Reads o->vectors, if any, and sets o->dimension to theirs; or takes front end and vocabulary of
 * o->init. On failure nothing is held. */
tern_status tern__text_start_open(tern__text_start *s, tern_context *c, tern_text_train_options *o);
/* Makes the data's vocabulary from `training` (and words of the vectors) and the table for it. */
tern_status tern__text_start_from(tern__text_start *s, tern_context *c, tern_text_dataset *data,
                                  const tern_dataset *training, const tern_text_train_options *o);
void tern__text_start_free(tern__text_start *s, tern_context *c);

typedef struct tern__text_job {
    tern__job job;
    tern_text_train_options o;
    tern_text_dataset *data, *held; /* held: the file to validate on */
    tern__text_start start;
} tern__text_job;

/* A job with these options (NULL: the defaults), to be opened. */
void tern__text_job_begin(tern__text_job *t, tern_context *c, const char *path,
                          const tern_text_train_options *options);
/* Vectors and texts; chooses the network and fills in the front end of its recipe. */
tern_status tern__text_job_open(tern__job *j);
/* Vocabulary and table from j->training. */
tern_status tern__text_job_fit(tern__job *j);
void tern__text_job_close(tern__job *j);
/* The labels of the data as a list of pointers into it; the caller frees the list. */
tern_status tern__text_labels(const char ***labels, size_t *count, tern_context *c,
                              const tern_text_dataset *data);

#endif
