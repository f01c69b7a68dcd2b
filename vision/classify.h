/* What a classifier's model says about pictures, and what a session keeps for them. Internal.
 *   tern.vision  {"task": "class", "size": [width, height], "mean": [...], "std": [...]}
 *   tern.labels  JSON array of strings, in the order of the logits */
#ifndef TERN_VISION_CLASSIFY_INTERNAL_H
#define TERN_VISION_CLASSIFY_INTERNAL_H

#include "pipeline.h"
#include <tern/vision_classify.h>

typedef struct tern__class_pipeline {
    int width, height;
    tern_normalization normalization;
    size_t n_labels;
    const char **labels;
} tern__class_pipeline;

/* Reads and checks the metadata against the network's input; tern__class_pipeline_check against its
 * output. On failure nothing is held. */
tern_status tern__class_pipeline_read(tern__class_pipeline *p, tern_context *c,
                                      const tern_model *model);
tern_status tern__class_pipeline_check(const tern__class_pipeline *p, tern_context *c,
                                       const tern_model *model);
/* Writes all but the labels. */
tern_status tern__class_pipeline_write(tern_model *model, tern_context *c,
                                       const tern__class_pipeline *p);
void tern__class_pipeline_free(tern__class_pipeline *p, tern_context *c);

/* The data behind path with the size, channels and labels of a pipeline. */
tern_status tern__class_data_open(tern_vision_dataset **data, tern_context *c, const char *path,
                                  const tern__class_pipeline *p,
                                  const tern_vision_dataset_options *options);

#endif
