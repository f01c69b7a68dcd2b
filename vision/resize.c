/* Resizing: separable filters, first down the columns, then along the rows, one output row at a
 * time, so that nothing but a row is held as floats. Knows no file. */
#include "pixels.h"

#include <math.h>
#include <string.h>

/* Which inputs make each output along one axis: of output i weight[i * most + k] of input
 * first[i] + k, k in 0..count[i]-1. */
typedef struct axis {
    int out, most;
    int *first, *count;
    float *weight;
} axis;

static double cubic(double d, double a) {
    d = fabs(d);
    if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
    if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    return 0;
}

static double kernel(tern_filter filter, double d, bool antialias) {
    if (filter == TERN_FILTER_BICUBIC) return cubic(d, antialias ? -0.5 : -0.75);
    return fmax(0, 1 - fabs(d));
}

/* Adds a weight to input `at`, which is moved to the edge where it lies beyond it. */
static void put(const axis *a, int i, int in, int at, double weight, double *sums) {
    if (at < 0) at = 0;
    if (at > in - 1) at = in - 1;
    sums[at - a->first[i]] += weight;
}

/* The weights of output i; sums [most] is zero before. */
static void fill_output(axis *a, int i, int in, tern_filter filter, bool antialias, double *sums) {
    const double scale = (double)in / a->out, centre = scale * (i + 0.5);
    int first, end; /* of the inputs looked at, perhaps beyond the edges */
    double width = 1;
    if (filter == TERN_FILTER_NEAREST) {
        first = (int)(((2 * (int64_t)i + 1) * in) / (2 * (int64_t)a->out));
        end = first + 1;
    } else if (filter == TERN_FILTER_AREA) {
        first = (int)((int64_t)i * in / a->out);
        end = (int)((((int64_t)i + 1) * in + a->out - 1) / a->out);
    } else if (antialias) {
        width = fmax(1, scale);
        const double support = (filter == TERN_FILTER_BICUBIC ? 2 : 1) * width;
        first = (int)fmax(0, floor(centre - support + 0.5));
        end = (int)fmin(in, floor(centre + support + 0.5));
    } else {
        first = (int)floor(centre - 0.5) - (filter == TERN_FILTER_BICUBIC ? 1 : 0);
        end = first + (filter == TERN_FILTER_BICUBIC ? 4 : 2);
    }
    a->first[i] = first < 0 ? 0 : first > in - 1 ? in - 1 : first;
    for (int k = first; k < end; k++) {
        double weight = 1;
        if (filter == TERN_FILTER_AREA)
            weight = fmin((i + 1) * scale, k + 1.0) - fmax(i * scale, k);
        else if (filter != TERN_FILTER_NEAREST)
            weight = kernel(filter, (k + 0.5 - centre) / width, antialias);
        put(a, i, in, k, weight, sums);
    }
    const int last = end - 1 > in - 1 ? in - 1 : end - 1 < 0 ? 0 : end - 1;
    a->count[i] = last - a->first[i] + 1;
    double total = 0;
    for (int k = 0; k < a->count[i]; k++) total += sums[k];
    for (int k = 0; k < a->count[i]; k++) {
        a->weight[(size_t)i * (size_t)a->most + (size_t)k] = (float)(sums[k] / total);
        sums[k] = 0;
    }
}

static void free_axis(axis *a, tern_context *c) {
    tern__free(c, a->first);
    tern__free(c, a->count);
    tern__free(c, a->weight);
    *a = (axis){0};
}

static tern_status make_axis(axis *a, tern_context *c, int in, int out, tern_filter filter,
                             bool antialias) {
    const double scale = fmax(1, (double)in / out);
    *a = (axis){.out = out, .most = (int)ceil(scale * 4) + 3};
    a->first = tern__alloc(c, (size_t)out * sizeof *a->first);
    a->count = tern__alloc(c, (size_t)out * sizeof *a->count);
    a->weight = tern__calloc(c, (size_t)out * (size_t)a->most, sizeof *a->weight);
    double *sums = tern__calloc(c, (size_t)a->most, sizeof *sums);
    if (!a->first || !a->count || !a->weight || !sums) {
        tern__free(c, sums);
        free_axis(a, c);
        return TERN_ERR_MEMORY;
    }
    for (int i = 0; i < out; i++) fill_output(a, i, in, filter, antialias, sums);
    tern__free(c, sums);
    return TERN_OK;
}

/* ---- rows ---- */

/* One resizing: of rows of `in_row` numbers, `channels` of them a pixel. bits 8, 16, or 0: floats.
 */
typedef struct job {
    axis x, y;
    int channels, bits, planes;
    size_t in_row, in_plane, out_row, out_plane; /* in numbers */
    const void *in;
    void *out;
    float **scratch; /* [threads][in_row] */
} job;

static void add_row(const job *j, float *sum, int64_t plane, int64_t row, float weight) {
    const size_t at = (size_t)plane * j->in_plane + (size_t)row * j->in_row;
    if (j->bits == 8) {
        const uint8_t *from = (const uint8_t *)j->in + at;
        for (size_t i = 0; i < j->in_row; i++) sum[i] += weight * (float)from[i];
    } else if (j->bits == 16) {
        const uint16_t *from = (const uint16_t *)j->in + at;
        for (size_t i = 0; i < j->in_row; i++) sum[i] += weight * (float)from[i];
    } else {
        const float *from = (const float *)j->in + at;
        for (size_t i = 0; i < j->in_row; i++) sum[i] += weight * from[i];
    }
}

