/* Pixels from one form to another: channels, depth, alpha, turning, cropping, and floats. Knows no
 * file. */
#include "pixels.h"

#include <math.h>
#include <string.h>

int64_t tern__border_index(int64_t i, int64_t n, tern_border border) {
    if (i >= 0 && i < n) return i;
    switch (border) {
    case TERN_BORDER_EDGE:
        return i < 0 ? 0 : n - 1;
    case TERN_BORDER_WRAP:
        return (i % n + n) % n;
    case TERN_BORDER_REFLECT: {
        if (n == 1) return 0;
        const int64_t period = 2 * (n - 1), at = (i % period + period) % period;
        return at < n ? at : period - at;
    }
    default:
        return -1;
    }
}

/* ---- one pixel after the other ---- */

/* Reads a pixel as red, green, blue and alpha of `from`'s depth. */
static inline void read_pixel(uint32_t v[4], const void *src, tern__pixel_format from, size_t i) {
    const size_t n = (size_t)from.channels;
    uint32_t p[4] = {0};
    if (from.bits == 8)
        for (size_t k = 0; k < n; k++) p[k] = ((const uint8_t *)src)[i * n + k];
    else
        for (size_t k = 0; k < n; k++) p[k] = ((const uint16_t *)src)[i * n + k];
    const bool grey = n < 3;
    v[0] = p[0];
    v[1] = grey ? p[0] : p[1];
    v[2] = grey ? p[0] : p[2];
    v[3] = n == 2 ? p[1] : n == 4 ? p[3] : (1u << from.bits) - 1;
}

static inline uint32_t change_depth(uint32_t v, int from, int to) {
    if (from == to) return v;
    return to == 16 ? v * 257 : (v + 128) / 257;
}

static inline void write_value(void *dst, int bits, size_t at, uint32_t v) {
    if (bits == 8)
        ((uint8_t *)dst)[at] = (uint8_t)v;
    else
        ((uint16_t *)dst)[at] = (uint16_t)v;
}

static inline void write_pixel(void *dst, tern__pixel_format to, size_t i, const uint32_t v[4]) {
    const size_t at = i * (size_t)to.channels;
    write_value(dst, to.bits, at, v[0]);
    if (to.channels > 2) {
        write_value(dst, to.bits, at + 1, v[1]);
        write_value(dst, to.bits, at + 2, v[2]);
    }
    if (to.channels % 2 == 0) write_value(dst, to.bits, at + (size_t)to.channels - 1, v[3]);
}

void tern__pixels_convert(void *dst, tern__pixel_format to, const void *src,
                          tern__pixel_format from, size_t count, bool drop_alpha) {
    if (to.channels == from.channels && to.bits == from.bits) {
        memmove(dst, src, count * (size_t)to.channels * (size_t)to.bits / 8);
        return;
    }
    const bool lose_alpha = from.channels % 2 == 0 && to.channels % 2 == 1 && !drop_alpha;
    const bool to_grey = from.channels > 2 && to.channels < 3;
    const uint64_t max = (1u << from.bits) - 1;
    for (size_t i = 0; i < count; i++) {
        uint32_t v[4];
        read_pixel(v, src, from, i);
        if (lose_alpha)
            for (int k = 0; k < 3; k++)
                v[k] = (uint32_t)((v[k] * (uint64_t)v[3] + max * (max - v[3]) + max / 2) / max);
        if (to_grey) v[0] = tern__luma(v[0], v[1], v[2]);
        for (int k = 0; k < 4; k++) v[k] = change_depth(v[k], from.bits, to.bits);
        write_pixel(dst, to, i, v);
    }
}

/* ---- whole pictures ---- */

tern_status tern__image_copy_palette(tern_image *image, const tern_image *from) {
    if (!from->palette) return TERN_OK;
    const size_t size = 3 * (size_t)from->colours;
    if (!(image->palette = tern__alloc(image->context, size))) return TERN_ERR_MEMORY;
    memcpy(image->palette, from->palette, size);
    image->colours = from->colours;
    return TERN_OK;
}

