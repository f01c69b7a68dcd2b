/* What users choose by name from a table, and numbers that they set by name ("NAME=X,NAME=X").
 * Internal. */
#ifndef TERN_CORE_CHOICES_H
#define TERN_CORE_CHOICES_H

#include "base.h"
#include <tern/graph.h>

/* A table whose rows begin with their name, a const char *. */
typedef struct tern__choices {
    const void *rows;
    size_t row_size, count;
} tern__choices;
#define TERN__CHOICES(table)                                                                      \
    ((tern__choices){table, sizeof *(table), sizeof(table) / sizeof *(table)})

/* The row of this name, NULL: there is none. name NULL: the first row. */
const void *tern__choice_find(tern__choices choices, const char *name);
/* "NAME, NAME, ..." of all rows; returns out. */
const char *tern__choice_names(tern__choices choices, char *out, size_t size);
/* Sticks to the graph that there is no `what` of this name, and which there are; returns no
 * value. */
tern_value tern__choice_refuse(tern_graph *g, const char *what, const char *name,
                               tern__choices choices);

/* A number of a struct, by name. */
typedef struct tern__setting {
    const char *name;
    size_t offset;
    bool whole; /* an int, not a double */
} tern__setting;
#define TERN__SETTING(type, member, whole) {#member, offsetof(type, member), whole}

double tern__setting_get(const void *object, const tern__setting *setting);
void tern__setting_set(void *object, const tern__setting *setting, double value);

/* Copies the settings of an object to their places in bytes [size of the object], which the caller
 * has zeroed, so that padding is zero there: an object as it can be hashed. */
void tern__settings_copy(unsigned char *bytes, const void *object, tern__choices settings);

/* Cuts the next item off *text, what lies between two commas; false at the end and for NULL. Longer
 * items are cut short. */
enum { TERN__SETTING_ITEM = 64 };
bool tern__settings_next(const char **text, char item[TERN__SETTING_ITEM]);
/* "NAME=NUMBER": the row of that name (its first member is a tern__setting) and the number. Errors:
 * TERN_ERR_ARGUMENT with `what` before the sentence, which lists the names, then `also` if it is
 * not NULL. Writes into item. */
tern_status tern__settings_read(const tern__setting **setting, double *value, tern_context *c,
                                const char *what, tern__choices settings, const char *also,
                                char *item);

#endif
