/* Options by pointer, of every public call that takes them: NULL means the defaults, or is refused
 * with a sentence where those do not suffice. And what is hashed of options is their values, not
 * the bytes between them. */
#define _XOPEN_SOURCE 700
#include "context.h"
#include "sounds.h"

#include "core/train/dataset.h"
#include <tern/tern.h>

static char folder[64];
static tern_context *c;

static const char *in_folder(const char *name) { return sounds_path(folder, name); }

static void write_picture(const char *name, unsigned seed) {
    uint8_t grey[32 * 32];
    FILE *file = fopen(in_folder(name), "wb");
    assert_non_null(file);
    for (unsigned i = 0; i < sizeof grey; i++) grey[i] = (uint8_t)((i * seed * 37) % 251);
    fprintf(file, "P5 32 32 255\n");
    fwrite(grey, sizeof grey, 1, file);
    assert_int_equal(fclose(file), 0);
}

static int make_files(void **state) {
    static const char *const folders[] = {"sounds",     "sounds/a",   "sounds/b", "pictures",
                                          "pictures/a", "pictures/b", "masks"};
    (void)state;
    c = make_context(1);
    sounds_folder(folder);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_int_equal(mkdir(in_folder(folders[i]), 0777), 0);
    for (unsigned i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "sounds/%c/%u.wav", i % 2 ? 'a' : 'b', i);
        sounds_write(in_folder(name), 8000, 4000, 300 * (i + 1), i);
        snprintf(name, sizeof name, "pictures/%c/%u.pgm", i % 2 ? 'a' : 'b', i);
        write_picture(name, i + 1);
        snprintf(name, sizeof name, "masks/%u.pgm", i);
        write_picture(name, 3 * i + 1);
    }
    sounds_text(in_folder("texts.tsv"), "a\tgood film\nb\tbad film\na\tgood one\nb\tbad one\n");
    sounds_text(in_folder("vectors.txt"), "2 3\ngood 1 2 3\nbad 3 2 1\n");
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    sounds_remove(folder);
    tern_context_free(c);
    return 0;
}

/* NULL was taken for the defaults (TERN_OK), or refused in a sentence of this context. */
static void check_said(const tern_context *context, tern_status st, const char *call) {
    if (st != TERN_OK && !*tern_context_message(context))
        fail_msg("%s: %s without a sentence", call, tern_status_name(st));
}
#define TAKES_NULL(call) check_said(c, (call), #call)
#define DEFAULTS(call) check_ok(c, (call))

static void null_is_the_default_of_core(void **state) {
    (void)state;
    static float x[8], probabilities[] = {1, 0, 0, 1, 1, 0, 0, 1};
    tern_graph *g, *changed;
    tern_model *model;
    tern_trainer *trainer;
    tern_dataset *data;
    tern_context *other;
    double loss;
    DEFAULTS(tern_context_create(&other, NULL));
    tern_context_free(other);
    DEFAULTS(tern_graph_create(&g, c));
    tern_value in = tern_input(g, "x", 2, (int64_t[]){-1, 2});
    tern_output(g, "y", tern_dense(in, 2));
    check_ok(c, tern_graph_check(g));
    const tern_tensor input = {TERN_FLOAT, 2, {4, 2}, x},
                      target = {TERN_FLOAT, 2, {4, 2}, probabilities};
    check_ok(c, tern_dataset_arrays(&data, c, &input, 1, &target));
    DEFAULTS(tern_trainer_create(&trainer, g, NULL));
    tern_trainer_free(trainer);
    DEFAULTS(tern_transfer(&changed, g, NULL));
    tern_graph_free(changed);
    DEFAULTS(tern_train(&model, g, data, NULL));
    DEFAULTS(tern_evaluate(model, data, 0, NULL, &loss, NULL, NULL));
    tern_model_free(model);
    DEFAULTS(tern_transfer_train(&model, g, data, NULL));
    tern_model_free(model);
    tern_dataset_free(data);
    tern_graph_free(g);
}

