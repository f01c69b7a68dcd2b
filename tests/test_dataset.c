/* Data sets: arrays, subsets, folds, splits, sources of one's own, batches. */
#include "context.h"

#include "core/train/dataset.h"

/* A source whose samples are described by arrays, and whose inputs tell what they were loaded
 * for. */
typedef struct described {
    const int64_t *classes, *groups, *folds;
    int64_t failing; /* the sample that cannot be loaded, -1: none */
    int closed;
} described;

static int64_t class_of(void *self, int64_t i) { return ((described *)self)->classes[i]; }
static int64_t group_of(void *self, int64_t i) { return ((described *)self)->groups[i]; }
static int64_t fold_of(void *self, int64_t i) { return ((described *)self)->folds[i]; }
static void close_source(void *self) { ((described *)self)->closed++; }

/* Input 0: [n, longest] with longest = the greatest sample number + 1, as text has it; input 1: [n,
 * 2] int64. */
static void shapes(void *self, const int64_t *samples, int64_t count, bool training,
                   tern_tensor *inputs, tern_tensor *target) {
    (void)self, (void)training;
    int64_t longest = 0;
    for (int64_t i = 0; i < count; i++) longest = samples[i] > longest ? samples[i] : longest;
    inputs[0] = (tern_tensor){.type = TERN_FLOAT, .rank = 2, .dims = {count, longest + 1}};
    inputs[1] = (tern_tensor){.type = TERN_INT64, .rank = 2, .dims = {count, 2}};
    *target = (tern_tensor){.type = TERN_INT64, .rank = 1, .dims = {count}};
}

static tern_status load(void *self, tern_load *l) {
    const described *d = self;
    if (l->sample == d->failing) {
        snprintf(l->message, sizeof l->message, "sample %lld is broken", (long long)l->sample);
        return TERN_ERR_FORMAT;
    }
    for (int64_t k = 0; k < l->inputs[0].dims[1]; k++)
        ((float *)l->inputs[0].data)[k] = k <= l->sample ? (float)l->sample : 0;
    int64_t *facts = l->inputs[1].data;
    facts[0] = (int64_t)(l->random & 0xffffff);
    facts[1] = l->batch[l->row] == l->sample && l->batch_count > 0 ? (int64_t)l->epoch : -1;
    *(int64_t *)l->target.data = d->classes[l->sample];
    return TERN_OK;
}

static tern_dataset *make_described(tern_context *c, described *d, int64_t count) {
    tern_dataset_source source = {.size = sizeof source,
                                  .self = d,
                                  .count = count,
                                  .n_inputs = 2,
                                  .close = close_source,
                                  .shapes = shapes,
                                  .load = load,
                                  .class_of = d->classes ? class_of : NULL,
                                  .group_of = d->groups ? group_of : NULL,
                                  .fold_of = d->folds ? fold_of : NULL};
    tern_dataset *dataset;
    check_ok(c, tern_dataset_create(&dataset, c, &source));
    return dataset;
}

