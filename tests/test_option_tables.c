/* Every table of options: its ranges hold its defaults, and what it writes it reads. */
#include "one_context.h"

#include "audio/options.h"
#include "text/options.h"
#include "vision/options.h"

#include <math.h>

static const tern__options *const tables[] = {
    &tern__audio_options,       &tern__audio_augmentation, &tern__audio_training,
    &tern__text_options,        &tern__text_training,      &tern__vectors_training,
    &tern__vision_augmentation, &tern__vision_training,    &tern__vision_classifier_training};
#define FOR_TABLES(table)                                                                          \
    for (const tern__options *const *at = tables, *table;                                          \
         at < tables + sizeof tables / sizeof *tables && (table = *at); at++)
#define FOR_ROWS(row, table)                                                                       \
    for (const tern__option *row = (table)->rows; row < (table)->rows + (table)->count; row++)

enum { LARGEST = 512 }; /* bytes of a struct, tern__options_hash */

static void *make(const tern__options *table) {
    void *object = calloc(1, table->size);
    assert_non_null(object);
    if (table->defaults) memcpy(object, table->defaults, table->size);
    return object;
}

static void rows_are_whole(void **state) {
    (void)state;
    FOR_TABLES(table) {
        assert_true(table->count > 0);
        FOR_ROWS(row, table) {
            assert_true(row->kind < TERN__OPTION_KINDS);
            assert_ptr_equal(tern__option_find(table, row->name), row); /* no two of one name */
            assert_true(row->offset < table->size);
            assert_true(row->least <= row->most);
            assert_true((row->kind == TERN__OPTION_CHOICE) == (row->choices != NULL));
            if (row->argument || row->letter) assert_non_null(row->sentence);
            if (row->sentence) {
                assert_true(*row->sentence);
                assert_true((row->argument != NULL) == (row->kind != TERN__OPTION_FLAG));
            }
            const double value = tern__option_default(table, row);
            if (!tern__option_fits(row, value))
                fail_msg("%s: %s is %g", table->what, row->name, value);
        }
    }
}

/* Reads a number that text_of wrote; true: it was taken. */
static bool take(const tern__option *row, void *object, double value) {
    char text[64];
    if (row->choices)
        snprintf(text, sizeof text, "%s", row->choices[(int)value]);
    else if (row->kind == TERN__OPTION_FLAG)
        snprintf(text, sizeof text, value != 0 ? "true" : "false");
    else
        snprintf(text, sizeof text, row->kind == TERN__OPTION_REAL ? "%.17g" : "%.0f", value);
    return tern__option_take(row, object, text);
}

/* Both ends of every range are taken, as text, as a flag's value and in JSON; what lies beyond is
 * not, and changes nothing. */
static void ends_of_ranges(void **state) {
    (void)state;
    FOR_TABLES(table) FOR_ROWS(row, table) {
        void *object = make(table), *before = make(table);
        if (row->kind == TERN__OPTION_TEXT) {
            assert_false(tern__option_take(row, object, ""));
            assert_true(tern__option_take(row, object, "x"));
            assert_true(tern__option_get(row, object) == 1);
        } else {
            const double past[] = {row->least - fmax(1, fabs(row->least)),
                                   row->most + fmax(1, fabs(row->most))};
            assert_true(take(row, object, row->least));
            assert_true(tern__option_get(row, object) == row->least);
            assert_true(take(row, object, row->most));
            assert_true(tern__option_get(row, object) == row->most);
            memcpy(before, object, table->size);
            for (int i = 0; i < 2; i++) {
                if ((!row->automatic || past[i] != 0) && row->kind != TERN__OPTION_SEED)
                    assert_false(tern__option_fits(row, past[i]));
                if (!row->choices && row->kind != TERN__OPTION_FLAG)
                    assert_false(take(row, object, past[i]));
            }
            if (row->kind != TERN__OPTION_SEED) assert_false(tern__option_fits(row, NAN));
            assert_false(tern__option_take(row, object, "mistaken"));
            assert_memory_equal(object, before, table->size);
        }
        free(before);
        free(object);
    }
}

