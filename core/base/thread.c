/* Threads: the only file that includes omp.h, and the only one that waits.
 *
 * OpenMP makes the threads, tern does the waiting. A region per kernel call ends in a barrier, at
 * which libgomp spins for milliseconds; where another process has the core of a thread that has
 * nothing to do, all others wait until it is scheduled: a training step beside a busy neighbour
 * took twenty times as long as alone, and more. So one region is opened per context, by a thread of
 * its own (a caller that opened it would have to stay inside), and stays open as long as the
 * context: its threads are the helpers. A region around each training loop would serve training
 * only, and would end at the same barrier after every epoch, every picture, every sentence.
 *
 * A call publishes its items in a slot of the team. Whoever is there takes them from one counter,
 * the caller too, and the caller waits only for helpers that are inside an item. Waiting is a short
 * spin and then sleep. The slots belong to the team and outlive the calls, so that a helper that
 * comes late finds a counter at 0 or the items of the next call, both of which are right; nothing
 * else of a slot is read before an item has been taken. As many calls as there are slots are helped
 * at once (sessions on several threads, calls inside items); more run alone.
 *
 * After fork() the child has none of its parent's helpers: its calls run alone on contexts whose
 * helpers had been made, and any other context gets helpers of its own.
 *
 * libgomp ends the program when it cannot make a thread, so as many are tried before (only another
 * program that takes the last ones in between is not seen). Where OMP_PROC_BIND has bound the
 * program's first thread to one processor, helpers may use all that OpenMP has places on. */
#define _GNU_SOURCE
#include "base.h"

#include <sched.h>
#ifdef _OPENMP
#include <linux/futex.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { MOST_THREADS = 256 }; /* status.h */

#ifdef _OPENMP
/* Adds the processors of OpenMP's places, if it binds threads to them; false if it does not. */
static bool add_places(cpu_set_t *set) {
    enum { MOST = 1024 };
    int processors[MOST];
    if (omp_get_proc_bind() == omp_proc_bind_false) return false;
    for (int i = 0; i < omp_get_num_places(); i++) {
        const int count = omp_get_place_num_procs(i);
        if (count < 1 || count > MOST) continue;
        omp_get_place_proc_ids(i, processors);
        for (int k = 0; k < count; k++)
            if (processors[k] >= 0 && processors[k] < CPU_SETSIZE) CPU_SET(processors[k], set);
    }
    return true;
}
#endif

int tern__processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
#ifdef _OPENMP
    add_places(&set);
#endif
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > MOST_THREADS ? MOST_THREADS : count;
}

#ifdef _OPENMP
enum {
    SLOTS = 8,
    SPINS = 2000 /* pauses before a thread sleeps */
};

/* A call's items. Lines of 64 bytes, so that what all threads write is apart from what they read.
 */
typedef struct slot {
    _Alignas(64) atomic_int taken; /* by a call */
    int64_t count;
    tern__parallel_body body;
    void *arg;
    _Alignas(64) atomic_llong left; /* items that nobody has taken; the next one is count - left */
    _Alignas(64) atomic_llong done; /* items that helpers have finished */
    atomic_int asleep;              /* 1: the caller sleeps until a helper has finished an item */
} slot;

enum { NEW, STARTED, REFUSED };

struct tern__team {
    slot slots[SLOTS];
    _Alignas(64) atomic_int calls; /* counts them (and wraps): what helpers watch and sleep on */
    atomic_int sleepers;
    atomic_int state, quit;
    int helpers;
    pid_t process; /* that has the helpers */
    pthread_t leader;
};

