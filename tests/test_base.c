/* Status, memory, random numbers, threads. */
#include "check.h"
#include "core/base/base.h"

static void philox_known_answers(void **state) {
    (void)state;
    /* Known answers of Random123's philox4x32-10: all zero, all ones. */
    uint32_t out[4];
    tern__philox(0, 0, 0, out);
    assert_int_equal(out[0], 0x6627e8d5u);
    assert_int_equal(out[1], 0xe169c58du);
    assert_int_equal(out[2], 0xbc57ac4cu);
    assert_int_equal(out[3], 0x9b00dbd8u);
    tern__philox(UINT64_MAX, UINT64_MAX, UINT64_MAX, out);
    assert_int_equal(out[0], 0x408f276du);
    assert_int_equal(out[1], 0x41c83b0eu);
    assert_int_equal(out[2], 0xa20bc7c6u);
    assert_int_equal(out[3], 0x6d5451fdu);
}

static void random_moments(void **state) {
    (void)state;
    tern__random r = tern__random_make(7, 3);
    double sum = 0, squares = 0;
    const int n = 100000;
    for (int i = 0; i < n; i++) {
        double x = tern__random_normal(&r);
        sum += x;
        squares += x * x;
    }
    check_close(sum / n, 0, 4 / sqrt(n), 0); /* four standard errors */
    check_close(squares / n, 1, 4 * sqrt(2.0 / n), 0);
    int64_t counts[3] = {0};
    for (int i = 0; i < n; i++) counts[tern__random_below(&r, 3)]++;
    for (int i = 0; i < 3; i++)
        check_close((double)counts[i] / n, 1.0 / 3, 4 * sqrt(2.0 / 9 / n), 0);
}

static void checked_sizes(void **state) {
    (void)state;
    size_t r = 5;
    assert_false(tern__mul(SIZE_MAX / 2, 3, &r));
    assert_int_equal(r, 5);
    assert_true(tern__mul(6, 7, &r));
    assert_int_equal(r, 42);
    assert_false(tern__add(SIZE_MAX, 1, &r));
    int64_t i;
    assert_false(tern__mul_i64(INT64_MAX, 2, &i));
    assert_false(tern__mul_i64(-1, 2, &i));
}

static void context_refuses(void **state) {
    (void)state;
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 257;
    tern_context *c;
    check_error(c, TERN_ERR_ARGUMENT, "257", tern_context_create(&c, &o));
    tern_context_free(c);
    setenv("TERN_CPU", "mmx", 1);
    check_error(c, TERN_ERR_UNSUPPORTED, "mmx", tern_context_create(&c, NULL));
    tern_context_free(c);
    unsetenv("TERN_CPU");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(random_moments),
        cmocka_unit_test(checked_sizes),
        cmocka_unit_test(context_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
