/* Lists folders. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST 16 /* folders within folders; also ends loops of links */

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}
static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

tern_status tern__folder_list(tern_context *c, const char *folder, tern__on_entry on_entry,
                              void *user) {
    struct dirent **entries;
    const int n = scandir(folder, &entries, visible, by_name);
    if (n < 0) return tern__fail(c, TERN_ERR_IO, "%s: %s", folder, strerror(errno));
    tern_status st = TERN_OK;
    for (int i = 0; i < n && st == TERN_OK; i++) {
        struct stat info;
        char *path = tern__format(c, "%s/%s", folder, entries[i]->d_name);
        if (!path) {
            st = TERN_ERR_MEMORY;
            break;
        }
        tern__entry e = {.path = path, .name = entries[i]->d_name};
        if (stat(path, &info)) {
            e.error = errno;
        } else {
            e.is_folder = S_ISDIR(info.st_mode);
            e.is_file = S_ISREG(info.st_mode);
        }
        st = on_entry(user, &e);
        tern__free(c, path);
    }
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    return st;
}

typedef struct walk {
    tern_context *context;
    tern__on_entry on_entry;
    void *user;
    int depth;
} walk;

static tern_status visit(void *walk_, const tern__entry *e) {
    walk *w = walk_;
    if (e->error) return tern__fail(w->context, TERN_ERR_IO, "%s: %s", e->path, strerror(e->error));
    if (!e->is_folder) return w->on_entry(w->user, e);
    if (w->depth == DEEPEST)
        return tern__fail(w->context, TERN_ERR_LIMIT, "%s: more than %d folders within each other",
                          e->path, DEEPEST);
    w->depth++;
    const tern_status st = tern__folder_list(w->context, e->path, visit, w);
    w->depth--;
    return st;
}

tern_status tern__folder_walk(tern_context *c, const char *folder, tern__on_entry on_entry,
                              void *user) {
    walk w = {c, on_entry, user, 1};
    return tern__folder_list(c, folder, visit, &w);
}
