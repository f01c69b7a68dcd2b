/* The networks for text, each with its recipe. Builds graphs; knows nothing of data. Padding never
 * changes an answer: row 0 of every table is zeros and stays so, layers that would make something
 * of zeros are multiplied by the mask, and maxima are over numbers that are at least 0, which is
 * what padding gives. */
#include "networks.h"

#include "core/graph/choices.h"
#include "core/graph/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef tern_text_network_options options;

static int64_t scaled(const options *o, int64_t channels) {
    return (int64_t)fmax(1, round((double)channels * o->width));
}

/* ---- parts ---- */

static tern_value table(tern_graph *g, const char *name, int64_t rows, int64_t dimension,
                        double spread, const float *start, bool trained) {
    const int64_t dims[] = {rows, dimension};
    tern_initializer uniform = {.kind = TERN_INIT_UNIFORM, .a = -spread, .b = spread};
    tern_value t = start ? tern_parameter_data(g, name, 2, dims, start)
                         : tern_parameter(g, name, 2, dims, uniform);
    tern_set_padding_row(t);
    if (!trained) tern_set_trainable(t, false);
    return t;
}

#define SPREAD 0.25 /* numbers of new words are uniform within it of 0: Kim 2014 */

/* Words as vectors, [N, L, D], or [N, L, 2 D] with both kinds. */
static tern_value words(tern_value ids, const options *o, double spread) {
    tern_graph *g = ids.graph;
    tern_value kinds[2];
    int n = 0;
    if (o->channels != TERN_TEXT_STATIC) {
        tern_value tuned = table(g, "words", o->rows, o->dimension, spread, o->vectors, true);
        kinds[n++] = tern_gather(tuned, ids, 0);
    }
    if (o->channels != TERN_TEXT_TUNED) {
        const char *name = n ? "words.static" : "words";
        tern_value fixed = table(g, name, o->rows, o->dimension, spread, o->vectors, false);
        kinds[n++] = tern_gather(fixed, ids, 0);
    }
    return n == 2 ? tern_concat(kinds, 2, 2) : kinds[0];
}

/* [N, L, C] <-> [N, C, L]; moves nothing where the plan holds channels last. */
static tern_value turned(tern_value x) { return tern_transpose(x, (int64_t[]){0, 2, 1}); }

static tern_value single(tern_graph *g, const char *name, float number) {
    char unique[64];
    tern__graph_unique(g, name, unique, sizeof unique);
    return tern_constant(g, unique, TERN_FLOAT, 1, (int64_t[]){1}, &number);
}

/* 1 for a word, 0 for padding, [N, L]: ids are 0 or at least 1, so x - relu(x - 1) = min(x, 1). */
static tern_value mask(tern_value ids) {
    tern_value x;
    tern_apply(ids.graph, "Cast", NULL, &ids, 1, &TERN_INT("to", TERN_FLOAT), 1, &x, 1);
    return tern_sub(x, tern_relu(tern_sub(x, single(ids.graph, "one", 1))));
}

static tern_value row(tern_graph *g, const char *name, int64_t count, float start) {
    tern_initializer all = {.kind = TERN_INIT_CONSTANT, .a = start};
    return tern_parameter(g, name, 1, &count, all);
}

/* Conv over all that a filter of this width may see of the text, [N, C, L] -> [N, channels, L]. */
static tern_value conv(tern_value x, int64_t channels, int64_t width, int64_t dilation) {
    const int64_t reach = (width - 1) * dilation;
    return tern_conv(x, channels,
                     (tern_conv_options){.kernel_shape = {width},
                                         .dilations = {dilation},
                                         .pads = {reach / 2, reach - reach / 2}});
}

/* Residual blocks whose filters see more and more of the text: x + relu(conv(norm(x))), where the
 * norm is over the channels of each place. x, result [N, C, L], 0 at padding; m [N, 1, L]. */
static tern_value residual_blocks(tern_value x, tern_value m, int64_t channels, int count) {
    for (int i = 0; i < count; i++) {
        tern_value y = turned(tern_layer_normalization(turned(x), -1));
        y = tern_relu(conv(tern_mul(y, m), channels, 3, (int64_t)1 << i));
        x = tern_add(x, tern_mul(y, m));
    }
    return x;
}

static tern_value head(tern_value x, const options *o) {
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout);
    return tern_dense(x, o->classes);
}

/* ---- networks ---- */

