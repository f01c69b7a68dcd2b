/* Data sets of pictures: serves the pictures that dataset_read.c has read to training, in crops
 * varied at random, and to evaluation, as they are. Knows no picture file and no network. */
#include "options.h"
#include "store.h"

#include "core/base/arithmetic.h"
#include "core/train/dataset.h"

#include <math.h>
#include <string.h>

#define NOT_COUNTED (-100) /* in targets */

typedef tern__photo_store store;
typedef struct tern__photo_scratch scratch;

/* ---- the source behind tern_dataset ---- */

static void free_scratch(tern_context *c, scratch *rooms) {
    for (int i = 0; rooms && i < c->threads; i++) {
        tern__free(c, rooms[i].labels);
        tern__free(c, rooms[i].floats);
    }
    tern__free(c, rooms);
}

static void close_store(void *self) {
    store *s = self;
    tern_context *c = s->context;
    for (size_t i = 0; s->photos && i < s->files.count; i++) {
        tern__photo *p = &s->photos[i];
        tern_image_free(&p->image);
        tern_image_free(&p->labels);
        tern_image_free(&p->inside);
        tern__free(c, p->weights);
        tern__free(c, p->rows);
        tern__free(c, p->counts);
        tern__free(c, p->message);
    }
    free_scratch(c, s->scratch);
    for (int i = 0; s->labels && i < s->classes; i++) tern__free(c, s->labels[i]);
    tern__free(c, s->labels);
    tern__free(c, s->photos);
    tern__files_free(&s->files);
    tern__files_free(&s->masks);
    tern__files_free(&s->views);
    tern__free(c, s->path);
    tern__free(c, s->idx[0]);
    tern__free(c, s->idx[1]);
    tern__free(c, s);
}

static int crops_of(const store *s) { return s->options.crops ? s->options.crops : 1; }
static int64_t picture_of(void *self, int64_t sample) { return tern__photo_of(self, sample); }

static const tern__photo *photo_of(const store *s, int64_t sample) {
    return &s->photos[tern__photo_of(s, sample)];
}

static int64_t class_of(void *self, int64_t sample) {
    const store *s = self;
    return s->segmentation ? -1 : photo_of(s, sample)->label;
}

/* Width and height of the samples of a batch. */
static void window(const store *s, const int64_t *samples, int64_t count, bool training,
                   int64_t size[2]) {
    size[0] = s->width;
    size[1] = s->height;
    if (training || !s->options.whole) return;
    const int64_t multiple = s->options.multiple ? s->options.multiple : 1;
    size[0] = size[1] = 1;
    for (int64_t i = 0; i < count; i++) {
        const tern_image *image = &photo_of(s, samples[i])->image;
        if (image->width > size[0]) size[0] = image->width;
        if (image->height > size[1]) size[1] = image->height;
    }
    for (int k = 0; k < 2; k++) size[k] = tern__round_up(size[k], multiple);
}

static void shapes(void *self, const int64_t *samples, int64_t count, bool training,
                   tern_tensor *inputs, tern_tensor *target) {
    const store *s = self;
    int64_t size[2];
    window(s, samples, count, training, size);
    inputs[0].type = TERN_FLOAT;
    inputs[0].rank = 4;
    inputs[0].dims[1] = s->channels;
    inputs[0].dims[2] = size[1];
    inputs[0].dims[3] = size[0];
    const bool classes = !s->segmentation || s->options.target == TERN_VISION_TARGET_CLASSES;
    target->type = classes ? TERN_INT64 : TERN_FLOAT;
    target->rank = !s->segmentation ? 1 : classes ? 3 : 4;
    if (!s->segmentation) return;
    if (!classes) target->dims[1] = s->options.target == TERN_VISION_TARGET_WEIGHTED ? 2 : 1;
    target->dims[target->rank - 2] = size[1];
    target->dims[target->rank - 1] = size[0];
}

/* ---- where a sample lies in its picture ---- */

/* Column and row of the window's first pixel; negative where the picture is smaller. */
typedef struct place {
    int64_t x, y;
} place;

