/* See tables.h. Recognises a textcnn in a graph, makes rows of words on demand and adds them up. */
#include "tables.h"

#include <math.h>
#include <string.h>
#include <tern/text_network.h>

enum { MOST_TABLES = 2, TEXTS_TOGETHER = 16, WORDS_A_TEXT = 16 /* about */ };

typedef struct part { /* the filters of one width */
    int64_t width;
    const float *weights;   /* [filters, D, width] */
    const float *threshold; /* [filters] */
} part;

struct tern__text_tables {
    int64_t words, dimension, classes, filters, taps; /* taps: of all widths together */
    const float *vectors[MOST_TABLES];                /* [words, dimension] each */
    int n_vectors, n_parts;
    part parts[TERN_TEXT_MAX_WIDTHS];
    const float *dense, *bias; /* [classes, n_parts * filters], [classes] */
    float *map;     /* [n_vectors * dimension][taps * filters]: from a word's numbers to its row */
    float *pool;    /* [capacity][taps * filters] */
    int32_t *slot;  /* [words]: row in the pool, -1: none yet */
    int64_t *fresh; /* [capacity] words whose rows are to be made */
    int64_t capacity, used, n_fresh;
    float *scratch; /* [threads][(n_parts + 1) * filters] */
};

/* ---- recognition ---- */

typedef bool kind(const tern__node *n);

static bool is_lookup(const tern__node *n) { return n->op->traits.looks_up; }
static bool is_turn(const tern__node *n) { return n->op->traits.permutation != NULL; }
static bool is_join(const tern__node *n) { return n->op->traits.joins; }
static bool is_relu(const tern__node *n) { return n->op->traits.fused_as == TERN__RELU; }
static bool is_sum(const tern__node *n) { return n->op->traits.adds; }
static bool is_convolution(const tern__node *n) {
    return n->op->traits.layer.kind == TERN__FILTERS;
}
static bool is_dropout(const tern__node *n) {
    return n->op->traits.nothing == TERN__NOTHING_AT_INFERENCE;
}
static bool is_greatest(const tern__node *n) {
    return n->op->traits.greatest && n->op->traits.greatest(n->attributes, n->n_inputs);
}
/* W x + b, a row of W for each unit. */
static bool is_dense(const tern__node *n) {
    const tern__layer *l = &n->op->traits.layer;
    return l->kind == TERN__DENSE && l->bias && l->unit_axis(n->attributes) == 0 &&
           (!l->scales || l->scales(n->attributes));
}

/* The node that computes the value, if it is of a kind. */
static const tern__node *maker(const tern_graph *g, int value, kind *is) {
    int producer = value < 0 ? -1 : g->values[value].producer;
    const tern__node *n = producer < 0 ? NULL : &g->nodes[producer];
    return n && is(n) ? n : NULL;
}

static int64_t whole(const tern__node *n, const char *name) {
    const int64_t *number = tern__attribute_at(n->op, n->attributes, name);
    return number ? *number : 0;
}

static bool are(const tern__node *n, const char *name, const int64_t *wanted, int count,
                int64_t otherwise) {
    const tern__ints *ints = tern__attribute_at(n->op, n->attributes, name);
    if (!ints) return false;
    for (int i = 0; i < count; i++)
        if ((ints->count ? ints->at[i] : otherwise) != wanted[i]) return false;
    return !ints->count || ints->count == count;
}

/* The data of a float weight of this rank, its dims in dims; NULL for anything else. */
static const float *weight(const tern_graph *g, int value, int rank, int64_t *dims) {
    if (value < 0) return NULL;
    const tern__value *v = &g->values[value];
    if (!v->data || v->shape.type != TERN_FLOAT || v->shape.rank != rank) return NULL;
    memcpy(dims, v->shape.dims, (size_t)rank * sizeof *dims);
    return v->data;
}

