/* Makes the seeds of fuzz_model: make_models FOLDER writes small models of every domain, untrained,
 * with the metadata that training writes. */
#include <tern/tern.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;
static tern_context *context;

static void require(tern_status status) {
    if (status == TERN_OK) return;
    fprintf(stderr, "%s\n", tern_context_message(context));
    exit(1);
}

static tern_graph *begin(void) {
    tern_graph *g;
    require(tern_graph_create(&g, context));
    return g;
}

typedef struct metadata {
    const char *key, *value;
} metadata;

static void finish(const char *name, tern_graph *g, tern_value output, const metadata *list) {
    tern_model *m;
    char path[1024];
    tern_output(g, "y", output);
    require(tern_model_create(&m, g));
    for (; list && list->key; list++) require(tern_model_set_metadata(m, list->key, list->value));
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    require(tern_model_save(m, path));
    tern_model_free(m);
    tern_graph_free(g);
}

static tern_value conv(tern_value x, int64_t channels, int64_t size, int64_t stride) {
    const int64_t p = size / 2;
    return tern_conv(x, channels,
                     (tern_conv_options){.kernel_shape = {size, size},
                                         .strides = {stride, stride},
                                         .pads = {p, p, p, p}});
}

/* ---- the network alone ---- */

static void networks(void) {
    static const int64_t sizes[] = {1, 2, 7, 5}, four = 4, two[] = {2, 2}, kernel[] = {4, 2, 3, 3};
    tern_graph *g = begin();
    tern_value x = tern_input(g, "x", 4, (int64_t[]){1, 2, -1, -1}), y;
    x = tern_max_pool(tern_lrn(conv(x, 4, 3, 1), 3, 1e-4f, 0.75f, 2), 2, 1);
    tern_value in[4] = {x, tern_parameter(g, "w", 4, kernel, (tern_initializer){0})};
    tern_apply(g, "ConvTranspose", "up", in, 2,
               (tern_attribute[]){TERN_INTS("strides", two, 2), TERN_INTS("output_padding", two, 2),
                                  TERN_INTS("dilations", two, 2)},
               1, &x, 1);
    in[0] = tern_pad(x, (int64_t[]){0, 0, 1, 2, 0, 0, 0, 3}, "reflect");
    in[1] = in[2] = (tern_value){0};
    in[3] = tern_constant(g, "sizes", TERN_INT64, 1, &four, sizes);
    tern_apply(g, "Resize", "sized", in, 4, NULL, 0, &y, 1);
    y = tern_slice(tern_average_pool(y, 2, 2), 3, 0, 2);
    finish("network", g, tern_dense(tern_flatten(tern_softmax(y, 1)), 3), NULL);

    g = begin();
    x = tern_input(g, "x", 3, (int64_t[]){-1, -1, 3});
    x = tern_gru(tern_lstm(x, 2, (tern_recurrent_options){.direction = "bidirectional"}), 2,
                 (tern_recurrent_options){0});
    finish("recurrent", g, tern_reduce_mean(x, (int64_t[]){1}, 1, false), NULL);
}

/* ---- sounds ---- */

static void sounds(void) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    char *audio;
    o.sample_rate = 800;
    o.n_fft = o.win_length = 64;
    o.hop_length = 32;
    o.n_mels = 8;
    require(tern_audio_options_text(&audio, context, &o));
    const metadata features[] = {{"tern.audio", audio},
                                 {"tern.labels", "[\"a\", \"b\"]"},
                                 {"tern.input", "{\"kind\": \"features\", \"seconds\": 0.3}"},
                                 {NULL, NULL}};
    tern_graph *g = begin();
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, 8, -1});
    x = tern_global_average_pool(tern_relu(tern_batch_normalization(conv(x, 3, 3, 2))));
    finish("sound", g, tern_dense(x, 2), features);

    const metadata waveform[] = {{"tern.audio", audio},
                                 {"tern.labels", "[\"a\", \"b\"]"},
                                 {"tern.input", "{\"kind\": \"samples\", \"seconds\": 0.3}"},
                                 {NULL, NULL}};
    g = begin();
    x = tern_input(g, "x", 3, (int64_t[]){-1, 1, -1});
    x = tern_conv(x, 2, (tern_conv_options){.kernel_shape = {8}, .strides = {4}});
    finish("waveform", g, tern_dense(tern_global_max_pool(x), 2), waveform);
    tern_free(context, audio);
}

/* ---- texts ---- */

