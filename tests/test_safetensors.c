/* Safetensors files: what is written comes back; every malformed file gets a sentence. */
#include "check.h"
#include "core/base/file.h"
#include "core/onnx/safetensors.h"

static tern_context *context;
static char path[64];

static int open_context(void **state) {
    (void)state;
    snprintf(path, sizeof path, "tern-test-%d.safetensors", (int)getpid());
    return tern_context_create(&context, NULL) == TERN_OK ? 0 : -1;
}
static int close_context(void **state) {
    (void)state;
    unlink(path);
    tern_context_free(context);
    return 0;
}

static const double doubles[2] = {0.1, -1e300};
static const float floats[6] = {1, 2, 3, 4, 5, -0.0f};
static const int64_t longs[1] = {INT64_MIN};
static const unsigned char bytes[3] = {0, 127, 255};
static const tern__safe_tensor tensors[] = {
    {"moments", TERN__SAFE_F64, 1, {2}, doubles, 0},
    {"step", TERN__SAFE_I64, 0, {0}, longs, 0},
    {"a \"name\"\n of \xc3\xa4ll sorts", TERN__SAFE_F32, 3, {1, 2, 3}, floats, 0},
    {"none", TERN__SAFE_F32, 2, {0, 7}, NULL, 0},
    {"mask", TERN__SAFE_U8, 1, {3}, bytes, 0},
};
enum { n_tensors = sizeof tensors / sizeof *tensors };
static const tern__safe_text texts[] = {{"format", "tern"}, {"note", "line 1\nline \"2\""}};

static void comes_back(void **state) {
    (void)state;
    check_ok(context, tern__safetensors_save(context, path, tensors, n_tensors, texts, 2));
    tern__safetensors *f;
    check_ok(context, tern__safetensors_load(&f, context, path, 1 << 20));
    assert_int_equal(f->n_tensors, n_tensors);
    assert_string_equal(tern__safetensors_metadata(f, "format"), "tern");
    assert_string_equal(tern__safetensors_metadata(f, "note"), texts[1].value);
    assert_null(tern__safetensors_metadata(f, "absent"));
    for (int i = 0; i < n_tensors; i++) {
        const tern__safe_tensor *t = tern__safetensors_find(f, tensors[i].name);
        assert_non_null(t);
        assert_int_equal(t->type, tensors[i].type);
        assert_int_equal(t->rank, tensors[i].rank);
        if (t->size) assert_memory_equal(t->data, tensors[i].data, t->size);
        char copy[64];
        check_ok(context, tern__safetensors_get(f, t->name, t->type, t->rank, t->dims, copy));
        if (t->size) assert_memory_equal(copy, tensors[i].data, t->size);
    }
    assert_int_equal(tern__safetensors_find(f, "mask")->size, 3);
    assert_null(tern__safetensors_find(f, "moment"));
    int64_t dims[] = {3};
    double wrong[4];
    check_error(context, TERN_ERR_FORMAT, "no tensor 'moment'",
                tern__safetensors_get(f, "moment", TERN__SAFE_F64, 1, dims, wrong));
    check_error(context, TERN_ERR_FORMAT, "'moments' is F64 [2] where F64 [3] is needed",
                tern__safetensors_get(f, "moments", TERN__SAFE_F64, 1, dims, wrong));
    check_error(context, TERN_ERR_FORMAT, "'step' is I64 [] where F32 [3] is needed",
                tern__safetensors_get(f, "step", TERN__SAFE_F32, 1, dims, wrong));
    tern__safetensors_free(f);
    /* The header's end is a multiple of 8, so that wide elements first are aligned. */
    char *file;
    size_t size;
    check_ok(context, tern__file_read(&file, &size, context, path, 1 << 20));
    uint64_t header;
    memcpy(&header, file, 8);
    assert_int_equal(header % 8, 0);
    assert_int_equal(size, 8 + header + 16 + 8 + 24 + 3);
    tern__free(context, file);
    /* Nothing at all is a file too. */
    check_ok(context, tern__safetensors_save(context, path, NULL, 0, NULL, 0));
    check_ok(context, tern__safetensors_load(&f, context, path, 16));
    assert_int_equal(f->n_tensors, 0);
    tern__safetensors_free(f);
}

