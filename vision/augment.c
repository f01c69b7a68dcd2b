/* Augmentation as its users see it: settings as text, their ranges, and one variation of a picture.
 * What is drawn and done: vary.c. */
#include "vary.h"

#include "core/arithmetic.h"
#include "core/choices.h"
#include "core/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct part {
    tern__setting setting;
    double least, most;
} part;

#define PART(name, most, whole)                                                                    \
    { TERN__SETTING(tern_vision_augmentation, name, whole), 0, most }
#define EITHER_WAY(name, most)                                                                     \
    { TERN__SETTING(tern_vision_augmentation, name, false), -(most), most }
static const part parts[] = {PART(mirror, 1, false),     PART(flip, 1, false),
                             PART(turn, 1, false),       PART(rotate, 180, false),
                             PART(shift, 1, false),      PART(scale, 2, false),
                             PART(stretch, 1, false),    PART(shear, 60, false),
                             PART(crop, 0.95, false),    PART(elastic, 100, false),
                             PART(elastic_sigma, 1000, false),
                             PART(brightness, 1, false), PART(contrast, 2, false),
                             PART(gamma, 2, false),      PART(saturation, 2, false),
                             PART(hue, 180, false),      PART(noise, 1, false),
                             PART(blur, 20, false),      PART(cutout, 100, true),
                             PART(cutout_size, 1, false),
                             EITHER_WAY(mask_x, 10),     EITHER_WAY(mask_y, 10)};
enum { PARTS = sizeof parts / sizeof *parts };
static const char *const borders[] = {"reflect", "constant", "edge", "wrap"};
enum { BORDERS = sizeof borders / sizeof *borders };

static const tern_vision_augmentation nothing;

tern_status tern_vision_augmentation_check(tern_context *c, const tern_vision_augmentation *a) {
    for (size_t i = 0; a && i < PARTS; i++) {
        const double value = tern__setting_get(a, &parts[i].setting);
        if (!(value >= parts[i].least && value <= parts[i].most))
            return tern__fail(c, TERN_ERR_ARGUMENT, "augmentation: %s is %g; it must be in %g..%g",
                              parts[i].setting.name, value, parts[i].least, parts[i].most);
    }
    if (a && (a->border < TERN_BORDER_REFLECT || a->border > TERN_BORDER_WRAP))
        return tern__fail(c, TERN_ERR_ARGUMENT, "augmentation: border number %d", (int)a->border);
    return TERN_OK;
}

bool tern__vision_augmentation_varies(const tern_vision_augmentation *a) {
    for (size_t i = 0; i < PARTS; i++)
        if (tern__setting_get(a, &parts[i].setting) != 0) return true;
    return false;
}

uint64_t tern__vision_augmentation_hash(uint64_t h, const tern_vision_augmentation *a) {
    unsigned char bytes[sizeof *a] = {0};
    tern__settings_copy(bytes, a, TERN__CHOICES(parts));
    memcpy(bytes + offsetof(tern_vision_augmentation, border), &a->border, sizeof a->border);
    return tern__hash(h, bytes, sizeof bytes);
}

/* ---- as text ---- */

static tern_status set_border(tern_vision_augmentation *a, tern_context *c, const char *name) {
    for (int i = 0; i < BORDERS; i++)
        if (!strcmp(name, borders[i])) {
            a->border = (tern_border)i;
            return TERN_OK;
        }
    return tern__fail(
        c, TERN_ERR_ARGUMENT,
        "augmentation: there is no border '%s'; there are reflect, constant, edge, wrap", name);
}

static tern_status set_part(tern_vision_augmentation *a, tern_context *c, char *item) {
    const tern__setting *s;
    double value;
    if (!strcmp(item, "none")) {
        *a = (tern_vision_augmentation){0};
        return TERN_OK;
    }
    if (!strncmp(item, "border=", 7)) return set_border(a, c, item + 7);
    tern_status st =
        tern__settings_read(&s, &value, c, "augmentation", TERN__CHOICES(parts), "border", item);
    if (st != TERN_OK) return st;
    const part *of = (const part *)s;
    if (!(value >= of->least && value <= of->most) || (s->whole && value != floor(value)))
        return tern__fail(c, TERN_ERR_ARGUMENT, "augmentation: %s is %g; it must be %s%g..%g",
                          s->name, value, s->whole ? "a whole number of " : "in ", of->least, of->most);
    tern__setting_set(a, s, value);
    return TERN_OK;
}

tern_status tern_vision_augmentation_parse(tern_vision_augmentation *augmentation, tern_context *c,
                                           const char *text) {
    tern_vision_augmentation a = *augmentation;
    char item[TERN__SETTING_ITEM];
    while (tern__settings_next(&text, item)) {
        tern_status st = set_part(&a, c, item);
        if (st != TERN_OK) return st;
    }
    *augmentation = a;
    return TERN_OK;
}

tern_status tern_vision_augmentation_text(char **text, tern_context *c,
                                          const tern_vision_augmentation *a) {
    char out[1024] = "";
    size_t used = 0;
    *text = NULL;
    if (!a) a = &nothing;
    tern_status st = tern_vision_augmentation_check(c, a);
    for (size_t i = 0; st == TERN_OK && i < PARTS; i++) {
        const double value = tern__setting_get(a, &parts[i].setting);
        if (value == 0) continue;
        json_t *number = value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
        char *digits;
        st = tern__json_dump(&digits, c, "an augmentation", number, JSON_REAL_PRECISION(15));
        json_decref(number);
        if (st == TERN_OK)
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%s=%s", used ? "," : "",
                                     parts[i].setting.name, digits);
        tern__free(c, digits);
    }
    if (st != TERN_OK) return st;
    if (a->border != TERN_BORDER_REFLECT)
        snprintf(out + used, sizeof out - used, "%sborder=%s", used ? "," : "", borders[a->border]);
    return (*text = tern__strdup(c, *out ? out : "none")) ? TERN_OK : TERN_ERR_MEMORY;
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
