/* Which instruction set level serves: detection, and TERN_CPU. */
#include "kernels.h"

#include <string.h>

#define LEVEL_TABLES(level)                                                                        \
    extern const struct tern__gemm_kernels tern__gemm_kernels_##level;                             \
    extern const struct tern__optimizer_kernels tern__optimizer_kernels_##level;                   \
    extern const struct tern__vector_kernels tern__vector_kernels_##level;                         \
    extern const struct tern__pairs_kernels tern__pairs_kernels_##level
LEVEL_TABLES(generic);
#if defined(__x86_64__)
LEVEL_TABLES(avx2);
LEVEL_TABLES(avx512);
#endif
#define LEVEL(level)                                                                               \
    {                                                                                              \
        .name = #level, .gemm = &tern__gemm_kernels_##level,                                       \
        .optimizer = &tern__optimizer_kernels_##level, .vector = &tern__vector_kernels_##level,    \
        .pairs = &tern__pairs_kernels_##level                                                      \
    }

typedef struct level {
    tern__kernels kernels;
    bool (*here)(void);
} level;

static bool always(void) { return true; }

#if defined(__x86_64__)
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}
#endif

static const level levels[] = {
    {LEVEL(generic), always},
#if defined(__x86_64__)
    {LEVEL(avx2), has_avx2},
    {LEVEL(avx512), has_avx512},
#endif
};

tern_status tern__kernels_select(tern_context *c, const char *name) {
    char known[100] = "";
    const level *best = NULL;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (!levels[i].here()) continue;
        strcat(strcat(known, *known ? ", " : ""), levels[i].kernels.name);
        if (!name || !*name || strcmp(name, levels[i].kernels.name) == 0) best = &levels[i];
    }
    if (!best)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "TERN_CPU is '%s', but this CPU and build have only: %s", name, known);
    c->kernels = &best->kernels;
    return TERN_OK;
}
