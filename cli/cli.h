/* What the commands of `tern` share: options, sentences on stderr, exit codes, JSON lines. The
 * command parses arguments and prints; everything that computes is in the library. */
#ifndef TERN_CLI_H
#define TERN_CLI_H

/* Of the library's own headers this one and those of options: they know no model. */
#include "core/base/json.h"
#include "core/graph/options.h"
#include <stdio.h>
#include <tern/tern.h>

/* Exit codes, as the README lists them. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,       /* out of memory and the like */
    EXIT_USAGE = 2,        /* arguments that make no sense */
    EXIT_DATA = 3,         /* a file's content is not what it should be */
    EXIT_IO = 4,           /* the operating system refused to read or write */
    EXIT_DIVERGED = 5,     /* training ran into non-finite losses */
    EXIT_INTERRUPTED = 130 /* Ctrl-C; everything was saved */
};
int cli_exit_code(tern_status status);

/* ---- options ---- */
typedef enum cli_kind {
    CLI_FLAG,    /* bool * */
    CLI_TEXT,    /* const char ** */
    CLI_TEXTS,   /* cli_texts *: may be given several times */
    CLI_INT,     /* int64_t *, min..max */
    CLI_REAL,    /* double *, min..max */
    CLI_HEADING, /* only a line in the help */
    CLI_LIBRARY  /* cli_rows *: rows of the library's, by CLI_ROWS */
} cli_kind;

typedef struct cli_texts {
    const char *at[64];
    size_t count;
} cli_texts;

typedef struct cli_option {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* 0: none */
    cli_kind kind;
    void *target;
    const char *argument; /* "FILE" in the help; NULL for flags */
    const char *help;
    double min, max;
} cli_option;
typedef struct cli_rows {
    const tern__options *table;
    void *object; /* the library's struct, which the options are written to */
} cli_rows;
/* Those of a table from one to another name, one alone, one with other help. */
#define CLI_ROWS(table, object, from, to)                                                          \
    { from, 0, CLI_LIBRARY, &(cli_rows){&(table), object}, to, NULL, 0, 0 }
#define CLI_ROW(table, object, name) CLI_ROWS(table, object, name, name)
#define CLI_ROW_SAYS(table, object, name, help)                                                    \
    { name, 0, CLI_LIBRARY, &(cli_rows){&(table), object}, name, help, 0, 0 }
/* Rows of a table: a line between options, the end, and an option that most commands have. */
#define CLI_TITLE(text)                                                                            \
    { text, 0, CLI_HEADING, NULL, NULL, NULL, 0, 0 }
#define CLI_END                                                                                    \
    { NULL, 0, CLI_HEADING, NULL, NULL, NULL, 0, 0 }
#define CLI_THREADS(target)                                                                        \
    { "threads", 't', CLI_INT, target, "N", "(all processors)", 1, 256 }

typedef struct cli_command {
    const char *name;    /* "tern audio train" */
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *details; /* paragraphs after the options; may be NULL */
} cli_command;

/* Parses argv[1..]. Returns the index of the first operand (operands are moved to the end), or a
 * value below 0: the command ends with exit code cli_ended(value). --help is understood in every
 * table. */
static inline int cli_ended(int parsed) { return -parsed - 1; }
int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv);
void cli_help(const cli_command *command, const cli_option *options);

/* Cuts "1,2,3" at the commas. The list ends with NULL; one free() frees it. NULL: no memory. */
const char **cli_split(const char *text, size_t *count);

/* "tern: sentence" on stderr. */
void cli_complain(const char *format, ...) TERN_PRINTF(1, 2);
/* The same with a line that tells where the help is; returns EXIT_USAGE. */
int cli_usage(const cli_command *command, const char *format, ...) TERN_PRINTF(2, 3);
/* Prints the context's sentence and returns the exit code of the status. */
int cli_failed(const tern_context *context, tern_status status);
/* The candidate nearest to a mistyped word, or NULL if none is near. next(i): NULL at the end. */
const char *cli_nearest(const char *word, const char *(*next)(const void *list, size_t i),
                        const void *list);

/* ---- output ---- */
bool cli_colour(int fd); /* a terminal, and NO_COLOR is not set */
/* Writes one object as one line and frees it: EXIT_OK, or EXIT_FAILED with a sentence where there
 * is no memory. What the stream refuses is seen when it is flushed. */
