/* tern text vectors: learns word vectors from texts. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

typedef struct request {
    cli_texts data;
    const char *output, *tokenizer, *text_column;
    double sample, learning_rate, memory;
    int64_t dimension, epochs, window, min_count, max_words, negatives, min_n, max_n, buckets, seed,
        threads;
    bool subwords, keep_case, quiet;
} request;

static const cli_command command = {
    "tern text vectors", "--data FILE [--data FILE ...] -o VECTORS.vec [OPTIONS]",
    "Learns a vector for every word from the company it keeps (skip-gram with negative sampling), and\n"
    "writes them for 'tern text train --vectors' and 'tern text similar'.",
    "FILE has a text a line; a .tsv LABEL TAB TEXT, of which the text is taken; a .csv a header. Gzip is\n"
    "unpacked, - is standard input. VECTORS ending in .bin is written in binary: as word2vec does, with\n"
    "--subwords as fastText does; otherwise it is text that every tool reads. The vectors are the same for\n"
    "any number of threads. Ctrl-C ends learning early and writes the vectors as they are then.\n"
    "\n"
    "examples:\n"
    "  tern text vectors --data reviews.tsv --dim 300 -o reviews.vec\n"
    "  tern text similar reviews.vec good terrible"};

static bool on_progress(void *user, const tern_vectors_progress *p) {
    const request *r = user;
    const bool done = p->share * p->epochs > p->epoch - 1e-6;
    char text[300], eta[32];
    if (r->quiet || !cli_progress_due(done)) return !cli_stopped();
    snprintf(text, sizeof text, "epoch %d/%d  loss %.3f  %.0f words/s  ETA %s", p->epoch, p->epochs,
             p->loss, p->words_per_second, cli_duration(p->eta, eta, sizeof eta));
    cli_progress_show(p->share, text);
    return !cli_stopped();
}

static void fill(tern_vectors_train_options *o, request *r) {
    o->dimension = (int)r->dimension;
    o->epochs = (int)r->epochs;
    o->window = (int)r->window;
    o->min_count = (int)r->min_count;
    o->max_words = (int)r->max_words;
    o->negatives = (int)r->negatives;
    o->sample = r->sample;
    o->learning_rate = r->learning_rate;
    o->subwords = r->subwords;
    o->min_n = (int)r->min_n;
    o->max_n = (int)r->max_n;
    o->buckets = (int)r->buckets;
    o->seed = (uint64_t)r->seed;
    o->memory = r->memory * 1e9;
    o->text.lower = !r->keep_case;
    o->reader.text_column = r->text_column;
    o->on_progress = on_progress;
    o->user = r;
}

static int learn(request *r, tern_context *c) {
    tern_vectors_train_options o = TERN_VECTORS_TRAIN_OPTIONS_INIT;
    tern_vectors *v = NULL;
    bool stopped = false;
    const size_t length = strlen(r->output);
    fill(&o, r);
    o.stopped = &stopped;
    tern_status st = TERN_OK;
    if (r->tokenizer) st = tern_tokenizer_parse(&o.text.tokenizer, c, r->tokenizer);
    cli_catch_interrupts();
    if (st == TERN_OK) st = tern_vectors_train(&v, c, r->data.at, r->data.count, &o);
    cli_progress_clear();
    if (st == TERN_OK) st = tern_vectors_save(v, r->output, TERN_VECTORS_AUTO);
    int code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    if (st == TERN_OK) {
        printf("%s: %zu words, %d numbers each\n", r->output, tern_vectors_count(v),
               (int)tern_vectors_dimension(v));
        if (r->subwords && !r->quiet && (length < 4 || strcmp(r->output + length - 4, ".bin")))
            cli_complain(
                "only a name that ends in .bin keeps the n-grams, which unknown words need");
        if (stopped) {
            cli_complain("stopped early; the vectors are as good as they were by then");
            code = EXIT_INTERRUPTED;
        }
    }
    tern_vectors_free(v);
    return code;
}

int cli_text_vectors(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"data", 'd', CLI_TEXTS, &r.data, "FILE", "the texts; may be given several times", 0, 0},
        {"output", 'o', CLI_TEXT, &r.output, "FILE", "the vectors", 0, 0},
        {"text-column", 0, CLI_TEXT, &r.text_column, "NAME", "column of a CSV (text)", 0, 0},
        {"tokenizer", 0, CLI_TEXT, &r.tokenizer, "NAME", "words, kim, spaces, characters (words)", 0, 0},
        {"keep-case", 0, CLI_FLAG, &r.keep_case, NULL, "Word and word are two words", 0, 0},
        {"dim", 0, CLI_INT, &r.dimension, "N", "numbers of a vector (100)", 1, TERN_VECTORS_DIMENSION_MAX},
        {"epochs", 'e', CLI_INT, &r.epochs, "N", "passes over the texts (5)", 1, 100000},
        {"window", 'w', CLI_INT, &r.window, "N", "words to each side that count, at most (5)", 1, 100},
        {"min-count", 0, CLI_INT, &r.min_count, "N", "rarer words get no vector (5)", 1, 1e9},
        {"max-words", 0, CLI_INT, &r.max_words, "N", "at most so many, the most frequent (5000000)", 1, TERN_VOCABULARY_MAX},
        {"negative", 0, CLI_INT, &r.negatives, "N", "words drawn against each pair (5)", 1, 31},
        {"sample", 0, CLI_REAL, &r.sample, "X", "words of a greater share of the text are skipped\nnow and then (1e-4); -1: none are", -1, 1},
        {"lr", 0, CLI_REAL, &r.learning_rate, "X", "the first learning rate (0.025; with --subwords 0.05)", 1e-9, 10},
        {"subwords", 0, CLI_FLAG, &r.subwords, NULL, "vectors are made of a word's n-grams too, so that\nunknown words get one", 0, 0},
        {"min-n", 0, CLI_INT, &r.min_n, "N", "characters of an n-gram, at least (3)", 1, 20},
        {"max-n", 0, CLI_INT, &r.max_n, "N", "and at most (6)", 1, 20},
        {"buckets", 0, CLI_INT, &r.buckets, "N", "rows for n-grams (200000)", 1, 1e8},
        {"seed", 's', CLI_INT, &r.seed, "N", "of all random numbers (0)", 0, 9e18},
        {"memory", 0, CLI_REAL, &r.memory, "GB", "what texts and vectors may take (4)", 0.001, 1e6},
        {"threads", 't', CLI_INT, &r.threads, "N", "the result does not depend on it (all processors)", 1, 256},
        {"quiet", 'q', CLI_FLAG, &r.quiet, NULL, "no progress; warnings and errors only", 0, 0},
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc > at)
        return cli_usage(
            &command, "'%s' is not understood; each file of texts is named with --data", argv[at]);
    if (!r.data.count) return cli_usage(&command, "--data is missing: the texts to learn from");
    if (!r.output) return cli_usage(&command, "-o is missing: where the vectors are to be written");
    int code = cli_check_output(r.output);
    if (code != EXIT_OK) return code;
    tern_context *c = NULL;
    tern_status st = cli_context(&c, r.threads, &r.quiet);
    if (st == TERN_OK) st = tern_file_check(c, r.output, r.data.at, r.data.count);
    code = st == TERN_OK ? learn(&r, c) : cli_failed(c, st);
    tern_context_free(c);
    return code;
}
