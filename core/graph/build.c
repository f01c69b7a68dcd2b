/* The public builders: thin words over tern__graph_node, which knows the operators. */
#include "graph.h"
#include "initialize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const tern_value nothing = {NULL, -1};

static tern_value handle(tern_graph *g, int id) { return (tern_value){g, id}; }

static const tern__value *look(tern_value v) { return &v.graph->values[v.id]; }

/* True when v can be built on; a value of a failed call fails on quietly. */
static bool usable(tern_value v) { return v.graph && !v.graph->status && v.id >= 0; }

void tern_apply(tern_graph *g, const char *op, const char *name, const tern_value *inputs,
                size_t n_inputs, const tern_attribute *attributes, size_t n_attributes,
                tern_value *outputs, size_t n_outputs) {
    for (size_t i = 0; i < n_outputs; i++) outputs[i] = handle(g, -1);
    if (g->status) return;
    int *ids = tern__calloc(g->context, n_inputs + n_outputs + 1, sizeof *ids);
    if (!ids) {
        tern__graph_fail(g, TERN_ERR_MEMORY, "out of memory for node '%s'", op);
        return;
    }
    const char *domain = "", *dot = strchr(op, '.');
    if (dot && strncmp(op, "tern.", 5) == 0) domain = "tern", op = dot + 1;
    for (size_t i = 0; i < n_inputs; i++) {
        ids[i] = inputs[i].graph ? inputs[i].id : -1;
        if (inputs[i].graph && inputs[i].graph != g)
            tern__graph_fail(g, TERN_ERR_ARGUMENT, "%s: input %zu belongs to another graph", op, i);
    }
    int *made = ids + n_inputs;
    if (tern__graph_node(g, domain, op, name, ids, (int)n_inputs, attributes, n_attributes, NULL,
                         (int)n_outputs, made) >= 0)
        for (size_t i = 0; i < n_outputs; i++) outputs[i].id = made[i];
    tern__free(g->context, ids);
}

static tern_value apply(const char *op, const char *name, const tern_value *inputs, size_t n_inputs,
                        const tern_attribute *attributes, size_t n_attributes) {
    tern_value y;
    tern_apply(inputs[0].graph, op, name, inputs, n_inputs, attributes, n_attributes, &y, 1);
    return y;
}

static tern_value unary(const char *op, tern_value x) { return apply(op, NULL, &x, 1, NULL, 0); }

/* ---- inputs, weights, outputs ---- */

static tern__shape make_shape(tern_type type, int rank, const int64_t *dims) {
    tern__shape s = {.type = type, .rank = rank};
    for (int i = 0; i < rank && i < TERN_MAX_RANK; i++) s.dims[i] = dims[i];
    return s;
}

tern_value tern_input(tern_graph *g, const char *name, int rank, const int64_t *dims) {
    return tern_input_typed(g, name, TERN_FLOAT, rank, dims);
}

tern_value tern_input_typed(tern_graph *g, const char *name, tern_type type, int rank,
                            const int64_t *dims) {
    tern__shape s = make_shape(type, rank, dims);
    return handle(g, tern__graph_input(g, name, &s));
}

void tern_output(tern_graph *g, const char *name, tern_value value) {
    if (!usable(value)) return;
    if (value.graph != g)
        tern__graph_fail(g, TERN_ERR_ARGUMENT, "output '%s' belongs to another graph", name);
    else
        tern__graph_output(g, name, value.id);
}

tern_value tern_parameter(tern_graph *g, const char *name, int rank, const int64_t *dims,
                          tern_initializer initializer) {
    tern__shape s = make_shape(TERN_FLOAT, rank, dims);
    int v = tern__graph_initializer(g, name, TERN__PARAMETER, &s, NULL);
    if (v >= 0 && tern__initialize(g->context, g->values[v].data, &s, name, g->seed, initializer))
        v = tern__graph_fail(g, g->context->status, "%s", g->context->message);
    return handle(g, v);
}

tern_value tern_parameter_data(tern_graph *g, const char *name, int rank, const int64_t *dims,
                               const float *data) {
    tern__shape s = make_shape(TERN_FLOAT, rank, dims);
    return handle(g, tern__graph_initializer(g, name, TERN__PARAMETER, &s, data));
}

