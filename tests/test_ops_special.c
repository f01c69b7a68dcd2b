/* What the operator harness cannot say in a row: Dropout's randomness, running statistics, sparse
 * gradients, errors that only running can find, first maxima, NaN. */
#include "context.h"
#include "core/kernels/vector.h"
#include "core/plan/plan.h"

#include <tern/graph.h>

/* A graph that is planned and run once per call. */
typedef struct net {
    tern_context *context;
    tern_graph *graph;
    tern__plan *plan;
} net;

static net open_net(int threads) {
    net n = {.context = make_context(threads)};
    check_ok(n.context, tern_graph_create(&n.graph, n.context));
    return n;
}

static void close_net(net *n) {
    tern__plan_free(n->plan);
    tern_graph_free(n->graph);
    tern_context_free(n->context);
}

static void plan(net *n, const tern__shape *inputs, tern__plan_options o) {
    o.seeded = (bool[4]){true, true, true, true};
    o.poison = true;
    tern__plan_free(n->plan);
    check_ok(n->context, tern__plan_create(&n->plan, n->graph, inputs, &o));
}

static tern_tensor view(const tern__shape *s, void *data) {
    tern_tensor t = {.type = s->type, .rank = s->rank, .data = data};
    memcpy(t.dims, s->dims, sizeof t.dims);
    return t;
}

/* ---- Dropout ---- */

enum { MANY = 400000 };

static void run_dropout(net *n, const float *x, uint64_t seed, uint64_t draw, float *y, float *dx) {
    const tern__shape shape = {TERN_FLOAT, 2, {2, MANY / 2}};
    tern_tensor in = view(&shape, (void *)(uintptr_t)x);
    check_ok(n->context, tern__plan_forward(n->plan, &in, seed, draw));
    memcpy(y, tern__plan_output(n->plan, 0)->data, MANY * sizeof *y);
    for (int i = 0; i < MANY; i++) tern__plan_output_gradient(n->plan, 0)[i] = 2;
    tern__plan_backward(n->plan);
    memcpy(dx, tern__plan_input_gradient(n->plan, 0)->data, MANY * sizeof *dx);
}

static void dropout_is_inverted_and_fair(void **state) {
    (void)state;
    static float x[MANY], y[MANY], dx[MANY], again[MANY], other[MANY];
    for (int i = 0; i < MANY; i++) x[i] = 1 + (float)(i % 7);
    for (int threads = 1; threads <= 3; threads++) {
        net n = open_net(threads);
        tern_value in = tern_input(n.graph, "x", 2, (int64_t[]){2, MANY / 2});
        tern_output(n.graph, "y", tern_dropout(in, 0.3f));
        const tern__shape shape = {TERN_FLOAT, 2, {2, MANY / 2}};
        plan(&n, &shape, (tern__plan_options){.training = true, .input_gradients = true});
        run_dropout(&n, x, 5, 1, threads == 1 ? y : again, dx);
        if (threads > 1) assert_memory_equal(y, again, sizeof y);
        int kept = 0;
        for (int i = 0; i < MANY; i++) {
            bool stays = y[i] != 0;
            kept += stays;
            check_close(y[i], stays ? x[i] / 0.7 : 0, 0, 2e-7);
            check_close(dx[i], stays ? 2 / 0.7 : 0, 0, 2e-7);
        }
        /* Binomial: 5 standard deviations. */
        check_close(kept, 0.7 * MANY, 5 * sqrt(0.3 * 0.7 * MANY), 0);
        /* Another step and another seed draw other masks, independent of this one: they agree in
         * 0.7^2 + 0.3^2. */
        for (int k = 0; k < 2; k++) {
            run_dropout(&n, x, 5 + (uint64_t)k, 2 - (uint64_t)k, other, dx);
            int same = 0;
            for (int i = 0; i < MANY; i++) same += (y[i] != 0) == (other[i] != 0);
            check_close(same, 0.58 * MANY, 5 * sqrt(0.58 * 0.42 * MANY), 0);
        }
        run_dropout(&n, x, 5, 1, again, dx);
        assert_memory_equal(y, again, sizeof y);
        close_net(&n);
    }
}

