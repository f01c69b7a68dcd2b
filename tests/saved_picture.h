/* The pixels of a picture that was saved as a PNG to `path` (one_file.h). */
#ifndef TERN_TESTS_SAVED_PICTURE_H
#define TERN_TESTS_SAVED_PICTURE_H

#include "one_file.h"

#include <png.h>

/* [height][width][3], to be freed. */
static inline uint8_t *read_back(int *width, int *height) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    *width = (int)image.width;
    *height = (int)image.height;
    return pixels;
}

#endif
