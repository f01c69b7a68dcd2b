/* The options of the text front end, as a table and what no table can say of them; those of
 * training as a table. Knows no text. */
#include "options.h"
#include "tokenize.h"

#include "core/math/pairs.h"
#include "core/train/training.h"
#include <tern/text_train.h>
#include <tern/text_vectors.h>

#include <string.h>

static const char *const tokenizers[] = {"words", "kim", "spaces", "characters", NULL};

#define COUNT(member, low, high, open, text)                                                       \
    {                                                                                              \
        TERN__OPTION_AT(tern_text_options, member), .kind = TERN__OPTION_INT, .least = low,        \
                                                    .most = high, .automatic = open,               \
                                                    .argument = "N", .sentence = text              \
    }
static const tern__option rows[] = {
    TERN__ROW("tokenizer", CHOICE, tern_text_options, tokenizer, 0, TERN_TOKENIZER_CHARACTERS,
              "NAME", "words, kim, spaces or characters (words)", .choices = tokenizers),
    TERN__FLAG_OPTION(tern_text_options, lower),
    COUNT(max_length, 1, 1000000, true, "words of a text that are read (all)"),
    COUNT(min_count, 1, 1000000000, false, "rarer words are unknown (1)"),
    COUNT(max_words, 1, TERN_VOCABULARY_MAX, true, "size of the vocabulary"),
    COUNT(word_ngrams, 1, 5, false, "ngrams: runs of up to N words (2)"),
    TERN__INT_OPTION(tern_text_options, min_n, 0, 20),
    TERN__INT_OPTION(tern_text_options, max_n, 0, 20),
    TERN__FLAG_OPTION(tern_text_options, subword_case),
    COUNT(buckets, 1, 100000000, false, "rows for hashed runs of words")};
static const tern_text_options defaults = TERN_TEXT_OPTIONS_INIT;
const tern__options tern__text_options =
    TERN__OPTIONS("text options", tern_text_options, rows, &defaults, "TERN_TEXT_OPTIONS_INIT");

typedef tern_text_train_options training;
#define ROW(name, kind, ...) TERN__ROW(name, kind, training, __VA_ARGS__)
static const char *const vector_uses[] = {"tuned", "static", "both", NULL};
static const tern__option training_rows[] = {
    TERN__TEXT_ROW("text-column", training, data.reader.text_column, "NAME",
                   "of a CSV or TSV with a header (text)"),
    TERN__TEXT_ROW("label-column", training, data.reader.label_column, "NAME",
                   "of a CSV or TSV with a header (label)"),
    TERN__FLAG_ROW("no-header", training, data.reader.no_header,
                   "the table has none: columns are numbers (label 1,\ntext 2)"),
    ROW("line-limit", SIZE, data.reader.line_limit, 1, 4096, "MB", "the longest line (1)",
        .unit = 1 << 20),
    TERN__TEXT_ROW("vectors", training, vectors, "FILE", "word vectors to start from"),
    ROW("vector-words", INT64, vector_words, -1, 5e6, "N",
        "so many words of them that the texts lack\n(20000; -1: none)"),
    ROW("vector-use", CHOICE, channels, 0, TERN_TEXT_BOTH, "NAME", "tuned, static or both (tuned)",
        .choices = vector_uses),
    TERN__TEXT_ROW("network", training, network, "NAME", "the kind of network", .letter = 'n'),
    ROW("dimension", INT64, dimension, 1, 4096, "N", "numbers per word (the network's own)"),
    ROW("filters", INT64, filters, 1, 65536, "N", "textcnn: of each width (100)"),
    ROW("width", REAL, width, 0.05, 16, "X", "other networks: layers times this (1)"),
    ROW("dropout", REAL, dropout, 0, 0.99, "P", "before the last layer"),
    ROW("word-dropout", REAL, data.word_dropout, 0, 1, "P", "share of words made unknown"),
    TERN__TRAINING_STEPS(training, "passes over the data (by their number)", "texts a step"),
    TERN__TRAINING_RATES(training, "of the weights"),
    ROW("max-norm", REAL, train.optimizer.max_norm, 1e-6, 1e6, "X",
        "of each row of the last layer"),
    TERN__TRAINING_SMOOTHING(training),
    TERN__TRAINING_END(training),
    TERN__TRAINING_FREEZE(training)};
static const tern_text_train_options training_defaults = TERN_TEXT_TRAIN_OPTIONS_INIT;
const tern__options tern__text_training =
    TERN__OPTIONS("training options of texts", tern_text_train_options, training_rows,
                  &training_defaults, "TERN_TEXT_TRAIN_OPTIONS_INIT");

