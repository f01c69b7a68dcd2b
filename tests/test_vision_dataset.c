/* Data sets of pictures: matching, sizes, crops, targets, fields of view, labels, normalisation,
 * and everything that can be wrong with them. */
#define _XOPEN_SOURCE 700
#include "pictures.h"

#include "core/train/dataset.h"
#include <tern/vision_dataset.h>

typedef struct fixture {
    char folder[64];
    tern_context *c;
    char log[4096];
} fixture;

static void keep_log(void *user, tern_log_level level, const char *line) {
    fixture *f = user;
    const size_t n = strlen(f->log);
    snprintf(f->log + n, sizeof f->log - n, "%s%s\n", level == TERN_LOG_WARNING ? "warning: " : "",
             line);
}

static tern_context *context_of(fixture *f, int threads) {
    tern_context *c;
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    o.on_log = keep_log;
    o.user = f;
    check_ok(c, tern_context_create(&c, &o));
    return c;
}

/* A picture whose red is 2 x, green 2 y and blue `tint`; its mask: 1 where x + y is at least 40. */
static void write_pair(fixture *f, const char *name, int width, int height, int tint,
                       const char *mask_ending) {
    char file[100];
    tern_image image, mask, view;
    check_ok(f->c, tern_image_create(&image, f->c, width, height, 3, 8));
    check_ok(f->c, tern_image_create(&mask, f->c, width, height, 1, 8));
    check_ok(f->c, tern_image_create(&view, f->c, width, height, 1, 8));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const int i = y * width + x;
            const uint8_t pixel[3] = {(uint8_t)(2 * x), (uint8_t)(2 * y), (uint8_t)tint};
            memcpy((uint8_t *)image.data + 3 * i, pixel, 3);
            ((uint8_t *)mask.data)[i] = x + y >= 40 ? 255 : 0;
            ((uint8_t *)view.data)[i] = x >= 4 ? 255 : 0;
        }
    snprintf(file, sizeof file, "images/%s", name);
    check_ok(f->c, tern_image_save(&image, pictures_path(f->folder, file), 0));
    const int stem = (int)(strrchr(name, '.') - name);
    snprintf(file, sizeof file, "masks/%.*s%s.png", stem, name, mask_ending);
    check_ok(f->c, tern_image_save(&mask, pictures_path(f->folder, file), 0));
    snprintf(file, sizeof file, "fov/%.*s.png", stem, name);
    check_ok(f->c, tern_image_save(&view, pictures_path(f->folder, file), 0));
    tern_image_free(&image);
    tern_image_free(&mask);
    tern_image_free(&view);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    f->c = context_of(f, 1);
    pictures_folder(f->folder);
    static const char *const folders[] = {"images",      "images/night", "masks",
                                          "masks/night", "fov",          "fov/night"};
    for (int i = 0; i < 6; i++)
        assert_int_equal(mkdir(pictures_path(f->folder, folders[i]), 0700), 0);
    write_pair(f, "a.png", 60, 40, 10, "");
    write_pair(f, "b.c.ppm", 50, 45, 20, "_mask");
    write_pair(f, "night/a.png", 30, 20, 30, ""); /* its mask: the lower right corner */
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    pictures_remove(f->folder);
    tern_context_free(f->c);
    free(f);
    return 0;
}

static tern_vision_dataset_options options_of(fixture *f) {
    static char masks[100];
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    snprintf(masks, sizeof masks, "%s", pictures_path(f->folder, "masks"));
    o.masks = masks;
    return o;
}

static tern_vision_dataset *open_data(fixture *f, const tern_vision_dataset_options *o) {
    tern_vision_dataset *d;
    f->log[0] = 0;
    check_ok(f->c, tern_vision_dataset_open(&d, f->c, pictures_path(f->folder, "images/"), o));
    return d;
}

/* Where sample i of a batch was cut out: column and row of its first pixel in the picture. */
static void place_of(const tern__batch *b, int64_t i, int *x, int *y) {
    const int64_t plane = b->inputs[0].dims[2] * b->inputs[0].dims[3];
    const float *at = (const float *)b->inputs[0].data + i * 3 * plane;
    *x = (int)lround((double)at[0] * 127.5);
    *y = (int)lround((double)at[plane] * 127.5);
}

