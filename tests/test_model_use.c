/* What a model file says and its network does not keep, in every domain: outputs of another size or
 * type than the front end reads, windows and pictures that would take all memory. Each is refused
 * with a sentence, before anything is sized by it. */
#include "check.h"

#include "core/graph/graph.h"
#include <tern/tern.h>

/* ---- a context that notes the greatest request ---- */

static size_t greatest;

static void *get(void *user, size_t size) {
    void *block = NULL;
    (void)user;
    if (size > greatest) greatest = size;
    return size < (size_t)3 << 30 && !posix_memalign(&block, 64, size) ? block : NULL;
}
static void put(void *user, void *block) {
    (void)user;
    free(block);
}

static tern_context *make_context(void) {
    tern_allocator allocator = {get, put, NULL};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    tern_context *c;
    o.allocator = &allocator;
    o.threads = 1;
    check_ok(c, tern_context_create(&c, &o));
    greatest = 0;
    return c;
}

/* ---- models ---- */

static tern_model *finish(tern_graph *g, tern_value y, const char *const *metadata) {
    tern_model *m;
    tern_output(g, "y", y);
    check_ok(g->context, tern_model_create(&m, g));
    for (; *metadata; metadata += 2)
        check_ok(g->context, tern_model_set_metadata(m, metadata[0], metadata[1]));
    tern_graph_free(g);
    return m;
}

static tern_graph *begin(tern_context *c) {
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    return g;
}

static tern_value to_int64(tern_value x) {
    tern_value y;
    const tern_attribute to = TERN_INT("to", TERN_INT64);
    tern_apply(x.graph, "Cast", NULL, &x, 1, &to, 1, &y, 1);
    return y;
}

static void check_refused(tern_session *s, tern_status expected, const char *words,
                          tern_status st) {
    if (st != expected || !strstr(tern_session_message(s), words))
        printf("%s: %s\n", tern_status_name(st), tern_session_message(s));
    assert_int_equal(st, expected);
    assert_non_null(strstr(tern_session_message(s), words));
}

/* ---- masks ---- */

#define MASK(more)                                                                                 \
    {                                                                                              \
        "tern.vision",                                                                             \
            "{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0], \"std\": [1]" more   \
            "}",                                                                                   \
            NULL                                                                                   \
    }

static void segment(tern_context *c, tern_model *m, int side, tern_status expected,
                    const char *words) {
    tern_image image;
    tern_mask mask;
    tern_session *s;
    check_ok(c, tern_image_create(&image, c, side, side, 1, 8));
    check_ok(c, tern_session_create(&s, m));
    check_refused(s, expected, words, tern_vision_segment(s, &image, NULL, &mask));
    assert_null(mask.labels);
    tern_session_free(s);
    tern_image_free(&image);
    tern_model_free(m);
}

/* Outputs of 1024 x 1024 whatever the picture is; that of 1200 would be read beyond its end. */
static void masks_of_one_size(void **state) {
    (void)state;
    static const char *const any[] = MASK(""), *const sized[] = MASK(", \"size\": [1100, 1100]");
    const int64_t four = 4, sizes[] = {1, 1, 1024, 1024}, shape[] = {1024, 1024};
    tern_context *c = make_context();
    for (int i = 0; i < 4; i++) {
        tern_graph *g = begin(c);
        tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1}), y;
        x = tern_conv(x, 1, (tern_conv_options){.kernel_shape = {1, 1}});
        tern_value in[4] = {x};
        const tern_attribute output = TERN_INTS("output_shape", shape, 2);
        if (i % 2) {
            in[1] = tern_parameter(g, "w", 4, (int64_t[]){1, 1, 1, 1}, (tern_initializer){0});
            tern_apply(g, "ConvTranspose", "t", in, 2, &output, 1, &y, 1);
        } else {
            in[3] = tern_constant(g, "sizes", TERN_INT64, 1, &four, sizes);
            tern_apply(g, "Resize", "r", in, 4, NULL, 0, &y, 1);
        }
        segment(c, finish(g, y, i < 2 ? any : sized), 1200, TERN_ERR_SHAPE,
                "gives [1, 1, 1024, 1024] where");
    }
    tern_context_free(c);
}

