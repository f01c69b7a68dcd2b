/* Resizing against PyTorch (golden/resize.h) and against sums in double precision written here. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

#include "golden/resize.h"

static tern_context *context_of(int threads) {
    tern_context *c;
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    check_ok(c, tern_context_create(&c, &o));
    return c;
}

/* The planes of golden/resize.py. */
static double golden_value(int x, int y) { return (17 * x + 31 * y + x * y) % 64 / 64.0; }

static void as_pytorch(void **state) {
    (void)state;
    tern_context *c = context_of(1);
    for (size_t i = 0; i < sizeof golden_resizes / sizeof *golden_resizes; i++) {
        const struct golden_resize *g = &golden_resizes[i];
        float in[2 * 200], out[2 * 200];
        const size_t count = (size_t)(g->in_width * g->in_height);
        for (int y = 0; y < g->in_height; y++)
            for (int x = 0; x < g->in_width; x++)
                in[y * g->in_width + x] = (float)golden_value(x, y);
        for (size_t k = 0; k < count; k++) in[count + k] = 1 - in[k];
        check_ok(c, tern_planes_resize(c, out, g->width, g->height, in, 2, g->in_width,
                                       g->in_height, g->filter, g->antialias));
        const size_t n = (size_t)(g->width * g->height);
        for (size_t k = 0; k < n; k++) {
            check_close(out[k], golden_resized[(size_t)g->first + k], 4e-7, 4e-7);
            check_close(out[n + k], 1 - golden_resized[(size_t)g->first + k], 4e-7, 4e-7);
        }
    }
    tern_context_free(c);
}

static double clamp(double v, double low, double high) { return fmax(low, fmin(high, v)); }

/* Channel k of output pixel (x, y), summed over all input pixels. */
static double reference(const tern_image *in, int width, int height, tern_filter filter, int x,
                        int y, int k) {
    const double sx = (double)in->width / width, sy = (double)in->height / height;
    double sum = 0, total = 0;
    for (int row = 0; row < in->height; row++)
        for (int column = 0; column < in->width; column++) {
            double w;
            if (filter == TERN_FILTER_AREA) {
                w = fmax(0, fmin((x + 1) * sx, column + 1) - fmax(x * sx, column)) *
                    fmax(0, fmin((y + 1) * sy, row + 1) - fmax(y * sy, row));
            } else { /* bilinear; beyond the edge the edge itself */
                const double px = clamp((x + 0.5) * sx - 0.5, 0, in->width - 1);
                const double py = clamp((y + 0.5) * sy - 0.5, 0, in->height - 1);
                w = fmax(0, 1 - fabs(px - column)) * fmax(0, 1 - fabs(py - row));
            }
            sum += w * pictures_at(in, column, row, k);
            total += w;
        }
    return sum / total;
}

static void bytes_and_area(void **state) {
    (void)state;
    tern_context *c = context_of(1);
    static const int sizes[][4] = {{13, 9, 5, 4}, {13, 9, 30, 2}, {3, 40, 7, 7}, {1, 1, 4, 3}};
    for (size_t s = 0; s < 4; s++)
        for (int bits = 8; bits <= 16; bits += 8)
            for (int f = 0; f < 2; f++) {
                const int *z = sizes[s];
                const tern_filter filter = f ? TERN_FILTER_AREA : TERN_FILTER_BILINEAR;
                tern_image in = pictures_make(c, z[0], z[1], 3, bits), out;
                check_ok(c, tern_image_resize(&out, &in, z[2], z[3], filter, false));
                assert_int_equal(out.bits, bits);
                for (int y = 0; y < z[3]; y++)
                    for (int x = 0; x < z[2]; x++)
                        for (int k = 0; k < 3; k++)
                            check_close(pictures_at(&out, x, y, k),
                                        reference(&in, z[2], z[3], filter, x, y, k),
                                        bits == 8 ? 0.5001 : 0.53, 0);
                tern_image_free(&in);
                tern_image_free(&out);
            }
    tern_context_free(c);
}

