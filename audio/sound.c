/* Reading sound files: any that libsndfile reads, as mono samples at a wanted rate. Owns opening,
 * the checks of what a header claims, mix-down, and standard input; knows no features. */
#define _GNU_SOURCE
#include "core/base/base.h"
#include "resample.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096, MAX_CHANNELS = 64, MAX_RATE = 768000 };
/* Standard input is stored up to this size, where it is no file itself. */
static const int64_t max_stored = (int64_t)16 << 30;
/* Beyond this a float file holds no sound: powers of it would leave float's range. */
static const float max_sample = 1e12f;
/* Above 12 dB over full scale: mixes are not, and the numbers of 16 bits are. */
#define LOUD 4.0f

struct tern_sound {
    tern_context *context;
    char *name; /* for sentences */
    int fd;
    FILE *stored; /* standard input's copy, or NULL */
    SNDFILE *file;
    tern_sound_info info;
    int64_t expected;   /* frames the header promised, -1 unknown */
    int64_t read;       /* frames so far */
    float *interleaved; /* [BLOCK][channels] */
    float *mono;        /* [BLOCK] */
    size_t mono_at, mono_count;
    bool ended, heard; /* heard: some sample is not 0 */
    float greatest;    /* magnitude of a sample so far */
    tern__resample *resample;
};

/* libsndfile keeps the reason of a failed open in a global. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

static tern_status fail_system(tern_sound *s, const char *what) {
    return tern__fail(s->context, TERN_ERR_IO, "%s: cannot %s: %s", s->name, what, strerror(errno));
}

/* Copies a pipe into an unnamed temporary file, because most formats must be read back and forth.
 */
static tern_status store_stream(tern_sound *s, int from) {
    char buffer[65536];
    int64_t total = 0;
    s->stored = tmpfile();
    if (!s->stored) return fail_system(s, "make a temporary file for it");
    for (;;) {
        ssize_t n = read(from, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail_system(s, "read");
        if (n == 0) break;
        total += n;
        if (total > max_stored)
            return tern__fail(s->context, TERN_ERR_LIMIT,
                              "%s: more than %lld bytes came; store it in a file and name the file",
                              s->name, (long long)max_stored);
        if (fwrite(buffer, 1, (size_t)n, s->stored) != (size_t)n)
            return fail_system(s, "store a copy in a temporary file");
    }
    if (fflush(s->stored) != 0) return fail_system(s, "store a copy in a temporary file");
    s->fd = fileno(s->stored);
    return lseek(s->fd, 0, SEEK_SET) == 0 ? TERN_OK : fail_system(s, "read its copy");
}

/* Opens s->fd on the path's content. */
static tern_status open_content(tern_sound *s, const char *path) {
    struct stat status;
    const bool standard = strcmp(path, "-") == 0;
    const int fd = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_system(s, "open");
    s->fd = fd;
    if (fstat(fd, &status) != 0) return fail_system(s, "read");
    if (S_ISDIR(status.st_mode))
        return tern__fail(s->context, TERN_ERR_IO, "%s: is a folder; name a sound file in it",
                          s->name);
    if (!S_ISREG(status.st_mode)) {
        tern_status result = store_stream(s, fd);
        close(fd);
        if (!s->stored) s->fd = -1;
        if (result != TERN_OK) return result;
        if (fstat(s->fd, &status) != 0) return fail_system(s, "read");
    }
    if (status.st_size == 0)
        return tern__fail(s->context, TERN_ERR_FORMAT, "%s: is empty (0 bytes); there is no sound",
                          s->name);
    return TERN_OK;
}

static uint64_t little_endian(const unsigned char *p, int bytes) {
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--) value = value << 8 | p[i];
    return value;
}

