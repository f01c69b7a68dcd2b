/* First values of weights. */
#ifndef TERN_CORE_INITIALIZE_H
#define TERN_CORE_INITIALIZE_H

#include "graph.h"

/* Fills x, a weight of this shape and name. */
tern_status tern__initialize(tern_context *c, float *x, const tern__shape *shape, const char *name,
                             uint64_t seed, tern_initializer how);

#endif
