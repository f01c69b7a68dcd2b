/* Objects as JSON: a list for one picture, and COCO's files for many. */
#include "mask.h"

#include "core/base/file.h"
#include "core/base/json.h"

#include <string.h>

static tern_status no_memory(tern_context *c) {
    return tern__fail(c, TERN_ERR_MEMORY, "objects as JSON: out of memory");
}

/* [[x, y], ...] or, flat, [x, y, ...]; NULL: no memory. */
static json_t *ring_json(const tern_ring *ring, bool flat) {
    json_t *list = json_array();
    for (size_t i = 0; i < ring->count; i++) {
        const json_int_t x = (json_int_t)ring->points[2 * i],
                         y = (json_int_t)ring->points[2 * i + 1];
        if (flat) tern__json_append(&list, json_integer(x));
        tern__json_append(&list, flat ? json_integer(y) : json_pack("[I, I]", x, y));
    }
    return list;
}

/* ---- one picture ---- */

static json_t *object_json(const tern_polygons *p, const tern_object *o, const char *const *names) {
    json_t *rings = json_array();
    for (size_t i = 0; i < o->n_rings; i++)
        tern__json_append(&rings, ring_json(&p->rings[o->first_ring + i], false));
    json_t *label = names ? tern__json_text(names[o->label - 1]) : json_integer(o->label);
    return json_pack("{s:o, s:I, s:[i,i,i,i], s:f, s:o}", "label", label, "area",
                     (json_int_t)o->area, "box", o->x, o->y, o->width, o->height, "score", o->score,
                     "rings", rings);
}

tern_status tern_polygons_text(char **text, const tern_polygons *p, const char *const *names) {
    tern_context *c = p->context;
    char *out = NULL;
    size_t used = 0, capacity = 0;
    *text = NULL;
    for (size_t i = 0; i <= p->n_objects; i++) {
        /* "[", then each object on a line of its own, then "]". */
        char *line = NULL;
        if (i < p->n_objects) {
            json_t *object = object_json(p, &p->objects[i], names);
            tern__json_dump(&line, c, "objects", object, JSON_COMPACT | JSON_REAL_PRECISION(6));
            json_decref(object);
        }
        const size_t length = line ? strlen(line) : 0;
        char *grown = i < p->n_objects && !line
                          ? NULL
                          : tern__grow(c, out, used, &capacity, used + length + 8, 1);
        if (!grown) {
            tern__free(c, line);
            tern__free(c, out);
            return no_memory(c);
        }
        out = grown;
        const char *before = i == 0 ? "[" : i < p->n_objects ? ",\n " : "";
        memcpy(out + used, before, strlen(before));
        used += strlen(before);
        if (line) memcpy(out + used, line, length);
        used += length;
        tern__free(c, line);
    }
    memcpy(out + used, "]\n", 3);
    *text = out;
    return TERN_OK;
}

/* ---- COCO ---- */

struct tern_coco {
    tern_context *context;
    int classes;
    json_t *root;
    json_int_t images, annotations;
};

static tern_status add_categories(tern_coco *coco, const char *const *names) {
    json_t *categories = json_array();
    for (int i = 1; i < coco->classes; i++) {
        char number[16];
        int at = sizeof number - 1;
        number[at] = 0;
        for (int rest = i; rest > 0; rest /= 10) number[--at] = (char)('0' + rest % 10);
        const char *name = names ? names[i - 1] : number + at;
        if (!tern__json_holds(name)) {
            json_decref(categories);
            return tern__fail(coco->context, TERN_ERR_ARGUMENT,
                              "the name of class %d cannot be written as JSON; it must be UTF-8",
                              i);
        }
        tern__json_append(&categories, json_pack("{s:i, s:s}", "id", i, "name", name));
    }
    tern__json_set(&coco->root, "categories", categories);
    return coco->root ? TERN_OK : no_memory(coco->context);
}

tern_status tern_coco_create(tern_coco **coco, tern_context *c, int classes,
                             const char *const *names) {
    *coco = NULL;
    if (classes < 2 || classes > 255)
        return tern__fail(c, TERN_ERR_ARGUMENT, "a COCO file of %d classes; 2 to 255 are possible",
                          classes);
    tern_coco *made = tern__calloc(c, 1, sizeof *made);
    if (!made) return TERN_ERR_MEMORY;
    made->context = c;
    made->classes = classes;
    made->root = json_pack("{s:[], s:[]}", "images", "annotations");
    tern_status st = made->root ? add_categories(made, names) : no_memory(c);
    if (st == TERN_OK)
        *coco = made;
    else
        tern_coco_free(made);
    return st;
}

void tern_coco_free(tern_coco *coco) {
    if (!coco) return;
    json_decref(coco->root);
    tern__free(coco->context, coco);
}

