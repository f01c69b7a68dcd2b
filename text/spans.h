/* From labels of tokens (BIO, IOB1, BIOES, BILOU, BMES) to entities. Knows strings only. Internal.
 */
#ifndef TERN_TEXT_SPANS_H
#define TERN_TEXT_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tern__span {
    size_t first, last; /* tokens, inclusive */
    const char *type;   /* points into a label */
} tern__span;

/* Whether labels also say where entities end and which are of one token: E-, L- and S-, U- (and M-
 * for I-). They are read so where a label begins with B-, or where all but O begin with one of
 * these letters; otherwise E-MAIL is a type. */
bool tern__span_ends(const char *const *labels, size_t count);
/* "B-person" -> "person"; "O" -> NULL. ends: tern__span_ends of all labels. */
const char *tern__span_type(const char *label, bool ends);
/* Writes the spans of these tokens [count] to out [count]; returns how many there are. */
size_t tern__spans(tern__span *out, const char *const *labels, const int32_t *tags, size_t count,
                   bool ends);

#endif
