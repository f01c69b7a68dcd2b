/* The training loop: epochs of batches in a seeded order, validation, the best weights,
 * checkpoints, the log, progress. What a step does is trainer.c's. */
#define _POSIX_C_SOURCE 200809L
#include "train_run.h"

#include "core/base/file.h"
#include "core/graph/model.h"
#include "training.h"

#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SKIPS_ALLOWED = 5 }; /* non-finite losses in a row that end training */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double accuracy_of(const tern__run_state *s) {
    return s->counted ? (double)s->correct / (double)s->counted : NAN;
}

/* The learning rate of the last batch that was done. */
static double last_rate(const tern__run *r) {
    int64_t done = r->state.epoch * r->batches + r->state.position;
    return tern__schedule_rate(&r->schedule, done > 0 ? done - 1 : 0);
}

/* ---- progress ---- */

static bool report(tern__run *r, bool epoch_done, bool best, double learning_rate) {
    const tern__run_state *s = &r->state;
    const tern_train_options *o = &r->options;
    if (!o->on_progress) return true;
    int64_t batches = (o->epochs - s->epoch) * r->batches - s->position;
    double epochs = o->epochs - (double)s->epoch - (epoch_done ? 1 : 0);
    if (epoch_done) batches = (int64_t)epochs * r->batches;
    tern_train_progress p = {
        .epoch = (int)s->epoch + 1,
        .epochs = o->epochs,
        .batch = s->position,
        .batches = r->batches,
        .epoch_done = epoch_done,
        .loss = s->loss_sum / (double)s->samples,
        .accuracy = accuracy_of(s),
        .validation_loss = s->validation_loss,
        .validation_accuracy = s->validation_accuracy,
        .best = best,
        .best_epoch = (int)s->best_epoch,
        .best_validation_loss = s->best_loss,
        .best_validation_accuracy = s->best_accuracy,
        .learning_rate = learning_rate,
        .items_per_second = r->batch_seconds > 0 ? (double)o->batch / r->batch_seconds : 0,
        .seconds = s->seconds,
        .eta = (double)batches * r->batch_seconds + epochs * r->validation_seconds,
        .skipped = (int)s->skipped,
    };
    return o->on_progress(o->user, &p);
}

/* ---- checkpoints ---- */

static tern_status save(tern__run *r) {
    const char *path = r->options.checkpoint;
    if (!path) return TERN_OK;
    tern__run_state *s = &r->state;
    s->plateau_factor = r->schedule.factor;
    s->plateau_best = r->schedule.best;
    s->plateau_bad_epochs = r->schedule.bad_epochs;
    s->plateau_cooldown = r->schedule.cooldown;
    bool has_best = r->best && s->best_epoch;
    tern__checkpoint checkpoint = {.settings = r->settings,
                                   .history = r->history,
                                   .state = tern__run_state_to_json(s, has_best),
                                   .best = has_best ? r->best : NULL};
    if (!checkpoint.state)
        return tern__fail(r->context, TERN_ERR_MEMORY, "checkpoint: there was no memory");
    tern_status st = tern__checkpoint_save(path, r->trainer, &checkpoint);
    json_decref(checkpoint.state);
    r->saved = now();
    return st;
}

static tern_status load(tern__run *r) {
    tern__checkpoint checkpoint = {.settings = r->settings, .best = r->best};
    bool has_best;
    tern_status st =
        tern__checkpoint_load(r->options.checkpoint, r->trainer, &checkpoint, &has_best);
    if (st != TERN_OK) return st;
    tern__run_state *s = &r->state;
    st = tern__run_state_from_json(r->context, s, checkpoint.state);
    json_decref(checkpoint.state);
    json_decref(r->history);
    r->history = checkpoint.history;
    if (st == TERN_OK && (s->epoch > r->options.epochs || s->position > r->batches))
        st = tern__fail(r->context, TERN_ERR_FORMAT,
                        "checkpoint '%s' is at epoch %lld, batch %lld, beyond this run's end",
                        r->options.checkpoint, (long long)s->epoch, (long long)s->position);
    r->schedule.factor = s->plateau_factor;
    r->schedule.best = s->plateau_best;
    r->schedule.bad_epochs = (int)s->plateau_bad_epochs;
    r->schedule.cooldown = (int)s->plateau_cooldown;
    return st;
}

