/* How bytes of text begin: byte-order marks, and encodings that are not UTF-8. Internal. */
#ifndef TERN_CORE_ENCODING_H
#define TERN_CORE_ENCODING_H

#include "base.h"

/* *skip: bytes of a UTF-8 byte-order mark at the beginning, 3 or 0. TERN_ERR_FORMAT, naming the
 * file and the encoding, for UTF-16 and UTF-32, with a mark or without one (every other byte 0 as
 * far as 64 bytes show). */
tern_status tern__text_begin(size_t *skip, tern_context *c, const char *name, const void *bytes,
                             size_t size);

#endif
