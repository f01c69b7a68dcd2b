/* Models from ONNX files: initializers, inputs, nodes in an order in which each finds its inputs,
 * outputs. Differences between operator sets are onnx_adapt.c's, tensors onnx_tensor.c's. Must not
 * know what operators compute. */
#include "core/base/file.h"
#include "core/graph/model.h"
#include "core/graph/model_files.h"
#include "onnx.h"
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* protobuf's own limit to a message. */
#define FILE_LIMIT ((size_t)1 << 31)
enum { FIRST_OPSET = 6, LAST_OPSET = 22, METADATA_LIMIT = 10000 };

typedef tern__onnx_reader reader;

static const char *text(const char *s) { return s ? s : ""; }

/* "ai.onnx" is another name of the default domain. */
static const char *domain_of(const char *domain) {
    return strcmp(text(domain), "ai.onnx") == 0 ? "" : text(domain);
}

static bool is_constant(const Tern__Onnx__Node *node) {
    return strcmp(text(node->op_type), "Constant") == 0 && !*domain_of(node->domain);
}

/* How sentences name a node: by its name, or by what it makes. */
static const char *label(const Tern__Onnx__Node *node) {
    return *text(node->name) ? node->name : node->n_output ? node->output[0] : "";
}

/* ---- the file as a whole ---- */

static tern_status check_header(reader *r, const Tern__Onnx__Model *m) {
    tern_context *c = r->context;
    if (!m->graph) return tern__fail(c, TERN_ERR_FORMAT, "holds no graph; is it an ONNX model?");
    if (m->n_functions)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "brings functions of its own ('%.100s'), which tern does "
                          "not read; inline them",
                          text(m->functions[0]->name));
    if (m->graph->n_sparse_initializer)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "has sparse initializers, which tern does not read");
    bool named = false;
    r->opset = LAST_OPSET; /* for a graph of other domains only */
    for (size_t i = 0; i < m->n_opset_import; i++)
        if (!*domain_of(m->opset_import[i]->domain)) {
            named = true;
            r->opset = m->opset_import[i]->version;
        }
    for (size_t i = 0; i < m->graph->n_node && !named; i++)
        if (!*domain_of(m->graph->node[i]->domain))
            return tern__fail(c, TERN_ERR_FORMAT,
                              "does not say which operator set it needs; is it cut off?");
    if (r->opset < FIRST_OPSET || r->opset > LAST_OPSET)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "needs operator set %" PRId64 " of ONNX; tern reads %d to %d", r->opset,
                          FIRST_OPSET, LAST_OPSET);
    r->ours = strcmp(text(m->producer_name), TERN__ONNX_PRODUCER) == 0;
    r->proto = m->graph;
    return TERN_OK;
}

/* One sentence for all operators that tern has not. */
static tern_status check_operators(reader *r) {
    tern_context *c = r->context;
    char list[700] = "";
    size_t used = 0, count = 0;
    tern__names seen = {0};
    tern_status status = TERN_OK;
    for (size_t i = 0; i < r->proto->n_node && status == TERN_OK; i++) {
        const Tern__Onnx__Node *node = r->proto->node[i];
        const char *op = text(node->op_type), *domain = domain_of(node->domain);
        if (!*op)
            status = tern__fail(c, TERN_ERR_FORMAT, "node %zu ('%.200s') names no operator", i,
                                label(node));
        bool known = is_constant(node) || tern__onnx_makes_shapes(node) ||
                     tern__op_find(domain, tern__onnx_modern(op));
        if (!*op || known) continue;
        count++;
        if (tern__names_find(&seen, op) >= 0 || used >= sizeof list) continue;
        status = tern__names_set(&seen, c, op, 0);
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s%s%s", used ? ", " : "",
                                 domain, *domain ? "." : "", op);
    }
    tern__names_clear(&seen, c);
    if (status != TERN_OK || count == 0) return status;
    if (used >= sizeof list) strcpy(list + sizeof list - 4, "...");
    return tern__fail(c, TERN_ERR_UNSUPPORTED,
                      "uses operators that tern has not (%zu of %zu nodes): %s", count,
                      r->proto->n_node, list);
}

