/* Functions of one element that have no kernel of their own: Clip-13 (min and max are inputs of one
 * element), HardSigmoid-6, Selu-6, Softsign-1, Sqrt-13, Exp-13, Log-13, Abs-13, Reciprocal-13, and
 * Pow-15 where the exponent is one number, known when the network is built. Gradient: X. */
#include "ops.h"

#include <math.h>

/* f and the two numbers it depends on. */
typedef struct job {
    const tern__vector_kernels *kernels;
    float a, b;
    const float *x, *dy;
    float *y, *dx;
    bool add;
} job;

/* The functions, by range: y = value; dx (+)= dy slope. */
#define FUNCTION(symbol, value, slope)                                                             \
    static void symbol##_range(void *arg, int64_t begin, int64_t end) {                            \
        const job *j = arg;                                                                        \
        float a = j->a, b = j->b;                                                                  \
        (void)a, (void)b;                                                                          \
        for (int64_t i = begin; i < end; i++) {                                                    \
            float x = j->x[i];                                                                     \
            j->y[i] = value;                                                                       \
        }                                                                                          \
    }                                                                                              \
    static void symbol##_back(void *arg, int64_t begin, int64_t end) {                             \
        const job *j = arg;                                                                        \
        float a = j->a, b = j->b;                                                                  \
        (void)a, (void)b;                                                                          \
        for (int64_t i = begin; i < end; i++) {                                                    \
            float x = j->x[i], g = j->dy[i] * (slope);                                             \
            (void)x;                                                                               \
            j->dx[i] = j->add ? j->dx[i] + g : g;                                                  \
        }                                                                                          \
    }

static inline float least(float x, float most) { return x > most ? most : x; } /* NaN stays */
static inline float at_least(float x, float low) { return x < low ? low : x; }

FUNCTION(clip, least(at_least(x, a), b), x >= a && x <= b ? 1.0f : 0.0f)
FUNCTION(hard_sigmoid, least(at_least(a *x + b, 0), 1), a *x + b > 0 && a * x + b < 1 ? a : 0.0f)
FUNCTION(softsign, x / (1 + fabsf(x)), 1 / (1 + fabsf(x)) / (1 + fabsf(x)))
FUNCTION(absolute, fabsf(x), (float)((x > 0) - (x < 0)))
FUNCTION(reciprocal, 1 / x, -(1 / x) * (1 / x))
FUNCTION(square_root, sqrtf(x), 0.5f / sqrtf(x))
FUNCTION(square, x *x, 2 * x)
FUNCTION(power, powf(x, a), a *powf(x, a - 1))

static void exp_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->unary(TERN__UNARY_EXP, 0, j->x + begin, j->y + begin, end - begin);
}
static void log_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->unary(TERN__UNARY_LOG, 0, j->x + begin, j->y + begin, end - begin);
}
static void exp_back(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->product(TERN__G_TIMES_A, j->dy + begin, j->y + begin, 1, j->y + begin, 1,
                        j->dx + begin, end - begin, j->add);
}
static void log_back(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->product(TERN__G_OVER_B, j->dy + begin, j->x + begin, 1, j->x + begin, 1,
                        j->dx + begin, end - begin, j->add);
}

static tern_status run(const tern__step *step, tern__range_body range, float a, float b) {
    job j = {.kernels = tern__vector(step->context),
             .a = a,
             .b = b,
             .x = step->inputs[0]->data,
             .y = step->outputs[0]->data};
    tern__parallel_range(step->context, step->inputs[0]->count, TERN__BLOCK, TERN__WORK_EXPONENTIAL,
                         range, &j);
    return TERN_OK;
}

static void run_back(const tern__step *step, tern__range_body range, float a, float b) {
    if (!step->input_grads[0]) return;
    job j = {.kernels = tern__vector(step->context),
             .a = a,
             .b = b,
             .x = step->inputs[0]->data,
             .y = step->outputs[0]->data,
             .dy = step->output_grads[0]->data,
             .dx = step->input_grads[0]->data,
             .add = step->accumulate[0]};
    tern__parallel_range(step->context, step->inputs[0]->count, TERN__BLOCK, TERN__WORK_PLAIN,
                         range, &j);
}

