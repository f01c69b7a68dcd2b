/* BatchNormalization (ONNX 15; Ioffe & Szegedy 2015).
 *
 * y = activation((x - mean) / sqrt(variance + epsilon) * scale + bias) per channel, over rows of
 * [rows, C] (channels-last, or rank 2). Training: mean and variance of the batch; the running ones,
 * inputs 3 and 4, move by running = momentum * running + (1 - momentum) * batch, with the
 * population's variance. One pass gathers the statistics, one writes; backward reads x and dy twice
 * and makes the activation's derivative from x again. Rows are cut into blocks by the shape alone;
 * blocks are combined in order, in double precision. */
#include "ops.h"

#include <math.h>

typedef struct batch_normalization {
    float epsilon, momentum;
    int64_t training_mode;
} batch_normalization;

static const tern__attribute attributes[] = {TERN__A_FLOAT(batch_normalization, epsilon, 1e-5f),
                                             TERN__A_FLOAT(batch_normalization, momentum, 0.9f),
                                             TERN__A_INT(batch_normalization, training_mode, 0),
                                             {0}};

enum { X, SCALE, BIAS, MEAN, VARIANCE };
enum { JOINED = 64 }; /* channels whose blocks are joined at a time */

static tern_status infer(tern__infer *in) {
    static const char *const names[] = {"x", "scale", "bias", "mean", "variance"};
    const tern__shape *x = in->inputs[X];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    tern_status status = tern__infer_type(in, X, TERN_FLOAT);
    if (status) return status;
    if (x->rank < 2)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "input %s must be [N, C, ...]",
                                tern__shape_text(x, text, sizeof text));
    for (int i = SCALE; i <= VARIANCE; i++) {
        if ((status = tern__infer_type(in, i, TERN_FLOAT))) return status;
        const tern__shape channels = {TERN_FLOAT, 1, {x->dims[1]}};
        if (!tern__shape_fits(in->inputs[i], &channels))
            return tern__infer_fail(in, TERN_ERR_SHAPE,
                                    "%s is %s and must hold one number for each of the %lld "
                                    "channels of input %s",
                                    names[i], tern__shape_text(in->inputs[i], other, sizeof other),
                                    (long long)x->dims[1], tern__shape_text(x, text, sizeof text));
    }
    in->outputs[0] = *x;
    for (int i = 1; i < in->n_outputs; i++) in->outputs[i] = *in->inputs[MEAN + i - 1];
    return TERN_OK;
}

/* ---- geometry and memory ---- */

typedef struct job {
    const tern__step *step;
    const tern__vector_kernels *kernels;
    int64_t rows, columns, block, blocks;
    const float *x, *dy;
    float *y;              /* or dx */
    float *first, *second; /* [blocks][columns]: partial sums */
    tern__channels channels;
    float *mean, *inverse, *scale, *shift; /* [columns] */
    float *slope, *offset;                 /* [columns]: of the gradient */
} job;

static bool by_batch(const tern__step *step) {
    return step->training || ((const batch_normalization *)step->attributes)->training_mode;
}

static size_t padded(int64_t columns) { return ((size_t)columns + 15) / 16 * 16; }

static job make_job(const tern__step *step) {
    const tern__tensor *x = step->inputs[X];
    job j = {.step = step, .x = x->data, .columns = x->dims[1]};
    j.kernels = tern__vector(step->context);
    j.rows = j.columns ? x->count / j.columns : 0;
    j.block = TERN__BLOCK / (j.columns ? j.columns : 1);
    if (j.block < 16) j.block = 16;
    j.blocks = (j.rows + j.block - 1) / j.block;
    /* What backward needs stays in the state; otherwise all is in the workspace. */
    size_t each = padded(j.columns);
    float *keep = step->training ? step->state : step->workspace;
    if (keep) {
        j.mean = keep;
        j.inverse = keep + each;
        j.scale = keep + 2 * each;
        j.shift = keep + 3 * each;
    }
    float *work = step->workspace;
    if (work) {
        if (!step->training) work += 4 * each;
        j.slope = work;
        j.offset = work + each;
        j.first = work + 2 * each;
        j.second = j.first + (size_t)j.blocks * each;
    }
    j.channels =
        (tern__channels){j.scale, j.shift, j.mean, step->activation, step->activation_alpha};
    return j;
}