/* Makes out of in's kind with another size. */
static tern_status create_like(tern_image *out, const tern_image *in, int width, int height) {
    tern_status st = tern_image_create(out, in->context, width, height, in->channels, in->bits);
    if (st == TERN_OK) st = tern__image_copy_palette(out, in);
    if (st != TERN_OK) tern_image_free(out);
    return st;
}

/* Colour numbers to RGB. */
static tern_status look_up(tern_image *out, const tern_image *in) {
    tern_status st = tern_image_create(out, in->context, in->width, in->height, 3, 8);
    if (st != TERN_OK) return st;
    const size_t count = (size_t)in->width * (size_t)in->height;
    for (size_t i = 0; i < count; i++) {
        const uint8_t number = ((const uint8_t *)in->data)[i];
        const uint8_t *colour = in->palette + 3 * (number < in->colours ? number : 0);
        memcpy((uint8_t *)out->data + 3 * i, colour, 3);
    }
    return TERN_OK;
}

tern_status tern_image_convert(tern_image *out, const tern_image *in, int channels, int bits) {
    tern_context *c = in->context;
    *out = (tern_image){0};
    if (bits == 0) bits = in->palette ? 8 : in->bits;
    tern_image colours = {0};
    tern_status st = tern__image_check(c, in->width, in->height, channels, bits);
    if (st != TERN_OK) return st;
    if (in->palette) {
        if ((st = look_up(&colours, in)) != TERN_OK) return st;
        in = &colours;
    }
    st = tern_image_create(out, c, in->width, in->height, channels, bits);
    if (st == TERN_OK)
        tern__pixels_convert(out->data, tern__image_format(out), in->data, tern__image_format(in),
                             (size_t)in->width * (size_t)in->height, false);
    tern_image_free(&colours);
    return st;
}

tern_status tern_image_turn(tern_image *out, const tern_image *in, int orientation) {
    *out = (tern_image){0};
    if (orientation < 1 || orientation > 8)
        return tern__fail(in->context, TERN_ERR_ARGUMENT, "orientation %d; it must be in 1..8",
                          orientation);
    const bool transposed = orientation > 4;
    tern_status st = create_like(out, in, transposed ? in->height : in->width,
                                 transposed ? in->width : in->height);
    if (st != TERN_OK) return st;
    const size_t size = tern__pixel_size(in);
    const bool from_right =
        orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_below =
        orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    uint8_t *to = out->data;
    for (int64_t y = 0; y < out->height; y++)
        for (int64_t x = 0; x < out->width; x++, to += size) {
            int64_t column = transposed ? y : x, row = transposed ? x : y;
            if (from_right) column = in->width - 1 - column;
            if (from_below) row = in->height - 1 - row;
            memcpy(to, (uint8_t *)tern__image_row(in, row) + (size_t)column * size, size);
        }
    return TERN_OK;
}

tern_status tern_image_crop(tern_image *out, const tern_image *in, int x, int y, int width,
                            int height, tern_border border) {
    tern_status st = create_like(out, in, width, height);
    if (st != TERN_OK) return st;
    const size_t size = tern__pixel_size(in);
    for (int64_t j = 0; j < height; j++) {
        const int64_t row = tern__border_index((int64_t)y + j, in->height, border);
        if (row < 0) continue; /* black already */
        uint8_t *to = tern__image_row(out, j);
        const uint8_t *from = tern__image_row(in, row);
        for (int64_t i = 0; i < width; i++) {
            const int64_t column = tern__border_index((int64_t)x + i, in->width, border);
            if (column >= 0) memcpy(to + (size_t)i * size, from + (size_t)column * size, size);
        }
    }
    return TERN_OK;
}

/* ---- floats ---- */

