/* Reading tables of text row by row. Must not know what the columns mean. Source: RFC 4180; for
 * tabs IANA's text/tab-separated-values, which has no quoting. */
#include "csv.h"

#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct tern__csv_reader {
    tern__csv face; /* what the caller sees */
    tern_context *context;
    char *name;
    char separator;
    bool quoting, ended;
    tern_status status;
    int fd;                     /* -1: from memory or read */
    tern__csv_read read;        /* NULL: from fd or memory */
    void *self;
    const unsigned char *bytes; /* what is left to take, of buffer or of the caller's memory */
    size_t left;
    size_t line; /* the line of the next byte */
    char *row;   /* the fields of the row, each with its 0 */
    size_t row_used, row_capacity;
    size_t *starts; /* of the fields in row */
    size_t n_starts, starts_capacity;
    size_t fields_capacity; /* of face.fields */
    char **columns;         /* a copy of the header; NULL without one */
    size_t n_columns;
    unsigned char buffer[1 << 16];
} reader;

static tern_status TERN_PRINTF(4, 5)
    fail_at(reader *r, size_t line, tern_status status, const char *format, ...) {
    char text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return r->status = tern__fail(r->context, status, "%s, line %zu: %s", r->name, line, text);
}

/* --- bytes --- */

/* Reads on, behind the bytes that are left, if there are any (only before anything was taken). */
static tern_status fill(reader *r) {
    if (r->read) {
        size_t got = 0;
        r->status = r->read(r->self, r->buffer + r->left, sizeof r->buffer - r->left, &got);
        r->bytes = r->buffer;
        r->left += got;
        r->ended = got == 0;
        return r->status;
    }
    for (;;) {
        ssize_t got = r->fd < 0 ? 0 : read(r->fd, r->buffer + r->left, sizeof r->buffer - r->left);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return r->status = tern__fail(r->context, TERN_ERR_IO, "%s: cannot read: %s", r->name,
                                          strerror(errno));
        if (got > 0) r->bytes = r->buffer;
        r->left += (size_t)got;
        r->ended = got == 0;
        return TERN_OK;
    }
}

/* The next byte without taking it; -1 at the end and on failure. */
static inline int peek(reader *r) {
    if (r->left == 0 && (r->ended || fill(r) != TERN_OK || r->left == 0)) return -1;
    return *r->bytes;
}

static inline int take(reader *r) {
    r->left--;
    return *r->bytes++;
}

/* Takes a line end, which stands next. */
static void take_line_end(reader *r) {
    if (take(r) == '\r' && peek(r) == '\n') take(r);
    r->line++;
}

/* --- fields --- */

static inline tern_status append(reader *r, int byte) {
    if (r->row_used == r->row_capacity) {
        if (r->row_used >= r->face.row_limit)
            return fail_at(r, r->face.line, TERN_ERR_LIMIT, "the row is longer than %zu bytes%s",
                           r->face.row_limit, r->quoting ? "; does a quote never close?" : "");
        char *row =
            tern__grow(r->context, r->row, r->row_used, &r->row_capacity, r->row_used + 1, 1);
        if (!row) return r->status = TERN_ERR_MEMORY;
        r->row = row;
    }
    r->row[r->row_used++] = (char)byte;
    return TERN_OK;
}

static tern_status begin_field(reader *r) {
    size_t *starts = tern__grow(r->context, r->starts, r->n_starts, &r->starts_capacity,
                                r->n_starts + 1, sizeof *starts);
    if (!starts) return r->status = TERN_ERR_MEMORY;
    r->starts = starts;
    r->starts[r->n_starts++] = r->row_used;
    return TERN_OK;
}

static tern_status refuse_nul(reader *r) {
    return fail_at(r, r->line, TERN_ERR_FORMAT, "a NUL byte: this is not a table in UTF-8 text");
}

/* The inside of a quoted field and both its quotes. */
static tern_status read_quoted(reader *r) {
    size_t begin = r->line;
    take(r);
    for (;;) {
        int byte = peek(r);
        if (byte < 0)
            return r->status != TERN_OK ? r->status
                                        : fail_at(r, begin, TERN_ERR_FORMAT,
                                                  "the quote that opens here never closes");
        if (byte == 0) return refuse_nul(r);
        take(r);
        if (byte == '"') {
            if (peek(r) != '"') return r->status;
            take(r);
        }
        if (byte == '\n' || (byte == '\r' && peek(r) != '\n')) r->line++;
        if (append(r, byte) != TERN_OK) return r->status;
    }
}

