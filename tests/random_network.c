/* What random networks must give, and how far float arithmetic may be from it; see
 * random_network.h. Which nodes there are is random_network_grow.c's business. */
#include "random_network.h"

#include "check.h"

static const double ROUNDING = 1.0 / (1 << 24), BITS = 1 << 24;
/* Roundings of a function that kernels approximate; networks in which errors grow further than the
 * second number (of the greatest magnitude) do not get the node: nothing could be seen there. */
static const double OF_CURVES = 16, MOST_ERROR = 1e-3, MOST_MASS = 1e6;

/* ---- measures of a tensor ---- */

static double largest(const reference_tensor *t) {
    double m = 0;
    for (int64_t i = 0; t->data && i < reference_count(t); i++) m = fmax(m, fabs(t->data[i]));
    return m;
}

static double smallest(const reference_tensor *t) {
    double m = INFINITY;
    for (int64_t i = 0; t->data && i < reference_count(t); i++) m = fmin(m, fabs(t->data[i]));
    return m;
}

/* The power of two of which all elements are multiples; infinity where all are 0, 0 where there is
 * none. */
static double unit(const reference_tensor *t) {
    double u = INFINITY;
    for (int64_t i = 0; t->data && i < reference_count(t); i++) {
        int exponent;
        if (!isfinite(t->data[i])) return 0;
        double part = frexp(fabs(t->data[i]), &exponent);
        if (part == 0) continue;
        int64_t whole = (int64_t)ldexp(part, 53);
        u = fmin(u, ldexp((double)(whole & -whole), exponent - 53));
    }
    return u;
}

static bool all_floats(const reference_tensor *t) {
    for (int64_t i = 0; i < reference_count(t); i++)
        if ((double)(float)t->data[i] != t->data[i]) return false;
    return true;
}

static reference_tensor copy_of(const reference_tensor *t, bool absolute, double more) {
    reference_tensor c = *t;
    size_t count = (size_t)reference_count(t);
    c.data = malloc((count + 1) * sizeof *c.data);
    assert_non_null(c.data);
    for (size_t i = 0; i < count; i++)
        c.data[i] = (absolute ? fabs(t->data[i]) : t->data[i]) + more;
    return c;
}

/* ---- bounds ---- */

typedef struct made {
    const char *op;
    reference_call *call; /* has run */
    reference_function *function;
    const item *inputs[8]; /* NULL: absent */
    double error[8];
    int mode;
} made;

