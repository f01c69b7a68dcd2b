/* Models found by name. Internal. */
#ifndef TERN_CORE_MODEL_FILES_H
#define TERN_CORE_MODEL_FILES_H

#include "core/base/base.h"

/* The file that `name` means, as tern_model_load documents; *path is the caller's (tern__free).
 * Where nothing is found it is `name` itself, for opening it to fail, and *installed a list of what
 * is there
 * ("cells, esc10"; NULL for a name with a slash, or where no model is there), the caller's as well.
 */
tern_status tern__model_find(char **path, char **installed, tern_context *c, const char *name);

#endif
