/* Reading sound files: every WAV flavour, other formats, mix-down, resampling, and files that lie.
 * Files are written here, by libsndfile or by hand. */
#define _GNU_SOURCE
#include "check.h"
#include "audio/resample.h"
#include "core/base/base.h"
#include "core/base/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <tern/audio.h>

#define PI 3.14159265358979323846
enum { FRAMES = 4001 };

static tern_context *context;
static char folder[] = "/tmp/tern-sound-XXXXXX", path[64];
static char last_warning[1024];
static int warnings;

static void on_log(void *user, tern_log_level level, const char *line) {
    (void)user, (void)level;
    snprintf(last_warning, sizeof last_warning, "%s", line);
    warnings++;
}

static int setup(void **state) {
    (void)state;
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.on_log = on_log;
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/x.wav", folder);
    return tern_context_create(&context, &o) != TERN_OK;
}

static int teardown(void **state) {
    (void)state;
    unlink(path);
    rmdir(folder);
    tern_context_free(context);
    return 0;
}

static double tone(int frame, int channel) {
    return 0.5 * sin(0.02 * frame * (channel + 1)) + (channel == 1 ? 0.25 : 0);
}

static void write_sound(int format, int rate, int channels, int frames) {
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    if (!file) fail_msg("format %#x: %s", format, sf_strerror(NULL));
    for (int i = 0; i < frames; i++) {
        double frame[64];
        for (int k = 0; k < channels; k++) frame[k] = tone(i, k);
        assert_int_equal(sf_writef_double(file, frame, 1), 1);
    }
    sf_close(file);
}

static tern_status load_at(int rate, float **x, size_t *count) {
    tern_sound_options o = TERN_SOUND_OPTIONS_INIT;
    o.sample_rate = rate;
    warnings = 0;
    return tern_sound_load(x, count, context, path, &o);
}

static void flavours(void **state) {
    (void)state;
    static const struct {
        int format, channels;
        double error; /* of the encoding */
    } cases[] = {
        {SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1, 1 / 127.0},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1, 1 / 32767.0},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_24, 2, 2.5e-7},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_32, 3, 2.5e-7},
        {SF_FORMAT_WAV | SF_FORMAT_FLOAT, 2, 1e-7},
        {SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 1, 1e-7},
        {SF_FORMAT_WAV | SF_FORMAT_ULAW, 1, 0.02},
        {SF_FORMAT_WAV | SF_FORMAT_ALAW, 1, 0.02},
        {SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 1, 0.05},
        {SF_FORMAT_WAV | SF_FORMAT_MS_ADPCM, 1, 0.05},
        {SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 6, 1 / 32767.0},
        {SF_FORMAT_WAVEX | SF_FORMAT_FLOAT, 64, 1e-6},
        {SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 2, 1 / 32767.0},
        {SF_FORMAT_W64 | SF_FORMAT_PCM_24, 2, 2.5e-7},
        {SF_FORMAT_WAV | SF_ENDIAN_BIG | SF_FORMAT_PCM_16, 1, 1 / 32767.0}, /* RIFX */
        {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 1, 1 / 32767.0},
        {SF_FORMAT_AU | SF_FORMAT_PCM_16, 1, 1 / 32767.0},
        {SF_FORMAT_CAF | SF_FORMAT_PCM_16, 1, 1 / 32767.0},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 2, 2.5e-7},
        {SF_FORMAT_OGG | SF_FORMAT_VORBIS, 1, 0.1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int channels = cases[i].channels;
        float *x;
        size_t count;
        write_sound(cases[i].format, 16000, channels, FRAMES);
        check_ok(context, load_at(0, &x, &count));
        assert_true(count >= FRAMES && count < FRAMES + 1024); /* ADPCM ends with its block */
        for (int t = 0; t < FRAMES; t++) {
            double mean = 0;
            for (int k = 0; k < channels; k++) mean += tone(t, k) / channels;
            if (!check_is_close(x[t], mean, cases[i].error, 0))
                fail_msg("format %#x, sample %d: %g, expected %g", cases[i].format, t, x[t], mean);
        }
        assert_int_equal(warnings, 0);
        tern_free(context, x);
    }
}

