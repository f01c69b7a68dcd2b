/* Goes through files of texts one text at a time: label TAB text and fastText's lines, tables with
 * columns by name or number, a text per line, token TAB tag. Knows no tokens and no vocabulary. */
#include "reader.h"

#include "core/base/csv.h"
#include "core/base/encoding.h"
#include "stream.h"

#include <string.h>
#include <strings.h>

#define LINE_LIMIT ((size_t)1 << 20)

struct tern_text_reader {
    tern_context *context;
    tern_text_format format;
    bool unlabelled;
    size_t line_limit, skipped, skipped_line; /* the line of the first text that was skipped */
    tern__stream *stream;
    tern__csv *csv; /* TSV and CSV only; reads from stream */
    size_t text_column, label_column;
    bool pairs; /* no columns are asked for: label TAB text, which may hold TABs */
    tern__label_cleaner cleaner;
    tern__spellings labels, skipped_labels; /* of texts that were given, and of empty ones */
    tern_status status;
    /* CONLL: the text being gathered */
    char *bytes; /* tokens with a space between */
    size_t used, bytes_capacity;
    tern_token *tokens;
    size_t n_tokens, tokens_capacity;
    char *tag_bytes; /* tags, each with its 0 */
    size_t tags_used, tag_bytes_capacity;
    bool tabs;         /* fields are parted by TABs, as far as lines were seen */
    size_t columns;    /* fields of the last line where they are parted by spaces */
    const char **tags; /* made from tag_bytes when the text is complete */
    size_t tags_capacity;
};

static bool ends_with(const char *name, size_t length, const char *ending) {
    const size_t size = strlen(ending);
    return length >= size && !strncasecmp(name + length - size, ending, size);
}

/* *known: by the name's ending. */
static tern_text_format format_of(const char *path, bool unlabelled, bool *known) {
    static const struct {
        const char *ending;
        tern_text_format format;
    } endings[] = {{".csv", TERN_TEXT_FORMAT_CSV},   {".tsv", TERN_TEXT_FORMAT_TSV},
                   {".tab", TERN_TEXT_FORMAT_TSV},   {".conll", TERN_TEXT_FORMAT_CONLL},
                   {".bio", TERN_TEXT_FORMAT_CONLL}, {".iob", TERN_TEXT_FORMAT_CONLL}};
    size_t length = strlen(path);
    *known = true;
    if (ends_with(path, length, ".gz")) length -= 3;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(path, length, endings[i].ending)) return endings[i].format;
    *known = false;
    return unlabelled ? TERN_TEXT_FORMAT_LINES : TERN_TEXT_FORMAT_TSV;
}

/* ---- opening ---- */

static tern_status skip_mark(tern_text_reader *r) {
    const unsigned char *bytes;
    size_t got, mark;
    char taken[3];
    tern_status st = tern__stream_peek(r->stream, &bytes, 3, &got);
    if (st == TERN_OK)
        st = tern__text_begin(&mark, r->context, tern__stream_name(r->stream), bytes, got);
    return st == TERN_OK && mark ? tern__stream_read(r->stream, taken, mark, &got) : st;
}

static tern_status read_stream(void *self, void *bytes, size_t size, size_t *got) {
    return tern__stream_read(self, bytes, size, got);
}

/* Whether the first line of a file of TABs names the columns text and label. */
static tern_status find_header(tern_text_reader *r, bool *is_header) {
    const unsigned char *bytes;
    size_t got;
    bool text = false, label = false;
    tern_status st = tern__stream_peek(r->stream, &bytes, 4096, &got);
    for (size_t i = 0; st == TERN_OK && i < got;) {
        size_t end = i;
        while (end < got && !strchr("\t\r\n", bytes[end])) end++;
        text |= end - i == 4 && !memcmp(bytes + i, "text", 4);
        label |= end - i == 5 && !memcmp(bytes + i, "label", 5);
        if (end == got || bytes[end] != '\t') break;
        i = end + 1;
    }
    *is_header = text && label;
    return st;
}

