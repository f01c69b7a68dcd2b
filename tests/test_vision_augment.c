/* Augmentation: affine maps and displacements against a reference written here, what each part does
 * to a picture, that masks move with pictures, and settings as text. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

#include <tern/vision_augment.h>

static tern_context *c;

static int set_up(void **state) {
    (void)state;
    c = make_context(1);
    return 0;
}
static int tear_down(void **state) {
    (void)state;
    tern_context_free(c);
    return 0;
}

/* ---- maps ---- */

static void map_point(const tern_affine *map, double x, double y, double expected_x,
                      double expected_y) {
    const double *m = map->m;
    check_close(m[0] * x + m[1] * y + m[2], expected_x, 1e-12, 1e-12);
    check_close(m[3] * x + m[4] * y + m[5], expected_y, 1e-12, 1e-12);
}

static void maps(void **state) {
    (void)state;
    tern_affine map;
    /* In 11 x 7 the middle is (5, 3). What appears two right of it stood, before a quarter turn to
     * the left, two below it. */
    check_ok(c, tern_affine_make(&map, c, 11, 7, 90, 0, 1, 1, 0, 0));
    map_point(&map, 5, 3, 5, 3);
    map_point(&map, 7, 3, 5, 5);
    map_point(&map, 5, 1, 7, 3);
    check_ok(c, tern_affine_make(&map, c, 11, 7, 0, 0, 2, -0.5, 1, -2));
    map_point(&map, 6, 1, 5, 3);
    map_point(&map, 8, 2, 6, 1);
    check_ok(c, tern_affine_make(&map, c, 11, 7, 0, 45, 1, 1, 0, 0)); /* x moves by y */
    map_point(&map, 5 + 2, 3 + 2, 5, 5);
    /* All together: scaled, then sheared, then rotated, then shifted, forward. */
    check_ok(c, tern_affine_make(&map, c, 11, 7, 30, 20, 1.5, 0.7, 2, 3));
    const double x = 1.25, y = -0.5, pi = 3.14159265358979323846; /* from the middle */
    double fx = 1.5 * x, fy = 0.7 * y;
    fx += tan(20 * pi / 180) * fy;
    const double rx = cos(pi / 6) * fx + sin(pi / 6) * fy,
                 ry = -sin(pi / 6) * fx + cos(pi / 6) * fy;
    map_point(&map, 5 + rx + 2, 3 + ry + 3, 5 + x, 3 + y);
    check_error(c, TERN_ERR_ARGUMENT, "scales by 0",
                tern_affine_make(&map, c, 11, 7, 0, 0, 0, 1, 0, 0));
    check_error(c, TERN_ERR_ARGUMENT, "shears by 90",
                tern_affine_make(&map, c, 11, 7, 0, 90, 1, 1, 0, 0));
    check_error(c, TERN_ERR_ARGUMENT, "not all finite",
                tern_affine_make(&map, c, 11, 7, NAN, 0, 1, 1, 0, 0));
}

static int beyond(long i, int n, tern_border border) {
    if (i >= 0 && i < n) return (int)i;
    if (border == TERN_BORDER_CONSTANT) return -1;
    if (border == TERN_BORDER_EDGE) return i < 0 ? 0 : n - 1;
    if (border == TERN_BORDER_WRAP) return (int)(((i % n) + n) % n);
    if (n == 1) return 0;
    while (i < 0 || i >= n) i = i < 0 ? -i : 2L * (n - 1) - i;
    return (int)i;
}

static double value_at(const tern_image *in, long x, long y, int k, tern_border border) {
    const int column = beyond(x, in->width, border), row = beyond(y, in->height, border);
    return column < 0 || row < 0 ? 0 : pictures_at(in, column, row, k);
}

