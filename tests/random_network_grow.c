/* Which nodes random networks have: every operator that the plan rewrites, with all its attributes,
 * and those that stand between; see random_network.h. */
#include "random_network.h"

#include "check.h"

enum { MOST_WORK = 6000 }; /* products of a convolution, so that the reference is quick */

static int64_t below(network *n, int64_t bound) { return tern__random_below(&n->random, bound); }
static bool maybe(network *n, int64_t in) { return below(n, in) == 0; }

static const reference_tensor *shape_of(const network *n, int i) { return &n->items[i].is[0]; }

/* A value to go on with, rather a late one; of rank least to most, -1 if there is none. */
static int pick(network *n, int least, int most) {
    int list[MOST_ITEMS], count = 0;
    for (int i = 0; i < n->n_items; i++) {
        const item *x = &n->items[i];
        if (!x->given && !x->whole_numbers && x->is[0].rank >= least && x->is[0].rank <= most)
            list[count++] = i;
    }
    if (!count) return -1;
    return maybe(n, 3) ? list[below(n, count)] : list[count - 1];
}

static bool apply(network *n, const char *op, const int *inputs, int n_inputs,
                  const tern_attribute *attributes, size_t n_attributes, int n_outputs) {
    int outputs[4];
    return random_network_apply(n, op, inputs, n_inputs, attributes, n_attributes, n_outputs,
                                outputs);
}

/* ---- products ---- */

typedef struct window {
    int64_t kernel[3], strides[3], dilations[3], pads[6];
    tern_attribute attributes[6];
    size_t count;
} window;

/* A window that fits; transposed: pads must leave something of what comes out. */
static bool make_window(network *n, const reference_tensor *x, bool transposed, window *w) {
    int spatial = x->rank - 2;
    *w = (window){.count = 0};
    for (int i = 0; i < spatial; i++) {
        w->kernel[i] = 1 + below(n, 3);
        w->strides[i] = maybe(n, 3) ? 2 : 1;
        w->dilations[i] = maybe(n, 4) ? 2 : 1;
        int64_t extent = (w->kernel[i] - 1) * w->dilations[i] + 1;
        w->pads[i] = below(n, extent < 3 ? extent : 3);
        w->pads[spatial + i] = below(n, extent < 3 ? extent : 3);
        int64_t pads = w->pads[i] + w->pads[spatial + i], in = x->dims[2 + i];
        if (transposed ? w->strides[i] * (in - 1) + extent - pads < 1 : in + pads < extent)
            return false;
    }
    size_t s = (size_t)spatial;
    if (!maybe(n, 3)) w->attributes[w->count++] = TERN_INTS("strides", w->strides, s);
    if (maybe(n, 2)) w->attributes[w->count++] = TERN_INTS("dilations", w->dilations, s);
    w->attributes[w->count++] = TERN_INTS("pads", w->pads, 2 * s);
    /* What is not given is 1: more room, but for what comes out of a ConvTranspose. */
    return !transposed || w->count == 3;
}

static bool grow_conv(network *n, bool transposed) {
    int in[3] = {pick(n, 3, 5)}, count = 2;
    window w;
    if (in[0] < 0 || !make_window(n, shape_of(n, in[0]), transposed, &w)) return false;
    const reference_tensor *x = shape_of(n, in[0]);
    int64_t channels = x->dims[1], group = channels, each = 1 + below(n, 4);
    if (!maybe(n, 4)) group = channels % 2 == 0 && maybe(n, 2) ? 2 : 1;
    int64_t dims[5] = {group * each, channels / group, w.kernel[0], w.kernel[1], w.kernel[2]};
    int64_t taps = w.kernel[0] * (x->rank > 3 ? w.kernel[1] : 1) * (x->rank > 4 ? w.kernel[2] : 1);
    if (reference_count(x) * each * taps > MOST_WORK) return false;
    if (transposed) {
        dims[0] = channels;
        dims[1] = each;
    }
    if (group != 1) w.attributes[w.count++] = TERN_INT("group", group);
    in[1] = random_network_weight(n, x->rank, dims);
    if (!maybe(n, 3)) in[count++] = random_network_weight(n, 1, (int64_t[]){group * each});
    return apply(n, transposed ? "ConvTranspose" : "Conv", in, count, w.attributes, w.count, 1);
}