static void masks_of_whole_numbers(void **state) {
    (void)state;
    static const char *const any[] = MASK("");
    tern_context *c = make_context();
    tern_graph *g = begin(c);
    tern_value x = to_int64(tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1}));
    segment(c, finish(g, x, any), 20, TERN_ERR_UNSUPPORTED, "no mask of that size");
    tern_context_free(c);
}

/* 254 planes of 8192 x 8192 take 68 GB, from a file of a kilobyte. */
static void masks_of_much_memory(void **state) {
    (void)state;
    static const char *const large[] = {
        "tern.vision",
        "{\"task\": \"mask\", \"classes\": 254, \"bits\": 8, \"mean\": [0], \"std\": "
        "[1], \"size\": [8192, 8192]}",
        NULL};
    tern_context *c = make_context();
    tern_graph *g = begin(c);
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    tern_model *m =
        finish(g, tern_conv(x, 254, (tern_conv_options){.kernel_shape = {1, 1}}), large);
    segment(c, m, 16, TERN_ERR_LIMIT, "MB are allowed");
    assert_true(greatest < (size_t)1 << 31);
    tern_context_free(c);
}

/* Numbers are not cut to 32 bits before they are compared. */
static void sizes_beyond_int(void **state) {
    (void)state;
    static const char *const sized[] = MASK(", \"size\": [4294967312, 16]");
    tern_context *c = make_context();
    tern_graph *g = begin(c);
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    segment(c, finish(g, tern_relu(x), sized), 16, TERN_ERR_FORMAT, "the model's tern.vision is");
    tern_context_free(c);
}

/* A number that is finite as it is written, and not as a float. */
static void scale_beyond_float(void **state) {
    (void)state;
    static const char *const wide[] = {
        "tern.vision",
        "{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0], \"std\": "
        "[1e308]}",
        NULL};
    tern_context *c = make_context();
    tern_graph *g = begin(c);
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    segment(c, finish(g, tern_relu(x), wide), 16, TERN_ERR_FORMAT, "the model's tern.vision is");
    tern_context_free(c);
}

/* ---- labels of pictures, sounds and texts ---- */

static void pictures_of_whole_numbers(void **state) {
    (void)state;
    static const char *const metadata[] = {
        "tern.labels", "[\"a\", \"b\"]", "tern.vision",
        "{\"task\": \"class\", \"size\": [4, 4], \"mean\": [0], \"std\": [1]}", NULL};
    tern_context *c = make_context();
    tern_graph *g = begin(c);
    tern_image image;
    tern_session *s;
    tern_answer answer;
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, 4, 4});
    tern_model *m = finish(g, to_int64(tern_dense(tern_flatten(x), 2)), metadata);
    check_ok(c, tern_session_create(&s, m));
    check_ok(c, tern_image_create(&image, c, 9, 9, 1, 8));
    check_refused(s, TERN_ERR_SHAPE, "of whole numbers", tern_vision_classify(s, &image, &answer));
    tern_image_free(&image);
    tern_session_free(s);
    tern_model_free(m);
    tern_context_free(c);
}

/* A waveform model; rows of the output: what Reshape makes of a window. */
static void classify_sound(const char *input, int rate, int hop, int n_fft, tern_feature feature,
                           bool ints, tern_status expected, const char *words) {
    static const float silence[64];
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    tern_context *c = make_context();
    tern_graph *g = begin(c);
    tern_session *s;
    tern_answer answer;
    char *audio;
    o.sample_rate = rate;
    o.hop_length = hop;
    o.n_fft = o.win_length = n_fft;
    o.feature = feature;
    check_ok(c, tern_audio_options_text(&audio, c, &o));
    const bool samples = strstr(input, "samples") != NULL;
    tern_value x = samples ? tern_input(g, "x", 3, (int64_t[]){-1, 1, -1})
                           : tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    x = tern_dense(tern_global_max_pool(x), 2);
    tern_model *m = finish(g, ints ? to_int64(x) : x,
                           (const char *const[]){"tern.audio", audio, "tern.labels",
                                                 "[\"a\", \"b\"]", "tern.input", input, NULL});
    check_ok(c, tern_session_create(&s, m));
    check_refused(s, expected, words, tern_audio_classify_samples(s, silence, 64, rate, &answer));
    assert_true(greatest < (size_t)1 << 26);
    tern_free(c, audio);
    tern_session_free(s);
    tern_model_free(m);
    tern_context_free(c);
}

