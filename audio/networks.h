/* What training needs of the networks for sound beyond their public header. Internal. */
#ifndef TERN_AUDIO_NETWORKS_H
#define TERN_AUDIO_NETWORKS_H

#include <tern/audio_network.h>

/* Gives a network the weights of the same network that was built with `apart`. */
void tern__audio_network_join(tern_graph *joined, const tern_graph *apart);

#endif
