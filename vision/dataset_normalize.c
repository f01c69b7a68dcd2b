/* Mean and standard deviation of a data set's pictures, channel by channel: measured or given. */
#include "store.h"

#include <math.h>

typedef struct sums {
    const tern__photo_store *store;
    const bool *wanted;               /* [pictures] */
    uint64_t (*sum)[3], (*square)[3]; /* [pictures] */
} sums;

static void sum_picture(void *argument, int64_t i, int worker) {
    const sums *m = argument;
    const tern_image *image = &m->store->photos[i].image;
    const size_t n = (size_t)image->channels;
    const size_t count = (size_t)image->width * (size_t)image->height;
    (void)worker;
    for (size_t k = 0; k < n; k++) {
        uint64_t sum = 0, square = 0;
        for (size_t p = k; m->wanted[i] && p < count * n; p += n) {
            const uint64_t v = image->bits == 8 ? ((const uint8_t *)image->data)[p]
                                                : ((const uint16_t *)image->data)[p];
            sum += v;
            square += v * v;
        }
        m->sum[i][k] = sum;
        m->square[i][k] = square;
    }
}

/* A picture of 8 bits counts like one of 16: values are 0..1. */
static void normalize_channel(tern__photo_store *s, const sums *m, int channel) {
    double sum = 0, square = 0, count = 0;
    for (size_t i = 0; i < s->files.count; i++) {
        const tern_image *image = &s->photos[i].image;
        const double max = (1 << image->bits) - 1;
        if (!m->wanted[i]) continue;
        sum += (double)m->sum[i][channel] / max;
        square += (double)m->square[i][channel] / (max * max);
        count += (double)image->width * image->height;
    }
    const double mean = sum / count, variance = square / count - mean * mean;
    s->normalization.mean[channel] = (float)mean;
    s->normalization.std[channel] = variance > 1e-8 ? (float)sqrt(variance) : 1;
}

tern_status tern_vision_dataset_normalize(tern_vision_dataset *data, const tern_dataset *samples) {
    tern__photo_store *s = data->store;
    tern_context *c = data->context;
    const size_t pictures = s->files.count;
    bool *wanted = tern__calloc(c, pictures, sizeof *wanted);
    uint64_t(*parts)[3] = tern__calloc(c, 2 * pictures, sizeof *parts);
    tern_status st = wanted && parts ? TERN_OK : TERN_ERR_MEMORY;
    if (st == TERN_OK) {
        for (int64_t i = 0; i < tern_dataset_count(samples); i++)
            wanted[tern__photo_of(s, tern_dataset_source_sample(samples, i))] = true;
        sums m = {s, wanted, parts, parts + pictures};
        tern__parallel(c, (int64_t)pictures, TERN__WORTH_A_THREAD, sum_picture, &m);
        for (int k = 0; k < s->channels; k++) normalize_channel(s, &m, k);
    }
    tern__free(c, parts);
    tern__free(c, wanted);
    return st;
}

tern_status tern_vision_dataset_set_normalization(tern_vision_dataset *data,
                                                  const tern_normalization *n) {
    tern_normalization as_they_are = TERN_NORMALIZATION_INIT;
    as_they_are.channels = data->store->channels;
    if (!n) n = &as_they_are;
    if (n->channels != data->store->channels)
        return tern__fail(data->context, TERN_ERR_ARGUMENT,
                          "normalisation of %d channels for pictures of %d", n->channels,
                          data->store->channels);
    for (int k = 0; k < n->channels; k++)
        if (!isfinite(n->mean[k]) || !isfinite(n->std[k]) || n->std[k] == 0)
            return tern__fail(data->context, TERN_ERR_ARGUMENT,
                              "normalisation by mean %g and std %g of channel %d; they must be "
                              "finite, and std not 0",
                              (double)n->mean[k], (double)n->std[k], k);
    data->store->normalization = *n;
    return TERN_OK;
}

const tern_normalization *tern_vision_dataset_normalization(const tern_vision_dataset *data) {
    return &data->store->normalization;
}
