/* tern text classify: prints what texts are; from standard input, thousands at a time. */
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_TOGETHER = 8192 };

typedef struct request {
    int64_t top, threads, batch, line_limit;
    double table_memory;
    bool json, explain;
    char **texts;
    int count;
} request;

static const cli_command command = {
    "tern text classify", "MODEL [TEXT...|-] [--top K] [--explain] [--json]",
    "Says what each text is.",
    "- (or nothing) reads standard input, a text a line; an answer per line comes out in the same "
    "order,\n"
    "LABEL SCORE TAB TEXT. With --json each text gives one line:\n"
    "  {\"text\":\"a quiet, lovely film\",\"label\":\"1\",\"score\":0.97,\"top\":[{\"label\":\"1\","
    "\"score\":0.97},...]}\n"
    "--explain leaves out every word in turn and marks those that the answer depends on: + for it, "
    "-\n"
    "against it, in colours on a terminal; with --json as \"words\": text, begin and end (bytes), "
    "weight.\n"
    "\n"
    "examples:\n"
    "  tern text classify reviews.onnx 'a quiet, lovely film'\n"
    "  tern text classify reviews.onnx - < reviews.txt > answers.txt"};

/* ---- one answer ---- */

static json_t *words_json(const char *text, const tern_text_weight *w, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char *word = strndup(text + w[i].begin, w[i].end - w[i].begin);
        tern__json_append(&list, json_pack("{s:o, s:I, s:I, s:f}", "text",
                                           word ? tern__json_text(word) : NULL, "begin",
                                           (json_int_t)w[i].begin, "end", (json_int_t)w[i].end,
                                           "weight", (double)w[i].weight));
        free(word);
    }
    return list;
}

/* The text with the words that matter marked: green or red, the stronger the brighter; without
 * colours [+word] and [-word]. */
static void print_marked(const char *text, const tern_text_weight *w, size_t n) {
    const bool colour = cli_colour(STDOUT_FILENO);
    double greatest = 0.01; /* weaker ones are not marked */
    size_t at = 0;
    for (size_t i = 0; i < n; i++) /* gcc 12 for aarch64 fails on fmax here */
        if (fabs((double)w[i].weight) > greatest) greatest = fabs((double)w[i].weight);
    for (size_t i = 0; i < n; i++) {
        const double share = w[i].weight / greatest;
        const int length = (int)(w[i].end - w[i].begin);
        if (w[i].begin < at || fabs(share) < 0.1) continue;
        printf("%.*s", (int)(w[i].begin - at), text + at);
        if (colour)
            printf("\033[%s%dm%.*s\033[0m", fabs(share) > 0.5 ? "1;" : "", share > 0 ? 32 : 31,
                   length, text + w[i].begin);
        else
            printf("[%c%.*s]", share > 0 ? '+' : '-', length, text + w[i].begin);
        at = w[i].end;
    }
    printf("%s\n", text + at);
}

static int print(const request *r, const char *text, const tern_score *top, size_t count,
                 const tern_text_weight *weights, size_t n) {
    const size_t shown = (size_t)r->top < count ? (size_t)r->top : count;
    if (r->json) {
        json_t *answer = cli_answer_json("text", text, top, shown);
        if (r->explain) tern__json_set(&answer, "words", words_json(text, weights, n));
        return cli_put_json(stdout, answer);
    }
    cli_print_scores(top, shown);
    putchar('\t');
    if (r->explain)
        print_marked(text, weights, n);
    else
        puts(text);
    return EXIT_OK;
}

static int answer_one(const request *r, tern_session *session, const char *text) {
    tern_answer a;
    const tern_text_weight *weights = NULL;
    size_t n = 0;
    tern_status st = r->explain ? tern_text_explain(session, text, &a, &weights, &n)
                                : tern_text_classify(session, text, &a);
    if (st != TERN_OK) return cli_session_failed(session, st);
    return print(r, text, a.top, a.count, weights, n);
}

/* ---- a stream ---- */

/* Lines waiting for their answers. */
typedef struct waiting {
    char *bytes; /* NUL-terminated lines */
    size_t used, capacity, count;
    size_t at[MOST_TOGETHER], lengths[MOST_TOGETHER];
    const char *texts[MOST_TOGETHER];
    float *scores;   /* [MOST_TOGETHER][n_labels] */
    tern_score *top; /* [n_labels] */
} waiting;

static bool keep(waiting *w, const tern_text_record *record) {
    if (w->used + record->length + 1 > w->capacity) {
        size_t capacity = 2 * (w->used + record->length + 1);
        char *grown = realloc(w->bytes, capacity);
        if (!grown) return false;
        w->bytes = grown;
        w->capacity = capacity;
    }
    memcpy(w->bytes + w->used, record->text, record->length + 1);
    w->at[w->count] = w->used;
    w->lengths[w->count++] = record->length;
    w->used += record->length + 1;
    return true;
}