tern_value tern_constant(tern_graph *g, const char *name, tern_type type, int rank,
                         const int64_t *dims, const void *data) {
    tern__shape s = make_shape(type, rank, dims);
    return handle(g, tern__graph_initializer(g, name, TERN__CONSTANT, &s, data));
}

void tern_set_trainable(tern_value weight, bool trainable) {
    if (!usable(weight)) return;
    tern__value *v = &weight.graph->values[weight.id];
    if (!v->data || v->shape.type != TERN_FLOAT)
        tern__graph_fail(weight.graph, TERN_ERR_ARGUMENT, "'%s' is not a weight", v->name);
    else if (v->kind != TERN__BUFFER)
        v->kind = trainable ? TERN__PARAMETER : TERN__CONSTANT;
}

void tern_set_padding_row(tern_value table) {
    if (!usable(table)) return;
    tern__value *v = &table.graph->values[table.id];
    if (!v->data || v->shape.type != TERN_FLOAT || v->shape.rank < 2) {
        tern__graph_fail(table.graph, TERN_ERR_ARGUMENT, "'%s' is not a table", v->name);
        return;
    }
    v->padding_row = true;
    memset(v->data, 0, (size_t)(tern__shape_count(&v->shape) / v->shape.dims[0]) * sizeof(float));
}

tern_value tern_find(tern_graph *g, const char *name) {
    int v = tern__graph_find(g, name);
    if (v < 0) tern__graph_fail(g, TERN_ERR_ARGUMENT, "there is no value named '%s'", name);
    return handle(g, v);
}

int tern_value_shape(tern_value value, int64_t *dims) {
    if (!usable(value)) return -1;
    const tern__shape *s = &look(value)->shape;
    memcpy(dims, s->dims, sizeof s->dims);
    return s->rank;
}

void *tern_value_data(tern_value value) { return usable(value) ? look(value)->data : NULL; }

/* A constant with a name made from "base". */
static tern_value constant(tern_graph *g, const char *base, tern_type type, int rank,
                           const int64_t *dims, const void *data) {
    char name[256];
    tern__graph_unique(g, base, name, sizeof name);
    return tern_constant(g, name, type, rank, dims, data);
}

static tern_value int_list(tern_graph *g, const char *base, const int64_t *items, size_t count) {
    int64_t dims[1] = {(int64_t)count};
    return constant(g, base, TERN_INT64, 1, dims, items);
}

static tern_value scalar(tern_graph *g, const char *base, float x) {
    return constant(g, base, TERN_FLOAT, 0, NULL, &x);
}

/* "name.suffix", where name is the node's: the given one or one made from the operator's. */
static void weight_name(char *out, size_t size, const char *node, const char *suffix) {
    snprintf(out, size, "%.200s.%s", node, suffix);
}

static void node_name(const tern_graph *g, const char *given, const char *base, char *out,
                      size_t size) {
    if (given && *given)
        snprintf(out, size, "%s", given);
    else
        tern__graph_unique(g, base, out, size);
}

/* The size of x along an axis, or -1 with an error stuck. */
static int64_t known_dim(tern_value x, int axis, const char *who) {
    const tern__value *v = look(x);
    if (axis >= v->shape.rank || v->shape.dims[axis] < 1) {
        char text[128];
        tern__graph_fail(x.graph, TERN_ERR_SHAPE,
                         "%s: dimension %d of '%s' %s must be known to make weights", who, axis,
                         v->name, tern__shape_text(&v->shape, text, sizeof text));
        return -1;
    }
    return v->shape.dims[axis];
}

/* ---- convolution and pooling ---- */

/* Attributes shared by windows: kernel_shape, strides, dilations, pads or auto_pad. 0 means "not
 * given". */
static size_t window_attributes(tern_attribute *a, int spatial, const int64_t *kernel,
                                const int64_t *strides, const int64_t *dilations,
                                const int64_t *pads, const char *auto_pad, int64_t *scratch) {
    size_t n = 0, count = (size_t)spatial;
    a[n++] = TERN_INTS("kernel_shape", kernel, count);
    for (size_t i = 0; i < count; i++) {
        scratch[i] = strides[i] ? strides[i] : 1;
        scratch[3 + i] = dilations[i] ? dilations[i] : 1;
    }
    a[n++] = TERN_INTS("strides", scratch, count);
    a[n++] = TERN_INTS("dilations", scratch + 3, count);
    if (auto_pad)
        a[n++] = TERN_STRING("auto_pad", auto_pad);
    else
        a[n++] = TERN_INTS("pads", pads, 2 * count);
    return n;
}

