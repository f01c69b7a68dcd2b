/* Relayout: the same value in the other memory layout, [N, C, spatial...] <-> [N, spatial..., C].
 * Only the plan makes it; it never reaches a file. */
#include "inserted.h"
#include "core/math/strided.h"

/* Moves x's bytes into y's layout; both have the same logical dims. */
static void move(const tern__step *s, const tern__tensor *x, const tern__tensor *y, bool add) {
    int64_t channels = x->dims[1], spatial = 1;
    for (int i = 2; i < x->rank; i++) spatial *= x->dims[i];
    bool from_plain = x->layout == TERN__PLAIN;
    int64_t rows = from_plain ? spatial : channels, columns = from_plain ? channels : spatial;
    tern__strided copy = {0}; /* y is [N, rows, columns] and x [N, columns, rows] */
    tern__strided_axis(&copy, x->dims[0], rows * columns, rows * columns);
    tern__strided_axis(&copy, rows, 1, columns);
    tern__strided_axis(&copy, columns, rows, 1);
    tern__strided_copy(s->context, &copy, x->data, y->data, sizeof(float), add);
}

static tern_status forward(const tern__step *s) {
    move(s, s->inputs[0], s->outputs[0], false);
    return TERN_OK;
}

static void backward(const tern__step *s) {
    move(s, s->output_grads[0], s->input_grads[0], s->accumulate[0]);
}

const tern__op tern__op_relayout = {.name = "Relayout",
                                    .domain = "tern",
                                    .min_inputs = 1,
                                    .max_inputs = 1,
                                    .min_outputs = 1,
                                    .max_outputs = 1,
                                    .forward = forward,
                                    .backward = backward};
