/* Data sets: sources, views of them, arrays in memory, and how they are split. */
#include "dataset.h"

#include "core/base/arithmetic.h"
#include "core/graph/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tern__tensor_bytes(const tern_tensor *t, size_t *bytes) {
    if ((t->type != TERN_FLOAT && t->type != TERN_INT64) || t->rank < 1 || t->rank > TERN_MAX_RANK)
        return false;
    int64_t count = 1;
    for (int k = 0; k < t->rank; k++)
        if (t->dims[k] < 1 || !tern__mul_i64(count, t->dims[k], &count)) return false;
    return tern__mul((size_t)count, tern__type_size(t->type), bytes);
}

static tern_status make_view(tern_dataset **dataset, tern_context *c, tern__shared_source *shared,
                             int64_t count, int64_t *samples) {
    tern_dataset *d = tern__calloc(c, 1, sizeof *d);
    if (!d) return TERN_ERR_MEMORY;
    *d = (tern_dataset){c, shared, count, samples};
    shared->views++;
    *dataset = d;
    return TERN_OK;
}

tern_status tern_dataset_create(tern_dataset **dataset, tern_context *c,
                                const tern_dataset_source *source) {
    *dataset = NULL;
    if (source->size != sizeof *source)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "data set: source.size is %zu, this library expects %zu", source->size,
                          sizeof *source);
    if (!source->shapes || !source->load)
        return tern__fail(c, TERN_ERR_ARGUMENT, "data set: shapes and load must be given");
    if (source->count < 1 || source->n_inputs < 1 || source->n_inputs > TERN_DATASET_MAX_INPUTS)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "data set: %lld samples of %zu inputs; at least 1 sample and 1 to %d "
                          "inputs are needed",
                          (long long)source->count, source->n_inputs, TERN_DATASET_MAX_INPUTS);
    tern__shared_source *shared = tern__calloc(c, 1, sizeof *shared);
    if (!shared) return TERN_ERR_MEMORY;
    shared->source = *source;
    tern_status st = make_view(dataset, c, shared, source->count, NULL);
    if (st != TERN_OK) tern__free(c, shared);
    return st;
}

void tern_dataset_free(tern_dataset *d) {
    if (!d) return;
    tern_context *c = d->context;
    if (--d->shared->views == 0) {
        if (d->shared->source.close) d->shared->source.close(d->shared->source.self);
        tern__free(c, d->shared);
    }
    tern__free(c, d->samples);
    tern__free(c, d);
}

const char *tern__dataset_file(const tern_dataset *d, size_t index) {
    const tern_dataset_source *s = &d->shared->source;
    return s->file ? s->file(s->self, index) : NULL;
}

int64_t tern_dataset_count(const tern_dataset *d) { return d->count; }

int64_t tern_dataset_source_sample(const tern_dataset *d, int64_t sample) {
    return d->samples ? d->samples[sample] : sample;
}

int64_t tern_dataset_class(const tern_dataset *d, int64_t sample) {
    const tern_dataset_source *s = &d->shared->source;
    return s->class_of ? s->class_of(s->self, tern_dataset_source_sample(d, sample)) : -1;
}

int64_t tern_dataset_group(const tern_dataset *d, int64_t sample) {
    const tern_dataset_source *s = &d->shared->source;
    int64_t number = tern_dataset_source_sample(d, sample);
    return s->group_of ? s->group_of(s->self, number) : number;
}

int64_t tern_dataset_fold(const tern_dataset *d, int64_t sample) {
    const tern_dataset_source *s = &d->shared->source;
    return s->fold_of ? s->fold_of(s->self, tern_dataset_source_sample(d, sample)) : -1;
}

/* ---- order ---- */

enum { POOL = 50 }; /* batches whose samples are sorted by length together */

typedef struct entry {
    int64_t length, place, sample;
} entry;

