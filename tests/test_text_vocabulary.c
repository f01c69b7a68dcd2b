/* Vocabularies: order, limits, text form; numbers of a text; hashes against fastText's definitions
 * (golden/text.py and the published values). */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "golden/text.h"

static tern_word_counts *count(tern_context *c, const char *words) {
    tern_word_counts *counts;
    check_ok(c, tern_word_counts_create(&counts, c));
    for (const char *p = words; *p;) {
        const size_t n = strcspn(p, " ");
        check_ok(c, tern_word_counts_add(counts, p, n, 1));
        p += n + (p[n] == ' ');
    }
    return counts;
}

static void order_and_limits(void **state) {
    texts_fixture *f = *state;
    tern_word_counts *counts = count(f->c, "b c a b \xD1\x8F c b d ab a d e abc");
    tern_vocabulary *v;
    size_t length;
    assert_int_equal(tern_word_counts_size(counts), 8);
    check_ok(f->c, tern_vocabulary_create(&v, f->c, counts, 1, 0));
    static const char *const expected[] = {"",  "<unknown>", "b",   "a", "c",
                                           "d", "ab",        "abc", "e", "\xD1\x8F"};
    static const int times[] = {0, 0, 3, 2, 2, 2, 1, 1, 1, 1};
    assert_int_equal(tern_vocabulary_rows(v), 10);
    for (int row = 0; row < 10; row++) {
        assert_string_equal(tern_vocabulary_word(v, row, &length), expected[row]);
        assert_int_equal(length, strlen(expected[row]));
        assert_int_equal(tern_vocabulary_count(v, row), times[row]);
        if (row >= TERN_FIRST_WORD)
            assert_int_equal(tern_vocabulary_find(v, expected[row], length), row);
    }
    assert_int_equal(tern_vocabulary_find(v, "abd", 3), TERN_UNKNOWN);
    assert_int_equal(tern_vocabulary_find(v, "abc", 2), 6);
    assert_int_equal(tern_vocabulary_find(v, "", 0), TERN_UNKNOWN);
    assert_int_equal(tern_vocabulary_find(v, "<unknown>", 9), TERN_UNKNOWN);
    tern_vocabulary_free(v);
    check_ok(f->c, tern_vocabulary_create(&v, f->c, counts, 2, 0));
    assert_int_equal(tern_vocabulary_rows(v), 6);
    assert_int_equal(tern_vocabulary_find(v, "ab", 2), TERN_UNKNOWN);
    tern_vocabulary_free(v);
    check_ok(f->c, tern_vocabulary_create(&v, f->c, counts, 1, 3));
    assert_int_equal(tern_vocabulary_rows(v), 5);
    assert_string_equal(tern_vocabulary_word(v, 4, NULL), "c");
    assert_int_equal(tern_vocabulary_find(v, "d", 1), TERN_UNKNOWN);
    tern_vocabulary_free(v);
    check_error(f->c, TERN_ERR_FORMAT,
                "it would be empty; none of the 8 different words occurs 4 times or more",
                tern_vocabulary_create(&v, f->c, counts, 4, 0));
    assert_null(v);
    tern_word_counts_free(counts);
    counts = count(f->c, "");
    check_error(f->c, TERN_ERR_FORMAT, "the texts hold no words",
                tern_vocabulary_create(&v, f->c, counts, 1, 0));
    /* What a text form cannot hold stays out. */
    check_ok(f->c, tern_word_counts_add(counts, "a\nb", 3, 9));
    check_ok(f->c, tern_word_counts_add(counts, "", 0, 9));
    check_ok(f->c, tern_word_counts_add(counts, "c", 1, 2));
    check_ok(f->c, tern_word_counts_add(counts, "c", 1, 5));
    check_ok(f->c, tern_vocabulary_create(&v, f->c, counts, 1, 0));
    assert_int_equal(tern_vocabulary_rows(v), 3);
    assert_int_equal(tern_vocabulary_count(v, 2), 7);
    tern_vocabulary_free(v);
    tern_word_counts_free(counts);
}

