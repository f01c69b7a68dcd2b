/* What is in a folder, in the order of names; what begins with a dot is left out. Internal. */
#ifndef TERN_CORE_FOLDER_H
#define TERN_CORE_FOLDER_H

#include "base.h"

typedef struct tern__entry {
    const char *path, *name; /* name: the last part of path */
    bool is_folder, is_file; /* neither: a device and such, or a link to nothing */
    int error;               /* errno, where the system does not say what it is */
} tern__entry;
typedef tern_status (*tern__on_entry)(void *user, const tern__entry *entry);

/* What is in the folder itself. TERN_ERR_IO; a failure of on_entry ends it. */
tern_status tern__folder_list(tern_context *c, const char *folder, tern__on_entry on_entry,
                              void *user);
/* All but folders in it and in the folders below. TERN_ERR_LIMIT: more than 16 within each other.
 */
tern_status tern__folder_walk(tern_context *c, const char *folder, tern__on_entry on_entry,
                              void *user);

#endif
