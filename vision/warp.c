/* Affine maps, smooth displacement fields, and pictures seen through them. Knows no file and draws
 * no random parameters. */
#include "warp.h"

#include <math.h>
#include <string.h>

static const double degree = 3.14159265358979323846 / 180;

/* ---- maps ---- */

tern_affine tern__affine_after(const tern_affine *outer, const tern_affine *inner) {
    const double *a = outer->m, *b = inner->m;
    return (tern_affine){{a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4],
                          a[0] * b[2] + a[1] * b[5] + a[2], a[3] * b[0] + a[4] * b[3],
                          a[3] * b[1] + a[4] * b[4], a[3] * b[2] + a[4] * b[5] + a[5]}};
}

/* Forward the picture is scaled, then sheared, then rotated; back in the other order. y points
 * down, so that counter-clockwise as seen is (cos, sin; -sin, cos). */
tern_affine tern__affine_back(double rotate, double shear, double scale_x, double scale_y) {
    const double c = cos(rotate * degree), s = sin(rotate * degree), k = tan(shear * degree);
    const tern_affine unrotate = {{c, -s, 0, s, c, 0}}, unshear = {{1, -k, 0, 0, 1, 0}};
    const tern_affine unscale = {{1 / scale_x, 0, 0, 0, 1 / scale_y, 0}};
    const tern_affine both = tern__affine_after(&unshear, &unrotate);
    return tern__affine_after(&unscale, &both);
}

tern_status tern_affine_make(tern_affine *map, tern_context *c, int width, int height,
                             double rotate, double shear, double scale_x, double scale_y,
                             double shift_x, double shift_y) {
    const double values[] = {rotate, shear, scale_x, scale_y, shift_x, shift_y};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (!isfinite(values[i]))
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "an affine map of numbers that are not all finite");
    if (scale_x == 0 || scale_y == 0)
        return tern__fail(c, TERN_ERR_ARGUMENT, "an affine map that scales by 0");
    if (fabs(shear) >= 90)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "an affine map that shears by %g degrees; it must be less than 90",
                          shear);
    const double x = (width - 1) / 2.0, y = (height - 1) / 2.0;
    const tern_affine to_middle = {{1, 0, -x - shift_x, 0, 1, -y - shift_y}};
    const tern_affine from_middle = {{1, 0, x, 0, 1, y}};
    const tern_affine back = tern__affine_back(rotate, shear, scale_x, scale_y);
    const tern_affine both = tern__affine_after(&back, &to_middle);
    *map = tern__affine_after(&from_middle, &both);
    return TERN_OK;
}

/* ---- looking up ---- */

/* Where output pixel (x, y) comes from. Far away (2^30) nothing can be told from nothing. */
static inline void source(const tern__warp *w, int x, int y, double *sx, double *sy) {
    const double *m = w->map.m;
    double at_x = m[0] * x + m[1] * y + m[2], at_y = m[3] * x + m[4] * y + m[5];
    if (w->dx) {
        const size_t i = (size_t)y * (size_t)w->width + (size_t)x;
        at_x += (double)w->dx[i];
        at_y += (double)w->dy[i];
    }
    *sx = at_x < 1e9 ? at_x > -1e9 ? at_x : -1e9 : 1e9; /* also of NaN */
    *sy = at_y < 1e9 ? at_y > -1e9 ? at_y : -1e9 : 1e9;
}

/* The largest whole number that is not above v, without a call. */
static inline int64_t whole(double v) {
    const int64_t i = (int64_t)v;
    return i - ((double)i > v);
}

/* The four pixels around a place, -1 where there is none, and their weights. */
typedef struct corners {
    int64_t column[2], row[2];
    float x, y; /* towards the second */
} corners;

