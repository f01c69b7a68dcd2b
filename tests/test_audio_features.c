/* Features against golden numbers (computed in double precision from the definitions of librosa and
 * torchaudio) and against references made by Kaldi and by librosa's own MATLAB originals. */
#include "check.h"
#include "audio/features.h"
#include "audio/quad.h"
#include "core/base/npy.h"

static tern_context *context;

static int setup(void **state) {
    (void)state;
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 2;
    return tern_context_create(&context, &o) != TERN_OK;
}

static int teardown(void **state) {
    (void)state;
    tern_context_free(context);
    return 0;
}

/* 440 Hz and half as much of 1000 Hz at 8 kHz. */
static void test_signal(float *x, int n) {
    for (int t = 0; t < n; t++)
        x[t] =
            (float)(sin(2 * TERN__PI * 440 * t / 8000) + 0.5 * cos(2 * TERN__PI * 1000 * t / 8000));
}

/* out [rows][frames], to be freed with tern_free. */
static float *compute(const tern_audio_options *o, const float *x, size_t n, size_t *rows,
                      size_t *frames) {
    tern_features *f;
    check_ok(context, tern_features_create(&f, context, o));
    *rows = tern_features_rows(f);
    *frames = tern_features_frames(f, n);
    float *out = tern__alloc(context, *rows * *frames * sizeof *out);
    check_ok(context, tern_features_compute(f, x, n, out));
    tern_features_free(f);
    return out;
}

static void mel_scales(void **state) {
    (void)state;
    static const double goldens[][3] = {
        {440, 6.6, 549.638675},  {1000, 15, 999.985537},         {4000, 35.163760, 2146.064528},
        {6400, 42, 2610.986001}, {8000, 45.245640, 2840.023047}, {11025, 49.910594, 3176.318436},
    };
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const double *g = goldens[i];
        check_close(tern__hz_to_mel(g[0], TERN_MEL_SLANEY), g[1], 6e-7, 0);
        check_close(tern__hz_to_mel(g[0], TERN_MEL_HTK), g[2], 6e-7, 0);
        check_close(tern__mel_to_hz(g[1], TERN_MEL_SLANEY), g[0], 1e-3, 0);
        check_close(tern__mel_to_hz(g[2], TERN_MEL_HTK), g[0], 1e-5, 0);
    }
}

static void filter_banks(void **state) {
    (void)state;
    static const struct {
        int rate, n_fft, n_mels;
        tern_mel_scale scale;
        tern_mel_norm norm;
        double sum, max;
        int empty;
    } goldens[] = {
        {22050, 2048, 128, TERN_MEL_SLANEY, TERN_MEL_NORM_SLANEY, 11.886681290, 0.038421704, 0},
        {16000, 400, 128, TERN_MEL_HTK, TERN_MEL_NORM_NONE, 197.376650360, 0.997295452, 4},
        {16000, 512, 40, TERN_MEL_SLANEY, TERN_MEL_NORM_SLANEY, 1.279333126, 0.013230268, 0},
        {16000, 512, 40, TERN_MEL_HTK, TERN_MEL_NORM_NONE, 246.898912186, 0.994994228, 0},
    };
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
        o.sample_rate = goldens[i].rate;
        o.n_fft = goldens[i].n_fft;
        o.n_mels = goldens[i].n_mels;
        o.mel_scale = goldens[i].scale;
        o.mel_norm = goldens[i].norm;
        o.fmax = goldens[i].rate / 2.0;
        tern__filter_bank bank;
        check_ok(context, tern__filter_bank_create(&bank, context, &o));
        double sum = 0, max = 0;
        int empty = 0;
        const float *w = bank.weights;
        for (int b = 0; b < bank.bands; b++) {
            empty += bank.count[b] == 0;
            for (int k = 0; k < bank.count[b]; k++, w++) {
                sum += *w;
                if (*w > max) max = *w;
            }
        }
        check_close(sum, goldens[i].sum, 0, 1e-7);
        check_close(max, goldens[i].max, 0, 1e-7);
        assert_int_equal(empty, goldens[i].empty);
        tern__filter_bank_destroy(&bank, context);
    }
}