static int by_length(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* Sorts count samples by length; equally long ones stay in order. */
static void sort_lengths(const tern_dataset *d, int64_t *samples, int64_t count, entry *room) {
    const tern_dataset_source *s = &d->shared->source;
    for (int64_t i = 0; i < count; i++) {
        int64_t length = s->length_of(s->self, tern_dataset_source_sample(d, samples[i]));
        room[i] = (entry){length, i, samples[i]};
    }
    qsort(room, (size_t)count, sizeof *room, by_length);
    for (int64_t i = 0; i < count; i++) samples[i] = room[i].sample;
}

tern_status tern__dataset_sorted(const tern_dataset *d, int64_t *order) {
    for (int64_t i = 0; i < d->count; i++) order[i] = i;
    if (!d->shared->source.length_of) return TERN_OK;
    entry *room = tern__calloc(d->context, (size_t)d->count, sizeof *room);
    if (!room) return TERN_ERR_MEMORY;
    sort_lengths(d, order, d->count, room);
    tern__free(d->context, room);
    return TERN_OK;
}

tern_status tern__dataset_order(const tern_dataset *d, int64_t batch, uint64_t seed, uint64_t epoch,
                                int64_t *order) {
    uint64_t stream = tern__random_stream(epoch, 0x6f72646572u /* "order" */, 0);
    tern__random random = tern__random_make(seed, stream);
    for (int64_t i = 0; i < d->count; i++) order[i] = i;
    tern__random_shuffle(&random, order, d->count);
    int64_t batches = d->count / batch, full = batches * batch; /* the short last one stays last */
    if (!d->shared->source.length_of || !batches) return TERN_OK;
    tern_context *c = d->context;
    int64_t *sorted = tern__calloc(c, (size_t)full, sizeof *sorted);
    int64_t *turns = tern__calloc(c, (size_t)batches, sizeof *turns);
    entry *room = tern__calloc(c, (size_t)tern__least(full, POOL * batch), sizeof *room);
    if (sorted && turns && room) {
        memcpy(sorted, order, (size_t)full * sizeof *sorted);
        for (int64_t at = 0; at < full; at += POOL * batch)
            sort_lengths(d, sorted + at, tern__least(full - at, POOL * batch), room);
        for (int64_t i = 0; i < batches; i++) turns[i] = i;
        tern__random_shuffle(&random, turns, batches);
        for (int64_t i = 0; i < batches; i++)
            memcpy(order + i * batch, sorted + turns[i] * batch, (size_t)batch * sizeof *order);
    }
    tern_status st = sorted && turns && room ? TERN_OK : TERN_ERR_MEMORY;
    tern__free(c, room);
    tern__free(c, turns);
    tern__free(c, sorted);
    return st;
}

uint64_t tern__dataset_fingerprint(const tern_dataset *d) {
    uint64_t h = tern__random_stream(d->shared->source.fingerprint, (uint64_t)d->count, 0);
    for (int64_t i = 0; i < d->count; i++)
        h = tern__random_stream(h, (uint64_t)tern_dataset_source_sample(d, i),
                                tern__random_stream((uint64_t)tern_dataset_class(d, i),
                                                    (uint64_t)tern_dataset_group(d, i), 0));
    return h;
}

/* ---- views ---- */

tern_status tern_dataset_subset(tern_dataset **subset, tern_dataset *d, const int64_t *samples,
                                int64_t count) {
    *subset = NULL;
    tern_context *c = d->context;
    if (count < 1) return tern__fail(c, TERN_ERR_ARGUMENT, "data set: a subset of no samples");
    for (int64_t i = 0; i < count; i++)
        if (samples[i] < 0 || samples[i] >= d->count)
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "data set: there is no sample %lld; the numbers are 0 to %lld",
                              (long long)samples[i], (long long)d->count - 1);
    int64_t *numbers = tern__calloc(c, (size_t)count, sizeof *numbers);
    if (!numbers) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < count; i++) numbers[i] = tern_dataset_source_sample(d, samples[i]);
    tern_status st = make_view(subset, c, d->shared, count, numbers);
    if (st != TERN_OK) tern__free(c, numbers);
    return st;
}

tern_status tern__dataset_pick(tern_dataset **subset, tern_dataset *d,
                               bool (*keep)(const void *user, int64_t sample), const void *user) {
    int64_t kept = 0, *samples = tern__calloc(d->context, (size_t)d->count, sizeof *samples);
    *subset = NULL;
    if (!samples) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < d->count; i++)
        if (keep(user, i)) samples[kept++] = i;
    tern_status st = kept ? tern_dataset_subset(subset, d, samples, kept) : TERN_OK;
    tern__free(d->context, samples);
    return st;
}

/* "1, 2, 3": the distinct values, ascending, at most 20 of them. */
static void list_folds(const tern_dataset *d, char *out, size_t size) {
    int64_t last = INT64_MIN;
    size_t used = 0;
    out[0] = 0;
    for (int n = 0; n < 20; n++) {
        int64_t next = INT64_MAX;
        bool found = false;
        for (int64_t i = 0; i < d->count; i++) {
            int64_t f = tern_dataset_fold(d, i);
            if (f > last && f <= next) {
                next = f;
                found = true;
            }
        }
        if (!found) return;
        int written =
            snprintf(out + used, size - used, "%s%lld", used ? ", " : "", (long long)next);
        if (written < 0 || (used += (size_t)written) >= size) return;
        last = next;
    }
}

