/* How far a network looks: intervals of pixels walked back through the graph. Knows operators by
 * their names and attributes; runs nothing. */
#include "core/graph.h"

#include <tern/vision_network.h>

#include <math.h>
#include <string.h>

/* A value that follows from the picture, along one axis. Pixel i of it lies at about i * step / per
 * of the picture; what is needed of it is [low, high]. */
typedef struct track {
    bool known, needed;
    int64_t step, per; /* without common divisor */
    int64_t low, high;
} track;

typedef struct walk {
    const tern_graph *graph;
    tern_context *context;
    track *tracks;       /* [values] of one axis */
    tern__shape *shapes; /* [values] for pictures of the multiple's size */
    int axis;            /* 2: rows, 3: columns */
    int whole;           /* a node that looks at everything, or -1 */
} walk;

enum { MOST_SIDE = 65535 }; /* of a picture */

static int64_t divisor(int64_t a, int64_t b) {
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static int64_t floor_ratio(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
static int64_t ceil_ratio(int64_t a, int64_t b) { return -floor_ratio(-a, b); }

static bool is(const tern__node *n, const char *name) { return !strcmp(n->op->name, name); }

static bool is_pool(const tern__node *n) { return is(n, "MaxPool") || is(n, "AveragePool"); }

static int64_t int_of(const tern__node *n, const char *name) {
    const int64_t *number = tern__attribute_at(n->op, n->attributes, name);
    return number ? *number : 0;
}

static tern__ints ints_of(const tern__node *n, const char *name) {
    const tern__ints *list = tern__attribute_at(n->op, n->attributes, name);
    return list ? *list : (tern__ints){0};
}

static bool one_of(const tern__node *n, const char *const *names) {
    for (; *names; names++)
        if (is(n, *names)) return true;
    return false;
}

static bool is_channel_axis(int64_t axis) { return axis == 1 || axis == -3; }

/* Axes as the input `number` gives them, or as the attribute does. */
static tern__ints axes_of(const walk *w, const tern__node *n, int number) {
    tern__ints axes = ints_of(n, "axes");
    const tern__value *v = n->n_inputs > number && n->inputs[number] >= 0
                               ? &w->graph->values[n->inputs[number]] : NULL;
    if (!v) return axes;
    axes.count = v->data && v->shape.type == TERN_INT64 ? (int)tern__shape_count(&v->shape) : 0;
    if (axes.count > 2 * TERN_MAX_RANK) axes.count = 0;
    if (axes.count) memcpy(axes.at, v->data, (size_t)axes.count * sizeof *axes.at);
    return axes;
}

/* Operators that compute a pixel from the same pixel of their inputs: element by element, or along
 * the channels only. */
static bool is_pointwise(const walk *w, const tern__node *n) {
    static const char *const always[] = {
        "Add",  "Sub",      "Mul",   "Div",         "Pow",       "Relu",     "LeakyRelu", "Elu",
        "Gelu", "Sigmoid",  "Tanh",  "HardSigmoid", "HardSwish", "Softplus", "Erf",       "Clip",
        "Neg",  "Sqrt",     "Exp",   "Log",         "Cast",      "Identity", "Dropout",   "LRN",
        "BatchNormalization", NULL};
    static const char *const along_axis[] = {"Concat", "Split",      "Gather",
                                             "Softmax", "LogSoftmax", NULL};
    static const char *const reductions[] = {"ReduceMean", "ReduceSum", "ReduceMax", NULL};
    if (one_of(n, always)) return true;
    if (one_of(n, along_axis))
        return is_channel_axis(int_of(n, "axis")) &&
               (!is(n, "Gather") || w->graph->values[n->inputs[1]].shape.rank == 1);
    if (one_of(n, reductions)) {
        const tern__ints axes = axes_of(w, n, 1);
        return axes.count == 1 && is_channel_axis(axes.at[0]) && int_of(n, "keepdims");
    }
    const tern__ints axes = axes_of(w, n, 3);
    return is(n, "Slice") && axes.count == 1 && is_channel_axis(axes.at[0]);
}

/* ---- windows ---- */

static bool automatic(const tern__node *n) {
    const tern__string *mode = tern__attribute_at(n->op, n->attributes, "auto_pad");
    return mode && *mode->at && strcmp(mode->at, "NOTSET");
}

/* The window of Conv, ConvTranspose or a pool along the walk's axis. */
typedef struct window {
    int64_t kernel, stride, dilation, before;
} window;

static window window_of(const walk *w, const tern__node *n) {
    const int at = w->axis - 2;
    tern__window_attributes a = {.kernel_shape = ints_of(n, "kernel_shape"),
                                 .strides = ints_of(n, "strides"),
                                 .dilations = ints_of(n, "dilations"),
                                 .pads = ints_of(n, "pads")};
    const tern__string *mode = tern__attribute_at(n->op, n->attributes, "auto_pad");
    if (mode) a.auto_pad = *mode;
    const int64_t *kernel =
        is_pool(n) ? a.kernel_shape.at : w->graph->values[n->inputs[1]].shape.dims + 2;
    tern__window made;
    if (is(n, "ConvTranspose"))
        return (window){kernel[at], a.strides.count ? a.strides.at[at] : 1,
                        a.dilations.count ? a.dilations.at[at] : 1,
                        a.pads.count ? a.pads.at[at] : 0};
    tern__window_make(&a, w->shapes[n->inputs[0]].dims + 2, 2, kernel, &made);
    return (window){made.kernel[at], made.stride[at], made.dilation[at], made.pad_begin[at]};
}

/* ---- Resize ---- */

static const char *text_of(const tern__node *n, const char *name) {
    const tern__string *text = tern__attribute_at(n->op, n->attributes, name);
    return text ? text->at : "";
}

/* The scale along the axis, 0 where it is not given as a number or follows the ends of the picture.
 */
static double scale_of(const walk *w, const tern__node *n) {
    const tern__value *v =
        n->n_inputs > 2 && n->inputs[2] >= 0 ? &w->graph->values[n->inputs[2]] : NULL;
    const char *mode = text_of(n, "coordinate_transformation_mode");
    const tern__ints axes = ints_of(n, "axes");
    const int64_t *antialias = tern__attribute_at(n->op, n->attributes, "antialias");
    if (!v || !v->data || v->shape.type != TERN_FLOAT || v->shape.dims[0] != 4 || axes.count ||
        (antialias && *antialias) || !strcmp(mode, "align_corners") ||
        !strcmp(mode, "tf_crop_and_resize"))
        return 0;
    return (double)((const float *)v->data)[w->axis];
}

/* Output pixels [low, high] of a Resize follow from these input pixels: a pixel more than its
 * kernel on either side covers every rounding and coordinate mode. */
static void resize_back(const walk *w, const tern__node *n, int64_t low, int64_t high,
                        int64_t *from, int64_t *to) {
    const double scale = scale_of(w, n);
    const bool half = strcmp(text_of(n, "coordinate_transformation_mode"), "asymmetric") != 0;
    const double shift = half ? 0.5 : 0;
    const int64_t more = !strcmp(text_of(n, "mode"), "cubic") ? 1 : 0;
    *from = (int64_t)floor(((double)low + shift) / scale - shift) - more;
    *to = (int64_t)floor(((double)high + shift) / scale - shift) + 1 + more;
}

/* ---- forward: how fast pixels move ---- */

static void reduce(track *t) {
    const int64_t d = divisor(t->step, t->per);
    t->step /= d;
    t->per /= d;
}

/* Whether the node keeps pictures apart from what is elsewhere in them; *t goes from input to
 * output. */
static bool move(const walk *w, const tern__node *n, track *t) {
    if (is_pointwise(w, n)) return true;
    if (is(n, "Conv") || is_pool(n)) {
        t->step *= window_of(w, n).stride;
    } else if (is(n, "ConvTranspose")) {
        if (automatic(n) || ints_of(n, "output_shape").count) return false;
        t->per *= window_of(w, n).stride;
    } else if (is(n, "Pad")) {
        const tern__value *pads = &w->graph->values[n->inputs[1]];
        return strcmp(text_of(n, "mode"), "wrap") && pads->data && pads->shape.dims[0] == 8;
    } else if (is(n, "Resize")) {
        const double scale = scale_of(w, n), up = round(scale),
                     down = scale > 0 ? round(1 / scale) : 0;
        if (up >= 1 && fabs(scale - up) < 1e-6)
            t->per *= (int64_t)up;
        else if (down >= 1 && fabs(scale * down - 1) < 1e-6)
            t->step *= (int64_t)down;
        else
            return false;
    } else {
        return false;
    }
    reduce(t);
    return t->step < 1 << 20 && t->per < 1 << 20;
}

/* Fills the steps of all values; *multiple is what a picture's size must be a multiple of. */
static void walk_forward(walk *w, int64_t *multiple) {
    const tern_graph *g = w->graph;
    w->tracks[g->inputs[0]] = (track){.known = true, .step = 1, .per = 1};
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        track t = {0};
        bool same = true;
        for (int k = 0; k < n->n_inputs; k++) {
            const track *x = n->inputs[k] >= 0 ? &w->tracks[n->inputs[k]] : NULL;
            if (!x || !x->known) continue;
            same = same && (!t.known || (t.step == x->step && t.per == x->per));
            t = *x;
        }
        if (!t.known) continue;
        if (!same || !move(w, n, &t)) {
            if (w->whole < 0) w->whole = (int)i;
            continue;
        }
        const int64_t both = *multiple / divisor(*multiple, t.step) * t.step;
        if (both > MOST_SIDE) {
            if (w->whole < 0) w->whole = (int)i;
            continue;
        }
        *multiple = both;
        for (int k = 0; k < n->n_outputs; k++)
            if (n->outputs[k] >= 0) w->tracks[n->outputs[k]] = t;
    }
}

/* ---- backward: what is needed ---- */

static void need(walk *w, int value, int64_t low, int64_t high) {
    track *t = value >= 0 ? &w->tracks[value] : NULL;
    if (!t || !t->known) return;
    t->low = t->needed && t->low < low ? t->low : low;
    t->high = t->needed && t->high > high ? t->high : high;
    t->needed = true;
}

static void walk_back(walk *w, const tern__node *n) {
    int64_t low = 0, high = 0;
    bool needed = false;
    for (int k = 0; k < n->n_outputs; k++) {
        const track *y = n->outputs[k] >= 0 ? &w->tracks[n->outputs[k]] : NULL;
        if (!y || !y->needed) continue;
        low = needed && low < y->low ? low : y->low;
        high = needed && high > y->high ? high : y->high;
        needed = true;
    }
    if (!needed) return;
    if (low < -MOST_SIDE || high > MOST_SIDE) { /* farther than the sides of any picture */
        w->whole = (int)(n - w->graph->nodes);
        return;
    }
    if (is(n, "Conv") || is_pool(n)) {
        const window v = window_of(w, n);
        low = low * v.stride - v.before;
        high = high * v.stride - v.before + (v.kernel - 1) * v.dilation;
    } else if (is(n, "ConvTranspose")) {
        const window v = window_of(w, n);
        low = ceil_ratio(low + v.before - (v.kernel - 1) * v.dilation, v.stride);
        high = floor_ratio(high + v.before, v.stride);
    } else if (is(n, "Pad")) {
        const int64_t begin = ((const int64_t *)w->graph->values[n->inputs[1]].data)[w->axis];
        low -= begin;
        high -= begin;
    } else if (is(n, "Resize")) {
        resize_back(w, n, low, high, &low, &high);
    }
    const bool all = is_pointwise(w, n);
    for (int k = 0; k < (all ? n->n_inputs : 1); k++) need(w, n->inputs[k], low, high);
}

/* ---- sizes ---- */

enum {
    LEAST_SIDE = 1024
}; /* of the picture that shapes are inferred with: larger than any kernel */

/* The shapes of all values for a picture of `side` x `side`. */
static tern_status infer_shapes(walk *w, int64_t side) {
    const tern_graph *g = w->graph;
    const tern__shape *inputs[64];
    const void *constants[64];
    tern__shape outputs[16];
    tern__shape *picture = &w->shapes[g->inputs[0]];
    picture->dims[0] = 1;
    picture->dims[2] = picture->dims[3] = side;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        if (n->n_inputs > 64 || n->n_outputs > 16)
            return tern__fail(w->context, TERN_ERR_LIMIT,
                              "%s '%s' has %d inputs and %d outputs; 64 and 16 are "
                              "looked through",
                              n->op->name, n->name, n->n_inputs, n->n_outputs);
        for (int k = 0; k < n->n_inputs; k++) {
            inputs[k] = n->inputs[k] < 0 ? NULL : &w->shapes[n->inputs[k]];
            constants[k] = n->inputs[k] < 0 ? NULL : g->values[n->inputs[k]].data;
        }
        tern_status st = tern__graph_infer(w->context, n->op, n->name, n->attributes, inputs,
                                           constants, n->n_inputs, outputs, n->n_outputs);
        if (st != TERN_OK) return st;
        for (int k = 0; k < n->n_outputs; k++)
            if (n->outputs[k] >= 0) w->shapes[n->outputs[k]] = outputs[k];
    }
    return TERN_OK;
}

