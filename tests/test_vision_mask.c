/* Masks: reading every coding, pictures and arrays of them, overlays, run lengths, polygons and
 * COCO; small cases by hand, larger ones there and back. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

#include "core/base/npy.h"
#include <tern/vision_mask.h>

#include <jansson.h>

typedef pictures_fixture fixture;

/* A mask from rows of digits; '.' is 0, '-' does not count. */
static tern_mask draw(tern_context *c, int width, int height, int classes, const char *text) {
    tern_mask mask;
    check_ok(c, tern_mask_create(&mask, c, width, height, classes, 0));
    for (int i = 0; i < width * height; i++)
        mask.labels[i] = text[i] == '.' ? 0 : text[i] == '-' ? 255 : (uint8_t)(text[i] - '0');
    return mask;
}

/* A mask of blobs, holes and single pixels. */
static tern_mask random_mask(tern_context *c, int width, int height, int classes, int seed) {
    tern_mask mask;
    check_ok(c, tern_mask_create(&mask, c, width, height, classes, 0));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const int coarse = (int)pictures_value(x / 3, y / 3, seed, 8);
            const int fine = (int)pictures_value(x, y, seed + 77, 8);
            mask.labels[y * width + x] = (uint8_t)((fine < 60 ? fine : coarse) % classes);
        }
    return mask;
}

static void check_same(const tern_mask *a, const tern_mask *b) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->classes, b->classes);
    assert_memory_equal(a->labels, b->labels, (size_t)a->width * (size_t)a->height);
}

/* ---- reading and writing ---- */

static void load_grey(fixture *f, const uint8_t *values, int bits, tern_mask_coding coding,
                      int classes, int expected_classes, const char *expected) {
    tern_image image;
    const char *path = pictures_path(f->folder, "mask.png");
    check_ok(f->c, tern_image_create(&image, f->c, 4, 1, 1, bits));
    for (int i = 0; i < 4; i++)
        if (bits == 8)
            ((uint8_t *)image.data)[i] = values[i];
        else
            ((uint16_t *)image.data)[i] = values[i];
    check_ok(f->c, tern_image_save(&image, path, 0));
    tern_image_free(&image);
    tern_mask mask;
    check_ok(f->c, tern_mask_load(&mask, f->c, path, coding, classes));
    tern_mask wanted = draw(f->c, 4, 1, expected_classes, expected);
    check_same(&mask, &wanted);
    tern_mask_free(&mask);
    tern_mask_free(&wanted);
}
#define VALUES(...) ((const uint8_t[]){__VA_ARGS__})