static void crops_and_targets(void **state) {
    fixture *f = *state;
    for (int target = TERN_VISION_TARGET_CLASSES; target <= TERN_VISION_TARGET_WEIGHTED; target++)
        for (int fov = 0; fov < 2; fov++) {
            tern_vision_dataset_options o = options_of(f);
            char view[100];
            snprintf(view, sizeof view, "%s", pictures_path(f->folder, "fov"));
            o.crop_width = 13;
            o.crop_height = 9;
            o.multiple = 8;
            o.crops = 5;
            o.target = (tern_vision_target)target;
            o.fov = fov ? view : NULL;
            tern_vision_dataset *d = open_data(f, &o);
            assert_int_equal(tern_vision_dataset_pictures(d), 3);
            assert_int_equal(tern_vision_dataset_channels(d), 3);
            assert_int_equal(tern_vision_dataset_classes(d), 2);
            assert_null(tern_vision_dataset_label(d, 0));
            int width, height;
            tern_vision_dataset_window(d, &width, &height);
            assert_true(width == 16 && height == 16);
            tern_dataset *s = tern_vision_dataset_samples(d);
            assert_int_equal(tern_dataset_count(s), 15);
            assert_int_equal(tern_dataset_group(s, 9), 1);
            assert_int_equal(tern_dataset_class(s, 9), -1);
            assert_non_null(strstr(tern_vision_dataset_file(d, 1), "images/b.c.ppm"));
            tern__batch b = {.context = f->c};
            int64_t samples[15];
            for (int i = 0; i < 15; i++) samples[i] = i;
            int x, y, different = 0;
            for (int training = 0; training < 2; training++) {
                check_ok(f->c, tern__batch_load(&b, s, samples, 15, training, 1, 2));
                assert_int_equal(b.inputs[0].dims[1], 3);
                assert_int_equal(b.inputs[0].dims[2], 16);
                assert_int_equal(b.target.type, target ? TERN_FLOAT : TERN_INT64);
                assert_int_equal(b.target.rank, target ? 4 : 3);
                for (int64_t i = 0; i < 15; i++) {
                    place_of(&b, i, &x, &y);
                    tern_vision_dataset_size(d, i / 5, &width, &height);
                    assert_true(x >= 0 && y >= 0 && x <= width - 16 && y <= height - 16);
                    const float *blue = (float *)b.inputs[0].data + (i * 3 + 2) * 256;
                    check_close(blue[77], (10 + 10 * (i / 5)) / 255.0, 1e-6, 0);
                    if (training && i % 5) different++;
                    for (int k = 0; k < 256; k++) {
                        const int px = x + k % 16, py = y + k / 16;
                        const bool counts = !fov || px >= 4;
                        const int label = px + py >= 40;
                        if (target == TERN_VISION_TARGET_CLASSES) {
                            assert_int_equal(((int64_t *)b.target.data)[i * 256 + k],
                                             counts ? label : -100);
                            continue;
                        }
                        const float *t =
                            (float *)b.target.data + i * 256 * (target == 2 ? 2 : 1) + k;
                        if (target == TERN_VISION_TARGET_BINARY)
                            check_close(t[0], counts ? label : 0, 0, 0);
                        else {
                            check_close(t[0], counts ? label : 0, 0, 0);
                            check_close(t[256], counts, 0, 0);
                        }
                    }
                }
            }
            assert_int_equal(different, 12);
            double shares[2];
            tern_vision_dataset_shares(d, shares);
            check_close(shares[0] + shares[1], 1, 1e-12, 0);
            tern__batch_free(&b);
            tern_vision_dataset_free(d);
        }
    assert_non_null(strstr(f->log, "3 pictures of 30 to 60 pixels wide and 20 to 45 high, RGB"));
    assert_non_null(strstr(f->log, "do not count"));
}

/* Outside training windows lie evenly, whole pictures at the upper left, and padding does not
 * count. */
