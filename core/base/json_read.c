/* Reads JSON into jansson's values. Not by jansson's reader: of version 2.14 a failed allocation
 * may lose a byte of a word, which then reads as another one or ends the program (an assertion of
 * its lexer), and it is told apart from bad text only sometimes. Source: RFC 8259. */
#define _GNU_SOURCE
#include "json.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NUMBER = 1023 };

typedef struct reader {
    tern_context *context; /* NULL: nobody wants a sentence, and nothing is allocated */
    const char *what, *text, *at, *end;
    int depth;
} reader;

/* Line and column, both from 1, are those of r->at. */
static tern_status bad(const reader *r, const char *sentence) {
    size_t line = 1, column = 1;
    if (!r->context) return TERN_ERR_FORMAT;
    for (const char *s = r->text; s < r->at; s++) {
        column = *s == '\n' ? 1 : column + 1;
        line += *s == '\n';
    }
    return tern__fail(r->context, TERN_ERR_FORMAT, "%s: line %zu, column %zu: %s", r->what, line,
                      column, sentence);
}

static tern_status no_memory(const reader *r) {
    return tern__fail(r->context, TERN_ERR_MEMORY, "out of memory while reading %s", r->what);
}

static void skip_blanks(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

/* Steps over the character if it is next. */
static bool take(reader *r, char character) {
    const bool there = r->at < r->end && *r->at == character;
    r->at += there;
    return there;
}

/* ---- numbers ---- */

static size_t digits(reader *r) {
    const char *begin = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return (size_t)(r->at - begin);
}

/* Steps over a number: false if there is none. */
static bool scan_number(reader *r, bool *whole) {
    take(r, '-');
    if (!take(r, '0') && !digits(r)) return false;
    const char *begin = r->at;
    if (take(r, '.') && !digits(r)) return false;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '-')) take(r, '+');
        if (!digits(r)) return false;
    }
    *whole = r->at == begin;
    return true;
}

/* Either *integer or *real is set. */
static tern_status read_number(reader *r, bool *whole, long long *integer, double *real) {
    char text[LONGEST_NUMBER + 1];
    const char *begin = r->at;
    if (!scan_number(r, whole)) return bad(r, "a digit is missing");
    const size_t length = (size_t)(r->at - begin);
    if (length > LONGEST_NUMBER) return bad(r, "the number is too long");
    memcpy(text, begin, length);
    text[length] = 0;
    errno = 0;
    if (*whole) {
        *integer = strtoll(text, NULL, 10);
        return errno == ERANGE ? bad(r, "the whole number is too large") : TERN_OK;
    }
    /* That of the "C" locale is a constant: it takes no memory and need not be freed. */
    *real = strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
    return isfinite(*real) ? TERN_OK : bad(r, "the number is too large");
}

bool tern__json_read_number(const char *text, double *value) {
    reader r = {.text = text, .at = text, .end = text + strlen(text)};
    bool whole;
    long long integer;
    double real;
    skip_blanks(&r);
    if (read_number(&r, &whole, &integer, &real) != TERN_OK) return false;
    skip_blanks(&r);
    if (r.at != r.end) return false;
    *value = whole ? (double)integer : real;
    return true;
}

/* ---- strings ---- */

static bool read_hexadecimal(reader *r, uint32_t *code) {
    if (r->end - r->at < 4) return false;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        const char c = *r->at++;
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return false;
        *code = *code << 4 | (uint32_t)digit;
    }
    return true;
}

static char *put_utf8(char *out, uint32_t code) {
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const int n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 63));
    *out = (char)(marks[n] | code);
    return out + n;
}

/* What follows "\"; at most as many bytes as it was written with. */
static tern_status read_escape(reader *r, char **out) {
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *name = r->at < r->end && *r->at ? strchr(names, *r->at) : NULL;
    uint32_t code, low;
    if (name) {
        *(*out)++ = meant[name - names];
        r->at++;
        return TERN_OK;
    }
    if (!take(r, 'u') || !read_hexadecimal(r, &code)) return bad(r, "an unknown escape");
    if (code >> 10 == 0xd800 >> 10) { /* the first half of a pair */
        if (!take(r, '\\') || !take(r, 'u') || !read_hexadecimal(r, &low) ||
            low >> 10 != 0xdc00 >> 10)
            return bad(r, "half a pair of \\u escapes");
        code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
    } else if (!code || code >> 10 == 0xdc00 >> 10) {
        return bad(r, "this \\u escape is no character of a text");
    }
    *out = put_utf8(*out, code);
    return TERN_OK;
}

/* The bytes up to the closing quotation mark; the escapes in it are steps, so that \" is none. */
static const char *find_end(const reader *r) {
    const char *s = r->at;
    while (s < r->end && *s != '"') s += *s == '\\' && r->end - s > 1 ? 2 : 1;
    return s < r->end ? s : NULL;
}

