/* Threads: every item is run once and by nobody twice, whoever calls, and nobody waits for a thread
 * that is busy elsewhere. */
#include "check.h"

#include "core/base/base.h"
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN
#endif
#endif
#if defined(UNDER_TSAN) || defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER
#endif

enum { ITEMS = 1000, WORKERS = 256 };

static tern_context *context_of(int threads) {
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    return c;
}

typedef struct job {
    const tern_context *context;
    int64_t inner; /* items of a call inside each item */
    long sleep;    /* nanoseconds inside each item, so that many threads are inside one */
    atomic_int times[ITEMS], at_work[WORKERS], wrong;
} job;

static void count_inner(void *arg, int64_t i, int worker) {
    (void)i;
    (void)worker;
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void count_item(void *arg, int64_t i, int worker) {
    job *j = arg;
    if (worker < 0 || worker >= j->context->threads || atomic_fetch_add(&j->at_work[worker], 1))
        atomic_store(&j->wrong, 1);
    atomic_fetch_add(&j->times[i], 1);
    if (j->sleep) nanosleep(&(struct timespec){.tv_nsec = j->sleep}, NULL);
    if (j->inner) {
        atomic_int inner = 0;
        tern__parallel(j->context, j->inner, TERN__WORTH_A_THREAD, count_inner, &inner);
        if (inner != j->inner) atomic_store(&j->wrong, 1);
    }
    atomic_fetch_sub(&j->at_work[worker], 1);
}

/* True if every item was run once, by workers of which no two had the same number. */
static bool run_sleeping(const tern_context *c, int64_t count, int64_t work, int64_t inner,
                         long sleep) {
    static _Thread_local job j;
    memset(&j, 0, sizeof j);
    j.context = c;
    j.inner = inner;
    j.sleep = sleep;
    tern__parallel(c, count, work, count_item, &j);
    bool right = !j.wrong;
    for (int64_t i = 0; i < ITEMS; i++) right = right && j.times[i] == (i < count);
    return right;
}

static bool run_items(const tern_context *c, int64_t count, int64_t work, int64_t inner) {
    return run_sleeping(c, count, work, inner, 0);
}

static void every_item_once(void **state) {
    (void)state;
    static const int threads[] = {1, 2, 3, 17, 256};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        tern_context *c = context_of(threads[t]);
        for (int64_t work = 0; work <= TERN__WORTH_A_THREAD; work += TERN__WORTH_A_THREAD / 8)
            for (int64_t count = 0; count <= ITEMS; count = count < 4 ? count + 1 : count * 3)
                assert_true(run_items(c, count, work, 0));
        assert_true(run_sleeping(c, ITEMS, TERN__WORTH_A_THREAD, 0, 100000));
        tern_context_free(c);
    }
}

static void calls_inside_items(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        tern_context *c = context_of(threads);
        for (int k = 0; k < 20; k++) assert_true(run_items(c, 50, TERN__WORTH_A_THREAD, 30));
        tern_context_free(c);
    }
}

typedef struct caller {
    tern_context context; /* a copy, as a session has one */
    bool right;
} caller;

static void *call_often(void *arg) {
    caller *k = arg;
    k->right = true;
    for (int i = 0; i < 300; i++)
        k->right = k->right && run_items(&k->context, 1 + i % 40, TERN__WORTH_A_THREAD, i % 3);
    return NULL;
}

/* More callers than calls that can be helped at once. */
static void many_callers(void **state) {
    (void)state;
    enum { CALLERS = 20 };
    tern_context *c = context_of(3);
    pthread_t threads[CALLERS];
    static caller callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        callers[i].context = *c;
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(callers[i].right);
    }
    tern_context_free(c);
}

typedef struct hold {
    const tern_context *context;
    sem_t inside, go;
} hold;

static void hold_item(void *arg, int64_t i, int worker) {
    hold *h = arg;
    (void)i;
    (void)worker;
    sem_post(&h->inside);
    sem_wait(&h->go);
}

static void *hold_all(void *arg) {
    hold *h = arg;
    tern__parallel(h->context, 2, TERN__WORTH_A_THREAD, hold_item, h);
    return NULL;
}

