/* Convolutions and dense layers against a loop nest in double precision, at every level of this
 * CPU. Inputs are small integers, so that every sum is exact in float and the comparison is
 * equality; buffers are filled with NaN before and have canaries behind. */
#include "check.h"

#include "core/math/convolution.h"
#include "core/kernels/kernels.h"

typedef struct problem {
    const char *name;
    int spatial;
    int64_t n, c, k, group, in[3], kernel[3], stride[3], dilation[3], pad_begin[3], pad_end[3];
} problem;

#define ONE                                                                                        \
    { 1, 1, 1 }
#define ZERO                                                                                       \
    { 0, 0, 0 }
static const problem problems[] = {
    {"1x1", 2, 2, 5, 7, 1, {4, 3}, ONE, ONE, ONE, ZERO, ZERO},
    {"3x3", 2, 2, 17, 33, 1, {9, 7}, {3, 3}, ONE, ONE, {1, 1}, {1, 1}},
    {"3x3, few channels", 2, 3, 3, 6, 1, {8, 11}, {3, 3}, ONE, ONE, {1, 1}, {1, 1}},
    {"5x5 on one channel", 2, 2, 1, 6, 1, {12, 12}, {5, 5}, ONE, ONE, ZERO, ZERO},
    {"7x7 stride 2", 2, 1, 3, 20, 1, {15, 18}, {7, 7}, {2, 2}, ONE, {3, 3}, {3, 3}},
    {"stride beyond the kernel", 2, 1, 4, 9, 1, {11, 10}, {2, 2}, {3, 4}, ONE, ZERO, ZERO},
    {"dilation", 2, 1, 18, 16, 1, {13, 12}, {3, 3}, ONE, {2, 3}, {2, 3}, {2, 3}},
    {"dilation and stride", 2, 2, 4, 5, 1, {14, 15}, {3, 4}, {2, 4}, {4, 2}, {3, 1}, {2, 3}},
    {"asymmetric pads", 2, 2, 19, 8, 1, {6, 5}, {3, 2}, {2, 1}, ONE, {0, 1}, {2, 0}},
    {"pad at the end only", 2, 1, 2, 3, 1, {5, 5}, {3, 3}, ONE, ONE, ZERO, {2, 1}},
    {"pads beyond the picture", 2, 1, 2, 3, 1, {2, 1}, {3, 3}, ONE, ONE, {4, 4}, {4, 5}},
    {"groups", 2, 2, 12, 18, 3, {6, 6}, {3, 3}, ONE, ONE, {1, 1}, {1, 1}},
    {"depthwise", 2, 2, 37, 37, 37, {7, 6}, {3, 3}, ONE, ONE, {1, 1}, {1, 1}},
    {"depthwise stride 2", 2, 1, 16, 16, 16, {9, 8}, {3, 3}, {2, 2}, ONE, {0, 1}, {1, 1}},
    {"depthwise multiplier 2", 2, 1, 6, 12, 6, {5, 5}, {3, 3}, ONE, ONE, {1, 1}, {1, 1}},
    {"1-D", 1, 2, 20, 35, 1, {50}, {3}, {1}, {1}, {1}, {1}},
    {"1-D, long kernel on one channel", 1, 2, 1, 16, 1, {300}, {80}, {4}, {1}, {0}, {0}},
    {"1-D, long kernel, padded", 1, 1, 1, 10, 1, {61}, {25}, {3}, {1}, {12}, {11}},
    {"1-D over an embedding", 1, 3, 70, 24, 1, {14}, {4}, {1}, {1}, {0}, {0}},
    {"3-D", 3, 1, 3, 10, 1, {5, 6, 7}, {3, 3, 3}, {1, 2, 1}, {1, 1, 2}, {1, 1, 2}, {1, 0, 2}},
    {"deep", 2, 1, 300, 34, 1, {3, 3}, {3, 3}, ONE, ONE, {1, 1}, {1, 1}},
    {"deep 1x1", 2, 1, 600, 40, 1, {5, 3}, ONE, ONE, ONE, ZERO, ZERO},
    {"many positions", 2, 4, 2, 3, 1, {41, 37}, {3, 3}, ONE, ONE, {1, 1}, {1, 1}},
    {"no space", 0, 13, 21, 10, 1, {0}, {0}, {0}, {0}, {0}, {0}},
};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* A tensor of small integers, or NaN; 16 canaries behind. */
static const float canary = -12345.0f;
static float *make(int64_t count, int range, uint64_t stream) {
    float *p = aligned_alloc(64, ((size_t)count * 4 + 16 * 4 + 63) / 64 * 64);
    tern__random r = tern__random_make(7, stream);
    for (int64_t i = 0; i < count; i++)
        p[i] = range ? (float)(tern__random_below(&r, 2 * range + 1) - range) : NAN;
    for (int64_t i = count; i < count + 16; i++) p[i] = canary;
    return p;
}
static void check_canaries(const float *p, int64_t count) {
    for (int64_t i = count; i < count + 16; i++) assert_true(p[i] == canary);
}