/* Dims that broadcast to `to`: some 1, leading ones left out. */
static int broadcastable(network *n, const reference_tensor *to, int64_t *dims) {
    int drop = maybe(n, 2) ? (int)below(n, to->rank + 1) : 0;
    bool ones = !maybe(n, 3);
    for (int i = drop; i < to->rank; i++) dims[i - drop] = ones && maybe(n, 2) ? 1 : to->dims[i];
    return to->rank - drop;
}

static bool grow_gemm(network *n) {
    int in[3] = {pick(n, 2, 2)}, count = 2;
    if (in[0] < 0) return false;
    bool ta = maybe(n, 4), tb = !maybe(n, 3);
    const int64_t *x = shape_of(n, in[0])->dims;
    int64_t rows = x[ta], depth = x[!ta], columns = maybe(n, 2) ? rows : 1 + below(n, 5);
    in[1] = random_network_weight(n, 2, (int64_t[]){tb ? columns : depth, tb ? depth : columns});
    if (!maybe(n, 4)) {
        int64_t dims[TERN_MAX_RANK];
        int rank = broadcastable(n, &(reference_tensor){.rank = 2, .dims = {rows, columns}}, dims);
        in[count++] = random_network_weight(n, rank, dims);
    }
    static const double factors[] = {2, 0.5, -1, 0.75};
    tern_attribute a[4];
    size_t used = 0;
    if (ta) a[used++] = TERN_INT("transA", 1);
    if (tb) a[used++] = TERN_INT("transB", 1);
    if (maybe(n, 4)) a[used++] = TERN_REAL("alpha", factors[below(n, 4)]);
    if (maybe(n, 4)) a[used++] = TERN_REAL("beta", factors[below(n, 4)]);
    return apply(n, "Gemm", in, count, a, used, 1);
}

static bool grow_matmul(network *n) {
    int in[2] = {pick(n, 2, 4)};
    if (in[0] < 0) return false;
    const reference_tensor *x = shape_of(n, in[0]);
    int64_t dims[TERN_MAX_RANK] = {0};
    int rank = maybe(n, 2) ? 2 : x->rank;
    for (int i = 0; i + 2 < rank; i++) dims[i] = maybe(n, 2) ? 1 : x->dims[i];
    dims[rank - 2] = x->dims[x->rank - 1];
    dims[rank - 1] = 1 + below(n, 5);
    in[1] = random_network_weight(n, rank, dims);
    return apply(n, "MatMul", in, 2, NULL, 0, 1);
}

/* ---- normalisation ---- */

/* Variances with which scale / sqrt(variance + 1/4) is dyadic, in a network that is. */
static int variances(network *n, int64_t channels) {
    static const double squares[] = {0, 0.75, 3.75, 15.75};
    int i = random_network_statistics(n, channels);
    item *x = &n->items[i];
    float *data = n->graph->values[x->value].data;
    for (int64_t c = 0; c < channels; c++) {
        double v = n->rough ? fabs(x->is[0].data[c]) + 0.5 : squares[below(n, 4)];
        x->is[0].data[c] = x->is[1].data[c] = data[c] = (float)v;
    }
    return i;
}

static bool grow_normalization(network *n) {
    static const double scales[] = {1, 2, 0.5, -1, 4, -0.25, 1, 1};
    int in[5] = {pick(n, 2, 5)};
    if (in[0] < 0 || n->linear) return false;
    int64_t channels = shape_of(n, in[0])->dims[1];
    for (int i = 1; i < 3; i++) in[i] = random_network_weight(n, 1, &channels);
    in[3] = random_network_statistics(n, channels);
    in[4] = variances(n, channels);
    item *scale = &n->items[in[1]];
    float *data = n->graph->values[scale->value].data;
    for (int64_t c = 0; data && !n->rough && c < channels; c++)
        scale->is[0].data[c] = scale->is[1].data[c] = data[c] = (float)scales[below(n, 8)];
    tern_attribute a[] = {TERN_REAL("epsilon", 0.25), TERN_INT("training_mode", maybe(n, 5)),
                          TERN_REAL("momentum", 0.75)};
    bool done = apply(n, "BatchNormalization", in, 5, a, maybe(n, 2) ? 3 : 2, maybe(n, 4) ? 3 : 1);
    n->by_batch |= done;
    return done;
}

