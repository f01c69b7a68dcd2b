/* MaxPool and AveragePool in 1 to 3 dimensions, channels-last (ONNX MaxPool-12, AveragePool-19).
 *
 * Both run along output rows: where the whole window lies inside the input, one call of the kernel
 * does a run of outputs; at the borders one output at a time with the taps that are there. Padding
 * is -infinity for MaxPool and, for AveragePool, nothing, or zeros that count with
 * count_include_pad. Backward goes by input rows, each visiting the outputs that saw it in their
 * order, so that overlapping windows need no atomics. */
#include "core/base/arithmetic.h"
#include "ops.h"

#include <math.h>

typedef struct pool {
    tern__window_attributes window;
    int64_t count_include_pad; /* AveragePool */
    int64_t storage_order;     /* MaxPool */
} pool;

#define WINDOW(name_, type_, ...)                                                                  \
    { .name = #name_, .type = type_, .offset = offsetof(pool, window.name_), __VA_ARGS__ }
#define WINDOW_ATTRIBUTES                                                                          \
    WINDOW(auto_pad, TERN_ATTRIBUTE_STRING, .s = "NOTSET"),                                        \
        WINDOW(kernel_shape, TERN_ATTRIBUTE_INTS, .required = true),                               \
        WINDOW(strides, TERN_ATTRIBUTE_INTS, .i = 0),                                              \
        WINDOW(dilations, TERN_ATTRIBUTE_INTS, .i = 0), WINDOW(pads, TERN_ATTRIBUTE_INTS, .i = 0), \
        WINDOW(ceil_mode, TERN_ATTRIBUTE_INT, .i = 0)

static const tern__attribute max_attributes[] = {
    WINDOW_ATTRIBUTES, TERN__A_INT(pool, storage_order, 0), {0}};
static const tern__attribute average_attributes[] = {
    WINDOW_ATTRIBUTES, TERN__A_INT(pool, count_include_pad, 0), {0}};

enum { MOST_TAPS = 1 << 24 };

static tern_status infer(tern__infer *in) {
    const pool *a = in->attributes;
    tern__window w;
    tern_status status = tern__infer_type(in, 0, TERN_FLOAT);
    if (status) return status;
    if (a->storage_order)
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED, "storage_order is only known as 0");
    if ((status = tern__window_infer(in, &a->window, in->inputs[0], NULL, &w))) return status;
    double taps = 1;
    for (int i = 0; i < w.spatial; i++) taps *= (double)w.kernel[i];
    if (taps > MOST_TAPS)
        return tern__infer_fail(in, TERN_ERR_LIMIT, "a window of %.0f elements; at most %d", taps,
                                MOST_TAPS);
    in->outputs[0] = *in->inputs[0];
    memcpy(in->outputs[0].dims + 2, w.out, (size_t)w.spatial * sizeof *w.out);
    return TERN_OK;
}

/* ---- geometry ---- */

