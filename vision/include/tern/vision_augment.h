/* Augmentation: pictures varied at random, and their masks with them. Mirror, turn, rotation,
 * shift, scale and shear are one affine map, an elastic displacement comes on top, and each pixel
 * is looked up once: bilinear in the picture, nearest in the mask. Then light, colour, blur, noise
 * and cut-outs change the picture alone. (Mixup and cutmix are tern_train_options'.) */
#ifndef TERN_VISION_AUGMENT_H
#define TERN_VISION_AUGMENT_H

#include <tern/vision.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How training varies a picture each time it sees it. All zero: not at all. U is uniform in
 *  [-1, 1]. */
typedef struct tern_vision_augmentation {
    double mirror;  /**< probability of left-right, 0..1 */
    double flip;    /**< probability of top-bottom, 0..1 */
    double turn;    /**< probability of a quarter, half or three-quarter turn, 0..1 */
    double rotate;  /**< degrees: U rotate, 0..180 */
    double shift;   /**< share of the width and of the height, U shift each, 0..1 */
    double scale;   /**< size times exp(U scale), 0..2 */
    double stretch; /**< width times exp(U stretch), height divided by it, 0..1 */
    double shear;   /**< degrees, U shear, 0..60 */
    double crop;    /**< the view shows a window of itself, each side a share uniform in 1 - crop..1
                         of its own, anywhere inside, enlarged to it, 0..0.95 (random crops as
                         Szegedy et al. 2015 have them, but for the choice of sides) */
    double elastic; /**< pixels, standard deviation of the displacement (Simard et al. 2003),
                         0..100 */
    double elastic_sigma; /**< pixels, how smooth the displacement is; 0: 10 */
    double brightness;    /**< U brightness is added (1: white), 0..1 */
    double contrast;      /**< times exp(U contrast) around the picture's mean, 0..2 */
    double gamma;         /**< to the power exp(U gamma), 0..2 */
    double saturation;    /**< distance from grey times exp(U saturation), RGB only, 0..2 */
    double hue;           /**< degrees around the grey axis, U hue, RGB only, 0..180 */
    double noise; /**< standard deviation of normal noise, itself uniform in 0..noise, 0..1 */
    double blur;  /**< pixels, sigma of a Gaussian, itself uniform in 0..blur, 0..20 */
    int cutout; /**< so many rectangles of the picture (not of the mask) are set to its mean, 0..100
                     (DeVries & Taylor 2017) */
    double cutout_size; /**< their sides, uniform up to this share of the picture's; 0: 0.25 */
    /** Pixels by which the masks as drawn lie right of and below what they mark, -10..10. Turned
     * and mirrored pictures then get masks that lie off by as much in the same direction, so that a
     * network can learn to draw as the masks are drawn. */
    double mask_x, mask_y;
    tern_border border; /**< what moves in from outside; reflect unless said otherwise. Masks take
                           the same pixels; constant: black, and mask pixels that do not count */
} tern_vision_augmentation;

/** Reads "rotate=15,scale=0.2,mirror=0.5,border=edge" into *augmentation, of which other parts stay
 * as they are; "none" makes all zero. Errors: TERN_ERR_ARGUMENT for an unknown part (naming those
 * that there are), something that is no number, or a value out of its range; *augmentation is
 * untouched. */
TERN_API tern_status tern_vision_augmentation_parse(tern_vision_augmentation *augmentation,
                                                    tern_context *context, const char *text);
/** Writes it in that form, parts that are 0 left out; all zero (here and below NULL as well) is
 * "none". The caller frees *text with tern_free. */
TERN_API tern_status tern_vision_augmentation_text(char **text, tern_context *context,
                                                   const tern_vision_augmentation *augmentation);
/** Errors: TERN_ERR_ARGUMENT naming the first part that is out of its range. */
TERN_API tern_status tern_vision_augmentation_check(tern_context *context,
                                                    const tern_vision_augmentation *augmentation);

/** One variation of a picture, as training would see it: same seed, same result. mask and out_mask
 * are both NULL, or a picture of class numbers (1 channel, 8 bits) of the same size and where to
 * put its variation; 255 in it are pixels that do not count. Alpha is dropped. */
TERN_API tern_status tern_vision_augment(tern_image *out, tern_image *out_mask,
                                         const tern_image *in, const tern_image *mask,
                                         const tern_vision_augmentation *augmentation,
                                         uint64_t seed);

/** An affine map from places in the output to places in the input: x' = m[0] x + m[1] y + m[2],
 *  y' = m[3] x + m[4] y + m[5], where the centre of the upper left pixel is (0, 0). */
typedef struct tern_affine {
    double m[6];
} tern_affine;

/** The map that makes the input appear rotated by rotate degrees counter-clockwise, sheared by
 * shear degrees along x, scaled by scale_x and scale_y (negative: mirrored), all around the middle
 * of width x height, and then shifted by shift_x, shift_y pixels. Errors: TERN_ERR_ARGUMENT for a
 * scale of 0, a shear of 90 degrees or more, or a number that is not finite. */
TERN_API tern_status tern_affine_make(tern_affine *map, tern_context *context, int width,
                                      int height, double rotate, double shear, double scale_x,
                                      double scale_y, double shift_x, double shift_y);
/** out pixel (x, y) is the input's value at map(x, y) + (dx, dy)[y][x]; filter bilinear or nearest
 * (ties go up). dx, dy [height][width] in pixels, both may be NULL. */
TERN_API tern_status tern_image_warp(tern_image *out, const tern_image *in, int width, int height,
                                     const tern_affine *map, const float *dx, const float *dy,
                                     tern_border border, tern_filter filter);
/** A smooth random field [height][width]: white noise under a Gaussian of sigma pixels (cut at 3
 *  sigma, reflected at the edges), scaled to the standard deviation `deviation`. field is the
 *  caller's. Errors: TERN_ERR_ARGUMENT for sigma outside 0..1000. */
TERN_API tern_status tern_vision_elastic_field(tern_context *context, float *field, int width,
                                               int height, double sigma, double deviation,
                                               uint64_t seed);

#ifdef __cplusplus
}
#endif
#endif
