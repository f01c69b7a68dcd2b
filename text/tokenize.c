/* Cuts text into tokens: the memory they go to, and the simple tokenizers (Kim's rules, spaces,
 * characters). ASCII is handled byte by byte; only the rest goes through Unicode's tables. Knows no
 * vocabulary. */
#include "tokenize.h"

#include <string.h>

/* ---- memory ---- */

tern_status tern_tokens_create(tern_tokens **tokens, tern_context *c) {
    *tokens = NULL;
    tern__tokens_memory *m = tern__calloc(c, 1, sizeof *m);
    if (!m) return TERN_ERR_MEMORY;
    m->context = m->normalizer.context = c;
    m->face.memory = m;
    *tokens = &m->face;
    return TERN_OK;
}

void tern_tokens_free(tern_tokens *tokens) {
    if (!tokens) return;
    tern__tokens_memory *m = tokens->memory;
    tern__normalizer_clear(&m->normalizer);
    tern__free(m->context, m->tokens);
    tern__free(m->context, m->texts.bytes);
    tern__free(m->context, m->written.bytes);
    tern__free(m->context, m->written_lengths);
    tern__free(m->context, m);
}

/* ---- adding tokens ---- */

static char *make_room(tern__tokens_memory *m, tern__token_texts *t, size_t length) {
    char *bytes = tern__grow(m->context, t->bytes, t->used, &t->capacity, t->used + length, 1);
    if (!bytes) {
        m->status = TERN_ERR_MEMORY;
        return NULL;
    }
    t->bytes = bytes;
    return bytes + t->used;
}

/* A place at the end of the lists; text and written are the caller's to fill. */
static tern_token *next_token(tern__tokens_memory *m) {
    const size_t n = m->face.count;
    if (n == m->tokens_capacity) {
        tern_token *tokens =
            tern__grow(m->context, m->tokens, n, &m->tokens_capacity, n + 1, sizeof *tokens);
        if (!tokens) {
            m->status = TERN_ERR_MEMORY;
            return NULL;
        }
        m->tokens = tokens;
    }
    if (m->written_kept && n >= m->written_lengths_capacity) {
        size_t *lengths = tern__grow(m->context, m->written_lengths, n,
                                     &m->written_lengths_capacity, n + 1, sizeof *lengths);
        if (!lengths) {
            m->status = TERN_ERR_MEMORY;
            return NULL;
        }
        m->written_lengths = lengths;
    }
    return &m->tokens[n];
}

static bool keep_written(tern__tokens_memory *m, const char *text, size_t length) {
    char *to = make_room(m, &m->written, length);
    if (!to) return false;
    memcpy(to, text, length);
    m->written.used += length;
    m->written_lengths[m->face.count] = length;
    return true;
}

bool tern__token_add_as(tern__tokens_memory *m, const char *begin, const char *end,
                        const char *text, size_t length) {
    tern_token *token = next_token(m);
    if (!token) return false;
    char *to = make_room(m, &m->texts, length);
    if (!to || (m->written_kept && !keep_written(m, text, length))) return false;
    memcpy(to, text, length);
    m->texts.used += length;
    *token = (tern_token){NULL, length, (size_t)(begin - m->text), (size_t)(end - m->text)};
    return ++m->face.count < m->most;
}

static bool add_unicode(tern__tokens_memory *m, const char *begin, const char *end, bool straight) {
    const char *text;
    size_t length;
    const size_t bytes = (size_t)(end - begin);
    if (m->written_kept) { /* both forms: the folded one replaces the other afterwards */
        tern_token *token = next_token(m);
        if (!token) return false;
        m->status = tern__normalize(&m->normalizer, &text, &length, begin, bytes, false, straight);
        if (m->status != TERN_OK || !length) return m->status == TERN_OK;
        if (!keep_written(m, text, length)) return false;
    }
    m->status = tern__normalize(&m->normalizer, &text, &length, begin, bytes, m->lower, straight);
    if (m->status != TERN_OK || !length) return m->status == TERN_OK;
    const bool kept = m->written_kept;
    m->written_kept = false;
    const bool more = tern__token_add_as(m, begin, end, text, length);
    m->written_kept = kept;
    return more;
}

