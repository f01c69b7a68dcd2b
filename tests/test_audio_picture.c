/* Features as a picture and as an array. */
#include "saved_picture.h"
#include "core/base/npy.h"

#include <tern/audio.h>

static void features_drawn(void **state) {
    (void)state;
    static const size_t counts[] = {400, 3000, 40000, 700000};
    static float sound[700000];
    for (int i = 0; i < 700000; i++) sound[i] = (float)sin(1e-6 * i * i);
    for (size_t k = 0; tern_audio_preset_name(k); k++)
        for (size_t n = k ? 2 : 0; n < (k ? 3 : 4); n++) {
            tern_audio_options o;
            tern_features *f;
            tern__npy array;
            int width, height;
            check_ok(context, tern_audio_options_preset(&o, context, tern_audio_preset_name(k)));
            check_ok(context, tern_features_create(&f, context, &o));
            const size_t frames = tern_features_frames(f, counts[n]);
            const size_t size = frames * tern_features_rows(f);
            float *values = malloc(size * sizeof *values);
            check_ok(context, tern_features_compute(f, sound, counts[n], values));
            check_ok(context, tern_features_save_array(f, path, values, frames));
            check_ok(context, tern__npy_read(&array, context, path, 1 << 26));
            assert_int_equal(array.dims[1], frames);
            assert_memory_equal(array.data, values, size * sizeof *values);
            tern__npy_free(&array, context);
            values[0] = NAN;
            values[size - 1] = INFINITY;
            check_ok(context,
                     tern_features_save_picture(f, path,
                                                "folder/a name that is far too long "
                                                "for the width of any picture of this kind, "
                                                "so that only its end is drawn",
                                                values, frames));
            uint8_t *pixels = read_back(&width, &height);
            assert_true(width > 1000 && width < 2000 && height > 400 && height < 900);
            assert_memory_equal(pixels, "\xff\xff\xff", 3);
            free(pixels);
            free(values);
            tern_features_free(f);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(features_drawn)};
    return cmocka_run_group_tests(tests, open_file, close_file);
}
