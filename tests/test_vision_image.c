/* Pictures in and out: every kind of PNG, JPEG and PNM, what is wrong with files, conversion,
 * turning, cropping and floats. Expected values are computed here, files are written by libpng and
 * libturbojpeg themselves or by hand. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

#include <fcntl.h>
#include <turbojpeg.h>

typedef pictures_fixture fixture;

/* ---- PNG ---- */

/* What a pixel of the file is: red, green, blue, alpha, of 8 or 16 bits. */
static void expected_pixel(const pictures_png *p, int x, int y, uint32_t v[4]) {
    const uint32_t max = p->depth == 16 ? 65535 : 255, scale = max / ((1u << p->depth) - 1);
    const uint32_t raw = pictures_value(x, y, 0, p->depth);
    bool is_key = true;
    v[3] = max;
    if (p->type == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[256];
        pictures_palette(p->grey_palette, palette);
        v[0] = palette[raw].red, v[1] = palette[raw].green, v[2] = palette[raw].blue;
        if (p->transparent) v[3] = (uint8_t)(31 * raw);
        return;
    }
    const int colours = p->type & PNG_COLOR_MASK_COLOR ? 3 : 1;
    for (int k = 0; k < 3; k++) {
        const int channel = colours == 3 ? k : 0;
        v[k] = pictures_value(x, y, channel, p->depth) * scale;
        is_key = is_key &&
                 pictures_value(x, y, channel, p->depth) == pictures_value(1, 1, channel, p->depth);
    }
    if (p->type & PNG_COLOR_MASK_ALPHA)
        v[3] = pictures_value(x, y, colours, p->depth) * scale;
    else if (p->transparent && is_key)
        v[3] = 0;
}

static void check_png(fixture *f, const pictures_png *p) {
    const char *path = pictures_path(f->folder, "kind.png");
    pictures_png_write(path, p);
    const bool alpha = p->transparent || (p->type & PNG_COLOR_MASK_ALPHA);
    const bool colour = p->type & PNG_COLOR_MASK_COLOR;
    const uint32_t max = p->depth == 16 ? 65535 : 255;
    for (int mode = TERN_ALPHA_WHITE; mode <= TERN_ALPHA_KEEP; mode++) {
        tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
        o.alpha = (tern_alpha)mode;
        tern_image image, header;
        check_ok(f->c, tern_image_load(&image, f->c, path, &o));
        check_ok(f->c, tern_image_probe(&header, f->c, path, &o));
        const int channels = (colour ? 3 : 1) + (alpha && mode == TERN_ALPHA_KEEP);
        assert_int_equal(image.width, p->width);
        assert_int_equal(image.height, p->height);
        assert_int_equal(image.channels, channels);
        assert_int_equal(image.bits, p->depth == 16 ? 16 : 8);
        assert_null(image.palette);
        assert_null(header.data);
        assert_int_equal(header.width, image.width);
        assert_int_equal(header.height, image.height);
        assert_int_equal(header.channels, channels);
        assert_int_equal(header.bits, image.bits);
        for (int y = 0; y < p->height; y++)
            for (int x = 0; x < p->width; x++) {
                uint32_t v[4];
                expected_pixel(p, x, y, v);
                for (int k = 0; k < (colour ? 3 : 1); k++) {
                    const uint32_t expected =
                        mode == TERN_ALPHA_WHITE ? pictures_on_white(v[k], v[3], max) : v[k];
                    if (pictures_at(&image, x, y, k) != expected)
                        fail_msg("type %d, %d bits, alpha %d: (%d, %d) channel %d is %u, not %u",
                                 p->type, p->depth, mode, x, y, k, pictures_at(&image, x, y, k),
                                 expected);
                }
                if (alpha && mode == TERN_ALPHA_KEEP)
                    assert_int_equal(pictures_at(&image, x, y, channels - 1), v[3]);
            }
        tern_image_free(&image);
        assert_null(image.data);
    }
}

