/* Masks as run lengths: Kaggle's pairs, COCO's counts and their compressed string. All go down the
 * columns first. Sources: Kaggle's description of run-length encoding; COCO's mask format
 * (cocoapi, maskApi). */
#include "mask.h"

#include <stdio.h>
#include <string.h>

/* ---- counts ---- */

/* Writes the counts (where counts is not NULL) and returns how many there are. */
static size_t count_runs(const tern_mask *mask, int label, uint32_t *counts) {
    size_t n = 0;
    uint32_t length = 0;
    bool inside = false;
    for (int64_t x = 0; x < mask->width; x++)
        for (int64_t y = 0; y < mask->height; y++) {
            if (tern__mask_is(mask, x, y, label) != inside) {
                if (counts) counts[n] = length;
                n++;
                length = 0;
                inside = !inside;
            }
            length++;
        }
    if (counts) counts[n] = length;
    return n + 1;
}

tern_status tern_mask_counts(uint32_t **counts, size_t *n, const tern_mask *mask, int label) {
    *counts = NULL;
    *n = 0;
    tern_status st = tern__mask_check_label(mask, label);
    if (st != TERN_OK) return st;
    const size_t runs = count_runs(mask, label, NULL);
    if (!(*counts = tern__alloc(mask->context, runs * sizeof **counts))) return TERN_ERR_MEMORY;
    *n = count_runs(mask, label, *counts);
    return TERN_OK;
}

/* Labels `length` pixels from number `start` on, counted down the columns. */
static void set_run(tern_mask *mask, int label, size_t start, size_t length) {
    const size_t height = (size_t)mask->height, width = (size_t)mask->width;
    for (size_t i = start; i < start + length; i++)
        mask->labels[i % height * width + i / height] = (uint8_t)label;
}

tern_status tern_mask_set_counts(tern_mask *mask, int label, const uint32_t *counts, size_t n) {
    const uint64_t pixels = (uint64_t)mask->width * (uint64_t)mask->height;
    uint64_t total = 0;
    tern_status st = tern__mask_check_label(mask, label);
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < n && total <= pixels; i++) total += counts[i];
    if (total != pixels)
        return tern__fail(mask->context, TERN_ERR_FORMAT,
                          "run lengths that add up to %s%llu pixels; the mask has %llu",
                          total > pixels ? "at least " : "", (unsigned long long)total,
                          (unsigned long long)pixels);
    size_t at = 0;
    for (size_t i = 0; i < n; at += counts[i], i++)
        if (i % 2) set_run(mask, label, at, counts[i]);
    return TERN_OK;
}

/* ---- COCO's string ---- */

enum { GROUP = 5, MORE = 32, SIGN = 16, FIRST_CHARACTER = 48, LONGEST_NUMBER = 7 };

tern_status tern_counts_text(char **text, tern_context *c, const uint32_t *counts, size_t n) {
    size_t size, used = 0;
    *text = NULL;
    if (!tern__mul(n, LONGEST_NUMBER, &size)) size = SIZE_MAX;
    char *out = tern__alloc(c, size + 1);
    if (!out) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        int64_t v = (int64_t)counts[i] - (i > 2 ? (int64_t)counts[i - 2] : 0);
        for (bool more = true; more;) {
            int group = (int)(v & (MORE - 1));
            v = (v - group) / MORE; /* an arithmetic shift, also of negative numbers */
            more = group & SIGN ? v != -1 : v != 0;
            out[used++] = (char)(FIRST_CHARACTER + group + (more ? MORE : 0));
        }
    }
    out[used] = 0;
    *text = out;
    return TERN_OK;
}

/* The next number of the string; false where it is damaged. */
static bool parse_number(const char **text, int64_t *number) {
    uint64_t v = 0;
    for (int i = 0; i < LONGEST_NUMBER; i++) {
        const int group = (unsigned char)*(*text) - FIRST_CHARACTER;
        if (group < 0 || group >= 2 * MORE) return false;
        ++*text;
        v |= (uint64_t)(group & (MORE - 1)) << (GROUP * i);
        if (group & MORE) continue;
        if (group & SIGN) v |= ~(uint64_t)0 << (GROUP * (i + 1));
        *number = (int64_t)v;
        return true;
    }
    return false;
}

