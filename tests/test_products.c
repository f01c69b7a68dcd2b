/* Gemm, MatMul, Conv and ConvTranspose as operators: attributes, broadcasting, layouts and fused
 * activations, through the plan and against loop nests in double precision. All numbers are small
 * integers, so equality is exact. Gradients: every operator f is linear in each input, so
 * sum(gradient * d) must be sum(dy * f(.., d, ..)) for any direction d. */
#include "check.h"
#include "core/kernels/kernels.h"
#include "core/plan/plan.h"

enum { INPUTS = 3, MOST = 8 };

typedef struct problem problem;
struct problem {
    const char *op;
    int n_inputs;
    int rank[INPUTS];
    int64_t dims[INPUTS][5];
    tern_attribute attributes[MOST];
    int y_rank;
    int64_t y_dims[5]; /* expected */
    void (*reference)(const problem *p, const double *const x[INPUTS], double *y);
    int extra; /* for the reference: see there */
    int64_t stride, dilation, pad_begin, group;
};

static int64_t count_of(const int64_t *dims, int rank) {
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= dims[i];
    return n;
}

/* extra: 1 transA, 2 transB, 4 alpha 2, 8 beta 3 */
static void gemm(const problem *p, const double *const x[INPUTS], double *y) {
    int64_t m = p->y_dims[0], n = p->y_dims[1], k = p->dims[0][p->extra & 1 ? 0 : 1];
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0, c = 0;
            for (int64_t l = 0; l < k; l++)
                sum += x[0][p->extra & 1 ? l * m + i : i * k + l] *
                       x[1][p->extra & 2 ? j * k + l : l * n + j];
            if (p->n_inputs > 2) {
                int64_t columns = p->rank[2] ? p->dims[2][p->rank[2] - 1] : 1;
                int64_t rows = p->rank[2] > 1 ? p->dims[2][0] : 1;
                c = x[2][(rows > 1 ? i : 0) * columns + (columns > 1 ? j : 0)];
            }
            y[i * n + j] = (p->extra & 4 ? 2 : 1) * sum + (p->extra & 8 ? 3 : 1) * c;
        }
}

/* extra: bits 1 and 2: A, B is a row. Leading dims of Y: at most two. */
static void matmul(const problem *p, const double *const x[INPUTS], double *y) {
    int64_t lead[2] = {1, 1}, m, n, k;
    int leading = p->y_rank - !(p->extra & 1) - !(p->extra & 2);
    for (int i = 0; i < leading; i++) lead[2 - leading + i] = p->y_dims[i];
    k = p->dims[0][p->rank[0] - 1];
    m = p->extra & 1 ? 1 : p->dims[0][p->rank[0] - 2];
    n = p->extra & 2 ? 1 : p->dims[1][p->rank[1] - 1];
    for (int64_t a = 0; a < lead[0]; a++)
        for (int64_t b = 0; b < lead[1]; b++) {
            int64_t at[2];
            for (int i = 0; i < 2; i++) {
                int own = p->rank[i] > 2 ? p->rank[i] - 2 : 0;
                int64_t d1 = own > 0 ? p->dims[i][own - 1] : 1, d0 = own > 1 ? p->dims[i][0] : 1;
                at[i] = ((d0 > 1 ? a : 0) * d1 + (d1 > 1 ? b : 0)) * (i ? k * n : m * k);
            }
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < n; j++) {
                    double sum = 0;
                    for (int64_t l = 0; l < k; l++)
                        sum += x[0][at[0] + i * k + l] * x[1][at[1] + l * n + j];
                    y[((a * lead[1] + b) * m + i) * n + j] = sum;
                }
        }
}

static int64_t one(int64_t value) { return value ? value : 1; } /* 0: not given */

/* Conv (extra 0) and ConvTranspose (extra 1): the same pairs of positions, with the roles changed.
 * One stride, dilation and pad for all axes; NCHW. */
