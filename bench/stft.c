/* Log-mel features of an hour of 16 kHz sound: milliseconds, times real time, peak memory.
 * stft [n_fft] [threads] [seconds]: "stream" pushes blocks as they come, "whole" has all samples
 * and all features in memory, as torch.stft has. Build: ninja bench/stft. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <tern/audio.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double peak_megabytes(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void noise(float *x, size_t count) {
    static unsigned state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(int)state / 2147483648.0f;
    }
}

static bool add_up(void *user, const float *values, size_t frames, int64_t first) {
    (void)first;
    *(double *)user += values[0] + (double)frames;
    return true;
}

static void report(const char *what, const tern_audio_options *o, int threads, double seconds,
                   double took) {
    printf("%-6s n_fft %d T%d: %.0f ms, %.0f x real time, peak %.1f MB\n", what, o->n_fft, threads,
           took * 1e3, seconds / took, peak_megabytes());
}

int main(int argc, char **argv) {
    tern_audio_options o = TERN_AUDIO_OPTIONS_INIT;
    tern_context_options co = TERN_CONTEXT_OPTIONS_INIT;
    o.n_fft = argc > 1 ? atoi(argv[1]) : 512;
    o.win_length = 0;
    co.threads = argc > 2 ? atoi(argv[2]) : 1;
    const double seconds = argc > 3 ? atof(argv[3]) : 3600;
    const size_t count = (size_t)(seconds * o.sample_rate), block = 1 << 18;
    tern_context *c = NULL;
    tern_features *f = NULL;
    tern_feature_stream *s = NULL;
    double sum = 0, took = 0;
    float *x = malloc(sizeof *x * block);
    if (!x || tern_context_create(&c, &co) || tern_features_create(&f, c, &o) ||
        tern_feature_stream_create(&s, f, add_up, &sum))
        goto failed;
    for (size_t done = 0; done < count; done += block) {
        const size_t n = count - done < block ? count - done : block;
        noise(x, n);
        double start = now();
        if (tern_feature_stream_push(s, x, n)) goto failed;
        took += now() - start;
    }
    if (tern_feature_stream_finish(s)) goto failed;
    report("stream", &o, co.threads, seconds, took);
    float *all = malloc(sizeof *all * count);
    float *out = malloc(sizeof *out * tern_features_rows(f) * tern_features_frames(f, count));
    if (!all || !out) return 1;
    noise(all, count);
    for (int i = 0; i < 2; i++) { /* the second time the memory is mapped */
        double start = now();
        if (tern_features_compute(f, all, count, out)) goto failed;
        took = now() - start;
    }
    report("whole", &o, co.threads, seconds, took);
    free(all);
    free(out);
    free(x);
    tern_feature_stream_free(s);
    tern_features_free(f);
    tern_context_free(c);
    return 0;
failed:
    fprintf(stderr, "%s\n", tern_context_message(c));
    return 1;
}
