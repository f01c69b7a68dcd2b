/* Networks for pixels: what they are, what they refuse, and that their reach, computed from the
 * graph, is what a changed pixel shows. */
#include "context.h"

#include "core/base/base.h"
#include "core/graph/graph.h"
#include <tern/session.h>
#include <tern/vision_network.h>

/* Weights without signs: no sum is 0 by accident, and no Relu hides a change. */
static void make_positive(tern_graph *g) {
    for (size_t i = 0; i < g->n_values; i++) {
        const tern__value *v = &g->values[i];
        float *data = v->data;
        if (v->kind != TERN__PARAMETER) continue;
        for (int64_t k = 0; k < tern__shape_count(&v->shape); k++) data[k] = 0.1f + fabsf(data[k]);
    }
}

/* Which of the output's lines [begin, end) change with line i of the input? Lines are rows (axis 0)
 * or columns; a whole line is changed, so that the other axis does not matter. */
typedef struct probe {
    tern_session *session;
    int axis;
    int64_t lines, length; /* of the picture: so many lines of so many pixels */
    float *x, *base;
} probe;

static int64_t place(const probe *p, int64_t line, int64_t k) {
    return p->axis ? k * p->lines + line : line * p->length + k;
}

static const float *run(const probe *p) {
    const tern_tensor input = {
        TERN_FLOAT,
        4,
        {1, 1, p->axis ? p->length : p->lines, p->axis ? p->lines : p->length},
        p->x};
    tern_tensor output;
    check_ok(NULL, tern_session_run(p->session, &input, 1, &output, 1));
    return output.data;
}

static bool reaches(const probe *p, int64_t line, int64_t begin, int64_t end) {
    bool any = false;
    for (int64_t k = 0; k < p->length; k++) p->x[place(p, line, k)] = 5;
    const float *y = run(p);
    for (int64_t i = begin; i < end; i++)
        for (int64_t k = 0; k < p->length; k++)
            any = any || y[place(p, i, k)] != p->base[place(p, i, k)];
    for (int64_t k = 0; k < p->length; k++) p->x[place(p, line, k)] = 1;
    return any;
}

/* The outermost lines of the reach do change the output, the lines beyond them do not. */
static void check_axis(tern_session *s, const tern_vision_reach *r, int axis) {
    const int64_t m = r->multiple[axis], before = r->before[axis], after = r->after[axis];
    const int64_t cells = 2 * ((before > after ? before : after) / m + 2) + 1,
                  begin = cells / 2 * m;
    probe p = {s, axis, cells * m, 4 * r->multiple[1 - axis], NULL, NULL};
    const size_t pixels = (size_t)(p.lines * p.length);
    p.x = malloc(pixels * sizeof *p.x);
    p.base = malloc(pixels * sizeof *p.base);
    for (size_t i = 0; i < pixels; i++) p.x[i] = 1;
    memcpy(p.base, run(&p), pixels * sizeof *p.base);
    assert_true(reaches(&p, begin - before, begin, begin + m));
    assert_true(reaches(&p, begin + m - 1 + after, begin, begin + m));
    for (int64_t i = begin - before - 1; i >= 0; i -= 5)
        assert_false(reaches(&p, i, begin, begin + m));
    for (int64_t i = begin + m + after; i < p.lines; i += 5)
        assert_false(reaches(&p, i, begin, begin + m));
    free(p.x);
    free(p.base);
}

static void check_reach_as_it_is(tern_graph *g) {
    tern_context *c = g->context;
    tern_vision_reach r;
    tern_model *model;
    tern_session *session;
    check_ok(c, tern_graph_check(g));
    check_ok(c, tern_vision_network_reach(&r, g));
    assert_false(r.whole);
    check_ok(c, tern_model_create(&model, g));
    check_ok(c, tern_session_create(&session, model));
    for (int axis = 0; axis < 2; axis++) check_axis(session, &r, axis);
    tern_session_free(session);
    tern_model_free(model);
}

static void check_reach(tern_graph *g) {
    check_ok(g->context, tern_graph_check(g));
    make_positive(g);
    check_reach_as_it_is(g);
}