static void stft_goldens(void **state) {
    (void)state;
    float x[400];
    test_signal(x, 400);
    static const struct {
        tern_pad_mode pad;
        double sum, first, middle;
    } goldens[] = {{TERN_PAD_CONSTANT, 5972.555195, 46.511963429, 64.857817004},
                   {TERN_PAD_REFLECT, 6235.531791, 27.655790980, 64.857817004}};
    for (int i = 0; i < 2; i++) {
        tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
        o.sample_rate = 8000;
        o.n_fft = o.win_length = 64;
        o.hop_length = 32;
        o.feature = TERN_FEATURE_SPECTROGRAM;
        o.log = TERN_LOG_NONE;
        o.pad_mode = goldens[i].pad;
        size_t rows, frames;
        float *p = compute(&o, x, 400, &rows, &frames);
        assert_int_equal(rows, 33);
        assert_int_equal(frames, 13);
        double sum = 0;
        for (size_t k = 0; k < rows * frames; k++) sum += p[k];
        check_close(sum, goldens[i].sum, 0, 1e-6);
        check_close(p[4 * 13 + 0], goldens[i].first, 0, 1e-6);
        check_close(p[8 * 13 + 5], goldens[i].middle, 0, 1e-6);
        tern_free(context, p);
        tern_features *f;
        check_ok(context, tern_features_create(&f, context, &o));
        float spectrum[33 * 13 * 2], back[400];
        check_ok(context, tern_features_stft(f, x, 400, spectrum));
        check_close(spectrum[2 * (8 * 13 + 5)], 8.053411717, 2e-6, 0);
        check_close(spectrum[2 * (8 * 13 + 5) + 1], 0.019409371, 2e-6, 0);
        check_ok(context, tern_features_istft(f, spectrum, 13, back, 400));
        for (int t = 0; t < 400; t++) check_close(back[t], x[t], 1e-6, 0);
        tern_features_free(f);
    }
}

static void mel_db_mfcc_goldens(void **state) {
    (void)state;
    float x[400];
    test_signal(x, 400);
    static const struct {
        tern_mel_scale scale;
        tern_mel_norm norm;
        double mel[10], db[10], mfcc5[5], mfcc0[5];
    } goldens[] = {{TERN_MEL_SLANEY,
                    TERN_MEL_NORM_SLANEY,
                    {0.228266, 1.228036, 0.344576, 0.159914, 0.24155, 0.011182, 0, 0, 0, 0},
                    {-6.41558, 0.89211, -4.62715, -7.96114, -6.16993, -19.51465, -66.47408,
                     -74.85269, -79.10379, -79.10379},
                    {-108.5707, 99.00371, -26.44196, -16.20169, 16.40578},
                    {-58.25131, 35.01534, -5.52674, -0.34936, 1.98082}},
                   {TERN_MEL_HTK,
                    TERN_MEL_NORM_NONE,
                    {1.843077, 102.290142, 254.205501, 30.601873, 75.030894, 15.65053, 0.000105,
                     1.5e-05, 3e-06, 1e-06},
                    {2.65544, 20.09834, 24.05185, 14.85748, 18.7524, 11.94529, -39.78905, -48.22614,
                     -55.44057, -55.94798},
                    {-33.84995, 90.41304, -38.45979, -19.73976, 10.96581},
                    {22.30194, 28.49378, -8.19613, -3.40188, 0.17194}}};
    for (int i = 0; i < 2; i++) {
        tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
        o.sample_rate = 8000;
        o.n_fft = o.win_length = 64;
        o.hop_length = 32;
        o.pad_mode = TERN_PAD_CONSTANT;
        o.n_mels = 10;
        o.mel_scale = goldens[i].scale;
        o.mel_norm = goldens[i].norm;
        o.log = TERN_LOG_NONE;
        size_t rows, frames;
        float *v = compute(&o, x, 400, &rows, &frames);
        for (size_t b = 0; b < 10; b++) check_close(v[b * 13 + 5], goldens[i].mel[b], 6e-7, 1e-6);
        tern_free(context, v);
        o.log = TERN_LOG_DB;
        o.log_offset = 0;
        o.amin = 1e-10;
        o.top_db = 80;
        v = compute(&o, x, 400, &rows, &frames);
        /* The last bands hold 1e-7 of the power: float's transform leaves 0.02 dB there. */
        for (size_t b = 0; b < 10; b++)
            check_close(v[b * 13 + 5], goldens[i].db[b], b < 6 ? 2e-5 : 0.03, 0);
        tern_free(context, v);
        o.feature = TERN_FEATURE_MFCC;
        o.n_mfcc = 5;
        v = compute(&o, x, 400, &rows, &frames);
        assert_int_equal(rows, 5);
        for (size_t n = 0; n < 5; n++) {
            check_close(v[n * 13 + 5], goldens[i].mfcc5[n], 0.02, 0);
            check_close(v[n * 13], goldens[i].mfcc0[n], 2e-4, 0);
        }
        tern_free(context, v);
    }
}

