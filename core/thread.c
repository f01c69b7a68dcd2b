/* Threads: the only file that includes omp.h. The number of threads is given to each region, so that
 * the host program's OpenMP settings stay as they are. */
#define _GNU_SOURCE
#include "base.h"

#include <sched.h>
#ifdef _OPENMP
#include <omp.h>
#endif

int tern__processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > 256 ? 256 : count;
}

void tern__parallel(const tern_context *c, int64_t count, tern__parallel_body body, void *arg) {
#ifdef _OPENMP
    int threads = c->threads < count ? c->threads : (int)count;
    if (threads > 1) {
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
        for (int64_t i = 0; i < count; i++) body(arg, i, omp_get_thread_num());
        return;
    }
#else
    (void)c;
#endif
    for (int64_t i = 0; i < count; i++) body(arg, i, 0);
}

typedef struct range {
    tern__range_body body;
    void *arg;
    int64_t count, block;
} range;

static void run_block(void *arg, int64_t i, int worker) {
    (void)worker;
    const range *r = arg;
    int64_t begin = i * r->block, end = begin + r->block;
    r->body(r->arg, begin, end < r->count ? end : r->count);
}

void tern__parallel_range(const tern_context *c, int64_t count, int64_t block,
                          tern__range_body body, void *arg) {
    if (count <= 0) return;
    range r = {body, arg, count, block};
    tern__parallel(c, (count + block - 1) / block, run_block, &r);
}