static void codings(void **state) {
    fixture *f = *state;
    load_grey(f, VALUES(0, 255, 0, 255), 8, TERN_MASK_AUTO, 0, 2, ".1.1");
    load_grey(f, VALUES(0, 1, 1, 0), 8, TERN_MASK_AUTO, 0, 2, ".11.");
    load_grey(f, VALUES(0, 1, 1, 255), 8, TERN_MASK_AUTO, 0, 2, ".11-");
    load_grey(f, VALUES(3, 128, 127, 250), 8, TERN_MASK_AUTO, 0, 2, ".1.1");
    load_grey(f, VALUES(0, 3, 5, 255), 8, TERN_MASK_AUTO, 0, 6, ".35-");
    load_grey(f, VALUES(0, 3, 5, 255), 8, TERN_MASK_BINARY, 0, 2, "...1");
    load_grey(f, VALUES(0, 0, 0, 0), 8, TERN_MASK_AUTO, 0, 2, "....");
    load_grey(f, VALUES(255, 255, 255, 255), 8, TERN_MASK_AUTO, 0, 2, "1111");
    load_grey(f, VALUES(0, 2, 7, 1), 16, TERN_MASK_AUTO, 9, 9, ".271");
    load_grey(f, VALUES(0, 70, 90, 1), 8, TERN_MASK_NUMBERS, 0, 91, "\x30\x76\x8a\x31");
    tern_mask mask;
    const char *path = pictures_path(f->folder, "mask.png");
    check_error(f->c, TERN_ERR_FORMAT, "the value 70 in column 1, row 0; the classes are 0 to 2",
                tern_mask_load(&mask, f->c, path, TERN_MASK_NUMBERS, 3));
    assert_null(mask.labels);
    /* Palettes: of colours their numbers, of greys the greys. */
    pictures_png p = {9, 4, PNG_COLOR_TYPE_PALETTE, 2, false, false, false};
    pictures_png_write(path, &p);
    check_ok(f->c, tern_mask_load(&mask, f->c, path, TERN_MASK_AUTO, 0));
    assert_int_equal(mask.classes, 4);
    for (int i = 0; i < 36; i++)
        assert_int_equal(mask.labels[i], pictures_value(i % 9, i / 9, 0, 2));
    tern_mask_free(&mask);
    p.depth = 8;
    p.grey_palette = true;
    pictures_png_write(path, &p);
    check_ok(f->c, tern_mask_load(&mask, f->c, path, TERN_MASK_AUTO, 0));
    assert_int_equal(mask.classes, 2);
    for (int i = 0; i < 36; i++)
        assert_int_equal(mask.labels[i], pictures_value(i % 9, i / 9, 0, 8) >= 128);
    tern_mask_free(&mask);
    /* True colours are no mask, unless asked for; greys in three channels are. */
    tern_image image;
    check_ok(f->c, tern_image_create(&image, f->c, 2, 2, 3, 8));
    memset((uint8_t *)image.data + 3, 255, 6);
    check_ok(f->c, tern_image_save(&image, path, 0));
    check_ok(f->c, tern_mask_load(&mask, f->c, path, TERN_MASK_AUTO, 0));
    assert_memory_equal(mask.labels, "\0\1\1\0", 4);
    tern_mask_free(&mask);
    ((uint8_t *)image.data)[10] = 200;
    check_ok(f->c, tern_image_save(&image, path, 0));
    check_error(f->c, TERN_ERR_FORMAT, "true colours (column 1, row 1)",
                tern_mask_load(&mask, f->c, path, TERN_MASK_AUTO, 0));
    check_ok(f->c, tern_mask_load(&mask, f->c, path, TERN_MASK_BINARY, 0));
    assert_memory_equal(mask.labels, "\0\1\1\0", 4);
    tern_mask_free(&mask);
    tern_image_free(&image);
}

static void there_and_back(void **state) {
    fixture *f = *state;
    static const int classes_of[] = {2, 3, 21, 255};
    for (int i = 0; i < 4; i++) {
        tern_mask mask = random_mask(f->c, 31, 17, classes_of[i], i), again;
        const char *path = pictures_path(f->folder, "back.png");
        check_ok(f->c, tern_mask_save(&mask, path));
        check_ok(f->c, tern_mask_load(&again, f->c, path, TERN_MASK_AUTO, classes_of[i]));
        check_same(&again, &mask);
        tern_mask_free(&again);
        mask.labels[5] = TERN_MASK_IGNORED;
        check_ok(f->c, tern_mask_save(&mask, path));
        if (classes_of[i] > 2) {
            check_ok(f->c, tern_mask_load(&again, f->c, path, TERN_MASK_AUTO, classes_of[i]));
            check_same(&again, &mask);
            tern_mask_free(&again);
        }
        tern__npy array;
        path = pictures_path(f->folder, "back.npy");
        check_ok(f->c, tern_mask_save(&mask, path));
        check_ok(f->c, tern__npy_read(&array, f->c, path, 1 << 20));
        assert_int_equal(array.rank, 2);
        assert_int_equal(array.dims[0], 17);
        assert_memory_equal(array.data, mask.labels, 31 * 17);
        tern__npy_free(&array, f->c);
        tern_mask_free(&mask);
    }
    tern_mask mask = draw(f->c, 2, 1, 3, "12");
    check_error(f->c, TERN_ERR_ARGUMENT, "masks are written as .png",
                tern_mask_save(&mask, pictures_path(f->folder, "a.jpg")));
    check_error(f->c, TERN_ERR_ARGUMENT, "no probabilities",
                tern_mask_save_probability(&mask, pictures_path(f->folder, "a.png")));
    tern_mask_free(&mask);
    check_error(f->c, TERN_ERR_ARGUMENT, "1 classes", tern_mask_create(&mask, f->c, 2, 2, 1, 0));
    check_error(f->c, TERN_ERR_ARGUMENT, "2 planes", tern_mask_create(&mask, f->c, 2, 2, 3, 2));
}