static void deltas(void **state) {
    (void)state;
    const float squares[10] = {1, 4, 9, 16, 25, 36, 49, 64, 81, 100};
    const double torchaudio5[10] = {1.9, 3.8, 6, 8, 10, 12, 14, 16, 13.8, 9.1};
    const double librosa9[10] = {10, 10, 10, 10, 10, 12, 12, 12, 12, 12};
    const double librosa5[10] = {6, 6, 6, 8, 10, 12, 14, 16, 16, 16};
    const double second[10] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
    float d[10];
    tern__delta(context, squares, d, 1, 10, 5, 1, TERN_DELTA_TORCHAUDIO);
    check_floats(d, torchaudio5, 10, 1e-5, 0);
    tern__delta(context, squares, d, 1, 10, 9, 1, TERN_DELTA_LIBROSA);
    check_floats(d, librosa9, 10, 1e-5, 0);
    tern__delta(context, squares, d, 1, 10, 5, 1, TERN_DELTA_LIBROSA);
    check_floats(d, librosa5, 10, 1e-5, 0);
    tern__delta(context, squares, d, 1, 10, 9, 2, TERN_DELTA_LIBROSA);
    check_floats(d, second, 10, 1e-5, 0);
}

/* The inverse transform shows what pre-emphasis made of the samples. */
static void preemphasis(void **state) {
    (void)state;
    const float x[4] = {1, 3, 4, 4};
    static const struct {
        tern_preemphasis kind;
        double expected[4];
    } goldens[] = {{TERN_PREEMPHASIS_LIBROSA, {0, 2.03, 1.09, 0.12}},
                   {TERN_PREEMPHASIS_SOUND, {1, 2.03, 1.09, 0.12}},
                   {TERN_PREEMPHASIS_FRAME, {0.03, 2.03, 1.09, 0.12}}};
    for (int i = 0; i < 3; i++) {
        tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
        o.n_fft = o.win_length = o.hop_length = 4;
        o.n_mels = 1;
        o.window = TERN_WINDOW_RECTANGULAR;
        o.framing = TERN_FRAMING_FFT;
        o.preemphasis = 0.97;
        o.preemphasis_kind = goldens[i].kind;
        tern_features *f;
        check_ok(context, tern_features_create(&f, context, &o));
        float spectrum[6], y[4];
        check_ok(context, tern_features_stft(f, x, 4, spectrum));
        check_ok(context, tern_features_istft(f, spectrum, 1, y, 4));
        check_floats(y, goldens[i].expected, 4, 1e-6, 0);
        tern_features_free(f);
    }
}

static void pcen(void **state) {
    (void)state;
    tern_audio_options o;
    check_ok(context, tern_audio_options_preset(&o, context, "pcen"));
    tern_features *f;
    check_ok(context, tern_features_create(&f, context, &o));
    check_close(f->pcen_b, 0.0563894388, 1e-10, 0);
    float s[4] = {1, 2, 0.5f, 4};
    const double expected[4] = {0.317836962, 0.559442365, 0.163138142, 0.902113745};
    double smooth = 1;
    tern__pcen(f, s, 1, &smooth); /* in two pieces */
    tern__pcen(f, s + 1, 3, &smooth);
    check_floats(s, expected, 4, 1e-7, 0);
    tern_features_free(f);
}

static float ln(float x) { return tern__quad_ln((tern__quad){1, x, x, 1})[1]; }

