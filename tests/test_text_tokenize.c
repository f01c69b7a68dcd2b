/* Tokens: cases and figures of whole files against Python's own Unicode tables (golden/text.py),
 * byte ranges, broken UTF-8, options and their JSON. */
#define _XOPEN_SOURCE 700
#include "texts.h"

#include "golden/text.h"

static tern_text_options options_of(const char *tokenizer, bool lower, tern_context *c) {
    tern_text_options o = TERN_TEXT_OPTIONS_INIT;
    check_ok(c, tern_tokenizer_parse(&o.tokenizer, c, tokenizer));
    o.lower = lower;
    return o;
}

/* A line per token: text|begin-end. */
static void write_tokens(char *out, size_t size, const tern_tokens *t) {
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < t->count; i++)
        used += (size_t)snprintf(out + used, size - used, "%.*s|%zu-%zu\n", (int)t->at[i].length,
                                 t->at[i].text, t->at[i].begin, t->at[i].end);
    assert_true(used < size);
}

static void cases(void **state) {
    texts_fixture *f = *state;
    tern_tokens *t;
    char got[8192];
    check_ok(f->c, tern_tokens_create(&t, f->c));
    for (size_t i = 0; i < sizeof text_cases / sizeof *text_cases; i++) {
        const text_case *k = &text_cases[i];
        tern_text_options o = options_of(k->tokenizer, k->lower, f->c);
        check_ok(f->c, tern_text_tokenize(t, &o, k->text, k->length));
        write_tokens(got, sizeof got, t);
        if (strcmp(got, k->expected) || t->count != k->count || t->replaced != k->replaced)
            fail_msg(
                "case %zu (%s, lower %d): %s\ngot %zu tokens, %zu replaced:\n%s\nexpected %zu, "
                "%zu:\n%s",
                i, k->tokenizer, k->lower, k->text, t->count, t->replaced, got, k->count,
                k->replaced, k->expected);
        /* Whether spellings are kept must not change the words. */
        o.subword_case = true;
        check_ok(f->c, tern_text_tokenize(t, &o, k->text, k->length));
        write_tokens(got, sizeof got, t);
        assert_string_equal(got, k->expected);
    }
    tern_tokens_free(t);
}

static uint64_t fnv64(uint64_t h, const char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
    return h;
}

/* Every token of a file, and its thousand most frequent words. */
static void whole_files(void **state) {
    texts_fixture *f = *state;
    size_t read = 0;
    for (size_t i = 0; i < sizeof text_files / sizeof *text_files; i++) {
        const text_figures *k = &text_files[i];
        char name[64];
        snprintf(name, sizeof name, "text/%s", k->file);
        const char *path = check_data(name);
        if (!path) continue;
        read++;
        tern_text_options o = options_of(k->tokenizer, true, f->c);
        tern_text_reader *r;
        tern_tokens *t;
        tern_word_counts *counts;
        tern_vocabulary *v;
        tern_text_record record;
        size_t texts = 0, tokens = 0, longest = 0;
        uint64_t hash = 14695981039346656037u, ranks = hash;
        check_ok(f->c, tern_text_reader_open(&r, f->c, path, NULL));
        check_ok(f->c, tern_tokens_create(&t, f->c));
        check_ok(f->c, tern_word_counts_create(&counts, f->c));
        for (bool got; texts < k->texts; texts++) {
            check_ok(f->c, tern_text_reader_next(r, &record, &got));
            assert_true(got);
            check_ok(f->c, tern_text_tokenize(t, &o, record.text, record.length));
            for (size_t n = 0; n < t->count; n++) {
                hash = fnv64(fnv64(hash, t->at[n].text, t->at[n].length), "\n", 1);
                check_ok(f->c, tern_word_counts_add(counts, t->at[n].text, t->at[n].length, 1));
            }
            hash = fnv64(hash, "\n", 1);
            tokens += t->count;
            if (t->count > longest) longest = t->count;
        }
        assert_int_equal(tokens, k->tokens);
        assert_int_equal(longest, k->longest);
        assert_int_equal(tern_word_counts_size(counts), k->distinct);
        assert_true(hash == k->hash);
        check_ok(f->c, tern_vocabulary_create(&v, f->c, counts, 1, 1000));
        char *text;
        size_t length;
        check_ok(f->c, tern_vocabulary_text(&text, &length, v));
        ranks = fnv64(ranks, text, length);
        assert_true(ranks == k->ranks);
        tern_free(f->c, text);
        tern_vocabulary_free(v);
        tern_word_counts_free(counts);
        tern_tokens_free(t);
        tern_text_reader_close(r);
    }
    if (read == 0) skip();
}

