/* Allocation through the context's hooks, and checked sizes. */
#include "base.h"

#include <stdio.h>
#include <string.h>

void *tern__alloc(tern_context *c, size_t size) {
    void *pointer = NULL;
    if (size <= SIZE_MAX - 63)
        pointer = c->allocator.allocate(c->allocator.user, size ? (size + 63) & ~(size_t)63 : 64);
    if (!pointer) tern__fail(c, TERN_ERR_MEMORY, "out of memory: %zu bytes were refused", size);
    return pointer;
}

void *tern__calloc(tern_context *c, size_t count, size_t size) {
    size_t bytes;
    if (!tern__mul(count, size, &bytes)) {
        tern__fail(c, TERN_ERR_MEMORY, "out of memory: %zu items of %zu bytes overflow", count,
                   size);
        return NULL;
    }
    void *pointer = tern__alloc(c, bytes);
    if (pointer) memset(pointer, 0, bytes);
    return pointer;
}

void *tern__grow(tern_context *c, void *old, size_t used, size_t *capacity, size_t needed,
                 size_t size) {
    if (needed <= *capacity) return old;
    size_t wanted = *capacity < 8 ? 8 : *capacity, bytes;
    while (wanted < needed)
        if (!tern__mul(wanted, 2, &wanted)) return NULL;
    if (!tern__mul(wanted, size, &bytes)) {
        tern__fail(c, TERN_ERR_MEMORY, "out of memory: %zu items of %zu bytes overflow", wanted,
                   size);
        return NULL;
    }
    void *bigger = tern__alloc(c, bytes);
    if (!bigger) return NULL;
    if (used) memcpy(bigger, old, used * size);
    tern__free(c, old);
    *capacity = wanted;
    return bigger;
}

char *tern__strndup(tern_context *c, const char *text, size_t length) {
    char *copy = length < SIZE_MAX ? tern__alloc(c, length + 1) : NULL;
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

char *tern__strdup(tern_context *c, const char *text) {
    return tern__strndup(c, text, strlen(text));
}

char *tern__format(tern_context *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : tern__alloc(c, (size_t)length + 1);
    if (!text) return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void tern__free(tern_context *c, void *pointer) {
    if (pointer) c->allocator.release(c->allocator.user, pointer);
}

void tern_free(tern_context *c, void *memory) { tern__free(c, memory); }

bool tern__mul(size_t a, size_t b, size_t *result) {
    if (b && a > SIZE_MAX / b) return false;
    *result = a * b;
    return true;
}

bool tern__add(size_t a, size_t b, size_t *result) {
    if (a > SIZE_MAX - b) return false;
    *result = a + b;
    return true;
}

bool tern__mul_i64(int64_t a, int64_t b, int64_t *result) {
    if (a < 0 || b < 0 || (b && a > INT64_MAX / b)) return false;
    *result = a * b;
    return true;
}
