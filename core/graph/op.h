/* The operator contract: an operator is one file in ops/, one row in ops/table.c, one test.
 *
 * A row says what the operator is called (ONNX's name and attributes), how shapes follow from
 * shapes (infer), what it needs to run (prepare, pack), how it runs (forward) and how gradients
 * flow back (backward, which accumulates). Its traits say what others may ask: nobody outside ops/,
 * the ONNX files and the builders knows an operator by its name. Operators know nothing of each
 * other and nothing of the graph. */
#ifndef TERN_CORE_OP_H
#define TERN_CORE_OP_H

#include "core/base/base.h"
#include "core/kernels/activation.h"
#include <tern/graph.h>

/* ---- attributes ---- */
typedef struct tern__ints {
    int count; /* 0: not given */
    int64_t at[2 * TERN_MAX_RANK];
} tern__ints;
typedef struct tern__string {
    char at[32];
} tern__string;

/* One attribute: where it lies in the operator's struct. In the struct an int is int64_t, a float
 * is float, a string tern__string, ints tern__ints. */
typedef struct tern__attribute {
    const char *name; /* NULL ends the list */
    int type;         /* TERN_ATTRIBUTE_INT, ... */
    size_t offset;
    int64_t i; /* defaults; required: see flag */
    float f;
    const char *s;
    bool required;
} tern__attribute;

/* ---- shapes ---- */
typedef struct tern__shape {
    tern_type type;
    int rank;
    int64_t dims[TERN_MAX_RANK]; /* -1: unknown until run time */
} tern__shape;

typedef struct tern__infer {
    tern_context *context;
    const char *op, *name; /* of the node, for sentences: "Conv 'c3': ..." */
    const void *attributes;
    int n_inputs, n_outputs;
    const tern__shape *const *inputs; /* NULL: absent */
    const void *const *constants;     /* the data of inputs whose elements are known, else NULL */
    tern__shape *outputs;             /* to fill: type, rank, dims */
} tern__infer;
/* tern__fail with "Op 'name': " before the sentence. */
tern_status tern__infer_fail(const tern__infer *in, tern_status status, const char *format, ...)
    TERN_PRINTF(3, 4);

/* ---- running ---- */
/* How a value lies in memory. PLAIN: row-major as in ONNX. LAST: [N, C, spatial...] held as
 * [N, spatial..., C]. dims are always the logical (ONNX) ones. Rank < 3 is always PLAIN. */
typedef enum tern__layout { TERN__PLAIN, TERN__LAST } tern__layout;

typedef struct tern__tensor {
    void *data; /* contiguous, 64-byte aligned (inputs from outside: as they come) */
    tern_type type;
    tern__layout layout;
    int rank;
    int64_t dims[TERN_MAX_RANK];
    int64_t count; /* product of dims */
    /* Gradients of an embedding table may be sparse: data then holds rows_used rows (of dims[1..]),
     * and rows[i] is the table row they belong to, ascending, each once. NULL: dense. */
    int64_t *rows;
    int64_t rows_used, rows_capacity;
} tern__tensor;

/* Physical dims and the physical position of a logical axis. For PLAIN they are the logical ones.
 */
void tern__physical(const tern__tensor *t, int64_t dims[TERN_MAX_RANK]);
int tern__physical_axis(const tern__tensor *t, int logical_axis);

