/* Word vectors from and to files of every format, what is wrong with files, unknown words, nearest
 * words, tables. fastText's own files and answers are in tests/golden/fasttext. */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "core/base/base.h"
#include "text/decimal.h"
#include <tern/text_vectors.h>

#include <zlib.h>

#define GOLDEN TERN_SOURCE_ROOT "/tests/golden/fasttext/"

static const float *find(const tern_vectors *v, const char *word) {
    return tern_vectors_find(v, word, strlen(word));
}

static void has(const tern_vectors *v, const char *word, float a, float b, float c) {
    const float *row = find(v, word);
    assert_non_null(row);
    const double expected[] = {a, b, c};
    check_floats(row, expected, 3, 0, 0);
}

/* ---- decimals ---- */

/* Every float comes back, by the library's reader and the C library's, from no more digits than the
 * fewest that printf finds to do so. */
static void decimals(void **state) {
    (void)state;
    tern__random random = tern__random_make(7, 1);
    for (int i = 0; i < 60000; i++) {
        const uint32_t bits = tern__random_u32(&random);
        float value, back;
        memcpy(&value, &bits, sizeof value);
        if (i % 3 == 1) value = (float)((int32_t)bits * 0x1p-33);
        if (i % 3 == 2) value = (float)((int32_t)bits % 4000) / 1000;
        if (!isfinite(value)) continue;
        char out[TERN__DECIMAL_SIZE + 1], shortest[40];
        const char *end;
        const size_t n = tern__decimal_write(out, value);
        assert_true(n < TERN__DECIMAL_SIZE);
        out[n] = 0;
        assert_true(tern__decimal_read(&back, out, out + n, &end));
        assert_ptr_equal(end, out + n);
        assert_memory_equal(&back, &value, sizeof value);
        back = strtof(out, NULL);
        assert_memory_equal(&back, &value, sizeof value);
        int precision = 0, digits = 0, zeros = 0;
        for (;; precision++) {
            snprintf(shortest, sizeof shortest, "%.*e", precision, (double)value);
            if (strtof(shortest, NULL) == value) break;
        }
        for (const char *s = out; *s && *s != 'e'; s++) { /* digits without zeros at both ends */
            if (*s < '0' || *s > '9') continue;
            if (*s == '0')
                zeros += digits > 0;
            else
                digits += 1 + zeros, zeros = 0;
        }
        assert_true(digits <= precision + 1);
    }
    static const struct {
        const char *text;
        size_t taken;
        float value;
    } cases[] = {{"1", 1, 1},
                 {"-0.5x", 4, -0.5f},
                 {"+.25 ", 4, 0.25f},
                 {"3.", 2, 3},
                 {"1e3", 3, 1000},
                 {"1e", 1, 1},
                 {"1e+", 1, 1},
                 {"2E-2", 4, 0.02f},
                 {"1e-60", 5, 0},
                 {"1e99", 4, INFINITY},
                 {"0.00000000000000000000001e23", 28, 1},
                 {"123456789012345678901234567890", 30, 123456789012345678901234567890.f},
                 {"", 0, 0},
                 {".", 0, 0},
                 {"e5", 0, 0},
                 {"nan", 0, 0},
                 {"-", 0, 0},
                 {"0,5", 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float value = 0;
        const char *end, *limit = cases[i].text + strlen(cases[i].text);
        assert_int_equal(tern__decimal_read(&value, cases[i].text, limit, &end),
                         cases[i].taken > 0);
        assert_int_equal(end - cases[i].text, cases[i].taken);
        assert_memory_equal(&value, &cases[i].value, sizeof value);
    }
}

/* ---- formats ---- */

static const char vec[] = "3 3\nthe 0.5 -1 2e-3 \nсад 1 2 3\r\ncat -4 5.25 -6\n";
static const char glove[] = "the 0.5 -1 2e-3\n. . . 1 2 3\n5 -4 5.25 -6";

static tern_vectors *load(texts_fixture *f, const char *path) {
    tern_vectors *v;
    check_ok(f->c, tern_vectors_load(&v, f->c, path, NULL));
    return v;
}

static void text_files(void **state) {
    texts_fixture *f = *state;
    tern_vectors *v = load(f, texts_write(f, "a.vec", vec));
    assert_int_equal(tern_vectors_count(v), 3);
    assert_int_equal(tern_vectors_dimension(v), 3);
    assert_false(tern_vectors_subwords(v));
    has(v, "the", 0.5f, -1, 2e-3f);
    has(v, "сад", 1, 2, 3);
    has(v, "cat", -4, 5.25f, -6);
    assert_null(find(v, "dog"));
    size_t length;
    assert_string_equal(tern_vectors_word(v, 1, &length), "сад");
    assert_int_equal(length, 6);
    assert_ptr_equal(tern_vectors_row(v, 1), find(v, "сад"));
    tern_vectors_free(v);
    v = load(f, texts_write(f, "b.txt", glove)); /* no header; words with spaces, and a number */
    assert_int_equal(tern_vectors_count(v), 3);
    has(v, "the", 0.5f, -1, 2e-3f);
    has(v, ". . .", 1, 2, 3);
    has(v, "5", -4, 5.25f, -6);
    tern_vectors_free(v);
    v = load(f, texts_write(f, "c.txt", "a\t1\t2\t3\n\nb 4  5 6\na 7 8 9\n 1 2 3\n"));
    assert_int_equal(tern_vectors_count(v), 2); /* tabs, an empty line, a word twice, none */
    has(v, "a", 1, 2, 3);
    has(v, "b", 4, 5, 6);
    assert_non_null(strstr(f->log, "1 words are there several times"));
    tern_vectors_free(v);
    snprintf(f->path, sizeof f->path, "%s/z.gz", f->folder);
    gzFile z = gzopen(f->path, "wb");
    assert_int_equal(gzwrite(z, vec, sizeof vec - 1), (int)sizeof vec - 1);
    gzclose(z);
    v = load(f, f->path);
    has(v, "cat", -4, 5.25f, -6);
    tern_vectors_free(v);
}

/* A word2vec file in memory: newline after each vector or not. Returns its size. */
static size_t word2vec(char *out, bool newlines) {
    static const float rows[3][3] = {{0.5f, -1, 2e-3f}, {1, 2, 3}, {-4, 5.25f, -6}};
    static const char *const words[] = {"the", "сад", "cat"};
    size_t n = (size_t)sprintf(out, "3 3\n");
    for (int i = 0; i < 3; i++) {
        n += (size_t)sprintf(out + n, "%s ", words[i]);
        memcpy(out + n, rows[i], sizeof rows[i]);
        n += sizeof rows[i];
        if (newlines) out[n++] = '\n';
    }
    return n;
}

static void word2vec_files(void **state) {
    texts_fixture *f = *state;
    char bytes[200];
    for (int newlines = 0; newlines < 2; newlines++) {
        const size_t size = word2vec(bytes, newlines);
        tern_vectors *v = load(f, texts_file(f, "w.bin", bytes, size));
        assert_int_equal(tern_vectors_count(v), 3);
        has(v, "the", 0.5f, -1, 2e-3f);
        has(v, "сад", 1, 2, 3);
        has(v, "cat", -4, 5.25f, -6);
        tern_vectors_free(v);
        for (size_t cut = 4; cut < size - (size_t)newlines; cut++) {
            const tern_status st =
                tern_vectors_load(&v, f->c, texts_file(f, "w", bytes, cut), NULL);
            assert_int_equal(st, TERN_ERR_FORMAT);
            assert_null(v);
        }
    }
    bytes[word2vec(bytes, true)] = 'x';
    tern_vectors *v;
    check_error(
        f->c, TERN_ERR_FORMAT, "more bytes follow the 3 words",
        tern_vectors_load(&v, f->c, texts_file(f, "w", bytes, word2vec(bytes, true) + 1), NULL));
    const size_t size = word2vec(bytes, false);
    memcpy(bytes + size - 4, &(float){NAN}, 4);
    check_error(f->c, TERN_ERR_FORMAT, "vector of word 3 holds a number that is not finite",
                tern_vectors_load(&v, f->c, texts_file(f, "w", bytes, size), NULL));
}

/* fastText's own answers, printed with five digits. */
static void check_words(const tern_vectors *v, const char *path) {
    char word[100];
    double expected[5];
    float out[5];
    int known = 0, unknown = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fscanf(file, "%99s %lf %lf %lf %lf %lf", word, &expected[0], &expected[1], &expected[2],
                  &expected[3], &expected[4]) == 6) {
        assert_true(tern_vectors_get(v, out, word, strlen(word)));
        check_floats(out, expected, 5, 1e-6, 6e-5);
        if (find(v, word))
            known++;
        else
            unknown++;
    }
    fclose(file);
    assert_true(known >= 3 && unknown >= 4);
}

