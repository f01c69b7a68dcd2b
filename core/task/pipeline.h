/* How a domain's settings are found in a model's metadata, and whether the network fits them. Knows
 * no domain: keys and sentences come from it. Internal. */
#ifndef TERN_TASK_PIPELINE_H
#define TERN_TASK_PIPELINE_H

#include "core/graph/graph.h"
#include "core/graph/metadata.h"

enum { TERN__PIPELINE_KEYS = 4 };

/* What a model must say. The first key is the domain's own. */
typedef struct tern__pipeline_need {
    const char *keys[TERN__PIPELINE_KEYS]; /* NULL after the last */
    const char *sense;                     /* "listens": how the model does what is to be known */
    const char *made;                      /* "for sounds can classify them": which models say it */
} tern__pipeline_need;

/* The texts of the keys. TERN_ERR_FORMAT: one is missing; where it is the domain's own, the
 * sentence says of what kind the model is. */
tern_status tern__pipeline_find(const char *texts[TERN__PIPELINE_KEYS], tern_context *c,
                                const tern_model *model, const tern__pipeline_need *need);

/* Reads a key's JSON by read(). TERN_ERR_FORMAT with up to `shown` bytes of the text and what was
 * expected, where it says no. */
typedef struct tern__pipeline_key {
    const char *key, *expected;
    int shown;
    bool (*read)(void *pipeline, const json_t *root);
} tern__pipeline_key;
tern_status tern__pipeline_parse(void *pipeline, tern_context *c, const char *text,
                                 const tern__pipeline_key *key);

/* The network has one input and an output. who: "a sound classifier". */
tern_status tern__pipeline_one_input(tern_context *c, const tern_graph *g, const char *who);
/* The output is of this rank with a number per label in its second dimension. each: "", or for what
 * they are (" for every token"). */
tern_status tern__pipeline_gives_labels(tern_context *c, const tern_graph *g, size_t n_labels,
                                        int rank, const char *each);

#endif
