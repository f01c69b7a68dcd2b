/* Masks: making them, reading and writing them as pictures and arrays. */
#include "mask.h"

#include "core/base/npy.h"
#include "core/base/picture.h"
#include "core/plan/session.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

tern_status tern_mask_create(tern_mask *mask, tern_context *c, int width, int height, int classes,
                             int planes) {
    *mask = (tern_mask){0};
    tern_status st = tern__image_check(c, width, height, 1, 8);
    if (st != TERN_OK) return st;
    if (classes < 2 || classes > 255)
        return tern__fail(c, TERN_ERR_ARGUMENT, "a mask of %d classes; 2 to 255 are possible",
                          classes);
    if (planes != 0 && planes != classes && !(planes == 1 && classes == 2))
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "a mask of %d classes with %d planes of probabilities; there must be none, "
            "one for each class, or 1 for 2 classes",
            classes, planes);
    const size_t count = (size_t)width * (size_t)height;
    tern_mask made = {
        .context = c, .width = width, .height = height, .classes = classes, .planes = planes};
    made.labels = tern__calloc(c, count, 1);
    if (made.labels && planes)
        made.probability = tern__calloc(c, count * (size_t)planes, sizeof(float));
    if (!made.labels || (planes && !made.probability)) {
        tern__free(c, made.labels);
        return TERN_ERR_MEMORY;
    }
    *mask = made;
    return TERN_OK;
}

void tern_mask_free(tern_mask *mask) {
    if (!mask) return;
    if (mask->context) {
        tern__free(mask->context, mask->labels);
        tern__free(mask->context, mask->probability);
    }
    tern__session_context_let_go(mask->held);
    *mask = (tern_mask){0};
}

tern_status tern__mask_check_label(const tern_mask *mask, int label) {
    if (label >= 0 && label < mask->classes) return TERN_OK;
    if (label == TERN_MASK_IGNORED) return TERN_OK;
    return tern__fail(mask->context, TERN_ERR_ARGUMENT, "label %d of a mask of %d classes", label,
                      mask->classes);
}

typedef struct thresholding {
    const tern_mask *mask;
    float threshold;
} thresholding;

static void threshold_row(void *argument, int64_t y, int worker) {
    const thresholding *t = argument;
    const tern_mask *m = t->mask;
    const size_t plane = (size_t)m->width * (size_t)m->height;
    (void)worker;
    for (size_t i = (size_t)y * (size_t)m->width, n = (size_t)m->width; n > 0; n--, i++) {
        int best = 0;
        if (m->labels[i] == TERN_MASK_IGNORED) continue;
        if (m->planes == 1)
            best = m->probability[i] >= t->threshold;
        else
            for (int k = 1; k < m->planes; k++)
                if (m->probability[(size_t)k * plane + i] >
                    m->probability[(size_t)best * plane + i])
                    best = k;
        m->labels[i] = (uint8_t)best;
    }
}

tern_status tern_mask_threshold(tern_mask *mask, double threshold) {
    if (!mask->probability)
        return tern__fail(mask->context, TERN_ERR_ARGUMENT,
                          "a threshold for a mask without probabilities");
    thresholding t = {mask, (float)threshold};
    tern__parallel(mask->context, mask->height, mask->width, threshold_row, &t);
    return TERN_OK;
}

tern_status tern_mask_restrict(tern_mask *mask, const tern_mask *fov) {
    const size_t pixels = (size_t)mask->width * (size_t)mask->height;
    if (mask->width != fov->width || mask->height != fov->height)
        return tern__fail(fov->context, TERN_ERR_SHAPE,
                          "the picture has %d x %d pixels, its field of view %d x %d", mask->width,
                          mask->height, fov->width, fov->height);
    for (size_t i = 0; i < pixels; i++) {
        if (fov->labels[i] && fov->labels[i] != TERN_MASK_IGNORED) continue;
        mask->labels[i] = 0;
        for (int k = 0; k < mask->planes; k++)
            mask->probability[(size_t)k * pixels + i] = mask->planes > 1 && k == 0;
    }
    return TERN_OK;
}

/* ---- reading ---- */

/* Colour numbers of a palette without colours to its grey values. */
static bool look_up_greys(tern_image *image) {
    for (int i = 0; i < image->colours; i++) {
        const uint8_t *colour = image->palette + 3 * i;
        if (colour[0] != colour[1] || colour[1] != colour[2]) return false;
    }
    uint8_t *values = image->data;
    const size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++) values[i] = image->palette[3 * values[i]];
    return true;
}

/* Where red, green and blue differ by more than JPEG's rounding; count: nowhere. */
static size_t find_colour(const tern_image *image) {
    const size_t count = (size_t)image->width * (size_t)image->height;
    const int most = image->bits == 8 ? 8 : 8 * 257;
    for (size_t i = 0; i < count; i++) {
        int v[3];
        for (size_t k = 0; k < 3; k++)
            v[k] = image->bits == 8 ? ((const uint8_t *)image->data)[3 * i + k]
                                    : ((const uint16_t *)image->data)[3 * i + k];
        if (abs(v[0] - v[1]) > most || abs(v[1] - v[2]) > most) return i;
    }
    return count;
}

