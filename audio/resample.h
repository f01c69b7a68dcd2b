/* Changing a stream's sample rate. Internal; knows samples and rates only. */
#ifndef TERN_AUDIO_RESAMPLE_H
#define TERN_AUDIO_RESAMPLE_H

#include <tern/audio.h>
#include "core/base/base.h"

typedef struct tern__resample tern__resample;

/* Gives the next samples of the source: *got < count only at its end. */
typedef tern_status (*tern__resample_source)(void *user, float *samples, size_t count, size_t *got);

tern_status tern__resample_create(tern__resample **resample, tern_context *c, int from_rate,
                                  int to_rate, tern_resampler kind, tern__resample_source source,
                                  void *user);
void tern__resample_free(tern__resample *resample);
/* The next samples at the new rate, ceil(n * to / from) in all for a source of n. */
tern_status tern__resample_read(tern__resample *resample, float *samples, size_t count,
                                size_t *got);

#endif
