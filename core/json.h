/* JSON where it takes more than a call of jansson. Internal. */
#ifndef TERN_CORE_JSON_H
#define TERN_CORE_JSON_H

#include "base.h"

#include <jansson.h>

/* A number, or null where it is not finite, which JSON cannot write. */
json_t *tern__json_number(double value);
/* Reads a number as JSON writes it; false, and *value untouched, where text is none. (strtod would
 * read "0.5" as 0 where the locale writes 0,5.) */
bool tern__json_read_number(const char *text, double *value);
/* Reads an object without doubled keys, which goes back by json_decref. TERN_ERR_FORMAT, with line
 * and column, if text is none; `what` opens the sentence. *object is NULL on failure. */
tern_status tern__json_read_object(json_t **object, tern_context *c, const char *what,
                                   const char *text, size_t length);
/* Writes an object without blanks and frees it; object NULL: memory ran out while it was made.
 * *text is the caller's (tern__free), NULL on failure. */
tern_status tern__json_write_object(char **text, tern_context *c, const char *what, json_t *object);

#endif
