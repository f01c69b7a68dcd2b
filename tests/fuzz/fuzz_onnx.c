/* Fuzz target: any bytes as a model. What loads is saved and must load again. */
#include "fuzz.h"

#include <tern/model.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    /* 4 times the file and 64 MiB for its messages; graph and names on top. */
    tern_context *c = fuzz_context(((size_t)96 << 20) + 64 * size);
    tern_model *m;
    tern_status status = tern_model_load_memory(&m, c, bytes, size);
    fuzz_require((status == TERN_OK) == (m != NULL), "a model or a failure");
    fuzz_require(status == TERN_OK || status == TERN_ERR_FORMAT || status == TERN_ERR_UNSUPPORTED ||
                     status == TERN_ERR_LIMIT,
                 "a status that the header names");
    if (m) fuzz_require(tern_model_save(m, "/dev/null") == TERN_OK, "what loads can be saved");
    tern_model_free(m);
    fuzz_end(c, status);
    return 0;
}
