/* What the fuzz targets share: a context whose memory is counted, so that a loader that takes more
 * than its bounds is a finding, not a slow run. */
#ifndef TERN_TESTS_FUZZ_H
#define TERN_TESTS_FUZZ_H

#include "core/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t fuzz_live, fuzz_limit;
static bool fuzz_may_fail; /* beyond the limit memory is refused; else that is a finding */

static inline void fuzz_require(bool holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static void *fuzz_allocate(void *user, size_t size) {
    (void)user;
    if (fuzz_may_fail && fuzz_live + size > fuzz_limit) return NULL;
    char *block = aligned_alloc(64, ((size + 63) & ~(size_t)63) + 64);
    if (!block) return NULL;
    memcpy(block, &size, sizeof size);
    fuzz_live += size;
    fuzz_require(fuzz_live <= fuzz_limit, "more memory than the budget");
    return block + 64;
}

static void fuzz_release(void *user, void *pointer) {
    (void)user;
    size_t size;
    memcpy(&size, (char *)pointer - 64, sizeof size);
    fuzz_live -= size;
    free((char *)pointer - 64);
}

/* One thread; at most `limit` bytes at a time. */
static inline tern_context *fuzz_context(size_t limit) {
    tern_allocator allocator = {fuzz_allocate, fuzz_release, NULL};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.allocator = &allocator;
    o.threads = 1;
    fuzz_live = 0;
    fuzz_limit = limit;
    fuzz_may_fail = false;
    tern_context *c;
    fuzz_require(tern_context_create(&c, &o) == TERN_OK, "a context");
    return c;
}

/* A failure has a sentence, and everything was given back. */
static inline void fuzz_end(tern_context *c, tern_status status) {
    fuzz_require(status == TERN_OK || *tern_context_message(c), "a sentence for every failure");
    tern_context_free(c);
    fuzz_require(fuzz_live == 0, "no leak");
}

#endif
