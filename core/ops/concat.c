/* Concat and Split (ONNX 13): parts along one axis, put together and taken apart. */
#include "ops.h"

#include "core/math/strided.h"

typedef struct along {
    int64_t axis;
} along;

static const tern__attribute concat_attributes[] = {
    {.name = "axis", .type = TERN_ATTRIBUTE_INT, .offset = offsetof(along, axis), .required = true},
    {0}};
static const tern__attribute split_attributes[] = {TERN__A_INT(along, axis, 0), {0}};

/* Copies between a part and its place in the whole, which starts `offset` along the axis. */
static void copy_part(const tern__step *step, const tern__tensor *whole, const tern__tensor *part,
                      int64_t offset, char *whole_data, char *part_data, bool to_part, bool add) {
    int64_t axis = ((const along *)step->attributes)->axis;
    int64_t outer, length, inner, part_length;
    int logical = (int)(axis < 0 ? axis + whole->rank : axis);
    tern__around_axis(part, logical, &outer, &part_length, &inner);
    tern__around_axis(whole, logical, &outer, &length, &inner);
    size_t size = tern__type_size(whole->type);
    char *place = whole_data + (size_t)(offset * inner) * size;
    tern__strided s = {0};
    int64_t in_whole = length * inner, in_part = part_length * inner;
    tern__strided_axis(&s, outer, to_part ? in_whole : in_part, to_part ? in_part : in_whole);
    tern__strided_axis(&s, in_part, 1, 1);
    tern__strided_copy(step->context, &s, to_part ? place : part_data, to_part ? part_data : place,
                       size, add);
}

static int64_t length_along(const tern__step *step, const tern__tensor *t) {
    int64_t axis = ((const along *)step->attributes)->axis;
    return t->dims[axis < 0 ? axis + t->rank : axis];
}

static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    (void)axis, (void)sight;
    sight->all_inputs = true;
    return tern__is_channel_axis(in, ((const along *)in->attributes)->axis);
}

/* ---- Concat ---- */

static tern_status infer_concat(tern__infer *in) {
    const tern__shape *first = in->inputs[0];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    int axis;
    tern_status status =
        tern__infer_axis(in, ((const along *)in->attributes)->axis, first->rank, &axis);
    if (status) return status;
    tern__shape y = *first;
    for (int i = 1; i < in->n_inputs; i++) {
        const tern__shape *x = in->inputs[i];
        tern__shape expected = *first;
        if (x->rank == first->rank) expected.dims[axis] = x->dims[axis];
        if (x->type != first->type || !tern__shape_fits(x, &expected))
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "input %d is %s and input 0 %s: they may only differ along "
                                    "axis %d",
                                    i, tern__shape_text(x, text, sizeof text),
                                    tern__shape_text(first, other, sizeof other), axis);
        for (int k = 0; k < y.rank; k++)
            if (k != axis && y.dims[k] < 0) y.dims[k] = x->dims[k];
        bool known = y.dims[axis] >= 0 && x->dims[axis] >= 0;
        if (known && y.dims[axis] > INT64_MAX - x->dims[axis])
            return tern__infer_fail(in, TERN_ERR_LIMIT, "too many elements");
        y.dims[axis] = known ? y.dims[axis] + x->dims[axis] : -1;
    }
    in->outputs[0] = y;
    return TERN_OK;
}

static tern_status forward_concat(const tern__step *step) {
    int64_t offset = 0;
    for (int i = 0; i < step->n_inputs; i++) {
        const tern__tensor *x = step->inputs[i];
        copy_part(step, step->outputs[0], x, offset, step->outputs[0]->data, x->data, false, false);
        offset += length_along(step, x);
    }
    return TERN_OK;
}

static void backward_concat(const tern__step *step) {
    int64_t offset = 0;
    for (int i = 0; i < step->n_inputs; i++) {
        const tern__tensor *x = step->inputs[i];
        if (step->input_grads[i])
            copy_part(step, step->outputs[0], x, offset, step->output_grads[0]->data,
                      step->input_grads[i]->data, true, step->accumulate[i]);
        offset += length_along(step, x);
    }
}

