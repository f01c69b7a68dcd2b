/* Augmentation as its users see it: settings as text, their ranges, and one variation of a picture.
 * What is drawn and done: vary.c. */
#include "options.h"
#include "vary.h"

#include "core/base/arithmetic.h"

#define PART(name, most) TERN__REAL_OPTION(tern_vision_augmentation, name, 0, most)
#define EITHER_WAY(name, most) TERN__REAL_OPTION(tern_vision_augmentation, name, -(most), most)
static const char *const borders[] = {"reflect", "constant", "edge", "wrap", NULL};
static const tern__option parts[] = {
    PART(mirror, 1),
    PART(flip, 1),
    PART(turn, 1),
    PART(rotate, 180),
    PART(shift, 1),
    PART(scale, 2),
    PART(stretch, 1),
    PART(shear, 60),
    PART(crop, 0.95),
    PART(elastic, 100),
    PART(elastic_sigma, 1000),
    PART(brightness, 1),
    PART(contrast, 2),
    PART(gamma, 2),
    PART(saturation, 2),
    PART(hue, 180),
    PART(noise, 1),
    PART(blur, 20),
    TERN__INT_OPTION(tern_vision_augmentation, cutout, 0, 100),
    PART(cutout_size, 1),
    EITHER_WAY(mask_x, 10),
    EITHER_WAY(mask_y, 10),
    TERN__CHOICE_OPTION(tern_vision_augmentation, border, borders)};
const tern__options tern__vision_augmentation =
    TERN__OPTIONS("augmentation", tern_vision_augmentation, parts, NULL, NULL);

static const tern_vision_augmentation nothing;

tern_status tern_vision_augmentation_check(tern_context *c, const tern_vision_augmentation *a) {
    return a ? tern__options_check(&tern__vision_augmentation, c, a) : TERN_OK;
}

bool tern__vision_augmentation_varies(const tern_vision_augmentation *a) {
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!parts[i].choices && tern__option_get(&parts[i], a) != 0) return true;
    return false;
}

tern_status tern_vision_augmentation_parse(tern_vision_augmentation *augmentation, tern_context *c,
                                           const char *text) {
    tern_vision_augmentation a = *augmentation;
    const tern_status st = tern__options_from_text(&tern__vision_augmentation, &a, c, text);
    if (st == TERN_OK) *augmentation = a;
    return st;
}

tern_status tern_vision_augmentation_text(char **text, tern_context *c,
                                          const tern_vision_augmentation *a) {
    return tern__options_to_text(&tern__vision_augmentation, text, c, a ? a : &nothing);
}

/* ---- one picture ---- */

static tern_status check_mask(const tern_image *in, const tern_image *mask) {
    tern_context *c = in->context;
    if (mask->channels != 1 || mask->bits != 8)
        return tern__fail(c, TERN_ERR_SHAPE,
                          "a mask of %d channels of %d bits; class numbers have 1 "
                          "channel of 8 bits",
                          mask->channels, mask->bits);
    if (mask->width != in->width || mask->height != in->height)
        return tern__fail(c, TERN_ERR_SHAPE, "the picture has %d x %d pixels, its mask %d x %d",
                          in->width, in->height, mask->width, mask->height);
    return TERN_OK;
}

tern_status tern_vision_augment(tern_image *out, tern_image *out_mask, const tern_image *in,
                                const tern_image *mask, const tern_vision_augmentation *a,
                                uint64_t seed) {
    tern_context *c = in->context;
    const bool masked = mask && out_mask;
    tern_image colours = {0};
    float *planes = NULL, *scratch = NULL;
    *out = (tern_image){0};
    if (out_mask) *out_mask = (tern_image){0};
    if (!a) a = &nothing;
    tern_status st = tern_vision_augmentation_check(c, a);
    if (st == TERN_OK && !mask != !out_mask)
        st = tern__fail(c, TERN_ERR_ARGUMENT, "a mask and where to put it must both be given");
    if (st == TERN_OK && masked) st = check_mask(in, mask);
    if (st == TERN_OK && in->palette) st = tern_image_convert(&colours, in, 3, 8);
    if (st != TERN_OK) return st;
    if (in->palette) in = &colours;
    const int channels = in->channels < 3 ? 1 : 3;
    const size_t plane = (size_t)in->width * (size_t)in->height;
    st = TERN_ERR_MEMORY;
    if (!(planes = tern__alloc(c, plane * (size_t)channels * sizeof *planes))) goto done;
    scratch = tern__alloc(c, tern__vary_view_scratch(a, in->width, in->height) * sizeof *scratch);
    if (!scratch) goto done;
    if (masked && (st = tern_image_create(out_mask, c, in->width, in->height, 1, 8)) != TERN_OK)
        goto done;
    const tern__view view = {in,
                             masked ? mask->data : NULL,
                             NULL,
                             (in->width - 1) / 2.0,
                             (in->height - 1) / 2.0,
                             in->width,
                             in->height};
    tern__random random = tern__random_make(seed, 0);
    tern__vary_view(a, &random, &view, 255, planes, masked ? out_mask->data : NULL, NULL, scratch);
    st = tern_image_from_floats(out, c, planes, channels, in->width, in->height, in->bits);
done:
    if (st != TERN_OK && out_mask) tern_image_free(out_mask);
    tern__free(c, scratch);
    tern__free(c, planes);
    tern_image_free(&colours);
    return st;
}
