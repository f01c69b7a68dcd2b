/* Confusion matrices: counts, ratios, and how they are shown. */
#include <tern/metrics.h>

#include "core/base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CLASSES = 65536, SHOWN_CLASSES = 20, SHOWN_PAIRS = 20 };

struct tern_confusion {
    tern_context *context;
    int64_t classes;
    int64_t *counts; /* [truth][predicted] */
    char **labels;
};

tern_status tern_confusion_create(tern_confusion **confusion, tern_context *c, int64_t classes,
                                  const char *const *labels) {
    *confusion = NULL;
    if (classes < 1 || classes > MAX_CLASSES)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "confusion matrix: %lld classes; 1 to %d are possible",
                          (long long)classes, MAX_CLASSES);
    tern_confusion *m = tern__calloc(c, 1, sizeof *m);
    if (!m) return TERN_ERR_MEMORY;
    m->context = c;
    m->classes = classes;
    if (!(m->counts = tern__calloc(c, (size_t)(classes * classes), sizeof *m->counts)) ||
        !(m->labels = tern__calloc(c, (size_t)classes, sizeof *m->labels)))
        goto fail;
    for (int64_t k = 0; k < classes; k++) {
        m->labels[k] = labels ? tern__strdup(c, labels[k]) : tern__format(c, "%lld", (long long)k);
        if (!m->labels[k]) goto fail;
    }
    *confusion = m;
    return TERN_OK;
fail:
    tern_confusion_free(m);
    return TERN_ERR_MEMORY;
}

void tern_confusion_free(tern_confusion *m) {
    if (!m) return;
    for (int64_t k = 0; m->labels && k < m->classes; k++) tern__free(m->context, m->labels[k]);
    tern__free(m->context, m->labels);
    tern__free(m->context, m->counts);
    tern__free(m->context, m);
}

tern_status tern_confusion_add(tern_confusion *m, int64_t truth, int64_t predicted) {
    if (truth < 0 || truth >= m->classes || predicted < 0 || predicted >= m->classes)
        return tern__fail(m->context, TERN_ERR_ARGUMENT,
                          "confusion matrix: class %lld taken for %lld; the classes are 0 to %lld",
                          (long long)truth, (long long)predicted, (long long)m->classes - 1);
    m->counts[truth * m->classes + predicted]++;
    return TERN_OK;
}

int64_t tern_confusion_count(const tern_confusion *m, int64_t truth, int64_t predicted) {
    return m->counts[truth * m->classes + predicted];
}

static double ratio(int64_t a, int64_t b) { return b ? (double)a / (double)b : 0; }

tern_class_metrics tern_confusion_class(const tern_confusion *m, int64_t k) {
    tern_class_metrics r = {.correct = tern_confusion_count(m, k, k)};
    for (int64_t i = 0; i < m->classes; i++) {
        r.support += tern_confusion_count(m, k, i);
        r.predicted += tern_confusion_count(m, i, k);
    }
    r.precision = ratio(r.correct, r.predicted);
    r.recall = ratio(r.correct, r.support);
    r.f1 = ratio(2 * r.correct, r.support + r.predicted);
    return r;
}

tern_metrics tern_confusion_metrics(const tern_confusion *m) {
    tern_metrics all = {0};
    int64_t occurring = 0;
    for (int64_t k = 0; k < m->classes; k++) {
        tern_class_metrics r = tern_confusion_class(m, k);
        all.n += r.support;
        all.correct += r.correct;
        occurring += r.support || r.predicted;
        all.macro_precision += r.precision;
        all.macro_recall += r.recall;
        all.macro_f1 += r.f1;
    }
    double classes = occurring ? (double)occurring : NAN;
    all.accuracy = all.n ? (double)all.correct / (double)all.n : NAN;
    all.macro_precision /= classes;
    all.macro_recall /= classes;
    all.macro_f1 /= classes;
    return all;
}

/* ---- as text ---- */

typedef struct text {
    tern_context *context;
    char *at;
    size_t length, capacity;
    bool failed;
} text;

static void put(text *t, const char *format, ...) TERN_PRINTF(2, 3);
static void put(text *t, const char *format, ...) {
    if (t->failed) return;
    for (;;) {
        va_list arguments;
        va_start(arguments, format);
        size_t room = t->capacity - t->length;
        int n = vsnprintf(t->at ? t->at + t->length : NULL, room, format, arguments);
        va_end(arguments);
        if (n >= 0 && (size_t)n < room) {
            t->length += (size_t)n;
            return;
        }
        char *grown = n < 0 ? NULL
                            : tern__grow(t->context, t->at, t->length, &t->capacity,
                                         t->length + (size_t)n + 1, 1);
        if (!grown) {
            t->failed = true;
            return;
        }
        t->at = grown;
    }
}

/* A ratio as percent with one digit, without the locale's decimal point. */
static void put_percent(text *t, int width, double value) {
    char number[32];
    long tenths = isfinite(value) ? lround(value * 1000) : 0;
    if (isfinite(value))
        snprintf(number, sizeof number, "%ld.%ld", tenths / 10, tenths % 10);
    else
        snprintf(number, sizeof number, "-");
    put(t, "%*s", width, number);
}

/* Columns on the screen: bytes that start a UTF-8 character. */
static int columns(const char *label) {
    int n = 0;
    for (; *label; label++) n += ((unsigned char)*label & 0xC0) != 0x80;
    return n;
}

