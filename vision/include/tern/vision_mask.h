/* Masks: a class for each pixel, with its probability where it is known; written as pictures, as
 * run lengths (Kaggle, COCO), as polygons and as COCO's JSON, and read back.
 *
 * Order here: the mask, pictures of it, run lengths, polygons, COCO files. */
#ifndef TERN_VISION_MASK_H
#define TERN_VISION_MASK_H

#include <tern/vision.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The label of pixels that do not count. */
#define TERN_MASK_IGNORED 255

/** A mask. All zero: none. */
typedef struct tern_mask {
    tern_context *context; /**< whose memory it is, and whose sentence when a call on it fails; of a
                                mask that a session made, the session's */
    int width, height;     /**< 1..65535 */
    int classes;           /**< 2..255; 2: background 0 and foreground 1 */
    uint8_t *labels;       /**< [height][width]: 0..classes-1, or TERN_MASK_IGNORED */
    int planes;            /**< 0: no probabilities; 1: of class 1 (classes is 2); or classes */
    float *probability;    /**< [planes][height][width], 0..1, or NULL */
    tern_context *held;    /**< the library's own: keeps a session's context; NULL in other masks */
} tern_mask;

/** Makes a mask of class 0 everywhere, with planes of probabilities (all 0) or none. Errors:
 *  TERN_ERR_LIMIT, TERN_ERR_ARGUMENT, TERN_ERR_MEMORY; *mask is all zero. */
TERN_API tern_status tern_mask_create(tern_mask *mask, tern_context *context, int width, int height,
                                      int classes, int planes);
/** Frees it and makes the struct all zero. NULL and an all-zero struct are allowed. */
TERN_API void tern_mask_free(tern_mask *mask);
/** Sets labels from probabilities: one plane: 1 where it is at least threshold; more: the first
 * greatest (threshold is not looked at). Pixels that are ignored stay so. Errors: TERN_ERR_ARGUMENT
 * without probabilities. */
TERN_API tern_status tern_mask_threshold(tern_mask *mask, double threshold);

/** How the numbers in a mask's file mean classes. */
typedef enum tern_mask_coding {
    TERN_MASK_AUTO,   /**< numbers where there is a palette with colours, or a grey value in 1..63
                           and none in 64..254; else binary */
    TERN_MASK_BINARY, /**< foreground where the grey value is at least half of white (where none is
                           above 1: where it is 1) */
    TERN_MASK_NUMBERS /**< colour numbers of a palette, or grey values, are class numbers; 255 does
                           not count */
} tern_mask_coding;

/** Reads a mask from a picture. classes 0: binary gives 2, numbers give the largest + 1 (at least
 * 2). Errors: those of tern_image_load; TERN_ERR_FORMAT for a value that is no class, with its
 * place. */
TERN_API tern_status tern_mask_load(tern_mask *mask, tern_context *context, const char *path,
                                    tern_mask_coding coding, int classes);

/** Makes background of the pixels where fov, a mask of the same size, is 0 or does not count: label
 * 0 and probability 0 (with a plane for each class: 1 for class 0). Errors: TERN_ERR_SHAPE if the
 * sizes differ, with the sentence in fov's context. */
TERN_API tern_status tern_mask_restrict(tern_mask *mask, const tern_mask *fov);
/** Which file of a folder (and what is below it) belongs to each of count pictures: the one of the
 * picture's name without folder and ending, perhaps with _mask and the like, as
 * tern_vision_dataset_open matches. Each of paths [count] is the caller's (tern_free). Errors:
 * TERN_ERR_FORMAT naming the picture that has none; TERN_ERR_IO; paths are NULL on failure. */
TERN_API tern_status tern_mask_find_files(char **paths, tern_context *context, const char *folder,
                                          const char *const *pictures, size_t count);

/* ---- pictures ---- */

/** The colour of a class, 0xRRGGBB: the palette that class masks are written with (class 0 black;
 * then clear colours that differ for eyes of every kind; repeated after 20). */
