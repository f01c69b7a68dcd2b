/* Hashes of words, sub-words and word n-grams, as fastText has them. Source: fastText 0.9.2,
 * dictionary.cc; Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information". */
#include <tern/text.h>

#include <string.h>

#define BASIS 2166136261u
#define PRIME 16777619u

static inline uint32_t hash_byte(uint32_t h, char byte) {
    return (h ^ (uint32_t)(int8_t)byte) * PRIME;
}

uint32_t tern_text_hash(const char *bytes, size_t length) {
    uint32_t h = BASIS;
    for (size_t i = 0; i < length; i++) h = hash_byte(h, bytes[i]);
    return h;
}

/* Byte i of "<word>". */
static inline char marked(const char *word, size_t length, size_t i) {
    return i == 0 ? '<' : i <= length ? word[i - 1] : '>';
}

static inline bool continues(char byte) { return ((unsigned char)byte & 0xC0) == 0x80; }

size_t tern_text_subwords(uint32_t *hashes, size_t capacity, const char *word, size_t length,
                          int min_n, int max_n) {
    const size_t size = length + 2;
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        if (continues(marked(word, length, i))) continue;
        uint32_t h = BASIS;
        size_t j = i;
        for (int n = 1; j < size && n <= max_n; n++) {
            do h = hash_byte(h, marked(word, length, j++));
            while (j < size && continues(marked(word, length, j)));
            if (n < min_n || (n == 1 && (i == 0 || j == size))) continue;
            if (count < capacity) hashes[count] = h;
            count++;
        }
    }
    return count;
}

uint64_t tern_text_ngram_begin(uint32_t word_hash) { return (uint64_t)(int64_t)(int32_t)word_hash; }

uint64_t tern_text_ngram_extend(uint64_t hash, uint32_t word_hash) {
    return hash * 116049371u + tern_text_ngram_begin(word_hash);
}
