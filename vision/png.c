/* Reading PNG files by libpng's row interface. Its errors come back through setjmp, its memory from
 * the context. (Writing: core/base/picture.h.) */
#include "pixels.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_BYTES (8u << 20) /* of one chunk beside the pixels */
#define CHUNKS 256
#define DEFLATE_RATIO 1032 /* the most that deflate can pack into one byte */

typedef struct reader {
    const tern__encoded *e;
    tern_image *image;
    size_t at;
    png_structp png;
    png_infop info;
    void *rows; /* memory for a row, or for all of an interlaced picture */
    bool no_memory;
    char text[200]; /* libpng's message */
    jmp_buf failed;
} reader;

bool tern__png_is(const uint8_t *bytes, size_t size) {
    return size >= 8 && !png_sig_cmp(bytes, 0, 8);
}

static void on_error(png_structp png, png_const_charp message) {
    reader *r = png_get_error_ptr(png);
    snprintf(r->text, sizeof r->text, "%s", message);
    longjmp(r->failed, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp on_allocate(png_structp png, png_alloc_size_t size) {
    reader *r = png_get_mem_ptr(png);
    void *memory = tern__alloc(r->e->context, size);
    r->no_memory = r->no_memory || !memory;
    return memory;
}

static void on_free(png_structp png, png_voidp pointer) {
    reader *r = png_get_mem_ptr(png);
    tern__free(r->e->context, pointer);
}

static void on_read(png_structp png, png_bytep data, size_t size) {
    reader *r = png_get_io_ptr(png);
    if (size > r->e->size - r->at) png_error(png, "the file ends early");
    memcpy(data, r->e->bytes + r->at, size);
    r->at += size;
}

/* What is not needed is not unpacked: texts and profiles could be large. */
static void set_limits(png_structp png) {
    static const png_byte ignored[] = "iCCP\0tEXt\0zTXt\0iTXt\0sPLT\0hIST\0eXIf\0pCAL\0sCAL\0";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, ignored, (int)(sizeof ignored / 5));
    png_set_user_limits(png, 1u << 30, 1u << 30); /* ours come next, with their sentence */
    png_set_chunk_cache_max(png, CHUNKS);
    png_set_chunk_malloc_max(png, CHUNK_BYTES);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
}

/* Asks libpng for whole bytes or 16-bit numbers of this machine; says what they will be. */
static tern__pixel_format set_transformations(const reader *r, bool numbers) {
    const int type = png_get_color_type(r->png, r->info);
    const int depth = png_get_bit_depth(r->png, r->info);
    if (numbers) {
        png_set_packing(r->png);
        return (tern__pixel_format){1, 8};
    }
    const bool transparent = png_get_valid(r->png, r->info, PNG_INFO_tRNS);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r->png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(r->png);
    if (transparent) png_set_tRNS_to_alpha(r->png);
    const uint16_t one = 1;
    if (depth == 16 && *(const uint8_t *)&one) png_set_swap(r->png);
    const int colours = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    return (tern__pixel_format){colours + (transparent || (type & PNG_COLOR_MASK_ALPHA) ? 1 : 0),
                                depth == 16 ? 16 : 8};
}

static tern_status take_palette(const reader *r, int colours, const png_color *palette) {
    tern_image *image = r->image;
    if (!(image->palette = tern__alloc(image->context, 3 * (size_t)colours)))
        return TERN_ERR_MEMORY;
    image->colours = colours;
    for (int i = 0; i < colours; i++) {
        image->palette[3 * i] = palette[i].red;
        image->palette[3 * i + 1] = palette[i].green;
        image->palette[3 * i + 2] = palette[i].blue;
    }
    const size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++)
        if (((const uint8_t *)image->data)[i] >= colours)
            return tern__fail(image->context, TERN_ERR_FORMAT,
                              "%s: colour number %d in column %zu, "
                              "row %zu; the palette has %d colours",
                              r->e->name, ((const uint8_t *)image->data)[i],
                              i % (size_t)image->width, i / (size_t)image->width, colours);
    return TERN_OK;
}

/* Interlaced pictures need all of their rows until the last pass. */
static tern_status read_rows(reader *r, tern__pixel_format from) {
    const tern__encoded *e = r->e;
    const int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    const size_t row = png_get_rowbytes(r->png, r->info), height = (size_t)r->image->height;
    if (!(r->rows = tern__alloc(e->context, passes > 1 ? row * height : row)))
        return TERN_ERR_MEMORY;
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) {
            uint8_t *to = (uint8_t *)r->rows + (passes > 1 ? y * row : 0);
            png_read_row(r->png, to, NULL);
            if (pass == passes - 1) tern__decoded_row(r->image, e, (int64_t)y, to, from);
        }
    png_read_end(r->png, NULL);
    return TERN_OK;
}

/* What runs under setjmp. */
static tern_status decode(reader *r) {
    const tern__encoded *e = r->e;
    set_limits(r->png);
    png_set_read_fn(r->png, r, on_read);
    png_read_info(r->png, r->info);
    const png_uint_32 width = png_get_image_width(r->png, r->info);
    const png_uint_32 height = png_get_image_height(r->png, r->info);
    png_colorp palette = NULL;
    int colours = 0;
    if (e->options->keep_palette && png_get_color_type(r->png, r->info) == PNG_COLOR_TYPE_PALETTE)
        png_get_PLTE(r->png, r->info, &palette, &colours);
    const tern__pixel_format from = set_transformations(r, palette);
    tern__encoded header = *e;
    header.header_only = true;
    tern_status st = tern__decoded_begin(r->image, &header, width, height, from, colours);
    if (st != TERN_OK || e->header_only) return st;
    /* A small file that claims a large picture is told from its size, before memory is taken. */
    if (png_get_rowbytes(r->png, r->info) * (double)height > (double)e->size * DEFLATE_RATIO)
        return tern__fail(e->context, TERN_ERR_FORMAT,
                          "%s: %zu bytes cannot hold %u x %u pixels; the "
                          "file is damaged",
                          e->name, e->size, width, height);
    if ((st = tern__decoded_begin(r->image, e, width, height, from, colours)) != TERN_OK) return st;
    st = read_rows(r, from);
    if (st == TERN_OK && palette) st = take_palette(r, colours, palette);
    return st;
}

tern_status tern__png_decode(tern_image *image, const tern__encoded *e) {
    reader r = {.e = e, .image = image};
    volatile tern_status st = TERN_ERR_MEMORY;
    r.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning, &r,
                                     on_allocate, on_free);
    if (r.png) r.info = png_create_info_struct(r.png);
    if (r.info) {
        if (!setjmp(r.failed))
            st = decode(&r);
        else
            st = tern__fail(e->context, TERN_ERR_FORMAT, "%s: the PNG picture is damaged: %s",
                            e->name, r.text);
        /* libpng goes on where it can do without, and what it left out may be needed. */
        if (r.no_memory)
            st = tern__fail(e->context, TERN_ERR_MEMORY, "%s: out of memory for the PNG picture",
                            e->name);
    }
    tern__free(e->context, r.rows);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return st;
}