/* Moves a window to within the picture, or to its middle where the picture is smaller. */
static int64_t keep_inside(int64_t start, int64_t window, int64_t picture) {
    if (picture < window) return -((window - picture) / 2);
    if (start < 0) return 0;
    return start < picture - window ? start : picture - window;
}

/* A pixel of a class above 0, each as likely as any other. */
static place draw_foreground(const tern__photo *p, tern__random *r) {
    const uint32_t total = p->rows[p->labels.height];
    const uint32_t number = (uint32_t)tern__random_below(r, total);
    int64_t low = 0, high = p->labels.height; /* rows[low] <= number < rows[high] */
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (p->rows[middle] <= number)
            low = middle;
        else
            high = middle;
    }
    const uint8_t *row = tern__image_row(&p->labels, low);
    int64_t x = 0;
    for (uint32_t left = number - p->rows[low];; x++) {
        if (row[x] == 0 || row[x] == TERN_MASK_IGNORED) continue;
        if (left-- == 0) return (place){x, low};
    }
}

static place draw_place(const store *s, const tern__photo *p, tern__random *r) {
    const int64_t width = p->image.width, height = p->image.height;
    const bool around =
        tern__random_uniform(r) < s->options.foreground && p->rows && p->rows[height] > 0;
    place at;
    if (around) {
        at = draw_foreground(p, r);
        at.x -= tern__random_below(r, s->width);
        at.y -= tern__random_below(r, s->height);
    } else {
        at.x = width > s->width ? tern__random_below(r, width - s->width + 1) : 0;
        at.y = height > s->height ? tern__random_below(r, height - s->height + 1) : 0;
    }
    return (place){keep_inside(at.x, s->width, width), keep_inside(at.y, s->height, height)};
}

/* The i-th of n windows that are spread evenly over a side. */
static int64_t spread(int64_t i, int64_t n, int64_t window, int64_t picture) {
    if (picture <= window || n < 2) return keep_inside((picture - window) / 2, window, picture);
    return (i * (picture - window) + (n - 1) / 2) / (n - 1);
}

/* Window number `crop` of all on a grid that has about as many columns to a width as rows to a
 * height. */
static place even_place(const store *s, const tern__photo *p, int64_t crop) {
    const int64_t n = crops_of(s);
    const double aspect =
        ((double)p->image.width / s->width) / ((double)p->image.height / s->height);
    int64_t columns = (int64_t)floor(sqrt((double)n * aspect) + 0.5);
    columns = columns < 1 ? 1 : columns > n ? n : columns;
    const int64_t rows = (n + columns - 1) / columns, row = crop / columns;
    /* The last row may have fewer. */
    const int64_t in_row = row == rows - 1 ? n - row * columns : columns;
    return (place){spread(crop % columns, in_row, s->width, p->image.width),
                   spread(row, rows, s->height, p->image.height)};
}

/* ---- loading ---- */

/* Writes pixel i of the target from its label and its share of border_weight / 255. */
static void set_target(const store *s, tern_tensor *target, size_t i, size_t plane, uint8_t label,
                       uint8_t border) {
    const bool counts = label != TERN_MASK_IGNORED;
    if (s->options.target == TERN_VISION_TARGET_CLASSES) {
        ((int64_t *)target->data)[i] = counts ? label : NOT_COUNTED;
        return;
    }
    float *to = target->data;
    to[i] = counts ? label : 0;
    if (s->options.target == TERN_VISION_TARGET_WEIGHTED)
        to[plane + i] = counts ? 1 + (float)(s->options.border_weight * border / 255) : 0;
}

static void load_varied(const store *s, tern_load *l, const tern__photo *p) {
    const size_t plane = (size_t)s->width * (size_t)s->height;
    const scratch *room = &s->scratch[l->worker];
    tern__random random = tern__random_make(l->random, 0);
    const place at = draw_place(s, p, &random);
    const tern__view view = {.image = &p->image,
                             .labels = p->labels.data,
                             .weights = p->weights,
                             .x = (double)at.x + (s->width - 1) / 2.0,
                             .y = (double)at.y + (s->height - 1) / 2.0,
                             .width = s->width,
                             .height = s->height};
    uint8_t *labels = s->segmentation ? room->labels : NULL;
    uint8_t *weights = p->weights ? room->labels + plane : NULL;
    tern__vary_view(&s->options.augmentation, &random, &view, TERN_MASK_IGNORED, l->inputs[0].data,
                    labels, weights, room->floats);
    for (size_t i = 0; labels && i < plane; i++)
        set_target(s, &l->target, i, plane, labels[i], weights ? weights[i] : 0);
}

