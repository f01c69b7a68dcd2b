/* From a file of labelled texts to a model: vocabulary, labels, metadata, validation, vectors,
 * resuming, folds; data that cannot be trained on. */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "core/graph/graph.h"

#include <jansson.h>
#include <tern/text_classify.h>
#include <tern/text_train.h>
#include <unistd.h>

enum { TEXTS = 120 };

/* Texts of some of 30 words each, with one of `good` or `bad` words among them that says the label.
 */
static char *make_texts(int count, int first) {
    static const char *const good[] = {"good", "fine", "lovely"}, *const bad[] = {"bad", "dull",
                                                                                  "awful"};
    char *text = malloc((size_t)count * 200), *p = text;
    for (int i = first; i < first + count; i++) {
        tern__random r = tern__random_make(3, (uint64_t)i);
        const int words = 3 + (int)tern__random_below(&r, 9);
        const int at = (int)tern__random_below(&r, words);
        p += sprintf(p, "%s\t", i % 2 ? "pos" : "neg");
        for (int w = 0; w < words; w++)
            if (w == at)
                p += sprintf(p, "%s ", (i % 2 ? good : bad)[i / 2 % 3]);
            else
                p += sprintf(p, "w%d ", (int)tern__random_below(&r, 30));
        *p++ = '\n';
    }
    *p = 0;
    return text;
}

static const char *write_texts(texts_fixture *f, const char *name, int count, int first) {
    char *text = make_texts(count, first);
    const char *path = texts_write(f, name, text);
    free(text);
    return path;
}

static tern_text_train_options small_run(void) {
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    o.dimension = 12;
    o.filters = 8;
    o.train.epochs = 6;
    o.train.batch = 10;
    o.train.seed = 3;
    o.train.optimizer.learning_rate = 0.01;
    return o;
}

static double accuracy_on(const tern_model *m, tern_context *c, const char *path) {
    tern_session *s;
    tern_confusion *confusion;
    check_ok(c, tern_session_create(&s, m));
    if (tern_text_evaluate(&confusion, s, path, NULL, NULL, NULL))
        fail_msg("%s", tern_session_message(s));
    double accuracy = tern_confusion_metrics(confusion).accuracy;
    tern_confusion_free(confusion);
    tern_session_free(s);
    return accuracy;
}

static void every_network_learns(void **state) {
    texts_fixture *f = *state;
    static const char *const networks[] = {NULL, "ngrams", "deep", "lstm", "gru"};
    char training[160];
    strcpy(training, write_texts(f, "train.tsv", TEXTS, 0));
    const char *test = write_texts(f, "test.tsv", 60, 1000);
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        tern_text_train_options o = small_run();
        tern_model *m;
        o.network = networks[i];
        o.width = 0.2;
        o.data.text.buckets = 1000;
        o.train.epochs = i ? 30 : 12;
        check_ok(f->c, tern_text_train(&m, f->c, training, &o));
        double accuracy = accuracy_on(m, f->c, test);
        /* n-grams that occur once are hard to unlearn */
        if (accuracy < (i == 1 ? 0.75 : 0.9))
            fail_msg("%s: %.2f", networks[i] ? networks[i] : "default", accuracy);
        tern_model_free(m);
    }
}

static void the_model_says_everything(void **state) {
    texts_fixture *f = *state;
    tern_text_train_options o = small_run();
    tern_train_result result;
    tern_model *m, *again;
    char path[160], file[160];
    strcpy(path, write_texts(f, "train.tsv", TEXTS, 0));
    o.validate = 0.25;
    o.train.result = &result;
    o.data.text.min_count = 2;
    check_ok(f->c, tern_text_train(&m, f->c, path, &o));
    assert_true(result.validation_accuracy > 0.5);
    assert_string_equal(tern_model_metadata(m, "tern.labels"), "[\"neg\", \"pos\"]");
    assert_non_null(strstr(tern_model_metadata(m, "tern.vocabulary"), "\nlovely\n"));
    json_t *how = json_loads(tern_model_metadata(m, "tern.training"), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(how, "network")), "textcnn");
    assert_string_equal(json_string_value(json_object_get(how, "data")), "train.tsv");
    assert_int_equal(json_integer_value(json_object_get(how, "texts")) +
                         json_integer_value(json_object_get(how, "validation_texts")),
                     TEXTS);
    json_decref(how);
    tern_text_options text;
    const char *options = tern_model_metadata(m, "tern.text");
    check_ok(f->c, tern_text_options_parse(&text, f->c, options, strlen(options)));
    assert_int_equal(text.min_count, 2);
    /* A file later it is the same, to the last byte. */
    snprintf(file, sizeof file, "%s/m.onnx", f->folder);
    check_ok(f->c, tern_model_save(m, file));
    check_ok(f->c, tern_model_load(&again, f->c, file));
    assert_string_equal(tern_model_metadata(m, "tern.vocabulary"),
                        tern_model_metadata(again, "tern.vocabulary"));
    check_close(accuracy_on(again, f->c, path), accuracy_on(m, f->c, path), 0, 0);
    tern_model_free(again);
    tern_model_free(m);
}