static bool is(const made *m, const char *names) {
    const char *at = strstr(names, m->op);
    size_t length = strlen(m->op);
    for (; at; at = strstr(at + 1, m->op))
        if ((at == names || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return true;
    return false;
}

/* Elements of the first output of the function on magnitudes, each with its error on top. */
static reference_tensor magnitudes(const made *m, bool with_errors) {
    reference_call call = *m->call;
    reference_tensor inputs[8] = {0};
    tern_attribute attributes[8];
    memset(call.outputs, 0, sizeof call.outputs);
    for (size_t i = 0; i < call.n_attributes; i++) {
        attributes[i] = call.attributes[i];
        attributes[i].f = fabs(attributes[i].f);
    }
    call.attributes = attributes;
    for (int i = 0; i < call.n_inputs; i++)
        if (call.inputs[i].data)
            inputs[i] = copy_of(&call.inputs[i], true, with_errors ? m->error[i] : 0);
    call.inputs = inputs;
    m->function(&call);
    for (int i = 0; i < call.n_inputs; i++) free(inputs[i].data);
    return call.outputs[0];
}

/* Conv, ConvTranspose, Gemm, MatMul: alpha (x * w) + beta b. Exact where every product and the bias
 * are multiples of a unit of which no sum of magnitudes holds 2^24. */
static void bound_product(const made *m, item *y) {
    const reference_call *c = m->call;
    reference_tensor sums = magnitudes(m, false), wide = magnitudes(m, true);
    double worst = 0, errors = 0;
    for (int64_t i = 0; i < reference_count(&sums); i++)
        worst = fmax(worst, wide.data[i] - sums.data[i]);
    for (int i = 0; i < 3; i++) errors += i < c->n_inputs ? m->error[i] : 0;
    double alpha = fabs(reference_float(c, "alpha", 1)), beta = fabs(reference_float(c, "beta", 1));
    double one = unit(&c->inputs[0]) * unit(&c->inputs[1]);
    one *= unit(&(reference_tensor){.data = &alpha});
    bool biased = c->n_inputs > 2 && c->inputs[2].data && beta != 0;
    if (biased) one = fmin(one, unit(&c->inputs[2]) * unit(&(reference_tensor){.data = &beta}));
    y->terms = (double)reference_count(&c->inputs[1]) + 4;
    y->unit[m->mode] = one;
    y->mass[m->mode] = largest(&sums);
    bool exact = errors == 0 && y->mass[m->mode] < BITS * one;
    y->error[m->mode] = worst + (exact ? 0 : y->terms * ROUNDING * largest(&wide));
    free(sums.data);
    free(wide.data);
}

static double factor_of(const made *m, int64_t channel) {
    const reference_tensor *in = m->call->inputs;
    return fabs(in[1].data[channel]) /
           sqrt(in[4].data[channel] + reference_float(m->call, "epsilon", 1e-5));
}

/* By running statistics, which the plan may have moved into what made x: so the sums count of which
 * x was made. */
static void bound_normalization(const made *m, item *y) {
    const reference_tensor *in = m->call->inputs;
    const item *x = m->inputs[0];
    double error = 0, mass = 0, one = unit(&in[2]);
    bool exact = m->error[0] == 0;
    for (int64_t c = 0; c < in[1].dims[0]; c++) {
        double f = factor_of(m, c);
        int exponent;
        error = fmax(error, f * m->error[0]);
        mass = fmax(mass, f * (x->mass[m->mode] + fabs(in[3].data[c])) + fabs(in[2].data[c]));
        if (f == 0) continue;
        if (frexp(f, &exponent) != 0.5) exact = false;
        one = fmin(one, f * fmin(x->unit[m->mode], unit(&in[3])));
    }
    y->mass[m->mode] = mass;
    y->unit[m->mode] = one;
    y->terms = x->terms + 8;
    y->error[m->mode] = error + (exact && mass < BITS * one ? 0 : y->terms * ROUNDING * mass);
}

/* By the batch's own: x' = (x - mean) / deviation changes by at most (2 + |x'|) d / deviation for a
 * change d of every x, and |x'|^2 is at most the number of elements. Statistics are sums of
 * differences, of up to twice the greatest magnitude. */
static void bound_batch(const made *m, item *y, int output) {
    const reference_tensor *in = m->call->inputs, *x = &in[0];
    int64_t channels = x->dims[1], each = reference_count(x) / channels;
    double scale = largest(&in[1]), n = (double)each, deviation = INFINITY, top = largest(x);
    int64_t inner = each / x->dims[0];
    for (int64_t c = 0; c < channels; c++) {
        double mean = 0, variance = 0;
        for (int64_t i = 0; i < each; i++)
            mean += x->data[(i / inner * channels + c) * inner + i % inner] / n;
        for (int64_t i = 0; i < each; i++)
            variance += pow(x->data[(i / inner * channels + c) * inner + i % inner] - mean, 2) / n;
        deviation = fmin(deviation, sqrt(variance + reference_float(m->call, "epsilon", 1e-5)));
    }
    double change = m->error[0] + (n + 16) * ROUNDING * 2 * top;
    if (output)
        y->error[m->mode] = change * (1 + 4 * top) + 4 * ROUNDING * y->mass[m->mode];
    else
        y->error[m->mode] = 2 * scale * change / deviation * (2 + n) +
                            8 * ROUNDING * (scale * top / deviation + largest(&in[2]));
    if (change > MOST_ERROR * deviation) y->error[m->mode] = INFINITY;
}

/* How many elements an average or sum takes; exact: its share is a power of two. */
static double averaged(const made *m, bool *exact) {
    const reference_call *c = m->call;
    double n = (double)reference_count(&c->inputs[0]) / (double)reference_count(&c->outputs[0]);
    if (is(m, "AveragePool")) {
        n = 1;
        for (int i = 0; i < reference_items(c, "kernel_shape"); i++)
            n *= (double)reference_item(c, "kernel_shape", i, 1);
    }
    int exponent;
    *exact = is(m, "ReduceSum") || (frexp(n, &exponent) == 0.5 && !reference_items(c, "pads") &&
                                    !reference_int(c, "ceil_mode", 0));
    return n;
}

/* Averages and sums. */
static void bound_average(const made *m, item *y) {
    const reference_tensor *x = &m->call->inputs[0], *out = &m->call->outputs[0];
    bool exact;
    double n = averaged(m, &exact), top = largest(x) + m->error[0];
    double many = is(m, "ReduceSum") ? n : 1;
    exact = exact && m->error[0] == 0 && n * top < BITS * unit(x) && all_floats(out);
    y->error[m->mode] = many * (m->error[0] + (exact ? 0 : (n + 4) * ROUNDING * top));
}

/* Functions of one or two elements, and what only moves elements: one rounding, none where the
 * results are floats. */
static void bound_elements(const made *m, item *y) {
    const reference_call *c = m->call;
    const reference_tensor *in = c->inputs, *out = &c->outputs[0];
    double a = m->error[0], b = c->n_inputs > 1 ? m->error[1] : 0, top = largest(out);
    if (is(m, "Add Sub"))
        a += b;
    else if (is(m, "Mul"))
        a = a * (largest(&in[1]) + b) + b * largest(&in[0]);
    else if (is(m, "Div")) {
        double least = smallest(&in[1]) - b;
        a = least > 0 ? (a + top * b) / least : INFINITY;
    } else if (is(m, "Reciprocal")) {
        double least = smallest(&in[0]) - a;
        a = least > 0 ? top * a / least : INFINITY;
    } else if (is(m, "PRelu"))
        a *= fmax(1, largest(&in[1]) + b);
    else if (is(m, "Concat"))
        for (int i = 1; i < c->n_inputs; i++) a = fmax(a, m->error[i]);
    else if (is(m, "LeakyRelu"))
        a *= fmax(1, fabs(reference_float(c, "alpha", 0.01)));
    else if (is(m, "Elu Selu Softsign Sigmoid Tanh Softplus HardSwish Gelu Softmax")) {
        double alpha = is(m, "Elu")    ? fmax(1, fabs(reference_float(c, "alpha", 1)))
                       : is(m, "Selu") ? 2
                                       : 1; /* its steepest: 1.76 */
        a = 2 * a * alpha + OF_CURVES * ROUNDING * alpha * (largest(&in[0]) + top + 1);
    }
    y->error[m->mode] = a + (all_floats(out) && a == 0 ? 0 : 2 * ROUNDING * (top + a));
}

static void bound(const made *m, item *y, int output) {
    const reference_tensor *is_now = &m->call->outputs[output];
    bool batch = m->mode == TRAINING || reference_int(m->call, "training_mode", 0);
    y->is[m->mode] = *is_now;
    y->mass[m->mode] = largest(is_now);
    y->unit[m->mode] = unit(is_now);
    y->terms = fmax(y->terms, 1);
    if (is(m, "Conv ConvTranspose Gemm MatMul"))
        bound_product(m, y);
    else if (is(m, "BatchNormalization") && batch)
        bound_batch(m, y, output);
    else if (is(m, "BatchNormalization") && output == 0)
        bound_normalization(m, y);
    else if (is(m, "AveragePool GlobalAveragePool ReduceMean ReduceSum"))
        bound_average(m, y);
    else if (is(m, "Split"))
        y->error[m->mode] = m->error[0];
    else if (output == 0 && is(m, "Identity Dropout")) { /* may vanish: still what made x */
        y->error[m->mode] = m->error[0];
        y->mass[m->mode] = m->inputs[0]->mass[m->mode];
        y->unit[m->mode] = m->inputs[0]->unit[m->mode];
        y->terms = m->inputs[0]->terms;
    } else if (output == 0)
        bound_elements(m, y);
    /* else the mask, or statistics that are given: exact */
}

/* ---- nodes ---- */

static const struct {
    const char *op;
    reference_function *function;
} functions[] = {
    {"Conv", reference_conv},
    {"ConvTranspose", reference_conv_transpose},
    {"Gemm", reference_gemm},
    {"MatMul", reference_matmul},
    {"BatchNormalization", reference_batch_normalization},
    {"Add", reference_add},
    {"Sub", reference_sub},
    {"Mul", reference_mul},
    {"Div", reference_div},
    {"Relu", reference_relu},
    {"LeakyRelu", reference_leaky_relu},
    {"Elu", reference_elu},
    {"Sigmoid", reference_sigmoid},
    {"Tanh", reference_tanh},
    {"Softplus", reference_softplus},
    {"HardSwish", reference_hard_swish},
    {"Gelu", reference_gelu},
    {"Neg", reference_neg},
    {"Selu", reference_selu},
    {"Softsign", reference_softsign},
    {"Abs", reference_abs},
    {"Reciprocal", reference_reciprocal},
    {"PRelu", reference_prelu},
    {"Softmax", reference_softmax},
    {"Clip", reference_clip},
    {"Identity", reference_identity},
    {"Cast", reference_cast},
    {"Dropout", reference_identity},
    {"MaxPool", reference_max_pool},
    {"AveragePool", reference_average_pool},
    {"GlobalAveragePool", reference_global_average_pool},
    {"GlobalMaxPool", reference_global_max_pool},
    {"ReduceMean", reference_reduce_mean},
    {"ReduceSum", reference_reduce_sum},
    {"ReduceMax", reference_reduce_max},
    {"Concat", reference_concat},
    {"Split", reference_split},
    {"Slice", reference_slice},
    {"Pad", reference_pad},
    {"Transpose", reference_transpose},
    {"Reshape", reference_reshape},
    {"Flatten", reference_flatten},
    {"Unsqueeze", reference_unsqueeze},
};

static reference_function *function_of(const char *op) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i].op, op) == 0) return functions[i].function;
    fail_msg("no reference for %s", op);
    return NULL;
}