/* As it is; pixels beyond the picture do not count. */
static void load_plain(const store *s, tern_load *l, const tern__photo *p) {
    const int width = (int)l->inputs[0].dims[3], height = (int)l->inputs[0].dims[2];
    const size_t plane = (size_t)width * (size_t)height;
    place at = {0, 0};
    if (!s->options.whole) at = even_place(s, p, l->sample % crops_of(s));
    tern__image_planes(&p->image, at.x, at.y, width, height, s->options.augmentation.border,
                       s->channels, l->inputs[0].data);
    const uint8_t *labels = p->labels.data;
    size_t i = 0;
    for (int64_t y = at.y; labels && y < at.y + height; y++)
        for (int64_t x = at.x; x < at.x + width; x++, i++) {
            const bool inside = x >= 0 && y >= 0 && x < p->labels.width && y < p->labels.height;
            const int64_t from = y * p->labels.width + x;
            set_target(s, &l->target, i, plane, inside ? labels[from] : TERN_MASK_IGNORED,
                       inside && p->weights ? p->weights[from] : 0);
        }
}

static tern_status load(void *self, tern_load *l) {
    const store *s = self;
    const tern__photo *p = photo_of(s, l->sample);
    if (l->training)
        load_varied(s, l, p);
    else
        load_plain(s, l, p);
    const size_t plane = (size_t)(l->inputs[0].dims[2] * l->inputs[0].dims[3]);
    tern__planes_normalize(l->inputs[0].data, plane, &s->normalization);
    if (!s->segmentation) *(int64_t *)l->target.data = p->label;
    return TERN_OK;
}

/* A hash of everything that makes this data set what it is. */
static uint64_t fingerprint(const store *s) {
    uint64_t h = TERN__HASH_START;
    const tern_vision_dataset_options *o = &s->options;
    const int settings[] = {s->channels, s->classes,  s->width, s->height,      o->width,
                            o->height,   crops_of(s), o->whole, (int)o->target, s->segmentation};
    for (size_t i = 0; i < s->files.count; i++) {
        const tern__photo *p = &s->photos[i];
        h = tern__hash(h, s->files.key[i], strlen(s->files.key[i]));
        h = tern__hash(h, &p->width, sizeof p->width);
        h = tern__hash(h, &p->height, sizeof p->height);
        h = tern__hash(h, &p->label, sizeof p->label);
        if (p->counts) h = tern__hash(h, p->counts, ((size_t)s->classes + 1) * sizeof *p->counts);
    }
    h = tern__hash(h, settings, sizeof settings);
    h = tern__hash(h, &o->foreground, sizeof o->foreground);
    h = tern__hash(h, &o->border_weight, sizeof o->border_weight);
    h = tern__hash(h, &o->border_sigma, sizeof o->border_sigma);
    return tern__options_hash(&tern__vision_augmentation, h, &o->augmentation) | 1;
}

/* ---- opening ---- */