static tern_status prepare(tern__step *step) {
    job j = make_job(step);
    size_t each = padded(j.columns) * sizeof(float);
    size_t sums = (2 + 2 * (size_t)j.blocks) * each;
    if (step->training) {
        step->state_size = 4 * each;
        step->workspace_size = sums;
        step->backward_workspace_size = sums;
    } else {
        step->workspace_size = 4 * each + (by_batch(step) ? sums : 0);
    }
    return TERN_OK;
}

static int64_t rows_of(const job *j, int64_t block) {
    int64_t left = j->rows - block * j->block;
    return left < j->block ? left : j->block;
}

/* ---- forward ---- */

/* Sums of a block's rows, less its first row: so that the squares do not drown in a large mean. */
static void gather_block(void *arg, int64_t block, int worker) {
    (void)worker;
    const job *j = arg;
    const float *x = j->x + block * j->block * j->columns;
    size_t at = (size_t)block * padded(j->columns);
    j->kernels->channel_sums(x, rows_of(j, block), j->columns, x, j->first + at, j->second + at);
}

/* Joins the blocks of channels [begin, end), at most JOINED (Chan, Golub & LeVeque 1979). */
static void join_channels(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    const batch_normalization *a = j->step->attributes;
    const float *scale = j->step->inputs[SCALE]->data, *bias = j->step->inputs[BIAS]->data;
    double mean[JOINED] = {0}, squares[JOINED] = {0}, count = 0;
    int64_t channels = end - begin;
    for (int64_t b = 0; b < j->blocks; b++) {
        const float *first_row = j->x + b * j->block * j->columns + begin;
        const float *sum = j->first + (size_t)b * padded(j->columns) + begin;
        const float *square = j->second + (size_t)b * padded(j->columns) + begin;
        double n = (double)rows_of(j, b), part = 1 / n;
        double share = n / (count + n), weight = count * n / (count + n);
        for (int64_t c = 0; c < channels; c++) {
            double own_mean = sum[c] * part, d = first_row[c] + own_mean - mean[c];
            squares[c] += square[c] - sum[c] * own_mean + d * d * weight;
            mean[c] += d * share;
        }
        count += n;
    }
    for (int64_t c = begin; c < end; c++) {
        double variance = squares[c - begin] < 0 ? 0 : squares[c - begin] / count;
        double inverse = 1 / sqrt(variance + a->epsilon);
        j->mean[c] = (float)mean[c - begin];
        j->inverse[c] = (float)inverse;
        j->scale[c] = (float)(scale[c] * inverse);
        j->shift[c] = (float)(bias[c] - mean[c - begin] * scale[c] * inverse);
        j->slope[c] = (float)variance; /* until the running statistics have it */
    }
}

/* Outputs 1 and 2 are the running statistics that result: without a batch's own, those that are. */
static void move_running(const job *j) {
    const tern__step *step = j->step;
    double momentum = ((const batch_normalization *)step->attributes)->momentum;
    bool moves = by_batch(step);
    for (int i = 0; i < 2; i++) {
        const float *batch = i ? j->slope : j->mean;
        float *running = step->inputs[MEAN + i]->data;
        tern__tensor *wanted = step->n_outputs > 1 + i ? step->outputs[1 + i] : NULL;
        for (int64_t c = 0; c < j->columns; c++) {
            float moved = running[c];
            if (moves) moved = (float)(momentum * running[c] + (1 - momentum) * batch[c]);
            if (wanted) ((float *)wanted->data)[c] = moved;
            if (step->training) running[c] = moved;
        }
    }
}

static void use_running(const job *j) {
    const batch_normalization *a = j->step->attributes;
    tern__tensor **in = j->step->inputs;
    const float *scale = in[SCALE]->data, *bias = in[BIAS]->data;
    const float *mean = in[MEAN]->data, *variance = in[VARIANCE]->data;
    for (int64_t c = 0; c < j->columns; c++) {
        double factor = scale[c] / sqrt((double)variance[c] + a->epsilon);
        j->scale[c] = (float)factor;
        j->shift[c] = (float)(bias[c] - mean[c] * factor);
    }
}

