/* Training losses of one element and its target, in tern's own domain:
 * BinaryCrossEntropyWithLogits, SquaredError, AbsoluteError, Huber; the mean or sum of what
 * kernels/vector.h defines. Blocks of elements are summed each on its own and then in order, in
 * double precision. */
#include "ops.h"

typedef struct pointwise {
    tern__string reduction;
    float parameter; /* delta, positive_weight */
} pointwise;

enum { X, TARGET };

static tern__pointwise_loss kind_of(const tern__step *step) {
    if (step->op == &tern__op_squared_error) return TERN__LOSS_SQUARED;
    if (step->op == &tern__op_absolute_error) return TERN__LOSS_ABSOLUTE;
    return step->op == &tern__op_huber ? TERN__LOSS_HUBER : TERN__LOSS_BCE;
}

static tern_status infer(tern__infer *in) {
    const pointwise *a = in->attributes;
    char text[TERN__SHAPE_TEXT], other[TERN__SHAPE_TEXT];
    tern_status status;
    if ((status = tern__infer_type(in, X, TERN_FLOAT)) ||
        (status = tern__infer_type(in, TARGET, TERN_FLOAT)))
        return status;
    if (!tern__shape_fits(in->inputs[X], in->inputs[TARGET]))
        return tern__infer_fail(in, TERN_ERR_SHAPE, "target %s must have the shape of input %s",
                                tern__shape_text(in->inputs[TARGET], other, sizeof other),
                                tern__shape_text(in->inputs[X], text, sizeof text));
    if (strcmp(a->reduction.at, "mean") != 0 && strcmp(a->reduction.at, "sum") != 0)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "reduction '%s' is neither mean nor sum",
                                a->reduction.at);
    if (!(a->parameter >= 0))
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "%g must not be negative",
                                (double)a->parameter);
    in->outputs[0] = (tern__shape){.type = TERN_FLOAT};
    return TERN_OK;
}

typedef struct job {
    const tern__vector_kernels *kernels;
    tern__pointwise_loss kind;
    float parameter, factor;
    const float *x, *target;
    double *partial; /* one per block */
    float *gradient;
    bool add;
} job;

static tern_status prepare(tern__step *step) {
    size_t blocks = ((size_t)step->inputs[X]->count + TERN__BLOCK - 1) / TERN__BLOCK;
    step->workspace_size = blocks * sizeof(double);
    return TERN_OK;
}

static job make_job(const tern__step *step) {
    const pointwise *a = step->attributes;
    return (job){.kernels = tern__vector(step->context),
                 .kind = kind_of(step),
                 .parameter = a->parameter,
                 .x = step->inputs[X]->data,
                 .target = step->inputs[TARGET]->data,
                 .partial = step->workspace};
}

static double divisor(const tern__step *step) {
    bool mean = ((const pointwise *)step->attributes)->reduction.at[0] == 'm';
    return mean ? (double)step->inputs[X]->count : 1;
}

static void forward_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->partial[begin / TERN__BLOCK] =
        j->kernels->loss(j->kind, j->parameter, j->x + begin, j->target + begin, end - begin);
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    int64_t count = step->inputs[X]->count;
    tern__parallel_range(step->context, count, TERN__BLOCK, TERN__WORK_EXPONENTIAL, forward_range,
                         &j);
    double sum = 0;
    for (int64_t i = 0; i * TERN__BLOCK < count; i++) sum += j.partial[i];
    *(float *)step->outputs[0]->data = (float)(sum / divisor(step));
    return TERN_OK;
}

static void backward_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->loss_gradient(j->kind, j->parameter, j->x + begin, j->target + begin, j->factor,
                              j->gradient + begin, end - begin, j->add);
}

/* d/d(target) of (1 - t) x + (1 + (w - 1) t) s(-x): (w - 1) s(-x) - x, s(-x) = log(1 + e^-x). */
static void cross_entropy_target_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    for (int64_t i = begin; i < end; i++) {
        float negative = -j->x[i], soft;
        j->kernels->unary(TERN__UNARY_SOFTPLUS, 0, &negative, &soft, 1);
        float value = j->factor * ((j->parameter - 1) * soft + negative);
        j->gradient[i] = j->add ? j->gradient[i] + value : value;
    }
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    float dy = *(const float *)step->output_grads[0]->data;
    for (int i = X; i <= TARGET; i++) {
        if (!step->input_grads[i]) continue;
        bool special = i == TARGET && j.kind == TERN__LOSS_BCE;
        double sign = i == TARGET && !special ? -1 : 1; /* the others depend on x - t only */
        j.factor = (float)(sign * dy / divisor(step));
        j.gradient = step->input_grads[i]->data;
        j.add = step->accumulate[i];
        tern__parallel_range(step->context, step->inputs[X]->count, TERN__BLOCK,
                             TERN__WORK_EXPONENTIAL,
                             special ? cross_entropy_target_range : backward_range, &j);
    }
}

#define REDUCTION TERN__A_STRING(pointwise, reduction, "mean")
#define PARAMETER(title, standard)                                                                 \
    {                                                                                              \
        .name = title, .type = TERN_ATTRIBUTE_FLOAT, .offset = offsetof(pointwise, parameter),     \
        .f = standard                                                                              \
    }
static const tern__attribute plain[] = {REDUCTION, {0}};
static const tern__attribute huber[] = {REDUCTION, PARAMETER("delta", 1), {0}};
static const tern__attribute binary[] = {REDUCTION, PARAMETER("positive_weight", 1), {0}};

#define ROW                                                                                        \
    .domain = "tern", .min_inputs = 2, .max_inputs = 2, .min_outputs = 1, .max_outputs = 1,        \
    .attribute_size = sizeof(pointwise), .layouts = TERN__ONLY_PLAIN,                              \
    .needs = TERN__NEEDS_INPUT(X) | TERN__NEEDS_INPUT(TARGET), .infer = infer, .prepare = prepare, \
    .forward = forward, .backward = backward

const tern__op tern__op_squared_error = {.name = "SquaredError", ROW, .attributes = plain};
const tern__op tern__op_absolute_error = {.name = "AbsoluteError", ROW, .attributes = plain};
const tern__op tern__op_huber = {.name = "Huber", ROW, .attributes = huber};
const tern__op tern__op_binary_cross_entropy = {
    .name = "BinaryCrossEntropyWithLogits", ROW, .attributes = binary};
