/* Operators that only a plan puts into a network; no file names them. */
#ifndef TERN_OPS_INSERTED_H
#define TERN_OPS_INSERTED_H

#include "core/graph/op.h"

extern const tern__op tern__op_relayout; /* the same value in the other layout */
extern const tern__op tern__op_conv_max; /* Conv and the maximum over all of L */

#endif
