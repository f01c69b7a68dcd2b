/* A context for tests that make their own. */
#ifndef TERN_TESTS_CONTEXT_H
#define TERN_TESTS_CONTEXT_H

#include "check.h"

static inline tern_context *make_context(int threads) {
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    return c;
}

#endif
