/* What learning word vectors is prepared with: words dealt into parts, how often frequent words are
 * skipped, negatives by count^0.75, the text cut into chunks. Knows no vectors. */
#include "vectors_train.h"

#include <math.h>
#include <string.h>

/* Deals words out by rank: 0 1 2 3 3 2 1 0 0 1 ... */
static void deal(learner *l) {
    const int64_t wanted = l->n / PART_WORDS, most = l->o->subwords ? SUBWORDS_PARTS : PARTS;
    l->parts = wanted < 1 ? 1 : wanted > most ? most : wanted;
    for (int64_t w = 0; w < l->n; w++) {
        const int64_t k = w % (2 * l->parts);
        l->part_of[w] = (int32_t)(k < l->parts ? k : 2 * l->parts - 1 - k);
    }
}

/* A word of share f of the text stays with probability sqrt(t / f) + t / f (word2vec.c). */
static void set_keep(learner *l) {
    for (int64_t w = 0; w < l->n; w++) {
        const double f = (double)l->corpus->counts[w] / (double)l->corpus->tokens;
        const double p = l->o->sample > 0 ? sqrt(l->o->sample / f) + l->o->sample / f : 1;
        l->keep[w] = p >= 1 ? UINT32_MAX : (uint32_t)(p * UINT32_MAX);
    }
}

/* light, heavy: room for lists of places. */
static void fill_sampler(learner *l, int64_t part, double *weight, int32_t *light, int32_t *heavy) {
    sampler *s = &l->samplers[part];
    uint32_t n_light = 0, n_heavy = 0;
    double sum = 0;
    for (int64_t w = 0; w < l->n; w++) {
        if (l->part_of[w] != part) continue;
        s->words[s->count] = (int32_t)w;
        sum += weight[s->count++] = pow((double)l->corpus->counts[w], 0.75);
    }
    for (uint32_t i = 0; i < s->count; i++) {
        weight[i] *= s->count / sum;
        s->other[i] = (int32_t)i;
        s->threshold[i] = UINT32_MAX;
        if (weight[i] < 1)
            light[n_light++] = (int32_t)i;
        else
            heavy[n_heavy++] = (int32_t)i;
    }
    while (n_light && n_heavy) { /* each light word's place is filled up by a heavy one */
        const int32_t a = light[--n_light], b = heavy[n_heavy - 1];
        s->threshold[a] = (uint32_t)(weight[a] * UINT32_MAX);
        s->other[a] = b;
        weight[b] -= 1 - weight[a];
        if (weight[b] >= 1) continue;
        n_heavy--;
        light[n_light++] = b;
    }
}

static tern_status make_sampler(learner *l, int64_t part) {
    sampler *s = &l->samplers[part];
    uint32_t count = 0;
    for (int64_t w = 0; w < l->n; w++) count += l->part_of[w] == part;
    s->words = tern__alloc(l->c, count * sizeof *s->words);
    s->other = tern__alloc(l->c, count * sizeof *s->other);
    s->threshold = tern__alloc(l->c, count * sizeof *s->threshold);
    double *weight = tern__alloc(l->c, count * sizeof *weight);
    int32_t *lights = tern__alloc(l->c, 2 * count * sizeof *lights);
    const bool whole = s->words && s->other && s->threshold && weight && lights;
    if (whole) fill_sampler(l, part, weight, lights, lights + count);
    tern__free(l->c, weight);
    tern__free(l->c, lights);
    return whole ? TERN_OK : TERN_ERR_MEMORY;
}

/* Cuts the corpus into chunks of whole texts where they fit. */
static tern_status cut(learner *l) {
    const size_t room = (size_t)(CHUNK_PAIRS / (2 * l->o->window));
    const int32_t *ids = l->corpus->ids;
    size_t capacity = 0;
    for (size_t begin = 0; begin < l->corpus->n_ids;) {
        size_t end = begin + room;
        if (end >= l->corpus->n_ids) {
            end = l->corpus->n_ids;
        } else {
            while (end > begin && ids[end - 1] >= 0) end--;
            if (end == begin) end = begin + room;
        }
        chunk *grown = tern__grow(l->c, l->chunks, (size_t)l->n_chunks, &capacity,
                                  (size_t)l->n_chunks + 1, sizeof *grown);
        if (!grown) return TERN_ERR_MEMORY;
        l->chunks = grown;
        l->chunks[l->n_chunks++] = (chunk){begin, end};
        begin = end;
    }
    l->order = tern__alloc(l->c, (size_t)l->n_chunks * sizeof *l->order);
    return l->order ? TERN_OK : TERN_ERR_MEMORY;
}

tern_status tern__learner_deal(learner *l) {
    const size_t n = (size_t)l->n;
    l->part_of = tern__alloc(l->c, n * sizeof *l->part_of);
    l->keep = tern__alloc(l->c, n * sizeof *l->keep);
    if (!l->part_of || !l->keep) return TERN_ERR_MEMORY;
    deal(l);
    set_keep(l);
    for (int64_t part = 0; part < l->parts; part++)
        if (make_sampler(l, part) != TERN_OK) return TERN_ERR_MEMORY;
    return cut(l);
}