static void reach_of_named_networks(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    static const int64_t depth[] = {2, 2, 2};
    for (size_t i = 0; tern_vision_network_name(i); i++)
        for (int reflect = 0; reflect < 2; reflect++) {
            tern_graph *g;
            check_ok(c, tern_graph_create(&g, c));
            tern_vision_network_options o = TERN_VISION_NETWORK_OPTIONS_INIT;
            o.channels = 1;
            o.width = 2;
            o.depth = depth[i];
            o.reflect = reflect;
            o.resize = reflect;
            o.no_normalization = true;
            tern_vision_network_build(g, tern_vision_network_name(i), &o);
            check_reach(g);
            tern_graph_free(g);
        }
    tern_context_free(c);
}

static tern_value add(tern_value x, const char *op, int64_t channels, int64_t kernel,
                      int64_t stride, int64_t before, int64_t after) {
    const int64_t sizes[] = {kernel, kernel + 1}, strides[] = {stride, stride};
    const int64_t pads[] = {before, before, after, after + 1};
    int64_t dims[TERN_MAX_RANK];
    tern_value y = {0};
    tern_value_shape(x, dims);
    const bool transposed = !strcmp(op, "ConvTranspose");
    char name[32];
    snprintf(name, sizeof name, "w%d", x.id);
    const int64_t shape[] = {transposed ? dims[1] : channels, transposed ? channels : dims[1],
                             kernel, kernel + 1};
    const tern_value inputs[] = {x, tern_parameter(x.graph, name, 4, shape, (tern_initializer){0})};
    const tern_attribute a[] = {TERN_INTS("kernel_shape", sizes, 2),
                                TERN_INTS("strides", strides, 2), TERN_INTS("pads", pads, 4)};
    tern_apply(x.graph, op, NULL, inputs, 2, a, 3, &y, 1);
    return y;
}

/* Kernels, strides and pads that are not symmetric, and a transposed convolution whose windows
 * overlap. */
static void reach_of_odd_windows(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    tern_value y = add(x, "Conv", 2, 4, 3, 1, 0); /* a third of the size */
    y = add(y, "Conv", 2, 3, 1, 2, 0);
    y = add(y, "ConvTranspose", 1, 5, 3, 0, 2); /* back */
    tern_output(g, "y", y);
    check_reach(g);
    tern_graph_free(g);
    tern_context_free(c);
}

/* ---- every operator ---- */

/* What an operator does with places when it works along the channels, where it has an axis. */
typedef enum places {
    KEEPS, /* an output place follows from the same place */
    MOVES, /* windows, borders and scales, which the tests above look at */
    MIXES  /* or makes something else than a picture */
} places;

static const struct {
    const char *name;
    places places;
} known[] = {
    {"Relu", KEEPS},          {"LeakyRelu", KEEPS},   {"Elu", KEEPS},
    {"Sigmoid", KEEPS},       {"Tanh", KEEPS},        {"Softplus", KEEPS},
    {"HardSwish", KEEPS},     {"Gelu", KEEPS},        {"Erf", KEEPS},
    {"Neg", KEEPS},           {"Add", KEEPS},         {"Sub", KEEPS},
    {"Mul", KEEPS},           {"Div", KEEPS},         {"BatchNormalization", KEEPS},
    {"Identity", KEEPS},      {"Dropout", KEEPS},     {"LRN", KEEPS},
    {"Softmax", KEEPS},       {"LogSoftmax", KEEPS},  {"Concat", KEEPS},
    {"Split", KEEPS},         {"Slice", KEEPS},       {"Gather", KEEPS},
    {"Cast", KEEPS},          {"Clip", KEEPS},        {"HardSigmoid", KEEPS},
    {"Sqrt", KEEPS},          {"Exp", KEEPS},         {"Log", KEEPS},
    {"Pow", KEEPS},           {"ReduceMean", KEEPS},  {"ReduceSum", KEEPS},
    {"ReduceMax", KEEPS},     {"Conv", MOVES},        {"ConvTranspose", MOVES},
    {"MaxPool", MOVES},       {"AveragePool", MOVES}, {"Pad", MOVES},
    {"Resize", MOVES},        {"Gemm", MIXES},        {"MatMul", MIXES},
    {"LSTM", MIXES},          {"GRU", MIXES},         {"GlobalAveragePool", MIXES},
    {"GlobalMaxPool", MIXES}, {"Reshape", MIXES},     {"Flatten", MIXES},
    {"Squeeze", MIXES},       {"Unsqueeze", MIXES},   {"LayerNormalization", MIXES},
    {"Transpose", MIXES},     {"Selu", KEEPS},        {"Softsign", KEEPS},
    {"Abs", KEEPS},           {"Reciprocal", KEEPS},  {"PRelu", KEEPS},
};
enum { ROWS = sizeof known / sizeof *known };