static void limits(void **state) {
    texts_fixture *f = *state;
    tern_tokens *t;
    check_ok(f->c, tern_tokens_create(&t, f->c));
    static const char *const names[] = {"words", "kim", "spaces", "characters"};
    for (int i = 0; i < 4; i++) {
        tern_text_options o = options_of(names[i], true, f->c);
        o.max_length = 2;
        check_ok(f->c, tern_text_tokenize(t, &o, "a b'd'd c \xD0\x9F q", 13));
        assert_int_equal(t->count, 2);
        check_error(f->c, TERN_ERR_FORMAT, "byte 3 is NUL", tern_text_tokenize(t, &o, "ab\0c", 4));
        assert_int_equal(t->count, 0);
        o.max_length = -1;
        check_error(f->c, TERN_ERR_ARGUMENT, "max_length is -1", tern_text_tokenize(t, &o, "a", 1));
        assert_int_equal(t->count, 0);
    }
    check_ok(f->c, tern_text_tokenize(t, NULL, "", 0));
    assert_int_equal(t->count, 0);
    /* A long token that grows in NFC and case folding. */
    char *text = malloc(300000);
    for (int i = 0; i < 100000; i++) memcpy(text + 3 * i, "\xE1\xBA\x9E", 3); /* capital sharp s */
    check_ok(f->c, tern_text_tokenize(t, NULL, text, 300000));
    assert_int_equal(t->count, 1);
    assert_int_equal(t->at[0].length, 200000);
    assert_int_equal(t->at[0].end, 300000);
    free(text);
    tern_tokens_free(t);
}

static void check_same_options(tern_context *c, const tern_text_options *o, const char *expected) {
    char *text;
    check_ok(c, tern_text_options_text(&text, c, o));
    assert_string_equal(text, expected);
    tern_free(c, text);
}

static void json(void **state) {
    texts_fixture *f = *state;
    tern_text_options o = TERN_TEXT_OPTIONS_INIT, back = TERN_TEXT_OPTIONS_INIT;
    char *text;
    o.tokenizer = TERN_TOKENIZER_KIM;
    o.lower = false;
    o.max_length = 400;
    o.min_count = 2;
    o.max_words = 30000;
    o.word_ngrams = 2;
    o.min_n = 3;
    o.max_n = 6;
    o.subword_case = true;
    o.buckets = 1000;
    check_ok(f->c, tern_text_options_text(&text, f->c, &o));
    assert_string_equal(text,
                        "{\"tokenizer\":\"kim\",\"lower\":false,\"max_length\":400,\"min_count\":2,"
                        "\"max_words\":30000,\"word_ngrams\":2,\"min_n\":3,\"max_n\":6,"
                        "\"subword_case\":true,\"buckets\":1000}");
    check_ok(f->c, tern_text_options_parse(&back, f->c, text, strlen(text)));
    check_same_options(f->c, &back, text);
    static const struct {
        const char *text, *sentence;
    } wrong[] = {{"", "line 1"},
                 {"[]", "not a JSON object"},
                 {"{\"colour\":1}", "no option is called 'colour'"},
                 {"{\"lower\":1}", "lower must be true or false"},
                 {"{\"buckets\":1.5}", "buckets must be an integer"},
                 {"{\"buckets\":0}", "buckets is 0 and must be 1..100000000"},
                 {"{\"buckets\":4294967297}", "buckets is 4294967297"},
                 {"{\"tokenizer\":\"mecab\"}", "tokenizer cannot be 'mecab'"},
                 {"{\"tokenizer\":2}", "tokenizer must be a name"},
                 {"{\"min_n\":7,\"max_n\":6}", "min_n is 7 and must be 1..max_n, 6"},
                 {"{\"max_n\":6}", "min_n is 0"},
                 {"{\"buckets\":1,\"buckets\":2}", "line 1"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_error(f->c, TERN_ERR_FORMAT, wrong[i].sentence,
                    tern_text_options_parse(&back, f->c, wrong[i].text, strlen(wrong[i].text)));
    check_same_options(f->c, &back, text); /* untouched */
    tern_free(f->c, text);
    check_ok(f->c, tern_text_options_parse(&back, f->c, "{}", 2));
    assert_int_equal(back.tokenizer, TERN_TOKENIZER_WORDS);
    check_error(f->c, TERN_ERR_ARGUMENT, "there are words, kim, spaces and characters",
                tern_tokenizer_parse(&o.tokenizer, f->c, "bpe"));
    assert_string_equal(tern_tokenizer_name(TERN_TOKENIZER_CHARACTERS), "characters");
    o.size = 3;
    check_error(f->c, TERN_ERR_ARGUMENT, "TERN_TEXT_OPTIONS_INIT",
                tern_text_options_text(&text, f->c, &o));
    assert_null(text);
}

static tern_status cut_all(texts_fixture *f) {
    tern_tokens *t = NULL;
    tern_text_options o = TERN_TEXT_OPTIONS_INIT;
    o.subword_case = true;
    tern_status st = tern_tokens_create(&t, f->c);
    if (st != TERN_OK) assert_null(t);
    for (size_t i = 0; st == TERN_OK && i < sizeof text_cases / sizeof *text_cases; i++) {
        st = tern_text_tokenize(t, &o, text_cases[i].text, text_cases[i].length);
        if (st != TERN_OK) assert_int_equal(t->count, 0);
    }
    tern_tokens_free(t);
    return st;
}

static void without_memory(void **state) { texts_starve(*state, cut_all); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cases, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(whole_files, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(limits, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(json, texts_set_up, texts_tear_down),
        cmocka_unit_test_setup_teardown(without_memory, texts_set_up, texts_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
