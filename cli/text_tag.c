/* tern text tag: prints the labels of tokens and the names they spell out. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct request {
    int64_t threads, line_limit;
    bool json;
    char **texts;
    int count;
} request;

static const cli_command command = {
    "tern text tag", "MODEL [TEXT...|-] [--json]",
    "Finds the names in texts, with a model trained on data whose tokens have labels (.conll).",
    "- (or nothing) reads standard input, a text a line. Each text is printed with its names "
    "marked:\n"
    "[name]type. With --json each text gives one line:\n"
    "  {\"text\":..., \"entities\":[{\"text\":\"Oslo\",\"type\":\"location\",\"begin\":12,"
    "\"end\":16,\"score\":0.9}],\n"
    "   "
    "\"tokens\":[{\"text\":\"Oslo\",\"label\":\"B-location\",\"score\":0.9,\"begin\":12,\"end\":16}"
    ",...]}\n"
    "begin and end are bytes."};

static json_t *piece(const char *text, size_t begin, size_t end) {
    char *part = strndup(text + begin, end - begin);
    json_t *value = part ? tern__json_text(part) : NULL;
    free(part);
    return value;
}

static int print_json(const char *text, const tern_text_tags *t) {
    json_t *entities = json_array(), *tokens = json_array();
    for (size_t i = 0; i < t->n_entities; i++) {
        const tern_text_entity *e = &t->entities[i];
        tern__json_append(
            &entities, json_pack("{s:o, s:o, s:I, s:I, s:f}", "text", piece(text, e->begin, e->end),
                                 "type", tern__json_text(e->type), "begin", (json_int_t)e->begin,
                                 "end", (json_int_t)e->end, "score", (double)e->score));
    }
    for (size_t i = 0; i < t->count; i++) {
        const tern_text_tag *w = &t->tokens[i];
        tern__json_append(
            &tokens, json_pack("{s:o, s:o, s:f, s:I, s:I}", "text", piece(text, w->begin, w->end),
                               "label", tern__json_text(w->label), "score", (double)w->score,
                               "begin", (json_int_t)w->begin, "end", (json_int_t)w->end));
    }
    return cli_print_json(json_pack("{s:o, s:o, s:o}", "text", tern__json_text(text), "entities",
                                    entities, "tokens", tokens));
}

static void print_text(const char *text, const tern_text_tags *t) {
    const bool colour = cli_colour(STDOUT_FILENO);
    size_t at = 0;
    for (size_t i = 0; i < t->n_entities; i++) {
        const tern_text_entity *e = &t->entities[i];
        printf("%.*s%s[%.*s]%s%s", (int)(e->begin - at), text + at, colour ? "\033[1;36m" : "",
               (int)(e->end - e->begin), text + e->begin, e->type, colour ? "\033[0m" : "");
        at = e->end;
    }
    printf("%s\n", text + at);
}

static int tag_one(const request *r, tern_session *session, const char *text) {
    tern_text_tags tags;
    tern_status st = tern_text_tag_text(session, text, &tags);
    if (st != TERN_OK) return cli_session_failed(session, st);
    if (r->json) return print_json(text, &tags);
    print_text(text, &tags);
    return EXIT_OK;
}

static int tag_stream(const request *r, tern_context *c, tern_session *session) {
    tern_text_reader *reader = NULL;
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    int code = EXIT_OK;
    o.format = TERN_TEXT_FORMAT_LINES;
    o.unlabelled = true;
    o.line_limit = (size_t)r->line_limit << 20;
    tern_status st = tern_text_reader_open(&reader, c, "-", &o);
    for (bool got = true; st == TERN_OK && got && code == EXIT_OK;) {
        tern_text_record record;
        st = tern_text_reader_next(reader, &record, &got);
        if (st == TERN_OK && got) code = tag_one(r, session, record.text);
    }
    if (st != TERN_OK) code = cli_failed(c, st);
    tern_text_reader_close(reader);
    return code;
}

static int tag(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    int code = r->count ? EXIT_OK : tag_stream(r, c, session);
    for (int i = 0; code == EXIT_OK && i < r->count; i++)
        code =
            strcmp(r->texts[i], "-") ? tag_one(r, session, r->texts[i]) : tag_stream(r, c, session);
    return code;
}

int cli_text_tag(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object a text", 0, 0},
        {"line-limit", 0, CLI_INT, &r.line_limit, "MB", "the longest line of standard input (1)", 1,
         4096},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    if (argc - at < 1) return cli_usage(&command, "the model is missing");
    r.texts = argv + at + 1;
    r.count = argc - at - 1;
    return cli_with_model(argv[at], r.threads, true, tag, &r);
}
