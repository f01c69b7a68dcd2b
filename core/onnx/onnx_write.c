/* Models to ONNX files. The same model gives the same bytes. Must not know what operators compute,
 * only which operator set of ONNX has them. */
#include "core/base/file.h"
#include "core/graph/model.h"
#include "onnx.h"
#include "core/graph/shape.h"

#include <stdio.h>
#include <string.h>

enum { IR_VERSION = 8, OPSET = 17 };

typedef struct writer {
    tern_context *context;
    const tern_model *model;
    const tern_graph *graph;
    Tern__Onnx__Graph *out;
    int64_t opset;
    bool *used;    /* by value number: some node reads it */
    void **blocks; /* everything that was allocated for the message, freed at its end */
    size_t n_blocks, blocks_capacity;
    tern_status status; /* of the first failure */
} writer;

/* Zeroed memory that lives as long as the message. NULL sticks TERN_ERR_MEMORY to the writer. */
static void *make(writer *w, size_t count, size_t size) {
    void *block = w->status == TERN_OK ? tern__calloc(w->context, count, size) : NULL;
    void **blocks = block ? tern__grow(w->context, w->blocks, w->n_blocks, &w->blocks_capacity,
                                       w->n_blocks + 1, sizeof *blocks)
                          : NULL;
    if (!blocks) {
        tern__free(w->context, block);
        w->status = TERN_ERR_MEMORY;
        return NULL;
    }
    w->blocks = blocks;
    return w->blocks[w->n_blocks++] = block;
}

/* The message's texts point at the graph's own; protobuf-c does not change them. */
static char *text(const char *s) { return (char *)(uintptr_t)s; }

static char *copy_text(writer *w, const char *s) {
    char *copy = make(w, strlen(s) + 1, 1);
    return copy ? strcpy(copy, s) : NULL;
}

/* ---- tensors and types ---- */

static void add_initializer(writer *w, const char *name, const tern__shape *shape, const void *data,
                            bool constant) {
    Tern__Onnx__Tensor *t = make(w, 1, sizeof *t);
    if (!t) return;
    tern__onnx__tensor__init(t);
    t->name = text(name);
    t->has_data_type = t->has_raw_data = 1;
    t->data_type = shape->type == TERN_FLOAT ? TERN__ONNX_FLOAT : TERN__ONNX_INT64;
    t->n_dims = (size_t)shape->rank;
    t->dims = make(w, t->n_dims, sizeof *t->dims);
    if (!t->dims) return;
    memcpy(t->dims, shape->dims, t->n_dims * sizeof *t->dims);
    t->raw_data.len = (size_t)tern__shape_count(shape) * tern__type_size(shape->type);
    t->raw_data.data = (uint8_t *)(uintptr_t)data;
    if (constant && shape->type == TERN_FLOAT) t->doc_string = text(TERN__ONNX_CONSTANT);
    w->out->initializer[w->out->n_initializer++] = t;
}

/* Dimensions that are known at run time get names. Equal names would promise equal sizes, so only
 * the batch, the first of each input, shares one. */
static Tern__Onnx__Shape *make_shape(writer *w, const tern__value *v) {
    Tern__Onnx__Shape *shape = make(w, 1, sizeof *shape);
    if (!shape) return NULL;
    tern__onnx__shape__init(shape);
    shape->dim = make(w, (size_t)v->shape.rank, sizeof *shape->dim);
    for (int i = 0; i < v->shape.rank && w->status == TERN_OK; i++) {
        Tern__Onnx__Dimension *dim = make(w, 1, sizeof *dim);
        if (!dim) return NULL;
        tern__onnx__dimension__init(dim);
        shape->dim[shape->n_dim++] = dim;
        if (v->shape.dims[i] >= 0) {
            dim->has_dim_value = 1;
            dim->dim_value = v->shape.dims[i];
        } else if (i == 0 && v->kind == TERN__INPUT) {
            dim->dim_param = text("batch");
        } else {
            size_t size = strlen(v->name) + 12;
            dim->dim_param = make(w, size, 1);
            if (dim->dim_param) snprintf(dim->dim_param, size, "%s_%d", v->name, i);
        }
    }
    return shape;
}

/* ONNX has bool for Dropout's mask, which tern holds as int64. */
static int element_type(const writer *w, const tern__value *v) {
    if (v->shape.type == TERN_FLOAT) return TERN__ONNX_FLOAT;
    const tern__node *node = v->producer < 0 ? NULL : &w->graph->nodes[v->producer];
    bool mask =
        node && strcmp(node->op->name, "Dropout") == 0 && node->outputs[0] != v - w->graph->values;
    return mask ? TERN__ONNX_BOOL : TERN__ONNX_INT64;
}

