/* What training needs of the networks for text beyond their public header. Internal. */
#ifndef TERN_TEXT_NETWORKS_H
#define TERN_TEXT_NETWORKS_H

#include "core/task/train.h"
#include <tern/text_network.h>

/* How a network is trained: how long, how fast and how varied, and what its front end gives it.
 * Found by cross-validation on movie reviews and question types (bench/text.sh). */
typedef struct tern__text_recipe {
    tern__recipe train;
    double with_vectors; /* factor of the rate for words that have vectors already */
    double word_dropout;
    int word_ngrams, buckets, subwords; /* 0: as the front end has them */
} tern__text_recipe;

typedef struct tern__text_network {
    const char *name, *summary;
    bool tags;
    int64_t dimension;
    double dropout;
    tern_value (*build)(tern_value ids, const tern_text_network_options *o);
    tern__text_recipe recipe;
} tern__text_network;

/* The network of this name; the first for NULL and names that there are not. */
const tern__text_network *tern__text_network_row(const char *name);

#endif
