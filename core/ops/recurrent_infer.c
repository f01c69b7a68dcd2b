/* Shapes and attributes of LSTM and GRU. See recurrent.h. */
#include "recurrent.h"

static tern_status check_input(tern__infer *in, int number, const char *name, int rank,
                               const int64_t *dims) {
    if (in->n_inputs <= number || !in->inputs[number]) return TERN_OK;
    bool ints = number == TERN__RECURRENT_LENGTHS;
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    tern__shape wanted = {.type = ints ? TERN_INT64 : TERN_FLOAT, .rank = rank};
    memcpy(wanted.dims, dims, (size_t)rank * sizeof *dims);
    tern_status status = tern__infer_type(in, number, wanted.type);
    if (status != TERN_OK || tern__shape_fits(in->inputs[number], &wanted)) return status;
    return tern__infer_fail(in, TERN_ERR_SHAPE, "%s is %s and must be %s", name,
                            tern__shape_text(in->inputs[number], text, sizeof text),
                            tern__shape_text(&wanted, other, sizeof other));
}

static tern_status check_attributes(tern__infer *in, int64_t hidden, int64_t directions) {
    const tern__recurrent_attributes *a = in->attributes;
    const char *way = a->direction.at;
    bool both = strcmp(way, "bidirectional") == 0;
    if (!both && strcmp(way, "forward") != 0 && strcmp(way, "reverse") != 0)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT,
                                "direction '%s' is none of forward, reverse, bidirectional", way);
    if (directions != (both ? 2 : 1))
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "W has weights of %lld directions, and direction is '%s'",
                                (long long)directions, way);
    if (a->hidden_size && a->hidden_size != hidden)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "hidden_size is %lld, but R is for %lld",
                                (long long)a->hidden_size, (long long)hidden);
    if (a->layout != 0 && a->layout != 1)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "layout is %lld and must be 0 or 1",
                                (long long)a->layout);
    if (a->clip != 0 || a->input_forget != 0)
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED,
                                "clip is %g and input_forget %lld; tern only has 0 for both",
                                (double)a->clip, (long long)a->input_forget);
    return TERN_OK;
}

/* W [directions, gates * hidden, inputs] and R [directions, gates * hidden, hidden] fix sizes. */
static tern_status check_weights(tern__infer *in, int gates) {
    const tern__shape *x = in->inputs[TERN__RECURRENT_X], *w = in->inputs[TERN__RECURRENT_W],
                      *r = in->inputs[TERN__RECURRENT_R];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT], third[TERN__SHAPE_TEXT];
    for (int i = 0; i < 3; i++) {
        tern_status status = tern__infer_type(in, i, TERN_FLOAT);
        if (status != TERN_OK) return status;
    }
    bool fits = x->rank == 3 && w->rank == 3 && r->rank == 3;
    for (int i = 0; i < 3 && fits; i++) fits = w->dims[i] >= 1 && r->dims[i] >= 1;
    if (fits)
        fits = w->dims[0] == r->dims[0] && w->dims[1] == r->dims[1] &&
               w->dims[1] == gates * r->dims[2] && (x->dims[2] < 0 || x->dims[2] == w->dims[2]);
    if (fits) return TERN_OK;
    return tern__infer_fail(in, TERN_ERR_SHAPE,
                            "X %s, W %s and R %s do not fit: they must be [.., .., I], [D, %d H, "
                            "I] and [D, %d H, H]",
                            tern__shape_text(x, text, sizeof text),
                            tern__shape_text(w, other, sizeof other),
                            tern__shape_text(r, third, sizeof third), gates, gates);
}

tern_status tern__recurrent_infer(tern__infer *in, const tern__recurrent_cell *cell) {
    const tern__recurrent_attributes *a = in->attributes;
    tern_status st = check_weights(in, cell->gates);
    if (st != TERN_OK) return st;
    const tern__shape *x = in->inputs[TERN__RECURRENT_X];
    int64_t d = in->inputs[TERN__RECURRENT_R]->dims[0], h = in->inputs[TERN__RECURRENT_R]->dims[2];
    bool first = a->layout == 1;
    int64_t n = x->dims[first ? 0 : 1], steps = x->dims[first ? 1 : 0];
    if ((st = check_attributes(in, h, d)) != TERN_OK) return st;
    tern__shape y = {TERN_FLOAT, 4, {steps, d, n, h}}, last = {TERN_FLOAT, 3, {d, n, h}};
    if (first) {
        y = (tern__shape){TERN_FLOAT, 4, {n, steps, d, h}};
        last = (tern__shape){TERN_FLOAT, 3, {n, d, h}};
    }
    int64_t biases[2] = {d, 2 * cell->gates * h}, peepholes[2] = {d, 3 * h};
    if ((st = check_input(in, TERN__RECURRENT_B, "B", 2, biases)) ||
        (st = check_input(in, TERN__RECURRENT_LENGTHS, "sequence_lens", 1, &n)) ||
        (st = check_input(in, TERN__RECURRENT_H, "initial_h", 3, last.dims)) ||
        (st = check_input(in, TERN__RECURRENT_C, "initial_c", 3, last.dims)) ||
        (st = check_input(in, TERN__RECURRENT_P, "P", 2, peepholes)))
        return st;
    for (int i = 0; i < in->n_outputs; i++) in->outputs[i] = i == 0 ? y : last;
    return TERN_OK;
}
