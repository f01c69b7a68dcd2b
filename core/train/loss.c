/* Losses as nodes of the graph, and counting right answers. The arithmetic is in ops/. */
#include "loss.h"

#include <string.h>

/* What each kind can do. */
typedef struct kind {
    const char *name;   /* in sentences */
    bool numbers;       /* a target of class numbers */
    bool floats;        /* a target of floats */
    bool places;        /* weights of places */
    bool cross_entropy; /* class_weights and label_smoothing, for class numbers */
    bool mean;          /* or a sum */
} kind;
static const kind kinds[] = {
    [TERN_LOSS_SOFTMAX_CROSS_ENTROPY] = {"SoftmaxCrossEntropy", true, true, true, true, true},
    [TERN_LOSS_BINARY_CROSS_ENTROPY] = {"BinaryCrossEntropyWithLogits", false, true, true, false,
                                        true},
    [TERN_LOSS_SQUARED_ERROR] = {"SquaredError", false, true, false, false, true},
    [TERN_LOSS_ABSOLUTE_ERROR] = {"AbsoluteError", false, true, false, false, true},
    [TERN_LOSS_HUBER] = {"Huber", false, true, false, false, true},
    [TERN_LOSS_DICE] = {"Dice", true, true, true, false, false},
    [TERN_LOSS_CROSS_ENTROPY_DICE] = {"cross-entropy and Dice", true, true, true, true, false},
    [TERN_LOSS_TVERSKY] = {"Tversky", true, true, true, false, false},
    [TERN_LOSS_FOCAL] = {"Focal", true, true, true, false, true},
    [TERN_LOSS_LOVASZ] = {"Lovasz", true, true, true, false, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static tern_status check_numbers(tern_context *c, const tern_loss_options *o) {
    if (!(o->label_smoothing >= 0 && o->label_smoothing < 1))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: label_smoothing is %g; the range is 0 to below 1",
                          o->label_smoothing);
    if (!(o->positive_weight >= 0) || !(o->delta >= 0))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: positive_weight is %g and delta %g; both must be positive, or 0 "
                          "for 1",
                          o->positive_weight, o->delta);
    if (!(o->smooth >= 0) || o->alpha != o->alpha || o->beta != o->beta || o->gamma != o->gamma)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: smooth is %g, alpha %g, beta %g, gamma %g; smooth must not be "
                          "negative and all must be numbers",
                          o->smooth, o->alpha, o->beta, o->gamma);
    if (!(o->auxiliary >= 0 && o->auxiliary <= 1e6))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: auxiliary outputs count %g times; 0 or more is possible",
                          o->auxiliary);
    return TERN_OK;
}

tern_status tern__loss_check(tern_context *c, const tern_loss_options *o) {
    if ((int)o->kind < 0 || (int)o->kind >= KINDS)
        return tern__fail(c, TERN_ERR_ARGUMENT, "loss: there is no kind %d", (int)o->kind);
    const kind *k = &kinds[o->kind];
    if ((!k->cross_entropy && (o->class_weights || o->label_smoothing != 0)) ||
        (!k->numbers && o->ignore))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: class_weights, label_smoothing and ignore are softmax "
                          "cross-entropy's, not %s's",
                          k->name);
    if (o->weighted && (!k->places || o->class_weights || o->label_smoothing != 0))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "loss: weights of places go neither with %s nor with class_weights and "
                          "label_smoothing",
                          k->places ? "other targets" : k->name);
    if (o->sum && !k->mean)
        return tern__fail(c, TERN_ERR_ARGUMENT, "loss: %s has no sum instead of a mean", k->name);
    return check_numbers(c, o);
}

/* ---- the target ---- */

static int add_constant(tern_graph *g, const char *name, tern_type type, int64_t count,
                        const void *data) {
    char unique[128];
    tern__graph_unique(g, name, unique, sizeof unique);
    tern__shape shape = {.type = type, .rank = 1, .dims = {count}};
    return tern__graph_initializer(g, unique, TERN__CONSTANT, &shape, data);
}

