/* Every number that the lectures print about networks, computed by real ones. Pictures are written
 * as rows of digits, as on the blackboard. */
#include "one_context.h"
#include "core/plan/plan.h"

#include <tern/tern.h>

static tern_graph *new_graph(void) {
    tern_graph *g;
    check_ok(context, tern_graph_create(&g, context));
    return g;
}

static const tern_value no_bias = {0};

/* "10102/11321" -> floats; returns how many. */
static int digits(const char *text, float *x) {
    int n = 0;
    for (; *text; text++)
        if (*text != '/') x[n++] = (float)(*text - '0');
    return n;
}

/* Runs a graph of one input and one output, which must then equal `expected`; frees the graph. */
static void check_output(tern_graph *g, int rank, const int64_t *dims, const float *x,
                         const double *expected, size_t count, double tolerance) {
    tern_model *m;
    tern_session *s;
    check_ok(context, tern_graph_check(g));
    check_ok(context, tern_model_create(&m, g));
    check_ok(context, tern_session_create(&s, m));
    tern_tensor in = {.type = TERN_FLOAT, .rank = rank, .data = (void *)(uintptr_t)x}, y;
    memcpy(in.dims, dims, (size_t)rank * sizeof *dims);
    tern_status status = tern_session_run(s, &in, 1, &y, 1);
    if (status) fail_msg("%s", tern_session_message(s));
    size_t elements = 1;
    for (int i = 0; i < y.rank; i++) elements *= (size_t)y.dims[i];
    assert_int_equal(elements, count);
    check_floats((const float *)y.data, expected, count, tolerance, 0);
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
}

static tern_value kernel_of(tern_graph *g, int64_t out, int64_t in, int64_t h, int64_t w,
                            const float *data) {
    return tern_constant(g, "kernel", TERN_FLOAT, 4, (int64_t[]){out, in, h, w}, data);
}

/* A picture of `channels` [h, w] convolved (correlated) with one kernel for all channels of a
 * group. */
static void check_conv(const float *picture, int64_t channels, int64_t h, int64_t w,
                       const float *kernel, int64_t kh, int64_t kw, int64_t group,
                       const double *expected) {
    tern_graph *g = new_graph();
    int64_t dims[4] = {1, channels, h, w};
    tern_value x = tern_input(g, "x", 4, dims);
    tern_value y = tern_conv_with(x, kernel_of(g, group, channels / group, kh, kw, kernel), no_bias,
                                  (tern_conv_options){.kernel_shape = {kh, kw}, .group = group});
    tern_output(g, "y", y);
    check_output(g, 4, dims, picture, expected, (size_t)(group * (h - kh + 1) * (w - kw + 1)),
                 1e-6);
}

/* ---- 001: several channels ---- */

static const char table_picture[] = "10102/11321/11011/23213/02010/"
                                    "10010/20120/31130/03032/10321/"
                                    "20121/33132/21110/31320/11211";
static const char table_kernel[] = "010/002/010/210/000/030/100/100/002";

static void multichannel_table(void **state) {
    (void)state;
    float picture[75], kernel[27], flipped[27];
    assert_int_equal(digits(table_picture, picture), 75);
    assert_int_equal(digits(table_kernel, kernel), 27);
    const double maps[27] = {7, 5, 3,  4,  7, 5,  7, 2,  8, /* channel 1 */
                             5, 3, 10, 13, 1, 13, 7, 12, 11, 7, 5, 2, 11, 8, 2, 9, 4, 6};
    const double sum[9] = {19, 13, 15, 28, 16, 20, 23, 18, 25};
    check_conv(picture, 3, 5, 5, kernel, 3, 3, 3, maps);
    check_conv(picture, 3, 5, 5, kernel, 3, 3, 1, sum);
    /* The definition with a flipped kernel gives other numbers: the table means correlation. */
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 9; i++) flipped[9 * c + i] = kernel[9 * c + 8 - i];
    const double convolution[9] = {12, 14, 17, 19, 25, 18, 25, 21, 22};
    check_conv(picture, 3, 5, 5, flipped, 3, 3, 1, convolution);
}

/* ---- 001: the X ---- */

static const char x_picture[] = "01010/00100/11011/11111/01110";
static const char x_filters[] = "100/010/001/111/111/111/001/010/100";

