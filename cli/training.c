/* What every `tern ... train` does around training: the files beside the model, Ctrl-C, the end. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "a/b.onnx" -> "a/b" + ending, in memory of the caller. */
static char *beside(const char *model, const char *ending) {
    size_t n = strlen(model);
    if (n > 5 && !strcmp(model + n - 5, ".onnx")) n -= 5;
    char *path = malloc(n + strlen(ending) + 1);
    if (path) sprintf(path, "%.*s%s", (int)n, model, ending);
    return path;
}

int cli_check_output(const char *path) {
    struct stat info;
    const char *slash = strrchr(path, '/');
    char folder[4096];
    if (slash) snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else strcpy(folder, ".");
    if (!stat(path, &info) && S_ISDIR(info.st_mode)) {
        cli_complain("%s is a folder; -o takes the name of a file, e.g. %s/model.onnx", path, path);
        return EXIT_IO;
    }
    if (access(folder, W_OK)) {
        cli_complain("%s cannot be written: %s: %s", path, folder, strerror(errno));
        return EXIT_IO;
    }
    return EXIT_OK;
}

static void report(const cli_training *files, const tern_train_result *result) {
    printf("%s: ", files->output);
    if (isfinite(result->validation_accuracy))
        printf("validation accuracy %.1f %%, ", 100 * result->validation_accuracy);
    printf("epoch %d of %d%s, %.0f s\n", result->epoch, result->epochs,
           result->stopped_early ? " (stopped early)" : "", result->seconds);
}

int cli_train(const cli_training *files, tern_context *c, tern_train_options *options,
              tern_status (*train)(void *user, tern_model **model, tern_context *c), void *user) {
    tern_model *model = NULL;
    tern_train_result result;
    struct stat info;
    const bool regular = stat(files->output, &info) || S_ISREG(info.st_mode);
    char *checkpoint =
        files->checkpoint ? strdup(files->checkpoint) : beside(files->output, ".ckpt");
    char *log = files->log ? strdup(files->log) : beside(files->output, ".jsonl");
    int code = EXIT_OK;
    options->resume = files->resume;
    if (regular || files->checkpoint) options->checkpoint = checkpoint;
    if (regular || files->log) options->log = log;
    if (files->resume && (!options->checkpoint || access(checkpoint, F_OK))) {
        cli_complain("--resume: there is no checkpoint %s to go on from", checkpoint);
        code = EXIT_IO;
        goto done;
    }
    options->on_progress = cli_progress_train;
    options->user = (void *)(uintptr_t)files;
    options->result = &result;
    cli_catch_interrupts();
    tern_status st = train(user, &model, c);
    cli_progress_clear();
    if (st == TERN_ERR_INTERRUPTED) {
        cli_complain("stopped; everything so far is in %s: the same command with --resume goes on",
                     checkpoint);
        code = EXIT_INTERRUPTED;
        goto done;
    }
    if (st == TERN_OK && (st = tern_model_save(model, files->output)) != TERN_OK &&
        options->checkpoint)
        cli_complain("the model was trained but not written; %s is kept, --resume writes it again",
                     checkpoint);
    if (st != TERN_OK) {
        code = cli_failed(c, st);
        goto done;
    }
    if (options->checkpoint && !files->checkpoint) unlink(checkpoint);
    report(files, &result);
done:
    tern_model_free(model);
    free(checkpoint);
    free(log);
    return code;
}
