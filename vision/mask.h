/* What the files about masks share, and the data set uses. Internal. */
#ifndef TERN_VISION_MASK_INTERNAL_H
#define TERN_VISION_MASK_INTERNAL_H

#include "pixels.h"
#include <tern/vision_mask.h>

/* Which values masks have; all zero before the first. */
typedef struct tern__mask_values {
    bool numbers; /* some had a palette with colours: its numbers are classes */
    bool seen[256];
} tern__mask_values;

/* Reads a mask's file as values 0..255 (1 channel of 8 bits, no palette) and notes what it holds.
 * Colour numbers stay unless the palette is all grey; 16 bits are scaled unless none is above 255.
 * with_colours: true colour becomes grey, else it is an error. */
tern_status tern__mask_read(tern_image *values, tern__mask_values *noted, tern_context *c,
                            const char *path, bool with_colours);
/* What TERN_MASK_AUTO comes to; other codings stay. */
tern_mask_coding tern__mask_coding(const tern__mask_values *noted, tern_mask_coding coding);
/* How many classes such masks have: those given, or found. */
int tern__mask_classes(const tern__mask_values *noted, tern_mask_coding coding, int classes);
/* Values to labels, in place. coding is not automatic. TERN_ERR_FORMAT naming the place of a value
 * that is no class. */
tern_status tern__mask_decode(tern_image *values, const tern__mask_values *noted,
                              tern_mask_coding coding, int classes, const char *path);

/* Pixels of mask that are of class `label`. */
static inline bool tern__mask_is(const tern_mask *mask, int64_t x, int64_t y, int label) {
    return mask->labels[(size_t)y * (size_t)mask->width + (size_t)x] == label;
}
/* TERN_ERR_ARGUMENT for a label that the mask cannot have. */
tern_status tern__mask_check_label(const tern_mask *mask, int label);

/* How many pixels of masks differ from the truth moved by -REACH..REACH along x, and along y. All
 * zero before the first. */
enum { TERN__OFFSET_REACH = 3, TERN__OFFSET_PLACES = 2 * TERN__OFFSET_REACH + 1 };
typedef struct tern__mask_offset {
    int64_t differing[2][TERN__OFFSET_PLACES];
} tern__mask_offset;
/* Adds two masks of one size. */
void tern__mask_offset_count(tern__mask_offset *offset, const tern_mask *mask,
                             const tern_mask *truth);
/* Where along axis 0 (x) or 1 (y) they differ least, in pixels; NaN where no place inside the reach
 * stands out. */
double tern__mask_offset_along(const tern__mask_offset *offset, int axis);

#endif
