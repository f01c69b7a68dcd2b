/* Sample rate conversion of a stream: the Hann-windowed sinc of torchaudio, computed directly, or
 * libsamplerate. Both are pulled: they read from a source as much as they need. */
#include "resample.h"

#include "core/base/arithmetic.h"

#include <math.h>
#include <samplerate.h>
#include <string.h>

#define TERN__PI 3.14159265358979323846
enum { BLOCK = 4096, MAX_TABLE = 1 << 21, MAX_RATIO = 256, ZERO_CROSSINGS = 6, WIDE = 8 };
static const double rolloff = 0.99;

struct tern__resample {
    tern_context *context;
    tern__resample_source source;
    void *user;
    int64_t from, to; /* rates divided by their greatest common divisor */
    int64_t consumed; /* samples of the source so far */
    int64_t produced;
    bool source_ended;
    tern_status status; /* of the source */
    float *block;       /* [capacity] the source's samples base .. base + filled - 1 */
    int64_t base, filled, capacity;
    /* sinc */
    int taps;     /* a multiple of WIDE */
    float *table; /* [to][taps], or [1][taps] computed anew for each sample */
    int *first;   /* [to] offset of the first tap from the block of `from` samples */
    bool tabled;
    /* libsamplerate */
    SRC_STATE *state;
    double ratio;
};

/* Taps of the output sample that lies phase/to of a block of `from` input samples after the block's
 * start: sinc(t) cos^2(pi t / 12) base / from at t = (i / from - phase / to) base, |t| < 6.
 * Returns the offset of the first tap. */
static int make_taps(const tern__resample *r, int64_t phase, float *row) {
    const double base = (double)(r->from < r->to ? r->from : r->to) * rolloff;
    const double centre = (double)phase / (double)r->to;
    const int first = (int)ceil((double)r->from * (centre - ZERO_CROSSINGS / base));
    for (int k = 0; k < r->taps; k++) {
        const double t = ((double)(first + k) / (double)r->from - centre) * base;
        const double window = cos(t * TERN__PI / ZERO_CROSSINGS / 2), angle = t * TERN__PI;
        const double sinc = angle == 0 ? 1 : sin(angle) / angle;
        row[k] =
            fabs(t) < ZERO_CROSSINGS ? (float)(sinc * window * window * base / (double)r->from) : 0;
    }
    return first;
}

static tern_status create_sinc(tern__resample *r) {
    tern_context *c = r->context;
    const double base = (double)(r->from < r->to ? r->from : r->to) * rolloff;
    r->taps = (int)(2 * ZERO_CROSSINGS * (double)r->from / base) + 2;
    r->taps = (r->taps + WIDE - 1) / WIDE * WIDE;
    r->tabled = r->to * r->taps <= MAX_TABLE;
    const int64_t rows = r->tabled ? r->to : 1;
    r->table = tern__alloc(c, sizeof *r->table * (size_t)(rows * r->taps));
    r->first = tern__alloc(c, sizeof *r->first * (size_t)rows);
    r->capacity = BLOCK + 2 * (r->taps + r->from / r->to + 1);
    r->block = tern__calloc(c, (size_t)r->capacity, sizeof *r->block);
    if (!r->table || !r->first || !r->block) return TERN_ERR_MEMORY;
    for (int64_t p = 0; r->tabled && p < r->to; p++)
        r->first[p] = make_taps(r, p, r->table + p * r->taps);
    r->base = -r->taps; /* silence before the start */
    r->filled = r->taps;
    return TERN_OK;
}

/* Samples of the source, counted. Returns how many. */
static size_t pull(tern__resample *r, float *samples, size_t count) {
    size_t got = 0;
    if (r->source_ended || r->status != TERN_OK) return 0;
    r->status = r->source(r->user, samples, count, &got);
    if (r->status != TERN_OK) return 0;
    if (got < count) r->source_ended = true;
    r->consumed += (int64_t)got;
    return got;
}

static long on_pull(void *user, float **samples) {
    tern__resample *r = user;
    *samples = r->block;
    return (long)pull(r, r->block, BLOCK);
}

static tern_status create_libsamplerate(tern__resample *r, tern_resampler kind) {
    const int converter = kind == TERN_RESAMPLE_SINC_BEST     ? SRC_SINC_BEST_QUALITY
                          : kind == TERN_RESAMPLE_SINC_MEDIUM ? SRC_SINC_MEDIUM_QUALITY
                                                              : SRC_SINC_FASTEST;
    int error = 0;
    r->ratio = (double)r->to / (double)r->from;
    r->block = tern__alloc(r->context, sizeof *r->block * BLOCK);
    if (!r->block) return TERN_ERR_MEMORY;
    r->state = src_callback_new(on_pull, converter, 1, &error, r);
    if (r->state) return TERN_OK;
    return tern__fail(r->context, TERN_ERR_MEMORY, "resampling: libsamplerate: %s",
                      src_strerror(error));
}