static void png_of_every_kind(void **state) {
    static const struct {
        int type, depths[6];
    } kinds[] = {{PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16, 0}},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16, 0}},
                 {PNG_COLOR_TYPE_RGB, {8, 16, 0}},
                 {PNG_COLOR_TYPE_RGBA, {8, 16, 0}},
                 {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8, 0}}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (const int *depth = kinds[i].depths; *depth; depth++)
            for (int variant = 0; variant < 4; variant++) {
                pictures_png p = {13, 7, kinds[i].type, *depth, variant & 1, variant & 2, false};
                if (p.transparent && (p.type & PNG_COLOR_MASK_ALPHA)) continue;
                check_png(*state, &p);
            }
}

static void palettes_are_kept(void **state) {
    fixture *f = *state;
    const pictures_png p = {9, 5, PNG_COLOR_TYPE_PALETTE, 4, false, true, false};
    const char *path = pictures_path(f->folder, "numbers.png");
    pictures_png_write(path, &p);
    tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
    o.keep_palette = true;
    o.channels = 3;
    tern_image image, again, header;
    check_ok(f->c, tern_image_load(&image, f->c, path, &o));
    check_ok(f->c, tern_image_probe(&header, f->c, path, &o));
    assert_int_equal(header.colours, 16);
    assert_int_equal(image.channels, 1);
    assert_int_equal(image.colours, 16);
    png_color palette[256];
    pictures_palette(false, palette);
    for (int i = 0; i < 16; i++) {
        assert_int_equal(image.palette[3 * i], palette[i].red);
        assert_int_equal(image.palette[3 * i + 1], palette[i].green);
        assert_int_equal(image.palette[3 * i + 2], palette[i].blue);
    }
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 9; x++)
            assert_int_equal(pictures_at(&image, x, y, 0), pictures_value(x, y, 0, 4));
    /* Saved and read again they are the same; as grey they are looked up. */
    check_ok(f->c, tern_image_save(&image, path, 0));
    check_ok(f->c, tern_image_load(&again, f->c, path, &o));
    pictures_check_equal(&again, &image);
    assert_int_equal(again.colours, 16);
    assert_memory_equal(again.palette, image.palette, 48);
    tern_image_free(&again);
    check_ok(f->c, tern_image_convert(&again, &image, 1, 16));
    const png_color *at = &palette[pictures_value(2, 3, 0, 4)];
    const double grey = 0.299 * at->red + 0.587 * at->green + 0.114 * at->blue;
    assert_int_equal(pictures_at(&again, 2, 3, 0), 257 * (int)floor(grey + 0.5));
    tern_image_free(&again);
    check_error(f->c, TERN_ERR_ARGUMENT, "use nearest",
                tern_image_resize(&again, &image, 3, 3, TERN_FILTER_BILINEAR, false));
    tern_image_free(&image);
}

static void png_and_pnm_come_back(void **state) {
    fixture *f = *state;
    tern_image_options keep = TERN_IMAGE_OPTIONS_INIT;
    keep.alpha = TERN_ALPHA_KEEP;
    static const int sizes[][2] = {{1, 1}, {17, 9}, {30000, 3}, {3, 30000}};
    for (size_t s = 0; s < 4; s++)
        for (int channels = 1; channels <= 4; channels++)
            for (int bits = 8; bits <= 16; bits += 8) {
                tern_image image = pictures_make(f->c, sizes[s][0], sizes[s][1], channels, bits),
                           again;
                const char *path = pictures_path(f->folder, "a.png");
                check_ok(f->c, tern_image_save(&image, path, 0));
                check_ok(f->c, tern_image_load(&again, f->c, path, &keep));
                pictures_check_equal(&again, &image);
                tern_image_free(&again);
                path = pictures_path(f->folder, channels > 2 ? "a.ppm" : "a.pgm");
                check_ok(f->c, tern_image_save(&image, path, 0));
                check_ok(f->c, tern_image_load(&again, f->c, path, NULL));
                if (channels % 2) pictures_check_equal(&again, &image);
                assert_int_equal(again.channels, channels > 2 ? 3 : 1);
                tern_image_free(&again);
                tern_image_free(&image);
            }
}