/* Files every node under the names it makes, and BatchNormalization's statistics by name. */
static tern_status index_nodes(reader *r) {
    for (size_t i = 0; i < r->proto->n_node; i++) {
        const Tern__Onnx__Node *node = r->proto->node[i];
        for (size_t k = 0; k < node->n_output; k++) {
            const char *name = node->output[k];
            if (!*name) continue;
            if (tern__names_find(&r->producers, name) >= 0)
                return tern__fail(r->context, TERN_ERR_FORMAT,
                                  "two nodes make a value named '%.200s'", name);
            if (tern__names_set(&r->producers, r->context, name, (int)i) != TERN_OK)
                return TERN_ERR_MEMORY;
        }
        if (strcmp(text(node->op_type), "BatchNormalization") != 0) continue;
        for (size_t k = 3; k < node->n_input && k < 5; k++)
            if (tern__names_set(&r->statistics, r->context, node->input[k], 0) != TERN_OK)
                return TERN_ERR_MEMORY;
    }
    return TERN_OK;
}

/* ---- what is not computed ---- */

static tern_status define(reader *r, const char *name, int value) {
    if (value < 0) return tern_graph_check(r->graph);
    return tern__names_set(&r->values, r->context, name, value);
}

static tern_status check_new(reader *r, const char *name, const char *what) {
    if (!*name) return tern__fail(r->context, TERN_ERR_FORMAT, "%s has no name", what);
    if (tern__names_find(&r->values, name) >= 0 || tern__names_find(&r->producers, name) >= 0)
        return tern__fail(r->context, TERN_ERR_FORMAT, "there are two values named '%.200s'", name);
    return TERN_OK;
}

static tern_status add_initializer(reader *r, const Tern__Onnx__Tensor *t) {
    char what[256];
    tern__shape shape;
    void *data;
    tern_status status = check_new(r, text(t->name), "an initializer");
    if (status != TERN_OK) return status;
    snprintf(what, sizeof what, "initializer '%.200s'", t->name);
    status = tern__onnx_tensor(&shape, &data, r->context, what, t);
    if (status != TERN_OK) return status;
    /* A scalar of a foreign file is a factor or a bound that somebody wrote, not a weight. */
    bool fixed = shape.type != TERN_FLOAT ||
                 strcmp(text(t->doc_string), TERN__ONNX_CONSTANT) == 0 ||
                 (shape.rank == 0 && !r->ours);
    tern__value_kind kind = fixed                                            ? TERN__CONSTANT
                            : tern__names_find(&r->statistics, t->name) >= 0 ? TERN__BUFFER
                                                                             : TERN__PARAMETER;
    status = define(r, t->name, tern__graph_initializer(r->graph, t->name, kind, &shape, data));
    tern__free(r->context, data);
    return status;
}

static tern_status add_input(reader *r, const Tern__Onnx__ValueInfo *info) {
    tern_context *c = r->context;
    const char *name = text(info->name);
    tern_status status = check_new(r, name, "an input");
    if (status != TERN_OK) return status;
    const Tern__Onnx__TensorType *type = info->type ? info->type->tensor_type : NULL;
    if (!type || !type->shape)
        return tern__fail(c, TERN_ERR_UNSUPPORTED, "input '%.200s' is not a tensor of known rank",
                          name);
    if (type->elem_type != TERN__ONNX_FLOAT && type->elem_type != TERN__ONNX_INT64 &&
        type->elem_type != TERN__ONNX_INT32)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "input '%.200s' has elements of ONNX type %d; tern takes "
                          "float, int64 and int32",
                          name, type->elem_type);
    if (type->shape->n_dim > TERN_MAX_RANK)
        return tern__fail(c, TERN_ERR_LIMIT, "input '%.200s' has %zu dimensions; the most is %d",
                          name, type->shape->n_dim, TERN_MAX_RANK);
    tern__shape shape = {.type = type->elem_type == TERN__ONNX_FLOAT ? TERN_FLOAT : TERN_INT64,
                         .rank = (int)type->shape->n_dim};
    for (int i = 0; i < shape.rank; i++) {
        const Tern__Onnx__Dimension *dim = type->shape->dim[i];
        shape.dims[i] = dim->has_dim_value && dim->dim_value >= 0 ? dim->dim_value : -1;
    }
    return define(r, name, tern__graph_input(r->graph, name, &shape));
}

