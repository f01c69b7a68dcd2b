/* The trainer: one step at a time. */
#include "training.h"

/* A dense layer with squared error has a gradient that can be written down:
 * y = W x + b, L = mean (y - t)^2, dL/dy = 2 (y - t) / count, dW = dy x^T, db = dy. */
static void step_by_hand(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    const float weights[] = {0.5f, -1, 2, 0.25f, 1, -0.5f}, biases[] = {0.1f, -0.2f};
    tern_value x = tern_input(g, "x", 2, (int64_t[]){-1, 3});
    tern_value w = tern_parameter_data(g, "w", 2, (int64_t[]){2, 3}, weights);
    tern_value b = tern_parameter_data(g, "b", 1, (int64_t[]){2}, biases), y;
    tern_apply(g, "Gemm", NULL, (tern_value[]){x, w, b}, 3, &TERN_INT("transB", 1), 1, &y, 1);
    tern_output(g, "y", y);
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    o.loss.kind = TERN_LOSS_SQUARED_ERROR;
    o.optimizer = (tern_optimizer_options){.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1};
    tern_trainer *t;
    check_ok(c, tern_trainer_create(&t, g, &o));

    float inputs[] = {1, 2, 3, -1, 0.5f, 2}, targets[] = {1, 0, -1, 2};
    double wd[6], bd[2], expected = 0, norm = 0;
    for (int i = 0; i < 6; i++) wd[i] = weights[i];
    for (int i = 0; i < 2; i++) bd[i] = biases[i];
    double dw[6] = {0}, db[2] = {0};
    for (int n = 0; n < 2; n++)
        for (int k = 0; k < 2; k++) {
            double out = bd[k];
            for (int i = 0; i < 3; i++) out += wd[k * 3 + i] * inputs[n * 3 + i];
            double d = out - targets[n * 2 + k];
            expected += d * d / 4;
            for (int i = 0; i < 3; i++) dw[k * 3 + i] += 2 * d / 4 * inputs[n * 3 + i];
            db[k] += 2 * d / 4;
        }
    for (int i = 0; i < 6; i++) norm += dw[i] * dw[i], wd[i] -= 0.1 * dw[i];
    for (int i = 0; i < 2; i++) norm += db[i] * db[i], bd[i] -= 0.1 * db[i];

    double loss;
    tern_tensor input = {TERN_FLOAT, 2, {2, 3}, inputs}, target = {TERN_FLOAT, 2, {2, 2}, targets};
    check_ok(c, tern_trainer_step(t, &input, 1, &target, &loss));
    check_close(loss, expected, 0, 1e-6);
    check_close(tern_trainer_gradient_norm(t), sqrt(norm), 0, 1e-6);
    tern_model *m;
    check_ok(c, tern_trainer_model(&m, t, false));
    const tern_graph *trained = tern_model_graph(m);
    check_floats((float *)trained->values[tern__graph_find(trained, "w")].data, wd, 6, 0, 1e-6);
    check_floats((float *)trained->values[tern__graph_find(trained, "b")].data, bd, 2, 0, 1e-6);
    assert_int_equal(trained->n_inputs, 1);
    assert_int_equal(trained->n_outputs, 1);
    assert_int_equal(tern__graph_find(trained, "target"), -1);
    assert_int_equal(tern_trainer_steps(t), 1);
    tern_model_free(m);
    tern_trainer_free(t);
    tern_graph_free(g);
    tern_context_free(c);
}

static tern_trainer *picture_trainer(tern_context *c, const task *t, const tern_graph *g,
                                     tern_tensor *input, tern_tensor *target) {
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    o.optimizer.learning_rate = 0.01;
    tern_trainer *trainer;
    check_ok(c, tern_trainer_create(&trainer, g, &o));
    *input = (tern_tensor){TERN_FLOAT, 4, {12, 1, SIDE, SIDE}, (void *)t->pictures};
    *target = (tern_tensor){TERN_INT64, 1, {12}, (void *)t->classes};
    return trainer;
}