bool tern__token_add(tern__tokens_memory *m, const char *begin, const char *end, bool straight,
                     size_t keep) {
    size_t length = (size_t)(end - begin);
    unsigned char high = 0;
    if (keep && length > keep) length = keep;
    char *to = make_room(m, &m->texts, length);
    tern_token *token = next_token(m);
    if (!to || !token) return false;
    if (m->lower) {
        for (size_t i = 0; i < length; i++) {
            const unsigned char b = (unsigned char)begin[i];
            high |= b;
            to[i] = (char)(b | (unsigned char)((unsigned char)(b - 'A') < 26) << 5);
        }
    } else {
        for (size_t i = 0; i < length; i++) high |= (unsigned char)(to[i] = begin[i]);
    }
    if (high & 0x80) return add_unicode(m, begin, end, straight);
    if (m->written_kept && !keep_written(m, begin, length)) return false;
    m->texts.used += length;
    *token = (tern_token){NULL, length, (size_t)(begin - m->text), (size_t)(end - m->text)};
    return ++m->face.count < m->most;
}

tern__written tern__token_written(const tern_tokens *tokens, size_t i, size_t *at) {
    const tern__tokens_memory *m = tokens->memory;
    if (!m->written_kept) return (tern__written){tokens->at[i].text, tokens->at[i].length};
    const tern__written w = {m->written.bytes + *at, m->written_lengths[i]};
    *at += w.length;
    return w;
}

/* ---- Kim's rules ---- */

enum { OTHER, WORD, ALONE };

