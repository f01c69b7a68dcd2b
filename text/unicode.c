/* UTF-8, kinds of characters, normalisation: utf8proc's tables behind what cutting text needs.
 * Knows no tokens. Source: Unicode 15, section 3.9, Annexes 15 and 29. */
#include "unicode.h"

#include <string.h>
#include <utf8proc.h>

/* ---- UTF-8 ---- */

/* Unicode 15, table 3-7: what the second byte may be depends on the first. */
size_t tern__utf8_decode(const char *text, const char *text_end, int32_t *point, size_t *broken) {
    const unsigned char *p = (const unsigned char *)text, *end = (const unsigned char *)text_end;
    const unsigned first = *p;
    if (first < 0x80) {
        *point = (int32_t)first;
        return 1;
    }
    const size_t size = first < 0xC2   ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
    unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    uint32_t value = first & (0x7Fu >> size);
    size_t used = 1;
    for (; used < size && p + used < end && p[used] >= low && p[used] <= high; used++) {
        value = value << 6 | (p[used] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    if (size && used == size) {
        *point = (int32_t)value;
        return size;
    }
    ++*broken;
    *point = TERN__REPLACEMENT;
    return used;
}

size_t tern__utf8_broken(const char *text, size_t length) {
    const char *end = text + length;
    size_t broken = 0;
    for (int32_t point; text < end;) {
        uint64_t eight;
        while (end - text >= 8 && (memcpy(&eight, text, 8), !(eight & 0x8080808080808080u)))
            text += 8;
        if (text == end) break;
        text += (unsigned char)*text < 0x80 ? 1 : tern__utf8_decode(text, end, &point, &broken);
    }
    return broken;
}

size_t tern__utf8_encode(char *out, int32_t point) {
    return (size_t)utf8proc_encode_char(point, (utf8proc_uint8_t *)out);
}

/* ---- kinds ---- */

static bool is_ideograph(int32_t p) {
    return (p >= 0x2E80 && p <= 0x2FDF) || p == 0x3005 || p == 0x3007 ||
           (p >= 0x3041 && p <= 0x3096) || (p >= 0x309D && p <= 0x309F) ||
           (p >= 0x3400 && p <= 0x4DBF) || (p >= 0x4E00 && p <= 0x9FFF) ||
           (p >= 0xF900 && p <= 0xFAFF) || (p >= 0x20000 && p <= 0x3FFFD);
}

tern__kind tern__kind_of(int32_t point) {
    if (point == TERN__REPLACEMENT) return TERN__KIND_LETTER;
    switch (utf8proc_get_property(point)->category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
        return is_ideograph(point) ? TERN__KIND_IDEOGRAPH : TERN__KIND_LETTER;
    case UTF8PROC_CATEGORY_PC:
        return TERN__KIND_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NO:
        return TERN__KIND_DIGIT;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
        return TERN__KIND_EXTEND;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
        return TERN__KIND_SPACE;
    default:
        return TERN__KIND_SIGN;
    }
}

size_t tern__cluster(const char *p, const char *end) {
    int32_t last, next;
    utf8proc_int32_t state = 0;
    size_t broken = 0, used = tern__utf8_decode(p, end, &last, &broken);
    while (p + used < end) {
        const size_t size = tern__utf8_decode(p + used, end, &next, &broken);
        if (utf8proc_grapheme_break_stateful(last, next, &state)) break;
        used += size;
        last = next;
    }
    return used;
}

/* ---- normalisation ---- */

/* The piece as valid UTF-8 in n->valid. A broken byte becomes three. */
static tern_status make_valid(tern__normalizer *n, size_t *size, const char *text, size_t length,
                              bool straight) {
    size_t needed, used = 0, broken = 0;
    if (!tern__mul(length, 3, &needed))
        return tern__fail(n->context, TERN_ERR_LIMIT, "text: a piece of %zu bytes", length);
    char *valid = tern__grow(n->context, n->valid, 0, &n->valid_capacity, needed, 1);
    if (!valid) return TERN_ERR_MEMORY;
    n->valid = valid;
    const char *end = text + length;
    for (int32_t point; text < end;) {
        text += tern__utf8_decode(text, end, &point, &broken);
        used += tern__utf8_encode(valid + used, straight && point == 0x2019 ? '\'' : point);
    }
    *size = used;
    return TERN_OK;
}

tern_status tern__normalize(tern__normalizer *n, const char **out, size_t *size, const char *text,
                            size_t length, bool fold, bool straight) {
    const utf8proc_option_t how =
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_IGNORE | (fold ? UTF8PROC_CASEFOLD : 0);
    size_t valid_size = 0;
    *size = 0;
    tern_status st = make_valid(n, &valid_size, text, length, straight);
    if (st != TERN_OK) return st;
    for (size_t room = valid_size + 8;;) {
        int32_t *points =
            tern__grow(n->context, n->points, 0, &n->points_capacity, room + 1, sizeof *points);
        if (!points) return TERN_ERR_MEMORY;
        n->points = points;
        utf8proc_ssize_t count =
            utf8proc_decompose((const utf8proc_uint8_t *)n->valid, (utf8proc_ssize_t)valid_size,
                               points, (utf8proc_ssize_t)room, how);
        if (count >= 0 && (size_t)count > room) {
            room = (size_t)count;
            continue;
        }
        if (count > 0) count = utf8proc_reencode(points, count, how);
        if (count < 0)
            return tern__fail(n->context,
                              count == UTF8PROC_ERROR_NOMEM ? TERN_ERR_MEMORY : TERN_ERR_FORMAT,
                              "text: %s", utf8proc_errmsg(count)); /* not for valid UTF-8 */
        *out = (const char *)points;
        *size = (size_t)count;
        return TERN_OK;
    }
}

void tern__normalizer_clear(tern__normalizer *n) {
    tern__free(n->context, n->valid);
    tern__free(n->context, n->points);
    *n = (tern__normalizer){.context = n->context};
}
