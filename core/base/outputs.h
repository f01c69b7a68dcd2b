/* Files that a call is about to write: none of them may be one that it reads, or another one of
 * them. Internal; the door for programs is tern_file_check of <tern/status.h>. */
#ifndef TERN_CORE_OUTPUTS_H
#define TERN_CORE_OUTPUTS_H

#include "base.h"

#include <sys/stat.h>

/* A file to be written. Only regular files are told apart: pipes and devices keep nothing. */
typedef struct tern__output {
    const char *what; /* "the log" */
    const char *path; /* NULL: there is none */
    struct stat info; /* of what is there now, links followed */
    bool there;       /* a regular file */
} tern__output;

/* Looks at what is there, and refuses (TERN_ERR_ARGUMENT) two outputs that are one file: by device
 * and inode or, where it is not there yet, by folder and name. */
tern_status tern__outputs_look(tern_context *c, tern__output *outputs, size_t count);
/* Refuses (TERN_ERR_ARGUMENT) an output that is this file. NULL, "-" and what is not there
 * are none. */
tern_status tern__outputs_spare(tern_context *c, const tern__output *outputs, size_t count,
                                const char *input);
/* Refuses (TERN_ERR_ARGUMENT) to write over a file that is not empty and in whose first 4096 bytes
 * `mark` does not stand, at byte `at` where that is not negative: it is not `what` is meant to be.
 */
tern_status tern__output_keeps(tern_context *c, const tern__output *output, const char *mark,
                               int at);

#endif
