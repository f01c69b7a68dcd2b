/* Varies clips at random: place, tempo, pitch, level, tone, noise, blanked spans and bands. Works
 * on features or samples that are there already; knows no file, no data set. */
#include "vary.h"

#include "options.h"

#include <math.h>

/* Where an output sample comes from: (1 - weight) in[low] + weight in[high]. */
typedef struct place {
    int64_t low, high;
    float weight;
} place;

size_t tern__vary_scratch(const tern__variation *v) { return (size_t)v->frames * sizeof(int64_t); }

void tern__vary_measure(tern__band *bands, const float *in, int64_t rows, int64_t frames) {
    for (int64_t row = 0; row < rows; row++, in += frames) {
        double sum = 0, square = 0;
        for (int64_t t = 0; t < frames; t++) sum += in[t], square += (double)in[t] * in[t];
        const double mean = sum / (double)frames;
        const double variance = fmax(0, square / (double)frames - mean * mean);
        bands[row] = (tern__band){(float)mean, (float)sqrt(variance)};
    }
}

static double uniform(tern__random *r, double low, double high) {
    return low + (high - low) * tern__random_uniform(r);
}

/* Reads frames at start, start + speed, ... of a clip whose end is followed by its start. */
typedef struct reader {
    double start, speed;
} reader;

static reader draw_reader(const tern__variation *v, tern__random *r, int64_t in_frames) {
    reader w = {0, 1};
    w.start = (double)tern__random_below(r, in_frames - v->frames + 1);
    double shift = uniform(r, -1, 1) * v->how->time_shift;
    w.start += (double)(int64_t)(shift * (double)v->frames);
    double stretch = uniform(r, -1, 1) * v->how->speed;
    if (stretch != 0) w.speed = exp(stretch);
    return w;
}

static place find_place(const reader *w, int64_t t, int64_t in_frames) {
    double at = fmod(w->start + (double)t * w->speed, (double)in_frames);
    if (at < 0) at += (double)in_frames;
    int64_t low = (int64_t)at;
    if (low >= in_frames) low = 0, at = 0;
    return (place){low, low + 1 < in_frames ? low + 1 : 0, (float)(at - (double)low)};
}

/* Adds noise of white spectrum whose power is the clip's mean power less snr dB. Values are
 * logarithms, one dB being v->decibel. */
static void add_noise(const tern__variation *v, tern__random *r, float *out) {
    const double snr = uniform(r, v->how->noise_snr_low, v->how->noise_snr_high);
    const float to_log = (float)(log(10) / 10 / v->decibel), from_log = 1 / to_log;
    const int64_t n = v->rows * v->frames;
    double power = 0;
    for (int64_t i = 0; i < n; i++) power += (double)expf(out[i] * to_log);
    power = power / (double)n * pow(10, -snr / 10);
    for (int64_t i = 0; i < n; i++) {
        /* Power of a band of white noise: the mean of two exponential variables. */
        uint32_t a = tern__random_u32(r);
        double u = ((a >> 16) + 0.5) / 65536, w = ((a & 65535) + 0.5) / 65536;
        out[i] = from_log * logf(expf(out[i] * to_log) + (float)(power * -0.5 * log(u * w)));
    }
}

/* The row nearest to a frequency. */
static int64_t row_of(const tern__variation *v, double hertz) {
    int64_t low = 0, high = v->rows - 1;
    if (hertz <= v->hertz[low]) return low;
    if (hertz >= v->hertz[high]) return high;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (v->hertz[middle] <= hertz)
            low = middle;
        else
            high = middle;
    }
    return hertz - v->hertz[low] < v->hertz[high] - hertz ? low : high;
}

static uint64_t draw_seed(tern__random *r) {
    const uint64_t high = tern__random_u32(r);
    return high << 32 | tern__random_u32(r);
}

static void blank(tern__random *r, const tern__variation *v, float *out) {
    const tern_audio_augmentation *a = v->how;
    const size_t rows = (size_t)v->rows, frames = (size_t)v->frames;
    for (int i = 0; i < a->time_masks; i++)
        tern_features_mask_frames(out, rows, frames, (size_t)(a->time_mask * (double)frames), 0,
                                  draw_seed(r));
    for (int i = 0; rows > 1 && i < a->frequency_masks; i++)
        tern_features_mask_rows(out, rows, frames, (size_t)(a->frequency_mask * (double)rows), 0,
                                draw_seed(r));
}

/* The bands of a clip whose style this one takes on in part; NULL: none. */
static const tern__band *draw_style(const tern__variation *v, tern__random *r) {
    if (v->how->style <= 0 || v->styles < 1 || !(tern__random_uniform(r) < v->how->style))
        return NULL;
    return v->bands + tern__random_below(r, v->styles) * v->rows;
}

/* Mean and deviation of a band become a mixture of its own and another's. Bands as good as without
 * deviation (above a codec's cutoff, say) are not blown up: half a decibel is added to both
 * deviations. */
