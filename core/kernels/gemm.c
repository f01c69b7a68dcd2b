/* The tile kernels of gemm.h, compiled once per instruction set level. Knows no geometry: rows come
 * as pointers. */
#include "gemm.h"
#include "simd.h"

#include <stddef.h>

/* The tile fills the registers: MR x NV sums, NV vectors of w and one of x. 6 x 2 of 16; 12 x 2 of
 * 32 (more rows would not find general registers for their pointers). */
#ifdef TERN__LEVEL_AVX2
enum { MR = 6, NV = 2 };
#define FOR_EACH_MR(F, nv) F(1, nv) F(2, nv) F(3, nv) F(4, nv) F(5, nv) F(6, nv)
#else
enum { MR = 12, NV = 2 };
#define FOR_EACH_MR(F, nv)                                                                         \
    F(1, nv)                                                                                       \
    F(2, nv)                                                                                       \
    F(3, nv) F(4, nv) F(5, nv) F(6, nv) F(7, nv) F(8, nv) F(9, nv) F(10, nv) F(11, nv) F(12, nv)
#endif
enum { NR = NV * VL };
/* Depth of a block: its w panel, KC x NR floats, stays in the first-level cache over all tiles. */
enum { KC = 256 };

/* Each tile size is its own function with everything unrolled, but at generic, where the sums do
 * not fit into registers anyway, and under sanitizers, which make the unrolled code huge: there one
 * function serves all. */
#define PRAGMA(text) _Pragma(#text)
#if defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#if defined(TERN__LEVEL_GENERIC) || SANITIZED
#define TILE_BODY static __attribute__((noinline))
#define UNROLL_ALL
#define UNROLL(n)
#elif defined(__clang__)
#define TILE_BODY V_INLINE
#define UNROLL_ALL PRAGMA(clang loop unroll(full))
#define UNROLL(n) PRAGMA(clang loop unroll_count(n))
#else
#define TILE_BODY V_INLINE
#define UNROLL_ALL PRAGMA(GCC unroll 16)
#define UNROLL(n) PRAGMA(GCC unroll n)
#endif

/* One tile over one block of the depth. */
typedef struct tile {
    const float *const *x;       /* [taps][MR] */
    int64_t taps, offset, depth; /* channels [offset, offset + depth) of each tap */
    const float *w;
    const float *const *start; /* NULL: 0 */
    const float *bias;
    float *const *y;
    int64_t column;                   /* of start and y */
    int tail;                         /* columns of the last vector, VL: all */
    tern__gemm_activation activation; /* NONE but on the last block */
    float alpha;
} tile;

V_INLINE vf load_edge(const float *p, int tail) {
    return tail == VL ? v_load(p) : v_load_part(p, tail);
}
V_INLINE void store_edge(float *p, vf v, int tail) {
    if (tail == VL)
        v_store(p, v);
    else
        v_store_part(p, v, tail);
}

V_INLINE vf activate(vf v, tern__gemm_activation activation, float alpha) {
    if (activation == TERN__GEMM_RELU) return v_max(v_zero(), v);
    if (activation == TERN__GEMM_LEAKY_RELU)
        return v_select(v_lt(v, v_zero()), v * v_set1(alpha), v);
    return v;
}

/* The activations with a long body, over what has been stored. */
static void activate_row(float *y, int64_t count, tern__gemm_activation activation) {
    for (int64_t i = 0; i < count; i += VL) {
        int n = count - i < VL ? (int)(count - i) : VL;
        vf v = load_edge(y + i, n);
        store_edge(y + i, activation == TERN__GEMM_TANH ? v_tanh(v) : v_sigmoid(v), n);
    }
}

