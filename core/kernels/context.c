/* The context: settings, allocator, threads and the level of kernels. */
#include "core/base/base.h"
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

static void *default_allocate(void *user, size_t size) {
    (void)user;
    void *pointer = NULL;
    return posix_memalign(&pointer, 64, size) == 0 ? pointer : NULL;
}

static void default_release(void *user, void *pointer) {
    (void)user;
    free(pointer);
}

tern_status tern_context_create(tern_context **context, const tern_context_options *options) {
    *context = NULL;
    tern_allocator allocator = {default_allocate, default_release, NULL};
    if (options && options->allocator) allocator = *options->allocator;
    tern_context *c = allocator.allocate(allocator.user, sizeof *c);
    if (!c) return TERN_ERR_MEMORY;
    memset(c, 0, sizeof *c);
    c->allocator = allocator;
    *context = c;
    int threads = options ? options->threads : 0;
    if (options) {
        c->on_log = options->on_log;
        c->user = options->user;
    }
    if (threads < 0 || threads > 256)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "threads is %d; the range is 1 to 256, or 0 for all", threads);
    c->threads = threads ? threads : tern__processors();
    tern_status st = tern__kernels_select(c, getenv("TERN_CPU"));
    return st == TERN_OK ? tern__team_create(c) : st;
}

void tern_context_free(tern_context *c) {
    if (!c) return;
    tern__team_free(c);
    tern_allocator allocator = c->allocator;
    allocator.release(allocator.user, c);
}

int tern_context_threads(const tern_context *c) { return c->threads; }

const char *tern_context_cpu(const tern_context *c) { return c->kernels->name; }
