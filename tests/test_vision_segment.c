/* Masks: tiles give the bits of the whole picture whatever their size, the memory, the threads and
 * the views; conversion of pictures; windows; models and options that do not fit. */
#include "check.h"

#include "core/base/base.h"
#include "vision/pipeline.h"
#include "vision/tiles.h"
#include <tern/vision_segment.h>

static char warning[500];

static void keep_warning(void *user, tern_log_level level, const char *line) {
    (void)user;
    if (level == TERN_LOG_WARNING) snprintf(warning, sizeof warning, "%s", line);
}

static tern_context *make_context(int threads) {
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    o.on_log = keep_warning;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    return c;
}

typedef struct kind {
    const char *network;
    int channels, classes, logits, depth, size;
    bool reflect;
} kind;

static tern_model *make_model(tern_context *c, const kind *k) {
    tern_graph *g;
    tern_model *model;
    tern_vision_network_options o = TERN_VISION_NETWORK_OPTIONS_INIT;
    tern__vision_pipeline p = {
        .classes = k->classes,
        .bits = 8,
        .threshold = 0.5,
        .width = k->size,
        .height = k->size,
        .normalization = {k->channels, {0.4f, 0.5f, 0.6f}, {0.2f, 0.3f, 0.25f}}};
    check_ok(c, tern_graph_create(&g, c));
    o.channels = k->channels;
    o.classes = k->logits;
    o.width = 4;
    o.depth = k->depth;
    o.reflect = k->reflect;
    o.resize = k->reflect;
    tern_vision_network_build(g, k->network, &o);
    check_ok(c, tern_model_create(&model, g));
    tern_graph_free(g);
    check_ok(c, tern__vision_pipeline_write(model, c, &p));
    return model;
}

static tern_image make_image(tern_context *c, int width, int height, int channels, int bits) {
    tern_image image;
    check_ok(c, tern_image_create(&image, c, width, height, channels, bits));
    tern__random r = tern__random_make(3, (uint64_t)(width * 1000 + height));
    for (int64_t i = 0; i < (int64_t)width * height * channels; i++) {
        const double v = 0.5 + 0.3 * sin((double)i / 40) + 0.1 * tern__random_normal(&r);
        const uint32_t most = bits == 8 ? 255 : 65535,
                       value = (uint32_t)(fmin(fmax(v, 0), 1) * most);
        if (bits == 8)
            ((uint8_t *)image.data)[i] = (uint8_t)value;
        else
            ((uint16_t *)image.data)[i] = (uint16_t)value;
    }
    return image;
}

static tern_mask make_mask(tern_session *s, const tern_image *image,
                           const tern_vision_segment_options *o) {
    tern_mask mask;
    tern_status st = tern_vision_segment(s, image, o, &mask);
    if (st != TERN_OK) fail_msg("%s", tern_session_message(s));
    assert_int_equal(mask.width, image->width);
    assert_int_equal(mask.height, image->height);
    return mask;
}

static void check_same(const tern_mask *a, const tern_mask *b) {
    const size_t pixels = (size_t)a->width * (size_t)a->height;
    assert_int_equal(a->planes, b->planes);
    assert_memory_equal(a->labels, b->labels, pixels);
    assert_memory_equal(a->probability, b->probability, pixels * (size_t)a->planes * sizeof(float));
}

/* Not all pixels the same: then equality would mean nothing. */
static void check_varied(const tern_mask *m) {
    const size_t pixels = (size_t)m->width * (size_t)m->height;
    size_t different = 0;
    for (size_t i = 1; i < pixels; i++) different += m->probability[i] != m->probability[i - 1];
    assert_true(pixels < 20 || different > pixels / 2);
}

static bool count_tiles(void *user, int64_t done, int64_t count) {
    int64_t *tiles = user;
    assert_true(done >= 1 && done <= count);
    *tiles = count;
    return true;
}

