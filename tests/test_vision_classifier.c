/* The networks that name pictures: numbers of weights from the papers, a training step of each,
 * saving and loading, and what the builder refuses. */
#include "check.h"

#include "core/base/base.h"
#include "core/graph/graph.h"
#include <tern/session.h>
#include <tern/train.h>
#include <tern/vision_classifier.h>

static tern_context *context;

static int make_shared(void **state) {
    (void)state;
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 2;
    return tern_context_create(&context, &o) != TERN_OK;
}

static int free_shared(void **state) {
    (void)state;
    tern_context_free(context);
    return 0;
}

static tern_graph *build(const char *name, tern_vision_classifier_options o) {
    tern_graph *g;
    check_ok(context, tern_graph_create(&g, context));
    tern_vision_classifier_build(g, name, &o);
    return g;
}

static int64_t weights_of(const tern_graph *g) {
    int64_t n = 0;
    for (size_t i = 0; i < g->n_values; i++)
        if (g->values[i].kind == TERN__PARAMETER) n += tern__shape_count(&g->values[i].shape);
    return n;
}

/* The authors' numbers, or those of torchvision, which were counted without tern. Drawing 500
 * million first weights takes longer than most programs of tests: with TERN_LONG only. */
static void weights_are_as_many_as_published(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t channels, classes, size, weights;
        bool no_auxiliary;
    } rows[] = {
        {"lenet", 1, 10, 32, 61706, false},
        {"lenet", 1, 10, 28, 61706, false},
        {"alexnet", 3, 1000, 224, 61100840, false},
        {"alexnet-groups", 3, 1000, 224, 60965224, false},
        {"vgg16", 3, 1000, 224, 138357544, false},
        {"vgg19", 3, 1000, 224, 143667240, false},
        {"googlenet", 3, 1000, 224, 6998552, true},
        {"googlenet", 3, 1000, 224, 13378280, false},
        {"resnet18", 3, 1000, 224, 11689512, false},
        {"resnet34", 3, 1000, 224, 21797672, false},
        {"resnet50", 3, 1000, 224, 25557032, false},
        {"resnet101", 3, 1000, 224, 44549160, false},
        {"resnet152", 3, 1000, 224, 60192808, false},
        {"resnet18", 3, 10, 32, 11173962, false}, /* 3x3 at the beginning, of stride 1 */
    };
    const bool all = getenv("TERN_LONG");
    if (!all)
        print_message(
            "SKIP: networks of more than 50 million weights; tests/run --slow counts them\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!all && rows[i].weights > 50000000) continue;
        tern_vision_classifier_options o = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
        o.channels = rows[i].channels;
        o.classes = rows[i].classes;
        o.width = o.height = rows[i].size;
        o.no_auxiliary = rows[i].no_auxiliary;
        tern_graph *g = build(rows[i].name, o);
        check_ok(context, tern_graph_check(g));
        if (weights_of(g) != rows[i].weights)
            fail_msg("%s has %lld weights, published are %lld", rows[i].name,
                     (long long)weights_of(g), (long long)rows[i].weights);
        tern_graph_free(g);
    }
}

/* Plain ResNet-18 has a bias for each of the channels that BatchNormalization has two numbers for.
 */
static void variants_of_resnet_differ_by_their_normalisation(void **state) {
    (void)state;
    tern_vision_classifier_options o = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
    tern_graph *g = build("resnet18", o);
    const int64_t channels = 64 + 4 * 64 + 5 * 128 + 5 * 256 + 5 * 512;
    const int64_t weights = weights_of(g);
    tern_graph_free(g);
    g = build("resnet18-plain", o);
    assert_int_equal(weights_of(g), weights - channels);
    tern_graph_free(g);
    /* Preactivation: none after the first convolution and after the three shortcuts, but two a
     * block, and one at the end. The first of a block has the block's input channels. */
    g = build("resnet18-preactivation", o);
    const int64_t normalised = 64 * 2 + 64 * 2 + (64 + 128) + 128 * 2 + (128 + 256) + 256 * 2 +
                               (256 + 512) + 512 * 2 + 512;
    assert_int_equal(weights_of(g), weights - 2 * channels + 2 * normalised);
    tern_graph_free(g);
}

/* 7 x 7 = 49 against 7 x 1 and 1 x 7 = 14: here 3 x 3 and 5 x 5. */
static void factoring_saves_weights(void **state) {
    (void)state;
    tern_vision_classifier_options o = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
    tern_graph *g = build("googlenet-factored", o);
    check_ok(context, tern_graph_check(g));
    bool tall = false, wide = false;
    for (size_t i = 0; i < g->n_values; i++) {
        const int64_t *d = g->values[i].shape.dims;
        if (g->values[i].kind != TERN__PARAMETER || g->values[i].shape.rank != 4) continue;
        tall |= d[2] == 5 && d[3] == 1;
        wide |= d[2] == 1 && d[3] == 5;
        assert_false(d[2] == 5 && d[3] == 5);
    }
    assert_true(tall && wide);
    assert_int_equal(g->n_outputs, 3);
    tern_graph_free(g);
}

