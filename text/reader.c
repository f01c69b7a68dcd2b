/* Goes through files of texts one text at a time: label TAB text, tables with a header, a text per
 * line, token TAB tag. Knows no tokens and no vocabulary. */
#include "reader.h"

#include "core/csv.h"
#include "stream.h"

#include <string.h>
#include <strings.h>

#define LINE_LIMIT ((size_t)1 << 20)

struct tern_text_reader {
    tern_context *context;
    tern_text_format format;
    bool unlabelled;
    size_t line_limit, skipped;
    tern__stream *stream;
    tern__csv *csv; /* CSV only; reads from stream */
    size_t text_column, label_column;
    tern_status status;
    /* CONLL: the text being gathered */
    char *bytes; /* tokens with a space between */
    size_t used, bytes_capacity;
    tern_token *tokens;
    size_t n_tokens, tokens_capacity;
    char *tag_bytes; /* tags, each with its 0 */
    size_t tags_used, tag_bytes_capacity;
    const char **tags; /* made from tag_bytes when the text is complete */
    size_t tags_capacity;
};

static bool ends_with(const char *name, size_t length, const char *ending) {
    const size_t size = strlen(ending);
    return length >= size && !strncasecmp(name + length - size, ending, size);
}

static tern_text_format format_of(const char *path, bool unlabelled) {
    static const struct {
        const char *ending;
        tern_text_format format;
    } endings[] = {{".csv", TERN_TEXT_FORMAT_CSV},   {".tsv", TERN_TEXT_FORMAT_TSV},
                   {".tab", TERN_TEXT_FORMAT_TSV},   {".conll", TERN_TEXT_FORMAT_CONLL},
                   {".bio", TERN_TEXT_FORMAT_CONLL}, {".iob", TERN_TEXT_FORMAT_CONLL}};
    size_t length = strlen(path);
    if (ends_with(path, length, ".gz")) length -= 3;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(path, length, endings[i].ending)) return endings[i].format;
    return unlabelled ? TERN_TEXT_FORMAT_LINES : TERN_TEXT_FORMAT_TSV;
}

/* ---- opening ---- */

static tern_status skip_mark(tern_text_reader *r) {
    const unsigned char *bytes;
    size_t got;
    tern_status st = tern__stream_peek(r->stream, &bytes, 3, &got);
    if (st != TERN_OK) return st;
    if (got >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2)))
        return tern__fail(r->context, TERN_ERR_FORMAT, "%s: the text is UTF-16; save it as UTF-8",
                          tern__stream_name(r->stream));
    char mark[3];
    return got >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)
               ? tern__stream_read(r->stream, mark, sizeof mark, &got)
               : TERN_OK;
}

static tern_status read_stream(void *self, void *bytes, size_t size, size_t *got) {
    return tern__stream_read(self, bytes, size, got);
}

static tern_status open_table(tern_text_reader *r, const tern_text_reader_options *o) {
    tern_status st = tern__csv_open_reader(&r->csv, r->context, tern__stream_name(r->stream),
                                           read_stream, r->stream, ',', true);
    if (st != TERN_OK) return st;
    r->csv->row_limit = r->line_limit;
    st = tern__csv_column(r->csv, o->text_column ? o->text_column : "text", &r->text_column);
    if (st == TERN_OK && !r->unlabelled)
        st =
            tern__csv_column(r->csv, o->label_column ? o->label_column : "label", &r->label_column);
    return st;
}

tern_status tern__text_reader_options_check(tern_text_reader_options *checked, tern_context *c,
                                            const tern_text_reader_options *options) {
    tern_text_reader_options o = TERN_TEXT_READER_OPTIONS_INIT;
    if (options && (options->size < sizeof options->size || options->size > sizeof o))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "text reader options: size is %zu; start from "
                          "TERN_TEXT_READER_OPTIONS_INIT",
                          options->size);
    if (options) memcpy(&o, options, options->size);
    o.size = sizeof o;
    if ((unsigned)o.format > TERN_TEXT_FORMAT_CONLL)
        return tern__fail(c, TERN_ERR_ARGUMENT, "text reader options: there is no format %d",
                          (int)o.format);
    *checked = o;
    return TERN_OK;
}

/* Takes the stream over, whatever happens. */
static tern_status start(tern_text_reader **reader, tern_context *c, tern__stream *stream,
                         const char *path, const tern_text_reader_options *o) {
    tern_text_reader *r = tern__calloc(c, 1, sizeof *r);
    if (!r) {
        tern__stream_close(stream);
        return TERN_ERR_MEMORY;
    }
    r->context = c;
    r->stream = stream;
    r->unlabelled = o->unlabelled;
    r->format = o->format != TERN_TEXT_FORMAT_AUTO ? o->format : format_of(path, o->unlabelled);
    r->line_limit = o->line_limit ? o->line_limit : LINE_LIMIT;
    tern_status st = skip_mark(r);
    if (st == TERN_OK && r->format == TERN_TEXT_FORMAT_CSV) st = open_table(r, o);
    if (st == TERN_OK)
        *reader = r;
    else
        tern_text_reader_close(r);
    return st;
}