/* Says now, and not after an epoch, that a file cannot be written there. */
static tern_status check_writable(tern_context *c, const char *path) {
    tern__file_writer *w;
    tern_status st = tern__file_writer_open(&w, c, path);
    if (st == TERN_OK) tern__file_writer_abort(&w);
    return st;
}

static tern_status interrupted(tern__run *r) {
    tern_status st = save(r);
    if (st != TERN_OK) return st;
    const char *path = r->options.checkpoint;
    struct stat info;
    if (path && (stat(path, &info) != 0 || !S_ISREG(info.st_mode))) path = NULL; /* a device */
    return tern__fail(r->context, TERN_ERR_INTERRUPTED, "training was stopped in epoch %lld%s%s%s",
                      (long long)r->state.epoch + 1, path ? "; it can be resumed from '" : "",
                      path ? path : "", path ? "'" : "");
}

/* ---- an epoch ---- */

static tern_status count_step(tern__run *r, double loss, const tern_tensor *target) {
    tern__run_state *s = &r->state;
    if (!isfinite(loss)) {
        s->skipped++;
        tern__log(r->context, TERN_LOG_WARNING,
                  "epoch %lld, batch %lld: loss or gradient not finite, step left out",
                  (long long)s->epoch + 1, (long long)s->position + 1);
        if (++s->skipped_in_a_row < SKIPS_ALLOWED) return TERN_OK;
        return tern__fail(
            r->context, TERN_ERR_DIVERGED,
            "training diverged: loss or gradient were not finite in %d steps in a row "
            "(epoch %lld, batch %lld, learning rate %g); try a lower learning rate, a "
            "warm-up or clip_norm, and look for non-finite values in the data",
            SKIPS_ALLOWED, (long long)s->epoch + 1, (long long)s->position + 1,
            r->trainer->optimizer->learning_rate);
    }
    s->skipped_in_a_row = 0;
    s->loss_sum += r->options.loss.sum ? loss : loss * (double)r->batch.count;
    s->samples += r->batch.count;
    tern__loss_count(&r->options.loss, tern__plan_output(r->trainer->last, 0), target, &s->correct,
                     &s->counted);
    return TERN_OK;
}

static void set_rates(tern__run *r) {
    int64_t step = r->state.epoch * r->batches + r->state.position;
    const tern_optimizer_options *o = &r->trainer->optimizer->options;
    double momentum = o->kind <= TERN_OPTIMIZER_ADAM ? o->beta1 : o->momentum;
    tern_trainer_set_learning_rate(r->trainer, tern__schedule_rate(&r->schedule, step));
    tern_trainer_set_momentum(r->trainer, tern__schedule_momentum(&r->schedule, step, momentum));
}

static tern_status run_batch(tern__run *r) {
    tern__run_state *s = &r->state;
    tern__batch *b = &r->batch;
    int64_t at = s->position * r->options.batch, left = r->dataset->count - at;
    double begin = now(), loss;
    tern_status st = tern__batch_load(b, r->dataset, r->order + at,
                                      left < r->options.batch ? left : r->options.batch, true,
                                      r->options.seed, (uint64_t)s->epoch);
    if (st != TERN_OK) return st;
    tern_tensor target = b->target;
    if (tern__run_mixes(&r->options)) {
        const tern_graph *g = r->trainer->graph;
        st = tern__run_mix(r, &g->values[g->outputs[0]].shape, &target);
        if (st != TERN_OK) return st;
    }
    set_rates(r);
    st = tern_trainer_step(r->trainer, b->inputs, b->n_inputs, &target, &loss);
    if (st == TERN_OK) st = count_step(r, loss, &target);
    if (st != TERN_OK) return st;
    s->position++;
    double seconds = now() - begin;
    s->seconds += seconds;
    s->epoch_seconds += seconds;
    r->batch_seconds += (seconds - r->batch_seconds) * (r->batch_seconds > 0 ? 0.1 : 1);
    return TERN_OK;
}

