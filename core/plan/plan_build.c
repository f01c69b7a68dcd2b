/* What all passes of a plan use: values, nodes and memory of a plan that is being built. */
#include "plan_build.h"

#include <string.h>

void *tern__plan_own(tern__plan *p, size_t count, size_t size) {
    void **grown = tern__grow(p->context, p->owned, p->n_owned, &p->owned_capacity, p->n_owned + 1,
                              sizeof *p->owned);
    if (!grown) return NULL;
    p->owned = grown;
    void *memory = tern__calloc(p->context, count, size);
    if (memory) p->owned[p->n_owned++] = memory;
    return memory;
}

int tern__plan_add_value(tern__plan *p, const tern__tensor *like, tern__value_kind kind) {
    tern__tensor t = *like; /* `like` may lie in the list that grows */
    tern__plan_value *grown = tern__grow(p->context, p->values, p->n_values, &p->values_capacity,
                                         p->n_values + 1, sizeof *p->values);
    if (!grown) return -1;
    p->values = grown;
    t.data = NULL;
    p->values[p->n_values] = (tern__plan_value){
        .tensor = t, .kind = kind, .alias = -1, .other = -1, .gradient = -1, .storage = -1};
    return (int)p->n_values++;
}

tern__plan_node *tern__plan_insert(tern__plan *p, size_t at, const tern__op *op, const char *name,
                                   int n_inputs, int n_outputs) {
    tern__plan_node *grown = tern__grow(p->context, p->nodes, p->n_nodes, &p->nodes_capacity,
                                        p->n_nodes + 1, sizeof *p->nodes);
    if (!grown) return NULL;
    p->nodes = grown;
    int *lists = tern__plan_own(p, (size_t)(n_inputs + n_outputs), sizeof *lists);
    if (!lists) return NULL;
    memmove(p->nodes + at + 1, p->nodes + at, (p->n_nodes - at) * sizeof *p->nodes);
    p->n_nodes++;
    p->nodes[at] = (tern__plan_node){.op = op,
                                     .name = name,
                                     .n_inputs = n_inputs,
                                     .n_outputs = n_outputs,
                                     .inputs = lists,
                                     .outputs = lists + n_inputs};
    return &p->nodes[at];
}

int tern__plan_root(const tern__plan *p, int value) {
    while (p->values[value].alias >= 0) value = p->values[value].alias;
    return value;
}

void tern__plan_bury(tern__plan *p) {
    size_t kept = 0;
    for (size_t i = 0; i < p->n_nodes; i++)
        if (!p->nodes[i].dead) p->nodes[kept++] = p->nodes[i];
    p->n_nodes = kept;
}