static void batches(void **state) {
    (void)state;
    static const int64_t classes[] = {5, 6, 7, 8, 9};
    uint32_t first_random = 0;
    for (int threads = 1; threads <= 3; threads++) {
        tern_context *c = make_context(threads);
        described d = {.classes = classes, .failing = -1};
        tern_dataset *all = make_described(c, &d, 5), *some;
        check_ok(c, tern_dataset_subset(&some, all, (int64_t[]){4, 2, 0}, 3));
        tern_dataset_free(all); /* the view keeps the source */
        assert_int_equal(d.closed, 0);
        assert_int_equal(tern_dataset_source_sample(some, 1), 2);
        assert_int_equal(tern_dataset_class(some, 0), 9);
        tern__batch b = {.context = c};
        check_ok(c, tern__batch_load(&b, some, (int64_t[]){2, 1}, 2, true, 11, 3));
        assert_int_equal(b.inputs[0].dims[0], 2);
        assert_int_equal(b.inputs[0].dims[1], 3); /* samples 0 and 2 */
        const float *x = b.inputs[0].data;
        const float expected[] = {0, 0, 0, 2, 2, 2};
        assert_memory_equal(x, expected, sizeof expected);
        const int64_t *facts = b.inputs[1].data, *target = b.target.data;
        assert_int_equal(facts[1], 3);
        assert_int_equal(target[0], 5);
        assert_int_equal(target[1], 7);
        if (threads == 1) first_random = (uint32_t)facts[2];
        assert_int_equal((uint32_t)facts[2], first_random);
        /* The same sample elsewhere in another batch draws the same numbers; in another epoch not.
         * */
        check_ok(c, tern__batch_load(&b, some, (int64_t[]){1, 0, 1}, 3, true, 11, 3));
        facts = b.inputs[1].data;
        assert_int_equal(b.inputs[0].dims[1], 5);
        assert_int_equal((uint32_t)facts[0], first_random);
        assert_int_equal((uint32_t)facts[4], first_random);
        check_ok(c, tern__batch_load(&b, some, (int64_t[]){1}, 1, true, 11, 4));
        assert_true((uint32_t)((int64_t *)b.inputs[1].data)[0] != first_random);
        d.failing = 2;
        check_error(c, TERN_ERR_FORMAT, "sample 2 is broken",
                    tern__batch_load(&b, some, (int64_t[]){0, 1, 2}, 3, true, 11, 4));
        tern__batch_free(&b);
        tern_dataset_free(some);
        assert_int_equal(d.closed, 1);
        tern_context_free(c);
    }
}

static void folds(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    static const int64_t classes[] = {0, 0, 1, 1, 0, 1}, numbers[] = {1, 2, 3, 1, 2, 5};
    described d = {.classes = classes, .folds = numbers, .failing = -1};
    tern_dataset *all = make_described(c, &d, 6), *some, *one;
    check_ok(c, tern_dataset_folds(&some, all, (int64_t[]){5, 1}, 2));
    assert_int_equal(tern_dataset_count(some), 3);
    assert_int_equal(tern_dataset_source_sample(some, 0), 0);
    assert_int_equal(tern_dataset_source_sample(some, 1), 3);
    assert_int_equal(tern_dataset_source_sample(some, 2), 5);
    check_ok(c, tern_dataset_folds(&one, some, (int64_t[]){5}, 1)); /* a view of a view */
    assert_int_equal(tern_dataset_source_sample(one, 0), 5);
    tern_dataset *none;
    check_error(c, TERN_ERR_ARGUMENT, "no sample is in fold 4; the folds are 1, 2, 3, 5",
                tern_dataset_folds(&none, all, (int64_t[]){1, 4}, 2));
    assert_null(none);
    tern_dataset_free(all);
    tern_dataset_free(some);
    tern_dataset_free(one);
    described plain = {.classes = classes, .failing = -1};
    all = make_described(c, &plain, 6);
    check_error(c, TERN_ERR_ARGUMENT, "no folds", tern_dataset_folds(&none, all, numbers, 1));
    tern_dataset_free(all);
    tern_context_free(c);
}

/* Every sample is in one part, no group in both; returns how many of the class the second has. */
static int64_t check_parts(tern_dataset *all, tern_dataset *first, tern_dataset *second,
                           int64_t class) {
    int64_t n = 0, total = tern_dataset_count(all);
    assert_int_equal(tern_dataset_count(first) + tern_dataset_count(second), total);
    for (int64_t i = 0; i < tern_dataset_count(second); i++) {
        for (int64_t k = 0; k < tern_dataset_count(first); k++)
            assert_true(tern_dataset_group(first, k) != tern_dataset_group(second, i));
        n += tern_dataset_class(second, i) == class;
    }
    return n;
}

static void split_balances_classes(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    int64_t classes[120];
    for (int i = 0; i < 120; i++) classes[i] = i < 100 ? 0 : i < 115 ? 7 : -3;
    described d = {.classes = classes, .failing = -1};
    tern_dataset *all = make_described(c, &d, 120), *first, *second;
    for (uint64_t seed = 0; seed < 20; seed++) {
        check_ok(c, tern_dataset_split(&first, &second, all, 0.2, seed));
        assert_int_equal(check_parts(all, first, second, 0), 20);
        assert_int_equal(check_parts(all, first, second, 7), 3);
        assert_int_equal(check_parts(all, first, second, -3), 1);
        tern_dataset_free(first);
        tern_dataset_free(second);
    }
    tern_dataset_free(all);
    tern_context_free(c);
}