static int kim_class(unsigned char b) {
    if ((b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '\'' ||
        b == '`')
        return WORD;
    return b == '(' || b == ')' || b == ',' || b == '!' || b == '?' ? ALONE : OTHER;
}

/* Where a token begins because of the apostrophe at p: there, one byte before it (n't), or NULL. */
static const char *kim_break(const char *begin, const char *p, const char *end) {
    const size_t left = (size_t)(end - p);
    const char a = left > 1 ? p[1] : 0, b = left > 2 ? p[2] : 0;
    if (a == 's' || a == 'd' || (a == 'v' && b == 'e') || (a == 'r' && b == 'e') ||
        (a == 'l' && b == 'l'))
        return p;
    return a == 't' && p > begin && p[-1] == 'n' ? p - 1 : NULL;
}

static void cut_kim(tern__tokens_memory *m) {
    const char *p = m->text, *end = m->end;
    while (p < end) {
        const int class = kim_class((unsigned char)*p);
        const char *begin = p++;
        if (class == OTHER) continue;
        if (class == ALONE) {
            if (!tern__token_add(m, begin, p, false, 0)) return;
            continue;
        }
        for (p = begin; p < end && kim_class((unsigned char)*p) == WORD; p++) {
            const char *cut = *p == '\'' ? kim_break(begin, p, end) : NULL;
            if (!cut || cut == begin) continue;
            if (!tern__token_add(m, begin, cut, false, 0)) return;
            begin = cut;
        }
        if (!tern__token_add(m, begin, p, false, 0)) return;
    }
}

/* ---- spaces, characters ---- */

/* The bytes of white space at p; 0: something else stands there. */
static size_t space_at(const char *p, const char *end) {
    const unsigned char b = (unsigned char)*p;
    if (b < 0x80) return b <= ' ' || b == 0x7F;
    int32_t point;
    size_t broken = 0, size = tern__utf8_decode(p, end, &point, &broken);
    return tern__kind_of(point) == TERN__KIND_SPACE ? size : 0;
}

static void cut_spaces(tern__tokens_memory *m) {
    const char *p = m->text, *end = m->end;
    while (p < end) {
        const size_t space = space_at(p, end);
        if (space) {
            p += space;
            continue;
        }
        const char *begin = p;
        while (p < end && !space_at(p, end)) p++;
        if (!tern__token_add(m, begin, p, false, 0)) return;
    }
}

/* White space that was seen, to be a token if something stands before and after it. */
typedef struct gap {
    const char *begin, *end; /* NULL: none */
} gap;

static bool add_gap(tern__tokens_memory *m, gap *space) {
    const gap seen = *space;
    *space = (gap){NULL, NULL};
    return !seen.begin || !m->face.count || tern__token_add_as(m, seen.begin, seen.end, " ", 1);
}

/* A cluster's normal form, code point by code point. */
static bool add_points(tern__tokens_memory *m, const char *begin, const char *end, gap *space) {
    const char *text;
    size_t length, broken = 0;
    int32_t point;
    m->status = tern__normalize(&m->normalizer, &text, &length, begin, (size_t)(end - begin),
                                m->lower, false);
    if (m->status != TERN_OK) return false;
    for (const char *text_end = text + length; text < text_end;) {
        const size_t size = tern__utf8_decode(text, text_end, &point, &broken);
        if (!add_gap(m, space) || !tern__token_add_as(m, begin, end, text, size)) return false;
        text += size;
    }
    return true;
}

static void cut_characters(tern__tokens_memory *m) {
    const char *p = m->text, *end = m->end;
    gap space = {NULL, NULL};
    while (p < end) {
        const char *begin = p;
        const size_t size = space_at(p, end);
        const bool ascii = (unsigned char)*p < 0x80 && (p + 1 == end || (unsigned char)p[1] < 0x80);
        if (size) {
            if (!space.begin) space.begin = p;
            space.end = p += size;
            continue;
        }
        p += ascii ? 1 : tern__cluster(p, end);
        if (!ascii && !add_points(m, begin, p, &space)) return;
        if (ascii && (!add_gap(m, &space) || !tern__token_add(m, begin, p, false, 0))) return;
    }
}

/* ---- one text ---- */

static tern_status begin_text(tern__tokens_memory *m, const tern_text_options *o, const char *text,
                              size_t length) {
    m->face.count = m->face.replaced = m->texts.used = m->written.used = 0;
    m->text = text;
    m->end = text + length;
    m->lower = o->lower;
    m->written_kept = o->lower && o->subword_case;
    m->most = o->max_length ? (size_t)o->max_length : SIZE_MAX;
    m->status = TERN_OK;
    const char *nul = length ? memchr(text, 0, length) : NULL;
    if (nul)
        return m->status = tern__fail(m->context, TERN_ERR_FORMAT,
                                      "text: byte %zu is NUL: this is not UTF-8 text",
                                      (size_t)(nul - text) + 1);
    m->face.replaced = tern__utf8_broken(text, length);
    return TERN_OK;
}

static tern_status end_text(tern__tokens_memory *m) {
    if (m->status != TERN_OK) m->face.count = 0;
    const char *text = m->texts.bytes;
    for (size_t i = 0; i < m->face.count; i++) {
        m->tokens[i].text = text;
        text += m->tokens[i].length;
    }
    m->face.at = m->tokens;
    return m->status;
}

tern_status tern_text_tokenize(tern_tokens *tokens, const tern_text_options *options,
                               const char *text, size_t length) {
    tern__tokens_memory *m = tokens->memory;
    tern_text_options o;
    tokens->count = tokens->replaced = 0;
    tern_status st = tern__text_options_resolve(&o, m->context, options);
    if (st == TERN_OK) st = begin_text(m, &o, text, length);
    if (st != TERN_OK) return st;
    switch (o.tokenizer) {
    case TERN_TOKENIZER_WORDS:
        tern__cut_words(m);
        break;
    case TERN_TOKENIZER_KIM:
        cut_kim(m);
        break;
    case TERN_TOKENIZER_SPACES:
        cut_spaces(m);
        break;
    case TERN_TOKENIZER_CHARACTERS:
        cut_characters(m);
        break;
    }
    return end_text(m);
}

tern_status tern__tokens_take(tern_tokens *tokens, const tern_text_options *resolved,
                              const char *text, size_t length, const tern_token *given,
                              size_t count) {
    tern__tokens_memory *m = tokens->memory;
    if (begin_text(m, resolved, text, length) != TERN_OK) return m->status;
    for (size_t i = 0; i < count && m->face.count < m->most && m->status == TERN_OK; i++) {
        const char *begin = text + given[i].begin, *end = text + given[i].end;
        const size_t before = m->face.count;
        tern__token_add(m, begin, end, true, 0);
        if (m->face.count == before && m->status == TERN_OK)
            tern__token_add_as(m, begin, end, "\xEF\xBF\xBD", 3);
    }
    return end_text(m);
}
