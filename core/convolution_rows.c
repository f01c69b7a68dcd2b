/* The geometry of convolutions: see convolution_rows.h. Knows no kernel and no thread. */
#include "convolution_rows.h"

int64_t tern__rows_count(const tern__rows *r) {
    return r->n * r->axes[0].count * r->axes[1].count * r->axes[2].count;
}

int64_t tern__rows_taps(const tern__rows *r) {
    return r->axes[0].taps * r->axes[1].taps * r->axes[2].taps;
}

/* All taps of one position; at[a] is where tap 0 reads. */
static void fill_taps(const tern__rows *r, const float *image, const int64_t at[3], bool inside,
                      const float *zeros, const float **sources, int64_t width) {
    const tern__rows_axis *a = r->axes;
    for (int64_t i = 0, p = at[0]; i < a[0].taps; i++, p += a[0].increment)
        for (int64_t j = 0, q = at[1]; j < a[1].taps; j++, q += a[1].increment) {
            const float *line = image + p * a[0].source + q * a[1].source;
            if (inside) {
                for (int64_t k = 0, s = at[2]; k < a[2].taps; k++, s += a[2].increment) {
                    *sources = line + s * a[2].source;
                    sources += width;
                }
                continue;
            }
            bool out = p < 0 || p >= a[0].size || q < 0 || q >= a[1].size;
            uint64_t size = out ? 0 : (uint64_t)a[2].size; /* negative s are beyond it */
            for (int64_t k = 0, s = at[2]; k < a[2].taps; k++, s += a[2].increment) {
                const float *there = line + s * a[2].source;
                *sources = (uint64_t)s < size ? there : zeros;
                sources += width;
            }
        }
}

void tern__rows_fill(const tern__rows *r, int64_t begin, int64_t end, int64_t width, const float *x,
                     const float *zeros, const float **sources, const float *y,
                     const float **targets) {
    const tern__rows_axis *a = r->axes;
    int64_t taps = tern__rows_taps(r), o[3], m = begin;
    for (int i = 2; i >= 0; i--) {
        o[i] = m % a[i].count;
        m /= a[i].count;
    }
    int64_t n = m;
    for (m = 0; m < end - begin; m++) {
        int64_t at[3];
        bool inside = true;
        for (int i = 0; i < 3; i++) {
            at[i] = o[i] * a[i].step + a[i].first;
            int64_t last = at[i] + (a[i].taps - 1) * a[i].increment;
            inside = inside && at[i] >= 0 && at[i] < a[i].size && last >= 0 && last < a[i].size;
        }
        fill_taps(r, x + n * r->source, at, inside, zeros,
                  sources + (m / width) * taps * width + m % width, width);
        if (targets)
            targets[m] = y + r->origin + n * r->target + o[0] * a[0].target + o[1] * a[1].target +
                         o[2] * a[2].target;
        for (int i = 2; i >= 0 && ++o[i] == a[i].count; i--) {
            o[i] = 0;
            if (i == 0) n++;
        }
    }
}

tern__rows tern__rows_forward(const tern__convolution *v) {
    tern__rows r = {.n = v->n};
    int64_t source = v->x_pitch, target = v->y_pitch;
    for (int i = 2; i >= 0; i--) {
        int64_t size = v->in[i], first = -v->pad_begin[i];
        if (i == 2 && v->padded) { /* x is the copy with its padding */
            size = (v->out[i] - 1) * v->stride[i] + v->kernel[i];
            first = 0;
        }
        r.axes[i] = (tern__rows_axis){v->out[i], v->kernel[i], v->stride[i], first, v->dilation[i],
                                      size, source, target};
        source *= size;
        target *= v->out[i];
    }
    if (v->merged) r.axes[2].taps = 1;
    r.source = source;
    r.target = target;
    return r;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Input position i of an axis got from output o by element e: i = o * stride + e * dilation - pad. Phase p holds
 * i = p + q * stride for q = 0, 1, ...; elements with e * dilation = p + pad (mod stride) reach it, which are every
 * stride/g-th from the first, g = gcd(stride, dilation), and each reads o = q + (p + pad - e * dilation) / stride. */
tern__rows tern__rows_data(const tern__convolution *v, int64_t phase, int64_t element[3],
                           int64_t element_step[3]) {
    tern__rows r = {.n = v->n};
    int64_t source = v->y_pitch, target = v->x_pitch;
    for (int i = 2; i >= 0; i--) {
        int64_t stride = v->stride[i], dilation = v->dilation[i], p = phase % stride;
        phase /= stride;
        int64_t g = greatest_common_divisor(stride, dilation);
        int64_t offset = p + v->pad_begin[i], e = 0, every = stride / g;
        while (e < every && (e * dilation - offset) % stride != 0) e++;
        bool reached = e < every && e < v->kernel[i];
        element[i] = reached ? e : 0;
        element_step[i] = every;
        r.axes[i] = (tern__rows_axis){
            .count = p < v->in[i] ? (v->in[i] - p + stride - 1) / stride : 0,
            .taps = reached ? (v->kernel[i] - e + every - 1) / every : 0,
            .step = 1,
            .first = reached ? (offset - e * dilation) / stride : 0,
            .increment = -(dilation / g),
            .size = v->out[i],
            .source = source,
            .target = target * stride};
        r.origin += p * target;
        source *= v->out[i];
        target *= v->in[i];
    }
    r.source = source;
    r.target = target;
    return r;
}
