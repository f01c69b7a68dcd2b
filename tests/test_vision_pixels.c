/* Pixels from one form to another: channels, depth, alpha, turning, cropping beyond the edges,
 * floats; and which names are pictures. Expected values are computed here. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

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

static void conversion(void **state) {
    (void)state;
    static const int forms[][2] = {{1, 8},  {2, 8},  {3, 8},  {4, 8},
                                   {1, 16}, {2, 16}, {3, 16}, {4, 16}};
    for (int from = 0; from < 8; from++)
        for (int to = 0; to < 8; to++) {
            tern_image in = pictures_make(c, 11, 5, forms[from][0], forms[from][1]), out;
            check_ok(c, tern_image_convert(&out, &in, forms[to][0], forms[to][1]));
            const uint32_t max = in.bits == 16 ? 65535 : 255;
            for (int y = 0; y < 5; y++)
                for (int x = 0; x < 11; x++) {
                    const bool grey = in.channels < 3, has_alpha = in.channels % 2 == 0;
                    const uint32_t alpha =
                        has_alpha ? pictures_at(&in, x, y, in.channels - 1) : max;
                    uint32_t v[4];
                    for (int k = 0; k < 3; k++) {
                        v[k] = pictures_at(&in, x, y, grey ? 0 : k);
                        if (out.channels % 2) v[k] = pictures_on_white(v[k], alpha, max);
                    }
                    if (out.channels < 3 && !grey)
                        v[0] = (uint32_t)floor(0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2] + 0.5 +
                                               1e-9);
                    v[3] = alpha;
                    if (out.channels == 2) v[1] = alpha;
                    for (int k = 0; k < out.channels; k++) {
                        uint32_t expected = v[k];
                        if (in.bits < out.bits) expected *= 257;
                        if (in.bits > out.bits) expected = (uint32_t)floor(expected / 257.0 + 0.5);
                        assert_int_equal(pictures_at(&out, x, y, k), expected);
                    }
                }
            tern_image_free(&in);
            tern_image_free(&out);
        }
}

static int mirrored(int i, int n) {
    while (i < 0 || i >= n) i = n == 1 ? 0 : i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

/* The pixel at (x, y) of a picture that goes on as `border` says; -1: none. */
static int beyond(int i, int n, tern_border border) {
    if (i >= 0 && i < n) return i;
    if (border == TERN_BORDER_CONSTANT) return -1;
    if (border == TERN_BORDER_EDGE) return i < 0 ? 0 : n - 1;
    if (border == TERN_BORDER_REFLECT) return mirrored(i, n);
    while (i < 0) i += n;
    return i % n;
}

static void cropping(void **state) {
    (void)state;
    static const int parts[][4] = {
        {2, 1, 4, 3}, {-9, -7, 30, 25}, {5, 3, 1, 1}, {40, 40, 3, 3}, {-50, 2, 7, 1}};
    static const int sizes[][2] = {{8, 6}, {1, 1}, {2, 9}};
    for (int border = TERN_BORDER_REFLECT; border <= TERN_BORDER_WRAP; border++)
        for (size_t s = 0; s < 3; s++)
            for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
                const int *p = parts[i];
                tern_image in = pictures_make(c, sizes[s][0], sizes[s][1], 3, 8), out;
                check_ok(c,
                         tern_image_crop(&out, &in, p[0], p[1], p[2], p[3], (tern_border)border));
                float *planes = malloc(3 * (size_t)(p[2] * p[3]) * sizeof *planes);
                const tern_normalization n = {3, {0.1f, 0.2f, 0.3f}, {0.5f, 2, 0.25f}};
                check_ok(c, tern_image_floats(&in, p[0], p[1], p[2], p[3], (tern_border)border, &n,
                                              planes));
                for (int y = 0; y < p[3]; y++)
                    for (int x = 0; x < p[2]; x++) {
                        const int column = beyond(p[0] + x, in.width, (tern_border)border);
                        const int row = beyond(p[1] + y, in.height, (tern_border)border);
                        for (int k = 0; k < 3; k++) {
                            const uint32_t v =
                                column < 0 || row < 0 ? 0 : pictures_at(&in, column, row, k);
                            assert_int_equal(pictures_at(&out, x, y, k), v);
                            check_close(planes[(k * p[3] + y) * p[2] + x],
                                        (v / 255.0 - (double)n.mean[k]) / (double)n.std[k], 2e-6,
                                        1e-6);
                        }
                    }
                free(planes);
                tern_image_free(&in);
                tern_image_free(&out);
            }
}