static void evaluation(void **state) {
    fixture *f = *state;
    tern_vision_dataset_options o = options_of(f);
    o.crop_width = 20;
    o.crops = 6;
    tern_vision_dataset *d = open_data(f, &o);
    tern__batch b = {.context = f->c};
    int64_t samples[18];
    for (int i = 0; i < 18; i++) samples[i] = i;
    check_ok(f->c, tern__batch_load(&b, tern_vision_dataset_samples(d), samples, 18, false, 1, 2));
    static const int places[18][2] = {/* 60 x 40: 3 columns, 2 rows */
                                      {0, 0},
                                      {20, 0},
                                      {40, 0},
                                      {0, 20},
                                      {20, 20},
                                      {40, 20},
                                      /* 50 x 45: 3 columns, 2 rows */
                                      {0, 0},
                                      {15, 0},
                                      {30, 0},
                                      {0, 25},
                                      {15, 25},
                                      {30, 25},
                                      /* 30 x 20: 3 columns of one row's height, twice */
                                      {0, 0},
                                      {5, 0},
                                      {10, 0},
                                      {0, 0},
                                      {5, 0},
                                      {10, 0}};
    for (int i = 0; i < 18; i++) {
        int x, y;
        place_of(&b, i, &x, &y);
        assert_int_equal(x, places[i][0]);
        assert_int_equal(y, places[i][1]);
    }
    tern_vision_dataset_free(d);
    o.crops = 0;
    o.whole = true;
    o.multiple = 16;
    d = open_data(f, &o);
    check_ok(f->c, tern__batch_load(&b, tern_vision_dataset_samples(d), samples, 3, false, 1, 2));
    assert_int_equal(b.inputs[0].dims[3], 64);
    assert_int_equal(b.inputs[0].dims[2], 48);
    for (int i = 0; i < 3; i++) {
        int x, y, width, height;
        place_of(&b, i, &x, &y);
        assert_true(x == 0 && y == 0);
        tern_vision_dataset_size(d, i, &width, &height);
        for (int k = 0; k < 64 * 48; k++) {
            const int px = k % 64, py = k / 64;
            assert_int_equal(((int64_t *)b.target.data)[i * 64 * 48 + k],
                             px >= width || py >= height ? -100 : px + py >= 40);
        }
        /* Beyond the edge the picture is mirrored. */
        const float *red = (float *)b.inputs[0].data + i * 3 * 64 * 48;
        check_close(red[width + 1], red[width - 3], 0, 0);
    }
    check_ok(f->c,
             tern__batch_load(&b, tern_vision_dataset_samples(d), samples + 2, 1, false, 1, 2));
    assert_int_equal(b.inputs[0].dims[3], 32);
    /* A crop larger than the picture is padded on all sides. */
    tern_vision_dataset_free(d);
    o.whole = false;
    o.crop_width = 64;
    d = open_data(f, &o);
    check_ok(f->c, tern__batch_load(&b, tern_vision_dataset_samples(d), samples, 3, false, 1, 2));
    const int64_t *third = (int64_t *)b.target.data + 2 * 64 * 64;
    assert_int_equal(third[22 * 64 + 16], -100);
    assert_int_equal(third[22 * 64 + 17], 0);
    assert_int_equal(third[21 * 64 + 17], -100);
    tern_vision_dataset_free(d);
    tern__batch_free(&b);
}

static void crops_around_the_foreground(void **state) {
    fixture *f = *state;
    tern_vision_dataset_options o = options_of(f);
    o.crop_width = 4;
    o.crops = 200;
    int found[2];
    for (int around = 0; around < 2; around++) {
        o.foreground = around;
        tern_vision_dataset *d = open_data(f, &o);
        tern__batch b = {.context = f->c};
        int64_t samples[200];
        for (int i = 0; i < 200; i++) samples[i] = 400 + i; /* the picture with a small corner */
        check_ok(f->c,
                 tern__batch_load(&b, tern_vision_dataset_samples(d), samples, 200, true, 1, 2));
        found[around] = 0;
        for (int i = 0; i < 200; i++) {
            bool any = false;
            for (int k = 0; k < 16; k++) any = any || ((int64_t *)b.target.data)[i * 16 + k] == 1;
            found[around] += any;
        }
        tern__batch_free(&b);
        tern_vision_dataset_free(d);
    }
    assert_true(found[0] < 60);
    assert_int_equal(found[1], 200);
}

