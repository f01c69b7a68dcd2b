/* idx files: read plain and gzipped, by name from a folder, and refused where they are wrong. */
#include "check.h"

#include "vision/idx.h"
#include <tern/vision_dataset.h>

#include <sys/stat.h>
#include <zlib.h>

static tern_context *context;
static char folder[64];

static int make_shared(void **state) {
    (void)state;
    strcpy(folder, "/tmp/tern_idx_XXXXXX");
    return tern_context_create(&context, NULL) != TERN_OK || !mkdtemp(folder);
}

static int free_shared(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    tern_context_free(context);
    return system(command);
}

/* A path in the folder (static). */
static const char *in_folder(const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t size, bool packed) {
    if (packed) {
        gzFile file = gzopen(in_folder(name), "wb");
        assert_int_equal(gzwrite(file, bytes, (unsigned)size), (int)size);
        gzclose(file);
        return;
    }
    FILE *file = fopen(in_folder(name), "wb");
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Two pictures 3 wide and 2 high. */
static const uint8_t pictures[] = {0, 0, 8, 3, 0, 0, 0, 2, 0,  0,  0,  2,  0,  0,
                                   0, 3, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 255};
static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 4, 1};

static void put_set(const char *set, bool packed) {
    char name[100];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte%s", set, packed ? ".gz" : "");
    write_file(name, pictures, sizeof pictures, packed);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte%s", set, packed ? ".gz" : "");
    write_file(name, labels, sizeof labels, packed);
}

static void remove_set(const char *set) {
    static const char *const endings[] = {"images-idx3-ubyte", "labels-idx1-ubyte",
                                          "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz"};
    for (int i = 0; i < 4; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s-%s", set, endings[i]);
        unlink(in_folder(name));
    }
}

static void plain_and_packed_are_the_same(void **state) {
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        put_set("train", packed);
        put_set("t10k", !packed);
        for (int test = 0; test < 2; test++) {
            tern__idx x;
            assert_true(tern__idx_is(folder));
            check_ok(context, tern__idx_read(&x, context, folder, test, 1e6));
            assert_non_null(strstr(x.images, test ? "t10k" : "train"));
            assert_int_equal(x.count, 2);
            assert_int_equal(x.width, 3);
            assert_int_equal(x.height, 2);
            assert_int_equal(x.channels, 1);
            assert_int_equal(x.classes, 5);
            assert_memory_equal(x.pixels, pictures + 16, 12);
            assert_memory_equal(x.classes_of, labels + 8, 2);
            tern__idx_free(&x, context);
        }
        remove_set("train");
        remove_set("t10k");
    }
    assert_false(tern__idx_is(folder));
    assert_true(tern__idx_is("x/train-images-idx3-ubyte.gz"));
    assert_false(tern__idx_is("x/train-labels-idx1-ubyte.gz"));
}

/* Labels without .gz beside pictures with it. */
static void as_a_data_set(void **state) {
    (void)state;
    write_file("a-images-idx3-ubyte.gz", pictures, sizeof pictures, true);
    write_file("a-labels-idx1-ubyte", labels, sizeof labels, false);
    tern_vision_dataset *data;
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    check_ok(context, tern_vision_dataset_open_labels(&data, context, folder, &o));
    const tern_dataset *samples = tern_vision_dataset_samples(data);
    assert_int_equal(tern_dataset_count(samples), 2);
    assert_int_equal(tern_dataset_class(samples, 0), 4);
    assert_int_equal(tern_vision_dataset_classes(data), 5);
    assert_string_equal(tern_vision_dataset_label(data, 3), "3");
    assert_non_null(strstr(tern_vision_dataset_file(data, 1), "a-images-idx3-ubyte.gz: 1"));
    tern_image image;
    check_ok(context, tern_vision_dataset_read(data, 1, &image, NULL));
    assert_int_equal(image.width, 3);
    assert_memory_equal(image.data, pictures + 22, 6);
    tern_image_free(&image);
    tern_vision_dataset_free(data);
    /* Brought to another size and to colour, with names. */
    const char *names[] = {"a", "b", "c", "d", "e"};
    o.width = 6;
    o.height = 4;
    o.channels = 3;
    o.labels = names;
    o.n_labels = 5;
    check_ok(context, tern_vision_dataset_open_labels(&data, context, folder, &o));
    int width, height;
    tern_vision_dataset_window(data, &width, &height);
    assert_int_equal(width, 6);
    assert_int_equal(height, 4);
    assert_int_equal(tern_vision_dataset_channels(data), 3);
    assert_string_equal(tern_vision_dataset_label(data, 4), "e");
    tern_vision_dataset_free(data);
    o.n_labels = 4;
    check_error(context, TERN_ERR_FORMAT, "labels up to 4, but names for 4",
                tern_vision_dataset_open_labels(&data, context, folder, &o));
    unlink(in_folder("a-images-idx3-ubyte.gz"));
    unlink(in_folder("a-labels-idx1-ubyte"));
}