static void tiles_are_the_whole(void **state) {
    (void)state;
    static const kind kinds[] = {
        {"unet", 3, 2, 1, 2, 0, false},
        {"unet", 1, 3, 3, 3, 0, true},
        {"light", 3, 2, 2, 2, 0, false},
        {"fcn", 1, 2, 1, 3, 0, false},
    };
    static const int sizes[][2] = {{1, 1}, {91, 74}, {200, 3}, {70, 120}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        tern_context *c[2] = {make_context(1), make_context(2)};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int views = 0; views < (i == 1 ? 2 : 1); views++) {
                tern_image image = make_image(c[0], sizes[i][0], sizes[i][1], kinds[k].channels, 8);
                tern_mask masks[4];
                for (int t = 0; t < 4; t++) {
                    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
                    tern_context *context = c[t % 2];
                    tern_model *model = make_model(context, &kinds[k]);
                    tern_session *session;
                    tern_vision_model_info info;
                    int64_t tiles = 0;
                    check_ok(context, tern_session_create(&session, model));
                    check_ok(context, tern_vision_describe(&info, session));
                    const int m = (int)info.reach.multiple[0];
                    const int halo = (int)(info.reach.before[0] + m - 1) / m * m;
                    o.probability = true;
                    o.all_views = views;
                    o.on_progress = count_tiles;
                    o.user = &tiles;
                    if (t) o.tile = 2 * halo + (t == 1 ? 1 : 4 * t) * m;
                    masks[t] = make_mask(session, &image, &o);
                    if (t == 0) assert_int_equal(tiles, 1);
                    if (t == 1 && image.width > o.tile) assert_true(tiles > 1);
                    tern_session_free(session);
                    tern_model_free(model);
                }
                check_varied(&masks[0]);
                for (int t = 1; t < 4; t++) check_same(&masks[0], &masks[t]);
                for (int t = 0; t < 4; t++) tern_mask_free(&masks[t]);
                tern_image_free(&image);
            }
        tern_context_free(c[0]);
        tern_context_free(c[1]);
    }
}

/* Each level has its own bits, but tiles and whole agree at every one. */
static void tiles_are_the_whole_at_other_levels(void **state) {
    (void)state;
    const char *before = getenv("TERN_CPU");
    char kept[20] = "";
    if (before) snprintf(kept, sizeof kept, "%s", before);
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    for (int i = 0; i < 3; i++) {
        tern_context *c = NULL;
        setenv("TERN_CPU", levels[i], 1);
        if (tern_context_create(&c, NULL) != TERN_OK) {
            print_message("SKIP: this processor has no %s\n", levels[i]);
            tern_context_free(c);
            continue;
        }
        tern_model *model = make_model(c, &(kind){"unet", 3, 2, 1, 2, 0, false});
        tern_image image = make_image(c, 150, 131, 3, 8);
        tern_mask masks[2];
        for (int t = 0; t < 2; t++) {
            tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
            tern_session *session;
            check_ok(c, tern_session_create(&session, model));
            o.probability = true;
            o.tile = t ? 68 : 0;
            masks[t] = make_mask(session, &image, &o);
            tern_session_free(session);
        }
        check_same(&masks[0], &masks[1]);
        for (int t = 0; t < 2; t++) tern_mask_free(&masks[t]);
        tern_image_free(&image);
        tern_model_free(model);
        tern_context_free(c);
    }
    if (*kept)
        setenv("TERN_CPU", kept, 1);
    else
        unsetenv("TERN_CPU");
}

/* ---- memory ---- */

typedef struct meter {
    size_t now, most;
} meter;

static void *metered_allocate(void *user, size_t size) {
    meter *m = user;
    size_t *block = NULL;
    if (posix_memalign((void **)&block, 64, size + 64)) return NULL;
    *block = size;
    if ((m->now += size) > m->most) m->most = m->now;
    return (char *)block + 64;
}

static void metered_release(void *user, void *pointer) {
    meter *m = user;
    if (!pointer) return;
    size_t *block = (size_t *)(void *)((char *)pointer - 64);
    m->now -= *block;
    free(block);
}

