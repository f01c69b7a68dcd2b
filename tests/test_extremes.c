/* Sizes that no network has: every operator's numbers at their ends, where products overflow, a
 * plan would be cut into more parts than it computes, or memory would be more than there is. Right
 * is any shape within the bounds, or a sentence; a sanitizer sees the rest. */
#include "check.h"

#include "core/graph/graph.h"
#include "one_context.h"
#include <tern/model_info.h>
#include <tern/session.h>

/* One node on inputs of known shapes; what became of it. */
typedef struct node {
    const char *op;
    int rank;
    int64_t dims[5], weight[5]; /* weight[0] 0: none */
    tern_attribute attributes[6];
    size_t n_attributes;
} node;

static tern_graph *build(const node *n) {
    tern_graph *g;
    tern_value inputs[2] = {{0}}, y;
    check_ok(context, tern_graph_create(&g, context));
    inputs[0] = tern_input(g, "x", n->rank, n->dims);
    if (n->weight[0]) inputs[1] = tern_input(g, "w", n->rank, n->weight);
    tern_apply(g, n->op, "n", inputs, n->weight[0] ? 2 : 1, n->attributes, n->n_attributes, &y, 1);
    if (tern_graph_check(g) == TERN_OK) tern_output(g, "y", y);
    return g;
}

/* Every value is within the bounds, or nothing was made and there is a sentence. */
static void check_shapes(const tern_graph *g) {
    if (tern_graph_check(g) != TERN_OK) {
        assert_true(*tern_context_message(context));
        return;
    }
    for (size_t i = 0; i < g->n_values; i++)
        for (int k = 0; k < g->values[i].shape.rank; k++) {
            const int64_t dim = g->values[i].shape.dims[k];
            assert_true(dim >= -1 && dim <= TERN__MOST_DIMENSION);
        }
}

static const int64_t ends[] = {
    1,         2,         3,  1 << 20, 1 << 30, INT32_MAX, (int64_t)1 << 32, (int64_t)1 << 40,
    INT64_MAX, INT64_MIN, -1, 0};
enum { ENDS = sizeof ends / sizeof *ends };

static int64_t draw(tern__random *r, int64_t usual) {
    return tern__random_below(r, 2) ? usual : ends[tern__random_below(r, ENDS)];
}

