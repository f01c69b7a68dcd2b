/* Sessions of one model: what domains keep with a session does not meet, and neither do sessions
 * on several threads. Run under the thread sanitizer as well (tests/sanitize.sh tsan). */
#define _XOPEN_SOURCE 700
#include "context.h"
#include "sounds.h"

#include <tern/tern.h>

#include <pthread.h>

static char folder[] = "/tmp/tern_sessions_XXXXXX", sound[64], picture[64];

static const char *in_folder(const char *name) {
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_files(void **state) {
    static uint8_t grey[64 * 64];
    (void)state;
    if (!mkdtemp(folder)) return 1;
    strcpy(sound, in_folder("a.wav"));
    strcpy(picture, in_folder("a.pgm"));
    sounds_write(sound, 16000, 8000, 440, 7);
    for (int i = 0; i < 64 * 64; i++) grey[i] = (uint8_t)(i * 37 % 251);
    FILE *file = fopen(picture, "wb");
    if (!file) return 1;
    fprintf(file, "P5 64 64 255\n");
    fwrite(grey, sizeof grey, 1, file);
    return fclose(file);
}

static int remove_files(void **state) {
    (void)state;
    unlink(sound);
    unlink(picture);
    return rmdir(folder);
}

/* ---- every call after every call ---- */

static tern_status audio_file(tern_session *s) {
    tern_answer a;
    return tern_audio_classify_file(s, sound, &a);
}
static tern_status audio_samples(tern_session *s) {
    static const float samples[4000];
    tern_answer a;
    return tern_audio_classify_samples(s, samples, 4000, 16000, &a);
}
static tern_status audio_embed(tern_session *s) {
    const float *v;
    int64_t n;
    return tern_audio_embed_file(s, sound, &v, &n);
}
static tern_status audio_describe(tern_session *s) {
    tern_audio_model_info info;
    return tern_audio_describe(&info, s);
}
static tern_status audio_explain(tern_session *s) {
    const tern_status st = tern_audio_explain_file(NULL, s, sound, in_folder("x.png"), NULL, NULL);
    unlink(in_folder("x.png"));
    return st;
}
static tern_status audio_evaluate(tern_session *s) {
    tern_confusion *k;
    return tern_audio_evaluate(&k, s, "/nowhere", NULL, NULL, NULL);
}
static tern_status text_classify(tern_session *s) {
    tern_answer a;
    return tern_text_classify(s, "a good film", &a);
}
static tern_status text_batch(tern_session *s) {
    const char *const texts[] = {"good", "a dull film"};
    int64_t labels[2];
    return tern_text_classify_batch(s, texts, NULL, 2, NULL, labels);
}
static tern_status text_embed(tern_session *s) {
    const float *v;
    int64_t n;
    return tern_text_embed(s, "good", &v, &n);
}
static tern_status text_describe(tern_session *s) {
    tern_text_model_info info;
    return tern_text_describe(&info, s);
}
static tern_status text_explain(tern_session *s) {
    const tern_text_weight *w;
    tern_answer a;
    size_t n;
    return tern_text_explain(s, "a good film", &a, &w, &n);
}
static tern_status text_tables(tern_session *s) { return tern_text_set_table_memory(s, 1 << 20); }
static tern_status text_evaluate(tern_session *s) {
    tern_confusion *k;
    return tern_text_evaluate(&k, s, "/nowhere", NULL, NULL, NULL);
}
static tern_status text_tag(tern_session *s) {
    tern_text_tags tags;
    return tern_text_tag_text(s, "a good film", &tags);
}
static tern_status text_evaluate_tags(tern_session *s) {
    tern_tag_metrics m;
    return tern_text_evaluate_tags(&m, s, "/nowhere", NULL);
}
static tern_status vision_classify(tern_session *s) {
    tern_answer a;
    return tern_vision_classify_file(s, picture, &a);
}
static tern_status vision_embed(tern_session *s) {
    const float *v;
    int64_t n;
    return tern_vision_embed_file(s, picture, &v, &n);
}
static tern_status vision_classifier_describe(tern_session *s) {
    tern_vision_classifier_info info;
    return tern_vision_classifier_describe(&info, s);
}
static tern_status vision_classifier_evaluate(tern_session *s) {
    tern_confusion *k;
    return tern_vision_classifier_evaluate(&k, s, "/nowhere", NULL, NULL, NULL);
}
static tern_status with_image(tern_session *s,
                              tern_status (*call)(tern_session *s, const tern_image *image)) {
    tern_context *c = make_context(1);
    tern_image image;
    check_ok(c, tern_image_load(&image, c, picture, NULL));
    const tern_status st = call(s, &image);
    tern_image_free(&image);
    tern_context_free(c);
    return st;
}
static tern_status classify_image(tern_session *s, const tern_image *image) {
    tern_answer a;
    return tern_vision_classify(s, image, &a);
}
static tern_status vision_image(tern_session *s) { return with_image(s, classify_image); }
static tern_status input_image(tern_session *s, const tern_image *image) {
    static float input[3 * 512 * 512];
    return tern_vision_classifier_input(s, image, input);
}
static tern_status vision_input(tern_session *s) { return with_image(s, input_image); }
static tern_status explain_image(tern_session *s, const tern_image *image) {
    tern_image out;
    const tern_status st = tern_vision_explain(&out, NULL, s, image, NULL);
    tern_image_free(&out);
    return st;
}
static tern_status vision_explain(tern_session *s) { return with_image(s, explain_image); }
static tern_status segment_image(tern_session *s, const tern_image *image) {
    tern_mask mask;
    const tern_status st = tern_vision_segment(s, image, NULL, &mask);
    tern_mask_free(&mask);
    return st;
}
static tern_status segment(tern_session *s) { return with_image(s, segment_image); }
static tern_status segment_file(tern_session *s) {
    tern_mask mask;
    const tern_status st = tern_vision_segment_file(s, picture, &mask);
    tern_mask_free(&mask);
    return st;
}
static tern_status vision_describe(tern_session *s) {
    tern_vision_model_info info;
    return tern_vision_describe(&info, s);
}
static tern_status vision_evaluate(tern_session *s) {
    tern_vision_evaluate_options o = TERN_VISION_EVALUATE_OPTIONS_INIT;
    tern_mask_metrics *m;
    o.masks = "/nowhere";
    return tern_vision_evaluate(&m, s, "/nowhere", &o);
}

/* fits: the shipped model that the call can answer with; data: it needs data that are not there. */
static const struct call {
    const char *fits;
    bool data;
    tern_status (*run)(tern_session *s);
} calls[] = {
    {"esc10", false, audio_file},
    {"esc10", false, audio_samples},
    {"esc10", false, audio_embed},
    {"esc10", false, audio_describe},
    {"esc10", false, audio_explain},
    {"esc10", true, audio_evaluate},
    {"sentiment", false, text_classify},
    {"sentiment", false, text_batch},
    {"sentiment", false, text_embed},
    {"sentiment", false, text_describe},
    {"sentiment", false, text_explain},
    {"sentiment", false, text_tables},
    {"sentiment", true, text_evaluate},
    {"", false, text_tag},
    {"", false, text_evaluate_tags},
    {"", false, vision_classify},
    {"", false, vision_embed},
    {"", false, vision_classifier_describe},
    {"", false, vision_classifier_evaluate},
    {"", false, vision_image},
    {"", false, vision_input},
    {"", false, vision_explain},
    {"cells", false, segment},
    {"cells", false, segment_file},
    {"cells", false, vision_describe},
    {"cells", true, vision_evaluate},
};
enum { CALLS = sizeof calls / sizeof *calls };

static tern_model *shipped(tern_context *c, const char *name) {
    char path[4300];
    tern_model *model;
    snprintf(path, sizeof path, "%s/examples/models/%s.onnx", TERN_SOURCE_ROOT, name);
    check_ok(c, tern_model_load(&model, c, path));
    return model;
}

static void check_call(tern_session *s, const char *model, size_t i) {
    const bool fits = !strcmp(calls[i].fits, model);
    const tern_status st = calls[i].run(s);
    if (fits && !calls[i].data) {
        if (st != TERN_OK) fail_msg("%s, call %zu: %s", model, i, tern_session_message(s));
        return;
    }
    if (st == TERN_OK) fail_msg("%s, call %zu: succeeded", model, i);
    if (!fits) assert_int_equal(st, TERN_ERR_FORMAT);
    if (!fits) assert_non_null(strstr(tern_session_message(s), "the model"));
}

/* Whoever came before: a call answers if it fits the model, and says that it does not if not. The
 * model's context hears of none of it. */
static void calls_do_not_meet(void **state) {
    static const char *const models[] = {"esc10", "sentiment", "cells"};
    (void)state;
    tern_context *c = make_context(1);
    for (int m = 0; m < 3; m++) {
        tern_model *model = shipped(c, models[m]);
        for (size_t first = 0; first < CALLS; first++)
            for (size_t second = 0; second < CALLS; second++) {
                const bool both = !strcmp(calls[first].fits, calls[second].fits);
                tern_session *s;
                if (both && first != second) continue; /* what every domain tests itself */
                check_ok(c, tern_session_create(&s, model));
                check_call(s, models[m], first);
                check_call(s, models[m], second);
                tern_session_free(s);
            }
        tern_model_free(model);
        assert_string_equal(tern_context_message(c), "");
    }
    tern_context_free(c);
}

static void refusals_say_what_the_model_is(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *model = shipped(c, "sentiment");
    tern_session *s;
    check_ok(c, tern_session_create(&s, model));
    for (size_t i = 0; i < CALLS; i++)
        if (calls[i].run(s) == TERN_ERR_FORMAT &&
            !strstr(tern_session_message(s), "it is a model of texts") &&
            !strstr(tern_session_message(s), "to a whole text"))
            fail_msg("call %zu: %s", i, tern_session_message(s));
    tern_session_free(s);
    tern_model_free(model);
    tern_context_free(c);
}

/* ---- two front ends ---- */

/* The sounds' model, which takes its features for a picture as well. */
static tern_model *two_front_ends(tern_context *c) {
    tern_model *sounds = shipped(c, "esc10"), *both;
    tern_session *s;
    tern_audio_model_info info;
    char vision[200];
    static const char *const keys[] = {"tern.labels", "tern.audio", "tern.input"};
    check_ok(c, tern_session_create(&s, sounds));
    check_ok(c, tern_audio_describe(&info, s));
    assert_false(info.waveform);
    check_ok(c, tern_model_create(&both, tern_model_graph(sounds)));
    for (int i = 0; i < 3; i++)
        check_ok(c, tern_model_set_metadata(both, keys[i], tern_model_metadata(sounds, keys[i])));
    snprintf(vision, sizeof vision,
             "{\"task\": \"class\", \"size\": [%zu, %zu], \"mean\": [0.5], \"std\": [0.25]}",
             info.window.frames, info.window.rows);
    check_ok(c, tern_model_set_metadata(both, "tern.vision", vision));
    tern_session_free(s);
    tern_model_free(sounds);
    return both;
}

static float score_of(tern_session *s, bool of_sound) {
    tern_answer a;
    const tern_status st = of_sound ? tern_audio_classify_file(s, sound, &a)
                                    : tern_vision_classify_file(s, picture, &a);
    if (st != TERN_OK) fail_msg("%s", tern_session_message(s));
    return a.score;
}

static void one_session_serves_two_domains(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *model = two_front_ends(c);
    tern_session *s;
    float alone[2];
    for (int k = 0; k < 2; k++) {
        check_ok(c, tern_session_create(&s, model));
        alone[k] = score_of(s, k);
        tern_session_free(s);
    }
    check_ok(c, tern_session_create(&s, model));
    for (int i = 0; i < 6; i++) assert_true(score_of(s, i % 2) == alone[i % 2]);
    tern_session_free(s);
    tern_model_free(model);
    tern_context_free(c);
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 3 };

typedef struct job {
    const tern_model *model;
    pthread_barrier_t *together;
    int number;
    const char *failed; /* what went wrong; NULL: nothing */
} job;

/* Fails on purpose: the sentence must be the session's own. */
static const char *check_own(tern_session *s, tern_status st, const char *name) {
    if (st == TERN_OK) return "what must fail did not";
    return strstr(tern_session_message(s), name) ? NULL : "a sentence was not the session's own";
}

static const char *use_sounds(tern_session *s, int number) {
    char path[64], layer[32];
    snprintf(path, sizeof path, "%s/%d.png", folder, number);
    snprintf(layer, sizeof layer, "no-layer-%d", number);
    if (tern_audio_explain_file(NULL, s, sound, path, NULL, NULL) != TERN_OK) return "explaining";
    unlink(path);
    return check_own(s, tern_audio_explain_file(NULL, s, sound, path, NULL, layer), layer);
}

static const char *use_masks(tern_session *s, int number) {
    char path[64];
    tern_mask mask;
    snprintf(path, sizeof path, "/nowhere/mask-%d.png", number);
    if (tern_vision_segment_file(s, picture, &mask) != TERN_OK) return "making a mask";
    const char *failed = check_own(s, tern_mask_save(&mask, path), path);
    tern_mask_free(&mask);
    return failed;
}

static const char *use_pictures(tern_session *s, int number) {
    char path[64];
    tern_confusion *k;
    snprintf(path, sizeof path, "/nowhere/data-%d", number);
    if (vision_explain(s) != TERN_OK) return "explaining a picture";
    return check_own(s, tern_vision_classifier_evaluate(&k, s, path, NULL, NULL, NULL), path);
}

static const char *use_texts(tern_session *s, int number) {
    char path[64];
    tern_confusion *k;
    snprintf(path, sizeof path, "/nowhere/texts-%d", number);
    if (text_explain(s) != TERN_OK) return "explaining a text";
    return check_own(s, tern_text_evaluate(&k, s, path, NULL, NULL, NULL), path);
}

static const char *use(tern_session *s, int number) {
    const tern_model *m = tern_session_model(s);
    const char *failed = NULL;
    if (tern_model_metadata(m, "tern.text")) return use_texts(s, number);
    if (tern_model_metadata(m, "tern.audio")) failed = use_sounds(s, number);
    if (failed || !tern_model_metadata(m, "tern.vision")) return failed;
    return tern_model_metadata(m, "tern.labels") ? use_pictures(s, number) : use_masks(s, number);
}

static void *work(void *user) {
    job *j = user;
    for (int i = 0; i < ROUNDS && !j->failed; i++) {
        tern_session *s;
        pthread_barrier_wait(j->together);
        if (tern_session_create(&s, j->model) != TERN_OK) {
            j->failed = "creating a session";
        } else {
            j->failed = use(s, j->number);
            tern_session_free(s);
        }
    }
    return NULL;
}

static void run_together(tern_context *c, tern_model *model) {
    pthread_t threads[THREADS];
    pthread_barrier_t together;
    job jobs[THREADS];
    assert_int_equal(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){model, &together, i, NULL};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&together);
    for (int i = 0; i < THREADS; i++)
        if (jobs[i].failed) fail_msg("thread %d: %s", i, jobs[i].failed);
    assert_string_equal(tern_context_message(c), "");
    tern_model_free(model);
}