static void refuse(const uint8_t *images, size_t n_images, const uint8_t *of, size_t n_labels,
                   tern_status status, const char *sentence) {
    for (int packed = 0; packed < 2; packed++) {
        tern__idx x;
        write_file(packed ? "b-images-idx3.gz" : "b-images-idx3", images, n_images, packed);
        if (of) write_file(packed ? "b-labels-idx1.gz" : "b-labels-idx1", of, n_labels, packed);
        check_error(context, status, sentence, tern__idx_read(&x, context, folder, false, 1e6));
        assert_null(x.pixels);
        assert_null(x.images);
        unlink(in_folder("b-images-idx3"));
        unlink(in_folder("b-images-idx3.gz"));
        unlink(in_folder("b-labels-idx1"));
        unlink(in_folder("b-labels-idx1.gz"));
    }
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    uint8_t other[sizeof pictures + 1];
    const size_t n = sizeof pictures, m = sizeof labels;
    memcpy(other, pictures, n);
    refuse(pictures, n, NULL, 0, TERN_ERR_IO, "which is not there");
    refuse(pictures, n - 1, labels, m, TERN_ERR_FORMAT,
           "says that 12 bytes follow its header, but 11 do");
    other[n] = 0;
    refuse(other, n + 1, labels, m, TERN_ERR_FORMAT, "says that 12 bytes follow its header, but");
    refuse(pictures, 7, labels, m, TERN_ERR_FORMAT, "is no idx file of bytes");
    other[2] = 13; /* floats */
    refuse(other, n, labels, m, TERN_ERR_FORMAT, "is no idx file of bytes");
    other[2] = 8;
    other[4] = 255; /* 4 thousand million pictures */
    refuse(other, n, labels, m, TERN_ERR_LIMIT, "1000000 are allowed");
    const uint8_t three[] = {0, 0, 8, 1, 0, 0, 0, 3, 4, 1, 2},
                  two_deep[] = {0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 4, 1};
    refuse(pictures, n, three, sizeof three, TERN_ERR_FORMAT, "holds 2 pictures, but");
    refuse(pictures, n, two_deep, sizeof two_deep, TERN_ERR_FORMAT,
           "has 2 dimensions; labels have one");
    refuse(labels, m, labels, m, TERN_ERR_FORMAT,
           "has 1 dimensions; pictures are [count, height, width]");
}

static void damaged_gzip_is_named(void **state) {
    (void)state;
    put_set("train", true);
    FILE *file = fopen(in_folder("train-images-idx3-ubyte.gz"), "r+b");
    fseek(file, 14, SEEK_SET);
    fwrite("\xff\xff\xff\xff", 1, 4, file);
    fclose(file);
    tern__idx x;
    tern_status st = tern__idx_read(&x, context, folder, false, 1e6);
    assert_int_equal(st, TERN_ERR_FORMAT);
    remove_set("train");
}

static void mnist_is_read(void **state) {
    (void)state;
    const char *path = check_data("mnist");
    if (!path) skip();
    tern__idx x;
    check_ok(context, tern__idx_read(&x, context, path, true, 1e9));
    static const uint8_t first[] = {7, 2, 1, 0, 4, 1, 4, 9, 5, 9};
    assert_int_equal(x.count, 10000);
    assert_int_equal(x.width, 28);
    assert_int_equal(x.classes, 10);
    assert_memory_equal(x.classes_of, first, sizeof first);
    tern__idx_free(&x, context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_packed_are_the_same),
        cmocka_unit_test(as_a_data_set),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(damaged_gzip_is_named),
        cmocka_unit_test(mnist_is_read),
    };
    return cmocka_run_group_tests(tests, make_shared, free_shared);
}