static Tern__Onnx__ValueInfo *make_info(writer *w, const tern__value *v) {
    Tern__Onnx__ValueInfo *info = make(w, 1, sizeof *info);
    Tern__Onnx__Type *type = make(w, 1, sizeof *type);
    Tern__Onnx__TensorType *tensor = make(w, 1, sizeof *tensor);
    if (!info || !type || !tensor) return NULL;
    tern__onnx__value_info__init(info);
    tern__onnx__type__init(type);
    tern__onnx__tensor_type__init(tensor);
    info->name = text(v->name);
    info->type = type;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = element_type(w, v);
    tensor->shape = make_shape(w, v);
    return info;
}

/* ---- nodes ---- */

static Tern__Onnx__Attribute *new_attribute(writer *w, Tern__Onnx__Node *node, const char *name,
                                            int type) {
    Tern__Onnx__Attribute *a = make(w, 1, sizeof *a);
    if (!a) return NULL;
    tern__onnx__attribute__init(a);
    a->name = text(name);
    a->has_type = 1;
    a->type = type;
    node->attribute[node->n_attribute++] = a;
    return a;
}

static void add_int(writer *w, Tern__Onnx__Node *node, const char *name, int64_t value) {
    Tern__Onnx__Attribute *a = new_attribute(w, node, name, TERN__ONNX_ATTRIBUTE_INT);
    if (!a) return;
    a->has_i = 1;
    a->i = value;
}

static void add_ints(writer *w, Tern__Onnx__Node *node, const char *name,
                     const tern__ints *values) {
    Tern__Onnx__Attribute *a = new_attribute(w, node, name, TERN__ONNX_ATTRIBUTE_INTS);
    if (!a) return;
    a->n_ints = (size_t)values->count;
    a->ints = (int64_t *)(uintptr_t)values->at;
}

/* An attribute, unless it is what ONNX takes for granted. */
static void add_attribute(writer *w, Tern__Onnx__Node *node, const tern__attribute *spec,
                          const void *at) {
    Tern__Onnx__Attribute *a;
    switch (spec->type) {
    case TERN_ATTRIBUTE_INT: {
        int64_t value;
        memcpy(&value, at, sizeof value);
        if (value != spec->i || spec->required) add_int(w, node, spec->name, value);
        return;
    }
    case TERN_ATTRIBUTE_FLOAT: {
        float value;
        memcpy(&value, at, sizeof value);
        if (value == spec->f && !spec->required) return;
        a = new_attribute(w, node, spec->name, TERN__ONNX_ATTRIBUTE_FLOAT);
        if (!a) return;
        a->has_f = 1;
        a->f = value;
        return;
    }
    case TERN_ATTRIBUTE_STRING: {
        const tern__string *value = at;
        if (strcmp(value->at, spec->s ? spec->s : "") == 0 && !spec->required) return;
        a = new_attribute(w, node, spec->name, TERN__ONNX_ATTRIBUTE_STRING);
        if (!a) return;
        a->has_s = 1;
        a->s.len = strlen(value->at);
        a->s.data = (uint8_t *)(uintptr_t)value->at;
        return;
    }
    default:
        if (((const tern__ints *)at)->count || spec->required) add_ints(w, node, spec->name, at);
    }
}

/* A name for a value of the file's own, which the graph does not have. */
static char *own_name(writer *w, const tern__node *node, const char *what) {
    char name[256];
    snprintf(name, sizeof name, "%.200s.%s", node->name, what);
    for (int i = 2; tern__graph_find(w->graph, name) >= 0; i++)
        snprintf(name, sizeof name, "%.200s.%s_%d", node->name, what, i);
    return copy_text(w, name);
}

/* Where set 18 and later want what set 17 had as an attribute, or nothing. */
static void add_for_later_sets(writer *w, Tern__Onnx__Node *out, const tern__node *node,
                               const tern__ints *axes) {
    if (strcmp(node->op->name, "Split") == 0 && out->n_input < 2) {
        add_int(w, out, "num_outputs", node->n_outputs);
    } else if (axes && axes->count) {
        tern__shape shape = {.type = TERN_INT64, .rank = 1, .dims = {axes->count}};
        char *name = own_name(w, node, "axes");
        if (!name) return;
        add_initializer(w, name, &shape, axes->at, true);
        out->input[out->n_input++] = name;
    }
}

static bool is_reduction(const tern__op *op) {
    return !*op->domain &&
           (strcmp(op->name, "ReduceMean") == 0 || strcmp(op->name, "ReduceMax") == 0);
}

static const char *value_name(const writer *w, int value) {
    return value < 0 ? "" : w->graph->values[value].name;
}

