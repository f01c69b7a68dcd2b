/* Fills a data set of pictures from idx files (MNIST and its kin) instead of from a folder per
 * class. */
#include "idx.h"
#include "store.h"

#include <stdio.h>
#include <string.h>

#define MEMORY 4e9 /* where options say nothing */

/* "file.gz: 17" as the picture's name, for sentences and lists of errors. */
static tern_status name_pictures(tern__photo_store *s, const tern__idx *x) {
    tern_context *c = s->context;
    tern__file_list *list = &s->files;
    list->context = c;
    list->path = tern__calloc(c, (size_t)x->count, sizeof *list->path);
    list->key = tern__calloc(c, (size_t)x->count, sizeof *list->key);
    if (!list->path || !list->key) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < x->count; i++) {
        list->path[i] = tern__format(c, "%s: %lld", x->images, (long long)i);
        list->key[i] = tern__format(c, "%lld", (long long)i);
        list->count++; /* what there is of it is freed with the list */
        if (!list->path[i] || !list->key[i]) return TERN_ERR_MEMORY;
    }
    return TERN_OK;
}

/* The names given, or the numbers themselves. */
static tern_status name_labels(tern__photo_store *s, const tern__idx *x) {
    tern_context *c = s->context;
    const tern_vision_dataset_options *o = &s->options;
    const int count = o->n_labels ? (int)o->n_labels : x->classes;
    if (count < x->classes)
        return tern__fail(c, TERN_ERR_FORMAT, "%s: there are labels up to %d, but names for %d",
                          x->labels, x->classes - 1, count);
    if (count < 2)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "%s: all %lld labels are 0; to tell pictures apart at least two "
                          "are needed",
                          x->labels, (long long)x->count);
    if (!(s->labels = tern__calloc(c, (size_t)count, sizeof *s->labels))) return TERN_ERR_MEMORY;
    s->classes = count;
    for (int i = 0; i < count; i++) {
        s->labels[i] = o->n_labels ? tern__strdup(c, o->labels[i]) : tern__format(c, "%d", i);
        if (!s->labels[i]) return TERN_ERR_MEMORY;
    }
    return TERN_OK;
}

/* A picture of the channels and the size that are wanted. */
static tern_status take_picture(tern__photo_store *s, tern__idx *x, int64_t i) {
    const size_t bytes = (size_t)x->width * (size_t)x->height * (size_t)x->channels;
    tern__photo *p = &s->photos[i];
    tern_image as_read = {.context = s->context,
                          .width = x->width,
                          .height = x->height,
                          .channels = x->channels,
                          .bits = 8,
                          .data = x->pixels + (size_t)i * bytes};
    tern_image coloured = {0};
    const tern_image *from = &as_read;
    tern_status st = TERN_OK;
    p->width = x->width;
    p->height = x->height;
    p->label = x->classes_of[i];
    p->mask = p->view = -1;
    if (s->channels != x->channels) {
        if ((st = tern_image_convert(&coloured, from, s->channels, 8)) != TERN_OK) return st;
        from = &coloured;
    }
    if (s->width != x->width || s->height != x->height) {
        st = tern_image_resize(&p->image, from, s->width, s->height, TERN_FILTER_BILINEAR, true);
        tern_image_free(&coloured);
        return st;
    }
    if (from == &coloured) {
        p->image = coloured;
        return TERN_OK;
    }
    st = tern_image_create(&p->image, s->context, x->width, x->height, x->channels, 8);
    if (st == TERN_OK) memcpy(p->image.data, as_read.data, bytes);
    return st;
}

tern_status tern__photos_read_idx(tern__photo_store *s) {
    tern_context *c = s->context;
    const tern_vision_dataset_options *o = &s->options;
    tern__idx x;
    tern_status st =
        tern__idx_read(&x, c, s->path, o->held_out, o->memory > 0 ? o->memory : MEMORY);
    if (st != TERN_OK) return st;
    s->channels = o->channels ? o->channels : x.channels;
    s->width = o->width ? o->width : x.width;
    s->height = o->height ? o->height : x.height;
    if (o->crop_width || o->crops > 1 || o->multiple > 1)
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "%s: pictures of idx files are taken whole; crop, crops and "
                        "multiple are not for them",
                        s->path);
    if (st == TERN_OK && !(s->photos = tern__calloc(c, (size_t)x.count, sizeof *s->photos)))
        st = TERN_ERR_MEMORY;
    if (st == TERN_OK) st = name_pictures(s, &x);
    if (st == TERN_OK) st = name_labels(s, &x);
    for (int64_t i = 0; st == TERN_OK && i < x.count; i++) st = take_picture(s, &x, i);
    s->idx[0] = x.images;
    s->idx[1] = x.labels;
    x.images = x.labels = NULL;
    tern__idx_free(&x, c);
    return st;
}
