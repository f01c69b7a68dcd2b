/* The table of names. */
#include "check.h"
#include "core/base/names.h"

static void names_and_numbers(void **state) {
    (void)state;
    tern_context *c;
    check_ok(c, tern_context_create(&c, NULL));
    enum { n = 3000 };
    static char text[n][16];
    tern__names names = {0};
    assert_int_equal(tern__names_find(&names, "x"), -1);
    tern__names_remove(&names, "x");
    for (int i = 0; i < n; i++) {
        snprintf(text[i], sizeof text[i], "name %d", i * 7919);
        check_ok(c, tern__names_set(&names, c, text[i], i));
    }
    for (int i = 0; i < n; i += 3) tern__names_remove(&names, text[i]);
    for (int i = 0; i < n; i++) assert_int_equal(tern__names_find(&names, text[i]), i % 3 ? i : -1);
    for (int i = 0; i < n; i += 6) check_ok(c, tern__names_set(&names, c, text[i], n + i));
    for (int i = 1; i < n; i += 6) check_ok(c, tern__names_set(&names, c, text[i], 0));
    for (int i = 0; i < n; i++)
        assert_int_equal(tern__names_find(&names, text[i]), i % 6 == 0   ? n + i
                                                            : i % 6 == 1 ? 0
                                                            : i % 3 == 0 ? -1
                                                                         : i);
    assert_int_equal(tern__names_find(&names, ""), -1);
    tern__names_clear(&names, c);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
