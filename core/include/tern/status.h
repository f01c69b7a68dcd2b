/* Status values, the context and its error sentence.
 *
 * Every call that can fail returns a tern_status; the sentence that explains a failure (what
 * failed, with which values, and the rule) is kept by the context until the next failure. Nothing
 * in the library prints, exits, aborts or changes the locale, OpenMP's settings or signal handlers.
 *
 * Options that a call takes by pointer may be NULL: the defaults, those of their _INIT macro. Where
 * the defaults do not suffice (no folder of masks, say) the call fails with a sentence. */
#ifndef TERN_STATUS_H
#define TERN_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define TERN_API __attribute__((visibility("default")))
#define TERN_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define TERN_API
#define TERN_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What became of a call. Everything but TERN_OK has a sentence in the context. */
typedef enum tern_status {
    TERN_OK = 0,
    TERN_ERR_ARGUMENT,    /**< an argument or option is outside its range */
    TERN_ERR_SHAPE,       /**< shapes or types do not fit together */
    TERN_ERR_MEMORY,      /**< an allocation failed */
    TERN_ERR_LIMIT,       /**< a bound against hostile or mistaken input was reached */
    TERN_ERR_IO,          /**< the operating system refused to read or write */
    TERN_ERR_FORMAT,      /**< a file's content is not what it should be */
    TERN_ERR_UNSUPPORTED, /**< valid, but not something this build can do */
    TERN_ERR_DIVERGED,    /**< training produced non-finite losses several times in a row */
    TERN_ERR_INTERRUPTED  /**< a callback asked to stop; everything was saved */
} tern_status;

/** A short lower-case name of the status ("shape", "io", ...). Never NULL; static storage. */
TERN_API const char *tern_status_name(tern_status status);

/** The library's version, "major.minor.patch". Static storage. */
TERN_API const char *tern_version(void);

/** Owner of settings, allocator and the last error sentence; every other object is made from one
 * and must not outlive it. Calls that share a context must not run at the same time, with one
 *  exception: sessions (session.h), which keep their own sentence. */
typedef struct tern_context tern_context;

typedef enum tern_log_level { TERN_LOG_WARNING, TERN_LOG_INFO } tern_log_level;

/** Memory hooks. allocate returns memory aligned to 64 bytes, or NULL; both may be called from
 *  several threads at once. */
typedef struct tern_allocator {
    void *(*allocate)(void *user, size_t size);
    void (*release)(void *user, void *pointer);
    void *user;
} tern_allocator;

typedef struct tern_context_options {
    size_t size;                     /**< sizeof(tern_context_options), set by the _INIT macro */
    int threads;                     /**< 1..256; 0: one per processor this process may use */
    const tern_allocator *allocator; /**< copied; NULL: the C library's */
    void (*on_log)(void *user, tern_log_level level, const char *line); /**< NULL: silent */
    void *user;
} tern_context_options;
#define TERN_CONTEXT_OPTIONS_INIT                                                                  \
    { sizeof(tern_context_options), 0, NULL, NULL, NULL }

/** Creates a context. options may be NULL for the defaults. The environment variable TERN_CPU
 *  (generic, avx2, avx512) lowers the instruction set level; a level that this CPU lacks is refused
 *  with TERN_ERR_UNSUPPORTED. On failure *context is NULL, or, where there was memory for it, a
 *  context that only serves tern_context_message and tern_context_free. */
TERN_API tern_status tern_context_create(tern_context **context,
                                         const tern_context_options *options);
/** Frees the context. NULL is allowed. */
TERN_API void tern_context_free(tern_context *context);
/** The sentence of the last failure, "" if there was none. Never NULL, also for a NULL context.
 * Valid until the next failure. */
TERN_API const char *tern_context_message(const tern_context *context);
/** Frees memory that a call gave to its caller (text, samples, ...). NULL is allowed. */
TERN_API void tern_free(tern_context *context, void *memory);
/** Writes a whole file: to a temporary one beside it that takes its place when it is on the disk.
 *  On failure the old file is as it was. What is not a regular file (a pipe, a device) is written
 *  straight. Errors: TERN_ERR_ARGUMENT if path is empty; TERN_ERR_IO; TERN_ERR_MEMORY. */
TERN_API tern_status tern_file_save(tern_context *context, const char *path, const void *data,
                                    size_t size);
/** Refuses to write output (TERN_ERR_ARGUMENT) where that would replace one of these inputs: by
 * device and inode, so that links count. An input NULL or "-" is none. To be called before anything
 * is opened for writing. */
TERN_API tern_status tern_file_check(tern_context *context, const char *output,
                                     const char *const *inputs, size_t n_inputs);
/** The number of threads in use. */
TERN_API int tern_context_threads(const tern_context *context);
/** The instruction set level in use: "generic", "avx2", "avx512". */
TERN_API const char *tern_context_cpu(const tern_context *context);

#ifdef __cplusplus
}
#endif
#endif
