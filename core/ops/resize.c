/* Resize: ONNX Resize-13. X of any rank; roi (constant, of tf_crop_and_resize only), scales or
 * sizes (constant, one per axis) as inputs 1 to 3. Place j of a resized axis is at x of the old
 * one, by coordinate_transformation_mode; nearest takes one place, linear two, cubic (Keys 1981)
 * four around x, those outside being the border's, or left out with exclude_outside. Gradient:
 * X. */
#include "core/math/interpolate.h"
#include "ops.h"

#include <math.h>

typedef struct resize {
    tern__string coordinate_transformation_mode, mode, nearest_mode;
    float cubic_coeff_a, extrapolation_value;
    int64_t exclude_outside;
} resize;

static const tern__attribute attributes[] = {
    TERN__A_STRING(resize, coordinate_transformation_mode, "half_pixel"),
    TERN__A_FLOAT(resize, cubic_coeff_a, -0.75f),
    TERN__A_INT(resize, exclude_outside, 0),
    TERN__A_FLOAT(resize, extrapolation_value, 0),
    TERN__A_STRING(resize, mode, "nearest"),
    TERN__A_STRING(resize, nearest_mode, "round_prefer_floor"),
    {0}};

enum { X, ROI, SCALES, SIZES };
enum { MOST_TAPS = 4 };

static bool is(const tern__string *s, const char *text) { return strcmp(s->at, text) == 0; }

/* ---- shapes ---- */

static tern_status check_word(const tern__infer *in, const char *what, const tern__string *word,
                              const char *const *known) {
    for (int i = 0; known[i]; i++)
        if (is(word, known[i])) return TERN_OK;
    return tern__infer_fail(in, TERN_ERR_UNSUPPORTED, "tern has no %s '%s'", what, word->at);
}

static tern_status check_words(const tern__infer *in) {
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                          "ceil", NULL};
    static const char *const coordinates[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",   "align_corners",
        "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn", NULL};
    const resize *a = in->attributes;
    tern_status st = check_word(in, "mode", &a->mode, modes);
    if (!st) st = check_word(in, "nearest_mode", &a->nearest_mode, nearest);
    if (!st)
        st = check_word(in, "coordinate_transformation_mode", &a->coordinate_transformation_mode,
                        coordinates);
    return st;
}

/* The numbers of input `number`, `count` of them and known now; *floats NULL where it is absent. */
static tern_status known_floats(const tern__infer *in, int number, const char *what, int count,
                                const float **floats) {
    *floats = NULL;
    if (in->n_inputs <= number || !in->inputs[number]) return TERN_OK;
    const tern__shape *s = in->inputs[number];
    tern_status st = tern__infer_type(in, number, TERN_FLOAT);
    if (st != TERN_OK) return st;
    if (!in->constants[number])
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED,
                                "%s must be known when the network is built", what);
    if (s->rank != 1 || s->dims[0] != count)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "%s has %lld numbers and needs %d", what,
                                (long long)tern__shape_count(s), count);
    *floats = in->constants[number];
    return TERN_OK;
}

/* floor(size * scale), in float as everybody has it. */
static int64_t scaled(int64_t size, float scale) { return (int64_t)floorf((float)size * scale); }

static tern_status infer_axis(const tern__infer *in, int axis, const float *scales,
                              const tern__ints *sizes) {
    int64_t dim = in->inputs[X]->dims[axis];
    if (sizes->count) {
        in->outputs[0].dims[axis] = sizes->at[axis];
        if (sizes->at[axis] >= 1 && sizes->at[axis] <= INT32_MAX) return TERN_OK;
        return tern__infer_fail(in, TERN_ERR_SHAPE, "size %lld of axis %d must be at least 1",
                                (long long)sizes->at[axis], axis);
    }
    if (!(scales[axis] > 0 && scales[axis] <= 1e6f))
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "scale %g of axis %d must be positive",
                                (double)scales[axis], axis);
    if (dim < 0) return TERN_OK; /* unknown stays unknown */
    in->outputs[0].dims[axis] = scaled(dim, scales[axis]);
    if (in->outputs[0].dims[axis] >= 1 && in->outputs[0].dims[axis] <= INT32_MAX) return TERN_OK;
    return tern__infer_fail(in, TERN_ERR_SHAPE, "scale %g leaves nothing of axis %d of size %lld",
                            (double)scales[axis], axis, (long long)dim);
}

