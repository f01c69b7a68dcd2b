/* Reads the texts of a data set into memory as numbers of their words, puts labels into order,
 * finds texts that are there several times, and says what is in the data. Serves nothing. */
#include "texts.h"

#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What reading notices. */
typedef struct notes {
    size_t broken_texts, replaced, broken_line, wordless, wordless_line, same;
} notes;

typedef struct reading {
    tern__texts *texts;
    const tern_text_dataset_options *options;
    tern_text_reader *reader;
    tern_tokens *tokens;
    double memory;
    notes notes;
    tern__findings findings;
} reading;

/* "a, b, c and 4 more". */
static const char *names_text(const tern__words *names, char *out, size_t size) {
    size_t used = 0, i, length;
    out[0] = 0;
    for (i = 0; i < names->count; i++) {
        const char *name = tern__words_at(names, i, &length);
        if (used + length + 24 >= size) break;
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
    }
    if (i < names->count) snprintf(out + used, size - used, " and %zu more", names->count - i);
    return out;
}

static tern_status fail_at(const reading *r, size_t line, tern_status status,
                           const char *sentence) {
    return tern__fail(r->texts->context, status, "%s, line %zu: %s", r->texts->name, line,
                      sentence);
}

/* ---- one text ---- */

/* The number of a label; a new one is added, or is an error where labels were given. */
static tern_status number_label(const reading *r, int32_t *number, const char *label, size_t line) {
    tern__texts *t = r->texts;
    const size_t length = strlen(label);
    const uint32_t hash = tern_text_hash(label, length);
    int64_t found = tern__words_find(&t->label_names, label, length, hash);
    if (found < 0 && r->options->n_labels) {
        char known[300], sentence[500];
        snprintf(sentence, sizeof sentence, "the %s '%.60s' is not one of those that are known: %s",
                 t->tagged ? "tag" : "label", label,
                 names_text(&t->label_names, known, sizeof known));
        return fail_at(r, line, TERN_ERR_FORMAT, sentence);
    }
    if (found < 0 && tern__words_add(&t->label_names, &found, label, length, hash) != TERN_OK)
        return TERN_ERR_MEMORY;
    *number = (int32_t)found;
    return TERN_OK;
}

static tern_status number_word(tern__texts *t, int32_t *number, const tern_token *token,
                               tern__written written) {
    int64_t word, spelling;
    tern_status st = tern__words_add(&t->words, &word, token->text, token->length,
                                     tern_text_hash(token->text, token->length));
    *number = (int32_t)word;
    if (st != TERN_OK || !t->text.subword_case) return st;
    int32_t *word_of = tern__grow(t->context, t->word_of, t->spellings.count, &t->word_of_capacity,
                                  t->spellings.count + 1, sizeof *word_of);
    if (!word_of) return TERN_ERR_MEMORY;
    t->word_of = word_of;
    const size_t before = t->spellings.count;
    st = tern__words_add(&t->spellings, &spelling, written.text, written.length,
                         tern_text_hash(written.text, written.length));
    if (st == TERN_OK && t->spellings.count > before) word_of[spelling] = (int32_t)word;
    *number = (int32_t)spelling;
    return st;
}

/* Room for one text more of n tokens. */
static tern_status make_room(tern__texts *t, size_t n) {
    tern_context *c = t->context;
    const size_t used = t->begins ? t->begins[t->count] : 0;
    size_t *begins = tern__grow(c, t->begins, t->begins ? t->count + 1 : 0, &t->begins_capacity,
                                t->count + 2, sizeof *begins);
    if (!begins) return TERN_ERR_MEMORY;
    t->begins = begins;
    if (t->count == 0) begins[0] = 0;
    int32_t *tokens =
        tern__grow(c, t->tokens, used, &t->tokens_capacity, used + n + 1, sizeof *tokens);
    if (!tokens) return TERN_ERR_MEMORY;
    t->tokens = tokens;
    uint32_t *lines =
        tern__grow(c, t->lines, t->count, &t->lines_capacity, t->count + 1, sizeof *lines);
    if (!lines) return TERN_ERR_MEMORY;
    t->lines = lines;
    int32_t **values = t->tagged ? &t->tags : &t->labels;
    size_t *capacity = t->tagged ? &t->tags_capacity : &t->labels_capacity;
    const size_t old = t->tagged ? used : t->count, more = t->tagged ? n + 1 : 1;
    int32_t *grown = tern__grow(c, *values, old, capacity, old + more, sizeof *grown);
    if (!grown) return TERN_ERR_MEMORY;
    *values = grown;
    return TERN_OK;
}

