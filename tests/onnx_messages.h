/* ONNX files of others, put together message by message: for tests of what is read. */
#ifndef TERN_TESTS_ONNX_MESSAGES_H
#define TERN_TESTS_ONNX_MESSAGES_H

#include "check.h"
#include "core/base/file.h"
#include "core/graph/graph.h"
#include "core/graph/model.h"
#include "core/onnx/onnx.h"

#include <tern/model.h>

static tern_context *context;
static char path[64];

static inline int open_context(void **state) {
    (void)state;
    snprintf(path, sizeof path, "tern-test-%d.onnx", (int)getpid());
    return tern_context_create(&context, NULL) == TERN_OK ? 0 : -1;
}
static inline int close_context(void **state) {
    (void)state;
    unlink(path);
    tern_context_free(context);
    return 0;
}

static inline char *read_file(const char *name, size_t *size) {
    char *bytes;
    check_ok(context, tern__file_read(&bytes, size, context, name, (size_t)1 << 30));
    return bytes;
}

/* ---- messages ---- */

static char pool[1 << 20];
static size_t pool_used;
static inline void *take(size_t size) {
    void *at = pool + pool_used;
    pool_used += (size + 15) & ~(size_t)15;
    assert_true(pool_used <= sizeof pool);
    return memset(at, 0, size);
}

#define ROOM 40
static Tern__Onnx__Model *model;
static Tern__Onnx__Graph *graph;

#define NEW(variable, type) ((variable) = take(sizeof *(variable)), type##__init(variable))
#define LIST(list) ((list) = take(ROOM * sizeof *(list)))

static inline void begin(int opset) {
    pool_used = 0;
    NEW(model, tern__onnx__model);
    NEW(graph, tern__onnx__graph);
    model->graph = graph;
    LIST(model->opset_import);
    NEW(model->opset_import[0], tern__onnx__operator_set);
    model->n_opset_import = 1;
    model->opset_import[0]->has_version = 1;
    model->opset_import[0]->version = opset;
    LIST(graph->node);
    LIST(graph->initializer);
    LIST(graph->input);
    LIST(graph->output);
}

static inline char *keep(const char *text) { return strcpy(take(strlen(text) + 1), text); }

/* "a, b,,c" */
static inline size_t split(char ***list, const char *names) {
    size_t count = 0;
    LIST(*list);
    if (!*names) return 0;
    for (char *at = keep(names); at; count++) {
        char *comma = strchr(at, ',');
        if (comma) *comma++ = 0;
        (*list)[count] = at;
        at = comma;
    }
    return count;
}

static inline Tern__Onnx__Node *node(const char *op, const char *inputs, const char *outputs) {
    Tern__Onnx__Node *n;
    NEW(n, tern__onnx__node);
    n->op_type = keep(op);
    n->n_input = split(&n->input, inputs);
    n->n_output = split(&n->output, outputs);
    LIST(n->attribute);
    return graph->node[graph->n_node++] = n;
}

static inline Tern__Onnx__Attribute *attribute(Tern__Onnx__Node *n, const char *name, int type) {
    Tern__Onnx__Attribute *a;
    NEW(a, tern__onnx__attribute);
    a->name = keep(name);
    a->has_type = 1;
    a->type = type;
    return n->attribute[n->n_attribute++] = a;
}
static inline void give_int(Tern__Onnx__Node *n, const char *name, int64_t value) {
    Tern__Onnx__Attribute *a = attribute(n, name, TERN__ONNX_ATTRIBUTE_INT);
    a->has_i = 1;
    a->i = value;
}
static inline void give_float(Tern__Onnx__Node *n, const char *name, float value) {
    Tern__Onnx__Attribute *a = attribute(n, name, TERN__ONNX_ATTRIBUTE_FLOAT);
    a->has_f = 1;
    a->f = value;
}
static inline void give_ints(Tern__Onnx__Node *n, const char *name, size_t count,
                             const int64_t *values) {
    Tern__Onnx__Attribute *a = attribute(n, name, TERN__ONNX_ATTRIBUTE_INTS);
    a->n_ints = count;
    a->ints = memcpy(take(count * 8), values, count * 8);
}
#define GIVE_INTS(n, name, ...)                                                                    \
    give_ints(n, name, sizeof(int64_t[]){__VA_ARGS__} / 8, (const int64_t[]){__VA_ARGS__})

static inline Tern__Onnx__Tensor *tensor(const char *name, int type, size_t rank,
                                         const int64_t *dims) {
    Tern__Onnx__Tensor *t;
    NEW(t, tern__onnx__tensor);
    t->name = keep(name);
    t->has_data_type = 1;
    t->data_type = type;
    t->n_dims = rank;
    t->dims = rank ? memcpy(take(rank * 8), dims, rank * 8) : NULL;
    return t;
}
#define DIMS(...)                                                                                  \
    (const int64_t[]) { __VA_ARGS__ }
static inline Tern__Onnx__Tensor *raw(Tern__Onnx__Tensor *t, size_t size, const void *data) {
    t->has_raw_data = 1;
    t->raw_data.len = size;
    t->raw_data.data = memcpy(take(size), data, size);
    return t;
}
static inline Tern__Onnx__Tensor *initializer(Tern__Onnx__Tensor *t) {
    return graph->initializer[graph->n_initializer++] = t;
}
static inline void int_initializer(const char *name, size_t count, const int64_t *values) {
    initializer(raw(tensor(name, TERN__ONNX_INT64, 1, DIMS((int64_t)count)), count * 8, values));
}

static inline Tern__Onnx__ValueInfo *info(const char *name, int type, size_t rank,
                                          const int64_t *dims) {
    Tern__Onnx__ValueInfo *v;
    NEW(v, tern__onnx__value_info);
    v->name = keep(name);
    NEW(v->type, tern__onnx__type);
    NEW(v->type->tensor_type, tern__onnx__tensor_type);
    v->type->tensor_type->has_elem_type = 1;
    v->type->tensor_type->elem_type = type;
    NEW(v->type->tensor_type->shape, tern__onnx__shape);
    LIST(v->type->tensor_type->shape->dim);
    for (size_t i = 0; i < rank; i++) {
        Tern__Onnx__Dimension *d;
        NEW(d, tern__onnx__dimension);
        if (dims[i] >= 0)
            d->has_dim_value = 1, d->dim_value = dims[i];
        else
            d->dim_param = keep("n");
        v->type->tensor_type->shape->dim[i] = d;
    }
    v->type->tensor_type->shape->n_dim = rank;
    return v;
}
static inline void input(const char *name, size_t rank, const int64_t *dims) {
    graph->input[graph->n_input++] = info(name, TERN__ONNX_FLOAT, rank, dims);
}
static inline void output(const char *name) {
    graph->output[graph->n_output++] = info(name, TERN__ONNX_FLOAT, 0, NULL);
}

static inline tern_status load(tern_model **m) {
    size_t size = tern__onnx__model__get_packed_size(model);
    uint8_t *bytes = malloc(size ? size : 1);
    tern__onnx__model__pack(model, bytes);
    tern_status status = tern_model_load_memory(m, context, bytes, size);
    free(bytes);
    return status;
}

static inline const tern_graph *loaded(tern_model **m) {
    check_ok(context, load(m));
    return tern_model_graph(*m);
}

/* Loads what was put together and expects this failure. */
#define REFUSED(status, sentence)                                                                  \
    do {                                                                                           \
        tern_model *refused_;                                                                      \
        check_error(context, status, sentence, load(&refused_));                                   \
        assert_null(refused_);                                                                     \
    } while (0)

#endif