static void descriptions(void **state) {
    (void)state;
    tern_sound *s;
    write_sound(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 2, FRAMES);
    check_ok(context, tern_sound_open(&s, context, path, NULL));
    const tern_sound_info *info = tern_sound_describe(s);
    assert_int_equal(info->sample_rate, 8000);
    assert_int_equal(info->channels, 2);
    assert_int_equal(info->frames, FRAMES);
    check_close(info->seconds, FRAMES / 8000.0, 1e-12, 0);
    assert_string_equal(info->format, "WAV (Microsoft), Signed 16 bit PCM");
    /* Any sizes of pieces give the same samples, resampled too. */
    float *whole, piece[8192];
    size_t count, got, at = 0;
    check_ok(context, load_at(16000, &whole, &count));
    assert_int_equal(count, 2 * FRAMES);
    for (size_t n = 1; at < count; n = n * 2 % 8191 + 1, at += got) {
        check_ok(context, tern_sound_read(s, piece, n, &got));
        assert_true(got == n || at + got == count);
        assert_memory_equal(piece, whole + at, got * sizeof *piece);
    }
    check_ok(context, tern_sound_read(s, piece, 1, &got));
    assert_int_equal(got, 0);
    tern_sound_close(s);
    tern_free(context, whole);
}

/* ---- Resampling ---- */

typedef struct array {
    const float *x;
    size_t at, count;
} array;

static tern_status from_array(void *user, float *samples, size_t count, size_t *got) {
    array *a = user;
    *got = a->count - a->at < count ? a->count - a->at : count;
    memcpy(samples, a->x + a->at, *got * sizeof *samples);
    a->at += *got;
    return TERN_OK;
}

static float *resample(const float *x, size_t count, int from, int to, tern_resampler kind,
                       size_t *made) {
    array a = {x, 0, count};
    tern__resample *r;
    const size_t room = count * (size_t)to / (size_t)from + 100;
    float *y = malloc(room * sizeof *y);
    check_ok(context, tern__resample_create(&r, context, from, to, kind, from_array, &a));
    check_ok(context, tern__resample_read(r, y, room, made));
    assert_true(*made < room);
    tern__resample_free(r);
    return y;
}

/* An impulse in the middle shows the kernel: torchaudio's for 3 -> 2 and 44100 -> 22050. */
static void sinc_hann_kernel(void **state) {
    (void)state;
    float x[301] = {0}, ones[301];
    size_t n;
    x[150] = 1;
    for (int i = 0; i < 301; i++) ones[i] = 1;
    float *y = resample(x, 301, 3, 2, TERN_RESAMPLE_SINC_HANN, &n);
    assert_int_equal(n, 201); /* ceil(301 * 2 / 3) */
    check_close(y[100], 0.66, 1e-7, 0);
    free(y);
    y = resample(ones, 301, 3, 2, TERN_RESAMPLE_SINC_HANN, &n);
    check_close(y[100], 1.000422711, 3e-7, 0); /* the sums of the two rows of taps */
    check_close(y[101], 1.00050905, 3e-7, 0);
    free(y);
    y = resample(ones, 301, 44100, 22050, TERN_RESAMPLE_SINC_HANN, &n);
    assert_int_equal(n, 151);
    check_close(y[75], 1.000456939, 3e-7, 0);
    free(y);
}

/* A tone keeps its samples, away from the ends. */
static void tones_survive(void **state) {
    (void)state;
    static const int rates[][2] = {{8000, 16000},  {44100, 16000}, {16000, 44100}, {48000, 16000},
                                   {11025, 16000}, {16000, 15999}, {96000, 8000}};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        for (int kind = 0; kind < 4; kind++) {
            const int from = rates[i][0], to = rates[i][1];
            const size_t count = (size_t)from / 2 + 3;
            float *x = malloc(count * sizeof *x);
            for (size_t t = 0; t < count; t++) x[t] = (float)sin(2 * PI * 440.0 * (double)t / from);
            size_t n;
            float *y = resample(x, count, from, to, (tern_resampler)kind, &n);
            assert_int_equal(n, ((int64_t)count * to + from - 1) / from);
            /* torchaudio's kernel has a ripple of 1e-3 in its pass band */
            const double room = kind == TERN_RESAMPLE_SINC_HANN ? 2e-3 : 1e-4;
            for (size_t t = n / 4; t < n / 4 * 3; t++)
                if (!check_is_close(y[t], sin(2 * PI * 440.0 * (double)t / to), room, 0))
                    fail_msg("%d -> %d, kind %d, sample %zu: %g", from, to, kind, t, y[t]);
            free(x);
            free(y);
        }
    tern__resample *r;
    check_error(
        context, TERN_ERR_UNSUPPORTED, "factor of 256",
        tern__resample_create(&r, context, 8000, 1, TERN_RESAMPLE_SINC_HANN, from_array, NULL));
    assert_null(r);
}

/* MATLAB's resample of a real recording, 22050 -> 8000 Hz: another filter, so the two differ by
 * what lies at the edge of the band. */
