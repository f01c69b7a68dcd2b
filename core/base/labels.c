/* See labels.h. The user of utf8proc in core. Source: Unicode 15, Annex 15. */
#include "labels.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

/* ---- cleaning ---- */

static bool is_blank(int32_t point) {
    if (point <= ' ' || point == 0x7F || point == 0xFEFF || point == 0x200B) return true;
    if (point < 0x80) return false;
    const utf8proc_category_t kind = utf8proc_category(point);
    return kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL ||
           kind == UTF8PROC_CATEGORY_ZP || point == 0x85;
}

/* What is between the blanks of both ends. */
static const char *trim(const char *text, size_t *length) {
    const char *end = text + strlen(text);
    int32_t point;
    while (text < end) {
        const utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)text, end - text, &point);
        if (n < 1 || !is_blank(point)) break;
        text += n;
    }
    while (text < end) {
        const char *last = end - 1;
        while (last > text && ((unsigned char)*last & 0xC0) == 0x80) last--;
        const utf8proc_ssize_t n =
            utf8proc_iterate((const utf8proc_uint8_t *)last, end - last, &point);
        if (n != end - last || !is_blank(point)) break;
        end = last;
    }
    *length = (size_t)(end - text);
    return text;
}

static bool is_ascii(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] >= 0x80) return false;
    return true;
}

static tern_status compose(tern__label_cleaner *k, const char **label, const char *text,
                           size_t length) {
    const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    for (size_t room = length + 8;;) {
        int32_t *points =
            tern__grow(k->context, k->points, 0, &k->points_capacity, room + 1, sizeof *points);
        if (!points) return TERN_ERR_MEMORY;
        k->points = points;
        utf8proc_ssize_t n = utf8proc_decompose(bytes, (utf8proc_ssize_t)length, points,
                                                (utf8proc_ssize_t)room, how);
        if (n >= 0 && (size_t)n > room) {
            room = (size_t)n;
            continue;
        }
        if (n >= 0) n = utf8proc_reencode(points, n, how);
        if (n < 0) return TERN_OK; /* not UTF-8: its bytes, which label holds already */
        *label = (const char *)points;
        return TERN_OK;
    }
}

tern_status tern__label_clean(tern__label_cleaner *k, const char **label, const char *text) {
    size_t length;
    const char *inner = trim(text, &length);
    *label = inner;
    if (inner[length]) { /* blanks behind it: a copy ends with a 0 */
        char *bytes = tern__grow(k->context, k->bytes, 0, &k->bytes_capacity, length + 1, 1);
        if (!bytes) return TERN_ERR_MEMORY;
        k->bytes = bytes;
        memcpy(bytes, inner, length);
        bytes[length] = 0;
        *label = bytes;
    }
    return is_ascii(inner, length) ? TERN_OK : compose(k, label, *label, length);
}

void tern__label_cleaner_clear(tern__label_cleaner *k) {
    tern__free(k->context, k->bytes);
    tern__free(k->context, k->points);
    *k = (tern__label_cleaner){.context = k->context};
}

char *tern__label_copy(tern_context *c, const char *text) {
    tern__label_cleaner k = {.context = c};
    const char *label;
    char *copy = tern__label_clean(&k, &label, text) == TERN_OK ? tern__strdup(c, label) : NULL;
    tern__label_cleaner_clear(&k);
    return copy;
}

/* ---- one line of warning ---- */

void tern__shown_add(tern__shown *s, const char *name) {
    const size_t length = strlen(name);
    s->count++;
    if (s->left || (s->used && s->used + length + 30 > sizeof s->text)) {
        s->left++;
        return;
    }
    s->used += (size_t)snprintf(s->text + s->used, sizeof s->text - s->used, "%s%.200s",
                                s->used ? ", " : "", name);
}

const char *tern__shown_text(tern__shown *s) {
    if (s->left) snprintf(s->text + s->used, sizeof s->text - s->used, " and %zu more", s->left);
    return s->text;
}

