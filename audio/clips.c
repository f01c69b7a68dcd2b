/* Lists the clips of a data set from a folder per label or from a CSV. Knows folders and tables;
 * opens no sound file. */
#include "clips.h"

#include "core/base/csv.h"
#include "core/base/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- names ---- */

/* The number of a name, which is added if it is new; -1: no memory. */
static int64_t number_of(tern_context *c, tern__name_list *names, const char *name) {
    int64_t found = tern__names_find(&names->numbers, name);
    if (found >= 0) return found;
    if (names->count == names->capacity) {
        char **at =
            tern__grow(c, names->at, names->count, &names->capacity, names->count + 1, sizeof *at);
        if (!at) return -1;
        names->at = at;
    }
    char *copy = tern__strdup(c, name);
    if (!copy || tern__names_set(&names->numbers, c, copy, (int)names->count) != TERN_OK) {
        tern__free(c, copy);
        return -1;
    }
    names->at[names->count] = copy;
    return (int64_t)names->count++;
}

static void free_names(tern_context *c, tern__name_list *names) {
    tern__names_clear(&names->numbers, c);
    for (size_t i = 0; i < names->count; i++) tern__free(c, names->at[i]);
    tern__free(c, names->at);
    memset(names, 0, sizeof *names);
}

const char *tern__name_list_text(const tern__name_list *names, char *out, size_t size) {
    size_t used = 0, i;
    out[0] = 0;
    for (i = 0; i < names->count && used + strlen(names->at[i]) + 24 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names->at[i]);
    if (i < names->count) snprintf(out + used, size - used, " and %zu more", names->count - i);
    return out;
}

const char *tern__clip_text(const tern__clips *clips, const tern__clip *clip, char *out,
                            size_t size) {
    if (clip->line)
        snprintf(out, size, "%s, line %zu: %s", clips->path, clip->line, clip->path);
    else
        snprintf(out, size, "%s", clip->path);
    return out;
}

/* ---- clips ---- */

void tern__clips_free(tern__clips *clips) {
    tern_context *c = clips->context;
    if (!c) return;
    for (size_t i = 0; i < clips->count; i++) tern__free(c, clips->at[i].path);
    tern__free(c, clips->at);
    tern__free(c, clips->path);
    free_names(c, &clips->labels);
    free_names(c, &clips->folds);
    free_names(c, &clips->groups);
    tern__label_cleaner_clear(&clips->cleaner);
    tern__spellings_clear(&clips->spellings);
    tern__spellings_clear(&clips->lost);
    memset(clips, 0, sizeof *clips);
}

/* Adds a clip; takes path over, also on failure. */
static tern_status add(tern__clips *clips, char *path, size_t line, const char *label,
                       const char *fold, const char *group) {
    tern_context *c = clips->context;
    tern__clip clip = {path, line, -1, -1, -1};
    const char *clean;
    if (!path) return TERN_ERR_MEMORY;
    if (tern__label_clean(&clips->cleaner, &clean, label) != TERN_OK ||
        tern__spellings_note(&clips->spellings, label, clean) != TERN_OK)
        goto failed;
    if (clips->count == clips->capacity) {
        tern__clip *at =
            tern__grow(c, clips->at, clips->count, &clips->capacity, clips->count + 1, sizeof *at);
        if (!at) goto failed;
        clips->at = at;
    }
    if ((clip.label = number_of(c, &clips->labels, clean)) < 0) goto failed;
    if (fold && (clip.fold = number_of(c, &clips->folds, fold)) < 0) goto failed;
    if (group && (clip.group = number_of(c, &clips->groups, group)) < 0) goto failed;
    clips->at[clips->count++] = clip;
    return TERN_OK;
failed:
    tern__free(c, path);
    return TERN_ERR_MEMORY;
}

/* Notes a label that has no clip, so far as this says. */
static tern_status note_lost(tern__clips *clips, const char *label) {
    const char *clean;
    tern_status st = tern__label_clean(&clips->cleaner, &clean, label);
    return st == TERN_OK && *clean ? tern__spellings_note(&clips->lost, label, clean) : st;
}

/* ---- a folder per label ---- */

static bool sounds_by_name(const char *name) {
    static const char *const endings[] = {
        "wav", "wave", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc",  "au", "snd",
        "w64", "rf64", "caf",  "voc", "sph", "nist", "paf", "svx", "8svx", "ircam", "sf"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot + 1, endings[i])) return true;
    return false;
}

typedef struct listing {
    tern__clips *clips;
    const char *label;  /* of the folder at hand */
    size_t group_start; /* where in a path the folders below the label's begin */
    size_t folders;
    tern__shown loose, left_out;
} listing;

/* Adds a sound beneath a label's folder; its group is the folders between, NULL at the top. */
static tern_status add_sound(void *listing_, const tern__entry *e) {
    listing *l = listing_;
    tern_context *c = l->clips->context;
    if (!e->is_file || !sounds_by_name(e->name)) {
        tern__shown_add(&l->left_out, e->path + strlen(l->clips->path) + 1);
        return TERN_OK;
    }
    const size_t name_start = strlen(e->path) - strlen(e->name);
    char *group = NULL;
    if (name_start > l->group_start &&
        !(group = tern__strndup(c, e->path + l->group_start, name_start - 1 - l->group_start)))
        return TERN_ERR_MEMORY;
    const tern_status st = add(l->clips, tern__strdup(c, e->path), 0, l->label, NULL, group);
    tern__free(c, group);
    return st;
}