static void png_that_is_wrong(void **state) {
    fixture *f = *state;
    const char *path = pictures_path(f->folder, "whole.png");
    tern_image image = pictures_make(f->c, 40, 30, 3, 8), read;
    check_ok(f->c, tern_image_save(&image, path, 0));
    tern_image_free(&image);
    size_t size;
    uint8_t *bytes = pictures_read(path, &size);
    for (size_t cut = 0; cut < size; cut++) {
        const tern_status st = tern_image_load_memory(&read, f->c, "cut.png", bytes, cut, NULL);
        assert_int_equal(st, TERN_ERR_FORMAT);
        assert_null(read.data);
        assert_non_null(strstr(tern_context_message(f->c), "cut.png: "));
    }
    bytes[size / 2] ^= 1;
    check_error(f->c, TERN_ERR_FORMAT, "damaged",
                tern_image_load_memory(&read, f->c, "bad.png", bytes, size, NULL));
    free(bytes);
    check_error(f->c, TERN_ERR_FORMAT, "it is empty",
                tern_image_load_memory(&read, f->c, "x", "", 0, NULL));
    check_error(f->c, TERN_ERR_FORMAT, "no PNG, JPEG or PNM",
                tern_image_load_memory(&read, f->c, "x", "GIF89a....", 10, NULL));
    check_error(f->c, TERN_ERR_IO, "absent.png",
                tern_image_load(&read, f->c, pictures_path(f->folder, "absent.png"), NULL));
}

