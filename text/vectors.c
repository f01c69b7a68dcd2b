/* A set of word vectors: words, their rows, n-grams of unknown words, nearest words, tables for an
 * embedding. Knows no file format. */
#include "vectors.h"

#include <math.h>
#include <string.h>

tern_vectors *tern__vectors_make(tern_context *c, int64_t dimension) {
    tern_vectors *v = tern__calloc(c, 1, sizeof *v);
    if (!v) return NULL;
    v->context = v->words.context = c;
    v->dimension = dimension;
    return v;
}

void tern_vectors_free(tern_vectors *v) {
    if (!v) return;
    tern_context *c = v->context;
    tern__words_clear(&v->words);
    tern__free(c, v->rows);
    tern__free(c, v->counts);
    tern__free(c, v->grams);
    tern__free(c, v);
}

tern_status tern__vectors_reserve(tern_vectors *v, size_t rows) {
    float *grown = tern__grow(v->context, v->rows, v->words.count * (size_t)v->dimension,
                              &v->capacity, rows * (size_t)v->dimension, sizeof *grown);
    if (!grown) return TERN_ERR_MEMORY;
    v->rows = grown;
    return TERN_OK;
}

tern_status tern__vectors_add(tern_vectors *v, const char *word, size_t length, float **row,
                              bool *is_new) {
    const size_t before = v->words.count;
    int64_t number;
    tern_status st = tern__vectors_reserve(v, before + 1);
    if (st == TERN_OK)
        st = tern__words_add(&v->words, &number, word, length, tern_text_hash(word, length));
    if (st != TERN_OK) return st;
    *is_new = v->words.count > before;
    *row = v->rows + number * v->dimension;
    return TERN_OK;
}

size_t tern__vectors_grams(int64_t *grams, size_t capacity, const char *word, size_t length,
                           int min_n, int max_n, int64_t buckets) {
    uint32_t hashes[TERN__VECTORS_GRAMS];
    if (max_n <= 0 || buckets <= 0 || (length == 4 && !memcmp(word, "</s>", 4))) return 0;
    if (capacity > TERN__VECTORS_GRAMS) capacity = TERN__VECTORS_GRAMS;
    size_t count = tern_text_subwords(hashes, capacity, word, length, min_n, max_n);
    if (count > capacity) count = capacity;
    for (size_t i = 0; i < count; i++) grams[i] = hashes[i] % buckets;
    return count;
}

/* ---- words ---- */

size_t tern_vectors_count(const tern_vectors *v) { return v->words.count; }
int64_t tern_vectors_dimension(const tern_vectors *v) { return v->dimension; }
bool tern_vectors_subwords(const tern_vectors *v) { return v->grams != NULL; }

const char *tern_vectors_word(const tern_vectors *v, size_t i, size_t *length) {
    size_t n;
    return tern__words_at(&v->words, i, length ? length : &n);
}

const float *tern_vectors_row(const tern_vectors *v, size_t i) {
    return v->rows + i * (size_t)v->dimension;
}

const float *tern_vectors_find(const tern_vectors *v, const char *word, size_t length) {
    const int64_t i = tern__words_find(&v->words, word, length, tern_text_hash(word, length));
    return i < 0 ? NULL : v->rows + i * v->dimension;
}

bool tern_vectors_get(const tern_vectors *v, float *out, const char *word, size_t length) {
    const float *row = tern_vectors_find(v, word, length);
    const size_t bytes = (size_t)v->dimension * sizeof *out;
    int64_t grams[TERN__VECTORS_GRAMS];
    if (row) {
        memcpy(out, row, bytes);
        return true;
    }
    memset(out, 0, bytes);
    if (!v->grams) return false;
    const size_t count = tern__vectors_grams(grams, TERN__VECTORS_GRAMS, word, length, v->min_n,
                                             v->max_n, v->buckets);
    for (size_t k = 0; k < count; k++) {
        row = v->grams + grams[k] * v->dimension;
        for (int64_t i = 0; i < v->dimension; i++) out[i] += row[i];
    }
    for (int64_t i = 0; i < v->dimension && count; i++) out[i] /= (float)count;
    return count > 0;
}

/* ---- nearest words ---- */

typedef struct comparison {
    const tern_vectors *v;
    const float *query;
    double size; /* of the query */
    float *cosines;
} comparison;

enum { LANES = 8 }; /* sums side by side, in an order of their own, as vectors of a CPU do */

