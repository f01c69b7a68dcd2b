/* The warping error of a segmentation: what is wrong with it however borders are moved. */
#include "mask.h"

#include <tern/vision_metrics.h>

#include <math.h>

/* Bits of a pixel. */
enum {
    OBJECT = 1, /* it is an object's in the truth as warped so far, */
    WRONG = 2,  /* which is not what the mask says, */
    QUEUED = 4  /* and it is to be looked at */
};

/* Pixels with a frame of class 0 around them, and those to be looked at, first come, first served.
 */
typedef struct warp {
    uint8_t *pixels;     /* [height + 2][width + 2] */
    ptrdiff_t around[8]; /* from a pixel to its neighbours, from the right one counterclockwise */
    uint32_t *queue;     /* [room], a ring */
    size_t first, count, room;
} warp;

/* Whether a pixel may change sides without an object or a hole being born, dying, joined or parted:
 * objects hold together at sides, class 0 at corners as well. Source: Yokoi, Toriwaki & Fukumura
 * 1975. */
static bool is_simple(const warp *w, const uint8_t *pixel) {
    int number = 0;
    for (int k = 0; k < 8; k += 2) {
        const int a = pixel[w->around[k]] & OBJECT, b = pixel[w->around[k + 1]] & OBJECT,
                  c = pixel[w->around[(k + 2) % 8]] & OBJECT;
        number += a - a * b * c;
    }
    return number == 1;
}

static void enqueue(warp *w, size_t at) {
    if ((w->pixels[at] & (WRONG | QUEUED)) != WRONG) return;
    w->pixels[at] |= QUEUED;
    w->queue[(w->first + w->count++) % w->room] = (uint32_t)at;
}

static void warp_all(warp *w) {
    while (w->count) {
        const size_t at = w->queue[w->first];
        w->first = (w->first + 1) % w->room;
        w->count--;
        w->pixels[at] &= (uint8_t)~QUEUED;
        if (!is_simple(w, w->pixels + at)) continue;
        w->pixels[at] ^= OBJECT | WRONG;
        for (int k = 0; k < 8; k++) enqueue(w, at + (size_t)w->around[k]);
    }
}

tern_status tern_mask_warping_error(double *error, const tern_mask *mask, const tern_mask *truth) {
    tern_context *c = truth->context;
    const size_t width = (size_t)truth->width, height = (size_t)truth->height;
    size_t pixels = 0, wrong = 0;
    *error = NAN;
    if (mask->width != truth->width || mask->height != truth->height)
        return tern__fail(c, TERN_ERR_SHAPE, "the mask is %dx%d and the true one %dx%d",
                          mask->width, mask->height, truth->width, truth->height);
    const size_t row = width + 2, framed = row * (height + 2);
    const ptrdiff_t up = -(ptrdiff_t)row, down = -up;
    warp w = {.around = {1, up + 1, up, up - 1, -1, down - 1, down, down + 1},
              .room = width * height};
    w.pixels = tern__calloc(c, framed, sizeof *w.pixels);
    w.queue = tern__alloc(c, w.room * sizeof *w.queue);
    if (w.pixels && w.queue) {
        for (size_t y = 0, i = 0; y < height; y++)
            for (size_t x = 0; x < width; x++, i++) {
                const bool counts = truth->labels[i] != TERN_MASK_IGNORED,
                           said = mask->labels[i] != 0;
                const bool is = counts ? truth->labels[i] != 0 : said;
                w.pixels[(y + 1) * row + x + 1] = (uint8_t)(is * OBJECT + (is != said) * WRONG);
                pixels += counts;
            }
        for (size_t i = 0; i < framed; i++) enqueue(&w, i);
        warp_all(&w);
        for (size_t i = 0; i < framed; i++) wrong += (w.pixels[i] & WRONG) != 0;
        if (pixels) *error = (double)wrong / (double)pixels;
    }
    const bool made = w.pixels && w.queue;
    tern__free(c, w.queue);
    tern__free(c, w.pixels);
    return made ? TERN_OK : TERN_ERR_MEMORY;
}
