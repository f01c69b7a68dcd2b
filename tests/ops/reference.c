/* Tools of the reference operators; see reference.h. */
#include "reference.h"

#include <stdlib.h>
#include <string.h>

int64_t reference_count(const reference_tensor *t) {
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) count *= t->dims[i];
    return count;
}

double *reference_output(reference_call *call, int i, int rank, const int64_t *dims) {
    reference_tensor *t = &call->outputs[i];
    t->rank = rank;
    if (rank) memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    t->data = calloc((size_t)reference_count(t) + 1, sizeof *t->data);
    if (i >= call->n_outputs) call->n_outputs = i + 1;
    if (!t->data) abort();
    return t->data;
}

int64_t reference_at(const reference_tensor *t, const int64_t *index) {
    int64_t at = 0;
    for (int i = 0; i < t->rank; i++) at = at * t->dims[i] + index[i];
    return at;
}

bool reference_next(const reference_tensor *t, int64_t *index) {
    for (int i = t->rank - 1; i >= 0; i--) {
        if (++index[i] < t->dims[i]) return true;
        index[i] = 0;
    }
    return false;
}

static const tern_attribute *find(const reference_call *call, const char *name) {
    for (size_t i = 0; i < call->n_attributes; i++)
        if (strcmp(call->attributes[i].name, name) == 0) return &call->attributes[i];
    return NULL;
}

int64_t reference_int(const reference_call *call, const char *name, int64_t standard) {
    const tern_attribute *a = find(call, name);
    return a ? a->i : standard;
}

double reference_float(const reference_call *call, const char *name, double standard) {
    const tern_attribute *a = find(call, name);
    return (float)(a ? a->f : standard); /* attributes are floats in ONNX */
}

const char *reference_string(const reference_call *call, const char *name, const char *standard) {
    const tern_attribute *a = find(call, name);
    return a ? a->s : standard;
}

int64_t reference_item(const reference_call *call, const char *name, int i, int64_t standard) {
    const tern_attribute *a = find(call, name);
    return a && a->count ? a->ints[i] : standard;
}

int reference_items(const reference_call *call, const char *name) {
    const tern_attribute *a = find(call, name);
    return a ? (int)a->count : 0;
}
