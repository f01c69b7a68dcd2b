/* The context: settings, allocator, the last error sentence. */
#include "base.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tern_status_name(tern_status status) {
    switch (status) {
    case TERN_OK: return "ok";
    case TERN_ERR_ARGUMENT: return "argument";
    case TERN_ERR_SHAPE: return "shape";
    case TERN_ERR_MEMORY: return "memory";
    case TERN_ERR_LIMIT: return "limit";
    case TERN_ERR_IO: return "io";
    case TERN_ERR_FORMAT: return "format";
    case TERN_ERR_UNSUPPORTED: return "unsupported";
    case TERN_ERR_DIVERGED: return "diverged";
    case TERN_ERR_INTERRUPTED: return "interrupted";
    }
    return "unknown";
}

const char *tern_version(void) { return TERN_VERSION; }

static void *default_allocate(void *user, size_t size) {
    (void)user;
    void *pointer = NULL;
    return posix_memalign(&pointer, 64, size) == 0 ? pointer : NULL;
}

static void default_release(void *user, void *pointer) {
    (void)user;
    free(pointer);
}

tern_status tern_context_create(tern_context **context, const tern_context_options *options) {
    *context = NULL;
    tern_allocator allocator = {default_allocate, default_release, NULL};
    if (options && options->allocator) allocator = *options->allocator;
    tern_context *c = allocator.allocate(allocator.user, sizeof *c);
    if (!c) return TERN_ERR_MEMORY;
    memset(c, 0, sizeof *c);
    c->allocator = allocator;
    *context = c;
    int threads = options ? options->threads : 0;
    if (options) {
        c->on_log = options->on_log;
        c->user = options->user;
    }
    if (threads < 0 || threads > 256)
        return tern__fail(c, TERN_ERR_ARGUMENT, "threads is %d; the range is 1 to 256, or 0 for all",
                          threads);
    c->threads = threads ? threads : tern__processors();
    tern_status st = tern__kernels_select(c, getenv("TERN_CPU"));
    return st == TERN_OK ? tern__team_create(c) : st;
}

void tern_context_free(tern_context *c) {
    if (!c) return;
    tern__team_free(c);
    tern_allocator allocator = c->allocator;
    allocator.release(allocator.user, c);
}

const char *tern_context_message(const tern_context *c) {
    return c ? c->message : "there was no memory for a context";
}

int tern_context_threads(const tern_context *c) { return c->threads; }

const char *tern_context_cpu(const tern_context *c) { return c->kernels->name; }

tern_status tern__fail(tern_context *c, tern_status status, const char *format, ...) {
    char text[sizeof c->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(c->message, text, sizeof text);
    c->status = status;
    return status;
}

tern_status tern__fail_in(tern_context *c, const char *format, ...) {
    char prefix[300], text[sizeof c->message + sizeof prefix + 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    snprintf(text, sizeof text, "%s: %s", prefix, c->message);
    memcpy(c->message, text, sizeof c->message - 1);
    c->message[sizeof c->message - 1] = 0;
    return c->status;
}

void tern__log(tern_context *c, tern_log_level level, const char *format, ...) {
    if (!c->on_log) return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    c->on_log(c->user, level, line);
}
