/* From BIO labels to entities. Knows strings only. Internal. */
#ifndef TERN_TEXT_SPANS_H
#define TERN_TEXT_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tern__span {
    size_t first, last; /* tokens, inclusive */
    const char *type;   /* points into a label */
} tern__span;

/* "B-person" -> "person"; "O" -> NULL. */
const char *tern__span_type(const char *label);
/* Writes the spans of these tokens [count] to out [count]; returns how many there are. */
size_t tern__spans(tern__span *out, const char *const *labels, const int32_t *tags, size_t count);

#endif