tern_status tern_dataset_folds(tern_dataset **subset, tern_dataset *d, const int64_t *folds,
                               size_t n_folds) {
    *subset = NULL;
    tern_context *c = d->context;
    if (!d->shared->source.fold_of)
        return tern__fail(c, TERN_ERR_ARGUMENT, "data set: its samples have no folds");
    int64_t *picked = tern__calloc(c, (size_t)d->count, sizeof *picked), count = 0;
    bool *seen = tern__calloc(c, n_folds, sizeof *seen);
    tern_status st = picked && seen ? TERN_OK : TERN_ERR_MEMORY;
    for (int64_t i = 0; st == TERN_OK && i < d->count; i++) {
        int64_t fold = tern_dataset_fold(d, i);
        bool wanted = false;
        for (size_t k = 0; k < n_folds; k++)
            if (folds[k] == fold) seen[k] = wanted = true;
        if (wanted) picked[count++] = i;
    }
    for (size_t k = 0; st == TERN_OK && k < n_folds; k++) {
        if (seen[k]) continue;
        char known[400];
        list_folds(d, known, sizeof known);
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "data set: no sample is in fold %lld; the folds are %s",
                        (long long)folds[k], known);
    }
    if (st == TERN_OK) st = tern_dataset_subset(subset, d, picked, count);
    tern__free(c, seen);
    tern__free(c, picked);
    return st;
}

/* ---- arrays ---- */

typedef struct arrays {
    tern_context *context;
    size_t n_inputs;
    tern_tensor inputs[TERN_DATASET_MAX_INPUTS], target;
} arrays;

static void arrays_shapes(void *self, const int64_t *samples, int64_t count, bool training,
                          tern_tensor *inputs, tern_tensor *target) {
    (void)samples, (void)count, (void)training;
    const arrays *a = self;
    memcpy(inputs, a->inputs, a->n_inputs * sizeof *inputs);
    *target = a->target;
}

static void copy_row(tern_tensor *row, const tern_tensor *from, int64_t sample) {
    size_t bytes = tern__type_size(from->type);
    for (int k = 1; k < from->rank; k++) bytes *= (size_t)from->dims[k];
    memcpy(row->data, (const char *)from->data + (size_t)sample * bytes, bytes);
}

static tern_status arrays_load(void *self, tern_load *load) {
    const arrays *a = self;
    for (size_t i = 0; i < a->n_inputs; i++)
        copy_row(&load->inputs[i], &a->inputs[i], load->sample);
    copy_row(&load->target, &a->target, load->sample);
    return TERN_OK;
}

static int64_t arrays_class(void *self, int64_t sample) {
    const arrays *a = self;
    bool classes = a->target.type == TERN_INT64 && a->target.rank == 1;
    return classes ? ((const int64_t *)a->target.data)[sample] : -1;
}

static void arrays_close(void *self) {
    arrays *a = self;
    tern__free(a->context, a);
}

static uint64_t fingerprint_of(const tern_tensor *t, uint64_t h) {
    for (int k = 0; k < t->rank; k++) h = tern__random_stream(h, (uint64_t)t->dims[k], 1);
    size_t bytes = 0;
    tern__tensor_bytes(t, &bytes);
    uint64_t word;
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        memcpy(&word, (const char *)t->data + i, 8);
        h = (h ^ word) *
            0x9E3779B97F4A7C15u; /* an ordinary multiplicative hash: against mistakes */
        h ^= h >> 29;
    }
    return h;
}

tern_status tern_dataset_arrays(tern_dataset **dataset, tern_context *c, const tern_tensor *inputs,
                                size_t n_inputs, const tern_tensor *target) {
    *dataset = NULL;
    if (n_inputs < 1 || n_inputs > TERN_DATASET_MAX_INPUTS)
        return tern__fail(c, TERN_ERR_ARGUMENT, "data set: %zu inputs; 1 to %d can be given",
                          n_inputs, TERN_DATASET_MAX_INPUTS);
    for (size_t i = 0; i <= n_inputs; i++) {
        const tern_tensor *t = i < n_inputs ? &inputs[i] : target;
        size_t bytes;
        if (!tern__tensor_bytes(t, &bytes) || !t->data)
            return tern__fail(c, TERN_ERR_SHAPE, "data set: %s %zu has no elements",
                              i < n_inputs ? "input" : "target, after input", i);
        if (t->dims[0] != target->dims[0])
            return tern__fail(c, TERN_ERR_SHAPE,
                              "data set: input %zu has %lld samples, the target %lld", i,
                              (long long)t->dims[0], (long long)target->dims[0]);
    }
    arrays *a = tern__calloc(c, 1, sizeof *a);
    if (!a) return TERN_ERR_MEMORY;
    a->context = c;
    a->n_inputs = n_inputs;
    memcpy(a->inputs, inputs, n_inputs * sizeof *inputs);
    a->target = *target;
    uint64_t fingerprint = fingerprint_of(target, 1);
    for (size_t i = 0; i < n_inputs; i++) fingerprint = fingerprint_of(&inputs[i], fingerprint);
    tern_dataset_source source = {.size = sizeof source,
                                  .self = a,
                                  .count = target->dims[0],
                                  .n_inputs = n_inputs,
                                  .close = arrays_close,
                                  .class_of = arrays_class,
                                  .shapes = arrays_shapes,
                                  .load = arrays_load,
                                  .fingerprint = fingerprint};
    tern_status st = tern_dataset_create(dataset, c, &source);
    if (st != TERN_OK) arrays_close(a);
    return st;
}