static void split_keeps_groups(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    int64_t classes[300], groups[300];
    tern__random r = tern__random_make(3, 3);
    for (int i = 0; i < 300; i++) {
        groups[i] = 1000 - 10 * tern__random_below(&r, 60);
        classes[i] = groups[i] / 10 % 4; /* a recording has one class */
    }
    described d = {.classes = classes, .groups = groups, .failing = -1};
    tern_dataset *all = make_described(c, &d, 300), *first, *second, *again, *again2;
    check_ok(c, tern_dataset_split(&first, &second, all, 0.25, 1));
    for (int k = 0; k < 4; k++) {
        int64_t n = 0, in_second = check_parts(all, first, second, k);
        for (int i = 0; i < 300; i++) n += classes[i] == k;
        assert_true(llabs(in_second - n / 4) <= 3); /* groups are of about 5 */
    }
    check_ok(c, tern_dataset_split(&again, &again2, all, 0.25, 1));
    assert_int_equal(tern_dataset_count(again2), tern_dataset_count(second));
    for (int64_t i = 0; i < tern_dataset_count(second); i++)
        assert_int_equal(tern_dataset_source_sample(second, i),
                         tern_dataset_source_sample(again2, i));
    tern_dataset_free(first);
    tern_dataset_free(second);
    tern_dataset_free(again);
    tern_dataset_free(again2);
    tern_dataset_free(all);
    tern_context_free(c);
}

static void split_leaves_every_class_something(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    static const int64_t classes[] = {0, 0, 0, 0, 1, 1, 2, 2, 2};
    static const int64_t groups[] = {1, 2, 3, 4, 5, 5, 6, 7, 8};
    described d = {.classes = classes, .groups = groups, .failing = -1};
    tern_dataset *all = make_described(c, &d, 9), *first, *second;
    check_ok(c, tern_dataset_split(&first, &second, all, 0.9, 1));
    assert_int_equal(check_parts(all, first, second, 0), 3);
    assert_int_equal(check_parts(all, first, second, 1), 0);
    assert_int_equal(check_parts(all, first, second, 2), 2);
    tern_dataset_free(first);
    tern_dataset_free(second);
    tern_dataset_free(all);
    tern_context_free(c);
}

static void split_refuses(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    static const int64_t classes[] = {0, 0, 0, 1, 1, 1}, groups[] = {1, 1, 1, 2, 2, 2};
    described d = {.classes = classes, .groups = groups, .failing = -1};
    tern_dataset *all = make_described(c, &d, 6), *first, *second;
    check_error(c, TERN_ERR_ARGUMENT, "6 samples in 2 groups",
                tern_dataset_split(&first, &second, all, 0.5, 1));
    assert_null(first);
    assert_null(second);
    check_error(c, TERN_ERR_ARGUMENT, "fraction is 1",
                tern_dataset_split(&first, &second, all, 1, 1));
    tern_dataset *none;
    check_error(c, TERN_ERR_ARGUMENT, "no sample 6",
                tern_dataset_subset(&none, all, (int64_t[]){6}, 1));
    check_error(c, TERN_ERR_ARGUMENT, "no samples", tern_dataset_subset(&none, all, NULL, 0));
    tern_dataset_free(all);
    tern_dataset_source wrong = {.size = 3};
    check_error(c, TERN_ERR_ARGUMENT, "source.size is 3", tern_dataset_create(&none, c, &wrong));
    float x[6] = {0};
    tern_tensor input = {TERN_FLOAT, 2, {3, 2}, x}, target = {TERN_INT64, 1, {4}, (void *)classes};
    check_error(c, TERN_ERR_SHAPE, "input 0 has 3 samples, the target 4",
                tern_dataset_arrays(&none, c, &input, 1, &target));
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches),
        cmocka_unit_test(folds),
        cmocka_unit_test(split_balances_classes),
        cmocka_unit_test(split_keeps_groups),
        cmocka_unit_test(split_leaves_every_class_something),
        cmocka_unit_test(split_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