/* Is the rest of the file, from `at`, nothing but whole chunks with printable names? */
static bool only_chunks(int fd, off_t at, off_t end) {
    unsigned char chunk[8];
    if (at >= end) return true;
    while (end - at >= 8) {
        if (pread(fd, chunk, 8, at) != 8) return false;
        for (int i = 0; i < 4; i++)
            if (chunk[i] < ' ' || chunk[i] > '~') return false;
        const uint64_t size = little_endian(chunk + 4, 4);
        if (size > (uint64_t)(end - at - 8)) return false;
        at += (off_t)(8 + size + size % 2);
    }
    return at >= end;
}

/* A WAV whose data chunk says 0 bytes although samples follow was never closed: a copy that says
 * how many there are is read in its place. */
static tern_status mend_length(tern_sound *s) {
    unsigned char chunk[12];
    struct stat status;
    off_t at = 12;
    if (fstat(s->fd, &status) != 0 || pread(s->fd, chunk, 12, 0) != 12) return TERN_OK;
    if (memcmp(chunk, "RIFF", 4) != 0 || memcmp(chunk + 8, "WAVE", 4) != 0) return TERN_OK;
    for (int i = 0; i < 1000 && pread(s->fd, chunk, 8, at) == 8; i++) {
        const uint64_t size = little_endian(chunk + 4, 4);
        if (memcmp(chunk, "data", 4) == 0) {
            const off_t held = status.st_size - at - 8;
            if (size != 0 || only_chunks(s->fd, at + 8, status.st_size)) return TERN_OK;
            const uint32_t length = held < UINT32_MAX - 64 ? (uint32_t)held : UINT32_MAX - 64;
            unsigned char bytes[4];
            for (int k = 0; k < 4; k++) bytes[k] = (unsigned char)(length >> 8 * k);
            tern__log(
                s->context, TERN_LOG_WARNING,
                "%s: the header says 0 bytes of samples (it was never closed) and %lld follow; "
                "using those",
                s->name, (long long)held);
            if (!s->stored) {
                const int from = s->fd;
                tern_status st =
                    lseek(from, 0, SEEK_SET) == 0 ? store_stream(s, from) : fail_system(s, "read");
                if (s->fd != from) close(from);
                if (st != TERN_OK) return st;
            }
            if (pwrite(s->fd, bytes, 4, at + 4) != 4) return fail_system(s, "mend a copy of it");
        } else {
            at += (off_t)(8 + size + size % 2);
            continue;
        }
        break;
    }
    return lseek(s->fd, 0, SEEK_SET) == 0 ? TERN_OK : fail_system(s, "read");
}

/* A WAV whose data chunk claims more bytes than follow is used as far as it goes, which libsndfile
 * does in silence; so is one of more than 4 GiB, whose header cannot say how long it is. */
static void warn_about_length(tern_sound *s) {
    unsigned char chunk[12];
    struct stat status;
    if (fstat(s->fd, &status) != 0 || pread(s->fd, chunk, 12, 0) != 12) return;
    const bool rf64 = memcmp(chunk, "RF64", 4) == 0;
    if ((!rf64 && memcmp(chunk, "RIFF", 4) != 0) || memcmp(chunk + 8, "WAVE", 4) != 0) return;
    uint64_t long_size = 0;
    off_t at = 12;
    for (int i = 0; i < 1000 && pread(s->fd, chunk, 8, at) == 8; i++) {
        uint64_t size = little_endian(chunk + 4, 4);
        const off_t content = at + 8;
        if (memcmp(chunk, "ds64", 4) == 0) {
            unsigned char sizes[16];
            if (pread(s->fd, sizes, 16, content) == 16) long_size = little_endian(sizes + 8, 8);
        }
        if (memcmp(chunk, "data", 4) == 0) {
            const uint64_t held = (uint64_t)(status.st_size - content);
            const bool open_ended = size == UINT32_MAX || size == 0; /* written by a pipe */
            if (rf64 && size == UINT32_MAX)
                size = long_size;
            else if (open_ended)
                return;
            if (size > held)
                tern__log(s->context, TERN_LOG_WARNING,
                          "%s: the header claims %llu bytes of samples and %llu are there; using "
                          "those",
                          s->name, (unsigned long long)size, (unsigned long long)held);
            else if (!rf64 && held > UINT32_MAX)
                tern__log(
                    s->context, TERN_LOG_WARNING,
                    "%s: more than 4 GiB, which a plain WAV header cannot say; using the %llu "
                    "bytes that it claims",
                    s->name, (unsigned long long)size);
            return;
        }
        at = content + (off_t)(size + size % 2);
    }
}

