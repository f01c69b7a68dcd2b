/* Plans by shape. */
#include "plan_cache.h"

#include <string.h>

bool tern__inputs_have(const tern__shape *shapes, const tern_tensor *inputs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (shapes[i].type != inputs[i].type || shapes[i].rank != inputs[i].rank) return false;
        size_t bytes = (size_t)shapes[i].rank * sizeof *shapes[i].dims;
        if (memcmp(shapes[i].dims, inputs[i].dims, bytes) != 0) return false;
    }
    return true;
}

void tern__inputs_shapes(tern__shape *shapes, const tern_tensor *inputs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        shapes[i] = (tern__shape){.type = inputs[i].type, .rank = inputs[i].rank};
        memcpy(shapes[i].dims, inputs[i].dims, sizeof shapes[i].dims);
    }
}

static tern_status check_inputs(tern_context *c, const tern_tensor *inputs, size_t count) {
    if (count > TERN__CACHED_INPUTS)
        return tern__fail(c, TERN_ERR_LIMIT, "the network has %zu inputs; %d are supported", count,
                          TERN__CACHED_INPUTS);
    for (size_t i = 0; i < count; i++)
        if (inputs[i].rank < 0 || inputs[i].rank > TERN_MAX_RANK || !inputs[i].data)
            return tern__fail(c, TERN_ERR_ARGUMENT, "input %zu has rank %d%s", i, inputs[i].rank,
                              inputs[i].data ? "" : " and no data");
    return TERN_OK;
}

size_t tern__plan_cache_memory(const tern__plan_cache *cache) {
    size_t bytes = 0;
    for (size_t i = 0; i < TERN__CACHED_PLANS; i++)
        if (cache->entries[i].plan) bytes += tern__plan_memory(cache->entries[i].plan);
    return bytes;
}

static void drop(tern__plan_cache *cache, size_t i) {
    tern__plan_free(cache->entries[i].plan);
    cache->entries[i].plan = NULL;
}

enum { SMALL = 64 << 20 }; /* bytes that may be kept in any case */

/* Drops the plans unused longest until the rest takes at most SMALL or twice the memory of its
 * largest. */
static void shrink(tern__plan_cache *cache) {
    for (;;) {
        size_t largest = SMALL / 2, oldest = TERN__CACHED_PLANS;
        for (size_t i = 0; i < TERN__CACHED_PLANS; i++) {
            if (!cache->entries[i].plan) continue;
            size_t bytes = tern__plan_memory(cache->entries[i].plan);
            if (bytes > largest) largest = bytes;
            if (oldest == TERN__CACHED_PLANS ||
                cache->entries[i].used < cache->entries[oldest].used)
                oldest = i;
        }
        if (tern__plan_cache_memory(cache) <= 2 * largest) return;
        drop(cache, oldest);
    }
}

tern_status tern__plan_cache_get(tern__plan_cache *cache, const tern_tensor *inputs,
                                 tern__plan **plan, bool *made) {
    size_t count = cache->graph->n_inputs, oldest = 0;
    tern_status st = check_inputs(cache->graph->context, inputs, count);
    *made = false;
    for (size_t i = 0; st == TERN_OK && i < TERN__CACHED_PLANS; i++) {
        if (cache->entries[i].plan && tern__inputs_have(cache->entries[i].shapes, inputs, count)) {
            cache->entries[i].used = ++cache->clock;
            *plan = cache->entries[i].plan;
            return TERN_OK;
        }
        bool empty = !cache->entries[i].plan;
        if (cache->entries[oldest].plan &&
            (empty || cache->entries[i].used < cache->entries[oldest].used))
            oldest = i;
    }
    if (st != TERN_OK) return st;
    drop(cache, oldest);
    tern__shape *shapes = cache->entries[oldest].shapes;
    tern__inputs_shapes(shapes, inputs, count);
    st = tern__plan_create(&cache->entries[oldest].plan, cache->graph, shapes, &cache->options);
    if (st != TERN_OK) return st;
    cache->entries[oldest].used = ++cache->clock;
    *plan = cache->entries[oldest].plan;
    *made = true;
    shrink(cache);
    return TERN_OK;
}

void tern__plan_cache_clear(tern__plan_cache *cache) {
    for (size_t i = 0; i < TERN__CACHED_PLANS; i++) drop(cache, i);
}
