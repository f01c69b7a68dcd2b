/* The door to the kernels of pairs; knows nothing of what the rows are. */
#include "pairs.h"
#include "core/kernels/kernels.h"
#include "core/kernels/pairs.h"

double tern__pairs_step(const tern_context *c, const tern__pair_steps *steps) {
    return c->kernels->pairs->steps(steps);
}
