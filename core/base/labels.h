/* Labels as people write them: what is cut off, which spellings are one label; and what was left
 * out of a data set or merged, gathered for one warning. Internal; knows no files. */
#ifndef TERN_CORE_LABELS_H
#define TERN_CORE_LABELS_H

#include "names.h"

/* Memory of cleaning, used again. Zero-initialise, set the context. */
typedef struct tern__label_cleaner {
    tern_context *context;
    char *bytes;
    int32_t *points;
    size_t bytes_capacity, points_capacity;
} tern__label_cleaner;

/* The label that a text stands for: without white space and byte-order marks at both ends, in NFC
 * (Unicode Annex 15). *label is the text itself or memory of the cleaner, valid until the next
 * call. What is not UTF-8 keeps its bytes. */
tern_status tern__label_clean(tern__label_cleaner *k, const char **label, const char *text);
void tern__label_cleaner_clear(tern__label_cleaner *k);
/* A copy of it, the caller's; NULL: no memory. */
char *tern__label_copy(tern_context *c, const char *text);

/* ---- one line of warning ---- */

/* Names for a sentence: "a, b and 3 more". Zero-initialise. */
typedef struct tern__shown {
    char text[240];
    size_t used, count, left; /* left: names that had no room */
} tern__shown;
void tern__shown_add(tern__shown *s, const char *name);
const char *tern__shown_text(tern__shown *s);

/* What was found in a data set, parts of one sentence. Zero-initialise. */
typedef struct tern__findings {
    char line[900];
    size_t used;
} tern__findings;
void tern__findings_add(tern__findings *f, const char *format, ...) TERN_PRINTF(2, 3);
/* One warning "NAME: part; part", if there is any. */
void tern__findings_log(const tern__findings *f, tern_context *c, const char *name);

/* ---- spellings ---- */

/* The spellings that came, and what they stand for. Zero-initialise, set the context. */
typedef struct tern__spellings {
    tern_context *context;
    struct tern__spelling {
        char *raw, *clean; /* clean: raw where they are equal */
        size_t spellings;  /* of its label, where it is the first of them; else 0 */
    } * at;
    size_t count, capacity, n_labels;
    tern__names raws, cleans; /* to places in at: of the spelling; of the label's first one */
} tern__spellings;
/* Notes that raw was taken as clean. */
tern_status tern__spellings_note(tern__spellings *s, const char *raw, const char *clean);
/* Whether clean was noted. */
bool tern__spellings_have(const tern__spellings *s, const char *clean);
/* Adds the labels that several spellings stand for. */
void tern__spellings_merged(const tern__spellings *s, tern__findings *f);
/* Adds those labels of others that do not occur in s, with what to say of them. */
void tern__spellings_lost(const tern__spellings *s, const tern__spellings *others,
                          tern__findings *f, const char *what);
void tern__spellings_clear(tern__spellings *s);

/* Adds that there are almost as many labels as things ("texts") or more of them than different
 * ones. different SIZE_MAX: not known. */
void tern__findings_many(tern__findings *f, size_t labels, size_t things, size_t different,
                         const char *label, const char *unit);

#endif
