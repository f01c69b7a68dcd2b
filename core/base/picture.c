/* Drawing and PNG writing. libpng's errors come back through setjmp, its memory from the context.
 */
#include "picture.h"

#include "file.h"
#include "picture_font.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

tern_status tern__picture_create(tern__picture *p, tern_context *c, int width, int height,
                                 uint32_t colour) {
    *p = (tern__picture){0};
    if (width < 1 || height < 1 || width > 65535 || height > 65535)
        return tern__fail(c, TERN_ERR_LIMIT, "a picture of %d x %d pixels; 1 to 65535 are possible",
                          width, height);
    p->rgb = tern__alloc(c, (size_t)width * (size_t)height * 3);
    if (!p->rgb) return TERN_ERR_MEMORY;
    p->width = width;
    p->height = height;
    tern__picture_rectangle(p, 0, 0, width, height, colour);
    return TERN_OK;
}

void tern__picture_free(tern__picture *p, tern_context *c) {
    tern__free(c, p->rgb);
    *p = (tern__picture){0};
}

void tern__picture_dot(tern__picture *p, int x, int y, uint32_t colour) {
    if (x < 0 || y < 0 || x >= p->width || y >= p->height) return;
    uint8_t *at = p->rgb + 3 * ((size_t)y * (size_t)p->width + (size_t)x);
    at[0] = (uint8_t)(colour >> 16);
    at[1] = (uint8_t)(colour >> 8);
    at[2] = (uint8_t)colour;
}

void tern__picture_rectangle(tern__picture *p, int x, int y, int width, int height,
                             uint32_t colour) {
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) tern__picture_dot(p, x + i, y + j, colour);
}

/* A pixel of a letter; false outside its 5 x 9. */
static bool inked(const uint8_t *glyph, int x, int y) {
    return x >= 0 && y >= 0 && x < 5 && y < TERN__TEXT_HEIGHT && (glyph[y] >> (4 - x) & 1);
}

/* Draws one pixel of a letter as scale x scale pixels. At scale 2 each quarter takes the value of
 * the two neighbours it touches where they agree and the opposite ones differ, which smooths
 * slanting strokes (the rule known as EPX or Scale2x). */
static void draw_pixel(tern__picture *p, const uint8_t *glyph, int i, int j, int x, int y,
                       int scale, uint32_t colour) {
    const bool here = inked(glyph, i, j), up = inked(glyph, i, j - 1),
               down = inked(glyph, i, j + 1);
    const bool left = inked(glyph, i - 1, j), right = inked(glyph, i + 1, j);
    if (scale != 2) {
        if (here) tern__picture_rectangle(p, x, y, scale, scale, colour);
        return;
    }
    const bool clear = up != down && left != right;
    for (int k = 0; k < 4; k++) {
        const bool vertical = k / 2 ? down : up, horizontal = k % 2 ? right : left;
        if (clear && vertical == horizontal ? vertical : here)
            tern__picture_dot(p, x + k % 2, y + k / 2, colour);
    }
}

/* The next character of the text, '?' for any that the font lacks. */
static int next_character(const char **text) {
    const unsigned char first = (unsigned char)*(*text)++;
    if (first >= 32 && first < 127) return first;
    while ((**text & 0xc0) == 0x80) ++*text; /* the rest of a UTF-8 sequence */
    return '?';
}

void tern__picture_text(tern__picture *p, int x, int y, int scale, uint32_t colour,
                        const char *text) {
    while (*text) {
        const uint8_t *glyph = tern__font[next_character(&text) - 32];
        for (int j = 0; j < TERN__TEXT_HEIGHT; j++)
            for (int i = 0; i < 5; i++)
                draw_pixel(p, glyph, i, j, x + i * scale, y + j * scale, scale, colour);
        x += TERN__TEXT_WIDTH * scale;
    }
}

int tern__picture_text_width(int scale, const char *text) {
    int count = 0;
    for (; *text; count++) next_character(&text);
    return count ? (count * TERN__TEXT_WIDTH - 1) * scale : 0;
}

