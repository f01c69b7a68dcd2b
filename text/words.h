/* Distinct words, numbered as they come: bytes in one growing block, found by a hash table.
 * Internal to text; knows no order and no meaning. */
#ifndef TERN_TEXT_WORDS_H
#define TERN_TEXT_WORDS_H

#include "core/base/base.h"

typedef struct tern__words {
    tern_context *context;
    char *bytes; /* the words, each with its 0 */
    size_t used, bytes_capacity;
    size_t *begins; /* [count + 1] in bytes; a word's length is begins[i + 1] - begins[i] - 1 */
    size_t begins_capacity;
    uint32_t *hashes; /* [count] tern_text_hash of each */
    size_t hashes_capacity;
    size_t count;
    uint64_t *table;   /* [table_size] 0: free, else hash << 32 | number + 1 */
    size_t table_size; /* a power of two */
} tern__words;

/* Zero-initialise and set the context; free with tern__words_clear, which leaves it empty. */
void tern__words_clear(tern__words *words);
/* The number of a word, -1: not there. hash: tern_text_hash of it. */
int64_t tern__words_find(const tern__words *words, const char *word, size_t length, uint32_t hash);
/* The same; a new word is added. *number is set on success. */
tern_status tern__words_add(tern__words *words, int64_t *number, const char *word, size_t length,
                            uint32_t hash);
/* Room for so many words and bytes in all, so that adding them allocates nothing. */
tern_status tern__words_reserve(tern__words *words, size_t count, size_t bytes);

static inline const char *tern__words_at(const tern__words *words, size_t i, size_t *length) {
    *length = words->begins[i + 1] - words->begins[i] - 1;
    return words->bytes + words->begins[i];
}

#endif
