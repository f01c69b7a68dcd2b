/* The list of clips of a data set: which files, with which label, fold and group. Internal; opens
 * no sound file. */
#ifndef TERN_AUDIO_CLIPS_H
#define TERN_AUDIO_CLIPS_H

#include "core/base/labels.h"
#include <tern/audio_dataset.h>

typedef struct tern__clip {
    char *path;
    size_t line;                /* of the CSV; 0: from a folder */
    int64_t label, fold, group; /* fold -1: none */
} tern__clip;

/* Names that stand for 0, 1, 2, ... */
typedef struct tern__name_list {
    char **at;
    size_t count, capacity;
    tern__names numbers;
} tern__name_list;

typedef struct tern__clips {
    tern_context *context;
    char *path; /* of the folder or CSV */
    bool piped; /* the CSV lies in no folder that its names could be relative to */
    tern__clip *at;
    size_t count, capacity;
    tern__name_list labels, folds, groups; /* labels sorted, unless they were given */
    tern__label_cleaner cleaner;
    tern__spellings spellings, lost; /* of labels with clips; of those without any that count */
    tern__findings findings;
} tern__clips;

/* Lists a folder or reads a CSV; checks labels and folds. On failure everything in clips is freed.
 */
tern_status tern__clips_read(tern__clips *clips, tern_context *c, const char *path,
                             const tern_audio_dataset_options *options);
void tern__clips_free(tern__clips *clips);
/* "FILE, line 12: clip.wav" or "clip.wav" (in a buffer of the caller): how sentences call a clip.
 */
const char *tern__clip_text(const tern__clips *clips, const tern__clip *clip, char *out,
                            size_t size);
/* "a, b, c and 4 more" in a buffer of the caller. */
const char *tern__name_list_text(const tern__name_list *names, char *out, size_t size);

#endif
