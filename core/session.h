/* What a domain keeps with a session: its front end and scratch memory. Internal. */
#ifndef TERN_CORE_SESSION_H
#define TERN_CORE_SESSION_H

#include "base.h"
#include <tern/session.h>

/* The session's own context: its sentence, its threads. */
tern_context *tern__session_context(tern_session *session);
/* The context of its model, which keeps the sentences of what is done to the model itself. */
tern_context *tern__session_model_context(const tern_session *session);
/* Whether an output, as it was planned or is given, is of floats and of these sizes (-1: any): what a
 * front end was told of a network need not be so. Fails with the session's sentence. */
tern_status tern__session_expect(tern_session *session, const tern_tensor *output, int rank,
                                 const int64_t *dims);
/* The first output of the inputs that were last prepared, without data. */
tern_tensor tern__session_output(const tern_session *session);
/* Plans that would take more bytes than this are refused (TERN_ERR_LIMIT) before they take any. */
void tern__session_set_limit(tern_session *session, size_t bytes);
/* One attachment a session, freed with it; NULL before one was made. */
void *tern__session_attachment(const tern_session *session);
void tern__session_attach(tern_session *session, void *attachment,
                          void (*release)(tern_context *context, void *attachment));

#endif
