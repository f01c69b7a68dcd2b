/* Checkpoints as safetensors: weight/, moment0/, moment1/, average/, behind/ and best/ before the
 * weights' names, steps/past (it and behind/ for optimizer_lazy.c), and settings, state and history
 * as JSON in the metadata. */
#include "checkpoint.h"

#include "core/base/json.h"
#include "core/onnx/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char format_version[] = "1";

/* ---- the arrays ---- */

typedef struct slots {
    tern_context *context;
    tern__safe_tensor *at;
    size_t count;
} slots;

static tern_status add_shaped(slots *s, const char *prefix, const char *of, int rank,
                              const int64_t *dims, const float *data) {
    if (!data) return TERN_OK;
    char *name = tern__format(s->context, "%s/%s", prefix, of);
    if (!name) return TERN_ERR_MEMORY;
    tern__safe_tensor *t = &s->at[s->count++];
    *t = (tern__safe_tensor){.name = name, .type = TERN__SAFE_F32, .rank = rank, .data = data};
    memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    return TERN_OK;
}

static tern_status add(slots *s, const char *prefix, const tern__value *v, const float *data) {
    return add_shaped(s, prefix, v->name, v->shape.rank, v->shape.dims, data);
}

static void free_slots(slots *s) {
    for (size_t i = 0; i < s->count; i++) tern__free(s->context, (char *)s->at[i].name);
    tern__free(s->context, s->at);
}

/* Every array of a run, with where it lies in memory. */
static tern_status list_slots(slots *s, const tern_trainer *t, const float *best) {
    const tern__optimizer *o = t->optimizer;
    *s = (slots){.context = t->context};
    s->at = tern__calloc(t->context, 6 * o->n_weights + 3 * o->n_buffers + 1, sizeof *s->at);
    tern_status st = s->at ? TERN_OK : TERN_ERR_MEMORY;
    const int64_t past[] = {TERN__LAZY_STEPS, sizeof *o->past / sizeof(float)};
    if (st == TERN_OK && o->any_lazy)
        st = add_shaped(s, "steps", "past", 2, past, &o->past[0].rate);
    for (size_t i = 0; st == TERN_OK && i < o->n_weights; i++) {
        const tern__weight *w = &o->weights[i];
        const tern__value *v = &t->graph->values[t->weight_values[i]];
        if ((st = add(s, "weight", v, w->data)) != TERN_OK ||
            (st = add(s, "moment0", v, w->moments[0])) != TERN_OK ||
            (st = add(s, "moment1", v, w->moments[1])) != TERN_OK ||
            (st = add(s, "average", v, w->average)) != TERN_OK ||
            (st = add_shaped(s, "behind", v->name, 1, &w->rows, w->behind)) != TERN_OK ||
            (st = add(s, "best", v, best)) != TERN_OK)
            break;
        if (best) best += w->rows * w->row;
    }
    for (size_t i = 0; st == TERN_OK && i < o->n_buffers; i++) {
        const tern__buffer *b = &o->buffers[i];
        const tern__value *v = &t->graph->values[t->buffer_values[i]];
        if ((st = add(s, "weight", v, b->data)) != TERN_OK ||
            (st = add(s, "average", v, b->average)) != TERN_OK ||
            (st = add(s, "best", v, best)) != TERN_OK)
            break;
        if (best) best += b->count;
    }
    if (st != TERN_OK) free_slots(s);
    return st;
}

int64_t tern__checkpoint_elements(const tern_trainer *t) {
    int64_t n = t->optimizer->elements;
    for (size_t i = 0; i < t->optimizer->n_buffers; i++) n += t->optimizer->buffers[i].count;
    return n;
}

/* ---- saving ---- */

static tern_status dump(tern_context *c, char **text, const json_t *value) {
    return tern__json_dump(text, c, "a checkpoint", value, JSON_COMPACT | JSON_REAL_PRECISION(17));
}

tern_status tern__checkpoint_save(const char *path, const tern_trainer *t,
                                  const tern__checkpoint *checkpoint) {
    tern_context *c = t->context;
    if (!tern__trainer_finite(t))
        return tern__fail(c, TERN_ERR_DIVERGED,
                          "a weight is not finite any more; the checkpoint '%s' was not written",
                          path);
    slots s;
    tern__optimizer_saving(t->optimizer);
    tern_status st = list_slots(&s, t, checkpoint->best);
    if (st != TERN_OK) return st;
    char *settings = NULL, *state = NULL, *history = NULL, steps[32], draws[32];
    snprintf(steps, sizeof steps, "%lld", (long long)t->optimizer->steps);
    snprintf(draws, sizeof draws, "%lld", (long long)t->draws);
    if ((st = dump(c, &settings, checkpoint->settings)) == TERN_OK &&
        (st = dump(c, &state, checkpoint->state)) == TERN_OK &&
        (st = dump(c, &history, checkpoint->history)) == TERN_OK) {
        const tern__safe_text metadata[] = {
            {"tern.checkpoint", format_version},
            {"tern.version", TERN_VERSION},
            {"steps", steps},
            {"draws", draws},
            {"settings", settings},
            {"state", state},
            {"history", history},
        };
        st = tern__safetensors_save(c, path, s.at, s.count, metadata,
                                    sizeof metadata / sizeof *metadata);
    }
    tern__free(c, settings);
    tern__free(c, state);
    tern__free(c, history);
    free_slots(&s);
    return st;
}

