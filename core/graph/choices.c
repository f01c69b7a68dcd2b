/* Finds rows of tables by name. Knows no table. */
#include "choices.h"

#include "graph.h"

#include <stdio.h>
#include <string.h>

enum { NAMES = 800 }; /* bytes of a list of names in a sentence */

static const char *name_of(tern__choices choices, size_t i) {
    return *(const char *const *)((const char *)choices.rows + i * choices.row_size);
}

const void *tern__choice_find(tern__choices choices, const char *name) {
    for (size_t i = 0; i < choices.count; i++)
        if (!name || !strcmp(name_of(choices, i), name))
            return (const char *)choices.rows + i * choices.row_size;
    return NULL;
}

const char *tern__choice_names(tern__choices choices, char *out, size_t size) {
    size_t used = 0;
    *out = 0;
    for (size_t i = 0; i < choices.count && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name_of(choices, i));
    return out;
}

tern_value tern__choice_refuse(tern_graph *g, const char *what, const char *name,
                               tern__choices choices) {
    char names[NAMES];
    tern__graph_fail(g, TERN_ERR_ARGUMENT, "there is no %s '%s'; there are %s", what, name,
                     tern__choice_names(choices, names, sizeof names));
    return (tern_value){g, -1};
}
