/* The sound pipeline that travels in a model's metadata: labels, front end, window. Internal.
 *   tern.labels    JSON array of strings, in the order of the logits
 *   tern.audio     the front end (tern_audio_options_text)
 *   tern.input     {"kind": "features" or "samples", "seconds": length of the window}
 *   tern.training  how the model was trained, for people (train.c writes it) */
#ifndef TERN_AUDIO_PIPELINE_H
#define TERN_AUDIO_PIPELINE_H

#include "core/graph/metadata.h"
#include <tern/audio_classify.h>

typedef struct tern__audio_pipeline {
    const char **labels;
    size_t n_labels;
    bool waveform;
    tern_audio_options audio;
    tern_features *features; /* NULL: waveform */
    tern_audio_window window;
} tern__audio_pipeline;

/* Reads and checks the metadata against the network's input. On failure nothing is held. */
tern_status tern__audio_pipeline_read(tern__audio_pipeline *pipeline, tern_context *c,
                                      const tern_model *model);
/* Whether the network's output is a number per label: not so for a layer in between
 * (tern_model_cut). */
tern_status tern__audio_pipeline_check_labels(const tern__audio_pipeline *pipeline, tern_context *c,
                                              const tern_model *model);
void tern__audio_pipeline_free(tern__audio_pipeline *pipeline, tern_context *c);
/* Writes front end and window. */
tern_status tern__audio_pipeline_write(tern_model *model, tern_context *c,
                                       const tern_audio_dataset *data, bool waveform);
/* Refuses windows that take too much memory to be read, whatever they come from: TERN_ERR_LIMIT. */
tern_status tern__audio_pipeline_check_window(tern_context *c, const tern_audio_window *window,
                                              const tern_features *features);
/* Length of a window of so many samples. */
tern_audio_window tern__audio_pipeline_window(const tern_audio_options *audio,
                                              const tern_features *features, size_t samples);

#endif
