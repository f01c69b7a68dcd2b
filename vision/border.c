/* U-Net's weight map: pixels between two objects that almost touch weigh more (Ronneberger et al.
 * 2015, equation 2). */
#include "regions.h"

#include <math.h>
#include <stdlib.h>

#define REACH 4.0 /* sigmas; beyond, the weight is below w0 exp(-8) */

/* A place around a pixel. */
typedef struct offset {
    int x, y, square;
} offset;

typedef struct weighing {
    const tern__regions *regions;
    const offset *offsets; /* the nearest first */
    size_t n_offsets;
    double w0, sigma;
    float *weights;
} weighing;

static int by_distance(const void *a, const void *b) {
    const offset *p = a, *q = b;
    if (p->square != q->square) return p->square - q->square;
    return p->y != q->y ? p->y - q->y : p->x - q->x;
}

/* d1 + d2: distances to the nearest two objects; infinite where there are not two within reach. */
static double two_distances(const weighing *job, int64_t x, int64_t y) {
    const tern_mask *m = job->regions->mask;
    int32_t nearest = -1;
    double d1 = 0;
    for (size_t i = 0; i < job->n_offsets; i++) {
        const offset *o = &job->offsets[i];
        const int64_t column = x + o->x, row = y + o->y;
        if (column < 0 || row < 0 || column >= m->width || row >= m->height) continue;
        const int32_t number = job->regions->number[row * m->width + column];
        if (number < 0 || number == nearest) continue;
        if (nearest >= 0) return d1 + sqrt(o->square);
        nearest = number;
        d1 = sqrt(o->square);
    }
    return HUGE_VAL;
}

static void weigh_row(void *argument, int64_t y, int worker) {
    const weighing *job = argument;
    const tern_mask *m = job->regions->mask;
    (void)worker;
    for (int64_t x = 0; x < m->width; x++) {
        const size_t at = (size_t)(y * m->width + x);
        double weight = 1;
        if (m->labels[at] == TERN_MASK_IGNORED)
            weight = 0;
        else if (m->labels[at] == 0) {
            const double d = two_distances(job, x, y);
            weight += job->w0 * exp(-d * d / (2 * job->sigma * job->sigma));
        }
        job->weights[at] = (float)weight;
    }
}

tern_status tern_mask_border_weights(float *weights, const tern_mask *mask, double w0,
                                     double sigma) {
    tern_context *c = mask->context;
    if (!(w0 >= 0 && w0 <= 1e6) || !(sigma > 0 && sigma <= 50))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "weights of borders with w0 %g and sigma %g; w0 must be in 0..1e6, sigma "
                          "above 0 and at most 50 pixels",
                          w0, sigma);
    tern__regions r = {.mask = mask};
    const int reach = (int)ceil(REACH * sigma);
    const size_t side = 2 * (size_t)reach + 1;
    offset *offsets = tern__alloc(c, side * side * sizeof *offsets);
    tern_status st = offsets ? tern__regions_find(&r, 0) : TERN_ERR_MEMORY;
    if (st == TERN_OK) {
        size_t n = 0;
        for (int y = -reach; y <= reach; y++)
            for (int x = -reach; x <= reach; x++)
                if (x * x + y * y <= reach * reach) offsets[n++] = (offset){x, y, x * x + y * y};
        qsort(offsets, n, sizeof *offsets, by_distance);
        weighing job = {&r, offsets, n, w0, sigma, weights};
        tern__parallel(c, mask->height, 64 * (int64_t)mask->width, weigh_row, &job);
    }
    tern__regions_free(&r);
    tern__free(c, offsets);
    return st;
}