/* What training sees depends on seed and epoch, not on threads or batch. */
static void augmentation(void **state) {
    fixture *f = *state;
    static float first[4 * 3 * 24 * 24];
    static int64_t first_target[4 * 24 * 24];
    const int64_t samples[4] = {0, 1, 2, 3};
    for (int threads = 1; threads <= 3; threads++) {
        fixture other = *f;
        other.c = context_of(&other, threads);
        tern_vision_dataset_options o = options_of(f);
        o.crop_width = 24;
        o.crops = 2;
        o.target = TERN_VISION_TARGET_CLASSES;
        check_ok(f->c, tern_vision_augmentation_parse(
                           &o.augmentation, f->c,
                           "mirror=0.5,rotate=30,scale=0.3,elastic=1,hue=20,noise=0.02,blur=1"));
        tern_vision_dataset *d = open_data(&other, &o);
        tern_dataset *s = tern_vision_dataset_samples(d);
        tern__batch b = {.context = other.c};
        check_ok(other.c, tern__batch_load(&b, s, samples, 4, true, 7, 3));
        if (threads == 1) {
            memcpy(first, b.inputs[0].data, sizeof first);
            memcpy(first_target, b.target.data, sizeof first_target);
        }
        assert_memory_equal(b.inputs[0].data, first, sizeof first);
        assert_memory_equal(b.target.data, first_target, sizeof first_target);
        check_ok(other.c, tern__batch_load(&b, s, samples + 2, 1, true, 7, 3));
        assert_memory_equal(b.inputs[0].data, first + 2 * 3 * 24 * 24, sizeof first / 4);
        check_ok(other.c, tern__batch_load(&b, s, samples, 4, true, 7, 4));
        assert_memory_not_equal(b.inputs[0].data, first, sizeof first);
        const uint64_t before = tern__dataset_fingerprint(s);
        tern_vision_augmentation more = {.blur = 30};
        check_error(other.c, TERN_ERR_ARGUMENT, "blur is 30", tern_vision_dataset_vary(d, &more));
        assert_true(tern__dataset_fingerprint(s) == before);
        more.blur = 15;
        check_ok(other.c, tern_vision_dataset_vary(d, &more));
        assert_true(tern__dataset_fingerprint(s) != before);
        check_ok(other.c, tern__batch_load(&b, s, samples, 4, true, 7, 4));
        tern__batch_free(&b);
        tern_vision_dataset_free(d);
        tern_context_free(other.c);
    }
}

static void sizes_and_normalisation(void **state) {
    fixture *f = *state;
    tern_vision_dataset_options o = options_of(f);
    o.width = 32;
    o.height = 24;
    o.channels = 1;
    tern_vision_dataset *d = open_data(f, &o);
    tern_dataset *subset, *s = tern_vision_dataset_samples(d);
    tern__batch b = {.context = f->c};
    const int64_t two[2] = {0, 2};
    check_ok(f->c, tern_dataset_subset(&subset, s, two, 2));
    check_ok(f->c, tern__batch_load(&b, subset, (int64_t[]){0, 1}, 2, false, 1, 1));
    assert_int_equal(b.inputs[0].dims[1], 1);
    assert_int_equal(b.inputs[0].dims[2], 24);
    double sum = 0, square = 0;
    float plain[2 * 32 * 24];
    memcpy(plain, b.inputs[0].data, sizeof plain);
    for (int i = 0; i < 2 * 32 * 24; i++) {
        sum += (double)plain[i];
        square += (double)plain[i] * (double)plain[i];
    }
    const double mean = sum / (2 * 32 * 24), std = sqrt(square / (2 * 32 * 24) - mean * mean);
    check_ok(f->c, tern_vision_dataset_normalize(d, subset));
    const tern_normalization *n = tern_vision_dataset_normalization(d);
    assert_int_equal(n->channels, 1);
    check_close(n->mean[0], mean, 1e-6, 0);
    check_close(n->std[0], std, 1e-6, 0);
    check_ok(f->c, tern__batch_load(&b, subset, (int64_t[]){0, 1}, 2, false, 1, 1));
    for (int i = 0; i < 2 * 32 * 24; i++)
        check_close(((float *)b.inputs[0].data)[i], ((double)plain[i] - mean) / std, 1e-5, 1e-5);
    const tern_normalization given = {1, {0.5f}, {0.25f}}, wrong = {3, {0}, {1, 1, 1}};
    check_ok(f->c, tern_vision_dataset_set_normalization(d, &given));
    check_ok(f->c, tern__batch_load(&b, subset, (int64_t[]){0, 1}, 2, false, 1, 1));
    check_close(((float *)b.inputs[0].data)[9], ((double)plain[9] - 0.5) * 4, 1e-6, 0);
    check_error(f->c, TERN_ERR_ARGUMENT, "3 channels",
                tern_vision_dataset_set_normalization(d, &wrong));
    /* Read again: as in the file, with the classes of the data set. */
    tern_image image;
    tern_mask mask;
    check_ok(f->c, tern_vision_dataset_read(d, 1, &image, &mask));
    assert_true(image.width == 50 && image.channels == 1 && mask.height == 45);
    assert_int_equal(mask.labels[10 * 50 + 30], 1);
    assert_int_equal(mask.labels[10 * 50 + 29], 0);
    tern_image_free(&image);
    tern_mask_free(&mask);
    check_error(f->c, TERN_ERR_ARGUMENT, "picture 3 of 3",
                tern_vision_dataset_read(d, 3, &image, NULL));
    tern_dataset_free(subset);
    tern__batch_free(&b);
    tern_vision_dataset_free(d);
}

