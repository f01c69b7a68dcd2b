/* Pictures: making, reading and writing them. Chooses the decoder by the first bytes and the writer
 * by the name; knows no format itself. */
#include "pixels.h"

#include "core/base/file.h"
#include "core/base/picture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)1 << 30)
#define PROBED ((size_t)1 << 18) /* bytes in which a header is looked for first */

tern_status tern__image_check(tern_context *c, int64_t width, int64_t height, int channels,
                              int bits) {
    if (channels < 1 || channels > 4 || (bits != 8 && bits != 16))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "a picture of %d channels of %d bits; 1 to 4 "
                          "channels of 8 or 16 bits are possible",
                          channels, bits);
    if (width < 1 || height < 1 || width > TERN_IMAGE_MAX_SIDE || height > TERN_IMAGE_MAX_SIDE)
        return tern__fail(c, TERN_ERR_LIMIT,
                          "a picture of %lld x %lld pixels; sides of 1 to %d are "
                          "possible",
                          (long long)width, (long long)height, TERN_IMAGE_MAX_SIDE);
    return TERN_OK;
}

tern_status tern_image_create(tern_image *image, tern_context *c, int width, int height,
                              int channels, int bits) {
    *image = (tern_image){0};
    tern_status st = tern__image_check(c, width, height, channels, bits);
    if (st != TERN_OK) return st;
    tern_image made = {
        .context = c, .width = width, .height = height, .channels = channels, .bits = bits};
    made.data = tern__calloc(c, (size_t)width * (size_t)height, tern__pixel_size(&made));
    if (!made.data) return TERN_ERR_MEMORY;
    *image = made;
    return TERN_OK;
}

void tern_image_free(tern_image *image) {
    if (!image) return;
    if (image->context) {
        tern__free(image->context, image->data);
        tern__free(image->context, image->palette);
    }
    *image = (tern_image){0};
}

/* ---- reading ---- */

tern_status tern__decoded_begin(tern_image *image, const tern__encoded *e, int64_t width,
                                int64_t height, tern__pixel_format from, int colours) {
    const tern_image_options *o = e->options;
    const double most = o->max_pixels > 0 ? o->max_pixels : TERN_IMAGE_MAX_PIXELS;
    if (width > TERN_IMAGE_MAX_SIDE || height > TERN_IMAGE_MAX_SIDE)
        return tern__fail(e->context, TERN_ERR_LIMIT,
                          "%s: %lld x %lld pixels; sides of at most %d "
                          "are possible",
                          e->name, (long long)width, (long long)height, TERN_IMAGE_MAX_SIDE);
    if (width < 1 || height < 1)
        return tern__fail(e->context, TERN_ERR_FORMAT,
                          "%s: %lld x %lld pixels, which is no picture", e->name, (long long)width,
                          (long long)height);
    if ((double)width * (double)height > most)
        return tern__fail(e->context, TERN_ERR_LIMIT,
                          "%s: %lld x %lld pixels are more than the %.0f "
                          "that are allowed",
                          e->name, (long long)width, (long long)height, most);
    int channels = from.channels, bits = o->bits ? o->bits : from.bits;
    if (o->alpha != TERN_ALPHA_KEEP && channels % 2 == 0) channels--;
    if (o->channels) channels = o->channels + (channels % 2 == 0);
    if (colours) channels = 1, bits = 8;
    if (!e->header_only)
        return tern_image_create(image, e->context, (int)width, (int)height, channels, bits);
    *image = (tern_image){.context = e->context,
                          .width = (int)width,
                          .height = (int)height,
                          .channels = channels,
                          .bits = bits,
                          .colours = colours};
    return TERN_OK;
}

void tern__decoded_row(tern_image *image, const tern__encoded *e, int64_t y, const void *row,
                       tern__pixel_format from) {
    tern__pixels_convert(tern__image_row(image, y), tern__image_format(image), row, from,
                         (size_t)image->width, e->options->alpha == TERN_ALPHA_DROP);
}

static tern_status decode(tern_image *image, const tern__encoded *e) {
    tern_status st;
    *image = (tern_image){0};
    if (e->size == 0)
        st = tern__fail(e->context, TERN_ERR_FORMAT, "%s: it is empty", e->name);
    else if (tern__png_is(e->bytes, e->size))
        st = tern__png_decode(image, e);
    else if (tern__jpeg_is(e->bytes, e->size))
        st = tern__jpeg_decode(image, e);
    else if (tern__pnm_is(e->bytes, e->size))
        st = tern__pnm_decode(image, e);
    else
        st = tern__fail(e->context, TERN_ERR_FORMAT,
                        "%s: by its first bytes it is no PNG, JPEG or "
                        "PNM picture; convert it to one of these",
                        e->name);
    if (st != TERN_OK) tern_image_free(image);
    return st;
}

/* The options, checked; NULL after a failure. */
static const tern_image_options *check_options(tern_context *c, const tern_image_options *o) {
    static const tern_image_options defaults = TERN_IMAGE_OPTIONS_INIT;
    if (!o) return &defaults;
    if (o->size != sizeof *o)
        tern__fail(c, TERN_ERR_ARGUMENT,
                   "picture options of size %zu, expected %zu: start from "
                   "TERN_IMAGE_OPTIONS_INIT",
                   o->size, sizeof *o);
    else if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        tern__fail(c, TERN_ERR_ARGUMENT,
                   "a picture to be read with %d channels; 0 (its own), 1 and 3 "
                   "are possible",
                   o->channels);
    else if (o->bits != 0 && o->bits != 8 && o->bits != 16)
        tern__fail(c, TERN_ERR_ARGUMENT,
                   "a picture to be read with %d bits; 0 (its own), 8 and 16 "
                   "are possible",
                   o->bits);
    else if (!(o->max_pixels >= 0))
        tern__fail(c, TERN_ERR_ARGUMENT, "at most %g pixels of a picture; it must be 0 or more",
                   o->max_pixels);
    else
        return o;
    return NULL;
}

