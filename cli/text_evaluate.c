/* tern text evaluate: prints how often a model is right. */
#include "cli.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *data, *text_column, *label_column;
    int64_t threads, line_limit;
    bool json, errors, no_header;
} request;

static const cli_command command = {
    "tern text evaluate", "MODEL --data FILE [OPTIONS]",
    "Reads labelled texts, asks the model and prints accuracy, precision, recall and F1 of each "
    "label,\n"
    "and the confusion matrix.",
    "FILE is as for 'tern text train'. With --json one object is printed: accuracy, n, macro_f1,\n"
    "per_class (label, support, precision, recall, f1), confusion (a row per true label). A tagger "
    "is\n"
    "measured by its entities, as conlleval does: f1, precision, recall, accuracy (of tokens), n, "
    "tokens,\n"
    "per_class."};

static bool on_text(void *user, const tern_text_record *record, const tern_answer *answer,
                    size_t done) {
    const request *r = user;
    (void)done;
    if (r->errors && strcmp(record->label, answer->label))
        fprintf(r->json ? stderr : stdout, "line %zu: %s, taken for %s (%.1f %%): %s\n",
                record->line, record->label, answer->label, 100 * (double)answer->score,
                record->text);
    return !cli_stopped();
}

static int evaluate(const request *r, tern_context *c, tern_session *session) {
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    tern_confusion *confusion = NULL;
    o.text_column = r->text_column;
    o.label_column = r->label_column;
    o.no_header = r->no_header;
    o.line_limit = (size_t)r->line_limit << 20;
    cli_catch_interrupts();
    const tern_status st =
        tern_text_evaluate(&confusion, session, r->data, &o, on_text, (void *)(uintptr_t)r);
    const int code = cli_print_confusion(c, session, st, confusion, r->json);
    tern_confusion_free(confusion);
    return code;
}

/* ---- taggers ---- */

static json_t *entity_json(const tern_entity_metrics *m) {
    return json_pack("{s:o, s:I, s:I, s:I, s:f, s:f, s:f}", "label", tern__json_text(m->type),
                     "support", (json_int_t)m->support, "predicted", (json_int_t)m->predicted,
                     "correct", (json_int_t)m->correct, "precision", m->precision, "recall",
                     m->recall, "f1", m->f1);
}

static void print_entity(const char *name, const tern_entity_metrics *m) {
    printf("%-20s %9.1f %7.1f %7.1f %8lld\n", name, 100 * m->precision, 100 * m->recall,
           100 * m->f1, (long long)m->support);
}

static int evaluate_tags(const request *r, tern_context *c, tern_session *session) {
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    tern_tag_metrics m;
    int code = EXIT_OK;
    o.line_limit = (size_t)r->line_limit << 20;
    tern_status st = tern_text_evaluate_tags(&m, session, r->data, &o);
    if (st != TERN_OK) return cli_session_failed(session, st);
    if (r->json) {
        json_t *types = json_array();
        for (size_t i = 0; i < m.n_types; i++) tern__json_append(&types, entity_json(&m.types[i]));
        code = cli_print_json(json_pack("{s:f, s:f, s:f, s:f, s:I, s:I, s:o}", "f1", m.all.f1,
                                        "precision", m.all.precision, "recall", m.all.recall,
                                        "accuracy", m.accuracy, "n", (json_int_t)m.texts, "tokens",
                                        (json_int_t)m.tokens, "per_class", types));
    } else {
        printf("entities  F1 %.1f %%   tokens  %.1f %% of %lld right, in %lld texts\n\n",
               100 * m.all.f1, 100 * m.accuracy, (long long)m.tokens, (long long)m.texts);
        printf("%-20s %9s %7s %7s %8s\n", "type", "precision", "recall", "F1", "entities");
        for (size_t i = 0; i < m.n_types; i++) print_entity(m.types[i].type, &m.types[i]);
        print_entity("all", &m.all);
    }
    tern_free(c, m.types);
    return code;
}

static int measure(void *user, tern_context *c, tern_session *session) {
    const request *r = user;
    tern_text_model_info info;
    tern_status st = tern_text_describe(&info, session);
    if (st != TERN_OK) return cli_session_failed(session, st);
    return info.tags ? evaluate_tags(r, c, session) : evaluate(r, c, session);
}

int cli_text_evaluate(int argc, char **argv) {
    request r = {0};
    const cli_option options[] = {
        {"data", 'd', CLI_TEXT, &r.data, "FILE", "the labelled texts", 0, 0},
        {"text-column", 0, CLI_TEXT, &r.text_column, "NAME", "of a CSV or TSV with a header (text)",
         0, 0},
        {"label-column", 0, CLI_TEXT, &r.label_column, "NAME",
         "of a CSV or TSV with a header (label)", 0, 0},
        {"no-header", 0, CLI_FLAG, &r.no_header, NULL,
         "the table has none: columns are numbers (label 1,\ntext 2)", 0, 0},
        {"line-limit", 0, CLI_INT, &r.line_limit, "MB", "the longest line (1)", 1, 4096},
        {"json", 'j', CLI_FLAG, &r.json, NULL, "one JSON object", 0, 0},
        {"errors", 0, CLI_FLAG, &r.errors, NULL, "a line for every text taken for something else",
         0, 0},
        CLI_THREADS(&r.threads),
        CLI_END};
    int at = cli_parse(&command, options, argc, argv);
    if (at < 0) return cli_ended(at);
    const int code =
        cli_check_evaluation(&command, r.data, "a file of labelled texts", argc - at, argv + at);
    return code == EXIT_OK ? cli_with_model(argv[at], r.threads, true, measure, &r) : code;
}