/* The only helper is inside an item of another call, as long as this one lasts. */
static void nobody_waits_for_others(void **state) {
    (void)state;
#ifndef _OPENMP
    check_skip("built without OpenMP: there are no helpers");
#endif
    hold h = {.context = context_of(2)};
    pthread_t other;
    sem_init(&h.inside, 0, 0);
    sem_init(&h.go, 0, 0);
    assert_int_equal(pthread_create(&other, NULL, hold_all, &h), 0);
    sem_wait(&h.inside);
    sem_wait(&h.inside);
    for (int i = 0; i < 100; i++) assert_true(run_items(h.context, 100, TERN__WORTH_A_THREAD, 2));
    sem_post(&h.go);
    sem_post(&h.go);
    pthread_join(other, NULL);
    assert_true(run_items(h.context, 100, TERN__WORTH_A_THREAD, 0));
    tern_context_free((tern_context *)(uintptr_t)h.context);
    sem_destroy(&h.inside);
    sem_destroy(&h.go);
}

static void check_child(pid_t child) {
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

/* The child's calls on the parent's context end, it frees it, and makes one that works. */
static void after_fork(void **state) {
    (void)state;
#ifdef UNDER_TSAN
    check_skip("the thread sanitizer allows no threads after fork");
#endif
    tern_context *c = context_of(4);
    assert_true(run_items(c, 100, TERN__WORTH_A_THREAD, 0));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool right = run_items(c, 100, TERN__WORTH_A_THREAD, 3);
        tern_context_free(c);
        c = context_of(4);
        right = right && run_items(c, 100, TERN__WORTH_A_THREAD, 3);
        tern_context_free(c);
        _exit(right ? 0 : 1);
    }
    check_child(child);
    assert_true(run_items(c, 100, TERN__WORTH_A_THREAD, 0));
    tern_context_free(c);
}

static int threads_of_process(void) {
    int count = -2; /* . and .. */
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && readdir(tasks)) count++;
    if (tasks) closedir(tasks);
    return count;
}

/* A server that loads its model and then forks: the child makes the helpers, and they end with the
 * context. */
static void first_used_after_fork(void **state) {
    (void)state;
#ifdef UNDER_TSAN
    check_skip("the thread sanitizer allows no threads after fork");
#endif
    tern_context *c = context_of(4);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const bool right = run_sleeping(c, 100, TERN__WORTH_A_THREAD, 3, 100000);
        tern_context_free(c);
        /* They have left; the system may take a moment to see it. */
        for (int i = 0; threads_of_process() > 1 && i < 10000; i++)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        _exit(right && threads_of_process() == 1 ? 0 : 1);
    }
    check_child(child);
    assert_true(run_items(c, 100, TERN__WORTH_A_THREAD, 0));
    tern_context_free(c);
}

/* Where the system grants few threads, the items are run by those that there are. */
static void threads_are_refused(void **state) {
    (void)state;
#ifdef UNDER_SANITIZER
    check_skip("sanitizers take more addresses than the test grants");
#endif
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit memory = {512 << 20, 512 << 20};
        tern_context *c = context_of(256); /* whose stacks take 2 GB of addresses */
        setrlimit(RLIMIT_AS, &memory);
        const bool right = run_sleeping(c, 100, TERN__WORTH_A_THREAD, 3, 100000);
        tern_context_free(c);
        _exit(right ? 0 : 1);
    }
    check_child(child);
}

/* Threads are joined: a thousand contexts leave none behind. */
static void contexts_come_and_go(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) {
        tern_context *c = context_of(2 + i % 3);
        if (i % 4) assert_true(run_items(c, i % 50, TERN__WORTH_A_THREAD, 0));
        tern_context_free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_once),
        cmocka_unit_test(calls_inside_items),
        cmocka_unit_test(many_callers),
        cmocka_unit_test(nobody_waits_for_others),
        cmocka_unit_test(after_fork),
        cmocka_unit_test(contexts_come_and_go),
        cmocka_unit_test(first_used_after_fork),
        cmocka_unit_test(threads_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