static void memory_is_bounded(void **state) {
    (void)state;
    meter m = {0};
    tern_allocator allocator = {metered_allocate, metered_release, &m};
    tern_context_options co = TERN_CONTEXT_OPTIONS_INIT;
    tern_context *c;
    co.allocator = &allocator;
    co.threads = 2;
    check_ok(c, tern_context_create(&c, &co));
    tern_model *model = make_model(c, &(kind){"unet", 3, 2, 1, 3, 0, false});
    tern_image image = make_image(c, 900, 700, 3, 8);
    tern_session *session;
    for (int views = 0; views < 2; views++) {
        static const double memory[] = {10e6, 20e6, 500e6};
        tern_mask masks[3];
        for (int i = 0; i < 3; i++) {
            tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
            int64_t tiles;
            check_ok(c, tern_session_create(&session, model));
            o.memory = memory[i];
            o.probability = true;
            o.all_views = views;
            o.on_progress = count_tiles;
            o.user = &tiles;
            const size_t before =
                m.now - 900 * 700 * 3; /* the picture is counted, the model is not */
            m.most = m.now;
            masks[i] = make_mask(session, &image, &o);
            if ((double)(m.most - before) > memory[i] * 1.02)
                fail_msg("%.0f bytes with a memory of %.0f", (double)(m.most - before), memory[i]);
            assert_true(tiles > 1 || i == 2);
            tern_session_free(session);
        }
        check_same(&masks[0], &masks[2]);
        check_same(&masks[1], &masks[2]);
        for (int i = 0; i < 3; i++) tern_mask_free(&masks[i]);
    }
    tern_mask mask;
    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
    check_ok(c, tern_session_create(&session, model));
    o.memory = 3e6;
    assert_int_equal(tern_vision_segment(session, &image, &o, &mask), TERN_ERR_LIMIT);
    assert_non_null(
        strstr(tern_session_message(session), "3 MB do not suffice: the smallest tile"));
    assert_null(mask.labels);
    tern_session_free(session);
    tern_image_free(&image);
    tern_model_free(model);
    tern_context_free(c);
    assert_int_equal(m.now, 0);
}

/* ---- conversion and sizes ---- */

/* Turning the picture turns the mask, when all views are averaged (sums are in another order, so
 * not to the bit). */
static void views_are_symmetric(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_model *model = make_model(c, &(kind){"unet", 1, 2, 1, 2, 0, false});
    tern_session *session;
    tern_image image = make_image(c, 64, 48, 1, 8), turned;
    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
    check_ok(c, tern_session_create(&session, model));
    check_ok(c, tern_image_turn(&turned, &image, 6)); /* a quarter clockwise: 48 wide */
    o.probability = o.all_views = true;
    tern_mask a = make_mask(session, &image, &o), b = make_mask(session, &turned, &o);
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++)
            check_close(b.probability[x * 48 + 47 - y], a.probability[y * 64 + x], 2e-6, 0);
    o.all_views = false;
    tern_mask plain = make_mask(session, &image, &o);
    assert_memory_not_equal(plain.probability, a.probability, 64 * 48 * sizeof(float));
    tern_mask_free(&a);
    tern_mask_free(&b);
    tern_mask_free(&plain);
    tern_image_free(&image);
    tern_image_free(&turned);
    tern_session_free(session);
    tern_model_free(model);
    tern_context_free(c);
}

