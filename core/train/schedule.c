/* Learning rate schedules in closed form, so that a resumed run needs no more than the step's
 * number. They agree with PyTorch's LinearLR, StepLR, CosineAnnealingLR, OneCycleLR (cos) and
 * ReduceLROnPlateau (min, rel). */
#include "schedule.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

static double with_default(double value, double fallback) {
    return value == 0 ? fallback : value < 0 ? 0 : value;
}

static tern_status refuse(tern_context *c, const char *name, double value, const char *rule) {
    return tern__fail(c, TERN_ERR_ARGUMENT, "schedule: %s is %g; it must be %s", name, value, rule);
}

static tern_status check_options(tern_context *c, const tern_schedule_options *o, double rate) {
    if ((int)o->kind < 0 || o->kind > TERN_SCHEDULE_PLATEAU)
        return tern__fail(c, TERN_ERR_ARGUMENT, "schedule: there is no kind %d", (int)o->kind);
    if (!(o->warmup_epochs >= 0)) return refuse(c, "warmup_epochs", o->warmup_epochs, "0 or more");
    if (o->kind == TERN_SCHEDULE_ONE_CYCLE && o->warmup_epochs > 0)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "schedule: one-cycle has its own warm-up; warmup_epochs must be 0");
    if (!(o->warmup_start <= 1)) return refuse(c, "warmup_start", o->warmup_start, "at most 1");
    if (!(o->gamma <= 1)) return refuse(c, "gamma", o->gamma, "at most 1");
    if (o->step_epochs < 1) return refuse(c, "step_epochs", o->step_epochs, "1 or more");
    if (!(o->minimum >= 0 && o->minimum <= rate))
        return refuse(c, "minimum", o->minimum, "between 0 and the learning rate");
    if (!(o->rise < 1)) return refuse(c, "rise", o->rise, "between 0 and 1");
    if (!(o->start_divisor >= 1)) return refuse(c, "start_divisor", o->start_divisor, "1 or more");
    if (!(o->end_divisor >= 1)) return refuse(c, "end_divisor", o->end_divisor, "1 or more");
    if (!(o->base_momentum < 1)) return refuse(c, "base_momentum", o->base_momentum, "below 1");
    if (!(o->maximum_momentum < 1))
        return refuse(c, "maximum_momentum", o->maximum_momentum, "below 1");
    if (!(o->plateau_threshold < 1))
        return refuse(c, "plateau_threshold", o->plateau_threshold, "below 1");
    if (o->plateau_cooldown < 0)
        return refuse(c, "plateau_cooldown", o->plateau_cooldown, "0 or more");
    return TERN_OK;
}

tern_status tern__schedule_make(tern__schedule *s, tern_context *c,
                                const tern_schedule_options *options, double rate, int epochs,
                                int64_t epoch_steps) {
    tern_schedule_options o = *options;
    o.warmup_start = with_default(o.warmup_start, 0.01);
    o.gamma = with_default(o.gamma, 0.1);
    o.step_epochs = o.step_epochs ? o.step_epochs : 30;
    o.rise = with_default(o.rise, 0.3);
    o.start_divisor = with_default(o.start_divisor, 25);
    o.end_divisor = with_default(o.end_divisor, 1e4);
    o.base_momentum = with_default(o.base_momentum, 0.85);
    o.maximum_momentum = with_default(o.maximum_momentum, 0.95);
    o.plateau_patience = (int)with_default(o.plateau_patience, 10);
    o.plateau_threshold = with_default(o.plateau_threshold, 1e-4);
    tern_status st = check_options(c, &o, rate);
    if (st != TERN_OK) return st;
    *s = (tern__schedule){.options = o,
                          .rate = rate,
                          .steps = epochs * epoch_steps,
                          .epoch_steps = epoch_steps,
                          .factor = 1,
                          .best = NAN};
    return TERN_OK;
}

/* From start to end, share 0..1 of the way, along half a cosine. */
static double anneal(double start, double end, double share) {
    return end + (start - end) / 2 * (cos(pi * share) + 1);
}

/* Where a step lies in a cycle: the share of the rise, or with *falling the share of the fall.
 * PyTorch puts the peak at step rise * steps - 1, which need not be whole. */
static double cycle_share(const tern__schedule *s, int64_t step, bool *falling) {
    double peak = s->options.rise * (double)s->steps - 1, last = (double)s->steps - 1;
    *falling = (double)step > peak;
    if (!*falling) return peak > 0 ? (double)step / peak : 1;
    return last > peak ? ((double)step - peak) / (last - peak) : 1;
}

static double one_cycle(const tern__schedule *s, int64_t step, double start, double peak,
                        double end) {
    bool falling;
    double share = cycle_share(s, step, &falling);
    return falling ? anneal(peak, end, share) : anneal(start, peak, share);
}

static double after_warmup(const tern__schedule *s, int64_t step, int64_t warmup) {
    const tern_schedule_options *o = &s->options;
    switch (o->kind) {
    case TERN_SCHEDULE_STEP:
        return s->rate * pow(o->gamma, (double)(step / s->epoch_steps / o->step_epochs));
    case TERN_SCHEDULE_COSINE: {
        int64_t steps = s->steps - warmup;
        return anneal(s->rate, o->minimum, (double)(step - warmup) / (double)steps);
    }
    case TERN_SCHEDULE_PLATEAU:
        return fmax(s->rate * s->factor, fmin(s->rate, o->minimum));
    default:
        return s->rate;
    }
}

double tern__schedule_rate(const tern__schedule *s, int64_t step) {
    const tern_schedule_options *o = &s->options;
    if (o->kind == TERN_SCHEDULE_ONE_CYCLE) {
        double start = s->rate / o->start_divisor;
        return one_cycle(s, step, start, s->rate, start / o->end_divisor);
    }
    int64_t warmup = llround(o->warmup_epochs * (double)s->epoch_steps);
    if (warmup >= s->steps) warmup = s->steps;
    if (step >= warmup) return after_warmup(s, step, warmup);
    double share = (double)step / (double)warmup;
    return s->rate * (o->warmup_start + (1 - o->warmup_start) * share);
}

double tern__schedule_momentum(const tern__schedule *s, int64_t step, double fallback) {
    const tern_schedule_options *o = &s->options;
    if (o->kind != TERN_SCHEDULE_ONE_CYCLE || !o->cycle_momentum) return fallback;
    return one_cycle(s, step, o->maximum_momentum, o->base_momentum, o->maximum_momentum);
}

void tern__schedule_epoch(tern__schedule *s, double loss) {
    const tern_schedule_options *o = &s->options;
    if (o->kind != TERN_SCHEDULE_PLATEAU) return;
    if (isnan(s->best) ? isfinite(loss) : loss < s->best * (1 - o->plateau_threshold)) {
        s->best = loss;
        s->bad_epochs = 0;
    } else {
        s->bad_epochs++;
    }
    if (s->cooldown > 0) {
        s->cooldown--;
        s->bad_epochs = 0;
    }
    if (s->bad_epochs > o->plateau_patience) {
        s->factor *= o->gamma;
        s->cooldown = o->plateau_cooldown;
        s->bad_epochs = 0;
    }
}
