/* Fuzz target: any text as run lengths of a mask, Kaggle's and COCO's. */
#include "fuzz.h"

#include <tern/vision_mask.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    tern_context *c = fuzz_context((size_t)8 << 20);
    char *text = malloc(size + 1);
    fuzz_require(text != NULL, "memory");
    memcpy(text, bytes, size);
    text[size] = 0;
    tern_mask mask;
    fuzz_require(tern_mask_create(&mask, c, 37, 23, 2, 0) == TERN_OK, "a mask");
    tern_status status = tern_mask_set_rle(&mask, 1, text);
    uint32_t *counts;
    size_t n;
    const tern_status parsed = tern_counts_parse(&counts, &n, c, text);
    if (parsed == TERN_OK) {
        /* What can be read can be written, and means the same. */
        char *again;
        fuzz_require(tern_counts_text(&again, c, counts, n) == TERN_OK, "text of counts");
        uint32_t *read;
        size_t n_read;
        fuzz_require(tern_counts_parse(&read, &n_read, c, again) == TERN_OK && n_read == n &&
                         (n == 0 || !memcmp(read, counts, n * sizeof *read)),
                     "counts there and back");
        status = tern_mask_set_counts(&mask, 1, counts, n);
        tern_free(c, again);
        tern_free(c, read);
        tern_free(c, counts);
    } else {
        status = parsed;
    }
    tern_mask_free(&mask);
    free(text);
    fuzz_end(c, status);
    return 0;
}