static tern_status check_picture(const walk *w, int64_t side) {
    const tern__shape *y = &w->shapes[w->graph->outputs[0]];
    char text[TERN__SHAPE_TEXT];
    if (y->rank == 4 && y->type == TERN_FLOAT && y->dims[2] == side && y->dims[3] == side)
        return TERN_OK;
    return tern__fail(w->context, TERN_ERR_UNSUPPORTED,
                      "the network makes %s of a picture of %lldx%lld, which is "
                      "no mask of that size",
                      tern__shape_text(y, text, sizeof text), (long long)side, (long long)side);
}

static void find_multiple(walk *w, tern_vision_reach *r, int axis) {
    w->axis = 2 + axis;
    memset(w->tracks, 0, w->graph->n_values * sizeof *w->tracks);
    r->multiple[axis] = 1;
    walk_forward(w, &r->multiple[axis]);
}

static tern_status find_reach(walk *w, tern_vision_reach *r, int axis) {
    const tern_graph *g = w->graph;
    find_multiple(w, r, axis);
    const int64_t multiple = r->multiple[axis];
    const track *y = &w->tracks[g->outputs[0]];
    if (w->whole < 0 && (!y->known || y->step != 1 || y->per != 1))
        return tern__fail(w->context, TERN_ERR_UNSUPPORTED,
                          "the network's output is not of its input's size");
    if (w->whole >= 0) return TERN_OK;
    need(w, g->outputs[0], 0, multiple - 1);
    for (size_t i = g->n_nodes; i-- > 0 && w->whole < 0;) walk_back(w, &g->nodes[i]);
    if (w->whole >= 0) return TERN_OK;
    const track *x = &w->tracks[g->inputs[0]];
    r->before[axis] = x->low < 0 ? -x->low : 0;
    r->after[axis] = x->high > multiple - 1 ? x->high - (multiple - 1) : 0;
    return TERN_OK;
}

