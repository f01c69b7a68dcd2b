/* Tables of a textcnn: what each filter makes of each word at each of its places, so that a text's
 * windows are sums of rows. Since the vocabulary is fixed, embedding and convolution are one linear
 * map per word: row[w] = for each width k and place e the `filters` numbers W_k[:, :, e] v_w. Rows
 * are made when their word first occurs. Internal. */
#ifndef TERN_TEXT_TABLES_H
#define TERN_TEXT_TABLES_H

#include "core/base/base.h"
#include "core/graph/graph.h"

typedef struct tern__text_tables tern__text_tables;

/* *tables is NULL, without an error, if the network is not a textcnn as networks.c builds it. */
tern_status tern__text_tables_create(tern__text_tables **tables, tern_context *c,
                                     const tern_graph *g, size_t memory);
void tern__text_tables_free(tern__text_tables *tables, tern_context *c);

/* A text as ids. */
typedef struct tern__text_ids {
    const int64_t *at;
    int64_t count;
} tern__text_ids;

/* logits [count, classes] of these texts, on the context's threads. Returns how many are done:
 * fewer than count if the next one has more different words than there is room for. */
size_t tern__text_tables_run(tern__text_tables *tables, const tern_context *c,
                             const tern__text_ids *texts, size_t count, float *logits);
/* Ids are below it. */
int64_t tern__text_tables_words(const tern__text_tables *tables);

#endif
