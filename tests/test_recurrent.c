/* LSTM and GRU as networks use them: the builders, sequences of different lengths, learning. What
 * the operators compute is tested in test_ops_recurrent.c. */
#include "golden/recurrent.h"
#include "training.h"

#include <tern/session.h>

enum { BATCH = 4, STEPS = 6, INPUTS = 3, HIDDEN = 5 };

typedef tern_value builder(tern_value x, int64_t hidden, tern_recurrent_options options);

static tern_model *make_model(tern_context *c, builder *build, bool last, bool lengths) {
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_value x = tern_input(g, "x", 3, (int64_t[]){-1, -1, INPUTS});
    tern_recurrent_options o = {.direction = "bidirectional", .last = last, .name = "memory"};
    if (lengths) o.lengths = tern_input_typed(g, "lengths", TERN_INT64, 1, (int64_t[]){-1});
    tern_output(g, "y", build(x, HIDDEN, o));
    tern_model *m;
    check_ok(c, tern_model_create(&m, g));
    tern_graph_free(g);
    return m;
}

static void run(tern_session *s, int64_t batch, int64_t steps, float *x, int64_t *lengths,
                tern_tensor *y) {
    tern_tensor inputs[2] = {{TERN_FLOAT, 3, {batch, steps, INPUTS}, x},
                             {TERN_INT64, 1, {batch}, lengths}};
    if (tern_session_run(s, inputs, lengths ? 2 : 1, y, 1) != TERN_OK)
        fail_msg("%s", tern_session_message(s));
}

typedef struct golden {
    builder *build;
    const float *w, *r, *b, *y;
    size_t w_size, r_size, b_size, y_size; /* in bytes */
} golden;
#define GOLDEN(kind)                                                                               \
    {                                                                                              \
        tern_##kind, golden_##kind##_w, golden_##kind##_r, golden_##kind##_b, golden_##kind##_y,   \
            sizeof golden_##kind##_w, sizeof golden_##kind##_r, sizeof golden_##kind##_b,          \
            sizeof golden_##kind##_y                                                               \
    }

static void set_weight(tern_graph *g, const char *name, const float *values, size_t bytes) {
    tern_value w = tern_find(g, name);
    int64_t dims[TERN_MAX_RANK], count = 1;
    int rank = tern_value_shape(w, dims);
    for (int i = 0; i < rank; i++) count *= dims[i];
    assert_int_equal(count * (int64_t)sizeof(float), bytes);
    memcpy(tern_value_data(w), values, bytes);
}

/* PyTorch's results; the script has brought its gates into ONNX's order. */
static void as_pytorch(void **state) {
    (void)state;
    static const golden goldens[] = {GOLDEN(lstm), GOLDEN(gru)};
    tern_context *c = make_context(2);
    for (int i = 0; i < 2; i++) {
        const golden *gold = &goldens[i];
        tern_graph *g;
        tern_model *m;
        tern_session *s;
        tern_tensor y;
        check_ok(c, tern_graph_create(&g, c));
        tern_value x = tern_input(g, "x", 3, (int64_t[]){-1, -1, GOLDEN_INPUTS});
        tern_recurrent_options o = {.direction = "bidirectional", .name = "memory"};
        o.lengths = tern_input_typed(g, "lengths", TERN_INT64, 1, (int64_t[]){-1});
        tern_output(g, "y", gold->build(x, GOLDEN_HIDDEN, o));
        set_weight(g, "memory.W", gold->w, gold->w_size);
        set_weight(g, "memory.R", gold->r, gold->r_size);
        set_weight(g, "memory.B", gold->b, gold->b_size);
        check_ok(c, tern_model_create(&m, g));
        check_ok(c, tern_session_create(&s, m));
        tern_tensor inputs[2] = {
            {TERN_FLOAT,
             3,
             {GOLDEN_BATCH, GOLDEN_STEPS, GOLDEN_INPUTS},
             (void *)(uintptr_t)golden_x},
            {TERN_INT64, 1, {GOLDEN_BATCH}, (void *)(uintptr_t)golden_lengths}};
        assert_int_equal(tern_session_run(s, inputs, 2, &y, 1), TERN_OK);
        for (size_t k = 0; k < gold->y_size / sizeof(float); k++)
            check_close(((const float *)y.data)[k], gold->y[k], 1e-6, 0);
        tern_session_free(s);
        tern_model_free(m);
        tern_graph_free(g);
    }
    tern_context_free(c);
}

