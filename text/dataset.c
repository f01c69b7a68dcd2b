/* Data sets of texts: serves the texts that dataset_read.c has read to training, with words dropped
 * at random, and to evaluation, as they are. Knows no file and no network. */
#include "texts.h"

#include "core/base/arithmetic.h"
#include "core/train/dataset.h"
#include "reader.h"

#include <string.h>

typedef tern__texts texts;

struct tern_text_dataset {
    tern_context *context;
    texts *texts;
    tern_dataset *samples;
};

#define NO_TARGET (-100)

/* ---- numbers of a text ---- */

static bool is_bag(const texts *t) { return !t->per_token; }

/* How many ids the first input has for a text. */
static int64_t ids_of(const texts *t, int64_t i) {
    const int64_t n = (int64_t)tern__texts_length(t, i);
    int64_t ids = n;
    if (!is_bag(t)) return ids;
    for (size_t k = t->begins[i]; t->text.max_n && k < t->begins[i + 1]; k++)
        ids += (int64_t)(t->subword_begins[t->tokens[k] + 1] - t->subword_begins[t->tokens[k]]);
    for (int k = 2; k <= t->text.word_ngrams && k <= n; k++) ids += n - k + 1;
    return ids;
}

static int64_t *put_subwords(const texts *t, int64_t i, int64_t first, int64_t *out) {
    for (size_t k = t->begins[i]; k < t->begins[i + 1]; k++) {
        const size_t *range = &t->subword_begins[t->tokens[k]];
        for (size_t s = range[0]; s < range[1]; s++) *out++ = first + t->subwords[s] - 1;
    }
    return out;
}

static int64_t *put_ngrams(const texts *t, int64_t i, int64_t first, int64_t *out) {
    const size_t begin = t->begins[i], end = t->begins[i + 1], n = (size_t)t->text.word_ngrams;
    const uint32_t *hashes = t->words.hashes;
    for (size_t k = begin; k < end; k++) {
        uint64_t h = tern_text_ngram_begin(hashes[tern__texts_word(t, t->tokens[k])]);
        for (size_t j = k + 1; j < end && j < k + n; j++) {
            h = tern_text_ngram_extend(h, hashes[tern__texts_word(t, t->tokens[j])]);
            *out++ = first + (int64_t)(h % (uint64_t)t->text.buckets);
        }
    }
    return out;
}

/* Up to t->per_token sub-words of each token -> rows [length][per_token]. */
static void put_token_subwords(const texts *t, int64_t i, int64_t *rows, int64_t length) {
    const size_t width = (size_t)t->per_token;
    memset(rows, 0, (size_t)length * width * sizeof *rows);
    for (size_t k = t->begins[i]; k < t->begins[i + 1]; k++, rows += width) {
        const size_t *range = &t->subword_begins[t->tokens[k]];
        for (size_t s = 0; s < width && range[0] + s < range[1]; s++)
            rows[s] = t->subwords[range[0] + s];
    }
}

/* ---- the source behind tern_dataset ---- */

static void close_texts(void *self) {
    texts *t = self;
    tern_context *c = t->context;
    tern__texts_clear(t);
    tern__free(c, t);
}

static int64_t class_of(void *self, int64_t i) {
    const texts *t = self;
    return t->tagged ? -1 : t->labels[i];
}
static int64_t group_of(void *self, int64_t i) { return ((const texts *)self)->groups[i]; }
static int64_t length_of(void *self, int64_t i) { return ids_of(self, i); }

static void shapes(void *self, const int64_t *samples, int64_t count, bool training,
                   tern_tensor *inputs, tern_tensor *target) {
    const texts *t = self;
    int64_t longest = t->min_length;
    (void)training;
    for (int64_t i = 0; i < count; i++) {
        const int64_t n = ids_of(t, samples[i]);
        if (n > longest) longest = n;
    }
    longest = (longest + 3) / 4 * 4;
    inputs[0].type = target->type = TERN_INT64;
    inputs[0].rank = 2;
    inputs[0].dims[1] = longest;
    if (t->per_token) {
        inputs[1].type = TERN_INT64;
        inputs[1].rank = 3;
        inputs[1].dims[1] = longest;
        inputs[1].dims[2] = t->per_token;
    }
    target->rank = t->tagged ? 2 : 1;
    target->dims[1] = longest;
}

