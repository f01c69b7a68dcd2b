/* Reference: matrix products, normalisation, softmax, reductions. */
#include "reference.h"

#include <math.h>
#include <string.h>

void reference_gemm(reference_call *call) {
    const reference_tensor *a = &call->inputs[0], *b = &call->inputs[1];
    const reference_tensor *c = call->n_inputs > 2 ? &call->inputs[2] : NULL;
    bool ta = reference_int(call, "transA", 0) != 0, tb = reference_int(call, "transB", 0) != 0;
    double alpha = reference_float(call, "alpha", 1), beta = reference_float(call, "beta", 1);
    int64_t rows = a->dims[ta], inner = a->dims[!ta], columns = b->dims[!tb];
    double *y = reference_output(call, 0, 2, (int64_t[]){rows, columns});
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = 0;
            for (int64_t k = 0; k < inner; k++)
                sum += a->data[ta ? k * rows + i : i * inner + k] *
                       b->data[tb ? j * inner + k : k * columns + j];
            y[i * columns + j] = alpha * sum;
            if (!c || !c->data) continue;
            int64_t n = c->rank ? c->dims[c->rank - 1] : 1, m = c->rank > 1 ? c->dims[0] : 1;
            y[i * columns + j] += beta * c->data[(m == 1 ? 0 : i * n) + (n == 1 ? 0 : j)];
        }
}

/* numpy.matmul */
void reference_matmul(reference_call *call) {
    reference_tensor a = call->inputs[0], b = call->inputs[1];
    bool row = a.rank == 1, column = b.rank == 1;
    if (row) {
        a.dims[1] = a.dims[0];
        a.dims[0] = 1;
        a.rank = 2;
    }
    if (column) {
        b.dims[1] = 1;
        b.rank = 2;
    }
    int rank = a.rank > b.rank ? a.rank : b.rank, shown = 0;
    int64_t dims[TERN_MAX_RANK], show[TERN_MAX_RANK], index[TERN_MAX_RANK] = {0};
    for (int i = 0; i + 2 < rank; i++) {
        int64_t m = i < rank - a.rank ? 1 : a.dims[i - rank + a.rank];
        int64_t n = i < rank - b.rank ? 1 : b.dims[i - rank + b.rank];
        dims[i] = m > n ? m : n;
    }
    dims[rank - 2] = a.dims[a.rank - 2];
    dims[rank - 1] = b.dims[b.rank - 1];
    for (int i = 0; i < rank; i++)
        if (!(row && i == rank - 2) && !(column && i == rank - 1)) show[shown++] = dims[i];
    double *y = reference_output(call, 0, shown, show);
    reference_tensor full = {.rank = rank};
    memcpy(full.dims, dims, sizeof dims);
    do {
        int64_t left[TERN_MAX_RANK], right[TERN_MAX_RANK];
        for (int i = 0; i < a.rank; i++) left[i] = a.dims[i] == 1 ? 0 : index[i + rank - a.rank];
        for (int i = 0; i < b.rank; i++) right[i] = b.dims[i] == 1 ? 0 : index[i + rank - b.rank];
        left[a.rank - 2] = index[rank - 2];
        right[b.rank - 1] = index[rank - 1];
        double sum = 0;
        for (int64_t k = 0; k < a.dims[a.rank - 1]; k++) {
            left[a.rank - 1] = right[b.rank - 2] = k;
            sum += a.data[reference_at(&a, left)] * b.data[reference_at(&b, right)];
        }
        y[reference_at(&full, index)] = sum;
    } while (reference_next(&full, index));
}

/* Outputs 1 and 2, where the row wants them: the running statistics that result. */
void reference_batch_normalization(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    const double *scale = call->inputs[1].data, *bias = call->inputs[2].data;
    double epsilon = reference_float(call, "epsilon", 1e-5);
    double momentum = reference_float(call, "momentum", 0.9);
    int64_t channels = x->dims[1], spatial = reference_count(x) / x->dims[0] / channels;
    bool batch = call->training || reference_int(call, "training_mode", 0);
    double *y = reference_output(call, 0, x->rank, x->dims);
    double *running[2];
    for (int i = 0; i < 2; i++) running[i] = reference_output(call, 1 + i, 1, &channels);
    for (int64_t c = 0; c < channels; c++) {
        double mean = 0, variance = 0, count = (double)(x->dims[0] * spatial);
        for (int64_t n = 0; n < x->dims[0]; n++)
            for (int64_t i = 0; i < spatial; i++)
                mean += x->data[(n * channels + c) * spatial + i] / count;
        for (int64_t n = 0; n < x->dims[0]; n++)
            for (int64_t i = 0; i < spatial; i++)
                variance += pow(x->data[(n * channels + c) * spatial + i] - mean, 2) / count;
        double old_mean = call->inputs[3].data[c], old_variance = call->inputs[4].data[c];
        running[0][c] = batch ? old_mean * momentum + mean * (1 - momentum) : old_mean;
        running[1][c] = batch ? old_variance * momentum + variance * (1 - momentum) : old_variance;
        if (!batch) {
            mean = old_mean;
            variance = old_variance;
        }
        for (int64_t n = 0; n < x->dims[0]; n++)
            for (int64_t i = 0; i < spatial; i++) {
                int64_t at = (n * channels + c) * spatial + i;
                y[at] = (x->data[at] - mean) / sqrt(variance + epsilon) * scale[c] + bias[c];
            }
    }
}