static tern_status target_shape(tern_graph *g, const tern_loss_options *o, tern_type type,
                                tern__shape *shape) {
    const kind *k = &kinds[o->kind];
    *shape = g->values[g->outputs[0]].shape;
    char text[128];
    if (shape->type != TERN_FLOAT)
        return tern__fail(g->context, TERN_ERR_SHAPE,
                          "the network's first output is not of floats and has no loss");
    if (type != TERN_FLOAT && type != TERN_INT64)
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "loss: a target cannot be of type %d",
                          (int)type);
    if (type == TERN_INT64 && (!k->numbers || o->weighted))
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "loss: %s needs a target of floats",
                          o->weighted ? "a loss with weights of places" : k->name);
    shape->type = type;
    if (!k->numbers && !o->weighted) return TERN_OK;
    if (shape->rank < 2)
        return tern__fail(g->context, TERN_ERR_SHAPE,
                          "the network's first output is %s; %s needs [N, classes, ...]",
                          tern__shape_text(shape, text, sizeof text),
                          o->kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY ? "softmax cross-entropy"
                                                                     : k->name);
    if (o->class_weights && shape->dims[1] != (int64_t)o->n_class_weights)
        return tern__fail(g->context, TERN_ERR_SHAPE,
                          "loss: %zu class weights were given, the network's first output is %s",
                          o->n_class_weights, tern__shape_text(shape, text, sizeof text));
    if (o->weighted) shape->dims[1] = 2;
    if (type == TERN_INT64) {
        memmove(shape->dims + 1, shape->dims + 2, (size_t)(shape->rank - 2) * sizeof *shape->dims);
        shape->rank--;
    }
    return TERN_OK;
}

static int add_node(tern_graph *g, const char *domain, const char *op, const int *inputs,
                    int n_inputs, const tern_attribute *attributes, size_t n) {
    int output = -1;
    tern__graph_node(g, domain, op, NULL, inputs, n_inputs, attributes, n, NULL, 1, &output);
    return output;
}

/* What the operators read: logits, target, weights of places (-1: none). */
typedef struct parts {
    int logits, target, weights;
    bool numbers; /* the target is of class numbers */
} parts;

/* Takes a target [N, 2, ...] apart. */
static void split_target(tern_graph *g, parts *p, int target) {
    const int64_t sizes[2] = {1, 1}, axis = 1;
    int inputs[2] = {target, add_constant(g, "target.parts", TERN_INT64, 2, sizes)}, outputs[2];
    tern_attribute along = TERN_INT("axis", 1), to = TERN_INT("to", TERN_INT64);
    tern__graph_node(g, "", "Split", NULL, inputs, 2, &along, 1, NULL, 2, outputs);
    p->target = outputs[0];
    p->weights = outputs[1];
    if (!p->numbers) return;
    inputs[0] = add_node(g, "", "Cast", &p->target, 1, &to, 1);
    inputs[1] = add_constant(g, "target.axis", TERN_INT64, 1, &axis);
    p->target = add_node(g, "", "Squeeze", inputs, 2, NULL, 0);
}

/* ---- the loss ---- */

/* 0: the standard value; negative: 0. */
static double or_else(double value, double standard) {
    return value == 0 ? standard : value < 0 ? 0 : value;
}

static int add_cross_entropy(tern_graph *g, const tern_loss_options *o, const parts *p,
                             bool softmax, bool smoothing) {
    int inputs[3] = {p->logits, p->target}, n_inputs = 2;
    tern_attribute attributes[3];
    size_t n = 0;
    attributes[n++] = TERN_STRING("reduction", o->sum ? "sum" : "mean");
    if (softmax) {
        if (smoothing && o->label_smoothing > 0)
            attributes[n++] = TERN_REAL("label_smoothing", o->label_smoothing);
        if (o->ignore) attributes[n++] = TERN_INT("ignore_index", o->ignore_index);
        if (o->class_weights)
            inputs[n_inputs++] = add_constant(g, "class_weights", TERN_FLOAT,
                                              (int64_t)o->n_class_weights, o->class_weights);
    } else if (o->positive_weight > 0) {
        attributes[n++] = TERN_REAL("positive_weight", o->positive_weight);
    }
    return add_node(g, "tern", softmax ? "SoftmaxCrossEntropy" : "BinaryCrossEntropyWithLogits",
                    inputs, n_inputs, attributes, n);
}

/* One of the operators of places. */
static int add_places(tern_graph *g, const char *op, const tern_loss_options *o, const parts *p,
                      tern_attribute *attributes, size_t n) {
    int inputs[3] = {p->logits, p->target, p->weights};
    if (o->ignore) attributes[n++] = TERN_INT("ignore_index", o->ignore_index);
    return add_node(g, "tern", op, inputs, p->weights >= 0 ? 3 : 2, attributes, n);
}

