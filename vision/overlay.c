/* A picture with its mask over it: the background greyed, classes in half transparent colour, and a
 * smooth white outline with a soft shadow around them. */
#include "mask.h"

#include <math.h>
#include <string.h>

#define OUTLINE_SHARE 400 /* of the longer side */
#define THINNEST 1.5      /* pixels */
#define OUTLINE_WHITE 0.94f
#define SHADOW 0.45f
#define FARTHEST 120 /* pixels that are looked at from each one */

typedef struct drawing {
    tern_image *out;
    const tern_mask *mask;
    uint8_t *aside; /* [height][width]: how far along the row to another class, at most FARTHEST */
    const uint32_t *colours;
    float opacity, dim, outline, shadow; /* the last two: widths in pixels */
    int reach;
} drawing;

/* What is drawn: pixels that do not count look like class 0. */
static int shown(const tern_mask *m, size_t i) {
    return m->labels[i] == TERN_MASK_IGNORED ? 0 : m->labels[i];
}

static void look_aside(void *argument, int64_t y, int worker) {
    const drawing *d = argument;
    const size_t width = (size_t)d->mask->width, start = (size_t)y * width;
    (void)worker;
    for (size_t x = 0, run = FARTHEST; x < width; x++) { /* to the left */
        if (x && shown(d->mask, start + x) != shown(d->mask, start + x - 1))
            run = 1;
        else if (run < FARTHEST)
            run++;
        d->aside[start + x] = (uint8_t)run;
    }
    for (size_t x = width, run = FARTHEST; x-- > 0;) { /* to the right */
        if (x + 1 < width && shown(d->mask, start + x) != shown(d->mask, start + x + 1))
            run = 1;
        else if (run < FARTHEST)
            run++;
        if (run < d->aside[start + x]) d->aside[start + x] = (uint8_t)run;
    }
}

/* Pixels from the border between classes to this pixel's centre; large where there is none near. */
static float border_distance(const drawing *d, int64_t x, int64_t y) {
    const int64_t width = d->mask->width;
    const int label = shown(d->mask, (size_t)(y * width + x));
    int best = FARTHEST * FARTHEST;
    for (int64_t dy = -d->reach; dy <= d->reach; dy++) {
        if (y + dy < 0 || y + dy >= d->mask->height) continue;
        const size_t at = (size_t)((y + dy) * width + x);
        const int aside = shown(d->mask, at) == label ? d->aside[at] : 0;
        const int square = (int)(dy * dy) + aside * aside;
        if (square < best) best = square;
    }
    return sqrtf((float)best) - 0.5f;
}

static float clip01(float v) { return v > 0 ? v < 1 ? v : 1 : 0; }

static void draw_row(void *argument, int64_t y, int worker) {
    const drawing *d = argument;
    uint8_t *pixel = tern__image_row(d->out, y);
    (void)worker;
    for (int64_t x = 0; x < d->mask->width; x++, pixel += 3) {
        const int label = shown(d->mask, (size_t)(y * d->mask->width + x));
        const float grey = (float)tern__luma(pixel[0], pixel[1], pixel[2]);
        const float distance = d->outline > 0 ? border_distance(d, x, y) : (float)FARTHEST;
        const float white =
            OUTLINE_WHITE * clip01(d->outline / 2 + 0.5f - distance) * clip01(d->outline);
        const float dark = label ? 0 : SHADOW * clip01(1 - (distance - d->outline / 2) / d->shadow);
        for (int k = 0; k < 3; k++) {
            float v = (float)pixel[k];
            if (label) { /* the colour follows light and shade of the picture */
                const float colour = (float)(d->colours[label] >> (16 - 8 * k) & 255);
                v += d->opacity * (colour * (0.5f + 0.5f * grey / 255) - v);
            } else {
                v += d->dim * (0.5f * grey - v);
            }
            if (d->outline > 0) v *= 1 - dark;
            v += white * (255 - v);
            pixel[k] = (uint8_t)(v + 0.5f);
        }
    }
}

static tern_status check(const tern_image *image, const tern_mask *mask,
                         const tern_overlay_options *o) {
    tern_context *c = mask->context;
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "overlay options of size %zu, expected %zu: start from "
                          "TERN_OVERLAY_OPTIONS_INIT",
                          o->size, sizeof *o);
    if (!(o->opacity >= 0 && o->opacity <= 1) || !(o->dim >= 0 && o->dim <= 1) ||
        !(o->outline <= 100))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "an overlay of opacity %g, dim %g, outline %g; the first two must be in "
                          "0..1, the outline at most 100 pixels",
                          o->opacity, o->dim, o->outline);
    if (image->width != mask->width || image->height != mask->height)
        return tern__fail(c, TERN_ERR_SHAPE, "the picture has %d x %d pixels, its mask %d x %d",
                          image->width, image->height, mask->width, mask->height);
    return TERN_OK;
}

tern_status tern_mask_overlay(tern_image *out, const tern_image *image, const tern_mask *mask,
                              const tern_overlay_options *options) {
    const tern_overlay_options defaults = TERN_OVERLAY_OPTIONS_INIT;
    const tern_overlay_options *o = options ? options : &defaults;
    tern_context *c = mask->context;
    uint32_t colours[256];
    *out = (tern_image){0};
    tern_status st = check(image, mask, o);
    if (st == TERN_OK) st = tern_image_convert(out, image, 3, 8);
    if (st != TERN_OK) return st;
    for (int i = 0; i < 256; i++) colours[i] = tern_mask_colour(i);
    if (mask->classes == 2) colours[1] = 0x1e9bff;
    for (int i = 0; o->colours && i < mask->classes; i++) colours[i] = o->colours[i];
    const int longer = mask->width > mask->height ? mask->width : mask->height;
    double width = o->outline;
    if (width < 0) width = fmin(60, fmax(THINNEST, (double)longer / OUTLINE_SHARE));
    drawing d = {.out = out,
                 .mask = mask,
                 .colours = colours,
                 .opacity = (float)o->opacity,
                 .dim = (float)o->dim,
                 .outline = (float)width,
                 .shadow = (float)(0.75 * width + 1)};
    d.reach = (int)fmin(FARTHEST - 1, ceil(width / 2 + (double)d.shadow + 1));
    d.aside = tern__alloc(c, (size_t)mask->width * (size_t)mask->height);
    if (!d.aside) {
        tern_image_free(out);
        return TERN_ERR_MEMORY;
    }
    tern__parallel(c, mask->height, 8 * (int64_t)mask->width, look_aside, &d);
    tern__parallel(c, mask->height, 16 * (int64_t)mask->width, draw_row, &d);
    tern__free(c, d.aside);
    return TERN_OK;
}