/* Pixel i of a row as 1 or 3 numbers 0..1, alpha on white. */
static inline void pixel_floats(float *v, const void *row, tern__pixel_format from, int64_t i,
                                int channels) {
    uint32_t p[4] = {0};
    read_pixel(p, row, from, (size_t)i);
    const uint64_t max = (1u << from.bits) - 1;
    if (from.channels % 2 == 0)
        for (int k = 0; k < 3; k++)
            p[k] = (uint32_t)((p[k] * (uint64_t)p[3] + max * (max - p[3]) + max / 2) / max);
    if (channels == 1) {
        v[0] = (float)(from.channels < 3 ? p[0] : tern__luma(p[0], p[1], p[2])) / (float)max;
        return;
    }
    for (int k = 0; k < 3; k++) v[k] = (float)p[k] / (float)max;
}

void tern__image_planes(const tern_image *image, int64_t x, int64_t y, int width, int height,
                        tern_border border, int channels, float *out) {
    const tern__pixel_format from = tern__image_format(image);
    const size_t plane = (size_t)width * (size_t)height;
    for (int64_t j = 0; j < height; j++) {
        const int64_t row_number = tern__border_index(y + j, image->height, border);
        const void *row = row_number < 0 ? NULL : tern__image_row(image, row_number);
        float *to = out + (size_t)j * (size_t)width;
        for (int64_t i = 0; i < width; i++) {
            const int64_t column = tern__border_index(x + i, image->width, border);
            float v[3] = {0, 0, 0};
            if (row && column >= 0) pixel_floats(v, row, from, column, channels);
            for (int k = 0; k < channels; k++) to[(size_t)k * plane + (size_t)i] = v[k];
        }
    }
}

void tern__planes_normalize(float *planes, size_t plane, const tern_normalization *n) {
    for (int k = 0; k < n->channels; k++) {
        const float mean = n->mean[k], scale = 1 / n->std[k];
        float *at = planes + (size_t)k * plane;
        for (size_t i = 0; i < plane; i++) at[i] = (at[i] - mean) * scale;
    }
}

tern_status tern_image_floats(const tern_image *image, int x, int y, int width, int height,
                              tern_border border, const tern_normalization *normalization,
                              float *out) {
    tern_context *c = image->context;
    const int own = image->channels < 3 && !image->palette ? 1 : 3;
    const int channels = normalization ? normalization->channels : own;
    if (width < 1 || height < 1)
        return tern__fail(c, TERN_ERR_ARGUMENT, "a part of %d x %d pixels of a picture", width,
                          height);
    if (channels != 1 && channels != 3)
        return tern__fail(c, TERN_ERR_ARGUMENT, "a picture as %d planes; 1 and 3 are possible",
                          channels);
    for (int k = 0; normalization && k < channels; k++)
        if (!(fabsf(normalization->std[k]) > 0) || !isfinite(normalization->mean[k]) ||
            !isfinite(normalization->std[k]))
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "normalisation by mean %g and std %g of "
                              "channel %d; they must be finite, and std not 0",
                              (double)normalization->mean[k], (double)normalization->std[k], k);
    tern_image colours = {0};
    if (image->palette) {
        tern_status st = look_up(&colours, image);
        if (st != TERN_OK) return st;
        image = &colours;
    }
    tern__image_planes(image, x, y, width, height, border, channels, out);
    if (normalization) tern__planes_normalize(out, (size_t)width * (size_t)height, normalization);
    tern_image_free(&colours);
    return TERN_OK;
}

tern_status tern_image_from_floats(tern_image *image, tern_context *c, const float *planes,
                                   int channels, int width, int height, int bits) {
    tern_status st = tern_image_create(image, c, width, height, channels, bits);
    if (st != TERN_OK) return st;
    const size_t plane = (size_t)width * (size_t)height, n = (size_t)channels;
    const float max = (float)((1 << bits) - 1);
    for (size_t i = 0; i < plane; i++)
        for (size_t k = 0; k < n; k++) {
            float v = planes[k * plane + i];
            v = v > 0 ? v < 1 ? v : 1 : 0; /* NaN: 0 */
            const uint32_t value = (uint32_t)(v * max + 0.5f);
            if (bits == 8)
                ((uint8_t *)image->data)[i * n + k] = (uint8_t)value;
            else
                ((uint16_t *)image->data)[i * n + k] = (uint16_t)value;
        }
    return TERN_OK;
}
