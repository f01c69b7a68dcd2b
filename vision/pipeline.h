/* The part of a model's metadata that turns a picture into the network's input and its output into
 * a mask. Internal. */
#ifndef TERN_VISION_PIPELINE_H
#define TERN_VISION_PIPELINE_H

#include "core/graph/metadata.h"
#include <tern/model.h>
#include <tern/vision.h>

typedef struct tern__vision_pipeline {
    int classes;       /* 2: one logit, or two; more: a logit each */
    int bits;          /* of the pictures that were trained on */
    int width, height; /* pictures are brought to this size; 0: taken as they are */
    double threshold;  /* of class 1 of two */
    tern_normalization normalization;
} tern__vision_pipeline;

tern_status tern__vision_pipeline_read(tern__vision_pipeline *p, tern_context *c,
                                       const tern_model *model);
/* "mean" and "std" of an object, a number a channel; false where they are none. */
bool tern__normalization_read(tern_normalization *n, const json_t *root);
/* A number a channel as JSON; NULL: no memory. */
json_t *tern__channels_json(const float *values, int channels);
/* Writes the metadata key "tern.vision". */
tern_status tern__vision_pipeline_write(tern_model *model, tern_context *c,
                                        const tern__vision_pipeline *p);

#endif