static int add_focal(tern_graph *g, const tern_loss_options *o, const parts *p, bool plain) {
    double alpha = o->alpha == 0 ? 0.25 : o->alpha;
    tern_attribute attributes[5] = {TERN_REAL("alpha", plain || p->numbers ? -1 : alpha),
                                    TERN_REAL("gamma", plain ? 0 : or_else(o->gamma, 2)),
                                    TERN_STRING("reduction", o->sum ? "sum" : "mean"),
                                    TERN_REAL("positive_weight", or_else(o->positive_weight, 1))};
    return add_places(g, "Focal", o, p, attributes, 4);
}

static int add_tversky(tern_graph *g, const tern_loss_options *o, const parts *p, bool dice) {
    tern_attribute attributes[5] = {TERN_REAL("alpha", dice ? 0.5 : or_else(o->alpha, 0.5)),
                                    TERN_REAL("beta", dice ? 0.5 : or_else(o->beta, 0.5)),
                                    TERN_REAL("gamma", dice ? 1 : or_else(o->gamma, 1)),
                                    TERN_REAL("smooth", dice ? o->smooth / 2 : o->smooth)};
    return add_places(g, "Tversky", o, p, attributes, 4);
}

static int add_pointwise(tern_graph *g, const tern_loss_options *o, const parts *p) {
    int inputs[2] = {p->logits, p->target};
    tern_attribute attributes[2] = {TERN_STRING("reduction", o->sum ? "sum" : "mean"),
                                    TERN_REAL("delta", o->delta)};
    bool delta = o->kind == TERN_LOSS_HUBER && o->delta > 0;
    return add_node(g, "tern", kinds[o->kind].name, inputs, 2, attributes, delta ? 2 : 1);
}

static int add_loss(tern_graph *g, const tern_loss_options *o, const parts *p, bool smoothing) {
    bool softmax = o->kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY || p->numbers;
    tern_attribute per_image[2] = {TERN_INT("per_image", o->per_image)};
    int both[2];
    switch (o->kind) {
    case TERN_LOSS_SOFTMAX_CROSS_ENTROPY:
    case TERN_LOSS_BINARY_CROSS_ENTROPY:
        return p->weights >= 0 ? add_focal(g, o, p, true)
                               : add_cross_entropy(g, o, p, softmax, smoothing);
    case TERN_LOSS_CROSS_ENTROPY_DICE:
        both[0] = p->weights >= 0 ? add_focal(g, o, p, true)
                                  : add_cross_entropy(g, o, p, softmax, smoothing);
        both[1] = add_tversky(g, o, p, true);
        return add_node(g, "", "Add", both, 2, NULL, 0);
    case TERN_LOSS_DICE:
        return add_tversky(g, o, p, true);
    case TERN_LOSS_TVERSKY:
        return add_tversky(g, o, p, false);
    case TERN_LOSS_FOCAL:
        return add_focal(g, o, p, false);
    case TERN_LOSS_LOVASZ:
        return add_places(g, "Lovasz", o, p, per_image, 1);
    default:
        return add_pointwise(g, o, p);
    }
}

/* loss + weight x the same loss of another output. */
static int add_auxiliary(tern_graph *g, const tern_loss_options *o, const parts *first, int output,
                         int loss) {
    const float weight = (float)o->auxiliary;
    const tern__shape *s = &g->values[first->logits].shape, *other = &g->values[output].shape;
    parts p = *first;
    char text[TERN__SHAPE_TEXT], text2[TERN__SHAPE_TEXT];
    bool same = s->type == other->type && s->rank == other->rank;
    for (int i = 0; same && i < s->rank; i++) same = s->dims[i] == other->dims[i];
    if (!same)
        return tern__graph_fail(g, TERN_ERR_SHAPE,
                                "loss: the auxiliary output '%s' is %s, the first output %s; they "
                                "must be alike",
                                g->values[output].name, tern__shape_text(other, text, sizeof text),
                                tern__shape_text(s, text2, sizeof text2));
    p.logits = output;
    int product[2] = {add_loss(g, o, &p, true),
                      add_constant(g, "auxiliary", TERN_FLOAT, 1, &weight)};
    int sum[2] = {loss, add_node(g, "", "Mul", product, 2, NULL, 0)};
    return add_node(g, "", "Add", sum, 2, NULL, 0);
}