const tern__op tern__op_concat = {.name = "Concat",
                                  .domain = "",
                                  .min_inputs = 1,
                                  .max_inputs = -1,
                                  .min_outputs = 1,
                                  .max_outputs = 1,
                                  .attribute_size = sizeof(along),
                                  .attributes = concat_attributes,
                                  .layouts = TERN__ANY_LAYOUT,
                                  .infer = infer_concat,
                                  .forward = forward_concat,
                                  .backward = backward_concat,
                                  .traits.sees = sees,
                                  .traits.joins = true};

/* ---- Split: sizes as the second input, or equal parts ---- */

static tern_status infer_split(tern__infer *in) {
    const tern__shape *x = in->inputs[0];
    int axis;
    tern_status status =
        tern__infer_axis(in, ((const along *)in->attributes)->axis, x->rank, &axis);
    if (status) return status;
    int64_t length = x->dims[axis], total = 0;
    const int64_t *sizes = NULL;
    if (in->n_inputs > 1 && in->inputs[1]) {
        sizes = in->constants[1];
        if ((status = tern__infer_type(in, 1, TERN_INT64))) return status;
        if (!sizes || in->inputs[1]->rank != 1 || in->inputs[1]->dims[0] != in->n_outputs)
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "the sizes must be %d constants, one per output",
                                    in->n_outputs);
    } else if (length >= 0 && length % in->n_outputs) {
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "%lld along axis %d cannot be cut into %d equal parts",
                                (long long)length, axis, in->n_outputs);
    }
    for (int i = 0; i < in->n_outputs; i++) {
        in->outputs[i] = *x;
        in->outputs[i].dims[axis] = sizes ? sizes[i] : length < 0 ? -1 : length / in->n_outputs;
        if (sizes && (sizes[i] < 0 || sizes[i] > INT64_MAX - total))
            return tern__infer_fail(in, TERN_ERR_SHAPE, "size %lld of part %d", (long long)sizes[i],
                                    i);
        total += sizes ? sizes[i] : 0;
    }
    if (sizes && length >= 0 && total != length)
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "the sizes add up to %lld, and axis %d has %lld", (long long)total,
                                axis, (long long)length);
    return TERN_OK;
}

/* The length of part i, also where nobody wants it. */
static int64_t part_length(const tern__step *step, int i) {
    if (step->n_inputs > 1 && step->inputs[1]) return ((const int64_t *)step->inputs[1]->data)[i];
    return length_along(step, step->inputs[0]) / step->n_outputs;
}

static tern_status forward_split(const tern__step *step) {
    const tern__tensor *x = step->inputs[0];
    int64_t offset = 0;
    for (int i = 0; i < step->n_outputs; i++) {
        if (step->outputs[i])
            copy_part(step, x, step->outputs[i], offset, x->data, step->outputs[i]->data, true,
                      false);
        offset += part_length(step, i);
    }
    return TERN_OK;
}

static void backward_split(const tern__step *step) {
    const tern__tensor *x = step->inputs[0];
    char *dx = step->input_grads[0]->data;
    int64_t offset = 0;
    bool whole = true;
    for (int i = 0; i < step->n_outputs; i++) whole = whole && step->output_grads[i];
    if (!whole && !step->accumulate[0])
        tern__clear(step->context, dx, (size_t)x->count * sizeof(float));
    for (int i = 0; i < step->n_outputs; i++) {
        if (step->output_grads[i])
            copy_part(step, x, step->output_grads[i], offset, dx, step->output_grads[i]->data,
                      false, step->accumulate[0]);
        offset += part_length(step, i);
    }
}

const tern__op tern__op_split = {.name = "Split",
                                 .domain = "",
                                 .min_inputs = 1,
                                 .max_inputs = 2,
                                 .min_outputs = 1,
                                 .max_outputs = -1,
                                 .attribute_size = sizeof(along),
                                 .attributes = split_attributes,
                                 .layouts = TERN__ANY_LAYOUT,
                                 .needs = TERN__NEEDS_INPUT(1),
                                 .infer = infer_split,
                                 .forward = forward_split,
                                 .backward = backward_split,
                                 .traits.sees = sees,
                                 .traits.moved = (const tern__moved[]){{"split", 1, false}, {0}}};
