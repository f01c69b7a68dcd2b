/* Operators that give the same bytes another shape: Reshape, Flatten, Squeeze, Unsqueeze; and
 * Identity. The plan makes aliases of them, so there is nothing to run. */
#include "ops.h"

/* ---- Reshape (ONNX 14): 0 keeps a dimension, one -1 is what is left ---- */

typedef struct reshape {
    int64_t allowzero;
} reshape;

static const tern__attribute reshape_attributes[] = {TERN__A_INT(reshape, allowzero, 0), {0}};

static tern_status infer_reshape(tern__infer *in) {
    const tern__shape *x = in->inputs[0];
    tern__shape y = {.type = x->type};
    tern__ints wanted;
    char from[TERN__SHAPE_TEXT], to[TERN__SHAPE_TEXT];
    tern_status status = tern__infer_constant(in, 1, "shape", &wanted);
    if (status) return status;
    if (wanted.count > TERN_MAX_RANK)
        return tern__infer_fail(in, TERN_ERR_LIMIT, "%d dimensions; at most %d", wanted.count,
                                TERN_MAX_RANK);
    y.rank = wanted.count;
    memcpy(y.dims, wanted.at, sizeof y.dims);
    tern__sizes_text(wanted.at, wanted.count, to, sizeof to);
    tern__shape_text(x, from, sizeof from);
    int rest = -1, unknown_in = 0, unknown_out = 0;
    int64_t known_in = 1, known_out = 1;
    for (int i = 0; i < x->rank; i++) {
        bool kept =
            i < y.rank && wanted.at[i] == 0 && !((const reshape *)in->attributes)->allowzero;
        if (x->dims[i] < 0)
            unknown_in += !kept; /* a kept unknown is the same unknown on both sides */
        else if (!tern__mul_i64(known_in, x->dims[i], &known_in))
            return tern__infer_fail(in, TERN_ERR_LIMIT, "input %s has too many elements", from);
    }
    for (int i = 0; i < y.rank; i++) {
        if (wanted.at[i] == 0 && !((const reshape *)in->attributes)->allowzero) {
            if (i >= x->rank)
                return tern__infer_fail(in, TERN_ERR_SHAPE,
                                        "dimension %d is to be kept, but input %s has only %d", i,
                                        from, x->rank);
            y.dims[i] = x->dims[i];
            if (y.dims[i] < 0) continue;
        }
        if (wanted.at[i] < -1 || (wanted.at[i] == -1 && rest >= 0))
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "shape %s: one dimension may be -1 and none less", to);
        if (wanted.at[i] == -1)
            rest = i;
        else if (!tern__mul_i64(known_out, y.dims[i], &known_out))
            return tern__infer_fail(in, TERN_ERR_LIMIT, "shape %s has too many elements", to);
    }
    unknown_out = rest >= 0;
    if (unknown_in == 0 && unknown_out && known_out > 0 && known_in % known_out == 0)
        y.dims[rest] = known_in / known_out;
    else if (unknown_in == 0 && (unknown_out || known_in != known_out))
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "input %s cannot become %s: the number of elements differs", from,
                                to);
    in->outputs[0] = y;
    return TERN_OK;
}

/* ---- Flatten (ONNX 13): [before axis, from axis on] ---- */

typedef struct flatten {
    int64_t axis;
} flatten;

static const tern__attribute flatten_attributes[] = {TERN__A_INT(flatten, axis, 1), {0}};

static tern_status infer_flatten(tern__infer *in) {
    const tern__shape *x = in->inputs[0];
    int64_t axis = ((const flatten *)in->attributes)->axis;
    if (axis < -x->rank || axis > x->rank)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "axis %lld is outside of -%d..%d",
                                (long long)axis, x->rank, x->rank);
    if (axis < 0) axis += x->rank;
    tern__shape y = {.type = x->type, .rank = 2, .dims = {1, 1}};
    for (int i = 0; i < x->rank; i++) {
        int64_t *dim = &y.dims[i >= axis];
        if (*dim < 0 || x->dims[i] < 0)
            *dim = -1;
        else if (!tern__mul_i64(*dim, x->dims[i], dim))
            return tern__infer_fail(in, TERN_ERR_LIMIT, "too many elements");
    }
    in->outputs[0] = y;
    return TERN_OK;
}

/* ---- Squeeze and Unsqueeze (ONNX 13): axes as the second input, constant ---- */

