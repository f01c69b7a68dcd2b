/* Fuzz target: any bytes as a safetensors file. */
#include "core/onnx/safetensors.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    tern_context *c = fuzz_context(((size_t)1 << 20) + 32 * size);
    tern__safetensors *f;
    tern_status status = tern__safetensors_parse(&f, c, "fuzz", bytes, size);
    fuzz_require((status == TERN_OK) == (f != NULL), "a file or a failure");
    for (size_t i = 0; f && i < f->n_tensors; i++) {
        const tern__safe_tensor *t = &f->tensors[i];
        const uint8_t *data = t->data;
        fuzz_require(data >= bytes && data + t->size <= bytes + size, "data within the file");
        fuzz_require(tern__safetensors_find(f, t->name) == t, "every tensor by its name");
    }
    tern__safetensors_free(f);
    fuzz_end(c, status);
    return 0;
}
