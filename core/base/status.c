/* Status values, the last error sentence, log lines. */
#include "base.h"

#include <stdio.h>
#include <string.h>

const char *tern_status_name(tern_status status) {
    switch (status) {
    case TERN_OK:
        return "ok";
    case TERN_ERR_ARGUMENT:
        return "argument";
    case TERN_ERR_SHAPE:
        return "shape";
    case TERN_ERR_MEMORY:
        return "memory";
    case TERN_ERR_LIMIT:
        return "limit";
    case TERN_ERR_IO:
        return "io";
    case TERN_ERR_FORMAT:
        return "format";
    case TERN_ERR_UNSUPPORTED:
        return "unsupported";
    case TERN_ERR_DIVERGED:
        return "diverged";
    case TERN_ERR_INTERRUPTED:
        return "interrupted";
    }
    return "unknown";
}

const char *tern_version(void) { return TERN_VERSION; }

const char *tern_context_message(const tern_context *c) {
    return c ? c->message : "there was no memory for a context";
}

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