static void resample_reference(void **state) {
    (void)state;
    tern__npy in, out;
    char name[4200];
    const char *where = check_data("audio-ref/librosa/core-resample-001.y_in.npy");
    if (!where) skip();
    check_ok(context, tern__npy_read(&in, context, where, 1 << 24));
    snprintf(name, sizeof name, "%s", check_data("audio-ref/librosa/core-resample-001.y_out.npy"));
    check_ok(context, tern__npy_read(&out, context, name, 1 << 24));
    float *x = malloc((size_t)in.count * sizeof *x);
    for (int64_t i = 0; i < in.count; i++) x[i] = (float)tern__npy_get(&in, i, 0);
    for (int kind = 0; kind < 4; kind++) {
        size_t n;
        float *y = resample(x, (size_t)in.count, 22050, 8000, (tern_resampler)kind, &n);
        assert_int_equal(n, out.count);
        double error = 0, power = 0;
        for (int64_t i = 100; i < out.count - 100; i++) {
            const double wanted = tern__npy_get(&out, i, 0);
            error += (y[i] - wanted) * (y[i] - wanted);
            power += wanted * wanted;
        }
        print_message("resampler %d: %.1f dB\n", kind, 10 * log10(power / error));
        assert_true(10 * log10(power / error) > 35);
        free(y);
    }
    free(x);
    tern__npy_free(&in, context);
    tern__npy_free(&out, context);
}

/* ---- Files that lie ---- */

static void save(const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void put(unsigned char *p, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) p[i] = (unsigned char)(value >> 8 * i);
}

/* A 44-byte WAV header. */
static void header(unsigned char h[44], int format, int channels, int rate, int bits,
                   uint32_t data) {
    memcpy(h, "RIFF....WAVEfmt ", 16);
    memcpy(h + 36, "data", 4);
    put(h + 4, data + 36, 4);
    put(h + 16, 16, 4);
    put(h + 20, (uint32_t)format, 2);
    put(h + 22, (uint32_t)channels, 2);
    put(h + 24, (uint32_t)rate, 4);
    put(h + 28, (uint32_t)rate * (uint32_t)(channels * bits / 8), 4);
    put(h + 32, (uint32_t)(channels * bits / 8), 2);
    put(h + 34, (uint32_t)bits, 2);
    put(h + 40, data, 4);
}

static void expect(tern_status status, const char *text) {
    float *x = (float *)&x;
    size_t count = 7;
    check_error(context, status, text, load_at(16000, &x, &count));
    assert_null(x);
    assert_int_equal(count, 0);
    assert_non_null(strstr(tern_context_message(context), path)); /* names the file */
}

static void malformed(void **state) {
    (void)state;
    unsigned char h[44 + 64];
    unlink(path);
    expect(TERN_ERR_IO, "No such file");
    save("", 0);
    expect(TERN_ERR_FORMAT, "is empty");
    save("This is not a sound.", 20);
    expect(TERN_ERR_FORMAT, "not a sound file");
    memset(h, 0, sizeof h);
    header(h, 1, 1, 16000, 16, 0);
    save(h, 44);
    expect(TERN_ERR_FORMAT, "no samples");
    header(h, 1, 1, 0, 16, 64);
    save(h, sizeof h);
    expect(TERN_ERR_FORMAT, "");
    header(h, 1, 1, 2147483647, 16, 64);
    save(h, sizeof h);
    expect(TERN_ERR_LIMIT, "2147483647 Hz");
    header(h, 1, 65, 16000, 8, 65);
    save(h, sizeof h);
    expect(TERN_ERR_LIMIT, "65 channels");
    for (int i = 0; i < 2; i++) {
        const float bad[4] = {0, 0.5f, i ? NAN : -INFINITY, 0};
        header(h, 3, 1, 16000, 32, 16);
        memcpy(h + 44, bad, 16);
        save(h, 60);
        expect(TERN_ERR_FORMAT,
               i ? "sample 2 of channel 1 is nan" : "sample 2 of channel 1 is -inf");
    }
    char *file = strdup(path);
    snprintf(path, sizeof path, "%s", folder);
    expect(TERN_ERR_IO, "is a folder");
    snprintf(path, sizeof path, "%s", file);
    free(file);
}

