/* JSON read by core: what RFC 8259 says, line and column of what is wrong; texts of any bytes.
 * (That memory may run out anywhere is in test_memory_*.c.) */
#include "one_context.h"

#include "core/base/json.h"

static json_t *read_text(const char *text) {
    json_t *value;
    check_ok(context, tern__json_read(&value, context, "x", text, strlen(text)));
    return value;
}

static void right(void **state) {
    (void)state;
    json_t *v = read_text(
        " {\"a\": [1, -2.5e3, true, false, null, \"\\u00e9\\ud83d\\ude00\\n\\\"\"], \"\": {}} ");
    const json_t *list = json_object_get(v, "a");
    assert_int_equal(json_array_size(list), 6);
    assert_int_equal(json_integer_value(json_array_get(list, 0)), 1);
    assert_true(json_real_value(json_array_get(list, 1)) == -2500);
    assert_string_equal(json_string_value(json_array_get(list, 5)), "\xc3\xa9\xf0\x9f\x98\x80\n\"");
    char *text;
    check_ok(context, tern__json_write(&text, context, "x", v));
    assert_string_equal(
        text, "{\"a\":[1,-2500.0,true,false,null,\"\xc3\xa9\xf0\x9f\x98\x80\\n\\\"\"],\"\":{}}");
    tern_free(context, text);
    double number = 7;
    assert_true(tern__json_read_number(" 0.1 ", &number) && number == 0.1);
    assert_false(tern__json_read_number("0,1", &number) || tern__json_read_number("", &number) ||
                 tern__json_read_number("01", &number) || tern__json_read_number("nan", &number));
}

static void wrong(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"", "line 1, column 1"},
                                           {"[1,\n 2,]", "line 2, column 4"},
                                           {"{\"a\":1,\"a\":2}", "duplicate key \"a\""},
                                           {"[1] 2", "something follows"},
                                           {"\"\xff\"", "not UTF-8"},
                                           {"\"\xc3\"", "not UTF-8"},
                                           {"\"a", "ends within"},
                                           {"\"\\", "ends within"},
                                           {"\"\\ud800\"", "half a pair"},
                                           {"\"\\u0000\"", "no character"},
                                           {"\"\\x\"", "unknown escape"},
                                           {"\"\t\"", "control character"},
                                           {"1e999", "too large"},
                                           {"99999999999999999999", "too large"},
                                           {"1.", "digit"},
                                           {"-", "digit"},
                                           {"01", "something follows"},
                                           {"{1:2}", "key"},
                                           {"{\"a\" 2}", "colon"},
                                           {"nul", "a value"}};
    json_t *value;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_error(context, TERN_ERR_FORMAT, cases[i][1],
                    tern__json_read(&value, context, "x", cases[i][0], strlen(cases[i][0])));
        assert_null(value);
    }
    char deep[2 * TERN__JSON_DEPTH + 8];
    memset(deep, '[', sizeof deep);
    check_error(context, TERN_ERR_FORMAT, "too many brackets",
                tern__json_read(&value, context, "x", deep, sizeof deep));
}

static void any_bytes(void **state) {
    (void)state;
    json_t *text = tern__json_text("a\xff\xc3\xa9\xed\xa0\x80");
    assert_string_equal(json_string_value(text),
                        "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    json_decref(text);
    json_t *object = json_object();
    tern__json_set(&object, "a", json_true());
    tern__json_set(&object, "b", NULL); /* memory ran out */
    assert_null(object);
    tern__json_set(&object, "c", json_true());
    assert_null(object);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right), cmocka_unit_test(wrong),
                                       cmocka_unit_test(any_bytes)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