static void warping(void **state) {
    (void)state;
    const tern_affine map = {{0.9, -0.31, 2.17, 0.4, 1.23, -3.71}};
    float dx[12 * 10], dy[12 * 10];
    for (int i = 0; i < 120; i++) {
        dx[i] = (float)(3 * sin(i * 0.7));
        dy[i] = (float)(2 * cos(i * 1.1));
    }
    for (int border = TERN_BORDER_REFLECT; border <= TERN_BORDER_WRAP; border++)
        for (int channels = 1; channels <= 4; channels++)
            for (int bits = 8; bits <= 16; bits += 8)
                for (int moved = 0; moved < 2; moved++) {
                    const tern_border b = (tern_border)border;
                    tern_image in = pictures_make(c, 9, 8, channels, bits), out, nearest;
                    check_ok(c, tern_image_warp(&out, &in, 12, 10, &map, moved ? dx : NULL,
                                                moved ? dy : NULL, b, TERN_FILTER_BILINEAR));
                    check_ok(c, tern_image_warp(&nearest, &in, 12, 10, &map, moved ? dx : NULL,
                                                moved ? dy : NULL, b, TERN_FILTER_NEAREST));
                    for (int y = 0; y < 10; y++)
                        for (int x = 0; x < 12; x++) {
                            double px = 0.9 * x - 0.31 * y + 2.17, py = 0.4 * x + 1.23 * y - 3.71;
                            if (moved) px += (double)dx[y * 12 + x], py += (double)dy[y * 12 + x];
                            const long left = (long)floor(px), top = (long)floor(py);
                            const double wx = px - (double)left, wy = py - (double)top;
                            for (int k = 0; k < channels; k++) {
                                const double v =
                                    (1 - wy) * ((1 - wx) * value_at(&in, left, top, k, b) +
                                                wx * value_at(&in, left + 1, top, k, b)) +
                                    wy * ((1 - wx) * value_at(&in, left, top + 1, k, b) +
                                          wx * value_at(&in, left + 1, top + 1, k, b));
                                check_close(pictures_at(&out, x, y, k), v, bits == 8 ? 0.501 : 0.55,
                                            0);
                                assert_int_equal(
                                    pictures_at(&nearest, x, y, k),
                                    value_at(&in, left + (wx >= 0.5), top + (wy >= 0.5), k, b));
                            }
                        }
                    tern_image_free(&in);
                    tern_image_free(&out);
                    tern_image_free(&nearest);
                }
}

static void warps_that_are_turns(void **state) {
    (void)state;
    tern_image in = pictures_make(c, 9, 9, 3, 8), out, turned;
    tern_affine map;
    static const struct {
        double rotate, scale_x, scale_y;
        int orientation;
    } turns[] = {{0, 1, 1, 1},   {0, -1, 1, 2}, {180, 1, 1, 3}, {0, 1, -1, 4},
                 {270, 1, 1, 6}, {90, 1, 1, 8}, {-90, -1, 1, 7}};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        check_ok(c, tern_affine_make(&map, c, 9, 9, turns[i].rotate, 0, turns[i].scale_x,
                                     turns[i].scale_y, 0, 0));
        check_ok(c, tern_image_warp(&out, &in, 9, 9, &map, NULL, NULL, TERN_BORDER_EDGE,
                                    TERN_FILTER_BILINEAR));
        check_ok(c, tern_image_turn(&turned, &in, turns[i].orientation));
        pictures_check_equal(&out, &turned);
        tern_image_free(&out);
        tern_image_free(&turned);
    }
    const float nowhere[1] = {NAN};
    check_ok(c, tern_image_warp(&out, &in, 1, 1, &map, nowhere, nowhere, TERN_BORDER_REFLECT,
                                TERN_FILTER_BILINEAR)); /* some pixel of the picture */
    tern_image_free(&out);
    check_error(c, TERN_ERR_ARGUMENT, "both be given",
                tern_image_warp(&out, &in, 1, 1, &map, nowhere, NULL, TERN_BORDER_EDGE,
                                TERN_FILTER_NEAREST));
    check_error(
        c, TERN_ERR_ARGUMENT, "bilinear or nearest",
        tern_image_warp(&out, &in, 1, 1, &map, NULL, NULL, TERN_BORDER_EDGE, TERN_FILTER_AREA));
    tern_image_free(&in);
}

