/* What the files of vision share about pixels: one pixel's conversion, borders, and how a decoder
 * hands over its rows. Internal; knows no mask and no data set. */
#ifndef TERN_VISION_PIXELS_H
#define TERN_VISION_PIXELS_H

#include "core/base/base.h"
#include <tern/vision.h>

/* The index that stands at i of n under this border; -1: nothing (constant). */
int64_t tern__border_index(int64_t i, int64_t n, tern_border border);

/* Bytes of one pixel. */
static inline size_t tern__pixel_size(const tern_image *image) {
    return (size_t)image->channels * (size_t)image->bits / 8;
}
static inline void *tern__image_row(const tern_image *image, int64_t y) {
    return (uint8_t *)image->data + (size_t)y * (size_t)image->width * tern__pixel_size(image);
}

/* How pixels are stored, and what becomes of alpha where the destination has none. */
typedef struct tern__pixel_format {
    int channels, bits;
} tern__pixel_format;
/* count pixels from one format to another by the rules of tern_image_convert; drop_alpha: alpha is
 * ignored instead of laid on white. In place (dst == src) where a pixel does not grow. */
void tern__pixels_convert(void *dst, tern__pixel_format to, const void *src,
                          tern__pixel_format from, size_t count, bool drop_alpha);
static inline tern__pixel_format tern__image_format(const tern_image *image) {
    return (tern__pixel_format){image->channels, image->bits};
}
/* Rec. 601's luma, rounded. */
static inline uint32_t tern__luma(uint32_t r, uint32_t g, uint32_t b) {
    return (299 * r + 587 * g + 114 * b + 500) / 1000;
}

/* The part [y, y + height) x [x, x + width) as planes of 0..1, not normalised: v / max. channels 1
 * or 3. Serial, allocates nothing. */
void tern__image_planes(const tern_image *image, int64_t x, int64_t y, int width, int height,
                        tern_border border, int channels, float *out);
/* (v - mean) / std, plane by plane. */
void tern__planes_normalize(float *planes, size_t plane, const tern_normalization *n);

/* The options of width x height x channels x bits are within limits. */
tern_status tern__image_check(tern_context *c, int64_t width, int64_t height, int channels,
                              int bits);

/* Gives image, whose pixels are colour numbers of `from`, a copy of its palette (if it has one). */
tern_status tern__image_copy_palette(tern_image *image, const tern_image *from);

/* A file name's ending without its dot, "" if it has none. */
const char *tern__name_ending(const char *path);

/* ---- decoders ---- */

/* Bytes to decode. A decoder calls begin once and row for every row. */
typedef struct tern__encoded {
    tern_context *context;
    const char *name; /* for sentences */
    const uint8_t *bytes;
    size_t size;
    const tern_image_options *options;
    bool header_only;
} tern__encoded;

/* Checks limits, decides what the picture will be, makes it (header_only: without data). from: as
 * the file has it; colours: of a palette to be kept, else 0. */
tern_status tern__decoded_begin(tern_image *image, const tern__encoded *e, int64_t width,
                                int64_t height, tern__pixel_format from, int colours);
/* Stores row y, given in the format that begin was told. */
void tern__decoded_row(tern_image *image, const tern__encoded *e, int64_t y, const void *row,
                       tern__pixel_format from);

/* Whether the bytes begin like a file of that kind; and decoding, after which the caller frees
 * image whatever came of it. */
bool tern__png_is(const uint8_t *bytes, size_t size);
tern_status tern__png_decode(tern_image *image, const tern__encoded *e);
bool tern__jpeg_is(const uint8_t *bytes, size_t size);
tern_status tern__jpeg_decode(tern_image *image, const tern__encoded *e);
bool tern__pnm_is(const uint8_t *bytes, size_t size);
tern_status tern__pnm_decode(tern_image *image, const tern__encoded *e);

/* Writing; image has a format that the kind can hold. */
tern_status tern__jpeg_save(const tern_image *image, const char *path, int quality);
tern_status tern__pnm_save(const tern_image *image, const char *path);

#endif
