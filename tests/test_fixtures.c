/* Files that people have must load and answer the same after every change: tests/fixtures holds
 * models and a checkpoint written on 1 Dec 2026 by version 0.1.0, and here are the answers that it
 * gave. Never made anew: a difference is a fault of the change. */
#include "context.h"

#include "core/base/base.h"

#include <tern/tern.h>

#define FIXTURE(name) TERN_SOURCE_ROOT "/tests/fixtures/" name

/* Levels of the CPU sum in another order. A probability moves by at most a quarter of what the
 * logits do, and those differ by some 1e-6 of the largest number a layer, over up to 20 layers. */
static const double NEAR = 1e-4;

static tern_session *open_model(tern_context *c, tern_model **m, const char *path) {
    tern_session *s;
    check_ok(c, tern_model_load(m, c, path));
    check_ok(c, tern_session_create(&s, *m));
    return s;
}

static void close_model(tern_context *c, tern_model *m, tern_session *s) {
    tern_session_free(s);
    tern_model_free(m);
    tern_context_free(c);
}

#define check_session(session, expression)                                                         \
    do {                                                                                           \
        if ((expression) != TERN_OK)                                                               \
            fail_msg("%s: %s", #expression, tern_session_message(session));                        \
    } while (0)

/* Ticks: 5 ms of noise, half a second apart, over a hiss. Integers only, so that every machine
 * hears the same. */
static float *ticks(size_t *count, int rate) {
    tern__random r = tern__random_make(7, 1);
    *count = (size_t)rate * 5;
    float *sound = malloc(*count * sizeof *sound);
    for (size_t i = 0; i < *count; i++) {
        const int noise = (int)tern__random_below(&r, 2001) - 1000;
        sound[i] =
            (float)(i % ((size_t)rate / 2) < (size_t)rate / 200 ? 16 * noise : noise) / 32768;
    }
    return sound;
}

static void sounds(void **state) {
    (void)state;
    static const struct {
        const char *label;
        double score;
    } expected[] = {{"fire_crackling", 0.9502770}, {"chainsaw", 0.0125853},
                    {"rain", 0.0104802},           {"clock_tick", 0.0065057},
                    {"rooster", 0.0051265},        {"helicopter", 0.0040804},
                    {"baby_cry", 0.0036811},       {"dog_bark", 0.0030068},
                    {"sea_waves", 0.0025886},      {"person_sneeze", 0.0016685}};
    tern_context *c = make_context(2);
    tern_model *m;
    tern_answer a;
    tern_session *s = open_model(c, &m, FIXTURE("esc10.onnx"));
    size_t count;
    float *sound = ticks(&count, 16000);
    check_session(s, tern_audio_classify_samples(s, sound, count, 16000, &a));
    assert_int_equal(a.count, 10);
    for (size_t i = 0; i < 10; i++) { /* neighbours are farther apart than twice NEAR */
        assert_string_equal(a.top[i].label, expected[i].label);
        check_close(a.top[i].score, expected[i].score, NEAR, 0);
    }
    free(sound);
    close_model(c, m, s);
}

static void texts(void **state) {
    (void)state;
    static const struct {
        const char *text, *label;
        double score;
    } expected[] = {
        {"a quiet, lovely film", "positive", 0.9957911},
        {"two hours of dull jokes and a story that goes nowhere", "negative", 0.9974211},
        {"it is what it is", "positive", 0.8604528},
        {"Ein Film \xc3\xbc"
         "ber nichts",
         "positive", 0.6618143}};
    tern_context *c = make_context(2);
    tern_model *m;
    tern_session *s = open_model(c, &m, FIXTURE("sentiment.onnx"));
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        tern_answer a;
        check_session(s, tern_text_classify(s, expected[i].text, &a));
        assert_string_equal(a.label, expected[i].label);
        check_close(a.score, expected[i].score, NEAR, 0);
    }
    close_model(c, m, s);
}

static void names(void **state) {
    (void)state;
    static const struct {
        const char *type;
        size_t begin, end;
        double score;
    } expected[] = {{"LOC", 0, 8, 0.998644}, {"PER", 15, 20, 0.999554}};
    tern_context *c = make_context(2);
    tern_model *m;
    tern_text_tags t;
    tern_session *s = open_model(c, &m, FIXTURE("tagger.onnx"));
    check_session(s, tern_text_tag_text(s, "New York liked Boris", &t));
    assert_int_equal(t.count, 4);
    assert_int_equal(t.n_entities, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(t.entities[i].type, expected[i].type);
        assert_int_equal(t.entities[i].begin, expected[i].begin);
        assert_int_equal(t.entities[i].end, expected[i].end);
        check_close(t.entities[i].score, expected[i].score, NEAR, 0);
    }
    close_model(c, m, s);
}

