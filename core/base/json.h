/* JSON between jansson's values and text, so that memory that runs out is never taken for anything
 * else: a value that could not be made is NULL, NULL in a value makes that NULL, and writing NULL
 * is TERN_ERR_MEMORY. jansson's own functions are called for what cannot fail (json_object_get,
 * json_decref, ...) and json_pack, which keeps to the same rule. Internal. */
#ifndef TERN_CORE_JSON_H
#define TERN_CORE_JSON_H

#include "base.h"

#include <jansson.h>

/* ---- making ---- */

/* A number, or null where it is not finite, which JSON cannot write. */
json_t *tern__json_number(double value);
/* A string of any bytes: what is not UTF-8 becomes U+FFFD. (json_string and json_pack's "s" say
 * NULL to those, as they do where there is no memory.) */
json_t *tern__json_text(const char *text);
/* Is all of it UTF-8, so that JSON can hold it as it is? */
bool tern__json_holds(const char *text);
/* Puts the value into *object (key: UTF-8) or at the end of *array, and takes it over. What cannot
 * be put, or is NULL, frees *object and makes it NULL; NULL stays NULL. */
void tern__json_set(json_t **object, const char *key, json_t *value);
void tern__json_append(json_t **array, json_t *value);

/* ---- writing ---- */

/* Writes a value (NULL: memory ran out while it was made) by json_dumps' flags, but not by it: its
 * memory is that of jansson, and of a key that finds none it says nothing. *text is the
 * caller's (tern__free), NULL on failure, which can only be TERN_ERR_MEMORY; `what` is being
 * written. */
tern_status tern__json_dump(char **text, tern_context *c, const char *what, const json_t *value,
                            size_t flags);
/* The same, without blanks; frees the value. */
tern_status tern__json_write(char **text, tern_context *c, const char *what, json_t *value);

/* ---- reading (json_read.c) ---- */

/* Reads any value, of at most TERN__JSON_DEPTH lists and objects in each other, which goes back by
 * json_decref. TERN_ERR_FORMAT, with line and column, if the text is not JSON (RFC 8259) or an
 * object has a key twice; `what` opens the sentence. *value is NULL on failure. */
enum { TERN__JSON_DEPTH = 500 };
tern_status tern__json_read(json_t **value, tern_context *c, const char *what, const char *text,
                            size_t length);
/* The same for an object: anything else is TERN_ERR_FORMAT. */
tern_status tern__json_read_object(json_t **object, tern_context *c, const char *what,
                                   const char *text, size_t length);
/* Reads a number as JSON writes it; false, and *value untouched, where text is none. (strtod would
 * read "0.5" as 0 where the locale writes 0,5.) Takes no memory. */
bool tern__json_read_number(const char *text, double *value);

/* Bytes of the UTF-8 character at s, which ends in a 0; 0 if there is none. */
size_t tern__json_character(const char *s);

#endif