tern_status tern_vision_network_reach(tern_vision_reach *reach, const tern_graph *g) {
    walk w = {.graph = g, .context = g->context, .whole = -1};
    memset(reach, 0, sizeof *reach);
    tern_status st = tern_graph_check(g);
    if (st != TERN_OK) return st;
    const tern__shape *x = g->n_inputs == 1 ? &g->values[g->inputs[0]].shape : NULL;
    if (!x || !g->n_outputs || x->rank != 4 || x->type != TERN_FLOAT || x->dims[2] >= 0 ||
        x->dims[3] >= 0)
        return tern__fail(g->context, TERN_ERR_UNSUPPORTED,
                          "the network does not take pictures [N, C, H, W] of "
                          "any size");
    w.tracks = tern__calloc(w.context, g->n_values, sizeof *w.tracks);
    w.shapes = tern__calloc(w.context, g->n_values, sizeof *w.shapes);
    if (!w.tracks || !w.shapes) {
        st = TERN_ERR_MEMORY;
        goto done;
    }
    for (size_t i = 0; i < g->n_values; i++) w.shapes[i] = g->values[i].shape;
    for (int axis = 0; axis < 2; axis++) find_multiple(&w, reach, axis);
    int64_t side = reach->multiple[0] * reach->multiple[1];
    if (side < LEAST_SIDE) side *= (LEAST_SIDE + side - 1) / side;
    st = infer_shapes(&w, side);
    if (st == TERN_OK) st = check_picture(&w, side);
    for (int axis = 0; st == TERN_OK && axis < 2; axis++) st = find_reach(&w, reach, axis);
    if (w.whole >= 0) {
        reach->whole = true;
        reach->why = g->nodes[w.whole].name;
    }
done:
    tern__free(w.context, w.tracks);
    tern__free(w.context, w.shapes);
    return st;
}