static void check_wrong(fixture *f, const tern_vision_dataset_options *o, tern_status status,
                        const char *says) {
    tern_vision_dataset *d;
    check_error(f->c, status, says,
                tern_vision_dataset_open(&d, f->c, pictures_path(f->folder, "images"), o));
    assert_null(d);
}

static void mistakes(void **state) {
    fixture *f = *state;
    tern_vision_dataset_options o = options_of(f);
    check_wrong(f, &o, TERN_ERR_ARGUMENT, "different sizes are cropped (crop) or resized (size)");
    o.crop_width = 8;
    o.memory = 100;
    check_wrong(f, &o, TERN_ERR_LIMIT, "GB that are allowed");
    o.memory = 0;
    o.foreground = 2;
    check_wrong(f, &o, TERN_ERR_ARGUMENT, "foreground is 2; it must be in 0..1");
    o.foreground = 0;
    o.width = 3;
    check_wrong(f, &o, TERN_ERR_ARGUMENT, "width and height must both");
    o.width = 0;
    o.masks = NULL;
    check_wrong(f, &o, TERN_ERR_ARGUMENT, "no folder of masks");
    o = options_of(f);
    o.crop_width = 8;
    o.size = 1;
    check_wrong(f, &o, TERN_ERR_ARGUMENT, "TERN_VISION_DATASET_OPTIONS_INIT");
    o.size = sizeof o;
    o.fov = "/nowhere";
    check_wrong(f, &o, TERN_ERR_IO, "/nowhere");
    o.fov = NULL;
    tern_image image = pictures_make(f->c, 9, 9, 1, 8);
    /* A picture without a mask, a mask of another size, two files of one name. */
    check_ok(f->c, tern_image_save(&image, pictures_path(f->folder, "images/lost.png"), 0));
    check_wrong(f, &o, TERN_ERR_FORMAT, "images/lost.png: it has no mask");
    tern_image small = pictures_make(f->c, 9, 8, 1, 8);
    check_ok(f->c, tern_image_save(&small, pictures_path(f->folder, "masks/lost.png"), 0));
    check_wrong(f, &o, TERN_ERR_FORMAT, "masks/lost.png: the mask has 9 x 8 pixels, its picture");
    check_ok(f->c, tern_image_save(&image, pictures_path(f->folder, "masks/lost.png"), 0));
    check_ok(f->c, tern_image_save(&image, pictures_path(f->folder, "images/lost.jpg"), 0));
    check_wrong(f, &o, TERN_ERR_FORMAT, "two pictures that differ in the ending only");
    assert_int_equal(remove(pictures_path(f->folder, "images/lost.jpg")), 0);
    o.coding = TERN_MASK_NUMBERS;
    o.classes = 4;
    check_wrong(f, &o, TERN_ERR_FORMAT, "the classes are 0 to 3");
    o.classes = 0;
    o.target = TERN_VISION_TARGET_BINARY;
    check_wrong(f, &o, TERN_ERR_FORMAT, "classes, a target of 0 and 1 has two");
    o = options_of(f);
    o.crop_width = 8;
    pictures_write(pictures_path(f->folder, "images/lost.png"), "no picture", 10);
    check_wrong(f, &o, TERN_ERR_FORMAT, "lost.png: by its first bytes");
    assert_int_equal(remove(pictures_path(f->folder, "images/lost.png")), 0);
    /* A mask without a picture, and masks without anything, are said in the log. */
    tern_vision_dataset *d = open_data(f, &o);
    assert_non_null(strstr(f->log, "warning: "));
    assert_non_null(strstr(f->log, "1 masks belong to no picture"));
    tern_vision_dataset_free(d);
    assert_int_equal(mkdir(pictures_path(f->folder, "nothing"), 0700), 0);
    check_error(f->c, TERN_ERR_FORMAT, "no file in it is a picture",
                tern_vision_dataset_open(&d, f->c, pictures_path(f->folder, "nothing"), &o));
    tern_image_free(&image);
    tern_image_free(&small);
}

