/* Learning word vectors: skip-gram with negative sampling, with the same bits for any number of
 * threads.
 *
 * Two tables of rows are learnt, one of centre words and one of context words. The usual way, many
 * threads writing into shared rows as they come, gives other vectors each time. Here words are dealt
 * into at most 32 parts, frequent and rare ones alike, and pairs (centre, context) into blocks
 * (part of the centre, part of the context). Blocks (i, i + d mod parts), for one d, have no row in
 * common, so that they run at once, each going through its pairs one by one with rows that are up to
 * date; the d follow each other. Negatives of a pair come from the context's part. That is plain
 * stochastic gradient descent in an order of its own, whoever runs which block. The pairs of some
 * 400,000 words of text (a pool) are made and sorted at a time.
 *
 * With sub-words a centre's vector is the mean of its own row and those of its n-grams, which many
 * words share. For the length of a much smaller pool each centre's mean is learnt as a row of its
 * own; then what it has moved by goes to all rows that it is made of, in the order of the words.
 *
 * Sources: Mikolov et al. 2013; Bojanowski et al. 2017; the grid of blocks: Gemulla et al. 2011,
 * "Large-scale matrix factorization with distributed stochastic gradient descent"; with negatives
 * from the same part: Zhu et al. 2019, "GraphVite". */
#include "core/pairs.h"
#include "vectors.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum {
    PARTS = 32,          /* most of them */
    PART_WORDS = 512,    /* a part has at least so many words, if there are more parts than one */
    CHUNK_PAIRS = 65536, /* room of a chunk of text; no chunk can make more pairs */
    POOL = 64,           /* chunks made and learnt at a time */
    BATCH = 128          /* items handed to the kernel at once */
};
enum { STREAM_INIT = 1, STREAM_ORDER, STREAM_PAIRS, STREAM_NEGATIVES };

/* A run of whole texts (of a text that is too long: a piece), and its pairs while it is in the
 * pool. */
typedef struct chunk {
    size_t begin, end; /* in the corpus' ids */
} chunk;

typedef struct slot {
    int32_t *kept;    /* words that sub-sampling left, -1 between texts */
    int32_t *reach;   /* the window of each */
    int64_t n_kept;
    int32_t (*pairs)[2]; /* sorted by block */
    int32_t *begins;  /* [parts * parts + 1] of the blocks */
    int64_t tokens;
} slot;

/* Walker's alias table of a part's words by count^0.75. */
typedef struct sampler {
    int32_t *words, *other;
    uint32_t *threshold;
    uint32_t count;
} sampler;

typedef struct learner {
    tern_context *c;
    const tern__corpus *corpus;
    const tern_vectors_train_options *o;
    int64_t n, dimension, stride, parts, pool;
    float *left, *right;
    int32_t *part_of; /* [n] */
    uint32_t *keep;   /* [n] a word stays if a random number is at most this */
    sampler samplers[PARTS];
    chunk *chunks;
    int64_t n_chunks, *order;
    slot slots[POOL];
    /* the pool at hand */
    int epoch;
    int64_t first, in_pool, diagonal;
    double losses[PARTS], done; /* losses by centre part; done: tokens learnt from in all epochs */
    int64_t loss_items[PARTS];
    float rate;
    /* sub-words */
    float *own, *grams; /* [n][stride], [buckets][stride] */
    int64_t *grams_of, *grams_begin; /* [grams_begin[n]], [n + 1] */
    float *moved; /* [n_touched][stride] */
    size_t moved_capacity;
    int32_t *touched;
    int64_t n_touched, *touched_in; /* [n] the pool that touched it last */
    int64_t pools;
} learner;

/* ---- preparation ---- */