static void sessions_share_nothing(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    run_together(c, shipped(c, "esc10"));
    run_together(c, shipped(c, "cells"));
    run_together(c, shipped(c, "sentiment"));
    run_together(c, two_front_ends(c));
    tern_context_free(c);
}

/* ---- making and freeing ---- */

static void masks_outlive_their_session(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *model = shipped(c, "cells");
    tern_session *s;
    tern_mask masks[2];
    check_ok(c, tern_session_create(&s, model));
    for (int i = 0; i < 2; i++) check_ok(c, tern_vision_segment_file(s, picture, &masks[i]));
    tern_session_free(s);
    tern_model_free(model);
    for (int i = 0; i < 2; i++) {
        check_error(masks[i].context, TERN_ERR_IO, "/nowhere/x.png",
                    tern_mask_save(&masks[i], "/nowhere/x.png"));
        tern_mask_free(&masks[i]);
    }
    assert_string_equal(tern_context_message(c), "");
    tern_context_free(c);
}

/* More inputs than any network has. */
static void a_session_takes_any_number_of_inputs(void **state) {
    enum { INPUTS = 40 };
    (void)state;
    tern_context *c = make_context(1);
    tern_graph *g;
    tern_model *model;
    tern_session *s;
    tern_tensor in[INPUTS], out;
    float values[INPUTS][6], sum[2] = {0};
    check_ok(c, tern_graph_create(&g, c));
    tern_value y = {0};
    for (int i = 0; i < INPUTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        const tern_value x = tern_input(g, name, 1, (int64_t[]){-1});
        y = i ? tern_add(y, x) : x;
        for (int k = 0; k < 6; k++) values[i][k] = (float)(i + k);
    }
    tern_output(g, "y", y);
    check_ok(c, tern_model_create(&model, g));
    check_ok(c, tern_session_create(&s, model));
    for (int i = 0; i < INPUTS; i++) sum[0] += values[i][0], sum[1] += values[i][5];
    for (int64_t n = 1; n <= 12; n++) { /* lengths come and go: plans are kept and dropped */
        const int64_t length = n > 6 ? n - 6 : n;
        for (int i = 0; i < INPUTS; i++) in[i] = (tern_tensor){TERN_FLOAT, 1, {length}, values[i]};
        check_ok(c, tern_session_run(s, in, INPUTS, &out, 1));
        assert_int_equal(out.dims[0], length);
        assert_true(((const float *)out.data)[0] == sum[0]);
        if (length == 6) assert_true(((const float *)out.data)[5] == sum[1]);
    }
    tern_session_free(s);
    tern_model_free(model);
    tern_graph_free(g);
    tern_context_free(c);
}

