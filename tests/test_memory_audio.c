/* Every allocation of the sound domain fails once: training with log and checkpoint, going on from
 * the checkpoint, saving, loading, answering. */
#define _XOPEN_SOURCE 700
#include "failing.h"
#include "sounds.h"

#include <tern/audio_classify.h>
#include <tern/audio_train.h>
#include <tern/model_info.h>

static int set_up(void **state) {
    failing_set_up(state);
    assert_int_equal(mkdir(failing_path(*state, "d"), 0700), 0);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(mkdir(failing_path(*state, k ? "d/high" : "d/low"), 0700), 0);
        for (int i = 0; i < 2; i++) {
            char name[32];
            snprintf(name, sizeof name, "d/%s/%d.wav", k ? "high" : "low", i);
            sounds_write(failing_path(*state, name), 8000, 2000, 300 + 900 * k, (unsigned)i);
        }
    }
    return 0;
}

static tern_audio_train_options small(void) {
    tern_audio_train_options o = TERN_AUDIO_TRAIN_OPTIONS_INIT;
    o.width = 0.1;
    o.data.audio.sample_rate = 8000;
    o.data.audio.n_fft = o.data.audio.win_length = 256;
    o.data.audio.hop_length = 128;
    o.train.epochs = 1;
    o.train.batch = 2;
    return o;
}

static tern_status options(tern_context *c, const char *folder) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT, back;
    char *text;
    (void)folder;
    tern_status st = tern_audio_options_text(&text, c, &o);
    if (st == TERN_OK) st = tern_audio_options_parse(&back, c, text, strlen(text));
    tern_free(c, text);
    return st;
}

static tern_status read_data(tern_context *c, const char *folder) {
    tern_audio_dataset *data;
    tern_audio_train_options o = small();
    tern_status st = tern_audio_dataset_open(&data, c, failing_path(folder, "d"), &o.data);
    if (st == TERN_OK) st = tern_audio_dataset_normalize(data, tern_audio_dataset_samples(data));
    tern_audio_dataset_free(data);
    return st;
}

static tern_status train(tern_context *c, const char *folder) {
    tern_model *model;
    tern_audio_train_options o = small();
    o.train.log = failing_path(folder, "d.jsonl");
    o.train.checkpoint = failing_path(folder, "d.ckpt");
    remove(o.train.checkpoint);
    tern_status st = tern_audio_train(&model, c, failing_path(folder, "d"), &o);
    if (st == TERN_OK) st = tern_model_save(model, failing_path(folder, "d.onnx"));
    tern_model_free(model);
    return st;
}

static tern_status resume(tern_context *c, const char *folder) {
    tern_model *model;
    tern_audio_train_options o = small();
    o.train.checkpoint = failing_path(folder, "d.ckpt");
    o.train.resume = true;
    tern_status st = tern_audio_train(&model, c, failing_path(folder, "d"), &o);
    tern_model_free(model);
    return st;
}

static tern_status use(tern_context *c, const char *folder) {
    tern_model *model;
    tern_session *session = NULL;
    tern_model_info *info = NULL;
    tern_audio_model_info front;
    tern_answer answer;
    tern_status st = tern_model_load(&model, c, failing_path(folder, "d.onnx"));
    if (st == TERN_OK) st = tern_session_create(&session, model);
    if (st == TERN_OK) st = tern_audio_describe(&front, session);
    if (st == TERN_OK) {
        const tern_tensor x = {
            TERN_FLOAT, 4, {1, 1, (int64_t)front.window.rows, (int64_t)front.window.frames}, NULL};
        st = tern_model_describe(&info, model, &x);
    }
    if (st == TERN_OK)
        st = tern_audio_classify_file(session, failing_path(folder, "d/low/0.wav"), &answer);
    tern_session_free(session);
    tern_model_info_free(info, model);
    tern_model_free(model);
    return st;
}

static void options_text(void **state) { failing_each(options, *state, 0); }
static void data_set(void **state) { failing_each(read_data, *state, 0); }
static void training(void **state) { failing_each(train, *state, 100); }
static void resuming(void **state) { failing_each(resume, *state, 100); }
static void answers(void **state) { failing_each(use, *state, 200); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(options_text), cmocka_unit_test(data_set),
                                       cmocka_unit_test(training), cmocka_unit_test(resuming),
                                       cmocka_unit_test(answers)};
    return cmocka_run_group_tests(tests, set_up, failing_tear_down);
}
