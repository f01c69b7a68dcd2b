/* Parses the options of a command from a table and prints the help from the same table, its own
 * rows and the library's (core/graph/options.h). Knows getopt and nothing of what the options mean.
 */
#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 64
#define ENDS(code) (-(code)-1)

/* A line of the table as it is used: one of the command's own or of the library's. */
typedef struct line {
    tern__option option; /* its name has no _ */
    char name[32];
    void *object;
    cli_kind kind; /* CLI_LIBRARY: option.kind says it */
} line;

typedef struct lines { /* those of one table */
    line at[MAX_OPTIONS + 1];
    size_t count;
} lines;

static void add(lines *all, const tern__option *option, void *object, cli_kind kind) {
    line *l = &all->at[all->count];
    if (all->count == MAX_OPTIONS) return;
    all->count++;
    *l = (line){*option, "", object, kind};
    if (kind == CLI_HEADING) return;
    snprintf(l->name, sizeof l->name, "%s", option->flag ? option->flag : option->name);
    for (char *s = l->name; *s; s++)
        if (*s == '_') *s = '-';
    l->option.name = l->name;
}

static void flatten(lines *all, const cli_option *options) {
    static const tern__option_kind kinds[] = {
        [CLI_FLAG] = TERN__OPTION_FLAG,  [CLI_TEXT] = TERN__OPTION_TEXT,
        [CLI_TEXTS] = TERN__OPTION_TEXT, [CLI_INT] = TERN__OPTION_INT64,
        [CLI_REAL] = TERN__OPTION_REAL,  [CLI_HEADING] = TERN__OPTION_FLAG};
    all->count = 0;
    for (const cli_option *o = options; o && o->name; o++) {
        if (o->kind == CLI_LIBRARY) {
            const cli_rows *rows = o->target;
            const tern__option *row = tern__option_find(rows->table, o->name),
                               *last = tern__option_find(rows->table, o->argument);
            for (; row && row <= last; row++) {
                tern__option option = *row;
                if (o->help) option.sentence = o->help;
                if (option.sentence) add(all, &option, rows->object, CLI_LIBRARY);
            }
            continue;
        }
        const tern__option own = {.name = o->name,
                                  .kind = kinds[o->kind],
                                  .letter = o->letter,
                                  .argument = o->argument,
                                  .sentence = o->help,
                                  .least = o->min,
                                  .most = o->kind == CLI_FLAG ? 1 : o->max};
        add(all, &own, o->target, o->kind);
    }
}

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
    const lines *all = list;
    for (const line *l = all->at; l < all->at + all->count; l++)
        if (l->kind != CLI_HEADING && i-- == 0) return l->name;
    return i == 0 ? "help" : NULL;
}

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

/* Where this line of help ends: at a line feed, or before the last word that still fits. */
static const char *line_end(const char *text) {
    const size_t n = strcspn(text, "\n"), most = HELP_WIDTH - HELP_COLUMN;
    if (n <= most) return text + n;
    for (const char *end = text + most; end > text; end--)
        if (*end == ' ') return end;
    return text + n;
}

static void describe(const tern__option *o) {
    char left[64];
    int n = o->letter ? snprintf(left, sizeof left, "  -%c, --%s", o->letter, o->name)
                      : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->argument) snprintf(left + n, sizeof left - (size_t)n, " %s", o->argument);
    if (strlen(left) > HELP_COLUMN - 2)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    for (const char *text = o->sentence;;) {
        const char *end = line_end(text);
        printf("%.*s\n", (int)(end - text), text);
        if (!*end) break;
        printf("%*s", HELP_COLUMN + (*end == ' ' ? 2 : 0), "");
        text = end + 1;
    }
}

void cli_help(const cli_command *command, const cli_option *options) {
    printf("%s\n\nusage: %s %s\n", command->summary, command->name, command->usage);
    if (options) {
        lines all;
        flatten(&all, options);
        printf("\n");
        for (const line *l = all.at; l < all.at + all.count; l++)
            if (l->kind == CLI_HEADING)
                printf("%s%s\n", l == all.at ? "" : "\n", l->option.name);
            else
                describe(&l->option);
        printf("  -h, --help                  this text\n");
    }
    if (command->details) printf("\n%s\n", command->details);
}

