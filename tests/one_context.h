/* One context for all tests of a program:
 * cmocka_run_group_tests(tests, open_context, close_context). */
#ifndef TERN_TESTS_ONE_CONTEXT_H
#define TERN_TESTS_ONE_CONTEXT_H

#include "check.h"

static tern_context *context;

static inline int open_context(void **state) {
    (void)state;
    return tern_context_create(&context, NULL) != TERN_OK;
}
static inline int close_context(void **state) {
    (void)state;
    tern_context_free(context);
    return 0;
}

#endif