/* Three filters, then a 1x1 filter over their maps. */
static tern_graph *x_detector(const float *mix, const int64_t *dims) {
    tern_graph *g = new_graph();
    float filters[27];
    digits(x_filters, filters);
    tern_value x = tern_input(g, "x", 4, dims);
    x = tern_conv_with(x, kernel_of(g, 3, 1, 3, 3, filters), no_bias,
                       (tern_conv_options){.kernel_shape = {3, 3}});
    tern_value one = tern_constant(g, "mix", TERN_FLOAT, 4, (int64_t[]){1, 3, 1, 1}, mix);
    tern_output(g, "y",
                tern_conv_with(x, one, no_bias, (tern_conv_options){.kernel_shape = {1, 1}}));
    return g;
}

static void filters_for_an_x(void **state) {
    (void)state;
    float picture[25], filters[27];
    digits(x_picture, picture);
    digits(x_filters, filters);
    const double maps[27] = {0, 3, 1, 2, 1, 3, 3, 3, 1, 4, 5, 4, 6, 6,
                             6, 7, 8, 7, 1, 3, 0, 3, 1, 2, 1, 3, 3};
    const int64_t dims[4] = {1, 1, 5, 5};
    tern_graph *g = new_graph();
    tern_value x = tern_input(g, "x", 4, dims);
    tern_output(g, "y",
                tern_conv_with(x, kernel_of(g, 3, 1, 3, 3, filters), no_bias,
                               (tern_conv_options){.kernel_shape = {3, 3}}));
    check_output(g, 4, dims, picture, maps, 27, 0);
    const double lecture[9] = {-3, 1, -3, -1, -4, -1, -3, -2, -3};
    check_output(x_detector((float[]){1, -1, 1}, dims), 4, dims, picture, lecture, 9, 0);
    const float same[9] = {0, -1, 0, -1, 1, -1, 0, -1, 0}; /* one kernel that does it all */
    check_conv(picture, 1, 5, 5, same, 3, 3, 1, lecture);
    /* (1, -1, 1) does not weigh the corners; (2, -1, 2) does. */
    const double honest[9] = {-2, 7, -2, 4, -2, 4, 1, 4, 1};
    check_output(x_detector((float[]){2, -1, 2}, dims), 4, dims, picture, honest, 9, 0);
    const float honest_kernel[9] = {1, -1, 1, -1, 3, -1, 1, -1, 1};
    check_conv(picture, 1, 5, 5, honest_kernel, 3, 3, 1, honest);
}

/* Over all 512 binary 3x3 pictures: how many score as high as the X, none higher. */
static void check_rivals(const float *mix, double score, int rivals) {
    static float pictures[512][9];
    double expected[512];
    const int64_t dims[4] = {512, 1, 3, 3};
    const float w = mix[0];
    int equal = 0;
    for (int k = 0; k < 512; k++) {
        for (int i = 0; i < 9; i++) pictures[k][i] = (float)(k >> i & 1);
        const float *p = pictures[k];
        double corners = p[0] + p[2] + p[6] + p[8], edges = p[1] + p[3] + p[5] + p[7];
        expected[k] = w * (corners + 2 * p[4]) - (corners + edges + p[4]);
        assert_true(expected[k] <= score);
        equal += expected[k] == score;
    }
    assert_int_equal(equal, rivals);
    check_output(x_detector(mix, dims), 4, dims, pictures[0], expected, 512, 0);
}

static void only_the_honest_detector_knows_the_x(void **state) {
    (void)state;
    check_rivals((float[]){1, -1, 1}, 1, 16);
    check_rivals((float[]){2, -1, 2}, 7, 1);
}

/* ---- 004: the four paddings ---- */

static void paddings(void **state) {
    (void)state;
    static const struct {
        const char *mode;
        double expected[7];
    } modes[] = {{"constant", {0, 0, 1, 2, 3, 0, 0}},
                 {"reflect", {3, 2, 1, 2, 3, 2, 1}},
                 {"edge", {1, 1, 1, 2, 3, 3, 3}},
                 {"wrap", {2, 3, 1, 2, 3, 1, 2}}};
    const float x[3] = {1, 2, 3};
    const int64_t dims[3] = {1, 1, 3};
    for (int i = 0; i < 4; i++) {
        tern_graph *g = new_graph();
        tern_value v = tern_input(g, "x", 3, dims);
        tern_output(g, "y", tern_pad(v, (int64_t[]){0, 0, 2, 0, 0, 2}, modes[i].mode));
        check_output(g, 3, dims, x, modes[i].expected, 7, 0);
    }
}

/* ---- pooling ---- */

