/* Networks for text, by name. How much a text is padded never changes what they answer: words that
 * are padding are rows of zeros, which no layer turns into anything else. */
#ifndef TERN_TEXT_NETWORK_H
#define TERN_TEXT_NETWORK_H

#include <tern/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What becomes of word vectors in training (Kim 2014). */
typedef enum tern_text_channels {
    TERN_TEXT_TUNED,  /**< they are trained with the rest ("non-static") */
    TERN_TEXT_STATIC, /**< they stay as they are */
    TERN_TEXT_BOTH    /**< two copies, one of each kind ("multichannel") */
} tern_text_channels;

enum { TERN_TEXT_MAX_WIDTHS = 8 };

typedef struct tern_text_network_options {
    size_t size;          /**< sizeof(tern_text_network_options), set by the _INIT macro */
    int64_t classes;      /**< >= 1 */
    int64_t rows;         /**< of the table of words (tern_text_rows), >= 2 */
    int64_t dimension;    /**< numbers per word, 1..4096; 0: the network's own */
    const float *vectors; /**< [rows, dimension] the table's start, copied; NULL: random */
    tern_text_channels channels;
    int64_t widths[TERN_TEXT_MAX_WIDTHS]; /**< textcnn: words that filters see, ends with a 0;
                                               all 0: 3, 4, 5 */
    int64_t filters;                      /**< textcnn: of each width; 0: 100 */
    double width;         /**< layers of the other networks are this times as wide, 0.05..16;
                               0: 1 */
    double dropout;       /**< 0 <= p < 1; 0: the network's own; negative: none */
    int64_t subword_rows; /**< tagger: of the table of sub-words (buckets + 1); 0: no sub-words */
    int64_t subwords;     /**< tagger: sub-words of a token */
} tern_text_network_options;
#define TERN_TEXT_NETWORK_OPTIONS_INIT                                                             \
    { .size = sizeof(tern_text_network_options) }

/** Adds a network with its input "ids" int64 [N, L] (tern_text_encode's numbers, padded with 0; the
 *  tagger may have a second one, "subwords" int64 [N, L, S]) and its output "logits" ([N, classes];
 *  tagger: [N, classes, L]) to an empty graph and returns the logits. name NULL: the default,
 *  "textcnn". Errors (they stick to the graph): TERN_ERR_ARGUMENT for an unknown name, naming all,
 *  or options out of range. */
TERN_API tern_value tern_text_network_build(tern_graph *graph, const char *name,
                                            const tern_text_network_options *options);
/** The names one by one: index 0.. until NULL. Static storage. */
TERN_API const char *tern_text_network_name(size_t index);
/** One line about a network of that list. Static storage. */
TERN_API const char *tern_text_network_summary(size_t index);
/** Whether a network of this name (NULL: the default) gives every token a label of its own. */
TERN_API bool tern_text_network_tags(const char *name);

#ifdef __cplusplus
}
#endif
#endif