static tern_status infer(tern__infer *in) {
    const resize *a = in->attributes;
    const tern__shape *x = in->inputs[X];
    const float *scales, *roi;
    tern__ints sizes = {0};
    tern_status st = tern__infer_type(in, X, TERN_FLOAT);
    if (!st) st = check_words(in);
    if (!st) st = known_floats(in, SCALES, "scales", x->rank, &scales);
    if (!st) st = known_floats(in, ROI, "roi", 2 * x->rank, &roi);
    if (!st && in->n_inputs > SIZES && in->inputs[SIZES])
        st = tern__infer_constant(in, SIZES, "sizes", &sizes);
    if (st) return st;
    if (!scales == !sizes.count)
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "there must be either scales or sizes");
    if (sizes.count && sizes.count != x->rank)
        return tern__infer_fail(in, TERN_ERR_SHAPE, "sizes has %d numbers and needs %d",
                                sizes.count, x->rank);
    if (is(&a->coordinate_transformation_mode, "tf_half_pixel_for_nn") && !is(&a->mode, "nearest"))
        return tern__infer_fail(in, TERN_ERR_UNSUPPORTED,
                                "tf_half_pixel_for_nn is for mode nearest, not '%s'", a->mode.at);
    if (!roi && is(&a->coordinate_transformation_mode, "tf_crop_and_resize"))
        return tern__infer_fail(in, TERN_ERR_ARGUMENT, "tf_crop_and_resize needs roi");
    in->outputs[0] = *x;
    for (int i = 0; !st && i < x->rank; i++) st = infer_axis(in, i, scales, &sizes);
    return st;
}

/* ---- taps ---- */

/* One logical axis: sizes, scale, and the crop of it. */
typedef struct axis {
    int64_t in, out;
    double scale, start, end;
} axis;

static const float *floats_of(const tern__step *step, int input) {
    return step->n_inputs > input && step->inputs[input] ? step->inputs[input]->data : NULL;
}

static axis axis_of(const tern__step *step, int number) {
    const tern__tensor *x = step->inputs[X];
    const float *scales = floats_of(step, SCALES), *roi = floats_of(step, ROI);
    axis a = {.in = x->dims[number], .out = step->outputs[0]->dims[number]};
    a.scale = scales ? scales[number] : (double)a.out / (double)a.in;
    if (roi) {
        a.start = roi[number];
        a.end = roi[x->rank + number];
    }
    return a;
}

/* Where place j of the resized axis lies on the old one. */
static double coordinate(const resize *r, const axis *a, int64_t j) {
    const tern__string *how = &r->coordinate_transformation_mode;
    double in = (double)a->in, out = a->scale * in; /* not rounded, as ONNX's reference */
    if (is(how, "asymmetric")) return (double)j / a->scale;
    if (is(how, "align_corners")) return out == 1 ? 0 : (double)j * (in - 1) / (out - 1);
    if (is(how, "tf_half_pixel_for_nn")) return ((double)j + 0.5) / a->scale;
    if (is(how, "tf_crop_and_resize"))
        return a->out > 1
                   ? a->start * (in - 1) + (double)j * (a->end - a->start) * (in - 1) / (out - 1)
                   : 0.5 * (a->start + a->end) * (in - 1);
    double half = ((double)j + 0.5) / a->scale - 0.5;
    if (is(how, "pytorch_half_pixel")) return a->out > 1 ? half : 0;
    if (is(how, "half_pixel_symmetric")) return half + in / 2 * (1 - (double)a->out / out);
    return half;
}

