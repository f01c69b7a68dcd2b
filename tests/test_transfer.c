/* Networks taken further: layers as vectors, frozen layers that run as at inference, new last
 * layers, and the lectures' distances. */
#include "training.h"

#include <tern/session.h>
#include <tern/transfer.h>

static tern_context *context;

static int make_shared(void **state) {
    (void)state;
    context = make_context(2);
    return 0;
}

static int free_shared(void **state) {
    (void)state;
    tern_context_free(context);
    return 0;
}

/* Trained a little, so that running statistics are none of those it began with. */
static tern_model *trained(tern_graph *g, task *t) {
    tern_model *m;
    tern_train_options o = TERN_TRAIN_OPTIONS_INIT;
    o.epochs = 3;
    o.batch = 16;
    check_ok(context, tern_train(&m, g, t->dataset, &o));
    tern_graph_free(g);
    return m;
}

/* Every place where BatchNormalization may stand: after a Conv that it can be folded into, before
 * one, and after one that has two readers; with Dropout, and a softmax at the end. */
static tern_graph *make_varied(void) {
    tern_graph *g;
    check_ok(context, tern_graph_create(&g, context));
    tern_conv_options same = {.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}};
    tern_value x = tern_input(g, "picture", 4, (int64_t[]){-1, 1, SIDE, SIDE});
    x = tern_batch_normalization(x);
    tern_value a = tern_conv(x, 4, same);
    x = tern_add(tern_relu(tern_batch_normalization(a)), a);
    same.no_bias = true;
    x = tern_dropout(tern_relu(tern_batch_normalization(tern_conv(x, 6, same))), 0.3f);
    x = tern_conv(x, CLASSES, (tern_conv_options){.kernel_shape = {1, 1}, .name = "last"});
    tern_output(g, "scores", tern_flatten(tern_global_average_pool(x)));
    check_ok(context, tern_graph_check(g));
    return g;
}

/* The first output for the first n pictures: [n][*length], to be freed. */
static float *outputs(const tern_graph *g, const task *t, int64_t n, int64_t *length) {
    tern_model *m;
    tern_session *s;
    tern_tensor y, x = {TERN_FLOAT, 4, {n, 1, SIDE, SIDE}, (void *)(uintptr_t)t->pictures};
    check_ok(context, tern_model_create(&m, g));
    check_ok(context, tern_session_create(&s, m));
    check_ok(context, tern_session_run(s, &x, 1, &y, 1));
    *length = 1;
    for (int i = 1; i < y.rank; i++) *length *= y.dims[i];
    float *copy = malloc((size_t)(n * *length) * sizeof *copy);
    memcpy(copy, y.data, (size_t)(n * *length) * sizeof *copy);
    tern_session_free(s);
    tern_model_free(m);
    return copy;
}

static const tern__value *weight_of(const tern_graph *g, const char *node, int input) {
    for (size_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->nodes[i].name, node)) return &g->values[g->nodes[i].inputs[input]];
    fail_msg("there is no node %s", node);
    return NULL;
}