static void convolution(const problem *p, const double *const x[INPUTS], double *y) {
    int spatial = p->rank[0] - 2;
    int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1};
    for (int i = 0; i < spatial; i++) {
        in[3 - spatial + i] = p->dims[0][2 + i], out[3 - spatial + i] = p->y_dims[2 + i];
        kernel[3 - spatial + i] = p->dims[1][2 + i];
    }
    int64_t xs = count_of(in, 3), ys = count_of(out, 3), ws = count_of(kernel, 3);
    int64_t xc = p->dims[0][1], yc = p->y_dims[1], xg = xc / one(p->group), yg = yc / one(p->group);
    for (int64_t i = 0; i < p->dims[0][0] * yc * ys; i++)
        y[i] = p->n_inputs > 2 ? x[2][i / ys % yc] : 0;
    for (int64_t i = 0; i < xs; i++)
        for (int64_t o = 0; o < ys; o++)
            for (int64_t e = 0; e < ws; e++) {
                bool meet = true;
                int64_t ri = i, ro = o, re = e;
                for (int a = 2; a >= 0; a--) {
                    int64_t small = (p->extra ? ri % in[a] : ro % out[a]),
                            large = (p->extra ? ro % out[a] : ri % in[a]);
                    int64_t offset =
                        a < 3 - spatial ? 0 : re % kernel[a] * one(p->dilation) - p->pad_begin;
                    meet = meet && small * (a < 3 - spatial ? 1 : one(p->stride)) + offset == large;
                    ri /= in[a], ro /= out[a], re /= kernel[a];
                }
                if (!meet) continue;
                for (int64_t n = 0; n < p->dims[0][0]; n++)
                    for (int64_t k = 0; k < yc; k++)
                        for (int64_t c = 0; c < xg; c++) {
                            int64_t ci = k / yg * xg + c;
                            int64_t w =
                                p->extra ? (ci * yg + k % yg) * ws + e : (k * xg + c) * ws + e;
                            y[(n * yc + k) * ys + o] += x[0][(n * xc + ci) * xs + i] * x[1][w];
                        }
            }
}

static const int64_t ones[] = {1, 1, 1, 1}, twos[] = {2, 2}, threes[] = {3, 3}, tens[] = {10, 10};