/* words = Gather(table, ids) */
static bool read_vectors(tern__text_tables *t, const tern_graph *g, int value) {
    const tern__node *gather = maker(g, value, is_lookup);
    int64_t dims[2];
    if (!gather || whole(gather, "axis") != 0 || gather->inputs[1] != g->inputs[0] ||
        t->n_vectors == MOST_TABLES)
        return false;
    const float *data = weight(g, gather->inputs[0], 2, dims);
    if (!data || (t->n_vectors && (dims[0] != t->words || dims[1] != t->dimension))) return false;
    t->words = dims[0];
    t->dimension = dims[1];
    t->vectors[t->n_vectors++] = data;
    return true;
}

/* x [N, D, L] = Transpose(words), words [N, L, D] of one or two tables. */
static bool read_words(tern__text_tables *t, const tern_graph *g, int value) {
    static const int64_t turn[] = {0, 2, 1};
    const tern__node *transpose = maker(g, value, is_turn);
    if (!transpose || !are(transpose, "perm", turn, 3, -1)) return false;
    const tern__node *concat = maker(g, transpose->inputs[0], is_join);
    if (!concat) return read_vectors(t, g, transpose->inputs[0]);
    if (whole(concat, "axis") != 2) return false;
    for (int i = 0; i < concat->n_inputs; i++)
        if (!read_vectors(t, g, concat->inputs[i])) return false;
    return true;
}

/* y [N, F] = Relu(ReduceMax(Relu(Conv(x))) + threshold); *words: x's value. */
static bool read_part(tern__text_tables *t, const tern_graph *g, int value, int *words) {
    static const int64_t time = 2, one = 1;
    const tern__node *outer = maker(g, value, is_relu);
    const tern__node *add = outer ? maker(g, outer->inputs[0], is_sum) : NULL;
    const tern__node *maximum = add ? maker(g, add->inputs[0], is_greatest) : NULL;
    const tern__node *inner = maximum ? maker(g, maximum->inputs[0], is_relu) : NULL;
    const tern__node *conv = inner ? maker(g, inner->inputs[0], is_convolution) : NULL;
    if (!conv || conv->n_inputs > 2 || whole(maximum, "keepdims") ||
        !are(maximum, "axes", &time, 1, -1) || !are(conv, "strides", &one, 1, 1) ||
        !are(conv, "dilations", &one, 1, 1) || whole(conv, "group") != 1)
        return false;
    int64_t dims[3], thresholds;
    part *p = &t->parts[t->n_parts];
    p->weights = weight(g, conv->inputs[1], 3, dims);
    p->threshold = weight(g, add->inputs[1], 1, &thresholds);
    if (!p->weights || !p->threshold || thresholds != dims[0]) return false;
    p->width = dims[2];
    const int64_t pads[] = {p->width - 1, p->width - 1};
    if (!are(conv, "pads", pads, 2, 0) || (t->n_parts && dims[0] != t->filters)) return false;
    *words = conv->inputs[0];
    t->filters = dims[0];
    t->taps += p->width;
    t->n_parts++;
    return true;
}

static bool recognise(tern__text_tables *t, const tern_graph *g) {
    const tern__node *gemm = g->n_outputs == 1 ? maker(g, g->outputs[0], is_dense) : NULL;
    int64_t dims[2], classes;
    if (g->n_inputs != 1 || !gemm || gemm->n_inputs != 3 || whole(gemm, "transA")) return false;
    t->dense = weight(g, gemm->inputs[1], 2, dims);
    t->bias = weight(g, gemm->inputs[2], 1, &classes);
    if (!t->dense || !t->bias || classes != dims[0]) return false;
    t->classes = classes;
    int from = gemm->inputs[0], words[TERN_TEXT_MAX_WIDTHS];
    const tern__node *dropout = maker(g, from, is_dropout);
    if (dropout) from = dropout->inputs[0];
    const tern__node *concat = maker(g, from, is_join);
    int n = concat ? concat->n_inputs : 1;
    if (n > TERN_TEXT_MAX_WIDTHS) return false;
    for (int i = 0; i < n; i++)
        if (!read_part(t, g, concat ? concat->inputs[i] : from, &words[i]) || words[i] != words[0])
            return false;
    return dims[1] == n * t->filters && read_words(t, g, words[0]);
}

/* ---- making ---- */

