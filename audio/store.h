/* What the views of a data set of sounds share: the clips in memory. Internal to dataset.c and
 * dataset_read.c. */
#ifndef TERN_AUDIO_STORE_H
#define TERN_AUDIO_STORE_H

#include "clips.h"
#include "features.h"
#include "options.h"
#include "vary.h"

/* Windows below it hold one word or one stroke, which must not be cut in two. */
#define TERN__SHORT_SECONDS 1.5

/* One clip in memory, and what was noticed about it. */
typedef struct tern__held {
    float *values; /* [rows][frames] */
    int64_t frames;
    const tern__band *bands; /* [rows], in the store's; NULL: not measured */
    double seconds;
    int sample_rate, channels;
    bool silent, clipped;
    tern_status status;
    char *message; /* why it could not be read, or a warning */
} tern__held;

typedef struct tern__store {
    tern_context *context;
    tern__clips clips;
    tern__held *held; /* [clips.count] */
    tern_audio_augmentation augmentation;
    tern_audio_options audio;
    bool waveform;
    int members; /* 0: targets are class numbers; else probabilities [classes, members] */
    tern_features *features; /* NULL: waveform */
    tern_audio_window window;
    tern__variation variation;
    double *hertz;     /* [rows] of the features, or NULL */
    tern__band *bands; /* of the clips to train on, whose style others may take on; or NULL */
    char **scratch;    /* [threads] */
} tern__store;

/* Reads all of store->clips into store->held, makes the front end and chooses the window on the
 * way. */
tern_status tern__store_read(tern__store *store, const tern_audio_dataset_options *options);
/* What is in the data, for the log. */
tern_status tern__store_report(const tern__store *store);

/* Gives every member of a network a target of its own, as probabilities; 0: class numbers again. */
void tern__audio_dataset_members(tern_audio_dataset *data, int members);

#endif