static void sleep_while(atomic_int *word, int value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(atomic_int *word, int threads) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static inline void rest(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Takes items until none is left and returns how many; after `left` has given one, the slot stays
 * as it is until that one is done. */
static int64_t take_items(slot *s, int worker, bool helper) {
    int64_t items = 0;
    while (atomic_load_explicit(&s->left, memory_order_relaxed) > 0) {
        const int64_t left = atomic_fetch_sub(&s->left, 1);
        if (left <= 0) break;
        s->body(s->arg, s->count - left, worker);
        items++;
        if (!helper) continue;
        atomic_fetch_add(&s->done, 1);
        if (atomic_load(&s->asleep) && atomic_exchange(&s->asleep, 0)) wake(&s->asleep, 1);
    }
    return items;
}

static void serve(struct tern__team *team, int worker) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (add_places(&set) && CPU_COUNT(&set) > 0) sched_setaffinity(0, sizeof set, &set);
    while (!atomic_load(&team->quit)) {
        const int calls = atomic_load(&team->calls);
        int64_t items = 0;
        for (int i = 0; i < SLOTS; i++) items += take_items(&team->slots[i], worker, true);
        if (items) continue;
        int spins = SPINS;
        while (atomic_load_explicit(&team->calls, memory_order_relaxed) == calls && --spins) rest();
        if (spins) continue;
        atomic_fetch_add(&team->sleepers, 1);
        sleep_while(&team->calls, calls);
        atomic_fetch_sub(&team->sleepers, 1);
    }
}

static void *wait_for(void *go_) {
    atomic_int *go = go_;
    while (!atomic_load(go)) sleep_while(go, 0);
    return NULL;
}

/* How many of so many threads the system grants beside this one. */
static int granted(int threads) {
    pthread_t made[MOST_THREADS];
    atomic_int go = 0;
    int count = 0;
    while (count < threads && pthread_create(&made[count], NULL, wait_for, &go) == 0) count++;
    atomic_store(&go, 1);
    wake(&go, count);
    for (int i = 0; i < count; i++) pthread_join(made[i], NULL);
    return count;
}

static void *lead(void *arg) {
    struct tern__team *team = arg;
    const int helpers = 1 + granted(team->helpers - 1);
#pragma omp parallel num_threads(helpers)
    serve(team, 1 + omp_get_thread_num());
    return NULL;
}

/* The first call that is worth it makes the threads and does not wait for them. The host's signals
 * stay with its own threads. */
static void start(struct tern__team *team) {
    int state = NEW;
    if (!atomic_compare_exchange_strong(&team->state, &state, REFUSED)) return;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return;
    if (pthread_create(&team->leader, NULL, lead, team) == 0) {
        team->process = getpid();
        atomic_store(&team->state, STARTED);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

tern_status tern__team_create(tern_context *c) {
    if (c->threads < 2) return TERN_OK;
    struct tern__team *team = tern__calloc(c, 1, sizeof *team);
    if (!team) return TERN_ERR_MEMORY;
    team->helpers = c->threads - 1;
    c->team = team;
    return TERN_OK;
}

void tern__team_free(tern_context *c) {
    struct tern__team *team = c->team;
    if (team && team->process == getpid() && atomic_load(&team->state) == STARTED) {
        atomic_store(&team->quit, 1);
        atomic_fetch_add(&team->calls, 1);
        wake(&team->calls, team->helpers);
        pthread_join(team->leader, NULL);
    }
    tern__free(c, team);
}

static slot *free_slot(struct tern__team *team) {
    for (int i = 0; i < SLOTS; i++) {
        slot *s = &team->slots[i];
        if (!atomic_load_explicit(&s->taken, memory_order_relaxed) &&
            !atomic_exchange(&s->taken, 1))
            return s;
    }
    return NULL;
}

static void publish(struct tern__team *team, slot *s, int64_t count, int64_t helpers) {
    atomic_store_explicit(&s->done, 0, memory_order_relaxed);
    atomic_store(&s->left, count);
    atomic_fetch_add(&team->calls, 1);
    const int sleepers = atomic_load(&team->sleepers);
    if (sleepers) wake(&team->calls, sleepers < helpers ? sleepers : (int)helpers);
}

/* Waits until the helpers have finished `items`: those that they took are all that is left. */
static void await(slot *s, int64_t items) {
    for (int spins = SPINS; atomic_load(&s->done) != items;) {
        if (spins && --spins) {
            rest();
            continue;
        }
        atomic_store(&s->asleep, 1);
        if (atomic_load(&s->done) != items) sleep_while(&s->asleep, 1);
    }
    atomic_store_explicit(&s->asleep, 0, memory_order_relaxed);
}
#else
tern_status tern__team_create(tern_context *c) {
    (void)c;
    return TERN_OK;
}
void tern__team_free(tern_context *c) { (void)c; }
#endif

void tern__parallel(const tern_context *c, int64_t count, int64_t work, tern__parallel_body body,
                    void *arg) {
#ifdef _OPENMP
    struct tern__team *team = c->threads > 1 ? c->team : NULL;
    const double worth = (double)count * (double)work / TERN__WORTH_A_THREAD;
    slot *s = team && count > 1 && worth >= 1 ? free_slot(team) : NULL;
    if (s) {
        if (atomic_load_explicit(&team->state, memory_order_relaxed) == NEW) start(team);
        s->body = body;
        s->arg = arg;
        s->count = count;
        const int64_t helpers = worth < (double)count ? (int64_t)worth : count - 1;
        publish(team, s, count, helpers);
        await(s, count - take_items(s, 0, false));
        atomic_store_explicit(&s->taken, 0, memory_order_release);
        return;
    }
#else
    (void)c;
    (void)work;
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

void tern__parallel_range(const tern_context *c, int64_t count, int64_t block, int64_t work,
                          tern__range_body body, void *arg) {
    if (count <= 0) return;
    range r = {body, arg, count, block};
    tern__parallel(c, (count + block - 1) / block, block * work, run_block, &r);
}