/* Deals words out by rank: 0 1 2 3 3 2 1 0 0 1 ... */
static void deal(learner *l) {
    const int64_t wanted = l->n / PART_WORDS;
    l->parts = wanted < 1 ? 1 : wanted > PARTS ? PARTS : wanted;
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

static tern_status make_sampler(learner *l, int64_t part) {
    sampler *s = &l->samplers[part];
    uint32_t count = 0;
    for (int64_t w = 0; w < l->n; w++) count += l->part_of[w] == part;
    s->words = tern__alloc(l->c, count * sizeof *s->words);
    s->other = tern__alloc(l->c, count * sizeof *s->other);
    s->threshold = tern__alloc(l->c, count * sizeof *s->threshold);
    double *weight = tern__alloc(l->c, count * sizeof *weight);
    int32_t *small = tern__alloc(l->c, 2 * count * sizeof *small), *large = small + count;
    if (!s->words || !s->other || !s->threshold || !weight || !small) goto done;
    double sum = 0;
    for (int64_t w = 0; w < l->n; w++) {
        if (l->part_of[w] != part) continue;
        s->words[s->count] = (int32_t)w;
        sum += weight[s->count++] = pow((double)l->corpus->counts[w], 0.75);
    }
    uint32_t n_small = 0, n_large = 0;
    for (uint32_t i = 0; i < count; i++) {
        weight[i] *= count / sum;
        s->other[i] = (int32_t)i;
        s->threshold[i] = UINT32_MAX;
        if (weight[i] < 1) small[n_small++] = (int32_t)i;
        else large[n_large++] = (int32_t)i;
    }
    while (n_small && n_large) { /* each light word's place is filled up by a heavy one */
        const int32_t light = small[--n_small], heavy = large[n_large - 1];
        s->threshold[light] = (uint32_t)(weight[light] * UINT32_MAX);
        s->other[light] = heavy;
        weight[heavy] -= 1 - weight[light];
        if (weight[heavy] >= 1) continue;
        n_large--;
        small[n_small++] = heavy;
    }
done:;
    const bool whole = s->count == count && small && weight;
    tern__free(l->c, weight);
    tern__free(l->c, small);
    return whole ? TERN_OK : TERN_ERR_MEMORY;
}

/* Upper 32 bits of random * count choose the place, the lower 32 bits which of its two words. */
static inline int32_t draw(const sampler *s, tern__random *random) {
    const uint64_t product = (uint64_t)tern__random_u32(random) * s->count;
    const uint32_t place = (uint32_t)(product >> 32);
    return s->words[(uint32_t)product <= s->threshold[place] ? place : (uint32_t)s->other[place]];
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

static tern_status make_slots(learner *l) {
    const size_t words = (size_t)(CHUNK_PAIRS / (2 * l->o->window)), begins = (size_t)(l->parts * l->parts) + 1;
    l->pool = l->o->subwords ? 1 : POOL;
    if (l->pool > l->n_chunks) l->pool = l->n_chunks;
    for (int64_t i = 0; i < l->pool; i++) {
        slot *s = &l->slots[i];
        s->kept = tern__alloc(l->c, words * sizeof *s->kept);
        s->reach = tern__alloc(l->c, words * sizeof *s->reach);
        s->pairs = tern__alloc(l->c, CHUNK_PAIRS * sizeof *s->pairs);
        s->begins = tern__alloc(l->c, begins * sizeof *s->begins);
        if (!s->kept || !s->reach || !s->pairs || !s->begins) return TERN_ERR_MEMORY;
    }
    return TERN_OK;
}

/* Rows of the left table begin uniform in (-1, 1) / (2 dimension), by the number of the row. */
static void fill_row(const learner *l, float *row, int64_t number) {
    tern__random random = tern__random_make(
        l->o->seed, tern__random_stream(STREAM_INIT, (uint64_t)number, 0));
    memset(row, 0, (size_t)l->stride * sizeof *row);
    for (int64_t i = 0; i < l->dimension; i++)
        row[i] = (float)((tern__random_u32(&random) * 0x1p-32 - 0.5) / (double)l->dimension);
}

typedef struct filling {
    const learner *l;
    float *rows;
    int64_t first;
} filling;

static void fill_rows(void *arg, int64_t begin, int64_t end) {
    const filling *f = arg;
    for (int64_t i = begin; i < end; i++) fill_row(f->l, f->rows + i * f->l->stride, f->first + i);
}

/* ---- pairs ---- */

/* Words that stay, and the window of each. */
static void sample(const learner *l, slot *s, const chunk *k, tern__random *random) {
    s->n_kept = s->tokens = 0;
    for (size_t i = k->begin; i < k->end; i++) {
        const int32_t w = l->corpus->ids[i];
        s->tokens += w >= 0;
        if (w >= 0 && l->keep[w] < UINT32_MAX && tern__random_u32(random) > l->keep[w]) continue;
        s->reach[s->n_kept] =
            (int32_t)(1 + ((uint64_t)tern__random_u32(random) * (uint64_t)l->o->window >> 32));
        s->kept[s->n_kept++] = w;
    }
}

/* Counts the pairs of each block (into at[block + 1]), or puts them where at[block] says. */
static void walk(const learner *l, slot *s, int32_t *at, bool put) {
    const int32_t *kept = s->kept;
    for (int64_t i = 0; i < s->n_kept; i++) {
        if (kept[i] < 0) continue;
        const int64_t row = l->part_of[kept[i]] * l->parts;
        for (int direction = -1; direction <= 1; direction += 2) {
            int64_t j = i + direction;
            for (int left = s->reach[i]; left > 0 && j >= 0 && j < s->n_kept && kept[j] >= 0;
                 left--, j += direction) {
                const int64_t block = row + l->part_of[kept[j]];
                if (!put) {
                    at[block + 1]++;
                    continue;
                }
                int32_t *pair = s->pairs[at[block]++];
                pair[0] = kept[i];
                pair[1] = kept[j];
            }
        }
    }
}

static void make_pairs(void *arg, int64_t i, int worker) {
    (void)worker;
    learner *l = arg;
    slot *s = &l->slots[i];
    const int64_t number = l->order[l->first + i], blocks = l->parts * l->parts;
    tern__random random = tern__random_make(
        l->o->seed, tern__random_stream(STREAM_PAIRS, (uint64_t)l->epoch, (uint64_t)number));
    sample(l, s, &l->chunks[number], &random);
    memset(s->begins, 0, (size_t)(blocks + 1) * sizeof *s->begins);
    walk(l, s, s->begins, false);
    for (int64_t b = 0; b < blocks; b++) s->begins[b + 1] += s->begins[b];
    walk(l, s, s->begins, true); /* begins[b] is then where b ends, which is where b + 1 begins */
    memmove(s->begins + 1, s->begins, (size_t)blocks * sizeof *s->begins);
    s->begins[0] = 0;
}

/* ---- steps ---- */

/* Pair and negatives: different words of the context's part, -1 where chance gives none. */
static void make_item(const learner *l, int32_t *item, const int32_t *pair, const sampler *from,
                      tern__random *random) {
    item[0] = pair[0];
    item[1] = pair[1];
    for (int k = 2; k < 2 + l->o->negatives; k++) {
        item[k] = -1;
        for (int tries = 0; tries < 4 && item[k] < 0; tries++) {
            const int32_t word = draw(from, random);
            bool fresh = true;
            for (int i = 1; i < k; i++) fresh &= item[i] != word;
            if (fresh) item[k] = word;
        }
    }
}

static void learn_block(void *arg, int64_t row, int worker) {
    (void)worker;
    learner *l = arg;
    int32_t items[BATCH * (1 + TERN__PAIRS_TARGETS)];
    const int64_t column = (row + l->diagonal) % l->parts, block = row * l->parts + column;
    const int width = 2 + l->o->negatives;
    tern__random random = tern__random_make(
        l->o->seed, tern__random_stream(STREAM_NEGATIVES, (uint64_t)l->pools, (uint64_t)block));
    tern__pair_steps steps = {l->left, l->right, l->stride, items, 0, width - 1, l->rate};
    for (int64_t i = 0; i < l->in_pool; i++) {
        const slot *s = &l->slots[i];
        for (int64_t k = s->begins[block]; k < s->begins[block + 1]; k++) {
            make_item(l, items + steps.count++ * width, s->pairs[k], &l->samplers[column], &random);
            const bool last = i + 1 == l->in_pool && k + 1 == s->begins[block + 1];
            if (steps.count < BATCH && !last) continue;
            l->losses[row] += tern__pairs_step(l->c, &steps);
            l->loss_items[row] +=
                (steps.count + TERN__PAIRS_LOSS_EVERY - 1) / TERN__PAIRS_LOSS_EVERY;
            steps.count = 0;
        }
    }
    if (!steps.count) return;
    l->losses[row] += tern__pairs_step(l->c, &steps);
    l->loss_items[row] += (steps.count + TERN__PAIRS_LOSS_EVERY - 1) / TERN__PAIRS_LOSS_EVERY;
}