tern_status tern_text_reader_open(tern_text_reader **reader, tern_context *c, const char *path,
                                  const tern_text_reader_options *options) {
    tern_text_reader_options o;
    tern__stream *stream = NULL;
    *reader = NULL;
    tern_status st = tern__text_reader_options_check(&o, c, options);
    if (st == TERN_OK) st = tern__stream_open(&stream, c, path);
    return st == TERN_OK ? start(reader, c, stream, path, &o) : st;
}

tern_status tern__text_reader_open_memory(tern_text_reader **reader, tern_context *c,
                                          const char *name, const void *bytes, size_t size,
                                          const tern_text_reader_options *options) {
    tern_text_reader_options o;
    tern__stream *stream = NULL;
    *reader = NULL;
    tern_status st = tern__text_reader_options_check(&o, c, options);
    if (st == TERN_OK) st = tern__stream_open_memory(&stream, c, name, bytes, size);
    return st == TERN_OK ? start(reader, c, stream, name, &o) : st;
}

void tern_text_reader_close(tern_text_reader *r) {
    if (!r) return;
    tern_context *c = r->context;
    tern__csv_close(r->csv);
    tern__stream_close(r->stream);
    tern__free(c, r->bytes);
    tern__free(c, r->tokens);
    tern__free(c, r->tag_bytes);
    tern__free(c, r->tags);
    tern__free(c, r);
}

/* ---- lines ---- */

static bool is_space(char b) { return (unsigned char)b <= ' '; }

/* Nothing but white space, or byte-order marks, which files that were joined hold anywhere. */
static bool is_blank(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (length - i >= 3 && !memcmp(text + i, "\xef\xbb\xbf", 3))
            i += 2;
        else if (!is_space(text[i]))
            return false;
    }
    return true;
}

/* A line without NUL bytes; *line is NULL at the end. */
static tern_status next_line(tern_text_reader *r, char **line, size_t *length) {
    tern_status st = tern__stream_next_line(r->stream, line, length, r->line_limit);
    const char *nul = st == TERN_OK && *length ? memchr(*line, 0, *length) : NULL;
    if (nul)
        st =
            tern__stream_fail(r->stream, TERN_ERR_FORMAT, "byte %zu is NUL: this is not UTF-8 text",
                              (size_t)(nul - *line) + 1);
    return st;
}

static tern_status next_plain(tern_text_reader *r, tern_text_record *record, bool *got) {
    char *line;
    tern_status st = next_line(r, &line, &record->length);
    if (st != TERN_OK || !line) return st;
    record->text = line;
    record->line = tern__stream_line(r->stream);
    r->skipped += is_blank(line, record->length);
    *got = true;
    return TERN_OK;
}

/* Without white space at both ends; ends it with a 0. */
static char *trim(char *text, size_t *length) {
    while (*length && is_space(*text)) text++, --*length;
    while (*length && is_space(text[*length - 1])) --*length;
    text[*length] = 0;
    return text;
}

static tern_status next_labelled(tern_text_reader *r, tern_text_record *record, bool *got) {
    char *line;
    size_t length;
    for (;;) {
        tern_status st = next_line(r, &line, &length);
        if (st != TERN_OK || !line) return st;
        if (is_blank(line, length)) {
            r->skipped++;
            continue;
        }
        char *tab = memchr(line, '\t', length);
        if (!tab)
            return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                     "there is no TAB; a line is a label, a TAB and a text");
        size_t label_length = (size_t)(tab - line);
        record->label = trim(line, &label_length);
        if (!label_length)
            return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                     "the label before the TAB is empty");
        record->text = tab + 1;
        record->length = (size_t)(line + length - tab) - 1;
        if (!is_blank(record->text, record->length)) break;
        r->skipped++;
    }
    if (r->unlabelled) record->label = NULL;
    record->line = tern__stream_line(r->stream);
    *got = true;
    return TERN_OK;
}

/* ---- tables ---- */

static tern_status next_row(tern_text_reader *r, tern_text_record *record, bool *got) {
    for (bool row;;) {
        tern_status st = tern__csv_next(r->csv, &row);
        if (st != TERN_OK || !row) return st;
        record->text = r->csv->fields[r->text_column];
        record->length = strlen(record->text);
        if (!is_blank(record->text, record->length)) break;
        r->skipped++;
    }
    record->line = r->csv->line;
    if (!r->unlabelled) {
        char *label = r->csv->fields[r->label_column];
        size_t length = strlen(label);
        record->label = trim(label, &length);
        if (!length) return tern__csv_fail(r->csv, TERN_ERR_FORMAT, "the label is empty");
    }
    *got = true;
    return TERN_OK;
}