/* The last layer, computed here from the vector that the cut model gives, gives the logits. */
static void a_layer_as_a_vector(void **state) {
    (void)state;
    task *t = make_task(context, 1);
    tern_model *m = trained(make_network(context, 1), t), *cut, *named;
    check_ok(context, tern_model_set_metadata(m, "key", "value"));
    check_ok(context, tern_model_cut(&cut, m, NULL));
    assert_string_equal(tern_model_metadata(cut, "key"), "value");
    int64_t length, classes;
    float *vectors, *logits = outputs(tern_model_graph(m), t, 7, &classes);
    tern_dataset *some;
    check_ok(context, tern_dataset_subset(&some, t->dataset, (int64_t[]){0, 1, 2, 3, 4, 5, 6}, 7));
    check_ok(context, tern_model_run(&vectors, &length, cut, some, 3));
    assert_int_equal(length, 10);
    const tern_graph *g = tern_model_graph(m);
    const char *last = g->nodes[g->n_nodes - 1].name;
    const float *w = weight_of(g, last, 1)->data, *b = weight_of(g, last, 2)->data;
    for (int64_t i = 0; i < 7; i++)
        for (int64_t k = 0; k < classes; k++) {
            double sum = b[k];
            for (int64_t j = 0; j < length; j++)
                sum += (double)w[k * length + j] * vectors[i * length + j];
            check_close(logits[i * classes + k], sum, 1e-5, 1e-5);
        }
    tern_free(context, vectors);
    /* A node by name, the first convolution: 6 maps of 8 x 8. */
    check_ok(context, tern_model_cut(&named, m, "conv"));
    check_ok(context, tern_model_run(&vectors, &length, named, some, 7));
    assert_int_equal(length, 6 * SIDE * SIDE);
    tern_model_free(named);
    check_error(context, TERN_ERR_ARGUMENT, "there is no node 'conv9'",
                tern_model_cut(&named, m, "conv9"));
    assert_null(named);
    tern_free(context, vectors);
    tern_dataset_free(some);
    free(logits);
    tern_model_free(cut);
    tern_model_free(m);
    free_task(t);
}

/* Frozen whole, a network in training gives what it gives at inference. */
static void what_is_frozen_runs_as_at_inference(void **state) {
    (void)state;
    task *t = make_task(context, 2);
    for (int varied = 0; varied < 2; varied++) {
        tern_model *m = trained(varied ? make_varied() : make_network(context, 1), t);
        tern_graph *g;
        tern_transfer_options o = TERN_TRANSFER_OPTIONS_INIT;
        int64_t n = 8, length;
        o.freeze_until = "all-but-last";
        check_ok(context, tern_transfer(&g, tern_model_graph(m), &o));
        tern_trainer *trainer;
        tern_tensor y, x = {TERN_FLOAT, 4, {n, 1, SIDE, SIDE}, t->pictures};
        tern_tensor target = {TERN_INT64, 1, {n}, t->classes};
        check_ok(context, tern_trainer_create(&trainer, g, NULL));
        check_ok(context, tern_trainer_step(trainer, &x, 1, &target, NULL));
        check_ok(context, tern_trainer_output(trainer, 0, &y));
        float *expected = outputs(tern_model_graph(m), t, n, &length);
        for (int64_t i = 0; i < n * length; i++)
            check_close(((float *)y.data)[i], expected[i], 1e-5, 1e-5);
        free(expected);
        tern_trainer_free(trainer);
        tern_graph_free(g);
        tern_model_free(m);
    }
    free_task(t);
}

/* Only the new layer moves: the vectors that go into it stay the same to the last bit. */
static void only_the_new_layer_is_trained(void **state) {
    (void)state;
    task *t = make_task(context, 3);
    for (int varied = 0; varied < 2; varied++) {
        tern_model *m = trained(varied ? make_varied() : make_network(context, 1), t), *after,
                   *before_cut, *after_cut;
        tern_graph *g;
        tern_transfer_options o = TERN_TRANSFER_OPTIONS_INIT;
        o.freeze_until = "all-but-last";
        o.classes = 5;
        o.seed = 9;
        check_ok(context, tern_transfer(&g, tern_model_graph(m), &o));
        assert_int_equal(g->values[g->outputs[0]].shape.dims[1], 5);
        int64_t trainable = 0;
        for (size_t i = 0; i < g->n_values; i++)
            if (g->values[i].kind == TERN__PARAMETER)
                trainable += tern__shape_count(&g->values[i].shape);
        assert_int_equal(trainable, varied ? 6 * 5 + 5 : 10 * 5 + 5);
        tern_model *start;
        check_ok(context, tern_model_create(&start, g));
        check_ok(context, tern_model_cut(&before_cut, start, NULL));
        after = trained(g, t);
        check_ok(context, tern_model_cut(&after_cut, after, NULL));
        assert_true(same_weights(tern_model_graph(before_cut), tern_model_graph(after_cut)));
        assert_false(same_weights(tern_model_graph(start), tern_model_graph(after)));
        tern_model_free(start);
        tern_model_free(before_cut);
        tern_model_free(after_cut);
        tern_model_free(after);
        tern_model_free(m);
    }
    free_task(t);
}