static void probabilities(void **state) {
    fixture *f = *state;
    tern_mask mask;
    check_ok(f->c, tern_mask_create(&mask, f->c, 3, 1, 2, 1));
    memcpy(mask.probability, (float[]){0.5f, 0.4999f, NAN}, 3 * sizeof(float));
    check_ok(f->c, tern_mask_threshold(&mask, 0.5));
    assert_memory_equal(mask.labels, "\1\0\0", 3);
    tern_image image;
    tern__npy array;
    const char *path = pictures_path(f->folder, "p.png");
    check_ok(f->c, tern_mask_save_probability(&mask, path));
    check_ok(f->c, tern_image_load(&image, f->c, path, NULL));
    assert_int_equal(image.bits, 16);
    assert_int_equal(pictures_at(&image, 0, 0, 0), 32768);
    assert_int_equal(pictures_at(&image, 2, 0, 0), 0);
    tern_image_free(&image);
    path = pictures_path(f->folder, "p.npy");
    check_ok(f->c, tern_mask_save_probability(&mask, path));
    check_ok(f->c, tern__npy_read(&array, f->c, path, 1 << 20));
    assert_int_equal(array.rank, 2);
    assert_int_equal(array.type, TERN__NPY_FLOAT32);
    assert_memory_equal(array.data, mask.probability, 3 * sizeof(float));
    tern__npy_free(&array, f->c);
    tern_mask_free(&mask);
    check_ok(f->c, tern_mask_create(&mask, f->c, 2, 2, 3, 3));
    memcpy(mask.probability, (float[]){.1f, .3f, .4f, .2f, .7f, .3f, .4f, .3f, .2f, .4f, .2f, .5f},
           12 * sizeof(float));
    mask.labels[3] = TERN_MASK_IGNORED;
    check_ok(f->c, tern_mask_threshold(&mask, 0.9));
    assert_memory_equal(mask.labels, "\1\2\0\xff", 4);
    check_ok(f->c, tern_mask_save_probability(&mask, path));
    check_ok(f->c, tern__npy_read(&array, f->c, path, 1 << 20));
    assert_int_equal(array.rank, 3);
    assert_int_equal(array.dims[0], 3);
    tern__npy_free(&array, f->c);
    tern_mask_free(&mask);
    mask = draw(f->c, 1, 1, 2, "1");
    check_error(f->c, TERN_ERR_ARGUMENT, "without probabilities", tern_mask_threshold(&mask, 0.5));
    tern_mask_free(&mask);
}

/* ---- overlay ---- */

static void overlays(void **state) {
    fixture *f = *state;
    tern_mask mask;
    tern_image image, out;
    check_ok(f->c, tern_mask_create(&mask, f->c, 60, 40, 2, 0));
    for (int y = 10; y < 30; y++) memset(mask.labels + y * 60 + 20, 1, 20);
    mask.labels[0] = TERN_MASK_IGNORED;
    check_ok(f->c, tern_image_create(&image, f->c, 60, 40, 3, 8));
    memset(image.data, 100, 60 * 40 * 3);
    const uint32_t colours[2] = {0, 0xff0000};
    tern_overlay_options o = TERN_OVERLAY_OPTIONS_INIT;
    o.opacity = 1;
    o.outline = 2;
    o.dim = 0;
    o.colours = colours;
    check_ok(f->c, tern_mask_overlay(&out, &image, &mask, &o));
    assert_int_equal(out.channels, 3);
    assert_int_equal(pictures_at(&out, 2, 2, 0), 100); /* far away: as it was */
    assert_int_equal(pictures_at(&out, 0, 0, 2), 100);
    assert_true(pictures_at(&out, 30, 20, 0) > 150); /* inside: red, darkened like the picture */
    assert_int_equal(pictures_at(&out, 30, 20, 1), 0);
    for (int x = 19; x <= 20; x++) /* the outline lies on both sides of the border */
        for (int k = 0; k < 3; k++) assert_true(pictures_at(&out, x, 20, k) > 230);
    assert_true(pictures_at(&out, 17, 20, 0) < 95); /* then the shadow */
    for (int y = 0; y < 40; y++)                    /* a symmetric mask looks symmetric */
        for (int x = 0; x < 30; x++)
            for (int k = 0; k < 3; k++) {
                assert_int_equal(pictures_at(&out, x, y, k), pictures_at(&out, 59 - x, y, k));
                assert_int_equal(pictures_at(&out, x, y, k), pictures_at(&out, x, 39 - y, k));
            }
    tern_image_free(&out);
    o.outline = 0;
    o.dim = 1;
    check_ok(f->c, tern_mask_overlay(&out, &image, &mask, &o));
    assert_int_equal(pictures_at(&out, 19, 20, 0), 50);
    assert_int_equal(pictures_at(&out, 20, 20, 1), 0);
    tern_image_free(&out);
    o.opacity = 1.5;
    check_error(f->c, TERN_ERR_ARGUMENT, "opacity 1.5", tern_mask_overlay(&out, &image, &mask, &o));
    mask.width = 59;
    check_error(f->c, TERN_ERR_SHAPE, "60 x 40 pixels, its mask 59 x 40",
                tern_mask_overlay(&out, &image, &mask, NULL));
    mask.width = 60;
    tern_mask_free(&mask);
    tern_image_free(&image);
}