/* The `shown` most probable labels, the most probable first. */
static void choose(const tern_text_model_info *info, const float *scores, size_t shown,
                   tern_score *top) {
    size_t n = 0;
    for (size_t i = 0; i < info->n_labels; i++) {
        size_t at = n < shown ? n++ : n;
        for (; at > 0 && scores[i] > top[at - 1].score; at--)
            if (at < shown) top[at] = top[at - 1];
        if (at < shown) top[at] = (tern_score){info->labels[i], scores[i]};
    }
}

static int answer_waiting(const request *r, tern_session *session, const tern_text_model_info *info,
                          waiting *w) {
    const size_t shown = (size_t)r->top < info->n_labels ? (size_t)r->top : info->n_labels;
    int code = EXIT_OK;
    for (size_t i = 0; i < w->count; i++) w->texts[i] = w->bytes + w->at[i];
    if (r->explain) {
        for (size_t i = 0; i < w->count && code == EXIT_OK; i++)
            code = answer_one(r, session, w->texts[i]);
    } else {
        tern_status st =
            tern_text_classify_batch(session, w->texts, w->lengths, w->count, w->scores, NULL);
        if (st != TERN_OK) return cli_session_failed(session, st);
        for (size_t i = 0; i < w->count && code == EXIT_OK; i++) {
            choose(info, w->scores + i * info->n_labels, shown, w->top);
            code = print(r, w->texts[i], w->top, shown, NULL, 0);
        }
    }
    w->count = w->used = 0;
    return code == EXIT_OK && (fflush(stdout) || ferror(stdout)) ? cli_finish(EXIT_IO) : code;
}

static int answer_stream(const request *r, tern_context *c, tern_session *session) {
    tern_text_model_info info;
    tern_text_reader *reader = NULL;
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    const size_t together = r->batch ? (size_t)r->batch : isatty(STDIN_FILENO) ? 1 : 4096;
    int code = EXIT_OK;
    o.format = TERN_TEXT_FORMAT_LINES;
    o.unlabelled = true;
    o.line_limit = (size_t)r->line_limit << 20;
    tern_status st = tern_text_describe(&info, session);
    if (st != TERN_OK) return cli_session_failed(session, st);
    waiting *w = calloc(1, sizeof *w);
    if (w) w->scores = calloc(MOST_TOGETHER, info.n_labels * sizeof *w->scores);
    if (w) w->top = calloc(info.n_labels, sizeof *w->top);
    if (!w || !w->scores || !w->top) {
        cli_complain("out of memory");
        code = EXIT_FAILED;
    }
    if (code == EXIT_OK && (st = tern_text_reader_open(&reader, c, "-", &o)) != TERN_OK)
        code = cli_failed(c, st);
    for (bool got = true; code == EXIT_OK && got;) {
        tern_text_record record;
        if ((st = tern_text_reader_next(reader, &record, &got)) != TERN_OK) {
            code = answer_waiting(r, session, &info, w); /* what came before the bad line */
            int wrong = cli_failed(c, st);
            if (code == EXIT_OK) code = wrong;
        } else if (got && !keep(w, &record)) {
            cli_complain("out of memory");
            code = EXIT_FAILED;
        } else if (w->count && (!got || w->count == together)) {
            code = answer_waiting(r, session, &info, w);
        }
    }
    tern_text_reader_close(reader);
    if (w) {
        free(w->top);
        free(w->scores);
        free(w->bytes);
    }
    free(w);
    return code;
}

/* ---- the command ---- */

static int classify(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    int code = EXIT_OK;
    if (r->table_memory >= 0) {
        tern_status st = tern_text_set_table_memory(session, (size_t)(r->table_memory * 1e6));
        if (st != TERN_OK) return cli_session_failed(session, st);
    }
    if (!r->count) return answer_stream(r, c, session);
    for (int i = 0; i < r->count && code == EXIT_OK; i++)
        code = strcmp(r->texts[i], "-") ? answer_one(r, session, r->texts[i])
                                        : answer_stream(r, c, session);
    return code;
}

int cli_text_classify(int argc, char **argv) {
    request r = {.top = 1, .table_memory = -1};
    const cli_option options[] = {
        {"top", 'k', CLI_INT, &r.top, "K", "so many labels, the most probable first (1)", 1, 65536},
        {"explain", 0, CLI_FLAG, &r.explain, NULL, "mark the words that decided", 0, 0},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object a text", 0, 0},
        {"batch", 'b', CLI_INT, &r.batch, "N",
         "lines of standard input answered together (4096; on\na terminal 1)", 1, MOST_TOGETHER},
        {"table-memory", 0, CLI_REAL, &r.table_memory, "MB",
         "for tables of what filters make of words, textcnn\nonly (512; 0: none)", 0, 1e6},
        {"line-limit", 0, CLI_INT, &r.line_limit, "MB", "the longest line of standard input (1)", 1,
         4096},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&command, "the model is missing");
    r.texts = argv + at + 1;
    r.count = argc - at - 1;
    return cli_with_model(argv[at], r.threads, true, classify, &r);
}
