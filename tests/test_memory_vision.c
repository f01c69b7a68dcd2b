/* Every allocation of the picture domain fails once: training of both kinds with log and
 * checkpoint, going on from the checkpoint, saving, loading, answering, objects as JSON, pictures
 * of both formats. */
#define _XOPEN_SOURCE 700
#include "failing.h"

#include <sys/stat.h>
#include <tern/vision_classify.h>
#include <tern/vision_segment.h>
#include <tern/vision_train.h>

static void draw(tern_context *c, const char *folder, const char *name, int at, bool mask) {
    tern_image image;
    check_ok(c, tern_image_create(&image, c, 32, 32, 1, 8));
    uint8_t *pixels = image.data;
    for (int i = 0; i < 32 * 32; i++) {
        const bool inside = i / 32 > 8 && i / 32 < 20 && i % 32 > at && i % 32 < at + 9;
        pixels[i] = inside ? 255 : mask ? 0 : (uint8_t)(i * 7 % 50);
    }
    check_ok(c, tern_image_save(&image, failing_path(folder, name), 0));
    tern_image_free(&image);
}

static int set_up(void **state) {
    static const char *const folders[] = {"image", "mask", "class", "class/a", "class/b"};
    tern_context *c;
    failing_set_up(state);
    check_ok(c, tern_context_create(&c, NULL));
    for (int i = 0; i < 5; i++) assert_int_equal(mkdir(failing_path(*state, folders[i]), 0700), 0);
    for (int i = 0; i < 2; i++) {
        char name[32];
        for (int k = 0; k < 4; k++) {
            snprintf(name, sizeof name, k < 2 ? "%s/%d.png" : "class/%s/%d.png",
                     k < 2    ? folders[k]
                     : k == 2 ? "a"
                              : "b",
                     i);
            draw(c, *state, name, 5 + 6 * i, k == 1);
        }
    }
    tern_context_free(c);
    return 0;
}

static tern_vision_train_options small(const char *folder) {
    tern_vision_train_options o = TERN_VISION_TRAIN_OPTIONS_INIT;
    o.data.masks = failing_path(folder, "mask");
    o.data.crop_width = o.data.crop_height = 16;
    o.data.crops = 1;
    o.width = 2;
    o.depth = 1;
    o.train.epochs = 1;
    o.train.batch = 2;
    return o;
}

static tern_status train(tern_context *c, const char *folder) {
    tern_model *model;
    tern_vision_train_options o = small(folder);
    o.train.log = failing_path(folder, "d.jsonl");
    o.train.checkpoint = failing_path(folder, "d.ckpt");
    remove(o.train.checkpoint);
    tern_status st = tern_vision_train(&model, c, failing_path(folder, "image"), &o, NULL);
    if (st == TERN_OK) st = tern_model_save(model, failing_path(folder, "d.onnx"));
    tern_model_free(model);
    return st;
}

static tern_status resume(tern_context *c, const char *folder) {
    tern_model *model;
    tern_vision_train_options o = small(folder);
    o.train.checkpoint = failing_path(folder, "d.ckpt");
    o.train.resume = true;
    tern_status st = tern_vision_train(&model, c, failing_path(folder, "image"), &o, NULL);
    tern_model_free(model);
    return st;
}

static tern_status segment(tern_context *c, const char *folder) {
    tern_model *model;
    tern_session *session = NULL;
    tern_mask mask = {0};
    tern_status st = tern_model_load(&model, c, failing_path(folder, "d.onnx"));
    if (st == TERN_OK) st = tern_session_create(&session, model);
    if (st == TERN_OK)
        st = tern_vision_segment_file(session, failing_path(folder, "image/0.png"), &mask);
    tern_mask_free(&mask);
    tern_session_free(session);
    tern_model_free(model);
    return st;
}

static tern_status objects(tern_context *c, const char *folder) {
    tern_mask mask;
    tern_polygons polygons = {0};
    tern_coco *coco = NULL;
    char *text = NULL;
    tern_status st = tern_mask_create(&mask, c, 8, 8, 2, 0);
    if (st == TERN_OK) {
        for (int i = 0; i < 25; i++)
            mask.labels[(1 + i / 5) * 8 + 1 + i % 5] = i != 12; /* a ring */
        st = tern_mask_polygons(&polygons, &mask, 0, 0, 1);
    }
    if (st == TERN_OK) st = tern_polygons_text(&text, &polygons, (const char *const[]){"r\xff"});
    if (st == TERN_OK) st = tern_coco_create(&coco, c, 2, NULL);
    if (st == TERN_OK) st = tern_coco_add(coco, "a.png", &mask, 0, 1);
    if (st == TERN_OK) st = tern_coco_save(coco, failing_path(folder, "coco.json"));
    tern_coco_free(coco);
    tern_free(c, text);
    tern_polygons_free(&polygons);
    tern_mask_free(&mask);
    return st;
}

static tern_status pictures(tern_context *c, const char *folder) {
    static const char *const names[] = {"p.png", "p.jpg"};
    tern_image image, back = {0};
    tern_status st = tern_image_load(&image, c, failing_path(folder, "image/0.png"), NULL);
    for (int i = 0; st == TERN_OK && i < 2; i++) {
        st = tern_image_save(&image, failing_path(folder, names[i]), 0);
        if (st == TERN_OK) st = tern_image_load(&back, c, failing_path(folder, names[i]), NULL);
        tern_image_free(&back);
    }
    tern_image_free(&image);
    return st;
}

static tern_status classify(tern_context *c, const char *folder) {
    tern_model *model, *loaded = NULL;
    tern_session *session = NULL;
    tern_answer answer;
    tern_vision_classifier_train_options o = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT;
    o.network = "lenet";
    o.data.width = o.data.height = 28;
    o.train.epochs = 1;
    o.train.batch = 2;
    o.train.log = failing_path(folder, "c.jsonl");
    tern_status st = tern_vision_classifier_train(&model, c, failing_path(folder, "class"), &o);
    if (st == TERN_OK) st = tern_model_save(model, failing_path(folder, "c.onnx"));
    if (st == TERN_OK) st = tern_model_load(&loaded, c, failing_path(folder, "c.onnx"));
    if (st == TERN_OK) st = tern_session_create(&session, loaded);
    if (st == TERN_OK)
        st = tern_vision_classify_file(session, failing_path(folder, "class/a/0.png"), &answer);
    tern_session_free(session);
    tern_model_free(loaded);
    tern_model_free(model);
    return st;
}

static void training(void **state) { failing_each(train, *state, 120); }
static void resuming(void **state) { failing_each(resume, *state, 100); }
static void segmenting(void **state) { failing_each(segment, *state, 200); }
static void objects_as_json(void **state) { failing_each(objects, *state, 0); }
static void picture_files(void **state) { failing_each(pictures, *state, 0); }
static void classifying(void **state) { failing_each(classify, *state, 60); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training),      cmocka_unit_test(resuming),
        cmocka_unit_test(segmenting),    cmocka_unit_test(objects_as_json),
        cmocka_unit_test(picture_files), cmocka_unit_test(classifying)};
    return cmocka_run_group_tests(tests, set_up, failing_tear_down);
}
