/* The bitmap font of picture.c: characters 32 to 126. */
#ifndef TERN_CORE_PICTURE_FONT_H
#define TERN_CORE_PICTURE_FONT_H

#include <stdint.h>

extern const uint8_t tern__font[95][9];

#endif
