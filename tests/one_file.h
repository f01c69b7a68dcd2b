/* One context and one file, which is removed afterwards, for all tests of a program:
 * cmocka_run_group_tests(tests, open_file, close_file). */
#ifndef TERN_TESTS_ONE_FILE_H
#define TERN_TESTS_ONE_FILE_H

#include "one_context.h"

static char path[] = "/tmp/tern-test-XXXXXX";

static inline int open_file(void **state) {
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0 || open_context(state) != 0;
}
static inline int close_file(void **state) {
    unlink(path);
    return close_context(state);
}

#endif
