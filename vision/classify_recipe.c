/* The recipe for classifiers of pictures: how long, how fast and with which variation. Numbers
 * only. */
#include "classify.h"

#include "core/training.h"

#include <math.h>
#include <string.h>

/* LeNet and the older ones without normalisation, and those with it. */
static const tern__recipe classic = {.samples_seen = 480000,
                                     .fewest_epochs = 8,
                                     .most_epochs = 100,
                                     .batch = 64,
                                     .learning_rate = 3e-3,
                                     .weight_decay = 0.01,
                                     .ema = 0.999,
                                     .schedule = TERN_SCHEDULE_ONE_CYCLE,
                                     .drop_short = true};
static const tern__recipe residual = {.samples_seen = 600000,
                                      .fewest_epochs = 10,
                                      .most_epochs = 100,
                                      .batch = 64,
                                      .learning_rate = 6e-3,
                                      .weight_decay = 0.02,
                                      .label_smoothing = 0.05,
                                      .ema = 0.999,
                                      .schedule = TERN_SCHEDULE_ONE_CYCLE,
                                      .drop_short = true};
/* What digits, things and photos bear alike; mirroring is not among it, since a mirrored 2 is no 2.
 */
static const tern_vision_augmentation gentle = {.rotate = 8,
                                                .shift = 0.07,
                                                .scale = 0.1,
                                                .stretch = 0.05,
                                                .shear = 5,
                                                .border = TERN_BORDER_EDGE};

/* Deep stacks without normalisation bear a tenth of the rate. */
static double rate_of(const tern_vision_classifier_train_options *o, double rate) {
    const char *name = o->network ? o->network : "";
    const bool deep = !strncmp(name, "vgg", 3) || !strncmp(name, "alexnet", 7) ||
                      !strcmp(name, "googlenet") || strstr(name, "-plain");
    return deep && !strstr(name, "-bn") ? rate / 10 : rate;
}

void tern__class_recipe(tern_vision_classifier_train_options *o, int64_t pictures) {
    tern__recipe r = o->network && !strcmp(o->network, "lenet") ? classic : residual;
    tern_train_options *t = &o->train;
    const bool ema_given = t->optimizer.ema != 0;
    r.learning_rate = rate_of(o, r.learning_rate);
    tern__recipe_fill(t, &r, pictures);
    /* Averages over a third of training at most: short runs forget faster. */
    const double steps = (double)t->epochs * (double)(pictures / t->batch + 1);
    if (!ema_given) t->optimizer.ema = fmin(r.ema, 1 - 3 / fmax(steps, 30));
    if (t->loss.auxiliary == 0)
        t->loss.auxiliary = 0.3; /* Szegedy et al. 2015; others have no such outputs */
}

tern_status tern__class_recipe_augmentation(tern_vision_augmentation *a, tern_context *c,
                                            const tern_vision_classifier_train_options *o) {
    *a = o->no_augmentation ? (tern_vision_augmentation){0} : gentle;
    return o->augmentation ? tern_vision_augmentation_parse(a, c, o->augmentation) : TERN_OK;
}