static void texts(void) {
    static const char *const words[] = {"Anna", "flew", "Oslo"};
    static const size_t lengths[] = {4, 4, 4};
    tern_text_options o = TERN_TEXT_OPTIONS_INIT;
    tern_vocabulary *vocabulary;
    char *text, *list;
    size_t length;
    o.min_n = o.max_n = 3;
    o.buckets = 8;
    require(tern_text_options_text(&text, context, &o));
    require(tern_vocabulary_from_words(&vocabulary, context, words, lengths, 3));
    require(tern_vocabulary_text(&list, &length, vocabulary));
    const metadata whole[] = {{"tern.text", text},
                              {"tern.vocabulary", list},
                              {"tern.labels", "[\"a\", \"b\", \"c\"]"},
                              {"tern.input", "{\"kind\": \"text\", \"subwords\": 0}"},
                              {NULL, NULL}};
    tern_graph *g = begin();
    tern_text_network_options n = TERN_TEXT_NETWORK_OPTIONS_INIT;
    n.rows = (int64_t)tern_text_rows(vocabulary, &o);
    n.classes = 3;
    n.dimension = 4;
    n.filters = 2;
    finish("text", g, tern_text_network_build(g, "textcnn", &n), whole);

    const metadata tokens[] = {{"tern.text", text},
                               {"tern.vocabulary", list},
                               {"tern.labels", "[\"O\", \"B-PER\", \"I-PER\"]"},
                               {"tern.input", "{\"kind\": \"tokens\", \"subwords\": 4}"},
                               {NULL, NULL}};
    g = begin();
    tern_value ids = tern_input_typed(g, "ids", TERN_INT64, 2, (int64_t[]){-1, -1});
    tern_value parts = tern_input_typed(g, "subwords", TERN_INT64, 3, (int64_t[]){-1, -1, 4});
    parts = tern_reduce_mean(
        tern_gather(tern_parameter(g, "parts", 2, (int64_t[]){9, 2}, (tern_initializer){0}), parts,
                    0),
        (int64_t[]){2}, 1, false);
    tern_value x = tern_concat(
        (tern_value[]){tern_embedding(ids, (int64_t)tern_vocabulary_rows(vocabulary), 3), parts}, 2,
        2);
    x = tern_transpose(x, (int64_t[]){0, 2, 1});
    x = tern_conv(x, 3, (tern_conv_options){.kernel_shape = {3}, .pads = {1, 1}});
    finish("tagger", g, x, tokens);
    tern_free(context, text);
    tern_free(context, list);
    tern_vocabulary_free(vocabulary);
}

/* ---- pictures ---- */

static void pictures(void) {
    static const int64_t sizes[] = {1, 1, 1024, 1024}, four = 4;
    const metadata labels[] = {
        {"tern.vision", "{\"task\": \"class\", \"size\": [12, 10], \"mean\": [0.5], \"std\": [1]}"},
        {"tern.labels", "[\"a\", \"b\"]"},
        {NULL, NULL}};
    const metadata mask[] = {
        {"tern.vision", "{\"task\": \"mask\", \"classes\": 3, \"bits\": 8, \"mean\": [0, 0, 0], "
                        "\"std\": [1, 1, 1]}"},
        {NULL, NULL}};
    const metadata sized[] = {
        {"tern.vision", "{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0], \"std\": "
                        "[1], \"size\": [16, 16], \"threshold\": 0.4}"},
        {NULL, NULL}};
    const metadata any[] = {
        {"tern.vision", "{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0], \"std\": "
                        "[1]}"},
        {NULL, NULL}};
    tern_graph *g = begin();
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 1, 10, 12});
    x = tern_global_max_pool(tern_relu(conv(x, 3, 3, 1)));
    finish("labels", g, tern_dense(x, 2), labels);

    g = begin();
    x = tern_input(g, "x", 4, (int64_t[]){-1, 3, -1, -1});
    x = tern_relu(conv(x, 2, 3, 2));
    tern_value in[4] = {x,
                        tern_parameter(g, "w", 4, (int64_t[]){2, 3, 2, 2}, (tern_initializer){0})};
    tern_apply(g, "ConvTranspose", "up", in, 2,
               (tern_attribute[]){TERN_INTS("strides", ((int64_t[]){2, 2}), 2)}, 1, &x, 1);
    finish("mask", g, x, mask);

    g = begin();
    x = tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1});
    x = tern_mul(x, tern_sigmoid(tern_global_average_pool(x)));
    finish("mask_sized", g, conv(x, 1, 3, 1), sized);

    g = begin(); /* right for pictures of 1024 x 1024 only */
    x = conv(tern_input(g, "x", 4, (int64_t[]){-1, 1, -1, -1}), 1, 1, 1);
    in[0] = x;
    in[1] = in[2] = (tern_value){0};
    in[3] = tern_constant(g, "sizes", TERN_INT64, 1, &four, sizes);
    tern_apply(g, "Resize", "sized", in, 4, NULL, 0, &x, 1);
    finish("mask_constant", g, x, any);
}

int main(int count, char **arguments) {
    if (count != 2) {
        fprintf(stderr, "usage: make_models FOLDER\n");
        return 2;
    }
    folder = arguments[1];
    if (tern_context_create(&context, NULL) != TERN_OK) return 1;
    networks();
    sounds();
    texts();
    pictures();
    tern_context_free(context);
    return 0;
}
