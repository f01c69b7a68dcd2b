/* From a picture to its mask, with a model that tern trained for it. Pictures of any size: the
 * network runs on tiles that overlap by what it sees, so that the mask is the same to the last bit
 * as if it had run on the whole picture at once, and memory is bounded. Order here: the simple
 * calls, the full one, a model's facts. */
#ifndef TERN_VISION_SEGMENT_H
#define TERN_VISION_SEGMENT_H

#include <tern/session.h>
#include <tern/vision_mask.h>
#include <tern/vision_network.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Makes the mask of a picture file ("-": standard input) with the model's own threshold; the mask
 * has the picture's size and no probabilities, and is the caller's (tern_mask_free), also when the
 * session and the model are gone; what fails on it later (tern_mask_save) leaves its sentence with
 * the session: tern_session_message, or tern_context_message of mask->context. As long as the
 * session is in use, use its masks in the same thread. Errors: those of tern_image_load and
 * tern_vision_segment; *mask is all zero. The sentence is the session's. */
TERN_API tern_status tern_vision_segment_file(tern_session *session, const char *path,
                                              tern_mask *mask);

typedef struct tern_vision_segment_options {
    size_t size;      /**< sizeof(tern_vision_segment_options), set by the _INIT macro */
    double threshold; /**< of the probability of class 1 in models of two classes, 0..1; 0: the
                         model's */
    bool probability; /**< the mask gets its probabilities as well (4 bytes a pixel and plane) */
    bool all_views;   /**< the mean over the picture turned by quarters and mirrored, 8 views; for
                         models of one size   (tern_vision_model_info) only as it is and mirrored */
    double memory;    /**< bytes for picture, mask, and the network's working memory; 0: 500e6 */
    int tile; /**< largest side of what the network sees at once, overlap included; 0: what memory
                 allows */
    /** Called after every tile; false: stop with TERN_ERR_INTERRUPTED. NULL: never. */
    bool (*on_progress)(void *user, int64_t done, int64_t count);
    void *user;
} tern_vision_segment_options;
#define TERN_VISION_SEGMENT_OPTIONS_INIT                                                           \
    { .size = sizeof(tern_vision_segment_options) }

/** Makes the mask of a picture in memory. Colour and grey are converted to what the model was
 * trained with, alpha is laid on white, 16 bits are scaled: with a warning in the log where it
 * differs. Beyond the edges the picture is mirrored. options may be NULL. The same bits for any
 * tile, memory and number of threads. Errors: TERN_ERR_FORMAT if the model is none of masks;
 * TERN_ERR_LIMIT if memory does not suffice for the smallest tile, saying what would;
 * TERN_ERR_SHAPE if the network's output has not the size of what it was given; TERN_ERR_ARGUMENT.
 * *mask is all zero on failure. */
TERN_API tern_status tern_vision_segment(tern_session *session, const tern_image *image,
                                         const tern_vision_segment_options *options,
                                         tern_mask *mask);

typedef struct tern_vision_model_info {
    int channels, classes;
    int width,
        height;       /**< pictures are brought to this size first; 0: any size is taken as it is */
    double threshold; /**< of class 1; NaN for more than two classes */
    tern_normalization normalization;
    tern_vision_reach reach;
} tern_vision_model_info;
/** What a session's model works with. Errors: TERN_ERR_FORMAT if it is not one of masks. */
TERN_API tern_status tern_vision_describe(tern_vision_model_info *info, tern_session *session);

#ifdef __cplusplus
}
#endif
#endif
