/* The run log: one JSON object a line, an epoch a line. Numbers are jansson's, in any locale. */
#include "train_run.h"

#include "core/base/file.h"
#include "core/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static tern_status dump(char **text, tern_context *c, const json_t *line) {
    return tern__json_dump(text, c, "a line of the log", line,
                           JSON_COMPACT | JSON_REAL_PRECISION(9));
}

static tern_status write_line(tern__file_writer *w, tern_context *c, const json_t *line) {
    char *text;
    tern_status st = dump(&text, c, line);
    if (st == TERN_OK) st = tern__file_write(w, text, strlen(text));
    if (st == TERN_OK) st = tern__file_write(w, "\n", 1);
    tern__free(c, text);
    return st;
}

tern_status tern__log_start(tern_context *c, const char *path, const json_t *history) {
    tern__file_writer *w;
    tern_status st = tern__file_writer_open(&w, c, path);
    for (size_t i = 0; st == TERN_OK && i < json_array_size(history); i++)
        st = write_line(w, c, json_array_get(history, i));
    if (st == TERN_OK) return tern__file_writer_commit(&w);
    tern__file_writer_abort(&w);
    return st;
}

/* One write to a file opened for appending: a killed run leaves whole lines, or a piece of the last
 * one, which the next sitting's start puts right. */
tern_status tern__log_append(tern_context *c, const char *path, const json_t *line) {
    char *text;
    tern_status st = dump(&text, c, line);
    if (st != TERN_OK) return st;
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of the final 0 */
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    bool written = file >= 0 && write(file, text, length + 1) == (ssize_t)(length + 1);
    int error = errno;
    if (file >= 0 && close(file) != 0 && written) {
        written = false;
        error = errno;
    }
    tern__free(c, text);
    return written ? TERN_OK
                   : tern__fail(c, TERN_ERR_IO, "log '%s' could not be written: %s", path,
                                strerror(error));
}

json_t *tern__log_line(const tern__run *r, bool best, double learning_rate) {
    const tern__run_state *s = &r->state;
    double samples = (double)s->samples;
    double accuracy = s->counted ? (double)s->correct / (double)s->counted : NAN;
    json_t *line = json_object();
    tern__json_set(&line, "epoch", json_integer(s->epoch));
    tern__json_set(&line, "loss", tern__json_number(s->loss_sum / samples));
    tern__json_set(&line, "accuracy", tern__json_number(accuracy));
    if (r->options.validation) {
        tern__json_set(&line, "validation_loss", tern__json_number(s->validation_loss));
        tern__json_set(&line, "validation_accuracy", tern__json_number(s->validation_accuracy));
        tern__json_set(&line, "best", json_boolean(best));
    }
    tern__json_set(&line, "learning_rate", tern__json_number(learning_rate));
    tern__json_set(&line, "seconds", tern__json_number(s->epoch_seconds));
    tern__json_set(&line, "items_per_second", tern__json_number(samples / s->epoch_seconds));
    tern__json_set(&line, "skipped_steps", json_integer(s->skipped));
    return line;
}
