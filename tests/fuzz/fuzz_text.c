/* Fuzz target: any bytes as files of texts of every format, cut by every tokenizer, and as the
 * options and the vocabulary of a model. */
#include "fuzz.h"
#include "text/reader.h"
#include "text/unicode.h"

static void check_tokens(const tern_tokens *t, size_t length) {
    size_t last = 0;
    for (size_t i = 0; i < t->count; i++) {
        const tern_token *k = &t->at[i];
        fuzz_require(k->length > 0 && k->begin < k->end && k->end <= length,
                     "tokens inside the text");
        fuzz_require(k->begin >= last || (i && k->begin == t->at[i - 1].begin), "tokens in order");
        fuzz_require(tern__utf8_broken(k->text, k->length) == 0, "tokens in UTF-8");
        last = k->end;
    }
}

static tern_status read_texts(tern_context *c, const char *name, const uint8_t *bytes, size_t size,
                              bool unlabelled) {
    tern_text_reader_options ro = TERN_TEXT_READER_OPTIONS_INIT;
    tern_text_options o = TERN_TEXT_OPTIONS_INIT;
    tern_text_reader *r = NULL;
    tern_tokens *t = NULL;
    tern_text_record k;
    size_t line = 0;
    ro.unlabelled = unlabelled;
    ro.line_limit = 1 << 16;
    tern_status st = tern_tokens_create(&t, c);
    if (st == TERN_OK) st = tern__text_reader_open_memory(&r, c, name, bytes, size, &ro);
    for (bool got = true; st == TERN_OK;) {
        st = tern_text_reader_next(r, &k, &got);
        if (st != TERN_OK || !got) break;
        fuzz_require(strlen(k.text) == k.length, "a text without NUL");
        fuzz_require(k.line > line, "lines that go up");
        line = k.line;
        for (int i = 0; i < 8; i++) {
            o.tokenizer = (tern_tokenizer)(i / 2);
            o.subword_case = i % 2;
            fuzz_require(tern_text_tokenize(t, &o, k.text, k.length) == TERN_OK,
                         "every text is cut");
            check_tokens(t, k.length);
        }
    }
    tern_text_reader_close(r);
    tern_tokens_free(t);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char *const names[] = {"a.tsv", "a.csv", "a.conll", "a.txt"};
    for (int i = 0; i < 4; i++) {
        tern_context *c = fuzz_context((size_t)64 << 20);
        fuzz_end(c, read_texts(c, names[i], bytes, size, i == 3));
    }
    tern_context *c = fuzz_context((size_t)64 << 20);
    tern_text_options o;
    tern_vocabulary *v;
    tern_status st = tern_text_options_parse(&o, c, (const char *)bytes, size);
    fuzz_end(c, st);
    c = fuzz_context(size * 64 + (1 << 20));
    st = tern_vocabulary_parse(&v, c, (const char *)bytes, size);
    tern_vocabulary_free(v);
    fuzz_end(c, st);
    return 0;
}
