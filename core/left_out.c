/* Collects what a reader of folders leaves out and says it in one warning. Opens nothing. */
#include "left_out.h"

#include <stdio.h>
#include <string.h>

#define SHOWN 5 /* so many names of a kind */

void tern__left_out_note(tern__left_out *l, enum tern__left_kind kind, const char *name) {
    char *names = l->names[kind];
    const size_t used = strlen(names);
    if (l->count[kind]++ < SHOWN && used + strlen(name) + 3 < sizeof l->names[kind])
        snprintf(names + used, sizeof l->names[kind] - used, "%s%s", used ? ", " : "", name);
}

void tern__left_out_warn(const tern__left_out *l, tern_context *c, const char *folder,
                         const char *what) {
    static const char *const one[] = {"file in no label's folder", "file of another kind",
                                      "hidden file", "label without a file that is read"};
    static const char *const many[] = {"files in no label's folder", "files of another kind",
                                       "hidden files", "labels without a file that is read"};
    char text[1500] = "";
    size_t used = 0;
    for (int k = 0; k < TERN__LEFT_KINDS; k++) {
        if (!l->count[k]) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu %s (%s%s)",
                                 used ? ", " : "", l->count[k], l->count[k] == 1 ? one[k] : many[k],
                                 l->names[k], l->count[k] > SHOWN ? ", ..." : "");
    }
    if (used) tern__log(c, TERN_LOG_WARNING, "%s: left out of the %s: %s", folder, what, text);
}