static tern_status open_table(tern_text_reader *r, const tern_text_reader_options *o, bool sniff) {
    const bool columns = o->text_column || o->label_column;
    const bool tabs = r->format == TERN_TEXT_FORMAT_TSV && !(sniff && (columns || o->no_header));
    bool header = !o->no_header;
    tern_status st = TERN_OK;
    if (tabs && header && !columns) st = find_header(r, &header);
    if (st == TERN_OK)
        st = tern__csv_open_reader(&r->csv, r->context, tern__stream_name(r->stream), read_stream,
                                   r->stream,
                                   tabs    ? '\t'
                                   : sniff ? 0
                                           : ',',
                                   header);
    if (st != TERN_OK) return st;
    r->csv->row_limit = r->line_limit;
    r->pairs = tabs && !header && !columns;
    r->text_column = 1;
    if (r->pairs) r->csv->most_fields = 2;
    if (r->pairs) return TERN_OK;
    const char *text = o->text_column, *label = o->label_column;
    if (!text) text = header ? "text" : "2";
    if (!label) label = header ? "label" : "1";
    st = tern__csv_column(r->csv, text, &r->text_column);
    if (st == TERN_OK && !r->unlabelled) st = tern__csv_column(r->csv, label, &r->label_column);
    if (st == TERN_OK && !r->unlabelled && r->text_column == r->label_column)
        st = tern__fail(r->context, TERN_ERR_ARGUMENT,
                        "%s: column %s cannot be both the text and the label",
                        tern__stream_name(r->stream), text);
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
    r->cleaner.context = r->labels.context = r->skipped_labels.context = c;
    bool known = true;
    r->format = o->format;
    if (r->format == TERN_TEXT_FORMAT_AUTO) r->format = format_of(path, o->unlabelled, &known);
    const bool csv = r->format == TERN_TEXT_FORMAT_CSV;
    r->line_limit = o->line_limit ? o->line_limit : LINE_LIMIT;
    tern_status st = skip_mark(r);
    if (st == TERN_OK && r->format == TERN_TEXT_FORMAT_CONLL &&
        (o->text_column || o->label_column || o->no_header))
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "%s: columns are chosen in tables (TSV, CSV); of a file of tokens and tags "
                        "the first column and the last one are read",
                        tern__stream_name(stream));
    if (st == TERN_OK && (csv || r->format == TERN_TEXT_FORMAT_TSV))
        st = open_table(r, o, !known || (csv && o->format == TERN_TEXT_FORMAT_AUTO));
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
    tern__label_cleaner_clear(&r->cleaner);
    tern__spellings_clear(&r->labels);
    tern__spellings_clear(&r->skipped_labels);
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

/* ---- tables ---- */

#define FASTTEXT "__label__"

/* A line "__label__x text": label and text are cut apart where the label ends. Fields lie one
 * behind the other, so that a TAB puts both back into one. */
static tern_status cut_fasttext(tern_text_reader *r, char **label, char **text) {
    char *line = r->csv->fields[0];
    if (r->csv->n_fields > 1) line[strlen(line)] = '\t';
    *label = line + strlen(FASTTEXT);
    char *end = line + strcspn(line, " \t");
    *text = *end ? end + 1 + strspn(end + 1, " \t") : end;
    *end = 0;
    if (strncmp(*text, FASTTEXT, strlen(FASTTEXT))) return TERN_OK;
    return tern__csv_fail(r->csv, TERN_ERR_FORMAT, "a second " FASTTEXT "; a text has one label");
}

static tern_status skip_text(tern_text_reader *r, const char *label) {
    const char *clean;
    if (!r->skipped++) r->skipped_line = r->csv->line;
    if (!label || is_blank(label, strlen(label))) return TERN_OK;
    tern_status st = tern__label_clean(&r->cleaner, &clean, label);
    return st == TERN_OK ? tern__spellings_note(&r->skipped_labels, label, clean) : st;
}

static tern_status take_label(tern_text_reader *r, tern_text_record *record, const char *label) {
    tern_status st = tern__label_clean(&r->cleaner, &record->label, label);
    if (st == TERN_OK && !*record->label)
        return tern__csv_fail(r->csv, TERN_ERR_FORMAT, "the label is empty");
    return st == TERN_OK ? tern__spellings_note(&r->labels, label, record->label) : st;
}

