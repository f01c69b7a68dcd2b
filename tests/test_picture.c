/* Pictures: what is drawn is what a PNG reader sees. */
#include "saved_picture.h"
#include "core/base/picture.h"

static void drawn_is_saved(void **state) {
    (void)state;
    tern__picture p;
    int width, height;
    check_ok(context, tern__picture_create(&p, context, 70, 30, 0x102030));
    tern__picture_rectangle(&p, -5, 20, 10, 100, 0xff8000); /* partly outside */
    tern__picture_text(&p, 10, 5, 2, 0xffffff, "l\xc3\xa9");
    assert_int_equal(tern__picture_text_width(2, "l\xc3\xa9"), 22);
    check_ok(context, tern__picture_save(&p, context, path));
    uint8_t *pixels = read_back(&width, &height);
    assert_int_equal(width, 70);
    assert_int_equal(height, 30);
    assert_memory_equal(pixels, p.rgb, 70 * 30 * 3);
    assert_memory_equal(pixels, "\x10\x20\x30", 3);
    assert_memory_equal(pixels + 3 * (29 * 70 + 4), "\xff\x80\x00", 3);
    assert_memory_equal(pixels + 3 * (29 * 70 + 5), "\x10\x20\x30", 3);
    assert_memory_equal(pixels + 3 * ((5 + 6) * 70 + 14), "\xff\xff\xff", 3); /* the stroke of l */
    free(pixels);
    tern__picture_free(&p, context);
    check_error(context, TERN_ERR_LIMIT, "70000 x 1",
                tern__picture_create(&p, context, 70000, 1, 0));
    assert_null(p.rgb);
}

static void colours_rise(void **state) {
    (void)state;
    double last = -1;
    for (int i = 0; i <= 256; i++) {
        const uint32_t c = tern__picture_heat(i / 256.0);
        const double light =
            0.2126 * (c >> 16 & 255) + 0.7152 * (c >> 8 & 255) + 0.0722 * (c & 255);
        assert_true(light > last);
        last = light;
    }
    assert_int_equal(tern__picture_heat(-1), tern__picture_heat(0));
    assert_int_equal(tern__picture_heat(9), tern__picture_heat(1));
    assert_int_equal(tern__picture_heat(NAN), tern__picture_heat(0));
}

static void full_disk(void **state) {
    (void)state;
    tern__picture p;
    if (access("/dev/full", W_OK) != 0) check_skip("there is no /dev/full that can be written");
    check_ok(context, tern__picture_create(&p, context, 300, 300, 0));
    check_error(context, TERN_ERR_IO, "/dev/full", tern__picture_save(&p, context, "/dev/full"));
    check_error(context, TERN_ERR_IO, "/nowhere",
                tern__picture_save(&p, context, "/nowhere/x.png"));
    tern__picture_free(&p, context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drawn_is_saved),
        cmocka_unit_test(colours_rise),
        cmocka_unit_test(full_disk),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
