/* Learning word vectors: the kernel against double precision at every instruction set level, how
 * words are dealt out and drawn, what is learnt from a text whose structure is known, the same bits
 * for any number of threads, options, and memory that runs out. */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "core/kernels/kernels.h"
#include "core/math/pairs.h"
#include "text/vectors_train.h"

/* ---- the kernel ---- */

enum { ROWS = 40 };

/* Steps in double precision, by their definition in core/math/pairs.h. */
static double reference(double *left, double *right, int64_t n, const int32_t *items, int64_t count,
                        int targets, double rate) {
    double loss = 0, *old = malloc((size_t)n * sizeof *old);
    for (int64_t i = 0; i < count; i++) {
        const int32_t *item = items + i * (1 + targets);
        double *x = left + item[0] * n, g[TERN__PAIRS_TARGETS];
        bool first = true;
        for (int k = 0; k < targets; k++) {
            if (item[1 + k] < 0) continue;
            const double *t = right + item[1 + k] * n;
            double product = 0;
            for (int64_t j = 0; j < n; j++) product += x[j] * t[j];
            g[k] = rate * (first - 1 / (1 + exp(-product)));
            if (i % 16 == 0) loss += log(1 + exp(first ? -product : product));
            first = false;
        }
        memcpy(old, x, (size_t)n * sizeof *old);
        for (int k = 0; k < targets; k++) {
            if (item[1 + k] < 0) continue;
            double *t = right + item[1 + k] * n;
            for (int64_t j = 0; j < n; j++) {
                x[j] += g[k] * t[j];
                t[j] += g[k] * old[j];
            }
        }
    }
    free(old);
    return loss;
}

static void check_kernel(tern_context *c, int64_t stride, int targets, tern__random *random) {
    enum { ITEMS = 50 };
    const size_t floats = (size_t)(ROWS * stride);
    float *left = aligned_alloc(64, floats * sizeof *left);
    float *right = aligned_alloc(64, floats * sizeof *right);
    double *l = malloc(floats * sizeof *l), *r = malloc(floats * sizeof *r);
    int32_t items[ITEMS * (1 + TERN__PAIRS_TARGETS)];
    for (size_t i = 0; i < floats; i++) {
        const bool padding = (int64_t)i % stride >= stride - 3;
        l[i] = left[i] = padding ? 0 : (float)tern__random_normal(random) * 0.3f;
        r[i] = right[i] = padding ? 0 : (float)tern__random_normal(random) * 0.3f;
    }
    for (int i = 0; i < ITEMS; i++) {
        int32_t *item = items + i * (1 + targets);
        int64_t rows[ROWS];
        for (int k = 0; k < ROWS; k++) rows[k] = k;
        tern__random_shuffle(random, rows, ROWS);
        item[0] = (int32_t)tern__random_below(random, ROWS);
        for (int k = 0; k < targets; k++)
            item[1 + k] = k && tern__random_below(random, 5) == 0 ? -1 : (int32_t)rows[k];
    }
    const tern__pair_steps steps = {left, right, stride, items, ITEMS, targets, 0.05f};
    const double loss = tern__pairs_step(c, &steps);
    check_close(loss, reference(l, r, stride, items, ITEMS, targets, (double)0.05f), 1e-5, 1e-5);
    check_floats(left, l, floats, 2e-6, 2e-6);
    check_floats(right, r, floats, 2e-6, 2e-6);
    for (size_t i = 0; i < floats; i++)
        if ((int64_t)i % stride >= stride - 3) assert_true(left[i] == 0 && right[i] == 0);
    free(left);
    free(right);
    free(l);
    free(r);
}

static void kernel(void **state) {
    texts_fixture *f = *state;
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    static const int targets[] = {1, 2, 3, 6, 7, 8, 9, 16, 21, 32};
    tern__random random = tern__random_make(11, 0);
    for (int level = 0; level < 3; level++) {
        if (tern__kernels_select(f->c, levels[level]) != TERN_OK) continue; /* not on this CPU */
        for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
            for (int64_t stride = 16; stride <= 304; stride += 96)
                check_kernel(f->c, stride, targets[i], &random);
    }
}

/* ---- parts and negatives ---- */