/* Run once over the data or in every step: the same training, up to rounding. */
static void frozen_layers_run_once(void **state) {
    (void)state;
    task *t = make_task(context, 5), *other = make_task(context, 6);
    tern_model *m = trained(make_varied(), t), *once, *every;
    tern_graph *g;
    tern_transfer_options o = TERN_TRANSFER_OPTIONS_INIT;
    tern_train_result results[2];
    tern_train_options train = TERN_TRAIN_OPTIONS_INIT;
    o.freeze_until = "all-but-last";
    o.classes = CLASSES;
    train.epochs = 4;
    train.batch = 16;
    train.validation = other->dataset;
    train.keep_last = true;
    check_ok(context, tern_transfer(&g, tern_model_graph(m), &o));
    train.result = &results[0];
    check_ok(context, tern_transfer_train(&once, g, t->dataset, &train));
    train.result = &results[1];
    check_ok(context, tern_train(&every, g, t->dataset, &train));
    assert_int_equal(results[0].steps, results[1].steps);
    check_close(results[0].loss, results[1].loss, 1e-5, 1e-5);
    check_close(results[0].validation_loss, results[1].validation_loss, 1e-5, 1e-5);
    const tern__value *a = weight_of(tern_model_graph(once), "last", 1);
    const tern__value *b = weight_of(tern_model_graph(every), "last", 1);
    for (int64_t i = 0; i < tern__shape_count(&a->shape); i++)
        check_close(((float *)a->data)[i], ((float *)b->data)[i], 1e-4, 1e-4);
    int64_t length;
    float *y = outputs(tern_model_graph(once), t, 5, &length);
    float *z = outputs(tern_model_graph(every), t, 5, &length);
    for (int64_t i = 0; i < 5 * length; i++) check_close(y[i], z[i], 1e-3, 1e-3);
    assert_memory_not_equal(a->data, weight_of(g, "last", 1)->data, 6 * sizeof(float));
    free(y);
    free(z);
    tern_model_free(once);
    tern_model_free(every);
    tern_graph_free(g);
    tern_model_free(m);
    free_task(t);
    free_task(other);
}

/* A node by name freezes what lies before it and nothing after. */
static void freezing_until_a_node(void **state) {
    (void)state;
    tern_graph *g = make_network(context, 1), *h;
    tern_transfer_options o = TERN_TRANSFER_OPTIONS_INIT;
    o.freeze_until = "maxpool";
    o.classes = CLASSES;
    check_ok(context, tern_transfer(&h, g, &o));
    assert_int_equal(weight_of(h, "conv", 1)->kind, TERN__CONSTANT);
    assert_int_equal(weight_of(h, "conv_2", 1)->kind, TERN__PARAMETER);
    for (size_t i = 0; i < h->n_nodes; i++)
        assert_string_not_equal(h->nodes[i].op->name, "BatchNormalization");
    tern_graph_free(h);
    o.freeze_until = "nowhere";
    check_error(context, TERN_ERR_ARGUMENT,
                "there is no node 'nowhere' in the network; its nodes are 'conv'",
                tern_transfer(&h, g, &o));
    assert_null(h);
    o.freeze_until = "logits";
    check_error(context, TERN_ERR_ARGUMENT, "nothing would be left to train",
                tern_transfer(&h, g, &o));
    o = (tern_transfer_options){0};
    check_error(context, TERN_ERR_ARGUMENT, "TERN_TRANSFER_OPTIONS_INIT", tern_transfer(&h, g, &o));
    tern_graph_free(g);
}

