/* The attributes of Conv and the convolution they describe, for Conv itself and for what the plan
 * fuses it into. */
#ifndef TERN_OPS_CONV_H
#define TERN_OPS_CONV_H

#include "convolution_step.h"

typedef struct tern__conv_attributes {
    tern__window_attributes window;
    int64_t group;
} tern__conv_attributes;

/* The convolution of a step with Conv's attributes and inputs, not prepared yet. */
tern__convolution tern__conv_of_step(const tern__step *s);

#endif