static void as_text(void **state) {
    texts_fixture *f = *state;
    static const char *const words[] = {"z", "\xC3\xA9t\xC3\xA9", "a b", "<pad>"};
    static const size_t lengths[] = {1, 5, 3, 5};
    tern_vocabulary *v, *back;
    char *text;
    size_t length;
    check_ok(f->c, tern_vocabulary_from_words(&v, f->c, words, lengths, 4));
    assert_int_equal(tern_vocabulary_find(v, "a b", 3), 4);
    assert_int_equal(tern_vocabulary_count(v, 4), 0);
    check_ok(f->c, tern_vocabulary_text(&text, &length, v));
    assert_string_equal(text, "z\n\xC3\xA9t\xC3\xA9\na b\n<pad>\n");
    assert_int_equal(length, strlen(text));
    for (size_t cut = 0; cut < 2; cut++) { /* the last newline may be absent */
        check_ok(f->c, tern_vocabulary_parse(&back, f->c, text, length - cut));
        assert_int_equal(tern_vocabulary_rows(back), 6);
        for (int row = TERN_FIRST_WORD; row < 6; row++)
            assert_string_equal(tern_vocabulary_word(back, row, NULL),
                                tern_vocabulary_word(v, row, NULL));
        tern_vocabulary_free(back);
    }
    tern_free(f->c, text);
    tern_vocabulary_free(v);
    static const struct {
        const char *text, *sentence;
    } wrong[] = {{"", "it is empty"},
                 {"\n", "word 1 is empty"},
                 {"a\n\nb\n", "word 2 is empty"},
                 {"a\nb\na\n", "the word 'a' is there twice, as 1 and 3"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_error(f->c, TERN_ERR_FORMAT, wrong[i].sentence,
                    tern_vocabulary_parse(&v, f->c, wrong[i].text, strlen(wrong[i].text)));
        assert_null(v);
    }
    static const char *const newline[] = {"a\nb"};
    check_error(f->c, TERN_ERR_FORMAT, "word 1 holds a newline",
                tern_vocabulary_from_words(&v, f->c, newline, (const size_t[]){3}, 1));
    char *many = malloc(2 * (TERN_VOCABULARY_MAX + 1));
    for (size_t i = 0; i <= TERN_VOCABULARY_MAX; i++) memcpy(many + 2 * i, "a\n", 2);
    check_error(f->c, TERN_ERR_LIMIT, "5000001 words; at most 5000000",
                tern_vocabulary_parse(&v, f->c, many, 2 * (TERN_VOCABULARY_MAX + 1)));
    free(many);
}

/* Enough words for the table to grow many times; every one is found again. */
static void many_words(void **state) {
    texts_fixture *f = *state;
    tern_word_counts *counts;
    tern_vocabulary *v;
    char word[16];
    check_ok(f->c, tern_word_counts_create(&counts, f->c));
    for (int i = 0; i < 30000; i++)
        check_ok(f->c, tern_word_counts_add(counts, word, (size_t)sprintf(word, "w%d", i), i + 1));
    check_ok(f->c, tern_vocabulary_create(&v, f->c, counts, 1, 0));
    for (int i = 0; i < 30000; i++) {
        const size_t n = (size_t)sprintf(word, "w%d", i);
        assert_int_equal(tern_vocabulary_find(v, word, n), TERN_FIRST_WORD + 29999 - i);
        word[n] = '-';
        assert_int_equal(tern_vocabulary_find(v, word, n + 1), TERN_UNKNOWN);
    }
    tern_vocabulary_free(v);
    tern_word_counts_free(counts);
}

/* ---- hashes ---- */

static void check_subwords(const char *word, int min_n, int max_n, const uint32_t *expected,
                           size_t n) {
    uint32_t hashes[64] = {0};
    assert_int_equal(tern_text_subwords(hashes, 64, word, strlen(word), min_n, max_n), n);
    assert_memory_equal(hashes, expected, n * sizeof *hashes);
    hashes[2] = 7; /* no more than there is room for */
    assert_int_equal(tern_text_subwords(hashes, 2, word, strlen(word), min_n, max_n), n);
    assert_int_equal(hashes[2], 7);
}

static void hashes(void **state) {
    (void)state;
    assert_int_equal(tern_text_hash("<wh", 3), 1048167652u);
    assert_int_equal(tern_text_hash("where", 5), 90969176u);
    assert_int_equal(tern_text_hash("привет", 12), 4033455999u);
    assert_int_equal(tern_text_hash("<при", 7), 1797590035u);
    check_subwords("where", 3, 6, subwords_where, 14);
    check_subwords("привет", 1, 3, subwords_privet,
                   sizeof subwords_privet / sizeof *subwords_privet);
    check_subwords("я", 1, 20, subwords_one, sizeof subwords_one / sizeof *subwords_one);
}

/* ---- numbers ---- */

static void numbers(void **state) {
    texts_fixture *f = *state;
    static const char *const words[] = {"film", "the", "is", "не"};
    static const size_t lengths[] = {4, 3, 2, 4};
    static const int64_t first[] = {5, 1, 3, 2, 4, 1, 1};
    const char *text = "не стоит the Film is good !";
    tern_text_options o = TERN_TEXT_OPTIONS_INIT;
    tern_vocabulary *v;
    tern_tokens *t;
    int64_t ids[64];
    size_t n;
    check_ok(f->c, tern_vocabulary_from_words(&v, f->c, words, lengths, 4));
    check_ok(f->c, tern_tokens_create(&t, f->c));
    assert_int_equal(tern_text_rows(v, NULL), 6);
    check_ok(f->c, tern_text_encode(ids, 64, &n, t, v, NULL, text, strlen(text)));
    assert_int_equal(n, 7);
    assert_memory_equal(ids, first, sizeof first);
    ids[3] = -7;
    check_ok(f->c, tern_text_encode(ids, 3, &n, t, v, NULL, text, strlen(text)));
    assert_int_equal(n, 7);
    assert_int_equal(ids[3], -7);
    o.word_ngrams = 3;
    assert_int_equal(tern_text_rows(v, &o), 6 + 2000000);
    check_ok(f->c, tern_text_encode(ids, 64, &n, t, v, &o, text, strlen(text)));
    assert_int_equal(n, 7 + 11);
    assert_memory_equal(ids, first, sizeof first);
    for (int i = 0; i < 11; i++) assert_int_equal(ids[7 + i], 6 + ngrams_sentence[i]);
    /* words, sub-words, n-grams, in this order */
    o.min_n = 3;
    o.max_n = 6;
    o.buckets = 1000;
    o.word_ngrams = 2;
    check_ok(f->c, tern_text_encode(ids, 64, &n, t, v, &o, "where WHERE", 11));
    assert_int_equal(n, 2 + 28 + 1);
    for (int i = 0; i < 28; i++) assert_int_equal(ids[2 + i], 6 + subwords_where[i % 14] % 1000);
    /* those of the word as it was written */
    o.subword_case = true;
    check_ok(f->c, tern_text_encode(ids, 64, &n, t, v, &o, "where WHERE", 11));
    uint32_t upper[14];
    tern_text_subwords(upper, 14, "WHERE", 5, 3, 6);
    for (int i = 0; i < 14; i++) {
        assert_int_equal(ids[2 + i], 6 + subwords_where[i] % 1000);
        assert_int_equal(ids[16 + i], 6 + upper[i] % 1000);
    }
    int64_t rows[2][15];
    check_ok(f->c, tern_text_encode_subwords(rows[0], 15, t, &o));
    for (int i = 0; i < 14; i++) {
        assert_int_equal(rows[0][i], 1 + subwords_where[i] % 1000);
        assert_int_equal(rows[1][i], 1 + upper[i] % 1000);
    }
    assert_int_equal(rows[0][14], 0);
    assert_int_equal(rows[1][14], 0);
    check_error(f->c, TERN_ERR_ARGUMENT, "there are no sub-words",
                tern_text_encode_subwords(rows[0], 15, t, NULL));
    check_error(f->c, TERN_ERR_FORMAT, "byte 2 is NUL",
                tern_text_encode(ids, 64, &n, t, v, &o, "a\0", 2));
    assert_int_equal(n, 0);
    tern_tokens_free(t);
    tern_vocabulary_free(v);
}

static tern_status make_all(texts_fixture *f) {
    tern_word_counts *counts = NULL;
    tern_vocabulary *v = NULL, *back = NULL;
    char *text = NULL, word[16];
    size_t length;
    tern_status st = tern_word_counts_create(&counts, f->c);
    for (int i = 0; st == TERN_OK && i < 100; i++)
        st = tern_word_counts_add(counts, word, (size_t)sprintf(word, "w%d", i), i);
    if (st == TERN_OK) st = tern_vocabulary_create(&v, f->c, counts, 1, 0);
    if (st == TERN_OK) st = tern_vocabulary_text(&text, &length, v);
    if (st == TERN_OK) st = tern_vocabulary_parse(&back, f->c, text, length);
    if (st != TERN_OK) assert_null(back);
    tern_vocabulary_free(back);
    tern_vocabulary_free(v);
    tern_word_counts_free(counts);
    tern_free(f->c, text);
    return st;
}

static void without_memory(void **state) { texts_starve(*state, make_all); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_and_limits, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(as_text, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(many_words, texts_set_up, texts_tear_down),
        cmocka_unit_test(hashes),
        cmocka_unit_test_setup_teardown(numbers, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(without_memory, texts_set_up, texts_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
