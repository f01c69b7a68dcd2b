/* Objects of a mask and the lines around them: connected regions, their borders between pixels, and
 * straightening. Sources: Rosenfeld & Pfaltz 1966 (labelling in two passes), Douglas & Peucker
 * 1973. */
#include "regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- objects ---- */

/* Adds up what is known of each region: box, area, score. */
static void measure(const tern__regions *r, tern_object *objects) {
    const tern_mask *m = r->mask;
    const size_t plane = (size_t)m->width * (size_t)m->height;
    for (int64_t y = 0; y < m->height; y++)
        for (int64_t x = 0; x < m->width; x++) {
            const size_t at = (size_t)(y * m->width + x);
            if (r->number[at] < 0) continue;
            tern_object *o = &objects[r->number[at]];
            if (!o->area) *o = (tern_object){.label = m->labels[at], .x = (int)x, .y = (int)y};
            o->area++;
            /* width and height hold the last column and row until the end. */
            if (x < o->x) o->x = (int)x;
            if (x > o->width) o->width = (int)x;
            o->height = (int)y;
            if (m->planes == 1)
                o->score += (double)m->probability[at];
            else if (m->planes > 1)
                o->score += (double)m->probability[(size_t)o->label * plane + at];
        }
    for (size_t i = 0; i < r->count; i++) {
        tern_object *o = &objects[i];
        o->width += 1 - o->x;
        o->height += 1 - o->y;
        o->score = m->planes ? o->score / (double)o->area : 1;
    }
}

static int by_label(const void *a, const void *b) {
    const tern_object *x = a, *y = b;
    if (x->label != y->label) return x->label - y->label;
    return x->first_ring < y->first_ring ? -1 : 1; /* the region's number, until rings are there */
}

/* ---- borders ---- */

/* Goes along the sides of pixels with the region on its right hand. */
typedef struct tracer {
    const tern__regions *r;
    tern_polygons *out;
    size_t rings, points, used; /* capacities; used: numbers in out->points */
    uint8_t *visited;           /* [height][width]: the upper side was walked along */
    size_t *first_point;        /* of each ring, as out->points moves while it grows */
    size_t first_points;
    uint8_t *keep; /* [points of a ring] */
    size_t kept;
    double tolerance;
} tracer;

static const int8_t step[4][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}}; /* right, down, left, up */

static bool belongs(const tracer *t, int32_t region, int64_t x, int64_t y) {
    const tern_mask *m = t->r->mask;
    return x >= 0 && y >= 0 && x < m->width && y < m->height &&
           t->r->number[y * m->width + x] == region;
}

/* Whether a border leads from corner (x, y) in this direction: the region to the right of it,
 * something else to the left. */
static bool leads(const tracer *t, int32_t region, int64_t x, int64_t y, int direction) {
    static const int8_t right[4][2] = {{0, 0}, {-1, 0}, {-1, -1}, {0, -1}};
    static const int8_t left[4][2] = {{0, -1}, {0, 0}, {-1, 0}, {-1, -1}};
    return belongs(t, region, x + right[direction][0], y + right[direction][1]) &&
           !belongs(t, region, x + left[direction][0], y + left[direction][1]);
}

static tern_status add_point(tracer *t, int64_t x, int64_t y) {
    float *points = tern__grow(t->out->context, t->out->points, t->used, &t->points, t->used + 2,
                               sizeof *points);
    if (!points) return TERN_ERR_MEMORY;
    t->out->points = points;
    points[t->used++] = (float)x;
    points[t->used++] = (float)y;
    return TERN_OK;
}

/* Walks round from the upper left corner of pixel (x, y), whose upper side is the first of a border
 * (so that it is a corner); adds the corners. Where two pixels of the region touch at a corner,
 * turning left keeps them together. */
