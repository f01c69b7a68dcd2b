/* Features of a sound file as a file: an array for programs, a picture for people. */
#ifndef TERN_AUDIO_EXPORT_H
#define TERN_AUDIO_EXPORT_H

#include <tern/audio.h>
#include <tern/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Computes the features of a sound file ("-": standard input) and writes them: output ends in
 * .npy: a NumPy array [rows][frames] of float32; .png: a picture, with axes in seconds and Hz.
 * options may be NULL for the defaults. rows and frames (may be NULL) get the size. Errors: those
 * of tern_sound_load and tern_features_create; TERN_ERR_ARGUMENT for another ending; TERN_ERR_IO if
 * it cannot be written: a file that was there before stays as it was. */
TERN_API tern_status tern_audio_export(tern_context *context, const char *sound, const char *output,
                                       const tern_audio_options *options, size_t *rows,
                                       size_t *frames);

/** Draws what in a sound speaks for a label: the features of that window of it (of those half a
 * window apart) that speaks most for the label, in which only the moments and bands that count keep
 * their colour (Grad-CAM, Selvaraju et al. 2017, of the last convolution or of the layer named).
 * label: NULL: what the window with the highest score is taken for; *explained (may be NULL) is the
 * label, which the caller frees (tern_free). Errors: those of tern_audio_classify_file and
 * tern_explainer_create; TERN_ERR_UNSUPPORTED for a network of samples; TERN_ERR_ARGUMENT for an
 * unknown label. Sentences are the session's. */
TERN_API tern_status tern_audio_explain_file(char **explained, tern_session *session,
                                             const char *sound, const char *output,
                                             const char *label, const char *layer);

#ifdef __cplusplus
}
#endif
#endif
