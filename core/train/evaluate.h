/* Loss and accuracy of a network over a data set. */
#ifndef TERN_CORE_EVALUATE_H
#define TERN_CORE_EVALUATE_H

#include "dataset.h"
#include "loss.h"

typedef struct tern__score {
    double loss;              /* mean over samples */
    int64_t correct, counted; /* accuracy is their ratio; counted 0: there is none */
} tern__score;

/* correct / counted, NaN for none. */
double tern__score_accuracy(const tern__score *score);

/* Runs the data set through the network, which for that time has a loss (without label smoothing)
 * and is unchanged afterwards. Weights must not change meanwhile. predictions: NULL or [count]. */
tern_status tern__evaluate(tern__score *score, tern_graph *network, const tern_dataset *dataset,
                           int64_t batch, const tern_loss_options *loss, int64_t *predictions);

#endif
