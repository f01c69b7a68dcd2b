/* From labelled files to a model and from a file to its label: training, metadata, any rate and
 * length, streams, evaluation, and models that cannot do it. */
#define _XOPEN_SOURCE 700
#include "sounds.h"

#include <tern/audio_classify.h>
#include <tern/audio_train.h>

enum { CLASSES = 3, CLIPS = 12 };
static const char *const names[CLASSES] = {"high", "low", "middle"};
static const double pitches[CLASSES] = {3000, 300, 1100};
/* What sounds are trained on and asked about alike, so that each answer is certain: one that was
 * never heard at 8 kHz, where half of the bands are empty, is anybody's guess. */
static const int rates[] = {8000, 11025, 16000, 44100, 96000};
enum { RATES = sizeof rates / sizeof *rates };

typedef struct fixture {
    char folder[64];
    tern_context *c;
    tern_model *model;
} fixture;

static tern_audio_train_options small_run(void) {
    tern_audio_train_options o = TERN_AUDIO_TRAIN_OPTIONS_INIT;
    o.network = "cnn"; /* the sounds here are steady: half of a pair would not hear them */
    o.width = 0.25;
    o.data.seconds = 0.3;
    o.train.epochs = 60;
    o.no_augmentation = true;
    o.train.batch = 8;
    o.train.seed = 7;
    return o;
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 2;
    check_ok(f->c, tern_context_create(&f->c, &o));
    sounds_folder(f->folder);
    for (int k = 0; k < CLASSES; k++) {
        assert_int_equal(mkdir(sounds_path(f->folder, names[k]), 0700), 0);
        for (int i = 0; i < CLIPS; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%d.wav", names[k], i);
            const int rate = rates[i % RATES], tenths = i % 4 == 3 ? 1 : 3; /* of a second */
            sounds_write(sounds_path(f->folder, name), rate, rate * tenths / 10,
                         pitches[k] * (1 + 0.01 * i), (unsigned)(k * 100 + i));
        }
    }
    tern_audio_train_options t = small_run();
    check_ok(f->c, tern_audio_train(&f->model, f->c, f->folder, &t));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    sounds_remove(f->folder);
    tern_model_free(f->model);
    tern_context_free(f->c);
    free(f);
    return 0;
}