int cli_put_json(FILE *out, json_t *object);
/* The same on standard output, flushed: EXIT_IO with a sentence if it got lost. */
int cli_print_json(json_t *object);
/* Lines of JSON for a file that is written when it is whole; until then, and after a failure, what
 * was there stays. Without a path or with "-" they go to standard output as they come. */
typedef struct cli_lines {
    const char *path;
    FILE *out; /* where cli_put_json puts them */
    char *text;
    size_t size;
} cli_lines;
int cli_lines_open(cli_lines *lines, const char *path);
/* Writes the file, unless code is a failure that left nothing to write; returns code or, where that
 * was EXIT_OK, what went wrong. */
int cli_lines_close(cli_lines *lines, tern_context *c, int code);
/* Flushes standard output at the end: EXIT_IO with a sentence if what was printed got lost. */
int cli_finish(int code);
/* A context with --threads (0: all processors), its log on stderr; *quiet: only its warnings. */
tern_status cli_context(tern_context **context, int64_t threads, const bool *quiet);
/* Columns of the terminal behind fd, 80 if unknown. */
int cli_columns(int fd);

/* ---- progress (progress.c) ---- */
/* Takes Ctrl-C and SIGTERM as the wish to stop: the first one sets cli_stopped(), the second one
 * kills. */
void cli_catch_interrupts(void);
bool cli_stopped(void);
/* The bar of a training run: on_progress of tern_train_options; training: a cli_training. */
bool cli_progress_train(void *training, const tern_train_progress *progress);
/* For other bars: whether to show one now (done: an epoch is), the bar or, elsewhere than on a
 * terminal, a line, and "1:02:03" ("?" for what is not known). */
bool cli_progress_due(bool done);
void cli_progress_show(double share, const char *text);
const char *cli_duration(double seconds, char *out, size_t size);
/* A bar for anything counted; `done` of `count` items. */
void cli_progress_count(const char *what, size_t done, size_t count);
/* Removes the bar from the terminal, so that something else can be printed. */
void cli_progress_clear(void);

/* ---- models (model.c) ---- */
/* Prints the session's sentence and returns the exit code of the status. */
int cli_session_failed(const tern_session *session, tern_status status);
/* What a command does with a model; returns the exit code. */
typedef int cli_model_work(void *user, tern_context *c, tern_session *session);
/* Loads a model, makes a session of it and calls work; with_model makes the context as well.
 * Returns work's exit code, or that of what failed. */
int cli_use_model(tern_context *c, const char *path, cli_model_work *work, void *user);
int cli_with_model(const char *path, int64_t threads, bool quiet, cli_model_work *work, void *user);

/* {key: value, "label":..., "score":..., "top":[...]} of the n > 0 best, the best first. */
json_t *cli_answer_json(const char *key, const char *value, const tern_score *top, size_t n);
/* "dog 97.0 %, cat 2.0 %" */
void cli_print_scores(const tern_score *top, size_t n);
typedef tern_status cli_classify_file(tern_session *session, const char *path, tern_answer *answer);
/* A whole command, MODEL FILE...: prints the best answers about each file as text or JSON. check
 * looks at the operands. A file that fails gives a sentence; returns the exit code of the first
 * failure. */
int cli_classify_command(const cli_command *command, int (*check)(int operands, char **argv),
                         cli_classify_file *classify, int argc, char **argv);

/* One operand, the model, and data (what: a sentence on them): EXIT_OK or EXIT_USAGE. */
int cli_check_evaluation(const cli_command *command, const char *data, const char *what,
                         int operands, char **argv);
/* Prints what an evaluation found, or, if its status is not TERN_OK, why there is nothing. */
int cli_print_confusion(tern_context *c, const tern_session *session, tern_status evaluated,
                        const tern_confusion *confusion, bool json);

/* ---- training (training.c) ---- */
/* What all training commands have: options, files, and what their samples are called. */
typedef struct cli_training {
    const char *unit; /* "clips", "texts" */
    const char *init;
    int64_t threads;
    const char *output;     /* the model */
    const char *checkpoint; /* NULL: beside the model, and removed when it is done */
    const char *log;        /* NULL: beside the model */
    bool resume, overwrite, quiet;
} cli_training;