/* Kim 2014, "Convolutional neural networks for sentence classification". Windows
 * begin before the first word, as with the paper's padding, so that filters see where a sentence
 * begins, and filters start small, as the paper's do: together worth 5 points on TREC. The filters'
 * biases are added after the maximum, so that windows of padding give the 0 that does not count:
 * relu(max(0, windows) + b), where the paper has max(relu(windows + b)). */
static tern_value build_textcnn(tern_value ids, const options *o) {
    const tern_initializer small = {.kind = TERN_INIT_UNIFORM, .a = -0.01, .b = 0.01};
    tern_value x = turned(words(ids, o, SPREAD)), parts[TERN_TEXT_MAX_WIDTHS];
    size_t n = 0;
    for (; n < TERN_TEXT_MAX_WIDTHS && o->widths[n]; n++) {
        char name[32], bias[32];
        const int64_t k = o->widths[n];
        snprintf(name, sizeof name, "filters%lld", (long long)k);
        snprintf(bias, sizeof bias, "filters%lld.threshold", (long long)k);
        tern_value y = tern_conv(x, o->filters,
                                 (tern_conv_options){.kernel_shape = {k},
                                                     .pads = {k - 1, k - 1},
                                                     .no_bias = true,
                                                     .name = name,
                                                     .initializer = small});
        y = tern_reduce_max(tern_relu(y), (int64_t[]){2}, 1, false);
        parts[n] = tern_relu(tern_add(y, row(ids.graph, bias, o->filters, 0)));
    }
    return head(n > 1 ? tern_concat(parts, n, 1) : parts[0], o);
}

/* Joulin et al. 2017, "Bag of tricks for efficient text classification": the mean of the vectors of
 * words and hashed word n-grams, and a linear layer. */
static tern_value build_ngrams(tern_value ids, const options *o) {
    /* from zeros, so that n-grams that no text had say nothing */
    tern_value sum = tern_reduce_sum(words(ids, o, 0), (int64_t[]){1}, 1, false);
    tern_value count = tern_reduce_sum(mask(ids), (int64_t[]){1}, 1, true);
    /* at least 1, for a text without words: c + relu(1 - c) */
    count = tern_add(count, tern_relu(tern_sub(single(ids.graph, "one", 1), count)));
    return head(tern_div(sum, count), o);
}

/* The place that speaks for the text is learnt: a weighted mean with softmax of a score per place,
 * and the maximum. x [N, C, L], at least 0 and 0 at padding; m [N, 1, L]. */
static tern_value attention_and_peak(tern_value x, tern_value m) {
    tern_graph *g = x.graph;
    tern_value score = conv(x, 1, 1, 1);
    tern_value away = tern_mul(tern_sub(m, single(g, "one", 1)), single(g, "away", 1e4f));
    tern_value weight = tern_softmax(tern_add(score, away), 2);
    tern_value parts[2] = {tern_reduce_sum(tern_mul(x, weight), (int64_t[]){2}, 1, false),
                           tern_reduce_max(x, (int64_t[]){2}, 1, false)};
    return tern_concat(parts, 2, 1);
}

static tern_value places(tern_value ids) { return tern_unsqueeze(mask(ids), (int64_t[]){1}, 1); }

/* Long documents: dilated convolutions with residuals (Bai et al. 2018 without the causality). */
static tern_value build_deep(tern_value ids, const options *o) {
    const int64_t channels = scaled(o, 128);
    tern_value m = places(ids), x = words(ids, o, SPREAD);
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout / 2);
    x = tern_mul(conv(turned(x), channels, 3, 1), m);
    x = residual_blocks(x, m, channels, 4);
    x = tern_relu(turned(tern_layer_normalization(turned(x), -1)));
    return head(attention_and_peak(tern_mul(x, m), m), o);
}

/* How many words each text has, int64 [N]. */
static tern_value lengths(tern_value ids) {
    tern_value sum = tern_reduce_sum(mask(ids), (int64_t[]){1}, 1, false), n;
    tern_apply(ids.graph, "Cast", NULL, &sum, 1, &TERN_INT("to", TERN_INT64), 1, &n, 1);
    return n;
}

/* Both directions over the words that are there, [N, L, C] -> [N, L, 2 hidden], 0 at padding. */
static tern_value recurrent(tern_value x, tern_value ids, int64_t hidden, bool gru) {
    tern_recurrent_options r = {.direction = "bidirectional", .lengths = lengths(ids)};
    return gru ? tern_gru(x, hidden, r) : tern_lstm(x, hidden, r);
}