static tern_status run_batches(tern__run *r) {
    tern__run_state *s = &r->state;
    double interval = r->options.checkpoint_seconds;
    tern_status st = tern__dataset_order(r->dataset, r->options.batch, r->options.seed,
                                         (uint64_t)s->epoch, r->order);
    if (st != TERN_OK) return st;
    while (s->position < r->batches) {
        st = run_batch(r);
        if (st != TERN_OK) return st;
        if (!report(r, false, false, last_rate(r))) return interrupted(r);
        if (now() - r->saved >= interval && (st = save(r)) != TERN_OK) return st;
    }
    return TERN_OK;
}

/* Is what was just validated better than the best so far? */
static bool better(const tern__run *r) {
    const tern__run_state *s = &r->state;
    if (!s->best_epoch) return true;
    bool by_accuracy = r->options.monitor != TERN_MONITOR_LOSS && isfinite(s->validation_accuracy);
    if (by_accuracy && s->validation_accuracy != s->best_accuracy)
        return s->validation_accuracy > s->best_accuracy;
    return s->validation_loss < s->best_loss || isnan(s->best_loss);
}

static void keep_best(tern__run *r) {
    tern__run_state *s = &r->state;
    const tern__optimizer *o = r->trainer->optimizer;
    s->best_epoch = s->epoch + 1;
    s->best_loss = s->validation_loss;
    s->best_accuracy = s->validation_accuracy;
    s->best_train_loss = s->loss_sum / (double)s->samples;
    s->best_train_accuracy = accuracy_of(s);
    float *to = r->best;
    for (size_t i = 0; to && i < o->n_weights; i++) {
        const tern__weight *w = &o->weights[i];
        tern__optimizer_copy(o, i, true, to);
        to += w->rows * w->row;
    }
    for (size_t i = 0; to && i < o->n_buffers; i++) {
        const tern__buffer *b = &o->buffers[i];
        memcpy(to, b->average ? b->average : b->data, (size_t)b->count * sizeof *to);
        to += b->count;
    }
}

static tern_status validate(tern__run *r) {
    tern__run_state *s = &r->state;
    double begin = now();
    tern_graph *network;
    tern_status st = tern__trainer_network(&network, r->trainer, true);
    if (st != TERN_OK) return st;
    tern__score score;
    st = tern__evaluate(&score, network, r->options.validation, r->options.batch, &r->options.loss,
                        NULL);
    tern_graph_free(network);
    if (st != TERN_OK) return st;
    s->validation_loss = score.loss;
    s->validation_accuracy = tern__score_accuracy(&score);
    if (r->options.monitor == TERN_MONITOR_ACCURACY && !score.counted)
        return tern__fail(r->context, TERN_ERR_ARGUMENT,
                          "training: there is no accuracy to monitor with this loss");
    r->validation_seconds = now() - begin;
    s->seconds += r->validation_seconds;
    return TERN_OK;
}

static tern_status note_epoch(tern__run *r, bool best, double learning_rate) {
    tern__run_state *s = &r->state;
    s->epoch++; /* the line is of the epoch that is done */
    json_t *line = tern__log_line(r, best, learning_rate);
    s->epoch--;
    if (!line || json_array_append_new(r->history, line) != 0)
        return tern__fail(r->context, TERN_ERR_MEMORY, "training: no memory for the history");
    return r->options.log ? tern__log_append(r->context, r->options.log, line) : TERN_OK;
}

static tern_status run_epoch(tern__run *r) {
    tern__run_state *s = &r->state;
    const tern_train_options *o = &r->options;
    tern_status st = run_batches(r);
    if (st == TERN_OK && o->validation) st = validate(r);
    if (st != TERN_OK) return st;
    bool best = !o->validation || better(r);
    if (best) keep_best(r);
    double loss = s->loss_sum / (double)s->samples, rate = last_rate(r);
    tern__schedule_epoch(&r->schedule, o->validation ? s->validation_loss : loss);
    if ((st = note_epoch(r, best, rate)) != TERN_OK) return st;
    bool go_on = report(r, true, best, rate);
    s->epoch++;
    s->position = s->samples = s->correct = s->counted = s->skipped = 0;
    s->loss_sum = s->epoch_seconds = 0;
    s->stopped_early =
        o->patience > 0 && s->epoch - s->best_epoch >= o->patience && s->epoch < o->epochs;
    s->finished = s->stopped_early || s->epoch == o->epochs;
    return go_on || s->finished ? save(r) : interrupted(r);
}