/* ---- elements ---- */

static bool grow_activation(network *n) {
    static const char *const ops[] = {"Relu",       "Relu",    "LeakyRelu", "LeakyRelu", "Sigmoid",
                                      "Tanh",       "Elu",     "Softplus",  "HardSwish", "Gelu",
                                      "Neg",        "Softmax", "Selu",      "Softsign",  "Abs",
                                      "Reciprocal", "PRelu",   "PRelu"};
    static const double slopes[] = {0.25, 0.5, 2, 0, 1, 0.125, 0.01};
    const char *op = ops[below(n, maybe(n, 2) ? 4 : 18)];
    int in = pick(n, 2, 5);
    if (in < 0) return false;
    if (strcmp(op, "PRelu") == 0) { /* a slope for each channel */
        const reference_tensor *x = shape_of(n, in);
        const int64_t dims[] = {x->dims[1], 1, 1, 1};
        const int rank = x->rank - 1, slope = random_network_weight(n, rank, dims);
        return apply(n, op, (int[]){in, slope}, 2, NULL, 0, 1);
    }
    tern_attribute a = TERN_REAL("alpha", slopes[below(n, 7)]);
    bool alpha = strcmp(op, "LeakyRelu") == 0 || strcmp(op, "Elu") == 0;
    return apply(n, op, &in, 1, &a, alpha && !maybe(n, 4), 1);
}

/* Another value that can be broadcast with this one, itself among them; -1: none. */
static int partner(network *n, int x) {
    int start = (int)below(n, n->n_items);
    for (int k = 0; k < n->n_items; k++) {
        int i = (start + k) % n->n_items;
        const reference_tensor *a = shape_of(n, x), *b = shape_of(n, i);
        bool fits = !n->items[i].given && !n->items[i].whole_numbers;
        for (int d = 1; d <= a->rank && d <= b->rank; d++) {
            int64_t p = a->dims[a->rank - d], q = b->dims[b->rank - d];
            fits = fits && (p == q || p == 1 || q == 1);
        }
        if (fits) return i;
    }
    return -1;
}

static bool grow_binary(network *n) {
    static const char *const ops[] = {"Add", "Add", "Add", "Sub", "Mul", "Div"};
    int in[2] = {pick(n, 1, 5), -1};
    if (in[0] < 0) return false;
    if (maybe(n, 2)) in[1] = partner(n, in[0]);
    if (in[1] < 0) {
        int64_t dims[TERN_MAX_RANK];
        reference_tensor wide = *shape_of(n, in[0]);
        for (int i = 0; i < wide.rank; i++) /* the constant may be the longer one */
            if (wide.dims[i] == 1 && maybe(n, 2)) wide.dims[i] = 1 + below(n, 4);
        if (wide.rank < 5 && maybe(n, 6)) {
            memmove(wide.dims + 1, wide.dims, 5 * sizeof *wide.dims);
            wide.dims[0] = 1 + below(n, 2);
            wide.rank++;
        }
        int rank = broadcastable(n, &wide, dims);
        in[1] = random_network_weight(n, rank, dims);
    }
    if (maybe(n, 3)) {
        int kept = in[0];
        in[0] = in[1];
        in[1] = kept;
    }
    return apply(n, ops[below(n, 6)], in, 2, NULL, 0, 1);
}