/* ---- run lengths ---- */

static void kaggle_by_hand(void **state) {
    fixture *f = *state;
    tern_mask mask = draw(f->c, 4, 3, 2,
                          "1..1"
                          "1.11"
                          ".1.."),
              again;
    char *text;
    check_ok(f->c, tern_mask_rle(&text, &mask, 1));
    assert_string_equal(text, "1 2 6 1 8 1 10 2");
    tern_free(f->c, text);
    check_ok(f->c, tern_mask_rle(&text, &mask, 0));
    assert_string_equal(text, "3 3 7 1 9 1 12 1");
    tern_free(f->c, text);
    check_ok(f->c, tern_mask_create(&again, f->c, 4, 3, 2, 0));
    check_ok(f->c, tern_mask_set_rle(&again, 1, " 1 2 6 1\n8 1 10 2 "));
    check_same(&again, &mask);
    memset(again.labels, 0, 12);
    check_ok(f->c, tern_mask_rle(&text, &again, 1));
    assert_string_equal(text, "");
    tern_free(f->c, text);
    check_ok(f->c, tern_mask_set_rle(&again, 1, ""));
    static const char *const wrong[] = {"1",       "0 3",     "1 0",
                                        "1 13",    "13 1",    "5 2 6 1",
                                        "5 2 3 1", "1 2 x 1", "1 99999999999999999999",
                                        "1.5 2",   "-1 2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(tern_mask_set_rle(&again, 1, wrong[i]), TERN_ERR_FORMAT);
        for (int k = 0; k < 12; k++) assert_int_equal(again.labels[k], 0);
    }
    check_error(f->c, TERN_ERR_ARGUMENT, "label 2", tern_mask_rle(&text, &mask, 2));
    tern_mask_free(&again);
    tern_mask_free(&mask);
}

static void coco_counts(void **state) {
    fixture *f = *state;
    tern_mask mask = draw(f->c, 3, 2, 2,
                          "1.."
                          ".1."),
              again;
    uint32_t *counts;
    size_t n;
    check_ok(f->c, tern_mask_counts(&counts, &n, &mask, 1));
    assert_int_equal(n, 5);
    assert_memory_equal(counts, ((uint32_t[]){0, 1, 2, 1, 2}), 5 * sizeof *counts);
    tern_free(f->c, counts);
    check_ok(f->c, tern_mask_create(&again, f->c, 3, 2, 2, 0));
    check_error(f->c, TERN_ERR_FORMAT, "add up to 5 pixels; the mask has 6",
                tern_mask_set_counts(&again, 1, (uint32_t[]){0, 5}, 2));
    check_error(f->c, TERN_ERR_FORMAT, "at least",
                tern_mask_set_counts(&again, 1, (uint32_t[]){0, 4000000000u, 4000000000u}, 3));
    tern_mask_free(&again);
    tern_mask_free(&mask);
    /* COCO's own example of the string, and numbers of every size and sign. */
    char *text;
    const uint32_t example[] = {6, 1, 40, 4, 5, 4, 5, 4, 21};
    check_ok(f->c, tern_counts_text(&text, f->c, example, 9));
    assert_string_equal(text, "61X13mN000`0");
    tern_free(f->c, text);
    const uint32_t odd[] = {0, 4294967295u, 15, 16, 4294967295u, 0, 31, 32, 1, 1048576, 0, 17};
    check_ok(f->c, tern_counts_text(&text, f->c, odd, 12));
    check_ok(f->c, tern_counts_parse(&counts, &n, f->c, text));
    assert_int_equal(n, 12);
    assert_memory_equal(counts, odd, sizeof odd);
    tern_free(f->c, counts);
    tern_free(f->c, text);
    static const char *const wrong[] = {"X", "1X", "XXXXXXXX1", "1 2", "\x80", "~", "!", "111N"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_error(f->c, TERN_ERR_FORMAT, "damaged at character",
                    tern_counts_parse(&counts, &n, f->c, wrong[i]));
        assert_null(counts);
    }
}