static tern_status add_sources(reader *r) {
    tern_status status = TERN_OK;
    for (size_t i = 0; i < r->proto->n_initializer && status == TERN_OK; i++)
        status = add_initializer(r, r->proto->initializer[i]);
    size_t initialized = r->graph->n_values;
    for (size_t i = 0; i < r->proto->n_input && status == TERN_OK; i++) {
        /* Before IR version 4 initializers were listed as inputs, too. */
        int value = tern__names_find(&r->values, text(r->proto->input[i]->name));
        if (value < 0 || (size_t)value >= initialized) status = add_input(r, r->proto->input[i]);
    }
    return status;
}

/* ---- nodes ---- */

/* A Constant node is a value like an initializer. */
static tern_status add_constant(reader *r, const Tern__Onnx__Node *node) {
    tern_context *c = r->context;
    if (node->n_output != 1 || node->n_attribute != 1 || node->n_input != 0)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "Constant '%.200s' has not one attribute and one output", label(node));
    const Tern__Onnx__Attribute *a = node->attribute[0];
    const char *name = node->output[0], *kind = text(a->name);
    tern__shape shape = {.type = TERN_FLOAT};
    void *owned = NULL;
    const void *data = NULL;
    tern_status status = TERN_OK;
    if (strcmp(kind, "value") == 0 && a->t) {
        char what[256];
        snprintf(what, sizeof what, "Constant '%.200s'", label(node));
        status = tern__onnx_tensor(&shape, &owned, c, what, a->t);
        data = owned;
    } else if (strcmp(kind, "value_float") == 0) {
        data = &a->f;
    } else if (strcmp(kind, "value_floats") == 0) {
        shape.rank = 1;
        shape.dims[0] = (int64_t)a->n_floats;
        data = a->floats;
    } else if (strcmp(kind, "value_int") == 0) {
        shape.type = TERN_INT64;
        data = &a->i;
    } else if (strcmp(kind, "value_ints") == 0) {
        shape = (tern__shape){.type = TERN_INT64, .rank = 1, .dims = {(int64_t)a->n_ints}};
        data = a->ints;
    } else {
        status = tern__fail(c, TERN_ERR_UNSUPPORTED,
                            "Constant '%.200s' holds '%.100s', which tern does not read",
                            label(node), kind);
    }
    if (status == TERN_OK)
        status =
            define(r, name, tern__graph_initializer(r->graph, name, TERN__CONSTANT, &shape, data));
    tern__free(c, owned);
    return status;
}

/* *string: what has to be freed after the call. */
static tern_status read_attribute(reader *r, tern_attribute *to, char **string,
                                  const Tern__Onnx__Node *node, const Tern__Onnx__Attribute *a) {
    static const char *const kinds[] = {"nothing", "float", "int",     "string",  "tensor", "graph",
                                        "floats",  "ints",  "strings", "tensors", "graphs"};
    tern_context *c = r->context;
    int type = a->type;
    if (type == 0) /* files of IR version 1 do not say */
        type = a->has_f    ? TERN__ONNX_ATTRIBUTE_FLOAT
               : a->has_i  ? TERN__ONNX_ATTRIBUTE_INT
               : a->has_s  ? TERN__ONNX_ATTRIBUTE_STRING
               : a->n_ints ? TERN__ONNX_ATTRIBUTE_INTS
                           : 0;
    const char *name = text(a->name);
    switch (type) {
    case TERN__ONNX_ATTRIBUTE_FLOAT:
        *to = TERN_REAL(name, a->f);
        return TERN_OK;
    case TERN__ONNX_ATTRIBUTE_INT:
        *to = TERN_INT(name, a->i);
        return TERN_OK;
    case TERN__ONNX_ATTRIBUTE_INTS:
        *to = TERN_INTS(name, a->ints, a->n_ints);
        return TERN_OK;
    case TERN__ONNX_ATTRIBUTE_STRING:
        if (a->s.len && memchr(a->s.data, 0, a->s.len)) break;
        *string = tern__strndup(c, a->s.len ? (const char *)a->s.data : "", a->s.len);
        *to = TERN_STRING(name, *string);
        return *string ? TERN_OK : TERN_ERR_MEMORY;
    default:
        break;
    }
    return tern__fail(c, TERN_ERR_UNSUPPORTED,
                      "%s '%.200s': attribute '%.100s' holds %s, which tern does not take",
                      node->op_type, label(node), name,
                      type >= 0 && (size_t)type < sizeof kinds / sizeof *kinds ? kinds[type]
                                                                               : "what it may not");
}

