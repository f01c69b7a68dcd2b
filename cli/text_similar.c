/* tern text similar: prints the words whose vectors are near to a word's. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    const char *vectors;
    int64_t top, threads;
    double memory;
    bool json;
} request;

static const cli_command command = {
    "tern text similar", "VECTORS WORD... [--top K] [--json]",
    "Prints the words with the vectors nearest to each word's, by cosine.",
    "VECTORS is a file of word vectors: word2vec's .bin or .txt, GloVe's .txt, fastText's .vec or "
    ".bin,\n"
    "what 'tern text vectors' writes. An unknown word gets a vector from its n-grams where the "
    "file has\n"
    "them. With --json each word gives one line:\n"
    "  {\"word\":\"good\",\"known\":true,\"similar\":[{\"word\":\"great\",\"cosine\":0.7},...]}"};

static const char *word_of(const void *vectors, size_t i) {
    return i < tern_vectors_count(vectors) ? tern_vectors_word(vectors, i, NULL) : NULL;
}

static int unknown(const request *r, const tern_vectors *v, const char *word) {
    const char *near = cli_nearest(word, word_of, v);
    cli_complain("%s has no word '%s'%s%s%s", r->vectors, word, near ? "; did you mean '" : "",
                 near ? near : "", near ? "'?" : "");
    return EXIT_DATA;
}

static int print_json(const char *word, bool known, const tern_neighbour *list, size_t n) {
    json_t *similar = json_array();
    for (size_t i = 0; i < n; i++)
        tern__json_append(&similar, json_pack("{s:o, s:f}", "word", tern__json_text(list[i].word),
                                              "cosine", (double)list[i].cosine));
    return cli_print_json(json_pack("{s:o, s:b, s:o}", "word", tern__json_text(word), "known",
                                    known, "similar", similar));
}

static int answer(const request *r, tern_context *c, const tern_vectors *v, const char *word,
                  float *query, tern_neighbour *list) {
    const bool known = tern_vectors_find(v, word, strlen(word)) != NULL;
    size_t n;
    if (!tern_vectors_get(v, query, word, strlen(word))) return unknown(r, v, word);
    tern_status st = tern_vectors_nearest(list, (size_t)r->top, &n, v, query, &word, 1);
    if (st != TERN_OK) return cli_failed(c, st);
    if (r->json) return print_json(word, known, list, n);
    printf("%s%s\n", word, known ? "" : " (unknown; by its n-grams)");
    for (size_t i = 0; i < n; i++) printf("  %.3f  %s\n", (double)list[i].cosine, list[i].word);
    return EXIT_OK;
}

static int answer_all(const request *r, tern_context *c, char **words, int count) {
    tern_vectors_load_options o = TERN_VECTORS_LOAD_OPTIONS_INIT;
    tern_vectors *v = NULL;
    o.memory = r->memory * 1e9;
    tern_status st = tern_vectors_load(&v, c, r->vectors, &o);
    if (st != TERN_OK) return cli_failed(c, st);
    float *query = malloc((size_t)tern_vectors_dimension(v) * sizeof *query);
    tern_neighbour *list = malloc((size_t)r->top * sizeof *list);
    int code = query && list ? EXIT_OK : EXIT_FAILED;
    if (code != EXIT_OK) cli_complain("out of memory");
    for (int i = 0; i < count && query && list; i++) {
        const int one = answer(r, c, v, words[i], query, list);
        if (one != EXIT_OK) code = one;
    }
    free(list);
    free(query);
    tern_vectors_free(v);
    return code;
}

int cli_text_similar(int argc, char **argv) {
    static const bool quiet = false;
    request r = {.top = 10};
    const cli_option options[] = {
        {"top", 'k', CLI_INT, &r.top, "K", "so many words (10)", 1, 1000000},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object a word", 0, 0},
        {"memory", 0, CLI_REAL, &r.memory, "GB", "what the vectors may take (4)", 0.001, 1e6},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&command, "the file of vectors is missing");
    if (argc - at < 2) return cli_usage(&command, "no word is given");
    r.vectors = argv[at];
    tern_context *c = NULL;
    tern_status st = cli_context(&c, r.threads, &quiet);
    int code = st == TERN_OK ? answer_all(&r, c, argv + at + 1, argc - at - 1) : cli_failed(c, st);
    tern_context_free(c);
    return code;
}
