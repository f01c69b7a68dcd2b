/* Lists the pictures of folders and finds the mask that belongs to a picture. Opens no picture. */
#include "files.h"

#include <tern/vision_mask.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST 16 /* folders within folders; also ends loops of links */

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}
static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Adds a file; takes path over, also on failure. key_start: where in it the path within the folder
 * begins. */
static tern_status add(tern__file_list *list, char *path, size_t key_start) {
    tern_context *c = list->context;
    const size_t n = list->count;
    const char *dot = strrchr(path, '.');
    char *key = tern__strndup(c, path + key_start, (size_t)(dot - path) - key_start);
    tern_status st = TERN_ERR_MEMORY;
    if (!key) goto failed;
    const int other = tern__names_find(&list->numbers, key);
    if (other >= 0) {
        st = tern__fail(
            c, TERN_ERR_FORMAT,
            "%s and %s: two pictures that differ in the ending only; masks are matched by "
            "the name without it",
            list->path[other], path);
        goto failed;
    }
    char **paths = tern__grow(c, list->path, n, &list->path_capacity, n + 1, sizeof *paths);
    if (!paths) goto failed;
    list->path = paths;
    char **keys = tern__grow(c, list->key, n, &list->key_capacity, n + 1, sizeof *keys);
    if (!keys) goto failed;
    list->key = keys;
    if ((st = tern__names_set(&list->numbers, c, key, (int)n)) != TERN_OK) goto failed;
    paths[n] = path;
    keys[n] = key;
    list->count++;
    return TERN_OK;
failed:
    tern__free(c, key);
    tern__free(c, path);
    return st;
}

static tern_status list_folder(tern__file_list *list, const char *folder, size_t key_start,
                               int depth) {
    tern_context *c = list->context;
    struct dirent **entries;
    if (depth > DEEPEST)
        return tern__fail(c, TERN_ERR_LIMIT, "%s: more than %d folders within each other", folder,
                          DEEPEST);
    const int n = scandir(folder, &entries, visible, by_name);
    if (n < 0) return tern__fail(c, TERN_ERR_IO, "%s: %s", folder, strerror(errno));
    tern_status st = TERN_OK;
    for (int i = 0; i < n && st == TERN_OK; i++) {
        struct stat info;
        char *path = tern__format(c, "%s/%s", folder, entries[i]->d_name);
        if (!path)
            st = TERN_ERR_MEMORY;
        else if (stat(path, &info))
            st = tern__fail(c, TERN_ERR_IO, "%s: %s", path, strerror(errno));
        else if (S_ISDIR(info.st_mode))
            st = list_folder(list, path, key_start, depth + 1);
        else if (S_ISREG(info.st_mode) && tern_image_is_name(path)) {
            st = add(list, path, key_start);
            path = NULL;
        } else {
            list->left_out++;
        }
        tern__free(c, path);
    }
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    return st;
}

tern_status tern__files_read(tern__file_list *list, tern_context *c, const char *folder) {
    *list = (tern__file_list){.context = c};
    tern_status st = list_folder(list, folder, strlen(folder) + 1, 1);
    if (st != TERN_OK) return st;
    if (!list->count)
        return tern__fail(
            c, TERN_ERR_FORMAT,
            "%s: no file in it is a picture by its name (.png, .jpg, .pnm, .pgm, .ppm)%s", folder,
            list->left_out ? "; convert others first (mogrify -format png)" : "");
    if (list->left_out)
        tern__log(c, TERN_LOG_WARNING,
                  "%s: %zu files are no PNG, JPEG or PNM pictures by their names and were left out",
                  folder, list->left_out);
    return TERN_OK;
}

tern_status tern__files_folders(tern__file_list *list, tern_context *c, const char *folder) {
    struct dirent **entries;
    *list = (tern__file_list){.context = c};
    const int n = scandir(folder, &entries, visible, by_name);
    if (n < 0) return tern__fail(c, TERN_ERR_IO, "%s: %s", folder, strerror(errno));
    tern_status st = TERN_OK;
    for (int i = 0; i < n && st == TERN_OK; i++) {
        struct stat info;
        char *path = tern__format(c, "%s/%s", folder, entries[i]->d_name), **paths = NULL;
        const bool is_folder = path && !stat(path, &info) && S_ISDIR(info.st_mode);
        st = path ? TERN_OK : TERN_ERR_MEMORY;
        tern__free(c, path);
        if (!is_folder) continue;
        paths = tern__grow(c, list->path, list->count, &list->path_capacity, list->count + 1,
                           sizeof *paths);
        if (paths) list->path = paths;
        if (!paths || !(paths[list->count] = tern__strdup(c, entries[i]->d_name)))
            st = TERN_ERR_MEMORY;
        else
            list->count++;
    }
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    return st;
}

void tern__files_free(tern__file_list *list) {
    tern_context *c = list->context;
    if (!c) return;
    tern__names_clear(&list->numbers, c);
    for (size_t i = 0; i < list->count; i++) {
        tern__free(c, list->path[i]);
        if (list->key) tern__free(c, list->key[i]);
    }
    tern__free(c, list->path);
    tern__free(c, list->key);
    *list = (tern__file_list){0};
}

int tern__files_match(const tern__file_list *list, const char *key) {
    static const char *const endings[] = {"",        "_mask", "-mask", "_masks",        "_label",
                                          "_labels", "_seg",  "_gt",   "_segmentation", "_manual1",
                                          "_matte"};
    char name[1024];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (snprintf(name, sizeof name, "%s%s", key, endings[i]) >= (int)sizeof name) continue;
        const int number = tern__names_find(&list->numbers, name);
        if (number >= 0) return number;
    }
    return -1;
}

tern_status tern_mask_find_files(char **paths, tern_context *c, const char *folder,
                                 const char *const *pictures, size_t count) {
    tern__file_list list;
    char key[1024];
    for (size_t i = 0; i < count; i++) paths[i] = NULL;
    tern_status st = tern__files_read(&list, c, folder);
    for (size_t i = 0; st == TERN_OK && i < count; i++) {
        const char *slash = strrchr(pictures[i], '/'), *base = slash ? slash + 1 : pictures[i],
                   *dot = strrchr(base, '.');
        const size_t length = dot && dot > base ? (size_t)(dot - base) : strlen(base);
        snprintf(key, sizeof key, "%.*s", (int)length, base);
        const int number = tern__files_match(&list, key);
        if (number < 0)
            st = tern__fail(c, TERN_ERR_FORMAT,
                            "%s: there is no picture '%s' for %s in this folder (or with _mask, "
                            "_label, ... after the name)",
                            folder, key, pictures[i]);
        else if (!(paths[i] = tern__strdup(c, list.path[number])))
            st = TERN_ERR_MEMORY;
    }
    for (size_t i = 0; st != TERN_OK && i < count; i++) {
        tern__free(c, paths[i]);
        paths[i] = NULL;
    }
    tern__files_free(&list);
    return st;
}