static void describe_format(char *text, size_t size, const SF_INFO *info) {
    const int parts[2] = {info->format & SF_FORMAT_TYPEMASK, info->format & SF_FORMAT_SUBMASK};
    SF_FORMAT_INFO names[2] = {{.format = parts[0]}, {.format = parts[1]}};
    for (int i = 0; i < 2; i++)
        if (sf_command(NULL, SFC_GET_FORMAT_INFO, &names[i], sizeof names[i]) != 0)
            names[i].name = "unknown";
    snprintf(text, size, "%s, %s", names[0].name, names[1].name);
}

static tern_status check_info(tern_sound *s, const SF_INFO *info) {
    tern_context *c = s->context;
    if (info->samplerate < 1)
        return tern__fail(c, TERN_ERR_FORMAT, "%s: its header says %d Hz; a rate is at least 1 Hz",
                          s->name, info->samplerate);
    if (info->samplerate > MAX_RATE)
        return tern__fail(c, TERN_ERR_LIMIT, "%s: its header says %d Hz; at most %d are read",
                          s->name, info->samplerate, MAX_RATE);
    if (info->channels < 1 || info->channels > MAX_CHANNELS)
        return tern__fail(c, TERN_ERR_LIMIT, "%s: has %d channels; 1 to %d are read", s->name,
                          info->channels, MAX_CHANNELS);
    if (info->frames <= 0) return tern__fail(c, TERN_ERR_FORMAT, "%s: holds no samples", s->name);
    return TERN_OK;
}

/* libsndfile's sentence about an allocation that failed? It has two, of itself and of its decoders.
 */
static bool is_memory(const char *reason) {
    return strstr(reason, "malloc") || strstr(reason, "memory");
}

static tern_status open_file(tern_sound *s) {
    SF_INFO info = {0};
    char reason[256] = "";
    pthread_mutex_lock(&open_lock);
    s->file = sf_open_fd(s->fd, SFM_READ, &info, SF_FALSE);
    if (!s->file) snprintf(reason, sizeof reason, "%s", sf_strerror(NULL));
    pthread_mutex_unlock(&open_lock);
    if (!s->file) {
        size_t length = strlen(reason);
        while (length && (reason[length - 1] == '.' || reason[length - 1] == '\n'))
            reason[--length] = 0;
        if (is_memory(reason))
            return tern__fail(s->context, TERN_ERR_MEMORY, "%s: out of memory for opening it",
                              s->name);
        return tern__fail(s->context, TERN_ERR_FORMAT,
                          "%s: is not a sound file that can be read (WAV, FLAC, Ogg, AIFF, MP3 and "
                          "others can): %s",
                          s->name, reason);
    }
    tern_status status = check_info(s, &info);
    if (status != TERN_OK) return status;
    s->expected = info.frames >= SF_COUNT_MAX ? -1 : info.frames;
    s->info.sample_rate = info.samplerate;
    s->info.channels = info.channels;
    s->info.frames = s->expected;
    s->info.seconds = s->expected < 0 ? -1 : (double)info.frames / info.samplerate;
    describe_format(s->info.format, sizeof s->info.format, &info);
    warn_about_length(s);
    return TERN_OK;
}