/* Three spatial axes always; missing ones are leading 1s. */
typedef struct geometry {
    int64_t batch, channels, in[3], out[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
    int64_t taps;
    int number_size; /* bytes of a tap's number */
    bool average, include_pad;
    bool tiles; /* every input element lies in exactly one window */
} geometry;

static bool is_average(const tern__step *step) { return step->op == &tern__op_average_pool; }

static geometry make_geometry(const tern__step *step) {
    const pool *a = step->attributes;
    const tern__tensor *x = step->inputs[0];
    tern__window w;
    int spatial = x->rank - 2;
    tern__window_make(&a->window, x->dims + 2, spatial, NULL, &w);
    geometry g = {.batch = x->dims[0],
                  .channels = x->dims[1],
                  .taps = 1,
                  .average = is_average(step),
                  .include_pad = a->count_include_pad != 0,
                  .tiles = true};
    for (int i = 0; i < 3; i++) {
        int k = i - (3 - spatial);
        g.in[i] = k < 0 ? 1 : w.in[k];
        g.out[i] = k < 0 ? 1 : w.out[k];
        g.kernel[i] = k < 0 ? 1 : w.kernel[k];
        g.stride[i] = k < 0 ? 1 : w.stride[k];
        g.dilation[i] = k < 0 ? 1 : w.dilation[k];
        g.begin[i] = k < 0 ? 0 : w.pad_begin[k];
        g.end[i] = k < 0 ? 0 : w.pad_end[k];
        g.taps *= g.kernel[i];
        g.tiles = g.tiles && g.stride[i] == g.kernel[i] && g.dilation[i] == 1 && g.begin[i] == 0 &&
                  g.in[i] == g.out[i] * g.kernel[i];
    }
    g.number_size = g.taps <= 256 ? 1 : g.taps <= 65536 ? 2 : 4;
    return g;
}

/* The taps [*first, *last) of output `o` that lie inside the input along an axis. */
static void taps_inside(const geometry *g, int axis, int64_t o, int64_t *first, int64_t *last) {
    int64_t start = o * g->stride[axis] - g->begin[axis], d = g->dilation[axis];
    *first = tern__least(g->kernel[axis], tern__most(0, tern__ceil_div(-start, d)));
    *last =
        tern__most(*first, tern__least(g->kernel[axis], tern__ceil_div(g->in[axis] - start, d)));
}

/* How many taps count in an average along an axis: those in the input, or those in the padded
 * input. */
static int64_t taps_counted(const geometry *g, int axis, int64_t o) {
    int64_t first, last;
    if (!g->include_pad) {
        taps_inside(g, axis, o, &first, &last);
        return last - first;
    }
    int64_t start = o * g->stride[axis] - g->begin[axis];
    return tern__least(g->kernel[axis],
                       tern__ceil_div(g->in[axis] + g->end[axis] - start, g->dilation[axis]));
}

/* Outputs [*first, *last) of the innermost axis whose windows lie wholly inside. */
static void whole_windows(const geometry *g, int64_t *first, int64_t *last) {
    int64_t extent = (g->kernel[2] - 1) * g->dilation[2];
    *first = tern__least(g->out[2], tern__ceil_div(g->begin[2], g->stride[2]));
    *last = tern__least(g->out[2],
                        tern__floor_div(g->in[2] - 1 - extent + g->begin[2], g->stride[2]) + 1);
    *last = tern__most(*first, *last);
}

/* ---- forward ---- */

typedef struct job {
    const tern__step *step;
    const tern__vector_kernels *kernels;
    geometry g;
    int64_t group, rows; /* output (or input) rows of an item, in all */
    const float *x, *dy;
    float *y; /* or dx */
    char *numbers;
} job;

/* `count` outputs from o on, which all see the taps [first, last) of the innermost axis. */
static void run_outputs(const job *j, const int64_t place[3], const int64_t outer[4], int64_t o,
                        int64_t count, int64_t first, int64_t last, const float **taps,
                        int32_t *numbers) {
    const geometry *g = &j->g;
    int n = 0;
    for (int64_t d = outer[0]; d < outer[1]; d++)
        for (int64_t h = outer[2]; h < outer[3]; h++) {
            int64_t depth = place[1] * g->stride[0] - g->begin[0] + d * g->dilation[0];
            int64_t row = place[2] * g->stride[1] - g->begin[1] + h * g->dilation[1];
            int64_t start = ((place[0] * g->in[0] + depth) * g->in[1] + row) * g->in[2];
            for (int64_t w = first; w < last; w++) {
                int64_t column = o * g->stride[2] - g->begin[2] + w * g->dilation[2];
                taps[n] = j->x + (start + column) * g->channels;
                numbers[n++] = (int32_t)((d * g->kernel[1] + h) * g->kernel[2] + w);
            }
        }
    int64_t at = ((place[0] * g->out[0] + place[1]) * g->out[1] + place[2]) * g->out[2] + o;
    float *y = j->y + at * g->channels;
    if (!n) { /* a window that lies in the padding only */
        for (int64_t i = 0; i < count * g->channels; i++) y[i] = g->average ? 0 : -INFINITY;
        return;
    }
    tern__pool_run run = {taps, numbers, n, g->stride[2] * g->channels, count, g->channels};
    if (g->average) {
        int64_t counted =
            taps_counted(g, 0, place[1]) * taps_counted(g, 1, place[2]) * taps_counted(g, 2, o);
        j->kernels->sum_pool(&run, 1.0f / (float)counted, y);
    } else {
        char *to = j->numbers ? j->numbers + at * g->channels * g->number_size : NULL;
        j->kernels->max_pool(&run, y, to, g->number_size);
    }
}

static void forward_row(const job *j, int64_t row, const float **taps, int32_t *numbers) {
    const geometry *g = &j->g;
    int64_t place[3] = {row / g->out[1] / g->out[0], row / g->out[1] % g->out[0], row % g->out[1]};
    int64_t outer[4], whole_first, whole_last, first, last;
    taps_inside(g, 0, place[1], &outer[0], &outer[1]);
    taps_inside(g, 1, place[2], &outer[2], &outer[3]);
    whole_windows(g, &whole_first, &whole_last);
    for (int64_t o = 0; o < g->out[2];) {
        bool whole = o >= whole_first && o < whole_last;
        int64_t count = whole ? whole_last - o : 1;
        taps_inside(g, 2, o, &first, &last);
        run_outputs(j, place, outer, o, count, first, last, taps, numbers);
        o += count;
    }
}

static size_t worker_bytes(const geometry *g) {
    return ((size_t)g->taps * (sizeof(float *) + sizeof(int32_t)) + 63) / 64 * 64;
}

static void forward_item(void *arg, int64_t item, int worker) {
    const job *j = arg;
    const float **taps =
        (const float **)((char *)j->step->workspace + (size_t)worker * worker_bytes(&j->g));
    int32_t *numbers = (int32_t *)(taps + j->g.taps);
    int64_t end = tern__least((item + 1) * j->group, j->rows);
    for (int64_t row = item * j->group; row < end; row++) forward_row(j, row, taps, numbers);
}

static tern_status prepare(tern__step *step) {
    geometry g = make_geometry(step);
    step->workspace_size = (size_t)step->context->threads * worker_bytes(&g);
    if (step->training && !g.average)
        step->state_size = (size_t)step->outputs[0]->count * (size_t)g.number_size;
    return TERN_OK;
}

static job make_job(const tern__step *step) {
    return (job){.step = step, .kernels = tern__vector(step->context), .g = make_geometry(step)};
}

static void run_rows(job *j, int64_t rows, int64_t floats_each, tern__parallel_body body) {
    j->rows = rows;
    j->group = tern__most(1, TERN__BLOCK / tern__most(1, floats_each));
    tern__parallel(j->step->context, (rows + j->group - 1) / j->group, j->group * floats_each, body,
                   j);
}

static tern_status forward(const tern__step *step) {
    job j = make_job(step);
    j.x = step->inputs[0]->data;
    j.y = step->outputs[0]->data;
    j.numbers = step->training && !j.g.average ? step->state : NULL;
    run_rows(&j, j.g.batch * j.g.out[0] * j.g.out[1], j.g.out[2] * j.g.channels * j.g.taps,
             forward_item);
    return TERN_OK;
}

/* ---- backward ---- */

/* Whether backward writes each element once instead of adding to zeros. */
static bool writes(const job *j) { return j->g.tiles && !j->step->accumulate[0]; }

/* What output row (at `from`, in rows) gives to the input row at dx through tap number `tap`, whose
 * place along the innermost axis is w. */
static void gradient_of_tap(const job *j, int64_t from, int64_t tap, int64_t w, float outer_count,
                            float *dx) {
    const geometry *g = &j->g;
    int64_t shift = g->begin[2] - w * g->dilation[2], channels = g->channels;
    int64_t first = tern__most(0, tern__ceil_div(shift, g->stride[2]));
    int64_t last = tern__least(g->out[2], tern__floor_div(g->in[2] - 1 + shift, g->stride[2]) + 1);
    if (first >= last) return;
    int64_t at = (from * g->out[2] + first) * channels, step = g->stride[2] * channels;
    dx += (first * g->stride[2] - shift) * channels;
    if (!g->average) {
        j->kernels->max_pool_gradient(j->dy + at, j->numbers + at * g->number_size, g->number_size,
                                      (int32_t)tap, last - first, channels, dx, step, !writes(j));
        return;
    }
    for (int64_t o = first; o < last; o++, at += channels, dx += step)
        j->kernels->scale(j->dy + at, 1.0f / (outer_count * (float)taps_counted(g, 2, o)), dx,
                          channels, !writes(j));
}

/* The output along an axis that sees input i through tap k, or -1. */
static int64_t output_of(const geometry *g, int axis, int64_t i, int64_t k) {
    int64_t start = i + g->begin[axis] - k * g->dilation[axis];
    if (start < 0 || start % g->stride[axis]) return -1;
    return start / g->stride[axis] < g->out[axis] ? start / g->stride[axis] : -1;
}

static void backward_row(const job *j, int64_t row) {
    const geometry *g = &j->g;
    int64_t n = row / g->in[1] / g->in[0];
    int64_t depth = row / g->in[1] % g->in[0], height = row % g->in[1];
    int64_t length = g->in[2] * g->channels;
    float *dx = j->y + row * length;
    if (!j->step->accumulate[0] && !writes(j)) memset(dx, 0, (size_t)length * sizeof *dx);
    for (int64_t d = g->kernel[0]; d-- > 0;) { /* taps downwards are outputs upwards */
        int64_t od = output_of(g, 0, depth, d);
        for (int64_t h = od < 0 ? 0 : g->kernel[1]; h-- > 0;) {
            int64_t oh = output_of(g, 1, height, h);
            if (oh < 0) continue;
            float outer = g->average ? (float)(taps_counted(g, 0, od) * taps_counted(g, 1, oh)) : 1;
            int64_t from = (n * g->out[0] + od) * g->out[1] + oh;
            for (int64_t w = g->kernel[2]; w-- > 0;)
                gradient_of_tap(j, from, (d * g->kernel[1] + h) * g->kernel[2] + w, w, outer, dx);
        }
    }
}

static void backward_item(void *arg, int64_t item, int worker) {
    (void)worker;
    const job *j = arg;
    int64_t end = tern__least((item + 1) * j->group, j->rows);
    for (int64_t row = item * j->group; row < end; row++) backward_row(j, row);
}

static void backward(const tern__step *step) {
    job j = make_job(step);
    j.dy = step->output_grads[0]->data;
    j.y = step->input_grads[0]->data;
    j.numbers = step->state;
    run_rows(&j, j.g.batch * j.g.in[0] * j.g.in[1], j.g.in[2] * j.g.channels, backward_item);
}

static double flops(const tern__step *step) {
    return (double)step->outputs[0]->count * (double)make_geometry(step).taps;
}

static bool sees(const tern__infer *in, int axis, tern__sight *sight) {
    tern__window w;
    tern__window_make(&((const pool *)in->attributes)->window, in->inputs[0]->dims + 2,
                      in->inputs[0]->rank - 2, NULL, &w);
    tern__window_sees(&w, axis - 2, sight);
    return true;
}

#define ROW                                                                                        \
    .domain = "", .min_inputs = 1, .max_inputs = 1, .min_outputs = 1, .max_outputs = 1,            \
    .attribute_size = sizeof(pool), .layouts = TERN__ONLY_LAST, .infer = infer,                    \
    .prepare = prepare, .forward = forward, .backward = backward, .flops = flops,                  \
    .traits.sees = sees

const tern__op tern__op_max_pool = {
    .name = "MaxPool",
    ROW,
    .attributes = max_attributes,
    .traits.harmless = (const tern__harmless[]){{"ceil_mode", 0}, {"storage_order", 0}, {0}}};
const tern__op tern__op_average_pool = {.name = "AveragePool",
                                        ROW,
                                        .attributes = average_attributes,
                                        .traits.harmless =
                                            (const tern__harmless[]){{"ceil_mode", 0}, {0}}};
