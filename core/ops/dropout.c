/* Dropout (ONNX 13; Srivastava et al. 2014). Training: each element stays with probability
 * 1 - ratio and is divided by it, else becomes 0. Element i of memory draws word i of the Philox
 * stream that the seed, the step's number in the plan and the number of the training step name.
 * Inference: nothing happens. */
#include "ops.h"

enum { X, RATIO, DEFAULT_PERCENT = 50 };

static tern_status infer(tern__infer *in) {
    tern_status status = tern__infer_type(in, X, TERN_FLOAT);
    if (status) return status;
    if (in->n_inputs > RATIO && in->inputs[RATIO]) {
        if ((status = tern__infer_type(in, RATIO, TERN_FLOAT))) return status;
        const float *ratio = in->constants[RATIO];
        if (!ratio || tern__shape_count(in->inputs[RATIO]) != 1)
            return tern__infer_fail(in, TERN_ERR_UNSUPPORTED, "the ratio must be one constant");
        if (!(*ratio >= 0 && *ratio < 1))
            return tern__infer_fail(in, TERN_ERR_ARGUMENT,
                                    "ratio %g must be at least 0 and below 1", (double)*ratio);
    }
    in->outputs[0] = *in->inputs[X];
    if (in->n_outputs > 1) { /* the mask, 1 where an element stays */
        in->outputs[1] = *in->inputs[X];
        in->outputs[1].type = TERN_INT64;
    }
    return TERN_OK;
}

static float ratio_of(const tern__step *step) {
    if (step->n_inputs > RATIO && step->inputs[RATIO])
        return *(const float *)step->inputs[RATIO]->data;
    return DEFAULT_PERCENT / 100.0f;
}

static tern_status prepare(tern__step *step) {
    if (step->training) step->state_size = (size_t)step->inputs[X]->count;
    return TERN_OK;
}

typedef struct job {
    const tern__vector_kernels *kernels;
    const float *x;
    float *y;
    uint8_t *keep;
    uint64_t seed, stream;
    uint32_t threshold;
    float factor;
    bool add, draw;
} job;

static void run_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    int64_t n = end - begin;
    if (j->draw)
        j->kernels->dropout_mask(j->seed, j->stream, (uint64_t)begin, j->threshold, j->keep + begin,
                                 n);
    j->kernels->dropout_apply(j->x + begin, j->keep + begin, j->factor, j->y + begin, n, j->add);
}

static job make_job(const tern__step *step) {
    float ratio = ratio_of(step);
    return (job){.kernels = tern__vector(step->context),
                 .keep = step->state,
                 .seed = step->seed,
                 .stream = tern__random_stream(step->number, step->draw, 0),
                 .threshold = (uint32_t)(4294967296.0 * (double)ratio),
                 .factor = 1 / (1 - ratio)};
}

/* Whole numbers are always plain, whereas what was drawn lies as x does. */
static void write_mask(const tern__step *step) {
    const tern__tensor *x = step->inputs[X], *mask = step->n_outputs > 1 ? step->outputs[1] : NULL;
    if (!mask) return;
    const uint8_t *keep = step->training ? step->state : NULL;
    int64_t channels = x->layout == TERN__LAST ? x->dims[1] : 1, *to = mask->data;
    int64_t places = x->layout == TERN__LAST ? x->count / (x->dims[0] * channels) : 1;
    int64_t picture = channels * places;
    for (int64_t i = 0; i < x->count; i++) {
        int64_t within = i % picture; /* [places, channels] there, [channels, places] here */
        int64_t plain = i - within + within % channels * places + within / channels;
        to[plain] = keep ? keep[i] : 1;
    }
}

static tern_status forward(const tern__step *step) {
    const tern__tensor *x = step->inputs[X];
    if (step->training) {
        job j = make_job(step);
        j.x = x->data;
        j.y = step->outputs[0]->data;
        j.draw = true;
        tern__parallel_range(step->context, x->count, TERN__BLOCK, TERN__WORK_EXPONENTIAL,
                             run_range, &j);
    } else if (step->outputs[0]->data != x->data) {
        memcpy(step->outputs[0]->data, x->data, (size_t)x->count * sizeof(float));
    }
    write_mask(step);
    return TERN_OK;
}

static void backward(const tern__step *step) {
    if (!step->input_grads[X]) return;
    job j = make_job(step);
    j.x = step->output_grads[0]->data;
    j.y = step->input_grads[X]->data;
    j.add = step->accumulate[X];
    tern__parallel_range(step->context, step->input_grads[X]->count, TERN__BLOCK, TERN__WORK_PLAIN,
                         run_range, &j);
}

const tern__op tern__op_dropout = {
    .name = "Dropout",
    .domain = "",
    .min_inputs = 1,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 2,
    .layouts = TERN__ANY_LAYOUT,
    .needs = TERN__NEEDS_INPUT(RATIO),
    .in_place = true,
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .traits = {.locality = TERN__BY_ELEMENT,
               .nothing = TERN__NOTHING_AT_INFERENCE,
               .moved = (const tern__moved[]){{"ratio", RATIO, true}, {0}}}};