/* In place: 16 bits to 8, scaled unless they are small numbers. */
static void narrow(tern_image *image) {
    const uint16_t *wide = image->data;
    uint8_t *values = image->data;
    const size_t count = (size_t)image->width * (size_t)image->height;
    bool large = false;
    for (size_t i = 0; i < count; i++) large = large || wide[i] > 255;
    for (size_t i = 0; i < count; i++)
        values[i] = (uint8_t)(large ? (wide[i] + 128u) / 257 : wide[i]);
    image->bits = 8;
}

tern_status tern__mask_read(tern_image *values, tern__mask_values *noted, tern_context *c,
                            const char *path, bool with_colours) {
    tern_image_options o = TERN_IMAGE_OPTIONS_INIT;
    o.alpha = TERN_ALPHA_DROP;
    o.keep_palette = true;
    tern_status st = tern_image_load(values, c, path, &o);
    if (st != TERN_OK) return st;
    const size_t count = (size_t)values->width * (size_t)values->height;
    if (values->channels == 3) {
        const size_t at = with_colours ? count : find_colour(values);
        if (at < count)
            st = tern__fail(
                c, TERN_ERR_FORMAT,
                "%s: the mask has true colours (column %zu, row %zu); masks are grey, or "
                "PNG with a palette whose colour numbers are the classes",
                path, at % (size_t)values->width, at / (size_t)values->width);
        tern_image grey = {0};
        if (st == TERN_OK) st = tern_image_convert(&grey, values, 1, 0);
        tern_image_free(values);
        *values = grey;
        if (st != TERN_OK) return st;
    }
    if (values->bits == 16) narrow(values);
    if (values->palette && !look_up_greys(values)) noted->numbers = true;
    tern__free(c, values->palette);
    values->palette = NULL;
    values->colours = 0;
    for (size_t i = 0; i < count; i++) noted->seen[((const uint8_t *)values->data)[i]] = true;
    return TERN_OK;
}

static bool any_seen(const tern__mask_values *noted, int first, int last) {
    for (int i = first; i <= last; i++)
        if (noted->seen[i]) return true;
    return false;
}

tern_mask_coding tern__mask_coding(const tern__mask_values *noted, tern_mask_coding coding) {
    if (coding != TERN_MASK_AUTO) return coding;
    const bool numbers = noted->numbers || (any_seen(noted, 1, 63) && !any_seen(noted, 64, 254));
    return numbers ? TERN_MASK_NUMBERS : TERN_MASK_BINARY;
}

int tern__mask_classes(const tern__mask_values *noted, tern_mask_coding coding, int classes) {
    if (classes) return classes;
    if (coding == TERN_MASK_BINARY) return 2;
    for (int i = 254; i > 1; i--)
        if (noted->seen[i]) return i + 1;
    return 2;
}

tern_status tern__mask_decode(tern_image *values, const tern__mask_values *noted,
                              tern_mask_coding coding, int classes, const char *path) {
    uint8_t labels[256];
    uint8_t *data = values->data;
    const size_t count = (size_t)values->width * (size_t)values->height;
    const int white = any_seen(noted, 2, 255) ? 128 : 1;
    for (int i = 0; i < 256; i++)
        labels[i] = coding == TERN_MASK_BINARY ? (uint8_t)(i >= white) : (uint8_t)i;
    for (size_t i = 0; i < count; i++) {
        if (coding == TERN_MASK_NUMBERS && data[i] >= classes && data[i] != TERN_MASK_IGNORED)
            return tern__fail(
                values->context, TERN_ERR_FORMAT,
                "%s: the mask has the value %d in column %zu, row %zu; the classes are "
                "0 to %d, and 255 for pixels that do not count",
                path, data[i], i % (size_t)values->width, i / (size_t)values->width, classes - 1);
        data[i] = labels[data[i]];
    }
    return TERN_OK;
}

tern_status tern_mask_load(tern_mask *mask, tern_context *c, const char *path,
                           tern_mask_coding coding, int classes) {
    tern__mask_values noted = {0};
    tern_image values;
    *mask = (tern_mask){0};
    if (classes != 0 && (classes < 2 || classes > 255))
        return tern__fail(c, TERN_ERR_ARGUMENT, "a mask of %d classes; 2 to 255 are possible",
                          classes);
    tern_status st = tern__mask_read(&values, &noted, c, path, coding == TERN_MASK_BINARY);
    if (st != TERN_OK) return st;
    coding = tern__mask_coding(&noted, coding);
    classes = tern__mask_classes(&noted, coding, classes);
    st = tern__mask_decode(&values, &noted, coding, classes, path);
    if (st == TERN_OK)
        *mask = (tern_mask){.context = c,
                            .width = values.width,
                            .height = values.height,
                            .classes = classes,
                            .labels = values.data};
    else
        tern_image_free(&values);
    return st;
}

