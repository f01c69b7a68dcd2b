/* The options of the text front end: one table that knows every option's name and range, and
 * what no table can say of them. Knows no text. */
#include "options.h"
#include "tokenize.h"

#include <string.h>

static const char *const tokenizers[] = {"words", "kim", "spaces", "characters", NULL};

#define INTEGER_OPTION(member, low, high) TERN__INT_OPTION(tern_text_options, member, low, high)
#define BOOLEAN_OPTION(member) TERN__FLAG_OPTION(tern_text_options, member)
static const tern__option rows[] = {
    TERN__CHOICE_OPTION(tern_text_options, tokenizer, tokenizers),
    BOOLEAN_OPTION(lower),
    INTEGER_OPTION(max_length, 0, 1000000),
    INTEGER_OPTION(min_count, 1, 1000000000),
    INTEGER_OPTION(max_words, 0, TERN_VOCABULARY_MAX),
    INTEGER_OPTION(word_ngrams, 1, 5),
    INTEGER_OPTION(min_n, 0, 20),
    INTEGER_OPTION(max_n, 0, 20),
    BOOLEAN_OPTION(subword_case),
    INTEGER_OPTION(buckets, 1, 100000000),
};
static const tern_text_options defaults = TERN_TEXT_OPTIONS_INIT;
const tern__options tern__text_options = TERN__OPTIONS(
    "text options", tern_text_options, rows, &defaults, "TERN_TEXT_OPTIONS_INIT");

const char *tern_tokenizer_name(tern_tokenizer tokenizer) {
    const unsigned i = (unsigned)tokenizer;
    return i <= TERN_TOKENIZER_CHARACTERS ? tokenizers[i] : "?";
}

tern_status tern_tokenizer_parse(tern_tokenizer *tokenizer, tern_context *c, const char *name) {
    for (int i = 0; tokenizers[i]; i++)
        if (!strcmp(tokenizers[i], name)) {
            *tokenizer = (tern_tokenizer)i;
            return TERN_OK;
        }
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      "no tokenizer is called '%.64s'; there are %s, %s, %s and %s", name,
                      tokenizers[0], tokenizers[1], tokenizers[2], tokenizers[3]);
}

tern_status tern__text_options_resolve(tern_text_options *resolved, tern_context *c,
                                       const tern_text_options *options) {
    tern_text_options o;
    tern_status st = tern__options_resolve(&tern__text_options, &o, c, options);
    if (st != TERN_OK) return st;
    if (o.max_n > 0 && (o.min_n < 1 || o.min_n > o.max_n))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "text options: min_n is %d and must be 1..max_n, %d", o.min_n, o.max_n);
    if (o.max_words == 0) o.max_words = TERN_VOCABULARY_MAX;
    *resolved = o;
    return TERN_OK;
}

tern_status tern_text_options_text(char **text, tern_context *c, const tern_text_options *options) {
    *text = NULL;
    tern_text_options o;
    const tern_status st = tern__text_options_resolve(&o, c, options);
    return st == TERN_OK ? tern__options_to_json(&tern__text_options, text, c, &o) : st;
}

tern_status tern_text_options_parse(tern_text_options *options, tern_context *c, const char *text,
                                    size_t length) {
    tern_text_options o = TERN_TEXT_OPTIONS_INIT, resolved;
    tern_status st = tern__options_from_json(&tern__text_options, &o, c, text, length);
    if (st != TERN_OK) return st;
    st = tern__text_options_resolve(&resolved, c, &o);
    if (st == TERN_OK) *options = o;
    return st == TERN_ERR_ARGUMENT ? (c->status = TERN_ERR_FORMAT) : st;
}