static const problem *problems(int *count) {
    static problem list[64];
    int n = 0;
#define GEMM(x, inputs, ...)                                                                       \
    list[n++] = (problem){                                                                         \
        .op = "Gemm", .n_inputs = inputs, .y_rank = 2, .reference = gemm, .extra = x, __VA_ARGS__}
    GEMM(0, 2, .rank = {2, 2}, .dims = {{5, 7}, {7, 9}}, .y_dims = {5, 9});
    GEMM(2, 3, .rank = {2, 2, 1}, .dims = {{1, 33}, {18, 33}, {18}}, .y_dims = {1, 18},
         .attributes = {TERN_INT("transB", 1)});
    GEMM(3, 3, .rank = {2, 2, 2}, .dims = {{6, 13}, {4, 6}, {13, 4}}, .y_dims = {13, 4},
         .attributes = {TERN_INT("transA", 1), TERN_INT("transB", 1)});
    GEMM(1 | 4 | 8, 3, .rank = {2, 2, 2}, .dims = {{6, 13}, {6, 20}, {13, 1}}, .y_dims = {13, 20},
         .attributes = {TERN_INT("transA", 1), TERN_REAL("alpha", 2), TERN_REAL("beta", 3)});
    GEMM(2 | 4, 3, .rank = {2, 2, 2}, .dims = {{4, 3}, {17, 3}, {1, 17}}, .y_dims = {4, 17},
         .attributes = {TERN_INT("transB", 1), TERN_REAL("alpha", 2)});
    GEMM(8, 3, .rank = {2, 2, 0}, .dims = {{4, 3}, {3, 2}}, .y_dims = {4, 2},
         .attributes = {TERN_REAL("beta", 3)});
    GEMM(0, 3, .rank = {2, 2, 1}, .dims = {{4, 3}, {3, 2}, {1}}, .y_dims = {4, 2});
#define MATMUL(x, ...)                                                                             \
    list[n++] =                                                                                    \
        (problem){.op = "MatMul", .n_inputs = 2, .reference = matmul, .extra = x, __VA_ARGS__}
    MATMUL(0, .rank = {2, 2}, .dims = {{3, 8}, {8, 19}}, .y_rank = 2, .y_dims = {3, 19});
    MATMUL(1, .rank = {1, 2}, .dims = {{8}, {8, 5}}, .y_rank = 1, .y_dims = {5});
    MATMUL(2, .rank = {2, 1}, .dims = {{4, 8}, {8}}, .y_rank = 1, .y_dims = {4});
    MATMUL(3, .rank = {1, 1}, .dims = {{8}, {8}}, .y_rank = 0);
    MATMUL(0, .rank = {3, 2}, .dims = {{3, 4, 6}, {6, 5}}, .y_rank = 3, .y_dims = {3, 4, 5});
    MATMUL(0, .rank = {2, 3}, .dims = {{4, 6}, {3, 6, 5}}, .y_rank = 3, .y_dims = {3, 4, 5});
    MATMUL(0, .rank = {4, 4}, .dims = {{2, 1, 4, 6}, {1, 3, 6, 5}}, .y_rank = 4,
           .y_dims = {2, 3, 4, 5});
    MATMUL(0, .rank = {4, 3}, .dims = {{2, 3, 4, 6}, {1, 6, 5}}, .y_rank = 4,
           .y_dims = {2, 3, 4, 5});
    MATMUL(2, .rank = {3, 1}, .dims = {{3, 4, 6}, {6}}, .y_rank = 2, .y_dims = {3, 4});
#define CONV(name, x, inputs, ...)                                                                 \
    list[n++] = (problem){                                                                         \
        .op = name, .n_inputs = inputs, .reference = convolution, .extra = x, __VA_ARGS__}
    CONV("Conv", 0, 3, .rank = {4, 4, 1}, .dims = {{2, 3, 7, 6}, {5, 3, 3, 3}, {5}}, .y_rank = 4,
         .y_dims = {2, 5, 7, 6}, .pad_begin = 1, .attributes = {TERN_INTS("pads", ones, 4)});
    CONV("Conv", 0, 2, .rank = {4, 4}, .dims = {{2, 4, 8, 9}, {6, 2, 3, 2}}, .y_rank = 4,
         .y_dims = {2, 6, 4, 5}, .stride = 2, .group = 2, .pad_begin = 0,
         .attributes = {TERN_STRING("auto_pad", "SAME_UPPER"), TERN_INTS("strides", twos, 2),
                        TERN_INT("group", 2)});
    CONV("Conv", 0, 3, .rank = {3, 3, 1}, .dims = {{2, 3, 20}, {4, 3, 5}, {4}}, .y_rank = 3,
         .y_dims = {2, 4, 12}, .dilation = 2, .attributes = {TERN_INTS("dilations", twos, 1)});
    CONV("Conv", 0, 2, .rank = {5, 5}, .dims = {{1, 2, 4, 5, 4}, {3, 2, 2, 2, 2}}, .y_rank = 5,
         .y_dims = {1, 3, 3, 4, 3});
    CONV("ConvTranspose", 1, 3, .rank = {4, 4, 1}, .dims = {{2, 6, 4, 5}, {6, 3, 2, 2}, {3}},
         .y_rank = 4, .y_dims = {2, 3, 8, 10}, .stride = 2,
         .attributes = {TERN_INTS("strides", twos, 2)});
    CONV("ConvTranspose", 1, 3, .rank = {4, 4, 1}, .dims = {{1, 4, 5, 4}, {4, 3, 3, 3}, {6}},
         .y_rank = 4, .y_dims = {1, 6, 10, 8}, .stride = 2, .group = 2, .pad_begin = 1,
         .attributes = {TERN_INTS("strides", twos, 2), TERN_INTS("pads", ones, 4),
                        TERN_INTS("output_padding", ones, 2), TERN_INT("group", 2)});
    CONV("ConvTranspose", 1, 2, .rank = {3, 3}, .dims = {{2, 3, 7}, {3, 2, 4}}, .y_rank = 3,
         .y_dims = {2, 2, 21}, .stride = 3, .pad_begin = 0,
         .attributes = {TERN_INTS("strides", threes, 1), TERN_STRING("auto_pad", "SAME_UPPER")});
    CONV("ConvTranspose", 1, 2, .rank = {3, 3}, .dims = {{1, 5, 6}, {5, 4, 3}}, .y_rank = 3,
         .y_dims = {1, 4, 10}, .dilation = 2, .attributes = {TERN_INTS("dilations", twos, 1)});
    CONV("ConvTranspose", 1, 2, .rank = {4, 4}, .dims = {{1, 2, 3, 3}, {2, 2, 3, 3}}, .y_rank = 4,
         .y_dims = {1, 2, 10, 10}, .stride = 3,
         .attributes = {TERN_INTS("strides", threes, 2), TERN_INTS("output_shape", tens, 2)});
    *count = n;
    return list;
}

