/* What every file of core and of the domains stands on: failing with a sentence, memory, threads,
 * random numbers. Internal; knows no tensor and no graph. */
#ifndef TERN_CORE_BASE_H
#define TERN_CORE_BASE_H

#include <tern/status.h>
#include <stdarg.h>

struct tern__kernels;
struct tern__file_calls;

struct tern_context {
    int threads;
    tern_allocator allocator;
    void (*on_log)(void *user, tern_log_level level, const char *line);
    void *user;
    const struct tern__kernels *kernels;       /* the CPU level in use, kernels/kernels.h */
    const struct tern__file_calls *file_calls; /* core/base/file.h; NULL: the system's */
    struct tern__team *team;                   /* thread.c; NULL: one thread */
    tern_status status;                        /* of the last failure */
    char message[1024];
};

/* Records the sentence (no newline, no final full stop needed) and returns status, so that a
 * failing function says: return tern__fail(c, TERN_ERR_SHAPE, "Conv '%s': ...", ...). */
tern_status tern__fail(tern_context *c, tern_status status, const char *format, ...)
    TERN_PRINTF(3, 4);
/* Puts "prefix: " before the sentence of the last failure and returns its status. */
tern_status tern__fail_in(tern_context *c, const char *format, ...) TERN_PRINTF(2, 3);
void tern__log(tern_context *c, tern_log_level level, const char *format, ...) TERN_PRINTF(3, 4);

/* Memory: aligned to 64 bytes. NULL on failure, with TERN_ERR_MEMORY and the sentence recorded in
 * c; size 0 gives a valid pointer. Freeing NULL is allowed. */
void *tern__alloc(tern_context *c, size_t size);
void *tern__calloc(tern_context *c, size_t count, size_t size); /* zeroed, checked product */
/* Grows (or makes) an array: contents up to used*size are kept, on failure the old array stays. */
void *tern__grow(tern_context *c, void *old, size_t used, size_t *capacity, size_t needed,
                 size_t size);
char *tern__strdup(tern_context *c, const char *text);
char *tern__strndup(tern_context *c, const char *text, size_t length);
char *tern__format(tern_context *c, const char *format, ...) TERN_PRINTF(2, 3);
void tern__free(tern_context *c, void *pointer);

/* Checked sizes: false on overflow, *result untouched. */
bool tern__mul(size_t a, size_t b, size_t *result);
bool tern__add(size_t a, size_t b, size_t *result);
bool tern__mul_i64(int64_t a, int64_t b, int64_t *result); /* also false if a or b is negative */

/* Runs body(arg, i, worker) for every i in [0, count), over at most c->threads threads; worker is
 * in [0, c->threads) and no two threads that run items of one call at once have the same. Items
 * must be cut by the problem and never by the number of threads, and must not depend on each other,
 * so that the bits do not depend on who runs what. An item may call tern__parallel again. work: of
 * one item, as floats read or written; eight multiply-adds of a product, or a quarter of an
 * exponential function, count as one. A guess within a factor of 4 will do: it says whether waking
 * a thread is worth it, so that all items together are run by one thread where they are less than
 * TERN__WORTH_A_THREAD. */
enum { TERN__WORTH_A_THREAD = 32768 };
typedef void (*tern__parallel_body)(void *arg, int64_t i, int worker);
void tern__parallel(const tern_context *c, int64_t count, int64_t work, tern__parallel_body body,
                    void *arg);
/* The same for ranges of a flat array: body(arg, begin, end) over blocks of at most `block` items;
 * runs inline when one block holds all; work is that of one element. For elementwise work, where
 * cuts cannot change bits. */
typedef void (*tern__range_body)(void *arg, int64_t begin, int64_t end);
void tern__parallel_range(const tern_context *c, int64_t count, int64_t block, int64_t work,
                          tern__range_body body, void *arg);
/* The threads of a context, made by the first call that is worth it. Copies of a context (sessions)
 * share them. */
tern_status tern__team_create(tern_context *c);
void tern__team_free(tern_context *c);
int tern__processors(void); /* processors this process may use, >= 1 */

/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011). The same (seed, stream, index)
 * gives the same numbers whatever was drawn before, by whom and in which order. */
void tern__philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);
/* A sequential reader of one stream. */
typedef struct tern__random {
    uint64_t seed, stream, index;
    uint32_t buffer[4];
    int left;
} tern__random;
tern__random tern__random_make(uint64_t seed, uint64_t stream);
uint64_t tern__random_stream(uint64_t a, uint64_t b, uint64_t c); /* mixes three numbers into one */
uint32_t tern__random_u32(tern__random *r);
double tern__random_uniform(tern__random *r);               /* [0, 1), 53 bits */
double tern__random_normal(tern__random *r);                /* mean 0, variance 1 */
int64_t tern__random_below(tern__random *r, int64_t bound); /* [0, bound), unbiased */
void tern__random_shuffle(tern__random *r, int64_t *items, int64_t count); /* Fisher-Yates */

#endif