static inline corners find_corners(double sx, double sy, int width, int height,
                                   tern_border border) {
    const int64_t x = whole(sx), y = whole(sy);
    corners k = {{x, x + 1}, {y, y + 1}, (float)(sx - (double)x), (float)(sy - (double)y)};
    if (x < 0 || y < 0 || x + 1 >= width || y + 1 >= height)
        for (int i = 0; i < 2; i++) {
            k.column[i] = tern__border_index(k.column[i], width, border);
            k.row[i] = tern__border_index(k.row[i], height, border);
        }
    return k;
}

static inline float number_at(const void *data, int bits, size_t at) {
    return bits == 8 ? (float)((const uint8_t *)data)[at] : (float)((const uint16_t *)data)[at];
}

/* Channel `channel` of a pixel of n numbers, alpha laid on white; 0 where there is none. */
static inline float fetch(const tern_image *in, int n, int bits, int64_t x, int64_t y,
                          int channel) {
    if (x < 0 || y < 0) return 0;
    const size_t at = ((size_t)y * (size_t)in->width + (size_t)x) * (size_t)n;
    const float v = number_at(in->data, bits, at + (size_t)channel);
    if (n % 2) return v;
    const float max = bits == 8 ? 255 : 65535;
    const float alpha = number_at(in->data, bits, at + (size_t)n - 1) / max;
    return v * alpha + max * (1 - alpha);
}

static inline float blend(const tern_image *in, int n, int bits, const corners *k, int channel) {
    const float a = fetch(in, n, bits, k->column[0], k->row[0], channel);
    const float b = fetch(in, n, bits, k->column[1], k->row[0], channel);
    const float c = fetch(in, n, bits, k->column[0], k->row[1], channel);
    const float d = fetch(in, n, bits, k->column[1], k->row[1], channel);
    const float upper = a + k->x * (b - a), lower = c + k->x * (d - c);
    return upper + k->y * (lower - upper);
}

/* n and bits are known where it is called, so that each kind has a loop of its own. */
static inline void warp_kind(const tern__warp *w, const tern_image *in, int n, int bits,
                             float *out) {
    const size_t plane = (size_t)w->width * (size_t)w->height;
    const int channels = n < 3 ? 1 : 3;
    const float max = bits == 8 ? 255 : 65535;
    for (int y = 0; y < w->height; y++)
        for (int x = 0; x < w->width; x++) {
            double sx, sy;
            source(w, x, y, &sx, &sy);
            const corners k = find_corners(sx, sy, in->width, in->height, w->border);
            float *to = out + (size_t)y * (size_t)w->width + (size_t)x;
            for (int i = 0; i < channels; i++)
                to[(size_t)i * plane] = blend(in, n, bits, &k, i) / max;
        }
}

void tern__warp_planes(const tern__warp *w, const tern_image *in, float *out) {
    if (in->bits == 8 && in->channels == 1)
        warp_kind(w, in, 1, 8, out);
    else if (in->bits == 8 && in->channels == 3)
        warp_kind(w, in, 3, 8, out);
    else
        warp_kind(w, in, in->channels, in->bits, out);
}

void tern__warp_labels(const tern__warp *w, const uint8_t *in, int in_width, int in_height,
                       uint8_t outside, uint8_t *out) {
    for (int y = 0; y < w->height; y++)
        for (int x = 0; x < w->width; x++) {
            double sx, sy;
            source(w, x, y, &sx, &sy);
            const int64_t column = tern__border_index(whole(sx + 0.5), in_width, w->border);
            const int64_t row = tern__border_index(whole(sy + 0.5), in_height, w->border);
            *out++ = column < 0 || row < 0 ? outside : in[row * in_width + column];
        }
}

/* ---- whole pictures ---- */

typedef struct warping {
    const tern__warp *w;
    const tern_image *in;
    tern_image *out;
    tern_filter filter;
} warping;

static void store(const tern_image *out, size_t at, float v) {
    if (out->bits == 8)
        ((uint8_t *)out->data)[at] = (uint8_t)(v + 0.5f);
    else
        ((uint16_t *)out->data)[at] = (uint16_t)(v + 0.5f);
}