typedef struct tern__step tern__step;
struct tern__step {
    const struct tern__op *op;
    const char *name;
    const void *attributes;
    tern_context *context; /* for kernels, threads and (prepare only) memory and sentences */
    bool training;
    int n_inputs, n_outputs;
    tern__tensor **inputs;  /* NULL: absent */
    tern__tensor **outputs; /* NULL: not wanted */
    /* Fused by the plan where op->fuses says so: y = activation(op(x)). forward applies it. In
     * training the plan has turned output_grads[0] into the gradient before the activation when
     * backward is called, unless op->own_activation_gradient. */
    tern__activation activation;
    float activation_alpha;
    /* Backward. output_grads[i] NULL: nothing flows back into this output (counts as zeros).
     * input_grads[i] NULL: not wanted. accumulate[i]: add to what is there instead of writing. A
     * gradient has its value's layout. */
    tern__tensor **input_grads, **output_grads;
    bool *accumulate;
    /* Memory, sized by prepare in bytes, 64-byte aligned. workspace is only valid during one call
     * of forward or backward; state stays (packed weights at inference; what forward leaves for
     * backward in training). Worker scratch is part of the workspace: multiply by context->threads.
     */
    size_t workspace_size, backward_workspace_size, state_size;
    void *workspace, *state;
    bool constant_weights; /* inputs[1..] never change: pack() was called once and forward need not
                              pack */
    uint64_t seed, draw;   /* random operators: Philox seed and the number of this training step */
    uint64_t number;       /* of the node in the graph: random operators' stream */
    void *choice; /* prepare may leave a small block from tern__alloc here; the plan frees it */
};

/* What backward reads of the forward pass: bits for inputs 0..15 and outputs 0..15. */
#define TERN__NEEDS_INPUT(i) (1u << (i))
#define TERN__NEEDS_OUTPUT(i) (1u << (16 + (i)))

/* Which layouts an operator takes. */
typedef enum tern__layouts {
    TERN__ONLY_PLAIN, /* all inputs and outputs plain */
    TERN__ONLY_LAST,  /* inputs[0] and outputs channels-last when rank >= 3; other inputs plain */
    TERN__ANY_LAYOUT /* all inputs and outputs in one layout, whichever; inputs have been brought to
                        the rank of the output (with leading 1s) if they are of lower rank; axes
                        through tern__physical_axis */
} tern__layouts;

/* ---- traits: what others may know of an operator without knowing which one it is ---- */

/* Where elements of the output come from; a place is a position along axes 2, 3, ... */
typedef enum tern__locality {
    TERN__ANYWHERE,  /* from anywhere in the inputs, unless sees says otherwise */
    TERN__BY_PLACE,  /* from the same place of the inputs: along the channels only */
    TERN__BY_ELEMENT /* from the same element of the inputs, which broadcast */
} tern__locality;

/* How an operator that is not local maps places along one axis. */
typedef struct tern__sight {
    int64_t step, per; /* neighbours in the output are step / per places of the input apart */
    int64_t low, high; /* in: places of the output; out: those of the input that they follow from */
    bool all_inputs;   /* of all inputs that have places, else of input 0 */
} tern__sight;

typedef enum tern__layer_kind {
    TERN__NO_LAYER,
    TERN__DENSE,   /* a unit sees all of its row */
    TERN__FILTERS, /* a filter for each output channel sees a window */
    TERN__SPREADS  /* a place of the input is spread over a window of the output */
} tern__layer_kind;

typedef struct tern__layer {
    tern__layer_kind kind;
    int weight, bias; /* numbers of inputs; bias 0: takes none */
    /* The axis of the weight that counts units or output channels; NULL: no axis alone does. */
    int (*unit_axis)(const void *attributes);
    /* Whether scaling a unit's weights and bias scales what it gives; NULL: always. */
    bool (*scales)(const void *attributes);
} tern__layer;

enum { TERN__AFFINE_INPUTS = 5 }; /* of an operator with the trait `affine`, at most */
/* y = (x - centre) * factor + shift, for a channel. */
typedef struct tern__affine {
    double centre, factor, shift;
} tern__affine;

/* Which nodes do nothing, so that their readers can read their input. */
typedef enum tern__nothing {
    TERN__DOES_SOMETHING,
    TERN__NOTHING_AT_INFERENCE,
    TERN__NOTHING_EVER
} tern__nothing;

/* What older or newer operator sets write otherwise than the row. */
typedef struct tern__harmless { /* an attribute that, at this value, asks for what happens anyway */
    const char *name;           /* NULL ends the list */
    int64_t value;
} tern__harmless;
typedef struct tern__moved { /* an attribute of older sets that is an input now */
    const char *name;        /* NULL ends the list */
    int input;
    bool real; /* a float, else a list of ints */
} tern__moved;