static void put_label(text *t, const char *label, int width) {
    put(t, "%s%*s", label, width - columns(label), "");
}

static int digits(int64_t n) {
    int d = 1;
    for (; n > 9; n /= 10) d++;
    return d;
}

static void put_matrix(text *t, const tern_confusion *m, int label_width) {
    int64_t largest = m->classes - 1;
    for (int64_t i = 0; i < m->classes * m->classes; i++)
        largest = m->counts[i] > largest ? m->counts[i] : largest;
    int width = digits(largest) + 1;
    put(t, "\nconfusion (row: truth, column: predicted, numbered as the rows)\n");
    put(t, "%*s", label_width + 4, "");
    for (int64_t k = 0; k < m->classes; k++) put(t, "%*lld", width, (long long)k);
    for (int64_t i = 0; i < m->classes; i++) {
        put(t, "\n%2lld  ", (long long)i);
        put_label(t, m->labels[i], label_width);
        for (int64_t k = 0; k < m->classes; k++)
            if (tern_confusion_count(m, i, k))
                put(t, "%*lld", width, (long long)tern_confusion_count(m, i, k));
            else
                put(t, "%*s", width, ".");
    }
    put(t, "\n");
}

/* The off-diagonal counts, greatest first. */
static void put_pairs(text *t, const tern_confusion *m, int label_width) {
    int64_t total = m->classes * m->classes, last_count = INT64_MAX, last = -1;
    put(t, "\nmost often confused (truth -> predicted)\n");
    for (int shown = 0; shown < SHOWN_PAIRS; shown++) {
        int64_t best = -1;
        for (int64_t i = 0; i < total; i++) {
            bool before = m->counts[i] > last_count || (m->counts[i] == last_count && i <= last);
            if (before || !m->counts[i] || i / m->classes == i % m->classes) continue;
            if (best < 0 || m->counts[i] > m->counts[best]) best = i;
        }
        if (best < 0) return;
        put(t, "%6lld  ", (long long)m->counts[best]);
        put_label(t, m->labels[best / m->classes], label_width);
        put(t, " -> %s\n", m->labels[best % m->classes]);
        last_count = m->counts[best];
        last = best;
    }
}

tern_status tern_confusion_text(char **out, const tern_confusion *m) {
    *out = NULL;
    text t = {.context = m->context};
    tern_metrics all = tern_confusion_metrics(m);
    int label_width = 5;
    for (int64_t k = 0; k < m->classes; k++)
        if (columns(m->labels[k]) > label_width) label_width = columns(m->labels[k]);
    put(&t, "accuracy");
    put_percent(&t, 6, all.accuracy);
    put(&t, " %%  (%lld of %lld)   macro F1", (long long)all.correct, (long long)all.n);
    put_percent(&t, 6, all.macro_f1);
    put(&t, " %%\n\n");
    put_label(&t, "class", label_width);
    put(&t, "  precision  recall      F1  samples\n");
    for (int64_t k = 0; k < m->classes; k++) {
        tern_class_metrics r = tern_confusion_class(m, k);
        put_label(&t, m->labels[k], label_width);
        put_percent(&t, 11, r.precision);
        put_percent(&t, 8, r.recall);
        put_percent(&t, 8, r.f1);
        put(&t, "%9lld\n", (long long)r.support);
    }
    if (m->classes <= SHOWN_CLASSES)
        put_matrix(&t, m, label_width);
    else
        put_pairs(&t, m, label_width);
    if (t.failed) {
        tern__free(m->context, t.at);
        return TERN_ERR_MEMORY;
    }
    *out = t.at;
    return TERN_OK;
}

/* ---- as JSON ---- */

static json_t *class_json(const tern_confusion *m, int64_t k) {
    tern_class_metrics r = tern_confusion_class(m, k);
    return json_pack("{s:o, s:I, s:o, s:o, s:o}", "label", json_string_nocheck(m->labels[k]),
                     "support", (json_int_t)r.support, "precision", tern__json_number(r.precision),
                     "recall", tern__json_number(r.recall), "f1", tern__json_number(r.f1));
}

static json_t *row_json(const tern_confusion *m, int64_t truth) {
    json_t *row = json_array();
    for (int64_t k = 0; k < m->classes; k++)
        tern__json_append(&row, json_integer(tern_confusion_count(m, truth, k)));
    return row;
}

tern_status tern_confusion_json(char **out, const tern_confusion *m) {
    *out = NULL;
    for (int64_t k = 0; k < m->classes; k++)
        if (!tern__json_holds(m->labels[k]))
            return tern__fail(m->context, TERN_ERR_FORMAT,
                              "confusion matrix: the name of label %lld is not UTF-8",
                              (long long)k);
    tern_metrics all = tern_confusion_metrics(m);
    json_t *object = json_object(), *classes = json_array(), *rows = json_array();
    tern__json_set(&object, "accuracy", tern__json_number(all.accuracy));
    tern__json_set(&object, "n", json_integer(all.n));
    tern__json_set(&object, "macro_f1", tern__json_number(all.macro_f1));
    for (int64_t k = 0; k < m->classes; k++) {
        tern__json_append(&classes, class_json(m, k));
        tern__json_append(&rows, row_json(m, k));
    }
    tern__json_set(&object, "per_class", classes);
    tern__json_set(&object, "confusion", rows);
    tern_status st = tern__json_dump(out, m->context, "a confusion matrix", object,
                                     JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    return st;
}
