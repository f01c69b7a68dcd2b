/* The tables of vision's option structs (core/graph/options.h). Internal. */
#ifndef TERN_VISION_OPTIONS_H
#define TERN_VISION_OPTIONS_H

#include "core/graph/options.h"

extern const tern__options tern__vision_augmentation, tern__vision_training,
    tern__vision_classifier_training;

#endif