static void warp_row(void *argument, int64_t y, int worker) {
    const warping *job = argument;
    const tern__warp *w = job->w;
    const tern_image *in = job->in;
    const size_t size = tern__pixel_size(in);
    (void)worker;
    for (int x = 0; x < w->width; x++) {
        double sx, sy;
        source(w, x, (int)y, &sx, &sy);
        if (job->filter == TERN_FILTER_NEAREST) {
            const int64_t column = tern__border_index(whole(sx + 0.5), in->width, w->border);
            const int64_t row = tern__border_index(whole(sy + 0.5), in->height, w->border);
            if (column >= 0 && row >= 0)
                memcpy((uint8_t *)tern__image_row(job->out, y) + (size_t)x * size,
                       (uint8_t *)tern__image_row(in, row) + (size_t)column * size, size);
            continue;
        }
        /* Each channel for itself: alpha is one more. */
        const corners k = find_corners(sx, sy, in->width, in->height, w->border);
        const size_t n = (size_t)in->channels;
        const tern_image flat = {.width = in->width * in->channels,
                                 .height = in->height,
                                 .channels = 1,
                                 .bits = in->bits,
                                 .data = in->data};
        for (size_t i = 0; i < n; i++) {
            corners channel = k;
            for (int side = 0; side < 2; side++)
                if (channel.column[side] >= 0)
                    channel.column[side] = channel.column[side] * (int64_t)n + (int64_t)i;
            store(job->out, ((size_t)y * (size_t)w->width + (size_t)x) * n + i,
                  blend(&flat, 1, in->bits, &channel, 0));
        }
    }
}

tern_status tern_image_warp(tern_image *out, const tern_image *in, int width, int height,
                            const tern_affine *map, const float *dx, const float *dy,
                            tern_border border, tern_filter filter) {
    tern_context *c = in->context;
    *out = (tern_image){0};
    if (filter != TERN_FILTER_BILINEAR && filter != TERN_FILTER_NEAREST)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "warping a picture: the filter must be bilinear or "
                          "nearest");
    if (!dx != !dy)
        return tern__fail(c, TERN_ERR_ARGUMENT, "warping a picture: dx and dy must both be given");
    if (in->palette && filter != TERN_FILTER_NEAREST)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "warping colour numbers: between them there is no "
                          "colour; use nearest");
    for (int i = 0; i < 6; i++)
        if (!isfinite(map->m[i]))
            return tern__fail(c, TERN_ERR_ARGUMENT,
                              "an affine map of numbers that are not all "
                              "finite");
    tern_status st = tern_image_create(out, c, width, height, in->channels, in->bits);
    if (st == TERN_OK && (st = tern__image_copy_palette(out, in)) != TERN_OK) tern_image_free(out);
    if (st != TERN_OK) return st;
    const tern__warp w = {*map, dx, dy, width, height, border};
    warping job = {&w, in, out, filter};
    tern__parallel(c, height, 16 * (int64_t)width * in->channels, warp_row, &job);
    return TERN_OK;
}

/* ---- smooth fields ---- */

static int radius_of(double sigma) { return (int)ceil(3 * sigma); }

size_t tern__elastic_scratch(int width, int height, double sigma) {
    const int longer = width > height ? width : height;
    return (size_t)width * (size_t)height + (size_t)longer + 2 * (size_t)radius_of(sigma) + 8 +
           (size_t)radius_of(sigma) + 1;
}

/* Half of the kernel, [radius + 1], the middle first; its sum over both sides is 1. Returns the sum
 * of squares over both sides. */
static double make_kernel(float *kernel, int radius, double sigma) {
    double total = 0, squares = 0;
    for (int i = -radius; i <= radius; i++) total += exp(-0.5 * i * i / (sigma * sigma));
    for (int i = 0; i <= radius; i++) {
        const double k = exp(-0.5 * i * i / (sigma * sigma)) / total;
        kernel[i] = (float)k;
        squares += (i ? 2 : 1) * k * k;
    }
    return squares;
}

