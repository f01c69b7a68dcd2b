/* The progress of training: a bar on a terminal, a line an epoch elsewhere. Knows nothing of what
 * is trained. */
#include "cli.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.1
/* "epoch 100/100  loss 1.234  validation 100.0 %  1234 clips/s  ETA 1:23:45" */
#define LONGEST_TEXT 68

static volatile sig_atomic_t stopped;
static bool drawn;       /* a bar is on the terminal's last line */
static double last_draw; /* when */

static void stop(int number) {
    stopped = 1;
    signal(number, SIG_DFL);
}

void cli_catch_interrupts(void) {
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_stopped(void) { return stopped; }

void cli_progress_clear(void) {
    if (drawn) fputs("\r\033[K", stderr);
    drawn = false;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool due(bool always) {
    double t = now();
    if (!always && t - last_draw < REDRAW_SECONDS) return false;
    last_draw = t;
    return true;
}

static bool utf8(void) {
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"}, *value = NULL;
    for (int i = 0; i < 3 && !(value && *value); i++) value = getenv(names[i]);
    return value && (strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8"));
}

/* The last line: a bar in the room that a long text leaves, and the text. */
static void draw(double share, const char *text) {
    const bool fine = utf8(), colour = cli_colour(STDERR_FILENO);
    const int columns = cli_columns(STDERR_FILENO), room = columns - LONGEST_TEXT;
    const int bar = room > 30 ? 30 : room, full = (int)(share * bar + 0.5);
    fputs("\r\033[K", stderr);
    if (bar >= 5) {
        fputs(colour ? "\033[36m" : "", stderr);
        for (int i = 0; i < full; i++) fputs(fine ? "\u2501" : "=", stderr);
        fputs(colour ? "\033[2m" : "", stderr);
        for (int i = full; i < bar; i++)
            fputs(fine ? (colour ? "\u2501" : " ") : colour ? "-" : " ", stderr);
        fputs(colour ? "\033[0m " : " ", stderr);
    }
    fprintf(stderr, "%.*s", columns - (bar >= 5 ? bar + 2 : 1), text);
    fflush(stderr);
    drawn = true;
}

const char *cli_duration(double seconds, char *out, size_t size) {
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e7) return "?";
    const long s = (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%ld:%02ld", s / 60, s % 60);
    return out;
}

bool cli_progress_due(bool done) { return isatty(STDERR_FILENO) ? due(done) : done; }

void cli_progress_show(double share, const char *text) {
    if (isatty(STDERR_FILENO))
        draw(share, text);
    else
        fprintf(stderr, "%s\n", text);
}

bool cli_progress_train(void *training_, const tern_train_progress *p) {
    const cli_training *training = training_;
    char text[300], eta[32], validation[100] = "";
    if (training->quiet || !cli_progress_due(p->epoch_done)) return !stopped;
    if (isfinite(p->validation_accuracy))
        snprintf(validation, sizeof validation, "  validation %.1f %%%s",
                 100 * p->validation_accuracy,
                 p->epoch_done && p->best && !isatty(STDERR_FILENO) ? " (best)" : "");
    snprintf(text, sizeof text, "epoch %d/%d  loss %.3f%s  %.0f %s/s  ETA %s", p->epoch, p->epochs,
             p->loss, validation, p->items_per_second, training->unit,
             cli_duration(p->eta, eta, sizeof eta));
    const double batches = (double)(p->batches > 0 ? p->batches : 1);
    const double done = p->epoch - 1 + (p->epoch_done ? 1 : (double)p->batch / batches);
    cli_progress_show(done / p->epochs, text);
    return !stopped;
}

void cli_progress_count(const char *what, size_t done, size_t count) {
    char text[100];
    if (!isatty(STDERR_FILENO) || !due(done == count)) return;
    snprintf(text, sizeof text, "%s %zu/%zu", what, done, count);
    draw((double)done / (double)(count ? count : 1), text);
}