static int64_t row_size(const tern__text_tables *t) { return t->taps * t->filters; }

/* map[d][tap][filter] = W_part[filter][d][place] */
static void fill_map(tern__text_tables *t) {
    int64_t all = t->n_vectors * t->dimension, tap = 0;
    for (int p = 0; p < t->n_parts; tap += t->parts[p++].width)
        for (int64_t f = 0; f < t->filters; f++)
            for (int64_t d = 0; d < all; d++) {
                const float *w = t->parts[p].weights + (f * all + d) * t->parts[p].width;
                for (int64_t e = 0; e < t->parts[p].width; e++)
                    t->map[(d * t->taps + tap + e) * t->filters + f] = w[e];
            }
}

tern_status tern__text_tables_create(tern__text_tables **tables, tern_context *c,
                                     const tern_graph *g, size_t memory) {
    tern__text_tables found = {0};
    *tables = NULL;
    if (!recognise(&found, g)) return TERN_OK;
    size_t row = (size_t)row_size(&found) * sizeof(float);
    found.capacity = (int64_t)(memory / row);
    if (found.capacity > found.words) found.capacity = found.words;
    if (found.capacity < 1) return TERN_OK;
    tern__text_tables *t = tern__alloc(c, sizeof *t);
    if (!t) return TERN_ERR_MEMORY;
    *t = found;
    size_t threads = (size_t)c->threads;
    t->map = tern__calloc(c, (size_t)(t->n_vectors * t->dimension), row);
    t->pool = tern__alloc(c, (size_t)t->capacity * row);
    t->slot = tern__calloc(c, (size_t)t->words, sizeof *t->slot);
    t->fresh = tern__calloc(c, (size_t)t->capacity, sizeof *t->fresh);
    t->scratch = tern__calloc(c, threads, (size_t)((t->n_parts + 1) * t->filters) * sizeof(float));
    if (!t->map || !t->pool || !t->slot || !t->fresh || !t->scratch) {
        tern__text_tables_free(t, c);
        return TERN_ERR_MEMORY;
    }
    memset(t->slot, -1, (size_t)t->words * sizeof *t->slot);
    fill_map(t);
    *tables = t;
    return TERN_OK;
}

void tern__text_tables_free(tern__text_tables *t, tern_context *c) {
    if (!t) return;
    tern__free(c, t->map);
    tern__free(c, t->pool);
    tern__free(c, t->slot);
    tern__free(c, t->fresh);
    tern__free(c, t->scratch);
    tern__free(c, t);
}

/* ---- running ---- */

typedef struct job {
    tern__text_tables *t;
    const tern__text_ids *texts;
    size_t count;
    float *logits;
} job;

static void make_row(const job *j, int64_t word, float *restrict row) {
    const tern__text_tables *t = j->t;
    const int64_t size = row_size(t);
    memset(row, 0, (size_t)size * sizeof *row);
    for (int i = 0; i < t->n_vectors; i++)
        for (int64_t d = 0; d < t->dimension; d++) {
            float x = t->vectors[i][word * t->dimension + d];
            const float *restrict map = t->map + (i * t->dimension + d) * size;
            for (int64_t k = 0; k < size && x != 0; k++) row[k] += x * map[k];
        }
}

static void fresh_item(void *arg, int64_t i, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t word = j->t->fresh[i];
    make_row(j, word, j->t->pool + j->t->slot[word] * row_size(j->t));
}

/* The window of a width at the words [first, first + width), not all of which lie before or beyond
 * the text; its filters' first row is `tap`. */
static void window(const tern__text_tables *t, const tern__text_ids *text, int64_t first,
                   int64_t width, int64_t tap, float *restrict greatest, float *restrict sum) {
    const int64_t f = t->filters, end = width < text->count - first ? width : text->count - first;
    bool fresh = true;
    for (int64_t e = first < 0 ? -first : 0; e < end; e++, fresh = false) {
        const float *restrict row =
            t->pool + t->slot[text->at[first + e]] * row_size(t) + (tap + e) * f;
        if (fresh)
            memcpy(sum, row, (size_t)f * sizeof *sum);
        else
            for (int64_t k = 0; k < f; k++) sum[k] += row[k];
    }
    for (int64_t k = 0; k < f; k++) greatest[k] = sum[k] > greatest[k] ? sum[k] : greatest[k];
}

