/* See encoding.h. Source: Unicode 15, section 23.8. */
#include "encoding.h"

#include <string.h>

/* Letters of UTF-16 have a 0 at even (big-endian) or odd places only. */
static bool looks_like_utf16(const unsigned char *bytes, size_t size) {
    size_t zeros[2] = {0, 0};
    if (size > 64) size = 64;
    size &= ~(size_t)1;
    for (size_t i = 0; i < size; i++) zeros[i & 1] += bytes[i] == 0;
    return size >= 4 && zeros[0] + zeros[1] == size / 2 && (!zeros[0] || !zeros[1]);
}

tern_status tern__text_begin(size_t *skip, tern_context *c, const char *name, const void *bytes,
                             size_t size) {
    const char *found = NULL;
    *skip = size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
    if (size >= 4 && (!memcmp(bytes, "\xff\xfe\0\0", 4) || !memcmp(bytes, "\0\0\xfe\xff", 4)))
        found = "UTF-32";
    else if (size >= 2 && (!memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2)))
        found = "UTF-16";
    else if (looks_like_utf16(bytes, size))
        found = "UTF-16";
    return found
               ? tern__fail(c, TERN_ERR_FORMAT, "%s: the text is %s; save it as UTF-8", name, found)
               : TERN_OK;
}