static void check_pooling(const float *picture, const double *largest, const double *smallest,
                          const double *mean, const double *sum) {
    tern_value (*const pools[4])(tern_value, int64_t, int64_t) = {tern_max_pool, tern_min_pool,
                                                                  tern_average_pool, tern_sum_pool};
    const double *expected[4] = {largest, smallest, mean, sum};
    const int64_t dims[4] = {1, 1, 4, 4};
    for (int i = 0; i < 4; i++) {
        tern_graph *g = new_graph();
        tern_output(g, "y", pools[i](tern_input(g, "x", 4, dims), 2, 2));
        check_output(g, 4, dims, picture, expected[i], 4, 0);
    }
}

static void pooling_blocks(void **state) {
    (void)state;
    float first[16], second[16];
    digits("4315/1348/4543/6594", first);
    digits("1124/5678/3210/1234", second);
    const float third[16] = {2, 3, 2, 0, 5, -2, 2, 8, -1, -6, 7, 3, -4, -5, 4, 2};
    check_pooling(first, (double[]){4, 8, 6, 9}, (double[]){1, 1, 4, 3},
                  (double[]){2.75, 4.5, 5, 5}, (double[]){11, 18, 20, 20});
    check_pooling(second, (double[]){6, 8, 3, 4}, (double[]){1, 2, 1, 0},
                  (double[]){3.25, 5.25, 2, 2}, (double[]){13, 21, 8, 8});
    check_pooling(third, (double[]){5, 8, -1, 7}, (double[]){-2, 0, -6, 2}, (double[]){2, 3, -4, 4},
                  (double[]){8, 12, -16, 16});
}

/* A block of negative numbers: padding is -infinity for the maximum, not 0. */
static void padding_never_wins(void **state) {
    (void)state;
    const float x[4] = {-1, -6, -4, -5};
    const int64_t dims[4] = {1, 1, 2, 2};
    tern_graph *g = new_graph();
    tern_value v = tern_input(g, "x", 4, dims);
    tern_output(g, "y",
                tern_max_pool_with(v, (tern_pool_options){.kernel_shape = {2, 2},
                                                          .strides = {2, 2},
                                                          .pads = {1, 1, 1, 1}}));
    check_output(g, 4, dims, x, (double[]){-1, -6, -4, -5}, 4, 0);
}

/* Gradients of a graph's output by its only input, all seeds 1. */
static void check_gradient(tern_graph *g, const int64_t *dims, float *x, const double *expected,
                           size_t count) {
    tern__shape shape = {TERN_FLOAT, 4, {dims[0], dims[1], dims[2], dims[3]}};
    tern__plan *p;
    check_ok(context, tern__plan_create(&p, g, &shape,
                                        &(tern__plan_options){.training = true,
                                                              .input_gradients = true,
                                                              .seeded = (bool[]){true},
                                                              .poison = true}));
    tern_tensor in = {TERN_FLOAT, 4, {dims[0], dims[1], dims[2], dims[3]}, x};
    check_ok(context, tern__plan_forward(p, &in, 0, 0));
    for (int64_t i = 0; i < tern__plan_output(p, 0)->count; i++)
        tern__plan_output_gradient(p, 0)[i] = 1;
    tern__plan_backward(p);
    check_floats((const float *)tern__plan_input_gradient(p, 0)->data, expected, count, 0, 0);
    tern__plan_free(p);
    tern_graph_free(g);
}

static void max_pool_gradient_goes_to_the_maximum(void **state) {
    (void)state;
    float x[16];
    digits("1124/5678/3210/1234", x);
    const int64_t dims[4] = {1, 1, 4, 4};
    tern_graph *g = new_graph();
    tern_output(g, "y", tern_max_pool(tern_input(g, "x", 4, dims), 2, 2));
    /* (2,2), (2,4), (3,1), (4,4), counted from 1 */
    const double expected[16] = {0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1};
    check_gradient(g, dims, x, expected, 16);
}

/* ResNet: y = F(x) + x, dy/dx = dF/dx + 1. */
static void residual_gradient(void **state) {
    (void)state;
    float x[4] = {1, 2, 3, 4};
    const int64_t dims[4] = {1, 1, 2, 2};
    tern_graph *g = new_graph();
    tern_value v = tern_input(g, "x", 4, dims);
    tern_value f = tern_conv_with(v, kernel_of(g, 1, 1, 1, 1, (float[]){3}), no_bias,
                                  (tern_conv_options){.kernel_shape = {1, 1}});
    tern_output(g, "y", tern_add(f, v));
    check_gradient(g, dims, x, (double[]){4, 4, 4, 4}, 4);
}

