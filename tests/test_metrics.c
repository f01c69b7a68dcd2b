/* Confusion matrices: numbers worked out by hand, the rules for 0/0, text and JSON. */
#include "one_context.h"

#include <jansson.h>
#include <tern/metrics.h>

/* truth \ predicted: cat 3 1 0 0, dog 2 2 0 0, owl 0 1 0 0 (never predicted), yak never occurs. */
static tern_confusion *animals(void) {
    static const char *const labels[] = {"cat", "d\"o\xc3\xb6g", "owl", "yak"};
    static const int counts[4][4] = {{3, 1}, {2, 2}, {0, 1}};
    tern_confusion *m;
    check_ok(context, tern_confusion_create(&m, context, 4, labels));
    for (int t = 0; t < 4; t++)
        for (int p = 0; p < 4; p++)
            for (int i = 0; i < counts[t][p]; i++) check_ok(context, tern_confusion_add(m, t, p));
    return m;
}

static void by_hand(void **state) {
    (void)state;
    tern_confusion *m = animals();
    tern_class_metrics cat = tern_confusion_class(m, 0), owl = tern_confusion_class(m, 2),
                       yak = tern_confusion_class(m, 3);
    assert_int_equal(cat.support, 4);
    assert_int_equal(cat.predicted, 5);
    check_close(cat.precision, 3.0 / 5, 0, 1e-15);
    check_close(cat.recall, 3.0 / 4, 0, 1e-15);
    check_close(cat.f1, 2 * 0.6 * 0.75 / (0.6 + 0.75), 0, 1e-15);
    check_close(owl.precision, 0, 0, 0);
    check_close(owl.recall, 0, 0, 0);
    check_close(owl.f1, 0, 0, 0);
    assert_int_equal(yak.support + yak.predicted, 0);
    check_close(yak.f1, 0, 0, 0);
    tern_metrics all = tern_confusion_metrics(m);
    assert_int_equal(all.n, 9);
    check_close(all.accuracy, 5.0 / 9, 0, 1e-15);
    check_close(all.macro_recall, (0.75 + 0.5 + 0) / 3, 0, 1e-15); /* without the yak */
    check_close(all.macro_precision, (0.6 + 0.5 + 0) / 3, 0, 1e-15);
    check_close(all.macro_f1, (cat.f1 + 0.5 + 0) / 3, 0, 1e-15);
    tern_confusion_free(m);
}

static void json(void **state) {
    (void)state;
    tern_confusion *m = animals();
    char *text;
    check_ok(context, tern_confusion_json(&text, m));
    json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    check_close(json_real_value(json_object_get(j, "accuracy")), 5.0 / 9, 0, 1e-8);
    assert_int_equal(json_integer_value(json_object_get(j, "n")), 9);
    json_t *classes = json_object_get(j, "per_class"), *rows = json_object_get(j, "confusion");
    assert_int_equal(json_array_size(classes), 4);
    assert_int_equal(json_array_size(rows), 4);
    json_t *dog = json_array_get(classes, 1);
    assert_string_equal(json_string_value(json_object_get(dog, "label")), "d\"o\xc3\xb6g");
    assert_int_equal(json_integer_value(json_object_get(dog, "support")), 4);
    check_close(json_real_value(json_object_get(dog, "precision")), 0.5, 0, 1e-8);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(rows, 1), 0)), 2);
    json_decref(j);
    tern_free(context, text);
    tern_confusion_free(m);
}

static void table(void **state) {
    (void)state;
    tern_confusion *m = animals();
    char *text;
    check_ok(context, tern_confusion_text(&text, m));
    const char *expected = "accuracy  55.6 %  (5 of 9)   macro F1  38.9 %\n"
                           "\n"
                           "class  precision  recall      F1  samples\n"
                           "cat         60.0    75.0    66.7        4\n"
                           "d\"o\xc3\xb6g       50.0    50.0    50.0        4\n"
                           "owl          0.0     0.0     0.0        1\n"
                           "yak          0.0     0.0     0.0        0\n"
                           "\n"
                           "confusion (row: truth, column: predicted, numbered as the rows)\n"
                           "          0 1 2 3\n"
                           " 0  cat   3 1 . .\n"
                           " 1  d\"o\xc3\xb6g 2 2 . .\n"
                           " 2  owl   . 1 . .\n"
                           " 3  yak   . . . .\n";
    assert_string_equal(text, expected);
    tern_free(context, text);
    tern_confusion_free(m);
}

static void many_classes(void **state) {
    (void)state;
    tern_confusion *m;
    check_ok(context, tern_confusion_create(&m, context, 100, NULL));
    for (int i = 0; i < 1000; i++) {
        int truth = i % 100, taken = i % 7 ? truth : (truth * 3 + 1) % 100;
        check_ok(context, tern_confusion_add(m, truth, taken));
    }
    for (int i = 0; i < 5; i++) check_ok(context, tern_confusion_add(m, 42, 17));
    char *text;
    check_ok(context, tern_confusion_text(&text, m));
    assert_non_null(strstr(text, "most often confused"));
    assert_non_null(strstr(text, "     5  42    -> 17\n"));
    tern_free(context, text);
    tern_confusion_free(m);
}

static void nothing_counted(void **state) {
    (void)state;
    tern_confusion *m;
    check_ok(context, tern_confusion_create(&m, context, 2, NULL));
    tern_metrics all = tern_confusion_metrics(m);
    assert_true(isnan(all.accuracy) && isnan(all.macro_f1));
    char *text;
    check_ok(context, tern_confusion_json(&text, m));
    assert_non_null(strstr(text, "\"accuracy\":null"));
    tern_free(context, text);
    check_ok(context, tern_confusion_text(&text, m));
    tern_free(context, text);
    tern_confusion_free(m);
}

static void refuses(void **state) {
    (void)state;
    tern_confusion *m;
    check_error(context, TERN_ERR_ARGUMENT, "0 classes",
                tern_confusion_create(&m, context, 0, NULL));
    assert_null(m);
    check_ok(context, tern_confusion_create(&m, context, 2, NULL));
    check_error(context, TERN_ERR_ARGUMENT, "class 2 taken for 0", tern_confusion_add(m, 2, 0));
    check_error(context, TERN_ERR_ARGUMENT, "class 0 taken for -1", tern_confusion_add(m, 0, -1));
    tern_confusion_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),         cmocka_unit_test(json),
        cmocka_unit_test(table),           cmocka_unit_test(many_classes),
        cmocka_unit_test(nothing_counted), cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
