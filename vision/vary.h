/* Random variation of what a network sees of a picture. Internal to augment.c, vary.c and the data
 * set. */
#ifndef TERN_VISION_VARY_H
#define TERN_VISION_VARY_H

#include "warp.h"

/* A window on a picture and its labels: width x height pixels around a place of the picture. */
typedef struct tern__view {
    const tern_image *image;
    const uint8_t *labels;  /* [image height][image width], or NULL */
    const uint8_t *weights; /* likewise */
    double x, y;            /* of the window's middle; pixel (0, 0) has its centre at (0, 0) */
    int width, height;
} tern__view;

/* Whether an augmentation changes anything: the border alone does not (augment.c). */
bool tern__vision_augmentation_varies(const tern_vision_augmentation *a);

/* Floats of scratch that the function below needs for windows of this size. */
size_t tern__vary_view_scratch(const tern_vision_augmentation *a, int width, int height);
/* -> out [1 or 3][height][width], 0..1 (without alpha), and labels and weights [height][width]
 * (NULL: not wanted); what does not count is `ignored`, its weight 0. Serial. */
void tern__vary_view(const tern_vision_augmentation *a, tern__random *random, const tern__view *v,
                     uint8_t ignored, float *out, uint8_t *labels, uint8_t *weights,
                     float *scratch);

#endif
