/* Small arithmetic on whole numbers that several files need. Internal. */
#ifndef TERN_CORE_ARITHMETIC_H
#define TERN_CORE_ARITHMETIC_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits: begin with TERN__HASH_START, go on with what the last call gave. */
#define TERN__HASH_START 14695981039346656037u
static inline uint64_t tern__hash(uint64_t h, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++) h = (h ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return h;
}
static inline uint64_t tern__hash_text(uint64_t h, const char *text) {
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

static inline int64_t tern__least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t tern__most(int64_t a, int64_t b) { return a > b ? a : b; }
/* Quotients rounded down and up; b > 0. */
static inline int64_t tern__floor_div(int64_t a, int64_t b) {
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}
static inline int64_t tern__ceil_div(int64_t a, int64_t b) { return -tern__floor_div(-a, b); }
/* The next multiple of `to`. */
static inline int64_t tern__round_up(int64_t value, int64_t to) {
    return tern__ceil_div(value, to) * to;
}

static inline int64_t tern__greatest_common_divisor(int64_t a, int64_t b) {
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