/* The problem in three axes, and everything it computes. */
typedef struct reference {
    problem p;
    tern__convolution v;
    int64_t out[3], x_count, y_count, w_count;
    float *x, *w, *b, *dy;
    double *y, *dx, *dw, *db;
} reference;

static void reference_loops(reference *r) {
    const problem *p = &r->p;
    int64_t *in = r->v.in, channels = p->c / p->group, columns = p->k / p->group;
    const int64_t *kernel = r->v.kernel, *stride = r->v.stride, *dilation = r->v.dilation;
    int64_t positions = r->out[0] * r->out[1] * r->out[2],
            elements = kernel[0] * kernel[1] * kernel[2];
    for (int64_t n = 0; n < p->n; n++)
        for (int64_t o = 0; o < positions; o++) {
            int64_t at[3] = {o / r->out[2] / r->out[1], o / r->out[2] % r->out[1], o % r->out[2]};
            for (int64_t k = 0; k < p->k; k++) {
                int64_t yi = (n * positions + o) * p->k + k;
                double dy = r->dy[yi];
                r->y[yi] += r->b[k];
                r->db[k] += dy;
                for (int64_t e = 0; e < elements; e++) {
                    int64_t tap[3] = {e / kernel[2] / kernel[1], e / kernel[2] % kernel[1],
                                      e % kernel[2]};
                    int64_t xi = n;
                    bool inside = true;
                    for (int a = 0; a < 3; a++) {
                        int64_t i = at[a] * stride[a] + tap[a] * dilation[a] - r->v.pad_begin[a];
                        inside = inside && i >= 0 && i < in[a];
                        xi = xi * in[a] + i;
                    }
                    if (!inside) continue;
                    xi = xi * p->c + k / columns * channels;
                    for (int64_t c = 0; c < channels; c++) {
                        int64_t wi = (k * channels + c) * elements + e;
                        r->y[yi] += (double)r->x[xi + c] * r->w[wi];
                        r->dx[xi + c] += dy * r->w[wi];
                        r->dw[wi] += dy * r->x[xi + c];
                    }
                }
            }
        }
}

static tern__convolution describe(const problem *p) {
    tern__convolution v = {
        .spatial = p->spatial, .n = p->n, .c = p->c, .k = p->k, .group = p->group};
    for (int a = 0; a < p->spatial; a++) {
        v.in[a] = p->in[a], v.kernel[a] = p->kernel[a], v.stride[a] = p->stride[a];
        v.dilation[a] = p->dilation[a], v.pad_begin[a] = p->pad_begin[a];
        v.out[a] =
            (p->in[a] + p->pad_begin[a] + p->pad_end[a] - p->dilation[a] * (p->kernel[a] - 1) - 1) /
                p->stride[a] +
            1;
    }
    return v;
}

static reference make_reference(tern_context *c, const problem *p) {
    reference r = {.p = *p, .v = describe(p)};
    check_ok(c, tern__convolution_prepare(c, &r.v));
    memcpy(r.out, r.v.out, sizeof r.out);
    r.x_count = p->n * r.v.in[0] * r.v.in[1] * r.v.in[2] * p->c;
    r.y_count = p->n * r.out[0] * r.out[1] * r.out[2] * p->k;
    r.w_count = p->k * (p->c / p->group) * r.v.kernel[0] * r.v.kernel[1] * r.v.kernel[2];
    r.x = make(r.x_count, 4, 1), r.w = make(r.w_count, 4, 2), r.b = make(p->k, 4, 3);
    r.dy = make(r.y_count, 4, 4);
    r.y = calloc((size_t)r.y_count, 8), r.dx = calloc((size_t)r.x_count, 8);
    r.dw = calloc((size_t)r.w_count, 8), r.db = calloc((size_t)p->k, 8);
    reference_loops(&r);
    return r;
}
static void free_reference(reference *r) {
    free(r->x), free(r->w), free(r->b), free(r->dy);
    free(r->y), free(r->dx), free(r->dw), free(r->db);
}

