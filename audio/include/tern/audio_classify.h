/* Recognising sounds with a trained model: the model file says how a sound is read. */
#ifndef TERN_AUDIO_CLASSIFY_H
#define TERN_AUDIO_CLASSIFY_H

#include <tern/answer.h>
#include <tern/audio_dataset.h>
#include <tern/metrics.h>
#include <tern/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Says what a sound file is ("-": standard input): any rate, any number of channels, any length.
 * Sounds longer than the window that the model was trained with are read as a stream, window by
 * window, each overlapping the last by half, and the probabilities averaged; shorter ones are set
 * between silence. Errors: those of tern_sound_open; TERN_ERR_FORMAT for a model that carries no
 * labels or no front end; TERN_ERR_LIMIT for one whose window takes more than 2 GB; TERN_ERR_SHAPE
 * if it gives no number a label. Sentences are in tern_session_message. *answer is untouched on
 * failure. */
TERN_API tern_status tern_audio_classify_file(tern_session *session, const char *path,
                                              tern_answer *answer);
/** The same for mono samples [count], full scale -1..1, at sample_rate Hz. */
TERN_API tern_status tern_audio_classify_samples(tern_session *session, const float *samples,
                                                 size_t count, int sample_rate,
                                                 tern_answer *answer);

/** The first output of the session's model for a sound file, whatever it is, as one vector: of a
 * layer, where the model is one of tern_model_cut. Of several windows it is the mean. It belongs to
 * the session and is valid until its next sound. Errors as above. */
TERN_API tern_status tern_audio_embed_file(tern_session *session, const char *path,
                                           const float **vector, int64_t *length);

/** Gets every clip of an evaluation as it is done; truth is its label. false: stop,
 * TERN_ERR_INTERRUPTED. */
typedef bool (*tern_on_clip)(void *user, const char *file, const char *truth,
                             const tern_answer *answer, size_t done, size_t count);

/** Classifies all clips of a data set (tern_audio_dataset_open says what that can be) and counts.
 * Of the options root, columns and folds are used; NULL: defaults. on_clip may be NULL. Free
 * *confusion before the session. Errors: those of reading the data set and of classifying, with
 * file and line. On failure *confusion is NULL. */
TERN_API tern_status tern_audio_evaluate(tern_confusion **confusion, tern_session *session,
                                         const char *path,
                                         const tern_audio_dataset_options *options,
                                         tern_on_clip on_clip, void *user);

/** How a model listens: what `tern model info` shows and what a program needs to feed it itself. */
typedef struct tern_audio_model_info {
    size_t n_labels;
    bool waveform;
    tern_audio_window window;
    tern_audio_options audio;
} tern_audio_model_info;
/** Errors: TERN_ERR_FORMAT for a model without a sound front end or with one that makes no sense.
 */
TERN_API tern_status tern_audio_describe(tern_audio_model_info *info, tern_session *session);

#ifdef __cplusplus
}
#endif
#endif
