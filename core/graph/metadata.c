/* Writes and reads the metadata that models of every domain have: labels, and how the model came
 * about. Knows JSON; runs nothing. */
#include "metadata.h"

#include "core/base/labels.h"

#include <stdio.h>
#include <string.h>

tern_status tern__metadata_set(tern_model *model, tern_context *c, const char *key, json_t *value,
                               int digits) {
    char *text;
    tern_status st = tern__json_dump(&text, c, key, value, JSON_REAL_PRECISION(digits));
    json_decref(value);
    if (st == TERN_OK) st = tern_model_set_metadata(model, key, text);
    tern__free(c, text);
    return st;
}

bool tern__metadata_int(int *number, const json_t *value, int least, int most) {
    const json_int_t given = json_integer_value(value);
    if (!json_is_integer(value) || given < least || given > most) return false;
    *number = (int)given;
    return true;
}

/* ---- labels ---- */

tern_status tern__metadata_check_labels(tern_context *c,
                                        const char *(*label_of)(const void *data, size_t i),
                                        const void *data, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!tern__json_holds(label_of(data, i)))
            return tern__fail(c, TERN_ERR_FORMAT, "the name of label %zu is not UTF-8: '%.200s'", i,
                              label_of(data, i));
    return TERN_OK;
}

tern_status tern__metadata_set_labels(tern_model *model, tern_context *c,
                                      const char *(*label_of)(const void *data, size_t i),
                                      const void *data, size_t count) {
    tern_status st = tern__metadata_check_labels(c, label_of, data, count);
    if (st != TERN_OK) return st;
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        tern__json_append(&array, json_string_nocheck(label_of(data, i)));
    return tern__metadata_set(model, c, "tern.labels", array, 6);
}

tern_status tern__metadata_labels(const char ***labels, size_t *count, tern_context *c,
                                  const tern_model *model) {
    const char *text = tern_model_metadata(model, "tern.labels");
    json_t *array, *label;
    tern_status st = tern__json_read(&array, c, "the model's tern.labels", text, strlen(text));
    const size_t n = json_array_size(array);
    size_t i;
    *labels = NULL;
    *count = 0;
    if (st == TERN_ERR_MEMORY) return st;
    if (!n)
        st = tern__fail(c, TERN_ERR_FORMAT, "the model's tern.labels is not a JSON array of names");
    else
        st = (*labels = tern__calloc(c, n, sizeof **labels)) ? TERN_OK : TERN_ERR_MEMORY;
    if (st == TERN_OK) json_array_foreach(array, i, label) {
            const char *name = json_string_value(label);
            if (!name)
                st = tern__fail(c, TERN_ERR_FORMAT, "the model's tern.labels: label %zu is no text",
                                i);
            else if (!((*labels)[i] = tern__label_copy(c, name)))
                st = TERN_ERR_MEMORY;
            if (st != TERN_OK) break;
        }
    json_decref(array);
    if (st == TERN_OK) {
        *count = n;
    } else {
        tern__metadata_free_labels(*labels, n, c);
        *labels = NULL;
    }
    return st;
}

void tern__metadata_free_labels(const char **labels, size_t count, tern_context *c) {
    for (size_t i = 0; labels && i < count; i++) tern__free(c, (char *)(uintptr_t)labels[i]);
    tern__free(c, labels);
}

const char *tern__metadata_front_end(const tern_model *model) {
    static const char *const kinds[][2] = {{"tern.audio", " (it is a model of sounds)"},
                                           {"tern.text", " (it is a model of texts)"},
                                           {"tern.vision", " (it is a model of pictures)"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (tern_model_metadata(model, kinds[i][0])) return kinds[i][1];
    return "";
}

/* ---- how the model came about ---- */

tern_status tern__metadata_set_training(tern_model *model, tern_context *c, const char *network,
                                        uint64_t seed, json_t *facts, const char *path) {
    const char *slash = strrchr(path, '/');
    json_t *root = json_pack("{s:s, s:s, s:s, s:I}", "program", "tern", "version", tern_version(),
                             "network", network, "seed", (json_int_t)seed);
    const char *name = slash && slash[1] ? slash + 1 : path, *key;
    json_t *fact;
    json_object_foreach(facts, key, fact) { tern__json_set(&root, key, json_incref(fact)); }
    if (!facts) {
        json_decref(root);
        root = NULL;
    }
    json_decref(facts);
    if (tern__json_holds(name)) tern__json_set(&root, "data", json_string_nocheck(name));
    return tern__metadata_set(model, c, "tern.training", root, 6);
}

tern_status tern__metadata_network(const char **network, tern_context *c, const tern_model *model,
                                   const char *(*name_of)(size_t index)) {
    const char *text = tern_model_metadata(model, "tern.training"), *said, *name;
    json_t *root = NULL;
    *network = NULL;
    if (text && tern__json_read_object(&root, c, "the model's tern.training", text, strlen(text)) ==
                    TERN_ERR_MEMORY)
        return TERN_ERR_MEMORY;
    said = json_string_value(json_object_get(root, "network"));
    for (size_t i = 0; said && !*network && (name = name_of(i)); i++)
        if (!strcmp(name, said)) *network = name;
    json_decref(root);
    return TERN_OK;
}

json_t *tern__metadata_facts(const char *unit, int64_t count, const tern_train_options *o,
                             const tern_train_result *r) {
    const int64_t validated = o->validation ? tern_dataset_count(o->validation) : 0;
    char validation[64];
    snprintf(validation, sizeof validation, "validation_%s", unit);
    return json_pack("{s:I, s:i, s:i, s:I, s:f, s:o, s:o, s:I, s:o, s:o}", unit, (json_int_t)count,
                     "epochs", r->epochs, "epoch", r->epoch, "batch", (json_int_t)o->batch,
                     "learning_rate", o->optimizer.learning_rate, "loss",
                     tern__json_number(r->loss), "accuracy", tern__json_number(r->accuracy),
                     validation, (json_int_t)validated, "validation_loss",
                     tern__json_number(r->validation_loss), "validation_accuracy",
                     tern__json_number(r->validation_accuracy));
}