static void sounds(void **state) {
    (void)state;
    const char *words = "are read at once";
    classify_sound("{\"kind\": \"samples\", \"seconds\": 0.01}", 800, 64, 512, TERN_FEATURE_MEL,
                   true, TERN_ERR_SHAPE, "of whole numbers");
    classify_sound("{\"kind\": \"samples\", \"seconds\": 3600}", 768000, 64, 512, TERN_FEATURE_MEL,
                   false, TERN_ERR_LIMIT, words);
    classify_sound("{\"kind\": \"features\", \"seconds\": 3600}", 16000, 1, 512, TERN_FEATURE_MEL,
                   false, TERN_ERR_LIMIT, words);
    classify_sound("{\"kind\": \"features\", \"seconds\": 60}", 16000, 16, 65536,
                   TERN_FEATURE_SPECTROGRAM, false, TERN_ERR_LIMIT, words);
}

/* An output of whole numbers, for a text and for every token. */
static void texts_of_whole_numbers(void **state) {
    (void)state;
    static const char *const word = "bird";
    static const size_t length = 4;
    for (int tags = 0; tags < 2; tags++) {
        tern_context *c = make_context();
        tern_graph *g = begin(c);
        tern_text_options o = TERN_TEXT_OPTIONS_INIT;
        tern_vocabulary *vocabulary;
        tern_session *s;
        tern_answer answer;
        tern_text_tags found;
        char *text, *list;
        size_t bytes;
        check_ok(c, tern_text_options_text(&text, c, &o));
        check_ok(c, tern_vocabulary_from_words(&vocabulary, c, &word, &length, 1));
        check_ok(c, tern_vocabulary_text(&list, &bytes, vocabulary));
        tern_value x = tern_input_typed(g, "x", TERN_INT64, 2, (int64_t[]){-1, -1});
        x = tern_embedding(x, (int64_t)tern_vocabulary_rows(vocabulary), 2);
        x = tags ? tern_transpose(x, (int64_t[]){0, 2, 1})
                 : tern_reduce_max(x, (int64_t[]){1}, 1, false);
        tern_model *m = finish(
            g, to_int64(x),
            (const char *const[]){"tern.text", text, "tern.vocabulary", list, "tern.labels",
                                  "[\"O\", \"B-X\"]", "tern.input",
                                  tags ? "{\"kind\": \"tokens\"}" : "{\"kind\": \"text\"}", NULL});
        check_ok(c, tern_session_create(&s, m));
        if (tags)
            check_refused(s, TERN_ERR_SHAPE, "the network gave",
                          tern_text_tag_text(s, "a bird", &found));
        else
            check_refused(s, TERN_ERR_SHAPE, "of whole numbers",
                          tern_text_classify(s, "a bird", &answer));
        tern_session_free(s);
        tern_model_free(m);
        tern_vocabulary_free(vocabulary);
        tern_free(c, text);
        tern_free(c, list);
        tern_context_free(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_of_one_size),
        cmocka_unit_test(masks_of_whole_numbers),
        cmocka_unit_test(masks_of_much_memory),
        cmocka_unit_test(sizes_beyond_int),
        cmocka_unit_test(scale_beyond_float),
        cmocka_unit_test(pictures_of_whole_numbers),
        cmocka_unit_test(sounds),
        cmocka_unit_test(texts_of_whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