static void check_back(const tern__options *table, const void *object) {
    char *text, *again;
    void *back = make(table);
    check_ok(context, tern__options_to_json(table, &text, context, object));
    check_ok(context, tern__options_from_json(table, back, context, text, strlen(text)));
    check_ok(context, tern__options_to_json(table, &again, context, back));
    assert_string_equal(text, again);
    assert_memory_equal(back, object, table->size);
    tern_free(context, text);
    tern_free(context, again);
    free(back);
    back = make(table);
    check_ok(context, tern__options_to_text(table, &text, context, object));
    check_ok(context, tern__options_from_text(table, back, context, text));
    assert_memory_equal(back, object, table->size);
    if (table->size <= LARGEST)
        assert_true(tern__options_hash(table, 1, back) == tern__options_hash(table, 1, object));
    tern_free(context, text);
    free(back);
}

/* Every row once at its least, once at its most, the others at their defaults; and all at once. */
static void reads_what_it_writes(void **state) {
    (void)state;
    FOR_TABLES(table) {
        void *all = make(table);
        check_back(table, all);
        FOR_ROWS(row, table) {
            if (row->kind == TERN__OPTION_TEXT) continue;
            void *one = make(table);
            take(row, one, row->least);
            check_back(table, one);
            take(row, one, row->most);
            check_back(table, one);
            take(row, all, row->most);
            free(one);
        }
        check_back(table, all);
        check_ok(context, tern__options_from_text(table, all, context, "none"));
        char *text;
        check_ok(context, tern__options_to_text(table, &text, context, all));
        assert_string_equal(text, "none");
        tern_free(context, text);
        free(all);
    }
}

/* Seeds are 64 bits, which a double is not; units; what may be left open. */
static void numbers(void **state) {
    (void)state;
    struct s {
        uint64_t seed;
        size_t line;
        double memory;
        int epochs;
    } s = {0};
    const tern__option rows[] = {{.name = "seed",
                                  .kind = TERN__OPTION_SEED,
                                  .offset = offsetof(struct s, seed),
                                  .most = 9e18},
                                 {.name = "line_limit",
                                  .kind = TERN__OPTION_SIZE,
                                  .offset = offsetof(struct s, line),
                                  .least = 1,
                                  .most = 4096,
                                  .unit = 1 << 20},
                                 {.name = "memory",
                                  .kind = TERN__OPTION_REAL,
                                  .offset = offsetof(struct s, memory),
                                  .least = 0.001,
                                  .most = 1e6,
                                  .unit = 1e9},
                                 {.name = "epochs",
                                  .kind = TERN__OPTION_INT,
                                  .offset = offsetof(struct s, epochs),
                                  .least = 1,
                                  .most = 100,
                                  .automatic = true}};
    const tern__options table = TERN__OPTIONS("a struct", struct s, rows, NULL, NULL);
    assert_true(tern__option_take(&rows[0], &s, "8999999999999999999"));
    assert_true(s.seed == 8999999999999999999u);
    assert_false(tern__option_take(&rows[0], &s, "-1"));
    assert_false(tern__option_take(&rows[0], &s, "99999999999999999999"));
    assert_ptr_equal(tern__option_find(&table, "line-limit"), &rows[1]);
    assert_true(tern__option_take(&rows[1], &s, "3"));
    assert_true(s.line == 3 << 20 && tern__option_get(&rows[1], &s) == 3);
    assert_true(tern__option_take(&rows[2], &s, ".5"));
    assert_true(s.memory == 5e8);
    check_ok(context, tern__options_check(&table, context, &s)); /* no epochs: open */
    assert_false(tern__option_take(&rows[3], &s, "0"));
    s.epochs = 101;
    check_error(context, TERN_ERR_ARGUMENT, "a struct: epochs is 101 and must be 0..100",
                tern__options_check(&table, context, &s));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole), cmocka_unit_test(ends_of_ranges),
        cmocka_unit_test(reads_what_it_writes), cmocka_unit_test(numbers)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
