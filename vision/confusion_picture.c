/* A confusion matrix as a picture: each row adds up to 1, and the lighter a field the greater its
 * share. */
#include "core/base/base.h"
#include "core/base/picture.h"

#include <tern/vision_classify.h>

#include <stdio.h>
#include <string.h>

enum { MOST = 100, MARGIN = 8, INK = 0x202020, PAPER = 0xffffff, LONGEST = 24 };

/* The label cut to what fits beside the matrix. */
static void cut(char out[LONGEST + 1], const char *label) {
    snprintf(out, LONGEST + 1, "%s", label);
}

static int widest(size_t n, const char *const *labels) {
    int width = 0;
    for (size_t i = 0; i < n; i++) {
        char text[LONGEST + 1];
        cut(text, labels[i]);
        const int w = tern__picture_text_width(1, text);
        if (w > width) width = w;
    }
    return width;
}

/* Text from bottom to top, letter by letter from top to bottom: columns are narrow. */
static void column_label(tern__picture *p, int x, int y, const char *label) {
    char text[LONGEST + 1];
    cut(text, label);
    for (size_t i = 0; text[i]; i++)
        tern__picture_text(p, x, y + (int)i * TERN__TEXT_HEIGHT, 1, INK, (char[]){text[i], 0});
}

static void field(tern__picture *p, int x, int y, int size, int64_t count, double share) {
    char text[24];
    tern__picture_rectangle(p, x, y, size - 1, size - 1, tern__picture_heat(share));
    snprintf(text, sizeof text, "%lld", (long long)count);
    const int width = tern__picture_text_width(1, text);
    if (!count || width > size - 3) return;
    tern__picture_text(p, x + (size - width) / 2, y + (size - TERN__TEXT_BASE) / 2, 1,
                       share > 0.6 ? INK : PAPER, text);
}

tern_status tern_confusion_picture(const tern_confusion *confusion, tern_context *c,
                                   const char *path, size_t n, const char *const *labels) {
    tern__picture p;
    if (n < 1 || n > MOST)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "a confusion matrix of %zu labels; a picture takes 1 to %d", n, MOST);
    const int size = n <= 12 ? 40 : n <= 30 ? 28 : 12, across = (int)n * size;
    const int left = 2 * MARGIN + widest(n, labels), title = 2 * MARGIN + TERN__TEXT_HEIGHT;
    int longest = 0;
    for (size_t i = 0; i < n; i++) {
        const int length = (int)strlen(labels[i]) < LONGEST ? (int)strlen(labels[i]) : LONGEST;
        if (length > longest) longest = length;
    }
    const int width = left + across + MARGIN < 320 ? 320 : left + across + MARGIN;
    tern_status st = tern__picture_create(
        &p, c, width, title + across + 2 * MARGIN + longest * TERN__TEXT_HEIGHT, PAPER);
    if (st != TERN_OK) return st;
    tern__picture_text(&p, MARGIN, MARGIN, 1, INK,
                       "rows: what it is; columns: what it is taken for");
    for (size_t i = 0; i < n; i++) {
        const int64_t support = tern_confusion_class(confusion, (int64_t)i).support;
        char text[LONGEST + 1];
        const int y = title + (int)i * size;
        cut(text, labels[i]);
        tern__picture_text(&p, left - MARGIN - tern__picture_text_width(1, text),
                           y + (size - TERN__TEXT_BASE) / 2, 1, INK, text);
        column_label(&p, left + (int)i * size + (size - TERN__TEXT_WIDTH) / 2,
                     title + across + MARGIN, labels[i]);
        for (size_t k = 0; k < n; k++) {
            const int64_t count = tern_confusion_count(confusion, (int64_t)i, (int64_t)k);
            field(&p, left + (int)k * size, y, size, count,
                  support ? (double)count / (double)support : 0);
        }
    }
    st = tern__picture_save(&p, c, path);
    tern__picture_free(&p, c);
    return st;
}