static void floats(void **state) {
    (void)state;
    float planes[3 * 35];
    tern_image in = pictures_make(c, 7, 5, 4, 16), out, flat;
    check_ok(c, tern_image_convert(&flat, &in, 3, 16));
    check_ok(c, tern_image_floats(&in, 0, 0, 7, 5, TERN_BORDER_EDGE, NULL, planes));
    for (int i = 0; i < 35; i++)
        for (int k = 0; k < 3; k++)
            check_close(planes[k * 35 + i], pictures_at(&flat, i % 7, i / 7, k) / 65535.0, 0, 1e-7);
    check_ok(c, tern_image_from_floats(&out, c, planes, 3, 7, 5, 16));
    pictures_check_equal(&out, &flat); /* 65535 values survive */
    tern_image_free(&out);
    /* One plane of a colour picture is its luma, three planes of a grey one are alike. */
    tern_normalization n = {1, {0}, {1}};
    check_ok(c, tern_image_floats(&flat, 0, 0, 7, 5, TERN_BORDER_EDGE, &n, planes));
    check_ok(c, tern_image_convert(&out, &flat, 1, 16));
    for (int i = 0; i < 35; i++)
        check_close(planes[i], pictures_at(&out, i % 7, i / 7, 0) / 65535.0, 0, 1e-7);
    n = (tern_normalization)TERN_NORMALIZATION_INIT;
    check_ok(c, tern_image_floats(&out, 0, 0, 7, 5, TERN_BORDER_EDGE, &n, planes));
    assert_memory_equal(planes, planes + 35, 35 * sizeof *planes);
    assert_memory_equal(planes, planes + 70, 35 * sizeof *planes);
    n.std[1] = 0;
    check_error(c, TERN_ERR_ARGUMENT, "std not 0",
                tern_image_floats(&out, 0, 0, 7, 5, TERN_BORDER_EDGE, &n, planes));
    tern_image_free(&out);
    const float odd[4] = {NAN, -3, 0.5f, INFINITY};
    check_ok(c, tern_image_from_floats(&out, c, odd, 1, 2, 2, 8));
    assert_memory_equal(out.data, "\x00\x00\x80\xff", 4);
    tern_image_free(&out);
    tern_image_free(&flat);
    tern_image_free(&in);
}

static void turning(void **state) {
    (void)state;
    tern_image in = pictures_make(c, 5, 3, 2, 16), out, back;
    static const int inverse[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    for (int i = 1; i <= 8; i++) {
        check_ok(c, tern_image_turn(&out, &in, i));
        check_ok(c, tern_image_turn(&back, &out, inverse[i]));
        pictures_check_equal(&back, &in);
        tern_image_free(&out);
        tern_image_free(&back);
    }
    check_ok(c, tern_image_turn(&out, &in, 6)); /* a quarter clockwise: the last row comes first */
    assert_int_equal(out.width, 3);
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 3; x++)
            assert_int_equal(pictures_at(&out, x, y, 1), pictures_at(&in, y, 2 - x, 1));
    tern_image_free(&out);
    check_error(c, TERN_ERR_ARGUMENT, "orientation 9", tern_image_turn(&out, &in, 9));
    tern_image_free(&in);
}

static void names(void **state) {
    (void)state;
    assert_true(tern_image_is_name("a/b.PNG") && tern_image_is_name("x.jpeg"));
    assert_true(tern_image_is_name(".pgm") && tern_image_is_name("x.y.jpg"));
    assert_false(tern_image_is_name("a.png/b") || tern_image_is_name("png"));
    assert_false(tern_image_is_name("a.tif"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(conversion), cmocka_unit_test(cropping),
                                       cmocka_unit_test(floats), cmocka_unit_test(turning),
                                       cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