static void runs_there_and_back(void **state) {
    fixture *f = *state;
    for (int seed = 0; seed < 10; seed++) {
        tern_mask mask = random_mask(f->c, 23, 1 + 7 * seed, 4, seed), by_pairs, by_counts;
        check_ok(f->c, tern_mask_create(&by_pairs, f->c, 23, mask.height, 4, 0));
        check_ok(f->c, tern_mask_create(&by_counts, f->c, 23, mask.height, 4, 0));
        for (int label = 1; label < 4; label++) {
            char *text;
            uint32_t *counts, *parsed;
            size_t n, n_parsed;
            check_ok(f->c, tern_mask_rle(&text, &mask, label));
            check_ok(f->c, tern_mask_set_rle(&by_pairs, label, text));
            tern_free(f->c, text);
            check_ok(f->c, tern_mask_counts(&counts, &n, &mask, label));
            check_ok(f->c, tern_counts_text(&text, f->c, counts, n));
            check_ok(f->c, tern_counts_parse(&parsed, &n_parsed, f->c, text));
            assert_int_equal(n_parsed, n);
            assert_memory_equal(parsed, counts, n * sizeof *counts);
            check_ok(f->c, tern_mask_set_counts(&by_counts, label, parsed, n));
            tern_free(f->c, text);
            tern_free(f->c, counts);
            tern_free(f->c, parsed);
        }
        check_same(&by_pairs, &mask);
        check_same(&by_counts, &mask);
        tern_mask_free(&mask);
        tern_mask_free(&by_pairs);
        tern_mask_free(&by_counts);
    }
}

/* ---- polygons ---- */

static void check_ring(const tern_polygons *p, size_t ring, bool hole, int object, size_t count,
                       const float *points) {
    assert_int_equal(p->rings[ring].hole, hole);
    assert_int_equal(p->rings[ring].object, object);
    assert_int_equal(p->rings[ring].count, count);
    for (size_t i = 0; i < 2 * count; i++) check_close(p->rings[ring].points[i], points[i], 0, 0);
}
#define RING(p, ring, hole, object, ...)                                                           \
    check_ring(p, ring, hole, object, sizeof((float[]){__VA_ARGS__}) / (2 * sizeof(float)),        \
               (float[]){__VA_ARGS__})