/* A field and what ends it; *last: the row ends with it. */
static tern_status read_field(reader *r, bool *last) {
    if (begin_field(r) != TERN_OK) return r->status;
    bool quoted = r->quoting && peek(r) == '"';
    if (quoted && read_quoted(r) != TERN_OK) return r->status;
    for (;;) {
        int byte = peek(r);
        if (byte < 0 && r->status != TERN_OK) return r->status;
        *last = byte < 0 || byte == '\r' || byte == '\n';
        if (byte == r->separator) take(r);
        if (*last && byte >= 0) take_line_end(r);
        if (*last || byte == r->separator) return append(r, 0);
        if (byte == 0) return refuse_nul(r);
        if (quoted)
            return fail_at(r, r->line, TERN_ERR_FORMAT,
                           "text after a closing quote; quotes inside a quoted field are doubled");
        if (append(r, byte) != TERN_OK) return r->status;
        take(r);
    }
}

/* --- rows --- */

static tern_status read_row(reader *r) {
    r->row_used = r->n_starts = r->face.n_fields = 0;
    while (peek(r) == '\r' || peek(r) == '\n') take_line_end(r);
    r->face.line = r->line;
    if (peek(r) < 0) return r->status;
    for (bool last = false; !last;)
        if (read_field(r, &last) != TERN_OK) return r->status;
    char **fields = tern__grow(r->context, r->face.fields, 0, &r->fields_capacity, r->n_starts,
                               sizeof *fields);
    if (!fields) return r->status = TERN_ERR_MEMORY;
    r->face.fields = fields;
    for (size_t i = 0; i < r->n_starts; i++) fields[i] = r->row + r->starts[i];
    r->face.n_fields = r->n_starts;
    return TERN_OK;
}

tern_status tern__csv_next(tern__csv *csv, bool *got) {
    reader *r = csv->reader;
    *got = false;
    if (r->status != TERN_OK || read_row(r) != TERN_OK) return r->status;
    if (csv->n_fields && r->columns && csv->n_fields != r->n_columns) {
        size_t fields = csv->n_fields;
        csv->n_fields = 0;
        return fail_at(r, csv->line, TERN_ERR_FORMAT, "%zu fields where the header has %zu", fields,
                       r->n_columns);
    }
    *got = csv->n_fields > 0;
    return TERN_OK;
}

/* --- opening --- */

static tern_status skip_mark(reader *r) {
    while (r->left < 3 && !r->ended)
        if (fill(r) != TERN_OK) return r->status;
    if (r->left >= 2 &&
        (memcmp(r->bytes, "\xff\xfe", 2) == 0 || memcmp(r->bytes, "\xfe\xff", 2) == 0))
        return fail_at(r, 1, TERN_ERR_FORMAT, "the text is UTF-16; save it as UTF-8");
    if (r->left >= 3 && memcmp(r->bytes, "\xef\xbb\xbf", 3) == 0)
        for (int i = 0; i < 3; i++) take(r);
    return TERN_OK;
}

static tern_status read_header(reader *r) {
    if (read_row(r) != TERN_OK) return r->status;
    if (r->face.n_fields == 0)
        return fail_at(r, 1, TERN_ERR_FORMAT,
                       "the table is empty; a row of column names is needed");
    r->columns = tern__calloc(r->context, r->face.n_fields, sizeof *r->columns);
    if (!r->columns) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < r->face.n_fields; i++) {
        r->columns[i] = tern__strdup(r->context, r->face.fields[i]);
        if (!r->columns[i]) return TERN_ERR_MEMORY;
        r->n_columns++;
    }
    return TERN_OK;
}

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), ending = strlen(end);
    return length >= ending && strcmp(text + length - ending, end) == 0;
}

/* Where bytes come from: a file, which is closed on failure too; or memory; or a function. */
typedef struct origin {
    int fd;
    const void *bytes;
    size_t size;
    tern__csv_read read;
    void *self;
} origin;