static void empty_masks(void **state) {
    fixture *f = *state;
    tern_image black;
    static const struct {
        const char *name;
        int width, height;
    } masks[] = {
        {"masks/a.png", 60, 40}, {"masks/b.c_mask.png", 50, 45}, {"masks/night/a.png", 30, 20}};
    tern_vision_dataset_options o = options_of(f);
    o.crop_width = 16;
    o.foreground = 1;
    for (int i = 0; i < 3; i++) {
        check_ok(f->c, tern_image_create(&black, f->c, masks[i].width, masks[i].height, 1, 8));
        check_ok(f->c, tern_image_save(&black, pictures_path(f->folder, masks[i].name), 0));
        tern_image_free(&black);
        tern_vision_dataset *d = open_data(f, &o);
        assert_non_null(strstr(f->log, i == 0   ? "1 mask is empty: those of"
                                       : i == 1 ? "2 masks are empty"
                                                : "there is nothing to learn"));
        tern__batch b = {.context = f->c};
        check_ok(f->c, tern__batch_load(&b, tern_vision_dataset_samples(d), (int64_t[]){0, 1, 2}, 3,
                                        true, 1, 1));
        tern__batch_free(&b);
        tern_vision_dataset_free(d);
    }
}

static void a_folder_per_label(void **state) {
    fixture *f = *state;
    tern_vision_dataset *d;
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    const char *path = pictures_path(f->folder, "labels");
    char folder[100];
    snprintf(folder, sizeof folder, "%s", path);
    assert_int_equal(mkdir(folder, 0700), 0);
    static const char *const names[] = {"labels/dog", "labels/cat", "labels/cat/kitten"};
    for (int i = 0; i < 3; i++) {
        char name[100];
        assert_int_equal(mkdir(pictures_path(f->folder, names[i]), 0700), 0);
        tern_image image = pictures_make(f->c, 10 + i, 12, 1, i == 2 ? 16 : 8);
        snprintf(name, sizeof name, "%s/1.png", names[i]);
        check_ok(f->c, tern_image_save(&image, pictures_path(f->folder, name), 0));
        tern_image_free(&image);
    }
    o.width = o.height = 8;
    /* A label without a picture and one that is spelt in two ways are named. */
    assert_int_equal(mkdir(pictures_path(f->folder, "labels/empty"), 0700), 0);
    assert_int_equal(mkdir(pictures_path(f->folder, "labels/dog "), 0700), 0);
    tern_image twice = pictures_make(f->c, 9, 9, 1, 8);
    check_ok(f->c, tern_image_save(&twice, pictures_path(f->folder, "labels/dog /2.png"), 0));
    tern_image_free(&twice);
    check_ok(f->c, tern_vision_dataset_open_labels(&d, f->c, folder, &o));
    assert_int_equal(tern_vision_dataset_classes(d), 2);
    assert_int_equal(tern_dataset_count(tern_vision_dataset_samples(d)), 4);
    assert_non_null(strstr(f->log, "1 label without a picture was left out: empty"));
    assert_non_null(strstr(f->log, "merged into the label of the others: dog"));
    tern_vision_dataset_free(d);
    remove(pictures_path(f->folder, "labels/dog /2.png"));
    remove(pictures_path(f->folder, "labels/dog "));
    check_ok(f->c, tern_vision_dataset_open_labels(&d, f->c, folder, &o));
    tern_dataset *s = tern_vision_dataset_samples(d);
    assert_int_equal(tern_dataset_count(s), 3);
    assert_int_equal(tern_vision_dataset_classes(d), 2);
    assert_int_equal(tern_vision_dataset_channels(d), 1);
    assert_string_equal(tern_vision_dataset_label(d, 1), "dog");
    assert_int_equal(tern_dataset_class(s, 0), 0);
    assert_int_equal(tern_dataset_class(s, 2), 1);
    tern__batch b = {.context = f->c};
    check_ok(f->c, tern__batch_load(&b, s, (int64_t[]){2, 0}, 2, true, 1, 1));
    assert_int_equal(b.target.rank, 1);
    assert_int_equal(((int64_t *)b.target.data)[0], 1);
    assert_int_equal(((int64_t *)b.target.data)[1], 0);
    tern__batch_free(&b);
    tern_image image;
    tern_mask mask;
    check_error(f->c, TERN_ERR_ARGUMENT, "labels instead",
                tern_vision_dataset_read(d, 0, &image, &mask));
    tern_vision_dataset_free(d);
    /* In the order of a trained model; an unknown label is an error. */
    const char *const order[] = {"dog", "cow", "cat"}, *const other[] = {"dog", "cow"};
    o.labels = order;
    o.n_labels = 3;
    check_ok(f->c, tern_vision_dataset_open_labels(&d, f->c, folder, &o));
    assert_int_equal(tern_dataset_class(tern_vision_dataset_samples(d), 0), 2);
    double shares[3];
    tern_vision_dataset_shares(d, shares);
    check_close(shares[2], 2.0 / 3, 1e-12, 0);
    check_close(shares[1], 0, 0, 0);
    tern_vision_dataset_free(d);
    o.labels = other;
    o.n_labels = 2;
    check_error(f->c, TERN_ERR_FORMAT, "the label 'cat' is none of the 2 given",
                tern_vision_dataset_open_labels(&d, f->c, folder, &o));
    o.n_labels = 0;
    check_error(
        f->c, TERN_ERR_FORMAT, "it lies in no folder of a label",
        tern_vision_dataset_open_labels(&d, f->c, pictures_path(f->folder, "labels/cat"), &o));
    assert_int_equal(remove(pictures_path(f->folder, "labels/dog/1.png")), 0);
    check_error(f->c, TERN_ERR_FORMAT, "at least two labels",
                tern_vision_dataset_open_labels(&d, f->c, folder, &o));
}