/* Another depth of the same values, another number of channels: the same mask, and a warning. */
static void pictures_are_converted(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_model *model = make_model(c, &(kind){"unet", 1, 2, 1, 2, 0, false});
    tern_image grey = make_image(c, 60, 50, 1, 8);
    static const struct {
        int channels, bits;
        const char *text;
    } rows[] = {{1, 8, ""},
                {1, 16, "16 bits, grey"},
                {3, 8, "8 bits, colour;"},
                {4, 8, "colour with transparency"},
                {2, 16, "16 bits, grey with"}};
    tern_mask first = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
        tern_session *session;
        tern_image image;
        check_ok(c, tern_image_convert(&image, &grey, rows[i].channels, rows[i].bits));
        check_ok(c, tern_session_create(&session, model));
        o.probability = true;
        *warning = 0;
        tern_mask mask = make_mask(session, &image, &o);
        if (!*rows[i].text)
            assert_string_equal(warning, "");
        else if (!strstr(warning, rows[i].text))
            fail_msg("\"%s\" has no \"%s\"", warning, rows[i].text);
        if (i == 0)
            first = mask;
        else {
            check_same(&mask, &first);
            tern_mask_free(&mask);
        }
        tern_session_free(session);
        tern_image_free(&image);
    }
    tern_mask_free(&first);
    tern_image_free(&grey);
    tern_model_free(model);
    tern_context_free(c);
}

/* A model of one size: the picture is brought to it, the probabilities back, as tern_planes_resize
 * does. */
static void models_of_one_size(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_model *fixed = make_model(c, &(kind){"unet", 3, 2, 1, 2, 32, false});
    tern_model *any = make_model(c, &(kind){"unet", 3, 2, 1, 2, 0, false});
    tern_session *session[2];
    tern_image image = make_image(c, 90, 50, 3, 8), small;
    tern_vision_segment_options o = TERN_VISION_SEGMENT_OPTIONS_INIT;
    float *expected = malloc(90 * 50 * sizeof *expected);
    check_ok(c, tern_session_create(&session[0], fixed));
    check_ok(c, tern_session_create(&session[1], any));
    check_ok(c, tern_image_resize(&small, &image, 32, 32, TERN_FILTER_BILINEAR, true));
    o.probability = true;
    tern_mask mask = make_mask(session[0], &image, &o), inside = make_mask(session[1], &small, &o);
    check_ok(c, tern_planes_resize(c, expected, 90, 50, inside.probability, 1, 32, 32,
                                   TERN_FILTER_BILINEAR, false));
    for (int i = 0; i < 90 * 50; i++) {
        check_close(mask.probability[i], expected[i], 2e-6, 0);
        assert_int_equal(mask.labels[i], mask.probability[i] >= 0.5f);
    }
    free(expected);
    tern_mask_free(&mask);
    tern_mask_free(&inside);
    tern_image_free(&image);
    tern_image_free(&small);
    for (int i = 0; i < 2; i++) tern_session_free(session[i]);
    tern_model_free(fixed);
    tern_model_free(any);
    tern_context_free(c);
}

/* ---- windows ---- */

static void windows_cover_once(void **state) {
    (void)state;
    tern__random r = tern__random_make(5, 1);
    int cut = 0;
    for (int round = 0; round < 3000; round++) {
        const int64_t multiple = 1 + tern__random_below(&r, 16),
                      halo = multiple * tern__random_below(&r, 5);
        const int64_t height = multiple * (1 + tern__random_below(&r, 60)),
                      width = multiple * (1 + tern__random_below(&r, 60));
        const int64_t least = tern__tiles_least(height, width, multiple, halo);
        const int64_t pixels = least + tern__random_below(&r, 4 * least);
        tern__tile_axis axes[2];
        assert_true(tern__tiles_choose(axes, height, width, multiple, halo, pixels, INT64_MAX));
        assert_true(axes[0].window * axes[1].window <= pixels);
        for (int a = 0; a < 2; a++) {
            int64_t at = 0;
            cut += axes[a].count > 1;
            assert_int_equal(axes[a].window % multiple, 0);
            for (int64_t i = 0; i < axes[a].count; i++) {
                const tern__tile_range t = tern__tile_at(&axes[a], i);
                assert_int_equal(t.begin, at);
                assert_true(t.end >= t.begin && t.start >= 0 && t.start % multiple == 0);
                assert_true(t.start + axes[a].window <= axes[a].length);
                assert_true(t.start == 0 || t.begin >= t.start + halo);
                assert_true(t.start + axes[a].window == axes[a].length ||
                            t.end <= t.start + axes[a].window - halo);
                at = t.end;
            }
            assert_int_equal(at, axes[a].length);
        }
    }
    assert_true(cut > 1000);
    tern__tile_axis axes[2];
    assert_false(tern__tiles_choose(axes, 640, 640, 16, 64, 143 * 143, INT64_MAX));
    assert_false(tern__tiles_choose(axes, 640, 640, 16, 64, INT64_MAX, 143));
    assert_true(tern__tiles_choose(axes, 640, 640, 16, 64, INT64_MAX, 144));
}

