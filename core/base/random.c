/* Philox4x32-10 and what is drawn from it. Source: Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011. */
#include "base.h"

#include <math.h>

void tern__philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t x0 = (uint32_t)index, x1 = (uint32_t)(index >> 32);
    uint32_t x2 = (uint32_t)stream, x3 = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * x0, b = (uint64_t)0xCD9E8D57u * x2;
        uint32_t y0 = (uint32_t)(b >> 32) ^ x1 ^ k0, y2 = (uint32_t)(a >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)b;
        x3 = (uint32_t)a;
        x0 = y0;
        x2 = y2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

static uint64_t mix(uint64_t x) { /* splitmix64's finaliser */
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t tern__random_stream(uint64_t a, uint64_t b, uint64_t c) {
    return mix(mix(mix(a) ^ b) ^ c);
}

tern__random tern__random_make(uint64_t seed, uint64_t stream) {
    return (tern__random){.seed = seed, .stream = stream};
}

uint32_t tern__random_u32(tern__random *r) {
    if (r->left == 0) {
        tern__philox(r->seed, r->stream, r->index++, r->buffer);
        r->left = 4;
    }
    return r->buffer[4 - r->left--];
}

double tern__random_uniform(tern__random *r) {
    uint64_t high = tern__random_u32(r), low = tern__random_u32(r);
    return (double)(((high << 32) | low) >> 11) * 0x1p-53;
}

double tern__random_normal(tern__random *r) {
    /* Box-Muller; the second number of the pair is not kept, so that each draw stands alone. */
    double u = 1.0 - tern__random_uniform(r), v = tern__random_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

int64_t tern__random_below(tern__random *r, int64_t bound) {
    uint64_t range = (uint64_t)bound, limit = UINT64_MAX - UINT64_MAX % range, value;
    do {
        value = (uint64_t)tern__random_u32(r) << 32;
        value |= tern__random_u32(r);
    } while (value >= limit);
    return (int64_t)(value % range);
}

void tern__random_shuffle(tern__random *r, int64_t *items, int64_t count) {
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = tern__random_below(r, i + 1), item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}
