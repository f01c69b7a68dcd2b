/* Transpose (ONNX 13). The plan makes an alias of it where a channels-last layout makes the bytes
 * the same. */
#include "ops.h"

#include "core/math/strided.h"

typedef struct transpose {
    tern__ints perm;
} transpose;

static const tern__attribute attributes[] = {TERN__SOME_INTS(transpose, perm), {0}};

/* Axis of x that axis i of y is: the reverse order unless perm says otherwise. */
static int source_axis(const transpose *a, int rank, int i) {
    return a->perm.count ? (int)a->perm.at[i] : rank - 1 - i;
}

static tern_status infer(tern__infer *in) {
    const transpose *a = in->attributes;
    const tern__shape *x = in->inputs[0];
    bool seen[TERN_MAX_RANK] = {false};
    char text[TERN__SHAPE_TEXT];
    tern__shape y = *x;
    bool valid = !a->perm.count || a->perm.count == x->rank;
    for (int i = 0; valid && i < x->rank; i++) {
        int axis = source_axis(a, x->rank, i);
        valid = axis >= 0 && axis < x->rank && !seen[axis];
        if (!valid) break;
        seen[axis] = true;
        y.dims[i] = x->dims[axis];
    }
    if (!valid)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "perm must name each axis of input %s once",
                                tern__shape_text(x, text, sizeof text));
    in->outputs[0] = y;
    return TERN_OK;
}

static tern__strided make_copy(const tern__step *step) {
    const tern__tensor *x = step->inputs[0], *y = step->outputs[0];
    int64_t from[TERN_MAX_RANK], to[TERN_MAX_RANK];
    tern__dense_strides(x->dims, x->rank, from);
    tern__dense_strides(y->dims, y->rank, to);
    tern__strided s = {0};
    for (int i = 0; i < y->rank; i++)
        tern__strided_axis(&s, y->dims[i], from[source_axis(step->attributes, y->rank, i)], to[i]);
    return s;
}

static tern_status forward(const tern__step *step) {
    tern__strided s = make_copy(step);
    tern__strided_copy(step->context, &s, step->inputs[0]->data, step->outputs[0]->data,
                       tern__type_size(step->inputs[0]->type), false);
    return TERN_OK;
}

static void backward(const tern__step *step) {
    const tern__tensor *x = step->inputs[0], *y = step->outputs[0];
    int64_t from[TERN_MAX_RANK], to[TERN_MAX_RANK], axis_of[TERN_MAX_RANK];
    tern__dense_strides(y->dims, y->rank, from);
    tern__dense_strides(x->dims, x->rank, to);
    for (int i = 0; i < y->rank; i++) axis_of[source_axis(step->attributes, y->rank, i)] = i;
    tern__strided s = {0};
    for (int i = 0; i < x->rank; i++) tern__strided_axis(&s, x->dims[i], from[axis_of[i]], to[i]);
    tern__strided_copy(step->context, &s, step->output_grads[0]->data, step->input_grads[0]->data,
                       sizeof(float), step->accumulate[0]);
}

static const tern__ints *permutation(const void *a) { return &((const transpose *)a)->perm; }

const tern__op tern__op_transpose = {.name = "Transpose",
                                     .domain = "",
                                     .min_inputs = 1,
                                     .max_inputs = 1,
                                     .min_outputs = 1,
                                     .max_outputs = 1,
                                     .attribute_size = sizeof(transpose),
                                     .attributes = attributes,
                                     .layouts = TERN__ONLY_PLAIN,
                                     .infer = infer,
                                     .forward = forward,
                                     .backward = backward,
                                     .traits.permutation = permutation};
