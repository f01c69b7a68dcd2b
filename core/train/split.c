/* Cutting a data set in two: groups stay whole, classes stay balanced. */
#include "dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct item {
    int64_t group, label, sample; /* label: the class, first its value, then its number */
} item;

typedef struct group {
    int64_t begin, end; /* of items, which are sorted by group, then label */
    bool second;
} group;

typedef struct split {
    tern_context *context;
    item *items;
    group *groups;
    int64_t *order; /* of groups */
    double *wanted; /* per class: how many samples are still to go to the second part */
    int64_t *left;  /* per class: samples in the first part */
    int64_t count, n_groups;
} split;

static int compare(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int by_label(const void *a, const void *b) {
    return compare(((const item *)a)->label, ((const item *)b)->label);
}

static int by_group(const void *a, const void *b) {
    const item *x = a, *y = b;
    int order = compare(x->group, y->group);
    if (!order) order = compare(x->label, y->label);
    return order ? order : compare(x->sample, y->sample);
}

static tern_status collect(split *s, const tern_dataset *d, double fraction) {
    tern_context *c = s->context;
    s->count = d->count;
    size_t n = (size_t)d->count;
    if (!(s->items = tern__calloc(c, n, sizeof *s->items)) ||
        !(s->groups = tern__calloc(c, n, sizeof *s->groups)) ||
        !(s->order = tern__calloc(c, n, sizeof *s->order)) ||
        !(s->wanted = tern__calloc(c, n, sizeof *s->wanted)) ||
        !(s->left = tern__calloc(c, n, sizeof *s->left)))
        return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < d->count; i++)
        s->items[i] = (item){tern_dataset_group(d, i), tern_dataset_class(d, i), i};
    /* Classes become numbers 0, 1, ... */
    qsort(s->items, n, sizeof *s->items, by_label);
    int64_t number = 0, value = s->items[0].label;
    for (int64_t i = 0; i < d->count; i++) {
        if (s->items[i].label != value) number++;
        value = s->items[i].label;
        s->items[i].label = number;
        s->left[number]++;
    }
    for (int64_t k = 0; k <= number; k++) s->wanted[k] = fraction * (double)s->left[k];
    qsort(s->items, n, sizeof *s->items, by_group);
    for (int64_t i = 0; i < d->count; i++) {
        if (!i || s->items[i].group != s->items[i - 1].group)
            s->groups[s->n_groups++] = (group){.begin = i};
        s->groups[s->n_groups - 1].end = i + 1;
    }
    return TERN_OK;
}

/* By how much the squared distance from what is wanted falls if this group goes to the second part;
 * nothing if a class would lose its last sample in the first part. */
static double gain(const split *s, const group *g) {
    double sum = 0;
    for (int64_t i = g->begin; i < g->end;) {
        int64_t k = s->items[i].label, end = i;
        while (end < g->end && s->items[end].label == k) end++;
        double n = (double)(end - i);
        if (s->left[k] <= end - i) return 0;
        sum += n * (2 * s->wanted[k] - n);
        i = end;
    }
    return sum;
}

/* Groups in random order, whatever their size: were large ones preferred, the second part would
 * hold other samples than the first (texts that occur several times, the longest recordings). */
static void choose(split *s, uint64_t seed) {
    tern__random random = tern__random_make(seed, 0x73706c6974u /* "split" */);
    for (int64_t i = 0; i < s->n_groups; i++) s->order[i] = i;
    tern__random_shuffle(&random, s->order, s->n_groups);
    for (int64_t i = 0; i < s->n_groups; i++) {
        group *g = &s->groups[s->order[i]];
        if (!(gain(s, g) > 0)) continue;
        g->second = true;
        for (int64_t k = g->begin; k < g->end; k++) {
            s->wanted[s->items[k].label]--;
            s->left[s->items[k].label]--;
        }
    }
}

/* The samples of one part in the data set's own order. */
static int64_t list_part(const split *s, bool second, bool *marks, int64_t *samples) {
    int64_t n = 0;
    memset(marks, 0, (size_t)s->count * sizeof *marks);
    for (int64_t i = 0; i < s->n_groups; i++)
        for (int64_t k = s->groups[i].begin; k < s->groups[i].end; k++)
            marks[s->items[k].sample] = s->groups[i].second == second;
    for (int64_t i = 0; i < s->count; i++)
        if (marks[i]) samples[n++] = i;
    return n;
}

tern_status tern_dataset_split(tern_dataset **first, tern_dataset **second, tern_dataset *d,
                               double fraction, uint64_t seed) {
    *first = *second = NULL;
    tern_context *c = d->context;
    if (!(fraction > 0 && fraction < 1))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "split: the fraction is %g; it must be between 0 and 1", fraction);
    split s = {.context = c};
    bool *marks = NULL;
    tern_status st = collect(&s, d, fraction);
    if (st != TERN_OK) goto done;
    choose(&s, seed);
    st = TERN_ERR_MEMORY;
    if (!(marks = tern__calloc(c, (size_t)s.count, sizeof *marks))) goto done;
    int64_t n = list_part(&s, true, marks, s.order);
    if (!n) {
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "split: %lld samples in %lld groups cannot give a part of about %g without "
                        "parting a group or emptying a class",
                        (long long)s.count, (long long)s.n_groups, fraction);
        goto done;
    }
    if ((st = tern_dataset_subset(second, d, s.order, n)) != TERN_OK) goto done;
    n = list_part(&s, false, marks, s.order);
    st = tern_dataset_subset(first, d, s.order, n);
done:
    if (st != TERN_OK) {
        tern_dataset_free(*second);
        *second = NULL;
    }
    tern__free(c, marks);
    tern__free(c, s.left);
    tern__free(c, s.wanted);
    tern__free(c, s.order);
    tern__free(c, s.groups);
    tern__free(c, s.items);
    return st;
}
