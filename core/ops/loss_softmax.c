/* SoftmaxCrossEntropy, a training loss in tern's own domain.
 *
 * Logits [N, C, spatial...] in rows of C (channels-last). Target: class numbers, int64 [N,
 * spatial...], or probabilities, float of the logits' shape. Optional weights [C]. With label
 * smoothing e and p = softmax: numbers: row loss = (1 - e) w[t] (-log p[t]) + e / C sum_c w[c]
 * (-log p[c]); mean: sum / sum of w[t] probabilities: row loss = sum_c w[c] q[c] (-log p[c]), q =
 * (1 - e) t + e / C; mean: sum / rows (PyTorch's definitions). Rows whose target is ignore_index
 * count nowhere; if no row counts the loss is 0. */
#include "ops.h"

#include <math.h>

typedef struct cross_entropy {
    int64_t ignore_index;
    float label_smoothing;
    tern__string reduction;
} cross_entropy;

static const tern__attribute attributes[] = {TERN__A_INT(cross_entropy, ignore_index, -100),
                                             TERN__A_FLOAT(cross_entropy, label_smoothing, 0),
                                             TERN__A_STRING(cross_entropy, reduction, "mean"),
                                             {0}};

enum { LOGITS, TARGET, WEIGHTS };

static tern_status infer(tern__infer *in) {
    const cross_entropy *a = in->attributes;
    const tern__shape *x = in->inputs[LOGITS], *t = in->inputs[TARGET];
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    tern_status status = tern__infer_type(in, LOGITS, TERN_FLOAT);
    if (status) return status;
    tern__shape_text(x, text, sizeof text);
    tern__shape_text(t, other, sizeof other);
    if (x->rank < 2)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "logits %s must be [N, C, ...]", text);
    tern__shape expected = *x;
    if (t->type == TERN_INT64) {
        expected.rank--;
        memmove(expected.dims + 1, x->dims + 2, (size_t)(x->rank - 2) * sizeof *x->dims);
    }
    if (!tern__shape_fits(t, &expected))
        return tern__infer_fail(in, TERN_ERR_SHAPE,
                                "target %s does not fit logits %s: class numbers are [N, ...], "
                                "probabilities of the logits' shape",
                                other, text);
    if (in->n_inputs > WEIGHTS && in->inputs[WEIGHTS]) {
        const tern__shape channels = {TERN_FLOAT, 1, {x->dims[1]}};
        if ((status = tern__infer_type(in, WEIGHTS, TERN_FLOAT))) return status;
        if (!tern__shape_fits(in->inputs[WEIGHTS], &channels))
            return tern__infer_fail(in, TERN_ERR_SHAPE, "weights %s for the %lld classes of %s",
                                    tern__shape_text(in->inputs[WEIGHTS], other, sizeof other),
                                    (long long)x->dims[1], text);
    }
    if (!(a->label_smoothing >= 0 && a->label_smoothing <= 1))
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "label_smoothing %g must be 0 to 1",
                                (double)a->label_smoothing);
    if (strcmp(a->reduction.at, "mean") != 0 && strcmp(a->reduction.at, "sum") != 0)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "reduction '%s' is neither mean nor sum",
                                a->reduction.at);
    in->outputs[0] = (tern__shape){.type = TERN_FLOAT};
    return TERN_OK;
}

/* ---- geometry and memory ---- */

typedef struct job {
    const tern__step *step;
    const tern__vector_kernels *kernels;
    int64_t rows, classes, spatial, block, blocks;
    const float *x, *probabilities, *weights;
    const int64_t *numbers; /* NULL: probabilities */
    int64_t ignore;
    float smoothing, factor;
    float *log_sums; /* [rows], state: log sum e^x */
    double *total;   /* [2], state: of losses, of what a mean divides by */
    double *partial; /* [blocks][2] */
    float *scratch;  /* per worker */
    size_t scratch_each;
    float *dx;
} job;

