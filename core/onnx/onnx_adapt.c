/* Differences between ONNX's operator sets 6 to 22, for the operators that tern has: each node is
 * brought to the form of set 17, in which tern's operators are. Source: ONNX's Operators.md and
 * Changelog.md. */
#include "onnx.h"
#include "core/graph/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef tern__onnx_reader reader;

/* ---- attributes and inputs of a call ---- */

/* Takes an attribute away; false if it is not there or of another type. */
static bool take(tern__onnx_call *call, const char *name, int type, tern_attribute *taken) {
    for (size_t i = 0; i < call->n_attributes; i++)
        if (strcmp(call->attributes[i].name, name) == 0 && (int)call->attributes[i].type == type) {
            *taken = call->attributes[i];
            call->attributes[i] = call->attributes[--call->n_attributes];
            return true;
        }
    return false;
}

/* There is room: what is given was taken before, or is one of at most two more. */
static tern_status give(reader *r, tern__onnx_call *call, tern_attribute attribute) {
    if (call->n_attributes == TERN__ONNX_MAX_ATTRIBUTES)
        return tern__fail(r->context, TERN_ERR_LIMIT, "%s '%.200s' has too many attributes",
                          call->op, call->name);
    call->attributes[call->n_attributes++] = attribute;
    return TERN_OK;
}

int tern__onnx_add_constant(reader *r, const tern__onnx_call *call, const char *what,
                            tern_type type, int rank, int64_t length, const void *data) {
    char name[256];
    snprintf(name, sizeof name, "%.200s.%s", call->name, what);
    for (int i = 2;
         tern__graph_find(r->graph, name) >= 0 || tern__names_find(&r->producers, name) >= 0; i++)
        snprintf(name, sizeof name, "%.200s.%s_%d", call->name, what, i);
    tern__shape shape = {.type = type, .rank = rank, .dims = {length}};
    return tern__graph_initializer(r->graph, name, TERN__CONSTANT, &shape, data);
}

static tern_status set_input(reader *r, tern__onnx_call *call, int index, int value) {
    if (value < 0) return tern_graph_check(r->graph);
    call->inputs[index] = value;
    if (call->n_inputs <= index) call->n_inputs = index + 1;
    return TERN_OK;
}

/* An ints attribute of older sets becomes input `index`. */
static tern_status ints_to_input(reader *r, tern__onnx_call *call, const char *name, int index) {
    tern_attribute a;
    if (call->n_inputs > index || !take(call, name, TERN_ATTRIBUTE_INTS, &a)) return TERN_OK;
    return set_input(
        r, call, index,
        tern__onnx_add_constant(r, call, name, TERN_INT64, 1, (int64_t)a.count, a.ints));
}

static tern_status float_to_input(reader *r, tern__onnx_call *call, const char *name, int index) {
    tern_attribute a;
    if (call->n_inputs > index || !take(call, name, TERN_ATTRIBUTE_FLOAT, &a)) return TERN_OK;
    float value = (float)a.f;
    return set_input(r, call, index,
                     tern__onnx_add_constant(r, call, name, TERN_FLOAT, 0, 0, &value));
}

/* ---- operator by operator ---- */

/* Attributes that ask for what tern does anyway, where the operator's row has no such attribute. */
static void drop_harmless(tern__onnx_call *call) {
    const tern__op *op = tern__op_find(call->domain, call->op);
    for (const tern__harmless *h = op ? op->traits.harmless : NULL; h && h->name; h++) {
        bool known = false;
        for (const tern__attribute *a = op->attributes; a && a->name; a++)
            known |= strcmp(a->name, h->name) == 0;
        tern_attribute taken;
        if (known || !take(call, h->name, TERN_ATTRIBUTE_INT, &taken)) continue;
        if (taken.i != h->value) call->attributes[call->n_attributes++] = taken;
    }
}

/* Attributes of older sets that are inputs now. */
static tern_status move_to_inputs(reader *r, tern__onnx_call *call, const tern__op *op) {
    tern_status status = TERN_OK;
    for (const tern__moved *m = op ? op->traits.moved : NULL; !status && m && m->name; m++)
        status = (m->real ? float_to_input : ints_to_input)(r, call, m->name, m->input);
    return status;
}