/* "a, b or c" */
static void list_choices(char *out, size_t size, const tern__option *o) {
    for (int i = 0; o->choices[i]; i++, size -= strlen(out), out += strlen(out))
        snprintf(out, size, "%s%s", i == 0 ? "" : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
}

/* Stores an option's argument; EXIT_OK or EXIT_USAGE. */
static int take(const cli_command *command, const line *l, const char *text) {
    const tern__option *o = &l->option;
    char names[200];
    if (l->kind == CLI_TEXTS && *text) {
        cli_texts *list = l->object;
        if (list->count == sizeof list->at / sizeof *list->at)
            return cli_usage(command, "--%s: more than %zu of them", o->name, list->count);
        list->at[list->count++] = text;
        return EXIT_OK;
    }
    if (tern__option_take(o, l->object, text)) return EXIT_OK;
    if (o->kind == TERN__OPTION_TEXT)
        return cli_usage(command, "--%s needs a %s, got nothing", o->name, o->argument);
    if (o->kind == TERN__OPTION_REAL)
        return cli_usage(command, "--%s takes a number from %g to %g, not '%s'", o->name, o->least,
                         o->most, text);
    if (o->kind != TERN__OPTION_CHOICE)
        return cli_usage(command, "--%s takes a whole number from %.0f to %.0f, not '%s'", o->name,
                         o->least, o->most, text);
    list_choices(names, sizeof names, o);
    return cli_usage(command, "--%s is %s, not '%s'", o->name, names, text);
}

/* The sentence for something that getopt did not understand: argv[at] is the argument it was in. */
static int refuse(const cli_command *command, const lines *all, int kind, const char *argument) {
    char word[64] = "";
    if (strncmp(argument, "--", 2))
        return kind == ':' ? cli_usage(command, "-%c needs a value after it", optopt)
                           : cli_usage(command, "there is no option -%c", optopt);
    snprintf(word, sizeof word, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
    if (kind == ':') return cli_usage(command, "--%s needs a value after it", word);
    int prefixed = 0;
    for (const line *l = all->at; l < all->at + all->count; l++) {
        if (l->kind == CLI_HEADING) continue;
        if (!strcmp(l->name, word)) return cli_usage(command, "--%s takes no value", word);
        prefixed += !strncmp(l->name, word, strlen(word));
    }
    if (prefixed > 1)
        return cli_usage(command, "--%s could be any of %d options; write it out", word, prefixed);
    const char *near = cli_nearest(word, option_name, all);
    return near ? cli_usage(command, "there is no option --%s; did you mean --%s?", word, near)
                : cli_usage(command, "there is no option --%s", word);
}

int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv) {
    lines all;
    struct option longs[MAX_OPTIONS + 2];
    char shorts[2 * MAX_OPTIONS + 4] = ":h";
    const line *by_index[MAX_OPTIONS];
    size_t n = 0, s = 2;
    flatten(&all, options);
    for (const line *l = all.at; l < all.at + all.count; l++) {
        if (l->kind == CLI_HEADING) continue;
        const bool argument = l->option.kind != TERN__OPTION_FLAG;
        by_index[n] = l;
        longs[n] = (struct option){l->name, argument ? required_argument : no_argument, NULL,
                                   256 + (int)n};
        n++;
        if (!l->option.letter) continue;
        shorts[s++] = l->option.letter;
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
        const line *l = NULL;
        if (kind == 'h') {
            cli_help(command, options);
            return ENDS(cli_finish(EXIT_OK));
        }
        if (kind == '?' || kind == ':')
            return ENDS(refuse(command, &all, kind, argv[optind > before ? optind - 1 : before]));
        if (kind >= 256) l = by_index[kind - 256];
        for (size_t i = 0; !l && i < n; i++)
            if (by_index[i]->option.letter == kind) l = by_index[i];
        int code = take(command, l, l->option.kind == TERN__OPTION_FLAG ? NULL : optarg);
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