static void null_is_the_default_of_networks(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        if (i == 0) tern_audio_network_build(g, NULL, NULL);
        if (i == 1) tern_text_network_build(g, NULL, NULL);
        if (i == 2) tern_vision_network_build(g, NULL, NULL);
        if (i == 3) tern_vision_classifier_build(g, NULL, NULL);
        TAKES_NULL(tern_graph_check(g));
        tern_graph_free(g);
    }
}

static void null_is_the_default_of_sounds(void **state) {
    (void)state;
    tern_audio_dataset *data;
    tern_features *features;
    tern_sound *sound;
    tern_model *model;
    char *text;
    float *samples;
    size_t count;
    DEFAULTS(tern_sound_load(&samples, &count, c, in_folder("sounds/a/1.wav"), NULL));
    tern_free(c, samples);
    DEFAULTS(tern_sound_open(&sound, c, in_folder("sounds/a/1.wav"), NULL));
    tern_sound_close(sound);
    DEFAULTS(tern_features_create(&features, c, NULL));
    tern_features_free(features);
    DEFAULTS(tern_audio_options_text(&text, c, NULL));
    tern_free(c, text);
    DEFAULTS(
        tern_audio_export(c, in_folder("sounds/a/1.wav"), in_folder("a.npy"), NULL, NULL, NULL));
    DEFAULTS(tern_audio_dataset_open(&data, c, in_folder("sounds"), NULL));
    DEFAULTS(tern_audio_dataset_vary(data, NULL));
    tern_audio_dataset_free(data);
    TAKES_NULL(tern_audio_train(&model, c, in_folder("nothing"), NULL));
}

static void null_is_the_default_of_texts(void **state) {
    (void)state;
    tern_text_dataset *data;
    tern_text_reader *reader;
    tern_vectors *vectors;
    tern_confusion *confusion;
    tern_model *model;
    tern_tokens *tokens;
    char *text;
    int64_t ids[16];
    size_t count;
    const char *const paths[] = {in_folder("texts.tsv")};
    DEFAULTS(tern_text_options_text(&text, c, NULL));
    tern_free(c, text);
    DEFAULTS(tern_text_reader_open(&reader, c, paths[0], NULL));
    tern_text_reader_close(reader);
    DEFAULTS(tern_text_dataset_open(&data, c, paths[0], NULL));
    check_ok(c, tern_text_dataset_build(data, tern_text_dataset_samples(data)));
    const tern_vocabulary *words = tern_text_dataset_vocabulary(data);
    check_ok(c, tern_tokens_create(&tokens, c));
    DEFAULTS(tern_text_tokenize(tokens, NULL, "a film", 6));
    assert_true(tern_text_rows(words, NULL) >= 2);
    DEFAULTS(tern_text_encode(ids, 16, &count, tokens, words, NULL, "a film", 6));
    TAKES_NULL(tern_text_encode_subwords(ids, 4, tokens, NULL));
    tern_tokens_free(tokens);
    tern_text_dataset_free(data);
    DEFAULTS(tern_vectors_load(&vectors, c, in_folder("vectors.txt"), NULL));
    tern_vectors_free(vectors);
    vectors = NULL;
    TAKES_NULL(tern_vectors_train(&vectors, c, paths, 1, NULL));
    tern_vectors_free(vectors);
    TAKES_NULL(tern_text_train(&model, c, in_folder("nothing"), NULL));
    TAKES_NULL(tern_text_cross_validate(&confusion, c, in_folder("nothing"), 2, NULL, NULL, NULL));
}

