/* Reads the pictures of a data set and their masks into memory, in parallel, and says what is in
 * them. Serves nothing. */
#include "idx.h"

#include "core/base/arithmetic.h"
#include "store.h"

#include "core/base/labels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MEMORY 4e9       /* bytes, where not given */
#define BORDER_SIGMA 5.0 /* pixels, where not given */
#define SHOWN 5          /* so many files are named in a warning */

/* ---- work on all pictures ---- */

/* One worker's context, with its own sentence, and what it saw in masks. */
typedef struct worker {
    tern_context context;
    tern__mask_values noted, noted_views;
} worker;

typedef tern_status (*photo_function)(tern__photo_store *store, worker *w, size_t number);

typedef struct reading {
    tern__photo_store *store;
    worker *workers; /* [threads] */
    photo_function function;
} reading;

static void work(void *argument, int64_t i, int number) {
    const reading *r = argument;
    worker *w = &r->workers[number];
    tern__photo *photo = &r->store->photos[i];
    photo->status = r->function(r->store, w, (size_t)i);
    if (photo->status != TERN_OK)
        photo->message = tern__strdup(&w->context, tern_context_message(&w->context));
}

/* The failure of the first picture that has one. */
static tern_status first_failure(const tern__photo_store *s) {
    size_t failures = 0, first = 0;
    for (size_t i = s->files.count; i-- > 0;)
        if (s->photos[i].status != TERN_OK) failures++, first = i;
    if (!failures) return TERN_OK;
    const tern__photo *p = &s->photos[first];
    const char *why = p->message ? p->message : "out of memory";
    if (failures == 1) return tern__fail(s->context, p->status, "%s", why);
    return tern__fail(s->context, p->status, "%s (and %zu more of the %zu pictures cannot be used)",
                      why, failures - 1, s->files.count);
}

static tern_status for_all(tern__photo_store *s, worker *workers, photo_function function) {
    reading r = {s, workers, function};
    for (int i = 0; i < s->context->threads; i++) {
        workers[i].context = *s->context;
        workers[i].context.threads = 1;
    }
    tern__parallel(s->context, (int64_t)s->files.count, TERN__WORTH_A_THREAD, work, &r);
    return first_failure(s);
}

/* ---- which file belongs to which ---- */

static tern_status match(const tern__photo_store *s, const tern__file_list *list,
                         const char *folder, const char *what, size_t i, int *number) {
    *number = tern__files_match(list, s->files.key[i]);
    if (*number >= 0) return TERN_OK;
    return tern__fail(
        s->context, TERN_ERR_FORMAT,
        "%s: it has no %s: %s holds %zu pictures, but none of the name %s.png (or with "
        "_mask, _label, ... after the name)",
        s->files.path[i], what, folder, list->count, s->files.key[i]);
}