static int spatial_rank(tern_value x, const char *who) {
    int spatial = look(x)->shape.rank - 2;
    if (spatial >= 1 && spatial <= 3) return spatial;
    tern__graph_fail(
        x.graph, TERN_ERR_SHAPE,
        "%s: '%s' has rank %d; [N, C, spatial...] with 1 to 3 spatial axes is expected", who,
        look(x)->name, spatial + 2);
    return -1;
}

tern_value tern_conv(tern_value x, int64_t channels, tern_conv_options o) {
    if (!usable(x)) return x;
    int spatial = spatial_rank(x, "Conv");
    int64_t in = spatial < 0 ? -1 : known_dim(x, 1, "Conv"), group = o.group ? o.group : 1;
    if (in < 0) return handle(x.graph, -1);
    if (group < 1 || channels < 1 || in % group || channels % group) {
        tern__graph_fail(x.graph, TERN_ERR_SHAPE,
                         "Conv: group %lld does not divide %lld input and %lld output channels",
                         (long long)group, (long long)in, (long long)channels);
        return handle(x.graph, -1);
    }
    char node[256], name[256];
    node_name(x.graph, o.name, "conv", node, sizeof node);
    o.name = node;
    int64_t dims[5] = {channels, in / group};
    memcpy(dims + 2, o.kernel_shape, (size_t)spatial * sizeof *dims);
    weight_name(name, sizeof name, node, "weight");
    tern_value weight = tern_parameter(x.graph, name, spatial + 2, dims, o.initializer);
    tern_value bias = nothing;
    if (!o.no_bias) {
        weight_name(name, sizeof name, node, "bias");
        bias = tern_parameter(x.graph, name, 1, dims, (tern_initializer){0});
    }
    return tern_conv_with(x, weight, bias, o);
}

tern_value tern_conv_with(tern_value x, tern_value weight, tern_value bias, tern_conv_options o) {
    if (!usable(x) || !usable(weight)) return handle(x.graph, -1);
    int spatial = spatial_rank(x, "Conv");
    if (spatial < 0) return handle(x.graph, -1);
    tern_attribute a[6];
    int64_t scratch[6];
    size_t n = window_attributes(a, spatial, o.kernel_shape, o.strides, o.dilations, o.pads,
                                 o.auto_pad, scratch);
    a[n++] = TERN_INT("group", o.group ? o.group : 1);
    tern_value inputs[3] = {x, weight, bias};
    return apply("Conv", o.name, inputs, bias.graph ? 3 : 2, a, n);
}

static tern_value pool(const char *op, tern_value x, tern_pool_options o) {
    if (!usable(x)) return x;
    int spatial = spatial_rank(x, op);
    if (spatial < 0) return handle(x.graph, -1);
    for (int i = 0; i < spatial; i++)
        if (!o.strides[i]) o.strides[i] = o.kernel_shape[i];
    tern_attribute a[7];
    int64_t scratch[6];
    size_t n = window_attributes(a, spatial, o.kernel_shape, o.strides, o.dilations, o.pads,
                                 o.auto_pad, scratch);
    bool average = strcmp(op, "AveragePool") == 0;
    if (average) { /* has no dilations before opset 19 */
        a[2] = a[n - 1];
        n--;
        a[n++] = TERN_INT("count_include_pad", o.count_include_pad);
    }
    a[n++] = TERN_INT("ceil_mode", o.ceil_mode);
    return apply(op, NULL, &x, 1, a, n);
}

static tern_pool_options square(int64_t kernel, int64_t stride) {
    return (tern_pool_options){.kernel_shape = {kernel, kernel, kernel},
                               .strides = {stride, stride, stride}};
}