tern_status tern__loss_append(tern_graph *g, const tern_loss_options *o, tern_type type,
                              bool smoothing, tern__graph_size *before) {
    *before = (tern__graph_size){g->n_values, g->n_nodes, g->n_inputs, g->n_outputs};
    if (!g->n_outputs)
        return tern__fail(g->context, TERN_ERR_ARGUMENT, "the network has no output");
    tern__shape shape;
    tern_status st = target_shape(g, o, type, &shape);
    if (st != TERN_OK) return st;
    char name[128];
    tern__graph_unique(g, "target", name, sizeof name);
    bool more =
        g->values[g->outputs[0]].shape.rank > 1 && g->values[g->outputs[0]].shape.dims[1] != 1;
    parts p = {.logits = g->outputs[0],
               .weights = -1,
               .numbers = type == TERN_INT64 || (o->weighted && more)};
    p.target = tern__graph_input(g, name, &shape);
    if (o->weighted) split_target(g, &p, p.target);
    int loss = add_loss(g, o, &p, smoothing);
    for (size_t i = 1; smoothing && o->auxiliary > 0 && i < before->outputs; i++)
        loss = add_auxiliary(g, o, &p, g->outputs[i], loss);
    tern__graph_unique(g, "loss", name, sizeof name);
    if (tern_graph_check(g) == TERN_OK) tern__graph_output(g, name, loss);
    return tern_graph_check(g);
}

void tern__graph_truncate(tern_graph *g, const tern__graph_size *size) {
    tern_context *c = g->context;
    while (g->n_nodes > size->nodes) {
        tern__node *n = &g->nodes[--g->n_nodes];
        tern__names_remove(&g->node_names, n->name);
        tern__free(c, n->name);
        tern__free(c, n->attributes);
        tern__free(c, n->inputs);
    }
    while (g->n_values > size->values) {
        tern__value *v = &g->values[--g->n_values];
        tern__names_remove(&g->value_names, v->name);
        tern__free(c, v->name);
        tern__free(c, v->data);
    }
    g->n_inputs = size->inputs;
    g->n_outputs = size->outputs;
}

int64_t tern__greatest(const float *x, int64_t n, int64_t stride) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i * stride] > x[best * stride]) best = i;
    return best;
}

/* [N, 2, places]: value and weight of place i % places of sample i / places. */
typedef struct weighted_place {
    float value, weight;
} weighted_place;
static weighted_place place_of(const float *target, int64_t i, int64_t places) {
    const float *at = target + i / places * 2 * places + i % places;
    return (weighted_place){at[0], at[places]};
}

/* Sigmoids: elements on the right side of 0. */
static void count_binary(const tern_loss_options *o, const tern__tensor *output,
                         const tern_tensor *target, int64_t *correct, int64_t *counted) {
    const float *y = output->data, *t = target->data;
    int64_t places = o->weighted ? output->count / output->dims[0] : 1;
    for (int64_t i = 0; i < output->count; i++) {
        weighted_place p = {t[i], 1};
        if (o->weighted) p = place_of(t, i, places);
        if (p.weight == 0) continue;
        *correct += (y[i] > 0) == (p.value > 0.5f);
        ++*counted;
    }
}

void tern__loss_count(const tern_loss_options *o, const tern__tensor *output,
                      const tern_tensor *target, int64_t *correct, int64_t *counted) {
    const float *y = output->data, *t = target->data;
    bool softmax = o->kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY;
    if (!softmax && !kinds[o->kind].places) return;
    int64_t classes = output->rank > 1 ? output->dims[1] : 1;
    bool numbers = target->type == TERN_INT64 || (o->weighted && classes > 1);
    if (!softmax && !numbers) {
        count_binary(o, output, target, correct, counted);
        return;
    }
    int64_t ignored = o->ignore ? o->ignore_index : -100; /* the operators' default */
    int64_t places = output->count / (output->dims[0] * classes);
    for (int64_t i = 0; i < output->dims[0] * places; i++) {
        /* [N, C, places]: sample i / places, place i % places */
        int64_t at = i / places * classes * places + i % places, truth;
        if (target->type == TERN_INT64) {
            truth = ((const int64_t *)target->data)[i];
        } else if (o->weighted) {
            weighted_place p = place_of(t, i, places);
            truth = p.weight == 0 ? ignored : (int64_t)p.value;
        } else {
            truth = tern__greatest(t + at, classes, places);
        }
        if (truth == ignored && (target->type == TERN_INT64 || o->weighted)) continue;
        *correct += tern__greatest(y + at, classes, places) == truth;
        ++*counted;
    }
}
