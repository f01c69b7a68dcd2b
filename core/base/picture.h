/* Pictures for people: coloured rectangles, text, a colour scale for values, saved as PNG.
 * Internal; knows nothing of what is drawn. */
#ifndef TERN_CORE_PICTURE_H
#define TERN_CORE_PICTURE_H

#include "base.h"

typedef struct tern__picture {
    int width, height; /* pixels, at most 65535 each */
    uint8_t *rgb;      /* [height][width][3] */
} tern__picture;

/* Colours are 0xRRGGBB. What lies outside the picture is not drawn. */
tern_status tern__picture_create(tern__picture *p, tern_context *c, int width, int height,
                                 uint32_t colour);
void tern__picture_free(tern__picture *p, tern_context *c);
void tern__picture_rectangle(tern__picture *p, int x, int y, int width, int height,
                             uint32_t colour);
void tern__picture_dot(tern__picture *p, int x, int y, uint32_t colour);

/* Text with (x, y) its upper left corner; a letter's cell is 6 x 9 times scale pixels, of which 7
 * stand above the base line. ASCII; any other character of UTF-8 is shown as '?'. */
enum { TERN__TEXT_WIDTH = 6, TERN__TEXT_HEIGHT = 9, TERN__TEXT_BASE = 7 };
void tern__picture_text(tern__picture *p, int x, int y, int scale, uint32_t colour,
                        const char *text);
int tern__picture_text_width(int scale, const char *text);

/* A colour for a value 0..1 (clipped): black over violet, red and orange to pale yellow, each step
 * lighter than the one before, so that the order is seen in grey as well. */
uint32_t tern__picture_heat(double value);

/* Writes a PNG; the old file stays if that fails. */
typedef struct tern__png {
    int width, height;
    int channels, bits;     /* 1 grey, 2 with alpha, 3 RGB, 4 with alpha; 8, or 16 as uint16_t */
    const void *data;       /* [height][width][channels] */
    int colours;            /* above 0: data are colour numbers (channels 1, bits 8) of ... */
    const uint8_t *palette; /* [colours][3] */
} tern__png;
tern_status tern__png_save(const tern__png *png, tern_context *c, const char *path);
tern_status tern__picture_save(const tern__picture *p, tern_context *c, const char *path);

#endif