/* After the opening quotation mark. *string goes back by tern__free. */
static tern_status read_string(reader *r, char **string) {
    const char *close = find_end(r);
    tern_status st = TERN_OK;
    *string = NULL;
    if (!close) {
        r->at = r->end;
        return bad(r, "the text ends within a string");
    }
    char *out = tern__alloc(r->context, (size_t)(close - r->at) + 1), *begin = out;
    if (!out) return TERN_ERR_MEMORY;
    while (st == TERN_OK && r->at < close) {
        /* A character that is cut off takes in the quotation mark at close, and is none. */
        const size_t n = tern__json_character(r->at);
        if (!n || (unsigned char)*r->at < ' ') {
            st = bad(r, n ? "a control character in a string; it must be escaped"
                          : "a string that is not UTF-8");
        } else if (*r->at == '\\') {
            r->at++;
            st = read_escape(r, &out);
        } else {
            memcpy(out, r->at, n);
            out += n;
            r->at += n;
        }
    }
    *out = 0;
    if (st != TERN_OK) {
        tern__free(r->context, begin);
        return st;
    }
    r->at = close + 1;
    *string = begin;
    return TERN_OK;
}

/* ---- values ---- */

static tern_status read_value(reader *r, json_t **value);

static tern_status read_member(reader *r, json_t *object) {
    char *key;
    json_t *value = NULL;
    skip_blanks(r);
    if (!take(r, '"')) return bad(r, "a key in quotation marks is missing");
    tern_status st = read_string(r, &key);
    if (st != TERN_OK) return st;
    if (json_object_get(object, key)) {
        char sentence[250];
        snprintf(sentence, sizeof sentence, "duplicate key \"%.200s\"", key);
        st = bad(r, sentence);
    } else {
        skip_blanks(r);
        st = take(r, ':') ? read_value(r, &value) : bad(r, "a colon is missing");
        if (st == TERN_OK && json_object_set_new_nocheck(object, key, value)) st = no_memory(r);
    }
    tern__free(r->context, key);
    return st;
}

/* After the opening bracket. *made is the caller's also on failure. */
static tern_status read_items(reader *r, json_t **made, bool is_object) {
    const char close = is_object ? '}' : ']';
    *made = is_object ? json_object() : json_array();
    if (!*made) return no_memory(r);
    skip_blanks(r);
    if (take(r, close)) return TERN_OK;
    do {
        json_t *item = NULL;
        tern_status st = is_object ? read_member(r, *made) : read_value(r, &item);
        if (st == TERN_OK && !is_object && json_array_append_new(*made, item)) st = no_memory(r);
        if (st != TERN_OK) return st;
        skip_blanks(r);
    } while (take(r, ','));
    return take(r, close) ? TERN_OK : bad(r, "a comma or closing bracket is missing");
}

static bool take_word(reader *r, const char *word) {
    const size_t length = strlen(word);
    const bool there = (size_t)(r->end - r->at) >= length && !memcmp(r->at, word, length);
    if (there) r->at += length;
    return there;
}

static tern_status read_scalar(reader *r, json_t **value) {
    if (take(r, '"')) {
        char *string;
        tern_status st = read_string(r, &string);
        if (st != TERN_OK) return st;
        *value = json_string_nocheck(string);
        tern__free(r->context, string);
    } else if (take_word(r, "true")) {
        *value = json_true();
    } else if (take_word(r, "false")) {
        *value = json_false();
    } else if (take_word(r, "null")) {
        *value = json_null();
    } else {
        bool whole;
        long long integer;
        double real;
        if (r->at == r->end || !memchr("-0123456789", *r->at, 11))
            return bad(r, "a value is missing");
        tern_status st = read_number(r, &whole, &integer, &real);
        if (st != TERN_OK) return st;
        *value = whole ? json_integer(integer) : json_real(real);
    }
    return *value ? TERN_OK : no_memory(r);
}

static tern_status read_value(reader *r, json_t **value) {
    *value = NULL;
    skip_blanks(r);
    const bool is_object = take(r, '{');
    if (!is_object && !take(r, '[')) return read_scalar(r, value);
    if (++r->depth > TERN__JSON_DEPTH) return bad(r, "too many brackets in each other");
    tern_status st = read_items(r, value, is_object);
    r->depth--;
    if (st == TERN_OK) return TERN_OK;
    json_decref(*value);
    *value = NULL;
    return st;
}

tern_status tern__json_read(json_t **value, tern_context *c, const char *what, const char *text,
                            size_t length) {
    reader r = {.context = c, .what = what, .text = text, .at = text, .end = text + length};
    tern_status st = read_value(&r, value);
    if (st == TERN_OK) skip_blanks(&r);
    if (st == TERN_OK && r.at != r.end) st = bad(&r, "something follows the value");
    if (st == TERN_OK) return TERN_OK;
    json_decref(*value);
    *value = NULL;
    return st;
}

tern_status tern__json_read_object(json_t **object, tern_context *c, const char *what,
                                   const char *text, size_t length) {
    tern_status st = tern__json_read(object, c, what, text, length);
    if (st != TERN_OK || json_is_object(*object)) return st;
    json_decref(*object);
    *object = NULL;
    return tern__fail(c, TERN_ERR_FORMAT, "%s: not a JSON object", what);
}