/* ---- 003: kernels on a step ---- */

static void kernels_on_a_step(void **state) {
    (void)state;
    float step[25];
    digits("00111/00111/00111/00111/00111", step);
    static const struct {
        float kernel[9], factor;
        double sum, row[3];
    } kernels[] = {
        {{1, 0, -1, 0, 0, 0, -1, 0, 1}, 1, 0, {0, 0, 0}},
        {{0, -1, 0, -1, 4, -1, 0, -1, 0}, 1, 0, {-1, 1, 0}},
        {{-1, -1, -1, -1, 8, -1, -1, -1, -1}, 1, 0, {-3, 3, 0}},
        {{0, -1, 0, -1, 5, -1, 0, -1, 0}, 1, 1, {-1, 2, 1}},
        {{1, 1, 1, 1, 1, 1, 1, 1, 1}, 1 / 9.0f, 1, {3 / 9.0, 6 / 9.0, 1}},
        {{1, 2, 1, 2, 4, 2, 1, 2, 1}, 1 / 16.0f, 1, {4 / 16.0, 12 / 16.0, 1}},
    };
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
        float kernel[9];
        double sum = 0, expected[9];
        for (int i = 0; i < 9; i++) {
            kernel[i] = kernels[k].kernel[i] * kernels[k].factor;
            sum += kernel[i];
            expected[i] = kernels[k].row[i % 3];
        }
        check_close(sum, kernels[k].sum, 1e-6, 0);
        check_conv(step, 1, 5, 5, kernel, 3, 3, 1, expected);
    }
}

static void one_and_two_channels(void **state) {
    (void)state;
    const float x[18] = {0.5f, 0, 1, 0.5f, 1, 0, 1, 0.5f, 0, /* second channel */ 1,
                         0.5f, 0, 0, 0.5f, 1, 1, 0, 1};
    const float theta[8] = {1, 2, 3, 4, 1, 2, 3, 4};
    check_conv(x, 1, 3, 3, theta, 2, 2, 1, (double[]){6, 5, 7.5, 2.5});
    check_conv(x, 2, 3, 3, theta, 2, 2, 1, (double[]){10, 11, 11.5, 9});
}

/* ---- 003: sequences ---- */

/* y_T = 0.5 y_(T-1) - y_(T-2): a kernel (-1, 0.5) over the past. */
static void next_value_of_a_sequence(void **state) {
    (void)state;
    const float y[4] = {1, 2, 4, 7}, theta[2] = {-1, 0.5f};
    const int64_t dims[3] = {1, 1, 4};
    tern_graph *g = new_graph();
    tern_value w = tern_constant(g, "theta", TERN_FLOAT, 3, (int64_t[]){1, 1, 2}, theta);
    tern_output(g, "next",
                tern_conv_with(tern_input(g, "y", 3, dims), w, no_bias,
                               (tern_conv_options){.kernel_shape = {2}}));
    check_output(g, 3, dims, y, (double[]){0, 0, -0.5}, 3, 0);
}

/* `words` words of `length` numbers 1, 2, 3, ... and a window of `window` words: one row of all
 * numbers with a stride of a word, or one channel per number of a word, give the same. */
static void check_words(int64_t words, int64_t length, int64_t window, const double *expected) {
    float y[12];
    for (int i = 0; i < 12; i++) y[i] = (float)(i + 1);
    const float w[6] = {1, -1, 2, 0, 3, 1};
    size_t outputs = (size_t)(words - window + 1);
    tern_graph *g = new_graph();
    const int64_t row[3] = {1, 1, words * length};
    tern_value k = tern_constant(g, "w", TERN_FLOAT, 3, (int64_t[]){1, 1, 6}, w);
    tern_output(g, "z",
                tern_conv_with(tern_input(g, "y", 3, row), k, no_bias,
                               (tern_conv_options){.kernel_shape = {6}, .strides = {length}}));
    check_output(g, 3, row, y, expected, outputs, 0);
    g = new_graph();
    const int64_t sentence[3] = {1, words, length};
    tern_value v = tern_transpose(tern_input(g, "y", 3, sentence), (int64_t[]){0, 2, 1});
    float by_channel[6];
    for (int64_t i = 0; i < 6; i++) by_channel[i % length * window + i / length] = w[i];
    k = tern_constant(g, "w", TERN_FLOAT, 3, (int64_t[]){1, length, window}, by_channel);
    tern_output(g, "z",
                tern_conv_with(v, k, no_bias, (tern_conv_options){.kernel_shape = {window}}));
    check_output(g, 3, sentence, y, expected, outputs, 0);
}

