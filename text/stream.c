/* Bytes and lines of files, pipes and memory, gzip unpacked on the way. Must not know what the
 * lines mean. Source: RFC 1952. */
#include "stream.h"

#include "core/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define RAW ((size_t)1 << 16) /* bytes read at once */
#define PEEK 4096

struct tern__stream {
    tern_context *context;
    char *name;
    int fd;                   /* -1: from memory */
    size_t file_left;         /* bytes of the regular file not yet read, SIZE_MAX: not known */
    const unsigned char *raw; /* as stored, not yet unpacked */
    size_t raw_left;
    bool raw_ended, gzip, inflating, ended;
    z_stream zlib;
    char *buffer; /* unpacked bytes: [begin, end) are not taken yet */
    size_t begin, end, capacity;
    size_t line;
    tern_status status;
    unsigned char raw_buffer[RAW];
};

tern_status tern__stream_fail(const tern__stream *s, tern_status status, const char *format, ...) {
    char text[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return tern__fail(s->context, status, "%s, line %zu: %s", s->name, s->line, text);
}

static tern_status fail(tern__stream *s, tern_status status, const char *what) {
    return s->status = tern__fail(s->context, status, "%s: %s", s->name, what);
}

/* ---- stored bytes ---- */

/* More of them behind those that are left. */
static tern_status read_raw(tern__stream *s) {
    if (s->raw_ended) return TERN_OK;
    if (s->raw_left) memmove(s->raw_buffer, s->raw, s->raw_left);
    s->raw = s->raw_buffer;
    for (;;) {
        ssize_t got = read(s->fd, s->raw_buffer + s->raw_left, RAW - s->raw_left);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return s->status = tern__fail(s->context, TERN_ERR_IO, "%s: cannot read: %s", s->name,
                                          strerror(errno));
        s->raw_left += (size_t)got;
        s->raw_ended = got == 0;
        if (s->file_left != SIZE_MAX)
            s->file_left = s->file_left > (size_t)got ? s->file_left - (size_t)got : 0;
        return TERN_OK;
    }
}

static size_t take_plain(tern__stream *s, void *to, size_t room) {
    const size_t size = room < s->raw_left ? room : s->raw_left;
    memcpy(to, s->raw, size);
    s->raw += size;
    s->raw_left -= size;
    return size;
}

/* ---- gzip ---- */

static void *zlib_alloc(void *opaque, unsigned items, unsigned size) {
    size_t bytes;
    return tern__mul(items, size, &bytes) ? tern__alloc(opaque, bytes) : NULL;
}
static void zlib_free(void *opaque, void *memory) { tern__free(opaque, memory); }

static tern_status begin_member(tern__stream *s) {
    int result;
    if (s->inflating) {
        result = inflateReset(&s->zlib);
    } else {
        s->zlib = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = s->context};
        result = inflateInit2(&s->zlib, 15 + 16); /* gzip only */
        s->inflating = result == Z_OK;
    }
    if (result == Z_OK) return TERN_OK;
    return fail(s, result == Z_MEM_ERROR ? TERN_ERR_MEMORY : TERN_ERR_FORMAT, "gzip cannot start");
}

/* After the end of a member: another one, zeros that fill a block of a tape, or nothing. */
static tern_status after_member(tern__stream *s) {
    while (s->raw_left < 2 && !s->raw_ended)
        if (read_raw(s) != TERN_OK) return s->status;
    if (s->raw_left >= 2 && s->raw[0] == 0x1F && s->raw[1] == 0x8B) return begin_member(s);
    for (;;) {
        for (; s->raw_left && *s->raw == 0; s->raw_left--) s->raw++;
        if (s->raw_left)
            return fail(s, TERN_ERR_FORMAT, "after the gzip data stands something else");
        s->ended = s->raw_ended;
        if (s->ended || read_raw(s) != TERN_OK) return s->status;
    }
}

/* Unpacks up to room bytes; *got is 0 only at the end. */
static tern_status take_packed(tern__stream *s, void *to, size_t room, size_t *got) {
    *got = 0;
    while (*got == 0 && !s->ended) {
        if (!s->raw_left && read_raw(s) != TERN_OK) return s->status;
        if (!s->raw_left)
            return fail(s, TERN_ERR_FORMAT,
                        "the gzip data ends in the middle; the file is cut short");
        s->zlib.next_in = (unsigned char *)(uintptr_t)s->raw;
        s->zlib.avail_in = (unsigned)(s->raw_left < 1u << 30 ? s->raw_left : 1u << 30);
        s->zlib.next_out = to;
        s->zlib.avail_out = (unsigned)(room < 1u << 30 ? room : 1u << 30);
        const unsigned in = s->zlib.avail_in, out = s->zlib.avail_out;
        const int result = inflate(&s->zlib, Z_NO_FLUSH);
        s->raw += in - s->zlib.avail_in;
        s->raw_left -= in - s->zlib.avail_in;
        *got = out - s->zlib.avail_out;
        if (result == Z_MEM_ERROR) return s->status = TERN_ERR_MEMORY;
        if (result == Z_STREAM_END) {
            if (after_member(s) != TERN_OK) return s->status;
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return s->status = tern__fail(s->context, TERN_ERR_FORMAT, "%s: damaged gzip data: %s",
                                          s->name, s->zlib.msg ? s->zlib.msg : "unknown");
        }
    }
    return TERN_OK;
}

/* ---- unpacked bytes ---- */

