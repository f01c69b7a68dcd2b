/* The tables of audio's option structs (core/graph/options.h). Internal. */
#ifndef TERN_AUDIO_OPTIONS_H
#define TERN_AUDIO_OPTIONS_H

#include "core/graph/options.h"

extern const tern__options tern__audio_options, tern__audio_augmentation, tern__audio_training;

#endif
