/* What training needs of the networks for sound beyond their public header. Internal. */
#ifndef TERN_AUDIO_NETWORKS_H
#define TERN_AUDIO_NETWORKS_H

#include <tern/audio_network.h>

/* Makes of a network that was built with `apart` one that gives the mean of its members' logits. */
void tern__audio_network_join(tern_graph *graph);

#endif