tern_value tern_max_pool(tern_value x, int64_t kernel, int64_t stride) {
    return pool("MaxPool", x, square(kernel, stride));
}
tern_value tern_max_pool_with(tern_value x, tern_pool_options o) { return pool("MaxPool", x, o); }
tern_value tern_average_pool(tern_value x, int64_t kernel, int64_t stride) {
    return pool("AveragePool", x, square(kernel, stride));
}
tern_value tern_average_pool_with(tern_value x, tern_pool_options o) {
    return pool("AveragePool", x, o);
}
tern_value tern_min_pool(tern_value x, int64_t kernel, int64_t stride) {
    if (!usable(x)) return x;
    return unary("Neg", tern_max_pool(unary("Neg", x), kernel, stride));
}
tern_value tern_sum_pool(tern_value x, int64_t kernel, int64_t stride) {
    if (!usable(x)) return x;
    int spatial = spatial_rank(x, "sum pooling");
    if (spatial < 0) return handle(x.graph, -1);
    tern_value size = scalar(x.graph, "sum_pool.size", (float)pow((double)kernel, spatial));
    return tern_mul(tern_average_pool(x, kernel, stride), size);
}
tern_value tern_global_average_pool(tern_value x) {
    return usable(x) ? unary("GlobalAveragePool", x) : x;
}
tern_value tern_global_max_pool(tern_value x) { return usable(x) ? unary("GlobalMaxPool", x) : x; }

tern_value tern_pad(tern_value x, const int64_t *pads, const char *mode) {
    if (!usable(x)) return x;
    tern_value inputs[2] = {x,
                            int_list(x.graph, "pad.pads", pads, 2 * (size_t)look(x)->shape.rank)};
    tern_attribute a = TERN_STRING("mode", mode);
    return apply("Pad", NULL, inputs, 2, &a, 1);
}

/* ---- normalisation ---- */

static tern_value filled(tern_graph *g, const char *node, const char *suffix, tern__value_kind kind,
                         const tern__shape *s, float value) {
    char name[256];
    weight_name(name, sizeof name, node, suffix);
    int v = tern__graph_initializer(g, name, kind, s, NULL);
    if (v >= 0)
        for (int64_t i = 0; i < tern__shape_count(s); i++) ((float *)g->values[v].data)[i] = value;
    return handle(g, v);
}

tern_value tern_batch_normalization(tern_value x) {
    if (!usable(x)) return x;
    int64_t channels = known_dim(x, 1, "BatchNormalization");
    if (channels < 0) return handle(x.graph, -1);
    tern__shape s = make_shape(TERN_FLOAT, 1, &channels);
    char node[256];
    node_name(x.graph, NULL, "batchnormalization", node, sizeof node);
    tern_value inputs[5] = {x, filled(x.graph, node, "scale", TERN__PARAMETER, &s, 1),
                            filled(x.graph, node, "bias", TERN__PARAMETER, &s, 0),
                            filled(x.graph, node, "mean", TERN__BUFFER, &s, 0),
                            filled(x.graph, node, "variance", TERN__BUFFER, &s, 1)};
    return apply("BatchNormalization", node, inputs, 5, NULL, 0);
}

tern_value tern_layer_normalization(tern_value x, int axis) {
    if (!usable(x)) return x;
    const tern__shape *shape = &look(x)->shape;
    int first = axis < 0 ? axis + shape->rank : axis;
    if (first < 0 || first >= shape->rank) {
        tern__graph_fail(x.graph, TERN_ERR_ARGUMENT, "LayerNormalization: axis %d of rank %d", axis,
                         shape->rank);
        return handle(x.graph, -1);
    }
    for (int i = first; i < shape->rank; i++)
        if (known_dim(x, i, "LayerNormalization") < 0) return handle(x.graph, -1);
    tern__shape s = make_shape(TERN_FLOAT, shape->rank - first, shape->dims + first);
    char node[256];
    node_name(x.graph, NULL, "layernormalization", node, sizeof node);
    tern_value inputs[3] = {x, filled(x.graph, node, "scale", TERN__PARAMETER, &s, 1),
                            filled(x.graph, node, "bias", TERN__PARAMETER, &s, 0)};
    tern_attribute a = TERN_INT("axis", axis);
    return apply("LayerNormalization", node, inputs, 3, &a, 1);
}

tern_value tern_lrn(tern_value x, int64_t size, float alpha, float beta, float bias) {
    if (!usable(x)) return x;
    const tern_attribute a[] = {TERN_INT("size", size), TERN_REAL("alpha", alpha),
                                TERN_REAL("beta", beta), TERN_REAL("bias", bias)};
    return apply("LRN", NULL, &x, 1, a, 4);
}