/* Dropout's mask: everything stays. */
static void add_mask(reference_call *call) {
    const reference_tensor *x = &call->inputs[0];
    double *mask = reference_output(call, 1, x->rank, x->dims);
    for (int64_t i = 0; i < reference_count(x); i++) mask[i] = 1;
}

static void describe(network *n, const char *op, const int *inputs, int n_inputs,
                     const tern_attribute *attributes, size_t n_attributes) {
    size_t used = strlen(n->text);
#define SAY(...)                                                                                   \
    do {                                                                                           \
        if (used < sizeof n->text - 1)                                                             \
            used += (size_t)snprintf(n->text + used, sizeof n->text - used, __VA_ARGS__);          \
    } while (0)
    SAY("  %%%d = %s(", n->n_items, op);
    for (int i = 0; i < n_inputs; i++) {
        const item *x = inputs[i] < 0 ? NULL : &n->items[inputs[i]];
        SAY("%s%d", i ? ", %" : "%", inputs[i]);
        SAY("%s", x && x->given ? "c[" : "[");
        for (int k = 0; x && k < x->is[0].rank; k++)
            SAY("%s%d", k ? "," : "", (int)x->is[0].dims[k]);
        SAY("]");
    }
    for (size_t i = 0; i < n_attributes; i++) {
        SAY(" %s=%g", attributes[i].name,
            attributes[i].type == TERN_ATTRIBUTE_INT ? (double)attributes[i].i : attributes[i].f);
        for (size_t k = 0; k < attributes[i].count; k++) SAY(",%d", (int)attributes[i].ints[k]);
    }
    SAY(")\n");
#undef SAY
}

