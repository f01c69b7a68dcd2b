/* Lists of picture files. Internal to the data set. */
#ifndef TERN_VISION_FILES_H
#define TERN_VISION_FILES_H

#include "core/base/base.h"
#include "core/base/labels.h"
#include "core/base/names.h"

typedef struct tern__file_list {
    tern_context *context;
    size_t count, left_out; /* left_out: files that are no pictures by their names */
    tern__shown shown;      /* those */
    bool labelled;    /* a folder per label: keys keep the ending, as nothing is matched by them */
    size_t key_start; /* where in a path the path within the folder begins */
    char **path;
    char **key; /* the path within the folder, without the ending unless labelled: "night/0012" */
    size_t path_capacity, key_capacity;
    tern__names numbers; /* by key */
} tern__file_list;

/* Lists the pictures in a folder and below it, by name. TERN_ERR_FORMAT if there are none, or two
 * with one key; TERN_ERR_IO. The list is to be freed whatever came of it. */
tern_status tern__files_read(tern__file_list *list, tern_context *c, const char *folder,
                             bool labelled);
/* The names of the folders in it, as paths without keys. */
tern_status tern__files_folders(tern__file_list *list, tern_context *c, const char *folder);
/* Parts a folder of pictures and masks ("a" and "a_mask") into both: takes the masks out of list.
 * masks: the same folder's list, which keeps only them. TERN_ERR_FORMAT if there are none. */
tern_status tern__files_part(tern__file_list *list, tern__file_list *masks, const char *folder);
void tern__files_free(tern__file_list *list);
/* The number of the file that belongs to this key: of the same key, or with _mask, _label, ...
 * after it; -1: none. */
int tern__files_match(const tern__file_list *list, const char *key);

#endif