/* ---- elementwise ---- */

static tern_value unary_with(const char *op, tern_value x, tern_attribute a) {
    return usable(x) ? apply(op, NULL, &x, 1, &a, 1) : x;
}

tern_value tern_relu(tern_value x) { return usable(x) ? unary("Relu", x) : x; }
tern_value tern_sigmoid(tern_value x) { return usable(x) ? unary("Sigmoid", x) : x; }
tern_value tern_tanh(tern_value x) { return usable(x) ? unary("Tanh", x) : x; }
tern_value tern_softplus(tern_value x) { return usable(x) ? unary("Softplus", x) : x; }
tern_value tern_hard_swish(tern_value x) { return usable(x) ? unary("HardSwish", x) : x; }
tern_value tern_leaky_relu(tern_value x, float alpha) {
    return unary_with("LeakyRelu", x, TERN_REAL("alpha", alpha));
}
tern_value tern_elu(tern_value x, float alpha) {
    return unary_with("Elu", x, TERN_REAL("alpha", alpha));
}
tern_value tern_softmax(tern_value x, int axis) {
    return unary_with("Softmax", x, TERN_INT("axis", axis));
}
tern_value tern_log_softmax(tern_value x, int axis) {
    return unary_with("LogSoftmax", x, TERN_INT("axis", axis));
}

tern_value tern_gelu(tern_value x) {
    /* Composed, as ONNX has Gelu only from opset 20 on: x * (1 + erf(x / sqrt 2)) * 0.5. */
    if (!usable(x)) return x;
    tern_value half = scalar(x.graph, "gelu.half", 0.5f), one = scalar(x.graph, "gelu.one", 1);
    tern_value e = tern_div(x, scalar(x.graph, "gelu.sqrt2", (float)sqrt(2)));
    if (!usable(e)) return e;
    return tern_mul(tern_mul(x, tern_add(unary("Erf", e), one)), half);
}

tern_value tern_dropout(tern_value x, float ratio) {
    if (!usable(x)) return x;
    tern_value inputs[2] = {x, scalar(x.graph, "dropout.ratio", ratio)};
    return apply("Dropout", NULL, inputs, 2, NULL, 0);
}

static tern_value binary(const char *op, tern_value a, tern_value b) {
    if (!usable(a) || !usable(b)) return usable(a) ? b : a;
    tern_value inputs[2] = {a, b};
    return apply(op, NULL, inputs, 2, NULL, 0);
}

tern_value tern_add(tern_value a, tern_value b) { return binary("Add", a, b); }
tern_value tern_sub(tern_value a, tern_value b) { return binary("Sub", a, b); }
tern_value tern_mul(tern_value a, tern_value b) { return binary("Mul", a, b); }
tern_value tern_div(tern_value a, tern_value b) { return binary("Div", a, b); }
tern_value tern_matmul(tern_value a, tern_value b) { return binary("MatMul", a, b); }

/* ---- dense, embedding ---- */

tern_value tern_dense(tern_value x, int64_t units) {
    return tern_dense_with(x, units, (tern_dense_options){0});
}

tern_value tern_dense_with(tern_value x, int64_t units, tern_dense_options o) {
    if (!usable(x)) return x;
    if (look(x)->shape.rank != 2) x = tern_flatten(x);
    int64_t in = usable(x) ? known_dim(x, 1, "Gemm") : -1;
    if (in < 0) return handle(x.graph, -1);
    char node[256], name[256];
    node_name(x.graph, o.name, "dense", node, sizeof node);
    weight_name(name, sizeof name, node, "weight");
    tern_value inputs[3] = {
        x, tern_parameter(x.graph, name, 2, (int64_t[]){units, in}, o.initializer), nothing};
    if (!o.no_bias) {
        weight_name(name, sizeof name, node, "bias");
        inputs[2] = tern_parameter(x.graph, name, 1, &units, (tern_initializer){0});
    }
    tern_attribute a = TERN_INT("transB", 1);
    return apply("Gemm", node, inputs, o.no_bias ? 2 : 3, &a, 1);
}