static tern_status add_label(void *listing_, const tern__entry *e) {
    listing *l = listing_;
    if (!e->is_folder) {
        tern__shown_add(&l->loose, e->name);
        return TERN_OK;
    }
    l->folders++;
    l->label = e->name;
    l->group_start = strlen(e->path) + 1;
    const size_t before = l->clips->count;
    const tern_status st = tern__folder_walk(l->clips->context, e->path, add_sound, l);
    return st == TERN_OK && l->clips->count == before ? note_lost(l->clips, e->name) : st;
}

static tern_status list_folder(tern__clips *clips) {
    tern_context *c = clips->context;
    listing l = {.clips = clips};
    tern_status st = tern__folder_list(c, clips->path, add_label, &l);
    if (st != TERN_OK) return st;
    if (!l.folders)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "%s: there are no folders in it (%zu files); a data set is a folder per "
                          "label with the sounds inside, or a CSV file that names them",
                          clips->path, l.loose.count);
    if (!clips->count)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "%s: none of the files in its %zu folders is a sound by its name (.wav, "
                          ".flac, .ogg, ...)",
                          clips->path, l.folders);
    tern__spellings_lost(&clips->spellings, &clips->lost, &clips->findings, "without a sound");
    if (l.left_out.count)
        tern__findings_add(&clips->findings, "%zu file%s no sound by the name and left out: %s",
                           l.left_out.count, l.left_out.count == 1 ? " is" : "s are",
                           tern__shown_text(&l.left_out));
    if (l.loose.count)
        tern__findings_add(&clips->findings,
                           "%zu file%s beside the folders of labels %s left out: %s", l.loose.count,
                           l.loose.count == 1 ? "" : "s", l.loose.count == 1 ? "was" : "were",
                           tern__shown_text(&l.loose));
    return TERN_OK;
}

/* ---- a CSV ---- */

typedef struct columns {
    size_t file, label, fold, group;
    bool has_fold, has_group;
} columns;

static tern_status find_columns(columns *k, const tern__csv *csv,
                                const tern_audio_dataset_options *options) {
    const char *file = options->file_column, *label = options->label_column;
    if (!file) file = options->no_header ? "1" : "filename";
    if (!label) label = options->no_header ? "2" : "category";
    tern_status st = tern__csv_column(csv, file, &k->file);
    if (st == TERN_OK) st = tern__csv_column(csv, label, &k->label);
    k->has_fold =
        options->fold_column || (!options->no_header && tern__csv_has_column(csv, "fold"));
    if (st == TERN_OK && k->has_fold)
        st = tern__csv_column(csv, options->fold_column ? options->fold_column : "fold", &k->fold);
    k->has_group = options->group_column;
    if (st == TERN_OK && k->has_group) st = tern__csv_column(csv, options->group_column, &k->group);
    return st;
}

static bool wanted(const tern_audio_dataset_options *options, const char *fold) {
    for (size_t i = 0; i < options->n_folds; i++)
        if (!strcmp(options->folds[i], fold)) return true;
    return options->n_folds == 0;
}

static tern_status add_row(tern__clips *clips, const tern__csv *csv, const columns *k,
                           const tern_audio_dataset_options *options, tern__name_list *all_folds) {
    tern_context *c = clips->context;
    const char *file = csv->fields[k->file], *label = csv->fields[k->label];
    const char *fold = k->has_fold ? csv->fields[k->fold] : NULL;
    if (!*file) return tern__csv_fail(csv, TERN_ERR_FORMAT, "the file name is empty");
    if (!label[strspn(label, " \t")])
        return tern__csv_fail(csv, TERN_ERR_FORMAT, "the label of %s is empty", file);
    if (fold && number_of(c, all_folds, fold) < 0) return TERN_ERR_MEMORY;
    if (fold && !wanted(options, fold)) return note_lost(clips, label);
    const char *slash = clips->piped ? NULL : strrchr(clips->path, '/');
    char *path;
    if (file[0] == '/')
        path = tern__strdup(c, file);
    else if (options->root)
        path = tern__format(c, "%s/%s", options->root, file);
    else if (slash)
        path = tern__format(c, "%.*s/%s", (int)(slash - clips->path), clips->path, file);
    else
        path = tern__strdup(c, file);
    return add(clips, path, csv->line, label, fold, k->has_group ? csv->fields[k->group] : NULL);
}

