/* How good masks are: counted pixel by pixel, over one picture or over many.
 *
 * Pixels that do not count (TERN_MASK_IGNORED in the truth) are left out everywhere. With two
 * classes everything is about class 1; with more, iou, dice, precision and recall are means over
 * the classes that occur, class 0 among them. A ratio 0/0 is NaN (null in JSON), except that a
 * class that is neither there nor predicted has nothing wrong: then IoU and Dice of two classes
 * are 1. */
#ifndef TERN_VISION_METRICS_H
#define TERN_VISION_METRICS_H

#include <tern/vision_mask.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_mask_scores {
    int64_t n;        /**< pictures */
    int64_t pixels;   /**< that count */
    double iou;       /**< TP / (TP + FP + FN) */
    double dice;      /**< 2 TP / (2 TP + FP + FN), the F1 of pixels */
    double accuracy;  /**< share of right pixels */
    double precision; /**< TP / (TP + FP) */
    double recall;    /**< TP / (TP + FN) */
    double auc; /**< two classes, with probabilities: the area under the ROC curve, from a histogram
                   of 65,536 probabilities, ties counting half; else NaN */
    double boundary; /**< F1 of the borders: those within 0.75 % of the diagonal of the other mask's
                        border are right (Csurka et al. 2013); mean over pictures */
    double mean_iou, mean_dice; /**< means over pictures of iou and dice */
    double offset_x, offset_y;  /**< pixels by which the true masks lie right of and below the
                                   others: where,  moved, they differ from them least, along each
                                   axis; NaN where that is 3  pixels or more, or nowhere */
    double rand, warping;       /**< means over pictures of tern_mask_rand_error and
                                   tern_mask_warping_error; NaN unless they were asked for */
} tern_mask_scores;

typedef struct tern_mask_metrics tern_mask_metrics;

/** Starts counting. classes: 2..255. */
TERN_API tern_status tern_mask_metrics_create(tern_mask_metrics **metrics, tern_context *context,
                                              int classes);
TERN_API void tern_mask_metrics_free(tern_mask_metrics *metrics);
/** From now on pictures are also measured by these. */
TERN_API void tern_mask_metrics_measure(tern_mask_metrics *metrics, bool rand, bool warping);
/** Counts one picture; *scores (may be NULL) are its own. Errors: TERN_ERR_SHAPE if the masks'
 * sizes differ, TERN_ERR_ARGUMENT if one has a class that was not announced. */
TERN_API tern_status tern_mask_metrics_add(tern_mask_metrics *metrics, const tern_mask *mask,
                                           const tern_mask *truth, tern_mask_scores *scores);
/** Over all pixels of all pictures so far. */
TERN_API tern_mask_scores tern_mask_metrics_scores(const tern_mask_metrics *metrics);
/** The same as if masks had been made of their probabilities with another threshold; what only
 * single pictures tell (boundary, means over pictures) is NaN, and all is where there were no
 * probabilities. */
TERN_API tern_mask_scores tern_mask_metrics_scores_at(const tern_mask_metrics *metrics,
                                                      double threshold);
/** The Rand error of a picture of cells, one minus the foreground-restricted Rand score of the ISBI
 * 2012 challenge (Arganda-Carreras et al. 2015, alpha = 0.5), without its thinning of borders.
 * Objects are regions of equal class other than 0 that touch at a side; class 0 is what separates
 * them. Of the n pixels inside the truth's objects, with n_ij of them in object i of the mask and j
 * of the truth, and pixels of class 0 in the mask an object each:
 *  error = 1 - 2 S_ij n_ij^2 / (S_i (S_j n_ij)^2 + S_j (S_i n_ij)^2),
 * 0 where both masks have the same objects there. NaN where the truth has none. Errors:
 * TERN_ERR_SHAPE if the sizes differ; TERN_ERR_MEMORY (16 bytes a pixel). */
TERN_API tern_status tern_mask_rand_error(double *error, const tern_mask *mask,
                                          const tern_mask *truth);
/** The warping error of a picture of cells (Jain et al. 2010; ISBI 2012): the share of pixels that
 * still differ when the truth has been warped towards the mask as far as that goes without an
 * object or a hole being born, dying, joined or parted. Moved borders cost nothing, a gap in a
 * membrane its pixels. Pixels change sides one by one, those first that differ first in the order
 * of rows, then those they set free: as in the paper not all orders are tried, so the error is an
 * upper bound. Objects are all classes but 0, hold together at sides, class 0 at corners too;
 * beyond the borders is class 0. NaN where no pixel counts. Errors: TERN_ERR_SHAPE if the sizes
 * differ; TERN_ERR_MEMORY (5 bytes a pixel). */
TERN_API tern_status tern_mask_warping_error(double *error, const tern_mask *mask,
                                             const tern_mask *truth);
/** IoU and Dice of one class over all. */
TERN_API void tern_mask_metrics_class(const tern_mask_metrics *metrics, int label, double *iou,
                                      double *dice);
/** The threshold of the probability of class 1 that would give the highest Dice over all pixels
 * counted, and that Dice. 0.5 and NaN without probabilities. */
TERN_API double tern_mask_metrics_best_threshold(const tern_mask_metrics *metrics, double *dice);

#ifdef __cplusplus
}
#endif
#endif