static tern_status mark_axes(const tern__infer *in, int rank, bool *marked) {
    tern__ints axes;
    tern_status status = tern__infer_constant(in, 1, "axes", &axes);
    memset(marked, 0, TERN_MAX_RANK * sizeof *marked);
    for (int i = 0; !status && i < axes.count; i++) {
        int axis = 0;
        status = tern__infer_axis(in, axes.at[i], rank, &axis);
        if (!status && marked[axis])
            status = tern__infer_fail(in, TERN_ERR_SHAPE, "axis %lld is given twice",
                                      (long long)axes.at[i]);
        marked[axis] = true;
    }
    return status;
}

static tern_status infer_squeeze(tern__infer *in) {
    const tern__shape *x = in->inputs[0];
    char text[TERN__SHAPE_TEXT];
    bool marked[TERN_MAX_RANK];
    bool given = in->n_inputs > 1 && in->inputs[1];
    tern__shape y = {.type = x->type};
    tern_status status = given ? mark_axes(in, x->rank, marked) : TERN_OK;
    if (status) return status;
    for (int i = 0; i < x->rank; i++) {
        bool gone = given ? marked[i] : x->dims[i] == 1;
        if (!given && x->dims[i] < 0)
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "axes must be given, for input %s has unknown dimensions",
                                    tern__shape_text(x, text, sizeof text));
        if (gone && x->dims[i] != 1 && x->dims[i] >= 0)
            return tern__infer_fail(in, TERN_ERR_SHAPE, "dimension %d of input %s is not 1", i,
                                    tern__shape_text(x, text, sizeof text));
        if (!gone) y.dims[y.rank++] = x->dims[i];
    }
    in->outputs[0] = y;
    return TERN_OK;
}

static tern_status infer_unsqueeze(tern__infer *in) {
    const tern__shape *x = in->inputs[0];
    bool marked[TERN_MAX_RANK];
    int64_t added = tern__shape_count(in->inputs[1]);
    if (added < 0 || x->rank + added > TERN_MAX_RANK)
        return tern__infer_fail(in, TERN_ERR_LIMIT, "more than %d dimensions", TERN_MAX_RANK);
    tern__shape y = {.type = x->type, .rank = x->rank + (int)added};
    tern_status status = mark_axes(in, y.rank, marked);
    if (status) return status;
    for (int i = 0, from = 0; i < y.rank; i++) y.dims[i] = marked[i] ? 1 : x->dims[from++];
    in->outputs[0] = y;
    return TERN_OK;
}

static const tern__moved axes_moved[] = {{"axes", 1, false}, {0}};

#define ROW .domain = "", .min_outputs = 1, .max_outputs = 1, .same_bytes = true

const tern__op tern__op_reshape = {
    .name = "Reshape",
    ROW,
    .min_inputs = 2,
    .max_inputs = 2,
    .attribute_size = sizeof(reshape),
    .attributes = reshape_attributes,
    .layouts = TERN__ONLY_PLAIN,
    .infer = infer_reshape,
    .traits = {.shape_input = 1, .harmless = (const tern__harmless[]){{"allowzero", 0}, {0}}}};
const tern__op tern__op_flatten = {.name = "Flatten",
                                   ROW,
                                   .min_inputs = 1,
                                   .max_inputs = 1,
                                   .attribute_size = sizeof(flatten),
                                   .attributes = flatten_attributes,
                                   .layouts = TERN__ONLY_PLAIN,
                                   .infer = infer_flatten};
const tern__op tern__op_squeeze = {.name = "Squeeze",
                                   ROW,
                                   .min_inputs = 1,
                                   .max_inputs = 2,
                                   .layouts = TERN__ONLY_PLAIN,
                                   .infer = infer_squeeze,
                                   .traits.moved = axes_moved};
const tern__op tern__op_unsqueeze = {.name = "Unsqueeze",
                                     ROW,
                                     .min_inputs = 2,
                                     .max_inputs = 2,
                                     .layouts = TERN__ONLY_PLAIN,
                                     .infer = infer_unsqueeze,
                                     .traits.moved = axes_moved};
const tern__op tern__op_identity = {
    .name = "Identity",
    ROW,
    .min_inputs = 1,
    .max_inputs = 1,
    .layouts = TERN__ANY_LAYOUT,
    .infer = tern__infer_same,
    .traits = {.locality = TERN__BY_ELEMENT, .nothing = TERN__NOTHING_EVER}};
