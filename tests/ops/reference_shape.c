/* Reference: operators that move elements. */
#include "reference.h"

#include <string.h>

static int64_t axis_of(const reference_call *call, int64_t standard) {
    int64_t axis = reference_int(call, "axis", standard);
    return axis < 0 ? axis + call->inputs[0].rank : axis;
}

void reference_concat(reference_call *call) {
    int64_t axis = axis_of(call, 0), dims[TERN_MAX_RANK], offset = 0;
    memcpy(dims, call->inputs[0].dims, sizeof dims);
    for (int i = 1; i < call->n_inputs; i++) dims[axis] += call->inputs[i].dims[axis];
    double *y = reference_output(call, 0, call->inputs[0].rank, dims);
    for (int i = 0; i < call->n_inputs; i++) {
        const reference_tensor *x = &call->inputs[i];
        int64_t index[TERN_MAX_RANK] = {0};
        do {
            int64_t to[TERN_MAX_RANK];
            memcpy(to, index, sizeof to);
            to[axis] += offset;
            y[reference_at(&call->outputs[0], to)] = x->data[reference_at(x, index)];
        } while (reference_next(x, index));
        offset += x->dims[axis];
    }
}

/* The row says how many outputs there are. */
void reference_split(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    int64_t axis = axis_of(call, 0), offset = 0;
    bool given = call->n_inputs > 1 && call->inputs[1].data;
    int parts = call->n_outputs;
    for (int i = 0; i < parts; i++) {
        int64_t dims[TERN_MAX_RANK], index[TERN_MAX_RANK] = {0};
        memcpy(dims, x->dims, sizeof dims);
        dims[axis] = given ? (int64_t)call->inputs[1].data[i] : x->dims[axis] / parts;
        double *y = reference_output(call, i, x->rank, dims);
        do {
            int64_t from[TERN_MAX_RANK];
            memcpy(from, index, sizeof from);
            from[axis] += offset;
            y[reference_at(&call->outputs[i], index)] = x->data[reference_at(x, from)];
        } while (reference_next(&call->outputs[i], index));
        offset += dims[axis];
    }
}

void reference_slice(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *in = call->inputs;
    int64_t dims[TERN_MAX_RANK], start[TERN_MAX_RANK] = {0}, step[TERN_MAX_RANK];
    int64_t index[TERN_MAX_RANK] = {0};
    memcpy(dims, x->dims, sizeof dims);
    for (int i = 0; i < x->rank; i++) step[i] = 1;
    for (int64_t i = 0; i < in[1].dims[0]; i++) {
        int axis = call->n_inputs > 3 && in[3].data ? (int)in[3].data[i] : (int)i;
        if (axis < 0) axis += x->rank;
        double n = (double)x->dims[axis], a = in[1].data[i], b = in[2].data[i];
        double s = call->n_inputs > 4 && in[4].data ? in[4].data[i] : 1;
        if (a < 0) a += n;
        if (b < 0) b += n;
        double low = s > 0 ? 0 : -1, high = s > 0 ? n : n - 1;
        a = a < low ? low : a > high ? high : a;
        b = b < low ? low : b > high ? high : b;
        int64_t count = 0;
        for (double k = a; s > 0 ? k < b : k > b; k += s) count++;
        start[axis] = (int64_t)a;
        step[axis] = (int64_t)s;
        dims[axis] = count;
    }
    double *y = reference_output(call, 0, x->rank, dims);
    do {
        int64_t from[TERN_MAX_RANK];
        for (int i = 0; i < x->rank; i++) from[i] = start[i] + index[i] * step[i];
        y[reference_at(&call->outputs[0], index)] = x->data[reference_at(x, from)];
    } while (reference_next(&call->outputs[0], index));
}

static void same_elements(reference_call *call, int rank, const int64_t *dims) {
    const reference_tensor *x = &call->inputs[0];
    double *y = reference_output(call, 0, rank, dims);
    memcpy(y, x->data, (size_t)reference_count(x) * sizeof *y);
}

void reference_reshape(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *wanted = &call->inputs[1];
    int64_t dims[TERN_MAX_RANK], known = 1;
    int rank = (int)wanted->dims[0];
    for (int i = 0; i < rank; i++) {
        dims[i] = (int64_t)wanted->data[i];
        if (dims[i] == 0) dims[i] = x->dims[i];
        if (dims[i] > 0) known *= dims[i];
    }
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0) dims[i] = reference_count(x) / known;
    same_elements(call, rank, dims);
}

void reference_flatten(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    int64_t axis = axis_of(call, 1), dims[2] = {1, 1};
    for (int i = 0; i < x->rank; i++) dims[i >= axis] *= x->dims[i];
    same_elements(call, 2, dims);
}

void reference_squeeze(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    int64_t dims[TERN_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < x->rank; i++) {
        bool gone = call->n_inputs < 2 && x->dims[i] == 1;
        for (int64_t k = 0; call->n_inputs > 1 && k < call->inputs[1].dims[0]; k++) {
            int64_t axis = (int64_t)call->inputs[1].data[k];
            gone = gone || i == (axis < 0 ? axis + x->rank : axis);
        }
        if (!gone) dims[rank++] = x->dims[i];
    }
    same_elements(call, rank, dims);
}

void reference_unsqueeze(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *axes = &call->inputs[1];
    int64_t dims[TERN_MAX_RANK];
    int rank = x->rank + (int)axes->dims[0], from = 0;
    for (int i = 0; i < rank; i++) {
        bool added = false;
        for (int64_t k = 0; k < axes->dims[0]; k++)
            added = added || i == (int)axes->data[k] + (axes->data[k] < 0 ? rank : 0);
        dims[i] = added ? 1 : x->dims[from++];
    }
    same_elements(call, rank, dims);
}

void reference_transpose(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    int64_t dims[TERN_MAX_RANK], index[TERN_MAX_RANK] = {0};
    for (int i = 0; i < x->rank; i++)
        dims[i] = x->dims[reference_item(call, "perm", i, x->rank - 1 - i)];
    double *y = reference_output(call, 0, x->rank, dims);
    do {
        int64_t from[TERN_MAX_RANK];
        for (int i = 0; i < x->rank; i++)
            from[reference_item(call, "perm", i, x->rank - 1 - i)] = index[i];
        y[reference_at(&call->outputs[0], index)] = x->data[reference_at(x, from)];
    } while (reference_next(&call->outputs[0], index));
}

void reference_gather(reference_call *call) {
    const reference_tensor *x = &call->inputs[0], *ids = &call->inputs[1];
    int64_t axis = axis_of(call, 0), dims[TERN_MAX_RANK], index[TERN_MAX_RANK] = {0};
    int rank = 0;
    for (int i = 0; i < axis; i++) dims[rank++] = x->dims[i];
    for (int i = 0; i < ids->rank; i++) dims[rank++] = ids->dims[i];
    for (int i = (int)axis + 1; i < x->rank; i++) dims[rank++] = x->dims[i];
    double *y = reference_output(call, 0, rank, dims);
    do {
        int64_t from[TERN_MAX_RANK];
        int64_t id = (int64_t)ids->data[reference_at(ids, index + axis)];
        for (int i = 0; i < x->rank; i++)
            from[i] = i < axis   ? index[i]
                      : i > axis ? index[i + ids->rank - 1]
                      : id < 0   ? id + x->dims[axis]
                                 : id;
        y[reference_at(&call->outputs[0], index)] = x->data[reference_at(x, from)];
    } while (reference_next(&call->outputs[0], index));
}
