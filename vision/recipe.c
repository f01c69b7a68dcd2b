/* The recipes: what the network sees, how long and how fast it is trained, how pictures vary, which
 * loss. Numbers only. */
#include "recipe.h"

#include "core/choices.h"
#include "core/training.h"

#include <math.h>

enum {
    CROP = 128,          /* side of a crop */
    SIZE = 192,          /* side that pictures of several sizes are brought to */
    EPOCH_SAMPLES = 160, /* an epoch of crops has about so many */
};

typedef struct recipe {
    double samples_seen;
    tern_vision_augmentation augmentation;
} recipe;

/* Crops of pictures of one scale without an up and down: microscopy, retinas, aerial views. */
static const recipe crops = {
    8000,
    {.mirror = 0.5, .flip = 0.5, .turn = 0.75, .scale = 0.1, .rotate = 10, .brightness = 0.05,
     .contrast = 0.15, .gamma = 0.1}};
/* Whole photos of things. */
static const recipe photos = {
    9000,
    {.mirror = 0.5, .rotate = 10, .shift = 0.08, .scale = 0.2, .stretch = 0.1, .brightness = 0.1,
     .contrast = 0.2, .saturation = 0.3, .hue = 15}};

static const recipe *choose(const tern_vision_train_options *o) {
    return o->data.width ? &photos : &crops;
}

static int round_up(int value, int64_t to) { return (int)((value + to - 1) / to * to); }

void tern__vision_recipe_window(tern_vision_train_options *o, int width, int height,
                                int64_t multiple) {
    tern_vision_dataset_options *d = &o->data;
    d->multiple = (int)multiple;
    if (d->width && !d->crop_width) return;
    if (!d->width && !d->crop_width && !width) {
        d->width = d->height = round_up(SIZE, multiple);
        return;
    }
    if (!d->crop_width) {
        d->crop_width = width < CROP ? width : CROP;
        d->crop_height = height < CROP ? height : CROP;
    }
    d->crop_width = round_up(d->crop_width, multiple);
    d->crop_height = round_up(d->crop_height, multiple);
}

void tern__vision_recipe_crops(tern_vision_train_options *o, int64_t pictures) {
    if (o->data.crops) return;
    o->data.crops =
        o->data.crop_width ? (int)fmax(1, round((double)EPOCH_SAMPLES / (double)pictures)) : 1;
}

void tern__vision_recipe_train(tern_vision_train_options *o, int64_t samples) {
    const tern__recipe r = {.samples_seen = choose(o)->samples_seen,
                            .fewest_epochs = 10,
                            .most_epochs = 200,
                            .batch = 8,
                            .learning_rate = 4e-3,
                            .weight_decay = 0.01,
                            .ema = 0.99,
                            .schedule = TERN_SCHEDULE_ONE_CYCLE,
                            .drop_short = true};
    tern__recipe_fill(&o->train, &r, samples);
}

tern_status tern__vision_recipe_augmentation(tern_vision_augmentation *a, tern_context *c,
                                             const tern_vision_train_options *o) {
    *a = (tern_vision_augmentation){0};
    if (!o->no_augmentation) *a = choose(o)->augmentation;
    return o->augmentation ? tern_vision_augmentation_parse(a, c, o->augmentation) : TERN_OK;
}

/* ---- losses ---- */

/* Cross-entropy is a kind for one logit and another for one a class; the others are told by the
 * target. */
static const struct named_loss {
    const char *name;
    tern_loss_kind kind;
} losses[] = {
    {"ce+dice", TERN_LOSS_CROSS_ENTROPY_DICE}, /* the default */
    {"ce", TERN_LOSS_SOFTMAX_CROSS_ENTROPY},
    {"dice", TERN_LOSS_DICE},
    {"focal", TERN_LOSS_FOCAL},
    {"tversky", TERN_LOSS_TVERSKY},
    {"lovasz", TERN_LOSS_LOVASZ},
};
enum { LOSSES = sizeof losses / sizeof *losses };

const char *tern_vision_loss_name(size_t index) {
    return index < LOSSES ? losses[index].name : NULL;
}

tern_status tern__vision_recipe_loss(tern_loss_options *loss, tern_vision_target *target,
                                     tern_context *c, const char *name, int classes, bool borders) {
    const struct named_loss *found = tern__choice_find(TERN__CHOICES(losses), name);
    char names[200];
    if (!found)
        return tern__fail(c, TERN_ERR_ARGUMENT, "there is no loss '%s'; there are %s", name,
                          tern__choice_names(TERN__CHOICES(losses), names, sizeof names));
    if (borders && found->kind == TERN_LOSS_LOVASZ)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "border_weight has no part in the loss 'lovasz', which knows only whether "
                          "a pixel counts; take another loss");
    loss->kind = found->kind;
    loss->weighted = classes == 2 || borders; /* one logit: 0 where a pixel does not count */
    if (classes == 2 && loss->kind == TERN_LOSS_SOFTMAX_CROSS_ENTROPY)
        loss->kind = TERN_LOSS_BINARY_CROSS_ENTROPY;
    *target = loss->weighted ? TERN_VISION_TARGET_WEIGHTED : TERN_VISION_TARGET_CLASSES;
    return TERN_OK;
}
