/* Where models lie that are asked for by name: $TERN_MODELS, and the folder that was installed with
 * the library, which is found from where the library itself lies, so that a tree that was moved
 * works. Must not know what is in a model. */
#define _GNU_SOURCE
#include "model_files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".onnx"

/* $TERN_MODELS, share/ in the folder of the library and in two above it, and where it was meant to
 * go. */
enum { FOLDERS = 5 };
typedef struct folders {
    char at[FOLDERS][PATH_MAX];
    int count;
} folders;

/* The file in which this code was loaded: of the program, if it has the static library. */
typedef struct own_file {
    char path[PATH_MAX];
} own_file;

static int is_own(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    own_file *own = user;
    const uintptr_t here = (uintptr_t)is_own;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type != PT_LOAD || here < from ||
            here - from >= info->dlpi_phdr[i].p_memsz)
            continue;
        /* The program itself has no name in this list. */
        const char *file = info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "/proc/self/exe";
        if (!realpath(file, own->path)) *own->path = 0;
        return 1;
    }
    return 0;
}

static void add(folders *f, const char *base, const char *below) {
    char *at = f->at[f->count];
    if (*base && snprintf(at, PATH_MAX, "%s%s", base, below) < PATH_MAX) f->count++;
}

static void list_folders(folders *f) {
    own_file own = {""};
    const char *wanted = getenv("TERN_MODELS");
    f->count = 0;
    if (wanted) add(f, wanted, "");
    dl_iterate_phdr(is_own, &own);
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(own.path, '/');
        if (!slash) break;
        *slash = 0;
        add(f, own.path, "/share/tern/models");
    }
    add(f, TERN_MODELS_FOLDER, "");
}

static size_t stem(const char *file) { /* length without the suffix; 0: the file is no model */
    const size_t n = strlen(file), suffix = strlen(SUFFIX);
    return n > suffix && *file != '.' && !strcmp(file + n - suffix, SUFFIX) ? n - suffix : 0;
}

static int is_model(const struct dirent *entry) { return stem(entry->d_name) > 0; }
static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_listed(const char *list, const char *name, size_t n) {
    for (const char *at = list; (at = strstr(at, name)); at++)
        if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ',')) return true;
    return false;
}

/* Appends a folder's models to the list; beyond its room they are left out. */
static void list_models(char *list, size_t room, const char *folder) {
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_model, by_name);
    for (int i = 0; i < count; i++) {
        char *name = entries[i]->d_name;
        const size_t n = stem(name), used = strlen(list);
        name[n] = 0;
        if (!is_listed(list, name, n) && used + n + 2 < room)
            snprintf(list + used, room - used, "%s%s", used ? ", " : "", name);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

tern_status tern__model_find(char **path, char **installed, tern_context *c, const char *name) {
    char list[600] = "", file[PATH_MAX + NAME_MAX + 8];
    folders f;
    *installed = NULL;
    *path = NULL;
    const bool absent = access(name, F_OK) != 0 && errno == ENOENT;
    f.count = 0;
    if (absent && *name && !strchr(name, '/')) list_folders(&f);
    for (int i = 0; i < f.count && !*path; i++) {
        snprintf(file, sizeof file, "%s/%s%s", f.at[i], name, stem(name) ? "" : SUFFIX);
        if (access(file, F_OK) == 0 && !(*path = tern__strdup(c, file))) return TERN_ERR_MEMORY;
    }
    if (*path) return TERN_OK;
    for (int i = 0; i < f.count; i++) list_models(list, sizeof list, f.at[i]);
    if (!(*path = tern__strdup(c, name))) return TERN_ERR_MEMORY;
    if (!*list || (*installed = tern__strdup(c, list))) return TERN_OK;
    tern__free(c, *path);
    *path = NULL;
    return TERN_ERR_MEMORY;
}