/* Dark lines 5 wide around cells of 48x40, noise on all of it. */
static void draw(tern_image *image, tern_context *c, int side) {
    tern__random r = tern__random_make(9, 1);
    check_ok(c, tern_image_create(image, c, side, side, 1, 8));
    uint8_t *pixels = image->data;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            const bool line = (x + 8 * (y / 40 % 2)) % 48 < 5 || y % 40 < 5;
            pixels[y * side + x] = (uint8_t)((line ? 40 : 160) + (int)tern__random_below(&r, 41));
        }
}

static void masks(void **state) {
    (void)state;
    /* At every 32nd pixel from (9, 9) on. */
    static const double expected[16] = {
        0.9986678, 0.9982564, 0.9984706, 0.9988046, 0.0004077, 0.0039870, 0.0002517, 0.0004237,
        0.9983991, 0.0030131, 0.9985487, 0.9984469, 0.9988824, 0.9979146, 0.9984397, 0.9986275};
    tern_context *c = make_context(2);
    tern_model *m;
    tern_image image;
    tern_mask mask;
    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
    o.probability = true;
    tern_session *s = open_model(c, &m, FIXTURE("cells.onnx"));
    draw(&image, c, 128);
    check_session(s, tern_vision_segment(s, &image, &o, &mask));
    assert_int_equal(mask.width, 128);
    assert_int_equal(mask.planes, 1);
    double sum = 0;
    for (int i = 0; i < 128 * 128; i++) sum += (double)mask.probability[i];
    check_close(sum / (128 * 128), 0.7402922, NEAR, 0);
    for (int i = 0; i < 16; i++) {
        const int at = (i / 4 * 32 + 9) * 128 + i % 4 * 32 + 9;
        check_close(mask.probability[at], expected[i], NEAR, 0);
        assert_int_equal(mask.labels[at], expected[i] > 0.5);
    }
    tern_mask_free(&mask);
    tern_image_free(&image);
    close_model(c, m, s);
}

static bool note_first_epoch(void *user, const tern_train_progress *progress) {
    int *first = user;
    if (*first == 0) *first = progress->epoch;
    return true;
}

/* Training goes on from its checkpoint, after epoch 99 of 120, with the data and options that it
 * had. In some 60 steps roundings grow, hence the wider tolerance. */
static void training_goes_on(void **state) {
    (void)state;
    char folder[] = "/tmp/tern-fixtures-XXXXXX", checkpoint[64], command[4400];
    assert_non_null(mkdtemp(folder));
    snprintf(checkpoint, sizeof checkpoint, "%s/a.ckpt", folder);
    snprintf(command, sizeof command, "cp '%s' %s", FIXTURE("opinions.ckpt"), checkpoint);
    assert_int_equal(system(command), 0);
    tern_context *c = make_context(2);
    tern_model *m;
    tern_session *s;
    tern_train_result result = {0};
    int first_epoch = 0;
    tern_text_train_options o = TERN_TEXT_TRAIN_OPTIONS_INIT;
    o.network = "textcnn";
    o.dimension = 8;
    o.filters = 4;
    o.widths[0] = 2;
    o.widths[1] = 3;
    o.train.epochs = 120;
    o.train.seed = 2;
    o.train.checkpoint = checkpoint;
    o.train.resume = true;
    o.train.result = &result;
    o.train.on_progress = note_first_epoch;
    o.train.user = &first_epoch;
    check_ok(c, tern_text_train(&m, c, FIXTURE("opinions.tsv"), &o));
    assert_int_equal(first_epoch, 100);
    assert_int_equal(result.epoch, 120);
    check_ok(c, tern_session_create(&s, m));
    tern_answer a;
    check_session(s, tern_text_classify(s, "a lovely warm film", &a));
    assert_string_equal(a.label, "positive");
    check_close(a.score, 0.9958391, 1e-3, 0);
    check_session(s, tern_text_classify(s, "a dull story grim", &a));
    assert_string_equal(a.label, "negative");
    check_close(a.score, 0.9872658, 1e-3, 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    close_model(c, m, s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sounds),
        cmocka_unit_test(texts),
        cmocka_unit_test(names),
        cmocka_unit_test(masks),
        cmocka_unit_test(training_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
