/* The recipe for classifiers of pictures: how long, how fast and with which variation. Numbers
 * only. */
#include "classify.h"

#include <math.h>
#include <string.h>

typedef struct recipe {
    double pictures_seen; /* in all: the epochs follow from the number of pictures */
    int fewest_epochs, most_epochs;
    int64_t batch;
    double learning_rate, weight_decay, label_smoothing, ema;
} recipe;

/* LeNet and the older ones without normalisation, and those with it. */
static const recipe classic = {.pictures_seen = 480000,
                               .fewest_epochs = 8,
                               .most_epochs = 100,
                               .batch = 64,
                               .learning_rate = 3e-3,
                               .weight_decay = 0.01,
                               .ema = 0.999};
static const recipe residual = {.pictures_seen = 600000,
                                .fewest_epochs = 10,
                                .most_epochs = 100,
                                .batch = 64,
                                .learning_rate = 6e-3,
                                .weight_decay = 0.02,
                                .label_smoothing = 0.05,
                                .ema = 0.999};
/* What digits, things and photos bear alike; mirroring is not among it, since a mirrored 2 is no 2.
 */
static const tern_vision_augmentation gentle = {.rotate = 8,
                                                .shift = 0.07,
                                                .scale = 0.1,
                                                .stretch = 0.05,
                                                .shear = 5,
                                                .border = TERN_BORDER_EDGE};

/* Deep stacks without normalisation bear a tenth of the rate. */
static double rate_of(const tern_vision_classifier_train_options *o, const recipe *r) {
    const char *name = o->network ? o->network : "";
    const bool deep = !strncmp(name, "vgg", 3) || !strncmp(name, "alexnet", 7) ||
                      !strcmp(name, "googlenet") || strstr(name, "-plain");
    return deep && !strstr(name, "-bn") ? r->learning_rate / 10 : r->learning_rate;
}

void tern__class_recipe(tern_vision_classifier_train_options *o, int64_t pictures) {
    const recipe *r = o->network && !strcmp(o->network, "lenet") ? &classic : &residual;
    tern_train_options *t = &o->train;
    tern_optimizer_options *p = &t->optimizer;
    if (!t->epochs)
        t->epochs = (int)fmin(r->most_epochs,
                              fmax(r->fewest_epochs, round(r->pictures_seen / (double)pictures)));
    if (!t->batch) t->batch = pictures < 4 * r->batch ? (pictures + 3) / 4 : r->batch;
    /* A short last batch has poor statistics for BatchNormalization. */
    t->drop_last = pictures > t->batch && pictures % t->batch < t->batch / 2;
    if (p->kind == TERN_OPTIMIZER_ADAMW && p->learning_rate == 0) p->learning_rate = rate_of(o, r);
    if (p->weight_decay == 0) p->weight_decay = r->weight_decay;
    p->decay_matrices_only = true;
    /* Averages over a third of training at most: short runs forget faster. */
    const double steps = (double)t->epochs * (double)(pictures / t->batch + 1);
    if (p->ema == 0) p->ema = fmin(r->ema, 1 - 3 / fmax(steps, 30));
    if (t->schedule.kind == TERN_SCHEDULE_CONSTANT) t->schedule.kind = TERN_SCHEDULE_ONE_CYCLE;
    if (t->loss.label_smoothing == 0) t->loss.label_smoothing = r->label_smoothing;
    if (t->loss.auxiliary == 0)
        t->loss.auxiliary = 0.3; /* Szegedy et al. 2015; others have no such outputs */
}

tern_status tern__class_recipe_augmentation(tern_vision_augmentation *a, tern_context *c,
                                            const tern_vision_classifier_train_options *o) {
    *a = o->no_augmentation ? (tern_vision_augmentation){0} : gentle;
    return o->augmentation ? tern_vision_augmentation_parse(a, c, o->augmentation) : TERN_OK;
}
