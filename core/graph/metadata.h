/* What models of every domain say about themselves in their metadata. Internal.
 *   tern.labels    JSON array of strings, in the order of the logits
 *   tern.training  {"program", "version", "network", "seed", ..., "data"}: how the model was
 *                  trained, for people */
#ifndef TERN_CORE_METADATA_H
#define TERN_CORE_METADATA_H

#include "core/base/json.h"
#include <tern/model.h>
#include <tern/train.h>

/* Sets a key to a JSON value, which is freed; NULL: memory ran out while it was made. digits: of
 * numbers that are not whole. */
tern_status tern__metadata_set(tern_model *model, tern_context *c, const char *key, json_t *value,
                               int digits);

/* Reads a whole number that lies in least..most; false, and *number untouched, for anything else.
 */
bool tern__metadata_int(int *number, const json_t *value, int least, int most);

/* TERN_ERR_FORMAT if a label is not UTF-8, which no model can hold: to be asked before training. */
tern_status tern__metadata_check_labels(tern_context *c,
                                        const char *(*label_of)(const void *data, size_t i),
                                        const void *data, size_t count);
/* Writes tern.labels: label_of(data, i) for each i below count. TERN_ERR_FORMAT if one is not
 * UTF-8. */
tern_status tern__metadata_set_labels(tern_model *model, tern_context *c,
                                      const char *(*label_of)(const void *data, size_t i),
                                      const void *data, size_t count);
/* Reads tern.labels, of which there is at least one. TERN_ERR_FORMAT if they are no such array;
 * then *labels is NULL and *count 0. They go back by tern__metadata_free_labels. */
tern_status tern__metadata_labels(const char ***labels, size_t *count, tern_context *c,
                                  const tern_model *model);
void tern__metadata_free_labels(const char **labels, size_t count, tern_context *c);

/* " (it is a model of texts)": by the front end that its metadata have, for the sentences of those
 * that look for another one; "" if there is none. */
const char *tern__metadata_front_end(const tern_model *model);

/* Writes tern.training: program, version, network and seed, then the facts (an object, which is
 * freed; NULL: memory ran out), then the last part of the data's path. Nothing in it depends on the
 * machine or the day, so that the same training gives the same file. */
tern_status tern__metadata_set_training(tern_model *model, tern_context *c, const char *network,
                                        uint64_t seed, json_t *facts, const char *path);
/* Which of a domain's networks (name_of(0), name_of(1), ... until NULL) a model says it is;
 * *network is NULL if it is none of them. TERN_ERR_MEMORY is the only error. */
tern_status tern__metadata_network(const char **network, tern_context *c, const tern_model *model,
                                   const char *(*name_of)(size_t index));
/* The facts of a classifier's training. unit: what a sample is ("clips"); count: trained on. */
json_t *tern__metadata_facts(const char *unit, int64_t count, const tern_train_options *o,
                             const tern_train_result *r);

#endif
