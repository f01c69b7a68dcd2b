/* Explaining for a session: what the public door does for a model, with another context. Internal. */
#ifndef TERN_CORE_EXPLAIN_H
#define TERN_CORE_EXPLAIN_H

#include <tern/explain.h>

/* tern_explainer_create of a network, which must outlive the explainer; sentences and memory are
 * the network's context's (tern__session_graph: the session's). */
tern_status tern__explainer_create(tern_explainer **explainer, const tern_graph *network,
                                   const char *layer);

#endif
