/* Tables of text, one row at a time: comma-separated (RFC 4180) and tab-separated, with line
 * numbers for sentences and bounded memory however long the file is. Internal; knows nothing of
 * columns' meaning. */
#ifndef TERN_CORE_CSV_H
#define TERN_CORE_CSV_H

#include "base.h"

#define TERN__CSV_ROW_LIMIT ((size_t)1 << 20) /* bytes of one row */

typedef struct tern__csv {
    size_t n_fields;
    char **fields; /* of the current row, NUL-terminated, one behind the other; valid until the next
                      row */
    size_t line;   /* on which the current row begins, counted from 1 */
    size_t n_blank;     /* blank lines so far */
    size_t row_limit;   /* TERN__CSV_ROW_LIMIT; the caller may raise it */
    size_t most_fields; /* the last one takes the rest of the line; 0: no limit. The caller may set
                           it */
    struct tern__csv_reader *reader;
} tern__csv;

/* Opens a table. separator ',' (fields may be quoted: "a ""b""" spans separators and lines) or '\t'
 * (fields are quoted only where all of the first row are: other files of that kind hold bare
 * quotes; a field in quotes with doubled ones inside is taken out of them) or another for comma's
 * rules; 0: '\t' where the name ends in .tsv or .tab, else what the first line holds: a TAB, or, if
 * it has no comma, a semicolon. With header the first row is read at once: it names the columns
 * (without blanks around the names), and every later row must have as many fields. A byte-order
 * mark is skipped, as are blank lines; lines end with LF, CRLF or CR. path "-" is standard input.
 * UTF-16 is TERN_ERR_FORMAT. *csv is NULL on failure. */
tern_status tern__csv_open(tern__csv **csv, tern_context *c, const char *path, char separator,
                           bool header);
/* The same for bytes that the caller keeps as long. name is for sentences. */
tern_status tern__csv_open_memory(tern__csv **csv, tern_context *c, const char *name,
                                  const void *bytes, size_t size, char separator, bool header);
/* The same for bytes that read gives: up to size of them into bytes, *got of them, 0 at the end; it
 * records its own sentence where it fails. self must outlive the table. */
typedef tern_status (*tern__csv_read)(void *self, void *bytes, size_t size, size_t *got);
tern_status tern__csv_open_reader(tern__csv **csv, tern_context *c, const char *name,
                                  tern__csv_read read, void *self, char separator, bool header);
/* Reads the next row; *got is false at the end (n_fields is 0 then). Errors, which stick:
 * TERN_ERR_FORMAT (a NUL byte, text after a closing quote, a quote that never closes, another
 * number of fields than the header), TERN_ERR_LIMIT (a row beyond row_limit),
 * TERN_ERR_IO. */
tern_status tern__csv_next(tern__csv *csv, bool *got);
/* The index of the column of this name; without a header of this number, counted from 1: then rows
 * must have as many fields. TERN_ERR_FORMAT, naming the columns there are, if it is absent or there
 * twice, or is no number. */
tern_status tern__csv_column(const tern__csv *csv, const char *name, size_t *index);
/* Whether the header has it. */
bool tern__csv_has_column(const tern__csv *csv, const char *name);
/* tern__fail with "FILE, line N: " before the sentence: for what callers find wrong in the current
 * row. */
tern_status tern__csv_fail(const tern__csv *csv, tern_status status, const char *format, ...)
    TERN_PRINTF(3, 4);
void tern__csv_close(tern__csv *csv);

#endif