static tern_status cut(const reading *r, const tern_text_record *record) {
    const tern__texts *t = r->texts;
    tern_status st = t->tagged
                         ? tern__tokens_take(r->tokens, &t->text, record->text, record->length,
                                             record->tokens, record->n_tokens)
                         : tern_text_tokenize(r->tokens, &t->text, record->text, record->length);
    return st == TERN_OK ? st : tern__fail_in(t->context, "%s, line %zu", t->name, record->line);
}

static void note(reading *r, const tern_text_record *record) {
    notes *n = &r->notes;
    if (r->tokens->replaced) {
        if (!n->broken_texts++) n->broken_line = record->line;
        n->replaced += r->tokens->replaced;
    }
    if (!r->tokens->count && !n->wordless++) n->wordless_line = record->line;
}

static tern_status add(reading *r, const tern_text_record *record) {
    tern__texts *t = r->texts;
    tern_status st = cut(r, record);
    const size_t n = r->tokens->count;
    if (st == TERN_OK) st = make_room(t, n);
    if (st != TERN_OK) return st;
    if (t->count >= INT32_MAX)
        return fail_at(r, record->line, TERN_ERR_LIMIT, "there are more than 2147483647 texts");
    note(r, record);
    const size_t begin = t->begins[t->count];
    size_t at = 0;
    for (size_t i = 0; st == TERN_OK && i < n; i++)
        st = number_word(t, &t->tokens[begin + i], &r->tokens->at[i],
                         tern__token_written(r->tokens, i, &at));
    for (size_t i = 0; st == TERN_OK && t->tagged && i < n; i++)
        st = number_label(r, &t->tags[begin + i], record->tags[i], record->line + i);
    if (st == TERN_OK && !t->tagged)
        st = number_label(r, &t->labels[t->count], record->label, record->line);
    if (st != TERN_OK) return st;
    t->lines[t->count] = (uint32_t)(record->line < UINT32_MAX ? record->line : UINT32_MAX);
    t->begins[++t->count] = begin + n;
    const double bytes = (double)(begin + n) * (t->tagged ? 8 : 4) + 32.0 * (double)t->count +
                         (double)(t->words.used + t->spellings.used) +
                         32.0 * (double)(t->words.count + t->spellings.count);
    if (bytes <= r->memory) return TERN_OK;
    char sentence[200];
    snprintf(sentence, sizeof sentence,
             "the texts up to here take %.1f GB of memory, more than the "
             "%.1f GB that are allowed (--memory)",
             bytes / 1e9, r->memory / 1e9);
    return fail_at(r, record->line, TERN_ERR_LIMIT, sentence);
}

static tern_status read_all(reading *r) {
    tern_text_record record;
    tern_status st = TERN_OK;
    for (bool got = true; st == TERN_OK;) {
        st = tern_text_reader_next(r->reader, &record, &got);
        if (st != TERN_OK || !got) break;
        st = add(r, &record);
    }
    return st;
}

/* ---- labels in order ---- */

typedef struct label {
    const char *name;
    size_t length;
    long long value; /* where all are numbers */
    int32_t old;
} label;