TILE_BODY void run_tile(const tile *a, const int mr, const int nv) {
    vf sum[MR][NV];
    UNROLL_ALL
    for (int j = 0; j < nv; j++) {
        int edge = j == nv - 1 ? a->tail : VL;
        vf first = a->bias ? load_edge(a->bias + j * VL, edge) : v_zero();
        UNROLL_ALL
        for (int i = 0; i < mr; i++) {
            sum[i][j] = first;
            if (a->start) sum[i][j] += load_edge(a->start[i] + a->column + j * VL, edge);
        }
    }
    const float *w = a->w;
    for (int64_t t = 0; t < a->taps; t++) {
        /* Counting up to zero leaves general registers for all the row pointers. */
        const float *x[MR];
        UNROLL_ALL
        for (int i = 0; i < mr; i++) x[i] = a->x[t * MR + i] + a->offset + a->depth;
        UNROLL(4)
        for (int64_t c = -a->depth; c < 0; c++, w += NR) {
            vf wj[NV];
            UNROLL_ALL
            for (int j = 0; j < nv; j++) wj[j] = v_load(w + j * VL);
            UNROLL_ALL
            for (int i = 0; i < mr; i++) {
                vf xi = v_set1(x[i][c]);
                UNROLL_ALL
                for (int j = 0; j < nv; j++) sum[i][j] = v_fma(xi, wj[j], sum[i][j]);
            }
        }
    }
    if (a->activation) {
        tern__gemm_activation activation = a->activation;
        float alpha = a->alpha;
        UNROLL_ALL
        for (int i = 0; i < mr; i++) {
            UNROLL_ALL
            for (int j = 0; j < nv; j++) sum[i][j] = activate(sum[i][j], activation, alpha);
        }
    }
    int tail = a->tail;
    UNROLL_ALL
    for (int i = 0; i < mr; i++) {
        float *y = a->y[i] + a->column;
        UNROLL_ALL
        for (int j = 0; j < nv; j++) store_edge(y + j * VL, sum[i][j], j == nv - 1 ? tail : VL);
    }
}

typedef void (*tile_function)(const tile *a);
#define DEFINE_TILE(mr, nv)                                                                        \
    static void tile_##mr##_##nv(const tile *a) { run_tile(a, mr, nv); }
#define NAME_TILE(mr, nv) tile_##mr##_##nv,
FOR_EACH_MR(DEFINE_TILE, 1)
FOR_EACH_MR(DEFINE_TILE, 2)
static const tile_function tiles[NV][MR] = {{FOR_EACH_MR(NAME_TILE, 1)},
                                            {FOR_EACH_MR(NAME_TILE, 2)}};

/* How the depth is cut: whole taps, or parts of one tap when a tap is deeper than KC. */
typedef struct cut {
    int64_t taps, channels;
} cut;
static cut cut_depth(int64_t taps, int64_t depth) {
    if (depth > KC) {
        int64_t parts = (depth + KC - 1) / KC;
        return (cut){1, (depth + parts - 1) / parts};
    }
    int64_t most = KC / (depth > 0 ? depth : 1), parts = (taps + most - 1) / most;
    return (cut){parts > 0 ? (taps + parts - 1) / parts : 1, depth > 0 ? depth : 1};
}

/* All tiles of one panel over one block of the depth. */
static void run_tiles(const tern__gemm_block *b, tile a, int64_t first_tap) {
    int nv = b->columns - a.column > VL ? 2 : 1;
    int64_t left = b->columns - a.column - (nv - 1) * VL;
    a.tail = left < VL ? (int)left : VL;
    tern__gemm_activation later =
        a.activation >= TERN__GEMM_SIGMOID ? a.activation : TERN__GEMM_NONE;
    if (later) a.activation = TERN__GEMM_NONE;
    a.x = b->x + first_tap * MR;
    for (int64_t m = 0; m < b->rows; m += MR) {
        int mr = b->rows - m < MR ? (int)(b->rows - m) : MR;
        tiles[nv - 1][mr - 1](&a);
        if (later)
            for (int i = 0; i < mr; i++)
                activate_row(a.y[i] + a.column, (nv - 1) * VL + a.tail, later);
        a.x += b->taps * MR;
        a.y += MR;
        if (a.start) a.start += MR;
    }
}