/* ---- loading ---- */

static tern_status parse(tern_context *c, const char *path, const tern__safetensors *file,
                         const char *key, bool array, json_t **value) {
    const char *text = tern__safetensors_metadata(file, key);
    *value = NULL;
    if (text && tern__json_read(value, c, path, text, strlen(text)) == TERN_ERR_MEMORY)
        return TERN_ERR_MEMORY;
    if (*value && (array ? json_is_array(*value) : json_is_object(*value))) return TERN_OK;
    json_decref(*value);
    *value = NULL;
    return tern__fail(c, TERN_ERR_FORMAT, "'%s' is no checkpoint of tern: its %s cannot be read",
                      path, key);
}

static tern_status describe(tern_context *c, const json_t *value, char *out, size_t size) {
    char *text = NULL;
    tern_status st = TERN_OK;
    if (value) st = tern__json_dump(&text, c, "a setting", value, JSON_REAL_PRECISION(9));
    snprintf(out, size, "%s", text ? text : "absent");
    tern__free(c, text);
    return st;
}

static tern_status compare_settings(tern_context *c, const char *path, const json_t *there,
                                    json_t *here) {
    const char *key;
    json_t *value;
    json_object_foreach(here, key, value) {
        const json_t *old = json_object_get(there, key);
        if (old && json_equal(old, value)) continue;
        char before[64], now[64];
        tern_status st = describe(c, old, before, sizeof before);
        if (st == TERN_OK) st = describe(c, value, now, sizeof now);
        if (st != TERN_OK) return st;
        return tern__fail(
            c, TERN_ERR_ARGUMENT,
            "cannot resume from '%s': its %s is %s, now it is %s; use the same data and "
            "options, or start anew without resuming",
            path, key, before, now);
    }
    return TERN_OK;
}

static tern_status read_count(tern_context *c, const char *path, const tern__safetensors *file,
                              const char *key, int64_t *value) {
    const char *text = tern__safetensors_metadata(file, key);
    char *end = NULL;
    long long number = text ? strtoll(text, &end, 10) : -1;
    if (!text || end == text || *end || number < 0)
        return tern__fail(c, TERN_ERR_FORMAT,
                          "'%s' is no checkpoint of tern: its %s cannot be read", path, key);
    *value = number;
    return TERN_OK;
}

static tern_status read_arrays(const tern__safetensors *file, const slots *s) {
    tern_status st = TERN_OK;
    for (size_t i = 0; st == TERN_OK && i < s->count; i++)
        st = tern__safetensors_get(file, s->at[i].name, TERN__SAFE_F32, s->at[i].rank,
                                   s->at[i].dims, (void *)s->at[i].data);
    return st;
}

/* Weights that are not finite do not come from tern, and would only diverge. */
static tern_status check_finite(const tern_trainer *t, const char *path) {
    if (tern__trainer_finite(t)) return TERN_OK;
    return tern__fail(t->context, TERN_ERR_FORMAT,
                      "checkpoint '%s' holds weights that are not finite", path);
}

tern_status tern__checkpoint_load(const char *path, tern_trainer *t, tern__checkpoint *checkpoint,
                                  bool *has_best) {
    tern_context *c = t->context;
    tern__safetensors *file;
    json_t *settings = NULL;
    slots s = {.context = c};
    checkpoint->state = checkpoint->history = NULL;
    /* What a run of this network writes, and ample room for names and history. */
    size_t limit = (size_t)tern__checkpoint_elements(t) * 5 * sizeof(float) + ((size_t)256 << 20);
    tern_status st = tern__safetensors_load(&file, c, path, limit);
    if (st != TERN_OK) return st;
    const char *version = tern__safetensors_metadata(file, "tern.checkpoint");
    if (!version || strcmp(version, format_version) != 0) {
        st = tern__fail(c, TERN_ERR_FORMAT, "'%s' is %s", path,
                        version ? "a checkpoint of another version of tern"
                                : "no checkpoint of tern");
        goto done;
    }
    if ((st = parse(c, path, file, "settings", false, &settings)) != TERN_OK ||
        (st = compare_settings(c, path, settings, checkpoint->settings)) != TERN_OK ||
        (st = parse(c, path, file, "state", false, &checkpoint->state)) != TERN_OK ||
        (st = parse(c, path, file, "history", true, &checkpoint->history)) != TERN_OK)
        goto done;
    *has_best = json_is_true(json_object_get(checkpoint->state, "has_best"));
    if ((st = list_slots(&s, t, *has_best ? checkpoint->best : NULL)) != TERN_OK) goto done;
    if ((st = read_arrays(file, &s)) == TERN_OK && (st = check_finite(t, path)) == TERN_OK &&
        (st = read_count(c, path, file, "steps", &t->optimizer->steps)) == TERN_OK)
        st = read_count(c, path, file, "draws", &t->draws);
    free_slots(&s);
    tern__optimizer_restored(t->optimizer);
done:
    json_decref(settings);
    tern__safetensors_free(file);
    if (st == TERN_OK) return TERN_OK;
    json_decref(checkpoint->state);
    json_decref(checkpoint->history);
    checkpoint->state = checkpoint->history = NULL;
    return st;
}