static void all_passes(tern_context *c, const reference *r) {
    tern__convolution v = describe(&r->p);
    check_ok(c, tern__convolution_prepare(c, &v));
    float *packed = make((int64_t)v.packed_size, 0, 0);
    float *packed_data = make((int64_t)v.packed_data_size, 0, 0);
    size_t size = v.workspace_size;
    if (size < v.data_workspace_size) size = v.data_workspace_size;
    if (size < v.weights_workspace_size) size = v.weights_workspace_size;
    if (size < tern__row_sums_size(v.k)) size = tern__row_sums_size(v.k);
    float *workspace = make((int64_t)size, 0, 0);
    float *y = make(r->y_count, 0, 0), *dx = make(r->x_count, 0, 0);
    float *dw = make(r->w_count, 0, 0), *db = make(v.k, 0, 0);

    tern__convolution_pack(c, &v, r->w, packed);
    check_canaries(packed, (int64_t)v.packed_size);
    tern__epilogue bias = {.bias = r->b};
    tern__convolution_forward(c, &v, r->x, packed, &bias, y, workspace);
    check_floats(y, r->y, (size_t)r->y_count, 0, 0);

    tern__convolution_pack_data(c, &v, r->w, packed_data);
    check_canaries(packed_data, (int64_t)v.packed_data_size);
    tern__convolution_backward_data(c, &v, r->dy, packed_data, NULL, dx, workspace);
    check_floats(dx, r->dx, (size_t)r->x_count, 0, 0);
    tern__convolution_backward_weights(c, &v, r->x, r->dy, dw, false, workspace);
    check_floats(dw, r->dw, (size_t)r->w_count, 0, 0);
    int64_t rows = r->y_count / v.k;
    tern__row_sums(c, rows, v.k, r->dy, db, false, workspace);
    check_floats(db, r->db, (size_t)v.k, 0, 0);

    /* Once more on top: everything doubles; forward adds what start holds, then cuts off below 0.
     */
    tern__epilogue more = {.start = dx},
                   cut = {.start = y, .bias = r->b, .activation = TERN__GEMM_RELU};
    tern__convolution_backward_data(c, &v, r->dy, packed_data, &more, dx, workspace);
    tern__convolution_backward_weights(c, &v, r->x, r->dy, dw, true, workspace);
    tern__row_sums(c, rows, v.k, r->dy, db, true, workspace);
    tern__convolution_forward(c, &v, r->x, packed, &cut, y, workspace);
    for (int64_t i = 0; i < r->x_count; i++) assert_true(dx[i] == 2 * r->dx[i]);
    for (int64_t i = 0; i < r->w_count; i++) assert_true(dw[i] == 2 * r->dw[i]);
    for (int64_t i = 0; i < v.k; i++) assert_true(db[i] == 2 * r->db[i]);
    for (int64_t i = 0; i < r->y_count; i++) assert_true(y[i] == fmax(2 * r->y[i], 0));
    check_canaries(y, r->y_count), check_canaries(dx, r->x_count);
    check_canaries(dw, r->w_count), check_canaries(db, v.k),
        check_canaries(workspace, (int64_t)size);
    free(packed), free(packed_data), free(workspace), free(y), free(dx), free(dw), free(db);
}

static const char *const levels[] = {"generic", "avx2", "avx512"};

static tern_context *make_context(const char *level, int threads) {
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    if (tern__kernels_select(c, level) == TERN_OK) return c; /* else this CPU has no such level */
    tern_context_free(c);
    return NULL;
}

