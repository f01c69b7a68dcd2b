/* Whole files: reading within a limit, writing by temporary file, sync and rename. The only file of
 * core that opens, renames or removes files. Must not know what the bytes mean. */
#define _GNU_SOURCE
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SUFFIX ".tern-tmp"
#define BUFFER ((size_t)1 << 16)

struct tern__file_writer {
    tern_context *context;
    struct tern__file_calls calls;
    char *path;      /* as the caller gave it, for sentences */
    char *target;    /* what the rename replaces: path with links resolved */
    char *folder;    /* of target */
    char *temporary; /* NULL: written straight through */
    int fd;
    tern_status status;
    size_t used;
    char buffer[BUFFER];
};

/* strerror is not safe with threads; strerrordesc_np is a constant table. */
static const char *reason(void) {
    const char *text = strerrordesc_np(errno);
    return text ? text : "unknown error";
}

/* --- reading --- */

static tern_status read_all(char **data, size_t *size, tern_context *c, int fd, const char *name,
                            size_t expected, size_t limit) {
    size_t capacity = 0, used = 0;
    /* One byte more than expected, so that a file that has grown is seen, and room for the 0. */
    char *bytes = tern__grow(c, NULL, 0, &capacity, (expected < limit ? expected : limit) + 2, 1);
    if (!bytes) return TERN_ERR_MEMORY;
    for (;;) {
        if (used + 1 == capacity) {
            char *bigger = tern__grow(c, bytes, used, &capacity, capacity + 1, 1);
            if (!bigger) {
                tern__free(c, bytes);
                return TERN_ERR_MEMORY;
            }
            bytes = bigger;
        }
        ssize_t got = read(fd, bytes + used, capacity - 1 - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            tern__fail(c, TERN_ERR_IO, "%s: cannot read: %s", name, reason());
            tern__free(c, bytes);
            return TERN_ERR_IO;
        }
        if (got == 0) break;
        used += (size_t)got;
        if (used > limit) {
            tern__free(c, bytes);
            return tern__fail(c, TERN_ERR_LIMIT, "%s: larger than the limit of %zu bytes", name,
                              limit);
        }
    }
    bytes[used] = 0;
    *data = bytes;
    *size = used;
    return TERN_OK;
}

