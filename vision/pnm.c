/* Portable any-map pictures, P1 to P6. Source: the netpbm format descriptions pbm(5), pgm(5),
 * ppm(5). */
#include "pixels.h"

#include "core/base/file.h"

#include <stdio.h>
#include <string.h>

/* Where reading is, within the bytes. */
typedef struct cursor {
    const tern__encoded *e;
    size_t at;
} cursor;

static bool is_space(int b) { return b == ' ' || (b >= '\t' && b <= '\r'); }

bool tern__pnm_is(const uint8_t *bytes, size_t size) {
    return size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' &&
           (is_space(bytes[2]) || bytes[2] == '#');
}

/* Moves over white space and comments (from # to the end of the line). */
static void skip(cursor *k) {
    const uint8_t *b = k->e->bytes;
    while (k->at < k->e->size) {
        if (b[k->at] == '#')
            while (k->at < k->e->size && b[k->at] != '\n' && b[k->at] != '\r') k->at++;
        else if (is_space(b[k->at]))
            k->at++;
        else
            return;
    }
}

static tern_status ends_early(const tern__encoded *e) {
    return tern__fail(e->context, TERN_ERR_FORMAT,
                      "%s: the PNM picture ends early, after %zu bytes", e->name, e->size);
}

/* A decimal number of at most max. */
static tern_status read_number(cursor *k, const char *what, uint32_t max, uint32_t *value) {
    const tern__encoded *e = k->e;
    skip(k);
    if (k->at == e->size) return ends_early(e);
    const size_t start = k->at;
    uint64_t v = 0;
    for (; k->at < e->size && e->bytes[k->at] >= '0' && e->bytes[k->at] <= '9'; k->at++) {
        v = v * 10 + (uint64_t)(e->bytes[k->at] - '0');
        if (v > max)
            return tern__fail(e->context, TERN_ERR_FORMAT,
                              "%s, byte %zu: %s of a PNM picture above "
                              "%u",
                              e->name, start, what, max);
    }
    if (k->at == start)
        return tern__fail(e->context, TERN_ERR_FORMAT,
                          "%s, byte %zu: %s of a PNM picture is not a "
                          "number",
                          e->name, start, what);
    *value = (uint32_t)v;
    return TERN_OK;
}

typedef struct header {
    int kind; /* 1..6 */
    uint32_t width, height, maximum;
    tern__pixel_format format;
} header;

static tern_status read_header(cursor *k, header *h) {
    h->kind = k->e->bytes[1] - '0';
    k->at = 2;
    tern_status st = read_number(k, "the width", 1u << 30, &h->width);
    if (st == TERN_OK) st = read_number(k, "the height", 1u << 30, &h->height);
    h->maximum = 1;
    if (st == TERN_OK && h->kind % 3 != 1)
        st = read_number(k, "the largest value", 65535, &h->maximum);
    if (st != TERN_OK) return st;
    if (h->maximum == 0)
        return tern__fail(k->e->context, TERN_ERR_FORMAT,
                          "%s: the largest value of a PNM picture is "
                          "0",
                          k->e->name);
    h->format = (tern__pixel_format){h->kind % 3 == 0 ? 3 : 1, h->maximum > 255 ? 16 : 8};
    if (h->kind > 3) { /* exactly one white space between header and pixels */
        if (k->at == k->e->size) return ends_early(k->e);
        if (!is_space(k->e->bytes[k->at++]))
            return tern__fail(k->e->context, TERN_ERR_FORMAT,
                              "%s, byte %zu: no white space after the "
                              "PNM header",
                              k->e->name, k->at - 1);
    }
    return TERN_OK;
}

/* The fewest bytes that the pixels can take, so that memory is only taken where they may be there.
 */
static size_t least_bytes(const header *h) {
    const size_t row = (size_t)h->width * (size_t)h->format.channels, rows = h->height;
    switch (h->kind) {
    case 1:
        return row * rows;
    case 2:
    case 3:
        return 2 * row * rows - 1;
    case 4:
        return (row + 7) / 8 * rows;
    default:
        return row * (h->maximum > 255 ? 2 : 1) * rows;
    }
}