static void block(const tern__gemm_block *b) {
    cut step = cut_depth(b->taps, b->depth);
    for (int64_t column = 0; column < b->columns; column += NR) {
        tile a = {.start = b->start,
                  .bias = b->bias ? b->bias + column : NULL,
                  .y = b->y,
                  .column = column,
                  .alpha = b->alpha};
        const float *panel = b->w + column * b->taps * b->depth;
        for (int64_t t = 0; t < b->taps; t += step.taps)
            for (int64_t c = 0; c < b->depth; c += step.channels) {
                a.taps = t + step.taps < b->taps ? step.taps : b->taps - t;
                a.offset = c;
                a.depth = c + step.channels < b->depth ? step.channels : b->depth - c;
                a.w = panel + (t * b->depth + c) * NR;
                if (t + a.taps == b->taps && c + a.depth == b->depth) a.activation = b->activation;
                run_tiles(b, a, t);
                a.start = (const float *const *)b->y;
                a.bias = NULL;
            }
        if (b->taps * b->depth == 0) {
            a.taps = 0, a.activation = b->activation;
            run_tiles(b, a, 0);
        }
    }
}

/* ---- weight gradient ---- */

/* One tile of dw. x is [rows][MR] one after the other or, direct, pointers to rows of which
 * channels from `offset` on count. */
typedef struct outer_tile {
    const float *x;
    const float *const *direct;
    int64_t offset, rows;
    const float *dy;
    float *dw;
    bool add;
} outer_tile;

TILE_BODY void run_outer(const outer_tile *a, const bool direct, const int mr, const int nv) {
    vf sum[MR][NV];
    UNROLL_ALL
    for (int i = 0; i < mr; i++) {
        UNROLL_ALL
        for (int j = 0; j < nv; j++) sum[i][j] = v_zero();
    }
    int64_t rows = a->rows, offset = a->offset;
    UNROLL(4)
    for (int64_t m = 0; m < rows; m++) {
        const float *x = direct ? a->direct[m] + offset : a->x + m * MR;
        vf dj[NV];
        UNROLL_ALL
        for (int j = 0; j < nv; j++) dj[j] = v_load(a->dy + m * NR + j * VL);
        UNROLL_ALL
        for (int i = 0; i < mr; i++) {
            vf xi = v_set1(x[i]);
            UNROLL_ALL
            for (int j = 0; j < nv; j++) sum[i][j] = v_fma(xi, dj[j], sum[i][j]);
        }
    }
    UNROLL_ALL
    for (int i = 0; i < mr; i++) {
        UNROLL_ALL
        for (int j = 0; j < nv; j++) {
            float *to = a->dw + i * NR + j * VL;
            if (a->add) sum[i][j] += v_load(to);
            v_store(to, sum[i][j]);
        }
    }
}

typedef void (*outer_function)(const outer_tile *a);
#define DEFINE_OUTER(mr, nv)                                                                       \
    static void outer_##mr##_##nv(const outer_tile *a) { run_outer(a, false, mr, nv); }            \
    static void direct_##mr##_##nv(const outer_tile *a) { run_outer(a, true, mr, nv); }
#define NAME_OUTER(mr, nv) outer_##mr##_##nv,
#define NAME_DIRECT(mr, nv) direct_##mr##_##nv,
FOR_EACH_MR(DEFINE_OUTER, 1)
FOR_EACH_MR(DEFINE_OUTER, 2)
static const outer_function outers[2][NV][MR] = {
    {{FOR_EACH_MR(NAME_OUTER, 1)}, {FOR_EACH_MR(NAME_OUTER, 2)}},
    {{FOR_EACH_MR(NAME_DIRECT, 1)}, {FOR_EACH_MR(NAME_DIRECT, 2)}}};

/* A strip's channels [offset, offset + count) of one tap are copied into tiles, so that they are
 * read once by line and then lie dense: x's own rows are often a power of two apart and would evict
 * each other. A whole vector is written each time: the next row overwrites what is too much, and VL
 * floats are behind the last. */
enum { GROUP = TERN__GEMM_STRIP / MR };
_Static_assert(TERN__GEMM_STRIP % MR == 0, "a strip is whole tiles");