tern_status tern__file_open(int *fd, tern_context *c, const char *path, const char *needed) {
    struct stat info;
    do *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (*fd < 0 && errno == EINTR);
    if (*fd < 0) return tern__fail(c, TERN_ERR_IO, "%s: cannot open: %s", path, reason());
    if (fstat(*fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(*fd);
        return tern__fail(c, TERN_ERR_IO, "%s: is a folder; %s is needed", path, needed);
    }
    return TERN_OK;
}

/* Waits until a pipe has a writer, and lets reads wait from now on. False, with errno, on failure.
 */
static bool wait_for(int fd) {
    struct pollfd pipe = {.fd = fd, .events = POLLIN};
    const int flags = fcntl(fd, F_GETFL);
    int n;
    do n = poll(&pipe, 1, -1);
    while (n < 0 && errno == EINTR);
    return n > 0 && flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

tern_status tern__file_read(char **data, size_t *size, tern_context *c, const char *path,
                            size_t limit) {
    *data = NULL;
    *size = 0;
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    /* O_NONBLOCK, so that opening a device does not hang; files ignore it. */
    int fd;
    do fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return tern__fail(c, TERN_ERR_IO, "%s: cannot open: %s", path, reason());
    struct stat info;
    tern_status status;
    if (fstat(fd, &info) != 0)
        status = tern__fail(c, TERN_ERR_IO, "%s: cannot read: %s", path, reason());
    else if (S_ISDIR(info.st_mode))
        status = tern__fail(c, TERN_ERR_IO, "%s: is a folder; a file is needed", path);
    else if (S_ISFIFO(info.st_mode))
        status = wait_for(fd) ? read_all(data, size, c, fd, path, BUFFER, limit)
                              : tern__fail(c, TERN_ERR_IO, "%s: cannot read: %s", path, reason());
    else if (!S_ISREG(info.st_mode))
        status = tern__fail(c, TERN_ERR_IO, "%s: is neither a regular file nor a pipe", path);
    else if ((uintmax_t)info.st_size > limit)
        status = tern__fail(c, TERN_ERR_LIMIT, "%s: has %jd bytes; the limit is %zu", path,
                            (intmax_t)info.st_size, limit);
    else
        status = read_all(data, size, c, fd, path, (size_t)info.st_size, limit);
    close(fd);
    return status;
}

tern_status tern__file_read_stdin(char **data, size_t *size, tern_context *c, size_t limit) {
    *data = NULL;
    *size = 0;
    if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
    return read_all(data, size, c, STDIN_FILENO, "standard input", BUFFER, limit);
}

/* --- the system's calls --- */

static int system_open(void *user, const char *path, int flags, mode_t mode) {
    (void)user;
    return open(path, flags, mode);
}
static ssize_t system_write(void *user, int fd, const void *data, size_t size) {
    (void)user;
    return write(fd, data, size);
}
static int system_fsync(void *user, int fd) {
    (void)user;
    return fsync(fd);
}
static int system_close(void *user, int fd) {
    (void)user;
    return close(fd);
}
static int system_rename(void *user, const char *from, const char *to) {
    (void)user;
    return rename(from, to);
}
static const struct tern__file_calls system_calls = {NULL,         system_open,  system_write,
                                                     system_fsync, system_close, system_rename};

static int open_retrying(const tern__file_writer *w, const char *path, int flags, mode_t mode) {
    int fd;
    do fd = w->calls.open(w->calls.user, path, flags | O_CLOEXEC | O_NOCTTY, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int fsync_retrying(const tern__file_writer *w, int fd) {
    int failed;
    do failed = w->calls.fsync(w->calls.user, fd);
    while (failed && errno == EINTR);
    /* Pipes, devices and some file systems cannot sync and say so. */
    return failed && errno != EINVAL && errno != EROFS && errno != ENOTSUP ? -1 : 0;
}

/* --- temporary files --- */

/* Names are ".BASE.HEX.tern-tmp" with BASE cut so that the name fits. */
static void temporary_prefix(char prefix[256], const char *target) {
    const char *base = strrchr(target, '/');
    snprintf(prefix, 256, ".%.200s.", base ? base + 1 : target);
}

/* A writer holds a lock on its temporary file for as long as it lives, so one that can be locked
 * belongs to nobody. That holds across containers, where a process number would not. */
static void sweep_stale(const tern__file_writer *w) {
    char prefix[256];
    temporary_prefix(prefix, w->target);
    size_t start = strlen(prefix), end = strlen(SUFFIX);
    DIR *folder = opendir(w->folder);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t length = strlen(entry->d_name);
        if (length != start + 16 + end || strncmp(entry->d_name, prefix, start) != 0 ||
            strspn(entry->d_name + start, "0123456789abcdef") != 16 ||
            strcmp(entry->d_name + start + 16, SUFFIX) != 0)
            continue;
        int fd = openat(dirfd(folder), entry->d_name,
                        O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
        if (fd < 0) continue;
        struct stat info;
        if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(folder), entry->d_name, 0);
        close(fd);
    }
    closedir(folder);
}

static tern_status create_temporary(tern__file_writer *w, mode_t mode) {
    tern_context *c = w->context;
    char prefix[256];
    temporary_prefix(prefix, w->target);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t stream = tern__random_stream((uint64_t)now.tv_sec, (uint64_t)now.tv_nsec,
                                          (uint64_t)getpid() ^ (uint64_t)(uintptr_t)w);
    tern__random random = tern__random_make(stream, 0);
    for (int attempt = 0; attempt < 100; attempt++) {
        uint32_t high = tern__random_u32(&random), low = tern__random_u32(&random);
        char *name = tern__format(c, "%s/%s%08x%08x" SUFFIX, w->folder, prefix, (unsigned)high,
                                  (unsigned)low);
        if (!name) return TERN_ERR_MEMORY;
        int fd = open_retrying(w, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        if (fd < 0 && errno == EEXIST) {
            tern__free(c, name);
            continue;
        }
        if (fd < 0) {
            tern__fail(c, TERN_ERR_IO, "%s: cannot write in its folder %s: %s", w->path, w->folder,
                       reason());
            tern__free(c, name);
            return TERN_ERR_IO;
        }
        struct stat info;
        if ((flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
            (fstat(fd, &info) == 0 && info.st_nlink == 0)) { /* swept before it was locked */
            close(fd);
            unlink(name);
            tern__free(c, name);
            continue;
        }
        w->fd = fd;
        w->temporary = name;
        return TERN_OK;
    }
    return tern__fail(c, TERN_ERR_IO, "%s: no free name for a temporary file in %s", w->path,
                      w->folder);
}

/* --- writing --- */

/* Devices and what a process was handed as an open file (/dev/stdout, /proc/self/fd/1, <(pipe))
 * must get the bytes themselves, even where they lead to a regular file. */
static bool writes_through(const char *path, bool exists, const struct stat *info) {
    return (exists && !S_ISREG(info->st_mode)) || strncmp(path, "/dev/std", 8) == 0 ||
           strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/", 6) == 0;
}

/* The folder and name that path leads to: for a dangling or absent file that of path itself. */
static tern_status resolve(tern__file_writer *w) {
    tern_context *c = w->context;
    char *real = realpath(w->path, NULL);
    w->target = tern__strdup(c, real ? real : w->path);
    free(real);
    if (!w->target) return TERN_ERR_MEMORY;
    const char *slash = strrchr(w->target, '/');
    w->folder = !slash               ? tern__strdup(c, ".")
                : slash == w->target ? tern__strdup(c, "/")
                                     : tern__strndup(c, w->target, (size_t)(slash - w->target));
    return w->folder ? TERN_OK : TERN_ERR_MEMORY;
}

static void writer_free(tern__file_writer *w) {
    tern_context *c = w->context;
    if (w->fd >= 0) w->calls.close(w->calls.user, w->fd);
    if (w->temporary) unlink(w->temporary);
    tern__free(c, w->temporary);
    tern__free(c, w->folder);
    tern__free(c, w->target);
    tern__free(c, w->path);
    tern__free(c, w);
}

static tern_status writer_start(tern__file_writer *w) {
    tern_context *c = w->context;
    size_t length = strlen(w->path);
    struct stat info;
    bool exists = stat(w->path, &info) == 0;
    if (length == 0)
        return tern__fail(c, TERN_ERR_ARGUMENT, "the name of the file to write is empty");
    if ((exists && S_ISDIR(info.st_mode)) || w->path[length - 1] == '/')
        return tern__fail(c, TERN_ERR_IO, "%s: is a folder; the name of a file is needed", w->path);
    if (exists && access(w->path, W_OK) != 0)
        return tern__fail(c, TERN_ERR_IO, "%s: cannot write: %s", w->path, reason());
    if (writes_through(w->path, exists, &info)) {
        w->fd = open_retrying(w, w->path, O_WRONLY, 0);
        if (w->fd < 0) return tern__fail(c, TERN_ERR_IO, "%s: cannot write: %s", w->path, reason());
        return TERN_OK;
    }
    tern_status status = resolve(w);
    if (status != TERN_OK) return status;
    sweep_stale(w);
    status = create_temporary(w, exists ? info.st_mode & 0777 : 0666);
    /* The creation mode was masked by umask; the old file's was what somebody wanted. */
    if (status == TERN_OK && exists && fchmod(w->fd, info.st_mode & 0777) != 0 && errno != EPERM)
        status = tern__fail(c, TERN_ERR_IO, "%s: cannot write: %s", w->path, reason());
    return status;
}

tern_status tern__file_writer_open(tern__file_writer **writer, tern_context *c, const char *path) {
    *writer = NULL;
    tern__file_writer *w = tern__alloc(c, sizeof *w);
    if (!w) return TERN_ERR_MEMORY;
    memset(w, 0, offsetof(tern__file_writer, buffer));
    w->context = c;
    w->calls = c->file_calls ? *c->file_calls : system_calls;
    w->fd = -1;
    w->path = tern__strdup(c, path);
    tern_status status = w->path ? writer_start(w) : TERN_ERR_MEMORY;
    if (status != TERN_OK)
        writer_free(w);
    else
        *writer = w;
    return status;
}

static tern_status write_out(tern__file_writer *w, const char *data, size_t size) {
    while (size > 0) {
        ssize_t written = w->calls.write(w->calls.user, w->fd, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            if (written == 0) errno = EIO;
            return w->status = tern__fail(w->context, TERN_ERR_IO, "%s: cannot write: %s", w->path,
                                          reason());
        }
        data += written;
        size -= (size_t)written;
    }
    return TERN_OK;
}

static tern_status flush(tern__file_writer *w) {
    size_t used = w->used;
    w->used = 0;
    return w->status == TERN_OK && used ? write_out(w, w->buffer, used) : w->status;
}

tern_status tern__file_write(tern__file_writer *w, const void *data, size_t size) {
    if (w->status != TERN_OK) return w->status;
    if (size > BUFFER - w->used && flush(w) != TERN_OK) return w->status;
    if (size >= BUFFER) return write_out(w, data, size);
    if (size) memcpy(w->buffer + w->used, data, size);
    w->used += size;
    return TERN_OK;
}

/* The rename itself is on the disk only when the folder is. */
static tern_status sync_folder(tern__file_writer *w) {
    int fd = open_retrying(w, w->folder, O_RDONLY | O_DIRECTORY, 0);
    int failed = fd < 0 ? -1 : fsync_retrying(w, fd);
    const char *why = failed ? reason() : "";
    if (fd >= 0) w->calls.close(w->calls.user, fd);             /* nothing was written through it */
    if (!failed || (fd < 0 && errno == EACCES)) return TERN_OK; /* a folder one may not list */
    return tern__fail(w->context, TERN_ERR_IO,
                      "%s: is written, but its folder could not be synced to the disk: %s", w->path,
                      why);
}

static tern_status finish(tern__file_writer *w) {
    tern_context *c = w->context;
    if (flush(w) != TERN_OK) return w->status;
    const char *step = "sync to the disk";
    int failed = fsync_retrying(w, w->fd);
    if (!failed) {
        step = "close";
        failed = w->calls.close(w->calls.user, w->fd) != 0 && errno != EINTR;
        w->fd = -1; /* closed either way */
    }
    if (!failed && w->temporary) {
        step = "replace the old file";
        failed = w->calls.rename(w->calls.user, w->temporary, w->target);
    }
    if (failed) return tern__fail(c, TERN_ERR_IO, "%s: cannot %s: %s", w->path, step, reason());
    if (!w->temporary) return TERN_OK;
    tern__free(c, w->temporary);
    w->temporary = NULL;
    return sync_folder(w);
}

tern_status tern__file_writer_commit(tern__file_writer **writer) {
    tern_status status = finish(*writer);
    writer_free(*writer);
    *writer = NULL;
    return status;
}

void tern__file_writer_abort(tern__file_writer **writer) {
    if (*writer) writer_free(*writer);
    *writer = NULL;
}

tern_status tern_file_save(tern_context *c, const char *path, const void *data, size_t size) {
    tern__file_writer *w = NULL;
    tern_status status = tern__file_writer_open(&w, c, path);
    if (status != TERN_OK) return status;
    tern__file_write(w, data, size);
    return tern__file_writer_commit(&w);
}