/* Windows of 6 numbers: 26 and then 12 more per word of 2, 18 more per word of 3. */
static void words_by_stride_or_by_channels(void **state) {
    (void)state;
    check_words(4, 2, 3, (double[]){26, 38});
    check_words(4, 3, 2, (double[]){26, 44, 62});
}

/* ---- counting weights ---- */

static int64_t weights_of(const tern_graph *g) {
    int64_t count = 0;
    for (size_t i = 0; i < g->n_values; i++)
        if (g->values[i].kind == TERN__PARAMETER) count += tern__shape_count(&g->values[i].shape);
    return count;
}

static void check_weights(tern_graph *g, tern_value y, int64_t weights, int rank,
                          const int64_t *dims) {
    int64_t got[TERN_MAX_RANK];
    check_ok(context, tern_graph_check(g));
    assert_int_equal(tern_value_shape(y, got), rank);
    for (int i = 0; i < rank; i++) assert_int_equal(got[i], dims[i]);
    assert_int_equal(weights_of(g), weights);
    tern_graph_free(g);
}

static void weights_of_the_lectures_networks(void **state) {
    (void)state;
    for (int bias = 0; bias < 2; bias++) { /* 001: 374 weights, 381 with biases */
        tern_graph *g = new_graph();
        tern_value x = tern_input(g, "x", 4, (int64_t[]){1, 3, 10, 10});
        x = tern_conv(x, 4, (tern_conv_options){.kernel_shape = {5, 5}, .no_bias = !bias});
        x = tern_max_pool(x, 2, 2);
        x = tern_conv(x, 2, (tern_conv_options){.kernel_shape = {3, 3}, .no_bias = !bias});
        x = tern_conv(x, 1, (tern_conv_options){.kernel_shape = {1, 1}, .no_bias = !bias});
        check_weights(g, x, bias ? 381 : 374, 4, (int64_t[]){1, 1, 1, 1});
        /* 002: 6 filters 5x5x3 on 32x32x3, then 10 filters 5x5x6; a 1x1 layer from 64 to 32 */
        g = new_graph();
        x = tern_input(g, "x", 4, (int64_t[]){1, 3, 32, 32});
        x = tern_conv(x, 6, (tern_conv_options){.kernel_shape = {5, 5}, .no_bias = !bias});
        assert_int_equal(weights_of(g), bias ? 456 : 450);
        x = tern_conv(x, 10, (tern_conv_options){.kernel_shape = {5, 5}, .no_bias = !bias});
        check_weights(g, x, bias ? 456 + 1510 : 450 + 1500, 4, (int64_t[]){1, 10, 24, 24});
        g = new_graph();
        x = tern_input(g, "x", 4, (int64_t[]){1, 64, 56, 56});
        x = tern_conv(x, 32, (tern_conv_options){.kernel_shape = {1, 1}, .no_bias = !bias});
        check_weights(g, x, bias ? 2080 : 2048, 4, (int64_t[]){1, 32, 56, 56});
    }
}

static void lenet_has_61706_weights(void **state) {
    (void)state;
    tern_graph *g = new_graph();
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, 32, 32});
    const int64_t after[5] = {156, 156 + 2416, 156 + 2416 + 48120, 156 + 2416 + 48120 + 10164,
                              61706};
    x = tern_max_pool(tern_tanh(tern_conv(x, 6, (tern_conv_options){.kernel_shape = {5, 5}})), 2,
                      2);
    assert_int_equal(weights_of(g), after[0]);
    x = tern_max_pool(tern_tanh(tern_conv(x, 16, (tern_conv_options){.kernel_shape = {5, 5}})), 2,
                      2);
    assert_int_equal(weights_of(g), after[1]);
    x = tern_tanh(tern_dense(x, 120)); /* 16 x 5 x 5 = 400 numbers */
    assert_int_equal(weights_of(g), after[2]);
    x = tern_tanh(tern_dense(x, 84));
    assert_int_equal(weights_of(g), after[3]);
    x = tern_softmax(tern_dense(x, 10), 1);
    check_weights(g, x, after[4], 2, (int64_t[]){-1, 10});
}

/* ---- 001: counting "11" ---- */