/* A padded batch gives what its sequences give one by one, whatever the padding holds. */
static void lengths_cut_padding_off(void **state) {
    (void)state;
    builder *const builders[] = {tern_lstm, tern_gru};
    for (int test = 0; test < 4; test++) {
        tern_context *c = make_context(2);
        bool last = test % 2;
        tern_model *padded = make_model(c, builders[test / 2], last, true);
        tern_model *plain = make_model(c, builders[test / 2], last, false);
        tern_session *s, *one;
        check_ok(c, tern_session_create(&s, padded));
        check_ok(c, tern_session_create(&one, plain));
        float x[BATCH * STEPS * INPUTS];
        int64_t lengths[BATCH] = {3, STEPS, 1, 4};
        for (int i = 0; i < BATCH * STEPS * INPUTS; i++)
            x[i] = i / INPUTS % STEPS < lengths[i / (STEPS * INPUTS)] ? sinf((float)i) : NAN;
        tern_tensor y, z;
        run(s, BATCH, STEPS, x, lengths, &y);
        assert_int_equal(y.rank, last ? 2 : 3);
        assert_int_equal(y.dims[y.rank - 1], 2 * HIDDEN);
        int64_t row = 2 * HIDDEN * (last ? 1 : STEPS);
        for (int n = 0; n < BATCH; n++) {
            run(one, 1, lengths[n], x + n * STEPS * INPUTS, NULL, &z);
            int64_t there = 2 * HIDDEN * (last ? 1 : lengths[n]);
            const float *got = (const float *)y.data + n * row;
            assert_memory_equal(got, z.data, (size_t)there * sizeof(float));
            for (int64_t i = there; i < row; i++) assert_true(got[i] == 0);
        }
        tern_session_free(s);
        tern_session_free(one);
        tern_model_free(padded);
        tern_model_free(plain);
        tern_context_free(c);
    }
}

static void lengths_out_of_range_are_named(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *m = make_model(c, tern_gru, true, true);
    tern_session *s;
    check_ok(c, tern_session_create(&s, m));
    float x[BATCH * STEPS * INPUTS] = {0};
    int64_t lengths[BATCH] = {3, 2, STEPS + 1, 4};
    tern_tensor inputs[2] = {{TERN_FLOAT, 3, {BATCH, STEPS, INPUTS}, x},
                             {TERN_INT64, 1, {BATCH}, lengths}},
                y;
    assert_int_equal(tern_session_run(s, inputs, 2, &y, 1), TERN_ERR_ARGUMENT);
    assert_non_null(strstr(tern_session_message(s), "sequence_lens[2] is 7 and must be 0 to 6"));
    lengths[2] = -1;
    assert_int_equal(tern_session_run(s, inputs, 2, &y, 1), TERN_ERR_ARGUMENT);
    tern_session_free(s);
    tern_model_free(m);
    tern_context_free(c);
}

static void builders_refuse(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    static const struct {
        int64_t hidden;
        int rank;
        const char *direction, *text;
    } wrong[] = {{0, 3, NULL, "LSTM: there must be 1 to"},
                 {4, 2, NULL, "LSTM: x must be [N, L, I]"},
                 {4, 3, "up", "direction 'up' is none of"}};
    for (int i = 0; i < 3; i++) {
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        tern_value x = tern_input(g, "x", wrong[i].rank, (int64_t[]){-1, 5, 3});
        tern_recurrent_options o = {.direction = wrong[i].direction};
        tern_output(g, "y", tern_lstm(x, wrong[i].hidden, o));
        assert_int_not_equal(tern_graph_check(g), TERN_OK);
        if (!strstr(tern_context_message(c), wrong[i].text))
            fail_msg("%s", tern_context_message(c));
        tern_graph_free(g);
    }
    tern_context_free(c);
}

/* The class is the place of the one large number among the first three steps: with only the last
 * state to answer from, the network has to remember it over the noise that follows. */
enum { SEQUENCES = 240, LONG = 9 };

static void learns_to_remember(builder *build, bool reverse) {
    tern_context *c = make_context(2);
    static float x[SEQUENCES * LONG];
    static int64_t classes[SEQUENCES];
    tern__random r = tern__random_make(3, 1);
    for (int n = 0; n < SEQUENCES; n++) {
        classes[n] = n % 3;
        for (int t = 0; t < LONG; t++) {
            int step = reverse ? LONG - 1 - t : t;
            x[n * LONG + t] = (float)(0.2 * tern__random_normal(&r) + 2 * (step == classes[n]));
        }
    }
    tern_tensor input = {TERN_FLOAT, 3, {SEQUENCES, LONG, 1}, x};
    tern_tensor target = {TERN_INT64, 1, {SEQUENCES}, classes};
    tern_dataset *d;
    check_ok(c, tern_dataset_arrays(&d, c, &input, 1, &target));
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_recurrent_options o = {.last = true, .direction = reverse ? "reverse" : NULL};
    tern_value h = build(tern_input(g, "x", 3, (int64_t[]){-1, LONG, 1}), 12, o);
    tern_output(g, "logits", tern_dense(h, 3));
    tern_train_result result;
    tern_train_options t = TERN_TRAIN_OPTIONS_INIT;
    t.epochs = 25;
    t.batch = 20;
    t.optimizer.learning_rate = 0.02;
    t.result = &result;
    tern_model *m;
    check_ok(c, tern_train(&m, g, d, &t));
    if (!(result.accuracy > 0.97)) fail_msg("accuracy is %g", result.accuracy);
    tern_model_free(m);
    tern_graph_free(g);
    tern_dataset_free(d);
    tern_context_free(c);
}

static void lstm_learns_to_remember(void **state) {
    (void)state;
    learns_to_remember(tern_lstm, false);
}
static void gru_learns_to_remember(void **state) {
    (void)state;
    learns_to_remember(tern_gru, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pytorch),
        cmocka_unit_test(lengths_cut_padding_off),
        cmocka_unit_test(lengths_out_of_range_are_named),
        cmocka_unit_test(builders_refuse),
        cmocka_unit_test(lstm_learns_to_remember),
        cmocka_unit_test(gru_learns_to_remember),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