bool random_network_apply(network *n, const char *op, const int *inputs, int n_inputs,
                          const tern_attribute *attributes, size_t n_attributes, int n_outputs,
                          int *outputs) {
    item made_items[4] = {0};
    bool good = n->n_items + n_outputs <= MOST_ITEMS;
    reference_tensor tensors[8];
    for (int mode = 0; mode < MODES; mode++) {
        reference_call call = {.attributes = attributes,
                               .n_attributes = n_attributes,
                               .n_inputs = n_inputs,
                               .n_outputs = n_outputs,
                               .inputs = tensors,
                               .training = mode == TRAINING};
        made m = {.op = op, .call = &call, .function = function_of(op), .mode = mode};
        for (int i = 0; i < n_inputs; i++) {
            const item *x = inputs[i] < 0 ? NULL : &n->items[inputs[i]];
            tensors[i] = x ? x->is[mode] : (reference_tensor){0};
            m.inputs[i] = x;
            m.error[i] = x ? x->error[mode] : 0;
        }
        m.function(&call);
        if (strcmp(op, "Dropout") == 0 && n_outputs > 1) add_mask(&call);
        for (int k = 0; k < n_outputs; k++) {
            item *y = &made_items[k];
            bound(&m, y, k);
            int64_t count = reference_count(&y->is[mode]);
            double top = largest(&y->is[mode]);
            good = good && count > 0 && count <= MOST_ELEMENTS && isfinite(top) &&
                   top <= MOST_MASS && y->mass[mode] <= MOST_MASS &&
                   y->error[mode] <= MOST_ERROR * (top + 1);
        }
        for (int k = n_outputs; k < 4; k++) free(call.outputs[k].data);
    }
    if (!good) {
        for (int k = 0; k < n_outputs; k++)
            for (int mode = 0; mode < MODES; mode++) free(made_items[k].is[mode].data);
        return false;
    }
    describe(n, op, inputs, n_inputs, attributes, n_attributes);
    int ids[8], made_ids[4];
    for (int i = 0; i < n_inputs; i++) ids[i] = inputs[i] < 0 ? -1 : n->items[inputs[i]].value;
    tern__graph_node(n->graph, "", op, NULL, ids, n_inputs, attributes, n_attributes, NULL,
                     n_outputs, made_ids);
    if (tern_graph_check(n->graph))
        fail_msg("%s\n%s", n->text, tern_context_message(n->graph->context));
    for (int k = 0; k < n_outputs; k++) {
        made_items[k].value = made_ids[k];
        const tern__shape *s = &n->graph->values[made_ids[k]].shape;
        made_items[k].whole_numbers = s->type == TERN_INT64;
        outputs[k] = n->n_items;
        n->items[n->n_items++] = made_items[k];
    }
    for (int i = 0; i < n_inputs; i++)
        if (inputs[i] >= 0) n->items[inputs[i]].read = true;
    return true;
}