static void logarithm(void **state) {
    (void)state;
    float worst = 0;
    for (uint32_t bits = 0x00800000u; bits < 0x7f800000u; bits += 977) {
        float x;
        memcpy(&x, &bits, 4);
        const double exact = log((double)x);
        const double error = fabs(ln(x) - exact) / (fabs(exact) * 1.1920929e-7 + 1e-300);
        if (error > worst) worst = (float)error;
    }
    assert_true(worst < 1); /* relative, in units of float's epsilon */
    check_close(ln(1), 0, 0, 0);
    check_close(ln(INFINITY), INFINITY, 0, 0);
    check_close(ln(NAN), NAN, 0, 0);
}

/* ---- Kaldi ---- */

static float *load(const char *name, size_t *count) {
    const char *path = check_data(name);
    if (!path) skip();
    float *x;
    tern_sound_options o = TERN_SOUND_OPTIONS_INIT;
    o.sample_rate = 0;
    check_ok(context, tern_sound_load(&x, count, context, path, &o));
    return x;
}

/* A text archive of one matrix "key [ rows ]" -> values; the number of columns. */
static size_t read_archive(const char *name, double *values, size_t capacity, size_t *rows) {
    const char *path = check_data(name);
    if (!path) skip();
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int c = 0;
    size_t count = 0;
    while (c != '[' && c != EOF) c = getc(file);
    *rows = 0;
    while (fscanf(file, "%lf", &values[count]) == 1) {
        assert_true(++count < capacity);
        do c = getc(file);
        while (c == ' ');
        if (c == '\n')
            ++*rows;
        else
            ungetc(c, file);
        if (c == ']') ++*rows;
    }
    fclose(file);
    return count / *rows;
}

/* Kaldi computed in float: beside a loud tone, its quiet bands hold rounding noise of 1e-7 of the
 * tone's amplitude (computed in double, the bands of these files differ from Kaldi's by up to 0.7 %
 * there). So each value may differ by 1e-4 of itself and by that noise: for bands and spectra, the
 * noise against the frame's largest value; for cepstra, which mix all bands, `cepstra`. The whole
 * must agree to 1e-4 in the root of the mean square; spectra, with their many quiet bins, to 1e-3.
 */
static void kaldi_case(const char *name, const char *preset, bool snip, int n_mels, int n_mfcc,
                       bool energy, bool htk, double cepstra) {
    static double expected[200000];
    char path[128];
    snprintf(path, sizeof path, "audio-ref/kaldi/%s.txt", name);
    size_t frames, n, rows, count;
    const size_t columns = read_archive(path, expected, 200000, &frames);
    float *x = load("audio-ref/kaldi/test.wav", &count);
    tern_audio_options o;
    check_ok(context, tern_audio_options_preset(&o, context, preset));
    if (!snip) o.framing = TERN_FRAMING_MIRROR;
    o.n_mels = n_mels;
    o.n_mfcc = n_mfcc;
    o.use_energy = energy;
    o.htk_compat = htk;
    if (strstr(name, "spectrogram")) o.feature = TERN_FEATURE_SPECTROGRAM;
    float *out = compute(&o, x, count, &rows, &n);
    assert_int_equal(n, frames);
    assert_int_equal(rows, columns);
    const double noise = cepstra ? 0 : o.feature == TERN_FEATURE_SPECTROGRAM ? 4e-7 : 1e-7;
    double errors = 0, squares = 0;
    for (size_t t = 0; t < frames; t++) {
        double largest = 0;
        for (size_t k = 0; k < columns; k++) largest = fmax(largest, expected[t * columns + k]);
        for (size_t k = 0; k < columns; k++) {
            const double value = out[k * frames + t], wanted = expected[t * columns + k];
            const double room = cepstra + noise * exp((largest - wanted) / 2);
            if (!check_is_close(value, wanted, room, 1e-4))
                fail_msg("%s: frame %zu, row %zu is %.7g, expected %.7g", name, t, k, value,
                         wanted);
            errors += (value - wanted) * (value - wanted);
            squares += wanted * wanted;
        }
    }
    check_close(sqrt(errors / squares), 0, o.feature == TERN_FEATURE_SPECTROGRAM ? 1e-3 : 1e-4, 0);
    tern_free(context, out);
    tern_free(context, x);
}