static void fasttext_files(void **state) {
    texts_fixture *f = *state;
    tern_vectors_load_options o = TERN_VECTORS_LOAD_OPTIONS_INIT;
    tern_vectors *v = load(f, GOLDEN "skipgram.bin"), *text = load(f, GOLDEN "skipgram.vec"), *part;
    assert_true(tern_vectors_subwords(v));
    assert_int_equal(tern_vectors_dimension(v), 5);
    check_words(v, GOLDEN "words.txt");
    assert_int_equal(tern_vectors_count(v), tern_vectors_count(text));
    for (size_t i = 0; i < tern_vectors_count(text); i++) {
        double expected[5];
        for (int k = 0; k < 5; k++) expected[k] = (double)tern_vectors_row(text, i)[k];
        assert_string_equal(tern_vectors_word(v, i, NULL), tern_vectors_word(text, i, NULL));
        check_floats(tern_vectors_row(v, i), expected, 5, 1e-6, 6e-5);
    }
    /* Words of a vocabulary only, unknown ones among them: the same bits. */
    static const char *const words[] = {"bird", "quickly", "море", "</s>"};
    static const size_t lengths[] = {4, 7, 8, 4};
    tern_vocabulary *vocabulary;
    check_ok(f->c, tern_vocabulary_from_words(&vocabulary, f->c, words, lengths, 4));
    o.only = vocabulary;
    check_ok(f->c, tern_vectors_load(&part, f->c, GOLDEN "skipgram.bin", &o));
    assert_int_equal(tern_vectors_count(part), 4);
    assert_false(tern_vectors_subwords(part));
    for (int i = 0; i < 4; i++) {
        float all[5];
        double expected[5];
        tern_vectors_get(v, all, words[i], lengths[i]);
        for (int k = 0; k < 5; k++) expected[k] = (double)all[k];
        assert_non_null(find(part, words[i]));
        check_floats(find(part, words[i]), expected, 5, 0, find(v, words[i]) ? 0 : 2e-7);
    }
    tern_vectors_free(part);
    tern_vocabulary_free(vocabulary);
    o = (tern_vectors_load_options)TERN_VECTORS_LOAD_OPTIONS_INIT;
    o.no_subwords = true;
    check_ok(f->c, tern_vectors_load(&part, f->c, GOLDEN "skipgram.bin", &o));
    assert_memory_equal(find(part, "bird"), find(v, "bird"), 5 * sizeof(float));
    assert_null(find(part, "quickly"));
    tern_vectors_free(part);
    tern_vectors_free(text);
    tern_vectors_free(v);
    /* A classifier's words; its labels are none, its word n-grams no sub-words. */
    v = load(f, GOLDEN "classifier.bin");
    static const double bird[] = {0.0034656, -0.25279, 0.079971, -0.14652}; /* classifier.txt */
    check_floats(find(v, "bird"), bird, 4, 1e-6, 6e-5);
    assert_null(find(v, "__label__bird"));
    assert_false(tern_vectors_subwords(v));
    tern_vectors_free(v);
    check_error(f->c, TERN_ERR_UNSUPPORTED, "the file is quantised",
                tern_vectors_load(&v, f->c, GOLDEN "classifier.ftz", NULL));
    assert_null(v);
}