static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static job make_job(const tern__step *step) {
    const cross_entropy *a = step->attributes;
    const tern__tensor *x = step->inputs[LOGITS], *t = step->inputs[TARGET];
    job j = {.step = step, .kernels = tern__vector(step->context), .x = x->data};
    j.classes = x->dims[1];
    j.rows = j.classes ? x->count / j.classes : 0;
    j.spatial = x->dims[0] ? j.rows / x->dims[0] : 0;
    j.block = TERN__BLOCK / (j.classes ? j.classes : 1);
    if (j.block < 1) j.block = 1;
    j.blocks = (j.rows + j.block - 1) / j.block;
    if (t->type == TERN_INT64)
        j.numbers = t->data;
    else
        j.probabilities = t->data;
    if (step->n_inputs > WEIGHTS && step->inputs[WEIGHTS]) j.weights = step->inputs[WEIGHTS]->data;
    j.ignore = a->ignore_index;
    j.smoothing = a->label_smoothing;
    j.scratch_each = padded((size_t)(j.block + j.block * j.classes) * sizeof(float));
    j.log_sums = step->state;
    char *work = step->workspace;
    if (step->state)
        j.total = (double *)((char *)step->state + padded((size_t)j.rows * sizeof(float)));
    if (work) {
        j.partial = (double *)work;
        j.scratch = (float *)(work + padded((size_t)j.blocks * 2 * sizeof(double)));
    }
    return j;
}

static tern_status prepare(tern__step *step) {
    job j = make_job(step);
    step->state_size = padded((size_t)j.rows * sizeof(float)) + 64;
    step->workspace_size = padded((size_t)j.blocks * 2 * sizeof(double)) +
                           (size_t)step->context->threads * j.scratch_each;
    step->backward_workspace_size = step->workspace_size;
    return TERN_OK;
}

static float weight(const job *j, int64_t c) { return j->weights ? j->weights[c] : 1; }

/* Probability of class c in the target of a row; the target is plain, [N, C, spatial...]. */
static float probability(const job *j, int64_t row, int64_t c) {
    int64_t n = row / j->spatial, s = row % j->spatial;
    return j->probabilities[(n * j->classes + c) * j->spatial + s];
}

/* ---- forward ---- */

/* Loss of a row and what it adds to the divisor of the mean. */
static double row_loss(const job *j, int64_t row, double *divisor) {
    const float *x = j->x + row * j->classes;
    double log_sum = j->log_sums[row], uniform = j->smoothing / (double)j->classes, loss = 0;
    if (j->numbers) {
        int64_t t = j->numbers[row];
        if (t == j->ignore) return 0;
        *divisor += weight(j, t);
        loss = (1 - (double)j->smoothing) * weight(j, t) * (log_sum - x[t]);
        for (int64_t c = 0; uniform > 0 && c < j->classes; c++)
            loss += uniform * weight(j, c) * (log_sum - x[c]);
        return loss;
    }
    *divisor += 1;
    for (int64_t c = 0; c < j->classes; c++) {
        double q = (1 - (double)j->smoothing) * probability(j, row, c) + uniform;
        if (q != 0) loss += q * weight(j, c) * (log_sum - x[c]);
    }
    return loss;
}

static void forward_block(void *arg, int64_t block, int worker) {
    const job *j = arg;
    int64_t begin = block * j->block, end = begin + j->block < j->rows ? begin + j->block : j->rows;
    float *scratch = (float *)((char *)j->scratch + (size_t)worker * j->scratch_each);
    j->kernels->log_sum_exp(j->x + begin * j->classes, end - begin, j->classes, scratch,
                            j->log_sums + begin);
    double sum = 0, divisor = 0;
    for (int64_t row = begin; row < end; row++) sum += row_loss(j, row, &divisor);
    j->partial[2 * block] = sum;
    j->partial[2 * block + 1] = divisor;
}

static tern_status check_numbers(const job *j) {
    for (int64_t row = 0; j->numbers && row < j->rows; row++) {
        int64_t t = j->numbers[row];
        if ((t < 0 || t >= j->classes) && t != j->ignore)
            return tern__fail(j->step->context, TERN_ERR_ARGUMENT,
                              "SoftmaxCrossEntropy '%s': target %lld at position %lld is not a "
                              "class number 0..%lld",
                              j->step->name ? j->step->name : "", (long long)t, (long long)row,
                              (long long)j->classes - 1);
    }
    return TERN_OK;
}

