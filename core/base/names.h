/* A table from names to numbers. Internal; keeps pointers to names that the caller owns. */
#ifndef TERN_CORE_NAMES_H
#define TERN_CORE_NAMES_H

#include "base.h"

/* All zero is an empty table. */
typedef struct tern__names {
    struct tern__names_slot {
        const char *name; /* NULL: empty */
        uint64_t hash;
        int number; /* -1: removed */
    } * slots;
    size_t capacity; /* a power of two, or 0 */
    size_t used;     /* slots that are not empty */
} tern__names;

/* The number of a name, or -1. */
int tern__names_find(const tern__names *names, const char *name);
/* Sets the number (>= 0) of a name, which must stay where it is until it is removed. */
tern_status tern__names_set(tern__names *names, tern_context *c, const char *name, int number);
void tern__names_remove(tern__names *names, const char *name);
void tern__names_clear(tern__names *names, tern_context *c);

#endif
