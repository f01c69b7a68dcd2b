/* Draws what a network looks at: Grad-CAM over the picture, saliency, filters and feature maps as
 * contact sheets. Gradients are core's; the picture's way into the network is classify.c's. */
#include "pixels.h"

#include "core/graph/graph.h"
#include "core/base/picture.h"
#include "core/plan/session.h"
#include "core/task/answer.h"

#include <tern/vision_explain.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SHOWN = 224, TILE = 64, GAP = 2, MOST_TILES = 256, PAPER = 0xff };

static void put(tern_image *out, int x, int y, uint32_t colour) {
    uint8_t *at = (uint8_t *)out->data + 3 * ((size_t)y * (size_t)out->width + (size_t)x);
    at[0] = (uint8_t)(colour >> 16);
    at[1] = (uint8_t)(colour >> 8);
    at[2] = (uint8_t)colour;
}

static int whole_multiple(int side) {
    return side < LEAST_SHOWN ? (LEAST_SHOWN + side - 1) / side : 1;
}

/* ---- over the picture ---- */

/* The picture as RGB of 8 bits, large enough to be looked at. */
static tern_status show(tern_image *out, tern_context *c, const tern_image *image) {
    tern_image colour = {0}, own = *image;
    own.context = c;
    const int times = whole_multiple(image->width < image->height ? image->width : image->height);
    tern_status st = tern_image_convert(&colour, &own, 3, 8);
    if (st == TERN_OK)
        st = tern_image_resize(out, &colour, image->width * times, image->height * times,
                               TERN_FILTER_NEAREST, false);
    tern_image_free(&colour);
    return st;
}

/* map [height][width], 0..1, over the picture: the more, the more of its colour; what has none is
 * greyed. */
static tern_status lay_over(tern_image *out, tern_context *c, const float *map, int width,
                            int height) {
    const size_t count = (size_t)out->width * (size_t)out->height;
    float *large = tern__calloc(c, count, sizeof *large);
    if (!large) return TERN_ERR_MEMORY;
    tern_status st = tern_planes_resize(c, large, out->width, out->height, map, 1, width, height,
                                        TERN_FILTER_BILINEAR, false);
    uint8_t *p = out->data;
    for (size_t i = 0; st == TERN_OK && i < count; i++, p += 3) {
        const uint32_t heat = tern__picture_heat((double)large[i]),
                       luma = tern__luma(p[0], p[1], p[2]);
        const float share = 0.7f * sqrtf(fmaxf(0, fminf(1, large[i])));
        for (int k = 0; k < 3; k++) {
            const float colour = (float)(heat >> (16 - 8 * k) & 0xff),
                        under = 0.5f * ((float)luma + (float)p[k]);
            p[k] = (uint8_t)lrintf(share * colour + (1 - share) * under);
        }
    }
    tern__free(c, large);
    return st;
}

static tern_status draw_cam(tern_image *out, tern_context *c, const tern_explanation *x,
                            const tern_image *image) {
    if (x->layer.rank != 4)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the layer's output has %d dimensions; a map needs [N, channels, height, "
                          "width]",
                          x->layer.rank);
    const int height = (int)x->layer.dims[2], width = (int)x->layer.dims[3];
    float *map = tern__calloc(c, (size_t)width * (size_t)height, sizeof *map);
    tern_status st = map ? show(out, c, image) : TERN_ERR_MEMORY;
    if (st == TERN_OK) {
        tern_grad_cam(x, map);
        st = lay_over(out, c, map, width, height);
    }
    tern__free(c, map);
    return st;
}

