/* Going on from a trained model, in every domain: recipe and name are those of the network that is
 * trained, not those of the domain's default. */
#define _XOPEN_SOURCE 700
#include "context.h"
#include "sounds.h"

#include <jansson.h>
#include <tern/tern.h>

static char folder[64];
static tern_context *c;

static const char *in_folder(const char *name) { return sounds_path(folder, name); }

static void write_picture(const char *name, int i, int threshold) {
    uint8_t grey[16 * 16];
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    for (int k = 0; k < 16 * 16; k++) {
        grey[k] = (uint8_t)((k * 37 + i * 11) % 251);
        if (threshold) grey[k] = grey[k] > threshold ? 255 : 0;
    }
    fprintf(file, "P5 16 16 255\n");
    fwrite(grey, sizeof grey, 1, file);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state) {
    static const char *const folders[] = {"sounds",    "sounds/a",  "sounds/b", "classes",
                                          "classes/a", "classes/b", "pictures", "masks"};
    (void)state;
    c = make_context(1);
    sounds_folder(folder);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(in_folder(folders[i]), 0777), 0);
    FILE *texts = fopen(in_folder("texts.tsv"), "w");
    for (int i = 0; i < 64; i++) {
        char name[32];
        snprintf(name, sizeof name, "sounds/%c/%d.wav", "ab"[i % 2], i);
        sounds_write(in_folder(name), 4000, 6400, 300 * (1 + i % 2), (unsigned)i); /* 1.6 s */
        snprintf(name, sizeof name, "classes/%c/%d.pgm", "ab"[i % 2], i);
        write_picture(name, i, 0);
        fprintf(texts, "%s film number %d\n", i % 2 ? "a\tgood" : "b\tbad", i);
    }
    assert_int_equal(fclose(texts), 0);
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "pictures/%d.pgm", i);
        write_picture(name, i, 0);
        snprintf(name, sizeof name, "masks/%d.pgm", i);
        write_picture(name, i, 120);
    }
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    sounds_remove(folder);
    tern_context_free(c);
    return 0;
}

/* Trains `network`, or goes on from init (network NULL). */
typedef tern_model *training(const char *network, const tern_model *init, const char *freeze_until);

static tern_model *train_texts(const char *network, const tern_model *init, const char *freeze) {
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    tern_model *model;
    o.network = network;
    o.init = init;
    o.freeze_until = freeze;
    o.dimension = init ? 0 : 4;
    o.train.epochs = 1;
    check_ok(c, tern_text_train(&model, c, in_folder("texts.tsv"), &o));
    return model;
}

static tern_model *train_sounds(const char *network, const tern_model *init, const char *freeze) {
    tern_audio_train_options o = TERN_AUDIO_TRAIN_OPTIONS_INIT;
    tern_model *model;
    o.network = network;
    o.init = init;
    o.freeze_until = freeze;
    o.width = init ? 0 : 0.1;
    o.data.audio.sample_rate = 4000;
    o.train.epochs = 1;
    check_ok(c, tern_audio_train(&model, c, in_folder("sounds"), &o));
    return model;
}

static tern_model *train_classes(const char *network, const tern_model *init, const char *freeze) {
    tern_vision_classifier_train_options o = TERN_VISION_CLASSIFIER_TRAIN_OPTIONS_INIT;
    tern_model *model;
    o.network = network;
    o.init = init;
    o.freeze_until = freeze;
    o.scale = init ? 0 : 0.1;
    o.data.width = o.data.height = 32;
    o.train.epochs = 1;
    check_ok(c, tern_vision_classifier_train(&model, c, in_folder("classes"), &o));
    return model;
}

static tern_model *train_masks(const char *network, const tern_model *init, const char *freeze) {
    tern_vision_train_options o = TERN_VISION_TRAIN_OPTIONS_INIT;
    tern_model *model;
    o.network = network;
    o.init = init;
    o.freeze_until = freeze;
    if (!init) o.width = 2, o.depth = 1;
    o.data.masks = in_folder("masks");
    o.train.epochs = 1;
    check_ok(c, tern_vision_train(&model, c, in_folder("pictures"), &o, NULL));
    return model;
}

static json_t *facts_of(const tern_model *m) {
    json_t *facts = json_loads(tern_model_metadata(m, "tern.training"), 0, NULL);
    assert_non_null(facts);
    return facts;
}

static void check_same_recipe(const tern_model *first, const tern_model *second,
                              const char *network) {
    static const char *const keys[] = {"network", "batch", "learning_rate"};
    json_t *before = facts_of(first), *after = facts_of(second);
    assert_string_equal(json_string_value(json_object_get(before, "network")), network);
    for (int i = 0; i < 3; i++) {
        const json_t *a = json_object_get(before, keys[i]), *b = json_object_get(after, keys[i]);
        if (!a || !json_equal(a, b)) {
            char *was = json_dumps(a, JSON_ENCODE_ANY), *is = json_dumps(b, JSON_ENCODE_ANY);
            fail_msg("%s: %s was %s and is %s", network, keys[i], was, is);
        }
    }
    json_decref(before);
    json_decref(after);
}

static void recipes_go_on(void **state) {
    static const struct {
        const char *network;
        training *train;
    } rows[] = {{"lstm", train_texts},    {"ngrams", train_texts},  {"textcnn", train_texts},
                {"m5", train_sounds},     {"cnn", train_sounds},    {"lenet", train_classes},
                {"vgg16", train_classes}, {"small", train_classes}, {"light", train_masks},
                {"unet", train_masks}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tern_model *first = rows[i].train(rows[i].network, NULL, NULL);
        tern_model *second = rows[i].train(NULL, first, NULL);
        tern_model *third = rows[i].train(NULL, second, "all-but-last");
        check_same_recipe(first, second, rows[i].network);
        check_same_recipe(first, third, rows[i].network);
        tern_model_free(third);
        tern_model_free(second);
        tern_model_free(first);
    }
}

/* A model of somebody else: the domain's first recipe, and no name that might be wrong. */
static void unknown_networks_have_no_name(void **state) {
    static training *const trainings[] = {train_texts, train_sounds, train_classes, train_masks};
    static const char *const told[] = {NULL, "{\"network\": \"of their own\"}", "no JSON", "[]"};
    (void)state;
    for (int i = 0; i < 4; i++) {
        tern_model *first = trainings[i](NULL, NULL, NULL);
        for (int k = 0; k < 4; k++) {
            check_ok(c, tern_model_set_metadata(first, "tern.training", told[k]));
            tern_model *second = trainings[i](NULL, first, NULL);
            json_t *facts = facts_of(second);
            assert_string_equal(json_string_value(json_object_get(facts, "network")),
                                "of another model");
            json_decref(facts);
            tern_model_free(second);
        }
        tern_model_free(first);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_go_on),
        cmocka_unit_test(unknown_networks_have_no_name),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