static int row_of(const char *name) {
    int row = 0;
    while (row < ROWS && strcmp(known[row].name, name)) row++;
    return row < ROWS ? row : -1;
}

static tern_value number(tern_graph *g, const char *name, float value) {
    return tern_constant(g, name, TERN_FLOAT, 0, NULL, &value);
}

static tern_value channels(tern_graph *g, const char *name) {
    const int64_t two = 2;
    return tern_constant(g, name, TERN_FLOAT, 1, &two, (float[]){1, 2});
}

static tern_value list(tern_graph *g, const char *name, int64_t count, const int64_t *numbers) {
    return tern_constant(g, name, TERN_INT64, 1, &count, numbers);
}

/* The operator of x [N, 2, H, W], along the channels. */
static tern_value apply_row(tern_value x, const char *name) {
    tern_graph *g = x.graph;
    tern_value in[5] = {x}, y[2];
    int n = 1, outputs = 1;
    const int64_t one = 1;
    const bool along = !strcmp(name, "Softmax") || !strcmp(name, "LogSoftmax") ||
                       !strcmp(name, "Concat") || !strcmp(name, "Split") || !strcmp(name, "Gather");
    const bool reduces = !strncmp(name, "Reduce", 6);
    tern_attribute a = TERN_INT("axis", 1);
    size_t attributes = along;
    if (!strcmp(name, "LRN")) a = (tern_attribute)TERN_INT("size", 3), attributes = 1;
    if (!strcmp(name, "Cast")) a = (tern_attribute)TERN_INT("to", TERN_FLOAT), attributes = 1;
    if (reduces) a = (tern_attribute)TERN_INTS("axes", &one, 1), attributes = 1;
    if (!strcmp(name, "Concat") || !strcmp(name, "Add") || !strcmp(name, "Mul")) in[n++] = x;
    if (!strcmp(name, "Sub") || !strcmp(name, "Div") || !strcmp(name, "Pow") ||
        !strcmp(name, "PRelu"))
        in[n++] = number(g, "two", 2);
    if (!strcmp(name, "Gather")) in[n++] = list(g, "ids", 2, (int64_t[]){1, 0});
    if (!strcmp(name, "Slice")) {
        in[n++] = list(g, "starts", 1, &one);
        in[n++] = list(g, "ends", 1, (int64_t[]){2});
        in[n++] = list(g, "axes", 1, (int64_t[]){-3});
    }
    for (; !strcmp(name, "BatchNormalization") && n < 5; n++)
        in[n] = channels(g, (const char *[]){"", "scale", "bias", "mean", "variance"}[n]);
    if (!strcmp(name, "Split")) outputs = 2;
    tern_apply(g, name, NULL, in, n, &a, attributes, y, outputs);
    return outputs == 2 ? tern_concat((tern_value[]){y[1], y[0]}, 2, 1) : y[0];
}

/* Weights so small and different that nothing saturates or cancels. */
static void make_small(tern_graph *g) {
    for (size_t i = 0; i < g->n_values; i++) {
        const tern__value *v = &g->values[i];
        float *data = v->data;
        if (v->kind != TERN__PARAMETER) continue;
        for (int64_t k = 0; k < tern__shape_count(&v->shape); k++)
            data[k] = 0.01f * (float)(1 + k * 5 % 7);
    }
}

/* Every row of the operators' table is known here; what keeps places does not make a network look
 * at the whole picture, and what it is said to reach is what a changed pixel shows. */
static void reach_of_every_operator(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    for (int i = 0; i < ROWS; i++) assert_non_null(tern__op_find("", known[i].name));
    for (const tern__op *const *op = tern__ops; *op; op++) {
        if (*(*op)->domain) continue; /* losses */
        const int row = row_of((*op)->name);
        if (row < 0) print_error("%s: how does it treat places?\n", (*op)->name);
        assert_true(row >= 0);
        if (known[row].places != KEEPS) continue;
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        const tern_conv_options window = {.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}};
        tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
        x = apply_row(tern_conv(x, 2, window), (*op)->name);
        tern_output(g, "y", tern_conv(x, 1, (tern_conv_options){.kernel_shape = {1, 1}}));
        check_ok(c, tern_graph_check(g));
        make_small(g);
        check_reach_as_it_is(g);
        tern_graph_free(g);
    }
    tern_context_free(c);
}

