/* Rings to pixels: the even-odd rule at pixel centres, by the crossings of each row. */
#include "mask.h"

#include <math.h>
#include <stdlib.h>

/* The crossings of all rows: those of row y are x[first[y]] to x[first[y + 1] - 1]. */
typedef struct crossings {
    size_t *first; /* [height + 1] */
    double *x;
} crossings;

/* The rows whose centres a line from y0 to y1 crosses, upper end included, within 0..height. */
static void rows_of(double y0, double y1, int height, int64_t *begin, int64_t *end) {
    const double top = fmin(y0, y1), bottom = fmax(y0, y1);
    *begin = (int64_t)fmax(0, fmin(height, ceil(top - 0.5)));
    *end = (int64_t)fmax(0, fmin(height, ceil(bottom - 0.5)));
}

/* Goes over all lines: counts the crossings of row y in first[y], or, where there is room in x,
 * puts them down and moves first[y] behind them. */
static void cross(crossings *k, const tern_ring *rings, size_t n_rings, int height) {
    for (size_t i = 0; i < n_rings; i++)
        for (size_t p = 0, n = rings[i].count; p < n; p++) {
            const float *a = rings[i].points + 2 * p, *b = rings[i].points + 2 * ((p + 1) % n);
            const double x0 = (double)a[0], y0 = (double)a[1];
            const double x1 = (double)b[0], y1 = (double)b[1];
            int64_t begin, end;
            rows_of(y0, y1, height, &begin, &end);
            for (int64_t y = begin; y < end; y++) {
                if (k->x) k->x[k->first[y]] = x0 + (x1 - x0) * ((double)y + 0.5 - y0) / (y1 - y0);
                k->first[y]++;
            }
        }
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The first pixel of a row whose centre is not left of x. */
static int64_t column_of(double x, int width) {
    return (int64_t)fmax(0, fmin(width, ceil(x - 0.5)));
}

static tern_status check(const tern_mask *mask, const tern_ring *rings, size_t n_rings) {
    for (size_t i = 0; i < n_rings; i++)
        for (size_t k = 0; k < 2 * rings[i].count; k++)
            if (!isfinite(rings[i].points[k]))
                return tern__fail(mask->context, TERN_ERR_ARGUMENT,
                                  "point %zu of ring %zu of a polygon is not finite", k / 2, i);
    return TERN_OK;
}

tern_status tern_mask_fill(tern_mask *mask, int label, const tern_ring *rings, size_t n_rings) {
    tern_context *c = mask->context;
    tern_status st = tern__mask_check_label(mask, label);
    if (st == TERN_OK) st = check(mask, rings, n_rings);
    if (st != TERN_OK) return st;
    const size_t height = (size_t)mask->height;
    crossings k = {.first = tern__calloc(c, height + 1, sizeof *k.first)};
    if (!k.first) return TERN_ERR_MEMORY;
    cross(&k, rings, n_rings, mask->height);
    size_t total = 0;
    for (size_t y = 0; y <= height; y++) {
        const size_t count = k.first[y];
        k.first[y] = total;
        total += count;
    }
    if (!(k.x = tern__alloc(c, total * sizeof *k.x))) {
        tern__free(c, k.first);
        return TERN_ERR_MEMORY;
    }
    cross(&k, rings, n_rings, mask->height); /* first[y] is now where row y ends */
    for (size_t y = 0; y < height; y++) {
        const size_t start = y ? k.first[y - 1] : 0, end = k.first[y];
        qsort(k.x + start, end - start, sizeof *k.x, by_value);
        uint8_t *row = mask->labels + y * (size_t)mask->width;
        for (size_t i = start; i + 1 < end; i += 2)
            for (int64_t x = column_of(k.x[i], mask->width); x < column_of(k.x[i + 1], mask->width);
                 x++)
                row[x] = (uint8_t)label;
    }
    tern__free(c, k.x);
    tern__free(c, k.first);
    return TERN_OK;
}