/* Conv, ConvTranspose and pools with strides, dilations, pads, kernels and sizes of every kind. */
static void windows(void **state) {
    (void)state;
    static const char *const ops[] = {"Conv", "ConvTranspose", "MaxPool", "AveragePool"};
    static const char *const modes[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    tern__random r = tern__random_make(5, 1);
    for (int i = 0; i < 40000; i++) {
        const int op = (int)tern__random_below(&r, 4), spatial = 1 + (int)tern__random_below(&r, 3);
        int64_t kernel[3], strides[3], dilations[3], pads[6], more[3];
        node n = {.op = ops[op], .rank = spatial + 2, .dims = {draw(&r, 1), draw(&r, 1)}};
        for (int k = 0; k < spatial; k++) {
            n.dims[2 + k] = draw(&r, 4);
            kernel[k] = draw(&r, 2);
            strides[k] = draw(&r, 2);
            dilations[k] = draw(&r, 1);
            more[k] = draw(&r, 1);
            pads[k] = draw(&r, 0);
            pads[spatial + k] = draw(&r, 0);
        }
        if (op < 2) {
            n.weight[0] = draw(&r, 1) > 0 ? draw(&r, 1) : 1;
            n.weight[1] = draw(&r, 1);
            memcpy(n.weight + 2, kernel, (size_t)spatial * sizeof *kernel);
        }
        const tern_attribute common[] = {
            TERN_INTS("strides", strides, (size_t)spatial),
            TERN_INTS("pads", pads, 2 * (size_t)spatial),
            TERN_INTS("dilations", dilations, (size_t)spatial),
            TERN_STRING("auto_pad", modes[tern__random_below(&r, 4)]),
            op < 2 ? (tern_attribute)TERN_INT("group", draw(&r, 1))
                   : (tern_attribute)TERN_INTS("kernel_shape", kernel, (size_t)spatial),
            op == 1 ? (tern_attribute)TERN_INTS(tern__random_below(&r, 2) ? "output_padding"
                                                                          : "output_shape",
                                                more, (size_t)spatial)
                    : (tern_attribute)TERN_INTS("pads", pads, 2 * (size_t)spatial)};
        memcpy(n.attributes, common, sizeof common);
        n.n_attributes = 6;
        tern_graph *g = build(&n);
        check_shapes(g);
        tern_graph_free(g);
    }
}

/* Shapes by constants: what is kept, cut, added and enlarged. */
static void constants(void **state) {
    (void)state;
    static const struct {
        const char *op;
        int inputs, numbers; /* constants, and how many numbers each holds */
    } ops[] = {{"Reshape", 1, 4},    {"Slice", 4, 2},    {"Pad", 1, 4},   {"Resize", 3, 2},
               {"Unsqueeze", 1, 1},  {"Squeeze", 1, 1},  {"Split", 1, 1}, {"Gather", 1, 2},
               {"ReduceMean", 1, 1}, {"ReduceMax", 1, 2}};
    tern__random r = tern__random_make(5, 2);
    for (int i = 0; i < 40000; i++) {
        const size_t op = (size_t)tern__random_below(&r, sizeof ops / sizeof *ops);
        const int64_t count = ops[op].numbers;
        tern_graph *g;
        tern_value inputs[5] = {{0}}, y;
        check_ok(context, tern_graph_create(&g, context));
        inputs[0] = tern_input(g, "x", 2, (int64_t[]){draw(&r, 3), draw(&r, 4)});
        for (int k = 1; k <= ops[op].inputs; k++) {
            char name[16];
            int64_t numbers[4];
            float scales[2] = {1, 2};
            snprintf(name, sizeof name, "c%d", k);
            for (int64_t j = 0; j < count; j++)
                numbers[j] = draw(&r, ops[op].op[0] == 'S' && k == 3 ? j : 1);
            if (strcmp(ops[op].op, "Resize"))
                inputs[k] = tern_constant(g, name, TERN_INT64, 1, &count, numbers);
            else if (k == 2 && i % 2)
                inputs[k] = tern_constant(g, name, TERN_FLOAT, 1, &count, scales);
            else if (k == 3 && i % 2 == 0)
                inputs[k] = tern_constant(g, name, TERN_INT64, 1, &count, numbers);
        }
        tern_apply(g, ops[op].op, "n", inputs, 1 + ops[op].inputs, NULL, 0, &y, 1);
        check_shapes(g);
        tern_graph_free(g);
    }
}

/* A declared size beyond the bounds is refused where it is declared, also in a session's input. */
static void declared_sizes(void **state) {
    (void)state;
    const int64_t long_ = (int64_t)1 << 40, many = (int64_t)1 << 30;
    tern_graph *g;
    check_ok(context, tern_graph_create(&g, context));
    tern_input(g, "x", 1, &long_);
    check_error(context, TERN_ERR_SHAPE, "'x': dimension 0 is 1099511627776", tern_graph_check(g));
    tern_graph_free(g);
    check_ok(context, tern_graph_create(&g, context));
    tern_input(g, "x", 2, (int64_t[]){many, many});
    check_error(context, TERN_ERR_SHAPE, "more than 2^48 elements", tern_graph_check(g));
    tern_graph_free(g);

    tern_model *m;
    tern_session *s;
    check_ok(context, tern_graph_create(&g, context));
    tern_output(g, "y", tern_relu(tern_input(g, "x", 1, (int64_t[]){-1})));
    check_ok(context, tern_model_create(&m, g));
    check_ok(context, tern_session_create(&s, m));
    const tern_tensor x = {TERN_FLOAT, 1, {long_}, NULL}, matrix = {TERN_FLOAT, 2, {1, 1}, NULL};
    assert_int_equal(tern_session_prepare(s, &x, 1), TERN_ERR_SHAPE);
    tern_model_info *info;
    check_error(context, TERN_ERR_SHAPE, "input 'x' has 1 dimensions, not 2",
                tern_model_describe(&info, m, &matrix));
    assert_int_equal(tern_model_input_count(m), 1);
    assert_int_equal(tern_model_input(m, 0).shape.dims[0], -1);
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
}

/* Prepares a session for x [1, 1, side...]; its status, and *y what it would compute. */
static tern_status prepare(const char *op, int spatial, int64_t side, const int64_t *strides,
                           int64_t kernel, float *first) {
    const int64_t dims[] = {1, 1, side, side, side}, sizes[] = {1, 1, kernel, kernel, kernel};
    static float data[64], weights[1 << 12];
    tern_graph *g;
    tern_model *m;
    tern_session *s;
    tern_tensor x = {TERN_FLOAT, spatial + 2, {0}, data}, y;
    for (int i = 0; i < 64; i++) data[i] = (float)(i + 1);
    for (int i = 0; i < 1 << 12; i++) weights[i] = 1;
    memcpy(x.dims, dims, sizeof dims);
    check_ok(context, tern_graph_create(&g, context));
    tern_value inputs[] = {tern_input(g, "x", spatial + 2, dims),
                           tern_parameter_data(g, "w", spatial + 2, sizes, weights)},
               out;
    const tern_attribute a[] = {TERN_INTS("strides", strides, (size_t)spatial)};
    tern_apply(g, op, "n", inputs, 2, a, 1, &out, 1);
    tern_output(g, "y", out);
    check_ok(context, tern_model_create(&m, g));
    check_ok(context, tern_session_create(&s, m));
    tern_status st = tern_session_run(s, &x, 1, &y, 1);
    if (st == TERN_OK)
        *first = *(const float *)y.data;
    else
        assert_true(*tern_session_message(s));
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
    return st;
}

/* Strides whose product is 2^64, and strides that put 10^12 places between four of the input. */
static void strides(void **state) {
    (void)state;
    const int64_t product[] = {1 << 22, 1 << 21, 1 << 21}, million[] = {1000000, 1000000},
                  few[] = {20000, 20000}, many[] = {2000, 2000};
    float y = 0;
    check_ok(context, prepare("Conv", 3, 2, product, 1, &y));
    assert_true(y == 1);
    check_ok(context, prepare("Conv", 2, 2, million, 2, &y));
    assert_true(y == 1 + 2 + 3 + 4);
    check_ok(context,
             prepare("ConvTranspose", 2, 1, few, 1, &y)); /* one place, whatever the stride */
    assert_true(y == 1);
    check_ok(context, prepare("ConvTranspose", 2, 1, million, 3, &y));
    assert_true(y == 1);
    assert_int_equal(prepare("ConvTranspose", 2, 2, many, 1, &y), TERN_ERR_LIMIT);
}

/* A window of 1 x n dilated and strided past each other: each output place has the element that
 * arithmetic says, found without trying all. */
static void coprime_strides(void **state) {
    (void)state;
    enum { IN = 3, KERNEL = 5 };
    static const int64_t steps[] = {1, 2, 3, 4, 6, 7, 9};
    const int64_t sizes[] = {1, 1, KERNEL};
    float w[KERNEL] = {1, 10, 100, 1000, 10000}, data[IN] = {1, 2, 3};
    for (size_t a = 0; a < 7; a++)
        for (size_t b = 0; b < 7; b++) {
            tern_graph *g;
            tern_model *m;
            tern_session *s;
            tern_tensor y;
            const tern_tensor x = {TERN_FLOAT, 3, {1, 1, IN}, data};
            check_ok(context, tern_graph_create(&g, context));
            tern_value in[] = {tern_input(g, "x", 3, (int64_t[]){1, 1, IN}),
                               tern_parameter_data(g, "w", 3, sizes, w)},
                       out;
            const tern_attribute list[] = {TERN_INTS("strides", &steps[a], 1),
                                           TERN_INTS("dilations", &steps[b], 1)};
            tern_apply(g, "ConvTranspose", "n", in, 2, list, 2, &out, 1);
            tern_output(g, "y", out);
            check_ok(context, tern_model_create(&m, g));
            check_ok(context, tern_session_create(&s, m));
            check_ok(context, tern_session_run(s, &x, 1, &y, 1));
            for (int64_t o = 0; o < y.dims[2]; o++) {
                float sum = 0;
                for (int64_t i = 0; i < IN; i++)
                    for (int64_t e = 0; e < KERNEL; e++)
                        if (i * steps[a] + e * steps[b] == o) sum += data[i] * w[e];
                assert_true(((const float *)y.data)[o] == sum);
            }
            tern_session_free(s);
            tern_model_free(m);
            tern_graph_free(g);
        }
}

static void *refuse_much(void *user, size_t size) {
    void *block = NULL;
    (void)user;
    return size < (size_t)1 << 30 && !posix_memalign(&block, 64, size) ? block : NULL;
}
static void release(void *user, void *block) {
    (void)user;
    free(block);
}

/* Values that each are within the bounds and together beyond any memory. */
static void sum_of_sizes(void **state) {
    (void)state;
    tern_allocator allocator = {refuse_much, release, NULL};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    tern_context *c;
    o.allocator = &allocator;
    check_ok(c, tern_context_create(&c, &o));
    const int64_t dims[] = {(int64_t)1 << 24, (int64_t)1 << 24};
    tern_graph *g;
    tern_model *m;
    tern_session *s;
    check_ok(c, tern_graph_create(&g, c));
    tern_value x = tern_input(g, "x", 2, dims);
    for (int i = 0; i < 3; i++) x = tern_add(tern_transpose(x, (int64_t[]){1, 0}), x);
    tern_output(g, "y", x);
    check_ok(c, tern_model_create(&m, g));
    check_ok(c, tern_session_create(&s, m));
    const tern_tensor input = {TERN_FLOAT, 2, {dims[0], dims[1]}, NULL};
    const tern_status st = tern_session_prepare(s, &input, 1);
    assert_true(st == TERN_ERR_MEMORY || st == TERN_ERR_LIMIT);
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows),         cmocka_unit_test(constants),
        cmocka_unit_test(declared_sizes),  cmocka_unit_test(strides),
        cmocka_unit_test(coprime_strides), cmocka_unit_test(sum_of_sizes),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
