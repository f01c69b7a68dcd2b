/* JPEG files by libturbojpeg: header first, then limits, then pixels; EXIF orientation; CMYK.
 * Sources: ITU-T T.81 annex B (markers); EXIF 2.3 (orientation, tag 0x0112); Adobe technical note
 * 5116 (marker APP14). */
#include "pixels.h"

#include "core/base/file.h"

#include <stdio.h>
#include <string.h>
#include <turbojpeg.h>

bool tern__jpeg_is(const uint8_t *bytes, size_t size) {
    return size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

/* ---- the markers before the pixels ---- */

typedef struct markers {
    int orientation; /* 1..8 */
    bool adobe;      /* CMYK is stored inverted: 255 is no ink */
} markers;

static uint32_t number(const uint8_t *p, size_t bytes, bool little) {
    uint32_t v = 0;
    for (size_t i = 0; i < bytes; i++) v = v << 8 | p[little ? bytes - 1 - i : i];
    return v;
}

/* Tag 0x0112 of the first directory of an EXIF block (a TIFF file); 1 where there is none. */
static int read_orientation(const uint8_t *tiff, size_t size) {
    if (size < 8) return 1;
    const bool little = tiff[0] == 'I';
    const size_t directory = number(tiff + 4, 4, little);
    if (directory > size - 2 || size < 2) return 1;
    const size_t entries = number(tiff + directory, 2, little);
    for (size_t i = 0; i < entries; i++) {
        const size_t at = directory + 2 + 12 * i;
        if (at + 12 > size) return 1;
        if (number(tiff + at, 2, little) != 0x0112) continue;
        const uint32_t value = number(tiff + at + 8, 2, little);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

static markers read_markers(const uint8_t *bytes, size_t size) {
    markers m = {.orientation = 1};
    for (size_t at = 2; at + 4 <= size && bytes[at] == 0xff;) {
        const uint8_t marker = bytes[at + 1];
        if (marker == 0xff) { /* filling */
            at++;
            continue;
        }
        if (marker == 0xda || marker == 0xd9) break; /* the pixels begin, or the end */
        const size_t length = number(bytes + at + 2, 2, false);
        const uint8_t *body = bytes + at + 4;
        if (length < 2 || length > size - at - 2) break;
        if (marker == 0xe1 && length >= 8 && !memcmp(body, "Exif\0\0", 6))
            m.orientation = read_orientation(body + 6, length - 8);
        if (marker == 0xee && length >= 7 && !memcmp(body, "Adobe", 5)) m.adobe = true;
        at += 2 + length;
    }
    return m;
}

/* ---- pixels ---- */

/* Remarks of libjpeg about files that show their whole picture all the same. */
static bool is_harmless(const char *message) {
    static const char *const harmless[] = {"extraneous bytes before marker", "JFIF revision number",
                                           "Adobe color transform code", "JFIF extension",
                                           "nsupported marker type"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strstr(message, harmless[i])) return true;
    return false;
}

/* The sentence of libjpeg, or libturbojpeg, about an allocation that failed? */
static bool is_memory(const char *message) {
    return strstr(message, "nsufficient memory") || strstr(message, "emory allocation failure");
}

/* Decodes into pixels [height][width][size of format]; a file that is cut or damaged is an error,
 * where libjpeg would fill the rest with grey. */
static tern_status read_pixels(const tern__encoded *e, tjhandle handle, int width, int height,
                               int format, uint8_t *pixels) {
    const int flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS;
    for (int lenient = 0; lenient < 2; lenient++) {
        if (!tjDecompress2(handle, e->bytes, (unsigned long)e->size, pixels, width,
                           width * tjPixelSize[format], height, format,
                           flags | (lenient ? 0 : TJFLAG_STOPONWARNING)))
            return TERN_OK;
        if (!is_harmless(tjGetErrorStr2(handle))) break;
    }
    const char *message = tjGetErrorStr2(handle);
    if (is_harmless(message)) return TERN_OK;
    if (is_memory(message))
        return tern__fail(e->context, TERN_ERR_MEMORY, "%s: out of memory for the JPEG picture",
                          e->name);
    const bool limit = strstr(message, "scans") != NULL;
    return tern__fail(e->context, limit ? TERN_ERR_LIMIT : TERN_ERR_FORMAT,
                      "%s: the JPEG picture %s: %s", e->name,
                      limit ? "would take too long" : "is damaged or ends early", message);
}

/* In place: CMYK, as stored, to RGB. */
static void cmyk_to_rgb(uint8_t *pixels, size_t count, bool inverted) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = pixels + 4 * i;
        const uint32_t white = inverted ? from[3] : 255u - from[3];
        for (size_t k = 0; k < 3; k++) {
            const uint32_t ink = inverted ? from[k] : 255u - from[k];
            pixels[3 * i + k] = (uint8_t)((ink * white + 127) / 255);
        }
    }
}

/* Decodes into rows of e's own and hands them over; `raw` is freed by the caller. */
static tern_status decode_rows(tern_image *image, const tern__encoded *e, tjhandle handle,
                               bool cmyk, bool grey, bool adobe, uint8_t **raw) {
    const tern__pixel_format from = {grey ? 1 : 3, 8};
    const size_t width = (size_t)image->width, count = width * (size_t)image->height;
    const int format = cmyk ? TJPF_CMYK : grey ? TJPF_GRAY : TJPF_RGB;
    const bool direct = !cmyk && image->channels == from.channels && image->bits == 8;
    uint8_t *pixels = image->data;
    if (!direct && !(pixels = *raw = tern__alloc(e->context, count * (size_t)tjPixelSize[format])))
        return TERN_ERR_MEMORY;
    tern_status st = read_pixels(e, handle, image->width, image->height, format, pixels);
    if (st != TERN_OK || direct) return st;
    if (cmyk) cmyk_to_rgb(pixels, count, adobe);
    for (int64_t y = 0; y < image->height; y++)
        tern__decoded_row(image, e, y, pixels + (size_t)y * width * (size_t)from.channels, from);
    return TERN_OK;
}

static tern_status decode(tern_image *image, const tern__encoded *e, tjhandle handle) {
    /* Which libturbojpeg may leave as they are, with no more than a warning, where the header ends
     * early. */
    int width = 0, height = 0, subsampling = 0, colours = TJCS_GRAY;
    if (tjDecompressHeader3(handle, e->bytes, (unsigned long)e->size, &width, &height, &subsampling,
                            &colours) &&
        (tjGetErrorCode(handle) == TJERR_FATAL || width < 1 || height < 1))
        return tern__fail(
            e->context, is_memory(tjGetErrorStr2(handle)) ? TERN_ERR_MEMORY : TERN_ERR_FORMAT,
            "%s: the JPEG picture's header cannot be read: %s", e->name, tjGetErrorStr2(handle));
    const markers m = read_markers(e->bytes, e->size);
    const bool grey = colours == TJCS_GRAY, cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
    const tern__pixel_format from = {grey ? 1 : 3, 8};
    tern_status st = tern__decoded_begin(image, e, width, height, from, 0);
    if (st != TERN_OK) return st;
    const int orientation = e->options->ignore_orientation ? 1 : m.orientation;
    if (e->header_only) {
        if (orientation > 4) image->width = height, image->height = width;
        return TERN_OK;
    }
    uint8_t *raw = NULL;
    st = decode_rows(image, e, handle, cmyk, grey, m.adobe, &raw);
    tern__free(e->context, raw);
    if (st != TERN_OK || orientation == 1) return st;
    tern_image turned;
    if ((st = tern_image_turn(&turned, image, orientation)) != TERN_OK) return st;
    tern_image_free(image);
    *image = turned;
    return TERN_OK;
}

tern_status tern__jpeg_decode(tern_image *image, const tern__encoded *e) {
    tjhandle handle = tjInitDecompress();
    if (!handle) return tern__fail(e->context, TERN_ERR_MEMORY, "%s: out of memory", e->name);
    tern_status st = decode(image, e, handle);
    tjDestroy(handle);
    return st;
}

tern_status tern__jpeg_save(const tern_image *image, const char *path, int quality) {
    tern_context *c = image->context;
    const bool grey = image->channels == 1;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    tjhandle handle = tjInitCompress();
    if (!handle) return tern__fail(c, TERN_ERR_MEMORY, "%s: out of memory", path);
    tern_status st = TERN_OK;
    if (tjCompress2(handle, image->data, image->width, 0, image->height,
                    grey ? TJPF_GRAY : TJPF_RGB, &bytes, &size, grey ? TJSAMP_GRAY : TJSAMP_444,
                    quality, TJFLAG_ACCURATEDCT))
        st = tern__fail(c, TERN_ERR_UNSUPPORTED, "%s: %d x %d pixels cannot be written as JPEG: %s",
                        path, image->width, image->height, tjGetErrorStr2(handle));
    else
        st = tern_file_save(c, path, bytes, size);
    tjFree(bytes);
    tjDestroy(handle);
    return st;
}