V_INLINE void gather_tiles(const float *const *x, int64_t rows, int64_t offset, int last, float *to,
                           const int count) {
    int64_t one = rows * MR + VL;
    for (int64_t m = 0; m < rows; m++) {
        UNROLL_ALL
        for (int i = 0; i < count; i++)
            v_store(to + i * one + m * MR,
                    v_load_part(x[m] + offset + i * MR, i == count - 1 ? last : MR));
    }
}

static void gather(const float *const *x, int64_t rows, int64_t offset, int64_t count, float *to) {
    int last = (int)((count - 1) % MR) + 1;
    switch ((count + MR - 1) / MR) {
    case 1:
        gather_tiles(x, rows, offset, last, to, 1);
        break;
    case 2:
        gather_tiles(x, rows, offset, last, to, 2);
        break;
    case 3:
        gather_tiles(x, rows, offset, last, to, 3);
        break;
    default:
        gather_tiles(x, rows, offset, last, to, GROUP);
    }
}

static void outer(const tern__gemm_outer *b) {
    float x[GROUP * (TERN__GEMM_OUTER_ROWS * MR + VL)];
    int64_t panel = b->taps * b->depth * NR;
    int64_t per = (b->depth + TERN__GEMM_STRIP - 1) / TERN__GEMM_STRIP;
    bool direct = b->columns <= NR; /* used once: not worth copying */
    for (int64_t s = b->first; s < b->last; s++) {
        int64_t t = s / per, offset = s % per * TERN__GEMM_STRIP;
        int64_t count = b->depth - offset < TERN__GEMM_STRIP ? b->depth - offset : TERN__GEMM_STRIP;
        outer_tile a = {.direct = b->x + t * b->rows, .rows = b->rows, .add = b->add};
        if (!direct) gather(a.direct, b->rows, offset, count, x);
        for (int64_t column = 0; column < b->columns; column += NR) {
            int nv = b->columns - column > VL ? 2 : 1;
            a.dy = b->dy + column * b->rows;
            for (int64_t c = 0; c < count; c += MR) {
                int mr = count - c < MR ? (int)(count - c) : MR;
                a.x = x + c / MR * (b->rows * MR + VL);
                a.offset = offset + c;
                a.dw = b->dw + column / NR * panel + (t * b->depth + offset + c) * NR;
                outers[direct][nv - 1][mr - 1](&a);
            }
        }
    }
}

/* ---- depthwise ---- */

/* Rows (taps, for the weight gradient) by vectors of channels that are summed at once. */
enum { DEPTHWISE_ROWS = 4, DEPTHWISE_VECTORS = 2 };

V_INLINE void depthwise_tile(const tern__gemm_depthwise *b, int64_t m, int64_t c, int tail,
                             const int rows, const int vectors) {
    vf sum[DEPTHWISE_ROWS][DEPTHWISE_VECTORS];
    UNROLL_ALL
    for (int j = 0; j < vectors; j++) {
        vf first = b->bias ? load_edge(b->bias + c + j * VL, tail) : v_zero();
        UNROLL_ALL
        for (int i = 0; i < rows; i++) {
            sum[i][j] = first;
            if (b->start) sum[i][j] += load_edge(b->start[m + i] + c + j * VL, tail);
        }
    }
    for (int64_t t = 0; t < b->taps; t++) {
        const float *const *x = b->x + t * b->rows + m;
        const float *w = b->w + t * b->w_pitch + c;
        vf wj[DEPTHWISE_VECTORS];
        UNROLL_ALL
        for (int j = 0; j < vectors; j++) wj[j] = load_edge(w + j * VL, tail);
        UNROLL_ALL
        for (int i = 0; i < rows; i++) {
            const float *xi = x[i] + c;
            UNROLL_ALL
            for (int j = 0; j < vectors; j++)
                sum[i][j] = v_fma(load_edge(xi + j * VL, tail), wj[j], sum[i][j]);
        }
    }
    UNROLL_ALL
    for (int i = 0; i < rows; i++) {
        UNROLL_ALL
        for (int j = 0; j < vectors; j++)
            store_edge(b->y[m + i] + c + j * VL, activate(sum[i][j], b->activation, b->alpha),
                       tail);
    }
}

