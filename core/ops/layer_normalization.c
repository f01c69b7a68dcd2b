/* LayerNormalization (ONNX 17; Ba, Kiros & Hinton 2016): each row of the axes from `axis` on is
 * brought to mean 0 and variance 1, then scaled and shifted element by element. Optional outputs:
 * mean and 1 / deviation of each row. */
#include "ops.h"

#include "core/math/strided.h"

typedef struct layer_normalization {
    int64_t axis, stash_type;
    float epsilon;
} layer_normalization;

static const tern__attribute attributes[] = {TERN__A_INT(layer_normalization, axis, -1),
                                             TERN__A_INT(layer_normalization, stash_type, 1),
                                             TERN__A_FLOAT(layer_normalization, epsilon, 1e-5f),
                                             {0}};

enum { X, SCALE, BIAS };

static tern_status infer(tern__infer *in) {
    static const char *const names[] = {"x", "scale", "bias"};
    const tern__shape *x = in->inputs[X];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    int axis;
    tern_status status = tern__infer_type(in, X, TERN_FLOAT);
    if (!status)
        status = tern__infer_axis(in, ((const layer_normalization *)in->attributes)->axis, x->rank,
                                  &axis);
    if (status) return status;
    tern__shape row = {.type = TERN_FLOAT, .rank = x->rank - axis};
    memcpy(row.dims, x->dims + axis, (size_t)row.rank * sizeof *row.dims);
    for (int i = SCALE; i <= BIAS; i++) {
        if (i >= in->n_inputs || !in->inputs[i]) continue;
        if ((status = tern__infer_type(in, i, TERN_FLOAT))) return status;
        if (!tern__shape_fits(in->inputs[i], &row))
            return tern__infer_fail(
                in, TERN_ERR_SHAPE, "%s is %s and must be %s, the axes from %d on of input %s",
                names[i], tern__shape_text(in->inputs[i], other, sizeof other),
                tern__shape_text(&row, (char[TERN__SHAPE_TEXT]){0}, TERN__SHAPE_TEXT), axis,
                tern__shape_text(x, text, sizeof text));
    }
    in->outputs[0] = *x;
    for (int i = 1; i < in->n_outputs; i++) {
        in->outputs[i] = *x;
        for (int k = axis; k < x->rank; k++) in->outputs[i].dims[k] = 1;
    }
    return TERN_OK;
}

typedef struct job {
    const tern__step *step;
    const tern__vector_kernels *kernels;
    int64_t rows, n, block, blocks;
    const float *x, *scale, *bias, *dy;
    float *y, *dx;
    float *moments; /* [rows][2], state: mean, 1 / deviation; NULL at inference */
    float *partial; /* [blocks][2][each]: of dscale and dbias */
    size_t each;
} job;

static job make_job(const tern__step *step) {
    const tern__tensor *x = step->inputs[X];
    int64_t axis = ((const layer_normalization *)step->attributes)->axis;
    job j = {.step = step, .kernels = tern__vector(step->context), .n = 1, .x = x->data};
    for (int i = (int)(axis < 0 ? axis + x->rank : axis); i < x->rank; i++) j.n *= x->dims[i];
    j.rows = x->count / j.n;
    j.block = 2 * TERN__BLOCK / j.n;
    if (j.block < 16) j.block = 16; /* few partial sums */
    j.blocks = (j.rows + j.block - 1) / j.block;
    j.each = ((size_t)j.n + 15) / 16 * 16;
    j.scale = step->inputs[SCALE]->data;
    if (step->n_inputs > BIAS && step->inputs[BIAS]) j.bias = step->inputs[BIAS]->data;
    j.moments = step->training ? step->state : NULL;
    j.partial = step->workspace;
    return j;
}

static tern_status prepare(tern__step *step) {
    job j = make_job(step);
    if (step->training) {
        step->state_size = (size_t)j.rows * 2 * sizeof(float);
        step->backward_workspace_size = (size_t)j.blocks * 2 * j.each * sizeof(float);
    }
    return TERN_OK;
}

static void store(const tern__step *step, int output, int64_t row, float value) {
    if (step->n_outputs > output && step->outputs[output])
        ((float *)step->outputs[output]->data)[row] = value;
}

static int64_t end_of(const job *j, int64_t block) {
    return (block + 1) * j->block < j->rows ? (block + 1) * j->block : j->rows;
}

static void forward_block(void *arg, int64_t block, int worker) {
    (void)worker;
    const job *j = arg;
    float epsilon = ((const layer_normalization *)j->step->attributes)->epsilon, mean, inverse;
    for (int64_t row = block * j->block; row < end_of(j, block); row++) {
        j->kernels->row_moments(j->x + row * j->n, j->n, epsilon, &mean, &inverse);
        j->kernels->row_normalise(j->x + row * j->n, j->n, mean, inverse, j->scale, j->bias,
                                  j->y + row * j->n);
        store(j->step, 1, row, mean);
        store(j->step, 2, row, inverse);
        if (!j->moments) continue;
        j->moments[2 * row] = mean;
        j->moments[2 * row + 1] = inverse;
    }
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    j.y = step->outputs[0]->data;
    tern__parallel(step->context, j.blocks, j.block * j.n * 2, forward_block, &j);
    return TERN_OK;
}

static void backward_block(void *arg, int64_t block, int worker) {
    (void)worker;
    const job *j = arg;
    float *dscale = j->partial + (size_t)block * 2 * j->each, *dbias = dscale + j->each;
    memset(dscale, 0, 2 * j->each * sizeof(float));
    for (int64_t row = block * j->block; row < end_of(j, block); row++)
        j->kernels->row_normalise_gradient(j->x + row * j->n, j->dy + row * j->n, j->n,
                                           j->moments[2 * row], j->moments[2 * row + 1], j->scale,
                                           j->dx ? j->dx + row * j->n : NULL,
                                           j->step->accumulate[X], dscale, dbias);
}

static void join_weights(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    for (int input = SCALE; input <= BIAS; input++) {
        if (input >= j->step->n_inputs || !j->step->input_grads[input]) continue;
        float *to = j->step->input_grads[input]->data;
        for (int64_t i = begin; i < end; i++) {
            double sum = j->step->accumulate[input] ? to[i] : 0;
            for (int64_t b = 0; b < j->blocks; b++)
                sum += j->partial[((size_t)b * 2 + (input == BIAS)) * j->each + (size_t)i];
            to[i] = (float)sum;
        }
    }
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    j.dy = step->output_grads[0]->data;
    j.dx = step->input_grads[X] ? step->input_grads[X]->data : NULL;
    tern__parallel(step->context, j.blocks, j.block * j.n * 4, backward_block, &j);
    tern__parallel_range(step->context, j.n, 256, 2 * j.blocks, join_weights, &j);
}

static double flops(const tern__step *step) { return 8.0 * (double)step->inputs[X]->count; }

const tern__op tern__op_layer_normalization = {
    .name = "LayerNormalization",
    .domain = "",
    .min_inputs = 2,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 3,
    .attribute_size = sizeof(layer_normalization),
    .attributes = attributes,
    .layouts = TERN__ONLY_PLAIN,
    .needs = TERN__NEEDS_INPUT(X) | TERN__NEEDS_INPUT(SCALE),
    .in_place = true,
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .traits = {.normalisation = true,
               .harmless = (const tern__harmless[]){{"stash_type", 1}, {0}}}};
