/* A session from the inside: the context it runs with, and what domains keep with it (front end,
 * scratch memory). Internal. */
#ifndef TERN_CORE_SESSION_H
#define TERN_CORE_SESSION_H

#include "core/base/base.h"
#include <tern/dataset.h>
#include <tern/explain.h>
#include <tern/session.h>

/* tern_session_create for a call that has a context: a failure leaves its sentence in c. */
tern_status tern__session_create(tern_session **session, const tern_model *model, tern_context *c);
/* The session's own context: its sentence, its threads. Whatever runs for a session uses it and
 * never the model's, which belongs to no thread. */
tern_context *tern__session_context(tern_session *session);
/* Whether an output, as it was planned or is given, is of floats and of these sizes (-1: any): what
 * a front end was told of a network need not be so. Fails with the session's sentence. */
tern_status tern__session_expect(tern_session *session, const tern_tensor *output, int rank,
                                 const int64_t *dims);
/* The first output of the inputs that were last prepared, without data. */
tern_tensor tern__session_output(const tern_session *session);
/* Plans that would take more bytes than this are refused (TERN_ERR_LIMIT) before they take any. */
void tern__session_set_limit(tern_session *session, size_t bytes);
/* The model's network seen through that context: what is made of it (plans, copies, parts) fails
 * and allocates there. It owns nothing and lives as long as the session. */
const tern_graph *tern__session_graph(const tern_session *session);

/* What tern_explainer_create and tern_evaluate do for a model, with the session's context instead
 * of the model's (explain.c, evaluate.c). The session outlives the explainer. predictions:
 * [samples] the greatest logit of each. */
tern_status tern__session_explainer(tern_explainer **explainer, const tern_session *session,
                                    const char *layer);
tern_status tern__session_predict(int64_t *predictions, const tern_session *session,
                                  const tern_dataset *dataset, int64_t batch);

/* Keeps the session's context for something that may outlive the session and its model (not the
 * context that the model was made with). Every hold is let go once; NULL is allowed. */
tern_context *tern__session_context_hold(tern_session *session);
void tern__session_context_let_go(tern_context *held);

/* A type of attachment: one constant each, whose address is the key. A session has at most one
 * attachment of a type, and any number of types, which know nothing of each other. */
typedef struct tern__attachment_type {
    size_t size; /* bytes; make gets them zeroed */
    tern_status (*make)(void *attachment, tern_session *session);
    /* Frees what the attachment holds, not itself; also after a make that failed half-way. */
    void (*release)(void *attachment, tern_context *c);
} tern__attachment_type;

/* The session's attachment of this type, made at the first call and freed with the session. On
 * failure *attachment is NULL and the next call tries again. */
tern_status tern__session_attachment(void **attachment, tern_session *session,
                                     const tern__attachment_type *type);

#endif