/* Nothing at inference; the mask may be read. */
static bool grow_nothing(network *n) {
    int in[2] = {pick(n, 1, 5)}, out[2];
    if (in[0] < 0) return false;
    if (maybe(n, 2)) return apply(n, "Identity", in, 1, NULL, 0, 1);
    bool masked = maybe(n, 2);
    float *data;
    in[1] = random_network_weight(n, 0, NULL);
    if (!(data = n->graph->values[n->items[in[1]].value].data)) return false;
    *data = maybe(n, 4) ? 0.5f : 0;
    n->items[in[1]].is[0].data[0] = n->items[in[1]].is[1].data[0] = *data;
    n->graph->values[n->items[in[1]].value].kind = TERN__CONSTANT;
    if (!random_network_apply(n, "Dropout", in, 2, NULL, 0, 1 + masked, out)) return false;
    n->is_random |= *data != 0;
    tern_attribute to = TERN_INT("to", TERN_FLOAT);
    return !masked || maybe(n, 2) || apply(n, "Cast", &out[1], 1, &to, 1, 1);
}

/* ---- pooling and reductions ---- */

static bool grow_pool(network *n) {
    static const char *const whole[] = {"GlobalMaxPool", "GlobalAveragePool"};
    int in = pick(n, 3, 5);
    window w;
    if (in < 0) return false;
    if (maybe(n, 2)) return apply(n, whole[below(n, 2)], &in, 1, NULL, 0, 1);
    if (!make_window(n, shape_of(n, in), false, &w)) return false;
    size_t spatial = (size_t)shape_of(n, in)->rank - 2, count = 0;
    for (size_t i = 0; i < spatial; i++) /* a window of padding alone is nothing */
        if (w.kernel[i] > shape_of(n, in)->dims[2 + i] || w.pads[i] || w.pads[spatial + i])
            return false;
    tern_attribute a[3] = {TERN_INTS("kernel_shape", w.kernel, spatial)};
    count++;
    if (maybe(n, 2)) a[count++] = TERN_INTS("strides", w.strides, spatial);
    return apply(n, maybe(n, 2) ? "MaxPool" : "AveragePool", &in, 1, a, count, 1);
}

static bool grow_reduction(network *n) {
    static const char *const ops[] = {"ReduceMax", "ReduceMax", "ReduceMean", "ReduceSum"};
    int in = pick(n, 2, 5);
    if (in < 0) return false;
    int rank = shape_of(n, in)->rank, count = 0;
    int64_t axes[TERN_MAX_RANK];
    if (!maybe(n, 3))
        axes[count++] = maybe(n, 2) ? -1 : rank - 1;
    else
        for (int i = 0; i < rank - 1; i++)
            if (maybe(n, 2)) axes[count++] = i;
    tern_attribute a[2] = {TERN_INT("keepdims", maybe(n, 2))};
    if (count) a[1] = TERN_INTS("axes", axes, (size_t)count);
    const char *op = ops[below(n, 4)];
    if (strcmp(op, "ReduceSum") != 0) return apply(n, op, &in, 1, a, count ? 2 : 1, 1);
    if (!count) return false;
    int inputs[2] = {in, random_network_numbers(n, axes, count)};
    return apply(n, op, inputs, 2, a, 1, 1);
}

/* ---- what moves elements ---- */

static bool grow_concat(network *n) {
    int in[3] = {pick(n, 2, 5)}, count = 1;
    if (in[0] < 0) return false;
    const reference_tensor *x = shape_of(n, in[0]);
    int axis = (int)below(n, x->rank);
    for (int i = 0; i < n->n_items && count < 3; i++) {
        const reference_tensor *y = shape_of(n, i);
        bool fits = y->rank == x->rank && !n->items[i].whole_numbers && !maybe(n, 3);
        for (int k = 0; fits && k < x->rank; k++) fits = k == axis || y->dims[k] == x->dims[k];
        if (fits) in[count++] = i;
    }
    tern_attribute a = TERN_INT("axis", maybe(n, 2) ? axis : axis - x->rank);
    return apply(n, "Concat", in, count, &a, 1, 1);
}