/* The lengths of sequences are int32 in ONNX and int64 in tern: a Cast goes between. Its output. */
static char *add_cast(writer *w, const tern__node *node, int value) {
    Tern__Onnx__Node *out = make(w, 1, sizeof *out);
    char **names = make(w, 2, sizeof *names), *name = own_name(w, node, "sequence_lens");
    Tern__Onnx__Attribute **attributes = make(w, 1, sizeof(void *));
    if (!out || !names || !name || !attributes) return text("");
    tern__onnx__node__init(out);
    names[0] = text(value_name(w, value));
    names[1] = name;
    out->name = name;
    out->op_type = text("Cast");
    out->input = names;
    out->output = names + 1;
    out->n_input = out->n_output = 1;
    out->attribute = attributes;
    add_int(w, out, "to", TERN__ONNX_INT32);
    w->out->node[w->out->n_node++] = out;
    return name;
}

static bool is_length(const tern__node *node, int input) {
    const tern__op *op = node->op;
    return input == 4 && node->inputs[input] >= 0 && !*op->domain &&
           (strcmp(op->name, "LSTM") == 0 || strcmp(op->name, "GRU") == 0);
}

static void add_node(writer *w, const tern__node *node) {
    const tern__op *op = node->op;
    size_t n_attributes = 1; /* num_outputs */
    for (const tern__attribute *a = op->attributes; a && a->name; a++) n_attributes++;
    Tern__Onnx__Node *out = make(w, 1, sizeof *out);
    char **inputs = make(w, (size_t)node->n_inputs + 1, sizeof *inputs);
    char **outputs = make(w, (size_t)node->n_outputs, sizeof *outputs);
    Tern__Onnx__Attribute **attributes = make(w, n_attributes, sizeof(void *));
    if (!out || !inputs || !outputs || !attributes) return;
    tern__onnx__node__init(out);
    out->name = text(node->name);
    out->op_type = text(op->name);
    if (*op->domain) out->domain = text(op->domain);
    out->input = inputs;
    out->output = outputs;
    out->attribute = attributes;
    for (int i = 0; i < node->n_inputs; i++)
        inputs[out->n_input++] = is_length(node, i) ? add_cast(w, node, node->inputs[i])
                                                    : text(value_name(w, node->inputs[i]));
    for (int i = 0; i < node->n_outputs; i++)
        outputs[out->n_output++] = text(value_name(w, node->outputs[i]));
    const tern__ints *axes = NULL;
    for (const tern__attribute *a = op->attributes; a && a->name && w->status == TERN_OK; a++) {
        const void *at = (const char *)node->attributes + a->offset;
        if (w->opset >= 18 && is_reduction(op) && strcmp(a->name, "axes") == 0)
            axes = at;
        else
            add_attribute(w, out, a, at);
    }
    if (w->opset >= 18) add_for_later_sets(w, out, node, axes);
    w->out->node[w->out->n_node++] = out;
}

/* The operator set that first has what this node does. */
static int64_t needed_opset(const tern__node *node) {
    const tern__op *op = node->op;
    if (*op->domain) return OPSET;
    if (strcmp(op->name, "Gelu") == 0) return 20;
    if (strcmp(op->name, "Resize") == 0 &&
        strcmp(((const tern__string *)tern__attribute_at(op, node->attributes,
                                                         "coordinate_transformation_mode"))
                   ->at,
               "half_pixel_symmetric") == 0)
        return 19;
    bool pad = strcmp(op->name, "Pad") == 0, average = strcmp(op->name, "AveragePool") == 0;
    for (const tern__attribute *a = op->attributes; (pad || average) && a && a->name; a++) {
        const void *at = (const char *)node->attributes + a->offset;
        if (pad && strcmp(a->name, "mode") == 0 &&
            strcmp(((const tern__string *)at)->at, "wrap") == 0)
            return 19;
        if (average && strcmp(a->name, "dilations") == 0)
            for (int i = 0; i < ((const tern__ints *)at)->count; i++)
                if (((const tern__ints *)at)->at[i] != 1) return 19;
    }
    return pad && node->n_inputs > 3 ? 18 : OPSET;
}

/* ---- the model ---- */

static void survey(writer *w, bool *own_domain) {
    w->used = make(w, w->graph->n_values, sizeof *w->used);
    if (!w->used) return;
    w->opset = OPSET;
    for (size_t i = 0; i < w->graph->n_nodes; i++) {
        const tern__node *node = &w->graph->nodes[i];
        int64_t needed = needed_opset(node);
        if (needed > w->opset) w->opset = needed;
        *own_domain |= *node->op->domain != 0;
        for (int k = 0; k < node->n_inputs; k++)
            if (node->inputs[k] >= 0) w->used[node->inputs[k]] = true;
    }
}