static double *integers(int64_t count, uint64_t stream) {
    double *x = calloc((size_t)count + 1, sizeof *x);
    tern__random r = tern__random_make(3, stream);
    for (int64_t i = 0; i < count; i++) x[i] = (double)tern__random_below(&r, 7) - 3;
    return x;
}

static tern_context *open_context(const char *level, int threads) {
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    if (tern__kernels_select(c, level) == TERN_OK) return c;
    tern_context_free(c);
    return NULL;
}

/* Y and the gradients of all inputs through a training plan; weights are inputs of the graph. relu:
 * Y goes through Relu, which the plan fuses. */
static void check_plan(tern_context *c, const problem *p, double *x[INPUTS], const double *y,
                       const double *dy) {
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_value values[INPUTS], out;
    tern_tensor tensors[INPUTS];
    tern__shape shapes[INPUTS];
    int64_t y_count = count_of(p->y_dims, p->y_rank);
    for (int i = 0; i < p->n_inputs; i++) {
        int64_t n = count_of(p->dims[i], p->rank[i]);
        float *data = calloc((size_t)n, sizeof *data);
        for (int64_t k = 0; k < n; k++) data[k] = (float)x[i][k];
        tensors[i] = (tern_tensor){.type = TERN_FLOAT, .rank = p->rank[i], .data = data};
        shapes[i] = (tern__shape){.type = TERN_FLOAT, .rank = p->rank[i]};
        memcpy(tensors[i].dims, p->dims[i], sizeof p->dims[i]);
        memcpy(shapes[i].dims, p->dims[i], sizeof p->dims[i]);
        values[i] = tern_input(g, (const char *[]){"a", "b", "c"}[i], p->rank[i], p->dims[i]);
    }
    size_t n_attributes = 0;
    while (n_attributes < MOST && p->attributes[n_attributes].name) n_attributes++;
    tern_apply(g, p->op, "op", values, (size_t)p->n_inputs, p->attributes, n_attributes, &out, 1);
    tern_output(g, "y", out);
    check_ok(c, tern_graph_check(g));
    int64_t dims[TERN_MAX_RANK];
    assert_int_equal(tern_value_shape(out, dims), p->y_rank);
    for (int i = 0; i < p->y_rank; i++) assert_int_equal(dims[i], p->y_dims[i]);
    tern__plan *plan;
    tern__plan_options o = {
        .training = true, .seeded = (bool[]){true}, .input_gradients = true, .poison = true};
    check_ok(c, tern__plan_create(&plan, g, shapes, &o));
    check_ok(c, tern__plan_forward(plan, tensors, 0, 0));
    const tern__tensor *result = tern__plan_output(plan, 0);
    check_floats(result->data, y, (size_t)y_count, 0, 0);
    float *seed = tern__plan_output_gradient(plan, 0);
    for (int64_t i = 0; i < y_count; i++) seed[i] = (float)dy[i];
    tern__plan_backward(plan);
    for (int i = 0; i < p->n_inputs; i++) {
        const float *gradient = tern__plan_input_gradient(plan, i)->data;
        int64_t n = count_of(p->dims[i], p->rank[i]);
        double *moved = calloc((size_t)y_count, sizeof *moved);
        for (int trial = 0; trial < 12; trial++) {
            double *direction = integers(n, 100 + (uint64_t)trial);
            const double *with[INPUTS] = {x[0], x[1], NULL};
            double *none = p->n_inputs > 2
                               ? calloc((size_t)count_of(p->dims[2], p->rank[2]), sizeof *none)
                               : NULL;
            double *nothing = calloc((size_t)count_of(p->dims[0], p->rank[0]), sizeof *nothing);
            with[2] = none;
            if (i == 2) with[0] = nothing; /* only the bias is left */
            with[i] = direction;
            p->reference(p, with, moved);
            double expected = 0, sum = 0;
            for (int64_t k = 0; k < y_count; k++) expected += moved[k] * dy[k];
            for (int64_t k = 0; k < n; k++) sum += (double)gradient[k] * direction[k];
            if (!(sum == expected)) fail_msg("%s: gradient of input %d is wrong", p->op, i);
            free(direction), free(none), free(nothing);
        }
        free(moved);
    }
    for (int i = 0; i < p->n_inputs; i++) free(tensors[i].data);
    tern__plan_free(plan);
    tern_graph_free(g);
}