/* From set 18 ReduceMean and ReduceMax have their axes as an input; 17 wants an attribute. */
static tern_status axes_to_attribute(reader *r, tern__onnx_call *call) {
    tern_attribute noop;
    bool keep = take(call, "noop_with_empty_axes", TERN_ATTRIBUTE_INT, &noop) && noop.i != 0;
    const tern__value *axes =
        call->n_inputs > 1 && call->inputs[1] >= 0 ? &r->graph->values[call->inputs[1]] : NULL;
    if (axes && (!axes->data || axes->shape.type != TERN_INT64 || axes->shape.rank != 1))
        return tern__fail(r->context, TERN_ERR_UNSUPPORTED,
                          "%s '%.200s': the axes are not constant", call->op, call->name);
    if (call->n_inputs > 1) call->n_inputs = 1;
    if (axes && axes->shape.dims[0] > 0)
        return give(r, call, TERN_INTS("axes", axes->data, (size_t)axes->shape.dims[0]));
    tern_attribute given;
    bool here = take(call, "axes", TERN_ATTRIBUTE_INTS, &given) && given.count;
    if (here) return give(r, call, given);
    if (keep) { /* no axes, and that means nothing is reduced */
        call->op = "Identity";
        call->n_attributes = 0;
    }
    return TERN_OK;
}

static tern_status adapt_dropout(reader *r, tern__onnx_call *call) {
    tern_attribute seed;
    take(call, "seed", TERN_ATTRIBUTE_INT, &seed); /* tern's seeds are its own */
    if (call->n_inputs < 3) return TERN_OK;
    const tern__value *mode = call->inputs[2] >= 0 ? &r->graph->values[call->inputs[2]] : NULL;
    bool off = !mode || (mode->data && mode->shape.type == TERN_INT64 &&
                         tern__shape_count(&mode->shape) == 1 && *(const int64_t *)mode->data == 0);
    if (!off)
        return tern__fail(r->context, TERN_ERR_UNSUPPORTED,
                          "Dropout '%.200s': training_mode is not the constant false", call->name);
    call->n_inputs = call->inputs[1] >= 0 ? 2 : 1;
    return TERN_OK;
}

const char *tern__onnx_modern(const char *op) {
    return strcmp(op, "Upsample") == 0 ? "Resize" : op;
}

/* Resize and the older Upsample. Empty tensors stand for what is absent; sets before 11 only have
 * what is now called asymmetric and floor. */
static tern_status adapt_resize(reader *r, tern__onnx_call *call) {
    tern_attribute policy;
    bool upsample = strcmp(call->op, "Upsample") == 0;
    if (take(call, "keep_aspect_ratio_policy", TERN_ATTRIBUTE_STRING, &policy) &&
        strcmp(policy.s, "stretch") != 0)
        return tern__fail(r->context, TERN_ERR_UNSUPPORTED,
                          "Resize '%.200s': tern has no keep_aspect_ratio_policy '%s'", call->name,
                          policy.s);
    if (upsample || r->opset == 10) {
        call->op = "Resize";
        if (call->n_inputs > 1) {
            call->inputs[2] = call->inputs[1];
            call->inputs[1] = -1;
            call->n_inputs = 3;
        }
        tern_status st = give(r, call, TERN_STRING("coordinate_transformation_mode", "asymmetric"));
        return st ? st : give(r, call, TERN_STRING("nearest_mode", "floor"));
    }
    for (int i = 1; i < call->n_inputs; i++) {
        const tern__value *v = call->inputs[i] < 0 ? NULL : &r->graph->values[call->inputs[i]];
        if (v && tern__shape_count(&v->shape) == 0) call->inputs[i] = -1;
    }
    while (call->n_inputs > 1 && call->inputs[call->n_inputs - 1] < 0) call->n_inputs--;
    return TERN_OK;
}

/* Numbers that say what an operator does are no weights, whatever the file calls them. */
static void fix_settings(reader *r, const tern__onnx_call *call) {
    for (int k = 1; k < call->n_inputs; k++)
        if (call->inputs[k] >= 0 && r->graph->values[call->inputs[k]].kind == TERN__PARAMETER)
            r->graph->values[call->inputs[k]].kind = TERN__CONSTANT;
}

