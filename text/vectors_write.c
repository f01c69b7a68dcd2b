/* Writing word vectors: .vec, word2vec's and fastText's binary files. */
#include "core/base/file.h"
#include "decimal.h"
#include "vectors.h"

#include <stdio.h>
#include <string.h>

static bool has_space(const char *word, size_t length) {
    return memchr(word, ' ', length) || memchr(word, '\t', length) || memchr(word, '\n', length) ||
           memchr(word, '\r', length);
}

/* "count dimension", for the words that can be written. */
static void write_head(tern__file_writer *w, const tern_vectors *v) {
    size_t count = 0, length;
    char head[64];
    for (size_t i = 0; i < v->words.count; i++) {
        const char *word = tern__words_at(&v->words, i, &length);
        count += !has_space(word, length);
    }
    const int n = snprintf(head, sizeof head, "%zu %lld\n", count, (long long)v->dimension);
    tern__file_write(w, head, (size_t)n);
}

/* Failures of writing stick to the writer and come out at its commit. */
static void write_rows(tern__file_writer *w, const tern_vectors *v, bool binary) {
    size_t length;
    char number[TERN__DECIMAL_SIZE + 1] = " ";
    write_head(w, v);
    for (size_t i = 0; i < v->words.count; i++) {
        const char *word = tern__words_at(&v->words, i, &length);
        const float *row = tern_vectors_row(v, i);
        if (has_space(word, length)) continue;
        tern__file_write(w, word, length);
        if (binary) {
            tern__file_write(w, " ", 1);
            tern__file_write(w, row, (size_t)v->dimension * sizeof *row);
        }
        for (int64_t k = 0; k < v->dimension && !binary; k++)
            tern__file_write(w, number, 1 + tern__decimal_write(number + 1, row[k]));
        tern__file_write(w, "\n", 1);
    }
}

/* ---- fastText ---- */

static void write_i32(tern__file_writer *w, int32_t value) { tern__file_write(w, &value, 4); }
static void write_i64(tern__file_writer *w, int64_t value) { tern__file_write(w, &value, 8); }

/* Magic, version 12; dim, ws, epoch, minCount, neg, wordNgrams, loss (negative sampling), model
 * (skip-gram), bucket, minn, maxn, lrUpdateRate; t. What is not known has fastText's defaults. */
static void write_arguments(tern__file_writer *w, const tern_vectors *v) {
    const int32_t head[] = {793712314, 12, (int32_t)v->dimension, 5,        5,        1,  5, 1,
                            2,         2,  (int32_t)v->buckets,   v->min_n, v->max_n, 100};
    const double t = 1e-4;
    tern__file_write(w, head, sizeof head);
    tern__file_write(w, &t, sizeof t);
}

static void write_dictionary(tern__file_writer *w, const tern_vectors *v) {
    const int32_t count = (int32_t)v->words.count;
    int64_t tokens = 0;
    for (int32_t i = 0; i < count; i++) tokens += v->counts ? v->counts[i] : 1;
    write_i32(w, count);
    write_i32(w, count);
    write_i32(w, 0); /* labels */
    write_i64(w, tokens);
    write_i64(w, -1); /* not pruned */
    for (int32_t i = 0; i < count; i++) {
        size_t length;
        const char *word = tern__words_at(&v->words, (size_t)i, &length);
        tern__file_write(w, word, length + 1);
        write_i64(w, v->counts ? v->counts[i] : 1);
        tern__file_write(w, "", 1); /* a word, not a label */
    }
}

/* The row of the word itself: what its mean lacks beside its n-grams. out [dimension]. */
static void own_row(const tern_vectors *v, size_t i, float *out) {
    int64_t grams[TERN__VECTORS_GRAMS];
    size_t length;
    const char *word = tern__words_at(&v->words, i, &length);
    const size_t n = tern__vectors_grams(grams, TERN__VECTORS_GRAMS, word, length, v->min_n,
                                         v->max_n, v->buckets);
    const float *mean = tern_vectors_row(v, i);
    for (int64_t k = 0; k < v->dimension; k++) {
        double sum = (double)mean[k] * (double)(n + 1);
        for (size_t g = 0; g < n; g++) sum -= (double)v->grams[grams[g] * v->dimension + k];
        out[k] = (float)sum;
    }
}

/* The outputs, which only training would need, are zeros. */
static void write_matrices(tern__file_writer *w, const tern_vectors *v) {
    static const float zeros[TERN_VECTORS_DIMENSION_MAX];
    float row[TERN_VECTORS_DIMENSION_MAX];
    const size_t bytes = (size_t)v->dimension * sizeof *row;
    tern__file_write(w, "", 1); /* not quantised */
    write_i64(w, (int64_t)v->words.count + v->buckets);
    write_i64(w, v->dimension);
    for (size_t i = 0; i < v->words.count; i++) {
        own_row(v, i, row);
        tern__file_write(w, row, bytes);
    }
    for (int64_t b = 0; b < v->buckets; b++)
        tern__file_write(w, v->grams + b * v->dimension, bytes);
    tern__file_write(w, "", 1);
    write_i64(w, (int64_t)v->words.count);
    write_i64(w, v->dimension);
    for (size_t i = 0; i < v->words.count; i++) tern__file_write(w, zeros, bytes);
}

tern_status tern_vectors_save(const tern_vectors *v, const char *path, tern_vectors_format format) {
    tern__file_writer *w;
    const size_t n = strlen(path);
    if (format == TERN_VECTORS_AUTO)
        format = n < 4 || strcmp(path + n - 4, ".bin") ? TERN_VECTORS_TEXT
                 : v->grams                            ? TERN_VECTORS_FASTTEXT
                                                       : TERN_VECTORS_WORD2VEC;
    if (format == TERN_VECTORS_FASTTEXT && !v->grams)
        return tern__fail(v->context, TERN_ERR_ARGUMENT,
                          "%s: fastText's format needs sub-words, which these vectors lack", path);
    tern_status st = tern__file_writer_open(&w, v->context, path);
    if (st != TERN_OK) return st;
    if (format == TERN_VECTORS_FASTTEXT) {
        write_arguments(w, v);
        write_dictionary(w, v);
        write_matrices(w, v);
    } else {
        write_rows(w, v, format == TERN_VECTORS_WORD2VEC);
    }
    return tern__file_writer_commit(&w);
}
