/* LRN (ONNX 13; Krizhevsky, Sutskever & Hinton 2012, section 3.3): every number is divided by a
 * power of the sum of squares over neighbouring channels, y_c = x_c / s_c^beta, s_c = bias + alpha
 * / size * sum of x_j^2 for c - floor((size - 1) / 2) <= j <= c + ceil((size - 1) / 2), channels
 * that are there. Gradient: X, dx_j = dy_j s_j^-beta - 2 alpha beta / size x_j sum of dy_c y_c /
 * s_c over the c whose sum has j. Either layout: a piece is [rows][channels][columns], columns
 * being places where channels are planes, rows being places where they lie last. */
#include "ops.h"

#include <math.h>

typedef struct lrn {
    int64_t size;
    float alpha, beta, bias;
} lrn;

static const tern__attribute attributes[] = {
    {.name = "size", .type = TERN_ATTRIBUTE_INT, .offset = offsetof(lrn, size), .required = true},
    TERN__A_FLOAT(lrn, alpha, 1e-4f),
    TERN__A_FLOAT(lrn, beta, 0.75f),
    TERN__A_FLOAT(lrn, bias, 1),
    {0}};

static tern_status infer(tern__infer *in) {
    const lrn *a = in->attributes;
    char text[TERN__SHAPE_TEXT];
    tern_status status = tern__infer_type(in, 0, TERN_FLOAT);
    if (status) return status;
    if (in->inputs[0]->rank < 2)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "input is %s and must be [N, C, ...]",
                                tern__shape_text(in->inputs[0], text, sizeof text));
    if (a->size < 1)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "size is %lld; it must be at least 1",
                                (long long)a->size);
    return tern__infer_same(in);
}

typedef struct job {
    const tern__vector_kernels *kernels;
    const float *x, *dy;
    float *y, *dx, *buffers;                 /* [threads][buffers][piece] */
    int64_t channels, places, pieces, piece; /* piece: most elements of one */
    int64_t rows, columns;                   /* of a whole piece: one of them is 1 */
    int64_t each;                            /* pieces of a picture; channels last: of all */
    int64_t outer;                           /* rows in all; planes: pictures */
    int64_t before, after;                   /* channels of the window around its own */
    float factor, beta, bias;
    bool planes, add;
} job;

static job make_job(const tern__step *step) {
    const tern__tensor *x = step->inputs[0];
    const lrn *a = step->attributes;
    job j = {.kernels = tern__vector(step->context), .x = x->data, .channels = x->dims[1]};
    j.planes = x->layout == TERN__PLAIN && x->rank > 2;
    j.places = x->count / (x->dims[0] * j.channels);
    int64_t fit = TERN__BLOCK / j.channels;
    if (fit < 16) fit = 16;
    j.outer = j.planes ? x->dims[0] : x->dims[0] * j.places;
    j.rows = j.planes ? 1 : fit < j.outer ? fit : j.outer;
    j.columns = !j.planes ? 1 : fit < j.places ? fit : j.places;
    j.each = j.planes ? (j.places + fit - 1) / fit : (j.outer + fit - 1) / fit;
    j.pieces = j.planes ? j.outer * j.each : j.each;
    j.piece = j.rows * j.columns * j.channels;
    j.before = (a->size - 1) / 2 < j.channels ? (a->size - 1) / 2 : j.channels;
    j.after = a->size / 2 < j.channels ? a->size / 2 : j.channels;
    j.factor = (float)((double)a->alpha / (double)a->size);
    j.beta = a->beta;
    j.bias = a->bias;
    j.buffers = step->workspace;
    return j;
}

static tern_status prepare(tern__step *step) {
    const job j = make_job(step);
    const size_t bytes = (size_t)step->context->threads * (size_t)j.piece * sizeof(float);
    step->workspace_size = 2 * bytes;
    if (step->training) step->backward_workspace_size = 3 * bytes;
    return TERN_OK;
}

/* Where a piece lies: `runs` stretches of `length` floats, `stride` apart, from `first` on. */
typedef struct lie {
    int64_t first, stride, runs, length;
    int64_t rows, columns;
} lie;

static lie find(const job *j, int64_t number) {
    if (!j->planes) {
        const int64_t row = number * j->rows,
                      rows = j->outer - row < j->rows ? j->outer - row : j->rows;
        return (lie){row * j->channels, 0, 1, rows * j->channels, rows, 1};
    }
    const int64_t column = number % j->each * j->columns, left = j->places - column,
                  columns = left < j->columns ? left : j->columns;
    return (lie){number / j->each * j->channels * j->places + column,
                 j->places,
                 j->channels,
                 columns,
                 1,
                 columns};
}

