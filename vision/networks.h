/* What training needs of the networks for pixels beyond their public header. Internal. */
#ifndef TERN_VISION_NETWORKS_H
#define TERN_VISION_NETWORKS_H

#include "core/task/train.h"
#include <tern/vision_augment.h>
#include <tern/vision_network.h>

/* How a network is trained: how long, how fast, with which variation of the pictures. */
typedef struct tern__vision_recipe {
    tern__recipe train;
    tern_vision_augmentation augmentation;
} tern__vision_recipe;

typedef struct tern__vision_network {
    const char *name, *summary;
    int64_t width, depth;
    tern_value (*build)(tern_value x, const tern_vision_network_options *o);
    const tern__vision_recipe *crops;  /* of pictures of one scale */
    const tern__vision_recipe *photos; /* brought to one size */
} tern__vision_network;

/* The network of this name; the first for NULL and names that there are not. */
const tern__vision_network *tern__vision_network_row(const char *name);

#endif
