/* Connected regions of a mask, numbered in two passes (Rosenfeld & Pfaltz 1966). */
#include "regions.h"

static int32_t root_of(const tern__regions *r, int32_t i) {
    while (r->parent[i] != i) i = r->parent[i] = r->parent[r->parent[i]];
    return i;
}

static int32_t join(const tern__regions *r, int32_t a, int32_t b) {
    a = root_of(r, a);
    b = root_of(r, b);
    return a < b ? (r->parent[b] = a) : (r->parent[a] = b);
}

static bool is_wanted(uint8_t label, int wanted) {
    return label != TERN_MASK_IGNORED && (wanted > 0 ? label == wanted : label > 0);
}

/* Provisional numbers, from the neighbours that were numbered before. */
static tern_status number_pixel(tern__regions *r, int64_t x, int64_t y) {
    static const int8_t before[4][2] = {{-1, 0}, {0, -1}, {-1, -1}, {1, -1}};
    const tern_mask *m = r->mask;
    const int64_t width = m->width, at = y * width + x;
    int32_t number = -1;
    for (int k = 0; k < (r->sides ? 2 : 4); k++) {
        const int64_t nx = x + before[k][0], ny = y + before[k][1];
        if (nx < 0 || ny < 0 || nx >= width) continue;
        const int64_t neighbour = ny * width + nx;
        if (m->labels[neighbour] != m->labels[at]) continue;
        number = number < 0 ? r->number[neighbour] : join(r, number, r->number[neighbour]);
    }
    if (number < 0) {
        if (r->count == r->capacity) {
            int32_t *parent = tern__grow(m->context, r->parent, r->count, &r->capacity,
                                         r->count + 1, sizeof *parent);
            if (!parent) return TERN_ERR_MEMORY;
            r->parent = parent;
        }
        number = (int32_t)r->count++;
        r->parent[number] = number;
    }
    r->number[at] = number;
    return TERN_OK;
}

tern_status tern__regions_find(tern__regions *r, int wanted) {
    const tern_mask *m = r->mask;
    const size_t pixels = (size_t)m->width * (size_t)m->height;
    if (!(r->number = tern__alloc(m->context, pixels * sizeof *r->number))) return TERN_ERR_MEMORY;
    tern_status st = TERN_OK;
    for (int64_t y = 0; y < m->height && st == TERN_OK; y++)
        for (int64_t x = 0; x < m->width && st == TERN_OK; x++) {
            r->number[y * m->width + x] = -1;
            if (is_wanted(m->labels[y * m->width + x], wanted)) st = number_pixel(r, x, y);
        }
    if (st != TERN_OK) return st;
    /* Roots come before what points to them: one pass gives final numbers. */
    int32_t final = 0;
    for (size_t i = 0; i < r->count; i++)
        r->parent[i] = r->parent[i] == (int32_t)i ? final++ : r->parent[r->parent[i]];
    for (size_t i = 0; i < pixels; i++)
        if (r->number[i] >= 0) r->number[i] = r->parent[r->number[i]];
    r->count = (size_t) final;
    return TERN_OK;
}

void tern__regions_free(tern__regions *r) {
    tern__free(r->mask->context, r->number);
    tern__free(r->mask->context, r->parent);
    r->number = r->parent = NULL;
}
