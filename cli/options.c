/* Parses the options of a command from a table and prints the help from the same table. Knows
 * getopt and nothing of what the options mean. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 64
#define ENDS(code) (-(code) - 1)

/* Edits (insert, delete, replace, swap of neighbours) from a to b; 99 if one is too long. */
static int edits(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    int d[34][34];
    if (n > 32 || m > 32) return 99;
    for (size_t i = 0; i <= n; i++) d[i][0] = (int)i;
    for (size_t j = 0; j <= m; j++) d[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *cli_nearest(const char *word, const char *(*next)(const void *list, size_t i),
                        const void *list) {
    const char *best = NULL, *candidate;
    int fewest = strlen(word) <= 4 ? 2 : 3;
    for (size_t i = 0; (candidate = next(list, i)); i++) {
        int distance = edits(word, candidate);
        if (distance > 0 && strlen(word) >= 3 && !strncmp(word, candidate, strlen(word)))
            distance = 1;
        if (distance < fewest) best = candidate, fewest = distance;
    }
    return best;
}

static const char *option_name(const void *list, size_t i) {
    const cli_option *o = list;
    for (; o->name; o++)
        if (o->kind != CLI_HEADING && i-- == 0) return o->name;
    return i == 0 ? "help" : NULL;
}

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

/* Where this line of help ends: at a line feed, or before the last word that still fits. */
static const char *line_end(const char *line) {
    const size_t n = strcspn(line, "\n"), most = HELP_WIDTH - HELP_COLUMN;
    if (n <= most) return line + n;
    for (const char *end = line + most; end > line; end--)
        if (*end == ' ') return end;
    return line + n;
}

static void describe(const cli_option *o) {
    char left[64];
    int n = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                      : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->argument) snprintf(left + n, sizeof left - (size_t)n, " %s", o->argument);
    if (strlen(left) > HELP_COLUMN - 2) printf("%s\n%*s", left, HELP_COLUMN, "");
    else printf("%-*s", HELP_COLUMN, left);
    for (const char *line = o->help;;) {
        const char *end = line_end(line);
        printf("%.*s\n", (int)(end - line), line);
        if (!*end) break;
        printf("%*s", HELP_COLUMN + (*end == ' ' ? 2 : 0), "");
        line = end + 1;
    }
}

void cli_help(const cli_command *command, const cli_option *options) {
    printf("%s\n\nusage: %s %s\n", command->summary, command->name, command->usage);
    if (options) {
        printf("\n");
        for (const cli_option *o = options; o->name; o++)
            if (o->kind == CLI_HEADING) printf("%s%s\n", o == options ? "" : "\n", o->name);
            else describe(o);
        printf("  -h, --help                  this text\n");
    }
    if (command->details) printf("\n%s\n", command->details);
}

static bool read_int(const char *text, int64_t *value) {
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || end == text || *end) return false;
    *value = v;
    return true;
}

static bool read_real(const char *text, double *value) {
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v)) return false;
    *value = v;
    return true;
}

/* Stores an option's argument; EXIT_OK or EXIT_USAGE. */
static int take(const cli_command *command, const cli_option *o, const char *text) {
    if (o->kind == CLI_FLAG) {
        *(bool *)o->target = true;
    } else if (o->kind == CLI_TEXT) {
        if (!*text) return cli_usage(command, "--%s needs a %s, got nothing", o->name, o->argument);
        *(const char **)o->target = text;
    } else if (o->kind == CLI_TEXTS) {
        cli_texts *list = o->target;
        if (!*text) return cli_usage(command, "--%s needs a %s, got nothing", o->name, o->argument);
        if (list->count == sizeof list->at / sizeof *list->at)
            return cli_usage(command, "--%s: more than %zu of them", o->name, list->count);
        list->at[list->count++] = text;
    } else if (o->kind == CLI_INT) {
        int64_t v;
        if (!read_int(text, &v) || (double)v < o->min || (double)v > o->max)
            return cli_usage(command, "--%s takes a whole number from %.0f to %.0f, not '%s'",
                             o->name, o->min, o->max, text);
        *(int64_t *)o->target = v;
    } else {
        double v;
        if (!read_real(text, &v) || v < o->min || v > o->max)
            return cli_usage(command, "--%s takes a number from %g to %g, not '%s'", o->name,
                             o->min, o->max, text);
        *(double *)o->target = v;
    }
    return EXIT_OK;
}

