/* Features of a sound that arrives in pieces. Owns the buffer of samples that frames to come still
 * need; the frames themselves are block.c's. */
#include "features.h"

#include <string.h>

enum { MOST_TAKEN = 1 << 18 }; /* samples */

struct tern_feature_stream {
    const tern_features *features;
    tern_on_frames on_frames;
    void *user;
    float *samples; /* [capacity], from index base on */
    int64_t base, received;
    size_t capacity;
    int64_t next;  /* frame */
    int64_t step;  /* frames computed at once at most, a multiple of LANES */
    float *values; /* [step][rows] */
    tern__feature_block block;
    bool finished;
};

tern_status tern_feature_stream_create(tern_feature_stream **stream, const tern_features *f,
                                       tern_on_frames on_frames, void *user) {
    *stream = NULL;
    tern_context *c = f->context;
    const tern_audio_options *o = &f->options;
    if (f->whole || o->deltas || o->normalize != TERN_NORMALIZE_NONE)
        return tern__fail(c, TERN_ERR_UNSUPPORTED,
                          "feature stream: %s needs the whole sound; switch it off, or compute the "
                          "features of the whole sound",
                          o->deltas       ? "deltas"
                          : !f->whole     ? "normalize"
                          : o->top_db > 0 ? "top_db"
                                          : "ref 0");
    tern_feature_stream *s = tern__calloc(c, 1, sizeof *s);
    if (!s) return TERN_ERR_MEMORY;
    s->features = f;
    s->on_frames = on_frames;
    s->user = user;
    /* 1 MB of bands and values at most, or one group */
    const int64_t most = ((int64_t)1 << 18) / (f->bands + f->base_rows) / TERN__LANES * TERN__LANES;
    s->step = most < TERN__LANES ? TERN__LANES : most;
    s->values = tern__alloc(c, sizeof *s->values * (size_t)s->step * (size_t)f->base_rows);
    if (!s->values || tern__feature_block_create(&s->block, f, c, s->step) != TERN_OK) {
        tern_feature_stream_free(s);
        return TERN_ERR_MEMORY;
    }
    *stream = s;
    return TERN_OK;
}

void tern_feature_stream_free(tern_feature_stream *s) {
    if (!s) return;
    tern_context *c = s->features->context;
    tern__feature_block_destroy(&s->block, c);
    tern__free(c, s->samples);
    tern__free(c, s->values);
    tern__free(c, s);
}

static tern_status deliver(tern_feature_stream *s, int64_t frames, int64_t count) {
    const tern_features *f = s->features;
    tern_context *c = f->context;
    const tern__samples sound = {s->samples, s->base, count};
    tern__feature_block_compute(&s->block, f, c, &sound, s->next, frames, s->values, 1,
                                f->base_rows);
    const int64_t first = s->next;
    s->next += frames;
    if (s->on_frames(s->user, s->values, (size_t)frames, first)) return TERN_OK;
    return tern__fail(c, TERN_ERR_INTERRUPTED, "feature stream: stopped by its receiver");
}

/* Drops samples that no later frame can want: those before the next frame (and the one sample that
 * pre-emphasis looks back on), but what the padding of the end may mirror is kept. */
static void drop_used(tern_feature_stream *s) {
    const int64_t mirrored = s->received - s->features->options.n_fft - 2;
    int64_t keep = tern__frame_begin(s->features, s->next) - 1;
    if (keep > mirrored) keep = mirrored;
    if (keep <= s->base) return;
    memmove(s->samples, s->samples + (keep - s->base),
            sizeof *s->samples * (size_t)(s->received - keep));
    s->base = keep;
}

/* How many of the next frames lie within the samples at hand: a multiple of LANES, so that the
 * groups are those of the whole sound; at most step. */
static int64_t whole_frames(const tern_feature_stream *s) {
    const int64_t end = tern__frame_end(s->features, s->next);
    if (end > s->received) return 0;
    const int64_t frames = 1 + (s->received - end) / s->features->options.hop_length;
    return frames < s->step ? frames / TERN__LANES * TERN__LANES : s->step;
}

/* Takes count samples, which are few enough to be copied. */
static tern_status take(tern_feature_stream *s, const float *samples, size_t count) {
    tern_context *c = s->features->context;
    const size_t held = (size_t)(s->received - s->base);
    float *bigger = tern__grow(c, s->samples, held, &s->capacity, held + count, sizeof *s->samples);
    if (!bigger) return TERN_ERR_MEMORY;
    s->samples = bigger;
    memcpy(s->samples + held, samples, sizeof *samples * count);
    s->received += (int64_t)count;
    tern_status status = TERN_OK;
    for (int64_t frames = TERN__LANES; status == TERN_OK && frames;) {
        frames = whole_frames(s);
        if (frames) status = deliver(s, frames, TERN__NO_END);
    }
    drop_used(s);
    return status;
}

tern_status tern_feature_stream_push(tern_feature_stream *s, const float *samples, size_t count) {
    tern_status status = TERN_OK;
    if (s->finished)
        return tern__fail(s->features->context, TERN_ERR_ARGUMENT,
                          "feature stream: samples were pushed after the end");
    for (size_t done = 0; done < count && status == TERN_OK;) {
        const size_t n = count - done < MOST_TAKEN ? count - done : MOST_TAKEN;
        status = take(s, samples + done, n);
        done += n;
    }
    return status;
}

tern_status tern_feature_stream_finish(tern_feature_stream *s) {
    const tern_features *f = s->features;
    const int64_t frames = tern__frame_count(f, s->received);
    tern_status status = TERN_OK;
    if (s->finished) return TERN_OK;
    s->finished = true;
    if (frames == 0)
        return tern__fail(
            f->context, TERN_ERR_ARGUMENT,
            "feature stream: %lld samples are too few for a frame of %d", (long long)s->received,
            f->options.framing == TERN_FRAMING_FFT ? f->options.n_fft : f->options.win_length);
    while (status == TERN_OK && s->next < frames)
        status = deliver(s, frames - s->next < s->step ? frames - s->next : s->step, s->received);
    return status;
}
