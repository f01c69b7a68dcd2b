/* Learning word vectors: skip-gram with negative sampling, with the same bits for any number of
 * threads.
 *
 * Two tables of rows are learnt, one of centre words and one of context words. The usual way, many
 * threads writing into shared rows as they come, gives other vectors each time. Here words are
 * dealt into at most 32 parts, frequent and rare ones alike, and pairs (centre, context) into
 * blocks (part of the centre, part of the context). Blocks (i, i + d mod parts), for one d, have no
 * row in common, so that they run at once, each going through its pairs one by one with rows that
 * are up to date; the d follow each other. Negatives of a pair come from the context's part. That
 * is plain stochastic gradient descent in an order of its own, whoever runs which block. The pairs
 * of some 400,000 words of text (a pool) are made and sorted at a time.
 *
 * With sub-words a centre's vector is the mean of its own row and those of its n-grams, which many
 * words share. For the length of a much smaller pool each centre's mean is learnt as a row of its
 * own; then what it has moved by goes to all rows that it is made of, in the order of the words.
 * The smaller pool keeps what n-grams of many words gather in it small; fewer parts keep blocks
 * large.
 *
 * Sources: Mikolov et al. 2013; Bojanowski et al. 2017; the grid of blocks: Gemulla et al. 2011,
 * "Large-scale matrix factorization with distributed stochastic gradient descent"; with negatives
 * from the same part: Zhu et al. 2019, "GraphVite". */
#include "options.h"
#include "vectors_train.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* ---- preparation ---- */

static tern_status make_slots(learner *l) {
    const size_t words = (size_t)(CHUNK_PAIRS / (2 * l->o->window));
    const size_t begins = (size_t)(l->parts * l->parts) + 1;
    l->pool = l->o->subwords ? SUBWORDS_POOL : POOL;
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

/* Rows of a table begin uniform in (-1, 1) / (2 dimension) (word2vec.c). */
typedef struct filling {
    const learner *l;
    float *rows;
    int64_t first;
} filling;

static void fill_rows(void *arg, int64_t begin, int64_t end) {
    const filling *f = arg;
    const learner *l = f->l;
    for (int64_t k = begin; k < end; k++) {
        tern__random random = tern__random_make(
            l->o->seed, tern__random_stream(STREAM_INIT, (uint64_t)(f->first + k), 0));
        float *row = f->rows + k * l->stride;
        memset(row, 0, (size_t)l->stride * sizeof *row);
        for (int64_t i = 0; i < l->dimension; i++)
            row[i] = (float)((tern__random_u32(&random) * 0x1p-32 - 0.5) / (double)l->dimension);
    }
}

void tern__learner_fill(const learner *l, float *rows, int64_t count, int64_t first) {
    filling f = {l, rows, first};
    tern__parallel_range(l->c, count, 256, 4 * l->stride, fill_rows, &f);
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
            const int32_t word = tern__sampler_draw(from, random);
            bool fresh = true;
            for (int i = 1; i < k; i++) fresh &= item[i] != word;
            if (fresh) item[k] = word;
        }
    }
}

static void step(learner *l, int64_t row, tern__pair_steps *steps) {
    l->losses[row] += tern__pairs_step(l->c, steps);
    l->loss_items[row] += (steps->count + TERN__PAIRS_LOSS_EVERY - 1) / TERN__PAIRS_LOSS_EVERY;
    steps->count = 0;
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
            if (steps.count == BATCH) step(l, row, &steps);
        }
    }
    step(l, row, &steps);
}

/* ---- the run ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Makes the pairs of the chunks from l->first on and learns from them. */
static tern_status learn_pool(learner *l) {
    const double all = (double)l->corpus->tokens * l->o->epochs;
    l->in_pool = l->n_chunks - l->first < l->pool ? l->n_chunks - l->first : l->pool;
    tern__parallel(l->c, l->in_pool, TERN__WORTH_A_THREAD, make_pairs, l);
    double tokens = 0;
    for (int64_t i = 0; i < l->in_pool; i++) tokens += (double)l->slots[i].tokens;
    if (l->o->subwords && tern__subwords_gather(l) != TERN_OK) return TERN_ERR_MEMORY;
    for (l->diagonal = 0; l->diagonal < l->parts; l->diagonal++) {
        const double share = (l->done + tokens * (double)l->diagonal / (double)l->parts) / all;
        l->rate = (float)(l->o->learning_rate * fmax(1e-4, 1 - share));
        tern__parallel(l->c, l->parts, TERN__WORTH_A_THREAD, learn_block, l);
    }
    if (l->o->subwords) tern__subwords_scatter(l);
    l->done += tokens;
    l->first += l->in_pool;
    l->pools++;
    return TERN_OK;
}

