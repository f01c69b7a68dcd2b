/* What must not change bits: the number of threads, and whether a sound comes whole or in pieces.
 */
#include "check.h"
#include "audio/features.h"

enum { COUNT = 30011, MOST_ROWS = 600 };

static tern_context *contexts[3]; /* 1, 2, 3 threads */
static float sound[COUNT];

static int setup(void **state) {
    (void)state;
    tern__random r = tern__random_make(3, 1);
    for (int i = 0; i < COUNT; i++) sound[i] = 0.1f * (float)tern__random_normal(&r);
    for (int i = 0; i < 3; i++) {
        tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
        o.threads = i + 1;
        if (tern_context_create(&contexts[i], &o) != TERN_OK) return 1;
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) tern_context_free(contexts[i]);
    return 0;
}

static float *compute(tern_context *c, const tern_audio_options *o, size_t count, size_t *size) {
    tern_features *f;
    check_ok(c, tern_features_create(&f, c, o));
    *size = tern_features_rows(f) * tern_features_frames(f, count);
    float *out = malloc(*size * sizeof *out);
    assert_non_null(out);
    memset(out, 0xff, *size * sizeof *out); /* NaN: every value must be written */
    check_ok(c, tern_features_compute(f, sound, count, out));
    for (size_t i = 0; i < *size; i++) assert_true(isfinite(out[i]));
    tern_features_free(f);
    return out;
}

static void same_bits_for_any_threads(void **state) {
    (void)state;
    for (size_t p = 0; tern_audio_preset_name(p); p++) {
        tern_audio_options o;
        check_ok(contexts[0],
                 tern_audio_options_preset(&o, contexts[0], tern_audio_preset_name(p)));
        for (int deltas = 0; deltas <= 2; deltas += 2) {
            o.deltas = deltas;
            o.normalize = deltas ? TERN_NORMALIZE_MEAN_VARIANCE : TERN_NORMALIZE_NONE;
            size_t size, again;
            float *expected = compute(contexts[0], &o, COUNT, &size);
            for (int i = 1; i < 3; i++) {
                float *out = compute(contexts[i], &o, COUNT, &again);
                assert_int_equal(size, again);
                assert_memory_equal(out, expected, size * sizeof *out);
                free(out);
            }
            free(expected);
        }
    }
}

typedef struct received {
    float *values; /* [frames][rows] */
    size_t rows, frames;
} received;

static bool receive(void *user, const float *values, size_t frames, int64_t first) {
    received *r = user;
    assert_int_equal(first, r->frames);
    assert_true(frames > 0);
    memcpy(r->values + r->frames * r->rows, values, frames * r->rows * sizeof *values);
    r->frames += frames;
    return true;
}

/* Pieces of `piece` samples give the transpose of the whole. */
static void compare_pieces(tern_context *c, const tern_audio_options *o, size_t count,
                           size_t piece) {
    tern_features *f;
    tern_feature_stream *stream;
    check_ok(c, tern_features_create(&f, c, o));
    const size_t rows = tern_features_rows(f), frames = tern_features_frames(f, count);
    assert_true(rows < MOST_ROWS);
    float *whole = malloc(rows * frames * sizeof *whole);
    received r = {malloc((rows * frames + 1) * sizeof *whole), rows, 0};
    check_ok(c, tern_features_compute(f, sound, count, whole));
    check_ok(c, tern_feature_stream_create(&stream, f, receive, &r));
    for (size_t at = 0; at < count; at += piece)
        check_ok(c, tern_feature_stream_push(stream, sound + at,
                                             count - at < piece ? count - at : piece));
    check_ok(c, tern_feature_stream_finish(stream));
    assert_int_equal(r.frames, frames);
    for (size_t t = 0; t < frames; t++)
        for (size_t k = 0; k < rows; k++)
            assert_memory_equal(&r.values[t * rows + k], &whole[k * frames + t], sizeof *whole);
    check_error(c, TERN_ERR_ARGUMENT, "after the end", tern_feature_stream_push(stream, sound, 1));
    tern_feature_stream_free(stream);
    tern_features_free(f);
    free(whole);
    free(r.values);
}

static void pieces_equal_the_whole(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 159, 1000, 4096, COUNT};
    for (int framing = 0; framing < 4; framing++)
        for (int pad = 0; pad < 3; pad++)
            for (size_t i = 0; i < 5; i++) {
                tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
                o.framing = (tern_framing)framing;
                o.pad_mode = (tern_pad_mode)pad;
                o.preemphasis = i % 2 ? 0.97 : 0;
                if (framing != 0 && pad) continue;
                compare_pieces(contexts[i % 3], &o, i == 0 ? 3001 : COUNT, pieces[i]);
            }
    tern_audio_options o;
    check_ok(contexts[0], tern_audio_options_preset(&o, contexts[0], "pcen"));
    compare_pieces(contexts[1], &o, COUNT, 777);
    check_ok(contexts[0], tern_audio_options_preset(&o, contexts[0], "kaldi-mfcc"));
    compare_pieces(contexts[1], &o, COUNT, 777);
}

