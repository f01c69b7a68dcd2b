/* What a run remembers, as JSON; and the settings under which it may be resumed. */
#include "train_run.h"

#include "core/base/arithmetic.h"
#include "core/base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the state ---- */

typedef struct field {
    const char *name;
    size_t offset;
    bool real; /* double; else int64_t */
} field;

#define WHOLE(name)                                                                                \
    { #name, offsetof(tern__run_state, name), false }
#define REAL(name)                                                                                 \
    { #name, offsetof(tern__run_state, name), true }
static const field fields[] = {
    WHOLE(epoch),
    WHOLE(position),
    REAL(loss_sum),
    WHOLE(samples),
    WHOLE(correct),
    WHOLE(counted),
    WHOLE(skipped),
    WHOLE(skipped_in_a_row),
    REAL(seconds),
    REAL(epoch_seconds),
    REAL(validation_loss),
    REAL(validation_accuracy),
    WHOLE(best_epoch),
    REAL(best_loss),
    REAL(best_accuracy),
    REAL(best_train_loss),
    REAL(best_train_accuracy),
    REAL(plateau_factor),
    REAL(plateau_best),
    WHOLE(plateau_bad_epochs),
    WHOLE(plateau_cooldown),
    WHOLE(finished),
    WHOLE(stopped_early),
};
enum { FIELDS = sizeof fields / sizeof *fields };

json_t *tern__run_state_to_json(const tern__run_state *state, bool has_best) {
    json_t *json = json_object();
    tern__json_set(&json, "has_best", json_boolean(has_best));
    for (int i = 0; i < FIELDS; i++) {
        const char *at = (const char *)state + fields[i].offset;
        double real;
        int64_t whole;
        json_t *value;
        if (fields[i].real) {
            memcpy(&real, at, sizeof real);
            value = tern__json_number(real);
        } else {
            memcpy(&whole, at, sizeof whole);
            value = json_integer(whole);
        }
        tern__json_set(&json, fields[i].name, value);
    }
    return json;
}

tern_status tern__run_state_from_json(tern_context *c, tern__run_state *state, const json_t *json) {
    for (int i = 0; i < FIELDS; i++) {
        const json_t *value = json_object_get(json, fields[i].name);
        char *at = (char *)state + fields[i].offset;
        double real = json_is_null(value) ? NAN : json_number_value(value);
        int64_t whole = json_integer_value(value);
        bool fits = fields[i].real ? json_is_number(value) || json_is_null(value)
                                   : json_is_integer(value) && whole >= 0;
        if (!fits)
            return tern__fail(c, TERN_ERR_FORMAT, "checkpoint: '%s' is missing or no number",
                              fields[i].name);
        if (fields[i].real)
            memcpy(at, &real, sizeof real);
        else
            memcpy(at, &whole, sizeof whole);
    }
    return TERN_OK;
}

/* ---- the settings ---- */

static uint64_t hash_text(uint64_t h, const char *text) { return tern__hash_text(h, text) * 31; }

/* Operators, names and shapes, not weights. */
static uint64_t network_fingerprint(const tern_graph *g) {
    uint64_t h = TERN__HASH_START;
    for (size_t i = 0; i < g->n_values; i++) {
        const tern__value *v = &g->values[i];
        h = tern__random_stream(hash_text(h, v->name), (uint64_t)v->kind, (uint64_t)v->shape.rank);
        for (int k = 0; k < v->shape.rank; k++)
            h = tern__random_stream(h, (uint64_t)v->shape.dims[k], 0);
    }
    for (size_t i = 0; i < g->n_nodes; i++) {
        h = hash_text(h, g->nodes[i].op->name);
        for (int k = 0; k < g->nodes[i].n_inputs; k++)
            h = tern__random_stream(h, (uint64_t)g->nodes[i].inputs[k], 1);
    }
    return h;
}

static void set_hash(json_t **to, const char *key, uint64_t h) {
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)h);
    tern__json_set(to, key, json_string(text));
}

static uint64_t class_weights_hash(const tern_loss_options *o) {
    uint64_t h = o->n_class_weights;
    for (size_t i = 0; o->class_weights && i < o->n_class_weights; i++) {
        uint32_t bits;
        memcpy(&bits, &o->class_weights[i], sizeof bits);
        h = tern__random_stream(h, bits, 2);
    }
    return h;
}

tern_status tern__run_settings(tern__run *r, const tern_graph *network) {
    const tern_train_options *o = &r->options;
    const tern_optimizer_options *p = &r->trainer->optimizer->options;
    const tern_schedule_options *s = &r->schedule.options;
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"number of samples", (double)r->dataset->count},
        {"epochs", o->epochs},
        {"batch", (double)o->batch},
        {"drop_last", o->drop_last},
        {"monitor", o->monitor},
        {"keep_last", o->keep_last},
        {"mixup", o->mixup},
        {"cutmix", o->cutmix},
        {"mixup_off_epochs", o->mixup_off_epochs},
        {"loss", o->loss.kind},
        {"loss sum", o->loss.sum},
        {"label_smoothing", o->loss.label_smoothing},
        {"ignore", o->loss.ignore},
        {"ignore_index", (double)o->loss.ignore_index},
        {"positive_weight", o->loss.positive_weight},
        {"delta", o->loss.delta},
        {"weighted loss", o->loss.weighted},
        {"smooth", o->loss.smooth},
        {"loss alpha", o->loss.alpha},
        {"loss beta", o->loss.beta},
        {"loss gamma", o->loss.gamma},
        {"per_image", o->loss.per_image},
        {"auxiliary", o->loss.auxiliary},
        {"optimizer", p->kind},
        {"learning_rate", p->learning_rate},
        {"momentum", p->momentum},
        {"dampening", p->dampening},
        {"nesterov", p->nesterov},
        {"beta1", p->beta1},
        {"beta2", p->beta2},
        {"smoothing", p->smoothing},
        {"epsilon", p->epsilon},
        {"weight_decay", p->weight_decay},
        {"decay_matrices_only", p->decay_matrices_only},
        {"clip_value", p->clip_value},
        {"clip_norm", p->clip_norm},
        {"max_norm", p->max_norm},
        {"ema", p->ema},
        {"schedule", s->kind},
        {"warmup_epochs", s->warmup_epochs},
        {"warmup_start", s->warmup_start},
        {"gamma", s->gamma},
        {"step_epochs", s->step_epochs},
        {"minimum learning rate", s->minimum},
        {"rise", s->rise},
        {"start_divisor", s->start_divisor},
        {"end_divisor", s->end_divisor},
        {"cycle_momentum", s->cycle_momentum},
        {"base_momentum", s->base_momentum},
        {"maximum_momentum", s->maximum_momentum},
        {"plateau_patience", s->plateau_patience},
        {"plateau_cooldown", s->plateau_cooldown},
        {"plateau_threshold", s->plateau_threshold},
    };
    r->settings = json_object();
    set_hash(&r->settings, "seed", o->seed);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        tern__json_set(&r->settings, numbers[i].key, json_real(numbers[i].value));
    set_hash(&r->settings, "network", network_fingerprint(network));
    set_hash(&r->settings, "data set", tern__dataset_fingerprint(r->dataset));
    set_hash(&r->settings, "validation set",
             o->validation ? tern__dataset_fingerprint(o->validation) : 0);
    set_hash(&r->settings, "class_weights", class_weights_hash(&o->loss));
    return r->settings
               ? TERN_OK
               : tern__fail(r->context, TERN_ERR_MEMORY, "no memory for the run's settings");
}
