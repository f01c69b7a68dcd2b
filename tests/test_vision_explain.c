/* Classifying pictures from end to end on drawn ones; gradients of answers against finite
 * differences; filters against the lectures' numbers. */
#include "check.h"

#include "core/base/base.h"
#include "core/graph/graph.h"
#include <tern/explain.h>
#include <tern/transfer.h>
#include <tern/vision_explain.h>

#include <sys/stat.h>

enum { SIDE = 16, EACH = 24 };

static tern_context *context;
static char folder[64];
static tern_model *model; /* trained on the folder */

/* Stripes across or along with noise, the first of them brighter on the left. */
static void draw(const char *label, int number, bool across) {
    char path[200];
    tern_image image;
    tern__random r = tern__random_make((uint64_t)number, across);
    check_ok(context, tern_image_create(&image, context, SIDE, SIDE, 3, 8));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int k = 0; k < 3; k++)
                ((uint8_t *)image.data)[(y * SIDE + x) * 3 + k] =
                    (uint8_t)(((across ? y : x) / 2 % 2 ? 150 : 50) + tern__random_below(&r, 50));
    snprintf(path, sizeof path, "%s/%s/%d.png", folder, label, number);
    check_ok(context, tern_image_save(&image, path, 0));
    tern_image_free(&image);
}

static tern_vision_classifier_train_options quick(void) {
    tern_vision_classifier_train_options o = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT;
    o.data.width = o.data.height = SIDE;
    o.scale = 0.25;
    o.train.epochs = 10;
    o.train.batch = 8;
    return o;
}

static int make_shared(void **state) {
    (void)state;
    char path[100];
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 2;
    strcpy(folder, "/tmp/tern_classes_XXXXXX");
    if (tern_context_create(&context, &o) || !mkdtemp(folder)) return 1;
    for (int across = 0; across < 2; across++) {
        snprintf(path, sizeof path, "%s/%s", folder, across ? "rows" : "columns");
        if (mkdir(path, 0700)) return 1;
        for (int i = 0; i < EACH; i++) draw(across ? "rows" : "columns", i, across);
    }
    tern_vision_classifier_train_options t = quick();
    t.validate = 0.25;
    check_ok(context, tern_vision_classifier_train(&model, context, folder, &t));
    return 0;
}

static int free_shared(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    tern_model_free(model);
    tern_context_free(context);
    return system(command);
}

