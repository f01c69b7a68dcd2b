/* Data sets of pictures: with a mask for each (segmentation) or in a folder per class
 * (classification), held as bytes in memory, cropped or resized, varied at random while training.
 *
 * A sample is one crop of a picture (or the whole picture); crops of one picture are a group, which
 * splits never part. */
#ifndef TERN_VISION_DATASET_H
#define TERN_VISION_DATASET_H

#include <tern/dataset.h>
#include <tern/vision_augment.h>
#include <tern/vision_mask.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the target of a segmentation sample is. h, w are those of the input. */
typedef enum tern_vision_target {
    TERN_VISION_TARGET_CLASSES, /**< int64 [N, h, w]; pixels that do not count are -100 */
    TERN_VISION_TARGET_BINARY,  /**< float [N, 1, h, w], 0 or 1; pixels that do not count are 0 */
    TERN_VISION_TARGET_WEIGHTED /**< float [N, 2, h, w]: the class number, then the pixel's weight:
                                     0 where it does not count, else 1, or more (border_weight); see
                                     tern_loss_options.weighted */
} tern_vision_target;

typedef struct tern_vision_dataset_options {
    size_t size;  /**< sizeof(tern_vision_dataset_options), set by the _INIT macro */
    int channels; /**< of the input: 1 or 3; 0: 1 where all pictures are grey, else 3 */
    int crop_width, crop_height; /**< training sees random crops of this size (height 0: a square);
                             width 0: whole pictures, which must be of one size or resized */
    int width, height; /**< every picture is resized to this first (bilinear with antialias, masks
                            nearest); 0: no */
    int multiple;      /**< sides of what the network sees are rounded up to multiples of it, pixels
                            beyond the picture's edge coming from augmentation.border; 0: 1 */
    int crops;         /**< samples of each picture and epoch; 0: 1 */
    double foreground; /**< share of crops that are laid around a pixel of a class other than 0,
                          drawn at random, 0..1 */
    bool whole;        /**< outside training a sample is the whole picture, at the upper left of
                            the largest size of the batch; false: crops spread evenly over the
                            picture. Pixels beyond the picture do not count outside training. */
    const char *masks; /**< folder of the masks */
    const char *fov;   /**< folder of fields of view, masks of two values: black pixels do not
                            count; NULL: all do */
    tern_mask_coding coding; /**< of the masks; automatic: decided over all of them */
    int classes;             /**< 0: found in the masks */
    tern_vision_target target;
    double border_weight;      /**< w0 of tern_mask_border_weights, of weighted targets; 0: none */
    double border_sigma;       /**< pixels, of the pictures as they are resized; 0: 5 */
    const char *const *labels; /**< classification: the classes in their order (a trained model's);
                             n_labels 0: the folders, sorted */
    size_t n_labels;
    bool held_out; /**< idx files: of the sets in a folder the one that is not named train-... */
    double memory; /**< bytes that may be held; 0: 4e9 */
    tern_vision_augmentation augmentation;
} tern_vision_dataset_options;
#define TERN_VISION_DATASET_OPTIONS_INIT                                                           \
    { .size = sizeof(tern_vision_dataset_options) }

typedef struct tern_vision_dataset tern_vision_dataset;

/** Reads pictures (of a folder and what is below it) and their masks from options->masks, matched
 * by the path within the folder without the ending; after it the mask's name may have _mask, -mask,
 *  _masks, _label, _labels, _seg, _gt, _segmentation, _manual1 or _matte. Input: float
 *  [N, channels, h, w], normalised (tern_vision_dataset_normalize). What is in the data (sizes,
 * share of each class, empty masks) goes to the context's log. Errors: TERN_ERR_FORMAT naming the
 * picture that has no mask, or whose mask or field of view has another size, masks with values that
 * are no classes, two files of one name; TERN_ERR_IO; TERN_ERR_LIMIT beyond options->memory;
 *  TERN_ERR_ARGUMENT (pictures of different sizes are neither cropped nor resized). *data is NULL
 * on failure. */
