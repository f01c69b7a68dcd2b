/* Fuzz target: any bytes as a model. What loads can be saved and planned (or refused with a
 * sentence). */
#include "core/graph/graph.h"
#include "fuzz.h"

#include <tern/session.h>

/* Plans the model for inputs whose unknown sizes are 2. */
static void plan(const tern_model *m) {
    enum { MAX_INPUTS = 16 };
    const tern_graph *g = tern_model_graph(m);
    tern_tensor inputs[MAX_INPUTS];
    tern_session *s;
    if (g->n_inputs > MAX_INPUTS || tern_session_create(&s, m) != TERN_OK) return;
    for (size_t i = 0; i < g->n_inputs; i++) {
        const tern__shape *shape = &g->values[g->inputs[i]].shape;
        inputs[i] = (tern_tensor){.type = shape->type, .rank = shape->rank};
        for (int k = 0; k < shape->rank; k++)
            inputs[i].dims[k] = shape->dims[k] < 0 ? 2 : shape->dims[k];
    }
    fuzz_may_fail = true;
    tern_status status = tern_session_prepare(s, inputs, g->n_inputs);
    fuzz_require(status == TERN_OK || *tern_session_message(s), "a sentence of the session");
    fuzz_may_fail = false;
    tern_session_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    /* 4 times the file and 64 MiB for its messages; graph and names on top. */
    tern_context *c = fuzz_context(((size_t)96 << 20) + 64 * size);
    tern_model *m;
    tern_status status = tern_model_load_memory(&m, c, bytes, size);
    fuzz_require((status == TERN_OK) == (m != NULL), "a model or a failure");
    fuzz_require(status == TERN_OK || status == TERN_ERR_FORMAT || status == TERN_ERR_UNSUPPORTED ||
                     status == TERN_ERR_LIMIT,
                 "a status that the header names");
    if (m) {
        fuzz_require(tern_model_save(m, "/dev/null") == TERN_OK, "what loads can be saved");
        plan(m);
    }
    tern_model_free(m);
    fuzz_end(c, status);
    return 0;
}