static char *slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = malloc(1 << 16);
    *size = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    return bytes;
}

static void fasttext_cut(void **state) {
    texts_fixture *f = *state;
    size_t size;
    char *bytes = slurp(GOLDEN "skipgram.bin", &size);
    tern_vectors *v;
    for (size_t cut = 4; cut < size; cut += cut < 1000 ? 1 : 7) {
        const tern_status st = tern_vectors_load(&v, f->c, texts_file(f, "c", bytes, cut), NULL);
        if (st != TERN_ERR_FORMAT || !strstr(tern_context_message(f->c), "cut short"))
            fail_msg("%zu bytes: %s", cut, tern_context_message(f->c));
        assert_null(v);
    }
    const int32_t version = 13;
    memcpy(bytes + 4, &version, 4);
    check_error(f->c, TERN_ERR_UNSUPPORTED, "version 13",
                tern_vectors_load(&v, f->c, texts_file(f, "c", bytes, size), NULL));
    free(bytes);
}

/* ---- writing ---- */

static void same_vectors(const tern_vectors *a, const tern_vectors *b, double relative) {
    assert_int_equal(tern_vectors_count(a), tern_vectors_count(b));
    assert_int_equal(tern_vectors_dimension(a), tern_vectors_dimension(b));
    for (size_t i = 0; i < tern_vectors_count(a); i++) {
        assert_string_equal(tern_vectors_word(a, i, NULL), tern_vectors_word(b, i, NULL));
        for (int64_t k = 0; k < tern_vectors_dimension(a); k++)
            check_close((double)tern_vectors_row(a, i)[k], (double)tern_vectors_row(b, i)[k], 1e-7,
                        relative);
    }
}

