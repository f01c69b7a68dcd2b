/* What the views of a data set of pictures share: the pictures in memory. Internal to
 * dataset*.c. */
#ifndef TERN_VISION_STORE_H
#define TERN_VISION_STORE_H

#include "files.h"
#include "mask.h"
#include "vary.h"
#include <tern/vision_dataset.h>

/* One picture, and what was noticed about it. */
typedef struct tern__photo {
    int mask, view;    /* numbers in the lists of masks and fields of view, -1: none */
    int label;         /* classification */
    int width, height; /* in the file; image may have been resized */
    tern_image image;  /* of the data set's channels, 8 or 16 bits */
    tern_image labels; /* segmentation: [height][width] */
    tern_image inside; /* field of view, until it is in labels */
    uint8_t *weights;  /* [image.height][image.width] of border_weight / 255, or NULL */
    uint32_t *rows; /* [image.height + 1]: pixels of classes above 0 in the rows before, or NULL */
    int64_t
        *counts; /* segmentation: pixels of each class [classes], then of those that do not count */
    tern_status status;
    char *message; /* why it could not be read */
} tern__photo;

typedef struct tern__photo_store {
    tern_context *context;
    tern_vision_dataset_options options; /* its pointers are not to be used after opening */
    char *path;                          /* of the pictures */
    char *idx[2];                        /* the files of pictures and labels, where it is idx */
    tern__file_list files, masks, views;
    tern__photo *photos; /* [files.count] */
    bool segmentation;
    int channels, classes;
    char **labels; /* classification: [classes] */
    tern_mask_coding coding;
    tern__mask_values noted, noted_views; /* of all masks, of all fields of view */
    int width, height;                    /* of what training sees */
    tern_normalization normalization;
    struct tern__photo_scratch {
        uint8_t *labels; /* [2][height][width]: labels, weights */
        float *floats;
    } * scratch; /* [threads] */
} tern__photo_store;

struct tern_vision_dataset {
    tern_context *context;
    tern__photo_store *store;
    tern_dataset *samples;
};

/* The picture of a sample. */
static inline int64_t tern__photo_of(const tern__photo_store *store, int64_t sample) {
    return sample / (store->options.crops ? store->options.crops : 1);
}

/* Reads everything: store->context, options, path and segmentation are set. */
tern_status tern__photos_read(tern__photo_store *store);
/* The same from idx files (dataset_idx.c). */
tern_status tern__photos_read_idx(tern__photo_store *store);
/* Reads one picture (of the data set's channels) and, where masks is true, its labels, both in the
 * file's size and of context c. */
tern_status tern__photo_read(const tern__photo_store *store, tern_context *c, size_t number,
                             tern_image *image, tern_mask *mask);
/* What is in the data, for the log. */
void tern__photos_report(const tern__photo_store *store);

#endif