static tern_status load(void *self, tern_load *l) {
    const texts *t = self;
    const int64_t length = l->inputs[0].dims[1];
    int64_t *ids = l->inputs[0].data, *out = ids, *target = l->target.data;
    if (!t->rows) {
        strcpy(l->message, "data set of texts: it has no vocabulary yet; tern_text_dataset_build "
                           "makes one");
        return TERN_ERR_ARGUMENT;
    }
    const size_t begin = t->begins[l->sample], end = t->begins[l->sample + 1];
    for (size_t k = begin; k < end; k++) *out++ = t->rows[tern__texts_word(t, t->tokens[k])];
    if (l->training && t->word_dropout > 0) {
        tern__random random = tern__random_make(l->random, 0);
        for (int64_t *id = ids; id < out; id++)
            if (tern__random_uniform(&random) < t->word_dropout) *id = TERN_UNKNOWN;
    }
    const int64_t first = (int64_t)tern_vocabulary_rows(t->vocabulary);
    if (is_bag(t) && t->text.max_n) out = put_subwords(t, l->sample, first, out);
    if (is_bag(t) && t->text.word_ngrams > 1) out = put_ngrams(t, l->sample, first, out);
    while (out < ids + length) *out++ = TERN_PADDING;
    if (t->per_token) put_token_subwords(t, l->sample, l->inputs[1].data, length);
    if (!t->tagged) {
        *target = t->labels[l->sample];
        return TERN_OK;
    }
    for (size_t k = begin; k < end; k++) *target++ = t->tags[k];
    for (int64_t k = (int64_t)(end - begin); k < length; k++) *target++ = NO_TARGET;
    return TERN_OK;
}

/* A hash of everything that makes this data set what it is. */
static uint64_t fingerprint(const texts *t) {
    const tern_text_options *o = &t->text;
    const size_t tokens = t->begins[t->count];
    const int64_t facts[] = {(int64_t)t->words.count,
                             o->word_ngrams,
                             o->min_n,
                             o->max_n,
                             o->buckets,
                             o->max_length,
                             t->min_length,
                             t->per_token,
                             t->tagged,
                             t->vocabulary ? (int64_t)tern_vocabulary_rows(t->vocabulary) : 0};
    uint64_t h = tern__hash(TERN__HASH_START, facts, sizeof facts);
    h = tern__hash(h, t->words.hashes, t->words.count * sizeof *t->words.hashes);
    h = tern__hash(h, t->begins, (t->count + 1) * sizeof *t->begins);
    h = tern__hash(h, t->tagged ? t->tags : t->labels,
                   (t->tagged ? tokens : t->count) * sizeof *t->tags);
    if (t->rows) h = tern__hash(h, t->rows, t->words.count * sizeof *t->rows);
    return tern__hash(h, &t->word_dropout, sizeof t->word_dropout) | 1;
}

/* ---- opening ---- */

static tern_status check_dropout(tern_context *c, double share) {
    return share >= 0 && share <= 1
               ? TERN_OK
               : tern__fail(c, TERN_ERR_ARGUMENT,
                            "data set of texts: word_dropout is %g and must be 0..1", share);
}

static tern_status check_options(tern_text_dataset_options *o, tern_context *c) {
    tern_status st = tern__text_reader_options_check(&o->reader, c, &o->reader);
    if (st == TERN_OK) st = tern__text_options_resolve(&o->text, c, &o->text);
    if (st == TERN_OK) st = check_dropout(c, o->word_dropout);
    if (st != TERN_OK) return st;
    if (o->reader.unlabelled || o->reader.format == TERN_TEXT_FORMAT_LINES)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "data set of texts: every text needs a label; the format must be TSV, "
                          "CSV or CONLL");
    if (o->min_length < 0 || o->min_length > 1000000)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "data set of texts: min_length is %d and must be 0..1000000",
                          o->min_length);
    if (o->subwords < 0 || o->subwords > TERN__WORD_SUBWORDS || (o->subwords && !o->text.max_n))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "data set of texts: subwords is %d and must be 0..%d, and 0 where "
                          "text.max_n is 0",
                          o->subwords, TERN__WORD_SUBWORDS);
    return TERN_OK;
}

static const char *file(void *self, size_t index) {
    return index ? NULL : ((const texts *)self)->name;
}

static tern_status make_samples(tern_text_dataset *d, texts *t) {
    const tern_dataset_source source = {.size = sizeof source,
                                        .self = t,
                                        .count = (int64_t)t->count,
                                        .n_inputs = t->per_token ? 2 : 1,
                                        .close = close_texts,
                                        .class_of = class_of,
                                        .group_of = group_of,
                                        .length_of = length_of,
                                        .shapes = shapes,
                                        .load = load,
                                        .fingerprint = fingerprint(t),
                                        .file = file};
    return tern_dataset_create(&d->samples, d->context, &source);
}

tern_status tern_text_dataset_open(tern_text_dataset **data, tern_context *c, const char *path,
                                   const tern_text_dataset_options *options) {
    tern_text_dataset_options o = TERN_TEXT_DATASET_OPTIONS_INIT;
    *data = NULL;
    if (options && options->size != sizeof o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "data set of texts: options of size %zu, expected %zu: start from "
                          "TERN_TEXT_DATASET_OPTIONS_INIT",
                          options->size, sizeof o);
    if (options) o = *options;
    tern_status st = check_options(&o, c);
    if (st != TERN_OK) return st;
    tern_text_dataset *d = tern__calloc(c, 1, sizeof *d);
    texts *t = tern__calloc(c, 1, sizeof *t);
    if (!d || !t) {
        tern__free(c, t);
        tern__free(c, d);
        return TERN_ERR_MEMORY;
    }
    d->context = t->context = c;
    d->texts = t;
    t->text = o.text;
    t->per_token = o.subwords;
    t->word_dropout = o.word_dropout;
    t->min_length = o.min_length > 0 ? o.min_length : 1;
    st = tern__texts_read(t, path, &o);
    if (st == TERN_OK) st = make_samples(d, t);
    if (st != TERN_OK) {
        close_texts(t);
        tern__free(c, d);
        return st;
    }
    *data = d;
    if (o.vocabulary) st = tern_text_dataset_use(d, o.vocabulary);
    if (st != TERN_OK) {
        tern_text_dataset_free(d);
        *data = NULL;
    }
    return st;
}

