/* Training masks end to end on pictures that the test draws: discs on a ground of stripes; what the
 * model then holds and does; validation in every way; interruption; mistakes. */
#include "context.h"

#include "core/base/base.h"
#include <sys/stat.h>
#include <tern/vision_train.h>

enum { PICTURES = 8, SIDE = 48 };

static char folder[64];

static const char *in_folder(const char *name) {
    static char paths[4][200];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Picture and mask i: discs, brighter than the stripes by little. sizes: of several sizes. classes
 * 3: discs on the right half are another class. */
static void draw(tern_context *c, const char *name, int i, bool sizes, int classes) {
    const int width = SIDE + (sizes ? 8 * i : 0), height = SIDE + (sizes ? 4 * i : 0);
    tern__random r = tern__random_make(77, (uint64_t)i);
    tern_image image, grey;
    tern_mask mask;
    char path[200];
    check_ok(c, tern_image_create(&image, c, width, height, 1, 8));
    check_ok(c, tern_mask_create(&mask, c, width, height, classes, 0));
    double x[3], y[3], radius[3];
    for (int k = 0; k < 3; k++) {
        x[k] = width * tern__random_uniform(&r);
        y[k] = height * tern__random_uniform(&r);
        radius[k] = width * (0.1 + 0.1 * tern__random_uniform(&r));
    }
    for (int v = 0; v < height; v++)
        for (int u = 0; u < width; u++) {
            double value = 90 + 30 * sin(0.6 * u) + 12 * tern__random_normal(&r);
            for (int k = 0; k < 3; k++)
                if (hypot(u - x[k], v - y[k]) < radius[k]) {
                    mask.labels[v * width + u] = classes == 3 && x[k] > width / 2 ? 2 : 1;
                    value = (classes == 3 && x[k] > width / 2 ? 30 : 190) +
                            12 * tern__random_normal(&r);
                }
            ((uint8_t *)image.data)[v * width + u] = (uint8_t)fmin(fmax(value, 0), 255);
        }
    check_ok(c, tern_image_convert(&grey, &image, 1, 8));
    snprintf(path, sizeof path, "%s/%s/image/p%d.png", folder, name, i);
    check_ok(c, tern_image_save(&grey, path, 0));
    snprintf(path, sizeof path, "%s/%s/mask/p%d.png", folder, name, i);
    check_ok(c, tern_mask_save(&mask, path));
    tern_image_free(&image);
    tern_image_free(&grey);
    tern_mask_free(&mask);
}

static void make_folder(const char *name) {
    static const char *const parts[] = {"", "/image", "/mask"};
    for (int i = 0; i < 3; i++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s%s", folder, name, parts[i]);
        mkdir(path, 0700);
    }
}

static int draw_all(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tern-vision-train-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    tern_context *c = make_context(1);
    static const char *const names[] = {"one", "several", "classes", "other"};
    for (int n = 0; n < 4; n++) {
        make_folder(names[n]);
        for (int i = 0; i < (n == 3 ? 2 : PICTURES); i++)
            draw(c, names[n], i + (n == 3 ? PICTURES : 0), n == 1, n == 2 ? 3 : 2);
    }
    make_folder("empty");
    tern_image black;
    check_ok(c, tern_image_create(&black, c, SIDE, SIDE, 1, 8));
    check_ok(c, tern_image_save(&black, in_folder("empty/image/a.png"), 0));
    check_ok(c, tern_image_save(&black, in_folder("empty/mask/a.png"), 0));
    tern_image_free(&black);
    tern_context_free(c);
    return 0;
}

static int remove_all(void **state) {
    (void)state;
    char command[200];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Small and quick: some seconds of training in all. */
static tern_vision_train_options small_options(const char *masks) {
    tern_vision_train_options o = TERN_VISION_TRAIN_OPTIONS_INIT;
    o.data.masks = masks;
    o.data.crop_width = o.data.crop_height = 32;
    o.data.crops = 4;
    o.width = 6;
    o.depth = 2;
    o.train.epochs = 12;
    o.train.batch = 4;
    o.train.seed = 3;
    o.train.optimizer.learning_rate = 0.01;
    return o;
}

static void learns_and_measures(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_model *model;
    tern_session *session;
    tern_vision_train_result r;
    tern_vision_train_options o = small_options(in_folder("one/mask"));
    o.validate_names = (const char *const[]){"p2", "p5"};
    o.n_validate_names = 2;
    check_ok(c, tern_vision_train(&model, c, in_folder("one/image"), &o, &r));
    assert_int_equal(r.pictures, 6);
    assert_int_equal(r.validation_pictures, 2);
    assert_true(r.validated);
    assert_int_equal(r.scores.n, 2);
    assert_true(r.scores.iou > 0.85);
    assert_non_null(strstr(tern_model_metadata(model, "tern.training"), "\"network\": \"unet\""));

    /* the file is the whole pipeline: loaded again it measures what training said */
    check_ok(c, tern_model_save(model, in_folder("m.onnx")));
    tern_model_free(model);
    check_ok(c, tern_model_load(&model, c, in_folder("m.onnx")));
    check_ok(c, tern_session_create(&session, model));
    tern_vision_model_info info;
    check_ok(c, tern_vision_describe(&info, session));
    check_close(info.threshold, r.threshold, 1e-8, 0);
    assert_int_equal(info.channels, 1);
    assert_int_equal(info.classes, 2);
    assert_int_equal(info.width, 0);
    tern_vision_evaluate_options e = TERN_VISION_EVALUATE_OPTIONS_INIT;
    tern_mask_metrics *metrics;
    e.masks = in_folder("other/mask");
    check_ok(c, tern_vision_evaluate(&metrics, session, in_folder("other/image"), &e));
    const tern_mask_scores s = tern_mask_metrics_scores(metrics);
    assert_int_equal(s.n, 2);
    assert_true(s.iou > 0.85 && s.auc > 0.97 && s.accuracy > 0.95);
    tern_mask_metrics_free(metrics);
    tern_session_free(session);
    tern_model_free(model);
    tern_context_free(c);
}

static void several_classes_and_sizes(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_model *model;
    tern_session *session;
    tern_vision_train_result r;
    tern_vision_train_options o = small_options(in_folder("classes/mask"));
    o.data.coding = TERN_MASK_NUMBERS;
    o.train.epochs = 40; /* long past the point where every seed gives 0.97 */
    check_ok(c, tern_vision_train(&model, c, in_folder("classes/image"), &o, &r));
    assert_false(r.validated);
    assert_true(isnan(r.threshold));
    assert_true(r.scores.iou > 0.75);
    tern_model_free(model);

    /* pictures of several sizes are brought to one, here a small one, and the mask comes back in
     * the picture's */
    o = small_options(in_folder("several/mask"));
    o.data.crop_width = o.data.crop_height = 0;
    o.data.width = o.data.height = 48;
    o.network = "light";
    o.train.epochs = 15;
    o.validate_pictures = in_folder("other/image");
    o.validate_masks = in_folder("other/mask");
    check_ok(c, tern_vision_train(&model, c, in_folder("several/image"), &o, &r));
    assert_int_equal(r.pictures, PICTURES);
    assert_int_equal(r.validation_pictures, 2);
    check_ok(c, tern_session_create(&session, model));
    tern_vision_model_info info;
    tern_mask mask;
    check_ok(c, tern_vision_describe(&info, session));
    assert_int_equal(info.width, 48);
    check_ok(c, tern_vision_segment_file(session, in_folder("several/image/p7.png"), &mask));
    assert_int_equal(mask.width, SIDE + 56);
    assert_int_equal(mask.height, SIDE + 28);
    tern_mask_free(&mask);
    tern_session_free(session);
    tern_model_free(model);
    tern_context_free(c);
}

static bool stop_at_two(void *user, const tern_train_progress *p) {
    (void)user;
    return !(p->epoch == 2 && p->epoch_done);
}

/* Stopped and resumed, with another number of threads: the same file. */
static void resuming_gives_the_same_model(void **state) {
    (void)state;
    char *bytes[2];
    long sizes[2];
    for (int k = 0; k < 2; k++) {
        tern_context *c = make_context(1 + k);
        tern_model *model;
        tern_vision_train_options o = small_options(in_folder("one/mask"));
        o.train.epochs = 4;
        o.validate = 0.25;
        o.train.checkpoint = in_folder("run.ckpt");
        if (k) {
            o.train.on_progress = stop_at_two;
            assert_int_equal(tern_vision_train(&model, c, in_folder("one/image"), &o, NULL),
                             TERN_ERR_INTERRUPTED);
            assert_null(model);
            o.train.on_progress = NULL;
            o.train.resume = true;
        }
        check_ok(c, tern_vision_train(&model, c, in_folder("one/image"), &o, NULL));
        check_ok(c, tern_model_save(model, in_folder("run.onnx")));
        FILE *f = fopen(in_folder("run.onnx"), "rb");
        fseek(f, 0, SEEK_END);
        sizes[k] = ftell(f);
        rewind(f);
        bytes[k] = malloc((size_t)sizes[k]);
        assert_int_equal(fread(bytes[k], 1, (size_t)sizes[k], f), sizes[k]);
        fclose(f);
        unlink(in_folder("run.ckpt"));
        tern_model_free(model);
        tern_context_free(c);
    }
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(bytes[0], bytes[1], (size_t)sizes[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* A trained network learns more of the same from where it was, something else with a new last
 * layer, and what is frozen stays as it was. */
static void goes_on(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_model *first, *second;
    tern_vision_train_result before, after;
    tern_vision_train_options o = small_options(in_folder("one/mask"));
    check_ok(c, tern_vision_train(&first, c, in_folder("one/image"), &o, &before));
    o.width = o.depth = 0;
    o.init = first;
    o.train.epochs = 1;
    o.train.optimizer.learning_rate = 1e-9;
    check_ok(c, tern_vision_train(&second, c, in_folder("one/image"), &o, &after));
    check_close(after.scores.auc, before.scores.auc, 2e-3,
                0); /* statistics of normalisation move */
    assert_non_null(strstr(tern_model_metadata(second, "tern.training"), "\"unet\""));
    tern_model_free(second);

    o.data.masks = in_folder("classes/mask");
    o.data.coding = TERN_MASK_NUMBERS;
    o.freeze_until = "all-but-last";
    o.train.epochs = 6;
    o.train.optimizer.learning_rate = 0.02;
    check_ok(c, tern_vision_train(&second, c, in_folder("classes/image"), &o, &after));
    assert_true(after.scores.accuracy > 0.7);
    tern_model *cuts[2];
    tern_tensor x = {.type = TERN_FLOAT, .rank = 4, .dims = {1, 1, 32, 32}}, y[2];
    tern_session *sessions[2];
    static float values[32 * 32];
    for (int i = 0; i < 32 * 32; i++) values[i] = (float)sin(0.1 * i);
    x.data = values;
    for (int k = 0; k < 2; k++) {
        check_ok(c, tern_model_cut(&cuts[k], k ? second : first, NULL));
        check_ok(c, tern_session_create(&sessions[k], cuts[k]));
        check_ok(c, tern_session_run(sessions[k], &x, 1, &y[k], 1));
    }
    assert_int_equal(y[0].dims[1], 6);
    for (int i = 0; i < 6 * 32 * 32; i++) /* what is frozen is folded, which rounds */
        check_close(((float *)y[1].data)[i], ((float *)y[0].data)[i], 1e-4, 1e-4);
    for (int k = 0; k < 2; k++) {
        tern_session_free(sessions[k]);
        tern_model_free(cuts[k]);
    }
    tern_model_free(second);

    o.width = 8;
    check_error(c, TERN_ERR_ARGUMENT, "that of the model to go on from",
                tern_vision_train(&second, c, in_folder("one/image"), &o, NULL));
    o.width = 0;
    o.data.channels = 3;
    check_error(c, TERN_ERR_ARGUMENT, "sees pictures of 1 channels, not of 3",
                tern_vision_train(&second, c, in_folder("one/image"), &o, NULL));
    o.data.channels = 0;
    o.init = NULL;
    check_error(c, TERN_ERR_ARGUMENT, "needs a trained model to go on from",
                tern_vision_train(&second, c, in_folder("one/image"), &o, NULL));
    tern_model_free(first);
    tern_context_free(c);
}

static void losses(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    for (size_t i = 0; tern_vision_loss_name(i); i++)
        for (int classes = 2; classes <= 3; classes++) {
            tern_model *model;
            tern_vision_train_result r;
            tern_vision_train_options o =
                small_options(in_folder(classes == 2 ? "one/mask" : "classes/mask"));
            o.data.coding = classes == 2 ? TERN_MASK_BINARY : TERN_MASK_NUMBERS;
            o.loss = tern_vision_loss_name(i);
            o.train.epochs = 1;
            o.data.crops = 1;
            check_ok(c, tern_vision_train(&model, c,
                                          in_folder(classes == 2 ? "one/image" : "classes/image"),
                                          &o, &r));
            assert_true(isfinite(r.train.loss));
            tern_model_free(model);
        }
    tern_context_free(c);
}

/* The loss of a batch of all pictures, against the sum of U-Net's weights times cross-entropies
 * that are computed from the model's probabilities: with a learning rate of next to nothing, and no
 * BatchNormalization, that model is the one that was trained. */
static void border_weights_are_in_the_loss(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    static float weights[SIDE * SIDE];
    for (int classes = 2; classes <= 3; classes++) {
        const char *name = classes == 2 ? "one" : "classes";
        char pictures[200], masks[200], path[300];
        snprintf(pictures, sizeof pictures, "%s/%s/image", folder, name);
        snprintf(masks, sizeof masks, "%s/%s/mask", folder, name);
        tern_vision_train_options o = small_options(masks);
        o.data.coding = classes == 2 ? TERN_MASK_BINARY : TERN_MASK_NUMBERS;
        o.data.crop_width = o.data.crop_height = SIDE;
        o.data.crops = 1;
        o.data.border_weight = 10;
        o.data.border_sigma = 4;
        o.loss = "ce";
        o.no_augmentation = o.no_normalization = true;
        o.train.loss.sum = true;
        o.train.epochs = 1;
        o.train.batch = PICTURES;
        o.train.optimizer.learning_rate = 1e-9;
        tern_model *model;
        tern_session *session;
        tern_vision_train_result r;
        check_ok(c, tern_vision_train(&model, c, pictures, &o, &r));
        check_ok(c, tern_session_create(&session, model));
        tern_vision_segment_options so = TERN_VISION_SEGMENT_OPTIONS_INIT;
        so.probability = true;
        double expected = 0, plain = 0;
        for (int i = 0; i < PICTURES; i++) {
            tern_image image;
            tern_mask truth, mask;
            snprintf(path, sizeof path, "%s/p%d.png", pictures, i);
            check_ok(c, tern_image_load(&image, c, path, NULL));
            snprintf(path, sizeof path, "%s/p%d.png", masks, i);
            check_ok(c, tern_mask_load(&truth, c, path, o.data.coding, classes));
            check_ok(c, tern_mask_border_weights(weights, &truth, 10, 4));
            check_ok(c, tern_vision_segment(session, &image, &so, &mask));
            for (int k = 0; k < SIDE * SIDE; k++) {
                const int label = truth.labels[k];
                const float *p = mask.probability;
                const double right = classes > 2 ? p[label * SIDE * SIDE + k]
                                     : label     ? p[k]
                                                 : 1 - (double)p[k];
                expected -= weights[k] * log(right);
                plain -= log(right);
            }
            tern_mask_free(&mask);
            tern_mask_free(&truth);
            tern_image_free(&image);
        }
        /* The data set keeps weights in steps of 10 / 255. */
        check_close(r.train.loss * PICTURES, expected, 0, 2e-3);
        assert_true(expected > 1.02 * plain); /* ten times what the steps explain */
        tern_session_free(session);
        tern_model_free(model);
    }
    tern_context_free(c);
}

static void mistakes(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *model;
    tern_vision_train_options o = small_options(in_folder("one/mask"));
    const char *pictures = in_folder("one/image");
    o.validate = 0.2;
    o.validate_names = (const char *const[]){"p2"};
    o.n_validate_names = 1;
    check_error(c, TERN_ERR_ARGUMENT, "asked for in 2 ways",
                tern_vision_train(&model, c, pictures, &o, NULL));
    assert_null(model);
    o.validate = 0;
    o.validate_names = (const char *const[]){"p99"};
    check_error(c, TERN_ERR_ARGUMENT, "is called 'p99'",
                tern_vision_train(&model, c, pictures, &o, NULL));
    o.n_validate_names = 0;
    o.validate_pictures = pictures;
    check_error(c, TERN_ERR_ARGUMENT, "have no folder of masks",
                tern_vision_train(&model, c, pictures, &o, NULL));
    o.validate_pictures = NULL;
    o.loss = "hinge";
    check_error(c, TERN_ERR_ARGUMENT, "there is no loss 'hinge'; there are ce+dice, ce",
                tern_vision_train(&model, c, pictures, &o, NULL));
    o.loss = "lovasz";
    o.data.border_weight = 10;
    check_error(c, TERN_ERR_ARGUMENT, "no part in the loss 'lovasz'",
                tern_vision_train(&model, c, pictures, &o, NULL));
    o.data.border_weight = 0;
    o.data.border_sigma = 3;
    check_error(c, TERN_ERR_ARGUMENT, "border_sigma is 3",
                tern_vision_train(&model, c, pictures, &o, NULL));
    o.data.border_sigma = 0;
    o.loss = NULL;
    o.augmentation = "rotate=900";
    assert_int_equal(tern_vision_train(&model, c, pictures, &o, NULL), TERN_ERR_ARGUMENT);
    o.augmentation = NULL;
    o.network = "vgg";
    check_error(c, TERN_ERR_ARGUMENT, "there is no network 'vgg'",
                tern_vision_train(&model, c, pictures, &o, NULL));
    o.network = NULL;
    o.data.masks = NULL;
    check_error(c, TERN_ERR_ARGUMENT, "no folder of masks",
                tern_vision_train(&model, c, pictures, &o, NULL));
    o.data.masks = in_folder("empty/mask");
    check_error(c, TERN_ERR_FORMAT, "there is nothing to learn",
                tern_vision_train(&model, c, in_folder("empty/image"), &o, NULL));
    o.data.masks = in_folder("other/mask");
    assert_int_equal(tern_vision_train(&model, c, in_folder("one/image"), &o, NULL),
                     TERN_ERR_FORMAT);
    assert_null(model);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_and_measures),
        cmocka_unit_test(several_classes_and_sizes),
        cmocka_unit_test(resuming_gives_the_same_model),
        cmocka_unit_test(goes_on),
        cmocka_unit_test(losses),
        cmocka_unit_test(border_weights_are_in_the_loss),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, draw_all, remove_all);
}