/* ---- fields ---- */

static void elastic_fields(void **state) {
    (void)state;
    enum { SIDE = 200 };
    static float field[SIDE * SIDE], again[SIDE * SIDE];
    static const double sigmas[] = {0, 1.5, 4};
    for (int s = 0; s < 3; s++) {
        check_ok(c, tern_vision_elastic_field(c, field, SIDE, SIDE, sigmas[s], 2.5, 9));
        check_ok(c, tern_vision_elastic_field(c, again, SIDE, SIDE, sigmas[s], 2.5, 9));
        assert_memory_equal(field, again, sizeof field);
        double square = 0, product = 0;
        for (int y = 20; y < SIDE - 20; y++)
            for (int x = 20; x < SIDE - 21; x++) {
                const double a = (double)field[y * SIDE + x];
                square += a * a;
                product += a * (double)field[y * SIDE + x + 1];
            }
        /* About (160 / (2 sigma sqrt(pi)))^2 independent places. */
        check_close(sqrt(square / (160 * 159)), 2.5, 0, sigmas[s] > 2 ? 0.15 : 0.05);
        /* Neighbours of such a field correlate by exp(-1 / (4 sigma^2)). */
        const double expected = sigmas[s] > 0 ? exp(-0.25 / (sigmas[s] * sigmas[s])) : 0;
        check_close(product / square, expected, 0.02, 0);
    }
    check_ok(c, tern_vision_elastic_field(c, again, 1, 3, 30, 1, 9)); /* wider than the field */
    check_error(c, TERN_ERR_ARGUMENT, "sigma must be in 0..1000",
                tern_vision_elastic_field(c, field, 2, 2, -1, 1, 1));
}

/* ---- one picture ---- */

static tern_image discs(int width, int height) {
    tern_image mask;
    check_ok(c, tern_image_create(&mask, c, width, height, 1, 8));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const double r = hypot(x - width * 0.35, y - height * 0.4);
            ((uint8_t *)mask.data)[y * width + x] = r < height * 0.25 ? 1 : x > width * 0.8 ? 2 : 0;
        }
    return mask;
}

static void masks_move_with_pictures(void **state) {
    (void)state;
    tern_image mask = discs(90, 70), picture, out, moved;
    check_ok(c, tern_image_create(&picture, c, 90, 70, 1, 8));
    for (int i = 0; i < 90 * 70; i++)
        ((uint8_t *)picture.data)[i] = (uint8_t)(100 * ((uint8_t *)mask.data)[i]);
    tern_vision_augmentation a = {0};
    check_ok(c,
             tern_vision_augmentation_parse(
                 &a, c,
                 "mirror=0.5,flip=0.5,turn=0.5,rotate=40,shift=0.3,scale=0.4,stretch=0.2,shear=20,"
                 "elastic=2,elastic_sigma=6"));
    for (int border = TERN_BORDER_REFLECT; border <= TERN_BORDER_WRAP; border++)
        for (uint64_t seed = 0; seed < 12; seed++) {
            a.border = (tern_border)border;
            check_ok(c, tern_vision_augment(&out, &moved, &picture, &mask, &a, seed));
            int close = 0, outside = 0, changed = 0;
            for (int i = 0; i < 90 * 70; i++) {
                const int label = ((uint8_t *)moved.data)[i], v = ((uint8_t *)out.data)[i];
                changed += label != ((uint8_t *)mask.data)[i];
                if (label == 255)
                    outside++;
                else
                    close += abs(v - 100 * label) <= 50;
            }
            assert_true(changed > 300);
            assert_true(border == TERN_BORDER_CONSTANT ? outside > 0 : outside == 0);
            /* Only where the edge of a disc goes through a pixel may they differ. */
            assert_true(close > 0.97 * (90 * 70 - outside));
            tern_image_free(&out);
            tern_image_free(&moved);
        }
    tern_image_free(&mask);
    tern_image_free(&picture);
}