static tern_status read_csv(tern__clips *clips, const tern_audio_dataset_options *options) {
    tern_context *c = clips->context;
    tern__csv *csv = NULL;
    tern__name_list all_folds = {0};
    columns k = {0};
    char text[300];
    tern_status st = tern__csv_open(&csv, c, clips->path, 0, !options->no_header);
    if (st == TERN_OK) st = find_columns(&k, csv, options);
    if (st == TERN_OK && options->n_folds && !k.has_fold)
        st =
            tern__fail(c, TERN_ERR_FORMAT,
                       "%s: folds are asked for, but it has no column 'fold'; name the column with "
                       "--fold-column",
                       clips->path);
    for (bool got = true; st == TERN_OK;) {
        st = tern__csv_next(csv, &got);
        if (st != TERN_OK || !got) break;
        st = add_row(clips, csv, &k, options, &all_folds);
    }
    for (size_t i = 0; st == TERN_OK && i < options->n_folds; i++)
        if (tern__names_find(&all_folds.numbers, options->folds[i]) < 0)
            st = tern__fail(c, TERN_ERR_ARGUMENT, "%s: there is no fold '%s'; the folds are %s",
                            clips->path, options->folds[i],
                            tern__name_list_text(&all_folds, text, sizeof text));
    if (st == TERN_OK && !clips->count)
        st = tern__fail(c, TERN_ERR_FORMAT, "%s: there are no rows under the header", clips->path);
    tern__spellings_lost(&clips->spellings, &clips->lost, &clips->findings, "in other folds only");
    free_names(c, &all_folds);
    tern__csv_close(csv);
    return st;
}

/* ---- labels ---- */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The one warning about labels and files. */
static void report(tern__clips *clips, const tern__name_list *own) {
    tern__shown never = {0};
    for (size_t i = 0; i < clips->labels.count; i++)
        if (tern__names_find(&own->numbers, clips->labels.at[i]) < 0)
            tern__shown_add(&never, clips->labels.at[i]);
    if (never.count)
        tern__findings_add(&clips->findings, "%zu label%s never occur%s: %s", never.count,
                           never.count == 1 ? "" : "s", never.count == 1 ? "s" : "",
                           tern__shown_text(&never));
    tern__spellings_merged(&clips->spellings, &clips->findings);
    tern__findings_many(&clips->findings, own->count, clips->count, clips->count, "label", "clips");
    tern__findings_log(&clips->findings, clips->context, clips->path);
}

/* Puts the labels into their order, the given one or sorted, and renumbers the clips. */
static tern_status order_labels(tern__clips *clips, const tern_audio_dataset_options *options) {
    tern_context *c = clips->context;
    tern__name_list old = clips->labels, ordered = {0};
    const size_t n = options->n_labels ? options->n_labels : old.count;
    tern_status st = TERN_OK;
    char text[400], name[600];
    const char **sorted = tern__alloc(c, n * sizeof *sorted);
    if (!sorted) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) sorted[i] = options->n_labels ? options->labels[i] : old.at[i];
    if (!options->n_labels) qsort(sorted, n, sizeof *sorted, compare_names);
    for (size_t i = 0; i < n && st == TERN_OK; i++) {
        const char *clean = NULL;
        st = tern__label_clean(&clips->cleaner, &clean, sorted[i]);
        if (st == TERN_OK && number_of(c, &ordered, clean) < 0) st = TERN_ERR_MEMORY;
    }
    tern__free(c, sorted);
    for (size_t i = 0; st == TERN_OK && i < clips->count; i++) {
        const char *label = old.at[clips->at[i].label];
        if ((clips->at[i].label = tern__names_find(&ordered.numbers, label)) < 0)
            st = tern__fail(c, TERN_ERR_FORMAT,
                            "%s has the label '%s', which the model does not know; "
                            "it knows %s",
                            tern__clip_text(clips, &clips->at[i], name, sizeof name), label,
                            tern__name_list_text(&ordered, text, sizeof text));
    }
    clips->labels = ordered;
    if (st == TERN_OK) report(clips, &old);
    free_names(c, &old);
    return st;
}

tern_status tern__clips_read(tern__clips *clips, tern_context *c, const char *path,
                             const tern_audio_dataset_options *options) {
    struct stat info;
    memset(clips, 0, sizeof *clips);
    clips->context = clips->cleaner.context = clips->spellings.context = clips->lost.context = c;
    tern_status st = TERN_ERR_MEMORY;
    if (!(clips->path = tern__strdup(c, path))) goto failed;
    for (size_t n = strlen(clips->path); n > 1 && clips->path[n - 1] == '/'; n--)
        clips->path[n - 1] = 0;
    bool folder = false;
    if (strcmp(path, "-")) {
        if (stat(path, &info)) {
            st = tern__fail(c, TERN_ERR_IO,
                            "%s: %s; the data set is a folder with a folder per label, "
                            "or a CSV file",
                            path, strerror(errno));
            goto failed;
        }
        folder = S_ISDIR(info.st_mode);
        clips->piped = !folder && !S_ISREG(info.st_mode);
    }
    if (folder && options->n_folds) {
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "%s: folds are asked for, but only CSV files have them", path);
        goto failed;
    }
    st = folder ? list_folder(clips) : read_csv(clips, options);
    if (st == TERN_OK) st = order_labels(clips, options);
    if (st == TERN_OK) return TERN_OK;
failed:
    tern__clips_free(clips);
    return st;
}
