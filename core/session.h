/* What a domain keeps with a session: its front end and scratch memory. Internal. */
#ifndef TERN_CORE_SESSION_H
#define TERN_CORE_SESSION_H

#include "base.h"
#include <tern/session.h>

/* The session's own context: its sentence, its threads. */
tern_context *tern__session_context(tern_session *session);
/* The context of its model, which keeps the sentences of what is done to the model itself. */
tern_context *tern__session_model_context(const tern_session *session);
/* One attachment a session, freed with it; NULL before one was made. */
void *tern__session_attachment(const tern_session *session);
void tern__session_attach(tern_session *session, void *attachment,
                          void (*release)(tern_context *context, void *attachment));

#endif