/* LSTM's and GRU's activations: only those that are meant where none are given. */
static tern_status check_activations(reader *r, const Tern__Onnx__Node *node,
                                     const Tern__Onnx__Attribute *a) {
    static const char *const standard[] = {"Sigmoid", "Tanh", "Tanh"};
    size_t period = strcmp(node->op_type, "LSTM") == 0 ? 3 : 2;
    for (size_t i = 0; i < a->n_strings; i++) {
        const char *wanted = standard[i % period];
        if (a->strings[i].len == strlen(wanted) &&
            memcmp(a->strings[i].data, wanted, a->strings[i].len) == 0)
            continue;
        return tern__fail(r->context, TERN_ERR_UNSUPPORTED,
                          "%s '%.200s': activation %zu is '%.*s'; tern has the default one only, "
                          "%s",
                          node->op_type, label(node), i,
                          (int)(a->strings[i].len < 30 ? a->strings[i].len : 30),
                          (const char *)a->strings[i].data, wanted);
    }
    return TERN_OK;
}

static bool is_activations(const Tern__Onnx__Node *node, const Tern__Onnx__Attribute *a) {
    bool recurrent = strcmp(node->op_type, "LSTM") == 0 || strcmp(node->op_type, "GRU") == 0;
    return recurrent && strcmp(text(a->name), "activations") == 0;
}

static tern_status read_attributes(reader *r, tern__onnx_call *call,
                                   char *strings[TERN__ONNX_MAX_ATTRIBUTES],
                                   const Tern__Onnx__Node *node) {
    tern_context *c = r->context;
    if (node->n_attribute > TERN__ONNX_MAX_ATTRIBUTES)
        return tern__fail(c, TERN_ERR_LIMIT, "%s '%.200s' has %zu attributes; the most is %d",
                          call->op, label(node), node->n_attribute, TERN__ONNX_MAX_ATTRIBUTES);
    for (size_t i = 0; i < node->n_attribute; i++) {
        for (size_t k = 0; k < i; k++)
            if (strcmp(text(node->attribute[k]->name), text(node->attribute[i]->name)) == 0)
                return tern__fail(c, TERN_ERR_FORMAT,
                                  "%s '%.200s': attribute '%.100s' is there twice", call->op,
                                  label(node), text(node->attribute[i]->name));
        const Tern__Onnx__Attribute *a = node->attribute[i];
        size_t at = call->n_attributes;
        tern_status status =
            is_activations(node, a)
                ? check_activations(r, node, a)
                : read_attribute(r, &call->attributes[call->n_attributes++], &strings[at], node, a);
        if (status != TERN_OK) return status;
    }
    return TERN_OK;
}

/* A name for the node: its own, or of what it makes where it has none or shares it. */
static tern_status pick_name(reader *r, tern__onnx_call *call, const Tern__Onnx__Node *node) {
    call->name = text(node->name);
    if (!*call->name || tern__names_find(&r->nodes, call->name) >= 0)
        for (size_t i = 0; i < node->n_output; i++)
            if (*node->output[i]) {
                call->name = node->output[i];
                break;
            }
    return *call->name ? tern__names_set(&r->nodes, r->context, call->name, 0) : TERN_OK;
}