static tern_status open_and_close(tern_context *c, void *argument) {
    fixture *f = argument;
    tern_vision_dataset *d;
    tern_vision_dataset_options o = options_of(f);
    o.width = o.height = 8;
    o.foreground = 0.5;
    o.augmentation.elastic = 1;
    tern_status st = tern_vision_dataset_open(&d, c, pictures_path(f->folder, "images"), &o);
    if (st == TERN_OK) st = tern_vision_dataset_normalize(d, tern_vision_dataset_samples(d));
    tern_vision_dataset_free(d);
    return st;
}

static void memory_that_runs_out(void **state) { pictures_starve(open_and_close, *state); }

/* The pictures that the project is measured with. */
static void real_data(void **state) {
    fixture *f = *state;
    static const struct {
        const char *pictures, *masks, *fov;
        int count, channels;
        double share;
    } sets[] = {{"isbi/image", "isbi/label", NULL, 24, 1, 0.779},
                {"drive/image", "drive/vessel", "drive/fov", 20, 3, 0.125},
                {"horses/image", "horses/mask", NULL, 262, 3, 0.232}};
    for (int i = 0; i < 3; i++) {
        char pictures[4096], masks[4096], fov[4096];
        tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
        const char *path = check_data(sets[i].pictures);
        if (!path) skip();
        snprintf(pictures, sizeof pictures, "%s", path);
        snprintf(masks, sizeof masks, "%s", check_data(sets[i].masks));
        if (sets[i].fov) snprintf(fov, sizeof fov, "%s", check_data(sets[i].fov));
        o.masks = masks;
        o.fov = sets[i].fov ? fov : NULL;
        o.crop_width = 64;
        tern_vision_dataset *d;
        check_ok(f->c, tern_vision_dataset_open(&d, f->c, pictures, &o));
        assert_int_equal(tern_vision_dataset_pictures(d), sets[i].count);
        assert_int_equal(tern_vision_dataset_channels(d), sets[i].channels);
        double shares[2];
        tern_vision_dataset_shares(d, shares);
        check_close(shares[1], sets[i].share, 0.01, 0);
        tern_vision_dataset_free(d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(crops_and_targets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evaluation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(crops_around_the_foreground, set_up, tear_down),
        cmocka_unit_test_setup_teardown(augmentation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sizes_and_normalisation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_masks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_per_label, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_runs_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(real_data, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