/* Rows of their tables; t: the cli_training. */
#define CLI_INIT_OPTION(t, how)                                                                    \
    { "init", 0, CLI_TEXT, &(t).init, "MODEL", "go on from a trained model" how, 0, 0 }
#define CLI_TRAINING_THREADS(t)                                                                    \
    {                                                                                              \
        "threads", 't', CLI_INT, &(t).threads, "N",                                                \
            "the result does not depend on it (all processors)", 1, 256                            \
    }
#define CLI_FILE_OPTIONS(t)                                                                         \
    CLI_TITLE("files"), {"output", 'o', CLI_TEXT, &(t).output, "FILE", "the model", 0, 0},          \
        {"resume", 0, CLI_FLAG, &(t).resume, NULL, "go on from the checkpoint", 0, 0},              \
        {"overwrite", 0, CLI_FLAG, &(t).overwrite, NULL, "begin anew where a checkpoint is", 0, 0}, \
        {"checkpoint",                                                                              \
         0,                                                                                         \
         CLI_TEXT,                                                                                  \
         &(t).checkpoint,                                                                           \
         "FILE",                                                                                    \
         "(MODEL.ckpt; removed when training is done)",                                             \
         0,                                                                                         \
         0},                                                                                        \
        {"log", 0, CLI_TEXT, &(t).log, "FILE", "(MODEL.jsonl)", 0, 0}, {                            \
        "quiet", 'q', CLI_FLAG, &(t).quiet, NULL, "no progress; warnings and errors only", 0, 0     \
    }

enum { CLI_NETWORKS_TEXT = 4096 };
/* "NAME: SUMMARY" lines, for the help; name(i) is NULL at the end. */
void cli_list_networks(char text[CLI_NETWORKS_TEXT], const char *(*name)(size_t),
                       const char *(*summary)(size_t));
/* No operand, and data (what: a sentence on them): EXIT_OK or EXIT_USAGE. */
int cli_check_data(const cli_command *command, const char *data, const char *what, int operands,
                   char **argv);
/* -o is there and, where data_ending is not NULL, ends neither in it nor in .csv: EXIT_OK or
 * EXIT_USAGE. */
int cli_check_model_name(const cli_command *command, const char *output, const char *data_ending);
/* Says now, not after an hour of work, that the file cannot be written: an exit code. */
int cli_check_output(const char *path);
/* Makes the context, loads --init into *init and calls work, which returns the exit code. */
int cli_training_run(const cli_training *t, const tern_model **init,
                     int (*work)(void *user, tern_context *c), void *user);
/* In such a work: sets checkpoint, log, progress and resume in options, calls train (which passes
 * options on), saves the model, says how it went. Returns the exit code. */
int cli_train(const cli_training *t, tern_context *c, tern_train_options *options,
              tern_status (*train)(void *user, tern_model **model, tern_context *c), void *user);

/* Sets what --preset (NULL: none), --sample-rate and --mels (0: not given) say. A preset's frames
 * are so many samples, as in the program that it is of; those of the default are so many
 * milliseconds. */
tern_status cli_front_end(tern_audio_options *options, tern_context *context, const char *preset,
                          int64_t sample_rate, int64_t mels);

/* ---- commands ---- */
int cli_audio_train(int argc, char **argv);
int cli_audio_classify(int argc, char **argv);
int cli_audio_evaluate(int argc, char **argv);
int cli_audio_features(int argc, char **argv);
int cli_audio_explain(int argc, char **argv);
int cli_text_train(int argc, char **argv);
int cli_text_classify(int argc, char **argv);
int cli_text_evaluate(int argc, char **argv);
int cli_text_tag(int argc, char **argv);
int cli_text_cross_validate(int argc, char **argv);
int cli_text_vectors(int argc, char **argv);
int cli_text_similar(int argc, char **argv);
int cli_vision_train(int argc, char **argv);
int cli_vision_segment(int argc, char **argv);
int cli_vision_evaluate(int argc, char **argv);
int cli_vision_train_classifier(int argc, char **argv);
int cli_vision_classify(int argc, char **argv);
int cli_vision_evaluate_classifier(int argc, char **argv);
int cli_vision_explain(int argc, char **argv);
int cli_vision_filter(int argc, char **argv);
int cli_model_info(int argc, char **argv);
int cli_model_average(int argc, char **argv);
int cli_model_embed(int argc, char **argv);
int cli_model_similar(int argc, char **argv);

#endif