static tern_status check_options(tern_context *c, const tern_vision_dataset_options *o,
                                 bool segmentation) {
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "picture data set options of size %zu, expected %zu: start from "
                          "TERN_VISION_DATASET_OPTIONS_INIT",
                          o->size, sizeof *o);
    const struct {
        const char *name;
        double value, max;
    } parts[] = {{"crop_width", o->crop_width, TERN_IMAGE_MAX_SIDE},
                 {"crop_height", o->crop_height, TERN_IMAGE_MAX_SIDE},
                 {"width", o->width, TERN_IMAGE_MAX_SIDE},
                 {"height", o->height, TERN_IMAGE_MAX_SIDE},
                 {"multiple", o->multiple, 4096},
                 {"crops", o->crops, 1e6},
                 {"foreground", o->foreground, 1},
                 {"classes", o->classes, 255},
                 {"border_weight", o->border_weight, 1e6},
                 {"border_sigma", o->border_sigma, 50},
                 {"memory", o->memory, 1e15}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!(parts[i].value >= 0 && parts[i].value <= parts[i].max))
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "picture data set: %s is %g; it must be in 0..%g", parts[i].name,
                              parts[i].value, parts[i].max);
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "picture data set: %d channels; 1 and 3 are possible", o->channels);
    if (!o->width != !o->height)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "picture data set: width and height must both be given, or neither");
    if (o->crop_height && !o->crop_width)
        return tern__fail(c, TERN_ERR_ARGUMENT, "picture data set: crop_height without crop_width");
    if (segmentation && !o->masks)
        return tern__fail(c, TERN_ERR_ARGUMENT, "picture data set: no folder of masks is given");
    if (o->border_weight > 0 && o->target != TERN_VISION_TARGET_WEIGHTED)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "picture data set: border_weight needs a weighted target");
    if (o->classes == 1)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "picture data set: 1 class; background and foreground are 2");
    return tern_vision_augmentation_check(c, &o->augmentation);
}

/* Takes up this augmentation, with scratch for every worker; nothing changes on failure. */
static tern_status set_augmentation(store *s, const tern_vision_augmentation *a) {
    tern_context *c = s->context;
    const size_t floats = tern__vary_view_scratch(a, s->width, s->height);
    scratch *rooms = tern__calloc(c, (size_t)c->threads, sizeof *rooms);
    if (!rooms) return TERN_ERR_MEMORY;
    for (int i = 0; i < c->threads; i++) {
        rooms[i].labels = tern__alloc(c, 2 * (size_t)s->width * (size_t)s->height);
        rooms[i].floats = tern__alloc(c, floats * sizeof(float));
        if (!rooms[i].labels || !rooms[i].floats) {
            free_scratch(c, rooms);
            return TERN_ERR_MEMORY;
        }
    }
    free_scratch(c, s->scratch);
    s->scratch = rooms;
    s->options.augmentation = *a;
    return TERN_OK;
}

/* After reading, what the caller's options point to is not looked at again. */
static void forget_pointers(tern_vision_dataset_options *o) {
    o->masks = o->fov = NULL;
    o->labels = NULL;
}

static tern_status fill(store *s, const char *path, const tern_vision_dataset_options *options,
                        bool segmentation) {
    tern_context *c = s->context;
    s->options = *options;
    s->segmentation = segmentation;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (!(s->path = tern__strndup(c, path, length))) return TERN_ERR_MEMORY;
    tern_status st = tern__photos_read(s);
    forget_pointers(&s->options);
    if (st != TERN_OK) return st;
    s->normalization = (tern_normalization)TERN_NORMALIZATION_INIT;
    s->normalization.channels = s->channels;
    tern__photos_report(s);
    return set_augmentation(s, &options->augmentation);
}

/* The folder or file, then pictures, masks and fields of view. */
static const char *file(void *self, size_t index) {
    const store *s = self;
    const tern__file_list *const lists[] = {&s->files, &s->masks, &s->views};
    if (index-- == 0) return s->path;
    if (s->idx[0]) return index < 2 ? s->idx[index] : NULL; /* its list has no files */
    for (int i = 0; i < 3; i++) {
        if (index < lists[i]->count) return lists[i]->path[index];
        index -= lists[i]->count;
    }
    return NULL;
}

static tern_status open_data(tern_vision_dataset **data, tern_context *c, const char *path,
                             const tern_vision_dataset_options *options, bool segmentation) {
    const tern_vision_dataset_options defaults = TERN_VISION_DATASET_OPTIONS_INIT;
    if (!options) options = &defaults;
    *data = NULL;
    tern_status st = check_options(c, options, segmentation);
    if (st != TERN_OK) return st;
    tern_vision_dataset *d = tern__calloc(c, 1, sizeof *d);
    store *s = tern__calloc(c, 1, sizeof *s);
    st = TERN_ERR_MEMORY;
    if (!d || !s) goto failed;
    s->context = c;
    if ((st = fill(s, path, options, segmentation)) != TERN_OK) goto failed;
    const tern_dataset_source source = {.size = sizeof source,
                                        .self = s,
                                        .count = (int64_t)s->files.count * crops_of(s),
                                        .n_inputs = 1,
                                        .close = close_store,
                                        .class_of = class_of,
                                        .group_of = picture_of,
                                        .shapes = shapes,
                                        .load = load,
                                        .fingerprint = fingerprint(s),
                                        .file = file};
    if ((st = tern_dataset_create(&d->samples, c, &source)) != TERN_OK) goto failed;
    d->context = c;
    d->store = s;
    *data = d;
    return TERN_OK;
failed:
    if (s && s->context)
        close_store(s);
    else
        tern__free(c, s);
    tern__free(c, d);
    return st;
}