static void written_again(void **state) {
    texts_fixture *f = *state;
    static const struct {
        const char *name;
        tern_vectors_format format;
        double relative;
    } cases[] = {{"a.vec", TERN_VECTORS_AUTO, 0},
                 {"b.bin", TERN_VECTORS_WORD2VEC, 0},
                 {"c.bin", TERN_VECTORS_AUTO, 4e-7},
                 {"d.bin", TERN_VECTORS_TEXT, 0}};
    tern_vectors *v = load(f, GOLDEN "skipgram.bin"), *back;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(f->path, sizeof f->path, "%s/%s", f->folder, cases[i].name);
        check_ok(f->c, tern_vectors_save(v, f->path, cases[i].format));
        back = load(f, f->path);
        same_vectors(back, v, cases[i].relative);
        assert_int_equal(tern_vectors_subwords(back), i == 2);
        if (i == 2) check_words(back, GOLDEN "words.txt");
        tern_vectors_free(back);
    }
    tern_vectors_free(v);
    v = load(f, texts_write(f, "g", glove));
    snprintf(f->path, sizeof f->path, "%s/g.vec", f->folder);
    check_ok(f->c, tern_vectors_save(v, f->path, TERN_VECTORS_AUTO));
    size_t size;
    char *bytes = slurp(f->path, &size);
    bytes[size] = 0;
    assert_string_equal(bytes, "2 3\nthe 0.5 -1 0.002\n5 -4 5.25 -6\n"); /* without ". . ." */
    free(bytes);
    check_error(f->c, TERN_ERR_ARGUMENT, "needs sub-words",
                tern_vectors_save(v, f->path, TERN_VECTORS_FASTTEXT));
    check_error(f->c, TERN_ERR_IO, "nowhere",
                tern_vectors_save(v, "/nowhere/x.vec", TERN_VECTORS_AUTO));
    tern_vectors_free(v);
}