static void dealing(void **state) {
    texts_fixture *f = *state;
    enum { WORDS = 1700, DRAWS = 200000 };
    static int64_t counts[WORDS];
    static int32_t ids[] = {0, 1, 2, -1, 3, -1};
    tern__corpus corpus = {.n_words = WORDS, .counts = counts, .ids = ids, .n_ids = 6};
    for (int i = 0; i < WORDS; i++) corpus.tokens += counts[i] = 1000000 / (i + 1);
    tern_vectors_train_options o = TERN_VECTORS_TRAIN_OPTIONS_INIT;
    o.window = 5;
    o.sample = 1e-3;
    learner l = {.c = f->c, .corpus = &corpus, .o = &o, .n = WORDS};
    check_ok(f->c, tern__learner_deal(&l));
    assert_int_equal(l.parts, 3);
    double weights[3] = {0}, total[3] = {0};
    int64_t sizes[3] = {0};
    for (int w = 0; w < WORDS; w++) {
        sizes[l.part_of[w]]++;
        weights[l.part_of[w]] += pow((double)counts[w], 0.75);
    }
    for (int p = 0; p < 3; p++) {
        assert_true(sizes[p] >= WORDS / 3 && sizes[p] <= WORDS / 3 + 1);
        assert_int_equal(l.samplers[p].count, sizes[p]);
        static int64_t drawn[WORDS];
        memset(drawn, 0, sizeof drawn);
        tern__random random = tern__random_make(1, (uint64_t)p);
        for (int i = 0; i < DRAWS; i++) drawn[tern__sampler_draw(&l.samplers[p], &random)]++;
        for (int w = 0; w < WORDS; w++) { /* within five standard deviations */
            const double share = l.part_of[w] == p ? pow((double)counts[w], 0.75) / weights[p] : 0;
            check_close((double)drawn[w], DRAWS * share, 5 * sqrt(DRAWS * share) + (share > 0), 0);
            total[p] += (double)drawn[w];
        }
        assert_true(total[p] == DRAWS);
    }
    /* Kept: sqrt(t / f) + t / f, at most 1. */
    for (int w = 0; w < WORDS; w += 17) {
        const double share = (double)counts[w] / (double)corpus.tokens;
        const double keep = sqrt(1e-3 / share) + 1e-3 / share;
        check_close((double)l.keep[w] / (double)UINT32_MAX, keep < 1 ? keep : 1, 1e-9, 1e-9);
    }
    /* Chunks: whole texts, all of them. */
    assert_int_equal(l.n_chunks, 1);
    assert_int_equal(l.chunks[0].begin, 0);
    assert_int_equal(l.chunks[0].end, 6);
    for (int p = 0; p < 3; p++) {
        tern__free(f->c, l.samplers[p].words);
        tern__free(f->c, l.samplers[p].other);
        tern__free(f->c, l.samplers[p].threshold);
    }
    tern__free(f->c, l.part_of);
    tern__free(f->c, l.keep);
    tern__free(f->c, l.chunks);
    tern__free(f->c, l.order);
}

/* ---- training ---- */

/* Texts of words of one of 4 topics each, 30 words a topic, with words that are everywhere. */
static const char *topics(texts_fixture *f, const char *name, int texts, uint64_t seed) {
    tern__random random = tern__random_make(seed, 9);
    char *text = malloc((size_t)texts * 300), *p = text;
    for (int i = 0; i < texts; i++) {
        const int topic = (int)tern__random_below(&random, 4);
        for (int k = 0; k < 12; k++)
            if (tern__random_below(&random, 4) == 0)
                p += sprintf(p, "the ");
            else
                p += sprintf(p, "topic%c%dx ", 'a' + topic, (int)tern__random_below(&random, 30));
        p += sprintf(p, "\n");
    }
    texts_file(f, name, text, (size_t)(p - text));
    free(text);
    return f->path;
}

/* The share of the 5 words nearest to each topic word that are of its topic. */
static double agreement(texts_fixture *f, const tern_vectors *v) {
    int right = 0, all = 0;
    for (size_t i = 0; i < tern_vectors_count(v); i++) {
        const char *word = tern_vectors_word(v, i, NULL);
        tern_neighbour list[5];
        size_t n;
        if (!strcmp(word, "the")) continue;
        check_ok(f->c, tern_vectors_nearest(list, 5, &n, v, tern_vectors_row(v, i), &word, 1));
        for (size_t k = 0; k < n; k++) right += list[k].word[5] == word[5];
        all += (int)n;
    }
    assert_true(all > 400);
    return (double)right / all;
}

static tern_vectors_train_options small(bool subwords) {
    tern_vectors_train_options o = TERN_VECTORS_TRAIN_OPTIONS_INIT;
    o.dimension = 12;
    o.epochs = 12;
    o.min_count = 2;
    o.sample = 1e-2;
    o.learning_rate = 0.1;
    o.subwords = subwords;
    o.buckets = 500;
    return o;
}