static tern_status infer(tern__infer *in) {
    tern_status status = tern__infer_type(in, 0, TERN_FLOAT);
    return status ? status : tern__infer_same(in);
}

#define ROW(least_inputs, most_inputs)                                                             \
    .domain = "", .min_inputs = least_inputs, .max_inputs = most_inputs, .min_outputs = 1,         \
    .max_outputs = 1, .layouts = TERN__ANY_LAYOUT, .traits.locality = TERN__BY_ELEMENT

#define PLAIN(symbol, title, prefix, needed, ...)                                                  \
    static tern_status symbol##_forward(const tern__step *s) {                                     \
        return run(s, prefix##_range, 0, 0);                                                       \
    }                                                                                              \
    static void symbol##_backward(const tern__step *s) { run_back(s, prefix##_back, 0, 0); }       \
    const tern__op tern__op_##symbol = {.name = title,                                             \
                                        ROW(1, 1),                                                 \
                                        .needs = needed,                                           \
                                        .infer = infer,                                            \
                                        .forward = symbol##_forward,                               \
                                        .backward = symbol##_backward,                             \
                                        __VA_ARGS__};
PLAIN(sqrt, "Sqrt", square_root, TERN__NEEDS_INPUT(0))
PLAIN(log, "Log", log, TERN__NEEDS_INPUT(0))
PLAIN(exp, "Exp", exp, TERN__NEEDS_OUTPUT(0))
PLAIN(softsign, "Softsign", softsign, TERN__NEEDS_INPUT(0), .traits.activation = true)
PLAIN(abs, "Abs", absolute, TERN__NEEDS_INPUT(0))
PLAIN(reciprocal, "Reciprocal", reciprocal, TERN__NEEDS_INPUT(0))

/* ---- HardSigmoid ---- */

typedef struct hard_sigmoid {
    float alpha, beta;
} hard_sigmoid;
static const tern__attribute hard_attributes[] = {
    TERN__A_FLOAT(hard_sigmoid, alpha, 0.2f), TERN__A_FLOAT(hard_sigmoid, beta, 0.5f), {0}};

static tern_status hard_forward(const tern__step *s) {
    const hard_sigmoid *h = s->attributes;
    return run(s, hard_sigmoid_range, h->alpha, h->beta);
}
static void hard_backward(const tern__step *s) {
    const hard_sigmoid *h = s->attributes;
    run_back(s, hard_sigmoid_back, h->alpha, h->beta);
}
const tern__op tern__op_hard_sigmoid = {.name = "HardSigmoid",
                                        ROW(1, 1),
                                        .needs = TERN__NEEDS_INPUT(0),
                                        .attribute_size = sizeof(hard_sigmoid),
                                        .attributes = hard_attributes,
                                        .infer = infer,
                                        .forward = hard_forward,
                                        .backward = hard_backward,
                                        .traits.activation = true};

/* ---- Selu: gamma x, below 0 gamma alpha (e^x - 1) (Klambauer et al. 2017) ---- */

typedef struct selu {
    float alpha, gamma;
} selu;
static const tern__attribute selu_attributes[] = {
    TERN__A_FLOAT(selu, alpha, 1.67326319217681884766f),
    TERN__A_FLOAT(selu, gamma, 1.05070102214813232421f),
    {0}};

