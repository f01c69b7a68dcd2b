/* The state of learning word vectors, shared by its parts; text/vectors_train.c says how it works.
 * Internal to text. */
#ifndef TERN_TEXT_VECTORS_TRAIN_H
#define TERN_TEXT_VECTORS_TRAIN_H

#include "core/math/pairs.h"
#include "vectors.h"

enum {
    PARTS = 32,          /* most of them */
    PART_WORDS = 512,    /* a part has at least so many words, if there are more parts than one */
    CHUNK_PAIRS = 65536, /* room of a chunk of text; no chunk can make more pairs */
    POOL = 64,           /* chunks made and learnt at a time */
    SUBWORDS_PARTS = 8,  /* the same with sub-words: see vectors_train.c */
    SUBWORDS_POOL = 4,
    BATCH = 128 /* items handed to the kernel at once */
};
enum { STREAM_INIT = 1, STREAM_ORDER, STREAM_PAIRS, STREAM_NEGATIVES };

/* A run of whole texts (of a text that is too long: a piece), and its pairs while it is in the
 * pool. */
typedef struct chunk {
    size_t begin, end; /* in the corpus' ids */
} chunk;

typedef struct slot {
    int32_t *kept;  /* words that sub-sampling left, -1 between texts */
    int32_t *reach; /* the window of each */
    int64_t n_kept;
    int32_t (*pairs)[2]; /* sorted by block */
    int32_t *begins;     /* [parts * parts + 1] of the blocks */
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
    float *own, *grams;              /* [n][stride], [buckets][stride] */
    int64_t *grams_of, *grams_begin; /* [grams_begin[n]], [n + 1] */
    float *moved;                    /* [n_touched][stride] */
    size_t moved_capacity;
    int32_t *touched;
    int64_t n_touched, *touched_in; /* [n] the pool that touched it last */
    int64_t pools;
} learner;

/* vectors_deal.c: parts, sub-sampling, negatives, chunks; what it makes is freed by
 * tern__learner_free. */
tern_status tern__learner_deal(learner *l);
/* One of the sampler's words by count^0.75. */
static inline int32_t tern__sampler_draw(const sampler *s, tern__random *random) {
    /* the upper 32 bits choose the place, the lower 32 bits which of its two words */
    const uint64_t product = (uint64_t)tern__random_u32(random) * s->count;
    const uint32_t place = (uint32_t)(product >> 32);
    return s->words[(uint32_t)product <= s->threshold[place] ? place : (uint32_t)s->other[place]];
}

/* vectors_subwords.c: the n-grams of all words and their rows. */
tern_status tern__subwords_make(learner *l);
/* Before a pool: rows of the left table of words that are centres in it; after it: what they have
 * moved by goes into the rows they are made of. */
tern_status tern__subwords_gather(learner *l);
void tern__subwords_scatter(learner *l);
/* The left rows of all words. */
void tern__subwords_finish(learner *l);

/* Rows of a table begin uniform in (-1, 1) / (2 dimension), by `first` + their index. */
void tern__learner_fill(const learner *l, float *rows, int64_t count, int64_t first);

#endif