/* The object alone, in its box: a mask of the box's size. */
static tern_status draw_object(tern_mask *drawn, const tern_polygons *p, const tern_object *o) {
    tern_context *c = p->context;
    size_t points = 0;
    tern_status st = tern_mask_create(drawn, c, o->width, o->height, 2, 0);
    if (st != TERN_OK) return st;
    for (size_t i = 0; i < o->n_rings; i++) points += p->rings[o->first_ring + i].count;
    float *moved = tern__alloc(c, 2 * points * sizeof *moved);
    tern_ring *rings = tern__alloc(c, o->n_rings * sizeof *rings);
    st = moved && rings ? TERN_OK : TERN_ERR_MEMORY;
    float *at = moved;
    for (size_t i = 0; st == TERN_OK && i < o->n_rings; i++) {
        rings[i] = p->rings[o->first_ring + i];
        for (size_t k = 0; k < rings[i].count; k++) {
            at[2 * k] = rings[i].points[2 * k] - (float)o->x;
            at[2 * k + 1] = rings[i].points[2 * k + 1] - (float)o->y;
        }
        rings[i].points = at;
        at += 2 * rings[i].count;
    }
    if (st == TERN_OK) st = tern_mask_fill(drawn, 1, rings, o->n_rings);
    tern__free(c, rings);
    tern__free(c, moved);
    if (st != TERN_OK) tern_mask_free(drawn);
    return st;
}

/* The counts of a mask that is part of a larger picture of nothing: its place is that of the
 * object's box. Room for 2 runs a column and pixel more is the caller's. */
static size_t counts_in_picture(uint32_t *counts, const tern_mask *drawn, const tern_object *o,
                                const tern_mask *whole) {
    const size_t height = (size_t)whole->height;
    size_t n = 0, end = 0; /* of the last run */
    for (int x = 0; x < drawn->width; x++)
        for (int y = 0; y < drawn->height; y++) {
            if (!tern__mask_is(drawn, x, y, 1)) continue;
            const size_t at = (size_t)(o->x + x) * height + (size_t)(o->y + y);
            if (n && at == end) {
                counts[n - 1]++;
            } else {
                counts[n++] = (uint32_t)(at - end);
                counts[n++] = 1;
            }
            end = at + 1;
        }
    counts[n++] = (uint32_t)((size_t)whole->width * height - end);
    return n;
}

/* {"size": [height, width], "counts": "..."} of an object with holes. */
static tern_status runs_json(json_t **json, const tern_polygons *p, const tern_object *o,
                             const tern_mask *mask) {
    tern_context *c = p->context;
    tern_mask drawn;
    char *text = NULL;
    *json = NULL;
    tern_status st = draw_object(&drawn, p, o);
    if (st != TERN_OK) return st;
    const size_t most = (size_t)drawn.width * ((size_t)drawn.height + 1) + 3;
    uint32_t *counts = tern__alloc(c, most * sizeof *counts);
    st = TERN_ERR_MEMORY;
    if (counts) st = tern_counts_text(&text, c, counts, counts_in_picture(counts, &drawn, o, mask));
    if (st == TERN_OK) {
        *json = json_pack("{s:[i,i], s:s}", "size", mask->height, mask->width, "counts", text);
        if (!*json) st = no_memory(c);
    }
    tern__free(c, text);
    tern__free(c, counts);
    tern_mask_free(&drawn);
    return st;
}

static tern_status add_object(tern_coco *coco, json_t *list, const tern_polygons *p,
                              const tern_object *o, const tern_mask *mask) {
    json_t *segmentation = NULL;
    tern_status st = TERN_OK;
    if (o->n_rings > 1)
        st = runs_json(&segmentation, p, o, mask);
    else
        segmentation = json_pack("[o]", ring_json(&p->rings[o->first_ring], true));
    if (st != TERN_OK) return st;
    json_t *annotation = json_pack("{s:I, s:I, s:i, s:I, s:[i,i,i,i], s:i, s:o}", "id",
                                   coco->annotations + 1, "image_id", coco->images, "category_id",
                                   o->label, "area", (json_int_t)o->area, "bbox", o->x, o->y,
                                   o->width, o->height, "iscrowd", 0, "segmentation", segmentation);
    if (mask->planes) tern__json_set(&annotation, "score", json_real(o->score));
    if (json_array_append_new(list, annotation)) return no_memory(coco->context);
    coco->annotations++;
    return TERN_OK;
}

tern_status tern_coco_add(tern_coco *coco, const char *file_name, const tern_mask *mask,
                          double tolerance, int64_t min_area) {
    tern_context *c = coco->context;
    tern_polygons p;
    if (mask->classes != coco->classes)
        return tern__fail(c, TERN_ERR_SHAPE, "%s: a mask of %d classes for a COCO file of %d",
                          file_name, mask->classes, coco->classes);
    if (!tern__json_holds(file_name))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the file name '%s' cannot be written as JSON; it must be UTF-8",
                          file_name);
    tern_status st = tern_mask_polygons(&p, mask, 0, tolerance, min_area);
    if (st != TERN_OK) return st;
    json_t *image = json_pack("{s:I, s:s, s:i, s:i}", "id", coco->images + 1, "file_name",
                              file_name, "width", mask->width, "height", mask->height);
    if (json_array_append_new(json_object_get(coco->root, "images"), image)) st = no_memory(c);
    coco->images += st == TERN_OK;
    json_t *list = json_object_get(coco->root, "annotations");
    for (size_t i = 0; i < p.n_objects && st == TERN_OK; i++)
        st = add_object(coco, list, &p, &p.objects[i], mask);
    tern_polygons_free(&p);
    return st;
}

tern_status tern_coco_save(const tern_coco *coco, const char *path) {
    tern_context *c = coco->context;
    char *text;
    tern_status st =
        tern__json_dump(&text, c, "a COCO file", coco->root, JSON_COMPACT | JSON_REAL_PRECISION(6));
    if (st == TERN_OK)
        st = tern_file_save(c, strcmp(path, "-") ? path : "/dev/fd/1", text, strlen(text));
    tern__free(c, text);
    return st;
}