#define run_ok(session, call)                                                                      \
    do {                                                                                           \
        if ((call) != TERN_OK) fail_msg("%s: %s", #call, tern_session_message(session));           \
    } while (0)
#define run_error(session, expected, text, call)                                                   \
    do {                                                                                           \
        tern_status run_status_ = (call);                                                          \
        if (run_status_ != (expected) || !strstr(tern_session_message(session), (text)))           \
            fail_msg("%s: got %s \"%s\", expected %s \"...%s...\"", #call,                         \
                     tern_status_name(run_status_), tern_session_message(session),                 \
                     tern_status_name(expected), (text));                                          \
    } while (0)

static void label_is(tern_session *s, const char *path, const char *label) {
    tern_answer a;
    run_ok(s, tern_audio_classify_file(s, path, &a));
    double total = 0;
    assert_string_equal(a.label, label);
    assert_int_equal(a.count, CLASSES);
    assert_string_equal(a.top[0].label, label);
    for (size_t i = 0; i < a.count; i++) {
        total += (double)a.top[i].score;
        if (i) assert_true(a.top[i].score <= a.top[i - 1].score);
    }
    check_close(total, 1, 1e-5, 0);
}

/* Rates, lengths from a tenth of the window to a hundred windows. */
static void any_sound(void **state) {
    fixture *f = *state;
    tern_session *s;
    check_ok(f->c, tern_session_create(&s, f->model));
    for (int i = 0; i < RATES; i++)
        for (int k = 0; k < CLASSES; k++) {
            const char *path = sounds_path(f->folder, "any.wav");
            sounds_write(path, rates[i], rates[i] * 3 / 10, pitches[k] * 1.03, 900);
            label_is(s, path, names[k]);
        }
    const int lengths[] = {2400, 4799, 4801, 4896, 7201, 16000, 480000};
    for (int i = 0; i < 7; i++) {
        const char *path = sounds_path(f->folder, "any.wav");
        sounds_write(path, 16000, lengths[i], pitches[1], 901);
        label_is(s, path, names[1]);
    }
    tern_session_free(s);
}

/* A stream of windows gives the mean of what its windows give alone. */
static void windows_are_averaged(void **state) {
    fixture *f = *state;
    tern_session *s;
    tern_answer a;
    tern_audio_model_info info;
    check_ok(f->c, tern_session_create(&s, f->model));
    run_ok(s, tern_audio_describe(&info, s));
    assert_int_equal(info.window.samples, 4800);
    assert_int_equal(info.n_labels, CLASSES);
    assert_false(info.waveform);
    enum { N = 4800, TOTAL = 9000 };
    static float sound[TOTAL];
    const size_t starts[] = {0, 2400, TOTAL - N};
    double expected[CLASSES] = {0};
    for (int i = 0; i < TOTAL; i++)
        sound[i] =
            0.4f * (float)sin(i * (i < 4500 ? 0.12 : 1.2)) + 0.02f * (float)sin(i * i * 0.37);
    for (int w = 0; w < 3; w++) {
        run_ok(s, tern_audio_classify_samples(s, sound + starts[w], N, 16000, &a));
        for (int k = 0; k < CLASSES; k++)
            for (int j = 0; j < CLASSES; j++)
                if (!strcmp(a.top[j].label, names[k])) expected[k] += (double)a.top[j].score / 3;
    }
    run_ok(s, tern_audio_classify_samples(s, sound, TOTAL, 16000, &a));
    for (int k = 0; k < CLASSES; k++)
        for (int j = 0; j < CLASSES; j++)
            if (!strcmp(a.top[j].label, names[k]))
                check_close(a.top[j].score, expected[k], 1e-6, 0);
    tern_session_free(s);
}

static void saved_model_answers_the_same(void **state) {
    fixture *f = *state;
    tern_model *again;
    tern_session *s, *t;
    tern_answer a, b;
    const char *path = sounds_path(f->folder, "model.onnx");
    check_ok(f->c, tern_model_save(f->model, path));
    check_ok(f->c, tern_model_load(&again, f->c, path));
    check_ok(f->c, tern_session_create(&s, f->model));
    check_ok(f->c, tern_session_create(&t, again));
    run_ok(s, tern_audio_classify_file(s, sounds_path(f->folder, "low/1.wav"), &a));
    run_ok(t, tern_audio_classify_file(t, sounds_path(f->folder, "low/1.wav"), &b));
    for (int k = 0; k < CLASSES; k++) {
        assert_string_equal(a.top[k].label, b.top[k].label);
        assert_memory_equal(&a.top[k].score, &b.top[k].score, sizeof(float));
    }
    assert_non_null(strstr(tern_model_metadata(again, "tern.training"), "\"seed\": 7"));
    assert_string_equal(tern_model_metadata(again, "tern.labels"),
                        "[\"high\", \"low\", \"middle\"]");
    tern_session_free(s);
    tern_session_free(t);
    tern_model_free(again);
}

static char *read_all(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *bytes = malloc(1 << 22);
    *size = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

/* One seed, one file: for 1, 2 and 3 threads. */
static void threads_do_not_matter(void **state) {
    fixture *f = *state;
    char *first = NULL;
    size_t size = 0, again;
    for (int threads = 1; threads <= 3; threads++) {
        tern_context *c;
        tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
        tern_model *m;
        tern_audio_train_options t = small_run();
        o.threads = threads;
        t.train.epochs = 2;
        t.validate = 0.25;
        const char *path = sounds_path(f->folder, "threads.onnx");
        check_ok(c, tern_context_create(&c, &o));
        check_ok(c, tern_audio_train(&m, c, f->folder, &t));
        check_ok(c, tern_model_save(m, path));
        char *bytes = read_all(path, &again);
        if (first) {
            assert_int_equal(size, again);
            assert_memory_equal(first, bytes, size);
            free(bytes);
        } else {
            first = bytes, size = again;
        }
        tern_model_free(m);
        tern_context_free(c);
    }
    free(first);
}

static bool count_clip(void *user, const char *file, const char *truth, const tern_answer *answer,
                       size_t done, size_t count) {
    size_t *calls = user;
    assert_int_equal(done, ++*calls);
    assert_int_equal(count, CLASSES * CLIPS);
    assert_non_null(strstr(file, truth));
    assert_non_null(answer->label);
    return true;
}
static bool stop_at_once(void *user, const char *file, const char *truth, const tern_answer *answer,
                         size_t done, size_t count) {
    (void)user, (void)file, (void)truth, (void)answer, (void)done, (void)count;
    return false;
}

static void evaluation(void **state) {
    fixture *f = *state;
    tern_session *s;
    tern_confusion *confusion;
    size_t calls = 0;
    check_ok(f->c, tern_session_create(&s, f->model));
    run_ok(s, tern_audio_evaluate(&confusion, s, f->folder, NULL, count_clip, &calls));
    assert_int_equal(calls, CLASSES * CLIPS);
    tern_metrics m = tern_confusion_metrics(confusion);
    assert_int_equal(m.n, CLASSES * CLIPS);
    check_close(m.accuracy, 1, 0.05, 0);
    tern_confusion_free(confusion);
    run_error(s, TERN_ERR_INTERRUPTED, "stopped after 1 of 36",
              tern_audio_evaluate(&confusion, s, f->folder, NULL, stop_at_once, NULL));
    assert_null(confusion);
    assert_int_equal(mkdir(sounds_path(f->folder, "whistle"), 0700), 0);
    sounds_write(sounds_path(f->folder, "whistle/1.wav"), 16000, 4800, 500, 1);
    run_error(s, TERN_ERR_FORMAT, "'whistle', which the model does not know",
              tern_audio_evaluate(&confusion, s, f->folder, NULL, NULL, NULL));
    sounds_text(sounds_path(f->folder, "t.csv"),
                "filename,category\nlow/1.wav,low\nlow/x.wav,low\n");
    run_error(
        s, TERN_ERR_IO, "t.csv, line 3: ",
        tern_audio_evaluate(&confusion, s, sounds_path(f->folder, "t.csv"), NULL, NULL, NULL));
    sounds_remove(sounds_path(f->folder, "whistle"));
    tern_session_free(s);
}

static void bad_sounds(void **state) {
    fixture *f = *state;
    tern_session *s;
    tern_answer a = {.label = "before"};
    check_ok(f->c, tern_session_create(&s, f->model));
    run_error(s, TERN_ERR_IO, "nothing.wav",
              tern_audio_classify_file(s, sounds_path(f->folder, "nothing.wav"), &a));
    sounds_text(sounds_path(f->folder, "text.wav"), "this is no sound");
    run_error(s, TERN_ERR_FORMAT, "text.wav",
              tern_audio_classify_file(s, sounds_path(f->folder, "text.wav"), &a));
    const float nan[2] = {0, NAN};
    run_error(s, TERN_ERR_FORMAT, "sample 1", tern_audio_classify_samples(s, nan, 2, 16000, &a));
    run_error(s, TERN_ERR_FORMAT, "no samples", tern_audio_classify_samples(s, nan, 0, 16000, &a));
    run_error(s, TERN_ERR_ARGUMENT, "0 Hz", tern_audio_classify_samples(s, nan, 1, 0, &a));
    assert_string_equal(a.label, "before");
    sounds_write(sounds_path(f->folder, "silent.wav"), 16000, 4800, 0, 0);
    run_ok(s, tern_audio_classify_file(s, sounds_path(f->folder, "silent.wav"), &a));
    tern_session_free(s);
}

/* What is wrong with a model is said, and nothing is classified. */
static void bad_models(void **state) {
    fixture *f = *state;
    const struct {
        const char *key, *value, *sentence;
    } cases[] = {
        {"tern.audio", NULL, "does not say how it listens"},
        {"tern.labels", NULL, "tern.labels"},
        {"tern.input", NULL, "tern.input"},
        {"tern.labels", "[\"a\", \"b\"]", "the model has 2 labels"},
        {"tern.labels", "{}", "not a JSON array"},
        {"tern.labels", "[1, 2, 3]", "label 0 is no text"},
        {"tern.input", "{\"kind\": \"pixels\", \"seconds\": 1}", "pixels"},
        {"tern.input", "{\"kind\": \"features\", \"seconds\": 1e9}", "tern.input"},
        {"tern.input", "{\"kind\": \"samples\", \"seconds\": 1}", "the model's front end gives"},
        {"tern.audio", "{\"n_mels\": 40}", "the model's front end gives [?, 1, 40"},
        {"tern.audio", "{\"n_fft\": 7}", "tern.audio"},
        {"tern.audio", "nonsense", "tern.audio"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tern_model *m;
        tern_session *s;
        tern_answer a;
        check_ok(f->c, tern_model_create(&m, tern_model_graph(f->model)));
        const char *keys[] = {"tern.audio", "tern.labels", "tern.input"};
        for (int k = 0; k < 3; k++)
            check_ok(f->c, tern_model_set_metadata(m, keys[k],
                                                   strcmp(keys[k], cases[i].key)
                                                       ? tern_model_metadata(f->model, keys[k])
                                                       : cases[i].value));
        check_ok(f->c, tern_session_create(&s, m));
        run_error(s, TERN_ERR_FORMAT, cases[i].sentence,
                  tern_audio_classify_file(s, sounds_path(f->folder, "low/1.wav"), &a));
        tern_session_free(s);
        tern_model_free(m);
    }
}

static void networks(void **state) {
    fixture *f = *state;
    for (size_t i = 0; tern_audio_network_name(i); i++) {
        tern_graph *g;
        int64_t dims[TERN_MAX_RANK];
        tern_audio_network_options o = TERN_AUDIO_NETWORK_OPTIONS_INIT;
        const bool waveform = tern_audio_network_waveform(tern_audio_network_name(i));
        o.classes = 5;
        o.rows = 13; /* few rows: pooled less often */
        o.frames = waveform ? 4000 : 20;
        assert_non_null(tern_audio_network_summary(i));
        check_ok(f->c, tern_graph_create(&g, f->c));
        tern_value y = tern_audio_network_build(g, tern_audio_network_name(i), &o);
        check_ok(f->c, tern_graph_check(g));
        assert_int_equal(tern_value_shape(y, dims), 2);
        assert_int_equal(dims[1], 5);
        tern_graph_free(g);
    }
    tern_graph *g;
    tern_audio_network_options o = TERN_AUDIO_NETWORK_OPTIONS_INIT;
    check_ok(f->c, tern_graph_create(&g, f->c));
    tern_audio_network_build(g, "resnet", &o);
    check_error(f->c, TERN_ERR_ARGUMENT, "there is no network 'resnet'; there are cnn, pair, m5",
                tern_graph_check(g));
    tern_graph_free(g);
}

enum { ROWS = 16, FRAMES = 24, COUNT = ROWS * FRAMES };

/* What a graph of two classes gives for features [1, 1, ROWS, FRAMES]; consumes the graph. */
static void answer(tern_graph *g, const float *features, float *logits, size_t count) {
    tern_model *m;
    tern_session *s;
    tern_tensor x = {TERN_FLOAT, 4, {1, 1, ROWS, FRAMES}, (void *)features}, y;
    assert_int_equal(tern_graph_check(g), TERN_OK);
    assert_int_equal(tern_model_create(&m, g), TERN_OK);
    tern_graph_free(g);
    assert_int_equal(tern_session_create(&s, m), TERN_OK);
    run_ok(s, tern_session_run(s, &x, 1, &y, 1));
    memcpy(logits, y.data, count * sizeof *logits);
    tern_session_free(s);
    tern_model_free(m);
}

static tern_graph *network_of(fixture *f, const char *name, bool apart) {
    tern_graph *g;
    tern_audio_network_options o = TERN_AUDIO_NETWORK_OPTIONS_INIT;
    o.classes = 2, o.rows = ROWS, o.frames = FRAMES, o.apart = apart;
    check_ok(f->c, tern_graph_create(&g, f->c));
    tern_graph_set_seed(g, 3);
    tern_audio_network_build(g, name, &o);
    return g;
}

/* The pair is the mean of its members; the second of them does not hear how loud a sound is. */
static void members(void **state) {
    fixture *f = *state;
    float quiet[COUNT], loud[COUNT], mean[2], apart[2][2], louder[2][2]; /* [class][member] */
    for (int i = 0; i < COUNT; i++) {
        quiet[i] = (float)((i * 7919) % 101) / 50 - 1;
        loud[i] = quiet[i] + 2;
    }
    assert_int_equal(tern_audio_network_members("pair"), 2);
    assert_int_equal(tern_audio_network_members("cnn"), 1);
    answer(network_of(f, "pair", false), quiet, mean, 2);
    answer(network_of(f, "pair", true), quiet, apart[0], 4);
    answer(network_of(f, "pair", true), loud, louder[0], 4);
    for (int k = 0; k < 2; k++) {
        check_close(mean[k], (apart[k][0] + apart[k][1]) / 2, 1e-5, 1e-5);
        check_close(louder[k][1], apart[k][1], 1e-4, 1e-4);
    }
    assert_true(fabsf(apart[0][0] - apart[0][1]) > 1e-3f); /* weights of their own */
    assert_true(fabsf(louder[0][0] - apart[0][0]) > 1e-3f);
}

/* Members are trained apart, with mixed clips; the model gives their mean, one number per label. */
static void training_a_pair(void **state) {
    fixture *f = *state;
    tern_model *m;
    tern_session *s;
    tern_train_result result;
    tern_audio_train_options o = small_run();
    int64_t dims[TERN_MAX_RANK];
    o.network = "pair";
    o.validate = 0.25;
    o.train.mixup = 0.2;
    o.train.result = &result;
    check_ok(f->c, tern_audio_train(&m, f->c, f->folder, &o));
    assert_true(result.validation_accuracy > 0.5); /* a third by chance, 0.9 and more by any seed */
    assert_true(isfinite(result.validation_loss));
    tern_graph *g;
    check_ok(f->c, tern_graph_clone(&g, tern_model_graph(m)));
    assert_int_equal(tern_value_shape(tern_find(g, "logits"), dims), 2);
    assert_int_equal(dims[1], CLASSES);
    tern_graph_free(g);
    check_ok(f->c, tern_session_create(&s, m));
    for (int k = 0; k < CLASSES; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s/1.wav", names[k]);
        label_is(s, sounds_path(f->folder, name), names[k]);
    }
    tern_session_free(s);
    tern_model_free(m);
}

static void bad_training(void **state) {
    fixture *f = *state;
    tern_model *m;
    tern_audio_train_options o = small_run();
    const char *one[] = {"1"};
    o.validate = 0.2;
    o.validate_folds = one, o.n_validate_folds = 1;
    check_error(f->c, TERN_ERR_ARGUMENT, "asked for twice",
                tern_audio_train(&m, f->c, f->folder, &o));
    o.validate = 0;
    o.data.folds = one, o.data.n_folds = 1;
    check_error(f->c, TERN_ERR_ARGUMENT, "fold '1' is both",
                tern_audio_train(&m, f->c, f->folder, &o));
    o = small_run();
    o.network = "nothing";
    check_error(f->c, TERN_ERR_ARGUMENT, "no network", tern_audio_train(&m, f->c, f->folder, &o));
    o = small_run();
    o.augmentation = "gain=1,loudness=2";
    check_error(f->c, TERN_ERR_ARGUMENT, "no 'loudness'",
                tern_audio_train(&m, f->c, f->folder, &o));
    o.augmentation = "gain";
    check_error(f->c, TERN_ERR_ARGUMENT, "name=number", tern_audio_train(&m, f->c, f->folder, &o));
    assert_null(m);
}

static void waveform_network(void **state) {
    fixture *f = *state;
    tern_model *m;
    tern_session *s;
    tern_audio_model_info info;
    tern_audio_train_options o = small_run();
    o.network = "m5";
    o.width = 0.1;
    o.train.epochs = 2;
    check_ok(f->c, tern_audio_train(&m, f->c, f->folder, &o));
    check_ok(f->c, tern_session_create(&s, m));
    run_ok(s, tern_audio_describe(&info, s));
    assert_true(info.waveform);
    tern_answer a;
    run_ok(s, tern_audio_classify_file(s, sounds_path(f->folder, "low/1.wav"), &a));
    tern_session_free(s);
    tern_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_sound),
        cmocka_unit_test(windows_are_averaged),
        cmocka_unit_test(saved_model_answers_the_same),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(evaluation),
        cmocka_unit_test(bad_sounds),
        cmocka_unit_test(bad_models),
        cmocka_unit_test(networks),
        cmocka_unit_test(members),
        cmocka_unit_test(training_a_pair),
        cmocka_unit_test(bad_training),
        cmocka_unit_test(waveform_network),
    };
    return cmocka_run_group_tests_name("audio_classify", tests, set_up, tear_down);
}