static const char *picture(const char *name) {
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static bool count_mistake(void *user, const char *file, const char *truth, const char *taken_for) {
    assert_non_null(strstr(file, truth));
    assert_string_not_equal(truth, taken_for);
    ++*(int *)user;
    return true;
}

static void pictures_are_named(void **state) {
    (void)state;
    tern_session *s;
    tern_answer a;
    tern_confusion *confusion;
    int mistakes = 0;
    check_ok(context, tern_session_create(&s, model));
    check_ok(context, tern_vision_classify_file(s, picture("rows/3.png"), &a));
    assert_string_equal(a.label, "rows");
    assert_int_equal(a.count, 2);
    check_close(a.top[0].score + a.top[1].score, 1, 1e-6, 0);
    assert_true(a.top[0].score >= a.top[1].score && a.score == a.top[0].score);
    check_ok(context, tern_vision_classify_file(s, picture("columns/5.png"), &a));
    assert_string_equal(a.label, "columns");
    check_ok(context, tern_vision_classifier_evaluate(&confusion, s, folder, NULL, count_mistake,
                                                      &mistakes));
    const tern_metrics m = tern_confusion_metrics(confusion);
    assert_int_equal(m.n, 2 * EACH);
    assert_int_equal(m.n - m.correct, mistakes);
    assert_true(m.accuracy > 0.95);
    char path[200];
    strcpy(path, picture("matrix.png"));
    const char *labels[] = {"columns", "rows"};
    check_ok(context, tern_confusion_picture(confusion, context, path, 2, labels));
    assert_int_equal(unlink(path), 0);
    tern_confusion_free(confusion);
    assert_int_equal(tern_vision_classify_file(s, picture("none.png"), &a), TERN_ERR_IO);
    tern_session_free(s);
}

/* From the file the same answer, and from a picture of another size and kind one that is right. */
static void the_file_is_the_whole_pipeline(void **state) {
    (void)state;
    char path[200];
    tern_model *loaded;
    tern_session *a, *b;
    tern_answer x, y;
    strcpy(path, picture("model.onnx"));
    check_ok(context, tern_model_save(model, path));
    check_ok(context, tern_model_load(&loaded, context, path));
    unlink(path);
    check_ok(context, tern_session_create(&a, model));
    check_ok(context, tern_session_create(&b, loaded));
    check_ok(context, tern_vision_classify_file(a, picture("rows/1.png"), &x));
    check_ok(context, tern_vision_classify_file(b, picture("rows/1.png"), &y));
    assert_string_equal(x.label, y.label);
    assert_true(x.score == y.score);
    tern_image image, large, grey;
    check_ok(context, tern_image_load(&image, context, picture("rows/1.png"), NULL));
    check_ok(context,
             tern_image_resize(&large, &image, 4 * SIDE, 4 * SIDE, TERN_FILTER_NEAREST, false));
    check_ok(context, tern_image_convert(&grey, &large, 1, 16));
    check_ok(context, tern_vision_classify(b, &grey, &y));
    assert_string_equal(y.label, "rows");
    tern_image_free(&grey);
    tern_image_free(&large);
    tern_image_free(&image);
    tern_session_free(a);
    tern_session_free(b);
    tern_model_free(loaded);
}

static void a_trained_model_is_gone_on_from(void **state) {
    (void)state;
    tern_vision_classifier_train_options o = quick();
    tern_model *next, *before, *after;
    o.scale = 0;
    o.init = model;
    o.freeze_until = "all-but-last";
    o.train.epochs = 2;
    check_ok(context, tern_vision_classifier_train(&next, context, folder, &o));
    check_ok(context, tern_model_cut(&before, model, NULL));
    check_ok(context, tern_model_cut(&after, next, NULL));
    assert_string_equal(tern_model_metadata(next, "tern.labels"),
                        tern_model_metadata(model, "tern.labels"));
    /* The same vectors, up to what folding BatchNormalization rounds. */
    tern_vision_dataset *data;
    tern_vision_dataset_options d = TERN_VISION_DATASET_OPTIONS_INIT;
    float *x, *y;
    int64_t length;
    check_ok(context, tern_vision_dataset_open_labels(&data, context, folder, &d));
    check_ok(context, tern_model_run(&x, &length, before, tern_vision_dataset_samples(data), 7));
    check_ok(context, tern_model_run(&y, &length, after, tern_vision_dataset_samples(data), 48));
    for (int64_t i = 0; i < 2 * EACH * length; i++) check_close(x[i], y[i], 1e-4, 1e-4);
    tern_free(context, x);
    tern_free(context, y);
    tern_vision_dataset_free(data);
    tern_model_free(before);
    tern_model_free(after);
    tern_model_free(next);
    o.freeze_until = "nothing";
    check_error(context, TERN_ERR_ARGUMENT, "there is no node 'nothing'",
                tern_vision_classifier_train(&next, context, folder, &o));
    o.init = NULL;
    check_error(context, TERN_ERR_ARGUMENT, "needs a trained model",
                tern_vision_classifier_train(&next, context, folder, &o));
}

/* Auxiliary classifiers help in training and are not in the model. */
static void auxiliary_classifiers_are_left_out(void **state) {
    (void)state;
    tern_vision_classifier_train_options o = quick();
    tern_model *m;
    o.network = "googlenet-factored";
    o.data.width = o.data.height = 48;
    o.scale = 0.05;
    o.train.epochs = 1;
    check_ok(context, tern_vision_classifier_train(&m, context, folder, &o));
    assert_int_equal(tern_model_graph(m)->n_outputs, 1);
    assert_int_equal(tern__graph_find(tern_model_graph(m), "auxiliary_1"), -1);
    assert_non_null(tern_model_metadata(m, "tern.labels"));
    tern_model_free(m);
}

static void bad_data_are_named(void **state) {
    (void)state;
    char path[200];
    tern_model *m;
    tern_vision_classifier_train_options o = quick();
    strcpy(path, picture("alone"));
    mkdir(path, 0700);
    draw("alone", 1, true);
    check_error(context, TERN_ERR_FORMAT, "one picture of label 'alone'; at least two are needed",
                tern_vision_classifier_train(&m, context, folder, &o));
    assert_null(m);
    unlink(picture("alone/1.png"));
    rmdir(path);
    o.network = "resnet19";
    check_error(context, TERN_ERR_ARGUMENT, "there is no network 'resnet19'",
                tern_vision_classifier_train(&m, context, folder, &o));
    o = quick();
    o.validate = 0.2;
    o.validate_path = folder;
    check_error(context, TERN_ERR_ARGUMENT, "asked for twice",
                tern_vision_classifier_train(&m, context, folder, &o));
}

/* ---- gradients ---- */

/* Smooth, so that finite differences are exact enough. */
static tern_model *make_smooth(void) {
    tern_graph *g;
    tern_model *m;
    check_ok(context, tern_graph_create(&g, context));
    const tern_conv_options same = {.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}};
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 2, 6, 6});
    x = tern_tanh(tern_batch_normalization(tern_conv(x, 4, same)));
    x = tern_dropout(tern_sigmoid(tern_conv(x, 5, same)), 0.5f);
    tern_output(g, "p", tern_softmax(tern_dense(x, 3), 1));
    check_ok(context, tern_model_create(&m, g));
    tern_graph_free(g);
    return m;
}