/* The loss since the last call. */
static double take_loss(learner *l) {
    double sum = 0, items = 0;
    for (int64_t i = 0; i < l->parts; i++) {
        sum += l->losses[i];
        items += (double)l->loss_items[i];
        l->losses[i] = 0;
        l->loss_items[i] = 0;
    }
    return sum / items;
}

static tern_status learn(learner *l, bool *stopped) {
    const double begin = now(), all = (double)l->corpus->tokens * l->o->epochs;
    double told = begin;
    for (l->epoch = 0; l->epoch < l->o->epochs && !*stopped; l->epoch++) {
        tern__random random =
            tern__random_make(l->o->seed, tern__random_stream(STREAM_ORDER, (uint64_t)l->epoch, 0));
        for (int64_t i = 0; i < l->n_chunks; i++) l->order[i] = i;
        tern__random_shuffle(&random, l->order, l->n_chunks);
        for (l->first = 0; l->first < l->n_chunks && !*stopped;) {
            if (learn_pool(l) != TERN_OK) return TERN_ERR_MEMORY;
            const double t = now(), seconds = t - begin;
            if (!l->o->on_progress || (t - told < 0.1 && l->first < l->n_chunks)) continue;
            told = t;
            const tern_vectors_progress p = {l->epoch + 1,
                                             l->o->epochs,
                                             l->done / all,
                                             take_loss(l),
                                             l->done / seconds,
                                             seconds,
                                             seconds * (all / l->done - 1)};
            *stopped = !l->o->on_progress(l->o->user, &p);
        }
    }
    return TERN_OK;
}

static tern_status prepare(learner *l) {
    const size_t row = (size_t)l->stride * sizeof(float), n = (size_t)l->n;
    const size_t rows = l->o->subwords ? 3 * n + (size_t)l->o->buckets : 2 * n;
    const double memory = l->o->memory > 0 ? l->o->memory : 4e9;
    if ((double)row * (double)rows > memory)
        return tern__fail(l->c, TERN_ERR_LIMIT,
                          "word vectors: %zu rows of %d numbers are more than the %.0f bytes that "
                          "may be held",
                          rows, l->o->dimension, memory);
    l->left = tern__alloc(l->c, n * row);
    l->right = tern__calloc(l->c, n, row);
    if (!l->left || !l->right) return TERN_ERR_MEMORY;
    tern_status st = tern__learner_deal(l);
    if (st == TERN_OK) st = make_slots(l);
    if (st == TERN_OK && l->o->subwords) st = tern__subwords_make(l);
    if (st == TERN_OK) tern__learner_fill(l, l->left, l->n, 0);
    return st;
}

/* Learning too fast ends in numbers that are none. */
static tern_status check_finite(const learner *l) {
    for (int64_t i = 0; i < l->n * l->stride; i++)
        if (!isfinite(l->left[i]))
            return tern__fail(l->c, TERN_ERR_DIVERGED,
                              "word vectors: learning diverged with the learning rate %g; a lower "
                              "one may do",
                              l->o->learning_rate);
    return TERN_OK;
}

/* Rows of `stride` floats to rows of `dimension`. */
static void narrow(const learner *l, float *out, const float *rows, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        memcpy(out + i * l->dimension, rows + i * l->stride, (size_t)l->dimension * sizeof *out);
}

static tern_status give(tern_vectors **vectors, const learner *l) {
    tern_vectors *v = tern__vectors_make(l->c, l->dimension);
    bool is_new;
    tern_status st = v ? tern__vectors_reserve(v, (size_t)l->n) : TERN_ERR_MEMORY;
    for (int64_t w = 0; w < l->n && st == TERN_OK; w++) {
        size_t length;
        float *row;
        const char *word =
            tern_vocabulary_word(l->corpus->vocabulary, TERN_FIRST_WORD + w, &length);
        st = tern__vectors_add(v, word, length, &row, &is_new);
    }
    if (st == TERN_OK && !(v->counts = tern__alloc(l->c, (size_t)l->n * sizeof *v->counts)))
        st = TERN_ERR_MEMORY;
    if (st == TERN_OK && l->o->subwords) {
        v->min_n = l->o->min_n;
        v->max_n = l->o->max_n;
        v->buckets = l->o->buckets;
        v->grams = tern__alloc(l->c, (size_t)(v->buckets * l->dimension) * sizeof *v->grams);
        if (!v->grams) st = TERN_ERR_MEMORY;
    }
    if (st != TERN_OK) {
        tern_vectors_free(v);
        return st;
    }
    memcpy(v->counts, l->corpus->counts, (size_t)l->n * sizeof *v->counts);
    narrow(l, v->rows, l->left, l->n);
    if (v->grams) narrow(l, v->grams, l->grams, v->buckets);
    *vectors = v;
    return TERN_OK;
}

