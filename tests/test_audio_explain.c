/* Sounds as vectors, pictures of what speaks for their label, and going on from a trained model. */
#define _XOPEN_SOURCE 700
#include "sounds.h"

#include <tern/audio_classify.h>
#include <tern/audio_export.h>
#include <tern/audio_train.h>
#include <tern/transfer.h>

enum { RATE = 8000, COUNT = 4000 };

static tern_context *context;
static char folder[64];
static tern_model *model;

static tern_audio_train_options quick(void) {
    tern_audio_train_options o = TERN_AUDIO_TRAIN_OPTIONS_INIT;
    o.train.epochs = 2;
    o.train.batch = 4;
    o.no_augmentation = true;
    return o;
}

/* Low and high tones of half a second, and a small network that was trained on them for a moment.
 */
static int make_shared(void **state) {
    (void)state;
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 2;
    if (tern_context_create(&context, &o) != TERN_OK) return 1;
    sounds_folder(folder);
    mkdir(sounds_path(folder, "low"), 0700);
    mkdir(sounds_path(folder, "high"), 0700);
    for (unsigned i = 0; i < 6; i++) {
        char name[40];
        snprintf(name, sizeof name, "low/%u.wav", i);
        sounds_write(sounds_path(folder, name), RATE, COUNT, 300, i);
        snprintf(name, sizeof name, "high/%u.wav", i);
        sounds_write(sounds_path(folder, name), RATE, COUNT, 2000, i);
    }
    tern_audio_train_options t = quick();
    t.network = "cnn";
    t.width = 0.25;
    check_ok(context, tern_audio_train(&model, context, folder, &t));
    return 0;
}

static int free_shared(void **state) {
    (void)state;
    tern_model_free(model);
    tern_context_free(context);
    sounds_remove(folder);
    return 0;
}

/* The last layer, computed here from the vector, orders the labels as the answer does; a sound
 * three times as long as the window gives the mean of its windows. */
static void sounds_are_vectors(void **state) {
    (void)state;
    tern_model *cut;
    tern_session *whole, *part;
    const float *vector;
    int64_t length, again;
    tern_answer answer;
    check_ok(context, tern_model_cut(&cut, model, NULL));
    check_ok(context, tern_session_create(&whole, model));
    check_ok(context, tern_session_create(&part, cut));
    check_ok(context,
             tern_audio_embed_file(part, sounds_path(folder, "low/1.wav"), &vector, &length));
    assert_true(length > 8);
    float *kept = malloc((size_t)length * sizeof *kept);
    memcpy(kept, vector, (size_t)length * sizeof *kept);
    check_ok(context,
             tern_audio_embed_file(part, sounds_path(folder, "high/1.wav"), &vector, &again));
    assert_int_equal(length, again);
    assert_true(tern_distance(TERN_DISTANCE_EUCLIDEAN, kept, vector, length) > 0);
    check_ok(context,
             tern_audio_embed_file(part, sounds_path(folder, "low/1.wav"), &vector, &again));
    assert_memory_equal(kept, vector,
                        (size_t)length * sizeof *kept); /* nothing is left of the other one */
    sounds_write(sounds_path(folder, "long.wav"), RATE, 3 * COUNT, 300, 1);
    check_ok(context,
             tern_audio_embed_file(part, sounds_path(folder, "long.wav"), &vector, &again));
    assert_true(tern_distance(TERN_DISTANCE_COSINE, kept, vector, length) < 0.1);
    /* Such a model has no labels to give, and the whole one still answers after giving its logits
     * as a vector. */
    assert_int_equal(tern_audio_classify_file(part, sounds_path(folder, "low/1.wav"), &answer),
                     TERN_ERR_FORMAT);
    assert_non_null(strstr(tern_session_message(part), "but the model has 2 labels"));
    check_ok(context,
             tern_audio_embed_file(whole, sounds_path(folder, "low/1.wav"), &vector, &length));
    assert_int_equal(length, 2);
    check_ok(context, tern_audio_classify_file(whole, sounds_path(folder, "low/1.wav"), &answer));
    check_close(answer.top[0].score + answer.top[1].score, 1, 1e-6, 0);
    free(kept);
    tern_session_free(part);
    tern_session_free(whole);
    tern_model_free(cut);
}

