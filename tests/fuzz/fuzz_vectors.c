/* Fuzz target: any bytes as a file of word vectors, whole and with a vocabulary to keep. What was
 * read is looked up and compared. */
#include "fuzz.h"
#include "text/vectors_read.h"

static void use(tern_vectors *v) {
    const size_t count = tern_vectors_count(v);
    const int64_t n = tern_vectors_dimension(v);
    float *out = malloc((size_t)n * sizeof *out);
    size_t length, found;
    tern_neighbour near[3];
    fuzz_require(out && count > 0 && n > 0, "vectors that hold something");
    for (size_t i = 0; i < count; i += 1 + count / 16) {
        const char *word = tern_vectors_word(v, i, &length);
        fuzz_require(length > 0 && strlen(word) == length, "words that are C strings");
        fuzz_require(tern_vectors_find(v, word, length) == tern_vectors_row(v, i), "words found");
        fuzz_require(tern_vectors_get(v, out, word, length), "words got");
    }
    tern_vectors_get(v, out, "unknown", 7);
    if (tern_vectors_nearest(near, 3, &found, v, tern_vectors_row(v, 0), NULL, 0) == TERN_OK)
        fuzz_require(found <= count, "no more neighbours than words");
    free(out);
}

static void read_vectors(const uint8_t *bytes, size_t size, bool part) {
    static const char *const words[] = {"bird", "the", "quickly"};
    static const size_t lengths[] = {4, 3, 7};
    tern_context *c = fuzz_context((size_t)96 << 20);
    tern_vectors_load_options o = TERN_VECTORS_LOAD_OPTIONS_INIT;
    tern_vocabulary *vocabulary = NULL;
    tern__stream *stream = NULL;
    tern_vectors *v = NULL;
    o.memory = 1 << 24;
    fuzz_may_fail = true; /* unpacked gzip has no bound but the memory */
    tern_status st = tern_vocabulary_from_words(&vocabulary, c, words, lengths, 3);
    if (part) o.only = vocabulary;
    if (st == TERN_OK) st = tern__stream_open_memory(&stream, c, "fuzz", bytes, size);
    if (st == TERN_OK) st = tern__vectors_read(&v, stream, c, &o);
    fuzz_require((st == TERN_OK) == (v != NULL), "vectors if and only if it succeeds");
    if (v) use(v);
    tern_vectors_free(v);
    tern__stream_close(stream);
    tern_vocabulary_free(vocabulary);
    fuzz_end(c, st);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    read_vectors(bytes, size, false);
    read_vectors(bytes, size, true);
    return 0;
}