static bool grow_transpose(network *n) {
    int in = pick(n, 2, 5);
    if (in < 0) return false;
    int64_t perm[5], rank = shape_of(n, in)->rank;
    for (int64_t i = 0; i < rank; i++) perm[i] = i;
    int64_t kind = below(n, 3);
    if (kind == 0) tern__random_shuffle(&n->random, perm, rank);
    for (int64_t i = 1; kind == 1 && i < rank; i++) perm[i] = i == rank - 1 ? 1 : i + 1;
    for (int64_t i = 1; kind == 2 && i < rank; i++) perm[i] = i == 1 ? rank - 1 : i - 1;
    tern_attribute a = TERN_INTS("perm", perm, (size_t)rank);
    return apply(n, "Transpose", &in, 1, &a, 1, 1);
}

static bool grow_reshape(network *n) {
    int in[2] = {pick(n, 2, 5)};
    if (in[0] < 0) return false;
    const reference_tensor *x = shape_of(n, in[0]);
    if (maybe(n, 4)) return apply(n, "Flatten", in, 1, NULL, 0, 1);
    if (maybe(n, 3) && x->rank < 5) {
        in[1] = random_network_numbers(n, (int64_t[]){below(n, x->rank + 1)}, 1);
        return apply(n, "Unsqueeze", in, 2, NULL, 0, 1);
    }
    int64_t dims[5], left = reference_count(x);
    int rank = 2 + (int)below(n, 3);
    for (int i = 0; i < rank - 1; i++) {
        dims[i] = 1 + below(n, 4);
        if (left % dims[i]) dims[i] = 1;
        left /= dims[i];
    }
    dims[rank - 1] = left;
    in[1] = random_network_numbers(n, dims, rank);
    return apply(n, "Reshape", in, 2, NULL, 0, 1);
}

static bool grow_pad(network *n) {
    int in[2] = {pick(n, 2, 5)};
    if (in[0] < 0) return false;
    int rank = shape_of(n, in[0])->rank;
    int64_t pads[10] = {0};
    for (int i = 0; i < 2 * rank; i++) pads[i] = maybe(n, 3);
    in[1] = random_network_numbers(n, pads, 2 * rank);
    tern_attribute edge = TERN_STRING("mode", "edge");
    return apply(n, "Pad", in, 2, &edge, maybe(n, 3), 1);
}

static bool grow_parts(network *n) {
    int in[4] = {pick(n, 2, 5)};
    if (in[0] < 0) return false;
    const reference_tensor *x = shape_of(n, in[0]);
    int64_t axis = below(n, x->rank), size = x->dims[axis];
    tern_attribute a = TERN_INT("axis", axis);
    if (size % 2 == 0 && maybe(n, 2)) return apply(n, "Split", in, 1, &a, 1, 2);
    int64_t begin = below(n, size);
    in[1] = random_network_numbers(n, &begin, 1);
    in[2] = random_network_numbers(n, &size, 1);
    in[3] = random_network_numbers(n, &axis, 1);
    return apply(n, "Slice", in, 4, NULL, 0, 1);
}

/* What layers may be folded with often follows them at once. */
static bool grow_layer(network *n) {
    int64_t kind = below(n, 12);
    bool done = kind < 6    ? grow_conv(n, false)
                : kind < 8  ? grow_conv(n, true)
                : kind < 11 ? grow_gemm(n)
                            : grow_matmul(n);
    if (done && maybe(n, 2)) grow_normalization(n);
    return done;
}

bool random_network_grow(network *n) {
    int64_t kind = below(n, 32);
    if (kind < 12) return grow_layer(n);
    if (kind < 17) return grow_normalization(n);
    if (kind < 22) return grow_activation(n);
    if (kind < 24) return grow_binary(n);
    if (kind < 25) return grow_nothing(n);
    if (kind < 26) return grow_pool(n);
    if (kind < 28) return grow_reduction(n);
    if (kind < 29) return grow_concat(n);
    if (kind < 30) return grow_transpose(n);
    if (kind < 31) return grow_reshape(n);
    return maybe(n, 2) ? grow_pad(n) : grow_parts(n);
}
