/* What the files that read and write ONNX share. Internal. */
#ifndef TERN_CORE_ONNX_H
#define TERN_CORE_ONNX_H

#include "core/graph/graph.h"
#include "core/base/names.h"
#include "onnx.pb-c.h"

/* TensorProto.DataType */
enum {
    TERN__ONNX_FLOAT = 1,
    TERN__ONNX_UINT8,
    TERN__ONNX_INT8,
    TERN__ONNX_UINT16,
    TERN__ONNX_INT16,
    TERN__ONNX_INT32,
    TERN__ONNX_INT64,
    TERN__ONNX_STRING,
    TERN__ONNX_BOOL,
    TERN__ONNX_FLOAT16,
    TERN__ONNX_DOUBLE,
    TERN__ONNX_UINT32,
    TERN__ONNX_UINT64,
    TERN__ONNX_BFLOAT16 = 16
};
/* AttributeProto.AttributeType */
enum {
    TERN__ONNX_ATTRIBUTE_FLOAT = 1,
    TERN__ONNX_ATTRIBUTE_INT,
    TERN__ONNX_ATTRIBUTE_STRING,
    TERN__ONNX_ATTRIBUTE_TENSOR,
    TERN__ONNX_ATTRIBUTE_FLOATS = 6,
    TERN__ONNX_ATTRIBUTE_INTS
};

/* The file's doc_string of a float initializer that training must not change. */
#define TERN__ONNX_CONSTANT "constant"
#define TERN__ONNX_PRODUCER "tern"

/* The elements of a file's tensor as float (all of its floating types) or int64 (all integers and
 * bool), row-major; *data is the caller's. what is for sentences. External data is refused. */
tern_status tern__onnx_tensor(tern__shape *shape, void **data, tern_context *c, const char *what,
                              const Tern__Onnx__Tensor *t);

/* ---- reading: a node on its way into the graph ---- */

enum { TERN__ONNX_MAX_ATTRIBUTES = 32, TERN__ONNX_EXTRA_INPUTS = 4 };

typedef struct tern__onnx_reader {
    tern_context *context;
    int64_t opset; /* of ONNX's own operators */
    bool ours;     /* written by tern */
    const Tern__Onnx__Graph *proto;
    tern_graph *graph;
    tern__names values;     /* names in the file -> values in the graph */
    tern__names producers;  /* names of node outputs in the file -> nodes in the file */
    tern__names statistics; /* names of BatchNormalization's running mean and variance */
    tern__names nodes;      /* names of nodes that are taken */
} tern__onnx_reader;

typedef struct tern__onnx_call {
    const char *op, *domain, *name;
    int *inputs; /* values of the graph, -1: absent; room for TERN__ONNX_EXTRA_INPUTS more, set to
                    -1 */
    int n_inputs;
    tern_attribute attributes[TERN__ONNX_MAX_ATTRIBUTES];
    size_t n_attributes;
    const char **outputs; /* names in the file */
    int n_outputs;
} tern__onnx_call;

/* Brings a node of an older or newer operator set to the form that tern's operators have, which is
 * opset 17's. *call may become another operator, or "" (its output is its input); nodes before it
 * may be added to the graph. */
tern_status tern__onnx_adapt(tern__onnx_reader *r, tern__onnx_call *call);
/* Computes a node whose inputs are all integer constants; its outputs become constants. */
tern_status tern__onnx_fold(tern__onnx_reader *r, const tern__onnx_call *call, bool *folded);
/* Shape and ConstantOfShape, of what is known: their outputs are constants. */
bool tern__onnx_makes_shapes(const Tern__Onnx__Node *node);
tern_status tern__onnx_make_shape(tern__onnx_reader *r, const Tern__Onnx__Node *node);
/* What an operator that ONNX no longer has is called now; others' own names. */
const char *tern__onnx_modern(const char *op);
/* Adds a constant whose name begins with that of the call; its value number, or -1 with the error
 * stuck to the graph. */
int tern__onnx_add_constant(tern__onnx_reader *r, const tern__onnx_call *call, const char *what,
                            tern_type type, int rank, int64_t length, const void *data);

#endif
