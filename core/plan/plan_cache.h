/* Plans of one graph by the shapes of its inputs. The last few are kept, as long as all together
 * take no more memory than twice the largest one (a full batch and the short last one of an epoch)
 * or than 64 MB (texts of many lengths), whichever is more. */
#ifndef TERN_CORE_PLAN_CACHE_H
#define TERN_CORE_PLAN_CACHE_H

#include "plan.h"

enum { TERN__CACHED_PLANS = 32, TERN__CACHED_INPUTS = 17 };

typedef struct tern__plan_cache {
    tern_graph *graph;
    tern__plan_options options; /* what they point to must outlive the cache */
    struct {
        tern__plan *plan;
        tern__shape shapes[TERN__CACHED_INPUTS];
        uint64_t used; /* when, for dropping the one unused longest */
    } entries[TERN__CACHED_PLANS];
    uint64_t clock;
} tern__plan_cache;

/* Whether inputs have these shapes [count]; what shapes they have. */
bool tern__inputs_have(const tern__shape *shapes, const tern_tensor *inputs, size_t count);
void tern__inputs_shapes(tern__shape *shapes, const tern_tensor *inputs, size_t count);

/* The plan for the shapes of these inputs, one per input of the graph, 17 at most; *made tells
 * whether it is a new one. Allocates nothing for shapes that are in the cache. */
tern_status tern__plan_cache_get(tern__plan_cache *cache, const tern_tensor *inputs,
                                 tern__plan **plan, bool *made);
size_t tern__plan_cache_memory(const tern__plan_cache *cache); /* bytes, of all plans */
void tern__plan_cache_clear(tern__plan_cache *cache);

#endif
