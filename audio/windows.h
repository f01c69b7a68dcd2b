/* Cuts a sound into the windows that a network hears. Internal. */
#ifndef TERN_AUDIO_WINDOWS_H
#define TERN_AUDIO_WINDOWS_H

#include "pipeline.h"

/* Where samples come from: *got < count only at the end. */
typedef struct tern__sample_source {
    tern_status (*read)(void *from, float *samples, size_t count, size_t *got);
    void *from;
} tern__sample_source;

/* Opens a sound file at the rate that the pipeline wants; tern_sound_close closes it. */
tern_status tern__windows_open(tern__sample_source *source, tern_sound **sound, tern_context *c,
                               const tern__audio_pipeline *p, const char *path);
/* Gives take() window after window of `length` samples, half a window apart, the last one at the
 * end of the sound; a sound that is shorter lies in the middle, between silence. room [2 length].
 * *windows: so many were given. TERN_ERR_FORMAT for a sound without samples. */
tern_status tern__windows_cut(size_t *windows, tern_context *c, const tern__sample_source *source,
                              size_t length, float *room,
                              tern_status (*take)(void *user, const float *samples), void *user);

#endif
