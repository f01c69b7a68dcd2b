/* The training of every domain, step by step. */
#include "train.h"

#include "core/graph/metadata.h"
#include "core/train/training.h"
#include <tern/transfer.h>

#include <math.h>

/* Averages over a third of training at most. */
static double short_ema(double ema, const tern_train_options *o, int64_t samples) {
    const double steps = (double)o->epochs * (double)(samples / o->batch + 1);
    return fmin(ema, 1 - 3 / fmax(steps, 30));
}

void tern__recipe_fill(tern_train_options *o, const tern__recipe *r, int64_t samples) {
    tern_optimizer_options *p = &o->optimizer;
    if (!o->epochs)
        o->epochs = (int)fmin(r->most_epochs,
                              fmax(r->fewest_epochs, round(r->samples_seen / (double)samples)));
    if (!o->batch) o->batch = samples < 4 * r->batch ? (samples + 3) / 4 : r->batch;
    if (r->drop_short) o->drop_last = samples > o->batch && samples % o->batch < o->batch / 2;
    if (p->kind == TERN_OPTIMIZER_ADAMW && p->learning_rate == 0) {
        p->kind = r->optimizer;
        p->learning_rate = r->learning_rate;
    }
    if (p->weight_decay == 0) p->weight_decay = r->weight_decay;
    p->decay_matrices_only = true;
    if (p->max_norm == 0) p->max_norm = r->max_norm;
    if (p->ema == 0) p->ema = r->short_ema ? short_ema(r->ema, o, samples) : r->ema;
    if (o->schedule.kind == TERN_SCHEDULE_CONSTANT) o->schedule.kind = r->schedule;
    if (o->loss.label_smoothing == 0) o->loss.label_smoothing = r->label_smoothing;
    if (o->loss.auxiliary == 0) o->loss.auxiliary = r->auxiliary;
    if (o->mixup == 0) o->mixup = r->mixup;
}

tern_status tern__job_check(tern__job *j) {
    const tern__task *t = j->task;
    const tern__job_options *o = &j->given;
    tern_context *c = j->context;
    if (o->size != t->options_size)
        return tern__fail(c, TERN_ERR_ARGUMENT, "%s of size %zu, expected %zu: start from %s",
                          t->options, o->size, t->options_size, t->initializer);
    if (o->validated && o->validate != 0)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "validation is asked for twice: by %s and by a share", o->validated);
    if (o->init && o->owns)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "the network is that of the model to go on from; %s of another one are "
                          "not for it",
                          t->own);
    if (!o->init && o->freeze_until)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "freezing until '%s' needs a trained model to go on from",
                          o->freeze_until);
    tern_status st = t->check ? t->check(j) : TERN_OK;
    if (st == TERN_OK)
        st = tern__training_check_files(c, j->train, o->init, o->inputs,
                                        sizeof o->inputs / sizeof *o->inputs);
    /* The recipe is that of the network that is trained, whoever made it. */
    if (st == TERN_OK && o->init)
        st = tern__metadata_network(&j->network, c, o->init, t->network_name);
    j->foreign = o->init && !j->network;
    return st;
}

static tern_status split(tern__job *j) {
    if (j->given.validate != 0)
        return tern_dataset_split(&j->training, &j->validation, j->all, j->given.validate,
                                  j->train->seed);
    if (j->task->split) return j->task->split(j);
    j->training = j->all;
    return TERN_OK;
}

/* A new network, or that of init with a new last layer. */
static tern_status build(tern__job *j) {
    const tern__job_options *o = &j->given;
    if (o->init) {
        tern_transfer_options t = TERN_TRANSFER_OPTIONS_INIT;
        t.classes = j->classes;
        t.freeze_until = o->freeze_until;
        t.seed = j->train->seed;
        const tern_status st = tern_transfer(&j->graph, tern_model_graph(o->init), &t);
        if (st != TERN_OK || !j->task->renew) return st;
        j->task->renew(j->graph, j);
        return tern_graph_check(j->graph);
    }
    const tern_status st = tern_graph_create(&j->graph, j->context);
    if (st != TERN_OK) return st;
    tern_graph_set_seed(j->graph, j->train->seed);
    j->task->build(j->graph, j);
    return tern_graph_check(j->graph);
}

tern_status tern__job_learn(tern_model **model, tern__job *j) {
    tern_train_result *const wanted = j->train->result;
    *model = NULL;
    if (!j->given.own_recipe) {
        tern__recipe r = {0};
        j->task->recipe(j, &r);
        tern__recipe_fill(j->train, &r, tern_dataset_count(j->training));
    }
    tern_status st = build(j);
    j->train->validation = tern__job_validation(j);
    j->train->result = &j->result;
    if (st == TERN_OK)
        st = j->given.freeze_until && j->constant && !(j->train->mixup > 0 || j->train->cutmix > 0)
                 ? tern_transfer_train(model, j->graph, j->training, j->train)
                 : tern_train(model, j->graph, j->training, j->train);
    j->train->result = wanted;
    if (st == TERN_OK && wanted) *wanted = j->result;
    tern_graph_free(j->graph);
    j->graph = NULL;
    return st;
}

static tern_status write_training(tern_model *model, const tern__job *j) {
    const tern__task *t = j->task;
    json_t *facts = t->facts ? t->facts(j)
                             : tern__metadata_facts(t->samples, tern_dataset_count(j->training),
                                                    j->train, &j->result);
    const char *network = j->foreign   ? "of another model"
                          : j->network ? j->network
                                       : t->network_name(0);
    return tern__metadata_set_training(model, j->context, network, j->train->seed, facts, j->path);
}

static const char *label_of(const void *job, size_t i) {
    const tern__job *j = job;
    return j->task->label(j, (int64_t)i);
}

tern_status tern__job_train(tern_model **model, tern__job *j) {
    const tern__task *t = j->task;
    *model = NULL;
    tern_status st = tern__job_check(j);
    if (st == TERN_OK) st = t->open(j);
    if (st == TERN_OK && t->label)
        st = tern__metadata_check_labels(j->context, label_of, j, (size_t)j->classes);
    if (st == TERN_OK) st = split(j);
    if (st == TERN_OK) st = t->fit(j);
    if (st == TERN_OK) st = tern__job_learn(model, j);
    if (st == TERN_OK && t->finish) st = t->finish(model, j);
    if (st == TERN_OK && t->label)
        st = tern__metadata_set_labels(*model, j->context, label_of, j, (size_t)j->classes);
    if (st == TERN_OK) st = t->write(*model, j);
    if (st == TERN_OK && j->train->result) *j->train->result = j->result;
    if (st == TERN_OK) st = write_training(*model, j);
    if (st != TERN_OK) {
        tern_model_free(*model);
        *model = NULL;
    }
    tern_dataset_free(j->validation);
    if (j->training != j->all) tern_dataset_free(j->training);
    t->close(j);
    return st;
}