/* ---- mistakes ---- */

static bool stop(void *user, int64_t done, int64_t count) {
    (void)user, (void)done, (void)count;
    return false;
}

/* The call fails so; the options are then as they were at first. */
static void refused(tern_session *s, tern_status status, const char *text, const tern_image *image,
                    tern_vision_segment_options *o) {
    tern_mask mask;
    assert_int_equal(tern_vision_segment(s, image, o, &mask), status);
    if (!strstr(tern_session_message(s), text)) fail_msg("%s", tern_session_message(s));
    assert_null(mask.labels);
    *o = (tern_vision_segment_options)TERN_VISION_SEGMENT_OPTIONS_INIT;
}

static void mistakes(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_model *model = make_model(c, &(kind){"unet", 3, 2, 1, 2, 0, false});
    tern_image image = make_image(c, 90, 50, 3, 8), none = {0};
    tern_session *s;
    tern_vision_segment_options bad = TERN_VISION_SEGMENT_OPTIONS_INIT;
    check_ok(c, tern_session_create(&s, model));
    bad.threshold = 1.5;
    refused(s, TERN_ERR_ARGUMENT, "a threshold of 1.5", &image, &bad);
    bad.memory = -1;
    refused(s, TERN_ERR_ARGUMENT, "memory -1", &image, &bad);
    bad.size = 3;
    refused(s, TERN_ERR_ARGUMENT, "options of size 3", &image, &bad);
    bad.tile = 20;
    refused(s, TERN_ERR_ARGUMENT, "tiles of 20 pixels: this network needs 52, of which 24", &image,
            &bad);
    bad.on_progress = stop;
    refused(s, TERN_ERR_INTERRUPTED, "stopped after 1 of 1", &image, &bad);
    refused(s, TERN_ERR_ARGUMENT, "no picture", &none, &bad);
    tern_session_free(s);

    static const struct {
        const char *json, *text;
    } rows[] = {
        {NULL, "have no tern.vision"},
        {"{}", "expected {"},
        {"{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0], \"std\": [1]}",
         "have 1 channels"},
        {"{\"task\": \"mask\", \"classes\": 5, \"bits\": 8, \"mean\": [0,0,0], \"std\": [1,1,1]}",
         "has 5 classes"},
        {"{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0,0,0], \"std\": [1,0,1]}",
         "expected {"},
        {"{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0,0,0], \"std\": [1,1,1], "
         "\"size\": [0, 9]}",
         "expected {"},
        {"{\"task\": \"mask\", \"classes\": 2, \"bits\": 8, \"mean\": [0,0,0], \"std\": [1,1,1], "
         "\"threshold\": 7}",
         "expected {"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_ok(c, tern_model_set_metadata(model, "tern.vision", rows[i].json));
        check_ok(c, tern_session_create(&s, model));
        refused(s, TERN_ERR_FORMAT, rows[i].text, &image, &bad);
        tern_session_free(s);
    }
    tern_image_free(&image);
    tern_model_free(model);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_are_the_whole),
        cmocka_unit_test(tiles_are_the_whole_at_other_levels),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(views_are_symmetric),
        cmocka_unit_test(pictures_are_converted),
        cmocka_unit_test(models_of_one_size),
        cmocka_unit_test(windows_cover_once),
        cmocka_unit_test(mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