/* ---- what is given ---- */

static double element(network *n) {
    if (n->rough) return (float)(tern__random_uniform(&n->random) * 2 - 1);
    return (double)(tern__random_below(&n->random, 9) - 4) / 2;
}

/* kind: TERN__INPUT or one of the weights'. */
static int add_given(network *n, tern__value_kind kind, int rank, const int64_t *dims) {
    assert_true(n->n_items < MOST_ITEMS);
    item *x = &n->items[n->n_items];
    tern__shape shape = {.type = TERN_FLOAT, .rank = rank};
    if (rank) memcpy(shape.dims, dims, (size_t)rank * sizeof *dims);
    reference_tensor t = {.rank = rank};
    memcpy(t.dims, shape.dims, sizeof t.dims);
    size_t count = (size_t)reference_count(&t);
    t.data = malloc((count + 1) * sizeof *t.data);
    float *data = malloc((count + 1) * sizeof *data);
    assert_true(t.data && data);
    for (size_t i = 0; i < count; i++) data[i] = (float)(t.data[i] = element(n));
    char name[16];
    snprintf(name, sizeof name, "g%d", n->n_items);
    *x = (item){.given = kind != TERN__INPUT, .terms = 1};
    x->value = kind == TERN__INPUT ? tern__graph_input(n->graph, name, &shape)
                                   : tern__graph_initializer(n->graph, name, kind, &shape, data);
    for (int mode = 0; mode < MODES; mode++) {
        x->is[mode] = copy_of(&t, false, 0);
        x->mass[mode] = largest(&t);
        x->unit[mode] = unit(&t);
    }
    free(t.data);
    if (kind == TERN__INPUT) {
        n->given[n->n_inputs] = data;
        n->inputs[n->n_inputs++] = n->n_items;
    } else
        free(data);
    return n->n_items++;
}