static void store(const job *j, size_t at, float value) {
    if (j->bits == 0) {
        ((float *)j->out)[at] = value;
        return;
    }
    const float max = (float)((1 << j->bits) - 1);
    value = value > 0 ? value < max ? value + 0.5f : max : 0;
    if (j->bits == 8)
        ((uint8_t *)j->out)[at] = (uint8_t)value;
    else
        ((uint16_t *)j->out)[at] = (uint16_t)value;
}

/* Output row i of all planes, counted through. */
static void resize_row(void *argument, int64_t i, int worker) {
    const job *j = argument;
    const int64_t plane = i / j->y.out, row = i % j->y.out;
    float *sum = j->scratch[worker];
    memset(sum, 0, j->in_row * sizeof *sum);
    const float *weights = j->y.weight + (size_t)row * (size_t)j->y.most;
    for (int k = 0; k < j->y.count[row]; k++)
        add_row(j, sum, plane, j->y.first[row] + k, weights[k]);
    const size_t channels = (size_t)j->channels;
    const size_t out = (size_t)plane * j->out_plane + (size_t)row * j->out_row;
    for (int x = 0; x < j->x.out; x++) {
        const float *w = j->x.weight + (size_t)x * (size_t)j->x.most;
        for (size_t k = 0; k < channels; k++) {
            const float *from = sum + (size_t)j->x.first[x] * channels + k;
            float value = 0;
            for (int n = 0; n < j->x.count[x]; n++) value += w[n] * from[(size_t)n * channels];
            store(j, out + (size_t)x * channels + k, value);
        }
    }
}

static tern_status run(job *j, tern_context *c, int in_width, int in_height, int width, int height,
                       tern_filter filter, bool antialias) {
    j->in_row = (size_t)in_width * (size_t)j->channels;
    j->in_plane = j->in_row * (size_t)in_height;
    j->out_row = (size_t)width * (size_t)j->channels;
    j->out_plane = j->out_row * (size_t)height;
    tern_status st = make_axis(&j->x, c, in_width, width, filter, antialias);
    if (st == TERN_OK) st = make_axis(&j->y, c, in_height, height, filter, antialias);
    const size_t threads = (size_t)c->threads;
    if (st == TERN_OK && !(j->scratch = tern__calloc(c, threads, sizeof *j->scratch)))
        st = TERN_ERR_MEMORY;
    for (size_t i = 0; st == TERN_OK && i < threads; i++)
        if (!(j->scratch[i] = tern__alloc(c, j->in_row * sizeof(float)))) st = TERN_ERR_MEMORY;
    if (st == TERN_OK)
        tern__parallel(c, (int64_t)j->planes * height, 4 * (int64_t)(j->in_row + j->out_row),
                       resize_row, j);
    for (size_t i = 0; j->scratch && i < threads; i++) tern__free(c, j->scratch[i]);
    tern__free(c, j->scratch);
    free_axis(&j->x, c);
    free_axis(&j->y, c);
    return st;
}

static tern_status check_filter(tern_context *c, tern_filter filter, bool antialias) {
    if (filter < TERN_FILTER_BILINEAR || filter > TERN_FILTER_AREA)
        return tern__fail(c, TERN_ERR_ARGUMENT, "resizing by a filter of number %d", (int)filter);
    if (antialias && (filter == TERN_FILTER_NEAREST || filter == TERN_FILTER_AREA))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "resizing with antialias: the filter must be bilinear or bicubic");
    return TERN_OK;
}

tern_status tern_image_resize(tern_image *out, const tern_image *in, int width, int height,
                              tern_filter filter, bool antialias) {
    tern_context *c = in->context;
    *out = (tern_image){0};
    tern_status st = check_filter(c, filter, antialias);
    if (st != TERN_OK) return st;
    if (in->palette && filter != TERN_FILTER_NEAREST)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "resizing colour numbers: between them there is no colour; use nearest");
    if ((st = tern_image_create(out, c, width, height, in->channels, in->bits)) != TERN_OK)
        return st;
    job j = {
        .channels = in->channels, .bits = in->bits, .planes = 1, .in = in->data, .out = out->data};
    st = run(&j, c, in->width, in->height, width, height, filter, antialias);
    if (st == TERN_OK) st = tern__image_copy_palette(out, in);
    if (st != TERN_OK) tern_image_free(out);
    return st;
}

tern_status tern_planes_resize(tern_context *c, float *out, int width, int height, const float *in,
                               int planes, int in_width, int in_height, tern_filter filter,
                               bool antialias) {
    tern_status st = check_filter(c, filter, antialias);
    if (st == TERN_OK) st = tern__image_check(c, width, height, 1, 8);
    if (st == TERN_OK) st = tern__image_check(c, in_width, in_height, 1, 8);
    if (st != TERN_OK) return st;
    if (planes < 1)
        return tern__fail(c, TERN_ERR_ARGUMENT, "resizing %d planes; at least 1 is needed", planes);
    job j = {.channels = 1, .planes = planes, .in = in, .out = out};
    return run(&j, c, in_width, in_height, width, height, filter, antialias);
}