static void write_block(void *arg, int64_t block, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t at = block * j->block * j->columns;
    j->kernels->channel_apply(j->x + at, rows_of(j, block), j->columns, &j->channels, j->y + at);
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    j.y = step->outputs[0]->data;
    if (by_batch(step)) {
        tern__parallel(step->context, j.blocks, j.block * j.columns, gather_block, &j);
        tern__parallel_range(step->context, j.columns, JOINED, 2 * j.blocks, join_channels, &j);
    } else {
        use_running(&j);
    }
    move_running(&j);
    tern__parallel(step->context, j.blocks, 2 * j.block * j.columns, write_block, &j);
    return TERN_OK;
}

/* ---- backward, of batch statistics ---- */

static void gather_gradient_block(void *arg, int64_t block, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t from = block * j->block * j->columns;
    size_t at = (size_t)block * padded(j->columns);
    j->kernels->channel_gradient_sums(j->x + from, j->dy + from, rows_of(j, block), j->columns,
                                      &j->channels, j->first + at, j->second + at);
}

static void put(const tern__step *step, int input, int64_t c, double value) {
    if (!step->input_grads[input]) return;
    float *to = (float *)step->input_grads[input]->data + c;
    *to = step->accumulate[input] ? *to + (float)value : (float)value;
}

/* With g = dy activation', z = (x - mean) / deviation: dbias = sum g, dscale = sum g z, and
 * dx = scale / deviation * (g - mean g - z mean(g z)). */
static void join_gradients(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    double sum_g[JOINED] = {0}, sum_gx[JOINED] = {0};
    for (int64_t b = 0; b < j->blocks; b++) {
        size_t at = (size_t)b * padded(j->columns) + (size_t)begin;
        for (int64_t c = 0; c < end - begin; c++) {
            sum_g[c] += j->first[at + (size_t)c];
            sum_gx[c] += j->second[at + (size_t)c];
        }
    }
    for (int64_t c = begin; c < end; c++) {
        double inverse = j->inverse[c], factor = -j->scale[c] / (double)j->rows;
        put(j->step, BIAS, c, sum_g[c - begin]);
        put(j->step, SCALE, c, sum_gx[c - begin] * inverse);
        j->slope[c] = (float)(factor * inverse * inverse * sum_gx[c - begin]);
        j->offset[c] = (float)(factor * sum_g[c - begin]);
    }
}

static void write_gradient_block(void *arg, int64_t block, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t at = block * j->block * j->columns;
    j->kernels->channel_gradient_apply(j->x + at, j->dy + at, rows_of(j, block), j->columns,
                                       &j->channels, j->slope, j->offset, j->y + at,
                                       j->step->accumulate[X]);
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    j.dy = step->output_grads[0]->data;
    tern__parallel(step->context, j.blocks, 2 * j.block * j.columns, gather_gradient_block, &j);
    tern__parallel_range(step->context, j.columns, JOINED, 2 * j.blocks, join_gradients, &j);
    if (!step->input_grads[X]) return;
    j.y = step->input_grads[X]->data;
    tern__parallel(step->context, j.blocks, 3 * j.block * j.columns, write_gradient_block, &j);
}

static double flops(const tern__step *step) { return 2.0 * (double)step->inputs[X]->count; }

static tern__affine affine(const void *a, const float *const *weights, int64_t c) {
    const float epsilon = ((const batch_normalization *)a)->epsilon;
    return (tern__affine){weights[MEAN][c],
                          weights[SCALE][c] / sqrt((double)weights[VARIANCE][c] + (double)epsilon),
                          weights[BIAS][c]};
}

const tern__op tern__op_batch_normalization = {
    .name = "BatchNormalization",
    .domain = "",
    .min_inputs = 5,
    .max_inputs = 5,
    .min_outputs = 1,
    .max_outputs = 3,
    .attribute_size = sizeof(batch_normalization),
    .attributes = attributes,
    .layouts = TERN__ONLY_LAST,
    .needs = TERN__NEEDS_INPUT(X) | TERN__NEEDS_INPUT(SCALE) | TERN__NEEDS_INPUT(BIAS),
    .in_place = true,
    .fuses = true,
    .own_activation_gradient = true,
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .traits = {.locality = TERN__BY_PLACE,
               .normalisation = true,
               .affine = affine,
               .harmless = (const tern__harmless[]){{"spatial", 1}, {"training_mode", 0}, {0}}}};