void tern__findings_add(tern__findings *f, const char *format, ...) {
    va_list arguments;
    const size_t room = sizeof f->line - f->used, begin = f->used;
    if (begin && room > 3) f->used += (size_t)snprintf(f->line + begin, room, "; ");
    va_start(arguments, format);
    f->used += (size_t)vsnprintf(f->line + f->used, sizeof f->line - f->used, format, arguments);
    va_end(arguments);
    if (f->used >= sizeof f->line) f->used = sizeof f->line - 1;
}

void tern__findings_log(const tern__findings *f, tern_context *c, const char *name) {
    if (f->used) tern__log(c, TERN_LOG_WARNING, "%.100s: %s", name, f->line);
}

void tern__findings_many(tern__findings *f, size_t labels, size_t things, size_t different,
                         const char *label, const char *unit) {
    if (labels < 4 || (2 * labels <= things && labels <= different)) return;
    if (2 * labels > things)
        tern__findings_add(f, "there are %zu %ss for %zu %s: are the columns the wrong way round?",
                           labels, label, things, unit);
    else
        tern__findings_add(
            f, "there are %zu %ss for %zu different %s: are the columns the wrong way round?",
            labels, label, different, unit);
}

/* ---- spellings ---- */

tern_status tern__spellings_note(tern__spellings *s, const char *raw, const char *clean) {
    tern_context *c = s->context;
    if (tern__names_find(&s->raws, raw) >= 0) return TERN_OK;
    struct tern__spelling *at =
        tern__grow(c, s->at, s->count, &s->capacity, s->count + 1, sizeof *at);
    if (!at) return TERN_ERR_MEMORY;
    s->at = at;
    const int place = (int)s->count;
    struct tern__spelling *n = &at[place];
    *n = (struct tern__spelling){.raw = tern__strdup(c, raw)};
    if (!n->raw) return TERN_ERR_MEMORY;
    n->clean = strcmp(raw, clean) ? tern__strdup(c, clean) : n->raw;
    s->count++;
    if (!n->clean || tern__names_set(&s->raws, c, n->raw, place) != TERN_OK) return TERN_ERR_MEMORY;
    const int first = tern__names_find(&s->cleans, n->clean);
    at[first < 0 ? place : first].spellings++;
    if (first >= 0) return TERN_OK;
    s->n_labels++;
    return tern__names_set(&s->cleans, c, n->clean, place);
}

bool tern__spellings_have(const tern__spellings *s, const char *clean) {
    return tern__names_find(&s->cleans, clean) >= 0;
}

void tern__spellings_merged(const tern__spellings *s, tern__findings *f) {
    tern__shown shown = {0};
    if (s->n_labels == s->count) return;
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].spellings > 1) tern__shown_add(&shown, s->at[i].clean);
    tern__findings_add(f,
                       "%zu spelling%s that differ%s in blanks at the ends or in how accents are "
                       "coded %s merged into the label of the others: %s",
                       s->count - s->n_labels, s->count - s->n_labels == 1 ? "" : "s",
                       s->count - s->n_labels == 1 ? "s" : "",
                       s->count - s->n_labels == 1 ? "was" : "were", tern__shown_text(&shown));
}

void tern__spellings_lost(const tern__spellings *s, const tern__spellings *others,
                          tern__findings *f, const char *what) {
    tern__shown shown = {0};
    for (size_t i = 0; i < others->count; i++)
        if (others->at[i].spellings && !tern__spellings_have(s, others->at[i].clean))
            tern__shown_add(&shown, others->at[i].clean);
    if (shown.count)
        tern__findings_add(f, "%zu label%s %s %s left out: %s", shown.count,
                           shown.count == 1 ? "" : "s", what, shown.count == 1 ? "was" : "were",
                           tern__shown_text(&shown));
}

void tern__spellings_clear(tern__spellings *s) {
    tern_context *c = s->context;
    tern__names_clear(&s->raws, c);
    tern__names_clear(&s->cleans, c);
    for (size_t i = 0; i < s->count; i++) {
        if (s->at[i].clean != s->at[i].raw) tern__free(c, s->at[i].clean);
        tern__free(c, s->at[i].raw);
    }
    tern__free(c, s->at);
    *s = (tern__spellings){.context = c};
}
