/* Lists the pictures of folders and finds the mask that belongs to a picture. Opens no picture. */
#include "files.h"

#include "core/base/folder.h"

#include <tern/vision_mask.h>

#include <stdio.h>
#include <string.h>

/* Adds a file; takes path over, also on failure. */
static tern_status add(tern__file_list *list, char *path) {
    tern_context *c = list->context;
    const size_t n = list->count;
    if (!path) return TERN_ERR_MEMORY;
    const char *end = list->labelled ? path + strlen(path) : strrchr(path, '.');
    char *key = tern__strndup(c, path + list->key_start, (size_t)(end - path) - list->key_start);
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
    tern__shown_add(&list->shown, e->path);
    return TERN_OK;
}

tern_status tern__files_read(tern__file_list *list, tern_context *c, const char *folder,
                             bool labelled) {
    *list = (tern__file_list){.context = c, .labelled = labelled, .key_start = strlen(folder) + 1};
    tern_status st = tern__folder_walk(c, folder, add_entry, list);
    if (st != TERN_OK) return st;
    if (!list->count)
        return tern__fail(
            c, TERN_ERR_FORMAT,
            "%s: no file in it is a picture by its name (.png, .jpg, .pnm, .pgm, .ppm)%s", folder,
            list->left_out ? "; convert others first (mogrify -format png)" : "");
    if (list->left_out)
        tern__log(
            c, TERN_LOG_WARNING,
            "%s: %zu files are no PNG, JPEG or PNM pictures by their names and were left out: %s",
            folder, list->left_out, tern__shown_text(&list->shown));
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

/* What is put after a picture's name to name its mask. */
static const char *const endings[] = {
    "",     "_mask", "-mask", "_masks",        "_label",   "-label", "_labels",
    "_seg", "-seg",  "_gt",   "_segmentation", "_manual1", "_matte"};
enum { ENDINGS = sizeof endings / sizeof *endings };

int tern__files_match(const tern__file_list *list, const char *key) {
    char name[1024];
    for (size_t i = 0; i < ENDINGS; i++) {
        if (snprintf(name, sizeof name, "%s%s", key, endings[i]) >= (int)sizeof name) continue;
        const int number = tern__names_find(&list->numbers, name);
        if (number >= 0) return number;
    }
    return -1;
}

/* Is this the mask of a picture of the list by its name? */
static bool is_mask(const tern__file_list *list, const char *key) {
    char name[1024];
    const size_t length = strlen(key);
    for (size_t i = 1; i < ENDINGS; i++) {
        const size_t n = strlen(endings[i]);
        if (length <= n || length - n >= sizeof name || strcmp(key + length - n, endings[i]))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(length - n), key);
        if (tern__names_find(&list->numbers, name) >= 0) return true;
    }
    return false;
}

/* Keeps the masks of a list, or the others. all: the names of both. */
static tern_status keep(tern__file_list *list, const tern__file_list *all, bool masks) {
    tern_context *c = list->context;
    tern__names numbers = {0};
    size_t kept = 0;
    tern_status st = TERN_OK;
    for (size_t i = 0; i < list->count; i++) {
        if (is_mask(all, list->key[i]) == masks) {
            char *path = list->path[i], *key = list->key[i];
            list->path[i] = list->path[kept], list->key[i] = list->key[kept];
            list->path[kept] = path, list->key[kept] = key;
            if (st == TERN_OK) st = tern__names_set(&numbers, c, key, (int)kept);
            kept++;
        }
    }
    for (size_t i = kept; i < list->count; i++) {
        tern__free(c, list->path[i]);
        tern__free(c, list->key[i]);
    }
    list->count = kept;
    tern__names_clear(&list->numbers, c);
    list->numbers = numbers;
    return st;
}

tern_status tern__files_part(tern__file_list *list, tern__file_list *masks, const char *folder) {
    /* The masks go last: their list is what tells both apart. */
    tern_status st = keep(list, masks, false);
    if (st != TERN_OK) return st;
    if (list->count == masks->count)
        return tern__fail(list->context, TERN_ERR_FORMAT,
                          "%s: pictures and masks are one folder, but no name in it ends in _mask, "
                          "_label, _seg, ... after another's (x.png and x_mask.png)",
                          folder);
    return keep(masks, masks, true);
}

tern_status tern_mask_find_files(char **paths, tern_context *c, const char *folder,
                                 const char *const *pictures, size_t count) {
    tern__file_list list;
    char key[1024];
    for (size_t i = 0; i < count; i++) paths[i] = NULL;
    tern_status st = tern__files_read(&list, c, folder, false);
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
