/* Names to numbers: open addressing, at most three quarters full. Knows nothing of what is named.
 */
#include "names.h"

#include "arithmetic.h"

#include <string.h>

/* A mix of the hash's high bits into the low ones that pick the slot. */
static uint64_t hash_of(const char *name) {
    const uint64_t hash = tern__hash_text(TERN__HASH_START, name);
    return hash ^ hash >> 32;
}

/* The slot that holds the name, or the empty one where its search ends. */
static struct tern__names_slot *look(const tern__names *names, const char *name, uint64_t hash) {
    for (size_t i = hash;; i++) {
        struct tern__names_slot *slot = &names->slots[i & (names->capacity - 1)];
        if (!slot->name ||
            (slot->number >= 0 && slot->hash == hash && strcmp(slot->name, name) == 0))
            return slot;
    }
}

int tern__names_find(const tern__names *names, const char *name) {
    if (names->capacity == 0) return -1;
    const struct tern__names_slot *slot = look(names, name, hash_of(name));
    return slot->name ? slot->number : -1;
}

static tern_status grow(tern__names *names, tern_context *c) {
    size_t capacity = names->capacity ? names->capacity * 2 : 16;
    tern__names bigger = {tern__calloc(c, capacity, sizeof *bigger.slots), capacity, 0};
    if (!bigger.slots) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < names->capacity; i++) {
        const struct tern__names_slot *slot = &names->slots[i];
        if (!slot->name || slot->number < 0) continue;
        *look(&bigger, slot->name, slot->hash) = *slot;
        bigger.used++;
    }
    tern__free(c, names->slots);
    *names = bigger;
    return TERN_OK;
}

tern_status tern__names_set(tern__names *names, tern_context *c, const char *name, int number) {
    if (names->used + 1 > names->capacity / 4 * 3 && grow(names, c) != TERN_OK)
        return TERN_ERR_MEMORY;
    uint64_t hash = hash_of(name);
    struct tern__names_slot *slot = look(names, name, hash);
    if (!slot->name) names->used++;
    *slot = (struct tern__names_slot){name, hash, number};
    return TERN_OK;
}

void tern__names_remove(tern__names *names, const char *name) {
    if (names->capacity == 0) return;
    struct tern__names_slot *slot = look(names, name, hash_of(name));
    if (!slot->name) return;
    slot->name = ""; /* searches go on behind it */
    slot->number = -1;
}

void tern__names_clear(tern__names *names, tern_context *c) {
    tern__free(c, names->slots);
    *names = (tern__names){0};
}
