/* Connected regions of a mask. Internal. */
#ifndef TERN_VISION_REGIONS_H
#define TERN_VISION_REGIONS_H

#include "mask.h"

/* Regions of pixels of equal class that touch at a side or a corner, or at a side only. */
typedef struct tern__regions {
    const tern_mask *mask;
    bool sides;      /* corners do not join */
    int32_t *number; /* [height][width]: the region of each pixel, -1: none */
    size_t count;
    int32_t *parent; /* while they are sought: of provisional numbers a smaller one, or itself */
    size_t capacity;
} tern__regions;

/* Numbers all regions of the wanted class (0 or below: of all but 0) in the order of their first
 * pixels. mask (and sides) is set, all else zero. To be freed whatever came of it. */
tern_status tern__regions_find(tern__regions *r, int wanted);
void tern__regions_free(tern__regions *r);

#endif