static void matches_loops(void **state) {
    (void)state;
    for (int i = 0; i < PROBLEMS; i++) {
        tern_context *c = make_context("generic", 1);
        print_message("%s\n", problems[i].name); /* the last one printed is the one that failed */
        reference r = make_reference(c, &problems[i]);
        tern_context_free(c);
        for (int level = 0; level < 3; level++)
            for (int threads = 1; threads <= 3; threads++) {
                c = make_context(levels[level], threads);
                if (!c) break;
                all_passes(c, &r);
                tern_context_free(c);
            }
        free_reference(&r);
    }
}

/* Everything computed from numbers whose sums do round: [y][dx][dw][db]. */
static float *rounded_passes(const char *level, int threads, const problem *p, int64_t *count) {
    tern_context *c = make_context(level, threads);
    if (!c) return NULL;
    tern__convolution v = describe(p);
    check_ok(c, tern__convolution_prepare(c, &v));
    int64_t x_count = p->n * v.in[0] * v.in[1] * v.in[2] * p->c;
    int64_t y_count = p->n * v.out[0] * v.out[1] * v.out[2] * p->k;
    int64_t w_count = p->k * (p->c / p->group) * v.kernel[0] * v.kernel[1] * v.kernel[2];
    float *x = make(x_count, 1000, 1), *w = make(w_count, 1000, 2), *dy = make(y_count, 1000, 3);
    for (int64_t i = 0; i < x_count; i++) x[i] /= 777;
    for (int64_t i = 0; i < w_count; i++) w[i] /= 555;
    for (int64_t i = 0; i < y_count; i++) dy[i] /= 333;
    float *packed = make((int64_t)v.packed_size, 0, 0);
    float *packed_data = make((int64_t)v.packed_data_size, 0, 0);
    size_t size = v.workspace_size;
    if (size < v.data_workspace_size) size = v.data_workspace_size;
    if (size < v.weights_workspace_size) size = v.weights_workspace_size;
    if (size < tern__row_sums_size(v.k)) size = tern__row_sums_size(v.k);
    float *workspace = make((int64_t)size, 0, 0);
    *count = y_count + x_count + w_count + p->k;
    float *result = make(*count, 0, 0), *dx = result + y_count, *dw = dx + x_count;
    tern__convolution_pack(c, &v, w, packed);
    tern__convolution_pack_data(c, &v, w, packed_data);
    tern__convolution_forward(c, &v, x, packed, NULL, result, workspace);
    tern__convolution_backward_data(c, &v, dy, packed_data, NULL, dx, workspace);
    tern__convolution_backward_weights(c, &v, x, dy, dw, false, workspace);
    tern__row_sums(c, y_count / p->k, p->k, dy, dw + w_count, false, workspace);
    check_canaries(result, *count);
    free(x), free(w), free(dy), free(packed), free(packed_data), free(workspace);
    tern_context_free(c);
    return result;
}

static void threads_change_no_bit(void **state) {
    (void)state;
    for (int i = 0; i < PROBLEMS; i++)
        for (int level = 0; level < 3; level++) {
            int64_t count;
            float *one = rounded_passes(levels[level], 1, &problems[i], &count);
            for (int threads = 2; one && threads <= 3; threads++) {
                float *many = rounded_passes(levels[level], threads, &problems[i], &count);
                if (memcmp(one, many, (size_t)count * sizeof *one) != 0)
                    fail_msg("%s, %s: %d threads give other bits", problems[i].name, levels[level],
                             threads);
                free(many);
            }
            free(one);
        }
}

/* A batch of four is cut into other tiles and blocks than one image is. */
static void batch_changes_no_bit(void **state) {
    (void)state;
    for (int i = 0; i < PROBLEMS; i++)
        for (int level = 0; level < 3; level++) {
            problem four = problems[i], one = problems[i];
            four.n = 4, one.n = 1;
            int64_t all, single;
            float *whole = rounded_passes(levels[level], 2, &four, &all);
            float *first = rounded_passes(levels[level], 2, &one, &single);
            if (!whole) continue;
            tern__convolution v = describe(&one);
            int64_t y = one.k, x = one.c;
            for (int a = 0; a < v.spatial; a++) y *= v.out[a], x *= v.in[a];
            if (memcmp(whole, first, (size_t)y * sizeof *whole) != 0 ||
                memcmp(whole + 4 * y, first + y, (size_t)x * sizeof *whole) != 0)
                fail_msg("%s, %s: a batch of 4 gives other bits", problems[i].name, levels[level]);
            free(whole), free(first);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_loops),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(batch_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