static void gradients_of_an_answer_are_right(void **state) {
    (void)state;
    tern_model *m = make_smooth();
    tern_explainer *e;
    tern_explanation x;
    float input[72];
    tern__random r = tern__random_make(5, 1);
    for (int i = 0; i < 72; i++) input[i] = (float)tern__random_normal(&r);
    const tern_tensor in = {TERN_FLOAT, 4, {1, 2, 6, 6}, input};
    for (int64_t answer = 0; answer < 3; answer++) {
        float gradient[72];
        check_ok(context, tern_explainer_create(&e, m, ""));
        check_ok(context, tern_explainer_run(e, &in, answer, &x));
        assert_int_equal(x.answer, answer);
        assert_int_equal(x.gradient.dims[1], 2);
        memcpy(gradient, x.gradient.data, sizeof gradient);
        for (int i = 0; i < 72; i++) {
            const float kept = input[i], step = 1e-2f;
            double value[2];
            for (int k = 0; k < 2; k++) {
                input[i] = k ? kept + step : kept - step;
                check_ok(context, tern_explainer_run(e, &in, answer, &x));
                value[k] = ((float *)x.logits.data)[answer];
            }
            input[i] = kept;
            check_close(gradient[i], (value[1] - value[0]) / (2 * (double)step), 3e-4, 1e-3);
        }
        tern_explainer_free(e);
    }
    /* The greatest answer, of the last convolution with its activation: 5 maps of 6 x 6. */
    check_ok(context, tern_explainer_create(&e, m, NULL));
    check_ok(context, tern_explainer_run(e, &in, -1, &x));
    const float *logits = x.logits.data;
    for (int k = 0; k < 3; k++) assert_true(logits[x.answer] >= logits[k]);
    assert_int_equal(x.layer.dims[1], 5);
    for (int i = 0; i < 5 * 36; i++) {
        const float a = ((float *)x.layer.data)[i];
        assert_true(a > 0 && a < 1); /* after the sigmoid */
    }
    check_error(context, TERN_ERR_ARGUMENT, "answer 3; the network gives 3",
                tern_explainer_run(e, &in, 3, &x));
    tern_explainer_free(e);
    check_error(context, TERN_ERR_ARGUMENT, "there is no node 'conv7'",
                tern_explainer_create(&e, m, "conv7"));
    assert_null(e);
    tern_model_free(m);
}

static void the_map_is_the_papers(void **state) {
    (void)state;
    float a[] = {1, 2, 3, 4, /**/ 1, 0, 0, -1}, g[] = {1, 1, 1, 1, /**/ 0, -4, -4, 0}, map[4];
    const tern_explanation x = {.layer = {TERN_FLOAT, 4, {1, 2, 2, 2}, a},
                                .gradient = {TERN_FLOAT, 4, {1, 2, 2, 2}, g}};
    /* weights 1 and -2: 1 - 2, 2, 3, 4 + 2 -> 0, 2, 3, 6 */
    const double expected[] = {0, 2.0 / 6, 3.0 / 6, 1};
    tern_grad_cam(&x, map);
    check_floats(map, expected, 4, 1e-6, 0);
    for (int i = 0; i < 8; i++) g[i] = -1;
    a[7] = 1;
    tern_grad_cam(&x, map); /* nothing speaks for it */
    for (int i = 0; i < 4; i++) check_close(map[i], 0, 0, 0);
}

