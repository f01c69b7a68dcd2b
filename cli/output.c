/* What the commands print and return: sentences, exit codes, JSON lines, the context's log. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_exit_code(tern_status status) {
    switch (status) {
    case TERN_OK:
        return EXIT_OK;
    case TERN_ERR_ARGUMENT:
        return EXIT_USAGE;
    case TERN_ERR_SHAPE:
    case TERN_ERR_LIMIT:
    case TERN_ERR_FORMAT:
    case TERN_ERR_UNSUPPORTED:
        return EXIT_DATA;
    case TERN_ERR_IO:
        return EXIT_IO;
    case TERN_ERR_DIVERGED:
        return EXIT_DIVERGED;
    case TERN_ERR_INTERRUPTED:
        return EXIT_INTERRUPTED;
    case TERN_ERR_MEMORY:
        break;
    }
    return EXIT_FAILED;
}

static void say(const char *before, const char *format, va_list arguments) {
    cli_progress_clear();
    fputs(before, stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void cli_complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say("tern: ", format, arguments);
    va_end(arguments);
}

int cli_usage(const cli_command *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say("tern: ", format, arguments);
    va_end(arguments);
    fprintf(stderr, "usage: %s %s\n'%s --help' says more.\n", command->name, command->usage,
            command->name);
    return EXIT_USAGE;
}

int cli_failed(const tern_context *context, tern_status status) {
    cli_complain("%s", tern_context_message(context));
    return cli_exit_code(status);
}

static void print_log(void *user, tern_log_level level, const char *line) {
    const bool *quiet = user;
    if (level == TERN_LOG_INFO && *quiet) return;
    cli_progress_clear();
    fprintf(stderr, level == TERN_LOG_WARNING ? "tern: warning: %s\n" : "%s\n", line);
}

tern_status cli_context(tern_context **context, int64_t threads, const bool *quiet) {
    tern_context_options options = TERN_CONTEXT_OPTIONS_INIT;
    options.threads = (int)threads;
    options.on_log = print_log;
    options.user = (void *)(uintptr_t)quiet;
    return tern_context_create(context, &options);
}

int cli_put_json(FILE *out, json_t *object) {
    char *text = NULL;
    size_t size;
    FILE *whole = object ? open_memstream(&text, &size) : NULL;
    bool failed = !whole || json_dumpf(object, whole, JSON_COMPACT | JSON_REAL_PRECISION(6)) ||
                  fputc('\n', whole) == EOF || ferror(whole);
    if (whole && fclose(whole)) failed = true;
    json_decref(object);
    if (failed)
        cli_complain("out of memory");
    else
        fwrite(text, 1, size, out);
    free(text);
    return failed ? EXIT_FAILED : EXIT_OK;
}

int cli_print_json(json_t *object) {
    const int code = cli_put_json(stdout, object);
    if (code != EXIT_OK || fflush(stdout) == 0) return code;
    cli_complain("standard output: %s", strerror(errno));
    return EXIT_IO;
}

int cli_lines_open(cli_lines *lines, const char *path) {
    *lines = (cli_lines){.path = path, .out = stdout};
    if (!path || !strcmp(path, "-")) return EXIT_OK;
    if ((lines->out = open_memstream(&lines->text, &lines->size))) return EXIT_OK;
    cli_complain("out of memory");
    return EXIT_FAILED;
}

int cli_lines_close(cli_lines *lines, tern_context *c, int code) {
    int wrong = EXIT_OK;
    if (lines->out == stdout) return code;
    const bool lost = ferror(lines->out);
    if (fclose(lines->out) || lost) {
        cli_complain("out of memory");
        wrong = EXIT_FAILED;
    } else if (code == EXIT_OK || lines->size) {
        const tern_status st = tern_file_save(c, lines->path, lines->text, lines->size);
        if (st != TERN_OK) wrong = cli_failed(c, st);
    }
    free(lines->text);
    return code == EXIT_OK ? wrong : code;
}

int cli_finish(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    cli_complain("standard output: %s", strerror(errno));
    return code == EXIT_OK ? EXIT_IO : code;
}