/* to[r][c][p] = sum of from[r][c'][p] for c - before <= c' <= c + after. */
static void sum_windows(const lie *l, int64_t channels, int64_t before, int64_t after,
                        const float *from, float *to) {
    const int64_t row = channels * l->columns;
    memset(to, 0, (size_t)(l->rows * row) * sizeof *to);
    for (int64_t r = 0; r < l->rows; r++, from += row, to += row)
        for (int64_t d = -before; d <= after; d++) {
            const int64_t shift = d * l->columns, begin = shift < 0 ? -shift : 0,
                          end = shift > 0 ? row - shift : row;
            for (int64_t i = begin; i < end; i++) to[i] += from[i + shift];
        }
}

/* s and s^-beta of a piece; power also serves for the squares. */
static void find_powers(const job *j, const lie *l, float *s, float *power) {
    const int64_t count = l->runs * l->length;
    for (int64_t k = 0; k < l->runs; k++) {
        const float *x = j->x + l->first + k * l->stride;
        j->kernels->product(TERN__G_TIMES_A, x, x, 1, x, 1, power + k * l->length, l->length,
                            false);
    }
    sum_windows(l, j->channels, j->before, j->after, power, s);
    for (int64_t i = 0; i < count; i++) s[i] = j->bias + j->factor * s[i];
    j->kernels->unary(TERN__UNARY_LOG, 0, s, power, count);
    j->kernels->scale(power, -j->beta, power, count, false);
    j->kernels->unary(TERN__UNARY_EXP, 0, power, power, count);
}

static void forward_piece(void *arg, int64_t number, int worker) {
    const job *j = arg;
    const lie l = find(j, number);
    float *s = j->buffers + 2 * worker * j->piece, *power = s + j->piece;
    find_powers(j, &l, s, power);
    for (int64_t k = 0; k < l.runs; k++) {
        const int64_t at = l.first + k * l.stride;
        j->kernels->product(TERN__G_TIMES_A, j->x + at, power + k * l.length, 1, power, 1,
                            j->y + at, l.length, false);
    }
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    j.y = step->outputs[0]->data;
    tern__parallel(step->context, j.pieces, TERN__WORK_EXPONENTIAL * j.piece, forward_piece, &j);
    return TERN_OK;
}

static void backward_piece(void *arg, int64_t number, int worker) {
    const job *j = arg;
    const lie l = find(j, number);
    float *s = j->buffers + 3 * worker * j->piece, *power = s + j->piece, *sums = power + j->piece;
    find_powers(j, &l, s, power);
    for (int64_t k = 0; k < l.runs; k++) { /* s becomes dy y / s */
        const float *x = j->x + l.first + k * l.stride, *dy = j->dy + l.first + k * l.stride;
        for (int64_t i = 0, n = k * l.length; i < l.length; i++, n++)
            s[n] = dy[i] * x[i] * power[n] / s[n];
    }
    sum_windows(&l, j->channels, j->after, j->before, s, sums);
    const float slope = -2 * j->factor * j->beta;
    for (int64_t k = 0; k < l.runs; k++) {
        const int64_t at = l.first + k * l.stride;
        const float *x = j->x + at, *dy = j->dy + at;
        float *dx = j->dx + at;
        for (int64_t i = 0, n = k * l.length; i < l.length; i++, n++) {
            const float g = dy[i] * power[n] + slope * x[i] * sums[n];
            dx[i] = j->add ? dx[i] + g : g;
        }
    }
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    if (!step->input_grads[0]) return;
    j.dy = step->output_grads[0]->data;
    j.dx = step->input_grads[0]->data;
    j.add = step->accumulate[0];
    tern__parallel(step->context, j.pieces, TERN__WORK_EXPONENTIAL * j.piece, backward_piece, &j);
}

static double flops(const tern__step *step) {
    const lrn *a = step->attributes;
    return (double)(a->size + 6) * (double)step->inputs[0]->count;
}

const tern__op tern__op_lrn = {.name = "LRN",
                               .domain = "",
                               .min_inputs = 1,
                               .max_inputs = 1,
                               .min_outputs = 1,
                               .max_outputs = 1,
                               .attribute_size = sizeof(lrn),
                               .attributes = attributes,
                               .layouts = TERN__ANY_LAYOUT,
                               .needs = TERN__NEEDS_INPUT(0),
                               .in_place = true,
                               .infer = infer,
                               .prepare = prepare,
                               .forward = forward,
                               .backward = backward,
                               .flops = flops,
                               .traits = {.locality = TERN__BY_PLACE, .normalisation = true}};