static void null_is_the_default_of_pictures(void **state) {
    (void)state;
    tern_vision_dataset *data;
    tern_image image, again;
    tern_mask mask;
    tern_model *model;
    char *text;
    size_t size;
    float *floats = malloc(32 * 32 * sizeof *floats);
    const char *path = in_folder("pictures/a/1.pgm");
    static const char pgm[] = "P5 1 1 255\n\x7f";
    DEFAULTS(tern_image_load(&image, c, path, NULL));
    DEFAULTS(tern_image_probe(&again, c, path, NULL));
    DEFAULTS(tern_image_load_memory(&again, c, "a.pgm", pgm, size = sizeof pgm - 1, NULL));
    assert_int_equal(again.width * again.height, size - 11);
    tern_image_free(&again);
    DEFAULTS(tern_image_floats(&image, 0, 0, 32, 32, TERN_BORDER_EDGE, NULL, floats));
    free(floats);
    DEFAULTS(tern_mask_create(&mask, c, 32, 32, 2, 0));
    DEFAULTS(tern_mask_overlay(&again, &image, &mask, NULL));
    tern_image_free(&again);
    tern_mask_free(&mask);
    DEFAULTS(tern_vision_augmentation_check(c, NULL));
    DEFAULTS(tern_vision_augmentation_text(&text, c, NULL));
    assert_string_equal(text, "none");
    tern_free(c, text);
    DEFAULTS(tern_vision_augment(&again, NULL, &image, NULL, NULL, 1));
    assert_memory_equal(again.data, image.data, 32 * 32);
    tern_image_free(&again);
    tern_image_free(&image);
    check_error(c, TERN_ERR_ARGUMENT, "mask",
                tern_vision_dataset_open(&data, c, in_folder("masks"), NULL));
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    o.width = o.height = 16;
    TAKES_NULL(tern_vision_dataset_open_labels(&data, c, in_folder("pictures"), NULL));
    tern_vision_dataset_free(data);
    check_ok(c, tern_vision_dataset_open_labels(&data, c, in_folder("pictures"), &o));
    DEFAULTS(tern_vision_dataset_vary(data, NULL));
    DEFAULTS(tern_vision_dataset_set_normalization(data, NULL));
    tern_vision_dataset_free(data);
    check_error(c, TERN_ERR_ARGUMENT, "masks",
                tern_vision_train(&model, c, in_folder("masks"), NULL, NULL));
    assert_null(model);
    TAKES_NULL(tern_vision_classifier_train(&model, c, in_folder("nothing"), NULL));
}

/* Sessions of the shipped models; what needs no file that is not there answers. */
static tern_session *open_shipped(tern_model **model, const char *name) {
    char path[4300];
    tern_session *s;
    snprintf(path, sizeof path, "%s/examples/models/%s.onnx", TERN_SOURCE_ROOT, name);
    check_ok(c, tern_model_load(model, c, path));
    check_ok(c, tern_session_create(&s, *model));
    return s;
}

static void check_session(tern_session *s, tern_status st, const char *call) {
    if (st != TERN_OK && !*tern_session_message(s)) fail_msg("%s: no sentence", call);
}
#define SESSION_TAKES_NULL(s, call) check_session(s, (call), #call)

static void null_is_the_default_of_sessions(void **state) {
    (void)state;
    static const char *const names[] = {"esc10", "sentiment", "cells"};
    for (int i = 0; i < 3; i++) {
        tern_model *model;
        tern_session *s = open_shipped(&model, names[i]);
        tern_confusion *confusion;
        tern_mask_metrics *masks;
        tern_tag_metrics tags;
        tern_image image, out;
        tern_mask mask;
        check_ok(c, tern_image_load(&image, c, in_folder("pictures/a/1.pgm"), NULL));
        SESSION_TAKES_NULL(
            s, tern_audio_evaluate(&confusion, s, in_folder("sounds"), NULL, NULL, NULL));
        SESSION_TAKES_NULL(
            s, tern_text_evaluate(&confusion, s, in_folder("texts.tsv"), NULL, NULL, NULL));
        SESSION_TAKES_NULL(s, tern_text_evaluate_tags(&tags, s, in_folder("texts.tsv"), NULL));
        SESSION_TAKES_NULL(s, tern_vision_classifier_evaluate(&confusion, s, in_folder("pictures"),
                                                              NULL, NULL, NULL));
        SESSION_TAKES_NULL(s, tern_vision_evaluate(&masks, s, in_folder("masks"), NULL));
        assert_null(masks);
        SESSION_TAKES_NULL(s, tern_vision_explain(&out, NULL, s, &image, NULL));
        tern_image_free(&out);
        const tern_status st = tern_vision_segment(s, &image, NULL, &mask);
        assert_int_equal(st == TERN_OK, i == 2);
        tern_mask_free(&mask);
        tern_image_free(&image);
        tern_session_free(s);
        tern_model_free(model);
    }
}

