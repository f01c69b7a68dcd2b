/* The training of every domain: check, read the data, split them, fit what depends on them, build
 * the network or go on from one, fill in the recipe, train, finish the model, say in it how it came
 * about, clean up. A domain gives the steps that are its own as a tern__task, and keeps what they
 * share in a struct that begins with a tern__job. Knows no domain. Internal. */
#ifndef TERN_TASK_TRAIN_H
#define TERN_TASK_TRAIN_H

#include "core/base/base.h"
#include "core/base/json.h"
#include <tern/model.h>
#include <tern/train.h>

/* How long and how fast a network is trained, unless the caller says otherwise; stands in the
 * network's row. 0 in the last ones: none. */
typedef struct tern__recipe {
    double samples_seen; /* in all: the epochs follow from the number of samples */
    int fewest_epochs, most_epochs;
    int64_t batch;
    tern_optimizer_kind optimizer;
    double learning_rate, weight_decay, label_smoothing, ema;
    tern_schedule_kind schedule;
    bool drop_short; /* a short last batch has poor statistics for BatchNormalization */
    bool short_ema;  /* averages over a third of training at most: short runs forget faster */
    double max_norm, mixup, auxiliary;
} tern__recipe;

/* Fills in what is 0 (of AdamW, optimiser and rate; of the schedule, constant) for so many samples
 * an epoch; only matrices decay. */
void tern__recipe_fill(tern_train_options *o, const tern__recipe *r, int64_t samples);

typedef struct tern__job tern__job;

/* A domain's part. Steps are called in this order; check, split, renew, finish, label and facts may
 * be NULL: nothing to do. */
typedef struct tern__task {
    const char *samples;     /* what the data are called: "clips" */
    const char *options;     /* the option struct, for sentences: "audio training options" */
    const char *initializer; /* its macro */
    size_t options_size;
    const char *own; /* options that are not for going on from a model: "name and width" */
    const char *(*network_name)(size_t index);
    /* Further checks that need no data. */
    tern_status (*check)(tern__job *j);
    /* Takes the front end of j->init and reads the data: j->all, j->classes. */
    tern_status (*open)(tern__job *j);
    /* Makes j->training and j->validation (both are freed), where they are no share of the data;
     * NULL: all are trained on. */
    tern_status (*split)(tern__job *j);
    /* What depends on the samples to train on: normalisation, vocabulary; sets j->held, which is
     * not freed. */
    tern_status (*fit)(tern__job *j);
    /* The recipe of the network; not called with own_recipe. */
    void (*recipe)(tern__job *j, tern__recipe *r);
    /* Builds the network into an empty graph. */
    void (*build)(tern_graph *g, tern__job *j);
    /* What a network that is gone on from needs besides its new last layer. */
    void (*renew)(tern_graph *g, tern__job *j);
    /* Makes of the trained model the one that is given away. */
    tern_status (*finish)(tern_model **model, tern__job *j);
    /* Label i of j->classes, as soon as the data are read; NULL: the model has none. */
    const char *(*label)(const tern__job *j, int64_t i);
    /* Says in the model how data become the network's input. */
    tern_status (*write)(tern_model *model, tern__job *j);
    /* Facts for tern.training; NULL: tern__metadata_facts. NULL as its result: no memory. */
    json_t *(*facts)(const tern__job *j);
    /* Frees what the steps made, after the samples. */
    void (*close)(tern__job *j);
} tern__task;

/* The options that every domain has. */
typedef struct tern__job_options {
    size_t size;
    const tern_model *init;
    const char *freeze_until;
    bool own_recipe;
    bool owns;             /* one of task->own is set */
    double validate;       /* a share; 0: none */
    const char *validated; /* what is validated on instead of a share: "a file"; NULL: nothing */
    const char *inputs[4]; /* files and folders that are read besides init */
} tern__job_options;

struct tern__job {
    const tern__task *task;
    tern_context *context;
    const char *path; /* of the data */
    tern__job_options given;
    const char
        *network; /* of init, NULL where it is of none of the domain's; else what is asked for */
    bool foreign; /* init is of none of the domain's networks */
    tern_train_options *train;
    tern_dataset *all, *training, *validation; /* training may be all */
    tern_dataset *held;                        /* validation data of another place */
    int64_t classes;                           /* of a new last layer; 0: the old one stays */
    bool constant; /* samples do not vary: what is frozen needs to run only once */
    tern_graph *graph;
    tern_train_result result;
};

/* Everything. *model is NULL on failure; j holds nothing afterwards. */
tern_status tern__job_train(tern_model **model, tern__job *j);

/* Its parts, for those who train several times on the same data. Checks the options and sets
 * j->network for one to go on from. */
tern_status tern__job_check(tern__job *j);
/* Recipe, network and training on what is in j. */
tern_status tern__job_learn(tern_model **model, tern__job *j);
/* What is validated on; NULL: nothing. */
static inline tern_dataset *tern__job_validation(const tern__job *j) {
    return j->held ? j->held : j->validation;
}

#endif
