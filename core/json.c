/* Reads and writes JSON for callers who have sentences to say about it. Knows no key. */
#include "json.h"

#include <math.h>
#include <stdlib.h>

json_t *tern__json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

bool tern__json_read_number(const char *text, double *value) {
    json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);
    const bool is_number = json_is_number(number);
    if (is_number) *value = json_number_value(number);
    json_decref(number);
    return is_number;
}

tern_status tern__json_read_object(json_t **object, tern_context *c, const char *what,
                                   const char *text, size_t length) {
    json_error_t error;
    *object = NULL;
    json_t *read = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!read)
        return tern__fail(c, TERN_ERR_FORMAT, "%s: line %d, column %d: %s", what, error.line,
                          error.column, error.text);
    if (!json_is_object(read)) {
        json_decref(read);
        return tern__fail(c, TERN_ERR_FORMAT, "%s: not a JSON object", what);
    }
    *object = read;
    return TERN_OK;
}

tern_status tern__json_write_object(char **text, tern_context *c, const char *what,
                                    json_t *object) {
    char *dumped = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    *text = dumped ? tern__strdup(c, dumped) : NULL;
    if (!dumped) tern__fail(c, TERN_ERR_MEMORY, "out of memory while writing %s", what);
    free(dumped);
    return *text ? TERN_OK : TERN_ERR_MEMORY;
}