/* Masks drawn 3 pixels right of and 2 above what they mark are so still in a mirrored or turned
 * picture. */
static void masks_that_lie_off_do_so_the_same_way(void **state) {
    (void)state;
    enum { SIZE = 60, RIGHT = 3, BELOW = -2, EDGE = 6 };
    static const char *const moves[] = {"none", "mirror=1", "flip=1", "turn=1",
                                        "mirror=1,flip=1,turn=1"};
    tern_image disc = discs(SIZE, SIZE), mask, picture, out, moved;
    check_ok(c, tern_image_create(&picture, c, SIZE, SIZE, 1, 8));
    check_ok(c, tern_image_create(&mask, c, SIZE, SIZE, 1, 8));
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            const int from_x = x - RIGHT < 0 ? 0 : x - RIGHT,
                      from_y = y - BELOW >= SIZE ? SIZE - 1 : y - BELOW;
            ((uint8_t *)picture.data)[y * SIZE + x] =
                (uint8_t)(100 * ((uint8_t *)disc.data)[y * SIZE + x]);
            ((uint8_t *)mask.data)[y * SIZE + x] = ((uint8_t *)disc.data)[from_y * SIZE + from_x];
        }
    for (size_t move = 0; move < sizeof moves / sizeof *moves; move++)
        for (uint64_t seed = 0; seed < 6; seed++) {
            tern_vision_augmentation a = {0};
            check_ok(c, tern_vision_augmentation_parse(&a, c, moves[move]));
            a.mask_x = RIGHT;
            a.mask_y = BELOW;
            check_ok(c, tern_vision_augment(&out, &moved, &picture, &mask, &a, seed));
            for (int y = EDGE; y < SIZE - EDGE; y++)
                for (int x = EDGE; x < SIZE - EDGE; x++)
                    assert_int_equal(100 * ((uint8_t *)moved.data)[y * SIZE + x],
                                     ((uint8_t *)out.data)[(y - BELOW) * SIZE + x - RIGHT]);
            tern_image_free(&out);
            tern_image_free(&moved);
        }
    tern_image_free(&disc);
    tern_image_free(&mask);
    tern_image_free(&picture);
}

/* A picture whose red is x and whose green is y, and a mask that is x: what is seen of them tells
 * the window, which lies inside the picture and has sides of the range; all else is as it was. */
static void random_crops(void **state) {
    (void)state;
    enum { WIDTH = 64, HEIGHT = 48 };
    const double sizes[2] = {WIDTH, HEIGHT};
    tern_image picture, mask, out, seen;
    check_ok(c, tern_image_create(&picture, c, WIDTH, HEIGHT, 3, 16));
    check_ok(c, tern_image_create(&mask, c, WIDTH, HEIGHT, 1, 8));
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            ((uint16_t *)picture.data)[3 * (y * WIDTH + x)] = (uint16_t)(1000 * x);
            ((uint16_t *)picture.data)[3 * (y * WIDTH + x) + 1] = (uint16_t)(1000 * y);
            ((uint8_t *)mask.data)[y * WIDTH + x] = (uint8_t)x;
        }
    const tern_vision_augmentation a = {.crop = 0.6};
    double least[2] = {1, 1}, most[2] = {0, 0}, first[2] = {1, 1}, last[2] = {0, 0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        check_ok(c, tern_vision_augment(&out, &seen, &picture, &mask, &a, seed));
        for (int axis = 0; axis < 2; axis++) {
            /* Between 1 and 9 tenths, where nothing is beyond the edge. */
            const int from = (int)sizes[axis] / 10, to = (int)sizes[axis] - 1 - from;
            const double low = pictures_at(&out, axis ? 3 : from, axis ? from : 3, axis) / 1000.0,
                         high = pictures_at(&out, axis ? 3 : to, axis ? to : 3, axis) / 1000.0;
            const double share = (high - low) / (to - from),
                         begin = low + 0.5 - (from + 0.5) * share,
                         end = begin + share * sizes[axis];
            assert_true(share > 0.4 - 1e-4 && share < 1 + 1e-4);
            assert_true(begin > -0.01 && end < sizes[axis] + 0.01);
            least[axis] = fmin(least[axis], share);
            most[axis] = fmax(most[axis], share);
            first[axis] = fmin(first[axis], begin / sizes[axis]);
            last[axis] = fmax(last[axis], end / sizes[axis]);
            for (int i = from; i <= to && !axis; i++)
                for (int y = 0; y < HEIGHT; y++)
                    assert_true(fabs(pictures_at(&out, i, y, 0) / 1000.0 -
                                     pictures_at(&seen, i, y, 0)) < 0.5 + 1e-3);
        }
        tern_image_free(&out);
        tern_image_free(&seen);
    }
    for (int axis = 0; axis < 2; axis++) {
        assert_true(least[axis] < 0.42 && most[axis] > 0.98);
        assert_true(first[axis] < 0.01 && last[axis] > 0.99);
    }
    tern_image_free(&mask);
    tern_image_free(&picture);
}

