/* Data sets of texts: batches, vocabularies of the training part, labels, tags, repeated texts,
 * words dropped at random, and everything that can be wrong with the data. */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "core/train/dataset.h"

static const char reviews[] = "10\tA good film\n"
                              "2\ta bad, bad Film!\n"
                              "\n"
                              "10\ta GOOD film\n"
                              "2\tbad bad bad bad bad\n"
                              "7\tcaf\xe9 good\n";

static tern_text_dataset *open_with(texts_fixture *f, const char *path,
                                    const tern_text_dataset_options *o) {
    tern_text_dataset *d;
    check_ok(f->c, tern_text_dataset_open(&d, f->c, path, o));
    return d;
}

static void build(texts_fixture *f, tern_text_dataset *d) {
    check_ok(f->c, tern_text_dataset_build(d, tern_text_dataset_samples(d)));
}

/* One batch of these samples. */
static tern__batch batch_of(tern_context *c, tern_dataset *d, const int64_t *samples, int64_t n,
                            bool training, uint64_t epoch) {
    tern__batch b = {.context = c};
    check_ok(c, tern__batch_load(&b, d, samples, n, training, 5, epoch));
    return b;
}

static void check_ids(const tern_tensor *t, int64_t rows, int64_t columns,
                      const int64_t *expected) {
    assert_int_equal(t->type, TERN_INT64);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->dims[0], rows);
    assert_int_equal(t->dims[1], columns);
    for (int64_t i = 0; i < rows * columns; i++)
        assert_int_equal(((const int64_t *)t->data)[i], expected[i]);
}

/* Opens and closes; what the log says of it. */
static const char *log_of(texts_fixture *f, const char *name, const char *text,
                          const tern_text_dataset_options *o) {
    f->log[0] = 0;
    tern_text_dataset_free(open_with(f, texts_write(f, name, text), o));
    const char *first = strstr(f->log, "warning: ");
    if (first) assert_null(strstr(first + 1, "warning: ")); /* it is one line */
    return f->log;
}

/* What is left out, merged or strange is named, in one warning; clean data has none. */
static void findings(void **state) {
    texts_fixture *f = *state;
    static const char *const clean[] = {"a\tone\nb\ttwo\n", "a\tone\nb\ttwo\nc\tthree\n",
                                        " a\tone\nb\ttwo\n a\tfour\n"};
    for (size_t i = 0; i < 3; i++)
        assert_null(strstr(log_of(f, "t.tsv", clean[i], NULL), "warning"));
    const char *log =
        log_of(f, "t.csv",
               "text,label\none,a\n ,c\ntwo,b\nthree, b\nfour,e\xCC\x81\nfive,\xC3\xA9\n"
               ",d\nx,a\ny,a\nz,a\n,b\n",
               NULL);
    assert_non_null(strstr(log, "3 empty texts were skipped, the first in line 3"));
    assert_non_null(strstr(log, "2 labels with empty texts only were left out: c, d"));
    assert_non_null(strstr(log,
                           "2 spellings that differ in blanks at the ends or in how accents are "
                           "coded were merged into the label of the others: b, \xC3\xA9"));
    assert_non_null(strstr(log, "10 texts of 3 labels") ? log : strstr(log, "8 texts of 3 labels"));
    static const char *const labels[] = {"a", " e\xCC\x81 ", "b", "z"};
    tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
    o.labels = labels;
    o.n_labels = 4;
    log = log_of(f, "t.tsv", "\xC3\xA9\tone\na\ttwo\n", &o);
    assert_non_null(strstr(log, "2 labels never occur: b, z"));
    char swapped[2000] = "";
    for (int i = 0; i < 20; i++)
        sprintf(swapped + strlen(swapped), "film number %d\t%d\n", i, i % 2);
    assert_non_null(
        strstr(log_of(f, "t.tsv", swapped, NULL), "20 labels for 20 texts: are the columns"));
    swapped[0] = 0;
    for (int i = 0; i < 40; i++) sprintf(swapped + strlen(swapped), "film %d\t%d\n", i % 8, i % 2);
    assert_non_null(strstr(log_of(f, "t.tsv", swapped, NULL), "8 labels for 2 different texts"));
    assert_non_null(strstr(log_of(f, "t.conll", "O\ta\nO\tb\nO\tc\nB-x\td\nO\te\n", NULL),
                           "5 tags for 5 words"));
}

