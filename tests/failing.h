/* Memory that runs out in the middle of a call: the n-th allocation of tern and of jansson, which
 * are counted together, is refused once. Two counters of the program's own stand behind both, so
 * that a block that goes back to the wrong one is seen. */
#ifndef TERN_TESTS_FAILING_H
#define TERN_TESTS_FAILING_H

#include "check.h"

#include <jansson.h>

static long failing_count, failing_at, failing_live;

static inline void *failing_get(size_t size) {
    if (++failing_count == failing_at) return NULL;
    char *block = aligned_alloc(64, (size + 63) / 64 * 64 + 64);
    assert_non_null(block);
    failing_live++;
    return block;
}
static inline void *failing_allocate(void *user, size_t size) {
    (void)user;
    return failing_get(size);
}
static inline void failing_release(void *user, void *pointer) {
    (void)user;
    failing_live -= pointer != NULL;
    free(pointer);
}
/* jansson's blocks do not begin where malloc's do: free() ends the program. */
static inline void *failing_json_allocate(size_t size) {
    char *block = failing_get(size + 64);
    return block ? block + 64 : NULL;
}
static inline void failing_json_release(void *pointer) {
    if (pointer) failing_release(NULL, (char *)pointer - 64);
}

typedef tern_status failing_work(tern_context *c, const char *folder);

static inline tern_status failing_once(failing_work *work, const char *folder, long at,
                                       char message[1024]) {
    const tern_allocator allocator = {failing_allocate, failing_release, NULL};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    tern_context *c;
    o.threads = 1;
    o.allocator = &allocator;
    const long live = failing_live;
    failing_at = failing_count = 0;
    check_ok(c, tern_context_create(&c, &o));
    failing_count = 0;
    failing_at = at;
    const tern_status st = work(c, folder);
    failing_at = 0;
    snprintf(message, 1024, "%s", tern_context_message(c));
    tern_context_free(c);
    if (failing_live != live) fail_msg("allocation %ld: %ld blocks kept", at, failing_live - live);
    return st;
}

/* Refuses each allocation of the work in turn, or about `most` of them, evenly (0 and, where
 * TERN_EVERY_ALLOCATION is set, always: each). The work gives back all that it has and returns the
 * status, TERN_OK where nothing is refused. */
static inline void failing_each(failing_work *work, const char *folder, long most) {
    char message[1024];
    const tern_status whole = failing_once(work, folder, 0, message);
    if (whole != TERN_OK) fail_msg("%s: %s", tern_status_name(whole), message);
    const long total = failing_count;
    const long step = most && !getenv("TERN_EVERY_ALLOCATION") ? total / most + 1 : 1;
    long wrong = 0;
    assert_true(total > 1);
    for (long at = 1; at <= total; at += step) {
        const tern_status st = failing_once(work, folder, at, message);
        if (st == TERN_ERR_MEMORY) continue;
        if (wrong++ < 5)
            print_error("allocation %ld of %ld: %s: %s\n", at, total, tern_status_name(st),
                        message);
    }
    if (wrong) fail_msg("%ld failed allocations were no TERN_ERR_MEMORY", wrong);
}

static inline int failing_set_up(void **state) {
    static char folder[64];
    strcpy(folder, "/tmp/tern-failing-XXXXXX");
    assert_non_null(mkdtemp(folder));
    json_set_alloc_funcs(failing_json_allocate, failing_json_release);
    *state = folder;
    return 0;
}
static inline int failing_tear_down(void **state) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", (char *)*state);
    return system(command);
}

/* "FOLDER/name" in a ring of static buffers. */
static inline const char *failing_path(const char *folder, const char *name) {
    static char paths[8][300];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

#endif
