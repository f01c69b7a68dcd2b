/* Code points: UTF-8 with replacement of what is broken, kinds of characters, normalisation of a
 * piece of text. Internal to text. */
#ifndef TERN_TEXT_UNICODE_H
#define TERN_TEXT_UNICODE_H

#include "core/base/base.h"

#define TERN__REPLACEMENT 0xFFFD

typedef enum tern__kind {
    TERN__KIND_SPACE,  /* separators and control characters */
    TERN__KIND_LETTER, /* letters, letter numbers, _ and its kin, U+FFFD */
    TERN__KIND_DIGIT,
    TERN__KIND_IDEOGRAPH, /* stands alone: Han, Hiragana */
    TERN__KIND_EXTEND,    /* marks and invisible format characters: belong to what precedes them */
    TERN__KIND_SIGN       /* the rest */
} tern__kind;

/* The code point at p < end; returns its bytes, >= 1. What is not UTF-8 gives U+FFFD and the bytes
 * of the maximal part of a broken sequence, and *broken is counted up. */
size_t tern__utf8_decode(const char *p, const char *end, int32_t *point, size_t *broken);
/* How many U+FFFD replacing what is broken in these bytes would put. */
size_t tern__utf8_broken(const char *text, size_t length);
/* point -> 1 to 4 bytes. */
size_t tern__utf8_encode(char *out, int32_t point);
tern__kind tern__kind_of(int32_t point);
/* The bytes, >= 1, of the grapheme cluster (Unicode Annex 29) at p < end. */
size_t tern__cluster(const char *p, const char *end);

/* Memory of normalisation, used again. Zero-initialise, set the context. */
typedef struct tern__normalizer {
    tern_context *context;
    char *valid;     /* the piece as valid UTF-8 */
    int32_t *points; /* decomposed; then the result's bytes */
    size_t valid_capacity, points_capacity;
} tern__normalizer;

/* A piece of text in NFC without default-ignorable characters (soft hyphens, joiners, variation
 * selectors), case-folded where fold (Unicode's C and F). straight: ' for U+2019. *out holds *size
 * bytes, perhaps none; valid until the next call. Source: Unicode Annex 15. */
tern_status tern__normalize(tern__normalizer *n, const char **out, size_t *size, const char *text,
                            size_t length, bool fold, bool straight);
void tern__normalizer_clear(tern__normalizer *n);

#endif