/* Convolution finds phrases, recurrence reads them in order (Zhou et al. 2015, C-LSTM), the
 * greatest state of each unit speaks for the text. */
static tern_value build_recurrent(tern_value ids, const options *o, bool gru) {
    tern_value x = words(ids, o, SPREAD);
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout / 2);
    x = tern_relu(conv(turned(x), scaled(o, 128), 3, 1));
    x = recurrent(turned(tern_mul(x, places(ids))), ids, scaled(o, 64), gru);
    return head(tern_reduce_max(tern_relu(x), (int64_t[]){1}, 1, false), o);
}
static tern_value build_lstm(tern_value ids, const options *o) {
    return build_recurrent(ids, o, false);
}
static tern_value build_gru(tern_value ids, const options *o) {
    return build_recurrent(ids, o, true);
}

/* Sub-words of each token, [N, L, S] -> [N, L, dimension]: their sum, scaled so that some ten of
 * them come to about what one word's vector does. */
static tern_value subwords(tern_graph *g, const options *o, int64_t dimension) {
    tern_value ids =
        tern_input_typed(g, "subwords", TERN_INT64, 3, (int64_t[]){-1, -1, o->subwords});
    tern_value t = table(g, "subwords.table", o->subword_rows, dimension, SPREAD, NULL, true);
    tern_value sum = tern_reduce_sum(tern_gather(t, ids, 0), (int64_t[]){2}, 1, false);
    return tern_mul(sum, single(g, "scale", 0.3f));
}

/* A label for every token: words and their sub-words, what stands around them by convolution, then
 * in order by LSTM (Lample et al. 2016, with sub-words for characters and no CRF). */
static tern_value build_tagger(tern_value ids, const options *o) {
    const int64_t channels = scaled(o, 128);
    tern_value parts[2] = {words(ids, o, SPREAD)}, m = places(ids);
    if (o->subword_rows) parts[1] = subwords(ids.graph, o, scaled(o, 64));
    tern_value x = o->subword_rows ? tern_concat(parts, 2, 2) : parts[0];
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout);
    x = tern_mul(tern_relu(conv(turned(x), channels, 3, 1)), m);
    x = residual_blocks(x, m, channels, 2);
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout);
    x = recurrent(turned(x), ids, scaled(o, 64), false);
    if (o->dropout > 0) x = tern_dropout(x, (float)o->dropout);
    return conv(turned(x), o->classes, 1, 1);
}

#define LONG_TEXTS(seen)                                                                           \
    {                                                                                              \
        .train = {.samples_seen = (seen),                                                          \
                  .fewest_epochs = 4,                                                              \
                  .most_epochs = 20,                                                               \
                  .batch = 32,                                                                     \
                  .optimizer = TERN_OPTIMIZER_ADAM,                                                \
                  .learning_rate = 1e-3,                                                           \
                  .schedule = TERN_SCHEDULE_ONE_CYCLE},                                            \
        .with_vectors = 0.7, .word_dropout = 0.05                                                  \
    }

