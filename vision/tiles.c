/* Windows: see tiles.h. */
#include "tiles.h"

#include "core/base/arithmetic.h"

tern__tile_range tern__tile_at(const tern__tile_axis *a, int64_t i) {
    const int64_t step = a->window - 2 * a->halo, last = a->length - a->window;
    tern__tile_range r = {tern__least(i * step, last), 0, a->length};
    if (i > 0) r.begin = tern__least((i - 1) * step, last) + a->window - a->halo;
    if (i < a->count - 1) r.end = r.start + a->window - a->halo;
    return r;
}

/* So many windows of at most `most` pixels as are needed, all as short as they can be. false: halos
 * leave nothing of such windows. */
static bool cut(tern__tile_axis *a, int64_t length, int64_t multiple, int64_t halo, int64_t most) {
    most = most / multiple * multiple;
    *a = (tern__tile_axis){.length = length, .window = length, .halo = halo, .count = 1};
    if (most >= length) return true;
    if (most <= 2 * halo) return false;
    a->count = (length - 2 * halo + most - 2 * halo - 1) / (most - 2 * halo);
    a->window = tern__least(
        length, tern__round_up((length - 2 * halo + a->count - 1) / a->count, multiple) + 2 * halo);
    return true;
}

bool tern__tiles_choose(tern__tile_axis axes[2], int64_t height, int64_t width, int64_t multiple,
                        int64_t halo, int64_t pixels, int64_t side) {
    tern__tile_axis rows, columns;
    double fewest = -1;
    for (int64_t most = tern__least(width, side); cut(&columns, width, multiple, halo, most);
         most = columns.window - 1) {
        if (!cut(&rows, height, multiple, halo, tern__least(pixels / columns.window, side)))
            continue;
        const double work = (double)rows.count * (double)rows.window * (double)columns.count *
                            (double)columns.window;
        if (fewest >= 0 && work >= fewest) continue;
        fewest = work;
        axes[0] = rows;
        axes[1] = columns;
    }
    return fewest >= 0;
}

int64_t tern__tiles_least(int64_t height, int64_t width, int64_t multiple, int64_t halo) {
    const int64_t side = 2 * halo + multiple;
    return tern__least(height, side) * tern__least(width, side);
}