static bool stop(void *user, const tern_train_progress *p) {
    int *left = user;
    (void)p;
    return --*left != 0;
}

static bool same(const tern_model *a, const tern_model *b) {
    const tern_graph *g = tern_model_graph(a), *h = tern_model_graph(b);
    assert_int_equal(g->n_values, h->n_values);
    for (size_t i = 0; i < g->n_values; i++) {
        const tern__value *v = &g->values[i];
        size_t bytes = (size_t)tern__shape_count(&v->shape) * tern__type_size(v->shape.type);
        if (v->data && memcmp(v->data, h->values[i].data, bytes)) return false;
    }
    return true;
}

/* Stopped in the middle of epochs, where rows of the table are behind: the same bits as in one go;
 * and the same for any number of threads. */
static void resuming_gives_the_same_bits(void **state) {
    texts_fixture *f = *state;
    static const tern_optimizer_options optimizers[] = {
        {.kind = TERN_OPTIMIZER_ADAM, .learning_rate = 0.01},
        {.kind = TERN_OPTIMIZER_ADADELTA, .learning_rate = 1, .ema = 0.9}};
    char path[160], checkpoint[160];
    strcpy(path, write_texts(f, "train.tsv", TEXTS, 0));
    snprintf(checkpoint, sizeof checkpoint, "%s/c.ckpt", f->folder);
    for (int k = 0; k < 2; k++) {
        tern_text_train_options o = small_run();
        tern_model *straight, *resumed = NULL;
        o.validate = 0.2;
        o.train.optimizer = optimizers[k];
        check_ok(f->c, tern_text_train(&straight, f->c, path, &o));
        tern_context *c = texts_context(f, 3);
        o.train.checkpoint = checkpoint;
        o.train.on_progress = stop;
        o.train.resume = true;
        int sittings = 0;
        for (; !resumed; sittings++) {
            int left = 8;
            o.train.user = &left;
            tern_status st = tern_text_train(&resumed, c, path, &o);
            if (st != TERN_OK) assert_int_equal(st, TERN_ERR_INTERRUPTED);
        }
        assert_true(sittings > 4);
        assert_true(same(straight, resumed));
        tern_model_free(resumed);
        tern_model_free(straight);
        tern_context_free(c);
        unlink(checkpoint);
    }
}

static void vectors_and_a_file_to_validate_on(void **state) {
    texts_fixture *f = *state;
    char training[160], test[160], vectors[160];
    strcpy(training, write_texts(f, "train.tsv", TEXTS, 0));
    strcpy(test, write_texts(f, "test.tsv", 40, 500));
    /* "superb" is in no text to train on, but close to "good" */
    strcpy(vectors, texts_write(f, "v.vec",
                                "5 4\ngood 1 0 0 0\nsuperb 1 0.1 0 0\nbad -1 0 0 0\n"
                                "dull -1 0.1 0 0\nw1 0 0 0 1\n"));
    tern_text_train_options o = small_run();
    tern_train_result result;
    tern_model *m;
    tern_session *s;
    tern_answer a;
    o.dimension = 0;
    o.vectors = vectors;
    o.channels = TERN_TEXT_STATIC;
    o.validate_path = test;
    o.train.epochs = 15;
    o.train.result = &result;
    check_ok(f->c, tern_text_train(&m, f->c, training, &o));
    assert_true(isfinite(result.validation_accuracy));
    check_ok(f->c, tern_session_create(&s, m));
    check_ok(f->c, tern_text_classify(s, "w3 superb w4", &a));
    assert_string_equal(a.label, "pos");
    tern_session_free(s);
    tern_model_free(m);
    o.dimension = 7;
    check_error(f->c, TERN_ERR_ARGUMENT, "vectors of 4 numbers, 7",
                tern_text_train(&m, f->c, training, &o));
    assert_null(m);
}

static bool count_fold(void *user, int fold, int folds, double accuracy, int64_t n) {
    int64_t *seen = user;
    assert_int_equal(folds, 4);
    assert_true(fold >= 1 && fold <= 4 && accuracy >= 0);
    *seen += n;
    return true;
}

