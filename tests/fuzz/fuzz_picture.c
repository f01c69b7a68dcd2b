/* Fuzz target: any bytes as a picture (PNG, JPEG, PNM), whole and its header only. */
#include "fuzz.h"

#include <tern/vision.h>

#define MOST_PIXELS 65536.0

static void read_picture(const uint8_t *bytes, size_t size, tern_alpha alpha, bool keep_palette) {
    tern_context *c = fuzz_context((size_t)8 << 20);
    tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
    o.max_pixels = MOST_PIXELS;
    o.alpha = alpha;
    o.keep_palette = keep_palette;
    tern_image image;
    tern_status status = tern_image_load_memory(&image, c, "fuzz", bytes, size, &o);
    fuzz_require((status == TERN_OK) == (image.data != NULL), "a picture or a failure");
    if (status == TERN_OK) {
        const double pixels = (double)image.width * image.height;
        const size_t count = (size_t)pixels * (size_t)image.channels;
        fuzz_require(image.width > 0 && image.height > 0 && pixels <= MOST_PIXELS,
                     "a bounded size");
        uint32_t sum = 0; /* every value can be read */
        for (size_t i = 0; i < count; i++) {
            const uint32_t v = image.bits == 8 ? ((const uint8_t *)image.data)[i]
                                               : ((const uint16_t *)image.data)[i];
            fuzz_require(!image.colours || v < (uint32_t)image.colours, "numbers of colours");
            sum += v;
        }
        fuzz_require(sum <= (uint64_t)count * 65535, "values");
    }
    tern_image_free(&image);
    fuzz_end(c, status);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    read_picture(bytes, size, TERN_ALPHA_WHITE, false);
    read_picture(bytes, size, TERN_ALPHA_KEEP, true);
    return 0;
}
