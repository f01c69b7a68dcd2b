/* NumPy's array files: what is written is read back; malformed ones are refused. */
#include "one_file.h"
#include "core/base/npy.h"

static void save(const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void round_trip(void **state) {
    (void)state;
    const float values[6] = {1, -2.5f, 3e-30f, INFINITY, NAN, 0};
    tern__npy array;
    check_ok(context,
             tern__npy_write(context, path, TERN__NPY_FLOAT32, 2, (int64_t[]){2, 3}, values));
    check_ok(context, tern__npy_read(&array, context, path, 1 << 20));
    assert_int_equal(array.rank, 2);
    assert_int_equal(array.dims[0], 2);
    assert_int_equal(array.dims[1], 3);
    assert_memory_equal(array.data, values, sizeof values);
    tern__npy_free(&array, context);

    const int64_t labels[3] = {1, -2, INT64_MAX};
    check_ok(context, tern__npy_write(context, path, TERN__NPY_INT64, 1, (int64_t[]){3}, labels));
    check_ok(context, tern__npy_read(&array, context, path, 1 << 20));
    assert_int_equal(array.type, TERN__NPY_INT64);
    assert_memory_equal(array.data, labels, sizeof labels);
    tern__npy_free(&array, context);

    check_ok(context, tern__npy_write(context, path, TERN__NPY_FLOAT32, 0, NULL, values));
    check_ok(context, tern__npy_read(&array, context, path, 1 << 20));
    assert_int_equal(array.rank, 0);
    assert_int_equal(array.count, 1);
    tern__npy_free(&array, context);
}

/* A file of format 1.0 with this header and body. */
static tern_status read_made(tern__npy *array, const char *header, const void *body, size_t size) {
    char bytes[512] = "\x93NUMPY\x01";
    const size_t length = strlen(header);
    bytes[8] = (char)length;
    memcpy(bytes + 10, header, length);
    if (size) memcpy(bytes + 10 + length, body, size);
    save(bytes, 10 + length + size);
    return tern__npy_read(array, context, path, 1 << 20);
}

static void column_major(void **state) {
    (void)state;
    const int16_t columns[6] = {1, 4, 2, 5, 3, 6};
    tern__npy array;
    check_ok(context,
             read_made(&array, "{'shape': (2, 3), 'fortran_order': True, 'descr': '<i2'}\n",
                       columns, sizeof columns));
    for (int i = 0; i < 6; i++) check_close(tern__npy_get(&array, i, 0), i + 1, 0, 0);
    tern__npy_free(&array, context);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t size;
        tern_status status;
        const char *text;
    } cases[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4, TERN_ERR_UNSUPPORTED,
         ">f4"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4, TERN_ERR_FORMAT,
         "2 elements"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", 4, TERN_ERR_FORMAT,
         "4 bytes follow"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 4,
         TERN_ERR_FORMAT, "too many"},
        {"{'descr': '<f4', 'fortran_order': False}", 4, TERN_ERR_FORMAT, "its header is not"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4,
         TERN_ERR_FORMAT, "its header is not"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4,
         TERN_ERR_FORMAT, "8 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", 4, TERN_ERR_FORMAT,
         "its header is not"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tern__npy array;
        check_error(context, cases[i].status, cases[i].text,
                    read_made(&array, cases[i].header, "abcd", cases[i].size));
        assert_null(array.data);
    }
    tern__npy array;
    check_error(context, TERN_ERR_IO, "/nowhere", tern__npy_read(&array, context, "/nowhere", 99));
}

/* Cut at any byte: an error, never a crash. */
static void cut_anywhere(void **state) {
    (void)state;
    const float values[4] = {1, 2, 3, 4};
    check_ok(context,
             tern__npy_write(context, path, TERN__NPY_FLOAT32, 2, (int64_t[]){2, 2}, values));
    char bytes[512];
    FILE *file = fopen(path, "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal((size - 16) % 64, 0);
    for (size_t n = 0; n < size; n++) {
        tern__npy array;
        save(bytes, n);
        assert_int_equal(tern__npy_read(&array, context, path, 1 << 20), TERN_ERR_FORMAT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(column_major),
        cmocka_unit_test(refusals),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}