static void polygons_by_hand(void **state) {
    fixture *f = *state;
    tern_polygons p;
    char *text;
    tern_mask mask = draw(f->c, 7, 5, 3,
                          ".111..2"
                          ".1.1..2"
                          ".111..."
                          "....1.."
                          "1.....-");
    check_ok(f->c, tern_mask_polygons(&p, &mask, 0, 0, 0));
    assert_int_equal(p.n_objects, 3);
    assert_int_equal(p.n_rings, 4);
    RING(&p, 0, false, 0, 1, 0, 4, 0, 4, 3, 5, 3, 5, 4, 4, 4, 4, 3, 1, 3);
    RING(&p, 1, true, 0, 2, 2, 3, 2, 3, 1, 2, 1);
    RING(&p, 2, false, 1, 0, 4, 1, 4, 1, 5, 0, 5);
    RING(&p, 3, false, 2, 6, 0, 7, 0, 7, 2, 6, 2);
    const tern_object *o = p.objects;
    assert_int_equal(o[0].area, 9); /* the pixel at the corner belongs to it */
    assert_true(o[0].x == 1 && o[0].y == 0 && o[0].width == 4 && o[0].height == 4);
    assert_int_equal(o[0].n_rings, 2);
    assert_int_equal(o[2].label, 2);
    check_close(o[2].score, 1, 0, 0);
    const char *const names[] = {"cell", "edge"};
    check_ok(f->c, tern_polygons_text(&text, &p, names));
    assert_non_null(strstr(text, "{\"label\":\"cell\",\"area\":1,\"box\":[0,4,1,1],\"score\":1.0,"
                                 "\"rings\":[[[0,4],[1,4],[1,5],[0,5]]]},\n {\"label\":\"edge\""));
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json), 3);
    json_decref(json);
    tern_free(f->c, text);
    tern_polygons_free(&p);
    check_ok(f->c, tern_mask_polygons(&p, &mask, 1, 0, 2));
    assert_int_equal(p.n_objects, 1);
    tern_polygons_free(&p);
    memset(mask.labels, 0, 35);
    check_ok(f->c, tern_mask_polygons(&p, &mask, 0, 0, 0));
    assert_int_equal(p.n_objects, 0);
    check_ok(f->c, tern_polygons_text(&text, &p, NULL));
    assert_string_equal(text, "[]\n");
    tern_free(f->c, text);
    tern_polygons_free(&p);
    check_error(f->c, TERN_ERR_ARGUMENT, "label 3", tern_mask_polygons(&p, &mask, 3, 0, 0));
    check_error(f->c, TERN_ERR_ARGUMENT, "tolerance of -1",
                tern_mask_polygons(&p, &mask, 1, -1, 0));
    tern_mask_free(&mask);
}

static void polygons_there_and_back(void **state) {
    fixture *f = *state;
    for (int seed = 0; seed < 12; seed++) {
        tern_mask mask = random_mask(f->c, 41, 33, 3, seed), again;
        if (seed == 0) memset(mask.labels, 1, 41 * 33);
        tern_polygons p;
        check_ok(f->c, tern_mask_polygons(&p, &mask, 0, 0, 0));
        check_ok(f->c, tern_mask_create(&again, f->c, 41, 33, 3, 0));
        int64_t area = 0;
        for (size_t i = 0; i < p.n_objects; i++) {
            const tern_object *o = &p.objects[i];
            check_ok(f->c, tern_mask_fill(&again, o->label, p.rings + o->first_ring, o->n_rings));
            area += o->area;
            double twice =
                0; /* the rings' areas by the shoelace formula, holes running the other way */
            for (size_t r = o->first_ring; r < o->first_ring + o->n_rings; r++) {
                const tern_ring *ring = &p.rings[r];
                assert_int_equal(ring->hole, r > o->first_ring);
                for (size_t k = 0; k < ring->count; k++) {
                    const float *a = ring->points + 2 * k,
                                *b = ring->points + 2 * ((k + 1) % ring->count);
                    twice += (double)a[0] * (double)b[1] - (double)a[1] * (double)b[0];
                    assert_true((a[0] == b[0]) != (a[1] == b[1])); /* along rows or columns */
                }
            }
            check_close(twice / 2, (double)o->area, 0, 0);
        }
        check_same(&again, &mask);
        int64_t counted = 0;
        for (int i = 0; i < 41 * 33; i++) counted += mask.labels[i] > 0;
        assert_int_equal(area, counted);
        tern_polygons_free(&p);
        tern_mask_free(&again);
        tern_mask_free(&mask);
    }
}

static double distance_to_ring(const tern_ring *ring, double x, double y) {
    double best = 1e9;
    for (size_t k = 0; k < ring->count; k++) {
        const float *a = ring->points + 2 * k, *b = ring->points + 2 * ((k + 1) % ring->count);
        const double ax = (double)a[0], ay = (double)a[1];
        const double dx = (double)b[0] - ax, dy = (double)b[1] - ay;
        double t = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
        t = fmax(0, fmin(1, t));
        best = fmin(best, hypot(x - ax - t * dx, y - ay - t * dy));
    }
    return best;
}

