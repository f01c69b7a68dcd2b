/* Shapes that a file computes: nodes whose inputs are all integer constants are computed while
 * reading, so that what they lead to (pads, axes, sizes) is known when the network is built. Also
 * the two operators that only exist for this, Shape and ConstantOfShape. */
#include "onnx.h"
#include "core/plan/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef tern__onnx_reader reader;

/* Elements: more is no shape, and a small file must not make much. */
enum { MOST_FOLDED = 1 << 16, MOST_FILLED = 1 << 22 };

static const char *text(const char *s) { return s ? s : ""; }

static bool is_graph_output(const reader *r, const char *name) {
    for (size_t i = 0; i < r->proto->n_output; i++)
        if (strcmp(text(r->proto->output[i]->name), name) == 0) return true;
    return false;
}

static tern_status define(reader *r, const char *name, const tern__shape *shape, const void *data) {
    int value = tern__graph_initializer(r->graph, name, TERN__CONSTANT, shape, data);
    if (value < 0) return tern_graph_check(r->graph);
    return tern__names_set(&r->values, r->context, name, value);
}

/* ---- folding ---- */

static bool all_integer_constants(const reader *r, const tern__onnx_call *call) {
    int present = 0;
    for (int i = 0; i < call->n_inputs; i++) {
        if (call->inputs[i] < 0) continue;
        const tern__value *v = &r->graph->values[call->inputs[i]];
        if (v->kind != TERN__CONSTANT || v->shape.type != TERN_INT64) return false;
        present++;
    }
    for (int i = 0; i < call->n_outputs; i++)
        if (!*call->outputs[i] || is_graph_output(r, call->outputs[i])) return false;
    return present > 0 && call->n_outputs > 0 && !*call->domain;
}

/* The node alone in a graph of its own; false if it does not fit there or makes no integers. */
static bool build_alone(tern_graph *g, const reader *r, const tern__onnx_call *call, int *ids) {
    int *outputs = ids + call->n_inputs;
    for (int i = 0; i < call->n_inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "x%d", i);
        const tern__value *v = call->inputs[i] < 0 ? NULL : &r->graph->values[call->inputs[i]];
        ids[i] = v ? tern__graph_initializer(g, name, TERN__CONSTANT, &v->shape, v->data) : -1;
    }
    tern__graph_node(g, "", call->op, NULL, ids, call->n_inputs, call->attributes,
                     call->n_attributes, NULL, call->n_outputs, outputs);
    for (int i = 0; i < call->n_outputs && tern_graph_check(g) == TERN_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "y%d", i);
        const tern__shape *s = &g->values[outputs[i]].shape;
        int64_t count = tern__shape_count(s);
        if (s->type != TERN_INT64 || count < 0 || count > MOST_FOLDED) return false;
        tern__graph_output(g, name, outputs[i]);
    }
    return tern_graph_check(g) == TERN_OK;
}

tern_status tern__onnx_fold(reader *r, const tern__onnx_call *call, bool *folded) {
    *folded = false;
    if (!all_integer_constants(r, call)) return TERN_OK;
    tern_context *c = r->context;
    tern__plan *plan = NULL;
    tern_graph *g = NULL;
    int *ids = tern__calloc(c, (size_t)(call->n_inputs + call->n_outputs), sizeof *ids);
    tern_status status = ids ? tern_graph_create(&g, c) : TERN_ERR_MEMORY;
    if (status != TERN_OK) goto done;
    /* What fails here fails in the network itself, with the better sentence. */
    if (!build_alone(g, r, call, ids)) goto done;
    if ((status = tern__plan_create(&plan, g, NULL, &(tern__plan_options){0})) != TERN_OK ||
        (status = tern__plan_forward(plan, NULL, 0, 0)) != TERN_OK)
        goto done;
    for (int i = 0; i < call->n_outputs && status == TERN_OK; i++) {
        const tern__tensor *y = tern__plan_output(plan, i);
        tern__shape shape = tern__tensor_shape(y);
        status = define(r, call->outputs[i], &shape, y->data);
    }
    *folded = status == TERN_OK;
done:
    tern__plan_free(plan);
    tern_graph_free(g);
    tern__free(c, ids);
    return status;
}

/* ---- Shape and ConstantOfShape ---- */