static void add_values(writer *w) {
    const tern_graph *g = w->graph;
    Tern__Onnx__Graph *out = w->out;
    out->input = make(w, g->n_inputs, sizeof *out->input);
    out->output = make(w, g->n_outputs, sizeof *out->output);
    out->value_info = make(w, g->n_values, sizeof *out->value_info);
    out->initializer = make(w, g->n_values + g->n_nodes, sizeof *out->initializer);
    bool *is_output = make(w, g->n_values, sizeof *is_output);
    for (size_t i = 0; i < g->n_inputs && w->status == TERN_OK; i++)
        out->input[out->n_input++] = make_info(w, &g->values[g->inputs[i]]);
    for (size_t i = 0; i < g->n_outputs && w->status == TERN_OK; i++) {
        out->output[out->n_output++] = make_info(w, &g->values[g->outputs[i]]);
        is_output[g->outputs[i]] = true;
    }
    for (size_t i = 0; i < g->n_values && w->status == TERN_OK; i++) {
        const tern__value *v = &g->values[i];
        if (v->kind == TERN__COMPUTED && !is_output[i])
            out->value_info[out->n_value_info++] = make_info(w, v);
        else if (v->data && (w->used[i] || v->kind != TERN__CONSTANT))
            add_initializer(w, v->name, &v->shape, v->data, v->kind == TERN__CONSTANT);
    }
}

static void add_graph(writer *w) {
    w->out = make(w, 1, sizeof *w->out);
    if (!w->out) return;
    tern__onnx__graph__init(w->out);
    w->out->name = text("tern");
    add_values(w);
    w->out->node = make(w, 2 * w->graph->n_nodes, sizeof *w->out->node); /* a Cast before each */
    for (size_t i = 0; i < w->graph->n_nodes && w->status == TERN_OK; i++)
        add_node(w, &w->graph->nodes[i]);
}

static void add_metadata(writer *w, Tern__Onnx__Model *m) {
    size_t count = w->model->n_metadata;
    m->metadata_props = make(w, count, sizeof *m->metadata_props);
    for (size_t i = 0; i < count && w->status == TERN_OK; i++) {
        Tern__Onnx__Entry *entry = make(w, 1, sizeof *entry);
        if (!entry) return;
        tern__onnx__entry__init(entry);
        entry->key = w->model->metadata[i].key;
        entry->value = w->model->metadata[i].value;
        m->metadata_props[m->n_metadata_props++] = entry;
    }
}

static void add_operator_set(writer *w, Tern__Onnx__Model *m, const char *domain, int64_t version) {
    Tern__Onnx__OperatorSet *set = make(w, 1, sizeof *set);
    if (!set) return;
    tern__onnx__operator_set__init(set);
    set->domain = text(domain);
    set->has_version = 1;
    set->version = version;
    m->opset_import[m->n_opset_import++] = set;
}

/* Fills the model but for the operator sets, and those into *sets. */
static void fill(writer *w, Tern__Onnx__Model *m, Tern__Onnx__Model *sets) {
    bool own_domain = false;
    tern__onnx__model__init(m);
    tern__onnx__model__init(sets);
    m->has_ir_version = 1;
    m->ir_version = IR_VERSION;
    m->producer_name = text(TERN__ONNX_PRODUCER);
    m->producer_version = text(tern_version());
    survey(w, &own_domain);
    sets->opset_import = make(w, 2, sizeof *sets->opset_import);
    if (w->status != TERN_OK) return;
    if (own_domain) add_operator_set(w, sets, "tern", 1);
    add_operator_set(w, sets, "", w->opset);
    add_graph(w);
    m->graph = w->out;
    add_metadata(w, m);
}

/* protobuf-c's door to a file; a failure sticks to the file's writer. */
typedef struct sink {
    ProtobufCBuffer buffer;
    tern__file_writer *file;
} sink;

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data) {
    tern__file_write(((sink *)(void *)buffer)->file, data, size);
}

/* The operator sets go last (the order of fields is free, and messages in a row are one message),
 * so that a file cut anywhere lacks what every model must have. */
tern_status tern_model_save(const tern_model *model, const char *path) {
    tern_context *c = model->context;
    writer w = {.context = c, .model = model, .graph = model->graph};
    Tern__Onnx__Model m, sets;
    fill(&w, &m, &sets);
    sink s = {{append}, NULL};
    if (w.status == TERN_OK && tern__onnx__model__get_packed_size(&m) > INT32_MAX - 100)
        w.status = tern__fail(c, TERN_ERR_LIMIT,
                              "%s: the model has more than 2 GiB, which an ONNX file "
                              "cannot hold",
                              path);
    if (w.status == TERN_OK) w.status = tern__file_writer_open(&s.file, c, path);
    if (w.status == TERN_OK) {
        tern__onnx__model__pack_to_buffer(&m, &s.buffer);
        tern__onnx__model__pack_to_buffer(&sets, &s.buffer);
        w.status = tern__file_writer_commit(&s.file);
    }
    for (size_t i = 0; i < w.n_blocks; i++) tern__free(c, w.blocks[i]);
    tern__free(c, w.blocks);
    return w.status;
}