void reference_layer_normalization(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    const double *scale = call->inputs[1].data;
    const double *bias = call->n_inputs > 2 ? call->inputs[2].data : NULL;
    double epsilon = reference_float(call, "epsilon", 1e-5);
    int64_t axis = reference_int(call, "axis", -1), rows = 1, n = 1;
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++) *(i < axis ? &rows : &n) *= x->dims[i];
    double *y = reference_output(call, 0, x->rank, x->dims);
    for (int64_t r = 0; r < rows; r++) {
        const double *p = x->data + r * n;
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < n; i++) mean += p[i] / (double)n;
        for (int64_t i = 0; i < n; i++) variance += (p[i] - mean) * (p[i] - mean) / (double)n;
        for (int64_t i = 0; i < n; i++)
            y[r * n + i] =
                (p[i] - mean) / sqrt(variance + epsilon) * scale[i] + (bias ? bias[i] : 0);
    }
}

void reference_lrn(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    const int64_t size = reference_int(call, "size", 0), channels = x->dims[1];
    const double alpha = reference_float(call, "alpha", 1e-4),
                 beta = reference_float(call, "beta", 0.75),
                 bias = reference_float(call, "bias", 1);
    int64_t places = 1;
    for (int i = 2; i < x->rank; i++) places *= x->dims[i];
    double *y = reference_output(call, 0, x->rank, x->dims);
    for (int64_t n = 0; n < x->dims[0]; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t p = 0; p < places; p++) {
                const double *column = x->data + n * channels * places + p;
                double sum = 0;
                for (int64_t d = -(int64_t)floor((double)(size - 1) / 2);
                     d <= (int64_t)ceil((double)(size - 1) / 2); d++)
                    if (c + d >= 0 && c + d < channels)
                        sum += column[(c + d) * places] * column[(c + d) * places];
                y[(n * channels + c) * places + p] =
                    column[c * places] / pow(bias + alpha / (double)size * sum, beta);
            }
}

static void softmax(reference_call *call, bool logarithm) {
    const reference_tensor *x = &call->inputs[0];
    int64_t axis = reference_int(call, "axis", -1), outer = 1, inner = 1;
    if (axis < 0) axis += x->rank;
    for (int i = 0; i < x->rank; i++) {
        if (i < axis) outer *= x->dims[i];
        if (i > axis) inner *= x->dims[i];
    }
    int64_t n = x->dims[axis];
    double *y = reference_output(call, 0, x->rank, x->dims);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const double *p = x->data + o * n * inner + i;
            double largest = -INFINITY, sum = 0;
            for (int64_t k = 0; k < n; k++) largest = fmax(largest, p[k * inner]);
            for (int64_t k = 0; k < n; k++) sum += exp(p[k * inner] - largest);
            for (int64_t k = 0; k < n; k++) {
                double v = p[k * inner] - largest;
                y[(o * n + k) * inner + i] = logarithm ? v - log(sum) : exp(v) / sum;
            }
        }
}

void reference_softmax(reference_call *call) { softmax(call, false); }
void reference_log_softmax(reference_call *call) { softmax(call, true); }

static void reduce(reference_call *call, char what) {
    const reference_tensor *x = &call->inputs[0];
    bool keep = reference_int(call, "keepdims", 1) != 0, reduced[TERN_MAX_RANK] = {false};
    bool as_input = call->n_inputs > 1 && call->inputs[1].data;
    int count = as_input ? (int)reference_count(&call->inputs[1]) : reference_items(call, "axes");
    for (int i = 0; i < count; i++) {
        int64_t axis =
            as_input ? (int64_t)call->inputs[1].data[i] : reference_item(call, "axes", i, 0);
        reduced[axis < 0 ? axis + x->rank : axis] = true;
    }
    bool all = count == 0 && !reference_int(call, "noop_with_empty_axes", 0);
    for (int i = 0; all && i < x->rank; i++) reduced[i] = true;
    reference_tensor full = {.rank = x->rank};
    int64_t dims[TERN_MAX_RANK], index[TERN_MAX_RANK] = {0}, each = 1;
    int rank = 0;
    for (int i = 0; i < x->rank; i++) {
        full.dims[i] = reduced[i] ? 1 : x->dims[i];
        each *= reduced[i] ? x->dims[i] : 1;
        if (keep || !reduced[i]) dims[rank++] = full.dims[i];
    }
    double *y = reference_output(call, 0, rank, dims);
    for (int64_t i = 0; what == 'x' && i < reference_count(&full); i++) y[i] = -INFINITY;
    do {
        int64_t to[TERN_MAX_RANK];
        for (int i = 0; i < x->rank; i++) to[i] = reduced[i] ? 0 : index[i];
        double v = x->data[reference_at(x, index)], *out = y + reference_at(&full, to);
        *out = what == 'x' ? fmax(*out, v) : *out + (what == 'm' ? v / (double)each : v);
    } while (reference_next(x, index));
}

void reference_reduce_mean(reference_call *call) { reduce(call, 'm'); }
void reference_reduce_sum(reference_call *call) { reduce(call, 's'); }
void reference_reduce_max(reference_call *call) { reduce(call, 'x'); }
