/* See spans.h. Which labels begin and end an entity: conlleval of CoNLL-2000. */
#include "spans.h"

#include <string.h>

static bool prefixed(const char *label) {
    return (label[0] == 'B' || label[0] == 'I') && label[1] == '-' && label[2];
}

const char *tern__span_type(const char *label) {
    if (!strcmp(label, "O")) return NULL;
    return prefixed(label) ? label + 2 : label;
}

size_t tern__spans(tern__span *out, const char *const *labels, const int32_t *tags, size_t count) {
    size_t n = 0;
    const char *before = NULL; /* type of the token before */
    for (size_t i = 0; i < count; i++) {
        const char *label = labels[tags[i]], *type = tern__span_type(label);
        bool begins = prefixed(label) && label[0] == 'B';
        if (type && !begins && before && !strcmp(before, type))
            out[n - 1].last = i;
        else if (type)
            out[n++] = (tern__span){i, i, type};
        before = type;
    }
    return n;
}