/* A PNG file of just these sizes and a little data; the checksum of the header is computed. */
static size_t bomb(uint8_t bytes[64], uint32_t width, uint32_t height) {
    static const uint8_t start[] = {0x89, 'P', 'N', 'G', 13,  10,  26,  10,
                                    0,    0,   0,   13,  'I', 'H', 'D', 'R'};
    memcpy(bytes, start, sizeof start);
    const uint8_t rest[] = {(uint8_t)(width >> 24),
                            (uint8_t)(width >> 16),
                            (uint8_t)(width >> 8),
                            (uint8_t)width,
                            (uint8_t)(height >> 24),
                            (uint8_t)(height >> 16),
                            (uint8_t)(height >> 8),
                            (uint8_t)height,
                            8,
                            2,
                            0,
                            0,
                            0};
    memcpy(bytes + 16, rest, sizeof rest);
    uint32_t crc = 0xffffffff;
    for (int i = 12; i < 29; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++) bytes[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    memcpy(bytes + 33, "\0\0\0\0IDAT\x35\xaf\x06\x1e", 12);
    return 45;
}

static void large_claims_are_refused(void **state) {
    fixture *f = *state;
    uint8_t bytes[64];
    tern_image read;
    tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
    size_t size = bomb(bytes, 60000, 60000);
    check_error(f->c, TERN_ERR_LIMIT, "60000 x 60000 pixels are more than the 67108864",
                tern_image_load_memory(&read, f->c, "bomb", bytes, size, NULL));
    size = bomb(bytes, 70000, 1);
    check_error(f->c, TERN_ERR_LIMIT, "at most 65535",
                tern_image_load_memory(&read, f->c, "bomb", bytes, size, NULL));
    size = bomb(bytes, 8000, 8000);
    check_error(f->c, TERN_ERR_FORMAT, "45 bytes cannot hold 8000 x 8000",
                tern_image_load_memory(&read, f->c, "bomb", bytes, size, NULL));
    o.max_pixels = 63999999;
    check_error(f->c, TERN_ERR_LIMIT, "63999999",
                tern_image_load_memory(&read, f->c, "bomb", bytes, size, &o));
    o.max_pixels = -1;
    check_error(f->c, TERN_ERR_ARGUMENT, "pixels",
                tern_image_load_memory(&read, f->c, "bomb", bytes, size, &o));
    o = (tern_image_options){.size = sizeof o, .channels = 2};
    check_error(f->c, TERN_ERR_ARGUMENT, "2 channels",
                tern_image_load_memory(&read, f->c, "bomb", bytes, size, &o));
    o = (tern_image_options){.size = 3};
    check_error(f->c, TERN_ERR_ARGUMENT, "TERN_IMAGE_OPTIONS_INIT",
                tern_image_load_memory(&read, f->c, "bomb", bytes, size, &o));
    check_error(f->c, TERN_ERR_LIMIT, "65536 x 1", tern_image_create(&read, f->c, 65536, 1, 1, 8));
    check_error(f->c, TERN_ERR_ARGUMENT, "5 channels", tern_image_create(&read, f->c, 1, 1, 5, 8));
}

/* ---- PNM ---- */

static void check_text(fixture *f, const char *text, size_t size, int width, int height,
                       int channels, int bits, const uint32_t *expected) {
    tern_image image;
    check_ok(f->c, tern_image_load_memory(&image, f->c, "text", text, size, NULL));
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    assert_int_equal(image.channels, channels);
    assert_int_equal(image.bits, bits);
    for (int i = 0; i < width * height * channels; i++)
        assert_int_equal(bits == 8 ? ((uint8_t *)image.data)[i] : ((uint16_t *)image.data)[i],
                         expected[i]);
    tern_image_free(&image);
}
#define CHECK_TEXT(text, width, height, channels, bits, ...)                                       \
    check_text(*state, text, sizeof(text) - 1, width, height, channels, bits,                      \
               (const uint32_t[]){__VA_ARGS__})

static void pnm_of_every_kind(void **state) {
    CHECK_TEXT("P1\n# a comment\n3 2\n101\n0 1\t0\n", 3, 2, 1, 8, 0, 255, 0, 255, 0, 255);
    CHECK_TEXT("P2 # maximum 15\n2 2 15 0 15 1 # here too\n8", 2, 2, 1, 8, 0, 255, 17, 136);
    CHECK_TEXT("P2 2 1 1000 1000 500", 2, 1, 1, 16, 65535, 32768);
    CHECK_TEXT("P3\n1 2\n255\n1 2 3\n4 5 6\n", 1, 2, 3, 8, 1, 2, 3, 4, 5, 6);
    CHECK_TEXT("P4 10 2\n\xaa\x80\x55\x40", 10, 2, 1, 8, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255,
               255, 0, 255, 0, 255, 0, 255, 0, 255, 0);
    CHECK_TEXT("P5\n2 2\n255\n\x00\x7f\x80\xff", 2, 2, 1, 8, 0, 127, 128, 255);
    CHECK_TEXT("P5 2 1 65535 \x12\x34\xff\xfe", 2, 1, 1, 16, 0x1234, 0xfffe);
    CHECK_TEXT("P6 1 1 3\n\x00\x01\x03", 1, 1, 3, 8, 0, 85, 255);
    CHECK_TEXT("P6 1 1 300\n\x00\x00\x01\x2c\x00\x96", 1, 1, 3, 16, 0, 65535, 32768);
}

static void pnm_that_is_wrong(void **state) {
    fixture *f = *state;
    static const struct {
        const char *text, *says;
    } wrong[] = {{"P5 2 2 255\n123", "ends early"},
                 {"P5 2 2 255", "ends early"},
                 {"P5 2 2 255x123", "no white space"},
                 {"P2 2 2 255 1 2 3", "ends early"},
                 {"P2 2 2 255 1 2 3 a", "is not a number"},
                 {"P2 2 2 7 1 2 3 8", "above the largest value 7"},
                 {"P1 2 2 0 1 2 0", "not 0 or 1"},
                 {"P2 0 2 7 1", "which is no picture"},
                 {"P2 2 2 0 1 2 3 4", "largest value of a PNM picture is 0"},
                 {"P2 2 2 65536 1 2 3 4", "above 65535"},
                 {"P5 8000 8000 255\n1", "ends early"},
                 {"P2 1 1 99999999999999999999 1", "above 65535"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tern_image image;
        check_error(f->c, TERN_ERR_FORMAT, wrong[i].says,
                    tern_image_load_memory(&image, f->c, "wrong.pgm", wrong[i].text,
                                           strlen(wrong[i].text), NULL));
        assert_null(image.data);
    }
    tern_image image;
    check_error(f->c, TERN_ERR_LIMIT, "65535",
                tern_image_load_memory(&image, f->c, "x", "P5 99999 1 255 1", 16, NULL));
}

/* ---- JPEG ---- */

/* Four quarters of different colours, the upper left one smaller than the others. */
static tern_image quarters(tern_context *c) {
    static const uint8_t colours[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0}};
    tern_image image;
    check_ok(c, tern_image_create(&image, c, 48, 32, 3, 8));
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 48; x++)
            memcpy((uint8_t *)image.data + 3 * (48 * y + x), colours[(x >= 16) + 2 * (y >= 8)], 3);
    return image;
}