static void dropouts_of_a_network_differ(void **state) {
    (void)state;
    net n = open_net(1);
    tern_value in = tern_input(n.graph, "x", 2, (int64_t[]){1, 64});
    tern_output(n.graph, "a", tern_dropout(in, 0.5f));
    tern_output(n.graph, "b", tern_dropout(in, 0.5f));
    const tern__shape shape = {TERN_FLOAT, 2, {1, 64}};
    float x[64];
    for (int i = 0; i < 64; i++) x[i] = 1;
    plan(&n, &shape, (tern__plan_options){.training = true});
    tern_tensor t = view(&shape, x);
    check_ok(n.context, tern__plan_forward(n.plan, &t, 1, 1));
    assert_memory_not_equal(tern__plan_output(n.plan, 0)->data, tern__plan_output(n.plan, 1)->data,
                            sizeof x);
    plan(&n, &shape, (tern__plan_options){.unfused = true}); /* inference: nothing happens */
    check_ok(n.context, tern__plan_forward(n.plan, &t, 1, 1));
    assert_memory_equal(tern__plan_output(n.plan, 0)->data, x, sizeof x);
    close_net(&n);
}

/* Every word of the kernels' generator is the word of tern__philox. */
static void dropout_draws_philox(void **state) {
    (void)state;
    for (int level = 0; level < 3; level++) {
        setenv("TERN_CPU", ((const char *[]){"generic", "avx2", "avx512"})[level], 1);
        tern_context *c = NULL;
        if (tern_context_create(&c, NULL) == TERN_OK) {
            uint8_t keep[200];
            uint64_t first = (1ull << 34) - 64; /* the counter's upper word comes into play */
            tern__vector(c)->dropout_mask(11, 22ull << 40, first, 0x80000000u, keep, 200);
            for (uint64_t i = 0; i < 200; i++) {
                uint32_t words[4];
                tern__philox(11, 22ull << 40, (first + i) / 4, words);
                assert_int_equal(keep[i], words[(first + i) % 4] >= 0x80000000u);
            }
        }
        tern_context_free(c);
    }
    unsetenv("TERN_CPU");
}

/* ---- BatchNormalization's running statistics ---- */

static void running_statistics_move(void **state) {
    (void)state;
    net n = open_net(2);
    tern_value in = tern_input(n.graph, "x", 3, (int64_t[]){2, 2, 3});
    tern_output(n.graph, "y", tern_batch_normalization(in));
    const tern__shape shape = {TERN_FLOAT, 3, {2, 2, 3}};
    /* channel 0: 1..6, mean 3.5, population variance 35/12; channel 1: 10 times that */
    float x[12] = {1, 2, 3, 10, 20, 30, 4, 5, 6, 40, 50, 60};
    tern_tensor t = view(&shape, x);
    plan(&n, &shape, (tern__plan_options){.training = true});
    float *mean = NULL, *variance = NULL;
    for (size_t i = 0; i < n.graph->n_values; i++)
        if (n.graph->values[i].kind == TERN__BUFFER)
            *(mean ? &variance : &mean) = n.graph->values[i].data;
    for (int step = 1; step <= 2; step++) {
        check_ok(n.context, tern__plan_forward(n.plan, &t, 0, 0));
        double left = step == 1 ? 0.9 : 0.81;
        for (int c = 0; c < 2; c++) {
            double size = c ? 10 : 1;
            check_close(mean[c], (1 - left) * 3.5 * size, 0, 1e-6);
            check_close(variance[c], left + (1 - left) * 35.0 / 12 * size * size, 0, 1e-6);
        }
    }
    plan(&n, &shape, (tern__plan_options){.unfused = true}); /* inference leaves them alone */
    float before = mean[0];
    check_ok(n.context, tern__plan_forward(n.plan, &t, 0, 0));
    assert_true(mean[0] == before);
    close_net(&n);
}

/* Statistics of channels whose mean is 10^4 deviations: exact to what the float inputs still tell.
 */