typedef tern_vectors_train_options vectors;
#define VECTORS(name, kind, ...) TERN__ROW(name, kind, vectors, __VA_ARGS__)
static const tern__option vectors_rows[] = {
    TERN__TEXT_ROW("text-column", vectors, reader.text_column, "NAME", "column of a CSV (text)"),
    VECTORS("dimension", INT, dimension, 1, TERN_VECTORS_DIMENSION_MAX, "N",
            "numbers of a vector (100)", .flag = "dim"),
    VECTORS("epochs", INT, epochs, 1, 100000, "N", "passes over the texts (5)", .letter = 'e'),
    VECTORS("window", INT, window, 1, 100, "N", "words to each side that count, at most (5)",
            .letter = 'w'),
    VECTORS("min_count", INT, min_count, 1, 1000000000, "N", "rarer words get no vector (5)"),
    VECTORS("max_words", INT, max_words, 1, TERN_VOCABULARY_MAX, "N",
            "at most so many, the most frequent (5000000)"),
    VECTORS("negatives", INT, negatives, 1, TERN__PAIRS_TARGETS - 1, "N",
            "words drawn against each pair (5)", .flag = "negative"),
    VECTORS("sample", REAL, sample, -1, 1, "X",
            "words of a greater share of the text are skipped\nnow and then (1e-4); -1: none are"),
    VECTORS("learning_rate", REAL, learning_rate, 1e-9, 10, "X",
            "the first learning rate (0.025; with --subwords 0.05)", .flag = "lr"),
    TERN__FLAG_ROW("subwords", vectors, subwords,
                   "vectors are made of a word's n-grams too, so that\nunknown words get one"),
    VECTORS("min_n", INT, min_n, 1, 20, "N", "characters of an n-gram, at least (3)"),
    VECTORS("max_n", INT, max_n, 1, 20, "N", "and at most (6)"),
    VECTORS("buckets", INT, buckets, 1, 100000000, "N", "rows for n-grams (200000)"),
    VECTORS("seed", SEED, seed, 0, 9e18, "N", "of all random numbers (0)", .letter = 's'),
    VECTORS("memory", REAL, memory, 1e-9, 1e6, "GB", "what texts and vectors may take (4)",
            .unit = 1e9)};
static const vectors vectors_defaults = TERN_VECTORS_TRAIN_OPTIONS_INIT;
const tern__options tern__vectors_training = TERN__OPTIONS(
    "word vectors", vectors, vectors_rows, &vectors_defaults, "TERN_VECTORS_TRAIN_OPTIONS_INIT");

const char *tern_tokenizer_name(tern_tokenizer tokenizer) {
    const unsigned i = (unsigned)tokenizer;
    return i <= TERN_TOKENIZER_CHARACTERS ? tokenizers[i] : "?";
}

tern_status tern_tokenizer_parse(tern_tokenizer *tokenizer, tern_context *c, const char *name) {
    for (int i = 0; tokenizers[i]; i++)
        if (!strcmp(tokenizers[i], name)) {
            *tokenizer = (tern_tokenizer)i;
            return TERN_OK;
        }
    return tern__fail(c, TERN_ERR_ARGUMENT,
                      "no tokenizer is called '%.64s'; there are %s, %s, %s and %s", name,
                      tokenizers[0], tokenizers[1], tokenizers[2], tokenizers[3]);
}

tern_status tern__text_options_resolve(tern_text_options *resolved, tern_context *c,
                                       const tern_text_options *options) {
    tern_text_options o;
    tern_status st = tern__options_resolve(&tern__text_options, &o, c, options);
    if (st != TERN_OK) return st;
    if (o.max_n > 0 && (o.min_n < 1 || o.min_n > o.max_n))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "text options: min_n is %d and must be 1..max_n, %d", o.min_n, o.max_n);
    if (o.max_words == 0) o.max_words = TERN_VOCABULARY_MAX;
    *resolved = o;
    return TERN_OK;
}

tern_status tern_text_options_text(char **text, tern_context *c, const tern_text_options *options) {
    *text = NULL;
    tern_text_options o;
    const tern_status st = tern__text_options_resolve(&o, c, options);
    return st == TERN_OK ? tern__options_to_json(&tern__text_options, text, c, &o) : st;
}

tern_status tern_text_options_parse(tern_text_options *options, tern_context *c, const char *text,
                                    size_t length) {
    tern_text_options o = TERN_TEXT_OPTIONS_INIT, resolved;
    tern_status st = tern__options_from_json(&tern__text_options, &o, c, text, length);
    if (st != TERN_OK) return st;
    st = tern__text_options_resolve(&resolved, c, &o);
    if (st == TERN_OK) *options = o;
    return st == TERN_ERR_ARGUMENT ? (c->status = TERN_ERR_FORMAT) : st;
}
