/* tern text vectors: learns word vectors from texts. */
#include "cli.h"
#include "text/options.h"

#include <stdio.h>
#include <string.h>

typedef struct request {
    cli_texts data;
    const char *output;
    int64_t threads;
    bool keep_case, quiet;
    tern_vectors_train_options options;
} request;

static const cli_command command = {
    "tern text vectors", "--data FILE [--data FILE ...] -o VECTORS.vec [OPTIONS]",
    "Learns a vector for every word from the company it keeps (skip-gram with negative sampling), "
    "and\n"
    "writes them for 'tern text train --vectors' and 'tern text similar'.",
    "FILE has a text a line; a .tsv LABEL TAB TEXT, of which the text is taken; a .csv a header. "
    "Gzip is\n"
    "unpacked, - is standard input. VECTORS ending in .bin is written in binary: as word2vec does, "
    "with\n"
    "--subwords as fastText does; otherwise it is text that every tool reads. The vectors are the "
    "same for\n"
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

static int learn(request *r, tern_context *c) {
    tern_vectors_train_options *o = &r->options;
    tern_vectors *v = NULL;
    bool stopped = false;
    const size_t length = strlen(r->output);
    o->text.lower = !r->keep_case;
    o->on_progress = on_progress;
    o->user = r;
    o->stopped = &stopped;
    cli_catch_interrupts();
    tern_status st = tern_vectors_train(&v, c, r->data.at, r->data.count, o);
    cli_progress_clear();
    if (st == TERN_OK) st = tern_vectors_save(v, r->output, TERN_VECTORS_AUTO);
    int code = st == TERN_OK ? EXIT_OK : cli_failed(c, st);
    if (st == TERN_OK) {
        printf("%s: %zu words, %d numbers each\n", r->output, tern_vectors_count(v),
               (int)tern_vectors_dimension(v));
        if (o->subwords && !r->quiet && (length < 4 || strcmp(r->output + length - 4, ".bin")))
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
    request r = {.options = TERN_VECTORS_TRAIN_OPTIONS_INIT};
    const cli_option options[] = {
        {"data", 'd', CLI_TEXTS, &r.data, "FILE", "the texts; may be given several times", 0, 0},
        {"output", 'o', CLI_TEXT, &r.output, "FILE", "the vectors", 0, 0},
        CLI_ROW(tern__vectors_training, &r.options, "text-column"),
        CLI_ROW(tern__text_options, &r.options.text, "tokenizer"),
        {"keep-case", 0, CLI_FLAG, &r.keep_case, NULL, "Word and word are two words", 0, 0},
        CLI_ROWS(tern__vectors_training, &r.options, "dimension", "memory"),
        {"threads", 't', CLI_INT, &r.threads, "N",
         "the result does not depend on it (all processors)", 1, 256},
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
