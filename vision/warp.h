/* Looking up pixels between pixels: an affine map with a displacement. Internal to warp.c,
 * augment.c and the data set. */
#ifndef TERN_VISION_WARP_H
#define TERN_VISION_WARP_H

#include "pixels.h"
#include <tern/vision_augment.h>

/* The map after another one: x -> outer(inner(x)). */
tern_affine tern__affine_after(const tern_affine *outer, const tern_affine *inner);
/* Turned by `rotate` degrees counter-clockwise as seen, sheared, scaled, around (0, 0): the map
 * from the result back. */
tern_affine tern__affine_back(double rotate, double shear, double scale_x, double scale_y);

/* Output pixel (x, y) of width x height comes from map(x, y) + (dx, dy)[y][x]. */
typedef struct tern__warp {
    tern_affine map;
    const float *dx, *dy; /* [height][width], or NULL */
    int width, height;    /* of the output */
    tern_border border;
} tern__warp;

/* Bilinear -> out [1 or 3][height][width], 0..1, the picture's channels without alpha, which is
 * laid on white before. Serial. */
void tern__warp_planes(const tern__warp *w, const tern_image *in, float *out);
/* Nearest, of class numbers [in_height][in_width]; outside a constant border is `outside`. Serial.
 */
void tern__warp_labels(const tern__warp *w, const uint8_t *in, int in_width, int in_height,
                       uint8_t outside, uint8_t *out);

/* tern_vision_elastic_field without a check, of numbers from `random`; scratch: width x height +
 * the longer side
 * + 6 sigma + 8 floats. Serial. */
size_t tern__elastic_scratch(int width, int height, double sigma);
void tern__elastic_field(tern__random *random, float *field, int width, int height, double sigma,
                         double deviation, float *scratch);

/* Normally distributed numbers of mean 0 and variance 1. */
void tern__normals(tern__random *random, float *out, size_t count);

/* A Gaussian of sigma pixels, cut at 3 sigma, reflected at the edges, over plane [height][width],
 * in place. scratch as above. */
void tern__blur(float *plane, int width, int height, double sigma, float *scratch);

#endif