static void kaldi_fbank(void **state) {
    (void)state;
    kaldi_case("test", "kaldi", true, 23, 13, false, false, 0);
    kaldi_case("test-40", "kaldi", true, 40, 13, false, false, 0);
    kaldi_case("test-40-no-snip-edges", "kaldi", false, 40, 13, false, false, 0);
    kaldi_case("test-with-energy", "kaldi", true, 23, 13, true, false, 0);
    kaldi_case("test-htk", "kaldi", true, 23, 13, true, true, 0);
}

static void kaldi_mfcc(void **state) {
    (void)state;
    kaldi_case("test-mfcc", "kaldi-mfcc", true, 23, 13, true, false, 0.05);
    kaldi_case("test-mfcc-no-snip-edges", "kaldi-mfcc", false, 23, 13, true, false, 0.05);
}

static void kaldi_plp(void **state) {
    (void)state;
    kaldi_case("test-plp", "kaldi-plp", true, 23, 13, true, false, 3e-3);
    kaldi_case("test-plp-no-snip-edges", "kaldi-plp", false, 23, 13, true, false, 3e-3);
    kaldi_case("test-plp-htk-10-ceps", "kaldi-plp", true, 23, 10, true, true, 3e-3);
}

static void kaldi_spectrogram(void **state) {
    (void)state;
    kaldi_case("test-spectrogram", "kaldi", true, 23, 13, true, false, 0);
    kaldi_case("test-spectrogram-no-snip-edges", "kaldi", false, 23, 13, true, false, 0);
}

/* ---- librosa's MATLAB originals ---- */

static tern__npy reference(const char *name) {
    char path[128];
    tern__npy array;
    snprintf(path, sizeof path, "audio-ref/librosa/%s.npy", name);
    const char *full = check_data(path);
    if (!full) skip();
    check_ok(context, tern__npy_read(&array, context, full, 1 << 26));
    return array;
}

static tern_audio_options plain(int n_fft, int hop, tern_window window) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    o.sample_rate = 22050;
    o.n_fft = o.win_length = n_fft;
    o.hop_length = hop;
    o.window = window;
    o.framing = TERN_FRAMING_FFT;
    o.n_mels = 1;
    return o;
}

/* The files hold the complex conjugates (MATLAB's transpose conjugates). */
static void librosa_stft(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int n_fft, hop;
        tern_window window;
    } cases[] = {{"core-stft-001.D", 128, 64, TERN_WINDOW_RECTANGULAR},
                 {"core-stft-002.D", 128, 64, TERN_WINDOW_HANN},
                 {"core-stft-017.D", 1024, 256, TERN_WINDOW_RECTANGULAR}};
    size_t count;
    float *x = load("audio-ref/librosa/test1_22050.wav", &count);
    for (int i = 0; i < 3; i++) {
        tern_audio_options o = plain(cases[i].n_fft, cases[i].hop, cases[i].window);
        tern__npy d = reference(cases[i].name);
        tern_features *f;
        check_ok(context, tern_features_create(&f, context, &o));
        assert_int_equal(d.dims[0], o.n_fft / 2 + 1);
        assert_int_equal(d.dims[1], tern_features_frames(f, count));
        float *s = tern__alloc(context, sizeof *s * 2 * (size_t)d.count);
        check_ok(context, tern_features_stft(f, x, count, s));
        double largest = 0;
        for (int64_t k = 0; k < d.count; k++)
            largest = fmax(largest, fabs(tern__npy_get(&d, k, 0)));
        for (int64_t k = 0; k < d.count; k++) {
            check_close(s[2 * k], tern__npy_get(&d, k, 0), 3e-7 * largest, 0);
            check_close(s[2 * k + 1], -tern__npy_get(&d, k, 1), 3e-7 * largest, 0);
        }
        tern_free(context, s);
        tern_features_free(f);
        tern__npy_free(&d, context);
    }
    tern_free(context, x);
}

