/* What sound networks are trained with unless the caller says otherwise. Internal. */
#ifndef TERN_AUDIO_RECIPE_H
#define TERN_AUDIO_RECIPE_H

#include "core/base.h"
#include <tern/audio_train.h>

/* Fills in what is 0 in o->train, for this number of clips to train on. seconds: of the window.
 * o->data.waveform says what the network reads. */
void tern__recipe_train(tern_audio_train_options *o, double seconds, int64_t clips);
/* The network for windows of so many seconds, where o->network does not say. */
const char *tern__recipe_network(const tern_audio_train_options *o, double seconds);
/* How clips are varied: the recipe's way, changed by o->augmentation ("gain=6,pitch=0"). */
tern_status tern__recipe_augmentation(tern_audio_augmentation *a, tern_context *c,
                                      const tern_audio_train_options *o, double seconds);

#endif
