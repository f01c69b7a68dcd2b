/* The tables of text's option structs (core/graph/options.h). Internal. */
#ifndef TERN_TEXT_OPTIONS_H
#define TERN_TEXT_OPTIONS_H

#include "core/graph/options.h"

extern const tern__options tern__text_options, tern__text_training, tern__vectors_training;

#endif
