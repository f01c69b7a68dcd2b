/* Data sets of sounds: a folder per label or a CSV file, read into memory as features or samples of
 * one length, varied at random while training. */
#ifndef TERN_AUDIO_DATASET_H
#define TERN_AUDIO_DATASET_H

#include <tern/audio.h>
#include <tern/dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How training varies a clip each time it sees it. All zero: not at all. Features are varied as
 * they are (a gain is a constant added to a logarithm), so that nothing is computed twice; what
 * makes no sense for the features in use (pitch for cepstra, say) is left out. */
typedef struct tern_audio_augmentation {
    double time_shift; /**< up to this share of the window, either way, around the end; 0..1 */
    double gain;       /**< dB, standard deviation */
    double noise;      /**< share of clips that get noise: white in features of any scale, 0..1 */
    double noise_snr_low,
        noise_snr_high;    /**< dB, uniform between; noise of that level below the clip */
    double speed;          /**< time stretched by exp(uniform(-speed, speed)) */
    double pitch;          /**< frequencies multiplied likewise (features): other voices, sizes */
    double tilt;           /**< dB, standard deviation from the lowest to the highest row: other
                                microphones and rooms (features) */
    double style;          /**< share of clips whose bands take on, in part (uniform), mean and
                                deviation of those of another clip of the same set: other places and
                                microphones (features), 0..1. Source: MixStyle, Zhou et al. 2021, by
                                bands as Kim et al. 2022 have it */
    int time_masks;        /**< spans of up to time_mask of the window are blanked */
    double time_mask;      /**< 0..1 */
    int frequency_masks;   /**< bands of up to frequency_mask of the rows are blanked (features) */
    double frequency_mask; /**< 0..1 */
} tern_audio_augmentation;

typedef struct tern_audio_dataset_options {
    size_t size;      /**< sizeof(tern_audio_dataset_options), set by the _INIT macro */
    const char *root; /**< folder that a CSV's file names are relative to; NULL: the CSV's own */
    const char *file_column;  /**< NULL: "filename", with no_header "1" */
    const char *label_column; /**< NULL: "category", with no_header "2" */
    const char *fold_column;  /**< NULL: "fold" where there is one. Folds are any text. */
    const char *group_column; /**< clips of one group are never parted by a split; NULL: each clip
                                 stands for itself */
    const char *const *folds; /**< read only clips of these folds; n_folds 0: all */
    size_t n_folds;
    const char *const *labels; /**< the classes in their order (a trained model's); n_labels 0: the
                                  data's own, sorted. Clips of other labels are an error. */
    size_t n_labels;
    bool adapt;     /**< fit the front end to the data (on in the _INIT; off: `audio` as it is):
                         where all clips have lower sample rates than audio.sample_rate, take the
                         highest of them, frames keeping their length in seconds and mel bands
                         their number per Hz; where the window has more than 320 frames, take
                         half as many; where it is shorter than 1.5 s, measure mel bands in dB
                         below the loudest, down to 60 */
    bool waveform;  /**< samples [1, n] instead of features [1, rows, frames] */
    double seconds; /**< length of the window that the network sees; 0: that of the longest clip
                         (where clips differ: of the 95th percentile), at most 10 */
    double memory;  /**< bytes that may be held; 0: 4e9 */
    tern_audio_options audio; /**< front end; mean and std are replaced by the data's own
                                   (tern_audio_dataset_normalize) */
    tern_audio_augmentation augmentation;
    bool no_header; /**< the first line of a CSV is a clip too; columns are numbers from 1 */
} tern_audio_dataset_options;
#define TERN_AUDIO_DATASET_OPTIONS_INIT                                                            \
    { .size = sizeof(tern_audio_dataset_options), .adapt = true, .audio = TERN_AUDIO_OPTIONS_INIT }

typedef struct tern_audio_dataset tern_audio_dataset;

/** Reads a data set. path: a folder with a folder per label (deeper folders are groups:
 * DIR/LABEL/GROUP/ FILE), or a CSV or TSV file with a header. Clips are mixed to mono, resampled,
 * and kept as features or samples; labels are without white space at both ends and in NFC; clips
 * shorter than the window are set in its middle between silence. What is in the data (classes,
 * lengths, rates, silent and clipped clips) goes to the context's log. options may be NULL. Errors:
 * TERN_ERR_IO for files that cannot be read, TERN_ERR_FORMAT for an absent column (naming those
 *  that are there), a clip that is no sound, no or only one class; TERN_ERR_ARGUMENT for an
 *  unknown fold; TERN_ERR_LIMIT beyond options->memory. Sentences name file and line. *data is NULL
 *  on failure. */
TERN_API tern_status tern_audio_dataset_open(tern_audio_dataset **data, tern_context *context,
                                             const char *path,
                                             const tern_audio_dataset_options *options);
/** NULL is allowed. Views made of its samples stay valid. */
TERN_API void tern_audio_dataset_free(tern_audio_dataset *data);
/** The clips, for tern_train and splitting; target: int64 class numbers. Belongs to data. */
TERN_API tern_dataset *tern_audio_dataset_samples(const tern_audio_dataset *data);
TERN_API size_t tern_audio_dataset_label_count(const tern_audio_dataset *data);
/** The name of a class, 0 <= index < label_count. Valid as long as data. */
TERN_API const char *tern_audio_dataset_label(const tern_audio_dataset *data, size_t index);
/** The file of a clip; its number is that of tern_dataset_source_sample. Valid as long as data. */
TERN_API const char *tern_audio_dataset_file(const tern_audio_dataset *data, int64_t clip);
/** The clips of the folds of these names. Errors: TERN_ERR_ARGUMENT for a fold that there is not
 * (naming those that there are). */
TERN_API tern_status tern_audio_dataset_folds(tern_dataset **subset, const tern_audio_dataset *data,
                                              const char *const *folds, size_t n_folds);
/** Measures mean and standard deviation of the features of these clips (tern_audio_dataset_samples
 * or a subset of it) and subtracts and divides by them from now on. Call it before training. */
TERN_API tern_status tern_audio_dataset_normalize(tern_audio_dataset *data,
                                                  const tern_dataset *clips);
/** Changes how training varies the clips; NULL: not at all. Errors: TERN_ERR_ARGUMENT for a part
 * out of its range. */
TERN_API tern_status tern_audio_dataset_vary(tern_audio_dataset *data,
                                             const tern_audio_augmentation *augmentation);
/** The front end in use, with mean and std as they are now. */
TERN_API const tern_audio_options *
tern_audio_dataset_options_in_use(const tern_audio_dataset *data);
/** Length of the window in seconds, in samples, in frames (waveform: samples again), and rows
 * (waveform: 1). */
typedef struct tern_audio_window {
    double seconds;
    size_t samples, frames, rows;
} tern_audio_window;
TERN_API tern_audio_window tern_audio_dataset_window(const tern_audio_dataset *data);

#ifdef __cplusplus
}
#endif
#endif