/* Of a network that ends in MatMul, Add, Reshape and Softmax all that counts classes is renewed. */
static void other_last_layers(void **state) {
    (void)state;
    tern_graph *g, *h;
    check_ok(context, tern_graph_create(&g, context));
    tern_value x = tern_input(g, "x", 2, (int64_t[]){-1, 6});
    float weight[6 * 4] = {1}, bias[4] = {2};
    x = tern_matmul(tern_relu(x), tern_parameter_data(g, "w", 2, (int64_t[]){6, 4}, weight));
    x = tern_add(x, tern_parameter_data(g, "b", 1, (int64_t[]){4}, bias));
    tern_output(g, "p", tern_softmax(tern_reshape(x, 2, (int64_t[]){-1, 4}), 1));
    check_ok(context, tern_graph_check(g));
    tern_transfer_options o = TERN_TRANSFER_OPTIONS_INIT;
    o.classes = 3;
    check_ok(context, tern_transfer(&h, g, &o));
    assert_int_equal(h->values[h->outputs[0]].shape.dims[1], 3);
    assert_string_equal(h->nodes[h->values[h->outputs[0]].producer].op->name, "Reshape");
    assert_int_equal(weight_of(h, "matmul", 1)->shape.dims[1], 3);
    check_close(((float *)weight_of(h, "add", 1)->data)[0], 0, 0, 0);
    tern_graph_free(h);
    tern_graph_free(g);
    /* Two ways that meet: no layer that could be called the last. */
    check_ok(context, tern_graph_create(&g, context));
    x = tern_input(g, "x", 2, (int64_t[]){-1, 6});
    tern_output(g, "y", tern_add(tern_dense(x, 4), tern_dense(x, 4)));
    check_error(context, TERN_ERR_UNSUPPORTED,
                "no last layer that could be replaced: going back from its output there "
                "is Add",
                tern_transfer(&h, g, &o));
    tern_graph_free(g);
}

static void distances_of_the_lecture(void **state) {
    (void)state;
    const float a[] = {1, 2, 2}, b[] = {2, 4, 4}, c[] = {2, 1, -2}, zero[3] = {0};
    check_close(tern_distance(TERN_DISTANCE_EUCLIDEAN, a, b, 3), 3, 0, 0);
    check_close(tern_distance(TERN_DISTANCE_MAXIMUM, a, b, 3), 2, 0, 0);
    check_close(tern_distance(TERN_DISTANCE_COSINE, a, b, 3), 0, 1e-15, 0);
    check_close(tern_distance(TERN_DISTANCE_COSINE, a, c, 3), 1, 0, 0);
    check_close(tern_distance(TERN_DISTANCE_COSINE, a, zero, 3), 1, 0, 0);
    const float other[] = {-2, -4, -4}, broken[] = {1, NAN, 2};
    check_close(tern_distance(TERN_DISTANCE_COSINE, b, other, 3), 2, 1e-15, 0);
    for (int kind = 0; kind < 2; kind++)
        assert_true(isnan(tern_distance((tern_distance_kind)kind, a, broken, 3)));
}

/* On a line: 0 and 1 agree, 10 is nearest to 9 of another class, 9 to 10, 30 to 10. */
static void neighbours_of_the_same_class(void **state) {
    (void)state;
    const float x[] = {0, 1, 10, 9, 30};
    const int64_t classes[] = {7, 7, 1, 2, 1};
    double share;
    check_ok(context,
             tern_nearest_agreement(&share, context, x, 5, 1, classes, TERN_DISTANCE_EUCLIDEAN));
    check_close(share, 3 / 5.0, 1e-15, 0);
    check_error(context, TERN_ERR_ARGUMENT, "at least two",
                tern_nearest_agreement(&share, context, x, 1, 1, classes, TERN_DISTANCE_EUCLIDEAN));
}