/* The closed form: W = (1, 1), one unit a window, biases -1, then their sum:
 * F = sum relu(p + p' - 1). */
static tern_value elevens(tern_graph *g, tern_value x) {
    const float diagonal[16] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
    const float ones[4] = {1, 1, 1, 1};
    const float minus[4] = {-1, -1, -1, -1}, nothing[1] = {0};
    const tern_attribute transposed = TERN_INT("transB", 1);
    x = tern_conv_with(x, tern_parameter_data(g, "W", 4, (int64_t[]){1, 1, 1, 2}, ones), no_bias,
                       (tern_conv_options){.kernel_shape = {1, 2}});
    tern_value units[3] = {tern_flatten(x),
                           tern_parameter_data(g, "w", 2, (int64_t[]){4, 4}, diagonal),
                           tern_parameter_data(g, "b", 1, (int64_t[]){4}, minus)};
    tern_apply(g, "Gemm", "units", units, 3, &transposed, 1, &x, 1);
    tern_value sum[3] = {tern_relu(x), tern_parameter_data(g, "w0", 2, (int64_t[]){1, 4}, ones),
                         tern_parameter_data(g, "b0", 1, (int64_t[]){1}, nothing)};
    tern_apply(g, "Gemm", "sum", sum, 3, &transposed, 1, &x, 1);
    return x;
}

static void elevens_are_counted_in_all_64(void **state) {
    (void)state;
    static float pictures[64][6];
    double expected[64];
    for (int k = 0; k < 64; k++) {
        for (int i = 0; i < 6; i++) pictures[k][i] = (float)(k >> i & 1);
        const float *p = pictures[k];
        expected[k] = p[0] * p[1] + p[1] * p[2] + p[3] * p[4] + p[4] * p[5];
    }
    assert_true(expected[0] == 0 && expected[63] == 4);
    const int64_t dims[4] = {64, 1, 2, 3};
    tern_graph *g = new_graph();
    tern_output(g, "F", elevens(g, tern_input(g, "x", 4, dims)));
    assert_int_equal(weights_of(g), 27);
    check_output(g, 4, dims, pictures[0], expected, 64, 0);
}

/* L = sum (F - Y)^2 over the three pictures: 5 for F = 0, 2 for F = 1, 0 for the closed form. */
static void loss_of_the_lectures_pictures(void **state) {
    (void)state;
    float pictures[18];
    digits("011/001/110/011/101/010", pictures);
    const int64_t dims[4] = {3, 1, 2, 3};
    const float truth[3] = {1, 2, 0}, constants[2] = {0, 1};
    const double losses[3] = {5, 2, 0};
    for (int k = 0; k < 3; k++) {
        tern_graph *g = new_graph();
        tern_value f = elevens(g, tern_input(g, "x", 4, dims));
        if (k < 2) { /* F times 0, plus the constant */
            tern_value zero = tern_constant(g, "zero", TERN_FLOAT, 0, NULL, &constants[0]);
            f = tern_add(tern_mul(f, zero),
                         tern_constant(g, "F", TERN_FLOAT, 0, NULL, &constants[k]));
        }
        int in[2] = {f.id, tern_constant(g, "Y", TERN_FLOAT, 2, (int64_t[]){3, 1}, truth).id}, loss;
        const tern_attribute sum = TERN_STRING("reduction", "sum");
        tern__graph_node(g, "tern", "SquaredError", NULL, in, 2, &sum, 1, NULL, 1, &loss);
        tern_output(g, "L", (tern_value){g, loss});
        check_output(g, 4, dims, pictures, &losses[k], 1, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multichannel_table),
        cmocka_unit_test(filters_for_an_x),
        cmocka_unit_test(only_the_honest_detector_knows_the_x),
        cmocka_unit_test(paddings),
        cmocka_unit_test(pooling_blocks),
        cmocka_unit_test(padding_never_wins),
        cmocka_unit_test(max_pool_gradient_goes_to_the_maximum),
        cmocka_unit_test(residual_gradient),
        cmocka_unit_test(kernels_on_a_step),
        cmocka_unit_test(one_and_two_channels),
        cmocka_unit_test(next_value_of_a_sequence),
        cmocka_unit_test(words_by_stride_or_by_channels),
        cmocka_unit_test(weights_of_the_lectures_networks),
        cmocka_unit_test(lenet_has_61706_weights),
        cmocka_unit_test(elevens_are_counted_in_all_64),
        cmocka_unit_test(loss_of_the_lectures_pictures),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
