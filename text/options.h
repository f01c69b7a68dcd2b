/* The tables of text's option structs (core/options.h). Internal. */
#ifndef TERN_TEXT_OPTIONS_H
#define TERN_TEXT_OPTIONS_H

#include "core/options.h"

extern const tern__options tern__text_options, tern__text_training, tern__vectors_training;

#endif