/* The first output of a node. */
static tern_value value_of(tern_graph *g, const char *node) {
    for (size_t i = 0; i < g->n_nodes; i++)
        if (!strcmp(g->nodes[i].name, node)) return (tern_value){g, g->nodes[i].outputs[0]};
    fail_msg("there is no node %s", node);
    return (tern_value){g, -1};
}

/* Two heads: the loss is the first one's plus 0.3 times the second one's, both of which learn;
 * without the option only the first does. */
static void auxiliary_outputs_are_trained(void **state) {
    (void)state;
    task *t = make_task(context, 4);
    const tern_tensor x = {TERN_FLOAT, 4, {PICTURES, 1, SIDE, SIDE}, t->pictures};
    const tern_tensor target = {TERN_INT64, 1, {PICTURES}, t->classes};
    for (int auxiliary = 0; auxiliary < 2; auxiliary++) {
        tern_graph *g = make_network(context, 1);
        tern_output(g, "helper", tern_dense(value_of(g, "maxpool"), CLASSES));
        tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
        tern_trainer *trainer;
        tern_tensor y;
        double loss, expected[2] = {0};
        o.loss.auxiliary = 0.3 * auxiliary;
        check_ok(context, tern_trainer_create(&trainer, g, &o));
        check_ok(context, tern_trainer_step(trainer, &x, 1, &target, &loss));
        for (size_t k = 0; k < 2; k++) {
            check_ok(context, tern_trainer_output(trainer, k, &y));
            for (int64_t i = 0; i < PICTURES; i++) {
                const float *z = (float *)y.data + i * CLASSES;
                double sum = 0;
                for (int j = 0; j < CLASSES; j++) sum += exp((double)z[j]);
                expected[k] += (log(sum) - (double)z[t->classes[i]]) / PICTURES;
            }
        }
        check_close(loss, expected[0] + 0.3 * auxiliary * expected[1], 1e-5, 1e-5);
        tern_model *after;
        check_ok(context, tern_trainer_model(&after, trainer, false));
        const tern_graph *h = tern_model_graph(after);
        const char *helper = g->nodes[g->n_nodes - 1].name;
        assert_int_equal(!memcmp(weight_of(g, helper, 2)->data, weight_of(h, helper, 2)->data,
                                 CLASSES * sizeof(float)),
                         !auxiliary);
        tern_model_free(after);
        tern_trainer_free(trainer);
        tern_graph_free(g);
    }
    /* Other shapes, and weights out of range, are refused. */
    tern_graph *g = make_network(context, 1);
    tern_trainer *trainer;
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    tern_output(g, "helper", tern_dense(value_of(g, "maxpool"), CLASSES + 1));
    o.loss.auxiliary = 1;
    check_error(context, TERN_ERR_SHAPE, "the auxiliary output 'helper' is",
                tern_trainer_create(&trainer, g, &o));
    o.loss.auxiliary = -1;
    check_error(context, TERN_ERR_ARGUMENT, "auxiliary outputs count -1 times",
                tern_trainer_create(&trainer, g, &o));
    tern_graph_free(g);
    free_task(t);
}

static tern_model *dense(uint64_t seed, int64_t units) {
    tern_graph *g;
    tern_model *m;
    check_ok(context, tern_graph_create(&g, context));
    tern_graph_set_seed(g, seed);
    tern_value x = tern_input(g, "x", 2, (int64_t[]){-1, 5});
    tern_output(g, "y", tern_batch_normalization(tern_dense(x, units)));
    check_ok(context, tern_model_create(&m, g));
    tern_graph_free(g);
    return m;
}