static void non_finite_steps_change_nothing(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_tensor input, target;
    tern_trainer *trainer = picture_trainer(c, t, g, &input, &target);
    double loss;
    for (int i = 0; i < 3; i++) check_ok(c, tern_trainer_step(trainer, &input, 1, &target, &loss));
    tern_model *before, *after;
    check_ok(c, tern_trainer_model(&before, trainer, false));
    const float bad[] = {NAN, INFINITY};
    for (int i = 0; i < 2; i++) {
        float kept = t->pictures[100];
        t->pictures[100] = bad[i];
        check_ok(c, tern_trainer_step(trainer, &input, 1, &target, &loss));
        assert_false(isfinite(loss));
        t->pictures[100] = kept;
    }
    assert_int_equal(tern_trainer_steps(trainer), 3);
    check_ok(c, tern_trainer_model(&after, trainer, false));
    assert_true(same_weights(tern_model_graph(before), tern_model_graph(after)));
    check_ok(c, tern_trainer_step(trainer, &input, 1, &target, &loss));
    assert_true(isfinite(loss));
    tern_model_free(before);
    tern_model_free(after);
    tern_trainer_free(trainer);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

/* w = 0: the loss (w x - t)^2 = 1e30 is finite, its gradient -2 t x = -2e45 is not. */
static void non_finite_gradients_change_nothing(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    const float zero = 0;
    float x = 1e30f, t = 1e15f;
    tern_value w = tern_parameter_data(g, "w", 2, (int64_t[]){1, 1}, &zero);
    tern_output(g, "y", tern_mul(tern_input(g, "x", 2, (int64_t[]){-1, 1}), w));
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    o.loss.kind = TERN_LOSS_SQUARED_ERROR;
    tern_trainer *trainer;
    check_ok(c, tern_trainer_create(&trainer, g, &o));
    tern_tensor input = {TERN_FLOAT, 2, {1, 1}, &x}, target = {TERN_FLOAT, 2, {1, 1}, &t};
    double loss;
    check_ok(c, tern_trainer_step(trainer, &input, 1, &target, &loss));
    assert_false(isfinite(loss));
    assert_int_equal(tern_trainer_steps(trainer), 0);
    x = 1;
    check_ok(c, tern_trainer_step(trainer, &input, 1, &target, &loss));
    check_close(loss, 1e30, 0, 1e-6);
    tern_trainer_free(trainer);
    tern_graph_free(g);
    tern_context_free(c);
}

static void dropout_differs_from_step_to_step(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_tensor input, target, view;
    tern_trainer *trainer = picture_trainer(c, t, g, &input, &target);
    tern_trainer_set_learning_rate(trainer, 0);
    float first[12 * CLASSES];
    check_ok(c, tern_trainer_step(trainer, &input, 1, &target, NULL));
    check_ok(c, tern_trainer_output(trainer, 0, &view));
    memcpy(first, view.data, sizeof first);
    check_ok(c, tern_trainer_step(trainer, &input, 1, &target, NULL));
    check_ok(c, tern_trainer_output(trainer, 0, &view));
    assert_memory_not_equal(first, view.data, sizeof first);
    tern_trainer_free(trainer);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

static void step_refuses(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    tern_tensor input, target;
    tern_trainer *trainer = picture_trainer(c, t, g, &input, &target);
    tern_tensor view;
    check_error(c, TERN_ERR_ARGUMENT, "before the first step",
                tern_trainer_output(trainer, 0, &view));
    check_error(c, TERN_ERR_ARGUMENT, "2 inputs were given, the network has 1",
                tern_trainer_step(trainer, &input, 2, &target, NULL));
    input.dims[2] = 7;
    check_error(c, TERN_ERR_SHAPE, "'picture'",
                tern_trainer_step(trainer, &input, 1, &target, NULL));
    input.dims[2] = SIDE;
    target.dims[0] = 11;
    check_error(c, TERN_ERR_SHAPE, "target", tern_trainer_step(trainer, &input, 1, &target, NULL));
    target.dims[0] = 12;
    t->classes[5] = 3;
    check_error(c, TERN_ERR_ARGUMENT, "3", tern_trainer_step(trainer, &input, 1, &target, NULL));
    t->classes[5] = 2;
    check_ok(c, tern_trainer_step(trainer, &input, 1, &target, NULL));
    check_ok(c, tern_trainer_output(trainer, 0, &view));
    assert_int_equal(view.dims[1], CLASSES);
    tern_trainer_free(trainer);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

enum { TABLE = 400 };

/* Words -> table -> mean -> dense. With `dense` the table is an output too, so that its gradient
 * cannot be sparse. */
static tern_graph *make_text_network(tern_context *c, bool dense, bool twice) {
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_value ids = tern_input_typed(g, "words", TERN_INT64, 2, (int64_t[]){-1, -1});
    tern_value table = tern_parameter(g, "table", 2, (int64_t[]){TABLE, 6},
                                      (tern_initializer){.kind = TERN_INIT_NORMAL, .b = 1});
    tern_value rows = tern_gather(table, ids, 0);
    if (twice) rows = tern_add(rows, tern_gather(table, ids, 0));
    tern_value mean = tern_reduce_mean(rows, (int64_t[]){1}, 1, false);
    tern_output(g, "logits", tern_dense(mean, 2));
    if (dense) tern_output(g, "table_out", table);
    check_ok(c, tern_graph_check(g));
    return g;
}

/* Steps of a table of which few rows have a gradient, rare ones for longer than rows may be behind;
 * lengths differ, so that plans and the room for rows do too. */
static tern_model *train_table(const tern_graph *g, const tern_optimizer_options *optimizer) {
    tern_context *c = g->context;
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    o.optimizer = *optimizer;
    tern_trainer *t;
    tern_model *m;
    check_ok(c, tern_trainer_create(&t, g, &o));
    for (int step = 0; step < 150; step++) {
        int64_t words[4 * 9], classes[4], length = 3 + step % 3 * 3;
        tern__random r = tern__random_make(5, (uint64_t)step);
        for (int i = 0; i < 4 * length; i++) {
            double u = tern__random_uniform(&r);
            words[i] = (int64_t)(u * u * TABLE);
        }
        if (step % 7 == 0) words[0] = -1; /* counted from the end */
        for (int i = 0; i < 4; i++) classes[i] = tern__random_below(&r, 2);
        tern_tensor input = {TERN_INT64, 2, {4, length}, words};
        tern_tensor target = {TERN_INT64, 1, {4}, classes};
        tern_trainer_set_learning_rate(t, o.optimizer.learning_rate * (1 + 0.5 * sin(step)));
        check_ok(c, tern_trainer_step(t, &input, 1, &target, NULL));
        assert_true(tern_trainer_memory(t) > 0);
    }
    check_ok(c, tern_trainer_model(&m, t, optimizer->ema > 0));
    tern_trainer_free(t);
    return m;
}

static void sparse_tables_train_like_dense_ones(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    static const tern_optimizer_options optimizers[] = {
        {.kind = TERN_OPTIMIZER_ADAM, .learning_rate = 0.01},
        {.kind = TERN_OPTIMIZER_ADAMW, .learning_rate = 0.01, .weight_decay = 0.3},
        {.kind = TERN_OPTIMIZER_ADAMW, .learning_rate = 0.01, .weight_decay = 0.3, .ema = 0.9},
        {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1},
        {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1, .momentum = 0.9},
        {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1, .momentum = 0.9, .nesterov = true},
        {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01},
        {.kind = TERN_OPTIMIZER_RMSPROP, .learning_rate = 0.003, .smoothing = 0.9},
        {.kind = TERN_OPTIMIZER_RMSPROP, .learning_rate = 0.003, .momentum = 0.5},
        {.kind = TERN_OPTIMIZER_ADADELTA, .learning_rate = 1},
        {.kind = TERN_OPTIMIZER_ADADELTA, .learning_rate = 1, .ema = 0.97}};
    enum { KINDS = sizeof optimizers / sizeof *optimizers };
    for (int k = 0; k < 2 * KINDS; k++) {
        const float *tables[2];
        tern_graph *graphs[2];
        tern_model *models[2];
        for (int dense = 0; dense < 2; dense++) {
            graphs[dense] = make_text_network(c, dense, k >= KINDS);
            models[dense] = train_table(graphs[dense], &optimizers[k % KINDS]);
            const tern_graph *trained = tern_model_graph(models[dense]);
            tables[dense] = trained->values[tern__graph_find(trained, "table")].data;
        }
        for (int i = 0; i < TABLE * 6; i++)
            if (!(fabs(tables[0][i] - tables[1][i]) <= 2e-5))
                fail_msg("optimizer %d, row %d: sparse %.9g, dense %.9g", k, i / 6, tables[0][i],
                         tables[1][i]);
        for (int i = 0; i < 2; i++) {
            tern_model_free(models[i]);
            tern_graph_free(graphs[i]);
        }
    }
    tern_context_free(c);
}

/* Nothing is learnt from zeros, so that all that moves is what decays: no slope of an activation,
 * though it has as many dimensions as a matrix. */
static void slopes_do_not_decay(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    const float ones[] = {1, 1};
    tern_value x = tern_input(g, "x", 3, (int64_t[]){-1, 2, 3});
    tern_value slope = tern_parameter_data(g, "slope", 2, (int64_t[]){2, 1}, ones);
    tern_value factor = tern_parameter_data(g, "factor", 2, (int64_t[]){2, 1}, ones), y;
    tern_apply(g, "PRelu", NULL, (tern_value[]){x, slope}, 2, NULL, 0, &y, 1);
    tern_output(g, "y", tern_mul(y, factor));
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    o.loss.kind = TERN_LOSS_SQUARED_ERROR;
    o.optimizer = (tern_optimizer_options){.kind = TERN_OPTIMIZER_SGD,
                                           .learning_rate = 0.5,
                                           .weight_decay = 0.5,
                                           .decay_matrices_only = true};
    tern_trainer *t;
    tern_model *m;
    check_ok(c, tern_trainer_create(&t, g, &o));
    float zeros[6] = {0};
    tern_tensor input = {TERN_FLOAT, 3, {1, 2, 3}, zeros}, target = input;
    check_ok(c, tern_trainer_step(t, &input, 1, &target, NULL));
    check_ok(c, tern_trainer_model(&m, t, false));
    const tern_graph *trained = tern_model_graph(m);
    const float *after = trained->values[tern__graph_find(trained, "slope")].data;
    check_close(after[0], 1, 0, 0);
    after = trained->values[tern__graph_find(trained, "factor")].data;
    check_close(after[0], 0.75, 0, 0);
    tern_model_free(m);
    tern_trainer_free(t);
    tern_graph_free(g);
    tern_context_free(c);
}

static void frozen_weights_stay(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    task *t = make_task(c, 1);
    tern_graph *g = make_network(c, 1);
    int frozen = -1;
    for (size_t i = 0; i < g->n_values; i++)
        if (g->values[i].kind == TERN__PARAMETER && g->values[i].shape.rank == 4) frozen = (int)i;
    tern_set_trainable((tern_value){g, frozen}, false);
    tern_tensor input, target;
    tern_trainer *trainer = picture_trainer(c, t, g, &input, &target);
    for (int i = 0; i < 3; i++) check_ok(c, tern_trainer_step(trainer, &input, 1, &target, NULL));
    tern_model *m;
    check_ok(c, tern_trainer_model(&m, trainer, false));
    const tern_graph *after = tern_model_graph(m);
    size_t bytes = (size_t)tern__shape_count(&g->values[frozen].shape) * sizeof(float);
    assert_memory_equal(g->values[frozen].data, after->values[frozen].data, bytes);
    assert_false(same_weights(g, after));
    tern_model_free(m);
    tern_trainer_free(trainer);
    tern_graph_free(g);
    free_task(t);
    tern_context_free(c);
}

/* Every loss goes down on a task that fits it. */
static void every_loss(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    float x[40], y[40];
    tern__random r = tern__random_make(1, 1);
    for (int i = 0; i < 40; i++) {
        x[i] = (float)tern__random_normal(&r);
        y[i] = x[i] > 0.2f;
    }
    tern_tensor input = {TERN_FLOAT, 2, {40, 1}, x}, target = {TERN_FLOAT, 2, {40, 1}, y};
    for (int kind = TERN_LOSS_BINARY_CROSS_ENTROPY; kind <= TERN_LOSS_HUBER; kind++) {
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        tern_output(g, "y", tern_dense(tern_input(g, "x", 2, (int64_t[]){-1, 1}), 1));
        tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
        o.loss.kind = (tern_loss_kind)kind;
        o.optimizer = (tern_optimizer_options){.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1};
        tern_trainer *t;
        check_ok(c, tern_trainer_create(&t, g, &o));
        double first, last;
        check_ok(c, tern_trainer_step(t, &input, 1, &target, &first));
        for (int i = 0; i < 100; i++) check_ok(c, tern_trainer_step(t, &input, 1, &target, &last));
        assert_true(last < 0.8 * first);
        tern_trainer_free(t);
        tern_graph_free(g);
    }
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_by_hand),
        cmocka_unit_test(non_finite_steps_change_nothing),
        cmocka_unit_test(non_finite_gradients_change_nothing),
        cmocka_unit_test(dropout_differs_from_step_to_step),
        cmocka_unit_test(step_refuses),
        cmocka_unit_test(sparse_tables_train_like_dense_ones),
        cmocka_unit_test(slopes_do_not_decay),
        cmocka_unit_test(frozen_weights_stay),
        cmocka_unit_test(every_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
