/* The text pipeline that travels in a model's metadata. Internal.
 *   tern.labels      JSON array of strings, in the order of the logits
 *   tern.text        the front end (tern_text_options_text)
 *   tern.vocabulary  the words, a line each (tern_vocabulary_text)
 *   tern.input       {"kind": "text" or "tokens", "subwords": a token's}; tokens: every token has a
 *                    label of its own
 *   tern.training    how the model was trained, for people (train.c writes it) */
#ifndef TERN_TEXT_PIPELINE_H
#define TERN_TEXT_PIPELINE_H

#include "core/graph/metadata.h"
#include <tern/model.h>
#include <tern/text_dataset.h>

typedef struct tern__text_pipeline {
    const char **labels;
    size_t n_labels;
    tern_text_options text;
    tern_vocabulary *vocabulary;
    bool tags;
    int64_t subwords; /* of a token, the second input; 0: none */
} tern__text_pipeline;

/* Reads and checks the metadata against the network's inputs. On failure nothing is held. */
tern_status tern__text_pipeline_read(tern__text_pipeline *p, tern_context *c,
                                     const tern_model *model);
/* The network must give one number per label; that of one layer need not. */
tern_status tern__text_pipeline_check_output(const tern__text_pipeline *p, tern_context *c,
                                             const tern_graph *g);
void tern__text_pipeline_free(tern__text_pipeline *p, tern_context *c);
/* Writes front end, vocabulary and input. */
tern_status tern__text_pipeline_write(tern_model *model, tern_context *c,
                                      const tern_text_dataset *data, int64_t subwords);

#endif
