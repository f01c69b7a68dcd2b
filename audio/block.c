/* A block of consecutive frames, computed by several workers in groups of LANES frames. The groups
 * are counted from the block's first frame, which is a multiple of LANES. */
#include "features.h"

#include "core/base/arithmetic.h"

#include <math.h>

/* Whether steps along time stand between the bands and the rest. */
static bool keeps_bands(const tern_features *f) { return f->options.pcen || f->whole; }

tern_status tern__feature_block_create(tern__feature_block *b, const tern_features *f,
                                       tern_context *c, int64_t frames) {
    const int64_t groups = tern__ceil_div(frames, TERN__LANES);
    *b = (tern__feature_block){0};
    if (keeps_bands(f)) {
        b->bands = tern__calloc(c, (size_t)groups, sizeof(float) * (size_t)f->bands * TERN__LANES);
        b->energy = tern__calloc(c, (size_t)groups, sizeof(float) * TERN__LANES);
        if (!b->bands || !b->energy) goto failed;
    }
    b->smooth = tern__alloc(c, sizeof *b->smooth * (size_t)f->bands);
    const int workers = c->threads < groups ? c->threads : (int)groups;
    b->workers = tern__calloc(c, (size_t)workers, sizeof *b->workers);
    if (!b->smooth || !b->workers) goto failed;
    for (int i = 0; i < f->bands; i++) b->smooth[i] = 1;
    for (; b->worker_count < workers; b->worker_count++)
        if (tern__feature_scratch_create(&b->workers[b->worker_count], f, c) != TERN_OK)
            goto failed;
    return TERN_OK;
failed:
    tern__feature_block_destroy(b, c);
    return TERN_ERR_MEMORY;
}

void tern__feature_block_destroy(tern__feature_block *b, tern_context *c) {
    for (int i = 0; i < b->worker_count; i++) tern__feature_scratch_destroy(&b->workers[i], c);
    tern__free(c, b->workers);
    tern__free(c, b->bands);
    tern__free(c, b->energy);
    tern__free(c, b->smooth);
    *b = (tern__feature_block){0};
}

typedef struct block_job {
    tern__feature_block *block;
    const tern_features *features;
    const tern__samples *sound;
    int64_t first, frames;
    float *out;
    int64_t row_stride, frame_stride;
} block_job;

static int frames_of_group(const block_job *j, int64_t group) {
    const int64_t left = j->frames - group * TERN__LANES;
    return left < TERN__LANES ? (int)left : TERN__LANES;
}

static void bands_of_group(void *arg, int64_t group, int worker) {
    const block_job *j = arg;
    tern__feature_block *b = j->block;
    tern__frames_bands(j->features, &b->workers[worker], j->sound, j->first + group * TERN__LANES,
                       frames_of_group(j, group),
                       b->bands + group * j->features->bands * TERN__LANES,
                       b->energy + group * TERN__LANES);
}

static void pcen_of_band(void *arg, int64_t band, int worker) {
    (void)worker;
    const block_job *j = arg;
    for (int64_t g = 0; g * TERN__LANES < j->frames; g++)
        tern__pcen(j->features, j->block->bands + (g * j->features->bands + band) * TERN__LANES,
                   frames_of_group(j, g), &j->block->smooth[band]);
}

static void finish(const block_job *j, int64_t group, tern__feature_scratch *s, const float *bands,
                   const float *energy) {
    tern__frames_finish(j->features, s, bands, energy);
    const int frames = frames_of_group(j, group);
    float *out = j->out + group * TERN__LANES * j->frame_stride;
    for (int64_t row = 0; row < j->features->base_rows; row++)
        for (int l = 0; l < frames; l++)
            out[row * j->row_stride + l * j->frame_stride] = s->values[row * TERN__LANES + l];
}

static void finish_group(void *arg, int64_t group, int worker) {
    const block_job *j = arg;
    finish(j, group, &j->block->workers[worker],
           j->block->bands + group * j->features->bands * TERN__LANES,
           j->block->energy + group * TERN__LANES);
}

static void all_of_group(void *arg, int64_t group, int worker) {
    const block_job *j = arg;
    tern__feature_scratch *s = &j->block->workers[worker];
    tern__frames_bands(j->features, s, j->sound, j->first + group * TERN__LANES,
                       frames_of_group(j, group), s->bands, s->energy);
    finish(j, group, s, s->bands, s->energy);
}

/* What depends on the largest value of the sound: ref 0 and top_db. */
static void compress_whole(const tern_features *f, tern__feature_block *b, int64_t frames) {
    const tern_audio_options *o = &f->options;
    const int64_t groups = tern__ceil_div(frames, TERN__LANES), bands = f->bands;
    float largest = -INFINITY;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t i = 0; i < bands * TERN__LANES; i++) {
            const float v = b->bands[g * bands * TERN__LANES + i];
            if (g * TERN__LANES + i % TERN__LANES < frames && v > largest) largest = v;
        }
    /* 10 dB are a factor of 10 in power, whatever the unit of the logarithm. */
    const double units = o->log == TERN_LOG_DB ? 1 : o->power / 20;
    const double floor = o->top_db * units * (o->log == TERN_LOG_NATURAL ? log(10) : 1);
    const float lowest = o->top_db > 0 ? (float)(largest - floor) : -INFINITY;
    const float shift = o->ref == 0 ? largest : 0;
    for (int64_t i = 0; i < groups * bands * TERN__LANES; i++) {
        const float v = b->bands[i];
        b->bands[i] = (v < lowest ? lowest : v) - shift;
    }
}

void tern__feature_block_compute(tern__feature_block *b, const tern_features *f, tern_context *c,
                                 const tern__samples *sound, int64_t first, int64_t frames,
                                 float *out, int64_t row_stride, int64_t frame_stride) {
    block_job j = {b, f, sound, first, frames, out, row_stride, frame_stride};
    const int64_t groups = tern__ceil_div(frames, TERN__LANES);
    const int64_t group_work = TERN__LANES * 8 * f->bins;
    if (!keeps_bands(f)) {
        tern__parallel(c, groups, group_work, all_of_group, &j);
        return;
    }
    tern__parallel(c, groups, group_work, bands_of_group, &j);
    if (f->options.pcen) tern__parallel(c, f->bands, 16 * frames, pcen_of_band, &j);
    if (f->whole) compress_whole(f, b, frames);
    tern__parallel(c, groups, TERN__LANES * f->bands, finish_group, &j);
}