tern_status tern__resample_create(tern__resample **resample, tern_context *c, int from_rate,
                                  int to_rate, tern_resampler kind, tern__resample_source source,
                                  void *user) {
    *resample = NULL;
    if (from_rate > (int64_t)MAX_RATIO * to_rate || to_rate > (int64_t)MAX_RATIO * from_rate)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "resampling from %d to %d Hz: the rates may differ by a factor of %d at "
                          "most",
                          from_rate, to_rate, MAX_RATIO);
    tern__resample *r = tern__calloc(c, 1, sizeof *r);
    if (!r) return TERN_ERR_MEMORY;
    const int64_t divisor = tern__greatest_common_divisor(from_rate, to_rate);
    r->context = c;
    r->source = source;
    r->user = user;
    r->from = from_rate / divisor;
    r->to = to_rate / divisor;
    tern_status status =
        kind == TERN_RESAMPLE_SINC_HANN ? create_sinc(r) : create_libsamplerate(r, kind);
    if (status == TERN_OK)
        *resample = r;
    else
        tern__resample_free(r);
    return status;
}

void tern__resample_free(tern__resample *r) {
    if (!r) return;
    if (r->state) src_delete(r->state);
    tern__free(r->context, r->block);
    tern__free(r->context, r->table);
    tern__free(r->context, r->first);
    tern__free(r->context, r);
}

/* Sums in WIDE lanes, so that the loop becomes vector code. */
static float dot(const float *x, const float *w, int taps) {
    float lanes[WIDE] = {0};
    for (int k = 0; k < taps; k += WIDE)
        for (int l = 0; l < WIDE; l++) lanes[l] += x[k + l] * w[k + l];
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
           ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

/* Moves the block on so that it starts at index `begin` and fills it, with silence after the end.
 */
static void advance(tern__resample *r, int64_t begin) {
    const int64_t dropped = begin - r->base;
    int64_t filled = r->filled - dropped;
    memmove(r->block, r->block + dropped, sizeof *r->block * (size_t)filled);
    r->base = begin;
    r->filled = r->capacity;
    for (size_t got = 1; got && filled < r->capacity; filled += (int64_t)got)
        got = pull(r, r->block + filled, (size_t)(r->capacity - filled));
    memset(r->block + filled, 0, sizeof *r->block * (size_t)(r->capacity - filled));
}

/* Samples that come out of n, rounded up. */
static int64_t outputs(const tern__resample *r, int64_t n) {
    return n / r->from * r->to + (n % r->from * r->to + r->from - 1) / r->from;
}

static size_t read_sinc(tern__resample *r, float *samples, size_t count) {
    size_t done = 0;
    for (; done < count; done++, r->produced++) {
        const int64_t phase = r->produced % r->to, row = r->tabled ? phase : 0;
        if (!r->tabled) r->first[0] = make_taps(r, phase, r->table);
        const int64_t at = r->produced / r->to * r->from + r->first[row];
        if (at + r->taps > r->base + r->filled) advance(r, at);
        if (r->status != TERN_OK) break;
        if (r->source_ended && r->produced >= outputs(r, r->consumed)) break;
        samples[done] = dot(r->block + (at - r->base), r->table + row * r->taps, r->taps);
    }
    return done;
}

static size_t read_libsamplerate(tern__resample *r, float *samples, size_t count) {
    size_t done = 0;
    while (done < count && r->status == TERN_OK) {
        long got = src_callback_read(r->state, r->ratio, (long)(count - done), samples + done);
        if (got <= 0) break;
        done += (size_t)got;
    }
    r->produced += (int64_t)done;
    return done;
}

tern_status tern__resample_read(tern__resample *r, float *samples, size_t count, size_t *got) {
    *got = 0;
    size_t done = r->state ? read_libsamplerate(r, samples, count) : read_sinc(r, samples, count);
    if (r->status != TERN_OK) return r->status;
    if (r->state && src_error(r->state))
        return tern__fail(r->context, TERN_ERR_UNSUPPORTED, "resampling: libsamplerate: %s",
                          src_strerror(src_error(r->state)));
    if (r->state && r->source_ended) {
        /* libsamplerate may end some samples early or late. */
        const int64_t over = r->produced - outputs(r, r->consumed);
        const size_t missing = over < 0 && (uint64_t)-over < count - done ? (size_t)-over
                               : over < 0                                 ? count - done
                                                                          : 0;
        if (over > 0) done = (int64_t)done > over ? done - (size_t)over : 0;
        memset(samples + done, 0, sizeof *samples * missing);
        done += missing;
        r->produced += (int64_t)missing - (over > 0 ? over : 0);
    }
    *got = done;
    return TERN_OK;
}