/* Light and colour leave the mask alone; nothing leaves everything alone. */
static void what_does_not_move(void **state) {
    (void)state;
    tern_image mask = discs(40, 30), picture = pictures_make(c, 40, 30, 3, 16), out, kept;
    tern_vision_augmentation a = {0};
    check_ok(c, tern_vision_augment(&out, &kept, &picture, &mask, &a, 3));
    pictures_check_equal(&out, &picture);
    pictures_check_equal(&kept, &mask);
    tern_image_free(&out);
    tern_image_free(&kept);
    check_ok(c, tern_vision_augmentation_parse(
                    &a, c,
                    "brightness=0.3,contrast=0.5,gamma=0.5,saturation=0.5,hue=90,noise=0.1,"
                    "blur=2,cutout=3"));
    check_ok(c, tern_vision_augment(&out, &kept, &picture, &mask, &a, 3));
    assert_memory_not_equal(out.data, picture.data, 40 * 30 * 3 * 2);
    pictures_check_equal(&kept, &mask);
    tern_image again;
    check_ok(c, tern_vision_augment(&again, NULL, &picture, NULL, &a, 3));
    pictures_check_equal(&again, &out);
    tern_image_free(&again);
    check_ok(c, tern_vision_augment(&again, NULL, &picture, NULL, &a, 4));
    assert_memory_not_equal(again.data, out.data, 40 * 30 * 3 * 2);
    tern_image_free(&again);
    tern_image_free(&out);
    tern_image_free(&kept);
    check_error(c, TERN_ERR_SHAPE, "1 channel of 8 bits",
                tern_vision_augment(&out, &kept, &picture, &picture, &a, 3));
    tern_image small = discs(4, 4);
    check_error(c, TERN_ERR_SHAPE, "40 x 30 pixels, its mask 4 x 4",
                tern_vision_augment(&out, &kept, &picture, &small, &a, 3));
    check_error(c, TERN_ERR_ARGUMENT, "both be given",
                tern_vision_augment(&out, NULL, &picture, &small, &a, 3));
    tern_image_free(&small);
    tern_image_free(&mask);
    tern_image_free(&picture);
}