static bool one_folder(const char *a, const char *b) {
    struct stat first, second;
    return !stat(a, &first) && !stat(b, &second) && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static tern_status match_all(tern__photo_store *s) {
    size_t used = 0;
    tern_status st = tern__files_read(&s->masks, s->context, s->options.masks, false);
    if (st == TERN_OK && one_folder(s->path, s->options.masks))
        st = tern__files_part(&s->files, &s->masks, s->path);
    if (st == TERN_OK && s->options.fov)
        st = tern__files_read(&s->views, s->context, s->options.fov, false);
    for (size_t i = 0; i < s->files.count && st == TERN_OK; i++) {
        tern__photo *p = &s->photos[i];
        st = match(s, &s->masks, s->options.masks, "mask", i, &p->mask);
        if (st == TERN_OK && s->options.fov)
            st = match(s, &s->views, s->options.fov, "field of view", i, &p->view);
        used++;
    }
    if (st == TERN_OK && used < s->masks.count)
        tern__log(s->context, TERN_LOG_WARNING, "%s: %zu masks belong to no picture of %s",
                  s->options.masks, s->masks.count - used, s->path);
    return st;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The label of the folder that a picture lies in, which is the beginning of its key; *folder: as it
 * is written there. Both are the caller's. */
static tern_status label_name(const tern__photo_store *s, size_t i, char **name, char **folder) {
    const char *key = s->files.key[i], *slash = strchr(key, '/');
    *name = *folder = NULL;
    if (!slash)
        return tern__fail(
            s->context, TERN_ERR_FORMAT,
            "%s: it lies in no folder of a label; a data set is a folder per label with "
            "the pictures inside",
            s->files.path[i]);
    *folder = tern__strndup(s->context, key, (size_t)(slash - key));
    if (*folder) *name = tern__label_copy(s->context, *folder);
    if (*name) return TERN_OK;
    tern__free(s->context, *folder);
    *folder = NULL;
    return TERN_ERR_MEMORY;
}

/* Adds a label; takes its name over, also on failure. */
static tern_status add_label(tern__photo_store *s, size_t *capacity, char *name) {
    const size_t n = (size_t)s->classes;
    char **labels =
        name ? tern__grow(s->context, s->labels, n, capacity, n + 1, sizeof *labels) : NULL;
    if (!labels) {
        tern__free(s->context, name);
        return TERN_ERR_MEMORY;
    }
    s->labels = labels;
    labels[s->classes++] = name;
    return TERN_OK;
}

/* Takes the labels of options, or all that there are, sorted. */
static tern_status find_labels(tern__photo_store *s, tern__spellings *spellings) {
    tern_context *c = s->context;
    const tern_vision_dataset_options *o = &s->options;
    size_t capacity = 0;
    tern_status st = TERN_OK;
    for (size_t i = 0; i < o->n_labels && st == TERN_OK; i++)
        st = add_label(s, &capacity, tern__label_copy(c, o->labels[i]));
    for (size_t i = 0; i < s->files.count && st == TERN_OK; i++) {
        char *name, *folder;
        if ((st = label_name(s, i, &name, &folder)) != TERN_OK) break;
        const bool known = tern__spellings_have(spellings, name);
        st = tern__spellings_note(spellings, folder, name);
        if (st != TERN_OK || known || o->n_labels)
            tern__free(c, name);
        else
            st = add_label(s, &capacity, name);
        tern__free(c, folder);
    }
    if (st != TERN_OK || o->n_labels) return st;
    qsort(s->labels, (size_t)s->classes, sizeof *s->labels, by_text);
    if (s->classes < 2)
        return tern__fail(
            c, TERN_ERR_FORMAT,
            "%s: all %zu pictures have the label '%s'; to tell pictures apart at least "
            "two labels are needed",
            s->path, s->files.count, s->labels[0]);
    return TERN_OK;
}

/* One warning about labels: folders without a picture, spellings that are one, given labels that
 * never occur. */
static tern_status report_labels(const tern__photo_store *s, const tern__spellings *spellings) {
    tern_context *c = s->context;
    tern__spellings lost = {.context = c};
    tern__findings findings = {0};
    tern__shown never = {0};
    tern__file_list folders;
    tern_status st = tern__files_folders(&folders, c, s->path);
    for (size_t i = 0; st == TERN_OK && i < folders.count; i++) {
        char *name = tern__label_copy(c, folders.path[i]);
        st = name ? tern__spellings_note(&lost, folders.path[i], name) : TERN_ERR_MEMORY;
        tern__free(c, name);
    }
    for (int k = 0; st == TERN_OK && k < s->classes; k++)
        if (!tern__spellings_have(spellings, s->labels[k])) tern__shown_add(&never, s->labels[k]);
    if (st == TERN_OK) {
        tern__spellings_lost(spellings, &lost, &findings, "without a picture");
        if (never.count)
            tern__findings_add(&findings, "%zu label%s never occur%s: %s", never.count,
                               never.count == 1 ? "" : "s", never.count == 1 ? "s" : "",
                               tern__shown_text(&never));
        tern__spellings_merged(spellings, &findings);
        tern__findings_many(&findings, spellings->n_labels, s->files.count, s->files.count, "label",
                            "pictures");
        tern__findings_log(&findings, c, s->path);
    }
    tern__spellings_clear(&lost);
    tern__files_free(&folders);
    return st;
}

static tern_status label_all(tern__photo_store *s) {
    tern__spellings spellings = {.context = s->context};
    tern_status st = find_labels(s, &spellings);
    for (size_t i = 0; i < s->files.count && st == TERN_OK; i++) {
        char *name, *folder;
        if ((st = label_name(s, i, &name, &folder)) != TERN_OK) break;
        s->photos[i].label = -1;
        for (int k = 0; k < s->classes; k++)
            if (!strcmp(s->labels[k], name)) s->photos[i].label = k;
        if (s->photos[i].label < 0)
            st = tern__fail(s->context, TERN_ERR_FORMAT,
                            "%s: the label '%s' is none of the %d given", s->files.path[i], name,
                            s->classes);
        tern__free(s->context, name);
        tern__free(s->context, folder);
    }
    if (st == TERN_OK) st = report_labels(s, &spellings);
    tern__spellings_clear(&spellings);
    return st;
}

/* ---- sizes ---- */

static tern_status check_size(tern_context *c, const char *what, const char *path, int width,
                              int height, const char *picture, const tern__photo *p) {
    tern_image_options stored = TERN_IMAGE_OPTIONS_INIT;
    tern_image header;
    if (width == p->width && height == p->height) return TERN_OK;
    stored.ignore_orientation = true;
    const bool turned = tern_image_probe(&header, c, picture, &stored) == TERN_OK &&
                        header.width == width && header.height == height;
    return tern__fail(c, TERN_ERR_FORMAT,
                      "%s: the %s has %d x %d pixels, its picture %s has %d x %d%s", path, what,
                      width, height, picture, p->width, p->height,
                      turned ? " after it was turned as its EXIF orientation says; turn both the "
                               "same way, or take the orientation out of the picture "
                               "(exiftool -Orientation= FILE)"
                             : "");
}

static tern_status probe_other(const tern__photo_store *s, worker *w, size_t i, const char *what,
                               const char *path) {
    tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
    tern_image header;
    o.keep_palette = true;
    tern_status st = tern_image_probe(&header, &w->context, path, &o);
    if (st != TERN_OK) return st;
    return check_size(&w->context, what, path, header.width, header.height, s->files.path[i],
                      &s->photos[i]);
}

/* Notes size, channels and bits (in image, without data) and compares sizes. */
static tern_status probe(tern__photo_store *s, worker *w, size_t i) {
    tern__photo *p = &s->photos[i];
    tern_status st = tern_image_probe(&p->image, &w->context, s->files.path[i], NULL);
    p->image.context = NULL; /* owns nothing */
    if (st != TERN_OK) return st;
    p->width = p->image.width;
    p->height = p->image.height;
    if (p->mask >= 0) st = probe_other(s, w, i, "mask", s->masks.path[p->mask]);
    if (st == TERN_OK && p->view >= 0)
        st = probe_other(s, w, i, "field of view", s->views.path[p->view]);
    return st;
}

/* Channels, memory, and what training will see. */
static tern_status plan(tern__photo_store *s) {
    const tern_vision_dataset_options *o = &s->options;
    const bool resized = o->width > 0;
    const int multiple = o->multiple ? o->multiple : 1;
    double bytes = 0;
    s->channels = o->channels ? o->channels : 1;
    for (size_t i = 0; i < s->files.count && !o->channels; i++)
        if (s->photos[i].image.channels > 2) s->channels = 3;
    int width = resized ? o->width : s->photos[0].width;
    int height = resized ? o->height : s->photos[0].height;
    for (size_t i = 0; i < s->files.count; i++) {
        const tern__photo *p = &s->photos[i];
        const double pixels = resized ? (double)width * height : (double)p->width * p->height;
        bytes +=
            pixels * (s->channels * p->image.bits / 8 + s->segmentation + (o->border_weight > 0));
        if (!resized && !o->crop_width && (p->width != width || p->height != height))
            return tern__fail(s->context, TERN_ERR_ARGUMENT,
                              "%s has %d x %d pixels, %s %d x %d: pictures of different sizes are "
                              "cropped (crop) or resized (size)",
                              s->files.path[0], width, height, s->files.path[i], p->width,
                              p->height);
    }
    const double most = o->memory > 0 ? o->memory : MEMORY;
    if (bytes > most)
        return tern__fail(
            s->context, TERN_ERR_LIMIT,
            "%s: %zu pictures would take %.2f GB of memory, more than the %.2f GB that "
            "are allowed",
            s->path, s->files.count, bytes / 1e9, most / 1e9);
    if (o->crop_width) {
        width = o->crop_width;
        height = o->crop_height ? o->crop_height : o->crop_width;
    }
    s->width = (int)tern__round_up(width, multiple);
    s->height = (int)tern__round_up(height, multiple);
    return TERN_OK;
}

/* ---- reading ---- */

static tern_status load_image(const tern__photo_store *s, tern_context *c, const char *path,
                              tern_image *image) {
    tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
    o.channels = s->channels;
    return tern_image_load(image, c, path, &o);
}

/* Brings the picture to the size that is wanted. */
static tern_status resize(const tern__photo_store *s, tern_image *image, tern_filter filter) {
    const int width = s->options.width, height = s->options.height;
    if (!width || (image->width == width && image->height == height)) return TERN_OK;
    tern_image resized;
    tern_status st =
        tern_image_resize(&resized, image, width, height, filter, filter == TERN_FILTER_BILINEAR);
    if (st != TERN_OK) return st;
    tern_image_free(image);
    *image = resized;
    return TERN_OK;
}

/* Reads values of a mask or field of view of picture i. */
static tern_status load_values(const tern__photo_store *s, tern_context *c, size_t i,
                               const char *path, const char *what, tern__mask_values *noted,
                               tern_image *values) {
    const bool colours = s->options.coding == TERN_MASK_BINARY || noted == NULL;
    tern__mask_values unused = {0};
    tern_status st = tern__mask_read(values, noted ? noted : &unused, c, path, colours);
    if (st != TERN_OK) return st;
    st = check_size(c, what, path, values->width, values->height, s->files.path[i], &s->photos[i]);
    if (st != TERN_OK) tern_image_free(values);
    return st;
}

static tern_status load(tern__photo_store *s, worker *w, size_t i) {
    tern__photo *p = &s->photos[i];
    tern_context *c = &w->context;
    tern_status st = load_image(s, c, s->files.path[i], &p->image);
    if (st == TERN_OK) st = resize(s, &p->image, TERN_FILTER_BILINEAR);
    if (st == TERN_OK && p->mask >= 0)
        st = load_values(s, c, i, s->masks.path[p->mask], "mask", &w->noted, &p->labels);
    if (st == TERN_OK && p->mask >= 0) st = resize(s, &p->labels, TERN_FILTER_NEAREST);
    if (st == TERN_OK && p->view >= 0)
        st = load_values(s, c, i, s->views.path[p->view], "field of view", &w->noted_views,
                         &p->inside);
    if (st == TERN_OK && p->view >= 0) st = resize(s, &p->inside, TERN_FILTER_NEAREST);
    /* What is kept belongs to the data set. */
    tern_image *kept[] = {&p->image, &p->labels, &p->inside};
    for (int k = 0; k < 3; k++)
        if (kept[k]->data) kept[k]->context = s->context;
    return st;
}

/* ---- labels ---- */

/* Values to labels; outside the field of view nothing counts. */
static tern_status make_labels(const tern__photo_store *s, const char *path, const char *view_path,
                               tern_image *values, tern_image *inside) {
    tern_status st = tern__mask_decode(values, &s->noted, s->coding, s->classes, path);
    if (st != TERN_OK || !inside->data) return st;
    if ((st = tern__mask_decode(inside, &s->noted_views, TERN_MASK_BINARY, 2, view_path)) !=
        TERN_OK)
        return st;
    const size_t count = (size_t)values->width * (size_t)values->height;
    for (size_t i = 0; i < count; i++)
        if (!((const uint8_t *)inside->data)[i]) ((uint8_t *)values->data)[i] = TERN_MASK_IGNORED;
    return TERN_OK;
}

/* Pixels of each class; and for each row those of classes above 0 that lie before it. */
static tern_status count_labels(const tern__photo_store *s, tern_context *c, tern__photo *p) {
    const uint8_t *labels = p->labels.data;
    const size_t width = (size_t)p->labels.width, height = (size_t)p->labels.height;
    p->counts = tern__calloc(c, (size_t)s->classes + 1, sizeof *p->counts);
    if (s->options.foreground > 0) p->rows = tern__alloc(c, (height + 1) * sizeof *p->rows);
    if (!p->counts || (s->options.foreground > 0 && !p->rows)) return TERN_ERR_MEMORY;
    uint32_t before = 0;
    for (size_t y = 0; y < height; y++) {
        if (p->rows) p->rows[y] = before;
        for (size_t x = 0; x < width; x++) {
            const uint8_t label = labels[y * width + x];
            p->counts[label == TERN_MASK_IGNORED ? s->classes : label]++;
            before += label != 0 && label != TERN_MASK_IGNORED;
        }
    }
    if (p->rows) p->rows[height] = before;
    return TERN_OK;
}

/* U-Net's map, as bytes. */
static tern_status weigh_borders(const tern__photo_store *s, tern_context *c, tern__photo *p) {
    const tern_mask mask = {.context = c,
                            .width = p->labels.width,
                            .height = p->labels.height,
                            .classes = s->classes,
                            .labels = p->labels.data};
    const double w0 = s->options.border_weight, sigma = s->options.border_sigma;
    const size_t count = (size_t)mask.width * (size_t)mask.height;
    p->weights = tern__alloc(c, count);
    float *weights = tern__alloc(c, count * sizeof *weights);
    tern_status st = p->weights && weights ? TERN_OK : TERN_ERR_MEMORY;
    if (st == TERN_OK)
        st = tern_mask_border_weights(weights, &mask, w0, sigma > 0 ? sigma : BORDER_SIGMA);
    for (size_t i = 0; st == TERN_OK && i < count; i++)
        p->weights[i] = weights[i] > 1 ? (uint8_t)((weights[i] - 1) / (float)w0 * 255 + 0.5f) : 0;
    tern__free(c, weights);
    return st;
}

static tern_status decode(tern__photo_store *s, worker *w, size_t i) {
    tern__photo *p = &s->photos[i];
    const char *view = p->view >= 0 ? s->views.path[p->view] : NULL;
    /* Sentences go to the worker's context. */
    p->labels.context = &w->context;
    tern_status st = make_labels(s, s->masks.path[p->mask], view, &p->labels, &p->inside);
    p->labels.context = s->context;
    tern_image_free(&p->inside);
    if (st == TERN_OK) st = count_labels(s, &w->context, p);
    if (st == TERN_OK && s->options.border_weight > 0) st = weigh_borders(s, &w->context, p);
    return st;
}

/* Names the level of masks of two classes that is neither of them and has most pixels. Values are
 * not decoded yet. */
static void report_levels(const tern__photo_store *s) {
    int64_t pixels[256] = {0};
    size_t first[256] = {0};
    int most = 0, others = 0, above = 0;
    for (size_t i = s->files.count; i-- > 0;) {
        const tern_image *values = &s->photos[i].labels;
        const size_t count = (size_t)values->width * (size_t)values->height;
        for (size_t k = 0; k < count; k++) {
            const uint8_t value = ((const uint8_t *)values->data)[k];
            pixels[value]++;
            first[value] = i;
        }
    }
    for (int i = 2; i < 256; i++) above += pixels[i] > 0;
    for (int i = 1; i < 255 && above; i++) {
        if (!pixels[i]) continue;
        others++;
        if (!most || pixels[i] > pixels[most]) most = i;
    }
    /* One level and 0 are two classes, whatever the level. */
    if (!others || (others == 1 && !pixels[255])) return;
    char more[60] = "";
    if (others > 1) snprintf(more, sizeof more, " (and %d more levels)", others - 1);
    tern__log(s->context, TERN_LOG_WARNING,
              "%s: level %d%s is neither 0 nor 255: %lld pixels, the first in %s; of two classes "
              "levels from 128 on are class 1; for more classes their numbers 0, 1, 2, ... are the "
              "levels",
              s->options.masks, most, more, (long long)pixels[most],
              s->masks.path[s->photos[first[most]].mask]);
}

/* The classes, after all masks were read. */
static tern_status find_classes(tern__photo_store *s, const worker *workers) {
    for (int k = 0; k < s->context->threads; k++) {
        s->noted.numbers |= workers[k].noted.numbers;
        for (int i = 0; i < 256; i++) {
            s->noted.seen[i] |= workers[k].noted.seen[i];
            s->noted_views.seen[i] |= workers[k].noted_views.seen[i];
        }
    }
    s->coding = tern__mask_coding(&s->noted, s->options.coding);
    s->classes = tern__mask_classes(&s->noted, s->coding, s->options.classes);
    if (s->coding == TERN_MASK_BINARY) report_levels(s);
    if (s->classes > 2 && s->options.target == TERN_VISION_TARGET_BINARY)
        return tern__fail(s->context, TERN_ERR_FORMAT,
                          "%s: the masks have %d classes, a target of 0 and 1 has two",
                          s->options.masks, s->classes);
    return TERN_OK;
}

tern_status tern__photos_read(tern__photo_store *s) {
    tern_context *c = s->context;
    if (!s->segmentation && tern__idx_is(s->path)) return tern__photos_read_idx(s);
    tern_status st = tern__files_read(&s->files, c, s->path, !s->segmentation);
    if (st != TERN_OK) return st;
    if (!(s->photos = tern__calloc(c, s->files.count, sizeof *s->photos))) return TERN_ERR_MEMORY;
    for (size_t i = 0; i < s->files.count; i++) s->photos[i].mask = s->photos[i].view = -1;
    if ((st = s->segmentation ? match_all(s) : label_all(s)) != TERN_OK) return st;
    worker *workers = tern__calloc(c, (size_t)c->threads, sizeof *workers);
    if (!workers) return TERN_ERR_MEMORY;
    st = for_all(s, workers, probe);
    if (st == TERN_OK) st = plan(s);
    if (st == TERN_OK) st = for_all(s, workers, load);
    if (st == TERN_OK && s->segmentation) st = find_classes(s, workers);
    if (st == TERN_OK && s->segmentation) st = for_all(s, workers, decode);
    tern__free(c, workers);
    return st;
}

tern_status tern__photo_read(const tern__photo_store *s, tern_context *c, size_t i,
                             tern_image *image, tern_mask *mask) {
    const tern__photo *p = &s->photos[i];
    tern_image values = {0}, inside = {0};
    if (mask) *mask = (tern_mask){0};
    if (!s->segmentation && tern__idx_is(s->path))
        return tern_image_convert(image, &p->image, p->image.channels, 0);
    tern_status st = load_image(s, c, s->files.path[i], image);
    if (st != TERN_OK || !mask) return st;
    const char *view = p->view >= 0 ? s->views.path[p->view] : NULL;
    st = load_values(s, c, i, s->masks.path[p->mask], "mask", NULL, &values);
    if (st == TERN_OK && view) st = load_values(s, c, i, view, "field of view", NULL, &inside);
    if (st == TERN_OK) st = make_labels(s, s->masks.path[p->mask], view, &values, &inside);
    tern_image_free(&inside);
    if (st == TERN_OK) {
        *mask = (tern_mask){.context = c,
                            .width = values.width,
                            .height = values.height,
                            .classes = s->classes,
                            .labels = values.data};
    } else {
        tern_image_free(&values);
        tern_image_free(image);
    }
    return st;
}

/* ---- what is in the data ---- */

static void report_sizes(const tern__photo_store *s) {
    int least[2] = {1 << 30, 1 << 30}, most[2] = {0, 0}, bits = 8;
    for (size_t i = 0; i < s->files.count; i++) {
        const int size[2] = {s->photos[i].width, s->photos[i].height};
        for (int k = 0; k < 2; k++) {
            if (size[k] < least[k]) least[k] = size[k];
            if (size[k] > most[k]) most[k] = size[k];
        }
        if (s->photos[i].image.bits > bits) bits = s->photos[i].image.bits;
    }
    char sizes[100];
    if (least[0] == most[0] && least[1] == most[1])
        snprintf(sizes, sizeof sizes, "%d x %d pixels", least[0], least[1]);
    else
        snprintf(sizes, sizeof sizes, "%d to %d pixels wide and %d to %d high", least[0], most[0],
                 least[1], most[1]);
    tern__log(s->context, TERN_LOG_INFO,
              "%s: %zu pictures of %s, %s, %d bits; the network sees %d x %d", s->path,
              s->files.count, sizes, s->channels == 1 ? "grey" : "RGB", bits, s->width, s->height);
}

static void report_classes(const tern__photo_store *s) {
    char text[700] = "";
    size_t used = 0;
    double total = 0;
    double sums[256] = {0};
    for (size_t i = 0; i < s->files.count; i++) {
        if (!s->segmentation) sums[s->photos[i].label]++, total++;
        for (int k = 0; s->segmentation && k <= s->classes; k++) {
            sums[k] += (double)s->photos[i].counts[k];
            total += (double)s->photos[i].counts[k];
        }
    }
    for (int k = 0; k < s->classes && used + 80 < sizeof text; k++) {
        if (!s->segmentation)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.40s %.0f", k ? ", " : "",
                                     s->labels[k], sums[k]);
        else
            used += (size_t)snprintf(text + used, sizeof text - used, "%sclass %d %.2f %%",
                                     k ? ", " : "", k, 100 * sums[k] / total);
    }
    if (s->segmentation && sums[s->classes] > 0)
        snprintf(text + used, sizeof text - used, "; %.2f %% do not count",
                 100 * sums[s->classes] / total);
    tern__log(s->context, TERN_LOG_INFO, "%s: %s",
              s->segmentation ? "share of the pixels" : "pictures per label", text);
}

/* Names the pictures whose mask holds nothing of classes above 0. */
static void report_empty(const tern__photo_store *s) {
    char text[700] = "";
    size_t used = 0, n = 0;
    for (size_t i = 0; i < s->files.count; i++) {
        int64_t inside = 0;
        for (int k = 1; k < s->classes; k++) inside += s->photos[i].counts[k];
        if (inside) continue;
        if (n++ < SHOWN && used + strlen(s->files.path[i]) + 3 < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
                                     s->files.path[i]);
    }
    if (n == s->files.count)
        tern__log(s->context, TERN_LOG_WARNING,
                  "%s: no mask has a pixel of a class above 0; there is nothing to learn from them",
                  s->path);
    else if (n)
        tern__log(s->context, TERN_LOG_WARNING, "%zu mask%s empty: those of %s%s", n,
                  n == 1 ? " is" : "s are", text, n > SHOWN ? ", ..." : "");
}

void tern__photos_report(const tern__photo_store *s) {
    report_sizes(s);
    report_classes(s);
    if (s->segmentation) report_empty(s);
}