static tern_status emit(reader *r, tern__onnx_call *call, const Tern__Onnx__Node *node) {
    tern_context *c = r->context;
    tern_status status = tern__onnx_adapt(r, call);
    if (status != TERN_OK) return status;
    if (!*call->op) /* the output is the input */
        return call->n_outputs ? tern__names_set(&r->values, c, node->output[0], call->inputs[0])
                               : TERN_OK;
    bool folded;
    status = tern__onnx_fold(r, call, &folded);
    if (status != TERN_OK || folded) return status;
    const tern__op *op = tern__op_find(call->domain, call->op);
    if (op->max_outputs >= 0 && call->n_outputs > op->max_outputs)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "%s '%.200s': %d outputs are wanted; tern makes the first %d", call->op,
                          call->name, call->n_outputs, op->max_outputs);
    int *outputs = tern__calloc(c, (size_t)call->n_outputs, sizeof *outputs);
    if (!outputs) return TERN_ERR_MEMORY;
    if (tern__graph_node(r->graph, call->domain, call->op, call->name, call->inputs, call->n_inputs,
                         call->attributes, call->n_attributes, call->outputs, call->n_outputs,
                         outputs) < 0)
        status = tern_graph_check(r->graph);
    for (int i = 0; i < call->n_outputs && status == TERN_OK; i++)
        if (*call->outputs[i] && outputs[i] >= 0)
            status = tern__names_set(&r->values, c, node->output[i], outputs[i]);
    tern__free(c, outputs);
    return status;
}

static tern_status add_node(reader *r, const Tern__Onnx__Node *node) {
    if (is_constant(node)) return add_constant(r, node);
    if (tern__onnx_makes_shapes(node)) return tern__onnx_make_shape(r, node);
    tern_context *c = r->context;
    size_t n_inputs = node->n_input, n_outputs = node->n_output;
    while (n_inputs && !*node->input[n_inputs - 1]) n_inputs--;
    while (n_outputs && !*node->output[n_outputs - 1]) n_outputs--;
    tern__onnx_call call = {.op = text(node->op_type),
                            .domain = domain_of(node->domain),
                            .n_inputs = (int)n_inputs,
                            .n_outputs = (int)n_outputs};
    char *strings[TERN__ONNX_MAX_ATTRIBUTES] = {0};
    call.inputs = tern__calloc(c, n_inputs + TERN__ONNX_EXTRA_INPUTS, sizeof *call.inputs);
    call.outputs = tern__calloc(c, n_outputs, sizeof *call.outputs);
    tern_status status = call.inputs && call.outputs ? pick_name(r, &call, node) : TERN_ERR_MEMORY;
    if (status == TERN_OK) {
        for (size_t i = 0; i < n_inputs + TERN__ONNX_EXTRA_INPUTS; i++)
            call.inputs[i] =
                i < n_inputs && *node->input[i] ? tern__names_find(&r->values, node->input[i]) : -1;
        for (size_t i = 0; i < n_outputs; i++) call.outputs[i] = node->output[i];
        status = read_attributes(r, &call, strings, node);
    }
    if (status == TERN_OK) status = emit(r, &call, node);
    for (size_t i = 0; i < TERN__ONNX_MAX_ATTRIBUTES; i++) tern__free(c, strings[i]);
    tern__free(c, (void *)call.outputs);
    tern__free(c, call.inputs);
    return status;
}

/* ---- order ---- */

/* Depth first along what is missing, so that nodes in order stay in the file's order. path holds
 * the nodes that wait; state[i]: 0 not met, 1 waiting, 2 added. */
typedef struct frame {
    size_t node, input;
} frame;

/* The next input of the frame's node that must be added before it; -1: none. */
static tern_status find_missing(reader *r, frame *at, int *missing) {
    const Tern__Onnx__Node *node = r->proto->node[at->node];
    *missing = -1;
    for (; at->input < node->n_input; at->input++) {
        const char *name = node->input[at->input];
        if (!*name || tern__names_find(&r->values, name) >= 0) continue;
        *missing = tern__names_find(&r->producers, name);
        if (*missing < 0)
            return tern__fail(r->context, TERN_ERR_FORMAT,
                              "%s '%.200s' uses '%.200s', which nothing makes", text(node->op_type),
                              label(node), name);
        break;
    }
    return TERN_OK;
}

