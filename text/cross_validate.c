/* Cross-validation: folds of about equal shares of each class, a network trained for each without
 * its texts, and what it makes of them counted. */
#include "train.h"

#include "core/train/dataset.h"

#include <stdlib.h>
#include <string.h>

typedef struct place {
    int64_t sample, group, class;
    uint64_t turn; /* random, the same for a whole group */
} place;

static int by_group(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    return x->sample < y->sample ? -1 : 1;
}

static int by_turn(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->class != y->class) return x->class < y->class ? -1 : 1;
    if (x->turn != y->turn) return x->turn < y->turn ? -1 : 1;
    return by_group(a, b);
}

/* fold_of [n]: groups stay whole; a group's class is its first sample's. */
static tern_status make_folds(int *fold_of, tern_context *c, const tern_dataset *all, int folds,
                              uint64_t seed) {
    const int64_t n = tern_dataset_count(all);
    place *at = tern__calloc(c, (size_t)n, sizeof *at);
    if (!at) return TERN_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        const int64_t group = tern_dataset_group(all, i);
        at[i] = (place){i, group, tern_dataset_class(all, i),
                        tern__random_stream(seed, (uint64_t)group, 0x666f6c64u /* "fold" */)};
    }
    qsort(at, (size_t)n, sizeof *at, by_group);
    for (int64_t i = 1; i < n; i++)
        if (at[i].group == at[i - 1].group) at[i].class = at[i - 1].class;
    qsort(at, (size_t)n, sizeof *at, by_turn);
    int fold = -1;
    for (int64_t i = 0; i < n; i++) {
        if (!i || at[i].group != at[i - 1].group) fold = (fold + 1) % folds;
        fold_of[at[i].sample] = fold;
    }
    tern__free(c, at);
    return TERN_OK;
}

typedef struct part {
    const int *fold_of;
    int fold;
    bool others; /* than the fold's */
} part;

static bool is_of(const void *wanted, int64_t sample) {
    const part *p = wanted;
    return (p->fold_of[sample] == p->fold) != p->others;
}

static tern_status take(tern_dataset **subset, tern_context *c, tern_dataset *all, part wanted) {
    tern_status st = tern__dataset_pick(subset, all, is_of, &wanted);
    if (st == TERN_OK && !*subset)
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "fold %d of the data is empty: there are fewer different texts than folds",
                        wanted.fold + 1);
    return st;
}

/* Trains without the fold and predicts it into the confusion matrix. */
static tern_status run_fold(tern_confusion *confusion, tern__text_job *t, const int *fold_of,
                            int fold, double *accuracy, int64_t *count) {
    tern__text_job own = *t; /* each fold fills in its own recipe */
    tern__job *j = &own.job;
    tern_context *c = j->context;
    tern_dataset *test = NULL, *rest = NULL;
    tern_model *model = NULL;
    int64_t *predictions = NULL;
    j->train = &own.o.train;
    tern_status st = take(&test, c, j->all, (part){fold_of, fold, false});
    if (st == TERN_OK) st = take(&rest, c, j->all, (part){fold_of, fold, true});
    j->training = rest;
    if (st == TERN_OK && own.o.validate != 0)
        st = tern_dataset_split(&j->training, &j->validation, rest, own.o.validate,
                                own.o.train.seed);
    if (st == TERN_OK) st = tern__text_job_fit(j);
    t->start = own.start; /* what was made is the job's */
    own.o.train.seed += (uint64_t)fold;
    if (st == TERN_OK) st = tern__job_learn(&model, j);
    if (st != TERN_OK) goto done;
    *count = tern_dataset_count(test);
    predictions = tern__calloc(c, (size_t)*count, sizeof *predictions);
    st = predictions
             ? tern_evaluate(model, test, own.o.train.batch, NULL, NULL, accuracy, predictions)
             : TERN_ERR_MEMORY;
    for (int64_t i = 0; st == TERN_OK && i < *count; i++)
        st = tern_confusion_add(confusion, tern_dataset_class(test, i), predictions[i]);
done:
    tern__free(c, predictions);
    tern_model_free(model);
    tern_dataset_free(j->validation);
    if (j->training != rest) tern_dataset_free(j->training);
    tern_dataset_free(rest);
    tern_dataset_free(test);
    return st;
}

static tern_status check(tern_context *c, int folds, const tern_text_train_options *o) {
    if (folds < 2 || folds > 1000)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%d folds; cross-validation takes 2 to 1000",
                          folds);
    if (o->train.checkpoint || o->train.log || o->train.resume || o->validate_path)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "cross-validation keeps no checkpoint and no log, and takes what it "
                          "validates on from the data");
    return TERN_OK;
}

tern_status tern_text_cross_validate(tern_confusion **confusion, tern_context *c, const char *path,
                                     int folds, const tern_text_train_options *options,
                                     tern_on_fold on_fold, void *user) {
    tern__text_job t;
    const char **labels = NULL;
    int *fold_of = NULL;
    size_t n_labels;
    tern__text_job_begin(&t, c, path, options);
    *confusion = NULL;
    tern_status st = check(c, folds, &t.o);
    if (st == TERN_OK) st = tern__job_check(&t.job);
    if (st == TERN_OK) st = tern__text_job_open(&t.job);
    if (st != TERN_OK) goto done;
    if (tern_text_dataset_tagged(t.data)) {
        st = tern__fail(c, TERN_ERR_ARGUMENT,
                        "%s: every token has a label; cross-validation is for labels of texts",
                        path);
        goto done;
    }
    if ((st = tern__text_labels(&labels, &n_labels, c, t.data)) != TERN_OK ||
        (st = tern_confusion_create(confusion, c, (int64_t)n_labels, labels)) != TERN_OK)
        goto done;
    const tern_dataset *all = t.job.all;
    fold_of = tern__calloc(c, (size_t)tern_dataset_count(all), sizeof *fold_of);
    st = fold_of ? make_folds(fold_of, c, all, folds, t.o.train.seed) : TERN_ERR_MEMORY;
    for (int i = 0; st == TERN_OK && i < folds; i++) {
        double accuracy;
        int64_t n;
        st = run_fold(*confusion, &t, fold_of, i, &accuracy, &n);
        if (st == TERN_OK && on_fold && !on_fold(user, i + 1, folds, accuracy, n))
            st = tern__fail(c, TERN_ERR_INTERRUPTED, "stopped after fold %d of %d", i + 1, folds);
    }
done:
    if (st != TERN_OK) {
        tern_confusion_free(*confusion);
        *confusion = NULL;
    }
    tern__free(c, fold_of);
    tern__free(c, labels);
    tern__text_job_close(&t.job);
    return st;
}