/* Warnings at the end of a file. */
static tern_status at_end(tern_sound *s) {
    s->ended = true;
    if (sf_error(s->file) == SF_ERR_SYSTEM) return fail_system(s, "read");
    if (sf_error(s->file) && is_memory(sf_strerror(s->file)))
        return tern__fail(s->context, TERN_ERR_MEMORY, "%s: out of memory while reading it",
                          s->name);
    if (s->read == 0)
        return tern__fail(s->context, TERN_ERR_FORMAT, "%s: holds no samples that can be read",
                          s->name);
    if (s->expected >= 0 && s->read < s->expected)
        tern__log(s->context, TERN_LOG_WARNING,
                  "%s: ends after %lld of %lld samples per channel; using those", s->name,
                  (long long)s->read, (long long)s->expected);
    if (s->greatest > LOUD)
        tern__log(s->context, TERN_LOG_WARNING,
                  "%s: samples reach %g where 1 is full scale (whole numbers written as floats?); "
                  "using them as they are",
                  s->name, (double)s->greatest);
    if (!s->heard)
        tern__log(s->context, TERN_LOG_WARNING, "%s: is silent (%s)", s->name,
                  s->info.channels == 1 ? "every sample is 0" : "its channels' mean is 0");
    return TERN_OK;
}

/* The next block of the file -> s->mono. */
static tern_status read_block(tern_sound *s) {
    const int channels = s->info.channels;
    s->mono_at = s->mono_count = 0;
    if (s->ended) return TERN_OK;
    sf_count_t frames = sf_readf_float(s->file, s->interleaved, BLOCK);
    if (frames <= 0) return at_end(s);
    for (sf_count_t i = 0; i < frames; i++) {
        const float *x = s->interleaved + i * channels;
        float sum = 0;
        for (int k = 0; k < channels; k++) {
            if (!(fabsf(x[k]) <= max_sample))
                return tern__fail(
                    s->context, TERN_ERR_FORMAT,
                    "%s: sample %lld of channel %d is %g; a sound's samples are finite "
                    "and about -1..1",
                    s->name, (long long)(s->read + i), k + 1, x[k]);
            if (fabsf(x[k]) > s->greatest) s->greatest = fabsf(x[k]);
            sum += x[k];
        }
        s->mono[i] = channels == 1 ? sum : sum / (float)channels;
        if (sum != 0) s->heard = true;
    }
    s->read += frames;
    s->mono_count = (size_t)frames;
    return TERN_OK;
}

/* At the file's own rate. */
static tern_status read_mono(void *user, float *samples, size_t count, size_t *got) {
    tern_sound *s = user;
    *got = 0;
    while (*got < count) {
        if (s->mono_at == s->mono_count) {
            tern_status status = read_block(s);
            if (status != TERN_OK) return status;
            if (s->mono_count == 0) break;
        }
        size_t n = s->mono_count - s->mono_at;
        if (n > count - *got) n = count - *got;
        memcpy(samples + *got, s->mono + s->mono_at, sizeof *samples * n);
        s->mono_at += n;
        *got += n;
    }
    return TERN_OK;
}

static tern_status take_options(tern_sound_options *o, tern_context *c,
                                const tern_sound_options *options) {
    *o = (tern_sound_options)TERN_SOUND_OPTIONS_INIT;
    if (options && (options->size < sizeof options->size || options->size > sizeof *o))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "sound options: size is %zu; start from TERN_SOUND_OPTIONS_INIT",
                          options->size);
    if (options) memcpy(o, options, options->size);
    if (o->sample_rate < 0 || o->sample_rate > MAX_RATE)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "sound options: sample_rate is %d and must be 0..%d", o->sample_rate,
                          MAX_RATE);
    if ((int)o->resampler < 0 || o->resampler > TERN_RESAMPLE_SINC_FASTEST)
        return tern__fail(c, TERN_ERR_ARGUMENT, "sound options: resampler %d does not exist",
                          (int)o->resampler);
    if (!(o->max_seconds > 0))
        return tern__fail(c, TERN_ERR_ARGUMENT, "sound options: max_seconds is %g and must be > 0",
                          o->max_seconds);
    return TERN_OK;
}