static int by_name(const void *a, const void *b) {
    return strcmp(((const label *)a)->name, ((const label *)b)->name);
}
static int by_value(const void *a, const void *b) {
    const label *x = a, *y = b;
    return x->value != y->value ? (x->value > y->value) - (x->value < y->value) : by_name(a, b);
}

/* A whole number of at most 18 digits. */
static bool read_whole(const char *text, size_t length, long long *value) {
    const bool minus = length && *text == '-';
    size_t i = minus;
    if (length - i < 1 || length - i > 18) return false;
    for (*value = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        *value = 10 * *value + (text[i] - '0');
    }
    if (minus) *value = -*value;
    return true;
}

static void renumber(int32_t *values, size_t count, const int32_t *now) {
    for (size_t i = 0; i < count; i++) values[i] = now[values[i]];
}

static tern_status order_labels(tern__texts *t) {
    tern_context *c = t->context;
    const size_t n = t->label_names.count;
    tern__words ordered = {.context = c};
    bool numbers = true;
    tern_status st = TERN_ERR_MEMORY;
    int32_t *now = tern__calloc(c, n, sizeof *now);
    label *labels = tern__calloc(c, n, sizeof *labels);
    if (!now || !labels) goto done;
    for (size_t i = 0; i < n; i++) {
        labels[i].name = tern__words_at(&t->label_names, i, &labels[i].length);
        labels[i].old = (int32_t)i;
        if (!read_whole(labels[i].name, labels[i].length, &labels[i].value)) numbers = false;
    }
    qsort(labels, n, sizeof *labels, numbers ? by_value : by_name);
    st = TERN_OK;
    for (size_t i = 0; st == TERN_OK && i < n; i++) {
        int64_t number;
        st = tern__words_add(&ordered, &number, labels[i].name, labels[i].length,
                             tern_text_hash(labels[i].name, labels[i].length));
        now[labels[i].old] = (int32_t)i;
    }
    if (st != TERN_OK) goto done;
    if (t->tagged)
        renumber(t->tags, t->begins[t->count], now);
    else
        renumber(t->labels, t->count, now);
    tern__words_clear(&t->label_names);
    t->label_names = ordered;
    ordered = (tern__words){0};
done:
    tern__words_clear(&ordered);
    tern__free(c, labels);
    tern__free(c, now);
    return st;
}

static tern_status take_labels(tern__texts *t, const tern_text_dataset_options *o) {
    tern_status st = TERN_OK;
    for (size_t i = 0; st == TERN_OK && i < o->n_labels; i++) {
        int64_t number;
        char *name = tern__label_copy(t->context, o->labels[i]);
        if (!name) return TERN_ERR_MEMORY;
        st = tern__words_add(&t->label_names, &number, name, strlen(name),
                             tern_text_hash(name, strlen(name)));
        if (st == TERN_OK && t->label_names.count != i + 1)
            st = tern__fail(t->context, TERN_ERR_ARGUMENT, "labels: '%s' is there twice", name);
        tern__free(t->context, name);
    }
    return st;
}

static tern_status check_labels(const tern__texts *t, const tern_text_dataset_options *o) {
    if (!t->count)
        return tern__fail(t->context, TERN_ERR_FORMAT, "%s: there are no texts in it", t->name);
    if (o->n_labels || t->label_names.count > 1) return TERN_OK;
    return tern__fail(
        t->context, TERN_ERR_FORMAT,
        "%s: all %zu %s have the %s '%s'; to tell texts apart at least two are needed", t->name,
        t->tagged ? t->begins[t->count] : t->count, t->tagged ? "words" : "texts",
        t->tagged ? "tag" : "label", t->label_names.count ? t->label_names.bytes : "");
}

/* ---- what follows from the words ---- */

