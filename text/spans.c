/* See spans.h. Which labels begin and end an entity: conlleval of CoNLL-2000, with its extension to
 * labels that say where an entity ends. */
#include "spans.h"

#include <string.h>

static bool prefixed(const char *label, const char *prefixes) {
    return *label && strchr(prefixes, *label) && label[1] == '-' && label[2];
}

bool tern__span_ends(const char *const *labels, size_t count) {
    bool begins = false, all = true;
    for (size_t i = 0; i < count; i++) {
        begins |= prefixed(labels[i], "B");
        all &= !strcmp(labels[i], "O") || prefixed(labels[i], "BIESLUM");
    }
    return begins || all;
}

static const char *prefixes(bool ends) { return ends ? "BIESLUM" : "BI"; }

const char *tern__span_type(const char *label, bool ends) {
    if (!strcmp(label, "O")) return NULL;
    return prefixed(label, prefixes(ends)) ? label + 2 : label;
}

size_t tern__spans(tern__span *out, const char *const *labels, const int32_t *tags, size_t count,
                   bool ends) {
    size_t n = 0;
    const char *before = NULL; /* type of the token before, unless that ended an entity */
    for (size_t i = 0; i < count; i++) {
        const char *label = labels[tags[i]], *type = tern__span_type(label, ends);
        const bool marked = type && type != label;
        const bool begins = marked && strchr("BSU", *label);
        if (type && !begins && before && !strcmp(before, type))
            out[n - 1].last = i;
        else if (type)
            out[n++] = (tern__span){i, i, type};
        before = marked && strchr("ESLU", *label) ? NULL : type;
    }
    return n;
}