void tern_text_dataset_free(tern_text_dataset *d) {
    if (!d) return;
    tern_dataset_free(d->samples); /* closes the texts with the last view */
    tern__free(d->context, d);
}

/* ---- vocabulary ---- */

static tern_status use(tern_text_dataset *d, const tern_vocabulary *v) {
    texts *t = d->texts;
    if (!t->rows && !(t->rows = tern__calloc(t->context, t->words.count, sizeof *t->rows)))
        return TERN_ERR_MEMORY;
    for (size_t i = 0; i < t->words.count; i++) {
        size_t length;
        const char *word = tern__words_at(&t->words, i, &length);
        t->rows[i] = (int32_t)tern__vocabulary_row(v, word, length, t->words.hashes[i]);
    }
    t->vocabulary = v;
    d->samples->shared->source.fingerprint = fingerprint(t);
    return TERN_OK;
}

tern_status tern_text_dataset_use(tern_text_dataset *d, const tern_vocabulary *vocabulary) {
    tern_status st = use(d, vocabulary);
    if (st != TERN_OK || d->texts->own == vocabulary) return st;
    tern_vocabulary_free(d->texts->own);
    d->texts->own = NULL;
    return TERN_OK;
}

tern_status tern_text_dataset_count_words(tern_word_counts **counts, const tern_text_dataset *d,
                                          const tern_dataset *samples) {
    const texts *t = d->texts;
    tern_context *c = d->context;
    *counts = NULL;
    if (samples->shared != d->samples->shared)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "data set of texts: the samples to count are of another data set");
    int64_t *times = tern__calloc(c, t->words.count, sizeof *times);
    if (!times) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < tern_dataset_count(samples); i++) {
        const int64_t text = tern_dataset_source_sample(samples, i);
        for (size_t k = t->begins[text]; k < t->begins[text + 1]; k++)
            times[tern__texts_word(t, t->tokens[k])]++;
    }
    tern_status st = tern_word_counts_create(counts, c);
    for (size_t i = 0; st == TERN_OK && i < t->words.count; i++) {
        size_t length;
        const char *word = tern__words_at(&t->words, i, &length);
        if (times[i]) st = tern_word_counts_add(*counts, word, length, times[i]);
    }
    if (st != TERN_OK) {
        tern_word_counts_free(*counts);
        *counts = NULL;
    }
    tern__free(c, times);
    return st;
}

tern_status tern_text_dataset_build(tern_text_dataset *d, const tern_dataset *samples) {
    texts *t = d->texts;
    tern_word_counts *counts = NULL;
    tern_vocabulary *v = NULL;
    tern_status st = tern_text_dataset_count_words(&counts, d, samples);
    if (st != TERN_OK) return st;
    st = tern_vocabulary_create(&v, d->context, counts, t->text.min_count,
                                (size_t)t->text.max_words);
    tern_word_counts_free(counts);
    if (st == TERN_OK) st = use(d, v);
    if (st != TERN_OK) {
        tern_vocabulary_free(v);
        return st;
    }
    tern_vocabulary_free(t->own);
    t->own = v;
    return TERN_OK;
}

const tern_vocabulary *tern_text_dataset_vocabulary(const tern_text_dataset *d) {
    return d->texts->vocabulary;
}

/* ---- the rest ---- */

tern_status tern_text_dataset_vary(tern_text_dataset *d, double word_dropout) {
    tern_status st = check_dropout(d->context, word_dropout);
    if (st != TERN_OK) return st;
    d->texts->word_dropout = word_dropout;
    d->samples->shared->source.fingerprint = fingerprint(d->texts);
    return TERN_OK;
}

tern_dataset *tern_text_dataset_samples(const tern_text_dataset *d) { return d->samples; }
size_t tern_text_dataset_label_count(const tern_text_dataset *d) {
    return d->texts->label_names.count;
}
const char *tern_text_dataset_label(const tern_text_dataset *d, size_t index) {
    size_t length;
    return tern__words_at(&d->texts->label_names, index, &length);
}
bool tern_text_dataset_tagged(const tern_text_dataset *d) { return d->texts->tagged; }
size_t tern_text_dataset_length(const tern_text_dataset *d, int64_t text) {
    return tern__texts_length(d->texts, text);
}
size_t tern_text_dataset_line(const tern_text_dataset *d, int64_t text) {
    return d->texts->lines[text];
}
const int32_t *tern_text_dataset_tags(const tern_text_dataset *d, int64_t text) {
    return d->texts->tags ? d->texts->tags + d->texts->begins[text] : NULL;
}
const tern_text_options *tern_text_dataset_options_in_use(const tern_text_dataset *d) {
    return &d->texts->text;
}