TERN_API tern_status tern_vision_dataset_open(tern_vision_dataset **data, tern_context *context,
                                              const char *pictures,
                                              const tern_vision_dataset_options *options);
/** Reads a folder with a folder of pictures per class; or idx files as MNIST's, gzipped or not:
 * path is the file of pictures (...images-idx3..., its labels lie beside it), or a folder with such
 * files, of which the set named train-... is taken, or the other one (held_out); their labels are
 * named by options->labels or "0", "1", ... Target: int64 [N]. crop or width and height must be
 * given unless all pictures have one size. masks, fov, coding, target and foreground are not looked
 * at. */
TERN_API tern_status tern_vision_dataset_open_labels(tern_vision_dataset **data,
                                                     tern_context *context, const char *path,
                                                     const tern_vision_dataset_options *options);
/** NULL is allowed. Views made of its samples stay valid. */
TERN_API void tern_vision_dataset_free(tern_vision_dataset *data);

/** The samples, for tern_train and splitting: `crops` of each picture, picture by picture. Belongs
 * to data. */
TERN_API tern_dataset *tern_vision_dataset_samples(const tern_vision_dataset *data);
/** How many pictures; the picture of a sample is tern_dataset_group. */
TERN_API int64_t tern_vision_dataset_pictures(const tern_vision_dataset *data);
/** The file of a picture. Valid as long as data. */
TERN_API const char *tern_vision_dataset_file(const tern_vision_dataset *data, int64_t picture);
/** Its size as it is in the file. */
TERN_API void tern_vision_dataset_size(const tern_vision_dataset *data, int64_t picture, int *width,
                                       int *height);
/** Reads a picture and its mask again, in the file's size, with the channels of the data set; the
 * mask as the data set understands it, TERN_MASK_IGNORED outside the field of view. Both are the
 * caller's. mask may be NULL. */
TERN_API tern_status tern_vision_dataset_read(const tern_vision_dataset *data, int64_t picture,
                                              tern_image *image, tern_mask *mask);
/** Channels of the input, and classes (labels, for classification). */
TERN_API int tern_vision_dataset_channels(const tern_vision_dataset *data);
TERN_API int tern_vision_dataset_classes(const tern_vision_dataset *data);
/** Classification: the name of a class; segmentation: NULL. Valid as long as data. */
TERN_API const char *tern_vision_dataset_label(const tern_vision_dataset *data, int index);
/** What training sees: width and height of a sample, 0 where it differs from batch to batch. */
TERN_API void tern_vision_dataset_window(const tern_vision_dataset *data, int *width, int *height);
/** Share of the pixels that count, by class [classes], over all pictures. */
TERN_API void tern_vision_dataset_shares(const tern_vision_dataset *data, double *shares);

/** Measures mean and standard deviation of each channel over the pixels of these samples' pictures
 *  (tern_vision_dataset_samples or a subset of it), and normalises by them from now on. Call it
 * before training. */
TERN_API tern_status tern_vision_dataset_normalize(tern_vision_dataset *data,
                                                   const tern_dataset *samples);
/** Normalises by these from now on (a trained model's); NULL: by mean 0 and std 1. Errors:
 * TERN_ERR_ARGUMENT for other channels or a std of 0. */
TERN_API tern_status tern_vision_dataset_set_normalization(tern_vision_dataset *data,
                                                           const tern_normalization *normalization);
TERN_API const tern_normalization *
tern_vision_dataset_normalization(const tern_vision_dataset *data);
/** Changes how training varies the pictures; NULL: not at all. Errors: TERN_ERR_ARGUMENT for a part
 * out of its range.
 */
TERN_API tern_status tern_vision_dataset_vary(tern_vision_dataset *data,
                                              const tern_vision_augmentation *augmentation);

#ifdef __cplusplus
}
#endif
#endif