/* ---- tokens and tags ---- */

static tern_status add_token(tern_text_reader *r, const char *token, size_t length, const char *tag,
                             size_t tag_length) {
    tern_context *c = r->context;
    char *bytes = tern__grow(c, r->bytes, r->used, &r->bytes_capacity, r->used + length + 2, 1);
    if (!bytes) return TERN_ERR_MEMORY;
    r->bytes = bytes;
    tern_token *tokens =
        tern__grow(c, r->tokens, r->n_tokens, &r->tokens_capacity, r->n_tokens + 1, sizeof *tokens);
    if (!tokens) return TERN_ERR_MEMORY;
    r->tokens = tokens;
    char *tags = tern__grow(c, r->tag_bytes, r->tags_used, &r->tag_bytes_capacity,
                            r->tags_used + tag_length + 1, 1);
    if (!tags) return TERN_ERR_MEMORY;
    r->tag_bytes = tags;
    if (r->used) bytes[r->used++] = ' ';
    memcpy(bytes + r->used, token, length);
    tokens[r->n_tokens++] = (tern_token){NULL, length, r->used, r->used + length};
    r->used += length;
    bytes[r->used] = 0;
    memcpy(tags + r->tags_used, tag, tag_length);
    tags[r->tags_used + tag_length] = 0;
    r->tags_used += tag_length + 1;
    return TERN_OK;
}

/* A line that is not blank: the first field is the token, the last one its tag; fields are parted
 * by TABs, or, where there is none, by spaces. */
static tern_status add_line(tern_text_reader *r, char *line, size_t length) {
    const char separator = memchr(line, '\t', length) ? '\t' : ' ';
    while (length && is_space(line[length - 1])) length--;
    const char *end = line + length, *first = memchr(line, separator, length), *last = end;
    if (!first)
        return tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                                 "there is no tag; a line is a token, a TAB and its tag");
    if (first == line)
        return tern__stream_fail(r->stream, TERN_ERR_FORMAT, "the token before the TAB is empty");
    while (last[-1] != separator) last--;
    if (r->used + length > r->line_limit)
        return tern__stream_fail(r->stream, TERN_ERR_LIMIT,
                                 "the text is longer than %zu bytes; a blank line ends a text",
                                 r->line_limit);
    return add_token(r, line, (size_t)(first - line), last, (size_t)(end - last));
}

static tern_status show_tags(tern_text_reader *r) {
    const char **tags =
        tern__grow(r->context, r->tags, 0, &r->tags_capacity, r->n_tokens, sizeof *tags);
    if (!tags) return TERN_ERR_MEMORY;
    r->tags = tags;
    const char *tag = r->tag_bytes;
    for (size_t i = 0; i < r->n_tokens; i++, tag += strlen(tag) + 1) tags[i] = tag;
    return TERN_OK;
}

static tern_status next_tagged(tern_text_reader *r, tern_text_record *record, bool *got) {
    char *line;
    size_t length;
    tern_status st;
    r->used = r->n_tokens = r->tags_used = 0;
    while ((st = next_line(r, &line, &length)) == TERN_OK && line) {
        const bool blank = is_blank(line, length);
        if (blank && r->n_tokens) break;
        if (blank || !strncmp(line, "-DOCSTART-", 10)) continue;
        if (!r->n_tokens) record->line = tern__stream_line(r->stream);
        if ((st = add_line(r, line, length)) != TERN_OK) return st;
    }
    if (st != TERN_OK || !r->n_tokens) return st;
    if ((st = show_tags(r)) != TERN_OK) return st;
    record->text = r->bytes;
    record->length = r->used;
    record->n_tokens = r->n_tokens;
    record->tokens = r->tokens;
    record->tags = r->tags;
    *got = true;
    return TERN_OK;
}

tern_status tern_text_reader_next(tern_text_reader *r, tern_text_record *record, bool *got) {
    *record = (tern_text_record){0};
    *got = false;
    if (r->status != TERN_OK) return r->status;
    switch (r->format) {
    case TERN_TEXT_FORMAT_LINES:
        r->status = next_plain(r, record, got);
        break;
    case TERN_TEXT_FORMAT_CSV:
        r->status = next_row(r, record, got);
        break;
    case TERN_TEXT_FORMAT_CONLL:
        r->status = next_tagged(r, record, got);
        break;
    default:
        r->status = next_labelled(r, record, got);
    }
    if (!*got) *record = (tern_text_record){0};
    return r->status;
}

size_t tern_text_reader_skipped(const tern_text_reader *r) { return r->skipped; }
const char *tern_text_reader_name(const tern_text_reader *r) {
    return tern__stream_name(r->stream);
}
bool tern__text_reader_tagged(const tern_text_reader *r) {
    return r->format == TERN_TEXT_FORMAT_CONLL;
}
