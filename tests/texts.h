/* What the tests of text share: a context that keeps its log and can be told to run out of memory,
 * files in a folder of their own. */
#ifndef TERN_TESTS_TEXTS_H
#define TERN_TESTS_TEXTS_H

#include "check.h"

#include <tern/text.h>
#include <tern/text_dataset.h>

typedef struct texts_fixture {
    tern_context *c;
    char folder[64], path[128], log[4096];
    long allocations, fail_at; /* the allocation that is refused; -1: none */
    bool from_then_on;
} texts_fixture;

static inline void *texts_allocate(void *user, size_t size) {
    texts_fixture *f = user;
    const long n = __atomic_fetch_add(&f->allocations, 1, __ATOMIC_RELAXED);
    const bool refused = f->fail_at >= 0 && (f->from_then_on ? n >= f->fail_at : n == f->fail_at);
    return refused ? NULL : aligned_alloc(64, (size + 63) & ~(size_t)63);
}
static inline void texts_release(void *user, void *pointer) {
    (void)user;
    free(pointer);
}

static inline void texts_log(void *user, tern_log_level level, const char *line) {
    texts_fixture *f = user;
    const size_t n = strlen(f->log);
    snprintf(f->log + n, sizeof f->log - n, "%s%s\n", level == TERN_LOG_WARNING ? "warning: " : "",
             line);
}

static inline tern_context *texts_context(texts_fixture *f, int threads) {
    const tern_allocator allocator = {texts_allocate, texts_release, f};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    tern_context *c;
    o.threads = threads;
    o.allocator = &allocator;
    o.on_log = texts_log;
    o.user = f;
    check_ok(c, tern_context_create(&c, &o));
    return c;
}

static inline int texts_set_up(void **state) {
    texts_fixture *f = calloc(1, sizeof *f);
    f->fail_at = -1;
    f->c = texts_context(f, 2);
    strcpy(f->folder, "/tmp/tern-texts-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static inline int texts_tear_down(void **state) {
    texts_fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    tern_context_free(f->c);
    free(f);
    return 0;
}

/* Writes a file into the folder; its path is f->path. */
static inline const char *texts_file(texts_fixture *f, const char *name, const void *bytes,
                                     size_t size) {
    snprintf(f->path, sizeof f->path, "%s/%s", f->folder, name);
    FILE *file = fopen(f->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return f->path;
}
static inline const char *texts_write(texts_fixture *f, const char *name, const char *text) {
    return texts_file(f, name, text, strlen(text));
}

/* Runs what(f) with the n-th allocation refused, for every n until it succeeds, once alone and once
 * with all later ones; what returns the status and checks that its outputs are NULL on failure. */
static inline void texts_starve(texts_fixture *f, tern_status (*what)(texts_fixture *f)) {
    for (int then_on = 0; then_on < 2; then_on++) {
        tern_status st = TERN_ERR_MEMORY;
        long n = 0;
        for (; st != TERN_OK; n++) {
            f->allocations = 0;
            f->fail_at = n;
            f->from_then_on = then_on;
            st = what(f);
            if (st != TERN_OK) assert_int_equal(st, TERN_ERR_MEMORY);
            assert_true(n < 100000);
        }
        assert_true(n > 2);
    }
    f->fail_at = -1;
}

#endif
