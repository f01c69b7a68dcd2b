/* What networks of masks are trained with unless the caller says otherwise. Internal. */
#ifndef TERN_VISION_RECIPE_H
#define TERN_VISION_RECIPE_H

#include "core/base.h"
#include <tern/vision_train.h>

/* Are the pictures brought to one size (else cropped)? Fills in o->data's crop or size, for
 * pictures of one size width x height (0: of several). multiple: of the network. */
void tern__vision_recipe_window(tern_vision_train_options *o, int width, int height,
                                int64_t multiple);
/* How many crops of each picture make an epoch, where o->data does not say. */
void tern__vision_recipe_crops(tern_vision_train_options *o, int64_t pictures);
/* Fills in what is 0 in o->train, for this number of samples an epoch. */
void tern__vision_recipe_train(tern_vision_train_options *o, int64_t samples);
/* How pictures are varied: the recipe's way, changed by o->augmentation. */
tern_status tern__vision_recipe_augmentation(tern_vision_augmentation *a, tern_context *c,
                                             const tern_vision_train_options *o);
/* The loss of this name (NULL: the default), and the target that it needs. borders: pixels have
 * weights besides whether they count. */
tern_status tern__vision_recipe_loss(tern_loss_options *loss, tern_vision_target *target,
                                     tern_context *c, const char *name, int classes, bool borders);

#endif