static void clear(learner *l) {
    tern_context *c = l->c;
    for (int i = 0; i < PARTS; i++) {
        tern__free(c, l->samplers[i].words);
        tern__free(c, l->samplers[i].other);
        tern__free(c, l->samplers[i].threshold);
    }
    for (int i = 0; i < POOL; i++) {
        tern__free(c, l->slots[i].kept);
        tern__free(c, l->slots[i].reach);
        tern__free(c, l->slots[i].pairs);
        tern__free(c, l->slots[i].begins);
    }
    void *const rest[] = {l->left,  l->right,   l->part_of,   l->keep,     l->chunks,
                          l->order, l->own,     l->grams,     l->grams_of, l->grams_begin,
                          l->moved, l->touched, l->touched_in};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) tern__free(c, rest[i]);
    tern__free(c, l);
}

tern_status tern__vectors_learn(tern_vectors **vectors, tern_context *c, const tern__corpus *corpus,
                                const tern_vectors_train_options *o) {
    bool stopped = false;
    learner *l = tern__calloc(c, 1, sizeof *l);
    if (!l) return TERN_ERR_MEMORY;
    l->c = c;
    l->corpus = corpus;
    l->o = o;
    l->n = (int64_t)corpus->n_words;
    l->dimension = o->dimension;
    l->stride = (o->dimension + TERN__PAIRS_STRIDE - 1) / TERN__PAIRS_STRIDE * TERN__PAIRS_STRIDE;
    tern_status st = prepare(l);
    if (st == TERN_OK) st = learn(l, &stopped);
    if (st == TERN_OK && o->subwords) tern__subwords_finish(l);
    if (st == TERN_OK) st = check_finite(l);
    if (st == TERN_OK) st = give(vectors, l);
    if (st == TERN_OK && o->stopped) *o->stopped = stopped;
    clear(l);
    return st;
}

/* ---- options ---- */

static int or_default(int value, int fallback) { return value ? value : fallback; }

/* Fills in defaults and checks ranges. */
static tern_status complete(tern_vectors_train_options *o, tern_context *c) {
    if (o->sample < 0) o->sample = -1; /* none, as any number below 0 */
    const tern_status st = tern__options_check(&tern__vectors_training, c, o);
    if (st != TERN_OK) return st;
    o->dimension = or_default(o->dimension, 100);
    o->epochs = or_default(o->epochs, 5);
    o->window = or_default(o->window, 5);
    o->min_count = or_default(o->min_count, 5);
    o->max_words = or_default(o->max_words, TERN_VOCABULARY_MAX);
    o->negatives = or_default(o->negatives, 5);
    o->min_n = or_default(o->min_n, 3);
    o->max_n = or_default(o->max_n, 6);
    o->buckets = or_default(o->buckets, 200000);
    if (o->sample == 0) o->sample = 1e-4;
    if (o->learning_rate == 0) o->learning_rate = o->subwords ? 0.05 : 0.025;
    if (o->max_n < o->min_n)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "word vectors: n-grams of %d to %d characters; the range is 1 to 20",
                          o->min_n, o->max_n);
    o->text.max_length = 0;
    o->reader.unlabelled = true;
    return TERN_OK;
}

tern_status tern_vectors_train(tern_vectors **vectors, tern_context *c, const char *const *paths,
                               size_t n_paths, const tern_vectors_train_options *options) {
    tern_vectors_train_options o = TERN_VECTORS_TRAIN_OPTIONS_INIT;
    tern__corpus corpus = {0};
    *vectors = NULL;
    if (options) o = *options;
    tern_status st = complete(&o, c);
    if (st == TERN_OK && n_paths == 0)
        st = tern__fail(c, TERN_ERR_ARGUMENT, "word vectors: no file of texts is given");
    if (st == TERN_OK) st = tern__corpus_read(&corpus, c, paths, n_paths, &o);
    if (st == TERN_OK) st = tern__vectors_learn(vectors, c, &corpus, &o);
    tern__corpus_clear(&corpus, c);
    return st;
}