static void topics_are_found(void **state) {
    texts_fixture *f = *state;
    const char *path = topics(f, "topics.txt", 1500, 1);
    for (int subwords = 0; subwords < 2; subwords++) {
        tern_vectors_train_options o = small(subwords);
        tern_vectors *v;
        check_ok(f->c, tern_vectors_train(&v, f->c, &path, 1, &o));
        assert_int_equal(tern_vectors_count(v), 121);
        assert_string_equal(tern_vectors_word(v, 0, NULL), "the"); /* the most frequent first */
        assert_int_equal(tern_vectors_dimension(v), 12);
        assert_int_equal(tern_vectors_subwords(v), subwords);
        const double share = agreement(f, v);
        if (share < 0.9) fail_msg("only %.3f of the neighbours are of the same topic", share);
        float out[12];
        assert_int_equal(tern_vectors_get(v, out, "topica99x", 9), subwords);
        if (subwords) { /* an unknown word is near to the words that are spelt like it */
            tern_neighbour list[5];
            size_t n;
            check_ok(f->c, tern_vectors_nearest(list, 5, &n, v, out, NULL, 0));
            for (size_t k = 0; k < n; k++) assert_int_equal(list[k].word[5], 'a');
        }
        tern_vectors_free(v);
    }
}

/* 2,000 different words, so that there are several parts; several pools. */
static const char *many_words(texts_fixture *f) {
    tern__random random = tern__random_make(5, 5);
    char *text = malloc(1 << 20), *p = text;
    for (int i = 0; i < 30000; i++) {
        const double u = tern__random_uniform(&random);
        p += sprintf(p, "w%d%s", (int)(2000 * u * u), i % 37 == 36 ? "\n" : " ");
    }
    texts_file(f, "many.txt", text, (size_t)(p - text));
    free(text);
    return f->path;
}

static void same_bits(void **state) {
    texts_fixture *f = *state;
    const char *path = many_words(f);
    for (int subwords = 0; subwords < 2; subwords++) {
        tern_vectors *first = NULL, *v;
        static const int threads[] = {1, 2, 3, 7};
        tern_vectors_train_options o = small(subwords);
        o.epochs = 2;
        o.window = 40; /* small chunks: several pools */
        for (int i = 0; i < 4; i++) {
            tern_context *c = texts_context(f, threads[i]);
            check_ok(c, tern_vectors_train(&v, c, &path, 1, &o));
            if (first) {
                assert_int_equal(tern_vectors_count(v), tern_vectors_count(first));
                for (size_t w = 0; w < tern_vectors_count(v); w++)
                    assert_memory_equal(tern_vectors_row(v, w), tern_vectors_row(first, w),
                                        12 * sizeof(float));
                tern_vectors_free(v);
                tern_context_free(c);
            } else {
                first = v;
                assert_true(tern_vectors_count(v) >= 1024); /* more than one part */
            }
        }
        tern_context *c = texts_context(f, 1);
        o.seed = 1;
        check_ok(c, tern_vectors_train(&v, c, &path, 1, &o));
        assert_memory_not_equal(tern_vectors_row(v, 0), tern_vectors_row(first, 0),
                                12 * sizeof(float));
        tern_vectors_free(v);
        tern_context_free(c);
        c = ((struct { tern_context *context; } *)first)->context;
        tern_vectors_free(first);
        tern_context_free(c);
    }
}

typedef struct watched {
    double first_loss, last_loss, share;
    int calls, stop_at, epochs_done;
} watched;

static bool watch(void *user, const tern_vectors_progress *p) {
    watched *w = user;
    if (!w->calls++) w->first_loss = p->loss;
    w->last_loss = p->loss;
    assert_true(p->share > w->share && p->share <= 1 && p->seconds >= 0 && p->eta >= 0);
    w->share = p->share;
    w->epochs_done += p->share * p->epochs > p->epoch - 1e-9;
    return w->calls != w->stop_at;
}