static void operators_match_loops(void **state) {
    (void)state;
    int count;
    const problem *list = problems(&count);
    for (int i = 0; i < count; i++) {
        const problem *p = &list[i];
        int64_t y_count = count_of(p->y_dims, p->y_rank);
        double *x[INPUTS] = {NULL};
        for (int k = 0; k < p->n_inputs; k++)
            x[k] = integers(count_of(p->dims[k], p->rank[k]), (uint64_t)k);
        double *y = calloc((size_t)y_count, sizeof *y), *dy = integers(y_count, 9);
        p->reference(p, (const double *const *)x, y);
        print_message("%s %d\n", p->op, i); /* the last one printed is the one that failed */
        const char *const levels[] = {"generic", "avx2", "avx512"};
        for (int level = 0; level < 3; level++)
            for (int threads = 1; threads <= 2; threads++) {
                tern_context *c = open_context(levels[level], threads);
                if (!c) continue;
                check_plan(c, p, x, y, dy);
                tern_context_free(c);
            }
        for (int k = 0; k < INPUTS; k++) free(x[k]);
        free(y), free(dy);
    }
}

/* Wrong shapes give sentences. */
static void wrong_shapes_are_named(void **state) {
    (void)state;
    static const struct {
        const char *op;
        int n_inputs, rank[3];
        int64_t dims[3][5];
        tern_attribute attribute;
        const char *sentence;
    } wrong[] = {
        {"Conv",
         2,
         {4, 4},
         {{1, 16, 8, 8}, {64, 32, 3, 3}},
         TERN_INT("group", 1),
         "Conv 'op': input has 16 channels but weight 64x32x3x3 expects 32 (group=1)"},
        {"Conv",
         2,
         {4, 4},
         {{1, 4, 8, 8}, {6, 1, 3, 3}},
         TERN_INT("group", 4),
         "group 4 does not divide"},
        {"Conv",
         2,
         {4, 3},
         {{1, 4, 8, 8}, {6, 4, 3}},
         TERN_INT("group", 1),
         "same 1 to 3 spatial axes"},
        {"Conv",
         3,
         {4, 4, 1},
         {{1, 4, 8, 8}, {6, 4, 3, 3}, {5}},
         TERN_INT("group", 1),
         "must be [6]"},
        {"Conv", 2, {4, 4}, {{1, 4, 2, 8}, {6, 4, 3, 3}}, TERN_INT("group", 1), "does not fit"},
        {"ConvTranspose", 2, {3, 3}, {{1, 4, 2}, {3, 4, 3}}, TERN_INT("group", 1), "expects 3"},
        {"Gemm", 2, {2, 2}, {{3, 4}, {5, 6}}, TERN_INT("transB", 0), "do not fit"},
        {"Gemm", 3, {2, 2, 1}, {{3, 4}, {4, 6}, {5}}, TERN_INT("transB", 0), "cannot be broadcast"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tern_context *c = open_context("generic", 1);
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        tern_value x[3], y;
        for (int k = 0; k < wrong[i].n_inputs; k++)
            x[k] = tern_input(g, (const char *[]){"a", "b", "c"}[k], wrong[i].rank[k],
                              wrong[i].dims[k]);
        tern_apply(g, wrong[i].op, "op", x, (size_t)wrong[i].n_inputs, &wrong[i].attribute, 1, &y,
                   1);
        check_error(c, TERN_ERR_SHAPE, wrong[i].sentence, tern_graph_check(g));
        tern_graph_free(g);
        tern_context_free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_match_loops),
        cmocka_unit_test(wrong_shapes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