static void straightening(void **state) {
    fixture *f = *state;
    tern_mask mask;
    check_ok(f->c, tern_mask_create(&mask, f->c, 200, 150, 2, 0));
    for (int y = 0; y < 150; y++)
        for (int x = 0; x < 200; x++) /* a slanting bar, and a disc with a hole */
            mask.labels[y * 200 + x] = (y > 10 && y < 40 && abs(3 * y - x) < 30) ||
                                       (hypot(x - 120, y - 90) < 45 && hypot(x - 110, y - 90) > 12);
    tern_polygons exact, p;
    check_ok(f->c, tern_mask_polygons(&exact, &mask, 1, 0, 0));
    size_t before = 0;
    for (size_t i = 0; i < exact.n_rings; i++) before += exact.rings[i].count;
    static const double tolerances[] = {0.8, 2, 5};
    for (int t = 0; t < 3; t++) {
        check_ok(f->c, tern_mask_polygons(&p, &mask, 1, tolerances[t], 0));
        assert_int_equal(p.n_rings, exact.n_rings);
        size_t after = 0;
        for (size_t i = 0; i < p.n_rings; i++) {
            assert_true(p.rings[i].count >= 3);
            after += p.rings[i].count;
            for (size_t k = 0; k < exact.rings[i].count; k++)
                assert_true(distance_to_ring(&p.rings[i], (double)exact.rings[i].points[2 * k],
                                             (double)exact.rings[i].points[2 * k + 1]) <=
                            tolerances[t] + 1e-4);
        }
        assert_true(after < before / (t + 2));
        tern_polygons_free(&p);
    }
    tern_polygons_free(&exact);
    /* A thin sliver stays a polygon. */
    memset(mask.labels, 0, 200 * 150);
    memset(mask.labels + 3 * 200 + 10, 1, 100);
    mask.labels[4 * 200 + 109] = 1;
    check_ok(f->c, tern_mask_polygons(&p, &mask, 1, 50, 0));
    assert_true(p.rings[0].count >= 3);
    tern_polygons_free(&p);
    tern_mask_free(&mask);
}

static void filling(void **state) {
    fixture *f = *state;
    tern_mask mask, wanted;
    check_ok(f->c, tern_mask_create(&mask, f->c, 8, 6, 3, 0));
    /* A triangle that reaches beyond the mask: pixels whose centres are above x + y = 5. */
    const float triangle[] = {-3, -3, 8, -3, -3, 8};
    const tern_ring ring = {.count = 3, .points = triangle};
    check_ok(f->c, tern_mask_fill(&mask, 2, &ring, 1));
    wanted = draw(f->c, 8, 6, 3,
                  "2222...."
                  "222....."
                  "22......"
                  "2......."
                  "........"
                  "........");
    check_same(&mask, &wanted);
    tern_mask_free(&wanted);
    tern_mask_free(&mask);
    check_ok(f->c, tern_mask_create(&mask, f->c, 8, 6, 3, 0));
    const float broken[] = {0, 0, 3, NAN, 1, 1};
    const tern_ring bad = {.count = 3, .points = broken};
    check_error(f->c, TERN_ERR_ARGUMENT, "point 1 of ring 0", tern_mask_fill(&mask, 1, &bad, 1));
    tern_mask_free(&mask);
}

/* ---- COCO files ---- */

