/* Bytes and lines of a file or of standard input, gzip or plain, in bounded memory. Internal to
 * text; knows nothing of what the lines mean. */
#ifndef TERN_TEXT_STREAM_H
#define TERN_TEXT_STREAM_H

#include "core/base/base.h"

typedef struct tern__stream tern__stream;

/* Opens a file, "-" for standard input. What begins as gzip does (RFC 1952; several members are one
 * file) is unpacked. TERN_ERR_IO for what is absent, a folder or unreadable. *stream is NULL on
 * failure. */
tern_status tern__stream_open(tern__stream **stream, tern_context *c, const char *path);
/* The same for bytes that the caller keeps as long; name is for sentences. */
tern_status tern__stream_open_memory(tern__stream **stream, tern_context *c, const char *name,
                                     const void *bytes, size_t size);
void tern__stream_close(tern__stream *stream);
const char *tern__stream_name(const tern__stream *stream);

/* Reads up to size bytes, fewer only at the end. Errors, which stick: TERN_ERR_IO, TERN_ERR_FORMAT
 * for damaged or cut gzip data. Reading and lines may be mixed. */
tern_status tern__stream_read(tern__stream *stream, void *bytes, size_t size, size_t *got);
/* Shows the next bytes without taking them: at least min(size, what is left), size <= 4096. *bytes
 * is valid until the next call. */
tern_status tern__stream_peek(tern__stream *stream, const unsigned char **bytes, size_t size,
                              size_t *got);
/* The next line without its LF or CRLF, NUL-terminated, valid until the next call; *line is NULL at
 * the end. limit: bytes (TERN_ERR_LIMIT, sticks). NUL bytes inside are the caller's to look for.
 * tern__stream_line is the number of the line that was read last, from 1. */
tern_status tern__stream_next_line(tern__stream *stream, char **line, size_t *length, size_t limit);
size_t tern__stream_line(const tern__stream *stream);
/* tern__fail with "FILE, line N: " before the sentence. */
tern_status tern__stream_fail(const tern__stream *stream, tern_status status, const char *format,
                              ...) TERN_PRINTF(3, 4);
/* Bytes of the file not yet read, as stored: an upper bound of what may follow where it is not
 * gzip; SIZE_MAX where that is not known (gzip, pipes). */
size_t tern__stream_left(const tern__stream *stream);

#endif