tern_value tern_embedding(tern_value ids, int64_t rows, int64_t size) {
    if (!usable(ids)) return ids;
    char node[256], name[256];
    node_name(ids.graph, NULL, "embedding", node, sizeof node);
    weight_name(name, sizeof name, node, "weight");
    tern_value table = tern_parameter(ids.graph, name, 2, (int64_t[]){rows, size},
                                      (tern_initializer){.kind = TERN_INIT_NORMAL, .b = 1});
    return tern_gather(table, ids, 0);
}

tern_value tern_gather(tern_value table, tern_value ids, int axis) {
    if (!usable(table) || !usable(ids)) return usable(table) ? ids : table;
    tern_value inputs[2] = {table, ids};
    tern_attribute a = TERN_INT("axis", axis);
    return apply("Gather", NULL, inputs, 2, &a, 1);
}

/* ---- shapes ---- */

tern_value tern_concat(const tern_value *parts, size_t count, int axis) {
    for (size_t i = 0; i < count; i++)
        if (!usable(parts[i])) return parts[i];
    tern_attribute a = TERN_INT("axis", axis);
    return count ? apply("Concat", NULL, parts, count, &a, 1) : nothing;
}

void tern_split(tern_value x, int axis, const int64_t *sizes, size_t count, tern_value *parts) {
    for (size_t i = 0; i < count; i++) parts[i] = handle(x.graph, -1);
    if (!usable(x)) return;
    tern_value inputs[2] = {x, int_list(x.graph, "split.sizes", sizes, count)};
    tern_attribute a = TERN_INT("axis", axis);
    tern_apply(x.graph, "Split", NULL, inputs, 2, &a, 1, parts, count);
}

tern_value tern_slice(tern_value x, int axis, int64_t begin, int64_t end) {
    if (!usable(x)) return x;
    int64_t a = axis;
    tern_value inputs[4] = {x, int_list(x.graph, "slice.starts", &begin, 1),
                            int_list(x.graph, "slice.ends", &end, 1),
                            int_list(x.graph, "slice.axes", &a, 1)};
    return apply("Slice", NULL, inputs, 4, NULL, 0);
}

static tern_value with_list(const char *op, const char *base, tern_value x, const int64_t *items,
                            size_t count) {
    if (!usable(x)) return x;
    tern_value inputs[2] = {x, int_list(x.graph, base, items, count)};
    return apply(op, NULL, inputs, 2, NULL, 0);
}

tern_value tern_reshape(tern_value x, int rank, const int64_t *dims) {
    return with_list("Reshape", "reshape.shape", x, dims, (size_t)rank);
}
tern_value tern_squeeze(tern_value x, const int64_t *axes, size_t count) {
    return with_list("Squeeze", "squeeze.axes", x, axes, count);
}
tern_value tern_unsqueeze(tern_value x, const int64_t *axes, size_t count) {
    return with_list("Unsqueeze", "unsqueeze.axes", x, axes, count);
}
tern_value tern_flatten(tern_value x) { return unary_with("Flatten", x, TERN_INT("axis", 1)); }

tern_value tern_transpose(tern_value x, const int64_t *permutation) {
    if (!usable(x)) return x;
    return unary_with("Transpose", x, TERN_INTS("perm", permutation, (size_t)look(x)->shape.rank));
}

static tern_value reduce(const char *op, tern_value x, const int64_t *axes, size_t count,
                         bool keep) {
    if (!usable(x)) return x;
    /* At opset 17 the axes of ReduceSum are an input, those of the others an attribute. */
    tern_attribute a[2] = {TERN_INT("keepdims", keep), TERN_INTS("axes", axes, count)};
    if (strcmp(op, "ReduceSum") != 0) return apply(op, NULL, &x, 1, a, 2);
    tern_value inputs[2] = {x, int_list(x.graph, "reduce.axes", axes, count)};
    return apply(op, NULL, inputs, 2, a, 1);
}

tern_value tern_reduce_mean(tern_value x, const int64_t *axes, size_t count, bool keep) {
    return reduce("ReduceMean", x, axes, count, keep);
}
tern_value tern_reduce_max(tern_value x, const int64_t *axes, size_t count, bool keep) {
    return reduce("ReduceMax", x, axes, count, keep);
}
tern_value tern_reduce_sum(tern_value x, const int64_t *axes, size_t count, bool keep) {
    return reduce("ReduceSum", x, axes, count, keep);
}