static void coco_files(void **state) {
    fixture *f = *state;
    tern_coco *coco;
    const char *const names[] = {"cell", "nucleus"};
    check_ok(f->c, tern_coco_create(&coco, f->c, 3, names));
    tern_mask first = draw(f->c, 6, 5, 3,
                           "......"
                           ".111.."
                           ".1.1.2"
                           ".111.2"
                           "......");
    check_ok(f->c, tern_coco_add(coco, "a.png", &first, 0, 0));
    tern_mask second = draw(f->c, 2, 2, 3, "...1");
    check_ok(f->c, tern_coco_add(coco, "b.png", &second, 0, 0));
    check_error(f->c, TERN_ERR_ARGUMENT, "must be UTF-8",
                tern_coco_add(coco, "\xff.png", &second, 0, 0));
    const char *path = pictures_path(f->folder, "coco.json");
    check_ok(f->c, tern_coco_save(coco, path));
    tern_coco_free(coco);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "images")), 2);
    const char *name;
    int id, width, height, n = 0;
    json_t *annotations = json_object_get(root, "annotations");
    assert_int_equal(json_array_size(annotations), 3);
    assert_int_equal(json_unpack(root, "{s:[{s:i,s:s},{s:i,s:s}]}", "categories", "id", &id, "name",
                                 &name, "id", &n, "name", &name),
                     0);
    assert_int_equal(n, 2);
    assert_string_equal(name, "nucleus");
    /* The ring with its hole as runs, which give the object back. */
    json_t *object = json_array_get(annotations, 0);
    const char *runs;
    int area;
    assert_int_equal(json_unpack(object, "{s:i,s:{s:[i,i],s:s}}", "area", &area, "segmentation",
                                 "size", &height, &width, "counts", &runs),
                     0);
    assert_true(area == 8 && height == 5 && width == 6);
    tern_mask again;
    uint32_t *counts;
    size_t count;
    check_ok(f->c, tern_mask_create(&again, f->c, 6, 5, 3, 0));
    check_ok(f->c, tern_counts_parse(&counts, &count, f->c, runs));
    check_ok(f->c, tern_mask_set_counts(&again, 1, counts, count));
    tern_free(f->c, counts);
    again.labels[2 * 6 + 5] = again.labels[3 * 6 + 5] = 2;
    check_same(&again, &first);
    /* The bar as a polygon. */
    object = json_array_get(annotations, 1);
    int category, image, box[4], p[8];
    assert_int_equal(json_unpack(object, "{s:i,s:i,s:[i,i,i,i],s:[[i,i,i,i,i,i,i,i]]}",
                                 "category_id", &category, "image_id", &image, "bbox", box, box + 1,
                                 box + 2, box + 3, "segmentation", p, p + 1, p + 2, p + 3, p + 4,
                                 p + 5, p + 6, p + 7),
                     0);
    assert_true(category == 2 && image == 1);
    assert_memory_equal(box, ((int[]){5, 2, 1, 2}), sizeof box);
    assert_memory_equal(p, ((int[]){5, 2, 6, 2, 6, 4, 5, 4}), sizeof p);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(annotations, 2), "image_id")), 2);
    json_decref(root);
    tern_mask_free(&again);
    tern_mask_free(&first);
    tern_mask_free(&second);
}

/* ---- memory ---- */

static tern_status everything(tern_context *c, void *argument) {
    (void)argument;
    tern_mask mask, again = {0};
    tern_polygons p = {0};
    tern_image image = {0}, out = {0};
    char *text = NULL;
    tern_status st = tern_mask_create(&mask, c, 12, 9, 2, 1);
    if (st != TERN_OK) return st;
    for (int i = 0; i < 108; i++) mask.labels[i] = i % 5 == 0 || i % 7 == 1;
    st = tern_mask_polygons(&p, &mask, 0, 0.5, 0);
    if (st == TERN_OK) st = tern_polygons_text(&text, &p, NULL);
    tern_free(c, text);
    text = NULL;
    if (st == TERN_OK) st = tern_mask_create(&again, c, 12, 9, 2, 0);
    if (st == TERN_OK) st = tern_mask_fill(&again, 1, p.rings, p.n_rings);
    if (st == TERN_OK) st = tern_mask_rle(&text, &mask, 1);
    if (st == TERN_OK) st = tern_mask_set_rle(&again, 1, text);
    if (st == TERN_OK) st = tern_image_create(&image, c, 12, 9, 1, 8);
    if (st == TERN_OK) st = tern_mask_overlay(&out, &image, &mask, NULL);
    tern_free(c, text);
    tern_image_free(&out);
    tern_image_free(&image);
    tern_polygons_free(&p);
    tern_mask_free(&again);
    tern_mask_free(&mask);
    return st;
}

static void memory_that_runs_out(void **state) {
    (void)state;
    pictures_starve(everything, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(codings),
                                       cmocka_unit_test(there_and_back),
                                       cmocka_unit_test(probabilities),
                                       cmocka_unit_test(overlays),
                                       cmocka_unit_test(kaggle_by_hand),
                                       cmocka_unit_test(coco_counts),
                                       cmocka_unit_test(runs_there_and_back),
                                       cmocka_unit_test(polygons_by_hand),
                                       cmocka_unit_test(polygons_there_and_back),
                                       cmocka_unit_test(straightening),
                                       cmocka_unit_test(filling),
                                       cmocka_unit_test(coco_files),
                                       cmocka_unit_test(memory_that_runs_out)};
    return cmocka_run_group_tests(tests, pictures_set_up, pictures_tear_down);
}