/* ---- a run ---- */

static tern_status check_options(tern_context *c, const tern_train_options *o) {
    if (o->size != sizeof *o)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "training: options.size is %zu, this library expects %zu", o->size,
                          sizeof *o);
    if (o->epochs < 1 || o->batch < 1)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "training: %d epochs of batches of %lld; both must be at least 1",
                          o->epochs, (long long)o->batch);
    if (o->patience < 0 || (o->patience && !o->validation))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "training: patience is %d; it needs validation, or must be 0",
                          o->patience);
    if (o->monitor != TERN_MONITOR_AUTO && !o->validation)
        return tern__fail(c, TERN_ERR_ARGUMENT, "training: there is no validation to monitor");
    if (!(o->mixup >= 0 && o->mixup <= 100) || !(o->mixup_off_epochs >= 0))
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "training: mixup is %g (0 to 100), mixup_off_epochs %g (0 or more)",
                          o->mixup, o->mixup_off_epochs);
    if (!(o->cutmix >= 0 && o->cutmix <= 100))
        return tern__fail(c, TERN_ERR_ARGUMENT, "training: cutmix is %g; it must be 0 to 100",
                          o->cutmix);
    if (tern__run_mixes(o) && o->loss.kind != TERN_LOSS_SOFTMAX_CROSS_ENTROPY)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "training: mixup and cutmix need softmax cross-entropy");
    if (tern__run_mixes(o) && o->loss.ignore)
        return tern__fail(c, TERN_ERR_ARGUMENT,
                          "training: mixup and cutmix mix no targets that are ignored");
    if (o->resume && !o->checkpoint)
        return tern__fail(c, TERN_ERR_ARGUMENT, "training: there is no checkpoint to resume from");
    return TERN_OK;
}

/* The element type of the targets that the data set gives for training. */
static tern_type target_type(const tern_dataset *d) {
    const tern_dataset_source *source = &d->shared->source;
    int64_t sample = tern_dataset_source_sample(d, 0);
    tern_tensor inputs[TERN_DATASET_MAX_INPUTS] = {0}, target = {.dims = {1}};
    for (size_t i = 0; i < source->n_inputs; i++) inputs[i].dims[0] = 1;
    source->shapes(source->self, &sample, 1, true, inputs, &target);
    return target.type;
}

static tern_status make_trainer(tern__run *r, const tern_graph *graph) {
    const tern_train_options *o = &r->options;
    tern_trainer_options t = TERN_TRAINER_OPTIONS_INIT;
    t.loss = o->loss;
    t.optimizer = o->optimizer;
    t.target = tern__run_mixes(o) ? TERN_FLOAT : target_type(r->dataset);
    t.seed = o->seed;
    if (r->dataset->shared->source.n_inputs != graph->n_inputs)
        return tern__fail(r->context, TERN_ERR_SHAPE,
                          "the data set has %zu inputs, the network %zu",
                          r->dataset->shared->source.n_inputs, graph->n_inputs);
    return tern_trainer_create(&r->trainer, graph, &t);
}

