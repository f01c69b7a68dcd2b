/* Learning rates (and momenta) over the steps of a run. Pure arithmetic; knows no weights. */
#ifndef TERN_CORE_SCHEDULE_H
#define TERN_CORE_SCHEDULE_H

#include "core/base/base.h"
#include <tern/train.h>

typedef struct tern__schedule {
    tern_schedule_options options; /* complete */
    double rate;                   /* the optimiser's learning rate */
    int64_t steps, epoch_steps;    /* in all; in one epoch */
    /* Plateau only, changed by tern__schedule_epoch. */
    double factor, best; /* best: NaN at first */
    int bad_epochs, cooldown;
} tern__schedule;

/* Fills in defaults; TERN_ERR_ARGUMENT for what is out of range. epochs, epoch_steps >= 1. */
tern_status tern__schedule_make(tern__schedule *s, tern_context *c,
                                const tern_schedule_options *options, double rate, int epochs,
                                int64_t epoch_steps);
/* The learning rate of step number `step`, from 0. */
double tern__schedule_rate(const tern__schedule *s, int64_t step);
/* The momentum of that step; `fallback` where the schedule does not change it. */
double tern__schedule_momentum(const tern__schedule *s, int64_t step, double fallback);
/* After an epoch: its validation loss (training loss without validation). Plateau only. */
void tern__schedule_epoch(tern__schedule *s, double loss);

#endif