tern_status tern_sound_open(tern_sound **sound, tern_context *c, const char *path,
                            const tern_sound_options *options) {
    *sound = NULL;
    tern_sound_options o;
    tern_status status = take_options(&o, c, options);
    if (status != TERN_OK) return status;
    tern_sound *s = tern__calloc(c, 1, sizeof *s);
    if (!s) return TERN_ERR_MEMORY;
    s->context = c;
    s->fd = -1;
    s->name = tern__strdup(c, strcmp(path, "-") == 0 ? "standard input" : path);
    status = s->name ? open_content(s, path) : TERN_ERR_MEMORY;
    if (status == TERN_OK) status = mend_length(s);
    if (status == TERN_OK) status = open_file(s);
    if (status != TERN_OK) goto failed;
    s->interleaved = tern__alloc(c, sizeof(float) * BLOCK * (size_t)s->info.channels);
    s->mono = tern__alloc(c, sizeof(float) * BLOCK);
    if (!s->interleaved || !s->mono) status = TERN_ERR_MEMORY;
    if (status == TERN_OK && o.sample_rate && o.sample_rate != s->info.sample_rate)
        status = tern__resample_create(&s->resample, c, s->info.sample_rate, o.sample_rate,
                                       o.resampler, read_mono, s);
    if (status != TERN_OK) goto failed;
    *sound = s;
    return TERN_OK;
failed:
    tern_sound_close(s);
    return status;
}

const tern_sound_info *tern_sound_describe(const tern_sound *s) { return &s->info; }

tern_status tern_sound_read(tern_sound *s, float *samples, size_t count, size_t *got) {
    return s->resample ? tern__resample_read(s->resample, samples, count, got)
                       : read_mono(s, samples, count, got);
}

void tern_sound_close(tern_sound *s) {
    if (!s) return;
    if (s->file) sf_close(s->file);
    if (s->stored)
        fclose(s->stored);
    else if (s->fd >= 0)
        close(s->fd);
    tern__resample_free(s->resample);
    tern__free(s->context, s->interleaved);
    tern__free(s->context, s->mono);
    tern__free(s->context, s->name);
    tern__free(s->context, s);
}

static tern_status too_long(const tern_sound *s, double seconds, double limit) {
    return tern__fail(s->context, TERN_ERR_LIMIT,
                      "%s: is longer than %g seconds (%s%g); raise max_seconds, or read it as a "
                      "stream",
                      s->name, limit, s->expected < 0 ? "at least " : "", seconds);
}

tern_status tern_sound_load(float **samples, size_t *count, tern_context *c, const char *path,
                            const tern_sound_options *options) {
    *samples = NULL;
    *count = 0;
    tern_sound_options o;
    tern_sound *s = NULL;
    float *data = NULL;
    size_t used = 0, capacity = 0, got = 1;
    tern_status status = take_options(&o, c, options);
    if (status == TERN_OK) status = tern_sound_open(&s, c, path, &o);
    if (status != TERN_OK) return status;
    const double rate = o.sample_rate ? o.sample_rate : s->info.sample_rate;
    if (s->info.seconds > o.max_seconds) status = too_long(s, s->info.seconds, o.max_seconds);
    while (status == TERN_OK && got > 0) {
        const size_t wanted = 4 * BLOCK;
        float *bigger = tern__grow(c, data, used, &capacity, used + wanted, sizeof *data);
        if (!bigger) status = TERN_ERR_MEMORY;
        if (status != TERN_OK) break;
        data = bigger;
        status = tern_sound_read(s, data + used, wanted, &got);
        used += got;
        if (status == TERN_OK && (double)used > o.max_seconds * rate + 1)
            status = too_long(s, (double)used / rate, o.max_seconds);
        if (got < wanted) break;
    }
    tern_sound_close(s);
    if (status == TERN_OK) {
        *samples = data;
        *count = used;
    } else {
        tern__free(c, data);
    }
    return status;
}