static void statistics_survive_large_means(void **state) {
    (void)state;
    enum { ROWS = 5000 };
    net n = open_net(2);
    tern_value in = tern_input(n.graph, "x", 2, (int64_t[]){ROWS, 1});
    tern_output(n.graph, "y", tern_batch_normalization(in));
    const tern__shape shape = {TERN_FLOAT, 2, {ROWS, 1}};
    static float x[ROWS];
    for (int i = 0; i < ROWS; i++)
        x[i] = 16384 + (float)(i % 2 ? 1 : -1); /* variance 1, exact in float */
    tern_tensor t = view(&shape, x);
    plan(&n, &shape, (tern__plan_options){.training = true});
    check_ok(n.context, tern__plan_forward(n.plan, &t, 0, 0));
    const float *y = tern__plan_output(n.plan, 0)->data;
    for (int i = 0; i < ROWS; i++) check_close(y[i], i % 2 ? 0.999995 : -0.999995, 2e-3, 0);
    for (size_t i = 0; i < n.graph->n_values; i++)
        if (n.graph->values[i].kind == TERN__BUFFER && *(float *)n.graph->values[i].data < 10)
            check_close(*(float *)n.graph->values[i].data, 1, 1e-6, 0); /* 0.9 + 0.1 */
    close_net(&n);
}

/* ---- first maxima, NaN ---- */

static void first_maximum_gets_the_gradient(void **state) {
    (void)state;
    net n = open_net(1);
    tern_value in = tern_input(n.graph, "x", 4, (int64_t[]){1, 1, 2, 4});
    tern_output(n.graph, "pool", tern_max_pool(in, 2, 2));
    tern_output(n.graph, "global", tern_global_max_pool(in));
    tern_output(n.graph, "reduced", tern_reduce_max(in, (int64_t[]){3}, 1, false));
    const tern__shape shape = {TERN_FLOAT, 4, {1, 1, 2, 4}};
    float x[8] = {1, 7, 7, 7, 7, 7, 7, 1};
    tern_tensor t = view(&shape, x);
    plan(&n, &shape, (tern__plan_options){.training = true, .input_gradients = true});
    check_ok(n.context, tern__plan_forward(n.plan, &t, 0, 0));
    tern__plan_output_gradient(n.plan, 0)[0] = 1;
    tern__plan_output_gradient(n.plan, 0)[1] = 2;
    tern__plan_output_gradient(n.plan, 1)[0] = 10;
    tern__plan_output_gradient(n.plan, 2)[0] = 100;
    tern__plan_output_gradient(n.plan, 2)[1] = 200;
    tern__plan_backward(n.plan);
    const double expected[8] = {0, 111, 2, 0, 200, 0, 0, 0};
    check_floats((const float *)tern__plan_input_gradient(n.plan, 0)->data, expected, 8, 0, 0);
    close_net(&n);
}

static void nan_is_not_lost(void **state) {
    (void)state;
    net n = open_net(1);
    tern_value in = tern_input(n.graph, "x", 3, (int64_t[]){1, 2, 20});
    tern_output(n.graph, "pool", tern_max_pool(in, 20, 1));
    tern_output(n.graph, "global", tern_global_max_pool(in));
    tern_output(n.graph, "reduced", tern_reduce_max(in, (int64_t[]){2}, 1, false));
    tern_output(n.graph, "relu", tern_relu(in));
    tern_output(n.graph, "mean", tern_global_average_pool(in));
    tern_output(n.graph, "softmax", tern_softmax(in, 2));
    const tern__shape shape = {TERN_FLOAT, 3, {1, 2, 20}};
    for (int at = 0; at < 20; at++) {
        float x[40];
        for (int i = 0; i < 40; i++) x[i] = (float)(i * 7 % 13);
        x[at] = NAN;
        tern_tensor t = view(&shape, x);
        plan(&n, &shape, (tern__plan_options){0});
        check_ok(n.context, tern__plan_forward(n.plan, &t, 0, 0));
        for (int k = 0; k < 6; k++) {
            const float *y = tern__plan_output(n.plan, k)->data;
            int64_t each = tern__plan_output(n.plan, k)->count / 2;
            assert_true(isnan(y[each > 1 ? at : 0]));
            for (int64_t i = each; i < 2 * each; i++) assert_false(isnan(y[i]));
        }
    }
    close_net(&n);
}

