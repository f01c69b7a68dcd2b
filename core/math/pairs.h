/* Learning from pairs of rows: stochastic gradient steps that make rows of two tables have a large
 * product where they go together and a small one where they do not. Internal; a domain's door to
 * kernels/pairs.h. Knows no words. */
#ifndef TERN_CORE_PAIRS_H
#define TERN_CORE_PAIRS_H

#include "core/kernels/pairs.h"

/* One thread's work; the rows that appear must not be used elsewhere meanwhile. */
double tern__pairs_step(const tern_context *c, const tern__pair_steps *steps);

#endif