/* tern holds all integers as int64, so that a Cast between integers does nothing. */
static tern_status adapt_cast(reader *r, tern__onnx_call *call) {
    tern_attribute to;
    if (!take(call, "to", TERN_ATTRIBUTE_INT, &to)) return TERN_OK;
    const tern__value *x = call->inputs[0] >= 0 ? &r->graph->values[call->inputs[0]] : NULL;
    if (to.i == TERN__ONNX_INT32) {
        if (x && x->shape.type == TERN_INT64) call->op = "";
        to.i = TERN_INT64;
    }
    return give(r, call, to);
}

/* num_outputs (set 18): equal parts but for a smaller last one. Equal parts are what no sizes mean.
 */
static tern_status adapt_split(reader *r, tern__onnx_call *call) {
    tern_attribute parts, axis = TERN_INT("axis", 0);
    tern_status status = TERN_OK;
    if (!take(call, "num_outputs", TERN_ATTRIBUTE_INT, &parts)) return TERN_OK;
    if (parts.i != call->n_outputs)
        return tern__fail(r->context, TERN_ERR_FORMAT,
                          "Split '%.200s': num_outputs is %" PRId64 ", but it has %d", call->name,
                          parts.i, call->n_outputs);
    if (take(call, "axis", TERN_ATTRIBUTE_INT, &axis)) status = give(r, call, axis);
    const tern__shape *x = call->inputs[0] >= 0 ? &r->graph->values[call->inputs[0]].shape : NULL;
    if (status != TERN_OK || !x || call->n_inputs > 1) return status;
    int64_t along = axis.i < 0 ? axis.i + x->rank : axis.i, n = parts.i;
    if (along < 0 || along >= x->rank || x->dims[along] < 0 || n < 1 || x->dims[along] % n == 0)
        return TERN_OK;
    int64_t part = (x->dims[along] + n - 1) / n, left = x->dims[along];
    int64_t *sizes = tern__calloc(r->context, (size_t)n, sizeof *sizes);
    if (!sizes) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++, left -= sizes[i - 1]) sizes[i] = left < part ? left : part;
    status =
        set_input(r, call, 1, tern__onnx_add_constant(r, call, "split", TERN_INT64, 1, n, sizes));
    tern__free(r->context, sizes);
    return status;
}

/* A node before the call, between it and one of its inputs; constant: a second input of that node,
 * or -1. */
static tern_status add_before(reader *r, tern__onnx_call *call, int input, const char *op,
                              const char *what, const tern_attribute *attribute, int constant) {
    char name[256];
    snprintf(name, sizeof name, "%.200s.%s", call->name, what);
    const char *made = ""; /* the graph finds a name */
    int inputs[2] = {call->inputs[input], constant};
    if (tern__graph_node(r->graph, "", op, name, inputs, constant < 0 ? 1 : 2, attribute,
                         attribute != NULL, &made, 1, &call->inputs[input]) < 0)
        return tern_graph_check(r->graph);
    return TERN_OK;
}

/* Before set 13 (Log)Softmax sums over all dimensions from axis (default 1) on: x is seen as a
 * matrix. Where that is more than one dimension: Flatten, Softmax, Reshape. */
static tern_status adapt_softmax(reader *r, tern__onnx_call *call) {
    tern_attribute axis = TERN_INT("axis", 1);
    take(call, "axis", TERN_ATTRIBUTE_INT, &axis);
    if (call->n_inputs < 1 || call->inputs[0] < 0) return TERN_OK;
    tern__shape x = r->graph->values[call->inputs[0]].shape;
    if (axis.i < 0) axis.i += x.rank;
    int64_t wide = 0;
    for (int64_t i = axis.i + 1; i > 0 && i < x.rank; i++) wide += x.dims[i] != 1;
    if (wide == 0 || axis.i < 0) return give(r, call, axis);
    int unknown = 0;
    for (int i = 0; i < x.rank; i++) unknown += x.dims[i] < 0;
    if (unknown > 1)
        return tern__fail(r->context, TERN_ERR_UNSUPPORTED,
                          "%s '%.200s' of operator set %" PRId64
                          " needs all dimensions but one of its input",
                          call->op, call->name, r->opset);
    tern_status status = add_before(r, call, 0, "Flatten", "flatten", &axis, -1);
    tern_attribute rows = TERN_INT("axis", 1);
    if (status == TERN_OK) status = add_before(r, call, 0, call->op, "matrix", &rows, -1);
    if (status != TERN_OK) return status;
    call->op = "Reshape"; /* the one unknown dimension is -1 already */
    call->n_attributes = 0;
    return set_input(r, call, 1,
                     tern__onnx_add_constant(r, call, "shape", TERN_INT64, 1, x.rank, x.dims));
}

