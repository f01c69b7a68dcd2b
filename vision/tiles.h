/* Cutting a picture into windows of one size that overlap by what a network sees. Internal; knows
 * numbers only. */
#ifndef TERN_VISION_TILES_H
#define TERN_VISION_TILES_H

#include <stdbool.h>
#include <stdint.h>

/* Along one axis: `count` windows of `window` pixels over `length`; all three and halo are
 * multiples of the network's. Window i's results count where no edge but the picture's own is
 * nearer than halo. */
typedef struct tern__tile_axis {
    int64_t length, window, halo, count;
} tern__tile_axis;

typedef struct tern__tile_range {
    int64_t start; /* of the window */
    int64_t begin,
        end; /* what of it counts; those of all windows are the axis, one after the other */
} tern__tile_range;
tern__tile_range tern__tile_at(const tern__tile_axis *axis, int64_t i);

/* The windows of at most `pixels` pixels and sides up to `side` with which the least is computed in
 * all; axes[0]: rows, axes[1]: columns.. false: none is so small. */
bool tern__tiles_choose(tern__tile_axis axes[2], int64_t height, int64_t width, int64_t multiple,
                        int64_t halo, int64_t pixels, int64_t side);
/* Pixels of the smallest window that can be chosen. */
int64_t tern__tiles_least(int64_t height, int64_t width, int64_t multiple, int64_t halo);

#endif