/* 'R', 'G', 'B', 'Y' for the colours above. */
static char letter(const tern_image *image, int x, int y) {
    const uint32_t r = pictures_at(image, x, y, 0), g = pictures_at(image, x, y, 1);
    return pictures_at(image, x, y, 2) > 128 ? 'B' : r > 128 ? g > 128 ? 'Y' : 'R' : 'G';
}

/* The file with an EXIF block of this orientation behind its first marker. */
static uint8_t *with_orientation(const uint8_t *bytes, size_t size, int orientation, bool little,
                                 size_t *out_size) {
    uint8_t block[] = "\xff\xe1\0\x22"
                      "Exif\0\0"
                      "MM\0*\0\0\0\x08"
                      "\0\x01"
                      "\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
                      "\0\0\0\0";
    const size_t length = sizeof block - 1;
    if (little)
        memcpy(block + 10,
               "II*\0\x08\0\0\0"
               "\x01\0"
               "\x12\x01\x03\0\x01\0\0\0\x06\0\0\0",
               22);
    block[little ? 28 : 29] = (uint8_t)orientation;
    uint8_t *out = malloc(size + length);
    memcpy(out, bytes, 2);
    memcpy(out + 2, block, length);
    memcpy(out + 2 + length, bytes + 2, size - 2);
    *out_size = size + length;
    return out;
}

static void jpeg_is_turned_upright(void **state) {
    fixture *f = *state;
    /* The colours of the corners, row by row, after turning; and where the small quarter is. */
    static const char *const corners[9] = {"",     "RGBY", "GRYB", "YBGR", "BYRG",
                                           "RBGY", "BRYG", "YGBR", "GYRB"};
    const char *path = pictures_path(f->folder, "quarters.jpg");
    tern_image image = quarters(f->c), read, header;
    check_ok(f->c, tern_image_save(&image, path, 100));
    tern_image_free(&image);
    size_t size, turned_size;
    uint8_t *bytes = pictures_read(path, &size);
    for (int i = 1; i <= 8; i++)
        for (int little = 0; little < 2; little++) {
            uint8_t *turned = with_orientation(bytes, size, i, little, &turned_size);
            check_ok(f->c, tern_image_load_memory(&read, f->c, "x", turned, turned_size, NULL));
            const int w = i > 4 ? 32 : 48, h = i > 4 ? 48 : 32;
            assert_int_equal(read.width, w);
            assert_int_equal(read.height, h);
            const char found[] = {letter(&read, 2, 2), letter(&read, w - 3, 2),
                                  letter(&read, 2, h - 3), letter(&read, w - 3, h - 3), 0};
            assert_string_equal(found, corners[i]);
            const char middle = letter(&read, w / 2, h / 2);
            assert_int_equal(middle, 'Y');
            tern_image_free(&read);
            path = pictures_path(f->folder, "turned.jpg");
            pictures_write(path, turned, turned_size);
            check_ok(f->c, tern_image_probe(&header, f->c, path, NULL));
            assert_int_equal(header.width, w);
            tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
            o.ignore_orientation = true;
            check_ok(f->c, tern_image_load(&read, f->c, path, &o));
            assert_int_equal(read.width, 48);
            tern_image_free(&read);
            free(turned);
        }
    free(bytes);
}

/* A smooth picture, which JPEG keeps well. */
static tern_image smooth(tern_context *c, int width, int height, int channels) {
    tern_image image;
    check_ok(c, tern_image_create(&image, c, width, height, channels, 8));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int k = 0; k < channels; k++)
                ((uint8_t *)image.data)[(y * width + x) * channels + k] =
                    (uint8_t)(128 + 60 * sin(x * 0.1 + k) + 60 * cos(y * 0.07 - k));
    return image;
}

