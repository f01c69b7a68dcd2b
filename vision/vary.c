/* Varies what is seen of a picture: one affine map and an elastic displacement for picture and
 * labels, then light, colour, blur, noise and cut-outs for the picture alone. Draws all random
 * parameters. */
#include "vary.h"

#include <math.h>

#define ELASTIC_SIGMA 10.0 /* pixels, where not given */
#define CUTOUT_SIZE 0.25

static double sigma_of(const tern_vision_augmentation *a) {
    return a->elastic_sigma > 0 ? a->elastic_sigma : ELASTIC_SIGMA;
}

size_t tern__vary_view_scratch(const tern_vision_augmentation *a, int width, int height) {
    const double sigma = fmax(a->elastic > 0 ? sigma_of(a) : 0, a->blur);
    return 2 * (size_t)width * (size_t)height + tern__elastic_scratch(width, height, sigma);
}

/* U of the public header, and its uses. */
static double draw(tern__random *r) { return 2 * tern__random_uniform(r) - 1; }
static double draw_factor(tern__random *r, double range) { return exp(draw(r) * range); }

/* ---- where pixels come from ---- */

/* Along one axis of a view of `size` pixels: places of the output, counted from its middle, times
 * *scale plus *offset are places in a window of random size and place inside it. */
static void draw_window(const tern_vision_augmentation *a, tern__random *r, int size, double *scale,
                        double *offset) {
    *scale = 1 - a->crop * tern__random_uniform(r);
    *offset = draw(r) * (1 - *scale) * size / 2;
}

static tern_affine draw_map(const tern_vision_augmentation *a, tern__random *r,
                            const tern__view *v) {
    double scale_x = tern__random_uniform(r) < a->mirror ? -1 : 1;
    double scale_y = tern__random_uniform(r) < a->flip ? -1 : 1;
    double angle = 0;
    if (tern__random_uniform(r) < a->turn) angle = 90 * (double)(1 + tern__random_below(r, 3));
    angle += draw(r) * a->rotate;
    const double size = draw_factor(r, a->scale), stretch = draw_factor(r, a->stretch);
    scale_x *= size * stretch;
    scale_y *= size / stretch;
    const double shear = draw(r) * a->shear;
    const double x = v->x - draw(r) * a->shift * v->width;
    const double y = v->y - draw(r) * a->shift * v->height;
    tern_affine centred = {{1, 0, -(v->width - 1) / 2.0, 0, 1, -(v->height - 1) / 2.0}};
    if (a->crop > 0) /* drawn last, so that other recipes get the numbers that they always got */
        for (int axis = 0; axis < 2; axis++) {
            double scale, offset, *row = &centred.m[3 * axis];
            draw_window(a, r, axis ? v->height : v->width, &scale, &offset);
            row[axis] = scale;
            row[2] = row[2] * scale + offset;
        }
    const tern_affine back = tern__affine_back(angle, shear, scale_x, scale_y);
    tern_affine map = tern__affine_after(&back, &centred);
    map.m[2] += x;
    map.m[5] += y;
    return map;
}

/* The map for a mask that lies off by (x, y): what is marked is found where the picture's map says.
 */
static tern_affine map_of_mask(const tern_affine *map, double x, double y) {
    tern_affine back = *map;
    back.m[2] += x - (map->m[0] * x + map->m[1] * y);
    back.m[5] += y - (map->m[3] * x + map->m[4] * y);
    return back;
}

static int channels_of(const tern__view *v) { return v->image->channels < 3 ? 1 : 3; }

static bool is_moved(const tern_vision_augmentation *a) {
    return a->mirror > 0 || a->flip > 0 || a->turn > 0 || a->rotate > 0 || a->shift > 0 ||
           a->scale > 0 || a->stretch > 0 || a->shear > 0 || a->crop > 0 || a->elastic > 0;
}

/* Column and row of the window's first pixel, where nothing is moved. */
static int64_t first_of(double middle, int size) {
    return (int64_t)floor(middle - (size - 1) / 2.0 + 0.5);
}

/* A window on class numbers or weights, as they are. */
static void look_at(const tern__view *v, tern_border border, const uint8_t *from, uint8_t outside,
                    uint8_t *to) {
    const int64_t left = first_of(v->x, v->width), top = first_of(v->y, v->height);
    for (int64_t y = top; y < top + v->height; y++) {
        const int64_t row = tern__border_index(y, v->image->height, border);
        for (int64_t x = left; x < left + v->width; x++) {
            const int64_t column = tern__border_index(x, v->image->width, border);
            *to++ = row < 0 || column < 0 ? outside : from[row * v->image->width + column];
        }
    }
}

/* ---- light and colour ---- */

static void clip(float *x, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] = x[i] > 0 ? x[i] < 1 ? x[i] : 1 : 0;
}

static float mean_of(const float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i];
    return (float)(sum / (double)count);
}

static void vary_light(const tern_vision_augmentation *a, tern__random *r, float *x, size_t count) {
    const float add = (float)(draw(r) * a->brightness);
    const float contrast = (float)draw_factor(r, a->contrast);
    const float gamma = (float)draw_factor(r, a->gamma);
    const float mean = mean_of(x, count);
    for (size_t i = 0; i < count; i++) x[i] = (x[i] - mean) * contrast + mean + add;
    clip(x, count);
    if (a->gamma > 0)
        for (size_t i = 0; i < count; i++) x[i] = powf(x[i], gamma);
}

