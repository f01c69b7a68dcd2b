/* Variations of a sound or of its features, one at a time: shift, gain, noise at a signal-to-noise
 * ratio, masks, mixing. The same seed gives the same result. Knows no data set. */
#include "features.h"

#include <math.h>
#include <string.h>

/* Streams of random numbers, so that one seed may serve several variations. */
enum { STREAM_NOISE = 0x6e6f6973, STREAM_FRAMES = 0x6672616d, STREAM_ROWS = 0x726f7773 };

void tern_samples_shift(float *samples, size_t count, int64_t by) {
    const size_t distance = by < 0 ? (size_t)-by : (size_t)by;
    const size_t moved = distance < count ? count - distance : 0, silent = count - moved;
    if (by >= 0) {
        memmove(samples + silent, samples, sizeof *samples * moved);
        memset(samples, 0, sizeof *samples * silent);
    } else {
        memmove(samples, samples + silent, sizeof *samples * moved);
        memset(samples + moved, 0, sizeof *samples * silent);
    }
}

void tern_samples_gain(float *samples, size_t count, double db) {
    const float factor = (float)pow(10, db / 20);
    for (size_t i = 0; i < count; i++) samples[i] *= factor;
}

static double mean_square(const float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
    return count ? sum / (double)count : 0;
}

void tern_samples_add_noise(float *samples, size_t count, const float *noise, size_t noise_count,
                            double snr_db, uint64_t seed) {
    tern__random r = tern__random_make(seed, STREAM_NOISE);
    const double wanted = mean_square(samples, count) * pow(10, -snr_db / 10);
    if (!noise || noise_count == 0) {
        const double deviation = sqrt(wanted);
        for (size_t i = 0; i < count; i++)
            samples[i] += (float)(deviation * tern__random_normal(&r));
        return;
    }
    /* From a place drawn at random, and round its end. The power is that of the part used. */
    const size_t start = (size_t)tern__random_below(&r, (int64_t)noise_count);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double x = noise[(start + i) % noise_count];
        sum += x * x;
    }
    if (sum <= 0) return;
    const float factor = (float)sqrt(wanted * (double)count / sum);
    for (size_t i = 0; i < count; i++) samples[i] += factor * noise[(start + i) % noise_count];
}

/* Width and start of one mask over n places: floor(U max_width), floor(U (n - width)). */
static void draw_mask(tern__random *r, size_t n, size_t max_width, size_t *start, size_t *width) {
    *width = (size_t)(tern__random_uniform(r) * (double)(max_width < n ? max_width : n));
    *start = (size_t)(tern__random_uniform(r) * (double)(n - *width));
}

void tern_features_mask_frames(float *features, size_t rows, size_t frames, size_t max_width,
                               float value, uint64_t seed) {
    tern__random r = tern__random_make(seed, STREAM_FRAMES);
    size_t start, width;
    draw_mask(&r, frames, max_width, &start, &width);
    for (size_t row = 0; row < rows; row++)
        for (size_t t = start; t < start + width; t++) features[row * frames + t] = value;
}

void tern_features_mask_rows(float *features, size_t rows, size_t frames, size_t max_width,
                             float value, uint64_t seed) {
    tern__random r = tern__random_make(seed, STREAM_ROWS);
    size_t start, width;
    draw_mask(&r, rows, max_width, &start, &width);
    for (size_t i = start * frames; i < (start + width) * frames; i++) features[i] = value;
}

void tern_features_mix(float *values, const float *other, size_t count, double weight) {
    const float mine = (float)weight, its = (float)(1 - weight);
    for (size_t i = 0; i < count; i++) values[i] = mine * values[i] + its * other[i];
}
