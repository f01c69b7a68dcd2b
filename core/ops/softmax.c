/* Softmax and LogSoftmax along one axis (ONNX 13). */
#include "ops.h"

typedef struct softmax {
    int64_t axis;
} softmax;

static const tern__attribute attributes[] = {TERN__A_INT(softmax, axis, -1), {0}};

static tern_status infer(tern__infer *in) {
    int axis;
    tern_status status = tern__infer_type(in, 0, TERN_FLOAT);
    if (!status)
        status = tern__infer_axis(in, ((const softmax *)in->attributes)->axis, in->inputs[0]->rank,
                                  &axis);
    return status ? status : tern__infer_same(in);
}

typedef struct job {
    const tern__vector_kernels *kernels;
    bool logarithm, add;
    int64_t outer, length, inner, group, columns, chunks;
    const float *x, *y, *dy; /* x NULL: backward */
    float *to;
} job;

/* Rows that lie together, or (inner > 1) a chunk of columns of one outer entry. */
static void run_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    if (j->inner == 1) {
        int64_t first = item * j->group, at = first * j->length;
        int64_t rows = j->outer - first < j->group ? j->outer - first : j->group;
        if (j->x)
            j->kernels->softmax_rows(j->x + at, rows, j->length, j->logarithm, j->to + at);
        else
            j->kernels->softmax_rows_gradient(j->y + at, j->dy + at, rows, j->length, j->logarithm,
                                              j->to + at, j->add);
        return;
    }
    int64_t column = item % j->chunks * j->columns;
    int64_t at = item / j->chunks * j->length * j->inner + column;
    int64_t columns = j->inner - column < j->columns ? j->inner - column : j->columns;
    if (j->x)
        j->kernels->softmax_columns(j->x + at, j->length, j->inner, columns, j->logarithm,
                                    j->to + at);
    else
        j->kernels->softmax_columns_gradient(j->y + at, j->dy + at, j->length, j->inner, columns,
                                             j->logarithm, j->to + at, j->add);
}

static void run(const tern__step *step, job *j) {
    const tern__tensor *y = step->outputs[0];
    int64_t axis = ((const softmax *)step->attributes)->axis;
    j->kernels = tern__vector(step->context);
    j->logarithm = step->op == &tern__op_log_softmax;
    tern__around_axis(y, (int)(axis < 0 ? axis + y->rank : axis), &j->outer, &j->length, &j->inner);
    j->group = j->length < TERN__BLOCK ? TERN__BLOCK / j->length : 1;
    j->columns = 256;
    j->chunks = (j->inner + j->columns - 1) / j->columns;
    int64_t items = j->inner == 1 ? (j->outer + j->group - 1) / j->group : j->outer * j->chunks;
    tern__parallel(step->context, items, items ? TERN__WORK_EXPONENTIAL * y->count / items : 0,
                   run_item, j);
}

static tern_status forward(const tern__step *step) {
    job j = {.x = step->inputs[0]->data, .to = step->outputs[0]->data};
    run(step, &j);
    return TERN_OK;
}

static void backward(const tern__step *step) {
    job j = {.y = step->outputs[0]->data,
             .dy = step->output_grads[0]->data,
             .to = step->input_grads[0]->data,
             .add = step->accumulate[0]};
    run(step, &j);
}

static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    (void)axis, (void)sight;
    sight->all_inputs = true;
    return tern__is_channel_axis(in, ((const softmax *)in->attributes)->axis);
}

#define ROW                                                                                        \
    .domain = "", .min_inputs = 1, .max_inputs = 1, .min_outputs = 1, .max_outputs = 1,            \
    .attribute_size = sizeof(softmax), .attributes = attributes, .layouts = TERN__ANY_LAYOUT,      \
    .needs = TERN__NEEDS_OUTPUT(0), .in_place = true, .infer = infer, .forward = forward,          \
    .backward = backward, .traits.sees = sees, .traits.of_logits = true

const tern__op tern__op_softmax = {.name = "Softmax", ROW};
const tern__op tern__op_log_softmax = {.name = "LogSoftmax", ROW};