/* ---- writing ---- */

uint32_t tern_mask_colour(int label) {
    /* Okabe and Ito's seven, then lighter and darker ones. */
    static const uint32_t colours[] = {0xe69f00, 0x56b4e9, 0x009e73, 0xf0e442, 0x0072b2,
                                       0xd55e00, 0xcc79a7, 0x8dd3c7, 0x7570b3, 0xb3de69,
                                       0xe7298a, 0xa6761d, 0x80b1d3, 0xfb8072, 0x66a61e,
                                       0xbc80bd, 0xfdb462, 0x1f78b4, 0xfccde5, 0x6a3d9a};
    enum { COLOURS = sizeof colours / sizeof *colours };
    return label < 1 ? 0 : colours[(label - 1) % COLOURS];
}

/* 0/255 and 128, for two classes. */
static tern_status save_binary(const tern_mask *m, const char *path) {
    tern_image grey;
    tern_status st = tern_image_create(&grey, m->context, m->width, m->height, 1, 8);
    if (st != TERN_OK) return st;
    const size_t count = (size_t)m->width * (size_t)m->height;
    for (size_t i = 0; i < count; i++)
        ((uint8_t *)grey.data)[i] = m->labels[i] == TERN_MASK_IGNORED ? 128
                                    : m->labels[i]                    ? 255
                                                                      : 0;
    st = tern_image_save(&grey, path, 0);
    tern_image_free(&grey);
    return st;
}

static tern_status save_palette(const tern_mask *m, const char *path) {
    uint8_t palette[256][3];
    const size_t count = (size_t)m->width * (size_t)m->height;
    const bool ignored = memchr(m->labels, TERN_MASK_IGNORED, count) != NULL;
    for (int i = 0; i < 256; i++) {
        const uint32_t colour = i < m->classes ? tern_mask_colour(i) : 0x808080;
        palette[i][0] = (uint8_t)(colour >> 16);
        palette[i][1] = (uint8_t)(colour >> 8);
        palette[i][2] = (uint8_t)colour;
    }
    const tern_image numbers = {.context = m->context,
                                .width = m->width,
                                .height = m->height,
                                .channels = 1,
                                .bits = 8,
                                .data = m->labels,
                                .colours = ignored ? 256 : m->classes,
                                .palette = palette[0]};
    return tern_image_save(&numbers, path, 0);
}

tern_status tern_mask_save(const tern_mask *m, const char *path) {
    const char *end = tern__name_ending(path);
    const int64_t dims[] = {m->height, m->width};
    if (!strcasecmp(end, "npy"))
        return tern__npy_write(m->context, path, TERN__NPY_UINT8, 2, dims, m->labels);
    const bool png = !strcmp(path, "-") || !strcasecmp(end, "png");
    if (m->classes == 2 && (png || !strcasecmp(end, "pgm"))) return save_binary(m, path);
    if (png) return save_palette(m, path);
    return tern__fail(m->context, TERN_ERR_ARGUMENT,
                      "%s: masks are written as .png, .pgm (two classes) or .npy", path);
}

/* 16 bits grey: of one plane, or of the greatest. */
static tern_status save_grey_probability(const tern_mask *m, const char *path) {
    tern_image grey;
    tern_status st = tern_image_create(&grey, m->context, m->width, m->height, 1, 16);
    if (st != TERN_OK) return st;
    const size_t count = (size_t)m->width * (size_t)m->height;
    for (size_t i = 0; i < count; i++) {
        float greatest = 0; /* what is below 0 or no number becomes 0 */
        for (int k = 0; k < m->planes; k++) {
            const float p = m->probability[(size_t)k * count + i];
            if (p > greatest) greatest = p;
        }
        ((uint16_t *)grey.data)[i] = (uint16_t)((greatest < 1 ? greatest : 1) * 65535 + 0.5f);
    }
    st = tern_image_save(&grey, path, 0);
    tern_image_free(&grey);
    return st;
}

tern_status tern_mask_save_probability(const tern_mask *m, const char *path) {
    const char *end = tern__name_ending(path);
    if (!m->probability)
        return tern__fail(m->context, TERN_ERR_ARGUMENT, "%s: the mask has no probabilities", path);
    if (!strcasecmp(end, "npy")) {
        const int64_t dims[] = {m->planes, m->height, m->width};
        const int left_out = m->planes == 1;
        return tern__npy_write(m->context, path, TERN__NPY_FLOAT32, 3 - left_out, dims + left_out,
                               m->probability);
    }
    if (!strcmp(path, "-") || !strcasecmp(end, "png")) return save_grey_probability(m, path);
    return tern__fail(m->context, TERN_ERR_ARGUMENT,
                      "%s: probabilities are written as .png or .npy", path);
}