/* Set 6 says that it broadcasts, and where: b's dimensions meet a's from `axis` on; without axis
 * the last ones meet, as from set 7 on. So b gets the dimensions of 1 that it lacks behind. */
static tern_status broadcast_from(reader *r, tern__onnx_call *call, int64_t axis) {
    if (call->n_inputs != 2 || call->inputs[0] < 0 || call->inputs[1] < 0) return TERN_OK;
    int a = r->graph->values[call->inputs[0]].shape.rank,
        b = r->graph->values[call->inputs[1]].shape.rank;
    int64_t behind = (axis < 0 ? axis + a : axis) + b, axes[TERN_MAX_RANK];
    if (behind < b || behind >= a)
        return TERN_OK; /* nothing is lacking, or nothing fits: the operator says so */
    for (int64_t i = 0; i < a - behind; i++) axes[i] = b + i;
    int constant = tern__onnx_add_constant(r, call, "axes", TERN_INT64, 1, a - behind, axes);
    if (constant < 0) return tern_graph_check(r->graph);
    return add_before(r, call, 1, "Unsqueeze", "unsqueeze", NULL, constant);
}

static tern_status adapt_broadcast(reader *r, tern__onnx_call *call) {
    tern_attribute axis, flag;
    take(call, "broadcast", TERN_ATTRIBUTE_INT, &flag);
    bool told = take(call, "axis", TERN_ATTRIBUTE_INT, &axis);
    return told ? broadcast_from(r, call, axis.i) : TERN_OK;
}

/* What later sets dropped: only "this is inference" can be said, which tern decides when it runs.
 */
static void drop_is_test(tern__onnx_call *call) {
    tern_attribute a;
    take(call, "is_test", TERN_ATTRIBUTE_INT, &a);
    take(call, "consumed_inputs", TERN_ATTRIBUTE_INTS, &a);
}

static tern_status adapt_set_six(reader *r, tern__onnx_call *call, const tern__op *op) {
    drop_is_test(call);
    tern_attribute flag;
    if (strcmp(call->op, "Gemm") == 0) take(call, "broadcast", TERN_ATTRIBUTE_INT, &flag);
    if (op && op->traits.channels_once) return broadcast_from(r, call, 1);
    return op && op->traits.broadcast_flag ? adapt_broadcast(r, call) : TERN_OK;
}

tern_status tern__onnx_adapt(reader *r, tern__onnx_call *call) {
    const char *op = call->op;
    if (*call->domain) return TERN_OK;
    const tern__op *row = tern__op_find("", tern__onnx_modern(op));
    if (row && row->traits.settings) fix_settings(r, call);
    tern_status status = r->opset < 7 ? adapt_set_six(r, call, row) : TERN_OK;
    if (status == TERN_OK) status = move_to_inputs(r, call, row);
    if (status != TERN_OK) return status;
    if (strcmp(op, "ReduceMean") == 0 || strcmp(op, "ReduceMax") == 0) {
        status = axes_to_attribute(r, call);
    } else if (strcmp(op, "Dropout") == 0) {
        status = adapt_dropout(r, call);
    } else if (strcmp(op, "Split") == 0) {
        status = adapt_split(r, call);
    } else if (strcmp(op, "Resize") == 0 || strcmp(op, "Upsample") == 0) {
        status = adapt_resize(r, call);
    } else if (strcmp(op, "Cast") == 0) {
        status = adapt_cast(r, call);
    } else if (r->opset < 13 && (strcmp(op, "Softmax") == 0 || strcmp(op, "LogSoftmax") == 0)) {
        status = adapt_softmax(r, call);
    } else if (r->opset < 14 && strcmp(op, "BatchNormalization") == 0 && call->n_outputs > 1) {
        call->n_outputs = 1; /* the others were for training */
    }
    if (status == TERN_OK) drop_harmless(call);
    return status;
}