tern_status tern_counts_parse(uint32_t **counts, size_t *n, tern_context *c, const char *text) {
    const char *at = text;
    size_t used = 0;
    *counts = NULL;
    *n = 0;
    uint32_t *out = tern__alloc(c, (strlen(text) + 1) * sizeof *out);
    if (!out) return TERN_ERR_MEMORY;
    while (*at) {
        int64_t v;
        bool good = parse_number(&at, &v);
        if (good && used > 2) v += (int64_t)out[used - 2];
        if (!good || v < 0 || v > UINT32_MAX) {
            tern__free(c, out);
            return tern__fail(c, TERN_ERR_FORMAT,
                              "a string of run lengths is damaged at character %zu",
                              (size_t)(at - text) + 1);
        }
        out[used++] = (uint32_t)v;
    }
    *counts = out;
    *n = used;
    return TERN_OK;
}

/* ---- Kaggle's pairs ---- */

tern_status tern_mask_rle(char **text, const tern_mask *mask, int label) {
    tern_context *c = mask->context;
    enum { PAIR = 2 * 11 };
    uint32_t *counts;
    size_t n, used = 0, at = 0;
    *text = NULL;
    tern_status st = tern_mask_counts(&counts, &n, mask, label);
    if (st != TERN_OK) return st;
    const size_t size = n / 2 * PAIR + 1;
    char *out = tern__alloc(c, size);
    if (out) {
        out[0] = 0;
        for (size_t i = 0; i < n; at += counts[i], i++)
            if (i % 2)
                used += (size_t)snprintf(out + used, size - used, "%s%zu %u", used ? " " : "",
                                         at + 1, counts[i]);
    }
    tern__free(c, counts);
    return (*text = out) ? TERN_OK : TERN_ERR_MEMORY;
}

static bool is_space(char b) { return b == ' ' || (b >= '\t' && b <= '\r'); }

/* The next number of the text; false for something else. */
static bool next_number(const char **text, uint64_t *value) {
    *value = 0;
    while (is_space(**text)) ++*text;
    const char *start = *text;
    for (; **text >= '0' && **text <= '9'; ++*text) {
        if (*text - start > 18) return false;
        *value = *value * 10 + (uint64_t)(**text - '0');
    }
    return *text > start && (!**text || is_space(**text));
}

/* Goes over the text; sets pixels, where asked to. */
static tern_status read_pairs(tern_mask *mask, int label, const char *text, bool set) {
    tern_context *c = mask->context;
    const uint64_t pixels = (uint64_t)mask->width * (uint64_t)mask->height;
    uint64_t end = 0, start, length; /* end: of the run before, counted from 1 */
    const char *at = text;
    for (size_t run = 1;; run++) {
        while (is_space(*at)) at++;
        if (!*at) return TERN_OK;
        if (!next_number(&at, &start) || !next_number(&at, &length)) break;
        if (start <= end || length == 0 || start > pixels || length > pixels - start + 1)
            return tern__fail(
                c, TERN_ERR_FORMAT,
                "run %zu of a mask of %llu pixels begins at %llu and is %llu long; runs "
                "are 1 or longer, in order, without overlap, and end in the mask",
                run, (unsigned long long)pixels, (unsigned long long)start,
                (unsigned long long)length);
        if (set) set_run(mask, label, (size_t)start - 1, (size_t)length);
        end = start + length - 1;
    }
    return tern__fail(c, TERN_ERR_FORMAT, "run lengths: character %zu begins no number",
                      (size_t)(at - text) + 1);
}

tern_status tern_mask_set_rle(tern_mask *mask, int label, const char *text) {
    tern_status st = tern__mask_check_label(mask, label);
    if (st == TERN_OK) st = read_pairs(mask, label, text, false);
    if (st == TERN_OK) st = read_pairs(mask, label, text, true);
    return st;
}