static tern_status next_row(tern_text_reader *r, tern_text_record *record, bool *got) {
    char *text, *label;
    for (bool row;;) {
        tern_status st = tern__csv_next(r->csv, &row);
        if (st != TERN_OK || !row) return st;
        char **fields = r->csv->fields;
        text = label = NULL;
        if (r->pairs && !strncmp(fields[0], FASTTEXT, strlen(FASTTEXT)))
            st = cut_fasttext(r, &label, &text);
        else if (!r->pairs || r->csv->n_fields > 1)
            text = fields[r->text_column];
        if (st != TERN_OK) return st;
        if (!label && text && !r->unlabelled) label = fields[r->label_column];
        if (!text && !is_blank(fields[0], strlen(fields[0])))
            return tern__csv_fail(r->csv, TERN_ERR_FORMAT,
                                  "there is no TAB; a line is a label, a TAB and a text (or "
                                  "fastText's " FASTTEXT "x and a text)");
        if (text && !is_blank(text, strlen(text))) break;
        if ((st = skip_text(r, text ? label : NULL)) != TERN_OK) return st;
    }
    record->text = text;
    record->length = strlen(text);
    record->line = r->csv->line;
    *got = true;
    return r->unlabelled ? TERN_OK : take_label(r, record, label);
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

static size_t count_fields(const char *line, size_t length) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
        n += !is_space(line[i]) && (i == 0 || is_space(line[i - 1]));
    return n;
}

/* "# text = ...": begins with # and has no TAB. Where fields are parted by spaces, # may be a
 * token, with as many fields as other lines have. */
static bool is_comment(const tern_text_reader *r, const char *line, size_t length) {
    if (*line != '#' || memchr(line, '\t', length)) return false;
    if (r->tabs) return true;
    const size_t n = count_fields(line, length);
    return r->columns ? n != r->columns : n < 2 || n > 4 || strstr(line, " = ");
}

/* A line that is not blank: the first field is the token, the last one its tag; fields are parted
 * by TABs, or, where there is none, by spaces. */
static tern_status add_line(tern_text_reader *r, char *line, size_t length) {
    const char separator = memchr(line, '\t', length) ? '\t' : ' ';
    while (length && is_space(line[length - 1])) length--;
    line[length] = 0;
    const char *end = line + length, *first = memchr(line, separator, length), *last = end, *tag;
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
    if (separator == '\t')
        r->tabs = true;
    else
        r->columns = count_fields(line, length);
    tern_status st = tern__label_clean(&r->cleaner, &tag, last);
    if (st == TERN_OK && !*tag)
        st = tern__stream_fail(r->stream, TERN_ERR_FORMAT,
                               "there is no tag; a line is a token, a TAB and its tag");
    if (st == TERN_OK) st = tern__spellings_note(&r->labels, last, tag);
    return st == TERN_OK ? add_token(r, line, (size_t)(first - line), tag, strlen(tag)) : st;
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
        if (blank || !strncmp(line, "-DOCSTART-", 10) || is_comment(r, line, length)) continue;
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
    case TERN_TEXT_FORMAT_CONLL:
        r->status = next_tagged(r, record, got);
        break;
    default:
        r->status = next_row(r, record, got);
    }
    if (r->status != TERN_OK) *got = false;
    if (!*got) *record = (tern_text_record){0};
    return r->status;
}

size_t tern_text_reader_skipped(const tern_text_reader *r) {
    return r->skipped + (r->csv ? r->csv->n_blank : 0);
}
void tern__text_reader_report(const tern_text_reader *r, tern__findings *f) {
    const size_t blank = tern_text_reader_skipped(r) - r->skipped;
    if (blank)
        tern__findings_add(f, "%zu empty line%s skipped", blank, blank == 1 ? " was" : "s were");
    if (r->skipped && r->skipped_line)
        tern__findings_add(f, "%zu empty text%s skipped, the first in line %zu", r->skipped,
                           r->skipped == 1 ? " was" : "s were", r->skipped_line);
    tern__spellings_lost(&r->labels, &r->skipped_labels, f, "with empty texts only");
    tern__spellings_merged(&r->labels, f);
}
const char *tern_text_reader_name(const tern_text_reader *r) {
    return tern__stream_name(r->stream);
}
bool tern__text_reader_tagged(const tern_text_reader *r) {
    return r->format == TERN_TEXT_FORMAT_CONLL;
}