static void what_speaks_for_a_label_is_drawn(void **state) {
    (void)state;
    tern_session *s;
    tern_answer answer;
    char *label;
    char path[600];
    strcpy(path, sounds_path(folder, "picture.png"));
    check_ok(context, tern_session_create(&s, model));
    check_ok(context, tern_audio_classify_file(s, sounds_path(folder, "high/2.wav"), &answer));
    check_ok(context, tern_audio_explain_file(&label, s, sounds_path(folder, "high/2.wav"), path,
                                              NULL, NULL));
    check_ok(context, tern_audio_classify_file(s, sounds_path(folder, "high/2.wav"), &answer));
    assert_string_equal(label, answer.label);
    tern_free(context, label);
    assert_int_equal(unlink(path), 0);
    check_ok(context, tern_audio_explain_file(&label, s, sounds_path(folder, "high/2.wav"), path,
                                              "low", "conv"));
    assert_string_equal(label, "low");
    tern_free(context, label);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(
        tern_audio_explain_file(&label, s, sounds_path(folder, "high/2.wav"), path, "middle", NULL),
        TERN_ERR_ARGUMENT);
    assert_non_null(strstr(tern_session_message(s), "no label 'middle'"));
    assert_null(label);
    assert_int_equal(
        tern_audio_explain_file(NULL, s, sounds_path(folder, "high/2.wav"), path, NULL, "nowhere"),
        TERN_ERR_ARGUMENT);
    assert_non_null(strstr(tern_session_message(s), "there is no node 'nowhere'"));
    assert_int_equal(access(path, F_OK), -1);
    tern_session_free(s);
}

static size_t read_all(const char *path, char *bytes, size_t room) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t n = fread(bytes, 1, room, file);
    assert_true(n > 0 && n < room);
    fclose(file);
    return n;
}

/* A rest that classifying does not hear is not explained either: were it a window of its own, it
 * would speak more for one of the two labels. */
static void explaining_hears_the_windows_of_classifying(void **state) {
    (void)state;
    enum { ROOM = 1 << 20 };
    tern_session *s;
    char sound[600], picture[600], *bytes[2] = {malloc(ROOM), malloc(ROOM)};
    static const char *const labels[] = {"low", "high"};
    strcpy(sound, sounds_path(folder, "rest.wav"));
    strcpy(picture, sounds_path(folder, "rest.png"));
    check_ok(context, tern_session_create(&s, model));
    for (int i = 0; i < 2; i++) {
        size_t n[2];
        for (int rest = 0; rest < 2; rest++) {
            sounds_write(sound, RATE, COUNT + rest * COUNT / 60, 700, 3);
            assert_int_equal(tern_audio_explain_file(NULL, s, sound, picture, labels[i], NULL),
                             TERN_OK);
            n[rest] = read_all(picture, bytes[rest], ROOM);
            assert_int_equal(unlink(picture), 0);
        }
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(bytes[0], bytes[1], n[0]);
    }
    tern_session_free(s);
    free(bytes[0]);
    free(bytes[1]);
}

static void a_trained_model_is_gone_on_from(void **state) {
    (void)state;
    tern_audio_train_options o = quick();
    tern_model *next;
    o.init = model;
    o.freeze_until = "all-but-last";
    check_ok(context, tern_audio_train(&next, context, folder, &o));
    tern_session *a, *b;
    tern_audio_model_info before, after;
    check_ok(context, tern_session_create(&a, model));
    check_ok(context, tern_session_create(&b, next));
    check_ok(context, tern_audio_describe(&before, a));
    check_ok(context, tern_audio_describe(&after, b));
    assert_int_equal(before.window.samples, after.window.samples);
    assert_int_equal(before.audio.n_mels, after.audio.n_mels);
    assert_int_equal(after.n_labels, 2);
    tern_session_free(a);
    tern_session_free(b);
    tern_model_free(next);
    o.network = "cnn";
    check_error(context, TERN_ERR_ARGUMENT, "the network is that of the model",
                tern_audio_train(&next, context, folder, &o));
    o = quick();
    o.freeze_until = "conv";
    check_error(context, TERN_ERR_ARGUMENT, "needs a trained model",
                tern_audio_train(&next, context, folder, &o));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sounds_are_vectors),
        cmocka_unit_test(what_speaks_for_a_label_is_drawn),
        cmocka_unit_test(explaining_hears_the_windows_of_classifying),
        cmocka_unit_test(a_trained_model_is_gone_on_from),
    };
    return cmocka_run_group_tests(tests, make_shared, free_shared);
}
