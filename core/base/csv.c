/* Reading tables of text row by row. Must not know what the columns mean. Source: RFC 4180; for
 * tabs IANA's text/tab-separated-values, which has no quoting. */
#include "csv.h"

#include "encoding.h"
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

typedef struct tern__csv_reader {
    tern__csv face; /* what the caller sees */
    tern_context *context;
    char *name;
    char separator;
    bool quoting, ended;
    tern_status status;
    int fd;              /* -1: from memory or read */
    tern__csv_read read; /* NULL: from fd or memory */
    void *self;
    const unsigned char *bytes; /* what is left to take, of buffer or of the caller's memory */
    size_t left;
    size_t line; /* the line of the next byte */
    char *row;   /* the fields of the row, each with its 0 */
    size_t row_used, row_capacity;
    size_t *starts; /* of the fields in row */
    size_t n_starts, starts_capacity;
    size_t fields_capacity;  /* of face.fields */
    char **columns;          /* a copy of the header; NULL without one */
    size_t n_columns, least; /* least: fields that columns by number ask for */
    bool special[256];       /* bytes that end a run of plain ones */
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
    size_t got = 0;
    if (r->read) {
        r->status = r->read(r->self, r->buffer + r->left, sizeof r->buffer - r->left, &got);
    } else if (r->fd >= 0) {
        ssize_t n;
        do n = read(r->fd, r->buffer + r->left, sizeof r->buffer - r->left);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return r->status = tern__fail(r->context, TERN_ERR_IO, "%s: cannot read: %s", r->name,
                                          strerror(errno));
        got = (size_t)n;
    }
    if (got) r->bytes = r->buffer;
    r->left += got;
    r->ended = got == 0;
    return r->status;
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

static tern_status append(reader *r, const void *bytes, size_t size) {
    if (size > r->row_capacity - r->row_used) {
        char *row =
            tern__grow(r->context, r->row, r->row_used, &r->row_capacity, r->row_used + size, 1);
        if (!row) return r->status = TERN_ERR_MEMORY;
        r->row = row;
    }
    memcpy(r->row + r->row_used, bytes, size);
    r->row_used += size;
    if (r->row_used <= r->face.row_limit + 1) return TERN_OK; /* 1: the last field's 0 */
    return fail_at(r, r->face.line, TERN_ERR_LIMIT, "the row is longer than %zu bytes%s",
                   r->face.row_limit, r->quoting ? "; does a quote never close?" : "");
}

/* Takes plain bytes, as many as are at hand, into the row. */
static tern_status take_run(reader *r) {
    const unsigned char *begin = r->bytes, *end = begin + r->left, *s = begin;
    while (s < end && !r->special[*s]) s++;
    r->left -= (size_t)(s - begin);
    r->bytes = s;
    return append(r, begin, (size_t)(s - begin));
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
        const char taken = (char)byte;
        if (append(r, &taken, 1) != TERN_OK) return r->status;
        if (take_run(r) != TERN_OK) return r->status;
    }
}

/* Takes the field that begins here out of quotes if its writer put it into them: they hold doubled
 * quotes and no others. */
static void unquote(reader *r, size_t begin) {
    char *field = r->row + begin;
    const size_t length = r->row_used - begin;
    size_t doubled = 0, used = 0;
    if (length < 4 || field[0] != '"' || field[length - 1] != '"') return;
    for (size_t i = 1; i + 1 < length; i++) {
        if (field[i] != '"') continue;
        if (i + 2 >= length || field[++i] != '"') return;
        doubled++;
    }
    if (!doubled) return;
    for (size_t i = 1; i + 1 < length; i++) {
        field[used++] = field[i];
        if (field[i] == '"') i++;
    }
    r->row_used = begin + used;
}

/* A field and what ends it; *last: the row ends with it. */
static tern_status read_field(reader *r, bool *last) {
    if (begin_field(r) != TERN_OK) return r->status;
    const size_t begin = r->row_used;
    const bool quoted = r->quoting && peek(r) == '"';
    const bool rest = r->face.most_fields && r->n_starts == r->face.most_fields;
    if (quoted && read_quoted(r) != TERN_OK) return r->status;
    for (;;) {
        int byte = peek(r);
        if (byte < 0 && r->status != TERN_OK) return r->status;
        const bool parted = byte == r->separator && !rest;
        *last = byte < 0 || byte == '\r' || byte == '\n';
        if (parted) take(r);
        if (*last && byte >= 0) take_line_end(r);
        if (*last || parted) {
            if (!r->quoting) unquote(r, begin);
            return append(r, "", 1);
        }
        if (byte == 0) return refuse_nul(r);
        if (quoted)
            return fail_at(r, r->line, TERN_ERR_FORMAT,
                           "text after a closing quote; quotes inside a quoted field are doubled");
        const char taken = (char)byte;
        take(r);
        if (append(r, &taken, 1) != TERN_OK || take_run(r) != TERN_OK) return r->status;
    }
}

/* --- rows --- */

/* A row of one field, of nothing but white space, where more were expected. */
static bool is_blank(const reader *r) {
    return r->n_columns > 1 && r->n_starts == 1 && r->row_used > 1 &&
           r->row[strspn(r->row, " \t\v\f")] == 0;
}