static void progress(void **state) {
    texts_fixture *f = *state;
    const char *path = topics(f, "topics.txt", 1000, 2);
    tern_vectors_train_options o = small(false);
    tern_vectors *v;
    watched all = {0}, some = {.stop_at = 3};
    bool stopped = true;
    o.on_progress = watch;
    o.user = &all;
    o.stopped = &stopped;
    check_ok(f->c, tern_vectors_train(&v, f->c, &path, 1, &o));
    assert_false(stopped);
    assert_int_equal(all.epochs_done, 12);
    assert_true(all.share == 1);
    assert_true(all.last_loss < 0.9 * all.first_loss);
    tern_vectors_free(v);
    all = (watched){0};
    o.learning_rate = 1e-9;
    o.epochs = 1;
    check_ok(f->c, tern_vectors_train(&v, f->c, &path, 1, &o));
    check_close(all.last_loss, 6 * log(2), 0, 0.01); /* six products that begin at 0 */
    tern_vectors_free(v);
    o = small(false);
    o.on_progress = watch;
    o.stopped = &stopped;
    o.user = &some;
    check_ok(f->c, tern_vectors_train(&v, f->c, &path, 1, &o));
    assert_true(stopped);
    assert_int_equal(some.calls, 3);
    assert_int_equal(tern_vectors_count(v), 121);
    tern_vectors_free(v);
}

static void mistakes(void **state) {
    texts_fixture *f = *state;
    static const struct {
        tern_vectors_train_options o;
        const char *sentence;
    } cases[] = {{{.dimension = 2049}, "dimension is 2049 and must be 0..2048"},
                 {{.dimension = -1}, "dimension is -1"},
                 {{.epochs = -1}, "epochs is -1"},
                 {{.window = 101}, "window is 101"},
                 {{.min_count = -2}, "min_count is -2"},
                 {{.negatives = 32}, "negatives is 32"},
                 {{.learning_rate = NAN}, "learning_rate is nan"},
                 {{.sample = INFINITY}, "sample is inf"},
                 {{.min_n = 5, .max_n = 4}, "n-grams of 5 to 4"},
                 {{.buckets = -4}, "buckets is -4"}};
    const char *path = topics(f, "topics.txt", 3, 2);
    tern_vectors *v;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_error(f->c, TERN_ERR_ARGUMENT, cases[i].sentence,
                    tern_vectors_train(&v, f->c, &path, 1, &cases[i].o));
        assert_null(v);
    }
    tern_vectors_train_options o = small(false);
    check_error(f->c, TERN_ERR_ARGUMENT, "no file", tern_vectors_train(&v, f->c, NULL, 0, &o));
    o.min_count = 1000;
    check_error(f->c, TERN_ERR_FORMAT, "vocabulary", tern_vectors_train(&v, f->c, &path, 1, &o));
    o = small(false);
    o.memory = 100;
    check_error(f->c, TERN_ERR_LIMIT, "the 100 bytes", tern_vectors_train(&v, f->c, &path, 1, &o));
    o.memory = 0;
    path = texts_file(f, "nul.txt", "good line\nbad \0 line\n", 21);
    check_error(f->c, TERN_ERR_FORMAT, "line 2", tern_vectors_train(&v, f->c, &path, 1, &o));
    path = "/nowhere/texts";
    check_error(f->c, TERN_ERR_IO, "/nowhere/texts", tern_vectors_train(&v, f->c, &path, 1, &o));
    path = texts_write(f, "empty.txt", "");
    check_error(f->c, TERN_ERR_FORMAT, "vocabulary", tern_vectors_train(&v, f->c, &path, 1, &o));
    assert_null(v);
    path = topics(f, "fast.txt", 300, 2);
    o.learning_rate = 10;
    o.epochs = 200;
    check_error(f->c, TERN_ERR_DIVERGED, "learning rate 10",
                tern_vectors_train(&v, f->c, &path, 1, &o));
    o = small(false);
    /* One word only: no context and no negatives, but no crash. */
    path = texts_write(f, "one.txt", "word word word word\n");
    check_ok(f->c, tern_vectors_train(&v, f->c, &path, 1, &o));
    assert_int_equal(tern_vectors_count(v), 1);
    tern_vectors_free(v);
}

static tern_status train_with(texts_fixture *f, bool subwords) {
    tern_vectors *v = NULL;
    tern_vectors_train_options o = small(subwords);
    const char *path = f->path;
    o.epochs = 1;
    const tern_status st = tern_vectors_train(&v, f->c, &path, 1, &o);
    if (st != TERN_OK) assert_null(v);
    tern_vectors_free(v);
    return st;
}
static tern_status train_words(texts_fixture *f) { return train_with(f, false); }
static tern_status train_subwords(texts_fixture *f) { return train_with(f, true); }

static void memory(void **state) {
    topics(*state, "few.txt", 40, 3);
    texts_starve(*state, train_words);
    texts_starve(*state, train_subwords);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kernel, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(dealing, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(topics_are_found, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(same_bits, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(progress, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(mistakes, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(memory, texts_set_up, texts_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