/* The reference scales the overlap-add by 2/3 and does not divide by the squared windows' sum. */
static void librosa_istft(void **state) {
    (void)state;
    tern__npy d = reference("core-istft-002.D"), inverse = reference("core-istft-002.Dinv");
    tern_audio_options o = plain(128, 64, TERN_WINDOW_HANN);
    tern_features *f;
    check_ok(context, tern_features_create(&f, context, &o));
    float *s = tern__alloc(context, sizeof *s * 2 * (size_t)d.count);
    float *y = tern__alloc(context, sizeof *y * (size_t)inverse.count);
    for (int64_t k = 0; k < d.count; k++) {
        s[2 * k] = (float)tern__npy_get(&d, k, 0);
        s[2 * k + 1] = -(float)tern__npy_get(&d, k, 1);
    }
    check_ok(context, tern_features_istft(f, s, (size_t)d.dims[1], y, (size_t)inverse.count));
    for (int64_t i = 0; i < inverse.count; i++) {
        const double here = f->window[i % 64], beside = f->window[i % 64 + 64];
        const double sum =
            (i < inverse.count - 64 ? here * here : 0) + (i >= 64 ? beside * beside : 0);
        check_close(y[i] * sum * 2 / 3, tern__npy_get(&inverse, i, 0), 2e-7, 0);
    }
    tern_free(context, s);
    tern_free(context, y);
    tern_features_free(f);
    tern__npy_free(&d, context);
    tern__npy_free(&inverse, context);
}

static void librosa_filter_banks(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int rate, n_fft, n_mels;
        double fmin, fmax;
        tern_mel_scale scale;
    } cases[] = {
        {"feature-melfb-001", 8000, 256, 20, 0, 2000, TERN_MEL_SLANEY},
        {"feature-melfb-002", 8000, 256, 20, 0, 2000, TERN_MEL_HTK},
        {"feature-melfb-005", 8000, 256, 20, 512, 2000, TERN_MEL_SLANEY},
        {"feature-melfb-010", 8000, 256, 40, 0, 2000, TERN_MEL_HTK},
        {"feature-melfb-050", 11025, 256, 20, 0, 2000, TERN_MEL_HTK},
        {"feature-melfb-100", 22050, 256, 20, 0, 11025, TERN_MEL_HTK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
        char name[64];
        double row[129];
        snprintf(name, sizeof name, "%s.wts", cases[i].name);
        tern__npy w = reference(name);
        o.sample_rate = cases[i].rate;
        o.n_fft = cases[i].n_fft;
        o.n_mels = cases[i].n_mels;
        o.fmin = cases[i].fmin;
        o.fmax = cases[i].fmax;
        o.mel_scale = cases[i].scale;
        assert_int_equal(w.dims[1], 256);
        for (int b = 0; b < o.n_mels; b++) {
            tern__mel_row(row, &o, b);
            for (int k = 0; k < 129; k++)
                check_close(row[k], tern__npy_get(&w, b * 256 + k, 0), 1e-12, 1e-9);
        }
        tern__npy_free(&w, context);
    }
    static const char *const scales[2][2] = {{"feature-hz_to_mel-003", "feature-mel_to_hz-003"},
                                             {"feature-hz_to_mel-004", "feature-mel_to_hz-004"}};
    for (int htk = 0; htk < 2; htk++)
        for (int back = 0; back < 2; back++) {
            char name[64];
            snprintf(name, sizeof name, "%s.f", scales[htk][back]);
            tern__npy f = reference(name);
            snprintf(name, sizeof name, "%s.result", scales[htk][back]);
            tern__npy result = reference(name);
            for (int64_t i = 0; i < f.count; i++) {
                const double x = tern__npy_get(&f, i, 0);
                const tern_mel_scale scale = htk ? TERN_MEL_HTK : TERN_MEL_SLANEY;
                check_close(back ? tern__mel_to_hz(x, scale) : tern__hz_to_mel(x, scale),
                            tern__npy_get(&result, i, 0), 1e-9, 1e-12);
            }
            tern__npy_free(&f, context);
            tern__npy_free(&result, context);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mel_scales),
        cmocka_unit_test(filter_banks),
        cmocka_unit_test(stft_goldens),
        cmocka_unit_test(mel_db_mfcc_goldens),
        cmocka_unit_test(deltas),
        cmocka_unit_test(preemphasis),
        cmocka_unit_test(pcen),
        cmocka_unit_test(logarithm),
        cmocka_unit_test(kaldi_fbank),
        cmocka_unit_test(kaldi_mfcc),
        cmocka_unit_test(kaldi_plp),
        cmocka_unit_test(kaldi_spectrogram),
        cmocka_unit_test(librosa_stft),
        cmocka_unit_test(librosa_istft),
        cmocka_unit_test(librosa_filter_banks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
