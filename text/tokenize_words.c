/* Cuts text into Unicode words: a simplification of Unicode's word boundaries (Annex 29) that keeps
 * together what people write in reviews and messages, and takes English contractions apart as
 * treebanks do, so that raw and tokenized English give the same words. */
#include "tokenize.h"

#include <string.h>
#include <strings.h>

/* A character and its kind; size 0: the end of the text. */
typedef struct character {
    int32_t point;
    tern__kind kind;
    size_t size;
} character;

static character look(const char *p, const char *end) {
    character c = {0, TERN__KIND_SPACE, 0};
    size_t broken = 0;
    if (p >= end) return c;
    const unsigned char b = (unsigned char)*p;
    if (b < 0x80) {
        c.point = b;
        c.size = 1;
        c.kind = b <= ' ' || b == 0x7F                                          ? TERN__KIND_SPACE
                 : (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_' ? TERN__KIND_LETTER
                 : b >= '0' && b <= '9'                                         ? TERN__KIND_DIGIT
                                                                                : TERN__KIND_SIGN;
        return c;
    }
    c.size = tern__utf8_decode(p, end, &c.point, &broken);
    c.kind = tern__kind_of(c.point);
    return c;
}

static bool in_word(character c) {
    return c.kind == TERN__KIND_LETTER || c.kind == TERN__KIND_DIGIT;
}
static bool is_apostrophe(character c) { return c.point == '\'' || c.point == 0x2019; }

/* Whether the sign `mid` at p joins what stands before it (last) to what comes after: ' in words,
 * . and , in numbers, . in initials; letters: since the word began or its last full
 * stop. */
static bool joins(character last, character mid, const char *p, const char *end, size_t letters) {
    const character next = look(p + mid.size, end);
    if (is_apostrophe(mid)) return in_word(last) && next.kind == TERN__KIND_LETTER;
    if (mid.point != '.' && mid.point != ',') return false;
    if (last.kind == TERN__KIND_DIGIT && next.kind == TERN__KIND_DIGIT) return true;
    return mid.point == '.' && letters == 1 && last.kind == TERN__KIND_LETTER &&
           next.kind == TERN__KIND_LETTER;
}

/* The end of the word that begins at p, with a letter or digit. */
static const char *end_of_word(const char *p, const char *end) {
    character last = look(p, end);
    size_t letters = 1;
    for (p += last.size;;) {
        const character c = look(p, end);
        if (in_word(c)) {
            letters++;
            last = c;
        } else if (c.kind == TERN__KIND_SIGN && joins(last, c, p, end, letters)) {
            if (c.point == '.') letters = 0;
        } else if (c.kind != TERN__KIND_EXTEND) {
            return p;
        }
        p += c.size;
    }
}

/* ---- contractions ---- */

/* Whether [p, end) is an apostrophe and one of the short forms. */
static bool is_clitic(const char *p, const char *end) {
    static const char *const forms[] = {"s", "m", "d", "re", "ve", "ll"};
    const character c = look(p, end);
    if (c.size == 0 || !is_apostrophe(c)) return false;
    const size_t left = (size_t)(end - p) - c.size;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strlen(forms[i]) == left && !strncasecmp(p + c.size, forms[i], left)) return true;
    return false;
}

/* Where the last contraction of the word begins, NULL: there is none. */
static const char *last_contraction(const char *begin, const char *end) {
    for (const char *p = end - 1; p > begin && end - p <= 5; p--) {
        const character c = look(p, end);
        if (!is_apostrophe(c)) continue;
        if (is_clitic(p, end)) return p;
        const bool not = end - p == (ptrdiff_t)c.size + 1 && (end[-1] | 32) == 't';
        if (not &&p - begin >= 2 && (p[-1] | 32) == 'n') return p - 1;
    }
    return NULL;
}

/* The word and the contractions at its end as tokens of their own, three at most ("I'd've"). */
static bool add_word(tern__tokens_memory *m, const char *begin, const char *end) {
    const char *cuts[4] = {end};
    size_t n = 1;
    for (const char *p; n < 4 && (p = last_contraction(begin, cuts[n - 1])); n++) cuts[n] = p;
    for (; n-- > 0; begin = cuts[n])
        if (!tern__token_add(m, begin, cuts[n], true, 0)) return false;
    return true;
}

/* ---- addresses, signs ---- */

static bool begins(const char *p, const char *end, const char *word) {
    const size_t length = strlen(word);
    return (size_t)(end - p) > length && !strncasecmp(p, word, length);
}

/* The end of a web address that begins at p, NULL: none does. Signs that close a sentence are not
 * part of it. */
static const char *end_of_address(const char *p, const char *end) {
    if (!begins(p, end, "http://") && !begins(p, end, "https://") && !begins(p, end, "www."))
        return NULL;
    const char *begin = p;
    for (character c; (c = look(p, end)).kind != TERN__KIND_SPACE && !strchr("<>\"", *p);)
        p += c.size;
    while (p > begin && strchr(".,!?:;)'", p[-1])) p--;
    return p;
}

/* The end of the token that begins with a sign at p; *keep as tern__token_add has it. */
static const char *end_of_sign(const char *p, const char *end, size_t *keep) {
    const character first = look(p, end), next = look(p + first.size, end);
    if (is_apostrophe(first) && next.kind == TERN__KIND_LETTER) {
        const char *word_end = end_of_word(p + first.size, end);
        if (is_clitic(p, word_end)) return word_end;
    }
    if ((first.point == '@' || first.point == '#') && in_word(next)) {
        const char *q = p + first.size;
        for (character c; in_word(c = look(q, end)) || (c.kind == TERN__KIND_EXTEND && c.size);)
            q += c.size;
        return q;
    }
    if (first.point < 0x80 && next.kind != TERN__KIND_EXTEND) {
        const char *q = p + 1;
        while (q < end && *q == *p) q++;
        *keep = 3;
        return q;
    }
    return p + tern__cluster(p, end);
}

/* ---- words ---- */

/* The fast path: ASCII letters and digits up to a space or the end; NULL: it is not that simple. */
static const char *end_of_plain_word(const char *p, const char *end) {
    const char *q = p;
    while (q < end && (((*q | 32) >= 'a' && (*q | 32) <= 'z') || (*q >= '0' && *q <= '9'))) q++;
    return q > p && (q == end || *q == ' ') ? q : NULL;
}

void tern__cut_words(tern__tokens_memory *m) {
    const char *p = m->text, *end = m->end;
    while (p < end) {
        const char *begin = p;
        size_t keep = 0;
        bool more;
        const bool address = (*p | 32) == 'h' || (*p | 32) == 'w';
        const char *plain = end_of_plain_word(p, end);
        if (plain) {
            p = plain;
            more = tern__token_add(m, begin, p, false, 0);
        } else if (address && (plain = end_of_address(p, end))) {
            p = plain;
            more = tern__token_add(m, begin, p, false, 0);
        } else {
            const character c = look(p, end);
            if (c.kind == TERN__KIND_SPACE) {
                p += c.size;
                continue;
            }
            if (c.kind == TERN__KIND_SIGN)
                p = end_of_sign(p, end, &keep);
            else if (c.kind == TERN__KIND_IDEOGRAPH)
                p += tern__cluster(p, end);
            else
                p = end_of_word(p, end);
            const bool alone = c.kind == TERN__KIND_SIGN || c.kind == TERN__KIND_IDEOGRAPH;
            more = alone ? tern__token_add(m, begin, p, true, keep) : add_word(m, begin, p);
        }
        if (!more) return;
    }
}