TERN_API uint32_t tern_mask_colour(int label);
/** Writes labels: two classes as grey 0/255 (1 bit of information, 8 bits deep), more as a PNG with
 *  palette. Ignored pixels: 128 grey; palette: number 255. The old file stays until the new one is
 *  complete. "-" is standard output. Errors: TERN_ERR_ARGUMENT for a name that is not .png, .pgm
 * (two classes) or .npy (uint8 [height, width]); TERN_ERR_IO. */
TERN_API tern_status tern_mask_save(const tern_mask *mask, const char *path);
/** Writes probabilities: .npy as float32 [height, width] or [planes, height, width]; .png of one
 * plane, 16 bits grey, 65535 is 1; of more planes the probability of the greatest. */
TERN_API tern_status tern_mask_save_probability(const tern_mask *mask, const char *path);

typedef struct tern_overlay_options {
    size_t size;    /**< sizeof(tern_overlay_options), set by the _INIT macro */
    double opacity; /**< of the colour inside, 0..1; 0.45 in the _INIT */
    double outline; /**< width of the outline in pixels, 0: none; negative: 1/400 of the longer
                       side, at least 1.5 (in the _INIT) */
    double dim; /**< the background darkened and greyed by this share, 0..1; 0.35 in the _INIT */
    const uint32_t
        *colours; /**< [classes] 0xRRGGBB; NULL: two classes: azure; more: tern_mask_colour */
} tern_overlay_options;
#define TERN_OVERLAY_OPTIONS_INIT                                                                  \
    { .size = sizeof(tern_overlay_options), .opacity = 0.45, .outline = -1, .dim = 0.35 }

/** The picture with the mask over it: classes from 1 on in half transparent colour with a smooth
 * light outline. -> RGB, 8 bits. options may be NULL. Errors: TERN_ERR_SHAPE if the sizes differ.
 */
TERN_API tern_status tern_mask_overlay(tern_image *out, const tern_image *image,
                                       const tern_mask *mask, const tern_overlay_options *options);

/* ---- run lengths ---- */

/** Kaggle's run lengths of the pixels of one class: "start length start length ...", pixels counted
 * from 1, down the columns first; "" if there are none. The caller frees *text with tern_free. */
TERN_API tern_status tern_mask_rle(char **text, const tern_mask *mask, int label);
/** Sets the pixels that the text names to label. Errors: TERN_ERR_FORMAT for something that is no
 *  number, a run of length 0, one that overlaps or precedes the one before, or ends outside the
 * mask. */
TERN_API tern_status tern_mask_set_rle(tern_mask *mask, int label, const char *text);
/** COCO's run lengths: down the columns, in turn pixels that are not and that are of the class,
 *  beginning with those that are not (perhaps 0 of them). *counts is the caller's (tern_free). */
TERN_API tern_status tern_mask_counts(uint32_t **counts, size_t *n, const tern_mask *mask,
                                      int label);
/** Errors: TERN_ERR_FORMAT if the counts do not add up to width x height. */
TERN_API tern_status tern_mask_set_counts(tern_mask *mask, int label, const uint32_t *counts,
                                          size_t n);
/** COCO's compressed string of counts: from the fourth on the difference to the one two before, in
 *  groups of 5 bits, the lowest first, each plus 48, bit 5 of it saying that more follow.
 *  The caller frees *text with tern_free. */
TERN_API tern_status tern_counts_text(char **text, tern_context *context, const uint32_t *counts,
                                      size_t n);
/** Reads it. Errors: TERN_ERR_FORMAT. *counts is the caller's (tern_free). */
TERN_API tern_status tern_counts_parse(uint32_t **counts, size_t *n, tern_context *context,
                                       const char *text);

/* ---- polygons ---- */

/** A closed line around pixels: the corner of pixel (x, y) that is nearest to the origin is the
 * point (x, y), so that the border of one pixel is (0,0) (1,0) (1,1) (0,1), the last point joining
 * the first. */