/* The same along an axis of places is none that keeps them. */
static void operators_along_places(void **state) {
    (void)state;
    static const char *const along[] = {"Softmax", "LogSoftmax"};
    tern_context *c = make_context(1);
    for (int i = 0; i < 3; i++) {
        const int64_t second = 2;
        tern_graph *g;
        tern_vision_reach r;
        check_ok(c, tern_graph_create(&g, c));
        tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1}), y = x;
        const tern_attribute axis = TERN_INT("axis", 2), axes = TERN_INTS("axes", &second, 1);
        tern_apply(g, i < 2 ? along[i] : "ReduceMean", "across", &x, 1, i < 2 ? &axis : &axes, 1,
                   &y, 1);
        tern_output(g, "y", tern_add(x, y));
        check_ok(c, tern_vision_network_reach(&r, g));
        assert_true(r.whole);
        assert_string_equal(r.why, "across");
        tern_graph_free(g);
    }
    tern_context_free(c);
}

/* Kernels that see farther than any picture, and steps without a common multiple of its size. */
static void reach_beyond_pictures(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    const int64_t far = (int64_t)1 << 29;
    tern_graph *g;
    tern_vision_reach r;
    check_ok(c, tern_graph_create(&g, c));
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    for (int i = 0; i < 70; i++)
        x = tern_conv(x, 1,
                      (tern_conv_options){.kernel_shape = {3, 3},
                                          .dilations = {far, far},
                                          .pads = {far, far, far, far}});
    tern_output(g, "y", x);
    check_ok(c, tern_vision_network_reach(&r, g));
    assert_true(r.whole);
    tern_graph_free(g);
    tern_context_free(c);
}

static void whole_pictures_and_others(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_vision_reach r;
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 2, -1, -1});
    tern_output(g, "y", tern_mul(x, tern_sigmoid(tern_global_average_pool(x))));
    check_ok(c, tern_vision_network_reach(&r, g));
    assert_true(r.whole);
    assert_non_null(strstr(r.why, "globalaveragepool"));
    tern_graph_free(g);

    check_ok(c, tern_graph_create(&g, c));
    x = tern_input(g, "x", 4, (int64_t[]){-1, 2, -1, -1});
    tern_output(g, "y", tern_max_pool(x, 2, 2));
    check_error(c, TERN_ERR_UNSUPPORTED, "no mask of that size", tern_vision_network_reach(&r, g));
    tern_graph_free(g);

    check_ok(c, tern_graph_create(&g, c));
    x = tern_input(g, "x", 2, (int64_t[]){-1, 2});
    tern_output(g, "y", tern_relu(x));
    check_error(c, TERN_ERR_UNSUPPORTED, "does not take pictures",
                tern_vision_network_reach(&r, g));
    tern_graph_free(g);
    tern_context_free(c);
}

static void mistakes(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    static const struct {
        const char *name, *text;
        tern_vision_network_options o;
    } rows[] = {
        {"unetz", "there is no network 'unetz'; there are unet, light, fcn",
         TERN_VISION_NETWORK_OPTIONS_INIT},
        {"unet",
         "depth 8; it must be in 1..7",
         {.size = sizeof rows->o, .channels = 3, .classes = 1, .depth = 8}},
        {"unet", "classes 0", {.size = sizeof rows->o, .channels = 3}},
        {"fcn", "dropout 1", {.size = sizeof rows->o, .channels = 3, .classes = 1, .dropout = 1}},
        {"light", "channels 0", {.size = sizeof rows->o, .classes = 1}},
        {"unet", "options of size", {.channels = 3}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        tern_vision_network_build(g, rows[i].name, &rows[i].o);
        check_error(c, TERN_ERR_ARGUMENT, rows[i].text, tern_graph_check(g));
        tern_graph_free(g);
    }
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reach_of_named_networks),
        cmocka_unit_test(reach_of_odd_windows),
        cmocka_unit_test(reach_of_every_operator),
        cmocka_unit_test(operators_along_places),
        cmocka_unit_test(reach_beyond_pictures),
        cmocka_unit_test(whole_pictures_and_others),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