static void warnings_and_use(void **state) {
    (void)state;
    unsigned char h[44 + 400] = {0};
    float *x;
    size_t count;
    header(h, 1, 1, 16000, 16, 4000);
    for (int i = 0; i < 200; i++) put(h + 44 + 2 * i, 1000, 2);
    save(h, sizeof h);
    check_ok(context, load_at(16000, &x, &count));
    assert_int_equal(count, 200);
    assert_non_null(strstr(last_warning, "claims 4000 bytes of samples and 400 are there"));
    tern_free(context, x);
    memset(h + 44, 0, 400);
    put(h + 40, 400, 4);
    save(h, sizeof h);
    check_ok(context, load_at(16000, &x, &count));
    assert_int_equal(warnings, 1);
    assert_non_null(strstr(last_warning, "silent"));
    tern_free(context, x);
    /* A program that writes to a pipe cannot know the length. */
    put(h + 44, 5, 2);
    put(h + 40, 0xffffffffu, 4);
    save(h, sizeof h);
    check_ok(context, load_at(16000, &x, &count));
    assert_int_equal(count, 200);
    assert_int_equal(warnings, 0);
    tern_free(context, x);
    /* Numbers of 16 bits as floats: of another scale than the model heard. */
    for (int large = 0; large < 2; large++) {
        const float sample = large ? -3276.7f : -3.9f;
        header(h, 3, 1, 16000, 32, 400);
        for (int i = 0; i < 100; i++) memcpy(h + 44 + 4 * i, &sample, 4);
        save(h, sizeof h);
        check_ok(context, load_at(16000, &x, &count));
        assert_int_equal(warnings, large);
        if (large) assert_non_null(strstr(last_warning, "samples reach 3276.7 where 1 is full"));
        tern_free(context, x);
    }
}

/* libsndfile 1.2.0 leaks what libvorbis had begun when an Ogg file turns out to be cut. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:vorbis_info_init\nleak:libvorbis"; }

/* Cut at any byte: a sentence, or the samples that are there. */
static void cut_anywhere(void **state) {
    (void)state;
    static const int formats[] = {
        SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
        SF_FORMAT_OGG | SF_FORMAT_VORBIS, SF_FORMAT_RF64 | SF_FORMAT_PCM_24};
    for (int f = 0; f < 4; f++) {
        static char bytes[65536];
        write_sound(formats[f], 16000, 1, FRAMES);
        FILE *file = fopen(path, "rb");
        const size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        assert_true(size > 1000 && size < sizeof bytes);
        for (size_t n = 1; n < size; n += n < 200 ? 1 : 61) {
            float *x;
            size_t count;
            save(bytes, n);
            tern_status status = load_at(16000, &x, &count);
            if (status == TERN_OK)
                assert_true(count > 0 && count <= FRAMES);
            else
                assert_int_equal(status, TERN_ERR_FORMAT);
            tern_free(context, x);
        }
    }
}

static void standard_input(void **state) {
    (void)state;
    float *expected, *x;
    size_t count, n;
    write_sound(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 16000, 1, FRAMES);
    check_ok(context, load_at(16000, &expected, &count));
    const int kept = dup(STDIN_FILENO);
    for (int pipe_it = 0; pipe_it < 2; pipe_it++) {
        FILE *piped = NULL;
        char command[100];
        snprintf(command, sizeof command, "cat %s", path);
        if (pipe_it) assert_non_null(piped = popen(command, "r"));
        const int from = pipe_it ? dup(fileno(piped)) : open(path, O_RDONLY);
        assert_true(from >= 0 && dup2(from, STDIN_FILENO) == STDIN_FILENO);
        close(from);
        check_ok(context, tern_sound_load(&x, &n, context, "-", NULL));
        assert_int_equal(n, count);
        assert_memory_equal(x, expected, n * sizeof *x);
        tern_free(context, x);
        if (piped) pclose(piped);
    }
    const int empty = open("/dev/null", O_RDONLY);
    dup2(empty, STDIN_FILENO);
    check_error(context, TERN_ERR_FORMAT, "standard input: is empty",
                tern_sound_load(&x, &n, context, "-", NULL));
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(empty);
    tern_free(context, expected);
}

/* 5 GB of silence that take no room on the disk: streamed in the memory of a block, refused whole.
 */
static void five_gigabytes(void **state) {
    (void)state;
    unsigned char h[44];
    header(h, 1, 1, 16000, 16, 0xffffffffu);
    save(h, sizeof h);
    if (truncate(path, 5000000000LL) != 0) {
        check_skip("this file system has no sparse files of 5 GB: %s", strerror(errno));
    }
    tern_sound *s;
    float x[4096], *whole;
    size_t got, count;
    check_ok(context, tern_sound_open(&s, context, path, NULL));
    for (int i = 0; i < 1000; i++) {
        check_ok(context, tern_sound_read(s, x, 4096, &got));
        assert_int_equal(got, 4096);
    }
    tern_sound_close(s);
    check_error(context, TERN_ERR_LIMIT, "is longer than 3600 seconds",
                tern_sound_load(&whole, &count, context, path, NULL));
    assert_null(whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flavours),           cmocka_unit_test(descriptions),
        cmocka_unit_test(sinc_hann_kernel),   cmocka_unit_test(tones_survive),
        cmocka_unit_test(resample_reference), cmocka_unit_test(malformed),
        cmocka_unit_test(warnings_and_use),   cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(standard_input),     cmocka_unit_test(five_gigabytes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