/* ---- what is between the values ---- */

static uint64_t fingerprint_of_sounds(int filling, double time_mask) {
    tern_audio_dataset_options o = TERN_AUDIO_DATASET_OPTIONS_INIT;
    tern_audio_dataset *data;
    tern_audio_augmentation *a = &o.augmentation;
    memset(a, filling, sizeof *a);
    a->time_shift = 0.5, a->gain = a->noise = a->noise_snr_low = a->noise_snr_high = 0;
    a->speed = a->pitch = a->tilt = a->style = a->frequency_mask = 0;
    a->time_masks = 1, a->frequency_masks = 0, a->time_mask = time_mask;
    check_ok(c, tern_audio_dataset_open(&data, c, in_folder("sounds"), &o));
    const uint64_t h = tern__dataset_fingerprint(tern_audio_dataset_samples(data));
    check_ok(c, tern_audio_dataset_vary(data, a));
    assert_true(tern__dataset_fingerprint(tern_audio_dataset_samples(data)) == h);
    tern_audio_dataset_free(data);
    return h;
}

static uint64_t fingerprint_of_pictures(int filling, double mirror, tern_border border) {
    tern_vision_dataset_options o = TERN_VISION_DATASET_OPTIONS_INIT;
    tern_vision_dataset *data;
    tern_vision_augmentation *a = &o.augmentation;
    memset(a, filling, sizeof *a);
    a->flip = a->turn = a->rotate = a->shift = a->scale = a->stretch = a->shear = a->crop = 0;
    a->elastic = a->elastic_sigma = a->brightness = a->contrast = a->gamma = a->saturation = 0;
    a->hue = a->noise = a->blur = a->cutout_size = a->mask_x = a->mask_y = 0;
    a->cutout = 0, a->border = border, a->mirror = mirror;
    o.width = o.height = 8;
    check_ok(c, tern_vision_dataset_open_labels(&data, c, in_folder("pictures"), &o));
    const uint64_t h = tern__dataset_fingerprint(tern_vision_dataset_samples(data));
    check_ok(c, tern_vision_dataset_vary(data, a));
    assert_true(tern__dataset_fingerprint(tern_vision_dataset_samples(data)) == h);
    tern_vision_dataset_free(data);
    return h;
}

static void fingerprints_are_of_values(void **state) {
    (void)state;
    assert_true(fingerprint_of_sounds(0, 0.1) == fingerprint_of_sounds(0xaa, 0.1));
    assert_true(fingerprint_of_sounds(0, 0.1) != fingerprint_of_sounds(0, 0.2));
    const tern_border edge = TERN_BORDER_EDGE, wrap = TERN_BORDER_WRAP;
    assert_true(fingerprint_of_pictures(0, 0.5, edge) == fingerprint_of_pictures(0xaa, 0.5, edge));
    assert_true(fingerprint_of_pictures(0, 0.5, edge) != fingerprint_of_pictures(0, 0.25, edge));
    assert_true(fingerprint_of_pictures(0, 0.5, edge) != fingerprint_of_pictures(0, 0.5, wrap));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_the_default_of_core),
        cmocka_unit_test(null_is_the_default_of_networks),
        cmocka_unit_test(null_is_the_default_of_sounds),
        cmocka_unit_test(null_is_the_default_of_texts),
        cmocka_unit_test(null_is_the_default_of_pictures),
        cmocka_unit_test(null_is_the_default_of_sessions),
        cmocka_unit_test(fingerprints_are_of_values),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