/* ---- errors that only running finds ---- */

static void numbers_out_of_range_are_named(void **state) {
    (void)state;
    net n = open_net(1);
    tern_value ids = tern_input_typed(n.graph, "ids", TERN_INT64, 1, (int64_t[]){3});
    tern_output(n.graph, "y", tern_embedding(ids, 5, 2));
    const tern__shape shape = {TERN_INT64, 1, {3}};
    int64_t numbers[3] = {4, 5, 0};
    tern_tensor t = view(&shape, numbers);
    plan(&n, &shape, (tern__plan_options){0});
    check_error(n.context, TERN_ERR_ARGUMENT, "number 5 at position 1 is outside of -5..4",
                tern__plan_forward(n.plan, &t, 0, 0));
    numbers[1] = -6;
    check_error(n.context, TERN_ERR_ARGUMENT, "number -6", tern__plan_forward(n.plan, &t, 0, 0));
    numbers[1] = -5;
    check_ok(n.context, tern__plan_forward(n.plan, &t, 0, 0));
    close_net(&n);
}

static void classes_out_of_range_are_named(void **state) {
    (void)state;
    net n = open_net(1);
    const tern__shape shapes[2] = {{TERN_FLOAT, 2, {2, 3}}, {TERN_INT64, 1, {2}}};
    int inputs[2] = {tern__graph_input(n.graph, "x", &shapes[0]),
                     tern__graph_input(n.graph, "t", &shapes[1])},
        y;
    tern__graph_node(n.graph, "tern", "SoftmaxCrossEntropy", "loss", inputs, 2, NULL, 0, NULL, 1,
                     &y);
    tern__graph_output(n.graph, "y", y);
    float x[6] = {0};
    int64_t target[2] = {0, 3};
    tern_tensor t[2] = {view(&shapes[0], x), view(&shapes[1], target)};
    plan(&n, shapes, (tern__plan_options){.training = true});
    check_error(n.context, TERN_ERR_ARGUMENT, "target 3 at position 1 is not a class number 0..2",
                tern__plan_forward(n.plan, t, 0, 0));
    target[1] = 2;
    check_ok(n.context, tern__plan_forward(n.plan, t, 0, 0));
    check_close(*(float *)tern__plan_output(n.plan, 0)->data, log(3), 1e-6, 0);
    close_net(&n);
}

/* ---- sparse gradients of an embedding table ---- */

enum { ROWS = 50, WIDTH = 5, IDS = 40 };

/* Two lookups of one table: the second adds to the first one's rows. */
static void run_embedding(int threads, const int64_t *ids, tern__tensor *gradient) {
    net n = open_net(threads);
    tern_value a = tern_input_typed(n.graph, "a", TERN_INT64, 1, (int64_t[]){IDS});
    tern_value b = tern_input_typed(n.graph, "b", TERN_INT64, 1, (int64_t[]){IDS});
    static float data[ROWS * WIDTH];
    tern_value table = tern_parameter_data(n.graph, "table", 2, (int64_t[]){ROWS, WIDTH}, data);
    tern_output(n.graph, "y", tern_gather(table, a, 0));
    tern_output(n.graph, "z", tern_gather(table, b, 0));
    const tern__shape shapes[2] = {{TERN_INT64, 1, {IDS}}, {TERN_INT64, 1, {IDS}}};
    tern__tensor *list[32] = {NULL};
    list[table.id] = gradient;
    plan(&n, shapes, (tern__plan_options){.training = true, .weight_gradients = list});
    tern_tensor t[2] = {view(&shapes[0], (void *)(uintptr_t)ids),
                        view(&shapes[1], (void *)(uintptr_t)(ids + IDS))};
    check_ok(n.context, tern__plan_forward(n.plan, t, 0, 0));
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < IDS * WIDTH; i++)
            tern__plan_output_gradient(n.plan, k)[i] = (float)sin(1 + i + 1000 * k);
    tern__plan_backward(n.plan);
    close_net(&n);
}

