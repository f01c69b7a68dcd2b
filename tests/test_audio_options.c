/* The options of the sound front end: as text and back, presets, and every refusal a sentence. */
#include "one_context.h"
#include "audio/features.h"

static void text_and_back(void **state) {
    (void)state;
    assert_non_null(tern_audio_preset_name(0));
    for (size_t i = 0; tern_audio_preset_name(i); i++) {
        tern_audio_options o, back, resolved;
        char *text, *again;
        check_ok(context, tern_audio_options_preset(&o, context, tern_audio_preset_name(i)));
        check_ok(context, tern__audio_options_resolve(&resolved, context, &o));
        check_ok(context, tern_audio_options_text(&text, context, &o));
        check_ok(context, tern_audio_options_parse(&back, context, text, strlen(text)));
        check_ok(context, tern_audio_options_text(&again, context, &back));
        assert_string_equal(text, again);
        assert_int_equal(back.hop_length, resolved.hop_length);
        assert_true(back.fmax == resolved.fmax && back.amin == resolved.amin);
        assert_true(back.sample_scale == resolved.sample_scale && back.mean == resolved.mean);
        assert_int_equal(back.window, resolved.window);
        tern_free(context, text);
        tern_free(context, again);
    }
}

/* Frames of 25 ms every 10 ms at any rate. */
static void other_rates(void **state) {
    (void)state;
    static const int cases[][4] = {{8000, 256, 200, 80},    {11025, 512, 276, 110},
                                   {16000, 512, 400, 160},  {22050, 1024, 551, 221},
                                   {32000, 1024, 800, 320}, {96000, 4096, 2400, 960}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tern_audio_options o = TERN_AUDIO_OPTIONS_INIT, resolved;
        o.fmax = 5000;
        tern_audio_options_at_rate(&o, cases[i][0]);
        check_ok(context, tern__audio_options_resolve(&resolved, context, &o));
        assert_int_equal(o.sample_rate, cases[i][0]);
        assert_int_equal(o.n_fft, cases[i][1]);
        assert_int_equal(o.win_length, cases[i][2]);
        assert_int_equal(o.hop_length, cases[i][3]);
        assert_true(resolved.fmax == fmin(5000, cases[i][0] / 2.0));
    }
    tern_audio_options whole = TERN_AUDIO_OPTIONS_INIT; /* 0: as long as n_fft */
    whole.win_length = whole.hop_length = 0;
    tern_audio_options_at_rate(&whole, 44100);
    assert_int_equal(whole.n_fft, 2048);
    assert_true(whole.win_length == 0 && whole.hop_length == 0);
    tern_audio_options least = TERN_AUDIO_OPTIONS_INIT, most = TERN_AUDIO_OPTIONS_INIT;
    least.hop_length = 10;
    tern_audio_options_at_rate(&least, 100);
    assert_int_equal(least.hop_length, 1);
    most.n_fft = most.win_length = 65536;
    tern_audio_options_at_rate(&most, 768000);
    check_error(context, TERN_ERR_ARGUMENT, "n_fft",
                tern__audio_options_resolve(&whole, context, &most));
}

static tern_status parse(const char *text) {
    tern_audio_options o;
    memset(&o, 0x5a, sizeof o);
    const tern_audio_options before = o;
    tern_status status = tern_audio_options_parse(&o, context, text, strlen(text));
    if (status != TERN_OK) assert_memory_equal(&o, &before, sizeof o);
    return status;
}

static void parse_refuses(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "line 1"},
        {"[]", "not a JSON object"},
        {"{\"n_mells\":64}", "no option is called 'n_mells'"},
        {"{\"n_mels\":64.5}", "n_mels must be an integer"},
        {"{\"n_mels\":0}", "n_mels is 0 and must be 1..4096"},
        {"{\"n_mels\":64,\"n_mels\":65}", "duplicate"},
        {"{\"power\":\"2\"}", "power must be a number"},
        {"{\"power\":1e999}", "the number is too large"},
        {"{\"periodic\":1}", "periodic must be true or false"},
        {"{\"window\":\"han\"}", "window cannot be 'han'"},
        {"{\"window\":3}", "window must be a name"},
        {"{\"n_fft\":401}", "n_fft is 401 and must be even"},
        {"{\"win_length\":513}", "win_length is 513 and must not be more than n_fft, 512"},
        {"{\"fmin\":9000}", "fmin 9000 and fmax 8000 Hz"},
        {"{\"fmax\":8001}", "fmax 8001 Hz"},
        {"{\"log_offset\":0}", "give silence no logarithm"},
        {"{\"feature\":\"mfcc\",\"n_mfcc\":65}",
         "n_mfcc is 65 and must not be more than n_mels, 64"},
        {"{\"feature\":\"plp\"}", "log must be none"},
        {"{\"delta_width\":4}", "delta_width is 4 and must be odd"},
        {"{\"sample_rate\":99999999999}", "sample_rate is 99999999999 and"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_error(context, TERN_ERR_FORMAT, cases[i][1], parse(cases[i][0]));
    check_ok(context, parse("{}"));
    check_ok(context, parse("{\"fmax\":-200,\"power\":1}"));
}

static void create_refuses(void **state) {
    (void)state;
    tern_features *f;
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    o.window = (tern_window)77;
    check_error(context, TERN_ERR_ARGUMENT, "window is 77", tern_features_create(&f, context, &o));
    assert_null(f);
    o = (tern_audio_options)TERN_AUDIO_OPTIONS_INIT;
    o.std = NAN;
    check_error(context, TERN_ERR_ARGUMENT, "std is", tern_features_create(&f, context, &o));
    o = (tern_audio_options)TERN_AUDIO_OPTIONS_INIT;
    o.size = 0;
    check_error(context, TERN_ERR_ARGUMENT, "_INIT", tern_features_create(&f, context, &o));
    check_error(context, TERN_ERR_ARGUMENT, "there are tern, librosa",
                tern_audio_options_preset(&o, context, "matlab"));
    check_ok(context, tern_features_create(&f, context, NULL)); /* the defaults */
    assert_int_equal(tern_features_rows(f), 64);
    tern_features_free(f);
}

static void frequencies(void **state) {
    (void)state;
    tern_features *f;
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    o.n_mels = 43; /* 44 steps over 0..8000 Hz = 45.24564 mel */
    check_ok(context, tern_features_create(&f, context, &o));
    check_close(tern_features_frequency(f, 0), 45.245640 / 44 * 200 / 3, 1e-5, 0);
    check_close(tern_features_frequency(f, 43), -1, 0, 0);
    tern_features_free(f);
    o.feature = TERN_FEATURE_SPECTROGRAM;
    check_ok(context, tern_features_create(&f, context, &o));
    check_close(tern_features_frequency(f, 256), 8000, 0, 0);
    tern_features_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_back), cmocka_unit_test(other_rates),
        cmocka_unit_test(parse_refuses), cmocka_unit_test(create_refuses),
        cmocka_unit_test(frequencies),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