tern_status tern_image_load_memory(tern_image *image, tern_context *c, const char *name,
                                   const void *bytes, size_t size,
                                   const tern_image_options *options) {
    *image = (tern_image){0};
    if (!(options = check_options(c, options))) return TERN_ERR_ARGUMENT;
    return decode(
        image, &(tern__encoded){
                   .context = c, .name = name, .bytes = bytes, .size = size, .options = options});
}

tern_status tern_image_load(tern_image *image, tern_context *c, const char *path,
                            const tern_image_options *options) {
    *image = (tern_image){0};
    const bool standard = !strcmp(path, "-");
    char *bytes;
    size_t size;
    tern_status st = standard ? tern__file_read_stdin(&bytes, &size, c, FILE_LIMIT)
                              : tern__file_read(&bytes, &size, c, path, FILE_LIMIT);
    if (st != TERN_OK) return st;
    st = tern_image_load_memory(image, c, standard ? "standard input" : path, bytes, size, options);
    tern__free(c, bytes);
    return st;
}

/* Reads up to PROBED bytes; false if that fails or the file ends within them. */
static bool read_beginning(const char *path, uint8_t *bytes) {
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    size_t size = 0;
    if (file < 0) return false;
    if (!fstat(file, &info) && S_ISREG(info.st_mode))
        for (ssize_t n = 1; size < PROBED && n > 0; size += n > 0 ? (size_t)n : 0)
            n = read(file, bytes + size, PROBED - size);
    close(file);
    return size == PROBED;
}

tern_status tern_image_probe(tern_image *image, tern_context *c, const char *path,
                             const tern_image_options *options) {
    *image = (tern_image){0};
    if (!(options = check_options(c, options))) return TERN_ERR_ARGUMENT;
    tern__encoded e = {.context = c, .name = path, .options = options, .header_only = true};
    uint8_t *beginning = tern__alloc(c, PROBED);
    if (!beginning) return TERN_ERR_MEMORY;
    tern_status st = TERN_ERR_FORMAT;
    if (read_beginning(path, beginning)) {
        e.bytes = beginning;
        e.size = PROBED;
        st = decode(image, &e);
    }
    tern__free(c, beginning);
    if (st != TERN_ERR_FORMAT) return st;
    /* A short file, or one whose header lies deeper: all of it. */
    char *bytes;
    if ((st = tern__file_read(&bytes, &e.size, c, path, FILE_LIMIT)) != TERN_OK) return st;
    e.bytes = (uint8_t *)bytes;
    st = decode(image, &e);
    tern__free(c, bytes);
    return st;
}

/* ---- writing ---- */

const char *tern__name_ending(const char *path) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot ? dot + 1 : "";
}

static bool is_any(const char *text, const char *const *of) {
    for (; *of; of++)
        if (!strcasecmp(text, *of)) return true;
    return false;
}

static const char *const jpeg_endings[] = {"jpg", "jpeg", NULL};
static const char *const pnm_endings[] = {"pnm", "pgm", "ppm", "pbm", NULL};

bool tern_image_is_name(const char *path) {
    const char *end = tern__name_ending(path);
    return !strcasecmp(end, "png") || is_any(end, jpeg_endings) || is_any(end, pnm_endings);
}

static tern_status save_png(const tern_image *image, const char *path) {
    const tern__png png = {.width = image->width,
                           .height = image->height,
                           .channels = image->channels,
                           .bits = image->bits,
                           .data = image->data,
                           .colours = image->colours,
                           .palette = image->palette};
    return tern__png_save(&png, image->context, path);
}

/* Writes by a function for grey and RGB of at most `bits` bits. */
static tern_status save_plain(const tern_image *image, const char *path, int bits, int quality,
                              bool jpeg) {
    tern_image plain = {0};
    const tern_image *what = image;
    const int channels = image->channels < 3 && !image->palette ? 1 : 3;
    if (image->palette || image->channels != channels || image->bits > bits) {
        tern_status st =
            tern_image_convert(&plain, image, channels, image->bits < bits ? image->bits : bits);
        if (st != TERN_OK) return st;
        what = &plain;
    }
    tern_status st = jpeg ? tern__jpeg_save(what, path, quality) : tern__pnm_save(what, path);
    tern_image_free(&plain);
    return st;
}

tern_status tern_image_save(const tern_image *image, const char *path, int quality) {
    tern_context *c = image->context;
    const char *end = tern__name_ending(path);
    if (quality < 0 || quality > 100)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s: JPEG quality %d; it must be in 1..100", path,
                          quality);
    if (!strcmp(path, "-")) return save_png(image, "/dev/fd/1");
    if (!strcasecmp(end, "png")) return save_png(image, path);
    if (is_any(end, jpeg_endings)) return save_plain(image, path, 8, quality ? quality : 92, true);
    if (!strcasecmp(end, "pgm") && (image->channels > 2 || image->palette))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "%s: a picture in colours does not go into a .pgm "
                          "file; name it .ppm",
                          path);
    if (is_any(end, pnm_endings) && strcasecmp(end, "pbm"))
        return save_plain(image, path, 16, 0, false);
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      "%s: pictures are written as .png, .jpg, .pgm, .ppm or "
                      ".pnm",
                      path);
}