/* More bytes behind those that are not taken yet, whose memory has room; none at the end. */
static tern_status produce(tern__stream *s, void *to, size_t room, size_t *got) {
    *got = 0;
    if (s->ended || room == 0) return s->status;
    if (s->gzip) return take_packed(s, to, room, got);
    if (!s->raw_left && read_raw(s) != TERN_OK) return s->status;
    *got = take_plain(s, to, room);
    s->ended = *got == 0;
    return TERN_OK;
}

/* At least one more byte in buffer, unless the end was reached; room stays for a 0. */
static tern_status fill(tern__stream *s) {
    if (s->begin > 0 && s->begin == s->end) s->begin = s->end = 0;
    if (s->begin > 0 && s->capacity - s->end < RAW) {
        memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
    }
    char *buffer = tern__grow(s->context, s->buffer, s->end, &s->capacity, s->end + RAW + 1, 1);
    if (!buffer) return s->status = TERN_ERR_MEMORY;
    s->buffer = buffer;
    size_t got;
    tern_status st = produce(s, buffer + s->end, s->capacity - s->end - 1, &got);
    s->end += got;
    return st;
}

tern_status tern__stream_read(tern__stream *s, void *bytes, size_t size, size_t *got) {
    char *to = bytes;
    *got = 0;
    while (s->status == TERN_OK && *got < size) {
        size_t part = s->end - s->begin;
        if (part) {
            if (part > size - *got) part = size - *got;
            memcpy(to + *got, s->buffer + s->begin, part);
            s->begin += part;
        } else if (produce(s, to + *got, size - *got, &part) != TERN_OK || part == 0) {
            break;
        }
        *got += part;
    }
    return s->status;
}

tern_status tern__stream_peek(tern__stream *s, const unsigned char **bytes, size_t size,
                              size_t *got) {
    if (size > PEEK) size = PEEK;
    while (s->status == TERN_OK && s->end - s->begin < size && !s->ended) fill(s);
    *bytes = s->buffer ? (const unsigned char *)s->buffer + s->begin : s->raw_buffer;
    *got = s->end - s->begin;
    return s->status;
}

tern_status tern__stream_next_line(tern__stream *s, char **line, size_t *length, size_t limit) {
    size_t seen = 0;
    *line = NULL;
    *length = 0;
    if (s->status != TERN_OK) return s->status;
    for (;;) {
        const size_t left = s->end - s->begin;
        char *begin = left ? s->buffer + s->begin : NULL;
        char *newline = left > seen ? memchr(begin + seen, '\n', left - seen) : NULL;
        size_t size = newline ? (size_t)(newline - begin) : left;
        if (size > limit + 1 || (newline && size > limit && begin[size - 1] != '\r')) {
            s->line++;
            return s->status = tern__stream_fail(s, TERN_ERR_LIMIT,
                                                 "the line is longer than %zu bytes", limit);
        }
        if (newline || (s->ended && left)) {
            s->begin += size + (newline != NULL);
            s->line++;
            if (size && begin[size - 1] == '\r') size--;
            begin[size] = 0;
            *line = begin;
            *length = size;
            return TERN_OK;
        }
        if (s->ended) return TERN_OK;
        seen = left;
        if (fill(s) != TERN_OK) return s->status;
    }
}

size_t tern__stream_line(const tern__stream *s) { return s->line; }
const char *tern__stream_name(const tern__stream *s) { return s->name; }

size_t tern__stream_left(const tern__stream *s) {
    if (s->gzip || s->file_left == SIZE_MAX) return SIZE_MAX;
    return s->file_left + s->raw_left + (s->end - s->begin);
}

/* ---- opening ---- */

static tern_status start(tern__stream **stream, tern_context *c, const char *name, int fd,
                         const void *bytes, size_t size) {
    tern__stream *s = tern__alloc(c, sizeof *s);
    if (!s) {
        if (fd > STDIN_FILENO) close(fd);
        return TERN_ERR_MEMORY;
    }
    memset(s, 0, offsetof(tern__stream, raw_buffer));
    s->context = c;
    s->fd = fd;
    s->raw = bytes;
    s->raw_left = size;
    s->raw_ended = fd < 0;
    s->file_left = fd < 0 ? 0 : SIZE_MAX;
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0)
        s->file_left = (size_t)info.st_size;
    if (!(s->name = tern__strdup(c, name))) s->status = TERN_ERR_MEMORY;
    while (s->status == TERN_OK && s->raw_left < 2 && !s->raw_ended) read_raw(s);
    s->gzip = s->raw_left >= 2 && s->raw[0] == 0x1F && s->raw[1] == 0x8B;
    if (s->status == TERN_OK && s->gzip) begin_member(s);
    const tern_status st = s->status;
    if (st == TERN_OK)
        *stream = s;
    else
        tern__stream_close(s);
    return st;
}

tern_status tern__stream_open(tern__stream **stream, tern_context *c, const char *path) {
    *stream = NULL;
    if (strcmp(path, "-") == 0) return start(stream, c, "standard input", STDIN_FILENO, NULL, 0);
    int fd;
    tern_status st = tern__file_open(&fd, c, path, "a file");
    if (st != TERN_OK) return st;
    return start(stream, c, path, fd, NULL, 0);
}

tern_status tern__stream_open_memory(tern__stream **stream, tern_context *c, const char *name,
                                     const void *bytes, size_t size) {
    *stream = NULL;
    return start(stream, c, name, -1, bytes, size);
}

void tern__stream_close(tern__stream *s) {
    if (!s) return;
    tern_context *c = s->context;
    if (s->fd > STDIN_FILENO) close(s->fd);
    if (s->inflating) inflateEnd(&s->zlib);
    tern__free(c, s->buffer);
    tern__free(c, s->name);
    tern__free(c, s);
}