static void compare(void *arg, int64_t begin, int64_t end) {
    const comparison *q = arg;
    const int64_t n = q->v->dimension, whole = n - n % LANES;
    for (int64_t r = begin; r < end; r++) {
        const float *row = q->v->rows + r * n;
        float products[LANES] = {0}, squares[LANES] = {0};
        for (int64_t i = 0; i < whole; i += LANES)
            for (int k = 0; k < LANES; k++) {
                products[k] += row[i + k] * q->query[i + k];
                squares[k] += row[i + k] * row[i + k];
            }
        double product = 0, square = 0;
        for (int64_t i = whole; i < n; i++) {
            product += (double)row[i] * (double)q->query[i];
            square += (double)row[i] * (double)row[i];
        }
        for (int k = 0; k < LANES; k++) {
            product += (double)products[k];
            square += (double)squares[k];
        }
        const double cosine = product / (sqrt(square) * q->size);
        q->cosines[r] = square > 0 ? (float)fmax(-1, fmin(1, cosine)) : NAN;
    }
}

/* Keeps the best `top` in order; an equal one goes behind those that are there. */
static void insert(tern_neighbour *list, size_t top, size_t *found, tern_neighbour one) {
    size_t at = *found;
    if (at == top && !(one.cosine > list[top - 1].cosine)) return;
    if (at < top)
        ++*found;
    else
        at--;
    for (; at > 0 && one.cosine > list[at - 1].cosine; at--) list[at] = list[at - 1];
    list[at] = one;
}

static bool among(const char *const *words, size_t count, const char *word) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(words[i], word)) return true;
    return false;
}

tern_status tern_vectors_nearest(tern_neighbour *neighbours, size_t top, size_t *found,
                                 const tern_vectors *v, const float *query,
                                 const char *const *without, size_t n_without) {
    const size_t count = v->words.count;
    double square = 0;
    *found = 0;
    for (int64_t i = 0; i < v->dimension; i++) square += (double)query[i] * (double)query[i];
    if (!(square > 0) || !isfinite(square))
        return tern__fail(v->context, TERN_ERR_ARGUMENT,
                          "nearest words: the vector asked for has no direction");
    comparison q = {v, query, sqrt(square), tern__alloc(v->context, count * sizeof(float))};
    if (!q.cosines) return TERN_ERR_MEMORY;
    tern__parallel_range(v->context, (int64_t)count, 1024, v->dimension, compare, &q);
    for (size_t i = 0; i < count && top; i++) {
        const tern_neighbour one = {tern_vectors_word(v, i, NULL), q.cosines[i]};
        if (isnan(one.cosine) || (*found == top && !(one.cosine > neighbours[top - 1].cosine)))
            continue;
        if (!among(without, n_without, one.word)) insert(neighbours, top, found, one);
    }
    tern__free(v->context, q.cosines);
    return TERN_OK;
}

/* ---- tables ---- */

/* Half the width of the uniform distribution that has the variance of these rows. */
static double spread_of(const float *table, const bool *is_known, size_t rows, int64_t n) {
    double sum = 0, squares = 0, count = 0;
    for (size_t r = 0; r < rows; r++) {
        if (!is_known[r]) continue;
        const float *row = table + r * (size_t)n;
        for (int64_t i = 0; i < n; i++) {
            sum += (double)row[i];
            squares += (double)row[i] * (double)row[i];
        }
        count += (double)n;
    }
    const double variance = count > 0 ? squares / count - sum / count * (sum / count) : 0;
    return variance > 0 ? sqrt(3 * variance) : 0.25;
}

static void fill_unknown(float *row, int64_t n, const char *word, size_t length, double spread,
                         uint64_t seed) {
    uint64_t stream = length;
    for (size_t i = 0; i < length; i += 8) {
        uint64_t piece = 0;
        for (size_t k = i; k < i + 8 && k < length; k++)
            piece = piece << 8 | (unsigned char)word[k];
        stream = tern__random_stream(stream, piece, i);
    }
    tern__random random = tern__random_make(seed, stream);
    for (int64_t i = 0; i < n; i++)
        row[i] = (float)(spread * (2 * tern__random_uniform(&random) - 1));
}

tern_status tern_vectors_fill(float *table, size_t *known, const tern_vectors *v,
                              const tern_vocabulary *vocabulary, double spread, uint64_t seed) {
    const size_t rows = tern_vocabulary_rows(vocabulary);
    size_t length, count = 0;
    bool *is_known = tern__calloc(v->context, rows, sizeof *is_known);
    if (!is_known) return TERN_ERR_MEMORY;
    memset(table, 0, (size_t)v->dimension * sizeof *table);
    for (size_t r = TERN_FIRST_WORD; r < rows; r++) {
        const char *word = tern_vocabulary_word(vocabulary, (int64_t)r, &length);
        is_known[r] = tern_vectors_get(v, table + r * (size_t)v->dimension, word, length);
        count += is_known[r];
    }
    if (!(spread > 0)) spread = spread_of(table, is_known, rows, v->dimension);
    for (size_t r = TERN_UNKNOWN; r < rows; r++) {
        const char *word = tern_vocabulary_word(vocabulary, (int64_t)r, &length);
        if (!is_known[r])
            fill_unknown(table + r * (size_t)v->dimension, v->dimension, word, length, spread,
                         seed);
    }
    tern__free(v->context, is_known);
    if (known) *known = count;
    return TERN_OK;
}
