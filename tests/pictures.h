/* What the tests of pictures share: a folder that is removed afterwards, a context whose n-th
 * allocation fails, pictures of known values, and PNG files written straight by libpng. */
#ifndef TERN_TESTS_PICTURES_H
#define TERN_TESTS_PICTURES_H

#include "context.h"

#include <tern/vision.h>

#include <ftw.h>
#include <png.h>
#include <sys/stat.h>

static inline void pictures_folder(char folder[64]) {
    strcpy(folder, "/tmp/tern-pictures-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

/* "FOLDER/name" in a ring of static buffers. */
static inline const char *pictures_path(const char *folder, const char *name) {
    static char paths[8][600];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline int pictures_remove_one(const char *path, const struct stat *info, int type,
                                      struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}
static inline void pictures_remove(const char *folder) {
    nftw(folder, pictures_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void pictures_write(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* The caller frees. */
static inline uint8_t *pictures_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* ---- a context of one thread and a folder for each test ---- */

typedef struct pictures_fixture {
    char folder[64];
    tern_context *c;
} pictures_fixture;

static inline int pictures_set_up(void **state) {
    pictures_fixture *f = calloc(1, sizeof *f);
    f->c = make_context(1);
    pictures_folder(f->folder);
    *state = f;
    return 0;
}

static inline int pictures_tear_down(void **state) {
    pictures_fixture *f = *state;
    pictures_remove(f->folder);
    tern_context_free(f->c);
    free(f);
    return 0;
}

/* ---- memory that runs out ---- */

typedef struct pictures_memory {
    long left; /* allocations that succeed; negative: all */
    long live;
} pictures_memory;

static inline void *pictures_allocate(void *user, size_t size) {
    pictures_memory *m = user;
    if (m->left == 0) return NULL;
    if (m->left > 0) m->left--;
    m->live++;
    return aligned_alloc(64, (size + 63) / 64 * 64 + 64);
}
static inline void pictures_release(void *user, void *pointer) {
    ((pictures_memory *)user)->live--;
    free(pointer);
}

/* Calls `run` with more and more memory until it succeeds: every failure before says "memory" and
 * leaks nothing. One thread. */
static inline void pictures_starve(tern_status (*run)(tern_context *c, void *argument),
                                   void *argument) {
    for (long n = 0;; n++) {
        pictures_memory memory = {-1, 0};
        const tern_allocator allocator = {pictures_allocate, pictures_release, &memory};
        tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
        o.threads = 1;
        o.allocator = &allocator;
        tern_context *c;
        check_ok(c, tern_context_create(&c, &o));
        const long before = memory.live;
        memory.left = n;
        const tern_status st = run(c, argument);
        memory.left = -1;
        if (st != TERN_OK && st != TERN_ERR_MEMORY)
            fail_msg("allocation %ld failed: %s: %s", n, tern_status_name(st),
                     tern_context_message(c));
        assert_int_equal(memory.live, before);
        tern_context_free(c);
        assert_int_equal(memory.live, 0);
        if (st == TERN_OK) {
            assert_true(n > 0);
            return;
        }
        assert_true(n < 10000);
    }
}

/* ---- pictures ---- */

/* A value for every place, of `bits` bits. */
static inline uint32_t pictures_value(int x, int y, int channel, int bits) {
    uint32_t v =
        (uint32_t)x * 2654435761u + (uint32_t)y * 40503u * 977u + (uint32_t)channel * 7919u;
    v ^= v >> 13;
    v *= 2246822519u;
    v ^= v >> 16;
    return v & ((1u << bits) - 1);
}

static inline tern_image pictures_make(tern_context *c, int width, int height, int channels,
                                       int bits) {
    tern_image image;
    check_ok(c, tern_image_create(&image, c, width, height, channels, bits));
    size_t i = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int k = 0; k < channels; k++, i++) {
                const uint32_t v = pictures_value(x, y, k, bits);
                if (bits == 8)
                    ((uint8_t *)image.data)[i] = (uint8_t)v;
                else
                    ((uint16_t *)image.data)[i] = (uint16_t)v;
            }
    return image;
}

static inline uint32_t pictures_at(const tern_image *image, int x, int y, int channel) {
    const size_t i =
        ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels + (size_t)channel;
    return image->bits == 8 ? ((const uint8_t *)image->data)[i]
                            : ((const uint16_t *)image->data)[i];
}

static inline void pictures_check_equal(const tern_image *a, const tern_image *b) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->channels, b->channels);
    assert_int_equal(a->bits, b->bits);
    assert_memory_equal(a->data, b->data,
                        (size_t)a->width * (size_t)a->height * (size_t)a->channels *
                            (size_t)a->bits / 8);
}

/* What is seen of v over white, of the same depth. */
static inline uint32_t pictures_on_white(uint32_t v, uint32_t alpha, uint32_t max) {
    return (uint32_t)floor(((double)v * alpha + (double)max * (max - alpha)) / max + 0.5);
}

/* ---- PNG files of every kind ---- */

typedef struct pictures_png {
    int width, height, type, depth; /* libpng's colour type; 1, 2, 4, 8, 16 bits */
    bool interlaced;
    bool transparent; /* a tRNS chunk: of greys and colours the value of pixel (1, 1), of palettes
                         31 i mod 256 for colour i */
    bool grey_palette;
} pictures_png;

static inline int pictures_png_channels(int type) {
    return type == PNG_COLOR_TYPE_RGB          ? 3
           : type == PNG_COLOR_TYPE_RGBA       ? 4
           : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                               : 1;
}

static inline void pictures_palette(bool grey, png_color palette[256]) {
    for (int i = 0; i < 256; i++)
        palette[i] = grey ? (png_color){(uint8_t)i, (uint8_t)i, (uint8_t)i}
                          : (png_color){(uint8_t)(255 - i), (uint8_t)(i * 3), (uint8_t)(7 * i)};
}

/* Writes values pictures_value(x, y, channel, depth), most significant byte first. */
static inline void pictures_png_write(const char *path, const pictures_png *p) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, p->depth, p->type,
                 p->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    png_color palette[256];
    pictures_palette(p->grey_palette, palette);
    if (p->type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 1 << p->depth);
    png_byte alpha[256];
    for (int i = 0; i < 256; i++) alpha[i] = (png_byte)(31 * i);
    png_color_16 key = {.gray = (uint16_t)pictures_value(1, 1, 0, p->depth),
                        .red = (uint16_t)pictures_value(1, 1, 0, p->depth),
                        .green = (uint16_t)pictures_value(1, 1, 1, p->depth),
                        .blue = (uint16_t)pictures_value(1, 1, 2, p->depth)};
    if (p->transparent) png_set_tRNS(png, info, alpha, 1 << (p->depth > 8 ? 8 : p->depth), &key);
    png_write_info(png, info);
    const int channels = pictures_png_channels(p->type);
    uint8_t *row = malloc((size_t)p->width * (size_t)channels * 2 + 8);
    assert_non_null(row);
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < p->height; y++) {
            memset(row, 0, (size_t)p->width * (size_t)channels * 2 + 8);
            for (int x = 0; x < p->width; x++)
                for (int k = 0; k < channels; k++) {
                    const uint32_t v = pictures_value(x, y, k, p->depth);
                    const int i = x * channels + k;
                    if (p->depth == 16) {
                        row[2 * i] = (uint8_t)(v >> 8);
                        row[2 * i + 1] = (uint8_t)v;
                    } else if (p->depth == 8) {
                        row[i] = (uint8_t)v;
                    } else {
                        const int at = i * p->depth;
                        row[at / 8] |= (uint8_t)(v << (8 - p->depth - at % 8));
                    }
                }
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(row);
    assert_int_equal(fclose(file), 0);
}

#endif
