/* The files of MNIST and its kin: pictures and class numbers as bytes, gzipped or not. Internal. */
#ifndef TERN_VISION_IDX_H
#define TERN_VISION_IDX_H

#include "core/base/base.h"

typedef struct tern__idx {
    char *images, *labels; /* the files */
    int64_t count;
    int width, height,
        channels;        /* channels 1, or 3 in a file of four dimensions [n, height, width, 3] */
    int classes;         /* greatest label + 1 */
    uint8_t *pixels;     /* [count][height][width][channels] */
    uint8_t *classes_of; /* [count] */
} tern__idx;

/* Whether path is a file named ...images..., or a folder with such a file. */
bool tern__idx_is(const char *path);
/* Reads pictures and labels. path: the file of the pictures, whose labels are in the file that is
 * named "labels" and "idx1" where the name says "images" and "idx3" (or idx4); or a folder: of
 * several sets in it (train-..., t10k-...) the one for training, or, test being true, the other
 * one. At most `limit` bytes of pictures. Errors: TERN_ERR_IO; TERN_ERR_FORMAT if a file is not
 * what its name says, is cut off, or counts disagree; TERN_ERR_LIMIT. All zero on failure. */
tern_status tern__idx_read(tern__idx *idx, tern_context *c, const char *path, bool test,
                           double limit);
void tern__idx_free(tern__idx *idx, tern_context *c);

#endif