static void labels_and_batches(void **state) {
    texts_fixture *f = *state;
    tern_text_dataset *d = open_with(f, texts_write(f, "r.tsv", reviews), NULL);
    tern_dataset *all = tern_text_dataset_samples(d), *part;
    assert_int_equal(tern_dataset_count(all), 5);
    assert_int_equal(tern_text_dataset_label_count(d), 3);
    assert_string_equal(tern_text_dataset_label(d, 0), "2"); /* as numbers, not as text */
    assert_string_equal(tern_text_dataset_label(d, 1), "7");
    assert_string_equal(tern_text_dataset_label(d, 2), "10");
    static const int classes[] = {2, 0, 2, 0, 1}, lines[] = {1, 2, 4, 5, 6},
                     lengths[] = {3, 6, 3, 5, 2};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(tern_dataset_class(all, i), classes[i]);
        assert_int_equal(tern_text_dataset_line(d, i), lines[i]);
        assert_int_equal(tern_text_dataset_length(d, i), lengths[i]);
    }
    assert_int_equal(tern_dataset_group(all, 0), tern_dataset_group(all, 2));
    assert_true(tern_dataset_group(all, 0) != tern_dataset_group(all, 1));
    assert_non_null(strstr(f->log, "5 texts of 3 labels, 19 words, 7 different"));
    assert_non_null(strstr(f->log, "texts per label: 2 2, 7 1, 10 2"));
    assert_non_null(strstr(f->log, "1 text repeats another one"));
    assert_non_null(strstr(f->log, "warning: "));
    assert_non_null(strstr(f->log, "1 empty line was skipped"));
    assert_non_null(
        strstr(f->log, "1 text is not UTF-8, the first in line 6; U+FFFD stands for 1"));
    /* The vocabulary of a part: texts 0 and 1. */
    const int64_t two[] = {0, 1}, mixed[] = {1, 4}, repeated[] = {3, 3, 0};
    assert_null(tern_text_dataset_vocabulary(d));
    check_ok(f->c, tern_dataset_subset(&part, all, two, 2));
    check_ok(f->c, tern_text_dataset_build(d, part));
    tern_dataset_free(part);
    static const char *const words[] = {"a", "bad", "film", "!", ",", "good"};
    assert_int_equal(tern_vocabulary_rows(tern_text_dataset_vocabulary(d)), 8);
    for (int i = 0; i < 6; i++)
        assert_string_equal(tern_vocabulary_word(tern_text_dataset_vocabulary(d), 2 + i, NULL),
                            words[i]);
    tern__batch b = batch_of(f->c, all, mixed, 2, false, 0);
    check_ids(&b.inputs[0], 2, 8, (int64_t[]){2, 3, 6, 3, 4, 5, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0});
    assert_int_equal(b.target.rank, 1);
    assert_int_equal(((int64_t *)b.target.data)[0], 0);
    assert_int_equal(((int64_t *)b.target.data)[1], 1);
    tern__batch_free(&b);
    b = batch_of(f->c, all, two, 1, false, 0); /* no more padding than needed */
    check_ids(&b.inputs[0], 1, 4, (int64_t[]){2, 7, 4, 0});
    tern__batch_free(&b);
    /* Counts follow repetition; a subset keeps the data alive. */
    check_ok(f->c, tern_dataset_subset(&part, all, repeated, 3));
    check_ok(f->c, tern_text_dataset_build(d, part));
    assert_int_equal(tern_vocabulary_count(tern_text_dataset_vocabulary(d), 2), 10);
    tern_text_dataset_free(d);
    b = batch_of(f->c, part, (int64_t[]){2}, 1, false, 0);
    check_ids(&b.inputs[0], 1, 4, (int64_t[]){3, 5, 4, 0});
    tern__batch_free(&b);
    tern_dataset_free(part);
}

