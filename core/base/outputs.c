/* Tells the files that are to be written from those that are read. Must not know what is in them.
 */
#define _GNU_SOURCE
#include "outputs.h"

#include "file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The folder of a path, and the name in it; false if it cannot be looked at. */
static bool look_at_folder(const char *path, struct stat *folder, const char **name) {
    char text[4096];
    const char *slash = strrchr(path, '/');
    const size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    *name = path + length;
    if (length >= sizeof text) return false;
    snprintf(text, sizeof text, "%.*s", slash ? (int)length : 1, slash ? path : ".");
    return stat(text, folder) == 0;
}

/* Where a link leads to nothing yet, the file it will be; else the path. In memory of the caller.
 */
static const char *follow(const char *path, char target[4096]) {
    const ssize_t length = readlink(path, target, 4095);
    if (length <= 0) return path;
    target[length] = 0;
    const char *slash = strrchr(path, '/');
    const size_t folder = slash && *target != '/' ? (size_t)(slash - path) + 1 : 0;
    if (folder + (size_t)length > 4095) return path;
    memmove(target + folder, target, (size_t)length + 1);
    memcpy(target, path, folder);
    return target;
}

/* Would two files that are not there be one? */
static bool same_place(const char *a, const char *b) {
    char targets[2][4096];
    struct stat folders[2];
    const char *names[2];
    return look_at_folder(follow(a, targets[0]), &folders[0], &names[0]) &&
           look_at_folder(follow(b, targets[1]), &folders[1], &names[1]) &&
           same(&folders[0], &folders[1]) && !strcmp(names[0], names[1]);
}

tern_status tern__outputs_look(tern_context *c, tern__output *outputs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        tern__output *a = &outputs[i];
        const bool there = a->path && stat(a->path, &a->info) == 0;
        a->there = there && S_ISREG(a->info.st_mode);
        if (!a->path || (there && !a->there)) continue; /* a pipe, a device, a folder */
        for (size_t k = 0; k < i; k++) {
            const tern__output *b = &outputs[k];
            if (!b->path || a->there != b->there ||
                !(there ? same(&a->info, &b->info) : same_place(a->path, b->path)))
                continue;
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "%s is to be %s, and %s is to be %s: they are the same file", a->path,
                              a->what, b->path, b->what);
        }
    }
    return TERN_OK;
}

tern_status tern__outputs_spare(tern_context *c, const tern__output *outputs, size_t count,
                                const char *input) {
    struct stat info;
    bool looked = false;
    for (size_t i = 0; i < count && input && strcmp(input, "-"); i++) {
        if (!outputs[i].there) continue;
        if (!looked && stat(input, &info) != 0) return TERN_OK;
        looked = true;
        if (same(&outputs[i].info, &info))
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "%s is to be %s, but it is read, as %s, and would be lost",
                              outputs[i].path, outputs[i].what, input);
    }
    return TERN_OK;
}

tern_status tern__output_keeps(tern_context *c, const tern__output *output, const char *mark,
                               int at) {
    char bytes[4096];
    int fd;
    if (!output->path || !output->there || output->info.st_size == 0) return TERN_OK;
    tern_status st = tern__file_open(&fd, c, output->path, "a file");
    if (st != TERN_OK) return st;
    const ssize_t got = pread(fd, bytes, sizeof bytes, 0);
    close(fd);
    const char *found = got > 0 ? memmem(bytes, (size_t)got, mark, strlen(mark)) : NULL;
    if (found && (at < 0 || found == bytes + at)) return TERN_OK;
    return tern__fail(
        c, TERN_ERR_ARGUMENT,
        "%s is to be %s, but what is there is something else, which would be lost; name "
        "another file, or remove it",
        output->path, output->what);
}

tern_status tern_file_check(tern_context *c, const char *output, const char *const *inputs,
                            size_t n_inputs) {
    tern__output o = {.what = "written", .path = output};
    tern_status st = tern__outputs_look(c, &o, 1);
    for (size_t i = 0; st == TERN_OK && i < n_inputs; i++)
        st = tern__outputs_spare(c, &o, 1, inputs[i]);
    return st;
}