static void sparse_equals_dense(void **state) {
    (void)state;
    tern__random r = tern__random_make(3, 3);
    for (int trial = 0; trial < 20; trial++) {
        int64_t ids[2 * IDS], rows[2 * IDS];
        int64_t range = trial < 10 ? 1 + trial * 3 : ROWS; /* few numbers often, or many */
        for (int i = 0; i < 2 * IDS; i++) {
            ids[i] = tern__random_below(&r, range);
            if (tern__random_below(&r, 2)) ids[i] -= ROWS; /* the same row by its negative number */
        }
        float dense[ROWS * WIDTH], sparse[2 * IDS * WIDTH];
        for (int threads = 1; threads <= 3; threads++) {
            tern__tensor d = {.data = dense,
                              .type = TERN_FLOAT,
                              .rank = 2,
                              .dims = {ROWS, WIDTH},
                              .count = ROWS * WIDTH};
            tern__tensor s = d;
            s.data = sparse;
            s.rows = rows;
            s.rows_capacity = 2 * IDS;
            for (int i = 0; i < 2 * IDS * WIDTH; i++) sparse[i] = NAN;
            run_embedding(threads, ids, &d);
            run_embedding(threads, ids, &s);
            float spread[ROWS * WIDTH] = {0};
            for (int64_t i = 0; i < s.rows_used; i++) {
                if (i) assert_true(rows[i] > rows[i - 1]);
                assert_in_range(rows[i], 0, ROWS - 1);
                memcpy(spread + rows[i] * WIDTH, sparse + i * WIDTH, WIDTH * sizeof(float));
            }
            for (int i = 0; i < ROWS * WIDTH; i++) check_close(spread[i], dense[i], 2e-6, 0);
            double expected[ROWS * WIDTH] = {0};
            for (int i = 0; i < 2 * IDS * WIDTH; i++) {
                int64_t id = ids[i / WIDTH] < 0 ? ids[i / WIDTH] + ROWS : ids[i / WIDTH];
                int k = i / (IDS * WIDTH);
                expected[id * WIDTH + i % WIDTH] += (float)sin(1 + i - k * IDS * WIDTH + 1000 * k);
            }
            check_floats(spread, expected, ROWS * WIDTH, 1e-5, 0);
        }
    }
}

/* ---- the builder of LRN, whose operator has rows of its own ---- */

/* AlexNet's numbers on channels 1, 2, .., 7 of one place. */
static void lrn_is_alexnets(void **state) {
    (void)state;
    float x[7] = {1, 2, 3, 4, 5, 6, 7};
    net n = open_net(1);
    const tern__shape shape = {TERN_FLOAT, 3, {1, 7, 1}};
    tern_output(n.graph, "y",
                tern_lrn(tern_input(n.graph, "x", 3, shape.dims), 5, 5e-4f, 0.75f, 2));
    plan(&n, &shape, (tern__plan_options){0});
    tern_tensor in = view(&shape, x);
    check_ok(n.context, tern__plan_forward(n.plan, &in, 0, 0));
    const float *y = tern__plan_output(n.plan, 0)->data;
    check_close(y[0], 1 / pow(2 + 1e-4 * (1 + 4 + 9), 0.75), 0, 1e-6);
    check_close(y[3], 4 / pow(2 + 1e-4 * (4 + 9 + 16 + 25 + 36), 0.75), 0, 1e-6);
    check_close(y[6], 7 / pow(2 + 1e-4 * (25 + 36 + 49), 0.75), 0, 1e-6);
    close_net(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lrn_is_alexnets),
        cmocka_unit_test(dropout_is_inverted_and_fair),
        cmocka_unit_test(dropouts_of_a_network_differ),
        cmocka_unit_test(dropout_draws_philox),
        cmocka_unit_test(running_statistics_move),
        cmocka_unit_test(statistics_survive_large_means),
        cmocka_unit_test(first_maximum_gets_the_gradient),
        cmocka_unit_test(nan_is_not_lost),
        cmocka_unit_test(numbers_out_of_range_are_named),
        cmocka_unit_test(classes_out_of_range_are_named),
        cmocka_unit_test(sparse_equals_dense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