/* The sentence for something that getopt did not understand: argv[at] is the argument it was in. */
static int refuse(const cli_command *command, const cli_option *options, int kind,
                  const char *argument) {
    char word[64] = "";
    if (strncmp(argument, "--", 2))
        return kind == ':' ? cli_usage(command, "-%c needs a value after it", optopt)
                           : cli_usage(command, "there is no option -%c", optopt);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    if (kind == ':') return cli_usage(command, "--%s needs a value after it", word);
    int prefixed = 0;
    for (const cli_option *o = options; o->name; o++) {
        if (o->kind == CLI_HEADING) continue;
        if (!strcmp(o->name, word)) return cli_usage(command, "--%s takes no value", word);
        prefixed += !strncmp(o->name, word, strlen(word));
    }
    if (prefixed > 1)
        return cli_usage(command, "--%s could be any of %d options; write it out", word, prefixed);
    const char *near = cli_nearest(word, option_name, options);
    return near ? cli_usage(command, "there is no option --%s; did you mean --%s?", word, near)
                : cli_usage(command, "there is no option --%s", word);
}

int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv) {
    struct option longs[MAX_OPTIONS + 2];
    const cli_option *by_index[MAX_OPTIONS + 2];
    char shorts[2 * MAX_OPTIONS + 4] = ":h";
    size_t n = 0, s = 2;
    for (const cli_option *o = options; o->name && n < MAX_OPTIONS; o++) {
        if (o->kind == CLI_HEADING) continue;
        bool argument = o->kind != CLI_FLAG;
        by_index[n] = o;
        longs[n] = (struct option){o->name, argument ? required_argument : no_argument, NULL,
                                   256 + (int)n};
        n++;
        if (!o->letter) continue;
        shorts[s++] = o->letter;
        if (argument) shorts[s++] = ':';
    }
    shorts[s] = 0;
    longs[n] = (struct option){"help", no_argument, NULL, 'h'};
    longs[n + 1] = (struct option){0};
    optind = 0;
    opterr = 0;
    for (;;) {
        int before = optind ? optind : 1;
        int kind = getopt_long(argc, argv, shorts, longs, NULL);
        if (kind < 0) return optind;
        const cli_option *o = NULL;
        if (kind == 'h') {
            cli_help(command, options);
            return ENDS(cli_finish(EXIT_OK));
        }
        if (kind == '?' || kind == ':')
            return ENDS(refuse(command, options, kind,
                               argv[optind > before ? optind - 1 : before]));
        if (kind >= 256) o = by_index[kind - 256];
        for (size_t i = 0; !o && i < n; i++)
            if (by_index[i]->letter == kind) o = by_index[i];
        int code = take(command, o, optarg);
        if (code != EXIT_OK) return ENDS(code);
    }
}

const char **cli_split(const char *text, size_t *count) {
    size_t parts = 1, n = 0;
    for (const char *s = text; *s; s++) parts += *s == ',';
    const char **list = malloc((parts + 1) * sizeof *list + strlen(text) + 1);
    if (!list) return NULL;
    char *copy = strcpy((char *)(list + parts + 1), text);
    for (char *s = copy, *comma; s; s = comma) {
        if ((comma = strchr(s, ','))) *comma++ = 0;
        if (*s) list[n++] = s;
    }
    list[n] = NULL;
    *count = n;
    return list;
}