/* Texts with the same words are one group: their words' numbers, as bytes, are looked up. */
static tern_status find_groups(tern__texts *t, size_t *same) {
    tern_context *c = t->context;
    tern__words seen = {.context = c};
    size_t longest = 1;
    for (size_t i = 0; i < t->count; i++) {
        const size_t length = tern__texts_length(t, (int64_t)i);
        if (length > longest) longest = length;
    }
    tern_status st = TERN_ERR_MEMORY;
    int32_t *words = tern__calloc(c, longest, sizeof *words);
    t->groups = tern__calloc(c, t->count, sizeof *t->groups);
    if (!words || !t->groups) goto done;
    st = TERN_OK;
    for (size_t i = 0; st == TERN_OK && i < t->count; i++) {
        const size_t n = tern__texts_length(t, (int64_t)i);
        int64_t number;
        for (size_t k = 0; k < n; k++) words[k] = tern__texts_word(t, t->tokens[t->begins[i] + k]);
        const char *bytes = (const char *)words;
        st = tern__words_add(&seen, &number, bytes, n * sizeof *words,
                             tern_text_hash(bytes, n * sizeof *words));
        if (st == TERN_OK) t->groups[i] = (int32_t)number;
    }
    *same = t->count - seen.count;
done:
    tern__words_clear(&seen);
    tern__free(c, words);
    return st;
}

static tern_status find_subwords(tern__texts *t) {
    if (!t->text.max_n) return TERN_OK;
    tern_context *c = t->context;
    const tern__words *spellings = tern__texts_spellings(t);
    int64_t rows[TERN__WORD_SUBWORDS];
    size_t capacity = 0, used = 0, length;
    t->subword_begins = tern__calloc(c, spellings->count + 1, sizeof *t->subword_begins);
    if (!t->subword_begins) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < spellings->count; i++) {
        const char *word = tern__words_at(spellings, i, &length);
        const size_t n = tern__subword_rows(rows, TERN__WORD_SUBWORDS, word, length, &t->text);
        int32_t *grown = tern__grow(c, t->subwords, used, &capacity, used + n + 1, sizeof *grown);
        if (!grown) return TERN_ERR_MEMORY;
        t->subwords = grown;
        for (size_t k = 0; k < n; k++) grown[used++] = (int32_t)rows[k];
        t->subword_begins[i + 1] = used;
    }
    return TERN_OK;
}

/* ---- the log ---- */

static int by_size(const void *a, const void *b) {
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static tern_status report_labels(const tern__texts *t, tern__findings *f) {
    char line[700];
    size_t used = 0, length;
    tern__shown never = {0};
    int64_t *counts = tern__calloc(t->context, t->label_names.count, sizeof *counts);
    if (!counts) return TERN_ERR_MEMORY;
    const int32_t *values = t->tagged ? t->tags : t->labels;
    const size_t n = t->tagged ? t->begins[t->count] : t->count;
    for (size_t i = 0; i < n; i++) counts[values[i]]++;
    line[0] = 0;
    for (size_t k = 0; k < t->label_names.count; k++) {
        const char *name = tern__words_at(&t->label_names, k, &length);
        if (!counts[k]) tern__shown_add(&never, name);
        if (used + length + 32 > sizeof line) continue;
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s %lld", k ? ", " : "", name,
                                 (long long)counts[k]);
    }
    if (never.count)
        tern__findings_add(f, "%zu %s%s never occur%s: %s", never.count,
                           t->tagged ? "tag" : "label", never.count == 1 ? "" : "s",
                           never.count == 1 ? "s" : "", tern__shown_text(&never));
    tern__log(t->context, TERN_LOG_INFO, "%s per %s: %s", t->tagged ? "words" : "texts",
              t->tagged ? "tag" : "label", line);
    tern__free(t->context, counts);
    return TERN_OK;
}