static tern_status start(tern__run *r, const tern_graph *graph) {
    tern_context *c = r->context;
    tern_train_options *o = &r->options;
    int64_t count = r->dataset->count;
    r->batches = o->drop_last ? count / o->batch : (count + o->batch - 1) / o->batch;
    if (r->batches < 1)
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "training: %lld samples are less than a batch of %lld, and drop_last is set",
            (long long)count, (long long)o->batch);
    if (o->checkpoint_seconds <= 0) o->checkpoint_seconds = 300;
    tern_status st = make_trainer(r, graph);
    if (st != TERN_OK) return st;
    double rate = r->trainer->optimizer->options.learning_rate;
    if ((st = tern__schedule_make(&r->schedule, c, &o->schedule, rate, o->epochs, r->batches)) ||
        (st = tern__run_settings(r, graph)))
        return st;
    size_t best =
        o->validation && !o->keep_last ? (size_t)tern__checkpoint_elements(r->trainer) : 0;
    if (!(r->order = tern__calloc(c, (size_t)count, sizeof *r->order)) ||
        (best && !(r->best = tern__calloc(c, best, sizeof *r->best))))
        return TERN_ERR_MEMORY;
    r->state.validation_loss = r->state.validation_accuracy = NAN;
    r->state.best_loss = r->state.best_accuracy = NAN;
    if (!(r->history = json_array()))
        return tern__fail(c, TERN_ERR_MEMORY, "training: no memory for the history");
    if ((st = tern__training_spare_data(c, o, r->dataset)) != TERN_OK) return st;
    if (o->checkpoint && (st = check_writable(c, o->checkpoint)) != TERN_OK) return st;
    if (o->resume && access(o->checkpoint, F_OK) == 0 && (st = load(r)) != TERN_OK) return st;
    return o->log ? tern__log_start(c, o->log, r->history) : TERN_OK;
}

static void put_best(const tern__run *r, tern_graph *g) {
    const tern_trainer *t = r->trainer;
    const float *from = r->best;
    for (size_t i = 0; i < t->optimizer->n_weights; i++) {
        int64_t n = t->optimizer->weights[i].rows * t->optimizer->weights[i].row;
        memcpy(g->values[t->weight_values[i]].data, from, (size_t)n * sizeof *from);
        from += n;
    }
    for (size_t i = 0; i < t->optimizer->n_buffers; i++) {
        int64_t n = t->optimizer->buffers[i].count;
        memcpy(g->values[t->buffer_values[i]].data, from, (size_t)n * sizeof *from);
        from += n;
    }
}

static double number_or_nan(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static tern_status finish(tern__run *r, tern_model **model) {
    tern_graph *network;
    tern_status st = tern__trainer_network(&network, r->trainer, true);
    if (st != TERN_OK) return st;
    bool best = r->best && r->state.best_epoch;
    if (best) put_best(r, network);
    if ((st = tern__model_take(model, network)) != TERN_OK || !r->options.result) return st;
    const tern__run_state *s = &r->state;
    const json_t *last = json_array_get(r->history, json_array_size(r->history) - 1);
    *r->options.result = (tern_train_result){
        .epochs = (int)s->epoch,
        .epoch = (int)(best ? s->best_epoch : s->epoch),
        .stopped_early = s->stopped_early,
        .loss = best ? s->best_train_loss : number_or_nan(last, "loss"),
        .accuracy = best ? s->best_train_accuracy : number_or_nan(last, "accuracy"),
        .validation_loss = best ? s->best_loss : s->validation_loss,
        .validation_accuracy = best ? s->best_accuracy : s->validation_accuracy,
        .seconds = s->seconds,
        .steps = r->trainer->optimizer->steps,
    };
    return TERN_OK;
}

static void clean(tern__run *r) {
    tern_context *c = r->context;
    tern__free(c, r->mixed);
    tern__free(c, r->soft_target.data);
    tern__batch_free(&r->batch);
    tern__free(c, r->order);
    tern__free(c, r->best);
    json_decref(r->history);
    json_decref(r->settings);
    tern_trainer_free(r->trainer);
    tern__free(c, r);
}

tern_status tern_train(tern_model **model, const tern_graph *graph, tern_dataset *dataset,
                       const tern_train_options *options) {
    *model = NULL;
    tern_status st = tern_graph_check(graph);
    if (st != TERN_OK) return st;
    tern_context *c = graph->context;
    tern_train_options defaults = TERN_TRAIN_OPTIONS_INIT;
    if (!options) options = &defaults;
    if ((st = check_options(c, options)) != TERN_OK) return st;
    tern__run *r = tern__calloc(c, 1, sizeof *r);
    if (!r) return TERN_ERR_MEMORY;
    r->context = c;
    r->options = *options;
    r->dataset = dataset;
    r->batch.context = c;
    r->saved = now();
    st = start(r, graph);
    while (st == TERN_OK && !r->state.finished) st = run_epoch(r);
    if (st == TERN_OK) st = finish(r, model);
    clean(r);
    return st;
}