/* Same logits from the graph that was trained a step and from the file it was saved to. */
static void save_load_and_compare(tern_trainer *trainer, const tern_tensor *x) {
    char path[] = "/tmp/tern_classifier_XXXXXX";
    tern_model *model, *loaded;
    tern_session *a, *b;
    tern_tensor y, z;
    close(mkstemp(path));
    check_ok(context, tern_trainer_model(&model, trainer, false));
    check_ok(context, tern_model_save(model, path));
    check_ok(context, tern_model_load(&loaded, context, path));
    check_ok(context, tern_session_create(&a, model));
    check_ok(context, tern_session_create(&b, loaded));
    check_ok(context, tern_session_run(a, x, 1, &y, 1));
    check_ok(context, tern_session_run(b, x, 1, &z, 1));
    assert_int_equal(y.rank, 2);
    assert_int_equal(y.dims[1], 5);
    assert_memory_equal(y.data, z.data, (size_t)(y.dims[0] * y.dims[1]) * sizeof(float));
    assert_true(isfinite(((float *)y.data)[0]));
    tern_session_free(a);
    tern_session_free(b);
    tern_model_free(model);
    tern_model_free(loaded);
    unlink(path);
}

static void each_takes_a_training_step(void **state) {
    (void)state;
    for (size_t i = 0; tern_vision_classifier_name(i); i++) {
        const char *name = tern_vision_classifier_name(i);
        if (strstr(name, "101") || strstr(name, "152"))
            continue; /* the same blocks, more of them */
        tern_vision_classifier_options o = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
        o.classes = 5;
        o.scale = 0.25;
        o.width = 72;
        o.height = 64;
        if (!strncmp(name, "alexnet", 7)) o.width = o.height = 80;
        tern_graph *g = build(name, o);
        check_ok(context, tern_graph_check(g));
        assert_string_equal(g->values[g->outputs[0]].name, "logits");
        assert_true(*tern_vision_classifier_summary(i));
        tern_trainer *trainer;
        tern_trainer_options t = TERN_TRAINER_OPTIONS_INIT;
        t.optimizer.learning_rate = 1e-4;
        check_ok(context, tern_trainer_create(&trainer, g, &t));
        const size_t count = 2 * 3 * (size_t)(o.width * o.height);
        float *pixels = malloc(count * sizeof *pixels);
        for (size_t k = 0; k < count; k++)
            pixels[k] = (float)((k * 2654435761u >> 8) % 256) / 255 - 0.5f;
        int64_t classes[2] = {1, 4};
        const tern_tensor x = {TERN_FLOAT, 4, {2, 3, o.height, o.width}, pixels};
        const tern_tensor target = {TERN_INT64, 1, {2}, classes};
        double loss;
        check_ok(context, tern_trainer_step(trainer, &x, 1, &target, &loss));
        if (!isfinite(loss)) fail_msg("%s: loss %g", name, loss);
        assert_int_equal(tern_trainer_steps(trainer), 1);
        save_load_and_compare(trainer, &x);
        tern_trainer_free(trainer);
        free(pixels);
        tern_graph_free(g);
    }
}

static void refuse(const char *name, tern_vision_classifier_options o, const char *sentence) {
    tern_graph *g = build(name, o);
    check_error(context, TERN_ERR_ARGUMENT, sentence, tern_graph_check(g));
    tern_graph_free(g);
}

static void what_is_out_of_range_is_named(void **state) {
    (void)state;
    const tern_vision_classifier_options o = TERN_VISION_CLASSIFIER_OPTIONS_INIT;
    tern_vision_classifier_options p = o;
    refuse("resnet19", o, "there is no network 'resnet19'; there are small, lenet, alexnet");
    p.width = 30;
    refuse("vgg16", p, "network vgg16: pictures of 30 x 224; it takes 32 to 8192 pixels a side");
    p = o;
    p.channels = 0;
    refuse("lenet", p, "network lenet: channels 0; the range is 1 to 64");
    p = o;
    p.scale = NAN;
    refuse(NULL, p, "network small: scale nan");
    p = o;
    p.dropout = 1;
    refuse(NULL, p, "dropout 1; it must be below 1");
    p = o;
    p.size = 3;
    refuse(NULL, p, "TERN_VISION_CLASSIFIER_OPTIONS_INIT");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_as_many_as_published),
        cmocka_unit_test(variants_of_resnet_differ_by_their_normalisation),
        cmocka_unit_test(factoring_saves_weights),
        cmocka_unit_test(each_takes_a_training_step),
        cmocka_unit_test(what_is_out_of_range_is_named),
    };
    return cmocka_run_group_tests(tests, make_shared, free_shared);
}