static tern_status walk(tracer *t, int32_t region, int64_t x, int64_t y) {
    const int64_t start_x = x, start_y = y, width = t->r->mask->width;
    int direction = 0;
    tern_status st = add_point(t, x, y);
    while (st == TERN_OK) {
        if (direction == 0) t->visited[y * width + x] = 1;
        x += step[direction][0];
        y += step[direction][1];
        int next = (direction + 3) % 4; /* left, straight on, right */
        while (!leads(t, region, x, y, next)) next = (next + 1) % 4;
        if (x == start_x && y == start_y && next == 0) break;
        if (next != direction) st = add_point(t, x, y);
        direction = next;
    }
    return st;
}

/* ---- straightening ---- */

/* Distance of point p from the line through a and b, or from a where they are one. */
static double line_distance(const float *p, const float *a, const float *b) {
    const double dx = (double)b[0] - (double)a[0], dy = (double)b[1] - (double)a[1];
    const double px = (double)p[0] - (double)a[0], py = (double)p[1] - (double)a[1];
    const double length = hypot(dx, dy);
    if (length == 0) return hypot(px, py);
    /* Beyond the ends the nearest point is an end. */
    const double along = (px * dx + py * dy) / length;
    if (along < 0) return hypot(px, py);
    if (along > length) return hypot(px - dx, py - dy);
    return fabs(px * dy - py * dx) / length;
}

/* The point farthest from the line from..to (numbers that may run past count) and its distance. */
static size_t farthest(const float *points, size_t count, size_t from, size_t to,
                       double *distance) {
    size_t best = from;
    *distance = -1;
    for (size_t i = from + 1; i < to; i++) {
        const double d = line_distance(points + 2 * (i % count), points + 2 * (from % count),
                                       points + 2 * (to % count));
        if (d > *distance) {
            *distance = d;
            best = i;
        }
    }
    return best;
}

/* Marks what is kept between two kept points; the halves are done one after the other, without
 * recursion: the next end is always the next kept point. */
static void keep_between(uint8_t *keep, const float *points, size_t count, size_t from, size_t end,
                         double tolerance) {
    while (from < end) {
        size_t to = from + 1;
        while (to < end && !keep[to % count]) to++;
        double distance;
        const size_t middle = farthest(points, count, from, to, &distance);
        if (distance > tolerance)
            keep[middle % count] = 1;
        else
            from = to;
    }
}

/* Straightens the ring of `count` points in place; returns how many are left, at least 3. */
static tern_status straighten(tracer *t, float *points, size_t *count) {
    const size_t n = *count;
    if (t->tolerance <= 0 || n < 5) return TERN_OK;
    uint8_t *keep = tern__grow(t->out->context, t->keep, 0, &t->kept, n, 1);
    if (!keep) return TERN_ERR_MEMORY;
    t->keep = keep;
    memset(keep, 0, n);
    double distance;
    const size_t opposite =
        farthest(points, n, 0, n, &distance); /* from point 0: 0 and n are one */
    keep[0] = keep[opposite] = 1;
    keep_between(keep, points, n, 0, opposite, t->tolerance);
    keep_between(keep, points, n, opposite, n, t->tolerance);
    size_t left = 0;
    for (size_t i = 0; i < n; i++) left += keep[i];
    if (left < 3) { /* a sliver: its widest place keeps it from being a line */
        double first, second;
        const size_t a = farthest(points, n, 0, opposite, &first);
        const size_t b = farthest(points, n, opposite, n, &second);
        keep[first > second ? a : b % n] = 1;
    }
    left = 0;
    for (size_t i = 0; i < n; i++)
        if (keep[i]) {
            points[2 * left] = points[2 * i];
            points[2 * left + 1] = points[2 * i + 1];
            left++;
        }
    *count = left;
    return TERN_OK;
}

/* ---- rings ---- */