static bool is_mean(const job *j) {
    return ((const cross_entropy *)j->step->attributes)->reduction.at[0] == 'm';
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    tern_status status = check_numbers(&j);
    if (status) return status;
    tern__parallel(step->context, j.blocks, j.block * j.classes * TERN__WORK_EXPONENTIAL,
                   forward_block, &j);
    double sum = 0, divisor = 0;
    for (int64_t b = 0; b < j.blocks; b++) {
        sum += j.partial[2 * b];
        divisor += j.partial[2 * b + 1];
    }
    if (!is_mean(&j)) divisor = 1;
    j.total[0] = sum;
    j.total[1] = divisor;
    *(float *)step->outputs[0]->data = divisor != 0 ? (float)(sum / divisor) : 0;
    return TERN_OK;
}

/* ---- backward ---- */

/* dlogit[c] = factor (p[c] sum_k m[k] - m[c]), where m is what multiplies -log p. */
static void backward_row(const job *j, int64_t row, float *p, float *dx, bool add) {
    const float uniform = j->smoothing / (float)j->classes, hard = 1 - j->smoothing;
    int64_t t = j->numbers ? j->numbers[row] : 0, classes = j->classes;
    if (j->numbers && t == j->ignore) {
        if (!add) memset(dx, 0, (size_t)classes * sizeof *dx);
        return;
    }
    if (j->numbers && uniform == 0) { /* the usual case */
        float w = j->factor * weight(j, t);
        j->kernels->scale(p, w, dx, classes, add);
        dx[t] -= w;
        return;
    }
    float sum = 0;
    for (int64_t c = 0; c < classes; c++) {
        float q = j->numbers ? (c == t ? hard * weight(j, t) : 0)
                             : hard * probability(j, row, c) * weight(j, c);
        sum += q + uniform * weight(j, c);
    }
    for (int64_t c = 0; c < classes; c++) {
        float q = j->numbers ? (c == t ? hard * weight(j, t) : 0)
                             : hard * probability(j, row, c) * weight(j, c);
        float value = j->factor * (p[c] * sum - (q + uniform * weight(j, c)));
        dx[c] = add ? dx[c] + value : value;
    }
}

static void backward_block(void *arg, int64_t block, int worker) {
    const job *j = arg;
    int64_t begin = block * j->block, end = begin + j->block < j->rows ? begin + j->block : j->rows;
    int64_t classes = j->classes, count = (end - begin) * classes;
    float *p = (float *)((char *)j->scratch + (size_t)worker * j->scratch_each);
    for (int64_t row = begin; row < end; row++)
        for (int64_t c = 0; c < classes; c++)
            p[(row - begin) * classes + c] = j->x[row * classes + c] - j->log_sums[row];
    j->kernels->unary(TERN__UNARY_EXP, 0, p, p, count);
    for (int64_t row = begin; row < end; row++)
        backward_row(j, row, p + (row - begin) * classes, j->dx + row * classes,
                     j->step->accumulate[LOGITS]);
}

/* d/d(probabilities), for whoever differentiates by the target: (1 - e) w[c] (-log p[c]). */
static void backward_target(const job *j) {
    float *dt = j->step->input_grads[TARGET]->data;
    for (int64_t row = 0; row < j->rows; row++)
        for (int64_t c = 0; c < j->classes; c++) {
            int64_t n = row / j->spatial, s = row % j->spatial;
            float *to = dt + (n * j->classes + c) * j->spatial + s;
            float value = j->factor * (1 - j->smoothing) * weight(j, c) *
                          (j->log_sums[row] - j->x[row * j->classes + c]);
            *to = j->step->accumulate[TARGET] ? *to + value : value;
        }
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    float dy = *(const float *)step->output_grads[0]->data;
    j.factor = j.total[1] != 0 ? (float)(dy / j.total[1]) : 0;
    if (step->input_grads[LOGITS]) {
        j.dx = step->input_grads[LOGITS]->data;
        tern__parallel(step->context, j.blocks, j.block * j.classes * TERN__WORK_EXPONENTIAL,
                       backward_block, &j);
    }
    if (j.probabilities && step->input_grads[TARGET]) backward_target(&j);
}

const tern__op tern__op_softmax_cross_entropy = {
    .name = "SoftmaxCrossEntropy",
    .domain = "tern",
    .min_inputs = 2,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .attribute_size = sizeof(cross_entropy),
    .attributes = attributes,
    .layouts = TERN__ONLY_LAST,
    .needs = TERN__NEEDS_INPUT(LOGITS) | TERN__NEEDS_INPUT(TARGET) | TERN__NEEDS_INPUT(WEIGHTS),
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward};