static void selu_range(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    j->kernels->unary(TERN__UNARY_ELU, j->a, j->x + begin, j->y + begin, end - begin);
    j->kernels->scale(j->y + begin, j->b, j->y + begin, end - begin, false);
}
static void selu_back(void *arg, int64_t begin, int64_t end) {
    const job *j = arg;
    const float limit = j->a * j->b;
    for (int64_t i = begin; i < end; i++) {
        float g = j->dy[i] * (j->x[i] > 0 ? j->b : j->y[i] + limit);
        j->dx[i] = j->add ? j->dx[i] + g : g;
    }
}
static tern_status selu_forward(const tern__step *s) {
    const selu *a = s->attributes;
    return run(s, selu_range, a->alpha, a->gamma);
}
static void selu_backward(const tern__step *s) {
    const selu *a = s->attributes;
    run_back(s, selu_back, a->alpha, a->gamma);
}
const tern__op tern__op_selu = {.name = "Selu",
                                ROW(1, 1),
                                .needs = TERN__NEEDS_INPUT(0) | TERN__NEEDS_OUTPUT(0),
                                .attribute_size = sizeof(selu),
                                .attributes = selu_attributes,
                                .infer = infer,
                                .forward = selu_forward,
                                .backward = selu_backward,
                                .traits.activation = true};

/* ---- Clip ---- */

enum { MIN = 1, MAX };

/* The other inputs are constants of one element. */
static tern_status check_number(const tern__infer *in, int i, const char *what) {
    if (in->n_inputs <= i || !in->inputs[i]) return TERN_OK;
    char text[TERN__SHAPE_TEXT];
    if (tern__shape_count(in->inputs[i]) != 1)
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED, "%s is %s; tern takes one number", what,
                                tern__shape_text(in->inputs[i], text, sizeof text));
    if (in->constants[i]) return TERN_OK;
    return tern__infer_fail(in, TERN_ERR_UNSUPPORTED, "%s must be known when the network is built",
                            what);
}

static tern_status infer_clip(tern__infer *in) {
    tern_status st = infer(in);
    for (int i = MIN; i <= MAX && !st; i++) {
        st = check_number(in, i, i == MIN ? "min" : "max");
        if (!st && in->n_inputs > i && in->inputs[i]) st = tern__infer_type(in, i, TERN_FLOAT);
    }
    return st;
}

static float bound(const tern__step *s, int i, float without) {
    return s->n_inputs > i && s->inputs[i] ? *(const float *)s->inputs[i]->data : without;
}
static tern_status clip_forward(const tern__step *s) {
    return run(s, clip_range, bound(s, MIN, -INFINITY), bound(s, MAX, INFINITY));
}
static void clip_backward(const tern__step *s) {
    run_back(s, clip_back, bound(s, MIN, -INFINITY), bound(s, MAX, INFINITY));
}
const tern__op tern__op_clip = {
    .name = "Clip",
    ROW(1, 3),
    .needs = TERN__NEEDS_INPUT(0),
    .infer = infer_clip,
    .forward = clip_forward,
    .backward = clip_backward,
    .traits.activation = true,
    .traits.settings = true,
    .traits.moved = (const tern__moved[]){{"min", MIN, true}, {"max", MAX, true}, {0}}};

/* ---- Pow ---- */

static tern_status infer_pow(tern__infer *in) {
    tern_status st = infer(in);
    if (st || (st = check_number(in, 1, "the exponent"))) return st;
    if (in->inputs[1]->rank > in->inputs[0]->rank)
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED,
                                "the exponent has more dimensions than the base");
    return TERN_OK;
}

static float exponent(const tern__step *s) {
    const tern__tensor *e = s->inputs[1];
    return e->type == TERN_FLOAT ? *(const float *)e->data : (float)*(const int64_t *)e->data;
}
static tern_status pow_forward(const tern__step *s) {
    float e = exponent(s);
    return run(s, e == 2 ? square_range : e == 0.5f ? square_root_range : power_range, e, 0);
}
static void pow_backward(const tern__step *s) {
    float e = exponent(s);
    run_back(s, e == 2 ? square_back : e == 0.5f ? square_root_back : power_back, e, 0);
}
const tern__op tern__op_pow = {.name = "Pow",
                               ROW(2, 2),
                               .needs = TERN__NEEDS_INPUT(0),
                               .infer = infer_pow,
                               .forward = pow_forward,
                               .backward = pow_backward,
                               .traits.settings = true};
