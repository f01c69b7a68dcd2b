/* Variations of sounds and features: sizes as asked for, the same bits for the same seed. */
#include "check.h"

#include <tern/audio.h>

enum { COUNT = 40000 };
static float sound[COUNT], varied[COUNT], again[COUNT];

static int setup(void **state) {
    (void)state;
    for (int i = 0; i < COUNT; i++) sound[i] = 0.3f * (float)sin(0.05 * i);
    return 0;
}

static double power(const float *x, const float *minus, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double d = x[i] - (minus ? minus[i] : 0);
        sum += d * d;
    }
    return sum / (double)count;
}

static void shift_and_gain(void **state) {
    (void)state;
    float x[5] = {1, 2, 3, 4, 5};
    tern_samples_shift(x, 5, 2);
    check_floats(x, ((double[]){0, 0, 1, 2, 3}), 5, 0, 0);
    tern_samples_shift(x, 5, -3);
    check_floats(x, ((double[]){2, 3, 0, 0, 0}), 5, 0, 0);
    tern_samples_gain(x, 5, 20);
    check_floats(x, ((double[]){20, 30, 0, 0, 0}), 5, 0, 1e-7);
    tern_samples_shift(x, 5, INT64_MAX);
    check_floats(x, ((double[]){0, 0, 0, 0, 0}), 5, 0, 0);
}

static void noise_at_a_ratio(void **state) {
    (void)state;
    float noise[777];
    for (int i = 0; i < 777; i++) noise[i] = (float)(i % 7 - 3);
    for (int recorded = 0; recorded < 2; recorded++)
        for (double snr = -10; snr <= 30; snr += 20) {
            memcpy(varied, sound, sizeof sound);
            memcpy(again, sound, sizeof sound);
            tern_samples_add_noise(varied, COUNT, recorded ? noise : NULL, 777, snr, 5);
            tern_samples_add_noise(again, COUNT, recorded ? noise : NULL, 777, snr, 5);
            assert_memory_equal(varied, again, sizeof varied);
            const double got = 10 * log10(power(sound, NULL, COUNT) / power(varied, sound, COUNT));
            /* White: the power of 40000 draws is off by 0.7 % (one standard error) */
            check_close(got, snr, recorded ? 1e-3 : 0.12, 0);
            tern_samples_add_noise(again, COUNT, recorded ? noise : NULL, 777, snr, 6);
            assert_memory_not_equal(varied, again, sizeof varied);
        }
    memset(noise, 0, sizeof noise);
    memcpy(varied, sound, sizeof sound);
    tern_samples_add_noise(varied, COUNT, noise, 777, 0, 5);
    assert_memory_equal(varied, sound, sizeof sound);
}

/* Runs of 1 in an array of 0 and 1. */
static void find_run(const float *x, size_t n, size_t stride, size_t *start, size_t *width) {
    size_t runs = 0;
    *width = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i * stride] == 0) continue;
        if (i == 0 || x[(i - 1) * stride] == 0) *start = i, runs++;
        ++*width;
    }
    assert_true(runs <= 1);
}

static void masks(void **state) {
    (void)state;
    enum { ROWS = 20, FRAMES = 50, WIDTH = 8 };
    int frames_seen[FRAMES] = {0}, rows_seen[ROWS] = {0};
    double mean = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        float x[ROWS * FRAMES] = {0};
        size_t start, width, other;
        tern_features_mask_frames(x, ROWS, FRAMES, WIDTH, 1, seed);
        find_run(x, FRAMES, 1, &start, &width);
        assert_true(width < WIDTH);
        mean += (double)width;
        for (size_t t = 0; t < width; t++) frames_seen[start + t]++;
        for (size_t row = 1; row < ROWS; row++)
            assert_memory_equal(x, x + row * FRAMES, FRAMES * sizeof *x);
        memset(x, 0, sizeof x);
        tern_features_mask_rows(x, ROWS, FRAMES, 1000, 1, seed); /* at most all of them */
        find_run(x, ROWS, FRAMES, &start, &other);
        for (size_t row = 0; row < other; row++) rows_seen[start + row]++;
    }
    check_close(mean / 2000, (WIDTH - 1) / 2.0, 4 * 2.3 / sqrt(2000), 0); /* four standard errors */
    /* By the definition the last place is never reached: start < frames - width. */
    for (int t = 0; t < FRAMES - 1; t++) assert_true(frames_seen[t] > 0);
    assert_int_equal(frames_seen[FRAMES - 1], 0);
    for (int row = 0; row < ROWS - 1; row++) assert_true(rows_seen[row] > 0);
}

static void mixing(void **state) {
    (void)state;
    float a[2] = {1, 3};
    const float b[2] = {5, 7};
    tern_features_mix(a, b, 2, 0.75);
    check_floats(a, ((double[]){2, 4}), 2, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shift_and_gain),
        cmocka_unit_test(noise_at_a_ratio),
        cmocka_unit_test(masks),
        cmocka_unit_test(mixing),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
