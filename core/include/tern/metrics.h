/* How good a classifier is: the confusion matrix and what follows from it.
 *
 * Where a ratio would be 0/0 it is 0 for precision, recall and F1 of a class (a class that was
 * never predicted has precision 0, one without samples recall 0), as scikit-learn has it. Macro
 * averages are over the classes that occur, as truth or as prediction. Accuracy and averages of no
 * samples are NaN (null in JSON). */
#ifndef TERN_METRICS_H
#define TERN_METRICS_H

#include <tern/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tern_confusion tern_confusion;

/** An empty matrix of `classes` x `classes` counts (1..65536 classes). labels: copied; NULL: "0",
 *  "1", ... */
TERN_API tern_status tern_confusion_create(tern_confusion **confusion, tern_context *context,
                                           int64_t classes, const char *const *labels);
TERN_API void tern_confusion_free(tern_confusion *confusion);
/** Counts one sample. Errors: TERN_ERR_ARGUMENT if a class is outside 0..classes-1. */
TERN_API tern_status tern_confusion_add(tern_confusion *confusion, int64_t truth,
                                        int64_t predicted);
/** How many samples of class `truth` were taken for `predicted`. */
TERN_API int64_t tern_confusion_count(const tern_confusion *confusion, int64_t truth,
                                      int64_t predicted);

typedef struct tern_class_metrics {
    int64_t support;   /**< samples of this class */
    int64_t predicted; /**< samples taken for this class */
    int64_t correct;
    double precision; /**< correct / predicted */
    double recall;    /**< correct / support */
    double f1;        /**< 2 correct / (support + predicted) */
} tern_class_metrics;
TERN_API tern_class_metrics tern_confusion_class(const tern_confusion *confusion, int64_t number);

typedef struct tern_metrics {
    int64_t n, correct;
    double accuracy; /**< correct / n */
    double macro_precision, macro_recall, macro_f1;
} tern_metrics;
TERN_API tern_metrics tern_confusion_metrics(const tern_confusion *confusion);

/** A table for people: accuracy, a line per class, the matrix (up to 20 classes; beyond that the
 *  pairs most often confused). *text is the caller's and goes back by tern_free. */
TERN_API tern_status tern_confusion_text(char **text, const tern_confusion *confusion);
/** One JSON object: accuracy, n, macro_f1, per_class (label, support, precision, recall, f1),
 *  confusion (rows: truth). *text is the caller's and goes back by tern_free. */
TERN_API tern_status tern_confusion_json(char **text, const tern_confusion *confusion);

#ifdef __cplusplus
}
#endif
#endif