static long left = -1, live;
static void *allocate(void *user, size_t size) {
    (void)user;
    if (left == 0) return NULL;
    if (left > 0) left--;
    live++;
    return aligned_alloc(64, (size + 63) / 64 * 64);
}
static void release(void *user, void *pointer) {
    (void)user;
    live--;
    free(pointer);
}

/* Creating fails without a word to the model's context; an attachment that could not be made is
 * made by the next call. */
static void memory_that_runs_out(void **state) {
    (void)state;
    const tern_allocator allocator = {allocate, release, NULL};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    tern_context *c;
    o.threads = 1;
    o.allocator = &allocator;
    check_ok(c, tern_context_create(&c, &o));
    tern_model *model = two_front_ends(c);
    tern_session *s = NULL;
    const long before = live;
    for (left = 0;; left++) {
        const long given = left;
        const tern_status st = tern_session_create(&s, model);
        left = given;
        if (st == TERN_OK) break;
        assert_int_equal(st, TERN_ERR_MEMORY);
        assert_null(s);
        assert_int_equal(live, before);
    }
    assert_true(left > 1);
    assert_non_null(strstr(tern_session_message(NULL), "no memory"));
    for (long n = 0;; n += 7) {
        left = n;
        const tern_status sounds = audio_describe(s);
        const tern_status pictures = vision_classifier_describe(s);
        if (sounds != TERN_OK) assert_int_equal(sounds, TERN_ERR_MEMORY);
        if (pictures != TERN_OK) assert_int_equal(pictures, TERN_ERR_MEMORY);
        if (sounds == TERN_OK && pictures == TERN_OK) break;
    }
    left = -1;
    (void)score_of(s, true);
    (void)score_of(s, false);
    tern_session_free(s);
    assert_int_equal(live, before);
    assert_string_equal(tern_context_message(c), "");
    tern_model_free(model);
    tern_context_free(c);
    assert_int_equal(live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_do_not_meet),
        cmocka_unit_test(refusals_say_what_the_model_is),
        cmocka_unit_test(one_session_serves_two_domains),
        cmocka_unit_test(sessions_share_nothing),
        cmocka_unit_test(masks_outlive_their_session),
        cmocka_unit_test(a_session_takes_any_number_of_inputs),
        cmocka_unit_test(memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