/* ---- bad files ---- */

static void bad_files(void **state) {
    texts_fixture *f = *state;
    static const struct {
        const char *text, *sentence;
        tern_status status;
    } cases[] = {
        {"", "is empty", TERN_ERR_FORMAT},
        {"2 3\na 1 2 3\n", "cut short", TERN_ERR_FORMAT},
        {"2 3\na 1.00 2.00 3.00\nb 1 2", "line 3: 3 fields; a word and 3 numbers", TERN_ERR_FORMAT},
        {"2 3\na 1.00 2.00 3.00\n", "line 2: cut short: the file ends after 1 of 2",
         TERN_ERR_FORMAT},
        {"1 3\na 1 2 3\nb 1 2 3\n", "line 3: more lines than the 1 words", TERN_ERR_FORMAT},
        {"2 3\na 1 2 3 4\nb 1 2 3 4\n", "line 2: more than 3 numbers", TERN_ERR_FORMAT},
        {"2 3\na 1 2 3\nb 1 zwei 3\n", "line 3: number 2 of 3 is 'zwei'", TERN_ERR_FORMAT},
        {"a 1 2 3\nb 1 2\n", "line 2: 3 fields", TERN_ERR_FORMAT},
        {"a 1 2 3\nb 1 2 nan\n", "line 2: number 3 of 3 is 'nan'", TERN_ERR_FORMAT},
        {"a 1 2 3\nb 1 2 1e99\n", "a finite decimal is expected", TERN_ERR_FORMAT},
        {"a 1 2 3\nb 1 0,5 3\n", "is '0,5'", TERN_ERR_FORMAT},
        {"0 3\n", "holds no words", TERN_ERR_FORMAT},
        {"2 0\na\nb\n", "vectors of 0 numbers", TERN_ERR_FORMAT},
        {"1 99999\na 1\n", "vectors of 99999 numbers", TERN_ERR_LIMIT},
        {"9999999 1\na 1\n", "9999999 words; the limit is 5000000", TERN_ERR_LIMIT},
        {"99999999999999999 3\na 1\n", "words; the limit is 5000000", TERN_ERR_LIMIT},
        {"hello\n", "vectors of 0 numbers", TERN_ERR_FORMAT},
        {"\n\n", "holds no words", TERN_ERR_FORMAT},
    };
    tern_vectors *v;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_error(f->c, cases[i].status, cases[i].sentence,
                    tern_vectors_load(&v, f->c, texts_write(f, "bad", cases[i].text), NULL));
        assert_non_null(strstr(tern_context_message(f->c), "/bad"));
        assert_null(v);
    }
    check_error(f->c, TERN_ERR_FORMAT, "neither text nor",
                tern_vectors_load(&v, f->c, texts_file(f, "bad", "\x89PNG\0\1\2", 7), NULL));
    check_error(f->c, TERN_ERR_IO, "cannot open", tern_vectors_load(&v, f->c, "/nowhere", NULL));
    tern_vectors_load_options o = TERN_VECTORS_LOAD_OPTIONS_INIT;
    o.memory = 30;
    check_error(f->c, TERN_ERR_LIMIT, "more than the 30 bytes",
                tern_vectors_load(&v, f->c, texts_write(f, "bad", vec), &o));
    o.memory = 100;
    check_error(f->c, TERN_ERR_LIMIT, "more than",
                tern_vectors_load(&v, f->c, GOLDEN "skipgram.bin", &o));
}

/* ---- nearest, tables ---- */