/* The weights of the places around x = floor + ratio; returns the first place. */
static int64_t weigh(const resize *r, double x, double weight[MOST_TAPS], int *count) {
    double below = floor(x), t = x - below;
    int64_t first = (int64_t)below;
    if (is(&r->mode, "nearest")) {
        bool up = is(&r->nearest_mode, "ceil")                ? t > 0
                  : is(&r->nearest_mode, "floor")             ? false
                  : is(&r->nearest_mode, "round_prefer_ceil") ? t >= 0.5
                                                              : t > 0.5;
        *count = 1;
        weight[0] = 1;
        return first + up;
    }
    if (is(&r->mode, "linear")) {
        *count = 2;
        weight[0] = 1 - t;
        weight[1] = t;
        return first;
    }
    double a = r->cubic_coeff_a;
    *count = 4;
    for (int i = 0; i < 4; i++) {
        double d = fabs(t + 1 - i); /* distance; first place is floor - 1 */
        weight[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                           : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }
    return first - 1;
}

static int64_t clamp(int64_t i, int64_t size) { return i < 0 ? 0 : i >= size ? size - 1 : i; }

/* Adds the taps of one place; equal neighbours (at the border) become one, zeros none. */
static void add_place(const resize *r, const axis *a, int64_t j, tern__taps *t) {
    double x = coordinate(r, a, j), weight[MOST_TAPS], sum = 0;
    int count;
    int64_t begin = t->start[j], at = begin;
    bool crop = is(&r->coordinate_transformation_mode, "tf_crop_and_resize");
    t->outside[j] = crop && !(x >= 0 && x <= (double)(a->in - 1));
    t->start[j + 1] = begin;
    if (t->outside[j]) return;
    int64_t first = weigh(r, x, weight, &count);
    for (int i = 0; i < count; i++) {
        if (r->exclude_outside && (first + i < 0 || first + i >= a->in)) weight[i] = 0;
        sum += weight[i];
    }
    for (int i = 0; i < count; i++) {
        double w = r->exclude_outside ? weight[i] / sum : weight[i];
        int64_t index = clamp(first + i, a->in);
        if (w == 0) continue;
        if (at > begin && t->index[at - 1] == index)
            t->weight[at - 1] += (float)w;
        else {
            t->index[at] = index;
            t->weight[at++] = (float)w;
        }
    }
    t->start[j + 1] = at;
}

static void fill_taps(const resize *r, const axis *a, tern__taps *t) {
    t->in = a->in;
    t->out = a->out;
    t->start[0] = 0;
    for (int64_t j = 0; j < a->out; j++) add_place(r, a, j, t);
    t->identity = a->in == a->out;
    for (int64_t j = 0; t->identity && j < a->out; j++)
        t->identity =
            !t->outside[j] && t->start[j + 1] == j + 1 && t->index[j] == j && t->weight[j] == 1;
}

/* The step's choice, one block of memory: taps of the physical axes, and those of the gradient. */
typedef struct choice {
    tern__taps axes[TERN_MAX_RANK], back[TERN_MAX_RANK];
} choice;

static void *take(char *base, size_t *at, int64_t count, size_t size) {
    void *memory = base ? base + *at : NULL;
    *at += ((size_t)count * size + 15) / 16 * 16;
    return memory;
}

static void lay_out(char *base, size_t *at, const axis *a, tern__taps *taps, tern__taps *back) {
    int64_t most = a->out * MOST_TAPS;
    taps->start = take(base, at, a->out + 1, sizeof *taps->start);
    taps->index = take(base, at, most, sizeof *taps->index);
    taps->weight = take(base, at, most, sizeof *taps->weight);
    taps->outside = take(base, at, a->out, sizeof *taps->outside);
    back->start = take(base, at, a->in + 1, sizeof *back->start);
    back->index = take(base, at, most, sizeof *back->index);
    back->weight = take(base, at, most, sizeof *back->weight);
}

static tern_status prepare(tern__step *s) {
    const tern__tensor *x = s->inputs[X];
    size_t size = sizeof(choice);
    for (int i = 0; i < x->rank; i++) {
        axis a = axis_of(s, i);
        tern__taps none;
        lay_out(NULL, &size, &a, &none, &none);
    }
    choice *c = tern__alloc(s->context, size);
    if (!c) return TERN_ERR_MEMORY;
    s->choice = c;
    size = sizeof(choice);
    for (int i = 0; i < x->rank; i++) {
        int at = tern__physical_axis(x, i);
        axis a = axis_of(s, i);
        lay_out((char *)c, &size, &a, &c->axes[at], &c->back[at]);
        fill_taps(s->attributes, &a, &c->axes[at]);
        tern__taps_transpose(&c->axes[at], &c->back[at]);
    }
    s->workspace_size = tern__interpolate_workspace(s->context, c->axes, x->rank);
    s->backward_workspace_size = tern__interpolate_workspace(s->context, c->back, x->rank);
    return TERN_OK;
}

/* ---- running ---- */

static tern_status forward(const tern__step *s) {
    const choice *c = s->choice;
    tern__interpolate(s->context, c->axes, s->inputs[X]->rank, s->inputs[X]->data,
                      s->outputs[0]->data, false,
                      ((const resize *)s->attributes)->extrapolation_value, s->workspace);
    return TERN_OK;
}

static void backward(const tern__step *s) {
    const choice *c = s->choice;
    if (!s->input_grads[X]) return;
    tern__interpolate(s->context, c->back, s->inputs[X]->rank, s->output_grads[0]->data,
                      s->input_grads[X]->data, s->accumulate[X], 0, s->workspace);
}

static double flops(const tern__step *s) {
    const choice *c = s->choice;
    double taps = 1;
    for (int i = 0; i < s->inputs[X]->rank; i++)
        if (!c->axes[i].identity)
            taps *= (double)c->axes[i].start[c->axes[i].out] / (double)c->axes[i].out;
    return 2 * taps * (double)s->outputs[0]->count;
}

/* The scale along an axis, 0 where it is not given as a number or follows the ends of the picture.
 */
static double fixed_scale(const tern__infer *in, int along) {
    const resize *a = in->attributes;
    const tern__shape *s = in->n_inputs > SCALES ? in->inputs[SCALES] : NULL;
    if (!s || !in->constants[SCALES] || s->type != TERN_FLOAT ||
        s->dims[0] != in->inputs[X]->rank ||
        is(&a->coordinate_transformation_mode, "align_corners") ||
        is(&a->coordinate_transformation_mode, "tf_crop_and_resize"))
        return 0;
    return (double)((const float *)in->constants[SCALES])[along];
}

/* By whole numbers, or whole parts. A pixel more than the kernel on either side covers every
 * rounding and coordinate mode. */
static bool sees(const tern__infer *in, int along, tern__sight *sight) {
    const resize *a = in->attributes;
    const double scale = fixed_scale(in, along), up = round(scale),
                 down = scale > 0 ? round(1 / scale) : 0;
    const double shift = is(&a->coordinate_transformation_mode, "asymmetric") ? 0 : 0.5;
    const int64_t more = is(&a->mode, "cubic") ? 1 : 0;
    if (up >= 1 && fabs(scale - up) < 1e-6)
        sight->per = (int64_t)up;
    else if (down >= 1 && fabs(scale * down - 1) < 1e-6)
        sight->step = (int64_t)down;
    else
        return false;
    sight->low = (int64_t)floor(((double)sight->low + shift) / scale - shift) - more;
    sight->high = (int64_t)floor(((double)sight->high + shift) / scale - shift) + 1 + more;
    return true;
}

const tern__op tern__op_resize = {
    .name = "Resize",
    .domain = "",
    .min_inputs = 1,
    .max_inputs = 4,
    .min_outputs = 1,
    .max_outputs = 1,
    .attribute_size = sizeof(resize),
    .attributes = attributes,
    .layouts = TERN__ANY_LAYOUT,
    .infer = infer,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
    .flops = flops,
    .traits = {.sees = sees,
               .settings = true,
               .harmless = (const tern__harmless[]){{"antialias", 0}, {0}}}};