static void writer_refuses(void **state) {
    (void)state;
    unlink(path);
    tern__safe_tensor t[2] = {tensors[0], tensors[0]};
    check_error(context, TERN_ERR_ARGUMENT, "'moments' is given twice",
                tern__safetensors_save(context, path, t, 2, NULL, 0));
    t[0].name = "\xff";
    check_error(context, TERN_ERR_ARGUMENT, "UTF-8",
                tern__safetensors_save(context, path, t, 2, NULL, 0));
    t[0].name = "__metadata__";
    check_error(context, TERN_ERR_ARGUMENT, "cannot be named",
                tern__safetensors_save(context, path, t, 2, NULL, 0));
    t[0] = tensors[2];
    t[0].dims[0] = -1;
    check_error(context, TERN_ERR_ARGUMENT, "impossible shape",
                tern__safetensors_save(context, path, t, 2, NULL, 0));
    t[0].dims[0] = t[0].dims[1] = INT64_MAX / 2;
    check_error(context, TERN_ERR_ARGUMENT, "impossible shape",
                tern__safetensors_save(context, path, t, 2, NULL, 0));
    const tern__safe_text twice[] = {{"key", "1"}, {"key", "2"}}, invalid = {"key", "\xc3"};
    check_error(context, TERN_ERR_ARGUMENT, "'key' is given twice",
                tern__safetensors_save(context, path, NULL, 0, twice, 2));
    check_error(context, TERN_ERR_ARGUMENT, "'key' does not hold UTF-8",
                tern__safetensors_save(context, path, NULL, 0, &invalid, 1));
    assert_int_equal(access(path, F_OK), -1);
    check_error(context, TERN_ERR_IO, "No space left",
                tern__safetensors_save(context, "/dev/full", tensors, n_tensors, texts, 2));
}

/* Puts a header (and so many bytes of data) together and expects this sentence; NULL: it is right.
 */
static void try_header(const char *json, size_t data, const char *sentence) {
    char file[1000] = "";
    uint64_t size = strlen(json);
    assert_true(8 + size + data <= sizeof file);
    memcpy(file, &size, 8);
    memcpy(file + 8, json, size);
    tern__safetensors *f;
    tern_status status = tern__safetensors_parse(&f, context, "x", file, 8 + size + data);
    if (!sentence) {
        check_ok(context, status);
        tern__safetensors_free(f);
    } else {
        check_error(context, TERN_ERR_FORMAT, sentence, status);
        assert_null(f);
    }
}

static void malformed_headers(void **state) {
    (void)state;
#define T(type, shape, offsets)                                                                    \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
    try_header("{}", 0, NULL);
    try_header("{}   ", 0, NULL);
    try_header("{\"a\":" T("F32", "[2]", "[0,8]") "}", 8, NULL);
    try_header("{\"b\":" T("F32", "[2]", "[4,12]") ",\"a\":" T("I8", "[4]", "[0,4]") "}", 12, NULL);
    try_header(" {}", 0, "is not a safetensors file");
    try_header("", 0, "is not a safetensors file");
    try_header("[]", 0, "is not a safetensors file");
    try_header("{}", 1, "1 bytes after the last tensor");
    try_header("{} {}", 0, "not valid JSON");
    try_header("{\"a\":" T("F32", "[2]", "[0,8]"), 8, "not valid JSON");
    try_header("{\"a\":1}", 0, "'a' has not dtype");
    try_header("{\"a\":" T("F33", "[2]", "[0,8]") "}", 8, "unknown dtype 'F33'");
    try_header("{\"a\":" T("F32", "2", "[0,8]") "}", 8, "'a' has not");
    try_header("{\"a\":" T("F32", "[2]", "[8]") "}", 8, "'a' has not");
    try_header("{\"a\":" T("F32", "[2.0]", "[0,8]") "}", 8, "dimension 0 is not a size");
    try_header("{\"a\":" T("F32", "[1,-2]", "[0,8]") "}", 8, "dimension 1 is not a size");
    try_header("{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") "}", 8, "9 dimensions");
    try_header("{\"a\":" T("F32", "[2]", "[0,4]") "}", 4, "do not fit");
    try_header("{\"a\":" T("F32", "[2]", "[0,8]") "}", 7, "cut off");
    try_header("{\"a\":" T("F32", "[2]", "[8,0]") "}", 8, "bytes 8 to 0");
    try_header("{\"a\":" T("F32", "[2]", "[-8,0]") "}", 8, "bytes -8 to 0");
    try_header("{\"a\":" T("F32", "[2]", "[0.0,8]") "}", 8, "bytes 0 to 8");
    try_header("{\"a\":" T("F32", "[4294967296,4294967296,4294967296]", "[0,0]") "}", 0,
               "do not fit");
    try_header("{\"a\":" T("F32", "[9223372036854775807,4]", "[0,8]") "}", 8, "do not fit");
    try_header("{\"a\":" T("F32", "[18446744073709551616]", "[0,8]") "}", 8, "not valid JSON");
    try_header("{\"a\":" T("U8", "[4]", "[0,4]") ",\"b\":" T("U8", "[4]", "[5,9]") "}", 9,
               "a hole");
    try_header("{\"a\":" T("U8", "[4]", "[1,5]") "}", 5, "a hole before tensor 'a'");
    try_header("{\"a\":" T("U8", "[4]", "[0,4]") ",\"b\":" T("U8", "[4]", "[2,6]") "}", 6,
               "an overlap before tensor 'b'");
    try_header("{\"a\":" T("U8", "[4]", "[0,4]") ",\"b\":" T("U8", "[4]", "[0,4]") "}", 4,
               "an overlap");
    try_header("{\"a\":" T("U8", "[1]", "[0,1]") ",\"a\":" T("U8", "[1]", "[0,1]") "}", 1,
               "duplicate");
    try_header("{\"__metadata__\":{\"k\":\"v\"}}", 0, NULL);
    try_header("{\"__metadata__\":{\"k\":1}}", 0, "'k' is not a string");
    try_header("{\"__metadata__\":[]}", 0, "is not an object");
    try_header("{\"\xff\":" T("U8", "[1]", "[0,1]") "}", 1, "not UTF-8");
    try_header("{\"a\\u0000\":" T("U8", "[1]", "[0,1]") "}", 1, "not valid JSON");
}

