/* Placing stretches of memory with known lifetimes into one block: largest first, each into the
 * best-fitting gap between those already placed that are alive at the same time. Source: the
 * greedy-by-size heuristic of Pisarchyk & Lee 2020, "Efficient memory management for deep neural
 * net inference". */
#include "plan_build.h"

#include <stdlib.h>

static bool overlap(const tern__storage *a, const tern__storage *b) {
    return a->first <= b->last && b->first <= a->last;
}

typedef struct item {
    size_t size, index;
} item;

static int larger_first(const void *x, const void *y) {
    const item *a = x, *b = y;
    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* The offset for s among placed[0..count), which are sorted by offset. */
static size_t best_gap(const tern__storage *s, tern__storage *const *placed, size_t count) {
    size_t end = 0, best = SIZE_MAX, best_size = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const tern__storage *other = placed[i];
        if (!overlap(s, other)) continue;
        if (other->offset > end && other->offset - end >= s->size &&
            other->offset - end < best_size) {
            best = end;
            best_size = other->offset - end;
        }
        if (other->offset + other->size > end) end = other->offset + other->size;
    }
    return best == SIZE_MAX ? end : best;
}

tern_status tern__plan_place(tern_context *c, tern__storage *storages, size_t count, size_t *size) {
    item *order = tern__calloc(c, count, sizeof *order);
    tern__storage **placed = tern__calloc(c, count, sizeof(tern__storage *));
    tern_status st = order && placed ? TERN_OK : TERN_ERR_MEMORY;
    *size = 0;
    for (size_t i = 0; !st && i < count; i++) order[i] = (item){storages[i].size, i};
    if (!st) qsort(order, count, sizeof *order, larger_first);
    size_t n = 0;
    for (size_t i = 0; !st && i < count; i++) {
        tern__storage *s = &storages[order[i].index];
        if (!s->size) continue;
        s->offset = best_gap(s, placed, n);
        size_t k = n++;
        for (; k > 0 && placed[k - 1]->offset > s->offset; k--) placed[k] = placed[k - 1];
        placed[k] = s;
        size_t end;
        if (!tern__add(s->offset, s->size, &end))
            st = tern__fail(c, TERN_ERR_LIMIT,
                            "a plan of this network needs more memory than can be addressed");
        else if (end > *size)
            *size = end;
    }
    tern__free(c, order);
    tern__free(c, placed);
    return st;
}