static int by_value(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The greatest of the channels' |gradient|, white at 99.5 % of all. */
static tern_status draw_saliency(tern_image *out, tern_context *c, const tern_explanation *x) {
    const int height = (int)x->layer.dims[2], width = (int)x->layer.dims[3];
    const size_t plane = (size_t)width * (size_t)height;
    const int times = whole_multiple(width < height ? width : height);
    float *map = tern__calloc(c, 2 * plane, sizeof *map), *sorted = map + plane;
    const float *g = x->gradient.data;
    if (!map) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < plane; i++)
        for (int64_t k = 0; k < x->layer.dims[1]; k++)
            map[i] = fmaxf(map[i], fabsf(g[(size_t)k * plane + i]));
    memcpy(sorted, map, plane * sizeof *map);
    qsort(sorted, plane, sizeof *sorted, by_value);
    const float white = sorted[(size_t)(0.995 * (double)(plane - 1))];
    tern_status st = tern_image_create(out, c, width * times, height * times, 3, 8);
    for (int y = 0; st == TERN_OK && y < out->height; y++)
        for (int i = 0; i < out->width; i++) {
            const float v = map[(size_t)(y / times) * (size_t)width + (size_t)(i / times)];
            put(out, i, y,
                0x010101u * (uint32_t)lrintf(255 * (white > 0 ? fminf(1, v / white) : 0)));
        }
    tern__free(c, map);
    return st;
}

/* ---- contact sheets ---- */

/* count tiles of width x height places, each place `times` pixels large, about as wide as high. */
typedef struct sheet {
    int64_t count;
    int width, height, times, columns;
} sheet;

static tern_status begin_sheet(tern_image *out, tern_context *c, sheet *s, int64_t count,
                               int64_t width, int64_t height) {
    if (width > 4096 || height > 4096 || width < 1 || height < 1 || count < 1)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%lld maps of %lld x %lld places cannot be drawn",
                          (long long)count, (long long)width, (long long)height);
    s->count = count < MOST_TILES ? count : MOST_TILES;
    s->width = (int)width;
    s->height = (int)height;
    const int longer = s->width > s->height ? s->width : s->height;
    s->times = longer < TILE ? (TILE + longer - 1) / longer : 1;
    s->columns = (int)ceil(sqrt((double)s->count * s->height / s->width));
    const int rows = (int)((s->count + s->columns - 1) / s->columns);
    tern_status st = tern_image_create(out, c, s->columns * (s->width * s->times + GAP) + GAP,
                                       rows * (s->height * s->times + GAP) + GAP, 3, 8);
    if (st == TERN_OK) memset(out->data, PAPER, 3 * (size_t)out->width * (size_t)out->height);
    return st;
}

static void put_place(tern_image *out, const sheet *s, int64_t tile, int x, int y,
                      uint32_t colour) {
    const int left = GAP + (int)(tile % s->columns) * (s->width * s->times + GAP) + x * s->times;
    const int top = GAP + (int)(tile / s->columns) * (s->height * s->times + GAP) + y * s->times;
    for (int i = 0; i < s->times; i++)
        for (int k = 0; k < s->times; k++) put(out, left + k, top + i, colour);
}

static void find_range(const float *x, int64_t count, float *least, float *greatest) {
    *least = *greatest = x[0];
    for (int64_t i = 1; i < count; i++) {
        if (x[i] < *least) *least = x[i];
        if (x[i] > *greatest) *greatest = x[i];
    }
}

/* Of the first convolution that reads the network's input. */
static const tern__value *first_filters(const tern_graph *g) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        const tern__node *n = &g->nodes[i];
        if (n->op->traits.layer.kind == TERN__FILTERS && n->inputs[0] == g->inputs[0] &&
            g->values[n->inputs[1]].data)
            return &g->values[n->inputs[1]];
    }
    return NULL;
}

/* Filters of three channels in colour, others channel by channel in grey. */
static tern_status draw_filters(tern_image *out, tern_context *c, const tern_graph *g) {
    const tern__value *w = first_filters(g);
    sheet s;
    if (!w || w->shape.rank != 4)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "the network has no convolution of the picture itself");
    const int64_t *d = w->shape.dims, colours = d[1] == 3 ? 3 : 1, tiles = d[0] * d[1] / colours,
                  plane = d[2] * d[3];
    tern_status st = begin_sheet(out, c, &s, tiles, d[3], d[2]);
    for (int64_t tile = 0; st == TERN_OK && tile < s.count; tile++) {
        const float *at = (const float *)w->data + tile * colours * plane;
        float least, greatest;
        find_range(at, colours * plane, &least, &greatest);
        const float range = greatest > least ? greatest - least : 1;
        for (int64_t i = 0; i < plane; i++) {
            uint32_t colour = 0;
            for (int64_t k = 0; k < 3; k++)
                colour = colour << 8 |
                         (uint32_t)lrintf(255 * (at[(k % colours) * plane + i] - least) / range);
            put_place(out, &s, tile, (int)(i % d[3]), (int)(i / d[3]), colour);
        }
    }
    return st;
}

