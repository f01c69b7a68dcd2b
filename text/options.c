/* The options of the text front end: one table that knows every option's name and range, for
 * checking, for writing as JSON and for reading it. Knows no text. */
#include "tokenize.h"

#include "core/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum field_kind { INTEGER, BOOLEAN, TOKENIZER } field_kind;

typedef struct field {
    const char *name;
    field_kind kind;
    size_t offset;
    int low, high; /* inclusive */
} field;

#define INTEGER_OPTION(member, low, high)                                                          \
    { #member, INTEGER, offsetof(tern_text_options, member), low, high }
#define BOOLEAN_OPTION(member)                                                                     \
    { #member, BOOLEAN, offsetof(tern_text_options, member), 0, 1 }

static const field fields[] = {
    {"tokenizer", TOKENIZER, offsetof(tern_text_options, tokenizer), 0, TERN_TOKENIZER_CHARACTERS},
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
static const size_t field_count = sizeof fields / sizeof *fields;

static const char *const tokenizers[] = {"words", "kim", "spaces", "characters"};

const char *tern_tokenizer_name(tern_tokenizer tokenizer) {
    const unsigned i = (unsigned)tokenizer;
    return i < sizeof tokenizers / sizeof *tokenizers ? tokenizers[i] : "?";
}

static int find_tokenizer(const char *name) {
    for (int i = 0; i <= TERN_TOKENIZER_CHARACTERS; i++)
        if (!strcmp(tokenizers[i], name)) return i;
    return -1;
}

tern_status tern_tokenizer_parse(tern_tokenizer *tokenizer, tern_context *c, const char *name) {
    const int found = find_tokenizer(name);
    if (found < 0)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "no tokenizer is called '%.64s'; there are %s, %s, %s "
                          "and %s",
                          name, tokenizers[0], tokenizers[1], tokenizers[2], tokenizers[3]);
    *tokenizer = (tern_tokenizer)found;
    return TERN_OK;
}

/* Enums are read and written as the ints they are as big as. */
_Static_assert(sizeof(tern_tokenizer) == sizeof(int), "an option's enum is not an int");

static int get(const tern_text_options *o, const field *f) {
    const char *at = (const char *)o + f->offset;
    return f->kind == BOOLEAN ? *(const bool *)at : *(const int *)at;
}

static void set(tern_text_options *o, const field *f, int value) {
    char *at = (char *)o + f->offset;
    if (f->kind == BOOLEAN)
        *(bool *)at = value != 0;
    else
        *(int *)at = value;
}

tern_status tern__text_options_resolve(tern_text_options *resolved, tern_context *c,
                                       const tern_text_options *options) {
    tern_text_options o = TERN_TEXT_OPTIONS_INIT;
    if (options && (options->size < sizeof options->size || options->size > sizeof o))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "text options: size is %zu; start from TERN_TEXT_OPTIONS_INIT",
                          options->size);
    if (options) memcpy(&o, options, options->size);
    o.size = sizeof o;
    for (const field *f = fields; f < fields + field_count; f++)
        if (get(&o, f) < f->low || get(&o, f) > f->high)
            return tern__fail(c, TERN_ERR_ARGUMENT, "text options: %s is %d and must be %d..%d",
                              f->name, get(&o, f), f->low, f->high);
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
    tern_status st = tern__text_options_resolve(&o, c, options);
    if (st != TERN_OK) return st;
    json_t *object = json_object();
    for (const field *f = fields; f < fields + field_count; f++) {
        json_t *item = f->kind == INTEGER   ? json_integer(get(&o, f))
                       : f->kind == BOOLEAN ? json_boolean(get(&o, f))
                                            : json_string(tokenizers[get(&o, f)]);
        tern__json_set(&object, f->name, item);
    }
    return tern__json_write(text, c, "text options", object);
}

/* One key of the object -> *o. */
static tern_status parse_field(tern_text_options *o, tern_context *c, const char *key,
                               const json_t *item) {
    const field *f = fields;
    while (f < fields + field_count && strcmp(f->name, key) != 0) f++;
    if (f == fields + field_count)
        return tern__fail(c, TERN_ERR_FORMAT, "text options: no option is called '%.64s'", key);
    static const char *const wants[] = {"an integer", "true or false", "a name"};
    const bool fits = f->kind == INTEGER   ? json_is_integer(item)
                      : f->kind == BOOLEAN ? json_is_boolean(item)
                                           : json_is_string(item);
    if (!fits)
        return tern__fail(c, TERN_ERR_FORMAT, "text options: %s must be %s", key, wants[f->kind]);
    long long value = f->kind == BOOLEAN ? json_is_true(item) : json_integer_value(item);
    if (f->kind == TOKENIZER && (value = find_tokenizer(json_string_value(item))) < 0)
        return tern__fail(c, TERN_ERR_FORMAT, "text options: %s cannot be '%.64s'", key,
                          json_string_value(item));
    if (value < f->low || value > f->high)
        return tern__fail(c, TERN_ERR_FORMAT, "text options: %s is %lld and must be %d..%d", key,
                          value, f->low, f->high);
    set(o, f, (int)value);
    return TERN_OK;
}

tern_status tern_text_options_parse(tern_text_options *options, tern_context *c, const char *text,
                                    size_t length) {
    tern_text_options o = TERN_TEXT_OPTIONS_INIT, resolved;
    const char *key;
    json_t *object, *item;
    tern_status st = tern__json_read_object(&object, c, "text options", text, length);
    if (st != TERN_OK) return st;
    json_object_foreach(object, key, item) {
        if (st == TERN_OK) st = parse_field(&o, c, key, item);
    }
    json_decref(object);
    if (st == TERN_OK) {
        st = tern__text_options_resolve(&resolved, c, &o);
        if (st == TERN_ERR_ARGUMENT) st = c->status = TERN_ERR_FORMAT;
    }
    if (st == TERN_OK) *options = o;
    return st;
}
