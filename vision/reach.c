/* How far a network looks: intervals of pixels walked back through the graph. Asks operators
 * what they see; runs nothing. */
#include "core/base/arithmetic.h"
#include "core/graph/graph.h"

#include <tern/vision_network.h>

#include <string.h>

/* A value that follows from the picture, along one axis. Pixel i of it lies at about i * step / per
 * of the picture; what is needed of it is [low, high]. */
typedef struct track {
    bool known, needed;
    int64_t step, per; /* without common divisor */
    int64_t low, high;
} track;

enum { MOST_SIDE = 65535 }; /* of a picture */
enum { MOST_INPUTS = 64 };  /* of a node */

typedef struct walk {
    const tern_graph *graph;
    tern_context *context;
    track *tracks;                          /* [values] of one axis */
    tern__shape *shapes;                    /* [values] for pictures of the multiple's size */
    int axis;                               /* 2: rows, 3: columns */
    int whole;                              /* a node that looks at everything, or -1 */
    const tern__shape *inputs[MOST_INPUTS]; /* of the node that is asked */
    const void *constants[MOST_INPUTS];
} walk;

/* ---- forward: how fast pixels move ---- */

static void reduce(track *t) {
    const int64_t d = tern__greatest_common_divisor(t->step, t->per);
    t->step /= d;
    t->per /= d;
}

/* How the node maps places along the walk's axis; *sight holds those of its output. */
static bool look(walk *w, const tern__node *n, tern__sight *sight) {
    const tern_graph *g = w->graph;
    const tern__traits *t = &n->op->traits;
    sight->step = sight->per = 1;
    sight->all_inputs = t->locality != TERN__ANYWHERE;
    if (sight->all_inputs) return true;
    if (!t->sees || n->n_inputs > MOST_INPUTS) return false;
    for (int k = 0; k < n->n_inputs; k++) {
        w->inputs[k] = n->inputs[k] < 0 ? NULL : &w->shapes[n->inputs[k]];
        w->constants[k] = n->inputs[k] < 0 ? NULL : g->values[n->inputs[k]].data;
    }
    const tern__infer asked = {.context = w->context,
                               .op = n->op->name,
                               .name = n->name,
                               .attributes = n->attributes,
                               .n_inputs = n->n_inputs,
                               .inputs = w->inputs,
                               .constants = w->constants};
    return t->sees(&asked, w->axis, sight);
}

/* Whether the node keeps pictures apart from what is elsewhere in them; *t goes from input to
 * output. */
static bool move(walk *w, const tern__node *n, track *t) {
    tern__sight sight = {0};
    if (!look(w, n, &sight)) return false;
    t->step *= sight.step;
    t->per *= sight.per;
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
        const int64_t both = *multiple / tern__greatest_common_divisor(*multiple, t.step) * t.step;
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
    tern__sight sight = {.low = low, .high = high};
    if (!look(w, n, &sight)) return;
    for (int k = 0; k < (sight.all_inputs ? n->n_inputs : 1); k++)
        need(w, n->inputs[k], sight.low, sight.high);
}

/* ---- sizes ---- */

enum {
    LEAST_SIDE = 1024
}; /* of the picture that shapes are inferred with: larger than any kernel */

/* The shapes of all values for a picture of `side` x `side`. */
static tern_status infer_shapes(walk *w, int64_t side) {
    const tern_graph *g = w->graph;
    tern__shape outputs[16];
    tern__shape *picture = &w->shapes[g->inputs[0]];
    picture->dims[0] = 1;
    picture->dims[2] = picture->dims[3] = side;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        if (n->n_inputs > MOST_INPUTS || n->n_outputs > 16)
            return tern__fail(w->context, TERN_ERR_LIMIT,
                              "%s '%s' has %d inputs and %d outputs; 64 and 16 are "
                              "looked through",
                              n->op->name, n->name, n->n_inputs, n->n_outputs);
        for (int k = 0; k < n->n_inputs; k++) {
            w->inputs[k] = n->inputs[k] < 0 ? NULL : &w->shapes[n->inputs[k]];
            w->constants[k] = n->inputs[k] < 0 ? NULL : g->values[n->inputs[k]].data;
        }
        tern_status st = tern__graph_infer(w->context, n->op, n->name, n->attributes, w->inputs,
                                           w->constants, n->n_inputs, outputs, n->n_outputs);
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