static void nearest(void **state) {
    texts_fixture *f = *state;
    char text[20000], *p = text;
    float rows[300][11];
    tern__random random = tern__random_make(3, 3);
    for (int i = 0; i < 300; i++) {
        p += sprintf(p, "w%d", i);
        for (int k = 0; k < 11; k++) {
            rows[i][k] = i == 7 ? 0 : (float)((int)tern__random_below(&random, 19) - 9);
            if (i == 9) rows[i][k] = rows[8][k] * 2;
            p += sprintf(p, " %d", (int)rows[i][k]);
        }
        p += sprintf(p, "\n");
    }
    tern_vectors *v = load(f, texts_write(f, "n", text));
    const char *const without[] = {"w8", "nothing"};
    tern_neighbour list[300];
    size_t n;
    check_ok(f->c, tern_vectors_nearest(list, 300, &n, v, rows[8], without, 2));
    assert_int_equal(n, 298); /* neither w8 nor the zeros of w7 */
    assert_string_equal(list[0].word, "w9");
    double last = 1;
    for (size_t i = 0; i < n; i++) {
        const int w = atoi(list[i].word + 1);
        double ab = 0, aa = 0, bb = 0;
        for (int k = 0; k < 11; k++) {
            ab += (double)rows[8][k] * (double)rows[w][k];
            aa += (double)rows[8][k] * (double)rows[8][k];
            bb += (double)rows[w][k] * (double)rows[w][k];
        }
        check_close((double)list[i].cosine, ab / sqrt(aa * bb), 1e-7, 1e-6);
        assert_true((double)list[i].cosine <= last);
        last = (double)list[i].cosine;
    }
    tern_neighbour few[5];
    check_ok(f->c, tern_vectors_nearest(few, 5, &n, v, rows[8], without, 2));
    assert_int_equal(n, 5);
    for (size_t i = 0; i < 5; i++) assert_ptr_equal(few[i].word, list[i].word);
    check_error(f->c, TERN_ERR_ARGUMENT, "no direction",
                tern_vectors_nearest(few, 5, &n, v, rows[7], NULL, 0));
    tern_vectors_free(v);
}

static void table(void **state) {
    texts_fixture *f = *state;
    static const char *const words[] = {"cat", "unknown", "the", "other", "unknowm"};
    static const size_t lengths[] = {3, 7, 3, 5, 7};
    tern_vocabulary *vocabulary, *again;
    float a[7 * 3], b[4 * 3];
    size_t known;
    tern_vectors *v = load(f, texts_write(f, "a.vec", vec));
    check_ok(f->c, tern_vocabulary_from_words(&vocabulary, f->c, words, lengths, 5));
    check_ok(f->c, tern_vocabulary_from_words(&again, f->c, words + 1, lengths + 1, 2));
    check_ok(f->c, tern_vectors_fill(a, &known, v, vocabulary, 0.25, 5));
    assert_int_equal(known, 2);
    static const double zeros[3] = {0}, cat[] = {-4, 5.25, -6};
    check_floats(a, zeros, 3, 0, 0);
    check_floats(a + 6, cat, 3, 0, 0);
    for (int i = 3; i < 21; i++)
        if (i / 3 != 2 && i / 3 != 4) assert_true(fabsf(a[i]) <= 0.25f && a[i] != 0);
    for (int r = 3; r < 7; r += 2) /* words that differ by a byte have other numbers */
        for (int k = 0; k < 3; k++) assert_true(a[3 * r + k] != a[3 * 6 + k] || r == 6);
    check_ok(f->c, tern_vectors_fill(b, NULL, v, again, 0.25, 5)); /* by the word, not the row */
    assert_memory_equal(b + 6, a + 9, 3 * sizeof *a);
    check_ok(f->c, tern_vectors_fill(b, NULL, v, again, 0.25, 6)); /* and the seed */
    assert_memory_not_equal(b + 6, a + 9, 3 * sizeof *a);
    tern_vocabulary_free(again);
    tern_vocabulary_free(vocabulary);
    /* Without a spread: the variance of the known rows, here that of cat's numbers. */
    enum { MANY = 4000 };
    static char text[MANY][12];
    const char *names[MANY];
    size_t sizes[MANY];
    for (int i = 0; i < MANY; i++) {
        sizes[i] = (size_t)(i ? sprintf(text[i], "u%d", i) : sprintf(text[i], "cat"));
        names[i] = text[i];
    }
    check_ok(f->c, tern_vocabulary_from_words(&vocabulary, f->c, names, sizes, MANY));
    float *big = malloc((MANY + 2) * 3 * sizeof *big);
    check_ok(f->c, tern_vectors_fill(big, &known, v, vocabulary, 0, 1));
    assert_int_equal(known, 1);
    double sum = 0, squares = 0;
    for (int i = 9; i < (MANY + 2) * 3; i++)
        sum += (double)big[i], squares += (double)big[i] * (double)big[i];
    const double n = (MANY - 1) * 3,
                 variance = (16 + 5.25 * 5.25 + 36) / 3 - (4.75 / 3) * (4.75 / 3);
    check_close(sum / n, 0, 4 * sqrt(variance / n), 0);
    check_close(squares / n, variance, 0, 4 * sqrt(0.8 / n)); /* uniform: var(x^2) = 0.8 var^2 */
    free(big);
    tern_vocabulary_free(vocabulary);
    tern_vectors_free(v);
}

