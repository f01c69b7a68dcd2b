/* Runs a table of operators through everything an operator promises. One row: an operator, its
 * attributes, the shapes of its inputs and what kind of numbers to fill them with. For every row,
 * at every instruction set level of this CPU, with plain and with channels-last neighbours:
 *   - shapes and forward against the double-precision reference, with all working memory
 *     filled with NaN first;
 *   - backward against central differences of that reference;
 *   - gradients that are added to others;
 *   - the same bits for 1, 2 and 3 threads, and, in inference, for a batch cut into single entries;
 *   - a clean error and no leak when allocation i fails, for every i;
 *   - the same bits after saving to a file and loading. */
#ifndef TERN_TESTS_OPS_HARNESS_H
#define TERN_TESTS_OPS_HARNESS_H

#include "reference.h"

#include <tern/tern.h>

typedef enum op_kind {
    OP_NONE,     /* an absent optional input; after the last one the list ends */
    OP_FLOATS,   /* an input of the graph */
    OP_INTS,     /* an int64 input of the graph, from data */
    OP_CONSTANT, /* float constant from data or values */
    OP_LIST,     /* int64 constant from data */
    OP_BUFFER    /* running statistics */
} op_kind;

typedef enum op_values {
    OP_NORMAL,     /* 0.1 to 2 in size, either sign: away from 0 */
    OP_WIDE,       /* 0.1 to 5 in size, away from 3 too */
    OP_DISTINCT,   /* multiples of 1/16, each once */
    OP_POSITIVE,   /* 0.5 to 2 */
    OP_PROBABILITY /* 0.05 to 0.95 */
} op_values;

typedef struct op_input {
    op_kind kind;
    op_values values;
    int rank;
    int64_t dims[TERN_MAX_RANK];
    const double *data;
    double offset; /* added to the values */
    bool whole;    /* dims[0] is not the batch */
} op_input;

enum { OP_MOST_INPUTS = 8 };

typedef struct op_row {
    const char *title, *domain, *op; /* domain NULL: ONNX's */
    reference_function *reference;
    op_input inputs[OP_MOST_INPUTS];
    tern_attribute attributes[8];
    int outputs;      /* 0: 1 */
    const char *then; /* an activation that the plan may fuse */
    reference_function *then_reference;
    tern_attribute then_attribute;
    double tolerance, gradient_tolerance; /* 0: 2e-6 and 1e-5, of the largest number */
    bool one_piece;   /* entries of the batch depend on each other, or there is none */
    bool no_gradient; /* integers come out */
    bool train_only;  /* a loss: never saved */
    bool alias;       /* the output may be the input's bytes: no gradients of their own for two */
} op_row;

#define OP_DIMS(...)                                                                               \
    .rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .dims = {__VA_ARGS__}
#define OP_FLOAT(...)                                                                              \
    { .kind = OP_FLOATS, OP_DIMS(__VA_ARGS__) }
#define OP_FLOAT_OF(kind_of_values, ...)                                                           \
    { .kind = OP_FLOATS, .values = kind_of_values, OP_DIMS(__VA_ARGS__) }
#define OP_WEIGHT(...)                                                                             \
    { .kind = OP_FLOATS, .whole = true, OP_DIMS(__VA_ARGS__) }
#define OP_NUMBERS(...)                                                                            \
    {                                                                                              \
        .kind = OP_LIST, .whole = true, .rank = 1,                                                 \
        .dims = {(int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))},                     \
        .data = (const double[]) {                                                                 \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define OP_INTS_ATTRIBUTE(name, ...)                                                               \
    {                                                                                              \
        (name), TERN_ATTRIBUTE_INTS, 0, 0, NULL, (const int64_t[]){__VA_ARGS__},                   \
            sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)                                     \
    }
#define OP_INT_ATTRIBUTE(name, value)                                                              \
    { (name), TERN_ATTRIBUTE_INT, (value), 0, NULL, NULL, 0 }
#define OP_REAL_ATTRIBUTE(name, value)                                                             \
    { (name), TERN_ATTRIBUTE_FLOAT, 0, (value), NULL, NULL, 0 }
#define OP_TEXT_ATTRIBUTE(name, value)                                                             \
    { (name), TERN_ATTRIBUTE_STRING, 0, 0, (value), NULL, 0 }

/* One cmocka test per row; returns the number of failures. */
int op_rows_run(const char *group, const op_row *rows, size_t count);

/* Wrong uses: the graph must refuse the row (of which only the names, inputs and attributes count)
 * with a sentence that holds the text. */
typedef struct op_mistake {
    op_row row;
    tern_status status;
    const char *text;
} op_mistake;
int op_mistakes_run(const char *group, const op_mistake *mistakes, size_t count);

#endif
