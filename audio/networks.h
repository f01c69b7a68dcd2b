/* What training needs of the networks for sound beyond their public header. Internal. */
#ifndef TERN_AUDIO_NETWORKS_H
#define TERN_AUDIO_NETWORKS_H

#include "core/task/train.h"
#include <tern/audio_dataset.h>
#include <tern/audio_network.h>

/* How a network is trained: how long, how fast, with which variation of the clips. */
typedef struct tern__audio_recipe {
    tern__recipe train;
    tern_audio_augmentation augmentation;
} tern__audio_recipe;

typedef struct tern__audio_network {
    const char *name, *summary;
    bool waveform;
    bool brief; /* the default for short windows */
    double dropout;
    int members;                                  /* networks whose logits are averaged */
    tern_value (*view)(tern_value x, int member); /* what a member sees of the input; NULL: all */
    tern_value (*build)(tern_value x, const tern_audio_network_options *o);
    const tern__audio_recipe *recipes[2]; /* of long and of short windows */
} tern__audio_network;

/* The network of this name, among those that take samples (waveform) or features. NULL: the default
 * for long or short windows; another name: the first. */
const tern__audio_network *tern__audio_network_row(const char *name, bool waveform, bool brief);
/* Makes of a network that was built with `apart` one that gives the mean of its members' logits. */
void tern__audio_network_join(tern_graph *graph);

#endif
