/* Distinct words and their numbers. Open addressing with linear probing; at most half full. Knows
 * no order and no meaning. */
#include "words.h"

#include <string.h>

void tern__words_clear(tern__words *w) {
    tern_context *c = w->context;
    if (!c) return;
    tern__free(c, w->bytes);
    tern__free(c, w->begins);
    tern__free(c, w->hashes);
    tern__free(c, w->table);
    *w = (tern__words){.context = c};
}

/* FNV's low bits are its best; a multiplication spreads words that differ in the last byte only. */
static inline size_t place_of(const tern__words *w, uint32_t hash) {
    return (hash * 2654435769u >> 7 ^ hash) & (w->table_size - 1);
}

int64_t tern__words_find(const tern__words *w, const char *word, size_t length, uint32_t hash) {
    if (!w->table_size) return -1;
    for (size_t at = place_of(w, hash); w->table[at]; at = (at + 1) & (w->table_size - 1)) {
        if (w->table[at] >> 32 != hash) continue;
        const size_t i = (uint32_t)w->table[at] - 1, begin = w->begins[i];
        if (w->begins[i + 1] - begin - 1 == length && !memcmp(w->bytes + begin, word, length))
            return (int64_t)i;
    }
    return -1;
}

static void put(tern__words *w, size_t number) {
    size_t at = place_of(w, w->hashes[number]);
    while (w->table[at]) at = (at + 1) & (w->table_size - 1);
    w->table[at] = (uint64_t)w->hashes[number] << 32 | (number + 1);
}

tern_status tern__words_reserve(tern__words *w, size_t count, size_t bytes) {
    tern_context *c = w->context;
    size_t needed = 0;
    if (count == 0) return TERN_OK;
    if (count > INT32_MAX)
        return tern__fail(c, TERN_ERR_LIMIT, "more than %d different words", INT32_MAX);
    if (!tern__add(bytes, count, &needed))
        return tern__fail(c, TERN_ERR_LIMIT, "words of %zu bytes in all", bytes);
    char *text = tern__grow(c, w->bytes, w->used, &w->bytes_capacity, needed, 1);
    if (!text) return TERN_ERR_MEMORY;
    w->bytes = text;
    size_t *begins = tern__grow(c, w->begins, w->begins ? w->count + 1 : 0, &w->begins_capacity,
                                count + 1, sizeof *begins);
    if (!begins) return TERN_ERR_MEMORY;
    w->begins = begins;
    begins[0] = 0;
    uint32_t *hashes =
        tern__grow(c, w->hashes, w->count, &w->hashes_capacity, count, sizeof *hashes);
    if (!hashes) return TERN_ERR_MEMORY;
    w->hashes = hashes;
    if (w->table_size >= 2 * count) return TERN_OK;
    size_t size = 64;
    while (size < 2 * count) size *= 2;
    uint64_t *table = tern__calloc(c, size, sizeof *table);
    if (!table) return TERN_ERR_MEMORY;
    tern__free(c, w->table);
    w->table = table;
    w->table_size = size;
    for (size_t i = 0; i < w->count; i++) put(w, i);
    return TERN_OK;
}

tern_status tern__words_add(tern__words *w, int64_t *number, const char *word, size_t length,
                            uint32_t hash) {
    const int64_t found = tern__words_find(w, word, length, hash);
    if (found >= 0) {
        *number = found;
        return TERN_OK;
    }
    /* reserve takes a byte a word for their zeros; those of earlier words are in used already */
    tern_status st = tern__words_reserve(w, w->count + 1, w->used - w->count + length);
    if (st != TERN_OK) return st;
    memcpy(w->bytes + w->used, word, length);
    w->bytes[w->used + length] = 0;
    w->used += length + 1;
    w->hashes[w->count] = hash;
    w->begins[w->count + 1] = w->used;
    put(w, w->count);
    *number = (int64_t)w->count++;
    return TERN_OK;
}