uint32_t tern__picture_heat(double value) {
    static const uint8_t steps[][3] = {{3, 3, 16},     {28, 14, 68},   {74, 20, 110},
                                       {122, 31, 116}, {173, 45, 101}, {216, 72, 78},
                                       {244, 117, 64}, {253, 172, 87}, {252, 244, 186}};
    const int last = sizeof steps / sizeof *steps - 1;
    double at = (value > 0 ? value < 1 ? value : 1 : 0) * last;
    const int k = at < last ? (int)at : last - 1;
    uint32_t colour = 0;
    for (int i = 0; i < 3; i++) {
        const double v = steps[k][i] + (steps[k + 1][i] - steps[k][i]) * (at - k);
        colour = colour << 8 | (uint32_t)(v + 0.5);
    }
    return colour;
}

/* ---- PNG ---- */

typedef struct png_target {
    tern_context *context;
    tern__file_writer *writer;
    const char *path;
    jmp_buf failed;
} png_target;

static void on_error(png_structp png, png_const_charp message) {
    png_target *t = png_get_error_ptr(png);
    tern__fail(t->context, TERN_ERR_MEMORY, "%s: libpng: %s", t->path, message);
    longjmp(t->failed, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static png_voidp on_allocate(png_structp png, png_alloc_size_t size) {
    png_target *t = png_get_mem_ptr(png);
    return tern__alloc(t->context, size);
}

static void on_free(png_structp png, png_voidp pointer) {
    png_target *t = png_get_mem_ptr(png);
    tern__free(t->context, pointer);
}

/* A failed write sticks to the writer and comes out of its commit. */
static void on_write(png_structp png, png_bytep data, size_t size) {
    png_target *t = png_get_io_ptr(png);
    tern__file_write(t->writer, data, size);
}

static void on_flush(png_structp png) { (void)png; }

static void write_header(png_structp png, png_infop info, const tern__png *p) {
    static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                PNG_COLOR_TYPE_RGB_ALPHA};
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, p->bits,
                 p->colours ? PNG_COLOR_TYPE_PALETTE : types[p->channels - 1], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if ((double)p->width * p->height >
        1e6) { /* a photo: a quarter of the time for 7 % more bytes */
        png_set_compression_level(png, 3);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB | PNG_FILTER_UP);
    }
    png_color palette[256];
    for (int i = 0; i < p->colours; i++)
        palette[i] = (png_color){p->palette[3 * i], p->palette[3 * i + 1], p->palette[3 * i + 2]};
    if (p->colours) png_set_PLTE(png, info, palette, p->colours);
    png_write_info(png, info);
    const uint16_t one = 1;
    if (p->bits == 16 && *(const uint8_t *)&one) png_set_swap(png);
}

/* Returns false after a failure; what libpng had is freed. */
static bool encode(const tern__png *p, png_target *t) {
    png_structp png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, t, on_error, on_warning, t,
                                                on_allocate, on_free);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_write_struct(&png, NULL);
        tern__fail(t->context, TERN_ERR_MEMORY, "%s: out of memory", t->path);
        return false;
    }
    if (setjmp(t->failed)) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_set_write_fn(png, t, on_write, on_flush);
    write_header(png, info, p);
    const size_t row = (size_t)p->width * (size_t)p->channels * (size_t)p->bits / 8;
    for (int y = 0; y < p->height; y++)
        png_write_row(png, (const uint8_t *)p->data + (size_t)y * row);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return true;
}

tern_status tern__png_save(const tern__png *png, tern_context *c, const char *path) {
    png_target t = {.context = c, .path = path};
    tern_status status = tern__file_writer_open(&t.writer, c, path);
    if (status != TERN_OK) return status;
    if (encode(png, &t)) return tern__file_writer_commit(&t.writer);
    tern__file_writer_abort(&t.writer);
    return TERN_ERR_MEMORY;
}

tern_status tern__picture_save(const tern__picture *p, tern_context *c, const char *path) {
    const tern__png png = {p->width, p->height, 3, 8, p->rgb, 0, NULL};
    return tern__png_save(&png, c, path);
}