static tern_status add_from(reader *r, size_t start, char *state, frame *path) {
    size_t depth = 0;
    path[depth++] = (frame){start, 0};
    state[start] = 1;
    while (depth > 0) {
        frame *top = &path[depth - 1];
        const Tern__Onnx__Node *node = r->proto->node[top->node];
        int missing;
        tern_status status = find_missing(r, top, &missing);
        if (status == TERN_OK && missing >= 0 && state[missing] == 0) {
            state[missing] = 1;
            path[depth++] = (frame){(size_t)missing, 0};
            continue;
        }
        if (status == TERN_OK && missing >= 0)
            status = tern__fail(r->context, TERN_ERR_FORMAT, "%s '%.200s' needs '%.200s', which %s",
                                text(node->op_type), label(node), node->input[top->input],
                                state[missing] == 1 ? "depends on it: the graph has a cycle"
                                                    : "its node does not make at inference");
        if (status == TERN_OK) status = add_node(r, node);
        if (status != TERN_OK) return status;
        state[top->node] = 2;
        depth--;
    }
    return TERN_OK;
}

static tern_status add_nodes(reader *r) {
    tern_context *c = r->context;
    size_t count = r->proto->n_node;
    char *state = tern__calloc(c, count, 1);
    frame *path = tern__calloc(c, count, sizeof *path);
    tern_status status = state && path ? TERN_OK : TERN_ERR_MEMORY;
    for (size_t i = 0; i < count && status == TERN_OK; i++)
        if (state[i] == 0) status = add_from(r, i, state, path);
    tern__free(c, path);
    tern__free(c, state);
    return status;
}

static tern_status add_outputs(reader *r) {
    tern_context *c = r->context;
    if (r->proto->n_output == 0) return tern__fail(c, TERN_ERR_FORMAT, "the graph has no outputs");
    for (size_t i = 0; i < r->proto->n_output; i++) {
        const char *name = text(r->proto->output[i]->name);
        int value = tern__names_find(&r->values, name);
        if (value < 0)
            return tern__fail(c, TERN_ERR_FORMAT, "nothing makes the output '%.200s'", name);
        if (r->graph->values[value].kind != TERN__COMPUTED)
            return tern__fail(c, TERN_ERR_UNSUPPORTED,
                              "the output '%.200s' is an input or a constant itself", name);
        tern__graph_output(r->graph, name, value);
    }
    return tern_graph_check(r->graph);
}

/* ---- the whole ---- */

static tern_status build(reader *r, const Tern__Onnx__Model *m) {
    tern_status status = check_header(r, m);
    if (status == TERN_OK) status = check_operators(r);
    if (status == TERN_OK) status = index_nodes(r);
    if (status == TERN_OK) status = tern_graph_create(&r->graph, r->context);
    if (status == TERN_OK) status = add_sources(r);
    if (status == TERN_OK) status = add_nodes(r);
    if (status == TERN_OK) status = add_outputs(r);
    return status;
}

static tern_status read_model(tern_model **model, tern_context *c, const Tern__Onnx__Model *m) {
    reader r = {.context = c};
    tern_status status = build(&r, m);
    if (status == TERN_OK) {
        status = tern__model_take(model, r.graph);
        r.graph = NULL;
    }
    tern__names_clear(&r.values, c);
    tern__names_clear(&r.producers, c);
    tern__names_clear(&r.statistics, c);
    tern__names_clear(&r.nodes, c);
    tern_graph_free(r.graph);
    if (status == TERN_OK && m->n_metadata_props > METADATA_LIMIT)
        status = tern__fail(c, TERN_ERR_LIMIT, "has %zu metadata entries; the most is %d",
                            m->n_metadata_props, METADATA_LIMIT);
    for (size_t i = 0; i < m->n_metadata_props && status == TERN_OK; i++)
        status = tern_model_set_metadata(*model, text(m->metadata_props[i]->key),
                                         text(m->metadata_props[i]->value));
    if (status != TERN_OK) {
        tern_model_free(*model);
        *model = NULL;
    }
    return status;
}