/* Without anything curved between them, the mean of the weights gives the mean of the outputs. */
static void average_of_models(void **state) {
    (void)state;
    tern_model *models[3], *mean, *other = dense(1, 4);
    float values[10], sum[6] = {0};
    tern_tensor y, x = {TERN_FLOAT, 2, {2, 5}, values};
    for (int i = 0; i < 10; i++) values[i] = (float)sin(i + 1);
    for (int k = 0; k < 4; k++) {
        tern_session *s;
        if (k < 3) models[k] = dense((uint64_t)k + 1, 3);
        if (k == 0) check_ok(context, tern_model_set_metadata(models[0], "note", "first"));
        if (k == 3)
            check_ok(context, tern_model_average(&mean, (const tern_model *const *)models, 3));
        check_ok(context, tern_session_create(&s, k < 3 ? models[k] : mean));
        check_ok(context, tern_session_run(s, &x, 1, &y, 1));
        for (int i = 0; i < 6; i++) {
            if (k < 3)
                sum[i] += ((float *)y.data)[i];
            else
                check_close(((float *)y.data)[i], sum[i] / 3, 1e-6, 1e-5);
        }
        tern_session_free(s);
    }
    assert_string_equal(tern_model_metadata(mean, "note"), "first");
    tern_model_free(mean);

    check_error(context, TERN_ERR_ARGUMENT, "the mean of 1 models",
                tern_model_average(&mean, (const tern_model *const *)models, 1));
    assert_null(mean);
    check_error(context, TERN_ERR_ARGUMENT, "model 2 is another network",
                tern_model_average(&mean, (const tern_model *const[]){models[0], other}, 2));
    check_ok(context, tern_model_set_metadata(models[2], "tern.labels", "[\"a\", \"b\", \"c\"]"));
    check_error(context, TERN_ERR_ARGUMENT, "model 3 has other labels",
                tern_model_average(&mean, (const tern_model *const *)models, 3));
    for (int k = 0; k < 3; k++) tern_model_free(models[k]);
    tern_model_free(other);
}

static tern_model *pooled(int64_t stride, float alpha) {
    tern_graph *g;
    tern_model *m;
    check_ok(context, tern_graph_create(&g, context));
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    x = tern_leaky_relu(
        tern_max_pool(tern_conv(x, 2, (tern_conv_options){.kernel_shape = {3, 3}}), 2, stride),
        alpha);
    tern_output(g, "y", tern_global_average_pool(x));
    check_ok(context, tern_model_create(&m, g));
    tern_graph_free(g);
    return m;
}

/* Weights of the same shapes in another network: only strides, or a slope, tell them apart. */
static void average_of_other_attributes(void **state) {
    (void)state;
    tern_model *mean, *first = pooled(2, 0.1f), *same = pooled(2, 0.1f), *stride = pooled(1, 0.1f),
                      *slope = pooled(2, 0.2f);
    check_ok(context, tern_model_average(&mean, (const tern_model *const[]){first, same}, 2));
    tern_model_free(mean);
    check_error(context, TERN_ERR_ARGUMENT, "model 2 is another network",
                tern_model_average(&mean, (const tern_model *const[]){first, stride}, 2));
    check_error(context, TERN_ERR_ARGUMENT, "model 3 is another network",
                tern_model_average(&mean, (const tern_model *const[]){first, same, slope}, 3));
    tern_model_free(first);
    tern_model_free(same);
    tern_model_free(stride);
    tern_model_free(slope);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(average_of_models),
        cmocka_unit_test(average_of_other_attributes),
        cmocka_unit_test(a_layer_as_a_vector),
        cmocka_unit_test(what_is_frozen_runs_as_at_inference),
        cmocka_unit_test(only_the_new_layer_is_trained),
        cmocka_unit_test(frozen_layers_run_once),
        cmocka_unit_test(freezing_until_a_node),
        cmocka_unit_test(other_last_layers),
        cmocka_unit_test(distances_of_the_lecture),
        cmocka_unit_test(neighbours_of_the_same_class),
        cmocka_unit_test(auxiliary_outputs_are_trained),
    };
    return cmocka_run_group_tests(tests, make_shared, free_shared);
}