static void views_are_drawn(void **state) {
    (void)state;
    tern_session *s;
    tern_image image, out;
    const char *label;
    check_ok(context, tern_session_create(&s, model));
    check_ok(context, tern_image_load(&image, context, picture("rows/2.png"), NULL));
    for (int view = TERN_VISION_VIEW_CAM; view <= TERN_VISION_VIEW_MAPS; view++) {
        tern_vision_explain_options o = TERN_VISION_EXPLAIN_OPTIONS_INIT;
        o.view = (tern_vision_view)view;
        check_ok(context, tern_vision_explain(&out, &label, s, &image, &o));
        assert_string_equal(label, "rows");
        assert_int_equal(out.channels, 3);
        if (view <= TERN_VISION_VIEW_SALIENCY) assert_int_equal(out.width, 14 * SIDE);
        int least = 255, greatest = 0; /* something is to be seen */
        for (int i = 0; i < out.width * out.height * 3; i++) {
            const int v = ((uint8_t *)out.data)[i];
            least = v < least ? v : least;
            greatest = v > greatest ? v : greatest;
        }
        assert_true(greatest - least > 50);
        tern_image_free(&out);
    }
    tern_vision_explain_options o = TERN_VISION_EXPLAIN_OPTIONS_INIT;
    o.label = "spots";
    assert_int_equal(tern_vision_explain(&out, &label, s, &image, &o), TERN_ERR_ARGUMENT);
    assert_non_null(strstr(tern_session_message(s), "the model knows no label 'spots'"));
    assert_null(out.data);
    tern_image_free(&image);
    tern_session_free(s);
}

/* ---- filters ---- */

/* The lectures' step: columns 0-1 dark, 2-4 at a fifth, so that nothing is cut. Values of the inner
 * columns 1..3. */
static void filters_of_the_lecture(void **state) {
    (void)state;
    static const struct {
        const char *kernel;
        double expected[3]; /* in units of the step */
    } rows[] = {{"edge-diagonal", {0, 0, 0}},
                {"edge-cross", {1, 1, 0}},
                {"edge", {3, 3, 0}},
                {"sharpen", {0, 2, 1}},
                /* -1 is cut to 0 */ {"box", {3 / 9.0, 6 / 9.0, 1}},
                {"gaussian", {4 / 16.0, 12 / 16.0, 1}},
                {"0,0,0,0,0,1,0,0,0", {1, 1, 1}}};
    tern_image image, out;
    check_ok(context, tern_image_create(&image, context, 5, 5, 1, 8));
    for (int i = 0; i < 25; i++) ((uint8_t *)image.data)[i] = i % 5 < 2 ? 0 : 51;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_ok(context, tern_vision_filter(&out, &image, rows[i].kernel));
        assert_int_equal(out.channels, 1);
        for (int y = 0; y < 5; y++) /* the border repeats, so that all rows are alike */
            for (int x = 1; x < 4; x++)
                assert_int_equal(((uint8_t *)out.data)[y * 5 + x],
                                 lrint(51 * rows[i].expected[x - 1]));
        tern_image_free(&out);
    }
    check_error(context, TERN_ERR_ARGUMENT, "there is no kernel 'sobel'; there are edge,",
                tern_vision_filter(&out, &image, "sobel"));
    assert_null(out.data);
    tern_image_free(&image);
    const float *values;
    assert_string_equal(tern_vision_kernel_name(3, &values), "sharpen");
    check_close(values[4], 5, 0, 0);
    assert_null(tern_vision_kernel_name(6, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_named),
        cmocka_unit_test(the_file_is_the_whole_pipeline),
        cmocka_unit_test(a_trained_model_is_gone_on_from),
        cmocka_unit_test(auxiliary_classifiers_are_left_out),
        cmocka_unit_test(bad_data_are_named),
        cmocka_unit_test(gradients_of_an_answer_are_right),
        cmocka_unit_test(the_map_is_the_papers),
        cmocka_unit_test(views_are_drawn),
        cmocka_unit_test(filters_of_the_lecture),
    };
    return cmocka_run_group_tests(tests, make_shared, free_shared);
}