/* Which other kind of file this is by its first bytes; NULL: none that is known. */
static const char *other_kind(const char *bytes, size_t size) {
    static const struct {
        const char *start, *kind;
        size_t length;
    } kinds[] = {
        {"\x89PNG", "a PNG picture", 4},
        {"\xff\xd8\xff", "a JPEG picture", 3},
        {"GIF8", "a GIF picture", 4},
        {"II*\0", "a TIFF picture", 4},
        {"MM\0*", "a TIFF picture", 4},
        {"fLaC", "a FLAC sound", 4},
        {"OggS", "an Ogg sound", 4},
        {"ID3", "an MP3 sound", 3},
        {"FORM", "an AIFF sound", 4},
        {"PK\3\4", "a ZIP archive (PyTorch's .pt and .pth are such)", 4},
        {"\x1f\x8b", "a gzip archive", 2},
        {"%PDF", "a PDF document", 4},
        {"\x89HDF", "an HDF5 file (Keras)", 4},
        {"\x93NUMPY", "a NumPy array", 6},
        {"\x7f"
         "ELF",
         "a program", 4},
    };
    if (size >= 12 && !memcmp(bytes, "RIFF", 4))
        return memcmp(bytes + 8, "WEBP", 4) ? "a WAV sound" : "a WebP picture";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size >= kinds[i].length && !memcmp(bytes, kinds[i].start, kinds[i].length))
            return kinds[i].kind;
    return NULL;
}

/* *bytes, if they are the reader's own, are freed as soon as they are unpacked. */
static tern_status load(tern_model **model, tern_context *c, const char *name, const void *bytes,
                        size_t size, char *owned) {
    ProtobufCMessage *message = NULL;
    tern__wire_budget budget;
    const char *other = other_kind(bytes, size);
    tern_status status =
        size == 0 ? tern__fail(c, TERN_ERR_FORMAT, "%s: is empty", name)
        : other   ? tern__fail(c, TERN_ERR_FORMAT, "%s: is %s, not an ONNX model", name, other)
                  : tern__wire_unpack(&message, &budget, c, name, &tern__onnx__model__descriptor,
                                      bytes, size);
    tern__free(c, owned);
    if (status != TERN_OK) return status;
    status = read_model(model, c, (const Tern__Onnx__Model *)message);
    tern__wire_free(message, &budget);
    /* What the graph's builders call a wrong argument or shape is wrong in the file here. */
    if (status == TERN_ERR_ARGUMENT || status == TERN_ERR_SHAPE)
        status = c->status = TERN_ERR_FORMAT;
    return status == TERN_OK ? TERN_OK : tern__fail_in(c, "%s", name);
}

tern_status tern_model_load(tern_model **model, tern_context *c, const char *path) {
    *model = NULL;
    char *bytes, *file, *installed;
    size_t size;
    if (strcmp(path, "-") == 0) {
        const tern_status status = tern__file_read_stdin(&bytes, &size, c, FILE_LIMIT);
        return status == TERN_OK ? load(model, c, "standard input", bytes, size, bytes) : status;
    }
    tern_status status = tern__model_find(&file, &installed, c, path);
    if (status != TERN_OK) return status;
    status = tern__file_read(&bytes, &size, c, file, FILE_LIMIT);
    if (status == TERN_OK)
        status = load(model, c, file, bytes, size, bytes);
    else if (installed) /* nothing was found; the message is read before it is written */
        tern__fail(c, status, "%s; models that are installed: %s", tern_context_message(c),
                   installed);
    tern__free(c, installed);
    if (status == TERN_OK)
        (*model)->path = file;
    else
        tern__free(c, file);
    return status;
}

tern_status tern_model_load_memory(tern_model **model, tern_context *c, const void *bytes,
                                   size_t size) {
    *model = NULL;
    return load(model, c, "model", bytes, size, NULL);
}