static const tern__text_network networks[] = {
    {"textcnn",
     "filters over 3, 4 and 5 words, max over time: Kim 2014 (the default)",
     false,
     128,
     0.5,
     build_textcnn,
     {.train = {.samples_seen = 55000,
                .fewest_epochs = 4,
                .most_epochs = 15,
                .batch = 50,
                .optimizer = TERN_OPTIMIZER_ADAM,
                .learning_rate = 2e-3,
                .schedule = TERN_SCHEDULE_COSINE,
                .max_norm = 3},
      .with_vectors = 0.35,
      .word_dropout = 0.15}},
    {"ngrams",
     "mean of vectors of words and word n-grams: as fastText's classifier",
     false,
     32,
     -1,
     build_ngrams,
     {.train = {.samples_seen = 150000,
                .fewest_epochs = 5,
                .most_epochs = 30,
                .batch = 32,
                .optimizer = TERN_OPTIMIZER_ADAM,
                .learning_rate = 2e-3,
                .schedule = TERN_SCHEDULE_COSINE},
      .with_vectors = 0.35,
      .word_ngrams = 2,
      .buckets = 500000}},
    {"deep", "dilated convolutions with residuals, attention: long documents", false, 128, 0.3,
     build_deep, LONG_TEXTS(100000)},
    {"lstm", "convolution, then LSTM in both directions: where order counts", false, 128, 0.3,
     build_lstm, LONG_TEXTS(80000)},
    {"gru", "the same with gated recurrent units", false, 128, 0.3, build_gru, LONG_TEXTS(80000)},
    {"tagger",
     "a label for every token: sub-words, convolutions, LSTM (for .conll data)",
     true,
     128,
     0.4,
     build_tagger,
     {.train = {.samples_seen = 50000,
                .fewest_epochs = 5,
                .most_epochs = 25,
                .batch = 16,
                .optimizer = TERN_OPTIMIZER_ADAM,
                .learning_rate = 2e-3,
                .schedule = TERN_SCHEDULE_ONE_CYCLE},
      .with_vectors = 0.35,
      .word_dropout = 0.1,
      .subwords = 24,
      .buckets = 50000}},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

static const tern__text_network *find(const char *name) {
    return tern__choice_find(TERN__CHOICES(networks), name);
}

const tern__text_network *tern__text_network_row(const char *name) {
    const tern__text_network *n = find(name);
    return n ? n : &networks[0];
}
const char *tern_text_network_name(size_t index) {
    return index < NETWORKS ? networks[index].name : NULL;
}
const char *tern_text_network_summary(size_t index) {
    return index < NETWORKS ? networks[index].summary : NULL;
}
bool tern_text_network_tags(const char *name) {
    const tern__text_network *n = find(name);
    return n && n->tags;
}

static tern_value nothing(tern_graph *g) { return (tern_value){g, -1}; }

static bool check(tern_graph *g, const tern__text_network *n, const options *o) {
    const struct {
        const char *name;
        double value, low, high;
    } numbers[] = {
        {"classes", (double)o->classes, 1, 65536},
        {"rows", (double)o->rows, 2, 2e8},
        {"dimension", (double)o->dimension, 1, 4096},
        {"filters", (double)o->filters, 1, 65536},
        {"width", o->width, 0.05, 16},
        {"dropout", o->dropout < 0 ? 0 : o->dropout, 0, 0.999},
        {"subword_rows", (double)o->subword_rows, 0, 2e8},
        {"subwords", (double)o->subwords, 0, 256},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!(numbers[i].value >= numbers[i].low && numbers[i].value <= numbers[i].high)) {
            tern__graph_fail(g, TERN_ERR_ARGUMENT, "network %s: %s is %g; it must be in %g..%g",
                             n->name, numbers[i].name, numbers[i].value, numbers[i].low,
                             numbers[i].high);
            return false;
        }
    for (int i = 0; i < TERN_TEXT_MAX_WIDTHS; i++)
        if (o->widths[i] < 0 || o->widths[i] > 64) {
            tern__graph_fail(g, TERN_ERR_ARGUMENT,
                             "network %s: filters of width %lld; it must be in 1..64", n->name,
                             (long long)o->widths[i]);
            return false;
        }
    return true;
}

static void fill_defaults(options *o, const tern__text_network *n) {
    static const int64_t kim[] = {3, 4, 5};
    if (!o->dimension) o->dimension = n->dimension;
    if (!o->filters) o->filters = 100;
    if (!o->widths[0]) memcpy(o->widths, kim, sizeof kim);
    if (o->width == 0) o->width = 1;
    if (o->dropout == 0) o->dropout = n->dropout;
}

tern_value tern_text_network_build(tern_graph *g, const char *name, const options *wanted) {
    const options defaults = TERN_TEXT_NETWORK_OPTIONS_INIT;
    const tern__text_network *n = find(name);
    if (!n) return tern__choice_refuse(g, "network", name, TERN__CHOICES(networks));
    if (!wanted) wanted = &defaults;
    if (wanted->size != sizeof *wanted) {
        tern__graph_fail(g, TERN_ERR_ARGUMENT,
                         "network %s: options of size %zu, expected %zu: start from "
                         "TERN_TEXT_NETWORK_OPTIONS_INIT",
                         n->name, wanted->size, sizeof *wanted);
        return nothing(g);
    }
    options o = *wanted;
    fill_defaults(&o, n);
    if (!check(g, n, &o)) return nothing(g);
    tern_value ids = tern_input_typed(g, "ids", TERN_INT64, 2, (int64_t[]){-1, -1});
    tern_value logits = n->build(ids, &o);
    tern_output(g, "logits", logits);
    return logits;
}
