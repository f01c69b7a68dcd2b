/* The windows of a sound, cut while it is read. Knows no network. */
#include "windows.h"

#include <string.h>

static tern_status read_sound(void *sound, float *samples, size_t count, size_t *got) {
    return tern_sound_read(sound, samples, count, got);
}

tern_status tern__windows_open(tern__sample_source *source, tern_sound **sound, tern_context *c,
                               const tern__audio_pipeline *p, const char *path) {
    tern_sound_options o = TERN_SOUND_OPTIONS_INIT;
    o.sample_rate = p->audio.sample_rate;
    o.resampler = p->audio.resampler;
    const tern_status st = tern_sound_open(sound, c, path, &o);
    *source = (tern__sample_source){read_sound, *sound};
    return st;
}

/* Reads until count samples are there or the end is reached. */
static tern_status read_full(const tern__sample_source *s, float *samples, size_t count,
                             size_t *got) {
    tern_status st = TERN_OK;
    size_t n = 1;
    for (*got = 0; st == TERN_OK && *got < count && n; *got += n)
        if ((st = s->read(s->from, samples + *got, count - *got, &n)) != TERN_OK) n = 0;
    return st;
}

tern_status tern__windows_cut(size_t *windows, tern_context *c, const tern__sample_source *source,
                              size_t n, float *room,
                              tern_status (*take)(void *user, const float *samples), void *user) {
    const size_t hop = n > 1 ? n / 2 : 1,
                 negligible = n / 50; /* a rest that is not worth a window */
    size_t got;
    *windows = 0;
    tern_status st = read_full(source, room, n, &got);
    if (st != TERN_OK) return st;
    if (!got) return tern__fail(c, TERN_ERR_FORMAT, "the sound has no samples");
    if (got < n) {
        const size_t before = (n - got) / 2;
        memmove(room + before, room, got * sizeof *room);
        memset(room, 0, before * sizeof *room);
        memset(room + before + got, 0, (n - before - got) * sizeof *room);
        ++*windows;
        return take(user, room);
    }
    for (got = hop; got == hop;) {
        if ((st = take(user, room)) != TERN_OK) return st;
        ++*windows;
        if ((st = read_full(source, room + n, hop, &got)) != TERN_OK) return st;
        memmove(room, room + got, n * sizeof *room);
    }
    if (got <= negligible) return TERN_OK;
    ++*windows;
    return take(user, room);
}
