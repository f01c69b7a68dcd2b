/* Networks for sound, by name. */
#ifndef TERN_AUDIO_NETWORK_H
#define TERN_AUDIO_NETWORK_H

#include <tern/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_audio_network_options {
    size_t size;     /**< sizeof(tern_audio_network_options), set by the _INIT macro */
    int64_t classes; /**< >= 1 */
    int64_t rows;    /**< of the features; networks of samples take none */
    int64_t frames;  /**< of the window: features' frames or samples; decides how often is pooled.
                        The  network runs on any length that is not much shorter. */
    double width;    /**< channel numbers are multiplied by it, 0.05..16; 0: 1 */
    double dropout;  /**< before the last layer, 0 <= p < 1; 0: the network's own; negative: none */
    bool apart; /**< where there are several members: their logits one beside the other, to train
                   each of them on its own; the output is then "members" [N, classes, members] */
} tern_audio_network_options;
#define TERN_AUDIO_NETWORK_OPTIONS_INIT                                                            \
    { .size = sizeof(tern_audio_network_options) }

/** Adds a network with its input ("features" [N, 1, rows, frames] or "samples" [N, 1, n]) and its
 * output
 *  ("logits" [N, classes]) to an empty graph and returns the logits. name NULL: the default, "cnn".
 *  Errors (they stick to the graph): TERN_ERR_ARGUMENT for an unknown name, naming all. */
TERN_API tern_value tern_audio_network_build(tern_graph *graph, const char *name,
                                             const tern_audio_network_options *options);
/** So many networks with weights of their own a network of this name (NULL: the default) consists
 * of; its logits are the mean of theirs. */
TERN_API int tern_audio_network_members(const char *name);
/** The names one by one: index 0.. until NULL. Static storage. */
TERN_API const char *tern_audio_network_name(size_t index);
/** One line about a network of that list. Static storage. */
TERN_API const char *tern_audio_network_summary(size_t index);
/** Whether a network of this name (NULL: the default) takes samples instead of features. */
TERN_API bool tern_audio_network_waveform(const char *name);

#ifdef __cplusplus
}
#endif
#endif
