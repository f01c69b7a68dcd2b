/* What every `tern ... train` does around training: checks, the context, the files beside the
 * model, Ctrl-C, the end. Knows nothing of what is trained. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_in(const char *text, const char *ending) {
    const size_t n = strlen(text), m = strlen(ending);
    return n > m && !strcmp(text + n - m, ending);
}

/* "a/b.onnx" -> "a/b" + ending, in memory of the caller. */
static char *beside(const char *model, const char *ending) {
    const size_t n = strlen(model) - (ends_in(model, ".onnx") ? 5 : 0);
    char *path = malloc(n + strlen(ending) + 1);
    if (path) sprintf(path, "%.*s%s", (int)n, model, ending);
    return path;
}

void cli_list_networks(char text[CLI_NETWORKS_TEXT], const char *(*name)(size_t),
                       const char *(*summary)(size_t)) {
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; name(i) && used < CLI_NETWORKS_TEXT; i++)
        used += (size_t)snprintf(text + used, CLI_NETWORKS_TEXT - used, "%s%s: %s", i ? "\n" : "",
                                 name(i), summary(i));
}

int cli_check_data(const cli_command *command, const char *data, const char *what, int operands,
                   char **argv) {
    if (operands)
        return cli_usage(command, "'%s' is not understood%s", argv[0],
                         data ? "" : "; data are named with --data");
    return data ? EXIT_OK : cli_usage(command, "--data is missing: %s", what);
}

int cli_check_model_name(const cli_command *command, const char *output, const char *data_ending) {
    if (!output) return cli_usage(command, "-o is missing: where the model is to be written");
    if (data_ending && (ends_in(output, ".csv") || ends_in(output, data_ending)))
        return cli_usage(command, "-o %s: that is the name of data; a model is called MODEL.onnx",
                         output);
    return EXIT_OK;
}

int cli_check_output(const char *path) {
    struct stat info;
    const char *slash = strrchr(path, '/');
    char folder[4096];
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else
        strcpy(folder, ".");
    const bool there = !stat(path, &info);
    if (there && S_ISDIR(info.st_mode)) {
        cli_complain("%s is a folder; -o takes the name of a file, e.g. %s/model.onnx", path, path);
        return EXIT_IO;
    }
    if (there && S_ISREG(info.st_mode) && access(path, W_OK)) {
        cli_complain("%s cannot be written: %s", path, strerror(errno));
        return EXIT_IO;
    }
    if (access(folder, W_OK) && !(there && !S_ISREG(info.st_mode))) {
        cli_complain("%s cannot be written: %s: %s", path, folder, strerror(errno));
        return EXIT_IO;
    }
    return EXIT_OK;
}

int cli_training_run(const cli_training *t, const tern_model **init,
                     int (*work)(void *user, tern_context *c), void *user) {
    tern_context *c = NULL;
    tern_model *start = NULL;
    tern_status st = cli_context(&c, t->threads, &t->quiet);
    if (st == TERN_OK && t->init) st = tern_model_load(&start, c, t->init);
    *init = start;
    const int code = st == TERN_OK ? work(user, c) : cli_failed(c, st);
    tern_model_free(start);
    tern_context_free(c);
    return code;
}

static bool is_regular(const char *path) {
    struct stat info;
    return path && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* A name of what the shell has opened: the next run of the same command opens it anew, and empties
 * it. */
static bool is_handed(const char *path) {
    return !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6);
}

/* Might it be one? An empty file, or a safetensors file; the library refuses to replace anything
 * else. */
static bool is_checkpoint(const char *path) {
    char start[9];
    FILE *file = is_regular(path) ? fopen(path, "rb") : NULL;
    const size_t got = file ? fread(start, 1, sizeof start, file) : 0;
    if (file) fclose(file);
    return file && (got == 0 || (got == sizeof start && start[8] == '{'));
}

/* Is the model a file that log and checkpoint can lie beside? Not /dev/stdout, even where that
 * leads to a file. */
static bool keeps_files_beside(const char *path) {
    return !is_handed(path) && (access(path, F_OK) || is_regular(path));
}

/* A model that goes to a pipe may go to standard output: nothing else does then. */
static void report(FILE *to, const cli_training *t, const tern_train_result *result) {
    fprintf(to, "%s: ", t->output);
    if (isfinite(result->validation_accuracy))
        fprintf(to, "validation accuracy %.1f %%, ", 100 * result->validation_accuracy);
    fprintf(to, "epoch %d of %d%s, %.0f s\n", result->epoch, result->epochs,
            result->stopped_early ? " (stopped early)" : "", result->seconds);
}

/* Promises only a checkpoint that is there. */
static int stopped(const char *checkpoint) {
    if (is_regular(checkpoint) && !is_handed(checkpoint))
        cli_complain("stopped; everything so far is in %s: the same command with --resume goes on",
                     checkpoint);
    else
        cli_complain("stopped; there is no checkpoint to go on from (--checkpoint FILE keeps one)");
    return EXIT_INTERRUPTED;
}

int cli_train(const cli_training *t, tern_context *c, tern_train_options *options,
              tern_status (*train)(void *user, tern_model **model, tern_context *c), void *user) {
    tern_model *model = NULL;
    tern_train_result result;
    const bool regular = keeps_files_beside(t->output);
    char *checkpoint = t->checkpoint ? strdup(t->checkpoint) : beside(t->output, ".ckpt");
    char *log = t->log ? strdup(t->log) : beside(t->output, ".jsonl");
    int code = EXIT_OK;
    options->resume = t->resume;
    options->output = t->output;
    if (regular || t->checkpoint) options->checkpoint = checkpoint;
    if (regular || t->log) options->log = log;
    if (t->resume && (!options->checkpoint || access(checkpoint, F_OK))) {
        cli_complain("--resume: there is no checkpoint%s%s to go on from",
                     options->checkpoint ? " " : "", options->checkpoint ? checkpoint : "");
        code = EXIT_IO;
        goto done;
    }
    if (!t->resume && !t->overwrite && is_checkpoint(options->checkpoint)) {
        cli_complain("%s: an earlier training's checkpoint is there; --resume goes on from it, "
                     "--overwrite begins anew and loses it",
                     checkpoint);
        code = EXIT_IO;
        goto done;
    }
    options->on_progress = cli_progress_train;
    options->user = (void *)(uintptr_t)t;
    options->result = &result;
    cli_catch_interrupts();
    tern_status st = train(user, &model, c);
    cli_progress_clear();
    if (st == TERN_ERR_INTERRUPTED) {
        code = stopped(options->checkpoint);
        goto done;
    }
    if (st == TERN_OK && (st = tern_model_save(model, t->output)) != TERN_OK &&
        is_regular(options->checkpoint))
        cli_complain("the model was trained but not written; %s is kept, --resume writes it again",
                     checkpoint);
    if (st != TERN_OK) {
        code = cli_failed(c, st);
        goto done;
    }
    if (options->checkpoint && !t->checkpoint) unlink(checkpoint);
    report(regular ? stdout : stderr, t, &result);
done:
    tern_model_free(model);
    free(checkpoint);
    free(log);
    return code;
}
