/* What a reader of folders leaves out, for one warning. Internal. */
#ifndef TERN_CORE_LEFT_OUT_H
#define TERN_CORE_LEFT_OUT_H

#include "base.h"

enum tern__left_kind {
    TERN__LEFT_LOOSE,  /* files in no folder of a label */
    TERN__LEFT_OTHER,  /* files of another kind */
    TERN__LEFT_HIDDEN, /* files that are data by their ending, but whose names begin with a dot */
    TERN__LEFT_EMPTY,  /* folders of labels without a file that is read */
    TERN__LEFT_KINDS
};

typedef struct tern__left_out {
    size_t count[TERN__LEFT_KINDS];
    char names[TERN__LEFT_KINDS][240]; /* the first few */
} tern__left_out;

void tern__left_out_note(tern__left_out *l, enum tern__left_kind kind, const char *name);
/* One warning about all of it, none where nothing was left out. what: "sounds". */
void tern__left_out_warn(const tern__left_out *l, tern_context *c, const char *folder,
                         const char *what);

#endif