static void sizes_that_lie(void **state) {
    (void)state;
    tern__safetensors *f;
    uint64_t sizes[] = {1, UINT64_MAX, 100000001, INT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_error(context, TERN_ERR_FORMAT, "but 0 bytes are left",
                    tern__safetensors_parse(&f, context, "x", &sizes[i], 8));
    /* A header beyond the limits, with all its bytes there. */
    size_t length = 100000001;
    char *big = calloc(8 + length, 1);
    uint64_t size = length;
    memcpy(big, &size, 8);
    big[8] = '{';
    check_error(context, TERN_ERR_LIMIT, "the limit is 100000000",
                tern__safetensors_parse(&f, context, "x", big, 8 + length));
    size = 4000000;
    memcpy(big, &size, 8);
    memset(big + 8, '[', size);
    big[8] = '{';
    check_error(context, TERN_ERR_LIMIT, "more than 1000000 items",
                tern__safetensors_parse(&f, context, "x", big, 8 + size));
    size = 900000;
    memcpy(big, &size, 8);
    check_error(context, TERN_ERR_FORMAT, "not valid JSON",
                tern__safetensors_parse(&f, context, "x", big, 8 + size));
    free(big);
}

/* Every prefix, every single flipped bit: a sentence or a valid file, never a crash. */
static void cut_and_flipped(void **state) {
    (void)state;
    check_ok(context, tern__safetensors_save(context, path, tensors, n_tensors, texts, 2));
    char *file;
    size_t size;
    check_ok(context, tern__file_read(&file, &size, context, path, 1 << 20));
    tern__safetensors *f;
    for (size_t cut = 0; cut < size; cut++) {
        char *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees one byte too far */
        memcpy(exact, file, cut);
        assert_int_equal(tern__safetensors_parse(&f, context, "x", exact, cut), TERN_ERR_FORMAT);
        assert_null(f);
        free(exact);
    }
    for (size_t bit = 0; bit < size * 8; bit++) {
        file[bit / 8] ^= (char)(1 << bit % 8);
        tern_status status = tern__safetensors_parse(&f, context, "x", file, size);
        assert_true(status == TERN_OK || (status == TERN_ERR_FORMAT && !f));
        tern__safetensors_free(f);
        file[bit / 8] ^= (char)(1 << bit % 8);
    }
    tern__free(context, file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),        cmocka_unit_test(writer_refuses),
        cmocka_unit_test(malformed_headers), cmocka_unit_test(sizes_that_lie),
        cmocka_unit_test(cut_and_flipped),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
