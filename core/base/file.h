/* Whole files: reading within a limit, and writing so that a full disk, an error or a killed
 * process never costs what was there before. Internal; knows nothing of what the bytes mean. */
#ifndef TERN_CORE_FILE_H
#define TERN_CORE_FILE_H

#include "base.h"

#include <sys/types.h>

/* The system calls that the writer makes. A test puts its own table into the context (file_calls)
 * to make the n-th call fail; NULL there means the system's. */
struct tern__file_calls {
    void *user;
    int (*open)(void *user, const char *path, int flags, mode_t mode);
    ssize_t (*write)(void *user, int fd, const void *data, size_t size);
    int (*fsync)(void *user, int fd);
    int (*close)(void *user, int fd);
    int (*rename)(void *user, const char *from, const char *to);
};

/* Reads a whole file, or a pipe to its end, of at most limit bytes; *data holds *size bytes and one
 * 0 after them, is the caller's and goes back by tern__free. TERN_ERR_IO if the file is absent, a
 * folder, a device or unreadable; TERN_ERR_LIMIT if it is larger than limit. On failure *data is
 * NULL and *size 0. */
tern_status tern__file_read(char **data, size_t *size, tern_context *c, const char *path,
                            size_t limit);
/* The same from standard input, up to its end: for callers to whom "-" means that. */
tern_status tern__file_read_stdin(char **data, size_t *size, tern_context *c, size_t limit);

/* Opens a file that is read bit by bit, by whoever closes *fd. TERN_ERR_IO if it is absent,
 * unreadable or a folder; then the sentence says that `needed` ("a file") is. */
tern_status tern__file_open(int *fd, tern_context *c, const char *path, const char *needed);

/* Writes a file: to a temporary file in the same folder, which replaces the file at path when it is
 * committed and on the disk. Until then, and after any failure, the old file is untouched. A
 * symbolic link is followed, the mode of the old file kept. What is not a regular file
 * (/dev/stdout, a pipe, a device) is written straight through. Temporary files of dead writers of
 * this path are removed. */
typedef struct tern__file_writer tern__file_writer;
tern_status tern__file_writer_open(tern__file_writer **writer, tern_context *c, const char *path);
/* Appends. The first failure sticks: later calls and the commit return it and do nothing. */
tern_status tern__file_write(tern__file_writer *writer, const void *data, size_t size);
/* Flushes, syncs, renames, syncs the folder; frees the writer whatever happens and sets it to NULL.
 * On failure the temporary file is gone and the old file as it was (or, where only the folder's
 * sync failed, the new file complete). */
tern_status tern__file_writer_commit(tern__file_writer **writer);
/* Drops what was written and frees the writer. NULL and an already committed writer are allowed. */
void tern__file_writer_abort(tern__file_writer **writer);
/* For bytes that are there already: tern_file_save of <tern/status.h>. */

#endif
