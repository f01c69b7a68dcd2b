/* What a classifier says about one input. */
#ifndef TERN_ANSWER_H
#define TERN_ANSWER_H

#include <tern/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A label and its probability. */
typedef struct tern_score {
    const char *label;
    float score; /**< 0..1; those of all labels add up to 1 */
} tern_score;

/** An answer; all pointers belong to the session and are valid until its next answer. */
typedef struct tern_answer {
    const char *label; /**< the most probable one */
    float score;
    size_t count;          /**< labels that the model knows */
    const tern_score *top; /**< [count], the most probable first */
} tern_answer;

#ifdef __cplusplus
}
#endif
#endif