tern_status tern_vision_dataset_open(tern_vision_dataset **data, tern_context *c,
                                     const char *pictures,
                                     const tern_vision_dataset_options *options) {
    return open_data(data, c, pictures, options, true);
}

tern_status tern_vision_dataset_open_labels(tern_vision_dataset **data, tern_context *c,
                                            const char *path,
                                            const tern_vision_dataset_options *options) {
    return open_data(data, c, path, options, false);
}

void tern_vision_dataset_free(tern_vision_dataset *data) {
    if (!data) return;
    tern_dataset_free(data->samples); /* closes the store with the last view */
    tern__free(data->context, data);
}

/* ---- looking at it ---- */

tern_dataset *tern_vision_dataset_samples(const tern_vision_dataset *data) { return data->samples; }
int64_t tern_vision_dataset_pictures(const tern_vision_dataset *data) {
    return (int64_t)data->store->files.count;
}
const char *tern_vision_dataset_file(const tern_vision_dataset *data, int64_t picture) {
    return data->store->files.path[picture];
}
void tern_vision_dataset_size(const tern_vision_dataset *data, int64_t picture, int *width,
                              int *height) {
    *width = data->store->photos[picture].width;
    *height = data->store->photos[picture].height;
}
int tern_vision_dataset_channels(const tern_vision_dataset *data) { return data->store->channels; }
int tern_vision_dataset_classes(const tern_vision_dataset *data) { return data->store->classes; }
const char *tern_vision_dataset_label(const tern_vision_dataset *data, int index) {
    return data->store->labels ? data->store->labels[index] : NULL;
}
void tern_vision_dataset_window(const tern_vision_dataset *data, int *width, int *height) {
    *width = data->store->width;
    *height = data->store->height;
}

void tern_vision_dataset_shares(const tern_vision_dataset *data, double *shares) {
    const store *s = data->store;
    double total = 0;
    for (int k = 0; k < s->classes; k++) {
        shares[k] = 0;
        for (size_t i = 0; i < s->files.count; i++)
            shares[k] += s->segmentation ? (double)s->photos[i].counts[k]
                                         : (double)(s->photos[i].label == k);
        total += shares[k];
    }
    for (int k = 0; k < s->classes && total > 0; k++) shares[k] /= total;
}

tern_status tern_vision_dataset_read(const tern_vision_dataset *data, int64_t picture,
                                     tern_image *image, tern_mask *mask) {
    *image = (tern_image){0};
    if (mask) *mask = (tern_mask){0};
    if (picture < 0 || picture >= (int64_t)data->store->files.count)
        return tern__fail(data->context, TERN_ERR_ARGUMENT, "picture %lld of %zu",
                          (long long)picture, data->store->files.count);
    if (mask && !data->store->segmentation)
        return tern__fail(data->context, TERN_ERR_ARGUMENT,
                          "a mask from pictures that have labels instead");
    return tern__photo_read(data->store, data->context, (size_t)picture, image, mask);
}

tern_status tern_vision_dataset_vary(tern_vision_dataset *data,
                                     const tern_vision_augmentation *augmentation) {
    const tern_vision_augmentation none = {0};
    if (!augmentation) augmentation = &none;
    tern_status st = tern_vision_augmentation_check(data->context, augmentation);
    if (st != TERN_OK) return st;
    if ((st = set_augmentation(data->store, augmentation)) != TERN_OK) return st;
    data->samples->shared->source.fingerprint = fingerprint(data->store);
    return TERN_OK;
}
