/* Random variation of a clip for training. Internal; knows no file and no network. */
#ifndef TERN_AUDIO_VARY_H
#define TERN_AUDIO_VARY_H

#include "core/base/base.h"
#include <tern/audio_dataset.h>

/* How a clip sounds in one band, all along. */
typedef struct tern__band {
    float mean, deviation;
} tern__band;

typedef struct tern__variation {
    const tern_audio_augmentation *how;
    int64_t rows, frames; /* of the window */
    double decibel;       /* what one dB adds to a value; 0: values are no logarithms of powers */
    const double *hertz;  /* [rows] ascending; NULL: rows are no frequencies */
    double mean, scale;   /* at the end: (value - mean) * scale */
    const tern__band
        *bands; /* [styles][rows] of the clips whose style may be taken on; NULL: of none */
    int64_t styles;
} tern__variation;

/* bands [rows] of in [rows][frames] */
void tern__vary_measure(tern__band *bands, const float *in, int64_t rows, int64_t frames);
/* Bytes of scratch that the two below need. */
size_t tern__vary_scratch(const tern__variation *v);
/* in [rows][in_frames], in_frames >= frames -> out [rows][frames]; own [rows]: its bands, without
 * which (NULL) it keeps its style */
void tern__vary_features(const tern__variation *v, tern__random *random, const float *in,
                         int64_t in_frames, const tern__band *own, float *out, void *scratch);
/* The same for samples: rows is 1. */
void tern__vary_samples(const tern__variation *v, tern__random *random, const float *in,
                        int64_t in_frames, float *out);
/* Without variation: the middle of the clip. */
void tern__vary_not(const tern__variation *v, const float *in, int64_t in_frames, float *out);

#endif
