/* Lists the pictures of folders and finds the mask that belongs to a picture. Opens no picture. */
#include "files.h"

#include "core/folder.h"

#include <tern/vision_mask.h>

#include <stdio.h>
#include <string.h>

/* Adds a file; takes path over, also on failure. */
static tern_status add(tern__file_list *list, char *path) {
    tern_context *c = list->context;
    const size_t n = list->count;
    if (!path) return TERN_ERR_MEMORY;
    const char *dot = strrchr(path, '.');
    char *key = tern__strndup(c, path + list->key_start, (size_t)(dot - path) - list->key_start);
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

static tern_status add_entry(void *list_, const tern__entry *e) {
    tern__file_list *list = list_;
    if (e->is_file && tern_image_is_name(e->path))
        return add(list, tern__strdup(list->context, e->path));
    list->left_out++;
    return TERN_OK;
}

tern_status tern__files_read(tern__file_list *list, tern_context *c, const char *folder) {
    *list = (tern__file_list){.context = c, .key_start = strlen(folder) + 1};
    tern_status st = tern__folder_walk(c, folder, add_entry, list);
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

static tern_status add_folder(void *list_, const tern__entry *e) {
    tern__file_list *list = list_;
    tern_context *c = list->context;
    if (!e->is_folder) return TERN_OK;
    char **paths = tern__grow(c, list->path, list->count, &list->path_capacity, list->count + 1,
                              sizeof *paths);
    if (!paths) return TERN_ERR_MEMORY;
    list->path = paths;
    if (!(paths[list->count] = tern__strdup(c, e->name))) return TERN_ERR_MEMORY;
    list->count++;
    return TERN_OK;
}

tern_status tern__files_folders(tern__file_list *list, tern_context *c, const char *folder) {
    *list = (tern__file_list){.context = c};
    return tern__folder_list(c, folder, add_folder, list);
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