static void take_style(const tern__variation *v, const tern__band *own, const tern__band *other,
                       float share, float *x) {
    const float floor = v->decibel > 0 ? (float)v->decibel / 2 : 1e-3f;
    const float deviation = own->deviation + share * (other->deviation - own->deviation);
    const float factor = (deviation + floor) / (own->deviation + floor);
    const float mean = own->mean + share * (other->mean - own->mean);
    for (int64_t t = 0; t < v->frames; t++) x[t] = (x[t] - own->mean) * factor + mean;
}

/* Frames and rows are moved, never interpolated: a mean of two neighbours is smoother than either,
 * and a network that is trained on smoothed noise takes the noise of real recordings for another
 * sound (on ESC-10 interpolation cost 10 % of accuracy). */
void tern__vary_features(const tern__variation *v, tern__random *r, const float *in,
                         int64_t in_frames, const tern__band *own, float *out, void *scratch) {
    const tern_audio_augmentation *a = v->how;
    int64_t *frames = scratch;
    const reader w = draw_reader(v, r, in_frames);
    for (int64_t t = 0; t < v->frames; t++) {
        const place p = find_place(&w, t, in_frames);
        frames[t] = p.weight < 0.5f ? p.low : p.high;
    }
    const double ratio = exp(uniform(r, -1, 1) * a->pitch);
    const double gain = tern__random_normal(r) * a->gain * v->decibel;
    const double tilt = v->hertz ? tern__random_normal(r) * a->tilt * v->decibel : 0;
    const double last = (double)(v->rows - 1);
    const tern__band *other = own ? draw_style(v, r) : NULL;
    const float share = other ? (float)tern__random_uniform(r) : 0;
    for (int64_t row = 0; row < v->rows; row++) {
        const int64_t from = v->hertz && ratio != 1 ? row_of(v, v->hertz[row] * ratio) : row;
        const float *x = in + from * in_frames;
        const float add = (float)(gain + (last > 0 ? tilt * ((double)row / last - 0.5) : 0));
        for (int64_t t = 0; t < v->frames; t++) out[row * v->frames + t] = x[frames[t]] + add;
        if (other) take_style(v, &own[from], &other[row], share, out + row * v->frames);
    }
    if (tern__random_uniform(r) < a->noise && v->decibel > 0 && v->hertz) add_noise(v, r, out);
    for (int64_t i = 0; i < v->rows * v->frames; i++)
        out[i] = (float)((out[i] - v->mean) * v->scale);
    blank(r, v, out);
}

void tern__vary_samples(const tern__variation *v, tern__random *r, const float *in,
                        int64_t in_frames, float *out) {
    const tern_audio_augmentation *a = v->how;
    const reader w = draw_reader(v, r, in_frames);
    double gain = pow(10, tern__random_normal(r) * a->gain / 20);
    if (tern__random_u32(r) & 1) gain = -gain; /* the sign of a wave is not heard */
    for (int64_t t = 0; t < v->frames; t++) {
        const place p = find_place(&w, t, in_frames);
        out[t] = (float)gain * (in[p.low] + p.weight * (in[p.high] - in[p.low]));
    }
    if (tern__random_uniform(r) < a->noise)
        tern_samples_add_noise(out, (size_t)v->frames, NULL, 0,
                               uniform(r, a->noise_snr_low, a->noise_snr_high), draw_seed(r));
    for (int64_t t = 0; t < v->frames; t++) out[t] = (float)((out[t] - v->mean) * v->scale);
    blank(r, v, out);
}

void tern__vary_not(const tern__variation *v, const float *in, int64_t in_frames, float *out) {
    const int64_t begin = (in_frames - v->frames) / 2;
    for (int64_t row = 0; row < v->rows; row++)
        for (int64_t t = 0; t < v->frames; t++)
            out[row * v->frames + t] =
                (float)((in[row * in_frames + begin + t] - v->mean) * v->scale);
}

/* ---- augmentation as text ---- */

#define PART(name, most) TERN__REAL_OPTION(tern_audio_augmentation, name, 0, most)
#define DECIBELS(name) TERN__REAL_OPTION(tern_audio_augmentation, name, -1000, 1000)
#define COUNT(name) TERN__INT_OPTION(tern_audio_augmentation, name, 0, 100)
static const tern__option parts[] = {
    PART(time_shift, 1),      PART(gain, 60),    PART(noise, 1),     DECIBELS(noise_snr_low),
    DECIBELS(noise_snr_high), PART(speed, 1),    PART(pitch, 1),     PART(tilt, 60),
    PART(style, 1),           COUNT(time_masks), PART(time_mask, 1), COUNT(frequency_masks),
    PART(frequency_mask, 1)};
const tern__options tern__audio_augmentation =
    TERN__OPTIONS("augmentation", tern_audio_augmentation, parts, NULL, NULL);