typedef struct tern__traits {
    tern__locality locality;
    /* Optional, where locality is ANYWHERE: how places along an axis (2 or more) map, given
     * attributes, shapes and constants; false: they do not, the output sees everything. */
    bool (*sees)(const tern__infer *node, int axis, tern__sight *sight);
    tern__layer layer;
    bool normalisation; /* inputs 1 and 2, if there, are scale and shift of what it normalises */
    bool activation;    /* a nonlinearity that usually follows a layer */
    tern__activation fused_as; /* a step that `fuses` applies this instead, with its "alpha" */
    bool adds;                 /* y = a + b: a skip connection, or a bias apart from its layer */
    bool of_logits; /* makes a network's last values probabilities, or their logarithms */
    tern__nothing nothing;
    bool looks_up;   /* slices of input 0 along `axis`, chosen by the ids of input 1 */
    bool joins;      /* its inputs one behind the other along `axis` */
    int shape_input; /* the input that is the output's shape; 0: none */
    /* Optional: the axes of the input that its output's axes are; count 0: reversed. */
    const tern__ints *(*permutation)(const void *attributes);
    /* Optional: what it does to a channel at inference. weights[i]: the data of input i. */
    tern__affine (*affine)(const void *attributes, const float *const *weights, int64_t channel);
    /* Optional: whether y is the greatest of x [N, C, L] over L, and nothing else. */
    bool (*greatest)(const void *attributes, int n_inputs);
    /* Optional: the operator that computes this one and the greatest of what it gives; NULL: none.
     */
    const struct tern__op *(*with_greatest)(const void *attributes);
    /* For the loader. */
    const tern__harmless *harmless;
    const tern__moved *moved;
    bool settings;       /* inputs from 1 on say what it does: constants, whatever a file says */
    bool broadcast_flag; /* before set 7 it said where its second input goes */
    bool channels_once;  /* before set 7 a row as second input was one number for each channel */
} tern__traits;

typedef struct tern__op {
    const char *name;   /* ONNX's */
    const char *domain; /* "" is ONNX's own; "tern" never reaches an exported inference file */
    int min_inputs, max_inputs; /* max -1: any number */
    int min_outputs, max_outputs;
    size_t attribute_size;
    const tern__attribute *attributes; /* NULL: none */
    tern__layouts layouts;
    /* Optional: the layouts for these attributes and shapes, where it depends. */
    tern__layouts (*choose_layouts)(const void *attributes, const tern__shape *x,
                                    const tern__shape *y);
    unsigned needs; /* TERN__NEEDS_... */
    bool in_place;  /* forward may write outputs[0] over inputs[0], and backward input_grads[0] over
                       output_grads[0] */
    bool fuses;     /* takes a fused activation */
    bool own_activation_gradient;
    tern__traits traits;
    bool same_bytes; /* outputs[0] is inputs[0] under another shape: no work, the plan aliases
                        (forward/backward NULL) */
    tern_status (*infer)(tern__infer *in);
    tern_status (*prepare)(
        tern__step *step);          /* optional: sizes, algorithm; shapes known, data not */
    void (*pack)(tern__step *step); /* optional: constant weights into state, once */
    tern_status (*forward)(const tern__step *step); /* fails only for values that no check could see
                                                       before (ids out of range) */
    void (*backward)(const tern__step *step);       /* NULL: no gradient exists */
    double (*flops)(const tern__step *step);        /* optional: of forward; a multiply-add is 2 */
} tern__op;

/* The table. */
const tern__op *tern__op_find(const char *domain, const char *name);
extern const tern__op *const tern__ops[]; /* ends with NULL */

/* The derivative of a fused activation from its output: dy[i] *= f'(y[i]). */
void tern__activation_gradient(const tern_context *c, tern__activation activation, float alpha,
                               const float *y, float *dy, int64_t count);

#endif