static tern_status draw_maps(tern_image *out, tern_context *c, const tern_tensor *layer) {
    sheet s;
    if (layer->rank != 4)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the layer's output has %d dimensions; maps are [N, channels, height, "
                          "width]",
                          layer->rank);
    const int64_t *d = layer->dims, plane = d[2] * d[3];
    tern_status st = begin_sheet(out, c, &s, d[1], d[3], d[2]);
    float least, greatest;
    if (st != TERN_OK) return st;
    find_range(layer->data, d[1] * plane, &least, &greatest);
    const double range = greatest > least ? (double)greatest - (double)least : 1;
    for (int64_t tile = 0; tile < s.count; tile++)
        for (int64_t i = 0; i < plane; i++)
            put_place(out, &s, tile, (int)(i % d[3]), (int)(i / d[3]),
                      tern__picture_heat((((const float *)layer->data)[tile * plane + i] - least) /
                                         range));
    return st;
}

/* ---- the whole ---- */

static tern_status explain(tern_image *out, const char **label, tern_session *session,
                           const tern_image *image, const tern_vision_explain_options *o,
                           const tern_vision_classifier_info *info, float *input) {
    tern_context *c = tern__session_context(session);
    tern_explainer *explainer = NULL;
    tern_explanation x;
    int64_t answer;
    tern_status st = tern__label_asked(&answer, c, info->labels, info->n_labels, o->label);
    if (st == TERN_OK) st = tern_vision_classifier_input(session, image, input);
    if (st != TERN_OK) return st;
    const tern_tensor in = {
        TERN_FLOAT, 4, {1, info->normalization.channels, info->height, info->width}, input};
    st = tern__session_explainer(&explainer, session,
                                 o->view == TERN_VISION_VIEW_SALIENCY ? "" : o->layer);
    if (st == TERN_OK) st = tern_explainer_run(explainer, &in, answer, &x);
    if (st == TERN_OK && label)
        *label = x.answer < (int64_t)info->n_labels ? info->labels[x.answer] : "";
    if (st == TERN_OK)
        st = o->view == TERN_VISION_VIEW_CAM        ? draw_cam(out, c, &x, image)
             : o->view == TERN_VISION_VIEW_SALIENCY ? draw_saliency(out, c, &x)
                                                    : draw_maps(out, c, &x.layer);
    tern_explainer_free(explainer);
    return st;
}

tern_status tern_vision_explain(tern_image *out, const char **label, tern_session *session,
                                const tern_image *image,
                                const tern_vision_explain_options *options) {
    tern_context *c = tern__session_context(session);
    tern_vision_explain_options o = TERN_VISION_EXPLAIN_OPTIONS_INIT;
    tern_vision_classifier_info info;
    *out = (tern_image){0};
    if (options) o = *options;
    if (o.size != sizeof o || o.view < TERN_VISION_VIEW_CAM || o.view > TERN_VISION_VIEW_MAPS)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "options of size %zu and view %d: start from "
                          "TERN_VISION_EXPLAIN_OPTIONS_INIT",
                          o.size, (int)o.view);
    if (o.view == TERN_VISION_VIEW_FILTERS)
        return draw_filters(out, c, tern__session_graph(session));
    tern_status st = tern_vision_classifier_describe(&info, session);
    if (st != TERN_OK) return st;
    float *input = tern__calloc(c, (size_t)info.width * (size_t)info.height * 3, sizeof *input);
    if (!input) return TERN_ERR_MEMORY;
    st = explain(out, label, session, image, &o, &info, input);
    if (st != TERN_OK) tern_image_free(out);
    tern__free(c, input);
    return st;
}