static tern_status report_lengths(const tern__texts *t) {
    tern_context *c = t->context;
    size_t *lengths = tern__calloc(c, t->count, sizeof *lengths);
    if (!lengths) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < t->count; i++) lengths[i] = tern__texts_length(t, (int64_t)i);
    qsort(lengths, t->count, sizeof *lengths, by_size);
    tern__log(c, TERN_LOG_INFO, "lengths: %zu to %zu words, median %zu, 95 of 100 up to %zu",
              lengths[0], lengths[t->count - 1], lengths[t->count / 2],
              lengths[(t->count - 1) * 95 / 100]);
    tern__free(c, lengths);
    return TERN_OK;
}

/* What is in the data; what was left out or merged or is strange comes as one warning. */
static tern_status report(const tern__texts *t, const notes *n, tern__findings *f) {
    tern_context *c = t->context;
    const size_t words = t->begins[t->count];
    tern__log(c, TERN_LOG_INFO, "%s: %zu texts of %zu %s, %zu words, %zu different", t->name,
              t->count, t->label_names.count, t->tagged ? "tags" : "labels", words, t->words.count);
    tern_status st = report_labels(t, f);
    if (st == TERN_OK) st = report_lengths(t);
    if (st != TERN_OK) return st;
    if (n->same)
        tern__log(c, TERN_LOG_INFO, "%zu text%s another one; a split keeps them together", n->same,
                  n->same == 1 ? " repeats" : "s repeat");
    tern__findings_many(f, t->label_names.count, t->tagged ? words : t->count,
                        t->tagged ? t->words.count : t->count - n->same,
                        t->tagged ? "tag" : "label", t->tagged ? "words" : "texts");
    if (n->wordless)
        tern__findings_add(f, "%zu text%s no words, the first in line %zu", n->wordless,
                           n->wordless == 1 ? " has" : "s have", n->wordless_line);
    if (n->broken_texts)
        tern__findings_add(f,
                           "%zu text%s not UTF-8, the first in line %zu; U+FFFD stands for %zu "
                           "broken bytes or sequences (if it is Latin-1, convert it)",
                           n->broken_texts, n->broken_texts == 1 ? " is" : "s are", n->broken_line,
                           n->replaced);
    tern__findings_log(f, c, t->name);
    return TERN_OK;
}

/* ---- all of it ---- */

tern_status tern__texts_read(tern__texts *t, const char *path, const tern_text_dataset_options *o) {
    tern_context *c = t->context;
    reading r = {.texts = t, .options = o, .memory = o->memory > 0 ? o->memory : 4e9};
    t->words.context = t->spellings.context = t->label_names.context = c;
    tern_status st = tern_text_reader_open(&r.reader, c, path, &o->reader);
    if (st != TERN_OK) return st;
    t->tagged = tern__text_reader_tagged(r.reader);
    st = tern_tokens_create(&r.tokens, c);
    if (st == TERN_OK && !(t->name = tern__strdup(c, tern_text_reader_name(r.reader))))
        st = TERN_ERR_MEMORY;
    if (st == TERN_OK) st = take_labels(t, o);
    if (st == TERN_OK) st = read_all(&r);
    if (st == TERN_OK) tern__text_reader_report(r.reader, &r.findings);
    tern_text_reader_close(r.reader);
    tern_tokens_free(r.tokens);
    if (st == TERN_OK) st = check_labels(t, o);
    if (st == TERN_OK && !o->n_labels) st = order_labels(t);
    if (st == TERN_OK) st = find_groups(t, &r.notes.same);
    if (st == TERN_OK) st = find_subwords(t);
    if (st == TERN_OK) st = report(t, &r.notes, &r.findings);
    return st;
}

void tern__texts_clear(tern__texts *t) {
    tern_context *c = t->context;
    tern__words_clear(&t->label_names);
    tern__words_clear(&t->words);
    tern__words_clear(&t->spellings);
    tern_vocabulary_free(t->own);
    void *const owned[] = {t->name,           t->begins,   t->tokens, t->tags,
                           t->labels,         t->groups,   t->lines,  t->word_of,
                           t->subword_begins, t->subwords, t->rows};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) tern__free(c, owned[i]);
}
