/* Comparisons for tests. cmocka's assert_float_equal passes on NaN, so it is poisoned here. */
#ifndef TERN_TESTS_CHECK_H
#define TERN_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <tern/status.h>

#undef assert_float_equal
#undef assert_float_not_equal
#pragma GCC poison assert_float_equal assert_float_not_equal

/* Fails unless the status is TERN_OK; prints the context's sentence. */
#define check_ok(context, expression)                                                              \
    do {                                                                                           \
        tern_status check_status_ = (expression);                                                  \
        if (check_status_ != TERN_OK)                                                              \
            fail_msg("%s: %s: %s", #expression, tern_status_name(check_status_),                   \
                     tern_context_message(context));                                               \
    } while (0)

/* Fails unless the call fails with this status and a sentence that holds `text`. */
#define check_error(context, expected, text, expression)                                           \
    do {                                                                                           \
        tern_status check_status_ = (expression);                                                  \
        if (check_status_ != (expected) || !strstr(tern_context_message(context), (text)))         \
            fail_msg("%s: got %s \"%s\", expected %s \"...%s...\"", #expression,                   \
                     tern_status_name(check_status_), tern_context_message(context),               \
                     tern_status_name(expected), (text));                                          \
    } while (0)

/* |value - expected| <= absolute + relative * |expected|; NaN and infinity match only themselves.
 */
static inline int check_is_close(double value, double expected, double absolute, double relative) {
    if (isnan(value) || isnan(expected)) return isnan(value) && isnan(expected);
    if (isinf(value) || isinf(expected)) return value == expected;
    return fabs(value - expected) <= absolute + relative * fabs(expected);
}

#define check_close(value, expected, absolute, relative)                                           \
    do {                                                                                           \
        double check_value_ = (value), check_expected_ = (expected);                               \
        if (!check_is_close(check_value_, check_expected_, (absolute), (relative)))                \
            fail_msg("%s is %.9g, expected %.9g (absolute %g, relative %g)", #value, check_value_, \
                     check_expected_, (double)(absolute), (double)(relative));                     \
    } while (0)

/* The largest error of an array in units of its tolerance; fails at the first index beyond 1. */
static inline void check_floats_at(const char *file, int line, const char *what,
                                   const float *values, const double *expected, size_t count,
                                   double absolute, double relative) {
    for (size_t i = 0; i < count; i++)
        if (!check_is_close(values[i], expected[i], absolute, relative)) {
            print_error("%s:%d: %s[%zu] is %.9g, expected %.9g (of %zu)\n", file, line, what, i,
                        (double)values[i], expected[i], count);
            fail();
        }
}
#define check_floats(values, expected, count, absolute, relative)                                  \
    check_floats_at(__FILE__, __LINE__, #values, values, expected, count, absolute, relative)

/* Ends the case as skipped and says why; tests/summary.py groups by the sentence. */
#define check_skip(...)                                                                            \
    do {                                                                                           \
        print_message("SKIP: " __VA_ARGS__);                                                       \
        print_message("\n");                                                                       \
        skip();                                                                                    \
    } while (0)

/* A file or folder of the shared data, or NULL when it is not there (static buffer), which is said:
 * a case that has nothing else to do then calls skip(). TERN_DATA names the data folder; without it
 * the build's own setting TERN_SOURCE_DATA is used. */
static inline const char *check_data(const char *relative) {
    static char path[4096];
    const char *root = getenv("TERN_DATA");
    if (!root || !*root) root = TERN_SOURCE_DATA;
    snprintf(path, sizeof path, "%s/%s", root, relative);
    if (access(path, R_OK) == 0) return path;
    print_message("SKIP: %s is not there; set TERN_DATA to the folder that holds it\n", path);
    return NULL;
}

#endif