/* A picture of values 0.4..0.6, so that nothing is cut off, varied by one part. */
enum { SIDE = 64, PIXELS = SIDE * SIDE };
static void vary_by(const char *text, uint64_t seed, double before[3 * PIXELS],
                    double after[3 * PIXELS]) {
    tern_image picture, out;
    tern_vision_augmentation a = {0};
    check_ok(c, tern_vision_augmentation_parse(&a, c, text));
    check_ok(c, tern_image_create(&picture, c, SIDE, SIDE, 3, 16));
    for (int i = 0; i < 3 * PIXELS; i++)
        ((uint16_t *)picture.data)[i] = (uint16_t)(26214 + pictures_value(i, 0, 0, 16) / 5);
    for (int i = 0; i < 3; i++) ((uint16_t *)picture.data)[i] = 30000; /* a grey pixel */
    check_ok(c, tern_vision_augment(&out, NULL, &picture, NULL, &a, seed));
    for (int i = 0; i < 3 * PIXELS; i++) {
        before[i] = ((uint16_t *)picture.data)[i] / 65535.0;
        after[i] = ((uint16_t *)out.data)[i] / 65535.0;
    }
    tern_image_free(&picture);
    tern_image_free(&out);
}

static double mean(const double *x, int step) {
    double sum = 0;
    int n = 0;
    for (int i = 0; i < 3 * PIXELS; i += step, n++) sum += x[i];
    return sum / n;
}

static double grey(const double *v) { return 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2]; }

static void light_and_colour(void **state) {
    (void)state;
    static double x[3 * PIXELS], y[3 * PIXELS];
    double seen = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        vary_by("brightness=0.3", seed, x, y);
        const double added = y[0] - x[0];
        for (int i = 0; i < 3 * PIXELS; i++) check_close(y[i] - x[i], added, 3e-5, 0);
        assert_true(fabs(added) <= 0.3);
        seen = fmax(seen, fabs(added));
        vary_by("contrast=0.4", seed, x, y);
        const double m = mean(x, 1), factor = (y[0] - m) / (x[0] - m);
        for (int i = 0; i < 3 * PIXELS; i++) check_close(y[i] - m, factor * (x[i] - m), 3e-4, 0);
        assert_true(fabs(log(factor)) < 0.45);
        vary_by("gamma=0.5", seed, x, y);
        const double power = log(y[0]) / log(x[0]);
        for (int i = 0; i < 3 * PIXELS; i++) check_close(log(y[i]) / log(x[i]), power, 2e-4, 0);
        vary_by("saturation=0.5", seed, x, y);
        const double kept = (y[3] - grey(y + 3)) / (x[3] - grey(x + 3));
        for (int i = 0; i < 3 * PIXELS; i += 3) {
            check_close(grey(y + i), grey(x + i), 3e-5, 0);
            for (int k = 0; k < 3; k++)
                check_close(y[i + k] - grey(y + i), kept * (x[i + k] - grey(x + i)), 4e-3, 0);
        }
        vary_by("hue=60", seed, x, y);
        for (int k = 0; k < 3; k++) check_close(y[k], x[k], 3e-5, 0); /* grey stays */
        for (int i = 0; i < 3 * PIXELS; i += 3) { /* a turn around the grey axis keeps lengths */
            double a = 0, b = 0;
            for (int k = 0; k < 3; k++) a += x[i + k] * x[i + k], b += y[i + k] * y[i + k];
            check_close(b, a, 1e-4, 0);
            check_close(y[i] + y[i + 1] + y[i + 2], x[i] + x[i + 1] + x[i + 2], 1e-4, 0);
        }
    }
    assert_true(seen > 0.2);
}