/* Rows: with a line padded on both sides, tap by tap, so that the inner loop is long. */
static void blur_rows(float *plane, int width, int height, const float *kernel, int radius,
                      float *line) {
    for (int y = 0; y < height; y++) {
        float *row = plane + (size_t)y * (size_t)width;
        for (int64_t x = -radius; x < width + radius; x++)
            line[x + radius] = row[tern__border_index(x, width, TERN_BORDER_REFLECT)];
        for (int x = 0; x < width; x++) row[x] = kernel[0] * line[x + radius];
        for (int k = 1; k <= radius; k++) {
            const float *left = line + radius - k, *right = line + radius + k;
            for (int x = 0; x < width; x++) row[x] += kernel[k] * (left[x] + right[x]);
        }
    }
}

static void blur_columns(float *out, const float *in, int width, int height, const float *kernel,
                         int radius) {
    for (int64_t y = 0; y < height; y++) {
        float *to = out + (size_t)y * (size_t)width;
        const float *middle = in + (size_t)y * (size_t)width;
        for (int x = 0; x < width; x++) to[x] = kernel[0] * middle[x];
        for (int k = 1; k <= radius; k++) {
            const float *up = in + tern__border_index(y - k, height, TERN_BORDER_REFLECT) * width;
            const float *down = in + tern__border_index(y + k, height, TERN_BORDER_REFLECT) * width;
            for (int x = 0; x < width; x++) to[x] += kernel[k] * (up[x] + down[x]);
        }
    }
}

void tern__blur(float *plane, int width, int height, double sigma, float *scratch) {
    const int radius = radius_of(sigma);
    const size_t count = (size_t)width * (size_t)height;
    float *kernel = scratch + count, *line = kernel + radius + 1;
    if (!(sigma > 0)) return;
    make_kernel(kernel, radius, sigma);
    memcpy(scratch, plane, count * sizeof *plane);
    blur_columns(plane, scratch, width, height, kernel, radius);
    blur_rows(plane, width, height, kernel, radius, line);
}

/* Box-Muller in single precision, both numbers of each pair: enough for noise, and fast. */
void tern__normals(tern__random *random, float *out, size_t count) {
    for (size_t i = 0; i < count; i += 2) {
        const float u = ((float)(tern__random_u32(random) >> 8) + 0.5f) / 16777216;
        const float angle = (float)tern__random_u32(random) * (6.2831853f / 4294967296.0f);
        const float radius = sqrtf(-2 * logf(u));
        out[i] = radius * cosf(angle);
        if (i + 1 < count) out[i + 1] = radius * sinf(angle);
    }
}

void tern__elastic_field(tern__random *random, float *field, int width, int height, double sigma,
                         double deviation, float *scratch) {
    const size_t count = (size_t)width * (size_t)height;
    const int radius = radius_of(sigma);
    /* Averaging by weights w leaves of a variance of 1 the sum of w^2, along each axis. */
    const double squares = sigma > 0 ? make_kernel(scratch + count, radius, sigma) : 1;
    tern__normals(random, field, count);
    tern__blur(field, width, height, sigma, scratch);
    const float scale = (float)(deviation / squares);
    for (size_t i = 0; i < count; i++) field[i] *= scale;
}

tern_status tern_vision_elastic_field(tern_context *c, float *field, int width, int height,
                                      double sigma, double deviation, uint64_t seed) {
    tern_status st = tern__image_check(c, width, height, 1, 8);
    if (st != TERN_OK) return st;
    if (!(sigma >= 0 && sigma <= 1000) || !isfinite(deviation))
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "an elastic field of sigma %g and deviation %g; sigma must be in 0..1000, "
            "the deviation finite",
            sigma, deviation);
    float *scratch = tern__alloc(c, tern__elastic_scratch(width, height, sigma) * sizeof *scratch);
    if (!scratch) return TERN_ERR_MEMORY;
    tern__random random = tern__random_make(seed, 0);
    tern__elastic_field(&random, field, width, height, sigma, deviation, scratch);
    tern__free(c, scratch);
    return TERN_OK;
}