/* Shorter than the padding: mirrored again and again, whole and in pieces alike. */
static void short_sounds(void **state) {
    (void)state;
    for (size_t count = 1; count < 600; count = count * 3 / 2 + 1)
        for (int pad = 0; pad < 3; pad++) {
            tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
            o.pad_mode = (tern_pad_mode)pad;
            compare_pieces(contexts[0], &o, count, 7);
            o.framing = TERN_FRAMING_MIRROR;
            if (count >= 80) compare_pieces(contexts[0], &o, count, 7);
        }
}

static bool stop(void *user, const float *values, size_t frames, int64_t first) {
    (void)user, (void)values, (void)frames, (void)first;
    return false;
}

static void refusals(void **state) {
    (void)state;
    tern_context *c = contexts[0];
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    tern_features *f;
    tern_feature_stream *s;
    float out[64];
    o.framing = TERN_FRAMING_WINDOW;
    check_ok(c, tern_features_create(&f, c, &o));
    check_error(c, TERN_ERR_ARGUMENT, "399 samples are too few for a frame of 400",
                tern_features_compute(f, sound, 399, out));
    check_ok(c, tern_feature_stream_create(&s, f, stop, NULL));
    check_ok(c, tern_feature_stream_push(s, sound, 399));
    check_error(c, TERN_ERR_ARGUMENT, "399 samples are too few", tern_feature_stream_finish(s));
    tern_feature_stream_free(s);
    check_ok(c, tern_feature_stream_create(&s, f, stop, NULL));
    check_error(c, TERN_ERR_INTERRUPTED, "stopped", tern_feature_stream_push(s, sound, COUNT));
    tern_feature_stream_free(s);
    tern_features_free(f);
    o.deltas = 1;
    check_ok(c, tern_features_create(&f, c, &o));
    check_error(c, TERN_ERR_UNSUPPORTED, "deltas", tern_feature_stream_create(&s, f, stop, NULL));
    assert_null(s);
    float more[128 * 8];
    check_error(c, TERN_ERR_ARGUMENT, "delta_width 9 wants as many frames, and the sound has 8",
                tern_features_compute(f, sound, 400 + 7 * 160, more));
    tern_features_free(f);
    check_ok(c, tern_audio_options_preset(&o, c, "whisper"));
    check_ok(c, tern_features_create(&f, c, &o));
    check_error(c, TERN_ERR_UNSUPPORTED, "top_db", tern_feature_stream_create(&s, f, stop, NULL));
    tern_features_free(f);
}

/* Allocation i fails, for every i: an error each time, no leak (the sanitizers look), no crash. */
typedef struct failing {
    int left;
} failing;

static void *failing_allocate(void *user, size_t size) {
    failing *f = user;
    return f->left-- > 0 ? aligned_alloc(64, (size + 63) / 64 * 64) : NULL;
}

static void failing_release(void *user, void *pointer) {
    (void)user;
    free(pointer);
}

static void allocations_fail(void **state) {
    (void)state;
    failing f = {1000};
    const tern_allocator allocator = {failing_allocate, failing_release, &f};
    tern_context_options co = TERN_CONTEXT_OPTIONS_INIT;
    co.threads = 2;
    co.allocator = &allocator;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &co));
    static const char *const presets[] = {"tern", "librosa-mfcc", "kaldi-plp"};
    for (int p = 0; p < 3; p++) {
        tern_audio_options o;
        float *out = malloc(sizeof *out * MOST_ROWS * 500);
        check_ok(c, tern_audio_options_preset(&o, c, presets[p]));
        bool done = false;
        for (int i = 0; !done; i++) {
            tern_features *features = NULL;
            tern_feature_stream *stream = NULL;
            received r = {malloc(sizeof(float) * MOST_ROWS * 500), 0, 0};
            f.left = i;
            tern_status status = tern_features_create(&features, c, &o);
            if (status == TERN_OK) status = tern_features_compute(features, sound, COUNT, out);
            if (status == TERN_OK && p == 0) {
                r.rows = tern_features_rows(features);
                status = tern_feature_stream_create(&stream, features, receive, &r);
                if (status == TERN_OK) status = tern_feature_stream_push(stream, sound, COUNT);
                tern_feature_stream_free(stream);
            }
            if (status != TERN_OK) assert_int_equal(status, TERN_ERR_MEMORY);
            tern_features_free(features);
            free(r.values);
            done = status == TERN_OK;
        }
        free(out);
    }
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(pieces_equal_the_whole),
        cmocka_unit_test(short_sounds),
        cmocka_unit_test(refusals),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