static void depthwise(const tern__gemm_depthwise *b) {
    for (int64_t m = 0; m < b->rows;) {
        int64_t c = 0, step = DEPTHWISE_VECTORS * VL;
        if (m + DEPTHWISE_ROWS <= b->rows) {
            for (; c + step <= b->channels; c += step)
                depthwise_tile(b, m, c, VL, DEPTHWISE_ROWS, DEPTHWISE_VECTORS);
            for (; c < b->channels; c += VL) {
                int tail = b->channels - c < VL ? (int)(b->channels - c) : VL;
                depthwise_tile(b, m, c, tail, DEPTHWISE_ROWS, 1);
            }
            m += DEPTHWISE_ROWS;
        } else {
            for (; c + step <= b->channels; c += step)
                depthwise_tile(b, m, c, VL, 1, DEPTHWISE_VECTORS);
            for (; c < b->channels; c += VL) {
                int tail = b->channels - c < VL ? (int)(b->channels - c) : VL;
                depthwise_tile(b, m, c, tail, 1, 1);
            }
            m++;
        }
    }
    if (b->activation >= TERN__GEMM_SIGMOID)
        for (int64_t m = 0; m < b->rows; m++) activate_row(b->y[m], b->channels, b->activation);
}

V_INLINE void depthwise_outer_tile(const tern__gemm_depthwise *b, int64_t t, int64_t c, int tail,
                                   const int taps, const int vectors) {
    vf sum[DEPTHWISE_ROWS][DEPTHWISE_VECTORS];
    UNROLL_ALL
    for (int i = 0; i < taps; i++) {
        UNROLL_ALL
        for (int j = 0; j < vectors; j++) sum[i][j] = v_zero();
    }
    const float *const *x = b->x + t * b->rows;
    for (int64_t m = 0; m < b->rows; m++) {
        vf dj[DEPTHWISE_VECTORS];
        UNROLL_ALL
        for (int j = 0; j < vectors; j++) dj[j] = load_edge(b->dy[m] + c + j * VL, tail);
        UNROLL_ALL
        for (int i = 0; i < taps; i++) {
            UNROLL_ALL
            for (int j = 0; j < vectors; j++)
                sum[i][j] =
                    v_fma(load_edge(x[i * b->rows + m] + c + j * VL, tail), dj[j], sum[i][j]);
        }
    }
    UNROLL_ALL
    for (int i = 0; i < taps; i++) {
        UNROLL_ALL
        for (int j = 0; j < vectors; j++) {
            float *to = b->dw + (t + i) * b->w_pitch + c + j * VL;
            store_edge(to, load_edge(to, tail) + sum[i][j], tail);
        }
    }
}

static void depthwise_outer(const tern__gemm_depthwise *b) {
    for (int64_t c = 0; c < b->channels;) {
        int64_t left = b->channels - c, t = 0;
        int tail = left < VL ? (int)left : VL;
        bool two = left >= DEPTHWISE_VECTORS * VL;
        for (; t + DEPTHWISE_ROWS <= b->taps; t += DEPTHWISE_ROWS)
            if (two)
                depthwise_outer_tile(b, t, c, VL, DEPTHWISE_ROWS, DEPTHWISE_VECTORS);
            else
                depthwise_outer_tile(b, t, c, tail, DEPTHWISE_ROWS, 1);
        for (; t < b->taps; t++)
            if (two)
                depthwise_outer_tile(b, t, c, VL, 1, DEPTHWISE_VECTORS);
            else
                depthwise_outer_tile(b, t, c, tail, 1, 1);
        c += two ? DEPTHWISE_VECTORS * VL : VL;
    }
}

static void column_sums(double *sum, const float *dy, int64_t count, int64_t columns) {
    for (int64_t m = 0; m < count; m++)
        for (int64_t n = 0; n < columns; n++) sum[n] += (double)dy[m * columns + n];
}

extern const tern__gemm_kernels V_NAME(tern__gemm_kernels);
const tern__gemm_kernels V_NAME(tern__gemm_kernels) = {
    MR, NR, block, outer, depthwise, depthwise_outer, column_sums,
};