static tern_status trace_ring(tracer *t, int32_t region, int object, int64_t x, int64_t y) {
    tern_polygons *out = t->out;
    tern_context *c = out->context;
    tern_ring *rings =
        tern__grow(c, out->rings, out->n_rings, &t->rings, out->n_rings + 1, sizeof *rings);
    if (!rings) return TERN_ERR_MEMORY;
    out->rings = rings;
    size_t *first = tern__grow(c, t->first_point, out->n_rings, &t->first_points, out->n_rings + 1,
                               sizeof *first);
    if (!first) return TERN_ERR_MEMORY;
    t->first_point = first;
    first[out->n_rings] = t->used;
    tern_status st = walk(t, region, x, y);
    if (st != TERN_OK) return st;
    size_t count = (t->used - first[out->n_rings]) / 2;
    if ((st = straighten(t, out->points + first[out->n_rings], &count)) != TERN_OK) return st;
    t->used = first[out->n_rings] + 2 * count;
    tern_object *o = &out->objects[object];
    if (!o->n_rings) o->first_ring = out->n_rings;
    rings[out->n_rings++] = (tern_ring){.hole = o->n_rings > 0, .object = object, .count = count};
    o->n_rings++;
    return TERN_OK;
}

/* The rings of one object: its upper sides are gone over from the top, so that the outer border is
 * met first; all others are holes. */
static tern_status trace_object(tracer *t, int32_t region, int object) {
    const tern_object o = t->out->objects[object];
    const int64_t width = t->r->mask->width;
    tern_status st = TERN_OK;
    for (int64_t y = o.y; y < o.y + o.height && st == TERN_OK; y++)
        for (int64_t x = o.x; x < o.x + o.width && st == TERN_OK; x++)
            if (t->r->number[y * width + x] == region && !t->visited[y * width + x] &&
                !belongs(t, region, x, y - 1))
                st = trace_ring(t, region, object, x, y);
    return st;
}

static tern_status trace_all(const tern__regions *r, tern_polygons *p, double tolerance) {
    tern_context *c = p->context;
    tracer t = {.r = r, .out = p, .tolerance = tolerance};
    t.visited = tern__calloc(c, (size_t)r->mask->width * (size_t)r->mask->height, 1);
    tern_status st = t.visited ? TERN_OK : TERN_ERR_MEMORY;
    for (size_t i = 0; i < p->n_objects && st == TERN_OK; i++) {
        const int32_t region = (int32_t)p->objects[i].first_ring;
        p->objects[i].first_ring = 0;
        st = trace_object(&t, region, (int)i);
    }
    for (size_t i = 0; i < p->n_rings && st == TERN_OK; i++)
        p->rings[i].points = p->points + t.first_point[i];
    tern__free(c, t.keep);
    tern__free(c, t.first_point);
    tern__free(c, t.visited);
    return st;
}

tern_status tern_mask_polygons(tern_polygons *polygons, const tern_mask *mask, int label,
                               double tolerance, int64_t min_area) {
    tern_context *c = mask->context;
    *polygons = (tern_polygons){0};
    if (label >= mask->classes)
        return tern__fail(c, TERN_ERR_ARGUMENT, "label %d of a mask of %d classes", label,
                          mask->classes);
    if (!(tolerance >= 0 && tolerance <= TERN_IMAGE_MAX_SIDE))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "polygons with a tolerance of %g pixels; it must be in 0..%d", tolerance,
                          TERN_IMAGE_MAX_SIDE);
    tern__regions r = {.mask = mask};
    tern_polygons p = {.context = c};
    tern_status st = tern__regions_find(&r, label);
    if (st == TERN_OK && !(p.objects = tern__calloc(c, r.count, sizeof *p.objects)))
        st = TERN_ERR_MEMORY;
    if (st == TERN_OK) {
        measure(&r, p.objects);
        for (size_t i = 0; i < r.count; i++) {
            p.objects[i].first_ring = i; /* its region, for now */
            if (p.objects[i].area >= min_area) p.objects[p.n_objects++] = p.objects[i];
        }
        if (p.n_objects) qsort(p.objects, p.n_objects, sizeof *p.objects, by_label);
        st = trace_all(&r, &p, tolerance);
    }
    tern__regions_free(&r);
    if (st == TERN_OK)
        *polygons = p;
    else
        tern_polygons_free(&p);
    return st;
}

void tern_polygons_free(tern_polygons *p) {
    if (!p) return;
    if (p->context) {
        tern__free(p->context, p->points);
        tern__free(p->context, p->rings);
        tern__free(p->context, p->objects);
    }
    *p = (tern_polygons){0};
}
