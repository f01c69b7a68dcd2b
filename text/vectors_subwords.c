/* Sub-words while word vectors are learnt: which rows of n-grams a word is made of, its mean before
 * a pool, and the spreading of what the mean has moved by afterwards. */
#include "vectors_train.h"

#include <string.h>

tern_status tern__subwords_make(learner *l) {
    int64_t list[TERN__VECTORS_GRAMS], n = 0;
    size_t capacity = 0;
    l->grams_begin = tern__alloc(l->c, (size_t)(l->n + 1) * sizeof *l->grams_begin);
    l->touched = tern__alloc(l->c, (size_t)l->n * sizeof *l->touched);
    l->touched_in = tern__calloc(l->c, (size_t)l->n, sizeof *l->touched_in);
    l->own = tern__alloc(l->c, (size_t)(l->n * l->stride) * sizeof *l->own);
    l->grams = tern__alloc(l->c, (size_t)(l->o->buckets * l->stride) * sizeof *l->grams);
    if (!l->grams_begin || !l->touched || !l->touched_in || !l->own || !l->grams)
        return TERN_ERR_MEMORY;
    for (int64_t w = 0; w < l->n; w++) {
        size_t length;
        const char *word =
            tern_vocabulary_word(l->corpus->vocabulary, TERN_FIRST_WORD + w, &length);
        const size_t count = tern__vectors_grams(list, TERN__VECTORS_GRAMS, word, length,
                                                 l->o->min_n, l->o->max_n, l->o->buckets);
        int64_t *grown = tern__grow(l->c, l->grams_of, (size_t)n, &capacity, (size_t)n + count + 1,
                                    sizeof *grown);
        if (!grown) return TERN_ERR_MEMORY;
        l->grams_of = grown;
        memcpy(l->grams_of + n, list, count * sizeof *list);
        l->grams_begin[w] = n;
        n += (int64_t)count;
    }
    l->grams_begin[l->n] = n;
    tern__learner_fill(l, l->own, l->n, 0);
    tern__learner_fill(l, l->grams, l->o->buckets, l->n);
    return TERN_OK;
}

/* The mean of a word's rows. */
static void mean(const learner *l, int64_t w, float *out) {
    const int64_t begin = l->grams_begin[w], end = l->grams_begin[w + 1];
    const float *own = l->own + w * l->stride;
    const float share = 1.0f / (float)(1 + end - begin);
    memcpy(out, own, (size_t)l->stride * sizeof *out);
    for (int64_t k = begin; k < end; k++) {
        const float *row = l->grams + l->grams_of[k] * l->stride;
        for (int64_t i = 0; i < l->stride; i++) out[i] += row[i];
    }
    for (int64_t i = 0; i < l->stride; i++) out[i] *= share;
}

static void gather(void *arg, int64_t begin, int64_t end) {
    const learner *l = arg;
    for (int64_t k = begin; k < end; k++) {
        float *row = l->left + l->touched[k] * l->stride;
        mean(l, l->touched[k], row);
        memcpy(l->moved + k * l->stride, row, (size_t)l->stride * sizeof *row);
    }
}

tern_status tern__subwords_gather(learner *l) {
    l->n_touched = 0;
    for (int64_t i = 0; i < l->in_pool; i++) {
        const slot *s = &l->slots[i];
        for (int64_t k = 0; k < s->n_kept; k++) {
            const int32_t w = s->kept[k];
            if (w < 0 || l->touched_in[w] == l->pools + 1) continue;
            l->touched_in[w] = l->pools + 1;
            l->touched[l->n_touched++] = w;
        }
    }
    float *moved = tern__grow(l->c, l->moved, 0, &l->moved_capacity,
                              (size_t)(l->n_touched * l->stride), sizeof *moved);
    if (!moved) return TERN_ERR_MEMORY;
    l->moved = moved;
    tern__parallel_range(l->c, l->n_touched, 64, 8 * l->stride, gather, l);
    return TERN_OK;
}

enum { SLICE = 64 }; /* floats of each row that one thread adds to, so that no row is shared */

static void scatter(void *arg, int64_t slice, int worker) {
    (void)worker;
    const learner *l = arg;
    const int64_t from = slice * SLICE;
    const int64_t n = l->stride - from < SLICE ? l->stride - from : SLICE;
    for (int64_t k = 0; k < l->n_touched; k++) {
        const int64_t w = l->touched[k];
        const float *now = l->left + w * l->stride + from,
                    *before = l->moved + k * l->stride + from;
        float *own = l->own + w * l->stride + from, by[SLICE];
        for (int64_t i = 0; i < n; i++) by[i] = now[i] - before[i];
        for (int64_t i = 0; i < n; i++) own[i] += by[i];
        for (int64_t g = l->grams_begin[w]; g < l->grams_begin[w + 1]; g++) {
            float *row = l->grams + l->grams_of[g] * l->stride + from;
            for (int64_t i = 0; i < n; i++) row[i] += by[i];
        }
    }
}

void tern__subwords_scatter(learner *l) {
    tern__parallel(l->c, (l->stride + SLICE - 1) / SLICE, 8 * SLICE * l->n_touched, scatter, l);
}

static void finish(void *arg, int64_t begin, int64_t end) {
    const learner *l = arg;
    for (int64_t w = begin; w < end; w++) mean(l, w, l->left + w * l->stride);
}

void tern__subwords_finish(learner *l) {
    tern__parallel_range(l->c, l->n, 64, 8 * l->stride, finish, l);
}
