/* U-Net's weight map against the formula over all pairs of pixels, and in the targets of a data
 * set. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

#include "core/train/dataset.h"
#include <tern/vision_dataset.h>

enum { WIDTH = 40, HEIGHT = 30 };

/* Three bars with gaps of 3 and 8 pixels, one of another class; object k at pixel i, or -1. */
static int object_at(int x, int y) {
    if (y < 4 || y >= 26) return -1;
    return x >= 5 && x < 12 ? 0 : x >= 15 && x < 20 ? 1 : x >= 28 && x < 38 - y / 8 ? 2 : -1;
}

static double expected_weight(int x, int y, double w0, double sigma) {
    double nearest[3] = {HUGE_VAL, HUGE_VAL, HUGE_VAL};
    if (object_at(x, y) >= 0) return 1;
    for (int row = 0; row < HEIGHT; row++)
        for (int column = 0; column < WIDTH; column++) {
            const int k = object_at(column, row);
            if (k >= 0) nearest[k] = fmin(nearest[k], hypot(column - x, row - y));
        }
    double d1 = HUGE_VAL, d2 = HUGE_VAL;
    for (int k = 0; k < 3; k++)
        if (nearest[k] < d1)
            d2 = d1, d1 = nearest[k];
        else if (nearest[k] < d2)
            d2 = nearest[k];
    return 1 + w0 * exp(-(d1 + d2) * (d1 + d2) / (2 * sigma * sigma));
}

static void by_the_formula(void **state) {
    (void)state;
    tern_context *c;
    tern_mask mask;
    static float weights[WIDTH * HEIGHT];
    check_ok(c, tern_context_create(&c, NULL));
    check_ok(c, tern_mask_create(&mask, c, WIDTH, HEIGHT, 3, 0));
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        const int k = object_at(i % WIDTH, i / WIDTH);
        mask.labels[i] = (uint8_t)(k < 0 ? 0 : k == 1 ? 2 : 1);
    }
    mask.labels[0] = TERN_MASK_IGNORED;
    static const double sigmas[] = {5, 2.5};
    for (int s = 0; s < 2; s++) {
        check_ok(c, tern_mask_border_weights(weights, &mask, 10, sigmas[s]));
        check_close(weights[0], 0, 0, 0);
        for (int i = 1; i < WIDTH * HEIGHT; i++) /* beyond 4 sigma nothing is added */
            check_close(weights[i], expected_weight(i % WIDTH, i / WIDTH, 10, sigmas[s]), 0.0034,
                        1e-5);
        check_close(weights[15 * WIDTH + 13], 1 + 10 * exp(-16 / (2 * sigmas[s] * sigmas[s])), 0,
                    1e-6);
    }
    check_error(c, TERN_ERR_ARGUMENT, "sigma above 0",
                tern_mask_border_weights(weights, &mask, 10, 0));
    tern_mask_free(&mask);
    tern_context_free(c);
}

static void in_targets(void **state) {
    (void)state;
    tern_context *c;
    char folder[64], masks[80];
    check_ok(c, tern_context_create(&c, NULL));
    pictures_folder(folder);
    snprintf(masks, sizeof masks, "%s/masks", folder);
    assert_int_equal(mkdir(pictures_path(folder, "images"), 0700), 0);
    assert_int_equal(mkdir(masks, 0700), 0);
    tern_image image = pictures_make(c, WIDTH, HEIGHT, 1, 8);
    check_ok(c, tern_image_save(&image, pictures_path(folder, "images/a.png"), 0));
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        ((uint8_t *)image.data)[i] = object_at(i % WIDTH, i / WIDTH) >= 0 ? 255 : 0;
    check_ok(c, tern_image_save(&image, pictures_path(folder, "masks/a.png"), 0));
    tern_image_free(&image);
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    o.masks = masks;
    o.border_weight = 10;
    tern_vision_dataset *d;
    check_error(c, TERN_ERR_ARGUMENT, "needs a weighted target",
                tern_vision_dataset_open(&d, c, pictures_path(folder, "images"), &o));
    o.target = TERN_VISION_TARGET_WEIGHTED;
    o.augmentation.mirror = 1; /* weights are mirrored with the picture */
    check_ok(c, tern_vision_dataset_open(&d, c, pictures_path(folder, "images"), &o));
    tern__batch b = {.context = c};
    for (int training = 0; training < 2; training++) {
        check_ok(c, tern__batch_load(&b, tern_vision_dataset_samples(d), (int64_t[]){0}, 1,
                                     training, 1, 1));
        const float *target = b.target.data, *weights = target + WIDTH * HEIGHT;
        for (int i = 0; i < WIDTH * HEIGHT; i++) {
            const int x = training ? WIDTH - 1 - i % WIDTH : i % WIDTH, y = i / WIDTH;
            check_close(target[i], object_at(x, y) >= 0, 0, 0);
            check_close(weights[i], expected_weight(x, y, 10, 5), 0.5 * 10 / 255 + 0.0034, 1e-5);
        }
    }
    tern__batch_free(&b);
    tern_vision_dataset_free(d);
    pictures_remove(folder);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_the_formula),
                                       cmocka_unit_test(in_targets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