/* White stays white under every filter, in and out of range nothing wraps round. */
static void constants_stay(void **state) {
    (void)state;
    tern_context *c = context_of(1);
    tern_image white, out;
    check_ok(c, tern_image_create(&white, c, 300, 3, 4, 8));
    memset(white.data, 255, 300 * 3 * 4);
    for (int filter = TERN_FILTER_BILINEAR; filter <= TERN_FILTER_AREA; filter++)
        for (int antialias = 0; antialias < 2; antialias++) {
            if (antialias && (filter == TERN_FILTER_NEAREST || filter == TERN_FILTER_AREA))
                continue;
            check_ok(c, tern_image_resize(&out, &white, 7, 50, (tern_filter)filter, antialias));
            for (int i = 0; i < 7 * 50 * 4; i++) assert_int_equal(((uint8_t *)out.data)[i], 255);
            tern_image_free(&out);
        }
    memset(white.data, 0, 300 * 3 * 2); /* an edge: the cubic swings over on both sides */
    check_ok(c, tern_image_resize(&out, &white, 300, 40, TERN_FILTER_BICUBIC, false));
    for (int y = 0; y < 40; y++)
        for (int x = 1; x < 140; x++) assert_true(pictures_at(&out, x, y, 0) == 0 || y > 12);
    tern_image_free(&out);
    tern_image_free(&white);
    tern_context_free(c);
}

static void same_bits_for_any_threads(void **state) {
    (void)state;
    uint8_t *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        tern_context *c = context_of(threads);
        tern_image in = pictures_make(c, 101, 67, 3, 16), out;
        check_ok(c, tern_image_resize(&out, &in, 40, 90, TERN_FILTER_BICUBIC, true));
        const size_t size = 40 * 90 * 3 * 2;
        if (!first) {
            first = malloc(size);
            memcpy(first, out.data, size);
        }
        assert_memory_equal(first, out.data, size);
        tern_image_free(&out);
        tern_image_free(&in);
        tern_context_free(c);
    }
    free(first);
}

static void mistakes(void **state) {
    (void)state;
    tern_context *c = context_of(1);
    tern_image in = pictures_make(c, 4, 4, 1, 8), out;
    float planes[16] = {0};
    check_error(c, TERN_ERR_LIMIT, "0 x 3",
                tern_image_resize(&out, &in, 0, 3, TERN_FILTER_AREA, false));
    assert_null(out.data);
    check_error(c, TERN_ERR_LIMIT, "3 x 70000",
                tern_image_resize(&out, &in, 3, 70000, TERN_FILTER_AREA, false));
    check_error(c, TERN_ERR_ARGUMENT, "number 9",
                tern_image_resize(&out, &in, 3, 3, (tern_filter)9, false));
    check_error(c, TERN_ERR_ARGUMENT, "antialias",
                tern_image_resize(&out, &in, 3, 3, TERN_FILTER_AREA, true));
    check_error(c, TERN_ERR_ARGUMENT, "0 planes",
                tern_planes_resize(c, planes, 2, 2, planes, 0, 2, 2, TERN_FILTER_AREA, false));
    tern_image_free(&in);
    tern_context_free(c);
}

static tern_status starve(tern_context *c, void *argument) {
    const uint8_t *data = argument;
    const tern_image in = {.context = c,
                           .width = 6,
                           .height = 6,
                           .channels = 1,
                           .bits = 8,
                           .data = (void *)(uintptr_t)data};
    tern_image out;
    tern_status st = tern_image_resize(&out, &in, 3, 4, TERN_FILTER_BICUBIC, true);
    tern_image_free(&out);
    return st;
}

static void memory_that_runs_out(void **state) {
    (void)state;
    uint8_t data[36] = {0};
    pictures_starve(starve, data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pytorch),     cmocka_unit_test(bytes_and_area),
        cmocka_unit_test(constants_stay), cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(mistakes),       cmocka_unit_test(memory_that_runs_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