int random_network_weight(network *n, int rank, const int64_t *dims) {
    static const tern__value_kind kinds[] = {TERN__PARAMETER, TERN__PARAMETER, TERN__CONSTANT};
    bool input = n->n_inputs < 4 && tern__random_below(&n->random, 20) == 0;
    return add_given(n, input ? TERN__INPUT : kinds[tern__random_below(&n->random, 3)], rank, dims);
}

/* Running statistics: training writes them, so they are no inputs. */
int random_network_statistics(network *n, int64_t channels) {
    return add_given(n, TERN__BUFFER, 1, &channels);
}

int random_network_numbers(network *n, const int64_t *numbers, int count) {
    int64_t dims = count;
    int i = add_given(n, TERN__CONSTANT, 1, &dims);
    item *x = &n->items[i];
    char name[16];
    snprintf(name, sizeof name, "n%d", i);
    tern__shape shape = {.type = TERN_INT64, .rank = 1, .dims = {count}};
    x->value = tern__graph_initializer(n->graph, name, TERN__CONSTANT, &shape, numbers);
    x->whole_numbers = true;
    for (int mode = 0; mode < MODES; mode++)
        for (int k = 0; k < count; k++) x->is[mode].data[k] = (double)numbers[k];
    return i;
}

/* ---- the network ---- */

void random_network_make(network *n, tern_graph *g, uint64_t number) {
    *n = (network){.graph = g, .random = tern__random_make(13, number)};
    n->rough = tern__random_below(&n->random, 3) == 0;
    n->linear = !n->rough && tern__random_below(&n->random, 3) == 0;
    int64_t dims[5] = {1 + tern__random_below(&n->random, 3)};
    int rank = (int[]){2, 2, 2, 3, 3, 4, 4, 5}[tern__random_below(&n->random, 8)];
    for (int i = 1; i < rank; i++) dims[i] = 1 + tern__random_below(&n->random, 5 - (rank == 5));
    add_given(n, TERN__INPUT, rank, dims);
    int64_t nodes = 2 + tern__random_below(&n->random, MOST_NODES - 1);
    while (nodes > 0 && n->n_items < MOST_ITEMS - 16) nodes -= random_network_grow(n);
    for (int i = 0; i < n->n_items; i++) {
        item *x = &n->items[i];
        bool shown = !x->read || tern__random_below(&n->random, 10) == 0;
        if (x->given || !shown) continue;
        char name[16];
        snprintf(name, sizeof name, "y%d", i);
        tern__graph_output(g, name, x->value);
        n->outputs[n->n_outputs++] = i;
    }
}

void random_network_free(network *n) {
    for (int i = 0; i < n->n_items; i++)
        for (int mode = 0; mode < MODES; mode++) free(n->items[i].is[mode].data);
    for (int i = 0; i < n->n_inputs; i++) free(n->given[i]);
}