static tern_status load_all(texts_fixture *f) {
    tern_vectors *v = NULL;
    tern_neighbour list[2];
    float out[5 * 3];
    size_t n;
    tern_vocabulary *vocabulary = NULL;
    static const char *const words[] = {"bird"};
    tern_status st = tern_vectors_load(&v, f->c, GOLDEN "skipgram.bin", NULL);
    if (st == TERN_OK) st = tern_vectors_nearest(list, 2, &n, v, find(v, "bird"), NULL, 0);
    if (st == TERN_OK) st = tern_vocabulary_from_words(&vocabulary, f->c, words, (size_t[]){4}, 1);
    if (st == TERN_OK) st = tern_vectors_fill(out, NULL, v, vocabulary, 0, 0);
    if (st == TERN_OK) {
        snprintf(f->path, sizeof f->path, "%s/m.vec", f->folder);
        st = tern_vectors_save(v, f->path, TERN_VECTORS_AUTO);
    }
    tern_vectors_free(v);
    v = NULL;
    if (st == TERN_OK)
        st = tern_vectors_load(&v, f->c, f->path, NULL);
    else
        assert_null(v);
    tern_vectors_free(v);
    tern_vocabulary_free(vocabulary);
    return st;
}

static void memory(void **state) { texts_starve(*state, load_all); }

/* Editors put a byte-order mark before the first word or the header; UTF-16 is named. */
static void byte_order_marks(void **state) {
    texts_fixture *f = *state;
    static const char *const files[] = {"\xef\xbb\xbfgood 1 0\nbad -1 0\n",
                                        "\xef\xbb\xbf"
                                        "2 2\ngood 1 0\nbad -1 0\n"};
    tern_vectors *v;
    for (int i = 0; i < 2; i++) {
        check_ok(f->c, tern_vectors_load(&v, f->c, texts_write(f, "v.txt", files[i]), NULL));
        assert_int_equal(tern_vectors_count(v), 2);
        assert_non_null(tern_vectors_find(v, "good", 4));
        tern_vectors_free(v);
    }
    check_error(f->c, TERN_ERR_FORMAT, "the text is UTF-16",
                tern_vectors_load(&v, f->c,
                                  texts_file(f, "w.txt",
                                             "\xff\xfe"
                                             "a\0 \0"
                                             "1\0",
                                             8),
                                  NULL));
    assert_null(v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals),
        cmocka_unit_test_setup_teardown(byte_order_marks, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(text_files, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(word2vec_files, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(fasttext_files, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(fasttext_cut, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(written_again, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(bad_files, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(nearest, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(table, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(memory, texts_set_up, texts_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