static void check_near(const tern_image *a, const tern_image *b, int most) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->channels, b->channels);
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            for (int k = 0; k < a->channels; k++)
                if (abs((int)pictures_at(a, x, y, k) - (int)pictures_at(b, x, y, k)) > most)
                    fail_msg("(%d, %d) channel %d is %u, not %u", x, y, k, pictures_at(a, x, y, k),
                             pictures_at(b, x, y, k));
}

static void jpeg_of_every_kind(void **state) {
    fixture *f = *state;
    static const int sizes[][2] = {{1, 1}, {61, 47}, {30000, 3}};
    tern_image image, read, grey;
    for (size_t s = 0; s < 3; s++)
        for (int channels = 1; channels <= 3; channels += 2) {
            image = smooth(f->c, sizes[s][0], sizes[s][1], channels);
            const char *path = pictures_path(f->folder, "a.jpeg");
            check_ok(f->c, tern_image_save(&image, path, 100));
            check_ok(f->c, tern_image_load(&read, f->c, path, NULL));
            check_near(&read, &image, 4);
            if (channels == 3) { /* grey is made of the colours, wherever that is done */
                tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
                tern_image direct;
                o.channels = 1;
                o.bits = 16;
                check_ok(f->c, tern_image_convert(&grey, &read, 1, 16));
                check_ok(f->c, tern_image_load(&direct, f->c, path, &o));
                pictures_check_equal(&direct, &grey);
                tern_image_free(&direct);
                tern_image_free(&grey);
            }
            tern_image_free(&read);
            tern_image_free(&image);
        }
    /* CMYK, as Adobe stores it: 255 is no ink. */
    uint8_t cmyk[32 * 32 * 4], *jpeg = NULL;
    unsigned long jpeg_size = 0;
    for (int i = 0; i < 32 * 32; i++)
        memcpy(cmyk + 4 * i, (const uint8_t[]){200, 100, 50, (uint8_t)(i % 32 < 16 ? 255 : 128)},
               4);
    tjhandle handle = tjInitCompress();
    assert_int_equal(
        tjCompress2(handle, cmyk, 32, 0, 32, TJPF_CMYK, &jpeg, &jpeg_size, TJSAMP_444, 100, 0), 0);
    check_ok(f->c, tern_image_load_memory(&read, f->c, "cmyk.jpg", jpeg, jpeg_size, NULL));
    assert_int_equal(read.channels, 3);
    const int expected[2][3] = {{200, 100, 50}, {100, 50, 25}};
    for (int k = 0; k < 3; k++) {
        check_close(pictures_at(&read, 4, 9, k), expected[0][k], 3, 0);
        check_close(pictures_at(&read, 28, 9, k), expected[1][k], 3, 0);
    }
    tern_image_free(&read);
    /* Progressive. */
    image = smooth(f->c, 50, 40, 3);
    assert_int_equal(tjCompress2(handle, image.data, 50, 0, 40, TJPF_RGB, &jpeg, &jpeg_size,
                                 TJSAMP_444, 100, TJFLAG_PROGRESSIVE),
                     0);
    check_ok(f->c, tern_image_load_memory(&read, f->c, "progressive.jpg", jpeg, jpeg_size, NULL));
    check_near(&read, &image, 4);
    tern_image_free(&read);
    tern_image_free(&image);
    tjFree(jpeg);
    tjDestroy(handle);
}