static void blur_noise_and_cutouts(void **state) {
    (void)state;
    static double x[3 * PIXELS], y[3 * PIXELS];
    double widest = 0, loudest = 0;
    int most = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        vary_by("blur=2", seed, x, y);
        double before = 0, after = 0;
        const double m = mean(x, 3);
        for (int i = 0; i < 3 * PIXELS; i += 3) {
            before += (x[i] - m) * (x[i] - m);
            after += (y[i] - m) * (y[i] - m);
        }
        check_close(mean(y, 3), m, 0.005, 0);
        assert_true(after <= before * 1.001);
        widest = fmax(widest, before / after);
        vary_by("noise=0.05", seed, x, y);
        double noise = 0;
        for (int i = 0; i < 3 * PIXELS; i++) noise += (y[i] - x[i]) * (y[i] - x[i]);
        noise = sqrt(noise / (3 * PIXELS));
        assert_true(noise <= 0.052);
        loudest = fmax(loudest, noise);
        vary_by("cutout=1,cutout_size=0.5", seed, x, y);
        int left = SIDE, right = 0, top = SIDE, bottom = 0, count = 0;
        for (int i = 0; i < PIXELS; i++) {
            if (fabs(y[3 * i + 1] - x[3 * i + 1]) < 1e-4) continue;
            check_close(y[3 * i + 1], mean(x + 1, 3), 0.001, 0);
            const int column = i % SIDE, row = i / SIDE;
            left = column < left ? column : left, right = column > right ? column : right;
            top = row < top ? row : top, bottom = row > bottom ? row : bottom;
            count++;
        }
        assert_true(count <= (SIDE / 2) * (SIDE / 2));
        if (count) assert_true(count > 0.9 * (right - left + 1) * (bottom - top + 1));
        most = count > most ? count : most;
    }
    assert_true(widest > 10 && loudest > 0.03 && most > 200);
}

/* ---- text ---- */

static void text(void **state) {
    (void)state;
    tern_vision_augmentation a = {.mirror = 0.5, .hue = 20}, before;
    char *out;
    check_ok(c, tern_vision_augmentation_parse(&a, c, "rotate=15,scale=0.25,cutout=2,border=edge"));
    assert_int_equal(a.cutout, 2);
    assert_int_equal(a.border, TERN_BORDER_EDGE);
    check_ok(c, tern_vision_augmentation_text(&out, c, &a));
    assert_string_equal(out, "mirror=0.5,rotate=15,scale=0.25,hue=20,cutout=2,border=edge");
    before = a;
    a = (tern_vision_augmentation){0};
    check_ok(c, tern_vision_augmentation_parse(&a, c, out));
    assert_memory_equal(&a, &before, sizeof a);
    tern_free(c, out);
    static const struct {
        const char *text, *says;
    } wrong[] = {{"rotat=3", "there is no 'rotat'; there are mirror, flip"},
                 {"rotate", "write name=number"},
                 {"mirror=1,rotate=many", "'rotate=many': write name=number"},
                 {"rotate=-3", "must be in 0..180"},
                 {"rotate=181", "must be in 0..180"},
                 {"mask_x=-11", "must be in -10..10"},
                 {"cutout=1.5", "must be a whole number of 0..100"},
                 {"border=none", "there are reflect, constant, edge, wrap"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_error(c, TERN_ERR_ARGUMENT, wrong[i].says,
                    tern_vision_augmentation_parse(&a, c, wrong[i].text));
        assert_memory_equal(&a, &before, sizeof a);
    }
    check_ok(c, tern_vision_augmentation_parse(&a, c, "none,blur=1,mask_y=-0.5"));
    check_ok(c, tern_vision_augmentation_text(&out, c, &a));
    assert_string_equal(out, "blur=1,mask_y=-0.5");
    tern_free(c, out);
    check_ok(c, tern_vision_augmentation_parse(&a, c, "none"));
    check_ok(c, tern_vision_augmentation_text(&out, c, &a));
    assert_string_equal(out, "none");
    tern_free(c, out);
    a.shear = NAN;
    check_error(c, TERN_ERR_ARGUMENT, "shear is nan", tern_vision_augmentation_check(c, &a));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(maps),
                                       cmocka_unit_test(warping),
                                       cmocka_unit_test(warps_that_are_turns),
                                       cmocka_unit_test(elastic_fields),
                                       cmocka_unit_test(masks_move_with_pictures),
                                       cmocka_unit_test(masks_that_lie_off_do_so_the_same_way),
                                       cmocka_unit_test(random_crops),
                                       cmocka_unit_test(what_does_not_move),
                                       cmocka_unit_test(light_and_colour),
                                       cmocka_unit_test(blur_noise_and_cutouts),
                                       cmocka_unit_test(text)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
