/* What users choose by name from a table. Internal. */
#ifndef TERN_CORE_CHOICES_H
#define TERN_CORE_CHOICES_H

#include "core/base/base.h"
#include <tern/graph.h>

/* A table whose rows begin with their name, a const char *. */
typedef struct tern__choices {
    const void *rows;
    size_t row_size, count;
} tern__choices;
#define TERN__CHOICES(table)                                                                       \
    ((tern__choices){table, sizeof *(table), sizeof(table) / sizeof *(table)})

/* The row of this name, NULL: there is none. name NULL: the first row. */
const void *tern__choice_find(tern__choices choices, const char *name);
/* "NAME, NAME, ..." of all rows; returns out. */
const char *tern__choice_names(tern__choices choices, char *out, size_t size);
/* Sticks to the graph that there is no `what` of this name, and which there are; returns no
 * value. */
tern_value tern__choice_refuse(tern_graph *g, const char *what, const char *name,
                               tern__choices choices);

#endif