static void dense(const tern__text_tables *t, const float *x, float *logits) {
    const int64_t n = t->n_parts * t->filters;
    for (int64_t k = 0; k < t->classes; k++) {
        float sums[8] = {0}, sum = t->bias[k];
        const float *w = t->dense + k * n;
        for (int64_t i = 0; i < n; i++) sums[i % 8] += w[i] * x[i];
        for (int i = 0; i < 8; i++) sum += sums[i];
        logits[k] = sum;
    }
}

static void run_text(const job *j, size_t i, float *features, float *sum) {
    const tern__text_tables *t = j->t;
    const tern__text_ids *text = &j->texts[i];
    const int64_t f = t->filters;
    memset(features, 0, (size_t)(t->n_parts * f) * sizeof *features); /* what padding gives */
    for (int64_t p = 0, tap = 0; p < t->n_parts; tap += t->parts[p++].width) {
        const int64_t width = t->parts[p].width;
        for (int64_t first = text->count ? 1 - width : 0; first < text->count; first++)
            window(t, text, first, width, tap, features + p * f, sum);
    }
    for (int p = 0; p < t->n_parts; p++)
        for (int64_t k = 0; k < f; k++) {
            float y = features[p * f + k] + t->parts[p].threshold[k];
            features[p * f + k] = y > 0 ? y : 0;
        }
    dense(t, features, j->logits + (int64_t)i * t->classes);
}

static void texts_item(void *arg, int64_t item, int worker) {
    const job *j = arg;
    const tern__text_tables *t = j->t;
    float *features = t->scratch + worker * (t->n_parts + 1) * t->filters;
    size_t begin = (size_t)item * TEXTS_TOGETHER, end = begin + TEXTS_TOGETHER;
    for (size_t i = begin; i < end && i < j->count; i++)
        run_text(j, i, features, features + t->n_parts * t->filters);
}

/* Gives every word of the text a row, if there is room for all; else takes back what it gave. */
static bool admit(tern__text_tables *t, const tern__text_ids *text) {
    const int64_t before = t->used;
    for (int64_t i = 0; i < text->count; i++) {
        int32_t *slot = &t->slot[text->at[i]];
        if (*slot >= 0) continue;
        if (t->used == t->capacity) {
            while (t->used > before) {
                t->used--;
                t->slot[t->fresh[--t->n_fresh]] = -1;
            }
            return false;
        }
        *slot = (int32_t)t->used++;
        t->fresh[t->n_fresh++] = text->at[i];
    }
    return true;
}

static void run_admitted(job *j, const tern_context *c) {
    const int64_t row = j->t->taps * j->t->filters;
    tern__parallel(c, j->t->n_fresh, row * j->t->dimension / 8, fresh_item, j);
    j->t->n_fresh = 0;
    tern__parallel(c, (int64_t)((j->count + TEXTS_TOGETHER - 1) / TEXTS_TOGETHER),
                   TEXTS_TOGETHER * WORDS_A_TEXT * row, texts_item, j);
}

int64_t tern__text_tables_words(const tern__text_tables *t) { return t->words; }

size_t tern__text_tables_run(tern__text_tables *t, const tern_context *c,
                             const tern__text_ids *texts, size_t count, float *logits) {
    size_t begin = 0;
    for (size_t i = 0; begin < count;) {
        while (i < count && admit(t, &texts[i])) i++;
        if (i == begin && t->used == 0) break; /* more words than there is room for */
        job j = {.t = t,
                 .texts = texts + begin,
                 .count = i - begin,
                 .logits = logits + (int64_t)begin * t->classes};
        run_admitted(&j, c);
        if (i < count) { /* full: forget all and go on */
            memset(t->slot, -1, (size_t)t->words * sizeof *t->slot);
            t->used = 0;
        }
        begin = i;
    }
    return begin;
}