/* The next value of the picture, scaled to 255 or 65535. row_start: where a P4 row begins. */
static tern_status next_value(cursor *k, const header *h, size_t row_start, size_t i,
                              uint32_t *value) {
    const tern__encoded *e = k->e;
    uint32_t v;
    if (h->kind == 1) { /* digits may stand together; 1 is black */
        skip(k);
        if (k->at == e->size) return ends_early(e);
        const uint8_t b = e->bytes[k->at++];
        if (b != '0' && b != '1')
            return tern__fail(e->context, TERN_ERR_FORMAT,
                              "%s, byte %zu: a pixel of a PBM picture is "
                              "not 0 or 1",
                              e->name, k->at - 1);
        *value = b == '1' ? 0 : 255;
        return TERN_OK;
    }
    if (h->kind == 4) {
        *value = e->bytes[row_start + i / 8] >> (7 - i % 8) & 1 ? 0 : 255;
        return TERN_OK;
    }
    if (h->kind < 4) {
        tern_status st = read_number(k, "a value", 65535, &v);
        if (st != TERN_OK) return st;
    } else if (h->maximum > 255) {
        v = (uint32_t)e->bytes[k->at] << 8 | e->bytes[k->at + 1];
        k->at += 2;
    } else {
        v = e->bytes[k->at++];
    }
    if (v > h->maximum)
        return tern__fail(e->context, TERN_ERR_FORMAT,
                          "%s, byte %zu: the value %u is above the "
                          "largest value %u",
                          e->name, k->at, v, h->maximum);
    const uint32_t full = h->maximum > 255 ? 65535 : 255;
    *value = h->maximum == full ? v : (v * full + h->maximum / 2) / h->maximum;
    return TERN_OK;
}

static tern_status read_row(cursor *k, const header *h, void *row) {
    const size_t count = (size_t)h->width * (size_t)h->format.channels, start = k->at;
    for (size_t i = 0; i < count; i++) {
        uint32_t value = 0;
        tern_status st = next_value(k, h, start, i, &value);
        if (st != TERN_OK) return st;
        if (h->format.bits == 8)
            ((uint8_t *)row)[i] = (uint8_t)value;
        else
            ((uint16_t *)row)[i] = (uint16_t)value;
    }
    if (h->kind == 4) k->at = start + (count + 7) / 8;
    return TERN_OK;
}

tern_status tern__pnm_decode(tern_image *image, const tern__encoded *e) {
    cursor k = {e, 0};
    header h;
    tern_status st = read_header(&k, &h);
    if (st == TERN_OK)
        st = tern__decoded_begin(
            image,
            &(tern__encoded){
                .context = e->context, .name = e->name, .options = e->options, .header_only = true},
            h.width, h.height, h.format, 0); /* limits first */
    if (st != TERN_OK || e->header_only) return st;
    if (e->size - k.at < least_bytes(&h)) return ends_early(e);
    if ((st = tern__decoded_begin(image, e, h.width, h.height, h.format, 0)) != TERN_OK) return st;
    void *row = tern__alloc(e->context, (size_t)h.width * (size_t)h.format.channels *
                                            (size_t)h.format.bits / 8);
    if (!row) return TERN_ERR_MEMORY;
    for (int64_t y = 0; st == TERN_OK && y < image->height; y++)
        if ((st = read_row(&k, &h, row)) == TERN_OK) tern__decoded_row(image, e, y, row, h.format);
    tern__free(e->context, row);
    return st;
}

tern_status tern__pnm_save(const tern_image *image, const char *path) {
    tern_context *c = image->context;
    tern__file_writer *writer;
    char text[64];
    tern_status st = tern__file_writer_open(&writer, c, path);
    if (st != TERN_OK) return st;
    const size_t row = (size_t)image->width * tern__pixel_size(image);
    uint8_t *swapped = tern__alloc(c, row);
    if (!swapped) {
        tern__file_writer_abort(&writer);
        return TERN_ERR_MEMORY;
    }
    snprintf(text, sizeof text, "P%d\n%d %d\n%d\n", image->channels == 3 ? 6 : 5, image->width,
             image->height, (1 << image->bits) - 1);
    tern__file_write(writer, text, strlen(text));
    for (int64_t y = 0; y < image->height; y++) {
        const void *from = tern__image_row(image, y);
        if (image->bits == 16) { /* the high byte comes first */
            for (size_t i = 0; i < row / 2; i++) {
                const uint16_t v = ((const uint16_t *)from)[i];
                swapped[2 * i] = (uint8_t)(v >> 8);
                swapped[2 * i + 1] = (uint8_t)v;
            }
            from = swapped;
        }
        tern__file_write(writer, from, row);
    }
    tern__free(c, swapped);
    return tern__file_writer_commit(&writer);
}