bool tern__onnx_makes_shapes(const Tern__Onnx__Node *node) {
    const char *op = text(node->op_type), *domain = text(node->domain);
    return (!*domain || strcmp(domain, "ai.onnx") == 0) &&
           (strcmp(op, "Shape") == 0 || strcmp(op, "ConstantOfShape") == 0);
}

static const Tern__Onnx__Attribute *find(const Tern__Onnx__Node *node, const char *name) {
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(text(node->attribute[i]->name), name) == 0) return node->attribute[i];
    return NULL;
}

/* start or end of Shape within 0..rank. */
static int64_t limit(const Tern__Onnx__Node *node, const char *name, int64_t standard,
                     int64_t rank) {
    const Tern__Onnx__Attribute *a = find(node, name);
    int64_t at = a && a->has_i ? a->i : standard;
    if (at < 0) at += rank;
    return at < 0 ? 0 : at > rank ? rank : at;
}

static tern_status add_shape(reader *r, const Tern__Onnx__Node *node, const tern__value *x) {
    int64_t rank = x->shape.rank, start = limit(node, "start", 0, rank);
    int64_t end = limit(node, "end", rank, rank), dims[TERN_MAX_RANK];
    for (int64_t i = start; i < end; i++)
        if (x->shape.dims[i] < 0)
            return tern__fail(r->context, TERN_ERR_UNSUPPORTED,
                              "Shape '%.200s': dimension %" PRId64 " of '%.200s' is only known at "
                              "run time, and tern computes shapes before",
                              node->output[0], i, x->name);
    tern__shape shape = {.type = TERN_INT64, .rank = 1, .dims = {end > start ? end - start : 0}};
    memcpy(dims, x->shape.dims, sizeof dims); /* x moves when a value is added */
    return define(r, node->output[0], &shape, dims + start);
}

static tern_status add_filled(reader *r, const Tern__Onnx__Node *node, const tern__value *x) {
    tern_context *c = r->context;
    const char *name = node->output[0];
    if (x->kind != TERN__CONSTANT || x->shape.type != TERN_INT64 || x->shape.rank != 1)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "ConstantOfShape '%.200s': the shape is only known at run time", name);
    if (x->shape.dims[0] > TERN_MAX_RANK)
        return tern__fail(c, TERN_ERR_LIMIT,
                          "ConstantOfShape '%.200s': %" PRId64 " dimensions; the most is %d", name,
                          x->shape.dims[0], TERN_MAX_RANK);
    tern__shape shape = {.type = TERN_FLOAT, .rank = (int)x->shape.dims[0]}, one = shape;
    const Tern__Onnx__Attribute *a = find(node, "value");
    void *value = NULL;
    tern_status status = TERN_OK;
    if (a && a->t) status = tern__onnx_tensor(&one, &value, c, name, a->t);
    if (status != TERN_OK) return status;
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        shape.dims[i] = ((const int64_t *)x->data)[i];
        if (!tern__mul_i64(count, shape.dims[i], &count) || count > MOST_FILLED)
            status =
                tern__fail(c, TERN_ERR_LIMIT, "ConstantOfShape '%.200s': the shape is wrong", name);
    }
    if (status == TERN_OK && value && tern__shape_count(&one) != 1)
        status = tern__fail(c, TERN_ERR_FORMAT,
                            "ConstantOfShape '%.200s': value has %" PRId64 " elements, not one",
                            name, tern__shape_count(&one));
    if (value) shape.type = one.type;
    size_t size = tern__type_size(shape.type);
    char *data = status == TERN_OK ? tern__calloc(c, (size_t)count, size) : NULL;
    if (status == TERN_OK && !data) status = TERN_ERR_MEMORY;
    for (int64_t i = 0; data && value && i < count; i++)
        memcpy(data + (size_t)i * size, value, size);
    if (status == TERN_OK) status = define(r, name, &shape, data);
    tern__free(c, data);
    tern__free(c, value);
    return status;
}

tern_status tern__onnx_make_shape(reader *r, const Tern__Onnx__Node *node) {
    int value = node->n_input == 1 ? tern__names_find(&r->values, node->input[0]) : -1;
    if (value < 0 || node->n_output != 1)
        return tern__fail(r->context, TERN_ERR_FORMAT,
                          "%s '%.200s' has not one input and one output", node->op_type,
                          text(node->name));
    const tern__value *x = &r->graph->values[value];
    return strcmp(node->op_type, "Shape") == 0 ? add_shape(r, node, x) : add_filled(r, node, x);
}
