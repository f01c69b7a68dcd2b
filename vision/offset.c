/* By how much true masks lie off what a model finds: where moved ones differ least. */
#include "mask.h"

#include <math.h>

/* Pixels of the mask that differ from the truth (x, y) further, where that counts; those at the
 * edge are left out, so that all moves compare the same pixels of the mask. */
static int64_t differing(const tern_mask *mask, const tern_mask *truth, int x, int y) {
    const int reach = TERN__OFFSET_REACH;
    int64_t count = 0;
    for (int row = reach; row < mask->height - reach; row++) {
        const uint8_t *said = mask->labels + (size_t)row * (size_t)mask->width;
        const uint8_t *is = truth->labels + (size_t)(row + y) * (size_t)mask->width + x;
        for (int column = reach; column < mask->width - reach; column++)
            count += said[column] != is[column] && is[column] != TERN_MASK_IGNORED;
    }
    return count;
}

void tern__mask_offset_count(tern__mask_offset *offset, const tern_mask *mask,
                             const tern_mask *truth) {
    for (int d = -TERN__OFFSET_REACH; d <= TERN__OFFSET_REACH; d++) {
        offset->differing[0][d + TERN__OFFSET_REACH] += differing(mask, truth, d, 0);
        offset->differing[1][d + TERN__OFFSET_REACH] += differing(mask, truth, 0, d);
    }
}

/* The lowest place of the parabola through the least count and its neighbours. */
double tern__mask_offset_along(const tern__mask_offset *offset, int axis) {
    const int64_t *count = offset->differing[axis];
    int least = 0;
    for (int i = 1; i < TERN__OFFSET_PLACES; i++)
        if (count[i] < count[least]) least = i;
    if (least == 0 || least == TERN__OFFSET_PLACES - 1) return NAN;
    const double below = (double)(count[least - 1] - count[least]),
                 above = (double)(count[least + 1] - count[least]);
    return below + above > 0 ? least - TERN__OFFSET_REACH + (below - above) / (2 * (below + above))
                             : NAN;
}