static tern_status read_row(reader *r) {
    r->face.n_fields = 0;
    do {
        r->row_used = r->n_starts = 0;
        for (; peek(r) == '\r' || peek(r) == '\n'; r->face.n_blank++) take_line_end(r);
        r->face.line = r->line;
        if (peek(r) < 0) return r->status;
        for (bool last = false; !last;)
            if (read_field(r, &last) != TERN_OK) return r->status;
    } while (is_blank(r) && ++r->face.n_blank);
    char **fields =
        tern__grow(r->context, r->face.fields, 0, &r->fields_capacity, r->n_starts, sizeof *fields);
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
    const size_t fields = csv->n_fields;
    if (fields && ((r->columns && fields != r->n_columns) || fields < r->least)) {
        csv->n_fields = 0;
        return r->columns
                   ? fail_at(r, csv->line, TERN_ERR_FORMAT, "%zu field%s where the header has %zu",
                             fields, fields == 1 ? "" : "s", r->n_columns)
                   : fail_at(r, csv->line, TERN_ERR_FORMAT,
                             "%zu field%s, but column %zu is asked for", fields,
                             fields == 1 ? "" : "s", r->least);
    }
    *got = fields > 0;
    return TERN_OK;
}

/* --- opening --- */

/* The first line that is not blank, as far as the buffer shows it; empty at the end. */
static tern_status first_line(reader *r, const char **line, const char **end) {
    for (;;) {
        const char *s = (const char *)r->bytes, *stop = s + r->left;
        while (s < stop && (*s == '\r' || *s == '\n')) s++;
        *line = s;
        while (s < stop && *s != '\r' && *s != '\n') s++;
        *end = s;
        if (s < stop || r->ended || r->left == sizeof r->buffer) return TERN_OK;
        if (fill(r) != TERN_OK) return r->status;
    }
}

static bool holds(const char *line, const char *end, char byte) {
    return line < end && memchr(line, byte, (size_t)(end - line));
}

static char separator_of(const char *name, const char *line, const char *end) {
    const size_t length = strlen(name);
    const char *ending = length > 4 ? name + length - 4 : "";
    if (!strcasecmp(ending, ".tsv") || !strcasecmp(ending, ".tab")) return '\t';
    if (holds(line, end, ','))
        return strcasecmp(ending, ".csv") && holds(line, end, '\t') ? '\t' : ',';
    return holds(line, end, '\t') ? '\t' : holds(line, end, ';') ? ';' : ',';
}

/* Whether every field of a line of TABs is in quotes. */
static bool all_quoted(const char *line, const char *end) {
    if (line == end) return false;
    for (const char *s = line; s <= end; s++) {
        const char *tab = s < end ? memchr(s, '\t', (size_t)(end - s)) : NULL;
        const char *stop = tab ? tab : end;
        if (stop - s < 2 || *s != '"' || stop[-1] != '"') return false;
        s = stop;
    }
    return true;
}

/* Looks at the first line: encoding, separator, quotes; skips the byte-order mark. */
static tern_status look(reader *r, char separator) {
    const char *line, *end;
    size_t mark;
    if (first_line(r, &line, &end) != TERN_OK) return r->status;
    r->status = tern__text_begin(&mark, r->context, r->name, r->bytes, r->left);
    if (r->status != TERN_OK) return r->status;
    if (line == (const char *)r->bytes) line += mark;
    r->bytes += mark;
    r->left -= mark;
    r->separator = separator ? separator : separator_of(r->name, line, end);
    r->quoting = r->separator != '\t' || all_quoted(line, end);
    r->special[0] = r->special['\n'] = r->special['\r'] = r->special['"'] = true;
    r->special[(unsigned char)r->separator] = true;
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
        const char *name = r->face.fields[i] + strspn(r->face.fields[i], " \t");
        size_t length = strlen(name);
        while (length && strchr(" \t", name[length - 1])) length--;
        r->columns[i] = tern__strndup(r->context, name, length);
        if (!r->columns[i]) return TERN_ERR_MEMORY;
        r->n_columns++;
    }
    return TERN_OK;
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
    r->bytes = from.bytes ? from.bytes : r->buffer;
    r->left = from.size;
    r->read = from.read;
    r->self = from.self;
    r->line = 1;
    r->name = tern__strdup(c, name);
    tern_status status = r->name ? look(r, separator) : TERN_ERR_MEMORY;
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

/* A column's number; 0: it is none. */
static size_t number_of(const char *name) {
    size_t number = 0;
    if (strlen(name) > 6) return 0;
    for (; *name >= '0' && *name <= '9'; name++) number = 10 * number + (size_t)(*name - '0');
    return *name ? 0 : number;
}

tern_status tern__csv_column(const tern__csv *csv, const char *name, size_t *index) {
    reader *r = csv->reader;
    const size_t number = number_of(name);
    if (!r->columns && !number)
        return tern__fail(r->context, TERN_ERR_FORMAT,
                          "%s: '%s' is no column: without a header they are numbered, from 1",
                          r->name, name);
    if (!r->columns) {
        *index = number - 1;
        if (r->least < number) r->least = number;
        return TERN_OK;
    }
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
    return tern__fail(
        r->context, TERN_ERR_FORMAT, "%s: no column is named '%s'; there are: %s%s", r->name, name,
        names, number ? "; columns are counted in a table without a header (--no-header)" : "");
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