static tern_status start(tern__csv **csv, tern_context *c, const char *name, origin from,
                         char separator, bool header) {
    reader *r = tern__alloc(c, sizeof *r);
    if (!r) {
        if (from.fd > STDIN_FILENO) close(from.fd);
        return TERN_ERR_MEMORY;
    }
    memset(r, 0, offsetof(reader, buffer));
    r->face.reader = r;
    r->face.row_limit = TERN__CSV_ROW_LIMIT;
    r->context = c;
    r->fd = from.fd;
    r->bytes = from.bytes;
    r->left = from.size;
    r->read = from.read;
    r->self = from.self;
    r->line = 1;
    if (!separator) separator = ends_with(name, ".tsv") || ends_with(name, ".tab") ? '\t' : ',';
    r->separator = separator;
    r->quoting = separator != '\t';
    r->name = tern__strdup(c, name);
    tern_status status = r->name ? skip_mark(r) : TERN_ERR_MEMORY;
    if (status == TERN_OK && header) status = read_header(r);
    if (status != TERN_OK)
        tern__csv_close(&r->face);
    else
        *csv = &r->face;
    return status;
}

tern_status tern__csv_open(tern__csv **csv, tern_context *c, const char *path, char separator,
                           bool header) {
    *csv = NULL;
    if (strcmp(path, "-") == 0)
        return start(csv, c, "standard input", (origin){.fd = STDIN_FILENO}, separator, header);
    int fd;
    tern_status st = tern__file_open(&fd, c, path, "a table");
    if (st != TERN_OK) return st;
    return start(csv, c, path, (origin){.fd = fd}, separator, header);
}

tern_status tern__csv_open_memory(tern__csv **csv, tern_context *c, const char *name,
                                  const void *bytes, size_t size, char separator, bool header) {
    *csv = NULL;
    return start(csv, c, name, (origin){-1, bytes, size, NULL, NULL}, separator, header);
}

tern_status tern__csv_open_reader(tern__csv **csv, tern_context *c, const char *name,
                                  tern__csv_read read, void *self, char separator, bool header) {
    *csv = NULL;
    return start(csv, c, name, (origin){-1, NULL, 0, read, self}, separator, header);
}

void tern__csv_close(tern__csv *csv) {
    if (!csv) return;
    reader *r = csv->reader;
    tern_context *c = r->context;
    if (r->fd > STDIN_FILENO) close(r->fd);
    for (size_t i = 0; i < r->n_columns; i++) tern__free(c, r->columns[i]);
    tern__free(c, r->columns);
    tern__free(c, csv->fields);
    tern__free(c, r->starts);
    tern__free(c, r->row);
    tern__free(c, r->name);
    tern__free(c, r);
}

/* --- columns --- */

static size_t count_columns(const reader *r, const char *name, size_t *index) {
    size_t count = 0;
    for (size_t i = 0; i < r->n_columns; i++)
        if (strcmp(r->columns[i], name) == 0 && count++ == 0) *index = i;
    return count;
}

bool tern__csv_has_column(const tern__csv *csv, const char *name) {
    size_t index;
    return count_columns(csv->reader, name, &index) > 0;
}

tern_status tern__csv_column(const tern__csv *csv, const char *name, size_t *index) {
    const reader *r = csv->reader;
    size_t count = count_columns(r, name, index);
    if (count == 1) return TERN_OK;
    if (count > 1)
        return tern__fail(r->context, TERN_ERR_FORMAT, "%s: %zu columns are named '%s'", r->name,
                          count, name);
    char names[500] = "";
    size_t used = 0;
    for (size_t i = 0; i < r->n_columns && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 r->columns[i]);
    if (used >= sizeof names) strcpy(names + sizeof names - 4, "...");
    return tern__fail(r->context, TERN_ERR_FORMAT, "%s: no column is named '%s'; there are: %s",
                      r->name, name, names);
}

tern_status tern__csv_fail(const tern__csv *csv, tern_status status, const char *format, ...) {
    char text[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return tern__fail(csv->reader->context, status, "%s, line %zu: %s", csv->reader->name,
                      csv->line, text);
}
