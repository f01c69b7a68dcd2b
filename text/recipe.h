/* What text networks are trained with unless the caller says otherwise. Internal. */
#ifndef TERN_TEXT_RECIPE_H
#define TERN_TEXT_RECIPE_H

#include "core/base.h"
#include <tern/text_train.h>

/* The network's front end, before texts are read: fills in what is at its default in o->data. */
void tern__text_recipe_front_end(tern_text_train_options *o);
/* Fills in what is 0 in o->train, for this number of texts to train on. */
void tern__text_recipe_train(tern_text_train_options *o, int64_t texts);

#endif