/* Turns colours around the grey axis and moves them from or towards their grey: one matrix. */
static void vary_colour(const tern_vision_augmentation *a, tern__random *r, float *x,
                        size_t plane) {
    const double luma[3] = {0.299, 0.587, 0.114};
    const double keep = draw_factor(r, a->saturation);
    const double angle = draw(r) * a->hue * 3.14159265358979323846 / 180;
    /* Rodrigues' formula for the axis (1, 1, 1) / sqrt(3). */
    const double c = cos(angle), s = sin(angle) / sqrt(3), third = (1 - c) / 3;
    const double turn[3][3] = {{c + third, third - s, third + s},
                               {third + s, c + third, third - s},
                               {third - s, third + s, c + third}};
    float m[3][3];
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            double grey = 0;
            for (int n = 0; n < 3; n++) grey += luma[n] * turn[n][k];
            m[i][k] = (float)(grey + keep * (turn[i][k] - grey));
        }
    float *red = x, *green = x + plane, *blue = x + 2 * plane;
    for (size_t i = 0; i < plane; i++) {
        const float v[3] = {red[i], green[i], blue[i]};
        red[i] = m[0][0] * v[0] + m[0][1] * v[1] + m[0][2] * v[2];
        green[i] = m[1][0] * v[0] + m[1][1] * v[1] + m[1][2] * v[2];
        blue[i] = m[2][0] * v[0] + m[2][1] * v[1] + m[2][2] * v[2];
    }
}

/* scratch: a plane. */
static void add_noise(tern__random *r, double deviation, float *x, size_t plane, int planes,
                      float *scratch) {
    for (int k = 0; k < planes; k++) {
        tern__normals(r, scratch, plane);
        for (size_t i = 0; i < plane; i++)
            x[(size_t)k * plane + i] += (float)deviation * scratch[i];
    }
}

/* A span of up to `share` of n places around a random one, within 0..n. */
static void draw_span(tern__random *r, int n, double share, int *begin, int *end) {
    const int length = (int)ceil(tern__random_uniform(r) * share * n);
    const int middle = (int)tern__random_below(r, n);
    *begin = middle - length / 2;
    *end = *begin + length;
    if (*begin < 0) *begin = 0;
    if (*end > n) *end = n;
}

static void cut_out(const tern_vision_augmentation *a, tern__random *r, const tern__view *v,
                    float *x) {
    const size_t plane = (size_t)v->width * (size_t)v->height;
    const double share = a->cutout_size > 0 ? a->cutout_size : CUTOUT_SIZE;
    float mean[3];
    for (int k = 0; k < channels_of(v); k++) mean[k] = mean_of(x + (size_t)k * plane, plane);
    for (int n = 0; n < a->cutout; n++) {
        int left, right, top, bottom;
        draw_span(r, v->width, share, &left, &right);
        draw_span(r, v->height, share, &top, &bottom);
        for (int k = 0; k < channels_of(v); k++)
            for (int row = top; row < bottom; row++)
                for (int column = left; column < right; column++)
                    x[(size_t)k * plane + (size_t)row * (size_t)v->width + (size_t)column] =
                        mean[k];
    }
}

/* ---- all of it ---- */

void tern__vary_view(const tern_vision_augmentation *a, tern__random *r, const tern__view *v,
                     uint8_t ignored, float *out, uint8_t *labels, uint8_t *weights,
                     float *scratch) {
    const size_t plane = (size_t)v->width * (size_t)v->height;
    const size_t count = plane * (size_t)channels_of(v);
    float *dx = scratch, *dy = scratch + plane, *rest = scratch + 2 * plane;
    tern__warp w = {
        .map = draw_map(a, r, v), .width = v->width, .height = v->height, .border = a->border};
    if (a->elastic > 0) {
        tern__elastic_field(r, dx, v->width, v->height, sigma_of(a), a->elastic, rest);
        tern__elastic_field(r, dy, v->width, v->height, sigma_of(a), a->elastic, rest);
        w.dx = dx;
        w.dy = dy;
    }
    const bool moved = is_moved(a);
    if (moved)
        tern__warp_planes(&w, v->image, out);
    else /* the fast way to the same numbers */
        tern__image_planes(v->image, first_of(v->x, v->width), first_of(v->y, v->height), v->width,
                           v->height, a->border, channels_of(v), out);
    w.map = map_of_mask(&w.map, a->mask_x, a->mask_y);
    const uint8_t *const from[] = {v->labels, v->weights}, outside[] = {ignored, 0};
    uint8_t *const to[] = {labels, weights};
    for (int k = 0; k < 2; k++) {
        if (!to[k]) continue;
        if (moved)
            tern__warp_labels(&w, from[k], v->image->width, v->image->height, outside[k], to[k]);
        else
            look_at(v, a->border, from[k], outside[k], to[k]);
    }
    if (a->brightness > 0 || a->contrast > 0 || a->gamma > 0) vary_light(a, r, out, count);
    if (channels_of(v) == 3 && (a->saturation > 0 || a->hue > 0)) vary_colour(a, r, out, plane);
    const double sigma = tern__random_uniform(r) * a->blur;
    for (int k = 0; k < channels_of(v) && sigma > 0; k++)
        tern__blur(out + (size_t)k * plane, v->width, v->height, sigma, rest);
    const double noise = tern__random_uniform(r) * a->noise;
    if (noise > 0) add_noise(r, noise, out, plane, channels_of(v), rest);
    clip(out, count);
    if (a->cutout > 0) cut_out(a, r, v, out);
}
