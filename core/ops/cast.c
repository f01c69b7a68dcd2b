/* Cast (ONNX 13) between float and int64. Towards int64: to zero, and what int64 cannot hold
 * becomes its nearest value, NaN 0. */
#include "ops.h"

#include <math.h>

typedef struct cast {
    int64_t to;
} cast;

static const tern__attribute attributes[] = {
    {.name = "to", .type = TERN_ATTRIBUTE_INT, .offset = offsetof(cast, to), .required = true},
    {0}};

static tern_status infer(tern__infer *in) {
    int64_t to = ((const cast *)in->attributes)->to;
    if (to != TERN_FLOAT && to != TERN_INT64)
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED,
                                "to element type %lld; tern has float (1) and int64 (7)",
                                (long long)to);
    in->outputs[0] = *in->inputs[0];
    in->outputs[0].type = (tern_type)to;
    return TERN_OK;
}

static int64_t to_int(float x) {
    if (x != x) return 0;
    if (x >= 9223372036854775808.0f) return INT64_MAX;
    return x <= -9223372036854775808.0f ? INT64_MIN : (int64_t)x;
}

static void cast_range(void *arg, int64_t begin, int64_t end) {
    const tern__step *step = arg;
    const tern__tensor *x = step->inputs[0], *y = step->outputs[0];
    for (int64_t i = begin; i < end; i++)
        if (x->type == y->type && x->type == TERN_FLOAT)
            ((float *)y->data)[i] = ((const float *)x->data)[i];
        else if (x->type == y->type)
            ((int64_t *)y->data)[i] = ((const int64_t *)x->data)[i];
        else if (y->type == TERN_FLOAT)
            ((float *)y->data)[i] = (float)((const int64_t *)x->data)[i];
        else
            ((int64_t *)y->data)[i] = to_int(((const float *)x->data)[i]);
}

static tern_status forward(const tern__step *step) {
    tern__parallel_range(step->context, step->inputs[0]->count, TERN__BLOCK, TERN__WORK_PLAIN,
                         cast_range, (void *)(uintptr_t)step);
    return TERN_OK;
}

/* From float to float only: nothing flows through integers. */
static void backward(const tern__step *step) {
    if (!step->input_grads[0]) return;
    tern__vector(step->context)
        ->scale(step->output_grads[0]->data, 1, step->input_grads[0]->data, step->inputs[0]->count,
                step->accumulate[0]);
}

const tern__op tern__op_cast = {
    .name = "Cast",
    .domain = "",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .attribute_size = sizeof(cast),
    .attributes = attributes,
    .layouts = TERN__ONLY_PLAIN,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .traits = {.locality = TERN__BY_ELEMENT,
               .harmless = (const tern__harmless[]){{"saturate", 1}, {0}}}};