static void folds_cover_everything_once(void **state) {
    texts_fixture *f = *state;
    tern_text_train_options o = small_run();
    tern_confusion *confusion;
    int64_t seen = 0;
    o.train.epochs = 12;
    o.validate = 0.2;
    const char *path = write_texts(f, "train.tsv", TEXTS, 0);
    check_ok(f->c, tern_text_cross_validate(&confusion, f->c, path, 4, &o, count_fold, &seen));
    tern_metrics metrics = tern_confusion_metrics(confusion);
    assert_int_equal(seen, TEXTS);
    assert_int_equal(metrics.n, TEXTS);
    assert_true(metrics.accuracy > 0.85);
    tern_confusion_free(confusion);
}

/* The same text under two labels cannot be told apart: were its copies in different folds, a
 * network that learnt it by heart would be right half the time; kept together it cannot know. */
static void equal_texts_stay_in_one_fold(void **state) {
    texts_fixture *f = *state;
    char text[4000] = "";
    for (int i = 0; i < 20; i++)
        for (int copy = 0; copy < 3; copy++)
            sprintf(text + strlen(text), "%s\tonly%d there%d\n", i % 2 ? "a" : "b", i, i);
    tern_text_train_options o = small_run();
    tern_confusion *confusion;
    o.train.epochs = 30;
    const char *path = texts_write(f, "copies.tsv", text);
    check_ok(f->c, tern_text_cross_validate(&confusion, f->c, path, 5, &o, NULL, NULL));
    assert_true(tern_confusion_metrics(confusion).accuracy < 0.85);
    tern_confusion_free(confusion);
}

static void refuses(void **state) {
    texts_fixture *f = *state;
    tern_text_train_options o = small_run();
    tern_model *m;
    tern_confusion *confusion;
    check_error(f->c, TERN_ERR_FORMAT, "line 2",
                tern_text_train(&m, f->c, texts_write(f, "a.tsv", "a\tx y\nno tab\n"), &o));
    check_error(f->c, TERN_ERR_FORMAT, "have the label 'a'",
                tern_text_train(&m, f->c, texts_write(f, "b.tsv", "a\tx y\na\tz\n"), &o));
    check_error(f->c, TERN_ERR_IO, "absent.tsv", tern_text_train(&m, f->c, "absent.tsv", &o));
    char path[160];
    strcpy(path, write_texts(f, "train.tsv", TEXTS, 0));
    o.network = "tagger";
    check_error(f->c, TERN_ERR_ARGUMENT, "label to every token",
                tern_text_train(&m, f->c, path, &o));
    o.network = "tree";
    check_error(f->c, TERN_ERR_ARGUMENT, "there is no network 'tree'",
                tern_text_train(&m, f->c, path, &o));
    o = small_run();
    o.validate = 0.1;
    o.validate_path = path;
    check_error(f->c, TERN_ERR_ARGUMENT, "twice", tern_text_train(&m, f->c, path, &o));
    assert_null(m);
    o = small_run();
    check_error(f->c, TERN_ERR_ARGUMENT, "2 to 1000",
                tern_text_cross_validate(&confusion, f->c, path, 1, &o, NULL, NULL));
    check_error(f->c, TERN_ERR_ARGUMENT, "fewer different texts",
                tern_text_cross_validate(&confusion, f->c, texts_write(f, "c.tsv", "a\tx\nb\ty\n"),
                                         3, &o, NULL, NULL));
    assert_null(confusion);
}

static const char *tiny;
static tern_status train_tiny(texts_fixture *f) {
    tern_text_train_options o = small_run();
    tern_model *m;
    tern_context *c = texts_context(f, 1);
    o.train.epochs = 1;
    o.validate = 0.3;
    tern_status st = tern_text_train(&m, c, tiny, &o);
    assert_int_equal(st == TERN_OK, m != NULL);
    tern_model_free(m);
    tern_context_free(c);
    return st;
}

static void survives_every_failing_allocation(void **state) {
    texts_fixture *f = *state;
    tiny = write_texts(f, "tiny.tsv", 12, 0);
    long n = 0;
    tern_status st = TERN_ERR_MEMORY;
    for (; st != TERN_OK; n++) {
        f->allocations = -2; /* those that make the context, which cannot be had without */
        f->fail_at = n;
        st = train_tiny(f);
        if (st != TERN_OK) assert_int_equal(st, TERN_ERR_MEMORY);
    }
    assert_true(n > 50);
    f->fail_at = -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_network_learns, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(the_model_says_everything, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(resuming_gives_the_same_bits, texts_set_up,
                                        texts_tear_down),
        cmocka_unit_test_setup_teardown(vectors_and_a_file_to_validate_on, texts_set_up,
                                        texts_tear_down),
        cmocka_unit_test_setup_teardown(folds_cover_everything_once, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(equal_texts_stay_in_one_fold, texts_set_up,
                                        texts_tear_down),
        cmocka_unit_test_setup_teardown(refuses, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(survives_every_failing_allocation, texts_set_up,
                                        texts_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
