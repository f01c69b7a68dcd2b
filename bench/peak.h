/* What this machine's multiply-add units can do, measured now: the yardstick of the benchmarks. */
#ifndef TERN_BENCH_PEAK_H
#define TERN_BENCH_PEAK_H

#include "core/base/base.h"

double bench_now(void); /* seconds, monotonic */
/* GFLOP/s of independent multiply-adds in registers at the context's level, on its threads: the
 * best of several short runs. */
double bench_peak(const tern_context *c);

#endif