static void jpeg_that_is_wrong(void **state) {
    fixture *f = *state;
    const char *path = pictures_path(f->folder, "whole.jpg");
    tern_image image = smooth(f->c, 64, 48, 3), read;
    check_ok(f->c, tern_image_save(&image, path, 90));
    size_t size;
    uint8_t *bytes = pictures_read(path, &size);
    for (size_t cut = 3; cut + 2 < size; cut++) { /* the last two bytes are the end marker */
        const tern_status st = tern_image_load_memory(&read, f->c, "cut.jpg", bytes, cut, NULL);
        assert_int_equal(st, TERN_ERR_FORMAT);
        assert_null(read.data);
    }
    check_error(f->c, TERN_ERR_FORMAT, "damaged or ends early",
                tern_image_load_memory(&read, f->c, "cut.jpg", bytes, size - 100, NULL));
    /* Bytes between the markers harm nothing. */
    uint8_t *longer = malloc(size + 3);
    memcpy(longer, bytes, size - 2);
    memcpy(longer + size - 2, "abc\xff\xd9", 5);
    check_ok(f->c, tern_image_load_memory(&read, f->c, "longer.jpg", longer, size + 3, NULL));
    check_near(&read, &image, 12);
    tern_image_free(&read);
    /* Its size, in the frame header, is checked before memory is taken. */
    for (size_t i = 2; i + 9 < size; i++)
        if (bytes[i] == 0xff && bytes[i + 1] == 0xc0) memset(bytes + i + 5, 0xf0, 4);
    check_error(f->c, TERN_ERR_LIMIT, "61680 x 61680",
                tern_image_load_memory(&read, f->c, "bomb.jpg", bytes, size, NULL));
    free(longer);
    free(bytes);
    tern_image_free(&image);
    image = pictures_make(f->c, 4, 4, 4, 16);
    check_ok(f->c, tern_image_save(&image, path, 0)); /* laid on white, rounded */
    check_error(f->c, TERN_ERR_ARGUMENT, "quality 101", tern_image_save(&image, path, 101));
    check_error(f->c, TERN_ERR_ARGUMENT, "name it .ppm",
                tern_image_save(&image, pictures_path(f->folder, "a.pgm"), 0));
    check_error(f->c, TERN_ERR_ARGUMENT, "a.bmp: pictures are written as",
                tern_image_save(&image, pictures_path(f->folder, "a.bmp"), 0));
    check_error(f->c, TERN_ERR_IO, "absent",
                tern_image_save(&image, pictures_path(f->folder, "absent/a.png"), 0));
    tern_image_free(&image);
}

/* ---- everything else ---- */

static void standard_input(void **state) {
    fixture *f = *state;
    const char *path = pictures_path(f->folder, "in.ppm");
    tern_image image = pictures_make(f->c, 20, 10, 3, 8), read;
    check_ok(f->c, tern_image_save(&image, path, 0));
    const int old = dup(0), file = open(path, O_RDONLY);
    assert_true(old >= 0 && file >= 0 && dup2(file, 0) == 0);
    const tern_status st = tern_image_load(&read, f->c, "-", NULL);
    dup2(old, 0);
    close(old);
    close(file);
    check_ok(f->c, st);
    pictures_check_equal(&read, &image);
    tern_image_free(&read);
    tern_image_free(&image);
}

typedef struct bytes_of {
    const char *name;
    uint8_t *bytes;
    size_t size;
} bytes_of;

static tern_status load_and_save(tern_context *c, void *argument) {
    const bytes_of *b = argument;
    tern_image image;
    tern_status st = tern_image_load_memory(&image, c, b->name, b->bytes, b->size, NULL);
    if (st == TERN_OK) st = tern_image_save(&image, b->name, 0);
    tern_image_free(&image);
    return st;
}

static void memory_that_runs_out(void **state) {
    fixture *f = *state;
    static const char *const names_of[] = {"s.png", "s.jpg", "s.ppm"};
    tern_image image = smooth(f->c, 20, 10, 3);
    for (int i = 0; i < 3; i++) {
        bytes_of b = {pictures_path(f->folder, names_of[i]), NULL, 0};
        check_ok(f->c, tern_image_save(&image, b.name, 0));
        b.bytes = pictures_read(b.name, &b.size);
        pictures_starve(load_and_save, &b);
        free(b.bytes);
    }
    tern_image_free(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_of_every_kind),        cmocka_unit_test(palettes_are_kept),
        cmocka_unit_test(png_and_pnm_come_back),    cmocka_unit_test(png_that_is_wrong),
        cmocka_unit_test(large_claims_are_refused), cmocka_unit_test(pnm_of_every_kind),
        cmocka_unit_test(pnm_that_is_wrong),        cmocka_unit_test(jpeg_is_turned_upright),
        cmocka_unit_test(jpeg_of_every_kind),       cmocka_unit_test(jpeg_that_is_wrong),
        cmocka_unit_test(standard_input),           cmocka_unit_test(memory_that_runs_out)};
    return cmocka_run_group_tests(tests, pictures_set_up, pictures_tear_down);
}