static void tags(void **state) {
    texts_fixture *f = *state;
    tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
    o.min_length = 5;
    o.text.max_length = 3;
    tern_text_dataset *d =
        open_with(f,
                  texts_write(f, "n.conll",
                              "@Bob's\tB-per\nin\tO\nNew York\tB-loc\n\nin\tO\n\xE2\x80\x8B\tO\n"
                              "b\tO\nc\tI-per\n"),
                  &o);
    static const char *const names[] = {"B-loc", "B-per", "O"}; /* I-per is beyond max_length */
    assert_true(tern_text_dataset_tagged(d));
    assert_int_equal(tern_text_dataset_label_count(d), 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(tern_text_dataset_label(d, (size_t)i), names[i]);
    build(f, d);
    const tern_vocabulary *v = tern_text_dataset_vocabulary(d);
    static const char *const words[] = {"in", "@bob's", "b", "new york", "\xEF\xBF\xBD"};
    assert_int_equal(tern_vocabulary_rows(v), 7); /* tokens stay whole, none is lost */
    for (int i = 0; i < 5; i++) assert_string_equal(tern_vocabulary_word(v, 2 + i, NULL), words[i]);
    tern__batch b = batch_of(f->c, tern_text_dataset_samples(d), (int64_t[]){0, 1}, 2, true, 0);
    check_ids(&b.inputs[0], 2, 8, (int64_t[]){3, 2, 5, 0, 0, 0, 0, 0, 2, 6, 4, 0, 0, 0, 0, 0});
    check_ids(
        &b.target, 2, 8,
        (int64_t[]){1, 2, 0, -100, -100, -100, -100, -100, 2, 2, 2, -100, -100, -100, -100, -100});
    assert_int_equal(tern_text_dataset_tags(d, 1)[2], 2);
    assert_int_equal(tern_dataset_class(tern_text_dataset_samples(d), 0), -1);
    tern__batch_free(&b);
    tern_text_dataset_free(d);
}

/* Batches hold what tern_text_encode gives, whatever the options. */
static void as_encode(void **state) {
    texts_fixture *f = *state;
    static const char *const texts[] = {
        "Where WHERE where's the Caf\xC3\x89?", "a",
        "\xD0\x9F\xD0\xA0\xD0\x98\xD0\x92\xD0\x95\xD0\xA2 e\xCC\x81t\xC3\xA9", "the the a b c D d",
        "!"};
    char file[1000] = "";
    for (int i = 0; i < 5; i++) sprintf(file + strlen(file), "%d\t%s\n", i % 2, texts[i]);
    texts_write(f, "e.tsv", file);
    for (int kind = 0; kind < 24; kind++) {
        tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
        o.text.word_ngrams = 1 + kind % 3;
        o.text.buckets = 50000;
        o.text.max_length = kind / 12 ? 4 : 0;
        if (kind / 3 % 2) o.text.min_n = 2, o.text.max_n = 4;
        o.text.subword_case = kind / 6 % 2;
        tern_text_dataset *d = open_with(f, f->path, &o);
        build(f, d);
        const tern_vocabulary *v = tern_text_dataset_vocabulary(d);
        tern__batch b =
            batch_of(f->c, tern_text_dataset_samples(d), (int64_t[]){0, 1, 2, 3, 4}, 5, false, 0);
        const int64_t *row = b.inputs[0].data, width = b.inputs[0].dims[1];
        tern_tokens *t;
        check_ok(f->c, tern_tokens_create(&t, f->c));
        size_t longest = 0;
        for (int i = 0; i < 5; i++, row += width) {
            int64_t ids[400];
            size_t n;
            check_ok(f->c,
                     tern_text_encode(ids, 400, &n, t, v, &o.text, texts[i], strlen(texts[i])));
            assert_memory_equal(row, ids, n * sizeof *ids);
            for (int64_t k = (int64_t)n; k < width; k++) assert_int_equal(row[k], 0);
            if (n > longest) longest = n;
        }
        assert_int_equal(width, (longest + 3) / 4 * 4);
        tern__batch_free(&b);
        tern_text_dataset_free(d);
        if (o.text.max_n) { /* sub-words in an input of their own */
            o.subwords = 5;
            d = open_with(f, f->path, &o);
            build(f, d);
            b = batch_of(f->c, tern_text_dataset_samples(d), (int64_t[]){2, 0}, 2, false, 0);
            assert_int_equal(b.n_inputs, 2);
            assert_int_equal(b.inputs[0].dims[1], o.text.max_length ? 4 : 8);
            assert_int_equal(b.inputs[1].rank, 3);
            assert_int_equal(b.inputs[1].dims[2], 5);
            int64_t rows[8 * 5];
            for (int i = 0; i < 2; i++) {
                const char *text = texts[i ? 0 : 2];
                check_ok(f->c, tern_text_tokenize(t, &o.text, text, strlen(text)));
                check_ok(f->c, tern_text_encode_subwords(rows, 5, t, &o.text));
                const int64_t *got = b.inputs[1].data, stride = b.inputs[1].dims[1] * 5;
                assert_memory_equal(got + i * stride, rows, t->count * 5 * sizeof *rows);
                for (int64_t k = (int64_t)t->count * 5; k < stride; k++)
                    assert_int_equal(got[i * stride + k], 0);
            }
            tern__batch_free(&b);
            tern_text_dataset_free(d);
        }
        tern_tokens_free(t);
    }
}

/* 200 texts, each there twice. */
static const char *write_twins(texts_fixture *f) {
    char *file = malloc(100000), *p = file;
    for (int i = 0; i < 400; i++)
        p += sprintf(p, "%s\tw%d x%d y%d z\n", i % 2 ? "yes" : "no", i % 200, i % 200 % 7,
                     i % 200 / 2);
    texts_file(f, "t.tsv", file, (size_t)(p - file));
    free(file);
    return f->path;
}

static void splits(void **state) {
    texts_fixture *f = *state;
    tern_text_dataset *d = open_with(f, write_twins(f), NULL);
    tern_dataset *all = tern_text_dataset_samples(d), *first, *second;
    for (uint64_t seed = 0; seed < 20; seed++) {
        bool in_second[400] = {false};
        check_ok(f->c, tern_dataset_split(&first, &second, all, 0.3, seed));
        assert_int_equal(tern_dataset_count(first) + tern_dataset_count(second), 400);
        for (int64_t i = 0; i < tern_dataset_count(second); i++)
            in_second[tern_dataset_source_sample(second, i)] = true;
        for (int i = 0; i < 200; i++) assert_int_equal(in_second[i], in_second[i + 200]);
        tern_dataset_free(first);
        tern_dataset_free(second);
    }
    tern_text_dataset_free(d);
}

static void dropped_words(void **state) {
    texts_fixture *f = *state;
    int64_t samples[400], *kept = NULL;
    size_t bytes = 0;
    for (int i = 0; i < 400; i++) samples[i] = i;
    write_twins(f);
    for (int threads = 1; threads <= 4; threads += 3) { /* the same bits for any number */
        tern_context *c = texts_context(f, threads);
        tern_text_dataset *d;
        check_ok(c, tern_text_dataset_open(&d, c, f->path, NULL));
        tern_dataset *all = tern_text_dataset_samples(d);
        check_ok(c, tern_text_dataset_build(d, all));
        check_ok(c, tern_text_dataset_vary(d, 0.25));
        tern__batch b = batch_of(c, all, samples, 400, true, 3);
        const int64_t *ids = b.inputs[0].data;
        int unknown = 0;
        for (int i = 0; i < 1600; i++) unknown += ids[i] == TERN_UNKNOWN;
        assert_in_range(unknown, 330, 470); /* 400 +- 4 standard deviations */
        if (!kept) {
            bytes = 1600 * sizeof *ids;
            kept = malloc(bytes);
            memcpy(kept, ids, bytes);
        }
        assert_memory_equal(ids, kept, bytes);
        tern__batch_free(&b);
        b = batch_of(c, all, samples, 400, true, 4); /* another epoch */
        assert_true(memcmp(b.inputs[0].data, kept, bytes) != 0);
        tern__batch_free(&b);
        b = batch_of(c, all, samples, 400, false, 3); /* evaluation */
        for (int i = 0; i < 1600; i++) assert_true(((int64_t *)b.inputs[0].data)[i] > TERN_UNKNOWN);
        tern__batch_free(&b);
        check_ok(c, tern_text_dataset_vary(d, 1));
        b = batch_of(c, all, samples, 400, true, 3);
        for (int i = 0; i < 1600; i++)
            assert_int_equal(((int64_t *)b.inputs[0].data)[i], TERN_UNKNOWN);
        tern__batch_free(&b);
        check_error(c, TERN_ERR_ARGUMENT, "word_dropout is 1.5", tern_text_dataset_vary(d, 1.5));
        check_error(c, TERN_ERR_ARGUMENT, "word_dropout is", tern_text_dataset_vary(d, NAN));
        tern_text_dataset_free(d);
        tern_context_free(c);
    }
    free(kept);
}

static void given(void **state) {
    texts_fixture *f = *state;
    static const char *const words[] = {"bad", "good"}, *const labels[] = {"10", "2", "7", "8"};
    static const size_t lengths[] = {3, 4};
    tern_vocabulary *v;
    check_ok(f->c, tern_vocabulary_from_words(&v, f->c, words, lengths, 2));
    tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
    o.vocabulary = v;
    o.labels = labels;
    o.n_labels = 4;
    tern_text_dataset *d = open_with(f, texts_write(f, "r.tsv", reviews), &o);
    tern_dataset *all = tern_text_dataset_samples(d);
    assert_ptr_equal(tern_text_dataset_vocabulary(d), v);
    assert_int_equal(tern_text_dataset_label_count(d), 4);
    assert_int_equal(tern_dataset_class(all, 0), 0);
    tern__batch b = batch_of(f->c, all, (int64_t[]){0}, 1, false, 0);
    check_ids(&b.inputs[0], 1, 4, (int64_t[]){1, 3, 1, 0});
    tern__batch_free(&b);
    const uint64_t print = tern__dataset_fingerprint(all);
    build(f, d); /* and back */
    assert_true(tern_text_dataset_vocabulary(d) != v);
    assert_true(tern__dataset_fingerprint(all) != print);
    check_ok(f->c, tern_text_dataset_use(d, v));
    assert_true(tern__dataset_fingerprint(all) == print);
    tern_text_dataset_free(d);
    o.n_labels = 2;
    check_error(f->c, TERN_ERR_FORMAT,
                "r.tsv, line 6: the label '7' is not one of those that are "
                "known: 10, 2",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    assert_null(d);
    o.labels = (const char *const[]){"10", "10"};
    check_error(f->c, TERN_ERR_ARGUMENT, "'10' is there twice",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    tern_vocabulary_free(v);
}

static void bad_input(void **state) {
    texts_fixture *f = *state;
    static const struct {
        const char *name, *text, *sentence;
    } cases[] = {{"a.tsv", "", "a.tsv: there are no texts in it"},
                 {"a.tsv", "\n\n", "a.tsv: there are no texts in it"},
                 {"a.csv", "text,label\n", "a.csv: there are no texts in it"},
                 {"a.tsv", "1\ta\n1\tb\n",
                  "a.tsv: all 2 texts have the label '1'; to tell texts apart at "
                  "least two are needed"},
                 {"a.conll", "a\tO\nb\tO\n", "a.conll: all 2 words have the tag 'O'"},
                 {"a.tsv", "1\ta\nb\n", "a.tsv, line 2: there is no TAB"}};
    tern_text_dataset *d, *other;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_error(
            f->c, TERN_ERR_FORMAT, cases[i].sentence,
            tern_text_dataset_open(&d, f->c, texts_write(f, cases[i].name, cases[i].text), NULL));
        assert_null(d);
    }
    texts_write(f, "a.tsv", "1\ta b\n2\t\xE2\x80\x8B\n");
    tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
    o.memory = 10;
    check_error(f->c, TERN_ERR_LIMIT, "a.tsv, line 1: the texts up to here take",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    o = (tern_text_dataset_options)TERN_TEXT_DATASET_OPTIONS_INIT;
    o.subwords = 3;
    check_error(f->c, TERN_ERR_ARGUMENT, "subwords is 3",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    o.subwords = 0;
    o.min_length = -1;
    check_error(f->c, TERN_ERR_ARGUMENT, "min_length is -1",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    o.min_length = 0;
    o.text.min_count = 0;
    check_error(f->c, TERN_ERR_ARGUMENT, "min_count is 0",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    o.text.min_count = 2;
    o.reader.format = TERN_TEXT_FORMAT_LINES;
    check_error(f->c, TERN_ERR_ARGUMENT, "every text needs a label",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    o.reader.format = TERN_TEXT_FORMAT_TSV;
    o.size--;
    check_error(f->c, TERN_ERR_ARGUMENT, "TERN_TEXT_DATASET_OPTIONS_INIT",
                tern_text_dataset_open(&d, f->c, f->path, &o));
    o.size++;
    check_error(f->c, TERN_ERR_IO, "cannot open",
                tern_text_dataset_open(&d, f->c, "/nowhere.tsv", &o));
    /* Vocabularies: none yet, none possible, of other texts. */
    d = open_with(f, f->path, &o);
    assert_non_null(strstr(f->log, "1 text has no words, the first in line 2"));
    tern_dataset *all = tern_text_dataset_samples(d), *part;
    tern__batch b = {.context = f->c};
    check_error(f->c, TERN_ERR_ARGUMENT, "no vocabulary yet",
                tern__batch_load(&b, all, (int64_t[]){0}, 1, false, 0, 0));
    tern__batch_free(&b);
    check_error(f->c, TERN_ERR_FORMAT, "none of the 2 different words occurs 2 times",
                tern_text_dataset_build(d, all));
    assert_null(tern_text_dataset_vocabulary(d));
    other = open_with(f, f->path, NULL);
    check_error(f->c, TERN_ERR_ARGUMENT, "of another data set",
                tern_text_dataset_build(d, tern_text_dataset_samples(other)));
    build(f, other);
    const tern_vocabulary *v = tern_text_dataset_vocabulary(other);
    check_ok(f->c, tern_dataset_subset(&part, tern_text_dataset_samples(other), (int64_t[]){1}, 1));
    check_error(f->c, TERN_ERR_FORMAT, "the texts hold no words",
                tern_text_dataset_build(other, part));
    assert_ptr_equal(tern_text_dataset_vocabulary(other), v); /* the old one stays */
    b = (tern__batch){.context = f->c};
    check_ok(f->c, tern__batch_load(&b, part, (int64_t[]){0}, 1, true, 0, 0)); /* only padding */
    check_ids(&b.inputs[0], 1, 4, (int64_t[]){0, 0, 0, 0});
    tern__batch_free(&b);
    tern_dataset_free(part);
    tern_text_dataset_free(other);
    tern_text_dataset_free(d);
}

/* Real data; the figures are awk's and Python's. */
static void real_data(void **state) {
    texts_fixture *f = *state;
    const char *path = check_data("text/wnut17.dev.conll");
    tern_text_dataset *d;
    const bool tagged = path;
    if (path) {
        d = open_with(f, path, NULL);
        assert_int_equal(tern_dataset_count(tern_text_dataset_samples(d)), 1009);
        assert_int_equal(tern_text_dataset_label_count(d), 13);
        assert_non_null(strstr(f->log, "15733 words"));
        assert_non_null(strstr(f->log, "B-person 470"));
        assert_non_null(strstr(f->log, "I-product 94, O 14483"));
        tern_text_dataset_free(d);
    }
    if (!(path = check_data("text/rusentitweet_train.csv"))) {
        if (tagged) return;
        skip();
    }
    d = open_with(f, path, NULL);
    assert_int_equal(tern_dataset_count(tern_text_dataset_samples(d)), 10713);
    assert_string_equal(tern_text_dataset_label(d, 4), "speech");
    assert_non_null(strstr(f->log, "108304 words, 32383 different"));
    tern_text_dataset_free(d);
}

static tern_status open_all(texts_fixture *f) {
    char path[128];
    tern_text_dataset *d = NULL;
    tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
    o.text.min_n = 3;
    o.text.max_n = 5;
    o.text.subword_case = true;
    tern_status st = TERN_OK;
    for (int i = 0; st == TERN_OK && i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", f->folder, i ? "m.conll" : "m.tsv");
        st = tern_text_dataset_open(&d, f->c, path, &o);
        if (st != TERN_OK) assert_null(d);
        if (st == TERN_OK) st = tern_text_dataset_build(d, tern_text_dataset_samples(d));
        tern_text_dataset_free(d);
    }
    return st;
}

static void without_memory(void **state) {
    texts_fixture *f = *state;
    texts_write(f, "m.tsv", reviews);
    texts_write(f, "m.conll", "a\tO\nB\tB-x\n\nc\tO\n");
    texts_starve(f, open_all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(findings, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(labels_and_batches, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(tags, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(as_encode, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(splits, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(dropped_words, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(given, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(bad_input, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(real_data, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(without_memory, texts_set_up, texts_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