typedef struct tern_ring {
    bool hole;  /**< a hole of the object; its points run counter-clockwise as seen, those of outer
                     rings clockwise */
    int object; /**< which object it belongs to, from 0 */
    size_t count;        /**< points */
    const float *points; /**< [count][2], x and y */
} tern_ring;

/** A connected region of one class (pixels touching at a side or a corner). */
typedef struct tern_object {
    int label;
    int64_t area;               /**< pixels */
    int x, y, width, height;    /**< of the smallest box around it */
    double score;               /**< mean probability of its class, 1 without probabilities */
    size_t first_ring, n_rings; /**< the outer ring, then holes */
} tern_object;

typedef struct tern_polygons {
    tern_context *context;
    size_t n_objects, n_rings;
    tern_object
        *objects; /**< by class, then from top to bottom and left to right of their first pixel */
    tern_ring *rings;
    float *points; /**< those of all rings */
} tern_polygons;

/** Objects of class `label` (0 or below: of all classes from 1 on) of at least min_area pixels,
 * with the exact borders between pixels, straightened by Douglas and Peucker's rule (1973): no
 * point moves by more than tolerance pixels; 0: only points on a straight line are left out, and
 * filling the rings gives the mask back. *polygons is all zero on failure. */
TERN_API tern_status tern_mask_polygons(tern_polygons *polygons, const tern_mask *mask, int label,
                                        double tolerance, int64_t min_area);
TERN_API void tern_polygons_free(tern_polygons *polygons);
/** Sets the pixels whose centres lie inside the rings (even-odd rule, all together) to label.
 * points beyond the mask are allowed. Errors: TERN_ERR_ARGUMENT for a coordinate that is not
 * finite. */
TERN_API tern_status tern_mask_fill(tern_mask *mask, int label, const tern_ring *rings,
                                    size_t n_rings);
/** The objects of one picture as a JSON list, one object a line:
 *  {"label":1,"area":..,"box":[x,y,w,h],"score":..,"rings":[[[x,y],...],...]}. names [classes - 1]
 *  are those of classes 1..; NULL: labels are numbers. The caller frees *text with tern_free. */
TERN_API tern_status tern_polygons_text(char **text, const tern_polygons *polygons,
                                        const char *const *names);

/** U-Net's weights of pixels in training (Ronneberger et al. 2015): 1 + w0 exp(-(d1 + d2)^2 /
 *  (2 sigma^2)) where the class is 0, d1 and d2 being the distances in pixels to the nearest and
 * the second nearest object, so that narrow gaps between objects count more; 1 inside objects, 0
 * where pixels do not count. Beyond 4 sigma there is taken to be no object. weights [height][width]
 * is the caller's. Errors: TERN_ERR_ARGUMENT for w0 outside 0..1e6 or sigma outside ]0, 50]. */
TERN_API tern_status tern_mask_border_weights(float *weights, const tern_mask *mask, double w0,
                                              double sigma);

/* ---- COCO ---- */

typedef struct tern_coco tern_coco;

/** A COCO file ("images", "annotations", "categories") in the making. names [classes - 1] are those
 * of classes 1.., whose category ids they get; NULL: "1", "2", ... */
TERN_API tern_status tern_coco_create(tern_coco **coco, tern_context *context, int classes,
                                      const char *const *names);
/** Adds a picture and the objects of its mask: polygons as tern_mask_polygons makes them, or, for
 * objects with holes, compressed run lengths. Image ids count from 1, annotation ids as well. */
TERN_API tern_status tern_coco_add(tern_coco *coco, const char *file_name, const tern_mask *mask,
                                   double tolerance, int64_t min_area);
/** Writes the file. */
TERN_API tern_status tern_coco_save(const tern_coco *coco, const char *path);
TERN_API void tern_coco_free(tern_coco *coco);

#ifdef __cplusplus
}
#endif
#endif
