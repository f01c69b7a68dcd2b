/* The geometry of convolutions: see convolution_rows.h. Knows no kernel and no thread. */
#include "convolution_rows.h"

#include "core/base/arithmetic.h"

int64_t tern__rows_count(const tern__rows *r) {
    return r->n * r->axes[0].count * r->axes[1].count * r->axes[2].count;
}

int64_t tern__rows_taps(const tern__rows *r) {
    return r->axes[0].taps * r->axes[1].taps * r->axes[2].taps;
}

/* One tap for `count` positions next to each other along the last axis: reading starts at `at` of
 * that axis. */
static void fill_run(const tern__rows_axis *a, const float *line, int64_t at, bool outside,
                     const float *zeros, int64_t count, int64_t lane, int64_t width,
                     int64_t next_tile, const float **to) {
    uint64_t size = outside ? 0 : (uint64_t)a->size; /* negative positions are beyond it */
    int64_t step = a->step, move = a->step * a->source;
    const float *from = line + at * a->source;
    bool inside = (uint64_t)at < size && (uint64_t)(at + (count - 1) * step) < size;
    while (count > 0) {
        int64_t here = width - lane < count ? width - lane : count;
        if (inside)
            for (int64_t i = 0; i < here; i++, from += move) to[i] = from;
        else
            for (int64_t i = 0; i < here; i++, at += step, from += move)
                to[i] = (uint64_t)at < size ? from : zeros;
        count -= here;
        to += next_tile - lane;
        lane = 0;
    }
}

void tern__rows_fill(const tern__rows *r, int64_t begin, int64_t end, int64_t width, const float *x,
                     const float *zeros, const float **sources, const float *y,
                     const float **targets) {
    const tern__rows_axis *a = r->axes;
    int64_t taps = tern__rows_taps(r), count;
    for (int64_t m = begin; m < end; m += count) {
        int64_t o2 = m % a[2].count, o1 = m / a[2].count % a[1].count;
        int64_t o0 = m / a[2].count / a[1].count % a[0].count;
        int64_t n = m / a[2].count / a[1].count / a[0].count;
        count = end - m < a[2].count - o2 ? end - m : a[2].count - o2;
        int64_t tile = (m - begin) / width, lane = (m - begin) % width;
        const float **to = sources + tile * taps * width + lane;
        for (int64_t i = 0, p = o0 * a[0].step + a[0].first; i < a[0].taps;
             i++, p += a[0].increment)
            for (int64_t j = 0, q = o1 * a[1].step + a[1].first; j < a[1].taps;
                 j++, q += a[1].increment) {
                const float *line = x + n * r->source + p * a[0].source + q * a[1].source;
                bool outside = p < 0 || p >= a[0].size || q < 0 || q >= a[1].size;
                int64_t s = o2 * a[2].step + a[2].first;
                for (int64_t k = 0; k < a[2].taps; k++, s += a[2].increment, to += width)
                    fill_run(&a[2], line, s, outside, zeros, count, lane, width, taps * width, to);
            }
        if (!targets) continue;
        const float *target = y + r->origin + n * r->target + o0 * a[0].target + o1 * a[1].target;
        for (int64_t i = 0; i < count; i++)
            targets[m - begin + i] = target + (o2 + i) * a[2].target;
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
        r.axes[i] = (tern__rows_axis){v->out[i],      v->kernel[i], v->stride[i], first,
                                      v->dilation[i], size,         source,       target};
        source *= size;
        target *= v->out[i];
    }
    if (v->merged) r.axes[2].taps = 1;
    r.source = source;
    r.target = target;
    return r;
}

int64_t tern__rows_phases(const tern__convolution *v, int axis) {
    int64_t phases = v->stride[axis] < v->in[axis] ? v->stride[axis] : v->in[axis];
    return phases > 1 ? phases : 1;
}

/* The least e >= 0 with e * factor = value (mod modulus), or -1. factor, modulus > 0, value >= 0,
 * all below 2^31 but value. Source: Knuth, The Art of Computer Programming 2, algorithm X. */
static int64_t solve_congruence(int64_t factor, int64_t value, int64_t modulus) {
    int64_t a = factor % modulus, b = modulus, x = 1, y = 0; /* a = x * factor (mod modulus) */
    while (b) {
        const int64_t times = a / b, rest = a % b, next = x - times * y;
        a = b;
        b = rest;
        x = y;
        y = next;
    }
    if (value % a) return -1; /* a is now the greatest common divisor */
    const int64_t every = modulus / a;
    return (x % every + every) % every * (value / a % every) % every;
}

/* Input position i of an axis got from output o by element e: i = o * stride + e * dilation - pad.
 * Phase p holds i = p + q * stride for q = 0, 1, ...; elements with e * dilation = p + pad (mod
 * stride) reach it, which are every stride/g-th from the first, g = gcd(stride, dilation), and each
 * reads o = q + (p + pad - e * dilation) / stride. */
tern__rows tern__rows_data(const tern__convolution *v, int64_t phase, int64_t element[3],
                           int64_t element_step[3]) {
    tern__rows r = {.n = v->n};
    int64_t source = v->y_pitch, target = v->x_pitch;
    for (int i = 2; i >= 0; i--) {
        int64_t stride = v->stride[i], dilation = v->dilation[i], phases = tern__rows_phases(v, i);
        int64_t p = phase % phases, g = tern__greatest_common_divisor(stride, dilation);
        phase /= phases;
        int64_t offset = p + v->pad_begin[i], every = stride / g;
        int64_t e = solve_congruence(dilation, offset, stride);
        bool reached = e >= 0 && e < v->kernel[i];
        element[i] = reached ? e : 0;
        element_step[i] = every;
        r.axes[i] =
            (tern__rows_axis){.count = p < v->in[i] ? (v->in[i] - p + stride - 1) / stride : 0,
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
